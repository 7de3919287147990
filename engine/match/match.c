/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.c - see match.h.
 *
 * Each list is searched by itself, in its own index: for the file's digests, then for its hash in
 * eight orientations, as it is and with its colours inverted: 16 queries in one search. An inverted
 * picture has every bit flipped, so its queries are the complements. The hash of the exact grid is
 * a second probe: 16 queries more, within a radius of their own. It finds copies of another size,
 * from which the plain hash of the copy is further away.
 *
 *      list 0   index -> finds --\
 *      list 1   index -> finds ---+-> the best of all lists -> words of their entries -> matches
 *      ...                       /
 *
 * The bound on matches holds in each search anew, so that what fills one list's share never hides
 * what another list has. Words are looked up last: in a store that is a query for each.
 */
#include "match/match.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"

#include <stdlib.h>
#include <string.h>

enum { QUERIES = 2 * HK_ORIENTATIONS, MAX_RADIUS = 128, KINDS = 3 };

/* Queries are numbered through: those of the plain hash come first, and win where both are as near.
 */
typedef enum probe { PLAIN = 0, EXACT, PROBES } probe;

/* A list and where it is searched. */
typedef struct source {
    const hk_list *list;
    const hk_index *index; /* the list's own, or `made` */
    hk_index *made;        /* owned; NULL: the list has one */
    bool known_good;
} source;

struct hk_matcher {
    source *sources; /* [count] */
    size_t count;
    unsigned digests;          /* HK_DIGEST_* that any list holds, */
    unsigned known_digests;    /* and that a list of known images holds */
    int radius[PROBES][KINDS]; /* -1: that hash is not looked up */
    uint64_t hashes[2];        /* in lists of known images, and of known-good ones */
    size_t max_matches;
    bool accept_uncertain;
};

const char *hk_verdict_name(hk_verdict verdict)
{
    static const char *const names[HK_VERDICTS] = {"not_checked", "none", "near", "exact"};
    return (unsigned)verdict < HK_VERDICTS ? names[verdict] : NULL;
}

/* ---- making one ---------------------------------------------------------------------------- */

static size_t hashes_of(const hk_list *list)
{
    return list->index ? hk_index_count(list->index) : list->hash_count;
}

/* The more hashes, the narrower: so all lists are counted before any is made an index for. What is
 * near known-good material accuses nobody: those lists are searched with the radius of the others.
 */
static void set_radii(hk_matcher *matcher, const hk_list *const *lists, size_t count,
                      const hk_match_options *options)
{
    for (size_t l = 0; l < count; l++)
        matcher->hashes[lists[l]->known_good] += hashes_of(lists[l]);
    for (int kind = 0; kind < KINDS; kind++) {
        int plain = hk_radius((hk_kind)kind, options->profile, matcher->hashes[0]);
        int exact = hk_exact_radius((hk_kind)kind, options->profile, matcher->hashes[0]);
        if (options->max_distance >= 0) {
            plain = options->max_distance;
            exact = kind == HK_KIND_PHOTO ? plain : -1; /* others are not calibrated for it */
        }
        matcher->radius[PLAIN][kind] = plain;
        matcher->radius[EXACT][kind] = exact;
    }
}

static unsigned widest(const hk_matcher *matcher)
{
    int radius = 0;
    for (int kind = 0; kind < KINDS; kind++)
        radius = matcher->radius[PLAIN][kind] > radius ? matcher->radius[PLAIN][kind] : radius;
    return (unsigned)radius;
}

static hk_status add_source(hk_matcher *matcher, const hk_list *list, hk_error *err)
{
    source *s = &matcher->sources[matcher->count++];
    *s = (source){.list = list, .index = list->index, .known_good = list->known_good};
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
    if (options->max_distance < -1 || options->max_distance > MAX_RADIUS)
        return hk__fail(err, HK_ERR_USAGE, "the radius is 0 to %d bits, not %d", MAX_RADIUS,
                        options->max_distance);
    if (!hk_profile_name(options->profile))
        return hk__fail(err, HK_ERR_USAGE, "the profile is gate or review");

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
    return (unsigned)kind < KINDS ? matcher->radius[PLAIN][kind] : -1;
}

