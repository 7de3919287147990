/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire.h - what goes between the engine and a decode worker, over a SOCK_SEQPACKET pair.
 *
 *      engine -> worker   hk__request, one descriptor with it (SCM_RIGHTS)
 *      worker -> engine   once hk__hello, then one hk__reply per request, in order
 *
 * Both ends are of one build, so structs travel as they are. The worker parses hostile files and
 * may have been taken over: the engine receives a reply into its own memory and believes nothing
 * of it before hk__reply_check.
 */
#ifndef HK_DECODE_WIRE_H
#define HK_DECODE_WIRE_H

#include "decode/picture.h"

#define HK__WIRE_VERSION 2u
#define HK__WORKER_SOCKET 3 /* the worker's end, as a descriptor number */

typedef struct hk__hello {
    uint32_t version;
    char decoders[1020]; /* "name version" lines */
} hk__hello;

typedef struct hk__request {
    uint32_t version;
    uint32_t digests; /* HK_DIGEST_*, of every file */
    uint64_t id;
    hk__limits limits;
    uint32_t timeout_s;       /* the worker's own alarm, a backstop to the engine's watchdog */
    uint32_t repeats;         /* 0: decode; more: measure so many times */
    uint32_t raster;          /* 1: send the raster as well */
    uint32_t exact_grid;      /* 1: send the exact grid as well */
    uint32_t picture_digests; /* HK_DIGEST_*, of files that are decoded as well */
    uint32_t digests_only;    /* 1: read the file, do not decode it */
} hk__request;

/* Medians in nanoseconds; with repeats only. */
typedef struct hk__timing {
    uint64_t ours, floor, read, decode, grid, dct;
} hk__timing;

/* Cut after what it holds: grids and raster go only with has_pixels, the raster at its size. The
 * exact grid goes only if it or the raster was asked for, and is read only with has_exact. */
typedef struct hk__reply {
    uint32_t version;
    uint32_t cpu_seconds; /* used by the worker since it began */
    uint64_t id;
    hk_digests digests;
    hk__timing timing;
    hk__picture picture;
} hk__reply;

/* The number of bytes of the reply to send. */
size_t hk__reply_size(const hk__reply *reply);

/* Whether `size` received bytes are a reply to request `id`, whole and with every value in its
 * range. Ends the reason with a NUL. */
bool hk__reply_check(hk__reply *reply, size_t size, uint64_t id);

/* Sends one message, with a descriptor if fd >= 0. 0, or -1 with errno. */
int hk__send(int socket, const void *message, size_t size, int fd);

/* Receives one message; *fd gets its descriptor or -1 (fd may be NULL: descriptors are refused).
 * Returns its bytes, 0 at the end of the connection, -1 with errno. */
long hk__receive(int socket, void *message, size_t capacity, int *fd);

#endif
