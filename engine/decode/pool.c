/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.c - see pool.h. */
#include "decode/pool.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "spectrum/spectrum.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEPTH = 4,                 /* one job in hand, three waiting: a short file leaves no gap */
    START_MS = 20000,          /* a worker must say hello by then */
    RETIRE_CPU_SECONDS = 1800, /* half of what the sandbox allows */
};

extern char **environ;

typedef struct job {
    uint64_t tag, id;
    int fd;
    bool retried; /* it was in hand when a worker died */
} job;

typedef struct worker {
    pid_t pid; /* 0: none */
    int socket;
    bool ready;      /* it has said hello */
    uint64_t since;  /* start of the job in hand, or of the worker before its hello */
    job jobs[DEPTH]; /* in order; the first is in hand */
    unsigned count;
} worker;

struct hk__pool {
    hk__pool_options options;
    char *program;
    char decoders[sizeof((hk__hello *)0)->decoders];
    worker *workers;
    struct pollfd *polls;
    job *orphans; /* of dead workers, to be given out again; room for all jobs */
    size_t orphan_count, busy;
    unsigned turn; /* the worker looked at first, so that none is left waiting */
    uint64_t next_id;
    hk__reply reply;
    hk_fingerprint fingerprint;
};

/* ---- starting and ending a worker ---------------------------------------------------------- */

static hk_status start_worker(worker *w, hk__pool *pool, hk_error *err)
{
    int pair[2] = {-1, -1}, code = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char memory[32];
    char *arguments[] = {pool->program, memory, NULL};
    char *empty[] = {NULL};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    char **environment = environ; /* the sanitizers' options */
    const int chatter = STDERR_FILENO;
#else
    char **environment = empty;
    const int chatter = -1;
#endif
    (void)empty;

    memset(w, 0, sizeof *w);
    w->socket = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return hk__fail(err, HK_ERR_SYSTEM, "no socket pair for a decode worker: %s",
                        strerror(errno));
    for (int i = 0; i < 2; i++) /* a caller without stdin, stdout or stderr: keep clear of 0..2 */
        if (pair[i] <= STDERR_FILENO) {
            int moved = fcntl(pair[i], F_DUPFD_CLOEXEC, HK__WORKER_SOCKET);
            if (moved >= 0) {
                close(pair[i]);
                pair[i] = moved;
            }
        }
    const int room = 1 << 19; /* four replies of 84 KB must fit, or a worker waits for us */
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);

    snprintf(memory, sizeof memory, "%llu", (unsigned long long)pool->options.memory);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    code |= posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    code |= posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (chatter < 0)
        code |= posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    code |= posix_spawn_file_actions_adddup2(&files, pair[1], HK__WORKER_SOCKET);
    code |= posix_spawn_file_actions_addclosefrom_np(&files, HK__WORKER_SOCKET + 1);
    if (!code)
        code = posix_spawn(&w->pid, pool->program, &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(pair[1]);
    if (code) {
        close(pair[0]);
        w->pid = 0;
        return hk__fail(err, HK_ERR_SYSTEM, "cannot start the decode worker %s: %s", pool->program,
                        strerror(code));
    }
    w->socket = pair[0];
    w->since = hk__clock_ns();
    return HK_OK;
}

/* Ends the process and returns its wait status. */
static int reap(worker *w)
{
    int status = 0;
    close(w->socket);
    kill(w->pid, SIGKILL); /* changes nothing where it is already ending of itself */
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    w->pid = 0;
    w->socket = -1;
    return status;
}

hk_status hk__pool_open(hk__pool **out, const hk__pool_options *options, hk_error *err)
{
    hk_status status = HK_OK;
    hk__pool *pool = hk__alloc(1, sizeof *pool);
    if (!pool)
        return hk__fail_memory(err);
    pool->options = *options;
    pool->next_id = 1;
    const char *program = options->program ? options->program : HK__WORKER_PROGRAM;
    pool->program = hk__strndup(program, strlen(program));
    pool->workers = hk__alloc(options->workers, sizeof *pool->workers);
    pool->polls = hk__alloc(options->workers, sizeof *pool->polls);
    pool->orphans = hk__alloc((size_t)options->workers * DEPTH, sizeof *pool->orphans);
    if (!pool->program || !pool->workers || !pool->polls || !pool->orphans)
        status = hk__fail_memory(err);
    for (unsigned i = 0; !status && i < options->workers; i++)
        status = start_worker(&pool->workers[i], pool, err);
    if (status)
        hk__pool_free(pool);
    else
        *out = pool;
    return status;
}

void hk__pool_free(hk__pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; pool->workers && i < pool->options.workers; i++) {
        worker *w = &pool->workers[i];
        for (unsigned j = 0; j < w->count; j++)
            close(w->jobs[j].fd);
        if (w->pid)
            reap(w);
    }
    for (size_t i = 0; i < pool->orphan_count; i++)
        close(pool->orphans[i].fd);
    hk__free(pool->orphans);
    hk__free(pool->polls);
    hk__free(pool->workers);
    hk__free(pool->program);
    hk__free(pool);
}

