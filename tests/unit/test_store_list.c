/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_list.c - what of a store is searched for, after every kind of change: by a snapshot
 * and what changed since, and made anew from the rows, against the plain rule.
 */
#include "store_list_unit.h"

#include "index/view.h"

#include <pthread.h>

static const hk_act by_bob = {.actor = "bob", .at = 4};

/* ---- each kind of change -------------------------------------------------------------------- */

static void assert_found(const unit_store *s, uint32_t number, const hk_entry *entry, bool by_hash,
                         bool by_digest)
{
    hk_list *list = unit_list(s->store, "known");
    assert_int_equal(unit_finds_hash(list, &entry->hash, number), by_hash);
    assert_int_equal(unit_finds_digest(list, HK_BASIS_MD5, &entry->digests, number), by_digest);
    hk_list_free(list);
    assert_true(unit_both_agree(s, "known"));
}

static void what_is_active_is_found_and_nothing_else(void **state)
{
    (void)state;
    unit_store s;
    hk_revision revision;
    hk_entry entry = unit_entry(1), newer = unit_entry(2), third = unit_entry(3);
    const uint32_t first = 1, second = 2;
    entry.id = newer.id = "A-1";
    entry.has_exact_hash = newer.has_exact_hash = true; /* this they have in common */
    entry.exact_hash = newer.exact_hash = unit_entry(9).hash;
    unit_store_make(&s);
    unit_create(s.store, "known", true, false);
    hk_list *list = unit_list(s.store, "known"); /* its snapshot is of the empty list */
    assert_int_equal(hk_list_count(list), 0);
    assert_int_equal(hk_index_count(list->index), 0);
    assert_true(hk_list_known_good(list));
    hk_list_free(list);

    unit_import(s.store, "known", "ann", &entry, 1, false);
    assert_found(&s, 1, &entry, false, false);
    unit_approve(s.store, "known", "ann");
    assert_found(&s, 1, &entry, true, true);
    unit_import(s.store, "known", "ann", &newer, 1, false);
    assert_found(&s, 1, &entry, true, true);
    assert_found(&s, 2, &newer, false, false);
    unit_approve(s.store, "known", "ann");
    assert_found(&s, 1, &entry, false, false);
    assert_found(&s, 2, &newer, true, true);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 3, &by_bob, &unit_error));
    assert_found(&s, 1, &entry, true, true);
    assert_found(&s, 2, &newer, false, false);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 5, &by_bob, &unit_error));
    assert_found(&s, 2, &newer, true, true);
    unit_ok(hk_store_retract(&revision, s.store, "known", &second, 1, &by_bob, &unit_error));
    assert_found(&s, 2, &newer, false, false);
    unit_ok(
        hk_store_approve_entries(&revision, s.store, "known", &second, 1, &by_bob, &unit_error));
    assert_found(&s, 2, &newer, true, true);

    /* A feed that is the whole list withdraws the rest. */
    unit_import(s.store, "known", "ann", &third, 1, true);
    assert_found(&s, 2, &newer, true, true);
    unit_approve(s.store, "known", "ann");
    assert_found(&s, 2, &newer, false, false);
    assert_found(&s, 3, &third, true, true);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 1, &by_bob, &unit_error));
    assert_found(&s, first, &entry, false, false);
    assert_found(&s, 3, &third, false, false);

    /* All that on top of one snapshot. */
    char path[512];
    assert_int_equal(unit_snapshot(path, &s, "known"), 1);
    unit_store_remove(&s);
}

static void quarantine_keeps_the_digests_of_a_doubtful_hash(void **state)
{
    (void)state;
    unit_store s;
    hk_revision revision;
    hk_entry entry[4] = {unit_entry(1), unit_entry(2), unit_entry(3), unit_entry(4)};
    uint32_t numbers[] = {1, 2, 4};
    entry[0].quality = 49;
    entry[1].hash.word[0] = 0;
    entry[1].hash.word[1] = 0;
    entry[2].quality = 0; /* and then a person's doubt, which is not of the hash alone */
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    hk_list_free(unit_list(s.store, "known"));
    unit_import(s.store, "known", "ann", entry, 4, false);
    unit_ok(hk__sql_run(s.store->db, "UPDATE entry SET suspect = suspect | 64 WHERE id = 3",
                        &unit_error));
    assert_found(&s, 1, &entry[0], false, false); /* quarantined, but only proposed */
    unit_approve(s.store, "known", "ann");
    assert_found(&s, 1, &entry[0], false, true);
    assert_found(&s, 2, &entry[1], false, true);
    assert_found(&s, 3, &entry[2], false, false);
    assert_found(&s, 4, &entry[3], true, true);
    hk_list *list = unit_list(s.store, "known");
    assert_int_equal(hk_list_count(list), 3);
    hk_list_free(list);
    unit_ok(
        hk_store_approve_entries(&revision, s.store, "known", numbers, 2, &by_bob, &unit_error));
    assert_found(&s, 1, &entry[0], true, true);
    assert_found(&s, 2, &entry[1], true, true);
    unit_ok(hk_store_retract(&revision, s.store, "known", numbers, 3, &by_bob, &unit_error));
    assert_found(&s, 1, &entry[0], false, false);
    assert_found(&s, 4, &entry[3], false, false);
    unit_store_remove(&s);
}

