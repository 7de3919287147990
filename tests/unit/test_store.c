/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store.c - the life of a list: what an import proposes, what approving, retracting and
 * rolling back make of it, and who may.
 */
#include "store_unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void assert_states(hk_store *store, uint64_t proposed, uint64_t active, uint64_t quarantined,
                          uint64_t withdrawn, uint64_t replaced)
{
    const hk_list_info info = unit_info(store, "known");
    assert_int_equal(info.entries[HK_ENTRY_PROPOSED], proposed);
    assert_int_equal(info.entries[HK_ENTRY_ACTIVE], active);
    assert_int_equal(info.entries[HK_ENTRY_QUARANTINED], quarantined);
    assert_int_equal(info.entries[HK_ENTRY_WITHDRAWN], withdrawn);
    assert_int_equal(info.entries[HK_ENTRY_REPLACED], replaced);
}

static void assert_summary(hk_import_summary s, uint64_t added, uint64_t replaced,
                           uint64_t withdrawn, uint64_t unchanged)
{
    assert_int_equal(s.added, added);
    assert_int_equal(s.replaced, replaced);
    assert_int_equal(s.withdrawn, withdrawn);
    assert_int_equal(s.unchanged, unchanged);
    assert_int_equal(s.revision != 0, added + replaced + withdrawn != 0);
}

static void make_entries(hk_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entries[i] = unit_entry(i + 1);
}

static void test_a_life(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[4];
    hk_revision revision;
    make_entries(entries, 4);
    unit_store_make(&s);
    assert_int_equal(unit_create(s.store, "known", false, false), 1);
    assert_states(s.store, 0, 0, 0, 0, 0);
    assert_summary(unit_import(s.store, "known", "ann", entries, 3, false), 3, 0, 0, 0);
    assert_states(s.store, 3, 0, 0, 0, 0);
    revision = unit_approve(s.store, "known", "bob");
    assert_int_equal(revision.number, 3);
    assert_int_equal(revision.target, 2);
    assert_int_equal(revision.added, 3);
    assert_int_equal(strlen(revision.mark), 16);
    assert_states(s.store, 0, 3, 0, 0, 0);

    /* The same feed again changes nothing, and makes no revision. */
    assert_summary(unit_import(s.store, "known", "ann", entries, 3, false), 0, 0, 0, 3);
    assert_int_equal(unit_info(s.store, "known").revision, 3);

    const uint32_t first = 1;
    const hk_act why = {.actor = "bob", .reason = "a stock photo", .at = 4};
    unit_ok(hk_store_retract(&revision, s.store, "known", &first, 1, &why, &unit_error));
    assert_int_equal(revision.withdrawn, 1);
    assert_states(s.store, 0, 2, 0, 1, 0);
    /* A feed does not bring back what a person has withdrawn. */
    const hk_import_summary again = unit_import(s.store, "known", "ann", entries, 4, false);
    assert_summary(again, 1, 0, 0, 2);
    assert_int_equal(again.kept_withdrawn, 1);
    assert_states(s.store, 1, 2, 0, 1, 0);

    unit_ok(hk_store_rollback(&revision, s.store, "known", 3, &why, &unit_error));
    assert_int_equal(revision.target, 3);
    assert_states(s.store, 0, 3, 0, 0, 0);
    assert_int_equal(hk_store_rollback(&revision, s.store, "known", 3, &why, NULL), HK_ERR_USAGE);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 1, &why, &unit_error));
    assert_states(s.store, 0, 0, 0, 0, 0);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 4, &why, &unit_error));
    assert_states(s.store, 0, 2, 0, 1, 0);
    unit_store_remove(&s);
}

static void test_replaced(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entry = unit_entry(1), other = entry;
    hk_revision revision;
    entry.id = other.id = "A-1";
    entry.category = "1";
    other.category = "2";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_approve(s.store, "known", "ann");
    assert_summary(unit_import(s.store, "known", "ann", &other, 1, false), 0, 1, 0, 0);
    assert_int_equal(unit_info(s.store, "known").proposed_replacements, 1);
    assert_states(s.store, 1, 1, 0, 0, 0);
    revision = unit_approve(s.store, "known", "ann");
    assert_int_equal(revision.added, 0);
    assert_int_equal(revision.replaced, 1);
    assert_states(s.store, 0, 1, 0, 0, 1);
    /* And back again: the feed before the last brings the old values as a new version. */
    assert_summary(unit_import(s.store, "known", "ann", &entry, 1, false), 0, 1, 0, 0);
    unit_approve(s.store, "known", "ann");
    assert_states(s.store, 0, 1, 0, 0, 2);
    unit_ok(
        hk_store_rollback(&revision, s.store, "known", 3, &(hk_act){.actor = "bob"}, &unit_error));
    assert_states(s.store, 0, 1, 0, 0, 0);
    unit_store_remove(&s);
}

