/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aligned.c - see aligned.h. */
#include "aligned.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SETS = HK_PROBES_SETS };

enum { HIGH = 68 }; /* further out what was never a candidate is missing, and the law bends */
const aligned_plan aligned_plan_made = {true, 0, HIGH, 0};
const aligned_plan aligned_plan_cut = {false, 58, HIGH, 60};

/* The logarithms of all that is made of some clusters. */
typedef struct made {
    double share[ALIGNED_ROWS], brought[SETS], weight, m;
} made;

typedef struct views {
    histogram set[SETS], turned, plain, general;
} views;

static void view(views *out, const strangers *from, uint64_t clusters)
{
    for (int s = 0; s < SETS; s++)
        pairs_view(&out->set[s], from->set[s], clusters);
    pairs_view(&out->turned, from->turned, clusters);
    pairs_view(&out->plain, from->plain, clusters);
    pairs_view(&out->general, from->general, clusters);
}

static double rate(const histogram *of, unsigned distance)
{
    return (double)of->within[distance] / (double)of->pairs;
}

static bool make(made *out, const views *v, const aligned_plan *plan, unsigned measured)
{
    const tail_plan tail = {TAIL_POWER, plan->low, plan->high, measured, true};
    tail_fit fit;
    const histogram *turned = &v->turned;
    if (!turned->within[measured] || !v->plain.within[ALIGNED_NEAR] ||
        !v->general.within[ALIGNED_NEAR] || !tail_make_fit(&fit, turned, &tail))
        return false;
    const double all = rate(turned, ALIGNED_ROWS - 1);
    for (unsigned d = 0; d < ALIGNED_ROWS; d++) {
        out->share[d] = log(rate(turned, d < measured ? measured : d) / all);
        if (d < measured)
            out->share[d] = fmin(out->share[d], log(tail_chance(&fit, d) / all));
    }
    for (int s = 0; s < SETS; s++) {
        /* One more than was seen, so that none is not taken for never. */
        const double seen = (double)v->set[s].within[ALIGNED_ROWS - 1] + 1;
        out->brought[s] = log(seen / (double)v->set[s].pairs / rate(&v->plain, ALIGNED_NEAR));
    }
    out->weight = log(rate(plan->general ? &v->general : &v->plain, ALIGNED_NEAR));
    out->m = fit.m;
    return true;
}

/* What exact counting alone makes of the spread, in logarithms: one over each count. */
static double counted(const views *v, int set, unsigned at, const aligned_plan *plan)
{
    double sum =
        1 / (double)v->turned.within[at] + 1 / ((double)v->set[set].within[ALIGNED_ROWS - 1] + 1);
    if (plan->general)
        sum +=
            1 / (double)v->plain.within[ALIGNED_NEAR] + 1 / (double)v->general.within[ALIGNED_NEAR];
    return sqrt(sum);
}

/* A running mean and spread of what is made without each cluster. */
typedef struct spread {
    double sum, squares;
} spread;

static void add(spread *to, double value)
{
    to->sum += value;
    to->squares += value * value;
}

static double jackknife(const spread *of, unsigned n)
{
    return sqrt(fmax(0, of->squares - of->sum * of->sum / n) * (n - 1) / n);
}

bool aligned_make(aligned_table *out, const strangers *from, uint64_t clusters,
                  const aligned_plan *plan)
{
    static views all, without;
    static spread spreads[SETS][ALIGNED_ROWS];
    /* One-sided 95 %, 20 degrees of freedom: a few clusters make most of the spread, and by
     * Satterthwaite, 3 (sum u^2)^2 / sum u^4 of what each cluster changes, these count as 20. */
    const double student = 1.73;
    spread of_m = {0};
    made whole, part;
    unsigned n = 0, measured = plan->measured;
    memset(out, 0, sizeof *out);
    memset(spreads, 0, sizeof spreads);
    view(&all, from, clusters);
    while (!plan->measured && measured < ALIGNED_ROWS - 1 &&
           all.turned.within[measured] < TAIL_ENOUGH)
        measured++;
    if (!make(&whole, &all, plan, measured))
        return false;
    for (unsigned c = 0; c < CLUSTERS; c++) {
        if (!(clusters >> c & 1))
            continue;
        view(&without, from, clusters & ~(UINT64_C(1) << c));
        if (!make(&part, &without, plan, measured))
            return false;
        for (int s = 0; s < SETS; s++)
            for (unsigned d = 0; d < ALIGNED_ROWS; d++)
                add(&spreads[s][d], part.weight + part.brought[s] + part.share[d]);
        add(&of_m, part.m);
        n++;
    }
    out->general = rate(&all.general, ALIGNED_NEAR);
    out->at_hand = rate(&all.plain, ALIGNED_NEAR);
    out->m = whole.m;
    out->m_down = whole.m - jackknife(&of_m, n);
    for (int s = 0; s < SETS; s++) {
        tail_table *table = &out->set[s];
        table->pairs = all.set[s].pairs;
        out->brought[s] = exp(whole.brought[s]);
        for (unsigned d = DISTANCES; d-- > 0;) {
            tail_row *row = &table->row[d];
            const unsigned at = d < ALIGNED_ROWS ? d : ALIGNED_ROWS - 1;
            const double logarithm = whole.weight + whole.brought[s] + whole.share[at];
            const double wide = fmax(jackknife(&spreads[s][at], n),
                                     counted(&all, s, at < measured ? measured : at, plan));
            row->count = all.set[s].within[at];
            row->extrapolated = at < measured;
            row->p = exp(logarithm);
            row->upper = exp(logarithm + student * wide);
            row->upper = fmin(row->upper, d + 1 < DISTANCES ? row[1].upper : 1);
        }
    }
    return true;
}

unsigned aligned_disagree(const strangers *from, hk_probes set, unsigned first, bool print)
{
    static views all, without;
    const aligned_plan plan = {false, 0, HIGH, first};
    const double z99 = 2.58;
    made whole, part;
    unsigned failed = 0;
    view(&all, from, ALL_CLUSTERS);
    if (!make(&whole, &all, &plan, first))
        return 1;
    for (unsigned d = first & ~1u; d < ALIGNED_ROWS; d += 4) {
        spread of = {0};
        unsigned n = 0;
        const double seen = (double)all.set[set].within[d];
        const double all_brought = (double)all.set[set].within[ALIGNED_ROWS - 1];
        for (unsigned c = 0; c < CLUSTERS; c++) {
            view(&without, from, ~(UINT64_C(1) << c));
            if (!make(&part, &without, &plan, first))
                return 1;
            add(&of, (double)without.set[set].within[d] -
                         (double)without.set[set].within[ALIGNED_ROWS - 1] * exp(part.share[d]));
            n++;
        }
        const double mean = all_brought * exp(whole.share[d]);
        const double wide =
            fmax(jackknife(&of, n), sqrt(mean + mean * mean / (double)all.turned.within[d]));
        const bool apart = fabs(seen - mean) > z99 * wide;
        failed += apart;
        if (print)
            printf("  %8u %9.0f %9.1f +- %.1f%s\n", d, seen, mean, wide, apart ? "  APART" : "");
    }
    return failed;
}
