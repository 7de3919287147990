/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_show.c - `herken case info, groups, decisions`: what is in a case. */
#include "case_verbs.h"
#include "list_output.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

static void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

/* Text of a case may be anybody's. */
static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        output_path(object, key, text);
}

static void set_date(json_t *object, const char *key, int64_t at)
{
    char date[LIST_DATE_SIZE];
    list_format_date(date, at);
    if (*date)
        json_object_set_new(object, key, json_string(date));
}

/* Prints foreign text between words of ours. */
static void put(const char *before, const char *text, const char *after)
{
    char *printable = output_printable(text);
    printf("%s%s%s", before, printable ? printable : "?", after);
    free(printable);
}

static const char *radius_words(char out[16], int radius)
{
    if (radius < 0)
        return "none";
    snprintf(out, 16, "%d", radius);
    return out;
}

/* ---- info ---------------------------------------------------------------------------------- */

static hk_status describe_json(json_t *object, case_request *r, const hk_case_info *info,
                               hk_error *err)
{
    hk_status status = HK_OK;
    json_t *inputs = json_array(), *lists = json_array(), *sessions = json_array();
    for (size_t i = 0; !status && i < info->inputs; i++) {
        hk_case_input input;
        status = hk_case_input_get(&input, r->c, i, err);
        if (status)
            break;
        json_t *one = json_object();
        output_path(one, "path", input.given);
        output_path(one, "absolute", input.absolute);
        json_array_append_new(inputs, one);
    }
    for (size_t i = 0; !status && i < info->lists; i++) {
        hk_case_list list;
        status = hk_case_list_get(&list, r->c, i, err);
        if (status)
            break;
        json_t *one = json_object();
        set_text(one, "list", list.name);
        output_path(one, "source", list.source);
        json_object_set_new(one, "known_good", json_boolean(list.known_good));
        if (list.revision)
            set_count(one, "revision", list.revision);
        set_text(one, "digest", list.digest);
        set_count(one, "entries", list.entries);
        json_array_append_new(lists, one);
    }
    for (size_t i = 0; !status && i < info->sessions; i++) {
        hk_case_session session;
        status = hk_case_session_get(&session, r->c, i, err);
        if (status)
            break;
        json_t *one = json_object();
        set_date(one, "started", session.started);
        if (session.ended)
            set_date(one, "ended", session.ended);
        set_count(one, "workers", session.workers);
        set_count(one, "done", session.done);
        set_text(one, "machine", session.machine);
        json_array_append_new(sessions, one);
    }
    json_object_set_new(object, "inputs", inputs);
    json_object_set_new(object, "lists", lists);
    json_object_set_new(object, "sessions", sessions);
    return status;
}

static json_t *info_object(const case_request *r, const hk_case_info *info)
{
    json_t *object = json_object();
    output_path(object, "case", r->path);
    json_object_set_new(object, "state", json_string(hk_case_state_name(info->state)));
    set_count(object, "shard", info->shard);
    set_count(object, "shards", info->shards);
    json_object_set_new(object, "profile", json_string(hk_profile_name(info->profile)));
    if (info->max_distance >= 0)
        set_count(object, "max_distance", (uint64_t)info->max_distance);
    output_radii(object, "radius", info->radius);
    output_radii(object, "exact_radius", info->exact_radius);
    output_radii(object, "aligned_radius", info->aligned_radius);
    json_object_set_new(object, "probes", json_string(hk_probes_name(info->probes)));
    set_count(object, "hashes", info->hashes);
    set_text(object, "version", info->version);
    set_text(object, "model_checksum", info->model_checksum);
    set_text(object, "calibration_checksum", info->calibration_checksum);
    set_count(object, "groups", info->groups);
    set_count(object, "decisions", info->decisions);
    return object;
}

