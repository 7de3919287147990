/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calibrate.c - makes models/pdq/calibration.csv, and tests how it is made.
 *
 * usage: calibrate make TABLE DATE             the calibration, on stdout
 *        calibrate split TABLE                 from one half of the images, tested on the other;
 *                                              and from far pairs, tested on near ones
 *        calibrate turns TABLE FINGERPRINTS    what guessing the turned hashes does; lines of eight
 *                                              true hashes with commas between
 *        calibrate probes TABLE FINGERPRINTS   whether strangers come nearer to exact-grid hashes
 *                                              than to plain ones; lines of both, plain,exact
 *        calibrate strangers TABLE PHOTOS JUDGED WORKER
 *                                              what comes near to a folder of photos by aligning,
 *                                              on stdout (benchmarks/results/strangers.csv);
 *        calibrate aligned TABLE STRANGERS DATE
 *                                              models/pdq/aligned.csv, on stdout; takes minutes
 *        calibrate aligned-split TABLE STRANGERS
 *                                              the same on halves, as split, and whether what it is
 *                                              made of agrees with a direct count
 *        calibrate copies HASHES FOLDER WORKER how near edited copies FOLDER/NAME/EDIT.* come to
 *                                              originals, NAME,HASH, by each sort of probe
 *        calibrate curve COPIES ENTRIES        of those, what is found with each budget
 *
 * TABLE is CSV of hash,quality,tier,group. Exit code 1: a test failed; 2: wrong input.
 */
#include "calibrate.h"
#include "strangers.h"

#include "core/digest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3 };

/* How each kind is calibrated. Photos: from 80 bits on the tail begins to merge with the bulk of
 * strangers (128 +- 8 bits). Low-texture images and graphics are measured against their own kind,
 * and with the pairs of a group, which may be of the same thing: the worst that a list can hold.
 * Designs are drawn alike on purpose, so no law of chance tells what is rarer than seen. */
static const struct {
    tail_plan plan, cut; /* cut: fitted to far pairs, tested on those at cut.low and nearer */
    bool with_groups;
} methods[KINDS] = {
    [HK_KIND_PHOTO] = {{TAIL_POWER, 0, 78, 0}, {TAIL_POWER, 66, 78, 68}, false},
    [HK_KIND_LOW_TEXTURE] = {{TAIL_POWER, 0, 52, 0}, {TAIL_POWER, 42, 60, 44}, true},
    [HK_KIND_GRAPHIC] = {{TAIL_FLAT, 0, 0, 0}, {TAIL_FLAT, 0, 0, 0}, true},
};

static tally *count_kind(const images *all, hk_kind kind)
{
    tally *counts = malloc(sizeof *counts);
    if (!counts)
        abort();
    pairs_count(counts, all, kind, kind, methods[kind].with_groups);
    return counts;
}

/* ---- make ---------------------------------------------------------------------------------- */

bool calibrate_print_digest(const char *path)
{
    FILE *file = fopen(path, "re");
    hk__digester *digester = NULL;
    hk_digests digests;
    char buffer[1 << 16];
    bool good = file && !hk__digester_new(&digester, NULL) &&
                !hk__digester_start(digester, HK_DIGEST_SHA256, NULL);
    for (size_t n; good && (n = fread(buffer, 1, sizeof buffer, file)) > 0;)
        good = !hk__digester_add(digester, buffer, n, NULL);
    good = good && !hk__digester_finish(&digests, digester, NULL);
    for (int i = 0; good && i < 32; i++)
        printf("%02x", digests.sha256[i]);
    hk__digester_free(digester);
    if (file)
        fclose(file);
    return good;
}

/* What the rows leave out: photos against entries of another kind. */
static void print_cross(const images *all, tally *counts, hk_kind other)
{
    histogram seen;
    pairs_count(counts, all, HK_KIND_PHOTO, other, false);
    pairs_view(&seen, counts, ALL_CLUSTERS);
    printf("# Not in the rows: photo against %s entries, %llu of %llu pairs within 60 bits, %llu "
           "within 80.\n",
           hk_kind_name(other), (unsigned long long)seen.within[60], (unsigned long long)seen.pairs,
           (unsigned long long)seen.within[80]);
}

