/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * checker.c - see checker.h. One lock guards what threads share; the pool is the driver's alone.
 */
#include "batch/checker.h"

#include "core/error.h"
#include "core/mem.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    AHEAD = 192,          /* files that wait for the pool: what it eats while the caller commits */
    RASTERS_AHEAD = 1024, /* views that wait to be looked up: 64 MB, where a file has 64 of them */
    LEARNED = 512,        /* what is more is decoded again */
    FULL_MS = 50,
    IDLE_MS = 5 /* the pool has room, and more may be submitted any moment */
};

typedef struct job {
    uint64_t tag, first_member;
    int fd;
} job;

typedef struct queue {
    hk__checked *first, **end;
    size_t count;
} queue;

struct hk__checker {
    hk__checker_options options;
    hk__pool *pool;
    size_t most;        /* files under way; results that wait */
    size_t busy;        /* the caller's: submitted, and not given out to the last */
    pthread_t *threads; /* the driver, then the judges */
    unsigned thread_count;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t to_drive, to_judge, to_give;
    job *jobs; /* [most], a ring */
    size_t job_first, job_count;
    queue decoded, checked;
    size_t rasters;        /* of those decoded and in judgement */
    uint64_t *judged_tags; /* [in_judgement], of a judge each */
    size_t in_judgement;
    uint8_t (*learned)[32]; /* [LEARNED] contents that the pool is to remember */
    size_t learned_count;
    bool stopping;
    hk_status status; /* the first error of any thread */
    hk_error error;
};

/* ---- queues -------------------------------------------------------------------------------- */

static void put(queue *q, hk__checked *checked)
{
    checked->next = NULL;
    *(q->first ? q->end : &q->first) = checked;
    q->end = &checked->next;
    q->count++;
}

static hk__checked *take(queue *q)
{
    hk__checked *checked = q->first;
    if (checked) {
        q->first = checked->next;
        checked->next = NULL;
        q->count--;
    }
    return checked;
}

static void free_all(queue *q)
{
    for (hk__checked *checked; (checked = take(q));)
        hk__checked_free(checked);
}

/* With the lock: keeps the first error, which ends everything. */
static void fail(hk__checker *k, hk_status status, const hk_error *error)
{
    if (status && !k->status) {
        k->status = status;
        k->error = *error;
    }
    if (k->status) {
        pthread_cond_broadcast(&k->to_judge);
        pthread_cond_broadcast(&k->to_give);
        pthread_cond_broadcast(&k->to_drive);
    }
}

/* ---- the driver ---------------------------------------------------------------------------- */

/* With the lock. */
static bool driver_rests(const hk__checker *k)
{
    return !k->job_count && !hk__pool_busy(k->pool);
}

/* Of what is to be looked up, the rasters that lie there until then. */
static size_t rasters_of(const hk__checker *k, const hk__checked *checked)
{
    return k->options.matcher && k->options.pool.raster ? checked->views.count : 0;
}

static bool is_crowded(const hk__checker *k)
{
    return k->decoded.count + k->in_judgement + k->checked.count >= k->most ||
           k->rasters >= RASTERS_AHEAD;
}

/* With the lock, which it lets go meanwhile: has the pool take what it has room for. */
static hk_status feed(hk__checker *k, hk_error *err)
{
    hk_status status = HK_OK;
    while (k->learned_count)
        hk__pool_seen_add(k->pool, k->learned[--k->learned_count]);
    while (!status && k->job_count && hk__pool_room(k->pool)) {
        const job next = k->jobs[k->job_first];
        k->job_first = (k->job_first + 1) % k->most;
        k->job_count--;
        pthread_mutex_unlock(&k->lock);
        status = hk__pool_submit(k->pool, next.tag, next.fd, next.first_member, err);
        if (status)
            close(next.fd);
        pthread_mutex_lock(&k->lock);
    }
    return status;
}

