/* SPDX-License-Identifier: GPL-3.0-or-later */
/* looks.c - chooses the kernels and makes their table; see looks.h. */
#include "align/looks.h"

#include "core/cpu.h"

#include <math.h>
#include <pthread.h>

float hk__cosines[HK__GRID_SIDE][HK__WAYS];

static pthread_once_t made = PTHREAD_ONCE_INIT;

/* PDQ.md, step 6. */
static void make_cosines(void)
{
    for (int i = 0; i < HK__GRID_SIDE; i++)
        for (int k = 0; k < HK__WAYS; k++)
            hk__cosines[i][k] =
                (float)(sqrt(2. / HK__GRID_SIDE) *
                        cos(3.14159265358979323846 / (2 * HK__GRID_SIDE) * (2 * i + 1) * (k + 1)));
}

const hk__looks *hk__looks_in_use(void)
{
    pthread_once(&made, make_cosines);
#if defined(__x86_64__)
    switch (hk_simd_in_use()) {
    case HK_SIMD_AVX512:
        return &hk__looks_avx512;
    case HK_SIMD_AVX2:
        return &hk__looks_avx2;
    default:
        break;
    }
#endif
    return &hk__looks_scalar;
}
