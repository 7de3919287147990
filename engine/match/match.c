/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.c - see match.h.
 *
 * Each list is searched by itself, in its own index: for the file's digests, then for its hash in
 * eight orientations, as it is and with its colours inverted: 16 queries in one search. An inverted
 * picture has every bit flipped, so its queries are the complements. The hash of the exact grid is
 * a second probe: 16 queries more, within a radius of their own. It finds copies of another size,
 * from which the plain hash of the copy is further away. A file of several views is looked up by
 * each, within the radii for as many times the entries, so that all together keep the budget.
 * Where that hits no known image, the views' rasters are looked up through other frames
 * (aligned.h), for which a third of the budget is kept, and what the plain hash leaves.
 *
 *      list 0   index -> finds --\
 *      list 1   index -> finds ---+-> the best of all lists -> words of their entries -> matches
 *      ...                       /
 *
 * What is gathered, and what that decides, is in finds.c, which queries without a file share.
 */
#include "match/match.h"

#include "core/error.h"
#include "core/mem.h"
#include "index/search.h"
#include "match/aligned.h"

#include <stdlib.h>
#include <string.h>

const char *hk_verdict_name(hk_verdict verdict)
{
    static const char *const names[HK_VERDICTS] = {"not_checked", "none", "near", "exact"};
    return (unsigned)verdict < HK_VERDICTS ? names[verdict] : NULL;
}

/* ---- making one ---------------------------------------------------------------------------- */

/* The radii for one of `share` look-ups that share the budget; HK_PROBES_SETS: of bare hashes, or
 * where nothing is aligned. */
static hk_radii get_radii(const hk_matcher *matcher, hk_kind kind, hk_probes probes, unsigned share)
{
    const int set = matcher->max_distance;
    if (set >= 0) /* the exact hash is calibrated of photos alone */
        return (hk_radii){set, kind == HK_KIND_PHOTO ? set : -1,
                          probes == HK_PROBES_SETS ? -1 : set};
    return hk_radii_within(kind, matcher->budget, probes, matcher->hashes[0] * share);
}

/* Whether all lists of known images can be searched as far as probes go. One that brings an index
 * which was made for less is searched as it ever was, and then nothing is aligned. */
static bool can_align(const hk_list *const *lists, size_t count)
{
    for (size_t l = 0; l < count; l++)
        if (!lists[l]->known_good && lists[l]->index &&
            !hk__search_reaches(lists[l]->index, HK_CANDIDATE_RADIUS))
            return false;
    return true;
}

/* The more hashes, the narrower: so all lists are counted before any is made an index for. What is
 * near known-good material accuses nobody: those lists are searched with the radius of the others.
 */
static void set_radii(hk_matcher *matcher, const hk_list *const *lists, size_t count,
                      const hk_match_options *options)
{
    for (size_t l = 0; l < count; l++)
        matcher->hashes[lists[l]->known_good] += hk__list_weight(lists[l]);
    matcher->budget = options->budget > 0 ? options->budget : hk_budget(options->profile);
    matcher->max_distance = options->max_distance;
    matcher->probes = can_align(lists, count) ? options->probes : HK_PROBES_SETS;
    for (int kind = 0; kind < HK__KINDS; kind++) {
        const hk_radii radii = get_radii(matcher, (hk_kind)kind, matcher->probes, 1);
        matcher->radius[kind][HK__PLAIN] = radii.plain;
        matcher->radius[kind][HK__EXACT] = radii.exact;
        matcher->aligned[kind] = radii.aligned;
        for (unsigned share = 0; share < HK__SHARES; share++)
            matcher->bare[share][kind] =
                get_radii(matcher, (hk_kind)kind, HK_PROBES_SETS, share + 1).plain;
    }
}

static unsigned widest(const hk_matcher *matcher)
{
    int radius = 0;
    for (int kind = 0; kind < HK__KINDS; kind++)
        radius =
            matcher->radius[kind][HK__PLAIN] > radius ? matcher->radius[kind][HK__PLAIN] : radius;
    return (unsigned)radius;
}

