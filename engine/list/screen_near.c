/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen_near.c - which hashes lie near unusually many others, or near known good ones (screen.h).
 *
 * A search that stops at a hundred hits must still look at all that it might find: in a feed with a
 * hundred thousand hashes of one picture it would do so a hundred thousand times. So crowds are
 * looked for in samples first, each with a sixteenth of the hashes of the one before. More than
 * `crowd` in a sample are more than that in all, and whoever is crowded is met where he has some
 * hundreds of neighbours, however many there are in all. Which hashes are in a sample is not to be
 * foreseen, and changes only how long it takes.
 */
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"
#include "list/screen.h"

#include <string.h>

/* A level has a 16th of the one before, and is not worth it below LEAST hashes. */
enum { SHIFT = 4, LEAST = 1024 };

static bool is_of_level(uint32_t group, size_t level, uint64_t seed)
{
    uint64_t z = (group + seed) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) >> (64 - SHIFT * level) == 0;
}

static hk_status make_sample(hk__screening *s, size_t level, uint64_t seed,
                             const hk_index_options *options, hk_error *err)
{
    const hk__pool *pool = &s->pool;
    size_t count = 0;
    for (uint32_t g = 0; g < pool->counting; g++)
        count += is_of_level(g, level, seed);
    hk_hash *hashes = hk__alloc_aligned(count, sizeof *hashes);
    uint32_t *ids = hk__alloc(count, sizeof *ids);
    hk_status status = hashes && ids ? HK_OK : hk__fail_memory(err);
    hk_index_source source = {.hashes = hashes, .hash_ids = ids};
    for (uint32_t g = 0; !status && g < pool->counting; g++)
        if (is_of_level(g, level, seed)) {
            ids[source.hash_count] = g;
            hashes[source.hash_count++] = pool->hashes[g];
        }
    if (!status)
        status = hk_index_build_from(&s->level[level], &source, options, err);
    hk__free(hashes);
    hk__free(ids);
    return status;
}

hk_status hk__screen_levels(hk__screening *s, hk_error *err)
{
    const uint64_t seed = hk__clock_ns();
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.max_distance = s->options->max_distance;
    options.threads = s->options->threads;
    if (s->members_counting <= s->options->crowd) /* nobody can have that many */
        return HK_OK;
    hk_status status =
        hk_index_build(&s->level[0], s->pool.hashes, s->pool.counting, &options, err);
    s->levels = !status;
    while (!status && s->levels < HK__LEVELS_MAX &&
           s->pool.counting >> SHIFT * s->levels >= LEAST) {
        status = hk__screen_tell(s, err);
        if (!status)
            status = make_sample(s, s->levels, seed, &options, err);
        s->levels += !status;
    }
    return status;
}

/* ---- crowds -------------------------------------------------------------------------------- */

/* Searches one level for the groups in ask[0..*count), and leaves there who is not crowded by what
 * it holds. */
static hk_status ask_level(hk__screening *s, size_t level, uint32_t *ask, hk_hash *queries,
                           size_t *count, hk_error *err)
{
    hk__group *groups = s->pool.groups;
    const size_t enough = (size_t)s->options->crowd + 2; /* whether it is among them or not */
    hk_hits hits = {0};
    size_t left = 0, h = 0;
    for (size_t q = 0; q < *count; q++)
        queries[q] = s->pool.hashes[ask[q]];
    hk_status status = hk_index_within(&hits, s->level[level], queries, *count,
                                       s->options->max_distance, enough, err);
    if (status)
        return status;
    for (size_t q = 0; q < *count; q++) {
        uint64_t crowd = 0;
        for (; h < hits.count && hits.hit[h].query == q; h++)
            crowd += groups[hits.hit[h].item].count;
        groups[ask[q]].crowd = crowd < enough ? (uint32_t)crowd : (uint32_t)enough;
        if (crowd < enough)
            ask[left++] = ask[q];
    }
    hk_hits_free(&hits);
    *count = left;
    return HK_OK;
}

static hk_status ask_crowds(hk__screening *s, uint32_t *ask, hk_hash *queries, size_t count,
                            hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t level = s->levels; !status && count && level-- > 0;) {
        status = ask_level(s, level, ask, queries, &count, err);
        if (!status)
            status = hk__screen_tell(s, err);
    }
    return status;
}

/* ---- what is known good -------------------------------------------------------------------- */

static hk_status put_near(hk__screening *s, hk__group *group, const hk_hit *hit, size_t list,
                          hk_error *err)
{
    hk__pool *pool = &s->pool;
    if (group->near && pool->near[group->near - 1].distance <= hit->distance)
        return HK_OK;
    if (!group->near) {
        if (pool->near_count == pool->near_capacity) {
            hk__finding *grown =
                hk__screen_grown(pool->near, &pool->near_capacity, sizeof *pool->near);
            if (!grown)
                return hk__fail_memory(err);
            pool->near = grown;
        }
        group->near = (uint32_t)++pool->near_count;
    }
    pool->near[group->near - 1] = (hk__finding){.other = hit->item,
                                                .list = (uint32_t)list,
                                                .distance = (uint16_t)hit->distance,
                                                .reason = HK_SUSPECT_NEAR_KNOWN_GOOD};
    return HK_OK;
}

/* Hashes as they are. A picture has eight hashes, one for each way it can be turned and mirrored,
 * but the other seven cannot be had from the one: PDQ keeps of each coefficient only whether it is
 * above the median of all, and a turn changes their signs before that. So a turned copy of known
 * good material is not met here. */
static hk_status ask_others(hk__screening *s, const uint32_t *groups, const hk_hash *queries,
                            size_t count, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < s->other_count; l++) {
        hk_hits hits = {0};
        status = hk_index_within(&hits, s->others[l].list->index, queries, count,
                                 s->options->max_distance, 1, err);
        status = hk__list_searched(s->others[l].list, status, err);
        for (size_t h = 0; !status && h < hits.count; h++)
            status = put_near(s, &s->pool.groups[groups[hits.hit[h].query]], &hits.hit[h], l, err);
        hk_hits_free(&hits);
        if (!status)
            status = hk__screen_tell(s, err);
    }
    return status;
}

hk_status hk__screen_near(hk__screening *s, const uint32_t *groups, size_t count, hk_error *err)
{
    uint32_t *ask = hk__alloc(count, sizeof *ask);
    hk_hash *queries = hk__alloc(count, sizeof *queries);
    hk_status status = ask && queries ? HK_OK : hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++) {
        ask[i] = groups[i];
        queries[i] = s->pool.hashes[groups[i]];
    }
    if (!status && s->other_count)
        status = ask_others(s, groups, queries, count, err);
    if (!status)
        status = ask_crowds(s, ask, queries, count, err);
    hk__free(ask);
    hk__free(queries);
    return status;
}