/* Two folders have a file of the same name each: neither may replace the other, whereas the same
 * file under two names is one entry. */
static void test_names_are_no_ids(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entry = unit_entry(1), other = unit_entry(2);
    hk_reading *reading;
    const hk_listed *listed;
    entry.name = other.name = "./001.jpg";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_approve(s.store, "known", "ann");
    assert_summary(unit_import(s.store, "known", "ann", &other, 1, false), 1, 0, 0, 0);
    unit_approve(s.store, "known", "ann");
    assert_states(s.store, 0, 2, 0, 0, 0);
    entry.name = "./copy of 001.jpg";
    assert_summary(unit_import(s.store, "known", "ann", &entry, 1, false), 0, 0, 0, 1);
    unit_ok(hk_reading_find(&reading, s.store, "known", "./001.jpg", &unit_error));
    for (uint32_t number = 1; number <= 2; number++) {
        unit_ok(hk_reading_next(&listed, reading, &unit_error));
        assert_int_equal(listed->number, number);
        assert_string_equal(listed->entry.name, "./001.jpg");
        assert_null(listed->entry.id);
    }
    unit_ok(hk_reading_next(&listed, reading, &unit_error));
    assert_null(listed);
    hk_reading_close(reading);
    unit_store_remove(&s);
}

/* The older version is withdrawn by a person while the newer one waits: it may not slip in. */
static void test_withdrawn_while_proposed(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entry = unit_entry(1);
    hk_revision revision;
    const uint32_t first = 1;
    entry.id = "A-1";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_approve(s.store, "known", "ann");
    entry.category = "2";
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_ok(hk_store_retract(&revision, s.store, "known", &first, 1, &(hk_act){.actor = "bob"},
                             &unit_error));
    revision = unit_approve(s.store, "known", "ann");
    assert_int_equal(revision.quarantined, 1);
    assert_states(s.store, 0, 0, 1, 1, 0);
    unit_store_remove(&s);
}

static void test_whole_feed(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[6];
    make_entries(entries, 6);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_create(s.store, "other", false, false);
    unit_import(s.store, "known", "ann", entries, 5, false);
    unit_import(s.store, "other", "ann", entries, 2, false);
    unit_approve(s.store, "known", "ann");
    assert_summary(unit_import(s.store, "known", "ann", entries + 2, 4, true), 1, 0, 2, 3);
    assert_int_equal(unit_info(s.store, "known").proposed_withdrawals, 2);
    const hk_revision revision = unit_approve(s.store, "known", "ann");
    assert_int_equal(revision.withdrawn, 2);
    assert_states(s.store, 0, 4, 0, 2, 0);
    /* The feed took them back, the feed may bring them again. */
    assert_summary(unit_import(s.store, "known", "ann", entries, 6, true), 2, 0, 0, 4);
    assert_int_equal(unit_info(s.store, "other").entries[HK_ENTRY_PROPOSED], 2);
    unit_store_remove(&s);
}

/* What an earlier proposal withdraws, a later feed may still want: approving both keeps it. */
/* Nothing comes in that was proposed after somebody looked. */
static void test_approve_what_was_seen(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[2];
    hk_revision revision;
    hk_error err;
    const hk_act act = {.actor = "bob"};
    make_entries(entries, 2);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", entries, 1, false); /* revision 2 */
    unit_import(s.store, "known", "ann", entries, 2, false); /* 3 */
    unit_skip_screening(s.store);
    assert_int_equal(hk_store_approve(&revision, s.store, "known", 2, &act, &err), HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "revision 3"));
    assert_states(s.store, 2, 0, 0, 0, 0);
    unit_ok(hk_store_approve(&revision, s.store, "known", 3, &act, &unit_error));
    assert_states(s.store, 0, 2, 0, 0, 0);
    assert_int_equal(hk_store_retract(&revision, s.store, "known", NULL, 0, &act, NULL),
                     HK_ERR_USAGE);
    unit_store_remove(&s);
}

/* One id for two pictures: two sources count from one each. The newer does not take the older's
 * place by itself. */
