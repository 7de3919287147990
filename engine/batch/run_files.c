/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run_files.c - reads, checks and settles the files of a case (run.h).
 *
 *      case --next--> open --+--> checker --any order--> content --> file settled
 *                            |                              |
 *                            +-- known link: its content ---+
 *
 * A file of several links is read once. While it is under way its other links wait for it; later
 * ones find it in the case. Of an archive each link is read, for its members are files of their
 * own: which of the links came first must not show. What opening an archive came to is kept with
 * the file (case.h).
 */
#include "batch/checker.h"
#include "batch/run.h"
#include "batch/walk.h"
#include "batch/workers.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WAIT_MS = 100,
    WAITING_MOST = 4096,
    SEEN_LEAST =
        1 << 14, /* contents that the pool remembers; archives may hold more than planned */
    SEEN_MOST = 1 << 20
};

typedef struct under_way {
    int64_t file; /* 0: free */
    uint64_t device, inode, bytes;
    bool linked;  /* it has other links */
    bool archive; /* each of its links is read */
} under_way;

/* A link of a file that is under way through another one. */
typedef struct waiting {
    int64_t file;
    uint64_t device, inode;
    bool read; /* it must be read by itself after all */
} waiting;

typedef struct files {
    hk__run *run;
    hk__checker *checker;
    under_way *places; /* [place_count] */
    size_t place_count;
    waiting *waiting; /* [WAITING_MOST] */
    size_t waiting_count;
    size_t to_read; /* of those waiting */
    int64_t after;  /* the case's files up to here were looked at */
    bool all;       /* there are no more */
} files;

/* ---- settling ------------------------------------------------------------------------------ */

static void count(hk__run *run, hk_file_status status)
{
    run->progress.done++;
    run->progress.failed += hk_file_status_class(status) == HK_CLASS_FAILED;
}

static hk_status settle(files *f, int64_t file, int64_t content, hk_file_status status,
                        const char *reason, hk_error *err)
{
    count(f->run, status);
    return hk__case_settle(f->run->c, file, content, content ? HK_FILE_OK : status, reason, err);
}

/* What the file says of itself beside its content. */
static hk_file_status own_status(const hk__checked *checked, int64_t content)
{
    return content && !checked->archive ? HK_FILE_OK : checked->file.status;
}

/* What holds of an archive's bytes in every place. The words sort behind those of what was opened
 * and found to be no archive, so that this reading of the bytes stands. */
static hk_file as_content(char words[static HK__REASON_SIZE], const hk__checked *checked)
{
    hk_file file = checked->file;
    if (checked->archive) {
        snprintf(words, HK__REASON_SIZE, "%s archive", file.format);
        file.status = HK_FILE_NOT_AN_IMAGE;
        file.reason = words;
    }
    return file;
}

/* The content of a file whose bytes are all known; 0: they are not. */
static hk_status content_of(int64_t *content, files *f, hk__checked *checked, uint64_t bytes,
                            hk_error *err)
{
    hk_file *file = &checked->file;
    hk_status status = HK_OK;
    *content = 0;
    if (!(file->digests.present & HK_DIGEST_SHA256))
        return HK_OK;
    if (!checked->seen) {
        char words[HK__REASON_SIZE];
        const hk_file kept = as_content(words, checked);
        status =
            hk__case_put_content(content, f->run->c, &kept, bytes, checked->false_matches, err);
        if (!status)
            hk__checker_remember(f->checker, checked);
        return status;
    }
    status = hk__case_content_of(content, f->run->c, file->digests.sha256, err);
    if (!status && !*content) { /* only what the case has is remembered */
        file->status = HK_FILE_CRASHED;
        file->reason = "the decoder named a content that nobody knows";
    }
    return status;
}

static under_way *place_of(files *f, int64_t file)
{
    for (size_t i = 0; i < f->place_count; i++)
        if (f->places[i].file == file)
            return &f->places[i];
    return NULL;
}

/* The links of a file that is settled share what became of it. */
static hk_status settle_links(files *f, const under_way *first, int64_t content,
                              const hk_file *file, hk_error *err)
{
    hk_status status = HK_OK;
    if (content && !first->archive)
        status = hk__case_put_inode(f->run->c, first->device, first->inode, content, err);
    size_t kept = 0;
    for (size_t i = 0; i < f->waiting_count; i++) {
        waiting *w = &f->waiting[i];
        const bool same = !w->read && w->device == first->device && w->inode == first->inode;
        if (same && !first->archive && !status) {
            status = settle(f, w->file, content, file->status, file->reason, err);
            continue;
        }
        if (same) {
            w->read = true;
            f->to_read++;
        }
        f->waiting[kept++] = *w;
    }
    f->waiting_count = kept;
    return status;
}

