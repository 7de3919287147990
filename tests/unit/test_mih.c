/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mih.c - multi-index hashing against measuring every distance: each hash within the radius is
 * offered once with its distance, whatever the tables, the instruction set and the population.
 */
#include "fence.h"
#include "plain_search.h"
#include "unit.h"

#include "index/mih.h"

#include <string.h>
#include <sys/mman.h>

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

static void measure(target *out, const hk_hash *query, const hk_hash *hashes, size_t count)
{
    memset(out, 0, sizeof *out);
    out->hash = *query;
    for (size_t i = 0; i < count; i++)
        out->within[plain_distance(query, &hashes[i])]++;
    for (unsigned d = 1; d <= HK_HASH_BITS; d++)
        out->within[d] += out->within[d - 1];
}

/* Whether all that was offered is true: hashes within the radius, none twice. */
static bool is_true(hk__sieve *sieve, const hk__mih *mih, const hk_hash *query, unsigned radius)
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

static bool agrees(const hk__mih_kernels *kernels, const hk__mih *mih, const target *t,
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

static void check(const hk__mih *mih, const target *t, unsigned radius)
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
static unsigned slot_bits(uint8_t out[HK_HASH_BITS], const hk__slot *slot, bool group_first)
{
    unsigned count = 0;
    for (int half = 0; half < 2; half++)
        for (unsigned bit = 0; bit < HK_HASH_BITS; bit++)
            if ((group_first == !half ? slot->group : slot->own)[bit / 64] >> bit % 64 & 1)
                out[count++] = (uint8_t)bit;
    return count;
}

static unsigned flip_in_slot(hk_hash *hash, const hk__slot *slot, unsigned bits, uint64_t *seed)
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
static size_t plant_for_radius(hk_hash *out, const hk_hash *query, const hk__mih *mih,
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
static void plant(hk_hash *hashes, size_t count, const hk_hash *query, const hk__mih *mih,
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

static void populate(hk_hash *hashes, size_t count, int sort, uint64_t *seed)
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

static hk_hash *new_hashes(size_t count)
{
    return malloc((count ? count : 1) * sizeof(hk_hash));
}

static hk__mih built(const hk_hash *hashes, size_t count, unsigned tables, unsigned group_bits)
{
    hk__mih mih;
    assert_int_equal(hk__mih_build(&mih, hashes, count, tables, group_bits, 1, NULL), HK_OK);
    return mih;
}

/* ---- keys and tables ------------------------------------------------------------------------ */

/* The bits of a hash under a mask, lowest first, one by one. */
static uint32_t gathered(const uint64_t mask[4], const hk_hash *hash)
{
    uint32_t out = 0;
    for (unsigned bit = 0, at = 0; bit < HK_HASH_BITS; bit++)
        if (mask[bit / 64] >> bit % 64 & 1)
            out |= (uint32_t)(hash->word[bit / 64] >> bit % 64 & 1) << at++;
    return out;
}

static void keys_are_the_bits_of_the_masks(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned tables = HK__SLOTS_MIN; tables <= HK__SLOTS_MAX; tables++)
        for (unsigned group_bits = 1; group_bits <= HK__GROUP_BITS_MAX; group_bits++) {
            hk__slot slots[HK__SLOTS_MAX];
            hk__slots_deal(slots, tables, group_bits, 8 + (group_bits + tables) % 9);
            const hk__slot *slot = &slots[next_random(&seed) % tables];
            fence rows = fence_new(3 * sizeof(hk_hash));
            hk_hash *hashes = rows.at;
            for (int i = 0; i < 3; i++)
                hashes[i] = random_hash(&seed);
            for (size_t l = 0; l < COUNT_OF(levels); l++) {
                uint32_t group[3], alone[3];
                uint16_t tag[3];
                if (!hk__cpu_can(levels[l].simd))
                    continue;
                levels[l].kernels->sort_keys(group, tag, slot, hashes, 3);
                levels[l].kernels->sort_keys(alone, NULL, slot, hashes, 3);
                for (int i = 0; i < 3; i++) {
                    assert_int_equal(group[i], gathered(slot->group, &hashes[i]));
                    assert_int_equal(alone[i], group[i]);
                    assert_int_equal(tag[i], gathered(slot->own, &hashes[i]) |
                                                 gathered(slot->next, &hashes[i])
                                                     << hk__mask_width(slot->own));
                }
            }
            assert_int_equal(hk__mih_group(slot, hashes), gathered(slot->group, hashes));
            assert_int_equal(hk__mih_tag(slot, hashes) & ((1 << hk__mask_width(slot->own)) - 1),
                             gathered(slot->own, hashes));
            fence_free(&rows);
        }
}

/* Every hash once in every table, in its group, ascending there, with its tag. */
static void check_tables(const hk__mih *mih)
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

static bool same_tables(const hk__mih *a, const hk__mih *b)
{
    for (unsigned t = 0; t < a->tables; t++) {
        const hk__table *x = &a->table[t], *y = &b->table[t];
        if (x->groups != y->groups ||
            memcmp(x->start, y->start, (x->groups + 1) * sizeof *x->start) != 0 ||
            memcmp(x->tags, y->tags, a->count * sizeof *x->tags) != 0 ||
            memcmp(x->items, y->items, a->count * 3) != 0)
            return false;
    }
    return a->tables == b->tables && a->count == b->count && a->tag_bits == b->tag_bits;
}

static void tables_hold_every_hash_in_its_place(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 2047, 2048, 2049, 5000};
    uint64_t seed = 2;
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int sort = 0; sort < POPULATIONS; sort++) {
            const unsigned tables = 8 + (unsigned)(next_random(&seed) % 13);
            const unsigned group_bits = 1 + (unsigned)(next_random(&seed) % 16);
            hk_hash *hashes = new_hashes(counts[c]);
            populate(hashes, counts[c], sort, &seed);
            hk__mih one = built(hashes, counts[c], tables, group_bits);
            check_tables(&one);
            size_t bytes = 0;
            for (unsigned t = 0; t < tables; t++)
                bytes += (one.table[t].groups + 1) * 4 + counts[c] * 5;
            assert_int_equal(hk__mih_bytes(&one), bytes);
            /* The same on every level and any number of threads. */
            for (unsigned threads = 1; threads <= 40; threads = threads * 3 + 1)
                for (size_t l = 0; l < COUNT_OF(levels); l++) {
                    hk__mih other;
                    if (!hk__cpu_can(levels[l].simd))
                        continue;
                    assert_int_equal(hk_simd_use(levels[l].simd, NULL), HK_OK);
                    assert_ptr_equal(hk__mih_in_use(), levels[l].kernels);
                    assert_int_equal(
                        hk__mih_build(&other, hashes, counts[c], tables, group_bits, threads, NULL),
                        HK_OK);
                    assert_true(same_tables(&one, &other));
                    hk__mih_clear(&other);
                }
            assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
            hk__mih_clear(&one);
            assert_int_equal(one.tables, 0);
            free(hashes);
        }
}

