/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orient.c - eight hashes from one spectrum; see spectrum.h.
 *
 * Mirroring the picture negates the odd frequencies along that axis and transposing it transposes
 * B, so each oriented copy's spectrum is B with signs, perhaps transposed. Signs move the median,
 * a transpose does not: four medians serve eight hashes.
 */
#include "spectrum/rows.h"
#include "spectrum/spectrum.h"

#include <string.h>

enum { SIDE = HK__SPECTRUM_SIDE };

/* Frequency of row or column i is i + 1, so even positions hold the odd functions. */
typedef struct turn {
    bool negate_rows, negate_columns; /* odd vertical, odd horizontal frequencies; done first */
    bool transpose;
} turn;

static const turn turns[HK_ORIENTATIONS] = {
    [HK_ORIGINAL] = {false, false, false}, [HK_ROTATE90] = {false, true, true},
    [HK_ROTATE180] = {true, true, false},  [HK_ROTATE270] = {true, false, true},
    [HK_FLIPX] = {true, false, false},     [HK_FLIPY] = {false, true, false},
    [HK_FLIPPLUS1] = {false, false, true}, [HK_FLIPMINUS1] = {true, true, true},
};

/* Bisection on the bits of the value: 32 counts of what is below, each a loop of rows.h.
 * Quickselect takes four times as long, most of it in branches that cannot be predicted. As signed
 * integers, the bits of floats sort as the floats do once the negative ones are turned over. */
float hk__select(const float values[HK__SPECTRUM_SIZE], unsigned rank)
{
    const hk__rows *rows = hk__rows_in_use();
    int32_t keys[HK__SPECTRUM_SIZE];
    memcpy(keys, values, sizeof keys);
    for (int i = 0; i < HK__SPECTRUM_SIZE; i++)
        keys[i] ^= (keys[i] >> 31) & INT32_MAX;

    /* The largest key with no more than `rank` keys below it, built from the highest bit down; the
     * sign bit first, in offset binary. */
    uint32_t found = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t candidate = found | UINT32_C(1) << bit;
        const int32_t limit = (int32_t)(candidate ^ UINT32_C(0x80000000));
        if (rows->count_below(keys, limit, HK__SPECTRUM_SIZE) <= (int)rank)
            found = candidate;
    }
    int32_t key = (int32_t)(found ^ UINT32_C(0x80000000));
    key ^= (key >> 31) & INT32_MAX;
    float value;
    memcpy(&value, &key, sizeof value);
    return value;
}

static void hash_bits(hk_hash *plain, hk_hash *transposed, const float signs[HK__SPECTRUM_SIZE])
{
    const float median = hk__select(signs, HK__SPECTRUM_SIZE / 2 - 1);
    memset(plain, 0, sizeof *plain);
    memset(transposed, 0, sizeof *transposed);
    for (unsigned i = 0; i < SIDE; i++)
        for (unsigned j = 0; j < SIDE; j++) {
            const uint64_t set = signs[i * SIDE + j] > median;
            const unsigned k = i * SIDE + j, t = j * SIDE + i;
            plain->word[k / 64] |= set << (k % 64);
            transposed->word[t / 64] |= set << (t % 64);
        }
}

static void turned(float out[HK__SPECTRUM_SIZE], const float spectrum[HK__SPECTRUM_SIZE], bool rows,
                   bool columns)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            const bool negate = (rows && i % 2 == 0) != (columns && j % 2 == 0);
            const float value = spectrum[i * SIDE + j];
            out[i * SIDE + j] = negate ? -value : value;
        }
}

hk_hash hk__bits(const float spectrum[HK__SPECTRUM_SIZE], hk_orientation orientation)
{
    const turn *t = &turns[orientation];
    float signs[HK__SPECTRUM_SIZE];
    hk_hash plain, transposed;
    turned(signs, spectrum, t->negate_rows, t->negate_columns);
    hash_bits(&plain, &transposed, signs);
    return t->transpose ? transposed : plain;
}

void hk__orientations(hk_hash out[HK_ORIENTATIONS], const float spectrum[HK__SPECTRUM_SIZE])
{
    hk_hash by_turn[2][2][2]; /* [negate_rows][negate_columns][transpose] */
    for (int rows = 0; rows < 2; rows++)
        for (int columns = 0; columns < 2; columns++) {
            float signs[HK__SPECTRUM_SIZE];
            turned(signs, spectrum, rows, columns);
            hash_bits(&by_turn[rows][columns][0], &by_turn[rows][columns][1], signs);
        }
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        out[o] = by_turn[turns[o].negate_rows][turns[o].negate_columns][turns[o].transpose];
}
