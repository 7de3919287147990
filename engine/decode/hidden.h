/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hidden.h - animations that viewers play and our decoders show the first picture of.
 */
#ifndef HK_DECODE_HIDDEN_H
#define HK_DECODE_HIDDEN_H

#include "decode/format.h"

/* In words, static, which frames of the file are not decoded: those of an animated PNG, of an image
 * sequence in HEIF or AVIF, of a GIF the rest where it is cut off and what lies outside the width
 * and height that its decoder gives all pages, and pages of a TIFF behind the `pages` that its
 * decoder counted, which stops at the first directory that it cannot read. NULL: it has none. The
 * bytes are hostile. */
const char *hk__hidden_frames(hk__format format, const uint8_t *bytes, size_t count, unsigned pages,
                              uint32_t width, uint32_t height);

#endif
