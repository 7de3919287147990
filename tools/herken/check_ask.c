/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_ask.c - asking a server, and asking again.
 *
 *      200            read the answer; what it leaves out stays not_checked
 *      400, 413, 422  in two halves: one item may have spoilt it; a single one is refused
 *      401, 403, 404  refused: asking again helps nobody until a person has mended it
 *      429, 5xx, ...  away: wait, at least what Retry-After says, twice as long each time
 *
 * An asker has patience: so long after the first failure it gives up, and further batches are tried
 * once each, no sooner than the back-off allows, until one is answered.
 */
#include "check_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    SECOND = 1000000000,
    FIRST_DELAY = SECOND / 4,
    REFUSALS = 32,            /* of halves, before the whole rest is given up */
    ANSWER_BYTES = 4096,      /* of one result, at most: */
    ANSWER_MORE_BYTES = 65536 /* and of what stands around them */
};
static const uint64_t longest_delay = UINT64_C(60) * SECOND;

uint64_t check_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void check_sleep(uint64_t until, const bool *stop)
{
    enum { STEP = SECOND / 20 };
    for (uint64_t now; (now = check_clock()) < until && !(stop && *(const volatile bool *)stop);) {
        const uint64_t left = until - now;
        nanosleep(&(struct timespec){.tv_nsec = (long)(left < STEP ? left : STEP)}, NULL);
    }
}

static uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = check_clock() * UINT64_C(0x9e3779b97f4a7c15);
    return number;
}

bool check_ask_ready(const check_asker *asker)
{
    return !asker->away_since || check_clock() >= asker->next_try;
}

/* ---- one request --------------------------------------------------------------------------- */

/* A batch while it is asked. */
typedef struct asking {
    check_asker *asker;
    const check_subject *subjects;
    check_answer *answers;
    unsigned refusals;
} asking;

/* {"items":[{"ref":"...",...},...]}. Refs count, behind a number that nobody can guess: an answer
 * to something else is told apart. Owned. */
static char *body_of(char (*refs)[CHECK_REF_SIZE], const check_subject *subjects,
                     const size_t *which, size_t count)
{
    const unsigned nonce = (unsigned)random_number();
    size_t size = 32, length;
    for (size_t i = 0; i < count; i++)
        size += strlen(subjects[which[i]].item) + CHECK_REF_SIZE + 16;
    char *body = malloc(size);
    if (!body)
        return NULL;
    length = (size_t)snprintf(body, size, "{\"items\":[");
    for (size_t i = 0; i < count; i++) {
        snprintf(refs[i], CHECK_REF_SIZE, "%08x-%u", nonce, (unsigned)i);
        length += (size_t)snprintf(body + length, size - length, "%s{\"ref\":\"%s\",%s",
                                   i ? "," : "", refs[i], subjects[which[i]].item + 1);
    }
    snprintf(body + length, size - length, "]}");
    return body;
}

static void set_reason(asking *a, const size_t *which, size_t count, const char *reason)
{
    for (size_t i = 0; i < count; i++) {
        check_answer *answer = &a->answers[which[i]];
        check_answer_clear(answer);
        snprintf(answer->reason, sizeof answer->reason, "%s", reason);
    }
}

/* Hands the answers to those who asked. False: it cannot be relied on. */
static bool take_answers(asking *a, const char (*refs)[CHECK_REF_SIZE], const size_t *which,
                         size_t count, check_reply *reply)
{
    check_answer got[CHECK_BATCH] = {0};
    char words[CHECK_WORDS_SIZE] = "";
    if (!check_answers_read(got, refs, count, reply->body ? reply->body : "", reply->length,
                            words)) {
        snprintf(reply->words, sizeof reply->words, "its answer cannot be used: %.100s", words);
        return false;
    }
    set_reason(a, which, count, "no_answer");
    for (size_t i = 0; i < count; i++)
        if (got[i].asked || *got[i].reason)
            a->answers[which[i]] = got[i];
    return true;
}

typedef enum outcome { ANSWERED, AWAY, REFUSED, SPLIT, BROKEN } outcome;

static outcome outcome_of(const check_reply *reply)
{
    if (reply->what == CHECK_UNTRUSTED)
        return REFUSED;
    if (reply->what != CHECK_REPLY)
        return AWAY;
    switch (reply->status) {
    case 200:
        return ANSWERED;
    case 400:
    case 413:
    case 422:
        return SPLIT;
    case 408:
    case 425:
    case 429:
        return AWAY;
    default:
        return reply->status >= 300 && reply->status < 500 ? REFUSED : AWAY;
    }
}