static void positions_leave_tags_their_bits(void **state)
{
    (void)state;
    assert_int_equal(hk__mih_tag_bits(0), 16);
    assert_int_equal(hk__mih_tag_bits(1), 16);
    for (unsigned bits = 24; bits < 32; bits++) {
        const size_t count = (size_t)1 << bits;
        assert_int_equal(hk__mih_tag_bits(count), 40 - bits); /* the last position is a bit less */
        assert_int_equal(hk__mih_tag_bits(count + 1), 39 - bits);
    }
    assert_int_equal(hk__mih_tag_bits(UINT32_MAX), 8);
}

/* ---- searching ------------------------------------------------------------------------------ */

/* Groups so wide that a far query would look into millions: only near ones, then. */
static bool is_cheap(const hk__mih *mih, unsigned radius)
{
    return mih->table[0].groups * mih->tables <= 1 << 19 ||
           radius <= 64 / (mih->tables > 12 ? 1 : 2);
}

static void planted_copies_are_found(void **state)
{
    (void)state;
    enum { COUNT = 2400 };
    static const unsigned group_bits[] = {1, 7, 11, 13, 16, 20};
    hk_hash *hashes = new_hashes(COUNT);
    uint64_t seed = 3;
    for (unsigned tables = HK__SLOTS_MIN; tables <= HK__SLOTS_MAX; tables++)
        for (size_t g = 0; g < COUNT_OF(group_bits); g++) {
            if (group_bits[g] == 20 ? tables % 8 : (tables + g) % 2 && g > 1) /* for time */
                continue;
            const hk_hash query = random_hash(&seed);
            hk__mih mih = built(hashes, 0, tables, group_bits[g]);
            plant(hashes, COUNT, &query, &mih, &seed);
            hk__mih_clear(&mih);
            mih = built(hashes, COUNT, tables, group_bits[g]);
            target t;
            measure(&t, &query, hashes, COUNT);
            for (unsigned r = 0; r < RADII; r++)
                if (is_cheap(&mih, radii[r]))
                    check(&mih, &t, radii[r]);
            hk__mih_clear(&mih);
        }
    free(hashes);
}

