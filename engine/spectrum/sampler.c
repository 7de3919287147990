/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sampler.c - see sampler.h.
 *
 * A row of the picture is added, scaled, into the sums of the outputs whose run it lies in (one or
 * two of them in a large picture); when the last row of a run is in, that sum is folded along x
 * and its buffer is free for a later output:
 *
 *      row --(y taps)--> ring of `overlap` sums, width floats each --(x taps)--> one matrix row
 */
#include "spectrum/sampler.h"

#include "core/error.h"
#include "core/mem.h"
#include "spectrum/axis.h"
#include "spectrum/rows.h"

#include <string.h>

struct hk__sampler {
    uint32_t full_width, full_height; /* of the picture */
    uint32_t by;                      /* rows hold means of by x by pixels */
    uint32_t width, height;           /* of the rows, and their number */
    unsigned orientation;
    hk__axis x, y;
    const hk__rows *rows;
    size_t pitch;       /* floats per sum: width and room for the fold to read past it, zeroed */
    float *sums;        /* [y.overlap * pitch] */
    float *line;        /* [x.outputs] one folded row */
    float *matrix;      /* [x.outputs * y.outputs] upright */
    uint32_t row;       /* rows taken so far */
    uint32_t low, high; /* outputs low..high-1 are being summed */
};

static bool swaps_axes(unsigned orientation)
{
    return orientation >= 5;
}

/* Whether the stored axis runs against the upright one (the eight EXIF values, drawn out). */
static bool mirrors_x(unsigned orientation)
{
    return orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
}

static bool mirrors_y(unsigned orientation)
{
    return orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
}

/* Makes the rest of a sampler whose axes are made, or frees it if they could not be. */
static hk_status make(hk__sampler **out, hk__sampler *sampler, hk_status axes, hk_error *err)
{
    if (axes) {
        hk__sampler_free(sampler);
        return axes;
    }
    const size_t m = (size_t)sampler->x.outputs * sampler->y.outputs;
    sampler->rows = hk__rows_in_use();
    sampler->pitch = ((size_t)sampler->width + sampler->x.stride + 15) & ~(size_t)15;
    sampler->sums = hk__alloc_aligned(sampler->pitch * sampler->y.overlap, sizeof(float));
    sampler->line = hk__alloc_aligned(sampler->x.outputs, sizeof(float));
    sampler->matrix = hk__alloc_aligned(m, sizeof(float));
    if (!sampler->sums || !sampler->line || !sampler->matrix) {
        hk__sampler_free(sampler);
        return hk__fail_memory(err);
    }
    *out = sampler;
    return HK_OK;
}

static uint32_t raster_side(uint32_t side, uint32_t longest)
{
    if (longest <= HK__RASTER_SIDE)
        return side;
    uint32_t scaled =
        (uint32_t)(((uint64_t)side * HK__RASTER_SIDE * 2 + longest) / (2 * (uint64_t)longest));
    return scaled ? scaled : 1;
}

hk_status hk__sampler_means(hk__sampler **out, hk__matrix matrix, uint32_t width, uint32_t height,
                            unsigned orientation, uint32_t by, hk_error *err)
{
    hk__sampler *s = hk__alloc(1, sizeof *s);
    if (!s)
        return hk__fail_memory(err);
    s->full_width = width;
    s->full_height = height;
    s->orientation = orientation;
    s->by = by;
    hk_status status = HK_OK;
    for (int axis = 0; axis < 2 && !status; axis++) {
        hk__axis *to = axis ? &s->y : &s->x;
        const uint32_t side = axis ? height : width;
        if (matrix == HK__GRID)
            status =
                hk__axis_pdq(to, side, axis ? mirrors_y(orientation) : mirrors_x(orientation), err);
        else if (matrix == HK__EXACT_GRID)
            status = hk__axis_exact(to, side, err);
        else
            status =
                hk__axis_area(to, side, raster_side(side, width > height ? width : height), err);
        if (!status && by > 1)
            status = hk__axis_fold(to, by, err);
    }
    s->width = s->x.inputs;
    s->height = s->y.inputs;
    return make(out, s, status, err);
}

