/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digests.h - a table of digests of one sort (MD5, SHA-1 or SHA-256), for exact look-up.
 *
 * Frozen once made; any number of threads may look up.
 */
#ifndef HK_INDEX_DIGESTS_H
#define HK_INDEX_DIGESTS_H

#include "herken.h"

typedef struct hk__digest_table hk__digest_table;

/* `digests` holds count digests of `size` bytes (16, 20, 32) one after another; both are copied.
 * items[i] is what look-ups return for digest i. */
hk_status hk__digest_table_new(hk__digest_table **out, size_t size, const uint8_t *digests,
                               const uint32_t *items, size_t count, hk_error *err) HK_MUST_CHECK;
void hk__digest_table_free(hk__digest_table *table);

/* The items with this digest, ascending; borrowed. NULL with *count = 0 if there are none. */
const uint32_t *hk__digest_table_find(size_t *count, const hk__digest_table *table,
                                      const uint8_t *digest);

#endif
