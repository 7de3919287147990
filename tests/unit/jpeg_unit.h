/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jpeg_unit.h - JPEG files of given coefficients or pixels, in memory. test_shrink.c and
 * test_jpeg.c rely on it.
 */
#ifndef TESTS_JPEG_UNIT_H
#define TESTS_JPEG_UNIT_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct jpeg_kind {
    const char *name;
    int components;                      /* 1 or 3 */
    int h, v;                            /* of the first one */
    bool progressive, arithmetic, apart; /* apart: a scan to each component */
    int restart;                         /* MCUs, or 0 */
} jpeg_kind;

static const jpeg_kind jpeg_kinds[] = {
    {"grey", 1, 1, 1, false, false, false, 0},
    {"grey, two by two", 1, 2, 2, false, false, false, 0},
    {"4:4:4", 3, 1, 1, false, false, false, 0},
    {"4:2:0", 3, 2, 2, false, false, false, 0},
    {"4:2:2", 3, 2, 1, false, false, false, 7},
    {"4:4:0", 3, 1, 2, false, false, false, 0},
    {"4:1:1", 3, 4, 1, false, false, false, 0},
    {"4:1:0", 3, 2, 4, false, false, false, 0},
    {"4:2:0, restarts", 3, 2, 2, false, false, false, 3},
    {"4:2:0, scans apart", 3, 2, 2, false, false, true, 0},
    {"4:2:0, progressive", 3, 2, 2, true, false, false, 0},
    {"grey, progressive", 1, 1, 1, true, false, false, 0},
    {"4:2:0, arithmetic", 3, 2, 2, false, true, false, 0},
    {"4:2:0, progressive, arithmetic", 3, 2, 2, true, true, false, 5},
};

typedef struct jpeg_file {
    unsigned char *bytes;
    unsigned long count;
} jpeg_file;

static inline void jpeg_hush(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* Begins a file of the kind: everything up to its quantisation. */
static inline void jpeg_begin(struct jpeg_compress_struct *jpeg, struct jpeg_error_mgr *errors,
                              jpeg_file *file, const jpeg_kind *kind, uint32_t width,
                              uint32_t height)
{
    static const jpeg_scan_info apart[] = {
        {1, {0}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}};
    *file = (jpeg_file){NULL, 0};
    memset(jpeg, 0, sizeof *jpeg);
    jpeg->err = jpeg_std_error(errors);
    errors->output_message = jpeg_hush;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &file->bytes, &file->count);
    jpeg->image_width = width;
    jpeg->image_height = height;
    jpeg->input_components = kind->components;
    jpeg->in_color_space = kind->components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
    jpeg_set_defaults(jpeg);
    jpeg->comp_info[0].h_samp_factor = kind->h;
    jpeg->comp_info[0].v_samp_factor = kind->v;
    jpeg->arith_code = kind->arithmetic;
    jpeg->optimize_coding = !kind->arithmetic;
    jpeg->restart_interval = (unsigned)kind->restart;
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
    if (kind->apart) {
        jpeg->scan_info = apart;
        jpeg->num_scans = 3;
    }
}

/* A file whose luma blocks are filled by `fill` and whose chroma is flat. table: 64 entries. */
static inline jpeg_file jpeg_of_blocks(const jpeg_kind *kind, uint32_t width, uint32_t height,
                                       const unsigned table[64],
                                       void (*fill)(int16_t block[64], uint64_t *state),
                                       uint64_t seed)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_file file;
    jpeg_begin(&jpeg, &errors, &file, kind, width, height);
    bool coarse = false;
    for (int i = 0; i < 64; i++)
        coarse |= table[i] > 255;
    jpeg_add_quant_table(&jpeg, 0, table, 100, !coarse);

    jvirt_barray_ptr arrays[3];
    uint32_t across[3], down[3];
    for (int c = 0; c < kind->components; c++) {
        const uint32_t h = c ? 1 : (uint32_t)kind->h, v = c ? 1 : (uint32_t)kind->v;
        across[c] = (width + 8 * (uint32_t)kind->h - 1) / (8 * (uint32_t)kind->h) * h;
        down[c] = (height + 8 * (uint32_t)kind->v - 1) / (8 * (uint32_t)kind->v) * v;
        arrays[c] = jpeg.mem->request_virt_barray((j_common_ptr)&jpeg, JPOOL_IMAGE, TRUE, across[c],
                                                  down[c], v);
    }
    jpeg_write_coefficients(&jpeg, arrays);
    for (int c = 0; c < kind->components; c++)
        for (uint32_t y = 0; y < down[c]; y++) {
            JBLOCKARRAY row =
                jpeg.mem->access_virt_barray((j_common_ptr)&jpeg, arrays[c], y, 1, TRUE);
            for (uint32_t x = 0; x < across[c]; x++)
                if (c == 0)
                    fill(row[0][x], &seed);
        }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

/* A file of luma pixels. exif: 1..8, or 0 for none. */
static inline jpeg_file jpeg_of_pixels(const jpeg_kind *kind, const uint8_t *pixels, uint32_t width,
                                       uint32_t height, int quality, unsigned exif)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg_file file;
    jpeg_begin(&jpeg, &errors, &file, kind, width, height);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t note[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0";
    note[24] = (uint8_t)exif;
    if (exif)
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, note, sizeof note - 1);
    uint8_t *row = malloc((size_t)width * 3);
    for (uint32_t y = 0; y < height; y++) {
        JSAMPROW rows = row;
        for (uint32_t x = 0; x < width; x++)
            for (int c = 0; c < kind->components; c++)
                row[x * (uint32_t)kind->components + (uint32_t)c] =
                    c ? (uint8_t)(128 + (c == 1 ? 40 : -30)) : pixels[(size_t)y * width + x];
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    free(row);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return file;
}

#endif
