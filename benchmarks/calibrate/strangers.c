/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strangers.c - looks photos up and writes what came near; see strangers.h. */
#include "strangers.h"

#include "align/align.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAME = 40, SIDE = HK__RASTER_SIDE };

/* What is judged the same, as "PATH,HASH" lines of the file; owned. */
typedef struct verdicts {
    char (*pair)[512];
    size_t count;
} verdicts;

static bool read_judged(verdicts *out, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    size_t capacity = 0;
    bool good = file && fgets(line, sizeof line, file) &&
                !strcmp(line, "a,b,b_is,distance,orientation,inverted,judged\n");
    *out = (verdicts){0};
    while (good && fgets(line, sizeof line, file)) {
        const char *end = strrchr(line, ',');
        char *rest = line, *a = strsep(&rest, ","), *b = strsep(&rest, ",");
        if (!end || !b || strcmp(end, ",same\n"))
            continue;
        if (out->count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            out->pair = realloc(out->pair, capacity * sizeof *out->pair);
            if (!out->pair)
                abort();
        }
        snprintf(out->pair[out->count++], sizeof *out->pair, "%s,%s", a, b);
    }
    if (!good)
        fprintf(stderr, "calibrate: %s: no table of judged pairs\n", path);
    if (file)
        fclose(file);
    return good;
}

static bool is_judged(const verdicts *judged, const char *path, const hk_hash *entry)
{
    char pair[512], hash[HK_HASH_TEXT_SIZE];
    hk_hash_format(hash, entry);
    snprintf(pair, sizeof pair, "%s,%s", path, hash);
    for (size_t i = 0; i < judged->count; i++)
        if (!strcmp(judged->pair[i], pair))
            return true;
    return false;
}

typedef struct raster {
    uint32_t width, height;
    uint8_t at[SIDE * SIDE];
} raster;

static void turn(raster *out, const hk_file *file, hk_orientation way)
{
    const uint32_t w = file->raster_width, h = file->raster_height;
    const bool swaps =
        way == HK_ROTATE90 || way == HK_ROTATE270 || way == HK_FLIPPLUS1 || way == HK_FLIPMINUS1;
    const bool left =
        way == HK_ROTATE90 || way == HK_ROTATE180 || way == HK_FLIPY || way == HK_FLIPMINUS1;
    const bool up =
        way == HK_ROTATE270 || way == HK_ROTATE180 || way == HK_FLIPX || way == HK_FLIPMINUS1;
    out->width = swaps ? h : w;
    out->height = swaps ? w : h;
    for (uint32_t y = 0; y < out->height; y++)
        for (uint32_t x = 0; x < out->width; x++) {
            const uint32_t u = swaps ? y : x, v = swaps ? x : y;
            out->at[y * out->width + x] =
                file->raster[(up ? h - 1 - v : v) * w + (left ? w - 1 - u : u)];
        }
}

/* The sight that comes nearest, and how near; NULL: none within STRANGERS_BEFORE. */
static const hk__sight *nearest(unsigned *least, const hk__sight *sights, size_t count,
                                const hk_hash *entry)
{
    const hk__sight *found = NULL;
    *least = STRANGERS_BEFORE + 1;
    for (size_t i = 0; i < count; i++) {
        const uint64_t *a = sights[i].hash.word, *b = entry->word;
        unsigned bits = 0;
        for (int w = 0; w < 3; w++)
            bits += (unsigned)__builtin_popcountll(a[w] ^ b[w]);
        if (bits >= *least)
            continue;
        bits += (unsigned)__builtin_popcountll(a[3] ^ b[3]);
        if (bits < *least) {
            *least = bits;
            found = &sights[i];
        }
    }
    return found;
}

typedef struct search {
    const images *all;
    const verdicts *judged;
    hk_aligner *aligner;
    unsigned number;
    const char *path; /* of the photo, inside its folder */
    bool *is_known;   /* by entry: not a stranger, or no photo */
} search;

