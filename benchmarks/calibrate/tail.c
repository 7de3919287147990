/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tail.c - see tail.h. */
#include "tail.h"

#include <math.h>
#include <string.h>

/* ---- Poisson ------------------------------------------------------------------------------- */

/* The chance of `count` or fewer; from a thousand on the normal law does. */
static double poisson_below(uint64_t count, double mean)
{
    const double c = (double)count;
    if (count >= 1000)
        return 0.5 * erfc((mean - c - 0.5) / sqrt(2 * mean));
    double sum = 0;
    for (uint64_t k = 0; k <= count; k++)
        sum += exp((double)k * log(mean) - mean - lgamma((double)k + 1));
    return sum < 1 ? sum : 1;
}

double tail_poisson_above(uint64_t count, double mean)
{
    if (!count)
        return 1;
    return mean > 0 ? 1 - poisson_below(count - 1, mean) : 0;
}

double tail_poisson_upper(uint64_t count)
{
    double low = (double)count, high = 2 * low + 10;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        *(poisson_below(count, middle) > 0.05 ? &low : &high) = middle;
    }
    return high;
}

/* ---- the model ----------------------------------------------------------------------------- */

/* The end of what a distance stands for. Even ones alone: what lies within an odd one lies within
 * the even one below it. */
static double place(unsigned distance, bool every)
{
    return every ? distance + .5 : (distance & ~1u) + 1;
}

double tail_chance(const tail_fit *fit, unsigned distance)
{
    return fit->at_high * pow(place(distance, fit->every) / place(fit->high, fit->every), fit->m);
}

/* The slope of the log likelihood in m: pairs at d lie between the end of what lies nearer and its
 * own, given that they lie between low and high. */
static double slope(const histogram *from, const tail_plan *plan, double m)
{
    const bool every = plan->every;
    const unsigned step = every ? 1 : 2;
    const double top = place(plan->high, every);
    double sum = 0, seen = 0;
    for (unsigned d = plan->low + step; d <= plan->high; d += step) {
        const double n = (double)(from->within[d] - from->within[d - step]);
        const double a = log((place(d, every) - step) / top), b = log(place(d, every) / top);
        const double below = exp(m * a), above = exp(m * b);
        sum += n * (b * above - a * below) / (above - below);
        seen += n;
    }
    const double a = log(place(plan->low, every) / top), cut = exp(m * a);
    return sum + seen * a * cut / (1 - cut);
}

