/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_server.h - a server of one's own on loopback, over a made-up list.
 *
 * Made with the commands of this very program: list create, import, approve, key create, serve.
 */
#ifndef HERKEN_BENCH_SERVER_H
#define HERKEN_BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct bench_server {
    char folder[256]; /* with its store; "": none */
    pid_t pid;        /* 0: none */
    unsigned port;
    char *key; /* owned */
} bench_server;

/* Returns -1, or an exit code after it has said why. */
int bench_server_start(bench_server *out, uint64_t entries);
/* Ends it, and removes its folder. Takes one that was never started. */
void bench_server_stop(bench_server *server);

#endif