int hk_matcher_exact_radius(const hk_matcher *matcher, hk_kind kind)
{
    return (unsigned)kind < KINDS ? matcher->radius[EXACT][kind] : -1;
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
    for (int kind = 0; kind < KINDS; kind++)
        wants |= matcher->radius[EXACT][kind] >= 0;
    return wants && (matcher->hashes[0] || matcher->hashes[1]);
}

/* ---- finding ------------------------------------------------------------------------------- */

/* What will be a match, without the words of its entry. */
typedef struct find {
    const source *source; /* of the matcher's, which lie in the order of the lists */
    uint32_t entry;
    hk_basis basis;
    unsigned distance; /* these two of HK_BASIS_PDQ */
    uint32_t query;
} find;

/* What one file's look-up gathers; it lives as long as the call, so that threads share nothing. */
typedef struct finds {
    find *find;
    size_t count, capacity;
    bool in_known[2], in_good[2]; /* by whether it is near: a list of that sort hits */
    bool truncated;
} finds;

static hk_status add_find(finds *all, find one, hk_error *err)
{
    const bool near = one.basis == HK_BASIS_PDQ;
    if (all->count == all->capacity) {
        const size_t wanted = all->capacity ? all->capacity * 2 : 8;
        find *grown = hk__realloc(all->find, wanted, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        all->find = grown;
        all->capacity = wanted;
    }
    all->find[all->count++] = one;
    *(one.source->known_good ? &all->in_good[near] : &all->in_known[near]) = true;
    return HK_OK;
}

static hk_status look_up_digest(finds *all, const hk_matcher *matcher, const source *from,
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
        status = add_find(all, (find){.source = from, .entry = entries[i], .basis = basis}, err);
    }
    hk__free(entries);
    return status;
}

static void make_queries(hk_hash queries[QUERIES], const hk_hash turned[HK_ORIENTATIONS])
{
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int w = 0; w < 4; w++) {
            queries[o].word[w] = turned[o].word[w];
            queries[HK_ORIENTATIONS + o].word[w] = ~turned[o].word[w];
        }
}

/* One entry may be near in several orientations (symmetric pictures), or by its hash of the exact
 * grid as well: the nearest one stands. */
static int by_item(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->query < y->query ? -1 : x->query > y->query;
}

/* -1: there is no such hash, or it is not looked up. */
static int radius_of(const hk_matcher *matcher, const hk__evidence *evidence, probe by)
{
    if (!evidence->hashed || (by == EXACT && !evidence->exact))
        return -1;
    const hk_kind kind = evidence->fingerprint->kind;
    return (unsigned)kind < KINDS ? matcher->radius[by][kind] : -1;
}

/* Searches by one probe, and puts what it hits behind what is in *all. */
static hk_status search_by(hk_hits *all, probe by, const hk_matcher *matcher, const source *from,
                           const hk__evidence *evidence, hk_error *err)
{
    hk_hash queries[QUERIES];
    hk_hits hits;
    const int radius = radius_of(matcher, evidence, by);
    if (radius < 0)
        return HK_OK;
    make_queries(queries, by == PLAIN ? evidence->fingerprint->hash : evidence->exact);
    hk_status status = hk_index_within(&hits, from->index, queries, QUERIES, (unsigned)radius,
                                       matcher->max_matches, err);
    if (status)
        return status;
    if (hits.approximate) /* no hit would not mean none */
        status = hk__fail(err, HK_ERR_USAGE,
                          "the index of the list %s may miss copies: open it with the engine auto",
                          from->list->name);
    hk_hit *grown = NULL;
    if (!status && hits.count) {
        grown = hk__realloc(all->hit, all->count + hits.count, sizeof *grown);
        status = grown ? HK_OK : hk__fail_memory(err);
    }
    if (grown) {
        all->hit = grown;
        for (size_t i = 0; i < hits.count; i++) {
            all->hit[all->count] = hits.hit[i];
            all->hit[all->count++].query += (uint32_t)by * QUERIES;
        }
    }
    all->truncated |= hits.truncated;
    hk_hits_free(&hits);
    return status;
}

