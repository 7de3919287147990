/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_decide.h - decisions as rows, for those that copy them: carrying over, merging, exporting.
 */
#ifndef HK_CASE_CASE_DECIDE_H
#define HK_CASE_CASE_DECIDE_H

#include "case/case_text.h"

/* Bytes: of a category, a name, a case's name; and of a reason. */
enum { HK__DECISION_WORD = 256, HK__DECISION_REASON = 1024 };

/* Whether text is UTF-8 without control characters, of at most so many bytes. */
bool hk__decision_words(const char *text, size_t most);

/* Reads category ("": taken back), actor, at, reason, carried from `column` on, borrowed from the
 * row; and asks hk__case_row_end. */
hk_status hk__decision_read(hk_decision *out, hk__case_row *row, int column,
                            hk_error *err) HK_MUST_CHECK;

/* Adds a decision through a statement of this SQL. */
#define HK__DECISION_INSERT                                                                        \
    "INSERT INTO decision(content, category, actor, at, reason, carried)"                          \
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
hk_status hk__decision_put(sqlite3_stmt *add, int64_t content, const hk_decision *decision,
                           hk_error *err) HK_MUST_CHECK;

/* The name of the case's file, fit to be shown, cut to what fits. */
void hk__case_name(char *out, size_t size, const hk_case *c);

#endif
