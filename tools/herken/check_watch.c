/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_watch.c - a spool folder: files are checked as they come.
 *
 *      inotify --name--> pending --a portion--> check --verdict--> on-hit --> moved, or left
 *         \-- too many --> all names of the folder
 *
 * The inotify watch is set before the folder is read for the first time, so that no file falls in
 * between. A file is moved only if it is still the one that was checked (inode, size, times) and
 * nobody has it open for writing; else it is checked again. Links are never followed; folders
 * inside are left alone.
 *
 * A file that is killed over stays where it was, and is checked at the next start.
 */
#include "check_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    PORTION = 256,          /* files of one scan */
    MOST_PENDING = 1 << 16, /* names; more, and the folder is read instead */
    POLL_MS = 500,
    DRAIN_MS = 2000 /* between looks into the queue */
};

/* A file that is being checked, or waits for the server. */
typedef struct entry {
    char *name, *path; /* owned */
    struct stat facts; /* when it was taken up */
    hk_verdict verdict;
    bool reported, queued, hook_failed;
} entry;

typedef struct watcher {
    check_request *r;
    check_spool spool;
    int inotify;
    char **pending; /* [count], owned, unsorted */
    size_t count, capacity;
    entry entries[PORTION];
    size_t entry_count;
    entry *waiting; /* in the queue; by path */
    size_t waiting_count, waiting_capacity;
    bool read_all, failed;
    uint64_t next_drain;
} watcher;

static watcher *running; /* for the callbacks of a request */

static void on_signal(int number)
{
    (void)number;
    *(volatile bool *)&running->r->stop = true;
}

static void fail_memory(watcher *w)
{
    cli_say("out of memory");
    w->failed = true;
}

static void clear_entry(entry *e)
{
    free(e->name);
    free(e->path);
    *e = (entry){0};
}

/* ---- names --------------------------------------------------------------------------------- */

static void add_name(watcher *w, const char *name)
{
    if (w->count >= MOST_PENDING) {
        w->read_all = true; /* once these are done */
        return;
    }
    if (w->count == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 256;
        char **grown = realloc(w->pending, capacity * sizeof *grown);
        if (!grown) {
            fail_memory(w);
            return;
        }
        w->pending = grown;
        w->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy)
        w->pending[w->count++] = copy;
    else
        fail_memory(w);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts, and drops those that are there twice. */
static void unite(watcher *w)
{
    size_t kept = 0;
    if (w->count)
        qsort(w->pending, w->count, sizeof *w->pending, by_name);
    for (size_t i = 0; i < w->count; i++)
        if (kept && !strcmp(w->pending[kept - 1], w->pending[i]))
            free(w->pending[i]);
        else
            w->pending[kept++] = w->pending[i];
    w->count = kept;
}

static void read_folder(watcher *w)
{
    const int fd = openat(w->spool.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    w->read_all = false;
    if (!folder) {
        cli_say("cannot read %s: %s", w->r->watch, strerror(errno));
        if (fd >= 0)
            close(fd);
        w->failed = true;
        return;
    }
    errno = 0;
    for (struct dirent *e; !w->failed && (e = readdir(folder)); errno = 0)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            add_name(w, e->d_name);
    if (errno) {
        cli_say("cannot read %s: %s", w->r->watch, strerror(errno));
        w->failed = true;
    }
    closedir(folder);
}

static void take_event(watcher *w, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        w->read_all = true;
    } else if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
        cli_say("--watch %s: the folder is gone", w->r->watch);
        w->failed = true;
    } else if (event->len && !(event->mask & IN_ISDIR)) {
        add_name(w, event->name);
    }
}

static void read_events(watcher *w)
{
    _Alignas(struct inotify_event) char buffer[65536];
    for (ssize_t n; !w->failed && (n = read(w->inotify, buffer, sizeof buffer)) != -1;) {
        const struct inotify_event *event;
        for (char *p = buffer; p < buffer + n && !w->failed; p += sizeof *event + event->len) {
            event = (const struct inotify_event *)(void *)p;
            take_event(w, event);
        }
        if (w->read_all || w->count >= MOST_PENDING)
            return;
    }
    if (!w->failed && errno != EAGAIN && errno != EINTR) {
        cli_say("cannot watch %s: %s", w->r->watch, strerror(errno));
        w->failed = true;
    }
}

