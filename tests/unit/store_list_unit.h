/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_list_unit.h - the plain truth about what of a store is searched: every row is looked at,
 * and what the rule says of it (searchable.c) is compared with what the list's index finds.
 */
#ifndef STORE_LIST_UNIT_H
#define STORE_LIST_UNIT_H

#include "store_unit.h"

#include "core/digest.h"
#include "list/list.h"

static inline hk_list *unit_list(hk_store *store, const char *name)
{
    hk_list *list;
    unit_ok(hk_store_list(&list, store, name, &unit_error));
    assert_string_equal(list->name, name);
    assert_int_equal(hk_list_revision(list), unit_info(store, name).revision);
    return list;
}

/* Whether the entry is among those with this very hash, and with this digest. */
static inline bool unit_finds_hash(const hk_list *list, const hk_hash *hash, uint32_t number)
{
    hk_hits hits;
    bool found = false;
    unit_ok(hk_index_within(&hits, list->index, hash, 1, 0, 0, &unit_error));
    for (size_t i = 0; i < hits.count; i++)
        found |= hits.hit[i].item == number;
    hk_hits_free(&hits);
    return found;
}

static inline bool unit_finds_digest(const hk_list *list, hk_basis basis, const hk_digests *digests,
                                     uint32_t number)
{
    uint32_t *ids;
    size_t count;
    bool found = false;
    unit_ok(hk_index_find_digest(&ids, &count, list->index, basis, hk__digest_bytes(digests, basis),
                                 &unit_error));
    for (size_t i = 0; i < count; i++)
        found |= ids[i] == number;
    free(ids);
    return found;
}

/* What should be found, of one entry and of all. */
typedef struct unit_tally {
    uint64_t entries;
    size_t hashes, digests[HK_BASIS_PDQ];
} unit_tally;

static inline bool unit_agrees_on(unit_tally *tally, const hk_list *list, const hk__entry_row *row,
                                  bool by_hash, bool by_digest)
{
    const hk_entry *e = &row->entry;
    bool good = true, searched = false;
    if (e->has_hash)
        good &= unit_finds_hash(list, &e->hash, row->number) == by_hash;
    if (e->has_exact_hash)
        good &= unit_finds_hash(list, &e->exact_hash, row->number) == by_hash;
    for (size_t i = 0; i < e->cut_count; i++) {
        hk_hash cut;
        hk_cut_get(&cut, e->cuts + i * HK_CUT_SIZE);
        good &= unit_finds_hash(list, &cut, row->number) == by_hash;
    }
    if (by_hash) {
        tally->hashes += (size_t)e->has_hash + e->has_exact_hash + e->cut_count;
        searched = e->has_hash || e->has_exact_hash;
    }
    for (int b = 0; b < HK_BASIS_PDQ; b++)
        if (e->digests.present >> b & 1) {
            good &= unit_finds_digest(list, (hk_basis)b, &e->digests, row->number) == by_digest;
            tally->digests[b] += by_digest;
            searched |= by_digest;
        }
    tally->entries += searched;
    return good;
}

/* Whether the list finds just what it should, of all entries of all lists. */
static inline bool unit_list_agrees(hk_store *store, const hk_list *list)
{
    enum { ACTIVE = 2, QUARANTINED = 3, OF_HASH = 0x01 | 0x02 | 0x10 | 0x20 };
    sqlite3_stmt *rows;
    bool row, good = true;
    unit_tally tally = {0};
    hk_index_info info;
    unit_ok(hk__sql_prepare(&rows, store->db, &unit_error,
                            "SELECT " HK__ENTRY_COLUMNS ", b.state, l.name FROM entry e"
                            " JOIN batch b ON b.id = e.batch JOIN list l ON l.id = b.list",
                            ""));
    for (;;) {
        hk__entry_row entry;
        unit_ok(hk__sql_step(&row, rows, &unit_error));
        if (!row)
            break;
        unit_ok(hk__entry_from_row(&entry, rows, &unit_error));
        const bool ours =
            !strcmp((const char *)sqlite3_column_text(rows, HK__ENTRY_WIDTH + 1), list->name) &&
            sqlite3_column_int(rows, HK__ENTRY_WIDTH) == ACTIVE;
        const bool active = ours && ((int)entry.own == 0 || (int)entry.own == ACTIVE);
        const bool doubtful =
            ours && (int)entry.own == QUARANTINED && !(entry.suspicions & ~(unsigned)OF_HASH);
        good &= unit_agrees_on(&tally, list, &entry, active, active || doubtful);
    }
    sqlite3_finalize(rows);
    hk_index_describe(&info, list->index);
    good &= info.hashes == tally.hashes && hk_list_count(list) == tally.entries;
    for (int b = 0; b < HK_BASIS_PDQ; b++)
        good &= info.digests[b] == tally.digests[b];
    return good;
}

