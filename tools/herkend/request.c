/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request.c - see request.h.
 *
 *      bytes -> survey: how deep, how many values? -> jansson -> items -> queries
 *
 * jansson makes some hundred bytes of memory of a value of two bytes, and goes 2,048 levels deep.
 * So the bytes are looked over first, and what is more than any good request needs is refused.
 *
 * A member that we do not know is refused: a digest under a misspelt name would not be looked up,
 * and its sender would take the answer for clean.
 */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 5, REF_MOST = 256, VALUES_OF_ITEM = HK_QUERY_HASHES_MOST + 16 };

void refuse(refusal *out, unsigned status, const char *code, const char *format, ...)
{
    va_list args;
    out->status = status;
    out->code = code;
    va_start(args, format);
    vsnprintf(out->message, sizeof out->message, format, args);
    va_end(args);
    for (char *c = out->message; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static bool survey(refusal *why, const char *body, size_t length, size_t max_values)
{
    size_t depth = 0, values = 1;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        const char c = body[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > DEPTH_MOST) {
                refuse(why, 400, "too_deep", "at most %d levels of brackets", DEPTH_MOST);
                return false;
            }
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',') {
            values++;
        }
        if (values > max_values) {
            refuse(why, 413, "too_many_values", "more values than %zu", max_values);
            return false;
        }
    }
    return true;
}

