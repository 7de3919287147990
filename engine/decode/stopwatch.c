/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stopwatch.c - see stopwatch.h. */
#include "decode/stopwatch.h"

#include "core/clock.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS_MAX = 1000 };
enum { OURS = 0, DIGESTED, FLOOR, READ, DIGEST, DECODE, GRID, DCT, BITS, COLUMNS };

/* All that a round works with. */
typedef struct bench {
    int fd;
    const hk__limits *limits;
    hk__picture *picture;
    hk__content *content;
    hk__canvas *canvas;
    hk__digester *digester;
} bench;

hk_status hk__stopwatch_prepare(hk_error *err)
{
    static const float grid[HK__GRID_SIZE]; /* makes the DCT's numbers */
    hk_fingerprint fingerprint;
    return hk__fingerprint(&fingerprint, &hk__model_pdq, grid, err);
}

/* Reads, with the digests named, decodes and hashes. False: the picture has no hash. */
static bool time_whole(uint64_t *ns, const bench *b, unsigned digests)
{
    hk_fingerprint fingerprint;
    memset(b->picture, 0, offsetof(hk__picture, grid));
    const uint64_t start = hk__clock_ns();
    if (!hk__content_read(b->content, b->picture, b->fd, b->digester, digests, 0, b->limits))
        return false;
    if (!b->content->kept) {
        hk__picture_refuse(b->picture, b->content->empty);
        return false;
    }
    hk__decode(b->picture, b->canvas, b->content->bytes, b->content->count, b->limits);
    if (!b->picture->has_pixels ||
        hk__fingerprint(&fingerprint, &hk__model_pdq, b->picture->grid, NULL))
        return false;
    *ns = hk__clock_ns() - start;
    return true;
}

/* What one look at the clock costs. */
static uint64_t clock_ns(void)
{
    enum { BATCHES = 8, CALLS = 256 };
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        const uint64_t start = hk__clock_ns();
        for (int i = 0; i < CALLS - 1; i++)
            (void)hk__clock_ns();
        const uint64_t ns = (hk__clock_ns() - start) / CALLS;
        least = ns < least ? ns : least;
    }
    return least;
}

static uint64_t less(uint64_t ns, uint64_t off)
{
    return ns > off ? ns - off : 0;
}

/* Only of what time_whole has hashed just before. */
static bool time_parts(uint64_t times[COLUMNS], const bench *b, uint64_t clock)
{
    float spectrum[HK__SPECTRUM_SIZE];
    hk_fingerprint fingerprint;
    const uint64_t start = hk__clock_ns();
    if (!hk__content_read(b->content, b->picture, b->fd, b->digester, HK_DIGEST_ALL, 0, b->limits))
        return false;
    const uint64_t read = hk__clock_ns();
    hk__canvas_time(b->canvas, true);
    hk__decode(b->picture, b->canvas, b->content->bytes, b->content->count, b->limits);
    hk__canvas_time(b->canvas, false);
    const uint64_t decoded = hk__clock_ns();
    if (!b->picture->has_pixels || hk__dct(spectrum, b->picture->grid, NULL))
        return false;
    const uint64_t transformed = hk__clock_ns();
    if (hk__fingerprint(&fingerprint, &hk__model_pdq, b->picture->grid, NULL)) /* DCT and bits */
        return false;
    const uint64_t end = hk__clock_ns();

    uint64_t rows;
    const uint64_t in_rows = hk__canvas_ns(&rows, b->canvas);
    times[DIGEST] = b->content->digest_ns;
    times[READ] = less(read - start, times[DIGEST]);
    times[GRID] = less(in_rows, rows * clock); /* of two looks, one lies inside what they time */
    times[DECODE] = less(decoded - read - in_rows, rows * clock);
    times[DCT] = transformed - decoded;
    times[BITS] = less(end - transformed, times[DCT]);
    return true;
}

static bool time_floor(uint64_t *ns, const bench *b)
{
    hk__picture facts;
    memset(&facts, 0, offsetof(hk__picture, grid));
    const uint64_t start = hk__clock_ns();
    if (!hk__content_read(b->content, &facts, b->fd, b->digester, 0, 0, b->limits) ||
        !hk__decode_jpeg_floor(b->content->bytes, b->content->count))
        return false;
    *ns = hk__clock_ns() - start;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *values, unsigned count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

void hk__stopwatch(hk__timing *timing, hk__picture *picture, int fd, unsigned repeats,
                   const hk__limits *limits, hk__content *content, hk__canvas *canvas,
                   hk__digester *digester)
{
    static uint64_t rounds[COLUMNS][ROUNDS_MAX];
    const bench b = {fd, limits, picture, content, canvas, digester};
    const uint64_t clock = clock_ns();
    uint64_t middle[COLUMNS], unused;
    repeats = repeats < ROUNDS_MAX ? repeats : ROUNDS_MAX;
    bool ok = time_whole(&unused, &b, 0); /* weights and memory as they are from then on */
    for (unsigned r = 0; ok && r < repeats; r++) {
        uint64_t times[COLUMNS] = {0};
        ok = time_parts(times, &b, clock);
        for (unsigned turn = r; ok && turn < r + 3; turn++) {
            if (turn % 3 == 0)
                ok = time_whole(&times[OURS], &b, 0);
            else if (turn % 3 == 1)
                ok = time_whole(&times[DIGESTED], &b, HK_DIGEST_ALL);
            else if (picture->format == HK__FORMAT_JPEG)
                ok = time_floor(&times[FLOOR], &b);
        }
        for (int c = 0; c < COLUMNS; c++)
            rounds[c][r] = times[c];
    }
    if (!ok)
        return;
    for (int c = 0; c < COLUMNS; c++)
        middle[c] = median(rounds[c], repeats);
    *timing = (hk__timing){
        .ours = middle[OURS],
        .digested = middle[DIGESTED],
        .floor = middle[FLOOR],
        .read = middle[READ],
        .digest = middle[DIGEST],
        .decode = middle[DECODE],
        .grid = middle[GRID],
        .dct = middle[DCT],
        .bits = middle[BITS],
    };
}
