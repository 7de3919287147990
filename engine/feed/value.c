/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value.c - see value.h. */
#include "feed/value.h"

#include "core/digest.h"
#include "feed/entry.h"

#include <string.h>
#include <time.h>

/* ---- hex ------------------------------------------------------------------------------------- */

/* The value of a hex digit plus one; 0: it is none. */
static const uint8_t digit[256] = {
    ['0'] = 1, 2,  3,  4,  5,  6,          7,  8,  9,  10, ['a'] = 11,
    12,        13, 14, 15, 16, ['A'] = 11, 12, 13, 14, 15, 16};

size_t hk__hex_run(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && digit[(unsigned char)text[n]])
        n++;
    return n;
}

bool hk__is_value(const char *text, size_t length)
{
    return (length == 32 || length == 40 || length == 64) && hk__hex_run(text, length) == length;
}

bool hk__read_hex(uint8_t *out, size_t count, const char *text, size_t length)
{
    uint8_t bytes[HK_PHOTODNA_SIZE];
    bool all = true;
    if (length != 2 * count || count > sizeof bytes)
        return false;
    for (size_t i = 0; i < count; i++) {
        const uint8_t high = digit[(unsigned char)text[2 * i]];
        const uint8_t low = digit[(unsigned char)text[2 * i + 1]];
        all &= high && low;
        bytes[i] = (uint8_t)((high - 1u) << 4 | ((low - 1u) & 15));
    }
    if (all)
        memcpy(out, bytes, count);
    return all;
}

bool hk__read_hash(hk_hash *out, const char *text, size_t length)
{
    uint8_t bytes[32];
    if (!hk__read_hex(bytes, sizeof bytes, text, length))
        return false;
    hk__hash_from_bytes(out, bytes);
    return true;
}

bool hk__read_digest(hk_digests *out, hk_basis basis, const char *text, size_t length)
{
    uint8_t *bytes = basis == HK_BASIS_MD5    ? out->md5
                     : basis == HK_BASIS_SHA1 ? out->sha1
                                              : out->sha256;
    if (!hk__read_hex(bytes, hk__digest_size(basis), text, length))
        return false;
    out->present |= 1u << basis;
    return true;
}

bool hk__read_either(hk_entry *entry, const char *text, size_t length)
{
    enum { DIGEST_ONES_SLACK = 64 }; /* eight standard deviations of random bits */
    if (!hk__read_hash(&entry->hash, text, length))
        return false;
    const unsigned ones = hk_hash_ones(&entry->hash), half = HK_HASH_BITS / 2;
    const unsigned off = ones > half ? ones - half : half - ones;
    if (off <= DIGEST_ONES_SLACK)
        (void)hk__read_digest(&entry->digests, HK_BASIS_SHA256, text, length);
    entry->has_hash = off > DIGEST_ONES_SLACK || (!hk__hash_is_degenerate(&entry->hash) &&
                                                  !hk__digests_are_of_nothing(&entry->digests));
    return true;
}

char *hk__hex(char *out, const uint8_t *bytes, size_t count, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
    return out;
}

bool hk__read_quality(int *out, const char *text, size_t length)
{
    int value = 0;
    if (length == 0 || length > 3)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    if (value > 100)
        return false;
    *out = value;
    return true;
}

/* ---- PhotoDNA -------------------------------------------------------------------------------- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/* Where a character stands in it, plus one; 0: nowhere. */
static const uint8_t sextet[256] = {['A'] = 1, 2,  3,  4,  5,  6,  7,  8,          9,
                                    10,        11, 12, 13, 14, 15, 16, 17,         18,
                                    19,        20, 21, 22, 23, 24, 25, 26,         ['a'] = 27,
                                    28,        29, 30, 31, 32, 33, 34, 35,         36,
                                    37,        38, 39, 40, 41, 42, 43, 44,         45,
                                    46,        47, 48, 49, 50, 51, 52, ['0'] = 53, 54,
                                    55,        56, 57, 58, 59, 60, 61, 62,         ['+'] = 63,
                                    ['/'] = 64};

bool hk__read_photodna(uint8_t out[HK_PHOTODNA_SIZE], const char *text, size_t length)
{
    uint8_t bytes[HK_PHOTODNA_SIZE];
    bool all = true;
    if (length != HK__PHOTODNA_BASE64)
        return hk__read_hex(out, HK_PHOTODNA_SIZE, text, length);
    for (size_t i = 0; i < length / 4; i++) {
        uint32_t three = 0;
        for (size_t j = 0; j < 4; j++) {
            const uint8_t place = sextet[(unsigned char)text[4 * i + j]];
            all &= place > 0;
            three = three << 6 | ((place - 1u) & 63);
        }
        for (size_t j = 0; j < 3; j++)
            bytes[3 * i + j] = (uint8_t)(three >> (16 - 8 * j));
    }
    if (all)
        memcpy(out, bytes, sizeof bytes);
    return all;
}

