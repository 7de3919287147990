/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_file.c - making, opening and closing a case (case.h, herken.h). */
#include "case/case.h"
#include "case/case_text.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 2000, VALUE_MOST = 16 << 20 };

const char *hk_case_state_name(hk_case_state state)
{
    static const char *const names[HK_CASE_STATES] = {"planning", "running", "grouping",
                                                      "finished"};
    return (unsigned)state < HK_CASE_STATES ? names[state] : NULL;
}

/* SQLite's words, but for what is said differently of a case. */
static hk_status explain(hk_case *c, hk_status status, hk_error *err)
{
    switch (sqlite3_errcode(c->db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: another process has this case open: wait until it ends", c->path);
    case SQLITE_NOTADB:
        return hk__fail(err, HK_ERR_FORMAT, "%s: is no case", c->path);
    case SQLITE_CORRUPT:
        return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: %s; restore a copy", c->path,
                        sqlite3_errmsg(c->db));
    default:
        return status;
    }
}

/* While a case is changed its journal lies beside it. */
static hk_status check_folder(const hk_case *c, hk_error *err)
{
    const char *slash = strrchr(c->path, '/');
    char *folder = hk__strndup(slash ? c->path : ".", slash ? (size_t)(slash - c->path) + 1 : 1);
    if (!folder)
        return hk__fail_memory(err);
    const bool may_write = !access(folder, W_OK);
    hk__free(folder);
    return may_write ? HK_OK
                     : hk__fail(err, HK_ERR_IO,
                                "%s: cannot be changed: its folder cannot be written (%s), and "
                                "its journal lies there meanwhile",
                                c->path, strerror(errno));
}

static hk_status open_database(hk_case *c, hk_error *err)
{
    const bool may_write = !access(c->path, W_OK);
    if (c->writable && !may_write)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", c->path, strerror(errno));
    const hk_status status = c->writable ? check_folder(c, err) : HK_OK;
    if (status)
        return status;
    /* Who only reads must still be able to undo what a killed run left half written. */
    const int code = sqlite3_open_v2(
        c->path, &c->db,
        SQLITE_OPEN_NOMUTEX | (may_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY), NULL);
    if (!c->db)
        return hk__fail_memory(err);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    hk__sql_distrust(c->db);
    return code ? hk__sql_fail(c->db, err) : HK_OK;
}

/* Takes the file for this process alone, or for readers, until it is closed. */
static hk_status take_turn(hk_case *c, hk_error *err)
{
    hk_status status;
    if (c->draft) { /* whatever stops us, the file is thrown away */
        status = hk__sql_run(c->db,
                             "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = memory;"
                             "PRAGMA synchronous = off; PRAGMA cache_size = -65536;"
                             "BEGIN EXCLUSIVE",
                             err);
    } else if (c->writable) {
        status = hk__sql_run(c->db,
                             "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = truncate;"
                             "PRAGMA synchronous = full; PRAGMA cell_size_check = 1;"
                             "PRAGMA cache_size = -65536;"
                             "BEGIN EXCLUSIVE",
                             err);
    } else {
        int64_t version;
        status = hk__sql_run(
            c->db,
            "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA cache_size = -65536;"
            "BEGIN",
            err);
        if (!status) /* a read transaction begins with the first read */
            status =
                hk__sql_number(&version, 0, c->db, err, "SELECT count(*) FROM sqlite_master", "");
    }
    return status ? explain(c, status, err) : HK_OK;
}

/* All that a schema says, in one order. */
static hk_status list_schema(sqlite3_stmt **out, sqlite3 *db, hk_error *err)
{
    return hk__sql_prepare(out, db, err,
                           "SELECT type, name, tbl_name, sql FROM sqlite_master"
                           " ORDER BY type, name",
                           "");
}

static bool is_same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
    bool same = true;
    for (int i = 0; same && i < 4; i++) {
        const char *x = (const char *)sqlite3_column_text(a, i);
        const char *y = (const char *)sqlite3_column_text(b, i);
        same = x && y ? !strcmp(x, y) : !x && !y;
    }
    return same;
}

