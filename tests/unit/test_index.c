/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_index.c - exact search against a naive oracle that measures every distance and sorts, and
 * the table of digests against looking at each one.
 */
#include "unit.h"

#include "index/digests.h"

#include <stdlib.h>
#include <string.h>

enum { QUERIES = 12, MOST = 10000 };

static int by_distance(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static hk_hits naive(const hk_hash *items, size_t count, const hk_hash *queries, size_t query_count,
                     unsigned radius, size_t max_hits)
{
    hk_hits hits = {malloc((count * query_count + 1) * sizeof *hits.hit), 0, false, false};
    for (size_t q = 0; q < query_count; q++) {
        hk_hit *mine = hits.hit + hits.count;
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            const unsigned distance = hk_hash_distance(&items[i], &queries[q]);
            if (distance <= radius)
                mine[n++] = (hk_hit){(uint32_t)q, (uint32_t)i, distance};
        }
        qsort(mine, n, sizeof *mine, by_distance);
        if (max_hits && n > max_hits) {
            n = max_hits;
            hits.truncated = true;
        }
        hits.count += n;
    }
    return hits;
}

static int same_hits(const hk_hits *a, const hk_hits *b)
{
    return a->count == b->count && a->truncated == b->truncated &&
           (a->count == 0 || !memcmp(a->hit, b->hit, a->count * sizeof *a->hit));
}

/* Clusters around a few centres with every distance in them, duplicates, and strangers. */
static hk_hash *population(hk_hash queries[QUERIES], size_t count, uint64_t seed)
{
    hk_hash *items = malloc((count + 1) * sizeof *items);
    for (int q = 0; q < QUERIES; q++)
        queries[q] = random_hash(&seed);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        const hk_hash *centre = &queries[r % (QUERIES - 2)];
        items[i] = r >> 32 & 1        ? at_distance(centre, r >> 40 & 63, &seed)
                   : i && r >> 33 & 1 ? items[(r >> 40) % i]
                                      : random_hash(&seed);
    }
    return items;
}

static int within_agrees(const hk_hash *items, size_t count, const hk_hash *queries,
                         size_t query_count, unsigned radius, size_t max_hits)
{
    hk_index *index;
    hk_hits hits;
    assert_int_equal(hk_index_build(&index, items, count, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_count(index), count);
    assert_int_equal(hk_index_within(&hits, index, queries, query_count, radius, max_hits, NULL),
                     HK_OK);
    hk_hits expected = naive(items, count, queries, query_count, radius, max_hits);
    const int same = same_hits(&hits, &expected);
    free(expected.hit);
    hk_hits_free(&hits);
    assert_null(hits.hit);
    hk_index_free(index);
    return same;
}

static const size_t counts[] = {0, 1, 7, 4095, 4096, 4097, MOST};

/* ---- within -------------------------------------------------------------------------------- */

static void within_equals_the_oracle(void **state)
{
    (void)state;
    static const unsigned radii[] = {0, 1, 31, 64, 128, 256};
    static const size_t bounds[] = {0, 1, 2, 100, 3000, MOST};
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        hk_hash queries[QUERIES];
        hk_hash *items = population(queries, counts[c], c + 1);
        for (size_t r = 0; r < COUNT_OF(radii); r++)
            for (size_t b = 0; b < COUNT_OF(bounds); b++)
                assert_true(within_agrees(items, counts[c], queries, QUERIES, radii[r], bounds[b]));
        free(items);
    }
}

static void within_is_the_same_at_every_level(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 4500, 20);
    for (int level = HK_SIMD_SCALAR; level <= HK_SIMD_AVX512; level++)
        if (hk__cpu_can((hk_simd)level)) {
            assert_int_equal(hk_simd_use((hk_simd)level, NULL), HK_OK);
            assert_true(within_agrees(items, 4500, queries, QUERIES, 40, 0));
            assert_true(within_agrees(items, 4500, queries, QUERIES, 256, 50));
        }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
    free(items);
}

static void within_takes_no_query_and_many(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 500, 21), *many = malloc(700 * sizeof *many);
    for (size_t i = 0; i < 700; i++)
        many[i] = i < 500 ? items[i] : queries[i % QUERIES];
    assert_true(within_agrees(items, 500, many, 0, 256, 0));
    assert_true(within_agrees(items, 500, many, 700, 31, 0));
    assert_true(within_agrees(items, 500, many, 700, 31, 3));
    free(many);
    free(items);
}

