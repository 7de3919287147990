/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scan.c - a run over many files: plan, decode in the pool, judge, in input order.
 *
 *      plan --open--> pool --any order--> window --input order--> duplicates --> judge --> caller
 *
 * Files finish in any order; the window holds those that are ahead of the next one to give out.
 * Whatever happens to a file, it leaves here once with a status: the account always closes.
 */
#include "batch/duplicates.h"
#include "batch/walk.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "decode/pool.h"
#include "match/match.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW = 1024, PROGRESS_MS = 100, MAX_WORKERS = 1024 };

typedef struct slot {
    bool done;
    hk_file file;
    char reason[HK__REASON_SIZE];
    uint8_t *raster; /* room for one, from the first that comes on */
} slot;

struct hk_scan {
    hk_scan_options options;
    hk__plan *plan;
    hk__pool *pool;
    hk__duplicates *duplicates; /* with a matcher only */
    slot *slots;                /* [WINDOW], file i in slot i mod WINDOW */
    size_t next_in, next_out;
    hk__judgement judgement; /* of the file given out last */
    hk_account account;
    uint64_t started, told;
};

static hk_status check_options(const hk_scan_options *options, hk_error *err)
{
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "scan options without their INIT");
    if (options->workers > MAX_WORKERS)
        return hk__fail(err, HK_ERR_USAGE, "at most %d workers", MAX_WORKERS);
    if (options->timeout_ms < 1 || options->timeout_ms > 300000)
        return hk__fail(err, HK_ERR_USAGE, "the time limit is 1 to 300,000 ms, not %u",
                        options->timeout_ms);
    if (options->max_pixels > UINT64_C(1) << 40 || options->max_bytes > UINT64_C(1) << 40)
        return hk__fail(err, HK_ERR_USAGE, "limits on pixels and bytes go up to 2^40");
    if (options->worker_memory < UINT64_C(256) << 20)
        return hk__fail(err, HK_ERR_USAGE, "a worker needs at least 256 MiB of address space");
    if (options->digests & ~HK_DIGEST_ALL)
        return hk__fail(err, HK_ERR_USAGE, "no such digest");
    return HK_OK;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_WORKERS ? MAX_WORKERS : (unsigned)n;
}

hk_status hk_scan_open(hk_scan **out, const char *const *paths, size_t count,
                       const hk_scan_options *options, hk_error *err)
{
    const hk_scan_options defaults = HK_SCAN_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    hk_status status = check_options(options, err);
    if (status)
        return status;
    hk_scan *scan = hk__alloc(1, sizeof *scan);
    if (!scan)
        return hk__fail_memory(err);
    scan->options = *options;
    scan->started = scan->told = hk__clock_ns();
    scan->slots = hk__alloc(WINDOW, sizeof *scan->slots);
    status = scan->slots ? HK_OK : hk__fail_memory(err);
    if (!status)
        status = hk__plan_new(&scan->plan, paths, count, err);
    if (!status && options->matcher) {
        scan->options.digests |= hk__matcher_digests(options->matcher);
        status = hk__duplicates_new(&scan->duplicates, err);
    }
    if (!status) {
        const size_t files = hk__plan_count(scan->plan);
        unsigned workers = options->workers ? options->workers : processors();
        workers = files < workers ? (files ? (unsigned)files : 1) : workers;
        const hk__pool_options pool = {
            .program = options->worker_path,
            .workers = workers,
            .memory = options->worker_memory,
            .timeout_ms = options->timeout_ms,
            .limits = {.max_pixels = options->max_pixels,
                       .max_bytes = options->max_bytes,
                       .max_pages = options->max_pages},
            .digests = scan->options.digests,
            /* Finds duplicates, whatever the lists hold. Films need not be read for that. */
            .picture_digests = options->matcher ? HK_DIGEST_SHA256 : 0,
            .raster = options->raster,
            .exact_grid = options->exact_hash ||
                          (options->matcher && hk__matcher_wants_exact(options->matcher)),
        };
        status = hk__pool_open(&scan->pool, &pool, err);
    }
    if (status)
        hk_scan_free(scan);
    else
        *out = scan;
    return status;
}

void hk_scan_free(hk_scan *scan)
{
    if (!scan)
        return;
    hk__judgement_clear(&scan->judgement);
    hk__pool_free(scan->pool);
    hk__duplicates_free(scan->duplicates);
    hk__plan_free(scan->plan);
    for (size_t i = 0; scan->slots && i < WINDOW; i++)
        hk__free(scan->slots[i].raster);
    hk__free(scan->slots);
    hk__free(scan);
}

static slot *slot_of(hk_scan *scan, size_t index)
{
    return &scan->slots[index % WINDOW];
}

/* Opens files and hands them to the pool while there is room. */
static hk_status feed(hk_scan *scan, hk_error *err)
{
    const size_t files = hk__plan_count(scan->plan);
    while (scan->next_in < files && scan->next_in - scan->next_out < WINDOW &&
           hk__pool_room(scan->pool)) {
        const hk__planned *planned = hk__plan_get(scan->plan, scan->next_in);
        slot *s = slot_of(scan, scan->next_in);
        s->done = false;
        s->file =
            (hk_file){.path = planned->path, .status = planned->status, .reason = planned->reason};
        int fd = -1;
        if (planned->status == HK_FILE_OK)
            fd = hk__plan_open(&s->file.status, &s->file.reason, planned);
        if (fd == -2)
            return hk__fail(err, HK_ERR_SYSTEM, "cannot open files: %s (ulimit -n)",
                            strerror(errno));
        if (fd < 0) {
            s->done = true;
        } else {
            hk_status status = hk__pool_submit(scan->pool, scan->next_in, fd, 0, err);
            if (status) {
                close(fd);
                return status;
            }
        }
        scan->next_in++;
    }
    return HK_OK;
}

