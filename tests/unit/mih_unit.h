/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mih_unit.h - what the tests of multi-index hashing share: the kernels of every level, an oracle
 * that measures every distance, and populations with copies planted where they are hardest to find.
 */
#ifndef TESTS_MIH_UNIT_H
#define TESTS_MIH_UNIT_H

#include "plain_search.h"
#include "unit.h"

#include "index/mih.h"

#include <string.h>

typedef struct level {
    hk_simd simd;
    const hk__mih_kernels *kernels;
} level;

static const level levels[] = {
    {HK_SIMD_SCALAR, &hk__mih_scalar},
#if defined(__x86_64__)
    {HK_SIMD_AVX2, &hk__mih_avx2},
    {HK_SIMD_AVX512, &hk__mih_avx512},
#endif
};

static const unsigned radii[] = {0, 1, 7, 15, 16, 31, 32, 47, 64, 100, 256};
enum { RADII = COUNT_OF(radii) };

static hk__mih_room *room; /* one for all searches, as a thread has */

/* ---- the oracle ----------------------------------------------------------------------------- */

/* A query, and how many hashes lie within each distance of it. */
typedef struct target {
    hk_hash hash;
    size_t within[HK_HASH_BITS + 1];
} target;

static inline void measure(target *out, const hk_hash *query, const hk_hash *hashes, size_t count)
{
    memset(out, 0, sizeof *out);
    out->hash = *query;
    for (size_t i = 0; i < count; i++)
        out->within[plain_distance(query, &hashes[i])]++;
    for (unsigned d = 1; d <= HK_HASH_BITS; d++)
        out->within[d] += out->within[d - 1];
}

/* Whether all that was offered is true: hashes within the radius, none twice. */
static inline bool is_true(hk__sieve *sieve, const hk__mih *mih, const hk_hash *query,
                           unsigned radius)
{
    hk__sieve_finish(sieve); /* what was offered twice now lies side by side */
    for (size_t i = 0; i < sieve->count; i++) {
        const hk_hit *hit = &sieve->hit[i];
        if (hit->item >= mih->count || hit->distance > radius ||
            hit->distance != plain_distance(query, &mih->hashes[hit->item]) ||
            (i && hit->item == hit[-1].item))
            return false;
    }
    return true;
}

static inline bool agrees(const hk__mih_kernels *kernels, const hk__mih *mih, const target *t,
                          unsigned radius)
{
    const hk__mih_query query = {t->hash, radius, UINT64_MAX};
    hk__sieve sieve;
    bool gave_up = true;
    hk__sieve_start(&sieve, radius, 0);
    const hk_status status = kernels->within(&sieve, &gave_up, mih, &query, room, NULL);
    const bool same = status == HK_OK && !gave_up && is_true(&sieve, mih, &t->hash, radius) &&
                      sieve.count == t->within[radius] && !sieve.dropped;
    hk__sieve_clear(&sieve);
    return same;
}

static inline void check(const hk__mih *mih, const target *t, unsigned radius)
{
    for (size_t l = 0; l < COUNT_OF(levels); l++)
        if (hk__cpu_can(levels[l].simd)) {
            const bool same = agrees(levels[l].kernels, mih, t, radius);
            if (!same)
                print_error("%zu hashes, %u tables, radius %u, %s\n", mih->count, mih->tables,
                            radius, hk_simd_name(levels[l].simd));
            assert_true(same);
        }
}

/* ---- populations ---------------------------------------------------------------------------- */

/* The bits of a slot, those of the group first or last. */
static inline unsigned slot_bits(uint8_t out[HK_HASH_BITS], const hk__slot *slot, bool group_first)
{
    unsigned count = 0;
    for (int half = 0; half < 2; half++)
        for (unsigned bit = 0; bit < HK_HASH_BITS; bit++)
            if ((group_first == !half ? slot->group : slot->own)[bit / 64] >> bit % 64 & 1)
                out[count++] = (uint8_t)bit;
    return count;
}

static inline unsigned flip_in_slot(hk_hash *hash, const hk__slot *slot, unsigned bits,
                                    uint64_t *seed)
{
    uint8_t bit[HK_HASH_BITS];
    const uint64_t r = next_random(seed);
    const unsigned width = slot_bits(bit, slot, r & 1);
    unsigned n = bits < width ? bits : width;
    const unsigned from = r >> 1 & 1 ? (unsigned)(r >> 8) % width : 0;
    for (unsigned i = 0; i < n; i++)
        flip_bit(hash, bit[(from + i) % width]);
    return n;
}

/* Writes near-copies of the query: what the rules of slots.h only just find, and just beyond. At
 * most 5 * tables + 1 of them. */
