/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * archive.h - an archive as a stream of items, by libarchive. Runs inside a decode worker only.
 *
 * Of libarchive only the one format is enabled that the content was told to be, so that a zip is
 * never read as something else. Nothing is ever written and no program ever started.
 */
#ifndef HK_DECODE_ARCHIVE_H
#define HK_DECODE_ARCHIVE_H

#include "core/digest.h"
#include "decode/format.h"

typedef struct hk__archive hk__archive;

/* Where an archive's bytes come from: memory, or a descriptor. Zip and 7z seek in it; tars are read
 * from the start to the end, once, and their bytes pass through the digester on the way. */
typedef struct hk__archive_source {
    const uint8_t *bytes; /* NULL: fd */
    size_t count;
    int fd;
    hk__digester *digester;                      /* started; may be NULL; tars of an fd only */
    void (*passed)(void *context, size_t count); /* bytes read of an fd's tar; may be NULL */
    void *context;
} hk__archive_source;

typedef enum hk__item_kind {
    HK__ITEM_FILE,
    HK__ITEM_FOLDER,
    HK__ITEM_LINK, /* symbolic or hard */
    HK__ITEM_OTHER /* devices, sockets, pipes */
} hk__item_kind;

typedef struct hk__item {
    const char
        *name; /* as stored, where libarchive gives it; "?" where it does not; until the next */
    hk__item_kind kind;
    bool encrypted;
    bool sized;    /* size is stated; it may be a lie */
    uint64_t size; /* bytes when unpacked */
} hk__item;

typedef enum hk__unpack_status {
    HK__UNPACK_OK,
    HK__UNPACK_END,       /* of the archive, or of the item */
    HK__UNPACK_DAMAGED,   /* this item; the next one may be sound */
    HK__UNPACK_LOST,      /* nothing more can be had */
    HK__UNPACK_ENCRYPTED, /* the same, as names and all are encrypted */
    HK__UNPACK_NO_MEMORY, /* the same */
    HK__UNPACK_OTHER      /* of the first item: compressed, and no tar */
} hk__unpack_status;

/* What libarchive needs at run time, before the sandbox is closed. */
void hk__archive_prepare(void);

/* The source's bytes and digester must outlive it. HK_ERR_NO_MEMORY, or HK_ERR_USAGE where
 * `format` is none of archives. Whether it is one shows with its first item. */
hk_status hk__archive_open(hk__archive **out, hk__format format, const hk__archive_source *source,
                           hk_error *err) HK_MUST_CHECK;
void hk__archive_close(hk__archive *archive);

/* The next item; what is left of the one before is skipped. */
hk__unpack_status hk__archive_next(hk__item *item, hk__archive *archive);

/* Up to `capacity` bytes of the item, fewer only at its end: then it is HK__UNPACK_END. *got is set
 * in any case. */
hk__unpack_status hk__archive_read(size_t *got, hk__archive *archive, uint8_t *to, size_t capacity);

/* What was wrong, in libarchive's words or the system's. */
const char *hk__archive_words(const hk__archive *archive);

#endif