/* Renames every snapshot of a list, so that it is not found or is found again. */
static inline void unit_hide_snapshots(const unit_store *s, const char *list, bool hide)
{
    char prefix[96], from[512], to[512];
    snprintf(prefix, sizeof prefix, "%slists.db.%s.", hide ? "" : "hidden-", list);
    DIR *folder = opendir(s->folder);
    for (struct dirent *file; (file = readdir(folder));) {
        const char *name = file->d_name;
        if (strncmp(name, prefix, strlen(prefix)) != 0 || !strstr(name, ".hki"))
            continue;
        snprintf(from, sizeof from, "%s/%s", s->folder, name);
        snprintf(to, sizeof to, "%s/%s%s", s->folder, hide ? "hidden-" : "",
                 hide ? name : name + strlen("hidden-"));
        assert_int_equal(rename(from, to), 0);
    }
    closedir(folder);
}

/* The only snapshot of a list: its path, and the revision it is of; 0: there is none. */
static inline unsigned unit_snapshot(char path[512], const unit_store *s, const char *list)
{
    char prefix[96];
    unsigned revision = 0;
    snprintf(prefix, sizeof prefix, "lists.db.%s.", list);
    DIR *folder = opendir(s->folder);
    for (struct dirent *file; (file = readdir(folder));) {
        const char *name = file->d_name;
        if (strncmp(name, prefix, strlen(prefix)) != 0 || !strstr(name, ".hki") ||
            strspn(name + strlen(prefix), "0123456789") == 0)
            continue;
        assert_int_equal(revision, 0);
        revision = (unsigned)atoi(name + strlen(prefix));
        snprintf(path, 512, "%s/%s", s->folder, name);
    }
    closedir(folder);
    return revision;
}

/* Whether the list is right by what is kept, and made anew. */
static inline bool unit_both_agree(const unit_store *s, const char *name)
{
    hk_list *kept = unit_list(s->store, name);
    unit_hide_snapshots(s, name, true);
    hk_list *anew = unit_list(s->store, name);
    char path[512];
    assert_int_not_equal(unit_snapshot(path, s, name), 0);
    unlink(path);
    unit_hide_snapshots(s, name, false);
    const bool agree = unit_list_agrees(s->store, kept) && unit_list_agrees(s->store, anew);
    hk_list_free(kept);
    hk_list_free(anew);
    return agree;
}

/* Entries of every sort that a search treats differently; of one sort by (id, version). */
enum { UNIT_SORTS = 9 };
static inline hk_entry unit_sorted_entry(uint64_t id, uint64_t version, char name[32])
{
    static const uint8_t of_nothing[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                                           0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
    const uint64_t n = id * 64 + version;
    hk_entry entry = unit_entry(n);
    const hk_entry other = unit_entry(n + 1000000);
    snprintf(name, 32, "E-%llu", (unsigned long long)id);
    entry.id = name;
    entry.category = version % 2 ? "A" : NULL;
    switch (id % UNIT_SORTS) {
    case 0: /* a hash and an MD5 */
        break;
    case 1: /* two hashes */
        entry.has_exact_hash = true;
        entry.exact_hash = other.hash;
        break;
    case 2: /* no hash, every digest */
        entry.has_hash = false;
        entry.digests.present = HK_DIGEST_ALL;
        memcpy(entry.digests.sha1, entry.digests.md5, 16);
        memcpy(entry.digests.sha256, &other.hash, 32);
        break;
    case 3: /* a doubtful hash */
        entry.quality = 20;
        break;
    case 4: /* one that is no picture's, and two digests */
        entry.hash.word[0] = entry.hash.word[1] = 0;
        entry.digests.present |= HK_DIGEST_SHA256;
        memcpy(entry.digests.sha256, &other.hash, 32);
        break;
    case 5: /* a doubtful digest, which many have */
        memcpy(entry.digests.md5, of_nothing, sizeof of_nothing);
        break;
    case 6: /* the exact hash alone */
        entry.has_exact_hash = true;
        entry.exact_hash = other.hash;
        entry.has_hash = false;
        entry.digests.present = 0;
        break;
    case 7: /* a doubtful hash and nothing else */
        entry.quality = 0;
        entry.digests.present = 0;
        break;
    default: /* nothing that we could compare */
        entry.has_hash = false;
        entry.digests.present = 0;
        entry.has_photodna = true;
        memcpy(entry.photodna, &other.hash, 32);
    }
    return entry;
}

#endif