static void few_hashes_are_found(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 50};
    uint64_t seed = 4;
    for (unsigned tables = HK__SLOTS_MIN; tables <= HK__SLOTS_MAX; tables++)
        for (size_t c = 0; c < COUNT_OF(counts); c++)
            for (int sort = 0; sort < POPULATIONS; sort++) {
                hk_hash *hashes = new_hashes(counts[c]);
                populate(hashes, counts[c], sort, &seed);
                hk__mih mih = built(hashes, counts[c], tables, 1 + (unsigned)sort * 2);
                for (unsigned r = 0; r < RADII; r++) {
                    const hk_hash stranger = random_hash(&seed);
                    const hk_hash query = at_distance(
                        counts[c] ? &hashes[r % counts[c]] : &stranger, radii[r], &seed);
                    target t;
                    measure(&t, &query, hashes, counts[c]);
                    if (is_cheap(&mih, radii[r]))
                        check(&mih, &t, radii[r]);
                }
                hk__mih_clear(&mih);
                free(hashes);
            }
}

static void many_hashes_are_found(void **state)
{
    (void)state;
    static const size_t counts[] = {1000, 20000, 70000};
    static const unsigned tables[] = {8, 11, 15, 20}, group_bits[] = {13, 9, 16, 4};
    uint64_t seed = 5;
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int sort = 0; sort < POPULATIONS; sort++) {
            hk_hash *hashes = new_hashes(counts[c]);
            populate(hashes, counts[c], sort, &seed);
            const size_t k = (c + (size_t)sort) % COUNT_OF(tables);
            hk__mih mih = built(hashes, counts[c], tables[k], group_bits[k]);
            for (unsigned r = c != 0; r < RADII; r += 1 + (c != 0)) {
                const unsigned far = radii[r] < 100 ? radii[r] : 100;
                const hk_hash query =
                    at_distance(&hashes[next_random(&seed) % counts[c]], far, &seed);
                target t;
                measure(&t, &query, hashes, counts[c]);
                check(&mih, &t, radii[r]);
            }
            hk__mih_clear(&mih);
            free(hashes);
        }
}

/* A bound keeps the nearest, of equal ones those of lower positions. */
static void the_nearest_are_kept_in_any_order(void **state)
{
    (void)state;
    enum { COUNT = 9000 };
    uint64_t seed = 6;
    hk_hash *hashes = new_hashes(COUNT);
    const hk_hash query = random_hash(&seed);
    for (size_t i = 0; i < COUNT; i++)
        hashes[i] = at_distance(&query, (unsigned)(next_random(&seed) % 6), &seed);
    hk__mih mih = built(hashes, COUNT, 9, 12);
    for (size_t bound = 1; bound < 2 * COUNT; bound = bound * 3 + 1)
        for (size_t l = 0; l < COUNT_OF(levels); l++) {
            const hk__mih_query q = {query, 20, UINT64_MAX};
            hk__sieve sieve, plain;
            bool gave_up;
            if (!hk__cpu_can(levels[l].simd))
                continue;
            hk__sieve_start(&sieve, 20, bound);
            assert_int_equal(levels[l].kernels->within(&sieve, &gave_up, &mih, &q, room, NULL),
                             HK_OK);
            hk__sieve_finish(&sieve);
            hk__sieve_start(&plain, 20, 0);
            for (uint32_t i = 0; i < COUNT; i++)
                assert_int_equal(
                    hk__sieve_offer(&plain, (hk_hit){0, i, hk_hash_distance(&query, &hashes[i])},
                                    NULL),
                    HK_OK);
            hk__sieve_finish(&plain);
            assert_int_equal(sieve.count, bound < COUNT ? bound : COUNT);
            assert_int_equal(sieve.dropped, bound < COUNT);
            assert_memory_equal(sieve.hit, plain.hit, sieve.count * sizeof *sieve.hit);
            hk__sieve_clear(&sieve);
            hk__sieve_clear(&plain);
        }
    hk__mih_clear(&mih);
    free(hashes);
}

