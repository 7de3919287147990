/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * draw.c - makes the pictures that the tests of the command need: a photo-like pattern, in any
 * format libvips writes, told by the suffix (with options: out.jpg[Q=40,interlace]).
 *
 * usage: draw SEED WIDTH HEIGHT OUT
 * The seed shifts the pattern, so that different seeds are different pictures.
 */
#include "plain_pdq.h"

#include <stdio.h>
#include <stdlib.h>
#include <vips/vips.h>

int main(int argc, char **argv)
{
    if (argc != 5 || VIPS_INIT(argv[0]))
        return 2;
    const int seed = atoi(argv[1]), width = atoi(argv[2]), height = atoi(argv[3]);
    const int large_w = width + 32 * seed, large_h = height + 48 * seed;
    uint8_t *all = malloc((size_t)large_w * (size_t)large_h);
    if (!all || !pattern_draw(all, "photo_like", large_h, large_w))
        return 2;
    VipsImage *large = vips_image_new_from_memory(all, (size_t)large_w * (size_t)large_h, large_w,
                                                  large_h, 1, VIPS_FORMAT_UCHAR);
    VipsImage *part = NULL, *colour = NULL;
    if (!large || vips_crop(large, &part, 32 * seed, 48 * seed, width, height, NULL) ||
        vips_colourspace(part, &colour, VIPS_INTERPRETATION_sRGB, NULL) ||
        vips_image_write_to_file(colour, argv[4], NULL)) {
        fprintf(stderr, "draw: %s", vips_error_buffer());
        return 1;
    }
    g_object_unref(colour);
    g_object_unref(part);
    g_object_unref(large);
    free(all);
    return 0;
}
