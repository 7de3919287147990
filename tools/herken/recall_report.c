/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_report.c - stdout: a table for people, JSON Lines for programs; see recall.h. No recall
 * stands anywhere without the false matches at which it was reached.
 */
#include "recall.h"

#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t recall_of_kind(const recall_run *run, unsigned kind)
{
    size_t n = 0;
    for (size_t i = 0; i < run->original_count; i++)
        n += kind == RECALL_ALL || run->picture[i].print.kind == kind;
    return n;
}

const char *recall_kind_name(unsigned kind)
{
    return kind == RECALL_ALL ? "all" : hk_kind_name((hk_kind)kind);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void print_figure(const recall_run *run, const recall_column *column, size_t edit,
                         unsigned kind)
{
    const recall_figure f = recall_found(run, column, edit, kind);
    const recall_rate r = recall_false(run, column, kind);
    if (!f.n)
        return;
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:I,s:I,s:f,s:f,s:f}", "edit", run->edit[edit].name, "method",
                  column->name, "kind", recall_kind_name(kind), "n", (json_int_t)f.n, "found",
                  (json_int_t)f.found, "recall", f.recall, "low", f.low, "high", f.high);
    const int radius = column->radius[kind == RECALL_ALL ? HK_KIND_PHOTO : kind];
    json_object_set_new(o, "radius", radius < 0 ? json_null() : json_integer(radius));
    const int exact = column->exact[kind == RECALL_ALL ? HK_KIND_PHOTO : kind];
    if (column->calibrated && exact >= 0)
        json_object_set_new(o, "exact_radius", json_integer(exact));
    const int aligned = column->aligned[kind == RECALL_ALL ? HK_KIND_PHOTO : kind];
    if (column->calibrated && aligned >= 0)
        json_object_set_new(o, "aligned_radius", json_integer(aligned));
    json_object_set_new(o, "stranger_pairs", json_integer((json_int_t)r.pairs));
    json_object_set_new(o, "false_matches_seen", json_integer((json_int_t)r.seen));
    if (r.pairs) {
        json_object_set_new(o, "list_size", json_integer((json_int_t)run->list_size));
        json_object_set_new(o, "false_match_rate", json_real(r.per_lookup));
        json_object_set_new(o, "false_match_upper", json_real(r.upper));
    }
    if (r.calibrated > 0) {
        json_object_set_new(o, "false_match_calibrated", json_real(r.calibrated));
        json_object_set_new(o, "calibration", json_string(recall_calibration(&r)));
    }
    output_line(o);
}

static json_t *edits_lacking(const recall_run *run)
{
    json_t *lacking = json_object();
    for (size_t e = 0; e < run->edit_count; e++)
        if (run->edit[e].lacks)
            json_object_set_new(lacking, run->edit[e].name, json_string(run->edit[e].lacks));
    return lacking;
}

static void print_run(const recall_run *run)
{
    uint64_t made = 0, failed = 0;
    json_t *o = json_object(), *kinds = json_object();
    for (size_t e = 0; e < run->edit_count; e++) {
        made += run->edit[e].made;
        failed += run->edit[e].failed;
    }
    for (unsigned k = 0; k < RECALL_KINDS; k++)
        json_object_set_new(kinds, recall_kind_name(k),
                            json_integer((json_int_t)recall_of_kind(run, k)));
    json_object_set_new(o, "version", json_string(hk_version()));
    json_object_set_new(o, "seed", json_integer((json_int_t)run->seed));
    output_path(o, "images", run->images);
    if (run->distractors)
        output_path(o, "distractors", run->distractors);
    json_object_set_new(o, "originals", json_integer((json_int_t)run->original_count));
    json_object_set_new(o, "originals_by_kind", kinds);
    json_object_set_new(o, "images_left_out", json_integer((json_int_t)run->left_out));
    json_object_set_new(o, "distractor_images",
                        json_integer((json_int_t)(run->picture_count - run->original_count)));
    json_object_set_new(o, "distractor_hashes", json_integer((json_int_t)run->entry_count));
    json_object_set_new(o, "list_size", json_integer((json_int_t)run->list_size));
    json_object_set_new(o, "pair_rate", json_real(run->pair_rate));
    json_object_set_new(o, "max_side", json_integer(run->max_side));
    json_object_set_new(o, "copies", json_integer((json_int_t)made));
    json_object_set_new(o, "copies_failed", json_integer((json_int_t)failed));
    json_object_set_new(o, "edits_left_out", edits_lacking(run));
    json_object_set_new(o, "close_pairs",
                        json_pack("{s:I,s:I,s:I,s:I}", "unjudged",
                                  (json_int_t)run->judged_pairs[RECALL_UNJUDGED], "same",
                                  (json_int_t)run->judged_pairs[RECALL_SAME], "different",
                                  (json_int_t)run->judged_pairs[RECALL_DIFFERENT], "unsure",
                                  (json_int_t)run->judged_pairs[RECALL_UNSURE]));
    json_object_set_new(o, "seconds", json_real(recall_seconds() - run->start));
    output_line(json_pack("{s:o}", "run", o));
}

