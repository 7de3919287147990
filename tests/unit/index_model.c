/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index_model.c - see index_model.h. */
#include "index_model.h"

#include "core/digest.h"
#include "index/view.h"

#include <stdlib.h>
#include <string.h>

/* ---- the model ----------------------------------------------------------------------------- */

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    return realloc(array, *room * size);
}

void model_add(model *m, hk_hash hash, uint32_t id)
{
    size_t room = m->room;
    m->hash = grow(m->hash, m->count, &room, sizeof *m->hash);
    m->id = grow(m->id, m->count, &m->room, sizeof *m->id);
    m->hash[m->count] = hash;
    m->id[m->count++] = id;
}

void model_add_digest(model *m, hk_basis basis, const uint8_t *bytes, uint32_t id)
{
    const size_t at = m->digest_count[basis]++;
    m->digest[basis] = grow(m->digest[basis], at, &m->digest_room[basis], sizeof **m->digest);
    m->digest[basis][at] = (model_digest){.id = id};
    memcpy(m->digest[basis][at].bytes, bytes, hk__digest_size(basis));
}

static void model_remove(model *m, uint32_t id)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->id[i] != id) {
            m->hash[kept] = m->hash[i];
            m->id[kept++] = m->id[i];
        }
    m->count = kept;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        kept = 0;
        for (size_t i = 0; i < m->digest_count[basis]; i++)
            if (m->digest[basis][i].id != id)
                m->digest[basis][kept++] = m->digest[basis][i];
        m->digest_count[basis] = kept;
    }
}

void model_apply(model *m, const hk_index_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        switch (changes[i].kind) {
        case HK_CHANGE_ADD_HASH:
            model_add(m, changes[i].hash, changes[i].id);
            break;
        case HK_CHANGE_ADD_DIGEST:
            model_add_digest(m, changes[i].basis, changes[i].digest, changes[i].id);
            break;
        case HK_CHANGE_REMOVE:
            model_remove(m, changes[i].id);
            break;
        }
}

model model_copy(const model *m)
{
    model copy = {0};
    for (size_t i = 0; i < m->count; i++)
        model_add(&copy, m->hash[i], m->id[i]);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (size_t i = 0; i < m->digest_count[basis]; i++)
            model_add_digest(&copy, (hk_basis)basis, m->digest[basis][i].bytes,
                             m->digest[basis][i].id);
    return copy;
}

void model_free(model *m)
{
    free(m->hash);
    free(m->id);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        free(m->digest[basis]);
    *m = (model){0};
}

void model_queries(hk_hash out[MODEL_QUERIES], uint64_t seed)
{
    seed ^= UINT64_C(0x517cc1b727220a95);
    for (int q = 0; q < MODEL_QUERIES; q++)
        out[q] = random_hash(&seed);
}

model model_of(size_t count, size_t digests, id_form form, uint64_t seed)
{
    model m = {0};
    hk_hash centre[MODEL_QUERIES];
    model_queries(centre, seed);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        const hk_hash hash = r & 1 ? at_distance(&centre[r >> 1 & 3], r >> 8 & 63, &seed)
                             : r >> 4 & 7 || !i ? random_hash(&seed)
                                                : m.hash[(r >> 8) % i];
        const uint32_t id = form == IDS_NONE    ? (uint32_t)i
                            : form == IDS_CLOSE ? (uint32_t)(1000 + (r >> 16) % (2 * count))
                                                : (uint32_t)(r >> 32) & ~UINT32_C(0xfff);
        model_add(&m, hash, id);
    }
    for (size_t i = 0; i < digests; i++)
        for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
            uint64_t value[4];
            for (int w = 0; w < 4; w++)
                value[w] = next_random(&seed);
            const uint64_t r = value[1];
            const uint32_t id = (uint32_t)(value[2] % 3000);
            if (i && r % 8 == 0) /* again */
                memcpy(value, m.digest[basis][value[0] % i].bytes, sizeof value);
            model_add_digest(&m, (hk_basis)basis, (const uint8_t *)value, id);
        }
    return m;
}

typedef struct packed {
    hk_index_source source;
    uint8_t *bytes[HK_BASIS_PDQ];
    uint32_t *ids[HK_BASIS_PDQ];
} packed;

static packed pack(const model *m, id_form form)
{
    packed p = {.source = {.hashes = m->hash,
                           .hash_ids = form == IDS_NONE ? NULL : m->id,
                           .hash_count = m->count}};
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        const size_t size = hk__digest_size((hk_basis)basis), count = m->digest_count[basis];
        p.bytes[basis] = malloc(count * size + 1);
        p.ids[basis] = malloc((count + 1) * sizeof(uint32_t));
        for (size_t i = 0; i < count; i++) {
            memcpy(p.bytes[basis] + i * size, m->digest[basis][i].bytes, size);
            p.ids[basis][i] = m->digest[basis][i].id;
        }
        p.source.digests[basis] = p.bytes[basis];
        p.source.digest_ids[basis] = p.ids[basis];
        p.source.digest_count[basis] = count;
    }
    return p;
}

static void unpack(packed *p)
{
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        free(p->bytes[basis]);
        free(p->ids[basis]);
    }
}

