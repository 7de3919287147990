/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mih.c - multi-index hashing against measuring every distance: each hash within the radius is
 * offered once with its distance, whatever the tables, the instruction set and the population.
 */
#include "fence.h"
#include "mih_unit.h"

#include <sys/mman.h>

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
    };
    return cmocka_run_group_tests_name("mih", tests, set_up, tear_down);
}
