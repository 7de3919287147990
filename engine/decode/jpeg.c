/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jpeg.c - JPEG to luma rows through libjpeg-turbo; see decoders.h.
 *
 * Grey output skips the chroma transforms and gives the Y of the file as it is. libjpeg reports
 * errors by longjmp: everything a jump may leave behind lives in struct source.
 *
 * Damage is a warning to libjpeg: it fills what is missing with grey and goes on. Such a picture
 * is `truncated`; one of which not even the first rows came is `unreadable`.
 *
 * Large pictures are read as means of 4x4 pixels (shrink.h): their grids are sampled at the places
 * of the whole picture, whose weights are folded onto the means.
 */
#include "decode/decoders.h"
#include "decode/exif.h"
#include "decode/shrink.h"

#include "core/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    ROWS = 16,
    MAX_SCANS = 500,
    SHRUNK_SIDE = 368 /* means along the shorter side, at the least */
};

typedef struct source {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    bool damaged; /* part of the picture is not what was encoded */
    bool nothing; /* the data ended before the first rows */
    bool too_many_scans;
    char words[JMSG_LENGTH_MAX]; /* of the first damage, or of the error */
    bool shrunk;                 /* rows are those of `shrink` */
    bool in_full;                /* never shrunk */
    bool again;                  /* it failed to be: begin again in full */
    hk__shrink shrink;
    uint8_t *rows; /* [ROWS * row_size] */
    float *luma;   /* [width], CMYK only */
} source;

static source *source_of(j_common_ptr jpeg)
{
    return (source *)((char *)jpeg - offsetof(source, jpeg));
}

static void on_error(j_common_ptr jpeg)
{
    source *s = source_of(jpeg);
    jpeg->err->format_message(jpeg, s->words);
    longjmp(s->escape, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    source *s = source_of(jpeg);
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
        if (!s->damaged)
            s->nothing = s->jpeg.global_state > 0 && s->jpeg.output_scanline == 0 &&
                         s->jpeg.input_scan_number <= 1 && s->jpeg.input_iMCU_row == 0;
        /* fall through */
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
        if (!s->damaged)
            jpeg->err->format_message(jpeg, s->words);
        s->damaged = true;
        break;
    default: /* stray bytes, odd markers: the picture is whole */
        break;
    }
}

static void print_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* A small file can announce scans without end, each of which costs a pass over the picture. */
static void on_progress(j_common_ptr jpeg)
{
    source *s = source_of(jpeg);
    if (s->jpeg.input_scan_number > MAX_SCANS) {
        s->too_many_scans = true;
        snprintf(s->words, sizeof s->words, "more than %d scans", MAX_SCANS);
        longjmp(s->escape, 1);
    }
}

static void open_source(source *s, const uint8_t *bytes, size_t count)
{
    s->jpeg.err = jpeg_std_error(&s->errors);
    s->errors.error_exit = on_error;
    s->errors.emit_message = on_message;
    s->errors.output_message = print_nothing;
    jpeg_create_decompress(&s->jpeg);
    s->progress.progress_monitor = on_progress;
    s->jpeg.progress = &s->progress;
    jpeg_mem_src(&s->jpeg, bytes, (unsigned long)count);
}

static void close_source(source *s)
{
    jpeg_destroy_decompress(&s->jpeg);
    hk__shrink_clear(&s->shrink);
    hk__free(s->rows);
    hk__free(s->luma);
}

static unsigned exif_orientation(const struct jpeg_decompress_struct *jpeg)
{
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1) {
            unsigned orientation = hk__exif_orientation(m->data, m->data_length);
            if (orientation)
                return orientation;
        }
    return 1;
}

static bool is_cmyk(const struct jpeg_decompress_struct *jpeg)
{
    return jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
}

/* Adobe writes CMYK inverted (255 is no ink); others may not. */
static void cmyk_to_luma(float *luma, const uint8_t *cmyk, uint32_t width, bool inverted)
{
    for (uint32_t i = 0; i < width; i++, cmyk += 4) {
        float c = cmyk[0], m = cmyk[1], y = cmyk[2], k = cmyk[3];
        if (!inverted)
            c = 255 - c, m = 255 - m, y = 255 - y, k = 255 - k;
        luma[i] = (0.299f * c + 0.587f * m + 0.114f * y) * k / 255;
    }
}

/* JPEG sorts that this libjpeg-turbo does not decode, as against damaged files. */
static hk_file_status status_of(int message)
{
    switch (message) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL:
        return HK_FILE_UNSUPPORTED;
    case JERR_OUT_OF_MEMORY:
        return HK_FILE_OUT_OF_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return HK_FILE_TOO_LARGE;
    default:
        return HK_FILE_UNREADABLE;
    }
}