/* ---- patience ------------------------------------------------------------------------------- */

static void impatient_searches_say_so(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    uint64_t seed = 7;
    hk_hash *hashes = new_hashes(COUNT);
    for (int sort = 0; sort < POPULATIONS; sort++) {
        populate(hashes, COUNT, sort, &seed);
        hk__mih mih = built(hashes, COUNT, 8 + (unsigned)sort * 3, 10);
        const hk_hash query = at_distance(&hashes[11], 5, &seed);
        target t;
        measure(&t, &query, hashes, COUNT);
        for (size_t l = 0; l < COUNT_OF(levels); l++) {
            size_t given_up = 0, through = 0;
            if (!hk__cpu_can(levels[l].simd))
                continue;
            for (uint64_t patience = 0; patience < UINT64_C(1) << 32;
                 patience += patience / 3 + 40) {
                const hk__mih_query q = {query, 31, patience};
                hk__sieve sieve;
                bool gave_up;
                hk__sieve_start(&sieve, 31, 0);
                assert_int_equal(levels[l].kernels->within(&sieve, &gave_up, &mih, &q, room, NULL),
                                 HK_OK);
                assert_true(is_true(&sieve, &mih, &query, 31));
                assert_true(gave_up ? sieve.count <= t.within[31] : sieve.count == t.within[31]);
                assert_true(gave_up || patience >= HK__WORK_GROUP);
                assert_false(gave_up && through); /* more patience does no harm */
                given_up += gave_up;
                through += !gave_up;
                hk__sieve_clear(&sieve);
            }
            assert_true(given_up > 0 && through > 0);
        }
        hk__mih_clear(&mih);
    }
    free(hashes);
}

/* ---- positions of more than 24 bits --------------------------------------------------------- */

enum { SPARSE = 3000 };

