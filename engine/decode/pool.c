/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.c - see pool.h. */
#include "decode/pool.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "decode/child.h"
#include "spectrum/spectrum.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEPTH = 4,                 /* one job in hand, three waiting: a short file leaves no gap */
    START_MS = 20000,          /* a worker must say hello by then */
    SLOW_START = 3,            /* how many failed starts a slow one counts for */
    RETIRE_CPU_SECONDS = 1800, /* half of what the sandbox allows */
    NS_PER_BYTE = 100,         /* on top of the time limit: a film of 20 GB is read, not decoded */
    LATE_MS = 1000             /* so late, it is the whole run that was stopped, not a decoder */
};
static const uint64_t ms = 1000000;

typedef struct job {
    uint64_t tag, id;
    int fd;
    uint64_t limit_ns;    /* time allowed, from its size */
    bool retried;         /* it was in hand when a worker died */
    bool digests_only;    /* its verdict is `blame`: the bytes are read, not decoded */
    hk_file_status blame; /* these two with digests_only */
    char words[HK__REASON_SIZE];
} job;

typedef struct worker {
    hk__child child;
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
    job *orphans; /* waiting for a worker; room for all jobs */
    size_t orphan_count, busy;
    unsigned bad_starts; /* since the last hello */
    unsigned turn;       /* the worker looked at first, so that none is left waiting */
    uint64_t next_id;
    uint64_t seen; /* when the last wait ended */
    hk__reply reply;
    hk_fingerprint fingerprint;
    hk_hash exact_hash[HK_ORIENTATIONS];
};

