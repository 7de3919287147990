/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history.c - what was changed, by whom, when and why: of a list, and of one entry (herken.h). */
#include "core/error.h"
#include "list/store.h"

#define REVISION_COLUMNS                                                                           \
    "r.id, r.kind, l.name, r.actor, r.reason, r.at, r.source, r.target, r.added, r.replaced,"      \
    " r.withdrawn, r.quarantined, r.chain"
enum { CHAIN_SIZE = 32, AFTER_REVISION = 13 };

static hk_status fail_damaged(int64_t number, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT,
                    "revision %lld is none that can be: the store is damaged; see `herken list "
                    "verify`",
                    (long long)number);
}

/* Strings are borrowed until the statement's next step. */
static hk_status take_revision(hk_revision *out, sqlite3_stmt *row, hk_error *err)
{
    const int64_t number = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);
    if (number < 1 || kind < 0 || kind >= HK_REVISION_KINDS || !sqlite3_column_text(row, 2) ||
        !sqlite3_column_text(row, 3) || sqlite3_column_bytes(row, 12) != CHAIN_SIZE)
        return fail_damaged(number, err);
    *out = (hk_revision){.number = (uint64_t)number,
                         .kind = (hk_revision_kind)kind,
                         .list = (const char *)sqlite3_column_text(row, 2),
                         .actor = (const char *)sqlite3_column_text(row, 3),
                         .reason = (const char *)sqlite3_column_text(row, 4),
                         .at = sqlite3_column_int64(row, 5),
                         .source = (const char *)sqlite3_column_text(row, 6),
                         .target = (uint64_t)sqlite3_column_int64(row, 7),
                         .added = (uint64_t)sqlite3_column_int64(row, 8),
                         .replaced = (uint64_t)sqlite3_column_int64(row, 9),
                         .withdrawn = (uint64_t)sqlite3_column_int64(row, 10),
                         .quarantined = (uint64_t)sqlite3_column_int64(row, 11)};
    hk__chain_mark(out->mark, sqlite3_column_blob(row, 12));
    return HK_OK;
}

hk_status hk_store_log(hk_store *store, const char *list,
                       bool (*on_revision)(void *context, const hk_revision *revision),
                       void *context, hk_error *err)
{
    hk__list_row row;
    sqlite3_stmt *rows = NULL;
    bool there, go_on = true;
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = hk__store_find(&row, store, list, err);
    if (!status)
        status = hk__sql_prepare(&rows, store->db, err,
                                 "SELECT " REVISION_COLUMNS
                                 " FROM revision r CROSS JOIN list l ON l.id = r.list"
                                 " WHERE r.list = ?1 ORDER BY r.id DESC",
                                 "i", row.id);
    while (!status && go_on && !(status = hk__sql_step(&there, rows, err)) && there) {
        hk_revision revision;
        status = take_revision(&revision, rows, err);
        if (!status)
            go_on = on_revision(context, &revision);
    }
    sqlite3_finalize(rows);
    return hk__sql_end(store->db, status, err);
}

/* What a history is of. */
typedef struct subject {
    int64_t batch, list, imported;
    unsigned suspicions;
} subject;

static hk_status find_subject(subject *out, hk_store *store, uint32_t entry, hk_error *err)
{
    sqlite3_stmt *find;
    bool there;
    hk_status status = hk__sql_prepare(&find, store->db, err,
                                       "SELECT b.id, b.list, b.revision, e.suspect FROM entry e"
                                       " JOIN batch b ON b.id = e.batch"
                                       " WHERE e.id = ?1 AND b.revision IS NOT NULL",
                                       "i", (int64_t)entry);
    if (status)
        return status;
    status = hk__sql_step(&there, find, err);
    if (!status && there)
        *out = (subject){.batch = sqlite3_column_int64(find, 0),
                         .list = sqlite3_column_int64(find, 1),
                         .imported = sqlite3_column_int64(find, 2),
                         .suspicions = (unsigned)sqlite3_column_int(find, 3)};
    else if (!status)
        status = hk__fail(err, HK_ERR_USAGE, "there is no entry #%u in %s", entry, store->path);
    sqlite3_finalize(find);
    return status;
}