static hk_status take_member(files *f, under_way *archive, hk__checked *checked, hk_error *err)
{
    int64_t content;
    hk_status status = content_of(&content, f, checked, checked->bytes, err);
    archive->archive = true;
    if (status)
        return status;
    f->run->progress.found++;
    count(f->run, checked->file.status);
    return hk__case_settle_member(f->run->c, archive->file, checked->number, checked->member,
                                  content, own_status(checked, content), checked->file.reason, err);
}

static hk_status take(files *f, hk__checked *checked, hk_error *err)
{
    int64_t content;
    under_way *place = place_of(f, (int64_t)checked->tag);
    if (!place)
        return hk__fail(err, HK_ERR_SYSTEM, "a file was checked that nobody asked for");
    if (checked->member)
        return take_member(f, place, checked, err);
    hk_status status =
        content_of(&content, f, checked, checked->bytes ? checked->bytes : place->bytes, err);
    place->archive |= checked->archive;
    count(f->run, checked->file.status);
    if (!status)
        status = hk__case_settle(f->run->c, place->file, content, own_status(checked, content),
                                 checked->file.reason, err);
    if (!status && place->linked)
        status = settle_links(f, place, content, &checked->file, err);
    place->file = 0;
    return status;
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool is_under_way(const files *f, const struct stat *facts)
{
    for (size_t i = 0; i < f->place_count; i++)
        if (f->places[i].file && f->places[i].linked && f->places[i].device == facts->st_dev &&
            f->places[i].inode == facts->st_ino)
            return true;
    return false;
}

/* A file of several links: whether that is all there is to do with it. */
static hk_status try_links(bool *done, files *f, const hk__case_todo *todo,
                           const struct stat *facts, hk_error *err)
{
    int64_t content;
    hk_status status = hk__case_inode_of(&content, f->run->c, facts->st_dev, facts->st_ino, err);
    *done = false;
    if (!status && content) {
        *done = true;
        return settle(f, todo->file, content, HK_FILE_OK, NULL, err);
    }
    if (!status && is_under_way(f, facts)) {
        *done = true;
        f->waiting[f->waiting_count++] =
            (waiting){.file = todo->file, .device = facts->st_dev, .inode = facts->st_ino};
    }
    return status;
}

static void submit(files *f, const hk__case_todo *todo, int fd, const struct stat *facts)
{
    *place_of(f, 0) = (under_way){
        .file = todo->file,
        .device = facts->st_dev,
        .inode = facts->st_ino,
        .bytes = (uint64_t)facts->st_size,
        .linked = facts->st_nlink > 1,
        .archive = todo->first_member > 0,
    };
    hk__checker_submit(f->checker, (uint64_t)todo->file, fd, todo->first_member);
}

/* Opens a file through the place of its input, wherever this process works; -2: no room for files.
 */
static hk_status open_file(int *fd, hk_file_status *file_status, const char **reason, files *f,
                           const hk__case_todo *todo, hk_error *err)
{
    const hk__inputs *inputs = &f->run->inputs;
    if (todo->input >= inputs->count)
        return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: a file of no input",
                        f->run->c->path);
    const hk__input *input = &inputs->input[todo->input];
    char *place = hk__input_place(input, todo->path);
    if (!place)
        return hk__fail_memory(err);
    const hk__planned planned = {.path = place, .named = !strcmp(todo->path, input->given)};
    *fd = hk__plan_open(file_status, reason, &planned);
    hk__free(place);
    if (*fd == -2 && !hk__checker_busy(f->checker))
        return hk__fail(err, HK_ERR_SYSTEM, "cannot open files: %s (ulimit -n)", strerror(errno));
    return HK_OK;
}

/* Has a file read, or settles it. *later: there is no room for it now. */
static hk_status begin(bool *later, files *f, const hk__case_todo *todo, bool alone, hk_error *err)
{
    int fd;
    struct stat facts;
    bool done = false;
    hk_file_status file_status = HK_FILE_OK;
    const char *reason = NULL;
    hk_status status = open_file(&fd, &file_status, &reason, f, todo, err);
    *later = !status && fd == -2;
    if (status || *later)
        return status;
    if (fd < 0)
        return settle(f, todo->file, 0, file_status, reason, err);
    if (fstat(fd, &facts)) {
        status = settle(f, todo->file, 0, HK_FILE_UNREADABLE, strerrordesc_np(errno), err);
        done = true;
    } else if (facts.st_nlink > 1 && !alone && !todo->first_member) {
        status = try_links(&done, f, todo, &facts, err);
    }
    if (status || done)
        close(fd);
    else
        submit(f, todo, fd, &facts);
    return status;
}

