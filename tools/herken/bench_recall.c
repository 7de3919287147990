/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_recall.c - `herken bench recall`: the command line, and the run; see recall.h. */
#include "bench.h"
#include "recall.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "usage: herken bench recall --images DIR [OPTIONS]\n\n"
    "Makes edited copies of the images in a folder by a fixed recipe, and says how many of them\n"
    "each method still finds: for every edit and kind of image, with intervals (95 %, bootstrap\n"
    "over the originals), and with the false matches that the same method gives for images that\n"
    "have nothing to do with each other. The same seed gives the same numbers.\n\n"
    "  --images DIR         the originals, of one's own, and no two of the same thing\n"
    "  --distractors X      strangers: a folder of images, or a CSV file whose first column is\n"
    "                       hash (PDQ; for methods that rest on PDQ)\n"
    "  --judged FILE        leaks.csv of an earlier run, with its last column filled in: pairs\n"
    "                       that are the same are left out of the strangers, others count\n"
    "  --out DIR            CSV, leaks.csv (close pairs) and, with gnuplot, SVG\n"
    "  --seed N             of what the edits leave to chance, and of the bootstrap (default 1)\n"
    "  --max-distance N     radius of our own methods, bits (default 31)\n"
    "  --pair-rate F        the share of pairs of strangers that the other methods may take for\n"
    "                       copies, by which their radius is chosen (default 1e-5)\n"
    "  --list-size N        entries of the list that false matches are counted for (default\n"
    "                       1400000)\n"
    "  --max-side N         originals are shrunk to this before they are edited (default 2048)\n"
    "  --only EDIT          this edit of the recipe; may be given several times\n"
    "  --edit NAME=PROGRAM  one more edit, run as PROGRAM IN OUT; OUT ends in .png\n"
    "  --method NAME=PROGRAM  one more hash, run as PROGRAM IMAGE; it prints hex digits\n"
    "  --edits PROGRAM      herken-edits (default: beside this program, or where installed)\n\n"
    "Methods: pdq31 (PDQ as others use it), dct64 and dhash64 (64-bit baselines), orientations\n"
    "(PDQ, the nearest of eight), +inverted (and of their inverses), +exact (and of the copy's\n"
    "exact-grid hash), aligned and aligned-thorough (the copy through other frames, refined until\n"
    "it is nearest; standard and thorough probes). What `herken match` does, within its radii for\n"
    "the kind of the copy and --list-size: review, gate (standard probes), review-fast,\n"
    "review-thorough; review-hashes and gate-hashes (hashes without their picture), review-frames\n"
    "and gate-frames (standard probes, frames in the list). Copies are kept in $TMPDIR for a "
    "moment, 300 MB at the most or so.\n";

enum {
    IMAGES = CLI_OWN,
    DISTRACTORS,
    JUDGED,
    OUT,
    SEED,
    MAX_DISTANCE,
    PAIR_RATE,
    LIST_SIZE,
    MAX_SIDE,
    ONLY,
    EDIT,
    METHOD,
    EDITS
};
static const struct option options[] = {
    {"images", required_argument, NULL, IMAGES},
    {"distractors", required_argument, NULL, DISTRACTORS},
    {"judged", required_argument, NULL, JUDGED},
    {"out", required_argument, NULL, OUT},
    {"seed", required_argument, NULL, SEED},
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"pair-rate", required_argument, NULL, PAIR_RATE},
    {"list-size", required_argument, NULL, LIST_SIZE},
    {"max-side", required_argument, NULL, MAX_SIDE},
    {"only", required_argument, NULL, ONLY},
    {"edit", required_argument, NULL, EDIT},
    {"method", required_argument, NULL, METHOD},
    {"edits", required_argument, NULL, EDITS},
    CLI_COMMON_OPTIONS,
};

/* ---- what the other files use -------------------------------------------------------------- */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    stop = number;
}

