/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server.h - what the parts of a running server share.
 *
 *      herkend   options, signals, start and stop        settings  the command line
 *      http      connections and their bounds, bodies    listen    the socket
 *      tls       certificates                            guard     who is too slow
 *      routes    which request is whose
 *      check     POST /v1/check                          request   what a body says
 *      answers   bodies of answers                       small     every other route
 *      reload    new revisions of the lists              deck      the lists at one moment
 *      metrics   counting                                say       words on stderr
 *      aside     long requests, on threads of their own  peer      whose request it is
 *
 *      request -> http -> routes -> check -> request -> ledger: may they? -> deck: search
 *              <- http <- answers <-                 <- ledger: on the record
 */
#ifndef HERKEND_SERVER_H
#define HERKEND_SERVER_H

#include "deck.h"
#include "metrics.h"
#include "settings.h"
#include "tls.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct server {
    settings settings;
    hk_ledger *ledger;
    metrics metrics;
    atomic_bool stopping;

    pthread_mutex_t deck_lock; /* of this: */
    deck *deck;                /* held */

    struct reload *reload;
    struct guard *guard;
    tls *tls;            /* NULL: without */
    struct aside *aside; /* http.c's */
} server;

/* The lists to answer with now; let go of with deck_release. */
deck *server_deck(server *s);
/* Puts another in its place, and takes over the holding of it; returns the one from before, which
 * the caller now holds. */
deck *server_swap(server *s, deck *d) HK_MUST_CHECK;

#endif