/* Tables over `count` hashes that say nothing but of those at some positions, ascending. */
static hk__mih sparse_tables(const hk_hash *hashes, size_t count, const uint32_t position[SPARSE],
                             unsigned tables, unsigned group_bits)
{
    hk__slot slots[HK__SLOTS_MAX];
    hk__mih mih = {.tables = tables,
                   .hashes = hashes,
                   .count = count,
                   .tag_bits = hk__mih_tag_bits(count),
                   .owned = true};
    hk__slots_deal(slots, tables, group_bits, mih.tag_bits);
    assert_true(hk__slots_are_sound(slots, tables, mih.tag_bits));
    for (unsigned t = 0; t < tables; t++) {
        const size_t groups = (size_t)1 << hk__mask_width(slots[t].group);
        uint32_t *start = calloc(groups + 1, sizeof *start);
        uint16_t *tags = malloc(SPARSE * sizeof *tags);
        uint8_t *items = malloc(SPARSE * 3 + 1);
        for (size_t i = 0; i < SPARSE; i++)
            start[hk__mih_group(&slots[t], &hashes[position[i]]) + 1]++;
        for (size_t g = 0; g < groups; g++)
            start[g + 1] += start[g];
        for (size_t i = SPARSE; i-- > 0;) {
            const hk_hash *hash = &hashes[position[i]];
            const uint32_t group = hk__mih_group(&slots[t], hash);
            const uint32_t place = --start[group + 1]; /* the last of its group first */
            tags[place] =
                (uint16_t)(hk__mih_tag(&slots[t], hash) | position[i] >> 24 << mih.tag_bits);
            for (int b = 0; b < 3; b++)
                items[3 * place + (size_t)b] = (uint8_t)(position[i] >> 8 * b);
        }
        memmove(start, start + 1, groups * sizeof *start);
        start[groups] = SPARSE;
        mih.table[t] = (hk__table){slots[t], groups, start, tags, items};
    }
    return mih;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* High bits of positions lie above the tags. Of so many hashes only a few pages are ever touched.
 */
static void positions_over_24_bits_are_found(void **state)
{
    (void)state;
    static const unsigned tables[] = {8, 11, 16, 20};
    static uint32_t position[SPARSE];
    static hk_hash planted[SPARSE];
    uint64_t seed = 8;
    for (unsigned bits = 24; bits <= 32; bits += bits < 26 ? 1 : 3) {
        const size_t count = ((size_t)1 << bits) - 1;
        hk_hash *hashes = mmap(NULL, count * sizeof *hashes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (hashes == MAP_FAILED && bits == 24)
            skip();
        if (hashes == MAP_FAILED) /* a machine that bounds what is only asked for */
            break;
        const unsigned n = tables[bits % COUNT_OF(tables)];
        const hk_hash query = random_hash(&seed);
        hk__mih shape = built(NULL, 0, n, 12);
        plant(planted, SPARSE, &query, &shape, &seed);
        hk__mih_clear(&shape);
        for (size_t i = 0; i < SPARSE; i++) /* also the first and the last, and neighbours */
            position[i] = i < 4   ? (uint32_t)i
                          : i < 8 ? (uint32_t)(count - (i - 3))
                                  : (uint32_t)((count / SPARSE) * i + next_random(&seed) % 1000);
        qsort(position, SPARSE, sizeof *position, ascending);
        for (size_t i = 0; i < SPARSE; i++)
            hashes[position[i]] = planted[i];
        hk__mih mih = sparse_tables(hashes, count, position, n, 12);
        assert_int_equal(mih.tag_bits, bits <= 24 ? 16 : 40 - bits);
        target t;
        measure(&t, &query, planted, SPARSE);
        for (unsigned r = 0; r < RADII; r++)
            if (is_cheap(&mih, radii[r]))
                check(&mih, &t, radii[r]);
        hk__mih_clear(&mih);
        munmap(hashes, count * sizeof *hashes);
    }
}

/* The same by the builder, once: 540 MB of hashes, nearly all zero and never written. */
static void more_than_24_bits_of_hashes_are_built(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    const size_t count = ((size_t)1 << 24) + 5000;
    hk_hash *hashes = mmap(NULL, count * sizeof *hashes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (hashes == MAP_FAILED)
        skip();
    static hk_hash planted[SPARSE];
    uint64_t seed = 17;
    const hk_hash query = healthy_hash(&seed);
    hk__mih mih = built(NULL, 0, 8, 17);
    plant(planted, SPARSE, &query, &mih, &seed);
    hk__mih_clear(&mih);
    for (size_t i = 0; i < SPARSE; i++) /* all that is beyond 24 bits, and some of the rest */
        hashes[i < 100 ? i * 160000 : count - i] = planted[i];
    assert_int_equal(hk__mih_build(&mih, hashes, count, 8, 17, 2, NULL), HK_OK);
    assert_int_equal(mih.tag_bits, 15);
    target t;
    measure(&t, &query, planted, SPARSE);
    assert_true(t.within[64] > 100);
    for (unsigned r = 0; radii[r] <= 64; r++) /* zeros are further */
        check(&mih, &t, radii[r]);
    hk__mih_clear(&mih);
    munmap(hashes, count * sizeof *hashes);
}

/* ---- damage --------------------------------------------------------------------------------- */

enum { TORN = 700 };

/* Tables in blocks of just their size, before pages that cannot be touched, to be damaged. */
typedef struct torn {
    hk__mih mih;
    fence start[HK__SLOTS_MAX], tags[HK__SLOTS_MAX], items[HK__SLOTS_MAX], hashes;
} torn;

static void *fenced_copy(fence *out, const void *from, size_t size, size_t more)
{
    *out = fence_new(size + more);
    memset(out->at, 0xff, size + more);
    memcpy(out->at, from, size);
    return out->at;
}

static void tear(torn *out, const hk__mih *mih)
{
    out->mih = *mih;
    out->mih.owned = false;
    out->mih.hashes = fenced_copy(&out->hashes, mih->hashes, mih->count * sizeof(hk_hash), 0);
    for (unsigned t = 0; t < mih->tables; t++) {
        const hk__table *from = &mih->table[t];
        hk__table *table = &out->mih.table[t];
        table->start = fenced_copy(&out->start[t], from->start, (from->groups + 1) * 4, 0);
        table->tags = fenced_copy(&out->tags[t], from->tags, mih->count * 2, 0);
        table->items = fenced_copy(&out->items[t], from->items, mih->count * 3, 1);
    }
}

static void clear(torn *t)
{
    for (unsigned k = 0; k < t->mih.tables; k++) {
        fence_free(&t->start[k]);
        fence_free(&t->tags[k]);
        fence_free(&t->items[k]);
    }
    fence_free(&t->hashes);
}

static hk_status search(const hk__mih_kernels *kernels, const hk__mih *mih, const hk_hash *query,
                        unsigned radius)
{
    const hk__mih_query q = {*query, radius, UINT64_MAX};
    hk__sieve sieve;
    bool gave_up;
    hk_error err = {HK_OK, ""};
    hk__sieve_start(&sieve, radius, 0);
    const hk_status status = kernels->within(&sieve, &gave_up, mih, &q, room, &err);
    assert_int_equal(err.status, status);
    assert_int_equal(err.message[0] != 0, status != HK_OK);
    for (size_t i = 0; i < sieve.count; i++) /* even then nothing is made up */
        assert_int_equal(sieve.hit[i].distance,
                         hk_hash_distance(query, &mih->hashes[sieve.hit[i].item]));
    hk__sieve_clear(&sieve);
    return status;
}

static hk_hash *some_hashes(uint64_t seed)
{
    hk_hash *hashes = new_hashes(TORN);
    populate(hashes, TORN, CLUSTERS, &seed);
    return hashes;
}

/* The place of a hash in a table. */
static size_t place_of(const hk__mih *mih, unsigned table, uint32_t item)
{
    for (size_t p = 0; p < mih->count; p++)
        if (hk__table_item(&mih->table[table], p, mih->tag_bits) == item)
            return p;
    fail();
    return 0;
}

static void sound_tables_are_read_to_their_edges_only(void **state)
{
    (void)state;
    hk_hash *hashes = some_hashes(9);
    for (unsigned tables = 8; tables <= 20; tables += 4)
        for (size_t count = TORN - 40; count <= TORN; count++) {
            hk__mih mih = built(hashes, count, tables, 3);
            torn t;
            target all;
            tear(&t, &mih);
            measure(&all, &hashes[count - 1], hashes, count);
            check(&t.mih, &all, tables == 8 ? 20 : 256);
            clear(&t);
            hk__mih_clear(&mih);
        }
    free(hashes);
}

static void contradicting_tables_are_refused(void **state)
{
    (void)state;
    hk_hash *hashes = some_hashes(10);
    hk__mih mih = built(hashes, TORN, 12, 9);
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        if (!hk__cpu_can(levels[l].simd))
            continue;
        for (unsigned table = 0; table < mih.tables; table++)
            for (int fault = 0; fault < 8; fault++) {
                const uint32_t item = (uint32_t)(table * 37 + (unsigned)fault);
                const hk_hash *query = &hashes[item];
                torn t;
                tear(&t, &mih);
                uint32_t *start = t.start[table].at;
                uint16_t *tags = t.tags[table].at;
                uint8_t *low = (uint8_t *)t.items[table].at + 3 * place_of(&mih, table, item);
                const uint32_t group = hk__mih_group(&mih.table[table].slot, query);
                const size_t place = (size_t)(low - (uint8_t *)t.items[table].at) / 3;
                switch (fault) {
                case 0: /* descending */
                    start[group] = start[group + 1] + 1;
                    break;
                case 1:
                    start[group] = UINT32_MAX;
                    break;
                case 2: /* beyond the count: by one, */
                    start[group + 1] = TORN + 1;
                    break;
                case 3: /* and by far */
                    start[group + 1] = UINT32_MAX;
                    break;
                case 4: /* both, in order */
                    start[group] = UINT32_MAX - 5;
                    start[group + 1] = UINT32_MAX;
                    break;
                case 5: /* an item beyond the count: by one, */
                    low[0] = (uint8_t)TORN;
                    low[1] = (uint8_t)(TORN >> 8);
                    break;
                case 6: /* and by far */
                    memset(low, 0xff, 3);
                    break;
                default: /* by the high bits above its tag */
                    t.mih.tag_bits = 15;
                    tags[place] |= 0x8000;
                    break;
                }
                /* With as many bits as slots every table is searched, the query's own group. */
                const hk_status status = search(levels[l].kernels, &t.mih, query, 11);
                if (status != HK_ERR_FORMAT)
                    print_error("fault %d in table %u: %d\n", fault, table, (int)status);
                assert_int_equal(status, HK_ERR_FORMAT);
                clear(&t);
            }
    }
    hk__mih_clear(&mih);
    free(hashes);
}

/* Any bytes at all: an answer or HK_ERR_FORMAT, and nothing read outside. */
static void noise_in_tables_does_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 11;
    hk_hash *hashes = some_hashes(12);
    hk__mih mih = built(hashes, TORN, 9, 8);
    unsigned answers = 0, refused = 0;
    for (int turn = 0; turn < 300; turn++) {
        torn t;
        tear(&t, &mih);
        const uint64_t what = next_random(&seed);
        for (unsigned table = 0; table < mih.tables; table++) {
            uint32_t *start = t.start[table].at;
            uint16_t *tags = t.tags[table].at;
            uint8_t *items = t.items[table].at;
            for (size_t g = 0; what & 1 && g <= mih.table[table].groups; g++)
                start[g] = (uint32_t)(next_random(&seed) % (what & 2 ? TORN + 1 : UINT32_MAX));
            if (what & 1 && what & 4)
                qsort(start, mih.table[table].groups + 1, sizeof *start, ascending);
            for (size_t p = 0; what & 8 && p < TORN; p++)
                tags[p] = (uint16_t)next_random(&seed);
            for (size_t p = 0; what & 16 && p < TORN; p++) {
                const uint32_t item = (uint32_t)(next_random(&seed) % (what & 32 ? TORN : 1 << 24));
                items[3 * p] = (uint8_t)item;
                items[3 * p + 1] = (uint8_t)(item >> 8);
                items[3 * p + 2] = (uint8_t)(item >> 16);
            }
        }
        if (what & 64)
            t.mih.tag_bits = 8 + (unsigned)(what >> 8) % 9;
        for (size_t l = 0; l < COUNT_OF(levels); l++)
            for (unsigned r = 0; hk__cpu_can(levels[l].simd) && r < RADII; r += 3) {
                const hk_status status =
                    search(levels[l].kernels, &t.mih, &hashes[what >> 20 & 255], radii[r]);
                assert_true(status == HK_OK || status == HK_ERR_FORMAT);
                answers += status == HK_OK;
                refused += status != HK_OK;
            }
        clear(&t);
    }
    assert_true(answers > 50 && refused > 50);
    hk__mih_clear(&mih);
    free(hashes);
}

/* ---- planted faults: the comparison can fail ------------------------------------------------ */

static void planted_faults_are_found(void **state)
{
    (void)state;
    hk_hash *hashes = some_hashes(13);
    hk__mih mih = built(hashes, TORN, 16, 9);
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        if (!hk__cpu_can(levels[l].simd))
            continue;
        const hk__mih_kernels *kernels = levels[l].kernels;
        for (uint32_t item = 0; item < 60; item++) {
            torn t;
            target all;
            tear(&t, &mih);
            measure(&all, &hashes[item], hashes, TORN);
            assert_true(agrees(kernels, &t.mih, &all, 0));
            /* Of an exact copy only the first table tells: a bit of its tag changed, */
            const size_t place = place_of(&mih, 0, item), other = place_of(&mih, 0, item + 1);
            uint16_t *tags = t.tags[0].at;
            tags[place] ^= (uint16_t)(1 << item % 16);
            assert_false(agrees(kernels, &t.mih, &all, 0));
            tags[place] ^= (uint16_t)(1 << item % 16);
            assert_true(agrees(kernels, &t.mih, &all, 0));
            /* two items swapped, */
            uint8_t *items = t.items[0].at, swap[3];
            memcpy(swap, items + 3 * place, 3);
            memcpy(items + 3 * place, items + 3 * other, 3);
            memcpy(items + 3 * other, swap, 3);
            assert_int_equal(agrees(kernels, &t.mih, &all, 0),
                             !memcmp(&hashes[item], &hashes[item + 1], sizeof *hashes));
            memcpy(items + 3 * other, items + 3 * place, 3);
            memcpy(items + 3 * place, swap, 3);
            /* its group made empty, */
            uint32_t *start = t.start[0].at;
            const uint32_t group = hk__mih_group(&mih.table[0].slot, &hashes[item]);
            const uint32_t first = start[group];
            start[group] = start[group + 1];
            assert_false(agrees(kernels, &t.mih, &all, 0));
            start[group] = first;
            /* and a count that is off by one. */
            all.within[256]++;
            assert_true(agrees(kernels, &t.mih, &all, 0));
            assert_false(agrees(kernels, &t.mih, &all, 256));
            clear(&t);
        }
    }
    hk__mih_clear(&mih);
    free(hashes);
}

