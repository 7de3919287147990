/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch_load.c - see batch_load.h. */
#include "list/batch_load.h"

#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "list/standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 32768, TEXT = 4 << 20, TEXTS = 6, KEYS_AT_ONCE = 1 << 18, AHEAD = 4 };

/* An entry that waits for its chunk to be full. */
typedef struct waiting {
    hk_entry entry;
    hk__sought sought;
    bool withdraw;
} waiting;

struct hk__batch_load {
    hk_store *store;
    hk__list_row list;
    int64_t id;
    waiting *waiting; /* [CHUNK] */
    size_t count;
    uint32_t *order; /* [CHUNK] positions of `waiting` by key */
    char *text;      /* [TEXT] their strings and frames */
    size_t text_used;
    hk__fresh_keys *fresh;
    bool has_keys; /* the store's entry_key holds some of the list */
    uint32_t next; /* number for the next entry */
    uint64_t entries, sum, keys_put;
    hk_import_summary summary;
    uint8_t *seen; /* bits by number: entries of the list that the batch names */
    size_t seen_size;
    hk__standings standings;
    sqlite3_stmt *insert, *frames, *step, *suspect, *words, *put_key;
};

/* ---- making and freeing -------------------------------------------------------------------- */

static hk_status prepare_all(hk__batch_load *load, hk_error *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&load->insert, hk__entry_insert},
        {&load->frames, hk__frames_insert},
        {&load->step, "INSERT OR IGNORE INTO step(batch, entry, next) VALUES(?1, ?2, ?3)"},
        {&load->suspect, "UPDATE entry SET suspect = suspect | ?2 WHERE id = ?1"},
        {&load->words, "INSERT OR IGNORE INTO suspicion(entry, reason, words) VALUES(?1, ?2, ?3)"},
        {&load->put_key, "INSERT INTO entry_key(list, key, entry) VALUES(?1, ?2, ?3)"},
    };
    hk_status status = hk__standings_open(&load->standings, load->store, load->list.id, err);
    for (size_t i = 0; !status && i < sizeof all / sizeof *all; i++)
        status = hk__sql_prepare(all[i].statement, load->store->db, err, all[i].sql, "");
    return status;
}

hk_status hk__batch_load_new(hk__batch_load **out, hk_store *store, const hk__list_row *list,
                             hk_error *err)
{
    hk__batch_load *load = hk__alloc(1, sizeof *load);
    if (!load)
        return hk__fail_memory(err);
    load->store = store;
    load->list = *list;
    load->waiting = hk__alloc(CHUNK, sizeof *load->waiting);
    load->order = hk__alloc(CHUNK, sizeof *load->order);
    load->text = hk__alloc(TEXT, 1);
    hk_status status = load->waiting && load->order && load->text ? HK_OK : hk__fail_memory(err);
    if (!status)
        status = hk__fresh_keys_new(&load->fresh, err);
    if (!status)
        status = hk__batch_clear(store, list->id, err);
    int64_t keys = 0;
    if (!status)
        status = hk__sql_number(&keys, 0, store->db, err,
                                "SELECT 1 FROM entry_key WHERE list = ?1 LIMIT 1", "i", list->id);
    load->has_keys = keys;
    if (!status)
        status = prepare_all(load, err);
    if (!status)
        status = hk__sql_do(store->db, err,
                            "INSERT INTO batch(list, state, entries, sum, screened)"
                            " VALUES(?1, 0, 0, 0, 0)",
                            "i", list->id);
    if (status) {
        hk__batch_load_free(load);
        return status;
    }
    load->id = load->standings.batch = sqlite3_last_insert_rowid(store->db);
    *out = load;
    return HK_OK;
}

void hk__batch_load_free(hk__batch_load *load)
{
    if (!load)
        return;
    sqlite3_stmt *const all[] = {load->insert,  load->frames, load->step,
                                 load->suspect, load->words,  load->put_key};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    hk__standings_close(&load->standings);
    hk__fresh_keys_free(load->fresh);
    hk__free(load->waiting);
    hk__free(load->order);
    hk__free(load->text);
    hk__free(load->seen);
    hk__free(load);
}

