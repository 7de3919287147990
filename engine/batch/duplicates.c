/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * duplicates.c - see duplicates.h: an open-addressing table, at most half full. A digest is already
 * as random as a hash function could make it.
 */
#include "batch/duplicates.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

typedef struct slot {
    uint8_t sha256[32];
    size_t number_plus_1; /* 0: free */
} slot;

struct hk__duplicates {
    slot *slots;
    size_t size, used; /* size is a power of two */
};

hk_status hk__duplicates_new(hk__duplicates **out, hk_error *err)
{
    enum { FIRST_SIZE = 1024 };
    hk__duplicates *duplicates = hk__alloc(1, sizeof *duplicates);
    if (!duplicates)
        return hk__fail_memory(err);
    duplicates->slots = hk__alloc(FIRST_SIZE, sizeof *duplicates->slots);
    duplicates->size = FIRST_SIZE;
    if (!duplicates->slots) {
        hk__duplicates_free(duplicates);
        return hk__fail_memory(err);
    }
    *out = duplicates;
    return HK_OK;
}

void hk__duplicates_free(hk__duplicates *duplicates)
{
    if (!duplicates)
        return;
    hk__free(duplicates->slots);
    hk__free(duplicates);
}

/* The slot that holds the digest, or the free one where it belongs. */
static slot *find(slot *slots, size_t size, const uint8_t sha256[32])
{
    uint64_t at;
    memcpy(&at, sha256, sizeof at);
    for (;; at++) {
        slot *s = &slots[at & (size - 1)];
        if (!s->number_plus_1 || !memcmp(s->sha256, sha256, sizeof s->sha256))
            return s;
    }
}

static bool grow(hk__duplicates *d)
{
    slot *slots = hk__alloc(d->size * 2, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < d->size; i++)
        if (d->slots[i].number_plus_1)
            *find(slots, d->size * 2, d->slots[i].sha256) = d->slots[i];
    hk__free(d->slots);
    d->slots = slots;
    d->size *= 2;
    return true;
}

hk_status hk__duplicates_enter(bool *known, size_t *first, hk__duplicates *duplicates,
                               const uint8_t sha256[32], size_t number, hk_error *err)
{
    if (duplicates->used * 2 >= duplicates->size && !grow(duplicates))
        return hk__fail_memory(err);
    slot *s = find(duplicates->slots, duplicates->size, sha256);
    *known = s->number_plus_1 != 0;
    if (*known) {
        *first = s->number_plus_1 - 1;
        return HK_OK;
    }
    memcpy(s->sha256, sha256, sizeof s->sha256);
    s->number_plus_1 = number + 1;
    duplicates->used++;
    return HK_OK;
}