static inline size_t plant_for_radius(hk_hash *out, const hk_hash *query, const hk__mih *mih,
                                      unsigned radius, uint64_t *seed)
{
    const unsigned tables = mih->tables;
    unsigned quota[HK__SLOTS_MAX];
    size_t n = 0;
    hk__slots_quotas(quota, tables, radius);
    for (unsigned s = 0; s < tables; s++) {
        /* All inside one slot, or two side by side; a bit more than its quota in the first. */
        out[n] = *query;
        flip_in_slot(&out[n++], &mih->table[s].slot, radius, seed);
        out[n] = *query;
        const unsigned half = flip_in_slot(&out[n], &mih->table[s].slot, quota[s] + 1, seed);
        if (radius > half)
            flip_in_slot(&out[n], &mih->table[(s + 1) % tables].slot, radius - half, seed);
        n++;
        /* Spread evenly, one slot a bit short of its quota: no other leads to it. Then with a bit
         * of the others moved to the next. */
        for (int moved = 0; moved < 3; moved++) {
            out[n] = *query;
            for (unsigned k = 0; k < tables; k++) {
                const int step = moved && tables > 3 && k == (s + 2) % tables ? moved == 1 ? -1 : 1
                                 : moved && tables > 3 && k == (s + 3) % tables
                                     ? moved == 1 ? 1 : -1
                                     : 0;
                const int bits = (int)quota[k] - (k == s) + step;
                flip_in_slot(&out[n], &mih->table[k].slot, bits > 0 ? (unsigned)bits : 0, seed);
            }
            n++;
        }
    }
    out[n] = *query; /* every quota full: a bit beyond the radius */
    for (unsigned s = 0; s < tables; s++)
        flip_in_slot(&out[n], &mih->table[s].slot, quota[s], seed);
    return n + 1;
}

enum { PLANTED_MOST = RADII * (5 * HK__SLOTS_MAX + 1) + 3 * (HK_HASH_BITS + 1) };

/* Everything planted for a query; the rest of `count` hashes are strangers, mixed among them. */
static inline void plant(hk_hash *hashes, size_t count, const hk_hash *query, const hk__mih *mih,
                         uint64_t *seed)
{
    static hk_hash planted[PLANTED_MOST];
    size_t n = 0;
    for (unsigned r = 0; r < RADII; r++)
        n += plant_for_radius(planted + n, query, mih, radii[r], seed);
    for (unsigned d = 0; d <= HK_HASH_BITS; d += d < 104 ? 1 : 8)
        planted[n++] = at_distance(query, d, seed);
    planted[n++] = *query; /* a duplicate */
    for (size_t i = 0; i < count; i++)
        hashes[i] = i < n ? planted[i] : random_hash(seed);
    for (size_t i = count; i > 1; i--) {
        const size_t j = (size_t)(next_random(seed) % i);
        const hk_hash swap = hashes[i - 1];
        hashes[i - 1] = hashes[j];
        hashes[j] = swap;
    }
}

enum { STRANGERS, CLUSTERS, DUPLICATES, EQUAL, HALF_EQUAL, POPULATIONS };

static inline void populate(hk_hash *hashes, size_t count, int sort, uint64_t *seed)
{
    const hk_hash all = random_hash(seed), mask = random_hash(seed);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(seed);
        hashes[i] = random_hash(seed);
        if (sort == EQUAL)
            hashes[i] = all;
        else if (i && sort == CLUSTERS && r & 7)
            hashes[i] = at_distance(&hashes[(r >> 8) % i % 40], r >> 40 & 63, seed);
        else if (i && sort == DUPLICATES && r & 7)
            hashes[i] = hashes[(r >> 8) % i];
        for (int w = 0; sort == HALF_EQUAL && w < 4; w++)
            hashes[i].word[w] = (hashes[i].word[w] & mask.word[w]) | (all.word[w] & ~mask.word[w]);
    }
}

static inline hk_hash *new_hashes(size_t count)
{
    return malloc((count ? count : 1) * sizeof(hk_hash));
}

static inline hk__mih built(const hk_hash *hashes, size_t count, unsigned tables,
                            unsigned group_bits)
{
    hk__mih mih;
    assert_int_equal(hk__mih_build(&mih, hashes, count, tables, group_bits, 1, NULL), HK_OK);
    return mih;
}

/* Every hash once in every table, in its group, ascending there, with its tag. */
static inline void check_tables(const hk__mih *mih)
{
    for (unsigned t = 0; t < mih->tables; t++) {
        const hk__table *table = &mih->table[t];
        size_t places = 0;
        assert_int_equal(table->groups, (size_t)1 << hk__mask_width(table->slot.group));
        assert_int_equal(table->start[0], 0);
        assert_int_equal(table->start[table->groups], mih->count);
        for (size_t g = 0; g < table->groups; g++)
            for (size_t p = table->start[g]; p < table->start[g + 1]; p++, places++) {
                const uint32_t item = hk__table_item(table, p, mih->tag_bits);
                assert_true(item < mih->count);
                assert_int_equal(hk__mih_group(&table->slot, &mih->hashes[item]), g);
                assert_int_equal(table->tags[p] & ((1u << mih->tag_bits) - 1),
                                 hk__mih_tag(&table->slot, &mih->hashes[item]));
                assert_true(p == table->start[g] ||
                            hk__table_item(table, p - 1, mih->tag_bits) < item);
            }
        assert_int_equal(places, mih->count); /* ascending, so each only once */
    }
}

static inline int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static inline int set_up(void **state)
{
    (void)state;
    room = hk__mih_room_new();
    return !room;
}

static inline int tear_down(void **state)
{
    (void)state;
    hk__free(room);
    return 0;
}

#endif
