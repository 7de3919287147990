/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reload.c - see reload.h. */
#include "reload.h"
#include "say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NICE = 10, LEAST_APART_MS = 1000, WARM_TRIES = 2 };

struct reload {
    server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* of these: */
    pthread_cond_t wake;
    bool now, stop;

    hk_error trouble; /* the thread's: what was said last */
};

deck *server_deck(server *s)
{
    pthread_mutex_lock(&s->deck_lock);
    deck *d = deck_hold(s->deck);
    pthread_mutex_unlock(&s->deck_lock);
    return d;
}

deck *server_swap(server *s, deck *d)
{
    pthread_mutex_lock(&s->deck_lock);
    deck *before = s->deck;
    s->deck = d;
    pthread_mutex_unlock(&s->deck_lock);
    return before;
}

static void note(reload *r, const deck *d, uint64_t before)
{
    char words[200];
    hk_error err;
    snprintf(words, sizeof words,
             "%zu lists with %" PRIu64 " entries to match; before it was revision %" PRIu64,
             d->count, d->entries, before);
    say("revision %" PRIu64 ": %s", d->revision, words);
    if (hk_ledger_note_reload(r->server->ledger, d->revision, words, &err))
        say("%s", err.message);
}

/* Says a trouble once, not at each look. */
static void fail(reload *r, const hk_error *err)
{
    metrics_add(&r->server->metrics.reloads_failed, 1);
    if (strcmp(err->message, r->trouble.message) != 0)
        say("the lists cannot be read anew, going on with those from before: %s", err->message);
    r->trouble = *err;
}

/* What turns out to be damaged while it is warmed is removed, and made anew by the next try. */
static hk_status load_warm(deck **out, server *s, hk_error *err)
{
    deck *d = NULL;
    hk_status status = HK_ERR_FORMAT;
    for (int t = 0; status == HK_ERR_FORMAT && t < WARM_TRIES; t++) {
        deck_release(d);
        d = NULL;
        status = deck_load(&d, &s->settings, err);
        if (!status)
            status = deck_warm(d, err);
    }
    if (status)
        deck_release(d);
    else
        *out = d;
    return status;
}

/* ---- on a thread of its own ------------------------------------------------------------------ */

/* Making an index and warming are not to slow answers, so a thread that is nice, and whose threads
 * are, does them. It holds no lock that a request waits for: a nice thread may not be run for long.
 */
typedef struct reading {
    server *server;
    const deck *current;
    bool now, old; /* in: whether or not they changed; out: whether they did */
    deck *fresh;   /* out, where old */
    hk_status status;
    hk_error err;
} reading;

static void be_nice(void)
{
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone */
}

static void *read_lists(void *context)
{
    reading *r = context;
    be_nice();
    r->old = r->now;
    r->status = r->now ? HK_OK : deck_is_old(&r->old, r->current, &r->server->settings, &r->err);
    if (!r->status && r->old)
        r->status = load_warm(&r->fresh, r->server, &r->err);
    return NULL;
}

static void *warm_current(void *context)
{
    reading *r = context;
    be_nice();
    r->status = deck_warm(r->current, &r->err);
    return NULL;
}

static void *retire(void *d)
{
    be_nice();
    deck_retire(d);
    return NULL;
}

static bool apart(void *(*what)(void *), void *context)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, context))
        return false;
    pthread_join(thread, NULL);
    return true;
}

/* ---- looking ------------------------------------------------------------------------------- */

static void look(reload *r, bool now)
{
    server *s = r->server;
    deck *current = server_deck(s);
    const uint64_t before = current->revision;
    reading next = {.server = s,
                    .current = current,
                    .now = now,
                    .status = HK_ERR_SYSTEM,
                    .err = {HK_ERR_SYSTEM, "a thread cannot be started"}};
    (void)apart(read_lists, &next);
    deck_release(current);
    if (next.status) {
        fail(r, &next.err);
        return;
    }
    r->trouble.message[0] = '\0';
    if (!next.old)
        return;
    note(r, next.fresh, before);
    current = server_swap(s, next.fresh);
    metrics_add(&s->metrics.reloads, 1);
    if (!apart(retire, current))
        deck_release(current);
}

/* The lists of the start were opened as they lie, so that it answers at once. */
static void warm_first(reload *r)
{
    deck *d = server_deck(r->server);
    reading first = {.server = r->server, .current = d};
    if (apart(warm_current, &first) && first.status) {
        say("%s", first.err.message);
        reload_now(r);
    }
    deck_release(d);
}

/* Waits until it is time for a look. False: to stop. */
static bool wait_for_look(reload *r, bool *now)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(r->server->settings.poll_ms % 1000) * 1000000;
    until.tv_sec += r->server->settings.poll_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&r->lock);
    int waited = 0;
    while (!r->now && !r->stop && !waited)
        waited = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    *now = r->now;
    r->now = false;
    const bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return !stop;
}

static void *run(void *context)
{
    reload *r = context;
    struct timespec last = {0};
    bool now;
    warm_first(r);
    while (wait_for_look(r, &now)) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        const int64_t apart_ms =
            (t.tv_sec - last.tv_sec) * 1000 + (t.tv_nsec - last.tv_nsec) / 1000000;
        if (now && apart_ms < LEAST_APART_MS) { /* damage is met by every request at once */
            const struct timespec pause = {0, (LEAST_APART_MS - apart_ms) * 1000000};
            nanosleep(&pause, NULL);
        }
        look(r, now);
        if (now)
            clock_gettime(CLOCK_MONOTONIC, &last);
    }
    return NULL;
}

hk_status reload_start(reload **out, server *s, hk_error *err)
{
    pthread_condattr_t monotonic;
    reload *r = calloc(1, sizeof *r);
    if (!r) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    r->server = s;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&r->thread, NULL, run, r)) {
        free(r);
        *err = (hk_error){HK_ERR_SYSTEM, "a thread cannot be started"};
        return err->status;
    }
    *out = r;
    return HK_OK;
}

static void wake(reload *r, bool stop)
{
    pthread_mutex_lock(&r->lock);
    r->now = r->now || !stop;
    r->stop = r->stop || stop;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void reload_now(reload *r)
{
    wake(r, false);
}

void reload_stop(reload *r)
{
    if (!r)
        return;
    wake(r, true);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
