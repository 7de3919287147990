/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_staged.c - what is shown as staged is what approving then does; the log; and readings that
 * cannot be: of lists and revisions that are not there, of damaged stores, without memory.
 */
#include "store_world.h"

enum { ROUNDS = 60, IDS = 12, MOST = 2000 };
static const unsigned all_states = (1u << HK_ENTRY_STATES) - 1;

/* ---- staged -------------------------------------------------------------------------------- */

/* By entry number; HK_ENTRY_STATES: not there. */
typedef struct seen {
    hk_entry_state state[MOST], before[MOST];
    size_t count;
} seen;

static void take_all(seen *out, hk_reading *reading)
{
    const hk_listed *listed;
    out->count = 0;
    for (uint32_t n = 0; n < MOST; n++)
        out->state[n] = HK_ENTRY_STATES;
    for (uint32_t last = 0;; last = listed->number) {
        unit_ok(hk_reading_next(&listed, reading, &unit_error));
        if (!listed)
            break;
        assert_true(listed->number > last && listed->number < MOST);
        out->state[listed->number] = listed->state;
        out->before[listed->number] = listed->before;
        out->count++;
    }
    hk_reading_close(reading);
}

static void take_staged(seen *out, hk_store *store)
{
    hk_reading *reading;
    unit_ok(hk_reading_staged(&reading, store, "known", &unit_error));
    take_all(out, reading);
}

static void take_states(seen *out, hk_store *store)
{
    hk_reading *reading;
    unit_ok(hk_reading_open(&reading, store, "known", 0, all_states, &unit_error));
    take_all(out, reading);
}

/* A feed of a few entries out of a dozen, each time with other values and doubts. */
static void import_some(hk_store *store, uint64_t *seed)
{
    hk_entry entries[IDS];
    char ids[IDS][8];
    size_t count = 0;
    for (unsigned i = 0; i < IDS; i++) {
        if (next_random(seed) % 2)
            continue;
        entries[count] = unit_entry(i + next_random(seed) % 3 * IDS);
        snprintf(ids[count], sizeof ids[count], "i-%u", i);
        entries[count].id = ids[count];
        entries[count].quality = next_random(seed) % 4 ? 80 : 20;
        count++;
    }
    unit_import(store, "known", "ann", entries, count, next_random(seed) % 4 == 0);
}

/* Withdraws or lets in an entry where that can be done. */
static void decide_some(hk_store *store, uint64_t *seed, uint32_t entries)
{
    hk_revision revision;
    const uint32_t entry = 1 + (uint32_t)(next_random(seed) % entries);
    const hk_status status =
        next_random(seed) % 2
            ? hk_store_retract(&revision, store, "known", &entry, 1, &world_act, NULL)
            : hk_store_approve_entries(&revision, store, "known", &entry, 1, &world_act, NULL);
    assert_true(status == HK_OK || status == HK_ERR_USAGE);
}

/* Whether one of the versions in whose place the entry would stand is withdrawn. */
static bool is_doubted(hk_store *store, uint32_t entry)
{
    int64_t withdrawn;
    unit_ok(hk__sql_number(&withdrawn, 0, store->db, &unit_error,
                           "SELECT count(*) FROM step s JOIN entry e ON e.id = s.entry"
                           " WHERE s.next = ?1 AND e.state = 4",
                           "i", (int64_t)entry));
    return withdrawn > 0;
}

/* What approving made of an entry, against what was staged. */
static void check_entry(hk_store *store, const seen *staged, const seen *before, const seen *after,
                        uint32_t n, size_t kinds[HK_ENTRY_STATES])
{
    const hk_entry_state said = staged->state[n], was = before->state[n], is = after->state[n];
    const bool gone = is == HK_ENTRY_REPLACED || is == HK_ENTRY_WITHDRAWN;
    if (said == HK_ENTRY_STATES) { /* what waited in quarantine may still go */
        assert_true(is == was || (was == HK_ENTRY_QUARANTINED && gone));
        return;
    }
    kinds[said]++;
    if (staged->before[n] == HK_ENTRY_ACTIVE) {
        assert_int_equal(was, HK_ENTRY_ACTIVE);
        assert_int_equal(is, said);
        return;
    }
    assert_int_equal(staged->before[n], HK_ENTRY_ABSENT);
    assert_int_equal(was, said);
    if (gone) /* by a later import that was let in with it */
        return;
    if (is == HK_ENTRY_QUARANTINED && is_doubted(store, n))
        return;
    assert_int_equal(is, said == HK_ENTRY_PROPOSED ? HK_ENTRY_ACTIVE : HK_ENTRY_QUARANTINED);
}

