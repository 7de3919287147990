/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.c - opening a store, its lists, and whose turn it is (store.h, herken.h). */
#include "list/store.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 60000, NAME_MOST = 64 };

/* ---- opening ------------------------------------------------------------------------------- */

/* An empty file that its owner alone may read: a list is nobody else's business. */
static hk_status make_file(const char *path, hk_error *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno != EEXIST
               ? hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", path, strerror(errno))
               : HK_OK;
}

/* Nobody can be writing to a store on read-only ground, and then SQLite needs no lock file there:
 * that, and nothing else, makes `immutable` right. */
static bool is_read_only_ground(const char *path)
{
    struct stat log;
    char *wal = hk__path_with(path, "-wal");
    const bool pending = !wal || (!stat(wal, &log) && log.st_size);
    hk__free(wal);
    if (pending)
        return false;
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = '\0';
    const bool read_only =
        folder && access(slash ? folder : ".", W_OK) && access(path, W_OK) && errno == EROFS;
    free(folder);
    return read_only;
}

/* As a URI, since SQLite takes `immutable` in no other way. */
static char *uri_of(const char *path, bool immutable)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = immutable ? "?immutable=1" : "";
    char *uri = hk__alloc(3 * strlen(path) + strlen(end) + 6, 1), *to = uri;
    if (!uri)
        return NULL;
    to = stpcpy(to, "file:");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if (*p == '%' || *p == '?' || *p == '#' || *p < ' ' || *p > '~') {
            *to++ = '%';
            *to++ = hex[*p >> 4];
            *to++ = hex[*p & 15];
        } else {
            *to++ = (char)*p;
        }
    }
    strcpy(to, end);
    return uri;
}

static hk_status open_file(hk_store *store, hk_error *err)
{
    const bool may_write = !access(store->path, W_OK);
    if (store->writable && !may_write)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", store->path, strerror(errno));
    char *uri = uri_of(store->path, !may_write && is_read_only_ground(store->path));
    if (!uri)
        return hk__fail_memory(err);
    /* A reader too writes to SQLite's lock file beside the store. */
    const int code = sqlite3_open_v2(uri, &store->db,
                                     SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                                         (may_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY),
                                     NULL);
    hk__free(uri);
    if (!store->db)
        return hk__fail_memory(err);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    hk__sql_distrust(store->db);
    return code ? hk__sql_fail(store->db, err) : HK_OK;
}

/* Whether nothing was ever put into the file: it is new, or who made it was stopped before there
 * were tables. */
static hk_status is_blank(bool *blank, hk_store *store, hk_error *err)
{
    int64_t application, tables = 0;
    hk_status status = hk__sql_number(&application, 0, store->db, err, "PRAGMA application_id", "");
    if (!status)
        status =
            hk__sql_number(&tables, 0, store->db, err, "SELECT count(*) FROM sqlite_master", "");
    if (!status)
        *blank = !tables && !application;
    return status;
}

/* Brings a store of version 1 up to date: it lacks a table. Another process may do so meanwhile. */
static hk_status bring_up_to_date(hk_store *store, hk_error *err)
{
    int64_t version;
    hk_status status = hk__sql_begin(store->db, true, err);
    if (status)
        return status;
    status = hk__sql_number(&version, 0, store->db, err, "PRAGMA user_version", "");
    if (!status && version == 1)
        status = hk__sql_run(store->db, hk__store_schema_2, err);
    if (!status && version == 1)
        status = hk__sql_run(store->db, "PRAGMA user_version = 2", err);
    return hk__sql_end(store->db, status, err);
}

