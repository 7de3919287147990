/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_copies.c - makes the copies of some originals at a time, hashes them, counts how far they
 * lie from their originals, and removes them; see recall.h.
 *
 *      $TMPDIR/herken-recall-XXXXXX/INDEX/EDIT.SUFFIX
 *
 * A batch holds some 12 million pixels of originals, about 300 MB of copies at the most.
 */
#include "recall.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH_MOST = 64 };
static const uint64_t batch_pixels = 12000000;

/* A copy that was hashed. */
typedef struct copy {
    size_t picture, edit;
    char *path; /* owned; for programs that hash */
    recall_print print;
    recall_near near; /* to its original */
} copy;

typedef struct batch {
    size_t first, count; /* of the originals */
    copy *copy;          /* owned */
    size_t copy_count;
    const recall_run *run; /* for the threads */
} batch;

/* ---- files --------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* "SCRATCH/INDEX", with "/NAME" behind it if there is one. Owned; NULL without memory. */
static char *place(const recall_run *run, size_t index, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%zu%s%s", run->scratch, index, name ? "/" : "", name ? name : "") < 0)
        return NULL;
    return path;
}

static size_t find_edit(const recall_run *run, const char *name, size_t length)
{
    size_t e = 0;
    while (e < run->edit_count &&
           (strncmp(run->edit[e].name, name, length) || run->edit[e].name[length]))
        e++;
    return e;
}

/* ---- making -------------------------------------------------------------------------------- */

static void not_made(recall_run *run, size_t edit, size_t picture, const char *why)
{
    run->edit[edit].failed++;
    run->failed++;
    recall_say(run, "%s is not made of %s: %s", run->edit[edit].name, run->picture[picture].path,
               why);
}

/* What herken-edits says it could not make: lines of an edit, a tab and a reason. */
static void take_failures(recall_run *run, size_t picture, recall_job *job)
{
    if (!job->ok) { /* whatever it made before is no sound sample of the edits */
        for (size_t e = 0; e < run->recipe_count; e++)
            if (!run->edit[e].lacks)
                run->edit[e].failed++;
        run->failed++;
        recall_say(run, "no copies of %s: %s", run->picture[picture].path, job->why);
        return;
    }
    char *rest = job->output, *line;
    while (rest && (line = strsep(&rest, "\n")) && *line) {
        const size_t length = strcspn(line, "\t");
        const size_t edit = find_edit(run, line, length);
        if (edit < run->edit_count)
            not_made(run, edit, picture, line[length] ? line + length + 1 : "no reason");
    }
}

static int make_folders(const recall_run *run, const batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        char *path = place(run, b->first + i, NULL);
        const bool ok = path && !mkdir(path, 0700);
        free(path);
        if (!ok) {
            cli_say("cannot make a folder in %s: is the disk full?", run->scratch);
            return CLI_SYSTEM;
        }
    }
    return -1;
}

/* The recipe's copies: one process for each original. */
static int make_recipe(recall_run *run, const batch *b)
{
    char seed[24], side[24], *folders[BATCH_MOST] = {NULL};
    recall_job *jobs = calloc(b->count, sizeof *jobs);
    if (!jobs)
        return recall_no_memory();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
    snprintf(side, sizeof side, "%u", run->max_side);
    int code = -1;
    for (size_t i = 0; i < b->count; i++) {
        const recall_picture *p = &run->picture[b->first + i];
        char *folder = place(run, b->first + i, NULL);
        const char *words[] = {
            run->edits_program, "--only", run->only, "--seed", seed,   "--max-side", side,
            "--name",           p->name,  "--",      p->path,  folder, NULL};
        memcpy(jobs[i].argument, words, sizeof words);
        folders[i] = folder;
        if (!folder)
            code = recall_no_memory();
    }
    if (code < 0)
        code = recall_run_programs(jobs, b->count, run->common.scan.workers, 0);
    for (size_t i = 0; code < 0 && i < b->count; i++) {
        take_failures(run, b->first + i, &jobs[i]);
        if (!jobs[i].ok) {
            remove_tree(folders[i]);
            mkdir(folders[i], 0700);
        }
    }
    for (size_t i = 0; i < b->count; i++)
        free(folders[i]);
    recall_clear_jobs(jobs, b->count);
    return code;
}

