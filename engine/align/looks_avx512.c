/* SPDX-License-Identifier: GPL-3.0-or-later */
/* looks_avx512.c - looking through frames, built for avx512; see looks.h. */
#define HK__LOOKS_NAME hk__looks_avx512
#include "align/looks_body.h"