static hk_status print_inputs(case_request *r, const hk_case_info *info, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < info->inputs; i++) {
        hk_case_input input;
        status = hk_case_input_get(&input, r->c, i, err);
        if (status)
            break;
        put("input    ", input.given, "");
        put(" (", input.absolute, ")\n");
    }
    for (size_t i = 0; !status && i < info->lists; i++) {
        hk_case_list list;
        status = hk_case_list_get(&list, r->c, i, err);
        if (status)
            break;
        put("list     ", list.name, list.known_good ? ", known good" : "");
        if (list.revision)
            printf(", revision %llu", (unsigned long long)list.revision);
        printf(", %llu entries", (unsigned long long)list.entries);
        put(", ", list.digest, "\n");
    }
    return status;
}

static hk_status print_sessions(case_request *r, const hk_case_info *info, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < info->sessions; i++) {
        hk_case_session session;
        char started[LIST_DATE_SIZE], ended[LIST_DATE_SIZE];
        status = hk_case_session_get(&session, r->c, i, err);
        if (status)
            break;
        list_format_date(started, session.started);
        list_format_date(ended, session.ended);
        printf("session  %s to %s, %llu files, %u workers", started,
               session.ended ? ended
               : info->state == HK_CASE_FINISHED || i + 1 < info->sessions
                   ? "an interruption"
                   : "now, or an interruption",
               (unsigned long long)session.done, session.workers);
        put(", ", session.machine, "\n");
    }
    return status;
}

static hk_status print_info(case_request *r, const hk_case_info *info, hk_error *err)
{
    char radius[3][16];
    put("case     ", r->path, "");
    printf(", %s", hk_case_state_name(info->state));
    if (info->shards > 1)
        printf(", shard %u of %u", info->shard, info->shards);
    hk_status status;
    putchar('\n');
    status = print_inputs(r, info, err);
    printf(
        "search   %llu hashes, %s, within %s bits of photos, %s of low texture, %s of graphics\n",
        (unsigned long long)info->hashes, hk_profile_name(info->profile),
        radius_words(radius[0], info->radius[0]), radius_words(radius[1], info->radius[1]),
        radius_words(radius[2], info->radius[2]));
    if (!status)
        status = print_sessions(r, info, err);
    printf("groups   %llu\ndecided  %llu contents\n", (unsigned long long)info->groups,
           (unsigned long long)info->decisions);
    return status;
}

/* What it points to is gone with the case's next call, so it is asked again where that matters. */
int case_info(case_request *r)
{
    hk_error err;
    hk_case_info info;
    hk_account account;
    hk_status status = hk_case_account(&account, r->c, &err);
    if (!status)
        status = hk_case_describe(&info, r->c, &err);
    if (status)
        return cli_store_fail(&err);
    if (r->common.json) {
        json_t *object = info_object(r, &info);
        status = describe_json(object, r, &info, &err);
        if (status) {
            json_decref(object);
            return cli_store_fail(&err);
        }
        output_line(object);
        output_line(output_account(&account, true));
        return CLI_DONE;
    }
    if (print_info(r, &info, &err))
        return cli_store_fail(&err);
    output_account_text(stdout, &account, true);
    return CLI_DONE;
}

/* ---- groups -------------------------------------------------------------------------------- */

static void print_member(const case_request *r, const hk_case_file *got)
{
    const hk_decision *decision = got->decision;
    if (r->common.json) {
        json_t *object = json_object();
        set_count(object, "group", got->group);
        output_path(object, "path", got->file.path);
        json_object_set_new(object, "leader", json_boolean(got->leader));
        set_count(object, "distance", got->group_distance);
        set_count(object, "width", got->file.width);
        set_count(object, "height", got->file.height);
        output_digests(object, &got->file.digests);
        if (got->file.duplicate_of)
            output_path(object, "duplicate_of", got->file.duplicate_of);
        if (decision) {
            set_text(object, "category", decision->category);
            set_text(object, "actor", decision->actor);
        }
        output_line(object);
        return;
    }
    if (got->leader && !got->file.duplicate_of)
        printf("group %llu\n", (unsigned long long)got->group);
    if (got->leader)
        printf("  leader");
    else
        printf("  %6u", got->group_distance);
    put("  ", got->file.path, "");
    if (decision) {
        put("  [", decision->category, "");
        put(" by ", decision->actor, "]");
    }
    putchar('\n');
}

