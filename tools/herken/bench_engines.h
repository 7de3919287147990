/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_engines.h - search engines under test: built over the same hashes, timed in turns, and
 * checked against the flat scan.
 *
 *      build each -> warm each, which says how many queries a pass of it takes
 *                 -> round 1 of each, round 2 of each, ...    noise of the machine hits all alike
 *                 -> check: the hits of every query against flat's
 */
#ifndef HERKEN_BENCH_ENGINES_H
#define HERKEN_BENCH_ENGINES_H

#include "bench_data.h"

enum { BENCH_ROUNDS = 5, BENCH_PASSES_MAX = 15 };

/* What all engines share. */
typedef struct bench_setup {
    bench_data data;
    unsigned radius, threads, bytes_per_hash;
    size_t batch;    /* queries to a call */
    size_t max_hits; /* per query; 0: no bound */
    const char *module, *scratch;
} bench_setup;

typedef struct bench_engine {
    const char *name; /* borrowed */
    hk_index *index;
    hk_index_info info;
    double build_s, open_ms; /* open_ms < 0: cannot be opened from a file */
    size_t pass_queries;     /* a prefix of the queries, whole batches */
    double expected_us;      /* that a pass will take */
    unsigned passes;
    double pass_us[BENCH_PASSES_MAX]; /* time of a pass, per query */
    uint64_t pass_hits[BENCH_PASSES_MAX];
    double *call_us; /* [calls] time of a call, per query; owned */
    size_t calls;
    bool approximate;           /* at least one of its results said so */
    uint64_t hits, prefix_hits; /* of all queries; of those of a pass */
    uint64_t wanted, found;     /* hits of flat, and those of them that it found */
    bool differs;               /* from flat, */
    size_t differs_at;          /* at this query first */
    bool unsteady;              /* a pass found more or less than the check did */
} bench_engine;

/* Builds the index. Free with bench_engine_clear, whatever happens. */
hk_status bench_engine_build(bench_engine *e, const bench_setup *setup, hk_error *err);
void bench_engine_clear(bench_engine *e);

/* Saves the index in a folder of its own under setup->scratch and times opening it: the median of
 * five. On an error open_ms stays absent. */
hk_status bench_engine_open(bench_engine *e, const bench_setup *setup, hk_error *err);

/* Runs queries for a moment, and sets how many fill a pass. */
hk_status bench_engine_warm(bench_engine *e, const bench_setup *setup, hk_error *err);
/* Round number `round` of BENCH_ROUNDS: a pass, some where they are short, at times none where they
 * are slow. */
hk_status bench_engine_round(bench_engine *e, unsigned round, const bench_setup *setup,
                             hk_error *err);

/* Compares every query's hits with those of `flat`, an index over the same hashes. */
hk_status bench_check(bench_engine engines[], size_t count, const hk_index *flat,
                      const bench_setup *setup, hk_error *err);

/* Median over the passes, and 99th percentile over the calls, microseconds per query. */
double bench_engine_median(const bench_engine *e);
double bench_engine_p99(bench_engine *e);

#endif
