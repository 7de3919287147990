/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flat.c - the exact scan: every hash against every query.
 *
 * Hashes lie in blocks of 4,096, word-sliced (hamming.h), 128 KB a block: it stays in the second
 * cache level while all queries pass over it.
 *
 *      block 0: word 0 x4096 | word 1 x4096 | word 2 x4096 | word 3 x4096
 *      block 1: ...                                         (the last one zero-filled)
 */
#include "core/error.h"
#include "core/mem.h"
#include "hamming/hamming.h"
#include "index/sieve.h"

#include <string.h>

enum { BLOCK = 4096 };

struct hk_index {
    size_t count;
    uint64_t *words;
};

hk_status hk_index_build(hk_index **out, const hk_hash *hashes, size_t count, hk_error *err)
{
    if (count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "an index holds at most %u hashes", UINT32_MAX);
    hk_index *index = hk__alloc(1, sizeof *index);
    if (!index)
        return hk__fail_memory(err);
    index->count = count;
    index->words = hk__alloc_aligned((count + BLOCK - 1) / BLOCK, 4 * BLOCK * sizeof(uint64_t));
    if (!index->words) {
        hk_index_free(index);
        return hk__fail_memory(err);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < 4; w++)
            index->words[(i / BLOCK * 4 + w) * BLOCK + i % BLOCK] = hashes[i].word[w];
    *out = index;
    return HK_OK;
}

void hk_index_free(hk_index *index)
{
    if (!index)
        return;
    hk__free(index->words);
    hk__free(index);
}

size_t hk_index_count(const hk_index *index)
{
    return index->count;
}

void hk_hits_free(hk_hits *hits)
{
    if (!hits)
        return;
    hk__free(hits->hit);
    memset(hits, 0, sizeof *hits);
}

static hk_status scan(hk__sieve *sieves, const hk_index *index, const hk_hash *queries,
                      size_t query_count, hk__near *near, hk_error *err)
{
    hk__within_fn *within = hk__within_in_use();
    for (size_t base = 0; base < index->count; base += BLOCK) {
        const uint64_t *block = index->words + base * 4;
        const size_t left = index->count - base;
        const hk__run run = {{block, block + BLOCK, block + 2 * BLOCK, block + 3 * BLOCK},
                             left < BLOCK ? left : BLOCK};
        for (size_t q = 0; q < query_count; q++) {
            if (sieves[q].radius < 0) {
                sieves[q].dropped = true; /* full of exact copies, and more may follow */
                continue;
            }
            size_t found = within(near, &run, &queries[q], (unsigned)sieves[q].radius);
            for (size_t i = 0; i < found; i++) {
                hk_hit hit = {(uint32_t)q, (uint32_t)base + near[i].position, near[i].distance};
                hk_status status = hk__sieve_offer(&sieves[q], hit, err);
                if (status)
                    return status;
            }
        }
    }
    return HK_OK;
}

static hk_status collect(hk_hits *out, hk__sieve *sieves, size_t query_count, hk_error *err)
{
    hk_hits hits = {0};
    for (size_t q = 0; q < query_count; q++) {
        hk__sieve_finish(&sieves[q]);
        hits.count += sieves[q].count;
        hits.truncated |= sieves[q].dropped;
    }
    hits.hit = hk__alloc(hits.count, sizeof *hits.hit);
    if (!hits.hit)
        return hk__fail_memory(err);
    size_t at = 0;
    for (size_t q = 0; q < query_count; q++) {
        if (sieves[q].count)
            memcpy(hits.hit + at, sieves[q].hit, sieves[q].count * sizeof *hits.hit);
        at += sieves[q].count;
    }
    *out = hits;
    return HK_OK;
}

hk_status hk_index_within(hk_hits *out, const hk_index *index, const hk_hash *queries,
                          size_t query_count, unsigned max_distance, size_t max_hits, hk_error *err)
{
    if (max_distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "max_distance is 0 to 256 bits, not %u", max_distance);
    if (query_count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "at most %u queries at once", UINT32_MAX);
    hk__near *near = hk__alloc(BLOCK, sizeof *near);
    hk__sieve *sieves = hk__alloc(query_count, sizeof *sieves);
    hk_status status = near && sieves ? HK_OK : hk__fail_memory(err);
    for (size_t q = 0; sieves && q < query_count; q++)
        hk__sieve_start(&sieves[q], max_distance, max_hits);
    if (!status)
        status = scan(sieves, index, queries, query_count, near, err);
    if (!status)
        status = collect(out, sieves, query_count, err);
    for (size_t q = 0; sieves && q < query_count; q++)
        hk__sieve_clear(&sieves[q]);
    hk__free(sieves);
    hk__free(near);
    return status;
}

hk_status hk_index_nearest(hk_hits *out, const hk_index *index, const hk_hash *queries,
                           size_t query_count, size_t k, hk_error *err)
{
    if (k == 0)
        return hk__fail(err, HK_ERR_USAGE, "k must be at least 1");
    hk_hits hits;
    hk_status status = hk_index_within(&hits, index, queries, query_count, HK_HASH_BITS, k, err);
    if (!status) {
        hits.truncated = false; /* k is what was asked for */
        *out = hits;
    }
    return status;
}
