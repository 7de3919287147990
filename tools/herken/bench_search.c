/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_search.c - `herken bench search`: search engines over the same hashes, timed in turns. */
#include "bench.h"
#include "bench_engines.h"
#include "cli.h"
#include "output.h"
#include "progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "usage: herken bench search [OPTIONS]\n\n"
    "Builds each engine over the same generated hashes, times them in turns and compares what "
    "they\n"
    "find for every query, nearest first, with what the flat scan finds. Exit code 4 where an\n"
    "engine that is exact finds anything else.\n\n"
    "  --n N                hashes (default 1M; 1.4e6, 10M and 100k are numbers, of thousands)\n"
    "  --queries N          queries, half of them copies of an item with 0 to radius + 8 bits\n"
    "                       flipped, half strangers (default 1000)\n"
    "  --batch N            queries to a call (default 1)\n"
    "  --radius N           bits (default 31)\n"
    "  --data KIND          random (default), realistic (made of the hashes of pictures, with\n"
    "                       clusters), adversarial (one hash over and over, one item in a "
    "thousand\n"
    "                       a bit off) or adversarial-half (128 bits are the same in all items)\n"
    "  --distractors FILE   realistic: of the hashes in this CSV file, whose first column is "
    "hash;\n"
    "                       without it, of 30000 drawn pictures (disks hiding one another)\n"
    "  --engine E           auto (default), mih, flat or faiss:FACTORY[:nflip=N][:nprobe=N]; may "
    "be\n"
    "                       given several times, the others are compared with the first\n"
    "  --threads N          to build, and to search a batch (default 1)\n"
    "  --max-hits N         per query, the nearest; 0: all (default 0, 100 for adversarial data)\n"
    "  --bytes-per-hash N   of memory, at most (default 0: the engine chooses)\n"
    "  --seed N             of the data (default 1)\n"
    "  --faiss-module FILE  herken-faiss.so (default: beside this program, or where installed)\n"
    "  --scratch DIR        where snapshots are written and opened (default $TMPDIR, or /tmp)\n"
    "  --no-check           do not compare with flat: hits are then those of one pass\n"
    "  --json               one object per engine\n"
    "  --quiet              no progress and no remarks\n"
    "  --progress MODE      auto (default), none or json, on stderr\n"
    "  --help               this text\n\n"
    "A pass takes up to 2 seconds and 20 queries or more, always the first ones; there are 3 to "
    "15\n"
    "for each engine. us_per_query is the median over the passes of their time per query, p99_us\n"
    "the 99th percentile over all calls of theirs, open_ms the median of five.\n";

enum {
    N = CLI_OWN,
    QUERIES,
    BATCH,
    RADIUS,
    DATA,
    DISTRACTORS,
    ENGINE,
    MAX_HITS,
    BYTES_PER_HASH,
    SEED,
    FAISS_MODULE,
    SCRATCH,
    NO_CHECK
};
static const struct option options[] = {{"n", required_argument, NULL, N},
                                        {"queries", required_argument, NULL, QUERIES},
                                        {"batch", required_argument, NULL, BATCH},
                                        {"radius", required_argument, NULL, RADIUS},
                                        {"data", required_argument, NULL, DATA},
                                        {"distractors", required_argument, NULL, DISTRACTORS},
                                        {"engine", required_argument, NULL, ENGINE},
                                        {"max-hits", required_argument, NULL, MAX_HITS},
                                        {"bytes-per-hash", required_argument, NULL, BYTES_PER_HASH},
                                        {"seed", required_argument, NULL, SEED},
                                        {"faiss-module", required_argument, NULL, FAISS_MODULE},
                                        {"scratch", required_argument, NULL, SCRATCH},
                                        {"no-check", no_argument, NULL, NO_CHECK},
                                        {"json", no_argument, NULL, CLI_JSON},
                                        {"threads", required_argument, NULL, CLI_THREADS},
                                        {"quiet", no_argument, NULL, CLI_QUIET},
                                        {"progress", required_argument, NULL, CLI_PROGRESS},
                                        {"help", no_argument, NULL, CLI_HELP},
                                        {NULL, 0, NULL, 0}};

/* ---- the command line ---------------------------------------------------------------------- */

typedef struct wish {
    cli_common common;
    bench_data_options data;
    bench_setup setup;
    bench_engine *engine; /* [count] owned */
    size_t count;
    bool check, max_hits_given;
    char *module; /* owned */
    /* How far it is. */
    progress progress;
    double start; /* seconds */
    unsigned done, steps;
} wish;

