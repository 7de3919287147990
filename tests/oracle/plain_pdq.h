/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain_pdq.h - PDQ, and the exact grid, written down as their descriptions read, slowly and in
 * double precision: the oracle of the fast path. It shares no code with the engine.
 */
#ifndef TESTS_PLAIN_PDQ_H
#define TESTS_PLAIN_PDQ_H

#include <stdint.h>

/* Two box passes per axis over the whole image, then decimation; luma row-major, floats. */
void plain_grid(double grid[64 * 64], const double *luma, int rows, int cols);
/* The exact grid: every cell a mean of the whole image, weighted by a tent on its exact place. */
void plain_exact_grid(double grid[64 * 64], const double *luma, int rows, int cols);
int plain_quality(const double grid[64 * 64]);
/* B = D A D^T by two matrix products. */
void plain_dct(double spectrum[256], const double grid[64 * 64]);
/* The 128th smallest value. */
double plain_median(const double spectrum[256]);
/* The grid turned, by name as the PDQ tools name the eight: index 0..7 in their order. */
void plain_turn(double out[64 * 64], const double grid[64 * 64], int orientation);

/* The 13 generated patterns; NULL past the last. */
const char *pattern_name(int index);
/* Writes the pattern as rows x cols 8-bit grey pixels; 0 if there is no such pattern. */
int pattern_draw(uint8_t *pixels, const char *name, int rows, int cols);

#endif
