/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slots.h - how the 256 bits of a hash are dealt to slots, and how far each slot is searched.
 *
 * The pigeonhole rule of multi-index hashing (Norouzi, Punjani, Fleet, "Fast Exact Search in
 * Hamming Space with Multi-Index Hashing"): give every slot s a quota q(s) so that the quotas add
 * up to r + 1. If the distances d(s) of a hash within r bits were at least q(s) in every slot, they
 * would add up to more than r: so d(s) < q(s) in some slot.
 *
 * The ring rule is stronger (Qin, Xiao, "Pigeonring: A Principle for Faster Thresholded Similarity
 * Search"): with the slots in a ring there is a slot s from which on every run of slots, of one,
 * two, three, ... stays below the sum of its quotas. So, for some s,
 *
 *      d(s) < q(s)    and    d(s) + d(s + 1) < q(s) + q(s + 1)
 *
 * The first half chooses what is looked at, the second throws out nearly all of it.
 *
 * Neighbouring PDQ bits go together, so the bits are shuffled first, by one fixed permutation: in
 * reading order strangers among real photos meet in slots of 28 bits 3.3 times as often as chance,
 * shuffled 1.3 times.
 */
#ifndef HK_INDEX_SLOTS_H
#define HK_INDEX_SLOTS_H

#include "herken.h"

enum { HK__SLOTS_MIN = 8, HK__SLOTS_MAX = 20, HK__TAG_BITS_MAX = 16, HK__GROUP_BITS_MAX = 24 };

/* The bits of one slot and of its tags, as masks over the four words of a hash. */
typedef struct hk__slot {
    uint64_t group[4]; /* bits of the slot that choose the group */
    uint64_t own[4];   /* the slot's other bits: the low bits of a tag */
    uint64_t next[4];  /* bits of the next slot in the ring: the high bits of a tag */
} hk__slot;

/* Deals all 256 bits to `count` slots (HK__SLOTS_MIN..HK__SLOTS_MAX), the narrower ones first, with
 * tags of tag_bits and with group_bits of each slot, or what comes nearest, choosing the group. */
void hk__slots_deal(hk__slot out[], unsigned count, unsigned group_bits, unsigned tag_bits);

/* The number of set bits of a mask over a hash. */
unsigned hk__mask_width(const uint64_t mask[4]);

/* Whether searching by these slots finds everything: no bit in two slots, tags of at most
 * tag_bits whose high bits are of the next slot, groups of at most HK__GROUP_BITS_MAX bits. */
bool hk__slots_are_sound(const hk__slot slots[], unsigned count, unsigned tag_bits);

/* The quotas of `count` slots for max_distance; they add up to max_distance + 1. */
void hk__slots_quotas(unsigned out[], unsigned count, unsigned max_distance);

#endif