static void print_rows(hk_kind kind, const tail_table *table)
{
    for (unsigned d = 0; d < DISTANCES; d++)
        printf("%s,%u,%llu,%llu,%.6e,%.6e,%s\n", hk_kind_name(kind), d,
               (unsigned long long)table->row[d].count, (unsigned long long)table->pairs,
               table->row[d].p, table->row[d].upper,
               table->row[d].extrapolated ? "extrapolated" : "measured");
}

static int make(const images *all, const char *path, const char *date)
{
    static tail_table tables[KINDS];
    printf("# The chance that one unrelated entry lies within a distance of a look-up (the least\n"
           "# over eight orientations, as they are and inverted): p, and its upper 95 %% bound.\n"
           "# Made %s by benchmarks/calibrate from a table with the SHA-256\n# ",
           date);
    if (!calibrate_print_digest(path))
        return 2;
    printf("\n# Seven of the orientations are guessed from the hash (calibrate turns). Left out: "
           "pairs of photos of\n# one group. Counted, though they may show the same thing: pairs "
           "of one group of the other kinds.\n"
           "# Bounds: Poisson, or the jackknife over %d clusters of images where that is wider.\n",
           CLUSTERS);
    for (int kind = 0; kind < KINDS; kind++) {
        tally *counts = count_kind(all, (hk_kind)kind);
        const tail_plan *plan = &methods[kind].plan;
        if (!tail_make_table(&tables[kind], counts, ALL_CLUSTERS, plan)) {
            fprintf(stderr, "calibrate: too few pairs of the kind %s\n",
                    hk_kind_name((hk_kind)kind));
            return 2;
        }
        if (plan->shape == TAIL_POWER)
            printf("# %s, extrapolated: p(d) = %.6e ((d + 1) / %u)^m, d even, m = %.4f (fitted; "
                   "one standard error lower: %.4f).\n",
                   hk_kind_name((hk_kind)kind), tables[kind].fit.at_high, plan->high + 1,
                   tables[kind].fit.m, tables[kind].m_down);
        else
            printf("# %s, extrapolated: nothing is taken to be rarer than what %d pairs show.\n",
                   hk_kind_name((hk_kind)kind), TAIL_ENOUGH);
        if (kind != HK_KIND_PHOTO)
            print_cross(all, counts, (hk_kind)kind);
        free(counts);
    }
    printf("kind,distance,count,pairs,p,upper95,source\n");
    for (int kind = 0; kind < KINDS; kind++)
        print_rows((hk_kind)kind, &tables[kind]);
    return 0;
}

/* ---- split --------------------------------------------------------------------------------- */

int calibrate_report(const char *what, const tail_table *bounds, const tally *counts,
                     uint64_t clusters, unsigned end)
{
    histogram seen;
    unsigned worst = 0, outside = 0;
    pairs_view(&seen, counts, clusters);
    printf("%s\n  distance  observed     bound  (within it or nearer, of %llu pairs)\n", what,
           (unsigned long long)seen.pairs);
    for (unsigned d = 0; d < end; d++) {
        const double bound = bounds->row[d].upper * (double)seen.pairs;
        const bool over = (double)seen.within[d] > bound;
        outside += over;
        if (d % 2 == 0 && (seen.within[d] || bound > 0.05))
            printf("  %8u %9llu %9.3g %s%s\n", d, (unsigned long long)seen.within[d], bound,
                   bounds->row[d].extrapolated ? "extrapolated" : "", over ? " OVER" : "");
    }
    const unsigned failed = tail_check(&worst, bounds, counts, clusters, end);
    printf("  over the bound at %u distances, significantly at %u\n", outside, failed);
    return failed != 0;
}

static int split(const images *all)
{
    static tail_table table;
    int code = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        tally *counts = count_kind(all, (hk_kind)kind);
        for (int half = 0; half < 2; half++) {
            const uint64_t mine = half ? ~EVEN_CLUSTERS : EVEN_CLUSTERS;
            char what[100];
            if (!tail_make_table(&table, counts, mine, &methods[kind].plan))
                return 2;
            snprintf(what, sizeof what, "%s: calibrated on the %s half, tested on the %s",
                     hk_kind_name((hk_kind)kind), half ? "odd" : "even", half ? "even" : "odd");
            code |= calibrate_report(what, &table, counts, ~mine, DISTANCES);
            if (methods[kind].cut.shape != TAIL_POWER)
                continue;
            if (!tail_make_table(&table, counts, mine, &methods[kind].cut))
                return 2;
            snprintf(what, sizeof what, "%s: the %s half, fitted beyond %u bits alone",
                     hk_kind_name((hk_kind)kind), half ? "odd" : "even", methods[kind].cut.low);
            code |= calibrate_report(what, &table, counts, mine, methods[kind].cut.measured);
        }
        free(counts);
    }
    return code;
}