/* What the server says of an error, as far as it can be shown. */
static void name_error(check_reply *reply)
{
    json_t *root =
        reply->body ? json_loadb(reply->body, reply->length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *error = json_object_get(root, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    snprintf(reply->words, sizeof reply->words, "status %ld%s%.30s%s%.90s", reply->status,
             code ? ": " : "", code ? code : "", message ? ", " : "", message ? message : "");
    json_decref(root);
}

static outcome post(check_reply *reply, asking *a, const size_t *which, size_t count)
{
    char refs[CHECK_BATCH][CHECK_REF_SIZE];
    char *body = body_of(refs, a->subjects, which, count);
    const bool sent = body && check_http_post(reply, a->asker->http, body, strlen(body),
                                              count * ANSWER_BYTES + ANSWER_MORE_BYTES);
    free(body);
    if (!sent)
        return BROKEN;
    outcome got = outcome_of(reply);
    if (got == ANSWERED &&
        !take_answers(a, (const char(*)[CHECK_REF_SIZE])refs, which, count, reply))
        return AWAY;
    if (got != ANSWERED && reply->what == CHECK_REPLY)
        name_error(reply);
    return got;
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void note_failure(check_asker *asker, const check_reply *reply)
{
    const uint64_t now = check_clock();
    if (!asker->away_since)
        asker->away_since = now;
    asker->delay_ns = asker->delay_ns ? asker->delay_ns * 2 : FIRST_DELAY;
    if (asker->delay_ns > longest_delay)
        asker->delay_ns = longest_delay;
    /* Many askers that were turned away together do not come back together. */
    uint64_t wait = asker->delay_ns / 2 + random_number() % (asker->delay_ns / 2 + 1);
    if (wait < reply->retry_after_ms * 1000000)
        wait = reply->retry_after_ms * 1000000 + random_number() % (asker->delay_ns / 2 + 1);
    asker->next_try = now + wait;
}

/* Whether to try the same batch again, after having waited. */
static bool wait_for_next(check_asker *asker)
{
    const bool stop = asker->stop && *(const volatile bool *)asker->stop;
    if (asker->once || stop || asker->next_try > asker->away_since + asker->patience_ns)
        return false;
    check_sleep(asker->next_try, asker->stop);
    return !(asker->stop && *(const volatile bool *)asker->stop);
}

static void tell_away(check_asker *asker, const check_reply *reply)
{
    if (!asker->told_away) /* not mere talk: --quiet does not hide it */
        cli_say("the server gives no answer: %s", reply->words);
    asker->told_away = true;
}

static void note_answer(check_asker *asker)
{
    if (asker->told_away && !asker->quiet)
        cli_say("the server answers again");
    asker->away_since = asker->next_try = asker->delay_ns = 0;
    asker->told_away = false;
}

/* ---- a batch ------------------------------------------------------------------------------- */

static bool ask_some(asking *a, const size_t *which, size_t count)
{
    check_asker *asker = a->asker;
    for (;;) {
        check_reply reply;
        const outcome got = post(&reply, a, which, count);
        free(reply.body);
        reply.body = NULL;
        switch (got) {
        case BROKEN:
            cli_say("out of memory");
            return false;
        case ANSWERED:
            note_answer(asker);
            return true;
        case REFUSED:
            note_failure(asker, &reply);
            tell_away(asker, &reply);
            set_reason(a, which, count,
                       reply.what == CHECK_UNTRUSTED ? "server_untrusted" : "refused");
            return true;
        case SPLIT:
            if (count > 1 && ++a->refusals <= REFUSALS)
                return ask_some(a, which, count / 2) &&
                       ask_some(a, which + count / 2, count - count / 2);
            cli_say("the server refuses to look %zu item%s up: %s", count, count > 1 ? "s" : "",
                    reply.words);
            set_reason(a, which, count, "refused");
            for (size_t i = 0; count == 1 && i < count; i++)
                a->answers[which[i]].asked = true; /* and will refuse it again */
            return true;
        case AWAY:
            note_failure(asker, &reply);
            if (wait_for_next(asker))
                continue;
            tell_away(asker, &reply);
            set_reason(a, which, count, "server_away");
            return true;
        }
    }
}

bool check_ask(check_answer *answers, check_asker *asker, const check_subject *subjects,
               size_t count)
{
    size_t which[CHECK_BATCH], asked = 0;
    memset(answers, 0, count * sizeof *answers);
    for (size_t i = 0; i < count; i++)
        if (subjects[i].item)
            which[asked++] = i;
        else
            snprintf(answers[i].reason, sizeof answers[i].reason, "%s",
                     subjects[i].otherwise ? subjects[i].otherwise : "server");
    asking a = {.asker = asker, .subjects = subjects, .answers = answers};
    if (!asked)
        return true;
    if (!check_ask_ready(asker) && (asker->once || !wait_for_next(asker))) {
        set_reason(&a, which, asked, "server_away");
        return true;
    }
    return ask_some(&a, which, asked);
}
