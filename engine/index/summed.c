/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summed.c - see summed.h. */
#include "index/summed.h"

#include "core/digest.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX = 64, CHUNK = 1 << 20 };

static const char suffix[] = ".sha256";

static void to_hex(char out[HEX + 1], const uint8_t sha256[32])
{
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Where a stream's bytes go: into the file, and into the digest as they were handed over. */
typedef struct sink {
    hk__draft *to;
    hk__digester *digester;
    hk_status status;
    hk_error *err;
} sink;

static ssize_t sink_write(void *cookie, const char *bytes, size_t count)
{
    sink *into = cookie;
    if (!into->status)
        into->status = hk__draft_write(into->to, bytes, count, into->err);
    if (!into->status)
        into->status = hk__digester_add(into->digester, bytes, count, into->err);
    return into->status ? 0 : (ssize_t)count;
}

static hk_status pour(sink *into, hk_status (*fill)(const void *, FILE *, hk_error *),
                      const void *context)
{
    FILE *stream = fopencookie(into, "w", (cookie_io_functions_t){.write = sink_write});
    char *buffer = hk__alloc(CHUNK, 1);
    if (!stream || !buffer) {
        if (stream)
            fclose(stream);
        hk__free(buffer);
        return hk__fail_memory(into->err);
    }
    setvbuf(stream, buffer, _IOFBF, CHUNK);
    hk_error own;
    const hk_status filled = fill(context, stream, &own);
    const int closed = fclose(stream);
    hk__free(buffer);
    if (into->status) /* the cause, whatever the filler made of it */
        return into->status;
    if (filled)
        return hk__fail(into->err, filled, "%s", own.message);
    if (closed != 0)
        return hk__fail(into->err, HK_ERR_IO, "%s: cannot be written", into->to->path);
    return HK_OK;
}

/* "digest  name"; without the name where sha256sum would want it escaped. */
static hk_status write_sum(hk__draft *to, const char *path, const uint8_t sha256[32], hk_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char hex[HEX + 1];
    to_hex(hex, sha256);
    hk_status status = hk__draft_write(to, hex, HEX, err);
    if (!strpbrk(name, "\\\n\r")) {
        if (!status)
            status = hk__draft_write(to, "  ", 2, err);
        if (!status)
            status = hk__draft_write(to, name, strlen(name), err);
    }
    return status ? status : hk__draft_write(to, "\n", 1, err);
}

hk_status hk__summed_write(const char *path, const char *like,
                           hk_status (*fill)(const void *, FILE *, hk_error *), const void *context,
                           hk_error *err)
{
    hk__digester *digester = NULL;
    hk_digests digests;
    hk__draft file = {.fd = -1}, sum = {.fd = -1};
    hk_status status = hk__digester_new(&digester, err);
    if (!status)
        status = hk__digester_start(digester, HK_DIGEST_SHA256, err);
    if (!status)
        status = hk__draft_open(&file, path, "", like, err);
    if (!status)
        status = hk__draft_open(&sum, path, suffix, like, err);
    if (!status)
        status = pour(&(sink){&file, digester, HK_OK, err}, fill, context);
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    if (!status)
        status = write_sum(&sum, path, digests.sha256, err);
    if (!status)
        status = hk__draft_sync(&file, err);
    if (!status)
        status = hk__draft_sync(&sum, err);
    if (!status)
        status = hk__draft_place(&file, err);
    if (!status)
        status = hk__draft_place(&sum, err);
    hk__draft_free(&sum);
    hk__draft_free(&file);
    hk__digester_free(digester);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Opens a regular file; a pipe in its place does not hold us up. */
static hk_status open_regular(int *out, size_t *size, const char *path, hk_error *err)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        close(fd);
        return hk__fail(err, HK_ERR_IO, "%s: is no file", path);
    }
    *size = (size_t)about.st_size;
    *out = fd;
    return HK_OK;
}

/* Up to `size` bytes, fewer where the file ends before. */
static hk_status read_up_to(size_t *got, uint8_t *bytes, size_t size, int fd, const char *path,
                            hk_error *err)
{
    for (*got = 0; *got < size;) {
        const size_t left = size - *got;
        const ssize_t n = read(fd, bytes + *got, left < CHUNK ? left : CHUNK);
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

static hk_status read_sum(char out[HEX + 1], const char *path, hk_error *err)
{
    char text[HEX + 3] = {0}; /* a backslash, which sha256sum puts before an escaped name */
    size_t size, got = 0;
    int fd;
    hk_status status = open_regular(&fd, &size, path, err);
    if (status == HK_ERR_IO)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: cannot be opened: without it the index is not read; make the index "
                        "anew, or write the file with sha256sum if the index is yours",
                        path);
    if (status)
        return status;
    status = read_up_to(&got, (uint8_t *)text, HEX + 2, fd, path, err);
    close(fd);
    if (status)
        return status;
    const char *hex = text[0] == '\\' ? text + 1 : text;
    const char after = strspn(hex, "0123456789abcdefABCDEF") == HEX ? hex[HEX] : 'x';
    if (after != ' ' && after != '\n' && after != '\0')
        return hk__fail(err, HK_ERR_FORMAT, "%s: does not begin with a SHA-256", path);
    memcpy(out, hex, HEX);
    out[HEX] = '\0';
    return HK_OK;
}

static hk_status check(const uint8_t *bytes, size_t size, const char *expected, const char *path,
                       hk_error *err)
{
    hk__digester *digester = NULL;
    hk_digests digests;
    char hex[HEX + 1];
    hk_status status = hk__digester_new(&digester, err);
    if (!status)
        status = hk__digester_start(digester, HK_DIGEST_SHA256, err);
    if (!status)
        status = hk__digester_add(digester, bytes, size, err);
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    hk__digester_free(digester);
    if (status)
        return status;
    to_hex(hex, digests.sha256);
    if (strcasecmp(hex, expected) != 0)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is not what %s%s says: damaged, or half replaced; make it anew", path,
                        path, suffix);
    return HK_OK;
}

hk_status hk__summed_read(uint8_t **out, size_t *size, const char *path, hk_error *err)
{
    char expected[HEX + 1];
    char *sum = hk__path_with(path, suffix);
    uint8_t *bytes = NULL;
    size_t announced = 0, got = 0;
    int fd = -1;
    hk_status status = sum ? open_regular(&fd, &announced, path, err) : hk__fail_memory(err);
    if (!status)
        status = read_sum(expected, sum, err);
    if (!status) {
        bytes = hk__alloc(announced, 1);
        status = bytes ? read_up_to(&got, bytes, announced, fd, path, err) : hk__fail_memory(err);
    }
    if (!status)
        status = check(bytes, got, expected, path, err);
    if (fd >= 0)
        close(fd);
    hk__free(sum);
    if (status) {
        hk__free(bytes);
        return status;
    }
    *out = bytes;
    *size = got;
    return HK_OK;
}
