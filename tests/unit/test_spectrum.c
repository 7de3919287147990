/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_spectrum.c - from grid to spectrum, bits and flags, each step against the plain oracle or
 * against the same step on a grid that was turned by hand; and the hasher around them.
 */
#include "unit.h"

#include "core/cpu.h"
#include "pixels.h"
#include "plain_pdq.h"
#include "spectrum/spectrum.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N = HK__SPECTRUM_SIZE };

static pixels drawn(const char *pattern, uint32_t width, uint32_t height)
{
    const pixels p = make_pixels(width, height);
    assert_true(pattern_draw(p.bytes, pattern, (int)height, (int)width));
    for (size_t i = 0; i < (size_t)width * height; i++)
        p.floats[i] = p.bytes[i];
    return p;
}

/* ---- spectrum and bits --------------------------------------------------------------------- */

static void spectrum_equals_the_oracle(void **state)
{
    (void)state;
    uint64_t seed = 41;
    for (int round = 0; round < 40; round++) {
        float grid[CELLS + 1], spectrum[N];
        double wide[CELLS], expected[N];
        float *const from = grid + round % 2; /* aligned or not */
        for (int i = 0; i < CELLS; i++) {
            const float value = round == 0   ? 255
                                : round == 1 ? (i / SIDE + i) % 2 * 255.0f
                                             : (float)(next_random(&seed) % 65281) / 256;
            from[i] = value;
            wide[i] = value;
        }
        assert_int_equal(hk__dct(spectrum, from, NULL), HK_OK);
        plain_dct(expected, wide);
        for (int i = 0; i < N; i++)
            assert_true(fabs(spectrum[i] - expected[i]) < 1e-3);
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static void check_select(const float values[N])
{
    float sorted[N];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, N, sizeof *sorted, by_value);
    for (unsigned rank = 0; rank < N; rank++)
        assert_true(hk__select(values, rank) == sorted[rank]);
}

static void select_equals_sorting(void **state)
{
    (void)state;
    static const float odd[] = {0.0f,    -0.0f,  FLT_MIN, -FLT_MIN, FLT_MAX, -FLT_MAX, 1e-42f,
                                -1e-42f, 1e-45f, -1e-45f, 1.0f,     -1.0f,   INFINITY, -INFINITY};
    uint64_t seed = 42;
    float values[N];
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < N; i++) {
            const uint64_t r = next_random(&seed);
            switch (round % 6) {
            case 0: /* of either sign */
                values[i] = (float)((int64_t)r >> 40) / 1000;
                break;
            case 1: /* few values, often repeated */
                values[i] = (float)(r % 5) - 2;
                break;
            case 2: /* denormals of either sign */
                values[i] = (float)((int)(r % 2001) - 1000) * 1e-45f;
                break;
            case 3:
                values[i] = odd[r % COUNT_OF(odd)];
                break;
            case 4: /* all the same */
                values[i] = -3.25f;
                break;
            default: /* all negative */
                values[i] = -(float)(r >> 40) - 1;
                break;
            }
        }
        check_select(values);
    }
}

/* Of grids whose coefficients are everyday ones, and of a mirrored one, in which half of them hang
 * on rounding and would show another order of sums, or a fused one, at once. */
