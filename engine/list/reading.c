/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reading.c - going through entries of a list (herken.h), on a connection of its own within one
 * read transaction.
 *
 *      open      which batches can hold entries in those states --\
 *      compare   batches and entries that changed in between ------> numbers (cover.h), ascending
 *      staged    proposed batches, and what their steps touch ----/           |
 *      find      a number, an id's key; for values, everything --/            v
 *                                               each entry of them: is it the list's, and what the
 *                                               reading is about (judge)? --> hk_listed
 *
 * Entries lie in the file in the order of their numbers, so a whole list is read in one go. Memory
 * grows with the list's batches and what was changed, not with its entries.
 */
#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "list/cover.h"
#include "list/store.h"

#include <string.h>

typedef enum reading_kind { LISTING, FINDING, COMPARING, STAGED } reading_kind;

struct hk_reading {
    hk_store *store; /* of its own, in a transaction */
    int64_t list;
    reading_kind kind;
    unsigned states;       /* LISTING: 1 << hk_entry_state */
    hk__past *past, *from; /* the revision it shows; COMPARING: the one it is compared with */
    int64_t *proposed;     /* STAGED: batches, ascending */
    size_t proposed_count;
    hk__cover cover;
    size_t next_range;
    bool in_range;
    sqlite3_stmt *rows; /* of range ?1 to ?2 */
    sqlite3_stmt *about_batch, *step_of, *replaces, *why;
    int64_t batch; /* of the last entry looked at: */
    bool is_listed, has_replacements;
    uint64_t imported;
    hk_listed listed;
};

static unsigned bit(hk_entry_state state)
{
    return 1u << state;
}

/* ---- which numbers ------------------------------------------------------------------------- */

typedef enum part { NOTHING, SPECIAL, WHOLE } part;

/* What of a batch must be looked at for entries in these states: only those that have a state of
 * their own or are suspicious, where the others are not meant. */
static part part_in_states(hk_entry_state batch, unsigned states)
{
    unsigned possible = 0;
    for (int own = 0; own < HK_ENTRY_STATES; own++)
        possible |= bit(hk__state_of(batch, (hk_entry_state)own, 0)) |
                    bit(hk__state_of(batch, (hk_entry_state)own, 1));
    if (states & bit(hk__state_of(batch, HK_ENTRY_ABSENT, 0)))
        return WHOLE;
    return states & possible ? SPECIAL : NOTHING;
}

static part part_of(const hk_reading *r, int64_t batch)
{
    const hk_entry_state state = hk__past_batch(r->past, batch);
    switch (r->kind) {
    case LISTING:
        return part_in_states(state, r->states);
    case COMPARING:
        return state == hk__past_batch(r->from, batch) ? NOTHING : WHOLE;
    case STAGED:
        return state == HK_ENTRY_PROPOSED ? WHOLE : NOTHING;
    case FINDING:
        break;
    }
    return WHOLE;
}

/* The entries whose own state `past` has changed back: where it is compared, those of which the
 * other does not say the same. */
static hk_status cover_changed(hk_reading *r, const hk__past *past, const hk__past *other,
                               hk_error *err)
{
    size_t count;
    hk_status status = HK_OK;
    const uint32_t *entries = hk__past_entries(&count, past);
    for (size_t i = 0; !status && i < count; i++)
        if (!other || hk__past_own(past, entries[i], HK_ENTRY_STATES) !=
                          hk__past_own(other, entries[i], HK_ENTRY_STATES))
            status = hk__cover_add(&r->cover, entries[i], entries[i], err);
    return status;
}

static hk_status cover_batch(hk_reading *r, sqlite3_stmt *rows, int64_t batch, hk_error *err)
{
    sqlite3_bind_int64(rows, 1, batch);
    return hk__cover_rows(&r->cover, rows, err);
}

