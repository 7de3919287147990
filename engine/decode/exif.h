/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exif.h - the one thing we need of a JPEG's EXIF block: how the picture is to be turned.
 */
#ifndef HK_DECODE_EXIF_H
#define HK_DECODE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The Orientation tag (0x0112) of the first directory in the body of an APP1 segment, 1..8; 0 if
 * the segment is no EXIF or has no valid tag. The bytes are hostile. */
unsigned hk__exif_orientation(const uint8_t *segment, size_t count);

#endif
