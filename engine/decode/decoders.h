/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decoders.h - bytes of a file in memory -> picture. Runs inside a decode worker only.
 *
 *      bytes --format_of--> jpeg.c (libjpeg-turbo)         \
 *                           bmp.c                            --> canvas --> picture
 *                           vips_views.c (everything else)  /
 *
 * Of a file of several views the last one stays in `picture`; those before it go where the canvas
 * sends them (hk__canvas_view), if it does.
 *
 * Decoders fill `picture` and never fail otherwise: what went wrong is its status and reason. They
 * check the header against the limits before anything is allocated for pixels.
 */
#ifndef HK_DECODE_DECODERS_H
#define HK_DECODE_DECODERS_H

#include "decode/canvas.h"
#include "decode/picture.h"

typedef void hk__decode_fn(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes,
                           size_t count, const hk__limits *limits);

/* Any format. */
hk__decode_fn hk__decode;
/* Just these. */
hk__decode_fn hk__decode_jpeg;
hk__decode_fn hk__decode_bmp;
hk__decode_fn hk__decode_vips;

/* Prepares libvips in this process, before its sandbox is closed: loads the modules, blocks all
 * loaders but ours, turns caches and threads down. */
hk_status hk__vips_start(hk_error *err) HK_MUST_CHECK;

/* Finds out whether JPEGs can be shrunk while they are decoded (shrink.h), before the sandbox is
 * closed. Without it, or where they cannot, they are decoded in full. */
void hk__jpeg_start(void);

/* Called by GLib's log before it aborts for want of memory; does not return. NULL: abort. */
extern void (*hk__on_no_memory)(const char *words);

/* Checks that a decoder may go on: sets too_small or too_large and returns false where not. */
bool hk__picture_admit(hk__picture *picture, uint64_t width, uint64_t height,
                       const hk__limits *limits);

/* Says why a file whose format no decoder takes has no picture: unsupported or not_an_image. */
void hk__picture_refuse(hk__picture *picture, bool empty);

/* The floor that hashing is measured against: libjpeg-turbo's own full decode to grey rows, and
 * nothing else. False if the bytes do not decode. */
bool hk__decode_jpeg_floor(const uint8_t *bytes, size_t count);

#endif
