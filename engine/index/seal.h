/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seal.h - checksums of the blocks of a mapped file, each checked when it is first used.
 *
 * A block is 4,096 bytes: a search that touches a thousand places of a file of gigabytes reads no
 * more than those pages. Any number of threads may ask at once; at worst two check the same block.
 */
#ifndef HK_INDEX_SEAL_H
#define HK_INDEX_SEAL_H

#include "herken.h"

#include <stdatomic.h>

enum { HK__SEAL_SHIFT = 12, HK__SEAL_BLOCK = 1 << HK__SEAL_SHIFT };

typedef struct hk__seal {
    const uint8_t *bytes;     /* the file, borrowed */
    size_t blocks;            /* sealed blocks from its start */
    const uint64_t *sums;     /* [blocks] their checksums, borrowed */
    _Atomic uint64_t *passed; /* [blocks / 64 rounded up] bit b: block b was checked and is sound */
} hk__seal;

/* The checksum of a block (XXH3, 64 bits): against damage, not against forgers. */
uint64_t hk__seal_sum(const void *block, size_t size);

hk_status hk__seal_new(hk__seal **out, const uint8_t *bytes, size_t blocks, const uint64_t *sums,
                       hk_error *err) HK_MUST_CHECK;
void hk__seal_free(hk__seal *seal);

/* Checks the blocks that hold the `size` bytes at `from`; false: damaged, or outside the file. */
bool hk__seal_check(const hk__seal *seal, const void *from, size_t size);

/* The same for the block of one place, without a call where it was checked before. */
static inline bool hk__seal_holds(const hk__seal *seal, const void *place)
{
    if (!seal)
        return true;
    const size_t block = (size_t)((const uint8_t *)place - seal->bytes) >> HK__SEAL_SHIFT;
    if (block < seal->blocks &&
        atomic_load_explicit(&seal->passed[block / 64], memory_order_relaxed) >> block % 64 & 1)
        return true;
    return hk__seal_check(seal, place, 1);
}

/* Says where the damage is, at this place or soon after, and what to do about it. */
hk_status hk__seal_fail(const hk__seal *seal, const void *place, hk_error *err);

#endif