/* An item that lies twice in a group is offered twice, which the oracle sees. */
static void items_offered_twice_are_seen(void **state)
{
    (void)state;
    hk_hash hashes[2];
    uint64_t seed = 14;
    hashes[0] = hashes[1] = random_hash(&seed);
    hk__mih mih = built(hashes, 2, 8, 8);
    torn t;
    target all;
    tear(&t, &mih);
    measure(&all, &hashes[0], hashes, 2);
    assert_true(agrees(&hk__mih_scalar, &t.mih, &all, 5));
    for (unsigned table = 0; table < 8; table++)
        memset(t.items[table].at, 0, 6);
    assert_false(agrees(&hk__mih_scalar, &t.mih, &all, 5));
    clear(&t);
    hk__mih_clear(&mih);
}

/* ---- allocations ---------------------------------------------------------------------------- */

static void building_survives_every_failing_allocation(void **state)
{
    (void)state;
    hk_hash *hashes = some_hashes(15);
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        hk__mih mih = {.tables = 77};
        FAIL_EVERY_ALLOCATION(hk__mih_build(&mih, hashes, TORN, 11, 10, threads, NULL),
                              mih.tables == 77);
        check_tables(&mih);
        hk__mih_clear(&mih);
    }
    free(hashes);
}

static hk_status search_all(const hk__mih_kernels *kernels, const hk__mih *mih, size_t *found)
{
    const hk__mih_query q = {mih->hashes[0], HK_HASH_BITS, UINT64_MAX};
    hk__sieve sieve;
    bool gave_up;
    hk__sieve_start(&sieve, HK_HASH_BITS, 0);
    const hk_status status = kernels->within(&sieve, &gave_up, mih, &q, room, NULL);
    if (!status)
        *found = sieve.count;
    hk__sieve_clear(&sieve);
    return status;
}