/* ---- a portion ----------------------------------------------------------------------------- */

static entry *find(entry *entries, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].path && !strcmp(entries[i].path, path))
            return &entries[i];
    return NULL;
}

static int target_of(const watcher *w, hk_verdict verdict)
{
    switch (verdict) {
    case HK_VERDICT_NONE:
        return w->spool.clean;
    case HK_VERDICT_NEAR:
    case HK_VERDICT_EXACT:
        return w->spool.hit;
    default:
        return w->spool.unsure;
    }
}

/* Moves what is still what it was. A hit whose --on-hit failed stays, to be checked at the next
 * start. */
static void settle(watcher *w, entry *e)
{
    struct stat now;
    const int target = target_of(w, e->verdict);
    if (fstatat(w->spool.folder, e->name, &now, AT_SYMLINK_NOFOLLOW))
        return; /* it is gone: whoever took it has its verdict */
    if (!e->reported || !check_spool_same(&now, &e->facts)) {
        if (!check_spool_written(&w->spool, e->name))
            add_name(w, e->name); /* else it comes once it is closed */
        return;
    }
    /* What was cut short by the end of the watch is checked at the next start. */
    if (w->r->stop && e->verdict == HK_VERDICT_NOT_CHECKED)
        return;
    if (target < 0 || e->hook_failed || check_spool_written(&w->spool, e->name))
        return;
    if (!check_spool_move(&w->spool, e->name, target))
        w->failed = true;
}

/* Keeps it until its verdict comes from the queue. */
static void keep_waiting(watcher *w, entry *e)
{
    entry *old = find(w->waiting, w->waiting_count, e->path);
    if (!old && w->waiting_count == w->waiting_capacity) {
        const size_t capacity = w->waiting_capacity ? 2 * w->waiting_capacity : 64;
        entry *grown = realloc(w->waiting, capacity * sizeof *grown);
        if (!grown) {
            fail_memory(w);
            return;
        }
        w->waiting = grown;
        w->waiting_capacity = capacity;
    }
    if (old)
        clear_entry(old);
    else
        old = &w->waiting[w->waiting_count++];
    *old = *e;
    *e = (entry){0};
}

/* What is no file is not checked, and said so. */
static void refuse(watcher *w, entry *e)
{
    const check_result result = {.path = e->path,
                                 .status = HK_FILE_EXCLUDED,
                                 .verdict = HK_VERDICT_NOT_CHECKED,
                                 .reason = hk_file_status_name(HK_FILE_EXCLUDED)};
    e->reported = check_report_file(&w->r->report, &result, NULL);
    settle(w, e);
    clear_entry(e);
}

/* Takes a name up. */
static void take_up(watcher *w, const char *name)
{
    entry e = {.name = strdup(name)};
    if (!e.name || asprintf(&e.path, "%s/%s", w->r->watch, name) < 0) {
        free(e.name);
        fail_memory(w);
        return;
    }
    const bool there = !fstatat(w->spool.folder, name, &e.facts, AT_SYMLINK_NOFOLLOW);
    if (!there || S_ISDIR(e.facts.st_mode))
        clear_entry(&e);
    else if (!S_ISREG(e.facts.st_mode))
        refuse(w, &e);
    else if (check_spool_written(&w->spool, name))
        clear_entry(&e); /* it comes once it is closed */
    else
        w->entries[w->entry_count++] = e;
}

static void on_result(check_request *r, const char *path, hk_verdict verdict, bool queued,
                      bool *hook_failed)
{
    watcher *w = running;
    entry *e = find(w->entries, w->entry_count, path);
    (void)r;
    if (e) {
        e->verdict = verdict;
        e->reported = true;
        e->queued = queued;
        return;
    }
    e = find(w->waiting, w->waiting_count, path); /* from the queue, --on-hit has been waited for */
    if (!e)
        return;
    e->verdict = verdict;
    e->reported = true;
    e->hook_failed = hook_failed && *hook_failed;
    settle(w, e);
    clear_entry(e);
    *e = w->waiting[--w->waiting_count];
}

