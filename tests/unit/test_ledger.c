/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_ledger.c - a server's ledger as a whole: from admission to the record, and what stays. */
#include "ledger_unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Has one near hit of an entry answered. */
static hk_asked answer_near(hk_ledger *ledger, const unit_key *key, const char *entry,
                            const hk_hash *hash)
{
    static hk_match match;
    hk_caller caller;
    hk_asked item = unit_near(&match, hash, entry, 12);
    assert_int_equal(unit_admit(&caller, ledger, key, 1), HK_ADMITTED);
    unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, "192.0.2.7", &unit_error));
    return item;
}

static void test_an_answer(void **state)
{
    unit_ledger u;
    uint64_t random = 1;
    hk_caller caller;
    hk_answered answered;
    const hk_hash hashes[4] = {healthy_hash(&random), healthy_hash(&random), healthy_hash(&random)};
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, NULL);
    hk_match near_match,
        exact[2] = {{.list = "good", .entry = "x", .basis = HK_BASIS_MD5, .known_good = true},
                    {.list = "po\"lice", .entry = "a\\b\x01\xff", .basis = HK_BASIS_SHA1}};
    hk_asked items[4] = {unit_near(&near_match, &hashes[0], "e1", 9),
                         {.verdict = HK_VERDICT_EXACT, .matches = exact, .match_count = 2},
                         {.verdict = HK_VERDICT_NONE, .hashes = &hashes[1], .hash_count = 1},
                         {.verdict = HK_VERDICT_NOT_CHECKED}};
    assert_int_equal(unit_admit(&caller, ledger, &key, 4), HK_ADMITTED);
    unit_ok(hk_ledger_answer(&answered, ledger, &caller, items, 4, "192.0.2.7", &unit_error));
    assert_int_equal(answered.by_verdict[HK_VERDICT_NEAR], 1);
    assert_int_equal(strlen(items[0].match_id), 32);
    assert_int_equal(strlen(items[1].match_id), 32);
    assert_string_not_equal(items[0].match_id, items[1].match_id);
    assert_string_equal(items[2].match_id, "");
    unit_records s = unit_records_of(&u, "check");
    assert_int_equal(s.count, 1);
    assert_int_equal(unit_number_in(s.last, "n"), answered.number);
    assert_int_equal(unit_number_in(s.last, "items"), 4);
    assert_int_equal(unit_number_in(s.last, "exact"), 1);
    assert_int_equal(unit_number_in(s.last, "near"), 1);
    assert_int_equal(unit_number_in(s.last, "none"), 1);
    assert_int_equal(unit_number_in(s.last, "not_checked"), 1);
    assert_int_equal(unit_number_in(s.last, "key"), key.number);
    assert_string_equal(json_string_value(json_object_get(s.last, "from")), "192.0.2.7");
    const json_t *hits = json_object_get(s.last, "hits");
    assert_int_equal(json_array_size(hits), 2);
    const json_t *first = json_array_get(hits, 0), *second = json_array_get(hits, 1);
    assert_string_equal(json_string_value(json_object_get(first, "id")), items[0].match_id);
    assert_int_equal(unit_number_in(first, "distance"), 9);
    assert_string_equal(json_string_value(json_object_get(second, "list")), "po\"lice");
    assert_string_equal(json_string_value(json_object_get(second, "entry")),
                        "a\\b\x01\xef\xbf\xbd");
    json_decref(s.last);
    /* No hash that was asked for is in the log, whether it matched or not. */
    size_t size;
    char hex[HK_HASH_TEXT_SIZE];
    char *text = unit_read(&size, u.audit);
    for (int i = 0; i < 2; i++) {
        hk_hash_format(hex, &hashes[i]);
        assert_null(strstr(text, hex));
    }
    free(text);
    /* What cannot be: somebody who was not admitted; a hit of nothing. */
    hk_caller nobody = {.name = ""};
    assert_int_equal(hk_ledger_answer(NULL, ledger, &nobody, items, 1, NULL, NULL), HK_ERR_USAGE);
    hk_asked bad = {.verdict = HK_VERDICT_NEAR};
    assert_int_equal(hk_ledger_answer(NULL, ledger, &caller, &bad, 1, NULL, NULL), HK_ERR_USAGE);
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "start"), 1);
    assert_int_equal(unit_count_records(&u, "stop"), 1);
    assert_int_equal(unit_count_records(&u, "key"), 1);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* What a command does works in a running server within a second. */
