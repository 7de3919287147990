/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_files.c - CSV files and, where gnuplot is installed, drawings of them; see recall.h.
 *
 *   recall-edits.csv, .svg      recall of every edit, method and kind
 *   recall-curves.csv, .svg     mean recall over the edits against false matches, at every radius
 *   recall-distances.csv, .svg  how many copies and strangers lie at each distance
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
#include <unistd.h>

/* ---- CSV ----------------------------------------------------------------------------------- */

static FILE *open_in(const recall_run *run, const char *name)
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

static bool close_out(const recall_run *run, FILE *file, const char *name)
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
    fputs("edit,method,radius,exact_radius,kind,n,found,recall,low,high,list_size,false_match_rate,"
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

/* A profile has its radii, and no distance. */
static bool has_distances(const recall_run *run, size_t method)
{
    hk_profile profile;
    return !recall_is_profile(&profile, &run->method[method]);
}

static void write_curves(FILE *file, const recall_run *run)
{
    fputs("method,radius,mean_recall,list_size,false_match_rate,false_match_upper\n", file);
    for (size_t m = 0; m < run->method_count; m++)
        for (unsigned radius = 0; has_distances(run, m) && radius <= recall_bits(run, m) / 2;
             radius++) {
            recall_column column = {.method = m};
            for (unsigned k = 0; k < RECALL_KINDS; k++)
                column.radius[k] = (int)radius;
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
        for (unsigned d = 0; has_distances(run, m) && d <= recall_bits(run, m); d++) {
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

/* ---- drawings ------------------------------------------------------------------------------ */

static const char *const colours[] = {"#b0b0b0", "#d9a441", "#c46a5a", "#7a9cc6", "#4f8f7a",
                                      "#1b6e53", "#8a6fb0", "#5b6b7a", "#a0b84a", "#333333"};

static const char *colour(size_t i)
{
    return colours[i % (sizeof colours / sizeof *colours)];
}

/* Edits in two rows, so that their names can be read. */
static void draw_bars(FILE *plot, const recall_run *run, const recall_column *columns, size_t count)
{
    size_t made = 0;
    fputs("$bars << EOD\n", plot);
    for (size_t e = 0; e < run->edit_count; e++) {
        if (!run->edit[e].made)
            continue;
        made++;
        fputs(run->edit[e].name, plot);
        for (size_t c = 0; c < count; c++) {
            const recall_figure f = recall_found(run, &columns[c], e, RECALL_ALL);
            fprintf(plot, " %.6f %.6f %.6f", f.recall, f.low, f.high);
        }
        fputc('\n', plot);
    }
    const size_t half = (made + 1) / 2;
    fprintf(
        plot,
        "EOD\nset terminal svg size 1400,980 font 'sans,13' background 'white' noenhanced\n"
        "set output 'recall-edits.svg'\n"
        "set multiplot layout 2,1 title 'Recall of edited copies of %zu originals (seed %" PRIu64
        ", herken %s), with false matches in a look-up of %" PRIu64
        " entries (<: none seen, 95 %% bound)'\n"
        "set style data histograms\nset style histogram errorbars gap 2 lw 1\n"
        "set style fill solid noborder\nset errorbars 0 lc rgb '#404040'\n"
        "set yrange [0:1.02]\nset ylabel 'recall'\nset xtics rotate by 45 right nomirror\n"
        "set ytics nomirror\nset border 3\nset grid ytics lc rgb '#dddddd'\n",
        run->original_count, run->seed, hk_version(), run->list_size);
    for (size_t part = 0; part < 2 && part < made; part++) {
        fputs(part ? "set key off\n" : "set key outside above horizontal\n", plot);
        for (size_t c = 0; c < count; c++) {
            const recall_rate r = recall_false(run, &columns[c], RECALL_ALL);
            fprintf(plot, "%s$bars every ::%zu::%zu using %zu:%zu:%zu%s lc rgb '%s'",
                    c ? ", " : "plot ", part * half, part * half + half - 1, 3 * c + 2, 3 * c + 3,
                    3 * c + 4, c ? "" : ":xtic(1)", colour(c));
            char title[RECALL_TITLE];
            recall_title(title, run, &columns[c], RECALL_ALL);
            fprintf(plot, " title '%s (%s%.2g", title, r.seen ? "" : "<",
                    r.seen ? r.per_lookup : r.upper);
            if (r.calibrated > 0)
                fprintf(plot, "; <%.1g %s", r.calibrated, recall_calibration(&r));
            fputs(")'", plot);
        }
        fputc('\n', plot);
    }
    fputs("unset multiplot\nreset\n", plot);
}

static void draw_curves(FILE *plot, const recall_run *run)
{
    fprintf(plot,
            "set terminal svg size 860,560 font 'sans,13' background 'white' noenhanced\n"
            "set output 'recall-curves.svg'\nset datafile separator ','\nset logscale x\n"
            "set title 'Mean recall over all edits against false matches, at every radius'\n"
            "set xlabel 'false matches in a look-up of %" PRIu64 " entries (95 %% upper bound)'\n"
            "set ylabel 'mean recall'\nset yrange [0:1]\nset grid lc rgb '#dddddd'\n"
            "set format x '%%g'\nset key right bottom\n",
            run->list_size);
    for (size_t m = 0; m < run->method_count; m++) {
        if (!has_distances(run, m))
            continue;
        fprintf(plot,
                "%s'recall-curves.csv' using (strcol(1) eq '%s' ? $6 : NaN):3 with lines lw 2 lc "
                "rgb '%s' title '%s'",
                m ? ", " : "plot ", run->method[m].name, colour(m), run->method[m].name);
    }
    fputs("\nreset\n", plot);
}

static void draw_distances(FILE *plot, const recall_run *run)
{
    size_t drawn = 0;
    for (size_t m = 0; m < run->method_count; m++)
        drawn += has_distances(run, m);
    const size_t rows = (drawn + 1) / 2;
    fprintf(plot,
            "set terminal svg size 1100,%zu font 'sans,12' background 'white' noenhanced\n"
            "set output 'recall-distances.svg'\nset datafile separator ','\n"
            "set multiplot layout %zu,2 title 'Distances of copies to their originals (green), and "
            "of strangers (grey)'\n"
            "set style fill transparent solid .6 noborder\nset logscale y\nset format y '%%.0e'\n"
            "set xlabel 'bits'\nset ylabel 'pairs'\nset key off\n",
            260 * rows + 40, rows);
    for (size_t m = 0; m < run->method_count; m++) {
        const char *name = run->method[m].name;
        if (!has_distances(run, m))
            continue;
        /* As many bits are set in each hash: distances are even. */
        const bool even =
            run->method[m].measure < RECALL_OWN || run->method[m].measure == RECALL_DCT;
        fprintf(plot,
                "set title '%s'\nset xrange [-1:%u]\nset yrange [.7:*]\nset boxwidth %s absolute\n"
                "plot 'recall-distances.csv' using (strcol(1) eq '%s' ? $2 : NaN):4 with boxes lc "
                "rgb '#909090', '' using (strcol(1) eq '%s' ? $2 : NaN):3 with boxes lc rgb "
                "'#1b6e53'\n",
                name, recall_bits(run, m) * 5 / 8, even ? "1.9" : ".95", name, name);
    }
    fputs("unset multiplot\n", plot);
}

/* gnuplot runs in the folder, so that no name of a folder stands in its script. */
static int draw(const recall_run *run, const recall_column *columns, size_t count)
{
    static const char name[] = "recall.gnuplot";
    recall_job job = {.argument = {"env", "-C", run->out, "gnuplot", name, NULL}};
    FILE *plot = open_in(run, name);
    if (!plot)
        return CLI_SYSTEM;
    draw_bars(plot, run, columns, count);
    draw_curves(plot, run);
    draw_distances(plot, run);
    if (!close_out(run, plot, name))
        return CLI_SYSTEM;
    const int code = recall_run_programs(&job, 1, 1, 0);
    if (code < 0 && !job.ok)
        cli_say("no drawings: %s (Debian: gnuplot-nox)", job.why);
    free(job.output);
    char *path = NULL;
    if (job.ok && asprintf(&path, "%s/%s", run->out, name) >= 0)
        unlink(path);
    free(path);
    return code;
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
    if (ok && (ok = (file = open_in(run, "recall-edits.csv")) != NULL)) {
        write_edits(file, run, columns, count);
        ok = close_out(run, file, "recall-edits.csv");
    }
    if (ok && (ok = (file = open_in(run, "recall-curves.csv")) != NULL)) {
        write_curves(file, run);
        ok = close_out(run, file, "recall-curves.csv");
    }
    if (ok && (ok = (file = open_in(run, "recall-distances.csv")) != NULL)) {
        write_distances(file, run);
        ok = close_out(run, file, "recall-distances.csv");
    }
    if (ok && (ok = (file = open_in(run, "leaks.csv")) != NULL)) {
        recall_write_leaks(file, run);
        ok = close_out(run, file, "leaks.csv");
    }
    const int code = ok ? draw(run, columns, count) : CLI_SYSTEM;
    free(columns);
    return code;
}
