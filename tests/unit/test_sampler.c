/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_sampler.c - from rows to grid and raster, each step against the plain oracle or against the
 * same step on pixels that were turned by hand.
 */
#include "unit.h"

#include "pixels.h"
#include "plain_pdq.h"
#include "spectrum/axis.h"
#include "spectrum/rows.h"
#include "spectrum/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void oracle_as(double grid[CELLS], map kind, const pixels *p, bool floats)
{
    const size_t size = (size_t)p->width * p->height;
    double *luma = malloc(size * sizeof *luma);
    for (size_t i = 0; i < size; i++)
        luma[i] = floats ? (double)p->floats[i] : p->bytes[i];
    (kind == EXACT_MAP ? plain_exact_grid : plain_grid)(grid, luma, (int)p->height, (int)p->width);
    free(luma);
}

static void oracle(double grid[CELLS], const pixels *p, bool floats)
{
    oracle_as(grid, PDQ_MAP, p, floats);
}

static double difference(const float grid[CELLS], const double expected[CELLS])
{
    double worst = 0;
    for (int i = 0; i < CELLS; i++)
        worst = fmax(worst, fabs(grid[i] - expected[i]));
    return worst;
}

/* ---- the grid ------------------------------------------------------------------------------ */

static void check_grid(uint32_t width, uint32_t height)
{
    const pixels p = noise(width, height, width * 100003u + height);
    for (int i = 0; i < 2 * MAPS; i++) {
        const bool floats = i % 2;
        const map kind = i / 2;
        float grid[CELLS];
        double expected[CELLS];
        sample_as(grid, kind, &p, 1, floats);
        oracle_as(expected, kind, &p, floats);
        const double worst = difference(grid, expected);
        if (worst >= 1e-3)
            print_error("%u x %u, map %d, %s: %g\n", width, height, kind, floats ? "f32" : "u8",
                        worst);
        assert_true(worst < 1e-3);
    }
    free_pixels(&p);
}

static void grid_equals_the_oracle_at_every_side(void **state)
{
    (void)state;
    for (uint32_t side = 5; side <= 300; side++) {
        const uint32_t other = side * 37 % 296 + 5;
        check_grid(side, other);
        check_grid(other, side);
    }
}

static void grid_equals_the_oracle_at_odd_shapes(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {
        {64, 64},   {63, 65},   {127, 127}, {128, 128},  {129, 129}, {130, 130},   {127, 130},
        {256, 256}, {257, 255}, {384, 385}, {1000, 750}, {3000, 7},  {7, 3000},    {5, 4000},
        {4000, 5},  {1, 1000},  {1000, 1},  {1, 1},      {2, 3},     {1537, 1201},
    };
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        check_grid(sizes[i][0], sizes[i][1]);
}

static void grid_of_64_by_64_is_the_picture(void **state)
{
    (void)state;
    const pixels p = noise(SIDE, SIDE, 7);
    float grid[CELLS];
    sample(grid, &p, 1, false);
    for (int i = 0; i < CELLS; i++)
        assert_true(grid[i] == p.bytes[i]);
    free_pixels(&p);
}

static void sampler_takes_picture_after_picture(void **state)
{
    (void)state;
    hk__sampler *sampler;
    assert_int_equal(hk__sampler_grid(&sampler, 333, 200, 6, NULL), HK_OK);
    assert_true(hk__sampler_fits(sampler, 333, 200, 6, 1));
    assert_false(hk__sampler_fits(sampler, 200, 333, 6, 1));
    assert_false(hk__sampler_fits(sampler, 333, 200, 8, 1));
    for (uint64_t seed = 1; seed < 4; seed++) {
        const pixels p = noise(333, 200, seed);
        float alone[CELLS];
        sample(alone, &p, 6, seed & 1);
        assert_memory_equal(feed(NULL, NULL, sampler, &p, seed & 1), alone, sizeof alone);
        free_pixels(&p);
    }
    hk__sampler_free(sampler);
    hk__sampler_free(NULL);
}

/* ---- orientations of the file -------------------------------------------------------------- */

