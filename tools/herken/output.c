/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.c - see output.h. */
#include "output.h"

#include <stdlib.h>
#include <string.h>

bool output_line(json_t *object)
{
    bool ok = object && !json_dumpf(object, stdout, JSON_COMPACT) && putchar('\n') != EOF;
    json_decref(object);
    return ok;
}

bool output_is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

char *output_printable(const char *path)
{
    char *out = NULL;
    return hk_text_escape(&out, NULL, path, true, NULL) ? NULL : out;
}

char *output_base64(const unsigned char *bytes, size_t count)
{
    char *out = NULL;
    return hk_text_base64(&out, bytes, count, NULL) ? NULL : out;
}

void output_path(json_t *object, const char *key, const char *path)
{
    bool escaped = false;
    char *text = NULL;
    if (hk_text_escape(&text, &escaped, path, false, NULL))
        text = NULL;
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
    if (account->expected_false_matches > 0)
        fprintf(file, "false matches to expect in such a run: %.1e at most\n",
                account->expected_false_matches);
    else
        fputs("false matches to expect in such a run: none\n", file);
}

json_t *output_account(const hk_account *account, bool verdicts)
{
    char *text = NULL;
    json_t *object =
        hk_account_json(&text, account, verdicts, NULL) ? NULL : json_loads(text, 0, NULL);
    free(text);
    return object;
}

char *output_shell(const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=+:@%,-";
    char *safe = output_printable(path), *text = NULL;
    size_t size;
    if (safe && *safe && *safe != '-' && !safe[strspn(safe, plain)])
        return safe;
    FILE *out = safe ? open_memstream(&text, &size) : NULL;
    if (out) {
        fputs(*safe == '-' ? "'./" : "'", out);
        for (const char *p = safe; *p; p++)
            fputs(*p == '\'' ? "'\\''" : (char[]){*p, '\0'}, out);
        fputc('\'', out);
        fclose(out);
    }
    free(safe);
    return text;
}

void output_radii(json_t *object, const char *key, const int radius[3])
{
    json_t *radii = json_object();
    for (int kind = 0; hk_kind_name((hk_kind)kind); kind++)
        if (radius[kind] >= 0)
            json_object_set_new(radii, hk_kind_name((hk_kind)kind), json_integer(radius[kind]));
    json_object_set_new(object, key, radii);
}