static void fingerprints_are_the_same_bits_at_every_level(void **state)
{
    (void)state;
    static const hk_simd levels[] = {HK_SIMD_SCALAR, HK_SIMD_AVX2, HK_SIMD_AVX512};
    uint64_t seed = 43;
    for (int round = 0; round < 20; round++) {
        float grid[CELLS], spectrum[COUNT_OF(levels)][N];
        hk_fingerprint fp[COUNT_OF(levels)];
        memset(fp, 0, sizeof fp);
        for (int i = 0; i < CELLS; i++)
            grid[i] = (float)(next_random(&seed) >> 40) / (1 << 16);
        for (int i = 0; round % 2 && i < CELLS; i++)
            if (i % SIDE >= SIDE / 2)
                grid[i] = grid[i - i % SIDE + SIDE - 1 - i % SIDE];
        for (size_t k = 0; k < COUNT_OF(levels); k++) {
            if (!hk__cpu_can(levels[k]))
                continue;
            assert_int_equal(hk_simd_use(levels[k], NULL), HK_OK);
            assert_int_equal(hk__dct(spectrum[k], grid, NULL), HK_OK);
            assert_int_equal(hk__fingerprint(&fp[k], &hk__model_pdq, grid, NULL), HK_OK);
            assert_memory_equal(spectrum[k], spectrum[0], sizeof *spectrum);
            assert_memory_equal(fp[k].hash, fp[0].hash, sizeof fp->hash);
            assert_true(fp[k].spread == fp[0].spread && fp[k].texture_rms == fp[0].texture_rms);
            check_select(spectrum[k]);
        }
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
}

/* Bits of the hash of one orientation that are wrong outside the rounding band, by the oracle on
 * the turned grid. */
static int wrong_bits(const hk_hash *hash, const double grid[CELLS], int orientation)
{
    double turned[CELLS], b[N], energy = 0;
    int wrong = 0;
    plain_turn(turned, grid, orientation);
    plain_dct(b, turned);
    for (int i = 0; i < N; i++)
        energy += b[i] * b[i];
    const double median = plain_median(b), band = 1e-4 * fmax(sqrt(energy / N), 1);
    for (int i = 0; i < N; i++)
        if (fabs(b[i] - median) >= band)
            wrong += (int)(hash->word[i / 64] >> (i % 64) & 1) != (b[i] > median);
    return wrong;
}

static void orientations_of(hk_hash hash[HK_ORIENTATIONS], double grid[CELLS], const pixels *p)
{
    float sampled[CELLS], spectrum[N];
    sample(sampled, p, 1, false);
    for (int i = 0; i < CELLS; i++)
        grid[i] = sampled[i];
    assert_int_equal(hk__dct(spectrum, sampled, NULL), HK_OK);
    hk__orientations(hash, spectrum);
}

static void orientations_equal_hashing_the_turned_grid(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        const uint32_t width = 90 + 31 * (uint32_t)(i % 7), height = 77 + 19 * (uint32_t)(i % 5);
        const pixels p = pattern_name(i) ? drawn(pattern_name(i), width, height)
                                         : noise(width, height, 51 + (uint64_t)i);
        double grid[CELLS];
        hk_hash hash[HK_ORIENTATIONS];
        orientations_of(hash, grid, &p);
        for (int o = 0; o < HK_ORIENTATIONS; o++)
            assert_int_equal(wrong_bits(&hash[o], grid, o), 0);
        free_pixels(&p);
    }
}

static void planted_fault_in_the_orientations_is_found(void **state)
{
    (void)state;
    const pixels p = drawn("photo_like", 200, 150);
    double grid[CELLS];
    hk_hash hash[HK_ORIENTATIONS];
    orientations_of(hash, grid, &p);
    for (int a = 0; a < HK_ORIENTATIONS; a++)
        for (int b = 0; b < HK_ORIENTATIONS; b++)
            assert_int_equal(wrong_bits(&hash[a], grid, b) == 0, a == b);
    int found = 0;
    for (unsigned bit = 0; bit < HK_HASH_BITS; bit++) {
        hk_hash changed = hash[HK_ROTATE90];
        flip_bit(&changed, bit);
        found += wrong_bits(&changed, grid, HK_ROTATE90) == 1;
    }
    assert_true(found >= 250); /* the few others lie on the median */
    free_pixels(&p);
}

static void quality_equals_the_oracle(void **state)
{
    (void)state;
    for (int i = 0; pattern_name(i); i++) {
        const pixels p = drawn(pattern_name(i), 320, 240);
        float grid[CELLS];
        double wide[CELLS];
        sample(grid, &p, 1, false);
        for (int c = 0; c < CELLS; c++)
            wide[c] = grid[c];
        assert_int_equal(hk__quality(grid), plain_quality(wide));
        free_pixels(&p);
    }
}

/* ---- fingerprints -------------------------------------------------------------------------- */

static hk_fingerprint fingerprint_of(const pixels *p)
{
    hk_hasher *hasher;
    hk_fingerprint fp;
    assert_int_equal(hk_hasher_new(&hasher, p->width, p->height, NULL), HK_OK);
    for (uint32_t y = 0; y < p->height; y++)
        assert_int_equal(hk_hasher_row_u8(hasher, p->bytes + (size_t)y * p->width, NULL), HK_OK);
    assert_int_equal(hk_hasher_finish(&fp, hasher, NULL), HK_OK);
    hk_hasher_free(hasher);
    return fp;
}

