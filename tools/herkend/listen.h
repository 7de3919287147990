/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listen.h - the socket on which requests come.
 */
#ifndef HERKEND_LISTEN_H
#define HERKEND_LISTEN_H

#include "herken.h"

#define LISTEN_WORDS_SIZE 160

/* Opens it: ADDR:PORT, [ADDR]:PORT or unix:PATH. Without TLS only loopback addresses and unix
 * sockets will do. words: how it is reached, "http://127.0.0.1:8080". HK_ERR_USAGE, HK_ERR_SYSTEM.
 */
hk_status listen_open(int *fd, char words[LISTEN_WORDS_SIZE], const char *where, bool tls,
                      hk_error *err) HK_MUST_CHECK;
/* Closes it, and removes the socket's file if it is still ours. */
void listen_close(int fd, const char *where);

#endif
