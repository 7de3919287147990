/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.c - see match.h.
 *
 * Each file is looked up by its digests, then by its hash in eight orientations, as it is and with
 * its colours inverted: 16 queries in one search. An inverted picture has every bit flipped, so
 * its queries are the complements.
 */
#include "match/match.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/digests.h"
#include "list/list.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>

enum { QUERIES = 2 * HK_ORIENTATIONS, MAX_RADIUS = 128 };

/* Where an item of the index or of a digest table comes from. */
typedef struct origin {
    uint32_t list, entry;
} origin;

struct hk_matcher {
    const hk_list **lists;
    size_t list_count;
    hk_index *index;
    origin *hash_origin; /* [items of the index] */
    hk__digest_table *digests[HK_BASIS_PDQ];
    origin *digest_origin[HK_BASIS_PDQ];
    unsigned max_distance;
    size_t max_matches;
    bool accept_uncertain;
};

const char *hk_verdict_name(hk_verdict verdict)
{
    static const char *const names[HK_VERDICTS] = {"not_checked", "none", "near", "exact"};
    return (unsigned)verdict < HK_VERDICTS ? names[verdict] : NULL;
}

static hk_status index_hashes(hk_matcher *matcher, hk_error *err)
{
    size_t total = 0, at = 0;
    for (size_t l = 0; l < matcher->list_count; l++)
        total += matcher->lists[l]->hash_count;
    hk_hash *hashes = hk__alloc(total, sizeof *hashes);
    matcher->hash_origin = hk__alloc(total, sizeof *matcher->hash_origin);
    hk_status status = hashes && matcher->hash_origin ? HK_OK : hk__fail_memory(err);
    for (size_t l = 0; !status && l < matcher->list_count; l++) {
        const hk_list *list = matcher->lists[l];
        for (size_t i = 0; i < list->hash_count; i++, at++) {
            hashes[at] = list->hashes[i];
            matcher->hash_origin[at] = (origin){(uint32_t)l, list->hash_entry[i]};
        }
    }
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.max_distance = matcher->max_distance;
    options.threads = 0;
    if (!status)
        status = hk_index_build(&matcher->index, hashes, total, &options, err);
    hk__free(hashes);
    return status;
}

static hk_status index_digests(hk_matcher *matcher, hk_basis basis, hk_error *err)
{
    const size_t size = hk__digest_size(basis);
    size_t total = 0, at = 0;
    for (size_t l = 0; l < matcher->list_count; l++)
        total += matcher->lists[l]->digests[basis].count;
    if (!total)
        return HK_OK;
    if (total > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "at most %u digests of one sort", UINT32_MAX);
    uint8_t *bytes = hk__alloc(total, size);
    uint32_t *items = hk__alloc(total, sizeof *items);
    origin *origins = matcher->digest_origin[basis] = hk__alloc(total, sizeof *origins);
    hk_status status = bytes && items && origins ? HK_OK : hk__fail_memory(err);
    for (size_t l = 0; !status && l < matcher->list_count; l++) {
        const hk__digest_column *column = &matcher->lists[l]->digests[basis];
        for (size_t i = 0; i < column->count; i++, at++) {
            memcpy(bytes + at * size, column->bytes + i * size, size);
            items[at] = (uint32_t)at;
            origins[at] = (origin){(uint32_t)l, column->entry[i]};
        }
    }
    if (!status)
        status = hk__digest_table_new(&matcher->digests[basis], size, bytes, items, total, err);
    hk__free(bytes);
    hk__free(items);
    return status;
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

    hk_matcher *matcher = hk__alloc(1, sizeof *matcher);
    if (!matcher)
        return hk__fail_memory(err);
    matcher->max_distance = options->max_distance < 0 ? hk__model_pdq.info.max_distance
                                                      : (unsigned)options->max_distance;
    matcher->max_matches = options->max_matches;
    matcher->accept_uncertain = options->accept_uncertain;
    matcher->list_count = count;
    matcher->lists = hk__alloc(count, sizeof *matcher->lists);
    hk_status status = matcher->lists ? HK_OK : hk__fail_memory(err);
    for (size_t l = 0; !status && l < count; l++)
        matcher->lists[l] = lists[l];
    if (!status)
        status = index_hashes(matcher, err);
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
        status = index_digests(matcher, (hk_basis)basis, err);
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
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        hk__digest_table_free(matcher->digests[basis]);
        hk__free(matcher->digest_origin[basis]);
    }
    hk_index_free(matcher->index);
    hk__free(matcher->hash_origin);
    hk__free(matcher->lists);
    hk__free(matcher);
}

unsigned hk_matcher_max_distance(const hk_matcher *matcher)
{
    return matcher->max_distance;
}

unsigned hk__matcher_digests(const hk_matcher *matcher)
{
    unsigned present = 0;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        present |= (matcher->digests[basis] ? 1u : 0u) << basis;
    return present;
}

static hk_match match_of(const hk_matcher *matcher, origin from, hk_basis basis)
{
    const hk_list *list = matcher->lists[from.list];
    const hk__list_entry *entry = &list->entries[from.entry];
    return (hk_match){
        .list = list->name, .entry = entry->id, .category = entry->category, .basis = basis};
}

/* Appends a match; false when out of memory. */
static bool append(hk__judgement *judgement, size_t *capacity, hk_match match)
{
    if (judgement->count == *capacity) {
        const size_t wanted = *capacity ? *capacity * 2 : 8;
        hk_match *grown = hk__realloc(judgement->matches, wanted, sizeof *grown);
        if (!grown)
            return false;
        judgement->matches = grown;
        *capacity = wanted;
    }
    judgement->matches[judgement->count++] = match;
    return true;
}

