/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_act.c - `herken case decide, carry, merge`: what people do with cases. */
#include "case_verbs.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_count(json_t *object, const char *key, uint64_t count)
{
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

/* ---- decide -------------------------------------------------------------------------------- */

static void report_decision(const case_request *r, uint64_t contents)
{
    if (r->common.json) {
        json_t *object = json_object();
        set_count(object, "contents", contents);
        if (r->group)
            set_count(object, "group", r->group);
        else
            output_path(object, "path", r->file);
        set_text(object, "category", r->category);
        if (r->undo)
            json_object_set_new(object, "undone", json_true());
        set_text(object, "actor", r->act.actor);
        set_text(object, "reason", r->act.reason);
        output_line(object);
        return;
    }
    char *actor = output_printable(r->act.actor);
    char *category = r->category ? output_printable(r->category) : NULL;
    printf("%llu content%s: %s%s, by %s\n", (unsigned long long)contents, contents == 1 ? "" : "s",
           r->undo ? "decision taken back" : "decided ", category ? category : "",
           actor ? actor : "?");
    if (r->undo && !contents && !r->common.quiet)
        cli_say("nothing stood there that could be taken back");
    free(actor);
    free(category);
}

int case_decide(case_request *r)
{
    hk_error err;
    uint64_t contents;
    if (!r->group == !r->file)
        return cli_usage("on what? --group G or --file PATH%s", r->file ? ", not both" : "");
    if (!r->category == !r->undo)
        return cli_usage("what is it? --category C, or --undo%s", r->undo ? ", not both" : "");
    if (hk_case_decide(&contents, r->c, r->group, r->file, r->category, &r->act, &err))
        return cli_store_fail(&err);
    report_decision(r, contents);
    return CLI_DONE;
}

/* ---- carry --------------------------------------------------------------------------------- */

int case_carry(case_request *r)
{
    hk_error err;
    uint64_t contents;
    if (!r->from)
        return cli_usage("from which case? --from OLD");
    if (hk_case_carry(&contents, r->c, r->from, &err))
        return cli_store_fail(&err);
    if (r->common.json) {
        json_t *object = json_object();
        set_count(object, "carried", contents);
        output_path(object, "from", r->from);
        output_line(object);
    } else {
        printf("%llu decision%s carried over\n", (unsigned long long)contents,
               contents == 1 ? "" : "s");
    }
    return CLI_DONE;
}

/* ---- merge --------------------------------------------------------------------------------- */

static void report_merge(const case_request *r, const hk_case_info *info, const hk_account *account)
{
    if (r->common.json) {
        json_t *object = json_object();
        output_path(object, "case", r->path);
        set_count(object, "shards", r->rest_count);
        set_count(object, "groups", info->groups);
        set_count(object, "decisions", info->decisions);
        output_line(object);
        output_line(output_account(account, true));
        return;
    }
    char *place = output_printable(r->path);
    printf("%s: one case of %zu shard%s\n", place ? place : "?", r->rest_count,
           r->rest_count == 1 ? "" : "s");
    output_account_text(stdout, account, true);
    free(place);
    place = r->common.quiet ? NULL : output_shell(r->path);
    if (place)
        cli_say("done; next: herken report %s --html report.html --manifest manifest.json", place);
    free(place);
}

int case_merge(case_request *r)
{
    hk_error err;
    hk_case_info info;
    hk_account account;
    hk_status status = hk_case_merge(r->path, (const char *const *)r->rest, r->rest_count,
                                     r->common.scan.workers, &err);
    if (!status)
        status = hk_case_open(&r->c, r->path, HK_CASE_READ, &err);
    if (!status)
        status = hk_case_describe(&info, r->c, &err);
    if (!status)
        status = hk_case_account(&account, r->c, &err);
    if (status)
        return cli_store_fail(&err);
    report_merge(r, &info, &account);
    return CLI_DONE;
}
