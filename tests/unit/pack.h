/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pack.h - for tests of archives: makes them in memory with libarchive, has a pool open them, and
 * keeps what it says.
 */
#ifndef TESTS_PACK_H
#define TESTS_PACK_H

#include "unit.h"

#include "plain_pdq.h"

#include "decode/pool.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vips/vips.h>

/* ---- bytes ---------------------------------------------------------------------------------- */

typedef struct blob {
    uint8_t *bytes; /* malloc */
    size_t count;
} blob;

static inline void blob_add(blob *b, const void *bytes, size_t count)
{
    b->bytes = realloc(b->bytes, b->count + count + 1);
    assert_non_null(b->bytes);
    if (count)
        memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
}

static inline blob blob_text(const char *text)
{
    blob b = {0};
    blob_add(&b, text, strlen(text));
    return b;
}

/* A picture of a pattern, as a file of this suffix. */
static inline blob draw_blob(const char *pattern, const char *suffix, int width, int height)
{
    blob b = {0};
    void *bytes;
    size_t count;
    uint8_t *pixels = malloc((size_t)width * (size_t)height);
    assert_true(pixels && pattern_draw(pixels, pattern, height, width));
    VipsImage *image = vips_image_new_from_memory(pixels, (size_t)width * (size_t)height, width,
                                                  height, 1, VIPS_FORMAT_UCHAR);
    assert_int_equal(vips_image_write_to_buffer(image, suffix, &bytes, &count, NULL), 0);
    blob_add(&b, bytes, count);
    g_free(bytes);
    g_object_unref(image);
    free(pixels);
    return b;
}

/* The n-th place of some bytes in a blob. */
static inline size_t find_in(const blob *b, const void *bytes, size_t count, int n)
{
    for (size_t i = 0; i + count <= b->count; i++)
        if (!memcmp(b->bytes + i, bytes, count) && n-- == 0)
            return i;
    fail();
    return 0;
}

/* ---- archives ------------------------------------------------------------------------------- */

typedef struct packer {
    struct archive *writer;
    blob out;
} packer;

static inline la_ssize_t pack_bytes(struct archive *writer, void *context, const void *bytes,
                                    size_t count)
{
    (void)writer;
    blob_add(&((packer *)context)->out, bytes, count);
    return (la_ssize_t)count;
}

/* format: "zip", "7zip", "ustar", "gnutar", "pax"; filter: "none", "gzip" ...; options as of
 * libarchive, or NULL. */
static inline packer *pack_begin(const char *format, const char *filter, const char *options)
{
    packer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->writer = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(p->writer, format), 0);
    if (strcmp(filter, "none"))
        assert_int_equal(archive_write_add_filter_by_name(p->writer, filter), 0);
    archive_write_set_bytes_in_last_block(p->writer, 1);
    if (options)
        assert_int_equal(archive_write_set_options(p->writer, options), 0);
    archive_write_set_passphrase(p->writer, "secret");
    assert_int_equal(archive_write_open(p->writer, p, NULL, pack_bytes, NULL), 0);
    return p;
}

