/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * query.c - hashes and digests of images that are elsewhere: hk_matcher_check of herken.h.
 *
 * The hashes of many queries are searched together, since an index is quicker with many at once:
 *
 *      queries -> by radius -> portions of whole queries -> one search a list -> hits
 *                                                           back to their queries -> finds,
 * verdicts
 *
 * Who asks for a kind that is not given may hold a photo or a flag. A photo's radius would give a
 * flag false matches beyond any budget; refusing would make the kind a duty. So the radius is the
 * narrowest that any kind has, and of kinds without one the digests and this radius must do.
 */
#include "match/finds.h"
#include "match/match.h"

#include "core/error.h"
#include "core/mem.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>

enum {
    PORTION = 4096, /* hashes in one search: what a search keeps for each grows with them */
    ONES_OFF = 16   /* one-bits of a degenerate hash are further from half of all bits */
};

/* One query while it is looked up. */
typedef struct asking {
    const hk_query *query;
    hk__look look;
    unsigned share; /* hk__looked */
    hk__finds finds;
    size_t place; /* among the queries */
} asking;

int hk_matcher_query_radius(const hk_matcher *matcher, int kind, size_t hash_count)
{
    const size_t share = hash_count ? (hash_count - 1) / HK__LOOKED_UP : 0;
    if (share >= HK__SHARES)
        return -1;
    const int *radius = matcher->bare[share];
    int narrowest = -1;
    if (kind != HK_NO_KIND)
        return (unsigned)kind < HK__KINDS ? radius[kind] : -1;
    for (int k = 0; k < HK__KINDS; k++)
        if (radius[k] >= 0 && (narrowest < 0 || radius[k] < narrowest))
            narrowest = radius[k];
    return narrowest;
}

/* Of no kind: that by which its radius is. */
static hk_kind kind_of(const hk_matcher *matcher, const hk_query *query, int radius, size_t share)
{
    if (query->kind != HK_NO_KIND)
        return (hk_kind)query->kind;
    for (int k = HK__KINDS - 1; k > 0; k--)
        if (radius >= 0 && matcher->bare[share][k] == radius)
            return (hk_kind)k;
    return HK_KIND_PHOTO;
}

static hk_status start(asking *a, const hk_matcher *matcher, const hk_query *query, size_t place,
                       hk_error *err)
{
    if (query->hash_count > HK_QUERY_HASHES_MOST || (query->hash_count && !query->hashes))
        return hk__fail(err, HK_ERR_USAGE, "a query has 0 to %d hashes", HK_QUERY_HASHES_MOST);
    if (query->kind != HK_NO_KIND && !hk_kind_name((hk_kind)query->kind))
        return hk__fail(err, HK_ERR_USAGE, "a kind is photo, low_texture or graphic");
    if (query->quality < HK_NO_QUALITY || query->quality > 100)
        return hk__fail(err, HK_ERR_USAGE, "a quality is 0 to 100");
    const size_t share = query->hash_count ? (query->hash_count - 1) / HK__LOOKED_UP : 0;
    const int radius =
        query->hash_count ? hk_matcher_query_radius(matcher, query->kind, query->hash_count) : -1;
    *a = (asking){.query = query,
                  .look = {.kind = kind_of(matcher, query, radius, share),
                           .radius = {radius, -1},
                           .hashes = {query->hashes},
                           .aligned = -1},
                  .share = (unsigned)share + 1,
                  .place = place};
    return HK_OK;
}

/* ---- searching ----------------------------------------------------------------------------- */