/* Takes a state over where the revision changed it; false: to none that there is. */
static bool take_state(hk_entry_state *state, sqlite3_stmt *row, int column)
{
    const int64_t now = sqlite3_column_int64(row, column);
    if (sqlite3_column_type(row, column) != SQLITE_NULL)
        *state = (hk_entry_state)now;
    return now >= 0 && now < HK_ENTRY_STATES;
}

/* Each revision that changed the entry or its batch, with the state it left the entry in. */
static hk_status tell(const subject *of, sqlite3_stmt *rows,
                      void (*on_change)(void *context, const hk_revision *revision,
                                        hk_entry_state state),
                      void *context, hk_error *err)
{
    hk_entry_state batch = HK_ENTRY_ABSENT, own = HK_ENTRY_ABSENT, told = HK_ENTRY_ABSENT;
    bool there;
    hk_status status = HK_OK;
    while (!status && !(status = hk__sql_step(&there, rows, err)) && there) {
        hk_revision revision;
        if (!take_state(&batch, rows, AFTER_REVISION) ||
            !take_state(&own, rows, AFTER_REVISION + 1))
            return fail_damaged(sqlite3_column_int64(rows, 0), err);
        const hk_entry_state state = hk__state_of(batch, own, of->suspicions);
        if (state == told)
            continue;
        told = state;
        status = take_revision(&revision, rows, err);
        if (!status)
            on_change(context, &revision, state);
    }
    return status;
}

hk_status hk_store_history(hk_store *store, uint32_t entry,
                           void (*on_change)(void *context, const hk_revision *revision,
                                             hk_entry_state state),
                           void *context, hk_error *err)
{
    subject of = {0};
    sqlite3_stmt *rows = NULL;
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = find_subject(&of, store, entry, err);
    if (!status)
        status = hk__sql_prepare(
            &rows, store->db, err,
            "SELECT " REVISION_COLUMNS ", b.now, e.now"
            " FROM revision r CROSS JOIN list l ON l.id = r.list"
            " LEFT JOIN batch_change b ON b.revision = r.id AND b.batch = ?2"
            " LEFT JOIN entry_change e ON e.revision = r.id AND e.entry = ?3"
            " WHERE r.list = ?1 AND r.id >= ?4 AND (b.now IS NOT NULL OR e.now IS NOT NULL)"
            " ORDER BY r.id",
            "iiii", of.list, of.batch, (int64_t)entry, of.imported);
    if (!status)
        status = tell(&of, rows, on_change, context, err);
    sqlite3_finalize(rows);
    return hk__sql_end(store->db, status, err);
}

/* A rollback made it what it was at its target: whoever did so then is meant. */
hk_status hk__withdrawn_by(int64_t *revision, hk_store *store, uint32_t entry, hk_error *err)
{
    int64_t newest = INT64_MAX, kind = HK_REVISION_ROLLBACK, found = 0;
    while (kind == HK_REVISION_ROLLBACK) {
        sqlite3_stmt *change;
        bool row;
        /* A change by a decision that is being made has no revision's row yet. */
        hk_status status = hk__sql_prepare(&change, store->db, err,
                                           "SELECT r.id, r.kind, r.target FROM entry_change c"
                                           " LEFT JOIN revision r ON r.id = c.revision"
                                           " WHERE c.entry = ?1 AND c.revision <= ?2"
                                           " ORDER BY c.revision DESC LIMIT 1",
                                           "ii", (int64_t)entry, newest);
        if (status)
            return status;
        status = hk__sql_step(&row, change, err);
        const bool known = !status && row && sqlite3_column_type(change, 0) != SQLITE_NULL;
        found = known ? sqlite3_column_int64(change, 0) : 0;
        kind = known ? sqlite3_column_int64(change, 1) : -1;
        newest = known ? sqlite3_column_int64(change, 2) : 0;
        sqlite3_finalize(change);
        if (status)
            return status;
        if (newest >= found) /* no sound store has that; there must be an end */
            kind = kind == HK_REVISION_ROLLBACK ? -1 : kind;
    }
    *revision = kind == HK_REVISION_RETRACT ? found : 0;
    return HK_OK;
}
