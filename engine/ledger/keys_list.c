/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_list.c - accounts and keys, as people see them (herken.h). */
#include "ledger/books.h"

#include <string.h>
#include <time.h>

static void read_key(hk_key_info *out, char certificate[HK_CHAIN_TEXT_SIZE], sqlite3_stmt *row)
{
    const uint8_t *bound = sqlite3_column_blob(row, 6);
    const int64_t now = (int64_t)time(NULL), expires = sqlite3_column_int64(row, 9);
    if (bound && sqlite3_column_bytes(row, 6) == HK__SHA256_SIZE)
        hk__hex_text(certificate, bound, HK__SHA256_SIZE);
    else
        strcpy(certificate, bound ? "damaged" : "");
    const char *name = (const char *)sqlite3_column_text(row, 0);
    *out = (hk_key_info){.settings = {.size = sizeof out->settings,
                                      .name = name ? name : "",
                                      .scopes = (unsigned)sqlite3_column_int64(row, 1),
                                      .rate = (uint64_t)sqlite3_column_int64(row, 2),
                                      .burst = (uint64_t)sqlite3_column_int64(row, 3),
                                      .quota = (uint64_t)sqlite3_column_int64(row, 4),
                                      .near_budget = (uint64_t)sqlite3_column_int64(row, 5),
                                      .certificate = *certificate ? certificate : NULL},
                         .key = (uint64_t)sqlite3_column_int64(row, 7),
                         .created = sqlite3_column_int64(row, 8),
                         .expires = expires,
                         .revoked = sqlite3_column_int64(row, 10)};
    out->good = out->key && !out->revoked && (!expires || expires > now);
    if (sqlite3_column_int64(row, 11) == now / 86400) {
        out->used_items = (uint64_t)sqlite3_column_int64(row, 12);
        out->used_near = (uint64_t)sqlite3_column_int64(row, 13);
    }
}

hk_status hk_key_list(hk_keys *keys, void (*on_key)(void *context, const hk_key_info *key),
                      void *context, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    char certificate[HK_CHAIN_TEXT_SIZE];
    hk_key_info info;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT c.name, c.scopes, c.rate, c.burst, c.quota, c.near, c.certificate, k.id,"
        " coalesce(k.created, c.created), coalesce(k.expires, 0),"
        " coalesce(k.revoked, c.revoked, 0), u.day, u.items, u.near"
        " FROM client c LEFT JOIN key k ON k.client = c.id LEFT JOIN usage u ON u.client = c.id"
        " ORDER BY c.name, k.id",
        "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        read_key(&info, certificate, rows);
        on_key(context, &info);
    }
    sqlite3_finalize(rows);
    return status;
}
