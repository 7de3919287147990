/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * block.h - the means of the four quarters of an 8x8 block of a JPEG, from its coefficients; one
 * file per instruction set, all of whole numbers and so the same to the bit.
 *
 *      F[v][u] = coefs * quant        pixel(x, y) = 128 + sum of F[v][u] * wave[v](y) * wave[u](x)
 *
 * A viewer cuts each pixel to 0..255. As long as no pixel is cut, the mean over a quarter is a sum
 * over 25 of the coefficients: the waves of even u > 0 cancel out over each half of the block, and
 * the odd ones over one half are minus those over the other. So there are four sums and their
 * signs:
 *
 *      middle  F[0][0]                       left above   middle + across + down + both
 *      across  F[0][odd]                     right above  middle - across + down - both
 *      down    F[odd][0]                     left below   middle + across - down - both
 *      both    F[odd][odd]                   right below  middle - across - down + both
 *
 * That no pixel is cut is proven by
 *
 *      |pixel - mean of the block| <= reach = sum of |F[v][u]| * max |wave[v]| * max |wave[u]|
 *
 * over all coefficients but the first. Where the proof fails, the pixels must be made and counted.
 */
#ifndef HK_DECODE_BLOCK_H
#define HK_DECODE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Coefficients are taken for this at the most, so that sums of 64 do not overflow. With a quant of
 * 1 (44/256 a step, or more) that alone reaches further than any pixel may. */
#define HK__BLOCK_MOST 2047

/* What the quantisation table says of every block of a component. */
typedef struct hk__block_rule {
    int32_t quant;      /* of the first coefficient */
    int32_t shift;      /* weights and means are in units of 1 / 2^shift of a grey level, 8..16 */
    int16_t reach[64];  /* of one step of a coefficient, in 1/256 of a grey level, rounded up */
    int16_t weight[64]; /* of a step in the sum that the coefficient is part of, but the first */
} hk__block_rule;

/* quant[v * 8 + u]. False, and nothing of the rule but the unit, where the table does not suit the
 * arithmetic: it has entries over 255, which no 8-bit JPEG needs, or so far apart that the weights'
 * rounding could come to 0.1 of a grey level in a mean. */
bool hk__block_rule_make(hk__block_rule *rule, const uint16_t quant[64]);

typedef struct hk__block {
    /* The means of the quarters, 0..255 in the rule's unit: two above and two below. False, and
     * nothing written, where a pixel may be cut. */
    bool (*means)(int32_t above[2], int32_t below[2], const int16_t coefs[64],
                  const hk__block_rule *rule);

    /* The same of 64 pixels. */
    void (*average)(int32_t above[2], int32_t below[2], const uint8_t pixels[64],
                    const hk__block_rule *rule);
} hk__block;

/* For the kernels: eight times the mean of a block less 128, from its first coefficient. 64 equal
 * pixels are rounded as libjpeg rounds them. Without a branch, which nobody could foretell. */
static inline int32_t hk__block_mean(int32_t dc, int32_t reach)
{
    const int32_t mask = -(int32_t)(reach == 0);
    return (dc + (4 & mask)) & ~(7 & mask);
}

extern const hk__block hk__block_scalar;
extern const hk__block hk__block_avx2; /* only where built for x86-64 */

/* The kernels in use for the process. */
const hk__block *hk__block_in_use(void);

#endif
