/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mih_scalar.c - multi-index hashing in plain C, the oracle of the others; see mih_body.h. */
#include "index/mih.h"

static inline uint64_t gather(uint64_t word, uint64_t mask)
{
    uint64_t out = 0;
    for (unsigned at = 0; mask; mask &= mask - 1, at++)
        out |= (word >> __builtin_ctzll(mask) & 1) << at;
    return out;
}

static inline uint32_t near_tags(const uint16_t *tags, uint32_t count, const hk__aim *aim, int off)
{
    uint32_t near = 0;
    for (uint32_t i = 0; i < 32 && i < count; i++) {
        const unsigned differ = (unsigned)(tags[i] ^ aim->tag);
        near |= (uint32_t)(off + __builtin_popcount(differ & aim->own) <= aim->reach &&
                           off + __builtin_popcount(differ & aim->both) <= aim->reach_both)
                << i;
    }
    return near;
}

#include "index/mih_body.h"

hk__mih_room *hk__mih_room_new(void)
{
    return hk__alloc(1, sizeof(hk__mih_room));
}

const hk__mih_kernels hk__mih_scalar = {sort_keys, within};
