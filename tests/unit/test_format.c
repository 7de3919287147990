/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_format.c - formats told by content, and the EXIF orientation; all with hostile bytes.
 *
 * Hostile bytes lie right before a page that cannot be read, so that reading past them fails in
 * every build.
 */
#include "unit.h"

#include "decode/exif.h"
#include "decode/format.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FUZZ = 100000 };

/* ---- guarded bytes -------------------------------------------------------------------------- */

enum { GUARDED = 8192 };
static uint8_t *guard; /* the first byte that cannot be read */

static int make_guard(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (GUARDED + page - 1) / page * page;
    uint8_t *block =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED || mprotect(block + room, page, PROT_NONE))
        return -1;
    guard = block + room;
    return 0;
}

static const uint8_t *guarded(const void *bytes, size_t count)
{
    return count ? memcpy(guard - count, bytes, count) : guard;
}

/* ---- formats -------------------------------------------------------------------------------- */

typedef struct sample {
    hk__format format;
    size_t least; /* bytes that tell */
    const char *bytes;
    size_t count;
} sample;
#define SAMPLE(format, least, bytes)                                                               \
    {                                                                                              \
        format, least, bytes, sizeof(bytes) - 1                                                    \
    }

static const sample samples[] = {
    SAMPLE(HK__FORMAT_JPEG, 3, "\xff\xd8\xff\xe0"),
    SAMPLE(HK__FORMAT_PNG, 8, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    SAMPLE(HK__FORMAT_WEBP, 12, "RIFF\x24\0\0\0WEBPVP8 "),
    SAMPLE(HK__FORMAT_GIF, 6, "GIF87a\1\0\1\0"),
    SAMPLE(HK__FORMAT_GIF, 6, "GIF89a\1\0\1\0"),
    SAMPLE(HK__FORMAT_TIFF, 4, "II*\0\x08\0\0\0"),
    SAMPLE(HK__FORMAT_TIFF, 4, "MM\0*\0\0\0\x08"),
    SAMPLE(HK__FORMAT_TIFF, 4, "II+\0\x08\0\0\0"),
    SAMPLE(HK__FORMAT_HEIC, 16,
           "\0\0\0\x18"
           "ftypheic\0\0\0\0mif1heic"),
    SAMPLE(HK__FORMAT_HEIC, 20,
           "\0\0\0\x18"
           "ftypisom\0\0\0\0heixisom"),
    SAMPLE(HK__FORMAT_HEIC, 16,
           "\0\0\0\x14"
           "ftypmif1\0\0\0\0mif1"),
    SAMPLE(HK__FORMAT_AVIF, 16,
           "\0\0\0\x1c"
           "ftypavif\0\0\0\0avifmif1miaf"),
    SAMPLE(HK__FORMAT_AVIF, 16,
           "\0\0\0\x18"
           "ftypavis\0\0\0\0msf1miaf"),
    SAMPLE(HK__FORMAT_BMP, 26,
           "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0"),
    SAMPLE(HK__FORMAT_JXL, 2, "\xff\x0a\x01"),
    SAMPLE(HK__FORMAT_JXL, 12,
           "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14"
           "ftypjxl "),
    SAMPLE(HK__FORMAT_JP2, 12,
           "\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14"
           "ftypjp2 "),
    SAMPLE(HK__FORMAT_JP2, 4, "\xff\x4f\xff\x51\0\x29"),
    SAMPLE(HK__FORMAT_PSD, 6, "8BPS\0\1\0\0\0\0\0\0"),
    SAMPLE(HK__FORMAT_ICO, 22, "\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0\x28"),
    SAMPLE(HK__FORMAT_PNM, 3, "P5\n1 1\n255\n\x80"),
    SAMPLE(HK__FORMAT_PNM, 3, "P1 1 1\n0\n"),
    SAMPLE(HK__FORMAT_SVG, 5, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    SAMPLE(HK__FORMAT_SVG, 27, "<?xml version=\"1.0\"?>\n<svg >"),
    SAMPLE(HK__FORMAT_SVG, 10, "\xef\xbb\xbf\n\t<svg></svg>"),
    SAMPLE(HK__FORMAT_EXR, 4, "\x76\x2f\x31\x01\2\0\0\0"),
    SAMPLE(HK__FORMAT_HDR, 11, "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n"),
    SAMPLE(HK__FORMAT_HDR, 7, "#?RGBE\nFORMAT=32-bit_rle_rgbe\n"),
};

static void formats_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    bool seen[HK__FORMATS] = {false};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        const sample *s = &samples[i];
        for (size_t n = s->least; n <= s->count; n++) {
            const hk__format got = hk__format_of(guarded(s->bytes, n), n);
            if (got != s->format)
                print_error("sample %zu, %zu bytes: %d\n", i, n, (int)got);
            assert_int_equal(got, s->format);
        }
        seen[s->format] = true;
    }
    for (int f = HK__FORMAT_NONE + 1; f < HK__FORMAT_ZIP; f++)
        assert_true(seen[f]);
}

