/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mih_avx2.c - multi-index hashing with PEXT, 32 tags as two vectors; see mih_body.h. Bits are
 * counted by a table of nibbles, as in within_avx2.c.
 */
#include "index/mih.h"

#include <immintrin.h>

static inline uint64_t gather(uint64_t word, uint64_t mask)
{
    return _pext_u64(word, mask);
}

/* Bits of each 16-bit lane. */
static inline __m256i count_words(__m256i bits)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i a = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, low));
    const __m256i b = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), low));
    return _mm256_maddubs_epi16(_mm256_add_epi8(a, b), _mm256_set1_epi8(1));
}

/* All ones in the lanes of those of 16 tags that are within reach. */
static inline __m256i near_sixteen(const uint16_t *tags, const hk__aim *aim, int off)
{
    const __m256i differ = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)tags),
                                            _mm256_set1_epi16((short)aim->tag));
    const __m256i own = _mm256_and_si256(differ, _mm256_set1_epi16((short)aim->own));
    const __m256i both = _mm256_and_si256(differ, _mm256_set1_epi16((short)aim->both));
    return _mm256_and_si256(
        _mm256_cmpgt_epi16(_mm256_set1_epi16((short)(aim->reach - off + 1)), count_words(own)),
        _mm256_cmpgt_epi16(_mm256_set1_epi16((short)(aim->reach_both - off + 1)),
                           count_words(both)));
}

static inline uint32_t near_tags(const uint16_t *tags, uint32_t count, const hk__aim *aim, int off)
{
    uint16_t last[32];
    if (count < 32) { /* nothing is read past the end */
        __builtin_memcpy(last, tags, count * sizeof *tags);
        tags = last;
    }
    const __m256i a = near_sixteen(tags, aim, off), b = near_sixteen(tags + 16, aim, off);
    const __m256i order = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    const uint32_t near = (uint32_t)_mm256_movemask_epi8(order);
    return count < 32 ? near & ((UINT32_C(1) << count) - 1) : near;
}

#include "index/mih_body.h"

const hk__mih_kernels hk__mih_avx2 = {sort_keys, within};
