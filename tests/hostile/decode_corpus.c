/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decode_corpus.c - every file under the paths, and mutants of it, through the decoders in this
 * process, where the sanitizers see every byte: no crash, no leak, nothing over the time limit, a
 * status each, a hash only with one.
 *
 * usage: decode_corpus MUTANTS-PER-FILE PATH...
 */
#include "core/clock.h"
#include "decode/decoders.h"
#include "spectrum/spectrum.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

static const double limit_s = 5;
static const hk__limits limits = {.max_pixels = 1 << 26,
                                  .max_bytes = 1 << 26,
                                  .max_pages = 1000,
                                  .frames = HK_FRAMES_ALL,
                                  .allow = (1u << HK_ALLOW_COUNT) - 1};
static int mutants, files, pictures, scaled, wrong;
static int by_status[HK_FILE_STATUSES];
static double slowest;
static hk__canvas *canvas;
static uint32_t state = 1;

static int views, most_views; /* of one file, but for the last */

static void take_view(void *context, hk__picture *picture)
{
    (void)context;
    wrong += !picture->has_pixels;
    most_views = ++views > most_views ? views : most_views;
}

static uint32_t chance(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static void try_bytes(const char *name, const uint8_t *bytes, size_t count)
{
    static hk__picture picture;
    memset(&picture, 0, offsetof(hk__picture, grid));
    views = 0;
    const uint64_t start = hk__clock_ns();
    hk__decode(&picture, canvas, bytes, count, &limits);
    const double seconds = (double)(hk__clock_ns() - start) / 1e9;
    slowest = seconds > slowest ? seconds : slowest;
    files++;
    scaled += (picture.flags & HK_FLAG_SCALED_DECODE) != 0;
    pictures += picture.has_pixels;
    const int hashed = picture.status == HK_FILE_OK || picture.status == HK_FILE_TRUNCATED;
    int bad = seconds > limit_s || views >= HK_VIEWS_MOST || hashed != picture.has_pixels ||
              (!hashed && !picture.reason[0]) || (unsigned)picture.status >= HK_FILE_STATUSES;
    if (picture.has_pixels) {
        hk_fingerprint fingerprint;
        for (int i = 0; i < HK__GRID_SIZE; i++)
            bad |= !(picture.grid[i] >= -1 && picture.grid[i] <= 256) ||
                   !(picture.exact_grid[i] >= -1 && picture.exact_grid[i] <= 256);
        bad |= hk__fingerprint(&fingerprint, &hk__model_pdq, picture.grid, NULL) != HK_OK;
    }
    if (bad) {
        printf("%s: status %d, %.2f s, %s\n", name, (int)picture.status, seconds, picture.reason);
        wrong++;
    } else {
        by_status[picture.status]++;
    }
}

/* Flips, overwrites, cuts or repeats a few places of a copy that is just as long as it says: a read
 * past its end is a read past its allocation. */
static void try_mutant(const char *name, const uint8_t *bytes, size_t count)
{
    size_t length = chance() % 4 ? count : chance() % (count + 1);
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    for (unsigned n = 1 + chance() % 8; n && length; n--) {
        const size_t at =
            chance() % 3 ? chance() % length : chance() % (length < 600 ? length : 600);
        switch (chance() % 3) {
        case 0:
            copy[at] ^= (uint8_t)(1u << chance() % 8);
            break;
        case 1:
            copy[at] = (uint8_t)(chance() % 2 ? 0xff : chance());
            break;
        default:
            memmove(copy + at, copy + chance() % length / 2, (length - at) / 2);
        }
    }
    try_bytes(name, copy, length);
    free(copy);
}

static int visit(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || facts->st_size > 1 << 24)
        return 0;
    char *bytes;
    gsize count;
    if (!g_file_get_contents(path, &bytes, &count, NULL))
        return 0;
    try_bytes(path, (const uint8_t *)bytes, count);
    for (int i = 0; i < mutants; i++)
        try_mutant(path, (const uint8_t *)bytes, count);
    g_free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    hk_error err;
    if (argc < 3 || hk__vips_start(&err) || hk__canvas_new(&canvas, &err))
        return 2;
    hk__canvas_want_exact(canvas, true);
    hk__jpeg_start();
    hk__canvas_on_view(canvas, take_view, NULL);
    mutants = atoi(argv[1]);
    for (int i = 2; i < argc; i++)
        nftw(argv[i], visit, 16, FTW_PHYS);
    hk__canvas_free(canvas);
    printf("%d inputs, %d pictures (%d scaled), up to %d views, slowest %.2f s, %d wrong;", files,
           pictures, scaled, most_views + 1, slowest, wrong);
    for (int s = 0; s < HK_FILE_STATUSES; s++)
        if (by_status[s])
            printf(" %d %s", by_status[s], hk_file_status_name((hk_file_status)s));
    putchar('\n');
    vips_shutdown();
    return wrong || !files;
}
