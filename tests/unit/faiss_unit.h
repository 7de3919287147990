/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faiss_unit.h - what the tests of FAISS share: a naive oracle that measures every distance, and
 * made-up hashes.
 */
#ifndef TESTS_FAISS_UNIT_H
#define TESTS_FAISS_UNIT_H

#include "unit.h"

#include "index/faiss.h"

#include <stdlib.h>
#include <string.h>

enum { QUERIES = 40, ITEMS = 3000 };

static inline int by_query(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static inline hk_hits naive(const hk_hash *items, size_t count, const hk_hash *queries,
                            size_t query_count, unsigned radius)
{
    hk_hits hits = {malloc((count * query_count + 1) * sizeof *hits.hit), 0, false, false};
    for (size_t q = 0; q < query_count; q++)
        for (size_t i = 0; i < count; i++) {
            const unsigned distance = hk_hash_distance(&items[i], &queries[q]);
            if (distance <= radius)
                hits.hit[hits.count++] = (hk_hit){(uint32_t)q, (uint32_t)i, distance};
        }
    return hits;
}

/* Everything FAISS offers, by query, then item; *out is untouched on failure. */
static inline hk_status search(hk_hits *out, const hk__faiss *faiss, const hk_hash *queries,
                               size_t query_count, unsigned radius, size_t k, hk_error *err)
{
    hk__sieve *sieves = calloc(query_count + 1, sizeof *sieves);
    size_t count = 0, at = 0;
    for (size_t q = 0; q < query_count; q++)
        hk__sieve_start(&sieves[q], radius, 0);
    const hk_status status = hk__faiss_within(sieves, faiss, queries, query_count, radius, k, err);
    for (size_t q = 0; q < query_count; q++)
        count += sieves[q].count;
    hk_hit *hit = malloc((count + 1) * sizeof *hit);
    for (size_t q = 0; q < query_count; q++) {
        if (sieves[q].count)
            memcpy(hit + at, sieves[q].hit, sieves[q].count * sizeof *hit);
        at += sieves[q].count;
        hk__sieve_clear(&sieves[q]);
    }
    free(sieves);
    if (status) {
        free(hit);
        return status;
    }
    qsort(hit, count, sizeof *hit, by_query);
    *out = (hk_hits){hit, count, false, false};
    return HK_OK;
}

static inline int same_hits(const hk_hits *a, const hk_hits *b)
{
    return a->count == b->count && !memcmp(a->hit, b->hit, a->count * sizeof *a->hit);
}

/* Copies of the queries at every distance up to 63, duplicates, and strangers. */
static inline hk_hash *population(hk_hash queries[QUERIES], size_t count, uint64_t seed)
{
    hk_hash *items = malloc((count + 1) * sizeof *items);
    for (int q = 0; q < QUERIES; q++)
        queries[q] = random_hash(&seed);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        items[i] = r >> 32 & 1 ? at_distance(&queries[r % QUERIES], r >> 40 & 63, &seed)
                   : i && (r >> 33 & 3) == 0 ? items[(r >> 40) % i]
                                             : random_hash(&seed);
    }
    return items;
}

static inline hk__faiss *built(const char *spec, const hk_hash *items, size_t count)
{
    hk__faiss *faiss = NULL;
    hk_error err = {0};
    const hk_status status = hk__faiss_build(&faiss, FAISS_MODULE, spec, items, count, &err);
    if (status)
        print_error("%s: %s\n", spec, err.message);
    assert_int_equal(status, HK_OK);
    return faiss;
}

static inline int agrees(const hk__faiss *faiss, const hk_hash *items, size_t count,
                         const hk_hash *queries, size_t query_count, unsigned radius)
{
    hk_hits hits = {0}, expected = naive(items, count, queries, query_count, radius);
    assert_int_equal(search(&hits, faiss, queries, query_count, radius, 0, NULL), HK_OK);
    const int same = same_hits(&hits, &expected);
    free(hits.hit);
    free(expected.hit);
    return same;
}

#endif
