/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mih_damage.c - multi-index hashing over tables that contradict themselves, without memory,
 * and with planted faults, which the comparison must see.
 */
#include "fence.h"
#include "mih_unit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_tables_are_read_to_their_edges_only),
        cmocka_unit_test(contradicting_tables_are_refused),
        cmocka_unit_test(noise_in_tables_does_no_harm),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test(items_offered_twice_are_seen),
        cmocka_unit_test(building_survives_every_failing_allocation),
        cmocka_unit_test(searches_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("mih_damage", tests, set_up, tear_down);
}
