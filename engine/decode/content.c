/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.c - see content.h. */
#include "decode/content.h"

#include "core/clock.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* At least `capacity` bytes; what was in them is gone if they had to grow. */
static bool reserve(hk__content *content, size_t capacity)
{
    if (content->capacity >= capacity)
        return true;
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

/* Room for the whole file and one byte more: a file that grew shows it. Keeps the first n bytes. */
static bool make_room(hk__content *content, uint64_t size, size_t n)
{
    if (size < content->capacity)
        return true;
    uint8_t *first = content->bytes;
    content->bytes = NULL;
    const bool made = reserve(content, (size_t)size + 1);
    if (made)
        memcpy(content->bytes, first, n);
    hk__free(first);
    return made;
}

/* Reads to the end, or only the first chunk where nothing needs the rest; *total is what was read.
 * Returns false with the picture's status set. */
static bool read_all(hk__content *content, uint64_t *total, hk__picture *picture, int fd,
                     uint64_t size, hk__digester *digester, const unsigned digests[2],
                     const hk__limits *limits)
{
    uint64_t t0 = hk__clock_ns();
    *total = 0;
    for (size_t at = 0;;) {
        const size_t left = content->capacity - at, want = left < CHUNK ? left : CHUNK;
        const ssize_t n = read_full(fd, content->bytes + at, want);
        const uint64_t t1 = hk__clock_ns();
        content->read_ns += t1 - t0;
        if (n < 0) {
            hk__picture_fail(picture, HK_FILE_UNREADABLE, "reading failed: %s", strerror(errno));
            return false;
        }
        if (*total == 0) { /* the first chunk tells what it is, and so whether the rest is kept */
            picture->format = hk__format_of(content->bytes, (size_t)n);
            content->kept =
                hk__format_is_decoded(picture->format, limits->allow) && size <= limits->max_bytes;
            if (content->kept && !make_room(content, size, (size_t)n)) {
                hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its %llu bytes",
                                 (unsigned long long)size);
                return false;
            }
        }
        if ((*total == 0 && hk__digester_start(digester, digests[content->kept], NULL)) ||
            hk__digester_add(digester, content->bytes + at, (size_t)n, NULL)) {
            hk__picture_fail(picture, HK_FILE_UNREADABLE, "its digests could not be computed");
            return false;
        }
        t0 = hk__clock_ns();
        content->digest_ns += t0 - t1;
        *total += (uint64_t)n;
        if ((size_t)n < want || *total > size || !(content->kept || digests[0]))
            return true;
        at = content->kept ? at + (size_t)n : 0;
    }
}

/* fstat as the system call of that name: glibc makes it of newfstatat, which also looks at paths
 * and is refused in the sandbox. */
int hk__content_facts(int fd, struct stat *facts)
{
#if defined(SYS_fstat) && (defined(__x86_64__) || defined(__aarch64__))
    return (int)syscall(SYS_fstat, fd, facts);
#else
    return fstat(fd, facts);
#endif
}

bool hk__content_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool hk__content_read(hk__content *content, hk__picture *picture, int fd, hk__digester *digester,
                      unsigned all, unsigned pictures, const hk__limits *limits)
{
    const unsigned digests[2] = {all, all | pictures}; /* by whether the file is kept */
    struct stat before, after;
    uint64_t total;
    content->kept = false;
    content->count = 0;
    content->size = 0;
    content->read_ns = content->digest_ns = 0;
    memset(&content->digests, 0, sizeof content->digests);
    /* A descriptor that another worker died with stands somewhere in the file. */
    if (lseek(fd, 0, SEEK_SET) || hk__content_facts(fd, &before)) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "cannot be read: %s", strerror(errno));
        return false;
    }
    if (!reserve(content, CHUNK)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory to read it");
        return false;
    }
    const uint64_t size = (uint64_t)before.st_size, chunk = size < CHUNK ? size : CHUNK;
    content->empty = size == 0;
    content->size = size;
    if (!read_all(content, &total, picture, fd, size, digester, digests, limits)) {
        content->kept = false;
        return false;
    }

    const bool whole = content->kept || digests[0];
    if (hk__content_facts(fd, &after) || !hk__content_is_same(&before, &after) ||
        total != (whole ? size : chunk)) {
        content->kept = false;
        hk__picture_fail(picture, HK_FILE_CHANGED, "it changed while it was read");
        return false;
    }
    if (whole && hk__digester_finish(&content->digests, digester, NULL)) {
        content->kept = false;
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "its digests could not be computed");
        return false;
    }
    if (hk__format_is_decoded(picture->format, limits->allow) && !content->kept) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%llu bytes, more than the limit of %llu (--max-bytes)",
                         (unsigned long long)size, (unsigned long long)limits->max_bytes);
        return false;
    }
    content->count = (size_t)total;
    return true;
}