static void test_one_id_for_two(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entry = unit_entry(1), other = unit_entry(2);
    entry.id = other.id = "1";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_approve(s.store, "known", "ann");
    const hk_import_summary summary = unit_import(s.store, "known", "ann", &other, 1, false);
    assert_summary(summary, 0, 1, 0, 0);
    assert_int_equal(summary.suspicious, 1);
    unit_approve(s.store, "known", "ann");
    assert_states(s.store, 0, 1, 1, 0, 0);
    /* Both sources go on saying what they say. */
    assert_summary(unit_import(s.store, "known", "ann", &entry, 1, false), 0, 0, 0, 1);
    assert_summary(unit_import(s.store, "known", "ann", &other, 1, false), 0, 0, 0, 1);
    unit_store_remove(&s);
}

static void test_withdrawal_that_is_overtaken(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[3];
    hk_import *import;
    hk_import_summary summary;
    hk_error err;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    make_entries(entries, 3);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", entries, 2, false);
    unit_approve(s.store, "known", "ann");
    assert_summary(unit_import(s.store, "known", "ann", entries, 1, true), 0, 0, 1, 1);
    assert_summary(unit_import(s.store, "known", "ann", entries, 2, true), 1, 0, 0, 1);
    unit_approve(s.store, "known", "ann");
    assert_states(s.store, 0, 2, 0, 1, 0);
    /* A whole feed of nothing is no feed. */
    options.act.actor = "ann";
    options.whole = true;
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    assert_int_equal(hk_import_finish(&summary, import, &err), HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "withdraw everything"));
    hk_import_free(import);
    assert_states(s.store, 0, 2, 0, 1, 0);
    unit_store_remove(&s);
}

/* A rollback says what it did, entry by entry; and it lets nobody alone in. */
static void test_rollback_numbers(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[5];
    hk_revision revision;
    hk_error err;
    const uint32_t one = 1, two = 2;
    const hk_act ann = {.actor = "ann"}, bob = {.actor = "bob"};
    make_entries(entries, 5);
    memset(&entries[1].hash, 0, sizeof entries[1].hash);
    unit_store_make(&s);
    unit_create(s.store, "known", false, true);
    unit_import(s.store, "known", "ann", entries, 5, false);
    unit_approve(s.store, "known", "bob"); /* revision 3: #2 waits */
    unit_ok(hk_store_retract(&revision, s.store, "known", &one, 1, &ann, &unit_error));
    unit_ok(hk_store_approve_entries(&revision, s.store, "known", &two, 1, &bob, &unit_error));
    assert_int_equal(
        hk_store_rollback(&revision, s.store, "known", 3, &(hk_act){.actor = " Ann"}, &err),
        HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "second person"));
    unit_ok(hk_store_rollback(&revision, s.store, "known", 3, &bob, &unit_error));
    assert_int_equal(revision.added, 1);
    assert_int_equal(revision.withdrawn, 1);
    assert_int_equal(revision.quarantined, 1);
    unit_ok(hk_store_rollback(&revision, s.store, "known", 2, &ann, &unit_error));
    assert_int_equal(revision.added, 0);
    assert_int_equal(revision.withdrawn, 4);
    assert_int_equal(revision.quarantined, 0);
    unit_store_remove(&s);
}

static void test_suspicious(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[4];
    hk_revision revision;
    make_entries(entries, 4);
    memset(&entries[1].hash, 0, sizeof entries[1].hash);
    entries[2].quality = 49;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    const hk_import_summary summary = unit_import(s.store, "known", "ann", entries, 4, false);
    assert_int_equal(summary.suspicious, 2);
    assert_states(s.store, 2, 0, 2, 0, 0);
    /* A person lets one of them in before the rest, and throws the other away. */
    const uint32_t cleared = 3, wrong[] = {2, 9};
    const hk_act act = {.actor = "bob"};
    unit_ok(hk_store_approve_entries(&revision, s.store, "known", &cleared, 1, &act, &unit_error));
    assert_states(s.store, 3, 0, 1, 0, 0);
    assert_int_equal(hk_store_approve_entries(&revision, s.store, "known", &cleared, 1, &act, NULL),
                     HK_ERR_USAGE);
    assert_int_equal(hk_store_retract(&revision, s.store, "known", wrong, 2, &act, NULL),
                     HK_ERR_USAGE); /* all or none */
    assert_states(s.store, 3, 0, 1, 0, 0);
    revision = unit_approve(s.store, "known", "ann");
    assert_int_equal(revision.added, 3);
    assert_int_equal(revision.quarantined, 1);
    assert_states(s.store, 0, 3, 1, 0, 0);
    unit_ok(hk_store_approve_entries(&revision, s.store, "known", wrong, 1, &act, &unit_error));
    assert_int_equal(revision.added, 1);
    assert_states(s.store, 0, 4, 0, 0, 0);
    unit_store_remove(&s);
}

