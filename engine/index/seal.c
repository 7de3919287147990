/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seal.c - see seal.h. */
#include "index/seal.h"

#include "core/error.h"
#include "core/mem.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LOOK_FOR_MOST = 4096 };

uint64_t hk__seal_sum(const void *block, size_t size)
{
    return XXH3_64bits(block, size);
}

hk_status hk__seal_new(hk__seal **out, const uint8_t *bytes, size_t blocks, const uint64_t *sums,
                       hk_error *err)
{
    hk__seal *seal = hk__alloc(1, sizeof *seal);
    _Atomic uint64_t *passed = hk__alloc(blocks / 64 + 1, sizeof *passed);
    if (!seal || !passed) {
        hk__free(seal);
        hk__free(passed);
        return hk__fail_memory(err);
    }
    *seal = (hk__seal){bytes, blocks, sums, passed};
    *out = seal;
    return HK_OK;
}

void hk__seal_free(hk__seal *seal)
{
    if (!seal)
        return;
    hk__free(seal->passed);
    hk__free(seal);
}

bool hk__seal_check(const hk__seal *seal, const void *from, size_t size)
{
    const size_t start = (size_t)((const uint8_t *)from - seal->bytes);
    if (size == 0) /* an empty section may lie where the file ends */
        return true;
    const size_t last = (start + size - 1) >> HK__SEAL_SHIFT;
    for (size_t block = start >> HK__SEAL_SHIFT; block <= last; block++) {
        if (block >= seal->blocks)
            return false;
        _Atomic uint64_t *word = &seal->passed[block / 64];
        const uint64_t bit = UINT64_C(1) << block % 64;
        if (atomic_load_explicit(word, memory_order_relaxed) & bit)
            continue;
        const uint8_t *bytes = seal->bytes + (block << HK__SEAL_SHIFT);
        if (hk__seal_sum(bytes, HK__SEAL_BLOCK) != seal->sums[block])
            return false;
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    }
    return true;
}

hk_status hk__seal_fail(const hk__seal *seal, const void *place, hk_error *err)
{
    if (!seal)
        return hk__fail(err, HK_ERR_FORMAT, "the index contradicts itself: make it anew");
    /* A group may reach over several blocks: the damaged one is at this place or soon after. */
    size_t block = (size_t)((const uint8_t *)place - seal->bytes) >> HK__SEAL_SHIFT;
    for (size_t b = block; b < seal->blocks && b < block + LOOK_FOR_MOST; b++)
        if (!hk__seal_check(seal, seal->bytes + (b << HK__SEAL_SHIFT), 1)) {
            block = b;
            break;
        }
    return hk__fail(err, HK_ERR_FORMAT,
                    "the snapshot is damaged at byte %zu: `herken index verify` lists every place; "
                    "make it anew from its list",
                    block << HK__SEAL_SHIFT);
}
