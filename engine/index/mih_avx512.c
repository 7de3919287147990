/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mih_avx512.c - multi-index hashing with PEXT and VPOPCNTW, 32 tags at a time; see mih_body.h. */
#include "index/mih.h"

#include <immintrin.h>

static inline uint64_t gather(uint64_t word, uint64_t mask)
{
    return _pext_u64(word, mask);
}

static inline uint32_t near_tags(const uint16_t *tags, uint32_t count, const hk__aim *aim, int off)
{
    const __mmask32 there = count < 32 ? (UINT32_C(1) << count) - 1 : UINT32_MAX;
    const __m512i differ =
        _mm512_xor_si512(_mm512_maskz_loadu_epi16(there, tags), _mm512_set1_epi16((short)aim->tag));
    const __m512i own = _mm512_and_si512(differ, _mm512_set1_epi16((short)aim->own));
    const __m512i both = _mm512_and_si512(differ, _mm512_set1_epi16((short)aim->both));
    const __mmask32 near = _mm512_mask_cmple_epi16_mask(
        there, _mm512_popcnt_epi16(own), _mm512_set1_epi16((short)(aim->reach - off)));
    return _mm512_mask_cmple_epi16_mask(near, _mm512_popcnt_epi16(both),
                                        _mm512_set1_epi16((short)(aim->reach_both - off)));
}

#include "index/mih_body.h"

const hk__mih_kernels hk__mih_avx512 = {sort_keys, within};
