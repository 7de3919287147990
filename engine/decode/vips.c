/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vips.c - libvips in a worker: started, locked down, and one loader per format, called by name:
 * libvips never guesses. See vips.h.
 */
#include "decode/vips.h"

#include "core/error.h"
#include "decode/decoders.h"

#include <string.h>

static const struct {
    hk__format format;
    const char *loader; /* class to unblock */
} loaders[] = {
    {HK__FORMAT_PNG, "VipsForeignLoadPng"},   {HK__FORMAT_WEBP, "VipsForeignLoadWebp"},
    {HK__FORMAT_GIF, "VipsForeignLoadNsgif"}, {HK__FORMAT_TIFF, "VipsForeignLoadTiff"},
    {HK__FORMAT_HEIC, "VipsForeignLoadHeif"}, /* and AVIF */
    {HK__FORMAT_JXL, "VipsForeignLoadJxl"},   {HK__FORMAT_JP2, "VipsForeignLoadJp2k"},
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
        vips_operation_block_set(loaders[i].loader, hk__format_allow(loaders[i].format) != 0);
    return HK_OK;
}

void hk__vips_allow(hk__format format, bool allowed)
{
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        if (loaders[i].format == format)
            vips_operation_block_set(loaders[i].loader, !allowed);
}

void hk__vips_begin(void)
{
    vips_error_clear();
    g_strlcpy(last_words, "the decoder gave no reason", sizeof last_words);
}

VipsImage *hk__vips_open(const hk__vips_source *source, VipsFailOn fail_on, int page, int count)
{
    VipsImage *image = NULL;
    void *bytes = (void *)source->bytes;
    const size_t size = source->count;
    const VipsAccess access = VIPS_ACCESS_SEQUENTIAL;
    int failed = -1;
#define OPTIONS "access", access, "fail_on", fail_on
#define PAGES OPTIONS, "page", page, "n", count
    switch (source->format) {
    case HK__FORMAT_PNG:
        failed = vips_pngload_buffer(bytes, size, &image, OPTIONS, NULL);
        break;
    case HK__FORMAT_WEBP:
        failed = page < 0 ? vips_webpload_buffer(bytes, size, &image, OPTIONS, NULL)
                          : vips_webpload_buffer(bytes, size, &image, PAGES, NULL);
        break;
    case HK__FORMAT_GIF:
        failed = page < 0 ? vips_gifload_buffer(bytes, size, &image, OPTIONS, NULL)
                          : vips_gifload_buffer(bytes, size, &image, PAGES, NULL);
        break;
    case HK__FORMAT_TIFF:
        failed = page < 0 ? vips_tiffload_buffer(bytes, size, &image, OPTIONS, NULL)
                          : vips_tiffload_buffer(bytes, size, &image, PAGES, NULL);
        break;
    case HK__FORMAT_HEIC:
    case HK__FORMAT_AVIF:
        failed = page < 0 ? vips_heifload_buffer(bytes, size, &image, OPTIONS, NULL)
                          : vips_heifload_buffer(bytes, size, &image, PAGES, NULL);
        break;
    case HK__FORMAT_JXL:
        failed = vips_jxlload_buffer(bytes, size, &image, OPTIONS, NULL);
        break;
    case HK__FORMAT_JP2:
        failed = vips_jp2kload_buffer(bytes, size, &image, OPTIONS, NULL);
        break;
    default:
        vips_error("herken", "no loader");
        break;
    }
#undef PAGES
#undef OPTIONS
    return failed ? NULL : image;
}

void hk__vips_fail(hk__picture *picture, hk_file_status status)
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

VipsImage *hk__vips_plain(VipsImage *image)
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