static void formats_are_not_told_from_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++)
        for (size_t n = 0; n < samples[i].least; n++) {
            const hk__format got = hk__format_of(guarded(samples[i].bytes, n), n);
            if (got != HK__FORMAT_NONE)
                print_error("sample %zu, %zu bytes: %d\n", i, n, (int)got);
            assert_int_equal(got, HK__FORMAT_NONE);
        }
}

static const sample archives[] = {
    SAMPLE(HK__FORMAT_ZIP, 4, "PK\3\4\x14\0\0\0\x08\0"),
    SAMPLE(HK__FORMAT_ZIP, 4, "PK\5\6\0\0\0\0\0\0"),
    SAMPLE(HK__FORMAT_7Z, 6, "7z\xbc\xaf\x27\x1c\0\4"),
    SAMPLE(HK__FORMAT_TAR_GZ, 3, "\x1f\x8b\x08\0\0\0"),
    SAMPLE(HK__FORMAT_TAR_BZ2, 4, "BZh91AY&SY"),
    SAMPLE(HK__FORMAT_TAR_XZ, 6,
           "\xfd"
           "7zXZ\0\0\4"),
    SAMPLE(HK__FORMAT_TAR_ZST, 4, "\x28\xb5\x2f\xfd\0"),
};

static void archives_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(archives); i++)
        for (size_t n = 0; n <= archives[i].count; n++) {
            const uint8_t *bytes = guarded(archives[i].bytes, n);
            assert_int_equal(hk__archive_of(bytes, n),
                             n < archives[i].least ? HK__FORMAT_NONE : archives[i].format);
            assert_int_equal(hk__format_of(bytes, n), HK__FORMAT_NONE);
        }
    for (size_t i = 0; i < COUNT_OF(samples); i++)
        assert_int_equal(
            hk__archive_of(guarded(samples[i].bytes, samples[i].count), samples[i].count),
            HK__FORMAT_NONE);
    assert_int_equal(hk__archive_of(guarded("BZh0", 4), 4), HK__FORMAT_NONE);
}

/* A tar has its mark in the middle of its first header, and a sum over all of that. */
static void tars_are_told_by_their_header(void **state)
{
    (void)state;
    char header[512] = "name";
    unsigned sum = 8 * ' ';
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    for (size_t i = 0; i < sizeof header; i++)
        sum += (uint8_t)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    assert_int_equal(hk__archive_of(guarded(header, 512), 512), HK__FORMAT_TAR);
    assert_int_equal(hk__archive_of(guarded(header, 511), 511), HK__FORMAT_NONE);
    header[0] ^= 1;
    assert_int_equal(hk__archive_of(guarded(header, 512), 512), HK__FORMAT_NONE);
    header[0] ^= 1;
    header[257] = 'U';
    assert_int_equal(hk__archive_of(guarded(header, 512), 512), HK__FORMAT_NONE);
}