/* Reads the rows that are left into the canvas. Jumps on errors. */
static void read_rows(source *s, hk__canvas *canvas)
{
    const uint32_t width = s->jpeg.output_width;
    const size_t pitch = (size_t)width * (size_t)s->jpeg.output_components;
    JSAMPROW rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = s->rows + pitch * (size_t)i;
    while (s->jpeg.output_scanline < s->jpeg.output_height) {
        const JDIMENSION first = s->jpeg.output_scanline;
        const JDIMENSION got = jpeg_read_scanlines(&s->jpeg, rows, ROWS);
        for (JDIMENSION i = 0; i < got; i++) {
            if (s->shrunk) {
                hk__canvas_row_f32(canvas, hk__shrink_row(&s->shrink, first + i));
            } else if (s->luma) {
                cmyk_to_luma(s->luma, rows[i], width, s->jpeg.saw_Adobe_marker);
                hk__canvas_row_f32(canvas, s->luma);
            } else {
                hk__canvas_row_u8(canvas, rows[i]);
            }
        }
        if (s->nothing)
            break;
    }
}

/* Starts decoding to grey (or CMYK) rows and allocates them. Jumps on errors; false: no memory. */
static bool start_rows(source *s)
{
    const bool cmyk = is_cmyk(&s->jpeg);
    s->jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_GRAYSCALE;
    s->jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&s->jpeg);
    s->rows = hk__alloc(ROWS, (size_t)s->jpeg.output_width * (size_t)s->jpeg.output_components);
    if (cmyk)
        s->luma = hk__alloc(s->jpeg.output_width, sizeof *s->luma);
    return s->rows && (s->luma || !cmyk);
}

/* The part between errors; returns false where the picture's status is already said. */
static bool decode(source *s, hk__picture *picture, hk__canvas *canvas, const hk__limits *limits)
{
    jpeg_save_markers(&s->jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&s->jpeg, TRUE);
    picture->exif_orientation = exif_orientation(&s->jpeg);
    if (!hk__picture_admit(picture, s->jpeg.image_width, s->jpeg.image_height, limits))
        return false;
    const uint32_t shorter = picture->width < picture->height ? picture->width : picture->height;
    s->shrunk = !s->in_full && shorter >= SHRUNK_SIDE * HK__SHRINK && hk__shrink_can(&s->jpeg);
    if (s->shrunk)
        hk__shrink_ask(&s->jpeg);
    if (hk__canvas_begin_means(canvas, picture->width, picture->height, picture->exif_orientation,
                               s->shrunk ? HK__SHRINK : 1, NULL) ||
        !start_rows(s)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its rows");
        return false;
    }
    if (s->shrunk && !hk__shrink_start(&s->shrink, &s->jpeg)) {
        s->again = true;
        return false;
    }
    read_rows(s, canvas);
    return true;
}

/* One try; false: it is to be done again in full. */
static bool try(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                const hk__limits *limits, bool in_full)
{
    bool again = false;
    source *s = hk__alloc(1, sizeof *s);
    if (!s) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for the decoder");
        return true;
    }
    s->in_full = in_full;
    if (setjmp(s->escape) == 0) {
        open_source(s, bytes, count);
        if (!decode(s, picture, canvas, limits))
            goto out;
    } else if (s->too_many_scans) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE, "%s", s->words);
        goto out;
    } else if (s->jpeg.output_scanline == 0) {
        hk__picture_fail(picture, status_of(s->errors.msg_code), "%s", s->words);
        goto out;
    } else { /* an error in the middle: what came before it was decoded */
        s->damaged = true;
    }

    if (s->nothing) {
        hk__picture_fail(picture, HK_FILE_UNREADABLE, "%s before the first rows", s->words);
        goto out;
    }
    hk__canvas_fill(canvas, 128); /* as libjpeg fills */
    if (s->damaged) {
        picture->flags |= HK_FLAG_TRUNCATED;
        hk__picture_fail(picture, HK_FILE_TRUNCATED, "decoded in part: %s", s->words);
    } else {
        picture->status = HK_FILE_OK;
    }
    if (s->shrunk)
        picture->flags |= HK_FLAG_SCALED_DECODE;
    hk__canvas_finish(picture, canvas);
out:
    again = s->again;
    close_source(s);
    hk__free(s);
    return !again;
}

void hk__decode_jpeg(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                     const hk__limits *limits)
{
    if (!try(picture, canvas, bytes, count, limits, limits->full_decode))
        try(picture, canvas, bytes, count, limits, true);
}

void hk__jpeg_start(void)
{
    hk__shrink_prepare();
}

bool hk__decode_jpeg_floor(const uint8_t *bytes, size_t count)
{
    source *s = hk__alloc(1, sizeof *s);
    bool done = false;
    if (s && setjmp(s->escape) == 0) {
        open_source(s, bytes, count);
        jpeg_read_header(&s->jpeg, TRUE);
        if (start_rows(s)) {
            const size_t pitch = (size_t)s->jpeg.output_width * (size_t)s->jpeg.output_components;
            JSAMPROW rows[ROWS];
            for (int i = 0; i < ROWS; i++)
                rows[i] = s->rows + pitch * (size_t)i;
            while (s->jpeg.output_scanline < s->jpeg.output_height)
                jpeg_read_scanlines(&s->jpeg, rows, ROWS);
            done = true;
        }
    }
    if (s) {
        close_source(s);
        hk__free(s);
    }
    return done;
}
