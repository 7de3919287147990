/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer.c - from what was found to what is answered (hk_ledger_answer).
 *
 *      braked entries out --> budget of near answers --> walks --> match ids --> record --> answer
 */
#include "ledger/ledger.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

enum { DELAY_MOST_MS = 60000 };
static const char budget_words[] = "near_budget";

/* What one answer is made with. */
typedef struct answering {
    hk_ledger *ledger;
    const hk_caller *caller;
    hk__client *client;
    uint64_t now;
    int64_t wall;
    hk__record_text braked, hits; /* arrays of the record, without their brackets */
    hk__booking *bookings;        /* with what they own */
    size_t booking_count, booking_capacity;
    uint64_t suppressed;
    bool budget_over, slowed; /* for the first time today: a person should know */
    double points;
} answering;

static void clear(answering *a)
{
    for (size_t i = 0; i < a->booking_count; i++)
        hk__booking_clear(&a->bookings[i]);
    hk__free(a->bookings);
    hk__free(a->braked.bytes);
    hk__free(a->hits.bytes);
}

/* match: whose entry it is about; NULL: of none. */
static hk__booking *add_booking(answering *a, hk__follows kind, const hk_match *match)
{
    const char *list = match ? match->list : NULL, *entry = match ? match->entry : NULL;
    if (a->booking_count == a->booking_capacity) {
        const size_t capacity = a->booking_capacity ? 2 * a->booking_capacity : 16;
        hk__booking *grown = hk__realloc(a->bookings, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        a->bookings = grown;
        a->booking_capacity = capacity;
    }
    hk__booking *booking = &a->bookings[a->booking_count];
    *booking = (hk__booking){.kind = kind, .client = a->caller->client, .at = a->wall};
    booking->number = match ? match->entry_number : 0;
    booking->list = list ? hk__strndup(list, strlen(list)) : NULL;
    booking->entry = entry ? hk__strndup(entry, strlen(entry)) : NULL;
    a->booking_count++;
    return (list && !booking->list) || (entry && !booking->entry) ? NULL : booking;
}

/* ---- for people ---------------------------------------------------------------------------- */

/* Writes a record of its own, and books what is for a person. */
static hk_status tell(answering *a, const char *kind, hk__booking *booking, const char *more,
                      hk_error *err)
{
    hk__record_text record = {0};
    if (!booking || !booking->words)
        return hk__fail_memory(err);
    hk__record_add(&record, "\"kind\":\"%s\"", kind);
    if (booking->client)
        hk__record_add(&record, ",\"client\":%" PRIu64 ",\"name\":\"%s\"", booking->client,
                       a->caller->name);
    hk__record_entry(&record, booking->list, booking->entry, booking->number);
    hk__record_add(&record, ",\"at\":%" PRId64 "%s", booking->at, more);
    hk__record_field(&record, "words", booking->words);
    return hk__ledger_append(NULL, a->ledger, &record, err);
}

static hk_status tell_brake(answering *a, const hk_match *match, hk__braking braking, uint64_t hits,
                            uint64_t clients, hk_error *err)
{
    char words[200], more[80];
    hk__booking *booking = add_booking(a, HK__FOLLOWS_BRAKE, match);
    if (booking && braking == HK__BRAKE_NOW)
        booking->client = 0;
    snprintf(words, sizeof words,
             "%" PRIu64 " near hits within a day, by %" PRIu64 " account%s: it is answered as "
             "absent%s until a person releases or confirms it",
             hits, clients, clients == 1 ? "" : "s",
             braking == HK__BRAKE_NOW ? "" : " to that account");
    snprintf(more, sizeof more, ",\"hits\":%" PRIu64 ",\"clients\":%" PRIu64, hits, clients);
    if (booking) {
        booking->words = hk__strndup(words, strlen(words));
        booking->notice = HK_NOTICE_BRAKE;
        booking->hits = hits;
        booking->clients = clients;
    }
    return tell(a, "brake", booking, more, err);
}

/* A notice about the account. */
static hk_status tell_of_client(answering *a, const char *kind, hk_notice_kind notice,
                                const char *words, hk_error *err)
{
    hk__booking *booking = add_booking(a, HK__FOLLOWS_NOTICE, NULL);
    if (booking) {
        booking->words = hk__strndup(words, strlen(words));
        booking->notice = notice;
    }
    return tell(a, kind, booking, "", err);
}

/* ---- braked entries ------------------------------------------------------------------------- */

static bool may_be_braked(const hk_match *match)
{
    return match->basis == HK_BASIS_PDQ && !match->known_good;
}

static void note_braked(answering *a, const hk_match *match)
{
    hk__record_add(&a->braked, "%s{\"distance\":%u", a->braked.length ? "," : "", match->distance);
    hk__record_entry(&a->braked, match->list, match->entry, match->entry_number);
    hk__record_add(&a->braked, "}");
    a->suppressed++;
}

/* Takes near hits on braked entries out of one item. *suppressed: there were some. */
static hk_status take_out(bool *suppressed, answering *a, hk_asked *item, hk_error *err)
{
    size_t kept = 0;
    bool known = false;
    hk_status status = HK_OK;
    const bool count = item->verdict == HK_VERDICT_NEAR && !a->caller->near_closed;
    *suppressed = false;
    for (size_t i = 0; i < item->match_count; i++) {
        hk_match *match = &item->matches[i];
        uint64_t hits = 0, clients = 0;
        hk__braking braking = HK__BRAKE_OFF;
        if (may_be_braked(match))
            braking =
                hk__brake_hit(&hits, &clients, a->ledger->brake,
                              hk__entry_key_of(match->list, match->entry, match->entry_number),
                              a->caller->client, count, a->now, a->wall);
        if (!status && (braking == HK__BRAKE_NOW || braking == HK__BRAKE_NOW_ALONE))
            status = tell_brake(a, match, braking, hits, clients, err);
        if (braking) {
            note_braked(a, match);
            *suppressed = true;
            continue;
        }
        known = known || !match->known_good;
        if (kept != i)
            item->matches[kept] = *match;
        kept++;
    }
    item->match_count = kept;
    if (item->verdict == HK_VERDICT_NEAR && *suppressed && !known)
        item->verdict = item->otherwise;
    return status;
}

/* ---- what the account may have ----------------------------------------------------------------
 */

/* With the account's lock held. */
static bool is_over_budget(const hk__client *c)
{
    return c->near_budget && c->near_used >= c->near_budget;
}

static void spend(answering *a, hk_asked *item)
{
    hk__client *c = a->client;
    const bool over = is_over_budget(c);
    const bool near_hit = item->verdict == HK_VERDICT_NEAR;
    /* Not `none` either: which of the two it is would be an answer. */
    if (over && (near_hit || (item->verdict == HK_VERDICT_NONE && item->hash_count))) {
        item->verdict = HK_VERDICT_NOT_CHECKED;
        item->reason = budget_words;
        item->match_count = 0;
    } else if (near_hit) {
        c->near_used++;
        c->changed = true;
        if (is_over_budget(c) && !c->near_told)
            a->budget_over = c->near_told = true;
    }
}

/* False: no memory. */
static bool watch(answering *a, const hk_asked *item, uint64_t *steps)
{
    unsigned step;
    double points;
    const bool near_hit = item->verdict == HK_VERDICT_NEAR;
    if (!near_hit && item->verdict != HK_VERDICT_NONE)
        return true;
    if (!hk__walks_see(&step, &points, &a->client->walks, item->hashes, item->hash_count, near_hit,
                       item->hit, a->ledger->options.walk_points, a->now))
        return false;
    *steps += step;
    if (step && points > a->points)
        a->points = points;
    return true;
}

static hk_status judge(answering *a, hk_asked *items, size_t count, const bool *suppressed,
                       hk_error *err)
{
    uint64_t steps = 0;
    bool seen = true;
    hk__client *c = a->client;
    pthread_mutex_lock(&c->lock);
    hk__client_day(c, a->wall);
    for (size_t i = 0; i < count && seen; i++) {
        spend(a, &items[i]);
        if (!suppressed[i]) /* an account is not to answer for what we braked */
            seen = watch(a, &items[i], &steps);
    }
    if (steps) {
        uint64_t delay = steps * a->ledger->options.walk_delay_ms;
        delay = delay < DELAY_MOST_MS ? delay : DELAY_MOST_MS;
        c->slow_until = a->now + delay * 1000000;
        a->slowed = !c->walk_told;
        c->walk_told = true;
    }
    pthread_mutex_unlock(&c->lock);
    atomic_fetch_add(&a->ledger->walk_steps, steps);
    return seen ? HK_OK : hk__fail_memory(err);
}

static hk_status tell_people(answering *a, hk_error *err)
{
    char words[200];
    hk_status status = HK_OK;
    if (a->budget_over)
        status = tell_of_client(a, "near_budget", HK_NOTICE_NEAR,
                                "its near answers of today are used up: until midnight (UTC) it "
                                "gets digest hits alone",
                                err);
    if (!status && a->slowed) {
        snprintf(words, sizeof words,
                 "its queries are many versions of one picture (%.0f points of %u a day): it may "
                 "be feeling its way towards an entry, and is slowed",
                 a->points, a->ledger->options.walk_points);
        status = tell_of_client(a, "walk", HK_NOTICE_WALK, words, err);
    }
    return status;
}

/* ---- match ids and the record -----------------------------------------------------------------
 */

/* What the item is told to have hit: the first match that is of its verdict. */
static const hk_match *best_of(const hk_asked *item)
{
    for (size_t i = 0; i < item->match_count; i++) {
        const hk_match *m = &item->matches[i];
        if (!m->known_good && (m->basis == HK_BASIS_PDQ) == (item->verdict == HK_VERDICT_NEAR))
            return m;
    }
    return NULL;
}

static hk_status give_id(answering *a, hk_asked *item, hk_error *err)
{
    const hk_match *best = best_of(item);
    item->match_id[0] = '\0';
    if (item->verdict != HK_VERDICT_NEAR && item->verdict != HK_VERDICT_EXACT)
        return HK_OK;
    if (!best || !best->list || !best->entry)
        return hk__fail(err, HK_ERR_USAGE, "an item that hits comes with what it hit");
    hk__booking *booking = add_booking(a, HK__FOLLOWS_MATCH, best);
    if (!booking)
        return hk__fail_memory(err);
    if (RAND_bytes(booking->id, sizeof booking->id) != 1)
        return hk__fail(err, HK_ERR_SYSTEM, "the machine gives no random numbers");
    booking->basis = best->basis;
    booking->distance = best->basis == HK_BASIS_PDQ ? best->distance : 0;
    hk__hex_text(item->match_id, booking->id, sizeof booking->id);
    hk__record_add(&a->hits, "%s{\"id\":\"%s\"", a->hits.length ? "," : "", item->match_id);
    hk__record_entry(&a->hits, best->list, best->entry, best->entry_number);
    hk__record_add(&a->hits, ",\"basis\":\"%s\"", hk_basis_name(best->basis));
    if (best->basis == HK_BASIS_PDQ)
        hk__record_add(&a->hits, ",\"distance\":%u", best->distance);
    if (item->match_count > 1)
        hk__record_add(&a->hits, ",\"more\":%zu", item->match_count - 1);
    hk__record_add(&a->hits, "}");
    return HK_OK;
}

static hk_status write_record(hk_answered *out, answering *a, size_t items, const char *address,
                              hk_error *err)
{
    hk__record_text record = {0};
    hk__record_add(&record, "\"kind\":\"check\"");
    hk__record_caller(&record, a->caller, address);
    hk__record_add(&record,
                   ",\"items\":%zu,\"exact\":%" PRIu64 ",\"near\":%" PRIu64 ",\"none\":%" PRIu64
                   ",\"not_checked\":%" PRIu64,
                   items, out->by_verdict[HK_VERDICT_EXACT], out->by_verdict[HK_VERDICT_NEAR],
                   out->by_verdict[HK_VERDICT_NONE], out->by_verdict[HK_VERDICT_NOT_CHECKED]);
    if (a->hits.length)
        hk__record_add(&record, ",\"hits\":[%s]", a->hits.bytes);
    if (a->braked.length)
        hk__record_add(&record, ",\"braked\":[%s]", a->braked.bytes);
    record.failed = record.failed || a->hits.failed || a->braked.failed;
    return hk__ledger_append(&out->number, a->ledger, &record, err);
}

static hk_status check_items(const answering *a, const hk_asked *items, size_t count, hk_error *err)
{
    if (!a->client)
        return hk__fail(err, HK_ERR_USAGE, "an answer is for somebody who was admitted");
    for (size_t i = 0; i < count; i++)
        if ((unsigned)items[i].verdict >= HK_VERDICTS ||
            (items[i].match_count && !items[i].matches))
            return hk__fail(err, HK_ERR_USAGE, "item %zu has no verdict", i);
    return HK_OK;
}

hk_status hk_ledger_answer(hk_answered *out, hk_ledger *ledger, const hk_caller *caller,
                           hk_asked *items, size_t count, const char *address, hk_error *err)
{
    answering a = {.ledger = ledger,
                   .caller = caller,
                   .client = hk__gate_client(ledger->gate, caller->client),
                   .now = hk__clock_ns(),
                   .wall = (int64_t)time(NULL)};
    hk_answered answered = {0};
    hk_status status = check_items(&a, items, count, err);
    if (status)
        return status;
    bool *suppressed = hk__alloc(count + 1, sizeof *suppressed);
    if (!suppressed)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++)
        status = take_out(&suppressed[i], &a, &items[i], err);
    if (!status)
        status = judge(&a, items, count, suppressed, err);
    hk__free(suppressed);
    if (!status)
        status = tell_people(&a, err);
    for (size_t i = 0; !status && i < count; i++) {
        status = give_id(&a, &items[i], err);
        answered.by_verdict[items[i].verdict]++;
    }
    /* Booked first: what is posted is never behind the records that were. */
    const size_t bookings = a.booking_count;
    a.booking_count = 0;
    if (!status)
        status = hk__ledger_book(ledger, a.bookings, bookings, err);
    else
        a.booking_count = bookings;
    answered.suppressed = a.suppressed;
    if (!status)
        status = write_record(&answered, &a, count, address, err);
    clear(&a);
    if (status)
        return status;
    for (int v = 0; v < HK_VERDICTS; v++)
        atomic_fetch_add(&ledger->by_verdict[v], answered.by_verdict[v]);
    if (out)
        *out = answered;
    return HK_OK;
}
