/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * live.c - a snapshot that changes: hk_live of herken.h.
 *
 *      SNAP          the snapshot, never written to: a merge puts another in its place
 *      SNAP.delta    the changes since (log.h)
 *      SNAP.lock     locked by the process that changes it
 *
 * A merge takes the view of one moment, and writes the new snapshot while changes go on. Then it
 * puts a log with just those later changes into the old one's place. If it is stopped between the
 * two, the old log still fits: the snapshot says how many of its changes are inside already.
 */
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/merge.h"
#include "index/open.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct hk_live {
    char *path, *engine, *faiss_module;
    hk_index_options options; /* its strings are ours */
    size_t merge_at;
    int lock_fd;
    pthread_mutex_t writer; /* held by who changes the log; taken before `state` */
    hk__lineage lineage;    /* these two are the writer's */
    hk__log *log;
    pthread_mutex_t state; /* guards what follows */
    pthread_cond_t merged;
    hk_index *now;
    bool merging;    /* somebody merges */
    bool has_thread; /* merger is to be joined */
    pthread_t merger;
};

/* ---- a live snapshot ----------------------------------------------------------------------- */

/* The snapshot's own path, so that a merge replaces it and not a link to it. */
static hk_status keep_path(hk_live *live, const char *path, hk_error *err)
{
    if (access(path, F_OK))
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    live->path = hk__real_path(path);
    return live->path ? HK_OK : hk__fail_memory(err);
}

static hk_status keep_options(hk_live *live, const hk_index_options *options, hk_error *err)
{
    live->options = *options;
    if (options->engine)
        live->options.engine = live->engine = hk__strndup(options->engine, strlen(options->engine));
    if (options->faiss_module)
        live->options.faiss_module = live->faiss_module =
            hk__strndup(options->faiss_module, strlen(options->faiss_module));
    if ((options->engine && !live->engine) || (options->faiss_module && !live->faiss_module))
        return hk__fail_memory(err);
    return HK_OK;
}

/* A log of just this snapshot's own: none yet, or one left by a merge that was stopped. */
static hk_status renew_log(hk_live *live, hk_error *err)
{
    hk_index_change *later = NULL;
    size_t count = 0;
    hk__log *fresh;
    hk_status status = HK_OK;
    if (live->log && live->log->identity == live->lineage.identity)
        return HK_OK;
    if (live->log)
        status = hk__later_changes(&later, &count, live->log, &live->lineage, err);
    if (!status)
        status = hk__log_create(&fresh, live->path, live->lineage.identity, later, count, err);
    hk__free(later);
    if (status)
        return status;
    hk__log_close(live->log);
    live->log = fresh;
    return HK_OK;
}

hk_status hk_live_open(hk_live **out, const char *path, size_t merge_at,
                       const hk_index_options *options, hk_error *err)
{
    hk__engine engine;
    const char *spec;
    hk_status status = hk__engine_parse(&engine, &spec, &options, err);
    if (status)
        return status;
    if (spec)
        return hk__fail(
            err, HK_ERR_USAGE,
            "a FAISS index cannot be changed: open the snapshot with auto, flat or mih");
    hk_live *live = hk__alloc(1, sizeof *live);
    if (!live)
        return hk__fail_memory(err);
    live->lock_fd = -1;
    live->merge_at = merge_at;
    pthread_mutex_init(&live->writer, NULL);
    pthread_mutex_init(&live->state, NULL);
    pthread_cond_init(&live->merged, NULL);
    status = keep_path(live, path, err);
    if (!status)
        status = keep_options(live, options, err);
    if (!status)
        status = hk__lock(&live->lock_fd, live->path, err);
    if (!status) {
        hk__draft_sweep(live->path);
        status =
            hk__open_view(&live->now, &live->lineage, &live->log, live->path, true, options, err);
    }
    if (!status)
        status = renew_log(live, err);
    if (status) {
        hk_live_free(live);
        return status;
    }
    *out = live;
    return HK_OK;
}

static void join_merger(hk_live *live)
{
    pthread_mutex_lock(&live->state);
    const bool has_thread = live->has_thread;
    const pthread_t merger = live->merger;
    live->has_thread = false;
    pthread_mutex_unlock(&live->state);
    if (has_thread)
        pthread_join(merger, NULL);
}

void hk_live_free(hk_live *live)
{
    if (!live)
        return;
    join_merger(live);
    hk_index_free(live->now);
    hk__log_close(live->log);
    if (live->lock_fd >= 0)
        close(live->lock_fd);
    pthread_cond_destroy(&live->merged);
    pthread_mutex_destroy(&live->state);
    pthread_mutex_destroy(&live->writer);
    hk__free(live->engine);
    hk__free(live->faiss_module);
    hk__free(live->path);
    hk__free(live);
}

hk_status hk_live_view(hk_index **out, hk_live *live, hk_error *err)
{
    pthread_mutex_lock(&live->state);
    hk__base *base = hk__base_hold(live->now->base);
    hk__changes *changes = hk__changes_hold(live->now->changes);
    pthread_mutex_unlock(&live->state);
    return hk__view_new(out, base, changes, &live->options, err);
}

