/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * standing.h - what a list has already of an entry that an import brings (hk__entry_is).
 *
 * It may have several versions: one that was replaced or withdrawn, and two that are live, where
 * the newer one is only proposed, or waits in quarantine, and the older one is searched for
 * meanwhile.
 */
#ifndef HK_LIST_STANDING_H
#define HK_LIST_STANDING_H

#include "list/store.h"

typedef struct hk__standing {
    hk__entry_row row; /* its strings are borrowed until the next call */
    hk_entry_state state;
    bool ours; /* of the batch that is being loaded */
} hk__standing;

/* Looks into the store for one batch. */
typedef struct hk__standings {
    hk_store *store;
    int64_t list, batch;
    sqlite3_stmt *by_key, *by_number;
    sqlite3_stmt *leaving; /* NULL: nothing that is proposed for the list withdraws anything */
} hk__standings;

/* An entry that is looked for, and what is known of its key. */
typedef struct hk__sought {
    const hk_entry *entry;
    uint64_t key;
    uint32_t fresh; /* an entry of the batch that has it, and the store's entry_key not yet; or 0 */
    uint32_t there; /* the newest that entry_key has under it; 0: none */
    bool several;   /* it has more of them */
} hk__sought;

hk_status hk__standings_open(hk__standings *out, hk_store *store, int64_t list,
                             hk_error *err) HK_MUST_CHECK;
void hk__standings_close(hk__standings *standings);

/* Whether it is searched for, or may come to be: proposed, active, quarantined, or ours. */
bool hk__standing_is_live(const hk__standing *standing);

/* Asks entry_key for ->there and ->several. */
hk_status hk__standing_ask(hk__sought *sought, hk__standings *standings,
                           hk_error *err) HK_MUST_CHECK;
/* The newest live version (or, where that waits in quarantine, one that says just what the entry
 * says), else the newest that was withdrawn, else one with HK_ENTRY_ABSENT.
 * *rejected: a version that was withdrawn and says just what the entry says; 0: none. */
hk_status hk__standing_find(hk__standing *out, uint32_t *rejected, hk__standings *standings,
                            const hk__sought *sought, hk_error *err) HK_MUST_CHECK;
/* Calls take with each live version of the list that is not ours. */
hk_status hk__standing_each(hk__standings *standings, const hk__sought *sought,
                            hk_status (*take)(void *context, uint32_t number, hk_error *err),
                            void *context, hk_error *err) HK_MUST_CHECK;
/* Whether a batch that is proposed already withdraws an entry of the list. */
hk_status hk__standing_leaves(bool *out, hk__standings *standings, uint32_t number,
                              hk_error *err) HK_MUST_CHECK;
/* Ends what the statements read; before others write. */
void hk__standings_rest(hk__standings *standings);

#endif
