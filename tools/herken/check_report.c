/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_report.c - what `herken check` says: a line for each file, the account, the exit code. */
#include "check_parts.h"
#include "file_text.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_hit(hk_verdict verdict)
{
    return verdict == HK_VERDICT_EXACT || verdict == HK_VERDICT_NEAR;
}

/* Words that may be absent. */
static void put(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(object, key, json_string(text));
}

static bool print_json(const check_result *result)
{
    if (result->file) {
        char *line = NULL;
        if (hk_file_json(&line, result->file, NULL))
            return false;
        const bool written = puts(line) != EOF;
        free(line);
        return written;
    }
    json_t *object = json_object();
    output_path(object, "path", result->path);
    put(object, "status", hk_file_status_name(result->status));
    put(object, "verdict", hk_verdict_name(result->verdict));
    put(object, "reason", result->reason);
    if (result->queued)
        json_object_set_new(object, "queued", json_true());
    if (result->detail)
        output_path(object, "detail", result->detail);
    put(object, "match_id", result->match_id);
    if (result->categories)
        json_object_set(object, "categories", (json_t *)result->categories);
    return output_line(object);
}

static bool print_text(const check_report *report, const check_result *result)
{
    if (result->verdict == HK_VERDICT_NONE && !report->all &&
        !(result->file && result->file->conflict))
        return true;
    if (result->file)
        return file_text_print(result->file, true, report->entries);
    char *path = output_printable(result->path);
    char *detail = result->detail ? output_printable(result->detail) : NULL;
    printf("%-7s  %s",
           result->verdict == HK_VERDICT_NOT_CHECKED ? "not checked"
                                                     : hk_verdict_name(result->verdict),
           path ? path : "?");
    if (result->reason)
        printf("  (%s%s%s)", result->reason, detail ? ": " : "", detail ? detail : "");
    if (result->queued)
        printf("  queued");
    if (result->match_id && *result->match_id)
        printf("  match %s", result->match_id);
    for (size_t i = 0; i < json_array_size(result->categories); i++) {
        char *word = output_printable(json_string_value(json_array_get(result->categories, i)));
        printf("  [%s]", word ? word : "?");
        free(word);
    }
    putchar('\n');
    free(path);
    free(detail);
    return !ferror(stdout);
}

bool check_report_flush(check_report *report)
{
    if (!report->failed && (fflush(stdout) || ferror(stdout))) {
        cli_say("cannot write the results: %s", strerror(errno));
        report->failed = true;
    }
    return !report->failed;
}

bool check_report_file(check_report *report, const check_result *result, bool *hook_failed)
{
    report->account.found++;
    report->account.by_class[hk_file_status_class(result->status)]++;
    report->account.by_status[result->status]++;
    report->account.by_verdict[result->verdict]++;
    report->account.known_good += result->file && result->file->known_good;
    report->account.conflicts += result->file && result->file->conflict;
    report->queued += result->queued;
    if (!(report->json ? print_json(result) : print_text(report, result))) {
        cli_say("cannot write the results: %s", strerror(errno));
        report->failed = true;
        return false;
    }
    if (!is_hit(result->verdict))
        return true;
    /* What is acted on stands in the output first. */
    if (report->hooks.program && !check_report_flush(report))
        return false;
    check_hooks_run(&report->hooks, result, hook_failed);
    return true;
}

bool check_report_answer(check_report *report, const check_subject *subject,
                         const check_answer *answer, bool *hook_failed)
{
    check_result result = {.path = subject->path,
                           .status = subject->status,
                           .detail = subject->detail,
                           .verdict = answer->verdict,
                           .match_id = is_hit(answer->verdict) ? answer->match_id : NULL,
                           .categories = is_hit(answer->verdict) ? answer->categories : NULL,
                           .queued = answer->queued};
    if (result.verdict == HK_VERDICT_NONE && subject->otherwise) {
        result.verdict = HK_VERDICT_NOT_CHECKED;
        result.reason = subject->otherwise;
    } else if (result.verdict == HK_VERDICT_NOT_CHECKED) {
        result.reason = answer->reason;
    }
    return check_report_file(report, &result, hook_failed);
}

/* ---- the end ------------------------------------------------------------------------------- */

static bool print_account(const check_report *report)
{
    const hk_account *account = &report->account;
    if (!report->json && !report->asked) {
        output_account_text(stdout, account, true);
    } else if (!report->json) {
        output_account_text(stdout, account, false);
        printf("%llu exact, %llu near, %llu none, %llu not checked",
               (unsigned long long)account->by_verdict[HK_VERDICT_EXACT],
               (unsigned long long)account->by_verdict[HK_VERDICT_NEAR],
               (unsigned long long)account->by_verdict[HK_VERDICT_NONE],
               (unsigned long long)account->by_verdict[HK_VERDICT_NOT_CHECKED]);
        if (report->queued)
            printf(" (%llu of them queued)", (unsigned long long)report->queued);
        putchar('\n');
    } else {
        json_t *object = output_account(account, true);
        json_t *fields = json_object_get(object, "account");
        if (report->asked) { /* the server knows these, and keeps them */
            json_object_del(fields, "expected_false_matches");
            json_object_del(fields, "known_good");
            json_object_del(fields, "conflict");
        }
        if (report->queued)
            json_object_set_new(fields, "queued", json_integer((json_int_t)report->queued));
        return output_line(object);
    }
    return !ferror(stdout);
}

int check_report_end(check_report *report)
{
    const hk_account *account = &report->account;
    check_hooks_wait(&report->hooks);
    if (!report->failed && print_account(report))
        check_report_flush(report);
    else
        report->failed = true;
    if (!account->found && !report->drained)
        cli_say("no files found: is this the right folder?");
    if (report->failed || report->hooks.failures)
        return CLI_SYSTEM;
    if (account->by_verdict[HK_VERDICT_EXACT] || account->by_verdict[HK_VERDICT_NEAR])
        return CLI_MATCH;
    /* Nothing found is nothing checked. */
    return account->by_verdict[HK_VERDICT_NOT_CHECKED] || (!account->found && !report->drained)
               ? CLI_PARTIAL
               : CLI_DONE;
}