/* The list's batches; one that no revision names is nobody's yet. */
static hk_status cover_batches(hk_reading *r, hk_error *err)
{
    sqlite3 *db = r->store->db;
    sqlite3_stmt *batches = NULL, *spans = NULL, *specials = NULL;
    bool row, special = false;
    hk_status status = hk__sql_prepare(&batches, db, err,
                                       "SELECT id FROM batch WHERE list = ?1"
                                       " AND revision IS NOT NULL ORDER BY id",
                                       "i", r->list);
    if (!status)
        status = hk__sql_prepare(&spans, db, err,
                                 "SELECT first, first + count - 1 FROM span WHERE batch = ?1"
                                 " AND count <> 0 ORDER BY first",
                                 "n");
    if (!status)
        status = hk__sql_prepare(&specials, db, err,
                                 "SELECT id, id FROM entry WHERE batch = ?1 AND state <> 0"
                                 " UNION ALL"
                                 " SELECT id, id FROM entry WHERE batch = ?1 AND suspect <> 0",
                                 "n");
    while (!status && !(status = hk__sql_step(&row, batches, err)) && row) {
        const int64_t batch = sqlite3_column_int64(batches, 0);
        const part which = part_of(r, batch);
        special |= which == SPECIAL;
        if (which != NOTHING)
            status = cover_batch(r, which == WHOLE ? spans : specials, batch, err);
    }
    sqlite3_finalize(batches);
    sqlite3_finalize(spans);
    sqlite3_finalize(specials);
    if (!status && special)
        status = cover_changed(r, r->past, NULL, err);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------- */

#define ROWS                                                                                       \
    "SELECT " HK__ENTRY_COLUMNS " FROM entry e WHERE e.id BETWEEN ?1 AND ?2 %s ORDER BY e.id"

/* The statement that reads a range; `which` is what else it asks of an entry, with id ?3 and value
 * ?4. */
static hk_status prepare_rows(hk_reading *r, const char *which, const char *id,
                              const uint8_t *value, size_t size, hk_error *err)
{
    char *sql = sqlite3_mprintf(ROWS, which);
    if (!sql)
        return hk__fail_memory(err);
    hk_status status = hk__sql_prepare(&r->rows, r->store->db, err, sql, id ? "nnt" : "nn", id);
    sqlite3_free(sql);
    if (!status && size && sqlite3_bind_blob(r->rows, 4, value, (int)size, SQLITE_TRANSIENT))
        status = hk__sql_fail(r->store->db, err);
    return status;
}

static hk_status prepare_rest(hk_reading *r, hk_error *err)
{
    sqlite3 *db = r->store->db;
    hk_status status =
        hk__sql_prepare(&r->about_batch, db, err,
                        "SELECT revision, EXISTS(SELECT 1 FROM step WHERE step.batch = batch.id"
                        " AND next <> 0) FROM batch"
                        " WHERE id = ?2 AND list = ?1 AND revision IS NOT NULL",
                        "in", r->list);
    if (!status)
        status = hk__sql_prepare(&r->replaces, db, err,
                                 "SELECT entry FROM step WHERE next = ?1 AND next <> 0", "n");
    if (!status)
        status = hk__sql_prepare(&r->why, db, err,
                                 "SELECT group_concat(words, char(10)) FROM (SELECT words"
                                 " FROM suspicion WHERE entry = ?1 ORDER BY reason)",
                                 "n");
    /* What would not become active replaces nothing: it is suspicious or rejected, or would stand
     * in the place of another version, too, that was rejected since. */
    if (!status)
        status = hk__sql_prepare(&r->step_of, db, err,
                                 "SELECT s.next FROM step s LEFT JOIN entry n ON n.id = s.next"
                                 " WHERE s.batch = ?1 AND s.entry = ?2 AND (s.next = 0"
                                 " OR n.state = 2 OR (n.state = 0 AND n.suspect = 0"
                                 " AND NOT EXISTS (SELECT 1 FROM step o JOIN entry e"
                                 " ON e.id = o.entry WHERE o.next = s.next AND o.next <> 0"
                                 " AND o.batch = s.batch AND e.state = 4)))",
                                 "nn");
    return status;
}

/* A reading of a list that goes through nothing yet. */
static hk_status start(hk_reading **out, hk_store *store, const char *list, reading_kind kind,
                       hk_error *err)
{
    hk__list_row row;
    hk_reading *r = hk__alloc(1, sizeof *r);
    if (!r)
        return hk__fail_memory(err);
    r->kind = kind;
    hk_status status = hk_store_open(&r->store, store->path, HK_STORE_READ, err);
    if (!status)
        status = hk__sql_begin(r->store->db, false, err);
    if (!status)
        status = hk__store_find(&row, r->store, list, err);
    if (!status) {
        r->list = row.id;
        status = prepare_rest(r, err);
    }
    if (status)
        hk_reading_close(r);
    else
        *out = r;
    return status;
}

/* Hands the reading out, or closes it. */
static hk_status finish(hk_reading **out, hk_reading *r, hk_status status, hk_error *err)
{
    if (!status && !r->rows)
        status = prepare_rows(r, "", NULL, NULL, 0, err);
    if (status) {
        hk_reading_close(r);
        return status;
    }
    hk__cover_settle(&r->cover);
    *out = r;
    return HK_OK;
}

hk_status hk_reading_open(hk_reading **out, hk_store *store, const char *list, uint64_t revision,
                          unsigned states, hk_error *err)
{
    hk_reading *r = NULL;
    hk_status status = start(&r, store, list, LISTING, err);
    if (status)
        return status;
    r->states = states;
    status = hk__past_new(&r->past, r->store, r->list, revision, err);
    if (!status)
        status = cover_batches(r, err);
    return finish(out, r, status, err);
}

hk_status hk_reading_compare(hk_reading **out, hk_store *store, const char *list, uint64_t from,
                             uint64_t to, hk_error *err)
{
    hk_reading *r = NULL;
    hk_status status = start(&r, store, list, COMPARING, err);
    if (status)
        return status;
    status = hk__past_new(&r->from, r->store, r->list, from, err);
    if (!status)
        status = hk__past_new(&r->past, r->store, r->list, to, err);
    if (!status)
        status = cover_batches(r, err);
    /* What was changed since the newer of the two was changed since the older one too. */
    if (!status)
        status = cover_changed(r, r->from, r->past, err);
    if (!status)
        status = cover_changed(r, r->past, r->from, err);
    return finish(out, r, status, err);
}

/* The batches that are proposed, and what they would withdraw and replace. */
static hk_status cover_steps(hk_reading *r, hk_error *err)
{
    sqlite3_stmt *batches = NULL, *steps = NULL;
    bool row;
    int64_t count = 0;
    sqlite3 *db = r->store->db;
    hk_status status =
        hk__sql_number(&count, 0, db, err,
                       "SELECT count(*) FROM batch WHERE list = ?1 AND state = 1", "i", r->list);
    if (!status && !(r->proposed = hk__alloc((size_t)count, sizeof *r->proposed)))
        status = hk__fail_memory(err);
    if (!status)
        status = hk__sql_prepare(&batches, db, err,
                                 "SELECT id FROM batch WHERE list = ?1 AND state = 1 ORDER BY id",
                                 "i", r->list);
    if (!status)
        status =
            hk__sql_prepare(&steps, db, err, "SELECT entry, entry FROM step WHERE batch = ?1", "n");
    while (!status && !(status = hk__sql_step(&row, batches, err)) && row) {
        const int64_t batch = sqlite3_column_int64(batches, 0);
        r->proposed[r->proposed_count++] = batch;
        status = cover_batch(r, steps, batch, err);
    }
    sqlite3_finalize(batches);
    sqlite3_finalize(steps);
    return status;
}

hk_status hk_reading_staged(hk_reading **out, hk_store *store, const char *list, hk_error *err)
{
    hk_reading *r = NULL;
    hk_status status = start(&r, store, list, STAGED, err);
    if (status)
        return status;
    status = hk__past_new(&r->past, r->store, r->list, 0, err);
    if (!status)
        status = cover_batches(r, err);
    if (!status)
        status = cover_steps(r, err);
    return finish(out, r, status, err);
}

/* ---- finding ------------------------------------------------------------------------------- */

/* "#NUMBER": the number; 0 for any other text. */
static uint32_t number_in(const char *text)
{
    uint64_t number = 0;
    if (*text++ != '#' || !*text)
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        if ((number = number * 10 + (uint64_t)(*text - '0')) >= UINT32_MAX)
            return 0;
    return *text ? 0 : (uint32_t)number;
}

/* The bytes that an even number of hex digits stand for; 0 for any other text, or a longer one. */
static size_t bytes_in(uint8_t out[32], const char *text)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const size_t length = strlen(text);
    if (length > 64 || length % 2 || strspn(text, digits) != length)
        return 0;
    for (size_t i = 0; i < length; i += 2)
        out[i / 2] = (uint8_t)((strchr(digits, text[i]) - digits) % 16 << 4 |
                               (strchr(digits, text[i + 1]) - digits) % 16);
    return length / 2;
}

