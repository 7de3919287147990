/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recall_pictures.c - originals and distractors; see recall.h. */
#include "recall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

hk_scan_options recall_scan_options(const recall_run *run)
{
    hk_scan_options options = run->common.scan;
    options.exact_hash = options.raster = true;
    options.frames = HK_FRAMES_FIRST;
    options.on_progress = NULL; /* the whole run has one bar */
    return options;
}

/* ---- folders of images --------------------------------------------------------------------- */

static bool add(recall_run *run, const hk_file *file, const char *folder)
{
    if ((run->picture_count & (run->picture_count - 1)) == 0) {
        const size_t capacity = run->picture_count ? run->picture_count * 2 : 1;
        recall_picture *grown = realloc(run->picture, capacity * sizeof *grown);
        if (!grown)
            return false;
        run->picture = grown;
    }
    recall_picture *p = &run->picture[run->picture_count++];
    const char *name = file->path + strlen(folder);
    *p = (recall_picture){.path = strdup(file->path),
                          .name = strdup(name + strspn(name, "/")),
                          .pixels = (uint64_t)file->width * file->height};
    recall_print_take(&p->print, file);
    if (run->program_count)
        p->print.code = calloc(run->program_count, sizeof *p->print.code);
    return p->path && p->name && (p->print.code || !run->program_count);
}

/* A picture that is whole, and whose hash says something. */
static bool is_good(recall_run *run, const hk_file *file)
{
    const char *why = NULL;
    if (file->status == HK_FILE_OK && !(file->flags & HK_FLAG_DEGENERATE))
        return true;
    if (file->status == HK_FILE_OK)
        why = "degenerate: its hash says nothing";
    else if (hk_file_status_class(file->status) != HK_CLASS_SKIPPED)
        why = hk_file_status_name(file->status);
    run->left_out++;
    run->failed += hk_file_status_class(file->status) == HK_CLASS_FAILED;
    if (why)
        recall_say(run, "%s is left out: %s", file->path, why);
    return false;
}

static int read_folder(recall_run *run, const char *folder)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    const hk_scan_options options = recall_scan_options(run);
    int code = -1;
    hk_status status = hk_scan_open(&scan, &folder, 1, &options, &err);
    while (code < 0 && !status && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (recall_stopped())
            code = CLI_SYSTEM;
        else if (is_good(run, file) && !add(run, file, folder))
            code = recall_no_memory();
    }
    if (status && code < 0)
        code = cli_fail(&err);
    hk_scan_free(scan);
    return code;
}

/* ---- lists of hashes ----------------------------------------------------------------------- */

static int read_line(recall_run *run, size_t line, const char *text)
{
    hk_hash hash;
    const size_t length = strcspn(text, ",\r\n");
    if (line == 1)
        return length == 4 && !memcmp(text, "hash", 4)
                   ? -1
                   : cli_usage("%s: its first column is not named hash", run->distractors);
    if (hk_hash_parse(&hash, text, length, NULL))
        return cli_usage("%s: line %zu does not start with a hash of 64 hex digits",
                         run->distractors, line);
    if ((run->entry_count & (run->entry_count - 1)) == 0) {
        const size_t capacity = run->entry_count ? run->entry_count * 2 : 1;
        hk_hash *grown = realloc(run->entry, capacity * sizeof *grown);
        if (!grown)
            return recall_no_memory();
        run->entry = grown;
    }
    run->entry[run->entry_count++] = hash;
    return -1;
}

static int read_list(recall_run *run)
{
    FILE *file = fopen(run->distractors, "re");
    char *text = NULL;
    size_t capacity = 0, line = 0;
    int code = -1;
    if (!file) {
        cli_say("cannot open %s: %s", run->distractors, strerror(errno));
        return CLI_USAGE;
    }
    while (code < 0 && getline(&text, &capacity, file) >= 0)
        code = read_line(run, ++line, text);
    if (code < 0 && ferror(file)) {
        cli_say("cannot read %s", run->distractors);
        code = CLI_SYSTEM;
    }
    if (code < 0 && !run->entry_count)
        code = cli_usage("%s holds no hash", run->distractors);
    free(text);
    fclose(file);
    return code;
}

/* ---- all ----------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat facts;
    return !stat(path, &facts) && S_ISDIR(facts.st_mode);
}

int recall_read_pictures(recall_run *run)
{
    if (!is_folder(run->images))
        return cli_usage("no folder '%s': --images takes one", run->images);
    int code = read_folder(run, run->images);
    run->original_count = run->picture_count;
    if (code < 0 && !run->original_count)
        code = cli_usage("no picture in %s is good as an original", run->images);
    if (code < 0 && run->distractors)
        code = is_folder(run->distractors) ? read_folder(run, run->distractors) : read_list(run);
    if (code < 0 && run->picture_count + run->entry_count < 2)
        code = cli_usage("one picture has no strangers, and recall means nothing without false "
                         "matches: add pictures, or --distractors");
    return code;
}

int recall_code_pictures(recall_run *run)
{
    const size_t count = run->program_count * run->picture_count;
    recall_job *jobs = calloc(count + 1, sizeof *jobs);
    if (!jobs)
        return recall_no_memory();
    size_t j = 0;
    for (size_t m = 0; m < run->method_count; m++)
        for (size_t p = 0; run->method[m].program && p < run->picture_count; p++) {
            jobs[j].argument[0] = run->method[m].program;
            jobs[j++].argument[1] = run->picture[p].path;
        }
    int code =
        recall_run_programs(jobs, count, run->common.scan.workers, run->common.scan.timeout_ms);
    j = 0;
    for (size_t m = 0; code < 0 && m < run->method_count; m++)
        for (size_t p = 0; code < 0 && run->method[m].program && p < run->picture_count; p++) {
            const recall_job *job = &jobs[j++];
            const recall_method *method = &run->method[m];
            recall_code *out = &run->picture[p].print.code[method->code];
            if (job->ok && job->output && recall_code_read(out, job->output))
                continue;
            run->failed++;
            recall_say(run, "method %s gives no hash of %s: %s", method->name, run->picture[p].path,
                       job->ok ? "it printed something else than hex digits" : job->why);
        }
    recall_clear_jobs(jobs, count);
    return code;
}
