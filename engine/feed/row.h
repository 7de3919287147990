/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * row.h - lines of separated fields, as RFC 4180 quotes them: what CSV, NSRL, tx and text share.
 *
 * Blanks around fields are taken off. A quoted field may run over line breaks (not in text), within
 * HK__LINE_MAX; where one does not end, its first line is bad, and the lines after it are read by
 * themselves.
 */
#ifndef HK_FEED_ROW_H
#define HK_FEED_ROW_H

#include "feed/feed.h"

#define HK__FIELDS_MAX 64

typedef struct hk__field {
    char *text; /* NUL-terminated, the reader's to write to */
    size_t length;
} hk__field;

typedef struct hk__row {
    size_t line;  /* where it begins */
    size_t count; /* of fields, at least 1 */
    hk__field field[HK__FIELDS_MAX];
} hk__row;

/* Splits a line in place; NULL, or the reason why it cannot be. */
const char *hk__row_split(hk__row *out, char *text, size_t length, char separator);
/* What separates the fields of a header: the first ';' or ',' outside quotes. */
char hk__row_separator(const char *header, size_t length);
/* Whether it is passed over: blank, or a remark. */
bool hk__row_is_remark(const char *text, size_t length);
/* The reason why a line can be of no format, or NULL: it is too long, or holds a NUL or, outside
 * quotes, a carriage return. */
const char *hk__row_refuse(const char *text, size_t length, bool too_long);

/* The next row that can be split; *out stays as it is, but with count 0, after the last. Others are
 * given to the sink as bad lines. *separator 0: this is the header; it is found out. Below a header
 * only '#' and a blank begin a remark: the first field may be a name with '#'. */
hk_status hk__row_next(hk__row *out, char *separator, hk__source *source, const hk__sink *sink,
                       hk_error *err) HK_MUST_CHECK;
/* The first row of a file that begins so, in `space`; false: it is not in the head whole. */
bool hk__row_of_head(hk__row *out, char space[], const char *head, size_t length);
/* The column of a name in the row, whatever the case and blanks, '-' and '_' in it; -1: none. */
int hk__row_find(const hk__row *row, const char *name);
/* The same for two names. */
bool hk__row_same_name(const char *a, const char *b);

/* Writes a field, in quotes where it must be. */
void hk__row_put(FILE *out, const char *text);

#endif
