/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hash_of.h - from what a search found back to its hash.
 */
#ifndef HK_INDEX_HASH_OF_H
#define HK_INDEX_HASH_OF_H

#include "herken.h"

/* Of the hashes with this id, the one nearest to `to`, changes included; of equally near ones any.
 * Takes a binary search over the ids. HK_ERR_USAGE: no hash has it; HK_ERR_FORMAT: the file is
 * damaged there. */
hk_status hk__index_hash_of(hk_hash *out, const hk_index *index, uint32_t id, const hk_hash *to,
                            hk_error *err) HK_MUST_CHECK;

#endif
