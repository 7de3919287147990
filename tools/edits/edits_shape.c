/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edits_shape.c - edits that move the picture in its frame; see edits.h. */
#include "edits.h"

#include <math.h>

static int shorter(const VipsImage *in)
{
    return in->Xsize < in->Ysize ? in->Xsize : in->Ysize;
}

/* `share` of `side` in whole pixels, 1 at least. */
static int pixels(double share, int side)
{
    const int n = (int)lrint(share * side);
    return n < 1 ? 1 : n;
}

VipsImage *edits_resize(edits_bench *bench, VipsImage *in, double factor)
{
    VipsImage *out = NULL;
    return edits_keep(bench, vips_resize(in, &out, factor, NULL), &out);
}

VipsImage *edits_square(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    const double side = shorter(in);
    (void)unused;
    return edits_keep(
        bench, vips_resize(in, &out, side / in->Xsize, "vscale", side / in->Ysize, NULL), &out);
}

/* Both sides lose their share; where the window lies is chance. */
VipsImage *edits_crop(edits_bench *bench, VipsImage *in, double share)
{
    VipsImage *out = NULL;
    const int width = pixels(1 - share, in->Xsize), height = pixels(1 - share, in->Ysize);
    const int left = edits_place(bench, in->Xsize - width);
    const int top = edits_place(bench, in->Ysize - height);
    return edits_keep(bench, vips_crop(in, &out, left, top, width, height, NULL), &out);
}

static VipsImage *framed(edits_bench *bench, VipsImage *in, int across, int down, VipsExtend extend)
{
    VipsImage *out = NULL;
    return edits_keep(bench,
                      vips_embed(in, &out, across, down, in->Xsize + 2 * across,
                                 in->Ysize + 2 * down, "extend", extend, NULL),
                      &out);
}

/* As wide all around, a share of the shorter side. */
VipsImage *edits_border_black(edits_bench *bench, VipsImage *in, double share)
{
    const int width = pixels(share, shorter(in));
    return framed(bench, in, width, width, VIPS_EXTEND_BLACK);
}

VipsImage *edits_border_white(edits_bench *bench, VipsImage *in, double share)
{
    const int width = pixels(share, shorter(in));
    return framed(bench, in, width, width, VIPS_EXTEND_WHITE);
}

/* Black bars along the longer sides, an eighth of the shorter one each. */
VipsImage *edits_letterbox(edits_bench *bench, VipsImage *in, double unused)
{
    const int bar = pixels(.125, shorter(in));
    const bool wide = in->Xsize >= in->Ysize;
    (void)unused;
    return framed(bench, in, wide ? 0 : bar, wide ? bar : 0, VIPS_EXTEND_BLACK);
}

VipsImage *edits_turn(edits_bench *bench, VipsImage *in, double degrees)
{
    VipsImage *out = NULL;
    const VipsAngle angle = degrees < 135   ? VIPS_ANGLE_D90
                            : degrees < 225 ? VIPS_ANGLE_D180
                                            : VIPS_ANGLE_D270;
    return edits_keep(bench, vips_rot(in, &out, angle, NULL), &out);
}

/* The frame stays; what turned out of it is lost, and the corners are black. */
VipsImage *edits_rotate(edits_bench *bench, VipsImage *in, double degrees)
{
    VipsImage *turned = NULL, *out = NULL;
    const double angle = edits_random(bench) >> 63 ? degrees : -degrees;
    if (!edits_keep(bench, vips_rotate(in, &turned, angle, NULL), &turned))
        return NULL;
    return edits_keep(bench,
                      vips_crop(turned, &out, (turned->Xsize - in->Xsize) / 2,
                                (turned->Ysize - in->Ysize) / 2, in->Xsize, in->Ysize, NULL),
                      &out);
}

VipsImage *edits_mirror(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    (void)unused;
    return edits_keep(bench, vips_flip(in, &out, VIPS_DIRECTION_HORIZONTAL, NULL), &out);
}