static bool *hook_place(check_request *r, const char *path)
{
    entry *e = find(running->entries, running->entry_count, path);
    (void)r;
    return e ? &e->hook_failed : NULL;
}

static void check_portion(watcher *w)
{
    check_request *r = w->r;
    const char *paths[PORTION];
    const size_t taken = w->count < PORTION ? w->count : PORTION;
    for (size_t i = 0; i < taken && !w->failed; i++)
        take_up(w, w->pending[i]);
    for (size_t i = 0; i < taken; i++)
        free(w->pending[i]);
    memmove(w->pending, w->pending + taken, (w->count - taken) * sizeof *w->pending);
    w->count -= taken;
    for (size_t i = 0; i < w->entry_count; i++)
        paths[i] = w->entries[i].path;
    if (w->entry_count && !w->failed)
        w->failed = check_renew(r) >= 0 || check_paths(r, paths, w->entry_count) >= 0;
    check_hooks_wait(&r->report.hooks);
    w->failed |= !check_report_flush(&r->report);
    for (size_t i = 0; i < w->entry_count; i++) {
        entry *e = &w->entries[i];
        if (!w->failed && e->queued)
            keep_waiting(w, e);
        else if (!w->failed)
            settle(w, e);
        clear_entry(e);
    }
    w->entry_count = 0;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void drain(watcher *w)
{
    check_request *r = w->r;
    if (!r->queue || check_clock() < w->next_drain || !check_ask_ready(&r->asker))
        return;
    w->failed |= check_drain(r) >= 0;
    w->next_drain = check_clock() + DRAIN_MS * UINT64_C(1000000);
}

static void loop(watcher *w)
{
    struct pollfd ready = {.fd = w->inotify, .events = POLLIN};
    while (!w->failed && !*(volatile bool *)&w->r->stop) {
        if (poll(&ready, 1, w->count || w->read_all ? 0 : POLL_MS) > 0)
            read_events(w);
        if (!w->failed && w->read_all && w->count < MOST_PENDING)
            read_folder(w);
        unite(w);
        if (w->count && !w->failed)
            check_portion(w);
        if (!w->failed)
            drain(w);
    }
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static bool start(watcher *w)
{
    const uint32_t events =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
    char folder[64]; /* the one that was opened, whatever its name leads to by now */
    snprintf(folder, sizeof folder, "/proc/self/fd/%d", w->spool.folder);
    w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->inotify < 0 || inotify_add_watch(w->inotify, folder, events) < 0) {
        cli_say("cannot watch %s: %s", w->r->watch, strerror(errno));
        return false;
    }
    w->read_all = true;
    return true;
}

int check_watch(check_request *r)
{
    watcher *w = calloc(1, sizeof *w);
    if (!w) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    w->r = r;
    w->inotify = -1;
    running = w;
    r->on_result = on_result;
    r->hook_place = hook_place;
    r->asker.once = r->queue != NULL;
    catch_signals();
    const int code = check_spool_open(&w->spool, r);
    if (code < 0 && start(w))
        loop(w);
    else
        w->failed = true;
    check_spool_close(&w->spool);
    if (w->inotify >= 0)
        close(w->inotify);
    for (size_t i = 0; i < w->count; i++)
        free(w->pending[i]);
    for (size_t i = 0; i < w->waiting_count; i++)
        clear_entry(&w->waiting[i]);
    free(w->pending);
    free(w->waiting);
    r->report.failed |= w->failed;
    const bool failed = w->failed;
    r->on_result = NULL;
    r->hook_place = NULL;
    signal(SIGTERM, SIG_IGN); /* the account is on its way */
    signal(SIGINT, SIG_IGN);
    free(w);
    return code >= 0 ? code : failed ? CLI_SYSTEM : -1;
}
