/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * block_avx2.c - the means of blocks with AVX2; see block.h.
 *
 * A register holds two rows: an even one in its lower half, an odd one in the upper. The weights
 * of the first column are left out of the products, so that what comes together in the lower half
 * is `across` and in the upper half `both`; `down` has four terms and is summed by itself.
 */
#include "decode/block.h"

#include <stddef.h>

#include <immintrin.h>

static bool means(int32_t above[2], int32_t below[2], const int16_t coefs[64],
                  const hk__block_rule *rule)
{
    const __m256i most = _mm256_set1_epi16(HK__BLOCK_MOST);
    const __m256i odd_columns = _mm256_set1_epi32((int)0xffff0000);
    __m256i reach = _mm256_setzero_si256(), parts = reach;
    for (int i = 0; i < 64; i += 16) {
        const __m256i rows = _mm256_loadu_si256((const __m256i *)(coefs + i));
        const __m256i size = _mm256_min_epu16(_mm256_abs_epi16(rows), most);
        reach = _mm256_add_epi32(
            reach, _mm256_madd_epi16(size, _mm256_loadu_si256((const __m256i *)(rule->reach + i))));
        parts = _mm256_add_epi32(
            parts, _mm256_madd_epi16(_mm256_and_si256(rows, odd_columns),
                                     _mm256_loadu_si256((const __m256i *)(rule->weight + i))));
    }
    const __m256i pairs = _mm256_hadd_epi32(reach, parts);
    const __m256i sums = _mm256_hadd_epi32(pairs, pairs); /* reach, part, reach, part; twice */
    const uint64_t even = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(sums)),
                   odd = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(sums, 1));
    const int32_t reached = (int32_t)(uint32_t)even + (int32_t)(uint32_t)odd;

    const int32_t dc = coefs[0] * rule->quant, middle = 128 * 256 + 32 * dc;
    if (middle < reached || middle > 255 * 256 - reached)
        return false;
    const int16_t *weight = rule->weight;
    const int32_t mean = (1024 + hk__block_mean(dc, reached)) << (rule->shift - 3);
    const int32_t across = (int32_t)(even >> 32), both = (int32_t)(odd >> 32);
    const int32_t down = coefs[8] * weight[8] + coefs[24] * weight[24] + coefs[40] * weight[40] +
                         coefs[56] * weight[56];
    const int32_t up = mean + down, low = mean - down;
    above[0] = up + (across + both);
    above[1] = up - (across + both);
    below[0] = low + (across - both);
    below[1] = low - (across - both);
    return true;
}

/* Eight bytes at a time: so they were written, just before, and so they can be read back at once.
 */
static __m128i four_rows(const uint8_t *pixels)
{
    __m128i sum = _mm_setzero_si128();
    for (int y = 0; y < 4; y++)
        sum = _mm_add_epi16(
            sum, _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(pixels + (ptrdiff_t)y * 8))));
    return _mm_madd_epi16(sum, _mm_set1_epi16(1));
}

static void average(int32_t above[2], int32_t below[2], const uint8_t pixels[64],
                    const hk__block_rule *rule)
{
    const __m128i sums = _mm_sll_epi32(_mm_hadd_epi32(four_rows(pixels), four_rows(pixels + 32)),
                                       _mm_cvtsi32_si128(rule->shift - 4));
    _mm_storel_epi64((__m128i *)above, sums);
    _mm_storel_epi64((__m128i *)below, _mm_unpackhi_epi64(sums, sums));
}

const hk__block hk__block_avx2 = {means, average};
