/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exif.c - see exif.h.
 *
 *      "Exif\0\0"  then a TIFF:  II*\0 or MM\0*,  offset of IFD0
 *      IFD0:  count(2)  count x [tag(2) type(2) n(4) value(4)]
 */
#include "decode/exif.h"

#include <stdbool.h>
#include <string.h>

typedef struct tiff {
    const uint8_t *bytes;
    size_t count;
    bool big_endian;
} tiff;

static unsigned get16(const tiff *t, size_t at)
{
    const uint8_t *p = t->bytes + at;
    return t->big_endian ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static size_t get32(const tiff *t, size_t at)
{
    return t->big_endian ? (size_t)get16(t, at) << 16 | get16(t, at + 2)
                         : (size_t)get16(t, at + 2) << 16 | get16(t, at);
}

unsigned hk__exif_orientation(const uint8_t *segment, size_t count)
{
    enum { ORIENTATION = 0x0112, SHORT = 3, LONG = 4, ENTRY = 12 };
    if (count < 6 + 8 || memcmp(segment, "Exif\0", 5))
        return 0;
    tiff t = {segment + 6, count - 6, false};
    if (!memcmp(t.bytes, "MM\0*", 4))
        t.big_endian = true;
    else if (memcmp(t.bytes, "II*\0", 4))
        return 0;

    size_t at = get32(&t, 4);
    if (at > t.count || t.count - at < 2)
        return 0;
    unsigned entries = get16(&t, at);
    at += 2;
    for (; entries && t.count - at >= ENTRY; entries--, at += ENTRY) {
        if (get16(&t, at) != ORIENTATION)
            continue;
        unsigned type = get16(&t, at + 2);
        size_t value = type == SHORT ? get16(&t, at + 8) : type == LONG ? get32(&t, at + 8) : 0;
        return value >= 1 && value <= 8 ? (unsigned)value : 0;
    }
    return 0;
}
