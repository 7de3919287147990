/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dct.c - the spectrum by FFTW; see spectrum.h.
 *
 * REDFT10 is Y[k] = 2 sum x[j] cos(pi k (2j+1) / 2n), so with PDQ's D each pass carries a factor
 * sqrt(2/64) / 2 and B = Y2D / 128. The second pass runs only along the 16 columns that are kept.
 * FFTW documents that only execution is thread-safe and that FFTW_MEASURE varies between runs:
 * plans are made once under pthread_once, with FFTW_ESTIMATE.
 */
#include "spectrum/spectrum.h"

#include "core/error.h"

#include <fftw3.h>
#include <pthread.h>
#include <stdalign.h>
#include <string.h>

enum { SIDE = HK__GRID_SIDE, KEPT = HK__SPECTRUM_SIDE };

static pthread_once_t planned = PTHREAD_ONCE_INIT;
static fftwf_plan rows_plan, columns_plan;

static void make_plans(void)
{
    alignas(64) float in[HK__GRID_SIZE], half[HK__GRID_SIZE], out[KEPT * SIDE];
    const int n = SIDE;
    const fftwf_r2r_kind kind = FFTW_REDFT10;
    rows_plan = fftwf_plan_many_r2r(1, &n, SIDE, in, NULL, 1, SIDE, half, NULL, 1, SIDE, &kind,
                                    FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    columns_plan = fftwf_plan_many_r2r(1, &n, KEPT, half + 1, NULL, SIDE, 1, out, NULL, 1, SIDE,
                                       &kind, FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
}

hk_status hk__dct(float spectrum[HK__SPECTRUM_SIZE], const float grid[HK__GRID_SIZE], hk_error *err)
{
    alignas(64) float in[HK__GRID_SIZE], half[HK__GRID_SIZE], out[KEPT * SIDE];
    pthread_once(&planned, make_plans);
    if (!rows_plan || !columns_plan)
        return hk__fail(err, HK_ERR_NO_MEMORY, "FFTW could not make its plan");

    memcpy(in, grid, sizeof in);
    fftwf_execute_r2r(rows_plan, in, half);
    fftwf_execute_r2r(columns_plan, half + 1, out);
    for (int i = 0; i < KEPT; i++)
        for (int j = 0; j < KEPT; j++)
            spectrum[i * KEPT + j] = out[j * SIDE + i + 1] * (1.0f / 128);
    return HK_OK;
}
