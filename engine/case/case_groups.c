/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_groups.c - which contents look alike (case.h): leader clustering.
 *
 *      contents --order--> places: the largest picture first, equal ones by SHA-256
 *      places in no group yet, a block at once --16 queries each--> what is near each of them
 *      each of the block in its turn, if none before took it, leads, and takes what is near it
 *
 * Whether a content leads is known only once all before it have had their turn, and queries are
 * quickest together. So a block is looked up ahead, and what a place found is forgotten where an
 * earlier one of the block has taken it. Blocks grow while little is forgotten, and shrink where
 * much is. A search gives the nearest NEAREST of each query; a leader with more is searched for
 * again by itself, so that a case of one picture a million times takes no memory.
 *
 * Who has had their turn, or is taken, is searched no more: the index is made anew without them
 * once they are a quarter of it.
 *
 * What takes part: a hash that the verdicts go by, neither degenerate nor of low quality, of a kind
 * with a radius. A picture that is cut short may be taken, since what is there of it is near, but
 * does not lead: what is missing of two of them is alike too.
 */
#include "case/case.h"
#include "case/case_text.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>

enum {
    KINDS = HK_KIND_GRAPHIC + 1,
    MOST_BITS = 31, /* of the radius */
    QUERIES = 2 * HK_ORIENTATIONS,
    BLOCK_MOST = 2048,
    NEAREST = 64,
    INDEX_LEAST = 4096 /* hashes; fewer are not worth making it anew */
};

typedef struct member {
    uint32_t content;
    uint8_t kind;
    bool leads, grouped; /* grouped: its turn is over, or an earlier one has taken it */
} member;

typedef struct bond {
    uint32_t leader; /* its place */
    uint8_t distance, orientation, inverted;
} bond;

typedef struct crowd {
    hk_case *c;
    member *member; /* [count] by place */
    bond *bond;     /* [count] of those that are grouped */
    uint32_t count, left;
    int radius[KINDS]; /* -1: none */
    unsigned widest;
    hk_hash *hash;   /* [indexed] of those that the index is over, */
    uint32_t *place; /* [indexed] and their places */
    uint32_t indexed;
    hk_index *index;
    unsigned threads;
    sqlite3_stmt *hashes; /* of a content */
    uint32_t *block;      /* [BLOCK_MOST] places */
    hk_hash *query;       /* [BLOCK_MOST * QUERIES] */
    void (*on_progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    uint64_t told;
} crowd;

/* ---- who takes part, in which order -------------------------------------------------------- */

/* Of contents: hashed, unknown, and the hash says something. */
#define TAKES_PART                                                                                 \
    "hashes IS NOT NULL AND status IN (0, 1) AND verdict IN (0, 1) AND known_good = 0"             \
    " AND flags & 6 = 0"
_Static_assert(HK_FILE_OK == 0 && HK_FILE_TRUNCATED == 1 && HK_VERDICT_NOT_CHECKED == 0 &&
                   HK_VERDICT_NONE == 1 && (HK_FLAG_DEGENERATE | HK_FLAG_LOW_QUALITY) == 6,
               "the numbers in SQL");

static hk_status fail_missing(const hk_case *c, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: contents are missing", c->path);
}

static hk_status count_contents(int64_t *out, hk_case *c, hk_error *err)
{
    int64_t highest;
    hk_status status = hk__sql_number(out, 0, c->db, err, "SELECT count(*) FROM content", "");
    if (!status)
        status = hk__sql_number(&highest, 0, c->db, err, "SELECT max(id) FROM content", "");
    if (!status && highest != *out)
        status = fail_missing(c, err);
    if (!status && highest >= UINT32_MAX)
        status = hk__fail(err, HK_ERR_LIMIT, "%s: more contents than can be grouped", c->path);
    return status;
}

static void choose_radii(crowd *g)
{
    g->widest = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        int radius = hk_radius((hk_kind)kind, HK_PROFILE_REVIEW, g->count);
        radius = radius < MOST_BITS ? radius : MOST_BITS;
        g->radius[kind] = radius;
        if (radius > (int)g->widest)
            g->widest = (unsigned)radius;
    }
}

