/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.c - making an index in memory, and the doors of herken.h to searching one. */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/numbers.h"
#include "index/plan.h"
#include "index/search.h"
#include "index/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- views --------------------------------------------------------------------------------- */

static const char *const engine_names[] = {"auto", "flat", "mih"};

static const char *engine_of(const hk_index *index)
{
    return index->spec ? index->spec : engine_names[index->engine];
}

hk_status hk__engine_parse(hk__engine *out, const char **spec, const hk_index_options **given,
                           hk_error *err)
{
    static const hk_index_options defaults = HK_INDEX_OPTIONS_INIT;
    const hk_index_options *options = *given = *given ? *given : &defaults;
    const char *name = options->engine ? options->engine : "auto";
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "index options without their INIT");
    if (options->max_distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "the radius to be fastest at is 0 to 256 bits, not %u",
                        options->max_distance);
    *spec = NULL;
    if (!strncmp(name, "faiss:", 6)) {
        *spec = name + 6;
        *out = HK__ENGINE_FAISS;
        return HK_OK;
    }
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, engine_names[i])) {
            *out = (hk__engine)i;
            return HK_OK;
        }
    return hk__fail(
        err, HK_ERR_USAGE,
        "no engine '%s': auto, flat, mih, or faiss: and a factory string of FAISS, such "
        "as faiss:BFlat",
        name);
}

static unsigned thread_count(unsigned wanted)
{
    if (wanted)
        return wanted;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 0 ? (unsigned)processors : 1;
}

hk_status hk__view_new(hk_index **out, hk__base *base, hk__changes *changes,
                       const hk_index_options *options, hk_error *err)
{
    const char *spec;
    hk_index *index = hk__alloc(1, sizeof *index);
    hk_status status = index ? HK_OK : hk__fail_memory(err);
    if (!status)
        status = hk__engine_parse(&index->engine, &spec, &options, err);
    if (!status && spec) {
        index->spec = hk__strndup(options->engine, strlen(options->engine));
        status = index->spec ? HK_OK : hk__fail_memory(err);
    }
    if (status) {
        hk__free(index);
        hk__base_release(base);
        hk__changes_release(changes);
        return status;
    }
    index->base = base;
    index->changes = changes;
    index->threads = thread_count(options->threads);
    *out = index;
    return HK_OK;
}

hk_status hk__index_changed(hk_index **out, const hk_index *index, const hk_index_change *changes,
                            size_t count, hk_error *err)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk__changes *before = NULL, *after;
    options.engine = engine_of(index);
    options.threads = index->threads;
    if (index->changes && !(before = hk__changes_branch(index->changes)))
        return hk__fail_memory(err);
    hk_status status = hk__changes_apply(&after, before, index->base, changes, count, err);
    hk__changes_release(before);
    return status ? status : hk__view_new(out, hk__base_hold(index->base), after, &options, err);
}

void hk_index_free(hk_index *index)
{
    if (!index)
        return;
    hk__base_release(index->base);
    hk__changes_release(index->changes);
    hk__free(index->spec);
    hk__free(index);
}

size_t hk_index_count(const hk_index *index)
{
    return hk__changes_count(index->changes, index->base);
}

/* Looks through all of them where ids were removed: nothing finds a digest by its id. */
static size_t count_digests(const hk_index *index, hk_basis basis)
{
    const hk__digest_table *table = index->base->digests[basis];
    const hk__changes *changes = index->changes;
    const size_t in_base = hk__digest_table_count(table);
    size_t count = in_base + (changes ? changes->digest_count[basis] : 0);
    for (size_t d = 0; changes && changes->gone_id_count && d < in_base; d++)
        count -= hk__changes_removed(changes, hk__digest_table_items(table)[d]);
    return count;
}

void hk_index_describe(hk_index_info *out, const hk_index *index)
{
    const hk__base *base = index->base;
    const hk__changes *changes = index->changes;
    *out = (hk_index_info){.engine = engine_of(index),
                           .hashes = hk_index_count(index),
                           .tables = base->mih.tables,
                           .tag_bits = base->mih.tables ? base->mih.tag_bits : 0,
                           .mapped = base->map != NULL,
                           .next_id = changes ? changes->next_id : base->next_id,
                           .added = changes ? changes->added - changes->dead_count : 0,
                           .removed = changes ? changes->gone_count : 0};
    if (base->mih.tables)
        out->group_bits = hk__mask_width(base->mih.table[0].slot.group);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        out->digests[basis] = count_digests(index, (hk_basis)basis);
    if (base->map) {
        out->bytes = base->map_size;
        return;
    }
    out->bytes = base->count * sizeof *base->hashes + hk__mih_bytes(&base->mih);
    if (base->faiss)
        out->bytes = hk__faiss_bytes(base->faiss);
    if (base->ids.full)
        out->bytes += base->count * sizeof *base->ids.full;
    if (base->ids.above)
        out->bytes += base->count * sizeof *base->ids.above + base->count / HK__IDS_BLOCK * 4;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        out->bytes += hk__digest_table_count(base->digests[basis]) *
                      (hk__digest_size((hk_basis)basis) + sizeof(uint32_t));
}