static void flat_pictures_are_degenerate(void **state)
{
    (void)state;
    static const int greys[] = {0, 1, 128, 255};
    for (size_t i = 0; i < COUNT_OF(greys); i++) {
        const pixels p = make_pixels(200, 100);
        memset(p.bytes, greys[i], 200 * 100);
        const hk_fingerprint fp = fingerprint_of(&p);
        assert_true(fp.flags & HK_FLAG_DEGENERATE);
        assert_true(fp.flags & HK_FLAG_LOW_QUALITY);
        assert_int_equal(fp.quality, 0);
        free_pixels(&p);
    }
}

/* Sides at which PDQ's windows and sampling points are themselves symmetric: at the others the grid
 * leans to one side by up to a pixel, and its bits do not hang on rounding. */
static void symmetric_pictures_are_degenerate(void **state)
{
    (void)state;
    static const int sides[] = {64, 320, 576};
    for (size_t i = 0; i < 2 * COUNT_OF(sides); i++) {
        const int n = sides[i / 2], down = i % 2;
        const pixels p = drawn("photo_like", (uint32_t)n, (uint32_t)n);
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++) {
                const int u = !down && x >= n / 2 ? n - 1 - x : x;
                const int v = down && y >= n / 2 ? n - 1 - y : y;
                p.bytes[y * n + x] = p.bytes[v * n + u];
            }
        assert_true(fingerprint_of(&p).flags & HK_FLAG_DEGENERATE);
        free_pixels(&p);
    }
}

static void photos_are_not_degenerate(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{64, 64}, {200, 150}, {640, 480}, {333, 1000}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const pixels p = drawn("photo_like", sizes[i][0], sizes[i][1]);
        const hk_fingerprint fp = fingerprint_of(&p);
        assert_false(fp.flags & HK_FLAG_DEGENERATE);
        assert_string_equal(fp.model, "pdq");
        assert_int_equal(hk_hash_ones(&fp.hash[HK_ORIGINAL]), 128);
        assert_true(fp.texture_rms > 1);
        assert_true(fp.effective_coefficients >= 1 && fp.effective_coefficients <= 256);
        free_pixels(&p);
    }
}

/* Inverting the colours negates the spectrum. The median is the lower one of two, so the one
 * coefficient on it is left on the same side. */
static void inverted_picture_has_every_bit_but_one_flipped(void **state)
{
    (void)state;
    const pixels p = drawn("photo_like", 300, 200);
    const hk_fingerprint a = fingerprint_of(&p);
    for (int i = 0; i < 300 * 200; i++)
        p.bytes[i] = (uint8_t)(255 - p.bytes[i]);
    const hk_fingerprint b = fingerprint_of(&p);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        assert_true(hk_hash_distance(&a.hash[o], &b.hash[o]) >= 254);
    free_pixels(&p);
}

/* ---- the exact grid ------------------------------------------------------------------------ */

static bool exact_hashes_of(hk_hash hash[HK_ORIENTATIONS], const pixels *p)
{
    float grid[CELLS];
    bool degenerate = true;
    sample_as(grid, EXACT_MAP, p, 1, false);
    assert_int_equal(hk__exact_hashes(hash, &degenerate, &hk__model_pdq, grid, NULL), HK_OK);
    return degenerate;
}

static void exact_hashes_are_those_of_their_grid(void **state)
{
    (void)state;
    for (int i = 0; pattern_name(i); i++) {
        const pixels p = drawn(pattern_name(i), 321, 234);
        float grid[CELLS];
        hk_fingerprint expected;
        hk_hash hash[HK_ORIENTATIONS];
        sample_as(grid, EXACT_MAP, &p, 1, false);
        assert_int_equal(hk__fingerprint(&expected, &hk__model_pdq, grid, NULL), HK_OK);
        const bool degenerate = exact_hashes_of(hash, &p);
        assert_memory_equal(hash, expected.hash, sizeof hash);
        assert_int_equal(degenerate, (expected.flags & HK_FLAG_DEGENERATE) != 0);
        free_pixels(&p);
    }
}

