/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hidden.h - animations that viewers play and our decoders show the first picture of.
 */
#ifndef HK_DECODE_HIDDEN_H
#define HK_DECODE_HIDDEN_H

#include "decode/format.h"

/* In words, static, which frames of the file are not decoded: those of an animated PNG, of an image
 * sequence in HEIF or AVIF, the rest of a GIF that is cut off, and pages of a TIFF behind the
 * `pages` that its decoder counted, which stops at the first directory that it cannot read. NULL:
 * it has none. The bytes are hostile. */
const char *hk__hidden_frames(hk__format format, const uint8_t *bytes, size_t count,
                              unsigned pages);

#endif
