/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sieve.h - keeps the nearest hits of one query while a search offers them. Which query it is, the
 * sieve does not know: the number in its hits is for the caller to fill in.
 *
 * With a bound, memory stays within a few times the bound whatever is offered, and the radius
 * shrinks as better hits come in: "all within r", "at most n of them" and "the k nearest" are one
 * mechanism. Where hits come with ascending items, say so: then those no nearer than what is kept
 * are turned away at once.
 */
#ifndef HK_INDEX_SIEVE_H
#define HK_INDEX_SIEVE_H

#include "herken.h"

typedef struct hk__sieve {
    hk_hit *hit;
    size_t count, capacity;
    size_t bound;         /* 0: none */
    const uint32_t *gone; /* [gone_count] items that are no hits, ascending; borrowed; NULL: none */
    size_t gone_count;
    int radius;     /* what is still worth offering, inclusive; -1: nothing */
    bool ascending; /* items are offered in ascending order; set after the start, false at first */
    bool dropped;   /* something within the first radius was let go */
} hk__sieve;

void hk__sieve_start(hk__sieve *sieve, unsigned max_distance, size_t bound);
/* Forgets its hits; what it was told besides stays. */
void hk__sieve_restart(hk__sieve *sieve, unsigned max_distance);
hk_status hk__sieve_offer(hk__sieve *sieve, hk_hit hit, hk_error *err) HK_MUST_CHECK;
/* Sorts by distance, then item, and cuts to the bound. */
void hk__sieve_finish(hk__sieve *sieve);
void hk__sieve_clear(hk__sieve *sieve);

/* By distance, then item; for qsort. */
int hk__hit_order(const void *a, const void *b);

#endif