/* ---- any changes at all --------------------------------------------------------------------- */

static void import_some(const unit_store *s, const char *list, uint64_t *seed)
{
    enum { MOST = 8, IDS = 60, VERSIONS = 3 };
    char name[MOST][32];
    hk_entry entry[MOST];
    const size_t count = 1 + next_random(seed) % MOST;
    for (size_t i = 0; i < count; i++)
        entry[i] =
            unit_sorted_entry(next_random(seed) % IDS, next_random(seed) % VERSIONS, name[i]);
    unit_import(s->store, list, "ann", entry, count, next_random(seed) % 16 == 0);
}

/* Some of them have nothing to do: that is HK_ERR_USAGE. */
static void change_something(const unit_store *s, const char *list, uint64_t *seed)
{
    hk_revision revision;
    int64_t last;
    unit_ok(hk__sql_number(&last, 1, s->store->db, &unit_error, "SELECT max(id) FROM entry", ""));
    const uint32_t entry[] = {(uint32_t)(1 + next_random(seed) % (uint64_t)last)};
    hk_status status = HK_OK;
    char path[512];
    switch (next_random(seed) % 12) {
    case 0:
    case 1:
    case 2:
        import_some(s, list, seed);
        break;
    case 3:
    case 4:
        unit_skip_screening(s->store);
        status = hk_store_approve(&revision, s->store, list, 0, &by_bob, NULL);
        break;
    case 5:
    case 6:
        status = hk_store_approve_entries(&revision, s->store, list, entry, 1, &by_bob, NULL);
        break;
    case 7:
    case 8:
        status = hk_store_retract(&revision, s->store, list, entry, 1, &by_bob, NULL);
        break;
    case 9:
        status = hk_store_rollback(&revision, s->store, list,
                                   1 + next_random(seed) % unit_info(s->store, list).revision,
                                   &by_bob, NULL);
        break;
    default:
        if (next_random(seed) % 4 == 0 && unit_snapshot(path, s, list))
            unlink(path);
    }
    assert_true(status == HK_OK || status == HK_ERR_USAGE);
}

static void any_changes_are_followed(void **state)
{
    (void)state;
    enum { STEPS = 160 };
    uint64_t seed = 5;
    unit_store s;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_create(s.store, "other", false, false);
    size_t by_delta = 0;
    for (int step = 0; step < STEPS; step++) {
        const char *list = next_random(&seed) % 3 ? "known" : "other";
        change_something(&s, list, &seed);
        if (!unit_both_agree(&s, "known") || !unit_both_agree(&s, "other"))
            fail_msg("after step %d", step);
        hk_list *now = unit_list(s.store, "known");
        by_delta += now->index->changes != NULL;
        hk_list_free(now);
    }
    assert_true(by_delta > STEPS / 2);
    unit_store_remove(&s);
}

