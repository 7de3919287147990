/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_programs.c - runs other programs, several at once, and takes what they print; see
 * recall.h.
 *
 * Each has a process group of its own, so that one that hangs is ended with all it started, and a
 * Ctrl-C reaches us first. A job is over when its process has ended, whoever still holds its pipe.
 */
#include "recall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_OUTPUT = 1 << 20 };

typedef struct slot {
    recall_job *job; /* NULL: free */
    pid_t pid;
    int pipe;       /* -1: at its end */
    double started; /* seconds */
    size_t size;
} slot;

extern char **environ;

/* Returns 0 or an errno. */
static int start(slot *s, recall_job *job)
{
    int ends[2], failed;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (pipe2(ends, O_CLOEXEC))
        return errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    *s = (slot){.job = job, .pipe = ends[0], .started = recall_seconds()};
    failed = posix_spawnp(&s->pid, job->argument[0], &actions, &attributes,
                          (char *const *)job->argument, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        s->job = NULL;
    }
    return failed;
}

/* Takes what there is to read; what is over the bound is thrown away. */
static void take_output(slot *s)
{
    char bytes[4096];
    ssize_t n;
    while (s->pipe >= 0 && (n = read(s->pipe, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        char *grown = s->size + (size_t)n < MOST_OUTPUT
                          ? realloc(s->job->output, s->size + (size_t)n + 1)
                          : NULL;
        if (!grown)
            continue;
        memcpy(grown + s->size, bytes, (size_t)n);
        s->size += (size_t)n;
        grown[s->size] = '\0';
        s->job->output = grown;
    }
    if (s->pipe >= 0)
        close(s->pipe);
    s->pipe = -1;
}

static void end(slot *s, int status, bool late)
{
    recall_job *job = s->job;
    take_output(s);
    if (s->pipe >= 0)
        close(s->pipe);
    job->ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (late)
        snprintf(job->why, sizeof job->why, "it took too long");
    else if (WIFSIGNALED(status))
        snprintf(job->why, sizeof job->why, "it ended by signal %d", WTERMSIG(status));
    else if (!job->ok)
        snprintf(job->why, sizeof job->why, "its exit code is %d", WEXITSTATUS(status));
    s->job = NULL;
}

/* Ends the slots whose processes have ended, or are late. */
static void look_after(slot *slots, unsigned count, unsigned timeout_ms)
{
    for (unsigned i = 0; i < count; i++) {
        slot *s = &slots[i];
        int status;
        if (!s->job)
            continue;
        take_output(s);
        const bool late = timeout_ms && (recall_seconds() - s->started) * 1000 > (double)timeout_ms;
        if (late)
            kill(-s->pid, SIGKILL);
        if (waitpid(s->pid, &status, late ? 0 : WNOHANG) == s->pid)
            end(s, status, late);
    }
}

static void wait_a_little(const slot *slots, unsigned count, struct pollfd *polled)
{
    nfds_t open = 0, running = 0;
    for (unsigned i = 0; i < count; i++) {
        running += slots[i].job != NULL;
        if (slots[i].job && slots[i].pipe >= 0)
            polled[open++] = (struct pollfd){.fd = slots[i].pipe, .events = POLLIN};
    }
    /* Between a pipe's end and the process's there is nothing to wait on. */
    poll(polled, open, open < running ? 1 : 50);
}

int recall_run_programs(recall_job *jobs, size_t count, unsigned parallel, unsigned timeout_ms)
{
    slot *slots = calloc(parallel, sizeof *slots);
    struct pollfd *polled = calloc(parallel, sizeof *polled);
    size_t next = 0, running = 0;
    if (!slots || !polled) {
        free(slots);
        free(polled);
        return recall_no_memory();
    }
    do {
        running = 0;
        for (unsigned i = 0; i < parallel; i++) {
            while (!slots[i].job && next < count && !recall_stopped()) {
                recall_job *job = &jobs[next++];
                const int failed = start(&slots[i], job);
                if (failed)
                    snprintf(job->why, sizeof job->why, "it cannot be started: %s",
                             strerror(failed));
            }
            if (slots[i].job && recall_stopped())
                kill(-slots[i].pid, SIGKILL);
            running += slots[i].job != NULL;
        }
        if (running)
            wait_a_little(slots, parallel, polled);
        look_after(slots, parallel, timeout_ms);
    } while (running);
    free(slots);
    free(polled);
    return recall_stopped() ? CLI_SYSTEM : -1;
}

void recall_clear_jobs(recall_job *jobs, size_t count)
{
    for (size_t i = 0; jobs && i < count; i++)
        free(jobs[i].output);
    free(jobs);
}
