/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_jpeg.c - large JPEGs, shrunk while they are decoded, against the same files decoded in full:
 * grid, exact grid, raster and status, of files of every kind, turned, damaged and cut short.
 */
#include "jpeg_unit.h"

#include "decode/decoders.h"
#include "plain_pdq.h"
#include "spectrum/spectrum.h"

#include <math.h>

static const hk__limits fast = {.max_pixels = 1 << 26, .max_bytes = 1 << 26, .max_pages = 1},
                        full = {.max_pixels = 1 << 26,
                                .max_bytes = 1 << 26,
                                .max_pages = 1,
                                .full_decode = 1};
static hk__canvas *canvas;
static hk__picture shrunk, whole;
static uint8_t *photo;
enum { WIDTH = 1601, HEIGHT = 1474 };

static void decode_both(const jpeg_file *file)
{
    memset(&shrunk, 0, sizeof shrunk);
    memset(&whole, 0, sizeof whole);
    hk__decode_jpeg(&shrunk, canvas, file->bytes, file->count, &fast);
    hk__decode_jpeg(&whole, canvas, file->bytes, file->count, &full);
    assert_int_equal(shrunk.status, whole.status);
    assert_string_equal(shrunk.reason, whole.reason);
    assert_int_equal(shrunk.has_pixels, whole.has_pixels);
    assert_int_equal(shrunk.width, whole.width);
    assert_int_equal(shrunk.exif_orientation, whole.exif_orientation);
    assert_false(whole.flags & HK_FLAG_SCALED_DECODE);
}

static int bits_between(const float *a, const float *b)
{
    hk_fingerprint x, y;
    assert_int_equal(hk__fingerprint(&x, &hk__model_pdq, a, NULL), HK_OK);
    assert_int_equal(hk__fingerprint(&y, &hk__model_pdq, b, NULL), HK_OK);
    return hk_hash_distance(&x.hash[0], &y.hash[0]);
}

static double rms(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < HK__GRID_SIZE; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / HK__GRID_SIZE);
}

/* Both decodes of a file give the same picture, one of them by the short way. */
static void check_same(const jpeg_file *file, const char *name)
{
    decode_both(file);
    if (!shrunk.has_pixels || !(shrunk.flags & HK_FLAG_SCALED_DECODE))
        fail_msg("%s was not shrunk: %s", name, shrunk.reason);
    double raster = 0;
    assert_int_equal(shrunk.raster_width, whole.raster_width);
    assert_int_equal(shrunk.raster_height, whole.raster_height);
    const uint32_t count = shrunk.raster_width * shrunk.raster_height;
    for (uint32_t i = 0; i < count; i++)
        raster += fabs((double)shrunk.raster[i] - whole.raster[i]) / count;
    if (bits_between(shrunk.grid, whole.grid) > 4 ||
        bits_between(shrunk.exact_grid, whole.exact_grid) > 4 ||
        rms(shrunk.grid, whole.grid) > 0.5 || rms(shrunk.exact_grid, whole.exact_grid) > 0.5 ||
        raster > 0.5)
        fail_msg("%s: %d and %d bits, grids %g and %g, raster %g", name,
                 bits_between(shrunk.grid, whole.grid),
                 bits_between(shrunk.exact_grid, whole.exact_grid), rms(shrunk.grid, whole.grid),
                 rms(shrunk.exact_grid, whole.exact_grid), raster);
}

static void every_kind(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(jpeg_kinds); k++) {
        const jpeg_file file = jpeg_of_pixels(&jpeg_kinds[k], photo, WIDTH, HEIGHT, 85, 0);
        check_same(&file, jpeg_kinds[k].name);
        free(file.bytes);
    }
}

static void every_orientation(void **state)
{
    (void)state;
    for (unsigned exif = 1; exif <= 8; exif++) {
        char name[32];
        snprintf(name, sizeof name, "orientation %u", exif);
        const jpeg_file file =
            jpeg_of_pixels(&jpeg_kinds[3], photo, WIDTH, HEIGHT, exif % 2 ? 95 : 60, exif);
        check_same(&file, name);
        assert_int_equal(shrunk.exif_orientation, exif);
        free(file.bytes);
    }
}