/* ---- giving out jobs ----------------------------------------------------------------------- */

size_t hk__pool_room(const hk__pool *pool)
{
    return (size_t)pool->options.workers * DEPTH - pool->busy;
}

size_t hk__pool_busy(const hk__pool *pool)
{
    return pool->busy;
}

/* Puts the job into the worker's queue and sends it. A send that fails means a dead worker, which
 * the next wait finds and deals with. */
static void give(hk__pool *pool, worker *w, job given)
{
    given.id = pool->next_id++;
    const hk__request request = {
        .version = HK__WIRE_VERSION,
        .digests = pool->options.digests,
        .id = given.id,
        .limits = pool->options.limits,
        .timeout_s = pool->options.timeout_ms / 1000 * 2 + 5,
        .repeats = pool->options.repeats,
        .raster = pool->options.raster,
    };
    if (w->count == 0 && w->ready)
        w->since = hk__clock_ns();
    w->jobs[w->count++] = given;
    (void)hk__send(w->socket, &request, sizeof request, given.fd);
}

static worker *least_busy(hk__pool *pool)
{
    worker *best = NULL;
    for (unsigned i = 0; i < pool->options.workers; i++) {
        worker *w = &pool->workers[i];
        if (w->pid && w->count < DEPTH && (!best || w->count < best->count))
            best = w;
    }
    return best;
}

static void give_orphans(hk__pool *pool)
{
    worker *w;
    while (pool->orphan_count && (w = least_busy(pool)))
        give(pool, w, pool->orphans[--pool->orphan_count]);
}

hk_status hk__pool_submit(hk__pool *pool, uint64_t tag, int fd, hk_error *err)
{
    if (!hk__pool_room(pool))
        return hk__fail(err, HK_ERR_USAGE, "the pool has no room for another job");
    pool->orphans[pool->orphan_count++] = (job){.tag = tag, .fd = fd};
    pool->busy++;
    give_orphans(pool);
    return HK_OK;
}

/* ---- results ------------------------------------------------------------------------------- */

/* The worker sends a grid and no hash: the hash is made here, from checked numbers. What is left of
 * a damaged file may be nothing but the decoder's filling: then there is no hash. */
static hk_status finish(hk__pool_result *result, bool *done, hk__pool *pool, const job *finished,
                        hk_error *err)
{
    hk__picture *picture = &pool->reply.picture;
    close(finished->fd);
    pool->busy--;
    *result = (hk__pool_result){.tag = finished->tag, .reply = &pool->reply};
    *done = true;
    if (!picture->has_pixels)
        return HK_OK;
    hk_status status = hk__fingerprint(&pool->fingerprint, &hk__model_pdq, picture->grid, err);
    if (picture->status == HK_FILE_TRUNCATED && pool->fingerprint.flags & HK_FLAG_DEGENERATE) {
        picture->has_pixels = false;
        picture->flags &= ~HK_FLAG_TRUNCATED;
        hk__picture_fail(picture, HK_FILE_UNREADABLE,
                         "what could be decoded shows nothing to hash");
    } else {
        result->fingerprint = &pool->fingerprint;
    }
    return status;
}

static job take_first(worker *w)
{
    job first = w->jobs[0];
    w->count--;
    memmove(w->jobs, w->jobs + 1, w->count * sizeof *w->jobs);
    w->since = hk__clock_ns();
    return first;
}

/* Ends a worker and starts another. Jobs that only waited are given out again. */
static hk_status replace(hk__pool *pool, worker *w, int *wait_status, hk_error *err)
{
    while (w->count)
        pool->orphans[pool->orphan_count++] = w->jobs[--w->count];
    *wait_status = reap(w);
    return start_worker(w, pool, err);
}

/* A worker ended, was over time, or talked nonsense: `what` says it for the file's reason. */
static hk_status bury(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                      hk_file_status blame, const char *what, hk_error *err)
{
    if (!w->ready)
        return hk__fail(err, HK_ERR_SYSTEM,
                        "the decode worker %s ended before it was ready: is it of this version?",
                        pool->program);
    const bool had_job = w->count > 0;
    job in_hand = {0};
    int ended;
    if (had_job)
        in_hand = take_first(w);
    hk_status status = replace(pool, w, &ended, err);
    if (status || !had_job) {
        if (had_job)
            pool->orphans[pool->orphan_count++] = in_hand;
        return status;
    }
    if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGXCPU)
        blame = HK_FILE_TIMED_OUT;
    if (blame == HK_FILE_CRASHED && !in_hand.retried) {
        in_hand.retried = true; /* alone and first in the new worker: the next crash is its own */
        give(pool, w, in_hand);
        return HK_OK;
    }

    memset(&pool->reply, 0, offsetof(hk__reply, picture.grid));
    if (blame == HK_FILE_TIMED_OUT)
        hk__picture_fail(&pool->reply.picture, blame, "not decoded within %u ms (--timeout)",
                         pool->options.timeout_ms);
    else if (what)
        hk__picture_fail(&pool->reply.picture, blame, "%s", what);
    else if (WIFSIGNALED(ended))
        hk__picture_fail(&pool->reply.picture, blame, "the decoder was killed twice (%s)",
                         strsignal(WTERMSIG(ended)));
    else
        hk__picture_fail(&pool->reply.picture, blame, "the decoder gave up twice (exit %d)",
                         WEXITSTATUS(ended));
    return finish(result, done, pool, &in_hand, err);
}

