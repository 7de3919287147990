/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_bmp.c - BMP files of every layout that is decoded, written here by another hand, against the
 * rows they were made from; and what is broken, by name.
 */
#include "unit.h"

#include "decode/decoders.h"
#include "plain_pdq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 77, HEIGHT = 61, ROOM = 1 << 18 };

typedef struct layout {
    unsigned header, bits, compression;
    bool top_down;
    uint32_t masks[4];
} layout;

static const layout layouts[] = {
    {12, 1, 0, false, {0}},
    {12, 4, 0, false, {0}},
    {12, 8, 0, false, {0}},
    {12, 24, 0, false, {0}},
    {40, 1, 0, false, {0}},
    {40, 1, 0, true, {0}},
    {40, 4, 0, true, {0}},
    {40, 4, 0, false, {0}},
    {40, 8, 0, false, {0}},
    {40, 8, 0, true, {0}},
    {40, 16, 0, false, {0x7c00, 0x3e0, 0x1f, 0}},
    {40, 16, 3, true, {0xf800, 0x7e0, 0x1f, 0}},
    {40, 24, 0, true, {0}},
    {40, 32, 0, false, {0xff0000, 0xff00, 0xff, 0}},
    {40, 32, 3, true, {0xff, 0xff00, 0xff0000, 0}},
    {40, 32, 6, false, {0xff, 0xff00, 0xff0000, 0xff000000}},
    {56, 32, 3, false, {0x3ff00000, 0xffc00, 0x3ff, 0xc0000000}},
    {108, 32, 3, true, {0xff000000, 0xff0000, 0xff00, 0xff}},
    {124, 24, 0, false, {0}},
};

typedef struct made {
    uint8_t bytes[ROOM];
    size_t count, pixels;
    float luma[HEIGHT][WIDTH];
} made;

static void put(made *m, size_t at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        m->bytes[at + (size_t)i] = (uint8_t)(value >> 8 * i);
    if (at + (size_t)bytes > m->count)
        m->count = at + (size_t)bytes;
}

/* Colour number `index` of a palette, or of a direct pixel. */
static void colour_of(unsigned rgb[3], unsigned index)
{
    rgb[0] = index * 89 % 256;
    rgb[1] = (index * 57 + 40) % 256;
    rgb[2] = 255 - index * 31 % 256;
}

static uint32_t packed(const layout *l, const unsigned rgb[3], unsigned alpha, unsigned shown[3])
{
    uint32_t value = 0;
    for (int c = 0; c < 4; c++) {
        const uint32_t mask = l->masks[c];
        if (!mask)
            continue;
        const uint32_t most = mask >> __builtin_ctz(mask);
        const uint32_t part =
            c == 3 ? (alpha ? most : 0) : (uint32_t)((uint64_t)rgb[c] * most / 255);
        value |= part << __builtin_ctz(mask);
        if (c < 3)
            shown[c] = (unsigned)((double)part * 255 / most + 0.5);
    }
    return value;
}

