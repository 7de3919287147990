/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edits_tone.c - edits that leave every thing in its place; see edits.h. */
#include "edits.h"

/* Back to bytes: what is over 255 or under 0 is cut off, as programs do. */
static VipsImage *bytes(edits_bench *bench, VipsImage *in)
{
    VipsImage *out = NULL;
    return in ? edits_keep(bench, vips_cast_uchar(in, &out, NULL), &out) : NULL;
}

static VipsImage *levels(edits_bench *bench, VipsImage *in, double factor, double offset)
{
    VipsImage *out = NULL;
    return bytes(bench, edits_keep(bench, vips_linear1(in, &out, factor, offset, NULL), &out));
}

VipsImage *edits_blur(edits_bench *bench, VipsImage *in, double share)
{
    VipsImage *out = NULL;
    const double side = in->Xsize < in->Ysize ? in->Xsize : in->Ysize;
    const double sigma = share * side < .5 ? .5 : share * side; /* below, libvips does nothing */
    return edits_keep(bench, vips_gaussblur(in, &out, sigma, NULL), &out);
}

VipsImage *edits_sharpen(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    (void)unused;
    return edits_keep(bench, vips_sharpen(in, &out, "sigma", 1.0, NULL), &out);
}

/* Noise that is nearly normal: the sum of four uniform numbers, each of 16 bits. */
VipsImage *edits_noise(edits_bench *bench, VipsImage *in, double deviation)
{
    VipsImage *out = NULL;
    size_t size;
    uint8_t *pixels = vips_image_write_to_memory(in, &size);
    /* Four uniform numbers in 0..65535 have a variance of 4 * 65536^2 / 12. */
    const double scale = deviation / (65536 * .57735026918962576);
    for (size_t i = 0; pixels && i < size; i++) {
        const uint64_t r = edits_random(bench);
        const double sum =
            (double)((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
        const double value = pixels[i] + (sum - 2 * 65535.0) * scale + .5;
        pixels[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
    if (pixels)
        out = vips_image_new_from_memory_copy(pixels, size, in->Xsize, in->Ysize, in->Bands,
                                              VIPS_FORMAT_UCHAR);
    g_free(pixels);
    if (!edits_keep(bench, !out, &out))
        return NULL;
    out->Type = in->Type;
    return out;
}

VipsImage *edits_brightness(edits_bench *bench, VipsImage *in, double offset)
{
    return levels(bench, in, 1, offset);
}

VipsImage *edits_contrast(edits_bench *bench, VipsImage *in, double factor)
{
    return levels(bench, in, factor, 128 * (1 - factor));
}

/* Lightness stays: chroma is multiplied and hue turned. */
static VipsImage *recoloured(edits_bench *bench, VipsImage *in, double factor, double degrees)
{
    VipsImage *lch = NULL, *changed = NULL, *out = NULL;
    double a[] = {1, factor, 1}, b[] = {0, 0, degrees};
    if (!edits_keep(bench, vips_colourspace(in, &lch, VIPS_INTERPRETATION_LCH, NULL), &lch) ||
        !edits_keep(bench, vips_linear(lch, &changed, a, b, 3, NULL), &changed))
        return NULL;
    return edits_keep(bench, vips_colourspace(changed, &out, VIPS_INTERPRETATION_sRGB, NULL), &out);
}

VipsImage *edits_saturation(edits_bench *bench, VipsImage *in, double factor)
{
    return recoloured(bench, in, factor, 0);
}

VipsImage *edits_hue(edits_bench *bench, VipsImage *in, double degrees)
{
    return recoloured(bench, in, 1, degrees);
}

VipsImage *edits_gamma(edits_bench *bench, VipsImage *in, double exponent)
{
    VipsImage *out = NULL;
    return edits_keep(bench, vips_gamma(in, &out, "exponent", exponent, NULL), &out);
}

VipsImage *edits_equalise(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    (void)unused;
    return edits_keep(bench, vips_hist_equal(in, &out, NULL), &out);
}

VipsImage *edits_grey(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    (void)unused;
    return edits_keep(bench, vips_colourspace(in, &out, VIPS_INTERPRETATION_B_W, NULL), &out);
}

VipsImage *edits_invert(edits_bench *bench, VipsImage *in, double unused)
{
    VipsImage *out = NULL;
    (void)unused;
    return edits_keep(bench, vips_invert(in, &out, NULL), &out);
}
