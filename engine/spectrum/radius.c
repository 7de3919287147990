/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius.c - how near is near enough: the chances of models/pdq/calibration.csv, and the radius
 * that keeps within a budget of false matches.
 *
 * A chance is that of one unrelated entry in a whole look-up, over all orientations and their
 * inverses. Expectations add up whatever depends on what, so of N entries N times as many are
 * expected, and the chance of any is at most that. A second probe adds its own expectation; that it
 * finds much the same strangers is not counted on.
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

/* Strangers come about as near to the exact-grid hashes of photos as to their plain ones: measured
 * are 1.04 +- 0.04 times as many pairs within 84 bits, 1.17 +- 0.07 within 78 (calibrate probes). A
 * quarter more is allowed for. */
static const double exact_excess = 1.25;

double hk_false_matches(hk_kind kind, int plain, int exact, uint64_t entries, bool *extrapolated)
{
    bool of_plain = false, of_exact = false;
    double sum = 0;
    if (plain >= 0)
        sum = hk_false_match_chance(kind, (unsigned)plain, entries, &of_plain);
    if (exact >= 0)
        sum += exact_excess * hk_false_match_chance(kind, (unsigned)exact, entries, &of_exact);
    if (extrapolated)
        *extrapolated = of_plain || of_exact;
    return sum;
}

/* The part of a budget that is kept for the exact-grid hash, at the least. Distances are even, so
 * that the plain one seldom uses up its own part; but where it nearly would, there should be more
 * than nothing left. */
static double exact_part(hk_kind kind)
{
    return kind == HK_KIND_PHOTO ? .05 : 0;
}

static double budget_of(hk_profile profile)
{
    return profile == HK_PROFILE_GATE ? 1e-6 : 1e-3;
}

int hk_radius(hk_kind kind, hk_profile profile, uint64_t entries)
{
    int radius = (unsigned)profile < PROFILES ? WIDEST : -1;
    const double budget = budget_of(profile) * (1 - exact_part(kind));
    while (radius >= 0 && hk_false_matches(kind, radius, -1, entries, NULL) > budget)
        radius--;
    return radius;
}

int hk_exact_radius(hk_kind kind, hk_profile profile, uint64_t entries)
{
    const int plain = hk_radius(kind, profile, entries);
    int radius = exact_part(kind) > 0 ? plain : -1;
    while (radius >= 0 && hk_false_matches(kind, plain, radius, entries, NULL) > budget_of(profile))
        radius--;
    return radius;
}
