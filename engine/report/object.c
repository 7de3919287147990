/* SPDX-License-Identifier: GPL-3.0-or-later */
/* object.c - see object.h. */
#include "report/object.h"

#include "core/error.h"
#include "core/mem.h"
#include "feed/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void hk__object_begin(hk__object *out)
{
    out->json = json_object();
    out->status = out->json ? HK_OK : HK_ERR_NO_MEMORY;
}

static void note(hk__object *object, hk_status status)
{
    if (!object->status)
        object->status = status;
}

void hk__put_json(hk__object *object, const char *key, json_t *value)
{
    if (json_object_set_new(object->json, key, value))
        note(object, HK_ERR_NO_MEMORY);
}

void hk__put_number(hk__object *object, const char *key, uint64_t value)
{
    hk__put_json(object, key, json_integer((json_int_t)value));
}

void hk__put_real(hk__object *object, const char *key, double value)
{
    if (isfinite(value))
        hk__put_json(object, key, json_real(value));
    else
        note(object, HK_ERR_FORMAT);
}

void hk__put_true(hk__object *object, const char *key, bool value)
{
    if (value)
        hk__put_json(object, key, json_true());
}

/* Says whether the text had to be changed. */
static bool put_escaped(hk__object *object, const char *key, const char *text)
{
    char *escaped = NULL;
    bool changed = false;
    note(object, hk_text_escape(&escaped, &changed, text, false, NULL));
    if (escaped)
        hk__put_json(object, key, json_string(escaped));
    hk__free(escaped);
    return changed;
}

void hk__put_text(hk__object *object, const char *key, const char *text)
{
    if (text)
        (void)put_escaped(object, key, text);
}

void hk__put_exact(hk__object *object, const char *key, const char *text)
{
    char name[32], *exact = NULL;
    if (!text || !put_escaped(object, key, text))
        return;
    snprintf(name, sizeof name, "%s_b64", key);
    note(object, hk_text_base64(&exact, text, strlen(text), NULL));
    if (exact)
        hk__put_json(object, name, json_string(exact));
    hk__free(exact);
}

void hk__put_hex(hk__object *object, const char *key, const uint8_t *bytes, size_t count)
{
    char text[65];
    hk__put_json(object, key, json_string(hk__hex(text, bytes, count, false)));
}

void hk__put_time(hk__object *object, const char *key, int64_t seconds)
{
    char text[HK__DATE_SIZE];
    if (*hk__date_text(text, seconds))
        hk__put_json(object, key, json_string(text));
}

void hk__put_object(hk__object *object, const char *key, hk__object *inner)
{
    note(object, inner->status);
    hk__put_json(object, key, inner->json);
    inner->json = NULL;
}

void hk__append_object(hk__object *object, json_t *array, hk__object *inner)
{
    note(object, inner->status);
    if (json_array_append_new(array, inner->json))
        note(object, HK_ERR_NO_MEMORY);
    inner->json = NULL;
}

hk_status hk__object_end(json_t **out, hk__object *object, hk_error *err)
{
    if (!object->status) {
        *out = object->json;
        return HK_OK;
    }
    json_decref(object->json);
    return object->status == HK_ERR_NO_MEMORY
               ? hk__fail_memory(err)
               : hk__fail(err, object->status,
                          "the case is damaged: a number in it is none; restore a copy");
}

hk_status hk__object_text(char **out, hk__object *object, hk_error *err)
{
    json_t *json = NULL;
    hk_status status = hk__object_end(&json, object, err);
    if (status)
        return status;
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text)
        return hk__fail_memory(err);
    *out = text;
    return HK_OK;
}
