/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log.h - the changes to a snapshot as a file beside it, SNAPSHOT.delta.
 *
 *      0      mark A      512 bytes    which snapshot it belongs to, and how many records count
 *      512    mark B      512 bytes    the same, written in turns with A
 *      4096   records     56 bytes each, each with a checksum that goes on from the one before
 *
 * Records are written and synced first, then a mark that counts them. What no mark counts was never
 * acknowledged and is not there, unless the other mark is damaged: then whole batches that follow
 * without a break are taken to be what it counted. Damage in what is counted is an error.
 *
 * One writer at a time (live.h sees to it); readers may open the file meanwhile.
 */
#ifndef HK_INDEX_LOG_H
#define HK_INDEX_LOG_H

#include "herken.h"

typedef struct hk__log {
    int fd;
    char *path;
    uint64_t identity; /* of the snapshot the changes are made to */
    uint64_t count;    /* acknowledged changes */
    uint64_t chain;    /* checksum of the last of them */
    bool to_b;         /* which mark is next */
    bool mark_lost;    /* the next mark may count what was refused, and could not be written over */
    bool unsettled;    /* the folder that names it is not on the disk yet */
} hk__log;

/* Opens the log beside a snapshot. *there = false: there is none, which is no error. */
hk_status hk__log_open(hk__log **out, bool *there, const char *snapshot, bool to_write,
                       hk_error *err) HK_MUST_CHECK;

/* Puts a new log into the place of the old, with these changes in it, open for writing. */
hk_status hk__log_create(hk__log **out, const char *snapshot, uint64_t identity,
                         const hk_index_change *changes, size_t count, hk_error *err) HK_MUST_CHECK;

/* Changes number `from` and all after it; owned, free with hk__free. */
hk_status hk__log_read(hk_index_change **out, size_t *count, const hk__log *log, uint64_t from,
                       hk_error *err) HK_MUST_CHECK;

/* Adds a batch, all or nothing, and returns when it is on the disk. */
hk_status hk__log_append(hk__log *log, const hk_index_change *changes, size_t count,
                         hk_error *err) HK_MUST_CHECK;
void hk__log_close(hk__log *log); /* takes NULL */

#endif
