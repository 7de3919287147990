/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_ledger_entries.c - which entry it is that the brake holds: two of one name are told apart by
 * their numbers, those without a number by name; and DB.keys of before there were numbers.
 */
#include "ledger_unit.h"

/* One near hit of an entry, answered; its verdict. */
static hk_asked ask(hk_ledger *ledger, const unit_key *key, const char *entry, uint32_t number)
{
    static hk_match match;
    hk_caller caller;
    hk_asked item = unit_near(&match, NULL, entry, 12);
    match.entry_number = number;
    assert_int_equal(unit_admit(&caller, ledger, key, 1), HK_ADMITTED);
    unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
    return item;
}

static unsigned asks_until_braked(hk_ledger *ledger, const unit_key *key, uint32_t number)
{
    for (unsigned i = 1; i <= 100; i++)
        if (ask(ledger, key, "line 1", number).verdict == HK_VERDICT_NONE)
            return i;
    return 0;
}

static void confirm(const unit_ledger *u, const char *who, uint32_t number, unsigned expected)
{
    hk_keys *keys;
    unsigned confirmations;
    const hk_act act = {.actor = who};
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_brake_confirm(&confirmations, keys, "police", "line 1", number, &act, &unit_error));
    assert_int_equal(confirmations, expected);
    hk_keys_close(keys);
}

static unit_told brakes_of(const unit_ledger *u)
{
    hk_keys *keys;
    unit_told told = {0};
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_brake_list(keys, false, unit_see_brake, &told, &unit_error));
    hk_keys_close(keys);
    return told;
}

static hk_ledger_options few(void)
{
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    options.brake_client = 10;
    return options;
}

static void test_two_of_a_name(void **state)
{
    unit_ledger u;
    hk_keys *keys;
    const hk_ledger_options options = few();
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, &options);
    assert_int_equal(asks_until_braked(ledger, &key, 7), 10);
    assert_int_equal(ask(ledger, &key, "line 1", 8).verdict, HK_VERDICT_NEAR);
    assert_int_equal(ask(ledger, &key, "line 1", 0).verdict, HK_VERDICT_NEAR);
    hk_ledger_close(ledger);
    ledger = unit_open(&u, &options); /* so it is in DB.keys as well */
    assert_int_equal(ask(ledger, &key, "line 1", 7).verdict, HK_VERDICT_NONE);
    assert_int_equal(ask(ledger, &key, "line 1", 8).verdict, HK_VERDICT_NEAR);
    assert_int_equal(brakes_of(&u).brake.entry_number, 7);
    unit_records s = unit_records_of(&u, "brake");
    assert_int_equal(unit_number_in(s.last, "number"), 7);
    json_decref(s.last);
    s = unit_records_of(&u, "check"); /* the last hit, of the other */
    assert_int_equal(unit_number_in(json_array_get(json_object_get(s.last, "hits"), 0), "number"),
                     8);
    json_decref(s.last);
    /* The one is let go, and not the other. */
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    assert_int_equal(hk_brake_release(keys, "police", "line 1", 8, 1, &unit_act, NULL),
                     HK_ERR_USAGE);
    unit_ok(hk_brake_release(keys, "police", "line 1", 7, 1, &unit_act, &unit_error));
    assert_int_equal(brakes_of(&u).count, 0);
    hk_keys_close(keys);
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

/* Two persons who look let it answer again, and it is not braked any more; of another entry of the
 * name they said nothing. */
static void test_confirmed_by_two(void **state)
{
    unit_ledger u;
    const hk_ledger_options options = few();
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, &options);
    assert_int_equal(asks_until_braked(ledger, &key, 7), 10);
    hk_ledger_close(ledger);
    confirm(&u, "ann", 7, 1);
    confirm(&u, "ann", 7, 1); /* the same one twice is one */
    confirm(&u, "bob", 8, 1);
    assert_int_equal(brakes_of(&u).count, 1);
    confirm(&u, "bob", 7, 2);
    assert_int_equal(brakes_of(&u).count, 0);
    ledger = unit_open(&u, &options);
    assert_int_equal(asks_until_braked(ledger, &key, 7), 0);
    assert_int_equal(asks_until_braked(ledger, &key, 8), 10);
    hk_ledger_close(ledger);
    /* Who says it of the name says it of each of them. */
    confirm(&u, "ann", 0, 1);
    assert_int_equal(brakes_of(&u).count, 0);
    ledger = unit_open(&u, &options);
    assert_int_equal(asks_until_braked(ledger, &key, 8), 0);
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

static void release(const unit_ledger *u, uint32_t number, unsigned days)
{
    hk_keys *keys;
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_brake_release(keys, "police", "line 1", number, days, &unit_act, &unit_error));
    hk_keys_close(keys);
}