/* ---- making one ---------------------------------------------------------------------------- */

typedef struct numbered {
    uint32_t id, position;
} numbered;

static int by_id(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static bool are_ascending(const uint32_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ids[i] < ids[i - 1])
            return false;
    return true;
}

/* ids, ascending, in the form that takes least room. */
static hk_status keep_ids(hk__ids *out, const uint32_t *ids, size_t count, hk_error *err)
{
    if (!hk__ids_are_close(ids, count)) {
        uint32_t *full = hk__alloc_aligned(count, sizeof *full);
        if (!full)
            return hk__fail_memory(err);
        memcpy(full, ids, count * sizeof *full);
        out->full = full;
        return HK_OK;
    }
    uint32_t *first = hk__alloc_aligned(count / HK__IDS_BLOCK + 1, sizeof *first);
    uint16_t *above = hk__alloc_aligned(count, sizeof *above);
    if (!first || !above) {
        hk__free(first);
        hk__free(above);
        return hk__fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        if (i % HK__IDS_BLOCK == 0)
            first[i >> HK__IDS_SHIFT] = ids[i];
        above[i] = (uint16_t)(ids[i] - first[i >> HK__IDS_SHIFT]);
    }
    out->first = first;
    out->above = above;
    return HK_OK;
}

/* Copies hashes and ids into the base, by ascending id. */
static hk_status keep_hashes(hk__base *base, const hk_index_source *source, hk_error *err)
{
    const size_t count = source->hash_count;
    const uint32_t *ids = source->hash_ids;
    hk_hash *hashes = hk__alloc_aligned(count, sizeof *hashes);
    if (!hashes)
        return hk__fail_memory(err);
    base->hashes = hashes;
    base->count = count;
    if (!ids || are_ascending(ids, count)) {
        if (count)
            memcpy(hashes, source->hashes, count * sizeof *hashes);
        return ids ? keep_ids(&base->ids, ids, count, err) : HK_OK;
    }
    numbered *order = hk__alloc(count, sizeof *order);
    uint32_t *sorted = hk__alloc(count, sizeof *sorted);
    hk_status status = order && sorted ? HK_OK : hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++)
        order[i] = (numbered){ids[i], (uint32_t)i};
    if (!status)
        qsort(order, count, sizeof *order, by_id);
    for (size_t i = 0; !status && i < count; i++) {
        hashes[i] = source->hashes[order[i].position];
        sorted[i] = order[i].id;
    }
    if (!status)
        status = keep_ids(&base->ids, sorted, count, err);
    hk__free(order);
    hk__free(sorted);
    return status;
}

static hk_status make_tables(hk__base *base, const hk_index_options *options, hk__engine engine,
                             hk_error *err)
{
    if (engine == HK__ENGINE_FLAT || base->count == 0)
        return HK_OK;
    const double whole =
        options->bytes_per_hash ? options->bytes_per_hash : hk__plan_budget(base->count);
    const double ids =
        base->ids.full ? 4 : 2 + 4.0 / HK__IDS_BLOCK; /* they may come with a merge */
    hk__plan plan =
        hk__plan_tables(base->count, options->max_distance, whole - sizeof(hk_hash) - ids);
    if (engine == HK__ENGINE_MIH && plan.tables == 0) /* asked for, cheaper or not */
        plan = (hk__plan){HK__SLOTS_MIN, HK_HASH_BITS / HK__SLOTS_MIN - HK__TAG_BITS_MAX};
    if (plan.tables == 0)
        return HK_OK;
    return hk__mih_build(&base->mih, base->hashes, base->count, plan.tables, plan.group_bits,
                         thread_count(options->threads), err);
}

static uint64_t next_id(const hk_index_source *source)
{
    uint64_t next = source->hash_ids ? 0 : source->hash_count;
    for (size_t i = 0; source->hash_ids && i < source->hash_count; i++)
        if (source->hash_ids[i] >= next)
            next = (uint64_t)source->hash_ids[i] + 1;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (size_t i = 0; i < source->digest_count[basis]; i++)
            if (source->digest_ids[basis][i] >= next)
                next = (uint64_t)source->digest_ids[basis][i] + 1;
    return next;
}

