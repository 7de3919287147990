/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * searchable.c - a list of a store as matching wants it: hk_store_list of herken.h.
 *
 *      revisions   1 ........ S ....... R      S: of the newest snapshot beside the store (kept.h)
 *      index       [ snapshot ][ delta ]       the delta: every entry that the revisions since S
 *                                              changed is removed, and added as it is now
 *
 * Where there is no snapshot, where opening it shows damage, or where more than DELTA_MOST entries
 * changed, the index is made from the rows and kept beside the store, if it can be. Damage that
 * only a search comes upon fails that search, and removes the snapshot (hk__list_searched).
 *
 * Searched for are the hashes and digests of what is active, and the digests alone of what is in
 * quarantine for its hash: that a hash is doubtful is no reason to miss the very same file. An item
 * of the index is the entry's number; its two hashes and those of its frames share that.
 */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/numbers.h"
#include "index/snapshot.h"
#include "index/view.h"
#include "list/kept.h"
#include "list/shelf.h"
#include "list/store.h"

#include <string.h>
#include <unistd.h>

_Static_assert(HK_ENTRY_QUARANTINED == 3 && HK_SUSPECT_OF_HASH == 51,
               "the numbers that HK__ENTRY_BY_DIGEST says");

enum { DELTA_MOST = 16384 };

typedef struct search {
    hk_store *store;
    const char *name;
    hk__list_row row;
    hk__kept now;    /* the list's revision and its mark */
    uint64_t count;  /* entries that are searched for */
    char digest[65]; /* of the list as it is now: the chain of its revision */
    hk_list *values; /* read from rows, under their numbers; no list to search */
    hk_index *index; /* NULL: not made yet */
    char *snapshot;  /* the file it is mapped from; NULL: it lies in memory */
} search;

static hk_index_options index_options(void)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.threads = 0;
    return options;
}

/* ---- the list ------------------------------------------------------------------------------ */

/* The mark of one of the list's revisions, and the whole chain in hex (may be NULL); empty where it
 * has no such revision. */
static hk_status read_mark(char out[17], char digest[65], const search *s, uint64_t revision,
                           hk_error *err)
{
    sqlite3_stmt *chain;
    bool row;
    hk_status status = hk__sql_prepare(&chain, s->store->db, err,
                                       "SELECT chain FROM revision WHERE id = ?1 AND list = ?2",
                                       "ii", (int64_t)revision, s->row.id);
    if (status)
        return status;
    status = hk__sql_step(&row, chain, err);
    *out = '\0';
    if (!status && row && sqlite3_column_bytes(chain, 0) == 32) {
        hk__chain_mark(out, sqlite3_column_blob(chain, 0));
        if (digest)
            hk__digest_hex(digest, sqlite3_column_blob(chain, 0), 32);
    }
    sqlite3_finalize(chain);
    return status;
}

/* What hk__state_of and keep_searched say of single entries, for all of them. */
static hk_status count_searched(search *s, hk_error *err)
{
    uint64_t by_state[HK_ENTRY_STATES];
    int64_t besides;
    hk_status status = hk__store_count(by_state, s->store, s->row.id, err);
    if (!status)
        status = hk__sql_number(&besides, 0, s->store->db, err,
                                "SELECT sum((SELECT count(*) FROM entry"
                                "  WHERE batch = b.id AND " HK__ENTRY_BY_DIGEST ")"
                                " - (SELECT count(*) FROM entry"
                                "  WHERE batch = b.id AND state IN (0, ?2)"
                                "  AND " HK__ENTRY_BY_NOTHING "))"
                                " FROM batch b WHERE b.list = ?1 AND b.state = ?2",
                                "ii", s->row.id, (int64_t)HK_ENTRY_ACTIVE);
    if (!status)
        s->count = by_state[HK_ENTRY_ACTIVE] + (uint64_t)besides;
    return status;
}