static inline void pack_entry(packer *p, const char *name, unsigned type, const char *link,
                              const void *bytes, size_t count)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_mtime(entry, 1000000000, 0);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)count);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, link);
    else if (link)
        archive_entry_set_hardlink(entry, link);
    assert_true(archive_write_header(p->writer, entry) >= ARCHIVE_WARN);
    for (size_t at = 0; at < count;) {
        const la_ssize_t n = archive_write_data(p->writer, (const char *)bytes + at, count - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    archive_entry_free(entry);
}

static inline void pack_file(packer *p, const char *name, const blob *b)
{
    pack_entry(p, name, AE_IFREG, NULL, b->bytes, b->count);
}

static inline void pack_text(packer *p, const char *name, const char *text)
{
    pack_entry(p, name, AE_IFREG, NULL, text, strlen(text));
}

static inline blob pack_end(packer *p)
{
    assert_int_equal(archive_write_close(p->writer), 0);
    archive_write_free(p->writer);
    const blob out = p->out;
    free(p);
    return out;
}

/* Every kind that is opened. */
static const struct pack_kind {
    const char *format, *filter, *name;
} pack_kinds[] = {
    {"zip", "none", "zip"},    {"7zip", "none", "7z"},        {"ustar", "none", "tar"},
    {"gnutar", "none", "tar"}, {"pax", "gzip", "tar.gz"},     {"ustar", "bzip2", "tar.bz2"},
    {"ustar", "xz", "tar.xz"}, {"gnutar", "zstd", "tar.zst"},
};

/* ---- what a pool says ----------------------------------------------------------------------- */

enum { SAID_MAX = 600 };

typedef struct said {
    char member[HK__NAME_MAX + 1]; /* "" : the file */
    bool last;
    uint64_t number, size, tag;
    hk_file_status status;
    hk__format format;
    size_t views;
    bool hashed, exact;
    hk_hash hash;
    hk_digests digests;
    char reason[HK__REASON_SIZE];
} said;

typedef struct story {
    said *said;
    size_t count;
} story;

static const hk__pool_options pack_options = {
    .workers = 1,
    .memory = UINT64_C(1) << 30,
    .timeout_ms = 20000,
    .limits = {.max_pixels = 1 << 26,
               .max_bytes = 1 << 24,
               .max_pages = 100,
               .max_depth = 4,
               .max_members = 500,
               .max_unpacked = UINT64_C(1) << 30,
               .max_ratio = 100},
    .digests = HK_DIGEST_MD5 | HK_DIGEST_SHA256,
    .archives = true,
};

static inline void keep_said(story *s, const hk__pool_result *r)
{
    said *now = &s->said[s->count++];
    assert_true(s->count <= SAID_MAX);
    assert_int_equal(r->last, r->member == NULL);
    memset(now, 0, sizeof *now);
    if (r->member)
        strcpy(now->member, r->member);
    now->last = r->last;
    now->tag = r->tag;
    now->number = r->member_number;
    now->size = r->reply->size;
    now->status = r->reply->picture.status;
    now->format = r->reply->picture.format;
    now->digests = r->reply->digests;
    now->hashed = r->views->count != 0;
    now->exact = now->hashed && r->views->view->has_exact_hash;
    if (now->hashed)
        now->hash = r->views->view->fingerprint.hash[HK_ORIGINAL];
    now->views = r->views->count;
    strcpy(now->reason, r->reply->picture.reason);
    assert_true(now->hashed == (now->status == HK_FILE_OK || now->status == HK_FILE_TRUNCATED));
}

static inline int blob_descriptor(const blob *b)
{
    const int fd = memfd_create("blob", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b->bytes, b->count), (ssize_t)b->count);
    return fd;
}

/* Has the pool open one file from its member `first` on. */
static inline story tell(hk__pool *pool, const blob *b, uint64_t first)
{
    story s = {.said = calloc(SAID_MAX, sizeof(said))};
    hk_error err;
    assert_non_null(s.said);
    assert_int_equal(hk__pool_submit(pool, 7, blob_descriptor(b), first, &err), HK_OK);
    while (s.count == 0 || !s.said[s.count - 1].last) {
        bool done;
        hk__pool_result result;
        assert_int_equal(hk__pool_wait(&done, &result, pool, 1000, &err), HK_OK);
        if (done)
            keep_said(&s, &result);
    }
    assert_int_equal(hk__pool_busy(pool), 0);
    return s;
}

/* The same with a pool of these options, the one before if it had the same. NULL: ends it. */
static inline story tell_with(const hk__pool_options *options, const blob *b, uint64_t first)
{
    static hk__pool *pool;
    static hk__pool_options of;
    hk_error err;
    if (!options || !pool || memcmp(&of, options, sizeof of)) {
        hk__pool_free(pool);
        pool = NULL;
        if (!options)
            return (story){0};
        memcpy(&of, options, sizeof of);
        assert_int_equal(hk__pool_open(&pool, options, &err), HK_OK);
    }
    return tell(pool, b, first);
}

static inline int end_telling(void **state)
{
    (void)state;
    tell_with(NULL, NULL, 0);
    return 0;
}

static inline const said *said_of(const story *s, const char *member)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->said[i].member, member))
            return &s->said[i];
    print_error("nothing was said of %s\n", member);
    fail();
    return NULL;
}

static inline void show(const story *s)
{
    for (size_t i = 0; i < s->count; i++)
        print_message("%3llu %-40.60s %-14s %8llu %s %s\n", (unsigned long long)s->said[i].number,
                      s->said[i].last ? "(file)" : s->said[i].member,
                      hk_file_status_name(s->said[i].status), (unsigned long long)s->said[i].size,
                      s->said[i].hashed ? "hash" : "-", s->said[i].reason);
}

#define SAID(story, name, wanted_status, wanted_reason)                                            \
    do {                                                                                           \
        const said *said_ = said_of(&(story), name);                                               \
        if (said_->status != (wanted_status) || !strstr(said_->reason, wanted_reason))             \
            show(&(story));                                                                        \
        assert_int_equal(said_->status, wanted_status);                                            \
        assert_non_null(strstr(said_->reason, wanted_reason));                                     \
    } while (0)

#endif
