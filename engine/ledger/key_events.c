/* SPDX-License-Identifier: GPL-3.0-or-later */
/* key_events.c - see key_events.h. */
#include "ledger/key_events.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One record's fields. Strings are borrowed from it. */
typedef struct event {
    const json_t *record;
    const char *name, *by;
    int64_t at;
    uint8_t hash[HK__SHA256_SIZE];
    bool has_hash;
} event;

static const char *text_in(const event *e, const char *name)
{
    return json_string_value(json_object_get(e->record, name));
}

static uint64_t number_in(const event *e, const char *name)
{
    const json_int_t value = json_integer_value(json_object_get(e->record, name));
    return value > 0 ? (uint64_t)value : 0;
}

static bool hash_in(uint8_t hash[HK__SHA256_SIZE], const event *e, const char *name)
{
    const char *text = text_in(e, name);
    return text && strlen(text) == 2 * HK__SHA256_SIZE &&
           hk__hex_bytes(hash, text, HK__SHA256_SIZE);
}

/* What an account may, as a record says it. False: the record does not, or it cannot be. */
static bool settings_in(hk_client_settings *s, uint8_t certificate[HK__SHA256_SIZE],
                        const uint8_t **bound, const event *e)
{
    size_t i;
    json_t *word;
    *s = (hk_client_settings)HK_CLIENT_SETTINGS_INIT;
    s->name = e->name;
    s->scopes = 0;
    json_array_foreach(json_object_get(e->record, "scopes"), i, word)
    {
        const char *text = json_string_value(word);
        for (unsigned scope = 0; text && scope < HK_SCOPE_COUNT; scope++)
            if (!strcmp(text, hk_scope_name(scope)))
                s->scopes |= 1u << scope;
    }
    s->rate = number_in(e, "rate");
    s->burst = number_in(e, "burst");
    s->quota = number_in(e, "quota");
    s->near_budget = number_in(e, "near");
    *bound = NULL;
    if (json_object_get(e->record, "certificate")) {
        if (!hash_in(certificate, e, "certificate"))
            return false;
        *bound = certificate;
    }
    return !hk__settings_check(s, NULL);
}

/* 0: there is no such account. */
static hk_status find_client(int64_t *client, hk_keys *keys, const event *e, hk_error *err)
{
    return hk__sql_number(client, 0, keys->db, err, "SELECT id FROM client WHERE name = ?1", "t",
                          e->name);
}

/* A key as the record has it; one that is there already is not added. */
static hk_status add_key(hk_keys *keys, int64_t client, const event *e, hk_error *err)
{
    sqlite3_stmt *rows;
    bool there = false;
    uint64_t key = number_in(e, "key");
    hk_status status =
        hk__sql_prepare(&rows, keys->db, err, "SELECT 1 FROM key WHERE hash = ?1", "n");
    if (status)
        return status;
    if (sqlite3_bind_blob(rows, 1, e->hash, HK__SHA256_SIZE, SQLITE_TRANSIENT))
        status = hk__sql_fail(keys->db, err);
    if (!status)
        status = hk__sql_step(&there, rows, err);
    sqlite3_finalize(rows);
    return status || there ? status : hk__key_add(&key, keys, client, e->hash, e->at, err);
}

static hk_status create(hk__taken *taken, hk_keys *keys, const event *e, hk_error *err)
{
    hk_client_settings settings;
    uint8_t certificate[HK__SHA256_SIZE];
    const uint8_t *bound;
    int64_t client = 0;
    hk_status status = find_client(&client, keys, e, err);
    if (status)
        return status;
    if (client || !e->has_hash || !settings_in(&settings, certificate, &bound, e)) {
        taken->left++;
        return HK_OK;
    }
    client = (int64_t)number_in(e, "client");
    status = hk__client_add(&client, keys, &settings, bound, e->at, err);
    if (!status)
        status = add_key(keys, client, e, err);
    taken->created++;
    taken->accounts = true;
    return status;
}

static hk_status change(hk__taken *taken, hk_keys *keys, int64_t client, const event *e,
                        hk_error *err)
{
    hk_client_settings settings;
    uint8_t certificate[HK__SHA256_SIZE];
    const uint8_t *bound;
    if (!settings_in(&settings, certificate, &bound, e)) {
        taken->left++;
        return HK_OK;
    }
    taken->changed++;
    return hk__client_set(keys, client, &settings, bound, err);
}

/* Runs an UPDATE of keys that takes the record's hash as ?3. */
static hk_status update_keys(hk_keys *keys, const event *e, int64_t client, int64_t value,
                             const char *sql, hk_error *err)
{
    sqlite3_stmt *update;
    hk_status status = hk__sql_prepare(&update, keys->db, err, sql, "iini", client, value, e->at);
    if (status)
        return status;
    if (e->has_hash && sqlite3_bind_blob(update, 3, e->hash, HK__SHA256_SIZE, SQLITE_TRANSIENT))
        status = hk__sql_fail(keys->db, err);
    if (!status)
        status = hk__sql_done(update, err);
    sqlite3_finalize(update);
    return status;
}

/* A record of before 2026-11-22 has neither the new key nor its grace: then the older ones end when
 * they were rotated. */
static hk_status rotate(hk__taken *taken, hk_keys *keys, int64_t client, const event *e,
                        hk_error *err)
{
    const uint64_t expires = number_in(e, "expires");
    taken->rotated++;
    const hk_status status =
        update_keys(keys, e, client, expires ? (int64_t)expires : e->at,
                    "UPDATE key SET expires = min(coalesce(expires, ?2), ?2)"
                    " WHERE client = ?1 AND revoked IS NULL AND created <= ?4 AND hash IS NOT ?3",
                    err);
    return status || !e->has_hash ? status : add_key(keys, client, e, err);
}

