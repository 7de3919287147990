/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * picture.h - what decoding one file gives: a status, facts, and if there was a picture its grid
 * and, on request, its exact grid and a small raster; of a file of several views (frames, pages,
 * backdrops) once for each. This is all that leaves a decode worker; the file's bytes never do.
 */
#ifndef HK_DECODE_PICTURE_H
#define HK_DECODE_PICTURE_H

#include "decode/format.h"
#include "herken.h"
#include "spectrum/sampler.h"

#define HK__REASON_SIZE 160

#define HK__DEPTH_MAX 16                     /* of max_depth */
#define HK__RATIO_FLOOR (UINT64_C(64) << 20) /* what any archive may unpack to */

/* What a decoder may take on. max_depth and those below are of one file that is an archive, with
 * all archives inside it, and read only where archives are opened. */
typedef struct hk__limits {
    uint64_t max_pixels; /* width x height of one picture, from the header */
    uint64_t max_bytes;  /* of a file to decode, and of an archive inside another */
    uint32_t max_pages;
    uint32_t frames;       /* hk_frames: which are decoded */
    uint32_t allow;        /* HK_ALLOW_*: formats that are decoded as well */
    uint32_t max_depth;    /* archives opened in each other, 1..HK__DEPTH_MAX; 1: the file alone */
    uint64_t max_members;  /* entries, folders too */
    uint64_t max_unpacked; /* bytes out of it */
    uint64_t max_ratio;    /* of these to the file's own, above HK__RATIO_FLOOR; >= 1 */
    uint32_t full_decode;  /* 1: decode every pixel, take no shortcut */
    uint32_t spare;        /* 0 */
} hk__limits;

typedef struct hk__picture {
    hk_file_status status;
    hk__format format;
    uint32_t width, height;       /* as stored; 0: unknown */
    uint32_t exif_orientation;    /* 1..8; 0: unknown */
    uint32_t flags;               /* HK_FLAG_TRUNCATED, _ANIMATED and _SCALED_DECODE */
    uint32_t frame;               /* or page, from 1 on; 0: there is one */
    uint32_t backdrop;            /* hk_backdrop */
    char reason[HK__REASON_SIZE]; /* in words, printable; empty if there is nothing to say */
    bool has_exact;               /* only with pixels: exact_grid, which was asked for */
    bool has_pixels;              /* only with HK_FILE_OK and HK_FILE_TRUNCATED; then: */
    float grid[HK__GRID_SIZE];    /* PDQ's 64x64 grid of the upright picture, 0..255 */
    uint32_t raster_width, raster_height; /* 1..HK__RASTER_SIDE; 0 unless it was asked for */
    float exact_grid[HK__GRID_SIZE];      /* the same at exact places (spectrum/axis.h) */
    uint8_t raster[HK__RASTER_SIDE * HK__RASTER_SIDE]; /* upright grey picture, row-major */
} hk__picture;

/* Sets status and the reason (printf), replacing control characters. */
void hk__picture_fail(hk__picture *picture, hk_file_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
