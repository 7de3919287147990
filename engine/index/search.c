/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * search.c - see search.h.
 *
 *      queries -> parts, one per thread -> tables, scan or FAISS -> one sieve per query
 *                                       -> changes               -> another
 *                 hits of a query: both sieves, positions made ids, nearest first
 *
 * Tables are quick where few hashes are near in any slot. Where many are (a list of equal hashes,
 * a query of a flat picture) they would be followed one by one: after twice the work that was to be
 * expected and a third of a scan they give up, and the query is scanned.
 */
#include "index/search.h"

#include "core/error.h"
#include "core/mem.h"
#include "index/flat.h"
#include "index/plan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64, STREAK_MAX = 6, SCAN_AT_ONCE = 64 };

/* One thread's share of the queries. */
typedef struct part {
    const hk_index *index;
    const hk_hash *queries;
    hk__sieve *sieves, *added; /* of the base and of the changes; added may be NULL */
    size_t count;
    unsigned max_distance;
    size_t max_hits;
    bool by_tables;
    uint64_t patience;
    hk_status status;
    hk_error err;
} part;

/* ---- one thread ---------------------------------------------------------------------------- */

static hk_status scan(hk__sieve *sieves, const part *p, const hk_hash *queries, size_t count,
                      hk_error *err)
{
    const hk__base *base = p->index->base;
    return hk__flat_within(sieves, base->hashes, base->count, base->seal, queries, count, err);
}

/* Queries that the tables were not tried for, or gave up: to be scanned together. */
typedef struct leftover {
    size_t count, query[SCAN_AT_ONCE];
} leftover;

static hk_status scan_leftover(part *p, leftover *left)
{
    hk_hash query[SCAN_AT_ONCE];
    hk__sieve sieve[SCAN_AT_ONCE];
    for (size_t i = 0; i < left->count; i++) {
        query[i] = p->queries[left->query[i]];
        hk__sieve_restart(&p->sieves[left->query[i]], p->max_distance);
        sieve[i] = p->sieves[left->query[i]];
    }
    const hk_status status = scan(sieve, p, query, left->count, &p->err);
    for (size_t i = 0; i < left->count; i++)
        p->sieves[left->query[i]] = sieve[i]; /* it owns the hits, whatever happened */
    left->count = 0;
    return status;
}

/* Whether to scan without trying the tables: after k queries in a row that gave up, 2^k are. */
static bool is_wary(hk__base *base)
{
    unsigned left = atomic_load_explicit(&base->wary, memory_order_relaxed);
    if (left == 0)
        return false;
    atomic_store_explicit(&base->wary, left - 1, memory_order_relaxed);
    return true;
}

static void learn(hk__base *base, bool gave_up)
{
    unsigned streak = atomic_load_explicit(&base->streak, memory_order_relaxed);
    if (!gave_up && streak == 0)
        return;
    streak = !gave_up ? 0 : streak < STREAK_MAX ? streak + 1 : STREAK_MAX;
    atomic_store_explicit(&base->streak, streak, memory_order_relaxed);
    if (gave_up)
        atomic_store_explicit(&base->wary, 1u << streak, memory_order_relaxed);
}

static hk_status by_tables(part *p)
{
    hk__base *base = p->index->base;
    const bool always = p->index->engine == HK__ENGINE_MIH;
    hk__mih_room *room = hk__mih_room_new();
    hk_status status = room ? HK_OK : hk__fail_memory(&p->err);
    leftover left = {0};
    for (size_t q = 0; !status && q < p->count; q++) {
        const hk__mih_query query = {p->queries[q], p->max_distance,
                                     always ? UINT64_MAX : p->patience};
        bool found = false;
        if (always || !is_wary(base)) {
            bool gave_up;
            status = hk__mih_within(&p->sieves[q], &gave_up, &base->mih, &query, room, &p->err);
            learn(base, gave_up);
            found = !gave_up;
        }
        if (!found)
            left.query[left.count++] = q;
        if (!status && left.count == SCAN_AT_ONCE)
            status = scan_leftover(p, &left);
    }
    if (!status && left.count)
        status = scan_leftover(p, &left);
    hk__free(room);
    return status;
}