static void test_revoked_within_a_second(void **state)
{
    unit_ledger u;
    hk_caller caller;
    hk_keys *keys;
    uint64_t revoked, number;
    unit_key fresh;
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, NULL);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_key_rotate(fresh.text, &number, keys, "acme", 100, &unit_act, &unit_error));
    uint64_t start = hk__clock_ns();
    while (unit_admit(&caller, ledger, &fresh, 1) != HK_ADMITTED)
        assert_true(hk__clock_ns() - start < UINT64_C(1000000000));
    assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
    unit_ok(hk_key_revoke(&revoked, keys, "acme", key.number, &unit_act, &unit_error));
    start = hk__clock_ns();
    while (unit_admit(&caller, ledger, &key, 1) != HK_REFUSED_REVOKED)
        assert_true(hk__clock_ns() - start < UINT64_C(1000000000));
    assert_int_equal(unit_admit(&caller, ledger, &fresh, 1), HK_ADMITTED);
    hk_keys_close(keys);
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "key"), 3);
    assert_int_equal(unit_count_records(&u, "refused"), 1);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

static void test_near_budget(void **state)
{
    unit_ledger u;
    hk_caller caller;
    uint64_t random = 4;
    hk_match match, digest = {.list = "police", .entry = "d", .basis = HK_BASIS_MD5};
    (void)state;
    unit_ledger_make(&u);
    hk_client_settings settings = unit_settings("acme");
    settings.near_budget = 3;
    const unit_key key = unit_make_key(&u, &settings);
    hk_ledger *ledger = unit_open(&u, NULL);
    for (int i = 0; i < 5; i++) {
        const hk_hash hash = healthy_hash(&random);
        hk_asked items[4] = {unit_near(&match, &hash, "e", 3),
                             {.verdict = HK_VERDICT_NONE, .hashes = &hash, .hash_count = 1},
                             {.verdict = HK_VERDICT_NONE}, /* by digests alone */
                             {.verdict = HK_VERDICT_EXACT, .matches = &digest, .match_count = 1}};
        assert_int_equal(unit_admit(&caller, ledger, &key, 4), HK_ADMITTED);
        assert_int_equal(caller.near_closed, i >= 3);
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, items, 4, NULL, &unit_error));
        assert_int_equal(items[0].verdict, i < 3 ? HK_VERDICT_NEAR : HK_VERDICT_NOT_CHECKED);
        /* Once it is over, `none` would tell as much as `near`. */
        assert_int_equal(items[1].verdict, i < 2 ? HK_VERDICT_NONE : HK_VERDICT_NOT_CHECKED);
        assert_int_equal(items[2].verdict, HK_VERDICT_NONE);
        assert_int_equal(items[3].verdict, HK_VERDICT_EXACT);
        if (i >= 3)
            assert_string_equal(items[0].reason, "near_budget");
    }
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "near_budget"), 1);
    /* A restart gives nothing back. */
    ledger = unit_open(&u, NULL);
    assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
    assert_true(caller.near_closed);
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

/* ---- the brake ------------------------------------------------------------------------------- */