/* Signals that somebody told us to ignore stay ignored (nohup). */
static void catch_stop(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    struct sigaction before;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!sigaction(signals[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

bool recall_stopped(void)
{
    return stop != 0;
}

double recall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int recall_no_memory(void)
{
    cli_say("out of memory");
    return CLI_SYSTEM;
}

void recall_say(recall_run *run, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    if (run->common.quiet)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    progress_hide(&run->progress);
    cli_say("%s", text ? text : format);
    free(text);
}

void recall_progress(recall_run *run)
{
    const hk_progress now = {.done = run->steps_done,
                             .found = run->original_count,
                             .seconds = recall_seconds() - run->start};
    if (run->common.scan.on_progress)
        run->common.scan.on_progress(run->common.scan.context, &now);
}

/* ---- the command line ---------------------------------------------------------------------- */

/* Names stand in files, in CSV and in drawings. */
static bool is_name(const char *text, size_t length)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+";
    return length > 0 && length <= 40 && strspn(text, allowed) >= length;
}

/* Splits NAME=PROGRAM in place. */
static int split(char *text, const char *option, char **program)
{
    char *equals = strchr(text, '=');
    if (!equals || !equals[1] || !is_name(text, (size_t)(equals - text)))
        return cli_usage("--%s takes NAME=PROGRAM, the name of letters, digits, - and _, not '%s'",
                         option, text);
    *equals = '\0';
    *program = equals + 1;
    return -1;
}

static bool is_method(const recall_run *run, const char *name)
{
    for (size_t m = 0; m < run->method_count; m++)
        if (!strcmp(run->method[m].name, name))
            return true;
    return false;
}

static int take_method(recall_run *run, char *text)
{
    char *program = NULL;
    const int code = split(text, "method", &program);
    if (code >= 0)
        return code;
    if (is_method(run, text))
        return cli_usage("there is a method '%s' already", text);
    run->method[run->method_count++] = (recall_method){
        .name = text, .measure = RECALL_PROGRAM, .program = program, .code = run->program_count++};
    return -1;
}

/* Edits of the recipe (program NULL) and others; both are looked at when the recipe is known. */
static int take_edit(recall_run *run, char *name, const char *program)
{
    for (size_t e = 0; e < run->edit_count; e++)
        if (!strcmp(run->edit[e].name, name))
            return cli_usage("the edit '%s' is there already", name);
    recall_edit *edit = &run->edit[run->edit_count];
    *edit = (recall_edit){.name = strdup(name), .program = program};
    if (!edit->name)
        return recall_no_memory();
    run->edit_count++;
    return -1;
}

static int take_rate(double *out)
{
    char *end;
    *out = strtod(optarg, &end);
    if (!*optarg || *end || !(*out >= 0 && *out <= 1))
        return cli_usage("--pair-rate takes a share from 0 to 1, not '%s'", optarg);
    return -1;
}

static int take_number(uint64_t *out, const char *option, uint64_t low, uint64_t high)
{
    return cli_number(out, option, optarg, low, high, false) ? -1 : CLI_USAGE;
}

static int take_unsigned(unsigned *out, const char *option, uint64_t low, uint64_t high)
{
    uint64_t value = *out;
    const int code = take_number(&value, option, low, high);
    *out = (unsigned)value;
    return code;
}

static int take(recall_run *run, int option)
{
    char *program = NULL;
    int code;
    switch (option) {
    case IMAGES:
        run->images = optarg;
        return -1;
    case DISTRACTORS:
        run->distractors = optarg;
        return -1;
    case JUDGED:
        run->judged = optarg;
        return -1;
    case OUT:
        run->out = optarg;
        return -1;
    case SEED:
        return take_number(&run->seed, "seed", 0, INT64_MAX);
    case MAX_DISTANCE:
        return take_unsigned(&run->max_distance, "max-distance", 0, HK_HASH_BITS / 2);
    case PAIR_RATE:
        return take_rate(&run->pair_rate);
    case LIST_SIZE:
        return take_number(&run->list_size, "list-size", 1, UINT32_MAX);
    case MAX_SIDE:
        return take_unsigned(&run->max_side, "max-side", 16, 100000);
    case ONLY:
        return take_edit(run, optarg, NULL);
    case EDIT:
        code = split(optarg, "edit", &program);
        return code < 0 ? take_edit(run, optarg, program) : code;
    case METHOD:
        return take_method(run, optarg);
    case EDITS:
        free(run->edits_program);
        run->edits_program = strdup(optarg);
        return run->edits_program ? -1 : CLI_SYSTEM;
    default:
        return cli_option(&run->common, option, help);
    }
}

/* ---- the recipe ---------------------------------------------------------------------------- */

/* One line of herken-edits --list: a name, and behind a tab why it cannot be made here. */
static int add_recipe(recall_run *run, recall_edit *to, const char *line)
{
    const size_t length = strcspn(line, "\t");
    *to = (recall_edit){.name = strndup(line, length),
                        .lacks = line[length] ? strdup(line + length + 1) : NULL};
    if (!to->name || (line[length] && !to->lacks))
        return recall_no_memory();
    run->recipe_count++;
    return -1;
}

static const char *named(const recall_run *run, const char *line)
{
    const size_t length = strcspn(line, "\t");
    for (size_t e = 0; e < run->edit_count; e++)
        if (!run->edit[e].program && strlen(run->edit[e].name) == length &&
            !memcmp(run->edit[e].name, line, length))
            return run->edit[e].name;
    return NULL;
}

/* The recipe's edits in `all`, as herken-edits --only takes them. */
static int name_chosen(recall_run *run, const recall_edit *all)
{
    size_t size = 1;
    for (size_t e = 0; e < run->recipe_count; e++)
        size += strlen(all[e].name) + 1;
    run->only = calloc(size, 1);
    if (!run->only)
        return recall_no_memory();
    char *to = run->only;
    for (size_t e = 0; e < run->recipe_count; e++)
        to += sprintf(to, "%s%s", e ? "," : "", all[e].name);
    return -1;
}

/* Puts the recipe's edits that are wanted before the users' own. */
static int merge_recipe(recall_run *run, char *listed)
{
    size_t lines = 1, wanted = 0, matched = 0;
    int code = -1;
    for (const char *p = listed; *p; p++)
        lines += *p == '\n';
    recall_edit *all = calloc(lines + run->edit_count, sizeof *all);
    if (!all)
        return recall_no_memory();
    for (size_t e = 0; e < run->edit_count; e++)
        wanted += !run->edit[e].program;
    for (char *line; code < 0 && (line = strsep(&listed, "\n")) && *line;)
        if (!wanted || named(run, line)) {
            matched++;
            code = add_recipe(run, &all[run->recipe_count], line);
        }
    if (code < 0)
        code = name_chosen(run, all);
    if (code < 0 && wanted && matched < wanted)
        code = cli_usage("an edit of --only is not in the recipe: herken-edits --list has them");
    size_t count = run->recipe_count;
    for (size_t e = 0; e < run->edit_count; e++) {
        for (size_t r = 0; code < 0 && run->edit[e].program && r < run->recipe_count; r++)
            if (!strcmp(all[r].name, run->edit[e].name))
                code = cli_usage("the edit '%s' is in the recipe already", run->edit[e].name);
        if (run->edit[e].program)
            all[count++] = run->edit[e];
        else
            free(run->edit[e].name);
    }
    free(run->edit);
    run->edit = all;
    run->edit_count = count;
    return code;
}

static int read_recipe(recall_run *run)
{
    recall_job job = {.argument = {run->edits_program, "--list", NULL}};
    int code = recall_run_programs(&job, 1, 1, 0);
    if (code < 0 && (!job.ok || !job.output)) {
        cli_say("%s does not work: %s", run->edits_program, job.ok ? "no recipe" : job.why);
        code = CLI_SYSTEM;
    }
    if (code < 0)
        code = merge_recipe(run, job.output);
    free(job.output);
    return code;
}

/* ---- running ------------------------------------------------------------------------------- */

static int settle(recall_run *run, int argc, char **argv)
{
    if (!run->images)
        return cli_usage("bench recall takes --images, a folder of pictures");
    if (optind < argc)
        return cli_usage("bench recall takes no paths: %s", argv[optind]);
    int code = cli_paths(&run->common, argc, argv);
    if (code < 0 && run->common.path_count)
        code = cli_usage("bench recall takes no paths: --files0-from is not for it");
    if (!run->edits_program)
        run->edits_program = cli_find_edits();
    if (code < 0 && !run->edits_program) {
        cli_say("herken-edits is not where it was installed; --edits says where it is");
        code = CLI_SYSTEM;
    }
    if (!run->common.scan.workers) {
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        run->common.scan.workers = processors > 0 && processors < 1024 ? (unsigned)processors : 1;
    }
    run->radius = calloc(run->method_count, sizeof *run->radius);
    return code < 0 && !run->radius ? recall_no_memory() : code;
}

static int run_all(recall_run *run)
{
    catch_stop();
    progress_start(&run->progress, &run->common);
    run->progress.unit = "originals";
    run->start = recall_seconds();
    recall_reach_set(run->reach, run->list_size);
    int code = read_recipe(run);
    if (code < 0)
        code = recall_read_pictures(run);
    if (code < 0 && run->program_count)
        code = recall_code_pictures(run);
    if (code < 0)
        code = recall_compare_strangers(run);
    if (code < 0)
        code = recall_make_copies(run);
    progress_hide(&run->progress);
    if (code < 0) {
        recall_choose_radii(run);
        code = run->out ? recall_write_files(run) : -1;
    }
    return code < 0 ? recall_print_report(run) : code;
}

static void clear(recall_run *run)
{
    for (size_t e = 0; e < run->edit_count; e++) {
        free(run->edit[e].name);
        free(run->edit[e].lacks);
    }
    for (size_t p = 0; p < run->picture_count; p++) {
        free(run->picture[p].path);
        free(run->picture[p].name);
        free(run->picture[p].print.code);
        free(run->picture[p].print.cut);
    }
    for (size_t p = 0; run->candidates && p < run->picture_count; p++)
        for (int set = 0; set < HK_PROBES_SETS; set++)
            free(run->candidates[p][set].at);
    free(run->candidates);
    for (size_t i = 0; i < run->leak_count; i++) {
        free(run->leak[i].a);
        free(run->leak[i].b);
    }
    free(run->edit);
    free(run->picture);
    free(run->entry);
    free(run->leak);
    free(run->copies);
    free(run->strangers.kind);
    free(run->strangers.once);
    free(run->strangers.clean);
    free(run->method);
    free(run->radius);
    free(run->edits_program);
    free(run->only);
    free(run->scratch);
    cli_clear(&run->common);
}

int bench_recall(int argc, char **argv)
{
    static const recall_method own[] = {
        {.name = "pdq31", .measure = RECALL_PDQ},
        {.name = "dct64", .measure = RECALL_DCT},
        {.name = "dhash64", .measure = RECALL_GRADIENT},
        {.name = "orientations", .measure = RECALL_TURNED},
        {.name = "+inverted", .measure = RECALL_INVERTED},
        {.name = "+exact", .measure = RECALL_EXACT},
        {.name = "aligned", .measure = RECALL_ALIGNED, .probes = HK_PROBES_STANDARD},
        {.name = "aligned-thorough", .measure = RECALL_ALIGNED, .probes = HK_PROBES_THOROUGH},
        {.name = "review-hashes",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_REVIEW,
         .probes = RECALL_HASHES},
        {.name = "review-fast",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_REVIEW,
         .probes = HK_PROBES_FAST},
        {.name = "review",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_REVIEW,
         .probes = HK_PROBES_STANDARD},
        {.name = "review-thorough",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_REVIEW,
         .probes = HK_PROBES_THOROUGH},
        {.name = "review-frames",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_REVIEW,
         .probes = RECALL_FRAMES},
        {.name = "gate-hashes",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_GATE,
         .probes = RECALL_HASHES},
        {.name = "gate",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_GATE,
         .probes = HK_PROBES_STANDARD},
        {.name = "gate-frames",
         .measure = RECALL_PROFILE,
         .profile = HK_PROFILE_GATE,
         .probes = RECALL_FRAMES},
    };
    recall_run run = {.common = CLI_COMMON_INIT,
                      .seed = 1,
                      .list_size = 1400000,
                      .max_distance = 31,
                      .max_side = 2048,
                      .pair_rate = 1e-5};
    int code = -1, option;
    run.method = calloc((size_t)argc + sizeof own / sizeof *own, sizeof *run.method);
    run.edit = calloc((size_t)argc, sizeof *run.edit);
    if (!run.method || !run.edit)
        code = recall_no_memory();
    else
        memcpy(run.method, own, sizeof own);
    run.method_count = sizeof own / sizeof *own;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take(&run, option);
    if (code < 0)
        code = settle(&run, argc, argv);
    if (code < 0)
        code = run_all(&run);
    clear(&run);
    if (stop) { /* end as whoever sent it expects */
        signal(stop, SIG_DFL);
        raise(stop);
    }
    return code;
}
