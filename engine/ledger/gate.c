/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate.c - see gate.h. */
#include "ledger/gate.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

#include <openssl/crypto.h>

enum { DAY_S = 86400, BURST_LEAST = 2000, BURST_SECONDS = 10, CLIENT_TABLE = 256 };

/* A key's row. */
typedef struct slot {
    uint8_t hash[HK__SHA256_SIZE];
    uint64_t key; /* 0: free */
    int64_t expires;
    bool revoked;
    hk__client *client;
} slot;

typedef struct table {
    slot *slots;
    size_t capacity; /* a power of 2, at least twice the keys */
} table;

struct hk__gate {
    pthread_rwlock_t lock; /* of these: */
    table keys;
    hk__client *by_id[CLIENT_TABLE];
    uint64_t clients;
};

const char *hk_admission_name(hk_admission admission)
{
    static const char *const names[HK_ADMISSIONS] = {
        "admitted", "unknown_key", "revoked_key", "wrong_certificate", "missing_scope",
        "rate",     "quota",       "slowed",      "too_many_items",    "unavailable"};
    return (unsigned)admission < HK_ADMISSIONS ? names[admission] : NULL;
}

hk_status hk__gate_new(hk__gate **out, hk_error *err)
{
    hk__gate *gate = hk__alloc(1, sizeof *gate);
    if (!gate)
        return hk__fail_memory(err);
    /* A change to keys must not wait for a gap between requests. */
    pthread_rwlockattr_t writers_first;
    pthread_rwlockattr_init(&writers_first);
    pthread_rwlockattr_setkind_np(&writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&gate->lock, &writers_first);
    pthread_rwlockattr_destroy(&writers_first);
    *out = gate;
    return HK_OK;
}

void hk__gate_free(hk__gate *gate)
{
    if (!gate)
        return;
    for (int i = 0; i < CLIENT_TABLE; i++)
        for (hk__client *c = gate->by_id[i], *next; c; c = next) {
            next = c->next;
            hk__walks_clear(&c->walks);
            pthread_mutex_destroy(&c->lock);
            hk__free(c);
        }
    hk__free(gate->keys.slots);
    pthread_rwlock_destroy(&gate->lock);
    hk__free(gate);
}

/* ---- reading DB.keys ------------------------------------------------------------------------ */

static hk__client *find_client(hk__gate *gate, uint64_t id)
{
    hk__client *c = gate->by_id[id % CLIENT_TABLE];
    while (c && c->id != id)
        c = c->next;
    return c;
}

/* Columns of accounts in the order in which this reads them. */
static void take_settings(hk__client *c, sqlite3_stmt *row)
{
    const uint8_t *bound = sqlite3_column_blob(row, 6);
    c->scopes = (unsigned)sqlite3_column_int64(row, 2);
    c->rate = (uint64_t)sqlite3_column_int64(row, 3);
    c->burst = (uint64_t)sqlite3_column_int64(row, 4);
    c->quota = (uint64_t)sqlite3_column_int64(row, 5);
    c->bound = sqlite3_column_type(row, 6) != SQLITE_NULL;
    /* A damaged binding fits no certificate. */
    c->revoked = sqlite3_column_type(row, 7) != SQLITE_NULL;
    c->near_budget = (uint64_t)sqlite3_column_int64(row, 8);
    if (bound && sqlite3_column_bytes(row, 6) == HK__SHA256_SIZE)
        memcpy(c->certificate, bound, HK__SHA256_SIZE);
    else if (c->bound)
        c->revoked = true;
    if (!c->burst && c->rate)
        c->burst = c->rate * BURST_SECONDS > BURST_LEAST ? c->rate * BURST_SECONDS : BURST_LEAST;
}

static hk_status take_client(hk__gate *gate, sqlite3_stmt *row, const hk_keys *keys, hk_error *err)
{
    const int64_t id = sqlite3_column_int64(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    bool sound = id > 0 && name && strlen(name) < HK__NAME_SIZE;
    for (int column = 2; column <= 8; column++)
        sound = sound && (column >= 6 || sqlite3_column_int64(row, column) >= 0);
    if (!sound || sqlite3_column_int64(row, 3) > INT64_MAX / BURST_SECONDS)
        return hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: an account that cannot be",
                        keys->path);
    pthread_rwlock_wrlock(&gate->lock);
    hk__client *c = find_client(gate, (uint64_t)id);
    const bool fresh = !c;
    if (!c && (c = hk__alloc(1, sizeof *c))) {
        c->id = (uint64_t)id;
        strcpy(c->name, name);
        pthread_mutex_init(&c->lock, NULL);
        c->day = sqlite3_column_int64(row, 9);
        c->items = (uint64_t)sqlite3_column_int64(row, 10);
        c->near_used = (uint64_t)sqlite3_column_int64(row, 11);
        c->next = gate->by_id[c->id % CLIENT_TABLE];
        gate->by_id[c->id % CLIENT_TABLE] = c;
        gate->clients++;
    }
    if (c) {
        if (!fresh)
            pthread_mutex_lock(&c->lock);
        take_settings(c, row);
        if (!c->near_budget || c->near_used < c->near_budget)
            c->near_told = false; /* it was raised: when that is used up, it is told again */
        if (!fresh)
            pthread_mutex_unlock(&c->lock);
    }
    pthread_rwlock_unlock(&gate->lock);
    return c ? HK_OK : hk__fail_memory(err);
}