static hk_status start_worker(worker *w, hk__pool *pool, hk_error *err)
{
    hk_status status = hk__child_start(&w->child, pool->program, pool->options.memory, err);
    w->ready = false;
    w->count = 0;
    w->since = hk__clock_ns();
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
    for (unsigned i = 0; pool->workers && i < options->workers; i++)
        pool->workers[i].child.socket = -1;
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
        if (w->child.pid)
            hk__child_end(&w->child);
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

/* Sends the job to the worker and queues it there. False if it could not be sent: the worker is
 * dead, which the next wait finds, or the system is short of something just then. */
static bool give(hk__pool *pool, worker *w, const job *given)
{
    job queued = *given;
    queued.id = pool->next_id++;
    const hk__request request = {
        .version = HK__WIRE_VERSION,
        .digests = pool->options.digests,
        .picture_digests = pool->options.picture_digests,
        .id = queued.id,
        .limits = pool->options.limits,
        .timeout_s = (uint32_t)(queued.limit_ns / 1000000000 * 2 + 5),
        .repeats = queued.digests_only ? 0 : pool->options.repeats,
        .raster = pool->options.raster,
        .exact_grid = pool->options.exact_grid,
        .digests_only = queued.digests_only,
    };
    if (hk__send(w->child.socket, &request, sizeof request, queued.fd))
        return false;
    if (w->count == 0 && w->ready)
        w->since = hk__clock_ns();
    w->jobs[w->count++] = queued;
    return true;
}

static worker *least_busy(hk__pool *pool)
{
    worker *best = NULL;
    for (unsigned i = 0; i < pool->options.workers; i++) {
        worker *w = &pool->workers[i];
        if (w->child.pid && w->count < DEPTH && (!best || w->count < best->count))
            best = w;
    }
    return best;
}

static void give_orphans(hk__pool *pool)
{
    worker *w;
    while (pool->orphan_count && (w = least_busy(pool)) &&
           give(pool, w, &pool->orphans[pool->orphan_count - 1]))
        pool->orphan_count--;
}

hk_status hk__pool_submit(hk__pool *pool, uint64_t tag, int fd, hk_error *err)
{
    struct stat facts;
    if (!hk__pool_room(pool))
        return hk__fail(err, HK_ERR_USAGE, "the pool has no room for another job");
    const uint64_t size = fstat(fd, &facts) || facts.st_size < 0 ? 0 : (uint64_t)facts.st_size;
    const uint64_t most = UINT64_C(1) << 40; /* sparse files may say anything */
    pool->orphans[pool->orphan_count++] = (job){
        .tag = tag,
        .fd = fd,
        .limit_ns = pool->options.timeout_ms * ms + (size < most ? size : most) * NS_PER_BYTE,
    };
    pool->busy++;
    give_orphans(pool);
    return HK_OK;
}

/* ---- results ------------------------------------------------------------------------------- */

/* The hash of the exact grid, where there is one and its bits mean something: a symmetric picture
 * is sampled symmetrically there, and half of its bits hang on rounding though PDQ's do not. */
static hk_status add_exact(hk__pool_result *result, hk__pool *pool, hk_error *err)
{
    bool degenerate;
    if (!pool->reply.picture.has_exact)
        return HK_OK;
    hk_status status = hk__exact_hashes(pool->exact_hash, &degenerate, &hk__model_pdq,
                                        pool->reply.picture.exact_grid, err);
    if (!status && !degenerate)
        result->exact_hash = pool->exact_hash;
    return status;
}

/* The worker sends grids and no hash: hashes are made here, from checked numbers. What is left of
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
        if (!status)
            status = add_exact(result, pool, err);
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

/* Ends a worker and starts another; its jobs are given out again. One worker less is no reason to
 * stop: only when none is left does it fail. */
static hk_status replace(hk__pool *pool, worker *w, int *wait_status, hk_error *err)
{
    while (w->count)
        pool->orphans[pool->orphan_count++] = w->jobs[--w->count];
    *wait_status = hk__child_end(&w->child);
    hk_status status = start_worker(w, pool, err);
    for (unsigned i = 0; status && i < pool->options.workers; i++)
        if (pool->workers[i].child.pid)
            status = HK_OK;
    return status;
}

/* A worker that ended or was slow before it said hello: tried again a few times. */
static hk_status bad_start(hk__pool *pool, worker *w, bool slow, hk_error *err)
{
    int ended;
    pool->bad_starts += slow ? SLOW_START : 1;
    if (pool->bad_starts > SLOW_START + pool->options.workers)
        return hk__fail(err, HK_ERR_SYSTEM,
                        slow ? "the decode worker %s does not get ready"
                             : "the decode worker %s ends before it is ready: is it of this "
                               "version?",
                        pool->program);
    return replace(pool, w, &ended, err);
}

static void say_why(job *blamed, hk_file_status blame, const char *what, int ended)
{
    hk__picture words;
    if (blame == HK_FILE_TIMED_OUT)
        hk__picture_fail(&words, blame, "not done within %llu ms (--timeout)",
                         (unsigned long long)(blamed->limit_ns / ms));
    else if (what)
        hk__picture_fail(&words, blame, "%s", what);
    else if (WIFSIGNALED(ended))
        hk__picture_fail(&words, blame, "the decoder was killed twice (%s)",
                         strsignal(WTERMSIG(ended)));
    else
        hk__picture_fail(&words, blame, "the decoder gave up twice (exit %d)", WEXITSTATUS(ended));
    blamed->blame = blame;
    memcpy(blamed->words, words.reason, sizeof blamed->words);
}

/* A worker ended, was over time, or talked nonsense (`what` says so, or is NULL). */
static hk_status bury(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                      hk_file_status blame, const char *what, hk_error *err)
{
    if (!w->ready)
        return bad_start(pool, w, blame == HK_FILE_TIMED_OUT, err);
    const bool had_job = w->count > 0;
    job in_hand = {0};
    int ended;
    if (had_job)
        in_hand = take_first(w);
    hk_status status = replace(pool, w, &ended, err);
    if (!had_job)
        return status;
    if (status) { /* nobody is left to try it */
        pool->orphans[pool->orphan_count++] = in_hand;
        return status;
    }
    if (!what && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGXCPU)
        blame = HK_FILE_TIMED_OUT; /* of nonsense, `ended` may tell of the job after it */

    /* First in a fresh worker: if that dies too, it is this file's doing. And whatever it does to
     * decoders, its digests may be on a list: they are taken without decoding. */
    bool again = false;
    if (blame == HK_FILE_CRASHED && !in_hand.retried) {
        in_hand.retried = again = true;
    } else if (!in_hand.digests_only) {
        say_why(&in_hand, blame, what, ended);
        in_hand.digests_only = again = pool->options.digests != 0;
    }
    if (again) {
        if (!w->child.pid || !give(pool, w, &in_hand))
            pool->orphans[pool->orphan_count++] = in_hand;
        return HK_OK;
    }
    memset(&pool->reply, 0, offsetof(hk__reply, picture.grid));
    hk__picture_fail(&pool->reply.picture, in_hand.blame, "%s", in_hand.words);
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
    pool->bad_starts = 0;
    return HK_OK;
}

/* Whether the reply is one to this job, in range, and with what was asked for. */
static bool is_answer(hk__pool *pool, size_t size, const job *asked)
{
    hk__reply *reply = &pool->reply;
    if (!hk__reply_check(reply, size, asked->id))
        return false;
    const unsigned wanted = pool->options.digests | pool->options.picture_digests;
    return !reply->picture.has_pixels || pool->options.repeats ||
           ((reply->digests.present & wanted) == wanted &&
            reply->picture.has_exact == pool->options.exact_grid);
}

/* One message, or the end, of one worker. */
static hk_status listen_to(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                           hk_error *err)
{
    const long got = hk__receive(w->child.socket, &pool->reply, sizeof pool->reply, NULL);
    if (got <= 0)
        return bury(result, done, pool, w, HK_FILE_CRASHED,
                    got < 0 && errno == EMSGSIZE ? "the decoder broke the protocol twice" : NULL,
                    err);
    if (!w->ready)
        return take_hello(pool, w, got, err);
    if (!w->count || !is_answer(pool, (size_t)got, &w->jobs[0]))
        return bury(result, done, pool, w, HK_FILE_CRASHED, "the decoder broke the protocol twice",
                    err);

    job answered = take_first(w);
    hk__picture *picture = &pool->reply.picture;
    if (answered.digests_only) {
        picture->has_pixels = false;
        picture->flags = 0;
        hk__picture_fail(picture, answered.blame, "%s", answered.words);
    }
    /* After running out of memory, or long service, a fresh worker is worth its 35 ms. And what ran
     * out may have gone to earlier files: as with a crash, it must happen twice. */
    const bool starved = picture->status == HK_FILE_OUT_OF_MEMORY && !answered.digests_only;
    const bool worn = starved || pool->reply.cpu_seconds > RETIRE_CPU_SECONDS;
    hk_status status = HK_OK;
    int ended;
    const bool unread = pool->options.digests && !pool->reply.digests.present;
    if (starved && (!answered.retried || unread)) {
        if (answered.retried) { /* too large even to be kept: its digests can still be taken */
            answered.digests_only = true;
            answered.blame = HK_FILE_OUT_OF_MEMORY;
            memcpy(answered.words, picture->reason, sizeof answered.words);
        }
        answered.retried = true;
        status = replace(pool, w, &ended, err);
        if (status || !w->child.pid || !give(pool, w, &answered))
            pool->orphans[pool->orphan_count++] = answered;
        return status;
    }
    status = finish(result, done, pool, &answered, err);
    if (worn && !status)
        status = replace(pool, w, &ended, err);
    return status;
}

static int until(uint64_t moment, uint64_t now)
{
    return moment <= now ? 0 : (int)((moment - now + 999999) / 1000000);
}

static uint64_t deadline(const worker *w)
{
    return w->since + (w->ready ? w->jobs[0].limit_ns : START_MS * ms);
}

/* Puts every deadline off by the time in which this process was not running as it should: stopped
 * by a terminal, on a suspended machine, and the workers most likely with it. */
static void put_off(hk__pool *pool, uint64_t from, uint64_t to, uint64_t expected_ns)
{
    if (to - from <= expected_ns + LATE_MS * ms)
        return;
    for (unsigned i = 0; i < pool->options.workers; i++)
        if (pool->workers[i].since <= from)
            pool->workers[i].since += to - from - expected_ns;
}

/* Waits for messages until `moment`. */
static hk_status wait_until(int *ready, hk__pool *pool, uint64_t moment, hk_error *err)
{
    const uint64_t asked = hk__clock_ns();
    const int timeout = until(moment, asked);
    if (pool->seen)
        put_off(pool, pool->seen, asked, 0); /* between two waits */
    *ready = poll(pool->polls, pool->options.workers, timeout);
    if (*ready < 0 && errno != EINTR)
        return hk__fail(err, HK_ERR_SYSTEM, "poll: %s", strerror(errno));
    pool->seen = hk__clock_ns();
    put_off(pool, asked, pool->seen, (uint64_t)timeout * ms);
    return HK_OK;
}

hk_status hk__pool_wait(bool *done, hk__pool_result *result, hk__pool *pool, int wait_ms,
                        hk_error *err)
{
    const uint64_t end = hk__clock_ns() + (uint64_t)(wait_ms > 0 ? wait_ms : 0) * ms;
    *done = false;
    for (;;) {
        give_orphans(pool);
        uint64_t moment = end;
        for (unsigned i = 0; i < pool->options.workers; i++) {
            worker *w = &pool->workers[i];
            pool->polls[i] = (struct pollfd){.fd = w->child.socket, .events = POLLIN};
            if (w->child.pid && (w->count || !w->ready) && deadline(w) < moment)
                moment = deadline(w);
        }
        int ready;
        hk_status status = wait_until(&ready, pool, moment, err);
        const uint64_t now = hk__clock_ns();
        pool->turn++;
        for (unsigned n = 0; !status && n < pool->options.workers && !*done; n++) {
            const unsigned i = (pool->turn + n) % pool->options.workers;
            worker *w = &pool->workers[i];
            if (ready > 0 && pool->polls[i].revents)
                status = listen_to(result, done, pool, w, err);
            else if (w->child.pid && (w->count || !w->ready) && now >= deadline(w))
                status = bury(result, done, pool, w, HK_FILE_TIMED_OUT, NULL, err);
        }
        if (status || *done || now >= end)
            return status;
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
    }
    *out = pool->decoders;
    return HK_OK;
}
