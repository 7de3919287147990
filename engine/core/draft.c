/* SPDX-License-Identifier: GPL-3.0-or-later */
/* draft.c - see draft.h. */
#include "core/draft.h"

#include "core/error.h"
#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_AFTER_S = 60 };

char *hk__path_with(const char *path, const char *suffix)
{
    const size_t length = strlen(path), more = strlen(suffix);
    char *text = hk__alloc(length + more + 1, 1);
    if (text) {
        memcpy(text, path, length);
        memcpy(text + length, suffix, more);
    }
    return text;
}

char *hk__real_path(const char *path)
{
    char *whole = realpath(path, NULL);
    char *copy = hk__strndup(whole ? whole : path, strlen(whole ? whole : path));
    free(whole);
    return copy;
}

hk_status hk__draft_open(hk__draft *out, const char *path, const char *suffix, const char *like,
                         hk_error *err)
{
    static atomic_uint made;
    char unique[48];
    *out = (hk__draft){.fd = -1};
    out->place = hk__path_with(path, suffix);
    if (!out->place)
        return hk__fail_memory(err);
    struct stat before;
    const bool is_given = stat(out->place, &before) == 0 || stat(like ? like : path, &before) == 0;
    const mode_t mode = is_given ? before.st_mode & 0777 : 0666;
    do { /* a stopped process of the same number may have left its own */
        hk__free(out->path);
        snprintf(unique, sizeof unique, ".%ld-%u.part", (long)getpid(), atomic_fetch_add(&made, 1));
        out->path = hk__path_with(out->place, unique);
        if (!out->path)
            return hk__fail_memory(err);
        out->fd = open(out->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (out->fd < 0 && errno == EEXIST);
    if (out->fd < 0)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", out->path, strerror(errno));
    (void)flock(out->fd, LOCK_EX | LOCK_NB); /* tells hk__draft_sweep that it is wanted */
    struct stat now;
    if (is_given && fstat(out->fd, &now) == 0 && (now.st_mode ^ mode) & 0777 &&
        fchmod(out->fd, mode) != 0)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be given its mode: %s", out->path,
                        strerror(errno));
    return HK_OK;
}

static hk_status write_failed(const hk__draft *draft, hk_error *err)
{
    return hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", draft->path, strerror(errno));
}

hk_status hk__draft_write(hk__draft *draft, const void *bytes, size_t count, hk_error *err)
{
    const char *next = bytes;
    while (count > 0) {
        const ssize_t n = write(draft->fd, next, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return write_failed(draft, err);
        next += n;
        count -= (size_t)n;
    }
    return HK_OK;
}

hk_status hk__draft_overwrite(hk__draft *draft, const void *bytes, size_t count, uint64_t offset,
                              hk_error *err)
{
    const char *next = bytes;
    while (count > 0) {
        const ssize_t n = pwrite(draft->fd, next, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return write_failed(draft, err);
        next += n;
        offset += (uint64_t)n;
        count -= (size_t)n;
    }
    return HK_OK;
}

hk_status hk__draft_sync(hk__draft *draft, hk_error *err)
{
    return fsync(draft->fd) ? write_failed(draft, err) : HK_OK;
}

/* The folder a file lies in, to be synced. */
static hk_status open_folder(int *fd, const char *path, hk_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = hk__strndup(slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    if (!folder)
        return hk__fail_memory(err);
    hk_status status = HK_OK;
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    hk__free(folder);
    return status;
}

/* Some folders have no such thing as syncing: no error. */
static hk_status sync_folder(int fd, const char *path, hk_error *err)
{
    return fsync(fd) && errno != EINVAL
               ? hk__fail(err, HK_ERR_IO, "%s: its folder cannot be synced: %s", path,
                          strerror(errno))
               : HK_OK;
}

hk_status hk__folder_sync(const char *path, hk_error *err)
{
    int folder = -1;
    hk_status status = open_folder(&folder, path, err);
    if (status)
        return status;
    status = sync_folder(folder, path, err);
    close(folder);
    return status;
}

hk_status hk__draft_place(hk__draft *draft, hk_error *err)
{
    int folder = -1;
    hk_status status = open_folder(&folder, draft->place, err); /* once it is placed, it is late */
    if (status)
        return status;
    if (rename(draft->path, draft->place) != 0) {
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be put in its place: %s", draft->place,
                          strerror(errno));
    } else {
        draft->placed = true;
        status = sync_folder(folder, draft->place, err);
    }
    close(folder);
    return status;
}

void hk__draft_free(hk__draft *draft)
{
    if (draft->fd >= 0) {
        close(draft->fd);
        if (!draft->placed)
            unlink(draft->path);
    }
    hk__free(draft->path);
    hk__free(draft->place);
    *draft = (hk__draft){.fd = -1};
}

/* Past the digits at text; NULL if there are none. */
static const char *skip_digits(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits ? text + digits : NULL;
}

/* Past what Herken puts behind the name of a snapshot. */
static const char *skip_suffix(const char *text)
{
    const size_t delta = strlen(".delta"), faiss = strlen(".faiss"), sum = strlen(".sha256");
    if (!strncmp(text, ".delta", delta))
        return text + delta;
    if (*text == '.' && strspn(text + 1, "0123456789abcdef") == 16 &&
        !strncmp(text + 17, ".faiss", faiss))
        text += 17 + faiss;
    return strncmp(text, ".sha256", sum) ? text : text + sum;
}

/* Whether hk__draft_open gave a file this name for `name` or what lies beside it. */
static bool is_draft_of(const char *file, const char *name)
{
    const size_t own = strlen(name);
    if (strncmp(file, name, own) != 0)
        return false;
    const char *text = skip_suffix(file + own);
    text = *text == '.' ? skip_digits(text + 1) : NULL;
    text = text && *text == '-' ? skip_digits(text + 1) : NULL;
    return text && !strcmp(text, ".part");
}

static void sweep_one(int folder, const char *name)
{
    struct stat about;
    const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
        about.st_mtime + SWEEP_AFTER_S < time(NULL) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(folder, name, 0);
    close(fd);
}

void hk__draft_sweep(const char *path)
{
    int fd = -1;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (open_folder(&fd, path, NULL))
        return;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return;
    }
    for (const struct dirent *file; (file = readdir(folder));)
        if (is_draft_of(file->d_name, name))
            sweep_one(dirfd(folder), file->d_name);
    closedir(folder);
}
