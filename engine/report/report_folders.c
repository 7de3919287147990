/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_folders.c - see report_folders.h. */
#include "report/report_folders.h"

#include "core/error.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct open_folder {
    size_t length; /* of its path, in `path` */
    uint64_t files, exact, near;
} open_folder;

struct hk__folders {
    char *path; /* of the innermost open folder; those above are beginnings of it */
    size_t path_capacity;
    open_folder *open; /* [depth]; open[0] has no path: files that were named by themselves */
    size_t depth, open_capacity;
    hk__folder kept[HK__FOLDERS_MOST]; /* the densest first */
    size_t count;
    uint64_t with_hits, all;
};

hk_status hk__folders_new(hk__folders **out, hk_error *err)
{
    hk__folders *folders = hk__alloc(1, sizeof *folders);
    if (!folders)
        return hk__fail_memory(err);
    folders->path_capacity = 4096;
    folders->open_capacity = 64;
    folders->path = hk__alloc(folders->path_capacity, 1);
    folders->open = hk__alloc(folders->open_capacity, sizeof *folders->open);
    folders->depth = 1;
    if (!folders->path || !folders->open) {
        hk__folders_free(folders);
        return hk__fail_memory(err);
    }
    *out = folders;
    return HK_OK;
}

void hk__folders_free(hk__folders *folders)
{
    if (!folders)
        return;
    for (size_t i = 0; i < folders->count; i++)
        hk__kept_words_free(&folders->kept[i].path);
    hk__free(folders->path);
    hk__free(folders->open);
    hk__free(folders);
}

/* ---- the densest --------------------------------------------------------------------------- */

static double borne_out(uint64_t hits, uint64_t files)
{
    const double n = (double)files, p = (double)hits / n, z = 1.96;
    const double middle = p + z * z / (2 * n);
    const double width = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double low = (middle - width) / (1 + z * z / n);
    return low > 0 ? low : 0;
}

/* Those equally dense: more hits first, and then as they came, by path. */
static bool is_denser(const hk__folder *a, const hk__folder *b)
{
    if (a->borne_out > b->borne_out || a->borne_out < b->borne_out)
        return a->borne_out > b->borne_out;
    return a->exact + a->near > b->exact + b->near;
}

static hk_status keep(hk__folders *folders, const open_folder *from, const char *path,
                      hk_error *err)
{
    hk__folder folder = {.files = from->files, .exact = from->exact, .near = from->near};
    folder.borne_out = borne_out(from->exact + from->near, from->files);
    size_t at = folders->count;
    while (at && is_denser(&folder, &folders->kept[at - 1]))
        at--;
    if (at == HK__FOLDERS_MOST)
        return HK_OK;
    const hk_status status = hk__keep_words(&folder.path, path, err);
    if (status)
        return status;
    if (folders->count == HK__FOLDERS_MOST)
        hk__kept_words_free(&folders->kept[--folders->count].path);
    memmove(&folders->kept[at + 1], &folders->kept[at],
            (folders->count++ - at) * sizeof *folders->kept);
    folders->kept[at] = folder;
    return HK_OK;
}

/* ---- the open ones ------------------------------------------------------------------------- */

/* Leaves the innermost folder. */
static hk_status leave(hk__folders *folders, hk_error *err)
{
    const open_folder *last = &folders->open[--folders->depth];
    folders->path[last->length] = '\0';
    folders->all += last->files > 0;
    if (!(last->exact + last->near))
        return HK_OK;
    folders->with_hits++;
    return keep(folders, last, folders->path, err);
}

static hk_status enter(hk__folders *folders, const char *path, size_t length, hk_error *err)
{
    if (length >= folders->path_capacity) {
        char *grown = hk__realloc(folders->path, length * 2, 1);
        if (!grown)
            return hk__fail_memory(err);
        folders->path = grown;
        folders->path_capacity = length * 2;
    }
    if (folders->depth == folders->open_capacity) {
        open_folder *grown =
            hk__realloc(folders->open, folders->open_capacity * 2, sizeof *folders->open);
        if (!grown)
            return hk__fail_memory(err);
        folders->open = grown;
        folders->open_capacity *= 2;
    }
    memcpy(folders->path, path, length);
    folders->open[folders->depth++] = (open_folder){.length = length};
    return HK_OK;
}

static bool lies_below(const hk__folders *folders, const char *path)
{
    const size_t length = folders->open[folders->depth - 1].length;
    return !strncmp(path, folders->path, length) && path[length] == '/';
}

hk_status hk__folders_add(hk__folders *folders, const char *path, hk_verdict verdict, hk_error *err)
{
    hk_status status = HK_OK;
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) : 0;
    while (!status && folders->depth > 1 && !lies_below(folders, path))
        status = leave(folders, err);
    if (!status && folders->open[folders->depth - 1].length < length)
        status = enter(folders, path, length, err);
    if (status)
        return status;
    open_folder *in = &folders->open[folders->depth - 1];
    in->files++;
    in->exact += verdict == HK_VERDICT_EXACT;
    in->near += verdict == HK_VERDICT_NEAR;
    return HK_OK;
}

hk_status hk__folders_end(const hk__folder **out, size_t *count, uint64_t *with_hits, uint64_t *all,
                          hk__folders *folders, hk_error *err)
{
    hk_status status = HK_OK;
    while (!status && folders->depth)
        status = leave(folders, err);
    if (status)
        return status;
    *out = folders->kept;
    *count = folders->count;
    *with_hits = folders->with_hits;
    *all = folders->all;
    return HK_OK;
}
