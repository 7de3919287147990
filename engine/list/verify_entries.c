/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verify_entries.c - every entry against its batch, its revisions and its key (store_verify.h).
 *
 * Entries are gone through once in the order of their numbers, and so are the spans and the changes
 * of state beside them. Keys lie in another order: of both sides a sum over a mix of each is taken,
 * and only where the sums differ is each looked for.
 */
#include "core/error.h"
#include "feed/entry.h"
#include "list/store_verify.h"

/* ---- entries ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t key, uint32_t entry)
{
    uint64_t z = key + entry * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Makes the changes of all entries up to `number` but before that of `number`, which are of entries
 * that are not there. */
static void skip_changes(hk__checking *c, size_t *change, int64_t number)
{
    for (; *change < c->change_count && c->changes[*change].entry < number; ++*change)
        hk__verify_report(c, "revision %lld changes entry #%u, which is not there",
                          (long long)c->changes[*change].revision, c->changes[*change].entry);
}

static void replay_entry(hk__checking *c, size_t *change, const hk__entry_row *row)
{
    hk_entry_state state = HK_ENTRY_ABSENT;
    for (; *change < c->change_count && c->changes[*change].entry == row->number; ++*change) {
        const hk__checked_change *step = &c->changes[*change];
        if (step->was != state)
            hk__verify_report(c,
                              "entry #%u had state %d of its own before revision %lld, which "
                              "says %d",
                              row->number, (int)state, (long long)step->revision, (int)step->was);
        state = (hk_entry_state)step->now;
    }
    if (state != row->own)
        hk__verify_report(c, "entry #%u has state %d of its own, but its revisions made it %d",
                          row->number, (int)row->own, (int)state);
}

static void check_entry(hk__checking *c, const hk__entry_row *row, size_t *change)
{
    hk__checked_batch *batch = hk__verify_batch(c, row->batch);
    const hk__checked_span *span = hk__verify_span(c, row->number);
    replay_entry(c, change, row);
    if (!batch) {
        hk__verify_report(c, "entry #%u is of batch %lld, which is not there", row->number,
                          (long long)row->batch);
        return;
    }
    if (!batch->is_finished)
        return;
    if (!span)
        hk__verify_report(c, "entry #%u lies outside the spans of its batch %lld", row->number,
                          (long long)row->batch);
    else if (&c->batches[span->batch] != batch)
        hk__verify_report(c, "entry #%u of batch %lld lies in a span of batch %lld", row->number,
                          (long long)row->batch, (long long)c->batches[span->batch].id);
    batch->found++;
    batch->found_sum += hk__entry_sum(row->number, &row->entry);
    hk__checked_list *list = hk__verify_list(c, batch->list);
    if (list) {
        list->entries++;
        list->sum += mix(hk__entry_key(&row->entry), row->number);
    }
}

static void check_sums(hk__checking *c)
{
    for (size_t b = 0; b < c->batch_count; b++) {
        const hk__checked_batch *batch = &c->batches[b];
        if (!batch->is_finished)
            continue;
        if (batch->found != batch->entries)
            hk__verify_report(c, "batch %lld has %llu entries, and should have %llu",
                              (long long)batch->id, (unsigned long long)batch->found,
                              (unsigned long long)batch->entries);
        else if (batch->found_sum != batch->sum)
            hk__verify_report(c,
                              "entries of batch %lld are not as they were imported: their sum "
                              "differs",
                              (long long)batch->id);
    }
}

hk_status hk__verify_entries(hk__checking *c, hk_error *err)
{
    sqlite3_stmt *entries;
    bool row;
    size_t change = 0;
    hk_status status = hk__sql_prepare(
        &entries, c->store->db, err, "SELECT " HK__ENTRY_COLUMNS " FROM entry e ORDER BY e.id", "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, entries, err)) && row) {
        hk__entry_row entry;
        hk_error damage;
        const int64_t number = sqlite3_column_int64(entries, 0);
        skip_changes(c, &change, number);
        if (!hk__entry_from_row(&entry, entries, &damage)) {
            check_entry(c, &entry, &change);
        } else {
            hk__verify_report(c, "%s", damage.message);
            while (change < c->change_count && c->changes[change].entry == number)
                change++;
        }
        c->done++;
    }
    sqlite3_finalize(entries);
    if (status) /* what could not be read cannot be counted */
        return status;
    skip_changes(c, &change, UINT32_MAX);
    check_sums(c);
    c->is_counted = true;
    return HK_OK;
}

