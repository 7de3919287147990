/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_admin.c - accounts and keys: made, changed, rotated, revoked (herken.h). */
#include "ledger/books.h"

#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define GRACE_MOST (UINT64_C(10) * 366 * 86400)

const char *hk_scope_name(unsigned index)
{
    static const char *const names[HK_SCOPE_COUNT] = {"check", "feedback", "curate", "audit"};
    return index < HK_SCOPE_COUNT ? names[index] : NULL;
}

/* What was done to keys, for the audit log, from which key_events.c does it again. more: fields of
 * its own. */
static hk_status say(hk_keys *keys, const char *what, int64_t client, const char *name,
                     uint64_t key, const char *more, const hk_act *act, int64_t at, hk_error *err)
{
    char *by = hk__json_text(act->actor), *reason = hk__json_field("reason", act->reason);
    const hk_status status =
        by && reason
            ? hk__event_add(keys, err,
                            "\"kind\":\"key\",\"act\":\"%s\",\"client\":%" PRId64
                            ",\"name\":\"%s\",\"key\":%" PRIu64 "%s,\"at\":%" PRId64 ",\"by\":%s%s",
                            what, client, name, key, more, at, by, reason)
            : hk__fail_memory(err);
    hk__free(by);
    hk__free(reason);
    return status;
}