static void searches_survive_every_failing_allocation(void **state)
{
    (void)state;
    hk_hash *hashes = some_hashes(16);
    hk__mih mih = built(hashes, TORN, 11, 10);
    for (size_t l = 0; l < COUNT_OF(levels); l++)
        if (hk__cpu_can(levels[l].simd)) {
            size_t found = 77;
            FAIL_EVERY_ALLOCATION(search_all(levels[l].kernels, &mih, &found), found == 77);
            assert_int_equal(found, TORN);
        }
    hk__mih_clear(&mih);
    free(hashes);
}

static int set_up(void **state)
{
    (void)state;
    room = hk__mih_room_new();
    return !room;
}

static int tear_down(void **state)
{
    (void)state;
    hk__free(room);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_the_bits_of_the_masks),
        cmocka_unit_test(tables_hold_every_hash_in_its_place),
        cmocka_unit_test(positions_leave_tags_their_bits),
        cmocka_unit_test(planted_copies_are_found),
        cmocka_unit_test(few_hashes_are_found),
        cmocka_unit_test(many_hashes_are_found),
        cmocka_unit_test(the_nearest_are_kept_in_any_order),
        cmocka_unit_test(impatient_searches_say_so),
        cmocka_unit_test(positions_over_24_bits_are_found),
        cmocka_unit_test(more_than_24_bits_of_hashes_are_built),
        cmocka_unit_test(sound_tables_are_read_to_their_edges_only),
        cmocka_unit_test(contradicting_tables_are_refused),
        cmocka_unit_test(noise_in_tables_does_no_harm),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test(items_offered_twice_are_seen),
        cmocka_unit_test(building_survives_every_failing_allocation),
        cmocka_unit_test(searches_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("mih", tests, set_up, tear_down);
}
