/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_text.h - reading values of a case's rows, which may be anybody's work: each is there in its
 * type and range, or the case is damaged.
 *
 * A row reader collects what is wrong: its functions return something harmless once `damaged` is
 * set, and the caller asks once, at the end (hk__case_row_end).
 */
#ifndef HK_CASE_CASE_TEXT_H
#define HK_CASE_CASE_TEXT_H

#include "case/case.h"

/* Strings that a call gives out, kept until the case's next call. hk__case_keep: a copy of what a
 * column holds; *out = NULL for null. HK_ERR_FORMAT: it has a NUL within. */
hk_status hk__case_keep(const char **out, hk_case *c, sqlite3_stmt *row, int column,
                        hk_error *err) HK_MUST_CHECK;
void hk__case_text_clear(hk_case *c);

typedef struct hk__case_row {
    hk_case *c;
    sqlite3_stmt *statement;
    bool damaged;
} hk__case_row;

/* A whole number from low to high. */
int64_t hk__case_row_number(hk__case_row *row, int column, int64_t low, int64_t high);
bool hk__case_row_flag(hk__case_row *row, int column);
/* A number that is not negative, and finite. */
double hk__case_row_real(hk__case_row *row, int column);
/* From -most to most. */
float hk__case_row_share(hk__case_row *row, int column, double most);
bool hk__case_row_null(hk__case_row *row, int column);
/* Borrowed until the statement's next step. Text, or bytes without a NUL; NULL for null. */
const char *hk__case_row_text(hk__case_row *row, int column);
/* Copies exactly `size` bytes; false, and nothing copied, for null. */
bool hk__case_row_bytes(uint8_t *out, hk__case_row *row, int column, size_t size);

/* What became of a content, or of a file that has none: nothing is a duplicate in itself, and what
 * was hashed has a content. */
hk_file_status hk__case_row_status(hk__case_row *row, int column, bool has_content);

/* hk__case_row_bytes for the hashes of a content. */
bool hk__case_row_hashes(hk_hash out[HK_ORIENTATIONS], hk__case_row *row, int column);

/* HK_ERR_FORMAT where something was wrong. */
hk_status hk__case_row_end(const hk__case_row *row, hk_error *err) HK_MUST_CHECK;

#endif
