/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * extra.h - what else a source says of an entry: a JSON object, always written in one way (compact,
 * keys sorted), so that equal ones are equal texts.
 */
#ifndef HK_FEED_EXTRA_H
#define HK_FEED_EXTRA_H

#include "feed/feed.h"

#include <jansson.h>

#define HK__EXTRA_MAX 64 /* members */

/* Members that are not written yet, sorted; names and values are borrowed. */
typedef struct hk__extra {
    size_t count;
    struct {
        const char *name, *text;
        json_t *value; /* where text is NULL */
    } member[HK__EXTRA_MAX];
} hk__extra;

/* Adds a text, or a value; false: there are too many. */
bool hk__extra_add(hk__extra *extra, const char *name, const char *text, json_t *value);
/* The members as text, sorted, "" where there are none. *reason is set where that is too long, or
 * two have one name. */
hk_status hk__extra_text(char out[HK__TEXT_MAX + 1], const char **reason, const hk__extra *extra,
                         hk_error *err) HK_MUST_CHECK;
/* An object from text; *reason is set where it is none. *out is owned, free with json_decref. */
hk_status hk__extra_parse(json_t **out, const char **reason, const char *text, size_t length,
                          hk_error *err) HK_MUST_CHECK;

/* One member of an object as it lies in its text. */
typedef struct hk__member {
    const char *key, *value; /* key without its quotes, as escaped; value whole */
    size_t key_length, value_length;
} hk__member;

/* Takes the next member off a text that hk__extra_text wrote; *text is its '{' at first. False
 * after the last, with *text at the end of the object, or NULL where it is no such text. */
bool hk__extra_next(hk__member *out, const char **text);

/* Writes a text as JSON has it, with quotes; \xHH for bytes that are not UTF-8. */
void hk__json_put(FILE *out, const char *text);

#endif
