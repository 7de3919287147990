/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool.c - see pool.h. */
#include "decode/pool.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "decode/child.h"
#include "decode/job.h"
#include "decode/seen.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
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
    LATE_MS = 1000,            /* so late, it is the whole run that was stopped, not a decoder */
    LONG_MS = 1000 /* so long in an archive, others take the files that wait behind it */
};
static const uint64_t ms = 1000000;

typedef struct worker {
    hk__child child;
    bool ready;      /* it has said hello */
    uint64_t since;  /* start of the job in hand, of what it said last of it, or of the worker */
    uint64_t began;  /* start of the job in hand */
    bool stale;      /* it was sent files that were taken back: to be replaced */
    hk__place place; /* in the job in hand */
    hk__views views; /* that came of the file or member in hand */
    hk__job jobs[DEPTH]; /* in order; the first is in hand */
    unsigned count;
} worker;

struct hk__pool {
    hk__pool_options options;
    char *program;
    char decoders[sizeof((hk__hello *)0)->decoders];
    worker *workers;
    struct pollfd *polls;
    hk__job *orphans; /* waiting for a worker; room for all jobs */
    size_t orphan_count, busy;
    unsigned bad_starts; /* since the last hello */
    unsigned turn;       /* the worker looked at first, so that none is left waiting */
    uint64_t next_id, next_order;
    uint64_t seen;      /* when the last wait ended */
    hk__seen *contents; /* seen before; NULL: not remembered */
    hk__reply reply;
    hk__views views; /* in the result */
    hk__place place; /* of the member in it */
};

static hk_status start_worker(worker *w, hk__pool *pool, hk_error *err)
{
    const int contents = pool->contents ? hk__seen_descriptor(pool->contents) : -1;
    hk_status status =
        hk__child_start(&w->child, pool->program, pool->options.memory, contents, err);
    w->ready = w->stale = false;
    w->count = 0;
    w->since = hk__clock_ns();
    return status;
}

static hk_status check_options(const hk__pool_options *options, hk_error *err)
{
    const hk__limits *limits = &options->limits;
    if (!options->archives)
        return HK_OK;
    if (options->repeats)
        return hk__fail(err, HK_ERR_USAGE, "archives are not timed");
    if (limits->max_depth < 1 || limits->max_depth > HK__DEPTH_MAX)
        return hk__fail(err, HK_ERR_USAGE, "archives are opened 1 to %d deep, not %u",
                        HK__DEPTH_MAX, limits->max_depth);
    if (limits->max_members < 1 || limits->max_ratio < 1)
        return hk__fail(err, HK_ERR_USAGE, "the limits on archives' members and ratio are >= 1");
    return HK_OK;
}

hk_status hk__pool_open(hk__pool **out, const hk__pool_options *options, hk_error *err)
{
    hk_status status = check_options(options, err);
    if (status)
        return status;
    hk__pool *pool = hk__alloc(1, sizeof *pool);
    if (!pool)
        return hk__fail_memory(err);
    pool->options = *options;
    if (options->seen)
        pool->options.picture_digests |= HK_DIGEST_SHA256;
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
    if (!status && options->seen)
        status = hk__seen_new(&pool->contents, options->seen, err);
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
        hk__views_clear(&w->views);
        if (w->child.pid)
            hk__child_end(&w->child);
    }
    for (size_t i = 0; i < pool->orphan_count; i++)
        close(pool->orphans[i].fd);
    hk__seen_free(pool->contents);
    hk__views_clear(&pool->views);
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

/* The worker's first job is in hand from now on, or will be when it is ready. */
static void begin_first(worker *w)
{
    memset(&w->place, 0, offsetof(hk__place, name));
    w->place.name[0] = '\0';
    hk__views_clear(&w->views);
    w->began = hk__clock_ns();
    if (w->ready)
        w->since = w->began;
}

