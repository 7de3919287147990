/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base.c - see base.h. */
#include "index/base.h"

#include "core/error.h"
#include "core/mem.h"

#include <sys/mman.h>

hk__base *hk__base_hold(hk__base *base)
{
    atomic_fetch_add_explicit(&base->holders, 1, memory_order_relaxed);
    return base;
}

void hk__base_release(hk__base *base)
{
    if (!base || atomic_fetch_sub_explicit(&base->holders, 1, memory_order_acq_rel) != 1)
        return;
    hk__mih_clear(&base->mih);
    hk__faiss_free(base->faiss);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        hk__digest_table_free(base->digests[basis]);
    hk__seal_free(base->seal);
    if (base->map) {
        munmap(base->map, base->map_size);
    } else {
        hk__free((void *)base->hashes);
        hk__free((void *)base->ids.full);
        hk__free((void *)base->ids.first);
        hk__free((void *)base->ids.above);
    }
    hk__free(base);
}

hk_status hk__base_id(uint32_t *out, const hk__base *base, size_t position, hk_error *err)
{
    const hk__ids *ids = &base->ids;
    const void *place = ids->full    ? (const void *)&ids->full[position]
                        : ids->above ? (const void *)&ids->above[position]
                                     : NULL;
    if (place && !hk__seal_holds(base->seal, place))
        return hk__seal_fail(base->seal, place, err);
    if (ids->first && !hk__seal_holds(base->seal, &ids->first[position >> HK__IDS_SHIFT]))
        return hk__seal_fail(base->seal, &ids->first[position >> HK__IDS_SHIFT], err);
    *out = hk__ids_at(ids, position);
    return HK_OK;
}

hk_status hk__base_positions(size_t *first, size_t *end, const hk__base *base, uint32_t id,
                             hk_error *err)
{
    size_t low = 0, high = base->count;
    uint32_t there;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        hk_status status = hk__base_id(&there, base, middle, err);
        if (status)
            return status;
        if (there < id)
            low = middle + 1;
        else
            high = middle;
    }
    size_t past = low;
    for (; past < base->count; past++) {
        hk_status status = hk__base_id(&there, base, past, err);
        if (status)
            return status;
        if (there != id)
            break;
    }
    *first = low;
    *end = past;
    return HK_OK;
}