static void test_brake(void **state)
{
    enum { CLIENTS = 6 };
    unit_ledger u;
    unit_key key[CLIENTS];
    hk_keys *keys;
    uint64_t random = 4;
    unit_told brakes = {0}, notices = {0};
    unsigned hits = 0, confirmations;
    const hk_hash picture = healthy_hash(&random);
    char name[16];
    (void)state;
    unit_ledger_make(&u);
    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(name, sizeof name, "host%u", i);
        key[i] = unit_key_for(&u, name, i < 2 ? HK_SCOPE_CURATE : 0);
    }
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    options.brake_hits = 60;
    hk_ledger *ledger = unit_open(&u, &options);
    hk_asked item;
    do {
        const hk_hash hash = at_distance(&picture, 8, &random);
        item = answer_near(ledger, &key[hits % CLIENTS], "wordpress", &hash);
        hits++;
    } while (item.verdict == HK_VERDICT_NEAR);
    assert_int_equal(hits, options.brake_hits);
    assert_int_equal(item.verdict, HK_VERDICT_NONE);
    assert_int_equal(item.match_count, 0);
    assert_string_equal(item.match_id, "");
    for (int i = 0; i < 100; i++) { /* and that is no walk of the account that asks */
        const hk_hash hash = at_distance(&picture, 8, &random);
        assert_int_equal(answer_near(ledger, &key[0], "wordpress", &hash).verdict, HK_VERDICT_NONE);
    }
    unit_records s = unit_records_of(&u, "check"); /* what was suppressed is in it, without an id */
    const json_t *braked = json_array_get(json_object_get(s.last, "braked"), 0);
    assert_string_equal(json_string_value(json_object_get(braked, "entry")), "wordpress");
    assert_int_equal(unit_number_in(braked, "distance"), 12);
    assert_int_equal(unit_number_in(s.last, "none"), 1);
    assert_null(json_object_get(s.last, "hits"));
    json_decref(s.last);
    assert_int_equal(answer_near(ledger, &key[0], "other", NULL).verdict, HK_VERDICT_NEAR);
    /* Digests hit as before; a second match of the item stands. */
    hk_caller caller;
    hk_match both[2] = {{.list = "police", .entry = "wordpress", .basis = HK_BASIS_PDQ},
                        {.list = "police", .entry = "wordpress", .basis = HK_BASIS_MD5}};
    hk_asked exact = {.verdict = HK_VERDICT_EXACT, .matches = both, .match_count = 2};
    assert_int_equal(unit_admit(&caller, ledger, &key[0], 1), HK_ADMITTED);
    unit_ok(hk_ledger_answer(NULL, ledger, &caller, &exact, 1, NULL, &unit_error));
    assert_int_equal(exact.verdict, HK_VERDICT_EXACT);
    assert_int_equal(exact.match_count, 1);
    assert_int_equal(exact.matches[0].basis, HK_BASIS_MD5);
    hk_match two[2] = {{.list = "police", .entry = "wordpress", .basis = HK_BASIS_PDQ},
                       {.list = "police", .entry = "other", .basis = HK_BASIS_PDQ}};
    hk_asked near_two = {.verdict = HK_VERDICT_NEAR, .matches = two, .match_count = 2};
    assert_int_equal(unit_admit(&caller, ledger, &key[0], 1), HK_ADMITTED);
    unit_ok(hk_ledger_answer(NULL, ledger, &caller, &near_two, 1, NULL, &unit_error));
    assert_int_equal(near_two.verdict, HK_VERDICT_NEAR);
    assert_string_equal(near_two.matches[0].entry, "other");
    hk_ledger_close(ledger);
    /* It is in the log, each suppressed hit too, its owner is unit_told, and it outlives a restart.
     */
    assert_int_equal(unit_count_records(&u, "brake"), 1);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_brake_list(keys, false, unit_see_brake, &brakes, &unit_error));
    assert_int_equal(brakes.count, 1);
    assert_int_equal(brakes.brake.hits, options.brake_hits);
    assert_int_equal(brakes.brake.clients, CLIENTS);
    assert_int_equal(brakes.brake.suppressed, 101); /* the two of above among them */
    assert_null(brakes.brake.client);
    unit_ok(hk_notice_list(keys, false, unit_see_notice, &notices, &unit_error));
    assert_int_equal(notices.count, 1);
    assert_int_equal(notices.kind, HK_NOTICE_BRAKE);
    ledger = unit_open(&u, &options);
    assert_int_equal(answer_near(ledger, &key[0], "wordpress", NULL).verdict, HK_VERDICT_NONE);
    /* One who confirms it is not enough. */
    unit_ok(
        hk_brake_confirm(&confirmations, keys, "police", "wordpress", 0, &unit_act, &unit_error));
    assert_int_equal(confirmations, 1);
    brakes.count = 0;
    unit_ok(hk_brake_list(keys, false, unit_see_brake, &brakes, &unit_error));
    assert_int_equal(brakes.count, 1);
    /* A person lets it go, and it is not braked again soon. */
    unit_ok(hk_brake_release(keys, "police", "wordpress", 0, 30, &unit_act, &unit_error));
    assert_int_equal(hk_brake_release(keys, "police", "wordpress", 0, 30, &unit_act, NULL),
                     HK_ERR_USAGE);
    uint64_t start = hk__clock_ns();
    while (answer_near(ledger, &key[0], "wordpress", NULL).verdict == HK_VERDICT_NONE)
        assert_true(hk__clock_ns() - start < UINT64_C(1000000000));
    for (unsigned i = 0; i < 2 * options.brake_hits; i++)
        assert_int_equal(answer_near(ledger, &key[i % CLIENTS], "wordpress", NULL).verdict,
                         HK_VERDICT_NEAR);
    /* Two curators, or persons, make an entry proof against it; one of them twice does not. */
    const unit_key *curator = key;
    for (int i = 0; i < 2; i++) {
        item = answer_near(ledger, &curator[0], "true", NULL);
        assert_int_equal(hk_ledger_admit(&caller, ledger, curator[0].text, HK_KEY_TEXT_SIZE - 1,
                                         NULL, HK_SCOPE_FEEDBACK, 1),
                         HK_ADMITTED);
        unit_ok(
            hk_ledger_feedback(ledger, &caller, item.match_id, true, "it is", NULL, &unit_error));
    }
    unit_ok(hk_brake_confirm(&confirmations, keys, "police", "true", 0, &unit_act, &unit_error));
    assert_int_equal(confirmations, 2);
    unit_ok(hk_brake_confirm(&confirmations, keys, "police", "true", 0, &unit_act, &unit_error));
    assert_int_equal(confirmations, 2);
    hk_keys_close(keys);
    hk_ledger_close(ledger);
    ledger = unit_open(&u, &options);
    for (unsigned i = 0; i < 2 * options.brake_hits; i++)
        assert_int_equal(answer_near(ledger, &key[i % CLIENTS], "true", NULL).verdict,
                         HK_VERDICT_NEAR);
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