/* Whether the file is a store that this program knows. */
static hk_status check_file(hk_store *store, hk_error *err)
{
    int64_t application, version = 0;
    bool blank = false;
    hk_status status = hk__sql_number(&application, 0, store->db, err, "PRAGMA application_id", "");
    if (!status)
        status = hk__sql_number(&version, 0, store->db, err, "PRAGMA user_version", "");
    if (!status)
        status = is_blank(&blank, store, err);
    if (status)
        return status;
    if (blank)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is empty; `herken list create NAME --db FILE` makes a store",
                        store->path);
    if (application != HK__STORE_APPLICATION)
        return hk__fail(err, HK_ERR_FORMAT, "%s: is a database, but no store of lists",
                        store->path);
    if (version == 1 && store->writable)
        return bring_up_to_date(store, err);
    if (version == 1)
        return hk__fail(
            err, HK_ERR_FORMAT,
            "%s: is a store of version 1: the first command that writes to it brings it "
            "up to date, as `herken list screen NAME --db FILE` does",
            store->path);
    if (version != HK__STORE_VERSION)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is a store of version %lld, this program knows version %d: use the "
                        "program that made it, or a newer one",
                        store->path, (long long)version, HK__STORE_VERSION);
    return HK_OK;
}

hk_status hk_store_open(hk_store **out, const char *path, hk_store_mode mode, hk_error *err)
{
    hk_store *store = hk__alloc(1, sizeof *store);
    if (!store)
        return hk__fail_memory(err);
    store->lock_fd = -1;
    store->writable = mode != HK_STORE_READ;
    struct stat facts;
    bool blank = false;
    hk_status status = HK_OK;
    if (mode == HK_STORE_CREATE)
        status = make_file(path, err);
    if (!status && stat(path, &facts))
        status =
            hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s%s", path, strerror(errno),
                     errno == ENOENT ? "; `herken list create NAME --db FILE` makes a store" : "");
    else if (!status && !S_ISREG(facts.st_mode))
        status = hk__fail(err, HK_ERR_IO, "%s: is no file", path);
    if (!status) {
        store->path = hk__real_path(path);
        status = store->path ? open_file(store, err) : hk__fail_memory(err);
    }
    if (!status && mode == HK_STORE_CREATE)
        status = is_blank(&blank, store, err);
    if (!status && blank)
        status = hk__sql_make_tables(store->db, hk__store_schema, HK__STORE_APPLICATION,
                                     HK__STORE_VERSION, err);
    if (!status)
        status = check_file(store, err);
    if (!status && store->writable)
        /* What a revision says is on the disk when it is acknowledged. */
        status = hk__sql_run(store->db,
                             "PRAGMA synchronous = full; PRAGMA cache_size = -32768;"
                             "PRAGMA wal_autocheckpoint = 4000;"
                             "PRAGMA journal_size_limit = 67108864",
                             err);
    else if (!status)
        status = hk__sql_run(store->db, "PRAGMA query_only = 1; PRAGMA cache_size = -16384", err);
    if (status)
        hk_store_close(store);
    else
        *out = store;
    return status;
}

static void forget_text(hk_store *store)
{
    for (size_t i = 0; i < sizeof store->text / sizeof *store->text; i++) {
        hk__free(store->text[i]);
        store->text[i] = NULL;
    }
}

void hk_store_close(hk_store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    forget_text(store);
    hk__free(store->path);
    hk__free(store);
}

void hk_store_on_wait(hk_store *store, void (*on_wait)(void *context, const char *what),
                      void *context)
{
    store->on_wait = on_wait;
    store->wait_context = context;
}

/* ---- whose turn it is ---------------------------------------------------------------------- */

static struct flock turn_of(int64_t list, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = list, .l_len = 1};
}

/* Opens PATH-lock, for the same people as the store, whatever the umask: who may write to the one
 * must be able to lock the other. */
static hk_status open_lock(hk_store *store, hk_error *err)
{
    struct stat own, lock;
    char *path = hk__path_with(store->path, "-lock");
    if (!path)
        return hk__fail_memory(err);
    const mode_t mode = stat(store->path, &own) ? 0600 : own.st_mode & 0666;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
    const int error = errno;
    hk__free(path);
    if (fd < 0)
        return hk__fail(err, HK_ERR_IO, "%s-lock: cannot be opened: %s", store->path,
                        strerror(error));
    if (!fstat(fd, &lock) && (lock.st_mode & 0777) != mode)
        (void)!fchmod(fd, mode); /* only who made it may; then it is as it should be */
    store->lock_fd = fd;
    return HK_OK;
}

