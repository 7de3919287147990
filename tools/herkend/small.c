/* SPDX-License-Identifier: GPL-3.0-or-later */
/* small.c - every route but POST /v1/check. */
#include "answers.h"
#include "openapi.h"
#include "routes.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

static void take_feedback(exchange *e, const feedback_request *f)
{
    hk_error err;
    const bool test = !strcmp(f->match_id, TEST_MATCH_ID);
    const hk_status status = test ? HK_OK
                                  : hk_ledger_feedback(e->server->ledger, &e->caller, f->match_id,
                                                       f->agree, f->reason, e->address, &err);
    switch (status) {
    case HK_OK:
        metrics_add(&e->server->metrics.feedback, !test);
        answer_json(e, 200, json_pack("{s:b}", "accepted", 1));
        break;
    case HK_ERR_USAGE:
        answer_error(e, 404, "unknown_match", "no answer to this account had that match_id");
        break;
    case HK_ERR_LIMIT:
        answer_error(e, 400, "invalid_reason", "a reason has at most 1,000 bytes");
        break;
    default:
        say_seldom("feedback could not be kept: %s", err.message);
        answer_error(e, 503, "no_record", "feedback cannot be kept at the moment");
        e->reply.retry_after = 1;
    }
}

void route_feedback(exchange *e)
{
    feedback_request f;
    refusal why;
    if (!request_read_feedback(&f, &why, e->body ? e->body : "", e->length)) {
        routes_refuse(e, HK_SCOPE_FEEDBACK, &why);
        return;
    }
    if (routes_admit(e, HK_SCOPE_FEEDBACK, 1))
        take_feedback(e, &f);
    request_clear_feedback(&f);
}

void route_lists(exchange *e)
{
    deck *d = server_deck(e->server);
    json_t *lists = json_array();
    for (size_t l = 0; l < d->count; l++) {
        const hk_list *list = d->lists[l].list;
        json_t *row = json_pack("{s:s,s:I,s:I}", "name", d->lists[l].name, "revision",
                                (json_int_t)hk_list_revision(list), "entries",
                                (json_int_t)hk_list_count(list));
        if (row && hk_list_known_good(list))
            json_object_set_new(row, "known_good", json_true());
        json_array_append_new(lists, row);
    }
    answer_json(e, 200,
                json_pack("{s:I,s:o}", "revision", (json_int_t)d->revision, "lists", lists));
    deck_release(d);
}

void route_health(exchange *e)
{
    answer_json(e, 200, json_pack("{s:s}", "status", "ok"));
}

void route_ready(exchange *e)
{
    hk_error err;
    deck *d = server_deck(e->server);
    if (atomic_load(&e->server->stopping))
        answer_error(e, 503, "stopping", "the server is being stopped");
    else if (!d->entries)
        answer_error(e, 503, "no_lists", "there are no lists to look anything up in");
    else if (hk_ledger_ready(e->server->ledger, &err))
        answer_error(e, 503, "no_record", "answers cannot be put on record at the moment");
    else
        answer_json(e, 200,
                    json_pack("{s:s,s:I}", "status", "ready", "revision", (json_int_t)d->revision));
    deck_release(d);
}

void route_metrics(exchange *e)
{
    char *page;
    size_t length;
    if (metrics_page(&page, &length, e->server))
        answer_text(e, 200, "text/plain; version=0.0.4; charset=utf-8", page, length);
    else
        answer_error(e, 503, "out_of_memory", "out of memory");
}

void route_openapi(exchange *e)
{
    answer_fixed(e, 200, "application/json", openapi_json, openapi_json_length);
}
