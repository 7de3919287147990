/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * within_avx2.c - four hashes at a time; see hamming.h.
 *
 * AVX2 has no vector popcount: bits are counted by a table of nibbles (Mula, Kurz, Lemire, "Faster
 * Population Counts Using AVX2 Instructions"). The byte counts of all four words are added before
 * the bytes are summed: 4 x 8 fits.
 */
#include "hamming/hamming.h"
#include "hamming/within_rows.h"

#include <immintrin.h>

static __m256i count_bytes(__m256i bits)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    const __m256i a = _mm256_and_si256(bits, low);
    const __m256i b = _mm256_and_si256(_mm256_srli_epi16(bits, 4), low);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, a), _mm256_shuffle_epi8(table, b));
}

/* Distances of four hashes of a run from position i on, over words first..end-1. */
static inline __m256i distances(const hk__run *run, size_t i, const __m256i q[4], int first,
                                int end)
{
    __m256i bytes = _mm256_setzero_si256();
    for (int w = first; w < end; w++) {
        const __m256i value = _mm256_load_si256((const __m256i *)(run->word[w] + i));
        bytes = _mm256_add_epi8(bytes, count_bytes(_mm256_xor_si256(value, q[w])));
    }
    return _mm256_sad_epu8(bytes, _mm256_setzero_si256());
}

static inline int below(__m256i distance, __m256i limit)
{
    return _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(limit, distance)));
}

/* `words` of a hash first, the others only where those leave it in the radius. */
static inline size_t within(hk__near *out, const hk__run *run, const hk_hash *query,
                            unsigned max_distance, int words)
{
    const __m256i limit = _mm256_set1_epi64x((long long)max_distance + 1);
    __m256i q[4];
    for (int w = 0; w < 4; w++)
        q[w] = _mm256_set1_epi64x((long long)query->word[w]);

    size_t found = 0;
    for (size_t i = 0; i < run->count; i += 4) {
        __m256i distance = distances(run, i, q, 0, words);
        if (__builtin_expect(!below(distance, limit), words < 4))
            continue;
        distance = _mm256_add_epi64(distance, distances(run, i, q, words, 4));
        unsigned near = (unsigned)below(distance, limit);
        if (run->count - i < 4)
            near &= (1u << (run->count - i)) - 1;
        uint64_t lane[4];
        _mm256_storeu_si256((__m256i *)lane, distance);
        for (; near; near &= near - 1) {
            const unsigned l = (unsigned)__builtin_ctz(near);
            out[found++] = (hk__near){(uint32_t)(i + l), (uint32_t)lane[l]};
        }
    }
    return found;
}

size_t hk__within_avx2(hk__near *out, const hk__run *run, const hk_hash *query,
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

/* One at a time with POPCNT: with a single query the memory is slower than this. */
size_t hk__within_rows_avx2(hk__near *out, const hk_hash *rows, size_t count, const hk_hash *query,
                            unsigned max_distance)
{
    return within_rows(out, rows, count, query, max_distance);
}
