/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.c - see error.h. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void hk__printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';

    /* A cut in the middle of a UTF-8 sequence leaves a lead byte without its followers. */
    size_t n = strlen(text), back = 0;
    while (back < 4 && back < n && ((unsigned char)text[n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back < n) {
        unsigned char lead = (unsigned char)text[n - 1 - back];
        size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        if (want > back)
            text[n - 1 - back] = '\0';
    }
}

hk_status hk__fail(hk_error *err, hk_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        hk__printable(err->message);
    }
    return status;
}

hk_status hk__fail_memory(hk_error *err)
{
    return hk__fail(err, HK_ERR_NO_MEMORY, "out of memory");
}
