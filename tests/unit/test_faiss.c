/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_faiss.c - FAISS' indexes against a naive oracle: what is marked exact must be that, and what
 * is not must find nothing false.
 */
#include "faiss_unit.h"

#include "index/faiss_spec.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- exact indexes ------------------------------------------------------------------------- */

/* Radii at which the number of look-ups still allows for a quick test, -1 at their end. */
typedef struct exact_case {
    const char *spec;
    int radii[8];
} exact_case;

static const exact_case exact_cases[] = {
    {"BFlat", {0, 15, 31, 47, 128, 255, 256, -1}},
    {"BHash16x16", {0, 15, 31, 47, 63, 64, -1}},
    {"BHash24", {0, 1, 3, -1}},
    {"BHash10", {0, 15, 31, 47, 256, -1}},
    {"BHash1x10", {0, 15, 47, -1}},
    {"BHash5x51", {0, 4, 9, -1}}, /* keys that begin within a byte */
    {"BHash4x63", {0, 3, 7, -1}},
    {"BHash31x8", {0, 31, 47, 256, -1}},
    {"BHash16x16:nflip=3", {0, 31, 63, -1}},
    {"BIVF16:nprobe=16", {0, 15, 31, 47, 256, -1}},
};

static void exact_indexes_equal_the_oracle(void **state)
{
    (void)state;
    static const size_t counts[] = {16, 17, 500, ITEMS};
    for (size_t n = 0; n < COUNT_OF(counts); n++) {
        hk_hash queries[QUERIES];
        hk_hash *items = population(queries, counts[n], n + 1);
        for (size_t c = 0; c < COUNT_OF(exact_cases); c++) {
            hk__faiss *faiss = built(exact_cases[c].spec, items, counts[n]);
            assert_int_equal(hk__faiss_count(faiss), counts[n]);
            assert_true(hk__faiss_bytes(faiss) >= counts[n] * sizeof(hk_hash));
            for (const int *radius = exact_cases[c].radii; *radius >= 0; radius++) {
                assert_true(hk__faiss_is_exact(faiss, (unsigned)*radius));
                const int same =
                    agrees(faiss, items, counts[n], queries, QUERIES, (unsigned)*radius);
                if (!same)
                    print_error("%s, %zu hashes, radius %d\n", exact_cases[c].spec, counts[n],
                                *radius);
                assert_true(same);
            }
            hk__faiss_free(faiss);
        }
        free(items);
    }
    hk__faiss_free(NULL);
}

/* As many keys as there can be: every bit of each is changed. */
static void the_widest_radius_finds_all(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 300, 7);
    hk__faiss *faiss = built("BHash16x16", items, 300);
    assert_true(agrees(faiss, items, 300, queries, 2, 256));
    hk__faiss_free(faiss);
    free(items);
}

/* FAISS reads a key of a MultiHash with what follows it: hashes at the very end of the memory that
 * may be read show whether it is kept from that. */
static void nothing_is_read_beyond_the_hashes(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), count = page / sizeof(hk_hash);
    uint8_t *memory =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    hk_hash *items = (hk_hash *)memory, queries[QUERIES];
    hk_hash *some = population(queries, count, 37);
    memcpy(items, some, page);
    free(some);
    for (size_t c = 0; c < COUNT_OF(exact_cases); c++) {
        hk__faiss *faiss = built(exact_cases[c].spec, items, count);
        assert_true(agrees(faiss, items, count, items, count, 3));
        hk__faiss_free(faiss);
    }
    munmap(memory, 2 * page);
}

static void few_hashes_and_no_query_are_no_trouble(void **state)
{
    (void)state;
    static const char *const specs[] = {"BFlat", "BHash16x16", "BHash12", "BHNSW8"};
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 2, 9);
    for (size_t s = 0; s < COUNT_OF(specs); s++)
        for (size_t count = 0; count <= 2; count++) {
            hk__faiss *faiss = built(specs[s], items, count);
            assert_int_equal(hk__faiss_count(faiss), count);
            assert_true(agrees(faiss, items, count, queries, QUERIES, 31));
            assert_true(agrees(faiss, items, count, queries, 0, 31));
            hk__faiss_free(faiss);
        }
    free(items);
}

