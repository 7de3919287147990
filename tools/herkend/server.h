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
 *
 *      request -> http -> routes -> check -> request -> ledger: may they? -> deck: search
 *              <- http <- answers <-                 <- ledger: on the record
 */
#ifndef HERKEND_SERVER_H
#define HERKEND_SERVER_H

#include "deck.h"
#include "metrics.h"
#include "settings.h"

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
} server;

/* The lists to answer with now; let go of with deck_release. */
deck *server_deck(server *s);
/* Puts another in its place, and takes over the holding of it. */
void server_swap(server *s, deck *d);

#endif
