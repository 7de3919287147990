/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hamming.h - Hamming distances from one hash to a run of hashes, one file per instruction set.
 *
 * The run lies word by word ("word-sliced"), so that a vector holds the same word of many hashes:
 *
 *      word[0]  a0 b0 c0 d0 ...
 *      word[1]  a1 b1 c1 d1 ...
 *      word[2]  a2 b2 c2 d2 ...
 *      word[3]  a3 b3 c3 d3 ...
 */
#ifndef HK_HAMMING_HAMMING_H
#define HK_HAMMING_HAMMING_H

#include "herken.h"

typedef struct hk__run {
    const uint64_t *word[4]; /* each 64-byte aligned, readable up to count rounded up to 8 */
    size_t count;
} hk__run;

typedef struct hk__near {
    uint32_t position; /* in the run */
    uint32_t distance; /* bits */
} hk__near;

/* Writes the hashes of the run within max_distance (0..256) of the query to out, positions
 * ascending, and returns how many; out has room for run->count rounded up to 8. */
typedef size_t hk__within_fn(hk__near *out, const hk__run *run, const hk_hash *query,
                             unsigned max_distance);

hk__within_fn hk__within_scalar;
hk__within_fn hk__within_avx2; /* only where built for x86-64 */
hk__within_fn hk__within_avx512;

/* The kernel in use for the process. */
hk__within_fn *hk__within_in_use(void);

#endif
