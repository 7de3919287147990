/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vips.c - PNG, WebP, GIF, TIFF, HEIC and AVIF to luma rows through libvips; see decoders.h.
 *
 * One loader per format, called by name: libvips never guesses. Rows are taken with a region in
 * this thread, strip by strip from the top, so that nothing but the decoder itself holds more than
 * a few rows.
 *
 * Strict first (fail_on = error): a decoder that stops in the middle gives the rows before it and
 * the file is `truncated`. Decoders that hold the whole picture give no rows that way: they are
 * asked once more to be lenient, and what comes of that is `truncated` too. (Whether it shows
 * anything at all is for the fingerprint to say: pool.c.)
 */
#include "decode/decoders.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

#include <vips/vips.h>

enum { STRIP = 16 };

static const struct {
    hk__format format;
    const char *loader; /* class to unblock */
} loaders[] = {
    {HK__FORMAT_PNG, "VipsForeignLoadPng"},   {HK__FORMAT_WEBP, "VipsForeignLoadWebp"},
    {HK__FORMAT_GIF, "VipsForeignLoadNsgif"}, {HK__FORMAT_TIFF, "VipsForeignLoadTiff"},
    {HK__FORMAT_HEIC, "VipsForeignLoadHeif"}, /* and AVIF */
};

void (*hk__on_no_memory)(const char *words);

/* What a decoder warned of last: some give no other reason for failing. */
static char last_words[HK__REASON_SIZE];

/* A hostile file has nothing to say on a terminal: warnings are kept for the reason, not shown.
 * GLib logs before it aborts for want of memory: the moment to name that reason. */
static GLogWriterOutput on_log(GLogLevelFlags level, const GLogField *fields, gsize count,
                               gpointer unused)
{
    (void)unused;
    for (gsize i = 0; i < count; i++) {
        if (strcmp(fields[i].key, "MESSAGE"))
            continue;
        const char *words = fields[i].value;
        if (level & G_LOG_LEVEL_ERROR && strstr(words, "failed to allocate") && hk__on_no_memory)
            hk__on_no_memory(words);
        g_strlcpy(last_words, words, sizeof last_words);
    }
    return G_LOG_WRITER_HANDLED;
}

hk_status hk__vips_start(hk_error *err)
{
    g_log_set_writer_func(on_log, NULL, NULL);
    /* Decoders that need the whole picture must keep it in memory: the sandbox has no disc, and the
     * limit on memory is ours. */
    g_setenv("VIPS_DISC_THRESHOLD", "1000g", TRUE);
    if (VIPS_INIT("herken-worker"))
        return hk__fail(err, HK_ERR_SYSTEM, "libvips does not start: %s", vips_error_buffer());
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_cache_set_max_mem(0);
    vips_cache_set_max_files(0);
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        vips_operation_block_set(loaders[i].loader, FALSE);
    return HK_OK;
}

/* The header of the first picture in the file; NULL on error. */
static VipsImage *open_header(hk__format format, const uint8_t *bytes, size_t count,
                              VipsFailOn fail_on)
{
    VipsImage *image = NULL;
    void *buffer = (void *)bytes;
    const VipsAccess access = VIPS_ACCESS_SEQUENTIAL;
    int failed = -1;
    switch (format) {
    case HK__FORMAT_PNG:
        failed =
            vips_pngload_buffer(buffer, count, &image, "access", access, "fail_on", fail_on, NULL);
        break;
    case HK__FORMAT_WEBP:
        failed =
            vips_webpload_buffer(buffer, count, &image, "access", access, "fail_on", fail_on, NULL);
        break;
    case HK__FORMAT_GIF:
        failed =
            vips_gifload_buffer(buffer, count, &image, "access", access, "fail_on", fail_on, NULL);
        break;
    case HK__FORMAT_TIFF:
        failed =
            vips_tiffload_buffer(buffer, count, &image, "access", access, "fail_on", fail_on, NULL);
        break;
    case HK__FORMAT_HEIC:
    case HK__FORMAT_AVIF:
        failed =
            vips_heifload_buffer(buffer, count, &image, "access", access, "fail_on", fail_on, NULL);
        break;
    default:
        vips_error("herken", "no loader");
        break;
    }
    return failed ? NULL : image;
}

static void fail_with_vips(hk__picture *picture, hk_file_status status)
{
    char words[HK__REASON_SIZE];
    const char *buffer = vips_error_buffer();
    g_strlcpy(words, *buffer ? buffer : last_words, sizeof words);
    words[strcspn(words, "\n")] = '\0';
    if (strstr(words, "ut of memory") || strstr(words, "nable to allocate"))
        status = HK_FILE_OUT_OF_MEMORY;
    hk__picture_fail(picture, status, "%s", words);
    vips_error_clear();
}

