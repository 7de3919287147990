/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edits.h - the recipe: what people do to pictures before they post them again, each edit with a
 * name and a strength. herken-edits makes the copies; `herken bench recall` measures with them.
 *
 * Steps take and give 8-bit sRGB pictures of three bands (grey: one). Like libvips they give NULL
 * on failure and leave the words in libvips' error buffer. What a step gives belongs to the bench
 * it was made on and goes with it.
 */
#ifndef HERKEN_EDITS_H
#define HERKEN_EDITS_H

#include <stdbool.h>
#include <stdint.h>

#include <vips/vips.h>

/* Words that edits write, as masks that they shrink to their size. */
typedef enum edits_words {
    EDITS_HEAD = 0, /* of a caption */
    EDITS_FOOT,
    EDITS_MARK,
    EDITS_CLOCK,
    EDITS_WORDS
} edits_words;

/* Where one copy is made. */
typedef struct edits_bench {
    VipsImage *owner;        /* owns what the steps give */
    uint64_t state;          /* of the generator: places, signs, noise */
    VipsImage *const *words; /* [EDITS_WORDS] borrowed; NULL where no edit wants them */
} edits_bench;

typedef VipsImage *edits_step(edits_bench *bench, VipsImage *in, double strength);

enum { EDITS_STEPS = 4 };

typedef struct edits_edit {
    const char *name;
    struct {
        edits_step *make; /* NULL: no more steps */
        double strength;
    } step[EDITS_STEPS];
    const char *suffix; /* how it is saved, as libvips reads it: ".jpg[Q=90]" */
} edits_edit;

extern const edits_edit edits_all[];
extern const size_t edits_count;
/* Why it cannot be made on a machine with, or without, DejaVu Sans Bold; NULL if it can. Static. */
const char *edits_lacks(const edits_edit *edit, bool has_font);

/* Whether it writes words. */
bool edits_has_words(const edits_edit *edit);
/* Draws all words, once for the whole process. Owned; false on failure. */
bool edits_draw_words(VipsImage *out[EDITS_WORDS]);

/* Keeps `image` for as long as the bench lives; NULL where the call that made it failed. */
VipsImage *edits_keep(edits_bench *bench, int failed, VipsImage **image);
/* splitmix64. */
uint64_t edits_random(edits_bench *bench);
double edits_chance(edits_bench *bench); /* [0, 1) */
/* 0..limit, both included; limit >= 0 */
int edits_place(edits_bench *bench, int limit);

/* Shape. Strength is a share of the sides for crop and borders, a factor for resize, degrees for
 * turn (90, 180, 270) and rotate (either way, by chance); others take none. */
edits_step edits_resize, edits_square, edits_crop, edits_border_black, edits_border_white,
    edits_letterbox, edits_turn, edits_rotate, edits_mirror;

/* Tone. Strength is a share of the shorter side for blur, levels of 255 for noise and brightness, a
 * factor for contrast and saturation, an exponent for gamma, degrees for hue; others take none. */
edits_step edits_blur, edits_sharpen, edits_noise, edits_brightness, edits_contrast,
    edits_saturation, edits_gamma, edits_equalise, edits_grey, edits_hue, edits_invert;

/* Things drawn on it or around it. Those with words take a font. */
edits_step edits_caption, edits_watermark, edits_logo, edits_collage, edits_screenshot;

#endif
