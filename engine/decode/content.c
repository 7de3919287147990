/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.c - see content.h. */
#include "decode/content.h"

#include "core/clock.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

static bool reserve(hk__content *content, size_t capacity)
{
    if (content->capacity >= capacity)
        return true;
    /* Not realloc: nothing in it needs to be copied. */
    hk__content_clear(content);
    content->bytes = hk__alloc(capacity, 1);
    content->capacity = content->bytes ? capacity : 0;
    return content->bytes != NULL;
}

void hk__content_clear(hk__content *content)
{
    hk__free(content->bytes);
    content->bytes = NULL;
    content->capacity = 0;
}

/* Reads up to `size` bytes; less only at the end of the file. -1 on error. */
static ssize_t read_full(int fd, uint8_t *to, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, to + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

bool hk__content_read(hk__content *content, hk__picture *picture, int fd, hk__digester *digester,
                      unsigned digests, const hk__limits *limits)
{
    struct stat before, after;
    uint64_t total = 0, t0 = hk__clock_ns();
    content->kept = false;
    content->count = 0;
    content->read_ns = content->digest_ns = 0;
    memset(&content->digests, 0, sizeof content->digests);
    if (fstat(fd, &before) || hk__digester_start(digester, digests, NULL)) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "cannot be read: %s", strerror(errno));
        return false;
    }
    if (!reserve(content, CHUNK)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory to read it");
        return false;
    }

    /* The first chunk tells what it is, and so whether the rest is kept. One byte more than the
     * size is asked for: a file that grew shows it. */
    const uint64_t size = (uint64_t)before.st_size;
    content->empty = size == 0;
    bool keep = true;
    for (size_t at = 0;;) {
        size_t want = content->capacity - at;
        want = want < CHUNK ? want : CHUNK;
        ssize_t n = read_full(fd, content->bytes + at, want);
        const uint64_t t1 = hk__clock_ns();
        content->read_ns += t1 - t0;
        if (n < 0) {
            hk__picture_fail(picture, HK_FILE_UNREADABLE, "reading failed: %s", strerror(errno));
            return false;
        }
        if (hk__digester_add(digester, content->bytes + at, (size_t)n, NULL)) {
            hk__picture_fail(picture, HK_FILE_UNREADABLE, "its digests could not be computed");
            return false;
        }
        t0 = hk__clock_ns();
        content->digest_ns += t0 - t1;
        if (total == 0) {
            picture->format = hk__format_of(content->bytes, (size_t)n);
            keep = hk__format_is_decoded(picture->format) && size <= limits->max_bytes;
            if (!keep && !digests)
                break;
            if (keep && size >= content->capacity) {
                uint8_t *first = content->bytes;
                content->bytes = NULL;
                if (!reserve(content, (size_t)size + 1)) {
                    hk__free(first);
                    content->capacity = 0;
                    hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its %llu bytes",
                                     (unsigned long long)size);
                    return false;
                }
                memcpy(content->bytes, first, (size_t)n);
                hk__free(first);
            }
        }
        total += (uint64_t)n;
        if ((size_t)n < want || total > size)
            break;
        at = keep ? at + (size_t)n : 0;
    }

    const bool cut_short = !keep && !digests;
    if (fstat(fd, &after) || after.st_size != before.st_size ||
        after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != before.st_mtim.tv_nsec || (!cut_short && total != size)) {
        hk__picture_fail(picture, HK_FILE_CHANGED, "it changed while it was read");
        return false;
    }
    if (!cut_short && hk__digester_finish(&content->digests, digester, NULL)) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "its digests could not be computed");
        return false;
    }
    if (hk__format_is_decoded(picture->format) && !keep) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%llu bytes, more than the limit of %llu (--max-bytes)",
                         (unsigned long long)size, (unsigned long long)limits->max_bytes);
        return false;
    }
    content->count = (size_t)total;
    content->kept = keep;
    return true;
}
