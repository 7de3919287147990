/* SPDX-License-Identifier: GPL-3.0-or-later */
/* escape.c - text and bytes as outputs have them: hk_text_escape, hk_text_base64 (herken.h). */
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

/* Marks that turn the direction of what follows: a name may look like another with them. U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool turns_text(const unsigned char *p, int n)
{
    if (n == 2)
        return p[0] == 0xd8 && p[1] == 0x9c;
    if (n != 3 || p[0] != 0xe2)
        return false;
    return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae))) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

hk_status hk_text_escape(char **out, bool *changed, const char *text, bool controls, hk_error *err)
{
    char *copy = hk__alloc(strlen(text) + 1, 4), *to = copy;
    bool escaped = false;
    if (!copy)
        return hk__fail_memory(err);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int n = hk__utf8_sequence(p);
        const bool always = *p == 0x7f || (*p == 0xc2 && n == 2 && p[1] < 0xa0);
        const bool shown = n > 0 && !always && !(controls && (*p < 0x20 || turns_text(p, n)));
        int count = n > 0 ? n : 1; /* a character is escaped as a whole */
        escaped |= !shown;
        while (count--)
            if (shown)
                *to++ = (char)*p++;
            else
                to += sprintf(to, "\\x%02x", *p++);
    }
    *to = '\0';
    *out = copy;
    if (changed)
        *changed = escaped;
    return HK_OK;
}

hk_status hk_text_base64(char **out, const void *bytes, size_t count, hk_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    char *text = hk__alloc(count / 3 + 2, 4), *to = text;
    if (!text)
        return hk__fail_memory(err);
    for (size_t i = 0; i < count; i += 3) {
        const size_t left = count - i;
        const unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                           (left > 2 ? p[i + 2] : 0);
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[v & 63] : '=';
    }
    *to = '\0';
    *out = text;
    return HK_OK;
}
