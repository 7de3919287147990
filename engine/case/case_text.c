/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_text.c - see case_text.h. */
#include "case/case_text.h"

#include "core/error.h"
#include "core/mem.h"

#include <math.h>
#include <string.h>

typedef struct hk__case_text {
    struct hk__case_text *next;
    char text[];
} text_block;

void hk__case_text_clear(hk_case *c)
{
    while (c->text) {
        text_block *block = c->text;
        c->text = block->next;
        hk__free(block);
    }
}

static hk_status fail_damaged(const hk_case *c, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT,
                    "%s: the case is damaged: a value in it is none that a run writes; restore a "
                    "copy",
                    c->path);
}

hk_status hk__case_keep(const char **out, hk_case *c, sqlite3_stmt *statement, int column,
                        hk_error *err)
{
    hk__case_row row = {c, statement, false};
    const char *text = hk__case_row_text(&row, column);
    if (row.damaged)
        return fail_damaged(c, err);
    if (!text) {
        *out = NULL;
        return HK_OK;
    }
    text_block *block = hk__alloc(sizeof *block + strlen(text) + 1, 1);
    if (!block)
        return hk__fail_memory(err);
    strcpy(block->text, text);
    block->next = c->text;
    c->text = block;
    *out = block->text;
    return HK_OK;
}

int64_t hk__case_row_number(hk__case_row *row, int column, int64_t low, int64_t high)
{
    const bool number = sqlite3_column_type(row->statement, column) == SQLITE_INTEGER;
    const int64_t value = sqlite3_column_int64(row->statement, column);
    if (number && value >= low && value <= high)
        return value;
    row->damaged = true;
    return low;
}

bool hk__case_row_flag(hk__case_row *row, int column)
{
    return hk__case_row_number(row, column, 0, 1) != 0;
}

double hk__case_row_real(hk__case_row *row, int column)
{
    const int type = sqlite3_column_type(row->statement, column);
    const double value = sqlite3_column_double(row->statement, column);
    if ((type == SQLITE_FLOAT || type == SQLITE_INTEGER) && value >= 0 && value < INFINITY)
        return value;
    row->damaged = true;
    return 0;
}

float hk__case_row_share(hk__case_row *row, int column, double most)
{
    const int type = sqlite3_column_type(row->statement, column);
    const double value = sqlite3_column_double(row->statement, column);
    if ((type == SQLITE_FLOAT || type == SQLITE_INTEGER) && value >= -most && value <= most)
        return (float)value;
    row->damaged = true;
    return 0;
}

bool hk__case_row_null(hk__case_row *row, int column)
{
    return sqlite3_column_type(row->statement, column) == SQLITE_NULL;
}

const char *hk__case_row_text(hk__case_row *row, int column)
{
    const int type = sqlite3_column_type(row->statement, column);
    if (type == SQLITE_NULL)
        return NULL;
    /* Asked for as text: SQLite puts a NUL after it, also where it is a blob. */
    const char *text = (const char *)sqlite3_column_text(row->statement, column);
    if ((type == SQLITE_TEXT || type == SQLITE_BLOB) && text &&
        strlen(text) == (size_t)sqlite3_column_bytes(row->statement, column))
        return text;
    row->damaged = true;
    return NULL;
}

bool hk__case_row_bytes(uint8_t *out, hk__case_row *row, int column, size_t size)
{
    const int type = sqlite3_column_type(row->statement, column);
    if (type == SQLITE_NULL)
        return false;
    if (type == SQLITE_BLOB && (size_t)sqlite3_column_bytes(row->statement, column) == size) {
        memcpy(out, sqlite3_column_blob(row->statement, column), size);
        return true;
    }
    row->damaged = true;
    return false;
}

hk_file_status hk__case_row_status(hk__case_row *row, int column, bool has_content)
{
    const hk_file_status status =
        (hk_file_status)hk__case_row_number(row, column, 0, HK_FILE_STATUSES - 1);
    row->damaged |= status == HK_FILE_DUPLICATE ||
                    (!has_content && hk_file_status_class(status) == HK_CLASS_HASHED);
    return status;
}

bool hk__case_row_hashes(hk_hash out[HK_ORIENTATIONS], hk__case_row *row, int column)
{
    uint8_t bytes[HK_ORIENTATIONS * 32];
    if (!hk__case_row_bytes(bytes, row, column, sizeof bytes))
        return false;
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        out[o] = (hk_hash){{0}};
        for (int i = 0; i < 32; i++)
            out[o].word[3 - i / 8] |= (uint64_t)bytes[32 * o + i] << (56 - 8 * (i % 8));
    }
    return true;
}

hk_status hk__case_row_end(const hk__case_row *row, hk_error *err)
{
    return row->damaged ? fail_damaged(row->c, err) : HK_OK;
}