int64_t hk__batch_load_id(const hk__batch_load *load)
{
    return load->id;
}

uint64_t hk__batch_load_count(const hk__batch_load *load)
{
    return load->entries + load->count;
}

/* ---- what the batch does ------------------------------------------------------------------- */

static hk_status add_step(hk__batch_load *load, uint32_t entry, uint32_t next, hk_error *err)
{
    sqlite3_bind_int64(load->step, 1, load->id);
    sqlite3_bind_int64(load->step, 2, entry);
    sqlite3_bind_int64(load->step, 3, next);
    return hk__sql_done(load->step, err);
}

/* Takes back that the batch withdraws an entry; the feed has named it again. */
static hk_status unstep(hk__batch_load *load, uint32_t entry, hk_error *err)
{
    if (!load->summary.withdrawn)
        return HK_OK;
    hk_status status = hk__sql_do(load->store->db, err,
                                  "DELETE FROM step WHERE batch = ?1 AND entry = ?2 AND next = 0",
                                  "ii", load->id, (int64_t)entry);
    load->summary.withdrawn -= !status && sqlite3_changes(load->store->db) > 0;
    return status;
}

static hk_status see(hk__batch_load *load, uint32_t number, hk_error *err)
{
    if (number / 8 >= load->seen_size) {
        const size_t size = (size_t)number / 8 * 2 + 4096;
        uint8_t *grown = hk__realloc(load->seen, size, 1);
        if (!grown)
            return hk__fail_memory(err);
        memset(grown + load->seen_size, 0, size - load->seen_size);
        load->seen = grown;
        load->seen_size = size;
    }
    load->seen[number / 8] |= (uint8_t)(1u << number % 8);
    return HK_OK;
}

static bool seen(const hk__batch_load *load, uint32_t number)
{
    return number / 8 < load->seen_size && load->seen[number / 8] >> number % 8 & 1;
}

static hk_status suspect(hk__batch_load *load, uint32_t number, unsigned reason, const char *words,
                         hk_error *err)
{
    sqlite3_bind_int64(load->suspect, 1, number);
    sqlite3_bind_int64(load->suspect, 2, reason);
    hk_status status = hk__sql_done(load->suspect, err);
    if (status || !words)
        return status;
    sqlite3_bind_int64(load->words, 1, number);
    sqlite3_bind_int64(load->words, 2, reason);
    sqlite3_bind_text(load->words, 3, words, -1, SQLITE_TRANSIENT);
    return hk__sql_done(load->words, err);
}

/* Puts a new entry into the store. */
static hk_status insert(uint32_t *number, hk__batch_load *load, const waiting *w, hk_error *err)
{
    hk__entry_row row = {.number = load->next,
                         .batch = load->id,
                         .suspicions = hk__entry_suspicions(&w->entry),
                         .entry = w->entry};
    if (load->next >= UINT32_MAX - 1)
        return hk__fail(err, HK_ERR_LIMIT, "a store holds at most %u entries", UINT32_MAX - 2);
    if (!row.entry.has_hash) /* it would be of nothing, and not be stored */
        row.entry.quality = HK_NO_QUALITY;
    hk__entry_bind(load->insert, &row);
    hk_status status = hk__sql_done(load->insert, err);
    if (!status && row.entry.cut_count) {
        hk__frames_bind(load->frames, &row);
        status = hk__sql_done(load->frames, err);
    }
    if (!status)
        status = hk__fresh_keys_put(load->fresh, w->sought.key, row.number, err);
    if (status)
        return status;
    load->sum += hk__entry_sum(row.number, &row.entry);
    load->entries++;
    *number = load->next++;
    return HK_OK;
}

