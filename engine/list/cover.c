/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cover.c - see cover.h. */
#include "list/cover.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>

hk_status hk__cover_add(hk__cover *cover, int64_t first, int64_t last, hk_error *err)
{
    if (first < 1 || last < first || last >= UINT32_MAX)
        return hk__fail(err, HK_ERR_FORMAT,
                        "the store speaks of entries %lld to %lld, which cannot be: it is damaged; "
                        "see `herken list verify`",
                        (long long)first, (long long)last);
    /* Mostly they come in order, and one continues another. */
    hk__range *before = cover->count ? cover->range + cover->count - 1 : NULL;
    if (before && (uint32_t)first == before->last + 1) {
        before->last = (uint32_t)last;
        return HK_OK;
    }
    if (cover->count == cover->room) {
        const size_t room = cover->room ? cover->room * 2 : 64;
        hk__range *grown = hk__realloc(cover->range, room, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        cover->range = grown;
        cover->room = room;
    }
    cover->range[cover->count++] = (hk__range){(uint32_t)first, (uint32_t)last};
    return HK_OK;
}

hk_status hk__cover_rows(hk__cover *cover, sqlite3_stmt *rows, hk_error *err)
{
    bool row = true;
    hk_status status = HK_OK;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row)
        status =
            hk__cover_add(cover, sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1), err);
    return status;
}

static int by_first(const void *a, const void *b)
{
    const hk__range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

void hk__cover_settle(hk__cover *cover)
{
    size_t kept = 0;
    if (cover->count)
        qsort(cover->range, cover->count, sizeof *cover->range, by_first);
    for (size_t i = 0; i < cover->count; i++) {
        const hk__range range = cover->range[i];
        hk__range *before = kept ? cover->range + kept - 1 : NULL;
        if (!before || range.first > before->last + 1)
            cover->range[kept++] = range;
        else if (range.last > before->last)
            before->last = range.last;
    }
    cover->count = kept;
}

void hk__cover_clear(hk__cover *cover)
{
    hk__free(cover->range);
    *cover = (hk__cover){0};
}
