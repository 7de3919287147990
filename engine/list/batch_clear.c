/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch_clear.c - clearing away what stopped imports have left: batches that no revision names. */
#include "feed/entry.h"
#include "list/batch_load.h"

/* Removes up to a chunk of a batch's entries; *more: there may be others. */
static hk_status clear_some(bool *more, hk_store *store, int64_t list, int64_t batch, hk_error *err)
{
    sqlite3_stmt *entries = NULL, *drop_key = NULL, *drop = NULL, *drop_words = NULL;
    sqlite3_stmt *drop_frames = NULL;
    bool row = true;
    int count = 0;
    hk_status status = hk__sql_prepare(&entries, store->db, err,
                                       "SELECT " HK__ENTRY_COLUMNS " FROM span s CROSS JOIN entry e"
                                       " ON e.id BETWEEN s.first AND s.first + s.count - 1"
                                       " WHERE s.batch = ?1 AND e.batch = ?1 LIMIT 32768",
                                       "i", batch);
    if (!status)
        status = hk__sql_prepare(
            &drop_key, store->db, err,
            "DELETE FROM entry_key WHERE list = ?1 AND key = ?2 AND entry = ?3", "i", list);
    if (!status)
        status = hk__sql_prepare(&drop, store->db, err, "DELETE FROM entry WHERE id = ?1", "");
    if (!status)
        status = hk__sql_prepare(&drop_words, store->db, err,
                                 "DELETE FROM suspicion WHERE entry = ?1", "");
    if (!status)
        status = hk__sql_prepare(&drop_frames, store->db, err,
                                 "DELETE FROM frames WHERE entry = ?1", "");
    while (!status && !(status = hk__sql_step(&row, entries, err)) && row) {
        hk__entry_row entry;
        count++;
        status = hk__entry_from_row(&entry, entries, err);
        if (status)
            break;
        sqlite3_bind_int64(drop_key, 2, (int64_t)hk__entry_key(&entry.entry));
        sqlite3_bind_int64(drop_key, 3, entry.number);
        sqlite3_bind_int64(drop, 1, entry.number);
        sqlite3_bind_int64(drop_words, 1, entry.number);
        sqlite3_bind_int64(drop_frames, 1, entry.number);
        status = hk__sql_done(drop_key, err);
        if (!status)
            status = hk__sql_done(drop_words, err);
        if (!status)
            status = hk__sql_done(drop_frames, err);
        if (!status)
            status = hk__sql_done(drop, err);
    }
    sqlite3_finalize(entries);
    sqlite3_finalize(drop_key);
    sqlite3_finalize(drop);
    sqlite3_finalize(drop_words);
    sqlite3_finalize(drop_frames);
    *more = count > 0;
    return status;
}

hk_status hk__batch_clear(hk_store *store, int64_t list, hk_error *err)
{
    int64_t batch;
    for (;;) {
        bool more = true;
        hk_status status = hk__sql_number(
            &batch, 0, store->db, err,
            "SELECT id FROM batch WHERE list = ?1 AND revision IS NULL LIMIT 1", "i", list);
        if (status || !batch)
            return status;
        while (!status && more) {
            status = hk__sql_begin(store->db, true, err);
            if (!status)
                status = hk__sql_end(store->db, clear_some(&more, store, list, batch, err), err);
        }
        if (!status)
            status = hk__sql_begin(store->db, true, err);
        if (status)
            return status;
        static const char *const rest[] = {"DELETE FROM step WHERE batch = ?1",
                                           "DELETE FROM span WHERE batch = ?1",
                                           "DELETE FROM batch WHERE id = ?1"};
        for (size_t i = 0; !status && i < 3; i++)
            status = hk__sql_do(store->db, err, rest[i], "i", batch);
        status = hk__sql_end(store->db, status, err);
        if (status)
            return status;
    }
}
