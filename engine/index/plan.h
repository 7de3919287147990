/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan.h - what a search will cost: how many tables to make, and when a scan is cheaper.
 *
 * Times are estimates in nanoseconds on the machine the constants were measured on
 * (benchmarks/results/search-plan.csv); choices only use their ratios.
 */
#ifndef HK_INDEX_PLAN_H
#define HK_INDEX_PLAN_H

#include "index/mih.h"

typedef struct hk__plan {
    unsigned tables; /* 0: scan */
    unsigned group_bits;
} hk__plan;

/* The fastest tables for searching count hashes within max_distance, in at most `budget` bytes a
 * hash beside the hash itself; no tables where none fit or a scan is as fast. */
hk__plan hk__plan_tables(size_t count, unsigned max_distance, double budget);

/* What a whole index may take where the caller does not say, in bytes a hash: 128 for a short list,
 * 110 for one of more than four million, 90 for one of more than 32 million. */
double hk__plan_budget(size_t count);

/* One query by the tables dealt as `slots`, and its share of a scan for `queries` at once. */
double hk__plan_mih_ns(const hk__slot slots[], unsigned tables, size_t count,
                       unsigned max_distance);
double hk__plan_flat_ns(size_t count, unsigned max_distance, size_t queries);

#endif
