/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_shrink.c - the means of a shrunk JPEG against those of libjpeg's own full decode: blocks of
 * any coefficients, in files of every kind and odd size; and what the proof in it is good for.
 */
#include "jpeg_unit.h"

#include "decode/shrink.h"

#include <math.h>

typedef void filler(int16_t block[64], uint64_t *state);

static int upto(uint64_t *state, int most)
{
    return (int)(next_random(state) % (2 * (uint64_t)most + 1)) - most;
}

/* Blocks as of photos, flat and nearly flat ones, and some beyond anything that an encoder makes.
 */
static void any_block(int16_t block[64], uint64_t *state)
{
    memset(block, 0, 64 * sizeof *block);
    const int what = (int)(next_random(state) % 6), few = (int)(next_random(state) % 12);
    block[0] = (int16_t)upto(state, 100);
    if (what == 1) /* around the edge of what can be cut */
        for (int i = 1; i < 64; i++)
            block[i] = (int16_t)upto(state, 8);
    else if (what == 2)
        for (int i = 0; i < 64; i++)
            block[i] = (int16_t)upto(state, 1023);
    else if (what == 3)
        block[1 + next_random(state) % 63] = (int16_t)upto(state, 90);
    else if (what > 3)
        for (int i = 0; i < few; i++)
            block[next_random(state) % 64] = (int16_t)upto(state, 20);
}

/* What a file can say of coefficients at the most. */
static void wild_block(int16_t block[64], uint64_t *state)
{
    for (int i = 0; i < 64; i++)
        block[i] = (int16_t)upto(state, i ? 1023 : 1000);
}

/* All of the picture is in the first coefficient, and nothing of it to be seen. */
static void hiding_block(int16_t block[64], uint64_t *state)
{
    memset(block, 0, 64 * sizeof *block);
    block[0] = (int16_t)upto(state, 100);
    block[36] = 1000; /* a chequer of black and white */
}

static struct jpeg_decompress_struct *open_file(const jpeg_file *file)
{
    static struct jpeg_decompress_struct jpeg;
    static struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file->bytes, file->count);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = JCS_GRAYSCALE;
    return &jpeg;
}

static uint8_t *read_in_full(const jpeg_file *file)
{
    struct jpeg_decompress_struct *jpeg = open_file(file);
    jpeg_start_decompress(jpeg);
    uint8_t *pixels = malloc((size_t)jpeg->output_width * jpeg->output_height);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = pixels + (size_t)jpeg->output_scanline * jpeg->output_width;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_destroy_decompress(jpeg);
    return pixels;
}

/* The largest error of a mean; the share of blocks that were made in full; the means themselves. */
static double worst_error(double *in_full, float **means, const jpeg_file *file, bool trusting)
{
    uint8_t *pixels = read_in_full(file);
    struct jpeg_decompress_struct *jpeg = open_file(file);
    const uint32_t width = jpeg->image_width, height = jpeg->image_height;
    hk__shrink shrink;
    assert_true(hk__shrink_can(jpeg));
    hk__shrink_ask(jpeg);
    jpeg_start_decompress(jpeg);
    assert_true(hk__shrink_start(&shrink, jpeg));
    if (trusting) /* the planted fault: no pixel is ever said to be cut */
        memset(shrink.rule.reach, 0, sizeof shrink.rule.reach);
    float *kept = malloc((size_t)jpeg->output_width * jpeg->output_height * sizeof *kept);
    uint8_t *nothing = malloc((size_t)jpeg->output_width * 16);
    JSAMPROW rows[16];
    for (uint32_t i = 0; i < 16; i++)
        rows[i] = nothing + (size_t)i * jpeg->output_width;
    double worst = 0;
    while (jpeg->output_scanline < jpeg->output_height) {
        const uint32_t first = jpeg->output_scanline;
        const uint32_t got = jpeg_read_scanlines(jpeg, rows, 16);
        for (uint32_t y = first; y < first + got; y++) {
            const float *row = hk__shrink_row(&shrink, y);
            memcpy(kept + (size_t)y * jpeg->output_width, row, jpeg->output_width * sizeof *row);
            for (uint32_t x = 0; x < jpeg->output_width; x++) {
                double sum = 0, count = 0;
                for (uint32_t v = y * 4; v < y * 4 + 4 && v < height; v++)
                    for (uint32_t u = x * 4; u < x * 4 + 4 && u < width; u++, count++)
                        sum += pixels[(size_t)v * width + u];
                worst = fmax(worst, fabs(row[x] - sum / count));
                assert_true(row[x] > -0.3 && row[x] < 255.3);
            }
        }
    }
    *in_full = (double)shrink.made_in_full / (double)(shrink.blocks * ((height + 7) / 8));
    free(nothing);
    free(pixels);
    hk__shrink_clear(&shrink);
    jpeg_destroy_decompress(jpeg);
    if (means)
        *means = kept;
    else
        free(kept);
    return worst;
}

static const unsigned *table_of(int steepness)
{
    static unsigned table[64];
    for (int i = 0; i < 64; i++)
        table[i] = (unsigned)(2 + steepness * (i / 8 + i % 8));
    return table;
}

static double error_of(const jpeg_kind *kind, uint32_t width, uint32_t height,
                       const unsigned table[64], filler *fill, double *in_full, bool trusting)
{
    const jpeg_file file = jpeg_of_blocks(kind, width, height, table, fill, width * 7 + height);
    const double error = worst_error(in_full, NULL, &file, trusting);
    free(file.bytes);
    return error;
}