static void *search_part(void *context)
{
    part *p = context;
    const hk_index *index = p->index;
    if (index->engine == HK__ENGINE_FAISS)
        p->status = hk__faiss_within(p->sieves, index->base->faiss, p->queries, p->count,
                                     p->max_distance, p->max_hits, &p->err);
    else if (p->by_tables)
        p->status = by_tables(p);
    else
        p->status = scan(p->sieves, p, p->queries, p->count, &p->err);
    if (!p->status && p->added)
        p->status = hk__changes_within(p->added, index->changes, p->queries, p->count, &p->err);
    return NULL;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* The plan's estimate, worked out once for each radius: that takes 0.7 us. */
static double by_tables_ns(hk__base *base, unsigned max_distance)
{
    float ns = atomic_load_explicit(&base->table_ns[max_distance], memory_order_relaxed);
    if (ns > 0)
        return ns;
    hk__slot slots[HK__SLOTS_MAX];
    for (unsigned t = 0; t < base->mih.tables; t++)
        slots[t] = base->mih.table[t].slot;
    ns = (float)hk__plan_mih_ns(slots, base->mih.tables, base->count, max_distance);
    atomic_store_explicit(&base->table_ns[max_distance], ns, memory_order_relaxed);
    return ns;
}

/* Chooses between tables and scan, and says what one query will take. */
static double choose(part *p, size_t query_count)
{
    const hk__base *base = p->index->base;
    const double scan_ns = hk__plan_flat_ns(base->count, p->max_distance, query_count);
    if (base->mih.tables == 0 || p->index->engine == HK__ENGINE_FLAT)
        return scan_ns;
    const double ns = by_tables_ns(p->index->base, p->max_distance);
    p->by_tables = ns < scan_ns || p->index->engine == HK__ENGINE_MIH;
    /* A unit of work is about 0.2 ns: twice what random hashes would take, and a third of a scan.
     */
    p->patience = (uint64_t)(5 * (2 * ns + scan_ns / 3));
    return p->by_tables ? ns : scan_ns;
}

static unsigned worth_threads(const hk_index *index, double ns, size_t query_count)
{
    const double parts = ns * (double)query_count / 200000; /* a thread takes 20 us to start */
    unsigned threads = index->threads < THREADS_MAX ? index->threads : THREADS_MAX;
    if (threads > query_count)
        threads = (unsigned)query_count;
    return parts < threads ? (unsigned)parts + 1 : threads;
}

static hk_status search_parts(const part *whole, unsigned threads, hk_error *err)
{
    part parts[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    bool started[THREADS_MAX] = {false};
    for (unsigned t = 0; t < threads; t++) {
        const size_t from = whole->count * t / threads, to = whole->count * (t + 1) / threads;
        parts[t] = *whole;
        parts[t].queries += from;
        parts[t].sieves += from;
        parts[t].added = whole->added ? whole->added + from : NULL;
        parts[t].count = to - from;
    }
    for (unsigned t = 1; t < threads; t++)
        started[t] = !pthread_create(&thread[t], NULL, search_part, &parts[t]);
    for (unsigned t = 0; t < threads; t++)
        if (!started[t]) /* the first is ours, and so is what has no thread */
            search_part(&parts[t]);
    hk_status status = HK_OK;
    for (unsigned t = 0; t < threads; t++) {
        if (started[t])
            pthread_join(thread[t], NULL);
        if (parts[t].status && !status)
            status = hk__fail(err, parts[t].status, "%s", parts[t].err.message);
    }
    return status;
}

bool hk__search_reaches(const hk_index *index, unsigned max_distance)
{
    return index->engine != HK__ENGINE_FAISS || hk__faiss_reaches(index->base->faiss, max_distance);
}

/* ---- hits ---------------------------------------------------------------------------------- */

/* Appends a query's hits to out, and adds their number to *total. */
static hk_status put_hits(hk_hit *out, size_t *total, const part *whole, size_t q, hk_error *err)
{
    const hk__sieve *base = &whole->sieves[q], *added = whole->added ? &whole->added[q] : NULL;
    size_t count = 0;
    for (size_t i = 0; i < base->count; i++) {
        uint32_t id;
        hk_status status = hk__base_id(&id, whole->index->base, base->hit[i].item, err);
        if (status)
            return status;
        out[count++] = (hk_hit){(uint32_t)q, id, base->hit[i].distance};
    }
    for (size_t i = 0; added && i < added->count; i++)
        out[count++] = (hk_hit){(uint32_t)q, added->hit[i].item, added->hit[i].distance};
    if (added && added->count && base->count)
        qsort(out, count, sizeof *out, hk__hit_order);
    *total += whole->max_hits && count > whole->max_hits ? whole->max_hits : count;
    return HK_OK;
}

static hk_status collect(hk_hits *out, const part *whole, hk_error *err)
{
    hk_hits hits = {0};
    size_t most = 0;
    for (size_t q = 0; q < whole->count; q++) {
        hk__sieve_finish(&whole->sieves[q]);
        hits.truncated |= whole->sieves[q].dropped;
        size_t mine = whole->sieves[q].count;
        if (whole->added) {
            hk__sieve_finish(&whole->added[q]);
            hits.truncated |= whole->added[q].dropped;
            mine += whole->added[q].count;
        }
        hits.truncated |= whole->max_hits && mine > whole->max_hits;
        most += mine;
    }
    hits.hit = hk__alloc(most, sizeof *hits.hit);
    hk_status status = hits.hit ? HK_OK : hk__fail_memory(err);
    for (size_t q = 0; !status && q < whole->count; q++)
        status = put_hits(hits.hit + hits.count, &hits.count, whole, q, err);
    if (status) {
        hk__free(hits.hit);
        return status;
    }
    hits.approximate = whole->index->engine == HK__ENGINE_FAISS &&
                       !hk__faiss_is_exact(whole->index->base->faiss, whole->max_distance);
    *out = hits;
    return HK_OK;
}

hk_status hk__search(hk_hits *out, const hk_index *index, const hk_hash *queries,
                     size_t query_count, unsigned max_distance, size_t max_hits, hk_error *err)
{
    part whole = {.index = index,
                  .queries = queries,
                  .sieves = hk__alloc(query_count, sizeof *whole.sieves),
                  .added = index->changes ? hk__alloc(query_count, sizeof *whole.added) : NULL,
                  .count = query_count,
                  .max_distance = max_distance,
                  .max_hits = max_hits};
    hk_status status =
        whole.sieves && (whole.added || !index->changes) ? HK_OK : hk__fail_memory(err);
    for (size_t q = 0; !status && q < query_count; q++) {
        hk__sieve_start(&whole.sieves[q], max_distance, max_hits);
        if (!index->changes)
            continue;
        whole.sieves[q].gone = index->changes->gone;
        whole.sieves[q].gone_count = index->changes->gone_count;
        hk__sieve_start(&whole.added[q], max_distance, max_hits);
    }
    if (!status) {
        const double ns = choose(&whole, query_count);
        status = search_parts(&whole, worth_threads(index, ns, query_count), err);
    }
    if (!status)
        status = collect(out, &whole, err);
    for (size_t q = 0; q < query_count; q++) {
        if (whole.sieves)
            hk__sieve_clear(&whole.sieves[q]);
        if (whole.added)
            hk__sieve_clear(&whole.added[q]);
    }
    hk__free(whole.sieves);
    hk__free(whole.added);
    return status;
}
