/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vips.h - inside the decoders: images of libvips for vips_views.c, which reads their rows.
 */
#ifndef HK_DECODE_VIPS_H
#define HK_DECODE_VIPS_H

#include "decode/picture.h"

#include <vips/vips.h>

typedef struct hk__vips_source {
    hk__format format;
    const uint8_t *bytes;
    size_t count;
} hk__vips_source;

/* Forgets what went wrong before. */
void hk__vips_begin(void);

/* The header of `count` pages or frames from `page` on, one below the other; page -1: of the one
 * picture that a viewer shows first. NULL on error. */
VipsImage *hk__vips_open(const hk__vips_source *source, VipsFailOn fail_on, int page, int count);

/* The image as 8-bit grey or sRGB, each with or without alpha; consumes `image`. NULL on error. */
VipsImage *hk__vips_plain(VipsImage *image);

/* Sets the status, or out_of_memory where it was that, and the reason in libvips' words. */
void hk__vips_fail(hk__picture *picture, hk_file_status status);

/* Lets the format's loader in, or shuts it out. */
void hk__vips_allow(hk__format format, bool allowed);

#endif
