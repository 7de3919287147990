/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digests.h - a table of digests of one sort (MD5, SHA-1 or SHA-256), for exact look-up.
 *
 * Frozen once made; any number of threads may look up.
 */
#ifndef HK_INDEX_DIGESTS_H
#define HK_INDEX_DIGESTS_H

#include "index/seal.h"

typedef struct hk__digest_table hk__digest_table;

/* `digests` holds count digests of `size` bytes (16, 20, 32) one after another; both are copied.
 * items[i] is what look-ups return for digest i. */
hk_status hk__digest_table_new(hk__digest_table **out, size_t size, const uint8_t *digests,
                               const uint32_t *items, size_t count, hk_error *err) HK_MUST_CHECK;
/* The same over a mapped file: digests already sorted, and everything borrowed. */
hk_status hk__digest_table_map(hk__digest_table **out, size_t size, const uint8_t *digests,
                               const uint32_t *items, size_t count, const hk__seal *seal,
                               hk_error *err) HK_MUST_CHECK;
void hk__digest_table_free(hk__digest_table *table);

/* The items with this digest, ascending; borrowed. NULL and *count = 0 if there are
 * none. HK_ERR_FORMAT: the
 * file is damaged where it was looked for. */
hk_status hk__digest_table_find(const uint32_t **out, size_t *count, const hk__digest_table *table,
                                const uint8_t *digest, hk_error *err) HK_MUST_CHECK;

/* Takes NULL, which holds none. */
size_t hk__digest_table_count(const hk__digest_table *table);
/* Digest number `at` of the sorted ones, borrowed, and its item. HK_ERR_FORMAT: damaged there. */
hk_status hk__digest_table_at(const uint8_t **digest, uint32_t *item, const hk__digest_table *table,
                              size_t at, hk_error *err) HK_MUST_CHECK;
/* All digests, sorted, and all items in their order; borrowed, and not checked. */
const uint8_t *hk__digest_table_bytes(const hk__digest_table *table);
const uint32_t *hk__digest_table_items(const hk__digest_table *table);

#endif