static hk_status look_up(search *s, hk_error *err)
{
    hk_status status = hk__store_find(&s->row, s->store, s->name, err);
    if (status)
        return status;
    if (strchr(s->name, '/')) /* it is to be part of a file's name */
        return hk__fail(err, HK_ERR_FORMAT, "%s: no list is called '%s': it is damaged",
                        s->store->path, s->name);
    s->now.revision = (uint64_t)s->row.revision;
    status = read_mark(s->now.mark, s->digest, s, s->now.revision, err);
    if (!status && !*s->now.mark)
        status = hk__fail(err, HK_ERR_FORMAT,
                          "%s: the newest revision of %s is damaged; see `herken list verify`, and "
                          "restore a copy",
                          s->store->path, s->name);
    return status ? status : count_searched(s, err);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Leaves of an entry what is searched for. */
static void keep_searched(hk__entry_row *row, hk_entry_state batch)
{
    const hk_entry_state state =
        batch == HK_ENTRY_ACTIVE ? hk__state_of(batch, row->own, row->suspicions) : HK_ENTRY_ABSENT;
    if (state == HK_ENTRY_ACTIVE)
        return;
    row->entry.has_hash = row->entry.has_exact_hash = false;
    row->entry.cut_count = 0;
    if (state != HK_ENTRY_QUARANTINED || row->suspicions & ~HK_SUSPECT_OF_HASH)
        row->entry.digests.present = 0;
}

static hk_status add_row(search *s, sqlite3_stmt *values, hk_entry_state batch, uint32_t *number,
                         hk_error *err)
{
    hk__entry_row row;
    hk_status status = hk__entry_from_row(&row, values, err);
    if (status)
        return status;
    keep_searched(&row, batch);
    *number = row.number;
    return hk__list_add_values(s->values, &row.entry, row.number, err);
}

/* Adds the rows of one span of a batch that is active, from *next on; *next goes past them. */
static hk_status add_span(search *s, sqlite3_stmt *spans, sqlite3_stmt *values, int64_t *next,
                          hk_error *err)
{
    bool row;
    const int64_t first = sqlite3_column_int64(spans, 1), count = sqlite3_column_int64(spans, 2);
    if (first < 1 || count < 0 || first > UINT32_MAX || count > UINT32_MAX)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: batch %lld has entries that cannot be: it is damaged; see `herken "
                        "list verify`",
                        s->store->path, (long long)sqlite3_column_int64(spans, 0));
    sqlite3_bind_int64(values, 1, sqlite3_column_int64(spans, 0));
    sqlite3_bind_int64(values, 2, first > *next ? first : *next);
    sqlite3_bind_int64(values, 3, first + count - 1);
    hk_status status = HK_OK;
    while (!status && !(status = hk__sql_step(&row, values, err)) && row) {
        uint32_t number;
        status = add_row(s, values, HK_ENTRY_ACTIVE, &number, err);
        if (!status)
            *next = (int64_t)number + 1;
    }
    sqlite3_reset(values);
    return status;
}

/* All that is searched for, in the order of the numbers, so that nothing need be sorted. */
static hk_status read_all(search *s, hk_error *err)
{
    sqlite3_stmt *spans = NULL, *values = NULL;
    bool row;
    int64_t next = 1;
    hk_status status = hk__list_new(&s->values, s->name, err);
    if (!status)
        status = hk__sql_prepare(&spans, s->store->db, err,
                                 "SELECT s.batch, s.first, s.count FROM batch b"
                                 " JOIN span s ON s.batch = b.id"
                                 " WHERE b.list = ?1 AND b.state = ?2 ORDER BY s.first",
                                 "ii", s->row.id, (int64_t)HK_ENTRY_ACTIVE);
    if (!status)
        status = hk__sql_prepare(&values, s->store->db, err,
                                 "SELECT " HK__ENTRY_VALUES " FROM entry e"
                                 " WHERE e.id BETWEEN ?2 AND ?3 AND +e.batch = ?1 ORDER BY e.id",
                                 "");
    while (!status && !(status = hk__sql_step(&row, spans, err)) && row)
        status = add_span(s, spans, values, &next, err);
    sqlite3_finalize(spans);
    sqlite3_finalize(values);
    return status;
}

/* ---- the delta ----------------------------------------------------------------------------- */

/* Numbers of entries; too_many: there are more than DELTA_MOST. */
typedef struct changed {
    uint32_t number[DELTA_MOST];
    size_t count;
    bool too_many;
} changed;

static hk_status add_changed(changed *c, sqlite3_stmt *rows, hk_error *err)
{
    bool row;
    hk_status status = HK_OK;
    while (!status && !c->too_many && !(status = hk__sql_step(&row, rows, err)) && row) {
        const int64_t number = sqlite3_column_int64(rows, 0);
        if (number < 1 || number >= UINT32_MAX)
            status = hk__fail(err, HK_ERR_FORMAT, "a revision changes entry %lld, which cannot be",
                              (long long)number);
        else if (c->count == DELTA_MOST)
            c->too_many = true;
        else
            c->number[c->count++] = (uint32_t)number;
    }
    return status;
}

