/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_draw.c - see report_draw.h. */
#include "report/report_draw.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>
#include <time.h>

/* ---- words --------------------------------------------------------------------------------- */

/* Of words that are longer than SHOWN_MOST bytes the first HEAD and the last TAIL, or nearly. */
enum { SHOWN_MOST = 480, HEAD = 240, TAIL = 200 };

/* Code points that show as nothing, or change how their neighbours show, first and last. */
static const uint32_t hidden[][2] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x2800, 0x2800},   {0x3164, 0x3164},   {0xe000, 0xf8ff}, {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0xfffe, 0xffff},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};
/* Marks that are set above and below the letter before: any number of them grow over the page. */
static const uint32_t marks[][2] = {{0x300, 0x36f},   {0x483, 0x489},   {0x1ab0, 0x1aff},
                                    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f}};
enum { MARKS_MOST = 3 };

static bool is_in(uint32_t code, const uint32_t (*ranges)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

static uint32_t code_point(const unsigned char *p, int length)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = p[0] & first[length];
    for (int i = 1; i < length; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

static bool draw_plain(FILE *out, unsigned char c, bool path)
{
    switch (c) {
    case '<':
        return fputs("&lt;", out) >= 0;
    case '>':
        return fputs("&gt;", out) >= 0;
    case '&':
        return fputs("&amp;", out) >= 0;
    case '"':
        return fputs("&quot;", out) >= 0;
    case '\'':
        return fputs("&#39;", out) >= 0;
    case '\\':
        return fputs("\\\\", out) >= 0;
    case '/':
        return fputs(path ? "/<wbr>" : "/", out) >= 0;
    default:
        return fputc(c, out) >= 0;
    }
}

/* Up to `end`, which a NUL may follow or not: a sequence never reads past it. */
static void draw_part(FILE *out, const char *text, size_t count, bool path)
{
    char part[SHOWN_MOST + 1];
    unsigned stacked = 0;
    memcpy(part, text, count);
    part[count] = '\0';
    const unsigned char *p = (const unsigned char *)part, *const end = p + count;
    while (p < end) {
        const int length = hk__utf8_sequence(p);
        const uint32_t code = length > 0 ? code_point(p, length) : 0;
        const bool mark = length > 1 && is_in(code, marks, sizeof marks / sizeof *marks);
        stacked = mark ? stacked + 1 : 0;
        if (length < 1 || (length == 1 && code < 0x20) || code == 0x7f) {
            fprintf(out, "<i>\\x%02x</i>", *p++);
        } else if (stacked > MARKS_MOST || is_in(code, hidden, sizeof hidden / sizeof *hidden)) {
            fprintf(out, "<i>\\u%04x</i>", (unsigned)code);
            p += length;
        } else if (length == 1) {
            draw_plain(out, *p++, path);
        } else {
            fwrite(p, 1, (size_t)length, out);
            p += length;
        }
    }
}

/* Where words are cut: bytes at the beginning, and where the end begins; between characters. */
static void cut(size_t *head, size_t *tail, const char *words)
{
    const size_t length = strlen(words);
    *head = *tail = length;
    if (length <= SHOWN_MOST)
        return;
    *head = HEAD;
    *tail = length - TAIL;
    for (int i = 0; i < 3 && ((unsigned char)words[*head] & 0xc0) == 0x80; i++)
        --*head;
    for (int i = 0; i < 3 && ((unsigned char)words[*tail] & 0xc0) == 0x80; i++)
        ++*tail;
}

static void draw(FILE *out, const char *head, size_t head_count, size_t left_out, const char *tail,
                 bool path)
{
    fputs(path ? "<bdi class=path dir=ltr>" : "<bdi>", out);
    draw_part(out, head, head_count, path);
    if (left_out) {
        fputs(" <i>… ", out);
        hk__draw_count(out, left_out);
        fputs(" bytes left out …</i> ", out);
    }
    draw_part(out, tail, strlen(tail), path);
    fputs("</bdi>", out);
}

static void draw_any(FILE *out, const char *words, bool path)
{
    size_t head, tail;
    if (!words)
        return;
    cut(&head, &tail, words);
    draw(out, words, head, tail - head, words + tail, path);
}

void hk__draw_words(FILE *out, const char *words)
{
    draw_any(out, words, false);
}

void hk__draw_path(FILE *out, const char *path)
{
    draw_any(out, path, true);
}

hk_status hk__keep_words(hk__kept_words *out, const char *words, hk_error *err)
{
    size_t head, tail;
    hk__kept_words kept = {0};
    if (words) {
        cut(&head, &tail, words);
        const size_t rest = strlen(words + tail);
        kept.head = head;
        kept.left_out = tail - head;
        kept.text = hk__alloc(head + rest + 1, 1);
        if (!kept.text)
            return hk__fail_memory(err);
        memcpy(kept.text, words, head);
        memcpy(kept.text + head, words + tail, rest);
    }
    *out = kept;
    return HK_OK;
}

void hk__kept_words_free(hk__kept_words *kept)
{
    hk__free(kept->text);
    *kept = (hk__kept_words){0};
}

static void draw_kept(FILE *out, const hk__kept_words *kept, bool path)
{
    if (kept->text)
        draw(out, kept->text, kept->head, kept->left_out, kept->text + kept->head, path);
}

void hk__draw_kept_path(FILE *out, const hk__kept_words *kept)
{
    draw_kept(out, kept, true);
}

void hk__draw_kept_words(FILE *out, const hk__kept_words *kept)
{
    draw_kept(out, kept, false);
}

/* ---- numbers ------------------------------------------------------------------------------- */

void hk__draw_count(FILE *out, uint64_t count)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            fputc(',', out);
        fputc(digits[i], out);
    }
}