static void *drive(void *context)
{
    hk__checker *k = context;
    hk_error error = {HK_OK, ""};
    pthread_mutex_lock(&k->lock);
    while (!k->stopping && !k->status) {
        bool done = false;
        hk__pool_result result;
        hk__checked *checked = NULL;
        hk_status status = feed(k, &error);
        if (!status && (driver_rests(k) || is_crowded(k))) {
            pthread_cond_wait(&k->to_drive, &k->lock);
            continue;
        }
        pthread_mutex_unlock(&k->lock);
        if (!status)
            status = hk__pool_wait(&done, &result, k->pool,
                                   hk__pool_room(k->pool) ? IDLE_MS : FULL_MS, &error);
        if (!status && done)
            status = hk__checked_make(&checked, &result, &error);
        pthread_mutex_lock(&k->lock);
        if (checked) {
            k->rasters += rasters_of(k, checked);
            put(k->options.matcher ? &k->decoded : &k->checked, checked);
            pthread_cond_signal(k->options.matcher ? &k->to_judge : &k->to_give);
        }
        fail(k, status, &error);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* ---- the judges ---------------------------------------------------------------------------- */

static bool is_in_judgement(const hk__checker *k, uint64_t tag)
{
    for (size_t i = 0; i < k->in_judgement; i++)
        if (k->judged_tags[i] == tag)
            return true;
    return false;
}

static void end_judgement(hk__checker *k, uint64_t tag)
{
    size_t i = 0;
    while (k->judged_tags[i] != tag)
        i++;
    k->judged_tags[i] = k->judged_tags[--k->in_judgement];
}

/* The first that is decoded, but for what belongs to an archive of which another judge has a member
 * in hand: members come out in their order, and the archive after them. */
static hk__checked *take_decoded(hk__checker *k)
{
    hk__checked **place = &k->decoded.first, *checked;
    while (*place && is_in_judgement(k, (*place)->tag))
        place = &(*place)->next;
    checked = *place;
    if (!checked)
        return NULL;
    *place = checked->next;
    if (k->decoded.end == &checked->next)
        k->decoded.end = place;
    k->decoded.count--;
    k->judged_tags[k->in_judgement++] = checked->tag;
    return checked;
}

static void *judge_all(void *context)
{
    hk__checker *k = context;
    hk__judge_room room = {0};
    hk_error error = {HK_OK, ""};
    pthread_mutex_lock(&k->lock);
    while (!k->stopping && !k->status) {
        hk__checked *checked = take_decoded(k);
        if (!checked) {
            pthread_cond_wait(&k->to_judge, &k->lock);
            continue;
        }
        pthread_mutex_unlock(&k->lock);
        const hk_status status =
            checked->seen ? HK_OK : hk__checked_judge(checked, &room, k->options.matcher, &error);
        if (!k->options.keep_rasters)
            hk__checked_drop_rasters(checked);
        pthread_mutex_lock(&k->lock);
        end_judgement(k, checked->tag);
        if (k->rasters >= RASTERS_AHEAD)
            pthread_cond_signal(&k->to_drive);
        k->rasters -= rasters_of(k, checked);
        if (k->decoded.count)
            pthread_cond_signal(&k->to_judge); /* what had to wait for this one */
        if (status)
            hk__checked_free(checked);
        else
            put(&k->checked, checked);
        pthread_cond_signal(&k->to_give);
        fail(k, status, &error);
    }
    pthread_mutex_unlock(&k->lock);
    hk__judge_room_clear(&room);
    return NULL;
}

/* ---- the caller's side --------------------------------------------------------------------- */

/* Signals are for the program's own threads. */
static hk_status start_threads(hk__checker *k, unsigned count, hk_error *err)
{
    int code = 0;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; !code && k->thread_count < count; k->thread_count += !code)
        code = pthread_create(&k->threads[k->thread_count], NULL,
                              k->thread_count ? judge_all : drive, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? hk__fail(err, HK_ERR_SYSTEM, "cannot start a thread: %s", strerror(code)) : HK_OK;
}

static void init_locks(hk__checker *k)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->to_drive, NULL);
    pthread_cond_init(&k->to_judge, NULL);
    pthread_cond_init(&k->to_give, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Files are open while they are under way: half of what this process may have is for others, a
 * worker's socket not least. */
static size_t files_at_once(const hk__pool *pool)
{
    struct rlimit files;
    const size_t wanted = 2 * hk__pool_room(pool) + AHEAD;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 2 >= wanted)
        return wanted;
    return files.rlim_cur < 2 ? 1 : (size_t)files.rlim_cur / 2;
}

hk_status hk__checker_open(hk__checker **out, const hk__checker_options *options, hk_error *err)
{
    const unsigned threads = 1 + (options->matcher ? options->pool.workers : 0);
    hk__checker *k = hk__alloc(1, sizeof *k);
    if (!k)
        return hk__fail_memory(err);
    k->options = *options;
    init_locks(k);
    hk_status status = hk__pool_open(&k->pool, &options->pool, err);
    if (!status) {
        k->most = files_at_once(k->pool);
        k->jobs = hk__alloc(k->most, sizeof *k->jobs);
        k->threads = hk__alloc(threads, sizeof *k->threads);
        k->learned = hk__alloc(LEARNED, sizeof *k->learned);
        k->judged_tags = hk__alloc(threads, sizeof *k->judged_tags);
        status = k->jobs && k->threads && k->learned && k->judged_tags
                     ? start_threads(k, threads, err)
                     : hk__fail_memory(err);
    }
    if (status)
        hk__checker_free(k);
    else
        *out = k;
    return status;
}

void hk__checker_free(hk__checker *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_broadcast(&k->to_drive);
    pthread_cond_broadcast(&k->to_judge);
    pthread_mutex_unlock(&k->lock);
    for (unsigned i = 0; i < k->thread_count; i++)
        pthread_join(k->threads[i], NULL);
    for (; k->job_count; k->job_count--, k->job_first = (k->job_first + 1) % k->most)
        close(k->jobs[k->job_first].fd);
    free_all(&k->decoded);
    free_all(&k->checked);
    hk__pool_free(k->pool);
    pthread_cond_destroy(&k->to_drive);
    pthread_cond_destroy(&k->to_judge);
    pthread_cond_destroy(&k->to_give);
    pthread_mutex_destroy(&k->lock);
    hk__free(k->threads);
    hk__free(k->learned);
    hk__free(k->judged_tags);
    hk__free(k->jobs);
    hk__free(k);
}

size_t hk__checker_room(const hk__checker *k)
{
    return k->most - k->busy;
}

size_t hk__checker_busy(const hk__checker *k)
{
    return k->busy;
}

void hk__checker_submit(hk__checker *k, uint64_t tag, int fd, uint64_t first_member)
{
    k->busy++;
    pthread_mutex_lock(&k->lock);
    k->jobs[(k->job_first + k->job_count++) % k->most] = (job){tag, first_member, fd};
    pthread_cond_signal(&k->to_drive);
    pthread_mutex_unlock(&k->lock);
}

void hk__checker_remember(hk__checker *k, const hk__checked *checked)
{
    if (!k->options.pool.seen || !checked->file.hashed)
        return;
    pthread_mutex_lock(&k->lock);
    if (k->learned_count < LEARNED)
        memcpy(k->learned[k->learned_count++], checked->file.digests.sha256, 32);
    pthread_mutex_unlock(&k->lock);
}

static struct timespec after_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms % 1000 * 1000000L;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* What is checked is given out before an error is: it is as good as any. */
hk_status hk__checker_wait(hk__checked **out, hk__checker *k, int wait_ms, hk_error *err)
{
    const struct timespec end = after_ms(wait_ms > 0 ? wait_ms : 0);
    hk_status status = HK_OK;
    pthread_mutex_lock(&k->lock);
    while (!k->checked.count && !k->status && !pthread_cond_timedwait(&k->to_give, &k->lock, &end))
        continue;
    const bool was_crowded = is_crowded(k);
    hk__checked *checked = take(&k->checked);
    if (!checked && k->status)
        status = hk__fail(err, k->status, "%s", k->error.message);
    if (was_crowded && !is_crowded(k))
        pthread_cond_signal(&k->to_drive);
    pthread_mutex_unlock(&k->lock);
    if (status)
        return status;
    k->busy -= checked && checked->last;
    *out = checked;
    return HK_OK;
}
