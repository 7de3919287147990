/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * finds.c - see finds.h.
 *
 * The bound on matches holds in each search anew, so that what fills one list's share never hides
 * what another list has. Words are looked up last: in a store that is a query for each.
 */
#include "match/finds.h"

#include "align/align.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>

/* ---- finding ------------------------------------------------------------------------------- */

hk_status hk__finds_add(hk__finds *all, const hk__find *one, hk_error *err)
{
    const bool near = one->basis == HK_BASIS_PDQ;
    if (all->count == all->capacity) {
        const size_t wanted = all->capacity ? all->capacity * 2 : 8;
        hk__find *grown = hk__realloc(all->find, wanted, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        all->find = grown;
        all->capacity = wanted;
    }
    all->find[all->count++] = *one;
    *(one->source->known_good ? &all->in_good[near] : &all->in_known[near]) = true;
    return HK_OK;
}

static hk_status look_up_digest(hk__finds *all, const hk_matcher *matcher, const hk__source *from,
                                hk_basis basis, const hk_digests *digests, hk_error *err)
{
    uint32_t *entries;
    size_t count;
    hk_status status = hk_index_find_digest(&entries, &count, from->index, basis,
                                            hk__digest_bytes(digests, basis), err);
    if (status)
        return status;
    for (size_t i = 0; !status && i < count; i++) {
        if (matcher->max_matches && i == matcher->max_matches) {
            all->truncated = true; /* those are of equal worth, and enough */
            break;
        }
        const hk__find one = {.source = from, .entry = entries[i], .basis = basis};
        status = hk__finds_add(all, &one, err);
    }
    hk__free(entries);
    return status;
}

hk_status hk__finds_digests(hk__finds *all, const hk_matcher *matcher, const hk__source *from,
                            const hk_digests *digests, hk_error *err)
{
    hk_status status = HK_OK;
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
        if (digests->present >> basis & 1)
            status = look_up_digest(all, matcher, from, (hk_basis)basis, digests, err);
    return status;
}

/* One entry may be near in several orientations (symmetric pictures), or by another hash of the
 * picture as well: the nearest one stands. */
int hk__hits_by_entry(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->query < y->query ? -1 : x->query > y->query;
}

hk_status hk__finds_hits(hk__finds *all, const hk__source *from, hk_hit *hits, size_t count,
                         hk_error *err)
{
    hk_status status = HK_OK;
    if (count)
        qsort(hits, count, sizeof *hits, hk__hits_by_entry);
    for (size_t i = 0; !status && i < count; i++) {
        const hk_hit *hit = &hits[i];
        if (i && hit->item == hit[-1].item)
            continue;
        const hk__find one = {.source = from,
                              .entry = hit->item,
                              .basis = HK_BASIS_PDQ,
                              .distance = hit->distance,
                              .query = hit->query};
        status = hk__finds_add(all, &one, err);
    }
    return status;
}

hk_status hk__finds_exact(const hk__source *from, const hk_hits *hits, hk_error *err)
{
    if (!hits->approximate) /* else no hit would not mean none */
        return HK_OK;
    return hk__fail(err, HK_ERR_USAGE,
                    "the index of the list %s may miss copies: open it with the engine auto",
                    from->list->name);
}

double hk__strangers(bool *extrapolated, const hk__looked *looked, int distance, uint64_t entries)
{
    double strangers = 0;
    bool any_extrapolated = false;
    for (size_t v = 0; v < looked->count; v++) {
        const hk__look *look = &looked->looks[v];
        int within[HK__PROBES];
        bool beyond = false;
        for (int by = 0; by < HK__PROBES; by++)
            within[by] = distance < look->radius[by] ? distance : look->radius[by];
        strangers += hk_false_matches(look->kind, within[HK__PLAIN], within[HK__EXACT],
                                      entries * looked->share, &beyond);
        any_extrapolated |= beyond;
    }
    if (extrapolated)
        *extrapolated = any_extrapolated;
    return strangers;
}

double hk__aligned_strangers(bool *extrapolated, const hk__looked *looked, int distance,
                             uint64_t entries)
{
    double strangers = 0;
    bool any_extrapolated = false;
    for (size_t v = 0; v < looked->count; v++) {
        const int radius = looked->looks[v].aligned;
        bool beyond = false;
        if (radius >= 0)
            strangers +=
                hk_aligned_false_matches(HK_KIND_PHOTO, distance < radius ? distance : radius,
                                         looked->probes, entries * looked->share, &beyond);
        any_extrapolated |= beyond;
    }
    if (extrapolated)
        *extrapolated = any_extrapolated;
    return strangers;
}

/* ---- what is given out --------------------------------------------------------------------- */

/* Digests before hashes, and of those the nearest first, aligned ones by what decides of them;
 * where that is equal, known before known good. Of digests the sort of the list comes first: the
 * first match is what `exact` rests on. */
static unsigned rank_of(const hk__find *f)
{
    if (f->basis != HK_BASIS_PDQ)
        return (f->source->known_good ? HK_BASIS_PDQ : 0) + (unsigned)f->basis;
    const unsigned distance = f->aligned ? hk__mean_distance(f->before, f->distance) : f->distance;
    return 2 * (HK_BASIS_PDQ + distance) + f->source->known_good;
}

static int by_rank(const void *a, const void *b)
{
    const hk__find *x = a, *y = b;
    const unsigned x_rank = rank_of(x), y_rank = rank_of(y);
    if (x_rank != y_rank)
        return x_rank < y_rank ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Which to keep: known-good matches never take the place of known ones. */
static int by_worth(const void *a, const void *b)
{
    const hk__find *x = a, *y = b;
    if (x->source->known_good != y->source->known_good)
        return x->source->known_good ? 1 : -1;
    return by_rank(a, b);
}

/* The query by its number, as it was searched for. */
static hk_hash query_hash(const hk__looked *looked, uint32_t query)
{
    if (looked->bare)
        return looked->looks->hashes[HK__PLAIN][query];
    const hk__look *look = &looked->looks[query / HK__VIEW_QUERIES];
    const uint32_t within = query % HK__VIEW_QUERIES;
    hk_hash hash = look->hashes[within / HK__LOOKED_UP][query % HK_ORIENTATIONS];
    for (int w = 0; within % HK__LOOKED_UP >= HK_ORIENTATIONS && w < 4; w++)
        hash.word[w] = ~hash.word[w];
    return hash;
}

/* What the distance is to: the whole picture of the entry, or one of its frames. */
static hk_status put_cut(hk_match *out, const hk__find *f, const hk__looked *looked, hk_error *err)
{
    const hk_hash hash = query_hash(looked, f->query);
    return hk__list_cut_at(&out->cut, f->source->list, f->entry, &hash, f->distance, err);
}

static hk_status put_match(hk_match *out, const hk__find *f, const hk_matcher *matcher,
                           const hk__looked *looked, hk_error *err)
{
    hk__list_entry entry;
    hk_status status = hk__list_entry_of(&entry, f->source->list, f->entry, err);
    if (status)
        return status;
    *out = (hk_match){.list = f->source->list->name,
                      .entry = entry.id,
                      .category = entry.category,
                      .entry_number = f->source->list->shelf ? f->entry : 0,
                      .basis = f->basis,
                      .known_good = f->source->known_good};
    if (f->basis != HK_BASIS_PDQ)
        return HK_OK;
    out->probe = hk_probe_name(HK_PROBE_PLAIN);
    out->distance = f->distance;
    if (!looked->bare) {
        const hk__look *look = &looked->looks[f->query / HK__VIEW_QUERIES];
        out->view = f->query / HK__VIEW_QUERIES;
        out->frame = look->frame;
        out->backdrop = look->backdrop;
        out->probe = hk_probe_name(f->query % HK__VIEW_QUERIES < HK__LOOKED_UP ? HK_PROBE_PLAIN
                                                                               : HK_PROBE_EXACT);
        out->orientation = (hk_orientation)(f->query % HK_ORIENTATIONS);
        out->inverted = f->query % HK__LOOKED_UP >= HK_ORIENTATIONS;
    }
    const uint64_t entries = matcher->hashes[f->source->known_good];
    if (!f->aligned) {
        out->chance = hk__strangers(&out->chance_extrapolated, looked, (int)f->distance, entries);
        return put_cut(out, f, looked, err);
    }
    out->aligned = true;
    out->placement = f->placement;
    out->probe = hk_probe_name(f->probe);
    out->orientation = f->orientation;
    out->inverted = f->inverted;
    out->before = f->before;
    out->cut = f->cut;
    out->chance = hk__aligned_strangers(&out->chance_extrapolated, looked,
                                        (int)hk__mean_distance(f->before, f->distance), entries);
    return HK_OK;
}

/* The query that found the nearest, by hash, of what lists of known images hit. */
static size_t nearest_query(const hk__finds *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->find[i].basis == HK_BASIS_PDQ && !all->find[i].source->known_good)
            return all->find[i].query;
    return 0;
}

hk_status hk__finds_matches(hk_match **out, size_t *count, size_t *hit, hk__finds *all,
                            const hk_matcher *matcher, const hk__looked *looked, hk_error *err)
{
    hk_status status = HK_OK;
    if (matcher->max_matches && all->count > matcher->max_matches) {
        qsort(all->find, all->count, sizeof *all->find, by_worth);
        all->count = matcher->max_matches;
        all->truncated = true;
    }
    if (all->count)
        qsort(all->find, all->count, sizeof *all->find, by_rank);
    hk_match *matches = all->count ? hk__alloc(all->count, sizeof *matches) : NULL;
    if (all->count && !matches)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < all->count; i++)
        status = put_match(&matches[i], &all->find[i], matcher, looked, err);
    if (status) {
        hk__free(matches);
        return status;
    }
    *out = matches;
    *count = all->count;
    if (hit)
        *hit = nearest_query(all);
    return HK_OK;
}

