/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http.h - one request on its way, and the daemon of libmicrohttpd that carries them.
 *
 *      headers -> route, key, length: refused at once? -> body, within its bounds
 *              -> route -> reply
 *
 * A refused request's body is read and dropped where it is short, so that its sender gets to read
 * why and keeps the connection; where it is long, the connection ends with the answer.
 */
#ifndef HERKEND_HTTP_H
#define HERKEND_HTTP_H

#include "peer.h"
#include "request.h"
#include "server.h"

/* What is answered. `text` is owned until it is sent, or static. */
typedef struct reply {
    unsigned status;
    char *text;
    size_t length;
    bool fixed;           /* text is static */
    const char *type;     /* static */
    uint64_t retry_after; /* seconds; 0: no such header */
    const char *allow;    /* static; NULL: no such header */
} reply;

/* Of the headers, what we look at. Borrowed from the connection. */
typedef struct headers {
    const char *authorization, *type, *encoding, *forwarded;
    bool coding;        /* Transfer-Encoding: how long it will be is not known */
    uint64_t announced; /* Content-Length; 0: none */
    bool ambiguous;     /* a proxy before us and we could take it for different requests */
} headers;

typedef struct exchange {
    server *server;
    struct MHD_Connection *connection;
    guarded *guarded;
    unsigned route;
    headers headers;
    hk_caller caller;        /* once admitted */
    bool let_in;             /* its key was good when the headers came */
    char address[PEER_SIZE]; /* whose it is, in text: the peer's, or what a trusted proxy says */
    char *body;
    size_t length, capacity;
    bool takes_body; /* its route does; elsewhere what comes is dropped */
    size_t dropped;  /* bytes of a body that is not kept */
    bool refused;    /* reply says why; what still comes is dropped */
    reply reply;
    atomic_bool answered;  /* aside: reply is there */
    struct exchange *next; /* in its queue */
} exchange;

typedef struct http http;

/* Answers on the socket, which becomes its own. HK_ERR_SYSTEM. */
hk_status http_start(http **out, server *s, int fd, hk_error *err) HK_MUST_CHECK;
/* Accepts nothing more, waits until what is in hand is answered, for settings.stop_seconds at the
 * most, and ends. */
void http_stop(http *h);

#endif
