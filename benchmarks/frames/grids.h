/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grids.h - sets of frames, as they are named when one is to be chosen.
 *
 *      2@.90+3@.80     2 x 2 frames of 90 % of each side, and 3 x 3 of 80 %, evenly spread
 *      none            the whole picture alone
 *      model           what `list add --frames` makes (models/pdq/frames.csv)
 */
#ifndef BENCH_FRAMES_GRIDS_H
#define BENCH_FRAMES_GRIDS_H

#include "herken.h"

enum { GRID_MOST = 400 };

typedef struct grid {
    const char *name;
    hk_placement frame[GRID_MOST];
    double scale[GRID_MOST], across[GRID_MOST], down[GRID_MOST];
    size_t count;
} grid;

/* False: it is none. The name is borrowed. */
bool grid_read(grid *out, const char *name);

#endif
