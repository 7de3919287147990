/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mih.h - multi-index hashing: one table per slot (slots.h), in which the hashes lie grouped by
 * some bits of the slot, each with a tag of further bits. Five bytes a hash and table:
 *
 *      start   [groups + 1]   group g holds the places start[g] .. start[g + 1] - 1
 *      tags    [count]        tag: the slot's other bits, and above them bits of the next slot;
 *                             above the tag: the high bits of the hash's position
 *      items   [count][3]     the low 24 bits of its position; ascending within a group
 *
 * Positions of up to 24 bits leave all 16 bits to the tag, those of 27 bits leave 13.
 *
 * A query looks into the groups a few flipped bits around its own, runs over their tags, 32 to the
 * vector, and follows to its hash what both rules of slots.h let pass: within 31 bits, of 1.4
 * million random hashes, 5,800 tags and 15 hashes on average. Groups of some tens of hashes make
 * the starts few enough for a processor's caches, and a group's tags one or two cache lines.
 *
 * Frozen once made; any number of threads may search. The tables may lie in a mapped file: whatever
 * they say is checked against `count` before it is followed.
 */
#ifndef HK_INDEX_MIH_H
#define HK_INDEX_MIH_H

#include "index/seal.h"
#include "index/sieve.h"
#include "index/slots.h"

typedef struct hk__table {
    hk__slot slot;
    size_t groups;         /* 1 << width of slot.group */
    const uint32_t *start; /* [groups + 1] */
    const uint16_t *tags;  /* [count] */
    const uint8_t *items;  /* [3 * count] */
} hk__table;

typedef struct hk__mih {
    unsigned tables; /* 0: none, scan instead */
    hk__table table[HK__SLOTS_MAX];
    const hk_hash *hashes; /* [count], borrowed */
    size_t count;
    unsigned tag_bits;
    const hk__seal *seal; /* of the file they lie in, borrowed; NULL: memory */
    bool owned;           /* starts, tags and items are ours to free */
} hk__mih;

/* The position at a place of a table. */
static inline uint32_t hk__table_item(const hk__table *table, size_t place, unsigned tag_bits)
{
    const uint8_t *low = table->items + 3 * place;
    return (uint32_t)(low[0] | low[1] << 8 | low[2] << 16) |
           (uint32_t)table->tags[place] >> tag_bits << 24;
}

/* Makes `tables` tables over count <= UINT32_MAX hashes, which are borrowed, with groups of about
 * group_bits bits, on as many threads. */
hk_status hk__mih_build(hk__mih *out, const hk_hash *hashes, size_t count, unsigned tables,
                        unsigned group_bits, unsigned threads, hk_error *err) HK_MUST_CHECK;
void hk__mih_clear(hk__mih *mih);

/* Bits that positions leave to the tags: 8..16. */
unsigned hk__mih_tag_bits(size_t count);

/* Bytes of the tables, without the hashes. */
size_t hk__mih_bytes(const hk__mih *mih);

/* Room for one search at a time; reused. Free with hk__free. */
typedef struct hk__mih_room hk__mih_room;
hk__mih_room *hk__mih_room_new(void);

/* A search within max_distance of one query. */
typedef struct hk__mih_query {
    hk_hash hash;
    unsigned max_distance;
    uint64_t patience; /* give up after so much work, as HK__WORK_* counts it */
} hk__mih_query;

/* Work is counted in tags, some 0.2 ns each: a group is worth this many, a candidate that many. */
enum { HK__WORK_GROUP = 100, HK__WORK_CANDIDATE = 80 };

/* Offers the hashes within the radius to the sieve, each once, in no order. *gave_up: patience ran
 * out, and only some were offered. HK_ERR_FORMAT: the file is damaged. */
hk_status hk__mih_within(hk__sieve *sieve, bool *gave_up, const hk__mih *mih,
                         const hk__mih_query *query, hk__mih_room *room,
                         hk_error *err) HK_MUST_CHECK;

/* The group and the tag of a hash in a table: what a table must say of it. */
uint32_t hk__mih_group(const hk__slot *slot, const hk_hash *hash);
uint16_t hk__mih_tag(const hk__slot *slot, const hk_hash *hash);

/* What a query looks for in one table. */
typedef struct hk__aim {
    uint32_t group; /* of the query itself */
    uint16_t tag;   /* of the query */
    uint16_t own;   /* the bits of a tag that belong to the slot, */
    uint16_t both;  /* and all bits of a tag */
    int reach;      /* distance in the slot, bits; -1: the table is not searched */
    int reach_both; /* in the slot and the next together */
} hk__aim;

/* The same code for several instruction sets: chosen by the level in use. */
typedef struct hk__mih_kernels {
    /* The groups and tags of count hashes; tags may be NULL. */
    void (*sort_keys)(uint32_t *groups, uint16_t *tags, const hk__slot *slot, const hk_hash *hashes,
                      size_t count);
    hk_status (*within)(hk__sieve *sieve, bool *gave_up, const hk__mih *mih,
                        const hk__mih_query *query, hk__mih_room *room, hk_error *err);
} hk__mih_kernels;
extern const hk__mih_kernels hk__mih_scalar;
extern const hk__mih_kernels hk__mih_avx2; /* these two only where built for x86-64 */
extern const hk__mih_kernels hk__mih_avx512;
const hk__mih_kernels *hk__mih_in_use(void);

#endif
