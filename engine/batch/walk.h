/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * walk.h - from the paths a person names to the plan: every file that will have to be accounted
 * for, in a fixed order.
 *
 * Folders are walked depth first, their names in byte order, without following symbolic links.
 * What cannot be a file to read (a device, a link inside a folder, a folder that does not open)
 * is in the plan too, with its status.
 */
#ifndef HK_BATCH_WALK_H
#define HK_BATCH_WALK_H

#include "herken.h"

typedef struct hk__planned {
    const char *path;      /* owned by the plan; raw bytes */
    const char *reason;    /* static; NULL if there is nothing to say */
    hk_file_status status; /* HK_FILE_OK: to be read */
    bool named;            /* by the person: a symbolic link is followed */
} hk__planned;

typedef struct hk__plan hk__plan;

/* Walks everything. Fails only where the system does (memory, descriptors): whatever is wrong with
 * a path is in the plan. */
hk_status hk__plan_new(hk__plan **out, const char *const *paths, size_t count,
                       hk_error *err) HK_MUST_CHECK;
void hk__plan_free(hk__plan *plan);

size_t hk__plan_count(const hk__plan *plan);
const hk__planned *hk__plan_get(const hk__plan *plan, size_t index);

/* Opens a planned file for reading, without touching its access time where that is allowed.
 * Returns a descriptor of a regular file; or -1 with *status and *reason (static); or -2 with errno
 * where this process has no room for another file, which is not the file's fault. Paths longer than
 * PATH_MAX are opened folder by folder. */
int hk__plan_open(hk_file_status *status, const char **reason, const hk__planned *planned);

#endif