/* Planted faults: the rule's test can fail. */
static void planted_faults_are_found(void **state)
{
    (void)state;
    unit_store s;
    char name[UNIT_SORTS][32];
    hk_entry entry[UNIT_SORTS];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    for (size_t i = 0; i < UNIT_SORTS; i++)
        entry[i] = unit_sorted_entry(i, 0, name[i]);
    unit_import(s.store, "known", "ann", entry, UNIT_SORTS, false);
    unit_approve(s.store, "known", "ann");
    hk_list *list = unit_list(s.store, "known");
    assert_true(unit_list_agrees(s.store, list));
    const hk_index_change fault[] = {
        {.kind = HK_CHANGE_REMOVE, .id = 1},
        {.kind = HK_CHANGE_ADD_HASH, .id = 4, .hash = entry[3].hash},
        {.kind = HK_CHANGE_ADD_DIGEST, .id = 6, .basis = HK_BASIS_MD5},
    };
    for (size_t i = 0; i < COUNT_OF(fault); i++) {
        hk_index *right = list->index;
        unit_ok(hk__index_changed(&list->index, right, &fault[i], 1, &unit_error));
        assert_false(unit_list_agrees(s.store, list));
        hk_index_free(list->index);
        list->index = right;
    }
    list->count++;
    assert_false(unit_list_agrees(s.store, list));
    hk_list_free(list);
    unit_store_remove(&s);
}

/* Numbers that stand in two spans of a batch are read once. */
static void spans_may_overlap(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entry[20];
    for (uint64_t i = 0; i < COUNT_OF(entry); i++)
        entry[i] = unit_entry(i);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    hk_list_free(unit_list(s.store, "known"));
    unit_import(s.store, "known", "ann", entry, COUNT_OF(entry), false);
    unit_ok(hk__sql_run(s.store->db,
                        "INSERT INTO span SELECT batch, 15, 30 FROM span;"
                        "INSERT INTO span SELECT batch, 4, 2 FROM span WHERE first = 1",
                        &unit_error));
    unit_approve(s.store, "known", "ann");
    assert_true(unit_both_agree(&s, "known"));
    unit_store_remove(&s);
}

/* ---- many changes --------------------------------------------------------------------------- */

static void add_many(const unit_store *s, uint64_t first, size_t count)
{
    hk_entry *entry = malloc(count * sizeof *entry);
    for (size_t i = 0; i < count; i++)
        entry[i] = unit_entry(first + i);
    unit_import(s->store, "known", "ann", entry, count, false);
    free(entry);
}

static size_t hashes_of(const unit_store *s)
{
    hk_list *list = unit_list(s->store, "known");
    const size_t count = hk_index_count(list->index);
    assert_int_equal(hk_list_count(list), count);
    hk_list_free(list);
    return count;
}

static void too_many_changes_make_a_new_snapshot(void **state)
{
    (void)state;
    enum { MOST = 16384 };
    unit_store s;
    char path[512];
    hk_revision revision;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    assert_int_equal(hashes_of(&s), 0);
    add_many(&s, 0, MOST);
    unit_approve(s.store, "known", "ann"); /* 3 */
    assert_int_equal(hashes_of(&s), MOST);
    assert_int_equal(unit_snapshot(path, &s, "known"), 1);
    add_many(&s, MOST, 1);
    assert_int_equal(hashes_of(&s), MOST);
    assert_int_equal(unit_snapshot(path, &s, "known"), 1);
    unit_approve(s.store, "known", "ann"); /* 5: one more than are put on top */
    assert_int_equal(hashes_of(&s), MOST + 1);
    assert_int_equal(unit_snapshot(path, &s, "known"), 5);

    /* What is only proposed is no change, however much it is; nor is what came and went. */
    add_many(&s, 2 * MOST, MOST + 1);
    assert_int_equal(hashes_of(&s), MOST + 1);
    assert_int_equal(unit_snapshot(path, &s, "known"), 5);
    unit_approve(s.store, "known", "ann"); /* 7 */
    unit_ok(hk_store_rollback(&revision, s.store, "known", 6, &by_bob, &unit_error));
    assert_int_equal(hashes_of(&s), MOST + 1);
    assert_int_equal(unit_snapshot(path, &s, "known"), 5);
    unit_approve(s.store, "known", "ann"); /* 9 */
    assert_int_equal(hashes_of(&s), 2 * MOST + 2);
    assert_int_equal(unit_snapshot(path, &s, "known"), 9);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 1, &by_bob, &unit_error));
    assert_int_equal(hashes_of(&s), 0);
    assert_int_equal(unit_snapshot(path, &s, "known"), 10);
    unit_store_remove(&s);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void entries_have_their_words(void **state)
{
    (void)state;
    enum { ENTRIES = 200 };
    unit_store s;
    static hk_entry entry[ENTRIES];
    static char name[ENTRIES][32];
    hk__list_entry words[ENTRIES], again;
    hk_error err;
    for (unsigned i = 0; i < ENTRIES; i++) {
        entry[i] = unit_entry(i);
        snprintf(name[i], sizeof name[i], "entry %u", i);
        entry[i].id = i % 3 ? name[i] : NULL;
        entry[i].category = i % 2 ? "A2" : NULL;
    }
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", entry, ENTRIES, false);
    unit_approve(s.store, "known", "ann");
    hk_list *list = unit_list(s.store, "known");
    unit_ok(hk__sql_run(s.store->db, "DELETE FROM entry WHERE id = 200", &unit_error));
    hk_store_close(s.store); /* the list is of its own */
    for (uint32_t i = 0; i + 1 < ENTRIES; i++)
        unit_ok(hk__list_entry_of(&words[i], list, i + 1, &unit_error));
    for (uint32_t i = 0; i + 1 < ENTRIES; i++) {
        if (i % 3 == 0)
            snprintf(name[i], sizeof name[i], "#%u", i + 1);
        assert_string_equal(words[i].id, name[i]);
        if (i % 2)
            assert_string_equal(words[i].category, "A2");
        else
            assert_null(words[i].category);
        unit_ok(hk__list_entry_of(&again, list, i + 1, &unit_error));
        assert_ptr_equal(again.id, words[i].id);
    }
    again.id = UNTOUCHED;
    assert_int_equal(hk__list_entry_of(&again, list, ENTRIES, &err), HK_ERR_FORMAT);
    assert_ptr_equal(again.id, UNTOUCHED);
    assert_non_null(strstr(err.message, "#200"));
    assert_int_equal(hk__list_entry_of(&again, list, UINT32_MAX, NULL), HK_ERR_FORMAT);
    hk_list_free(list);
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_READ, &unit_error));
    unit_store_remove(&s);
}