/* Sends the job to the worker and queues it there. False if it could not be sent: the worker is
 * dead, which the next wait finds, or the system is short of something just then. */
static bool give(hk__pool *pool, worker *w, const hk__job *given)
{
    hk__job queued = *given;
    queued.id = pool->next_id++;
    hk__request request = {
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
        .archives = pool->options.archives,
        .spared_count = queued.spared_count,
        .first_member = queued.first,
    };
    memcpy(request.spared, queued.spared, sizeof request.spared);
    if (hk__send(w->child.socket, &request, sizeof request, queued.fd))
        return false;
    if (w->count == 0)
        begin_first(w);
    w->jobs[w->count++] = queued;
    return true;
}

/* None that is in an archive, behind which a file may wait for hours. */
static worker *least_busy(hk__pool *pool)
{
    worker *best = NULL;
    for (unsigned i = 0; i < pool->options.workers; i++) {
        worker *w = &pool->workers[i];
        if (w->child.pid && w->count < DEPTH && !(w->count && w->jobs[0].archive) &&
            (!best || w->count < best->count))
            best = w;
    }
    return best;
}

static size_t oldest_orphan(const hk__pool *pool)
{
    size_t oldest = 0;
    for (size_t i = 1; i < pool->orphan_count; i++)
        if (pool->orphans[i].order < pool->orphans[oldest].order)
            oldest = i;
    return oldest;
}

static void give_orphans(hk__pool *pool)
{
    worker *w;
    while (pool->orphan_count && (w = least_busy(pool))) {
        const size_t oldest = oldest_orphan(pool);
        if (!give(pool, w, &pool->orphans[oldest]))
            break;
        pool->orphans[oldest] = pool->orphans[--pool->orphan_count];
    }
}

void hk__pool_seen_add(hk__pool *pool, const uint8_t sha256[32])
{
    if (pool->contents)
        hk__seen_add(pool->contents, sha256);
}

hk_status hk__pool_submit(hk__pool *pool, uint64_t tag, int fd, uint64_t first_member,
                          hk_error *err)
{
    struct stat facts;
    if (!hk__pool_room(pool))
        return hk__fail(err, HK_ERR_USAGE, "the pool has no room for another job");
    const uint64_t size = fstat(fd, &facts) || facts.st_size < 0 ? 0 : (uint64_t)facts.st_size;
    const uint64_t most = UINT64_C(1) << 40; /* sparse files may say anything */
    pool->orphans[pool->orphan_count++] = (hk__job){
        .tag = tag,
        .order = pool->next_order++,
        .size = size,
        .first = first_member,
        .fd = fd,
        .limit_ns = pool->options.timeout_ms * ms + (size < most ? size : most) * NS_PER_BYTE,
    };
    pool->busy++;
    give_orphans(pool);
    return HK_OK;
}

/* ---- results ------------------------------------------------------------------------------- */

/* The worker sends grids and no hash: hashes are made here, from checked numbers. Makes the last
 * reply's picture speak for all. What could be decoded may be nothing to hash: then there is none.
 */
static hk_status finish_views(hk__views *views, hk__picture *picture, hk_error *err)
{
    const hk_status status = hk__views_add(views, picture, err);
    if (status)
        return status;
    if (!views->count) {
        picture->has_pixels = false;
        picture->flags &= ~HK_FLAG_TRUNCATED;
        hk__picture_fail(picture, HK_FILE_UNREADABLE,
                         "what could be decoded shows nothing to hash");
        return HK_OK;
    }
    picture->width = views->width;
    picture->height = views->height;
    picture->exif_orientation = views->exif_orientation;
    picture->flags = views->flags;
    if (picture->flags & HK_FLAG_TRUNCATED)
        picture->status = HK_FILE_TRUNCATED;
    return HK_OK;
}

