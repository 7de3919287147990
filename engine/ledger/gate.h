/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate.h - accounts and keys as a running server has them: in memory, read from DB.keys again when
 * a command has changed them.
 *
 * Looking a key up takes a read lock for the time of one probe of a table; what an account has used
 * up has a lock of its own. Accounts are never freed while the gate is there.
 *
 * An account has a bucket of `burst` items that fills with `rate` items a second, by the monotonic
 * clock; and a day (UTC) of quota. Where the clock goes back over midnight the day goes back with
 * it, but what was used up stays used up; where it goes forward again, a new day begins, with what
 * was used since the first midnight given back: the seconds by which clocks are set.
 */
#ifndef HK_LEDGER_GATE_H
#define HK_LEDGER_GATE_H

#include "ledger/books.h"
#include "ledger/walks.h"

#include <pthread.h>

typedef struct hk__client {
    uint64_t id;
    char name[HK__NAME_SIZE];
    pthread_mutex_t lock; /* of these: */
    unsigned scopes;
    uint64_t rate, burst, quota, near_budget;
    bool bound, revoked;
    uint8_t certificate[HK__SHA256_SIZE];
    double tokens;
    uint64_t filled; /* hk__clock_ns; 0: not yet, and full */
    int64_t day;     /* since 1970 UTC, of: */
    uint64_t items, near_used;
    bool changed;              /* since it was saved */
    bool near_told, walk_told; /* a notice of this day was given */
    uint64_t slow_until;       /* hk__clock_ns */
    hk__walks walks;
    struct hk__client *next;
} hk__client;

typedef struct hk__gate hk__gate;

hk_status hk__gate_new(hk__gate **out, hk_error *err) HK_MUST_CHECK;
void hk__gate_free(hk__gate *gate);

/* Reads accounts and keys; usage only of those it did not know. On failure it stays as it was. In
 * the caller's transaction, if there is one. */
hk_status hk__gate_load(hk__gate *gate, hk_keys *keys, hk_error *err) HK_MUST_CHECK;

/* hk_ledger_admit. now: hk__clock_ns; wall: seconds since 1970 UTC. */
hk_admission hk__gate_admit(hk_caller *out, hk__gate *gate, const char *key, size_t length,
                            const uint8_t *certificate, unsigned scope, uint64_t items,
                            uint64_t now, int64_t wall);

/* By number; NULL: none. */
hk__client *hk__gate_client(hk__gate *gate, uint64_t id);
uint64_t hk__gate_count(hk__gate *gate);

/* Begins the day that it is now, with the client's lock held. */
void hk__client_day(hk__client *client, int64_t wall);

/* Adds to what an account has used up on the day of `wall`, as the audit log says. */
void hk__gate_charge(hk__gate *gate, uint64_t client, uint64_t items, uint64_t near_used,
                     int64_t wall);

/* Writes what was used up since the last time; within a transaction of the caller. */
hk_status hk__gate_save(hk__gate *gate, hk_keys *keys, hk_error *err) HK_MUST_CHECK;
/* That transaction failed: the next writes everything. */
void hk__gate_unsaved(hk__gate *gate);

#endif