static void test_walk(void **state)
{
    unit_ledger u;
    hk_keys *keys;
    unit_told notices = {0};
    hk_caller caller;
    uint64_t random = 4;
    unsigned queries = 0;
    const hk_hash start = healthy_hash(&random);
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "curious", 0);
    hk_ledger *ledger = unit_open(&u, NULL);
    hk_admission admission;
    while ((admission = unit_admit(&caller, ledger, &key, 1)) == HK_ADMITTED && queries < 1000) {
        const hk_hash query = at_distance(&start, 15, &random);
        hk_match match;
        hk_asked item = unit_near(&match, &query, "e", 31);
        if (queries++ % 2) {
            item.verdict = HK_VERDICT_NONE;
            item.match_count = 0;
        }
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
    }
    assert_int_equal(admission, HK_REFUSED_WALK);
    assert_in_range(caller.retry_after_ms, 1, 1001);
    assert_in_range(queries, 100, 120);
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "walk"), 1);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_notice_list(keys, false, unit_see_notice, &notices, &unit_error));
    assert_int_equal(notices.count, 1);
    assert_int_equal(notices.kind, HK_NOTICE_WALK);
    unit_ok(hk_notice_done(keys, 1, &unit_act, &unit_error));
    assert_int_equal(hk_notice_done(keys, 1, &unit_act, NULL), HK_ERR_USAGE);
    hk_keys_close(keys);
    unit_ledger_remove(&u);
}

/* ---- feedback -------------------------------------------------------------------------------- */

static hk_status say(hk_ledger *ledger, const unit_key *key, const char *id, const char *reason)
{
    hk_caller caller;
    assert_int_equal(hk_ledger_admit(&caller, ledger, key->text, HK_KEY_TEXT_SIZE - 1, NULL,
                                     HK_SCOPE_FEEDBACK, 1),
                     HK_ADMITTED);
    return hk_ledger_feedback(ledger, &caller, id, false, reason, "::1", &unit_error);
}

