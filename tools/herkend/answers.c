/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answers.c - see answers.h. */
#include "answers.h"

#include <stdlib.h>
#include <string.h>

static const char json_text[] = "application/json";
static const char no_memory[] =
    "{\"error\":{\"code\":\"out_of_memory\",\"message\":\"out of memory\"}}";

static void put(exchange *e, unsigned status, const char *type, char *text, size_t length,
                bool fixed)
{
    if (!e->reply.fixed)
        free(e->reply.text);
    e->reply =
        (reply){.status = status, .text = text, .length = length, .fixed = fixed, .type = type};
}

void answer_fixed(exchange *e, unsigned status, const char *type, const char *text, size_t length)
{
    put(e, status, type, (char *)(uintptr_t)text, length, true);
}

void answer_text(exchange *e, unsigned status, const char *type, char *text, size_t length)
{
    put(e, status, type, text, length, false);
}

void answer_json(exchange *e, unsigned status, json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text)
        answer_text(e, status, json_text, text, strlen(text));
    else
        answer_fixed(e, 503, json_text, no_memory, sizeof no_memory - 1);
    e->refused = e->refused || !text;
}

void answer_error(exchange *e, unsigned status, const char *code, const char *message)
{
    answer_json(e, status, json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message));
    e->refused = true;
}

/* ---- a check ------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of known images that hit, each once, by name: in the order of the matches the nearest
 * would be told from the others. */
static json_t *categories_of(const hk_asked *asked)
{
    const char **names = calloc(asked->match_count + 1, sizeof *names);
    json_t *array = names ? json_array() : NULL;
    size_t count = 0;
    for (size_t i = 0; names && i < asked->match_count; i++)
        if (!asked->matches[i].known_good && asked->matches[i].category)
            names[count++] = asked->matches[i].category;
    if (count)
        qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; array && i < count; i++)
        if (!i || strcmp(names[i], names[i - 1]) != 0)
            json_array_append_new(array, json_string(names[i]));
    free(names);
    return array;
}

static json_t *test_item(const check_item *item)
{
    return json_pack("{s:s,s:s,s:[s],s:s}", "verdict",
                     hk_verdict_name(item->test ? HK_VERDICT_EXACT : HK_VERDICT_NEAR), "reason",
                     "test_entry", "categories", TEST_CATEGORY, "match_id", TEST_MATCH_ID);
}

json_t *answer_item(const check_item *item, const hk_asked *asked, const char *reason)
{
    const bool hit = asked->verdict == HK_VERDICT_EXACT || asked->verdict == HK_VERDICT_NEAR;
    json_t *object = NULL;
    if (!hit && (item->test || item->test_hash)) {
        object = test_item(item);
    } else {
        object = json_pack("{s:s}", "verdict", hk_verdict_name(asked->verdict));
        if (object && asked->verdict == HK_VERDICT_NOT_CHECKED)
            json_object_set_new(object, "reason",
                                json_string(asked->reason ? asked->reason
                                            : reason      ? reason
                                                          : "unknown"));
        if (object && hit) {
            json_object_set_new(object, "categories", categories_of(asked));
            json_object_set_new(object, "match_id", json_string(asked->match_id));
        }
    }
    if (object && item->ref)
        json_object_set_new(object, "ref", json_string(item->ref));
    return object;
}
