/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backup.c - one consistent copy of a store and its ledger, while a server runs (herken.h).
 *
 *      DB.keys --> DB.audit --> the finished files before it --> DB
 *
 * The keys first: what the log has beyond them is booked when the copy is started. The other way
 * round the keys would know of records that the copied log lacks ("lost", audit_log.h). DB.audit
 * before its finished files: a server may finish it at any moment. Which file the copy is, its
 * first record says, and the files before that one are finished for good. Who lists the files first
 * and copies then, in whatever order, may find DB.audit begun anew, or not there just now, and the
 * file that it was is not on his list.
 */
#include "ledger/audit_tail.h"
#include "ledger/books.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 18, TRIES = 50, TRY_MS = 20, BUSY_MS = 10000 };

typedef struct copying {
    char *db, *to;    /* the store, and its copy's place; owned */
    uint64_t current; /* the number of the copied DB.audit; 0: there is none */
    unsigned *files;  /* the finished ones that are there; owned */
    size_t file_count;
    char *scratch; /* a path, to remove what was made where there is no memory left; owned */
    size_t scratch_size;
    hk_backup done;
} copying;

/* ---- one file ------------------------------------------------------------------------------- */

static hk_status make(int *fd, const char *path, hk_error *err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd < 0 ? hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", path, strerror(errno))
                   : HK_OK;
}

static hk_status write_all(int fd, const char *path, const char *bytes, size_t count, hk_error *err)
{
    while (count) {
        const ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be written: %s", path,
                            strerror(n ? errno : ENOSPC));
        bytes += n;
        count -= (size_t)n;
    }
    return HK_OK;
}

/* Copies what the file has now. *whole receives how much of that is whole lines. */
static hk_status copy_bytes(uint64_t *whole, int from, const char *from_path, int to,
                            const char *to_path, hk_error *err)
{
    uint64_t done = 0;
    hk_status status = HK_OK;
    char *block = hk__alloc(BLOCK, 1);
    if (!block)
        return hk__fail_memory(err);
    *whole = 0;
    while (!status) {
        const ssize_t n = read(from, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", from_path, strerror(errno));
        if (n <= 0)
            break;
        status = write_all(to, to_path, block, (size_t)n, err);
        const char *line = memrchr(block, '\n', (size_t)n);
        if (line)
            *whole = done + (uint64_t)(line - block) + 1;
        done += (uint64_t)n;
    }
    hk__free(block);
    return status;
}

/* A file of the log; a record that is being written is left out. *there = false: there is none. */
static hk_status copy_log_file(bool *there, copying *c, unsigned number, hk_error *err)
{
    uint64_t whole = 0;
    int from = -1, to = -1;
    char *from_path = hk__audit_path(c->db, number), *to_path = hk__audit_path(c->to, number);
    hk_status status = from_path && to_path ? HK_OK : hk__fail_memory(err);
    *there = false;
    if (!status && (from = open(from_path, O_RDONLY | O_CLOEXEC)) < 0 && errno != ENOENT)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", from_path, strerror(errno));
    if (!status && from >= 0) {
        *there = true;
        status = make(&to, to_path, err);
        if (!status)
            status = copy_bytes(&whole, from, from_path, to, to_path, err);
        if (!status && (ftruncate(to, (off_t)whole) || fdatasync(to)))
            status =
                hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be written: %s", to_path, strerror(errno));
        c->done.files++;
        c->done.bytes += whole;
    }
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    hk__free(from_path);
    hk__free(to_path);
    return status;
}

/* ---- the log -------------------------------------------------------------------------------- */

/* Copies DB.audit and learns which file it is. *done = false: it is being begun just now. */
static hk_status copy_current(bool *done, copying *c, hk_error *err)
{
    bool there = false, known = false;
    hk__head before = {0};
    const hk_backup was = c->done;
    char *path = hk__audit_path(c->to, 0);
    hk_status status = path ? copy_log_file(&there, c, 0, err) : hk__fail_memory(err);
    if (!status && there)
        status = hk__audit_before(&before, &known, path, err);
    if (!status && there && !known) {
        (void)unlink(path);
        c->done = was;
    }
    hk__free(path);
    *done = known;
    c->current = before.file;
    return status;
}

static hk_status copy_log(copying *c, hk_error *err)
{
    bool done = false, there;
    const struct timespec pause = {0, TRY_MS * 1000000};
    hk_status status = HK_OK;
    for (int i = 0; i < TRIES && !status && !done; i++) {
        if (i) /* a server begins it within microseconds; one that was killed then, never */
            nanosleep(&pause, NULL);
        status = copy_current(&done, c, err);
    }
    if (!status)
        status = hk__audit_files(&c->files, &c->file_count, c->db, err);
    for (size_t i = 0; !status && i < c->file_count; i++)
        if (!done || c->files[i] < c->current)
            status = copy_log_file(&there, c, c->files[i], err);
    return status;
}

/* ---- databases ------------------------------------------------------------------------------ */

static hk_status copy_pages(sqlite3 *from, sqlite3 *to, const char *to_path, hk_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return hk__sql_fail(to, err);
    /* In one step, that is of one moment, whoever writes meanwhile. */
    int code = sqlite3_backup_step(backup, -1);
    for (int i = 0; i < TRIES && (code == SQLITE_BUSY || code == SQLITE_LOCKED); i++) {
        sqlite3_sleep(TRY_MS);
        code = sqlite3_backup_step(backup, -1);
    }
    (void)sqlite3_backup_finish(backup);
    return code == SQLITE_DONE ? HK_OK
                               : hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be copied: %s", to_path,
                                          sqlite3_errstr(code));
}

