/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_frames.c - what frames find, and what they cost: behind models/pdq/frames.csv.
 *
 *      bench_frames recall ORIGINALS COPIES GRID...
 *      bench_frames strangers ORIGINALS HASHES GRID...
 *      bench_frames aligned ORIGINALS GRID...
 *      bench_frames set GRID
 *
 * recall: ORIGINALS/NAME.jpg and COPIES/NAME/EDIT.jpg, how near each copy comes to its original, of
 * which the list holds the PDQ hash, the exact one and those of a grid's frames. One row of CSV for
 * each copy and grid, distances in bits: of its plain and its exact hash to the nearest; of the
 * nearest probe, before it is refined and after; the least after the nearest three hashes are
 * refined; and these three again of the exact hash as the one probe.
 *
 * strangers: HASHES is a CSV with a PDQ hash first. How many of all pairs lie within each distance,
 * framed and plain; pairs that are near already (31 bits) are left out.
 *
 * aligned: the same of the originals among themselves, through all probes, refined.
 *
 * set: the grid as rows of frames.csv.
 */
#include "grids.h"

#include "align/aligner.h"
#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFINED = 3, PATHS_MOST = 20000, NEAR_ALREADY = 31, FARTHEST = 90 };

typedef struct picture {
    char *path;
    hk_hash plain, exact;
    bool has_exact;
    uint8_t *raster;
    uint32_t width, height;
} picture;

typedef struct pictures {
    picture *at;
    size_t count;
} pictures;

static void fail(const char *what)
{
    fprintf(stderr, "bench_frames: %s\n", what);
    exit(2);
}

static void check(hk_status status, const hk_error *err)
{
    if (status)
        fail(err->message);
}

/* Every photo under a folder that gave a hash. */
static pictures read_pictures(const char *folder)
{
    hk_error err;
    hk_scan *scan;
    const hk_file *file;
    pictures all = {calloc(PATHS_MOST, sizeof(picture)), 0};
    hk_scan_options options = HK_SCAN_OPTIONS_INIT;
    options.raster = options.exact_hash = true;
    const char *worker = getenv("HERKEN_WORKER");
    if (worker)
        options.worker_path = worker;
    check(hk_scan_open(&scan, &folder, 1, &options, &err), &err);
    while (check(hk_scan_next(&file, scan, &err), &err), file) {
        if (!file->hashed || !file->raster || file->fingerprint.kind != HK_KIND_PHOTO)
            continue;
        if (all.count == PATHS_MOST)
            fail("too many pictures");
        picture *p = &all.at[all.count++];
        const size_t size = (size_t)file->raster_width * file->raster_height;
        *p = (picture){strdup(file->path),
                       file->fingerprint.hash[0],
                       file->exact_hash[0],
                       file->has_exact_hash,
                       memcpy(malloc(size), file->raster, size),
                       file->raster_width,
                       file->raster_height};
    }
    hk_scan_free(scan);
    return all;
}

typedef struct hashes {
    hk_hash at[GRID_MOST + 2];
    size_t count;
} hashes;

/* What a list holds of the picture. */
static hashes hold(const picture *p, hk_aligner *aligner, const grid *g)
{
    hk_error err;
    hashes held = {{p->plain, p->exact}, p->has_exact ? 2 : 1};
    check(hk_aligner_take(aligner, p->raster, p->width, p->height, HK_PROBES_FAST, &err), &err);
    for (size_t i = 0; i < g->count; i++) {
        float spectrum[HK__SPECTRUM_SIZE];
        hk_fingerprint seen = {0};
        hk__aligner_look(spectrum, aligner, &g->frame[i]);
        hk__measure(&seen, &hk__model_pdq, spectrum);
        if (!(seen.flags & HK_FLAG_DEGENERATE) && seen.kind == HK_KIND_PHOTO)
            held.at[held.count++] = hk__bits(spectrum, HK_ORIGINAL);
    }
    return held;
}

typedef struct found {
    unsigned before, nearest, after; /* refined: the nearest pair; the best of REFINED */
} found;

static unsigned nearest(const hk_hash *hash, const hashes *held)
{
    unsigned least = HK_HASH_BITS;
    for (size_t h = 0; h < held->count; h++) {
        const unsigned d = hk_hash_distance(hash, &held->at[h]);
        least = d < least ? d : least;
    }
    return least;
}