static void mark_known(search *s, const hk_hash *own)
{
    int group = -1;
    for (size_t i = 0; i < s->all->count; i++) {
        const image *one = &s->all->image[i];
        const bool is_photo = one->kind == HK_KIND_PHOTO;
        const bool is_near = is_photo && hk_hash_distance(own, &one->hash) <= SAME;
        const bool judged = is_photo && !is_near && is_judged(s->judged, s->path, &one->hash);
        s->is_known[i] = !is_photo || is_near || judged;
        if ((is_near || judged) && one->group >= 0)
            group = one->group;
        if (judged)
            printf("same,%u,%zu\n", s->number, i);
    }
    for (size_t i = 0; group >= 0 && i < s->all->count; i++)
        s->is_known[i] |= s->all->image[i].group == group;
}

static bool look_up(search *s, const raster *as, hk_probes probes, hk_orientation way)
{
    hk_error err;
    size_t count;
    if (hk_aligner_take(s->aligner, as->at, as->width, as->height, probes, &err))
        return false;
    const hk__sight *sights = hk__aligner_sights(&count, s->aligner);
    for (size_t i = 0; i < s->all->count; i++) {
        const hk_hash *entry = &s->all->image[i].hash;
        unsigned before;
        const hk__sight *from = s->is_known[i] ? NULL : nearest(&before, sights, count, entry);
        if (!from)
            continue;
        hk__sight at = *from; /* as hk_aligner_find, but from further off */
        const unsigned distance = hk__aligner_refine(&at, s->aligner, entry);
        if (strangers_mean(before, distance) <= HK_CANDIDATE_RADIUS)
            printf("near,%u,%zu,%s,%s,%u,%u\n", s->number, i, hk_probes_name(probes),
                   hk_orientation_name(way), before, distance);
    }
    return true;
}

static bool look_up_all(search *s, const hk_file *file)
{
    static raster turned;
    char hash[HK_HASH_TEXT_SIZE];
    hk_hash_format(hash, &file->fingerprint.hash[HK_ORIGINAL]);
    printf("picture,%u,%s,%s\n", s->number, s->path, hash);
    mark_known(s, &file->fingerprint.hash[HK_ORIGINAL]);
    for (int way = HK_ORIGINAL; way < HK_ORIENTATIONS; way++) {
        turn(&turned, file, (hk_orientation)way);
        for (int probes = 0; probes < HK_PROBES_SETS; probes++)
            if ((way == HK_ORIGINAL || probes == HK_PROBES_STANDARD) &&
                !look_up(s, &turned, (hk_probes)probes, (hk_orientation)way))
                return false;
    }
    return true;
}

static bool look_up_folder(search *s, const char *photos, const char *worker)
{
    hk_scan_options options = HK_SCAN_OPTIONS_INIT;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    hk_error err;
    options.raster = true;
    options.worker_path = worker;
    bool good = !hk_scan_open(&scan, &photos, 1, &options, &err);
    const size_t folder = strlen(photos) + (photos[strlen(photos) - 1] != '/');
    while (good) {
        good = !hk_scan_next(&file, scan, &err);
        if (!good || !file)
            break;
        if (!file->hashed || !file->raster || file->fingerprint.kind != HK_KIND_PHOTO ||
            strchr(file->path, ','))
            continue;
        s->path = file->path + folder;
        if (!look_up_all(s, file)) {
            fputs("calibrate: a raster cannot be looked up\n", stderr);
            break;
        }
        s->number++;
    }
    if (!good)
        fprintf(stderr, "calibrate: %s: %s\n", photos, err.message);
    hk_scan_free(scan);
    return good && !file && s->number;
}

bool strangers_find(const images *all, const char *photos, const char *judged, const char *worker)
{
    verdicts same;
    if (!read_judged(&same, judged))
        return false;
    search s = {.all = all, .judged = &same, .is_known = calloc(all->count, sizeof(bool))};
    hk_error err;
    if (!s.is_known || hk_aligner_new(&s.aligner, &err))
        abort();
    puts("# What came near photos at hand by aligning: the distance before, and where the walk "
         "ended\n"
         "# (benchmarks/calibrate/strangers.h).\n"
         "what,picture,entry,probes,orientation,before,distance");
    const bool good = look_up_folder(&s, photos, worker);
    hk_aligner_free(s.aligner);
    free(s.is_known);
    free(same.pair);
    return good;
}
