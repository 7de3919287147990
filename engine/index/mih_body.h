/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mih_body.h - searching the tables of mih.h; built once for each instruction set, which says how
 * bits are gathered (gather) and how tags are compared (near_tags).
 *
 * Memory is slow to answer but takes many questions at once, so a query goes through in waves, each
 * asking for the memory of the next before it is needed:
 *
 *      groups       the groups near the query's own      their starts are prefetched,
 *      spans        where each begins and ends           then their first tags,
 *      tags         the tags within reach                then the item of each,
 *      candidates   which hash it is                     then the hash itself
 */
#include "core/error.h"
#include "core/mem.h"

enum { GROUPS = 16, AHEAD = 3, CHUNKS = 8, CANDIDATES = 256, LINE = 64 };

/* Groups of one table to look into, and how many bits each is off. */
typedef struct listed {
    unsigned table, count;
    uint32_t group[GROUPS];
    uint8_t off[GROUPS];
    uint32_t first[GROUPS], size[GROUPS]; /* known in the second wave */
} listed;

typedef struct found {
    uint32_t place, table;
} found;

struct hk__mih_room {
    listed chunk[CHUNKS];
    found candidate[CANDIDATES];
};

/* One query under way. */
typedef struct hunt {
    const hk__mih *mih;
    const hk__mih_query *query;
    hk__sieve *sieve;
    hk__mih_room *room;
    hk__aim aim[HK__SLOTS_MAX];
    unsigned table; /* where groups are being listed */
    unsigned off;   /* the number of bits flipped there */
    uint64_t flip;  /* which */
    unsigned candidates;
    uint64_t work;
    const void *damaged; /* where the file is damaged */
    hk_status status;
    hk_error *err;
} hunt;

/* ---- keys ---------------------------------------------------------------------------------- */

static inline uint32_t gather_all(const uint64_t mask[4], const hk_hash *hash)
{
    uint32_t bits = 0;
    for (unsigned w = 0, at = 0; w < 4; w++) {
        bits |= (uint32_t)gather(hash->word[w], mask[w]) << (at & 31);
        at += (unsigned)__builtin_popcountll(mask[w]);
    }
    return bits;
}

static void sort_keys(uint32_t *groups, uint16_t *tags, const hk__slot *slot, const hk_hash *hashes,
                      size_t count)
{
    const hk__slot s = *slot;
    const unsigned own = hk__mask_width(s.own);
    for (size_t i = 0; i < count; i++)
        groups[i] = gather_all(s.group, &hashes[i]);
    for (size_t i = 0; tags && i < count; i++)
        tags[i] = (uint16_t)(gather_all(s.own, &hashes[i]) | gather_all(s.next, &hashes[i]) << own);
}

static void take_aim(hunt *h)
{
    const unsigned tables = h->mih->tables;
    unsigned quota[HK__SLOTS_MAX];
    hk__slots_quotas(quota, tables, h->query->max_distance);
    for (unsigned t = 0; t < tables; t++) {
        const hk__slot *slot = &h->mih->table[t].slot;
        hk__aim *a = &h->aim[t];
        sort_keys(&a->group, &a->tag, slot, &h->query->hash, 1);
        a->own = (uint16_t)((UINT32_C(1) << hk__mask_width(slot->own)) - 1);
        a->both = (uint16_t)((UINT32_C(1) << h->mih->tag_bits) - 1);
        a->reach = (int)quota[t] - 1;
        a->reach_both = (int)(quota[t] + quota[(t + 1) % tables]) - 1;
    }
}

/* ---- groups -------------------------------------------------------------------------------- */

/* The next number with as many one-bits (Warren, "Hacker's Delight", 2-1). */
static inline uint64_t next_flip(uint64_t flip)
{
    const uint64_t lowest = flip & -flip, ripple = flip + lowest;
    return ripple | (flip ^ ripple) >> 2 >> __builtin_ctzll(flip);
}

/* First wave: lists the next groups to look into, all of one table; none: there are no more. */
static void list_groups(hunt *h, listed *chunk)
{
    chunk->count = 0;
    while (chunk->count == 0 && h->table < h->mih->tables) {
        const hk__table *table = &h->mih->table[h->table];
        const hk__aim *a = &h->aim[h->table];
        chunk->table = h->table;
        while (chunk->count < GROUPS && (int)h->off <= a->reach && h->flip < table->groups) {
            unsigned n = chunk->count;
            uint64_t flip = h->flip;
            do {
                const uint32_t group = a->group ^ (uint32_t)flip;
                __builtin_prefetch(&table->start[group]);
                chunk->group[n] = group;
                chunk->off[n++] = (uint8_t)h->off;
                flip = flip ? next_flip(flip) : table->groups;
            } while (flip < table->groups && n < GROUPS);
            chunk->count = n;
            h->flip = flip;
            if (flip >= table->groups) /* all groups so many bits off are listed */
                h->flip = (UINT64_C(1) << ++h->off) - 1;
        }
        if (chunk->count < GROUPS) {
            h->table++;
            h->off = 0;
            h->flip = 0;
        }
    }
}

/* ---- spans --------------------------------------------------------------------------------- */

