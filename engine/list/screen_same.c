/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen_same.c - what entries say of equal values (screen.h).
 *
 * Each column is sorted, so that equal values lie together, in the order of their members. However
 * many entries have one value, each is looked at once, and the value is looked up once.
 */
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"
#include "list/screen.h"

#include <stdlib.h>
#include <string.h>

/* ---- runs of equal values ------------------------------------------------------------------ */

static int by_record(const void *a, const void *b, void *width)
{
    const size_t size = *(const size_t *)width;
    const int order = memcmp(a, b, size);
    uint32_t x, y;
    if (order)
        return order;
    memcpy(&x, (const uint8_t *)a + size, sizeof x);
    memcpy(&y, (const uint8_t *)b + size, sizeof y);
    return x < y ? -1 : x > y;
}

static const uint8_t *record_at(const hk__column *column, size_t i)
{
    return column->records + i * (column->width + sizeof(uint32_t));
}

static uint32_t member_at(const hk__column *column, size_t i)
{
    uint32_t member;
    memcpy(&member, record_at(column, i) + column->width, sizeof member);
    return member;
}

static size_t run_end(const hk__column *column, size_t from)
{
    size_t end = from + 1;
    while (end < column->count &&
           !memcmp(record_at(column, from), record_at(column, end), column->width))
        end++;
    return end;
}

/* ---- contradictions ------------------------------------------------------------------------ */

static bool has_say(const hk__member *m)
{
    return m->category && m->speaks && !m->is_leaving;
}

/* Among members from..end with one value. Who was let in already is left alone. */
static hk_status contradict(hk__screening *s, const hk__column *column, hk_basis basis, size_t from,
                            size_t end, hk_error *err)
{
    const hk__member *one = NULL, *another = NULL; /* the first of two categories */
    hk_status status = HK_OK;
    for (size_t i = from; i < end && !another; i++) {
        const hk__member *m = &s->pool.members[member_at(column, i)];
        if (!has_say(m))
            continue;
        if (!one)
            one = m;
        else if (m->category != one->category)
            another = m;
    }
    for (size_t i = from; !status && another && i < end; i++) {
        const uint32_t at = member_at(column, i);
        const hk__member *m = &s->pool.members[at];
        const hk__finding finding = {.member = at,
                                     .other = m->category == one->category ? another->number
                                                                           : one->number,
                                     .reason = HK_SUSPECT_CONTRADICTION,
                                     .basis = (uint8_t)basis};
        if (m->is_target && has_say(m))
            status = hk__screen_find(s, &s->same, &finding, err);
    }
    return status;
}

/* ---- digests that are known good ----------------------------------------------------------- */

/* The first of these entries that is active; 0: none. A list's index has digests that wait in
 * quarantine, too. */
static hk_status first_active(uint32_t *out, hk__screening *s, const uint32_t *numbers,
                              size_t count, hk_error *err)
{
    bool row = false;
    hk_status status = HK_OK;
    *out = 0;
    for (size_t i = 0; !status && !*out && i < count; i++) {
        sqlite3_bind_int64(s->is_active, 1, numbers[i]);
        status = hk__sql_step(&row, s->is_active, err);
        if (!status && row)
            *out = numbers[i];
        sqlite3_reset(s->is_active);
    }
    return status;
}

/* Looks one digest up in the lists of the other sort. */
static hk_status find_good(hk__finding *out, hk__screening *s, hk_basis basis,
                           const uint8_t *digest, hk_error *err)
{
    hk_status status = HK_OK;
    out->other = 0;
    for (size_t l = 0; !status && !out->other && l < s->other_count; l++) {
        uint32_t *numbers = NULL;
        size_t count = 0;
        status =
            hk_index_find_digest(&numbers, &count, s->others[l].list->index, basis, digest, err);
        status = hk__list_searched(s->others[l].list, status, err);
        if (!status)
            status = first_active(&out->other, s, numbers, count, err);
        free(numbers);
        out->list = (uint32_t)l;
    }
    return status;
}

static hk_status know(hk__screening *s, const hk__column *column, hk_basis basis, size_t from,
                      size_t end, hk_error *err)
{
    hk__finding finding = {.reason = HK_SUSPECT_KNOWN_GOOD, .basis = (uint8_t)basis};
    bool is_asked = false;
    hk_status status = HK_OK;
    for (size_t i = from; !status && i < end; i++) {
        finding.member = member_at(column, i);
        if (!s->pool.members[finding.member].is_target)
            continue;
        if (!is_asked)
            status = find_good(&finding, s, basis, record_at(column, i), err);
        is_asked = true;
        if (!status && finding.other)
            status = hk__screen_find(s, &s->same, &finding, err);
    }
    return status;
}

/* ---- groups -------------------------------------------------------------------------------- */

static uint32_t count_staying(const hk__screening *s, const hk__column *column, size_t from,
                              size_t end)
{
    uint32_t count = 0;
    for (size_t i = from; i < end; i++)
        count += !s->pool.members[member_at(column, i)].is_leaving;
    return count;
}

/* Makes groups of the runs in which somebody stays, or of the others. */
static void put_groups(hk__screening *s, const hk__column *column, bool staying)
{
    hk__pool *pool = &s->pool;
    for (size_t from = 0, end; from < column->count; from = end) {
        end = run_end(column, from);
        const uint32_t count = count_staying(s, column, from, end);
        if ((count > 0) != staying)
            continue;
        memcpy(&pool->hashes[pool->group_count], record_at(column, from), sizeof(hk_hash));
        pool->groups[pool->group_count].count = count;
        s->members_counting += count;
        for (size_t i = from; i < end; i++)
            pool->members[member_at(column, i)].group = (uint32_t)pool->group_count;
        pool->group_count++;
    }
}

static hk_status make_groups(hk__screening *s, const hk__column *column, hk_error *err)
{
    hk__pool *pool = &s->pool;
    size_t runs = 0;
    for (size_t from = 0; from < column->count; from = run_end(column, from))
        runs++;
    pool->hashes = hk__alloc_aligned(runs, sizeof *pool->hashes);
    pool->groups = hk__alloc(runs, sizeof *pool->groups);
    if (!pool->hashes || !pool->groups)
        return hk__fail_memory(err);
    put_groups(s, column, true);
    pool->counting = pool->group_count;
    put_groups(s, column, false);
    return HK_OK;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int by_member(const void *a, const void *b)
{
    const hk__finding *x = a, *y = b;
    if (x->member != y->member)
        return x->member < y->member ? -1 : 1;
    return x->reason < y->reason ? -1 : x->reason > y->reason;
}

hk_status hk__screen_same(hk__screening *s, hk_error *err)
{
    hk_status status = HK_OK;
    for (int basis = 0; !status && basis < HK__COLUMNS; basis++) {
        hk__column *column = &s->pool.column[basis];
        if (column->count)
            qsort_r(column->records, column->count, column->width + sizeof(uint32_t), by_record,
                    &column->width);
        for (size_t from = 0, end; !status && from < column->count; from = end) {
            end = run_end(column, from);
            status = contradict(s, column, (hk_basis)basis, from, end, err);
            if (!status && basis < HK_BASIS_PDQ)
                status = know(s, column, (hk_basis)basis, from, end, err);
            if (!status)
                status = hk__screen_tell(s, err);
        }
        if (!status && basis == HK_BASIS_PDQ)
            status = make_groups(s, column, err);
        hk__free(column->records);
        column->records = NULL;
    }
    if (s->same.count)
        qsort(s->same.at, s->same.count, sizeof *s->same.at, by_member);
    return status;
}