hk_status hk__store_lock(hk_store *store, int64_t list, hk_error *err)
{
    if (!store->writable)
        return hk__fail(err, HK_ERR_USAGE, "%s: was opened for reading", store->path);
    if (store->lock_fd < 0) {
        const hk_status status = open_lock(store, err);
        if (status)
            return status;
    }
    struct flock turn = turn_of(list, F_WRLCK);
    if (!fcntl(store->lock_fd, F_OFD_SETLK, &turn))
        return HK_OK;
    if ((errno == EAGAIN || errno == EACCES) && store->on_wait)
        store->on_wait(store->wait_context, "another process is at work on this list");
    int failed;
    do {
        turn = turn_of(list, F_WRLCK);
        failed = fcntl(store->lock_fd, F_OFD_SETLKW, &turn);
    } while (failed && errno == EINTR);
    return failed ? hk__fail(err, HK_ERR_SYSTEM, "%s-lock: cannot be locked: %s", store->path,
                             strerror(errno))
                  : HK_OK;
}

void hk__store_unlock(hk_store *store, int64_t list)
{
    struct flock turn = turn_of(list, F_UNLCK);
    fcntl(store->lock_fd, F_OFD_SETLK, &turn);
}

/* ---- lists --------------------------------------------------------------------------------- */

static hk_status fail_no_list(hk_store *store, const char *list, hk_error *err)
{
    char **names, all[256] = "";
    size_t count;
    hk_status status = hk_store_lists(&names, &count, store, err);
    if (status)
        return status;
    size_t used = 0;
    for (size_t i = 0; i < count && used + strlen(names[i]) + 3 < sizeof all; i++)
        used += (size_t)sprintf(all + used, "%s%s", i ? ", " : "", names[i]);
    free(names);
    return count ? hk__fail(err, HK_ERR_USAGE, "no list '%s' in %s; there are: %s", list,
                            store->path, all)
                 : hk__fail(err, HK_ERR_USAGE, "no list '%s' in %s: there is none yet", list,
                            store->path);
}

hk_status hk__store_find(hk__list_row *out, hk_store *store, const char *list, hk_error *err)
{
    sqlite3_stmt *find;
    bool row;
    hk_status status = hk__sql_prepare(&find, store->db, err,
                                       "SELECT id, known_good, two_person,"
                                       " (SELECT max(id) FROM revision WHERE list = list.id)"
                                       " FROM list WHERE name = ?1",
                                       "t", list);
    if (status)
        return status;
    status = hk__sql_step(&row, find, err);
    if (!status && row)
        *out = (hk__list_row){.id = sqlite3_column_int64(find, 0),
                              .known_good = sqlite3_column_int(find, 1),
                              .two_person = sqlite3_column_int(find, 2),
                              .revision = sqlite3_column_int64(find, 3)};
    sqlite3_finalize(find);
    return status || row ? status : fail_no_list(store, list, err);
}

