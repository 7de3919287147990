/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * views.h - what is hashed of one file, gathered as its pictures come from a worker.
 *
 *      picture, picture, ... --hash--> views: each hash once, the first one first
 *
 * What a viewer shows is what is hashed, and where viewers differ (which frame, what shows through)
 * every view is. Pictures of one hash are one view, since looking one up is looking up all: that
 * spares what is still, or opaque but for a corner, the narrower radius of several look-ups.
 */
#ifndef HK_DECODE_VIEWS_H
#define HK_DECODE_VIEWS_H

#include "decode/picture.h"

/* Zero it before the first use. */
typedef struct hk__views {
    hk_view *view; /* [count], owned, and so are their rasters */
    size_t count;
    size_t pictures;                          /* that were added, kept or not */
    uint32_t width, height, exif_orientation; /* of the first view's picture */
    uint32_t flags;                           /* of all pictures, or-ed together */
} hk__views;

/* Hashes a picture with pixels, from checked numbers, and keeps it as a view, with its raster where
 * it has one; not if its hash is there already, and not if it is truncated and what is left of it
 * shows nothing. */
hk_status hk__views_add(hk__views *views, const hk__picture *picture, hk_error *err) HK_MUST_CHECK;
/* Makes it empty. */
void hk__views_clear(hk__views *views);
/* Frees the views' rasters. */
void hk__views_drop_rasters(hk__views *views);
/* Puts all of `from`, which is empty then, into `to`, which is cleared before. */
void hk__views_move(hk__views *to, hk__views *from);

#endif
