/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * draft.h - a file that is written beside its place and takes it when it is whole: readers see the
 * old file or the new one, and a crash leaves nothing half-written in the place.
 *
 * A draft belongs to one thread.
 */
#ifndef HK_CORE_DRAFT_H
#define HK_CORE_DRAFT_H

#include "herken.h"

typedef struct hk__draft {
    char *place, *path; /* where it shall lie, where it lies; owned */
    int fd;
    bool placed;
} hk__draft;

/* Starts a draft for path + suffix, with the mode of what lies there, or else of what lies at path:
 * a list that only some may read stays so. To be freed whether that succeeded or not. */
hk_status hk__draft_open(hk__draft *out, const char *path, const char *suffix, const char *like,
                         hk_error *err) HK_MUST_CHECK;
hk_status hk__draft_write(hk__draft *draft, const void *bytes, size_t count,
                          hk_error *err) HK_MUST_CHECK;
/* Writes over bytes that were written before. */
hk_status hk__draft_overwrite(hk__draft *draft, const void *bytes, size_t count, uint64_t offset,
                              hk_error *err) HK_MUST_CHECK;
/* Waits until its bytes are on the disk. */
hk_status hk__draft_sync(hk__draft *draft, hk_error *err) HK_MUST_CHECK;
/* Puts it into its place, and waits until the folder is on the disk. Sync it before. An error with
 * ->placed set: it is there, but may be gone again after a power cut. */
hk_status hk__draft_place(hk__draft *draft, hk_error *err) HK_MUST_CHECK;
/* Waits until the folder that path lies in is on the disk. */
hk_status hk__folder_sync(const char *path, hk_error *err) HK_MUST_CHECK;
/* Removes what was not put into its place. */
void hk__draft_free(hk__draft *draft);

/* Removes drafts for path that processes which were stopped have left: those nobody has locked,
 * more than a minute old. What cannot be removed stays. */
void hk__draft_sweep(const char *path);

/* The file a path leads to through links; the path itself where there is none yet. Owned by the
 * caller; NULL when out of memory. */
char *hk__real_path(const char *path);

/* path and suffix together; owned by the caller; NULL when out of memory. */
char *hk__path_with(const char *path, const char *suffix);

#endif
