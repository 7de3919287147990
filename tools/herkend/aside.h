/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aside.h - threads that answer long requests, while their connections rest.
 *
 * A thread of the HTTP library has many connections, and a request of a thousand items takes it
 * longer than a hundred others would have waited. So long ones go aside:
 *
 *      connection's thread   suspend --> queue
 *      a thread of ours                  queue --> routes_answer --> resume
 *      connection's thread                                           --> send
 *
 * First come, first served; a connection has one request at a time, so that the queue is no longer
 * than there are connections. The threads are not nice: they take the locks of the ledger as others
 * do, and on a busy machine whoever waits for a nice thread's lock is as slow as that.
 */
#ifndef HERKEND_ASIDE_H
#define HERKEND_ASIDE_H

#include "herken.h"

typedef struct aside aside;
struct exchange;

hk_status aside_start(aside **out, unsigned threads, hk_error *err) HK_MUST_CHECK;
/* Refuses what waits by 503, finishes what is being answered; all connections are awake then. From
 * now on it takes nothing. */
void aside_stop(aside *a);
/* After aside_stop, once nobody can call aside_take. */
void aside_free(aside *a);

/* On the connection's thread, with the body there. True: it was taken, and the connection is
 * suspended; it wakes up with e->answered. False: it is short, or all is stopping. */
bool aside_take(aside *a, struct exchange *e);

#endif
