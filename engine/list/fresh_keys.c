/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fresh_keys.c - see fresh_keys.h. Open addressing with linear probing; number 0 is a free place.
 */
#include "list/fresh_keys.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 64, FIRST = 1 << 6, MOST = 1 << 18 };

typedef struct part {
    uint64_t *key;
    uint32_t *number; /* DROPPED: was taken out, others may lie behind it */
    size_t size, used;
} part;
#define DROPPED UINT32_MAX

typedef struct pair {
    int64_t key;
    uint32_t number;
} pair;

struct hk__fresh_keys {
    part part[PARTS];
    pair *aside; /* older numbers of keys that have a newer one; in sound feeds few */
    size_t aside_count, aside_capacity, count;
    bool full;
};

hk_status hk__fresh_keys_new(hk__fresh_keys **out, hk_error *err)
{
    hk__fresh_keys *keys = hk__alloc(1, sizeof *keys);
    if (!keys)
        return hk__fail_memory(err);
    *out = keys;
    return HK_OK;
}

static void clear_part(part *p)
{
    hk__free(p->key);
    hk__free(p->number);
    *p = (part){0};
}

void hk__fresh_keys_free(hk__fresh_keys *keys)
{
    if (!keys)
        return;
    for (int i = 0; i < PARTS; i++)
        clear_part(&keys->part[i]);
    hk__free(keys->aside);
    hk__free(keys);
}

static part *part_of(const hk__fresh_keys *keys, uint64_t key)
{
    return (part *)&keys->part[key >> 58];
}

/* The place of a key, or the free one where it would go. Precondition: the part has a size. */
static size_t place_of(const part *p, uint64_t key)
{
    size_t at = key & (p->size - 1);
    while (p->number[at] && (p->number[at] == DROPPED || p->key[at] != key))
        at = (at + 1) & (p->size - 1);
    return at;
}

void hk__fresh_keys_ahead(const hk__fresh_keys *keys, uint64_t key)
{
    const part *p = part_of(keys, key);
    const size_t at = key & (p->size - 1);
    if (p->size) {
        __builtin_prefetch(&p->key[at]);
        __builtin_prefetch(&p->number[at]);
    }
}

uint32_t hk__fresh_keys_find(const hk__fresh_keys *keys, uint64_t key)
{
    const part *p = part_of(keys, key);
    return p->size ? p->number[place_of(p, key)] : 0;
}

static bool grow(part *p)
{
    part wider = {.size = p->size ? 2 * p->size : FIRST};
    wider.key = hk__alloc(wider.size, sizeof *wider.key);
    wider.number = hk__alloc(wider.size, sizeof *wider.number);
    if (!wider.key || !wider.number) {
        clear_part(&wider);
        return false;
    }
    for (size_t i = 0; i < p->size; i++)
        if (p->number[i] && p->number[i] != DROPPED) {
            const size_t at = place_of(&wider, p->key[i]);
            wider.key[at] = p->key[i];
            wider.number[at] = p->number[i];
            wider.used++;
        }
    clear_part(p);
    *p = wider;
    return true;
}

static bool put_aside(hk__fresh_keys *keys, uint64_t key, uint32_t number)
{
    if (keys->aside_count == keys->aside_capacity) {
        const size_t wanted = keys->aside_capacity ? 2 * keys->aside_capacity : 64;
        pair *grown = hk__realloc(keys->aside, wanted, sizeof *grown);
        if (!grown)
            return false;
        keys->aside = grown;
        keys->aside_capacity = wanted;
    }
    keys->aside[keys->aside_count++] = (pair){(int64_t)key, number};
    return true;
}

hk_status hk__fresh_keys_put(hk__fresh_keys *keys, uint64_t key, uint32_t number, hk_error *err)
{
    part *p = part_of(keys, key);
    if (4 * (p->used + 1) > 3 * p->size && !grow(p))
        return hk__fail_memory(err);
    const size_t at = place_of(p, key);
    if (p->number[at]) {
        if (!put_aside(keys, key, p->number[at]))
            return hk__fail_memory(err);
    } else {
        p->key[at] = key;
        p->used++;
    }
    p->number[at] = number;
    keys->count++;
    /* Before a part would grow beyond that, or a feed fills memory by saying one name anew. */
    keys->full |= 10 * p->used >= 7 * (size_t)MOST || keys->aside_count >= MOST;
    return HK_OK;
}

void hk__fresh_keys_drop(hk__fresh_keys *keys, uint64_t key, uint32_t number)
{
    part *p = part_of(keys, key);
    for (size_t i = 0; i < keys->aside_count; i++)
        if (keys->aside[i].key == (int64_t)key && keys->aside[i].number == number) {
            keys->aside[i] = keys->aside[--keys->aside_count];
            keys->count--;
            return;
        }
    const size_t at = p->size ? place_of(p, key) : 0;
    if (p->size && p->number[at] == number) {
        p->number[at] = DROPPED;
        keys->count--;
    }
}

bool hk__fresh_keys_full(const hk__fresh_keys *keys)
{
    return keys->full;
}

size_t hk__fresh_keys_count(const hk__fresh_keys *keys)
{
    return keys->count;
}

static int by_key(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* One part's pairs with those put aside that belong to it, in order; hk__free. */
static pair *sorted(size_t *count, const hk__fresh_keys *keys, int which)
{
    const part *p = &keys->part[which];
    pair *pairs = hk__alloc(p->used + keys->aside_count + 1, sizeof *pairs);
    size_t n = 0;
    if (!pairs)
        return NULL;
    for (size_t i = 0; i < p->size; i++)
        if (p->number[i] && p->number[i] != DROPPED)
            pairs[n++] = (pair){(int64_t)p->key[i], p->number[i]};
    for (size_t i = 0; i < keys->aside_count; i++)
        if ((uint64_t)keys->aside[i].key >> 58 == (unsigned)which)
            pairs[n++] = keys->aside[i];
    qsort(pairs, n, sizeof *pairs, by_key);
    *count = n;
    return pairs;
}

hk_status hk__fresh_keys_drain(hk__fresh_keys *keys,
                               hk_status (*take)(void *context, int64_t key, uint32_t number,
                                                 hk_error *err),
                               void *context, hk_error *err)
{
    hk_status status = HK_OK;
    for (int i = 0; !status && i < PARTS; i++) {
        const int which = i ^ PARTS / 2; /* keys with the sign bit come first */
        size_t count = 0;
        pair *pairs = sorted(&count, keys, which);
        if (!pairs)
            return hk__fail_memory(err);
        for (size_t k = 0; !status && k < count; k++)
            status = take(context, pairs[k].key, pairs[k].number, err);
        hk__free(pairs);
        clear_part(&keys->part[which]);
    }
    keys->aside_count = keys->count = 0;
    keys->full = false;
    return status;
}