static void make(made *m, const layout *l, unsigned alpha)
{
    static uint8_t pattern[WIDTH * HEIGHT];
    memset(m, 0, sizeof *m);
    assert_true(pattern_draw(pattern, "photo_like", HEIGHT, WIDTH));
    const unsigned colours = l->bits <= 8 ? 1u << l->bits : 0;
    const size_t stride = (WIDTH * l->bits + 31) / 32 * 4;
    memcpy(m->bytes, "BM", 2);
    put(m, 14, l->header, 4);
    if (l->header == 12) {
        put(m, 18, WIDTH, 2);
        put(m, 20, HEIGHT, 2);
        put(m, 22, 1, 2);
        put(m, 24, l->bits, 2);
    } else {
        put(m, 18, WIDTH, 4);
        put(m, 22, l->top_down ? (uint32_t)-HEIGHT : HEIGHT, 4);
        put(m, 26, 1, 2);
        put(m, 28, l->bits, 2);
        put(m, 30, l->compression, 4);
        for (int c = 0; c < 4 && l->compression; c++)
            put(m, 54 + 4 * (size_t)c, l->masks[c], 4);
    }
    m->count = 14 + l->header + (l->header == 40 && l->compression ? 16 : 0);
    for (unsigned i = 0; i < colours; i++) {
        unsigned rgb[3];
        colour_of(rgb, i);
        const size_t at = 14 + l->header + i * (l->header == 12 ? 3u : 4u);
        put(m, at, rgb[2] | rgb[1] << 8 | rgb[0] << 16, 3);
        m->count = at + (l->header == 12 ? 3 : 4);
    }
    m->pixels = m->count + 5; /* a gap is allowed */
    put(m, 10, m->pixels, 4);
    for (size_t y = 0; y < HEIGHT; y++)
        for (size_t x = 0; x < WIDTH; x++) {
            const size_t row = m->pixels + (l->top_down ? y : HEIGHT - 1 - y) * stride;
            const unsigned index = pattern[y * WIDTH + x] * (colours ? colours - 1 : 255) / 255;
            unsigned rgb[3], shown[3];
            colour_of(rgb, index);
            memcpy(shown, rgb, sizeof shown);
            if (colours) {
                const size_t at = row + x * l->bits / 8;
                const unsigned shift = 8 - l->bits - (unsigned)(x * l->bits % 8);
                put(m, at, m->bytes[at] | index << shift, 1);
            } else if (l->bits == 24) {
                put(m, row + 3 * x, rgb[2] | rgb[1] << 8 | rgb[0] << 16, 3);
            } else {
                put(m, row + x * l->bits / 8, packed(l, rgb, alpha, shown), (int)l->bits / 8);
            }
            m->luma[y][x] =
                0.299f * (float)shown[0] + 0.587f * (float)shown[1] + 0.114f * (float)shown[2];
        }
    if (m->count < m->pixels + HEIGHT * stride)
        m->count = m->pixels + HEIGHT * stride;
}

static hk__canvas *canvas;
static made file;
static hk__picture picture;

/* From a block of just that size, so that a sanitizer sees a step too far. */
static void decode(size_t count)
{
    static const hk__limits limits = {.max_pixels = 1 << 20, .allow = HK_ALLOW_BMP};
    uint8_t *exact = malloc(count ? count : 1);
    memcpy(exact, file.bytes, count);
    memset(&picture, 0, offsetof(hk__picture, grid));
    picture.format = HK__FORMAT_BMP;
    hk__decode_bmp(&picture, canvas, exact, count, &limits);
    assert_true(picture.has_pixels ==
                (picture.status == HK_FILE_OK || picture.status == HK_FILE_TRUNCATED));
    free(exact);
}

static void every_layout_is_decoded(void **state)
{
    (void)state;
    static hk__picture wanted;
    for (size_t i = 0; i < COUNT_OF(layouts); i++) {
        make(&file, &layouts[i], i % 2); /* alpha all or nothing: no transparency */
        assert_int_equal(hk__format_of(file.bytes, file.count), HK__FORMAT_BMP);
        decode(file.count);
        if (picture.status != HK_FILE_OK)
            print_error("layout %zu: %s\n", i, picture.reason);
        assert_int_equal(picture.status, HK_FILE_OK);
        assert_int_equal(picture.width, WIDTH);
        assert_int_equal(picture.height, HEIGHT);
        assert_int_equal(hk__canvas_begin(canvas, WIDTH, HEIGHT, 1, NULL), HK_OK);
        for (int y = 0; y < HEIGHT; y++)
            hk__canvas_row_f32(canvas, file.luma[y]);
        hk__canvas_finish(&wanted, canvas);
        for (int g = 0; g < HK__GRID_SIZE; g++)
            if (fabsf(wanted.grid[g] - picture.grid[g]) > 1e-3f)
                fail_msg("layout %zu, cell %d: %f, not %f", i, g, (double)picture.grid[g],
                         (double)wanted.grid[g]);
    }
}

