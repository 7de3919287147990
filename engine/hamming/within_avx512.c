/* SPDX-License-Identifier: GPL-3.0-or-later */
/* within_avx512.c - eight hashes at a time with VPOPCNTQ; see hamming.h. */
#include "hamming/hamming.h"

#include <immintrin.h>

/* Distances of eight hashes of a run from position i on, over words first..end-1. */
static inline __m512i distances(const hk__run *run, size_t i, const __m512i q[4], int first,
                                int end)
{
    __m512i sum = _mm512_setzero_si512();
    for (int w = first; w < end; w++) {
        const __m512i value = _mm512_load_si512(run->word[w] + i);
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(value, q[w])));
    }
    return sum;
}

static inline size_t keep(hk__near *out, size_t position, __m512i distance, unsigned near)
{
    size_t found = 0;
    uint64_t lane[8];
    _mm512_storeu_si512(lane, distance);
    for (; near; near &= near - 1) {
        const unsigned l = (unsigned)__builtin_ctz(near);
        out[found++] = (hk__near){(uint32_t)(position + l), (uint32_t)lane[l]};
    }
    return found;
}

/* Eight hashes from position i on whose first words leave them in the radius: looks at all words.
 */
static size_t look_closer(hk__near *out, const hk__run *run, size_t i, const __m512i q[4],
                          __m512i limit)
{
    const __m512i distance = distances(run, i, q, 0, 4);
    __mmask8 near = _mm512_cmple_epu64_mask(distance, limit);
    if (run->count - i < 8)
        near &= (__mmask8)((1u << (run->count - i)) - 1);
    return keep(out, i, distance, near);
}

/* `words` of sixteen hashes first, the others only where those leave one in the radius. */
static inline size_t within(hk__near *out, const hk__run *run, const hk_hash *query,
                            unsigned max_distance, int words)
{
    const __m512i limit = _mm512_set1_epi64((long long)max_distance);
    __m512i q[4];
    for (int w = 0; w < 4; w++)
        q[w] = _mm512_set1_epi64((long long)query->word[w]);

    size_t found = 0, i = 0;
    for (; run->count - i > 8 && i < run->count; i += 16) {
        const __mmask8 a = _mm512_cmple_epu64_mask(distances(run, i, q, 0, words), limit);
        const __mmask8 b = _mm512_cmple_epu64_mask(distances(run, i + 8, q, 0, words), limit);
        if (__builtin_expect(!_mm512_kunpackb(a, b), words < 4))
            continue;
        if (a)
            found += look_closer(out + found, run, i, q, limit);
        if (b)
            found += look_closer(out + found, run, i + 8, q, limit);
    }
    if (i < run->count)
        found += look_closer(out + found, run, i, q, limit);
    return found;
}

size_t hk__within_avx512(hk__near *out, const hk__run *run, const hk_hash *query,
                         unsigned max_distance)
{
    switch (hk__first_words(max_distance)) {
    case 2:
        return within(out, run, query, max_distance, 2);
    case 3:
        return within(out, run, query, max_distance, 3);
    default:
        return within(out, run, query, max_distance, 4);
    }
}

/*
 * Rows, eight at a time. A vector holds two hashes; the bit counts of four vectors, each at most
 * 64, are put side by side in 16 bits, and then the four words of each hash are added:
 *
 *      lane            0 1 2 3 | 4 5 6 7          16-bit fields of a lane   vector 0 1 2 3
 *      vector v        a hash  | the next
 */
size_t hk__within_rows_avx512(hk__near *out, const hk_hash *rows, size_t count,
                              const hk_hash *query, unsigned max_distance)
{
    const __m512i q =
        _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(const void *)query->word));
    const __m512i limit = _mm512_set1_epi16((short)max_distance);
    size_t found = 0;
    for (size_t i = 0; i < count; i += 8) {
        __m512i sum = _mm512_setzero_si512();
        for (unsigned v = 0; v < 4; v++) {
            hk__row_ahead(rows + i + 2 * v);
            const size_t left = count - i > 2 * v ? count - i - 2 * v : 0;
            const __mmask8 there = left >= 2 ? 0xff : left ? 0x0f : 0;
            const __m512i value = _mm512_maskz_loadu_epi64(there, rows + i + (left ? 2 * v : 0));
            const __m512i bits = _mm512_popcnt_epi64(_mm512_xor_si512(value, q));
            sum = _mm512_or_si512(sum, _mm512_slli_epi64(bits, 16 * v));
        }
        sum = _mm512_add_epi16(sum, _mm512_permutex_epi64(sum, 0xb1));
        sum = _mm512_add_epi16(sum, _mm512_permutex_epi64(sum, 0x4e));
        /* Lanes 0 and 4 now hold, in field v, the distances of hashes 2 v and 2 v + 1. */
        __mmask32 near = _mm512_cmple_epu16_mask(sum, limit) & 0x000f000f;
        if (!near)
            continue;
        uint16_t field[32];
        _mm512_storeu_si512(field, sum);
        for (unsigned k = 0; k < 8 && k < count - i; k++) {
            const unsigned at = k / 2 + k % 2 * 16;
            if (near >> at & 1)
                out[found++] = (hk__near){(uint32_t)(i + k), field[at]};
        }
    }
    return found;
}
