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

/* Whether a search by so many queries as aligning has (engine/match/aligned.h) goes that far, at no
 * more than a scan takes, and misses nothing: an index of FAISS may have been set up for less. */
bool hk__search_reaches(const hk_index *index, unsigned max_distance);

#endif
