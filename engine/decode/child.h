/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * child.h - one decode worker as a process: started with a socket to talk over, ended and waited
 * for.
 */
#ifndef HK_DECODE_CHILD_H
#define HK_DECODE_CHILD_H

#include "herken.h"

#include <sys/types.h>

typedef struct hk__child {
    pid_t pid;  /* 0: none */
    int socket; /* SOCK_SEQPACKET; -1: none */
} hk__child;

/* Executes the worker program with `memory` bytes of address space, in a process group of its own,
 * with nothing of ours but its socket, and the table of contents seen (seen.h) if `seen` >= 0. */
hk_status hk__child_start(hk__child *out, const char *program, uint64_t memory, int seen,
                          hk_error *err) HK_MUST_CHECK;

/* Ends the process, if it has not ended, and returns its wait status. */
int hk__child_end(hk__child *child);

#endif
