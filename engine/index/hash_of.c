/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash_of.c - see hash_of.h. */
#include "index/hash_of.h"

#include "core/error.h"
#include "index/numbers.h"
#include "index/view.h"

typedef struct choice {
    const hk_hash *to;
    hk_hash hash;
    unsigned distance; /* HK_HASH_BITS + 1: none yet */
} choice;

static void offer(choice *best, const hk_hash *hash)
{
    const unsigned distance = hk_hash_distance(hash, best->to);
    if (distance < best->distance) {
        best->distance = distance;
        best->hash = *hash;
    }
}

static hk_status among_base(choice *best, const hk_index *index, uint32_t id, hk_error *err)
{
    const hk__base *base = index->base;
    const hk__changes *c = index->changes;
    size_t first, end;
    hk_status status = hk__base_positions(&first, &end, base, id, err);
    for (size_t p = first; !status && p < end; p++) {
        if (c && hk__is_among((uint32_t)p, c->gone, c->gone_count))
            continue;
        if (base->seal && !hk__seal_check(base->seal, &base->hashes[p], sizeof *base->hashes))
            return hk__seal_fail(base->seal, &base->hashes[p], err);
        offer(best, &base->hashes[p]);
    }
    return status;
}

static void among_added(choice *best, const hk__changes *c, uint32_t id)
{
    for (size_t a = 0; a < c->added; a++) {
        const hk__added *block = c->block[a / HK__CHANGES_BLOCK];
        const size_t at = a % HK__CHANGES_BLOCK;
        if (block->id[at] == id && !hk__is_among((uint32_t)a, c->dead, c->dead_count))
            offer(best, &block->hash[at]);
    }
}

hk_status hk__index_hash_of(hk_hash *out, const hk_index *index, uint32_t id, const hk_hash *to,
                            hk_error *err)
{
    choice best = {.to = to, .distance = HK_HASH_BITS + 1};
    const hk_status status = among_base(&best, index, id, err);
    if (status)
        return status;
    if (index->changes)
        among_added(&best, index->changes, id);
    if (best.distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "no hash has the id %u", id);
    *out = best.hash;
    return HK_OK;
}
