/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.c - see list.h. */
#include "list/list.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "index/snapshot.h"
#include "index/view.h"
#include "list/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BLOCK = 1 << 16 };

/* Strings live in blocks that are freed together. */
struct hk__text_block {
    struct hk__text_block *next;
    size_t used, size;
    char text[];
};

static const char *keep(hk_list *list, const char *text)
{
    const size_t need = strlen(text) + 1;
    if (!list->text || list->text->size - list->text->used < need) {
        const size_t size = need > TEXT_BLOCK ? need : TEXT_BLOCK;
        struct hk__text_block *block = hk__alloc(1, sizeof *block + size);
        if (!block)
            return NULL;
        block->size = size;
        block->next = list->text;
        list->text = block;
    }
    char *place = list->text->text + list->text->used;
    memcpy(place, text, need);
    list->text->used += need;
    return place;
}

/* Makes room for one more element in an array of `size`-byte elements. */
static bool grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return true;
    void *old;
    memcpy(&old, array, sizeof old);
    const size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = hk__realloc(old, wanted, size);
    if (!grown)
        return false;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

hk_status hk__list_new(hk_list **out, const char *name, hk_error *err)
{
    hk_list *list = hk__alloc(1, sizeof *list);
    if (!list)
        return hk__fail_memory(err);
    list->name = hk__strndup(name, strlen(name));
    if (!list->name) {
        hk_list_free(list);
        return hk__fail_memory(err);
    }
    *out = list;
    return HK_OK;
}

void hk_list_free(hk_list *list)
{
    if (!list)
        return;
    for (struct hk__text_block *block = list->text, *next; block; block = next) {
        next = block->next;
        hk__free(block);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        hk__free(list->digests[basis].bytes);
        hk__free(list->digests[basis].entry);
    }
    hk_index_free(list->index);
    hk__shelf_close(list->shelf);
    hk__free(list->hashes);
    hk__free(list->hash_entry);
    hk__free(list->hash_cut);
    hk__free(list->entries);
    hk__free(list->bad);
    hk__free(list->snapshot);
    hk__free(list->name);
    hk__free(list);
}

size_t hk_list_count(const hk_list *list)
{
    return list->count;
}

const hk_list_bad_line *hk_list_bad_lines(size_t *count, const hk_list *list)
{
    *count = list->bad_count;
    return list->bad;
}

hk_status hk__list_add_bad(hk_list *list, size_t line, bool quarantined, const char *reason,
                           hk_error *err)
{
    if (list->bad_count >= HK__LIST_BAD_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "more than %d lines cannot be used: is this a list?",
                        HK__LIST_BAD_MAX);
    if (!grow(&list->bad, &list->bad_capacity, list->bad_count, sizeof *list->bad))
        return hk__fail_memory(err);
    list->bad[list->bad_count++] = (hk_list_bad_line){line, quarantined, reason};
    return HK_OK;
}

static bool add_hash(hk_list *list, const hk_hash *hash, unsigned cut, uint32_t entry)
{
    size_t capacity = list->hash_capacity, cut_capacity = list->hash_capacity;
    if (!grow(&list->hashes, &list->hash_capacity, list->hash_count, sizeof *list->hashes) ||
        !grow(&list->hash_entry, &capacity, list->hash_count, sizeof *list->hash_entry) ||
        !grow(&list->hash_cut, &cut_capacity, list->hash_count, sizeof *list->hash_cut))
        return false;
    list->hashes[list->hash_count] = *hash;
    list->hash_cut[list->hash_count] = (uint8_t)cut;
    list->hash_entry[list->hash_count++] = entry;
    return true;
}

static bool add_digest(hk__digest_column *column, const hk_digests *digests, hk_basis basis,
                       uint32_t entry)
{
    const size_t size = hk__digest_size(basis);
    size_t capacity = column->capacity;
    if (!grow(&column->bytes, &column->capacity, column->count, size) ||
        !grow(&column->entry, &capacity, column->count, sizeof *column->entry))
        return false;
    memcpy(column->bytes + column->count * size, hk__digest_bytes(digests, basis), size);
    column->entry[column->count++] = entry;
    return true;
}