/* What is small, subsampled in its luma or not YCbCr is decoded in full. */
static void not_shrunk(void **state)
{
    (void)state;
    jpeg_file file = jpeg_of_pixels(&jpeg_kinds[3], photo, WIDTH, 1471, 85, 0);
    decode_both(&file);
    assert_true(shrunk.has_pixels && !(shrunk.flags & HK_FLAG_SCALED_DECODE));
    assert_memory_equal(shrunk.grid, whole.grid, sizeof whole.grid);
    free(file.bytes);
    for (int cmyk = 0; cmyk < 2; cmyk++) {
        struct jpeg_compress_struct jpeg;
        struct jpeg_error_mgr errors;
        jpeg_kind kind = jpeg_kinds[2];
        jpeg_begin(&jpeg, &errors, &file, &kind, WIDTH, HEIGHT);
        jpeg.input_components = cmyk ? 4 : 3;
        jpeg.in_color_space = cmyk ? JCS_CMYK : JCS_YCbCr;
        jpeg_set_defaults(&jpeg);
        if (!cmyk) /* luma at half the size of the chroma */
            jpeg.comp_info[0].h_samp_factor = 1, jpeg.comp_info[1].h_samp_factor = 2;
        jpeg_start_compress(&jpeg, TRUE);
        uint8_t *row = malloc(WIDTH * 4);
        for (uint32_t y = 0; y < HEIGHT; y++) {
            JSAMPROW rows = row;
            for (uint32_t i = 0; i < WIDTH * 4; i++)
                row[i] = photo[y * WIDTH + i / 4];
            jpeg_write_scanlines(&jpeg, &rows, 1);
        }
        free(row);
        jpeg_finish_compress(&jpeg);
        jpeg_destroy_compress(&jpeg);
        decode_both(&file);
        assert_true(shrunk.has_pixels && !(shrunk.flags & HK_FLAG_SCALED_DECODE));
        assert_memory_equal(shrunk.grid, whole.grid, sizeof whole.grid);
        free(file.bytes);
    }
}

static void cut_short(void **state)
{
    (void)state;
    static const size_t kinds[] = {0, 3, 8, 9, 10, 12};
    int truncated = 0, unreadable = 0;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        jpeg_file file = jpeg_of_pixels(&jpeg_kinds[kinds[k]], photo, WIDTH, HEIGHT, 85, 0);
        unsigned char *const bytes = file.bytes;
        const unsigned long whole_count = file.count;
        for (unsigned long eighth = 0; eighth < 8; eighth++) {
            /* on the heap at its very length: a read past the end is seen by the sanitizer */
            file.count = eighth ? whole_count * eighth / 8 : 300;
            file.bytes = malloc(file.count);
            memcpy(file.bytes, bytes, file.count);
            decode_both(&file);
            truncated += shrunk.status == HK_FILE_TRUNCATED;
            unreadable += !shrunk.has_pixels;
            if (shrunk.has_pixels)
                check_same(&file, jpeg_kinds[kinds[k]].name);
            free(file.bytes);
        }
        free(bytes);
    }
    assert_true(truncated >= 30 && unreadable >= 1);
}

/* Bits that flip in the middle: libjpeg warns and goes on, or ends. Both ways see the same. */
static void damaged(void **state)
{
    (void)state;
    uint64_t random = 3;
    int partly = 0;
    for (size_t k = 0; k < COUNT_OF(jpeg_kinds); k += 3) {
        const jpeg_file file = jpeg_of_pixels(&jpeg_kinds[k], photo, WIDTH, HEIGHT, 75, 0);
        for (int round = 0; round < 6; round++) {
            unsigned char kept[4];
            unsigned long at[4];
            for (int i = 0; i < 4; i++) {
                at[i] = 700 + next_random(&random) % (file.count - 800);
                kept[i] = file.bytes[at[i]];
                file.bytes[at[i]] ^= (uint8_t)(1u << next_random(&random) % 8);
            }
            decode_both(&file);
            partly += shrunk.status == HK_FILE_TRUNCATED;
            if (shrunk.has_pixels)
                assert_true(rms(shrunk.grid, whole.grid) < 0.7);
            for (int i = 3; i >= 0; i--)
                file.bytes[at[i]] = kept[i];
        }
        free(file.bytes);
    }
    assert_true(partly >= 3);
}

/* A picture of hardly any contrast, where it tells that pixels are whole numbers. */
static void faint(void **state)
{
    (void)state;
    uint8_t *pixels = malloc(WIDTH * HEIGHT);
    static const int quality[] = {50, 85, 98};
    for (size_t q = 0; q < COUNT_OF(quality); q++) {
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            pixels[i] = (uint8_t)(120 + photo[i] / 24);
        const jpeg_file file = jpeg_of_pixels(&jpeg_kinds[3], pixels, WIDTH, HEIGHT, quality[q], 0);
        decode_both(&file);
        print_message("   faint, quality %d: %d bits, grid %g\n", quality[q],
                      bits_between(shrunk.grid, whole.grid), rms(shrunk.grid, whole.grid));
        assert_true(rms(shrunk.grid, whole.grid) < 0.3);
        free(file.bytes);
    }
    free(pixels);
}

static int prepare(void **state)
{
    (void)state;
    hk_error err;
    photo = malloc(WIDTH * HEIGHT);
    hk__jpeg_start();
    if (!photo || !pattern_draw(photo, "photo_like", HEIGHT, WIDTH) ||
        hk__canvas_new(&canvas, &err))
        return 1;
    hk__canvas_want_exact(canvas, true);
    hk__canvas_want_raster(canvas, true);
    return 0;
}

static int tidy(void **state)
{
    (void)state;
    hk__canvas_free(canvas);
    free(photo);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind), cmocka_unit_test(every_orientation),
        cmocka_unit_test(not_shrunk), cmocka_unit_test(cut_short),
        cmocka_unit_test(damaged),    cmocka_unit_test(faint),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
