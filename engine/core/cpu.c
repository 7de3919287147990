/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpu.c - see cpu.h. */
#include "core/cpu.h"

#include "core/error.h"

#include <stdatomic.h>

static atomic_int chosen = HK_SIMD_BEST;

bool hk__cpu_can(hk_simd level)
{
    switch (level) {
    case HK_SIMD_BEST:
    case HK_SIMD_SCALAR:
        return true;
#if defined(__x86_64__)
    case HK_SIMD_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    case HK_SIMD_AVX512:
        return hk__cpu_can(HK_SIMD_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vpopcntdq") &&
               __builtin_cpu_supports("avx512bitalg");
#endif
    default:
        return false;
    }
}

hk_status hk_simd_use(hk_simd level, hk_error *err)
{
    if ((unsigned)level > HK_SIMD_AVX512)
        return hk__fail(err, HK_ERR_USAGE, "no such instruction set level: %d", (int)level);
    if (!hk__cpu_can(level))
        return hk__fail(err, HK_ERR_USAGE, "this processor has no %s", hk_simd_name(level));
    atomic_store(&chosen, (int)level);
    return HK_OK;
}

hk_simd hk_simd_in_use(void)
{
    hk_simd level = (hk_simd)atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level != HK_SIMD_BEST)
        return level;
    level = hk__cpu_can(HK_SIMD_AVX512) ? HK_SIMD_AVX512
            : hk__cpu_can(HK_SIMD_AVX2) ? HK_SIMD_AVX2
                                        : HK_SIMD_SCALAR;
    atomic_store(&chosen, (int)level);
    return level;
}

const char *hk_simd_name(hk_simd level)
{
    switch (level) {
    case HK_SIMD_BEST:
        return "best";
    case HK_SIMD_SCALAR:
        return "scalar";
    case HK_SIMD_AVX2:
        return "avx2";
    case HK_SIMD_AVX512:
        return "avx512";
    }
    return NULL;
}
