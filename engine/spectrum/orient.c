/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orient.c - eight hashes from one spectrum; see spectrum.h.
 *
 * Mirroring the picture negates the odd frequencies along that axis and transposing it transposes
 * B, so each oriented copy's spectrum is B with signs, perhaps transposed. Signs move the median,
 * a transpose does not: four medians serve eight hashes.
 */
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

/* Hoare's selection as Wirth wrote it down. */
float hk__select(float *values, unsigned count, unsigned rank)
{
    int low = 0, high = (int)count - 1;
    const int k = (int)rank;
    while (low < high) {
        const float pivot = values[k];
        int i = low, j = high;
        do {
            while (values[i] < pivot)
                i++;
            while (pivot < values[j])
                j--;
            if (i <= j) {
                const float swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        } while (i <= j);
        if (j < k)
            low = i;
        if (k < i)
            high = j;
    }
    return values[k];
}

static void hash_bits(hk_hash *plain, hk_hash *transposed, const float signs[HK__SPECTRUM_SIZE])
{
    float scratch[HK__SPECTRUM_SIZE];
    memcpy(scratch, signs, sizeof scratch);
    const float median = hk__select(scratch, HK__SPECTRUM_SIZE, HK__SPECTRUM_SIZE / 2 - 1);
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

void hk__orientations(hk_hash out[HK_ORIENTATIONS], const float spectrum[HK__SPECTRUM_SIZE])
{
    hk_hash by_turn[2][2][2]; /* [negate_rows][negate_columns][transpose] */
    for (int rows = 0; rows < 2; rows++)
        for (int columns = 0; columns < 2; columns++) {
            float signs[HK__SPECTRUM_SIZE];
            for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                    bool negate = (rows && i % 2 == 0) != (columns && j % 2 == 0);
                    float value = spectrum[i * SIDE + j];
                    signs[i * SIDE + j] = negate ? -value : value;
                }
            hash_bits(&by_turn[rows][columns][0], &by_turn[rows][columns][1], signs);
        }
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        out[o] = by_turn[turns[o].negate_rows][turns[o].negate_columns][turns[o].transpose];
}
