/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard.h - ends connections that are too slow.
 *
 * The HTTP library ends a connection on which nothing comes at all, so that a byte a second keeps
 * one open for ever. Here each has a moment by which its present step must be done:
 *
 *      connected, or answered --idle--> headers are there --body--> body is there
 *              --write--> answered
 */
#ifndef HERKEND_GUARD_H
#define HERKEND_GUARD_H

#include "herken.h"

#include <stdint.h>

typedef struct guard guard;
typedef struct guarded guarded; /* one connection */

/* *cut counts what was ended. */
hk_status guard_start(guard **out, uint64_t *cut, hk_error *err) HK_MUST_CHECK;
/* No connection may be left. */
void guard_stop(guard *g);

/* NULL: no memory; such a connection is to be refused. fd is borrowed until guard_remove. */
guarded *guard_add(guard *g, int fd, unsigned seconds);
void guard_remove(guard *g, guarded *c);
/* Its next step has so many seconds from now on. */
void guard_expect(guarded *c, unsigned seconds);

/* What a connection has besides: its client certificate, once it was verified, and what it is
 * verified by. */
typedef struct guard_certificate {
    int64_t verified; /* when, seconds of a clock that only goes on; 0: not yet */
    bool there, good;
    uint8_t sha256[32];
    struct tls_credentials *credentials; /* tls.c's, as is: */
    unsigned generation;
} guard_certificate;
guard_certificate *guard_certificate_of(guarded *c);

/* Seconds of that clock. */
int64_t guard_clock(void);

#endif