hk_status hk__list_add_values(hk_list *list, const hk_entry *entry, uint32_t number, hk_error *err)
{
    if ((entry->has_hash && !add_hash(list, &entry->hash, 0, number)) ||
        (entry->has_exact_hash && !add_hash(list, &entry->exact_hash, 0, number)))
        return hk__fail_memory(err);
    for (size_t i = 0; i < entry->cut_count; i++) {
        hk_hash hash;
        const unsigned cut = hk_cut_get(&hash, entry->cuts + i * HK_CUT_SIZE);
        if (!add_hash(list, &hash, cut, number))
            return hk__fail_memory(err);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (entry->digests.present >> basis & 1 &&
            !add_digest(&list->digests[basis], &entry->digests, (hk_basis)basis, number))
            return hk__fail_memory(err);
    return HK_OK;
}

/* Takes out of the entry what would do harm, with a quarantined line for it. */
static hk_status quarantine(hk_list *list, hk_entry *entry, size_t line, hk_error *err)
{
    hk_status status = HK_OK;
    const unsigned suspicions = hk__entry_suspicions(entry);
    if (suspicions & HK_SUSPECT_DEGENERATE) {
        entry->has_hash = entry->has_exact_hash = false;
        entry->cut_count = 0;
        status = hk__list_add_bad(list, line, true,
                                  "degenerate hash: its one-bits are far from 128, it would match "
                                  "flat pictures",
                                  err);
    }
    if (!status && suspicions & HK_SUSPECT_EMPTY_FILE) {
        entry->digests.present = 0;
        status = hk__list_add_bad(list, line, true,
                                  "digest of the empty file: every empty file would match", err);
    }
    return status;
}

static bool is_searchable(const hk_entry *entry)
{
    return entry->has_hash || entry->has_exact_hash || entry->digests.present;
}

hk_status hk__list_add(hk_list *list, const hk_entry *new_entry, size_t line, hk_error *err)
{
    hk_entry kept = *new_entry, *entry = &kept;
    if (!is_searchable(entry))
        return hk__list_add_bad(list, line, false, "neither a hash nor a digest", err);
    hk_status status = quarantine(list, entry, line, err);
    if (status || !is_searchable(entry))
        return status;
    if (list->count >= UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "a list holds at most %u entries", UINT32_MAX);

    char numbered[32];
    snprintf(numbered, sizeof numbered, "line %zu", line);
    const char *id = keep(list, entry->id && *entry->id       ? entry->id
                                : entry->name && *entry->name ? entry->name
                                                              : numbered);
    const char *category = entry->category && *entry->category ? keep(list, entry->category) : NULL;
    if (!id || (entry->category && *entry->category && !category) ||
        !grow(&list->entries, &list->capacity, list->count, sizeof *list->entries))
        return hk__fail_memory(err);

    status = hk__list_add_values(list, entry, (uint32_t)list->count, err);
    if (!status)
        list->entries[list->count++] = (hk__list_entry){id, category};
    return status;
}

hk_status hk__list_searched(const hk_list *list, hk_status status, hk_error *err)
{
    if (status != HK_ERR_FORMAT || !list->snapshot)
        return status;
    if (unlink(list->snapshot) && errno != ENOENT)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is damaged, and cannot be removed: %s; remove it, and it will be made "
                        "anew",
                        list->snapshot, strerror(errno));
    return hk__fail(err, HK_ERR_FORMAT,
                    "%s: was damaged, and is removed; try again: it will be made anew from the "
                    "store",
                    list->snapshot);
}

hk_status hk_list_warm(uint64_t *bytes, const hk_list *list, uint64_t most, hk_error *err)
{
    if (!list->index) {
        *bytes = 0;
        return HK_OK;
    }
    return hk__list_searched(list, hk__snapshot_warm(bytes, list->index->base, most, err), err);
}

hk_status hk__list_entry_of(hk__list_entry *out, const hk_list *list, uint32_t id, hk_error *err)
{
    if (list->shelf)
        return hk__shelf_find(out, list->shelf, id, err);
    if (id >= list->count)
        return hk__fail(err, HK_ERR_FORMAT, "the list %s has no entry %u", list->name, id);
    *out = list->entries[id];
    return HK_OK;
}

void hk_list_set_known_good(hk_list *list, bool known_good)
{
    list->known_good = known_good;
}

bool hk_list_known_good(const hk_list *list)
{
    return list->known_good;
}

uint64_t hk_list_revision(const hk_list *list)
{
    return list->revision;
}

const char *hk_list_digest(const hk_list *list)
{
    return list->digest;
}

uint64_t hk__list_weight(const hk_list *list)
{
    enum { FRAMES_AS_ONE = 10, OF_THE_WHOLE = 2 };
    const uint64_t hashes = list->index ? hk_index_count(list->index) : list->hash_count;
    const uint64_t whole = OF_THE_WHOLE * (uint64_t)list->count;
    return hashes <= whole ? hashes : whole + (hashes - whole + FRAMES_AS_ONE - 1) / FRAMES_AS_ONE;
}

hk_status hk__list_cut_at(unsigned *cut, const hk_list *list, uint32_t id, const hk_hash *hash,
                          unsigned distance, hk_error *err)
{
    if (list->shelf)
        return hk__shelf_cut_at(cut, list->shelf, id, hash, distance, err);
    size_t first = 0, end = list->hash_count;
    while (first < end) { /* the entry's first hash */
        const size_t middle = first + (end - first) / 2;
        if (list->hash_entry[middle] < id)
            first = middle + 1;
        else
            end = middle;
    }
    *cut = 0;
    for (; first < list->hash_count && list->hash_entry[first] == id; first++)
        if (hk_hash_distance(hash, &list->hashes[first]) == distance) {
            *cut = list->hash_cut[first];
            break;
        }
    return HK_OK;
}
