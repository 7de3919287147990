/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * strangers.h - what aligning makes of strangers: photos at hand, looked up by their probes among
 * the photos of a table of hashes, with what is known to show the same thing left out.
 *
 *      TABLE, PHOTOS --strangers_find--> CSV of those that came near --strangers_read--> counts
 *         (minutes)                      (benchmarks/results/strangers.csv)   (seconds)
 *
 * Left out: an entry within 40 bits of the photo, which is the photo itself or a copy; the entries
 * of its group; and what a person has judged to be the same. Each photo is also looked up turned
 * and mirrored: seven more photos that nobody took, whose strangers tell what aligning does to
 * strangers, though not how many there are.
 *
 * The CSV has three sorts of lines, after one of names and some of words that begin with #:
 *
 *      picture,NUMBER,PATH,HASH                             a photo that was looked up
 *      same,NUMBER,ENTRY                                    judged to be the same
 *      near,NUMBER,ENTRY,PROBES,ORIENTATION,BEFORE,DISTANCE
 *                                                           an entry (a line of the table, from 0)
 *                                                           whose mean lies within the candidates'
 * radius
 */
#ifndef CALIBRATE_STRANGERS_H
#define CALIBRATE_STRANGERS_H

#include "pairs.h"

/* How near a probe must come, bits. Matching takes up nothing beyond HK_CANDIDATE_RADIUS; where
 * that cuts, the tail would not be the law's any more, so here it is followed further. */
enum { STRANGERS_BEFORE = 85 };

/* What decides: hk_alignment.mean. */
static inline unsigned strangers_mean(unsigned before, unsigned distance)
{
    return (before + distance + 1) / 2;
}

/* Counts by clusters; a pair's distance is the mean of the probe's and the walk's end, or the plain
 * one. */
typedef struct strangers {
    tally *set[HK_PROBES_SETS]; /* photos upright, by the set of probes; owned, as all of these */
    tally *turned;              /* by the standard set, all eight ways round together */
    tally *plain;               /* photos upright, by their plain hash alone */
    tally *general;             /* so, the photos of the table among themselves */
} strangers;

/* Writes the CSV to stdout. judged: CSV as benchmarks/results/recall-judged.csv; worker: the decode
 * worker. False, with words on stderr, where something cannot be read. */
bool strangers_find(const images *all, const char *photos, const char *judged, const char *worker);

/* Counts. False, with words on stderr. */
bool strangers_read(strangers *out, const images *all, const char *path);
void strangers_free(strangers *s);

#endif
