/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verify.c - checks all of a snapshot: that no block is damaged, and that what it says of its
 * hashes is so. A table that leaves out a hash would be a silent "no match".
 */
#include "core/digest.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/log.h"
#include "index/snapshot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TOLD_MOST = 100, TOGETHER = 128, OPEN_TRIES = 5 };

typedef struct check {
    const hk__base *base;
    size_t problems;
    void (*tell)(void *context, const char *message);
    void *context;
} check;

static void problem(check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(check *c, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (c->tell && c->problems < TOLD_MOST)
        c->tell(c->context, message);
    c->problems++;
}

static bool check_blocks(check *c)
{
    const hk__seal *seal = c->base->seal;
    const size_t before = c->problems;
    for (size_t b = HK__SNAPSHOT_HEADER / HK__SEAL_BLOCK; b < seal->blocks; b++)
        if (!hk__seal_check(seal, seal->bytes + b * HK__SEAL_BLOCK, HK__SEAL_BLOCK))
            problem(c, "the block at byte %zu is damaged", b * HK__SEAL_BLOCK);
    return c->problems == before;
}

static void check_ids(check *c)
{
    for (size_t p = 1; p < c->base->count; p++)
        if (hk__ids_at(&c->base->ids, p) < hk__ids_at(&c->base->ids, p - 1))
            problem(c, "the id of hash %zu is lower than that before it", p);
    if (c->base->count && hk__ids_at(&c->base->ids, c->base->count - 1) >= c->base->next_id)
        problem(c, "its next id was given already");
}

/* Places of one table, looked at together: their hashes lie all over memory. */
typedef struct bundle {
    unsigned table, count;
    size_t group[TOGETHER], place[TOGETHER];
    uint32_t item[TOGETHER];
} bundle;

/* Whether each hash of the bundle belongs where it lies, and is there for the first time. seen: a
 * bit for each hash. */
static void check_bundle(check *c, bundle *b, uint64_t *seen)
{
    const hk__mih *mih = &c->base->mih;
    const hk__table *table = &mih->table[b->table];
    const uint32_t tag_mask = (UINT32_C(1) << mih->tag_bits) - 1;
    hk_hash hashes[TOGETHER];
    uint32_t group[TOGETHER];
    uint16_t tag[TOGETHER];
    for (unsigned i = 0; i < b->count; i++)
        hashes[i] = mih->hashes[b->item[i]];
    hk__mih_in_use()->sort_keys(group, tag, &table->slot, hashes, b->count);
    for (unsigned i = 0; i < b->count; i++) {
        const uint32_t item = b->item[i];
        if (group[i] != b->group[i] || tag[i] != (table->tags[b->place[i]] & tag_mask))
            problem(c, "hash %u lies in the wrong group of table %u, or with another's tag", item,
                    b->table);
        else if (seen[item / 64] >> item % 64 & 1)
            problem(c, "hash %u is in table %u twice", item, b->table);
        seen[item / 64] |= UINT64_C(1) << item % 64;
    }
    b->count = 0;
}

/* Every hash once, in its group and with its tag: as many places as hashes, none of them twice. */
static void check_table(check *c, unsigned t, uint64_t *seen)
{
    const hk__mih *mih = &c->base->mih;
    const hk__table *table = &mih->table[t];
    bundle b = {.table = t};
    memset(seen, 0, (c->base->count / 64 + 1) * sizeof *seen);
    if (table->start[0] != 0 || table->start[table->groups] != c->base->count)
        problem(c, "table %u does not hold all hashes", t);
    for (size_t g = 0; g < table->groups; g++) {
        const uint32_t first = table->start[g], end = table->start[g + 1];
        if (first > end || end > c->base->count) {
            problem(c, "group %zu of table %u ends before it begins, or beyond the hashes", g, t);
            continue;
        }
        for (size_t place = first; place < end; place++) {
            const uint32_t item = hk__table_item(table, place, mih->tag_bits);
            if (item >= c->base->count) {
                problem(c, "place %zu of table %u names no hash", place, t);
                continue;
            }
            __builtin_prefetch(&mih->hashes[item]);
            b.group[b.count] = g;
            b.place[b.count] = place;
            b.item[b.count++] = item;
            if (b.count == TOGETHER)
                check_bundle(c, &b, seen);
        }
    }
    check_bundle(c, &b, seen);
}

static void check_digests(check *c, hk_basis basis)
{
    const hk__digest_table *table = c->base->digests[basis];
    const size_t size = hk__digest_size(basis), count = hk__digest_table_count(table);
    for (size_t d = 1; d < count; d++) {
        const uint8_t *here = hk__digest_table_bytes(table) + d * size;
        const uint32_t *items = hk__digest_table_items(table) + d;
        const int order = memcmp(here - size, here, size);
        if (order > 0 || (order == 0 && items[-1] > items[0]))
            problem(c, "%s digest %zu is out of order", hk_basis_name(basis), d);
    }
    for (size_t d = 0; d < count; d++)
        if (hk__digest_table_items(table)[d] >= c->base->next_id) {
            problem(c, "its next id was given already");
            break;
        }
}

/* What lies beside the snapshot. */
typedef struct log_facts {
    bool there, readable;
    uint64_t identity, count;
    hk_error why; /* not readable */
} log_facts;

/* Reads the log whole; one that is damaged is a problem, not an error. */
static hk_status read_log(log_facts *out, const char *path, hk_error *err)
{
    hk__log *log = NULL;
    hk_index_change *changes = NULL;
    size_t count;
    memset(out, 0, sizeof *out);
    hk_status status = hk__log_open(&log, &out->there, path, false, &out->why);
    if (!status && out->there) {
        out->identity = log->identity;
        out->count = log->count;
        status = hk__log_read(&changes, &count, log, 0, &out->why);
    }
    out->readable = !status;
    hk__free(changes);
    hk__log_close(log);
    if (status && status != HK_ERR_FORMAT)
        return hk__fail(err, status, "%s", out->why.message);
    return HK_OK;
}

static bool belongs(const log_facts *log, const hk__lineage *lineage)
{
    return !log->there || !log->readable || log->identity == lineage->identity ||
           (log->identity == lineage->parent && log->count >= lineage->changes);
}

/* The log first, as open.h says; once more where merges replaced both meanwhile. */
static hk_status open_both(hk__base **base, hk__lineage *lineage, log_facts *log, const char *path,
                           hk_error *err)
{
    hk_status status = HK_OK;
    for (int attempt = 0; attempt < OPEN_TRIES; attempt++) {
        status = read_log(log, path, err);
        if (!status)
            status = hk__snapshot_open(base, lineage, path, err);
        if (status || belongs(log, lineage))
            break;
        if (attempt < OPEN_TRIES - 1)
            hk__base_release(*base);
    }
    return status;
}

static hk_status verify(size_t *problems, const char *path,
                        void (*on_problem)(void *context, const char *message), void *context,
                        hk_error *err)
{
    hk__base *base = NULL;
    hk__lineage lineage;
    log_facts log;
    hk_status status = open_both(&base, &lineage, &log, path, err);
    if (status)
        return status;
    check c = {base, 0, on_problem, context};
    uint64_t *seen = hk__alloc(base->count / 64 + 1, sizeof *seen);
    if (!seen) {
        hk__base_release(base);
        return hk__fail_memory(err);
    }
    if (check_blocks(&c)) { /* else the rest would only say so again */
        check_ids(&c);
        for (unsigned t = 0; t < base->mih.tables; t++)
            check_table(&c, t, seen);
        for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
            check_digests(&c, (hk_basis)basis);
    }
    if (!log.readable)
        problem(&c, "%s", log.why.message);
    else if (!belongs(&log, &lineage))
        problem(&c, "the changes beside it belong to another snapshot");
    hk__free(seen);
    hk__base_release(base);
    *problems = c.problems;
    return HK_OK;
}

hk_status hk_index_verify(size_t *problems, const char *path,
                          void (*on_problem)(void *context, const char *message), void *context,
                          hk_error *err)
{
    char *real = hk__real_path(path);
    if (!real)
        return hk__fail_memory(err);
    const hk_status status = verify(problems, real, on_problem, context, err);
    hk__free(real);
    return status;
}
