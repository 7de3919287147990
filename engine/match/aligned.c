/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aligned.c - see aligned.h. */
#include "match/aligned.h"

#include "align/align.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/hash_of.h"

#include <stdlib.h>
#include <string.h>

/* One view as it is looked up in one list. */
typedef struct search {
    hk_aligner *aligner;
    const hk__sight *sights;
    size_t count;
    const hk__source *from;
    const hk__look *look;
    uint32_t view;
} search;

void hk__judge_room_clear(hk__judge_room *room)
{
    hk_aligner_free(room->aligner);
    *room = (hk__judge_room){0};
}

/* ---- candidates ---------------------------------------------------------------------------- */

/* The hits of one entry. */
typedef struct candidate {
    const hk_hit *hits;
    size_t count;
} candidate;

static int by_distance(const void *a, const void *b)
{
    const hk_hit *x = ((const candidate *)a)->hits, *y = ((const candidate *)b)->hits;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Sorts the hits into entries, the nearest first; *out is owned. */
static hk_status choose(candidate **out, size_t *kept, hk_hit *hits, size_t count, hk_error *err)
{
    candidate *candidates = hk__alloc(count + 1, sizeof *candidates);
    size_t entries = 0;
    if (!candidates)
        return hk__fail_memory(err);
    if (count)
        qsort(hits, count, sizeof *hits, hk__hits_by_entry);
    for (size_t i = 0; i < count; i++) {
        if (!i || hits[i].item != hits[i - 1].item)
            candidates[entries++].hits = &hits[i];
        candidates[entries - 1].count++;
    }
    if (entries)
        qsort(candidates, entries, sizeof *candidates, by_distance);
    *out = candidates;
    *kept = entries < HK__CANDIDATES ? entries : HK__CANDIDATES;
    return HK_OK;
}

/* ---- finds --------------------------------------------------------------------------------- */

static unsigned mean_of(const hk__find *f)
{
    return hk__mean_distance(f->before, f->distance);
}

/* An entry that several views or hashes come to stands by the nearest. */
static hk_status keep(hk__finds *all, const hk__find *one, hk_error *err)
{
    for (size_t i = 0; i < all->count; i++) {
        hk__find *f = &all->find[i];
        if (!f->aligned || f->source != one->source || f->entry != one->entry)
            continue;
        if (mean_of(one) < mean_of(f))
            *f = *one;
        return HK_OK;
    }
    return hk__finds_add(all, one, err);
}

/* Walks from one probe to one hash of an entry. */
static hk_status refine(hk__finds *all, const search *s, const hk_hit *hit, const hk_hash *hash,
                        hk_error *err)
{
    hk__sight at = s->sights[hit->query];
    const unsigned distance = hk__aligner_refine(&at, s->aligner, hash);
    hk__find one = {.source = s->from,
                    .entry = hit->item,
                    .basis = HK_BASIS_PDQ,
                    .distance = distance,
                    .query = s->view * HK__VIEW_QUERIES,
                    .aligned = true,
                    .probe = at.probe,
                    .orientation = at.orientation,
                    .inverted = at.inverted,
                    .placement = at.frame,
                    .before = hit->distance};
    if ((int)mean_of(&one) > s->look->aligned)
        return HK_OK;
    hk_status status = hk__list_cut_at(&one.cut, s->from->list, hit->item, hash, 0, err);
    return status ? status : keep(all, &one, err);
}

static bool has(const hk_hash *hashes, size_t count, const hk_hash *one)
{
    for (size_t i = 0; i < count; i++)
        if (!hk_hash_distance(&hashes[i], one))
            return true;
    return false;
}

static hk_status refine_entry(hk__finds *all, const search *s, const candidate *entry,
                              hk_error *err)
{
    hk_hash tried[HK__HASHES_OF_CANDIDATE];
    size_t count = 0;
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < entry->count && count < HK__HASHES_OF_CANDIDATE; i++) {
        const hk_hit *hit = &entry->hits[i];
        hk_hash hash;
        status =
            hk__index_hash_of(&hash, s->from->index, hit->item, &s->sights[hit->query].hash, err);
        if (status || has(tried, count, &hash))
            continue;
        tried[count++] = hash;
        status = refine(all, s, hit, &hash, err);
    }
    return status;
}

static unsigned reach(const hk__look *look)
{
    const unsigned widest = 2 * (unsigned)look->aligned;
    return widest < HK_CANDIDATE_RADIUS ? widest : HK_CANDIDATE_RADIUS;
}

static hk_status search_list(hk__finds *all, const search *s, hk_error *err)
{
    hk_hash probes[HK__SIGHTS_MOST];
    hk_hits hits;
    for (size_t i = 0; i < s->count; i++)
        probes[i] = s->sights[i].hash;
    hk_status status = hk_index_within(&hits, s->from->index, probes, s->count, reach(s->look),
                                       HK__CANDIDATES_OF_PROBE, err);
    if (status)
        return status;
    candidate *candidates = NULL;
    size_t count = 0;
    status = hk__finds_exact(s->from, &hits, err);
    if (!status)
        status = choose(&candidates, &count, hits.hit, hits.count, err);
    for (size_t i = 0; !status && i < count; i++)
        status = refine_entry(all, s, &candidates[i], err);
    hk__free(candidates);
    hk_hits_free(&hits);
    return status;
}

static hk_status look_through(hk__finds *all, hk__look *look, const hk__judge_room *room,
                              const hk_matcher *matcher, const hk__evidence *evidence, size_t v,
                              hk_error *err)
{
    const hk__view *view = &evidence->views[v];
    hk_status status = hk_aligner_take(room->aligner, view->raster, view->raster_width,
                                       view->raster_height, matcher->probes, err);
    if (status)
        return status;
    search s = {.aligner = room->aligner, .look = look, .view = (uint32_t)v};
    s.sights = hk__aligner_sights(&s.count, s.aligner);
    if (!s.count)
        look->aligned = -1;
    for (size_t l = 0; !status && s.count && l < matcher->count; l++) {
        s.from = &matcher->sources[l];
        if (s.from->known_good || !hk_index_count(s.from->index))
            continue;
        status = hk__list_searched(s.from->list, search_list(all, &s, err), err);
    }
    return status;
}

hk_status hk__finds_aligned(hk__finds *all, hk__look *looks, hk__judge_room *room,
                            const hk_matcher *matcher, const hk__evidence *evidence, hk_error *err)
{
    enum { DIGEST, NEAR };
    hk_status status = HK_OK;
    if (all->in_known[DIGEST] || all->in_known[NEAR] || !matcher->hashes[0])
        return HK_OK;
    for (size_t v = 0; !status && v < evidence->view_count; v++) {
        if (looks[v].aligned < 0)
            continue;
        if (!room->aligner)
            status = hk_aligner_new(&room->aligner, err);
        if (!status)
            status = look_through(all, &looks[v], room, matcher, evidence, v, err);
    }
    return status;
}