/* ?1 the list, ?2 the revision after which. Only an active batch is searched: what an import
 * proposed, and what became of that, is no change. */
static const char changed_entries[] =
    "SELECT DISTINCT c.entry FROM revision r"
    " CROSS JOIN entry_change c ON c.revision = r.id WHERE r.list = ?1 AND r.id > ?2";
static const char changed_batches[] =
    "SELECT e.id FROM (SELECT c.batch, c.was, b.state, min(c.revision) FROM revision r"
    "   CROSS JOIN batch_change c ON c.revision = r.id CROSS JOIN batch b ON b.id = c.batch"
    "   WHERE r.list = ?1 AND r.id > ?2 GROUP BY c.batch) b"
    " CROSS JOIN span s ON s.batch = b.batch"
    " CROSS JOIN entry e ON e.id BETWEEN s.first AND s.first + s.count - 1"
    " WHERE (b.was = ?3) <> (b.state = ?3)";

/* The entries that changed since a revision, ascending, each once. */
static hk_status find_changed(changed *c, const search *s, uint64_t since, hk_error *err)
{
    static const char *const queries[] = {changed_entries, changed_batches};
    hk_status status = HK_OK;
    for (int q = 0; !status && q < 2; q++) {
        sqlite3_stmt *rows;
        status = hk__sql_prepare(&rows, s->store->db, err, queries[q], q ? "iii" : "ii", s->row.id,
                                 (int64_t)since, (int64_t)HK_ENTRY_ACTIVE);
        if (status)
            break;
        status = add_changed(c, rows, err);
        sqlite3_finalize(rows);
    }
    if (status || !c->count)
        return status;
    qsort(c->number, c->count, sizeof *c->number, hk__by_number);
    size_t kept = 1;
    for (size_t i = 1; i < c->count; i++)
        if (c->number[i] != c->number[i - 1])
            c->number[kept++] = c->number[i];
    c->count = kept;
    return HK_OK;
}

/* What these entries, if they are the list's, are searched for with now. */
static hk_status read_changed(search *s, const changed *c, hk_error *err)
{
    sqlite3_stmt *values = NULL;
    bool row;
    hk_list_free(s->values);
    s->values = NULL;
    hk_status status = hk__list_new(&s->values, s->name, err);
    if (!status)
        status = hk__sql_prepare(&values, s->store->db, err,
                                 "SELECT " HK__ENTRY_VALUES ", b.state FROM entry e"
                                 " JOIN batch b ON b.id = e.batch AND b.list = ?1 WHERE e.id = ?2",
                                 "i", s->row.id);
    for (size_t i = 0; !status && i < c->count; i++) {
        uint32_t number;
        sqlite3_bind_int64(values, 2, c->number[i]);
        status = hk__sql_step(&row, values, err);
        if (!status && row)
            status = add_row(s, values, (hk_entry_state)sqlite3_column_int(values, HK__ENTRY_WIDTH),
                             &number, err);
        sqlite3_reset(values);
    }
    sqlite3_finalize(values);
    return status;
}

/* Puts the changes on the snapshot: removals first, which then have nothing added to look through.
 */
static hk_status apply_changes(hk_index **out, const hk_index *snapshot, const search *s,
                               const changed *c, hk_error *err)
{
    hk_index_change *added, *all;
    size_t count;
    hk_status status = hk_list_changes(&added, &count, s->values, 0, err);
    if (status)
        return status;
    all = hk__alloc(c->count + count, sizeof *all);
    if (all) {
        for (size_t i = 0; i < c->count; i++)
            all[i] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = c->number[i]};
        memcpy(all + c->count, added, count * sizeof *all);
        status = hk__index_changed(out, snapshot, all, c->count + count, err);
    } else {
        status = hk__fail_memory(err);
    }
    hk__free(added);
    hk__free(all);
    return status;
}

/* ---- snapshots ----------------------------------------------------------------------------- */

/* A snapshot as we wrote it: one that somebody has merged changes into is not the list's. */
static hk_status map_snapshot(hk_index **out, const char *path, hk_error *err)
{
    const hk_index_options options = index_options();
    hk__base *base;
    hk__lineage lineage;
    hk_status status = hk__snapshot_open(&base, &lineage, path, err);
    if (status)
        return status;
    if (lineage.parent) {
        hk__base_release(base);
        return hk__fail(err, HK_ERR_FORMAT, "%s: is not as it was made", path);
    }
    return hk__view_new(out, base, NULL, &options, err);
}

