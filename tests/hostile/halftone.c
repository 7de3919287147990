/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * halftone.c - a JPEG that shows one picture and keeps another in its block means.
 *
 * Each 8x8 block gets the DC coefficient of picture A, and AC coefficients so large that every
 * pixel is cut to 0 or 255; the share of white pixels is the grey of picture B. A viewer shows B,
 * as a newspaper prints it. A decoder that takes only the DC coefficients (1/8 scale, or the first
 * scan of a progressive file) sees A, and no marker in the file tells.
 *
 * usage: halftone SEED-A SEED-B BLOCKS OUT.jpg [progressive]
 * The pictures are the photo-like pattern, BLOCKS x BLOCKS pixels, shifted by the seed.
 */
#include "plain_pdq.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { QUANT = 8 };

static uint8_t *draw(int seed, int side)
{
    const int large = side + 64 * seed;
    uint8_t *all = malloc((size_t)large * (size_t)large),
            *part = malloc((size_t)side * (size_t)side);
    if (!all || !part || !pattern_draw(all, "photo_like", large, large))
        exit(2);
    for (int y = 0; y < side; y++)
        memcpy(part + (size_t)y * (size_t)side,
               all + (size_t)(y + 64 * seed) * (size_t)large + 64 * seed, (size_t)side);
    free(all);
    return part;
}

/* The order in which the 64 pixels of a block turn white (a Bayer matrix). */
static int rank_of(int x, int y)
{
    int rank = 0;
    for (int bit = 0; bit < 3; bit++) {
        const int a = x >> bit & 1, b = y >> bit & 1;
        rank |= ((a ^ b) << 1 | b) << (4 - 2 * bit);
    }
    return rank;
}

static double cosine[8][8];

/* A block whose mean is `hidden` and which shows `shown`. */
static void make_block(JCOEFPTR block, int hidden, int shown)
{
    const int white = (shown * 64 + 127) / 255;
    double wave[8][8];
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            wave[y][x] = 900 * ((rank_of(x, y) < white) - white / 64.0); /* without a mean */
    for (int v = 0; v < 8; v++)
        for (int u = 0; u < 8; u++) {
            double sum = 0;
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    sum += wave[y][x] * cosine[v][y] * cosine[u][x];
            sum *= (u ? 1 : M_SQRT1_2) * (v ? 1 : M_SQRT1_2) / 4;
            const double most = 1023;
            const double level = fmax(-most, fmin(most, round(sum / QUANT)));
            block[v * 8 + u] = (JCOEF)level;
        }
    block[0] = (JCOEF)((hidden - 128) * 8 / QUANT);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    const int side = atoi(argv[3]);
    uint8_t *hidden = draw(atoi(argv[1]), side), *shown = draw(atoi(argv[2]), side);
    FILE *file = fopen(argv[4], "wb");
    if (!file)
        return 2;
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < 8; i++)
            cosine[k][i] = cos((2 * i + 1) * k * M_PI / 16);

    struct jpeg_error_mgr errors;
    struct jpeg_compress_struct jpeg = {.err = jpeg_std_error(&errors)};
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = jpeg.image_height = (JDIMENSION)side * 8;
    jpeg.input_components = 1;
    jpeg.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    unsigned table[64];
    for (int i = 0; i < 64; i++)
        table[i] = QUANT;
    jpeg_add_quant_table(&jpeg, 0, table, 100, TRUE);
    jpeg.optimize_coding = TRUE;
    if (argc > 5)
        jpeg_simple_progression(&jpeg);

    jvirt_barray_ptr blocks = jpeg.mem->request_virt_barray((j_common_ptr)&jpeg, JPOOL_IMAGE, TRUE,
                                                            (JDIMENSION)side, (JDIMENSION)side, 1);
    jpeg_write_coefficients(&jpeg, &blocks);
    for (int y = 0; y < side; y++) {
        JBLOCKARRAY row =
            jpeg.mem->access_virt_barray((j_common_ptr)&jpeg, blocks, (JDIMENSION)y, 1, TRUE);
        for (int x = 0; x < side; x++)
            make_block(row[0][x], hidden[y * side + x], shown[y * side + x]);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(hidden);
    free(shown);
    return fclose(file) != 0;
}
