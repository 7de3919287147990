/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool.h - the engine's side of the decode workers: open descriptors in, pictures out.
 *
 *      submit(tag, fd) --> [worker] [worker] ... --> wait() gives one finished job, any order
 *
 * Each worker has one job in hand and a few waiting, so that it never idles. A worker that dies is
 * replaced and its job tried once more in the new one: only a file that kills twice is `crashed`
 * (a crash may be another file's late damage). A job over its time is `timed_out` and its worker
 * killed. The digests of such files are then taken without decoding. One thread at a time.
 */
#ifndef HK_DECODE_POOL_H
#define HK_DECODE_POOL_H

#include "decode/wire.h"

typedef struct hk__pool hk__pool;

typedef struct hk__pool_options {
    const char *program; /* the worker program; NULL: where it was installed; copied */
    unsigned workers;    /* >= 1 */
    uint64_t memory;     /* bytes of address space each */
    unsigned timeout_ms; /* per job */
    hk__limits limits;
    unsigned digests;         /* HK_DIGEST_*, of every file */
    unsigned picture_digests; /* HK_DIGEST_*, of files that are decoded as well */
    unsigned repeats;         /* measuring: rounds per file; 0: decode */
    bool raster;              /* have the raster as well */
    bool exact_grid;          /* have the exact grid, and its hash, as well */
} hk__pool_options;

/* A finished job. Borrowed from the pool until its next call. */
typedef struct hk__pool_result {
    uint64_t tag;
    const hk__reply *reply;            /* checked; id is of no meaning here */
    const hk_fingerprint *fingerprint; /* of its grid; NULL if the reply has no pixels */
    const hk_hash *exact_hash; /* [HK_ORIENTATIONS], of the exact grid; NULL unless asked for and
                                  sound */
} hk__pool_result;

/* Starts the workers. HK_ERR_SYSTEM if the program cannot be started. */
hk_status hk__pool_open(hk__pool **out, const hk__pool_options *options,
                        hk_error *err) HK_MUST_CHECK;
/* Kills what still runs. */
void hk__pool_free(hk__pool *pool);

/* How many jobs may be submitted now. */
size_t hk__pool_room(const hk__pool *pool);
/* How many are submitted and not yet returned. */
size_t hk__pool_busy(const hk__pool *pool);

/* Takes ownership of fd on success. Precondition: room > 0. */
hk_status hk__pool_submit(hk__pool *pool, uint64_t tag, int fd, hk_error *err) HK_MUST_CHECK;

/* Waits up to wait_ms for a job to finish; *done says whether one did. An error means that the
 * pool cannot go on (workers do not start any more). */
hk_status hk__pool_wait(bool *done, hk__pool_result *result, hk__pool *pool, int wait_ms,
                        hk_error *err) HK_MUST_CHECK;

/* "name version" lines of the decoders; waits for a worker to say so. Borrowed. */
hk_status hk__pool_decoders(const char **out, hk__pool *pool, hk_error *err) HK_MUST_CHECK;

#endif
