/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius.c - how near is near enough: the chances of models/pdq/calibration.csv and aligned.csv,
 * and the radii that keep within a budget of false matches.
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

double hk_budget(hk_profile profile)
{
    static const double budgets[PROFILES] = {[HK_PROFILE_GATE] = 1e-6, [HK_PROFILE_REVIEW] = 1e-3};
    return (unsigned)profile < PROFILES ? budgets[profile] : -1;
}

static int plain_radius(hk_kind kind, double budget, uint64_t entries)
{
    int radius = budget >= 0 ? WIDEST : -1;
    while (radius >= 0 && hk_false_matches(kind, radius, -1, entries, NULL) > budget)
        radius--;
    return radius;
}

/* The widest beside the plain one with which both keep within the budget. */
static int exact_radius(hk_kind kind, int plain, double budget, uint64_t entries)
{
    int radius = exact_part(kind) > 0 ? plain : -1;
    while (radius >= 0 && hk_false_matches(kind, plain, radius, entries, NULL) > budget)
        radius--;
    return radius;
}

int hk_radius(hk_kind kind, hk_profile profile, uint64_t entries)
{
    return hk_radii_of(kind, profile, HK_PROBES_SETS, entries).plain;
}

int hk_exact_radius(hk_kind kind, hk_profile profile, uint64_t entries)
{
    return hk_radii_of(kind, profile, HK_PROBES_SETS, entries).exact;
}

double hk_aligned_false_matches(hk_kind kind, int distance, hk_probes probes, uint64_t entries,
                                bool *extrapolated)
{
    const hk__model *model = &hk__model_pdq;
    const bool known = kind == HK_KIND_PHOTO && (unsigned)probes < HK_PROBES_SETS;
    const int at = distance < HK_CANDIDATE_RADIUS ? distance : HK_CANDIDATE_RADIUS;
    if (extrapolated)
        *extrapolated = known && at >= 0 && (unsigned)at < model->aligned_measured[probes];
    if (at < 0)
        return 0;
    return (double)entries * (known ? model->aligned[probes][at] : 1);
}

/* The part of a budget that the aligned have at the least, where pictures are aligned too. Captions
 * and tones are found by the plain hash alone, so that has the larger one; but its chances fall so
 * fast that it leaves a good deal more. Any part from .2 to .7 finds much the same (DECISIONS.md,
 * "the aligned get what is left"). */
static const double aligned_part = 1. / 3;

hk_radii hk_radii_within(hk_kind kind, double budget, hk_probes probes, uint64_t entries)
{
    const bool aligns = (unsigned)probes < HK_PROBES_SETS && (unsigned)kind < KINDS;
    const double others = aligns && kind == HK_KIND_PHOTO ? aligned_part : exact_part(kind);
    hk_radii radii = {.plain = plain_radius(kind, budget * (1 - others), entries),
                      .aligned = aligns && budget >= 0 ? WIDEST : -1};
    double rest = budget - hk_false_matches(kind, radii.plain, -1, entries, NULL);
    while (radii.aligned >= 0 &&
           hk_aligned_false_matches(HK_KIND_PHOTO, radii.aligned, probes, entries, NULL) > rest)
        radii.aligned--;
    rest -= hk_aligned_false_matches(HK_KIND_PHOTO, radii.aligned, probes, entries, NULL);
    radii.exact = exact_radius(
        kind, radii.plain, rest + hk_false_matches(kind, radii.plain, -1, entries, NULL), entries);
    return radii;
}

hk_radii hk_radii_of(hk_kind kind, hk_profile profile, hk_probes probes, uint64_t entries)
{
    return hk_radii_within(kind, hk_budget(profile), probes, entries);
}