static hk_status look_up_hash(finds *all, const hk_matcher *matcher, const source *from,
                              const hk__evidence *evidence, hk_error *err)
{
    hk_hits hits = {0};
    hk_status status = HK_OK;
    for (int by = 0; !status && by < PROBES; by++)
        status = search_by(&hits, (probe)by, matcher, from, evidence, err);
    all->truncated |= hits.truncated;
    if (!status && hits.count)
        qsort(hits.hit, hits.count, sizeof *hits.hit, by_item);
    for (size_t i = 0; !status && i < hits.count; i++) {
        const hk_hit *hit = &hits.hit[i];
        if (i && hit->item == hit[-1].item)
            continue;
        status =
            add_find(all, (find){from, hit->item, HK_BASIS_PDQ, hit->distance, hit->query}, err);
    }
    hk__free(hits.hit);
    return status;
}

static hk_status look_up(finds *all, const hk_matcher *matcher, const hk__evidence *evidence,
                         hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < matcher->count; l++) {
        const source *from = &matcher->sources[l];
        for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
            if (evidence->digests.present >> basis & 1)
                status =
                    look_up_digest(all, matcher, from, (hk_basis)basis, &evidence->digests, err);
        if (!status)
            status = look_up_hash(all, matcher, from, evidence, err);
        status = hk__list_searched(from->list, status, err);
    }
    return status;
}

/* How many strangers among so many entries are found within a distance, by all probes together. */
static double strangers_within(bool *extrapolated, const hk_matcher *matcher,
                               const hk__evidence *evidence, int distance, uint64_t entries)
{
    int within[PROBES];
    for (int by = 0; by < PROBES; by++) {
        const int radius = radius_of(matcher, evidence, (probe)by);
        within[by] = distance < radius ? distance : radius;
    }
    return hk_false_matches(evidence->fingerprint->kind, within[PLAIN], within[EXACT], entries,
                            extrapolated);
}

/* ---- what is given out --------------------------------------------------------------------- */

/* Digests before hashes, and of those the nearest first; where that is equal, known before known
 * good. Of digests the sort of the list comes first: the first match is what `exact` rests on. */
static unsigned rank_of(const find *f)
{
    if (f->basis != HK_BASIS_PDQ)
        return (f->source->known_good ? HK_BASIS_PDQ : 0) + (unsigned)f->basis;
    return 2 * (HK_BASIS_PDQ + f->distance) + f->source->known_good;
}

static int by_rank(const void *a, const void *b)
{
    const find *x = a, *y = b;
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
    const find *x = a, *y = b;
    if (x->source->known_good != y->source->known_good)
        return x->source->known_good ? 1 : -1;
    return by_rank(a, b);
}

static hk_status put_match(hk_match *out, const find *f, const hk_matcher *matcher,
                           const hk__evidence *evidence, hk_error *err)
{
    hk__list_entry entry;
    hk_status status = hk__list_entry_of(&entry, f->source->list, f->entry, err);
    if (status)
        return status;
    *out = (hk_match){.list = f->source->list->name,
                      .entry = entry.id,
                      .category = entry.category,
                      .basis = f->basis,
                      .known_good = f->source->known_good};
    if (f->basis == HK_BASIS_PDQ) {
        out->probe = f->query < QUERIES ? "plain" : "exact";
        out->distance = f->distance;
        out->orientation = (hk_orientation)(f->query % HK_ORIENTATIONS);
        out->inverted = f->query % QUERIES >= HK_ORIENTATIONS;
        out->chance = strangers_within(&out->chance_extrapolated, matcher, evidence,
                                       (int)f->distance, matcher->hashes[f->source->known_good]);
    }
    return HK_OK;
}

