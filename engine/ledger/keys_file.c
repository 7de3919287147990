/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys_file.c - making, opening and closing DB.keys; the audit log's mark in it (books.h). */
#include "ledger/books.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MS = 10000, VALUE_MOST = 1 << 20 };

/* ---- opening ------------------------------------------------------------------------------- */

static hk_status make_file(const char *path, hk_error *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno != EEXIST
               ? hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", path, strerror(errno))
               : HK_OK;
}

static hk_status open_database(hk_keys *keys, hk_error *err)
{
    const int code =
        sqlite3_open_v2(keys->path, &keys->db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
    if (!keys->db)
        return hk__fail_memory(err);
    sqlite3_busy_timeout(keys->db, BUSY_MS);
    sqlite3_limit(keys->db, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    hk__sql_distrust(keys->db);
    return code ? hk__sql_fail(keys->db, err) : HK_OK;
}

/* Unless another process did so meanwhile. */
static hk_status upgrade(hk_keys *keys, hk_error *err)
{
    int64_t version = 0;
    hk_status status = hk__sql_begin(keys->db, true, err);
    if (status)
        return status;
    status = hk__sql_number(&version, 0, keys->db, err, "PRAGMA user_version", "");
    if (!status && version == 1)
        status = hk__sql_run(keys->db, hk__keys_upgrade, err);
    return hk__sql_end(keys->db, status, err);
}

static hk_status check_file(hk_keys *keys, bool create, hk_error *err)
{
    int64_t application, version = 0, tables = 0;
    hk_status status = hk__sql_number(&application, 0, keys->db, err, "PRAGMA application_id", "");
    if (!status)
        status = hk__sql_number(&version, 0, keys->db, err, "PRAGMA user_version", "");
    if (!status)
        status =
            hk__sql_number(&tables, 0, keys->db, err, "SELECT count(*) FROM sqlite_master", "");
    if (!status && !application && !tables && create) {
        status = hk__sql_make_tables(keys->db, hk__keys_schema, HK__KEYS_APPLICATION,
                                     HK__KEYS_VERSION, err);
        return status ? status : check_file(keys, false, err);
    }
    if (status)
        return status;
    if (application != HK__KEYS_APPLICATION)
        return hk__fail(err, HK_ERR_FORMAT, "%s: holds no keys of a server", keys->path);
    if (version == 1)
        return upgrade(keys, err);
    if (version != HK__KEYS_VERSION)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is of version %lld, this program knows version %d: use the program "
                        "that made it, or a newer one",
                        keys->path, (long long)version, HK__KEYS_VERSION);
    return HK_OK;
}

/* SQLite's words speak of a store of lists. */
static hk_status explain(const hk_keys *keys, hk_status status, hk_error *err)
{
    const int code = keys->db ? sqlite3_errcode(keys->db) : SQLITE_OK;
    if (status == HK_ERR_FORMAT && (code == SQLITE_CORRUPT || code == SQLITE_NOTADB))
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is damaged, or holds no keys of a server: restore a copy", keys->path);
    return status;
}

hk_status hk_keys_open(hk_keys **out, const char *db, bool create, hk_error *err)
{
    struct stat facts;
    hk_keys *keys = hk__alloc(1, sizeof *keys);
    char *store = hk__real_path(db); /* beside the file itself, not beside a link to it */
    if (!keys || !store) {
        hk__free(keys);
        hk__free(store);
        return hk__fail_memory(err);
    }
    keys->path = hk__path_with(store, ".keys");
    hk__free(store);
    hk_status status = keys->path ? HK_OK : hk__fail_memory(err);
    if (!status && create)
        status = make_file(keys->path, err);
    if (!status && stat(keys->path, &facts))
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s%s", keys->path, strerror(errno),
                          errno == ENOENT ? "; `herken key create NAME --db DB` makes it" : "");
    else if (!status && !S_ISREG(facts.st_mode))
        status = hk__fail(err, HK_ERR_IO, "%s: is no file", keys->path);
    else if (!status && access(keys->path, W_OK))
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", keys->path, strerror(errno));
    if (!status)
        status = open_database(keys, err);
    if (!status)
        status = check_file(keys, create, err);
    if (!status)
        status = hk__sql_run(keys->db,
                             "PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 1000;"
                             "PRAGMA journal_size_limit = 16777216",
                             err);
    if (status) {
        status = explain(keys, status, err);
        hk_keys_close(keys);
    } else {
        *out = keys;
    }
    return status;
}

void hk_keys_close(hk_keys *keys)
{
    if (!keys)
        return;
    sqlite3_close(keys->db);
    hk__free(keys->path);
    hk__free(keys);
}

/* ---- the log's mark ------------------------------------------------------------------------ */

