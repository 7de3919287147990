/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.c - see output.h. */
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool output_line(json_t *object)
{
    bool ok = object && !json_dumpf(object, stdout, JSON_COMPACT) && putchar('\n') != EOF;
    json_decref(object);
    return ok;
}

/* Length of the valid UTF-8 sequence at p, 0 if there is none (overlong and surrogates are not). */
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    const size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

bool output_is_utf8(const char *text)
{
    size_t n;
    const unsigned char *p = (const unsigned char *)text;
    for (; *p && (n = utf8_length(p)); p += n)
        ;
    return !*p;
}

/* Copies text, with what is no UTF-8, DEL and the second block of control characters (they steer
 * terminals) as \xHH; `controls` says the same of the first block. */
static char *escape(const char *text, bool controls, bool *escaped)
{
    char *out = malloc(strlen(text) * 4 + 1), *to = out;
    *escaped = false;
    for (const unsigned char *p = (const unsigned char *)text; out && *p;) {
        size_t n = utf8_length(p);
        const bool always = *p == 0x7f || (*p == 0xc2 && n == 2 && p[1] < 0xa0);
        if (n && !always && !(controls && *p < 0x20)) {
            memcpy(to, p, n);
            to += n;
            p += n;
        } else {
            to += sprintf(to, "\\x%02x", *p++);
            *escaped = true;
        }
    }
    if (out)
        *to = '\0';
    return out;
}

char *output_printable(const char *path)
{
    bool escaped;
    return escape(path, true, &escaped);
}

char *output_base64(const unsigned char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc((count + 2) / 3 * 4 + 1), *to = out;
    for (size_t i = 0; out && i < count; i += 3) {
        const size_t left = count - i;
        const unsigned v = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                           (left > 2 ? bytes[i + 2] : 0);
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[v & 63] : '=';
    }
    if (out)
        *to = '\0';
    return out;
}

void output_path(json_t *object, const char *key, const char *path)
{
    bool escaped;
    char *text = escape(path, false, &escaped);
    json_object_set_new(object, key, text ? json_string(text) : NULL);
    if (escaped) {
        char name[32];
        snprintf(name, sizeof name, "%s_b64", key);
        char *exact = output_base64((const unsigned char *)path, strlen(path));
        json_object_set_new(object, name, exact ? json_string(exact) : NULL);
        free(exact);
    }
    free(text);
}

void output_digests(json_t *object, const hk_digests *digests)
{
    const struct {
        unsigned bit;
        const char *name;
        const uint8_t *bytes;
        size_t size;
    } all[] = {
        {HK_DIGEST_MD5, "md5", digests->md5, sizeof digests->md5},
        {HK_DIGEST_SHA1, "sha1", digests->sha1, sizeof digests->sha1},
        {HK_DIGEST_SHA256, "sha256", digests->sha256, sizeof digests->sha256},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[65];
        if (!(digests->present & all[i].bit))
            continue;
        for (size_t b = 0; b < all[i].size; b++)
            sprintf(text + 2 * b, "%02x", all[i].bytes[b]);
        json_object_set_new(object, all[i].name, json_string(text));
    }
}

