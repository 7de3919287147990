/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_verify.c - checking a whole store: hk_store_verify of herken.h.
 *
 *      SQLite's check     pages, indexes, what may not be null
 *      revisions          numbers without gaps; the chain
 *      verify_load.c      batches, spans, every change of a batch's state
 *      verify_entries.c   sums and spans, every change of an entry's state, entry_key
 *      references         rows that name what is not there
 *
 * All of it in one read transaction, so that it is the state of one moment. Where SQLite cannot
 * read on, that is a problem found, and the next part is tried. What an import under way, or one
 * that was stopped, has put into a batch without a revision is left out: the next import clears it
 * away.
 */
#include "list/store_verify.h"

#include "core/clock.h"
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REPORTS_MOST = 100, OPERATIONS = 2000 };
#define TELL_NS UINT64_C(1000000000)

void hk__verify_report(hk__checking *c, const char *format, ...)
{
    char message[512];
    va_list values;
    if (++c->problems > REPORTS_MOST || !c->on_problem)
        return;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    hk__printable(message);
    c->on_problem(c->context, message);
}

/* Called by SQLite after so many steps of its machine. */
static int tell(void *context)
{
    hk__checking *c = context;
    const uint64_t now = hk__clock_ns();
    if (c->told && now - c->told < TELL_NS)
        return 0;
    c->told = now;
    c->stopped = !c->on_progress(c->context, c->done, c->total);
    return c->stopped;
}

/* ---- SQLite's own check -------------------------------------------------------------------- */

/* One row of it: several lines, under a heading where they are about pages. */
static void report_lines(hk__checking *c, const char *text)
{
    while (*text) {
        const int length = (int)strcspn(text, "\n");
        if (length && strncmp(text, "*** ", 4) != 0 && strcmp(text, "ok") != 0)
            hk__verify_report(c, "the file: %.*s", length < 400 ? length : 400, text);
        text += length + (text[length] != '\0');
    }
}

static hk_status check_file(hk__checking *c, hk_error *err)
{
    sqlite3_stmt *check;
    bool row;
    hk_status status = hk__sql_prepare(&check, c->store->db, err, "PRAGMA integrity_check", "");
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, check, err)) && row) {
        const char *text = (const char *)sqlite3_column_text(check, 0);
        report_lines(c, text ? text : "");
    }
    sqlite3_finalize(check);
    c->done = c->total / 3;
    return status;
}

/* ---- revisions ----------------------------------------------------------------------------- */

static hk_status check_chain(uint8_t chain[32], hk__checking *c, sqlite3_stmt *row, hk_error *err)
{
    uint8_t expected[32];
    const int64_t number = sqlite3_column_int64(row, 0);
    const void *kept = sqlite3_column_blob(row, 1);
    const bool whole = kept && sqlite3_column_bytes(row, 1) == sizeof expected;
    hk_status status = hk__revision_chain(expected, c->store, number, chain, err);
    if (status)
        return status;
    if (!whole || memcmp(kept, expected, sizeof expected) != 0)
        hk__verify_report(c, "revision %lld is not what it was when it was made: its chain differs",
                          (long long)number);
    memcpy(chain, whole ? kept : expected, sizeof expected); /* one damage, one report */
    return HK_OK;
}

static hk_status check_revisions(hk__checking *c, hk_error *err)
{
    sqlite3_stmt *revisions;
    bool row;
    uint8_t chain[32] = {0};
    hk_status status = hk__sql_prepare(&revisions, c->store->db, err,
                                       "SELECT id, chain FROM revision ORDER BY id", "");
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, revisions, err)) && row) {
        const int64_t number = sqlite3_column_int64(revisions, 0);
        if (number != c->revisions + 1)
            hk__verify_report(c, "revision %lld follows on revision %lld", (long long)number,
                              (long long)c->revisions);
        c->revisions = number;
        status = check_chain(chain, c, revisions, err);
    }
    sqlite3_finalize(revisions);
    return status;
}

/* ---- references ---------------------------------------------------------------------------- */

