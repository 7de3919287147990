/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brake.c - see brake.h. */
#include "ledger/brake.h"

#include "core/error.h"
#include "core/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_NS (UINT64_C(86400) * 1000000000)
/* What is counted again at the start may be older than the clock, which begins with the machine. */
#define AHEAD_NS (3 * WINDOW_NS)
enum { PROBES = 8, CELLS_FIRST = 16 };

/* Hits of one account on one entry, or of all others. */
typedef struct share {
    uint64_t client; /* 0: free, or the others */
    uint32_t now, before;
} share;

typedef struct cell {
    hk__entry_key key;
    uint64_t last;   /* hit; 0: free */
    uint64_t window; /* began */
    share share[HK__BRAKE_SHARES];
    share others;
} cell;

/* An entry that is braked, or spared. */
typedef struct state {
    hk__entry_key key;
    uint64_t client; /* braked for this account alone; 0: for all */
    bool braked;
    int64_t spared; /* until; INT64_MAX: for good */
    uint64_t suppressed;
    char *list, *entry; /* owned; of what is braked and in DB.keys */
} state;

struct hk__brake {
    pthread_mutex_t mutex;
    hk_ledger_options options;
    cell *cells;
    size_t capacity; /* a power of 2 */
    state *states;   /* the first `sorted` by key, then what was braked since they were read */
    size_t sorted, state_count, state_capacity;
    uint64_t suppressed;
};

hk__entry_key hk__entry_key_of(const char *list, const char *entry, uint32_t number)
{
    hk__entry_key key = {.number = number};
    char text[1024], *long_text = NULL;
    uint8_t hash[HK__SHA256_SIZE];
    const size_t a = strlen(list) + 1, b = strlen(entry);
    char *both = a + b <= sizeof text ? text : (long_text = hk__alloc(a + b, 1));
    if (both) {
        memcpy(both, list, a);
        memcpy(both + a, entry, b);
        if (hk__sha256(hash, both, a + b))
            memcpy(key.byte, hash, sizeof key.byte);
    }
    hk__free(long_text);
    return key;
}

static bool same(const hk__entry_key *a, const hk__entry_key *b)
{
    return !memcmp(a, b, sizeof *a);
}

static size_t place_of(const hk__entry_key *key, size_t capacity)
{
    uint64_t bits;
    memcpy(&bits, key->byte, sizeof bits);
    return (size_t)bits & (capacity - 1);
}

hk_status hk__brake_new(hk__brake **out, const hk_ledger_options *options, hk_error *err)
{
    hk__brake *brake = hk__alloc(1, sizeof *brake);
    if (!brake)
        return hk__fail_memory(err);
    brake->cells = hk__alloc(CELLS_FIRST, sizeof *brake->cells);
    if (!brake->cells) {
        hk__free(brake);
        return hk__fail_memory(err);
    }
    brake->capacity = CELLS_FIRST;
    brake->options = *options;
    pthread_mutex_init(&brake->mutex, NULL);
    *out = brake;
    return HK_OK;
}

static void clear_states(state *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hk__free(states[i].list);
        hk__free(states[i].entry);
    }
    hk__free(states);
}

void hk__brake_free(hk__brake *brake)
{
    if (!brake)
        return;
    clear_states(brake->states, brake->state_count);
    hk__free(brake->cells);
    pthread_mutex_destroy(&brake->mutex);
    hk__free(brake);
}

/* ---- counting ------------------------------------------------------------------------------ */

/* Begins a new window where the one in hand is over. */
static void slide(cell *c, uint64_t now)
{
    const uint64_t age = now - c->window;
    if (age < WINDOW_NS)
        return;
    const bool next = age < 2 * WINDOW_NS;
    for (int i = 0; i <= HK__BRAKE_SHARES; i++) {
        share *s = i < HK__BRAKE_SHARES ? &c->share[i] : &c->others;
        s->before = next ? s->now : 0;
        s->now = 0;
    }
    c->window = next ? c->window + WINDOW_NS : now;
}

/* Hits within the last day, taking those of the window before as evenly spread. */
static double hits_of(const share *s, const cell *c, uint64_t now)
{
    return s->now + s->before * (1.0 - (double)(now - c->window) / (double)WINDOW_NS);
}

/* More cells, up to HK__BRAKE_ENTRIES; without memory it stays as it is. */
static void grow(hk__brake *brake)
{
    const size_t capacity = 2 * brake->capacity;
    cell *cells = brake->capacity < HK__BRAKE_ENTRIES ? hk__alloc(capacity, sizeof *cells) : NULL;
    if (!cells)
        return;
    for (size_t i = 0; i < brake->capacity; i++) {
        const cell *old = &brake->cells[i];
        const size_t at = place_of(&old->key, capacity);
        for (size_t p = 0; old->last && p < PROBES; p++) {
            cell *to = &cells[(at + p) & (capacity - 1)];
            if (to->last)
                continue;
            *to = *old;
            break;
        }
    }
    hk__free(brake->cells);
    brake->cells = cells;
    brake->capacity = capacity;
}

