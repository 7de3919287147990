/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deck.h - the lists that are searched, as they were at one moment: what a reload swaps.
 *
 *      deck_load --> deck_hold ... deck_release (a request)
 *                \-> deck_release (whoever put a newer one in its place)
 *
 * A deck never changes. It lives until the last who holds it lets go; what matches borrow from its
 * lists lives as long.
 */
#ifndef HERKEND_DECK_H
#define HERKEND_DECK_H

#include "settings.h"

typedef struct deck_list {
    char *name; /* owned */
    hk_list *list;
} deck_list;

typedef struct deck {
    deck_list *lists; /* [count] */
    size_t count;
    hk_matcher *matcher;
    uint64_t revision; /* of the store: the newest of any of its lists */
    uint64_t entries;  /* of lists of known images; 0: nothing could ever match */
    unsigned holders;  /* deck.c's */
} deck;

/* Opens the lists as they are now; the caller holds the deck. HK_ERR_USAGE: a list of the settings
 * is not in the store. */
hk_status deck_load(deck **out, const settings *s, hk_error *err) HK_MUST_CHECK;
deck *deck_hold(deck *d);
void deck_release(deck *d);

/* Reads and checks what is searched in, as far as half of the machine's memory holds it, so that no
 * request has to: a search reads and checks each block that it is the first to come upon. Takes a
 * tenth of a second for each million of entries. HK_ERR_FORMAT: damaged, and to be loaded again. */
hk_status deck_warm(const deck *d, hk_error *err) HK_MUST_CHECK;
/* Lets go, like deck_release, once nobody else holds it, so that no request has to free it; waits
 * for that, for some seconds at the most. */
void deck_retire(deck *d);

/* Whether the store now holds something else. */
hk_status deck_is_old(bool *out, const deck *d, const settings *s, hk_error *err) HK_MUST_CHECK;

#endif
