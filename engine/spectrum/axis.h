/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * axis.h - one axis of a linear map from n input pixels to m output pixels.
 *
 * PDQ's two box passes and the decimation after them are linear and separable, so each output is a
 * fixed weighted sum ("taps") of a short run of inputs: the grid is a sparse sampling of the
 * picture, not a filter over it. The same shape serves the small raster.
 *
 *      inputs   0 1 2 3 4 5 6 7 8 9 ...                              n-1
 *      output 0     [-taps-]
 *      output 1            [-taps-]          runs ascend and may overlap
 */
#ifndef HK_SPECTRUM_AXIS_H
#define HK_SPECTRUM_AXIS_H

#include "herken.h"

/* Taps are padded with zeros to a multiple of this, so that kernels need no tail. */
#define HK__LANES 8

typedef struct hk__axis {
    uint32_t inputs;  /* n */
    uint32_t outputs; /* m */
    uint32_t stride;  /* taps kept per output: a multiple of HK__LANES */
    uint32_t overlap; /* the most outputs that any one input serves */
    uint32_t *first;  /* [m] first input of the run, ascending */
    uint32_t *count;  /* [m] length of the run, >= 1 */
    float *taps;      /* [m * stride] weights, sum 1 per output */
} hk__axis;

/* The PDQ map (PDQ.md, steps 3 and 4): n inputs, 1..2^30, to 64 outputs. `mirrored` gives the map
 * of the reversed axis, still in input order: output m-1-i of it is output i of the reversed axis.
 */
hk_status hk__axis_pdq(hk__axis *out, uint32_t n, bool mirrored, hk_error *err) HK_MUST_CHECK;

/* The exact grid's map: output i of 64 is a tent centred on its exact place (i + 0.5) * n / 64, not
 * on a whole pixel, of half-width 1.25 * n / 128: each input counts for as much of the tent as lies
 * over it. Symmetric, so its own mirror; n inputs, 1..2^30. */
hk_status hk__axis_exact(hk__axis *out, uint32_t n, hk_error *err) HK_MUST_CHECK;

/* Area average: n inputs to m <= n outputs, each the mean of its n/m inputs, fractions included. */
hk_status hk__axis_area(hk__axis *out, uint32_t n, uint32_t m, hk_error *err) HK_MUST_CHECK;

/* The same map from means of `by` inputs each (the last of what is left): their taps are added up.
 * On failure the axis is cleared. */
hk_status hk__axis_fold(hk__axis *axis, uint32_t by, hk_error *err) HK_MUST_CHECK;

void hk__axis_clear(hk__axis *axis);

#endif
