/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mih.c - makes the tables of mih.h, by counting:
 *
 *      1. count the hashes of each group        2. sum up: where each group begins
 *      3. put every hash into the next place of its group
 *
 * Tables are made one after another, or as many at once as there are threads.
 */
#include "index/mih.h"

#include "core/cpu.h"
#include "core/error.h"
#include "core/mem.h"

#include <pthread.h>
#include <string.h>

enum { AT_ONCE = 2048 };

const hk__mih_kernels *hk__mih_in_use(void)
{
#if defined(__x86_64__)
    switch (hk_simd_in_use()) {
    case HK_SIMD_AVX512:
        return &hk__mih_avx512;
    case HK_SIMD_AVX2:
        return &hk__mih_avx2;
    default:
        break;
    }
#endif
    return &hk__mih_scalar;
}

unsigned hk__mih_tag_bits(size_t count)
{
    unsigned bits = HK__TAG_BITS_MAX;
    for (size_t highest = count ? (count - 1) >> 24 : 0; highest; highest >>= 1)
        bits--;
    return bits;
}

uint32_t hk__mih_group(const hk__slot *slot, const hk_hash *hash)
{
    uint32_t group;
    hk__mih_in_use()->sort_keys(&group, NULL, slot, hash, 1);
    return group;
}

uint16_t hk__mih_tag(const hk__slot *slot, const hk_hash *hash)
{
    uint32_t group;
    uint16_t tag;
    hk__mih_in_use()->sort_keys(&group, &tag, slot, hash, 1);
    return tag;
}

/* start[g + 1] = the number of hashes in groups 0..g. */
static void count_groups(uint32_t *start, const hk__table *table, const hk_hash *hashes,
                         size_t count)
{
    const hk__mih_kernels *kernels = hk__mih_in_use();
    uint32_t group[AT_ONCE];
    for (size_t base = 0; base < count; base += AT_ONCE) {
        const size_t n = count - base < AT_ONCE ? count - base : AT_ONCE;
        kernels->sort_keys(group, NULL, &table->slot, hashes + base, n);
        for (size_t i = 0; i < n; i++)
            start[group[i] + 1]++;
    }
    for (size_t g = 0; g < table->groups; g++)
        start[g + 1] += start[g];
}

/* Puts every hash in its place. Each start moves to the end of its group, and back at the end. */
static void fill_groups(uint32_t *start, uint16_t *tags, uint8_t *items, const hk__table *table,
                        const hk_hash *hashes, size_t count)
{
    const unsigned tag_bits = hk__mih_tag_bits(count);
    const hk__mih_kernels *kernels = hk__mih_in_use();
    uint32_t group[AT_ONCE];
    uint16_t tag[AT_ONCE];
    for (size_t base = 0; base < count; base += AT_ONCE) {
        const size_t n = count - base < AT_ONCE ? count - base : AT_ONCE;
        kernels->sort_keys(group, tag, &table->slot, hashes + base, n);
        for (size_t i = 0; i < n; i++) {
            const uint32_t place = group[i] = start[group[i]]++;
            __builtin_prefetch(&tags[place], 1);
            __builtin_prefetch(&items[3 * (size_t)place], 1);
        }
        for (size_t i = 0; i < n; i++) {
            const size_t position = base + i;
            uint8_t *item = items + 3 * (size_t)group[i];
            tags[group[i]] = (uint16_t)(tag[i] | position >> 24 << tag_bits);
            item[0] = (uint8_t)position;
            item[1] = (uint8_t)(position >> 8);
            item[2] = (uint8_t)(position >> 16);
        }
    }
    memmove(start + 1, start, table->groups * sizeof *start);
    start[0] = 0;
}

static hk_status build_table(hk__table *table, const hk_hash *hashes, size_t count, hk_error *err)
{
    table->groups = (size_t)1 << hk__mask_width(table->slot.group);
    uint32_t *start = hk__alloc_aligned(table->groups + 1, sizeof *start);
    uint16_t *tags = hk__alloc_aligned(count, sizeof *tags);
    uint8_t *items = hk__alloc_aligned(count, 3);
    if (!start || !tags || !items) {
        hk__free(start);
        hk__free(tags);
        hk__free(items);
        return hk__fail_memory(err);
    }
    count_groups(start, table, hashes, count);
    fill_groups(start, tags, items, table, hashes, count);
    table->start = start;
    table->tags = tags;
    table->items = items;
    return HK_OK;
}

/* ---- all tables ---------------------------------------------------------------------------- */

typedef struct job {
    hk__mih *mih;
    pthread_mutex_t lock;
    unsigned next;
    hk_status status;
    hk_error err;
} job;

static void *work(void *context)
{
    job *j = context;
    pthread_mutex_lock(&j->lock);
    while (!j->status && j->next < j->mih->tables) {
        hk__table *table = &j->mih->table[j->next++];
        pthread_mutex_unlock(&j->lock);
        hk_error err;
        const hk_status status = build_table(table, j->mih->hashes, j->mih->count, &err);
        pthread_mutex_lock(&j->lock);
        if (status && !j->status) {
            j->status = status;
            j->err = err;
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

hk_status hk__mih_build(hk__mih *out, const hk_hash *hashes, size_t count, unsigned tables,
                        unsigned group_bits, unsigned threads, hk_error *err)
{
    hk__slot slots[HK__SLOTS_MAX];
    hk__slots_deal(slots, tables, group_bits, hk__mih_tag_bits(count));
    hk__mih mih = {.tables = tables,
                   .hashes = hashes,
                   .count = count,
                   .tag_bits = hk__mih_tag_bits(count),
                   .owned = true};
    for (unsigned t = 0; t < tables; t++)
        mih.table[t].slot = slots[t];

    job j = {.mih = &mih};
    pthread_t helper[HK__SLOTS_MAX];
    unsigned helpers = 0;
    pthread_mutex_init(&j.lock, NULL);
    /* A thread that does not start leaves its work to the others. */
    while (helpers + 1 < threads && helpers + 1 < tables &&
           !pthread_create(&helper[helpers], NULL, work, &j))
        helpers++;
    work(&j);
    for (unsigned h = 0; h < helpers; h++)
        pthread_join(helper[h], NULL);
    pthread_mutex_destroy(&j.lock);
    if (j.status) {
        hk__mih_clear(&mih);
        return hk__fail(err, j.status, "%s", j.err.message);
    }
    *out = mih;
    return HK_OK;
}

void hk__mih_clear(hk__mih *mih)
{
    for (unsigned t = 0; mih->owned && t < mih->tables; t++) {
        hk__free((void *)mih->table[t].start);
        hk__free((void *)mih->table[t].tags);
        hk__free((void *)mih->table[t].items);
    }
    memset(mih, 0, sizeof *mih);
}

size_t hk__mih_bytes(const hk__mih *mih)
{
    size_t bytes = 0;
    for (unsigned t = 0; t < mih->tables; t++)
        bytes += (mih->table[t].groups + 1) * sizeof *mih->table[t].start +
                 mih->count * (sizeof *mih->table[t].tags + 3);
    return bytes;
}

hk_status hk__mih_within(hk__sieve *sieve, bool *gave_up, const hk__mih *mih,
                         const hk__mih_query *query, hk__mih_room *room, hk_error *err)
{
    return hk__mih_in_use()->within(sieve, gave_up, mih, query, room, err);
}