static hk_status add_source(hk_matcher *matcher, const hk_list *list, hk_error *err)
{
    hk__source *s = &matcher->sources[matcher->count++];
    *s = (hk__source){.list = list, .index = list->index, .known_good = list->known_good};
    if (!s->index) {
        hk_index_options options = HK_INDEX_OPTIONS_INIT;
        options.max_distance = widest(matcher);
        options.threads = 0;
        hk_status status = hk_list_index(&s->made, list, &options, err);
        if (status)
            return status;
        s->index = s->made;
    }
    hk_index_info info;
    hk_index_describe(&info, s->index);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (info.digests[basis]) {
            matcher->digests |= 1u << basis;
            matcher->known_digests |= s->known_good ? 0 : 1u << basis;
        }
    return HK_OK;
}

hk_status hk_matcher_new(hk_matcher **out, const hk_list *const *lists, size_t count,
                         const hk_match_options *options, hk_error *err)
{
    const hk_match_options defaults = HK_MATCH_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "match options without their INIT");
    if (options->max_distance < -1 || options->max_distance > HK__RADIUS_MOST)
        return hk__fail(err, HK_ERR_USAGE, "the radius is 0 to %d bits, not %d", HK__RADIUS_MOST,
                        options->max_distance);
    if (!hk_profile_name(options->profile))
        return hk__fail(err, HK_ERR_USAGE, "the profile is gate or review");
    if (!(options->budget >= 0 && options->budget <= 1))
        return hk__fail(err, HK_ERR_USAGE, "the budget is more than 0 false matches, up to 1");
    if (!hk_probes_name(options->probes))
        return hk__fail(err, HK_ERR_USAGE, "the probes are fast, standard or thorough");

    hk_matcher *matcher = hk__alloc(1, sizeof *matcher);
    if (!matcher)
        return hk__fail_memory(err);
    set_radii(matcher, lists, count, options);
    matcher->max_matches = options->max_matches;
    matcher->accept_uncertain = options->accept_uncertain;
    matcher->sources = hk__alloc(count, sizeof *matcher->sources);
    hk_status status = matcher->sources ? HK_OK : hk__fail_memory(err);
    for (size_t l = 0; !status && l < count; l++)
        status = add_source(matcher, lists[l], err);
    if (status)
        hk_matcher_free(matcher);
    else
        *out = matcher;
    return status;
}

void hk_matcher_free(hk_matcher *matcher)
{
    if (!matcher)
        return;
    for (size_t l = 0; l < matcher->count; l++)
        hk_index_free(matcher->sources[l].made);
    hk__free(matcher->sources);
    hk__free(matcher);
}

int hk_matcher_radius(const hk_matcher *matcher, hk_kind kind)
{
    return (unsigned)kind < HK__KINDS ? matcher->radius[kind][HK__PLAIN] : -1;
}

int hk_matcher_exact_radius(const hk_matcher *matcher, hk_kind kind)
{
    return (unsigned)kind < HK__KINDS ? matcher->radius[kind][HK__EXACT] : -1;
}

int hk_matcher_aligned_radius(const hk_matcher *matcher, hk_kind kind)
{
    return (unsigned)kind < HK__KINDS ? matcher->aligned[kind] : -1;
}

uint64_t hk_matcher_entries(const hk_matcher *matcher)
{
    return matcher->hashes[0];
}

unsigned hk__matcher_digests(const hk_matcher *matcher)
{
    return matcher->digests;
}

bool hk__matcher_wants_exact(const hk_matcher *matcher)
{
    bool wants = false;
    for (int kind = 0; kind < HK__KINDS; kind++)
        wants |= matcher->radius[kind][HK__EXACT] >= 0;
    return wants && (matcher->hashes[0] || matcher->hashes[1]);
}

bool hk__matcher_wants_raster(const hk_matcher *matcher)
{
    bool wants = false;
    for (int kind = 0; kind < HK__KINDS; kind++)
        wants |= matcher->aligned[kind] >= 0;
    return wants && matcher->hashes[0];
}

/* ---- finding ------------------------------------------------------------------------------- */