/* Second wave: where the groups begin and end. */
static void find_spans(hunt *h, listed *chunk)
{
    const hk__table *table = &h->mih->table[chunk->table];
    const size_t count = h->mih->count;
    for (unsigned i = 0; i < chunk->count; i++) {
        const uint32_t *start = &table->start[chunk->group[i]];
        const uint32_t first = start[0], end = start[1];
        if (first > end || end > count ||
            (h->mih->seal &&
             (!hk__seal_holds(h->mih->seal, start) || !hk__seal_holds(h->mih->seal, start + 1)))) {
            h->damaged = start;
            return;
        }
        const char *tag = (const char *)&table->tags[first];
        const char *last = (const char *)&table->tags[end] - 1;
        for (unsigned line = 0; line < 4 && tag <= last; line++, tag += LINE)
            __builtin_prefetch(tag);
        __builtin_prefetch(last);
        chunk->first[i] = first;
        chunk->size[i] = end - first;
        h->work += HK__WORK_GROUP + (end - first);
    }
}

/* ---- candidates ---------------------------------------------------------------------------- */

/* Whether a table before this one led to the hash as well. */
static bool found_before(const hunt *h, unsigned table, const hk_hash *hash)
{
    for (unsigned t = 0; t < table; t++) {
        const hk__aim *a = &h->aim[t];
        uint32_t group;
        uint16_t tag;
        sort_keys(&group, &tag, &h->mih->table[t].slot, hash, 1);
        const int off = __builtin_popcount(group ^ a->group);
        const int own = off + __builtin_popcount((tag ^ a->tag) & a->own);
        const int both =
            off + __builtin_popcount((unsigned)(tag ^ a->tag)); /* tags, not positions */
        if (own <= a->reach && both <= a->reach_both)
            return true;
    }
    return false;
}

static void weigh(hunt *h, uint32_t item, unsigned table)
{
    const hk_hash *hash = &h->mih->hashes[item];
    if (!hk__seal_holds(h->mih->seal, hash)) {
        h->damaged = hash;
        return;
    }
    unsigned distance = 0;
    for (int w = 0; w < 4; w++)
        distance += (unsigned)__builtin_popcountll(hash->word[w] ^ h->query->hash.word[w]);
    if ((int)distance <= h->sieve->radius && !found_before(h, table, hash) && !h->status)
        h->status = hk__sieve_offer(h->sieve, (hk_hit){0, item, distance}, h->err);
}

/* Fourth wave: looks at the hashes of the candidates, and forgets them. */
static void weigh_candidates(hunt *h)
{
    const hk__mih *mih = h->mih;
    const found *candidate = h->room->candidate;
    uint32_t item[CANDIDATES];
    for (unsigned i = 0; i < h->candidates; i++) {
        const hk__table *table = &mih->table[candidate[i].table];
        const uint8_t *low = table->items + 3 * (size_t)candidate[i].place;
        if (mih->seal && !hk__seal_check(mih->seal, low, 3)) {
            h->damaged = low;
            return;
        }
        item[i] = hk__table_item(table, candidate[i].place, mih->tag_bits);
        if (item[i] >= mih->count) {
            h->damaged = low;
            return;
        }
        __builtin_prefetch(&mih->hashes[item[i]]);
    }
    for (unsigned i = 0; i < h->candidates && !h->damaged; i++)
        weigh(h, item[i], candidate[i].table);
    h->work += (uint64_t)h->candidates * HK__WORK_CANDIDATE;
    h->candidates = 0;
}

/* Third wave: runs over the tags of the groups. */
static void read_tags(hunt *h, const listed *chunk)
{
    const hk__table *table = &h->mih->table[chunk->table];
    const hk__aim *a = &h->aim[chunk->table];
    for (unsigned i = 0; i < chunk->count && !h->damaged && !h->status; i++) {
        const uint16_t *tags = table->tags + chunk->first[i];
        const int off = chunk->off[i];
        if (h->mih->seal && chunk->size[i] &&
            !hk__seal_check(h->mih->seal, tags, chunk->size[i] * sizeof *tags)) {
            h->damaged = tags;
            return;
        }
        for (uint32_t at = 0; at < chunk->size[i]; at += 32) {
            uint32_t near = near_tags(tags + at, chunk->size[i] - at, a, off);
            for (; near; near &= near - 1) {
                const uint32_t place = chunk->first[i] + at + (uint32_t)__builtin_ctz(near);
                __builtin_prefetch(table->items + 3 * (size_t)place);
                h->room->candidate[h->candidates++] = (found){place, chunk->table};
            }
            if (h->candidates > CANDIDATES - 32) {
                weigh_candidates(h);
                if (h->work > h->query->patience || h->damaged || h->status)
                    return;
            }
        }
    }
}

/* ---- the whole ----------------------------------------------------------------------------- */

static hk_status within(hk__sieve *sieve, bool *gave_up, const hk__mih *mih,
                        const hk__mih_query *query, hk__mih_room *room, hk_error *err)
{
    hunt h = {.mih = mih, .query = query, .sieve = sieve, .room = room, .err = err};
    take_aim(&h);
    /* Every turn lists a chunk, locates the one listed AHEAD turns ago, and reads the one located
     * AHEAD turns ago: enough is under way to keep the memory busy, and what was asked for has
     * come. */
    for (unsigned turn = 0; !h.damaged && !h.status && h.work <= query->patience; turn++) {
        list_groups(&h, &room->chunk[turn % CHUNKS]);
        if (turn >= AHEAD)
            find_spans(&h, &room->chunk[(turn - AHEAD) % CHUNKS]);
        if (turn < 2 * AHEAD || h.damaged)
            continue;
        const listed *now = &room->chunk[(turn - 2 * AHEAD) % CHUNKS];
        if (now->count == 0)
            break;
        read_tags(&h, now);
    }
    *gave_up = h.work > query->patience;
    if (!*gave_up && !h.damaged && !h.status)
        weigh_candidates(&h);
    if (h.damaged)
        return hk__seal_fail(mih->seal, h.damaged, err);
    return h.status;
}