/* The entry's cell: its own, a free one, or that which was hit longest ago. */
static cell *cell_of(hk__brake *brake, const hk__entry_key *key, uint64_t now)
{
    cell *oldest;
    for (;;) {
        const size_t at = place_of(key, brake->capacity);
        oldest = NULL;
        for (size_t p = 0; p < PROBES; p++) {
            cell *c = &brake->cells[(at + p) & (brake->capacity - 1)];
            if (c->last && same(&c->key, key))
                return c;
            if (!oldest || c->last < oldest->last)
                oldest = c;
        }
        const size_t before = brake->capacity;
        if (oldest->last)
            grow(brake);
        if (before == brake->capacity)
            break;
    }
    *oldest = (cell){.key = *key, .window = now};
    return oldest;
}

/* Counts a hit; returns the account's share, or that of the others. */
static share *count_hit(cell *c, uint64_t client, uint64_t now)
{
    share *own = NULL;
    slide(c, now);
    for (int i = 0; i < HK__BRAKE_SHARES && !own; i++)
        if (c->share[i].client == client)
            own = &c->share[i];
    for (int i = 0; i < HK__BRAKE_SHARES && !own; i++)
        if (!c->share[i].client || !(c->share[i].now + c->share[i].before)) {
            own = &c->share[i];
            *own = (share){.client = client};
        }
    if (!own)
        own = &c->others;
    if (own->now < UINT32_MAX)
        own->now++;
    c->last = now;
    return own;
}

/* The accounts that hit it within a day, and their hits, of each no more than its part. */
static void add_up(uint64_t *hits, uint64_t *clients, const hk__brake *brake, const cell *c,
                   uint64_t now)
{
    double sum = 0;
    *clients = 0;
    for (int i = 0; i < HK__BRAKE_SHARES; i++) {
        const double own = hits_of(&c->share[i], c, now);
        if (own < 1)
            continue;
        ++*clients;
        sum += own < brake->options.brake_share ? own : brake->options.brake_share;
    }
    sum += hits_of(&c->others, c, now); /* of accounts beyond the sixteenth, each with few */
    *hits = (uint64_t)sum;
}