static int by_radius(const void *a, const void *b)
{
    const asking *x = a, *y = b;
    const int x_radius = x->look.radius[HK__PLAIN], y_radius = y->look.radius[HK__PLAIN];
    if (x_radius != y_radius)
        return x_radius < y_radius ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* Hands hits, which come by query, to those who asked. */
static hk_status hand_out(asking *askings, size_t count, const hk__source *from, hk_hits *hits,
                          hk_error *err)
{
    hk_status status = HK_OK;
    size_t at = 0;
    uint32_t first = 0;
    for (size_t i = 0; !status && i < count; i++) {
        const size_t begin = at;
        const uint32_t end = first + (uint32_t)askings[i].query->hash_count;
        for (; at < hits->count && hits->hit[at].query < end; at++)
            hits->hit[at].query -= first;
        status = hk__finds_hits(&askings[i].finds, from, hits->hit + begin, at - begin, err);
        askings[i].finds.truncated |= hits->truncated && at > begin;
        first = end;
    }
    return status;
}

/* Searches one list for a portion: queries of one radius. */
static hk_status search_portion(asking *askings, size_t count, const hk_matcher *matcher,
                                const hk__source *from, const hk_hash *hashes, size_t hash_count,
                                hk_error *err)
{
    hk_hits hits;
    hk_status status =
        hk_index_within(&hits, from->index, hashes, hash_count,
                        (unsigned)askings->look.radius[HK__PLAIN], matcher->max_matches, err);
    if (status)
        return status;
    status = hk__finds_exact(from, &hits, err);
    if (!status)
        status = hand_out(askings, count, from, &hits, err);
    hk_hits_free(&hits);
    return status;
}

/* How many of the queries go into one portion, and their hashes. */
static size_t fill_portion(hk_hash hashes[PORTION], size_t *hash_count, const asking *askings,
                           size_t count)
{
    const int radius = askings->look.radius[HK__PLAIN];
    size_t taken = 0;
    *hash_count = 0;
    for (; taken < count && askings[taken].look.radius[HK__PLAIN] == radius; taken++) {
        const hk_query *query = askings[taken].query;
        if (*hash_count + query->hash_count > PORTION)
            break;
        memcpy(hashes + *hash_count, query->hashes, query->hash_count * sizeof *hashes);
        *hash_count += query->hash_count;
    }
    return taken;
}

static hk_status look_up_hashes(asking *askings, size_t count, const hk_matcher *matcher,
                                hk_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += askings[i].query->hash_count;
    if (!total)
        return HK_OK;
    qsort(askings, count, sizeof *askings, by_radius);
    hk_hash *hashes = hk__alloc(total < PORTION ? total : PORTION, sizeof *hashes);
    hk_status status = hashes ? HK_OK : hk__fail_memory(err);
    size_t done = 0;
    while (done < count && askings[done].look.radius[HK__PLAIN] < 0)
        done++;
    while (!status && done < count) {
        size_t hash_count;
        const size_t taken = fill_portion(hashes, &hash_count, askings + done, count - done);
        for (size_t l = 0; !status && l < matcher->count; l++)
            status =
                hk__list_searched(matcher->sources[l].list,
                                  search_portion(askings + done, taken, matcher,
                                                 &matcher->sources[l], hashes, hash_count, err),
                                  err);
        done += taken;
    }
    hk__free(hashes);
    return status;
}

static hk_status look_up_digests(asking *askings, size_t count, const hk_matcher *matcher,
                                 hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < matcher->count; l++) {
        const hk__source *from = &matcher->sources[l];
        for (size_t i = 0; !status && i < count; i++)
            status = hk__finds_digests(&askings[i].finds, matcher, from, &askings[i].query->digests,
                                       err);
        status = hk__list_searched(from->list, status, err);
    }
    return status;
}

/* ---- answers ------------------------------------------------------------------------------- */

static unsigned flags_of(const hk_query *query)
{
    unsigned flags = 0;
    const int ones = query->hash_count ? (int)hk_hash_ones(query->hashes) : HK_HASH_BITS / 2;
    if (abs(ones - HK_HASH_BITS / 2) > ONES_OFF)
        flags |= HK_FLAG_DEGENERATE;
    if (query->quality != HK_NO_QUALITY && query->quality < hk__model_pdq.low_quality)
        flags |= HK_FLAG_LOW_QUALITY;
    return flags;
}

static hk_status put_answer(hk_answer *out, asking *a, const hk_matcher *matcher, hk_error *err)
{
    enum { NEAR = 1 };
    const hk__alone alone = {.hashed = a->query->hash_count != 0,
                             .flags = flags_of(a->query),
                             .radius = a->look.radius[HK__PLAIN],
                             .kind =
                                 a->query->kind == HK_NO_KIND ? "kind" : hk_kind_name(a->look.kind),
                             .readable = true,
                             .digests = a->query->digests.present,
                             .otherwise = "digests_not_listed"};
    const hk__looked looked = {.looks = &a->look, .count = 1, .share = a->share, .bare = true};
    hk_answer answer = {0};
    hk_status status = hk__finds_matches(&answer.matches, &answer.match_count, &answer.hit,
                                         &a->finds, matcher, &looked, err);
    if (status)
        return status;
    hk__finds without = a->finds;
    without.in_known[NEAR] = false;
    answer.verdict = hk__finds_verdict(&answer.reason, &a->finds, matcher, &alone);
    answer.otherwise = hk__finds_verdict(&answer.reason, &without, matcher, &alone);
    answer.matches_truncated = a->finds.truncated;
    answer.known_good = a->finds.in_good[0];
    answer.conflict = hk__finds_conflict(&a->finds);
    *out = answer;
    return HK_OK;
}

hk_status hk_matcher_check(hk_answer *out, const hk_matcher *matcher, const hk_query *queries,
                           size_t count, hk_error *err)
{
    hk_answer *answers = hk__alloc(count + 1, sizeof *answers);
    asking *askings = hk__alloc(count + 1, sizeof *askings);
    hk_status status = answers && askings ? HK_OK : hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++)
        status = start(&askings[i], matcher, &queries[i], i, err);
    if (!status)
        status = look_up_digests(askings, count, matcher, err);
    if (!status)
        status = look_up_hashes(askings, count, matcher, err);
    for (size_t i = 0; !status && i < count; i++)
        status = put_answer(&answers[askings[i].place], &askings[i], matcher, err);
    if (!status && count)
        memcpy(out, answers, count * sizeof *out);
    else if (answers)
        hk_answers_clear(answers, count);
    for (size_t i = 0; askings && i < count; i++)
        hk__free(askings[i].finds.find);
    hk__free(askings);
    hk__free(answers);
    return status;
}

void hk_answers_clear(hk_answer *answers, size_t count)
{
    for (size_t i = 0; answers && i < count; i++)
        hk__free(answers[i].matches);
    if (answers && count)
        memset(answers, 0, count * sizeof *answers);
}