/* The EXIF words: where the stored 0th row and 0th column lie in the upright picture. */
typedef enum edge { TOP, BOTTOM, LEFT, RIGHT } edge;
static const struct {
    edge row, column;
} exif[9] = {
    [1] = {TOP, LEFT}, [2] = {TOP, RIGHT}, [3] = {BOTTOM, RIGHT}, [4] = {BOTTOM, LEFT},
    [5] = {LEFT, TOP}, [6] = {RIGHT, TOP}, [7] = {RIGHT, BOTTOM}, [8] = {LEFT, BOTTOM},
};

/* How far from `side` the edge numbered 0 puts a row or column numbered i of n. */
static uint32_t from_edge(edge side, uint32_t i, uint32_t n)
{
    return side == TOP || side == LEFT ? i : n - 1 - i;
}

static pixels upright(const pixels *stored, unsigned orientation)
{
    const bool turned = exif[orientation].row == LEFT || exif[orientation].row == RIGHT;
    const pixels up = make_pixels(turned ? stored->height : stored->width,
                                  turned ? stored->width : stored->height);
    for (uint32_t i = 0; i < stored->height; i++)
        for (uint32_t j = 0; j < stored->width; j++) {
            const uint32_t a = from_edge(exif[orientation].row, i, stored->height);
            const uint32_t b = from_edge(exif[orientation].column, j, stored->width);
            const size_t to = turned ? (size_t)b * up.width + a : (size_t)a * up.width + b;
            const size_t from = (size_t)i * stored->width + j;
            up.bytes[to] = stored->bytes[from];
            up.floats[to] = stored->floats[from];
        }
    return up;
}

static const uint32_t turned_sizes[][2] = {{64, 64},   {7, 5},     {65, 97},    {130, 40},
                                           {300, 200}, {200, 301}, {1000, 333}, {129, 1290}};

static void exif_orientations_give_the_grid_of_the_turned_pixels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(turned_sizes); i++) {
        const pixels p = noise(turned_sizes[i][0], turned_sizes[i][1], i + 11);
        for (unsigned o = 1; o <= 8; o++) {
            const pixels up = upright(&p, o);
            for (int m = 0; m < 2 * MAPS; m++) {
                float grid[CELLS];
                double expected[CELLS];
                sample_as(grid, m / 2, &p, o, m % 2);
                oracle_as(expected, m / 2, &up, m % 2);
                assert_true(difference(grid, expected) < 1e-3);
            }
            free_pixels(&up);
        }
        free_pixels(&p);
    }
}

/* sampler.h: the matrix is that of the upright picture but for the order of its sums. */
static void exif_orientations_give_that_grid_but_for_rounding(void **state)
{
    (void)state;
    int differing = 0;
    for (size_t i = 0; i < COUNT_OF(turned_sizes); i++) {
        const pixels p = noise(turned_sizes[i][0], turned_sizes[i][1], i + 11);
        for (unsigned o = 1; o <= 8; o++) {
            const pixels up = upright(&p, o);
            for (int m = 0; m < 2 * MAPS; m++) {
                const bool floats = m % 2;
                float grid[CELLS], expected[CELLS];
                sample_as(grid, m / 2, &p, o, floats);
                sample_as(expected, m / 2, &up, 1, floats);
                int cells = 0;
                for (int c = 0; c < CELLS; c++)
                    cells += !(fabsf(grid[c] - expected[c]) < 1e-4f);
                if (cells)
                    print_error("%u x %u, orientation %u, map %d, %s: %d cells differ\n", p.width,
                                p.height, o, m / 2, floats ? "f32" : "u8", cells);
                differing += cells;
            }
            free_pixels(&up);
        }
        free_pixels(&p);
    }
    assert_int_equal(differing, 0);
}

/* ---- kernels ------------------------------------------------------------------------------- */

typedef struct kernel {
    hk_simd level;
    const hk__rows *rows;
} kernel;

static const kernel kernels[] = {
    {HK_SIMD_SCALAR, &hk__rows_scalar},
#if defined(__x86_64__)
    {HK_SIMD_AVX2, &hk__rows_avx2},
    {HK_SIMD_AVX512, &hk__rows_avx512},
#endif
};

static float some_float(uint64_t *seed)
{
    return (float)(next_random(seed) >> 40) / (1 << 16);
}

