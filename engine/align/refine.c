/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * refine.c - the walk to the frame in which a picture is nearest to an entry.
 *
 * Coordinate descent: edges one by one, both edges of an axis together (a shift), against each
 * other (a zoom), and the angle where the probe had one; each as long as it helps, in steps from 4
 * % down to a quarter of one. Distances are whole bits and mostly flat between two steps, so of
 * equal ones that counts as nearer in which the wrong bits are the weaker coefficients.
 */
#include "align/aligner.h"

#include <math.h>

enum { ROUNDS = 6 }; /* at one step's length, at the most */

static const float steps[] = {.04f, .02f, .01f, .005f, .0025f};
static const float degrees_a_step = 50; /* 2 degrees at 4 % */

/* Beyond these nothing of the picture is left to compare. */
static const float least = .5f, most = 1.6f, steepest = 8;

typedef struct place {
    hk_placement frame;
    unsigned distance;
    float weight; /* of the wrong bits' coefficients, as a share of all */
} place;

typedef struct walk {
    hk_aligner *aligner;
    const hk__sight *from;
    const hk_hash *entry;
} walk;

/* Hashes of transposed pictures have their bits in columns where the spectrum has its rows. */
static bool is_transposed(hk_orientation orientation)
{
    return orientation == HK_ROTATE90 || orientation == HK_ROTATE270 ||
           orientation == HK_FLIPPLUS1 || orientation == HK_FLIPMINUS1;
}

static float weight_of(const float spectrum[HK__SPECTRUM_SIZE], const hk_hash *bits, const walk *w)
{
    enum { SIDE = HK__SPECTRUM_SIDE };
    const bool transposed = is_transposed(w->from->orientation);
    float all = 0, wrong = 0;
    for (unsigned k = 0; k < HK__SPECTRUM_SIZE; k++) {
        const float size = fabsf(spectrum[transposed ? k % SIDE * SIDE + k / SIDE : k]);
        const uint64_t differs = (bits->word[k / 64] ^ w->entry->word[k / 64]) >> (k % 64) & 1;
        all += size;
        wrong += differs != w->from->inverted ? size : 0;
    }
    return all > 0 ? wrong / all : 1;
}

static place look(const walk *w, const hk_placement *frame)
{
    float spectrum[HK__SPECTRUM_SIZE];
    hk__aligner_look(spectrum, w->aligner, frame);
    const hk_hash bits = hk__bits(spectrum, w->from->orientation);
    const unsigned distance = hk_hash_distance(&bits, w->entry);
    return (place){*frame, w->from->inverted ? HK_HASH_BITS - distance : distance,
                   weight_of(spectrum, &bits, w)};
}

static bool nearer(const place *a, const place *b)
{
    return a->distance != b->distance ? a->distance < b->distance : a->weight < b->weight;
}

static bool within_reason(const hk_placement *f)
{
    const float width = 1 + f->left + f->right, height = 1 + f->top + f->bottom;
    return width >= least && width <= most && height >= least && height <= most &&
           fabsf(f->angle) <= steepest;
}

static bool try(place *best, const walk *w, const hk_placement *frame)
{
    if (!within_reason(frame))
        return false;
    const place there = look(w, frame);
    if (!nearer(&there, best))
        return false;
    *best = there;
    return true;
}

/* Along one axis: either edge, a shift, a zoom; forwards or backwards. */
static bool walk_axis(place *best, const walk *w, bool down, float step)
{
    static const float moves[][2] = {{1, 0}, {0, 1}, {1, -1}, {1, 1}};
    bool moved = false;
    if (down)
        hk__aligner_hold_across(w->aligner, &best->frame);
    else
        hk__aligner_hold_down(w->aligner, &best->frame);
    for (unsigned m = 0; m < sizeof moves / sizeof *moves; m++)
        for (int sign = -1; sign <= 1; sign += 2) {
            hk_placement next = best->frame;
            *(down ? &next.top : &next.left) += moves[m][0] * (float)sign * step;
            *(down ? &next.bottom : &next.right) += moves[m][1] * (float)sign * step;
            if (try(best, w, &next)) {
                moved = true;
                break;
            }
        }
    w->aligner->has_down = false; /* what is held is of one walk along one axis */
    return moved;
}

static bool walk_angle(place *best, const walk *w, float step)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        hk_placement next = best->frame;
        next.angle += (float)sign * step * degrees_a_step;
        if (try(best, w, &next))
            return true;
    }
    return false;
}

unsigned hk__aligner_refine(hk__sight *at, hk_aligner *aligner, const hk_hash *entry)
{
    const hk__sight from = *at;
    const walk w = {aligner, &from, entry};
    aligner->has_down = false;
    const place start = look(&w, &from.frame);
    place best = start;
    for (unsigned s = 0; s < sizeof steps / sizeof *steps; s++) {
        bool moved = true;
        for (int round = 0; moved && round < ROUNDS; round++) {
            moved = walk_axis(&best, &w, false, steps[s]);
            moved |= walk_axis(&best, &w, true, steps[s]);
            if (from.frame.angle != 0)
                moved |= walk_angle(&best, &w, steps[s]);
        }
    }

    float spectrum[HK__SPECTRUM_SIZE];
    hk_fingerprint seen = {0};
    hk__aligner_look(spectrum, aligner, &best.frame);
    hk__measure(&seen, &hk__model_pdq, spectrum);
    if (seen.flags & HK_FLAG_DEGENERATE || seen.kind != HK_KIND_PHOTO)
        best = start;
    at->frame = best.frame;
    hk__aligner_look(spectrum, aligner, &best.frame);
    at->hash = hk__bits(spectrum, from.orientation);
    return best.distance;
}
