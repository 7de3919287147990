/* SPDX-License-Identifier: GPL-3.0-or-later */
/* digests.c - see digests.h: sorted digests, looked up by bisection. */
#include "index/digests.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

struct hk__digest_table {
    size_t size, count;
    const uint8_t *digests;
    const uint32_t *items;
    const hk__seal *seal; /* of the mapped file both lie in; NULL: they are ours */
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
    uint8_t *bytes = hk__alloc(count, size);
    uint32_t *sorted = hk__alloc(count, sizeof *sorted);
    table->digests = bytes;
    table->items = sorted;
    if (!bytes || !sorted)
        goto no_memory;

    for (size_t i = 0; i < count; i++) {
        memcpy(rows[i].digest, digests + i * size, size);
        rows[i].item = items[i];
    }
    qsort(rows, count, sizeof *rows, by_digest);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + i * size, rows[i].digest, size);
        sorted[i] = rows[i].item;
    }
    hk__free(rows);
    *out = table;
    return HK_OK;

no_memory:
    hk__free(rows);
    hk__digest_table_free(table);
    return hk__fail_memory(err);
}

hk_status hk__digest_table_map(hk__digest_table **out, size_t size, const uint8_t *digests,
                               const uint32_t *items, size_t count, const hk__seal *seal,
                               hk_error *err)
{
    hk__digest_table *table = hk__alloc(1, sizeof *table);
    if (!table)
        return hk__fail_memory(err);
    *table = (hk__digest_table){size, count, digests, items, seal};
    *out = table;
    return HK_OK;
}

void hk__digest_table_free(hk__digest_table *table)
{
    if (!table)
        return;
    if (!table->seal) {
        hk__free((void *)table->digests);
        hk__free((void *)table->items);
    }
    hk__free(table);
}

size_t hk__digest_table_count(const hk__digest_table *table)
{
    return table ? table->count : 0;
}

hk_status hk__digest_table_at(const uint8_t **digest, uint32_t *item, const hk__digest_table *table,
                              size_t at, hk_error *err)
{
    const uint8_t *there = table->digests + at * table->size;
    if (table->seal && (!hk__seal_check(table->seal, there, table->size) ||
                        !hk__seal_holds(table->seal, &table->items[at])))
        return hk__seal_fail(table->seal, there, err);
    *digest = there;
    *item = table->items[at];
    return HK_OK;
}

const uint8_t *hk__digest_table_bytes(const hk__digest_table *table)
{
    return table->digests;
}

const uint32_t *hk__digest_table_items(const hk__digest_table *table)
{
    return table->items;
}

/* The first position whose digest is >= the one given (after = 0) or > it (after = 1); NULL in
 * *damaged unless the file is. */
static size_t bound(const void **damaged, const hk__digest_table *table, const uint8_t *digest,
                    int after)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint8_t *there = table->digests + middle * table->size;
        if (table->seal && !hk__seal_check(table->seal, there, table->size)) {
            *damaged = there;
            return 0;
        }
        if (memcmp(there, digest, table->size) < after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

hk_status hk__digest_table_find(const uint32_t **out, size_t *count, const hk__digest_table *table,
                                const uint8_t *digest, hk_error *err)
{
    const void *damaged = NULL;
    const size_t first = bound(&damaged, table, digest, 0);
    const size_t end = damaged ? 0 : bound(&damaged, table, digest, 1);
    const uint32_t *items = table->items + first;
    if (!damaged && end < first) /* somebody writes to the file */
        damaged = items;
    if (!damaged && end > first && table->seal &&
        !hk__seal_check(table->seal, items, (end - first) * sizeof *items))
        damaged = items;
    if (damaged)
        return hk__seal_fail(table->seal, damaged, err);
    *out = end > first ? items : NULL;
    *count = end - first;
    return HK_OK;
}