static hk_status make_digests(hk__base *base, const hk_index_source *source, hk_error *err)
{
    hk_status status = HK_OK;
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
        if (source->digest_count[basis])
            status = hk__digest_table_new(&base->digests[basis], hk__digest_size((hk_basis)basis),
                                          source->digests[basis], source->digest_ids[basis],
                                          source->digest_count[basis], err);
    return status;
}

hk_status hk_index_build_from(hk_index **out, const hk_index_source *source,
                              const hk_index_options *options, hk_error *err)
{
    hk__engine engine;
    const char *spec;
    hk_status status = hk__engine_parse(&engine, &spec, &options, err);
    if (status)
        return status;
    if (source->hash_count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "an index holds at most %u hashes", UINT32_MAX);
    hk__base *base = hk__alloc(1, sizeof *base);
    if (!base)
        return hk__fail_memory(err);
    base->holders = 1;
    base->next_id = next_id(source);
    /* Beside a FAISS index tables would only take room. */
    base->recipe = (hk__recipe){engine == HK__ENGINE_FAISS ? HK__ENGINE_FLAT : engine,
                                options->max_distance, options->bytes_per_hash};
    status = keep_hashes(base, source, err);
    if (!status && spec)
        status = hk__faiss_build(&base->faiss, options->faiss_module, spec, base->hashes,
                                 base->count, err);
    else if (!status)
        status = make_tables(base, options, engine, err);
    if (!status)
        status = make_digests(base, source, err);
    if (status) {
        hk__base_release(base);
        return status;
    }
    return hk__view_new(out, base, NULL, options, err);
}

hk_status hk_index_build(hk_index **out, const hk_hash *hashes, size_t count,
                         const hk_index_options *options, hk_error *err)
{
    const hk_index_source source = {.hashes = hashes, .hash_count = count};
    return hk_index_build_from(out, &source, options, err);
}

/* ---- searching ----------------------------------------------------------------------------- */

void hk_hits_free(hk_hits *hits)
{
    if (!hits)
        return;
    hk__free(hits->hit);
    memset(hits, 0, sizeof *hits);
}

hk_status hk_index_within(hk_hits *out, const hk_index *index, const hk_hash *queries,
                          size_t query_count, unsigned max_distance, size_t max_hits, hk_error *err)
{
    if (max_distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "max_distance is 0 to 256 bits, not %u", max_distance);
    if (query_count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "at most %u queries at once", UINT32_MAX);
    return hk__search(out, index, queries, query_count, max_distance, max_hits, err);
}

hk_status hk_index_nearest(hk_hits *out, const hk_index *index, const hk_hash *queries,
                           size_t query_count, size_t k, hk_error *err)
{
    enum { NEAR = 31 }; /* where the tables are quick; what lies further is for a scan */
    if (k == 0)
        return hk__fail(err, HK_ERR_USAGE, "k must be at least 1");
    hk_hits hits;
    if (index->base->mih.tables && k <= hk_index_count(index)) {
        hk_status status = hk_index_within(&hits, index, queries, query_count, NEAR, k, err);
        if (status)
            return status;
        if (hits.count == query_count * k) {
            hits.truncated = false; /* k is what was asked for */
            *out = hits;
            return HK_OK;
        }
        hk_hits_free(&hits);
    }
    hk_status status = hk_index_within(&hits, index, queries, query_count, HK_HASH_BITS, k, err);
    if (!status) {
        hits.truncated = false;
        *out = hits;
    }
    return status;
}

hk_status hk_index_find_digest(uint32_t **out, size_t *count, const hk_index *index, hk_basis basis,
                               const uint8_t *digest, hk_error *err)
{
    if ((unsigned)basis >= HK_BASIS_PDQ)
        return hk__fail(err, HK_ERR_USAGE, "digests are MD5, SHA-1 or SHA-256");
    const hk__digest_table *table = index->base->digests[basis];
    const hk__changes *changes = index->changes;
    const uint32_t *in_base = NULL;
    size_t base_count = 0;
    hk_status status =
        table ? hk__digest_table_find(&in_base, &base_count, table, digest, err) : HK_OK;
    if (status)
        return status;
    const size_t most = base_count + (changes ? changes->digest_count[basis] : 0);
    uint32_t *ids = most ? hk__alloc(most, sizeof *ids) : NULL; /* the caller's, to free() */
    if (most && !ids)
        return hk__fail_memory(err);
    size_t found = 0;
    for (size_t i = 0; i < base_count; i++)
        if (!changes || !hk__changes_removed(changes, in_base[i]))
            ids[found++] = in_base[i];
    if (changes && ids)
        found += hk__changes_find_digest(ids + found, changes, basis, digest);
    if (found > 1)
        qsort(ids, found, sizeof *ids, hk__by_number);
    if (found == 0) {
        free(ids);
        ids = NULL;
    }
    *out = ids;
    *count = found;
    return HK_OK;
}