/* A whole number that may be written as 1.4e6 or 10M: of thousands, since hashes are counted. */
static bool number(uint64_t *out, const char *option, const char *text, uint64_t low, uint64_t high)
{
    const size_t plain = strspn(text, "0123456789.eE+");
    char *end;
    double value = strtod(text, &end);
    bool ok = *text >= '0' && *text <= '9' && end == text + plain;
    if (ok && *end) {
        const double factor = *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 0;
        ok = factor > 0 && !end[1];
        value *= factor;
    }
    if (!ok || value < (double)low || value > (double)high || fabs(value - rint(value)) > 1e-3) {
        cli_usage("--%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", option,
                  low, high, text);
        return false;
    }
    *out = (uint64_t)rint(value);
    return true;
}

static int take_size(size_t *out, const char *option, uint64_t low, uint64_t high)
{
    uint64_t value;
    if (!number(&value, option, optarg, low, high))
        return CLI_USAGE;
    *out = (size_t)value;
    return -1;
}

static int take_kind(bench_kind *out)
{
    for (int kind = 0; kind < BENCH_KINDS; kind++)
        if (!strcmp(optarg, bench_kind_name((bench_kind)kind))) {
            *out = (bench_kind)kind;
            return -1;
        }
    return cli_usage("--data takes random, realistic, adversarial or adversarial-half, not '%s'",
                     optarg);
}

static int take(wish *w, int option)
{
    size_t value = 0;
    int code;
    switch (option) {
    case N:
        return take_size(&w->data.count, "n", 1, UINT32_MAX);
    case QUERIES:
        return take_size(&w->data.query_count, "queries", 1, 100000000);
    case BATCH:
        return take_size(&w->setup.batch, "batch", 1, 100000000);
    case RADIUS:
        code = take_size(&value, "radius", 0, HK_HASH_BITS);
        w->data.radius = w->setup.radius = (unsigned)value;
        return code;
    case DATA:
        return take_kind(&w->data.kind);
    case DISTRACTORS:
        w->data.pictures = optarg;
        return -1;
    case ENGINE:
        w->engine[w->count++].name = optarg;
        return -1;
    case MAX_HITS:
        w->max_hits_given = true;
        return take_size(&w->setup.max_hits, "max-hits", 0, UINT32_MAX);
    case BYTES_PER_HASH:
        code = take_size(&value, "bytes-per-hash", 0, 10000);
        w->setup.bytes_per_hash = (unsigned)value;
        return code;
    case SEED:
        return cli_number(&w->data.seed, "seed", optarg, 0, INT64_MAX, false) ? -1 : CLI_USAGE;
    case FAISS_MODULE:
        w->setup.module = optarg;
        return -1;
    case SCRATCH:
        w->setup.scratch = optarg;
        return -1;
    case NO_CHECK:
        w->check = false;
        return -1;
    case CLI_HELP:
        fputs(help, stdout);
        return cli_finish(CLI_DONE);
    default:
        return cli_option(&w->common, option, help);
    }
}

/* Memory that can be had without swapping, bytes; UINT64_MAX if nobody knows. */
static uint64_t available_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    uint64_t kilobytes = 0;
    while (file && !kilobytes && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kilobytes) != 1)
            kilobytes = 0;
    if (file)
        fclose(file);
    return kilobytes ? kilobytes << 10 : UINT64_MAX;
}

/* All engines are alive at once, so that they can take turns. */
static bool memory_suffices(const wish *w)
{
    enum { OTHER = 150 };
    uint64_t each = sizeof(hk_hash) + (w->check ? sizeof(hk_hash) : 0); /* the data, and flat */
    for (size_t i = 0; i < w->count; i++)
        each += !strcmp(w->engine[i].name, "flat") ? sizeof(hk_hash)
                : w->setup.bytes_per_hash > OTHER  ? w->setup.bytes_per_hash
                                                   : OTHER;
    const uint64_t needed = each * w->data.count, there = available_memory();
    if (needed <= there)
        return true;
    cli_say("%zu hashes and %zu engines take about %.1f GB of memory, %.1f GB are free: take fewer "
            "hashes, or one engine at a time",
            w->data.count, w->count, (double)needed / 1e9, (double)there / 1e9);
    return false;
}

