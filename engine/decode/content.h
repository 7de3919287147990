/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * content.h - an open file becomes bytes in memory and digests, in one read.
 *
 * Runs inside a decode worker. Files that no decoder takes are not kept: their bytes pass through
 * the digests and are gone, so a film of any size is no burden.
 */
#ifndef HK_DECODE_CONTENT_H
#define HK_DECODE_CONTENT_H

#include "core/digest.h"
#include "decode/picture.h"

#include <sys/stat.h>

/* Reusable; zero it before the first use. */
typedef struct hk__content {
    uint8_t *bytes; /* owned; the whole file if kept */
    size_t count, capacity;
    uint64_t size; /* of the file, whether it was all read or not */
    bool empty;    /* the file has no bytes */
    bool kept;     /* bytes hold the whole file */
    hk_digests digests;
    uint64_t read_ns, digest_ns;
} hk__content;

/* Reads fd (a regular file) from its start to its end and sets the picture's format. The digests in
 * `all` are taken of any file, those in `pictures` of files that are kept to be decoded as well. On
 * trouble it returns false and the picture has its status (unreadable, changed, too_large,
 * out_of_memory) and reason; the digests are there whenever all bytes could be read. */
bool hk__content_read(hk__content *content, hk__picture *picture, int fd, hk__digester *digester,
                      unsigned all, unsigned pictures, const hk__limits *limits);
void hk__content_clear(hk__content *content);

/* fstat, as the sandbox allows it, and whether a file is as it was. */
int hk__content_facts(int fd, struct stat *facts);
bool hk__content_is_same(const struct stat *a, const struct stat *b);

#endif