/* A release that is over takes nothing from one that holds, nor from what two have confirmed. */
static void test_released_before(void **state)
{
    unit_ledger u;
    const hk_ledger_options options = few();
    (void)state;
    for (uint32_t number = 0; number <= 7; number += 7) {
        unit_ledger_make(&u);
        const unit_key key = unit_key_for(&u, "acme", 0);
        hk_ledger *ledger = unit_open(&u, &options);
        assert_int_equal(asks_until_braked(ledger, &key, number), 10);
        hk_ledger_close(ledger);
        release(&u, number, 0);
        ledger = unit_open(&u, &options);
        assert_in_range(asks_until_braked(ledger, &key, number), 1, 10);
        hk_ledger_close(ledger);
        confirm(&u, "ann", 7, 1);
        confirm(&u, "bob", 7, 2);
        ledger = unit_open(&u, &options);
        assert_int_equal(asks_until_braked(ledger, &key, 7), 0);
        hk_ledger_close(ledger);
        unit_ledger_remove(&u);
    }
}

/* A digest finds a braked entry as before, alone or beside its hash: a verdict of exact stays. */
static void test_digests_are_never_braked(void **state)
{
    unit_ledger u;
    hk_caller caller;
    const hk_ledger_options options = few();
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, &options);
    for (int i = 0; i < 100; i++) { /* nor do they count */
        hk_match match = {
            .list = "police", .entry = "line 1", .entry_number = 7, .basis = HK_BASIS_SHA1};
        hk_asked item = {.matches = &match, .match_count = 1, .verdict = HK_VERDICT_EXACT};
        assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
        assert_int_equal(item.verdict, HK_VERDICT_EXACT);
    }
    assert_int_equal(asks_until_braked(ledger, &key, 7), 10);
    for (int b = 0; b < HK_BASIS_PDQ; b++) {
        hk_match match[2] = {
            {.list = "police", .entry = "line 1", .entry_number = 7, .basis = (hk_basis)b},
            {.list = "police", .entry = "line 1", .entry_number = 7, .basis = HK_BASIS_PDQ}};
        hk_asked item = {.matches = match, .match_count = 2, .verdict = HK_VERDICT_EXACT};
        assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
        assert_int_equal(item.verdict, HK_VERDICT_EXACT);
        assert_int_equal(item.match_count, 1);
        assert_int_equal(strlen(item.match_id), 32);
    }
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

/* ---- a restart ------------------------------------------------------------------------------- */

/* A restart in the middle of a flood gives it no hit more, by whomever and of whichever entry; nor
 * does a crash that leaves hits in the log alone. */
static void test_restart_in_a_flood(void **state)
{
    unit_ledger u;
    unit_key key[3];
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;

    (void)state;
    options.brake_clients = 3;
    options.brake_hits = 30;
    unit_ledger_make(&u);
    for (int i = 0; i < 3; i++)
        key[i] = unit_key_for(&u, (const char *const[]){"a", "b", "c"}[i], 0);
    hk_ledger *ledger = unit_open(&u, &options);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(ledger, &key[i % 3], "line 1", 7).verdict, HK_VERDICT_NEAR);
    hk_ledger_close(ledger);
    size_t size;
    char *bytes = unit_read(&size, u.keys);
    ledger = unit_open(&u, &options);
    for (int i = 10; i < 20; i++) {
        assert_int_equal(ask(ledger, &key[i % 3], "line 1", 7).verdict, HK_VERDICT_NEAR);
        assert_int_equal(ask(ledger, &key[i % 3], "line 1", 8).verdict, HK_VERDICT_NEAR);
    }
    hk_ledger_close(ledger);
    unit_write(u.keys, bytes, size); /* what came since is in the log alone */
    free(bytes);
    ledger = unit_open(&u, &options);
    for (int i = 20; i < 29; i++)
        assert_int_equal(ask(ledger, &key[i % 3], "line 1", 7).verdict, HK_VERDICT_NEAR);
    assert_int_equal(ask(ledger, &key[0], "line 1", 7).verdict, HK_VERDICT_NONE);
    assert_int_equal(brakes_of(&u).count, 0); /* not posted yet */
    hk_ledger_close(ledger);
    assert_int_equal(brakes_of(&u).brake.hits, 30);
    assert_int_equal(brakes_of(&u).brake.clients, 3);
    ledger = unit_open(&u, &options);
    for (int i = 0; i < 19; i++)
        assert_int_equal(ask(ledger, &key[i % 3], "line 1", 8).verdict, HK_VERDICT_NEAR);
    assert_int_equal(ask(ledger, &key[0], "line 1", 8).verdict, HK_VERDICT_NONE);
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* What was counted before it was let go does not brake it again, and what is older than two days
 * counts no more; neither do digests. */
