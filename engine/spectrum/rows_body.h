/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rows_body.h - the source of rows_scalar.c, rows_avx2.c and rows_avx512.c; see rows.h.
 *
 * Included once per instruction set with HK__ROWS_NAME defined. Plain loops: the compiler
 * vectorises them for the flags of each file.
 */
#include "spectrum/axis.h"
#include "spectrum/rows.h"

static void set_u8(float *restrict sum, const uint8_t *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = weight * (float)row[i];
}

static void add_u8(float *restrict sum, const uint8_t *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += weight * (float)row[i];
}

static void set_f32(float *restrict sum, const float *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = weight * row[i];
}

static void add_f32(float *restrict sum, const float *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += weight * row[i];
}

static void fold(float *restrict out, const float *restrict line, const uint32_t *restrict first,
                 const float *restrict taps, size_t stride, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        const float *from = line + first[i];
        const float *weight = taps + i * stride;
        float lane[HK__LANES];
        for (int l = 0; l < HK__LANES; l++)
            lane[l] = weight[l] * from[l];
        for (size_t k = HK__LANES; k < stride; k += HK__LANES)
            for (int l = 0; l < HK__LANES; l++)
                lane[l] += weight[k + l] * from[k + l];
        for (int half = HK__LANES / 2; half; half /= 2)
            for (int l = 0; l < half; l++)
                lane[l] += lane[l + half];
        out[i] = lane[0];
    }
}

const hk__rows HK__ROWS_NAME = {set_u8, add_u8, set_f32, add_f32, fold};
