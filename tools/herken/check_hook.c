/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_hook.c - --on-hit: a program that is run for each hit, without a shell. */
#include "check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { ENVIRONMENT = 8, POLL_MS = 5 };

static void fail(check_hooks *hooks, bool *failed)
{
    hooks->failures++;
    if (failed)
        *failed = true;
}

/* ---- ending -------------------------------------------------------------------------------- */

/* Whether the program has ended by now; one that takes too long is ended, with all it started. */
static bool reap(check_hooks *hooks, struct check_hook *hook)
{
    int status;
    pid_t got = waitpid(hook->pid, &status, WNOHANG);
    const bool late = check_clock() - hook->started > hooks->timeout_ms * UINT64_C(1000000);
    if (!got && late) {
        kill(-hook->pid, SIGKILL);
        got = waitpid(hook->pid, &status, 0);
        cli_say("--on-hit: it took longer than %u s and was ended", hooks->timeout_ms / 1000);
        fail(hooks, hook->failed);
    } else if (got > 0 && status) {
        if (WIFEXITED(status))
            cli_say("--on-hit: it failed with exit code %d", WEXITSTATUS(status));
        else
            cli_say("--on-hit: it was ended by signal %d", WTERMSIG(status));
        fail(hooks, hook->failed);
    } else if (got < 0) {
        cli_say("--on-hit: cannot wait for it: %s", strerror(errno));
        fail(hooks, hook->failed);
    }
    if (got)
        hook->pid = 0;
    return got != 0;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
}

void check_hooks_wait(check_hooks *hooks)
{
    for (size_t i = 0; i < CHECK_HOOKS_AT_ONCE; i++)
        while (hooks->running[i].pid && !reap(hooks, &hooks->running[i]))
            pause_a_little();
}

/* A place for one more, once there is one. */
static struct check_hook *free_place(check_hooks *hooks)
{
    for (;; pause_a_little())
        for (size_t i = 0; i < CHECK_HOOKS_AT_ONCE; i++)
            if (!hooks->running[i].pid || reap(hooks, &hooks->running[i]))
                return &hooks->running[i];
}

/* ---- starting ------------------------------------------------------------------------------ */

/* "NAME=value"; nothing where there is no value. False: no memory. */
static bool add(char **own, size_t *count, const char *name, const char *value)
{
    if (!value || !*value)
        return true;
    if (asprintf(&own[*count], "%s=%s", name, value) < 0)
        return false;
    (*count)++;
    return true;
}

static char *joined(const json_t *categories)
{
    size_t size = 1;
    for (size_t i = 0; i < json_array_size(categories); i++)
        size += strlen(json_string_value(json_array_get(categories, i))) + 1;
    char *text = calloc(1, size), *end = text;
    for (size_t i = 0; text && i < json_array_size(categories); i++)
        end += sprintf(end, "%s%s", i ? "," : "", json_string_value(json_array_get(categories, i)));
    return text;
}

/* The nearest known image of a local look-up; NULL: none. */
static const hk_match *first_known(const hk_file *file)
{
    for (size_t i = 0; file && i < file->match_count; i++)
        if (!file->matches[i].known_good)
            return &file->matches[i];
    return NULL;
}

/* What is said of the hit, before the environment that we have ourselves, without such names of
 * another's. Owned, its first *own strings too. */
static char **environment(size_t *own, const check_result *result)
{
    const hk_match *match = first_known(result->file);
    char *categories = joined(result->categories);
    size_t theirs = 0, kept;
    *own = 0;
    while (environ && environ[theirs])
        theirs++;
    char **all = calloc(theirs + ENVIRONMENT, sizeof *all);
    bool good = all && categories;
    good = good && add(all, own, "HERKEN_VERDICT", hk_verdict_name(result->verdict));
    good = good && add(all, own, "HERKEN_PATH", result->path);
    good = good && add(all, own, "HERKEN_MATCH_ID", result->match_id);
    good = good && add(all, own, "HERKEN_CATEGORIES", match ? match->category : categories);
    good = good && add(all, own, "HERKEN_LIST", match ? match->list : NULL);
    good = good && add(all, own, "HERKEN_ENTRY", match ? match->entry : NULL);
    kept = *own;
    for (size_t i = 0; good && i < theirs; i++)
        if (strncmp(environ[i], "HERKEN_", 7))
            all[kept++] = environ[i];
    free(categories);
    if (good)
        return all;
    for (size_t i = 0; all && i < *own; i++)
        free(all[i]);
    free(all);
    return NULL;
}

/* An errno, or 0. Its stdout is our stderr: ours is data. */
static int spawn(pid_t *pid, const char *program, char *const *argv, char *const *env)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGINT);
    int error = posix_spawn_file_actions_init(&files);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    error = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    if (!error)
        error = posix_spawnp(pid, program, &files, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

void check_hooks_run(check_hooks *hooks, const check_result *result, bool *failed)
{
    if (!hooks->program)
        return;
    size_t own = 0;
    char **env = environment(&own, result), *path = NULL;
    /* A file called "-rf" is not to be an option of the program. */
    if (env && asprintf(&path, "%s%s", *result->path == '-' ? "./" : "", result->path) < 0)
        path = NULL;
    char *const argv[] = {(char *)hooks->program, (char *)hk_verdict_name(result->verdict), path,
                          NULL};
    struct check_hook *hook = free_place(hooks);
    const int error = path ? spawn(&hook->pid, hooks->program, argv, env) : ENOMEM;
    if (error) {
        hook->pid = 0;
        cli_say("--on-hit: cannot run %s: %s", hooks->program, strerror(error));
        fail(hooks, failed);
    } else {
        hook->started = check_clock();
        hook->failed = failed;
    }
    for (size_t i = 0; env && i < own; i++)
        free(env[i]);
    free(env);
    free(path);
}
