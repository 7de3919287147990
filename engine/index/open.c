/* SPDX-License-Identifier: GPL-3.0-or-later */
/* open.c - see open.h; and the doors of herken.h to opening and saving. */
#include "index/open.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { OPEN_TRIES = 5 };

hk_status hk__later_changes(hk_index_change **out, size_t *count, const hk__log *log,
                            const hk__lineage *lineage, hk_error *err)
{
    if (log->identity == lineage->identity)
        return hk__log_read(out, count, log, 0, err);
    if (log->identity == lineage->parent && lineage->parent)
        return hk__log_read(out, count, log, lineage->changes, err);
    return hk__fail(err, HK_ERR_FORMAT,
                    "%s: holds changes to another snapshot than the one beside it: remove it if "
                    "the snapshot was made anew",
                    log->path);
}

hk_status hk__open_view(hk_index **out, hk__lineage *lineage, hk__log **log, const char *path,
                        bool to_write, const hk_index_options *options, hk_error *err)
{
    hk__base *base = NULL;
    hk__changes *changes = NULL;
    hk_index_change *later = NULL;
    size_t count = 0;
    bool there = false;
    *log = NULL;
    hk_status status = hk__log_open(log, &there, path, to_write, err);
    if (!status)
        status = hk__snapshot_open(&base, lineage, path, err);
    if (!status && there)
        status = hk__later_changes(&later, &count, *log, lineage, err);
    if (!status && count)
        status = hk__changes_apply(&changes, NULL, base, later, count, err);
    hk__free(later);
    if (status) {
        hk__base_release(base);
        hk__log_close(*log);
        *log = NULL;
        return status;
    }
    status = hk__view_new(out, base, changes, options, err);
    if (status) {
        hk__log_close(*log);
        *log = NULL;
    }
    return status;
}

/* Where the FAISS index of a snapshot lies: SNAP.IDENTITY.faiss, so that one made for other hashes
 * is not taken for it. Owned; NULL when out of memory. */
static char *faiss_path(const char *path, const hk__lineage *lineage)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".%016llx.faiss", (unsigned long long)lineage->identity);
    return hk__path_with(path, suffix);
}

/* Loads the FAISS index that belongs to the view's snapshot. */
static hk_status load_faiss(hk_index *view, const char *spec, const char *path,
                            const hk__lineage *lineage, const hk_index_options *options,
                            hk_error *err)
{
    char *from = faiss_path(path, lineage);
    if (!from)
        return hk__fail_memory(err);
    hk_status status = hk__faiss_load(&view->base->faiss, options->faiss_module, spec, from, err);
    if (!status && hk__faiss_count(view->base->faiss) != view->base->count)
        status =
            hk__fail(err, HK_ERR_FORMAT, "%s: holds another number of hashes than %s", from, path);
    hk__free(from);
    return status;
}

/* hk_index_open of the file itself, not of a link to it. */
static hk_status open_real(hk_index **out, const char *path, const char *spec,
                           const hk_index_options *options, hk_error *err)
{
    hk_index *view = NULL;
    hk__lineage lineage;
    hk_status status = HK_OK;
    for (int attempt = 0; attempt < OPEN_TRIES; attempt++) {
        hk__log *log;
        status = hk__open_view(&view, &lineage, &log, path, false, options, err);
        hk__log_close(log);
        if (status != HK_ERR_FORMAT) /* which a merge that overtakes us twice would look like */
            break;
    }
    if (!status && spec)
        status = load_faiss(view, spec, path, &lineage, options, err);
    if (status) {
        hk_index_free(view);
        return status;
    }
    *out = view;
    return HK_OK;
}

hk_status hk_index_open(hk_index **out, const char *path, const hk_index_options *options,
                        hk_error *err)
{
    hk__engine engine;
    const char *spec;
    hk_status status = hk__engine_parse(&engine, &spec, &options, err);
    if (status)
        return status;
    char *real = hk__real_path(path);
    if (!real)
        return hk__fail_memory(err);
    status = open_real(out, real, spec, options, err);
    hk__free(real);
    return status;
}

/* ---- saving -------------------------------------------------------------------------------- */

hk_status hk__lock(int *fd, const char *snapshot, hk_error *err)
{
    char *path = hk__path_with(snapshot, ".lock");
    if (!path)
        return hk__fail_memory(err);
    hk_status status = HK_OK;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
    else if (flock(*fd, LOCK_EX | LOCK_NB))
        status =
            errno == EWOULDBLOCK
                ? hk__fail(err, HK_ERR_SYSTEM,
                           "%s: another process is changing this snapshot: wait for it to end",
                           snapshot)
                : hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be locked: %s", path, strerror(errno));
    hk__free(path);
    return status;
}

/* Writes the snapshot, changes merged in, and the FAISS index that belongs to it. */
static hk_status save(const hk_index *index, const char *path, hk_error *err)
{
    hk__lineage lineage = {0};
    hk_status status;
    if (index->changes) {
        hk_index *merged = NULL;
        status = hk__merge(&merged, index, index->threads, err);
        if (!status)
            status = hk__snapshot_write(&lineage, merged->base, path, NULL, err);
        hk_index_free(merged);
        return status;
    }
    status = hk__snapshot_write(&lineage, index->base, path, NULL, err);
    if (status || !index->base->faiss)
        return status;
    char *to = faiss_path(path, &lineage);
    status = to ? hk__faiss_save(index->base->faiss, to, path, err) : hk__fail_memory(err);
    hk__free(to);
    return status;
}

/* Takes the place of a snapshot that may be there, and of the changes beside it, which are not
 * ours. */
static hk_status replace(const hk_index *index, const char *path, hk_error *err)
{
    int lock = -1;
    char *delta = hk__path_with(path, ".delta");
    if (!delta)
        return hk__fail_memory(err);
    hk_status status = access(path, F_OK) == 0 ? hk__lock(&lock, path, err) : HK_OK;
    if (!status)
        status = save(index, path, err);
    if (!status && unlink(delta) == 0)
        status = hk__folder_sync(delta, err);
    else if (!status && errno != ENOENT)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be removed: %s", delta, strerror(errno));
    if (lock >= 0)
        close(lock);
    hk__free(delta);
    return status;
}

hk_status hk_index_save(const hk_index *index, const char *path, hk_error *err)
{
    if (index->changes && index->base->faiss)
        return hk__fail(err, HK_ERR_USAGE,
                        "a FAISS index does not take in changes: merge them with another engine, "
                        "and build it anew");
    char *real = hk__real_path(path);
    if (!real)
        return hk__fail_memory(err);
    const hk_status status = replace(index, real, err);
    hk__free(real);
    return status;
}
