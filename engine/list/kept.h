/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kept.h - the snapshots of lists that are kept beside a store:
 *
 *      STORE.LIST.REVISION-MARK.hki
 *
 * The mark is the revision's (hk__chain_mark): a store that was restored and went another way from
 * there has other marks under the same numbers. Names of lists hold no more than [a-zA-Z0-9._-].
 */
#ifndef HK_LIST_KEPT_H
#define HK_LIST_KEPT_H

#include "herken.h"

typedef struct hk__kept {
    uint64_t revision;
    char mark[17];
} hk__kept;

/* Those of a list that lie there, the newest first; owned, free with hk__free. A folder that cannot
 * be looked through has none. */
hk_status hk__kept_find(hk__kept **out, size_t *count, const char *store, const char *list,
                        hk_error *err) HK_MUST_CHECK;

/* Owned by the caller; NULL when out of memory. */
char *hk__kept_path(const char *store, const char *list, const hk__kept *kept);

/* Removes those of older revisions, what may lie beside them, and what was begun and not finished.
 * Who has one mapped keeps it. What cannot be removed stays. */
void hk__kept_tidy(const char *store, const char *list, uint64_t revision);

#endif