/* A bound that nothing reaches is no bound, however large a number says so. */
static void within_takes_any_bound(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 5000, 22);
    const size_t bounds[] = {
        5000, UINT32_MAX, SIZE_MAX / 2, SIZE_MAX - 1024, SIZE_MAX - 1023, SIZE_MAX - 1, SIZE_MAX};
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        const int same = within_agrees(items, 5000, queries, QUERIES, 256, bounds[b]);
        if (!same)
            print_error("max_hits %zu\n", bounds[b]);
        assert_true(same);
    }
    free(items);
}

/* Item by item nearer: the worst order for a search that keeps the nearest. */
static void within_is_exact_when_items_come_nearer_and_nearer(void **state)
{
    (void)state;
    uint64_t seed = 23;
    const hk_hash query = random_hash(&seed);
    hk_hash *items = malloc(MOST * sizeof *items);
    for (int falling = 0; falling < 2; falling++) {
        for (size_t i = 0; i < MOST; i++) {
            const unsigned step = (unsigned)(i * 257 / MOST);
            items[i] = at_distance(&query, falling ? 256 - step : step, &seed);
        }
        for (size_t bound = 1; bound < MOST; bound = bound * 3 + 1)
            assert_true(within_agrees(items, MOST, &query, 1, 256, bound));
    }
    free(items);
}

static void within_of_equal_hashes_gives_the_first_ones(void **state)
{
    (void)state;
    enum { EQUAL = 9000, BOUND = 100 };
    uint64_t seed = 24;
    const hk_hash all = random_hash(&seed);
    hk_hash *items = malloc(EQUAL * sizeof *items);
    for (size_t i = 0; i < EQUAL; i++)
        items[i] = all;
    for (unsigned distance = 0; distance < 40; distance += 13) {
        const hk_hash query = at_distance(&all, distance, &seed);
        hk_index *index;
        hk_hits hits;
        assert_int_equal(hk_index_build(&index, items, EQUAL, NULL, NULL), HK_OK);
        assert_int_equal(hk_index_within(&hits, index, &query, 1, 39, BOUND, NULL), HK_OK);
        assert_int_equal(hits.count, BOUND);
        assert_true(hits.truncated);
        for (uint32_t i = 0; i < BOUND; i++) {
            assert_int_equal(hits.hit[i].item, i);
            assert_int_equal(hits.hit[i].distance, distance);
        }
        hk_hits_free(&hits);
        hk_index_free(index);
        assert_true(within_agrees(items, EQUAL, &query, 1, 39, 0));
        /* Exactly as many as the bound: nothing was cut. */
        assert_true(within_agrees(items, BOUND, &query, 1, 39, BOUND));
        assert_true(within_agrees(items, BOUND + 1, &query, 1, 39, BOUND));
    }
    free(items);
}

static void within_refuses_a_radius_over_256(void **state)
{
    (void)state;
    const hk_hash hash = {{0}};
    hk_index *index;
    hk_hits hits = {UNTOUCHED, 77, true, true};
    hk_error err;
    assert_int_equal(hk_index_build(&index, &hash, 1, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_within(&hits, index, &hash, 1, 257, 0, &err), HK_ERR_USAGE);
    assert_int_equal(hk_index_nearest(&hits, index, &hash, 1, 0, &err), HK_ERR_USAGE);
    assert_ptr_equal(hits.hit, UNTOUCHED);
    assert_int_equal(hits.count, 77);
    hk_index_free(index);
    hk_index_free(NULL);
    hk_hits_free(NULL);
}

static void index_keeps_its_own_copy(void **state)
{
    (void)state;
    uint64_t seed = 25;
    hk_hash item = random_hash(&seed);
    const hk_hash query = item;
    hk_index *index;
    hk_hits hits;
    assert_int_equal(hk_index_build(&index, &item, 1, NULL, NULL), HK_OK);
    memset(&item, 0, sizeof item);
    assert_int_equal(hk_index_within(&hits, index, &query, 1, 0, 0, NULL), HK_OK);
    assert_int_equal(hits.count, 1);
    hk_hits_free(&hits);
    hk_index_free(index);
}

/* ---- nearest ------------------------------------------------------------------------------- */

static void nearest_equals_the_oracle(void **state)
{
    (void)state;
    const size_t ks[] = {1, 2, 10, 1000, 5000, MOST + 1};
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        hk_hash queries[QUERIES];
        hk_hash *items = population(queries, counts[c], c + 31);
        hk_index *index;
        assert_int_equal(hk_index_build(&index, items, counts[c], NULL, NULL), HK_OK);
        for (size_t k = 0; k < COUNT_OF(ks); k++) {
            hk_hits hits;
            assert_int_equal(hk_index_nearest(&hits, index, queries, QUERIES, ks[k], NULL), HK_OK);
            hk_hits expected = naive(items, counts[c], queries, QUERIES, 256, ks[k]);
            expected.truncated = false;
            assert_true(same_hits(&hits, &expected));
            free(expected.hit);
            hk_hits_free(&hits);
        }
        hk_index_free(index);
        free(items);
    }
}

