/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_data.h - generated hashes, and queries for them, from a seed: the same on every machine.
 *
 * random            every bit by chance
 * realistic         made of the hashes of pictures, so that bits hang together as theirs do, with
 *                   clusters of near-copies
 * adversarial       one hash over and over; one item in a thousand is a bit off
 * adversarial-half  128 bits are the same in every item, the others by chance
 *
 * Every other query, from the first on, is a stranger: drawn as items are. The rest are copies of
 * an item with 0 to radius + 8 bits flipped, so that some lie inside the radius and some outside.
 */
#ifndef HERKEN_BENCH_DATA_H
#define HERKEN_BENCH_DATA_H

#include "herken.h"

typedef enum bench_kind {
    BENCH_RANDOM = 0,
    BENCH_REALISTIC,
    BENCH_ADVERSARIAL,
    BENCH_ADVERSARIAL_HALF,
    BENCH_KINDS
} bench_kind;

/* As above; NULL out of range. */
const char *bench_kind_name(bench_kind kind);

typedef struct bench_data_options {
    bench_kind kind;
    size_t count, query_count;
    unsigned radius; /* bits */
    uint64_t seed;
    const char *pictures; /* realistic: CSV of hashes of pictures; NULL: of drawn ones */
} bench_data_options;

typedef struct bench_data {
    hk_hash *items, *queries; /* owned */
    size_t count, query_count;
} bench_data;

/* Returns -1 to go on, or an exit code once it has said why. */
int bench_data_make(bench_data *out, const bench_data_options *options);
void bench_data_clear(bench_data *data);

#endif