static hk_status make_room(crowd *g, hk_error *err)
{
    g->member = hk__alloc(g->count, sizeof *g->member);
    g->bond = hk__alloc(g->count, sizeof *g->bond);
    g->hash = hk__alloc(g->count, sizeof *g->hash);
    g->place = hk__alloc(g->count, sizeof *g->place);
    g->block = hk__alloc(BLOCK_MOST, sizeof *g->block);
    g->query = hk__alloc((size_t)BLOCK_MOST * QUERIES, sizeof *g->query);
    return g->member && g->bond && g->hash && g->place && g->block && g->query
               ? HK_OK
               : hk__fail_memory(err);
}

/* Fills member[].content, and where[] (by content) with places + 1. */
static hk_status put_in_order(crowd *g, uint32_t *where, int64_t contents, hk_error *err)
{
    sqlite3_stmt *order;
    bool more = true;
    uint32_t place = 0;
    hk_status status = hk__sql_prepare(
        &order, g->c->db, err,
        "SELECT id FROM content WHERE " TAKES_PART " ORDER BY width * height DESC, sha256", "");
    while (!status && !(status = hk__sql_step(&more, order, err)) && more) {
        hk__case_row row = {g->c, order, place == g->count};
        const int64_t content = hk__case_row_number(&row, 0, 1, contents);
        status = hk__case_row_end(&row, err);
        if (status)
            break;
        g->member[place].content = (uint32_t)content;
        where[content] = ++place;
    }
    sqlite3_finalize(order);
    return status || place == g->count ? status : fail_missing(g->c, err);
}

static void take_in(crowd *g, uint32_t place, const hk_hash *hash, hk_kind kind, bool whole)
{
    member *m = &g->member[place];
    m->kind = (uint8_t)kind;
    m->leads = whole;
    m->grouped = g->radius[kind] < 0;
    g->bond[place].leader = place;
    if (m->grouped)
        return;
    g->hash[g->indexed] = *hash;
    g->place[g->indexed++] = place;
    g->left++;
}

/* Reads hashes in the order in which they lie. */
static hk_status read_hashes(crowd *g, const uint32_t *where, int64_t contents, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    hk_status status = hk__sql_prepare(
        &read, g->c->db, err,
        "SELECT id, hashes, kind, flags, status FROM content WHERE " TAKES_PART, "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more) {
        hk_hash hash[HK_ORIENTATIONS];
        hk__case_row row = {g->c, read, false};
        const int64_t content = hk__case_row_number(&row, 0, 1, contents);
        row.damaged |= !hk__case_row_hashes(hash, &row, 1) || !where[content];
        const hk_kind kind = (hk_kind)hk__case_row_number(&row, 2, 0, HK_KIND_GRAPHIC);
        const bool cut =
            (unsigned)hk__case_row_number(&row, 3, 0, (1 << HK_FLAG_COUNT) - 1) & HK_FLAG_TRUNCATED;
        const bool whole = hk__case_row_number(&row, 4, 0, HK_FILE_TRUNCATED) == HK_FILE_OK && !cut;
        status = hk__case_row_end(&row, err);
        if (!status)
            take_in(g, where[content] - 1, hash, kind, whole);
    }
    sqlite3_finalize(read);
    return status;
}

static hk_status gather(crowd *g, hk_error *err)
{
    int64_t contents, count;
    hk_status status = count_contents(&contents, g->c, err);
    if (!status)
        status = hk__sql_number(&count, 0, g->c->db, err,
                                "SELECT count(*) FROM content WHERE " TAKES_PART, "");
    if (status)
        return status;
    g->count = (uint32_t)count;
    choose_radii(g);
    uint32_t *where = hk__alloc((size_t)contents + 1, sizeof *where);
    status = where ? make_room(g, err) : hk__fail_memory(err);
    if (!status)
        status = put_in_order(g, where, contents, err);
    if (!status)
        status = read_hashes(g, where, contents, err);
    hk__free(where);
    return status;
}

/* ---- searching ----------------------------------------------------------------------------- */

/* Makes the index over those that are left. */
static hk_status make_index(crowd *g, hk_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->indexed; i++)
        if (!g->member[g->place[i]].grouped) {
            g->hash[kept] = g->hash[i];
            g->place[kept++] = g->place[i];
        }
    g->indexed = kept;
    hk_index_free(g->index);
    g->index = NULL;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.max_distance = g->widest;
    options.threads = g->threads;
    return hk_index_build_from(
        &g->index,
        &(hk_index_source){.hashes = g->hash, .hash_ids = g->place, .hash_count = g->indexed},
        &options, err);
}

