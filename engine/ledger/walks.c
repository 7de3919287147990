/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walks.c - see walks.h. */
#include "ledger/walks.h"

#include "core/mem.h"

#define DAY_NS (UINT64_C(86400) * 1000000000)

/* Points as of now: `limit` of them run out within a day. */
static double points_now(const hk__walk *walk, unsigned limit, uint64_t now)
{
    const double gone = (double)(now - walk->at) / (double)DAY_NS * limit;
    return walk->points > gone ? walk->points - gone : 0;
}

/* Whether the hash was asked for before; it was now. */
static bool seen_before(hk__walk *walk, const hk_hash *hash)
{
    const uint64_t mixed = (hash->word[0] ^ hash->word[1] * UINT64_C(0x9e3779b97f4a7c15) ^
                            hash->word[2] * UINT64_C(0xbf58476d1ce4e5b9) ^
                            hash->word[3] * UINT64_C(0x94d049bb133111eb)) *
                           UINT64_C(0x9e3779b97f4a7c15);
    /* The low bits of a product know nothing of the high bits of what was multiplied. */
    uint32_t *place = &walk->seen[mixed >> 58], tag = (uint32_t)(mixed >> 26) | 1;
    const bool before = *place == tag;
    *place = tag;
    return before;
}

/* The picture that one of the hashes belongs to, and which hash. */
static hk__walk *find(size_t *which, const hk__walks *walks, const hk_hash *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int w = 0; w < HK__WALKS; w++)
            if (walks->walk[w].at &&
                hk_hash_distance(&walks->walk[w].centre, &hashes[i]) <= HK__WALK_REACH) {
                *which = i;
                return &walks->walk[w];
            }
    return NULL;
}

static void start(hk__walks *walks, const hk_hash *hash, unsigned limit, uint64_t now)
{
    hk__walk *least = &walks->walk[0];
    for (int w = 1; w < HK__WALKS && least->at; w++)
        if (!walks->walk[w].at ||
            points_now(&walks->walk[w], limit, now) < points_now(least, limit, now))
            least = &walks->walk[w];
    *least = (hk__walk){.centre = *hash, .points = 1, .at = now};
    (void)seen_before(least, hash);
}

bool hk__walks_see(unsigned *steps, double *points, hk__walks *walks, const hk_hash *hashes,
                   size_t count, bool near, size_t hit, unsigned limit, uint64_t now)
{
    size_t which;
    *steps = 0;
    *points = 0;
    if (!count || (!near && !walks->walk))
        return true;
    if (!walks->walk && !(walks->walk = hk__alloc(HK__WALKS, sizeof *walks->walk)))
        return false;
    hk__walk *walk = find(&which, walks, hashes, count);
    if (!walk) {
        if (near)
            start(walks, &hashes[hit < count ? hit : 0], limit, now);
        return true;
    }
    walk->points = points_now(walk, limit, now);
    walk->at = now;
    if (!seen_before(walk, &hashes[which])) {
        walk->points += near ? 1 : HK__WALK_MISS;
        *steps = walk->points > limit;
        /* No more than a day's worth over, so that it ends. */
        if (walk->points > 2.0 * limit)
            walk->points = 2.0 * limit;
    }
    *points = walk->points;
    return true;
}

void hk__walks_clear(hk__walks *walks)
{
    hk__free(walks->walk);
    walks->walk = NULL;
}