static void other_files_have_no_format(void **state)
{
    (void)state;
    static const sample others[] = {
        SAMPLE(HK__FORMAT_NONE, 0, ""),
        SAMPLE(HK__FORMAT_NONE, 0, "just some text that goes on for a while\n"),
        SAMPLE(HK__FORMAT_NONE, 0, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>"),
        SAMPLE(HK__FORMAT_NONE, 0, "PK\3\4\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        SAMPLE(HK__FORMAT_NONE, 0, "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"),
        SAMPLE(HK__FORMAT_NONE, 0, "RIFF\x24\0\0\0AVI LIST"),
        SAMPLE(HK__FORMAT_NONE, 0,
               "\0\0\0\x20"
               "ftypisom\0\0\2\0isomiso2avc1mp41"),
        SAMPLE(HK__FORMAT_NONE, 0,
               "\0\0\0\x10"
               "ftypqt  heic"), /* the minor version */
        SAMPLE(HK__FORMAT_NONE, 0,
               "\0\0\0\x10"
               "ftypqt  \0\0\0\0heic"), /* past the box */
        SAMPLE(HK__FORMAT_NONE, 0, "BMW is a maker of cars and not of bitmaps"),
        SAMPLE(HK__FORMAT_NONE, 0, "GIF88a\1\0\1\0"),
        SAMPLE(HK__FORMAT_NONE, 0, "P8\n1 1\n"),
        SAMPLE(HK__FORMAT_NONE, 0, "P5x"),
        SAMPLE(HK__FORMAT_NONE, 0, "<html><svg></svg></html>"),
        SAMPLE(HK__FORMAT_NONE, 0, "<?xml version=\"1.0\"?><svgx></svgx>"),
        SAMPLE(HK__FORMAT_NONE, 0,
               "\x7f"
               "ELF\2\1\1\0\0\0\0\0\0\0\0\0"),
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const hk__format got =
            hk__format_of(guarded(others[i].bytes, others[i].count), others[i].count);
        if (got)
            print_error("other %zu: %s\n", i, hk__format_name(got));
        assert_int_equal(got, HK__FORMAT_NONE);
    }
}

static void formats_have_names_and_some_are_decoded(void **state)
{
    (void)state;
    static const char *const names[HK__FORMATS] = {
        [HK__FORMAT_JPEG] = "jpeg",       [HK__FORMAT_PNG] = "png",
        [HK__FORMAT_WEBP] = "webp",       [HK__FORMAT_GIF] = "gif",
        [HK__FORMAT_TIFF] = "tiff",       [HK__FORMAT_HEIC] = "heic",
        [HK__FORMAT_AVIF] = "avif",       [HK__FORMAT_BMP] = "bmp",
        [HK__FORMAT_JXL] = "jxl",         [HK__FORMAT_JP2] = "jp2",
        [HK__FORMAT_PSD] = "psd",         [HK__FORMAT_ICO] = "ico",
        [HK__FORMAT_PNM] = "pnm",         [HK__FORMAT_SVG] = "svg",
        [HK__FORMAT_EXR] = "exr",         [HK__FORMAT_HDR] = "hdr",
        [HK__FORMAT_ZIP] = "zip",         [HK__FORMAT_7Z] = "7z",
        [HK__FORMAT_TAR] = "tar",         [HK__FORMAT_TAR_GZ] = "tar.gz",
        [HK__FORMAT_TAR_BZ2] = "tar.bz2", [HK__FORMAT_TAR_XZ] = "tar.xz",
        [HK__FORMAT_TAR_ZST] = "tar.zst",
    };
    for (int f = 1; f < HK__FORMATS; f++) {
        assert_string_equal(hk__format_name((hk__format)f), names[f]);
        assert_int_equal(hk__format_is_decoded((hk__format)f, 0), f <= HK__FORMAT_AVIF);
        assert_int_equal(hk__format_is_decoded((hk__format)f, ~0u), f <= HK__FORMAT_JP2);
        assert_int_equal(hk__format_is_decoded((hk__format)f, HK_ALLOW_JXL),
                         f <= HK__FORMAT_AVIF || f == HK__FORMAT_JXL);
        assert_int_equal(hk__format_is_archive((hk__format)f), f >= HK__FORMAT_ZIP);
    }
    for (unsigned i = 0; i < HK_ALLOW_COUNT; i++)
        assert_string_equal(hk_allow_name(i), hk__format_name((hk__format)(HK__FORMAT_BMP + i)));
    assert_null(hk_allow_name(HK_ALLOW_COUNT));
    assert_int_equal(hk__format_allow(HK__FORMAT_BMP), HK_ALLOW_BMP);
    assert_int_equal(hk__format_allow(HK__FORMAT_JXL), HK_ALLOW_JXL);
    assert_int_equal(hk__format_allow(HK__FORMAT_JP2), HK_ALLOW_JP2);
    assert_null(hk__format_name(HK__FORMAT_NONE));
    assert_null(hk__format_name(HK__FORMATS));
    assert_false(hk__format_is_decoded(HK__FORMAT_NONE, ~0u));
    assert_false(hk__format_is_decoded(HK__FORMATS, ~0u));
}

static void formats_of_random_bytes_stay_within_bounds(void **state)
{
    (void)state;
    uint64_t seed = 12;
    for (int round = 0; round < FUZZ; round++) {
        uint8_t bytes[160];
        const sample *s = &samples[next_random(&seed) % COUNT_OF(samples)];
        const size_t count = next_random(&seed) % (sizeof bytes + 1);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        memcpy(bytes, s->bytes, round % 4 ? s->count : 0);
        if (round & 1)
            bytes[next_random(&seed) % 32] = (uint8_t)next_random(&seed);
        assert_true((unsigned)hk__archive_of(guarded(bytes, count), count) < HK__FORMATS);
        assert_true((unsigned)hk__format_of(guarded(bytes, count), count) < HK__FORMATS);
    }
}

/* ---- EXIF ----------------------------------------------------------------------------------- */

typedef struct segment {
    uint8_t bytes[400];
    size_t count;
    bool big;
} segment;

static void put(segment *s, unsigned value, int width)
{
    for (int i = 0; i < width; i++)
        s->bytes[s->count++] = (uint8_t)(value >> 8 * (s->big ? width - 1 - i : i));
}

/* An EXIF segment whose directory lies at `offset` with two tags before the orientation. */
static segment exif(bool big, unsigned offset, unsigned type, unsigned value)
{
    segment s = {.big = big};
    memcpy(s.bytes, big ? "Exif\0\0MM\0*" : "Exif\0\0II*\0", 10);
    s.count = 10;
    put(&s, offset, 4);
    s.count = 6 + offset;
    put(&s, 4, 2);
    static const unsigned others[] = {0x010f, 0x0110, 0x0112, 0x011a};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        const bool it = others[i] == 0x0112;
        put(&s, others[i], 2);
        put(&s, it ? type : 2, 2);
        put(&s, 1, 4);
        put(&s, it ? value : 7, it && type == 4 ? 4 : 2);
        if (!it || type != 4)
            put(&s, 0, 2);
    }
    put(&s, 0, 4);
    return s;
}

static unsigned orientation_of(const segment *s, size_t count)
{
    return hk__exif_orientation(guarded(s->bytes, count), count);
}

enum { SHORT = 3, LONG = 4, BYTE = 1 };

static void exif_orientation_is_read_in_both_byte_orders(void **state)
{
    (void)state;
    static const unsigned offsets[] = {8, 9, 100};
    for (int big = 0; big < 2; big++)
        for (size_t o = 0; o < COUNT_OF(offsets); o++)
            for (unsigned value = 1; value <= 8; value++) {
                const segment s = exif(big, offsets[o], SHORT, value);
                const segment l = exif(big, offsets[o], LONG, value);
                assert_int_equal(orientation_of(&s, s.count), value);
                assert_int_equal(orientation_of(&l, l.count), value);
            }
}

static void exif_orientation_out_of_range_is_none(void **state)
{
    (void)state;
    static const unsigned values[] = {0, 9, 255, 256, 0xffff};
    for (int big = 0; big < 2; big++) {
        for (size_t v = 0; v < COUNT_OF(values); v++) {
            const segment s = exif(big, 8, SHORT, values[v]), l = exif(big, 8, LONG, values[v]);
            assert_int_equal(orientation_of(&s, s.count), 0);
            assert_int_equal(orientation_of(&l, l.count), 0);
        }
        const segment l = exif(big, 8, LONG, 0x10006), b = exif(big, 8, BYTE, 6);
        assert_int_equal(orientation_of(&l, l.count), 0);
        assert_int_equal(orientation_of(&b, b.count), 0);
    }
}

static void exif_orientation_needs_a_whole_entry(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        const segment s = exif(big, 8, SHORT, 6);
        const size_t entry_end = 6 + 8 + 2 + 3 * 12;
        for (size_t n = 0; n <= s.count; n++)
            assert_int_equal(orientation_of(&s, n), n >= entry_end ? 6 : 0);
    }
}

