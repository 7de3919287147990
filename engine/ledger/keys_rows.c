/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_rows.c - the rows of accounts and keys in DB.keys, and what a record says of them (books.h).
 */
#include "ledger/books.h"

#include "core/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MOST = HK__NAME_SIZE - 1 };
#define LIMIT_MOST (UINT64_C(1) << 48)

hk_status hk__settings_check(const hk_client_settings *s, hk_error *err)
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

/* ---- rows ---------------------------------------------------------------------------------- */

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

hk_status hk__key_add(uint64_t *key, hk_keys *keys, int64_t client, const uint8_t *hash, int64_t at,
                      hk_error *err)
{
    sqlite3_stmt *insert;
    hk_status status = hk__sql_prepare(&insert, keys->db, err,
                                       "INSERT INTO key(client, created, hash, id)"
                                       " VALUES(?1, ?2, ?4, (SELECT ?3 WHERE ?3 > 0 AND NOT EXISTS"
                                       "(SELECT 1 FROM key WHERE id = ?3)))",
                                       "iii", client, at, (int64_t)*key);
    if (!status)
        status = run_with_hash(insert, 4, hash, err);
    if (!status)
        *key = (uint64_t)sqlite3_last_insert_rowid(keys->db);
    return status;
}

hk_status hk__client_add(int64_t *client, hk_keys *keys, const hk_client_settings *s,
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
            "INSERT INTO client(name, scopes, rate, burst, quota, near, created, id, certificate)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT ?8 WHERE ?8 > 0 AND NOT EXISTS"
            "(SELECT 1 FROM client WHERE id = ?8)), ?9)",
            "tiiiiiii", s->name, (int64_t)s->scopes, (int64_t)s->rate, (int64_t)s->burst,
            (int64_t)s->quota, (int64_t)s->near_budget, at, *client);
    if (!status)
        status = run_with_hash(insert, 9, certificate, err);
    if (!status)
        *client = sqlite3_last_insert_rowid(keys->db);
    return status;
}

hk_status hk__client_set(hk_keys *keys, int64_t client, const hk_client_settings *s,
                         const uint8_t *certificate, hk_error *err)
{
    sqlite3_stmt *update;
    const hk_status status = hk__sql_prepare(
        &update, keys->db, err,
        "UPDATE client SET scopes = ?2, rate = ?3, burst = ?4, quota = ?5, near = ?6,"
        " certificate = ?7 WHERE id = ?1",
        "iiiiii", client, (int64_t)s->scopes, (int64_t)s->rate, (int64_t)s->burst,
        (int64_t)s->quota, (int64_t)s->near_budget);
    return status ? status : run_with_hash(update, 7, certificate, err);
}

hk_status hk__client_open(int64_t *client, hk_keys *keys, const char *name, hk_error *err)
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

/* ---- words of a record ---------------------------------------------------------------------- */

char *hk__hash_field(char *to, const char *name, const uint8_t hash[HK__SHA256_SIZE])
{
    char hex[2 * HK__SHA256_SIZE + 1];
    hk__hex_text(hex, hash, HK__SHA256_SIZE);
    return to + sprintf(to, ",\"%s\":\"%s\"", name, hex);
}

void hk__settings_text(char out[HK__SETTINGS_TEXT], const hk_client_settings *s,
                       const uint8_t *certificate)
{
    char *to = stpcpy(out, ",\"scopes\":["), *const first = to;
    for (unsigned i = 0; i < HK_SCOPE_COUNT; i++)
        if (s->scopes >> i & 1)
            to += sprintf(to, "%s\"%s\"", to == first ? "" : ",", hk_scope_name(i));
    to += sprintf(
        to, "],\"rate\":%" PRIu64 ",\"burst\":%" PRIu64 ",\"quota\":%" PRIu64 ",\"near\":%" PRIu64,
        s->rate, s->burst, s->quota, s->near_budget);
    if (certificate)
        hk__hash_field(to, "certificate", certificate);
}
