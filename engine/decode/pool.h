/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool.h - the engine's side of the decode workers: open descriptors in, pictures out.
 *
 *      submit(tag, fd) --> [worker] [worker] ... --> wait() gives one result, any order of jobs
 *
 * A job is a file. It gives one result; where archives are opened, an archive gives one for each
 * member first, in the order of the archive, and the one of the file itself as the last. Each
 * worker has one job in hand and a few waiting, so that it never idles.
 *
 * A worker that dies is replaced and its job tried once more in the new one: only a file that kills
 * twice is `crashed` (a crash may be another file's late damage). A job over its time is
 * `timed_out` and its worker killed. The digests of such files are then taken without decoding. The
 * same holds of members, each by itself: the new worker begins with the member at which the old one
 * died, and goes on after it. Only where an archive kills workers beside its members, or too often,
 * is it given up: what was found before stays, and the archive is `crashed` or `timed_out`. One
 * thread at a time.
 */
#ifndef HK_DECODE_POOL_H
#define HK_DECODE_POOL_H

#include "decode/views.h"
#include "decode/wire.h"

typedef struct hk__pool hk__pool;

typedef struct hk__pool_options {
    const char *program; /* the worker program; NULL: where it was installed; copied */
    unsigned workers;    /* >= 1 */
    uint64_t memory;     /* bytes of address space each */
    unsigned timeout_ms; /* per job, and per member of an archive */
    hk__limits limits;
    unsigned digests;         /* HK_DIGEST_*, of every file and member */
    unsigned picture_digests; /* HK_DIGEST_*, of those that are decoded as well */
    unsigned repeats;         /* measuring: rounds per file; 0: decode */
    bool raster;              /* have the raster as well */
    bool exact_grid;          /* have the exact grid, and its hash, as well */
    bool archives;            /* open archives (zip, 7z, tar, compressed tar); not with repeats */
    size_t seen;              /* contents to remember, 0..HK__SEEN_MAX (seen.h); 0: none. Asks for
                                 SHA-256 in picture_digests by itself. */
} hk__pool_options;

/* A file or member. Borrowed from the pool until its next call.
 *
 * Members: regular files are answered as files are, archives among them (not_an_image, "zip
 * archive, 12 members") after what is in them; links and devices as `excluded`; folders not at all.
 * A failed status of an archive says that members may be missing: unreadable ("encrypted", "damaged
 * after 3 members: ..."), too_large (which limit, and how to raise it), changed, crashed,
 * timed_out, out_of_memory. */
typedef struct hk__pool_result {
    uint64_t tag;
    const hk__reply *reply; /* the last one; checked; its id and version are of no meaning here. Its
                               size and turn are those of the first view */
    hk__views *views;   /* hashes and rasters of all its pictures; empty if the reply has no pixels.
                           They may be moved out (views.h) */
    const char *member; /* name as stored, any bytes but NUL, 1..HK__NAME_MAX of them, "!/" between
                           an archive and what is in it: "b.zip!/c.jpg"; not always unique. NULL:
                           the file itself */
    uint64_t member_number; /* from 0, ascending; equal in every run with these limits */
    bool last;              /* the job is finished: the file itself */
} hk__pool_result;

/* Starts the workers. HK_ERR_SYSTEM if the program cannot be started or the memory of `seen` cannot
 * be had, HK_ERR_USAGE for limits out of their range. */
hk_status hk__pool_open(hk__pool **out, const hk__pool_options *options,
                        hk_error *err) HK_MUST_CHECK;
/* Kills what still runs. */
void hk__pool_free(hk__pool *pool);

/* How many jobs may be submitted now. */
size_t hk__pool_room(const hk__pool *pool);
/* How many are submitted and not yet finished. */
size_t hk__pool_busy(const hk__pool *pool);

/* Takes ownership of fd on success. Members before first_member are not answered again: 0, or one
 * more than the last member_number of an earlier run with the same limits. Precondition: room > 0.
 */
hk_status hk__pool_submit(hk__pool *pool, uint64_t tag, int fd, uint64_t first_member,
                          hk_error *err) HK_MUST_CHECK;

/* Waits up to wait_ms for a result; *done says whether there is one. An error means that the pool
 * cannot go on (workers do not start any more). */
hk_status hk__pool_wait(bool *done, hk__pool_result *result, hk__pool *pool, int wait_ms,
                        hk_error *err) HK_MUST_CHECK;

/* Remembers a content that was decoded: files and members with these bytes that are read from now
 * on are answered as HK_FILE_DUPLICATE, with digests and format and nothing else of a picture.
 * Those that were read already are decoded: the caller finds them by their SHA-256. Archives are
 * always opened. Of no effect without `seen`, or when it is full. */
void hk__pool_seen_add(hk__pool *pool, const uint8_t sha256[32]);

/* "name version" lines of the decoders; waits for a worker to say so. Borrowed. */
hk_status hk__pool_decoders(const char **out, hk__pool *pool, hk_error *err) HK_MUST_CHECK;

#endif
