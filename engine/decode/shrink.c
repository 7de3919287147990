/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shrink.c - see shrink.h.
 *
 * libjpeg is asked for 2/8 of the size: then its entropy decoders keep all coefficients (at 1/8
 * they drop those of AC) and its output controller wants 2x2 samples of each block of 8x8 pixels.
 * It gets none: ours go, as floats, into a strip that holds one row of MCUs.
 *
 * Blocks come row by row within a row of MCUs, but with MCUs of two block rows in the order of the
 * MCUs. Which block row a call is for, its arguments do not say: each column counts its own.
 */
#include "decode/shrink.h"

#include "core/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jpegint.h>

enum { OUT = 8 / HK__SHRINK };

static bool usable;
static inverse_DCT_method_ptr full_idct, /* of islow, 8x8 */
    scaled_idct; /* what libjpeg itself would use: the one that we replace */

bool hk__shrink_can(const struct jpeg_decompress_struct *jpeg)
{
    const jpeg_component_info *luma = &jpeg->comp_info[0];
    return usable && jpeg->data_precision == 8 &&
           ((jpeg->jpeg_color_space == JCS_GRAYSCALE && jpeg->num_components == 1) ||
            (jpeg->jpeg_color_space == JCS_YCbCr && jpeg->num_components == 3)) &&
           luma->h_samp_factor == jpeg->max_h_samp_factor &&
           luma->v_samp_factor == jpeg->max_v_samp_factor;
}

void hk__shrink_ask(struct jpeg_decompress_struct *jpeg)
{
    jpeg->scale_num = OUT;
    jpeg->scale_denom = 8;
}

/* All 64 pixels, as libjpeg makes them, and the means of those inside the picture. */
__attribute__((noinline)) static void make_in_full(int32_t above[2], int32_t below[2],
                                                   j_decompress_ptr jpeg, jpeg_component_info *luma,
                                                   JCOEFPTR coefs, uint32_t wide, uint32_t high)
{
    hk__shrink *s = jpeg->client_data;
    _Alignas(32) JSAMPLE pixels[64];
    JSAMPROW rows[8];
    for (int y = 0; y < 8; y++)
        rows[y] = pixels + (ptrdiff_t)y * 8;
    full_idct(jpeg, luma, coefs, rows, 0);
    s->made_in_full++;
    if (wide == 8 && high == 8) {
        s->kernels->average(above, below, pixels, &s->rule);
        return;
    }
    for (uint32_t quarter = 0; quarter < 4; quarter++) {
        const uint32_t left = quarter % 2 * 4, top = quarter / 2 * 4;
        uint32_t sum = 0, count = 0;
        for (uint32_t y = top; y < top + 4 && y < high; y++)
            for (uint32_t x = left; x < left + 4 && x < wide; x++, count++)
                sum += pixels[y * 8 + x];
        /* none: beyond the last mean */
        (top ? below : above)[quarter % 2] = count ? (int32_t)((sum << s->rule.shift) / count) : 0;
    }
}

/* In the place of libjpeg's inverse DCT. */
static void take_block(j_decompress_ptr jpeg, jpeg_component_info *luma, JCOEFPTR coefs,
                       JSAMPARRAY output, JDIMENSION output_col)
{
    (void)output;
    hk__shrink *s = jpeg->client_data;
    const uint32_t column = output_col / OUT;
    if (column >= s->blocks) /* libjpeg would not */
        return;
    const uint32_t turn = s->turns[column];
    s->turns[column] = turn + 1 < s->rows_per_block_row ? (uint8_t)(turn + 1) : 0;
    const uint32_t row = jpeg->output_iMCU_row * s->rows_per_block_row + turn;

    int32_t *above = s->strip + (size_t)turn * OUT * s->pitch + output_col;
    const bool inside = column < s->across && row < s->down;
    if (!inside || !s->ruled || !s->kernels->means(above, above + s->pitch, coefs, &s->rule))
        make_in_full(above, above + s->pitch, jpeg, luma, coefs, column < s->across ? 8 : s->tail_x,
                     row < s->down ? 8 : s->tail_y);
}

bool hk__shrink_start(hk__shrink *shrink, struct jpeg_decompress_struct *jpeg)
{
    jpeg_component_info *luma = &jpeg->comp_info[0];
    memset(shrink, 0, sizeof *shrink);
    const uint32_t width = (jpeg->image_width + HK__SHRINK - 1) / HK__SHRINK,
                   height = (jpeg->image_height + HK__SHRINK - 1) / HK__SHRINK;
    if (jpeg->output_width != width || jpeg->output_height != height ||
        jpeg->min_DCT_scaled_size != OUT || luma->DCT_scaled_size != OUT ||
        luma->width_in_blocks != (jpeg->image_width + 7) / 8 || !luma->quant_table ||
        (usable && jpeg->idct->inverse_DCT[0] != scaled_idct))
        return false;

    shrink->kernels = hk__block_in_use();
    shrink->ruled = hk__block_rule_make(&shrink->rule, luma->quant_table->quantval);
    shrink->rows_per_block_row = (uint32_t)luma->v_samp_factor;
    shrink->blocks = luma->width_in_blocks;
    shrink->across = jpeg->image_width / 8;
    shrink->down = jpeg->image_height / 8;
    shrink->tail_x = jpeg->image_width % 8 ? jpeg->image_width % 8 : 8;
    shrink->tail_y = jpeg->image_height % 8 ? jpeg->image_height % 8 : 8;
    shrink->pitch = (size_t)shrink->blocks * OUT;
    shrink->turns = hk__alloc(shrink->blocks, 1);
    shrink->strip = hk__alloc(shrink->pitch * OUT * shrink->rows_per_block_row, sizeof(int32_t));
    shrink->line = hk__alloc(shrink->pitch, sizeof(float));
    if (!shrink->turns || !shrink->strip || !shrink->line)
        return false;
    scaled_idct = jpeg->idct->inverse_DCT[0];
    jpeg->client_data = shrink;
    jpeg->idct->inverse_DCT[0] = take_block;
    return true;
}

