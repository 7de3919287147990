/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_spool.c - files of the spool folder, and where they go. */
#include "check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TWINS = 10000 };

bool check_spool_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           !memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) &&
           !memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim);
}

/* A folder beside the spool folder, on the same file system: a rename is all or nothing. */
static int open_beside(int *out, const struct stat *spool, const char *path, const char *option)
{
    struct stat facts;
    *out = -1;
    if (!path)
        return -1;
    *out = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0 || fstat(*out, &facts))
        return cli_usage("--%s %s: %s", option, path, strerror(errno));
    if (facts.st_dev != spool->st_dev)
        return cli_usage("--%s %s: it is on another file system than the folder that is watched",
                         option, path);
    if (facts.st_ino == spool->st_ino)
        return cli_usage("--%s %s: it is the folder that is watched", option, path);
    return -1;
}

int check_spool_open(check_spool *spool, const check_request *r)
{
    struct stat facts;
    *spool = (check_spool){-1, -1, -1, -1};
    spool->folder = open(r->watch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder < 0 || fstat(spool->folder, &facts))
        return cli_usage("--watch %s: %s", r->watch, strerror(errno));
    int code = open_beside(&spool->clean, &facts, r->clean_to, "clean-to");
    if (code < 0)
        code = open_beside(&spool->hit, &facts, r->hit_to, "hit-to");
    if (code < 0)
        code = open_beside(&spool->unsure, &facts, r->unsure_to, "unsure-to");
    return code;
}

void check_spool_close(check_spool *spool)
{
    const int fds[] = {spool->folder, spool->clean, spool->hit, spool->unsure};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* A lease to read is given only where nobody writes. Not on every file system, nor on files of
 * others: then nothing is known, and the file's times must tell. */
bool check_spool_written(const check_spool *spool, const char *name)
{
    const int fd =
        openat(spool->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    const bool leased = !fcntl(fd, F_SETLEASE, F_RDLCK);
    const bool written = !leased && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (leased)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    close(fd);
    return written;
}

bool check_spool_move(const check_spool *spool, const char *name, int target)
{
    char other[NAME_MAX + 1];
    const char *as = name;
    for (int i = 1; i <= MOST_TWINS; i++) {
        if (!renameat2(spool->folder, name, target, as, RENAME_NOREPLACE) || errno == ENOENT)
            return true;
        if (errno != EEXIST)
            break;
        snprintf(other, sizeof other, "%.*s.%d", NAME_MAX - 8, name, i);
        as = other;
    }
    cli_say("cannot move %s: %s", name, strerror(errno));
    return false;
}
