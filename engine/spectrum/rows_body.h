/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rows_body.h - the source of rows_scalar.c, rows_avx2.c and rows_avx512.c; see rows.h.
 *
 * Included once per instruction set with HK__ROWS_NAME defined. Plain loops: the compiler
 * vectorises them for the flags of each file.
 */
#include "spectrum/axis.h"
#include "spectrum/rows.h"

#include <string.h>

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

/* Eight sums in one variable: as an array they went to memory and back at each step. */
typedef float lanes __attribute__((vector_size(HK__LANES * sizeof(float))));

static void fold(float *restrict out, const float *restrict line, const uint32_t *restrict first,
                 const float *restrict taps, size_t stride, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        const float *from = line + first[i];
        const float *weight = taps + i * stride;
        lanes w, f, sum;
        memcpy(&w, weight, sizeof w);
        memcpy(&f, from, sizeof f);
        sum = w * f;
        for (size_t k = HK__LANES; k < stride; k += HK__LANES) {
            memcpy(&w, weight + k, sizeof w);
            memcpy(&f, from + k, sizeof f);
            sum += w * f;
        }
        sum +=
            __builtin_shufflevector(sum, sum, 4, 5, 6, 7, 4, 5, 6, 7); /* halves, then quarters */
        sum += __builtin_shufflevector(sum, sum, 2, 3, 2, 3, 2, 3, 2, 3);
        out[i] = sum[0] + sum[1];
    }
}

/* sums[i] = sum over y of basis[y][i] * lines[y], for lines of `width` floats, 16 or 64. Mirrored
 * lines share a factor, but for its sign in the odd functions: 32 products do for 64. Four at a
 * time, or the sums go to memory and back once for each. */
static inline void transform(float *restrict sums, const float *restrict lines, size_t width,
                             const float basis[HK__DCT_HALF][HK__DCT_KEPT])
{
    enum { AT_ONCE = 4 };
    memset(sums, 0, HK__DCT_KEPT * width * sizeof *sums);
    for (size_t y = 0; y < HK__DCT_HALF; y += AT_ONCE) {
        float folded[2][AT_ONCE][HK__DCT_SIDE]; /* differences, for odd functions, and sums */
        for (size_t k = 0; k < AT_ONCE; k++) {
            const float *a = lines + (y + k) * width;
            const float *b = lines + (HK__DCT_SIDE - 1 - y - k) * width;
            for (size_t x = 0; x < width; x++) {
                folded[0][k][x] = a[x] - b[x];
                folded[1][k][x] = a[x] + b[x];
            }
        }
        for (size_t i = 0; i < HK__DCT_KEPT; i++) { /* of frequency i + 1 */
            float *restrict sum = sums + i * width;
            const float *f0 = folded[i % 2][0], *f1 = folded[i % 2][1];
            const float *f2 = folded[i % 2][2], *f3 = folded[i % 2][3];
            const float w0 = basis[y][i], w1 = basis[y + 1][i];
            const float w2 = basis[y + 2][i], w3 = basis[y + 3][i];
            for (size_t x = 0; x < width; x++)
                sum[x] = (((sum[x] + w0 * f0[x]) + w1 * f1[x]) + w2 * f2[x]) + w3 * f3[x];
        }
    }
}

static void dct(float *restrict spectrum, const float *restrict grid,
                const float basis[HK__DCT_HALF][HK__DCT_KEPT])
{
    enum { SIDE = HK__DCT_SIDE, KEPT = HK__DCT_KEPT };
    float half[KEPT * SIDE], across[SIDE * KEPT], out[KEPT * KEPT];
    transform(half, grid, SIDE, basis);
    for (int i = 0; i < KEPT; i++)
        for (int x = 0; x < SIDE; x++)
            across[x * KEPT + i] = half[i * SIDE + x];
    transform(out, across, KEPT, basis);
    for (int j = 0; j < KEPT; j++)
        for (int i = 0; i < KEPT; i++)
            spectrum[i * KEPT + j] = out[j * KEPT + i];
}

static int count_below(const int32_t *keys, int32_t limit, size_t n)
{
    int below = 0;
    for (size_t i = 0; i < n; i++)
        below += keys[i] < limit;
    return below;
}

const hk__rows HK__ROWS_NAME = {set_u8, add_u8, set_f32, add_f32, fold, dct, count_below};
