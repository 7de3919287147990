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

enum { NICE = 10, LEAST_APART_MS = 1000 };

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

void server_swap(server *s, deck *d)
{
    pthread_mutex_lock(&s->deck_lock);
    deck *before = s->deck;
    s->deck = d;
    pthread_mutex_unlock(&s->deck_lock);
    deck_release(before);
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

static void look(reload *r, bool now)
{
    server *s = r->server;
    hk_error err;
    bool old = now;
    deck *fresh, *current = server_deck(s);
    const uint64_t before = current->revision;
    hk_status status = now ? HK_OK : deck_is_old(&old, current, &s->settings, &err);
    deck_release(current);
    if (!status && old)
        status = deck_load(&fresh, &s->settings, &err);
    if (status) {
        fail(r, &err);
        return;
    }
    r->trouble.message[0] = '\0';
    if (!old)
        return;
    note(r, fresh, before);
    server_swap(s, fresh);
    metrics_add(&s->metrics.reloads, 1);
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
    /* Of this thread and those it starts alone: making an index is not to slow answers. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
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
