/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bmp.c - BMP to luma rows; see decoders.h. Where it is allowed only (--allow-format).
 *
 *      "BM" size(4) 0(4) pixels-at(4) | header-size(4) width height planes bits compression ... |
 *      masks | palette | rows, padded to 4 bytes, the lowest one first unless height is negative
 *
 * libvips reads BMP through ImageMagick alone, which we keep shut. Uncompressed files of 1, 4, 8,
 * 16, 24 and 32 bits is all there is here, and nearly all that exists; run lengths, JPEG and PNG
 * inside, and pictures with real transparency are `unsupported`, by name.
 */
#include "decode/decoders.h"

#include "core/mem.h"

#include <string.h>

enum { FILE_HEADER = 14, CORE = 12, INFO = 40, LARGEST = 124, COLOURS = 256 };
enum { RGB = 0, BITFIELDS = 3, ALPHA_BITFIELDS = 6 };

typedef struct mask {
    uint32_t bits;
    unsigned shift, most; /* most 0: none */
} mask;

typedef struct bmp {
    const uint8_t *bytes;
    size_t count;
    uint32_t header, bits, compression, colours;
    uint32_t width, height;
    bool top_down;
    size_t pixels, stride;
    size_t palette; /* where it begins */
    float luma[COLOURS];
    mask red, green, blue, alpha;
} bmp;

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static float luma_of(unsigned red, unsigned green, unsigned blue)
{
    return 0.299f * (float)red + 0.587f * (float)green + 0.114f * (float)blue;
}

/* ---- the header ---------------------------------------------------------------------------- */

/* False if the ones of a mask are not together. */
static bool read_mask(mask *m, uint32_t bits)
{
    *m = (mask){.bits = bits};
    if (!bits)
        return true;
    m->shift = (unsigned)__builtin_ctz(bits);
    m->most = bits >> m->shift;
    return !(m->most & (m->most + 1)); /* all ones; + 1 may be 0 */
}

static bool read_masks(bmp *b)
{
    static const uint32_t plain[2][3] = {{0x7c00, 0x3e0, 0x1f}, {0xff0000, 0xff00, 0xff}};
    const uint8_t *p = b->bytes + FILE_HEADER + INFO;
    if (b->compression == RGB) {
        const uint32_t *m = plain[b->bits == 32];
        return read_mask(&b->red, m[0]) && read_mask(&b->green, m[1]) && read_mask(&b->blue, m[2]);
    }
    const bool has_alpha = b->compression == ALPHA_BITFIELDS || b->header >= INFO + 16;
    if (b->count < FILE_HEADER + INFO + (has_alpha ? 16u : 12u))
        return false;
    return read_mask(&b->red, get32(p)) && read_mask(&b->green, get32(p + 4)) &&
           read_mask(&b->blue, get32(p + 8)) && read_mask(&b->alpha, has_alpha ? get32(p + 12) : 0);
}

/* Colours that the file has no bytes for are black. */
static void read_palette(bmp *b)
{
    const size_t size = b->header == CORE ? 3 : 4;
    const uint32_t most = 1u << b->bits;
    const uint32_t count = b->colours && b->colours < most ? b->colours : most;
    for (uint32_t i = 0; i < count; i++) {
        const size_t at = b->palette + i * size;
        if (at > b->count || b->count - at < size)
            break;
        const uint8_t *p = b->bytes + at;
        b->luma[i] = luma_of(p[2], p[1], p[0]);
    }
}

