/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shelf.c - see shelf.h.
 *
 * The words that were asked for lie in blocks of their own, which never move; a table of open
 * addresses, at most half full, finds them by the entry's number.
 */
#include "list/shelf.h"

#include "core/error.h"
#include "core/mem.h"
#include "list/store.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

typedef struct words {
    uint32_t number;
    hk__list_entry entry; /* into text */
    char text[];
} words;

struct hk__shelf {
    pthread_mutex_t lock; /* guards everything */
    hk_store *store;
    sqlite3_stmt *find, *values;
    words **place; /* [room] NULL: free */
    size_t room, count;
};

/* A file that was renamed into the store's place holds other entries under the same numbers. */
static hk_status check_revision(hk__shelf *shelf, const hk__kept *revision, hk_error *err)
{
    sqlite3_stmt *chain;
    bool row;
    char mark[17] = "";
    hk_status status =
        hk__sql_prepare(&chain, shelf->store->db, err, "SELECT chain FROM revision WHERE id = ?1",
                        "i", (int64_t)revision->revision);
    if (status)
        return status;
    status = hk__sql_step(&row, chain, err);
    if (!status && row && sqlite3_column_bytes(chain, 0) == 32)
        hk__chain_mark(mark, sqlite3_column_blob(chain, 0));
    sqlite3_finalize(chain);
    if (!status && strcmp(mark, revision->mark) != 0)
        status = hk__fail(err, HK_ERR_IO, "%s: was replaced by another store; open it again",
                          shelf->store->path);
    return status;
}

hk_status hk__shelf_open(hk__shelf **out, const char *store_path, const hk__kept *revision,
                         hk_error *err)
{
    hk__shelf *shelf = hk__alloc(1, sizeof *shelf);
    if (!shelf)
        return hk__fail_memory(err);
    pthread_mutex_init(&shelf->lock, NULL);
    hk_status status = hk_store_open(&shelf->store, store_path, HK_STORE_READ, err);
    if (!status)
        status = check_revision(shelf, revision, err);
    if (!status)
        status =
            hk__sql_prepare(&shelf->find, shelf->store->db, err,
                            "SELECT coalesce(ext, name), category FROM entry WHERE id = ?1", "");
    if (!status)
        status = hk__sql_prepare(&shelf->values, shelf->store->db, err,
                                 "SELECT " HK__ENTRY_VALUES " FROM entry e WHERE e.id = ?1", "");
    if (status)
        hk__shelf_close(shelf);
    else
        *out = shelf;
    return status;
}

void hk__shelf_close(hk__shelf *shelf)
{
    if (!shelf)
        return;
    sqlite3_finalize(shelf->find);
    sqlite3_finalize(shelf->values);
    hk_store_close(shelf->store);
    for (size_t i = 0; i < shelf->room; i++)
        hk__free(shelf->place[i]);
    hk__free(shelf->place);
    pthread_mutex_destroy(&shelf->lock);
    hk__free(shelf);
}

/* Where the words of an entry lie, or would: room is a power of two, and some of it is free. */
static words **place_of(words **place, size_t room, uint32_t number)
{
    size_t at = (number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);
    while (place[at] && place[at]->number != number)
        at = (at + 1) & (room - 1);
    return &place[at];
}

static bool make_room(hk__shelf *shelf)
{
    if (2 * (shelf->count + 1) <= shelf->room)
        return true;
    const size_t room = shelf->room ? 2 * shelf->room : FIRST_ROOM;
    words **place = hk__alloc(room, sizeof *place);
    if (!place)
        return false;
    for (size_t i = 0; i < shelf->room; i++)
        if (shelf->place[i])
            *place_of(place, room, shelf->place[i]->number) = shelf->place[i];
    hk__free(shelf->place);
    shelf->place = place;
    shelf->room = room;
    return true;
}

/* NULL when out of memory. */
static words *words_of(uint32_t number, const char *id, const char *category)
{
    char numbered[16];
    snprintf(numbered, sizeof numbered, "#%u", number);
    if (!id || !*id)
        id = numbered;
    if (!category)
        category = "";
    const size_t id_size = strlen(id) + 1, category_size = strlen(category) + 1;
    words *w = hk__alloc(1, sizeof *w + id_size + category_size);
    if (!w)
        return NULL;
    w->number = number;
    w->entry.id = memcpy(w->text, id, id_size);
    const char *copy = memcpy(w->text + id_size, category, category_size);
    w->entry.category = *copy ? copy : NULL;
    return w;
}

static hk_status read_words(words **out, hk__shelf *shelf, uint32_t number, hk_error *err)
{
    bool row;
    sqlite3_bind_int64(shelf->find, 1, number);
    hk_status status = hk__sql_step(&row, shelf->find, err);
    if (!status && !row)
        status = hk__fail(err, HK_ERR_FORMAT,
                          "%s: has no entry #%u, which a snapshot of it has: see `herken list "
                          "verify`",
                          shelf->store->path, number);
    if (!status) {
        *out = words_of(number, (const char *)sqlite3_column_text(shelf->find, 0),
                        (const char *)sqlite3_column_text(shelf->find, 1));
        status = *out ? HK_OK : hk__fail_memory(err);
    }
    sqlite3_reset(shelf->find); /* ends its read transaction */
    return status;
}

static hk_status find(hk__list_entry *out, hk__shelf *shelf, uint32_t number, hk_error *err)
{
    if (!make_room(shelf))
        return hk__fail_memory(err);
    words **place = place_of(shelf->place, shelf->room, number);
    if (!*place) {
        hk_status status = read_words(place, shelf, number, err);
        if (status)
            return status;
        shelf->count++;
    }
    *out = (*place)->entry;
    return HK_OK;
}

hk_status hk__shelf_find(hk__list_entry *out, hk__shelf *shelf, uint32_t number, hk_error *err)
{
    pthread_mutex_lock(&shelf->lock);
    const hk_status status = find(out, shelf, number, err);
    pthread_mutex_unlock(&shelf->lock);
    return status;
}

static unsigned cut_at(const hk_entry *entry, const hk_hash *hash, unsigned distance)
{
    if ((entry->has_hash && hk_hash_distance(hash, &entry->hash) == distance) ||
        (entry->has_exact_hash && hk_hash_distance(hash, &entry->exact_hash) == distance))
        return 0;
    for (size_t i = 0; i < entry->cut_count; i++) {
        hk_hash of;
        const unsigned number = hk_cut_get(&of, entry->cuts + i * HK_CUT_SIZE);
        if (hk_hash_distance(hash, &of) == distance)
            return number;
    }
    return 0;
}

hk_status hk__shelf_cut_at(unsigned *cut, hk__shelf *shelf, uint32_t number, const hk_hash *hash,
                           unsigned distance, hk_error *err)
{
    bool row;
    hk__entry_row entry;
    pthread_mutex_lock(&shelf->lock);
    sqlite3_bind_int64(shelf->values, 1, number);
    hk_status status = hk__sql_step(&row, shelf->values, err);
    *cut = 0;
    if (!status && row)
        status = hk__entry_from_row(&entry, shelf->values, err);
    if (!status && row)
        *cut = cut_at(&entry.entry, hash, distance);
    sqlite3_reset(shelf->values);
    pthread_mutex_unlock(&shelf->lock);
    return status;
}
