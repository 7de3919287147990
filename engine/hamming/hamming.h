/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hamming.h - Hamming distances from one hash to many, one file per instruction set.
 *
 * Two layouts. Rows are hashes as they are stored, one after another. A run lies word by word
 * ("word-sliced"), so that a vector holds the same word of many hashes:
 *
 *      word[0]  a0 b0 c0 d0 ...
 *      word[1]  a1 b1 c1 d1 ...
 *      word[2]  a2 b2 c2 d2 ...
 *      word[3]  a3 b3 c3 d3 ...
 *
 * Rows need no preparation: for a query or two, whose time is that of reading the hashes. A run
 * needs a third of the work for each further query, and most of it ends after two or three words:
 * of a stranger's 128 bits about 64 differ, never fewer than 31 in practice.
 */
#ifndef HK_HAMMING_HAMMING_H
#define HK_HAMMING_HAMMING_H

#include "herken.h"

typedef struct hk__run {
    const uint64_t *word[4]; /* each 64-byte aligned, readable up to count rounded up to 8 */
    size_t count;
} hk__run;

typedef struct hk__near {
    uint32_t position; /* in the run or the rows */
    uint32_t distance; /* bits */
} hk__near;

/* Writes the hashes of the run within max_distance (0..256) of the query to out, positions
 * ascending, and returns how many; out has room for run->count rounded up to 8. */
typedef size_t hk__within_fn(hk__near *out, const hk__run *run, const hk_hash *query,
                             unsigned max_distance);

/* The same over `count` rows, which need no other alignment than a hk_hash has. */
typedef size_t hk__within_rows_fn(hk__near *out, const hk_hash *rows, size_t count,
                                  const hk_hash *query, unsigned max_distance);

hk__within_fn hk__within_scalar;
hk__within_fn hk__within_avx2; /* the others only where built for x86-64 */
hk__within_fn hk__within_avx512;
hk__within_rows_fn hk__within_rows_scalar;
hk__within_rows_fn hk__within_rows_avx2;
hk__within_rows_fn hk__within_rows_avx512;

/* The kernels in use for the process. */
hk__within_fn *hk__within_in_use(void);
hk__within_rows_fn *hk__within_rows_in_use(void);

/* Copies `count` rows into word[0..3], each 64-byte aligned with room for count rounded up to 8. */
void hk__slice(uint64_t *const word[4], const hk_hash *rows, size_t count);

/* Asks for the row this many places on: what reads rows one after another is then three to five
 * times as fast on virtual machines, whose processors' own foresight is poor (1.4 million rows: 3.3
 * ms without, 0.7 ms with). Past the end it does nothing. */
enum { HK__ROWS_AHEAD = 512 };
static inline void hk__row_ahead(const hk_hash *row)
{
    __builtin_prefetch((const char *)row + HK__ROWS_AHEAD * sizeof *row);
}

/* How many words to count before nearly all hashes are done with: 2, 3 or 4. The distance of
 * strangers over w words is 32 w +- 4 sqrt(w) bits: over two words one in twenty million is within
 * 34, over three one in half a million within 64. */
static inline unsigned hk__first_words(unsigned max_distance)
{
    return max_distance <= 34 ? 2 : max_distance <= 64 ? 3 : 4;
}

#endif
