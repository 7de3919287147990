/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dct.c - the spectrum as a product of matrices; see spectrum.h.
 *
 *      D[k][y] = sqrt(2/64) cos(pi k (2y+1) / 128),  k 1..16, y 0..63
 *
 * of which rows.h is given the half with y < 32: D[k][63-y] is D[k][y], negated for odd k. The sums
 * are made in one fixed order, so a hash is the same on every processor.
 */
#include "spectrum/spectrum.h"

#include "core/error.h"
#include "spectrum/rows.h"

#include <math.h>
#include <pthread.h>

static pthread_once_t made = PTHREAD_ONCE_INIT;
static float basis[HK__DCT_HALF][HK__DCT_KEPT];

static void make_basis(void)
{
    const double pi = 3.14159265358979323846;
    for (int y = 0; y < HK__DCT_HALF; y++)
        for (int i = 0; i < HK__DCT_KEPT; i++)
            basis[y][i] = (float)(sqrt(2.0 / HK__DCT_SIDE) *
                                  cos(pi * (i + 1) * (2 * y + 1) / (2 * HK__DCT_SIDE)));
}

hk_status hk__dct(float spectrum[HK__SPECTRUM_SIZE], const float grid[HK__GRID_SIZE], hk_error *err)
{
    if (pthread_once(&made, make_basis))
        return hk__fail(err, HK_ERR_SYSTEM, "the numbers of the DCT could not be made");
    hk__rows_in_use()->dct(spectrum, grid, basis);
    return HK_OK;
}
