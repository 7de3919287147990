/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * brake.h - the flood brake: entries that draw near hits as no real material does.
 *
 * In 2021 stock pictures of a blog system stood in a list, and every new site matched: thousands of
 * hits a day on one entry, from many hosts. Known material that goes round is found some dozens of
 * times a day, by few. Near hits on an entry are counted over a day that slides (the window before
 * counts for the part of it that is not over), for each account and together:
 *
 *      braked for all          5 accounts, and 300 hits of which one account counts for 100 at the
 *                              most: a picture that comes with a blog system reaches this with its
 *                              300th site where 5 hosts or more ask
 *      braked for one account  500 hits of that account: the same with one large host alone. The
 *                              others go on finding it
 *
 * 50 hits a day by each of four accounts never get there; neither do 59 by each of five.
 *
 * Who would have a true entry out for all that nobody has confirmed needs five accounts, which
 * people give out one by one and which the audit log names, and 300 near hits on it within a day,
 * of versions of a picture he must hold; what he gets is that it is absent, for near hits alone,
 * until a person reads the notice: its digests hit as before, each suppressed hit is in the log
 * with its account, and two persons who look at it make it proof against this for good. Whoever has
 * one account can only blind himself: 500 near hits, for which he accounts. With `brake_clients`
 * higher it costs more, and the real flood is braked later.
 *
 * Counts are in memory, and counted again when a server starts, from the match ids of two days in
 * DB.keys (one for each near answer, and what the log has beyond them): no more than
 * HK__RECOUNT_MOST of them, the newest, some 3 us each. Of an item that several entries were near
 * to, its match id knows the nearest alone: the others begin anew. What is braked, released and
 * confirmed is in DB.keys.
 *
 * Memory: HK__BRAKE_ENTRIES cells of some 220 bytes, 16 at first; where an entry has no place, the
 * one that was hit longest ago of eight gives way.
 */
#ifndef HK_LEDGER_BRAKE_H
#define HK_LEDGER_BRAKE_H

#include "ledger/books.h"

#define HK__BRAKE_ENTRIES 65536 /* that draw near hits within a day */
#define HK__BRAKE_SHARES 16     /* accounts counted one by one for each */

typedef struct hk__brake hk__brake;

/* Which entry, for the tables here: list and name, and the number, 0 where none is known. What is
 * braked or spared without a number is so for every entry of the name. */
typedef struct hk__entry_key {
    uint8_t byte[16];
    uint32_t number;
} hk__entry_key;
hk__entry_key hk__entry_key_of(const char *list, const char *entry, uint32_t number);

/* What a near hit comes to. */
typedef enum hk__braking {
    HK__BRAKE_OFF = 0,
    HK__BRAKE_NOW,       /* this hit brakes the entry for all, */
    HK__BRAKE_NOW_ALONE, /* or for this account: to be booked */
    HK__BRAKE_ON         /* it was braked */
} hk__braking;

hk_status hk__brake_new(hk__brake **out, const hk_ledger_options *options,
                        hk_error *err) HK_MUST_CHECK;
void hk__brake_free(hk__brake *brake);

/* Counts a near hit (count), or only looks. Any number of threads. *hits and *clients receive what
 * it was braked for, with HK__BRAKE_NOW*. now: hk__clock_ns; wall: seconds since 1970 UTC. */
hk__braking hk__brake_hit(uint64_t *hits, uint64_t *clients, hk__brake *brake, hk__entry_key entry,
                          uint64_t client, bool count, uint64_t now, int64_t wall);

/* Counts a hit of before once more, `at` seconds since 1970 UTC, and brakes nothing: the next hit
 * does. In the order of their times, and before any other. What was spared then does not count. */
void hk__brake_count_again(hk__brake *brake, hk__entry_key entry, uint64_t client, uint64_t now,
                           int64_t wall, int64_t at);

/* The same for the hits in DB.keys, once what is braked and spared is loaded. *counted (may be
 * NULL) receives how many that were. */
#define HK__RECOUNT_MOST 1000000
hk_status hk__brake_recount(uint64_t *counted, hk__brake *brake, hk_keys *keys, uint64_t now,
                            int64_t wall, hk_error *err) HK_MUST_CHECK;

/* Replaces what is braked and what is spared by what DB.keys says. What was braked since must be
 * there already. */
hk_status hk__brake_load(hk__brake *brake, hk_keys *keys, hk_error *err) HK_MUST_CHECK;

/* Adds the suppressed hits since the last call to DB.keys; within a transaction of the caller. */
hk_status hk__brake_save(hk__brake *brake, hk_keys *keys, hk_error *err) HK_MUST_CHECK;

/* Entries braked, and hits suppressed since it was made. */
void hk__brake_count(uint64_t *brakes, uint64_t *suppressed, hk__brake *brake);

#endif