static void test_staged_is_what_comes(void **state)
{
    (void)state;
    unit_store s;
    uint64_t seed = 5;
    size_t kinds[HK_ENTRY_STATES] = {0};
    seen *seen3 = calloc(3, sizeof *seen3), *staged = seen3, *before = seen3 + 1,
         *after = seen3 + 2;
    unit_store_make(&s);
    unit_create(s.store, "other", false, false);
    unit_create(s.store, "known", false, false);
    for (int round = 0; round < ROUNDS; round++) {
        const hk_entry other = unit_entry(1000 + (uint64_t)round);
        unit_import(s.store, "other", "ann", &other, 1, false);
        for (int i = 0; i < 1 + round % 2; i++)
            import_some(s.store, &seed);
        take_states(before, s.store);
        for (int i = 0; i < 3 && before->count; i++)
            decide_some(s.store, &seed, (uint32_t)(before->count + (size_t)round));
        take_states(before, s.store);
        take_staged(staged, s.store);
        const uint64_t proposed = unit_info(s.store, "known").entries[HK_ENTRY_PROPOSED];
        size_t fresh = 0;
        for (uint32_t n = 1; n < MOST; n++)
            fresh += staged->state[n] == HK_ENTRY_PROPOSED;
        assert_int_equal(fresh, proposed);
        if (!staged->count)
            continue;
        unit_approve(s.store, "known", "bob");
        take_states(after, s.store);
        for (uint32_t n = 1; n < MOST; n++)
            check_entry(s.store, staged, before, after, n, kinds);
        take_staged(staged, s.store);
        assert_int_equal(staged->count, 0);
    }
    for (int kind = HK_ENTRY_PROPOSED; kind < HK_ENTRY_STATES; kind++)
        assert_true(kind == HK_ENTRY_ACTIVE ? !kinds[kind] : kinds[kind] > 10);
    unit_store_remove(&s);
    free(seen3);
}

/* ---- the log ------------------------------------------------------------------------------- */

static bool note_revision(void *context, const hk_revision *revision)
{
    char *text = context;
    sprintf(text + strlen(text), "%d %s %s%s %s%s +%d ~%d -%d ?%d >%d;", (int)revision->number,
            hk_revision_kind_name(revision->kind), revision->list, revision->actor,
            revision->reason ? revision->reason : "no reason",
            revision->source ? revision->source : "", (int)revision->added, (int)revision->replaced,
            (int)revision->withdrawn, (int)revision->quarantined, (int)revision->target);
    assert_int_equal(strspn(revision->mark, "0123456789abcdef"), 16);
    return strlen(text) < 150;
}