static void every_kind_and_size(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{64, 64}, {200, 136}, {1, 1},    {8, 9},   {9, 8},
                                        {3, 70},  {70, 3},    {129, 95}, {47, 50}, {100, 65}};
    for (size_t k = 0; k < COUNT_OF(jpeg_kinds); k++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            double in_full;
            const double error = error_of(&jpeg_kinds[k], sizes[i][0], sizes[i][1], table_of(3),
                                          any_block, &in_full, false);
            if (!(error < 0.7))
                fail_msg("%s, %u x %u: %g", jpeg_kinds[k].name, sizes[i][0], sizes[i][1], error);
            if (i == 1 && !(in_full > 0.2 && in_full < 0.8)) /* both ways are tried */
                fail_msg("%s: %g made in full", jpeg_kinds[k].name, in_full);
        }
}

static void every_table(void **state)
{
    (void)state;
    unsigned table[64];
    uint64_t random = 5;
    double in_full;
    for (int round = 0; round < 40; round++) {
        const unsigned most = round % 4 == 0   ? 3
                              : round % 4 == 1 ? 60
                              : round % 4 == 2 ? 255
                                               : 1000;
        for (int i = 0; i < 64; i++)
            table[i] = 1 + (unsigned)(next_random(&random) % most);
        const double error = error_of(&jpeg_kinds[0], 160, 160, table, any_block, &in_full, false);
        if (!(error < 0.7))
            fail_msg("entries up to %u: %g", most, error);
        if (most > 255)
            assert_true(in_full == 1);
    }
}

static void wild_coefficients_are_those_of_libjpeg(void **state)
{
    (void)state;
    double in_full;
    for (int steepness = 0; steepness < 20; steepness += 5) {
        const double error =
            error_of(&jpeg_kinds[3], 160, 160, table_of(steepness), wild_block, &in_full, false);
        assert_true(error < 0.01 && in_full == 1);
    }
}

/* Without the proof the means are those that a viewer never sees: so the tests above can fail. */
static void trust_would_let_a_picture_hide(void **state)
{
    (void)state;
    double in_full;
    for (size_t k = 0; k < COUNT_OF(jpeg_kinds); k++) {
        assert_true(error_of(&jpeg_kinds[k], 96, 96, table_of(3), hiding_block, &in_full, false) <
                    0.7);
        assert_true(in_full == 1);
        assert_true(error_of(&jpeg_kinds[k], 96, 96, table_of(3), hiding_block, &in_full, true) >
                    15);
    }
}

/* Flat blocks are rounded as libjpeg rounds them: their means are exact. */
static void only_dc(int16_t block[64], uint64_t *state)
{
    memset(block, 0, 64 * sizeof *block);
    block[0] = (int16_t)upto(state, 500);
}

static void flat_blocks_are_exact(void **state)
{
    (void)state;
    unsigned table[64];
    for (int i = 0; i < 64; i++)
        table[i] = 1;
    double in_full;
    assert_true(error_of(&jpeg_kinds[0], 512, 512, table, only_dc, &in_full, false) < 1e-4);
    assert_true(in_full == 0);
}

static void same_bits_on_every_processor(void **state)
{
    (void)state;
    hk_error err;
    float *means[2];
    double in_full[2];
    const hk_simd best = hk_simd_in_use();
    if (!hk__cpu_can(HK_SIMD_AVX2))
        skip();
    for (int steepness = 0; steepness < 4; steepness++) {
        const jpeg_file file =
            jpeg_of_blocks(&jpeg_kinds[3], 301, 203, table_of(steepness), any_block, 77);
        for (int level = 0; level < 2; level++) {
            assert_int_equal(hk_simd_use(level ? HK_SIMD_AVX2 : HK_SIMD_SCALAR, &err), HK_OK);
            worst_error(&in_full[level], &means[level], &file, false);
        }
        assert_true(in_full[0] == in_full[1]);
        assert_memory_equal(means[0], means[1], sizeof(float) * 76 * 51);
        free(means[0]);
        free(means[1]);
        free(file.bytes);
    }
    assert_int_equal(hk_simd_use(best, &err), HK_OK);
}

/* Each allocation failing in turn: no start, and nothing kept. */
static void no_memory(void **state)
{
    (void)state;
    const jpeg_file file = jpeg_of_blocks(&jpeg_kinds[3], 64, 64, table_of(1), any_block, 1);
    for (long n = 0; n <= 3; n++) {
        struct jpeg_decompress_struct *jpeg = open_file(&file);
        hk__shrink shrink;
        hk__shrink_ask(jpeg);
        jpeg_start_decompress(jpeg);
        hk__mem_fail_after(n);
        assert_true(hk__shrink_start(&shrink, jpeg) == (n == 3));
        hk__mem_fail_after(-1);
        hk__shrink_clear(&shrink);
        jpeg_destroy_decompress(jpeg);
    }
    free(file.bytes);
}

static int prepare(void **state)
{
    (void)state;
    hk__shrink_prepare();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_and_size),
        cmocka_unit_test(every_table),
        cmocka_unit_test(wild_coefficients_are_those_of_libjpeg),
        cmocka_unit_test(trust_would_let_a_picture_hide),
        cmocka_unit_test(flat_blocks_are_exact),
        cmocka_unit_test(same_bits_on_every_processor),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
