/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block_scalar.c - the means of blocks on any processor; see block.h. */
#include "decode/block.h"

static int32_t part(const int16_t *coefs, const int16_t *weight, int step)
{
    return coefs[0] * weight[0] + coefs[2 * step] * weight[2 * step] +
           coefs[4 * step] * weight[4 * step] + coefs[6 * step] * weight[6 * step];
}

static bool means(int32_t above[2], int32_t below[2], const int16_t coefs[64],
                  const hk__block_rule *rule)
{
    int32_t reach = 0;
    for (int i = 0; i < 64; i++) {
        const int32_t size = coefs[i] < 0 ? -coefs[i] : coefs[i];
        reach += (size < HK__BLOCK_MOST ? size : HK__BLOCK_MOST) * rule->reach[i];
    }
    const int32_t dc = coefs[0] * rule->quant, middle = 128 * 256 + 32 * dc;
    if (middle < reach || middle > 255 * 256 - reach)
        return false;
    const int16_t *weight = rule->weight;
    const int32_t mean = (1024 + hk__block_mean(dc, reach)) << (rule->shift - 3);
    const int32_t across = part(coefs + 1, weight + 1, 1), down = part(coefs + 8, weight + 8, 8);
    const int32_t both = part(coefs + 9, weight + 9, 1) + part(coefs + 25, weight + 25, 1) +
                         part(coefs + 41, weight + 41, 1) + part(coefs + 57, weight + 57, 1);
    above[0] = mean + down + across + both;
    above[1] = mean + down - across - both;
    below[0] = mean - down + across - both;
    below[1] = mean - down - across + both;
    return true;
}

static void average(int32_t above[2], int32_t below[2], const uint8_t pixels[64],
                    const hk__block_rule *rule)
{
    for (int quarter = 0; quarter < 4; quarter++) {
        const uint8_t *from = pixels + quarter / 2 * 32 + quarter % 2 * 4;
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += from[i / 4 * 8 + i % 4];
        (quarter / 2 ? below : above)[quarter % 2] = sum * (1 << (rule->shift - 4));
    }
}

const hk__block hk__block_scalar = {means, average};
