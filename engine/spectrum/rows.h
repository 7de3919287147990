/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rows.h - the inner loops of sampling, of the DCT and of the median, one file per instruction set.
 *
 * All files hold the same source (rows_body.h) built with other flags. Sums are made in one fixed
 * order without fused multiply-add, so every instruction set gives the same bits.
 */
#ifndef HK_SPECTRUM_ROWS_H
#define HK_SPECTRUM_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* The DCT is of 64 samples, of which the basis has the first half, and keeps frequencies 1..16. */
#define HK__DCT_SIDE 64
#define HK__DCT_HALF 32
#define HK__DCT_KEPT 16

typedef struct hk__rows {
    /* sum[i] = weight * row[i], and sum[i] += weight * row[i]; i < n. No overlap. */
    void (*set_u8)(float *sum, const uint8_t *row, float weight, size_t n);
    void (*add_u8)(float *sum, const uint8_t *row, float weight, size_t n);
    void (*set_f32)(float *sum, const float *row, float weight, size_t n);
    void (*add_f32)(float *sum, const float *row, float weight, size_t n);

    /* out[i] = sum over k < stride of taps[i * stride + k] * line[first[i] + k]; i < m. The line
     * must be readable (and finite) up to `stride` values past any first[i]. */
    void (*fold)(float *out, const float *line, const uint32_t *first, const float *taps,
                 size_t stride, size_t m);

    /* spectrum[16 i + j] = sum over y, x of basis[y][i] * basis[x][j] * grid[64 y + x], with the
     * other half of the basis by symmetry. No overlap. */
    void (*dct)(float *spectrum, const float *grid, const float basis[HK__DCT_HALF][HK__DCT_KEPT]);

    /* How many of n keys are less than the limit. */
    int (*count_below)(const int32_t *keys, int32_t limit, size_t n);
} hk__rows;

extern const hk__rows hk__rows_scalar;
extern const hk__rows hk__rows_avx2; /* only where built for x86-64 */
extern const hk__rows hk__rows_avx512;

/* The kernels in use for the process. */
const hk__rows *hk__rows_in_use(void);

#endif
