/* SPDX-License-Identifier: GPL-3.0-or-later */
/* screen_pool.c - a list's entries in memory, to be compared with each other (screen.h). */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/screen.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* What the screening itself finds: whether it has, must not change what it finds next. */
#define FOUND_HERE                                                                                 \
    (HK_SUSPECT_KNOWN_GOOD | HK_SUSPECT_NEAR_KNOWN_GOOD | HK_SUSPECT_CROWDED |                     \
     HK_SUSPECT_CONTRADICTION)

void *hk__screen_grown(void *block, size_t *capacity, size_t size)
{
    const size_t more = *capacity ? *capacity * 2 : 1024;
    void *grown = hk__realloc(block, more, size);
    if (grown)
        *capacity = more;
    return grown;
}

static hk_status put_value(hk__column *column, const void *value, uint32_t member, hk_error *err)
{
    const size_t width = column->width, stride = width + sizeof member;
    if (column->count == column->capacity) {
        uint8_t *grown = hk__screen_grown(column->records, &column->capacity, stride);
        if (!grown)
            return hk__fail_memory(err);
        column->records = grown;
    }
    uint8_t *record = column->records + column->count++ * stride;
    memcpy(record, value, width);
    memcpy(record + width, &member, sizeof member);
    return HK_OK;
}

static hk_status put_member(hk__screening *s, const hk__member *member, const hk_entry *entry,
                            hk_error *err)
{
    hk__pool *pool = &s->pool;
    const uint32_t at = (uint32_t)pool->count;
    hk_status status = HK_OK;
    if (pool->count == pool->capacity) {
        hk__member *grown = hk__screen_grown(pool->members, &pool->capacity, sizeof *pool->members);
        if (!grown)
            return hk__fail_memory(err);
        pool->members = grown;
    }
    pool->members[pool->count++] = *member;
    pool->targets += member->is_target;
    if (entry->has_hash)
        status = put_value(&pool->column[HK_BASIS_PDQ], &entry->hash, at, err);
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
        if (entry->digests.present >> basis & 1)
            status = put_value(&pool->column[basis],
                               hk__digest_bytes(&entry->digests, (hk_basis)basis), at, err);
    return status;
}

typedef struct span {
    int64_t first, last, batch, screened;
    hk_entry_state state;
} span;

static hk_status load_entry(hk__screening *s, const span *of, sqlite3_stmt *row, hk_error *err)
{
    hk__entry_row entry;
    hk_status status = hk__entry_from_row(&entry, row, err);
    if (status)
        return status;
    const hk_entry_state state = hk__state_of(of->state, entry.own, entry.suspicions);
    if (state != HK_ENTRY_ACTIVE && state != HK_ENTRY_PROPOSED && state != HK_ENTRY_QUARANTINED)
        return HK_OK;
    const bool proposed = of->state == HK_ENTRY_PROPOSED;
    const char *category = entry.entry.category;
    const hk__member member = {
        .category = category && *category ? XXH3_64bits(category, strlen(category)) | 1 : 0,
        .number = entry.number,
        .group = HK__NO_GROUP,
        .is_target = proposed && entry.number >= of->screened,
        .speaks = proposed || state == HK_ENTRY_ACTIVE};
    return put_member(s, &member, &entry.entry, err);
}

static hk_status load_span(hk__screening *s, const span *of, sqlite3_stmt *entries, hk_error *err)
{
    enum { LOOK_EVERY = 4096 };
    bool row;
    size_t count = 0;
    hk_status status;
    sqlite3_bind_int64(entries, 1, of->first);
    sqlite3_bind_int64(entries, 2, of->last);
    sqlite3_bind_int64(entries, 3, of->batch);
    while (!(status = hk__sql_step(&row, entries, err)) && row) {
        status = load_entry(s, of, entries, err);
        if (!status && ++count % LOOK_EVERY == 0)
            status = hk__screen_tell(s, err);
        if (status)
            break;
    }
    sqlite3_reset(entries);
    return status;
}

