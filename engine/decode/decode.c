/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decode.c - tells the format and calls its decoder; see decoders.h. */
#include "decode/decoders.h"

bool hk__picture_admit(hk__picture *picture, uint64_t width, uint64_t height,
                       const hk__limits *limits)
{
    const uint64_t most = UINT64_C(1) << 30; /* of one side, so that the product fits */
    picture->width = width <= most ? (uint32_t)width : 0;
    picture->height = height <= most ? (uint32_t)height : 0;
    if (width > most || height > most || width * height > limits->max_pixels) {
        hk__picture_fail(picture, HK_FILE_TOO_LARGE,
                         "%llu x %llu pixels, more than the limit of %llu (--max-pixels)",
                         (unsigned long long)width, (unsigned long long)height,
                         (unsigned long long)limits->max_pixels);
        return false;
    }
    if (width < 5 || height < 5) {
        hk__picture_fail(picture, HK_FILE_TOO_SMALL, "%u x %u pixels", picture->width,
                         picture->height);
        return false;
    }
    return true;
}

void hk__picture_refuse(hk__picture *picture, bool empty)
{
    const char *name = hk__format_name(picture->format);
    if (hk__format_allow(picture->format))
        hk__picture_fail(picture, HK_FILE_UNSUPPORTED,
                         "%s images are decoded with --allow-format %s only", name, name);
    else if (name)
        hk__picture_fail(picture, HK_FILE_UNSUPPORTED, "%s images are not decoded", name);
    else
        hk__picture_fail(picture, HK_FILE_NOT_AN_IMAGE,
                         empty ? "empty file" : "no known image format");
}

void hk__decode(hk__picture *picture, hk__canvas *canvas, const uint8_t *bytes, size_t count,
                const hk__limits *limits)
{
    picture->format = hk__format_of(bytes, count);
    if (!hk__format_is_decoded(picture->format, limits->allow))
        hk__picture_refuse(picture, count == 0);
    else if (picture->format == HK__FORMAT_JPEG)
        hk__decode_jpeg(picture, canvas, bytes, count, limits);
    else if (picture->format == HK__FORMAT_BMP)
        hk__decode_bmp(picture, canvas, bytes, count, limits);
    else
        hk__decode_vips(picture, canvas, bytes, count, limits);
}
