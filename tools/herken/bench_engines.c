/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_engines.c - see bench_engines.h. */
#include "bench_engines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double warm_us = 300e3; /* a warm-up lasts so long, */
static const double pass_us = 2e6;   /* a pass no longer than this, */
static const double slow_us = 10e6;  /* but for its least queries: then it is a slow engine, */
static const double short_us = 1e6;  /* and short passes are repeated until they make up this. */
enum { PASSES_SLOW = 3, PASS_QUERIES_MIN = 20, OPENS = 5, CHECK_AT_ONCE = 32 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *values, size_t count)
{
    double sorted[BENCH_PASSES_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static hk_status out_of_memory(hk_error *err)
{
    *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
    return err->status;
}

/* ---- building and opening ------------------------------------------------------------------ */

static hk_index_options index_options(const bench_engine *e, const bench_setup *setup)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = e->name;
    options.max_distance = setup->radius;
    options.bytes_per_hash = setup->bytes_per_hash;
    options.threads = setup->threads;
    options.faiss_module = setup->module;
    return options;
}

hk_status bench_engine_build(bench_engine *e, const bench_setup *setup, hk_error *err)
{
    const hk_index_options options = index_options(e, setup);
    /* Ids with gaps, as withdrawn entries leave them: so that they take the room they take. */
    uint32_t *ids = malloc((setup->data.count + 1) * sizeof *ids);
    if (!ids)
        return out_of_memory(err);
    for (size_t i = 0; i < setup->data.count; i++)
        ids[i] = (uint32_t)(i + i / 1000);
    const hk_index_source source = {
        .hashes = setup->data.items, .hash_ids = ids, .hash_count = setup->data.count};
    const double start = now_us();
    hk_status status = hk_index_build_from(&e->index, &source, &options, err);
    free(ids);
    e->open_ms = -1;
    if (status)
        return status;
    e->build_s = (now_us() - start) / 1e6;
    hk_index_describe(&e->info, e->index);
    return HK_OK;
}

void bench_engine_clear(bench_engine *e)
{
    hk_index_free(e->index);
    free(e->call_us);
}

static hk_status time_open(double *out_ms, const bench_engine *e, const bench_setup *setup,
                           const char *path, hk_error *err)
{
    const hk_index_options options = index_options(e, setup);
    double ms[OPENS];
    hk_status status = hk_index_save(e->index, path, err);
    for (int i = 0; !status && i < OPENS; i++) {
        hk_index *opened = NULL;
        const double start = now_us();
        status = hk_index_open(&opened, path, &options, err);
        ms[i] = (now_us() - start) / 1e3;
        hk_index_free(opened);
    }
    if (!status)
        *out_ms = median(ms, OPENS);
    return status;
}

hk_status bench_engine_open(bench_engine *e, const bench_setup *setup, hk_error *err)
{
    char *folder = NULL, *path = NULL;
    hk_status status = HK_OK;
    if (asprintf(&folder, "%s/herken-bench-XXXXXX", setup->scratch) < 0)
        return out_of_memory(err);
    if (!mkdtemp(folder)) {
        *err = (hk_error){.status = HK_ERR_SYSTEM};
        snprintf(err->message, sizeof err->message, "cannot make a folder in %s", setup->scratch);
        free(folder);
        return err->status;
    }
    if (asprintf(&path, "%s/index", folder) < 0) {
        path = NULL;
        status = out_of_memory(err);
    }
    if (!status)
        status = time_open(&e->open_ms, e, setup, path, err);
    if (path)
        unlink(path);
    rmdir(folder);
    free(path);
    free(folder);
    return status;
}

/* ---- timing -------------------------------------------------------------------------------- */

/* One call, freeing its hits included. */
static hk_status search(double *us, uint64_t *hits, bench_engine *e, const bench_setup *setup,
                        size_t first, size_t count, hk_error *err)
{
    hk_hits found;
    const double start = now_us();
    hk_status status = hk_index_within(&found, e->index, setup->data.queries + first, count,
                                       setup->radius, setup->max_hits, err);
    if (status)
        return status;
    *hits += found.count;
    e->approximate |= found.approximate;
    hk_hits_free(&found);
    *us = now_us() - start;
    return HK_OK;
}

hk_status bench_engine_warm(bench_engine *e, const bench_setup *setup, hk_error *err)
{
    const size_t batch = setup->batch, whole = setup->data.query_count / batch * batch;
    const size_t least = (PASS_QUERIES_MIN + batch - 1) / batch * batch;
    double us, total = 0;
    uint64_t hits = 0;
    size_t done = 0;
    while (done < whole && (done < least || total < warm_us)) {
        hk_status status = search(&us, &hits, e, setup, done, batch, err);
        if (status)
            return status;
        total += us;
        done += batch;
    }
    size_t fit = (size_t)(pass_us / (total / (double)done)) / batch * batch;
    fit = fit < least ? least : fit;
    e->pass_queries = fit < whole ? fit : whole;
    e->expected_us = total / (double)done * (double)e->pass_queries;
    e->call_us = malloc(e->pass_queries / batch * BENCH_PASSES_MAX * sizeof *e->call_us);
    return e->call_us ? HK_OK : out_of_memory(err);
}

static unsigned passes_due(const bench_engine *e)
{
    if (e->expected_us > slow_us)
        return PASSES_SLOW;
    const double passes = short_us / e->expected_us;
    return passes < BENCH_ROUNDS       ? BENCH_ROUNDS
           : passes < BENCH_PASSES_MAX ? (unsigned)passes
                                       : BENCH_PASSES_MAX;
}

static hk_status run_pass(bench_engine *e, const bench_setup *setup, hk_error *err)
{
    double us, total = 0;
    uint64_t hits = 0;
    for (size_t q = 0; q < e->pass_queries; q += setup->batch) {
        hk_status status = search(&us, &hits, e, setup, q, setup->batch, err);
        if (status)
            return status;
        total += us;
        e->call_us[e->calls++] = us / (double)setup->batch;
    }
    e->pass_us[e->passes] = total / (double)e->pass_queries;
    e->pass_hits[e->passes++] = hits;
    return HK_OK;
}

hk_status bench_engine_round(bench_engine *e, unsigned round, const bench_setup *setup,
                             hk_error *err)
{
    const unsigned until = passes_due(e) * (round + 1) / BENCH_ROUNDS;
    hk_status status = HK_OK;
    while (!status && e->passes < until)
        status = run_pass(e, setup, err);
    return status;
}

double bench_engine_median(const bench_engine *e)
{
    return median(e->pass_us, e->passes);
}

double bench_engine_p99(bench_engine *e)
{
    qsort(e->call_us, e->calls, sizeof *e->call_us, by_value);
    return e->call_us[(e->calls * 99 + 99) / 100 - 1];
}

/* ---- checking ------------------------------------------------------------------------------ */

/* The order of hits. `first`: what to add to a's query. */
static int compare(const hk_hit *a, size_t first, const hk_hit *b)
{
    const size_t query = a->query + first;
    if (query != b->query)
        return query < b->query ? -1 : 1;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

static void differ(bench_engine *e, size_t query)
{
    if (!e->differs || query < e->differs_at)
        e->differs_at = query;
    e->differs = true;
}

/* Hits of a batch, whose queries are numbered from `first` on in flat's. Both are in order, so that
 * they are gone through together. `chunk`: the query that flat counts from. */
static void compare_hits(bench_engine *e, const hk_hits *mine, const hk_hit *flat,
                         size_t flat_count, size_t first, size_t chunk)
{
    size_t i = 0, k = 0;
    while (i < mine->count || k < flat_count) {
        const int order = i == mine->count  ? 1
                          : k == flat_count ? -1
                                            : compare(&mine->hit[i], first, &flat[k]);
        if (order)
            differ(e, chunk + (order < 0 ? mine->hit[i].query + first : flat[k].query));
        else
            e->found++;
        i += order <= 0;
        k += order >= 0;
    }
    e->wanted += flat_count;
}

/* The chunk of queries first .. first + count - 1, in batches as they were timed. */
static hk_status check_engine(bench_engine *e, const hk_hits *flat, size_t chunk, size_t count,
                              const bench_setup *setup, hk_error *err)
{
    size_t at = 0;
    for (size_t first = 0; first < count; first += setup->batch) {
        const size_t batch = count - first < setup->batch ? count - first : setup->batch;
        hk_hits mine;
        hk_status status = hk_index_within(&mine, e->index, setup->data.queries + chunk + first,
                                           batch, setup->radius, setup->max_hits, err);
        if (status)
            return status;
        size_t end = at;
        while (end < flat->count && flat->hit[end].query < first + batch)
            end++;
        compare_hits(e, &mine, flat->hit + at, end - at, first, chunk);
        at = end;
        e->approximate |= mine.approximate;
        e->hits += mine.count;
        if (chunk + first < e->pass_queries)
            e->prefix_hits += mine.count;
        hk_hits_free(&mine);
    }
    return HK_OK;
}

hk_status bench_check(bench_engine engines[], size_t count, const hk_index *flat,
                      const bench_setup *setup, hk_error *err)
{
    const size_t queries = setup->data.query_count;
    /* Flat is quicker for many at once; more than these at once would take too much memory. */
    const size_t at_once = (CHECK_AT_ONCE + setup->batch - 1) / setup->batch * setup->batch;
    for (size_t chunk = 0; chunk < queries; chunk += at_once) {
        const size_t some = queries - chunk < at_once ? queries - chunk : at_once;
        hk_hits hits;
        hk_status status = hk_index_within(&hits, flat, setup->data.queries + chunk, some,
                                           setup->radius, setup->max_hits, err);
        if (status)
            return status;
        for (size_t i = 0; !status && i < count; i++)
            status = check_engine(&engines[i], &hits, chunk, some, setup, err);
        hk_hits_free(&hits);
        if (status)
            return status;
    }
    /* What was timed must have found what was checked. */
    for (size_t i = 0; i < count; i++)
        for (unsigned pass = 0; pass < engines[i].passes; pass++)
            engines[i].unsteady |= engines[i].pass_hits[pass] != engines[i].prefix_hits;
    return HK_OK;
}