static hk_status load_entries(hk__screening *s, hk_error *err)
{
    /* What else an entry says is not needed here, and may be long. */
    static const char in_span[] =
        "SELECT e.id, e.batch, e.state, e.suspect, NULL, e.pdq, NULL, NULL, e.md5, e.sha1,"
        " e.sha256, NULL, e.category, NULL, NULL, NULL, NULL FROM entry e"
        " WHERE e.id BETWEEN ?1 AND ?2 AND e.batch = ?3 ORDER BY e.id";
    sqlite3_stmt *spans = NULL, *entries = NULL;
    bool row;
    int64_t last = 0;
    hk_status status = hk__sql_prepare(&spans, s->store->db, err,
                                       "SELECT s.first, s.first + s.count - 1, b.id, b.screened,"
                                       " b.state FROM batch b JOIN span s ON s.batch = b.id"
                                       " WHERE b.list = ?1 AND b.revision IS NOT NULL"
                                       " AND b.state IN (1, 2) ORDER BY s.first",
                                       "i", s->list.id);
    if (!status)
        status = hk__sql_prepare(&entries, s->store->db, err, in_span, "");
    while (!status && !(status = hk__sql_step(&row, spans, err)) && row) {
        span of = {.first = sqlite3_column_int64(spans, 0),
                   .last = sqlite3_column_int64(spans, 1),
                   .batch = sqlite3_column_int64(spans, 2),
                   .screened = sqlite3_column_int64(spans, 3),
                   .state = (hk_entry_state)sqlite3_column_int(spans, 4)};
        if (of.first <= last) /* no sound store has that; members ascend whatever is there */
            of.first = last + 1;
        if (of.last < of.first)
            continue;
        status = load_span(s, &of, entries, err);
        last = of.last;
    }
    sqlite3_finalize(spans);
    sqlite3_finalize(entries);
    return status;
}

static int by_member_number(const void *key, const void *member)
{
    const uint32_t a = *(const uint32_t *)key, b = ((const hk__member *)member)->number;
    return a < b ? -1 : a > b;
}

static hk__member *find_member(const hk__pool *pool, int64_t number)
{
    const uint32_t key = (uint32_t)number;
    return pool->count
               ? bsearch(&key, pool->members, pool->count, sizeof *pool->members, by_member_number)
               : NULL;
}

/* Finds who is leaving. A newer version that will wait in quarantine, whatever is found here,
 * replaces nothing for now, and does not speak. */
static hk_status mark_leaving(hk__screening *s, hk_error *err)
{
    sqlite3_stmt *steps;
    bool row;
    hk_status status = hk__sql_prepare(&steps, s->store->db, err,
                                       "SELECT t.entry, t.next, t.next <> 0 AND n.state <> 2"
                                       " AND (n.state <> 0 OR (n.suspect & ~?2) <> 0)"
                                       " FROM batch b JOIN step t ON t.batch = b.id"
                                       " LEFT JOIN entry n ON n.id = t.next WHERE b.list = ?1"
                                       " AND b.revision IS NOT NULL AND b.state = 1",
                                       "ii", s->list.id, (int64_t)FOUND_HERE);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, steps, err)) && row) {
        const bool waits = sqlite3_column_int(steps, 2);
        hk__member *member = find_member(&s->pool, sqlite3_column_int64(steps, waits));
        if (member && waits)
            member->speaks = false;
        else if (member)
            member->is_leaving = true;
        status = hk__screen_tell(s, err);
    }
    sqlite3_finalize(steps);
    return status;
}

hk_status hk__screen_load(hk__screening *s, hk_error *err)
{
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        s->pool.column[basis].width = hk__digest_size((hk_basis)basis);
    s->pool.column[HK_BASIS_PDQ].width = sizeof(hk_hash);
    hk_status status = load_entries(s, err);
    return status ? status : mark_leaving(s, err);
}

void hk__screen_unload(hk__screening *s)
{
    hk__pool *pool = &s->pool;
    for (int c = 0; c < HK__COLUMNS; c++)
        hk__free(pool->column[c].records);
    hk__free(pool->members);
    hk__free(pool->hashes);
    hk__free(pool->groups);
    hk__free(pool->near);
}
