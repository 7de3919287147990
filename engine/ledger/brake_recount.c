/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brake_recount.c - the brake's counts, again, when a server starts (brake.h). */
#include "ledger/brake.h"

#include "core/error.h"

enum { TWO_DAYS_S = 2 * 86400 };

/* From when on: two days, or the newest HK__RECOUNT_MOST. */
static hk_status begins(int64_t *from, hk_keys *keys, int64_t wall, hk_error *err)
{
    return hk__sql_number(from, 0, keys->db, err,
                          "SELECT max(?1, coalesce((SELECT at FROM match_id ORDER BY at DESC"
                          " LIMIT 1 OFFSET ?2), ?1))",
                          "ii", wall - TWO_DAYS_S, (int64_t)HK__RECOUNT_MOST);
}

hk_status hk__brake_recount(uint64_t *counted, hk__brake *brake, hk_keys *keys, uint64_t now,
                            int64_t wall, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    int64_t from;
    uint64_t count = 0;
    hk_status status = begins(&from, keys, wall, err);
    if (!status)
        status = hk__sql_prepare(&rows, keys->db, err,
                                 "SELECT list, entry, number, client, at FROM match_id"
                                 " WHERE at > ?1 AND basis = ?2 ORDER BY at LIMIT ?3",
                                 "iii", from, (int64_t)HK_BASIS_PDQ, (int64_t)HK__RECOUNT_MOST);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        const char *list = (const char *)sqlite3_column_text(rows, 0);
        const char *entry = (const char *)sqlite3_column_text(rows, 1);
        if (!list || !entry) {
            status = hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: a hit on no entry", keys->path);
            break;
        }
        const hk__entry_key key =
            hk__entry_key_of(list, entry, (uint32_t)sqlite3_column_int64(rows, 2));
        hk__brake_count_again(brake, key, (uint64_t)sqlite3_column_int64(rows, 3), now, wall,
                              sqlite3_column_int64(rows, 4));
        count++;
    }
    sqlite3_finalize(rows);
    if (!status && counted)
        *counted = count;
    return status;
}