static void planted_faults_are_found(void **state)
{
    (void)state;
    static const char *const specs[] = {"BFlat", "BHash16x16", "BHash10", "BIVF16:nprobe=16"};
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, ITEMS, 11), *changed = malloc(ITEMS * sizeof *changed);
    hk_hits expected = naive(items, ITEMS, queries, QUERIES, 31);
    assert_true(expected.count > QUERIES);
    memcpy(changed, items, ITEMS * sizeof *items);
    flip_bit(&changed[expected.hit[3].item], 200);
    for (size_t s = 0; s < COUNT_OF(specs); s++) {
        hk__faiss *faiss = built(specs[s], items, ITEMS);
        assert_true(agrees(faiss, items, ITEMS, queries, QUERIES, 31));
        assert_false(agrees(faiss, changed, ITEMS, queries, QUERIES, 31));
        /* FAISS' own radius, which is strict, and an item too many. */
        hk_hits hits = {0};
        assert_int_equal(search(&hits, faiss, queries, QUERIES, 30, 0, NULL), HK_OK);
        assert_false(same_hits(&hits, &expected));
        free(hits.hit);
        assert_int_equal(search(&hits, faiss, queries, QUERIES, 31, 0, NULL), HK_OK);
        assert_true(same_hits(&hits, &expected));
        hits.hit[5].item++;
        assert_false(same_hits(&hits, &expected));
        free(hits.hit);
        hk__faiss_free(faiss);
    }
    free(expected.hit);
    free(changed);
    free(items);
}

/* ---- indexes that are not ------------------------------------------------------------------ */

static void what_is_not_complete_is_not_called_exact(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        unsigned radius;
        bool exact;
    } cases[] = {
        {"BIVF16", 0, false},
        {"BIVF16:nprobe=1", 0, false},
        {"BIVF16:nprobe=15", 31, false},
        {"BIVF1", 31, true},
        {"BIVF16_HNSW8:nprobe=16", 0, false},
        {"BHNSW16", 0, false},
        {"BHash16x16:nflip=1", 31, true},
        {"BHash16x16:nflip=1", 32, false},
        {"BHash16x16:nflip=0", 15, true},
        {"BHash16x16:nflip=0", 16, false},
        {"BHash24:nflip=3", 3, true},
        {"BHash24:nflip=3", 4, false},
        {"BHash24", 256, true},
    };
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 100, 13);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        hk__faiss *faiss = built(cases[c].spec, items, 100);
        assert_int_equal(hk__faiss_is_exact(faiss, cases[c].radius), cases[c].exact);
        hk__faiss_free(faiss);
    }
    free(items);
}

/* What they find is true, and most of it is found. */
static void approximate_indexes_find_nothing_false(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        double recall;
    } cases[] = {
        {"BIVF16", .4},  {"BIVF16:nprobe=8", .8},    {"BIVF16_HNSW8:nprobe=8", .8},
        {"BHNSW16", .9}, {"BHash16x16:nflip=0", .5}, {"BHash24:nflip=2", .3},
    };
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, ITEMS, 15);
    hk_hits expected = naive(items, ITEMS, queries, QUERIES, 47);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        hk__faiss *faiss = built(cases[c].spec, items, ITEMS);
        hk_hits hits = {0};
        assert_int_equal(search(&hits, faiss, queries, QUERIES, 47, 0, NULL), HK_OK);
        for (size_t i = 0; i < hits.count; i++) {
            const hk_hit *hit = &hits.hit[i];
            assert_true(i == 0 || by_query(&hits.hit[i - 1], hit) < 0);
            assert_int_equal(hit->distance,
                             hk_hash_distance(&items[hit->item], &queries[hit->query]));
            assert_true(hit->distance <= 47);
        }
        if ((double)hits.count < cases[c].recall * (double)expected.count)
            fail_msg("%s finds %zu of %zu", cases[c].spec, hits.count, expected.count);
        free(hits.hit);
        hk__faiss_free(faiss);
    }
    free(expected.hit);
    free(items);
}