static void make_queries(hk_hash queries[HK__LOOKED_UP], const hk_hash turned[HK_ORIENTATIONS])
{
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int w = 0; w < 4; w++) {
            queries[o].word[w] = turned[o].word[w];
            queries[HK_ORIENTATIONS + o].word[w] = ~turned[o].word[w];
        }
}

/* How each view is looked up. */
static void look_at(hk__look looks[HK_VIEWS_MOST], const hk_matcher *matcher,
                    const hk__evidence *evidence)
{
    for (size_t v = 0; v < evidence->view_count; v++) {
        const hk__view *view = &evidence->views[v];
        hk__look *look = &looks[v];
        *look = (hk__look){.kind = view->fingerprint->kind,
                           .radius = {-1, -1},
                           .hashes = {view->fingerprint->hash, view->exact},
                           .aligned = -1,
                           .frame = view->frame,
                           .backdrop = view->backdrop};
        if ((unsigned)look->kind >= HK__KINDS)
            continue;
        const hk_radii radii =
            get_radii(matcher, look->kind, matcher->probes, (unsigned)evidence->view_count);
        look->radius[HK__PLAIN] = radii.plain;
        look->radius[HK__EXACT] = view->exact ? radii.exact : -1;
        look->aligned = view->raster ? radii.aligned : -1;
    }
}

/* Searches by one probe of a view, and puts what it hits behind what is in *all. */
static hk_status search_by(hk_hits *all, const hk_matcher *matcher, const hk__source *from,
                           const hk_hash turned[HK_ORIENTATIONS], int radius, uint32_t first_query,
                           hk_error *err)
{
    hk_hash queries[HK__LOOKED_UP];
    hk_hits hits;
    if (radius < 0)
        return HK_OK;
    make_queries(queries, turned);
    hk_status status = hk_index_within(&hits, from->index, queries, HK__LOOKED_UP, (unsigned)radius,
                                       matcher->max_matches, err);
    if (status)
        return status;
    status = hk__finds_exact(from, &hits, err);
    hk_hit *grown = NULL;
    if (!status && hits.count) {
        grown = hk__realloc(all->hit, all->count + hits.count, sizeof *grown);
        status = grown ? HK_OK : hk__fail_memory(err);
    }
    if (grown) {
        all->hit = grown;
        for (size_t i = 0; i < hits.count; i++) {
            all->hit[all->count] = hits.hit[i];
            all->hit[all->count++].query += first_query;
        }
    }
    all->truncated |= hits.truncated;
    hk_hits_free(&hits);
    return status;
}

static hk_status look_up_hash(hk__finds *all, const hk_matcher *matcher, const hk__source *from,
                              const hk__evidence *evidence, const hk__look *looks, hk_error *err)
{
    hk_hits hits = {0};
    hk_status status = HK_OK;
    for (size_t v = 0; !status && v < evidence->view_count; v++) {
        const hk__view *view = &evidence->views[v];
        const uint32_t first = (uint32_t)v * HK__VIEW_QUERIES;
        status = search_by(&hits, matcher, from, view->fingerprint->hash,
                           looks[v].radius[HK__PLAIN], first, err);
        if (!status)
            status = search_by(&hits, matcher, from, view->exact, looks[v].radius[HK__EXACT],
                               first + HK__LOOKED_UP, err);
    }
    all->truncated |= hits.truncated;
    if (!status)
        status = hk__finds_hits(all, from, hits.hit, hits.count, err);
    hk__free(hits.hit);
    return status;
}

static hk_status look_up(hk__finds *all, const hk_matcher *matcher, const hk__evidence *evidence,
                         const hk__look *looks, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < matcher->count; l++) {
        const hk__source *from = &matcher->sources[l];
        status = hk__finds_digests(all, matcher, from, &evidence->digests, err);
        if (!status)
            status = look_up_hash(all, matcher, from, evidence, looks, err);
        status = hk__list_searched(from->list, status, err);
    }
    return status;
}

/* ---- the verdict --------------------------------------------------------------------------- */

/* The view that has the least to say: one that was not looked up, if there is any. */
static const hk__look *least(const hk__look *looks, size_t count)
{
    const hk__look *found = looks;
    for (size_t v = 0; v < count; v++)
        if (looks[v].radius[HK__PLAIN] < found->radius[HK__PLAIN])
            found = &looks[v];
    return found;
}