bool tail_make_fit(tail_fit *out, const histogram *from, const tail_plan *plan)
{
    const uint64_t seen = from->within[plan->high] - from->within[plan->low];
    if (seen < 2 || !from->pairs)
        return false;
    double low = 0.01, high = 60;
    for (int i = 0; i < 100; i++) {
        const double m = (low + high) / 2;
        *(slope(from, plan, m) > 0 ? &low : &high) = m;
    }
    /* What lies at `low` and nearer was not looked at: the model tells how much that is. */
    const double hidden = pow(place(plan->low, plan->every) / place(plan->high, plan->every), low);
    *out = (tail_fit){.at_high = (double)seen / (double)from->pairs / (1 - hidden),
                      .m = low,
                      .high = plan->high,
                      .every = plan->every};
    return true;
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* The logarithm of every p, of the clusters' pairs. */
static bool logarithms(double out[DISTANCES], double *m, const histogram *from,
                       const tail_plan *plan, unsigned measured)
{
    tail_fit fit = {0};
    if (!from->within[measured] || (plan->shape == TAIL_POWER && !tail_make_fit(&fit, from, plan)))
        return false;
    for (unsigned d = 0; d < DISTANCES; d++) {
        const unsigned at = d < measured ? measured : d;
        out[d] = log((double)from->within[at] / (double)from->pairs);
        if (d < measured && plan->shape == TAIL_POWER)
            out[d] = fmin(out[d], log(tail_chance(&fit, d)));
    }
    *m = fit.m;
    return true;
}

/* Standard errors of the logarithms: the jackknife over clusters. */
static bool spreads(double out[DISTANCES], double *m_spread, const tally *counts, uint64_t clusters,
                    const tail_plan *plan, unsigned measured)
{
    double sum[DISTANCES + 1] = {0}, squares[DISTANCES + 1] = {0};
    unsigned n = 0;
    for (unsigned c = 0; c < CLUSTERS; c++) {
        if (!(clusters >> c & 1))
            continue;
        histogram without;
        double value[DISTANCES + 1];
        pairs_view(&without, counts, clusters & ~(UINT64_C(1) << c));
        if (!logarithms(value, &value[DISTANCES], &without, plan, measured))
            return false;
        for (unsigned d = 0; d <= DISTANCES; d++) {
            sum[d] += value[d];
            squares[d] += value[d] * value[d];
        }
        n++;
    }
    for (unsigned d = 0; d <= DISTANCES; d++) {
        const double variance = fmax(0, squares[d] - sum[d] * sum[d] / n) * (n - 1) / n;
        *(d < DISTANCES ? &out[d] : m_spread) = sqrt(variance);
    }
    return true;
}

static unsigned first_measured(const histogram *all, const tail_plan *plan)
{
    unsigned d = plan->measured;
    while (!plan->measured && d < DISTANCES - 1 && all->within[d] < TAIL_ENOUGH)
        d++;
    return d;
}

bool tail_make_table(tail_table *out, const tally *counts, uint64_t clusters, const tail_plan *plan)
{
    const double student = 1.70; /* one-sided 95 %, 31 degrees of freedom; of 63 it is 1.67 */
    histogram all;
    double value[DISTANCES], spread[DISTANCES], m = 0, m_spread = 0;
    pairs_view(&all, counts, clusters);
    const unsigned measured = first_measured(&all, plan);
    memset(out, 0, sizeof *out);
    if (!logarithms(value, &m, &all, plan, measured) ||
        !spreads(spread, &m_spread, counts, clusters, plan, measured))
        return false;
    if (plan->shape == TAIL_POWER && !tail_make_fit(&out->fit, &all, plan))
        return false;
    out->pairs = all.pairs;
    out->m_down = m - m_spread;
    for (unsigned d = DISTANCES; d-- > 0;) {
        tail_row *row = &out->row[d];
        const double exact = tail_poisson_upper(all.within[d < measured ? measured : d]);
        row->count = all.within[d];
        row->extrapolated = d < measured;
        row->p = exp(value[d]);
        row->upper = exp(value[d] + student * spread[d]);
        if (!row->extrapolated || plan->shape == TAIL_FLAT)
            row->upper = fmax(row->upper, exact / (double)all.pairs);
        /* Less can never be likelier than more. */
        row->upper = fmin(row->upper, d + 1 < DISTANCES ? row[1].upper : 1);
    }
    return true;
}

/* ---- the check ------------------------------------------------------------------------------ */

unsigned tail_check(unsigned *worst, const tail_table *bounds, const tally *observed,
                    uint64_t clusters, unsigned end)
{
    const tail_plan own = {.shape = TAIL_FLAT};
    const double z99 = 2.33;
    histogram seen;
    double spread[DISTANCES], unused;
    unsigned failed = 0;
    pairs_view(&seen, observed, clusters);
    const unsigned measured = first_measured(&seen, &own);
    const bool spread_known = spreads(spread, &unused, observed, clusters, &own, measured);
    for (unsigned d = end; d-- > 0;) {
        const double mean = bounds->row[d].upper * (double)seen.pairs;
        const double count = (double)seen.within[d];
        const bool wide = d >= measured && spread_known && count * exp(-z99 * spread[d]) <= mean;
        if (count <= mean || wide || tail_poisson_above(seen.within[d], mean) >= 0.01)
            continue;
        failed++;
        *worst = d;
    }
    return failed;
}
