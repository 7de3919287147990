/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * output.h - fields shared by the commands' outputs. Names are those of CONTRACT; a field without a
 * value is absent.
 */
#ifndef HERKEN_OUTPUT_H
#define HERKEN_OUTPUT_H

#include "herken.h"

#include <jansson.h>
#include <stdio.h>

/* One object, one line, on stdout. Consumes it. False when it cannot be written. */
bool output_line(json_t *object);

/* `path`, and `path_b64` where the bytes are not valid UTF-8: those are then \xHH in `path`. */
void output_path(json_t *object, const char *key, const char *path);

/* Digests that are present: `md5`, `sha1`, `sha256`. */
void output_digests(json_t *object, const hk_digests *digests);

/* Bytes as base64; NULL without memory. Free it. */
char *output_base64(const unsigned char *bytes, size_t count);

/* Whether text is valid UTF-8. */
bool output_is_utf8(const char *text);

/* A path for people: bytes that could steer a terminal, or are not UTF-8, as \xHH. Free it. */
char *output_printable(const char *path);

/* A CSV field: quoted only where it must be (comma, quote, line end, a blank at either end). */
void output_csv_field(FILE *file, const char *text);

/* `key`: an object of radii in bits, by kind, without the kinds that are not looked up (-1). */
void output_radii(json_t *object, const char *key, const int radius[3]);

/* "{found} files: {hashed} hashed, ..." in words, and as the account object. */
void output_account_text(FILE *file, const hk_account *account, bool verdicts);
json_t *output_account(const hk_account *account, bool verdicts);

/* A path as one types it into a shell: quoted where it must be. Owned; NULL: no memory. */
char *output_shell(const char *path);

#endif