/* A link that waited in vain. */
static hk_status begin_waiting(bool *later, files *f, hk_error *err)
{
    size_t i = 0;
    hk__case_todo todo;
    while (!f->waiting[i].read)
        i++;
    hk_status status = hk__case_next(&todo, f->run->c, f->waiting[i].file - 1, err);
    if (!status)
        status = begin(later, f, &todo, true, err);
    if (!status && !*later) {
        f->waiting[i] = f->waiting[--f->waiting_count];
        f->to_read--;
    }
    return status;
}

static hk_status begin_next(bool *later, files *f, hk_error *err)
{
    hk__case_todo todo;
    hk_status status = hk__case_next(&todo, f->run->c, f->after, err);
    if (!status && !todo.file)
        f->all = true;
    else if (!status)
        status = begin(later, f, &todo, false, err);
    if (!status && !f->all && !*later)
        f->after = todo.file;
    return status;
}

/* Has the checker take what it has room for. */
static hk_status feed(files *f, hk_error *err)
{
    hk_status status = HK_OK;
    bool later = false;
    while (!status && !later && hk__checker_room(f->checker)) {
        if (f->to_read)
            status = begin_waiting(&later, f, err);
        else if (!f->all && f->waiting_count < WAITING_MOST)
            status = begin_next(&later, f, err);
        else
            break;
        if (!status)
            status = hk__run_keep_going(f->run, err);
    }
    return status;
}

/* ---- all of them --------------------------------------------------------------------------- */

static hk_status go(files *f, hk_error *err)
{
    for (;;) {
        hk__checked *checked;
        hk_status status = feed(f, err);
        if (!status && f->all && !f->waiting_count && !hk__checker_busy(f->checker))
            return HK_OK;
        if (!status)
            status = hk__checker_wait(&checked, f->checker, WAIT_MS, err);
        if (!status && checked) {
            status = take(f, checked, err);
            hk__checked_free(checked);
        }
        if (!status)
            status = hk__run_keep_going(f->run, err);
        if (status)
            return status;
    }
}

/* How many contents the pool is to remember: there are hardly more than files, but in archives. */
static size_t seen_most(const hk__run *run)
{
    const uint64_t least = run->options->archives ? SEEN_LEAST : 1;
    const uint64_t found = run->progress.found;
    return found < least ? least : found < SEEN_MOST ? (size_t)found : SEEN_MOST;
}

static hk_status open_checker(files *f, hk_error *err)
{
    hk__run *run = f->run;
    const hk_scan_options *scan = &run->options->scan;
    hk__checker_options options = {
        .pool = hk__workers_options(scan, run->progress.found - run->progress.done),
        .matcher = run->matcher,
    };
    if (options.pool.workers > run->workers)
        options.pool.workers = run->workers;
    options.pool.memory = run->worker_memory;
    options.pool.digests = options.pool.picture_digests = HK_DIGEST_ALL;
    options.pool.exact_grid = hk__matcher_wants_exact(run->matcher);
    options.pool.raster = hk__matcher_wants_raster(run->matcher);
    options.pool.archives = run->options->archives;
    options.pool.limits.max_depth = run->options->max_depth;
    options.pool.limits.max_members = run->options->max_members;
    options.pool.limits.max_ratio = run->options->max_ratio;
    options.pool.limits.max_unpacked = run->options->max_unpacked;
    options.pool.seen = seen_most(run);
    return hk__checker_open(&f->checker, &options, err);
}

hk_status hk__run_files(hk__run *run, hk_error *err)
{
    files f = {.run = run};
    hk_status status = open_checker(&f, err);
    if (!status) {
        f.place_count = hk__checker_room(f.checker);
        f.places = hk__alloc(f.place_count, sizeof *f.places);
        f.waiting = hk__alloc(WAITING_MOST, sizeof *f.waiting);
        status = f.places && f.waiting ? go(&f, err) : hk__fail_memory(err);
    }
    hk__checker_free(f.checker);
    hk__free(f.places);
    hk__free(f.waiting);
    return status;
}