static void test_feedback(void **state)
{
    unit_ledger u;
    hk_keys *keys;
    unit_told notices = {0};
    char long_reason[1002];
    (void)state;
    unit_ledger_make(&u);
    const unit_key mine = unit_key_for(&u, "acme", 0), other = unit_key_for(&u, "other", 0);
    hk_ledger *ledger = unit_open(&u, NULL);
    const hk_asked item = answer_near(ledger, &mine, "e1", NULL);
    assert_int_equal(say(ledger, &other, item.match_id, "no"), HK_ERR_USAGE);
    assert_int_equal(say(ledger, &mine, "00000000000000000000000000000000", "no"), HK_ERR_USAGE);
    assert_int_equal(say(ledger, &mine, "x", "no"), HK_ERR_USAGE);
    memset(long_reason, 'x', 1001);
    long_reason[1001] = '\0';
    assert_int_equal(say(ledger, &mine, item.match_id, long_reason), HK_ERR_LIMIT);
    assert_int_equal(say(ledger, &mine, item.match_id, "\xff"), HK_ERR_LIMIT);
    unit_ok(say(ledger, &mine, item.match_id, "a holiday\nphoto \"of\" mine"));
    unit_ok(say(ledger, &mine, item.match_id, NULL)); /* takes the first one's place */
    int64_t rows;
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk__sql_number(&rows, 0, keys->db, &unit_error, "SELECT count(*) FROM feedback", ""));
    assert_int_equal(rows, 1);
    unit_ok(hk_notice_list(keys, false, unit_see_notice, &notices, &unit_error));
    assert_int_equal(notices.kind, HK_NOTICE_DISAGREE);
    /* After its days it is unknown. */
    unit_ok(hk__sql_run(keys->db, "UPDATE match_id SET at = at - 31 * 86400", &unit_error));
    hk_keys_close(keys);
    assert_int_equal(say(ledger, &mine, item.match_id, NULL), HK_ERR_USAGE);
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "feedback"), 2);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* ---- what goes wrong --------------------------------------------------------------------------
 */

/* A server that was killed has lost no match id and no quota, though it had no time to post. */
static void test_killed(void **state)
{
    unit_ledger u;
    int pipes[2], how;
    char id[HK_MATCH_ID_SIZE];
    hk_caller caller;
    (void)state;
    unit_ledger_make(&u);
    hk_client_settings settings = unit_settings("acme");
    settings.quota = 1000;
    const unit_key key = unit_make_key(&u, &settings);
    hk_ledger_close(unit_open(&u, NULL));
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        hk_ledger *ledger;
        hk_match match;
        if (hk_ledger_open(&ledger, u.db, NULL, NULL))
            _exit(1);
        for (int i = 0; i < 50; i++) {
            hk_asked item = unit_near(&match, NULL, "e1", 12);
            if (unit_admit(&caller, ledger, &key, 10) ||
                hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, NULL))
                _exit(2);
            memcpy(id, item.match_id, sizeof id);
        }
        if (write(pipes[1], id, sizeof id) != sizeof id)
            _exit(3);
        raise(SIGKILL);
        _exit(4);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(read(pipes[0], id, sizeof id), sizeof id);
    close(pipes[0]);
    close(pipes[1]);
    hk_ledger *ledger = unit_open(&u, NULL);
    unit_ok(say(ledger, &key, id, "I was given it"));
    /* items of the record count: one each, 50, and the feedback's one */
    assert_int_equal(unit_admit(&caller, ledger, &key, 1000 - 50), HK_REFUSED_QUOTA);
    assert_int_equal(unit_admit(&caller, ledger, &key, 1000 - 51), HK_ADMITTED);
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* So does an entry that was braked a moment before, and the notice of it. */
static void test_killed_after_brake(void **state)
{
    unit_ledger u;
    int how;
    unit_told notices = {0};
    hk_keys *keys;
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    (void)state;
    options.brake_client = 10;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0), other = unit_key_for(&u, "other", 0);
    hk_ledger_close(unit_open(&u, &options));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        hk_ledger *ledger;
        hk_caller caller;
        hk_match match;
        if (hk_ledger_open(&ledger, u.db, &options, NULL))
            _exit(1);
        for (int i = 0; i < 10; i++) {
            hk_asked item = unit_near(&match, NULL, "logo", 12);
            if (unit_admit(&caller, ledger, &key, 1) ||
                hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, NULL))
                _exit(2);
        }
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    hk_ledger *ledger = unit_open(&u, &options);
    assert_int_equal(answer_near(ledger, &key, "logo", NULL).verdict, HK_VERDICT_NONE);
    assert_int_equal(answer_near(ledger, &other, "logo", NULL).verdict, HK_VERDICT_NEAR);
    hk_ledger_close(ledger);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_notice_list(keys, false, unit_see_notice, &notices, &unit_error));
    assert_int_equal(notices.count, 1);
    assert_int_equal(notices.kind, HK_NOTICE_BRAKE);
    hk_keys_close(keys);
    unit_ledger_remove(&u);
}