static hk_status check_references(hk__checking *c, hk_error *err)
{
    static const struct {
        const char *sql, *words; /* rows of up to three numbers that should not be there */
    } checks[] = {
        {"SELECT id, 0, 0 FROM list WHERE NOT EXISTS"
         " (SELECT 1 FROM revision r WHERE r.list = list.id AND r.kind = 0)",
         "list %lld has no revision that made it"},
        {"SELECT id, list, 0 FROM revision WHERE list NOT IN (SELECT id FROM list)",
         "revision %lld is of list %lld, which is not there"},
        {"SELECT id, list, 0 FROM batch WHERE list NOT IN (SELECT id FROM list)",
         "batch %lld is of list %lld, which is not there"},
        {"SELECT b.id, b.revision, 0 FROM batch b LEFT JOIN revision r ON r.id = b.revision"
         " WHERE b.revision IS NOT NULL"
         " AND (r.id IS NULL OR r.batch IS NOT b.id OR r.list <> b.list)",
         "batch %lld is said to be of revision %lld, which knows nothing of it"},
        {"SELECT t.batch, t.entry, t.next FROM step t LEFT JOIN batch b ON b.id = t.batch"
         " LEFT JOIN entry e ON e.id = t.entry LEFT JOIN entry n ON n.id = t.next"
         " WHERE b.id IS NULL OR (b.revision IS NOT NULL"
         " AND (e.id IS NULL OR (t.next <> 0 AND n.batch IS NOT t.batch)))",
         "a step of batch %lld, from entry #%lld to #%lld, names what is not there"},
        {"SELECT u.entry, u.reason, 0 FROM suspicion u LEFT JOIN entry e ON e.id = u.entry"
         " WHERE e.id IS NULL AND NOT EXISTS (SELECT 1 FROM span s JOIN batch b ON b.id = s.batch"
         " WHERE b.revision IS NULL AND u.entry BETWEEN s.first AND s.first + s.count - 1)",
         "words of suspicion %2$lld are about entry #%1$lld, which is not there"},
    };
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < sizeof checks / sizeof *checks; i++) {
        sqlite3_stmt *rows;
        bool row;
        status = hk__sql_prepare(&rows, c->store->db, err, checks[i].sql, "");
        if (status)
            break;
        while (!(status = hk__sql_step(&row, rows, err)) && row)
            hk__verify_report(c, checks[i].words, (long long)sqlite3_column_int64(rows, 0),
                              (long long)sqlite3_column_int64(rows, 1),
                              (long long)sqlite3_column_int64(rows, 2));
        sqlite3_finalize(rows);
    }
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static hk_status check_all(hk__checking *c, hk_error *err)
{
    static const struct {
        hk_status (*check)(hk__checking *c, hk_error *err);
        const char *what;
    } parts[] = {{check_file, "the file"},
                 {check_revisions, "the revisions"},
                 {hk__verify_load, "batches and changes of state"},
                 {hk__verify_entries, "the entries"},
                 {hk__verify_frames, "frames"},
                 {hk__verify_keys, "entry_key"},
                 {check_references, "what refers to entries"}};
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < sizeof parts / sizeof *parts; i++) {
        hk_error damage = {HK_OK, ""};
        status = parts[i].check(c, &damage);
        if (c->stopped)
            return hk__fail(err, HK_ERR_STOPPED, "stopped: the store is not checked to its end");
        if (status == HK_ERR_FORMAT) {
            hk__verify_report(c, "%s cannot be read to the end: pages of the file are damaged",
                              parts[i].what);
            status = HK_OK;
        } else if (status) {
            status = hk__fail(err, status, "%s", damage.message);
        }
    }
    return status;
}

/* How many entries there should be, for the progress; anything will do where that is damaged. */
static uint64_t expected_entries(hk_store *store)
{
    int64_t entries = 0;
    if (hk__sql_number(&entries, 0, store->db, NULL, "SELECT sum(max(0, entries)) FROM batch", ""))
        return 0;
    return entries < 0 || entries > UINT32_MAX ? UINT32_MAX : (uint64_t)entries;
}

hk_status hk_store_verify(size_t *problems, hk_store *store,
                          void (*on_problem)(void *context, const char *message),
                          bool (*on_progress)(void *context, uint64_t done, uint64_t total),
                          void *context, hk_error *err)
{
    hk__checking c = {
        .store = store, .on_problem = on_problem, .on_progress = on_progress, .context = context};
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    c.total = 3 * expected_entries(store); /* the file, the entries, the keys */
    if (on_progress)
        sqlite3_progress_handler(store->db, OPERATIONS, tell, &c);
    status = check_all(&c, err);
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    hk__verify_unload(&c);
    /* There is nothing to commit, which SQLite refuses where it has met damage. */
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    if (!status)
        *problems = c.problems;
    return status;
}