static void nearest_takes_any_k(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 3000, 41);
    hk_index *index;
    hk_hits hits;
    assert_int_equal(hk_index_build(&index, items, 3000, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_nearest(&hits, index, queries, QUERIES, SIZE_MAX, NULL), HK_OK);
    assert_int_equal(hits.count, QUERIES * 3000);
    hk_hits_free(&hits);
    hk_index_free(index);
    free(items);
}

/* ---- planted faults: the comparison can fail ------------------------------------------------ */

static void planted_faults_are_found(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 2000, 51), *changed = malloc(2000 * sizeof *changed);
    hk_index *index;
    hk_hits hits, expected = naive(items, 2000, queries, QUERIES, 31, 40);
    assert_true(expected.count > QUERIES && expected.truncated);

    /* One bit of one stored hash. */
    memcpy(changed, items, 2000 * sizeof *items);
    flip_bit(&changed[expected.hit[3].item], 200);
    assert_int_equal(hk_index_build(&index, changed, 2000, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_within(&hits, index, queries, QUERIES, 31, 40, NULL), HK_OK);
    assert_false(same_hits(&hits, &expected));
    hk_hits_free(&hits);
    hk_index_free(index);

    /* A strict radius, a bound off by one, a lost tie, a wrong flag. */
    assert_int_equal(hk_index_build(&index, items, 2000, NULL, NULL), HK_OK);
    hk_hits all = naive(items, 2000, queries, QUERIES, 31, 0);
    assert_int_equal(hk_index_within(&hits, index, queries, QUERIES, 30, 0, NULL), HK_OK);
    assert_false(same_hits(&hits, &all));
    hk_hits_free(&hits);
    assert_int_equal(hk_index_within(&hits, index, queries, QUERIES, 31, 41, NULL), HK_OK);
    assert_false(same_hits(&hits, &expected));
    hk_hits_free(&hits);
    assert_int_equal(hk_index_within(&hits, index, queries, QUERIES, 31, 40, NULL), HK_OK);
    assert_true(same_hits(&hits, &expected));
    hits.hit[5].item++;
    assert_false(same_hits(&hits, &expected));
    hits.hit[5].item--;
    hits.truncated = false;
    assert_false(same_hits(&hits, &expected));
    hk_hits_free(&hits);
    hk_index_free(index);
    free(all.hit);
    free(expected.hit);
    free(changed);
    free(items);
}

/* ---- allocations --------------------------------------------------------------------------- */

static void search_survives_every_failing_allocation(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 5000, 61);
    hk_index *index = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_index_build(&index, items, 5000, NULL, NULL), index == UNTOUCHED);
    static const size_t bounds[] = {0, 10};
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        hk_hits hits = {UNTOUCHED, 77, true, true};
        FAIL_EVERY_ALLOCATION(hk_index_within(&hits, index, queries, QUERIES, 256, bounds[b], NULL),
                              hits.hit == UNTOUCHED && hits.count == 77 && hits.truncated);
        hk_hits expected = naive(items, 5000, queries, QUERIES, 256, bounds[b]);
        assert_true(same_hits(&hits, &expected));
        free(expected.hit);
        hk_hits_free(&hits);
    }
    hk_hits hits = {UNTOUCHED, 77, true, true};
    FAIL_EVERY_ALLOCATION(hk_index_nearest(&hits, index, queries, QUERIES, 3, NULL),
                          hits.hit == UNTOUCHED && hits.count == 77 && hits.truncated);
    assert_int_equal(hits.count, 3 * QUERIES);
    hk_hits_free(&hits);
    hk_index_free(index);
    free(items);
}

/* ---- digests ------------------------------------------------------------------------------- */

enum { DIGESTS = 3000 };

