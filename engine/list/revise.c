/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * revise.c - making a revision: changes of state with what was before, and the chain (store.h).
 *
 * The chain is SHA-256 over the chain before it and then, each number as 8 bytes, least first, each
 * text with its length before it (2^64 - 1: none):
 *
 *      revision row    id, list, kind, actor, at, reason, batch, target, source, added, replaced,
 *                      withdrawn, quarantined
 *      create          the list's row: name, owner, purpose, categories, known_good, two_person
 *      import          the batch: entries, sum; its steps: entry, next
 *      batch_change    batch, was, now
 *      entry_change    entry, was, now
 */
#include "core/digest.h"
#include "core/error.h"
#include "list/store.h"

#include <string.h>
#include <time.h>

/* ---- the chain ----------------------------------------------------------------------------- */

static hk_status add_number(hk__digester *digester, int64_t number, hk_error *err)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> 8 * i);
    return hk__digester_add(digester, bytes, sizeof bytes, err);
}

/* All columns of all rows of a query about one number. */
static hk_status add_rows(hk__digester *digester, sqlite3 *db, const char *sql, int64_t number,
                          hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status = hk__sql_prepare(&rows, db, err, sql, "i", number);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row)
        for (int c = 0; !status && c < sqlite3_column_count(rows); c++) {
            const int type = sqlite3_column_type(rows, c);
            if (type == SQLITE_TEXT) {
                const void *text = sqlite3_column_text(rows, c);
                const int size = sqlite3_column_bytes(rows, c);
                status = add_number(digester, size, err);
                if (!status)
                    status = hk__digester_add(digester, text, (size_t)size, err);
            } else {
                status = add_number(digester,
                                    type == SQLITE_NULL ? -1 : sqlite3_column_int64(rows, c), err);
            }
        }
    sqlite3_finalize(rows);
    return status;
}

hk_status hk__revision_chain(uint8_t out[32], hk_store *store, int64_t number,
                             const uint8_t before[32], hk_error *err)
{
    static const char *const parts[] = {
        "SELECT id, list, kind, actor, at, reason, batch, target, source, added, replaced,"
        " withdrawn, quarantined FROM revision WHERE id = ?1",
        "SELECT name, owner, purpose, categories, known_good, two_person FROM list"
        " JOIN revision ON revision.list = list.id WHERE revision.id = ?1 AND kind = 0",
        "SELECT entries, sum FROM revision r CROSS JOIN batch ON batch.id = r.batch"
        " WHERE r.id = ?1",
        "SELECT entry, next FROM revision r CROSS JOIN step ON step.batch = r.batch"
        " WHERE r.id = ?1 ORDER BY entry, next",
        "SELECT batch, was, now FROM batch_change WHERE revision = ?1 ORDER BY batch",
        "SELECT entry, was, now FROM entry_change WHERE revision = ?1 ORDER BY entry",
    };
    hk__digester *digester;
    hk_digests digests;
    hk_status status = hk__digester_new(&digester, err);
    if (status)
        return status;
    status = hk__digester_start(digester, HK_DIGEST_SHA256, err);
    if (!status)
        status = hk__digester_add(digester, before, 32, err);
    for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++)
        status = add_rows(digester, store->db, parts[i], number, err);
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    hk__digester_free(digester);
    if (!status)
        memcpy(out, digests.sha256, 32);
    return status;
}

/* ---- revisions ----------------------------------------------------------------------------- */

hk_status hk__revise_begin(hk__revising *out, hk_store *store, int64_t list, hk_revision_kind kind,
                           const hk_act *act, hk_error *err)
{
    if (!act || !act->actor || !*act->actor)
        return hk__fail(err, HK_ERR_USAGE, "a change needs the name of who makes it");
    hk__revising r = {.store = store, .list = list, .kind = kind, .act = act};
    r.at = act->at ? act->at : (int64_t)time(NULL);
    hk_status status =
        hk__sql_number(&r.number, 1, store->db, err, "SELECT max(id) + 1 FROM revision", "");
    if (!status)
        status = hk__sql_prepare(&r.entry_change, store->db, err,
                                 "INSERT INTO entry_change(revision, entry, was, now)"
                                 " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(revision, entry)"
                                 " DO UPDATE SET now = excluded.now",
                                 "i", r.number);
    if (!status)
        status = hk__sql_prepare(&r.set_entry, store->db, err,
                                 "UPDATE entry SET state = ?2 WHERE id = ?1", "");
    if (status)
        hk__revise_clear(&r);
    else
        *out = r;
    return status;
}

