/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate_aligned.c - makes models/pdq/aligned.csv, and tests how it is made; see calibrate.h. */
#include "calibrate.h"

#include "aligned.h"

#include <math.h>
#include <stdio.h>

enum { SETS = HK_PROBES_SETS };

static void print_head(const aligned_table *t, const strangers *from)
{
    printf(
        "# %.4e of pairs of upright plain hashes lie within %d bits; of photos at hand with the\n"
        "# table %.4e: these are harder, by %.2f, which is taken out.\n"
        "# Candidates for each such pair: ",
        t->general, ALIGNED_NEAR, t->at_hand, t->at_hand / t->general);
    for (int s = 0; s < SETS; s++)
        printf("%s %.3f%s", hk_probes_name((hk_probes)s), t->brought[s],
               s + 1 < SETS ? ", " : ".\n");
    uint64_t brought = 0;
    for (unsigned a = 0; a < CLUSTERS; a++)
        for (unsigned b = a; b < CLUSTERS; b++)
            for (unsigned d = 0; d < ALIGNED_ROWS; d++)
                brought += from->turned->near[a][b][d];
    printf("# Shares within a distance: of %llu candidates, photos all eight ways round; "
           "extrapolated:\n"
           "# as ((d + .5) / %u.5)^m, m = %.4f (fitted; one standard error lower: %.4f).\n",
           (unsigned long long)brought, aligned_plan_made.high, t->m, t->m_down);
}

int calibrate_aligned(const images *all, const char *table, const char *near, const char *date)
{
    static aligned_table made;
    strangers from = {0};
    int code = 2;
    if (strangers_read(&from, all, near)) {
        printf(
            "# The chance that one unrelated entry lies within a distance of a photo once aligned\n"
            "# (hk_alignment.mean), by the set of probes: p, and its upper 95 %% bound. Of photos "
            "alone.\n"
            "# Made %s by benchmarks/calibrate from a table with the SHA-256\n# ",
            date);
        bool good = calibrate_print_digest(table);
        printf("\n# and what came near of photos at hand (benchmarks/results/strangers.csv),\n# ");
        good = good && calibrate_print_digest(near);
        printf("\n# count: entries within the distance of photos at hand, as they are. p and "
               "upper95: of "
               "photos in general.\n");
        if (good && aligned_make(&made, &from, ALL_CLUSTERS, &aligned_plan_made)) {
            print_head(&made, &from);
            puts("probes,distance,count,pairs,p,upper95,source");
            for (int s = 0; s < SETS; s++)
                for (unsigned d = 0; d < ALIGNED_ROWS; d++) {
                    const tail_row *row = &made.set[s].row[d];
                    printf("%s,%u,%llu,%llu,%.6e,%.6e,%s\n", hk_probes_name((hk_probes)s), d,
                           (unsigned long long)row->count, (unsigned long long)made.set[s].pairs,
                           row->p, row->upper, row->extrapolated ? "extrapolated" : "measured");
                }
            code = 0;
        } else {
            fputs("calibrate: too few strangers came near\n", stderr);
        }
    }
    strangers_free(&from);
    return code;
}

/* What one half says of photos in general, against the bound by the other: by its own weights. */
static int split_general(const strangers *from)
{
    static aligned_table half[2];
    int code = 0;
    for (int odd = 0; odd < 2; odd++)
        if (!aligned_make(&half[odd], from, odd ? ~EVEN_CLUSTERS : EVEN_CLUSTERS,
                          &aligned_plan_made))
            return 2;
    for (int s = 0; s < SETS; s++)
        for (int odd = 0; odd < 2; odd++) {
            double most = 0;
            unsigned over = 0, failed = 0;
            for (unsigned d = 0; d < ALIGNED_ROWS; d++) {
                const tail_row *seen = &half[!odd].set[s].row[d];
                const double bound = half[odd].set[s].row[d].upper;
                /* Its lower 99 % bound, by as much as its upper 95 % one is wider. */
                const double least = seen->p * pow(seen->p / seen->upper, 2.53 / 1.73);
                most = fmax(most, seen->p / bound);
                over += seen->p > bound;
                failed += least > bound;
            }
            printf("aligned, %s: of photos in general the %s half expects at most %.2f of the "
                   "bound by the other; over it at %u distances, significantly at %u\n",
                   hk_probes_name((hk_probes)s), odd ? "even" : "odd", most, over, failed);
            code |= failed != 0;
        }
    return code;
}

/* Both halves, each tested by what the other one says of photos at hand; fitted to far candidates,
 * tested on near ones. */
static int split_sets(const strangers *from)
{
    static aligned_table made;
    const aligned_plan half = {false, aligned_plan_made.low, aligned_plan_made.high, 0};
    int code = 0;
    for (int odd = 0; odd < 2; odd++) {
        const uint64_t mine = odd ? ~EVEN_CLUSTERS : EVEN_CLUSTERS;
        if (!aligned_make(&made, from, mine, &half))
            return 2;
        printf("%s half: within %d bits %.3g of plain pairs at hand, %.3g in general; m %.2f\n",
               odd ? "odd" : "even", ALIGNED_NEAR, made.at_hand, made.general, made.m);
        for (int s = 0; s < SETS; s++) {
            char what[100];
            snprintf(what, sizeof what, "aligned, %s: calibrated on the %s half, tested on the %s",
                     hk_probes_name((hk_probes)s), odd ? "odd" : "even", odd ? "even" : "odd");
            code |= calibrate_report(what, &made.set[s], from->set[s], ~mine, ALIGNED_ROWS);
        }
    }
    if (!aligned_make(&made, from, ALL_CLUSTERS, &aligned_plan_cut))
        return 2;
    printf("fitted beyond %u bits alone: m %.2f\n", aligned_plan_cut.low, made.m);
    for (int s = HK_PROBES_STANDARD; s < SETS; s++) {
        char what[100];
        snprintf(what, sizeof what, "aligned, %s: fitted to far candidates, tested on near ones",
                 hk_probes_name((hk_probes)s));
        code |= calibrate_report(what, &made.set[s], from->set[s], ALL_CLUSTERS,
                                 aligned_plan_cut.measured);
    }
    return code;
}

int calibrate_aligned_split(const images *all, const char *near)
{
    strangers from = {0};
    int code = 2;
    if (strangers_read(&from, all, near)) {
        code = split_sets(&from) | split_general(&from);
        for (int s = HK_PROBES_STANDARD; s < SETS; s++) {
            printf("aligned, %s: candidates of photos upright, counted and by rate x share\n"
                   "  distance   counted  expected\n",
                   hk_probes_name((hk_probes)s));
            code |= aligned_disagree(&from, (hk_probes)s, 56, true) != 0;
        }
    }
    strangers_free(&from);
    return code;
}