void hk__draw_counted(FILE *out, uint64_t count, const char *one, const char *many)
{
    hk__draw_count(out, count);
    fprintf(out, " %s", count == 1 ? one : many);
}

void hk__draw_bytes(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        hk__draw_counted(out, bytes, "byte", "bytes");
        return;
    }
    int unit = 0;
    uint64_t tenths = bytes / 100;
    for (; tenths >= 10000 && unit < 5; unit++)
        tenths /= 1000;
    if (tenths < 100)
        fprintf(out, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[unit]);
    else
        fprintf(out, "%u %s", (unsigned)(tenths / 10), units[unit]);
}

void hk__draw_share(FILE *out, uint64_t part, uint64_t whole)
{
    const double share = whole ? (double)part / (double)whole : 0;
    unsigned tenths = (unsigned)(share * 1000 + 0.5);
    if (part && !tenths) {
        fputs("&lt; 0.1 %", out);
        return;
    }
    if (part < whole && tenths == 1000)
        tenths = 999;
    fprintf(out, "%u.%u %%", tenths / 10, tenths % 10);
}

void hk__draw_time(FILE *out, int64_t at)
{
    struct tm day;
    const time_t seconds = (time_t)at;
    if (at < 0 || at > INT64_C(253402300799) || !gmtime_r(&seconds, &day)) {
        fprintf(out, "%lld s after 1970", (long long)at);
        return;
    }
    fprintf(out, "%04d-%02d-%02d %02d:%02d:%02d UTC", day.tm_year + 1900, day.tm_mon + 1,
            day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec);
}

void hk__draw_span(FILE *out, uint64_t seconds)
{
    const uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (minutes < 2)
        fprintf(out, "%u s", (unsigned)seconds);
    else if (hours < 1)
        fprintf(out, "%u min", (unsigned)minutes);
    else if (days < 2)
        fprintf(out, "%u h %u min", (unsigned)hours, (unsigned)(minutes % 60));
    else
        fprintf(out, "%llu days %u h", (unsigned long long)days, (unsigned)(hours % 24));
}

void hk__draw_round(FILE *out, double value)
{
    char words[HK__ROUND_SIZE];
    fputs(hk__round_words(words, value), out);
}

void hk__draw_chance(FILE *out, double chance)
{
    if (chance > 0.5) {
        hk__draw_round(out, chance);
        fputs(" times in every look-up", out);
        return;
    }
    const bool seldom = chance < 1e-12; /* beyond that no model is to be believed */
    fputs(seldom ? "less than once in " : "once in ", out);
    hk__draw_round(out, 1 / (seldom ? 1e-12 : chance));
    fputs(" look-ups", out);
}

void hk__draw_hex(FILE *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%02x", bytes[i]);
}

const char *hk__orientation_words(hk_orientation orientation)
{
    static const char *const words[HK_ORIENTATIONS] = {
        "upright as listed",          "turned by a quarter",
        "turned by a half",           "turned by three quarters",
        "mirrored top to bottom",     "mirrored left to right",
        "mirrored across a diagonal", "mirrored across the other diagonal",
    };
    return (unsigned)orientation < HK_ORIENTATIONS ? words[orientation] : "";
}
