/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_queue.c - items that wait for a server, on the disk.
 *
 * One SQLite file with synchronous=FULL: what was put outlives a kill and a power cut. A row that
 * is there already (same path, same item) is not put twice, so that a watcher that starts anew and
 * finds the same files does not ask twice for each.
 */
#include "check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { VERSION = 1, BUSY_MS = 30000, LONGEST_ITEM = 65536, LONGEST_TEXT = 65536 };

struct check_queue {
    sqlite3 *db;
    sqlite3_stmt *put, *take, *drop;
    int lock;
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS item(row INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL,"
    " status INTEGER NOT NULL, detail TEXT, otherwise TEXT, item TEXT NOT NULL,"
    " at INTEGER NOT NULL DEFAULT (unixepoch()), UNIQUE(path, item)) STRICT;"
    "PRAGMA application_id=0x48517565;" /* "HQue" */
    "PRAGMA user_version=1;";

static bool say_wrong(const check_queue *queue, const char *what)
{
    cli_say("the queue: cannot %s: %s", what, sqlite3_errmsg(queue->db));
    return false;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Nobody else may write there: what they put would be believed. */
static bool check_folder(const char *folder)
{
    struct stat facts;
    if (mkdir(folder, 0700) && errno != EEXIST) {
        cli_say("cannot make %s: %s", folder, strerror(errno));
        return false;
    }
    if (stat(folder, &facts) || !S_ISDIR(facts.st_mode)) {
        cli_say("--queue %s: it is no folder", folder);
        return false;
    }
    if (facts.st_mode & (S_IWGRP | S_IWOTH) || (facts.st_uid != geteuid() && facts.st_uid)) {
        cli_say("--queue %s: others may write there: it is to be yours, chmod 700", folder);
        return false;
    }
    return true;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t number = -1;
    if (!sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW)
        number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

static bool prepare(check_queue *queue)
{
    sqlite3 *db = queue->db;
    sqlite3_busy_timeout(db, BUSY_MS);
    if (sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE", NULL,
                     NULL, NULL))
        return say_wrong(queue, "open it");
    const int64_t version = number_of(db, "PRAGMA user_version");
    if (version != VERSION && version != 0) {
        cli_say("the queue is of a newer version, or none at all");
        return false;
    }
    if ((!version && sqlite3_exec(db, schema, NULL, NULL, NULL)) ||
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) ||
        sqlite3_prepare_v2(db,
                           "INSERT INTO item(path, status, detail, otherwise, item)"
                           " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                           -1, &queue->put, NULL) ||
        sqlite3_prepare_v2(db,
                           "SELECT row, path, status, detail, otherwise, item FROM item"
                           " WHERE row > ?1 ORDER BY row LIMIT ?2",
                           -1, &queue->take, NULL) ||
        sqlite3_prepare_v2(db, "DELETE FROM item WHERE row = ?1 OR (path = ?2 AND item = ?3)", -1,
                           &queue->drop, NULL))
        return say_wrong(queue, "open it");
    return true;
}

check_queue *check_queue_open(const char *folder)
{
    char *path = NULL, *lock = NULL;
    check_queue *queue = calloc(1, sizeof *queue);
    bool good = queue && asprintf(&path, "%s/queue.db", folder) >= 0 &&
                asprintf(&lock, "%s/drain.lock", folder) >= 0;
    if (!good)
        cli_say("out of memory");
    if (queue)
        queue->lock = -1;
    good = good && check_folder(folder);
    const mode_t before = umask(077);
    if (good) {
        queue->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (queue->lock < 0)
            cli_say("cannot open %s: %s", lock, strerror(errno));
        good = queue->lock >= 0;
    }
    if (good && sqlite3_open_v2(path, &queue->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        good = say_wrong(queue, "open it");
    good = good && prepare(queue);
    umask(before);
    free(path);
    free(lock);
    if (good)
        return queue;
    check_queue_close(queue);
    return NULL;
}

void check_queue_close(check_queue *queue)
{
    if (!queue)
        return;
    sqlite3_finalize(queue->put);
    sqlite3_finalize(queue->take);
    sqlite3_finalize(queue->drop);
    sqlite3_close(queue->db);
    if (queue->lock >= 0)
        close(queue->lock);
    free(queue);
}

bool check_queue_lock(check_queue *queue)
{
    return !flock(queue->lock, LOCK_EX | LOCK_NB);
}

void check_queue_unlock(check_queue *queue)
{
    flock(queue->lock, LOCK_UN);
}

/* ---- putting and dropping ------------------------------------------------------------------ */

static bool step_done(sqlite3_stmt *stmt)
{
    const int got = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return got == SQLITE_DONE;
}

static bool put_one(check_queue *queue, const check_subject *s)
{
    sqlite3_stmt *put = queue->put;
    return !sqlite3_bind_blob(put, 1, s->path, (int)strlen(s->path), SQLITE_STATIC) &&
           !sqlite3_bind_int(put, 2, (int)s->status) &&
           !sqlite3_bind_text(put, 3, s->detail, -1, SQLITE_STATIC) &&
           !sqlite3_bind_text(put, 4, s->otherwise, -1, SQLITE_STATIC) &&
           !sqlite3_bind_text(put, 5, s->item, -1, SQLITE_STATIC) && step_done(put);
}

/* Ends a transaction. */
static bool finish(check_queue *queue, bool good, const char *what)
{
    if (good && !sqlite3_exec(queue->db, "COMMIT", NULL, NULL, NULL))
        return true;
    say_wrong(queue, what);
    sqlite3_exec(queue->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool check_queue_put(check_queue *queue, const check_subject *subjects, check_answer *answers,
                     size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= !answers[i].asked && subjects[i].item;
    if (!any)
        return true;
    bool good = !sqlite3_exec(queue->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; good && i < count; i++)
        if (!answers[i].asked && subjects[i].item)
            good = put_one(queue, &subjects[i]);
    good = finish(queue, good, "keep items");
    for (size_t i = 0; good && i < count; i++)
        answers[i].queued = !answers[i].asked && subjects[i].item;
    return good;
}

bool check_queue_drop(check_queue *queue, const check_subject *subjects, const bool *done,
                      size_t count)
{
    bool good = !sqlite3_exec(queue->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; good && i < count; i++)
        if (done[i] && subjects[i].item)
            good = !sqlite3_bind_int64(queue->drop, 1, subjects[i].row) &&
                   !sqlite3_bind_blob(queue->drop, 2, subjects[i].path,
                                      (int)strlen(subjects[i].path), SQLITE_STATIC) &&
                   !sqlite3_bind_text(queue->drop, 3, subjects[i].item, -1, SQLITE_STATIC) &&
                   step_done(queue->drop);
    return finish(queue, good, "drop what was answered");
}

/* ---- taking -------------------------------------------------------------------------------- */

/* A name of ours, static; NULL: none of that name. */
static const char *own_name(const char *text)
{
    for (int s = 0; s < HK_FILE_STATUSES; s++)
        if (!strcmp(text, hk_file_status_name((hk_file_status)s)))
            return hk_file_status_name((hk_file_status)s);
    for (unsigned f = 0; f < HK_FLAG_COUNT; f++)
        if (!strcmp(text, hk_flag_name(f)))
            return hk_flag_name(f);
    return NULL;
}

/* Whether it is an item as we make them. */
static bool is_item(const char *text, int length)
{
    json_t *item = length > 2 && length <= LONGEST_ITEM && text[0] == '{'
                       ? json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    const bool good = json_object_size(item) > 0 && !json_object_get(item, "ref");
    json_decref(item);
    return good;
}

static bool take_one(check_subject *out, sqlite3_stmt *row)
{
    const void *path = sqlite3_column_blob(row, 1);
    const int length = sqlite3_column_bytes(row, 1), status = sqlite3_column_int(row, 2);
    const char *detail = (const char *)sqlite3_column_text(row, 3);
    const char *otherwise = (const char *)sqlite3_column_text(row, 4);
    const char *item = (const char *)sqlite3_column_text(row, 5);
    if (!path || length < 1 || length > LONGEST_TEXT || memchr(path, 0, (size_t)length) ||
        status < 0 || status >= HK_FILE_STATUSES || !item ||
        !is_item(item, sqlite3_column_bytes(row, 5)) || (otherwise && !own_name(otherwise)))
        return false;
    *out = (check_subject){.path = strndup(path, (size_t)length),
                           .status = (hk_file_status)status,
                           .detail = detail ? strdup(detail) : NULL,
                           .otherwise = otherwise ? own_name(otherwise) : NULL,
                           .item = strdup(item),
                           .row = sqlite3_column_int64(row, 0)};
    return out->path && out->item && (!detail || out->detail);
}

bool check_queue_take(check_subject *out, size_t *count, check_queue *queue, int64_t after)
{
    int got = SQLITE_DONE;
    bool good = !sqlite3_bind_int64(queue->take, 1, after) &&
                !sqlite3_bind_int(queue->take, 2, CHECK_BATCH);
    for (*count = 0; good && (got = sqlite3_step(queue->take)) == SQLITE_ROW;) {
        good = *count < CHECK_BATCH && take_one(&out[*count], queue->take);
        *count += good;
        if (!good)
            cli_say("the queue: row %lld is damaged, or there is no memory",
                    (long long)sqlite3_column_int64(queue->take, 0));
    }
    sqlite3_reset(queue->take);
    if (good && got != SQLITE_DONE)
        good = say_wrong(queue, "read it");
    for (size_t i = 0; !good && i < *count; i++)
        check_subject_clear(&out[i]);
    return good;
}
