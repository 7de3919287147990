/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_keys.c - keys and accounts, the gate that admits them, and hostile DB.keys. */
#include "ledger_unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* ---- the text of a key ----------------------------------------------------------------------- */

static void test_key_text(void **state)
{
    char text[HK_KEY_TEXT_SIZE], other[HK_KEY_TEXT_SIZE];
    uint8_t hash[32], again[32];
    (void)state;
    unit_ok(hk__key_make(text, hash, &unit_error));
    unit_ok(hk__key_make(other, again, &unit_error));
    assert_string_not_equal(text, other);
    assert_memory_equal(text, "hk_", 3);
    assert_int_equal(strlen(text), HK_KEY_TEXT_SIZE - 1);
    assert_int_equal(strspn(text + 3, "0123456789abcdefghjkmnpqrstvwxyz"), 58);
    assert_true(hk__key_hash(again, text, strlen(text)));
    assert_memory_equal(hash, again, sizeof hash);
    /* A slip of the pen anywhere is told from a key. */
    for (size_t i = 0; i < strlen(text); i++) {
        const char was = text[i];
        for (const char *c = "0z_A\x80"; *c; c++) {
            text[i] = *c;
            assert_int_equal(hk__key_hash(again, text, HK_KEY_TEXT_SIZE - 1), *c == was);
        }
        text[i] = '\0';
        assert_false(hk__key_hash(again, text, HK_KEY_TEXT_SIZE - 1));
        text[i] = was;
    }
    assert_false(hk__key_hash(again, text, HK_KEY_TEXT_SIZE - 2));
    assert_false(hk__key_hash(again, text, HK_KEY_TEXT_SIZE));
    assert_false(hk__key_hash(again, "", 0));
    assert_false(hk__key_hash(again, NULL, 0));
}

/* ---- DB.keys -------------------------------------------------------------------------------- */

typedef struct listing {
    unsigned count, good;
    hk_key_info last;
    char name[80], certificate[80];
} listing;

static void note_key(void *context, const hk_key_info *key)
{
    listing *l = context;
    l->count++;
    l->good += key->good;
    l->last = *key;
    snprintf(l->name, sizeof l->name, "%s", key->settings.name);
    snprintf(l->certificate, sizeof l->certificate, "%s",
             key->settings.certificate ? key->settings.certificate : "");
}

static listing list_keys(const unit_ledger *u)
{
    hk_keys *keys;
    listing l = {0};
    unit_ok(hk_keys_open(&keys, u->db, false, &unit_error));
    unit_ok(hk_key_list(keys, note_key, &l, &unit_error));
    hk_keys_close(keys);
    return l;
}

static void test_admin(void **state)
{
    unit_ledger u;
    struct stat facts;
    hk_keys *keys = UNTOUCHED;
    char text[HK_KEY_TEXT_SIZE] = "as it was";
    uint64_t number, revoked;
    (void)state;
    unit_ledger_make(&u);
    assert_int_equal(hk_keys_open(&keys, u.db, false, &unit_error), HK_ERR_IO);
    assert_non_null(strstr(unit_error.message, "herken key create"));
    hk_client_settings settings = unit_settings("acme");
    settings.quota = 5;
    unit_make_key(&u, &settings);
    assert_int_equal(stat(u.keys, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    /* names, limits and acts that cannot be */
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, &unit_error),
                     HK_ERR_USAGE); /* taken */
    const char *const bad[] = {"",
                               "-x",
                               ".x",
                               "a b",
                               "a\"b",
                               "ae\xcc\x81",
                               "12345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        settings.name = bad[i];
        assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, &unit_error),
                         HK_ERR_USAGE);
    }
    settings.name = "other";
    settings.scopes = 0;
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, NULL), HK_ERR_USAGE);
    settings.scopes = 1u << HK_SCOPE_COUNT;
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, NULL), HK_ERR_USAGE);
    settings = unit_settings("other");
    settings.rate = 10;
    settings.burst = 9;
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, NULL), HK_ERR_USAGE);
    settings.burst = 0;
    settings.rate = UINT64_MAX;
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &unit_act, NULL), HK_ERR_USAGE);
    settings.rate = 1;
    assert_int_equal(hk_key_create(text, &number, keys, &settings, &(hk_act){.actor = ""}, NULL),
                     HK_ERR_USAGE);
    assert_string_equal(text, "as it was");
    unit_ok(hk_key_create(text, &number, keys, &settings, &unit_act, &unit_error));
    /* rotate and revoke */
    assert_int_equal(hk_key_rotate(text, &number, keys, "nobody", 0, &unit_act, NULL),
                     HK_ERR_USAGE);
    unit_ok(hk_key_rotate(text, &number, keys, "acme", 3600, &unit_act, &unit_error));
    assert_int_equal(list_keys(&u).good, 3);
    unit_ok(hk_key_rotate(text, &number, keys, "acme", 0, &unit_act, &unit_error));
    assert_int_equal(list_keys(&u).good, 2);
    assert_int_equal(list_keys(&u).count, 4);
    assert_int_equal(hk_key_revoke(&revoked, keys, "other", number, &unit_act, NULL),
                     HK_ERR_USAGE); /* another account's */
    unit_ok(hk_key_revoke(&revoked, keys, "acme", number, &unit_act, &unit_error));
    assert_int_equal(revoked, 1);
    unit_ok(hk_key_revoke(&revoked, keys, "other", 0, &unit_act, &unit_error));
    assert_int_equal(revoked, 1);
    assert_int_equal(hk_key_rotate(text, &number, keys, "other", 0, &unit_act, NULL), HK_ERR_USAGE);
    const listing l = list_keys(&u);
    assert_int_equal(l.good, 0);
    assert_string_equal(l.name, "other");
    /* nothing of a key's text is in the file */
    size_t size;
    hk_keys_close(keys);
    char *file = unit_read(&size, u.keys);
    assert_null(memmem(file, size, text + 3, 20));
    free(file);
    unit_ledger_remove(&u);
}

