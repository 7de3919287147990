/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tail.h - from counted pairs to the chance of a false match, with an upper 95 % bound, at every
 * distance: measured where there are pairs enough, beyond that by a model of the tail.
 *
 * The model. Near zero, the distances from a thing to others of its sort follow a power law,
 *
 *      p(d) = p(u) * ((d + 1) / (u + 1)) ^ m
 *
 * whatever the sort, with m the number of ways in which two of them can differ (the local intrinsic
 * dimension; Houle 2013, Amsaleg et al. 2015; the limit law of minima of what is bounded below). A
 * pair within half the distance must agree in all of them. m is fitted to the pairs between `low`
 * and `high` by maximum likelihood. The + 1: distances between healthy hashes are even, and d
 * stands for what lies between d - 1 and d + 1. Means of two take every value: there it is + 1/2.
 *
 * Bounds. Pairs are not independent: one image with a common composition is near to many. So each
 * number is made again without each cluster of images in turn (jackknife); where that spreads wider
 * than exact Poisson counting does, the wider one counts.
 */
#ifndef CALIBRATE_TAIL_H
#define CALIBRATE_TAIL_H

#include "pairs.h"

typedef enum tail_shape {
    TAIL_POWER = 0,
    TAIL_FLAT /* no model: nothing below what was measured is taken to be rarer */
} tail_shape;

typedef struct tail_plan {
    tail_shape shape;
    unsigned low, high; /* fits the pairs with low < distance <= high */
    unsigned measured;  /* rows from here on are measured; 0: where there are TAIL_ENOUGH pairs */
    bool every;         /* distances take every value, as means of two do; else even ones alone */
} tail_plan;

enum { TAIL_ENOUGH = 30 };

typedef struct tail_fit {
    double at_high; /* p(high) */
    double m;
    unsigned high;
    bool every; /* as the plan's */
} tail_fit;

typedef struct tail_row {
    uint64_t count; /* pairs within the distance */
    double p, upper;
    bool extrapolated;
} tail_row;

typedef struct tail_table {
    tail_row row[DISTANCES];
    uint64_t pairs;
    tail_fit fit;  /* of TAIL_POWER, */
    double m_down; /* and its exponent, one standard error lower */
} tail_table;

/* False where there are no pairs to fit. */
bool tail_make_fit(tail_fit *out, const histogram *from, const tail_plan *plan);
double tail_chance(const tail_fit *fit, unsigned distance);

/* All rows from the pairs within the clusters. False where there are too few pairs. */
bool tail_make_table(tail_table *out, const tally *counts, uint64_t clusters,
                     const tail_plan *plan);

/* The distances below `end` at which significantly more was observed (1 %, with the observation's
 * own spread) than the table's bound allows: how many, and the nearest in *worst. */
unsigned tail_check(unsigned *worst, const tail_table *bounds, const tally *observed,
                    uint64_t clusters, unsigned end);

/* The mean of which `count` or fewer are seen with a chance of 5 %: its exact upper 95 % bound. */
double tail_poisson_upper(uint64_t count);
/* The chance to see `count` or more with this mean. */
double tail_poisson_above(uint64_t count, double mean);

#endif