hk_status hk__sampler_grid(hk__sampler **out, uint32_t width, uint32_t height, unsigned orientation,
                           hk_error *err)
{
    return hk__sampler_means(out, HK__GRID, width, height, orientation, 1, err);
}

hk_status hk__sampler_exact(hk__sampler **out, uint32_t width, uint32_t height,
                            unsigned orientation, hk_error *err)
{
    return hk__sampler_means(out, HK__EXACT_GRID, width, height, orientation, 1, err);
}

hk_status hk__sampler_raster(hk__sampler **out, uint32_t width, uint32_t height,
                             unsigned orientation, hk_error *err)
{
    return hk__sampler_means(out, HK__RASTER, width, height, orientation, 1, err);
}

void hk__sampler_free(hk__sampler *sampler)
{
    if (!sampler)
        return;
    hk__axis_clear(&sampler->x);
    hk__axis_clear(&sampler->y);
    hk__free(sampler->sums);
    hk__free(sampler->line);
    hk__free(sampler->matrix);
    hk__free(sampler);
}

bool hk__sampler_fits(const hk__sampler *sampler, uint32_t width, uint32_t height,
                      unsigned orientation, uint32_t by)
{
    return sampler->full_width == width && sampler->full_height == height &&
           sampler->orientation == orientation && sampler->by == by;
}

uint32_t hk__sampler_rows_left(const hk__sampler *sampler)
{
    return sampler->height - sampler->row;
}

static float *sum_of(hk__sampler *sampler, uint32_t output)
{
    return sampler->sums + output % sampler->y.overlap * sampler->pitch;
}

/* Folds output `o` of the y axis along x and puts the line in its upright place. */
static void place(hk__sampler *s, uint32_t o)
{
    const uint32_t across = s->x.outputs, down = s->y.outputs;
    const bool flip_x = mirrors_x(s->orientation);
    const uint32_t y = mirrors_y(s->orientation) ? down - 1 - o : o;
    s->rows->fold(s->line, sum_of(s, o), s->x.first, s->x.taps, s->x.stride, across);
    for (uint32_t i = 0; i < across; i++) {
        uint32_t x = flip_x ? across - 1 - i : i;
        if (swaps_axes(s->orientation))
            s->matrix[(size_t)x * down + y] = s->line[i];
        else
            s->matrix[(size_t)y * across + x] = s->line[i];
    }
}

static void add_row(hk__sampler *s, const uint8_t *bytes, const float *floats)
{
    const hk__axis *y = &s->y;
    while (s->high < y->outputs && y->first[s->high] == s->row)
        s->high++;
    for (uint32_t o = s->low; o < s->high; o++) {
        const uint32_t k = s->row - y->first[o];
        const float weight = y->taps[(size_t)o * y->stride + k];
        float *sum = sum_of(s, o);
        if (bytes)
            (k ? s->rows->add_u8 : s->rows->set_u8)(sum, bytes, weight, s->width);
        else
            (k ? s->rows->add_f32 : s->rows->set_f32)(sum, floats, weight, s->width);
    }
    s->row++;
    while (s->low < s->high && y->first[s->low] + y->count[s->low] == s->row)
        place(s, s->low++);
}

void hk__sampler_row_u8(hk__sampler *sampler, const uint8_t *row)
{
    add_row(sampler, row, NULL);
}

void hk__sampler_row_f32(hk__sampler *sampler, const float *row)
{
    add_row(sampler, NULL, row);
}

const float *hk__sampler_finish(uint32_t *width, uint32_t *height, hk__sampler *sampler)
{
    const bool swapped = swaps_axes(sampler->orientation);
    if (width)
        *width = swapped ? sampler->y.outputs : sampler->x.outputs;
    if (height)
        *height = swapped ? sampler->x.outputs : sampler->y.outputs;
    sampler->row = sampler->low = sampler->high = 0;
    return sampler->matrix;
}
