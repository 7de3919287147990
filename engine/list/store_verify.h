/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_verify.h - checking a whole store (hk_store_verify): what its parts share.
 */
#ifndef HK_LIST_STORE_VERIFY_H
#define HK_LIST_STORE_VERIFY_H

#include "list/store.h"

/* A batch: its row, and what was found of it. */
typedef struct hk__checked_batch {
    int64_t id, list;
    bool is_finished; /* else what there is of it does not count */
    hk_entry_state state, replayed;
    uint64_t entries, sum;
    uint64_t found, found_sum;
} hk__checked_batch;

/* Numbers of a batch; ascending, none in two of them. */
typedef struct hk__checked_span {
    uint32_t first, last;
    size_t batch; /* position */
} hk__checked_span;

/* Keys of one list: a sum over their mixes tells whether the two sets are the same. */
typedef struct hk__checked_list {
    int64_t id;
    uint64_t entries, sum;    /* as its entries have them */
    uint64_t keys, found_sum; /* as entry_key has them */
} hk__checked_list;

/* A change of an entry's own state. */
typedef struct hk__checked_change {
    uint32_t entry;
    uint8_t was, now;
    int64_t revision;
} hk__checked_change;

typedef struct hk__checking {
    hk_store *store;
    void (*on_problem)(void *context, const char *message);
    bool (*on_progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    size_t problems;
    bool stopped;
    uint64_t done, total, told;
    int64_t revisions; /* the newest */

    hk__checked_batch *batches; /* by id */
    size_t batch_count, batch_room;
    hk__checked_span *spans; /* by number */
    size_t span_count, span_room;
    hk__checked_list *lists; /* by id */
    size_t list_count, list_room;
    hk__checked_change *changes; /* by entry, then revision */
    size_t change_count, change_room;
    bool is_loaded;  /* all four of them */
    bool is_counted; /* what was found of them */
} hk__checking;

/* One more thing that is wrong; told up to a hundred times. */
void hk__verify_report(hk__checking *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Parts: what is wrong they report; HK_ERR_FORMAT where SQLite could not read on. */

/* verify_load.c: batches, spans, changes; and the batches' states. */
hk_status hk__verify_load(hk__checking *c, hk_error *err) HK_MUST_CHECK;
void hk__verify_unload(hk__checking *c);
/* NULL: there is none. */
hk__checked_batch *hk__verify_batch(const hk__checking *c, int64_t id);
const hk__checked_span *hk__verify_span(const hk__checking *c, int64_t number);
hk__checked_list *hk__verify_list(const hk__checking *c, int64_t id);

/* verify_entries.c: nothing, where the part before could not read on. */
hk_status hk__verify_entries(hk__checking *c, hk_error *err) HK_MUST_CHECK;
hk_status hk__verify_frames(hk__checking *c, hk_error *err) HK_MUST_CHECK;
hk_status hk__verify_keys(hk__checking *c, hk_error *err) HK_MUST_CHECK;

#endif
