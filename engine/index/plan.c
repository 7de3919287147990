/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - see plan.h. */
#include "index/plan.h"

#include "core/cpu.h"
#include "hamming/hamming.h"
#include "index/flat.h"

#include <math.h>

/* ---- scans --------------------------------------------------------------------------------- */

static double flat_ns(hk_simd simd, size_t count, unsigned max_distance, size_t queries)
{
    /* Nanoseconds a hash: as rows, and for each word of it in a run. */
    static const struct {
        double row, word;
    } cost[] = {
        [HK_SIMD_SCALAR] = {5, 1.2}, [HK_SIMD_AVX2] = {1.2, 0.14}, [HK_SIMD_AVX512] = {0.3, 0.034}};
    enum { CACHED = 800000 }; /* hashes that stay in a last cache of 32 MB */
    const double n = (double)count, fetch = count > CACHED ? 0.3 : 0, slice = 0.75;
    if (queries < HK__FLAT_BATCH)
        return 300 + n * (cost[simd].row + fetch);
    const unsigned words = simd == HK_SIMD_SCALAR ? 4 : hk__first_words(max_distance);
    return 1000 / (double)queries + n * (words * cost[simd].word + slice / (double)queries);
}

double hk__plan_flat_ns(size_t count, unsigned max_distance, size_t queries)
{
    return flat_ns(hk_simd_in_use(), count, max_distance, queries);
}

/* ---- tables -------------------------------------------------------------------------------- */

static double choose(unsigned n, unsigned k)
{
    double ways = 1;
    for (unsigned i = 0; i < k; i++)
        ways *= (double)(n - i) / (i + 1);
    return ways;
}

/* The share of random tags that let a hash pass: own bits within `reach`, all within `both`. */
static double passing(unsigned own, unsigned next, int reach, int both)
{
    double share = 0;
    for (unsigned d = 0; (int)d <= reach && d <= own; d++)
        for (unsigned e = 0; (int)(d + e) <= both && e <= next; e++)
            share += choose(own, d) * choose(next, e);
    return ldexp(share, -(int)(own + next));
}

static double mih_ns(hk_simd simd, const hk__slot slots[], unsigned tables, size_t count,
                     unsigned max_distance)
{
    static const double vector_ns[] = {
        [HK_SIMD_SCALAR] = 60, [HK_SIMD_AVX2] = 6, [HK_SIMD_AVX512] = 2}; /* 32 tags */
    const double mega = (double)count / 1e6, tag_vector = vector_ns[simd];
    /* A cache line from a table of so many hashes, with many others under way. */
    const double line = mega < 2 ? 2.5 : mega < 32 ? 5 : 9;
    unsigned quota[HK__SLOTS_MAX];
    hk__slots_quotas(quota, tables, max_distance);
    double ns = 600; /* the query itself: its keys, the pipe filled and emptied */
    for (unsigned t = 0; t < tables; t++) {
        const unsigned group = hk__mask_width(slots[t].group), own = hk__mask_width(slots[t].own),
                       next = hk__mask_width(slots[t].next);
        const int reach = (int)quota[t] - 1, both = (int)(quota[t] + quota[(t + 1) % tables]) - 1;
        const double items = ldexp((double)count, -(int)group);
        for (int off = 0; off <= reach && off <= (int)group; off++) {
            const double candidates = items * passing(own, next, reach - off, both - off);
            ns += choose(group, (unsigned)off) *
                  (8 + line * (1.5 + items / 32) + tag_vector * (1 + items / 32) +
                   candidates * (3 * line + 4));
        }
    }
    return ns;
}

double hk__plan_mih_ns(const hk__slot slots[], unsigned tables, size_t count, unsigned max_distance)
{
    return mih_ns(hk_simd_in_use(), slots, tables, count, max_distance);
}

double hk__plan_budget(size_t count)
{
    return count > 32000000 ? 90 : count > 4000000 ? 110 : 128;
}

/* Bytes a hash of the tables that these slots make. */
static double table_bytes(const hk__slot slots[], unsigned tables, size_t count)
{
    double starts = 0;
    for (unsigned t = 0; t < tables; t++)
        starts += ldexp(4, (int)hk__mask_width(slots[t].group));
    return 5.0 * tables + starts / ((double)count + 1);
}

hk__plan hk__plan_tables(size_t count, unsigned max_distance, double budget)
{
    /* For the best processor, whichever this is: the same list gives the same file everywhere. */
    const hk_simd simd = HK_SIMD_AVX512;
    hk__plan best = {0, 0};
    double best_ns = flat_ns(simd, count, max_distance, 1);
    for (unsigned tables = HK__SLOTS_MIN; tables <= HK__SLOTS_MAX; tables++)
        for (unsigned group = 8; group <= HK__GROUP_BITS_MAX; group++) {
            hk__slot slots[HK__SLOTS_MAX];
            hk__slots_deal(slots, tables, group, hk__mih_tag_bits(count));
            if (table_bytes(slots, tables, count) > budget)
                continue;
            const double ns = mih_ns(simd, slots, tables, count, max_distance);
            if (ns < best_ns) {
                best_ns = ns;
                best = (hk__plan){tables, group};
            }
        }
    return best;
}