static hk_status cover_key(hk_reading *r, const char *id, hk_error *err)
{
    sqlite3_stmt *keys;
    hk_entry entry = HK_ENTRY_INIT;
    entry.id = id;
    hk_status status = hk__sql_prepare(&keys, r->store->db, err,
                                       "SELECT entry, entry FROM entry_key"
                                       " WHERE list = ?1 AND key = ?2",
                                       "ii", r->list, (int64_t)hk__entry_key(&entry));
    if (status)
        return status;
    status = hk__cover_rows(&r->cover, keys, err);
    sqlite3_finalize(keys);
    return status;
}

/* Values and names have no index: a lookup for a person may go through the list. */
static hk_status find_text(hk_reading *r, const char *what, hk_error *err)
{
    uint8_t value[32];
    const size_t size = bytes_in(value, what);
    const char *which = size == 16   ? "AND (?3 IN (e.ext, e.name) OR e.md5 = ?4)"
                        : size == 20 ? "AND (?3 IN (e.ext, e.name) OR e.sha1 = ?4)"
                        : size == 32
                            ? "AND (?3 IN (e.ext, e.name) OR ?4 IN (e.sha256, e.pdq, e.exact))"
                            : NULL;
    hk_status status = which ? HK_OK : cover_key(r, what, err);
    const bool is_id = r->cover.count > 0;
    if (!status && !is_id)
        status = cover_batches(r, err);
    if (status)
        return status;
    return which
               ? prepare_rows(r, which, what, value, size, err)
               : prepare_rows(r, is_id ? "AND e.ext = ?3" : "AND e.name = ?3", what, NULL, 0, err);
}

