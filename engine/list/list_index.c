/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_index.c - a list as an index, and as additions to one. */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"

#include <string.h>

/* A list from a store has its index, and no columns to make another of. */
static hk_status check_columns(const hk_list *list, hk_error *err)
{
    return list->index
               ? hk__fail(
                     err, HK_ERR_USAGE,
                     "the list %s is from a store: it has an index, and no other is made of it",
                     list->name)
               : HK_OK;
}

hk_status hk_list_index(hk_index **out, const hk_list *list, const hk_index_options *options,
                        hk_error *err)
{
    hk_status status = check_columns(list, err);
    if (status)
        return status;
    hk_index_source source = {
        .hashes = list->hashes, .hash_ids = list->hash_entry, .hash_count = list->hash_count};
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        source.digests[basis] = list->digests[basis].bytes;
        source.digest_ids[basis] = list->digests[basis].entry;
        source.digest_count[basis] = list->digests[basis].count;
    }
    return hk_index_build_from(out, &source, options, err);
}

hk_status hk_list_changes(hk_index_change **out, size_t *count, const hk_list *list,
                          uint64_t first_id, hk_error *err)
{
    size_t total = list->hash_count, at = 0;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        total += list->digests[basis].count;
    hk_status status = check_columns(list, err);
    if (status)
        return status;
    if (first_id > UINT32_MAX || list->count > UINT32_MAX - first_id)
        return hk__fail(err, HK_ERR_LIMIT, "ids end at %u: make the index anew", UINT32_MAX);
    hk_index_change *changes = hk__alloc(total, sizeof *changes); /* the caller's, to free() */
    if (!changes)
        return hk__fail_memory(err);
    for (size_t i = 0; i < list->hash_count; i++)
        changes[at++] = (hk_index_change){.kind = HK_CHANGE_ADD_HASH,
                                          .id = (uint32_t)first_id + list->hash_entry[i],
                                          .hash = list->hashes[i]};
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        const hk__digest_column *column = &list->digests[basis];
        const size_t size = hk__digest_size((hk_basis)basis);
        for (size_t i = 0; i < column->count; i++, at++) {
            changes[at] = (hk_index_change){.kind = HK_CHANGE_ADD_DIGEST,
                                            .id = (uint32_t)first_id + column->entry[i],
                                            .basis = (hk_basis)basis};
            memcpy(changes[at].digest, column->bytes + i * size, size);
        }
    }
    *out = changes;
    *count = total;
    return HK_OK;
}
