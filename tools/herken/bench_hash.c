/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench_hash.c - `herken bench hash`: speed, and the floor it is measured against. */
#include "bench.h"
#include "cli.h"
#include "output.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken bench hash [OPTIONS] [PATH...]\n\n"
    "Times hashing each file against its floor, libjpeg-turbo's own full grey decode, both from\n"
    "reading the file on, in turns in one decode process; what MD5, SHA-1 and SHA-256 in the same\n"
    "read cost on top; and the hash step alone on generated pixels. By size and format. Files\n"
    "should be read once before, so that they are in memory.\n"
    "`floor_ratio` is the sum of our medians over the sum of the floors' medians, JPEG only.\n\n"
    "  --repeats N          rounds per file (default 9)\n"
    "  --full-decode        make every pixel, where large JPEGs are read as means of 4x4 pixels\n";

enum { REPEATS = CLI_OWN, FULL_DECODE };
static const struct option options[] = {
    {"repeats", required_argument, NULL, REPEATS},
    {"full-decode", no_argument, NULL, FULL_DECODE},
    CLI_COMMON_OPTIONS,
};

static const struct {
    const char *name;
    uint32_t width, height;
    unsigned repeats;
} steps[] = {{"500x375", 500, 375, 401}, {"4000x3000", 4000, 3000, 41}};

/* Sizes of pictures, in millions of pixels. */
static const struct {
    const char *name;
    double most;
} classes[] = {{"to 0.3 MP", 0.3}, {"to 1 MP", 1}, {"to 4 MP", 4}, {"to 16 MP", 16}, {"above", 0}};
enum { CLASSES = sizeof classes / sizeof *classes };

/* Where the time went. */
enum { READ, DIGEST, DECODE, GRID, DCT, BITS, PARTS };
static const char *const part_names[PARTS] = {"read", "digest", "decode", "grid", "dct", "bits"};

typedef struct row {
    size_t class;
    const char *format; /* of the library, static */
    uint64_t ours, digested, floor, part[PARTS];
} row;

typedef struct rows {
    row *row;
    size_t count, capacity;
    uint64_t failed;
} rows;

typedef struct summary {
    size_t files, jpegs;
    uint64_t ours, digested, jpeg_ours, floor, part[PARTS]; /* sums */
    uint64_t median, p95;                                   /* of ours */
} summary;

static size_t class_of(const hk_bench_file *file)
{
    const double megapixels = (double)file->width * file->height / 1e6;
    size_t class = 0;
    while (class < CLASSES - 1 && megapixels > classes[class].most)
        class ++;
    return class;
}

static bool add(rows *all, const hk_bench_file *file)
{
    if (!file->ours) {
        all->failed++;
        return true;
    }
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity ? all->capacity * 2 : 256;
        row *grown = realloc(all->row, capacity * sizeof *grown);
        if (!grown)
            return false;
        all->row = grown;
        all->capacity = capacity;
    }
    all->row[all->count++] = (row){
        .class = class_of(file),
        .format = file->format,
        .ours = file->ours,
        .digested = file->digested,
        .floor = file->floor,
        .part = {file->read, file->digest, file->decode, file->grid, file->dct, file->bits},
    };
    return true;
}

static int by_group(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    return strcmp(x->format, y->format);
}

static int by_time(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return x->ours < y->ours ? -1 : x->ours > y->ours;
}

/* Sorts the rows by time. */
static summary summarize(row *of, size_t count)
{
    summary s = {.files = count};
    qsort(of, count, sizeof *of, by_time);
    for (size_t i = 0; i < count; i++) {
        s.ours += of[i].ours;
        s.digested += of[i].digested;
        for (int p = 0; p < PARTS; p++)
            s.part[p] += of[i].part[p];
        if (of[i].floor) {
            s.jpegs++;
            s.jpeg_ours += of[i].ours;
            s.floor += of[i].floor;
        }
    }
    s.median = of[count / 2].ours;
    s.p95 = of[count * 95 / 100].ours;
    return s;
}

