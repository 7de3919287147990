/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aside.c - see aside.h. */
#include "aside.h"
#include "answers.h"
#include "routes.h"

#include <stdlib.h>

enum { LONG_BODY = 4096 }; /* bytes: some 30 items, a millisecond */

struct aside {
    pthread_mutex_t lock; /* of these: */
    pthread_cond_t wake;
    exchange *first, *last; /* waiting */
    bool stop;

    unsigned count;
    pthread_t thread[]; /* [count] */
};

static bool stops(aside *a)
{
    pthread_mutex_lock(&a->lock);
    const bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return stop;
}

/* Waits for one. NULL: all is stopping, and none is left. */
static exchange *next(aside *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->first && !a->stop)
        pthread_cond_wait(&a->wake, &a->lock);
    exchange *e = a->first;
    if (e)
        a->first = e->next;
    if (!a->first)
        a->last = NULL;
    pthread_mutex_unlock(&a->lock);
    return e;
}

static void *run(void *context)
{
    aside *a = context;
    for (exchange *e; (e = next(a));) {
        if (stops(a)) {
            answer_error(e, 503, "stopping", "the server is being stopped");
            e->reply.retry_after = 1;
        } else {
            routes_answer(e);
        }
        struct MHD_Connection *connection = e->connection;
        /* From here on it is the other thread's again. */
        atomic_store_explicit(&e->answered, true, memory_order_release);
        MHD_resume_connection(connection);
    }
    return NULL;
}

bool aside_take(aside *a, exchange *e)
{
    if (e->length <= LONG_BODY)
        return false;
    pthread_mutex_lock(&a->lock);
    const bool takes = !a->stop;
    if (takes) {
        MHD_suspend_connection(e->connection);
        e->next = NULL;
        if (a->last)
            a->last->next = e;
        else
            a->first = e;
        a->last = e;
        pthread_cond_signal(&a->wake);
    }
    pthread_mutex_unlock(&a->lock);
    return takes;
}

hk_status aside_start(aside **out, unsigned threads, hk_error *err)
{
    aside *a = calloc(1, sizeof *a + threads * sizeof *a->thread);
    if (!a) {
        *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"};
        return err->status;
    }
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    while (a->count < threads && !pthread_create(&a->thread[a->count], NULL, run, a))
        a->count++;
    if (a->count < threads) {
        aside_stop(a);
        aside_free(a);
        *err = (hk_error){HK_ERR_SYSTEM, "a thread cannot be started"};
        return err->status;
    }
    *out = a;
    return HK_OK;
}

void aside_stop(aside *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->wake);
    pthread_mutex_unlock(&a->lock);
    for (unsigned t = 0; t < a->count; t++)
        pthread_join(a->thread[t], NULL);
    a->count = 0;
}

void aside_free(aside *a)
{
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
