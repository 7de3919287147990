/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * search.h - searching a view: which engine for which query, on how many threads, and its hits put
 * together with those of the changes.
 */
#ifndef HK_INDEX_SEARCH_H
#define HK_INDEX_SEARCH_H

#include "index/view.h"

/* As hk_index_within (herken.h), on checked arguments. */
hk_status hk__search(hk_hits *out, const hk_index *index, const hk_hash *queries,
                     size_t query_count, unsigned max_distance, size_t max_hits,
                     hk_error *err) HK_MUST_CHECK;

#endif
