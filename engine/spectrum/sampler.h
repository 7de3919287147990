/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sampler.h - a picture, row by row from top to bottom, becomes a small matrix.
 *
 * One sampler makes PDQ's 64x64 grid, the exact grid of the same size or the small grey raster. It
 * keeps a few rows of sums and never the picture. The picture's EXIF orientation is undone in the
 * weights, by mirroring and swapping the axes: the matrix is that of the upright picture but for
 * the order of its sums (less than 1e-4 of a grey level).
 */
#ifndef HK_SPECTRUM_SAMPLER_H
#define HK_SPECTRUM_SAMPLER_H

#include "herken.h"

#define HK__GRID_SIDE 64
#define HK__GRID_SIZE (HK__GRID_SIDE * HK__GRID_SIDE)
#define HK__RASTER_SIDE 256 /* the raster's longer side at the most; small pictures keep theirs */

typedef struct hk__sampler hk__sampler;

/* A sampler to the PDQ grid for pictures of width x height pixels as stored (1..2^30 each) and
 * the given EXIF orientation (1..8). Owned by the caller; one thread at a time. */
hk_status hk__sampler_grid(hk__sampler **out, uint32_t width, uint32_t height, unsigned orientation,
                           hk_error *err) HK_MUST_CHECK;

/* The same to the exact grid: 64x64 as well, sampled at exact places (axis.h). */
hk_status hk__sampler_exact(hk__sampler **out, uint32_t width, uint32_t height,
                            unsigned orientation, hk_error *err) HK_MUST_CHECK;

/* The same to the raster: area averages, aspect kept, the longer side <= HK__RASTER_SIDE. */
hk_status hk__sampler_raster(hk__sampler **out, uint32_t width, uint32_t height,
                             unsigned orientation, hk_error *err) HK_MUST_CHECK;

/* Any of them for rows that are not the picture's pixels but means of by x by of them each, by >= 1
 * (the last ones in a row, and the last row, of what is left): ceil(height / by) rows of
 * ceil(width / by) values. The places sampled stay those of the whole picture. */
typedef enum hk__matrix { HK__GRID, HK__EXACT_GRID, HK__RASTER } hk__matrix;
hk_status hk__sampler_means(hk__sampler **out, hk__matrix matrix, uint32_t width, uint32_t height,
                            unsigned orientation, uint32_t by, hk_error *err) HK_MUST_CHECK;

void hk__sampler_free(hk__sampler *sampler);

/* True if the sampler was made for just this, so that it can be used again. */
bool hk__sampler_fits(const hk__sampler *sampler, uint32_t width, uint32_t height,
                      unsigned orientation, uint32_t by);

/* Adds the next row of `width` (or of means) luma values in 0..255. Precondition: rows_left > 0. */
void hk__sampler_row_u8(hk__sampler *sampler, const uint8_t *row);
void hk__sampler_row_f32(hk__sampler *sampler, const float *row);
uint32_t hk__sampler_rows_left(const hk__sampler *sampler);

/* The upright matrix, row-major, once no rows are left; borrowed until the next row. The sampler
 * is then ready for the next picture of the same shape. Sizes may be NULL. */
const float *hk__sampler_finish(uint32_t *width, uint32_t *height, hk__sampler *sampler);

#endif
