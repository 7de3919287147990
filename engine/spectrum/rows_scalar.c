/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows_scalar.c - the sampling loops built for scalar; see rows.h. */
#define HK__ROWS_NAME hk__rows_scalar
#include "spectrum/rows_body.h"
