/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius.c - how near is near enough: the chances of models/pdq/calibration.csv, and the radius
 * that keeps within a budget of false matches.
 *
 * A chance is that of one unrelated entry in a whole look-up, over all orientations and their
 * inverses. Expectations add up whatever depends on what, so of N entries N times as many are
 * expected, and the chance of any is at most that.
 */
#include "spectrum/spectrum.h"

enum { KINDS = 3, PROFILES = 2 };

/* No radius is wider, however short the list. Further out lie photos of the same thing that are no
 * copies: of 197,000 pairs of photos of the same product 2 lie within 60 bits and 35 within 68,
 * where unrelated photos come 800 times more seldom. Such photos are not unrelated, so the
 * chances say nothing about them. */
enum { WIDEST = 60 };

const char *hk_profile_name(hk_profile profile)
{
    static const char *const names[PROFILES] = {"gate", "review"};
    return (unsigned)profile < PROFILES ? names[profile] : NULL;
}

double hk_false_match_chance(hk_kind kind, unsigned distance, uint64_t entries, bool *extrapolated)
{
    const hk__model *model = &hk__model_pdq;
    const bool known = (unsigned)kind < KINDS;
    const unsigned last = HK__CHANCES - 1, at = distance < last ? distance : last;
    if (extrapolated)
        *extrapolated = known && at < model->measured[kind];
    return (double)entries * (known ? model->chance[kind][at] : 1);
}

int hk_radius(hk_kind kind, hk_profile profile, uint64_t entries)
{
    static const double budgets[PROFILES] = {1e-6, 1e-3};
    if ((unsigned)profile >= PROFILES)
        return -1;
    int radius = WIDEST;
    while (radius >= 0 &&
           hk_false_match_chance(kind, (unsigned)radius, entries, NULL) > budgets[profile])
        radius--;
    return radius;
}