static hk_status put_matches(hk__judgement *judgement, const hk_matcher *matcher,
                             const hk__evidence *evidence, finds *all, hk_error *err)
{
    judgement->truncated = all->truncated;
    if (!all->count)
        return HK_OK;
    if (matcher->max_matches && all->count > matcher->max_matches) {
        qsort(all->find, all->count, sizeof *all->find, by_worth);
        all->count = matcher->max_matches;
        judgement->truncated = true;
    }
    qsort(all->find, all->count, sizeof *all->find, by_rank);
    judgement->matches = hk__alloc(all->count, sizeof *judgement->matches);
    hk_status status = judgement->matches ? HK_OK : hk__fail_memory(err);
    for (; !status && judgement->count < all->count; judgement->count++)
        status = put_match(&judgement->matches[judgement->count], &all->find[judgement->count],
                           matcher, evidence, err);
    return status;
}

/* ---- the verdict --------------------------------------------------------------------------- */

/* The verdict of a file that hit nothing: none only if what was looked up says something. */
static hk_verdict without_hit(const char **reason, const hk_matcher *matcher,
                              const hk__evidence *evidence)
{
    if (evidence->hashed) {
        static const unsigned uncertain[] = {HK_FLAG_TRUNCATED, HK_FLAG_DEGENERATE,
                                             HK_FLAG_LOW_QUALITY};
        for (size_t i = 0; i < sizeof uncertain / sizeof *uncertain && !matcher->accept_uncertain;
             i++)
            if (evidence->flags & uncertain[i]) {
                *reason = hk_flag_name((unsigned)__builtin_ctz(uncertain[i]));
                return HK_VERDICT_NOT_CHECKED;
            }
        if (radius_of(matcher, evidence, PLAIN) < 0 && !matcher->accept_uncertain) {
            *reason = hk_kind_name(evidence->fingerprint->kind);
            return HK_VERDICT_NOT_CHECKED;
        }
        return HK_VERDICT_NONE;
    }
    /* No picture in it, but its bytes were compared with the digests of known images; having been
     * compared with those of known-good lists alone says nothing. */
    const bool compared = (evidence->digests.present & matcher->known_digests) != 0;
    if (hk_file_status_class(evidence->status) == HK_CLASS_SKIPPED && compared)
        return HK_VERDICT_NONE;
    *reason = hk_file_status_name(evidence->status);
    return HK_VERDICT_NOT_CHECKED;
}

/* The table of match.h. A known-good digest speaks for whatever the decoder made of the file:
 * truncated, low in quality, failed. A digest is there only if every byte was read and none
 * changed meanwhile, so these are the very bytes that someone has found good. */
static void decide(hk__judgement *judgement, const finds *all, const hk_matcher *matcher,
                   const hk__evidence *evidence)
{
    enum { DIGEST, NEAR };
    const bool known = all->in_known[DIGEST] || all->in_known[NEAR];
    judgement->known_good = all->in_good[DIGEST];
    judgement->conflict = known && (all->in_good[DIGEST] || all->in_good[NEAR]);
    if (all->in_known[DIGEST])
        judgement->verdict = HK_VERDICT_EXACT;
    else if (all->in_good[DIGEST])
        judgement->verdict = HK_VERDICT_NONE;
    else if (all->in_known[NEAR])
        judgement->verdict = HK_VERDICT_NEAR;
    else
        judgement->verdict = without_hit(&judgement->reason, matcher, evidence);
}

hk_status hk__judge(hk__judgement *out, const hk_matcher *matcher, const hk__evidence *evidence,
                    hk_error *err)
{
    hk__judgement judgement = {0};
    finds all = {0};
    hk_status status = look_up(&all, matcher, evidence, err);
    if (!status)
        status = put_matches(&judgement, matcher, evidence, &all, err);
    if (!status) {
        if (evidence->hashed)
            judgement.false_matches =
                strangers_within(NULL, matcher, evidence, MAX_RADIUS, matcher->hashes[0]);
        decide(&judgement, &all, matcher, evidence);
        *out = judgement;
    } else {
        hk__judgement_clear(&judgement);
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
        max_distance > MAX_RADIUS)
        return hk__fail(err, HK_ERR_USAGE, "1 to 8 orientations and a radius of 0 to %d bits",
                        MAX_RADIUS);
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