hk_status model_build(hk_index **out, const model *m, id_form form, const char *engine,
                      hk_error *err)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engine;
    packed p = pack(m, form);
    const hk_status status = hk_index_build_from(out, &p.source, &options, err);
    unpack(&p);
    return status;
}

hk_status build_small_tables(hk_index **out, const model *m, id_form form)
{
    hk_index *index;
    hk_status status = model_build(&index, m, form, "flat", NULL);
    if (status)
        return status;
    status = hk__mih_build(&index->base->mih, index->base->hashes, m->count, 11, 8, 1, NULL);
    if (status) {
        hk_index_free(index);
        return status;
    }
    index->engine = HK__ENGINE_MIH;
    *out = index;
    return HK_OK;
}

/* ---- answers ------------------------------------------------------------------------------- */

static int by_distance(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

hk_hits model_within(const model *m, const hk_hash *queries, size_t query_count, unsigned radius,
                     size_t max_hits)
{
    hk_hits hits = {malloc((m->count * query_count + 1) * sizeof *hits.hit), 0, false, false};
    for (size_t q = 0; q < query_count; q++) {
        hk_hit *mine = hits.hit + hits.count;
        size_t n = 0;
        for (size_t i = 0; i < m->count; i++) {
            const unsigned distance = hk_hash_distance(&m->hash[i], &queries[q]);
            if (distance <= radius)
                mine[n++] = (hk_hit){(uint32_t)q, m->id[i], distance};
        }
        qsort(mine, n, sizeof *mine, by_distance);
        if (max_hits && n > max_hits) {
            n = max_hits;
            hits.truncated = true;
        }
        hits.count += n;
    }
    return hits;
}

bool same_hits(const hk_hits *a, const hk_hits *b)
{
    return a->count == b->count && a->truncated == b->truncated &&
           (a->count == 0 || !memcmp(a->hit, b->hit, a->count * sizeof *a->hit));
}

static bool hits_agree(const model *m, const hk_index *index, const hk_hash *queries, size_t count,
                       unsigned radius, size_t max_hits)
{
    hk_hits hits;
    if (hk_index_within(&hits, index, queries, count, radius, max_hits, NULL))
        return false;
    hk_hits expected = model_within(m, queries, count, radius, max_hits);
    const bool same = same_hits(&hits, &expected) && !hits.approximate;
    free(expected.hit);
    hk_hits_free(&hits);
    return same;
}

static bool nearest_agrees(const model *m, const hk_index *index, const hk_hash *queries,
                           size_t count, size_t k)
{
    hk_hits hits;
    if (hk_index_nearest(&hits, index, queries, count, k, NULL))
        return false;
    hk_hits expected = model_within(m, queries, count, HK_HASH_BITS, k);
    expected.truncated = false;
    const bool same = same_hits(&hits, &expected);
    free(expected.hit);
    hk_hits_free(&hits);
    return same;
}

static bool digest_agrees(const model *m, const hk_index *index, hk_basis basis,
                          const uint8_t *digest)
{
    uint32_t *ids, *expected = malloc((m->digest_count[basis] + 1) * sizeof *expected);
    size_t count, wanted = 0;
    for (size_t i = 0; i < m->digest_count[basis]; i++)
        if (!memcmp(m->digest[basis][i].bytes, digest, hk__digest_size(basis)))
            expected[wanted++] = m->digest[basis][i].id;
    qsort(expected, wanted, sizeof *expected, by_number);
    bool same = !hk_index_find_digest(&ids, &count, index, basis, digest, NULL);
    if (same) {
        same = count == wanted && (count ? !memcmp(ids, expected, count * sizeof *ids) : !ids);
        free(ids);
    }
    free(expected);
    return same;
}

bool model_agrees(const model *m, const hk_index *index, uint64_t seed)
{
    static const struct {
        unsigned radius;
        size_t bound;
    } asked[] = {{0, 0}, {20, 0}, {31, 0}, {31, 3}, {90, 50}, {256, 0}, {256, 7}};
    hk_hash queries[MODEL_QUERIES + 4];
    model_queries(queries, seed);
    for (int q = 0; q < 4; q++)
        queries[MODEL_QUERIES + q] =
            m->count ? m->hash[next_random(&seed) % m->count] : random_hash(&seed);
    if (hk_index_count(index) != m->count || !nearest_agrees(m, index, queries, 3, 4) ||
        !nearest_agrees(m, index, queries + MODEL_QUERIES, 2, 1))
        return false;
    for (size_t a = 0; a < COUNT_OF(asked); a++) {
        if (!hits_agree(m, index, queries, COUNT_OF(queries), asked[a].radius, asked[a].bound) ||
            !hits_agree(m, index, queries + MODEL_QUERIES, 1, asked[a].radius, asked[a].bound))
            return false;
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (int i = 0; i < 12; i++) {
            const uint64_t r = next_random(&seed);
            uint8_t digest[32] = {(uint8_t)r, (uint8_t)(r >> 8)};
            if (i && m->digest_count[basis])
                memcpy(digest, m->digest[basis][r % m->digest_count[basis]].bytes, sizeof digest);
            if (!digest_agrees(m, index, (hk_basis)basis, digest))
                return false;
        }
    return true;
}