static bool index_is_stale(const crowd *g)
{
    return !g->index || (g->indexed > INDEX_LEAST && g->left < g->indexed - g->indexed / 4);
}

/* The queries of one content: its picture in all orientations, then those inverted. */
static hk_status make_queries(hk_hash out[QUERIES], crowd *g, uint32_t place, hk_error *err)
{
    bool found;
    sqlite3_reset(g->hashes);
    sqlite3_bind_int64(g->hashes, 1, g->member[place].content);
    hk_status status = hk__sql_step(&found, g->hashes, err);
    if (status)
        return status;
    hk__case_row row = {g->c, g->hashes, !found};
    row.damaged |= !found || !hk__case_row_hashes(out, &row, 0);
    status = hk__case_row_end(&row, err);
    for (int o = 0; !status && o < HK_ORIENTATIONS; o++)
        for (int w = 0; w < 4; w++)
            out[HK_ORIENTATIONS + o].word[w] = ~out[o].word[w];
    return status;
}

/* ---- leading ------------------------------------------------------------------------------- */

/* One hit of a leader. The nearest counts, of equal ones the first. */
static void take(crowd *g, uint32_t leader, uint32_t query, const hk_hit *hit)
{
    member *m = &g->member[hit->item];
    bond *b = &g->bond[hit->item];
    const int a = g->radius[g->member[leader].kind], b_radius = g->radius[m->kind];
    const bool again = m->grouped && b->leader == leader && hit->item != leader;
    if ((m->grouped && !again) || (int)hit->distance > (a < b_radius ? a : b_radius) ||
        (again && hit->distance >= b->distance))
        return;
    g->left -= !again;
    m->grouped = true;
    *b = (bond){leader, (uint8_t)hit->distance, (uint8_t)(query % HK_ORIENTATIONS),
                query >= HK_ORIENTATIONS};
}

static void end_turn(crowd *g, uint32_t place)
{
    g->member[place].grouped = true;
    g->left--;
}

/* Takes everything that is near, in searches without a bound, one query at a time. */
static hk_status lead_many(crowd *g, uint32_t leader, const hk_hash *query, hk_error *err)
{
    hk_status status = HK_OK;
    for (uint32_t q = 0; !status && q < QUERIES; q++) {
        hk_hits hits;
        status = hk_index_within(&hits, g->index, &query[q], 1, g->widest, 0, err);
        if (status)
            break;
        for (size_t i = 0; i < hits.count; i++)
            take(g, leader, q, &hits.hit[i]);
        hk_hits_free(&hits);
    }
    return status;
}

/* Whether one of these queries found as many as a search gives. */
static bool is_cut(const hk_hit *hit, size_t count)
{
    size_t run = 0;
    for (size_t i = 0; i < count; i++) {
        run = i && hit[i].query == hit[i - 1].query ? run + 1 : 1;
        if (run == NEAREST)
            return true;
    }
    return false;
}

/* Gives the places of a block their turns; *wasted receives how many had none. */
static hk_status lead_block(uint32_t *wasted, crowd *g, uint32_t size, const hk_hits *hits,
                            hk_error *err)
{
    hk_status status = HK_OK;
    size_t from = 0, to;
    *wasted = 0;
    for (uint32_t n = 0; !status && n < size; n++, from = to) {
        const uint32_t place = g->block[n];
        for (to = from; to < hits->count && hits->hit[to].query < (n + 1) * QUERIES;)
            to++;
        if (g->member[place].grouped) {
            ++*wasted;
            continue;
        }
        end_turn(g, place);
        if (is_cut(hits->hit + from, to - from))
            status = lead_many(g, place, g->query + (size_t)n * QUERIES, err);
        else
            for (size_t i = from; i < to; i++)
                take(g, place, hits->hit[i].query % QUERIES, &hits->hit[i]);
    }
    return status;
}

static void tell(crowd *g, uint64_t done)
{
    const uint64_t now = hk__clock_ns();
    if (!g->on_progress || (now - g->told < 100000000 && done < g->count))
        return;
    g->told = now;
    g->on_progress(g->context, done, g->count);
}

