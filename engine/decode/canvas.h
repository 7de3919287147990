/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * canvas.h - where decoders put their rows: both grids and the raster in one pass.
 */
#ifndef HK_DECODE_CANVAS_H
#define HK_DECODE_CANVAS_H

#include "decode/picture.h"

typedef struct hk__canvas hk__canvas;

/* Takes a view of a file that has another one to come. */
typedef void hk__view_fn(void *context, hk__picture *picture);

/* A canvas for many pictures, one after another; one thread. The exact grid and the raster
 * are made only where they are wanted: either costs as much as the grid or more. */
hk_status hk__canvas_new(hk__canvas **out, hk_error *err) HK_MUST_CHECK;
void hk__canvas_want_exact(hk__canvas *canvas, bool wanted);
void hk__canvas_want_raster(hk__canvas *canvas, bool wanted);
void hk__canvas_free(hk__canvas *canvas);

/* Begins a picture of width x height stored pixels (>= 1, within the caller's limits). */
hk_status hk__canvas_begin(hk__canvas *canvas, uint32_t width, uint32_t height,
                           unsigned orientation, hk_error *err) HK_MUST_CHECK;

/* The same, for rows that hold means of by x by pixels each (spectrum/sampler.h). */
hk_status hk__canvas_begin_means(hk__canvas *canvas, uint32_t width, uint32_t height,
                                 unsigned orientation, uint32_t by, hk_error *err) HK_MUST_CHECK;

/* Adds rows of luma 0..255, top to bottom; rows past the last are ignored. */
void hk__canvas_row_u8(hk__canvas *canvas, const uint8_t *row);
void hk__canvas_row_f32(hk__canvas *canvas, const float *row);
uint32_t hk__canvas_rows_left(const hk__canvas *canvas);

/* Fills the rows that are missing with one value, for files that end early. */
void hk__canvas_fill(hk__canvas *canvas, uint8_t value);

/* Writes the grid, and what else is wanted, once no rows are left, and sets has_pixels. */
void hk__canvas_finish(hk__picture *picture, hk__canvas *canvas);

/* Where views go but for the last, which the decoder leaves in its picture; NULL (as it is made):
 * nowhere, and a file has one view. */
void hk__canvas_on_view(hk__canvas *canvas, hk__view_fn *on_view, void *context);
bool hk__canvas_has_views(const hk__canvas *canvas);
void hk__canvas_view(hk__canvas *canvas, hk__picture *picture);

/* A second canvas that makes what this one makes, for the same picture on another backdrop. Owned
 * by this one; NULL: no memory. */
hk__canvas *hk__canvas_twin(hk__canvas *canvas);

/* Nanoseconds spent in the rows since begin, and how many rows, if timing was asked for. */
void hk__canvas_time(hk__canvas *canvas, bool on);
uint64_t hk__canvas_ns(uint64_t *rows, const hk__canvas *canvas);

#endif
