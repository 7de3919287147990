/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_drain.c - asking what waits in the queue.
 *
 * A row goes once its verdict is written out and --on-hit has done its work: a kill in between
 * means that it is reported twice, never not at all.
 */
#include "check_parts.h"

#include <stdlib.h>

/* Reports what was answered, and drops it. */
static bool settle(check_request *r, const check_subject *subjects, check_answer *answers,
                   size_t count, bool *hook_failed, bool *done)
{
    check_report *report = &r->report;
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        hook_failed[i] = false;
        answers[i].queued = !answers[i].asked;
        done[i] = answers[i].asked;
        if (answers[i].asked || !r->watch) /* a watcher comes again, and does not repeat itself */
            good = check_report_answer(report, &subjects[i], &answers[i], &hook_failed[i]);
    }
    check_hooks_wait(&report->hooks);
    good = good && check_report_flush(report);
    for (size_t i = 0; i < count; i++) {
        done[i] = done[i] && good && !hook_failed[i];
        if (good && answers[i].asked && r->on_result)
            r->on_result(r, subjects[i].path,
                         answers[i].verdict == HK_VERDICT_NONE && subjects[i].otherwise
                             ? HK_VERDICT_NOT_CHECKED
                             : answers[i].verdict,
                         false, &hook_failed[i]);
    }
    return good && check_queue_drop(r->queue, subjects, done, count);
}

static bool drain(check_request *r, check_subject *subjects, check_answer *answers)
{
    bool hook_failed[CHECK_BATCH], done[CHECK_BATCH], good = true;
    size_t count = 0;
    for (int64_t after = 0; good && !r->stop;) {
        if (!check_queue_take(subjects, &count, r->queue, after))
            return false;
        if (!count)
            break;
        after = subjects[count - 1].row;
        good = check_ask(answers, &r->asker, subjects, count) &&
               settle(r, subjects, answers, count, hook_failed, done);
        for (size_t i = 0; i < count; i++) {
            check_subject_clear(&subjects[i]);
            check_answer_clear(&answers[i]);
        }
        if (r->watch && r->asker.away_since)
            break;
    }
    return good;
}

int check_drain(check_request *r)
{
    if (!check_queue_lock(r->queue)) {
        if (r->watch)
            return -1;
        cli_say("another process drains this queue");
        return CLI_SYSTEM;
    }
    check_subject *subjects = calloc(CHECK_BATCH, sizeof *subjects);
    check_answer *answers = calloc(CHECK_BATCH, sizeof *answers);
    const bool good = subjects && answers && drain(r, subjects, answers);
    if (!subjects || !answers)
        cli_say("out of memory");
    free(subjects);
    free(answers);
    check_queue_unlock(r->queue);
    if (!good)
        r->report.failed = true;
    return good ? -1 : CLI_SYSTEM;
}
