/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * past.c - how a list stood at an older revision (store.h).
 *
 *      now  <--undo--  newest  <--undo--  ...  <--undo--  the first after the revision asked for
 *
 * The oldest of the changes made since knows what was before it, so that one alone is kept of each
 * entry and each batch. Memory: 16 bytes for each batch of the list, 5 for each entry changed
 * since.
 */
#include "core/error.h"
#include "core/mem.h"
#include "list/store.h"

typedef struct batch_then {
    int64_t batch;
    hk_entry_state state;
} batch_then;

struct hk__past {
    batch_then *batch; /* all of the list's, ascending */
    size_t batches, batch_room;
    uint32_t *entry; /* whose own state changed since, ascending */
    uint8_t *own;    /* and what it was, hk_entry_state */
    size_t entries, entry_room;
};

static hk_status fail_damaged(hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT,
                    "the store keeps a change that cannot have been made: it is damaged; see "
                    "`herken list verify`");
}

static bool is_state(int64_t state)
{
    return state >= 0 && state < HK_ENTRY_STATES;
}

/* ---- batches ------------------------------------------------------------------------------- */

static hk_status add_batch(hk__past *past, int64_t batch, int64_t state, hk_error *err)
{
    if (!is_state(state))
        return fail_damaged(err);
    if (past->batches == past->batch_room) {
        const size_t room = past->batch_room ? past->batch_room * 2 : 16;
        batch_then *grown = hk__realloc(past->batch, room, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        past->batch = grown;
        past->batch_room = room;
    }
    past->batch[past->batches++] = (batch_then){batch, (hk_entry_state)state};
    return HK_OK;
}

static batch_then *find_batch(const hk__past *past, int64_t batch)
{
    size_t low = 0, high = past->batches;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (past->batch[middle].batch < batch)
            low = middle + 1;
        else
            high = middle;
    }
    return low < past->batches && past->batch[low].batch == batch ? past->batch + low : NULL;
}

static hk_status load_batches(hk__past *past, hk_store *store, int64_t list, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status =
        hk__sql_prepare(&rows, store->db, err,
                        "SELECT id, state FROM batch WHERE list = ?1 ORDER BY id", "i", list);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row &&
           !(status = add_batch(past, sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1),
                                err)))
        ;
    sqlite3_finalize(rows);
    return status;
}

/* From the newest change to the oldest: what was before that one stays. */
static hk_status undo_batches(hk__past *past, hk_store *store, int64_t list, int64_t revision,
                              hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(&rows, store->db, err,
                                       "SELECT c.batch, c.was FROM revision r"
                                       " CROSS JOIN batch_change c ON c.revision = r.id"
                                       " WHERE r.list = ?1 AND r.id > ?2 ORDER BY r.id DESC",
                                       "ii", list, revision);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        batch_then *then = find_batch(past, sqlite3_column_int64(rows, 0));
        const int64_t was = sqlite3_column_int64(rows, 1);
        if (!then || !is_state(was)) {
            status = fail_damaged(err);
            break;
        }
        then->state = (hk_entry_state)was;
    }
    sqlite3_finalize(rows);
    return status;
}

/* ---- entries ------------------------------------------------------------------------------- */

static hk_status add_entry(hk__past *past, int64_t entry, int64_t was, hk_error *err)
{
    if (entry < 1 || entry >= UINT32_MAX || !is_state(was))
        return fail_damaged(err);
    if (past->entries == past->entry_room) {
        const size_t room = past->entry_room ? past->entry_room * 2 : 64;
        uint32_t *entries = hk__realloc(past->entry, room, sizeof *entries);
        if (entries)
            past->entry = entries;
        uint8_t *own = entries ? hk__realloc(past->own, room, sizeof *own) : NULL;
        if (!own)
            return hk__fail_memory(err);
        past->own = own;
        past->entry_room = room;
    }
    past->entry[past->entries] = (uint32_t)entry;
    past->own[past->entries++] = (uint8_t)was;
    return HK_OK;
}

/* The plus signs keep SQLite from going through the changes of all lists for the sake of order. */
static hk_status undo_entries(hk__past *past, hk_store *store, int64_t list, int64_t revision,
                              hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status =
        hk__sql_prepare(&rows, store->db, err,
                        "SELECT c.entry, c.was FROM revision r"
                        " CROSS JOIN entry_change c ON c.revision = r.id"
                        " WHERE r.list = ?1 AND r.id > ?2 ORDER BY +c.entry, +c.revision",
                        "ii", list, revision);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row) {
        const int64_t entry = sqlite3_column_int64(rows, 0);
        if (!past->entries || entry != (int64_t)past->entry[past->entries - 1])
            status = add_entry(past, entry, sqlite3_column_int64(rows, 1), err);
    }
    sqlite3_finalize(rows);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static hk_status check_revision(hk_store *store, int64_t list, uint64_t revision, hk_error *err)
{
    int64_t first, newest;
    hk_status status = hk__sql_number(&first, 0, store->db, err,
                                      "SELECT min(id) FROM revision WHERE list = ?1", "i", list);
    if (!status)
        status = hk__sql_number(&newest, 0, store->db, err, "SELECT max(id) FROM revision", "");
    if (status)
        return status;
    if (revision < (uint64_t)first)
        return hk__fail(err, HK_ERR_USAGE,
                        "there is no revision %llu of this list: its first is %lld",
                        (unsigned long long)revision, (long long)first);
    if (revision > (uint64_t)newest)
        return hk__fail(err, HK_ERR_USAGE,
                        "there is no revision %llu: the newest of the store is %lld",
                        (unsigned long long)revision, (long long)newest);
    return HK_OK;
}

hk_status hk__past_new(hk__past **out, hk_store *store, int64_t list, uint64_t revision,
                       hk_error *err)
{
    hk__past *past = hk__alloc(1, sizeof *past);
    if (!past)
        return hk__fail_memory(err);
    hk_status status = revision ? check_revision(store, list, revision, err) : HK_OK;
    if (!status)
        status = load_batches(past, store, list, err);
    if (!status && revision)
        status = undo_batches(past, store, list, (int64_t)revision, err);
    if (!status && revision)
        status = undo_entries(past, store, list, (int64_t)revision, err);
    if (status)
        hk__past_free(past);
    else
        *out = past;
    return status;
}

void hk__past_free(hk__past *past)
{
    if (!past)
        return;
    hk__free(past->batch);
    hk__free(past->entry);
    hk__free(past->own);
    hk__free(past);
}

hk_entry_state hk__past_batch(const hk__past *past, int64_t batch)
{
    const batch_then *then = find_batch(past, batch);
    return then ? then->state : HK_ENTRY_ABSENT;
}

hk_entry_state hk__past_own(const hk__past *past, uint32_t entry, hk_entry_state now)
{
    size_t low = 0, high = past->entries;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (past->entry[middle] < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low < past->entries && past->entry[low] == entry ? (hk_entry_state)past->own[low] : now;
}

hk_entry_state hk__past_state(const hk__past *past, const hk__entry_row *row)
{
    return hk__state_of(hk__past_batch(past, row->batch), hk__past_own(past, row->number, row->own),
                        row->suspicions);
}

const uint32_t *hk__past_entries(size_t *count, const hk__past *past)
{
    *count = past->entries;
    return past->entry;
}
