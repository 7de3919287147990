/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copies.c - how near edited copies come to their originals, by each sort of probe; and of that,
 * what a budget finds. */
#include "calibrate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct original {
    char name[64]; /* of its folder of copies */
    hk_hash hash;
} original;

typedef struct originals {
    original *one; /* owned */
    size_t count;
} originals;

static bool read_originals(originals *out, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool good = file != NULL;
    while (good && fgets(line, sizeof line, file)) {
        char *rest = line, *name = strsep(&rest, ","), *hash = strsep(&rest, ",\r\n");
        out->one = realloc(out->one, (out->count + 1) * sizeof *out->one);
        if (!out->one)
            abort();
        original *one = &out->one[out->count];
        good = hash && strlen(name) < sizeof one->name &&
               !hk_hash_parse(&one->hash, hash, strlen(hash), NULL);
        if (good)
            strcpy(one->name, name);
        out->count += good;
    }
    if (file)
        fclose(file);
    if (!good)
        fprintf(stderr, "calibrate: %s: no lines of NAME,HASH\n", path);
    return good;
}

/* The least over all ways round, and inverted. */
static unsigned nearest(const hk_hash hashes[HK_ORIENTATIONS], const hk_hash *entry)
{
    unsigned least = HK_HASH_BITS;
    for (int way = 0; way < HK_ORIENTATIONS; way++) {
        const unsigned bits = hk_hash_distance(&hashes[way], entry);
        const unsigned folded = bits > HK_HASH_BITS / 2 ? HK_HASH_BITS - bits : bits;
        least = folded < least ? folded : least;
    }
    return least;
}

/* FOLDER/NAME/EDIT.SUFFIX: the original NAME, and EDIT cut out in place. */
static const original *original_of(const originals *all, char *path, const char **edit)
{
    char *file = strrchr(path, '/');
    if (!file || !strrchr(file, '.'))
        return NULL;
    *strrchr(file, '.') = '\0';
    *file = '\0';
    *edit = file + 1;
    const char *folder = strrchr(path, '/');
    for (size_t i = 0; folder && i < all->count; i++)
        if (!strcmp(all->one[i].name, folder + 1))
            return &all->one[i];
    return NULL;
}

static void print_copy(hk_aligner *aligner, const hk_file *file, const originals *all)
{
    char *path = strdup(file->path);
    const char *edit = NULL;
    hk_error err;
    if (!path)
        abort();
    const original *from = original_of(all, path, &edit);
    if (from && file->hashed) {
        printf("%s,%s,%s,%u,", edit, from->name, hk_kind_name(file->fingerprint.kind),
               nearest(file->fingerprint.hash, &from->hash));
        if (file->has_exact_hash)
            printf("%u", nearest(file->exact_hash, &from->hash));
        for (int set = 0; set < HK_PROBES_SETS; set++) {
            hk_alignment found;
            putchar(',');
            if (file->raster && file->fingerprint.kind == HK_KIND_PHOTO &&
                !hk_aligner_take(aligner, file->raster, file->raster_width, file->raster_height,
                                 (hk_probes)set, &err) &&
                hk_aligner_find(&found, aligner, &from->hash))
                printf("%u", found.mean);
        }
        putchar('\n');
    }
    free(path);
}

int calibrate_copies(const char *hashes, const char *folder, const char *worker)
{
    originals all = {0};
    hk_scan_options options = HK_SCAN_OPTIONS_INIT;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    hk_aligner *aligner = NULL;
    hk_error err;
    bool good = read_originals(&all, hashes);
    options.raster = options.exact_hash = true;
    options.worker_path = worker;
    if (good &&
        (hk_scan_open(&scan, &folder, 1, &options, &err) || hk_aligner_new(&aligner, &err))) {
        fprintf(stderr, "calibrate: %s\n", err.message);
        good = false;
    }
    if (good)
        puts("edit,original,kind,plain,exact,fast,standard,thorough");
    while (good && !hk_scan_next(&file, scan, &err) && file)
        print_copy(aligner, file, &all);
    good = good && !file;
    hk_aligner_free(aligner);
    hk_scan_free(scan);
    free(all.one);
    return good ? 0 : 2;
}

