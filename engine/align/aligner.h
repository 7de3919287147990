/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aligner.h - inside aligning: one picture, and its spectrum through any frame.
 *
 *      align.c    the picture, its turned copies, frames -> spectra
 *      trims.c    uniform borders -> frames
 *      probes.c   the sets of frames
 *      cuts.c     the frames of a picture that is to be an entry (models/pdq/frames.csv)
 *      refine.c   the walk
 */
#ifndef HK_ALIGN_ALIGNER_H
#define HK_ALIGN_ALIGNER_H

#include "align/align.h"
#include "align/looks.h"

struct hk_aligner {
    const hk__looks *looks;
    hk__plane upright, turned; /* the latter by `angle`, if that is not 0 */
    float angle;
    hk__sums x, y;         /* weights, made for each look */
    hk__sums across, down; /* R X and R^T Y of the frame held, of the plane in use */
    bool has_across, has_down;
    hk_placement held_across, held_down;
    hk__sight sights[HK__SIGHTS_MOST];
    size_t count;
};

/* The picture's spectrum through a frame, as hk__dct would give it. Quick where the frame has the
 * angle and, in one axis, the edges of the one held. */
void hk__aligner_look(float spectrum[HK__SPECTRUM_SIZE], hk_aligner *aligner,
                      const hk_placement *frame);

/* Holds the sums of a frame's left and right edges, or of its top and bottom ones. */
void hk__aligner_hold_across(hk_aligner *aligner, const hk_placement *frame);
void hk__aligner_hold_down(hk_aligner *aligner, const hk_placement *frame);

/* Makes the set's sights of the picture that lies there upright. */
void hk__aligner_probe(hk_aligner *aligner, hk_probes probes);

enum { HK__TRIMS_MOST = 18 };

/* Frames that leave the picture's uniform borders out, the surest first; returns how many, and none
 * where it has no border. */
size_t hk__trims(hk_placement out[HK__TRIMS_MOST], const hk__plane *plane);

#endif