static void print_json(const recall_run *run, const recall_column *columns, size_t count)
{
    for (size_t e = 0; e < run->edit_count; e++)
        for (size_t c = 0; c < count; c++)
            for (unsigned k = 0; k <= RECALL_ALL; k++)
                print_figure(run, &columns[c], e, k);
    print_run(run);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void print_rates(const recall_run *run, const recall_column *columns, size_t count,
                        unsigned kind)
{
    printf("  false matches in a look-up of %" PRIu64 " entries:\n", run->list_size);
    for (size_t c = 0; c < count; c++) {
        const recall_rate r = recall_false(run, &columns[c], kind);
        char title[RECALL_TITLE];
        recall_title(title, run, &columns[c], kind);
        printf("    %-19s ", title);
        if (!r.pairs)
            printf("unknown: none of its strangers was seen");
        else if (!r.seen)
            printf("< %.3g (95 %%; none in %" PRIu64 " pairs)", r.upper, r.pairs);
        else
            printf("%.3g (95 %%: < %.3g; %" PRIu64 " in %" PRIu64 " pairs)", r.per_lookup, r.upper,
                   r.seen, r.pairs);
        if (r.calibrated > 0)
            printf("; < %.3g by the calibration (%s)", r.calibrated, recall_calibration(&r));
        else if (columns[c].calibrated)
            printf("; digests alone, the hash is not looked up");
        putchar('\n');
    }
}

static void print_kind(const recall_run *run, const recall_column *columns, size_t count,
                       unsigned kind)
{
    int width = 4;
    for (size_t e = 0; e < run->edit_count; e++)
        width = (int)strlen(run->edit[e].name) > width ? (int)strlen(run->edit[e].name) : width;
    printf("\n%s: %zu originals\n", recall_kind_name(kind), recall_of_kind(run, kind));
    print_rates(run, columns, count, kind);
    printf("  recall (95 %% of the bootstrap):\n    %-*s", width, "edit");
    for (size_t c = 0; c < count; c++) {
        char title[RECALL_TITLE];
        recall_title(title, run, &columns[c], kind);
        printf("  %19s", title);
    }
    putchar('\n');
    for (size_t e = 0; e < run->edit_count; e++) {
        printf("    %-*s", width, run->edit[e].name);
        for (size_t c = 0; c < count; c++) {
            const recall_figure f = recall_found(run, &columns[c], e, kind);
            if (f.n)
                printf("     %4.2f (%4.2f-%4.2f)", f.recall, f.low, f.high);
            else
                printf("  %19s", "-");
        }
        putchar('\n');
    }
}

static void print_text(const recall_run *run, const recall_column *columns, size_t count)
{
    unsigned kinds = 0;
    printf("herken %s, seed %" PRIu64 ": %zu originals, %zu other images, %zu hashes; copies of at "
           "most %u pixels a side\n",
           hk_version(), run->seed, run->original_count, run->picture_count - run->original_count,
           run->entry_count, run->max_side);
    for (unsigned k = 0; k < RECALL_KINDS; k++)
        kinds += recall_of_kind(run, k) > 0;
    for (unsigned k = 0; kinds > 1 && k < RECALL_KINDS; k++)
        if (recall_of_kind(run, k))
            print_kind(run, columns, count, k);
    print_kind(run, columns, count, RECALL_ALL);
    for (size_t e = 0; e < run->edit_count; e++)
        if (run->edit[e].lacks)
            printf("%s is left out: %s\n", run->edit[e].name, run->edit[e].lacks);
    const uint64_t open = run->judged_pairs[RECALL_UNJUDGED] + run->judged_pairs[RECALL_UNSURE];
    if (open)
        printf("%" PRIu64 " close pairs count as false matches until somebody says what they are: "
               "leaks.csv of --out, for --judged\n",
               open);
}

int recall_print_report(const recall_run *run)
{
    size_t count;
    recall_column *columns = recall_columns(run, &count);
    if (!columns)
        return recall_no_memory();
    if (run->common.json)
        print_json(run, columns, count);
    else
        print_text(run, columns, count);
    free(columns);
    return cli_finish(run->failed ? CLI_PARTIAL : CLI_DONE);
}