static hk_status take_hello(hk__pool *pool, worker *w, long got, hk_error *err)
{
    const hk__hello *hello = (const hk__hello *)&pool->reply;
    if (got != sizeof *hello || hello->version != HK__WIRE_VERSION) {
        if (got == sizeof *hello && hello->version == 0)
            return hk__fail(err, HK_ERR_SYSTEM, "the decode worker cannot work: %.400s",
                            hello->decoders);
        return hk__fail(err, HK_ERR_SYSTEM, "%s is no decode worker of this version",
                        pool->program);
    }
    memcpy(pool->decoders, hello->decoders, sizeof pool->decoders);
    pool->decoders[sizeof pool->decoders - 1] = '\0';
    w->ready = true;
    w->since = hk__clock_ns();
    return HK_OK;
}

/* One message, or the end, of one worker. */
static hk_status listen_to(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                           hk_error *err)
{
    const long got = hk__receive(w->socket, &pool->reply, sizeof pool->reply, NULL);
    if (got <= 0)
        return bury(result, done, pool, w, HK_FILE_CRASHED,
                    got < 0 && errno == EMSGSIZE ? "the decoder broke the protocol twice" : NULL,
                    err);
    if (!w->ready)
        return take_hello(pool, w, got, err);
    if (!w->count || !hk__reply_check(&pool->reply, (size_t)got, w->jobs[0].id))
        return bury(result, done, pool, w, HK_FILE_CRASHED, "the decoder broke the protocol twice",
                    err);

    const job answered = take_first(w);
    hk_status status = HK_OK;
    int ended;
    /* After running out of memory, or long service, a fresh worker is worth its 35 ms. */
    if (pool->reply.picture.status == HK_FILE_OUT_OF_MEMORY ||
        pool->reply.cpu_seconds > RETIRE_CPU_SECONDS)
        status = replace(pool, w, &ended, err);
    return status ? status : finish(result, done, pool, &answered, err);
}

static int until(uint64_t moment, uint64_t now)
{
    return moment <= now ? 0 : (int)((moment - now + 999999) / 1000000);
}

hk_status hk__pool_wait(bool *done, hk__pool_result *result, hk__pool *pool, int wait_ms,
                        hk_error *err)
{
    const uint64_t ms = 1000000;
    const uint64_t end = hk__clock_ns() + (uint64_t)(wait_ms > 0 ? wait_ms : 0) * ms;
    *done = false;
    for (;;) {
        give_orphans(pool);
        uint64_t now = hk__clock_ns(), moment = end;
        for (unsigned i = 0; i < pool->options.workers; i++) {
            worker *w = &pool->workers[i];
            pool->polls[i] = (struct pollfd){.fd = w->socket, .events = POLLIN};
            if (w->ready && !w->count)
                continue;
            const uint64_t limit =
                w->since + (w->ready ? pool->options.timeout_ms : (uint64_t)START_MS) * ms;
            moment = limit < moment ? limit : moment;
        }

        const int ready = poll(pool->polls, pool->options.workers, until(moment, now));
        if (ready < 0 && errno != EINTR)
            return hk__fail(err, HK_ERR_SYSTEM, "poll: %s", strerror(errno));
        now = hk__clock_ns();
        pool->turn++;
        for (unsigned n = 0; n < pool->options.workers && !*done; n++) {
            const unsigned i = (pool->turn + n) % pool->options.workers;
            worker *w = &pool->workers[i];
            hk_status status = HK_OK;
            if (ready > 0 && pool->polls[i].revents)
                status = listen_to(result, done, pool, w, err);
            else if (w->count &&
                     now >= w->since + (w->ready ? pool->options.timeout_ms : START_MS) * ms)
                status = bury(result, done, pool, w, HK_FILE_TIMED_OUT, NULL, err);
            if (status)
                return status;
        }
        if (*done || now >= end)
            return HK_OK;
    }
}

hk_status hk__pool_decoders(const char **out, hk__pool *pool, hk_error *err)
{
    while (!pool->decoders[0]) {
        bool done;
        hk__pool_result result;
        hk_status status = hk__pool_wait(&done, &result, pool, 10, err);
        if (status)
            return status;
        if (!pool->decoders[0] &&
            hk__clock_ns() - pool->workers[0].since > (uint64_t)START_MS * 1000000)
            return hk__fail(err, HK_ERR_SYSTEM, "the decode worker %s does not answer",
                            pool->program);
    }
    *out = pool->decoders;
    return HK_OK;
}
