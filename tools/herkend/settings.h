/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * settings.h - what the command line of herkend says.
 */
#ifndef HERKEND_SETTINGS_H
#define HERKEND_SETTINGS_H

#include "herken.h"
#include "peer.h"

/* As those of the command. */
enum { EXIT_DONE = 0, EXIT_WRONG_USAGE = 2, EXIT_SYSTEM = 4 };

typedef struct settings {
    const char *db, *lists;                     /* lists: names with a comma between; NULL: all */
    const char *listen;                         /* ADDR:PORT or unix:PATH */
    char trusted_proxy[PEER_SIZE];              /* as peer.h writes it; "": none */
    const char *tls_cert, *tls_key, *client_ca; /* PEM files; NULL: none */
    hk_match_options match;
    hk_ledger_options ledger;
    unsigned threads;
    size_t max_body;                           /* bytes of one request's body, */
    size_t body_memory;                        /* and of all that are being received */
    size_t max_items;                          /* of one request */
    unsigned max_connections, max_per_address; /* max_per_address 0: no bound */
    unsigned idle_seconds;  /* from connecting, or the last answer, to the end of the headers */
    unsigned body_seconds;  /* from there to the end of the body */
    unsigned write_seconds; /* from there until the answer is taken */
    unsigned stop_seconds;  /* for what is in hand, when told to stop */
    unsigned poll_ms;       /* between looks for new revisions */
    bool open_metrics;      /* /metrics needs no key */
} settings;

/* Returns -1 to go on, or an exit code. Strings are borrowed from argv. */
int settings_read(settings *out, int argc, char **argv);

#endif