static void check_row_kernels(const hk__rows *rows, size_t n)
{
    const hk__rows *plain = &hk__rows_scalar;
    const size_t bytes = n * sizeof(float);
    uint64_t seed = n;
    /* Blocks of just this size, so that reading past the end is seen. */
    uint8_t *row8 = malloc(n + 1);
    float *row32 = malloc(bytes + 1), *a = malloc(bytes + 1), *b = malloc(bytes + 1);
    for (size_t i = 0; i < n; i++) {
        row8[i] = (uint8_t)next_random(&seed);
        row32[i] = some_float(&seed);
    }
    for (int round = 0; round < 4; round++) {
        const float weight = some_float(&seed) / 300;
        (round ? plain->add_u8 : plain->set_u8)(a, row8, weight, n);
        (round ? rows->add_u8 : rows->set_u8)(b, row8, weight, n);
        assert_memory_equal(a, b, bytes);
    }
    for (int round = 0; round < 4; round++) {
        const float weight = some_float(&seed) / 300;
        (round ? plain->add_f32 : plain->set_f32)(a, row32, weight, n);
        (round ? rows->add_f32 : rows->set_f32)(b, row32, weight, n);
        assert_memory_equal(a, b, bytes);
    }
    free(row8);
    free(row32);
    free(a);
    free(b);
}

static void check_fold(const hk__rows *rows, size_t stride, size_t m)
{
    enum { LINE = 500 };
    uint64_t seed = stride * 1000 + m;
    float *line = malloc(LINE * sizeof *line), *taps = malloc(m * stride * sizeof *taps);
    float *a = malloc(m * sizeof *a), *b = malloc(m * sizeof *b);
    uint32_t *first = malloc(m * sizeof *first);
    for (size_t i = 0; i < LINE; i++)
        line[i] = some_float(&seed);
    for (size_t i = 0; i < m * stride; i++)
        taps[i] = some_float(&seed) / 300;
    for (size_t i = 0; i < m; i++)
        first[i] = i + 1 == m ? (uint32_t)(LINE - stride)
                              : (uint32_t)(next_random(&seed) % (LINE - stride + 1));
    hk__rows_scalar.fold(a, line, first, taps, stride, m);
    rows->fold(b, line, first, taps, stride, m);
    assert_memory_equal(a, b, m * sizeof *a);
    for (size_t i = 0; i < m; i++) {
        double sum = 0;
        for (size_t k = 0; k < stride; k++)
            sum += (double)taps[i * stride + k] * line[first[i] + k];
        assert_true(fabs(sum - a[i]) < 1e-5 * (1 + fabs(sum)));
    }
    free(line);
    free(taps);
    free(a);
    free(b);
    free(first);
}

static void row_kernels_give_the_same_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kernels); k++) {
        if (!hk__cpu_can(kernels[k].level))
            continue;
        for (size_t n = 0; n <= 70; n++)
            check_row_kernels(kernels[k].rows, n);
        check_row_kernels(kernels[k].rows, 4099);
        for (size_t stride = HK__LANES; stride <= 10 * HK__LANES; stride += HK__LANES)
            for (size_t m = 1; m <= 64; m += 9)
                check_fold(kernels[k].rows, stride, m);
    }
}

static void grids_are_the_same_bits_at_every_level(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{100, 80}, {640, 480}, {1001, 77}, {5, 5}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const pixels p = noise(sizes[i][0], sizes[i][1], i + 21);
        float scalar[CELLS], grid[CELLS];
        for (int floats = 0; floats < 2; floats++)
            for (size_t k = 0; k < COUNT_OF(kernels); k++) {
                if (!hk__cpu_can(kernels[k].level))
                    continue;
                assert_int_equal(hk_simd_use(kernels[k].level, NULL), HK_OK);
                assert_ptr_equal(hk__rows_in_use(), kernels[k].rows);
                sample(k ? grid : scalar, &p, 5, floats);
                if (k)
                    assert_memory_equal(grid, scalar, sizeof grid);
            }
        free_pixels(&p);
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
}

/* ---- axes ---------------------------------------------------------------------------------- */