/* Puts a view into the place of the present one. */
static void put_view(hk_live *live, hk_index *view)
{
    pthread_mutex_lock(&live->state);
    hk_index *before = live->now;
    live->now = view;
    pthread_mutex_unlock(&live->state);
    hk_index_free(before);
}

/* ---- merging ------------------------------------------------------------------------------- */

/* After the new snapshot is in its place: a log of what came later, and the new view. The writer's
 * lock is held. */
static hk_status switch_over(hk_live *live, const hk__lineage *lineage, uint64_t merged,
                             hk_error *err)
{
    hk__base *base = NULL;
    hk__changes *changes = NULL;
    hk_index_change *later = NULL;
    hk_index *view = NULL;
    hk__log *log = NULL;
    hk__lineage opened;
    size_t count = 0;
    hk_status status = hk__snapshot_open(&base, &opened, live->path, err);
    if (!status)
        status = hk__log_read(&later, &count, live->log, merged, err);
    if (!status && count)
        status = hk__changes_apply(&changes, NULL, base, later, count, err);
    if (status)
        hk__base_release(base);
    else
        status = hk__view_new(&view, base, changes, &live->options, err);
    if (!status)
        status = hk__log_create(&log, live->path, lineage->identity, later, count, err);
    hk__free(later);
    if (status) {
        hk_index_free(view);
        return status;
    }
    hk__log_close(live->log);
    live->log = log;
    live->lineage = *lineage;
    put_view(live, view);
    return HK_OK;
}

static hk_status merge(hk_live *live, hk_error *err)
{
    hk_index *view = NULL, *merged = NULL;
    hk_status status = hk_live_view(&view, live, err);
    if (status || !view->changes) {
        hk_index_free(view);
        return status;
    }
    /* Of this log: a snapshot that already held some of its parent's has had its log renewed. */
    const uint64_t count = view->changes->applied;
    hk__lineage lineage = {.parent = live->lineage.identity, .changes = count};
    status = hk__merge(&merged, view, live->options.threads, err);
    hk_index_free(view);
    if (!status)
        status = hk__snapshot_write(&lineage, merged->base, live->path, NULL, err);
    hk_index_free(merged);
    if (status)
        return status;
    pthread_mutex_lock(&live->writer);
    status = switch_over(live, &lineage, count, err);
    pthread_mutex_unlock(&live->writer);
    return status;
}

/* Merges, for whoever set `merging`, and tells those who wait for their turn. */
static hk_status merge_and_tell(hk_live *live, hk_error *err)
{
    const hk_status status = merge(live, err);
    pthread_mutex_lock(&live->state);
    live->merging = false;
    pthread_cond_broadcast(&live->merged);
    pthread_mutex_unlock(&live->state);
    return status;
}

static void *merge_thread(void *context)
{
    (void)merge_and_tell(context, NULL); /* what failed stays in the log, and is tried again */
    return NULL;
}

/* Starts a merge in a thread of its own, unless one is under way. */
static void merge_aside(hk_live *live)
{
    pthread_mutex_lock(&live->state);
    if (!live->merging && live->has_thread) { /* the one before: it has ended but for its return */
        pthread_join(live->merger, NULL);
        live->has_thread = false;
    }
    /* Its first act is to take the lock we hold: what is noted here is noted before it ends. Where
     * no thread starts the next change tries again. */
    if (!live->merging)
        live->merging = live->has_thread = !pthread_create(&live->merger, NULL, merge_thread, live);
    pthread_mutex_unlock(&live->state);
}

hk_status hk_live_merge(hk_live *live, hk_error *err)
{
    pthread_mutex_lock(&live->state);
    while (live->merging) /* it may have begun before the latest changes */
        pthread_cond_wait(&live->merged, &live->state);
    live->merging = true;
    pthread_mutex_unlock(&live->state);
    return merge_and_tell(live, err);
}

/* ---- changing ------------------------------------------------------------------------------ */

hk_status hk_live_apply(hk_live *live, const hk_index_change *changes, size_t count, hk_error *err)
{
    if (count == 0)
        return HK_OK;
    hk__changes *after = NULL;
    hk_index *view = NULL;
    pthread_mutex_lock(&live->writer);
    hk__base *base = hk__base_hold(live->now->base); /* only writers replace `now` */
    hk_status status = hk__changes_apply(&after, live->now->changes, base, changes, count, err);
    const uint64_t waiting = status ? 0 : after->applied;
    if (status)
        hk__base_release(base);
    else
        status = hk__view_new(&view, base, after, &live->options, err);
    if (!status)
        status = hk__log_append(live->log, changes, count, err);
    if (status)
        hk_index_free(view);
    else
        put_view(live, view);
    pthread_mutex_unlock(&live->writer);
    if (!status && live->merge_at && waiting >= live->merge_at)
        merge_aside(live);
    return status;
}
