/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_world.h - a store in a folder of its own, filled by hand: batches whose spans lie between
 * each other's, entries of any state, steps. What imports would make, and what they would not.
 */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "store_unit.h"

typedef struct world {
    unit_store s;
    uint32_t next; /* number that is free */
    uint64_t seed;
} world;

static const hk_act world_act = {"ada", "for the test", 1700000000};

/* The call fails so, with these words. */
#define FAILS(call, expected, words)                                                               \
    do {                                                                                           \
        hk_error err = {0};                                                                        \
        assert_int_equal(call, expected);                                                          \
        if (!strstr(err.message, words))                                                           \
            print_error("%s: %s\n", #call, err.message);                                           \
        assert_non_null(strstr(err.message, words));                                               \
    } while (0)

static inline void world_open(world *w, uint64_t seed)
{
    *w = (world){.next = 1, .seed = seed};
    unit_store_make(&w->s);
}

static inline void world_close(world *w)
{
    unit_store_remove(&w->s);
}

static inline void world_sql(world *w, const char *sql)
{
    unit_ok(hk__sql_run(w->s.store->db, sql, &unit_error));
}

static inline int64_t world_number(world *w, const char *sql, int64_t about)
{
    int64_t out = 0;
    unit_ok(hk__sql_number(&out, 0, w->s.store->db, &unit_error, sql, "i", about));
    return out;
}

/* Makes a list; returns its row's number. */
static inline int64_t world_list(world *w, const char *name)
{
    uint64_t revision;
    const hk_list_settings settings = {.name = name};
    unit_ok(hk_store_create_list(&revision, w->s.store, &settings, &world_act, &unit_error));
    return world_number(w, "SELECT list FROM revision WHERE id = ?1", (int64_t)revision);
}

/* A batch that is being loaded. */
static inline int64_t world_batch(world *w, int64_t list)
{
    unit_ok(
        hk__sql_do(w->s.store->db, &unit_error,
                   "INSERT INTO batch(list, state, entries, sum, screened) VALUES(?1, 0, 0, 0, 0)",
                   "i", list));
    return sqlite3_last_insert_rowid(w->s.store->db);
}

static inline void world_span(world *w, int64_t batch, int64_t first, int64_t count)
{
    unit_ok(hk__sql_do(w->s.store->db, &unit_error,
                       "INSERT INTO span(batch, first, count) VALUES(?1, ?2, ?3)", "iii", batch,
                       first, count));
}

/* Puts an entry under the next number, without a span. */
static inline uint32_t world_entry(world *w, int64_t batch, const hk_entry *entry,
                                   unsigned suspicions)
{
    sqlite3_stmt *insert;
    hk__entry_row row = {
        .number = w->next++, .batch = batch, .suspicions = suspicions, .entry = *entry};
    unit_ok(hk__sql_prepare(&insert, w->s.store->db, &unit_error, hk__entry_insert, ""));
    hk__entry_bind(insert, &row);
    unit_ok(hk__sql_done(insert, &unit_error));
    sqlite3_finalize(insert);
    unit_ok(hk__sql_do(w->s.store->db, &unit_error,
                       "INSERT INTO entry_key(list, key, entry)"
                       " SELECT list, ?2, ?3 FROM batch WHERE id = ?1",
                       "iii", batch, (int64_t)hk__entry_key(entry), (int64_t)row.number));
    return row.number;
}

/* `count` plain entries with a span around them; returns the first one's number. */
static inline uint32_t world_entries(world *w, int64_t batch, uint32_t count)
{
    const uint32_t first = w->next;
    for (uint32_t i = 0; i < count; i++) {
        hk_entry entry = HK_ENTRY_INIT;
        char id[32];
        snprintf(id, sizeof id, "id-%u", first + i);
        entry.id = id;
        entry.has_hash = true;
        entry.hash = healthy_hash(&w->seed);
        world_entry(w, batch, &entry, 0);
    }
    world_span(w, batch, first, count);
    return first;
}

static inline void world_step(world *w, int64_t batch, uint32_t entry, uint32_t next)
{
    unit_ok(hk__sql_do(w->s.store->db, &unit_error,
                       "INSERT INTO step(batch, entry, next) VALUES(?1, ?2, ?3)", "iii", batch,
                       (int64_t)entry, (int64_t)next));
}

/* A revision that changes what it is told: begin, any of hk__revise_..., end. */
static inline void world_begin(world *w, hk__revising *revising, int64_t list,
                               hk_revision_kind kind)
{
    unit_ok(hk__sql_begin(w->s.store->db, true, &unit_error));
    unit_ok(hk__revise_begin(revising, w->s.store, list, kind, &world_act, &unit_error));
}

static inline uint64_t world_end(world *w, hk__revising *revising)
{
    unit_ok(hk__revise_end(revising, &unit_error));
    hk__revise_clear(revising);
    unit_ok(hk__sql_end(w->s.store->db, HK_OK, &unit_error));
    return (uint64_t)revising->number;
}

/* A batch that is loaded becomes an import. */
static inline uint64_t world_propose(world *w, int64_t batch)
{
    hk__revising revising;
    world_begin(w, &revising, world_number(w, "SELECT list FROM batch WHERE id = ?1", batch),
                HK_REVISION_IMPORT);
    unit_ok(hk__sql_do(w->s.store->db, &unit_error,
                       "UPDATE batch SET revision = ?2, screened = 4294967295,"
                       " entries = (SELECT count(*) FROM entry WHERE batch = ?1) WHERE id = ?1",
                       "ii", batch, revising.number));
    revising.batch = batch;
    unit_ok(hk__revise_batch(&revising, batch, HK_ENTRY_ABSENT, HK_ENTRY_PROPOSED, &unit_error));
    return world_end(w, &revising);
}

static inline uint64_t world_approve(world *w, const char *list)
{
    hk_revision revision;
    unit_ok(hk_store_approve(&revision, w->s.store, list, 0, &world_act, &unit_error));
    return revision.number;
}

static inline uint64_t world_retract(world *w, const char *list, uint32_t entry)
{
    hk_revision revision;
    unit_ok(hk_store_retract(&revision, w->s.store, list, &entry, 1, &world_act, &unit_error));
    return revision.number;
}

#endif
