/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpu.h - which kernels this processor can run, and which are in use.
 *
 * Chosen once for the process; hk_simd_use() (herken.h) forces a lower level. Rooms with kernels
 * ask hk_simd_in_use() outside their loops.
 */
#ifndef HK_CORE_CPU_H
#define HK_CORE_CPU_H

#include "herken.h"

/* True where the processor can run kernels of this level. */
bool hk__cpu_can(hk_simd level);

#endif