/* What stands in frames beside an entry is in its sum; what stands beside none is in nothing. */
hk_status hk__verify_frames(hk__checking *c, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status =
        hk__sql_prepare(&rows, c->store->db, err,
                        "SELECT f.entry, e.id IS NULL, f.count, length(f.hashes) FROM frames f"
                        " LEFT JOIN entry e ON e.id = f.entry",
                        "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        const int64_t entry = sqlite3_column_int64(rows, 0);
        if (sqlite3_column_int(rows, 1))
            hk__verify_report(c, "frames has those of entry #%lld, which is not there",
                              (long long)entry);
        else if (sqlite3_column_int64(rows, 2) * HK_CUT_SIZE != sqlite3_column_int64(rows, 3))
            hk__verify_report(c, "entry #%lld has not as many frames as it says", (long long)entry);
    }
    sqlite3_finalize(rows);
    return status;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static bool is_unfinished(const hk__checking *c, int64_t number)
{
    const hk__checked_span *span = hk__verify_span(c, number);
    return span && !c->batches[span->batch].is_finished;
}

static hk_status add_keys(hk__checking *c, hk_error *err)
{
    sqlite3_stmt *keys;
    bool row;
    hk__checked_list *list = NULL;
    hk_status status =
        hk__sql_prepare(&keys, c->store->db, err, "SELECT list, key, entry FROM entry_key", "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, keys, err)) && row) {
        const int64_t of = sqlite3_column_int64(keys, 0), number = sqlite3_column_int64(keys, 2);
        c->done++;
        if (!list || list->id != of)
            list = hk__verify_list(c, of);
        if (!list) {
            hk__verify_report(c, "entry_key has entry #%lld in list %lld, which is not there",
                              (long long)number, (long long)of);
        } else if (!is_unfinished(c, number)) {
            list->keys++;
            list->found_sum += mix((uint64_t)sqlite3_column_int64(keys, 1), (uint32_t)number);
        }
    }
    sqlite3_finalize(keys);
    return status;
}

/* Whether a statement about (list ?1, key ?2, entry ?3) has a row. */
static hk_status ask(bool *row, sqlite3_stmt *about, int64_t key, int64_t entry, hk_error *err)
{
    sqlite3_bind_int64(about, 2, key);
    sqlite3_bind_int64(about, 3, entry);
    hk_status status = hk__sql_step(row, about, err);
    sqlite3_reset(about);
    return status;
}

/* Names the entries of a list that entry_key lacks. */
static hk_status name_missing(hk__checking *c, int64_t list, hk_error *err)
{
    sqlite3_stmt *entries = NULL, *find = NULL;
    bool row, found;
    hk_status status = hk__sql_prepare(&entries, c->store->db, err,
                                       "SELECT " HK__ENTRY_COLUMNS " FROM entry e"
                                       " JOIN batch b ON b.id = e.batch"
                                       " WHERE b.list = ?1 AND b.revision IS NOT NULL",
                                       "i", list);
    if (!status)
        status = hk__sql_prepare(&find, c->store->db, err,
                                 "SELECT 1 FROM entry_key WHERE list = ?1 AND key = ?2"
                                 " AND entry = ?3",
                                 "i", list);
    while (!status && !(status = hk__sql_step(&row, entries, err)) && row) {
        hk__entry_row entry;
        if (hk__entry_from_row(&entry, entries, NULL))
            continue; /* has been reported */
        status = ask(&found, find, (int64_t)hk__entry_key(&entry.entry), entry.number, err);
        if (!status && !found)
            hk__verify_report(c,
                              "entry #%u cannot be found by what it is known by: entry_key "
                              "lacks it",
                              entry.number);
    }
    sqlite3_finalize(entries);
    sqlite3_finalize(find);
    return status;
}

/* Names what entry_key has of a list and should not. */
static hk_status name_wrong(hk__checking *c, int64_t list, hk_error *err)
{
    sqlite3_stmt *keys;
    bool row;
    hk_status status = hk__sql_prepare(&keys, c->store->db, err,
                                       "SELECT " HK__ENTRY_COLUMNS ", b.list, k.key, k.entry"
                                       " FROM entry_key k LEFT JOIN entry e ON e.id = k.entry"
                                       " LEFT JOIN batch b ON b.id = e.batch WHERE k.list = ?1",
                                       "i", list);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, keys, err)) && row) {
        hk__entry_row entry;
        const int64_t number = sqlite3_column_int64(keys, HK__ENTRY_WIDTH + 2);
        const bool is_there = sqlite3_column_type(keys, 0) != SQLITE_NULL &&
                              sqlite3_column_int64(keys, HK__ENTRY_WIDTH) == list;
        if (is_unfinished(c, number) || (is_there && hk__entry_from_row(&entry, keys, NULL)))
            continue; /* does not count, or has been reported */
        if (!is_there)
            hk__verify_report(c, "entry_key has entry #%lld in list %lld, which does not have it",
                              (long long)number, (long long)list);
        else if ((int64_t)hk__entry_key(&entry.entry) !=
                 sqlite3_column_int64(keys, HK__ENTRY_WIDTH + 1))
            hk__verify_report(c, "entry_key has entry #%lld under a wrong key", (long long)number);
    }
    sqlite3_finalize(keys);
    return status;
}

hk_status hk__verify_keys(hk__checking *c, hk_error *err)
{
    hk_status status = c->is_counted ? add_keys(c, err) : HK_OK;
    for (size_t l = 0; !status && c->is_counted && l < c->list_count; l++) {
        const hk__checked_list *list = &c->lists[l];
        if (list->keys == list->entries && list->found_sum == list->sum)
            continue;
        hk__verify_report(c, "entry_key has %llu entries of list %lld, which has %llu%s",
                          (unsigned long long)list->keys, (long long)list->id,
                          (unsigned long long)list->entries,
                          list->keys == list->entries ? ", not just those" : "");
        status = name_missing(c, list->id, err);
        if (!status)
            status = name_wrong(c, list->id, err);
    }
    return status;
}
