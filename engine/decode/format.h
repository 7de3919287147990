/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format.h - formats are told by content, never by name.
 */
#ifndef HK_DECODE_FORMAT_H
#define HK_DECODE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values travel between processes of one build; HK__FORMAT_NONE is "no image known to us". */
typedef enum hk__format {
    HK__FORMAT_NONE = 0,
    HK__FORMAT_JPEG,
    HK__FORMAT_PNG,
    HK__FORMAT_WEBP,
    HK__FORMAT_GIF,
    HK__FORMAT_TIFF,
    HK__FORMAT_HEIC,
    HK__FORMAT_AVIF,
    HK__FORMAT_BMP, /* from here on: known images that are not decoded */
    HK__FORMAT_JXL,
    HK__FORMAT_JP2,
    HK__FORMAT_PSD,
    HK__FORMAT_ICO,
    HK__FORMAT_PNM,
    HK__FORMAT_SVG,
    HK__FORMAT_EXR,
    HK__FORMAT_HDR,
    HK__FORMATS
} hk__format;

/* Enough of a file's beginning for hk__format_of; more does no harm. */
#define HK__FORMAT_BYTES 1024

hk__format hk__format_of(const uint8_t *bytes, size_t count);

/* "jpeg", "png", ...; NULL for HK__FORMAT_NONE and out of range. */
const char *hk__format_name(hk__format format);

/* True for formats that the decoders take. */
bool hk__format_is_decoded(hk__format format);

#endif
