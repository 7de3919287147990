/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_decode.c - bytes of a file through format, EXIF, the decoders and the canvas. */
#include "decode/decoders.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static hk__canvas *canvas;
static unsigned views; /* of the file, but for the last */

static void take_view(void *context, hk__picture *picture)
{
    (void)context;
    if (!picture->has_pixels || ++views >= HK_VIEWS_MOST ||
        (picture->status != HK_FILE_OK && picture->status != HK_FILE_TRUNCATED))
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (hk__vips_start(NULL) || hk__canvas_new(&canvas, NULL))
        abort();
    hk__canvas_want_exact(canvas, true);
    hk__canvas_want_raster(canvas, true);
    hk__canvas_on_view(canvas, take_view, &views);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static hk__picture picture;
    static hk__limits limits = {.max_pixels = 1 << 20, .max_bytes = 1 << 20, .max_pages = 100};
    limits.frames = count % HK_FRAMES_CHOICES;
    limits.allow = count & 8 ? (1u << HK_ALLOW_COUNT) - 1 : 0;
    views = 0;
    memset(&picture, 0, offsetof(hk__picture, grid));
    hk__decode(&picture, canvas, bytes, count, &limits);
    if (picture.has_pixels !=
            (picture.status == HK_FILE_OK || picture.status == HK_FILE_TRUNCATED) ||
        picture.has_exact != picture.has_pixels)
        abort();
    return 0;
}