hk_status hk__mark_read(hk__head *anchor, uint64_t *applied, hk_keys *keys, hk_error *err)
{
    sqlite3_stmt *row;
    bool there = false;
    hk_status status = hk__sql_prepare(
        &row, keys->db, err, "SELECT applied, number, chain, at, file, bytes FROM mark", "");
    if (status)
        return status;
    status = hk__sql_step(&there, row, err);
    const bool good = !status && there && sqlite3_column_bytes(row, 2) == HK__SHA256_SIZE &&
                      sqlite3_column_blob(row, 2) && sqlite3_column_int64(row, 0) >= 0 &&
                      sqlite3_column_int64(row, 1) >= 0 && sqlite3_column_int64(row, 4) >= 0 &&
                      sqlite3_column_int64(row, 5) >= 0;
    if (good) {
        *applied = (uint64_t)sqlite3_column_int64(row, 0);
        anchor->number = (uint64_t)sqlite3_column_int64(row, 1);
        memcpy(anchor->chain, sqlite3_column_blob(row, 2), HK__SHA256_SIZE);
        anchor->at = sqlite3_column_int64(row, 3);
        anchor->file = (uint64_t)sqlite3_column_int64(row, 4);
        anchor->bytes = (uint64_t)sqlite3_column_int64(row, 5);
    } else if (!status) {
        status = hk__fail(err, HK_ERR_FORMAT, "%s: is damaged: the audit log's mark is not there",
                          keys->path);
    }
    sqlite3_finalize(row);
    return status;
}

hk_status hk__mark_write(hk_keys *keys, const hk__head *anchor, uint64_t applied, hk_error *err)
{
    sqlite3_stmt *update;
    hk_status status = hk__sql_prepare(&update, keys->db, err,
                                       "UPDATE mark SET applied = ?1, number = ?2, chain = ?6,"
                                       " at = ?3, file = ?4, bytes = ?5",
                                       "iiiii", (int64_t)applied, (int64_t)anchor->number,
                                       anchor->at, (int64_t)anchor->file, (int64_t)anchor->bytes);
    if (status)
        return status;
    if (sqlite3_bind_blob(update, 6, anchor->chain, HK__SHA256_SIZE, SQLITE_TRANSIENT))
        status = hk__sql_fail(keys->db, err);
    if (!status)
        status = hk__sql_done(update, err);
    sqlite3_finalize(update);
    return status;
}

/* ---- words --------------------------------------------------------------------------------- */

char *hk__json_text(const char *text)
{
    /* Each byte takes six at the most. */
    char *out = hk__alloc(6 * strlen(text) + 3, 1), *to = out;
    if (!out)
        return NULL;
    *to++ = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int length = hk__utf8_sequence(p);
        if (length <= 0) {
            to = stpcpy(to, "\\ufffd");
            p++;
        } else if (*p < 0x20 || *p == 0x7f) {
            to += sprintf(to, "\\u%04x", *p++);
        } else {
            if (*p == '"' || *p == '\\')
                *to++ = '\\';
            memcpy(to, p, (size_t)length);
            to += length;
            p += length;
        }
    }
    strcpy(to, "\"");
    return out;
}

char *hk__json_field(const char *name, const char *text)
{
    char *value = text ? hk__json_text(text) : NULL, *out = NULL;
    if (!text)
        return hk__strndup("", 0);
    if (value && (out = hk__alloc(strlen(name) + strlen(value) + 5, 1)))
        sprintf(out, ",\"%s\":%s", name, value);
    hk__free(value);
    return out;
}

hk_status hk__event_add(hk_keys *keys, hk_error *err, const char *format, ...)
{
    va_list args;
    char *body = NULL;
    va_start(args, format);
    const int length = vasprintf(&body, format, args);
    va_end(args);
    if (length < 0)
        return hk__fail_memory(err);
    const hk_status status =
        hk__sql_do(keys->db, err, "INSERT INTO event(body) VALUES(?1)", "t", body);
    free(body);
    return status;
}

hk_status hk__act_check(int64_t *at, const hk_act *act, hk_error *err)
{
    if (!act || !act->actor || !*act->actor)
        return hk__fail(err, HK_ERR_USAGE, "who does this? An act needs an actor");
    *at = act->at ? act->at : (int64_t)time(NULL);
    return HK_OK;
}

hk_status hk__client_find(int64_t *client, hk_keys *keys, const char *name, hk_error *err)
{
    int64_t found;
    const hk_status status = hk__sql_number(&found, 0, keys->db, err,
                                            "SELECT id FROM client WHERE name = ?1", "t", name);
    if (!status && !found)
        return hk__fail(err, HK_ERR_USAGE, "there is no account '%s'", name);
    if (!status)
        *client = found;
    return status;
}