/* One feed that says two things of one entry: both wait. */
static void test_contradiction_in_a_feed(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[4];
    make_entries(entries, 4);
    entries[1] = entries[0];
    entries[1].category = "2";
    entries[3] = entries[2];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    const hk_import_summary summary = unit_import(s.store, "known", "ann", entries, 4, false);
    assert_summary(summary, 3, 0, 0, 1);
    assert_int_equal(summary.suspicious, 2);
    /* The same feed again is nothing new. */
    assert_summary(unit_import(s.store, "known", "ann", entries, 4, false), 0, 0, 0, 4);
    unit_store_remove(&s);
}

static void test_two_persons(void **state)
{
    (void)state;
    unit_store s;
    const hk_entry entry = unit_entry(1);
    hk_revision revision;
    unit_store_make(&s);
    unit_create(s.store, "known", false, true);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    assert_int_equal(
        hk_store_approve(&revision, s.store, "known", 0, &(hk_act){.actor = "bob"}, NULL),
        HK_ERR_USAGE); /* not screened */
    unit_skip_screening(s.store);
    hk_error err;
    assert_int_equal(
        hk_store_approve(&revision, s.store, "known", 0, &(hk_act){.actor = "ann"}, &err),
        HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "second person"));
    assert_int_equal(hk_store_approve(&revision, s.store, "known", 0, &(hk_act){.actor = ""}, NULL),
                     HK_ERR_USAGE);
    assert_states(s.store, 1, 0, 0, 0, 0);
    unit_approve(s.store, "known", "bob");
    assert_states(s.store, 0, 1, 0, 0, 0);
    unit_store_remove(&s);
}

/* An import that is not finished leaves nothing, whether it was freed or killed. */
static void test_unfinished(void **state)
{
    (void)state;
    unit_store s;
    hk_import *import;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    int64_t left;
    options.act.actor = "ann";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    for (uint64_t i = 0; i < 70000; i++) { /* some of it is in the store by then */
        const hk_entry entry = unit_entry(i);
        unit_ok(hk_import_entry(import, &entry, &unit_error));
    }
    unit_ok(hk__sql_number(&left, 0, s.store->db, &unit_error, "SELECT count(*) FROM entry", ""));
    assert_int_equal(left, 65536);
    assert_states(s.store, 0, 0, 0, 0, 0);
    hk_import_free(import);
    static const char *const tables[] = {"SELECT count(*) FROM entry", "SELECT count(*) FROM span",
                                         "SELECT count(*) FROM batch",
                                         "SELECT count(*) FROM entry_key"};
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        unit_ok(hk__sql_number(&left, 0, s.store->db, &unit_error, tables[i], ""));
        assert_int_equal(left, 0);
    }
    unit_store_remove(&s);
}

/* The disk is full in the middle of an import: it says so, and the list is as it was. */
static void test_full_disk(void **state)
{
    (void)state;
    enum { ENTRIES = 200000, ROOM = 2 << 20 };
    unit_store s;
    hk_import *import;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    const hk_entry before = unit_entry(1);
    struct rlimit limit, small;
    hk_status status = HK_OK;
    hk_error err = {0};
    options.act.actor = "ann";
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &before, 1, false);
    unit_approve(s.store, "known", "ann");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = ROOM;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    for (uint64_t i = 0; !status && i < ENTRIES; i++) {
        const hk_entry entry = unit_entry(i);
        status = hk_import_entry(import, &entry, &err);
    }
    assert_int_equal(status, HK_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "nothing was changed"));
    hk_import_summary summary;
    assert_int_equal(hk_import_finish(&summary, import, NULL), HK_ERR_USAGE); /* it has failed */
    hk_import_free(import);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_states(s.store, 0, 1, 0, 0, 0);
    /* And it can go on, which clears away what was left. */
    const hk_entry after = unit_entry(2);
    assert_summary(unit_import(s.store, "known", "ann", &after, 1, false), 1, 0, 0, 0);
    int64_t entries;
    unit_ok(
        hk__sql_number(&entries, 0, s.store->db, &unit_error, "SELECT count(*) FROM entry", ""));
    assert_int_equal(entries, 2);
    unit_store_remove(&s);
}

