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
    HK__FORMAT_BMP, /* these three only where they are allowed */
    HK__FORMAT_JXL,
    HK__FORMAT_JP2,
    HK__FORMAT_PSD, /* from here on: known images that are not decoded */
    HK__FORMAT_ICO,
    HK__FORMAT_PNM,
    HK__FORMAT_SVG,
    HK__FORMAT_EXR,
    HK__FORMAT_HDR,
    HK__FORMAT_ZIP, /* from here on: archives */
    HK__FORMAT_7Z,
    HK__FORMAT_TAR,
    HK__FORMAT_TAR_GZ, /* these are told by their compression: a tar inside is yet to be seen */
    HK__FORMAT_TAR_BZ2,
    HK__FORMAT_TAR_XZ,
    HK__FORMAT_TAR_ZST,
    HK__FORMATS
} hk__format;

/* Enough of a file's beginning for hk__format_of; more does no harm. */
#define HK__FORMAT_BYTES 1024

/* The image format of a file that begins with these bytes. */
hk__format hk__format_of(const uint8_t *bytes, size_t count);

/* Its archive format, or HK__FORMAT_NONE. What is an image is no archive. */
hk__format hk__archive_of(const uint8_t *bytes, size_t count);

/* "jpeg", "png", "tar.gz", ...; NULL for HK__FORMAT_NONE and out of range. */
const char *hk__format_name(hk__format format);

/* True for formats that the decoders take; `allow` (HK_ALLOW_*) adds some. */
bool hk__format_is_decoded(hk__format format, unsigned allow);
/* The HK_ALLOW_* of a format that is decoded only where it is named; 0: it is always, or never. */
unsigned hk__format_allow(hk__format format);
bool hk__format_is_archive(hk__format format);

#endif
