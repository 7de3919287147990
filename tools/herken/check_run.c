/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_run.c - paths to verdicts: by lists of our own, or by a server.
 *
 *      scan --hk_file--> report                                   lists
 *      scan --hk_file--> subjects --full, or a second old--> ask --> queue --> report      server
 */
#include "check_parts.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>

enum { FLUSH_NS = 1000000000 };

/* ---- what to ask ---------------------------------------------------------------------------- */

static void look_at_store(struct stat seen[2], const char *db)
{
    char *log = NULL;
    memset(seen, 0, 2 * sizeof *seen);
    stat(db, &seen[0]);
    if (asprintf(&log, "%s-wal", db) >= 0) {
        stat(log, &seen[1]);
        free(log);
    }
}

/* A log that is empty is as good as none: readers make and remove it. */
static bool is_same_store(const struct stat a[2], const struct stat b[2])
{
    for (int i = 0; i < 2; i++)
        if (a[i].st_size != b[i].st_size ||
            (a[i].st_size && (a[i].st_ino != b[i].st_ino ||
                              memcmp(&a[i].st_mtim, &b[i].st_mtim, sizeof a[i].st_mtim))))
            return false;
    return true;
}

static int open_lists(check_request *r)
{
    hk_error err;
    size_t known = 0;
    look_at_store(r->seen_db, r->db);
    int code = cli_lists_add_store(&r->lists, r->db, r->stored);
    for (size_t l = 0; l < r->lists.count; l++)
        if (!hk_list_known_good(r->lists.list[l]))
            known += hk_list_count(r->lists.list[l]);
    if (code < 0 && !known)
        code = cli_usage("no list of known images has entries: nothing could ever match");
    if (code < 0 && hk_matcher_new(&r->matcher, (const hk_list *const *)r->lists.list,
                                   r->lists.count, &r->match, &err))
        code = cli_store_fail(&err);
    if (code < 0) {
        r->common.scan.matcher = r->matcher;
        r->report.entries = hk_matcher_entries(r->matcher);
    }
    return code;
}

static void close_lists(check_request *r)
{
    hk_matcher_free(r->matcher);
    r->matcher = NULL;
    cli_lists_clear(&r->lists);
}

int check_renew(check_request *r)
{
    struct stat now[2];
    if (!r->db)
        return -1;
    look_at_store(now, r->db);
    if (is_same_store(now, r->seen_db))
        return -1;
    close_lists(r);
    const int code = open_lists(r);
    return code == CLI_USAGE ? CLI_SYSTEM : code; /* the lists were there when it started */
}

int check_open(check_request *r)
{
    r->report.asked = r->server.url != NULL;
    r->report.json = r->common.json;
    int code = r->db ? open_lists(r) : check_http_open(&r->asker.http, &r->server);
    if (code >= 0)
        return code;
    if (r->server.url) {
        r->common.scan.digests = HK_DIGEST_ALL;
        r->common.scan.exact_hash = true;
        r->asker.patience_ns = r->server.patience_ms * UINT64_C(1000000);
        r->asker.quiet = r->common.quiet;
        r->asker.stop = &r->stop;
    }
    if (r->queue_folder && !(r->queue = check_queue_open(r->queue_folder)))
        return CLI_SYSTEM;
    return -1;
}

void check_close(check_request *r)
{
    close_lists(r);
    check_http_close(r->asker.http);
    check_queue_close(r->queue);
}

/* ---- by lists of our own ------------------------------------------------------------------- */

static bool *place_for(check_request *r, const char *path)
{
    return r->hook_place ? r->hook_place(r, path) : NULL;
}

static bool report_local(check_request *r, const hk_file *found)
{
    hk_file file = *found;
    /* An upload that is no image is not clean, unless these very bytes are known good. */
    if (file.verdict == HK_VERDICT_NONE && !file.known_good &&
        hk_file_status_class(file.status) == HK_CLASS_SKIPPED) {
        file.verdict = HK_VERDICT_NOT_CHECKED;
        file.verdict_reason = hk_file_status_name(file.status);
    }
    const hk_match *first = file.match_count ? file.matches : NULL;
    json_t *categories = NULL;
    if (first && first->category && !first->known_good)
        categories = json_pack("[s]", first->category);
    const check_result result = {.path = file.path,
                                 .status = file.status,
                                 .detail = file.reason,
                                 .verdict = file.verdict,
                                 .reason = file.verdict_reason,
                                 .categories = categories,
                                 .file = &file};
    bool *place = place_for(r, file.path);
    const bool good = check_report_file(&r->report, &result, place);
    json_decref(categories);
    if (good && r->on_result)
        r->on_result(r, file.path, file.verdict, false, place);
    return good;
}