static void check_axis(const hk__axis *axis, uint32_t n, uint32_t m)
{
    uint32_t most = 0;
    assert_int_equal(axis->inputs, n);
    assert_int_equal(axis->outputs, m);
    assert_int_equal(axis->stride % HK__LANES, 0);
    for (uint32_t i = 0; i < m; i++) {
        double sum = 0;
        assert_true(axis->count[i] >= 1 && axis->count[i] <= axis->stride);
        assert_true((uint64_t)axis->first[i] + axis->count[i] <= n);
        assert_true(i == 0 || axis->first[i] >= axis->first[i - 1]);
        for (uint32_t k = 0; k < axis->stride; k++) {
            const float tap = axis->taps[(size_t)i * axis->stride + k];
            sum += tap;
            assert_true(k < axis->count[i] ? tap >= 0 : tap == 0);
        }
        assert_true(fabs(sum - 1) < 1e-5);
        uint32_t serves = 0; /* outputs that the first input of run i serves */
        for (uint32_t j = 0; j <= i; j++)
            serves += axis->first[j] + axis->count[j] > axis->first[i];
        most = serves > most ? serves : most;
    }
    assert_int_equal(axis->overlap, most);
}

static void axis_taps_sum_to_one(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 40000; n = n < 400 ? n + 1 : n * 5 / 4)
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            hk__axis axis;
            assert_int_equal(hk__axis_pdq(&axis, n, mirrored, NULL), HK_OK);
            check_axis(&axis, n, SIDE);
            hk__axis_clear(&axis);
        }
    for (uint32_t n = 1; n <= 40000; n = n < 700 ? n + 1 : n * 5 / 4) {
        hk__axis axis;
        assert_int_equal(hk__axis_exact(&axis, n, NULL), HK_OK);
        check_axis(&axis, n, SIDE);
        hk__axis_clear(&axis);
    }
    for (uint32_t n = 1; n <= 600; n += 7)
        for (uint32_t m = 1; m <= n; m += 5) {
            hk__axis axis;
            assert_int_equal(hk__axis_area(&axis, n, m, NULL), HK_OK);
            check_axis(&axis, n, m);
            hk__axis_clear(&axis);
        }
}

static void axis_mirrored_is_the_reversed_axis(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3000; n = n < 300 ? n + 1 : n * 5 / 4) {
        hk__axis a, b;
        assert_int_equal(hk__axis_pdq(&a, n, false, NULL), HK_OK);
        assert_int_equal(hk__axis_pdq(&b, n, true, NULL), HK_OK);
        assert_int_equal(a.stride, b.stride);
        for (uint32_t i = 0; i < SIDE; i++) {
            const uint32_t o = SIDE - 1 - i;
            assert_int_equal(a.count[i], b.count[o]);
            assert_int_equal(b.first[o], n - a.first[i] - a.count[i]);
            for (uint32_t k = 0; k < a.count[i]; k++)
                assert_true(a.taps[(size_t)i * a.stride + k] ==
                            b.taps[(size_t)o * b.stride + a.count[i] - 1 - k]);
        }
        hk__axis_clear(&a);
        hk__axis_clear(&b);
    }
}

/* To the bit, so that a turned picture has the grid of the upright one turned. */
static void axis_exact_is_symmetric(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 40000; n = n < 700 ? n + 1 : n * 5 / 4) {
        hk__axis a;
        assert_int_equal(hk__axis_exact(&a, n, NULL), HK_OK);
        for (uint32_t i = 0; i < SIDE; i++) {
            const uint32_t o = SIDE - 1 - i;
            assert_int_equal(a.count[i], a.count[o]);
            assert_int_equal(a.first[o], n - a.first[i] - a.count[i]);
            for (uint32_t k = 0; k < a.count[i]; k++)
                assert_true(a.taps[(size_t)i * a.stride + k] ==
                            a.taps[(size_t)o * a.stride + a.count[o] - 1 - k]);
        }
        hk__axis_clear(&a);
    }
}

/* How far the centre of gravity of an output that no edge cuts lies from its exact place, pixels.
 */
static double farthest_from_place(const hk__axis *axis)
{
    double worst = 0;
    for (uint32_t i = 1; i < SIDE - 1; i++) {
        double centre = 0;
        for (uint32_t k = 0; k < axis->count[i]; k++)
            centre += axis->taps[(size_t)i * axis->stride + k] * (axis->first[i] + k + 0.5);
        worst = fmax(worst, fabs(centre - (i + 0.5) * axis->inputs / SIDE));
    }
    return worst;
}