/* How a person's withdrawal was made, in words; empty where the feed took it back itself. */
static hk_status who_withdrew(char words[256], hk__batch_load *load, uint32_t entry, hk_error *err)
{
    sqlite3_stmt *find;
    bool row;
    int64_t revision;
    words[0] = '\0';
    hk_status status = hk__withdrawn_by(&revision, load->store, entry, err);
    if (status || !revision)
        return status;
    status = hk__sql_prepare(&find, load->store->db, err,
                             "SELECT actor, at, reason FROM revision WHERE id = ?1", "i", revision);
    if (status)
        return status;
    status = hk__sql_step(&row, find, err);
    if (!status && row) {
        const char *actor = (const char *)sqlite3_column_text(find, 0);
        const time_t at = (time_t)sqlite3_column_int64(find, 1);
        const char *reason = (const char *)sqlite3_column_text(find, 2);
        struct tm day;
        char date[32] = "";
        if (gmtime_r(&at, &day))
            strftime(date, sizeof date, "%Y-%m-%d", &day);
        snprintf(words, 256, "#%u was withdrawn by %s on %s%s%s", entry, actor ? actor : "?", date,
                 reason ? ": " : "", reason ? reason : "");
        hk__printable(words);
    }
    sqlite3_finalize(find);
    return status;
}

/* The list's entry of the same name was withdrawn, and said something else. */
static hk_status add_withdrawn(hk__batch_load *load, const waiting *w, uint32_t older,
                               hk_error *err)
{
    char words[256];
    uint32_t number;
    hk_status status = who_withdrew(words, load, older, err);
    if (!status)
        status = insert(&number, load, w, err);
    if (!status)
        status = see(load, older, err);
    load->summary.added++;
    return status || !*words ? status : suspect(load, number, HK_SUSPECT_WITHDRAWN, words, err);
}

/* The feed has said something else of the same entry before. */
static hk_status add_contradiction(hk__batch_load *load, const waiting *w, uint32_t older,
                                   hk_error *err)
{
    char words[64];
    uint32_t number = 0;
    hk_status status = insert(&number, load, w, err);
    snprintf(words, sizeof words, "stands twice in the feed, and differs: see #%u", older);
    if (!status)
        status = suspect(load, number, HK_SUSPECT_CONTRADICTION, words, err);
    snprintf(words, sizeof words, "stands twice in the feed, and differs: see #%u", number);
    if (!status)
        status = suspect(load, older, HK_SUSPECT_CONTRADICTION, words, err);
    load->summary.added++;
    return status;
}

/* ---- versions of an entry that the list has already: touch_... of each live one */

typedef struct touching {
    hk__batch_load *load;
    uint32_t next; /* what is to stand in its place */
} touching;

static hk_status touch_named(void *context, uint32_t number, hk_error *err)
{
    touching *t = context;
    const hk_status status = unstep(t->load, number, err);
    return status ? status : see(t->load, number, err);
}

static hk_status touch_replaced(void *context, uint32_t number, hk_error *err)
{
    touching *t = context;
    const hk_status status = touch_named(context, number, err);
    return status ? status : add_step(t->load, number, t->next, err);
}

static hk_status touch_withdrawn(void *context, uint32_t number, hk_error *err)
{
    touching *t = context;
    hk_status status = see(t->load, number, err);
    if (!status)
        status = add_step(t->load, number, 0, err);
    if (!status && sqlite3_changes(t->load->store->db))
        t->load->summary.withdrawn++;
    return status;
}

static hk_status touch_each(hk__batch_load *load, const waiting *w, uint32_t next,
                            hk_status (*touch)(void *context, uint32_t number, hk_error *err),
                            hk_error *err)
{
    touching t = {.load = load, .next = next};
    return hk__standing_each(&load->standings, &w->sought, touch, &t, err);
}

/* The feed says what the list has. */
static hk_status add_unchanged(hk__batch_load *load, const waiting *w, const hk__standing *at,
                               hk_error *err)
{
    load->summary.unchanged++;
    if (at->ours || (seen(load, at->row.number) && !load->summary.withdrawn))
        return HK_OK;
    return touch_each(load, w, 0, touch_named, err);
}

