/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feed.h - reading and writing lists as others exchange them.
 *
 *      file --source--> format's reader --sink--> a list in memory (list_load.c), or
 *                                                 an import into a store (import.c)
 *      hk_entry --format's writer--> file (export.c)
 *
 * One file per format (format_*.c), one row each in the table of feed.c: a new feed is a new file.
 * A reader gives its sink every entry and every line it cannot use, in the order of the file, and
 * goes on; it fails only where the structure of the whole is broken, or the sink says so.
 *
 * What the formats share lies in value.c (hashes, dates), row.c (separated fields), extra.c (what
 * else a source says) and json_walk.c (JSON larger than memory).
 */
#ifndef HK_FEED_FEED_H
#define HK_FEED_FEED_H

#include "herken.h"

#include <stdio.h>

/* Lines longer than this are bad lines; of a line nothing more is kept. */
#define HK__LINE_MAX 65536
/* What a reader takes of one text of an entry; longer ones are a bad line. */
#define HK__TEXT_MAX 4096

/* One entry as a reader found it: it has a hash, a digest or PhotoDNA, or is a withdrawal with an
 * id. Strings are borrowed for the call, of at most HK__TEXT_MAX bytes, and UTF-8 (see raw). */
typedef struct hk__feed_item {
    hk_entry entry;
    size_t line;   /* where it begins, counted from 1 */
    bool withdraw; /* the feed takes it back */
} hk__feed_item;

/* Where a reader puts what it reads. An error of any of these ends the reading with it. */
typedef struct hk__sink {
    hk_status (*item)(void *context, const hk__feed_item *item, hk_error *err);
    hk_status (*bad)(void *context, size_t line, const char *reason, hk_error *err); /* static */
    /* About 10 times a second; size 0: not known (a pipe). May be NULL. */
    hk_status (*at)(void *context, uint64_t bytes, uint64_t size, hk_error *err);
    void *context;
    hk_digests *digests; /* where to put the SHA-256 of all of the file's bytes; NULL: nowhere */
    bool raw; /* texts as they lie in the file, which may not be UTF-8 (names that md5sum writes):
                 otherwise what is not UTF-8 comes as \xHH. extra is UTF-8 always. */
} hk__sink;

/* Of the beginning of a file, for recognising what it is. */
#define HK__HEAD_MAX 4096

/* A file being read through a buffer of fixed size. */
typedef struct hk__source hk__source;

/* HK_ERR_IO: it does not open, or is a folder; HK_ERR_SYSTEM: it does not read. */
hk_status hk__source_open(hk__source **out, const char *path, hk_error *err) HK_MUST_CHECK;
void hk__source_close(hk__source *source); /* takes NULL */
const char *hk__source_path(const hk__source *source);
/* The first bytes of the file, up to HK__HEAD_MAX, without a byte-order mark; borrowed until
 * something is read. */
const char *hk__source_head(size_t *length, const hk__source *source);

/* The next line, NUL-terminated, without its LF or CRLF and without a byte-order mark, borrowed
 * until the next call and the reader's to write to; *text = NULL after the last. *too_long: it was
 * longer than HK__LINE_MAX, and *text is its beginning. Calls sink->at now and then.
 * HK_ERR_SYSTEM: it does not read. */
hk_status hk__source_line(char **text, size_t *length, bool *too_long, hk__source *source,
                          const hk__sink *sink, hk_error *err) HK_MUST_CHECK;
/* Adds the next line to the line in hand, with what lay between them; the reader must not have
 * written to it. *more = false, and only *text moves, where there is none, or HK__LINE_MAX would be
 * exceeded. */
hk_status hk__source_extend(bool *more, char **text, size_t *length, hk__source *source,
                            const hk__sink *sink, hk_error *err) HK_MUST_CHECK;
/* What hk__source_extend added will be read again; the line in hand is gone. */
void hk__source_put_back(hk__source *source);
/* Has the SHA-256 of the bytes taken as they are read, from the first on: before anything is read.
 */
hk_status hk__source_digest(hk__source *source, hk_error *err) HK_MUST_CHECK;
/* Reads what is left, and gives the digest of the whole file. */
hk_status hk__source_finish(hk_digests *out, hk__source *source, const hk__sink *sink,
                            hk_error *err) HK_MUST_CHECK;
/* The next bytes as they are, at most the buffer's; *count = 0 at the end. */
hk_status hk__source_bytes(const char **bytes, size_t *count, hk__source *source,
                           const hk__sink *sink, hk_error *err) HK_MUST_CHECK;
/* Number of the line in hand, its first where it was extended, counted from 1; with
 * hk__source_bytes the reader counts itself. */
size_t hk__source_at_line(const hk__source *source);

typedef struct hk__format {
    hk_format info;
    /* Whether a file that begins so is of this format. The table is asked from top to bottom. */
    bool (*recognise)(const char *head, size_t length);
    hk_status (*read)(hk__source *source, const hk__sink *sink, hk_error *err);
    void (*begin)(FILE *out); /* these three NULL unless info.writes */
    /* False, and nothing written, where the entry holds nothing that the format can say. `first`:
     * nothing was written before. */
    bool (*write)(FILE *out, const hk_entry *entry, bool first);
    void (*end)(FILE *out);
} hk__format;

extern const hk__format hk__format_vics, hk__format_nsrl, hk__format_tx, hk__format_csv,
    hk__format_text;

/* NULL: no format of that name. */
const hk__format *hk__format_named(const char *name);

/* Reads a file, as the named format, or, name NULL, as what its content says. */
hk_status hk__feed_read(const char *path, const char *format, const hk__sink *sink,
                        hk_error *err) HK_MUST_CHECK;

/* ---- for readers */

#define HK__ENTRY_TEXTS 6

/* A sink, and room to put the texts of one entry right in. */
typedef struct hk__giving {
    const hk__sink *sink;
    char space[HK__ENTRY_TEXTS][HK__TEXT_MAX + 1];
} hk__giving;

/* Gives the sink the item, as above, or the reason why it is none. */
hk_status hk__feed_give(hk__giving *giving, hk__feed_item *item, hk_error *err) HK_MUST_CHECK;
/* Gives the sink the line as one that cannot be used. */
hk_status hk__feed_bad(const hk__sink *sink, size_t line, const char *reason,
                       hk_error *err) HK_MUST_CHECK;
/* The text, or, where it is not UTF-8, a copy in `out` with \xHH for what is not; NULL: longer than
 * HK__TEXT_MAX. */
const char *hk__feed_utf8(char out[HK__TEXT_MAX + 1], const char *text, size_t length);

#endif