/* Cut anywhere: by name, and never a whole picture. */
static void cut_files_are_no_whole_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(layouts); i++) {
        make(&file, &layouts[i], 1);
        const size_t padding = 3;
        for (size_t count = 0; count + padding < file.count; count += 1 + count / 64) {
            decode(count);
            if (picture.status == HK_FILE_OK)
                fail_msg("layout %zu whole at %zu of %zu bytes", i, count, file.count);
            assert_true(picture.reason[0]);
        }
        decode(file.count - 3 * ((WIDTH * layouts[i].bits + 31) / 32 * 4));
        assert_int_equal(picture.status, HK_FILE_TRUNCATED);
        assert_int_equal(picture.flags, HK_FLAG_TRUNCATED);
    }
}

static void expect(hk_file_status status, size_t at, uint64_t value, int bytes)
{
    make(&file, &layouts[13], 1); /* 32 bits, header of 40 bytes */
    put(&file, at, value, bytes);
    decode(file.count);
    if (picture.status != status)
        print_error("at %zu: %s\n", at, picture.reason);
    assert_int_equal(picture.status, status);
}

static void what_is_broken_is_named(void **state)
{
    (void)state;
    expect(HK_FILE_OK, 26, 1, 2);
    expect(HK_FILE_UNREADABLE, 14, 13, 4);
    expect(HK_FILE_UNREADABLE, 14, UINT32_MAX, 4);
    expect(HK_FILE_UNREADABLE, 18, 0, 4);
    expect(HK_FILE_UNREADABLE, 18, UINT32_MAX, 4);
    expect(HK_FILE_UNREADABLE, 22, 0, 4);
    expect(HK_FILE_UNREADABLE, 22, UINT32_C(1) << 31, 4);
    expect(HK_FILE_TOO_LARGE, 18, 1 << 20, 4);
    expect(HK_FILE_TOO_SMALL, 18, 4, 4);
    expect(HK_FILE_UNSUPPORTED, 28, 0, 2); /* a JPEG or PNG inside */
    expect(HK_FILE_UNSUPPORTED, 28, 2, 2);
    expect(HK_FILE_UNSUPPORTED, 30, 1, 4); /* run lengths */
    expect(HK_FILE_UNSUPPORTED, 30, 4, 4);
    expect(HK_FILE_UNREADABLE, 10, UINT32_MAX, 4);
    make(&file, &layouts[15], 1);
    put(&file, 54, 0xff00ff, 4); /* a mask with a hole */
    decode(file.count);
    assert_int_equal(picture.status, HK_FILE_UNREADABLE);
    for (int some = 0; some < 2; some++) { /* one pixel is not as transparent as the others */
        make(&file, &layouts[15], some);
        file.bytes[file.pixels + 3] ^= 0xff;
        decode(file.count);
        assert_int_equal(picture.status, HK_FILE_UNSUPPORTED);
    }
}

static void random_headers_stay_within_bounds(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (int round = 0; round < 20000; round++) {
        const layout *l = &layouts[next_random(&seed) % COUNT_OF(layouts)];
        if (round % 50 == 0)
            make(&file, l, 1);
        const size_t at = 10 + next_random(&seed) % 60;
        const uint8_t before = file.bytes[at];
        file.bytes[at] = (uint8_t)next_random(&seed);
        decode(next_random(&seed) % 4 ? file.count : next_random(&seed) % file.count);
        file.bytes[at] = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_is_decoded),
        cmocka_unit_test(cut_files_are_no_whole_pictures),
        cmocka_unit_test(what_is_broken_is_named),
        cmocka_unit_test(random_headers_stay_within_bounds),
    };
    if (hk__canvas_new(&canvas, NULL))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hk__canvas_free(canvas);
    return failed;
}
