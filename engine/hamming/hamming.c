/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hamming.c - chooses the kernel; see hamming.h. */
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