static void test_one_server(void **state)
{
    unit_ledger u;
    hk_ledger *other = UNTOUCHED;
    (void)state;
    unit_ledger_make(&u);
    hk_ledger *ledger = unit_open(&u, NULL);
    assert_int_equal(hk_ledger_open(&other, u.db, NULL, &unit_error), HK_ERR_SYSTEM);
    assert_ptr_equal(other, UNTOUCHED);
    unit_ok(hk_ledger_ready(ledger, &unit_error));
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

/* DB.keys taken away under a server: it is not ready, and after some seconds admits nobody. */
static void test_keys_gone(void **state)
{
    unit_ledger u;
    (void)state;
    unit_ledger_make(&u);
    hk_ledger *ledger = unit_open(&u, NULL);
    unlink(u.keys);
    const uint64_t start = hk__clock_ns();
    while (hk_ledger_ready(ledger, &unit_error) == HK_OK)
        assert_true(hk__clock_ns() - start < UINT64_C(1000000000));
    assert_non_null(strstr(unit_error.message, "is gone"));
    hk_ledger_close(ledger);
    unit_ledger_remove(&u);
}

/* A full disk, by a limit on the size of files: no answer, and not ready; then it goes on, and
 * nothing is lost that was answered. */
static void test_disk_full(void **state)
{
    unit_ledger u;
    hk_caller caller;
    hk_match match;
    struct rlimit was, now;
    struct stat facts;
    hk_ledger_stats stats;
    unsigned answered = 0;
    char id[HK_MATCH_ID_SIZE];
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, NULL);
    answer_near(ledger, &key, "e", NULL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(stat(u.audit, &facts), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = (rlim_t)facts.st_size + 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    hk_status status = HK_OK;
    hk_asked item;
    while (!status && answered < 100) {
        item = unit_near(&match, NULL, "e", 1);
        assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
        status = hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error);
        answered += !status;
        if (!status)
            memcpy(id, item.match_id, sizeof id);
    }
    const hk_status ready = hk_ledger_ready(ledger, NULL);
    const struct timespec pause = {1, 300000000}; /* DB.keys cannot be written either */
    nanosleep(&pause, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(status, HK_ERR_SYSTEM);
    assert_int_equal(ready, HK_ERR_SYSTEM);
    assert_in_range(answered, 1, 10);
    unit_ok(hk_ledger_ready(ledger, &unit_error));
    answer_near(ledger, &key, "e", NULL);
    /* What waited for DB.keys meanwhile is in it now. A try that began while the disk was full may
     * still fail. */
    for (int tries = 0; (status = say(ledger, &key, id, "no")) && tries < 3; tries++)
        nanosleep(&pause, NULL);
    assert_int_equal(status, HK_OK);
    hk_ledger_get_stats(&stats, ledger);
    assert_true(stats.failed >= 1);
    hk_ledger_close(ledger);
    unit_clean(&u);
    assert_int_equal(unit_count_records(&u, "check"), answered + 2);
    assert_int_equal(unit_count_records(&u, "recovered"), 1);
    unit_ledger_remove(&u);
}

static hk_status answer_again(hk_ledger *ledger, const hk_caller *caller, const hk_hash *hash)
{
    hk_match match;
    hk_asked item = unit_near(&match, hash, "e", 1);
    return hk_ledger_answer(NULL, ledger, caller, &item, 1, "::1", NULL);
}

static void test_memory(void **state)
{
    unit_ledger u;
    hk_caller caller;
    hk_ledger *ledger = UNTOUCHED;
    uint64_t random = 1;
    const hk_hash hash = healthy_hash(&random);
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    FAIL_EVERY_ALLOCATION(hk_ledger_open(&ledger, u.db, NULL, NULL), ledger == UNTOUCHED);
    assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
    FAIL_EVERY_ALLOCATION(answer_again(ledger, &caller, &hash), true);
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* Rows that no ledger writes: an error when it is opened, or a row that is left alone. */
static void test_hostile_rows(void **state)
{
    static const char *const edits[] = {
        "UPDATE mark SET chain = x'00'",
        "UPDATE mark SET number = -1",
        "DELETE FROM mark",
        "UPDATE mark SET number = 9000000000000000000, file = 9000000000000000000,"
        " bytes = 9000000000000000000, applied = 9000000000000000000",
        "INSERT INTO event(body) VALUES('x')",
        "INSERT INTO event(body) VALUES('\"kind\":\"x\"' || char(10) || '{\"n\":5,')",
        "INSERT INTO event(body) VALUES('\"kind\":\"x\",\"chain\":\"00\"')",
        "INSERT INTO event(body) VALUES(zeroblob(100000))",
        "INSERT INTO brake(list, entry, client, since, hits, clients, suppressed)"
        " VALUES(zeroblob(10), hex(zeroblob(100000)), -7, -7, -7, -7, -7)",
        "INSERT INTO confirmation VALUES('', '', 0, 'a', 0), ('', '', 0, 'b', 0)",
        "INSERT INTO usage VALUES(1, 9000000000000000000, -1, -1)",
        "INSERT INTO notice(at, kind, words) VALUES(0, 99, x'ff')",
        "DROP TABLE usage",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        unit_ledger u;
        hk_keys *keys;
        hk_ledger *ledger = NULL;
        unit_ledger_make(&u);
        const unit_key key = unit_key_for(&u, "acme", 0);
        hk_ledger_close(unit_open(&u, NULL));
        unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
        unit_ok(hk__sql_run(keys->db, edits[i], &unit_error));
        hk_keys_close(keys);
        if (!hk_ledger_open(&ledger, u.db, NULL, &unit_error))
            answer_near(ledger, &key, "e", NULL);
        hk_ledger_close(ledger);
        /* Whatever the rows say, the log is one of whole records. */
        (void)unit_count_records(&u, "check");
        unit_ledger_remove(&u);
    }
}

static void test_options(void **state)
{
    unit_ledger u;
    hk_ledger *ledger;
    char anchor[120];
    hk_audit_check check = HK_AUDIT_CHECK_INIT;
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    (void)state;
    unit_ledger_make(&u);
    options.match_days = 0;
    assert_int_equal(hk_ledger_open(&ledger, u.db, &options, NULL), HK_ERR_USAGE);
    options = (hk_ledger_options)HK_LEDGER_OPTIONS_INIT;
    options.brake_clients = 17;
    assert_int_equal(hk_ledger_open(&ledger, u.db, &options, NULL), HK_ERR_USAGE);
    options = (hk_ledger_options)HK_LEDGER_OPTIONS_INIT;
    snprintf(anchor, sizeof anchor, "%s/anchor", u.folder);
    options.anchor = anchor;
    options.sync_ms = 0;
    ledger = unit_open(&u, &options);
    unit_ok(hk_ledger_note_reload(ledger, 7, "list \"police\" at 7", &unit_error));
    hk_ledger_close(ledger);
    check.anchor = anchor;
    hk_audit_result result;
    assert_int_equal(unit_verify(&result, &u, &check), 0);
    unit_records s = unit_records_of(&u, "reload");
    assert_int_equal(unit_number_in(s.last, "revision"), 7);
    json_decref(s.last);
    unit_ledger_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),   cmocka_unit_test(test_revoked_within_a_second),
        cmocka_unit_test(test_near_budget), cmocka_unit_test(test_brake),
        cmocka_unit_test(test_walk),        cmocka_unit_test(test_feedback),
        cmocka_unit_test(test_killed),      cmocka_unit_test(test_killed_after_brake),
        cmocka_unit_test(test_one_server),  cmocka_unit_test(test_keys_gone),
        cmocka_unit_test(test_options),     cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_hostile_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