/* Opens a snapshot that is kept and brings it up to date; s->index stays NULL where it cannot be
 * used. */
static hk_status use_kept(search *s, const hk__kept *kept, changed *c, hk_error *err)
{
    hk_index *snapshot = NULL;
    c->count = 0;
    hk_status status = find_changed(c, s, kept->revision, err);
    if (status || c->too_many)
        return status;
    if (c->count)
        status = read_changed(s, c, err);
    char *path = hk__kept_path(s->store->path, s->name, kept);
    if (!status && !path)
        status = hk__fail_memory(err);
    if (!status) {
        hk_error lost = {HK_OK, ""};
        status = map_snapshot(&snapshot, path, &lost);
        if (!status && c->count)
            status = apply_changes(&s->index, snapshot, s, c, &lost);
        else if (!status) {
            s->index = snapshot;
            snapshot = NULL;
        }
        if (status == HK_ERR_FORMAT || status == HK_ERR_IO)
            status = HK_OK; /* damaged or gone: it will be made anew */
        else if (status)
            status = hk__fail(err, status, "%s", lost.message);
    }
    hk_index_free(snapshot);
    if (s->index)
        s->snapshot = path;
    else
        hk__free(path);
    return status;
}

/* Tries what is kept, the newest first: since an older one no less has changed. */
static hk_status try_kept(search *s, hk_error *err)
{
    hk__kept *kept = NULL;
    size_t count = 0;
    changed *c = hk__alloc(1, sizeof *c);
    hk_status status =
        c ? hk__kept_find(&kept, &count, s->store->path, s->name, err) : hk__fail_memory(err);
    for (size_t i = 0; !status && !s->index && !c->too_many && i < count; i++) {
        char mark[17];
        status = read_mark(mark, NULL, s, kept[i].revision, err);
        if (!status && !strcmp(mark, kept[i].mark))
            status = use_kept(s, &kept[i], c, err);
    }
    hk__free(kept);
    hk__free(c);
    return status;
}

/* Keeps the index beside the store. Where that fails, it is here all the same. */
static void keep(const search *s)
{
    hk__lineage lineage = {0};
    char *path = hk__kept_path(s->store->path, s->name, &s->now);
    if (!path)
        return;
    (void)unlink(path); /* a damaged one would hand on its mode */
    if (!hk__snapshot_write(&lineage, s->index->base, path, s->store->path, NULL))
        hk__kept_tidy(s->store->path, s->name, s->now.revision);
    hk__free(path);
}

static hk_status build(search *s, hk_error *err)
{
    const hk_index_options options = index_options();
    hk_status status = hk_list_index(&s->index, s->values, &options, err);
    hk_list_free(s->values);
    s->values = NULL;
    if (!status)
        keep(s);
    return status;
}

/* ---- herken.h ------------------------------------------------------------------------------ */

static hk_status make_list(hk_list **out, search *s, hk_error *err)
{
    hk_list *list = NULL;
    hk_status status = hk__list_new(&list, s->name, err);
    if (!status)
        status = hk__shelf_open(&list->shelf, s->store->path, &s->now, err);
    if (status) {
        hk_list_free(list);
        return status;
    }
    list->known_good = s->row.known_good;
    list->revision = s->now.revision;
    memcpy(list->digest, s->digest, sizeof list->digest);
    list->count = s->count;
    list->index = s->index;
    list->snapshot = s->snapshot;
    s->index = NULL;
    s->snapshot = NULL;
    *out = list;
    return HK_OK;
}

hk_status hk_store_list(hk_list **out, hk_store *store, const char *list, hk_error *err)
{
    search s = {.store = store, .name = list};
    hk_status status = hk__sql_begin(store->db, false, err);
    if (status)
        return status;
    status = look_up(&s, err);
    if (!status)
        status = try_kept(&s, err);
    if (!status && !s.index) {
        hk_list_free(s.values);
        s.values = NULL;
        status = read_all(&s, err);
    }
    status = hk__sql_end(store->db, status, err);
    if (!status && !s.index)
        status = build(&s, err);
    if (!status)
        status = make_list(out, &s, err);
    hk_list_free(s.values);
    hk_index_free(s.index);
    hk__free(s.snapshot);
    return status;
}
