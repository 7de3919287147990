/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * walks.h - who feels his way towards an entry.
 *
 * Outsiders see no distance, so all that an answer tells is on which side of an entry's radius a
 * query lies. Who wants the entry's hash must ask on both sides of the edge, around a query that
 * hit: about one bit of the hash for each answer that could have been either, so some 256 of them,
 * all of them within the radius or little more of a hit, and of each other. Two different pictures
 * lie at 128 +- 8 bits, and hardly any two within 48.
 *
 * For each account the pictures that it hit of late are kept: the first hash that hit stands for
 * the picture. A query within 48 bits of it that was not asked before is a step: 1 point where it
 * hits (a popular picture does that as well, in many sizes), 8 where it misses (hardly anything but
 * a walk does that twice). Points run out within a day. From `limit` points on the account is
 * slowed, a delay for each further step, and a person is told.
 *
 *      half of the steps miss    slowed after 113 steps, 113 bits known at the most
 *      1 in 10 misses            after 301, 141 bits         1 in 100 misses    after 478, 39 bits
 *      none misses               after 512 different versions of one picture in a day: not a walk,
 *                                but worth a word; slowed to 86,400 versions a day
 *
 * With a delay of a second a walk is not stopped: the person who is told does that. Not caught: a
 * walk spread over so many accounts, or days, that each stays under the limit (with ten accounts, a
 * dozen steps each a day... the near answers of all of them count for the brake); one that goes
 * from picture to picture, for which that is what it looks like; and somebody who edits a picture
 * he holds until it no longer hits: the first miss tells him, in a few steps.
 *
 * Memory: HK__WALKS pictures of 320 bytes for each account that had a near hit.
 */
#ifndef HK_LEDGER_WALKS_H
#define HK_LEDGER_WALKS_H

#include "herken.h"

#define HK__WALKS 16      /* pictures for an account; the one with the fewest points goes */
#define HK__WALK_REACH 48 /* bits */
#define HK__WALK_MISS 8   /* points */
#define HK__WALK_SEEN 64  /* hashes that were asked for, of each picture: others count again */

typedef struct hk__walk {
    hk_hash centre;
    double points;
    uint64_t at; /* hk__clock_ns when they were right; 0: free */
    uint32_t seen[HK__WALK_SEEN];
} hk__walk;

/* An account's, under its lock. */
typedef struct hk__walks {
    hk__walk *walk; /* [HK__WALKS]; NULL: no near hit yet */
} hk__walks;

/* One item: its hashes, whether it was answered as near, and by which hash. *steps receives how
 * many steps over the limit it took (0 or 1), *points the picture's points. Without memory it sees
 * nothing, and says so by false. */
bool hk__walks_see(unsigned *steps, double *points, hk__walks *walks, const hk_hash *hashes,
                   size_t count, bool near, size_t hit, unsigned limit, uint64_t now);
void hk__walks_clear(hk__walks *walks);

#endif