/* Whether the case's tables are those of an empty one. The file may be anybody's work: columns that
 * compute, views in a table's place and what else SQL could hide in a schema is refused here. */
static hk_status compare_schema(bool *same, hk_case *c, sqlite3 *empty, hk_error *err)
{
    sqlite3_stmt *ours = NULL, *theirs = NULL;
    bool more = true, their_more = true;
    hk_status status = hk__sql_run(empty, hk__case_schema, err);
    if (!status)
        status = list_schema(&ours, empty, err);
    if (!status)
        status = list_schema(&theirs, c->db, err);
    *same = true;
    while (!status && *same && more) {
        status = hk__sql_step(&more, ours, err);
        if (!status)
            status = hk__sql_step(&their_more, theirs, err);
        if (!status)
            *same = more == their_more && (!more || is_same_row(ours, theirs));
    }
    sqlite3_finalize(ours);
    sqlite3_finalize(theirs);
    return status;
}

static hk_status check_tables(hk_case *c, hk_error *err)
{
    bool same = false;
    sqlite3 *empty = NULL;
    hk_status status = sqlite3_open(":memory:", &empty) ? hk__fail_memory(err)
                                                        : compare_schema(&same, c, empty, err);
    sqlite3_close(empty);
    if (status || same)
        return status ? explain(c, status, err) : HK_OK;
    return hk__fail(err, HK_ERR_FORMAT,
                    "%s: the case is damaged: its tables are not those of a case; restore a copy",
                    c->path);
}

static hk_status check_file(hk_case *c, hk_error *err)
{
    int64_t application, version = 0;
    hk_status status = hk__sql_number(&application, 0, c->db, err, "PRAGMA application_id", "");
    if (!status)
        status = hk__sql_number(&version, 0, c->db, err, "PRAGMA user_version", "");
    if (status)
        return status;
    if (application != HK__CASE_APPLICATION)
        return hk__fail(err, HK_ERR_FORMAT, "%s: is a database, but no case", c->path);
    if (version != HK__CASE_VERSION)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is a case of version %lld, this program knows version %d: use the "
                        "program that made it, or a newer one",
                        c->path, (long long)version, HK__CASE_VERSION);
    return check_tables(c, err);
}

static hk_status make_tables(hk_case *c, hk_error *err)
{
    char *numbers = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                    HK__CASE_APPLICATION, HK__CASE_VERSION);
    hk_status status = numbers ? hk__sql_run(c->db, numbers, err) : hk__fail_memory(err);
    sqlite3_free(numbers);
    if (!status)
        status = hk__sql_run(c->db, hk__case_schema, err);
    if (!status)
        status = hk__case_set_state(c, HK_CASE_PLANNING, err);
    return status ? status : hk__case_commit(c, err);
}

/* What is to be opened. */
typedef enum purpose { TO_READ, TO_WRITE, TO_MAKE, TO_DRAFT } purpose;

static hk_status open_case(hk_case **out, const char *path, purpose why, hk_error *err)
{
    hk_case *c = hk__alloc(1, sizeof *c);
    if (!c)
        return hk__fail_memory(err);
    c->writable = why != TO_READ;
    c->draft = why == TO_DRAFT;
    c->path = hk__real_path(path);
    hk_status status = c->path ? open_database(c, err) : hk__fail_memory(err);
    if (!status)
        status = take_turn(c, err);
    if (!status)
        status = why >= TO_MAKE ? make_tables(c, err) : check_file(c, err);
    if (status)
        hk_case_close(c);
    else
        *out = c;
    return status;
}

/* Whether the header says, without a lock, that this is a database of another kind. Beside a
 * journal the header may not be what counts. */
