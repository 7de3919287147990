/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extra.c - see extra.h. */
#include "feed/extra.h"

#include "core/error.h"

#include <string.h>

/* ---- writing --------------------------------------------------------------------------------- */

enum { ESCAPED = sizeof "\\u001f" };

/* Takes one character off the text, and puts it into out as JSON has it; returns its length. */
static size_t escape(char out[ESCAPED], const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    const int length = hk__utf8_sequence(p);
    *text += length > 0 ? length : 1;
    if (*p == '"' || *p == '\\') {
        out[0] = '\\';
        out[1] = (char)*p;
        return 2;
    }
    if (length <= 0) /* the backslash is doubled: in JSON this is text */
        return (size_t)sprintf(out, "\\\\x%02x", *p);
    if (*p < 0x20)
        return (size_t)sprintf(out,
                               *p == '\n'   ? "\\n"
                               : *p == '\r' ? "\\r"
                               : *p == '\t' ? "\\t"
                                            : "\\u%04x",
                               *p);
    memcpy(out, p, (size_t)length);
    return (size_t)length;
}

void hk__json_put(FILE *out, const char *text)
{
    char escaped[ESCAPED];
    putc('"', out);
    while (*text) {
        const size_t length = escape(escaped, &text);
        fwrite(escaped, 1, length, out);
    }
    putc('"', out);
}

/* Text that grows up to what an entry may hold. */
typedef struct growing {
    char *text;
    size_t length;
    bool full;
} growing;

static void put(growing *g, const char *text, size_t length)
{
    g->full |= length > HK__TEXT_MAX - g->length;
    if (g->full)
        return;
    memcpy(g->text + g->length, text, length);
    g->length += length;
}

static void put_quoted(growing *g, const char *text)
{
    char escaped[ESCAPED];
    put(g, "\"", 1);
    while (*text && !g->full) {
        size_t plain = 0;
        while (text[plain] >= ' ' && text[plain] < 0x7f && text[plain] != '"' &&
               text[plain] != '\\')
            plain++;
        put(g, text, plain);
        text += plain;
        if (*text)
            put(g, escaped, escape(escaped, &text));
    }
    put(g, "\"", 1);
}

/* False: out of memory. What is there most often does without json_dumpb, which allocates. */
static bool put_value(growing *g, const json_t *value)
{
    if (json_is_string(value)) {
        put_quoted(g, json_string_value(value));
        return true;
    }
    if (json_is_boolean(value)) {
        put(g, json_is_true(value) ? "true" : "false", json_is_true(value) ? 4 : 5);
        return true;
    }
    if (json_is_integer(value)) {
        char number[24];
        put(g, number,
            (size_t)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT,
                             json_integer_value(value)));
        return true;
    }
    const size_t length = json_dumpb(value, g->text + g->length, HK__TEXT_MAX - g->length,
                                     JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    g->full |= length > HK__TEXT_MAX - g->length;
    g->length += g->full ? 0 : length;
    return length > 0;
}

bool hk__extra_add(hk__extra *extra, const char *name, const char *text, json_t *value)
{
    if (extra->count == HK__EXTRA_MAX)
        return false;
    size_t i = extra->count++;
    for (; i && strcmp(extra->member[i - 1].name, name) > 0; i--)
        extra->member[i] = extra->member[i - 1];
    extra->member[i].name = name;
    extra->member[i].text = text;
    extra->member[i].value = value;
    return true;
}

hk_status hk__extra_text(char out[HK__TEXT_MAX + 1], const char **reason, const hk__extra *extra,
                         hk_error *err)
{
    growing g = {.text = out};
    for (size_t i = 0; i < extra->count; i++) {
        if (i && !strcmp(extra->member[i - 1].name, extra->member[i].name))
            *reason = "two values of one name in what is kept as extra";
        put(&g, i ? "," : "{", 1);
        put_quoted(&g, extra->member[i].name);
        put(&g, ":", 1);
        if (extra->member[i].text)
            put_quoted(&g, extra->member[i].text);
        else if (!put_value(&g, extra->member[i].value))
            return hk__fail_memory(err);
    }
    if (extra->count)
        put(&g, "}", 1);
    if (g.full && !*reason)
        *reason = "more than 4,096 bytes of what is kept as extra";
    out[g.length] = '\0';
    return HK_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

hk_status hk__extra_parse(json_t **out, const char **reason, const char *text, size_t length,
                          hk_error *err)
{
    json_error_t error;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(value)) {
        *out = value;
        return HK_OK;
    }
    if (!value && json_error_code(&error) == json_error_out_of_memory)
        return hk__fail_memory(err);
    switch (value ? json_error_unknown : json_error_code(&error)) {
    case json_error_duplicate_key:
        *reason = "a JSON object that names one member twice";
        break;
    case json_error_invalid_utf8:
        *reason = "JSON with text that is not UTF-8";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        *reason = "JSON with a NUL in a text";
        break;
    case json_error_numeric_overflow:
        *reason = "JSON with a number that is too large";
        break;
    default:
        *reason = value ? "JSON that is no object" : "JSON that does not parse";
    }
    json_decref(value);
    return HK_OK;
}

/* ---- as text --------------------------------------------------------------------------------- */

/* Behind the string that begins at p; NULL: it does not end. */
static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if (!*p)
            return NULL;
    }
    return p + 1;
}

/* Behind the value that begins at p: at the ',' or '}' that follows it; NULL: it does not end. */
static const char *skip_value(const char *p)
{
    for (size_t depth = 0; *p && (depth || (*p != ',' && *p != '}'));) {
        if (*p == '"') {
            p = skip_string(p);
            if (!p)
                return NULL;
            continue;
        }
        depth += *p == '{' || *p == '[';
        if (depth)
            depth -= *p == '}' || *p == ']';
        p++;
    }
    return *p ? p : NULL;
}

bool hk__extra_next(hk__member *out, const char **text)
{
    const char *key = *text, *end;
    const bool more = (*key == '{' && key[1] != '}') || *key == ',';
    *text = *key == '{' || *key == '}' ? key : NULL;
    if (!more)
        return false;
    *text = NULL;
    if (*++key != '"' || !(end = skip_string(key)) || *end != ':')
        return false;
    const char *value = end + 1, *after = skip_value(value);
    if (!after || after == value)
        return false;
    *out = (hk__member){key + 1, value, (size_t)(end - key) - 2, (size_t)(after - value)};
    *text = after;
    return true;
}
