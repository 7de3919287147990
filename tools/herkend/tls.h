/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls.h - the server's certificate, and those of its clients.
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

/* HK_ERR_IO: a file cannot be read. HK_ERR_FORMAT: what they hold does not go together, or has
 * expired. */
hk_status tls_read(tls_files *out, const settings *s, hk_error *err) HK_MUST_CHECK;
/* The key is wiped. */
void tls_clear(tls_files *files);

/* What versions and ciphers are spoken, in GnuTLS' words. */
extern const char tls_priorities[];

/* Verifies the connection's client certificate: once a minute of a connection, since that takes
 * a hundred times as long as a request. False: there is one, and it is not good. *sha256 is NULL
 * where there is none. */
bool tls_client(const uint8_t **sha256, struct MHD_Connection *connection,
                guard_certificate *known);

#endif
