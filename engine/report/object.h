/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * object.h - JSON objects in the making, of the room's outputs. Members stay in the order in which
 * they were put in.
 *
 * What cannot be put in is remembered, so that the caller asks once, in the end: a field that is
 * missing because memory was short must not look like one without a value.
 */
#ifndef HK_REPORT_OBJECT_H
#define HK_REPORT_OBJECT_H

#include "herken.h"

#include <jansson.h>

typedef struct hk__object {
    json_t *json; /* owned until hk__object_end */
    hk_status status;
} hk__object;

void hk__object_begin(hk__object *out);

/* Each takes the value over: NULL is what memory was too short for. */
void hk__put_json(hk__object *object, const char *key, json_t *value);
void hk__put_number(hk__object *object, const char *key, uint64_t value);
/* HK_ERR_FORMAT in the end where it is infinite, or no number. */
void hk__put_real(hk__object *object, const char *key, double value);
/* Only if it is so: what is false is absent. */
void hk__put_true(hk__object *object, const char *key, bool value);
/* Nothing for NULL. What is no UTF-8 as hk_text_escape has it; of hk__put_exact besides, in
 * KEY_b64, as it is. key: at most 24 bytes. */
void hk__put_text(hk__object *object, const char *key, const char *text);
void hk__put_exact(hk__object *object, const char *key, const char *text);
void hk__put_hex(hk__object *object, const char *key, const uint8_t *bytes, size_t count);
/* "2026-11-22T10:00:00Z"; nothing where it is no date of the years 1 to 9999. */
void hk__put_time(hk__object *object, const char *key, int64_t seconds);
/* Ends `inner`, and takes it over as a value. */
void hk__put_object(hk__object *object, const char *key, hk__object *inner);
void hk__append_object(hk__object *object, json_t *array, hk__object *inner);

/* *out is owned, json_decref; on failure nothing of it stays. */
hk_status hk__object_end(json_t **out, hk__object *object, hk_error *err) HK_MUST_CHECK;
/* The same as text in one line, free(). */
hk_status hk__object_text(char **out, hk__object *object, hk_error *err) HK_MUST_CHECK;

#endif
