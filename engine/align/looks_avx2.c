/* SPDX-License-Identifier: GPL-3.0-or-later */
/* looks_avx2.c - looking through frames, built for avx2; see looks.h. */
#define HK__LOOKS_NAME hk__looks_avx2
#include "align/looks_body.h"
