/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people.c - what waits for a person: braked entries and notices (herken.h, books.h). */
#include "ledger/books.h"

#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAYS_MOST = 36500, CONFIRMATIONS = 2 };

const char *hk_notice_kind_name(hk_notice_kind kind)
{
    static const char *const names[HK_NOTICES] = {"brake", "walk", "near_budget", "disagree",
                                                  "old_keys"};
    return (unsigned)kind < HK_NOTICES ? names[kind] : NULL;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

/* ---- what follows from a record ------------------------------------------------------------- */

void hk__booking_clear(hk__booking *booking)
{
    hk__free(booking->list);
    hk__free(booking->entry);
    hk__free(booking->words);
    booking->list = booking->entry = booking->words = NULL;
}

static hk_status apply_match(hk_keys *keys, const hk__booking *b, hk_error *err)
{
    sqlite3_stmt *insert;
    hk_status status = hk__sql_prepare(
        &insert, keys->db, err,
        "INSERT OR IGNORE INTO match_id(client, list, entry, basis, distance, at, number, id)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        "ittiiii", (int64_t)b->client, b->list, b->entry, (int64_t)b->basis, (int64_t)b->distance,
        b->at, (int64_t)b->number);
    if (status)
        return status;
    if (sqlite3_bind_blob(insert, 8, b->id, sizeof b->id, SQLITE_TRANSIENT))
        status = hk__sql_fail(keys->db, err);
    if (!status)
        status = hk__sql_done(insert, err);
    sqlite3_finalize(insert);
    return status;
}

/* A notice of the same moment and kind about the same is the same one, told again by the log. */
static hk_status add_notice(hk_keys *keys, const hk__booking *b, hk_error *err)
{
    return hk__sql_do(
        keys->db, err,
        "INSERT INTO notice(at, kind, list, entry, client, words, number)"
        " SELECT ?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7 WHERE NOT EXISTS(SELECT 1 FROM notice"
        " WHERE at = ?1 AND kind = ?2 AND list IS ?3 AND entry IS ?4 AND client IS nullif(?5, 0)"
        " AND number = ?7)",
        "iittiti", b->at, (int64_t)b->notice, b->list, b->entry, (int64_t)b->client, b->words,
        (int64_t)b->number);
}

static hk_status apply_brake(hk_keys *keys, const hk__booking *b, hk_error *err)
{
    int64_t known = 0;
    hk_status status =
        hk__sql_number(&known, 0, keys->db, err,
                       "SELECT count(*) FROM brake WHERE list = ?1 AND entry = ?2"
                       " AND client = ?3 AND number = ?5"
                       " AND (released IS NULL OR since = ?4)",
                       "ttiii", b->list, b->entry, (int64_t)b->client, b->at, (int64_t)b->number);
    if (!status && !known)
        status = hk__sql_do(keys->db, err,
                            "INSERT INTO brake(list, entry, client, since, hits, clients,"
                            " suppressed, number) VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
                            "ttiiiii", b->list, b->entry, (int64_t)b->client, b->at,
                            (int64_t)b->hits, (int64_t)b->clients, (int64_t)b->number);
    return status || known ? status : add_notice(keys, b, err);
}

hk_status hk__booking_apply(hk_keys *keys, const hk__booking *booking, hk_error *err)
{
    switch (booking->kind) {
    case HK__FOLLOWS_MATCH:
        return apply_match(keys, booking, err);
    case HK__FOLLOWS_BRAKE:
        return apply_brake(keys, booking, err);
    default:
        return add_notice(keys, booking, err);
    }
}

/* ---- brakes -------------------------------------------------------------------------------- */

hk_status hk_brake_list(hk_keys *keys, bool all,
                        void (*on_brake)(void *context, const hk_brake *brake), void *context,
                        hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT b.list, b.entry, c.name, b.since, coalesce(b.released, 0), b.hits, b.clients,"
        " b.suppressed, b.actor, b.reason, (SELECT count(DISTINCT who) FROM confirmation f"
        " WHERE f.list = b.list AND f.entry = b.entry"
        " AND (b.number = 0 OR f.number IN (0, b.number))), b.number"
        " FROM brake b LEFT JOIN client c ON c.id = b.client"
        " WHERE ?1 OR b.released IS NULL ORDER BY b.id",
        "i", (int64_t)all);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        const char *list = text_of(rows, 0), *entry = text_of(rows, 1);
        const hk_brake brake = {.list = list ? list : "",
                                .entry = entry ? entry : "",
                                .client = text_of(rows, 2),
                                .since = sqlite3_column_int64(rows, 3),
                                .released = sqlite3_column_int64(rows, 4),
                                .hits = (uint64_t)sqlite3_column_int64(rows, 5),
                                .clients = (uint64_t)sqlite3_column_int64(rows, 6),
                                .suppressed = (uint64_t)sqlite3_column_int64(rows, 7),
                                .actor = text_of(rows, 8),
                                .reason = text_of(rows, 9),
                                .confirmations = (unsigned)sqlite3_column_int64(rows, 10),
                                .entry_number = (uint32_t)sqlite3_column_int64(rows, 11)};
        on_brake(context, &brake);
    }
    sqlite3_finalize(rows);
    return status;
}

