/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aligned.h - the chance that a stranger lies within a distance once aligned, with an upper 95 %
 * bound, by the set of probes. The distance is hk_alignment.mean, which takes every value. The
 * chance is made of three numbers, each measured where it can be:
 *
 *      p(d) =  how often plain upright hashes of strangers come within ALIGNED_NEAR bits, in
 * general (2.65e8 pairs of bare hashes) x how many candidates the set's probes bring for each of
 * these (photos at hand) x the share of candidates whose mean is d bits or less (photos at hand,
 * all eight ways round); nearer than there are pairs enough, by the power law of tail.h
 *
 * The photos at hand are harder than photos in general: the first two take that out. Bounds: all
 * three are made anew without each of the 64 clusters of images in turn, wherever these come in
 * (jackknife); where exact counting spreads wider, that counts.
 */
#ifndef CALIBRATE_ALIGNED_H
#define CALIBRATE_ALIGNED_H

#include "strangers.h"
#include "tail.h"

enum { ALIGNED_NEAR = 80, ALIGNED_ROWS = HK_CANDIDATE_RADIUS + 1 };

typedef struct aligned_plan {
    bool general;       /* of photos in general; else of those at hand */
    unsigned low, high; /* fits the candidates with low < distance <= high */
    unsigned measured;  /* rows from here on are measured; 0: where there are TAIL_ENOUGH */
} aligned_plan;

/* What the committed table is made by; and fitted to far candidates, tested on near ones. */
extern const aligned_plan aligned_plan_made, aligned_plan_cut;

typedef struct aligned_table {
    tail_table set[HK_PROBES_SETS]; /* rows beyond ALIGNED_ROWS repeat the last */
    double general;                 /* the first number, */
    double at_hand;                 /* the same of the photos at hand, */
    double brought[HK_PROBES_SETS]; /* the second, */
    double m, m_down;               /* and the exponent of the third's power law */
} aligned_table;

/* False where there are too few pairs. */
bool aligned_make(aligned_table *out, const strangers *from, uint64_t clusters,
                  const aligned_plan *plan);

/* Whether shares counted over all ways round are those of photos upright: the distances, of every
 * second one from `first` on, at which a set's own count lies outside the 99 % spread of rate x
 * share. */
unsigned aligned_disagree(const strangers *from, hk_probes set, unsigned first, bool print);

#endif