/* The copies that users' programs make, as PNG, so that nothing but the edit is measured. */
static int make_own(recall_run *run, const batch *b, size_t edit)
{
    int code = -1;
    recall_job *jobs = calloc(b->count, sizeof *jobs);
    if (!jobs)
        return recall_no_memory();
    char *name = NULL;
    if (asprintf(&name, "%s.png", run->edit[edit].name) < 0)
        name = NULL;
    for (size_t i = 0; i < b->count; i++) {
        jobs[i].argument[0] = run->edit[edit].program;
        jobs[i].argument[1] = run->picture[b->first + i].path;
        jobs[i].argument[2] = name ? place(run, b->first + i, name) : NULL;
        if (!jobs[i].argument[2])
            code = recall_no_memory();
    }
    if (code < 0)
        code = recall_run_programs(jobs, b->count, run->common.scan.workers,
                                   run->common.scan.timeout_ms);
    for (size_t i = 0; i < b->count; i++) {
        char *out = (char *)jobs[i].argument[2];
        if (code < 0 && !jobs[i].ok)
            not_made(run, edit, b->first + i, jobs[i].why);
        else if (code < 0 && access(out, R_OK))
            not_made(run, edit, b->first + i, "its program left no file");
        if (out && !jobs[i].ok)
            unlink(out);
        free(out);
    }
    free(name);
    recall_clear_jobs(jobs, b->count);
    return code;
}

/* ---- hashing ------------------------------------------------------------------------------- */

/* Which copy this file is; false for what a program left besides. */
static bool identify(const recall_run *run, const char *path, copy *out)
{
    char *end;
    const char *name = path + strlen(run->scratch) + 1;
    out->picture = strtoull(name, &end, 10);
    if (*end != '/')
        return false;
    name = end + 1;
    const char *dot = strrchr(name, '.');
    out->edit = dot ? find_edit(run, name, (size_t)(dot - name)) : run->edit_count;
    return out->edit < run->edit_count && out->picture < run->original_count;
}

static void align_copy(hk_aligner *aligner, const uint8_t *raster, uint32_t width, uint32_t height,
                       size_t tag, void *context)
{
    const batch *b = context;
    copy *c = &b->copy[tag];
    const recall_print *original = &b->run->picture[c->picture].print;
    const hk_radii *gate = &b->run->reach[HK_PROFILE_GATE][RECALL_FRAMES][c->print.kind];
    recall_align_with(c->near.aligned, aligner, raster, width, height,
                      &original->hash[HK_ORIGINAL]);
    recall_near_cuts(&c->near, &c->print, original);
    /* Alignment with eighty frames is dear, and where the strictest finds a match without it
     * changes nothing. */
    if ((int)c->near.plain > gate->plain && (int)c->near.exact > gate->exact &&
        (int)c->near.cut_plain > gate->plain && (int)c->near.cut_exact > gate->exact &&
        (int)c->near.aligned[HK_PROBES_STANDARD] > gate->aligned)
        c->near.cut_aligned =
            recall_align_cuts(aligner, raster, width, height, original, gate->aligned);
}

static int take_copy(recall_run *run, batch *b, recall_bench *bench, const hk_file *file)
{
    copy c = {0};
    if (!identify(run, file->path, &c))
        return -1;
    recall_print_take(&c.print, file);
    recall_near_take(&c.near, &c.print, &run->picture[c.picture].print.hash[HK_ORIGINAL]);
    run->edit[c.edit].made++;
    if (!file->hashed) /* a copy all the same, and nobody would find it */
        recall_say(run, "%s of %s has no hash: %s", run->edit[c.edit].name,
                   run->picture[c.picture].path, hk_file_status_name(file->status));
    if (run->program_count) {
        c.path = strdup(file->path);
        c.print.code = calloc(run->program_count, sizeof *c.print.code);
        if (!c.path || !c.print.code) {
            free(c.path);
            free(c.print.code);
            return recall_no_memory();
        }
    }
    b->copy[b->copy_count++] = c;
    return recall_bench_add(bench, file, b->copy_count - 1) ? -1 : recall_no_memory();
}

static int hash_copies(recall_run *run, batch *b)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    const hk_scan_options options = recall_scan_options(run);
    const char *folder = run->scratch;
    int code = -1;
    const size_t most = b->count * run->edit_count;
    recall_bench *bench = recall_bench_new(run->common.scan.workers, align_copy, b);
    b->run = run;
    b->copy = calloc(most + 1, sizeof *b->copy);
    if (!b->copy || !bench) {
        recall_bench_free(bench);
        return recall_no_memory();
    }
    hk_status status = hk_scan_open(&scan, &folder, 1, &options, &err);
    while (code < 0 && !status && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (recall_stopped())
            code = CLI_SYSTEM;
        else if (b->copy_count < most)
            code = take_copy(run, b, bench, file);
    }
    if (status && code < 0)
        code = cli_fail(&err);
    hk_scan_free(scan);
    if (code < 0 && !recall_bench_finish(bench))
        code = recall_no_memory();
    if (code < 0 && recall_stopped())
        code = CLI_SYSTEM;
    recall_bench_free(bench);
    return code;
}