/* Of something that was done to an entry, for the audit log, from which replay.c does it again.
 * spared: until when a release holds; 0: of another act. */
static hk_status say(hk_keys *keys, const char *kind, const char *list, const char *entry,
                     uint32_t number, int64_t spared, const hk_act *act, int64_t at, hk_error *err)
{
    char *l = hk__json_text(list), *e = hk__json_text(entry), *by = hk__json_text(act->actor),
         *reason = hk__json_field("reason", act->reason), of_number[40] = "", until[40] = "";
    if (number)
        snprintf(of_number, sizeof of_number, ",\"number\":%" PRIu32, number);
    if (spared)
        snprintf(until, sizeof until, ",\"spared\":%" PRId64, spared);
    const hk_status status =
        l && e && by && reason
            ? hk__event_add(keys, err,
                            "\"kind\":\"%s\",\"list\":%s,\"entry\":%s%s%s,\"at\":%" PRId64
                            ",\"by\":%s%s",
                            kind, l, e, of_number, until, at, by, reason)
            : hk__fail_memory(err);
    hk__free(l);
    hk__free(e);
    hk__free(by);
    hk__free(reason);
    return status;
}

hk_status hk__release(bool *any, hk_keys *keys, const char *list, const char *entry,
                      uint32_t number, int64_t spared, const char *actor, const char *reason,
                      int64_t at, hk_error *err)
{
    const hk_status status =
        hk__sql_do(keys->db, err,
                   "UPDATE brake SET released = ?3, spared = ?4, actor = ?5, reason = ?6"
                   " WHERE list = ?1 AND entry = ?2 AND released IS NULL"
                   " AND (?7 = 0 OR number = ?7)",
                   "ttiitti", list, entry, at, spared, actor, reason, (int64_t)number);
    if (!status)
        *any = sqlite3_changes(keys->db) > 0;
    return status;
}

hk_status hk_brake_release(hk_keys *keys, const char *list, const char *entry, uint32_t number,
                           unsigned days, const hk_act *act, hk_error *err)
{
    int64_t at = 0;
    bool any = false;
    hk_status status = hk__act_check(&at, act, err);
    if (!status && days > DAYS_MOST)
        return hk__fail(err, HK_ERR_USAGE, "a hundred years at the most");
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    const int64_t spared = (int64_t)time(NULL) + (int64_t)days * 86400;
    status = hk__release(&any, keys, list, entry, number, spared, act->actor, act->reason, at, err);
    if (!status && !any)
        status =
            hk__fail(err, HK_ERR_USAGE, "the entry '%s' of list '%s' is not braked", entry, list);
    if (!status)
        status = say(keys, "release", list, entry, number, spared, act, at, err);
    return hk__sql_end(keys->db, status, err);
}