const float *hk__shrink_row(const hk__shrink *shrink, uint32_t row)
{
    const int32_t *from = shrink->strip + row % (OUT * shrink->rows_per_block_row) * shrink->pitch;
    const float unit = ldexpf(1, -shrink->rule.shift);
    for (size_t i = 0; i < shrink->pitch; i++)
        shrink->line[i] = (float)from[i] * unit;
    return shrink->line;
}

void hk__shrink_clear(hk__shrink *shrink)
{
    hk__free(shrink->turns);
    hk__free(shrink->strip);
    hk__free(shrink->line);
    shrink->turns = NULL;
    shrink->strip = NULL;
    shrink->line = NULL;
}

/* ---- trying it out ------------------------------------------------------------------------- */

enum { TRY_WIDTH = 45, TRY_HEIGHT = 29 }; /* cut blocks at both edges, and cut quarters */

typedef struct trial {
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    struct jpeg_compress_struct made;
    struct jpeg_decompress_struct read;
    unsigned char *bytes;
    unsigned long count;
    hk__shrink shrink;
    uint8_t full[TRY_HEIGHT][TRY_WIDTH];
} trial;

static void on_trouble(j_common_ptr jpeg)
{
    trial *t = (trial *)((char *)jpeg->err - offsetof(trial, errors));
    longjmp(t->escape, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* Colour, subsampled, with dark, bright and rough blocks among smooth ones. */
static void make_file(trial *t)
{
    jpeg_create_compress(&t->made);
    jpeg_mem_dest(&t->made, &t->bytes, &t->count);
    t->made.image_width = TRY_WIDTH;
    t->made.image_height = TRY_HEIGHT;
    t->made.input_components = 3;
    t->made.in_color_space = JCS_RGB;
    jpeg_set_defaults(&t->made);
    jpeg_set_quality(&t->made, 90, TRUE);
    jpeg_start_compress(&t->made, TRUE);
    for (int y = 0; y < TRY_HEIGHT; y++) {
        uint8_t row[TRY_WIDTH * 3];
        for (int x = 0; x < TRY_WIDTH; x++) {
            const int smooth = 40 + 3 * x + y, rough = (x * 7 + y * 13) % 5 < 2 ? 255 : 0;
            row[x * 3] = (uint8_t)(x / 8 % 2 == y / 8 % 2 ? smooth : rough);
            row[x * 3 + 1] = (uint8_t)(row[x * 3] / 2 + 2 * x);
            row[x * 3 + 2] = (uint8_t)(255 - row[x * 3]);
        }
        JSAMPROW rows = row;
        jpeg_write_scanlines(&t->made, &rows, 1);
    }
    jpeg_finish_compress(&t->made);
}

static void start_reading(trial *t, bool shrunk)
{
    jpeg_create_decompress(&t->read);
    jpeg_mem_src(&t->read, t->bytes, t->count);
    jpeg_read_header(&t->read, TRUE);
    t->read.out_color_space = JCS_GRAYSCALE;
    t->read.dct_method = JDCT_ISLOW;
    if (shrunk)
        hk__shrink_ask(&t->read);
    jpeg_start_decompress(&t->read);
}

static float full_mean(const trial *t, int left, int top)
{
    int sum = 0, count = 0;
    for (int y = top; y < top + HK__SHRINK && y < TRY_HEIGHT; y++)
        for (int x = left; x < left + HK__SHRINK && x < TRY_WIDTH; x++, count++)
            sum += t->full[y][x];
    return (float)sum / (float)count;
}

/* Whether the means are those of libjpeg's own pixels. Jumps on errors. */
static bool agrees(trial *t)
{
    make_file(t);
    start_reading(t, false);
    full_idct = t->read.idct->inverse_DCT[0];
    for (int y = 0; y < TRY_HEIGHT; y++) {
        JSAMPROW row = t->full[y];
        if (jpeg_read_scanlines(&t->read, &row, 1) != 1)
            return false;
    }
    jpeg_destroy_decompress(&t->read);

    start_reading(t, true);
    if (!hk__shrink_start(&t->shrink, &t->read))
        return false;
    uint8_t nothing[TRY_WIDTH];
    JSAMPROW row = nothing;
    for (uint32_t y = 0; y < t->read.output_height; y++) {
        if (jpeg_read_scanlines(&t->read, &row, 1) != 1)
            return false;
        const float *means = hk__shrink_row(&t->shrink, y);
        for (uint32_t x = 0; x < t->read.output_width; x++)
            if (!(fabsf(means[x] - full_mean(t, (int)x * HK__SHRINK, (int)y * HK__SHRINK)) < 0.7f))
                return false;
    }
    const uint64_t blocks = (uint64_t)t->shrink.blocks * ((TRY_HEIGHT + 7) / 8);
    return t->shrink.made_in_full > 0 && t->shrink.made_in_full < blocks; /* both ways were tried */
}

void hk__shrink_prepare(void)
{
    trial *t = hk__alloc(1, sizeof *t);
    usable = false;
    if (!t)
        return;
    t->made.err = t->read.err = jpeg_std_error(&t->errors);
    t->errors.error_exit = on_trouble;
    t->errors.output_message = say_nothing;
    if (!setjmp(t->escape))
        usable = agrees(t);
    hk__shrink_clear(&t->shrink);
    jpeg_destroy_compress(&t->made);
    jpeg_destroy_decompress(&t->read);
    free(t->bytes); /* libjpeg's own malloc */
    hk__free(t);
}
