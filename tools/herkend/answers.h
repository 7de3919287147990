/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answers.h - bodies of answers.
 */
#ifndef HERKEND_ANSWERS_H
#define HERKEND_ANSWERS_H

#include "http.h"

/* {"error":{"code":..,"message":..}}, in place of whatever was to be answered. */
void answer_error(exchange *e, unsigned status, const char *code, const char *message);
/* The JSON, which it takes over; NULL is an error of memory. */
void answer_json(exchange *e, unsigned status, json_t *root);
/* A text, which it takes over. */
void answer_text(exchange *e, unsigned status, const char *type, char *text, size_t length);
/* A text that is always there. */
void answer_fixed(exchange *e, unsigned status, const char *type, const char *text, size_t length);

/* What one item is answered. Distances, entries, lists, and what is known good stay here. */
json_t *answer_item(const check_item *item, const hk_asked *asked, const char *reason);

#endif