static void axis_exact_is_centred_where_pdq_is_not(void **state)
{
    (void)state;
    double worst = 0;
    for (uint32_t n = 64; n <= 40000; n = n < 700 ? n + 1 : n * 5 / 4) {
        hk__axis exact, pdq;
        assert_int_equal(hk__axis_exact(&exact, n, NULL), HK_OK);
        assert_int_equal(hk__axis_pdq(&pdq, n, false, NULL), HK_OK);
        /* Of a tent of a pixel or two not much is left of its shape. */
        assert_true(farthest_from_place(&exact) < (n < 128 ? 0.1 : 0.02));
        worst = fmax(worst, farthest_from_place(&pdq));
        hk__axis_clear(&exact);
        hk__axis_clear(&pdq);
    }
    assert_true(worst > 1);
}

/* The grid as the taps say, in double precision and without a sampler. */
static void grid_of_taps(float grid[CELLS], const pixels *p, const hk__axis *x, const hk__axis *y)
{
    for (uint32_t i = 0; i < SIDE; i++)
        for (uint32_t j = 0; j < SIDE; j++) {
            double sum = 0;
            for (uint32_t a = 0; a < y->count[i]; a++)
                for (uint32_t b = 0; b < x->count[j]; b++)
                    sum += (double)y->taps[(size_t)i * y->stride + a] *
                           x->taps[(size_t)j * x->stride + b] *
                           p->bytes[(size_t)(y->first[i] + a) * p->width + x->first[j] + b];
            grid[i * SIDE + j] = (float)sum;
        }
}

static void planted_fault_in_a_tap_is_found(void **state)
{
    (void)state;
    const pixels p = noise(500, 300, 31);
    float grid[CELLS];
    double expected[CELLS];
    hk__axis x, y;
    oracle(expected, &p, false);
    assert_int_equal(hk__axis_pdq(&x, p.width, false, NULL), HK_OK);
    assert_int_equal(hk__axis_pdq(&y, p.height, false, NULL), HK_OK);
    grid_of_taps(grid, &p, &x, &y);
    assert_true(difference(grid, expected) < 1e-3);

    x.taps[(size_t)40 * x.stride + 1] += 1e-3f;
    grid_of_taps(grid, &p, &x, &y);
    assert_false(difference(grid, expected) < 1e-3);
    x.taps[(size_t)40 * x.stride + 1] -= 1e-3f;

    y.first[10]++;
    grid_of_taps(grid, &p, &x, &y);
    assert_false(difference(grid, expected) < 1e-3);
    hk__axis_clear(&x);
    hk__axis_clear(&y);
    free_pixels(&p);
}

static void planted_fault_in_an_exact_tap_is_found(void **state)
{
    (void)state;
    const pixels p = noise(500, 300, 32);
    float grid[CELLS];
    double expected[CELLS];
    hk__axis x, y, whole;
    oracle_as(expected, EXACT_MAP, &p, false);
    assert_int_equal(hk__axis_exact(&x, p.width, NULL), HK_OK);
    assert_int_equal(hk__axis_exact(&y, p.height, NULL), HK_OK);
    assert_int_equal(hk__axis_pdq(&whole, p.height, false, NULL), HK_OK);
    grid_of_taps(grid, &p, &x, &y);
    assert_true(difference(grid, expected) < 1e-3);

    x.taps[(size_t)40 * x.stride + 1] += 1e-3f;
    grid_of_taps(grid, &p, &x, &y);
    assert_false(difference(grid, expected) < 1e-3);
    x.taps[(size_t)40 * x.stride + 1] -= 1e-3f;

    grid_of_taps(grid, &p, &x, &whole);
    assert_false(difference(grid, expected) < 1e-3);
    hk__axis_clear(&x);
    hk__axis_clear(&y);
    hk__axis_clear(&whole);
    free_pixels(&p);
}

/* ---- the raster ---------------------------------------------------------------------------- */

static const struct {
    uint32_t width, height, raster_width, raster_height;
} rasters[] = {
    {1000, 500, 256, 128}, {500, 1000, 128, 256}, {256, 256, 256, 256}, {257, 256, 256, 255},
    {100, 40, 100, 40},    {1, 1, 1, 1},          {3000, 7, 256, 1},    {7, 3000, 1, 256},
    {640, 480, 256, 192},  {255, 256, 255, 256},  {5000, 1, 256, 1},
};

