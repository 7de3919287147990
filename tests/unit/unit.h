/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unit.h - what the unit tests share: cmocka with the headers it wants, repeatable random numbers,
 * hashes made to measure, and the drill of failing every allocation in turn.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cpu.h"
#include "core/mem.h"
#include "herken.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* SplitMix64: the same numbers on every machine. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void flip_bit(hk_hash *hash, unsigned bit)
{
    hash->word[bit / 64] ^= UINT64_C(1) << (bit % 64);
}

/* Flips exactly `bits` different bits, chosen at random. */
static inline hk_hash at_distance(const hk_hash *from, unsigned bits, uint64_t *state)
{
    uint8_t order[HK_HASH_BITS];
    hk_hash hash = *from;
    for (unsigned i = 0; i < HK_HASH_BITS; i++)
        order[i] = (uint8_t)i;
    for (unsigned i = 0; i < bits; i++) {
        const unsigned j = i + (unsigned)(next_random(state) % (HK_HASH_BITS - i));
        const uint8_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
        flip_bit(&hash, order[i]);
    }
    return hash;
}

/* A hash with 128 one-bits, as a healthy picture has. */
static inline hk_hash healthy_hash(uint64_t *state)
{
    const hk_hash zero = {{0}};
    return at_distance(&zero, HK_HASH_BITS / 2, state);
}

static inline hk_hash random_hash(uint64_t *state)
{
    hk_hash hash;
    for (int w = 0; w < 4; w++)
        hash.word[w] = next_random(state);
    return hash;
}

/* Makes the call with 0, 1, 2, ... allocations allowed until it succeeds. Each failure must be
 * HK_ERR_NO_MEMORY and leave `untouched` true; leaks are for the sanitizer to find. */
#define FAIL_EVERY_ALLOCATION(call, untouched)                                                     \
    do {                                                                                           \
        long allowed_ = 0;                                                                         \
        for (;; allowed_++) {                                                                      \
            hk__mem_fail_after(allowed_);                                                          \
            const hk_status status_ = (call);                                                      \
            hk__mem_fail_after(-1);                                                                \
            if (status_ == HK_OK)                                                                  \
                break;                                                                             \
            assert_int_equal(status_, HK_ERR_NO_MEMORY);                                           \
            assert_true(untouched);                                                                \
            assert_true(allowed_ < 10000);                                                         \
        }                                                                                          \
        assert_true(allowed_ > 0);                                                                 \
    } while (0)

/* A pointer that no call returns, to see whether an output was touched. */
#define UNTOUCHED ((void *)(uintptr_t)64)

#endif
