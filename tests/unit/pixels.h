/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pixels.h - made-up pictures and the way to their grids. test_sampler.c and test_spectrum.c rely
 * on it.
 */
#ifndef TESTS_PIXELS_H
#define TESTS_PIXELS_H

#include "unit.h"

#include "spectrum/sampler.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = HK__GRID_SIDE, CELLS = HK__GRID_SIZE };

/* One picture in three guises: bytes, floats with fractions, and those floats as the oracle wants
 * them. */
typedef struct pixels {
    uint32_t width, height;
    uint8_t *bytes;
    float *floats;
} pixels;

static inline pixels make_pixels(uint32_t width, uint32_t height)
{
    const size_t size = (size_t)width * height;
    const pixels p = {width, height, malloc(size), malloc(size * sizeof(float))};
    assert_true(p.bytes && p.floats);
    return p;
}

static inline pixels noise(uint32_t width, uint32_t height, uint64_t seed)
{
    const pixels p = make_pixels(width, height);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        p.bytes[i] = (uint8_t)next_random(&seed);
        p.floats[i] = (float)(next_random(&seed) % 65281) / 256;
    }
    return p;
}

static inline void free_pixels(const pixels *p)
{
    free(p->bytes);
    free(p->floats);
}

/* Every row of the picture, then the matrix, which the sampler lends. */
static inline const float *feed(uint32_t *width, uint32_t *height, hk__sampler *sampler,
                                const pixels *p, bool floats)
{
    for (uint32_t y = 0; y < p->height; y++) {
        assert_int_equal(hk__sampler_rows_left(sampler), p->height - y);
        if (floats)
            hk__sampler_row_f32(sampler, p->floats + (size_t)y * p->width);
        else
            hk__sampler_row_u8(sampler, p->bytes + (size_t)y * p->width);
    }
    assert_int_equal(hk__sampler_rows_left(sampler), 0);
    return hk__sampler_finish(width, height, sampler);
}

/* The two grids: PDQ's and the exact one. */
typedef enum map { PDQ_MAP, EXACT_MAP, MAPS } map;

static inline void sample_as(float grid[CELLS], map kind, const pixels *p, unsigned orientation,
                             bool floats)
{
    hk__sampler *sampler;
    uint32_t width, height;
    assert_int_equal((kind == EXACT_MAP ? hk__sampler_exact : hk__sampler_grid)(
                         &sampler, p->width, p->height, orientation, NULL),
                     HK_OK);
    const float *matrix = feed(&width, &height, sampler, p, floats);
    assert_int_equal(width, SIDE);
    assert_int_equal(height, SIDE);
    memcpy(grid, matrix, CELLS * sizeof *grid);
    hk__sampler_free(sampler);
}

static inline void sample(float grid[CELLS], const pixels *p, unsigned orientation, bool floats)
{
    sample_as(grid, PDQ_MAP, p, orientation, floats);
}

#endif
