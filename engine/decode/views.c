/* SPDX-License-Identifier: GPL-3.0-or-later */
/* views.c - see views.h. */
#include "decode/views.h"

#include "core/error.h"
#include "core/mem.h"
#include "spectrum/spectrum.h"

#include <string.h>

const char *hk_backdrop_name(hk_backdrop backdrop)
{
    static const char *const names[HK_BACKDROPS] = {"black", "white"};
    return (unsigned)backdrop < HK_BACKDROPS ? names[backdrop] : NULL;
}

const char *hk_frames_name(hk_frames frames)
{
    static const char *const names[HK_FRAMES_CHOICES] = {"ends", "all", "first"};
    return (unsigned)frames < HK_FRAMES_CHOICES ? names[frames] : NULL;
}

/* The hash of the exact grid, where there is one and its bits mean something: a symmetric picture
 * is sampled symmetrically there, and half of its bits hang on rounding though PDQ's do not. */
static hk_status add_exact(hk_view *view, const hk__picture *picture, hk_error *err)
{
    bool degenerate = true;
    hk_status status = HK_OK;
    if (picture->has_exact)
        status = hk__exact_hashes(view->exact_hash, &degenerate, &hk__model_pdq,
                                  picture->exact_grid, err);
    view->has_exact_hash = !status && !degenerate;
    return status;
}

static bool is_there(const hk__views *views, const hk_hash *hash)
{
    for (size_t i = 0; i < views->count; i++)
        if (!memcmp(&views->view[i].fingerprint.hash[HK_ORIGINAL], hash, sizeof *hash))
            return true;
    return false;
}

static hk_status keep_raster(hk_view *view, const hk__picture *picture, hk_error *err)
{
    const size_t size = (size_t)picture->raster_width * picture->raster_height;
    uint8_t *raster = size ? hk__alloc(size, 1) : NULL;
    if (!size)
        return HK_OK;
    if (!raster)
        return hk__fail_memory(err);
    memcpy(raster, picture->raster, size);
    view->raster = raster;
    view->raster_width = picture->raster_width;
    view->raster_height = picture->raster_height;
    return HK_OK;
}

static hk_status keep(hk__views *views, const hk_view *view, const hk__picture *picture,
                      hk_error *err)
{
    hk_view *grown = hk__realloc(views->view, views->count + 1, sizeof *grown);
    if (!grown)
        return hk__fail_memory(err);
    views->view = grown;
    hk_view *kept = &grown[views->count];
    *kept = *view;
    hk_status status = add_exact(kept, picture, err);
    if (!status)
        status = keep_raster(kept, picture, err);
    if (status)
        return status;
    if (!views->count++) {
        views->width = picture->width;
        views->height = picture->height;
        views->exif_orientation = picture->exif_orientation;
    }
    return HK_OK;
}

hk_status hk__views_add(hk__views *views, const hk__picture *picture, hk_error *err)
{
    hk_view view = {.frame = picture->frame ? picture->frame : 1,
                    .backdrop = (hk_backdrop)picture->backdrop};
    views->pictures++;
    views->flags |= picture->flags;
    hk_status status = hk__fingerprint(&view.fingerprint, &hk__model_pdq, picture->grid, err);
    if (status)
        return status;
    view.flags = picture->flags | view.fingerprint.flags;
    /* What is left of a damaged picture may be nothing but the decoder's filling. */
    if ((picture->status == HK_FILE_TRUNCATED && view.flags & HK_FLAG_DEGENERATE) ||
        is_there(views, &view.fingerprint.hash[HK_ORIGINAL]))
        return HK_OK;
    return keep(views, &view, picture, err);
}

void hk__views_drop_rasters(hk__views *views)
{
    for (size_t i = 0; i < views->count; i++) {
        hk__free((void *)views->view[i].raster);
        views->view[i].raster = NULL;
        views->view[i].raster_width = views->view[i].raster_height = 0;
    }
}

void hk__views_clear(hk__views *views)
{
    hk__views_drop_rasters(views);
    hk__free(views->view);
    *views = (hk__views){0};
}

void hk__views_move(hk__views *to, hk__views *from)
{
    hk__views_clear(to);
    *to = *from;
    *from = (hk__views){0};
}
