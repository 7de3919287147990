/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * child.c - see child.h. posix_spawn and not fork: the caller may have any number of threads.
 */
#include "decode/child.h"

#include "core/error.h"
#include "decode/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only the sanitizers' options are passed on, and their reports come through; otherwise a worker
 * has no environment and nothing to say. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern char **environ;
#define WORKER_ENVIRONMENT environ
#define WORKER_TALKS 1
#else
static char *no_environment[] = {NULL};
#define WORKER_ENVIRONMENT no_environment
#define WORKER_TALKS 0
#endif

static int make_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    const int room = 1 << 19; /* four replies of 84 KB must fit, or a worker waits for us */
    for (int i = 0; i < 2; i++) {
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        /* A caller without stdin, stdout or stderr: keep clear of 0..2. */
        const int moved =
            pair[i] <= STDERR_FILENO ? fcntl(pair[i], F_DUPFD_CLOEXEC, HK__WORKER_SOCKET) : -1;
        if (moved >= 0) {
            close(pair[i]);
            pair[i] = moved;
        }
    }
    return 0;
}

static int spawn(pid_t *pid, const char *program, uint64_t memory, int socket, int seen)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char bytes[32], number[] = {'0' + HK__WORKER_SEEN, '\0'};
    char *arguments[] = {(char *)program, bytes, seen >= 0 ? number : NULL, NULL};
    int code = 0;
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)memory);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    /* A group of its own: what a terminal sends to ours must not kill workers under us. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    code |= posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    code |= posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!WORKER_TALKS)
        code |= posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    code |= posix_spawn_file_actions_adddup2(&files, socket, HK__WORKER_SOCKET);
    if (seen >= 0) /* it lies beyond both numbers (seen.c), so the socket did not go over it */
        code |= posix_spawn_file_actions_adddup2(&files, seen, HK__WORKER_SEEN);
    code |= posix_spawn_file_actions_addclosefrom_np(&files, HK__WORKER_SOCKET + 1 + (seen >= 0));
    if (!code)
        code = posix_spawn(pid, program, &files, &attributes, arguments, WORKER_ENVIRONMENT);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code;
}

hk_status hk__child_start(hk__child *out, const char *program, uint64_t memory, int seen,
                          hk_error *err)
{
    int pair[2];
    hk__child child = {0, -1};
    if (make_pair(pair))
        return hk__fail(err, HK_ERR_SYSTEM, "no socket pair for a decode worker: %s",
                        strerror(errno));
    const int code = spawn(&child.pid, program, memory, pair[1], seen);
    close(pair[1]);
    if (code) {
        close(pair[0]);
        return hk__fail(err, HK_ERR_SYSTEM, "cannot start the decode worker %s: %s", program,
                        strerror(code));
    }
    child.socket = pair[0];
    *out = child;
    return HK_OK;
}

int hk__child_end(hk__child *child)
{
    int status = 0;
    close(child->socket);
    kill(child->pid, SIGKILL); /* changes nothing where it is already ending of itself */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *child = (hk__child){0, -1};
    return status;
}