static hk_status say_created(hk_keys *keys, int64_t client, uint64_t key,
                             const uint8_t hash[HK__SHA256_SIZE], const hk_client_settings *s,
                             const uint8_t *certificate, const hk_act *act, int64_t at,
                             hk_error *err)
{
    char more[HK__SETTINGS_TEXT + HK__HASH_FIELD], *to = more;
    to = hk__hash_field(to, "hash", hash);
    hk__settings_text(to, s, certificate);
    return say(keys, "create", client, s->name, key, more, act, at, err);
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
        status = hk__settings_check(settings, err);
    if (!status && settings->certificate)
        status = hk__certificate_hash(certificate, settings->certificate, err);
    if (!status)
        status = hk__key_make(made, hash, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    const uint8_t *bound = settings->certificate ? certificate : NULL;
    status = hk__client_add(&client, keys, settings, bound, at, err);
    if (!status)
        status = hk__key_add(&number, keys, client, hash, at, err);
    if (!status)
        status = say_created(keys, client, number, hash, settings, bound, act, at, err);
    status = hk__sql_end(keys->db, status, err);
    if (!status) {
        memcpy(text, made, sizeof made);
        *key = number;
    }
    explicit_bzero(made, sizeof made);
    return status;
}

/* ---- changing ------------------------------------------------------------------------------ */

/* What the account has now. certificate: whose bytes *bound is, or NULL. */
static hk_status read_settings(hk_client_settings *s, const uint8_t **bound,
                               uint8_t certificate[HK__SHA256_SIZE], hk_keys *keys, int64_t client,
                               hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(&rows, keys->db, err,
                                       "SELECT scopes, rate, burst, quota, near, certificate"
                                       " FROM client WHERE id = ?1",
                                       "i", client);
    if (status)
        return status;
    status = hk__sql_step(&row, rows, err);
    if (!status && row) {
        const bool has = sqlite3_column_type(rows, 5) != SQLITE_NULL;
        s->scopes = (unsigned)sqlite3_column_int64(rows, 0);
        s->rate = (uint64_t)sqlite3_column_int64(rows, 1);
        s->burst = (uint64_t)sqlite3_column_int64(rows, 2);
        s->quota = (uint64_t)sqlite3_column_int64(rows, 3);
        s->near_budget = (uint64_t)sqlite3_column_int64(rows, 4);
        memset(certificate, 0, HK__SHA256_SIZE); /* a damaged one fits nobody */
        if (has && sqlite3_column_bytes(rows, 5) == HK__SHA256_SIZE)
            memcpy(certificate, sqlite3_column_blob(rows, 5), HK__SHA256_SIZE);
        *bound = has ? certificate : NULL;
    }
    sqlite3_finalize(rows);
    return status;
}

static void merge(hk_client_settings *now, const hk_client_settings *wanted, unsigned changes)
{
    if (changes & HK_SET_SCOPES)
        now->scopes = wanted->scopes;
    if (changes & HK_SET_RATE)
        now->rate = wanted->rate;
    if (changes & HK_SET_BURST)
        now->burst = wanted->burst;
    if (changes & HK_SET_QUOTA)
        now->quota = wanted->quota;
    if (changes & HK_SET_NEAR)
        now->near_budget = wanted->near_budget;
}

static hk_status change(hk_keys *keys, const hk_client_settings *wanted, unsigned changes,
                        const uint8_t *wanted_bound, const hk_act *act, int64_t at, hk_error *err)
{
    char more[HK__SETTINGS_TEXT];
    uint8_t certificate[HK__SHA256_SIZE];
    const uint8_t *bound = NULL;
    hk_client_settings now = HK_CLIENT_SETTINGS_INIT;
    int64_t client = 0;
    now.name = wanted->name;
    hk_status status = hk__client_open(&client, keys, wanted->name, err);
    if (!status)
        status = read_settings(&now, &bound, certificate, keys, client, err);
    if (status)
        return status;
    merge(&now, wanted, changes);
    if (changes & HK_SET_CERTIFICATE)
        bound = wanted_bound;
    status = hk__settings_check(&now, err);
    if (!status)
        status = hk__client_set(keys, client, &now, bound, err);
    if (status)
        return status;
    hk__settings_text(more, &now, bound);
    return say(keys, "change", client, now.name, 0, more, act, at, err);
}

hk_status hk_key_change(hk_keys *keys, const hk_client_settings *settings, unsigned changes,
                        const hk_act *act, hk_error *err)
{
    uint8_t certificate[HK__SHA256_SIZE];
    int64_t at = 0;
    hk_status status = hk__act_check(&at, act, err);
    if (!status && (!settings->name || !changes || changes >= 2 * HK_SET_CERTIFICATE))
        status = hk__fail(err, HK_ERR_USAGE, "what is to be changed, and of which account?");
    const bool binds = changes & HK_SET_CERTIFICATE && settings->certificate;
    if (!status && binds)
        status = hk__certificate_hash(certificate, settings->certificate, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    status = change(keys, settings, changes, binds ? certificate : NULL, act, at, err);
    return hk__sql_end(keys->db, status, err);
}

/* ---- rotating and revoking ------------------------------------------------------------------ */

hk_status hk_key_rotate(char text[HK_KEY_TEXT_SIZE], uint64_t *key, hk_keys *keys, const char *name,
                        uint64_t grace, const hk_act *act, hk_error *err)
{
    char made[HK_KEY_TEXT_SIZE], more[HK__HASH_FIELD + 40];
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
    status = hk__client_open(&client, keys, name, err);
    if (!status)
        status = hk__sql_do(keys->db, err,
                            "UPDATE key SET expires = min(coalesce(expires, ?2), ?2)"
                            " WHERE client = ?1 AND revoked IS NULL",
                            "ii", client, ends);
    if (!status)
        status = hk__key_add(&number, keys, client, hash, at, err);
    sprintf(hk__hash_field(more, "hash", hash), ",\"expires\":%" PRId64, ends);
    if (!status)
        status = say(keys, "rotate", client, name, number, more, act, at, err);
    status = hk__sql_end(keys->db, status, err);
    if (!status) {
        memcpy(text, made, sizeof made);
        *key = number;
    }
    explicit_bzero(made, sizeof made);
    return status;
}

/* The SHA-256 of a key of the account, as a field; nothing where it has no such key. */
static hk_status field_of_key(char more[HK__HASH_FIELD], hk_keys *keys, int64_t client,
                              uint64_t key, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    *more = '\0';
    hk_status status =
        hk__sql_prepare(&rows, keys->db, err, "SELECT hash FROM key WHERE client = ?1 AND id = ?2",
                        "ii", client, (int64_t)key);
    if (status)
        return status;
    status = hk__sql_step(&row, rows, err);
    if (!status && row && sqlite3_column_blob(rows, 0) &&
        sqlite3_column_bytes(rows, 0) == HK__SHA256_SIZE)
        hk__hash_field(more, "hash", sqlite3_column_blob(rows, 0));
    sqlite3_finalize(rows);
    return status;
}

static hk_status revoke(uint64_t *revoked, hk_keys *keys, const char *name, uint64_t key,
                        int64_t at, const hk_act *act, hk_error *err)
{
    char more[HK__HASH_FIELD];
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
        status = field_of_key(more, keys, client, key, err);
    if (!status)
        status = say(keys, "revoke", client, name, key, more, act, at, err);
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
