/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics.h - counters, and how Prometheus reads them.
 */
#ifndef HERKEND_METRICS_H
#define HERKEND_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum { METRICS_ROUTES = 16, METRICS_CODES = 6, METRICS_BUCKETS = 12 };

/* Added to by any thread. */
typedef struct metrics {
    uint64_t requests[METRICS_ROUTES][METRICS_CODES]; /* by route, and by hundreds of the status */
    uint64_t seconds[METRICS_BUCKETS]; /* of checks, the last of all that is longer */
    uint64_t nanoseconds;
    uint64_t items, test_hits, feedback;
    uint64_t reloads, reloads_failed, searches_failed;
    uint64_t certificates, certificates_failed;  /* read anew */
    uint64_t connections, connections_open, cut; /* cut: too slow */
    uint64_t body_bytes;                         /* being received, now */
    uint64_t in_hand;                            /* requests, now */
} metrics;

static inline void metrics_add(uint64_t *counter, uint64_t n)
{
    __atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}
static inline void metrics_sub(uint64_t *counter, uint64_t n)
{
    __atomic_sub_fetch(counter, n, __ATOMIC_RELAXED);
}
static inline uint64_t metrics_get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void metrics_time(metrics *m, uint64_t ns);

struct server;
/* The page for Prometheus; *out is owned. False: no memory. */
int metrics_page(char **out, size_t *length, struct server *s);

#endif