/* ---- the verdict --------------------------------------------------------------------------- */

/* The verdict where nothing hits: none only if what was looked up says something. */
static hk_verdict without_hit(const char **reason, const hk_matcher *matcher,
                              const hk__alone *alone)
{
    if (alone->hashed) {
        static const unsigned uncertain[] = {HK_FLAG_TRUNCATED, HK_FLAG_DEGENERATE,
                                             HK_FLAG_LOW_QUALITY};
        for (size_t i = 0; i < sizeof uncertain / sizeof *uncertain && !matcher->accept_uncertain;
             i++)
            if (alone->flags & uncertain[i]) {
                *reason = hk_flag_name((unsigned)__builtin_ctz(uncertain[i]));
                return HK_VERDICT_NOT_CHECKED;
            }
        if (alone->radius < 0 && !matcher->accept_uncertain) {
            *reason = alone->kind;
            return HK_VERDICT_NOT_CHECKED;
        }
        return HK_VERDICT_NONE;
    }
    /* No picture in it, but its bytes were compared with the digests of known images; having been
     * compared with those of known-good lists alone says nothing. */
    if (alone->readable && alone->digests & matcher->known_digests)
        return HK_VERDICT_NONE;
    *reason = alone->otherwise;
    return HK_VERDICT_NOT_CHECKED;
}

enum { DIGEST, NEAR };

bool hk__finds_conflict(const hk__finds *all)
{
    return (all->in_known[DIGEST] || all->in_known[NEAR]) &&
           (all->in_good[DIGEST] || all->in_good[NEAR]);
}

/* A known-good digest speaks for whatever the decoder made of the file: truncated, low in quality,
 * failed. A digest is there only if every byte was read and none changed meanwhile, so these are
 * the very bytes that someone has found good. */
hk_verdict hk__finds_verdict(const char **reason, const hk__finds *all, const hk_matcher *matcher,
                             const hk__alone *alone)
{
    if (all->in_known[DIGEST])
        return HK_VERDICT_EXACT;
    if (all->in_good[DIGEST])
        return HK_VERDICT_NONE;
    if (all->in_known[NEAR])
        return HK_VERDICT_NEAR;
    return without_hit(reason, matcher, alone);
}
