/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brake.c - see brake.h. */
#include "ledger/brake_states.h"

#include "core/error.h"
#include "core/mem.h"

#include <pthread.h>
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

struct hk__brake {
    pthread_mutex_t mutex;
    hk_ledger_options options;
    cell *cells;
    size_t capacity; /* a power of 2 */
    hk__brake_states states;
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

void hk__brake_free(hk__brake *brake)
{
    if (!brake)
        return;
    hk__brake_states_clear(&brake->states);
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
    hk__brake_state *s = braking ? hk__brake_state_add(&brake->states) : NULL;
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
    hk__brake_state *braked = hk__brake_state_find(&brake->states, &entry, client, true);
    const hk__brake_state *spared = hk__brake_state_find(&brake->states, &entry, client, false);
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
    const hk__brake_state *spared = hk__brake_state_find(&brake->states, &entry, client, false);
    if (age < 2 * WINDOW_NS && !(spared && at < spared->spared)) {
        now += AHEAD_NS - age;
        count_hit(cell_of(brake, &entry, now), client, now);
    }
    pthread_mutex_unlock(&brake->mutex);
}

/* ---- DB.keys ------------------------------------------------------------------------------- */

hk_status hk__brake_load(hk__brake *brake, hk_keys *keys, hk_error *err)
{
    hk__brake_states fresh = {0};
    const hk_status status = hk__brake_states_read(&fresh, keys, err);
    if (status)
        return status;
    pthread_mutex_lock(&brake->mutex);
    hk__brake_states gone = brake->states;
    hk__brake_states_keep(&fresh, &gone);
    brake->states = fresh;
    pthread_mutex_unlock(&brake->mutex);
    hk__brake_states_clear(&gone);
    return HK_OK;
}

hk_status hk__brake_save(hk__brake *brake, hk_keys *keys, hk_error *err)
{
    pthread_mutex_lock(&brake->mutex);
    const hk_status status = hk__brake_states_save(&brake->states, keys, err);
    pthread_mutex_unlock(&brake->mutex);
    return status;
}

void hk__brake_count(uint64_t *brakes, uint64_t *suppressed, hk__brake *brake)
{
    *brakes = 0;
    pthread_mutex_lock(&brake->mutex);
    for (size_t i = 0; i < brake->states.count; i++)
        *brakes += brake->states.state[i].braked;
    *suppressed = brake->suppressed;
    pthread_mutex_unlock(&brake->mutex);
}