static void test_log(void **state)
{
    (void)state;
    unit_store s;
    char text[400] = "";
    hk_revision revision;
    const hk_entry entry = unit_entry(1);
    const uint32_t number = 1;
    const hk_act why = {"bob", "a stock photo", 5};
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_create(s.store, "other", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_approve(s.store, "known", "bob");
    unit_ok(hk_store_log(s.store, "known", note_revision, text, &unit_error));
    assert_string_equal(text, "4 approve knownbob no reason +1 ~0 -0 ?0 >3;"
                              "3 import knownann no reason +1 ~0 -0 ?0 >0;"
                              "1 create knownann no reason +0 ~0 -0 ?0 >0;");
    unit_ok(hk_store_retract(&revision, s.store, "known", &number, 1, &why, &unit_error));
    memset(text, 'x', 120); /* it stops when it is told */
    text[120] = '\0';
    unit_ok(hk_store_log(s.store, "known", note_revision, text, &unit_error));
    assert_string_equal(text + 120, "5 retract knownbob a stock photo +0 ~0 -1 ?0 >0;");
    FAILS(hk_store_log(s.store, "none", note_revision, text, &err), HK_ERR_USAGE,
          "there are: known, other");
    unit_store_remove(&s);
}

/* ---- what cannot be ------------------------------------------------------------------------ */

static void test_not_there(void **state)
{
    (void)state;
    unit_store s;
    hk_reading *reading = UNTOUCHED;
    const hk_entry entry = unit_entry(1);
    unit_store_make(&s);
    FAILS(hk_reading_open(&reading, s.store, "none", 0, all_states, &err), HK_ERR_USAGE,
          "there is none yet");
    unit_create(s.store, "known", false, false);
    unit_create(s.store, "late", false, false);             /* revision 2 */
    unit_import(s.store, "known", "ann", &entry, 1, false); /* 3 */
    FAILS(hk_reading_open(&reading, s.store, "none", 0, all_states, &err), HK_ERR_USAGE,
          "no list 'none'");
    FAILS(hk_reading_find(&reading, s.store, "none", "x", &err), HK_ERR_USAGE, "known, late");
    FAILS(hk_reading_staged(&reading, s.store, "none", &err), HK_ERR_USAGE, "known, late");
    FAILS(hk_reading_open(&reading, s.store, "late", 1, all_states, &err), HK_ERR_USAGE,
          "its first is 2");
    FAILS(hk_reading_compare(&reading, s.store, "late", 1, 2, &err), HK_ERR_USAGE,
          "its first is 2");
    FAILS(hk_reading_compare(&reading, s.store, "late", 2, 1, &err), HK_ERR_USAGE,
          "its first is 2");
    const uint64_t above[] = {4, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(above); i++)
        FAILS(hk_reading_open(&reading, s.store, "late", above[i], all_states, &err), HK_ERR_USAGE,
              "the newest of the store is 3");
    assert_ptr_equal(reading, UNTOUCHED);
    unit_ok(hk_reading_open(&reading, s.store, "late", 3, all_states, &unit_error));
    hk_reading_close(reading); /* another list's revision: late as it was before that */
    hk_reading_close(NULL);
    unit_store_remove(&s);
}

static void ignore_change(void *context, const hk_revision *revision, hk_entry_state state)
{
    (void)context, (void)revision, (void)state;
}

/* Reads all there is, in every way. */
static hk_status read_all(hk_store *store, hk_error *err)
{
    hk_reading *reading;
    hk_status status = HK_OK;
    for (int way = 0; !status && way < 5; way++) {
        const hk_listed *listed = NULL;
        status = way == 0   ? hk_reading_open(&reading, store, "known", 0, all_states, err)
                 : way == 1 ? hk_reading_open(&reading, store, "known", 1, all_states, err)
                 : way == 2 ? hk_reading_compare(&reading, store, "known", 2, 0, err)
                 : way == 3 ? hk_reading_staged(&reading, store, "known", err)
                            : hk_reading_find(&reading, store, "known", "#1", err);
        if (status)
            break;
        do
            status = hk_reading_next(&listed, reading, err);
        while (!status && listed);
        hk_reading_close(reading);
    }
    return status;
}

/* A store that somebody has written into by hand: an error, and none of it is read. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE entry SET state = 6 WHERE id = 1",
        "UPDATE entry SET state = -1 WHERE id = 1",
        "UPDATE entry SET md5 = x'00' WHERE id = 2",
        "UPDATE entry SET pdq = 'text' WHERE id = 2",
        "UPDATE entry SET quality = 101 WHERE id = 2",
        "UPDATE batch SET state = 9",
        "UPDATE batch_change SET was = 77 WHERE revision = 3",
        "UPDATE batch_change SET batch = 5 WHERE revision = 3",
        "INSERT INTO entry_change VALUES(3, 1, 6, 0)",
        "INSERT INTO entry_change VALUES(3, 0, 0, 0)",
        "INSERT INTO entry_change VALUES(3, 4294967295, 0, 0)",
        "UPDATE span SET first = 0",
        "UPDATE span SET count = 4294967296",
        "UPDATE span SET count = 9223372036854775807",
        "UPDATE span SET count = -1",
    };
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        unit_store s;
        const hk_entry entries[] = {unit_entry(1), unit_entry(2), unit_entry(3)};
        unit_store_make(&s);
        unit_create(s.store, "known", false, false);
        unit_import(s.store, "known", "ann", entries, 3, false);
        unit_approve(s.store, "known", "bob");
        unit_ok(read_all(s.store, &unit_error));
        unit_ok(hk__sql_run(s.store->db, damages[i], &unit_error));
        if (read_all(s.store, NULL) == HK_OK)
            print_error("not seen: %s\n", damages[i]);
        FAILS(read_all(s.store, &err), HK_ERR_FORMAT, "see `herken list verify`");
        unit_store_remove(&s);
    }
}

/* Spans that lie over each other, of the batch and of another list's: each entry once, in order. */
static void test_overlapping_spans(void **state)
{
    (void)state;
    world w;
    hk_reading *reading;
    seen *seen1 = calloc(1, sizeof *seen1);
    world_open(&w, 4);
    const int64_t one = world_batch(&w, world_list(&w, "known"));
    const int64_t other = world_batch(&w, world_list(&w, "other"));
    world_entries(&w, one, 5);   /* 1 to 5 */
    world_entries(&w, other, 5); /* 6 to 10 */
    world_entries(&w, one, 5);   /* 11 to 15 */
    world_span(&w, one, 3, 10);
    world_span(&w, one, 4, 0);
    world_span(&w, one, 16, 4000000000);
    world_propose(&w, one);
    world_propose(&w, other);
    take_states(seen1, w.s.store);
    assert_int_equal(seen1->count, 10);
    unit_ok(hk_reading_open(&reading, w.s.store, "other", 0, all_states, &unit_error));
    take_all(seen1, reading);
    assert_int_equal(seen1->count, 5);
    world_close(&w);
    free(seen1);
}

static void test_damaged_history(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE revision SET kind = 5 WHERE id = 3",
        "UPDATE revision SET kind = -1 WHERE id = 3",
        "UPDATE revision SET chain = x'00' WHERE id = 3",
        /* Without what the schema asks of it, it may be done by nobody. */
        "ALTER TABLE revision RENAME TO before; CREATE TABLE revision AS SELECT * FROM before;"
        "UPDATE revision SET actor = NULL WHERE id = 3",
        "UPDATE batch_change SET now = 6 WHERE revision = 3",
    };
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        unit_store s;
        char text[400] = "";
        const hk_entry entry = unit_entry(1);
        unit_store_make(&s);
        unit_create(s.store, "known", false, false);
        unit_import(s.store, "known", "ann", &entry, 1, false);
        unit_approve(s.store, "known", "bob");
        unit_ok(hk__sql_run(s.store->db, damages[i], &unit_error));
        FAILS(hk_store_history(s.store, 1, ignore_change, NULL, &err), HK_ERR_FORMAT,
              "revision 3 is none that can be");
        if (i < 4)
            FAILS(hk_store_log(s.store, "known", note_revision, text, &err), HK_ERR_FORMAT,
                  "revision 3 is none that can be");
        unit_store_remove(&s);
    }
}

static void test_without_memory(void **state)
{
    (void)state;
    unit_store s;
    hk_reading *reading = UNTOUCHED;
    const hk_entry entries[] = {unit_entry(1), unit_entry(2), unit_entry(3)};
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", entries, 2, false);
    unit_approve(s.store, "known", "bob");
    world w = {.s = s};
    world_retract(&w, "known", 1);
    unit_import(s.store, "known", "ann", entries + 1, 2, true);
    FAIL_EVERY_ALLOCATION(hk_reading_open(&reading, s.store, "known", 2, all_states, NULL),
                          reading == UNTOUCHED);
    hk_reading_close(reading);
    reading = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_reading_compare(&reading, s.store, "known", 2, 3, NULL),
                          reading == UNTOUCHED);
    hk_reading_close(reading);
    reading = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_reading_staged(&reading, s.store, "known", NULL),
                          reading == UNTOUCHED);
    hk_reading_close(reading);
    reading = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_reading_find(&reading, s.store, "known", "#1", NULL),
                          reading == UNTOUCHED);
    hk_reading_close(reading);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_staged_is_what_comes),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_overlapping_spans),
        cmocka_unit_test(test_damaged_history),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
