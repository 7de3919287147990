/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stopwatch.c - see stopwatch.h. */
#include "decode/stopwatch.h"

#include "core/clock.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS_MAX = 1000, OURS = 0, FLOOR, READ, DECODE, GRID, DCT, COLUMNS };

hk_status hk__stopwatch_prepare(hk_error *err)
{
    static const float grid[HK__GRID_SIZE]; /* makes FFTW's plan */
    hk_fingerprint fingerprint;
    return hk__fingerprint(&fingerprint, &hk__model_pdq, grid, err);
}

static bool time_ours(uint64_t times[COLUMNS], hk__picture *picture, int fd,
                      const hk__limits *limits, hk__content *content, hk__canvas *canvas,
                      hk__digester *digester)
{
    hk_fingerprint fingerprint;
    memset(picture, 0, offsetof(hk__picture, grid));
    const uint64_t start = hk__clock_ns();
    if (!hk__content_read(content, picture, fd, digester, 0, 0, limits))
        return false;
    const uint64_t read = hk__clock_ns();
    if (!content->kept) {
        hk__picture_refuse(picture, content->empty);
        return false;
    }
    hk__decode(picture, canvas, content->bytes, content->count, limits);
    const uint64_t decoded = hk__clock_ns();
    if (!picture->has_pixels || hk__fingerprint(&fingerprint, &hk__model_pdq, picture->grid, NULL))
        return false;
    const uint64_t end = hk__clock_ns();
    times[OURS] = end - start;
    times[READ] = read - start;
    times[GRID] = hk__canvas_ns(canvas);
    times[DECODE] = decoded - read - times[GRID];
    times[DCT] = end - decoded;
    return true;
}

static bool time_floor(uint64_t *ns, int fd, const hk__limits *limits, hk__content *content,
                       hk__digester *digester)
{
    hk__picture facts;
    memset(&facts, 0, offsetof(hk__picture, grid));
    const uint64_t start = hk__clock_ns();
    if (!hk__content_read(content, &facts, fd, digester, 0, 0, limits) ||
        !hk__decode_jpeg_floor(content->bytes, content->count))
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
    repeats = repeats < ROUNDS_MAX ? repeats : ROUNDS_MAX;
    for (unsigned r = 0; r < repeats; r++) {
        uint64_t times[COLUMNS] = {0}, parts[COLUMNS] = {0};
        /* The clock inside the rows costs a little: the split comes from a round of its own. */
        hk__canvas_time(canvas, true);
        bool ok = time_ours(parts, picture, fd, limits, content, canvas, digester);
        hk__canvas_time(canvas, false);
        const bool ours_first = r % 2;
        for (int turn = 0; turn < 2 && ok; turn++) {
            if ((turn == 0) == ours_first)
                ok = time_ours(times, picture, fd, limits, content, canvas, digester);
            else if (picture->format == HK__FORMAT_JPEG)
                ok = time_floor(&times[FLOOR], fd, limits, content, digester);
        }
        if (!ok)
            return;
        for (int c = 0; c < COLUMNS; c++)
            rounds[c][r] = c == OURS || c == FLOOR ? times[c] : parts[c];
    }
    *timing = (hk__timing){median(rounds[OURS], repeats), median(rounds[FLOOR], repeats),
                           median(rounds[READ], repeats), median(rounds[DECODE], repeats),
                           median(rounds[GRID], repeats), median(rounds[DCT], repeats)};
}