static void make_certificate(const char *path, uint8_t hash[32])
{
    unsigned size = 32;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *file = fopen(path, "w");
    assert_non_null(key);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(X509_digest(certificate, EVP_sha256(), hash, &size), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- the gate -------------------------------------------------------------------------------- */

typedef struct gate {
    unit_ledger u;
    hk__gate *gate;
    hk_keys *keys;
    unit_key key;
} gate;

static void gate_make(gate *g, const hk_client_settings *settings)
{
    unit_ledger_make(&g->u);
    g->key = unit_make_key(&g->u, settings);
    unit_ok(hk_keys_open(&g->keys, g->u.db, false, &unit_error));
    unit_ok(hk__gate_new(&g->gate, &unit_error));
    unit_ok(hk__gate_load(g->gate, g->keys, &unit_error));
}

static void gate_remove(gate *g)
{
    hk__gate_free(g->gate);
    hk_keys_close(g->keys);
    unit_ledger_remove(&g->u);
}

#define SECOND UINT64_C(1000000000)
enum { NOON = 20000 * 86400 + 43200 };

static hk_admission ask(hk_caller *caller, gate *g, uint64_t items, uint64_t now, int64_t wall)
{
    return hk__gate_admit(caller, g->gate, g->key.text, strlen(g->key.text), NULL, HK_SCOPE_CHECK,
                          items, now, wall);
}

static void test_rate(void **state)
{
    gate g;
    hk_caller caller;
    hk_client_settings settings = unit_settings("acme");
    (void)state;
    settings.rate = 10;
    settings.burst = 50;
    gate_make(&g, &settings);
    uint64_t now = 1000 * SECOND;
    assert_int_equal(ask(&caller, &g, 51, now, NOON), HK_REFUSED_LARGE);
    assert_int_equal(ask(&caller, &g, 50, now, NOON), HK_ADMITTED);
    assert_string_equal(caller.name, "acme");
    assert_int_equal(caller.key, g.key.number);
    assert_int_equal(ask(&caller, &g, 1, now, NOON), HK_REFUSED_RATE);
    assert_in_range(caller.retry_after_ms, 100, 101);
    assert_int_equal(ask(&caller, &g, 1, now + SECOND / 10, NOON), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 11, now + SECOND, NOON), HK_REFUSED_RATE);
    assert_int_equal(ask(&caller, &g, 9, now + SECOND, NOON), HK_ADMITTED);
    /* The wall clock has no say in it, wherever it jumps. */
    assert_int_equal(ask(&caller, &g, 50, now + 2 * SECOND, NOON + 86400), HK_REFUSED_RATE);
    assert_int_equal(ask(&caller, &g, 50, now + 2 * SECOND, NOON - 86400), HK_REFUSED_RATE);
    /* Never more than the burst. */
    assert_int_equal(ask(&caller, &g, 50, now + 1000 * SECOND, NOON), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 1, now + 1000 * SECOND, NOON), HK_REFUSED_RATE);
    /* A clock that is not as monotonic as it says gives nothing. */
    assert_int_equal(ask(&caller, &g, 1, now, NOON), HK_REFUSED_RATE);
    gate_remove(&g);
}

