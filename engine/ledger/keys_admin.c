/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_admin.c - accounts and keys: made, rotated, revoked, listed (herken.h). */
#include "ledger/books.h"

#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { NAME_MOST = HK__NAME_SIZE - 1 };
#define LIMIT_MOST (UINT64_C(1) << 48)
#define GRACE_MOST (UINT64_C(10) * 366 * 86400)

const char *hk_scope_name(unsigned index)
{
    static const char *const names[HK_SCOPE_COUNT] = {"check", "feedback", "curate", "audit"};
    return index < HK_SCOPE_COUNT ? names[index] : NULL;
}

static hk_status check_settings(const hk_client_settings *s, hk_error *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t length = s->name ? strnlen(s->name, NAME_MOST + 1) : 0;
    if (length < 1 || length > NAME_MOST || *s->name == '-' || *s->name == '.' ||
        strspn(s->name, allowed) != length)
        return hk__fail(err, HK_ERR_USAGE,
                        "the name of an account is 1 to %d of a-z A-Z 0-9 . _ -, and does not "
                        "begin with . or -",
                        NAME_MOST);
    if (!s->scopes || s->scopes >> HK_SCOPE_COUNT)
        return hk__fail(err, HK_ERR_USAGE, "a key is for check, feedback, curate or audit");
    if (s->rate > LIMIT_MOST || s->burst > LIMIT_MOST || s->quota > LIMIT_MOST ||
        s->near_budget > LIMIT_MOST)
        return hk__fail(err, HK_ERR_USAGE, "a limit is at most 2^48");
    if (s->burst && s->burst < s->rate)
        return hk__fail(err, HK_ERR_USAGE, "a burst is at least a second's rate");
    return HK_OK;
}

/* Runs a statement with a value of 32 bytes (NULL: null) as its parameter `at`. */
static hk_status run_with_hash(sqlite3_stmt *statement, int at, const uint8_t *hash, hk_error *err)
{
    hk_status status = HK_OK;
    if (hash && sqlite3_bind_blob(statement, at, hash, HK__SHA256_SIZE, SQLITE_TRANSIENT))
        status = hk__sql_fail(sqlite3_db_handle(statement), err);
    if (!status)
        status = hk__sql_done(statement, err);
    sqlite3_finalize(statement);
    return status;
}

static hk_status add_key(uint64_t *key, hk_keys *keys, int64_t client, const uint8_t *hash,
                         int64_t at, hk_error *err)
{
    sqlite3_stmt *insert;
    hk_status status = hk__sql_prepare(&insert, keys->db, err,
                                       "INSERT INTO key(client, created, hash) VALUES(?1, ?2, ?3)",
                                       "ii", client, at);
    if (!status)
        status = run_with_hash(insert, 3, hash, err);
    if (!status)
        *key = (uint64_t)sqlite3_last_insert_rowid(keys->db);
    return status;
}

/* What was done to keys, for the audit log. */
static hk_status say(hk_keys *keys, const char *what, int64_t client, const char *name,
                     uint64_t key, const hk_act *act, int64_t at, hk_error *err)
{
    char *by = hk__json_text(act->actor), *reason = hk__json_field("reason", act->reason);
    const hk_status status =
        by && reason
            ? hk__event_add(keys, err,
                            "\"kind\":\"key\",\"act\":\"%s\",\"client\":%" PRId64
                            ",\"name\":\"%s\",\"key\":%" PRIu64 ",\"at\":%" PRId64 ",\"by\":%s%s",
                            what, client, name, key, at, by, reason)
            : hk__fail_memory(err);
    hk__free(by);
    hk__free(reason);
    return status;
}