static hk__sampler *raster_sampler(const pixels *p, unsigned orientation)
{
    hk__sampler *sampler;
    assert_int_equal(hk__sampler_raster(&sampler, p->width, p->height, orientation, NULL), HK_OK);
    return sampler;
}

static void raster_keeps_aspect_and_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rasters); i++) {
        const pixels p = noise(rasters[i].width, rasters[i].height, i + 61);
        const size_t size = (size_t)p.width * p.height;
        for (int floats = 0; floats < 2; floats++) {
            hk__sampler *sampler = raster_sampler(&p, 1);
            uint32_t width, height;
            double mean = 0, raster_mean = 0;
            const float *matrix = feed(&width, &height, sampler, &p, floats);
            assert_int_equal(width, rasters[i].raster_width);
            assert_int_equal(height, rasters[i].raster_height);
            for (size_t k = 0; k < size; k++)
                mean += floats ? (double)p.floats[k] : p.bytes[k];
            for (size_t k = 0; k < (size_t)width * height; k++) {
                assert_true(matrix[k] >= -0.01f && matrix[k] <= 255.01f);
                raster_mean += matrix[k];
            }
            assert_true(fabs(mean / (double)size - raster_mean / (width * height)) < 0.5);
            hk__sampler_free(sampler);
        }
        free_pixels(&p);
    }
}

static void raster_of_a_small_picture_is_the_picture(void **state)
{
    (void)state;
    const pixels p = noise(200, 256, 71);
    hk__sampler *sampler = raster_sampler(&p, 1);
    const float *matrix = feed(NULL, NULL, sampler, &p, false);
    for (int i = 0; i < 200 * 256; i++)
        assert_true(matrix[i] == p.bytes[i]);
    hk__sampler_free(sampler);
    free_pixels(&p);
}

static void raster_halves_by_averaging_four(void **state)
{
    (void)state;
    const pixels p = noise(512, 300, 72);
    hk__sampler *sampler = raster_sampler(&p, 1);
    const float *matrix = feed(NULL, NULL, sampler, &p, false);
    for (int y = 0; y < 150; y++)
        for (int x = 0; x < 256; x++) {
            const uint8_t *q = p.bytes + 2 * y * 512 + 2 * x;
            assert_true(fabs((q[0] + q[1] + q[512] + q[513]) / 4.0 - matrix[y * 256 + x]) < 1e-3);
        }
    hk__sampler_free(sampler);
    free_pixels(&p);
}

static void raster_stands_upright_in_every_exif_orientation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rasters); i++) {
        const pixels p = noise(rasters[i].width, rasters[i].height, i + 81);
        for (unsigned o = 1; o <= 8; o++) {
            const pixels up = upright(&p, o);
            hk__sampler *a = raster_sampler(&p, o), *b = raster_sampler(&up, 1);
            uint32_t width, height, upright_width, upright_height;
            const float *got = feed(&width, &height, a, &p, false);
            const float *expected = feed(&upright_width, &upright_height, b, &up, false);
            assert_int_equal(width, upright_width);
            assert_int_equal(height, upright_height);
            for (size_t k = 0; k < (size_t)width * height; k++)
                assert_true(fabsf(got[k] - expected[k]) < 1e-3f);
            hk__sampler_free(a);
            hk__sampler_free(b);
            free_pixels(&up);
        }
        free_pixels(&p);
    }
}

/* ---- allocations --------------------------------------------------------------------------- */

static void samplers_and_axes_survive_failing_allocations(void **state)
{
    (void)state;
    for (unsigned o = 1; o <= 8; o++) {
        hk__sampler *grid = UNTOUCHED, *exact = UNTOUCHED, *raster = UNTOUCHED, *means = UNTOUCHED;
        FAIL_EVERY_ALLOCATION(hk__sampler_grid(&grid, 640, 480, o, NULL), grid == UNTOUCHED);
        FAIL_EVERY_ALLOCATION(hk__sampler_raster(&raster, 640, 480, o, NULL), raster == UNTOUCHED);
        FAIL_EVERY_ALLOCATION(hk__sampler_exact(&exact, 640, 480, o, NULL), exact == UNTOUCHED);
        FAIL_EVERY_ALLOCATION(hk__sampler_means(&means, HK__GRID, 640, 480, o, 4, NULL),
                              means == UNTOUCHED);
        hk__sampler_free(grid);
        hk__sampler_free(exact);
        hk__sampler_free(raster);
        hk__sampler_free(means);
    }
    hk__axis axis, before;
    memset(&before, 0x5a, sizeof before);
    axis = before;
    FAIL_EVERY_ALLOCATION(hk__axis_pdq(&axis, 777, true, NULL),
                          !memcmp(&axis, &before, sizeof axis));
    hk__axis_clear(&axis);
    axis = before;
    FAIL_EVERY_ALLOCATION(hk__axis_exact(&axis, 777, NULL), !memcmp(&axis, &before, sizeof axis));
    hk__axis_clear(&axis);
    axis = before;
    FAIL_EVERY_ALLOCATION(hk__axis_area(&axis, 777, 100, NULL),
                          !memcmp(&axis, &before, sizeof axis));
    hk__axis_clear(&axis);
}