char *hk__photodna_text(char out[HK__PHOTODNA_BASE64 + 1], const uint8_t *photodna)
{
    for (size_t i = 0; i < HK_PHOTODNA_SIZE / 3; i++) {
        const uint8_t *p = photodna + 3 * i;
        const uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (size_t j = 0; j < 4; j++)
            out[4 * i + j] = base64[three >> (18 - 6 * j) & 63];
    }
    out[HK__PHOTODNA_BASE64] = '\0';
    return out;
}

/* ---- dates ----------------------------------------------------------------------------------- */

#define YEAR_1 INT64_C(-62135596800)
#define YEAR_10000 INT64_C(253402300800)

/* Takes `digits` digits off the front. */
static bool take_number(int *out, size_t digits, const char **text, const char *end)
{
    int value = 0;
    if ((size_t)(end - *text) < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        const char c = (*text)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *text += digits;
    *out = value;
    return true;
}

static bool take_char(char c, const char **text, const char *end)
{
    if (*text == end || **text != c)
        return false;
    ++*text;
    return true;
}

/* Z, +01:00, +0100, +01 or nothing; *seconds is what to take off. */
static bool take_zone(int *seconds, const char **text, const char *end)
{
    int hours = 0, minutes = 0;
    *seconds = 0;
    if (*text == end || take_char('Z', text, end) || take_char('z', text, end))
        return true;
    const int sign = take_char('-', text, end) ? -1 : take_char('+', text, end) ? 1 : 0;
    if (!sign || !take_number(&hours, 2, text, end))
        return false;
    if (*text != end && (take_char(':', text, end), !take_number(&minutes, 2, text, end)))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

static bool take_time(int *seconds, const char **text, const char *end)
{
    int hour, minute, second = 0, tenth;
    if (!take_number(&hour, 2, text, end) || !take_char(':', text, end) ||
        !take_number(&minute, 2, text, end))
        return false;
    if (take_char(':', text, end)) {
        if (!take_number(&second, 2, text, end))
            return false;
        if (take_char('.', text, end)) /* parts of a second are passed over */
            while (take_number(&tenth, 1, text, end))
                ;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60;
}

static bool read_iso(int64_t *out, const char *text, const char *end)
{
    int year, month, day, time = 0, zone = 0;
    if (!take_number(&year, 4, &text, end) || !take_char('-', &text, end) ||
        !take_number(&month, 2, &text, end) || !take_char('-', &text, end) ||
        !take_number(&day, 2, &text, end))
        return false;
    if (text != end && ((!take_char('T', &text, end) && !take_char(' ', &text, end)) ||
                        !take_time(&time, &text, end) || !take_zone(&zone, &text, end)))
        return false;
    struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    const int64_t midnight = timegm(&t);
    if (text != end || t.tm_mon != month - 1 || t.tm_mday != day) /* 2026-02-30 is none */
        return false;
    *out = midnight + time - zone;
    return true;
}

/* /Date(1234567890123)/ and /Date(1234567890123+0100)/: UTC either way. */
static bool read_microsoft(int64_t *out, const char *text, const char *end)
{
    int64_t value = 0;
    int tenth, zone;
    const bool negative = take_char('-', &text, end);
    const char *digits = text;
    while (text - digits < 18 && take_number(&tenth, 1, &text, end))
        value = value * 10 + tenth;
    const char *close = memchr(text, ')', (size_t)(end - text));
    if (text == digits || !close || end - close != 2 || close[1] != '/' ||
        !take_zone(&zone, &text, close) || text != close)
        return false;
    *out = negative ? -(value + 999) / 1000 : value / 1000;
    return true;
}

bool hk__read_date(int64_t *out, const char *text, size_t length)
{
    static const char mark[] = "/Date(";
    enum { MARK = sizeof mark - 1 };
    const char *end = text + length;
    int64_t date;
    const bool read = length > MARK && !memcmp(text, mark, MARK)
                          ? read_microsoft(&date, text + MARK, end)
                          : read_iso(&date, text, end);
    if (!read || date < YEAR_1 || date >= YEAR_10000)
        return false;
    *out = date;
    return true;
}

char *hk__date_text(char out[HK__DATE_SIZE], int64_t date)
{
    struct tm t;
    const time_t seconds = date;
    *out = '\0';
    if (date >= YEAR_1 && date < YEAR_10000 && gmtime_r(&seconds, &t))
        snprintf(out, HK__DATE_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                 (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100,
                 (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100,
                 (unsigned)t.tm_sec % 100);
    return out;
}