/* ---- curve --------------------------------------------------------------------------------- */

enum { EDITS_MOST = 100, COPIES_MOST = 100000, FIELDS = 8, STANDARD = 6 };

typedef struct copy {
    unsigned edit;
    hk_kind kind;
    int plain, exact, aligned; /* INT_MAX: not looked up, or no candidate */
} copy;

typedef struct copies {
    char edit[EDITS_MOST][64];
    unsigned edits, of_edit[EDITS_MOST];
    copy copy[COPIES_MOST];
    size_t count;
} copies;

static int distance_of(const char *text)
{
    return text && *text ? atoi(text) : INT_MAX;
}

static bool read_copy(copies *out, char *line)
{
    char *field[FIELDS] = {0}, *rest = line;
    line[strcspn(line, "\r\n")] = '\0';
    for (int f = 0; f < FIELDS; f++)
        field[f] = strsep(&rest, ",");
    int kind = 0;
    while (field[7] && hk_kind_name((hk_kind)kind) && strcmp(hk_kind_name((hk_kind)kind), field[2]))
        kind++;
    if (!field[7] || rest || !hk_kind_name((hk_kind)kind) || out->count == COPIES_MOST ||
        strlen(field[0]) >= sizeof *out->edit)
        return false;
    unsigned edit = 0;
    while (edit < out->edits && strcmp(out->edit[edit], field[0]))
        edit++;
    if (edit == EDITS_MOST)
        return false;
    if (edit == out->edits)
        strcpy(out->edit[out->edits++], field[0]);
    out->of_edit[edit]++;
    out->copy[out->count++] = (copy){edit, (hk_kind)kind, distance_of(field[3]),
                                     distance_of(field[4]), distance_of(field[STANDARD])};
    return true;
}

static bool read_copies(copies *out, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool good = file && fgets(line, sizeof line, file) &&
                !strcmp(line, "edit,original,kind,plain,exact,fast,standard,thorough\n");
    while (good && fgets(line, sizeof line, file))
        good = read_copy(out, line);
    if (file)
        fclose(file);
    if (!good || !out->count)
        fprintf(stderr, "calibrate: %s: no table of copies\n", path);
    return good && out->count;
}

static void print_budget(const copies *all, double budget, uint64_t entries)
{
    static unsigned found[EDITS_MOST];
    hk_radii of[3];
    bool far = false;
    memset(found, 0, sizeof found);
    for (int kind = 0; kind < 3; kind++)
        of[kind] = hk_radii_within((hk_kind)kind, budget, HK_PROBES_STANDARD, entries);
    for (size_t i = 0; i < all->count; i++) {
        const copy *one = &all->copy[i];
        const hk_radii *r = &of[one->kind];
        found[one->edit] +=
            one->plain <= r->plain || one->exact <= r->exact || one->aligned <= r->aligned;
    }
    const hk_radii r = of[HK_KIND_PHOTO];
    const double expected =
        hk_false_matches(HK_KIND_PHOTO, r.plain, r.exact, entries, NULL) +
        hk_aligned_false_matches(HK_KIND_PHOTO, r.aligned, HK_PROBES_STANDARD, entries, &far);
    for (unsigned e = 0; e < all->edits; e++)
        printf("%s,%.3g,%.4g,%d,%d,%d,%s,%u,%u,%.4f\n", all->edit[e], budget, expected, r.plain,
               r.exact, r.aligned, far ? "extrapolated" : "measured", all->of_edit[e], found[e],
               (double)found[e] / all->of_edit[e]);
}

int calibrate_curve(const char *path, const char *entries)
{
    static copies all;
    static const double steps[] = {1, 1.5, 2, 3, 5, 7};
    const unsigned long long count = strtoull(entries, NULL, 10);
    if (!read_copies(&all, path))
        return 2;
    puts("edit,budget,expected,plain,exact,aligned,source,n,found,recall");
    for (double decade = 1e-6; decade < 2; decade *= 10)
        for (size_t s = 0; s < sizeof steps / sizeof *steps && decade * steps[s] < 1.01; s++)
            print_budget(&all, decade * steps[s], count);
    return 0;
}
