/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flat.h - the exact scan: every hash against every query.
 */
#ifndef HK_INDEX_FLAT_H
#define HK_INDEX_FLAT_H

#include "index/seal.h"
#include "index/sieve.h"

/* From this many queries on, each block of hashes is sliced once for all of them. */
enum { HK__FLAT_BATCH = 3 };

/* Offers every hash within sieves[q].radius of queries[q] to sieves[q], items ascending. seal: of
 * the file the hashes lie in; NULL: memory. */
hk_status hk__flat_within(hk__sieve *sieves, const hk_hash *hashes, size_t count,
                          const hk__seal *seal, const hk_hash *queries, size_t query_count,
                          hk_error *err) HK_MUST_CHECK;

#endif
