/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seen.h - contents seen before, by SHA-256: a table in shared memory that the engine writes and
 * decode workers only read, so that a content that a folder holds a hundred times is decoded once.
 *
 *      memfd, sealed:  slot slot slot ...      slots: a power of two, >= 2 x capacity
 *      slot:           32 bytes of SHA-256     all zero: empty
 *
 * The place is told by the digest's first bytes; a taken one sends on to the next, a bounded number
 * of times. Slots are written once and never emptied. There is no lock: the engine writes, any
 * number of workers read meanwhile, and what they read half written is a miss (seen.c says why).
 * It is only a saving: what does not fit is not remembered, and then decoded again.
 */
#ifndef HK_DECODE_SEEN_H
#define HK_DECODE_SEEN_H

#include "herken.h"

#define HK__SEEN_MAX ((size_t)1 << 28) /* contents; 16 GiB */

typedef struct hk__seen hk__seen;

/* The engine's: a table for `capacity` contents, 1..HK__SEEN_MAX. One thread writes. */
hk_status hk__seen_new(hk__seen **out, size_t capacity, hk_error *err) HK_MUST_CHECK;
/* To be passed to workers; borrowed. Nobody can write through it, or change its size. */
int hk__seen_descriptor(const hk__seen *seen);
void hk__seen_add(hk__seen *seen, const uint8_t sha256[32]);

/* A worker's: the same table, to read. The descriptor may be closed afterwards. */
hk_status hk__seen_map(hk__seen **out, int descriptor, hk_error *err) HK_MUST_CHECK;

bool hk__seen_has(const hk__seen *seen, const uint8_t sha256[32]);
/* Bytes of address space that it takes. */
size_t hk__seen_bytes(const hk__seen *seen);
void hk__seen_free(hk__seen *seen);

#endif