enum { THREADS = 4, DESCRIBED = 300 };

/* Describes the hits of every entry, in an order of its own. */
static void *describe_all(void *context)
{
    hk_list *const *list = context;
    uint64_t seed = (uint64_t)(uintptr_t)&seed;
    for (int i = 0; i < 3 * DESCRIBED; i++) {
        const uint64_t n = next_random(&seed) % DESCRIBED;
        const hk_entry entry = unit_entry(n);
        char name[16];
        hk__list_entry words;
        hk_hits hits;
        if (hk_index_within(&hits, (*list)->index, &entry.hash, 1, 0, 0, NULL) || hits.count != 1 ||
            hk__list_entry_of(&words, *list, hits.hit[0].item, NULL))
            return context;
        hk_hits_free(&hits);
        snprintf(name, sizeof name, "#%u", (unsigned)n + 1);
        if (strcmp(words.id, name) != 0)
            return context;
    }
    return NULL;
}

static void threads_describe_hits_at_once(void **state)
{
    (void)state;
    unit_store s;
    pthread_t thread[THREADS];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    hk_list_free(unit_list(s.store, "known"));
    add_many(&s, 0, DESCRIBED);
    unit_approve(s.store, "known", "ann");
    hk_list *list = unit_list(s.store, "known");
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, describe_all, &list), 0);
    for (int t = 0; t < THREADS; t++) {
        void *wrong;
        pthread_join(thread[t], &wrong);
        assert_null(wrong);
    }
    hk_list_free(list);
    unit_store_remove(&s);
}

/* ---- what is refused ------------------------------------------------------------------------ */

/* A snapshot of the empty list, and an entry since. */
static void make_one(unit_store *s)
{
    const hk_entry entry = unit_entry(1);
    unit_store_make(s);
    unit_create(s->store, "known", false, false);
    hk_list_free(unit_list(s->store, "known"));
    unit_import(s->store, "known", "ann", &entry, 1, false);
    unit_approve(s->store, "known", "ann");
}

static void what_cannot_be_is_an_error(void **state)
{
    (void)state;
    static const char *const damage[] = {
        "UPDATE revision SET chain = x'00'",
        "UPDATE span SET first = 0",
        "UPDATE span SET count = 4294967296",
        "UPDATE entry SET pdq = x'00'",
        "INSERT INTO entry_change VALUES(3, 4294967295, 0, 0)",
        "UPDATE list SET name = 'x/../y'",
    };
    unit_store s;
    hk_list *list = UNTOUCHED;
    hk_error err;
    for (size_t i = 0; i < COUNT_OF(damage); i++) {
        make_one(&s);
        if (i != 4)
            unit_hide_snapshots(&s, "known", true);
        unit_ok(hk__sql_run(s.store->db, damage[i], &unit_error));
        assert_int_equal(hk_store_list(&list, s.store, i == 5 ? "x/../y" : "known", &err),
                         HK_ERR_FORMAT);
        assert_ptr_equal(list, UNTOUCHED);
        unit_store_remove(&s);
    }
}