/* Of a member, its place is in pool->place; what came of it before, in pool->views. */
static hk_status finish(hk__pool_result *result, bool *done, hk__pool *pool,
                        const hk__job *finished, hk_error *err)
{
    hk__reply *reply = &pool->reply;
    const bool last = reply->member == HK__NO_MEMBER;
    *result = (hk__pool_result){.tag = finished->tag, .reply = reply, .last = last};
    result->views = &pool->views;
    *done = true;
    if (last) {
        close(finished->fd);
        pool->busy--;
        if (!reply->size)
            reply->size = finished->size;
    } else {
        result->member = pool->place.name;
        result->member_number = reply->member;
    }
    if (reply->picture.has_pixels)
        return finish_views(&pool->views, &reply->picture, err);
    hk__views_clear(&pool->views);
    return HK_OK;
}

/* The verdict of the pool itself, in place of a picture. */
static void pronounce(hk__pool *pool, const hk__job *job)
{
    hk__picture *picture = &pool->reply.picture;
    picture->has_pixels = false;
    picture->flags = 0;
    hk__picture_fail(picture, job->blame, "%s", job->words);
}

static hk__job take_first(worker *w)
{
    hk__job first = w->jobs[0];
    w->count--;
    memmove(w->jobs, w->jobs + 1, w->count * sizeof *w->jobs);
    begin_first(w);
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

static uint64_t limit_of(const hk__place *place, const hk__job *job, const hk__pool *pool)
{
    return place->open ? pool->options.timeout_ms * ms + HK__BEAT_BYTES * NS_PER_BYTE
                       : job->limit_ns;
}

static void say_why(hk__picture *words, const hk__pool *pool, const hk__job *blamed,
                    hk_file_status blame, const char *what, int ended)
{
    char after[48] = "";
    const hk__place *place = &pool->place;
    if (blamed->archive && !place->open)
        snprintf(after, sizeof after, ", after %llu members", (unsigned long long)place->number);
    if (blame == HK_FILE_TIMED_OUT)
        hk__picture_fail(
            words, blame, "not done within %llu ms (--timeout)%s",
            (unsigned long long)((place->open ? pool->options.timeout_ms * ms : blamed->limit_ns) /
                                 ms),
            after);
    else if (what)
        hk__picture_fail(words, blame, "%s%s", what, after);
    else if (WIFSIGNALED(ended))
        hk__picture_fail(words, blame, "the decoder was killed twice (%s)%s",
                         strsignal(WTERMSIG(ended)), after);
    else
        hk__picture_fail(words, blame, "the decoder gave up twice (exit %d)%s", WEXITSTATUS(ended),
                         after);
}

/* First in a fresh worker: if that dies too, it is this file's doing. */
static void give_again(hk__pool *pool, worker *w, const hk__job *again)
{
    if (!w->child.pid || w->count || !give(pool, w, again))
        pool->orphans[pool->orphan_count++] = *again;
}

/* The worker's job in hand brought it down: replaces the worker, and does what follows for the job.
 * And whatever it does to decoders, its digests may be on a list: they are taken without decoding.
 */
static hk_status blame_first(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                             hk_file_status blame, const char *what, hk_error *err)
{
    hk__picture words;
    int ended;
    pool->place = w->place;
    hk__job in_hand = take_first(w);
    hk_status status = replace(pool, w, &ended, err);
    if (status) { /* nobody is left to try it */
        pool->orphans[pool->orphan_count++] = in_hand;
        return status;
    }
    if (!what && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGXCPU)
        blame = HK_FILE_TIMED_OUT; /* of nonsense, `ended` may tell of the job after it */
    say_why(&words, pool, &in_hand, blame, what, ended);
    const hk__remedy remedy =
        hk__job_blame(&in_hand, &pool->place, blame, words.reason, pool->options.digests != 0);
    if (remedy != HK__ANSWER_FILE)
        give_again(pool, w, &in_hand);
    if (remedy == HK__TRY_AGAIN)
        return HK_OK;
    hk__reply_begin(&pool->reply, 0,
                    remedy == HK__ANSWER_MEMBER ? pool->place.number : HK__NO_MEMBER);
    pronounce(pool, &in_hand);
    return finish(result, done, pool, &in_hand, err);
}

/* A worker ended, was over time, or talked nonsense (`what` says so, or is NULL). */
static hk_status bury(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                      hk_file_status blame, const char *what, hk_error *err)
{
    int ended;
    if (!w->ready)
        return bad_start(pool, w, blame == HK_FILE_TIMED_OUT, err);
    if (!w->count)
        return replace(pool, w, &ended, err);
    return blame_first(result, done, pool, w, blame, what, err);
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

/* Statuses that can only be told of bytes which were all read. */
static bool is_of_bytes(hk_file_status status)
{
    return status == HK_FILE_NOT_AN_IMAGE || status == HK_FILE_TOO_SMALL ||
           status == HK_FILE_UNSUPPORTED;
}

/* Whether the reply is one to this job at this place, in range, and with what was asked for: what
 * is out of scope has its digests looked up all the same. A duplicate must be one; what else a
 * taken-over worker says of its file is between it and that file. */
static bool is_answer(hk__pool *pool, size_t size, const hk__job *asked, const hk__place *place)
{
    hk__reply *reply = &pool->reply;
    const hk__picture *picture = &reply->picture;
    if (!hk__reply_check(reply, size, asked->id) || !hk__place_awaits(place, asked, reply->member))
        return false;
    const unsigned wanted = pool->options.digests | pool->options.picture_digests;
    const bool digested = (reply->digests.present & wanted) == wanted;
    if (picture->has_pixels && picture->raster_width && !pool->options.raster)
        return false;
    if (reply->more && (pool->options.repeats || asked->digests_only))
        return false;
    if (picture->status == HK_FILE_DUPLICATE)
        return digested && pool->contents && !pool->options.repeats &&
               hk__seen_has(pool->contents, reply->digests.sha256);
    if (is_of_bytes(picture->status) && !pool->options.repeats &&
        pool->options.digests & ~reply->digests.present)
        return false;
    return !picture->has_pixels || pool->options.repeats ||
           ((digested || reply->more) && picture->has_exact == pool->options.exact_grid);
}

/* A member comes, or there is progress. False if not here and now: not among views of the last. */
static bool take_notice(hk__pool *pool, worker *w, size_t size)
{
    static_assert(sizeof(hk__notice) <= sizeof(hk__reply), "a notice fits where replies go");
    const hk__notice *notice = (const hk__notice *)&pool->reply;
    hk__job *job = &w->jobs[0];
    if (!pool->options.archives || job->digests_only || w->views.pictures ||
        !hk__notice_check(notice, size, job->id, pool->options.limits.max_depth) ||
        !hk__place_notice(&w->place, job, notice, &pool->options.limits))
        return false;
    job->archive = true;
    w->since = hk__clock_ns();
    return true;
}

/* The reply is right. What ran out of memory may have gone to earlier files: as with a crash, it
 * must happen twice. */
static hk_status take_reply(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                            hk_error *err)
{
    hk__reply *reply = &pool->reply;
    hk__job *job = &w->jobs[0];
    const bool starved = reply->picture.status == HK_FILE_OUT_OF_MEMORY && !job->digests_only;
    const bool worn = starved || reply->cpu_seconds > RETIRE_CPU_SECONDS ||
                      (w->stale && reply->member == HK__NO_MEMBER);
    const bool unread = pool->options.digests && !reply->digests.present;
    if (starved && (!hk__job_was_tried(job, &w->place) || unread)) {
        char words[HK__REASON_SIZE];
        memcpy(words, reply->picture.reason, sizeof words);
        return blame_first(result, done, pool, w, HK_FILE_OUT_OF_MEMORY, words, err);
    }

    hk__job answered;
    bool verdict = job->digests_only;
    hk__views_move(&pool->views, &w->views);
    if (reply->member == HK__NO_MEMBER) {
        answered = take_first(w);
    } else {
        pool->place = w->place;
        hk__place_answered(&verdict, &w->place, job, hk__format_is_archive(reply->picture.format));
        w->since = hk__clock_ns();
        answered = *job;
    }
    if (verdict)
        pronounce(pool, &answered);
    hk_status status = finish(result, done, pool, &answered, err);
    int ended; /* after running out of memory, or long service, a fresh worker is worth its 35 ms */
    if (worn && !status)
        status = replace(pool, w, &ended, err);
    return status;
}

/* One message, or the end, of one worker. */
static hk_status listen_to(hk__pool_result *result, bool *done, hk__pool *pool, worker *w,
                           hk_error *err)
{
    static const char nonsense[] = "the decoder broke the protocol twice";
    const long got = hk__receive(w->child.socket, &pool->reply, sizeof pool->reply, NULL);
    if (got <= 0)
        return bury(result, done, pool, w, HK_FILE_CRASHED,
                    got < 0 && errno == EMSGSIZE ? nonsense : NULL, err);
    if (!w->ready)
        return take_hello(pool, w, got, err);
    if (w->count && (size_t)got >= offsetof(hk__notice, name) &&
        pool->reply.message != HK__MESSAGE_REPLY && take_notice(pool, w, (size_t)got))
        return HK_OK;
    if (!w->count || !is_answer(pool, (size_t)got, &w->jobs[0], &w->place) ||
        w->views.pictures + 1 + pool->reply.more > HK_VIEWS_MOST)
        return bury(result, done, pool, w, HK_FILE_CRASHED, nonsense, err);
    if (pool->reply.more)
        return hk__views_add(&w->views, &pool->reply.picture, err);
    return take_reply(result, done, pool, w, err);
}

static int until(uint64_t moment, uint64_t now)
{
    return moment <= now ? 0 : (int)((moment - now + 999999) / 1000000);
}

static uint64_t deadline(const hk__pool *pool, const worker *w)
{
    return w->since + (w->ready ? limit_of(&w->place, &w->jobs[0], pool) : START_MS * ms);
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

/* An archive may take hours. Files that wait behind one are given to others; the worker has been
 * sent them all the same, so it is not used after the archive. */
static void take_back(hk__pool *pool, uint64_t now)
{
    for (unsigned i = 0; i < pool->options.workers; i++) {
        worker *w = &pool->workers[i];
        if (!w->count || !w->jobs[0].archive || now < w->began + LONG_MS * ms)
            continue;
        w->stale = w->stale || w->count > 1;
        while (w->count > 1)
            pool->orphans[pool->orphan_count++] = w->jobs[--w->count];
    }
}

hk_status hk__pool_wait(bool *done, hk__pool_result *result, hk__pool *pool, int wait_ms,
                        hk_error *err)
{
    const uint64_t end = hk__clock_ns() + (uint64_t)(wait_ms > 0 ? wait_ms : 0) * ms;
    *done = false;
    for (;;) {
        if (pool->options.workers > 1)
            take_back(pool, hk__clock_ns());
        give_orphans(pool);
        uint64_t moment = end;
        for (unsigned i = 0; i < pool->options.workers; i++) {
            worker *w = &pool->workers[i];
            pool->polls[i] = (struct pollfd){.fd = w->child.socket, .events = POLLIN};
            if (w->child.pid && (w->count || !w->ready) && deadline(pool, w) < moment)
                moment = deadline(pool, w);
            if (pool->options.workers > 1 && w->count > 1 && w->jobs[0].archive &&
                w->began + LONG_MS * ms < moment)
                moment = w->began + LONG_MS * ms;
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
            else if (w->child.pid && (w->count || !w->ready) && now >= deadline(pool, w))
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
