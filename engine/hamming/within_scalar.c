/* SPDX-License-Identifier: GPL-3.0-or-later */
/* within_scalar.c - the plain kernels, and the oracle of the others; see hamming.h. */
#include "hamming/hamming.h"
#include "hamming/within_rows.h"

size_t hk__within_scalar(hk__near *out, const hk__run *run, const hk_hash *query,
                         unsigned max_distance)
{
    size_t found = 0;
    for (size_t i = 0; i < run->count; i++) {
        unsigned distance = 0;
        for (int w = 0; w < 4; w++)
            distance += (unsigned)__builtin_popcountll(run->word[w][i] ^ query->word[w]);
        /* Written always, kept if near: no branch to mispredict. */
        out[found] = (hk__near){(uint32_t)i, distance};
        found += distance <= max_distance;
    }
    return found;
}

size_t hk__within_rows_scalar(hk__near *out, const hk_hash *rows, size_t count,
                              const hk_hash *query, unsigned max_distance)
{
    return within_rows(out, rows, count, query, max_distance);
}