/* What can be known before hours are spent on it. */
static int settle(wish *w, int argc, char **argv)
{
    if (optind < argc)
        return cli_usage("bench search takes no files: %s", argv[optind]);
    if (w->count == 0)
        w->engine[w->count++].name = "auto";
    if (w->setup.batch > w->data.query_count)
        return cli_usage("a batch of %zu is more than %zu queries", w->setup.batch,
                         w->data.query_count);
    if (w->data.pictures && w->data.kind != BENCH_REALISTIC)
        return cli_usage("--distractors are for --data realistic");
    for (size_t i = 0; i < w->count; i++) {
        hk_error err;
        hk_index *empty = NULL;
        hk_index_options named = HK_INDEX_OPTIONS_INIT;
        named.engine = w->engine[i].name;
        if (!strncmp(named.engine, "faiss:", 6))
            continue; /* not all of them can be empty */
        if (hk_index_build(&empty, NULL, 0, &named, &err))
            return cli_fail(&err);
        hk_index_free(empty);
    }
    if (!w->max_hits_given && w->data.kind >= BENCH_ADVERSARIAL)
        w->setup.max_hits = 100;
    w->setup.threads = w->common.scan.workers ? w->common.scan.workers : 1;
    if (!w->setup.module)
        w->setup.module = w->module = cli_find_faiss();
    if (!w->setup.scratch)
        w->setup.scratch = getenv("TMPDIR");
    if (!w->setup.scratch || !*w->setup.scratch)
        w->setup.scratch = "/tmp";
    return memory_suffices(w) ? -1 : CLI_SYSTEM;
}

/* ---- the report ---------------------------------------------------------------------------- */

static bool is_wrong(const bench_engine *e)
{
    return !e->approximate && (e->differs || e->unsteady);
}

static double bytes_per_hash(const bench_engine *e)
{
    return (double)e->info.bytes / (double)hk_index_count(e->index);
}

static void print_json(const wish *w, bench_engine *e)
{
    json_t *o = json_pack("{s:s,s:s,s:I,s:i,s:I,s:I,s:i,s:s}", "engine", e->name, "data",
                          bench_kind_name(w->data.kind), "n", (json_int_t)w->data.count, "radius",
                          (int)w->data.radius, "queries", (json_int_t)w->data.query_count, "batch",
                          (json_int_t)w->setup.batch, "threads", (int)w->setup.threads, "simd",
                          hk_simd_name(hk_simd_in_use()));
    json_object_set_new(o, "seed", json_integer((json_int_t)w->data.seed));
    if (w->setup.max_hits)
        json_object_set_new(o, "max_hits", json_integer((json_int_t)w->setup.max_hits));
    json_object_set_new(o, "build_s", json_real(e->build_s));
    if (e->open_ms >= 0)
        json_object_set_new(o, "open_ms", json_real(e->open_ms));
    json_object_set_new(o, "us_per_query", json_real(bench_engine_median(e)));
    json_object_set_new(o, "p99_us", json_real(bench_engine_p99(e)));
    json_object_set_new(o, "passes", json_integer(e->passes));
    json_object_set_new(o, "pass_queries", json_integer((json_int_t)e->pass_queries));
    json_object_set_new(o, "exact", json_boolean(!e->approximate));
    json_object_set_new(o, "hits",
                        json_integer((json_int_t)(w->check ? e->hits : e->pass_hits[0])));
    if (w->check)
        json_object_set_new(o, "hits_equal_flat", json_boolean(!e->differs && !e->unsteady));
    if (w->check && e->approximate && e->wanted)
        json_object_set_new(o, "recall", json_real((double)e->found / (double)e->wanted));
    json_object_set_new(o, "bytes_per_hash", json_real(bytes_per_hash(e)));
    json_object_set_new(o, "tables", json_integer(e->info.tables));
    output_line(o);
}

/* "612x slower" */
static void ratio_text(char out[32], double ours, double first)
{
    const double ratio = ours > first ? ours / first : first / ours;
    snprintf(out, 32, "%.*fx %s",
             ratio < 10    ? 2
             : ratio < 100 ? 1
                           : 0,
             ratio, ours > first ? "slower" : "faster");
}

static void print_row(const wish *w, bench_engine *e, int width)
{
    char open[24] = "-", equal[24] = "-", ratio[32] = "1x";
    if (e->open_ms >= 0)
        snprintf(open, sizeof open, "%.3f", e->open_ms);
    if (w->check && e->approximate && e->wanted)
        snprintf(equal, sizeof equal, "%.4f", (double)e->found / (double)e->wanted);
    else if (w->check)
        snprintf(equal, sizeof equal, "%s", e->differs || e->unsteady ? "NO" : "yes");
    if (e != w->engine)
        ratio_text(ratio, bench_engine_median(e), bench_engine_median(w->engine));
    printf("%-*s %9.2f %9s %12.2f %12.2f %10" PRIu64 " %8s %11.1f  %s\n", width, e->name,
           e->build_s, open, bench_engine_median(e), bench_engine_p99(e),
           w->check ? e->hits : e->pass_hits[0], equal, bytes_per_hash(e), ratio);
}