/* ---- rows of means ------------------------------------------------------------------------- */

/* A picture made of equal squares: their means, with the weights folded onto them, give what the
 * picture itself gives, whatever is cut at its edges. */
static void means_of_squares_give_the_same(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{640, 480}, {641, 483}, {1602, 1475}, {300, 5},
                                        {3, 301},   {1, 1},     {130, 128}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (uint32_t by = 2; by <= 5; by++)
            for (unsigned o = 1; o <= 8; o++)
                for (int m = HK__GRID; m <= HK__RASTER; m++) {
                    const uint32_t width = sizes[i][0], height = sizes[i][1];
                    const pixels small =
                        noise((width + by - 1) / by, (height + by - 1) / by, i * 8 + by);
                    const pixels p = make_pixels(width, height);
                    for (uint32_t y = 0; y < height; y++)
                        for (uint32_t x = 0; x < width; x++)
                            p.bytes[y * width + x] = small.bytes[y / by * small.width + x / by];
                    hk__sampler *full, *means;
                    uint32_t w, h, w_means, h_means;
                    assert_int_equal(
                        hk__sampler_means(&full, (hk__matrix)m, width, height, o, 1, NULL), HK_OK);
                    assert_int_equal(
                        hk__sampler_means(&means, (hk__matrix)m, width, height, o, by, NULL),
                        HK_OK);
                    assert_int_equal(hk__sampler_rows_left(means), small.height);
                    assert_true(hk__sampler_fits(means, width, height, o, by));
                    assert_false(hk__sampler_fits(means, width, height, o, 1));
                    const float *a = feed(&w, &h, full, &p, false);
                    const float *b = feed(&w_means, &h_means, means, &small, false);
                    assert_true(w == w_means && h == h_means);
                    for (size_t k = 0; k < (size_t)w * h; k++)
                        assert_true(fabsf(a[k] - b[k]) < 2e-3f);
                    hk__sampler_free(full);
                    hk__sampler_free(means);
                    free_pixels(&p);
                    free_pixels(&small);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_of_squares_give_the_same),
        cmocka_unit_test(grid_equals_the_oracle_at_every_side),
        cmocka_unit_test(grid_equals_the_oracle_at_odd_shapes),
        cmocka_unit_test(grid_of_64_by_64_is_the_picture),
        cmocka_unit_test(sampler_takes_picture_after_picture),
        cmocka_unit_test(exif_orientations_give_the_grid_of_the_turned_pixels),
        cmocka_unit_test(exif_orientations_give_that_grid_but_for_rounding),
        cmocka_unit_test(row_kernels_give_the_same_bits),
        cmocka_unit_test(grids_are_the_same_bits_at_every_level),
        cmocka_unit_test(axis_taps_sum_to_one),
        cmocka_unit_test(axis_mirrored_is_the_reversed_axis),
        cmocka_unit_test(axis_exact_is_symmetric),
        cmocka_unit_test(axis_exact_is_centred_where_pdq_is_not),
        cmocka_unit_test(planted_fault_in_a_tap_is_found),
        cmocka_unit_test(planted_fault_in_an_exact_tap_is_found),
        cmocka_unit_test(raster_keeps_aspect_and_mean),
        cmocka_unit_test(raster_of_a_small_picture_is_the_picture),
        cmocka_unit_test(raster_halves_by_averaging_four),
        cmocka_unit_test(raster_stands_upright_in_every_exif_orientation),
        cmocka_unit_test(samplers_and_axes_survive_failing_allocations),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
