/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry.h - what makes an entry the same as another, and what makes it suspicious by itself.
 *
 * An entry that its source gives an id is that id; one without is its values (hashes, digests,
 * PhotoDNA). A file's name is no id: two folders may each have their 001.jpg, and one must not
 * replace the other. So a feed that is imported twice meets its own entries again, and one that
 * says something else of an entry replaces it.
 */
#ifndef HK_FEED_ENTRY_H
#define HK_FEED_ENTRY_H

#include "core/hash.h"

/* A hash of what the entry is known by; entries known by the same have the same. */
uint64_t hk__entry_key(const hk_entry *entry);
/* Whether both are known by the same. */
bool hk__entry_is(const hk_entry *a, const hk_entry *b);
/* Whether b, which is newer, says nothing that a does not; the source, who said it first, and the
 * name do not count. */
bool hk__entry_equal(const hk_entry *a, const hk_entry *b);
/* Whether they have a hash, a digest or PhotoDNA in common. */
bool hk__entry_shares_value(const hk_entry *a, const hk_entry *b);
/* A checksum over the number and everything the entry says. */
uint64_t hk__entry_sum(uint32_t number, const hk_entry *entry);

/* Whether frames are as hk_entry has them: not too many, and numbers that ascend from 1. */
bool hk__cuts_are_sound(const uint8_t *cuts, size_t count);

/* Whether there is anything to match. */
bool hk__entry_has_value(const hk_entry *entry);

/* HK_SUSPECT_* that the entry shows by itself: degenerate, of low quality, of an empty file. */
unsigned hk__entry_suspicions(const hk_entry *entry);

/* A degenerate hash: a healthy one has 128 one-bits. Of 30,171 hashes of real pictures 24 had
 * another number, all of flags and screens. */
bool hk__hash_is_degenerate(const hk_hash *hash);
/* Whether one of the digests is that of zero bytes: every empty file would be a hit. */
bool hk__digests_are_of_nothing(const hk_digests *digests);

#endif
