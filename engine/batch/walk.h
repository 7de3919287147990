/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * walk.h - from the paths a person names to the plan: every file that will have to be accounted
 * for, in a fixed order.
 *
 *      paths --walk--> on_file: a plan in memory (plan_memory.c), or a case (run_plan.c)
 *
 * Folders are walked depth first, their names in byte order, without following symbolic links.
 * What cannot be a file to read (a device, a link inside a folder, a folder that does not open)
 * is in the plan too, with its status. Only the names of the folders from the named one down to
 * the one in hand are held in memory.
 */
#ifndef HK_BATCH_WALK_H
#define HK_BATCH_WALK_H

#include "herken.h"

typedef struct hk__planned {
    const char *path;      /* begins with the path that was named; raw bytes */
    const char *reason;    /* static; NULL if there is nothing to say */
    hk_file_status status; /* HK_FILE_OK: to be read */
    bool named;            /* by the person: a symbolic link is followed */
} hk__planned;

/* Takes one file of the plan, borrowed for the call. input: which of the paths it was found under,
 * from 0. An error ends the walk with it. */
typedef hk_status hk__on_planned(void *context, size_t input, const hk__planned *planned,
                                 hk_error *err);

/* Walks everything. Fails only where the system does (memory, descriptors) or on_file: whatever is
 * wrong with a path is in the plan. */
hk_status hk__walk(const char *const *paths, size_t count, hk__on_planned *on_file, void *context,
                   hk_error *err) HK_MUST_CHECK;

/* A plan in memory, which owns its paths. */
typedef struct hk__plan hk__plan;

hk_status hk__plan_new(hk__plan **out, const char *const *paths, size_t count,
                       hk_error *err) HK_MUST_CHECK;
void hk__plan_free(hk__plan *plan);

size_t hk__plan_count(const hk__plan *plan);
const hk__planned *hk__plan_get(const hk__plan *plan, size_t index);

/* Opens a planned file for reading, without touching its access time where that is allowed.
 * Returns a descriptor of a regular file; or -1 with *status (changed, where something else is in
 * its place) and *reason (static); or -2 with errno where this process has no room for another
 * file, which is not the file's fault. Paths longer than PATH_MAX are opened folder by folder. */
int hk__plan_open(hk_file_status *status, const char **reason, const hk__planned *planned);

#endif
