/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_ledger_restore.c - a DB.keys that is older than the log: who was revoked stays so, and it is
 * said. And what `key change` does, since a restored file must know it too.
 */
#include "ledger_unit.h"

#include <pthread.h>

static void copy(const char *to, const char *from)
{
    size_t size;
    char *bytes = unit_read(&size, from);
    unit_write(to, bytes, size);
    free(bytes);
}

/* DB.keys of now, kept; the ledger is closed, so the file is all there is. */
static void keep(const unit_ledger *u, char kept[140])
{
    snprintf(kept, 140, "%s/kept", u->folder);
    copy(kept, u->keys);
}

static hk_admission admit(hk_ledger *ledger, const unit_key *key, uint64_t items)
{
    hk_caller caller;
    return unit_admit(&caller, ledger, key, items);
}

static unit_key rotate(const unit_ledger *u, const char *name, uint64_t grace)
{
    hk_keys *keys;
    unit_key key;
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_key_rotate(key.text, &key.number, keys, name, grace, &unit_act, &unit_error));
    hk_keys_close(keys);
    return key;
}

static void revoke_key(const unit_ledger *u, const char *name, uint64_t number)
{
    hk_keys *keys;
    uint64_t revoked;
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_key_revoke(&revoked, keys, name, number, &unit_act, &unit_error));
    hk_keys_close(keys);
}

static hk_status change(const unit_ledger *u, const hk_client_settings *settings, unsigned what)
{
    hk_keys *keys;
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    const hk_status status = hk_key_change(keys, settings, what, &unit_act, &unit_error);
    hk_keys_close(keys);
    return status;
}

static unsigned old_keys_notices(const unit_ledger *u, unit_told *told)
{
    hk_keys *keys;
    memset(told, 0, sizeof *told);
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_notice_list(keys, false, unit_see_notice, told, &unit_error));
    hk_keys_close(keys);
    return told->kind == HK_NOTICE_OLD_KEYS ? told->count : 0;
}

static void answer(hk_ledger *ledger, const unit_key *key, uint64_t items)
{
    hk_caller caller;
    hk_match match;
    hk_asked item[10];
    for (size_t i = 0; i < items; i++)
        item[i] = (hk_asked){.verdict = HK_VERDICT_NONE};
    item[0] = unit_near(&match, NULL, "e1", 3);
    assert_int_equal(unit_admit(&caller, ledger, key, items), HK_ADMITTED);
    unit_ok(hk_ledger_answer(NULL, ledger, &caller, item, items, NULL, &unit_error));
}

/* ---- a restored copy ------------------------------------------------------------------------ */

