/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verify_load.c - what a store says of its batches, in memory (store_verify.h).
 *
 * Every value is what the file says, and the file may be damaged: what cannot be is reported here
 * and not kept, so that what is kept can be relied upon.
 */
#include "core/error.h"
#include "core/mem.h"
#include "list/store_verify.h"

#include <stdlib.h>

/* ---- finding ------------------------------------------------------------------------------- */

/* The position of the last of `count` things whose first field, an int64_t, is at most id; count
 * where there is none. */
static size_t last_up_to(const void *things, size_t count, size_t size, int64_t id)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (*(const int64_t *)((const char *)things + middle * size) <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : count;
}

hk__checked_batch *hk__verify_batch(const hk__checking *c, int64_t id)
{
    const size_t at = last_up_to(c->batches, c->batch_count, sizeof *c->batches, id);
    return at < c->batch_count && c->batches[at].id == id ? &c->batches[at] : NULL;
}

hk__checked_list *hk__verify_list(const hk__checking *c, int64_t id)
{
    const size_t at = last_up_to(c->lists, c->list_count, sizeof *c->lists, id);
    return at < c->list_count && c->lists[at].id == id ? &c->lists[at] : NULL;
}

const hk__checked_span *hk__verify_span(const hk__checking *c, int64_t number)
{
    size_t low = 0, high = c->span_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c->spans[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->span_count && c->spans[low].first <= number ? &c->spans[low] : NULL;
}

/* ---- loading ------------------------------------------------------------------------------- */

/* Room for one more; NULL, and everything as it was, where there is no memory. */
static void *with_room(void *block, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return block;
    const size_t more = *room ? *room * 2 : 64;
    void *grown = hk__realloc(block, more, size);
    if (grown)
        *room = more;
    return grown;
}

static hk_status load_list(hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    hk__checked_list *grown = with_room(c->lists, c->list_count, &c->list_room, sizeof *c->lists);
    if (!grown)
        return hk__fail_memory(err);
    c->lists = grown;
    c->lists[c->list_count++] = (hk__checked_list){.id = sqlite3_column_int64(row, 0)};
    return HK_OK;
}

static hk_status load_batch(hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    hk__checked_batch *grown =
        with_room(c->batches, c->batch_count, &c->batch_room, sizeof *c->batches);
    if (!grown)
        return hk__fail_memory(err);
    c->batches = grown;
    c->batches[c->batch_count++] = (hk__checked_batch){
        .id = sqlite3_column_int64(row, 0),
        .list = sqlite3_column_int64(row, 1),
        .state = (hk_entry_state)sqlite3_column_int64(row, 2),
        .is_finished = sqlite3_column_type(row, 3) != SQLITE_NULL,
        .entries = (uint64_t)sqlite3_column_int64(row, 4),
        .sum = (uint64_t)sqlite3_column_int64(row, 5),
    };
    return HK_OK;
}

static hk_status load_span(hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    const int64_t first = sqlite3_column_int64(row, 0), count = sqlite3_column_int64(row, 1);
    const int64_t of = sqlite3_column_int64(row, 2);
    const int64_t before = c->span_count ? c->spans[c->span_count - 1].last : 0;
    const hk__checked_batch *batch = hk__verify_batch(c, of);
    if (!batch) {
        hk__verify_report(c, "a span from #%lld on is of batch %lld, which is not there",
                          (long long)first, (long long)of);
        return HK_OK;
    }
    if (first < 1 || first >= UINT32_MAX || count < 1 || count > UINT32_MAX - first) {
        hk__verify_report(c, "batch %lld has a span of %lld entries from #%lld on, which cannot be",
                          (long long)of, (long long)count, (long long)first);
        return HK_OK;
    }
    if (first <= before) {
        hk__verify_report(c, "batches %lld and %lld both have entry #%lld in their spans",
                          (long long)c->batches[c->spans[c->span_count - 1].batch].id,
                          (long long)of, (long long)first);
        return HK_OK;
    }
    hk__checked_span *grown = with_room(c->spans, c->span_count, &c->span_room, sizeof *c->spans);
    if (!grown)
        return hk__fail_memory(err);
    c->spans = grown;
    c->spans[c->span_count++] = (hk__checked_span){.first = (uint32_t)first,
                                                   .last = (uint32_t)(first + count - 1),
                                                   .batch = (size_t)(batch - c->batches)};
    return HK_OK;
}

static bool is_change(hk__checking *c, int64_t revision, int64_t was, int64_t now, const char *what,
                      int64_t about)
{
    const bool sound = revision >= 1 && revision <= c->revisions && was >= 0 && now >= 0 &&
                       was < HK_ENTRY_STATES && now < HK_ENTRY_STATES;
    if (!sound)
        hk__verify_report(c,
                          "%s %lld is said to have changed from state %lld to %lld by revision "
                          "%lld: no such revision or state",
                          what, (long long)about, (long long)was, (long long)now,
                          (long long)revision);
    return sound;
}

/* Batches are few: each change is made here and now, in the order of the revisions. */
static hk_status replay_batch(hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    (void)err;
    const int64_t revision = sqlite3_column_int64(row, 0), id = sqlite3_column_int64(row, 1);
    const int64_t was = sqlite3_column_int64(row, 2), now = sqlite3_column_int64(row, 3);
    hk__checked_batch *batch = hk__verify_batch(c, id);
    if (!is_change(c, revision, was, now, "batch", id))
        return HK_OK;
    if (!batch) {
        hk__verify_report(c, "revision %lld changes batch %lld, which is not there",
                          (long long)revision, (long long)id);
        return HK_OK;
    }
    if ((int64_t)batch->replayed != was)
        hk__verify_report(c, "batch %lld was %s before revision %lld, which says %s", (long long)id,
                          hk_entry_state_name(batch->replayed), (long long)revision,
                          hk_entry_state_name((hk_entry_state)was));
    batch->replayed = (hk_entry_state)now;
    return HK_OK;
}

static hk_status load_change(hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    const int64_t revision = sqlite3_column_int64(row, 0), entry = sqlite3_column_int64(row, 1);
    const int64_t was = sqlite3_column_int64(row, 2), now = sqlite3_column_int64(row, 3);
    if (!is_change(c, revision, was, now, "entry", entry))
        return HK_OK;
    if (entry < 1 || entry >= UINT32_MAX) {
        hk__verify_report(c, "revision %lld changes entry #%lld, which cannot be",
                          (long long)revision, (long long)entry);
        return HK_OK;
    }
    hk__checked_change *grown =
        with_room(c->changes, c->change_count, &c->change_room, sizeof *c->changes);
    if (!grown)
        return hk__fail_memory(err);
    c->changes = grown;
    c->changes[c->change_count++] = (hk__checked_change){
        .entry = (uint32_t)entry, .was = (uint8_t)was, .now = (uint8_t)now, .revision = revision};
    return HK_OK;
}

static int by_entry(const void *a, const void *b)
{
    const hk__checked_change *x = a, *y = b;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    return x->revision < y->revision ? -1 : x->revision > y->revision;
}

static void check_batch_states(hk__checking *c)
{
    for (size_t b = 0; b < c->batch_count; b++) {
        const hk__checked_batch *batch = &c->batches[b];
        if (batch->replayed != batch->state)
            hk__verify_report(c, "batch %lld has state %d, but its revisions made it %s",
                              (long long)batch->id, (int)batch->state,
                              hk_entry_state_name(batch->replayed));
    }
}

hk_status hk__verify_load(hk__checking *c, hk_error *err)
{
    static const struct {
        const char *sql;
        hk_status (*load)(hk__checking *c, sqlite3_stmt *row, hk_error *err);
    } tables[] = {
        {"SELECT id FROM list ORDER BY id", load_list},
        {"SELECT id, list, state, revision, entries, sum FROM batch ORDER BY id", load_batch},
        {"SELECT first, count, batch FROM span ORDER BY first", load_span},
        {"SELECT revision, batch, was, now FROM batch_change ORDER BY revision", replay_batch},
        {"SELECT revision, entry, was, now FROM entry_change", load_change},
    };
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *rows;
        bool row;
        status = hk__sql_prepare(&rows, c->store->db, err, tables[i].sql, "");
        if (status)
            break;
        while (!status && !(status = hk__sql_step(&row, rows, err)) && row)
            status = tables[i].load(c, rows, err);
        sqlite3_finalize(rows);
    }
    if (status)
        return status;
    if (c->change_count)
        qsort(c->changes, c->change_count, sizeof *c->changes, by_entry);
    check_batch_states(c);
    c->is_loaded = true;
    return HK_OK;
}

void hk__verify_unload(hk__checking *c)
{
    hk__free(c->batches);
    hk__free(c->spans);
    hk__free(c->lists);
    hk__free(c->changes);
}