/* The image as 8-bit grey or sRGB, each with or without alpha; consumes `image`. NULL on error. */
static VipsImage *plain_pixels(VipsImage *image)
{
    const bool plain =
        image->BandFmt == VIPS_FORMAT_UCHAR && image->Bands <= 4 &&
        (image->Type == VIPS_INTERPRETATION_sRGB || image->Type == VIPS_INTERPRETATION_B_W ||
         image->Type == VIPS_INTERPRETATION_RGB);
    if (plain)
        return image;
    VipsImage *converted = NULL;
    const VipsInterpretation space =
        image->Bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    int failed = vips_colourspace(image, &converted, space, NULL);
    g_object_unref(image);
    if (failed)
        return NULL;
    if (converted->BandFmt != VIPS_FORMAT_UCHAR) {
        VipsImage *bytes = NULL;
        failed = vips_cast_uchar(converted, &bytes, NULL);
        g_object_unref(converted);
        converted = failed ? NULL : bytes;
    }
    if (converted && converted->Bands > 4) {
        vips_error("herken", "%d bands", converted->Bands);
        g_object_unref(converted);
        return NULL;
    }
    return converted;
}

/* PDQ's luma, alpha composited on black. */
static void row_to_luma(float *luma, const uint8_t *p, uint32_t width, int bands)
{
    for (uint32_t i = 0; i < width; i++, p += bands) {
        luma[i] = bands < 3 ? p[0] : 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        if (bands == 2 || bands == 4)
            luma[i] *= p[bands - 1] / 255.0f;
    }
}

/* Takes all rows from the top. Returns the rows that came before an error. */
static uint32_t read_rows(VipsImage *image, hk__canvas *canvas, float *luma)
{
    const uint32_t height = (uint32_t)image->Ysize, width = (uint32_t)image->Xsize;
    VipsRegion *region = vips_region_new(image);
    uint32_t y = 0;
    while (region && y < height) {
        const uint32_t rows = height - y < STRIP ? height - y : STRIP;
        VipsRect strip = {0, (int)y, image->Xsize, (int)rows};
        if (vips_region_prepare(region, &strip))
            break;
        for (uint32_t i = 0; i < rows; i++, y++) {
            const uint8_t *row = VIPS_REGION_ADDR(region, 0, (int)y);
            if (image->Bands == 1) {
                hk__canvas_row_u8(canvas, row);
            } else {
                row_to_luma(luma, row, width, image->Bands);
                hk__canvas_row_f32(canvas, luma);
            }
        }
    }
    if (region)
        g_object_unref(region);
    return y;
}

/* One attempt. Returns false if it may be worth a lenient one. */
static bool attempt(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                    const hk__limits *limits, VipsFailOn fail_on)
{
    const bool lenient = fail_on == VIPS_FAIL_ON_NONE;
    float *luma = NULL;
    bool final = true;
    vips_error_clear();
    g_strlcpy(last_words, "the decoder gave no reason", sizeof last_words);
    VipsImage *image = open_header(picture->format, bytes, count, fail_on);
    if (!image) {
        fail_with_vips(picture, HK_FILE_UNREADABLE);
        return lenient;
    }

    const int pages = vips_image_get_n_pages(image);
    /* libheif turns the picture itself; its EXIF tag only repeats that. */
    const bool turned = picture->format == HK__FORMAT_HEIC || picture->format == HK__FORMAT_AVIF;
    picture->exif_orientation = turned ? 1 : (uint32_t)vips_image_get_orientation(image);
    if (pages > 1)
        picture->flags |= HK_FLAG_ANIMATED;
    if ((uint64_t)pages > limits->max_pages) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%d frames or pages, more than the limit of %u", pages, limits->max_pages);
        goto out;
    }
    if (!hk__picture_admit(picture, (uint64_t)image->Xsize, (uint64_t)image->Ysize, limits))
        goto out;

    luma = hk__alloc(picture->width, sizeof *luma);
    if (!luma || hk__canvas_begin(canvas, picture->width, picture->height,
                                  picture->exif_orientation, NULL)) {
        hk__picture_fail(picture, HK_FILE_OUT_OF_MEMORY, "no memory for its rows");
        goto out;
    }
    image = plain_pixels(image);
    if (!image) {
        fail_with_vips(picture, HK_FILE_UNSUPPORTED);
        goto out;
    }

    const uint32_t rows = read_rows(image, canvas, luma);
    if (rows == 0) {
        fail_with_vips(picture, HK_FILE_UNREADABLE);
        final = lenient;
        goto out;
    }
    if (rows < picture->height || lenient) {
        fail_with_vips(picture, HK_FILE_TRUNCATED);
        if (picture->status == HK_FILE_OUT_OF_MEMORY)
            goto out;
        picture->flags |= HK_FLAG_TRUNCATED;
        hk__canvas_fill(canvas, 0);
    } else {
        picture->status = HK_FILE_OK;
    }
    hk__canvas_finish(picture, canvas);
out:
    hk__free(luma);
    if (image)
        g_object_unref(image);
    vips_error_clear();
    return final;
}

void hk__decode_vips(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                     const hk__limits *limits)
{
    if (attempt(picture, canvas, bytes, count, limits, VIPS_FAIL_ON_ERROR))
        return;
    char strict[HK__REASON_SIZE];
    memcpy(strict, picture->reason, sizeof strict);
    attempt(picture, canvas, bytes, count, limits, VIPS_FAIL_ON_NONE);
    /* The strict attempt knows what is wrong; the lenient one only that something was left. */
    if (picture->status == HK_FILE_TRUNCATED || picture->status == HK_FILE_UNREADABLE)
        hk__picture_fail(picture, picture->status, "%s%s",
                         picture->status == HK_FILE_TRUNCATED ? "decoded in part: " : "", strict);
}
