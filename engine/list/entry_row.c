/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry_row.c - entries as rows of the store, and the state that follows from a row (store.h). */
#include "core/digest.h"
#include "core/error.h"
#include "feed/entry.h"
#include "list/store.h"

#include <string.h>

hk_entry_state hk__state_of(hk_entry_state batch, hk_entry_state own, unsigned suspicions)
{
    if (batch == HK_ENTRY_ABSENT)
        return HK_ENTRY_ABSENT;
    if (batch == HK_ENTRY_PROPOSED && own == HK_ENTRY_ACTIVE)
        return HK_ENTRY_PROPOSED;
    if (own != HK_ENTRY_ABSENT)
        return own;
    return batch == HK_ENTRY_PROPOSED && suspicions ? HK_ENTRY_QUARANTINED : batch;
}

/* A blob of just this size; *there = false for null. */
static bool take_blob(void *out, bool *there, sqlite3_stmt *row, int column, size_t size)
{
    *there = sqlite3_column_type(row, column) != SQLITE_NULL;
    if (!*there)
        return true;
    const void *bytes = sqlite3_column_blob(row, column);
    if (!bytes || (size_t)sqlite3_column_bytes(row, column) != size)
        return false;
    memcpy(out, bytes, size);
    return true;
}

static bool take_hash(hk_hash *out, bool *there, sqlite3_stmt *row, int column)
{
    uint8_t bytes[32];
    if (!take_blob(bytes, there, row, column, sizeof bytes))
        return false;
    if (*there)
        hk__hash_from_bytes(out, bytes);
    return true;
}

/* Borrowed from the row. */
static bool take_frames(hk_entry *out, sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return true;
    out->cuts = sqlite3_column_blob(row, column);
    const size_t size = (size_t)sqlite3_column_bytes(row, column);
    out->cut_count = size / HK_CUT_SIZE;
    return out->cuts && size && size % HK_CUT_SIZE == 0 &&
           hk__cuts_are_sound(out->cuts, out->cut_count);
}

static bool take_digest(hk_digests *out, uint8_t *bytes, hk_basis basis, sqlite3_stmt *row,
                        int column)
{
    bool there;
    if (!take_blob(bytes, &there, row, column, hk__digest_size(basis)))
        return false;
    out->present |= (there ? 1u : 0u) << basis;
    return true;
}

hk_status hk__entry_from_row(hk__entry_row *out, sqlite3_stmt *row, hk_error *err)
{
    const int64_t number = sqlite3_column_int64(row, 0), own = sqlite3_column_int64(row, 2);
    hk__entry_row entry = {.number = (uint32_t)number,
                           .batch = sqlite3_column_int64(row, 1),
                           .own = (hk_entry_state)own,
                           .suspicions = (unsigned)sqlite3_column_int(row, 3),
                           .entry = HK_ENTRY_INIT};
    hk_entry *e = &entry.entry;
    bool sound = number >= 1 && number < UINT32_MAX && own >= 0 && own < HK_ENTRY_STATES;
    e->id = (const char *)sqlite3_column_text(row, 4);
    sound &= take_hash(&e->hash, &e->has_hash, row, 5);
    if (sqlite3_column_type(row, 6) != SQLITE_NULL) {
        const int64_t quality = sqlite3_column_int64(row, 6);
        sound &= quality >= 0 && quality <= 100;
        e->quality = (int)quality;
    }
    sound &= take_hash(&e->exact_hash, &e->has_exact_hash, row, 7);
    sound &= take_digest(&e->digests, e->digests.md5, HK_BASIS_MD5, row, 8);
    sound &= take_digest(&e->digests, e->digests.sha1, HK_BASIS_SHA1, row, 9);
    sound &= take_digest(&e->digests, e->digests.sha256, HK_BASIS_SHA256, row, 10);
    sound &= take_blob(e->photodna, &e->has_photodna, row, 11, sizeof e->photodna);
    e->category = (const char *)sqlite3_column_text(row, 12);
    e->tags = (const char *)sqlite3_column_text(row, 13);
    e->source = (const char *)sqlite3_column_text(row, 14);
    e->extra = (const char *)sqlite3_column_text(row, 15);
    e->name = (const char *)sqlite3_column_text(row, 17);
    sound &= take_frames(e, row, 18);
    if (sqlite3_column_type(row, 16) != SQLITE_NULL)
        e->date = sqlite3_column_int64(row, 16);
    if (!sound)
        return hk__fail(err, HK_ERR_FORMAT,
                        "entry %lld holds what no entry can: the store is damaged; see `herken "
                        "list verify`",
                        (long long)number);
    *out = entry;
    return HK_OK;
}

const char hk__frames_insert[] = "INSERT INTO frames(entry, count, hashes)"
                                 " VALUES(?1, ?2, ?3)";

void hk__frames_bind(sqlite3_stmt *insert, const hk__entry_row *row)
{
    sqlite3_bind_int64(insert, 1, row->number);
    sqlite3_bind_int64(insert, 2, (int64_t)row->entry.cut_count);
    sqlite3_bind_blob(insert, 3, row->entry.cuts, (int)(row->entry.cut_count * HK_CUT_SIZE),
                      SQLITE_STATIC);
}

const char hk__entry_insert[] = "INSERT INTO entry(id, batch, state, suspect, ext, pdq, quality,"
                                " exact, md5, sha1, sha256, photodna, category, tags, source,"
                                " extra, date, name)"
                                " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,"
                                "?17,?18)";

static void bind_text(sqlite3_stmt *insert, int column, const char *text)
{
    if (text && *text)
        sqlite3_bind_text(insert, column, text, -1, SQLITE_STATIC);
}

static void bind_hash(sqlite3_stmt *insert, int column, uint8_t bytes[32], const hk_hash *hash)
{
    hk__hash_to_bytes(bytes, hash);
    sqlite3_bind_blob(insert, column, bytes, 32, SQLITE_STATIC);
}

void hk__entry_bind(sqlite3_stmt *insert, hk__entry_row *row)
{
    const hk_entry *e = &row->entry;
    sqlite3_clear_bindings(insert); /* what is not bound below is null */
    sqlite3_bind_int64(insert, 1, row->number);
    sqlite3_bind_int64(insert, 2, row->batch);
    sqlite3_bind_int(insert, 3, row->own);
    sqlite3_bind_int(insert, 4, (int)row->suspicions);
    bind_text(insert, 5, e->id);
    if (e->has_hash)
        bind_hash(insert, 6, row->bound[0], &e->hash);
    if (e->has_hash && e->quality != HK_NO_QUALITY)
        sqlite3_bind_int(insert, 7, e->quality);
    if (e->has_exact_hash)
        bind_hash(insert, 8, row->bound[1], &e->exact_hash);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (e->digests.present >> basis & 1)
            sqlite3_bind_blob(insert, 9 + basis, hk__digest_bytes(&e->digests, (hk_basis)basis),
                              (int)hk__digest_size((hk_basis)basis), SQLITE_STATIC);
    if (e->has_photodna)
        sqlite3_bind_blob(insert, 12, e->photodna, sizeof e->photodna, SQLITE_STATIC);
    bind_text(insert, 13, e->category);
    bind_text(insert, 14, e->tags);
    bind_text(insert, 15, e->source);
    bind_text(insert, 16, e->extra);
    if (e->date != HK_NO_DATE)
        sqlite3_bind_int64(insert, 17, e->date);
    bind_text(insert, 18, e->name);
}
