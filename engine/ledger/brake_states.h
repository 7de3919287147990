/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * brake_states.h - which entries are braked, and which are spared: what brake.c knows of DB.keys.
 *
 * Sorted as they were read, and behind them what was braked since. No locks: brake.c has one.
 */
#ifndef HK_LEDGER_BRAKE_STATES_H
#define HK_LEDGER_BRAKE_STATES_H

#include "ledger/brake.h"

/* An entry that is braked, or spared. */
typedef struct hk__brake_state {
    hk__entry_key key;
    uint64_t client; /* braked for this account alone; 0: for all */
    bool braked;
    int64_t spared;      /* until; INT64_MAX: for good */
    uint64_t suppressed; /* hits since they were saved */
    char *list, *entry;  /* owned; of what is braked and in DB.keys */
} hk__brake_state;

typedef struct hk__brake_states {
    hk__brake_state *state; /* the first `sorted` by key and spared, then what was braked since */
    size_t sorted, count, capacity;
} hk__brake_states;

void hk__brake_states_clear(hk__brake_states *states);

/* What brakes the entry for the account, or spares it longest; NULL: nothing does. Good until the
 * next call that adds. */
hk__brake_state *hk__brake_state_find(const hk__brake_states *states, const hk__entry_key *key,
                                      uint64_t client, bool braked);
/* A new one, zeroed, at the end; NULL: no memory. */
hk__brake_state *hk__brake_state_add(hk__brake_states *states);

/* What DB.keys says; on an error *out is untouched. */
hk_status hk__brake_states_read(hk__brake_states *out, hk_keys *keys, hk_error *err) HK_MUST_CHECK;
/* Takes over the suppressed hits that are not saved yet. */
void hk__brake_states_keep(hk__brake_states *fresh, const hk__brake_states *old);
/* Adds the suppressed hits to DB.keys, within a transaction of the caller. */
hk_status hk__brake_states_save(hk__brake_states *states, hk_keys *keys,
                                hk_error *err) HK_MUST_CHECK;

#endif
