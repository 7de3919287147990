/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_account.c - `herken list diff, log, export, verify`: what changed, for others, and whether
 * it all holds. */
#include "list_output.h"
#include "list_verbs.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_ENTRIES = 20 };

/* ---- diff ---------------------------------------------------------------------------------- */

/* What a difference comes to. */
typedef struct difference {
    bool staged; /* of what is proposed; else between revisions */
    uint64_t entries, added, replaced, withdrawn, quarantined;
    uint64_t proposed; /* between revisions: not searched for at the later one */
    uint64_t shown;
} difference;

/* Counts an entry, and says in a word what becomes of it. */
static const char *count_change(difference *d, const hk_listed *listed)
{
    d->entries++;
    if (!d->staged && listed->state == HK_ENTRY_PROPOSED) {
        d->proposed++;
        return "proposed";
    }
    switch (listed->state) {
    case HK_ENTRY_QUARANTINED:
        d->quarantined++;
        return "quarantine";
    case HK_ENTRY_ACTIVE:
    case HK_ENTRY_PROPOSED:
        if (listed->replaces) {
            d->replaced++;
            return "new version";
        }
        d->added++;
        return "new";
    case HK_ENTRY_REPLACED:
        return "replaced";
    default: /* withdrawn, or by a rollback not there at all */
        d->withdrawn++;
        return listed->state == HK_ENTRY_WITHDRAWN ? "withdrawn" : "gone";
    }
}

static json_t *difference_object(const difference *d)
{
    json_t *object =
        json_pack("{s:I,s:I,s:I,s:I,s:I}", "entries", (json_int_t)d->entries, "added",
                  (json_int_t)d->added, "replaced", (json_int_t)d->replaced, "withdrawn",
                  (json_int_t)d->withdrawn, "quarantined", (json_int_t)d->quarantined);
    if (!d->staged)
        json_object_set_new(object, "proposed", json_integer((json_int_t)d->proposed));
    return json_pack("{s:o}", "summary", object);
}

/* One row for people. What makes room for a proposed version is named in the row of that. */
static void print_row(const list_request *r, difference *d, const hk_listed *listed,
                      const char *word)
{
    if (d->staged && listed->state == HK_ENTRY_REPLACED) {
        d->entries--;
        return;
    }
    if (!r->all && d->shown == SHOWN_ENTRIES)
        return;
    d->shown++;
    list_print_entry(listed, word);
}

static void print_difference(const list_request *r, const difference *d)
{
    if (d->entries > d->shown)
        printf("... and %llu more: --all\n", (unsigned long long)(d->entries - d->shown));
    list_print_count("new entries", d->added);
    list_print_count("newer versions", d->replaced);
    list_print_count("withdrawn", d->withdrawn);
    list_print_count("in quarantine", d->quarantined);
    if (d->proposed)
        list_print_count("only proposed then", d->proposed);
    if (!d->staged || r->common.quiet)
        return;
    if (d->quarantined)
        printf(
            "What is suspicious waits in quarantine until it is approved by name; till then only\n"
            "digests of it that are not suspicious themselves are searched for:\n"
            "      herken list approve %s --entry E --db %s\n",
            r->list, r->shown_db);
    printf(d->entries ? "next: herken list approve %s --db %s\n"
                      : "nothing is proposed for %s in %s\n",
           r->list, r->shown_db);
}

int list_diff(list_request *r)
{
    hk_error err;
    hk_reading *reading;
    const hk_listed *listed = NULL;
    difference d = {.staged = !r->has_from};
    if (r->has_to && !r->has_from)
        return cli_usage("from which revision? --from R --to R");
    hk_status status = r->has_from
                           ? hk_reading_compare(&reading, r->store, r->list, r->from, r->to, &err)
                           : hk_reading_staged(&reading, r->store, r->list, &err);
    if (status)
        return cli_store_fail(&err);
    bool written = true;
    while (written && !(status = hk_reading_next(&listed, reading, &err)) && listed) {
        const char *word = count_change(&d, listed);
        if (r->common.json)
            written = output_line(list_entry_object(listed, true));
        else
            print_row(r, &d, listed, word);
        written &= !ferror(stdout);
    }
    hk_reading_close(reading);
    if (status)
        return cli_store_fail(&err);
    if (r->common.json)
        output_line(difference_object(&d));
    else
        print_difference(r, &d);
    return CLI_DONE;
}

/* ---- log ----------------------------------------------------------------------------------- */

typedef struct log_run {
    const list_request *r;
    uint64_t count;
} log_run;

