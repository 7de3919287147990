/* SPDX-License-Identifier: GPL-3.0-or-later */
/* merge.c - see merge.h. */
#include "index/merge.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/numbers.h"

#include <stdlib.h>
#include <string.h>

/* Copies what lives, base first: hashes[] and ids[] have room for all of it. */
static hk_status gather_hashes(hk_hash *hashes, uint32_t *ids, const hk__base *base,
                               const hk__changes *c, hk_error *err)
{
    size_t at = 0, gone = 0;
    if (base->seal && !hk__seal_check(base->seal, base->hashes, base->count * sizeof(hk_hash)))
        return hk__seal_fail(base->seal, base->hashes, err);
    for (size_t p = 0; p < base->count; p++) {
        if (c && gone < c->gone_count && c->gone[gone] == p) {
            gone++;
            continue;
        }
        hk_status status = hk__base_id(&ids[at], base, p, err);
        if (status)
            return status;
        hashes[at++] = base->hashes[p];
    }
    for (size_t a = 0; c && a < c->added; a++) {
        if (hk__is_among((uint32_t)a, c->dead, c->dead_count))
            continue;
        ids[at] = c->block[a / HK__CHANGES_BLOCK]->id[a % HK__CHANGES_BLOCK];
        hashes[at++] = c->block[a / HK__CHANGES_BLOCK]->hash[a % HK__CHANGES_BLOCK];
    }
    return HK_OK;
}

/* The digests of one sort that live; both arrays are the caller's to free, whatever happens. */
static hk_status gather_digests(uint8_t **bytes, uint32_t **ids, size_t *count, hk_basis basis,
                                const hk__base *base, const hk__changes *c, hk_error *err)
{
    const size_t size = hk__digest_size(basis),
                 in_base = hk__digest_table_count(base->digests[basis]);
    const size_t added = c ? c->digest_count[basis] : 0;
    size_t at = 0;
    *bytes = hk__alloc(in_base + added, size);
    *ids = hk__alloc(in_base + added, sizeof **ids);
    if (!*bytes || !*ids)
        return hk__fail_memory(err);
    for (size_t d = 0; d < in_base; d++) {
        uint32_t id;
        const uint8_t *digest;
        hk_status status = hk__digest_table_at(&digest, &id, base->digests[basis], d, err);
        if (status)
            return status;
        if (c && hk__is_among(id, c->gone_ids, c->gone_id_count))
            continue;
        memcpy(*bytes + at * size, digest, size);
        (*ids)[at++] = id;
    }
    for (size_t d = 0; d < added; d++) {
        memcpy(*bytes + at * size, c->digest[basis][d].bytes, size);
        (*ids)[at++] = c->digest[basis][d].id;
    }
    *count = at;
    return HK_OK;
}

hk_status hk__merge(hk_index **out, const hk_index *view, unsigned threads, hk_error *err)
{
    static const char *const engines[] = {"auto", "flat", "mih"};
    const hk__base *base = view->base;
    const hk__changes *c = view->changes;
    const size_t count = hk_index_count(view);
    uint8_t *bytes[HK_BASIS_PDQ] = {NULL};
    uint32_t *ids[HK_BASIS_PDQ] = {NULL};
    hk_hash *hashes = hk__alloc_aligned(count, sizeof *hashes);
    uint32_t *hash_ids = hk__alloc_aligned(count, sizeof *hash_ids);
    hk_index_source source = {.hashes = hashes, .hash_ids = hash_ids, .hash_count = count};
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engines[base->recipe.engine];
    options.max_distance = base->recipe.max_distance;
    options.bytes_per_hash = base->recipe.bytes_per_hash;
    options.threads = threads;
    hk_index *merged = NULL;
    hk_status status = hashes && hash_ids ? HK_OK : hk__fail_memory(err);
    if (!status)
        status = gather_hashes(hashes, hash_ids, base, c, err);
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++) {
        status = gather_digests(&bytes[basis], &ids[basis], &source.digest_count[basis],
                                (hk_basis)basis, base, c, err);
        source.digests[basis] = bytes[basis];
        source.digest_ids[basis] = ids[basis];
    }
    if (!status)
        status = hk_index_build_from(&merged, &source, &options, err);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        hk__free(bytes[basis]);
        hk__free(ids[basis]);
    }
    hk__free(hashes);
    hk__free(hash_ids);
    if (status)
        return status;
    merged->base->next_id = c ? c->next_id : base->next_id; /* of what was removed, too */
    *out = merged;
    return HK_OK;
}