static void what_was_not_meant_is_refused(void **state)
{
    (void)state;
    unit_store s;
    hk_list *list = UNTOUCHED;
    hk_index *index = UNTOUCHED;
    hk_index_change *changes = UNTOUCHED;
    size_t count = 77;
    hk_error err;
    make_one(&s);
    assert_int_equal(hk_store_list(&list, s.store, "unknown", &err), HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "known"));
    assert_ptr_equal(list, UNTOUCHED);
    list = unit_list(s.store, "known");
    assert_int_equal(hk_list_index(&index, list, NULL, &err), HK_ERR_USAGE);
    assert_ptr_equal(index, UNTOUCHED);
    assert_int_equal(hk_list_changes(&changes, &count, list, 0, NULL), HK_ERR_USAGE);
    assert_ptr_equal(changes, UNTOUCHED);
    assert_int_equal(count, 77);
    hk_list_bad_lines(&count, list);
    assert_int_equal(count, 0);
    hk_list_free(list);
    unit_store_remove(&s);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    hk_list *list = UNTOUCHED;
    hk__list_entry words = {UNTOUCHED, NULL};
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    add_many(&s, 0, 10);
    unit_approve(s.store, "known", "ann");
    FAIL_EVERY_ALLOCATION(hk_store_list(&list, s.store, "known", NULL), list == UNTOUCHED);
    FAIL_EVERY_ALLOCATION(hk__list_entry_of(&words, list, 5, NULL), words.id == UNTOUCHED);
    assert_string_equal(words.id, "#5");
    hk_list_free(list);
    assert_int_equal(unit_snapshot(path, &s, "known"), 3);
    add_many(&s, 10, 10);
    unit_approve(s.store, "known", "ann");
    list = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_store_list(&list, s.store, "known", NULL), list == UNTOUCHED);
    assert_true(unit_list_agrees(s.store, list));
    hk_list_free(list);
    unit_store_remove(&s);
}

/* An entry and what took its place have one name; a match says which it is. */
static void a_match_has_its_entrys_number(void **state)
{
    (void)state;
    unit_store s;
    hk_matcher *matcher;
    hk_answer answer;
    hk_entry entry[2] = {unit_entry(1), unit_entry(2)};
    entry[0].id = entry[1].id = "A-1";
    entry[0].has_exact_hash = entry[1].has_exact_hash = true; /* this they have in common */
    entry[0].exact_hash = entry[1].exact_hash = unit_entry(9).hash;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    for (uint32_t number = 1; number <= 2; number++) {
        unit_import(s.store, "known", "ann", &entry[number - 1], 1, false);
        unit_approve(s.store, "known", "ann");
        hk_list *list = unit_list(s.store, "known");
        const hk_list *lists[] = {list};
        hk_query query = HK_QUERY_INIT;
        query.hashes = &entry[number - 1].hash;
        query.hash_count = 1;
        query.digests = entry[number - 1].digests;
        unit_ok(hk_matcher_new(&matcher, lists, 1, NULL, &unit_error));
        unit_ok(hk_matcher_check(&answer, matcher, &query, 1, &unit_error));
        assert_true(answer.match_count > 0);
        for (size_t i = 0; i < answer.match_count; i++) {
            assert_string_equal(answer.matches[i].entry, "A-1");
            assert_int_equal(answer.matches[i].entry_number, number);
        }
        hk_answers_clear(&answer, 1);
        hk_matcher_free(matcher);
        hk_list_free(list);
    }
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_active_is_found_and_nothing_else),
        cmocka_unit_test(quarantine_keeps_the_digests_of_a_doubtful_hash),
        cmocka_unit_test(any_changes_are_followed),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test(spans_may_overlap),
        cmocka_unit_test(too_many_changes_make_a_new_snapshot),
        cmocka_unit_test(entries_have_their_words),
        cmocka_unit_test(a_match_has_its_entrys_number),
        cmocka_unit_test(threads_describe_hits_at_once),
        cmocka_unit_test(what_cannot_be_is_an_error),
        cmocka_unit_test(what_was_not_meant_is_refused),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("store_list", tests, NULL, NULL);
}
