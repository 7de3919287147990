/* SPDX-License-Identifier: GPL-3.0-or-later */
/* within_rows.h - distances over rows, one hash at a time: built with and without POPCNT. */
#ifndef HK_HAMMING_WITHIN_ROWS_H
#define HK_HAMMING_WITHIN_ROWS_H

#include "hamming/hamming.h"

static inline size_t within_rows(hk__near *out, const hk_hash *rows, size_t count,
                                 const hk_hash *query, unsigned max_distance)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = 0;
        hk__row_ahead(rows + i);
        for (int w = 0; w < 4; w++)
            distance += (unsigned)__builtin_popcountll(rows[i].word[w] ^ query->word[w]);
        /* Written always, kept if near: no branch to mispredict. */
        out[found] = (hk__near){(uint32_t)i, distance};
        found += distance <= max_distance;
    }
    return found;
}

#endif
