/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - POST /v1/check.
 *
 *      body -> items -> admitted? -> searched together -> on the record -> answered
 *
 * Nothing is answered that is not in the audit log. The test entry goes the same way, is none of
 * the lists', and becomes a hit only in the answer's text: no list, brake or budget ever sees one.
 */
#include "answers.h"
#include "reload.h"
#include "routes.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One check on its way; everything is owned by it. */
typedef struct checking {
    check_request request;
    deck *deck;
    hk_answer *answers;
    hk_asked *asked;
} checking;

static void clear(checking *c)
{
    if (c->answers)
        hk_answers_clear(c->answers, c->request.count);
    free(c->answers);
    free(c->asked);
    deck_release(c->deck);
    request_clear_check(&c->request);
}

static void unavailable(exchange *e, const char *code, const char *message)
{
    answer_error(e, 503, code, message);
    e->reply.retry_after = 1;
}

/* An account without near answers left gets digest hits alone. Its hashes are not looked up at all:
 * how long that takes would tell what it may not know. */
static void close_near(checking *c)
{
    for (size_t i = 0; i < c->request.count; i++)
        c->request.queries[i].hash_count = 0;
}

static hk_asked asked_of(const checking *c, size_t i, bool near_closed)
{
    const hk_answer *answer = &c->answers[i];
    hk_asked asked = {.hashes = c->request.queries[i].hashes,
                      .hash_count = c->request.queries[i].hash_count,
                      .hit = answer->hit,
                      .matches = answer->matches,
                      .match_count = answer->match_count,
                      .verdict = answer->verdict,
                      .otherwise = answer->otherwise};
    if (near_closed && asked.hashes && asked.verdict != HK_VERDICT_EXACT) {
        asked.verdict = asked.otherwise = HK_VERDICT_NOT_CHECKED;
        asked.match_count = 0;
        asked.reason = "near_budget";
    }
    return asked;
}

static bool search(checking *c, exchange *e)
{
    hk_error err;
    const size_t count = c->request.count;
    c->answers = calloc(count, sizeof *c->answers);
    c->asked = calloc(count, sizeof *c->asked);
    if (!c->answers || !c->asked) {
        unavailable(e, "out_of_memory", "out of memory");
        return false;
    }
    if (e->caller.near_closed)
        close_near(c);
    if (hk_matcher_check(c->answers, c->deck->matcher, c->request.queries, count, &err)) {
        metrics_add(&e->server->metrics.searches_failed, 1);
        say_seldom("a check could not be searched for: %s", err.message);
        if (err.status == HK_ERR_FORMAT) /* a snapshot is damaged: it is made anew when opened */
            reload_now(e->server->reload);
        unavailable(e, "search_failed", "the lists cannot be searched at the moment");
        return false;
    }
    for (size_t i = 0; i < count; i++)
        c->asked[i] = asked_of(c, i, e->caller.near_closed);
    return true;
}

static bool put_on_record(checking *c, exchange *e)
{
    hk_error err;
    if (!hk_ledger_answer(NULL, e->server->ledger, &e->caller, c->asked, c->request.count,
                          e->address, &err))
        return true;
    say_seldom("nothing is answered: %s", err.message);
    unavailable(e, "no_record", "answers cannot be put on record at the moment");
    return false;
}

static void answer(const checking *c, exchange *e)
{
    json_t *results = json_array();
    for (size_t i = 0; i < c->request.count; i++) {
        const check_item *item = &c->request.items[i];
        if (json_array_append_new(results, answer_item(item, &c->asked[i], c->answers[i].reason))) {
            json_decref(results);
            results = NULL;
            break;
        }
        if (item->test || item->test_hash)
            metrics_add(&e->server->metrics.test_hits, 1);
    }
    answer_json(e, 200,
                results ? json_pack("{s:I,s:o}", "revision", (json_int_t)c->deck->revision,
                                    "results", results)
                        : NULL);
    metrics_add(&e->server->metrics.items, c->request.count);
}

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void route_check(exchange *e)
{
    static const refusal no_lists = {503, "no_lists", "there are no lists to look anything up in"};
    const uint64_t began = clock_ns();
    refusal why;
    checking c = {.deck = server_deck(e->server)};
    if (!request_read_check(&c.request, &why, e->body ? e->body : "", e->length,
                            e->server->settings.max_items))
        routes_refuse(e, HK_SCOPE_CHECK, &why);
    else if (!c.deck->entries) /* nothing could ever match: that is no reason to say none */
        routes_refuse(e, HK_SCOPE_CHECK, &no_lists);
    else if (routes_admit(e, HK_SCOPE_CHECK, c.request.count) && search(&c, e) &&
             put_on_record(&c, e))
        answer(&c, e);
    if (e->reply.status == 503)
        e->reply.retry_after = 1;
    clear(&c);
    metrics_time(&e->server->metrics, clock_ns() - began);
}
