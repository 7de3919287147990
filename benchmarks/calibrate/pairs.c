/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pairs.c - see pairs.h. */
#include "pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ----------------------------------------------------------------------------- */

static bool kind_of_tier(hk_kind *out, const char *tier)
{
    static const struct {
        const char *tier;
        hk_kind kind;
    } kinds[] = {{"A", HK_KIND_PHOTO},
                 {"A-small", HK_KIND_PHOTO},
                 {"C-lowtexture", HK_KIND_LOW_TEXTURE},
                 {"C-graphics", HK_KIND_GRAPHIC}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(tier, kinds[i].tier)) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

/* Groups stay together; what has none is dealt by its own bits. All low-texture images are of one
 * group, and the pairs within it are counted: those are dealt by their bits too. */
unsigned images_cluster(const image *one)
{
    uint64_t x = one->hash.word[0] ^ one->hash.word[1] ^ one->hash.word[2] ^ one->hash.word[3];
    if (one->group >= 0 && one->kind == HK_KIND_PHOTO)
        x = (uint64_t)one->group;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)(x >> 58);
}

static bool read_line(image *out, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *rest = line, *hash = strsep(&rest, ","), *quality = strsep(&rest, ",");
    char *tier = strsep(&rest, ","), *group = strsep(&rest, ",");
    if (!quality || !tier || !group || rest || !kind_of_tier(&out->kind, tier) ||
        hk_hash_parse(&out->hash, hash, strlen(hash), NULL))
        return false;
    out->group = *group ? atoi(group) : -1;
    out->cluster = images_cluster(out);
    return true;
}

bool images_read(images *out, const char *path)
{
    *out = (images){0};
    FILE *file = fopen(path, "re");
    char line[256];
    size_t number = 0, capacity = 0;
    bool good =
        file && fgets(line, sizeof line, file) && !strncmp(line, "hash,quality,tier,group", 23);
    while (good && fgets(line, sizeof line, file)) {
        number++;
        if (out->count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            image *grown = realloc(out->image, capacity * sizeof *grown);
            if (!grown)
                abort();
            out->image = grown;
        }
        good = read_line(&out->image[out->count], line);
        out->count += good;
    }
    if (!good)
        fprintf(stderr, "calibrate: %s: no table of hash,quality,tier,group (line %zu)\n", path,
                number + 1);
    if (file)
        fclose(file);
    if (!good)
        images_free(out);
    return good;
}

void images_free(images *all)
{
    free(all->image);
    *all = (images){0};
}

/* ---- pairs --------------------------------------------------------------------------------- */

void pairs_turn(hk_hash out[HK_ORIENTATIONS], const hk_hash *hash)
{
    /* As in engine/spectrum/orient.c: odd vertical or horizontal frequencies change sign, then the
     * axes are swapped. Position i is frequency i + 1. */
    static const bool rows[HK_ORIENTATIONS] = {0, 0, 1, 1, 1, 0, 0, 1};
    static const bool columns[HK_ORIENTATIONS] = {0, 1, 1, 0, 0, 1, 0, 1};
    static const bool swapped[HK_ORIENTATIONS] = {0, 1, 0, 1, 0, 0, 1, 1};
    memset(out, 0, HK_ORIENTATIONS * sizeof *out);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (unsigned i = 0; i < 16; i++)
            for (unsigned j = 0; j < 16; j++) {
                const unsigned from = 16 * i + j, to = swapped[o] ? 16 * j + i : from;
                const bool negate = (rows[o] && i % 2 == 0) != (columns[o] && j % 2 == 0);
                const uint64_t bit = (hash->word[from / 64] >> from % 64 & 1) ^ negate;
                out[o].word[to / 64] |= bit << to % 64;
            }
}

unsigned pairs_distance(const hk_hash turned[HK_ORIENTATIONS], const hk_hash *entry)
{
    int least = HK_HASH_BITS;
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        int bits = 0;
        for (int w = 0; w < 4; w++)
            bits += __builtin_popcountll(turned[o].word[w] ^ entry->word[w]);
        const int folded = bits > HK_HASH_BITS / 2 ? HK_HASH_BITS - bits : bits;
        least = folded < least ? folded : least;
    }
    return (unsigned)least;
}

void pairs_count(tally *out, const images *all, hk_kind a, hk_kind b, bool with_groups)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < all->count; i++) {
        const image *one = &all->image[i];
        hk_hash turned[HK_ORIENTATIONS];
        if (one->kind != a)
            continue;
        pairs_turn(turned, &one->hash);
        for (size_t j = a == b ? i + 1 : 0; j < all->count; j++) {
            const image *other = &all->image[j];
            if (other->kind != b || (!with_groups && one->group >= 0 && one->group == other->group))
                continue;
            const unsigned low = one->cluster < other->cluster ? one->cluster : other->cluster;
            const unsigned high = one->cluster ^ other->cluster ^ low;
            out->near[low][high][pairs_distance(turned, &other->hash)]++;
            out->pairs[low][high]++;
        }
    }
}

void pairs_view(histogram *out, const tally *counts, uint64_t clusters)
{
    memset(out, 0, sizeof *out);
    for (unsigned a = 0; a < CLUSTERS; a++)
        for (unsigned b = a; b < CLUSTERS; b++)
            if ((clusters >> a & 1) && (clusters >> b & 1)) {
                out->pairs += counts->pairs[a][b];
                for (unsigned d = 0; d < DISTANCES; d++)
                    out->within[d] += counts->near[a][b][d];
            }
    for (unsigned d = 1; d < DISTANCES; d++)
        out->within[d] += out->within[d - 1];
}
