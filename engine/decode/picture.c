/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picture.c - see picture.h. */
#include "decode/picture.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

void hk__picture_fail(hk__picture *picture, hk_file_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    picture->status = status;
    vsnprintf(picture->reason, sizeof picture->reason, format, args);
    va_end(args);
    hk__printable(picture->reason);
}
