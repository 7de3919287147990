/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows_avx2.c - the sampling loops built for avx2; see rows.h. */
#define HK__ROWS_NAME hk__rows_avx2
#include "spectrum/rows_body.h"