static bool is_name(const char *name)
{
    const size_t length = name ? strlen(name) : 0;
    return length >= 1 && length <= NAME_MOST && *name != '-' && *name != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

hk_status hk_store_create_list(uint64_t *revision, hk_store *store,
                               const hk_list_settings *settings, const hk_act *act, hk_error *err)
{
    if (!is_name(settings->name))
        return hk__fail(err, HK_ERR_USAGE,
                        "a list's name is 1 to %d of a-z A-Z 0-9 . _ -, and does not begin with . "
                        "or -",
                        NAME_MOST);
    int64_t there;
    hk__revising revising = {0};
    hk_status status = hk__sql_begin(store->db, true, err);
    if (status)
        return status;
    status = hk__sql_number(&there, 0, store->db, err, "SELECT count(*) FROM list WHERE name = ?1",
                            "t", settings->name);
    if (!status && there)
        status = hk__fail(err, HK_ERR_USAGE, "there is a list '%s' in %s already", settings->name,
                          store->path);
    if (!status)
        status = hk__sql_do(
            store->db, err,
            "INSERT INTO list(name, owner, purpose, categories, known_good, two_person)"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            "ttttii", settings->name, settings->owner, settings->purpose, settings->categories,
            (int64_t)settings->known_good, (int64_t)settings->two_person);
    if (!status)
        status = hk__revise_begin(&revising, store, sqlite3_last_insert_rowid(store->db),
                                  HK_REVISION_CREATE, act, err);
    if (!status)
        status = hk__revise_end(&revising, err);
    hk__revise_clear(&revising);
    status = hk__sql_end(store->db, status, err);
    if (!status)
        *revision = (uint64_t)revising.number;
    return status;
}

hk_status hk_store_lists(char ***out, size_t *count, hk_store *store, hk_error *err)
{
    sqlite3_stmt *names;
    bool row = true;
    size_t total = 0, bytes = 0, at = 0;
    char **block = NULL;
    const bool within = !sqlite3_get_autocommit(store->db); /* a transaction of the caller */
    hk_status status = within ? HK_OK : hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = hk__sql_prepare(&names, store->db, err, "SELECT name FROM list ORDER BY name", "");
    if (status)
        return within ? status : hk__sql_end(store->db, status, err);
    while (!(status = hk__sql_step(&row, names, err)) && row) {
        total++;
        bytes += (size_t)sqlite3_column_bytes(names, 0) + 1;
    }
    if (!status && !(block = calloc(1, (total + 1) * sizeof *block + bytes)))
        status = hk__fail_memory(err);
    char *text = block ? (char *)(block + total + 1) : NULL;
    while (!status && at < total && !(status = hk__sql_step(&row, names, err)) && row) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        block[at++] = text;
        text = stpcpy(text, name ? name : "") + 1;
    }
    sqlite3_finalize(names);
    if (!within)
        status = hk__sql_end(store->db, status, err);
    if (status) {
        free(block);
    } else {
        *out = block;
        *count = total;
    }
    return status;
}

static hk_status read_settings(hk_list_info *out, hk_store *store, const hk__list_row *list,
                               hk_error *err)
{
    sqlite3_stmt *row;
    bool there;
    hk_status status = hk__sql_prepare(&row, store->db, err,
                                       "SELECT name, owner, purpose, categories FROM list"
                                       " WHERE id = ?1",
                                       "i", list->id);
    if (status)
        return status;
    status = hk__sql_step(&there, row, err);
    forget_text(store);
    for (int i = 0; !status && there && i < 4; i++) {
        const char *text = (const char *)sqlite3_column_text(row, i);
        store->text[i] = text ? hk__strndup(text, strlen(text)) : NULL;
        if (text && !store->text[i])
            status = hk__fail_memory(err);
    }
    sqlite3_finalize(row);
    out->settings = (hk_list_settings){.name = store->text[0],
                                       .owner = store->text[1],
                                       .purpose = store->text[2],
                                       .categories = store->text[3],
                                       .known_good = list->known_good,
                                       .two_person = list->two_person};
    out->revision = (uint64_t)list->revision;
    return status;
}

/* One batch's entries by state, without a look at those that have none of their own. */
static hk_status count_batch(uint64_t entries_by[HK_ENTRY_STATES], sqlite3 *db, int64_t batch,
                             hk_entry_state state, int64_t entries, hk_error *err)
{
    sqlite3_stmt *own;
    bool row;
    int64_t rest = entries, suspicious = 0;
    hk_status status = hk__sql_prepare(&own, db, err,
                                       "SELECT state, count(*) FROM entry"
                                       " WHERE batch = ?1 AND state <> 0 GROUP BY state",
                                       "i", batch);
    if (status)
        return status;
    while (!(status = hk__sql_step(&row, own, err)) && row) {
        const int64_t count = sqlite3_column_int64(own, 1);
        const int of = sqlite3_column_int(own, 0);
        if (of > HK_ENTRY_ABSENT && of < HK_ENTRY_STATES)
            entries_by[hk__state_of(state, (hk_entry_state)of, 0)] += (uint64_t)count;
        rest -= count;
    }
    sqlite3_finalize(own);
    if (!status && state == HK_ENTRY_PROPOSED) /* in an active batch it is no state of its own */
        status = hk__sql_number(&suspicious, 0, db, err,
                                "SELECT count(*) FROM entry"
                                " WHERE batch = ?1 AND suspect <> 0 AND state = 0",
                                "i", batch);
    if (status)
        return status;
    entries_by[hk__state_of(state, HK_ENTRY_ABSENT, 0)] += (uint64_t)(rest - suspicious);
    entries_by[hk__state_of(state, HK_ENTRY_ABSENT, 1)] += (uint64_t)suspicious;
    return status;
}

