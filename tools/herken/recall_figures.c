/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_figures.c - recall with its interval, and false matches with their bound, out of counts;
 * see recall.h.
 *
 * Intervals. Each original gives one copy an edit, found or not, so that drawing n originals with
 * replacement is drawing n times from `found` ones and n - found zeros: 1000 such draws, of which
 * the interval leaves out 2.5 % at either end. Where all or none were found every draw is the same;
 * there the exact bound of Clopper and Pearson stands in. The generator starts from the seed, n and
 * found.
 *
 * False matches. What is measured is the share of pairs of strangers that match; a look-up of N
 * entries has N times as many on average, whether or not the pairs depend on one another. The
 * bound is that of a Poisson count (one-sided, 95 %), as if pairs were independent; those of one
 * picture are not quite.
 */
#include "recall.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 1000 };

/* ---- columns ------------------------------------------------------------------------------- */

unsigned recall_bits(const recall_run *run, size_t method)
{
    if (run->method[method].measure < RECALL_OWN)
        return HK_HASH_BITS;
    if (run->method[method].measure != RECALL_PROGRAM)
        return 64;
    unsigned bits = 0;
    for (size_t i = 0; i < run->picture_count; i++) {
        const recall_code *code = &run->picture[i].print.code[run->method[method].code];
        bits = code->bits > bits ? code->bits : bits;
    }
    return bits;
}

recall_column recall_at_radius(const recall_run *run, size_t method, unsigned radius)
{
    recall_column column = {.name = run->method[method].name, .method = method};
    for (unsigned k = 0; k < RECALL_KINDS; k++) {
        column.radius[k] = (int)radius;
        column.exact[k] = column.aligned[k] = -1;
    }
    return column;
}

/* By the radii of match; of what is aligned alone, those of its second stage for review. */
static recall_column by_profile(const recall_run *run, size_t m)
{
    const recall_method *method = &run->method[m];
    const bool alone = method->measure == RECALL_ALIGNED;
    const hk_profile profile = alone ? HK_PROFILE_REVIEW : method->profile;
    recall_column column = {.name = method->name, .method = m, .calibrated = true};
    for (unsigned k = 0; k < RECALL_KINDS; k++) {
        const hk_radii *radii = &run->reach[profile][method->probes][k];
        column.radius[k] = alone ? radii->aligned : radii->plain;
        column.exact[k] = alone ? -1 : radii->exact;
        column.aligned[k] = radii->aligned;
    }
    return column;
}

void recall_title(char out[RECALL_TITLE], const recall_run *run, const recall_column *column,
                  unsigned kind)
{
    const int radius = column->radius[kind == RECALL_ALL ? HK_KIND_PHOTO : kind];
    if (radius < 0 || run->method[column->method].measure == RECALL_PDQ)
        snprintf(out, RECALL_TITLE, "%.40s", column->name);
    else
        snprintf(out, RECALL_TITLE, "%.40s@%d", column->name, radius);
}

recall_column *recall_columns(const recall_run *run, size_t *count)
{
    enum { HABIT = 31 }; /* the radius that PDQ's makers recommend, and everybody takes */
    recall_column *columns = calloc(run->method_count * 2, sizeof *columns);
    *count = 0;
    for (size_t m = 0; columns && m < run->method_count; m++) {
        const recall_measure measure = run->method[m].measure;
        if (measure == RECALL_PROFILE || measure == RECALL_ALIGNED) {
            columns[(*count)++] = by_profile(run, m);
            continue;
        }
        if (measure < RECALL_OWN)
            columns[(*count)++] = recall_at_radius(run, m, HABIT);
        if (measure >= RECALL_OWN || (measure != RECALL_PDQ && run->radius[m] != HABIT))
            columns[(*count)++] = recall_at_radius(run, m, run->radius[m]);
    }
    return columns;
}

bool recall_has_distances(const recall_method *method)
{
    return method->measure != RECALL_PROFILE;
}

/* Whether what lies at this distance is found, for a query of the kind. */
static bool is_found(const recall_run *run, const recall_column *column, unsigned kind, int d)
{
    return d <= (recall_has_distances(&run->method[column->method]) ? column->radius[kind] : 0);
}