static slot *slot_of(const table *t, const uint8_t hash[HK__SHA256_SIZE])
{
    uint64_t bits;
    memcpy(&bits, hash, sizeof bits);
    /* The table is never more than half full. */
    for (size_t at = (size_t)bits;; at++) {
        slot *s = &t->slots[at & (t->capacity - 1)];
        if (!s->key || !CRYPTO_memcmp(s->hash, hash, HK__SHA256_SIZE))
            return s;
    }
}

static hk_status read_clients(hk__gate *gate, hk_keys *keys, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT id, name, scopes, rate, burst, quota, certificate, revoked, client.near,"
        " coalesce(u.day, 0), coalesce(max(u.items, 0), 0), coalesce(max(u.near, 0), 0)"
        " FROM client LEFT JOIN usage u ON u.client = client.id",
        "");
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row)
        status = take_client(gate, rows, keys, err);
    sqlite3_finalize(rows);
    return status;
}

static hk_status read_keys(table *out, hk__gate *gate, hk_keys *keys, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    int64_t count;
    table t = {.capacity = 16};
    hk_status status = hk__sql_number(&count, 0, keys->db, err, "SELECT count(*) FROM key", "");
    if (status)
        return status;
    while (t.capacity < 2 * (uint64_t)count + 2)
        t.capacity *= 2;
    t.slots = hk__alloc(t.capacity, sizeof *t.slots);
    if (!t.slots)
        return hk__fail_memory(err);
    status = hk__sql_prepare(&rows, keys->db, err,
                             "SELECT id, client, hash, expires, revoked FROM key", "");
    if (status) {
        hk__free(t.slots);
        return status;
    }
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        const uint8_t *hash = sqlite3_column_blob(rows, 2);
        const int64_t id = sqlite3_column_int64(rows, 0);
        hk__client *client = find_client(gate, (uint64_t)sqlite3_column_int64(rows, 1));
        if (!hash || sqlite3_column_bytes(rows, 2) != HK__SHA256_SIZE || id <= 0 || !client ||
            count-- <= 0) {
            status =
                hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: a key that cannot be", keys->path);
            break;
        }
        slot *s = slot_of(&t, hash);
        memcpy(s->hash, hash, HK__SHA256_SIZE);
        s->key = (uint64_t)id;
        s->client = client;
        s->expires =
            sqlite3_column_type(rows, 3) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(rows, 3);
        s->revoked = sqlite3_column_type(rows, 4) != SQLITE_NULL;
    }
    sqlite3_finalize(rows);
    if (status)
        hk__free(t.slots);
    else
        *out = t;
    return status;
}

hk_status hk__gate_load(hk__gate *gate, hk_keys *keys, hk_error *err)
{
    table t;
    const bool own = sqlite3_get_autocommit(keys->db);
    hk_status status = own ? hk__sql_begin(keys->db, false, err) : HK_OK;
    if (status)
        return status;
    status = read_clients(gate, keys, err);
    if (!status)
        status = read_keys(&t, gate, keys, err);
    const bool have = !status;
    if (own)
        status = hk__sql_end(keys->db, status, err);
    if (status) {
        if (have)
            hk__free(t.slots);
        return status;
    }
    pthread_rwlock_wrlock(&gate->lock);
    slot *gone = gate->keys.slots;
    gate->keys = t;
    pthread_rwlock_unlock(&gate->lock);
    hk__free(gone);
    return HK_OK;
}

/* ---- admitting ----------------------------------------------------------------------------- */

void hk__client_day(hk__client *client, int64_t wall)
{
    const int64_t day = wall / DAY_S;
    if (day > client->day) {
        client->items = client->near_used = 0;
        client->near_told = client->walk_told = false;
    }
    client->changed = client->changed || day != client->day;
    client->day = day;
}

static uint64_t to_midnight_ms(int64_t wall)
{
    return (uint64_t)(DAY_S - wall % DAY_S) * 1000;
}