static void exif_offsets_outside_the_segment_give_none(void **state)
{
    (void)state;
    static const unsigned offsets[] = {
        61, 62, 63, 64, 65, 1000, 0x7fffffff, 0x80000000, 0xfffffffa, 0xfffffffe, 0xffffffff};
    for (int big = 0; big < 2; big++) {
        for (size_t i = 0; i < COUNT_OF(offsets); i++) {
            segment s = exif(big, 8, SHORT, 6);
            const size_t count = s.count;
            s.count = 10;
            put(&s, offsets[i], 4);
            assert_int_equal(orientation_of(&s, count), 0);
        }
        segment s = exif(big, 8, SHORT, 6); /* more entries than there are */
        const size_t count = s.count;
        s.count = 14;
        put(&s, 0xffff, 2);
        assert_int_equal(orientation_of(&s, count), 6);
        s.count = 14;
        put(&s, 2, 2); /* the orientation is the third */
        assert_int_equal(orientation_of(&s, count), 0);
    }
}

static void other_segments_have_no_orientation(void **state)
{
    (void)state;
    segment s = exif(false, 8, SHORT, 6);
    static const size_t places[] = {0, 3, 4, 6, 7, 8, 9};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        s.bytes[places[i]] ^= 0x20;
        assert_int_equal(orientation_of(&s, s.count), 0);
        s.bytes[places[i]] ^= 0x20;
    }
    assert_int_equal(orientation_of(&s, s.count), 6);
    memcpy(s.bytes, "http://ns.adobe.com/xap/1.0/", 28);
    assert_int_equal(orientation_of(&s, s.count), 0);
}

