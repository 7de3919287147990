/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * merge.h - a view with its changes, made into one base again. Ids stay.
 */
#ifndef HK_INDEX_MERGE_H
#define HK_INDEX_MERGE_H

#include "index/view.h"

/* A new index in memory of everything the view holds, made as its base was. */
hk_status hk__merge(hk_index **out, const hk_index *view, unsigned threads,
                    hk_error *err) HK_MUST_CHECK;

#endif