static void hnsw_gives_no_more_than_k(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 500, 17);
    hk__faiss *faiss = built("BHNSW16", items, 500);
    static const size_t ks[] = {1, 3, 499, 500, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(ks); i++) {
        hk_hits hits = {0};
        assert_int_equal(search(&hits, faiss, queries, QUERIES, 256, ks[i], NULL), HK_OK);
        assert_true(hits.count <= QUERIES * (ks[i] < 500 ? ks[i] : 500));
        assert_true(hits.count > 0);
        free(hits.hit);
    }
    hk__faiss_free(faiss);
    free(items);
}

/* FAISS would warn on stderr of few hashes a list. */
static void training_says_nothing(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 100, 19);
    FILE *said = tmpfile();
    fflush(NULL);
    const int out = dup(1), err = dup(2);
    dup2(fileno(said), 1);
    dup2(fileno(said), 2);
    hk__faiss *faiss = NULL;
    const hk_status status = hk__faiss_build(&faiss, FAISS_MODULE, "BIVF64", items, 100, NULL);
    fflush(NULL);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    assert_int_equal(status, HK_OK);
    struct stat about;
    fstat(fileno(said), &about);
    assert_int_equal(about.st_size, 0);
    fclose(said);
    hk__faiss_free(faiss);
    free(items);
}

/* ---- what is asked for --------------------------------------------------------------------- */

static void malformed_specs_are_refused(void **state)
{
    (void)state;
    static const char bad[] =
        "|bflat|BFlat | BFlat|BFlat16|Flat|B|BIVF|BIVF0|BIVF-1|BIVF1048577|"
        "BIVF99999999|BIVF99999999999999999999|BIVF16x|BIVF16_HNSW|BIVF16_HNSW1|"
        "BIVF16_HNSW257|BIVF16_|BHNSW|BHNSW0|BHNSW1|BHNSW257|BHNSW32,Flat|BHash|"
        "BHash0|BHash64|BHash0x16|BHash16x0|BHash16x17|BHash257x1|BHash4x64|"
        "BHash16x|BHash16x16x16|BHash+16|BHash 16|BFlat:|BFlat:nflip|BFlat:nflip=|"
        "BFlat:nflip=1|BFlat:nprobe=1|BHash16x16:nprobe=2|BHash16x16:nflip=17|"
        "BHash16x16:nflip=-1|BHash16x16:nflip=1:nflip=1|BHash16x16:nflip=1:|"
        "BHash16x16:NFLIP=1|BHash16x16:nflip=1 |BHash16x16nflip=1|BIVF16:nflip=1|"
        "BIVF16:nprobe=0|BIVF16:nprobe=17|BIVF16:nprobe=16:nprobe=16|"
        "BIVF16:nprobe=99999999|BHNSW8:nprobe=1|faiss:BFlat|IDMap,BFlat|BFlat\n|"
        "BIVF16:nprobe=\xff";
    const hk_hash item = {{0}};
    hk__faiss *faiss = UNTOUCHED;
    hk_error err;
    for (const char *at = bad, *end; at; at = *end ? end + 1 : NULL) {
        char spec[64] = {0};
        end = strchrnul(at, '|');
        memcpy(spec, at, (size_t)(end - at));
        err = (hk_error){0};
        const hk_status status = hk__faiss_build(&faiss, FAISS_MODULE, spec, &item, 1, &err);
        if (status != HK_ERR_USAGE)
            print_error("\"%s\"\n", spec);
        assert_int_equal(status, HK_ERR_USAGE);
        assert_true(strlen(err.message) > 20);
    }
    char *longest = calloc(100001, 1);
    memset(longest, 'B', 100000);
    assert_int_equal(hk__faiss_build(&faiss, FAISS_MODULE, longest, &item, 1, &err), HK_ERR_USAGE);
    memset(longest, '9', 100000);
    memcpy(longest, "BHash", 5);
    assert_int_equal(hk__faiss_build(&faiss, FAISS_MODULE, longest, &item, 1, &err), HK_ERR_USAGE);
    free(longest);
    assert_int_equal(hk__faiss_build(&faiss, FAISS_MODULE, NULL, &item, 1, &err), HK_ERR_USAGE);
    assert_ptr_equal(faiss, UNTOUCHED);
}

