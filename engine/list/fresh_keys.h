/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fresh_keys.h - the keys of entries that an import has brought in and the store's entry_key does
 * not hold yet.
 *
 * Inserting millions of keys in random order would touch a page of the store for each. Here they
 * lie in memory, can be found, and come out in order. 12 bytes each at 3/4 full, in 64 parts by the
 * key's first bits, each of which grows by itself so that growing needs little room.
 */
#ifndef HK_LIST_FRESH_KEYS_H
#define HK_LIST_FRESH_KEYS_H

#include "herken.h"

typedef struct hk__fresh_keys hk__fresh_keys;

hk_status hk__fresh_keys_new(hk__fresh_keys **out, hk_error *err) HK_MUST_CHECK;
void hk__fresh_keys_free(hk__fresh_keys *keys); /* takes NULL */

/* Asks memory for the place of a key that is going to be looked for. */
void hk__fresh_keys_ahead(const hk__fresh_keys *keys, uint64_t key);
/* The number last put under a key; 0: none. */
uint32_t hk__fresh_keys_find(const hk__fresh_keys *keys, uint64_t key);
/* Puts a number, not 0, under a key. What was under it is put aside, and comes out with the rest.
 */
hk_status hk__fresh_keys_put(hk__fresh_keys *keys, uint64_t key, uint32_t number,
                             hk_error *err) HK_MUST_CHECK;
/* Takes one out again. */
void hk__fresh_keys_drop(hk__fresh_keys *keys, uint64_t key, uint32_t number);

/* Whether it holds all it may (12 million, or 262,144 put aside), so that it should be emptied. */
bool hk__fresh_keys_full(const hk__fresh_keys *keys);
size_t hk__fresh_keys_count(const hk__fresh_keys *keys);

/* Gives all of them, by key as a signed number, ascending, and empties it. */
hk_status hk__fresh_keys_drain(hk__fresh_keys *keys,
                               hk_status (*take)(void *context, int64_t key, uint32_t number,
                                                 hk_error *err),
                               void *context, hk_error *err) HK_MUST_CHECK;

#endif