/* The exact grid of a symmetric picture is symmetric at every size, and half of its bits hang on
 * rounding. PDQ's leans to one side, and says nothing of it. */
static void exact_hash_of_a_symmetric_picture_is_degenerate(void **state)
{
    (void)state;
    static const int sides[] = {64, 100, 201, 320, 401, 1000};
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        const int n = sides[i];
        hk_hash hash[HK_ORIENTATIONS];
        const pixels p = drawn("photo_like", (uint32_t)n, (uint32_t)n);
        assert_false(exact_hashes_of(hash, &p));
        for (int o = 0; o < HK_ORIENTATIONS; o++)
            assert_int_equal(hk_hash_ones(&hash[o]), 128);
        for (int y = 0; y < n; y++)
            for (int x = n / 2; x < n; x++)
                p.bytes[y * n + x] = p.bytes[y * n + n - 1 - x];
        assert_true(exact_hashes_of(hash, &p));
        free_pixels(&p);
    }
}

/* Part of the pattern, another for each seed. */
static pixels scene(uint32_t seed, uint32_t width, uint32_t height)
{
    const uint32_t left = 67 * seed, top = 131 * seed;
    const pixels all = drawn("photo_like", left + width, top + height);
    const pixels p = make_pixels(width, height);
    for (uint32_t y = 0; y < height; y++)
        memcpy(p.bytes + (size_t)y * width, all.bytes + (size_t)(top + y) * (left + width) + left,
               width);
    free_pixels(&all);
    return p;
}

/* How much of pixel k of n lies in [from, to), of which both are given in pixels. */
static double shared(uint32_t k, double from, double to)
{
    return fmax(0, fmin(k + 1.0, to) - fmax(k, from));
}

/* A copy of another size, smaller: each pixel the mean of what it covers. */
static pixels resized(const pixels *p, uint32_t width, uint32_t height)
{
    const pixels copy = make_pixels(width, height);
    const double across = (double)p->width / width, down = (double)p->height / height;
    for (uint32_t i = 0; i < height; i++)
        for (uint32_t j = 0; j < width; j++) {
            double sum = 0;
            for (uint32_t y = (uint32_t)(i * down); y < p->height && y < (i + 1) * down; y++)
                for (uint32_t x = (uint32_t)(j * across); x < p->width && x < (j + 1) * across; x++)
                    sum += shared(y, i * down, (i + 1) * down) *
                           shared(x, j * across, (j + 1) * across) *
                           p->bytes[(size_t)y * p->width + x];
            copy.bytes[(size_t)i * width + j] = (uint8_t)(sum / (across * down) + 0.5);
        }
    return copy;
}

enum { SCENES = 16 };
static const uint32_t copies[][2] = {{180, 180}, {258, 194}, {400, 301}, {129, 250}};

static hk_hash hash_by(map kind, const pixels *p)
{
    float grid[CELLS], spectrum[N];
    sample_as(grid, kind, p, 1, false);
    assert_int_equal(hk__dct(spectrum, grid, NULL), HK_OK);
    return hk__bits(spectrum, HK_ORIGINAL);
}

/* Mean and largest distance between pictures and their copies of other sizes, bits, by the two maps
 * of [picture][copy], and the smallest one between pictures of different seeds. */
typedef struct steadiness {
    double mean[MAPS][MAPS];
    unsigned most[MAPS][MAPS], strangers[MAPS][MAPS];
} steadiness;

