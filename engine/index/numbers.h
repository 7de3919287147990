/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numbers.h - arrays of ascending 32-bit numbers: ids and positions. */
#ifndef HK_INDEX_NUMBERS_H
#define HK_INDEX_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* For qsort and bsearch. */
static inline int hk__by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static inline bool hk__is_among(uint32_t number, const uint32_t *ascending, size_t count)
{
    return count && bsearch(&number, ascending, count, sizeof *ascending, hk__by_number);
}

#endif
