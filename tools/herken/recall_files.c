/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_files.c - CSV files, of which recall_draw.c makes drawings; see recall.h.
 *
 *   recall-edits.csv, .svg      recall of every edit, method and kind
 *   recall-curves.csv, .svg     mean recall over the edits against false matches, at every radius
 *   recall-distances.csv, .svg  how many copies and strangers lie at each distance
 *   recall-budget.csv, .svg     recall of some edits of photos against the false matches that the
 *                               calibration says, at every radius
 *   leaks.csv                   close pairs, for a person to judge
 *
 * Numbers only, and no times: the same seed gives the same bytes.
 */
#include "recall.h"

#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- CSV ----------------------------------------------------------------------------------- */

FILE *recall_open(const recall_run *run, const char *name)
{
    char *path = NULL;
    FILE *file = NULL;
    if (asprintf(&path, "%s/%s", run->out, name) >= 0) {
        file = fopen(path, "we");
        if (!file)
            cli_say("cannot write %s: %s", path, strerror(errno));
        free(path);
    }
    return file;
}

bool recall_close(const recall_run *run, FILE *file, const char *name)
{
    const bool failed = ferror(file);
    if (!fclose(file) && !failed)
        return true;
    cli_say("cannot write %s/%s: is the disk full?", run->out, name);
    return false;
}

static void write_edits(FILE *file, const recall_run *run, const recall_column *columns,
                        size_t count)
{
    fputs("edit,method,radius,exact_radius,aligned_radius,kind,n,found,recall,low,high,list_size,"
          "false_match_rate,"
          "false_match_upper,false_match_calibrated,calibration,false_matches_seen,stranger_pairs,"
          "seed,version\n",
          file);
    for (size_t e = 0; e < run->edit_count; e++)
        for (size_t c = 0; c < count; c++)
            for (unsigned k = 0; k <= RECALL_ALL; k++) {
                const recall_figure f = recall_found(run, &columns[c], e, k);
                const recall_rate r = recall_false(run, &columns[c], k);
                if (!f.n)
                    continue;
                const unsigned of = k == RECALL_ALL ? HK_KIND_PHOTO : k;
                fprintf(file, "%s,%s,", run->edit[e].name, columns[c].name);
                if (columns[c].radius[of] >= 0)
                    fprintf(file, "%d", columns[c].radius[of]);
                fputc(',', file);
                if (columns[c].calibrated && columns[c].exact[of] >= 0)
                    fprintf(file, "%d", columns[c].exact[of]);
                fputc(',', file);
                if (columns[c].calibrated && columns[c].aligned[of] >= 0)
                    fprintf(file, "%d", columns[c].aligned[of]);
                fprintf(file, ",%s,%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%.6f,", recall_kind_name(k),
                        f.n, f.found, f.recall, f.low, f.high);
                if (r.pairs)
                    fprintf(file, "%" PRIu64 ",%.6g,%.6g,", run->list_size, r.per_lookup, r.upper);
                else
                    fputs(",,,", file);
                if (r.calibrated > 0)
                    fprintf(file, "%.6g,%s,", r.calibrated, recall_calibration(&r));
                else
                    fputs(",,", file);
                fprintf(file, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s\n", r.seen, r.pairs,
                        run->seed, hk_version());
            }
}

/* `kinds`: of the original, times RECALL_KINDS, and of the copy. */
static uint64_t copies_at(const recall_run *run, size_t edit, size_t method, unsigned kinds,
                          unsigned distance)
{
    return run->copies[edit * run->method_count + method][kinds / RECALL_KINDS]
                      [kinds % RECALL_KINDS][distance];
}

/* The mean over the edits of the share of copies within a radius. */
static double mean_recall(const recall_run *run, size_t method, unsigned radius)
{
    double sum = 0;
    unsigned edits = 0;
    for (size_t e = 0; e < run->edit_count; e++) {
        uint64_t n = 0, found = 0;
        for (unsigned k = 0; k < RECALL_KINDS * RECALL_KINDS; k++)
            for (unsigned d = 0; d < RECALL_BINS; d++) {
                const uint64_t here = copies_at(run, e, method, k, d);
                n += here;
                found += d <= radius ? here : 0;
            }
        edits += n > 0;
        sum += n ? (double)found / (double)n : 0;
    }
    return edits ? sum / edits : 0;
}