static void measure_steadiness(steadiness *out)
{
    static hk_hash hash[SCENES][1 + COUNT_OF(copies)][MAPS];
    memset(out, 0, sizeof *out);
    memset(out->strangers, 0x7f, sizeof out->strangers);
    for (uint32_t s = 0; s < SCENES; s++) {
        const pixels p = scene(s, 517, 389);
        for (size_t c = 0; c <= COUNT_OF(copies); c++) {
            const pixels copy = c ? resized(&p, copies[c - 1][0], copies[c - 1][1]) : p;
            for (int m = 0; m < MAPS; m++)
                hash[s][c][m] = hash_by(m, &copy);
            if (c)
                free_pixels(&copy);
        }
        free_pixels(&p);
    }
    for (int a = 0; a < MAPS; a++)
        for (int b = 0; b < MAPS; b++)
            for (size_t i = 0; i < (size_t)SCENES * SCENES * COUNT_OF(copies); i++) {
                const size_t s = i % SCENES, t = i / SCENES % SCENES, c = i / SCENES / SCENES + 1;
                const unsigned distance = hk_hash_distance(&hash[s][0][a], &hash[t][c][b]);
                unsigned *most = &out->most[a][b], *least = &out->strangers[a][b];
                if (s != t)
                    *least = distance < *least ? distance : *least;
                else
                    *most = distance > *most ? distance : *most;
                out->mean[a][b] += s == t ? (double)distance / SCENES / COUNT_OF(copies) : 0;
            }
}

/* Why it is there: on both sides, and on the side of the copy alone, against hashes of PDQ's. And
 * no nearer to strangers. */
static void exact_grid_is_steadier_than_pdq_under_resizing(void **state)
{
    (void)state;
    steadiness is;
    measure_steadiness(&is);
    const double pdq = is.mean[PDQ_MAP][PDQ_MAP];
    assert_true(is.mean[EXACT_MAP][EXACT_MAP] < pdq / 4);
    assert_true(is.mean[PDQ_MAP][EXACT_MAP] < pdq / 1.5);
    assert_true(is.most[EXACT_MAP][EXACT_MAP] <= 10);
    assert_true(is.most[PDQ_MAP][EXACT_MAP] <= 20);
    assert_true(is.strangers[EXACT_MAP][EXACT_MAP] >= 90);
    assert_true(is.strangers[PDQ_MAP][EXACT_MAP] >= 90);
}

static void hasher_gives_the_fingerprint_of_the_grid(void **state)
{
    (void)state;
    const pixels p = drawn("blocks", 321, 123);
    float grid[CELLS];
    hk_fingerprint expected;
    sample(grid, &p, 1, false);
    assert_int_equal(hk__fingerprint(&expected, &hk__model_pdq, grid, NULL), HK_OK);
    hk_hasher *hasher;
    assert_int_equal(hk_hasher_new(&hasher, 321, 123, NULL), HK_OK);
    for (int round = 0; round < 2; round++) { /* empty again after finish */
        hk_fingerprint fp;
        for (uint32_t y = 0; y < 123; y++) /* whole values: the two kinds of row agree */
            assert_int_equal(y % 2 ? hk_hasher_row_u8(hasher, p.bytes + y * 321u, NULL)
                                   : hk_hasher_row_f32(hasher, p.floats + y * 321u, NULL),
                             HK_OK);
        assert_int_equal(hk_hasher_finish(&fp, hasher, NULL), HK_OK);
        assert_memory_equal(fp.hash, expected.hash, sizeof fp.hash);
        assert_int_equal(fp.quality, expected.quality);
        assert_int_equal(fp.flags, expected.flags);
        assert_int_equal(fp.kind, expected.kind);
    }
    hk_hasher_free(hasher);
    free_pixels(&p);
}

static void hasher_refuses_misuse(void **state)
{
    (void)state;
    const uint32_t most = UINT32_C(1) << 30;
    const uint32_t wrong[][2] = {{4, 100}, {100, 4}, {0, 0}, {1, 1}, {most + 1, 5}, {5, most + 1}};
    hk_hasher *hasher = UNTOUCHED;
    hk_error err;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        err.status = HK_OK;
        assert_int_equal(hk_hasher_new(&hasher, wrong[i][0], wrong[i][1], &err), HK_ERR_USAGE);
        assert_int_equal(err.status, HK_ERR_USAGE);
        assert_ptr_equal(hasher, UNTOUCHED);
    }

    const uint8_t row[9] = {0, 10, 200, 30, 90, 14, 200, 13, 80};
    const float floats[9] = {0};
    hk_fingerprint fp, before;
    memset(&before, 0x5a, sizeof before);
    fp = before;
    assert_int_equal(hk_hasher_new(&hasher, 9, 5, NULL), HK_OK);
    for (int y = 0; y < 5; y++) {
        assert_int_equal(hk_hasher_finish(&fp, hasher, &err), HK_ERR_USAGE);
        assert_memory_equal(&fp, &before, sizeof fp);
        assert_int_equal(hk_hasher_row_u8(hasher, row, NULL), HK_OK);
    }
    assert_int_equal(hk_hasher_row_u8(hasher, row, &err), HK_ERR_USAGE);
    assert_int_equal(hk_hasher_row_f32(hasher, floats, NULL), HK_ERR_USAGE);
    assert_int_equal(hk_hasher_finish(&fp, hasher, NULL), HK_OK);
    assert_int_equal(hk_hasher_finish(&fp, hasher, NULL), HK_ERR_USAGE);
    hk_hasher_free(hasher);
    hk_hasher_free(NULL);
}

