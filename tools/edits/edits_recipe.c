/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edits_recipe.c - the table of edits, and what all steps share; see edits.h.
 *
 * Names stay as they are once results with them are published: change a strength, change the name.
 * Where an edit is not about the file format, the copy is saved as people's programs do, as JPEG of
 * quality 90.
 */
#include "edits.h"

#define USUAL ".jpg[Q=90,strip]"
#define JPEG(quality) ".jpg[Q=" #quality ",strip]"
#define WEBP(quality) ".webp[Q=" #quality ",strip]"

/* clang-format off */
const edits_edit edits_all[] = {
    {"jpeg-90", {{0}}, JPEG(90)},
    {"jpeg-50", {{0}}, JPEG(50)},
    {"jpeg-20", {{0}}, JPEG(20)},
    {"jpeg-10", {{0}}, JPEG(10)},
    {"webp-80", {{0}}, WEBP(80)},
    {"resize-150", {{edits_resize, 1.5}}, USUAL},
    {"resize-50", {{edits_resize, .5}}, USUAL},
    {"resize-25", {{edits_resize, .25}}, USUAL},
    {"square", {{edits_square, 0}}, USUAL},
    {"blur", {{edits_blur, .004}}, USUAL},
    {"sharpen", {{edits_sharpen, 0}}, USUAL},
    {"noise", {{edits_noise, 12}}, USUAL},
    {"brightness", {{edits_brightness, 30}}, USUAL},
    {"contrast", {{edits_contrast, 1.3}}, USUAL},
    {"saturation", {{edits_saturation, 1.6}}, USUAL},
    {"gamma", {{edits_gamma, 1.5}}, USUAL},
    {"equalise", {{edits_equalise, 0}}, USUAL},
    {"grey", {{edits_grey, 0}}, USUAL},
    {"hue", {{edits_hue, 90}}, USUAL},
    {"invert", {{edits_invert, 0}}, USUAL},
    {"crop-02", {{edits_crop, .02}}, USUAL},
    {"crop-05", {{edits_crop, .05}}, USUAL},
    {"crop-10", {{edits_crop, .10}}, USUAL},
    {"crop-20", {{edits_crop, .20}}, USUAL},
    {"crop-30", {{edits_crop, .30}}, USUAL},
    {"border-black-05", {{edits_border_black, .05}}, USUAL},
    {"border-black-10", {{edits_border_black, .10}}, USUAL},
    {"border-white-05", {{edits_border_white, .05}}, USUAL},
    {"border-white-10", {{edits_border_white, .10}}, USUAL},
    {"letterbox", {{edits_letterbox, 0}}, USUAL},
    {"screenshot", {{edits_screenshot, 0}}, USUAL},
    {"rotate-1", {{edits_rotate, 1}}, USUAL},
    {"rotate-3", {{edits_rotate, 3}}, USUAL},
    {"rotate-5", {{edits_rotate, 5}}, USUAL},
    {"rotate-90", {{edits_turn, 90}}, USUAL},
    {"rotate-180", {{edits_turn, 180}}, USUAL},
    {"rotate-270", {{edits_turn, 270}}, USUAL},
    {"mirror", {{edits_mirror, 0}}, USUAL},
    {"caption", {{edits_caption, 0}}, USUAL},
    {"watermark", {{edits_watermark, 0}}, USUAL},
    {"logo", {{edits_logo, 0}}, USUAL},
    {"collage", {{edits_collage, 0}}, USUAL},
    {"chain-crop02-half-jpeg40", {{edits_crop, .02}, {edits_resize, .5}}, JPEG(40)},
    {"chain-crop03-half-jpeg40", {{edits_crop, .03}, {edits_resize, .5}}, JPEG(40)},
    {"chain-crop05-half-jpeg40", {{edits_crop, .05}, {edits_resize, .5}}, JPEG(40)},
    {"chain-caption-half-jpeg40", {{edits_caption, 0}, {edits_resize, .5}}, JPEG(40)},
    {"chain-crop05-half-jpeg40-caption-gamma",
     {{edits_crop, .05}, {edits_resize, .5}, {edits_caption, 0}, {edits_gamma, 1.5}},
     JPEG(40)},
    {"chain-mirror-crop02-jpeg50", {{edits_mirror, 0}, {edits_crop, .02}}, JPEG(50)},
    {"chain-grey-contrast-webp50", {{edits_grey, 0}, {edits_contrast, 1.3}}, WEBP(50)},
    {"chain-border05-logo-jpeg50", {{edits_border_white, .05}, {edits_logo, 0}}, JPEG(50)},
};
/* clang-format on */
const size_t edits_count = sizeof edits_all / sizeof *edits_all;

bool edits_has_words(const edits_edit *edit)
{
    for (int i = 0; i < EDITS_STEPS; i++) {
        edits_step *make = edit->step[i].make;
        if (make == edits_caption || make == edits_watermark || make == edits_screenshot)
            return true;
    }
    return false;
}

const char *edits_lacks(const edits_edit *edit, bool has_font)
{
    return has_font || !edits_has_words(edit)
               ? NULL
               : "the font DejaVu Sans Bold is not installed (Debian: fonts-dejavu-core)";
}

VipsImage *edits_keep(edits_bench *bench, int failed, VipsImage **image)
{
    if (failed)
        return NULL;
    vips_object_local(bench->owner, *image);
    return *image;
}

/* ---- chance -------------------------------------------------------------------------------- */

/* Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
uint64_t edits_random(edits_bench *bench)
{
    uint64_t z = bench->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double edits_chance(edits_bench *bench)
{
    return (double)(edits_random(bench) >> 11) * 0x1p-53;
}

int edits_place(edits_bench *bench, int limit)
{
    return (int)(edits_chance(bench) * (limit + 1.0));
}