/* ---- recall -------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int by_count(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void find_interval(recall_figure *f, uint64_t seed)
{
    uint64_t drawn[DRAWS];
    const double n = (double)f->n;
    if (f->found == 0 || f->found == f->n) {
        const double bound = pow(.025, 1 / n);
        f->low = f->found ? bound : 0;
        f->high = f->found ? 1 : 1 - bound;
        return;
    }
    uint64_t state = seed;
    state = next(&state) ^ f->n;
    state = next(&state) ^ f->found;
    for (int i = 0; i < DRAWS; i++) {
        drawn[i] = 0;
        for (uint64_t j = 0; j < f->n; j++)
            drawn[i] += (uint64_t)((unsigned __int128)next(&state) * f->n >> 64) < f->found;
    }
    qsort(drawn, DRAWS, sizeof *drawn, by_count);
    f->low = (double)drawn[DRAWS * 25 / 1000] / n;
    f->high = (double)drawn[DRAWS * 975 / 1000 - 1] / n;
}

recall_figure recall_found(const recall_run *run, const recall_column *column, size_t edit,
                           unsigned kind)
{
    recall_figure f = {0};
    for (unsigned k = 0; k < RECALL_KINDS; k++) {
        if (kind != RECALL_ALL && k != kind)
            continue;
        const recall_counts *of = &run->copies[edit * run->method_count + column->method][k];
        for (unsigned query = 0; query < RECALL_KINDS; query++)
            for (int d = 0; d < RECALL_BINS; d++) {
                f.n += (*of)[query][d];
                f.found += is_found(run, column, query, d) ? (*of)[query][d] : 0;
            }
    }
    if (f.n) {
        f.recall = (double)f.found / (double)f.n;
        find_interval(&f, run->seed);
    }
    return f;
}

/* ---- false matches ------------------------------------------------------------------------- */

/* The mean at which a count as low as `seen` has a chance of 5 %: exact for 0, else Wilson and
 * Hilferty's approximation of chi-square, within half a per cent. */
static double poisson_bound(uint64_t seen)
{
    const double n = (double)seen + 1, z = 1.6448536269514722;
    return seen ? n * pow(1 - 1 / (9 * n) + z / (3 * sqrt(n)), 3) : 2.995732273553991;
}

/* Of the originals of `kind`, how many are of kind k. */
static double share(const recall_run *run, unsigned k, unsigned kind)
{
    return k == kind ? 1 : (double)recall_of_kind(run, k) / (double)run->original_count;
}

const char *recall_calibration(const recall_rate *rate)
{
    return rate->extrapolated ? "extrapolated" : "measured";
}

/* By the calibration, of a look-up of one kind. What is aligned is aligned as a photo. */
static double bound(bool *extrapolated, const recall_run *run, const recall_column *column,
                    unsigned kind)
{
    const recall_method *method = &run->method[column->method];
    const int plain = method->measure == RECALL_ALIGNED ? -1 : column->radius[kind];
    const bool frames = method->measure == RECALL_PROFILE && method->probes == RECALL_FRAMES;
    const uint64_t entries = frames ? recall_weight(run->list_size) : run->list_size;
    bool first, second = false;
    double sum = hk_false_matches((hk_kind)kind, plain, column->exact[kind], entries, &first);
    if (column->aligned[kind] >= 0)
        sum += hk_aligned_false_matches(HK_KIND_PHOTO, column->aligned[kind],
                                        frames ? HK_PROBES_STANDARD : (hk_probes)method->probes,
                                        entries, &second);
    *extrapolated = first || second;
    return sum;
}

double recall_calibrated(const recall_run *run, size_t method, unsigned radius, bool *extrapolated)
{
    recall_column column = recall_at_radius(run, method, radius);
    switch (run->method[method].measure) {
    case RECALL_EXACT:
        column.exact[HK_KIND_PHOTO] = (int)radius;
        break;
    case RECALL_ALIGNED:
        column.aligned[HK_KIND_PHOTO] = (int)radius;
        break;
    case RECALL_INVERTED:
        break;
    default:
        return -1;
    }
    return bound(extrapolated, run, &column, HK_KIND_PHOTO);
}

recall_rate recall_false(const recall_run *run, const recall_column *column, unsigned kind)
{
    recall_rate r = {0};
    for (unsigned k = 0; k < RECALL_KINDS; k++) {
        if (kind != RECALL_ALL && k != kind)
            continue;
        const uint64_t *count = kind == RECALL_ALL ? run->strangers.once[column->method][k]
                                                   : run->strangers.kind[column->method][k];
        for (int d = 0; d < RECALL_FAR; d++) {
            r.pairs += count[d];
            r.seen += is_found(run, column, k, d) ? count[d] : 0;
        }
        if (column->calibrated) {
            bool extrapolated;
            r.calibrated += bound(&extrapolated, run, column, k) * share(run, k, kind);
            r.extrapolated |= extrapolated && share(run, k, kind) > 0;
        }
    }
    if (r.pairs) {
        const double each = (double)run->list_size / (double)r.pairs;
        r.per_lookup = (double)r.seen * each;
        r.upper = poisson_bound(r.seen) * each;
    }
    return r;
}
