/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * open.h - a snapshot and the changes beside it, as one view.
 */
#ifndef HK_INDEX_OPEN_H
#define HK_INDEX_OPEN_H

#include "index/log.h"
#include "index/snapshot.h"
#include "index/view.h"

/* The changes of a log that the snapshot does not hold yet; owned, free with hk__free.
 * HK_ERR_FORMAT: the log belongs to another snapshot. */
hk_status hk__later_changes(hk_index_change **out, size_t *count, const hk__log *log,
                            const hk__lineage *lineage, hk_error *err) HK_MUST_CHECK;

/* Opens both. *log is NULL where there is none, else the caller's to close. The log is opened
 * first: if a merge replaces both meanwhile, the newer snapshot still knows the older log. */
hk_status hk__open_view(hk_index **out, hk__lineage *lineage, hk__log **log, const char *path,
                        bool to_write, const hk_index_options *options,
                        hk_error *err) HK_MUST_CHECK;

/* Locks SNAP.lock for changing the snapshot; the descriptor is the caller's to close, which
 * unlocks. HK_ERR_SYSTEM: another process, or another part of this one, changes it. */
hk_status hk__lock(int *fd, const char *snapshot, hk_error *err) HK_MUST_CHECK;

#endif