static void decide(hk__judgement *judgement, const hk__finds *all, const hk_matcher *matcher,
                   const hk__evidence *evidence, const hk__looked *looked)
{
    const hk__look *look = least(looked->looks, looked->count);
    const hk__alone alone = {.hashed = evidence->view_count != 0,
                             .flags = evidence->flags,
                             .radius = look->radius[HK__PLAIN],
                             .kind = hk_kind_name(look->kind),
                             .readable = hk_file_status_class(evidence->status) == HK_CLASS_SKIPPED,
                             .digests = evidence->digests.present,
                             .otherwise = hk_file_status_name(evidence->status)};
    judgement->verdict = hk__finds_verdict(&judgement->reason, all, matcher, &alone);
    judgement->known_good = all->in_good[0];
    judgement->conflict = hk__finds_conflict(all);
    judgement->truncated = all->truncated;
}

hk_status hk__judge(hk__judgement *out, hk__judge_room *room, const hk_matcher *matcher,
                    const hk__evidence *evidence, hk_error *err)
{
    hk__judgement judgement = {0};
    hk__finds all = {0};
    hk__look looks[HK_VIEWS_MOST] = {{.radius = {-1, -1}, .aligned = -1}};
    const hk__looked looked = {
        .looks = looks, .count = evidence->view_count, .share = 1, .probes = matcher->probes};
    if (evidence->view_count > HK_VIEWS_MOST)
        return hk__fail(err, HK_ERR_USAGE, "at most %d views of a file", HK_VIEWS_MOST);
    look_at(looks, matcher, evidence);
    hk_status status = look_up(&all, matcher, evidence, looks, err);
    if (!status)
        status = hk__finds_aligned(&all, looks, room, matcher, evidence, err);
    if (!status)
        status = hk__finds_matches(&judgement.matches, &judgement.count, NULL, &all, matcher,
                                   &looked, err);
    if (!status) {
        if (evidence->view_count)
            judgement.false_matches =
                hk__strangers(NULL, &looked, HK__RADIUS_MOST, matcher->hashes[0]) +
                hk__aligned_strangers(NULL, &looked, HK__RADIUS_MOST, matcher->hashes[0]);
        decide(&judgement, &all, matcher, evidence, &looked);
        *out = judgement;
    }
    hk__free(all.find);
    return status;
}

void hk__judgement_clear(hk__judgement *judgement)
{
    hk__free(judgement->matches);
    memset(judgement, 0, sizeof *judgement);
}

/* ---- two images ----------------------------------------------------------------------------- */

hk_status hk_compare(hk_comparison *out, const hk_fingerprint *a, unsigned orientations,
                     const hk_hash *b, int max_distance, hk_profile profile, hk_error *err)
{
    if (orientations < 1 || orientations > HK_ORIENTATIONS || max_distance < -1 ||
        max_distance > HK__RADIUS_MOST)
        return hk__fail(err, HK_ERR_USAGE, "1 to 8 orientations and a radius of 0 to %d bits",
                        HK__RADIUS_MOST);
    if (!hk_profile_name(profile))
        return hk__fail(err, HK_ERR_USAGE, "the profile is gate or review");
    hk_comparison best = {.distance = HK_HASH_BITS + 1};
    for (unsigned o = 0; o < orientations; o++) {
        const unsigned distance = hk_hash_distance(&a->hash[o], b);
        const bool inverted = distance > HK_HASH_BITS / 2;
        const unsigned least = inverted ? HK_HASH_BITS - distance : distance;
        if (least < best.distance)
            best = (hk_comparison){
                .distance = least, .orientation = (hk_orientation)o, .inverted = inverted};
    }
    best.radius = max_distance < 0 ? hk_radius(a->kind, profile, 1) : max_distance;
    best.match = (int)best.distance <= best.radius;
    best.chance = hk_false_match_chance(a->kind, best.distance, 1, &best.chance_extrapolated);
    *out = best;
    return HK_OK;
}
