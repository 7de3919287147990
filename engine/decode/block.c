/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block.c - the rule of a quantisation table, and the kernels in use; see block.h. */
#include "decode/block.h"

#include "core/cpu.h"

#include <math.h>
#include <string.h>

/* wave[k](x), with the factors of the inverse DCT. */
static double wave(int k, int x)
{
    return cos((2 * x + 1) * k * M_PI / 16) / 2 * (k ? 1 : M_SQRT1_2);
}

bool hk__block_rule_make(hk__block_rule *rule, const uint16_t quant[64])
{
    memset(rule, 0, sizeof *rule);
    rule->shift = 8;
    double most[8] = {0}, mean[8] = {0}; /* of a wave: its size, and its mean over one half */
    for (int k = 0; k < 8; k++)
        for (int x = 0; x < 8; x++) {
            most[k] = fmax(most[k], fabs(wave(k, x)));
            mean[k] += x < 4 && (k % 2 || !k) ? wave(k, x) / 4 : 0;
        }

    /* The finest unit in which all weights fit. Each is then off by half of it at the most, which
     * tells most in a block that fills its room of 127.5 grey levels with one coefficient. */
    double heaviest = 0, worst = 0;
    for (int i = 0; i < 64; i++) {
        const double weight = fabs(mean[i / 8] * mean[i % 8]);
        if (quant[i] > 255)
            return false;
        if (i && weight > 0 && quant[i]) {
            heaviest = fmax(heaviest, quant[i] * weight);
            worst = fmax(worst, 127.5 / (quant[i] * most[i / 8] * most[i % 8]) / 2);
        }
    }
    int shift = 16;
    while (shift > 8 && ldexp(heaviest, shift) > INT16_MAX - 1)
        shift--;
    if (ldexp(worst, -shift) > 0.1)
        return false;

    rule->quant = quant[0];
    rule->shift = shift;
    for (int i = 1; i < 64; i++) { /* reach: at most 255 * 0.241 * 256 < 15,800 */
        const int v = i / 8, u = i % 8;
        rule->reach[i] = (int16_t)ceil(quant[i] * most[v] * most[u] * 256);
        rule->weight[i] = (int16_t)lrint(ldexp(quant[i] * mean[v] * mean[u], shift));
    }
    return true;
}

const hk__block *hk__block_in_use(void)
{
#if defined(__x86_64__)
    if (hk_simd_in_use() >= HK_SIMD_AVX2)
        return &hk__block_avx2;
#endif
    return &hk__block_scalar;
}