static void exif_of_random_bytes_stays_within_bounds(void **state)
{
    (void)state;
    uint64_t seed = 13;
    int found = 0;
    for (int round = 0; round < FUZZ; round++) {
        segment s = exif(round & 1, 8, round & 2 ? SHORT : LONG, 1 + (unsigned)round % 8);
        const size_t count = next_random(&seed) % (s.count + 1);
        const size_t from = round & 4 ? 0 : 10; /* under a good beginning or not */
        for (uint64_t n = next_random(&seed) % 30; n; n--)
            s.bytes[from + next_random(&seed) % (s.count - from)] = (uint8_t)next_random(&seed);
        const unsigned got = orientation_of(&s, round & 8 ? s.count : count);
        assert_true(got <= 8);
        found += got > 0;
    }
    assert_true(found > FUZZ / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_told_by_their_first_bytes),
        cmocka_unit_test(formats_are_not_told_from_less),
        cmocka_unit_test(archives_are_told_by_their_first_bytes),
        cmocka_unit_test(tars_are_told_by_their_header),
        cmocka_unit_test(other_files_have_no_format),
        cmocka_unit_test(formats_have_names_and_some_are_decoded),
        cmocka_unit_test(formats_of_random_bytes_stay_within_bounds),
        cmocka_unit_test(exif_orientation_is_read_in_both_byte_orders),
        cmocka_unit_test(exif_orientation_out_of_range_is_none),
        cmocka_unit_test(exif_orientation_needs_a_whole_entry),
        cmocka_unit_test(exif_offsets_outside_the_segment_give_none),
        cmocka_unit_test(other_segments_have_no_orientation),
        cmocka_unit_test(exif_of_random_bytes_stays_within_bounds),
    };
    return cmocka_run_group_tests_name("format", tests, make_guard, NULL);
}
