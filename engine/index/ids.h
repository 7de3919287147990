/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ids.h - the ids of the hashes of an index, ascending by position; several may share one.
 *
 * Ids of a list lie close together: one in full for every 64 hashes, and for each hash how far it
 * is above that, in 16 bits. Where that is not enough, 32 bits each. Without either, a hash's id is
 * its position.
 */
#ifndef HK_INDEX_IDS_H
#define HK_INDEX_IDS_H

#include "herken.h"

enum { HK__IDS_SHIFT = 6, HK__IDS_BLOCK = 1 << HK__IDS_SHIFT };

typedef struct hk__ids {
    const uint32_t *first; /* [blocks of 64] with `above`; NULL */
    const uint16_t *above; /* [count] */
    const uint32_t *full;  /* [count]; NULL */
} hk__ids;

static inline uint32_t hk__ids_at(const hk__ids *ids, size_t position)
{
    if (ids->full)
        return ids->full[position];
    return ids->first ? ids->first[position >> HK__IDS_SHIFT] + ids->above[position]
                      : (uint32_t)position;
}

/* Whether 16 bits above the first of each block are enough for these ascending ids. */
bool hk__ids_are_close(const uint32_t *ids, size_t count);

#endif