static hk_status keep_raster(slot *s, const hk__picture *picture, hk_error *err)
{
    if (!s->raster)
        s->raster = hk__alloc(1, sizeof picture->raster);
    if (!s->raster)
        return hk__fail_memory(err);
    s->file.raster_width = picture->raster_width;
    s->file.raster_height = picture->raster_height;
    s->file.raster = s->raster;
    memcpy(s->raster, picture->raster, (size_t)picture->raster_width * picture->raster_height);
    return HK_OK;
}

static hk_status take(hk_scan *scan, const hk__pool_result *result, hk_error *err)
{
    slot *s = slot_of(scan, (size_t)result->tag);
    const hk__picture *picture = &result->reply->picture;
    hk_file *file = &s->file;
    file->status = picture->status;
    file->format = hk__format_name(picture->format);
    file->width = picture->width;
    file->height = picture->height;
    file->exif_orientation = picture->exif_orientation;
    file->flags = picture->flags;
    file->digests = result->reply->digests;
    memcpy(s->reason, picture->reason, sizeof s->reason);
    file->reason = s->reason[0] ? s->reason : NULL;
    if (result->fingerprint) {
        file->hashed = true;
        file->fingerprint = *result->fingerprint;
        file->flags |= file->fingerprint.flags;
    }
    if (result->exact_hash) {
        file->has_exact_hash = true;
        memcpy(file->exact_hash, result->exact_hash, sizeof file->exact_hash);
    }
    s->done = true;
    return scan->options.raster && picture->has_pixels ? keep_raster(s, picture, err) : HK_OK;
}

static void tell(hk_scan *scan)
{
    const uint64_t now = hk__clock_ns();
    if (!scan->options.on_progress || now - scan->told < PROGRESS_MS * UINT64_C(1000000))
        return;
    scan->told = now;
    const hk_progress progress = {
        .done = scan->account.found,
        .found = hk__plan_count(scan->plan),
        .failed = scan->account.by_class[HK_CLASS_FAILED],
        .seconds = (double)(now - scan->started) / 1e9,
    };
    scan->options.on_progress(scan->options.context, &progress);
}

/* A file with the bytes of one hashed before is a duplicate; it keeps its hash and verdict. */
static hk_status mark_duplicate(hk_scan *scan, hk_file *file, size_t index, hk_error *err)
{
    bool known = false;
    size_t first = 0;
    if (!file->hashed || !(file->digests.present & HK_DIGEST_SHA256))
        return HK_OK;
    hk_status status =
        hk__duplicates_enter(&known, &first, scan->duplicates, file->digests.sha256, index, err);
    if (!status && known) {
        file->status = HK_FILE_DUPLICATE;
        file->duplicate_of = hk__plan_get(scan->plan, first)->path;
    }
    return status;
}

static hk_status judge(hk_scan *scan, hk_file *file, hk_error *err)
{
    const hk__evidence evidence = {
        .status = file->status,
        .flags = file->flags,
        .hashed = file->hashed,
        .fingerprint = &file->fingerprint,
        .exact = file->has_exact_hash ? file->exact_hash : NULL,
        .digests = file->digests,
    };
    hk__judgement_clear(&scan->judgement);
    hk_status status = hk__judge(&scan->judgement, scan->options.matcher, &evidence, err);
    if (status)
        return status;
    file->verdict = scan->judgement.verdict;
    file->verdict_reason = scan->judgement.reason;
    file->matches = scan->judgement.matches;
    file->match_count = scan->judgement.count;
    file->matches_truncated = scan->judgement.truncated;
    file->known_good = scan->judgement.known_good;
    file->conflict = scan->judgement.conflict;
    scan->account.by_verdict[file->verdict]++;
    scan->account.known_good += file->known_good;
    scan->account.conflicts += file->conflict;
    if (hk_file_status_class(file->status) == HK_CLASS_HASHED)
        scan->account.expected_false_matches += scan->judgement.false_matches;
    return HK_OK;
}

hk_status hk_scan_next(const hk_file **out, hk_scan *scan, hk_error *err)
{
    hk_status status;
    if (scan->next_out == hk__plan_count(scan->plan)) {
        *out = NULL;
        return HK_OK;
    }
    for (;;) {
        status = feed(scan, err);
        if (status)
            return status;
        tell(scan);
        if (slot_of(scan, scan->next_out)->done)
            break;
        bool done;
        hk__pool_result result;
        status = hk__pool_wait(&done, &result, scan->pool, PROGRESS_MS, err);
        if (!status && done)
            status = take(scan, &result, err);
        if (status)
            return status;
    }

    hk_file *file = &slot_of(scan, scan->next_out)->file;
    if (scan->options.matcher) {
        status = mark_duplicate(scan, file, scan->next_out, err);
        if (!status)
            status = judge(scan, file, err);
        if (status)
            return status;
    }
    scan->account.found++;
    scan->account.by_status[file->status]++;
    scan->account.by_class[hk_file_status_class(file->status)]++;
    scan->next_out++;
    *out = file;
    return HK_OK;
}

void hk_scan_account(hk_account *out, const hk_scan *scan)
{
    *out = scan->account;
}
