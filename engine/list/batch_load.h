/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * batch_load.h - putting the entries of an import into the store, as a batch that is not there yet
 * for anybody else.
 *
 * Entries are kept in memory by the chunk, and each chunk is one transaction, so that other writers
 * get their turn. Each entry is compared with the one of the same key that the list, or this batch,
 * already has.
 */
#ifndef HK_LIST_BATCH_LOAD_H
#define HK_LIST_BATCH_LOAD_H

#include "list/fresh_keys.h"
#include "list/store.h"

typedef struct hk__batch_load hk__batch_load;

/* Clears away what stopped imports into the list have left, and begins a batch. The caller has the
 * list's turn. */
hk_status hk__batch_load_new(hk__batch_load **out, hk_store *store, const hk__list_row *list,
                             hk_error *err) HK_MUST_CHECK;
/* Takes NULL. Does not touch the store. */
void hk__batch_load_free(hk__batch_load *load);

/* Adds an entry (copied), or, `withdraw`, takes the entry that it names out of the list. */
hk_status hk__batch_load_add(hk__batch_load *load, const hk_entry *entry, bool withdraw,
                             hk_error *err) HK_MUST_CHECK;
/* Entries added so far that are not in the store yet included. */
uint64_t hk__batch_load_count(const hk__batch_load *load);

/* Puts the rest into the store; `whole`: and withdraws what the batch did not name. *summary gets
 * everything but the revision and the bad lines. */
hk_status hk__batch_load_end(hk_import_summary *summary, hk__batch_load *load, bool whole,
                             hk_error *err) HK_MUST_CHECK;
/* Within a write transaction of the caller: the batch becomes proposed, by this revision. */
hk_status hk__batch_load_propose(hk__batch_load *load, hk__revising *revising,
                                 hk_error *err) HK_MUST_CHECK;
int64_t hk__batch_load_id(const hk__batch_load *load);

/* Removes every trace of batches of the list that belong to no revision. */
hk_status hk__batch_clear(hk_store *store, int64_t list, hk_error *err) HK_MUST_CHECK;

#endif