/* ---- turns --------------------------------------------------------------------------------- */

enum { MAX_PRINTS = 10000 };

/* Lines of so many hashes with commas between; 0, with words on stderr, where they are others. */
static size_t read_prints(hk_hash (*out)[HK_ORIENTATIONS], int hashes, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[HK_ORIENTATIONS * HK_HASH_TEXT_SIZE + 8];
    size_t count = 0;
    while (file && count < MAX_PRINTS && fgets(line, sizeof line, file)) {
        char *rest = line;
        int o = 0;
        for (char *hash; o < hashes && (hash = strsep(&rest, ",\n")) != NULL; o++)
            if (hk_hash_parse(&out[count][o], hash, strlen(hash), NULL))
                break;
        if (o < hashes) {
            fprintf(stderr, "calibrate: %s:%zu: not %d hashes\n", path, count + 1, hashes);
            count = 0;
            break;
        }
        count++;
    }
    if (file)
        fclose(file);
    return count;
}

/* The same look-ups with true and with guessed hashes. Within 66 bits of a photo of the table may
 * lie the photo itself: those pairs are left out. */
static int turns(const images *all, const char *path)
{
    static hk_hash prints[MAX_PRINTS][HK_ORIENTATIONS];
    static uint64_t exact[DISTANCES], guess[DISTANCES];
    const size_t count = read_prints(prints, HK_ORIENTATIONS, path);
    uint64_t wrong = 0, most = 0, nearer[2] = {0};
    for (size_t i = 0; i < count; i++) {
        hk_hash turned[HK_ORIENTATIONS];
        pairs_turn(turned, &prints[i][0]);
        for (int o = 1; o < HK_ORIENTATIONS; o++) {
            const unsigned bits = hk_hash_distance(&turned[o], &prints[i][o]);
            wrong += bits;
            most = bits > most ? bits : most;
        }
        for (size_t j = 0; j < all->count; j++) {
            const hk_hash *entry = &all->image[j].hash;
            if (all->image[j].kind != HK_KIND_PHOTO || hk_hash_distance(&prints[i][0], entry) <= 40)
                continue;
            exact[pairs_distance(prints[i], entry)]++;
            guess[pairs_distance(turned, entry)]++;
        }
    }
    if (!count)
        return 2;
    printf("%zu images: a guessed hash has %.1f wrong bits on average, %llu at most\n", count,
           (double)wrong / (double)(count * (HK_ORIENTATIONS - 1)), (unsigned long long)most);
    printf("pairs within  by true hashes  by guessed ones  ratio\n");
    int code = 0;
    for (unsigned d = 0; d <= 112; d++) {
        nearer[0] += exact[d];
        nearer[1] += guess[d];
        const double ratio = (double)nearer[1] / (double)nearer[0];
        if (d % 4 || !nearer[0])
            continue;
        printf("%12u %15llu %16llu %6.3f\n", d, (unsigned long long)nearer[0],
               (unsigned long long)nearer[1], ratio);
        code |= nearer[0] >= 100 && (ratio < 0.9 || ratio > 1.1);
    }
    return code;
}

/* ---- probes -------------------------------------------------------------------------------- */

/* What is counted within each distance: by the plain hash, by the exact one, by either; and the
 * sums over the images of the squares of how many more there are by the exact one than by the plain
 * one, and than are allowed for. */
typedef struct probe_counts {
    uint64_t plain, exact, either;
    double squares, squares_over;
} probe_counts;
static const double allowed = 1.25; /* engine/spectrum/radius.c */

