/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digests.c - see digests.h: sorted digests, looked up by bisection. */
#include "index/digests.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

struct hk__digest_table {
    size_t size, count;
    uint8_t *digests;
    uint32_t *items;
};

/* One row while sorting: the digest, zero-padded, and its item. */
typedef struct row {
    uint8_t digest[32];
    uint32_t item;
} row;

static int by_digest(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, sizeof x->digest);
    return order ? order : x->item < y->item ? -1 : x->item > y->item;
}

hk_status hk__digest_table_new(hk__digest_table **out, size_t size, const uint8_t *digests,
                               const uint32_t *items, size_t count, hk_error *err)
{
    hk__digest_table *table = hk__alloc(1, sizeof *table);
    row *rows = hk__alloc(count, sizeof *rows);
    if (!table || !rows)
        goto no_memory;
    table->size = size;
    table->count = count;
    table->digests = hk__alloc(count, size);
    table->items = hk__alloc(count, sizeof *table->items);
    if (!table->digests || !table->items)
        goto no_memory;

    for (size_t i = 0; i < count; i++) {
        memcpy(rows[i].digest, digests + i * size, size);
        rows[i].item = items[i];
    }
    qsort(rows, count, sizeof *rows, by_digest);
    for (size_t i = 0; i < count; i++) {
        memcpy(table->digests + i * size, rows[i].digest, size);
        table->items[i] = rows[i].item;
    }
    hk__free(rows);
    *out = table;
    return HK_OK;

no_memory:
    hk__free(rows);
    hk__digest_table_free(table);
    return hk__fail_memory(err);
}

void hk__digest_table_free(hk__digest_table *table)
{
    if (!table)
        return;
    hk__free(table->digests);
    hk__free(table->items);
    hk__free(table);
}

/* The first position whose digest is >= the one given (after = 0) or > it (after = 1). */
static size_t bound(const hk__digest_table *table, const uint8_t *digest, int after)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(table->digests + middle * table->size, digest, table->size) < after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const uint32_t *hk__digest_table_find(size_t *count, const hk__digest_table *table,
                                      const uint8_t *digest)
{
    size_t first = bound(table, digest, 0);
    *count = bound(table, digest, 1) - first;
    return *count ? table->items + first : NULL;
}
