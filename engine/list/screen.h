/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen.h - looking a list's proposed entries over (hk_store_screen): what its parts share.
 *
 *      store --screen_pool.c--> members, ascending by number, and for each sort of value a column
 *                               of (value, member)
 *      columns, sorted --screen_same.c--> equal values: contradictions, what is known good; equal
 *                               PDQ hashes become one group
 *      groups --screen_near.c--> how many are near, and what known good is: 1,000 at a time
 *      findings --screen.c--> the store, in transactions of about two seconds of work
 *
 * The pool is what the list would hold if everything proposed were let in: active, quarantined and
 * proposed entries. An entry that a proposed one replaces or withdraws is leaving: it neither makes
 * a crowd nor contradicts anybody.
 */
#ifndef HK_LIST_SCREEN_H
#define HK_LIST_SCREEN_H

#include "list/store.h"

#define HK__NO_GROUP UINT32_MAX
enum { HK__COLUMNS = HK_BASIS_PDQ + 1, HK__LEVELS_MAX = 8 };

/* What one call may do at once; for tests to change. */
typedef struct hk__screen_pace {
    size_t queries;   /* hashes searched for at once */
    uint64_t tell_ns; /* between calls of on_progress */
    uint64_t keep_ns; /* between writes */
} hk__screen_pace;

typedef struct hk__member {
    uint64_t category; /* a hash of it; 0: none */
    uint32_t number;
    uint32_t group;  /* of its PDQ hash, or HK__NO_GROUP */
    uint8_t found;   /* HK_SUSPECT_* found in this call; of targets only */
    bool is_target;  /* proposed, and not screened yet */
    bool is_leaving; /* is replaced or withdrawn by what is proposed */
    bool speaks;     /* active or proposed: its category counts */
} hk__member;

/* Values of one sort, each followed by its member's position: records of width + 4 bytes. */
typedef struct hk__column {
    uint8_t *records;
    size_t width, count, capacity;
} hk__column;

/* All members with one PDQ hash. */
typedef struct hk__group {
    uint32_t count; /* members that are not leaving */
    uint32_t crowd; /* of these, with other groups', within max_distance; no more than matter */
    uint32_t near;  /* position in hk__pool.near + 1; 0: nothing known good is near */
    bool is_asked;  /* or is going to be */
} hk__group;

/* What was found of one member, with what it takes to put it in words. */
typedef struct hk__finding {
    uint32_t member;
    uint32_t other; /* number of the entry it is about; 0: none */
    uint32_t list;  /* position in hk__screening.others, of a known good one */
    uint16_t distance;
    uint8_t reason; /* HK_SUSPECT_* */
    uint8_t basis;
} hk__finding;

typedef struct hk__findings {
    hk__finding *at;
    size_t count, capacity;
} hk__findings;

typedef struct hk__pool {
    hk__member *members;
    size_t count, capacity, targets;
    hk__column column[HK__COLUMNS]; /* by hk_basis */
    hk_hash *hashes;                /* [group_count] */
    hk__group *groups;              /* those with a count come first */
    size_t group_count, counting;   /* how many have one */
    hk__finding *near;              /* of groups */
    size_t near_count, near_capacity;
} hk__pool;

/* A list of the other sort: known good where the list screened is not, else the other way. */
typedef struct hk__other_list {
    char *name; /* owned */
    hk_list *list;
} hk__other_list;

typedef struct hk__screening {
    hk_store *store;
    hk__list_row list;
    const hk_screen_options *options;
    const hk__screen_pace *pace;
    hk__other_list *others;
    size_t other_count;
    hk__pool pool;
    hk__findings same;               /* by member: of equal values */
    hk__findings findings;           /* not written yet */
    hk_index *level[HK__LEVELS_MAX]; /* [0] of all groups with a count, then ever fewer */
    size_t levels, members_counting;
    sqlite3_stmt *is_active;
    uint64_t done, total, told, kept; /* entries; nanoseconds */
    int64_t next;                     /* what was found below this number is in `findings` */
} hk__screening;

/* A block of *capacity items, at twice the capacity; NULL, and everything as it was, where there is
 * no memory. */
void *hk__screen_grown(void *block, size_t *capacity, size_t size);
/* Calls on_progress if it is time to. HK_ERR_STOPPED where it says so. */
hk_status hk__screen_tell(hk__screening *s, hk_error *err) HK_MUST_CHECK;
/* Keeps a finding among `all`, unless there is one of its reason for the member. */
hk_status hk__screen_find(hk__screening *s, hk__findings *all, const hk__finding *finding,
                          hk_error *err) HK_MUST_CHECK;

/* ---- screen_pool.c: within a read transaction of the caller */
hk_status hk__screen_load(hk__screening *s, hk_error *err) HK_MUST_CHECK;
void hk__screen_unload(hk__screening *s);

/* ---- screen_same.c: within the same; consumes the columns and fills ->same */
hk_status hk__screen_same(hk__screening *s, hk_error *err) HK_MUST_CHECK;

/* ---- screen_near.c */
hk_status hk__screen_levels(hk__screening *s, hk_error *err) HK_MUST_CHECK;
/* Answers for these groups. */
hk_status hk__screen_near(hk__screening *s, const uint32_t *groups, size_t count,
                          hk_error *err) HK_MUST_CHECK;

/* hk_store_screen at a pace. */
hk_status hk__screen(uint64_t *suspicious, hk_store *store, const char *list,
                     const hk_screen_options *options, const hk__screen_pace *pace,
                     hk_error *err) HK_MUST_CHECK;

#endif