/* Of the picture that the aligner has taken up; by all its probes, or the exact hash alone. */
static found find(hk_aligner *aligner, const hashes *held, bool all)
{
    struct {
        unsigned distance;
        size_t sight, hash;
    } best[REFINED];
    size_t count;
    const hk__sight *sights = hk__aligner_sights(&count, aligner);
    found f = {HK_HASH_BITS, HK_HASH_BITS, HK_HASH_BITS};
    for (int i = 0; i < REFINED; i++)
        best[i].distance = HK_CANDIDATE_RADIUS + 1;
    /* Of each hash the nearest sight. */
    for (size_t h = 0; h < held->count; h++) {
        unsigned least = HK_HASH_BITS;
        size_t which = 0;
        for (size_t s = 0; s < count; s++) {
            if (!all && (sights[s].probe != HK_PROBE_EXACT || sights[s].orientation))
                continue;
            const unsigned d = hk_hash_distance(&sights[s].hash, &held->at[h]);
            if (d < least) {
                least = d;
                which = s;
            }
        }
        f.before = least < f.before ? least : f.before;
        int place = REFINED;
        while (place && least < best[place - 1].distance)
            place--;
        for (int i = REFINED - 1; i > place; i--)
            best[i] = best[i - 1];
        if (place < REFINED) {
            best[place].distance = least;
            best[place].sight = which;
            best[place].hash = h;
        }
    }
    for (int i = 0; i < REFINED; i++)
        if (best[i].distance <= HK_CANDIDATE_RADIUS) {
            hk__sight look = sights[best[i].sight];
            const unsigned d = hk__aligner_refine(&look, aligner, &held->at[best[i].hash]);
            f.nearest = i ? f.nearest : d;
            f.after = d < f.after ? d : f.after;
        }
    return f;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* NAME of ORIGINALS/NAME.jpg is the folder of COPIES/NAME/EDIT.jpg. */
static const picture *original_of(const pictures *originals, const char *copy)
{
    const char *name = base_of(copy) - 1;
    const char *folder = name;
    while (folder > copy && folder[-1] != '/')
        folder--;
    const size_t length = (size_t)(name - folder);
    for (size_t i = 0; i < originals->count; i++) {
        const char *base = base_of(originals->at[i].path);
        if (!strncmp(base, folder, length) && base[length] == '.')
            return &originals->at[i];
    }
    return NULL;
}

static void recall(const pictures *originals, const pictures *copies, grid *const *grids, int count)
{
    hk_error err;
    hk_aligner *aligner;
    check(hk_aligner_new(&aligner, &err), &err);
    puts(
        "edit,photo,grid,hashes,plain,exact,before,nearest,after,one_before,one_nearest,one_after");
    for (size_t c = 0; c < copies->count; c++) {
        const picture *copy = &copies->at[c], *whole = original_of(originals, copy->path);
        if (!whole)
            continue;
        for (int g = 0; g < count; g++) {
            const hashes held = hold(whole, aligner, grids[g]);
            check(hk_aligner_take(aligner, copy->raster, copy->width, copy->height,
                                  HK_PROBES_STANDARD, &err),
                  &err);
            const found f = find(aligner, &held, true), one = find(aligner, &held, false);
            const char *edit = base_of(copy->path);
            printf("%.*s,%s,%s,%zu,%u,%u,%u,%u,%u,%u,%u,%u\n", (int)strcspn(edit, "."), edit,
                   base_of(whole->path), grids[g]->name, grids[g]->count,
                   nearest(&copy->plain, &held), nearest(&copy->exact, &held), f.before, f.nearest,
                   f.after, one.before, one.nearest, one.after);
        }
    }
    hk_aligner_free(aligner);
}

static hk_hash *read_hashes(size_t *count, const char *path)
{
    FILE *in = fopen(path, "r");
    char line[4096];
    hk_hash *all = calloc(1 << 20, sizeof *all);
    *count = 0;
    if (!in)
        fail("the hashes do not open");
    while (*count < 1 << 20 && fgets(line, sizeof line, in))
        if (strlen(line) > 64 && !hk_hash_parse(&all[*count], line, 64, NULL))
            ++*count;
    fclose(in);
    return all;
}

static void strangers(const pictures *originals, const hk_hash *query, size_t queries,
                      grid *const *grids, int count)
{
    hk_error err;
    hk_aligner *aligner;
    check(hk_aligner_new(&aligner, &err), &err);
    puts("grid,hashes,distance,pairs,plain,framed");
    for (int g = 0; g < count; g++) {
        static uint64_t plain[HK_HASH_BITS + 1], framed[HK_HASH_BITS + 1];
        uint64_t pairs = 0;
        memset(plain, 0, sizeof plain);
        memset(framed, 0, sizeof framed);
        for (size_t o = 0; o < originals->count; o++) {
            const hashes held = hold(&originals->at[o], aligner, grids[g]);
            const hashes whole = {{held.at[0]}, 1};
            for (size_t q = 0; q < queries; q++) {
                const unsigned alone = nearest(&query[q], &whole), d = nearest(&query[q], &held);
                if (alone <= NEAR_ALREADY || d <= NEAR_ALREADY)
                    continue;
                pairs++;
                plain[alone]++;
                framed[d]++;
            }
        }
        uint64_t p = 0, f = 0;
        for (unsigned d = 0; d <= FARTHEST; d++) {
            p += plain[d];
            f += framed[d];
            if (d >= 50 && d % 2 == 0)
                printf("%s,%zu,%u,%llu,%llu,%llu\n", grids[g]->name, grids[g]->count, d,
                       (unsigned long long)pairs, (unsigned long long)p, (unsigned long long)f);
        }
        fflush(stdout);
    }
    hk_aligner_free(aligner);
}

static void aligned(const pictures *originals, grid *const *grids, int count)
{
    hk_error err;
    hk_aligner *aligner;
    check(hk_aligner_new(&aligner, &err), &err);
    puts("grid,hashes,query,entry,before,after");
    for (int g = 0; g < count; g++) {
        hashes *held = calloc(originals->count, sizeof *held);
        for (size_t o = 0; o < originals->count; o++)
            held[o] = hold(&originals->at[o], aligner, grids[g]);
        for (size_t q = 0; q < originals->count; q++) {
            const picture *p = &originals->at[q];
            check(
                hk_aligner_take(aligner, p->raster, p->width, p->height, HK_PROBES_STANDARD, &err),
                &err);
            for (size_t o = 0; o < originals->count; o++) {
                if (o == q)
                    continue;
                const found f = find(aligner, &held[o], true);
                if (f.before <= HK_CANDIDATE_RADIUS)
                    printf("%s,%zu,%s,%s,%u,%u\n", grids[g]->name, grids[g]->count,
                           base_of(p->path), base_of(originals->at[o].path), f.before, f.after);
            }
        }
        fflush(stdout);
        free(held);
    }
    hk_aligner_free(aligner);
}

int main(int argc, char **argv)
{
    const char *job = argc > 1 ? argv[1] : "";
    const int first = !strcmp(job, "set") ? 2 : !strcmp(job, "aligned") ? 3 : 4;
    grid *grids[64];
    int count = 0;
    for (int i = first; i < argc && count < 64; i++) {
        grids[count] = calloc(1, sizeof(grid));
        if (!grid_read(grids[count++], argv[i]))
            fail("a grid is as in 2@.90+3@.80");
    }
    if (!count)
        fail("recall ORIGINALS COPIES GRID... | strangers ORIGINALS HASHES GRID... | "
             "aligned ORIGINALS GRID... | set GRID");
    if (first == 2) {
        for (size_t i = 0; i < grids[0]->count; i++)
            printf("%zu,%.3f,%.4f,%.4f\n", i + 1, grids[0]->scale[i], grids[0]->across[i],
                   grids[0]->down[i]);
        return 0;
    }
    const pictures originals = read_pictures(argv[2]);
    if (!strcmp(job, "recall")) {
        const pictures copies = read_pictures(argv[3]);
        recall(&originals, &copies, grids, count);
    } else if (!strcmp(job, "strangers")) {
        size_t queries;
        const hk_hash *query = read_hashes(&queries, argv[3]);
        strangers(&originals, query, queries, grids, count);
    } else {
        aligned(&originals, grids, count);
    }
    return 0;
}
