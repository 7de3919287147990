/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probes.c - the frames that are looked through without knowing what for.
 *
 * Outframes stand for crops: a copy that kept 1 - c of each side lies somewhere in a frame of
 * 1 / (1 - c) times its sides. Their places are so close that from anywhere between them an entry
 * comes within the candidates' radius, and the refinement does the rest.
 */
#include "align/aligner.h"

const char *hk_probe_name(hk_probe probe)
{
    static const char *const names[HK_PROBE_SORTS] = {"plain",    "exact",   "trim",
                                                      "outframe", "inframe", "turn"};
    return (unsigned)probe < HK_PROBE_SORTS ? names[probe] : NULL;
}

const char *hk_probes_name(hk_probes probes)
{
    static const char *const names[HK_PROBES_SETS] = {"fast", "standard", "thorough"};
    return (unsigned)probes < HK_PROBES_SETS ? names[probes] : NULL;
}

/* A crop, and at how many places along each side of the whole it is looked for. Negative: the
 * frame is that part of the picture. */
typedef struct crop {
    float share;
    unsigned places;
    hk_probes upright, mirrored; /* from which set on; HK_PROBES_SETS: in none */
} crop;

/* Measured (636 photos, 23,000 strangers): the closer the places, the nearer a crop comes to a
 * probe already, and that decides as much as where the walk ends. Another row at .03, or five
 * places at .06 to .18, found no more. */
static const crop crops[] = {
    {.04f, 3, HK_PROBES_STANDARD, HK_PROBES_STANDARD},
    {.08f, 4, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {.12f, 5, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {.18f, 5, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {.26f, 6, HK_PROBES_THOROUGH, HK_PROBES_SETS},
    {-.10f, 2, HK_PROBES_THOROUGH, HK_PROBES_SETS},
    {-.20f, 3, HK_PROBES_THOROUGH, HK_PROBES_SETS},
};

static const struct turned {
    float angle;
    hk_probes upright, mirrored;
} turns[] = {
    {0, HK_PROBES_STANDARD, HK_PROBES_STANDARD}, /* the exact hash: from it captions are found */
    {-1.5f, HK_PROBES_STANDARD, HK_PROBES_THOROUGH}, {1.5f, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {-3, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},    {3, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {-4.5f, HK_PROBES_STANDARD, HK_PROBES_THOROUGH}, {4.5f, HK_PROBES_STANDARD, HK_PROBES_THOROUGH},
    {-6, HK_PROBES_THOROUGH, HK_PROBES_SETS},        {6, HK_PROBES_THOROUGH, HK_PROBES_SETS},
};

/* How many of the trims, the surest first, and in which orientations. */
static const struct trimmed {
    size_t frames;
    unsigned orientations; /* an or of (1 << hk_orientation) */
} trimming[HK_PROBES_SETS] = {
    [HK_PROBES_FAST] = {1, 1u << HK_ORIGINAL},
    [HK_PROBES_STANDARD] = {8, 1u << HK_ORIGINAL | 1u << HK_FLIPY},
    [HK_PROBES_THOROUGH] = {HK__TRIMS_MOST, 0xff},
};

static void add(hk_aligner *to, hk_probe sort, const hk_placement *frame, unsigned orientations)
{
    float spectrum[HK__SPECTRUM_SIZE];
    hk_fingerprint seen = {0};
    hk__aligner_look(spectrum, to, frame);
    hk__measure(&seen, &hk__model_pdq, spectrum);
    if (seen.flags & HK_FLAG_DEGENERATE || seen.kind != HK_KIND_PHOTO)
        return;
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        if (orientations >> o & 1 && to->count < HK__SIGHTS_MOST)
            to->sights[to->count++] = (hk__sight){.frame = *frame,
                                                  .probe = sort,
                                                  .orientation = (hk_orientation)o,
                                                  .hash = hk__bits(spectrum, (hk_orientation)o)};
}

static unsigned ways(hk_probes set, hk_probes upright, hk_probes mirrored)
{
    return (set >= upright ? 1u << HK_ORIGINAL : 0) | (set >= mirrored ? 1u << HK_FLIPY : 0);
}

static void add_crop(hk_aligner *to, const crop *c, unsigned orientations)
{
    const bool part = c->share < 0;
    const float spare = part ? c->share : c->share / (1 - c->share);
    for (unsigned i = 0; i < c->places; i++) /* by columns: they share their sums */
        for (unsigned j = 0; j < c->places; j++) {
            const float across = (float)i / (float)(c->places - 1);
            const float down = (float)j / (float)(c->places - 1);
            const hk_placement frame = {spare * across, spare * down, spare * (1 - across),
                                        spare * (1 - down), 0};
            add(to, part ? HK_PROBE_INFRAME : HK_PROBE_OUTFRAME, &frame, orientations);
        }
}

void hk__aligner_probe(hk_aligner *aligner, hk_probes probes)
{
    aligner->count = 0;
    hk_placement trims[HK__TRIMS_MOST];
    size_t count = hk__trims(trims, &aligner->upright);
    if (count > trimming[probes].frames)
        count = trimming[probes].frames;
    for (size_t i = 0; i < count; i++)
        add(aligner, HK_PROBE_TRIM, &trims[i], trimming[probes].orientations);
    for (size_t i = 0; i < sizeof crops / sizeof *crops; i++) {
        const unsigned which = ways(probes, crops[i].upright, crops[i].mirrored);
        if (which)
            add_crop(aligner, &crops[i], which);
    }
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        const unsigned which = ways(probes, turns[i].upright, turns[i].mirrored);
        if (which)
            add(aligner, turns[i].angle != 0 ? HK_PROBE_TURN : HK_PROBE_EXACT,
                &(hk_placement){.angle = turns[i].angle}, which);
    }
}
