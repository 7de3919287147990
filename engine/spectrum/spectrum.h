/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spectrum.h - 64x64 grid -> 16x16 DCT spectrum -> bits, quality, kind.
 *
 *      grid 64x64          spectrum 16x16 (frequencies 1..16, no DC)      hash
 *      [luma 0..255]  -->  [B = D A D^T]                             -->  bit 16i+j = B[i][j] >
 * median
 *
 * All functions are pure and may be called from any thread; the DCT's numbers are made once,
 * under a lock, on first use.
 */
#ifndef HK_SPECTRUM_SPECTRUM_H
#define HK_SPECTRUM_SPECTRUM_H

#include "herken.h"
#include "spectrum/sampler.h"

#define HK__SPECTRUM_SIDE 16
#define HK__SPECTRUM_SIZE 256
#define HK__CHANCES 129 /* distances of a whole look-up: 0..128, inverses included */
#define HK__ALIGNED_CHANCES (HK_CANDIDATE_RADIUS + 1)

/* One hash model's frozen numbers: models/<id>/model.json, calibration.csv and aligned.csv,
 * compiled in. */
typedef struct hk__model {
    hk_model_info info;
    float degenerate_band;     /* in units of max(rms, 1): this near the median is rounding */
    unsigned degenerate_count; /* more coefficients than this in the band: degenerate */
    float flat_rms;            /* under this root mean square: degenerate */
    int low_quality;           /* quality under this: low_quality */
    float low_texture_rms;     /* kind, fact 9 of the design: see model.json */
    float low_texture_coefficients;
    float graphic_spread;
    double chance[3][HK__CHANCES]; /* by kind and distance: one entry's, the upper 95 % bound */
    unsigned measured[3];          /* from this distance on; below it by the tail's model */
    double aligned[HK_PROBES_SETS][HK__ALIGNED_CHANCES]; /* so, of photos once aligned */
    unsigned aligned_measured[HK_PROBES_SETS];
} hk__model;

extern const hk__model hk__model_pdq;

/* B = D A D^T (PDQ.md, step 6), to the bit the same with every instruction set. grid: 64x64
 * row-major, 64-byte aligned or not. */
hk_status hk__dct(float spectrum[HK__SPECTRUM_SIZE], const float grid[HK__GRID_SIZE],
                  hk_error *err) HK_MUST_CHECK;

/* PDQ's gradient sum, 0..100. */
int hk__quality(const float grid[HK__GRID_SIZE]);

/* The hash of the spectrum in each of the eight orientations. */
void hk__orientations(hk_hash out[HK_ORIENTATIONS], const float spectrum[HK__SPECTRUM_SIZE]);

/* One of them alone. */
hk_hash hk__bits(const float spectrum[HK__SPECTRUM_SIZE], hk_orientation orientation);

/* The kind's three numbers (fact 9 of the design), the kind, and of the flags HK_FLAG_DEGENERATE;
 * the fingerprint's other fields stay. */
void hk__measure(hk_fingerprint *fp, const hk__model *model,
                 const float spectrum[HK__SPECTRUM_SIZE]);

/* The value with `rank` (0..255) smaller or equal ones before it in sorted order. No NaN. */
float hk__select(const float values[HK__SPECTRUM_SIZE], unsigned rank);

/* The whole step: grid to fingerprint under a model. The grid's values must be finite. */
hk_status hk__fingerprint(hk_fingerprint *out, const hk__model *model,
                          const float grid[HK__GRID_SIZE], hk_error *err) HK_MUST_CHECK;

/* From the exact grid to its hash in the eight orientations; *degenerate by the model's rule, and
 * then their bits hang on rounding. The grid's values must be finite. */
hk_status hk__exact_hashes(hk_hash out[HK_ORIENTATIONS], bool *degenerate, const hk__model *model,
                           const float grid[HK__GRID_SIZE], hk_error *err) HK_MUST_CHECK;

#endif