static void print_text(const wish *w)
{
    int width = 6;
    for (size_t i = 0; i < w->count; i++)
        width = (int)strlen(w->engine[i].name) > width ? (int)strlen(w->engine[i].name) : width;
    printf("%zu hashes, %s, seed %" PRIu64 "; radius %u, %zu queries, %zu to a call; %u thread%s, "
           "kernels %s\n",
           w->data.count, bench_kind_name(w->data.kind), w->data.seed, w->data.radius,
           w->data.query_count, w->setup.batch, w->setup.threads, w->setup.threads > 1 ? "s" : "",
           hk_simd_name(hk_simd_in_use()));
    printf("%-*s %9s %9s %12s %12s %10s %8s %11s\n", width, "engine", "build s", "open ms",
           "us/query", "p99 us", "hits", "= flat", "bytes/hash");
    for (size_t i = 0; i < w->count; i++)
        print_row(w, &w->engine[i], width);
}

static int report(const wish *w)
{
    int code = CLI_DONE;
    if (!w->common.json)
        print_text(w);
    for (size_t i = 0; i < w->count; i++) {
        bench_engine *e = &w->engine[i];
        if (w->common.json)
            print_json(w, e);
        if (!is_wrong(e))
            continue;
        code = CLI_SYSTEM;
        char hash[HK_HASH_TEXT_SIZE];
        if (e->differs) {
            hk_hash_format(hash, &w->setup.data.queries[e->differs_at]);
            cli_say("%s differs from flat, at query %zu first: %s", e->name, e->differs_at, hash);
        } else {
            cli_say("%s does not always find the same", e->name);
        }
    }
    return code;
}

/* ---- running ------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void step(wish *w)
{
    const hk_progress now = {.done = w->done++, .found = w->steps, .seconds = seconds() - w->start};
    if (w->common.scan.on_progress)
        w->common.scan.on_progress(w->common.scan.context, &now);
}

static hk_status build(wish *w, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < w->count; i++) {
        bench_engine *e = &w->engine[i];
        step(w);
        status = bench_engine_build(e, &w->setup, err);
        if (status || !strncmp(e->name, "faiss:", 6))
            continue;
        hk_error why;
        if (bench_engine_open(e, &w->setup, &why) && !w->common.quiet) {
            progress_hide(&w->progress);
            cli_say("%s is not opened from a file: %s", e->name, why.message);
        }
    }
    return status;
}

static hk_status take_turns(wish *w, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < w->count; i++)
        status = bench_engine_warm(&w->engine[i], &w->setup, err);
    for (unsigned round = 0; !status && round < BENCH_ROUNDS; round++)
        for (size_t i = 0; !status && i < w->count; i++) {
            step(w);
            status = bench_engine_round(&w->engine[i], round, &w->setup, err);
        }
    return status;
}

/* Flat, unseen unless it was named. */
static hk_status check(wish *w, hk_error *err)
{
    bench_engine unseen = {.name = "flat"};
    const hk_index *flat = NULL;
    for (size_t i = 0; i < w->count; i++)
        if (!strcmp(w->engine[i].name, "flat"))
            flat = w->engine[i].index;
    step(w);
    hk_status status = flat ? HK_OK : bench_engine_build(&unseen, &w->setup, err);
    if (!status)
        status = bench_check(w->engine, w->count, flat ? flat : unseen.index, &w->setup, err);
    bench_engine_clear(&unseen);
    return status;
}

static int run(wish *w)
{
    hk_error err;
    progress_start(&w->progress, &w->common);
    w->progress.unit = "steps";
    w->start = seconds();
    w->steps = 1 + (unsigned)w->count * (1 + BENCH_ROUNDS) + w->check;
    step(w);
    int code = bench_data_make(&w->setup.data, &w->data);
    if (code >= 0)
        return code;
    hk_status status = build(w, &err);
    if (!status)
        status = take_turns(w, &err);
    if (!status && w->check)
        status = check(w, &err);
    progress_hide(&w->progress);
    return status ? cli_fail(&err) : cli_finish(report(w));
}

int bench_search(int argc, char **argv)
{
    wish w = {.common = CLI_COMMON_INIT,
              .data = {.count = 1000000, .query_count = 1000, .radius = 31, .seed = 1},
              .setup = {.radius = 31, .batch = 1},
              .check = true};
    int code = -1, option;
    w.engine = calloc((size_t)argc + 1, sizeof *w.engine);
    if (!w.engine) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take(&w, option);
    if (code < 0)
        code = settle(&w, argc, argv);
    if (code < 0)
        code = run(&w);
    for (size_t i = 0; i < w.count; i++)
        bench_engine_clear(&w.engine[i]);
    bench_data_clear(&w.setup.data);
    free(w.engine);
    free(w.module);
    cli_clear(&w.common);
    return code;
}