static void test_restored(void **state)
{
    unit_ledger u;
    char kept[140];
    unit_told told;
    (void)state;
    unit_ledger_make(&u);
    const unit_key gone = unit_key_for(&u, "gone", 0), leaked = unit_key_for(&u, "leaked", 0),
                   turned = unit_key_for(&u, "turned", 0), kind = unit_key_for(&u, "kind", 0),
                   same = unit_key_for(&u, "same", 0);
    const unit_key leaked2 = rotate(&u, "leaked", 1000);
    hk_ledger *ledger = unit_open(&u, NULL);
    assert_int_equal(admit(ledger, &gone, 1), HK_ADMITTED);
    hk_ledger_close(ledger);
    keep(&u, kept);
    /* What the copy does not know. */
    revoke_key(&u, "gone", 0);
    revoke_key(&u, "leaked", leaked.number);
    const unit_key turned2 = rotate(&u, "turned", 0);
    hk_client_settings settings = unit_settings("kind");
    settings.quota = 5;
    settings.scopes = HK_SCOPE_CHECK | HK_SCOPE_AUDIT;
    unit_ok(change(&u, &settings, HK_SET_QUOTA | HK_SET_SCOPES));
    settings = unit_settings("fresh");
    settings.quota = 10;
    const unit_key fresh = unit_make_key(&u, &settings);
    ledger = unit_open(&u, NULL);
    answer(ledger, &fresh, 6);
    hk_ledger_close(ledger);
    assert_int_equal(unit_count_records(&u, "old_keys"), 0);
    for (int round = 1; round <= 2; round++) { /* twice is once */
        const struct timespec pause = {1,
                                       100000000}; /* the first time's notice is not this one's */
        nanosleep(&pause, NULL);
        copy(u.keys, kept);
        ledger = unit_open(&u, NULL);
        assert_int_equal(admit(ledger, &gone, 1), HK_REFUSED_REVOKED);
        assert_int_equal(admit(ledger, &leaked, 1), HK_REFUSED_REVOKED);
        assert_int_equal(admit(ledger, &leaked2, 1), HK_ADMITTED);
        assert_int_equal(admit(ledger, &turned, 1), HK_REFUSED_REVOKED);
        assert_int_equal(admit(ledger, &turned2, 1), HK_ADMITTED);
        assert_int_equal(admit(ledger, &same, 1), HK_ADMITTED);
        assert_int_equal(admit(ledger, &kind, 6), HK_REFUSED_QUOTA);
        assert_int_equal(admit(ledger, &fresh, 5), HK_REFUSED_QUOTA); /* six are used up */
        if (round == 2)
            assert_int_equal(admit(ledger, &fresh, 4), HK_ADMITTED);
        hk_ledger_close(ledger);
        assert_int_equal(old_keys_notices(&u, &told), 1);
        assert_non_null(strstr(told.words, "1 created, 1 changed, 1 rotated, 2 revoked"));
        assert_int_equal(unit_count_records(&u, "old_keys"), round);
    }
    /* It is told once: DB.keys is what the log says again. */
    hk_ledger_close(unit_open(&u, NULL));
    assert_int_equal(unit_count_records(&u, "old_keys"), 2);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* What a server that was killed had not posted yet is no old copy: DB.keys knows every command that
 * is in the log. */
static void test_killed_is_not_restored(void **state)
{
    unit_ledger u;
    char kept[140];
    unit_told told;
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger_close(unit_open(&u, NULL));
    rotate(&u, "acme", 1000); /* in DB.keys, and not yet in the log */
    keep(&u, kept);
    hk_ledger *ledger = unit_open(&u, NULL);
    answer(ledger, &key, 1);
    hk_ledger_close(ledger);
    copy(u.keys, kept); /* as if it had been killed before it could post */
    hk_ledger_close(unit_open(&u, NULL));
    assert_int_equal(old_keys_notices(&u, &told), 0);
    assert_int_equal(unit_count_records(&u, "old_keys"), 0);
    assert_int_equal(unit_count_records(&u, "key"), 2); /* and each event once */
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* DB.keys is lost altogether: the log makes it again. */
static void test_lost(void **state)
{
    unit_ledger u;
    unit_told told;
    (void)state;
    unit_ledger_make(&u);
    const unit_key good = unit_key_for(&u, "good", 0), bad = unit_key_for(&u, "bad", 0);
    hk_ledger_close(unit_open(&u, NULL));
    revoke_key(&u, "bad", 0);
    hk_ledger_close(unit_open(&u, NULL));
    unlink(u.keys);
    hk_ledger *ledger = unit_open(&u, NULL);
    assert_int_equal(admit(ledger, &good, 1), HK_ADMITTED);
    assert_int_equal(admit(ledger, &bad, 1), HK_REFUSED_REVOKED);
    hk_ledger_close(ledger);
    assert_int_equal(old_keys_notices(&u, &told), 1);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* Somebody worked on the copy before the server saw it: numbers were given out twice, and what the
 * log says of the one is not done to the other. */
static void test_numbers_given_twice(void **state)
{
    unit_ledger u;
    char kept[140];
    (void)state;
    unit_ledger_make(&u);
    const unit_key acme = unit_key_for(&u, "acme", 0);
    hk_ledger_close(unit_open(&u, NULL));
    keep(&u, kept);
    const unit_key lost = unit_key_for(&u, "lost", 0);
    const unit_key acme2 = rotate(&u, "acme", 1000);
    revoke_key(&u, "acme", acme2.number);
    revoke_key(&u, "lost", lost.number);
    hk_ledger *ledger = unit_open(&u, NULL);
    hk_ledger_close(ledger);
    copy(u.keys, kept);
    const struct timespec pause = {1, 100000000};
    nanosleep(&pause, NULL);
    const unit_key found = unit_key_for(&u, "found", 0);
    const unit_key acme3 = rotate(&u, "acme", 1000);
    assert_int_equal(found.number, lost.number);
    assert_int_equal(acme3.number, acme2.number);
    ledger = unit_open(&u, NULL);
    assert_int_equal(admit(ledger, &acme, 1), HK_ADMITTED);
    assert_int_equal(admit(ledger, &acme2, 1), HK_REFUSED_REVOKED);
    assert_int_equal(admit(ledger, &lost, 1), HK_REFUSED_REVOKED);
    assert_int_equal(admit(ledger, &found, 1), HK_ADMITTED);
    assert_int_equal(admit(ledger, &acme3, 1), HK_ADMITTED);
    hk_ledger_close(ledger);
    /* the commands on the copy are in the log, though their numbers were known there */
    assert_int_equal(unit_count_records(&u, "key"), 1 + 4 + 2);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* Files of the log between the copy and now were taken away: what is left is taken over, and the
 * gap is told. */
static void test_gap(void **state)
{
    unit_ledger u;
    char kept[140], path[140];
    unit_told told;
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    (void)state;
    options.audit_bytes = 4096;
    unit_ledger_make(&u);
    const unit_key acme = unit_key_for(&u, "acme", 0), bad = unit_key_for(&u, "bad", 0);
    hk_ledger_close(unit_open(&u, &options));
    keep(&u, kept);
    hk_ledger *ledger = unit_open(&u, &options);
    for (int i = 0; i < 60; i++)
        answer(ledger, &acme, 1);
    hk_ledger_close(ledger);
    revoke_key(&u, "bad", 0);
    hk_ledger_close(unit_open(&u, &options));
    snprintf(path, sizeof path, "%s.2", u.audit);
    assert_int_equal(unlink(path), 0);
    copy(u.keys, kept);
    ledger = unit_open(&u, &options);
    assert_int_equal(admit(ledger, &bad, 1), HK_REFUSED_REVOKED);
    hk_ledger_close(ledger);
    assert_int_equal(old_keys_notices(&u, &told), 1);
    assert_non_null(strstr(told.words, "records between are gone"));
    unit_ledger_remove(&u);
}

/* What two said of an entry, and its release, are taken over too. */
static void test_entries(void **state)
{
    unit_ledger u;
    hk_keys *keys;
    char kept[140];
    unsigned confirmations;
    hk_match match;
    hk_caller caller;
    const hk_act bob = {.actor = "bob"};
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    (void)state;
    options.brake_client = 5;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger *ledger = unit_open(&u, &options);
    for (int i = 0; i < 10; i++) {
        hk_asked item = unit_near(&match, NULL, i % 2 ? "a" : "b", 3);
        assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
    }
    hk_ledger_close(ledger);
    keep(&u, kept);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_brake_release(keys, "police", "a", 0, 30, &unit_act, &unit_error));
    unit_ok(hk_brake_confirm(&confirmations, keys, "police", "b", 0, &unit_act, &unit_error));
    unit_ok(hk_brake_confirm(&confirmations, keys, "police", "b", 0, &bob, &unit_error));
    hk_keys_close(keys);
    hk_ledger_close(unit_open(&u, &options));
    copy(u.keys, kept);
    ledger = unit_open(&u, &options);
    for (int i = 0; i < 20; i++) {
        hk_asked item = unit_near(&match, NULL, i % 2 ? "a" : "b", 3);
        assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
        unit_ok(hk_ledger_answer(NULL, ledger, &caller, &item, 1, NULL, &unit_error));
        assert_int_equal(item.verdict, HK_VERDICT_NEAR);
    }
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* Records that no command writes: left out and counted, never a crash, and the ledger opens. */
static void test_hostile_records(void **state)
{
    static const char *const bodies[] = {
        "\"kind\":\"key\",\"event\":900",
        "\"kind\":\"key\",\"act\":5,\"name\":[],\"event\":901",
        "\"kind\":\"key\",\"act\":\"create\",\"name\":\"x\",\"event\":902",
        "\"kind\":\"key\",\"act\":\"create\",\"name\":\"../x\",\"scopes\":[\"check\"],"
        "\"hash\":\"00\",\"event\":903",
        "\"kind\":\"key\",\"act\":\"create\",\"name\":\"acme\",\"scopes\":[\"check\"],\"hash\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"event\":904",
        "\"kind\":\"key\",\"act\":\"change\",\"name\":\"acme\",\"scopes\":[],\"event\":905",
        "\"kind\":\"key\",\"act\":\"change\",\"name\":\"acme\",\"scopes\":[\"check\"],"
        "\"rate\":9223372036854775807,\"event\":906",
        "\"kind\":\"key\",\"act\":\"change\",\"name\":\"acme\",\"scopes\":[\"check\"],"
        "\"certificate\":\"zz\",\"event\":907",
        "\"kind\":\"key\",\"act\":\"rotate\",\"name\":\"nobody\",\"event\":908",
        "\"kind\":\"key\",\"act\":\"hang\",\"name\":\"acme\",\"event\":909",
        "\"kind\":\"confirm\",\"list\":5,\"entry\":\"e\",\"by\":\"ann\",\"event\":910",
        "\"kind\":\"release\",\"event\":911",
        "\"event\":912",
        "\"kind\":7,\"event\":\"913\"",
    };
    unit_ledger u;
    unit_told told;
    hk__audit *audit;
    hk__head head = {0};
    const hk__audit_options plain = {.file_bytes = 1 << 20};
    (void)state;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    hk_ledger_close(unit_open(&u, NULL));
    unit_ok(hk__audit_open(&audit, u.db, &head, &plain, &unit_error));
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        unit_ok(hk__audit_append(NULL, audit, bodies[i], strlen(bodies[i]), &unit_error));
    hk__audit_close(audit);
    hk_ledger *ledger = unit_open(&u, NULL);
    assert_int_equal(admit(ledger, &key, 1000000), HK_ADMITTED); /* no limit was taken over */
    hk_ledger_close(ledger);
    assert_int_equal(old_keys_notices(&u, &told), 1);
    assert_non_null(strstr(told.words, "0 created, 0 changed, 0 rotated, 0 revoked, 0 others"));
    assert_non_null(strstr(told.words, "did not fit"));
    unit_clean(&u);
    unit_ledger_remove(&u);
}

/* ---- backups --------------------------------------------------------------------------------- */

typedef struct busy {
    pthread_t thread;
    hk_ledger *ledger;
    const unit_key *key;
    atomic_bool stop;
} busy;

/* Answers in bursts that each finish a file of the log, with pauses, or the copies have too much
 * to copy. */
static void *keep_busy(void *context)
{
    busy *b = context;
    const struct timespec pause = {0, 8000000};
    while (!atomic_load(&b->stop)) {
        for (int i = 0; i < 9; i++)
            answer(b->ledger, b->key, 5);
        pthread_mutex_lock(&b->ledger->keys_lock); /* so that DB.keys knows of each at once */
        const hk_status status = hk__ledger_post(b->ledger, NULL);
        pthread_mutex_unlock(&b->ledger->keys_lock);
        if (status)
            return (void *)"failed";
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* Made beside a server that finishes a file of its log every few answers, each copy is whole: a
 * server starts from it with no record lost or torn, and knows whom the copied keys know. */
static void test_backup(void **state)
{
    enum { COPIES = 6 };
    unit_ledger u;
    sqlite3 *store;
    hk_backup made = {.files = 77};
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    unsigned most = 0;
    void *failed;
    (void)state;
    options.audit_bytes = 4096;
    unit_ledger_make(&u);
    const unit_key key = unit_key_for(&u, "acme", 0);
    assert_int_equal(sqlite3_open(u.db, &store), SQLITE_OK);
    assert_int_equal(sqlite3_exec(store, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    busy b = {.ledger = unit_open(&u, &options), .key = &key};
    assert_int_equal(pthread_create(&b.thread, NULL, keep_busy, &b), 0);
    for (int i = 0; i < COPIES; i++) {
        unit_ledger copy;
        unit_ledger_make(&copy);
        unit_ok(hk_ledger_backup(&made, u.db, copy.folder, &unit_error));
        most = made.files > most ? made.files : most;
        unit_clean(&copy);
        hk_ledger *again = unit_open(&copy, &options);
        assert_int_equal(admit(again, &key, 1), HK_ADMITTED);
        hk_ledger_close(again);
        assert_int_equal(unit_count_records(&copy, "lost"), 0);
        assert_int_equal(unit_count_records(&copy, "torn"), 0);
        unit_clean(&copy);
        unit_ledger_remove(&copy);
    }
    atomic_store(&b.stop, true);
    pthread_join(b.thread, &failed);
    assert_null(failed);
    hk_ledger_close(b.ledger);
    assert_true(most > 3); /* files were finished meanwhile */
    sqlite3_close(store);
    unit_ledger_remove(&u);
}

static void test_backup_refused(void **state)
{
    unit_ledger u, copy;
    char path[140];
    hk_backup made = {.files = 77};
    (void)state;
    unit_ledger_make(&u);
    unit_ledger_make(&copy);
    unit_key_for(&u, "acme", 0);
    hk_ledger_close(unit_open(&u, NULL));
    /* Without the store it is no copy of it all, and nothing of it stays. */
    assert_int_equal(hk_ledger_backup(&made, u.db, copy.folder, &unit_error), HK_ERR_IO);
    assert_int_equal(rmdir(copy.folder), 0);
    unit_write(u.db, "", 0);
    assert_int_equal(hk_ledger_backup(&made, u.db, u.folder, &unit_error), HK_ERR_USAGE);
    snprintf(path, sizeof path, "%s/a/b", u.folder);
    assert_int_equal(hk_ledger_backup(&made, u.db, path, &unit_error), HK_ERR_IO);
    /* Nothing is copied over, whichever file it is; a folder that is not there is made. */
    unit_ok(hk_ledger_backup(&made, u.db, copy.folder, &unit_error));
    static const char *const others[] = {"", ".keys", ".audit"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(path, sizeof path, "%s%s", copy.db, others[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s.audit.3", copy.db);
    unit_write(path, "x", 1);
    made.files = 77;
    assert_int_equal(hk_ledger_backup(&made, u.db, copy.folder, &unit_error), HK_ERR_USAGE);
    assert_int_equal(unlink(path), 0);
    FAIL_EVERY_ALLOCATION(hk_ledger_backup(&made, u.db, copy.folder, NULL), made.files == 77);
    unit_clean(&copy);
    unit_ledger_remove(&copy);
    /* A log that was cut is told, not copied as if it were whole. */
    unit_ledger_make(&copy);
    assert_int_equal(truncate(u.audit, 300), 0);
    assert_int_equal(hk_ledger_backup(&made, u.db, copy.folder, &unit_error), HK_ERR_FORMAT);
    assert_int_equal(rmdir(copy.folder), 0);
    unit_ledger_remove(&u);
}

/* ---- key change ------------------------------------------------------------------------------ */

#define WITHIN_A_SECOND(what)                                                                      \
    do {                                                                                           \
        const uint64_t start_ = hk__clock_ns();                                                    \
        while (!(what))                                                                            \
            assert_true(hk__clock_ns() - start_ < UINT64_C(1000000000));                           \
    } while (0)

static void test_change(void **state)
{
    unit_ledger u;
    hk_caller caller;
    (void)state;
    unit_ledger_make(&u);
    hk_client_settings settings = unit_settings("acme");
    settings.near_budget = 2;
    settings.scopes = HK_SCOPE_CHECK;
    const unit_key key = unit_make_key(&u, &settings);
    hk_ledger *ledger = unit_open(&u, NULL);
    for (int i = 0; i < 2; i++)
        answer(ledger, &key, 1);
    assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
    assert_true(caller.near_closed);
    /* in a running server */
    settings.near_budget = 3;
    unit_ok(change(&u, &settings, HK_SET_NEAR));
    WITHIN_A_SECOND(!unit_admit(&caller, ledger, &key, 1) && !caller.near_closed);
    answer(ledger, &key, 1);
    assert_int_equal(unit_admit(&caller, ledger, &key, 1), HK_ADMITTED);
    assert_true(caller.near_closed);
    settings.rate = 7;
    settings.burst = 9;
    settings.quota = 1;
    settings.scopes = HK_SCOPE_AUDIT;
    unit_ok(change(&u, &settings, HK_SET_RATE | HK_SET_BURST));
    WITHIN_A_SECOND(admit(ledger, &key, 10) == HK_REFUSED_LARGE);
    assert_int_equal(admit(ledger, &key, 9), HK_ADMITTED); /* the quota was not named */
    unit_ok(change(&u, &settings, HK_SET_QUOTA));
    WITHIN_A_SECOND(admit(ledger, &key, 1) == HK_REFUSED_QUOTA);
    unit_ok(change(&u, &settings, HK_SET_SCOPES));
    WITHIN_A_SECOND(admit(ledger, &key, 1) == HK_REFUSED_SCOPE);
    hk_ledger_close(ledger);
    unit_records s = unit_records_of(&u, "key");
    assert_int_equal(s.count, 5);
    assert_string_equal(json_string_value(json_object_get(s.last, "act")), "change");
    assert_string_equal(json_string_value(json_object_get(s.last, "by")), "ann");
    assert_int_equal(unit_number_in(s.last, "rate"), 7);
    assert_int_equal(unit_number_in(s.last, "quota"), 1);
    assert_int_equal(unit_number_in(s.last, "near"), 3);
    assert_int_equal(json_array_size(json_object_get(s.last, "scopes")), 1);
    json_decref(s.last);
    /* Told when it was used up, and again when what it was raised to was. */
    assert_int_equal(unit_count_records(&u, "near_budget"), 2);
    /* what cannot be */
    settings = unit_settings("acme");
    settings.burst = 6; /* under the rate that stays */
    assert_int_equal(change(&u, &settings, HK_SET_BURST), HK_ERR_USAGE);
    settings.scopes = 0;
    assert_int_equal(change(&u, &settings, HK_SET_SCOPES), HK_ERR_USAGE);
    assert_int_equal(change(&u, &settings, 0), HK_ERR_USAGE);
    assert_int_equal(change(&u, &settings, 0x40), HK_ERR_USAGE);
    settings.certificate = u.keys;
    assert_int_equal(change(&u, &settings, HK_SET_CERTIFICATE), HK_ERR_FORMAT);
    settings = unit_settings("nobody");
    assert_int_equal(change(&u, &settings, HK_SET_QUOTA), HK_ERR_USAGE);
    settings.name = NULL;
    assert_int_equal(change(&u, &settings, HK_SET_QUOTA), HK_ERR_USAGE);
    revoke_key(&u, "acme", 0);
    settings.name = "acme";
    assert_int_equal(change(&u, &settings, HK_SET_QUOTA), HK_ERR_USAGE);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restored),
        cmocka_unit_test(test_killed_is_not_restored),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_numbers_given_twice),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_hostile_records),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_backup_refused),
        cmocka_unit_test(test_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