/* In words what is wrong with it, or not known here; NULL: it is sound. */
static const char *read_header(bmp *b, hk_file_status *status)
{
    *status = HK_FILE_UNREADABLE;
    if (b->count < FILE_HEADER + CORE)
        return "its header is cut off";
    const uint8_t *p = b->bytes + FILE_HEADER;
    b->pixels = get32(b->bytes + 10);
    b->header = get32(p);
    if (b->header != CORE && (b->header < INFO || b->header > LARGEST))
        return "its header has an unknown size";
    if (b->count - FILE_HEADER < b->header)
        return "its header is cut off";
    b->palette = FILE_HEADER + (size_t)b->header;
    if (b->header == CORE) {
        b->width = get16(p + 4);
        b->height = get16(p + 6);
        b->bits = get16(p + 10);
    } else {
        const uint32_t height = get32(p + 8);
        b->width = get32(p + 4);
        b->top_down = height >> 31;
        b->height = b->top_down ? 0 - height : height;
        b->bits = get16(p + 14);
        b->compression = get32(p + 16);
        b->colours = get32(p + 32);
    }
    if (!b->width || b->width > INT32_MAX || !b->height || b->height > INT32_MAX)
        return "it has no size";
    const bool direct = b->bits == 16 || b->bits == 32;
    const bool known = direct || b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 24;
    const bool masks = b->compression == BITFIELDS || b->compression == ALPHA_BITFIELDS;
    *status = HK_FILE_UNSUPPORTED;
    if (!known)
        return "a BMP of this depth is not decoded";
    if (b->compression != RGB && !(masks && direct))
        return "a compressed BMP is not decoded";
    *status = HK_FILE_UNREADABLE;
    if (direct && !read_masks(b))
        return "its colour masks are broken";
    if (b->bits <= 8)
        read_palette(b);
    b->stride = ((size_t)b->width * b->bits + 31) / 32 * 4;
    return NULL;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Row y from the top; NULL: the file ends before its end. */
static const uint8_t *row_at(const bmp *b, uint32_t y)
{
    const uint64_t index = b->top_down ? y : b->height - 1 - y;
    const uint64_t at = b->pixels + index * b->stride;
    /* The last row's padding may be missing. */
    const uint64_t needed = ((uint64_t)b->width * b->bits + 7) / 8;
    return at <= b->count && b->count - at >= needed ? b->bytes + at : NULL;
}

static unsigned part_of(const mask *m, uint32_t value)
{
    const uint64_t part = (value & m->bits) >> m->shift;
    return m->most ? (unsigned)((part * 255 + m->most / 2) / m->most) : 0;
}

static uint32_t value_at(const bmp *b, const uint8_t *row, uint32_t x)
{
    return b->bits == 16 ? get16(row + 2 * (size_t)x) : get32(row + 4 * (size_t)x);
}

static void row_to_luma(float *luma, const bmp *b, const uint8_t *row)
{
    const unsigned per_byte = b->bits <= 8 ? 8 / b->bits : 1;
    for (uint32_t x = 0; x < b->width; x++) {
        if (b->bits <= 8) {
            const unsigned shift = (per_byte - 1 - x % per_byte) * b->bits;
            luma[x] = b->luma[row[x / per_byte] >> shift & ((1u << b->bits) - 1)];
        } else if (b->bits == 24) {
            const uint8_t *p = row + 3 * (size_t)x;
            luma[x] = luma_of(p[2], p[1], p[0]);
        } else {
            const uint32_t value = value_at(b, row, x);
            luma[x] = luma_of(part_of(&b->red, value), part_of(&b->green, value),
                              part_of(&b->blue, value));
        }
    }
}

/* Whether a part of the picture is transparent: not where all of it would be, which viewers take as
 * a mask that nobody filled. */
static bool is_transparent(const bmp *b)
{
    bool some = false, all = true;
    for (uint32_t y = 0; b->alpha.bits && y < b->height; y++) {
        const uint8_t *row = row_at(b, y);
        for (uint32_t x = 0; row && x < b->width; x++) {
            const uint32_t alpha = value_at(b, row, x) & b->alpha.bits;
            some |= alpha != b->alpha.bits;
            all &= !alpha;
        }
    }
    return some && !all;
}

static uint32_t read_rows(hk__canvas *canvas, float *luma, const bmp *b)
{
    uint32_t missing = 0;
    for (uint32_t y = 0; y < b->height; y++) {
        const uint8_t *row = row_at(b, y);
        missing += !row;
        if (row)
            row_to_luma(luma, b, row);
        else
            memset(luma, 0, b->width * sizeof *luma);
        hk__canvas_row_f32(canvas, luma);
    }
    return missing;
}

void hk__decode_bmp(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                    const hk__limits *limits)
{
    bmp b = {.bytes = bytes, .count = count};
    hk_file_status status;
    const char *wrong = read_header(&b, &status);
    if (wrong) {
        hk__picture_fail(picture, status, "%s", wrong);
        return;
    }
    if (!hk__picture_admit(picture, b.width, b.height, limits))
        return;
    if (is_transparent(&b)) {
        hk__picture_fail(picture, HK_FILE_UNSUPPORTED, "a BMP with transparency is not decoded");
        return;
    }
    float *luma = hk__alloc(b.width, sizeof *luma);
    if (!luma || hk__canvas_begin(canvas, b.width, b.height, 1, NULL)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its rows");
        hk__free(luma);
        return;
    }
    const uint32_t missing = read_rows(canvas, luma, &b);
    hk__free(luma);
    picture->status = HK_FILE_OK;
    if (missing == b.height) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "it ends before the first row");
        return;
    }
    if (missing) {
        picture->flags |= HK_FLAG_TRUNCATED;
        hk__picture_fail(picture, HK_FILE_TRUNCATED, "decoded in part: %u of its rows are missing",
                         missing);
    }
    hk__canvas_finish(picture, canvas);
}
