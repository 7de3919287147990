/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * align.h - finding how a picture lies on an image of which nothing is known but its hash.
 *
 * A copy that was cropped, framed or turned is far from its original in bits only because it is
 * looked at in the wrong frame. So the copy's raster is looked at through other frames: wider than
 * the picture (its edges go on as they end), narrower, turned back. Through the right one the hash
 * is near again, though the list holds no more than one hash of the whole original.
 *
 *      raster --probes--> some 70 hashes --search, wide--> candidates --refine--> aligned distance
 *                          (probes.c)        (match/)       in 75 bits  (refine.c)  and the frame
 *
 * hk_aligner (herken.h) is one picture's workspace: one thread at a time. A hash through a frame
 * costs some ten microseconds, since a frame is two sets of weights, one for each axis, and the
 * columns' sums are shared by all frames of one width (looks.h).
 */
#ifndef HK_ALIGN_ALIGN_H
#define HK_ALIGN_ALIGN_H

#include "spectrum/spectrum.h"

enum { HK__SIGHTS_MOST = 320 }; /* of one picture, by the widest set of probes */

/* One hash of the picture as it is looked at through one frame, one way round. */
typedef struct hk__sight {
    hk_placement frame;
    hk_probe probe;             /* the sort: HK_PROBE_TRIM, ... */
    hk_orientation orientation; /* which way round the hash is of, and whether inverted */
    bool inverted;
    hk_hash hash;
} hk__sight;

/* The probes of the picture taken up, in a fixed order. Frames through which the hash would be
 * degenerate, or is not that of a photo, are left out. Borrowed until the next is taken. */
const hk__sight *hk__aligner_sights(size_t *count, const hk_aligner *aligner);

/* What decides, of the distances before and after the walk: hk_alignment.mean. */
static inline unsigned hk__mean_distance(unsigned before, unsigned after)
{
    return (before + after + 1) / 2;
}

/* From a probe that brought the entry, walks the frame while the distance to the entry's hash
 * falls. *look: the frame arrived at, and its hash. Returns its distance, never more than the
 * probe's; what a frame shows that would be degenerate is not gone through. */
unsigned hk__aligner_refine(hk__sight *look, hk_aligner *aligner, const hk_hash *entry);

#endif