static int run_hash_programs(recall_run *run, batch *b)
{
    const size_t count = run->program_count * b->copy_count;
    recall_job *jobs = calloc(count + 1, sizeof *jobs);
    if (!jobs)
        return recall_no_memory();
    size_t j = 0;
    for (size_t m = 0; m < run->method_count; m++)
        for (size_t c = 0; run->method[m].program && c < b->copy_count; c++) {
            jobs[j].argument[0] = run->method[m].program;
            jobs[j++].argument[1] = b->copy[c].path;
        }
    const int code =
        recall_run_programs(jobs, count, run->common.scan.workers, run->common.scan.timeout_ms);
    j = 0;
    for (size_t m = 0; code < 0 && m < run->method_count; m++)
        for (size_t c = 0; run->method[m].program && c < b->copy_count; c++) {
            const recall_job *job = &jobs[j++];
            recall_code *out = &b->copy[c].print.code[run->method[m].code];
            if (job->ok && job->output && recall_code_read(out, job->output))
                continue;
            run->failed++; /* it counts as not found */
            recall_say(run, "method %s gives no hash of %s of %s: %s", run->method[m].name,
                       run->edit[b->copy[c].edit].name, run->picture[b->copy[c].picture].path,
                       job->ok ? "it printed something else than hex digits" : job->why);
        }
    recall_clear_jobs(jobs, count);
    return code;
}

static void count_copies(recall_run *run, const batch *b)
{
    for (size_t i = 0; i < b->copy_count; i++) {
        const copy *c = &b->copy[i];
        const recall_print *original = &run->picture[c->picture].print;
        for (size_t m = 0; m < run->method_count; m++)
            run->copies[c->edit * run->method_count + m][original->kind][c->print.kind]
                       [recall_distance(&run->method[m], run->reach, &c->print, &c->near,
                                        original)]++;
    }
}

/* ---- batches ------------------------------------------------------------------------------- */

static void choose(const recall_run *run, batch *b)
{
    const uint64_t most = (uint64_t)run->max_side * run->max_side;
    uint64_t pixels = 0;
    for (b->count = 0; b->count < BATCH_MOST && b->first + b->count < run->original_count;
         b->count++) {
        const uint64_t p = run->picture[b->first + b->count].pixels;
        pixels += p < most ? p : most;
        if (b->count && pixels > batch_pixels)
            break;
    }
}

static int run_batch(recall_run *run, batch *b)
{
    int code = make_folders(run, b);
    if (code < 0)
        code = make_recipe(run, b);
    for (size_t e = run->recipe_count; code < 0 && e < run->edit_count; e++)
        code = make_own(run, b, e);
    if (code < 0)
        code = hash_copies(run, b);
    if (code < 0 && run->program_count)
        code = run_hash_programs(run, b);
    if (code < 0)
        count_copies(run, b);
    for (size_t i = 0; i < b->copy_count; i++) {
        free(b->copy[i].path);
        free(b->copy[i].print.code);
    }
    free(b->copy);
    for (size_t i = 0; i < b->count; i++) {
        char *path = place(run, b->first + i, NULL);
        if (path)
            remove_tree(path);
        free(path);
    }
    return code;
}

static bool make_scratch(recall_run *run)
{
    const char *folder = getenv("TMPDIR");
    if (asprintf(&run->scratch, "%s/herken-recall-XXXXXX", folder && *folder ? folder : "/tmp") < 0)
        run->scratch = NULL;
    if (run->scratch && mkdtemp(run->scratch))
        return true;
    cli_say("cannot make a folder for the copies; $TMPDIR says where");
    free(run->scratch);
    run->scratch = NULL;
    return false;
}

int recall_make_copies(recall_run *run)
{
    int code = -1;
    run->copies = calloc(run->edit_count * run->method_count, sizeof *run->copies);
    if (!run->copies)
        return recall_no_memory();
    if (!make_scratch(run))
        return CLI_SYSTEM;
    batch b = {0};
    while (code < 0 && b.first < run->original_count) {
        choose(run, &b);
        code = run_batch(run, &b);
        run->steps_done += code < 0 ? b.count : 0;
        recall_progress(run);
        b = (batch){.first = b.first + b.count};
    }
    remove_tree(run->scratch);
    return code;
}
