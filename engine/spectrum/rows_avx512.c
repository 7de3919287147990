/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows_avx512.c - the sampling loops built for avx512; see rows.h. */
#define HK__ROWS_NAME hk__rows_avx512
#include "spectrum/rows_body.h"
