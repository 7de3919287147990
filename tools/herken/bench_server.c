/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_server.c - see bench_server.h. */
#include "bench_server.h"
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_S = 600, STOP_S = 60, POLL_MS = 10 };

/* ---- programs ------------------------------------------------------------------------------ */

static void become(const char *const *arguments, pid_t parent)
{
    const int out = open("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int err = open("err", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* It is not to outlive us. */
    if (out < 0 || err < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
        _exit(CLI_SYSTEM);
    execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
    _exit(CLI_SYSTEM);
}

/* Starts this program anew, in the folder, with its words in the files out and err there. */
static pid_t start(const bench_server *s, const char *const *arguments)
{
    const pid_t parent = getpid(), pid = fork();
    if (!pid) {
        if (chdir(s->folder))
            _exit(CLI_SYSTEM);
        become(arguments, parent);
    }
    if (pid < 0)
        cli_say("cannot start %s: %s", arguments[1], strerror(errno));
    return pid;
}

/* The start of what a program said; owned. */
static char *read_words(const bench_server *s, const char *file)
{
    enum { MOST = 4096 };
    char path[sizeof s->folder + 16];
    snprintf(path, sizeof path, "%s/%s", s->folder, file);
    FILE *words = fopen(path, "re");
    char *text = calloc(1, MOST + 1);
    if (words && text)
        (void)!fread(text, 1, MOST, words);
    if (words)
        fclose(words);
    return text;
}

static void say_words(const bench_server *s, const char *what)
{
    char *words = read_words(s, "err");
    if (words)
        words[strcspn(words, "\n")] = '\0';
    cli_say("%s failed: %s", what, words ? words : "");
    free(words);
}

static bool run(const bench_server *s, const char *const *arguments)
{
    int status = -1;
    const pid_t pid = start(s, arguments);
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status)
        say_words(s, arguments[1]);
    return !status;
}

/* ---- a made-up list ------------------------------------------------------------------------ */

/* SplitMix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Random hashes of 128 one-bits, and random MD5s. */
static bool make_feed(const bench_server *s, uint64_t entries)
{
    char path[sizeof s->folder + 16];
    uint64_t seed = 1;
    snprintf(path, sizeof path, "%s/feed.csv", s->folder);
    FILE *feed = fopen(path, "wxe");
    if (feed)
        fputs("pdq,md5\n", feed);
    for (uint64_t i = 0; feed && i < entries && !ferror(feed); i++) {
        const uint64_t a = next(&seed), b = next(&seed), c = next(&seed), d = next(&seed);
        fprintf(feed,
                "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 ",%016" PRIx64 "%016" PRIx64
                "\n",
                a, b, ~b, ~a, c, d);
    }
    const bool bad = !feed || ferror(feed);
    if (!feed || fclose(feed) || bad) {
        cli_say("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static bool make_store(const bench_server *s, uint64_t entries)
{
    static const char *const create[] = {"herken", "list",    "create",  "made-up",
                                         "--db",   "made.db", "--quiet", NULL};
    static const char *const import[] = {"herken",   "list",    "import",  "made-up",
                                         "feed.csv", "--db",    "made.db", "--progress",
                                         "none",     "--quiet", NULL};
    static const char *const approve[] = {"herken",  "list",       "approve", "made-up", "--db",
                                          "made.db", "--progress", "none",    "--quiet", NULL};
    return make_feed(s, entries) && run(s, create) && run(s, import) && run(s, approve);
}

static bool make_key(bench_server *s)
{
    static const char *const create[] = {"herken", "key",     "create",  "bench",   "--rate",
                                         "0",      "--quota", "0",       "--near",  "0",
                                         "--json", "--db",    "made.db", "--quiet", NULL};
    if (!run(s, create))
        return false;
    char *words = read_words(s, "out");
    json_t *made = words ? json_loads(words, 0, NULL) : NULL;
    const char *key = json_string_value(json_object_get(made, "key"));
    s->key = key ? strdup(key) : NULL;
    json_decref(made);
    free(words);
    if (!s->key)
        cli_say("key create gave no key");
    return s->key != NULL;
}

/* ---- the server ---------------------------------------------------------------------------- */

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
}

/* Until it says where it listens. */
static bool wait_for_port(bench_server *s)
{
    for (long ms = 0; ms < START_S * 1000L; ms += POLL_MS) {
        char *words = read_words(s, "err");
        const char *place = words ? strstr(words, "listening on http://127.0.0.1:") : NULL;
        if (place && strchr(place, ','))
            s->port = (unsigned)strtoul(place + strlen("listening on http://127.0.0.1:"), NULL, 10);
        free(words);
        if (s->port)
            return true;
        if (waitpid(s->pid, NULL, WNOHANG)) {
            s->pid = 0;
            break;
        }
        pause_a_little();
    }
    say_words(s, "serve");
    return false;
}

static bool serve(bench_server *s)
{
    static const char *const serve[] = {"herken",         "serve",    "--db",
                                        "made.db",        "--listen", "127.0.0.1:0",
                                        "--max-distance", "31",       NULL};
    s->pid = start(s, serve);
    if (s->pid > 0)
        return wait_for_port(s);
    s->pid = 0;
    return false;
}

static void remove_folder(const char *folder)
{
    DIR *files = opendir(folder);
    for (struct dirent *f; files && (f = readdir(files));)
        if (strcmp(f->d_name, ".") && strcmp(f->d_name, ".."))
            unlinkat(dirfd(files), f->d_name, 0);
    if (files)
        closedir(files);
    rmdir(folder);
}

int bench_server_start(bench_server *out, uint64_t entries)
{
    const char *scratch = getenv("TMPDIR");
    bench_server s = {.pid = 0};
    const int length = snprintf(s.folder, sizeof s.folder, "%s/herken-bench-XXXXXX",
                                scratch && *scratch ? scratch : "/tmp");
    if (length < 0 || (size_t)length >= sizeof s.folder || !mkdtemp(s.folder)) {
        cli_say("no folder in %s: %s", scratch ? scratch : "/tmp", strerror(errno));
        return CLI_SYSTEM;
    }
    const bool good = make_store(&s, entries) && make_key(&s) && serve(&s);
    if (!good)
        bench_server_stop(&s);
    else
        *out = s;
    return good ? -1 : CLI_SYSTEM;
}

void bench_server_stop(bench_server *server)
{
    if (server->pid)
        kill(server->pid, SIGTERM);
    for (long ms = 0; server->pid && !waitpid(server->pid, NULL, WNOHANG); ms += POLL_MS) {
        if (ms == STOP_S * 1000L)
            kill(server->pid, SIGKILL);
        pause_a_little();
    }
    if (*server->folder)
        remove_folder(server->folder);
    free(server->key);
    *server = (bench_server){.pid = 0};
}
