/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.c - see error.h. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

int hk__utf8_sequence(const unsigned char *p)
{
    /* Lowest and highest second byte keep out overlong forms, surrogates, and past U+10FFFF. */
    const int length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    const unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[0] > 0xf4)
        return 0;
    for (int i = 1; i < length; i++) {
        if (!p[i])
            return -1;
        if (p[i] < (i == 1 ? low : 0x80) || p[i] > (i == 1 ? high : 0xbf))
            return 0;
    }
    return length;
}

void hk__printable(char *text)
{
    unsigned char *p = (unsigned char *)text;
    while (*p) {
        const int length = hk__utf8_sequence(p);
        if (length < 0) {
            *p = '\0';
        } else if (length == 0 || *p < 0x20 || *p == 0x7f) {
            *p++ = '?';
        } else if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0) {
            *p++ = '?';
            *p++ = '?';
        } else {
            p += length;
        }
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