/* With the client's lock held. */
static hk_admission charge(hk_caller *out, hk__client *c, uint64_t items, uint64_t now,
                           int64_t wall)
{
    hk__client_day(c, wall);
    if (now < c->slow_until) {
        out->retry_after_ms = (c->slow_until - now) / 1000000 + 1;
        return HK_REFUSED_WALK;
    }
    if (c->rate && items > c->burst)
        return HK_REFUSED_LARGE;
    if (c->quota && (items > c->quota || c->items > c->quota - items)) {
        out->retry_after_ms = to_midnight_ms(wall);
        return HK_REFUSED_QUOTA;
    }
    if (c->rate) {
        if (c->filled && now > c->filled)
            c->tokens += (double)(now - c->filled) * 1e-9 * (double)c->rate;
        if (!c->filled || c->tokens > (double)c->burst)
            c->tokens = (double)c->burst;
        c->filled = now;
        if (c->tokens < (double)items) {
            out->retry_after_ms =
                (uint64_t)(((double)items - c->tokens) / (double)c->rate * 1000) + 1;
            return HK_REFUSED_RATE;
        }
        c->tokens -= (double)items;
    }
    c->items += items;
    c->changed = true;
    out->near_closed = c->near_budget && c->near_used >= c->near_budget;
    return HK_ADMITTED;
}

hk_admission hk__gate_admit(hk_caller *out, hk__gate *gate, const char *key, size_t length,
                            const uint8_t *certificate, unsigned scope, uint64_t items,
                            uint64_t now, int64_t wall)
{
    uint8_t hash[HK__SHA256_SIZE];
    slot found = {{0}, 0, 0, false, NULL};
    hk_admission admission;
    *out = (hk_caller){.name = "", .items = items};
    if (!hk__key_hash(hash, key, length))
        return HK_REFUSED_KEY;
    pthread_rwlock_rdlock(&gate->lock);
    if (gate->keys.slots)
        found = *slot_of(&gate->keys, hash);
    pthread_rwlock_unlock(&gate->lock);
    hk__client *c = found.client;
    if (!found.key || !c)
        return HK_REFUSED_KEY;
    out->client = c->id;
    out->key = found.key;
    out->name = c->name;
    pthread_mutex_lock(&c->lock);
    out->scopes = c->scopes;
    if (found.revoked || c->revoked || wall >= found.expires)
        admission = HK_REFUSED_REVOKED;
    else if (c->bound &&
             (!certificate || CRYPTO_memcmp(c->certificate, certificate, HK__SHA256_SIZE)))
        admission = HK_REFUSED_CERTIFICATE;
    else if (scope & ~c->scopes || !scope)
        admission = HK_REFUSED_SCOPE;
    else
        admission = charge(out, c, items, now, wall);
    pthread_mutex_unlock(&c->lock);
    return admission;
}

hk__client *hk__gate_client(hk__gate *gate, uint64_t id)
{
    pthread_rwlock_rdlock(&gate->lock);
    hk__client *c = find_client(gate, id);
    pthread_rwlock_unlock(&gate->lock);
    return c;
}

uint64_t hk__gate_count(hk__gate *gate)
{
    pthread_rwlock_rdlock(&gate->lock);
    const uint64_t count = gate->clients;
    pthread_rwlock_unlock(&gate->lock);
    return count;
}

void hk__gate_charge(hk__gate *gate, uint64_t client, uint64_t items, uint64_t near_used,
                     int64_t wall)
{
    hk__client *c = hk__gate_client(gate, client);
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    if (wall / DAY_S >= c->day) {
        hk__client_day(c, wall);
        c->items += items;
        c->near_used += near_used;
        c->changed = true;
    }
    pthread_mutex_unlock(&c->lock);
}

static hk_status save_client(hk__client *c, hk_keys *keys, hk_error *err)
{
    pthread_mutex_lock(&c->lock);
    const bool changed = c->changed;
    const int64_t day = c->day, items = (int64_t)c->items, near_used = (int64_t)c->near_used;
    c->changed = false;
    pthread_mutex_unlock(&c->lock);
    if (!changed)
        return HK_OK;
    return hk__sql_do(keys->db, err, "INSERT OR REPLACE INTO usage VALUES(?1, ?2, ?3, ?4)", "iiii",
                      (int64_t)c->id, day, items, near_used);
}

hk_status hk__gate_save(hk__gate *gate, hk_keys *keys, hk_error *err)
{
    hk_status status = HK_OK;
    /* Accounts come only from this thread, and stay. */
    for (int i = 0; !status && i < CLIENT_TABLE; i++)
        for (hk__client *c = gate->by_id[i]; !status && c; c = c->next)
            status = save_client(c, keys, err);
    return status;
}

void hk__gate_unsaved(hk__gate *gate)
{
    for (int i = 0; i < CLIENT_TABLE; i++)
        for (hk__client *c = gate->by_id[i]; c; c = c->next) {
            pthread_mutex_lock(&c->lock);
            c->changed = true;
            pthread_mutex_unlock(&c->lock);
        }
}
