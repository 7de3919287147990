/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chance.c - a chance in words: hk_chance_words (herken.h). */
#include "herken.h"

#include <math.h>
#include <stdio.h>

/* Two digits, in words: 1.4 million, 850, 20 thousand. */
static void round_number(char out[32], double value)
{
    static const char *const names[] = {"", " thousand", " million", " billion", " trillion"};
    int step = 0;
    for (; value >= 999.5 && step < 4; step++)
        value /= 1000;
    if (value >= 999.5)
        snprintf(out, 32, "1000%s", names[step]);
    else
        snprintf(out, 32, "%.*f%s", value < 9.95 && value != floor(value) ? 1 : 0,
                 value < 99.5 ? value : round(value / 10) * 10, names[step]);
}

const char *hk_chance_words(char out[HK_CHANCE_WORDS_SIZE], hk_kind kind, double chance,
                            uint64_t entries)
{
    static const char *const kinds[] = {"photo", "low-texture image", "graphic"};
    const bool often = chance > 0.5,
               seldom = chance < 1e-12; /* beyond that no model is to be believed */
    char list[32], looks[32];
    round_number(list, (double)entries);
    round_number(looks, often ? chance : 1 / (seldom ? 1e-12 : chance));
    const int n = snprintf(out, HK_CHANCE_WORDS_SIZE, "an unrelated %s comes this close to ",
                           (unsigned)kind < 3 ? kinds[kind] : "image");
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