hk_status hk__store_count(uint64_t out[HK_ENTRY_STATES], hk_store *store, int64_t list,
                          hk_error *err)
{
    sqlite3_stmt *batches;
    bool row;
    memset(out, 0, HK_ENTRY_STATES * sizeof *out);
    hk_status status = hk__sql_prepare(&batches, store->db, err,
                                       "SELECT id, state, entries FROM batch"
                                       " WHERE list = ?1 AND state <> 0",
                                       "i", list);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, batches, err)) && row)
        status = count_batch(out, store->db, sqlite3_column_int64(batches, 0),
                             (hk_entry_state)sqlite3_column_int(batches, 1),
                             sqlite3_column_int64(batches, 2), err);
    sqlite3_finalize(batches);
    return status;
}

hk_status hk_store_info(hk_list_info *out, hk_store *store, const char *list, hk_error *err)
{
    static const char steps[] = "SELECT count(*) FROM step JOIN batch ON batch.id = step.batch"
                                " WHERE batch.list = ?1 AND batch.state = 1"
                                " AND (step.next = 0) = ?2";
    hk__list_row row;
    hk_list_info info = {0};
    int64_t withdrawals = 0, replacements = 0, unscreened = 0;
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = hk__store_find(&row, store, list, err);
    if (!status)
        status = read_settings(&info, store, &row, err);
    if (!status)
        status = hk__store_count(info.entries, store, row.id, err);
    if (!status)
        status = hk__sql_number(&withdrawals, 0, store->db, err, steps, "ii", row.id, (int64_t)1);
    if (!status)
        status = hk__sql_number(&replacements, 0, store->db, err, steps, "ii", row.id, (int64_t)0);
    if (!status)
        status = hk__sql_number(
            &unscreened, 0, store->db, err,
            "SELECT sum(max(0, first + count - max(first, screened))) FROM span"
            " JOIN batch ON batch.id = span.batch WHERE batch.list = ?1 AND batch.state = 1",
            "i", row.id);
    status = hk__sql_end(store->db, status, err);
    if (status)
        return status;
    info.proposed_withdrawals = (uint64_t)withdrawals;
    info.proposed_replacements = (uint64_t)replacements;
    info.unscreened = (uint64_t)unscreened;
    *out = info;
    return HK_OK;
}

hk_status hk_store_frames(uint64_t *entries, uint64_t *frames, hk_store *store, const char *list,
                          hk_error *err)
{
    /* From the index of counts alone: the frames themselves may be gigabytes. */
    static const char *const count[] = {
        "SELECT count(*) FROM frames f CROSS JOIN entry e ON e.id = f.entry"
        " CROSS JOIN batch b ON b.id = e.batch WHERE b.list = ?1 AND f.count > 0",
        "SELECT sum(f.count) FROM frames f CROSS JOIN entry e ON e.id = f.entry"
        " CROSS JOIN batch b ON b.id = e.batch WHERE b.list = ?1 AND f.count > 0"};
    hk__list_row row;
    int64_t found[2] = {0, 0};
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = hk__store_find(&row, store, list, err);
    for (int i = 0; !status && i < 2; i++)
        status = hk__sql_number(&found[i], 0, store->db, err, count[i], "i", row.id);
    status = hk__sql_end(store->db, status, err);
    if (status)
        return status;
    *entries = (uint64_t)found[0];
    *frames = (uint64_t)found[1];
    return HK_OK;
}
