/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_query.c - asking without a file: the rules are those of files, many queries at once give
 * what each gives alone, and what is not known of a query is never taken to be harmless.
 */
#include "match_unit.h"

#include <pthread.h>

static hk_query of_hashes(const hk_hash *hashes, size_t count)
{
    hk_query query = HK_QUERY_INIT;
    query.hashes = hashes;
    query.hash_count = count;
    return query;
}

static hk_answer ask(const hk_matcher *matcher, const hk_query *query)
{
    hk_answer answer;
    assert_int_equal(hk_matcher_check(&answer, matcher, query, 1, NULL), HK_OK);
    return answer;
}

static hk_verdict verdict_of(const hk_matcher *matcher, const hk_query *query)
{
    hk_answer answer = ask(matcher, query);
    const hk_verdict verdict = answer.verdict;
    assert_true((answer.reason != NULL) == (answer.verdict == HK_VERDICT_NOT_CHECKED ||
                                            answer.otherwise == HK_VERDICT_NOT_CHECKED));
    hk_answers_clear(&answer, 1);
    return verdict;
}

static void nearest_of_many_hashes_is_told(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const hk_hash known = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, "A-1", "hate");
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_distance = 31;
    hk_matcher *matcher = matcher_over(list, &options);
    hk_hash hashes[HK_QUERY_HASHES_MOST];
    for (size_t i = 0; i < COUNT_OF(hashes); i++)
        hashes[i] = healthy_hash(&seed);
    hk_query query = of_hashes(hashes, COUNT_OF(hashes));
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    hashes[77] = at_distance(&known, 20, &seed);
    hashes[78] = at_distance(&known, 8, &seed);
    hashes[90] = at_distance(&known, 9, &seed);
    hk_answer answer = ask(matcher, &query);
    assert_int_equal(answer.verdict, HK_VERDICT_NEAR);
    assert_int_equal(answer.otherwise, HK_VERDICT_NONE);
    assert_int_equal(answer.hit, 78);
    assert_int_equal(answer.match_count, 1);
    assert_int_equal(answer.matches[0].distance, 8);
    assert_string_equal(answer.matches[0].entry, "A-1");
    assert_int_equal(answer.matches[0].entry_number, 0); /* the list has no store */
    assert_string_equal(answer.matches[0].category, "hate");
    hk_answers_clear(&answer, 1);
    hashes[78] = inverse(&known); /* what is not among the hashes is not looked up */
    hashes[77] = hashes[90] = healthy_hash(&seed);
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* The table of match.h, by digests and hashes. */
static void known_and_known_good_decide_as_for_files(void **state)
{
    (void)state;
    uint64_t seed = 2;
    const hk_hash known = healthy_hash(&seed), good = healthy_hash(&seed);
    hk_list *lists[2] = {new_list("known"), new_list("good")};
    add_hash(lists[0], &known, "K", NULL);
    add_digests(lists[0], HK_DIGEST_MD5, 1, "KD");
    add_hash(lists[1], &good, "G", NULL);
    add_digests(lists[1], HK_DIGEST_MD5 | HK_DIGEST_SHA256, 2, "GD");
    hk_list_set_known_good(lists[1], true);
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_distance = 31;
    hk_matcher *matcher = matcher_over_all(lists, 2, &options);
    static const struct {
        int hash, digest; /* 0: a stranger's, 1: known, 2: known good; -1: none */
        hk_verdict verdict, otherwise;
        bool known_good, conflict;
    } rows[] = {
        {1, 0, HK_VERDICT_NEAR, HK_VERDICT_NONE, false, false},
        {1, 2, HK_VERDICT_NONE, HK_VERDICT_NONE, true, true},
        {2, 1, HK_VERDICT_EXACT, HK_VERDICT_EXACT, false, true},
        {2, 0, HK_VERDICT_NONE, HK_VERDICT_NONE, false, false},
        {0, 1, HK_VERDICT_EXACT, HK_VERDICT_EXACT, false, false},
        {0, 0, HK_VERDICT_NONE, HK_VERDICT_NONE, false, false},
        {-1, 0, HK_VERDICT_NONE, HK_VERDICT_NONE, false, false},
        {-1, 1, HK_VERDICT_EXACT, HK_VERDICT_EXACT, false, false},
        {-1, -1, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED, false, false},
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        const hk_hash hash = rows[r].hash == 1   ? at_distance(&known, 10, &seed)
                             : rows[r].hash == 2 ? at_distance(&good, 10, &seed)
                                                 : healthy_hash(&seed);
        hk_query query = of_hashes(&hash, rows[r].hash >= 0);
        if (rows[r].digest >= 0)
            query.digests = digests_of(HK_DIGEST_MD5, rows[r].digest ? (uint8_t)rows[r].digest : 9);
        hk_answer answer = ask(matcher, &query);
        assert_int_equal(answer.verdict, rows[r].verdict);
        assert_int_equal(answer.otherwise, rows[r].otherwise);
        assert_int_equal(answer.known_good, rows[r].known_good);
        assert_int_equal(answer.conflict, rows[r].conflict);
        hk_answers_clear(&answer, 1);
    }
    /* That a known-good list has SHA-256 says nothing of known images. */
    hk_query query = HK_QUERY_INIT;
    query.digests = digests_of(HK_DIGEST_SHA256, 9);
    hk_answer answer = ask(matcher, &query);
    assert_int_equal(answer.verdict, HK_VERDICT_NOT_CHECKED);
    assert_string_equal(answer.reason, "digests_not_listed");
    hk_answers_clear(&answer, 1);
    hk_matcher_free(matcher);
    hk_list_free(lists[0]);
    hk_list_free(lists[1]);
}