static json_t *parse(refusal *why, const char *body, size_t length, size_t max_values)
{
    json_error_t error;
    if (!survey(why, body, length, max_values))
        return NULL;
    json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        const char *code = "invalid_json";
        switch (json_error_code(&error)) {
        case json_error_duplicate_key:
            code = "duplicate_member";
            break;
        case json_error_invalid_utf8:
            code = "invalid_utf8";
            break;
        case json_error_out_of_memory:
            refuse(why, 503, "out_of_memory", "out of memory");
            return NULL;
        default:
            break;
        }
        refuse(why, 400, code, "not as it should be at byte %d (line %d)", error.position,
               error.line);
    } else if (!json_is_object(root)) {
        refuse(why, 400, "invalid_request", "the body is an object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* ---- an item ------------------------------------------------------------------------------- */

/* One item while it is read. */
typedef struct reading {
    refusal *why;
    size_t number;
    hk_query *query;
    check_item *item;
    hk_hash *hashes; /* where its own go */
} reading;

static bool wrong(const reading *r, const char *what)
{
    refuse(r->why, 400, "invalid_item", "items[%zu]: %s", r->number, what);
    return false;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static bool read_digest(reading *r, const json_t *value, hk_basis basis)
{
    static const size_t sizes[] = {16, 20, 32};
    static const char *const words[] = {"md5 is 32 hex digits", "sha1 is 40 hex digits",
                                        "sha256 is 64 hex digits"};
    static const char *const test[] = {TEST_MD5, TEST_SHA1, TEST_SHA256};
    hk_digests *d = &r->query->digests;
    uint8_t *bytes = basis == HK_BASIS_MD5 ? d->md5 : basis == HK_BASIS_SHA1 ? d->sha1 : d->sha256;
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) != 2 * sizes[basis])
        return wrong(r, words[basis]);
    for (size_t i = 0; i < sizes[basis]; i++) {
        const int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return wrong(r, words[basis]);
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    d->present |= 1u << basis;
    r->item->test = r->item->test || !strcasecmp(text, test[basis]);
    return true;
}

static bool read_hash(reading *r, const json_t *value)
{
    hk_query *q = r->query;
    const char *text = json_string_value(value);
    if (!text || hk_hash_parse(&r->hashes[q->hash_count], text, json_string_length(value), NULL))
        return wrong(r, "pdq is 64 hex digits, or an array of those");
    q->hash_count++;
    r->item->test_hash = r->item->test_hash || !strcasecmp(text, TEST_PDQ);
    return true;
}

static bool read_hashes(reading *r, const json_t *value)
{
    bool good = true;
    r->query->hashes = r->hashes;
    if (!json_is_array(value))
        return read_hash(r, value);
    const size_t count = json_array_size(value);
    if (!count || count > HK_QUERY_HASHES_MOST)
        return wrong(r, "pdq is 1 to 128 hashes of one image");
    for (size_t i = 0; good && i < count; i++)
        good = read_hash(r, json_array_get(value, i));
    return good;
}

static bool read_kind(reading *r, const json_t *value)
{
    const char *text = json_string_value(value);
    for (int k = 0; text && hk_kind_name((hk_kind)k); k++)
        if (!strcmp(text, hk_kind_name((hk_kind)k))) {
            r->query->kind = k;
            return true;
        }
    return wrong(r, "kind is photo, low_texture or graphic");
}

static bool read_member(reading *r, const char *name, const json_t *value)
{
    if (!strcmp(name, "pdq"))
        return read_hashes(r, value);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (!strcmp(name, hk_basis_name((hk_basis)basis)))
            return read_digest(r, value, (hk_basis)basis);
    if (!strcmp(name, "ref")) {
        r->item->ref = json_string_value(value);
        return (r->item->ref && json_string_length(value) <= REF_MOST) ||
               wrong(r, "ref is a string of at most 256 bytes");
    }
    if (!strcmp(name, "kind"))
        return read_kind(r, value);
    if (!strcmp(name, "quality")) {
        const json_int_t quality = json_integer_value(value);
        r->query->quality = (int)quality;
        return (json_is_integer(value) && quality >= 0 && quality <= 100) ||
               wrong(r, "quality is 0 to 100");
    }
    refuse(r->why, 400, "unknown_member", "items[%zu]: no member %.40s", r->number, name);
    return false;
}

static bool read_item(reading *r, json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return wrong(r, "an item is an object");
    *r->query = (hk_query)HK_QUERY_INIT;
    json_object_foreach(object, name, value)
    {
        if (!read_member(r, name, value))
            return false;
    }
    if (!r->query->hash_count && !r->query->digests.present)
        return wrong(r, "it has neither pdq nor md5, sha1 or sha256");
    return true;
}

/* ---- requests ------------------------------------------------------------------------------ */

/* The hashes of all items: they lie in one block. */
static size_t count_hashes(const json_t *items)
{
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *pdq = json_object_get(json_array_get(items, i), "pdq");
        total += json_is_array(pdq) ? json_array_size(pdq) : 1;
    }
    return total;
}

static json_t *find_items(refusal *why, json_t *root, size_t max_items)
{
    json_t *items = json_object_get(root, "items");
    const size_t count = json_array_size(items);
    if (!json_is_array(items) || json_object_size(root) != 1)
        refuse(why, 400, "invalid_request", "the body is an object with an array `items` alone");
    else if (!count)
        refuse(why, 400, "no_items", "there are no items");
    else if (count > max_items)
        refuse(why, 413, "too_many_items", "at most %zu items in one request", max_items);
    else
        return items;
    return NULL;
}

bool request_read_check(check_request *out, refusal *why, const char *body, size_t length,
                        size_t max_items)
{
    check_request r = {.root = parse(why, body, length, 8 + max_items * VALUES_OF_ITEM)};
    json_t *items = r.root ? find_items(why, r.root, max_items) : NULL;
    bool good = items != NULL;
    if (good) {
        r.count = json_array_size(items);
        r.queries = calloc(r.count, sizeof *r.queries);
        r.items = calloc(r.count, sizeof *r.items);
        r.hashes = calloc(count_hashes(items) + 1, sizeof *r.hashes);
        good = r.queries && r.items && r.hashes;
        if (!good)
            refuse(why, 503, "out_of_memory", "out of memory");
    }
    size_t used = 0;
    for (size_t i = 0; good && i < r.count; i++) {
        reading one = {why, i, &r.queries[i], &r.items[i], r.hashes + used};
        good = read_item(&one, json_array_get(items, i));
        used += one.query->hash_count;
    }
    if (good)
        *out = r;
    else
        request_clear_check(&r);
    return good;
}

void request_clear_check(check_request *request)
{
    free(request->queries);
    free(request->items);
    free(request->hashes);
    json_decref(request->root);
    *request = (check_request){0};
}

bool request_read_feedback(feedback_request *out, refusal *why, const char *body, size_t length)
{
    feedback_request r = {.root = parse(why, body, length, 16)};
    const char *name;
    json_t *value, *agree;
    if (!r.root)
        return false;
    why->status = 0;
    json_object_foreach(r.root, name, value)
    {
        if (strcmp(name, "match_id") && strcmp(name, "agree") && strcmp(name, "reason"))
            refuse(why, 400, "unknown_member", "no member %.40s", name);
    }
    r.match_id = json_string_value(json_object_get(r.root, "match_id"));
    r.reason = json_string_value(json_object_get(r.root, "reason"));
    agree = json_object_get(r.root, "agree");
    r.agree = json_is_true(agree);
    if (!why->status && !r.match_id)
        refuse(why, 400, "invalid_request", "match_id is that of an answer");
    else if (!why->status && !json_is_boolean(agree))
        refuse(why, 400, "invalid_request", "agree is true or false");
    else if (!why->status && json_object_get(r.root, "reason") && !r.reason)
        refuse(why, 400, "invalid_request", "reason is a string");
    else if (!why->status && !r.agree && (!r.reason || !*r.reason))
        refuse(why, 400, "invalid_request", "who disagrees gives a reason");
    if (why->status)
        request_clear_feedback(&r);
    else
        *out = r;
    return !why->status;
}

void request_clear_feedback(feedback_request *request)
{
    json_decref(request->root);
    *request = (feedback_request){0};
}