/* ---- by a server --------------------------------------------------------------------------- */

typedef struct batch {
    check_request *r;
    check_subject subject[CHECK_BATCH];
    check_answer answer[CHECK_BATCH];
    size_t count;
    uint64_t since; /* clock: its first was put */
    bool failed;
    void (*tell)(void *context, const hk_progress *progress); /* the progress bar's */
    void *tell_context;
} batch;

/* What was answered need not wait in the queue from an earlier time. */
static bool drop_answered(check_request *r, batch *b)
{
    bool done[CHECK_BATCH];
    if (!r->queue || !r->watch)
        return true;
    for (size_t i = 0; i < b->count; i++)
        done[i] = b->answer[i].asked;
    return check_queue_drop(r->queue, b->subject, done, b->count);
}

static bool flush(batch *b)
{
    check_request *r = b->r;
    bool good = check_ask(b->answer, &r->asker, b->subject, b->count);
    if (good && r->queue)
        good = check_queue_put(r->queue, b->subject, b->answer, b->count);
    for (size_t i = 0; good && i < b->count; i++) {
        const check_subject *s = &b->subject[i];
        bool *place = place_for(r, s->path);
        good = check_report_answer(&r->report, s, &b->answer[i], place);
        if (good && r->on_result)
            r->on_result(r, s->path,
                         b->answer[i].verdict == HK_VERDICT_NONE && s->otherwise
                             ? HK_VERDICT_NOT_CHECKED
                             : b->answer[i].verdict,
                         b->answer[i].queued, place);
    }
    good = good && check_report_flush(&r->report) && drop_answered(r, b);
    for (size_t i = 0; i < b->count; i++) {
        check_subject_clear(&b->subject[i]);
        check_answer_clear(&b->answer[i]);
    }
    b->count = 0;
    b->failed |= !good;
    return good;
}

/* A scan calls it some ten times a second, while files are slow to come too. */
static void on_progress(void *context, const hk_progress *now)
{
    batch *b = context;
    if (b->count && !b->failed && check_clock() - b->since > FLUSH_NS)
        flush(b);
    if (b->tell)
        b->tell(b->tell_context, now);
}

static bool add_to_batch(batch *b, const hk_file *file)
{
    if (!b->count)
        b->since = check_clock();
    if (check_subject_make(&b->subject[b->count], file)) {
        cli_say("out of memory");
        b->failed = true;
        return false;
    }
    b->count++;
    const bool full = b->count == CHECK_BATCH || check_clock() - b->since > FLUSH_NS;
    return !b->failed && (!full || flush(b));
}

/* ---- both ---------------------------------------------------------------------------------- */

static batch *new_batch(check_request *r, hk_scan_options *options)
{
    batch *b = calloc(1, sizeof *b);
    if (!b) {
        cli_say("out of memory");
        return NULL;
    }
    b->r = r;
    b->tell = options->on_progress;
    b->tell_context = options->context;
    options->on_progress = on_progress;
    options->context = b;
    return b;
}

int check_paths(check_request *r, const char *const *paths, size_t count)
{
    hk_error err;
    hk_scan *scan = NULL;
    progress bar;
    progress_start(&bar, &r->common);
    hk_scan_options options = r->common.scan;
    batch *b = r->server.url ? new_batch(r, &options) : NULL;
    bool good = b || !r->server.url;
    hk_status status = good ? hk_scan_open(&scan, paths, count, &options, &err) : HK_OK;
    const hk_file *file = NULL;
    while (good && !status && !(status = hk_scan_next(&file, scan, &err)) && file) {
        progress_hide(&bar);
        good = b ? add_to_batch(b, file) : report_local(r, file);
    }
    if (b && b->count && good)
        good = flush(b);
    progress_hide(&bar);
    if (b)
        good = good && !b->failed;
    if (status)
        r->report.failed = true; /* what was not reached is not checked */
    hk_account account;
    if (scan && !r->server.url) {
        hk_scan_account(&account, scan);
        r->report.account.expected_false_matches += account.expected_false_matches;
    }
    hk_scan_free(scan);
    for (size_t i = 0; b && i < b->count; i++)
        check_subject_clear(&b->subject[i]);
    free(b);
    if (status)
        return cli_store_fail(&err) == CLI_USAGE ? CLI_USAGE : CLI_SYSTEM;
    if (!good)
        r->report.failed = true;
    return good ? -1 : CLI_SYSTEM;
}
