/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base.h - the frozen part of an index: hashes, their ids, tables to find them by, digests.
 *
 * Made in memory (index.c) or mapped from a snapshot (snapshot.c). Shared by every view of it, and
 * freed with the last.
 */
#ifndef HK_INDEX_BASE_H
#define HK_INDEX_BASE_H

#include "index/digests.h"
#include "index/faiss.h"
#include "index/ids.h"
#include "index/mih.h"

#include <stdatomic.h>

/* What an index was asked to be, so that a merge makes it that again. */
typedef struct hk__recipe {
    uint32_t engine; /* 0 auto, 1 flat, 2 mih */
    uint32_t max_distance, bytes_per_hash;
} hk__recipe;

typedef struct hk__base {
    atomic_uint holders;
    size_t count;
    const hk_hash *hashes; /* [count] */
    hk__ids ids;
    hk__recipe recipe;
    uint64_t next_id; /* above every id that was ever given, so that none is given twice */
    hk__mih mih;
    hk__faiss *faiss; /* NULL: none */
    hk__digest_table *digests[HK_BASIS_PDQ];
    hk__seal *seal; /* of the mapped file; NULL: memory */
    void *map;      /* the mapped file; NULL: hashes are ours to free */
    size_t map_size;
    _Atomic float
        table_ns[HK_HASH_BITS + 1]; /* what a query by the tables takes; 0: not known yet */
    /* Where tables keep giving up, scans are tried first: queries left to scan, and the streak. */
    atomic_uint wary, streak;
} hk__base;

hk__base *hk__base_hold(hk__base *base);
void hk__base_release(hk__base *base); /* takes NULL */

/* The id of the hash at a position < count. HK_ERR_FORMAT: the file is damaged there. */
hk_status hk__base_id(uint32_t *out, const hk__base *base, size_t position,
                      hk_error *err) HK_MUST_CHECK;
/* Positions [*first, *end) have this id. */
hk_status hk__base_positions(size_t *first, size_t *end, const hk__base *base, uint32_t id,
                             hk_error *err) HK_MUST_CHECK;

#endif