static bool is_other_database(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[100];
    const uint32_t application = HK__CASE_APPLICATION;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool read_all = fd >= 0 && read(fd, header, sizeof header) == sizeof header;
    char *journal = hk__path_with(path, "-journal");
    const bool settled = journal && access(journal, F_OK);
    hk__free(journal);
    if (fd >= 0)
        close(fd);
    return read_all && settled && !memcmp(header, magic, sizeof magic) &&
           (header[68] != application >> 24 || header[69] != (application >> 16 & 0xff) ||
            header[70] != (application >> 8 & 0xff) || header[71] != (application & 0xff));
}

hk_status hk_case_open(hk_case **out, const char *path, hk_case_mode mode, hk_error *err)
{
    struct stat facts;
    if (stat(path, &facts))
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s%s", path, strerror(errno),
                        errno == ENOENT ? "; `herken match PATH... --case FILE` makes a case" : "");
    if (!S_ISREG(facts.st_mode))
        return hk__fail(err, HK_ERR_IO, "%s: is no file", path);
    if (!facts.st_size) /* killed between making the file and its tables */
        return hk__fail(err, HK_ERR_FORMAT, "%s: is empty: remove it and begin again", path);
    if (is_other_database(path))
        return hk__fail(err, HK_ERR_FORMAT, "%s: is a database, but no case", path);
    return open_case(out, path, mode == HK_CASE_WRITE ? TO_WRITE : TO_READ, err);
}

hk_status hk__case_create(hk_case **out, const char *path, hk_error *err)
{
    /* Evidence is nobody else's business. */
    struct stat facts;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool made = fd >= 0;
    if (!made && errno == EEXIST && !stat(path, &facts) && S_ISREG(facts.st_mode) && !facts.st_size)
        fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return hk__fail(err, errno == EEXIST ? HK_ERR_USAGE : HK_ERR_IO, "%s: cannot be made: %s",
                        path, strerror(errno));
    close(fd);
    const hk_status status = open_case(out, path, TO_MAKE, err);
    if (status && made)
        unlink(path);
    return status;
}

hk_status hk__case_create_draft(hk_case **out, const char *path, hk_error *err)
{
    return open_case(out, path, TO_DRAFT, err);
}

hk_status hk__case_commit(hk_case *c, hk_error *err)
{
    hk_status status = hk__sql_run(c->db, "COMMIT", err);
    if (!status)
        status = hk__sql_run(c->db, "BEGIN EXCLUSIVE", err);
    return status;
}

hk_status hk__case_whole_begin(hk_case *c, hk_error *err)
{
    if (!c->writable)
        return hk__fail(err, HK_ERR_USAGE, "%s: was opened for reading only", c->path);
    return hk__sql_run(c->db, "SAVEPOINT whole", err);
}

hk_status hk__case_whole_end(hk_case *c, hk_status status, hk_error *err)
{
    if (!status)
        status = hk__sql_run(c->db, "RELEASE whole", err);
    if (!status)
        return hk__case_commit(c, err);
    /* After some failures SQLite has rolled back everything by itself. */
    sqlite3_exec(c->db,
                 sqlite3_get_autocommit(c->db) ? "BEGIN EXCLUSIVE"
                                               : "ROLLBACK TO whole; RELEASE whole",
                 NULL, NULL, NULL);
    return status;
}

/* Takes the journal away, which is empty by now, under the lock that it belongs to: a case is one
 * file. If that cannot be, it stays, and does no harm. */
static void drop_journal(sqlite3 *db)
{
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(db, "PRAGMA locking_mode = normal; PRAGMA journal_mode = delete", NULL, NULL,
                 NULL);
}

void hk_case_close(hk_case *c)
{
    if (!c)
        return;
    sqlite3_stmt *const made[] = {c->plan,       c->member,   c->settle,  c->content,
                                  c->content_of, c->match,    c->inode,   c->next,
                                  c->inode_of,   c->first_of, c->reading, c->member_done};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        sqlite3_finalize(made[i]);
    if (c->writable && c->db && !sqlite3_get_autocommit(c->db)) /* it is ours */
        drop_journal(c->db);
    sqlite3_close(c->db); /* rolls back what was not committed */
    hk__case_text_clear(c);
    hk__free(c->path);
    hk__free(c);
}
