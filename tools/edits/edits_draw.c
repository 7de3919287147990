/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edits_draw.c - things drawn on a picture or around it; see edits.h. */
#include "edits.h"

#include <math.h>
#include <string.h>

static const double white[] = {255, 255, 255}, black[] = {0, 0, 0};

static int at_least(int n, int least)
{
    return n < least ? least : n;
}

/* Paints `colour` where `mask` (8 bits, its left top at left, top) says, as strongly as it says. */
static VipsImage *painted(edits_bench *bench, VipsImage *in, VipsImage *mask, int left, int top,
                          const double colour[3])
{
    VipsImage *large = NULL, *flat = NULL, *out = NULL;
    if (!mask || !in ||
        !edits_keep(bench, vips_embed(mask, &large, left, top, in->Xsize, in->Ysize, NULL), &large))
        return NULL;
    flat = vips_image_new_from_image(in, colour, in->Bands);
    if (!edits_keep(bench, !flat, &flat))
        return NULL;
    return edits_keep(bench, vips_ifthenelse(large, flat, in, &out, "blend", TRUE, NULL), &out);
}

/* ---- words --------------------------------------------------------------------------------- */

/* The first row from `y` on that has ink, or has none; the height if there is no such row. */
static int next_row(VipsImage *mask, int y, bool ink)
{
    for (; y < mask->Ysize; y++) {
        bool found = false;
        for (int x = 0; x < mask->Xsize; x++)
            found = found || *VIPS_IMAGE_ADDR(mask, x, y);
        if (found == ink)
            break;
    }
    return y;
}

/* The rows from `top` to `bottom`, without what is empty at either end. NULL on failure. */
static VipsImage *cut_line(VipsImage *mask, int top, int bottom)
{
    VipsImage *out = NULL;
    int left = mask->Xsize, right = 0;
    for (int y = top; y < bottom; y++)
        for (int x = 0; x < mask->Xsize; x++)
            if (*VIPS_IMAGE_ADDR(mask, x, y)) {
                left = x < left ? x : left;
                right = x >= right ? x + 1 : right;
            }
    if (left >= right || vips_crop(mask, &out, left, top, right - left, bottom - top, NULL))
        return NULL;
    return out;
}

/* One call for all words, and the lines cut apart where no ink is: Pango 1.50 looks for fonts in a
 * thread that a second call can crash. (And without "fontfile": libvips 8.14 keeps its address.) */
bool edits_draw_words(VipsImage *out[EDITS_WORDS])
{
    VipsImage *drawn = NULL, *lines = NULL, *cut[EDITS_WORDS];
    int bottom = 0, n = 0;
    if (vips_text(&drawn, "WHEN YOU\nFINALLY SEE IT\nherken.example\n21:47", "font",
                  "DejaVu Sans Bold 160", "dpi", 72, "spacing", 40, NULL))
        return false;
    lines = vips_image_copy_memory(drawn);
    g_object_unref(drawn);
    while (lines && n < EDITS_WORDS) {
        const int top = next_row(lines, bottom, true);
        bottom = next_row(lines, top, false);
        cut[n] = cut_line(lines, top, bottom);
        if (!cut[n])
            break;
        n++;
    }
    if (lines)
        g_object_unref(lines);
    if (n == EDITS_WORDS) {
        memcpy(out, cut, sizeof cut);
        return true;
    }
    vips_error("herken-edits", "the words cannot be drawn");
    while (n > 0)
        g_object_unref(cut[--n]);
    return false;
}

/* Words as a mask, as large as fit into width x height. */
static VipsImage *words(edits_bench *bench, edits_words which, int width, int height)
{
    VipsImage *out = NULL, *mask = bench->words[which];
    const double across = (double)at_least(width, 1) / mask->Xsize;
    const double down = (double)at_least(height, 1) / mask->Ysize;
    return edits_keep(bench, vips_resize(mask, &out, across < down ? across : down, NULL), &out);
}

/* ---- what is drawn ------------------------------------------------------------------------- */

/* White words in black outline, at the head or the foot. */
static VipsImage *caption(edits_bench *bench, VipsImage *in, edits_words said, bool head)
{
    const int outline = at_least(in->Ysize / 150, 1), margin = in->Ysize / 25;
    VipsImage *text = words(bench, said, in->Xsize * 3 / 4, in->Ysize / 10);
    VipsImage *wide = NULL, *outlined = NULL;
    if (!text ||
        !edits_keep(bench,
                    vips_embed(text, &wide, outline, outline, text->Xsize + 2 * outline,
                               text->Ysize + 2 * outline, NULL),
                    &wide) ||
        !edits_keep(bench,
                    vips_rank(wide, &outlined, 2 * outline + 1, 2 * outline + 1,
                              (2 * outline + 1) * (2 * outline + 1) - 1, NULL),
                    &outlined))
        return NULL;
    const int left = (in->Xsize - wide->Xsize) / 2;
    const int top = head ? margin : in->Ysize - wide->Ysize - margin;
    in = painted(bench, in, outlined, left, top, black);
    return painted(bench, in, wide, left, top, white);
}

