/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sql.h - SQLite with our errors: what may fail returns hk_status, and the words say what to do.
 */
#ifndef HK_LIST_SQL_H
#define HK_LIST_SQL_H

#include "herken.h"

#include <sqlite3.h>

/* Fills err with what the database says of its last failure: a full disk, no right to write,
 * another process in the way, damage. Returns the status that goes with it. */
hk_status hk__sql_fail(sqlite3 *db, hk_error *err);

/* For a file that may be anybody's work: nothing in it is to run, and its tables stay as they are
 * declared. To be called when it is opened. */
void hk__sql_distrust(sqlite3 *db);

/* Runs statements that return no rows. */
hk_status hk__sql_run(sqlite3 *db, const char *sql, hk_error *err) HK_MUST_CHECK;

/* A statement, owned by the caller: sqlite3_finalize. The letters of `types` bind what follows, in
 * order: i int64_t, t const char * (NULL: null), n nothing yet (bound later). */
hk_status hk__sql_prepare(sqlite3_stmt **out, sqlite3 *db, hk_error *err, const char *sql,
                          const char *types, ...) HK_MUST_CHECK;

/* The next row of a statement: *row = false after the last, and then it is reset. */
hk_status hk__sql_step(bool *row, sqlite3_stmt *statement, hk_error *err) HK_MUST_CHECK;

/* Runs a statement that returns no rows to its end, and resets it. */
hk_status hk__sql_done(sqlite3_stmt *statement, hk_error *err) HK_MUST_CHECK;

/* One statement without rows, bound as by hk__sql_prepare. */
hk_status hk__sql_do(sqlite3 *db, hk_error *err, const char *sql, const char *types,
                     ...) HK_MUST_CHECK;

/* The first column of the first row as a number; `none` where there is no row, or it is null. */
hk_status hk__sql_number(int64_t *out, int64_t none, sqlite3 *db, hk_error *err, const char *sql,
                         const char *types, ...) HK_MUST_CHECK;

/* Makes the tables of a blank file, with its numbers (PRAGMA application_id, user_version) and a
 * write-ahead log, unless another process did so meanwhile. */
hk_status hk__sql_make_tables(sqlite3 *db, const char *schema, int application, int version,
                              hk_error *err) HK_MUST_CHECK;

/* A transaction: deferred to read one state of things, immediate to write (waits for another
 * writer). hk__sql_end commits where status is HK_OK, else rolls back; returns how that ended, or
 * status. */
hk_status hk__sql_begin(sqlite3 *db, bool to_write, hk_error *err) HK_MUST_CHECK;
hk_status hk__sql_end(sqlite3 *db, hk_status status, hk_error *err) HK_MUST_CHECK;

#endif