static int by_name(const hk__entry_key *a, const hk__entry_key *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

static bool is_it(const state *s, const hk__entry_key *key, uint64_t client, bool braked)
{
    return s->braked == braked && !by_name(&s->key, key) &&
           (!s->key.number || s->key.number == key->number) &&
           (!braked || !s->client || s->client == client);
}

static state *find_state(hk__brake *brake, const hk__entry_key *key, uint64_t client, bool braked)
{
    size_t low = 0, high = brake->sorted;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (by_name(&brake->states[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < brake->sorted && !by_name(&brake->states[low].key, key); low++)
        if (is_it(&brake->states[low], key, client, braked))
            return &brake->states[low];
    for (size_t i = brake->sorted; i < brake->state_count; i++)
        if (is_it(&brake->states[i], key, client, braked))
            return &brake->states[i];
    return NULL;
}

static state *add_state(hk__brake *brake)
{
    if (brake->state_count == brake->state_capacity) {
        const size_t capacity = brake->state_capacity ? 2 * brake->state_capacity : 16;
        state *grown = hk__realloc(brake->states, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        brake->states = grown;
        brake->state_capacity = capacity;
    }
    state *s = &brake->states[brake->state_count++];
    memset(s, 0, sizeof *s);
    return s;
}

static hk__braking decide(uint64_t *hits, uint64_t *clients, hk__brake *brake, hk__entry_key entry,
                          uint64_t client, uint64_t now)
{
    const hk_ledger_options *o = &brake->options;
    hk__braking braking = HK__BRAKE_OFF;
    cell *c = cell_of(brake, &entry, now);
    const share *own = count_hit(c, client, now);
    const uint64_t of_one = own == &c->others ? 0 : (uint64_t)hits_of(own, c, now);
    add_up(hits, clients, brake, c, now);
    if (*clients >= o->brake_clients && *hits >= o->brake_hits) {
        braking = HK__BRAKE_NOW;
    } else if (of_one >= o->brake_client) {
        braking = HK__BRAKE_NOW_ALONE;
        *hits = of_one;
        *clients = 1;
    }
    state *s = braking ? add_state(brake) : NULL;
    if (!s)
        return HK__BRAKE_OFF;
    s->key = entry;
    s->client = braking == HK__BRAKE_NOW ? 0 : client;
    s->braked = true;
    return braking;
}

hk__braking hk__brake_hit(uint64_t *hits, uint64_t *clients, hk__brake *brake, hk__entry_key entry,
                          uint64_t client, bool count, uint64_t now, int64_t wall)
{
    hk__braking braking = HK__BRAKE_OFF;
    now += AHEAD_NS;
    pthread_mutex_lock(&brake->mutex);
    state *braked = find_state(brake, &entry, client, true);
    const state *spared = find_state(brake, &entry, client, false);
    if (braked) {
        braking = HK__BRAKE_ON;
        if (count) {
            braked->suppressed++;
            brake->suppressed++;
        }
    } else if (count && !(spared && wall < spared->spared)) {
        braking = decide(hits, clients, brake, entry, client, now);
    }
    pthread_mutex_unlock(&brake->mutex);
    return braking;
}

void hk__brake_count_again(hk__brake *brake, hk__entry_key entry, uint64_t client, uint64_t now,
                           int64_t wall, int64_t at)
{
    const uint64_t age = at < wall ? (uint64_t)(wall - at) * 1000000000 : 0;
    pthread_mutex_lock(&brake->mutex);
    const state *spared = find_state(brake, &entry, client, false);
    if (age < 2 * WINDOW_NS && !(spared && at < spared->spared)) {
        now += AHEAD_NS - age;
        count_hit(cell_of(brake, &entry, now), client, now);
    }
    pthread_mutex_unlock(&brake->mutex);
}

/* ---- DB.keys ------------------------------------------------------------------------------- */

static hk_status load_rows(hk__brake *fresh, hk_keys *keys, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT list, entry, client, 1, 0, number FROM brake"
        " WHERE released IS NULL"
        " UNION ALL SELECT list, entry, 0, 0, max(spared), number FROM brake"
        " WHERE released IS NOT NULL AND spared IS NOT NULL"
        " GROUP BY list, entry, number"
        " UNION ALL SELECT list, entry, 0, 0, 9223372036854775807, number"
        " FROM confirmation c GROUP BY list, entry, number"
        " HAVING (SELECT count(DISTINCT who) FROM confirmation f WHERE"
        " f.list = c.list AND f.entry = c.entry AND f.number IN (0, c.number)) >= 2",
        "");
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row) {
        const char *list = (const char *)sqlite3_column_text(rows, 0);
        const char *entry = (const char *)sqlite3_column_text(rows, 1);
        state *s = list && entry ? add_state(fresh) : NULL;
        if (!s) {
            status = list && entry ? hk__fail_memory(err)
                                   : hk__fail(err, HK_ERR_FORMAT,
                                              "%s: is damaged: a brake on no entry", keys->path);
            break;
        }
        s->key = hk__entry_key_of(list, entry, (uint32_t)sqlite3_column_int64(rows, 5));
        s->client = (uint64_t)sqlite3_column_int64(rows, 2);
        s->braked = sqlite3_column_int64(rows, 3) != 0;
        s->spared = sqlite3_column_int64(rows, 4);
        if (s->braked) {
            s->list = hk__strndup(list, strlen(list));
            s->entry = hk__strndup(entry, strlen(entry));
            if (!s->list || !s->entry)
                status = hk__fail_memory(err);
        }
    }
    sqlite3_finalize(rows);
    return status;
}

static int by_key(const void *a, const void *b)
{
    const state *x = a, *y = b;
    return by_name(&x->key, &y->key);
}

hk_status hk__brake_load(hk__brake *brake, hk_keys *keys, hk_error *err)
{
    hk__brake fresh = {0};
    const hk_status status = load_rows(&fresh, keys, err);
    if (status) {
        clear_states(fresh.states, fresh.state_count);
        return status;
    }
    if (fresh.state_count)
        qsort(fresh.states, fresh.state_count, sizeof *fresh.states, by_key);
    pthread_mutex_lock(&brake->mutex);
    for (size_t i = 0; i < fresh.state_count; i++) { /* what is not saved yet is kept */
        state *s = &fresh.states[i];
        const state *old = s->braked ? find_state(brake, &s->key, s->client, true) : NULL;
        if (old && old->client == s->client && same(&old->key, &s->key))
            s->suppressed = old->suppressed;
    }
    state *gone = brake->states;
    const size_t gone_count = brake->state_count;
    brake->states = fresh.states;
    brake->sorted = brake->state_count = fresh.state_count;
    brake->state_capacity = fresh.state_capacity;
    pthread_mutex_unlock(&brake->mutex);
    clear_states(gone, gone_count);
    return HK_OK;
}

hk_status hk__brake_save(hk__brake *brake, hk_keys *keys, hk_error *err)
{
    hk_status status = HK_OK;
    pthread_mutex_lock(&brake->mutex);
    for (size_t i = 0; !status && i < brake->state_count; i++) {
        state *s = &brake->states[i];
        if (!s->suppressed || !s->list)
            continue;
        status = hk__sql_do(keys->db, err,
                            "UPDATE brake SET suppressed = suppressed + ?4 WHERE list = ?1"
                            " AND entry = ?2 AND client = ?3 AND number = ?5"
                            " AND released IS NULL",
                            "ttiii", s->list, s->entry, (int64_t)s->client, (int64_t)s->suppressed,
                            (int64_t)s->key.number);
        if (!status)
            s->suppressed = 0;
    }
    pthread_mutex_unlock(&brake->mutex);
    return status;
}

void hk__brake_count(uint64_t *brakes, uint64_t *suppressed, hk__brake *brake)
{
    *brakes = 0;
    pthread_mutex_lock(&brake->mutex);
    for (size_t i = 0; i < brake->state_count; i++)
        *brakes += brake->states[i].braked;
    *suppressed = brake->suppressed;
    pthread_mutex_unlock(&brake->mutex);
}