static void test_quota_and_clocks(void **state)
{
    gate g;
    hk_caller caller;
    hk_client_settings settings = unit_settings("acme");
    (void)state;
    settings.quota = 100;
    gate_make(&g, &settings);
    assert_int_equal(ask(&caller, &g, 101, 1, NOON), HK_REFUSED_QUOTA);
    assert_int_equal(ask(&caller, &g, 60, 1, NOON), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 41, 1, NOON), HK_REFUSED_QUOTA);
    assert_int_equal(caller.retry_after_ms, 43200 * 1000);
    assert_int_equal(ask(&caller, &g, 40, 1, NOON), HK_ADMITTED);
    /* A clock set back gives nothing back; the next day does. */
    assert_int_equal(ask(&caller, &g, 1, 1, NOON - 86400), HK_REFUSED_QUOTA);
    assert_int_equal(ask(&caller, &g, 1, 1, NOON - 5 * 86400), HK_REFUSED_QUOTA);
    assert_int_equal(ask(&caller, &g, 100, 1, NOON + 86400), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 1, 1, NOON + 86400), HK_REFUSED_QUOTA);
    /* A clock that was years ahead for a moment does not lock anybody out for years. */
    assert_int_equal(ask(&caller, &g, 1, 1, NOON + 5000 * INT64_C(86400)), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 100, 1, NOON + 2 * 86400), HK_REFUSED_QUOTA);
    assert_int_equal(ask(&caller, &g, 99, 1, NOON + 2 * 86400), HK_ADMITTED);
    assert_int_equal(ask(&caller, &g, 100, 1, NOON + 3 * 86400), HK_ADMITTED);
    /* What was used is kept, and charged again from the log. */
    unit_ok(hk__gate_save(g.gate, g.keys, &unit_error));
    hk__gate_free(g.gate);
    unit_ok(hk__gate_new(&g.gate, &unit_error));
    unit_ok(hk__gate_load(g.gate, g.keys, &unit_error));
    assert_int_equal(ask(&caller, &g, 1, 1, NOON + 3 * 86400), HK_REFUSED_QUOTA);
    hk__gate_charge(g.gate, 1, 30, 0, NOON + 3 * 86400);
    hk__gate_charge(g.gate, 1, 20, 0, NOON + 4 * 86400);
    assert_int_equal(ask(&caller, &g, 81, 1, NOON + 4 * 86400), HK_REFUSED_QUOTA);
    assert_int_equal(ask(&caller, &g, 80, 1, NOON + 4 * 86400), HK_ADMITTED);
    gate_remove(&g);
}

