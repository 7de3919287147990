/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls.h - the server's certificate, and those of its clients.
 *
 *      files --tls_open, tls_reload--> credentials --tls_begin--> a connection's, until tls_end
 *
 * Each connection holds the credentials that it began with, and takes over newer ones when its
 * client's certificate is looked at next: who is no longer to be let in is kept out on connections
 * that are open, too.
 */
#ifndef HERKEND_TLS_H
#define HERKEND_TLS_H

#include "guard.h"
#include "settings.h"

#include <microhttpd.h>

/* The texts of the PEM files; NULL where there are none. */
typedef struct tls_files {
    char *cert, *key, *client_ca; /* owned */
} tls_files;

typedef struct tls tls;

/* *out is NULL where the settings name no certificate. HK_ERR_IO: a file cannot be read.
 * HK_ERR_FORMAT: what they hold does not go together, or has expired. */
hk_status tls_open(tls **out, const settings *s, hk_error *err) HK_MUST_CHECK;
/* Reads the files anew, for connections from now on; on an error all stays as it is. Takes NULL.
 * One thread at a time. */
hk_status tls_reload(tls *t, hk_error *err) HK_MUST_CHECK;
/* No connection may be left. Takes NULL. */
void tls_close(tls *t);

/* As they were when it was opened: for the library, which will not start without. */
const tls_files *tls_texts(const tls *t);
/* What versions and ciphers are spoken, in GnuTLS' words. */
extern const char tls_priorities[];

/* Before the connection's handshake, and after its end; t may be NULL. False: no memory. */
bool tls_begin(tls *t, struct MHD_Connection *connection, guard_certificate *known);
void tls_end(tls *t, guard_certificate *known);

/* Verifies the connection's client certificate: once a minute of a connection, since that takes
 * a hundred times as long as a request, and after a reload. False: there is one, and it is not
 * good. *sha256 is NULL where there is none. */
bool tls_client(const uint8_t **sha256, tls *t, struct MHD_Connection *connection,
                guard_certificate *known);

#endif