static void model_and_kinds_have_their_names(void **state)
{
    (void)state;
    const hk_model_info *info = hk_model(0);
    assert_string_equal(info->id, "pdq");
    assert_int_equal(info->bits, 256);
    assert_int_equal(info->max_distance, 31);
    assert_int_equal(strspn(info->checksum, "0123456789abcdef"), 64);
    assert_int_equal(strlen(info->checksum), 64);
    assert_null(hk_model(1));
    assert_string_equal(hk_kind_name(HK_KIND_PHOTO), "photo");
    assert_string_equal(hk_kind_name(HK_KIND_LOW_TEXTURE), "low_texture");
    assert_string_equal(hk_kind_name(HK_KIND_GRAPHIC), "graphic");
    assert_null(hk_kind_name((hk_kind)3));
}

/* ---- threads ------------------------------------------------------------------------------- */

static void *hash_in_thread(void *out)
{
    hk_error err;
    hk_hasher *hasher;
    hk_fingerprint fingerprint;
    const pixels p = drawn("photo_like", 200, 150);
    if (hk_hasher_new(&hasher, p.width, p.height, &err))
        return NULL;
    for (uint32_t y = 0; y < p.height; y++)
        if (hk_hasher_row_u8(hasher, p.bytes + (size_t)y * p.width, &err))
            return NULL;
    if (!hk_hasher_finish(&fingerprint, hasher, &err))
        *(hk_hash *)out = fingerprint.hash[0];
    hk_hasher_free(hasher);
    free_pixels(&p);
    return NULL;
}

/* The DCT's plan is the one thing that threads share. */
static void threads_hash_side_by_side(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    hk_hash hash[THREADS] = {{{0}}};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_thread, &hash[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hk_hash_ones(&hash[0]), 128);
    for (int i = 1; i < THREADS; i++)
        assert_int_equal(hk_hash_distance(&hash[0], &hash[i]), 0);
}

/* ---- allocations --------------------------------------------------------------------------- */

static void hasher_survives_failing_allocations(void **state)
{
    (void)state;
    hk_hasher *hasher = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_hasher_new(&hasher, 640, 480, NULL), hasher == UNTOUCHED);
    hk_hasher_free(hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_hash_side_by_side), /* first: the DCT's numbers are not made yet */
        cmocka_unit_test(spectrum_equals_the_oracle),
        cmocka_unit_test(select_equals_sorting),
        cmocka_unit_test(fingerprints_are_the_same_bits_at_every_level),
        cmocka_unit_test(orientations_equal_hashing_the_turned_grid),
        cmocka_unit_test(planted_fault_in_the_orientations_is_found),
        cmocka_unit_test(quality_equals_the_oracle),
        cmocka_unit_test(flat_pictures_are_degenerate),
        cmocka_unit_test(symmetric_pictures_are_degenerate),
        cmocka_unit_test(photos_are_not_degenerate),
        cmocka_unit_test(inverted_picture_has_every_bit_but_one_flipped),
        cmocka_unit_test(exact_hashes_are_those_of_their_grid),
        cmocka_unit_test(exact_hash_of_a_symmetric_picture_is_degenerate),
        cmocka_unit_test(exact_grid_is_steadier_than_pdq_under_resizing),
        cmocka_unit_test(hasher_gives_the_fingerprint_of_the_grid),
        cmocka_unit_test(hasher_refuses_misuse),
        cmocka_unit_test(model_and_kinds_have_their_names),
        cmocka_unit_test(hasher_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("spectrum", tests, NULL, NULL);
}