static hk_status add_entry(hk__batch_load *load, const waiting *w, hk_error *err)
{
    hk__standing at;
    uint32_t number, rejected;
    char words[256] = "";
    hk_status status = hk__standing_find(&at, &rejected, &load->standings, &w->sought, err);
    if (status)
        return status;
    const bool live = hk__standing_is_live(&at);
    if (live && hk__entry_equal(&at.row.entry, &w->entry))
        return add_unchanged(load, w, &at, err);
    if (at.ours)
        return add_contradiction(load, w, at.row.number, err);
    if (rejected)
        status = who_withdrew(words, load, rejected, err);
    if (status)
        return status;
    if (*words) { /* what a person has withdrawn does not come back with every feed */
        load->summary.kept_withdrawn++;
        status = see(load, rejected, err);
        return status ? status : touch_each(load, w, 0, touch_named, err);
    }
    if (at.state == HK_ENTRY_WITHDRAWN)
        return add_withdrawn(load, w, at.row.number, err);
    /* Two sources may count from one each. */
    const bool is_another = live && !hk__entry_shares_value(&at.row.entry, &w->entry);
    if (is_another)
        snprintf(words, sizeof words, "has nothing in common with #%u, which has the same id",
                 at.row.number);
    status = insert(&number, load, w, err);
    if (!status && is_another)
        status = suspect(load, number, HK_SUSPECT_CONTRADICTION, words, err);
    if (status || !live) {
        load->summary.added++;
        return status;
    }
    load->summary.replaced++;
    return touch_each(load, w, number, touch_replaced, err);
}

/* The feed takes back what it has said before in the same batch. */
static hk_status take_back(hk__batch_load *load, const waiting *w, const hk__standing *at,
                           hk_error *err)
{
    sqlite3 *db = load->store->db;
    const int64_t number = at->row.number;
    load->sum -= hk__entry_sum(at->row.number, &at->row.entry);
    load->entries--;
    hk__fresh_keys_drop(load->fresh, w->sought.key, at->row.number);
    hk__standings_rest(&load->standings);
    hk_status status =
        hk__sql_do(db, err, "DELETE FROM entry_key WHERE list = ?1 AND key = ?2 AND entry = ?3",
                   "iii", load->list.id, (int64_t)w->sought.key, number);
    if (!status)
        status = hk__sql_do(db, err, "DELETE FROM entry WHERE id = ?1", "i", number);
    if (!status)
        status = hk__sql_do(db, err, "DELETE FROM frames WHERE entry = ?1", "i", number);
    if (!status)
        status = hk__sql_do(db, err, "DELETE FROM suspicion WHERE entry = ?1", "i", number);
    if (!status)
        status = hk__sql_do(db, err, "UPDATE step SET next = 0 WHERE batch = ?1 AND next = ?2",
                            "ii", load->id, number);
    if (status)
        return status;
    const int versions = sqlite3_changes(db);
    if (versions) {
        load->summary.replaced--;
        load->summary.withdrawn += (uint64_t)versions;
    } else {
        load->summary.added--;
    }
    return HK_OK;
}

static hk_status withdraw_entry(hk__batch_load *load, const waiting *w, hk_error *err)
{
    hk__standing at;
    uint32_t rejected;
    hk_status status = hk__standing_find(&at, &rejected, &load->standings, &w->sought, err);
    if (status)
        return status;
    if (at.ours)
        return take_back(load, w, &at, err);
    if (hk__standing_is_live(&at))
        return touch_each(load, w, 0, touch_withdrawn, err);
    load->summary.unchanged++;
    return HK_OK;
}

/* ---- chunks -------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b, void *context)
{
    const waiting *w = context;
    const int64_t x = (int64_t)w[*(const uint32_t *)a].sought.key,
                  y = (int64_t)w[*(const uint32_t *)b].sought.key;
    return x < y ? -1 : x > y;
}

/* Finds the entries that the store has under the keys of the chunk, in the order of the keys: so
 * each page of entry_key is met once. */
