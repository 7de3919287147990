/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request.h - what the body of a request says. It comes from anybody who has a key.
 */
#ifndef HERKEND_REQUEST_H
#define HERKEND_REQUEST_H

#include "herken.h"

#include <jansson.h>

/* Why a request is refused: a status of HTTP, a word for machines, and words for people. */
typedef struct refusal {
    unsigned status;
    const char *code;  /* static */
    char message[200]; /* printable ASCII */
} refusal;

void refuse(refusal *out, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

typedef struct check_item {
    const char *ref; /* as it came, for the answer; NULL: none */
    bool test;       /* it is the test entry: by a digest, */
    bool test_hash;  /* or by its hash */
} check_item;

/* Of POST /v1/check. Everything is owned by it; queries and items have the same places. */
typedef struct check_request {
    json_t *root;
    hk_query *queries;
    check_item *items;
    size_t count;
    hk_hash *hashes;
} check_request;

/* Of POST /v1/feedback. */
typedef struct feedback_request {
    json_t *root;
    const char *match_id, *reason; /* reason NULL: none */
    bool agree;
} feedback_request;

/* The harmless entry that always hits, so that a client can be tried out. */
#define TEST_TEXT "Herken test file: harmless, and always a hit.\n"
#define TEST_MD5 "f6bf9fb9520e85f4864fd4d360028fb5" /* of TEST_TEXT, and so are these */
#define TEST_SHA1 "cd761352dc7494bfb7f5d80ca0bdfb38791fcce6"
#define TEST_SHA256 "2fc013151b57b04c1cd8095398d07ab5d94f043c2f689f5e44ac72a8c5271e13"
#define TEST_PDQ "ee9b15a06770421d0ae18f68d91d5852d23a87457b19ff1838d78136d678db5b"
#define TEST_CATEGORY "test"
#define TEST_MATCH_ID "00000000000000000000000000000000"

/* False: it is refused, and *why says so. */
bool request_read_check(check_request *out, refusal *why, const char *body, size_t length,
                        size_t max_items);
void request_clear_check(check_request *request);
bool request_read_feedback(feedback_request *out, refusal *why, const char *body, size_t length);
void request_clear_feedback(feedback_request *request);

#endif