static hk_status add_client(int64_t *client, hk_keys *keys, const hk_client_settings *s,
                            const uint8_t *certificate, int64_t at, hk_error *err)
{
    sqlite3_stmt *insert;
    int64_t taken;
    hk_status status = hk__sql_number(&taken, 0, keys->db, err,
                                      "SELECT id FROM client WHERE name = ?1", "t", s->name);
    if (!status && taken)
        return hk__fail(err, HK_ERR_USAGE,
                        "there is an account '%s' already; `herken key rotate` gives it a new key",
                        s->name);
    if (!status)
        status = hk__sql_prepare(
            &insert, keys->db, err,
            "INSERT INTO client(name, scopes, rate, burst, quota, near, created, certificate)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            "tiiiiii", s->name, (int64_t)s->scopes, (int64_t)s->rate, (int64_t)s->burst,
            (int64_t)s->quota, (int64_t)s->near_budget, at);
    if (!status)
        status = run_with_hash(insert, 8, certificate, err);
    if (!status)
        *client = sqlite3_last_insert_rowid(keys->db);
    return status;
}

hk_status hk_key_create(char text[HK_KEY_TEXT_SIZE], uint64_t *key, hk_keys *keys,
                        const hk_client_settings *settings, const hk_act *act, hk_error *err)
{
    char made[HK_KEY_TEXT_SIZE];
    uint8_t hash[HK__SHA256_SIZE], certificate[HK__SHA256_SIZE];
    uint64_t number = 0;
    int64_t at = 0, client = 0;
    hk_status status = hk__act_check(&at, act, err);
    if (!status)
        status = check_settings(settings, err);
    if (!status && settings->certificate)
        status = hk__certificate_hash(certificate, settings->certificate, err);
    if (!status)
        status = hk__key_make(made, hash, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    status =
        add_client(&client, keys, settings, settings->certificate ? certificate : NULL, at, err);
    if (!status)
        status = add_key(&number, keys, client, hash, at, err);
    if (!status)
        status = say(keys, "create", client, settings->name, number, act, at, err);
    status = hk__sql_end(keys->db, status, err);
    if (!status) {
        memcpy(text, made, sizeof made);
        *key = number;
    }
    explicit_bzero(made, sizeof made);
    return status;
}

/* An account that is not revoked. */
static hk_status find_open(int64_t *client, hk_keys *keys, const char *name, hk_error *err)
{
    int64_t revoked = 0;
    hk_status status = hk__client_find(client, keys, name, err);
    if (!status)
        status = hk__sql_number(&revoked, 0, keys->db, err,
                                "SELECT revoked FROM client WHERE id = ?1", "i", *client);
    if (!status && revoked)
        return hk__fail(err, HK_ERR_USAGE, "the account '%s' is revoked; make another", name);
    return status;
}

hk_status hk_key_rotate(char text[HK_KEY_TEXT_SIZE], uint64_t *key, hk_keys *keys, const char *name,
                        uint64_t grace, const hk_act *act, hk_error *err)
{
    char made[HK_KEY_TEXT_SIZE];
    uint8_t hash[HK__SHA256_SIZE];
    uint64_t number = 0;
    int64_t at = 0, client = 0;
    hk_status status = hk__act_check(&at, act, err);
    if (!status && grace > GRACE_MOST)
        return hk__fail(err, HK_ERR_USAGE, "a grace of ten years at the most");
    if (!status)
        status = hk__key_make(made, hash, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    const int64_t ends = (int64_t)time(NULL) + (int64_t)grace;
    status = find_open(&client, keys, name, err);
    if (!status)
        status = hk__sql_do(keys->db, err,
                            "UPDATE key SET expires = min(coalesce(expires, ?2), ?2)"
                            " WHERE client = ?1 AND revoked IS NULL",
                            "ii", client, ends);
    if (!status)
        status = add_key(&number, keys, client, hash, at, err);
    if (!status)
        status = say(keys, "rotate", client, name, number, act, at, err);
    status = hk__sql_end(keys->db, status, err);
    if (!status) {
        memcpy(text, made, sizeof made);
        *key = number;
    }
    explicit_bzero(made, sizeof made);
    return status;
}

static hk_status revoke(uint64_t *revoked, hk_keys *keys, const char *name, uint64_t key,
                        int64_t at, const hk_act *act, hk_error *err)
{
    int64_t client, good = 0, known = 0;
    const int64_t now = (int64_t)time(NULL);
    hk_status status = hk__client_find(&client, keys, name, err);
    if (!status && key)
        status = hk__sql_number(&known, 0, keys->db, err,
                                "SELECT count(*) FROM key WHERE client = ?1 AND id = ?2", "ii",
                                client, (int64_t)key);
    if (!status && key && !known)
        return hk__fail(err, HK_ERR_USAGE, "the account '%s' has no key %" PRIu64, name, key);
    if (!status)
        status = hk__sql_number(&good, 0, keys->db, err,
                                "SELECT count(*) FROM key WHERE client = ?1 AND (?2 = 0 OR id = ?2)"
                                " AND revoked IS NULL AND (expires IS NULL OR expires > ?3)",
                                "iii", client, (int64_t)key, now);
    if (!status)
        status = hk__sql_do(keys->db, err,
                            "UPDATE key SET revoked = ?3 WHERE client = ?1 AND revoked IS NULL"
                            " AND (?2 = 0 OR id = ?2)",
                            "iii", client, (int64_t)key, at);
    if (!status && !key)
        status = hk__sql_do(keys->db, err,
                            "UPDATE client SET revoked = coalesce(revoked, ?2) WHERE id = ?1", "ii",
                            client, at);
    if (!status)
        status = say(keys, "revoke", client, name, key, act, at, err);
    if (!status)
        *revoked = (uint64_t)good;
    return status;
}

hk_status hk_key_revoke(uint64_t *revoked, hk_keys *keys, const char *name, uint64_t key,
                        const hk_act *act, hk_error *err)
{
    int64_t at;
    uint64_t count = 0;
    hk_status status = key > INT64_MAX ? hk__fail(err, HK_ERR_USAGE, "there is no such key")
                                       : hk__act_check(&at, act, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    status = hk__sql_end(keys->db, revoke(&count, keys, name, key, at, act, err), err);
    if (!status)
        *revoked = count;
    return status;
}

/* ---- the list ------------------------------------------------------------------------------ */

static void read_key(hk_key_info *out, char certificate[HK_CHAIN_TEXT_SIZE], sqlite3_stmt *row)
{
    const uint8_t *bound = sqlite3_column_blob(row, 6);
    const int64_t now = (int64_t)time(NULL), expires = sqlite3_column_int64(row, 9);
    if (bound && sqlite3_column_bytes(row, 6) == HK__SHA256_SIZE)
        hk__hex_text(certificate, bound, HK__SHA256_SIZE);
    else
        strcpy(certificate, bound ? "damaged" : "");
    const char *name = (const char *)sqlite3_column_text(row, 0);
    *out = (hk_key_info){.settings = {.size = sizeof out->settings,
                                      .name = name ? name : "",
                                      .scopes = (unsigned)sqlite3_column_int64(row, 1),
                                      .rate = (uint64_t)sqlite3_column_int64(row, 2),
                                      .burst = (uint64_t)sqlite3_column_int64(row, 3),
                                      .quota = (uint64_t)sqlite3_column_int64(row, 4),
                                      .near_budget = (uint64_t)sqlite3_column_int64(row, 5),
                                      .certificate = *certificate ? certificate : NULL},
                         .key = (uint64_t)sqlite3_column_int64(row, 7),
                         .created = sqlite3_column_int64(row, 8),
                         .expires = expires,
                         .revoked = sqlite3_column_int64(row, 10)};
    out->good = out->key && !out->revoked && (!expires || expires > now);
    if (sqlite3_column_int64(row, 11) == now / 86400) {
        out->used_items = (uint64_t)sqlite3_column_int64(row, 12);
        out->used_near = (uint64_t)sqlite3_column_int64(row, 13);
    }
}

hk_status hk_key_list(hk_keys *keys, void (*on_key)(void *context, const hk_key_info *key),
                      void *context, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    char certificate[HK_CHAIN_TEXT_SIZE];
    hk_key_info info;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT c.name, c.scopes, c.rate, c.burst, c.quota, c.near, c.certificate, k.id,"
        " coalesce(k.created, c.created), coalesce(k.expires, 0),"
        " coalesce(k.revoked, c.revoked, 0), u.day, u.items, u.near"
        " FROM client c LEFT JOIN key k ON k.client = c.id LEFT JOIN usage u ON u.client = c.id"
        " ORDER BY c.name, k.id",
        "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        read_key(&info, certificate, rows);
        on_key(context, &info);
    }
    sqlite3_finalize(rows);
    return status;
}
