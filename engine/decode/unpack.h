/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unpack.h - an open file that is an archive becomes a reply for each member, and one for itself.
 * Runs inside a decode worker.
 *
 *      entry --notice--> bytes, digests --> decode | open in turn | pass by --reply--> engine
 *
 * A member's bytes are read once: kept if they are to be decoded or opened and fit max_bytes, and
 * otherwise gone through the digests. The file's own are read once as well if it is a tar, and the
 * digests taken on the way. Zip and 7z have their directory at the end: their digests are a second
 * read of the file, after the members.
 *
 *      regular file       as any file; encrypted: unreadable
 *      archive            opened in turn from memory, answered after its members; deeper than
 *                         max_depth: too_large
 *      link, device ...   excluded
 *      folder             no answer, but counted against max_members
 *
 * Bytes that the archive says are damaged (a wrong checksum, an end that is missing) are decoded as
 * far as they go, for they may be known: `truncated` if that gives a picture, else `unreadable`.
 * Digests are given of those that are all there, and of what was decoded: then of the bytes that
 * could be had, as of a file on a disk that was cut short.
 *
 * All limits count in the same way whether a member is answered or only passed on the way to
 * first_member: an archive ends at the same member however often it was taken up again.
 */
#ifndef HK_DECODE_UNPACK_H
#define HK_DECODE_UNPACK_H

#include "decode/content.h"
#include "decode/decoders.h"
#include "decode/seen.h"
#include "decode/wire.h"

/* What members are read with; borrowed. */
typedef struct hk__unpack_tools {
    hk__decode_fn *decode;
    hk__canvas *canvas;
    hk__digester *digester;
    hk__content *content;
    const hk__seen *seen; /* may be NULL */
    /* Where messages go. */
    void (*notice)(void *context, const hk__notice *notice);
    void (*reply)(void *context, const hk__reply *reply);
    void *context;
} hk__unpack_tools;

typedef struct hk__unpacker hk__unpacker;

hk_status hk__unpacker_new(hk__unpacker **out, const hk__unpack_tools *tools,
                           hk_error *err) HK_MUST_CHECK;
void hk__unpacker_free(hk__unpacker *unpacker);

/* Unpacks a regular file of an archive format. `reply` carries the members' replies; at the end it
 * holds that of the file, which is not sent. False: it is compressed and no tar, a file like any
 * other, and nothing was said. */
bool hk__unpack(hk__reply *reply, hk__unpacker *unpacker, int fd, hk__format format,
                const hk__request *request);

/* Whether a file that would be decoded was seen before; sets its status if so. */
bool hk__unpack_is_duplicate(hk__picture *picture, const hk__seen *seen, const hk_digests *digests);

#endif
