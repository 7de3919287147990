/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shelf.h - where a list from a store looks up the words of its entries: a connection of its own,
 * and the words it was asked for.
 *
 * What an entry says never changes, so the words are those of the snapshot's revision whatever is
 * imported meanwhile. Any number of threads.
 */
#ifndef HK_LIST_SHELF_H
#define HK_LIST_SHELF_H

#include "list/kept.h"
#include "list/list.h"

typedef struct hk__shelf hk__shelf;

/* Of the store that has this revision: HK_ERR_IO where the file has become another's meanwhile. */
hk_status hk__shelf_open(hk__shelf **out, const char *store_path, const hk__kept *revision,
                         hk_error *err) HK_MUST_CHECK;
void hk__shelf_close(hk__shelf *shelf); /* takes NULL */

/* Strings live until the shelf is closed. An entry without an id of its own is "#NUMBER". */
hk_status hk__shelf_find(hk__list_entry *out, hk__shelf *shelf, uint32_t number,
                         hk_error *err) HK_MUST_CHECK;

/* As hk__list_cut_at. */
hk_status hk__shelf_cut_at(unsigned *cut, hk__shelf *shelf, uint32_t number, const hk_hash *hash,
                           unsigned distance, hk_error *err) HK_MUST_CHECK;

#endif