hk_status hk__revise_entry(hk__revising *revising, uint32_t entry, hk_entry_state was,
                           hk_entry_state now, hk_error *err)
{
    sqlite3_stmt *change = revising->entry_change, *set = revising->set_entry;
    sqlite3_bind_int64(change, 2, entry);
    sqlite3_bind_int(change, 3, was);
    sqlite3_bind_int(change, 4, now);
    hk_status status = hk__sql_done(change, err);
    if (status)
        return status;
    sqlite3_bind_int64(set, 1, entry);
    sqlite3_bind_int(set, 2, now);
    return hk__sql_done(set, err);
}

hk_status hk__revise_batch(hk__revising *revising, int64_t batch, hk_entry_state was,
                           hk_entry_state now, hk_error *err)
{
    sqlite3 *db = revising->store->db;
    hk_status status = hk__sql_do(db, err,
                                  "INSERT INTO batch_change(revision, batch, was, now)"
                                  " VALUES(?1, ?2, ?3, ?4)",
                                  "iiii", revising->number, batch, (int64_t)was, (int64_t)now);
    return status ? status
                  : hk__sql_do(db, err, "UPDATE batch SET state = ?2 WHERE id = ?1", "ii", batch,
                               (int64_t)now);
}

static hk_status write_row(const hk__revising *r, hk_error *err)
{
    const hk_act *act = r->act;
    hk_status status = hk__sql_do(
        r->store->db, err,
        "INSERT INTO revision(id, list, kind, actor, at, reason, source, added, replaced,"
        " withdrawn, quarantined, chain) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, x'')",
        "iiititt" /* and the counts */ "iiii", r->number, r->list, (int64_t)r->kind, act->actor,
        r->at, act->reason, r->source, (int64_t)r->added, (int64_t)r->replaced,
        (int64_t)r->withdrawn, (int64_t)r->quarantined);
    if (!status && r->batch)
        status = hk__sql_do(r->store->db, err, "UPDATE revision SET batch = ?2 WHERE id = ?1", "ii",
                            r->number, r->batch);
    if (!status && r->target)
        status = hk__sql_do(r->store->db, err, "UPDATE revision SET target = ?2 WHERE id = ?1",
                            "ii", r->number, r->target);
    return status;
}

static hk_status chain_before(uint8_t out[32], const hk__revising *r, hk_error *err)
{
    sqlite3_stmt *before;
    bool row;
    memset(out, 0, 32);
    hk_status status = hk__sql_prepare(
        &before, r->store->db, err, "SELECT chain FROM revision WHERE id = ?1", "i", r->number - 1);
    if (status)
        return status;
    status = hk__sql_step(&row, before, err);
    if (!status && row && sqlite3_column_bytes(before, 0) == 32)
        memcpy(out, sqlite3_column_blob(before, 0), 32);
    sqlite3_finalize(before);
    return status;
}

hk_status hk__revise_end(hk__revising *revising, hk_error *err)
{
    uint8_t before[32];
    sqlite3_stmt *set;
    hk_status status = write_row(revising, err);
    if (!status)
        status = chain_before(before, revising, err);
    if (!status)
        status =
            hk__revision_chain(revising->chain, revising->store, revising->number, before, err);
    if (!status)
        status =
            hk__sql_prepare(&set, revising->store->db, err,
                            "UPDATE revision SET chain = ?2 WHERE id = ?1", "i", revising->number);
    if (status)
        return status;
    sqlite3_bind_blob(set, 2, revising->chain, sizeof revising->chain, SQLITE_STATIC);
    status = hk__sql_done(set, err);
    sqlite3_finalize(set);
    return status;
}

void hk__revise_clear(hk__revising *revising)
{
    sqlite3_finalize(revising->entry_change);
    sqlite3_finalize(revising->set_entry);
    revising->entry_change = revising->set_entry = NULL;
}

void hk__chain_mark(char out[17], const uint8_t chain[32])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 8; i++) {
        out[2 * i] = hex[chain[i] >> 4];
        out[2 * i + 1] = hex[chain[i] & 15];
    }
    out[16] = '\0';
}
