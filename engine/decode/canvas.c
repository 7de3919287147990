/* SPDX-License-Identifier: GPL-3.0-or-later */
/* canvas.c - see canvas.h. */
#include "decode/canvas.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <string.h>

struct hk__canvas {
    hk__sampler *grid, *exact, *raster; /* the last two: NULL unless wanted */
    bool want_exact, want_raster;
    uint8_t *blank; /* [width] for filling */
    uint32_t blank_width;
    bool timed;
    uint64_t ns, timed_rows;
    hk__canvas *twin; /* NULL until it is wanted */
    hk__view_fn *on_view;
    void *context;
};

hk_status hk__canvas_new(hk__canvas **out, hk_error *err)
{
    hk__canvas *canvas = hk__alloc(1, sizeof *canvas);
    if (!canvas)
        return hk__fail_memory(err);
    *out = canvas;
    return HK_OK;
}

static void clear(hk__canvas *canvas)
{
    hk__sampler_free(canvas->grid);
    hk__sampler_free(canvas->exact);
    hk__sampler_free(canvas->raster);
    hk__free(canvas->blank);
    canvas->grid = canvas->exact = canvas->raster = NULL;
    canvas->blank = NULL;
}

void hk__canvas_want_exact(hk__canvas *canvas, bool wanted)
{
    canvas->want_exact = wanted;
}

void hk__canvas_want_raster(hk__canvas *canvas, bool wanted)
{
    canvas->want_raster = wanted;
}

void hk__canvas_free(hk__canvas *canvas)
{
    if (!canvas)
        return;
    clear(canvas);
    hk__canvas_free(canvas->twin);
    hk__free(canvas);
}

void hk__canvas_on_view(hk__canvas *canvas, hk__view_fn *on_view, void *context)
{
    canvas->on_view = on_view;
    canvas->context = context;
}

bool hk__canvas_has_views(const hk__canvas *canvas)
{
    return canvas->on_view != NULL;
}

void hk__canvas_view(hk__canvas *canvas, hk__picture *picture)
{
    canvas->on_view(canvas->context, picture);
}

hk__canvas *hk__canvas_twin(hk__canvas *canvas)
{
    if (!canvas->twin && hk__canvas_new(&canvas->twin, NULL))
        return NULL;
    canvas->twin->want_exact = canvas->want_exact;
    canvas->twin->want_raster = canvas->want_raster;
    return canvas->twin;
}

hk_status hk__canvas_begin(hk__canvas *canvas, uint32_t width, uint32_t height,
                           unsigned orientation, hk_error *err)
{
    return hk__canvas_begin_means(canvas, width, height, orientation, 1, err);
}

hk_status hk__canvas_begin_means(hk__canvas *canvas, uint32_t width, uint32_t height,
                                 unsigned orientation, uint32_t by, hk_error *err)
{
    canvas->ns = canvas->timed_rows = 0;
    /* Most folders hold many pictures of one size: the weights are kept. */
    if (canvas->grid && hk__sampler_fits(canvas->grid, width, height, orientation, by) &&
        hk__sampler_rows_left(canvas->grid) == (height + by - 1) / by &&
        (canvas->exact != NULL) == canvas->want_exact &&
        (canvas->raster != NULL) == canvas->want_raster)
        return HK_OK;
    clear(canvas);
    hk_status status =
        hk__sampler_means(&canvas->grid, HK__GRID, width, height, orientation, by, err);
    if (!status && canvas->want_exact)
        status =
            hk__sampler_means(&canvas->exact, HK__EXACT_GRID, width, height, orientation, by, err);
    if (!status && canvas->want_raster)
        status =
            hk__sampler_means(&canvas->raster, HK__RASTER, width, height, orientation, by, err);
    if (!status) {
        canvas->blank = hk__alloc(width, 1);
        canvas->blank_width = width;
        if (!canvas->blank)
            status = hk__fail_memory(err);
    }
    if (status)
        clear(canvas);
    return status;
}

uint32_t hk__canvas_rows_left(const hk__canvas *canvas)
{
    return hk__sampler_rows_left(canvas->grid);
}

static void count_row(hk__canvas *canvas, uint64_t start)
{
    canvas->ns += hk__clock_ns() - start;
    canvas->timed_rows++;
}

void hk__canvas_row_u8(hk__canvas *canvas, const uint8_t *row)
{
    const uint64_t start = canvas->timed ? hk__clock_ns() : 0;
    if (hk__canvas_rows_left(canvas)) {
        hk__sampler_row_u8(canvas->grid, row);
        if (canvas->exact)
            hk__sampler_row_u8(canvas->exact, row);
        if (canvas->raster)
            hk__sampler_row_u8(canvas->raster, row);
    }
    if (canvas->timed)
        count_row(canvas, start);
}

void hk__canvas_row_f32(hk__canvas *canvas, const float *row)
{
    const uint64_t start = canvas->timed ? hk__clock_ns() : 0;
    if (hk__canvas_rows_left(canvas)) {
        hk__sampler_row_f32(canvas->grid, row);
        if (canvas->exact)
            hk__sampler_row_f32(canvas->exact, row);
        if (canvas->raster)
            hk__sampler_row_f32(canvas->raster, row);
    }
    if (canvas->timed)
        count_row(canvas, start);
}

void hk__canvas_fill(hk__canvas *canvas, uint8_t value)
{
    memset(canvas->blank, value, canvas->blank_width);
    while (hk__canvas_rows_left(canvas))
        hk__canvas_row_u8(canvas, canvas->blank);
}

void hk__canvas_finish(hk__picture *picture, hk__canvas *canvas)
{
    memcpy(picture->grid, hk__sampler_finish(NULL, NULL, canvas->grid), sizeof picture->grid);
    picture->has_exact = canvas->exact != NULL;
    if (canvas->exact)
        memcpy(picture->exact_grid, hk__sampler_finish(NULL, NULL, canvas->exact),
               sizeof picture->exact_grid);
    picture->raster_width = picture->raster_height = 0;
    if (canvas->raster) {
        const float *raster =
            hk__sampler_finish(&picture->raster_width, &picture->raster_height, canvas->raster);
        const uint32_t count = picture->raster_width * picture->raster_height;
        for (uint32_t i = 0; i < count; i++) { /* sums of rounded weights may pass 255 by a hair */
            const float value = raster[i] + 0.5f;
            picture->raster[i] = (uint8_t)(value < 255 ? value : 255);
        }
    }
    picture->has_pixels = true;
}

void hk__canvas_time(hk__canvas *canvas, bool on)
{
    canvas->timed = on;
}

uint64_t hk__canvas_ns(uint64_t *rows, const hk__canvas *canvas)
{
    *rows = canvas->timed_rows;
    return canvas->ns;
}
