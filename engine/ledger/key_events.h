/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_events.h - what commands did, taken over from the audit log into a DB.keys that does not know
 * it: a copy from before.
 *
 * Each record of a command carries all that is needed to do it again, and names an account by its
 * name and a key by its SHA-256: the numbers may have been given to others since, where somebody
 * worked on the copy before the server saw it. What contradicts the tables is left out and counted.
 *
 *      create    an account with its limits, and its key      rotate    a new key; older ones end
 *      change    all limits as they were then                 revoke    a key, or the account
 *      release, confirm    of an entry                        notice    is left open: look again
 */
#ifndef HK_LEDGER_KEY_EVENTS_H
#define HK_LEDGER_KEY_EVENTS_H

#include "ledger/books.h"

#include <jansson.h>

typedef struct hk__taken {
    uint64_t created, changed, rotated, revoked, others;
    uint64_t left; /* that do not fit what the tables hold */
    bool accounts; /* there are some that were not there before */
} hk__taken;

/* An event's record, `length` bytes of a line, parsed as `record`. An event that the tables know is
 * only noted as logged. Within a transaction of the caller. */
hk_status hk__key_event(hk__taken *taken, hk_keys *keys, const json_t *record, const char *line,
                        size_t length, uint64_t number, hk_error *err) HK_MUST_CHECK;

#endif
