/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hamming.c - chooses the kernels, and slices; see hamming.h. */
#include "hamming/hamming.h"

#include "core/cpu.h"

hk__within_fn *hk__within_in_use(void)
{
#if defined(__x86_64__)
    switch (hk_simd_in_use()) {
    case HK_SIMD_AVX512:
        return hk__within_avx512;
    case HK_SIMD_AVX2:
        return hk__within_avx2;
    default:
        break;
    }
#endif
    return hk__within_scalar;
}

hk__within_rows_fn *hk__within_rows_in_use(void)
{
#if defined(__x86_64__)
    switch (hk_simd_in_use()) {
    case HK_SIMD_AVX512:
        return hk__within_rows_avx512;
    case HK_SIMD_AVX2:
        return hk__within_rows_avx2;
    default:
        break;
    }
#endif
    return hk__within_rows_scalar;
}

void hk__slice(uint64_t *const word[4], const hk_hash *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hk__row_ahead(rows + i);
        for (int w = 0; w < 4; w++)
            word[w][i] = rows[i].word[w];
    }
}