static void test_keys_of_all_sorts(void **state)
{
    gate g;
    hk_caller caller;
    char certificate[120], text[HK_KEY_TEXT_SIZE];
    uint8_t hash[32], other[32] = {7};
    uint64_t number, revoked;
    unit_ledger scratch;
    hk_client_settings settings = unit_settings("acme");
    (void)state;
    unit_ledger_make(&scratch);
    snprintf(certificate, sizeof certificate, "%s/client.pem", scratch.folder);
    make_certificate(certificate, hash);
    settings.certificate = certificate;
    gate_make(&g, &settings);
    const size_t length = HK_KEY_TEXT_SIZE - 1;
    const int64_t now = (int64_t)time(NULL);
#define ADMIT(key_text, fingerprint, scope)                                                        \
    hk__gate_admit(&caller, g.gate, key_text, length, fingerprint, scope, 1, 1, now)
    assert_int_equal(ADMIT(g.key.text, NULL, HK_SCOPE_CHECK), HK_REFUSED_CERTIFICATE);
    assert_int_equal(ADMIT(g.key.text, other, HK_SCOPE_CHECK), HK_REFUSED_CERTIFICATE);
    assert_int_equal(ADMIT(g.key.text, hash, HK_SCOPE_CHECK), HK_ADMITTED);
    assert_int_equal(ADMIT(g.key.text, hash, HK_SCOPE_AUDIT), HK_REFUSED_SCOPE);
    assert_int_equal(ADMIT(g.key.text, hash, 0), HK_REFUSED_SCOPE);
    assert_string_equal(list_keys(&g.u).certificate[0] ? "bound" : "", "bound");
    /* of the right form, but nobody's */
    unit_ok(hk__key_make(text, other, &unit_error));
    assert_int_equal(ADMIT(text, hash, HK_SCOPE_CHECK), HK_REFUSED_KEY);
    assert_int_equal(caller.client, 0);
    assert_int_equal(ADMIT("x", hash, HK_SCOPE_CHECK), HK_REFUSED_KEY);
    /* the old one lives to the end of its grace */
    unit_ok(hk_key_rotate(text, &number, g.keys, "acme", 100, &unit_act, &unit_error));
    assert_int_equal(ADMIT(text, hash, HK_SCOPE_CHECK), HK_REFUSED_KEY); /* not read yet */
    unit_ok(hk__gate_load(g.gate, g.keys, &unit_error));
    assert_int_equal(ADMIT(text, hash, HK_SCOPE_CHECK), HK_ADMITTED);
    assert_int_equal(ADMIT(g.key.text, hash, HK_SCOPE_CHECK), HK_ADMITTED);
    assert_int_equal(
        hk__gate_admit(&caller, g.gate, g.key.text, length, hash, HK_SCOPE_CHECK, 1, 1, now + 102),
        HK_REFUSED_REVOKED);
    unit_ok(hk_key_revoke(&revoked, g.keys, "acme", 0, &unit_act, &unit_error));
    unit_ok(hk__gate_load(g.gate, g.keys, &unit_error));
    assert_int_equal(ADMIT(text, hash, HK_SCOPE_CHECK), HK_REFUSED_REVOKED);
    /* what is no certificate */
    settings = unit_settings("third");
    settings.certificate = g.u.keys;
    assert_int_equal(hk_key_create(text, &number, g.keys, &settings, &unit_act, NULL),
                     HK_ERR_FORMAT);
    settings.certificate = "/nowhere/at/all";
    assert_int_equal(hk_key_create(text, &number, g.keys, &settings, &unit_act, NULL), HK_ERR_IO);
    gate_remove(&g);
    unit_ledger_remove(&scratch);
}

/* Near answers are a day's (UTC), by account: closed once they are used up, open at midnight, each
 * account for itself, and never given back by a clock that is set back. */
static void test_near_budget_of_a_day(void **state)
{
    gate g;
    hk_caller caller;
    hk_client_settings settings = unit_settings("acme");
    (void)state;
    settings.near_budget = 10;
    gate_make(&g, &settings);
    settings.name = "other";
    const unit_key other = unit_make_key(&g.u, &settings);
    unit_ok(hk__gate_load(g.gate, g.keys, &unit_error));
    assert_int_equal(ask(&caller, &g, 1, 1, NOON), HK_ADMITTED);
    assert_false(caller.near_closed);
    hk__gate_charge(g.gate, caller.client, 0, 9, NOON);
    assert_int_equal(ask(&caller, &g, 1, 1, NOON), HK_ADMITTED);
    assert_false(caller.near_closed);
    hk__gate_charge(g.gate, caller.client, 0, 1, NOON);
    for (int64_t wall = NOON; wall < NOON + 43200; wall += 43199) { /* up to the last second */
        assert_int_equal(ask(&caller, &g, 1, 1, wall), HK_ADMITTED);
        assert_true(caller.near_closed);
    }
    assert_int_equal(ask(&caller, &g, 1, 1, NOON - 86400), HK_ADMITTED);
    assert_true(caller.near_closed);
    assert_int_equal(hk__gate_admit(&caller, g.gate, other.text, strlen(other.text), NULL,
                                    HK_SCOPE_CHECK, 1, 1, NOON),
                     HK_ADMITTED);
    assert_false(caller.near_closed);
    assert_int_equal(ask(&caller, &g, 1, 1, NOON + 43200), HK_ADMITTED);
    assert_false(caller.near_closed);
    gate_remove(&g);
}

static void test_many_keys(void **state)
{
    gate g;
    hk_caller caller;
    enum { MORE = 100 };
    static char text[MORE][HK_KEY_TEXT_SIZE];
    uint64_t number;
    const hk_client_settings settings = unit_settings("acme");
    (void)state;
    gate_make(&g, &settings);
    for (int i = 0; i < MORE; i++)
        unit_ok(hk_key_rotate(text[i], &number, g.keys, "acme", 1000, &unit_act, &unit_error));
    FAIL_EVERY_ALLOCATION(hk__gate_load(g.gate, g.keys, NULL), true);
    for (int i = 0; i < MORE; i++) {
        assert_int_equal(hk__gate_admit(&caller, g.gate, text[i], HK_KEY_TEXT_SIZE - 1, NULL,
                                        HK_SCOPE_CHECK, 1, 1, NOON),
                         HK_ADMITTED);
        assert_int_equal(caller.key, g.key.number + 1 + (unsigned)i);
    }
    gate_remove(&g);
}

