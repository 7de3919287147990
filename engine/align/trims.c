/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trims.c - uniform borders of a picture.
 *
 * From each edge inwards, lines belong to the border as long as nearly all of their pixels are as
 * the edge line's median. How nearly, and how alike, is tried at several settings: a clock and
 * dots on a screenshot's bars are a few pixels of a line, JPEG's ringing is a few grey levels, and
 * a photo of something on a plain sheet loses the sheet at all of them, which is for the refinement
 * to walk back.
 */
#include "align/aligner.h"

#include <math.h>
#include <string.h>

typedef struct tolerance {
    float levels; /* grey levels from the edge's median that are still the border */
    float others; /* share of a line's pixels that may be further off */
} tolerance;

static const tolerance tolerances[] = {{16, .02f}, {40, .1f}, {6, .02f},
                                       {40, .02f}, {16, .1f}, {40, .3f}};
enum { TOLERANCES = sizeof tolerances / sizeof *tolerances };

/* No border is wider than this on either side. */
static const float widest = .45f;

typedef enum side { LEFT, TOP, RIGHT, BOTTOM, SIDES } side;

typedef struct line {
    const float *first;
    size_t step;
    uint32_t count;
} line;

/* Line number `index` from a side. */
static line line_of(const hk__plane *plane, side from, uint32_t index)
{
    const size_t w = plane->width, h = plane->height;
    switch (from) {
    case LEFT:
        return (line){plane->at + index, w, plane->height};
    case RIGHT:
        return (line){plane->at + (w - 1 - index), w, plane->height};
    case TOP:
        return (line){plane->at + index * w, 1, plane->width};
    default:
        return (line){plane->at + (h - 1 - index) * w, 1, plane->width};
    }
}

static float median_of(line l)
{
    uint32_t counts[256] = {0}, passed = 0;
    for (uint32_t i = 0; i < l.count; i++) {
        const float value = l.first[i * l.step];
        counts[value < 0 ? 0 : value > 255 ? 255 : (int)value]++;
    }
    int level = 0;
    while ((passed += counts[level]) * 2 < l.count)
        level++;
    return (float)level;
}

static bool is_border(line l, float median, const tolerance *t)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < l.count; i++)
        others += fabsf(l.first[i * l.step] - median) > t->levels;
    return (float)others <= t->others * (float)l.count;
}

/* The share of the picture's side that is border. */
static float border(const hk__plane *plane, side from, const tolerance *t)
{
    const uint32_t lines = from == LEFT || from == RIGHT ? plane->width : plane->height;
    const uint32_t most = (uint32_t)(widest * (float)lines);
    const float median = median_of(line_of(plane, from, 0));
    uint32_t n = 0;
    while (n < most && is_border(line_of(plane, from, n), median, t))
        n++;
    return (float)n / (float)lines;
}

static size_t add(hk_placement *out, size_t count, hk_placement frame)
{
    if (frame.left == 0 && frame.top == 0 && frame.right == 0 && frame.bottom == 0)
        return count;
    for (size_t i = 0; i < count; i++)
        if (!memcmp(&out[i], &frame, sizeof frame))
            return count;
    out[count] = frame;
    return count + 1;
}

size_t hk__trims(hk_placement out[HK__TRIMS_MOST], const hk__plane *plane)
{
    hk_placement trimmed[TOLERANCES];
    size_t count = 0;
    for (int t = 0; t < TOLERANCES; t++) {
        float cut[SIDES];
        for (int s = 0; s < SIDES; s++)
            cut[s] = border(plane, (side)s, &tolerances[t]);
        /* + 0: no negative zero, which is no other frame */
        trimmed[t] =
            (hk_placement){0 - cut[LEFT], 0 - cut[TOP], 0 - cut[RIGHT], 0 - cut[BOTTOM], 0};
        count = add(out, count, trimmed[t]);
    }
    /* A picture with plain edges of its own loses them too: bars above and below alone, or aside.
     */
    for (int t = 0; t < TOLERANCES; t++) {
        const hk_placement f = trimmed[t];
        count = add(out, count, (hk_placement){0, f.top, 0, f.bottom, 0});
        count = add(out, count, (hk_placement){f.left, 0, f.right, 0, 0});
    }
    return count;
}
