/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rows.h - the three inner loops of sampling, one file per instruction set.
 *
 * All files hold the same source (rows_body.h) built with other flags. Sums are made in one fixed
 * order without fused multiply-add, so every instruction set gives the same bits.
 */
#ifndef HK_SPECTRUM_ROWS_H
#define HK_SPECTRUM_ROWS_H

#include <stddef.h>
#include <stdint.h>

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
} hk__rows;

extern const hk__rows hk__rows_scalar;
extern const hk__rows hk__rows_avx2; /* only where built for x86-64 */
extern const hk__rows hk__rows_avx512;

/* The kernels in use for the process. */
const hk__rows *hk__rows_in_use(void);

#endif