/* A confirmation without a number holds for every entry of the name. */
hk_status hk__confirm(unsigned *confirmations, hk_keys *keys, const char *list, const char *entry,
                      uint32_t number, const char *who, int64_t at, hk_error *err)
{
    int64_t count = 0;
    hk_status status = hk__sql_do(keys->db, err,
                                  "INSERT OR IGNORE INTO confirmation(list, entry, who, at, number)"
                                  " VALUES(?1, ?2, ?3, ?4, ?5)",
                                  "tttii", list, entry, who, at, (int64_t)number);
    if (!status)
        status = hk__sql_number(&count, 0, keys->db, err,
                                "SELECT count(DISTINCT who) FROM confirmation WHERE list = ?1"
                                " AND entry = ?2 AND number IN (0, ?3)",
                                "tti", list, entry, (int64_t)number);
    if (!status)
        status =
            hk__sql_do(keys->db, err,
                       "UPDATE brake SET released = ?3, actor = ?4, reason = 'confirmed by two'"
                       " WHERE list = ?1 AND entry = ?2 AND released IS NULL"
                       " AND (SELECT count(DISTINCT who) FROM confirmation f"
                       " WHERE f.list = ?1 AND f.entry = ?2"
                       " AND (brake.number = 0 OR f.number IN (0, brake.number))) >= ?5",
                       "ttiti", list, entry, at, who, (int64_t)CONFIRMATIONS);
    if (!status)
        *confirmations = (unsigned)count;
    return status;
}

hk_status hk_brake_confirm(unsigned *confirmations, hk_keys *keys, const char *list,
                           const char *entry, uint32_t number, const hk_act *act, hk_error *err)
{
    int64_t at;
    unsigned count = 0;
    char *who = NULL;
    hk_status status = hk__act_check(&at, act, err);
    if (!status && asprintf(&who, "person:%s", act->actor) < 0)
        return hk__fail_memory(err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (!status) {
        status = hk__confirm(&count, keys, list, entry, number, who, at, err);
        if (!status)
            status = say(keys, "confirm", list, entry, number, 0, act, at, err);
        status = hk__sql_end(keys->db, status, err);
    }
    free(who);
    if (!status)
        *confirmations = count;
    return status;
}

/* ---- notices ------------------------------------------------------------------------------- */

hk_status hk_notice_list(hk_keys *keys, bool all,
                         void (*on_notice)(void *context, const hk_notice *notice), void *context,
                         hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(
        &rows, keys->db, err,
        "SELECT n.id, n.at, n.kind, n.list, n.entry, c.name, n.words, coalesce(n.done, 0), n.actor,"
        " n.number FROM notice n LEFT JOIN client c ON c.id = n.client WHERE ?1 OR n.done IS NULL"
        " ORDER BY n.id",
        "i", (int64_t)all);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, rows, err)) && row) {
        const int64_t kind = sqlite3_column_int64(rows, 2);
        const char *words = text_of(rows, 6);
        const hk_notice notice = {.number = (uint64_t)sqlite3_column_int64(rows, 0),
                                  .at = sqlite3_column_int64(rows, 1),
                                  .kind = (hk_notice_kind)kind,
                                  .list = text_of(rows, 3),
                                  .entry = text_of(rows, 4),
                                  .client = text_of(rows, 5),
                                  .words = words ? words : "",
                                  .done = sqlite3_column_int64(rows, 7),
                                  .actor = text_of(rows, 8),
                                  .entry_number = (uint32_t)sqlite3_column_int64(rows, 9)};
        if (kind < 0 || kind >= HK_NOTICES) {
            status =
                hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: a notice of no kind", keys->path);
            break;
        }
        on_notice(context, &notice);
    }
    sqlite3_finalize(rows);
    return status;
}

hk_status hk_notice_done(hk_keys *keys, uint64_t number, const hk_act *act, hk_error *err)
{
    int64_t at = 0;
    hk_status status = hk__act_check(&at, act, err);
    if (!status)
        status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    status = hk__sql_do(keys->db, err,
                        "UPDATE notice SET done = ?2, actor = ?3 WHERE id = ?1 AND done IS NULL",
                        "iit", (int64_t)number, at, act->actor);
    if (!status && !sqlite3_changes(keys->db))
        status = hk__fail(err, HK_ERR_USAGE, "there is no open notice %" PRIu64, number);
    if (!status) {
        char *by = hk__json_text(act->actor);
        status = by ? hk__event_add(keys, err,
                                    "\"kind\":\"notice\",\"notice\":%" PRIu64 ",\"at\":%" PRId64
                                    ",\"by\":%s",
                                    number, at, by)
                    : hk__fail_memory(err);
        hk__free(by);
    }
    return hk__sql_end(keys->db, status, err);
}
