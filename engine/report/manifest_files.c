/* SPDX-License-Identifier: GPL-3.0-or-later */
/* manifest_files.c - reading what a manifest speaks of (manifest.h). */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "report/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16 };

hk_status hk__file_open(int *fd, uint64_t *bytes, const char *path, hk_error *err)
{
    struct stat facts;
    const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (opened < 0)
        return hk__fail(err, HK_ERR_IO, "%s: %s", path,
                        errno == ENOENT ? "is missing" : strerror(errno));
    if (fstat(opened, &facts) || !S_ISREG(facts.st_mode)) {
        close(opened);
        return hk__fail(err, HK_ERR_IO, "%s: is no regular file", path);
    }
    *fd = opened;
    *bytes = (uint64_t)facts.st_size;
    return HK_OK;
}

/* Up to `count` bytes; less only at the end. */
static hk_status read_some(size_t *got, int fd, void *bytes, size_t count, const char *path,
                           hk_error *err)
{
    *got = 0;
    while (*got < count) {
        const ssize_t n = read(fd, (char *)bytes + *got, count - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return HK_OK;
}

hk_status hk__file_read(char **out, size_t *count, const char *path, size_t most, hk_error *err)
{
    int fd;
    uint64_t size;
    hk_status status = hk__file_open(&fd, &size, path, err);
    if (status)
        return status;
    char *bytes = NULL;
    size_t got = 0;
    if (size > most)
        status = hk__fail(err, HK_ERR_LIMIT, "%s: is larger than %zu bytes: not what it should be",
                          path, most);
    else if (!(bytes = hk__alloc((size_t)size + 1, 1)))
        status = hk__fail_memory(err);
    else
        status = read_some(&got, fd, bytes, (size_t)size, path, err);
    close(fd);
    if (status) {
        hk__free(bytes);
        return status;
    }
    *out = bytes;
    *count = got;
    return HK_OK;
}

hk_status hk__file_sum(uint8_t out[32], int fd, uint64_t bytes, const char *path, hk_error *err)
{
    hk__digester *digester;
    hk_digests digests;
    uint64_t done = 0;
    size_t got = CHUNK;
    hk_status status = hk__digester_new(&digester, err);
    if (status)
        return status;
    char *chunk = hk__alloc(CHUNK, 1);
    status = chunk ? hk__digester_start(digester, HK_DIGEST_SHA256, err) : hk__fail_memory(err);
    while (!status && got == CHUNK && !(status = read_some(&got, fd, chunk, CHUNK, path, err))) {
        status = hk__digester_add(digester, chunk, got, err);
        done += got;
        if (!status && done > bytes)
            break;
    }
    if (!status && done != bytes)
        status = hk__fail(err, HK_ERR_IO, "%s: is being written to", path);
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    if (!status)
        memcpy(out, digests.sha256, sizeof digests.sha256);
    hk__free(chunk);
    hk__digester_free(digester);
    return status;
}