static hk_status revoke(hk__taken *taken, hk_keys *keys, int64_t client, const event *e,
                        hk_error *err)
{
    const uint64_t key = number_in(e, "key");
    taken->revoked++;
    if (!key) {
        const hk_status status = hk__sql_do(keys->db, err,
                                            "UPDATE client SET revoked = coalesce(revoked, ?2)"
                                            " WHERE id = ?1",
                                            "ii", client, e->at);
        if (status)
            return status;
    }
    return update_keys(keys, e, client, (int64_t)key,
                       "UPDATE key SET revoked = coalesce(revoked, ?4) WHERE client = ?1"
                       " AND (?2 = 0 OR CASE WHEN ?3 IS NULL THEN id = ?2 ELSE hash = ?3 END)",
                       err);
}

static hk_status take_key(hk__taken *taken, hk_keys *keys, const event *e, hk_error *err)
{
    const char *act = text_in(e, "act");
    int64_t client = 0;
    if (!act || !e->name) {
        taken->left++;
        return HK_OK;
    }
    if (!strcmp(act, "create"))
        return create(taken, keys, e, err);
    const hk_status status = find_client(&client, keys, e, err);
    if (status)
        return status;
    if (client && !strcmp(act, "change"))
        return change(taken, keys, client, e, err);
    if (client && !strcmp(act, "rotate"))
        return rotate(taken, keys, client, e, err);
    if (client && !strcmp(act, "revoke"))
        return revoke(taken, keys, client, e, err);
    taken->left++;
    return HK_OK;
}

/* What was said of an entry. */
static hk_status take_entry(hk__taken *taken, hk_keys *keys, const event *e, const char *kind,
                            hk_error *err)
{
    const char *list = text_in(e, "list"), *entry = text_in(e, "entry");
    const uint32_t number = (uint32_t)number_in(e, "number");
    unsigned confirmations;
    bool any;
    char *who = NULL;
    if (!list || !entry || !e->by) {
        taken->left++;
        return HK_OK;
    }
    taken->others++;
    if (!strcmp(kind, "release"))
        return hk__release(&any, keys, list, entry, number, (int64_t)number_in(e, "spared"), e->by,
                           text_in(e, "reason"), e->at, err);
    if (asprintf(&who, "person:%s", e->by) < 0)
        return hk__fail_memory(err);
    const hk_status status =
        hk__confirm(&confirmations, keys, list, entry, number, who, e->at, err);
    free(who);
    return status;
}

/* The event's text as DB.keys had it: from "kind" on, up to its number; owned. NULL: it is none. */
static char *body_of(const char *line, size_t length)
{
    static const char end[] = ",\"event\":";
    const char *start = strstr(line, "\"kind\":\"");
    const char *at = line + (length > HK__CHAIN_TAIL ? length - HK__CHAIN_TAIL : 0);
    if (!start || at <= start)
        return NULL;
    while (at > start && at[0] >= '0' && at[0] <= '9')
        at--;
    at -= sizeof end - 2; /* it ends where the digits begin */
    return at > start && !strncmp(at, end, sizeof end - 1)
               ? hk__strndup(start, (size_t)(at - start))
               : NULL;
}

/* Whether the tables know it; then it is noted that it is logged. Of one that was too damaged to be
 * logged its number must do. */
static hk_status is_known(bool *known, hk_keys *keys, const event *e, const char *body,
                          uint64_t number, hk_error *err)
{
    int64_t count = 0;
    const int64_t id = (int64_t)number_in(e, "event");
    hk_status status = hk__sql_number(
        &count, 0, keys->db, err, "SELECT count(*) FROM event WHERE id = ?1 AND (body = ?2 OR ?3)",
        "iti", id, body, (int64_t)!strcmp(body, HK__EVENT_DAMAGED));
    *known = count > 0;
    if (!status && *known)
        status = hk__sql_do(keys->db, err,
                            "UPDATE event SET record = ?2 WHERE id = ?1 AND record IS NULL", "ii",
                            id, (int64_t)number);
    return status;
}

static hk_status take(hk__taken *taken, hk_keys *keys, const event *e, const char *body,
                      uint64_t number, hk_error *err)
{
    bool known = false;
    const char *kind = text_in(e, "kind");
    hk_status status = is_known(&known, keys, e, body, number, err);
    if (status || known || !kind)
        return status;
    if (!strcmp(kind, "key"))
        status = take_key(taken, keys, e, err);
    else if (!strcmp(kind, "release") || !strcmp(kind, "confirm"))
        status = take_entry(taken, keys, e, kind, err);
    else
        taken->others++;
    /* Its own number may be another event's by now. */
    if (!status)
        status = hk__sql_do(keys->db, err,
                            "INSERT INTO event(id, body, record) VALUES((SELECT ?1 WHERE NOT EXISTS"
                            "(SELECT 1 FROM event WHERE id = ?1)), ?2, ?3)",
                            "iti", (int64_t)number_in(e, "event"), body, (int64_t)number);
    return status;
}

hk_status hk__key_event(hk__taken *taken, hk_keys *keys, const json_t *record, const char *line,
                        size_t length, uint64_t number, hk_error *err)
{
    event e = {.record = record};
    char *body = body_of(line, length);
    if (!body) {
        taken->left++;
        return HK_OK;
    }
    e.name = text_in(&e, "name");
    e.by = text_in(&e, "by");
    e.at = (int64_t)number_in(&e, "at");
    e.has_hash = hash_in(e.hash, &e, "hash");
    const hk_status status = take(taken, keys, &e, body, number, err);
    hk__free(body);
    return status;
}
