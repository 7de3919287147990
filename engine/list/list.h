/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list.h - a list of known images as matching wants it: an index whose ids are entries, and words
 * for an entry that was hit.
 *
 * A list from a file (list_load.c) lies in memory, in columns, and its matcher makes the index:
 *
 *      pdq[]     value | entry          entries[]   id | category
 *      md5[]     value | entry
 *      sha1[]    value | entry
 *      sha256[]  value | entry
 *
 * A list from a store (searchable.c) brings its index along, mapped from a snapshot, and looks the
 * words up in the store when an entry is hit. It has no columns.
 */
#ifndef HK_LIST_LIST_H
#define HK_LIST_LIST_H

#include "herken.h"

#define HK__LIST_BAD_MAX 1000000

typedef struct hk__list_entry {
    const char *id;       /* owned by the list */
    const char *category; /* NULL if none */
} hk__list_entry;

typedef struct hk__digest_column {
    uint8_t *bytes;  /* [count * size of the digest] */
    uint32_t *entry; /* [count] */
    size_t count, capacity;
} hk__digest_column;

struct hk_list {
    char *name;
    bool known_good;
    uint64_t revision;       /* of a store; 0: from a file */
    char digest[65];         /* hk_list_digest */
    hk_index *index;         /* owned; NULL: from a file */
    char *snapshot;          /* owned; the file that the index is mapped from; NULL: none */
    struct hk__shelf *shelf; /* owned; where its entries are looked up; NULL: from a file */
    hk__list_entry *entries;
    size_t count, capacity;
    hk_hash *hashes;      /* [hash_count] */
    uint32_t *hash_entry; /* [hash_count] ascending */
    uint8_t *hash_cut;    /* [hash_count] the number of the frame that it is of; 0: the whole */
    size_t hash_count, hash_capacity;
    hk__digest_column digests[HK_BASIS_PDQ];
    hk_list_bad_line *bad;
    size_t bad_count, bad_capacity;
    struct hk__text_block *text; /* every string of the list */
};

/* An empty list called `name`. */
hk_status hk__list_new(hk_list **out, const char *name, hk_error *err) HK_MUST_CHECK;

/* Adds the entry without what would do harm (hk__entry_suspicions), for which there is a
 * quarantined line; its id is "line N" where it has none. Nothing to match at all is a bad line. */
hk_status hk__list_add(hk_list *list, const hk_entry *entry, size_t line,
                       hk_error *err) HK_MUST_CHECK;
/* Puts the entry's hashes and digests into the columns, under this number. */
hk_status hk__list_add_values(hk_list *list, const hk_entry *entry, uint32_t number,
                              hk_error *err) HK_MUST_CHECK;
/* `reason` is static. More than HK__LIST_BAD_MAX of them are HK_ERR_LIMIT: that is no list. */
hk_status hk__list_add_bad(hk_list *list, size_t line, bool quarantined, const char *reason,
                           hk_error *err) HK_MUST_CHECK;

/* How many entries its hashes count as where false matches are reckoned with: a hash each, and of
 * frames, what is beyond two hashes an entry, ten as one. Strangers of a whole picture are mostly
 * those of its parts too: with 83 frames an entry draws 1 to 4 times as many (DECISIONS.md). */
uint64_t hk__list_weight(const hk_list *list);

/* Which frame of the entry lies at this distance from a hash; 0: the whole picture does, or none.
 * HK_ERR_FORMAT: the store's frames are damaged. */
hk_status hk__list_cut_at(unsigned *cut, const hk_list *list, uint32_t id, const hk_hash *hash,
                          unsigned distance, hk_error *err) HK_MUST_CHECK;

/* Returns the status of a search in the list's index. Where that is damage to the list's snapshot,
 * which shows only where a search comes upon it, the file is removed, so that the next to open the
 * list makes it anew, and err says so. */
hk_status hk__list_searched(const hk_list *list, hk_status status, hk_error *err);

/* The entry with this id of the list's index; its strings live as long as the list. Any number of
 * threads. HK_ERR_FORMAT: the store does not hold it, or is damaged. */
hk_status hk__list_entry_of(hk__list_entry *out, const hk_list *list, uint32_t id,
                            hk_error *err) HK_MUST_CHECK;

#endif
