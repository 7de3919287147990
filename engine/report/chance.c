/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chance.c - a chance, and a view and a placement, in words: hk_chance_words and its like
 * (herken.h). */
#include "report/chance.h"

#include <stdio.h>

const char *hk__round_words(char out[HK__ROUND_SIZE], double value)
{
    static const char *const names[] = {"", " thousand", " million", " billion", " trillion"};
    int step = 0;
    for (; value >= 999.5 && step < 4; step++)
        value /= 1000;
    if (!(value <= 999))
        value = 1000; /* trillions and more: whoever reads on wants no more of it */
    const unsigned tenths = (unsigned)(value * 10 + 0.5);
    if (tenths < 100 && tenths % 10)
        snprintf(out, HK__ROUND_SIZE, "%u.%u%s", tenths / 10, tenths % 10, names[step]);
    else if (value < 99.5)
        snprintf(out, HK__ROUND_SIZE, "%u%s", (unsigned)(value + 0.5), names[step]);
    else
        snprintf(out, HK__ROUND_SIZE, "%u%s", (unsigned)(value / 10 + 0.5) * 10, names[step]);
    return out;
}

const char *hk__kind_words(hk_kind kind)
{
    static const char *const words[] = {"photo", "low-texture image", "graphic"};
    return (unsigned)kind < sizeof words / sizeof *words ? words[kind] : "image";
}

const char *hk_view_words(char out[HK_VIEW_WORDS_SIZE], const hk_match *match)
{
    out[0] = '\0';
    if (match->basis == HK_BASIS_PDQ && match->view && match->backdrop != HK_BACKDROP_BLACK)
        snprintf(out, HK_VIEW_WORDS_SIZE, "  (frame %u, on %s)", match->frame,
                 hk_backdrop_name(match->backdrop));
    else if (match->basis == HK_BASIS_PDQ && match->view)
        snprintf(out, HK_VIEW_WORDS_SIZE, "  (frame %u)", match->frame);
    return out;
}

/* Whole hundredths; a half of one is nothing. */
static int percent(float share)
{
    return (int)(share * 100 + (share < 0 ? -.5F : .5F));
}

/* What was cut off is said in shares of the entry, what is around in shares of the query. */
const char *hk_placement_words(char out[HK_PLACEMENT_WORDS_SIZE], const hk_match *match)
{
    const hk_placement *p = &match->placement;
    const float across = 1 + p->left + p->right, down = 1 + p->top + p->bottom;
    const float whole[4] = {across, down, across, down};
    const float side[4] = {p->left, p->top, p->right, p->bottom};
    int cut[4], inside = 0, around = 0;
    out[0] = '\0';
    if (!match->aligned)
        return out;
    for (int i = 0; i < 4; i++) {
        cut[i] = percent(side[i] > 0 && whole[i] > 0 ? side[i] / whole[i] : side[i]);
        inside += cut[i] > 0;
        around += cut[i] < 0;
    }
    size_t length = 0;
    const int sign = inside ? 1 : -1; /* one that is both says which side it is */
    if (inside || around)
        length = (size_t)snprintf(out, HK_PLACEMENT_WORDS_SIZE,
                                  "%s (left %d %%, top %d %%, right %d %%, bottom %d %%)",
                                  inside ? "cropped" : "framed", sign * cut[0], sign * cut[1],
                                  sign * cut[2], sign * cut[3]);
    const float angle = p->angle < 0 ? -p->angle : p->angle;
    if (angle >= .25F && length < HK_PLACEMENT_WORDS_SIZE)
        length += (size_t)snprintf(out + length, HK_PLACEMENT_WORDS_SIZE - length,
                                   "%sturned by %.3g degrees", length ? ", " : "", (double)angle);
    if (!length)
        snprintf(out, HK_PLACEMENT_WORDS_SIZE, "placed as the whole");
    return out;
}

const char *hk_chance_words(char out[HK_CHANCE_WORDS_SIZE], hk_kind kind, double chance,
                            uint64_t entries)
{
    const bool often = chance > 0.5,
               seldom = chance < 1e-12; /* beyond that no model is to be believed */
    char list[HK__ROUND_SIZE], looks[HK__ROUND_SIZE];
    hk__round_words(list, (double)entries);
    hk__round_words(looks, often ? chance : 1 / (seldom ? 1e-12 : chance));
    const int n = snprintf(out, HK_CHANCE_WORDS_SIZE, "an unrelated %s comes this close to ",
                           hk__kind_words(kind));
    char *rest = out + n;
    const size_t room = HK_CHANCE_WORDS_SIZE - (size_t)n;
    if (often && entries > 1)
        snprintf(rest, room, "%s entries of a list of %s in every look-up", looks, list);
    else if (often)
        snprintf(rest, room, "another one in most cases");
    else if (entries > 1)
        snprintf(rest, room, "a list of %s %sonce in %s look-ups", list, seldom ? "less than " : "",
                 looks);
    else
        snprintf(rest, room, "another one %sonce in %s comparisons", seldom ? "less than " : "",
                 looks);
    return out;
}
