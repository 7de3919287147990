/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chance.c - a chance, and a view, in words: hk_chance_words, hk_view_words (herken.h). */
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