/* Digests of which many are repeated and many share their first bytes. */
static uint8_t *some_digests(uint32_t *items, size_t size, uint64_t seed)
{
    uint8_t *digests = calloc(DIGESTS, size);
    for (size_t i = 0; i < DIGESTS; i++) {
        const uint64_t r = next_random(&seed);
        items[i] = (uint32_t)(r >> 20);
        if (i && r % 3 == 0) {
            memcpy(digests + i * size, digests + (r >> 8) % i * size, size);
            continue;
        }
        for (size_t k = r % 3 == 1 ? size - 2 : 0; k < size; k++)
            digests[i * size + k] = (uint8_t)next_random(&seed);
    }
    return digests;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void digests_are_found_with_all_their_items(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 20, 32};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        const size_t size = sizes[s];
        uint32_t items[DIGESTS], expected[DIGESTS];
        uint8_t *digests = some_digests(items, size, s + 71);
        hk__digest_table *table;
        assert_int_equal(hk__digest_table_new(&table, size, digests, items, DIGESTS, NULL), HK_OK);
        size_t repeated = 0;
        for (size_t i = 0; i < DIGESTS; i++) {
            size_t n = 0, count = 0;
            for (size_t j = 0; j < DIGESTS; j++)
                if (!memcmp(digests + i * size, digests + j * size, size))
                    expected[n++] = items[j];
            qsort(expected, n, sizeof *expected, ascending);
            const uint32_t *found;
            assert_int_equal(hk__digest_table_find(&found, &count, table, digests + i * size, NULL),
                             HK_OK);
            assert_int_equal(count, n);
            assert_memory_equal(found, expected, n * sizeof *expected);
            repeated += n > 1;
        }
        assert_true(repeated > 100);
        hk__digest_table_free(table);
        free(digests);
    }
}

static void digests_that_are_absent_are_not_found(void **state)
{
    (void)state;
    static const size_t sizes[] = {16, 20, 32};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        const size_t size = sizes[s];
        uint32_t items[DIGESTS];
        uint8_t *digests = some_digests(items, size, s + 81), wanted[32];
        hk__digest_table *table;
        assert_int_equal(hk__digest_table_new(&table, size, digests, items, DIGESTS, NULL), HK_OK);
        for (size_t i = 0; i < 600; i++) {
            /* One bit beside a digest of the table; all zeros and all ones at the ends. */
            size_t count = 77, there = 0;
            memcpy(wanted, digests + i * size, size);
            wanted[i % size] ^= (uint8_t)(1 << i % 8);
            if (i < 2)
                memset(wanted, i ? 0xff : 0, size);
            for (size_t j = 0; j < DIGESTS; j++)
                there += !memcmp(wanted, digests + j * size, size);
            const uint32_t *found;
            assert_int_equal(hk__digest_table_find(&found, &count, table, wanted, NULL), HK_OK);
            assert_int_equal(count, there);
            assert_int_equal(found != NULL, there != 0);
        }
        hk__digest_table_free(table);
        assert_int_equal(hk__digest_table_new(&table, size, digests, items, 0, NULL), HK_OK);
        size_t count = 77;
        const uint32_t *found;
        assert_int_equal(hk__digest_table_find(&found, &count, table, digests, NULL), HK_OK);
        assert_null(found);
        assert_int_equal(count, 0);
        hk__digest_table_free(table);
        free(digests);
    }
    hk__digest_table_free(NULL);
}

static void digests_survive_every_failing_allocation(void **state)
{
    (void)state;
    uint32_t items[DIGESTS];
    uint8_t *digests = some_digests(items, 20, 91);
    hk__digest_table *table = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk__digest_table_new(&table, 20, digests, items, DIGESTS, NULL),
                          table == UNTOUCHED);
    hk__digest_table_free(table);
    free(digests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_equals_the_oracle),
        cmocka_unit_test(within_is_the_same_at_every_level),
        cmocka_unit_test(within_takes_no_query_and_many),
        cmocka_unit_test(within_is_exact_when_items_come_nearer_and_nearer),
        cmocka_unit_test(within_of_equal_hashes_gives_the_first_ones),
        cmocka_unit_test(within_refuses_a_radius_over_256),
        cmocka_unit_test(index_keeps_its_own_copy),
        cmocka_unit_test(nearest_equals_the_oracle),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test(search_survives_every_failing_allocation),
        cmocka_unit_test(digests_are_found_with_all_their_items),
        cmocka_unit_test(digests_that_are_absent_are_not_found),
        cmocka_unit_test(digests_survive_every_failing_allocation),
        cmocka_unit_test(nearest_takes_any_k),
        cmocka_unit_test(within_takes_any_bound),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
