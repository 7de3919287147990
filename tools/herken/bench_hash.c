/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_hash.c - `herken bench hash`: speed, and the floor it is measured against. */
#include "bench.h"
#include "cli.h"
#include "output.h"
#include "progress.h"

#include <stdlib.h>

static const char help[] =
    "usage: herken bench hash [OPTIONS] [PATH...]\n\n"
    "Times hashing each file against its floor, libjpeg-turbo's own full grey decode, both from\n"
    "reading the file on, alternated in one decode process; and the hash step alone on generated\n"
    "pixels. Files should be read once before, so that they are in memory.\n"
    "`floor_ratio` is the sum of our medians over the sum of the floors' medians, JPEG only.\n\n"
    "  --repeats N          rounds per file (default 9)\n";

enum { REPEATS = CLI_OWN };
static const struct option options[] = {
    {"repeats", required_argument, NULL, REPEATS},
    CLI_COMMON_OPTIONS,
};

static const struct {
    const char *name;
    uint32_t width, height;
    unsigned repeats;
} steps[] = {{"500x375", 500, 375, 401}, {"4000x3000", 4000, 3000, 41}};

typedef struct totals {
    uint64_t files, failed, jpegs;
    uint64_t ours, ours_jpeg, floor, read, decode, grid, dct;
    uint64_t *each; /* [files] ours, for the percentiles */
    size_t capacity;
} totals;

static bool add(totals *t, const hk_bench_file *file)
{
    if (!file->ours) {
        t->failed++;
        return true;
    }
    if (t->files == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 256;
        uint64_t *grown = realloc(t->each, t->capacity * sizeof *grown);
        if (!grown)
            return false;
        t->each = grown;
    }
    t->each[t->files++] = file->ours;
    t->ours += file->ours;
    t->read += file->read;
    t->decode += file->decode;
    t->grid += file->grid;
    t->dct += file->dct;
    if (file->floor) {
        t->jpegs++;
        t->ours_jpeg += file->ours;
        t->floor += file->floor;
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void print_json(const totals *t, const uint64_t step_ns[])
{
    json_t *object = json_object(), *step = json_object();
    json_object_set_new(object, "simd", json_string(hk_simd_name(hk_simd_in_use())));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        json_object_set_new(step, steps[i].name, json_real(ms(step_ns[i])));
    json_object_set_new(object, "hash_step_ms", step);
    json_object_set_new(object, "files", json_integer((json_int_t)t->files));
    json_object_set_new(object, "failed", json_integer((json_int_t)t->failed));
    if (t->files) {
        const double n = (double)t->files;
        json_object_set_new(object, "images_per_s", json_real(n * 1e9 / (double)t->ours));
        json_object_set_new(object, "ms_median", json_real(ms(t->each[t->files / 2])));
        json_object_set_new(object, "ms_p95", json_real(ms(t->each[t->files * 95 / 100])));
        json_object_set_new(object, "ms_mean",
                            json_pack("{s:f,s:f,s:f,s:f}", "read", ms(t->read) / n, "decode",
                                      ms(t->decode) / n, "grid", ms(t->grid) / n, "dct_bits",
                                      ms(t->dct) / n));
    }
    if (t->floor) {
        json_object_set_new(object, "jpeg_files", json_integer((json_int_t)t->jpegs));
        json_object_set_new(object, "floor_ratio",
                            json_real((double)t->ours_jpeg / (double)t->floor));
    }
    output_line(object);
}

static void print_text(const totals *t, const uint64_t step_ns[])
{
    printf("kernels %s\n", hk_simd_name(hk_simd_in_use()));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        printf("hash step alone, %-9s  %.4f ms\n", steps[i].name, ms(step_ns[i]));
    if (t->files) {
        const double n = (double)t->files;
        printf("%llu files, one process: %.1f images/s; median %.3f ms, p95 %.3f ms\n"
               "  of the mean: read %.3f, decode %.3f, grid %.3f, DCT and bits %.3f ms\n",
               (unsigned long long)t->files, n * 1e9 / (double)t->ours, ms(t->each[t->files / 2]),
               ms(t->each[t->files * 95 / 100]), ms(t->read) / n, ms(t->decode) / n,
               ms(t->grid) / n, ms(t->dct) / n);
    }
    if (t->floor)
        printf("floor_ratio %.3f over %llu JPEG files (libjpeg-turbo alone: 1)\n",
               (double)t->ours_jpeg / (double)t->floor, (unsigned long long)t->jpegs);
    if (t->failed)
        printf("%llu files gave no hash and are not counted\n", (unsigned long long)t->failed);
}

static int run(cli_common *common, unsigned repeats)
{
    hk_error err;
    totals t = {0};
    uint64_t step_ns[sizeof steps / sizeof *steps];
    hk_bench *bench = NULL;
    hk_status status = HK_OK;
    int code = CLI_DONE;
    for (size_t i = 0; !status && i < sizeof steps / sizeof *steps; i++)
        status = hk_bench_hash_step(&step_ns[i], steps[i].width, steps[i].height, steps[i].repeats,
                                    &err);
    if (!status && common->path_count)
        status = hk_bench_open(&bench, (const char *const *)common->paths, common->path_count,
                               repeats, &common->scan, &err);
    const hk_bench_file *file = NULL;
    while (!status && bench && !(status = hk_bench_next(&file, bench, &err)) && file)
        if (!add(&t, file)) {
            cli_say("out of memory");
            code = CLI_SYSTEM;
            break;
        }
    if (status) {
        code = cli_fail(&err);
    } else if (code == CLI_DONE) {
        qsort(t.each, t.files, sizeof *t.each, by_value);
        if (common->json)
            print_json(&t, step_ns);
        else
            print_text(&t, step_ns);
        code = t.failed ? CLI_PARTIAL : CLI_DONE;
    }
    hk_bench_free(bench);
    free(t.each);
    return cli_finish(code);
}

int bench_hash(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    uint64_t repeats = 9;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option != REPEATS)
            code = cli_option(&common, option, help);
        else if (!cli_number(&repeats, "repeats", optarg, 1, 1000, false))
            code = CLI_USAGE;
    }
    if (code < 0)
        code = cli_paths(&common, argc, argv);
    if (code < 0)
        code = run(&common, (unsigned)repeats);
    cli_clear(&common);
    return code;
}
