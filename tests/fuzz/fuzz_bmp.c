/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_bmp.c - bytes of a file through our own reader of BMP. */
#include "decode/decoders.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static hk__canvas *canvas;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (hk__canvas_new(&canvas, NULL))
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static hk__picture picture;
    static const hk__limits limits = {.max_pixels = 1 << 16, .allow = HK_ALLOW_BMP};
    memset(&picture, 0, offsetof(hk__picture, grid));
    picture.format = HK__FORMAT_BMP;
    hk__decode_bmp(&picture, canvas, bytes, count, &limits);
    if (picture.has_pixels != (picture.status == HK_FILE_OK || picture.status == HK_FILE_TRUNCATED))
        abort();
    return 0;
}