static hk_status find_keys(hk__batch_load *load, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; i < load->count; i++)
        load->order[i] = (uint32_t)i;
    if (!load->has_keys)
        return HK_OK;
    qsort_r(load->order, load->count, sizeof *load->order, by_key, load->waiting);
    for (size_t i = 0; !status && i < load->count; i++)
        status = hk__standing_ask(&load->waiting[load->order[i]].sought, &load->standings, err);
    return status;
}

/* The numbers given since `first` as a span of the batch; the last one is made longer if it can. */
static hk_status keep_span(hk__batch_load *load, uint32_t first, hk_error *err)
{
    sqlite3 *db = load->store->db;
    const int64_t count = load->next - first;
    if (!count)
        return HK_OK;
    hk_status status = hk__sql_do(db, err,
                                  "UPDATE span SET count = count + ?3"
                                  " WHERE batch = ?1 AND first + count = ?2",
                                  "iii", load->id, (int64_t)first, count);
    if (!status && !sqlite3_changes(db))
        status = hk__sql_do(db, err, "INSERT INTO span(batch, first, count) VALUES(?1, ?2, ?3)",
                            "iii", load->id, (int64_t)first, count);
    return status;
}

static hk_status put_key(void *context, int64_t key, uint32_t number, hk_error *err)
{
    hk__batch_load *load = context;
    sqlite3_bind_int64(load->put_key, 1, load->list.id);
    sqlite3_bind_int64(load->put_key, 2, key);
    sqlite3_bind_int64(load->put_key, 3, number);
    hk_status status = hk__sql_done(load->put_key, err);
    if (!status && ++load->keys_put % KEYS_AT_ONCE == 0) { /* others want to write too */
        status = hk__sql_run(load->store->db, "COMMIT", err);
        if (!status)
            status = hk__sql_begin(load->store->db, true, err);
    }
    return status;
}

static hk_status flush_keys(hk__batch_load *load, hk_error *err)
{
    hk_status status = hk__sql_begin(load->store->db, true, err);
    if (status)
        return status;
    status = hk__fresh_keys_drain(load->fresh, put_key, load, err);
    load->has_keys = true;
    return hk__sql_end(load->store->db, status, err);
}

static hk_status flush(hk__batch_load *load, hk_error *err)
{
    if (!load->count)
        return HK_OK;
    int64_t next = 1;
    hk_status status = hk__sql_begin(load->store->db, true, err);
    if (status)
        return status;
    /* Above every number that was ever given, those that a feed took back again too. */
    status = hk__sql_number(&next, 1, load->store->db, err,
                            "SELECT max(coalesce((SELECT max(id) FROM entry), 0) + 1,"
                            " coalesce((SELECT max(first + count) FROM span), 1))",
                            "");
    const uint32_t first = load->next = (uint32_t)next;
    if (!status)
        status = find_keys(load, err);
    for (size_t i = 0; !status && i < load->count; i++) {
        if (i + AHEAD < load->count)
            hk__fresh_keys_ahead(load->fresh, load->waiting[i + AHEAD].sought.key);
        waiting *w = &load->waiting[i];
        w->sought.fresh = hk__fresh_keys_find(load->fresh, w->sought.key);
        status = w->withdraw ? withdraw_entry(load, w, err) : add_entry(load, w, err);
    }
    hk__standings_rest(&load->standings);
    if (!status)
        status = keep_span(load, first, err);
    status = hk__sql_end(load->store->db, status, err);
    load->count = load->text_used = 0;
    if (!status && hk__fresh_keys_full(load->fresh))
        status = flush_keys(load, err);
    return status;
}

static const char *keep(hk__batch_load *load, const char *text)
{
    if (!text || !*text)
        return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = memcpy(load->text + load->text_used, text, size);
    load->text_used += size;
    return copy;
}

