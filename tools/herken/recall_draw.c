/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recall_draw.c - drawings of the CSV files, where gnuplot is installed; see recall.h. */
#include "recall.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const colours[] = {"#b0b0b0", "#d9a441", "#c46a5a", "#7a9cc6", "#4f8f7a",
                                      "#1b6e53", "#8a6fb0", "#5b6b7a", "#a0b84a", "#333333"};

static const char *colour(size_t i)
{
    return colours[i % (sizeof colours / sizeof *colours)];
}

/* PDQ as it is used, what users measure besides, and what match does with hashes alone and with the
 * standard probes. */
static bool is_drawn(const recall_run *run, const recall_column *column)
{
    const recall_method *method = &run->method[column->method];
    if (method->measure == RECALL_PROFILE)
        return method->probes == RECALL_HASHES || method->probes == HK_PROBES_STANDARD;
    return method->measure == RECALL_PDQ || method->measure == RECALL_PROGRAM;
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
    const char *before;
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
        before = "plot ";
        size_t drawn = 0;
        for (size_t c = 0; c < count; c++) {
            const recall_rate r = recall_false(run, &columns[c], RECALL_ALL);
            if (!is_drawn(run, &columns[c]))
                continue;
            fprintf(plot, "%s$bars every ::%zu::%zu using %zu:%zu:%zu%s lc rgb '%s'", before,
                    part * half, part * half + half - 1, 3 * c + 2, 3 * c + 3, 3 * c + 4,
                    *before == 'p' ? ":xtic(1)" : "", colour(drawn++));
            before = ", ";
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
        if (!recall_has_distances(&run->method[m]))
            continue;
        fprintf(plot,
                "%s'recall-curves.csv' using (strcol(1) eq '%s' ? $6 : NaN):3 with lines lw 2 lc "
                "rgb '%s' title '%s'",
                m ? ", " : "plot ", run->method[m].name, colour(m), run->method[m].name);
    }
    fputs("\nreset\n", plot);
}

/* What belongs together, in one panel each. */
static const struct panel {
    const char *title;
    const char *edit[4];
} panels[] = {
    {"cropped", {"crop-02", "crop-05", "crop-10", "crop-20"}},
    {"captions", {"caption", "chain-caption-half-jpeg40", NULL}},
    {"turned", {"rotate-1", "rotate-3", "rotate-5", NULL}},
    {"framed", {"border-black-10", "border-white-10", "letterbox", "screenshot"}},
};
enum { PANELS = sizeof panels / sizeof *panels };

bool recall_is_drawn(const char *edit)
{
    for (int p = 0; p < PANELS; p++)
        for (int e = 0; e < 4 && panels[p].edit[e]; e++)
            if (!strcmp(panels[p].edit[e], edit))
                return true;
    return false;
}

static bool is_made(const recall_run *run, const char *edit)
{
    for (size_t e = 0; e < run->edit_count; e++)
        if (!strcmp(run->edit[e].name, edit))
            return run->edit[e].made > 0;
    return false;
}

/* What looks alike is left to the CSV file: the plain hash alone. NULL: no curve. */
static const char *curve_colour(const recall_run *run, size_t method)
{
    const recall_method *m = &run->method[method];
    if (m->measure == RECALL_ALIGNED)
        return m->probes == HK_PROBES_STANDARD ? "#1b6e53" : "#d9a441";
    return m->measure == RECALL_EXACT ? "#7a9cc6" : NULL;
}

/* An edit has its dashes, a method its colour. */
static void draw_panel(FILE *plot, const recall_run *run, const struct panel *panel)
{
    fprintf(plot, "set title '%s'\nplot NaN notitle", panel->title);
    for (int e = 0; e < 4 && panel->edit[e]; e++) {
        const char *edit = panel->edit[e];
        if (!is_made(run, edit))
            continue;
        fprintf(plot, ", NaN with lines lw 2 dt %d lc rgb '#000000' title '%s'", e + 1, edit);
        for (size_t m = 0; m < run->method_count; m++)
            if (curve_colour(run, m))
                fprintf(plot,
                        ", 'recall-budget.csv' using (strcol(1) eq '%s' && strcol(2) eq '%s' ? $9 "
                        ": NaN):5 with lines lw 2 dt %d lc rgb '%s' notitle",
                        edit, run->method[m].name, e + 1, curve_colour(run, m));
    }
    for (size_t m = 0; m < run->method_count; m++)
        if (curve_colour(run, m))
            fprintf(plot, ", NaN with lines lw 2 lc rgb '%s' title '%s'", curve_colour(run, m),
                    run->method[m].name);
    fputc('\n', plot);
}

static void draw_budget(FILE *plot, const recall_run *run)
{
    if (!recall_of_kind(run, HK_KIND_PHOTO))
        return;
    fprintf(plot,
            "set terminal svg size 1400,1000 font 'sans,12' background 'white' noenhanced\n"
            "set output 'recall-budget.svg'\nset datafile separator ','\nset logscale x\n"
            "set multiplot layout 2,2 title 'Recall of photos against the false matches in a "
            "look-up of %" PRIu64
            " entries by the calibration, mostly extrapolated, at every radius'\n"
            "set xlabel 'false matches in a look-up (95 %% bound)'\n"
            "set ylabel 'recall'\nset xrange [1e-9:1e3]\nset yrange [0:1.02]\n"
            "set grid lc rgb '#dddddd'\nset format x '%%.0e'\nset key outside below horizontal\n",
            run->list_size);
    for (int p = 0; p <= HK_PROFILE_REVIEW; p++) {
        const double budget = hk_budget((hk_profile)p);
        const char *name = hk_profile_name((hk_profile)p);
        fprintf(plot,
                "set arrow from %g, graph 0 to %g, graph 1 nohead dt 3 lc rgb '#404040'\n"
                "set label '%s' at %g, graph .03 rotate by 90 offset -.6,0\n",
                budget, budget, name, budget);
    }
    for (int p = 0; p < PANELS; p++)
        draw_panel(plot, run, &panels[p]);
    fputs("unset multiplot\nreset\n", plot);
}

static void draw_distances(FILE *plot, const recall_run *run)
{
    size_t drawn = 0;
    for (size_t m = 0; m < run->method_count; m++)
        drawn += recall_has_distances(&run->method[m]);
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
        if (!recall_has_distances(&run->method[m]))
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
int recall_draw(const recall_run *run, const recall_column *columns, size_t count)
{
    static const char name[] = "recall.gnuplot";
    recall_job job = {.argument = {"env", "-C", run->out, "gnuplot", name, NULL}};
    FILE *plot = recall_open(run, name);
    if (!plot)
        return CLI_SYSTEM;
    draw_bars(plot, run, columns, count);
    draw_curves(plot, run);
    draw_budget(plot, run);
    draw_distances(plot, run);
    if (!recall_close(run, plot, name))
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
