/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list.h - a list of known images in memory, as matching wants it: a column of perceptual hashes
 * and a column of each sort of digest, each value naming its entry.
 *
 *      pdq[]     value | entry          entries[]   id | category | line
 *      md5[]     value | entry
 *      sha1[]    value | entry
 *      sha256[]  value | entry
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
    hk__list_entry *entries;
    size_t count, capacity;
    hk_hash *hashes;      /* [hash_count] */
    uint32_t *hash_entry; /* [hash_count] */
    size_t hash_count, hash_capacity;
    hk__digest_column digests[HK_BASIS_PDQ];
    hk_list_bad_line *bad;
    size_t bad_count, bad_capacity;
    struct hk__text_block *text; /* every string of the list */
};

/* One entry as a format's reader found it; strings are borrowed. */
typedef struct hk__new_entry {
    bool has_hash;
    hk_hash hash;
    hk_digests digests;
    const char *id;       /* NULL: "line N" */
    const char *category; /* NULL: none */
    size_t line;
} hk__new_entry;

/* An empty list called `name`. */
hk_status hk__list_new(hk_list **out, const char *name, hk_error *err) HK_MUST_CHECK;

/* Adds the entry without what would do harm (a hash whose one-bits are far from 128, digests of the
 * empty file), for which there is a quarantined line. Nothing to match at all is a bad line. */
hk_status hk__list_add(hk_list *list, const hk__new_entry *entry, hk_error *err) HK_MUST_CHECK;
/* `reason` is static. More than HK__LIST_BAD_MAX of them are HK_ERR_LIMIT: that is no list. */
hk_status hk__list_add_bad(hk_list *list, size_t line, bool quarantined, const char *reason,
                           hk_error *err) HK_MUST_CHECK;

/* A degenerate hash: a healthy one has 128 one-bits. Of 30,171 hashes of real pictures 24 had
 * another number, all of flags and screens. */
bool hk__list_hash_is_degenerate(const hk_hash *hash);

/* Whether one of the digests is that of zero bytes: every empty file would be a hit. */
bool hk__list_is_of_nothing(const hk_digests *digests);

#endif
