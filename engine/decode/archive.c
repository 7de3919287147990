/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive.c - see archive.h. */
#include "decode/archive.h"

#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum { CHUNK = 128 * 1024, RETRIES = 16 };

struct hk__archive {
    hk__archive_source source;
    struct archive *reader;
    bool seeks;      /* zip, 7z */
    bool compressed; /* whether there is a tar in it is yet to be seen */
    bool begun;
    hk__unpack_status lost; /* why nothing more comes; HK__UNPACK_OK: it may */
    int read_error;         /* errno of the descriptor */
    /* of the item in hand: */
    const uint8_t *block;    /* libarchive's */
    size_t left;             /* of the block */
    uint64_t at;             /* bytes that were taken */
    uint64_t hole;           /* zeros before the block */
    hk__unpack_status after; /* what comes after the block */
    char words[160];
    uint8_t chunk[CHUNK];
};

void hk__archive_prepare(void)
{
    /* Names come as they are stored, and those stored as UTF-16 or marked as UTF-8 come as UTF-8.
     */
    setlocale(LC_CTYPE, "C.UTF-8");
}

/* ---- the descriptor ------------------------------------------------------------------------ */

static la_ssize_t read_chunk(struct archive *reader, void *context, const void **bytes)
{
    hk__archive *a = context;
    ssize_t n;
    do
        n = read(a->source.fd, a->chunk, CHUNK);
    while (n < 0 && errno == EINTR);
    *bytes = a->chunk;
    if (n < 0) {
        a->read_error = errno;
        archive_set_error(reader, a->read_error, "reading failed: %s", strerror(a->read_error));
        return ARCHIVE_FATAL;
    }
    if (n && !a->seeks && a->source.digester)
        (void)!hk__digester_add(a->source.digester, a->chunk, (size_t)n, NULL);
    if (n && !a->seeks && a->source.passed)
        a->source.passed(a->source.context, (size_t)n);
    return n;
}

static la_int64_t seek_to(struct archive *reader, void *context, la_int64_t offset, int whence)
{
    const hk__archive *a = context;
    const off_t at = lseek(a->source.fd, offset, whence);
    if (at < 0)
        archive_set_error(reader, errno, "seeking failed: %s", strerror(errno));
    return at < 0 ? ARCHIVE_FATAL : at;
}

/* ---- opening ------------------------------------------------------------------------------- */

static bool enable(struct archive *r, hk__format format)
{
    int code = ARCHIVE_OK;
    switch (format) {
    case HK__FORMAT_ZIP:
        return !archive_read_support_format_zip(r);
    case HK__FORMAT_7Z:
        return !archive_read_support_format_7zip(r);
    case HK__FORMAT_TAR:
        return !archive_read_support_format_tar(r);
    case HK__FORMAT_TAR_GZ:
        code = archive_read_support_filter_gzip(r);
        break;
    case HK__FORMAT_TAR_BZ2:
        code = archive_read_support_filter_bzip2(r);
        break;
    case HK__FORMAT_TAR_XZ:
        code = archive_read_support_filter_xz(r);
        break;
    case HK__FORMAT_TAR_ZST:
        code = archive_read_support_filter_zstd(r);
        break;
    default:
        return false;
    }
    /* A warning here would be an outside program in place of a library. Raw and empty are what tell
     * a compressed file that is no tar from a damaged one. */
    return code == ARCHIVE_OK && !archive_read_support_format_tar(r) &&
           !archive_read_support_format_raw(r) && !archive_read_support_format_empty(r);
}

static int open_reader(hk__archive *a)
{
    const hk__archive_source *s = &a->source;
    if (s->bytes)
        return archive_read_open_memory(a->reader, s->bytes, s->count);
    archive_read_set_callback_data(a->reader, a);
    archive_read_set_read_callback(a->reader, read_chunk);
    if (a->seeks)
        archive_read_set_seek_callback(a->reader, seek_to);
    return archive_read_open1(a->reader);
}

hk_status hk__archive_open(hk__archive **out, hk__format format, const hk__archive_source *source,
                           hk_error *err)
{
    hk__archive *a = hk__alloc(1, sizeof *a);
    if (!a)
        return hk__fail_memory(err);
    a->source = *source;
    a->seeks = format == HK__FORMAT_ZIP || format == HK__FORMAT_7Z;
    a->compressed = !a->seeks && format != HK__FORMAT_TAR;
    a->reader = archive_read_new();
    if (!a->reader) {
        hk__archive_close(a);
        return hk__fail_memory(err);
    }
    if (!enable(a->reader, format)) {
        hk__archive_close(a);
        return hk__fail(err, HK_ERR_USAGE, "libarchive does not read this format by itself");
    }
    /* What it has to say against the bytes is said again by the first item. */
    (void)open_reader(a);
    *out = a;
    return HK_OK;
}

void hk__archive_close(hk__archive *archive)
{
    if (archive && archive->reader)
        archive_read_free(archive->reader);
    hk__free(archive);
}

/* ---- reading ------------------------------------------------------------------------------- */

static hk__unpack_status lose(hk__archive *a, hk__unpack_status why)
{
    a->lost = why;
    return why;
}