static void print_log_row(const hk_revision *revision)
{
    char date[LIST_DATE_SIZE], target[40] = "";
    char *actor = output_printable(revision->actor);
    char *reason = revision->reason ? output_printable(revision->reason) : NULL;
    char *source = revision->source ? output_printable(revision->source) : NULL;
    list_format_date(date, revision->at);
    if (revision->target)
        snprintf(target, sizeof target,
                 revision->kind == HK_REVISION_ROLLBACK ? " to %llu" : " of %llu",
                 (unsigned long long)revision->target);
    printf("%-6llu %s  %s%s by %s", (unsigned long long)revision->number, date,
           hk_revision_kind_name(revision->kind), target, actor ? actor : "?");
    if (revision->kind == HK_REVISION_IMPORT)
        printf(": proposes %llu new, %llu newer versions, %llu to be withdrawn",
               (unsigned long long)revision->added, (unsigned long long)revision->replaced,
               (unsigned long long)revision->withdrawn);
    else if (revision->kind != HK_REVISION_CREATE)
        printf(": %llu added, %llu replaced, %llu withdrawn, %llu in quarantine",
               (unsigned long long)revision->added, (unsigned long long)revision->replaced,
               (unsigned long long)revision->withdrawn, (unsigned long long)revision->quarantined);
    putchar('\n');
    if (source)
        printf("       from %s\n", source);
    if (reason)
        printf("       %s\n", reason);
    free(actor);
    free(source);
    free(reason);
}

static bool take_revision(void *context, const hk_revision *revision)
{
    log_run *run = context;
    if (run->r->common.json)
        output_line(list_revision_object(revision));
    else
        print_log_row(revision);
    run->count++;
    return !ferror(stdout) && !(run->r->has_max && run->count >= run->r->max);
}

int list_log(list_request *r)
{
    hk_error err;
    log_run run = {.r = r};
    return hk_store_log(r->store, r->list, take_revision, &run, &err) ? cli_store_fail(&err)
                                                                      : CLI_DONE;
}

/* ---- export -------------------------------------------------------------------------------- */

/* What was written, and what the file does not say. */
static void report_export(const list_request *r, const hk_list_info *info, uint64_t written,
                          uint64_t left_out)
{
    if (r->out && r->common.json)
        output_line(json_pack("{s:I,s:I}", "written", (json_int_t)written, "left_out",
                              (json_int_t)left_out));
    if (!r->common.quiet)
        cli_say("%llu entries written", (unsigned long long)written);
    /* Entries that the file lacks are no mere talk: --quiet does not hide them. */
    if (left_out)
        cli_say("%llu entries left out: format %s cannot say what they hold",
                (unsigned long long)left_out, r->format);
    if (info->settings.known_good)
        cli_say("%s is known good, which the file does not say: tell who gets it", r->list);
}

int list_export(list_request *r)
{
    hk_error err;
    uint64_t written, left_out;
    hk_list_info info;
    const unsigned states = r->states ? r->states : 1u << HK_ENTRY_ACTIVE;
    if (r->format && !strcmp(r->format, "help")) {
        list_name_formats(stdout, true);
        return CLI_DONE;
    }
    if (!r->format) {
        list_name_formats(stderr, true);
        return cli_usage("in which format? --format FORMAT, one of these");
    }
    if (hk_store_export(&written, &left_out, r->store, r->list, r->revision, states, r->format,
                        r->out ? r->out : "-", &err) ||
        hk_store_info(&info, r->store, r->list, &err))
        return cli_store_fail(&err);
    report_export(r, &info, written, left_out);
    return CLI_DONE;
}

/* ---- verify -------------------------------------------------------------------------------- */

static void say_problem(void *context, const char *message)
{
    list_request *r = context;
    progress_hide(&r->bar);
    if (r->common.json) {
        json_t *object = json_object();
        output_path(object, "problem", message);
        output_line(object);
    } else {
        char *text = output_printable(message);
        puts(text ? text : "?");
        free(text);
    }
}

static bool on_verify(void *context, uint64_t done, uint64_t total)
{
    return list_progress(context, done, total);
}

static int report_problems(const list_request *r, size_t problems)
{
    if (r->common.json)
        output_line(json_pack("{s:b,s:I}", "ok", problems == 0, "problems", (json_int_t)problems));
    else if (problems)
        printf("%zu problems: go back to a copy of the store from before\n", problems);
    else
        printf("every entry and every revision is as it should be\n");
    return problems ? CLI_MATCH : CLI_DONE;
}

int list_verify_broken(list_request *r, const hk_error *err)
{
    say_problem(r, err->message);
    return cli_finish(report_problems(r, 1));
}

int list_verify(list_request *r)
{
    hk_error err;
    hk_list_info info;
    size_t problems;
    hk_status status = r->list ? hk_store_info(&info, r->store, r->list, &err) : HK_OK;
    if (!status) {
        list_catch_stop();
        list_progress_start(r, "steps");
        status = hk_store_verify(&problems, r->store, say_problem, on_verify, r, &err);
        progress_hide(&r->bar);
    }
    if (status == HK_ERR_FORMAT) /* so wrong that it cannot be read on */
        return list_verify_broken(r, &err);
    return status ? cli_store_fail(&err) : report_problems(r, problems);
}
