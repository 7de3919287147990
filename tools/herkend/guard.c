/* SPDX-License-Identifier: GPL-3.0-or-later */
/* guard.c - see guard.h. A connection is cut by shutting its socket down, which the HTTP library
 * sees as its end; only that library closes it, after guard_remove. */
#include "guard.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct guarded {
    int fd;
    int64_t until; /* atomic */
    guard_certificate certificate;
    guarded *next, *before;
};

struct guard {
    pthread_t thread;
    pthread_mutex_t lock; /* of these: */
    pthread_cond_t wake;
    guarded *first;
    bool stop;

    uint64_t *cut;
};

int64_t guard_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec + 1; /* never 0 */
}

static void *watch(void *context)
{
    guard *g = context;
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_sec++;
        pthread_cond_timedwait(&g->wake, &g->lock, &next);
        const int64_t now = guard_clock();
        for (guarded *c = g->first; c; c = c->next) {
            if (__atomic_load_n(&c->until, __ATOMIC_RELAXED) >= now)
                continue;
            shutdown(c->fd, SHUT_RDWR);
            __atomic_store_n(&c->until, INT64_MAX, __ATOMIC_RELAXED);
            __atomic_add_fetch(g->cut, 1, __ATOMIC_RELAXED);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

hk_status guard_start(guard **out, uint64_t *cut, hk_error *err)
{
    pthread_condattr_t monotonic;
    guard *g = calloc(1, sizeof *g);
    if (!g) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    g->cut = cut;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&g->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&g->thread, NULL, watch, g)) {
        free(g);
        *err = (hk_error){HK_ERR_SYSTEM, "a thread cannot be started"};
        return err->status;
    }
    *out = g;
    return HK_OK;
}

void guard_stop(guard *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->wake);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

guarded *guard_add(guard *g, int fd, unsigned seconds)
{
    guarded *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->fd = fd;
    guard_expect(c, seconds);
    pthread_mutex_lock(&g->lock);
    c->next = g->first;
    if (g->first)
        g->first->before = c;
    g->first = c;
    pthread_mutex_unlock(&g->lock);
    return c;
}

void guard_remove(guard *g, guarded *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&g->lock);
    if (c->before)
        c->before->next = c->next;
    else
        g->first = c->next;
    if (c->next)
        c->next->before = c->before;
    pthread_mutex_unlock(&g->lock);
    free(c);
}

void guard_expect(guarded *c, unsigned seconds)
{
    /* Once it is cut it stays so: what is on its way through the library changes nothing. */
    if (c && __atomic_load_n(&c->until, __ATOMIC_RELAXED) != INT64_MAX)
        __atomic_store_n(&c->until, guard_clock() + seconds, __ATOMIC_RELAXED);
}

guard_certificate *guard_certificate_of(guarded *c)
{
    return &c->certificate;
}