static hk_status copy_database(copying *c, const char *suffix, hk_error *err)
{
    sqlite3 *from = NULL, *to = NULL;
    int fd = -1;
    char *from_path = hk__path_with(c->db, suffix), *to_path = hk__path_with(c->to, suffix);
    hk_status status = from_path && to_path ? HK_OK : hk__fail_memory(err);
    if (!status && access(from_path, R_OK))
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", from_path, strerror(errno));
    if (!status)
        status = make(&fd, to_path, err);
    if (!status) {
        if (sqlite3_open_v2(from_path, &from, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL))
            status = from ? hk__sql_fail(from, err) : hk__fail_memory(err);
        else if (sqlite3_open_v2(to_path, &to, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL))
            status = to ? hk__sql_fail(to, err) : hk__fail_memory(err);
    }
    if (!status) {
        sqlite3_busy_timeout(from, BUSY_MS);
        hk__sql_distrust(from);
        status = copy_pages(from, to, to_path, err);
    }
    sqlite3_close(from);
    sqlite3_close(to);
    if (!status && fsync(fd))
        status =
            hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be written: %s", to_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    hk__free(from_path);
    hk__free(to_path);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Of a backup that failed nothing is left that could be taken for one. */
static void remove_all(const copying *c)
{
    static const char *const suffixes[] = {"",     ".keys", ".keys-wal", ".keys-shm",
                                           "-wal", "-shm",  ".audit"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(c->scratch, c->scratch_size, "%s%s", c->to, suffixes[i]);
        (void)unlink(c->scratch);
    }
    for (size_t i = 0; i < c->file_count; i++) {
        snprintf(c->scratch, c->scratch_size, "%s.audit.%u", c->to, c->files[i]);
        (void)unlink(c->scratch);
    }
}

static hk_status check_place(const copying *c, hk_error *err)
{
    static const char *const suffixes[] = {"", ".keys", ".audit"};
    unsigned *files = NULL;
    size_t count = 0;
    bool taken = false;
    hk_status status = hk__audit_files(&files, &count, c->to, err);
    for (size_t i = 0; !status && i < sizeof suffixes / sizeof *suffixes; i++) {
        struct stat facts;
        char *path = hk__path_with(c->to, suffixes[i]);
        if (!path)
            status = hk__fail_memory(err);
        else
            taken = taken || !lstat(path, &facts);
        hk__free(path);
    }
    hk__free(files);
    if (!status && (taken || count))
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: there is a store or a backup already: name an empty folder", c->to);
    return status;
}

static hk_status copy_all(copying *c, hk_error *err)
{
    hk_status status = copy_database(c, ".keys", err);
    if (!status)
        status = copy_log(c, err);
    if (!status)
        status = copy_database(c, "", err);
    if (!status)
        status = hk__folder_sync(c->to, err);
    /* Whether the copied log ends where the copied keys say. */
    return status ? status : hk_audit_get_head(&c->done.head, c->to, err);
}

hk_status hk_ledger_backup(hk_backup *out, const char *db, const char *folder, hk_error *err)
{
    copying c = {.db = hk__real_path(db)};
    const char *slash = c.db ? strrchr(c.db, '/') : NULL, *name = slash ? slash + 1 : c.db;
    char *inside = hk__path_with(folder, "/");
    if (inside && name)
        c.to = hk__path_with(inside, name);
    c.scratch_size = c.to ? strlen(c.to) + 32 : 0;
    c.scratch = c.to ? hk__alloc(c.scratch_size, 1) : NULL;
    hk_status status = c.scratch ? HK_OK : hk__fail_memory(err);
    if (!status && mkdir(folder, 0700) && errno != EEXIST)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", folder, strerror(errno));
    if (!status)
        status = check_place(&c, err);
    if (!status) {
        status = copy_all(&c, err);
        if (status)
            remove_all(&c);
    }
    if (!status)
        *out = c.done;
    hk__free(inside);
    hk__free(c.files);
    hk__free(c.scratch);
    hk__free(c.db);
    hk__free(c.to);
    return status;
}
