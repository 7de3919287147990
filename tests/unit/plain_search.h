/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain_search.h - the oracle of searches: measures every distance and sorts.
 */
#ifndef TESTS_PLAIN_SEARCH_H
#define TESTS_PLAIN_SEARCH_H

#include "herken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int plain_order(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Bits in pairs, in fours, in bytes, and the bytes by one multiplication: without POPCNT the
 * compiler's own counting takes most of a test's time. */
static inline unsigned plain_distance(const hk_hash *a, const hk_hash *b)
{
    const uint64_t pairs = UINT64_C(0x5555555555555555), fours = UINT64_C(0x3333333333333333),
                   bytes = UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t sum = 0; /* each byte at most 4 * 8 */
    for (int w = 0; w < 4; w++) {
        uint64_t bits = a->word[w] ^ b->word[w];
        bits -= bits >> 1 & pairs;
        bits = (bits & fours) + (bits >> 2 & fours);
        sum += (bits + (bits >> 4)) & bytes;
    }
    /* Two bytes to 16 bits first: 256 does not fit into one. */
    sum = (sum & UINT64_C(0x00ff00ff00ff00ff)) + (sum >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    return (unsigned)(sum * UINT64_C(0x0001000100010001) >> 48);
}

/* As hk_index_within; ids may be NULL: positions. Free hit with free(). */
static inline hk_hits plain_within(const hk_hash *hashes, const uint32_t *ids, size_t count,
                                   const hk_hash *queries, size_t query_count, unsigned radius,
                                   size_t max_hits)
{
    hk_hits hits = {NULL, 0, false, false};
    size_t room = 0;
    for (size_t q = 0; q < query_count; q++) {
        if (room < hits.count + count) {
            room = 2 * (hits.count + count);
            hits.hit = realloc(hits.hit, room * sizeof *hits.hit);
        }
        hk_hit *mine = hits.hit + hits.count;
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            const unsigned distance = plain_distance(&hashes[i], &queries[q]);
            if (distance <= radius)
                mine[n++] = (hk_hit){(uint32_t)q, ids ? ids[i] : (uint32_t)i, distance};
        }
        if (n > 1)
            qsort(mine, n, sizeof *mine, plain_order);
        if (max_hits && n > max_hits) {
            n = max_hits;
            hits.truncated = true;
        }
        hits.count += n;
    }
    return hits;
}

static inline bool plain_equal(const hk_hits *a, const hk_hits *b)
{
    return a->count == b->count && a->truncated == b->truncated &&
           a->approximate == b->approximate &&
           (a->count == 0 || !memcmp(a->hit, b->hit, a->count * sizeof *a->hit));
}

#endif
