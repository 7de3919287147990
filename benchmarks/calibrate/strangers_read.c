/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strangers_read.c - from the CSV of what came near to counts; see strangers.h. */
#include "strangers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES_MOST = 100000, SAME = 40, FIELDS = 7 };

/* Of one photo. */
typedef struct photo {
    hk_hash hash;
    int group;
    unsigned cluster;
} photo;

static void put(tally *counts, unsigned a, unsigned b, unsigned distance, bool is_pair)
{
    const unsigned low = a < b ? a : b, high = a < b ? b : a;
    if (is_pair)
        counts->pairs[low][high]++;
    if (distance < DISTANCES)
        counts->near[low][high][distance]++;
}

/* A photo is of the cluster of what it is in the table, or of a photo before it which is like it,
 * or of its own. */
static void place(photo *one, const photo *before, size_t count, const images *all)
{
    image own = {.hash = one->hash, .kind = HK_KIND_PHOTO, .group = -1};
    one->group = -1;
    one->cluster = images_cluster(&own);
    for (size_t i = 0; i < count; i++)
        if (hk_hash_distance(&before[i].hash, &one->hash) <= SAME) {
            one->cluster = before[i].cluster;
            break;
        }
    for (size_t i = 0; i < all->count; i++) {
        const image *entry = &all->image[i];
        if (entry->kind != HK_KIND_PHOTO || hk_hash_distance(&entry->hash, &one->hash) > SAME)
            continue;
        one->cluster = entry->cluster;
        if (entry->group >= 0)
            one->group = entry->group;
    }
}

/* All pairs that the photo was looked up in, and how near their plain hashes lie. */
static void count_pairs(strangers *out, const photo *one, const images *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const image *entry = &all->image[i];
        const unsigned plain = hk_hash_distance(&one->hash, &entry->hash);
        if (entry->kind != HK_KIND_PHOTO || plain <= SAME ||
            (one->group >= 0 && entry->group == one->group))
            continue;
        put(out->plain, one->cluster, entry->cluster, plain, true);
        for (int set = 0; set < HK_PROBES_SETS; set++)
            put(out->set[set], one->cluster, entry->cluster, DISTANCES, true);
        for (int way = 0; way < HK_ORIENTATIONS; way++)
            put(out->turned, one->cluster, entry->cluster, DISTANCES, true);
    }
}

static void count_general(tally *out, const images *all)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = i + 1; j < all->count; j++) {
            const image *a = &all->image[i], *b = &all->image[j];
            if (a->kind == HK_KIND_PHOTO && b->kind == HK_KIND_PHOTO &&
                (a->group < 0 || a->group != b->group))
                put(out, a->cluster, b->cluster, hk_hash_distance(&a->hash, &b->hash), true);
        }
}

static bool number(unsigned long *out, const char *text, unsigned long end)
{
    char *rest = NULL;
    *out = text && *text >= '0' && *text <= '9' ? strtoul(text, &rest, 10) : end;
    return rest && !*rest && *out < end;
}

/* Takes a pair that was judged the same out again. */
static bool read_same(strangers *out, const images *all, char *const field[FIELDS],
                      const photo *pictures, size_t count)
{
    unsigned long picture, entry;
    if (!field[2] || field[3] || !number(&picture, field[1], count) ||
        !number(&entry, field[2], all->count))
        return false;
    const unsigned a = pictures[picture].cluster, b = all->image[entry].cluster;
    const unsigned distance = hk_hash_distance(&pictures[picture].hash, &all->image[entry].hash);
    uint64_t *counted =
        distance < DISTANCES ? &out->plain->near[a < b ? a : b][a < b ? b : a][distance] : NULL;
    if (counted && *counted)
        --*counted;
    return true;
}

static bool read_near(strangers *out, const images *all, char *const field[FIELDS],
                      const photo *pictures, size_t count)
{
    unsigned long picture, entry, before, distance;
    int set = 0, way = 0;
    if (!field[6] || !number(&picture, field[1], count) || !number(&entry, field[2], all->count) ||
        !number(&before, field[5], STRANGERS_BEFORE + 1) ||
        !number(&distance, field[6], before + 1) ||
        strangers_mean((unsigned)before, (unsigned)distance) > HK_CANDIDATE_RADIUS ||
        all->image[entry].kind != HK_KIND_PHOTO)
        return false;
    while (set < HK_PROBES_SETS && strcmp(field[3], hk_probes_name((hk_probes)set)))
        set++;
    while (way < HK_ORIENTATIONS && strcmp(field[4], hk_orientation_name((hk_orientation)way)))
        way++;
    if (set == HK_PROBES_SETS || way == HK_ORIENTATIONS)
        return false;
    const unsigned a = pictures[picture].cluster, b = all->image[entry].cluster;
    const unsigned mean = strangers_mean((unsigned)before, (unsigned)distance);
    if (way == HK_ORIGINAL)
        put(out->set[set], a, b, mean, false);
    if (set == HK_PROBES_STANDARD)
        put(out->turned, a, b, mean, false);
    return true;
}

static bool read_line(strangers *out, const images *all, char *line, photo *pictures, size_t *count)
{
    char *field[FIELDS] = {0}, *rest = line;
    line[strcspn(line, "\r\n")] = '\0';
    for (int f = 0; f < FIELDS; f++)
        field[f] = strsep(&rest, ",");
    if (rest)
        return false;
    if (!strcmp(field[0], "near"))
        return read_near(out, all, field, pictures, *count);
    if (!strcmp(field[0], "same"))
        return read_same(out, all, field, pictures, *count);
    unsigned long at;
    photo *one = &pictures[*count];
    if (strcmp(field[0], "picture") || !field[3] || field[4] || *count == PICTURES_MOST ||
        !number(&at, field[1], PICTURES_MOST) || at != *count ||
        hk_hash_parse(&one->hash, field[3], strlen(field[3]), NULL))
        return false;
    place(one, pictures, *count, all);
    count_pairs(out, one, all);
    ++*count;
    return true;
}

static tally *new_tally(void)
{
    tally *counts = calloc(1, sizeof *counts);
    if (!counts)
        abort();
    return counts;
}

bool strangers_read(strangers *out, const images *all, const char *path)
{
    static photo pictures[PICTURES_MOST];
    FILE *file = fopen(path, "re");
    char line[1024];
    size_t count = 0, lines = 0;
    bool good = file != NULL, named = false;
    for (int set = 0; set < HK_PROBES_SETS; set++)
        out->set[set] = new_tally();
    out->turned = new_tally();
    out->plain = new_tally();
    out->general = new_tally();
    while (good && fgets(line, sizeof line, file)) {
        lines++;
        if (*line == '#')
            continue;
        good = named ? read_line(out, all, line, pictures, &count)
                     : !strcmp(line, "what,picture,entry,probes,orientation,before,distance\n");
        named = true;
    }
    if (good && count)
        count_general(out->general, all);
    else
        fprintf(stderr, "calibrate: %s: no strangers, or of another table (line %zu)\n", path,
                lines);
    if (file)
        fclose(file);
    return good && count;
}

void strangers_free(strangers *s)
{
    for (int set = 0; set < HK_PROBES_SETS; set++)
        free(s->set[set]);
    free(s->turned);
    free(s->plain);
    free(s->general);
    *s = (strangers){0};
}
