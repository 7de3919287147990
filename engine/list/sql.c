/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - see sql.h. */
#include "list/sql.h"

#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

hk_status hk__sql_fail(sqlite3 *db, hk_error *err)
{
    const char *file = sqlite3_db_filename(db, "main");
    if (!file || !*file)
        file = "the store";
    switch (sqlite3_errcode(db)) {
    case SQLITE_NOMEM:
        return hk__fail_memory(err);
    case SQLITE_FULL:
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: the disk is full; nothing was changed: make room and try again", file);
    case SQLITE_IOERR:
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: cannot be read or written (SQLite %d): is the disk full, or failing? "
                        "nothing was changed",
                        file, sqlite3_extended_errcode(db));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return hk__fail(err, HK_ERR_IO,
                        "%s: cannot be written: %s (SQLite must be able to write beside it too, "
                        "for its locks, even to search in it)",
                        file, sqlite3_errmsg(db));
    case SQLITE_CANTOPEN:
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened, or a file beside it cannot be made",
                        file);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: another process has kept it locked for a minute; try again", file);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return hk__fail(
            err, HK_ERR_FORMAT,
            "%s: is damaged, or none of ours: %s; restore a copy (of a store, see `herken "
            "list verify`)",
            file, sqlite3_errmsg(db));
    case SQLITE_TOOBIG:
        return hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: a value in it is too long", file);
    default:
        return hk__fail(err, HK_ERR_SYSTEM, "%s: %s (SQLite %d)", file, sqlite3_errmsg(db),
                        sqlite3_extended_errcode(db));
    }
}

void hk__sql_distrust(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

hk_status hk__sql_run(sqlite3 *db, const char *sql, hk_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) ? hk__sql_fail(db, err) : HK_OK;
}

static hk_status prepare(sqlite3_stmt **out, sqlite3 *db, hk_error *err, const char *sql,
                         const char *types, va_list values)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, 0, &statement, NULL))
        return hk__sql_fail(db, err);
    for (int i = 0; types[i]; i++) {
        int failed = 0;
        if (types[i] == 'i')
            failed = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        else if (types[i] == 't')
            failed = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
                                       SQLITE_TRANSIENT);
        if (failed) {
            sqlite3_finalize(statement);
            return hk__sql_fail(db, err);
        }
    }
    *out = statement;
    return HK_OK;
}

hk_status hk__sql_prepare(sqlite3_stmt **out, sqlite3 *db, hk_error *err, const char *sql,
                          const char *types, ...)
{
    va_list values;
    va_start(values, types);
    const hk_status status = prepare(out, db, err, sql, types, values);
    va_end(values);
    return status;
}

hk_status hk__sql_step(bool *row, sqlite3_stmt *statement, hk_error *err)
{
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *row = true;
        return HK_OK;
    }
    hk_status status = HK_OK;
    if (code != SQLITE_DONE)
        status = hk__sql_fail(sqlite3_db_handle(statement), err);
    else
        *row = false;
    sqlite3_reset(statement);
    return status;
}

hk_status hk__sql_done(sqlite3_stmt *statement, hk_error *err)
{
    bool row = true;
    hk_status status = HK_OK;
    while (!status && row)
        status = hk__sql_step(&row, statement, err);
    return status;
}

hk_status hk__sql_do(sqlite3 *db, hk_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;
    va_start(values, types);
    hk_status status = prepare(&statement, db, err, sql, types, values);
    va_end(values);
    if (status)
        return status;
    status = hk__sql_done(statement, err);
    sqlite3_finalize(statement);
    return status;
}

hk_status hk__sql_number(int64_t *out, int64_t none, sqlite3 *db, hk_error *err, const char *sql,
                         const char *types, ...)
{
    sqlite3_stmt *statement;
    bool row;
    va_list values;
    va_start(values, types);
    hk_status status = prepare(&statement, db, err, sql, types, values);
    va_end(values);
    if (status)
        return status;
    status = hk__sql_step(&row, statement, err);
    if (!status)
        *out = row && sqlite3_column_type(statement, 0) != SQLITE_NULL
                   ? sqlite3_column_int64(statement, 0)
                   : none;
    sqlite3_finalize(statement);
    return status;
}

hk_status hk__sql_begin(sqlite3 *db, bool to_write, hk_error *err)
{
    return hk__sql_run(db, to_write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

hk_status hk__sql_end(sqlite3 *db, hk_status status, hk_error *err)
{
    if (!status)
        status = hk__sql_run(db, "COMMIT", err);
    /* After some failures SQLite has rolled back by itself. */
    if (status && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

hk_status hk__sql_make_tables(sqlite3 *db, const char *schema, int application, int version,
                              hk_error *err)
{
    char numbers[96];
    int64_t tables;
    hk_status status = hk__sql_run(db, "PRAGMA journal_mode = wal", err);
    if (!status)
        status = hk__sql_begin(db, true, err);
    if (status)
        return status;
    snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             application, version);
    status = hk__sql_number(&tables, 0, db, err, "SELECT count(*) FROM sqlite_master", "");
    if (!status && !tables)
        status = hk__sql_run(db, schema, err);
    if (!status && !tables)
        status = hk__sql_run(db, numbers, err);
    return hk__sql_end(db, status, err);
}