/* The rows from `first` on that are of one class and format; rows are sorted by_group. */
static size_t group_size(const rows *all, size_t first)
{
    size_t end = first + 1;
    while (end < all->count && !by_group(&all->row[first], &all->row[end]))
        end++;
    return end - first;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static double ratio(uint64_t a, uint64_t b)
{
    return (double)a / (double)b;
}

/* ---- for machines -------------------------------------------------------------------------- */

static void put_summary(json_t *object, const summary *s)
{
    const double n = (double)s->files;
    json_t *parts = json_object();
    for (int p = 0; p < PARTS; p++)
        json_object_set_new(parts, part_names[p], json_real(ms(s->part[p]) / n));
    json_object_set_new(object, "files", json_integer((json_int_t)s->files));
    json_object_set_new(object, "images_per_s", json_real(n * 1e9 / (double)s->ours));
    json_object_set_new(object, "ms_median", json_real(ms(s->median)));
    json_object_set_new(object, "ms_p95", json_real(ms(s->p95)));
    json_object_set_new(object, "ms_mean", json_real(ms(s->ours) / n));
    json_object_set_new(object, "ms_mean_with_digests", json_real(ms(s->digested) / n));
    json_object_set_new(object, "ms_mean_of", parts);
    json_object_set_new(object, "digests_on_top", json_real(ratio(s->digested, s->ours) - 1));
    if (s->floor) {
        json_object_set_new(object, "jpeg_files", json_integer((json_int_t)s->jpegs));
        json_object_set_new(object, "floor_ratio", json_real(ratio(s->jpeg_ours, s->floor)));
    }
}

static void print_json(rows *all, const uint64_t step_ns[])
{
    json_t *object = json_object(), *step = json_object(), *groups = json_array();
    json_object_set_new(object, "simd", json_string(hk_simd_name(hk_simd_in_use())));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        json_object_set_new(step, steps[i].name, json_real(ms(step_ns[i])));
    json_object_set_new(object, "hash_step_ms", step);
    json_object_set_new(object, "files", json_integer((json_int_t)all->count));
    json_object_set_new(object, "failed", json_integer((json_int_t)all->failed));
    for (size_t i = 0, n; i < all->count; i += n) {
        json_t *group = json_object();
        n = group_size(all, i);
        json_object_set_new(group, "class", json_string(classes[all->row[i].class].name));
        json_object_set_new(group, "format", json_string(all->row[i].format));
        const summary s = summarize(all->row + i, n);
        put_summary(group, &s);
        json_array_append_new(groups, group);
    }
    json_object_set_new(object, "classes", groups);
    if (all->count) {
        const summary s = summarize(all->row, all->count);
        put_summary(object, &s);
    }
    output_line(object);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_summary(const char *class, const char *format, const summary *s)
{
    const double n = (double)s->files;
    printf("%-9s  %-6s  %6zu  %8.1f  %8.3f  %8.3f  ", class, format, s->files,
           n * 1e9 / (double)s->ours, ms(s->median), ms(s->p95));
    if (s->floor)
        printf("%11.3f", ratio(s->jpeg_ours, s->floor));
    else
        printf("%11s", "-");
    printf("  %+6.1f %%  ", 100 * (ratio(s->digested, s->ours) - 1));
    for (int p = 0; p < PARTS; p++)
        printf("%8.3f", ms(s->part[p]) / n);
    putchar('\n');
}

static void print_text(rows *all, const uint64_t step_ns[])
{
    printf("kernels %s\n", hk_simd_name(hk_simd_in_use()));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        printf("hash step alone, %-9s  %.4f ms\n", steps[i].name, ms(step_ns[i]));
    if (all->count) {
        printf(
            "\none process                images   ms an image                   three      mean "
            "ms in\n%-9s  %-6s  %6s  %8s  %8s  %8s  %11s  %8s  ",
            "size", "format", "files", "a second", "median", "p95", "floor_ratio", "digests");
        for (int p = 0; p < PARTS; p++)
            printf("%8s", part_names[p]);
        putchar('\n');
        for (size_t i = 0, n; i < all->count; i += n) {
            const row first = all->row[i];
            n = group_size(all, i);
            const summary s = summarize(all->row + i, n);
            print_summary(classes[first.class].name, first.format, &s);
        }
        const summary s = summarize(all->row, all->count);
        print_summary("all", "", &s);
    }
    if (all->failed)
        printf("%llu files gave no hash and are not counted; herken hash says why\n",
               (unsigned long long)all->failed);
}

static int run(cli_common *common, unsigned repeats)
{
    hk_error err;
    rows all = {0};
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
        if (!add(&all, file)) {
            cli_say("out of memory");
            code = CLI_SYSTEM;
            break;
        }
    if (status) {
        code = cli_fail(&err);
    } else if (code == CLI_DONE) {
        if (all.count)
            qsort(all.row, all.count, sizeof *all.row, by_group);
        if (common->json)
            print_json(&all, step_ns);
        else
            print_text(&all, step_ns);
        code = all.failed ? CLI_PARTIAL : CLI_DONE;
    }
    hk_bench_free(bench);
    free(all.row);
    return cli_finish(code);
}

int bench_hash(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    uint64_t repeats = 9;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == FULL_DECODE)
            common.scan.full_decode = true;
        else if (option != REPEATS)
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
