/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brake_states.c - see brake_states.h. */
#include "ledger/brake_states.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

void hk__brake_states_clear(hk__brake_states *states)
{
    for (size_t i = 0; i < states->count; i++) {
        hk__free(states->state[i].list);
        hk__free(states->state[i].entry);
    }
    hk__free(states->state);
    *states = (hk__brake_states){0};
}

static int by_name(const hk__entry_key *a, const hk__entry_key *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

static bool is_it(const hk__brake_state *s, const hk__entry_key *key, uint64_t client, bool braked)
{
    return s->braked == braked && !by_name(&s->key, key) &&
           (!s->key.number || s->key.number == key->number) &&
           (!braked || !s->client || s->client == client);
}

hk__brake_state *hk__brake_state_find(const hk__brake_states *states, const hk__entry_key *key,
                                      uint64_t client, bool braked)
{
    size_t low = 0, high = states->sorted;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (by_name(&states->state[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < states->sorted && !by_name(&states->state[low].key, key); low++)
        if (is_it(&states->state[low], key, client, braked))
            return &states->state[low];
    for (size_t i = states->sorted; i < states->count; i++)
        if (is_it(&states->state[i], key, client, braked))
            return &states->state[i];
    return NULL;
}

hk__brake_state *hk__brake_state_add(hk__brake_states *states)
{
    if (states->count == states->capacity) {
        const size_t capacity = states->capacity ? 2 * states->capacity : 16;
        hk__brake_state *grown = hk__realloc(states->state, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        states->state = grown;
        states->capacity = capacity;
    }
    hk__brake_state *s = &states->state[states->count++];
    memset(s, 0, sizeof *s);
    return s;
}

/* ---- DB.keys ------------------------------------------------------------------------------- */

static hk_status read_rows(hk__brake_states *fresh, hk_keys *keys, hk_error *err)
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
        hk__brake_state *s = list && entry ? hk__brake_state_add(fresh) : NULL;
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

/* Of what is spared by several, that which holds longest comes first, and is found. */
static int by_key(const void *a, const void *b)
{
    const hk__brake_state *x = a, *y = b;
    const int order = by_name(&x->key, &y->key);
    return order ? order : (x->spared < y->spared) - (x->spared > y->spared);
}

hk_status hk__brake_states_read(hk__brake_states *out, hk_keys *keys, hk_error *err)
{
    hk__brake_states fresh = {0};
    const hk_status status = read_rows(&fresh, keys, err);
    if (status) {
        hk__brake_states_clear(&fresh);
        return status;
    }
    if (fresh.count)
        qsort(fresh.state, fresh.count, sizeof *fresh.state, by_key);
    fresh.sorted = fresh.count;
    *out = fresh;
    return HK_OK;
}

void hk__brake_states_keep(hk__brake_states *fresh, const hk__brake_states *old)
{
    for (size_t i = 0; i < fresh->count; i++) {
        hk__brake_state *s = &fresh->state[i];
        const hk__brake_state *was =
            s->braked ? hk__brake_state_find(old, &s->key, s->client, true) : NULL;
        if (was && was->client == s->client && was->key.number == s->key.number)
            s->suppressed = was->suppressed;
    }
}

hk_status hk__brake_states_save(hk__brake_states *states, hk_keys *keys, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < states->count; i++) {
        hk__brake_state *s = &states->state[i];
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
    return status;
}