hk_status hk_reading_find(hk_reading **out, hk_store *store, const char *list, const char *what,
                          hk_error *err)
{
    hk_reading *r = NULL;
    const uint32_t number = number_in(what);
    hk_status status = start(&r, store, list, FINDING, err);
    if (status)
        return status;
    status = hk__past_new(&r->past, r->store, r->list, 0, err);
    if (!status)
        status = number ? hk__cover_add(&r->cover, number, number, err) : find_text(r, what, err);
    return finish(out, r, status, err);
}

/* ---- going through it ---------------------------------------------------------------------- */

/* The next entry of the ranges. */
static hk_status next_row(bool *there, hk__entry_row *out, hk_reading *r, hk_error *err)
{
    for (;;) {
        bool row = false;
        hk_status status = HK_OK;
        if (r->in_range && (status = hk__sql_step(&row, r->rows, err)) != HK_OK)
            return status;
        if (row) {
            *there = true;
            return hk__entry_from_row(out, r->rows, err);
        }
        r->in_range = r->next_range < r->cover.count;
        if (!r->in_range) {
            *there = false;
            return HK_OK;
        }
        const hk__range range = r->cover.range[r->next_range++];
        sqlite3_bind_int64(r->rows, 1, range.first);
        sqlite3_bind_int64(r->rows, 2, range.last);
    }
}

/* Entries of one batch come one after another: it is looked up once. */
static hk_status look_up_batch(hk_reading *r, int64_t batch, hk_error *err)
{
    bool row;
    if (batch == r->batch)
        return HK_OK;
    sqlite3_bind_int64(r->about_batch, 2, batch);
    const hk_status status = hk__sql_step(&row, r->about_batch, err);
    if (status)
        return status;
    r->batch = batch;
    r->is_listed = row;
    r->imported = row ? (uint64_t)sqlite3_column_int64(r->about_batch, 0) : 0;
    r->has_replacements = row && sqlite3_column_int(r->about_batch, 1);
    sqlite3_reset(r->about_batch);
    return HK_OK;
}