static hk_status go_through(crowd *g, hk_error *err)
{
    uint32_t next = 0, limit = 1, wasted;
    hk_status status = HK_OK;
    while (!status && next < g->count) {
        uint32_t size = 0;
        if (g->left && index_is_stale(g))
            status = make_index(g, err);
        for (; !status && next < g->count && size < limit; next++)
            if (!g->member[next].grouped && g->member[next].leads) {
                status = make_queries(g->query + (size_t)size * QUERIES, g, next, err);
                g->block[size++] = next;
            }
        if (status || !size)
            break;
        hk_hits hits;
        status = hk_index_within(&hits, g->index, g->query, (size_t)size * QUERIES, g->widest,
                                 NEAREST, err);
        if (status)
            break;
        status = lead_block(&wasted, g, size, &hits, err);
        hk_hits_free(&hits);
        if (wasted > size / 2)
            limit = limit > 1 ? limit / 2 : 1;
        else
            limit = 2 * limit < BLOCK_MOST ? 2 * limit : BLOCK_MOST;
        tell(g, next);
    }
    if (!status)
        tell(g, g->count);
    return status;
}

/* ---- what comes of it ---------------------------------------------------------------------- */

typedef struct group {
    uint32_t leader, members;
} group;

/* The largest first; of equal ones the leader that came first. */
static int compare_groups(const void *a, const void *b)
{
    const group *x = a, *y = b;
    if (x->members != y->members)
        return x->members < y->members ? 1 : -1;
    return (x->leader > y->leader) - (x->leader < y->leader);
}

/* number[] by the leader's place; 0: it leads nobody. */
static hk_status number_groups(uint32_t *number, const crowd *g, hk_error *err)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < g->count; p++)
        number[g->bond[p].leader]++;
    for (uint32_t p = 0; p < g->count; p++)
        count += number[p] > 1;
    group *groups = hk__alloc(count, sizeof *groups);
    if (!groups)
        return hk__fail_memory(err);
    count = 0;
    for (uint32_t p = 0; p < g->count; p++) {
        if (number[p] > 1)
            groups[count++] = (group){p, number[p]};
        number[p] = 0;
    }
    qsort(groups, count, sizeof *groups, compare_groups);
    for (uint32_t i = 0; i < count; i++)
        number[groups[i].leader] = i + 1;
    hk__free(groups);
    return HK_OK;
}

static hk_status write_groups(const crowd *g, const uint32_t *number, hk_error *err)
{
    sqlite3_stmt *add;
    hk_status status = hk__sql_run(g->c->db, "DELETE FROM grouping", err);
    if (!status)
        status = hk__sql_prepare(&add, g->c->db, err,
                                 "INSERT INTO grouping VALUES(?1, ?2, ?3, ?4, ?5, ?6)", "");
    if (status)
        return status;
    for (uint32_t p = 0; !status && p < g->count; p++) {
        const bond *b = &g->bond[p];
        if (!number[b->leader])
            continue;
        sqlite3_bind_int64(add, 1, g->member[p].content);
        sqlite3_bind_int64(add, 2, number[b->leader]);
        sqlite3_bind_int64(add, 3, g->member[b->leader].content);
        sqlite3_bind_int(add, 4, b->distance);
        sqlite3_bind_int(add, 5, b->orientation);
        sqlite3_bind_int(add, 6, b->inverted);
        status = hk__sql_done(add, err);
    }
    sqlite3_finalize(add);
    return status;
}

static hk_status write_all(const crowd *g, hk_error *err)
{
    uint32_t *number = hk__alloc(g->count, sizeof *number);
    hk_status status = number ? number_groups(number, g, err) : hk__fail_memory(err);
    if (!status)
        status = hk__case_whole_begin(g->c, err);
    if (!status)
        status = hk__case_whole_end(g->c, write_groups(g, number, err), err);
    hk__free(number);
    return status;
}

static void clear(crowd *g)
{
    sqlite3_finalize(g->hashes);
    hk_index_free(g->index);
    hk__free(g->member);
    hk__free(g->bond);
    hk__free(g->hash);
    hk__free(g->place);
    hk__free(g->block);
    hk__free(g->query);
}

hk_status hk__case_group(hk_case *c, unsigned threads,
                         void (*on_progress)(void *context, uint64_t done, uint64_t total),
                         void *context, hk_error *err)
{
    crowd g = {.c = c, .threads = threads, .on_progress = on_progress, .context = context};
    hk_status status = gather(&g, err);
    if (!status)
        status =
            hk__sql_prepare(&g.hashes, c->db, err, "SELECT hashes FROM content WHERE id = ?1", "");
    if (!status)
        status = go_through(&g, err);
    sqlite3_reset(g.hashes);
    if (!status)
        status = write_all(&g, err);
    clear(&g);
    return status;
}