void output_csv_field(FILE *file, const char *text)
{
    const size_t length = strlen(text);
    const bool blanks = length && (strchr(" \t", text[0]) || strchr(" \t", text[length - 1]));
    if (!blanks && !text[strcspn(text, ",\"\r\n")]) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

/* Two digits, in words: 1.4 million, 850, 20 thousand. */
static void round_number(char out[32], double value)
{
    static const char *const names[] = {"", " thousand", " million", " billion", " trillion"};
    int step = 0;
    for (; value >= 999.5 && step < 4; step++)
        value /= 1000;
    if (value >= 999.5)
        snprintf(out, 32, "1000%s", names[step]);
    else
        snprintf(out, 32, "%.*f%s", value < 9.95 && value != floor(value) ? 1 : 0,
                 value < 99.5 ? value : round(value / 10) * 10, names[step]);
}

const char *output_chance(char out[OUTPUT_CHANCE_SIZE], hk_kind kind, double chance,
                          uint64_t entries)
{
    static const char *const kinds[] = {"photo", "low-texture image", "graphic"};
    const bool often = chance > 0.5,
               seldom = chance < 1e-12; /* beyond that no model is to be believed */
    char list[32], looks[32];
    round_number(list, (double)entries);
    round_number(looks, often ? chance : 1 / (seldom ? 1e-12 : chance));
    const int n = snprintf(out, OUTPUT_CHANCE_SIZE, "an unrelated %s comes this close to ",
                           (unsigned)kind < 3 ? kinds[kind] : "image");
    char *rest = out + n;
    const size_t room = OUTPUT_CHANCE_SIZE - (size_t)n;
    if (often && entries > 1)
        snprintf(rest, room, "%s entries of a list of %s in every look-up", looks, list);
    else if (often)
        snprintf(rest, room, "another one in most cases");
    else if (entries > 1)
        snprintf(rest, room, "a list of %s %sonce in %s look-ups", list, seldom ? "less than " : "",
                 looks);
    else
        snprintf(rest, room, "another one %sonce in %s comparisons", seldom ? "less than " : "",
                 looks);
    return out;
}

void output_account_text(FILE *file, const hk_account *account, bool verdicts)
{
    const uint64_t *by = account->by_class;
    fprintf(file, "%llu found = %llu hashed + %llu duplicate + %llu skipped + %llu failed\n",
            (unsigned long long)account->found, (unsigned long long)by[HK_CLASS_HASHED],
            (unsigned long long)by[HK_CLASS_DUPLICATE], (unsigned long long)by[HK_CLASS_SKIPPED],
            (unsigned long long)by[HK_CLASS_FAILED]);
    const char *before = "  of which ";
    for (int s = HK_FILE_TRUNCATED; s < HK_FILE_STATUSES; s++)
        if (account->by_status[s] && s != HK_FILE_DUPLICATE) {
            fprintf(file, "%s%llu %s", before, (unsigned long long)account->by_status[s],
                    hk_file_status_name((hk_file_status)s));
            before = ", ";
        }
    if (*before == ',')
        fputc('\n', file);
    if (!verdicts)
        return;
    fprintf(file, "%llu exact, %llu near, %llu none, %llu not checked\n",
            (unsigned long long)account->by_verdict[HK_VERDICT_EXACT],
            (unsigned long long)account->by_verdict[HK_VERDICT_NEAR],
            (unsigned long long)account->by_verdict[HK_VERDICT_NONE],
            (unsigned long long)account->by_verdict[HK_VERDICT_NOT_CHECKED]);
    if (account->known_good || account->conflicts)
        fprintf(file, "%llu known good, %llu conflicts between lists\n",
                (unsigned long long)account->known_good, (unsigned long long)account->conflicts);
    fprintf(file, "false matches to expect in such a run: %.1e at most\n",
            account->expected_false_matches);
}

json_t *output_account(const hk_account *account, bool verdicts)
{
    static const char *const classes[HK_CLASSES] = {"hashed", "duplicate", "skipped", "failed"};
    static const hk_verdict order[] = {HK_VERDICT_EXACT, HK_VERDICT_NEAR, HK_VERDICT_NONE,
                                       HK_VERDICT_NOT_CHECKED};
    json_t *fields = json_object(), *statuses = json_object();
    json_object_set_new(fields, "found", json_integer((json_int_t)account->found));
    for (int c = 0; c < HK_CLASSES; c++)
        json_object_set_new(fields, classes[c], json_integer((json_int_t)account->by_class[c]));
    for (size_t v = 0; verdicts && v < sizeof order / sizeof *order; v++)
        json_object_set_new(fields, hk_verdict_name(order[v]),
                            json_integer((json_int_t)account->by_verdict[order[v]]));
    if (verdicts) {
        json_object_set_new(fields, "known_good", json_integer((json_int_t)account->known_good));
        json_object_set_new(fields, "conflict", json_integer((json_int_t)account->conflicts));
        json_object_set_new(fields, "expected_false_matches",
                            json_real(account->expected_false_matches));
    }
    for (int s = 0; s < HK_FILE_STATUSES; s++)
        if (account->by_status[s])
            json_object_set_new(statuses, hk_file_status_name((hk_file_status)s),
                                json_integer((json_int_t)account->by_status[s]));
    json_object_set_new(fields, "statuses", statuses);
    return json_pack("{s:o}", "account", fields);
}