static hk_status look_up_digests(hk__judgement *judgement, size_t *capacity,
                                 const hk_matcher *matcher, const hk_digests *digests,
                                 hk_error *err)
{
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        if (!matcher->digests[basis] || !(digests->present >> basis & 1))
            continue;
        size_t count;
        const uint32_t *items;
        hk_status status = hk__digest_table_find(&items, &count, matcher->digests[basis],
                                                 hk__digest_bytes(digests, (hk_basis)basis), err);
        if (status)
            return status;
        for (size_t i = 0; i < count; i++) {
            if (matcher->max_matches && judgement->count == matcher->max_matches) {
                judgement->truncated = true;
                return HK_OK;
            }
            const origin from = matcher->digest_origin[basis][items[i]];
            if (!append(judgement, capacity, match_of(matcher, from, (hk_basis)basis)))
                return hk__fail_memory(err);
        }
    }
    return HK_OK;
}

/* One item may be near in several orientations (symmetric pictures): the nearest one stands. */
static int by_item(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->query < y->query ? -1 : x->query > y->query;
}

static int by_distance(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static hk_status look_up_hash(hk__judgement *judgement, size_t *capacity, const hk_matcher *matcher,
                              const hk_fingerprint *fingerprint, hk_error *err)
{
    hk_hash queries[QUERIES];
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int w = 0; w < 4; w++) {
            queries[o].word[w] = fingerprint->hash[o].word[w];
            queries[HK_ORIENTATIONS + o].word[w] = ~fingerprint->hash[o].word[w];
        }

    hk_hits hits;
    hk_status status = hk_index_within(&hits, matcher->index, queries, QUERIES,
                                       matcher->max_distance, matcher->max_matches, err);
    if (status)
        return status;
    judgement->truncated |= hits.truncated;
    if (hits.count)
        qsort(hits.hit, hits.count, sizeof *hits.hit, by_item);
    size_t kept = 0;
    for (size_t i = 0; i < hits.count; i++)
        if (i == 0 || hits.hit[i].item != hits.hit[i - 1].item)
            hits.hit[kept++] = hits.hit[i];
    if (kept)
        qsort(hits.hit, kept, sizeof *hits.hit, by_distance);
    for (size_t i = 0; i < kept && !status; i++) {
        if (matcher->max_matches && judgement->count == matcher->max_matches) {
            judgement->truncated = true;
            break;
        }
        const hk_hit *hit = &hits.hit[i];
        hk_match match = match_of(matcher, matcher->hash_origin[hit->item], HK_BASIS_PDQ);
        match.probe = "plain";
        match.distance = hit->distance;
        match.orientation = (hk_orientation)(hit->query % HK_ORIENTATIONS);
        match.inverted = hit->query >= HK_ORIENTATIONS;
        if (!append(judgement, capacity, match))
            status = hk__fail_memory(err);
    }
    hk_hits_free(&hits);
    return status;
}

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
        return HK_VERDICT_NONE;
    }
    /* No picture in it, but its bytes were compared with the lists' digests. */
    const bool compared = (evidence->digests.present & hk__matcher_digests(matcher)) != 0;
    if (hk_file_status_class(evidence->status) == HK_CLASS_SKIPPED && compared)
        return HK_VERDICT_NONE;
    *reason = hk_file_status_name(evidence->status);
    return HK_VERDICT_NOT_CHECKED;
}

hk_status hk__judge(hk__judgement *out, const hk_matcher *matcher, const hk__evidence *evidence,
                    hk_error *err)
{
    hk__judgement judgement = {0};
    size_t capacity = 0;
    hk_status status = look_up_digests(&judgement, &capacity, matcher, &evidence->digests, err);
    const bool exact = judgement.count > 0;
    if (!status && evidence->hashed)
        status = look_up_hash(&judgement, &capacity, matcher, evidence->fingerprint, err);
    if (status) {
        hk__judgement_clear(&judgement);
        return status;
    }
    judgement.verdict = exact             ? HK_VERDICT_EXACT
                        : judgement.count ? HK_VERDICT_NEAR
                                          : without_hit(&judgement.reason, matcher, evidence);
    *out = judgement;
    return HK_OK;
}

void hk__judgement_clear(hk__judgement *judgement)
{
    hk__free(judgement->matches);
    memset(judgement, 0, sizeof *judgement);
}

hk_status hk_compare(hk_comparison *out, const hk_fingerprint *a, unsigned orientations,
                     const hk_hash *b, int max_distance, hk_error *err)
{
    if (orientations < 1 || orientations > HK_ORIENTATIONS || max_distance < -1 ||
        max_distance > MAX_RADIUS)
        return hk__fail(err, HK_ERR_USAGE, "1 to 8 orientations and a radius of 0 to %d bits",
                        MAX_RADIUS);
    hk_comparison best = {.distance = HK_HASH_BITS + 1};
    for (unsigned o = 0; o < orientations; o++) {
        const unsigned distance = hk_hash_distance(&a->hash[o], b);
        const bool inverted = distance > HK_HASH_BITS / 2;
        const unsigned least = inverted ? HK_HASH_BITS - distance : distance;
        if (least < best.distance)
            best = (hk_comparison){least, (hk_orientation)o, inverted, false};
    }
    best.match = best.distance <=
                 (max_distance < 0 ? hk__model_pdq.info.max_distance : (unsigned)max_distance);
    *out = best;
    return HK_OK;
}