/* What approving would make of an active entry: ACTIVE where it stays so. */
static hk_status state_after_steps(hk_entry_state *out, hk_reading *r, uint32_t number,
                                   hk_error *err)
{
    bool row = false;
    hk_status status = HK_OK;
    *out = HK_ENTRY_ACTIVE;
    for (size_t i = 0; !status && !row && i < r->proposed_count; i++) {
        sqlite3_bind_int64(r->step_of, 1, r->proposed[i]);
        sqlite3_bind_int64(r->step_of, 2, number);
        status = hk__sql_step(&row, r->step_of, err);
        if (!status && row)
            *out = sqlite3_column_int64(r->step_of, 0) ? HK_ENTRY_REPLACED : HK_ENTRY_WITHDRAWN;
        sqlite3_reset(r->step_of);
    }
    return status;
}

/* Whether the reading is about the entry; its state, and the one before. */
static hk_status judge(bool *keep, hk_reading *r, const hk__entry_row *row, hk_error *err)
{
    hk_status status = HK_OK;
    hk_entry_state state = hk__past_state(r->past, row), before = HK_ENTRY_ABSENT;
    switch (r->kind) {
    case LISTING:
        *keep = r->states & bit(state);
        break;
    case FINDING:
        *keep = true;
        break;
    case COMPARING:
        before = hk__past_state(r->from, row);
        *keep = state != before;
        break;
    case STAGED:
        if (hk__past_batch(r->past, row->batch) == HK_ENTRY_PROPOSED) {
            *keep = state == HK_ENTRY_PROPOSED || state == HK_ENTRY_QUARANTINED;
        } else {
            before = state;
            if (before == HK_ENTRY_ACTIVE)
                status = state_after_steps(&state, r, row->number, err);
            *keep = state != before;
        }
        break;
    }
    r->listed.state = state;
    r->listed.before = before;
    return status;
}

static hk_status replaced_by(uint32_t *out, hk_reading *r, uint32_t number, hk_error *err)
{
    bool row;
    sqlite3_bind_int64(r->replaces, 1, number);
    const hk_status status = hk__sql_step(&row, r->replaces, err);
    if (!status && row)
        *out = (uint32_t)sqlite3_column_int64(r->replaces, 0);
    sqlite3_reset(r->replaces);
    return status;
}

static hk_status words_of(const char **out, hk_reading *r, uint32_t number, hk_error *err)
{
    bool row;
    sqlite3_bind_int64(r->why, 1, number);
    const hk_status status = hk__sql_step(&row, r->why, err);
    if (!status && row)
        *out = (const char *)sqlite3_column_text(r->why, 0);
    return status; /* the words are borrowed from the statement */
}

static hk_status fill(hk_reading *r, const hk__entry_row *row, hk_error *err)
{
    hk_status status = HK_OK;
    r->listed.number = row->number;
    r->listed.entry = row->entry;
    r->listed.suspicions = row->suspicions;
    r->listed.imported = r->imported;
    r->listed.replaces = 0;
    r->listed.why = NULL;
    if (r->has_replacements)
        status = replaced_by(&r->listed.replaces, r, row->number, err);
    if (!status && row->suspicions)
        status = words_of(&r->listed.why, r, row->number, err);
    return status;
}

hk_status hk_reading_next(const hk_listed **out, hk_reading *r, hk_error *err)
{
    hk__entry_row row;
    bool there = true, keep = false;
    hk_status status = HK_OK;
    sqlite3_reset(r->why);
    while (!status && there && !keep) {
        status = next_row(&there, &row, r, err);
        if (!status && there)
            status = look_up_batch(r, row.batch, err);
        if (!status && there && r->is_listed)
            status = judge(&keep, r, &row, err);
    }
    if (!status && there)
        status = fill(r, &row, err);
    if (!status)
        *out = there ? &r->listed : NULL;
    return status;
}

void hk_reading_close(hk_reading *r)
{
    if (!r)
        return;
    sqlite3_stmt *const statements[] = {r->rows, r->about_batch, r->step_of, r->replaces, r->why};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sqlite3_finalize(statements[i]);
    hk_store_close(r->store);
    hk__past_free(r->past);
    hk__past_free(r->from);
    hk__cover_clear(&r->cover);
    hk__free(r->proposed);
    hk__free(r);
}
