/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * looks.h - the spectrum of a raster as seen through a frame, by two products.
 *
 *      B = Y^T R X      X [width][16]: what each column of the raster adds to each frequency,
 *                       Y [height][16]: likewise each row; R the raster
 *
 * X is the exact grid's 64 tents over the frame (axis.h), times the cosines of the 16 frequencies.
 * Where the frame reaches beyond the raster the tents' weight goes to its edge column: edges go on
 * as they end. R X is shared by all frames with the same left and right, Y^T R by all with the same
 * top and bottom, so a walk along one axis makes just the weights and one small product anew.
 *
 * Sums are made in one order without fused multiply-add, one source for all instruction sets
 * (looks_body.h): every machine gives the same bits.
 */
#ifndef HK_ALIGN_LOOKS_H
#define HK_ALIGN_LOOKS_H

#include "spectrum/spectrum.h"

#include <stdalign.h>

enum { HK__WAYS = HK__SPECTRUM_SIDE }; /* frequencies along an axis */

/* 16 numbers for each column or row of a raster. */
typedef struct hk__sums {
    alignas(64) float at[HK__RASTER_SIDE][HK__WAYS];
} hk__sums;

typedef struct hk__plane {
    uint32_t width, height;                                  /* 1..HK__RASTER_SIDE */
    alignas(64) float at[HK__RASTER_SIDE * HK__RASTER_SIDE]; /* row-major, 0..255 */
} hk__plane;

typedef struct hk__looks {
    /* out[n]: the weights of n columns for a frame from `from` to `to`, in columns; either may lie
     * beyond them. 1 <= n <= HK__RASTER_SIDE, to - from >= 1. */
    void (*weigh)(hk__sums *out, uint32_t n, double from, double to);
    /* out[height] = R X, and out[width] = R^T Y. */
    void (*fold_columns)(hk__sums *out, const hk__plane *plane, const hk__sums *x);
    void (*fold_rows)(hk__sums *out, const hk__plane *plane, const hk__sums *y);
    /* spectrum[i][j] = sum over n of y[n][i] * x[n][j]. */
    void (*product)(float spectrum[HK__SPECTRUM_SIZE], const hk__sums *y, const hk__sums *x,
                    uint32_t n);
    /* The plane turned about its centre by so many degrees, clockwise; what comes in from outside
     * is its edge. */
    void (*turn)(hk__plane *out, const hk__plane *plane, double degrees);
} hk__looks;

/* PDQ's D without its first row, by place on the grid, then frequency 1..16; made by the first
 * hk__looks_in_use. */
extern float hk__cosines[HK__GRID_SIDE][HK__WAYS];

extern const hk__looks hk__looks_scalar;
extern const hk__looks hk__looks_avx2; /* only where built for x86-64 */
extern const hk__looks hk__looks_avx512;

/* The kernels in use for the process. */
const hk__looks *hk__looks_in_use(void);

#endif
