/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pairs.h - how near strangers come: every pair of a table of hashes, counted by the distance of a
 * whole look-up, the least over eight orientations and their inverses.
 *
 * Counts are kept by cluster: images are dealt into 64 clusters, those of one group into the same,
 * so that any half of the images, or all but one cluster, can be looked at without counting again.
 */
#ifndef CALIBRATE_PAIRS_H
#define CALIBRATE_PAIRS_H

#include "herken.h"

enum { CLUSTERS = 64, DISTANCES = HK_HASH_BITS / 2 + 1 };
#define ALL_CLUSTERS UINT64_MAX
#define EVEN_CLUSTERS UINT64_C(0x5555555555555555)

typedef struct image {
    hk_hash hash;
    hk_kind kind;     /* by its tier */
    int group;        /* -1: none */
    unsigned cluster; /* 0..CLUSTERS - 1 */
} image;

typedef struct images {
    image *image; /* owned; free with images_free */
    size_t count;
} images;

typedef struct tally {
    uint64_t near[CLUSTERS][CLUSTERS][DISTANCES]; /* pairs at just this distance */
    uint64_t pairs[CLUSTERS][CLUSTERS];
} tally;

/* Of some of the clusters. */
typedef struct histogram {
    uint64_t within[DISTANCES]; /* pairs at this distance or nearer */
    uint64_t pairs;
} histogram;

/* Reads a table of hash,quality,tier,group. False, with words on stderr, where it is none. */
bool images_read(images *out, const char *path);
void images_free(images *all);
/* The cluster that an image is dealt into, by its group or hash. */
unsigned images_cluster(const image *one);

/* The hash of the turned picture, guessed from the hash alone: turning changes the signs of
 * coefficients and swaps axes, and a changed sign is a changed bit, were the median zero. As it is
 * seldom quite that, some 7 bits are wrong; `calibrate turns` measures what that does. */
void pairs_turn(hk_hash out[HK_ORIENTATIONS], const hk_hash *hash);

/* The least distance over eight hashes and their inverses, 0..128. */
unsigned pairs_distance(const hk_hash turned[HK_ORIENTATIONS], const hk_hash *entry);

/* Counts all pairs of one image of kind `a` with one of kind `b`. Pairs within a group are left
 * out, unless `with_groups`. The tally is overwritten. */
void pairs_count(tally *out, const images *all, hk_kind a, hk_kind b, bool with_groups);

/* The pairs whose images are both in `clusters`, a set of bits. */
void pairs_view(histogram *out, const tally *counts, uint64_t clusters);

#endif
