/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scan.c - a run over many files: plan, check, give out in input order.
 *
 *      plan --open--> checker --any order--> window --input order--> duplicates --> caller
 *
 * Files finish in any order; the window holds those that are ahead of the next one to give out.
 * Whatever happens to a file, it leaves here once with a status: the account always closes.
 */
#include "batch/checker.h"
#include "batch/duplicates.h"
#include "batch/walk.h"
#include "batch/workers.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW = 1024, PROGRESS_MS = 100 };

struct hk_scan {
    hk_scan_options options;
    hk__plan *plan;
    hk__checker *checker;
    hk__duplicates *duplicates; /* with a matcher only */
    hk__checked **window;       /* [WINDOW], file i at i mod WINDOW; NULL: not checked yet */
    hk__checked *given;         /* out last */
    size_t next_in, next_out;
    hk_account account;
    uint64_t started, told;
};

hk_status hk_scan_open(hk_scan **out, const char *const *paths, size_t count,
                       const hk_scan_options *options, hk_error *err)
{
    const hk_scan_options defaults = HK_SCAN_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    hk_status status = hk__workers_check(options, err);
    if (status)
        return status;
    hk_scan *scan = hk__alloc(1, sizeof *scan);
    if (!scan)
        return hk__fail_memory(err);
    scan->options = *options;
    scan->started = scan->told = hk__clock_ns();
    scan->window = hk__alloc(WINDOW, sizeof(hk__checked *));
    status = scan->window ? HK_OK : hk__fail_memory(err);
    if (!status)
        status = hk__plan_new(&scan->plan, paths, count, err);
    if (!status && options->matcher) {
        scan->options.digests |= hk__matcher_digests(options->matcher);
        status = hk__duplicates_new(&scan->duplicates, err);
    }
    if (!status) {
        hk__checker_options checker = {
            .pool = hk__workers_options(options, hk__plan_count(scan->plan)),
            .matcher = options->matcher,
        };
        checker.pool.digests = scan->options.digests;
        /* Finds duplicates, whatever the lists hold. Films need not be read for that. */
        checker.pool.picture_digests = options->matcher ? HK_DIGEST_SHA256 : 0;
        checker.pool.raster =
            options->raster || (options->matcher && hk__matcher_wants_raster(options->matcher));
        checker.keep_rasters = options->raster;
        checker.pool.exact_grid =
            options->exact_hash || (options->matcher && hk__matcher_wants_exact(options->matcher));
        status = hk__checker_open(&scan->checker, &checker, err);
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
    hk__checker_free(scan->checker);
    hk__duplicates_free(scan->duplicates);
    hk__plan_free(scan->plan);
    hk__checked_free(scan->given);
    for (size_t i = 0; scan->window && i < WINDOW; i++)
        hk__checked_free(scan->window[i]);
    hk__free(scan->window);
    hk__free(scan);
}

static hk__checked **place_of(hk_scan *scan, size_t index)
{
    return &scan->window[index % WINDOW];
}

/* Opens files and hands them to the checker while there is room. */
static hk_status feed(hk_scan *scan, hk_error *err)
{
    const size_t files = hk__plan_count(scan->plan);
    while (scan->next_in < files && scan->next_in - scan->next_out < WINDOW &&
           hk__checker_room(scan->checker)) {
        const hk__planned *planned = hk__plan_get(scan->plan, scan->next_in);
        hk_file_status status = planned->status;
        const char *reason = planned->reason;
        int fd = -1;
        if (planned->status == HK_FILE_OK)
            fd = hk__plan_open(&status, &reason, planned);
        if (fd == -2 && hk__checker_busy(scan->checker))
            return HK_OK; /* those under way will be closed */
        if (fd == -2)
            return hk__fail(err, HK_ERR_SYSTEM, "cannot open files: %s (ulimit -n)",
                            strerror(errno));
        if (fd >= 0) {
            hk__checker_submit(scan->checker, scan->next_in, fd, 0);
        } else {
            const hk_status failed =
                hk__checked_unread(place_of(scan, scan->next_in), scan->options.matcher,
                                   scan->next_in, status, reason, err);
            if (failed)
                return failed;
        }
        scan->next_in++;
    }
    return HK_OK;
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

static void count(hk_account *account, const hk__checked *checked, bool verdicts)
{
    const hk_file *file = &checked->file;
    const hk_file_class class = hk_file_status_class(file->status);
    account->found++;
    account->by_status[file->status]++;
    account->by_class[class]++;
    account->by_verdict[file->verdict] += verdicts;
    account->known_good += file->known_good;
    account->conflicts += file->conflict;
    if (class == HK_CLASS_HASHED)
        account->expected_false_matches += checked->false_matches;
}

/* Waits until the next file in input order is checked. */
static hk_status wait_for_next(hk_scan *scan, hk_error *err)
{
    for (;;) {
        hk__checked *checked;
        hk_status status = feed(scan, err);
        if (status)
            return status;
        tell(scan);
        if (*place_of(scan, scan->next_out))
            return HK_OK;
        status = hk__checker_wait(&checked, scan->checker, PROGRESS_MS, err);
        if (status)
            return status;
        if (checked)
            *place_of(scan, (size_t)checked->tag) = checked;
    }
}

hk_status hk_scan_next(const hk_file **out, hk_scan *scan, hk_error *err)
{
    hk__checked_free(scan->given);
    scan->given = NULL;
    if (scan->next_out == hk__plan_count(scan->plan)) {
        *out = NULL;
        return HK_OK;
    }
    hk_status status = wait_for_next(scan, err);
    if (status)
        return status;
    hk__checked **place = place_of(scan, scan->next_out), *next = *place;
    next->file.path = hk__plan_get(scan->plan, scan->next_out)->path;
    if (scan->options.matcher)
        status = mark_duplicate(scan, &next->file, scan->next_out, err);
    if (status)
        return status;
    count(&scan->account, next, scan->options.matcher != NULL);
    scan->next_out++;
    scan->given = next;
    *place = NULL;
    *out = &next->file;
    return HK_OK;
}

void hk_scan_account(hk_account *out, const hk_scan *scan)
{
    *out = scan->account;
}