static void write_curves(FILE *file, const recall_run *run)
{
    fputs("method,radius,mean_recall,list_size,false_match_rate,false_match_upper\n", file);
    for (size_t m = 0; m < run->method_count; m++)
        for (unsigned radius = 0;
             recall_has_distances(&run->method[m]) && radius <= recall_bits(run, m) / 2; radius++) {
            const recall_column column = recall_at_radius(run, m, radius);
            const recall_rate r = recall_false(run, &column, RECALL_ALL);
            if (r.pairs)
                fprintf(file, "%s,%u,%.6f,%" PRIu64 ",%.6g,%.6g\n", run->method[m].name, radius,
                        mean_recall(run, m, radius), run->list_size, r.per_lookup, r.upper);
        }
}

static void write_distances(FILE *file, const recall_run *run)
{
    fputs("method,distance,copies,strangers\n", file);
    for (size_t m = 0; m < run->method_count; m++)
        for (unsigned d = 0; recall_has_distances(&run->method[m]) && d <= recall_bits(run, m);
             d++) {
            uint64_t copies = 0, strangers = 0;
            for (unsigned k = 0; k < RECALL_KINDS; k++)
                strangers += run->strangers.once[m][k][d];
            for (size_t e = 0; e < run->edit_count; e++)
                for (unsigned k = 0; k < RECALL_KINDS * RECALL_KINDS; k++)
                    copies += copies_at(run, e, m, k, d);
            fprintf(file, "%s,%u,%" PRIu64 ",%" PRIu64 "\n", run->method[m].name, d, copies,
                    strangers);
        }
}

/* Of photos alone: chances are of one kind. */
static void write_budget(FILE *file, const recall_run *run)
{
    fputs("edit,method,radius,n,recall,list_size,false_match_rate,false_match_upper,"
          "false_match_calibrated,calibration\n",
          file);
    for (size_t e = 0; e < run->edit_count; e++)
        for (size_t m = 0; m < run->method_count; m++)
            for (unsigned radius = 0;
                 recall_is_drawn(run->edit[e].name) && radius <= HK_CANDIDATE_RADIUS; radius += 2) {
                bool extrapolated;
                const double chance = recall_calibrated(run, m, radius, &extrapolated);
                const recall_column column = recall_at_radius(run, m, radius);
                const recall_figure f = recall_found(run, &column, e, HK_KIND_PHOTO);
                const recall_rate r = recall_false(run, &column, HK_KIND_PHOTO);
                if (chance < 0 || !f.n)
                    continue;
                fprintf(file, "%s,%s,%u,%" PRIu64 ",%.6f,%" PRIu64 ",", run->edit[e].name,
                        run->method[m].name, radius, f.n, f.recall, run->list_size);
                if (r.pairs)
                    fprintf(file, "%.6g,%.6g,", r.per_lookup, r.upper);
                else
                    fputs(",,", file);
                fprintf(file, "%.6g,%s\n", chance, extrapolated ? "extrapolated" : "measured");
            }
}

/* ---- all ----------------------------------------------------------------------------------- */

int recall_write_files(const recall_run *run)
{
    size_t count;
    recall_column *columns = recall_columns(run, &count);
    FILE *file;
    bool ok = columns != NULL;
    if (ok && mkdir(run->out, 0777) && errno != EEXIST) {
        cli_say("cannot make the folder %s: %s", run->out, strerror(errno));
        ok = false;
    }
    if (ok && (ok = (file = recall_open(run, "recall-edits.csv")) != NULL)) {
        write_edits(file, run, columns, count);
        ok = recall_close(run, file, "recall-edits.csv");
    }
    if (ok && (ok = (file = recall_open(run, "recall-curves.csv")) != NULL)) {
        write_curves(file, run);
        ok = recall_close(run, file, "recall-curves.csv");
    }
    if (ok && (ok = (file = recall_open(run, "recall-distances.csv")) != NULL)) {
        write_distances(file, run);
        ok = recall_close(run, file, "recall-distances.csv");
    }
    if (ok && (ok = (file = recall_open(run, "recall-budget.csv")) != NULL)) {
        write_budget(file, run);
        ok = recall_close(run, file, "recall-budget.csv");
    }
    if (ok && (ok = (file = recall_open(run, "leaks.csv")) != NULL)) {
        recall_write_leaks(file, run);
        ok = recall_close(run, file, "leaks.csv");
    }
    const int code = ok ? recall_draw(run, columns, count) : CLI_SYSTEM;
    free(columns);
    return code;
}
