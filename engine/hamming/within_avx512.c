/* SPDX-License-Identifier: GPL-3.0-or-later */
/* within_avx512.c - eight hashes at a time with VPOPCNTQ; see hamming.h. */
#include "hamming/hamming.h"

#include <immintrin.h>

size_t hk__within_avx512(hk__near *out, const hk__run *run, const hk_hash *query,
                         unsigned max_distance)
{
    const __m512i limit = _mm512_set1_epi64((long long)max_distance);
    __m512i q[4];
    for (int w = 0; w < 4; w++)
        q[w] = _mm512_set1_epi64((long long)query->word[w]);

    size_t found = 0;
    for (size_t i = 0; i < run->count; i += 8) {
        __m512i distance = _mm512_setzero_si512();
        for (int w = 0; w < 4; w++) {
            const __m512i value = _mm512_load_si512(run->word[w] + i);
            distance =
                _mm512_add_epi64(distance, _mm512_popcnt_epi64(_mm512_xor_si512(value, q[w])));
        }
        __mmask8 near = _mm512_cmple_epu64_mask(distance, limit);
        if (run->count - i < 8)
            near &= (__mmask8)((1u << (run->count - i)) - 1);
        if (!near)
            continue;
        uint64_t lane[8];
        _mm512_storeu_si512(lane, distance);
        for (unsigned bits = near; bits; bits &= bits - 1) {
            const unsigned l = (unsigned)__builtin_ctz(bits);
            out[found++] = (hk__near){(uint32_t)(i + l), (uint32_t)lane[l]};
        }
    }
    return found;
}
