/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hidden.c - see hidden.h.
 *
 *      PNG   signature, then  length(4) type(4) data checksum(4);  acTL before IDAT: an animation
 *      GIF   13 bytes, colours, blocks: 0x21 label, or 0x2c with 9 bytes, colours, 1 byte; then
 *            n(1) n x byte ... 0
 *      TIFF  II or MM, 42(2) offset(4); directory: n(2), n x 12 bytes, offset of the next(4)
 *            BigTIFF: 43(2) 8(2) 0(2) offset(8); n(8), n x 20 bytes, offset(8)
 *      HEIF  size(4) type(4) data;  a box `moov` beside `meta`: a sequence
 *
 * libpng shows the default picture of an animated PNG and libheif the primary one. A browser shows
 * the animation, to which the default picture need not belong. libtiff counts no pages behind a
 * directory that is broken, and others may.
 */
#include "decode/hidden.h"

#include <stdbool.h>
#include <string.h>

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t n = 0;
    while (bytes--)
        n = n << 8 | *p++;
    return n;
}

static bool is_animated_png(const uint8_t *bytes, size_t count)
{
    size_t at = 8;
    bool animated = false, single = false, first = false;
    while (count >= 12 && at <= count - 12) {
        const uint64_t length = number(bytes + at, 4);
        const uint8_t *type = bytes + at + 4;
        if (!memcmp(type, "IDAT", 4) || length > count - at - 12)
            break;
        if (!memcmp(type, "acTL", 4) && length == 8) {
            animated = true;
            single = number(type + 4, 4) == 1;
        }
        first |= !memcmp(type, "fcTL", 4);
        at += 12 + (size_t)length;
    }
    return animated && !(single && first); /* of one frame, and that is the default picture */
}

static bool is_sequence(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    while (count >= 8 && at <= count - 8) {
        uint64_t size = number(bytes + at, 4);
        if (!memcmp(bytes + at + 4, "moov", 4))
            return true;
        if (size == 1 && count - at >= 16)
            size = number(bytes + at + 8, 8);
        if (size < 8 || size > count - at)
            return false;
        at += (size_t)size;
    }
    return false;
}

/* Whether a GIF ends within a frame: nsgif shows what there is of it as if it were whole, if there
 * are others before it. One without its trailer has all its frames. */
static bool is_cut_gif(const uint8_t *bytes, size_t count)
{
    size_t at = 13;
    if (count < at)
        return true;
    at += bytes[10] & 0x80 ? 3u << ((bytes[10] & 7) + 1) : 0;
    while (at < count && (bytes[at] == 0x21 || bytes[at] == 0x2c)) {
        const bool frame = bytes[at] == 0x2c;
        if (frame && count - at < 11)
            return true;
        if (frame && bytes[at + 9] & 0x80)
            at += 3u << ((bytes[at + 9] & 7) + 1);
        at += frame ? 11 : 2;
        while (at < count && bytes[at])
            at += 1 + (size_t)bytes[at];
        if (at >= count)
            return frame;
        at++;
    }
    return false;
}

static uint64_t ordered(const uint8_t *p, unsigned bytes, bool big_endian)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n |= (uint64_t)p[big_endian ? bytes - 1 - i : i] << 8 * i;
    return n;
}

/* Whether the chain of directories goes on behind so many. */
static bool has_more_pages(const uint8_t *bytes, size_t count, unsigned pages)
{
    if (count < 16)
        return false;
    const bool motorola = bytes[0] == 'M', large = bytes[motorola ? 3 : 2] == 43;
    const unsigned offset_size = large ? 8 : 4, count_size = large ? 8 : 2, entry = large ? 20 : 12;
    uint64_t at = ordered(bytes + (large ? 8 : 4), offset_size, motorola);
    for (unsigned page = 0; page < pages; page++) {
        if (!at || at > count || count - at < count_size)
            return false;
        const uint64_t entries = ordered(bytes + at, count_size, motorola);
        at += count_size;
        if (entries > (count - at) / entry || count - at - entries * entry < offset_size)
            return false;
        at = ordered(bytes + at + entries * entry, offset_size, motorola);
    }
    return at && at < count;
}

const char *hk__hidden_frames(hk__format format, const uint8_t *bytes, size_t count, unsigned pages)
{
    if (format == HK__FORMAT_TIFF && has_more_pages(bytes, count, pages))
        return "it has more pages than can be read";
    if (format == HK__FORMAT_PNG && is_animated_png(bytes, count))
        return "an animated PNG: its frames are not decoded, but for the default picture";
    if (format == HK__FORMAT_GIF && pages > 1 && is_cut_gif(bytes, count))
        return "it ends within a frame";
    if ((format == HK__FORMAT_HEIC || format == HK__FORMAT_AVIF) && is_sequence(bytes, count))
        return "an image sequence: its frames are not decoded, but for the primary picture";
    return NULL;
}
