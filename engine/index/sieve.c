/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sieve.c - see sieve.h. */
#include "index/sieve.h"

#include "core/error.h"
#include "core/mem.h"
#include "index/numbers.h"

#include <stdlib.h>
#include <string.h>

enum { SLACK = 1024 }; /* hits gathered beyond the bound before they are sifted */

void hk__sieve_start(hk__sieve *sieve, unsigned max_distance, size_t bound)
{
    memset(sieve, 0, sizeof *sieve);
    sieve->bound = bound;
    sieve->radius = (int)max_distance;
}

void hk__sieve_restart(hk__sieve *sieve, unsigned max_distance)
{
    sieve->count = 0;
    sieve->radius = (int)max_distance;
    sieve->dropped = false;
}

int hk__hit_order(const void *a, const void *b)
{
    const hk_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

void hk__sieve_finish(hk__sieve *sieve)
{
    if (sieve->count > 1)
        qsort(sieve->hit, sieve->count, sizeof *sieve->hit, hk__hit_order);
    if (sieve->bound && sieve->count > sieve->bound) {
        sieve->count = sieve->bound;
        sieve->dropped = true;
    }
}

hk_status hk__sieve_offer(hk__sieve *sieve, hk_hit hit, hk_error *err)
{
    if (sieve->bound && sieve->count >= SLACK && sieve->count - SLACK == sieve->bound) {
        /* Of ascending items the later lose ties: only a smaller distance than the worst kept one
         * can enter. */
        hk__sieve_finish(sieve);
        sieve->radius = (int)sieve->hit[sieve->count - 1].distance - sieve->ascending;
    }
    if (hk__is_among(hit.item, sieve->gone, sieve->gone_count))
        return HK_OK;
    if ((int)hit.distance > sieve->radius) {
        sieve->dropped = true;
        return HK_OK;
    }
    if (sieve->count == sieve->capacity) {
        size_t capacity = sieve->capacity ? sieve->capacity * 2 : 16;
        hk_hit *grown = hk__realloc(sieve->hit, capacity, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        sieve->hit = grown;
        sieve->capacity = capacity;
    }
    sieve->hit[sieve->count++] = hit;
    return HK_OK;
}

void hk__sieve_clear(hk__sieve *sieve)
{
    hk__free(sieve->hit);
    memset(sieve, 0, sizeof *sieve);
}
