/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hidden.c - see hidden.h.
 *
 *      PNG   signature, then  length(4) type(4) data checksum(4);  acTL before IDAT: an animation
 *      GIF   6 bytes, screen: width(2) height(2), 3 bytes, colours, blocks: 0x21 label, or 0x2c
 *            left(2) top(2) width(2) height(2) 1 byte, colours, 1 byte; then n(1) n x byte ... 0
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

/* Not where its one frame is the default picture, which is shown. Viewers differ in which of two
 * acTL counts and in how much of one they check, so any that says more does. */
static bool is_animated_png(const uint8_t *bytes, size_t count)
{
    size_t at = 8;
    bool animated = false, first = false, more = false, behind = false;
    while (count >= 12 && at <= count - 12) {
        const uint64_t length = number(bytes + at, 4);
        const uint8_t *type = bytes + at + 4;
        behind |= !memcmp(type, "IDAT", 4);
        more |= !memcmp(type, "fdAT", 4);
        first |= !behind && !memcmp(type, "fcTL", 4);
        if (!behind && !memcmp(type, "acTL", 4)) {
            more |= number(type + 4, 4) != 1;
            animated = true;
        }
        if (!memcmp(type, "IEND", 4) || length > count - at - 12)
            break;
        at += 12 + (size_t)length;
    }
    return animated && (more || !first);
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

static uint64_t ordered(const uint8_t *p, unsigned bytes, bool big_endian)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n |= (uint64_t)p[big_endian ? bytes - 1 - i : i] << 8 * i;
    return n;
}

/* Whether a frame goes on behind `shown` along one axis, on the screen. */
static bool reaches_beyond(const uint8_t *frame, const uint8_t *screen, uint32_t shown)
{
    const uint64_t end = ordered(frame, 2, false) + ordered(frame + 4, 2, false);
    return end > shown && ordered(screen, 2, false) > shown;
}

/* What is wrong with a GIF of which nsgif shows pages of this size; NULL: nothing.
 *
 * nsgif shows what there is of a frame that is cut off as if it were whole, if there are others
 * before it. One without its trailer has all its frames. And it does not believe screens of 640x480
 * and the like, or over 2048: there all pages are as large as the first frame, and viewers show
 * those that are larger in full. */
static const char *gif_trouble(const uint8_t *bytes, size_t count, unsigned pages, uint32_t width,
                               uint32_t height)
{
    static const char ends_within[] = "it ends within a frame";
    const char *trouble = NULL;
    size_t at = 13;
    if (count < at)
        return pages > 1 ? ends_within : NULL;
    at += bytes[10] & 0x80 ? 3u << ((bytes[10] & 7) + 1) : 0;
    while (at < count && (bytes[at] == 0x21 || bytes[at] == 0x2c)) {
        const bool frame = bytes[at] == 0x2c;
        if (frame && count - at < 11)
            return pages > 1 ? ends_within : trouble;
        if (frame && (reaches_beyond(bytes + at + 1, bytes + 6, width) ||
                      reaches_beyond(bytes + at + 3, bytes + 8, height)))
            trouble = "it has frames that are larger than what is decoded of them";
        if (frame && bytes[at + 9] & 0x80)
            at += 3u << ((bytes[at + 9] & 7) + 1);
        at += frame ? 11 : 2;
        while (at < count && bytes[at])
            at += 1 + (size_t)bytes[at];
        if (at >= count)
            return frame && pages > 1 ? ends_within : trouble;
        at++;
    }
    return trouble;
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

const char *hk__hidden_frames(hk__format format, const uint8_t *bytes, size_t count, unsigned pages,
                              uint32_t width, uint32_t height)
{
    if (format == HK__FORMAT_TIFF && has_more_pages(bytes, count, pages))
        return "it has more pages than can be read";
    if (format == HK__FORMAT_PNG && is_animated_png(bytes, count))
        return "an animated PNG: its frames are not decoded, but for the default picture";
    if (format == HK__FORMAT_GIF)
        return gif_trouble(bytes, count, pages, width, height);
    if ((format == HK__FORMAT_HEIC || format == HK__FORMAT_AVIF) && is_sequence(bytes, count))
        return "an image sequence: its frames are not decoded, but for the primary picture";
    return NULL;
}
