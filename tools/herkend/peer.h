/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer.h - from where a request comes, for the record.
 *
 * Anybody can write an X-Forwarded-For. It is looked at on connections from the one proxy that
 * --trusted-proxy names, and of it the last address alone, which that proxy has put there itself.
 */
#ifndef HERKEND_PEER_H
#define HERKEND_PEER_H

#include <microhttpd.h>
#include <stdbool.h>

enum { PEER_SIZE = 64 };

/* "192.0.2.7", also where a socket for both kinds says ::ffff:192.0.2.7; "2001:db8::7"; or "unix".
 */
void peer_address(char out[PEER_SIZE], struct MHD_Connection *connection);

/* An address in the form that peer_address gives it, or "unix"; false: it is neither. */
bool peer_read(char out[PEER_SIZE], const char *text);

/* The last address of an X-Forwarded-For; false, and out as it was: that is no address. */
bool peer_forwarded(char out[PEER_SIZE], const char *value);

#endif