static void a_spec_says_the_same_when_written_out(void **state)
{
    (void)state;
    static const char *const good[] = {"BFlat",      "BIVF1",      "BIVF1048576", "BIVF1024_HNSW32",
                                       "BHNSW2",     "BHNSW256",   "BHash1",      "BHash63",
                                       "BHash16x16", "BHash256x1", "BHash1x63"};
    for (size_t s = 0; s < COUNT_OF(good); s++) {
        hk__faiss_spec spec;
        char text[HK__FAISS_FACTORY_SIZE];
        assert_int_equal(hk__faiss_spec_parse(&spec, good[s], NULL), HK_OK);
        hk__faiss_factory(text, &spec.shape);
        assert_string_equal(text, good[s]);
    }
}

static void limits_are_named(void **state)
{
    (void)state;
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 15, 31);
    hk__faiss *faiss = UNTOUCHED;
    hk_error err;
    assert_int_equal(hk__faiss_build(&faiss, FAISS_MODULE, "BIVF16", items, 15, &err),
                     HK_ERR_USAGE);
    assert_int_equal(hk__faiss_build(&faiss, FAISS_MODULE, "BIVF1", items, 0, &err), HK_ERR_USAGE);
    assert_int_equal(
        hk__faiss_build(&faiss, FAISS_MODULE, "BFlat", items, (size_t)UINT32_MAX + 1, &err),
        HK_ERR_LIMIT);
    assert_int_equal(
        hk__faiss_build(&faiss, FAISS_MODULE, "BHNSW8", items, (size_t)INT32_MAX + 1, &err),
        HK_ERR_LIMIT);
    assert_ptr_equal(faiss, UNTOUCHED);
    faiss = built("BFlat", items, 15);
    hk_hits hits = {0};
    assert_int_equal(search(&hits, faiss, queries, 1, 257, 0, &err), HK_ERR_USAGE);
    hk__faiss_free(faiss);
    free(items);
}

/* ---- threads ------------------------------------------------------------------------------- */

typedef struct searcher {
    pthread_t thread;
    const hk__faiss *faiss;
    const hk_hash *items, *queries;
    unsigned radius;
    int wrong;
} searcher;

static void *keep_searching(void *context)
{
    searcher *me = context;
    for (int round = 0; round < 60; round++) {
        hk_hits hits = {0}, expected = naive(me->items, 1000, me->queries, QUERIES, me->radius);
        me->wrong += search(&hits, me->faiss, me->queries, QUERIES, me->radius, 0, NULL) ||
                     !same_hits(&hits, &expected);
        free(hits.hit);
        free(expected.hit);
    }
    return NULL;
}

static void threads_with_different_radii_do_not_disturb_each_other(void **state)
{
    (void)state;
    static const char *const specs[] = {"BHash16x16", "BHash10", "BFlat", "BIVF16:nprobe=16"};
    static const unsigned radii[] = {5, 47, 31, 0};
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 1000, 35);
    for (size_t s = 0; s < COUNT_OF(specs); s++) {
        hk__faiss *faiss = built(specs[s], items, 1000);
        searcher searchers[COUNT_OF(radii)];
        for (size_t i = 0; i < COUNT_OF(radii); i++) {
            searchers[i] = (searcher){0, faiss, items, queries, radii[i], 0};
            assert_int_equal(
                pthread_create(&searchers[i].thread, NULL, keep_searching, &searchers[i]), 0);
        }
        for (size_t i = 0; i < COUNT_OF(radii); i++) {
            pthread_join(searchers[i].thread, NULL);
            assert_int_equal(searchers[i].wrong, 0);
        }
        hk__faiss_free(faiss);
    }
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_indexes_equal_the_oracle),
        cmocka_unit_test(the_widest_radius_finds_all),
        cmocka_unit_test(nothing_is_read_beyond_the_hashes),
        cmocka_unit_test(few_hashes_and_no_query_are_no_trouble),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test(what_is_not_complete_is_not_called_exact),
        cmocka_unit_test(approximate_indexes_find_nothing_false),
        cmocka_unit_test(hnsw_gives_no_more_than_k),
        cmocka_unit_test(training_says_nothing),
        cmocka_unit_test(malformed_specs_are_refused),
        cmocka_unit_test(a_spec_says_the_same_when_written_out),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(threads_with_different_radii_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("faiss", tests, NULL, NULL);
}
