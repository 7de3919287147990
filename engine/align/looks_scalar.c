/* SPDX-License-Identifier: GPL-3.0-or-later */
/* looks_scalar.c - looking through frames, built for scalar; see looks.h. */
#define HK__LOOKS_NAME hk__looks_scalar
#include "align/looks_body.h"