static void what_says_nothing_is_not_checked(void **state)
{
    (void)state;
    uint64_t seed = 3;
    const hk_hash known = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, "K", NULL);
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_distance = 31;
    hk_matcher *matcher = matcher_over(list, &options);
    hk_hash hash = healthy_hash(&seed);
    hk_query query = of_hashes(&hash, 1);
    query.quality = 49;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NOT_CHECKED);
    query.quality = 50;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    query.quality = HK_NO_QUALITY;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    hash = (hk_hash){{0}};
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NOT_CHECKED);
    hash = at_distance(&known, 31, &seed); /* a hit is a hit */
    query.quality = 0;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NEAR);
    hash = at_distance(&known, 32, &seed);
    query.quality = 100;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* A list as long as makes the radii of the kinds differ. */
static hk_list *long_list(uint64_t *seed, hk_hash *first, size_t count)
{
    hk_list *list = new_list("long");
    *first = healthy_hash(seed);
    add_hash(list, first, "first", NULL);
    for (size_t i = 1; i < count; i++) {
        const hk_hash hash = healthy_hash(seed);
        add_hash(list, &hash, NULL, NULL);
    }
    return list;
}

static void radius_is_by_kind_and_number_of_hashes(void **state)
{
    (void)state;
    enum { ENTRIES = 2000 };
    uint64_t seed = 4;
    hk_hash known, hashes[HK_QUERY_HASHES_MOST];
    hk_list *list = long_list(&seed, &known, ENTRIES);
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.profile = HK_PROFILE_GATE;
    hk_matcher *matcher = matcher_over(list, &options);
    const int photo = hk_radius(HK_KIND_PHOTO, HK_PROFILE_GATE, ENTRIES);
    const int low = hk_radius(HK_KIND_LOW_TEXTURE, HK_PROFILE_GATE, ENTRIES);
    assert_true(low >= 0 && low < photo);
    assert_int_equal(hk_matcher_query_radius(matcher, HK_KIND_PHOTO, 16), photo);
    assert_int_equal(hk_matcher_query_radius(matcher, HK_KIND_PHOTO, 17),
                     hk_radius(HK_KIND_PHOTO, HK_PROFILE_GATE, 2 * ENTRIES));
    assert_int_equal(hk_matcher_query_radius(matcher, HK_KIND_PHOTO, 128),
                     hk_radius(HK_KIND_PHOTO, HK_PROFILE_GATE, 8 * ENTRIES));
    assert_true(hk_matcher_query_radius(matcher, HK_KIND_PHOTO, 128) < photo);
    assert_int_equal(hk_matcher_query_radius(matcher, HK_KIND_PHOTO, 129), -1);
    assert_int_equal(hk_matcher_query_radius(matcher, HK_KIND_GRAPHIC, 1), -1);
    assert_int_equal(hk_matcher_query_radius(matcher, HK_NO_KIND, 1), low);

    for (size_t i = 0; i < COUNT_OF(hashes); i++)
        hashes[i] = healthy_hash(&seed);
    hashes[0] = at_distance(&known, (unsigned)low + 1, &seed);
    hk_query query = of_hashes(hashes, 1);
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    query.kind = HK_KIND_PHOTO;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NEAR);
    query.kind = HK_KIND_GRAPHIC; /* not looked up, so nothing is said */
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NOT_CHECKED);
    query.kind = HK_NO_KIND;
    hashes[0] = at_distance(&known, (unsigned)low, &seed);
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NEAR);
    query.kind = HK_KIND_PHOTO;
    hashes[0] = at_distance(&known, (unsigned)photo, &seed);
    query.hash_count = 16;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NEAR);
    query.hash_count = 128;
    assert_int_equal(verdict_of(matcher, &query), HK_VERDICT_NONE);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* ---- many at once -------------------------------------------------------------------------- */

enum { MANY = 300 };

typedef struct batch {
    const hk_matcher *matcher;
    hk_query queries[MANY];
    bool same;
} batch;

