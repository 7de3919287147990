/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.c - see list.h. */
#include "list/list.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_BLOCK = 1 << 16, ONES_SLACK = 16 };

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
    hk__free(list->hashes);
    hk__free(list->hash_entry);
    hk__free(list->entries);
    hk__free(list->bad);
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

bool hk__list_hash_is_degenerate(const hk_hash *hash)
{
    const unsigned ones = hk_hash_ones(hash), half = HK_HASH_BITS / 2;
    return ones + ONES_SLACK < half || ones > half + ONES_SLACK;
}

bool hk__list_is_of_nothing(const hk_digests *digests)
{
    static const uint8_t md5[] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                                  0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
    static const uint8_t sha1[] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                   0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09};
    static const uint8_t sha256[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                     0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                     0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                     0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    return (digests->present & HK_DIGEST_MD5 && !memcmp(digests->md5, md5, sizeof md5)) ||
           (digests->present & HK_DIGEST_SHA1 && !memcmp(digests->sha1, sha1, sizeof sha1)) ||
           (digests->present & HK_DIGEST_SHA256 && !memcmp(digests->sha256, sha256, sizeof sha256));
}

static bool add_hash(hk_list *list, const hk_hash *hash, uint32_t entry)
{
    size_t capacity = list->hash_capacity;
    if (!grow(&list->hashes, &list->hash_capacity, list->hash_count, sizeof *list->hashes) ||
        !grow(&list->hash_entry, &capacity, list->hash_count, sizeof *list->hash_entry))
        return false;
    list->hashes[list->hash_count] = *hash;
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

/* Takes out of the entry what would do harm, with a quarantined line for it. */
static hk_status quarantine(hk_list *list, hk__new_entry *entry, hk_error *err)
{
    hk_status status = HK_OK;
    if (entry->has_hash && hk__list_hash_is_degenerate(&entry->hash)) {
        entry->has_hash = false;
        status = hk__list_add_bad(list, entry->line, true,
                                  "degenerate hash: its one-bits are far from 128, it would match "
                                  "flat pictures",
                                  err);
    }
    if (!status && hk__list_is_of_nothing(&entry->digests)) {
        entry->digests.present = 0;
        status = hk__list_add_bad(list, entry->line, true,
                                  "digest of the empty file: every empty file would match", err);
    }
    return status;
}

hk_status hk__list_add(hk_list *list, const hk__new_entry *new_entry, hk_error *err)
{
    hk__new_entry kept = *new_entry, *entry = &kept;
    if (!entry->has_hash && !entry->digests.present)
        return hk__list_add_bad(list, entry->line, false, "neither a hash nor a digest", err);
    hk_status status = quarantine(list, entry, err);
    if (status || (!entry->has_hash && !entry->digests.present))
        return status;
    if (list->count >= UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "a list holds at most %u entries", UINT32_MAX);

    char numbered[32];
    snprintf(numbered, sizeof numbered, "line %zu", entry->line);
    const char *id = keep(list, entry->id && *entry->id ? entry->id : numbered);
    const char *category = entry->category && *entry->category ? keep(list, entry->category) : NULL;
    if (!id || (entry->category && *entry->category && !category) ||
        !grow(&list->entries, &list->capacity, list->count, sizeof *list->entries))
        return hk__fail_memory(err);

    const uint32_t number = (uint32_t)list->count;
    if (entry->has_hash && !add_hash(list, &entry->hash, number))
        return hk__fail_memory(err);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (entry->digests.present >> basis & 1 &&
            !add_digest(&list->digests[basis], &entry->digests, (hk_basis)basis, number))
            return hk__fail_memory(err);
    list->entries[list->count++] = (hk__list_entry){id, category};
    return HK_OK;
}