hk_status hk__batch_load_add(hk__batch_load *load, const hk_entry *entry, bool withdraw,
                             hk_error *err)
{
    const char *const texts[TEXTS] = {entry->id,   entry->name,   entry->category,
                                      entry->tags, entry->source, entry->extra};
    size_t size = 0;
    for (int i = 0; i < TEXTS; i++)
        size += texts[i] ? strlen(texts[i]) + 1 : 0;
    const size_t cuts = entry->cut_count * HK_CUT_SIZE;
    size += cuts;
    if (size > TEXT)
        return hk__fail(err, HK_ERR_LIMIT, "the texts of an entry are longer than %d bytes", TEXT);
    if (load->count == CHUNK || size > TEXT - load->text_used) {
        hk_status status = flush(load, err);
        if (status)
            return status;
    }
    waiting *w = &load->waiting[load->count++];
    w->entry = *entry;
    w->entry.id = keep(load, entry->id);
    w->entry.name = keep(load, entry->name);
    w->entry.category = keep(load, entry->category);
    w->entry.tags = keep(load, entry->tags);
    w->entry.source = keep(load, entry->source);
    w->entry.extra = keep(load, entry->extra);
    if (cuts)
        w->entry.cuts = memcpy(load->text + load->text_used, entry->cuts, cuts);
    load->text_used += cuts;
    w->sought = (hk__sought){.entry = &w->entry, .key = hk__entry_key(&w->entry)};
    w->withdraw = withdraw;
    return HK_OK;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Withdraws the list's entries that a whole feed did not name. */
static hk_status withdraw_unseen(hk__batch_load *load, hk_error *err)
{
    sqlite3_stmt *live;
    bool row, leaves;
    hk_status status = hk__sql_begin(load->store->db, true, err);
    if (status)
        return status;
    status = hk__sql_prepare(&live, load->store->db, err,
                             "SELECT e.id, b.state, e.state, e.suspect FROM batch b"
                             " CROSS JOIN span s ON s.batch = b.id"
                             " CROSS JOIN entry e ON e.id BETWEEN s.first AND s.first + s.count - 1"
                             " WHERE b.list = ?1 AND b.state <> 0",
                             "i", load->list.id);
    if (!status) {
        while (!status && !(status = hk__sql_step(&row, live, err)) && row) {
            const uint32_t number = (uint32_t)sqlite3_column_int64(live, 0);
            const hk_entry_state state = hk__state_of((hk_entry_state)sqlite3_column_int(live, 1),
                                                      (hk_entry_state)sqlite3_column_int(live, 2),
                                                      (unsigned)sqlite3_column_int(live, 3));
            if ((state != HK_ENTRY_ACTIVE && state != HK_ENTRY_QUARANTINED &&
                 state != HK_ENTRY_PROPOSED) ||
                seen(load, number))
                continue;
            status = hk__standing_leaves(&leaves, &load->standings, number, err);
            if (status || leaves)
                continue;
            status = add_step(load, number, 0, err);
            load->summary.withdrawn++;
        }
        sqlite3_finalize(live);
    }
    return hk__sql_end(load->store->db, status, err);
}

hk_status hk__batch_load_end(hk_import_summary *summary, hk__batch_load *load, bool whole,
                             hk_error *err)
{
    int64_t suspicious;
    hk_status status = flush(load, err);
    if (!status && hk__fresh_keys_count(load->fresh))
        status = flush_keys(load, err);
    if (!status && whole)
        status = withdraw_unseen(load, err);
    if (!status)
        status = hk__sql_number(&suspicious, 0, load->store->db, err,
                                "SELECT count(*) FROM entry WHERE batch = ?1 AND suspect <> 0", "i",
                                load->id);
    if (status)
        return status;
    *summary = load->summary;
    summary->suspicious = (uint64_t)suspicious;
    return HK_OK;
}

hk_status hk__batch_load_propose(hk__batch_load *load, hk__revising *revising, hk_error *err)
{
    hk_status status =
        hk__sql_do(load->store->db, err,
                   "UPDATE batch SET revision = ?2, entries = ?3, sum = ?4 WHERE id = ?1", "iiii",
                   load->id, revising->number, (int64_t)load->entries, (int64_t)load->sum);
    return status ? status
                  : hk__revise_batch(revising, load->id, HK_ENTRY_ABSENT, HK_ENTRY_PROPOSED, err);
}