/* As on memes. */
VipsImage *edits_caption(edits_bench *bench, VipsImage *in, double unused)
{
    (void)unused;
    in = caption(bench, in, EDITS_HEAD, true);
    return in ? caption(bench, in, EDITS_FOOT, false) : NULL;
}

/* Pale words across the picture, rising. */
VipsImage *edits_watermark(edits_bench *bench, VipsImage *in, double unused)
{
    static const double strength = .35, angle = -25;
    VipsImage *text = words(bench, EDITS_MARK, in->Xsize * 8 / 10, in->Ysize / 4);
    VipsImage *turned = NULL, *pale = NULL, *mask = NULL;
    (void)unused;
    if (!text || !edits_keep(bench, vips_rotate(text, &turned, angle, NULL), &turned) ||
        !edits_keep(bench, vips_linear1(turned, &pale, strength, 0, NULL), &pale) ||
        !edits_keep(bench, vips_cast_uchar(pale, &mask, NULL), &mask))
        return NULL;
    return painted(bench, in, mask, (in->Xsize - mask->Xsize) / 2, (in->Ysize - mask->Ysize) / 2,
                   white);
}

/* A mask of a ring around a disc. */
static VipsImage *emblem(edits_bench *bench, int side)
{
    uint8_t *mask = g_try_malloc0((size_t)side * (size_t)side);
    const double centre = (side - 1) / 2.0, radius = side / 2.0;
    for (int y = 0; mask && y < side; y++)
        for (int x = 0; x < side; x++) {
            const double r = hypot(x - centre, y - centre) / radius;
            mask[(size_t)y * (size_t)side + (size_t)x] = r < .55 || (r > .8 && r < 1) ? 255 : 0;
        }
    VipsImage *out = NULL;
    if (mask)
        out = vips_image_new_from_memory_copy(mask, (size_t)side * (size_t)side, side, side, 1,
                                              VIPS_FORMAT_UCHAR);
    g_free(mask);
    return edits_keep(bench, !out, &out);
}

/* A disc in a ring, an eighth of the shorter side, in a corner by chance. */
VipsImage *edits_logo(edits_bench *bench, VipsImage *in, double unused)
{
    static const double red[] = {210, 30, 40};
    const int shorter = in->Xsize < in->Ysize ? in->Xsize : in->Ysize;
    const int side = at_least(shorter / 8, 3), margin = shorter / 40;
    const uint64_t corner = edits_random(bench) >> 62;
    (void)unused;
    return painted(bench, in, emblem(bench, side), corner & 1 ? in->Xsize - side - margin : margin,
                   corner & 2 ? in->Ysize - side - margin : margin, red);
}

/* A picture of no thing: discs of any colour that hide one another. */
static VipsImage *leaves(edits_bench *bench, int width, int height)
{
    enum { DISCS = 150 };
    VipsImage *blank = NULL, *picture = NULL;
    const double side = width < height ? width : height;
    if (!edits_keep(bench, vips_black(&blank, width, height, "bands", 3, NULL), &blank))
        return NULL;
    picture = vips_image_copy_memory(blank);
    if (!edits_keep(bench, !picture, &picture))
        return NULL;
    picture->Type = VIPS_INTERPRETATION_sRGB;
    for (int i = 0; i < DISCS; i++) {
        const uint64_t r = edits_random(bench);
        double colour[] = {(double)(r & 255), (double)(r >> 8 & 255), (double)(r >> 16 & 255)};
        const int x = edits_place(bench, width), y = edits_place(bench, height);
        const int radius = (int)(side * (.04 + .22 * edits_chance(bench)));
        if (vips_draw_circle(picture, colour, 3, x, y, radius, "fill", TRUE, NULL))
            return NULL;
    }
    return picture;
}

/* Beside another picture of the same size. */
VipsImage *edits_collage(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL, *other = leaves(bench, in->Xsize, in->Ysize);
    const bool first = edits_random(bench) >> 63;
    (void)unused;
    if (!other)
        return NULL;
    VipsArrayDouble *background = vips_array_double_newv(1, 255.0);
    const int failed =
        vips_join(first ? in : other, first ? other : in, &out, VIPS_DIRECTION_HORIZONTAL, "shim",
                  at_least(in->Xsize / 100, 1), "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return edits_keep(bench, failed, &out);
}

/* As a telephone shows it: white, with the time above and three dots below. */
VipsImage *edits_screenshot(edits_bench *bench, VipsImage *in, double unused)
{
    const int above = at_least(in->Xsize / 8, 12), below = at_least(in->Xsize / 6, 16);
    VipsImage *out = NULL, *clock = words(bench, EDITS_CLOCK, in->Xsize / 5, above / 3);
    (void)unused;
    if (!clock || !edits_keep(bench,
                              vips_embed(in, &out, 0, above, in->Xsize, in->Ysize + above + below,
                                         "extend", VIPS_EXTEND_WHITE, NULL),
                              &out))
        return NULL;
    const int middle = above + in->Ysize + below / 2, dot = at_least(below / 4, 3);
    out = painted(bench, out, clock, in->Xsize / 20, above / 3, black);
    for (int i = 1; out && i <= 3; i++)
        out = painted(bench, out, emblem(bench, dot), in->Xsize * i / 4 - dot / 2, middle - dot / 2,
                      black);
    return out;
}