static void probe_one(probe_counts sums[DISTANCES], const images *all, const hk_hash both[2])
{
    uint64_t at[3][DISTANCES] = {0}; /* pairs at just this distance */
    hk_hash turned[2][HK_ORIENTATIONS];
    probe_counts here = {0};
    pairs_turn(turned[0], &both[0]);
    pairs_turn(turned[1], &both[1]);
    for (size_t j = 0; j < all->count; j++) {
        const hk_hash *entry = &all->image[j].hash;
        if (all->image[j].kind != HK_KIND_PHOTO || hk_hash_distance(&both[0], entry) <= 40)
            continue;
        const unsigned plain = pairs_distance(turned[0], entry);
        const unsigned exact = pairs_distance(turned[1], entry);
        at[0][plain]++;
        at[1][exact]++;
        at[2][plain < exact ? plain : exact]++;
    }
    for (unsigned d = 0; d < DISTANCES; d++) {
        here.plain += at[0][d];
        here.exact += at[1][d];
        here.either += at[2][d];
        const double more = (double)here.exact - (double)here.plain;
        sums[d].plain += here.plain;
        sums[d].exact += here.exact;
        sums[d].either += here.either;
        const double over = (double)here.exact - allowed * (double)here.plain;
        sums[d].squares += more * more;
        sums[d].squares_over += over * over;
    }
}

/* Whether the second probe keeps to the bound of the plain one and a quarter: it fails where it is
 * significantly over that (one-sided, 1 %, by the spread over the images), from where there are
 * pairs enough. */
static int probes(const images *all, const char *path)
{
    static hk_hash prints[MAX_PRINTS][HK_ORIENTATIONS];
    static probe_counts sums[DISTANCES];
    const double z99 = 2.33;
    const size_t count = read_prints(prints, 2, path);
    uint64_t apart = 0;
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        apart += hk_hash_distance(&prints[i][0], &prints[i][1]);
        probe_one(sums, all, prints[i]);
    }
    if (!count)
        return 2;
    printf("%zu images: their two hashes lie %.1f bits apart on average\n", count,
           (double)apart / (double)count);
    printf("pairs within     by plain     by exact    by either  exact to plain   either\n");
    for (unsigned d = 0; d <= 112; d += 2) {
        const probe_counts *s = &sums[d];
        const double over = (double)s->exact - allowed * (double)s->plain;
        const bool failed = s->plain >= TAIL_ENOUGH && over > z99 * sqrt(s->squares_over);
        code |= failed;
        if (s->plain)
            printf("%12u %12llu %12llu %12llu %8.3f +-%6.3f %9.3f%s\n", d,
                   (unsigned long long)s->plain, (unsigned long long)s->exact,
                   (unsigned long long)s->either, (double)s->exact / (double)s->plain,
                   sqrt(s->squares) / (double)s->plain, (double)s->either / (double)s->plain,
                   failed ? "  OVER" : "");
    }
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int words;
    } commands[] = {{"make", 4},          {"split", 3},     {"turns", 4},
                    {"probes", 4},        {"strangers", 6}, {"aligned", 5},
                    {"aligned-split", 4}, {"copies", 5},    {"curve", 4}};
    enum { MAKE, SPLIT, TURNS, PROBES, STRANGERS, ALIGNED, ALIGNED_SPLIT, COPIES, CURVE, COMMANDS };
    images all = {0};
    int command = 0, code = 2;
    while (command < COMMANDS &&
           (argc != commands[command].words || strcmp(argv[1], commands[command].name) != 0))
        command++;
    if (command == COMMANDS) {
        fputs("usage: calibrate make TABLE DATE | split TABLE | turns TABLE FINGERPRINTS | "
              "probes TABLE FINGERPRINTS | strangers TABLE PHOTOS JUDGED WORKER | "
              "aligned TABLE STRANGERS DATE | aligned-split TABLE STRANGERS | "
              "copies HASHES FOLDER WORKER | curve COPIES ENTRIES\n",
              stderr);
        return 2;
    }
    if (command == COPIES)
        return calibrate_copies(argv[2], argv[3], argv[4]);
    if (command == CURVE)
        return calibrate_curve(argv[2], argv[3]);
    if (!images_read(&all, argv[2]))
        return 2;
    switch (command) {
    case MAKE:
        code = make(&all, argv[2], argv[3]);
        break;
    case SPLIT:
        code = split(&all);
        break;
    case TURNS:
        code = turns(&all, argv[3]);
        break;
    case PROBES:
        code = probes(&all, argv[3]);
        break;
    case STRANGERS:
        code = strangers_find(&all, argv[3], argv[4], argv[5]) ? 0 : 2;
        break;
    case ALIGNED:
        code = calibrate_aligned(&all, argv[2], argv[3], argv[4]);
        break;
    case ALIGNED_SPLIT:
        code = calibrate_aligned_split(&all, argv[3]);
        break;
    }
    images_free(&all);
    return fflush(stdout) || ferror(stdout) ? 2 : code;
}
