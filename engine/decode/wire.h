/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire.h - what goes between the engine and a decode worker, over a SOCK_SEQPACKET pair.
 *
 *      engine -> worker   hk__request, one descriptor with it (SCM_RIGHTS)
 *      worker -> engine   once hk__hello, then for each request, in order
 *                             { hk__notice: member n comes   hk__reply of member n }   of archives
 *                             hk__reply of the file
 *
 * Of a file or member of several views (frames, pages, backdrops) there is a reply for each, all
 * but the last with `more`, and the last one has the status of the file. There are HK_VIEWS_MOST at
 * the most, together in the time that one file has.
 *
 * Members are numbered from 0 as they are answered, those of all depths together: an archive inside
 * another comes after what is in it. A notice comes before anything is read of a member, so that
 * the engine can say whose fault it was; it may be given again with the same number by a member
 * deeper inside, and by the archive itself after those. Members before first_member, and spared
 * ones that are to be passed over, get notices alone. Between notices go beats, for every
 * HK__BEAT_BYTES that were read and unpacked: the engine's watch starts anew with each message.
 *
 * Both ends are of one build, so structs travel as they are. The worker parses hostile files and
 * may have been taken over: the engine receives a message into its own memory and believes nothing
 * of it before hk__reply_check or hk__notice_check.
 */
#ifndef HK_DECODE_WIRE_H
#define HK_DECODE_WIRE_H

#include "decode/picture.h"

#define HK__WIRE_VERSION 4u
#define HK__WORKER_SOCKET 3 /* the worker's end, as a descriptor number */
#define HK__WORKER_SEEN 4   /* the table of contents seen, where there is one (seen.h) */

#define HK__NO_MEMBER UINT64_MAX /* in place of a number: the file itself */
#define HK__NAME_MAX 4096        /* bytes of a member's name; longer ones are cut */
#define HK__SPARED_MAX 32
#define HK__BEAT_BYTES (UINT64_C(8) << 20)

typedef struct hk__hello {
    uint32_t version;
    char decoders[1020]; /* "name version" lines */
} hk__hello;

/* A member that killed or hung workers: what is not to be done with it now. An archive that is
 * spared is not opened, so it stays in the list for its number. */
typedef struct hk__spared {
    uint64_t number;
    uint32_t depth; /* 0: in the file; 1: in an archive in it ... */
    uint32_t pass;  /* 0: take its digests and no more; 1: not even that, and no reply */
} hk__spared;

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
    uint32_t archives;        /* 1: open archives; with digests_only: but say which are some */
    uint32_t spared_count;
    uint64_t first_member; /* members before it are not answered */
    hk__spared spared[HK__SPARED_MAX];
} hk__request;

/* How messages of a worker begin, after the hello. */
typedef enum hk__message {
    HK__MESSAGE_REPLY = 1,
    HK__MESSAGE_MEMBER, /* notices */
    HK__MESSAGE_BEAT
} hk__message;

/* Cut after the name, which has no NUL; a beat has neither name nor number. */
typedef struct hk__notice {
    uint32_t version;
    uint32_t message; /* hk__message */
    uint64_t id;
    uint64_t number;
    uint64_t passed; /* bytes read and unpacked for this request so far */
    uint32_t depth;
    uint32_t name_size; /* 1..HK__NAME_MAX */
    char name[HK__NAME_MAX];
} hk__notice;

/* Medians in nanoseconds; with repeats only. */
typedef struct hk__timing {
    uint64_t ours, digested, floor; /* whole times; see stopwatch.h */
    uint64_t read, digest, decode, grid, dct, bits;
} hk__timing;

/* Cut after what it holds: grids and raster go only with has_pixels, the raster at its size. The
 * exact grid goes only if it or the raster was asked for, and is read only with has_exact. */
typedef struct hk__reply {
    uint32_t version;
    uint32_t message;     /* HK__MESSAGE_REPLY */
    uint32_t cpu_seconds; /* used by the worker since it began */
    uint32_t more;        /* 1: another view of the same follows; with pixels only */
    uint64_t id;
    uint64_t member; /* its number, or HK__NO_MEMBER: the file itself, and the request is done */
    uint64_t size;   /* bytes of the file or member; 0 unless known */
    hk_digests digests;
    hk__timing timing;
    hk__picture picture;
} hk__reply;

/* Makes it an empty reply: of no status yet, without digests or pixels. */
void hk__reply_begin(hk__reply *reply, uint64_t id, uint64_t member);

/* The number of bytes of the message to send. */
size_t hk__reply_size(const hk__reply *reply);
size_t hk__notice_size(const hk__notice *notice);

/* Whether `size` received bytes are a reply to request `id`, whole and with every value in its
 * range. Ends the reason with a NUL. HK_FILE_DUPLICATE is in range with a SHA-256 and no pixels; it
 * is for the caller to know whether that content was seen. So is the member's number. */
bool hk__reply_check(hk__reply *reply, size_t size, uint64_t id);

/* The same of a notice; depth < max_depth. A beat's number, depth and name are not looked at. */
bool hk__notice_check(const hk__notice *notice, size_t size, uint64_t id, uint32_t max_depth);

/* Sends one message, with a descriptor if fd >= 0. 0, or -1 with errno. */
int hk__send(int socket, const void *message, size_t size, int fd);

/* Receives one message; *fd gets its descriptor or -1 (fd may be NULL: descriptors are refused).
 * Returns its bytes, 0 at the end of the connection, -1 with errno. */
long hk__receive(int socket, void *message, size_t capacity, int *fd);

#endif