static void test_what_does_not_count(void **state)
{
    static const char *const edits[] = {
        "UPDATE match_id SET at = at - 3 * 86400",
        "UPDATE match_id SET basis = 0",
        "INSERT INTO brake(list, entry, number, client, since, hits, clients, suppressed, released,"
        " spared) VALUES('police', 'line 1', 7, 0, 1, 1, 1, 0, 1, unixepoch() + 1)",
    };
    const hk_ledger_options options = few();
    (void)state;
    for (size_t i = 0; i <= COUNT_OF(edits); i++) {
        unit_ledger u;
        hk_keys *keys;
        unit_ledger_make(&u);
        const unit_key key = unit_key_for(&u, "acme", 0);
        hk_ledger *ledger = unit_open(&u, &options);
        for (int hits = 0; hits < 9; hits++)
            assert_int_equal(ask(ledger, &key, "line 1", 7).verdict, HK_VERDICT_NEAR);
        hk_ledger_close(ledger);
        unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
        if (i < COUNT_OF(edits))
            unit_ok(hk__sql_run(keys->db, edits[i], &unit_error));
        hk_keys_close(keys);
        ledger = unit_open(&u, &options);
        const struct timespec pause = {2, 0}; /* until it is no longer spared */
        if (i == 2)
            nanosleep(&pause, NULL);
        assert_int_equal(asks_until_braked(ledger, &key, 7), i < COUNT_OF(edits) ? 10 : 1);
        hk_ledger_close(ledger);
        unit_ledger_remove(&u);
    }
}

/* What it costs at the start, at its bound: a million hits of two days and more before. */
static void test_cost_of_a_recount(void **state)
{
    enum { ROWS = 1200000 };
    unit_ledger u;
    hk_keys *keys;
    hk__brake *brake;
    uint64_t counted;
    const hk_ledger_options options = few();
    const int64_t wall = time(NULL);
    (void)state;
    if (!getenv("HERKEN_MEASURE"))
        skip();
    unit_ledger_make(&u);
    unit_ok(hk_keys_open(&keys, u.db, true, &unit_error));
    unit_ok(
        hk__sql_do(keys->db, &unit_error,
                   "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)"
                   " INSERT INTO match_id(id, client, list, entry, basis, distance, at, number)"
                   " SELECT randomblob(16), n % 40, 'police', 'K-' || (random() & 65535), ?2, 9,"
                   " ?3 - 172800 + n * 172800 / ?1, 0 FROM i",
                   "iii", (int64_t)ROWS, (int64_t)HK_BASIS_PDQ, wall));
    unit_ok(hk__brake_new(&brake, &options, &unit_error));
    const uint64_t start = hk__clock_ns();
    unit_ok(hk__brake_recount(&counted, brake, keys, start, wall, &unit_error));
    print_message("%llu of %d hits counted again in %.2f s\n", (unsigned long long)counted, ROWS,
                  (double)(hk__clock_ns() - start) / 1e9);
    assert_in_range(counted, HK__RECOUNT_MOST - 20, HK__RECOUNT_MOST);
    hk__brake_free(brake);
    hk_keys_close(keys);
    unit_ledger_remove(&u);
}

/* ---- DB.keys of version 1 ------------------------------------------------------------------- */

static const char back_to_1[] =
    "DROP INDEX brake_in_force;"
    "ALTER TABLE match_id DROP COLUMN number; ALTER TABLE feedback DROP COLUMN number;"
    "ALTER TABLE brake DROP COLUMN number; ALTER TABLE notice DROP COLUMN number;"
    "CREATE UNIQUE INDEX brake_in_force ON brake(list, entry, client) WHERE released IS NULL;"
    "DROP TABLE confirmation;"
    "CREATE TABLE confirmation(list TEXT NOT NULL, entry TEXT NOT NULL, who TEXT NOT NULL,"
    " at INTEGER NOT NULL, PRIMARY KEY(list, entry, who)) WITHOUT ROWID;"
    "INSERT INTO confirmation VALUES('police', 'right', 'person:ann', 5),"
    " ('police', 'right', 'person:bob', 6);"
    "PRAGMA user_version = 1";

/* What was braked and confirmed by name holds for every entry of the name. */
static void test_of_version_1(void **state)
{
    unit_ledger u;
    sqlite3 *db;
    const hk_ledger_options options = few();
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, &options);
    assert_int_equal(asks_until_braked(ledger, &key, 0), 10);
    hk_ledger_close(ledger);
    assert_int_equal(sqlite3_open(u.keys, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, back_to_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ledger = unit_open(&u, &options);
    assert_int_equal(ask(ledger, &key, "line 1", 7).verdict, HK_VERDICT_NONE);
    assert_int_equal(ask(ledger, &key, "line 1", 0).verdict, HK_VERDICT_NONE);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ask(ledger, &key, "right", 9).verdict, HK_VERDICT_NEAR);
    hk_ledger_close(ledger);
    assert_int_equal(brakes_of(&u).count, 1);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_of_a_name),      cmocka_unit_test(test_confirmed_by_two),
        cmocka_unit_test(test_released_before),    cmocka_unit_test(test_digests_are_never_braked),
        cmocka_unit_test(test_restart_in_a_flood), cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_cost_of_a_recount),  cmocka_unit_test(test_of_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
