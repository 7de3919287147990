/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shrink.h - a JPEG at a quarter of its width and height, from which nothing of it can hide.
 *
 * libjpeg's own scaled decoding reads the block means of a picture *before* its pixels are cut to
 * 0..255. Coefficients large enough to cut every pixel can show a viewer one picture and keep
 * another one in the means (tests/hostile/halftone.c). So libjpeg reads the file here, every
 * coefficient of it, as if it scaled down; but its inverse DCT of the luma is replaced by ours,
 * which gives the means of the pixels as they are shown:
 *
 *      coefficients --> no pixel can be cut (block.h proves it): means by a short sum
 *                   `-> a pixel may be cut, or lies outside the picture, or the table is odd:
 *                       libjpeg's own full inverse DCT makes the 64 pixels, and they are averaged
 *
 * What is left between these means and those of the shown pixels is that pixels are whole numbers.
 * libjpeg rounds each, by half a grey level at the most, and less than 0.2 inside its arithmetic;
 * our weights are rounded by less than 0.1.
 * Of honest pictures these 16 roundings cancel out (0.1 of a grey level). Somebody may choose
 * coefficients for which they do not: in a block of texture all pixels may be rounded the same way.
 * So the picture hashed is one of which each mean lies within 0.8 of a grey level of the one shown.
 * That is no door: whoever wants such a picture hashed can write it so in the first place, with
 * pixels of any format changed by a level that nobody sees. Pictures that have less contrast than
 * that all over are flat to a viewer too, and their hash is of low quality or degenerate both ways.
 * A block without any AC coefficient is rounded as libjpeg rounds it.
 *
 * The inverse DCT is replaced in a struct of libjpeg's that is private (jpegint.h), though the
 * same since 1991. hk__shrink_prepare tries it out on a picture made on the spot. Where that fails,
 * or the headers at build time were of another library, nothing is ever shrunk.
 */
#ifndef HK_DECODE_SHRINK_H
#define HK_DECODE_SHRINK_H

#include "decode/block.h"

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

enum { HK__SHRINK = 4 }; /* pixels to a mean, along either axis */

typedef struct hk__shrink {
    const hk__block *kernels;
    hk__block_rule rule;
    bool ruled; /* there is a rule; else every block is made in full */
    uint32_t rows_per_block_row, across, down; /* block rows of an MCU row; whole blocks inside */
    uint32_t blocks;                           /* in a row */
    uint32_t tail_x, tail_y;                   /* pixels of the picture in a cut block, 1..8 */
    uint8_t *turns;                            /* [blocks] the next block row of each column */
    int32_t *strip; /* [2 * rows_per_block_row * pitch] in the rule's unit */
    float *line;    /* [pitch] */
    size_t pitch;
    uint64_t made_in_full; /* blocks */
} hk__shrink;

/* Tries the replacement out, once for the process and before its sandbox closes. Where it is not
 * called, nothing is shrunk. */
void hk__shrink_prepare(void);

/* Whether a picture whose header was read can be shrunk: grey or YCbCr, its luma not subsampled. */
bool hk__shrink_can(const struct jpeg_decompress_struct *jpeg);

/* Asks libjpeg for it, between reading the header and jpeg_start_decompress. */
void hk__shrink_ask(struct jpeg_decompress_struct *jpeg);

/* Takes over after jpeg_start_decompress; client_data is ours from now on. The rows of libjpeg hold
 * nothing then: after each call of jpeg_read_scanlines, row i of those that it gave is
 * hk__shrink_row. False where libjpeg is not as it was when it was tried out, or without memory:
 * begin the file again, in full. Clear it in any case. */
bool hk__shrink_start(hk__shrink *shrink, struct jpeg_decompress_struct *jpeg);

/* The means 0..255 of output row `row`, one of those that the last call gave; output_width.
 * Borrowed until the next call. */
const float *hk__shrink_row(const hk__shrink *shrink, uint32_t row);

void hk__shrink_clear(hk__shrink *shrink);

#endif