/* Against a plain model: many feeds that overlap, in one list after another. */
static void test_many_feeds(void **state)
{
    (void)state;
    enum { ENTRIES = 3000, ROUNDS = 30 };
    unit_store s;
    uint64_t random = 7;
    static unsigned char in_list[ENTRIES]; /* 1 + category of what is active */
    static hk_entry feed[ENTRIES];
    static const char *const categories[] = {"1", "2", "3"};
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    memset(in_list, 0, sizeof in_list);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t added = 0, replaced = 0, withdrawn = 0, unchanged = 0;
        size_t count = 0;
        const bool whole = next_random(&random) % 4 == 0;
        for (size_t i = 0; i < ENTRIES; i++) {
            const unsigned category = next_random(&random) % 8 < 6 ? 0 : next_random(&random) % 3;
            if (next_random(&random) % 3) {
                withdrawn += whole && in_list[i];
                in_list[i] = whole ? 0 : in_list[i];
                continue;
            }
            feed[count] = unit_entry(i);
            feed[count++].category = categories[category];
            added += !in_list[i];
            unchanged += in_list[i] == 1 + category;
            replaced += in_list[i] && in_list[i] != 1 + category;
            in_list[i] = (unsigned char)(1 + category);
        }
        assert_summary(unit_import(s.store, "known", "ann", feed, count, whole), added, replaced,
                       withdrawn, unchanged);
        unit_approve(s.store, "known", "ann");
        uint64_t active = 0;
        for (size_t i = 0; i < ENTRIES; i++)
            active += in_list[i] != 0;
        assert_int_equal(unit_info(s.store, "known").entries[HK_ENTRY_ACTIVE], active);
    }
    unit_store_remove(&s);
}

static void test_not_a_store(void **state)
{
    (void)state;
    unit_store s;
    hk_store *store;
    hk_error err;
    char path[96];
    unit_store_make(&s);
    snprintf(path, sizeof path, "%s/none.db", s.folder);
    assert_int_equal(hk_store_open(&store, path, HK_STORE_READ, &err), HK_ERR_IO);
    assert_non_null(strstr(err.message, "list create"));
    assert_int_equal(hk_store_open(&store, s.folder, HK_STORE_READ, &err), HK_ERR_IO);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("not a database, but long enough to be one\n", file);
    fclose(file);
    assert_int_equal(hk_store_open(&store, path, HK_STORE_CREATE, &err), HK_ERR_FORMAT);
    unit_ok(hk__sql_run(s.store->db, "PRAGMA user_version = 3", &unit_error));
    assert_int_equal(hk_store_open(&store, s.path, HK_STORE_READ, &err), HK_ERR_FORMAT);
    assert_non_null(strstr(err.message, "version 3"));
    unit_store_remove(&s);
}

/* Who made the file was stopped before it had tables: the next one goes on. */
static void test_stopped_while_made(void **state)
{
    (void)state;
    unit_store s;
    hk_store *store;
    sqlite3 *db;
    char path[96];
    unit_store_make(&s);
    snprintf(path, sizeof path, "%s/begun.db", s.folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    unit_ok(hk__sql_run(db, "PRAGMA journal_mode = wal", &unit_error));
    sqlite3_close(db);
    assert_int_equal(hk_store_open(&store, path, HK_STORE_WRITE, NULL), HK_ERR_FORMAT);
    unit_ok(hk_store_open(&store, path, HK_STORE_CREATE, &unit_error));
    unit_create(store, "known", false, false);
    hk_store_close(store);
    /* A database of others, empty as it may be, is left alone. */
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    unit_ok(hk__sql_run(db, "PRAGMA application_id = 7", &unit_error));
    sqlite3_close(db);
    assert_int_equal(hk_store_open(&store, path, HK_STORE_CREATE, NULL), HK_ERR_FORMAT);
    unit_store_remove(&s);
}

/* A store that a group may write to can be locked by all of it. */
static void test_lock_for_a_group(void **state)
{
    (void)state;
    unit_store s;
    struct stat facts;
    char path[96];
    const hk_entry entry = unit_entry(1);
    const mode_t mask = umask(022);
    unit_store_make(&s);
    assert_int_equal(chmod(s.path, 0660), 0);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    umask(mask);
    snprintf(path, sizeof path, "%s-lock", s.path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0660);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_names_are_no_ids),
        cmocka_unit_test(test_withdrawn_while_proposed),
        cmocka_unit_test(test_whole_feed),
        cmocka_unit_test(test_approve_what_was_seen),
        cmocka_unit_test(test_one_id_for_two),
        cmocka_unit_test(test_withdrawal_that_is_overtaken),
        cmocka_unit_test(test_rollback_numbers),
        cmocka_unit_test(test_suspicious),
        cmocka_unit_test(test_contradiction_in_a_feed),
        cmocka_unit_test(test_two_persons),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_many_feeds),
        cmocka_unit_test(test_not_a_store),
        cmocka_unit_test(test_stopped_while_made),
        cmocka_unit_test(test_lock_for_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
