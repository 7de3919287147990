/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * changes.h - what was added to a base and removed from it since it was made.
 *
 *      base       0 1 2 3 4 5 6 ...        added      a0 a1 a2 a3
 *      gone           ^     ^              live        1  0  1  1
 *
 * Additions lie in blocks that several states of the changes share: only a block's unused end is
 * ever written, by the one writer, and a reader does not look past its own count. The rest is
 * copied for each new state, so that a state never changes once it is made. Few changes are meant:
 * a search scans them all, and a merge (live.h) makes them part of a new base.
 */
#ifndef HK_INDEX_CHANGES_H
#define HK_INDEX_CHANGES_H

#include "index/base.h"

#include <stdatomic.h>

enum { HK__CHANGES_BLOCK = 4096 };

typedef struct hk__added {
    atomic_uint holders;
    hk_hash hash[HK__CHANGES_BLOCK];
    uint32_t id[HK__CHANGES_BLOCK];
} hk__added;

/* A digest that was added. */
typedef struct hk__added_digest {
    uint8_t bytes[32]; /* zero-padded */
    uint32_t id;
} hk__added_digest;

typedef struct hk__changes {
    atomic_uint holders;
    hk__added **block; /* [blocks], each held */
    size_t blocks, added;
    uint32_t *dead; /* [dead_count] places among the added that were removed again, ascending */
    size_t dead_count;
    uint32_t *gone; /* [gone_count] positions of the base that were removed, ascending */
    size_t gone_count;
    uint32_t *gone_ids; /* [gone_id_count] ids whose digests in the base were removed, ascending */
    size_t gone_id_count;
    hk__added_digest *digest[HK_BASIS_PDQ]; /* [digest_count], in no order */
    size_t digest_count[HK_BASIS_PDQ];
    uint64_t next_id; /* as the base's */
    uint64_t applied; /* changes since the base was made */
} hk__changes;

hk__changes *hk__changes_hold(hk__changes *changes);
void hk__changes_release(hk__changes *changes); /* takes NULL */

/* The state after `count` more changes; `before` (NULL: none yet) is left as it is. One writer at a
 * time, always with the newest state. */
hk_status hk__changes_apply(hk__changes **out, const hk__changes *before, const hk__base *base,
                            const hk_index_change *change, size_t count,
                            hk_error *err) HK_MUST_CHECK;

/* A copy to go on from, whatever becomes of this one: of its own is the block that has an unused
 * end. NULL when out of memory. */
hk__changes *hk__changes_branch(const hk__changes *changes);

/* Offers what was added, and not removed again, to sieves[q]; items are ids, in no order. */
hk_status hk__changes_within(hk__sieve *sieves, const hk__changes *changes, const hk_hash *queries,
                             size_t query_count, hk_error *err) HK_MUST_CHECK;

/* Whether the base's digests with this id were removed. */
bool hk__changes_removed(const hk__changes *changes, uint32_t id);
/* Writes the ids of the added digests equal to this one, in no order, and returns how many; out has
 * room for digest_count[basis]. */
size_t hk__changes_find_digest(uint32_t *out, const hk__changes *changes, hk_basis basis,
                               const uint8_t *digest);

/* Hashes of base and changes together. */
size_t hk__changes_count(const hk__changes *changes, const hk__base *base);

#endif