static hk__unpack_status fail(hk__archive *a, int code)
{
    const char *words = archive_error_string(a->reader);
    const int number = archive_errno(a->reader);
    snprintf(a->words, sizeof a->words, "%s", words ? words : "no words for it");
    hk__printable(a->words);
    if (number == ENOMEM && !a->read_error)
        return lose(a, HK__UNPACK_NO_MEMORY);
    /* Before a format is found, 3.6 looks for one behind the end of its table there. */
    if (archive_format(a->reader) && archive_read_has_encrypted_entries(a->reader) == 1 &&
        code == ARCHIVE_FATAL && !a->begun)
        return lose(a, HK__UNPACK_ENCRYPTED);
    return code == ARCHIVE_FATAL ? lose(a, HK__UNPACK_LOST) : HK__UNPACK_DAMAGED;
}

static hk__item_kind kind_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK)
        return HK__ITEM_LINK;
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return HK__ITEM_FOLDER;
    return archive_entry_filetype(entry) == AE_IFREG ? HK__ITEM_FILE : HK__ITEM_OTHER;
}

/* Bytes where they can be had as they are, and otherwise libarchive's idea of UTF-8. */
static const char *name_of(struct archive_entry *entry)
{
    const char *name = archive_entry_pathname(entry);
    if (!name || !*name)
        name = archive_entry_pathname_utf8(entry);
    return name && *name ? name : "?";
}

/* The next block. libarchive gives the last one of a zip's member together with what it has against
 * its checksum: the bytes first, then the trouble. */
static void next_block(hk__archive *a)
{
    const void *bytes = NULL;
    size_t count = 0;
    la_int64_t offset = 0;
    int code;
    for (int tries = 0;
         (code = archive_read_data_block(a->reader, &bytes, &count, &offset)) == ARCHIVE_RETRY;)
        if (++tries > RETRIES)
            break;
    const bool usable = code == ARCHIVE_OK || code == ARCHIVE_WARN || code == ARCHIVE_FAILED;
    a->after = code == ARCHIVE_OK    ? HK__UNPACK_OK
               : code == ARCHIVE_EOF ? HK__UNPACK_END
                                     : fail(a, code);
    a->block = bytes;
    a->left = usable && bytes ? count : 0;
    if (usable && offset > 0 && (uint64_t)offset > a->at) /* a hole before it, or before the end */
        a->hole = (uint64_t)offset - a->at;
}

/* Takes up to `room` bytes of what is there: zeros of a hole, then the block's. */
static size_t take(hk__archive *a, uint8_t *to, size_t room)
{
    const bool hole = a->hole > 0;
    const uint64_t there = hole ? a->hole : a->left;
    const size_t n = there < room ? (size_t)there : room;
    if (hole) {
        memset(to, 0, n);
        a->hole -= n;
    } else if (n) {
        memcpy(to, a->block, n);
        a->block += n;
        a->left -= n;
    }
    a->at += n;
    return n;
}

hk__unpack_status hk__archive_read(size_t *got, hk__archive *a, uint8_t *to, size_t capacity)
{
    *got = 0;
    while (*got < capacity) {
        if (!a->hole && !a->left) {
            if (a->after)
                return a->after;
            next_block(a);
        }
        *got += take(a, to + *got, capacity - *got);
    }
    return HK__UNPACK_OK;
}

/* A compressed file that is no tar: sound at least for as long as a tar's header is? */
static hk__unpack_status other(hk__archive *a)
{
    uint8_t first[512];
    size_t got;
    const hk__unpack_status status = archive_format(a->reader) == ARCHIVE_FORMAT_RAW
                                         ? hk__archive_read(&got, a, first, sizeof first)
                                         : HK__UNPACK_END;
    return status == HK__UNPACK_OK || status == HK__UNPACK_END ? HK__UNPACK_OTHER
                                                               : lose(a, HK__UNPACK_LOST);
}

hk__unpack_status hk__archive_next(hk__item *item, hk__archive *a)
{
    struct archive_entry *entry;
    int code;
    if (a->lost)
        return a->lost;
    for (int tries = 0; (code = archive_read_next_header(a->reader, &entry)) == ARCHIVE_RETRY;)
        if (++tries > RETRIES)
            break;
    const int format = archive_format(a->reader) & ARCHIVE_FORMAT_BASE_MASK;
    if (a->compressed && !a->begun && code != ARCHIVE_FATAL && format != ARCHIVE_FORMAT_TAR)
        return other(a);
    if (code == ARCHIVE_EOF)
        return HK__UNPACK_END;
    if (code != ARCHIVE_OK &&
        code != ARCHIVE_WARN) { /* a header that is lost takes the rest along */
        const hk__unpack_status status = fail(a, ARCHIVE_FATAL);
        return status;
    }
    a->begun = true;
    *item = (hk__item){
        .name = name_of(entry),
        .kind = kind_of(entry),
        .encrypted = archive_entry_is_encrypted(entry) != 0,
        .sized = archive_entry_size_is_set(entry) && archive_entry_size(entry) >= 0,
    };
    a->left = 0;
    a->at = a->hole = 0;
    a->after = HK__UNPACK_OK;
    item->size = item->sized ? (uint64_t)archive_entry_size(entry) : 0;
    return HK__UNPACK_OK;
}

const char *hk__archive_words(const hk__archive *archive)
{
    return archive->words;
}