/* ---- hostile DB.keys ------------------------------------------------------------------------- */

/* Whatever the file is: an error, or a gate; never a crash, never somebody admitted for nothing. */
static hk_status load(const unit_ledger *u)
{
    hk_keys *keys;
    hk__gate *made;
    hk_status status = hk_keys_open(&keys, u->db, false, &unit_error);
    if (status)
        return status;
    unit_ok(hk__gate_new(&made, &unit_error));
    status = hk__gate_load(made, keys, &unit_error);
    hk__gate_free(made);
    hk_keys_close(keys);
    return status;
}

static void test_hostile_rows(void **state)
{
    static const char *const edits[] = {
        "UPDATE key SET hash = x'00'",
        "UPDATE key SET hash = 'text of thirty-two bytes, not blob'",
        "UPDATE key SET client = 99",
        "UPDATE client SET rate = -1",
        "UPDATE client SET rate = 9223372036854775807",
        "UPDATE client SET quota = -5",
        "UPDATE client SET name = x'ff' || hex(zeroblob(100))",
        "DELETE FROM client",
        "DROP TABLE key",
        "ALTER TABLE key RENAME TO keys",
        "PRAGMA user_version = 3",
        "PRAGMA application_id = 5",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        unit_ledger u;
        hk_keys *keys;
        unit_ledger_make(&u);
        const hk_client_settings settings = unit_settings("acme");
        unit_make_key(&u, &settings);
        assert_int_equal(load(&u), HK_OK);
        unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
        unit_ok(hk__sql_run(keys->db, edits[i], &unit_error));
        hk_keys_close(keys);
        if (!load(&u))
            print_error("%s\n", edits[i]);
        assert_int_not_equal(load(&u), HK_OK);
        unit_ledger_remove(&u);
    }
}

/* A trigger, a view in the place of a table: none of it runs. */
static void test_hostile_schema(void **state)
{
    unit_ledger u;
    sqlite3 *db;
    (void)state;
    unit_ledger_make(&u);
    const hk_client_settings settings = unit_settings("acme");
    unit_make_key(&u, &settings);
    assert_int_equal(sqlite3_open(u.keys, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM key; END;"
                     "ALTER TABLE notice RENAME TO n; CREATE VIEW notice AS SELECT * FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    hk_keys *keys;
    char text[HK_KEY_TEXT_SIZE];
    uint64_t number;
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    unit_ok(hk_key_rotate(text, &number, keys, "acme", 100, &unit_act, &unit_error));
    assert_int_not_equal(hk_notice_list(keys, true, NULL, NULL, &unit_error), HK_OK);
    hk_keys_close(keys);
    assert_int_equal(list_keys(&u).count, 2);
    unit_ledger_remove(&u);
}

static void test_hostile_bytes(void **state)
{
    unit_ledger u;
    size_t size;
    uint64_t random = 5;
    (void)state;
    unit_ledger_make(&u);
    const hk_client_settings settings = unit_settings("acme");
    unit_make_key(&u, &settings);
    char *good = unit_read(&size, u.keys), *bad = malloc(size);
    for (int round = 0; round < 60; round++) {
        memcpy(bad, good, size);
        for (int i = 0; i < 30; i++)
            bad[next_random(&random) % size] = (char)next_random(&random);
        unit_write(u.keys, bad, round % 5 ? size : next_random(&random) % size);
        (void)load(&u);
    }
    unit_write(u.keys, "no database, but long enough to be looked at as one", 51);
    assert_int_equal(load(&u), HK_ERR_FORMAT);
    unit_write(u.keys, "", 0);
    assert_int_equal(load(&u), HK_ERR_FORMAT);
    free(bad);
    free(good);
    unit_ledger_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_admin),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_quota_and_clocks),
        cmocka_unit_test(test_keys_of_all_sorts),
        cmocka_unit_test(test_near_budget_of_a_day),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_hostile_rows),
        cmocka_unit_test(test_hostile_schema),
        cmocka_unit_test(test_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