static bool are_same(const hk_answer *a, const hk_answer *b)
{
    if (a->verdict != b->verdict || a->otherwise != b->otherwise || a->hit != b->hit ||
        a->match_count != b->match_count || a->reason != b->reason)
        return false;
    for (size_t i = 0; i < a->match_count; i++)
        if (a->matches[i].entry != b->matches[i].entry ||
            a->matches[i].distance != b->matches[i].distance ||
            a->matches[i].basis != b->matches[i].basis)
            return false;
    return true;
}

static void *ask_all(void *context)
{
    batch *b = context;
    static __thread hk_answer answers[MANY];
    b->same = !hk_matcher_check(answers, b->matcher, b->queries, MANY, NULL);
    for (size_t i = 0; b->same && i < MANY; i++) {
        hk_answer alone;
        b->same = !hk_matcher_check(&alone, b->matcher, &b->queries[i], 1, NULL) &&
                  are_same(&alone, &answers[i]);
        hk_answers_clear(&alone, 1);
    }
    hk_answers_clear(answers, MANY);
    return NULL;
}

/* Different kinds and numbers of hashes, more than one portion, from several threads. */
static void many_give_what_each_gives_alone(void **state)
{
    (void)state;
    uint64_t seed = 5;
    static hk_hash hashes[MANY][HK_QUERY_HASHES_MOST];
    hk_hash known;
    hk_list *lists[2] = {long_list(&seed, &known, 500), new_list("second")};
    hk_hash other = healthy_hash(&seed);
    add_hash(lists[1], &other, "other", NULL);
    add_hash(lists[1], &known, "again", NULL);
    add_digests(lists[1], HK_DIGEST_SHA1, 7, "digest");
    hk_matcher *matcher = matcher_over_all(lists, 2, NULL);
    static batch batches[3];
    batch *b = &batches[0];
    unsigned near = 0;
    b->matcher = matcher;
    for (size_t i = 0; i < MANY; i++) {
        const size_t count = i % 7 == 0 ? 128 : i % 5;
        for (size_t h = 0; h < count; h++)
            hashes[i][h] = healthy_hash(&seed);
        if (count && i % 3 == 0)
            hashes[i][i % count] = at_distance(i % 2 ? &known : &other, i % 40, &seed);
        b->queries[i] = of_hashes(hashes[i], count);
        b->queries[i].kind = (int)(i % 4) - 1;
        if (i % 11 == 0)
            b->queries[i].digests = digests_of(HK_DIGEST_SHA1, i % 2 ? 7 : 8);
        near += verdict_of(matcher, &b->queries[i]) == HK_VERDICT_NEAR;
    }
    assert_in_range(near, 20, MANY);
    batches[2] = batches[1] = batches[0];
    pthread_t threads[3];
    for (size_t t = 0; t < 3; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, ask_all, &batches[t]), 0);
    for (size_t t = 0; t < 3; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_true(batches[t].same);
    }
    hk_matcher_free(matcher);
    hk_list_free(lists[0]);
    hk_list_free(lists[1]);
}

static void out_of_range_is_refused(void **state)
{
    (void)state;
    uint64_t seed = 6;
    static hk_hash hashes[HK_QUERY_HASHES_MOST + 1];
    hk_list *list = new_list("known");
    hashes[0] = healthy_hash(&seed);
    add_hash(list, &hashes[0], NULL, NULL);
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_answer answer = {.hit = 12345};
    hk_query bad[] = {of_hashes(hashes, COUNT_OF(hashes)), of_hashes(hashes, 1),
                      of_hashes(hashes, 1), of_hashes(NULL, 1)};
    bad[1].kind = 3;
    bad[2].quality = 101;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(hk_matcher_check(&answer, matcher, &bad[i], 1, NULL), HK_ERR_USAGE);
    assert_int_equal(answer.hit, 12345);
    assert_int_equal(hk_matcher_check(&answer, matcher, NULL, 0, NULL), HK_OK);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void failing_allocations_are_errors(void **state)
{
    (void)state;
    uint64_t seed = 7;
    hk_hash known;
    hk_list *list = long_list(&seed, &known, 20);
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_query queries[2] = {of_hashes(&known, 1), of_hashes(&known, 1)};
    hk_answer answers[2];
    hk_status status = HK_ERR_NO_MEMORY;
    long n = 0;
    for (; status; n++) {
        hk__mem_fail_after(n);
        status = hk_matcher_check(answers, matcher, queries, 2, NULL);
        hk__mem_fail_after(-1);
        assert_true(status == HK_OK || status == HK_ERR_NO_MEMORY);
    }
    assert_true(n > 4);
    assert_int_equal(answers[1].verdict, HK_VERDICT_NEAR);
    hk_answers_clear(answers, 2);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_of_many_hashes_is_told),
        cmocka_unit_test(known_and_known_good_decide_as_for_files),
        cmocka_unit_test(what_says_nothing_is_not_checked),
        cmocka_unit_test(radius_is_by_kind_and_number_of_hashes),
        cmocka_unit_test(many_give_what_each_gives_alone),
        cmocka_unit_test(out_of_range_is_refused),
        cmocka_unit_test(failing_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
