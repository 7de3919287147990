/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_decode.c - bytes of a file through format, EXIF, the decoders and the canvas. */
#include "decode/decoders.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static hk__canvas *canvas;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (hk__vips_start(NULL) || hk__canvas_new(&canvas, NULL))
        abort();
    hk__canvas_want_exact(canvas, true);
    hk__canvas_want_raster(canvas, true);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static hk__picture picture;
    static const hk__limits limits = {.max_pixels = 1 << 20, .max_bytes = 1 << 20, .max_pages = 50};
    memset(&picture, 0, offsetof(hk__picture, grid));
    hk__decode(&picture, canvas, bytes, count, &limits);
    if (picture.has_pixels !=
            (picture.status == HK_FILE_OK || picture.status == HK_FILE_TRUNCATED) ||
        picture.has_exact != picture.has_pixels)
        abort();
    return 0;
}
