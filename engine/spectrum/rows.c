/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.c - chooses the sampling loops; see rows.h. */
#include "spectrum/rows.h"

#include "core/cpu.h"

const hk__rows *hk__rows_in_use(void)
{
#if defined(__x86_64__)
    switch (hk_simd_in_use()) {
    case HK_SIMD_AVX512:
        return &hk__rows_avx512;
    case HK_SIMD_AVX2:
        return &hk__rows_avx2;
    default:
        break;
    }
#endif
    return &hk__rows_scalar;
}