/* Goes through all that is grouped. open (by group) NULL: prints the groups that are `wanted`, all
 * where that is NULL; else: sets it where a content has no decision. */
static hk_status go_through(case_request *r, bool *open, const bool *wanted, uint64_t groups,
                            hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *got = NULL;
    hk_status status = hk_case_reading_open(&reading, r->c, HK_CASE_GROUPED, err);
    if (status)
        return status;
    while (!(status = hk_case_reading_next(&got, reading, err)) && got) {
        const bool known = got->group <= groups; /* in a damaged case there may be others */
        if (open)
            open[known ? got->group : 0] |= !got->decision;
        else if (!wanted || wanted[known ? got->group : 0])
            print_member(r, got);
    }
    hk_case_reading_close(reading);
    return status;
}

int case_groups(case_request *r)
{
    hk_error err;
    hk_case_info info;
    if (hk_case_describe(&info, r->c, &err))
        return cli_store_fail(&err);
    if (info.state != HK_CASE_FINISHED)
        return cli_usage("%s: its run is not finished: there are no groups yet", r->path);
    bool *open = calloc((size_t)info.groups + 1, sizeof *open);
    if (!open) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    uint64_t left = 0;
    hk_status status = go_through(r, open, NULL, info.groups, &err);
    for (uint64_t g = 0; g <= info.groups; g++)
        left += open[g];
    if (!status)
        status = go_through(r, NULL, r->all ? NULL : open, info.groups, &err);
    free(open);
    if (status)
        return cli_store_fail(&err);
    if (!r->common.json && !r->common.quiet && left)
        printf("%llu of %llu group%s %s not decided on\n"
               "next: herken case decide CASE --group G --category C --by NAME\n",
               (unsigned long long)left, (unsigned long long)info.groups,
               info.groups == 1 ? "" : "s", left == 1 ? "is" : "are");
    else if (!r->common.json && !r->common.quiet && !info.groups)
        printf("no groups: no two unknown pictures look alike\n");
    else if (!r->common.json && !r->common.quiet)
        printf("%llu group%s, and all are decided on\n", (unsigned long long)info.groups,
               info.groups == 1 ? "" : "s");
    return CLI_DONE;
}

/* ---- decisions ----------------------------------------------------------------------------- */

static bool print_decision(void *context, const hk_case_decision *told)
{
    const case_request *r = context;
    const hk_decision *decision = &told->decision;
    if (r->common.json) {
        json_t *object = json_object();
        output_path(object, "path", told->path);
        set_count(object, "files", told->files);
        output_digests(object, &told->digests);
        set_text(object, "category", decision->category);
        if (!decision->category)
            json_object_set_new(object, "undone", json_true());
        set_text(object, "actor", decision->actor);
        set_text(object, "reason", decision->reason);
        set_date(object, "date", decision->at);
        set_text(object, "carried", decision->carried);
        json_object_set_new(object, "stands", json_boolean(told->stands));
        return output_line(object);
    }
    char date[LIST_DATE_SIZE];
    list_format_date(date, decision->at);
    printf("%s  ", date);
    if (decision->category)
        put("", decision->category, told->stands ? "" : " (no longer)");
    else
        printf("(taken back)");
    put("  by ", decision->actor, "");
    put("  ", told->path, "");
    if (told->files > 1)
        printf(" (%llu files)", (unsigned long long)told->files);
    if (decision->reason)
        put(": ", decision->reason, "");
    if (decision->carried)
        put(", carried over from ", decision->carried, "");
    return putchar('\n') != EOF;
}

int case_decisions(case_request *r)
{
    hk_error err;
    hk_case_info info;
    hk_status status = hk_case_describe(&info, r->c, &err);
    if (!status && !info.decisions && !r->common.quiet)
        cli_say("nothing stands decided; herken case groups shows what waits for it");
    if (!status)
        status = hk_case_decisions(r->c, print_decision, r, &err);
    return status ? cli_store_fail(&err) : CLI_DONE;
}
