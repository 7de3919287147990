/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.c - see format.h. */
#include "decode/format.h"

#include "herken.h"

#include <ctype.h>
#include <string.h>

static bool starts(const uint8_t *bytes, size_t count, const char *magic, size_t length)
{
    return count >= length && !memcmp(bytes, magic, length);
}
#define STARTS(magic) starts(bytes, count, magic, sizeof(magic) - 1)

/* ISO media: a major brand and compatible ones. mif1 and msf1 say "some still image"; the codec's
 * own brand stands among the compatible ones. */
static hk__format iso_media(const uint8_t *bytes, size_t count)
{
    size_t size =
        (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    if (size > count)
        size = count;
    bool heif = false;
    for (size_t at = 8; at + 4 <= size; at += 4) {
        if (at == 12) /* the minor version is no brand */
            continue;
        const char *brand = (const char *)bytes + at;
        if (!memcmp(brand, "avif", 4) || !memcmp(brand, "avis", 4))
            return HK__FORMAT_AVIF;
        if (!memcmp(brand, "heic", 4) || !memcmp(brand, "heix", 4) || !memcmp(brand, "hevc", 4) ||
            !memcmp(brand, "hevx", 4) || !memcmp(brand, "heim", 4) || !memcmp(brand, "heis", 4) ||
            !memcmp(brand, "mif1", 4) || !memcmp(brand, "msf1", 4))
            heif = true;
    }
    return heif ? HK__FORMAT_HEIC : HK__FORMAT_NONE;
}

/* An <svg element near the beginning of a text that starts as XML does. */
static bool is_svg(const uint8_t *bytes, size_t count)
{
    size_t i = starts(bytes, count, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < count && isspace(bytes[i]))
        i++;
    if (i + 5 > count || (memcmp(bytes + i, "<?xml", 5) && memcmp(bytes + i, "<svg", 4) &&
                          memcmp(bytes + i, "<!--", 4) && memcmp(bytes + i, "<!DOC", 5)))
        return false;
    for (; i + 5 <= count && i < HK__FORMAT_BYTES; i++)
        if (!memcmp(bytes + i, "<svg", 4) && (isspace(bytes[i + 4]) || bytes[i + 4] == '>'))
            return true;
    return false;
}

hk__format hk__format_of(const uint8_t *bytes, size_t count)
{
    if (STARTS("\xff\xd8\xff"))
        return HK__FORMAT_JPEG;
    if (STARTS("\x89PNG\r\n\x1a\n"))
        return HK__FORMAT_PNG;
    if (count >= 12 && STARTS("RIFF") && !memcmp(bytes + 8, "WEBP", 4))
        return HK__FORMAT_WEBP;
    if (STARTS("GIF87a") || STARTS("GIF89a"))
        return HK__FORMAT_GIF;
    if (STARTS("II*\0") || STARTS("MM\0*") || STARTS("II+\0") || STARTS("MM\0+"))
        return HK__FORMAT_TIFF;
    if (STARTS("\0\0\0\x0cJXL \r\n\x87\n") || STARTS("\xff\x0a"))
        return HK__FORMAT_JXL;
    if (STARTS("\0\0\0\x0cjP  \r\n\x87\n") || STARTS("\xff\x4f\xff\x51"))
        return HK__FORMAT_JP2;
    if (count >= 16 && !memcmp(bytes + 4, "ftyp", 4))
        return iso_media(bytes, count);
    if (STARTS("BM") && count >= 26 && !bytes[6] && !bytes[7] && !bytes[8] && !bytes[9])
        return HK__FORMAT_BMP;
    if (STARTS("8BPS\0\1") || STARTS("8BPS\0\2"))
        return HK__FORMAT_PSD;
    if ((STARTS("\0\0\1\0") || STARTS("\0\0\2\0")) && count >= 22 && bytes[5] == 0 && bytes[4] &&
        bytes[9] == 0)
        return HK__FORMAT_ICO;
    if (STARTS("\x76\x2f\x31\x01"))
        return HK__FORMAT_EXR;
    if (STARTS("#?RADIANCE\n") || STARTS("#?RGBE\n"))
        return HK__FORMAT_HDR;
    if (count >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' && isspace(bytes[2]))
        return HK__FORMAT_PNM;
    if (is_svg(bytes, count))
        return HK__FORMAT_SVG;
    return HK__FORMAT_NONE;
}

/* A header's checksum is the sum of its bytes, its own eight as blanks. */
static bool is_tar(const uint8_t *bytes, size_t count)
{
    enum { HEADER = 512, SUM = 148, SUM_END = 156 };
    if (count < HEADER || memcmp(bytes + 257, "ustar", 5))
        return false;
    unsigned sum = 0, stated = 0;
    size_t i = SUM;
    while (i < SUM_END && bytes[i] == ' ')
        i++;
    for (; i < SUM_END && bytes[i] >= '0' && bytes[i] <= '7'; i++)
        stated = stated * 8 + (bytes[i] - '0');
    for (i = 0; i < HEADER; i++)
        sum += i >= SUM && i < SUM_END ? ' ' : bytes[i];
    return sum == stated;
}

hk__format hk__archive_of(const uint8_t *bytes, size_t count)
{
    if (hk__format_of(bytes, count))
        return HK__FORMAT_NONE;
    if (STARTS("PK\3\4") || STARTS("PK\5\6"))
        return HK__FORMAT_ZIP;
    if (STARTS("7z\xbc\xaf\x27\x1c"))
        return HK__FORMAT_7Z;
    if (STARTS("\x1f\x8b\x08"))
        return HK__FORMAT_TAR_GZ;
    if (count >= 4 && STARTS("BZh") && bytes[3] >= '1' && bytes[3] <= '9')
        return HK__FORMAT_TAR_BZ2;
    if (STARTS("\xfd"
               "7zXZ\0"))
        return HK__FORMAT_TAR_XZ;
    if (STARTS("\x28\xb5\x2f\xfd"))
        return HK__FORMAT_TAR_ZST;
    return is_tar(bytes, count) ? HK__FORMAT_TAR : HK__FORMAT_NONE;
}

const char *hk__format_name(hk__format format)
{
    static const char *const names[HK__FORMATS] = {
        NULL,  "jpeg", "png", "webp", "gif",    "tiff",    "heic",   "avif",
        "bmp", "jxl",  "jp2", "psd",  "ico",    "pnm",     "svg",    "exr",
        "hdr", "zip",  "7z",  "tar",  "tar.gz", "tar.bz2", "tar.xz", "tar.zst",
    };
    return (unsigned)format < HK__FORMATS ? names[format] : NULL;
}

const char *hk_allow_name(unsigned index)
{
    return index < HK_ALLOW_COUNT ? hk__format_name((hk__format)(HK__FORMAT_BMP + index)) : NULL;
}

unsigned hk__format_allow(hk__format format)
{
    return format >= HK__FORMAT_BMP && format <= HK__FORMAT_JP2 ? 1u << (format - HK__FORMAT_BMP)
                                                                : 0;
}

bool hk__format_is_decoded(hk__format format, unsigned allow)
{
    return (format > HK__FORMAT_NONE && format < HK__FORMAT_BMP) ||
           hk__format_allow(format) & allow;
}

bool hk__format_is_archive(hk__format format)
{
    return format >= HK__FORMAT_ZIP && format < HK__FORMATS;
}
