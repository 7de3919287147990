/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cover.h - which entry numbers a reading goes through: ranges that leave out none it is about.
 * They may hold others; the reading looks at each entry itself. 8 bytes a range.
 */
#ifndef HK_LIST_COVER_H
#define HK_LIST_COVER_H

#include "list/sql.h"

#include <stddef.h>

typedef struct hk__range {
    uint32_t first, last; /* both in it */
} hk__range;

typedef struct hk__cover {
    hk__range *range; /* owned */
    size_t count, room;
} hk__cover;

/* HK_ERR_FORMAT: numbers no entry can have; the store is damaged. */
hk_status hk__cover_add(hk__cover *cover, int64_t first, int64_t last, hk_error *err) HK_MUST_CHECK;
/* Adds what the rest of a statement's rows say: the first number and the last. */
hk_status hk__cover_rows(hk__cover *cover, sqlite3_stmt *rows, hk_error *err) HK_MUST_CHECK;
/* Puts them in order, every number once. */
void hk__cover_settle(hk__cover *cover);
void hk__cover_clear(hk__cover *cover);

#endif
