/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_unit.h - stores for tests: a real file in a folder of its own, made-up entries, and the
 * steps that most tests take.
 */
#ifndef STORE_UNIT_H
#define STORE_UNIT_H

#include "unit.h"

#include "feed/entry.h"
#include "list/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a call said that should have worked is in the failure's message. */
static hk_error unit_error;
static inline void unit_check(hk_status status, const char *file, int line)
{
    if (status) {
        print_error("%s\n", unit_error.message);
        _fail(file, line);
    }
}
#define unit_ok(call) unit_check(call, __FILE__, __LINE__)

typedef struct unit_store {
    char folder[32], path[64];
    hk_store *store;
} unit_store;

static inline void unit_store_remove_folder(const char *folder)
{
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(open);
    assert_int_equal(rmdir(folder), 0);
}

static inline void unit_store_make(unit_store *s)
{
    strcpy(s->folder, "/tmp/herken-store-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/lists.db", s->folder);
    unit_ok(hk_store_open(&s->store, s->path, HK_STORE_CREATE, &unit_error));
}

static inline void unit_store_remove(unit_store *s)
{
    hk_store_close(s->store);
    unit_store_remove_folder(s->folder);
}

static inline uint64_t unit_create(hk_store *store, const char *name, bool known_good,
                                   bool two_person)
{
    uint64_t revision;
    const hk_list_settings settings = {
        .name = name, .known_good = known_good, .two_person = two_person};
    unit_ok(hk_store_create_list(&revision, store, &settings, &(hk_act){.actor = "ann", .at = 1},
                                 &unit_error));
    return revision;
}

/* Entry number n: a healthy random hash and an MD5 of its own, both of n alone. */
static inline hk_entry unit_entry(uint64_t n)
{
    hk_entry entry = HK_ENTRY_INIT;
    uint64_t state = n * 0x9e3779b97f4a7c15u + 1;
    unsigned ones = 0;
    entry.has_hash = true;
    while (ones < HK_HASH_BITS / 2) { /* just 128 one-bits, as PDQ has */
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const unsigned bit = (unsigned)(state >> 20) % HK_HASH_BITS;
        const uint64_t mask = UINT64_C(1) << bit % 64;
        ones += !(entry.hash.word[bit / 64] & mask);
        entry.hash.word[bit / 64] |= mask;
    }
    entry.digests.present = HK_DIGEST_MD5;
    memcpy(entry.digests.md5, &n, sizeof n);
    memcpy(entry.digests.md5 + 8, &state, sizeof state);
    return entry;
}

/* Imports `count` entries as `actor` and returns what that came to. */
static inline hk_import_summary unit_import(hk_store *store, const char *list, const char *actor,
                                            const hk_entry *entries, size_t count, bool whole)
{
    hk_import *import;
    hk_import_summary summary;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = (hk_act){.actor = actor, .at = 2};
    options.whole = whole;
    unit_ok(hk_import_open(&import, store, list, &options, &unit_error));
    for (size_t i = 0; i < count; i++)
        unit_ok(hk_import_entry(import, &entries[i], &unit_error));
    unit_ok(hk_import_finish(&summary, import, &unit_error));
    hk_import_free(import);
    return summary;
}

/* Takes what is proposed for screened, without looking. */
static inline void unit_skip_screening(hk_store *store)
{
    unit_ok(hk__sql_run(store->db, "UPDATE batch SET screened = 4294967296", &unit_error));
}

static inline hk_revision unit_approve(hk_store *store, const char *list, const char *actor)
{
    hk_revision revision;
    unit_skip_screening(store);
    unit_ok(hk_store_approve(&revision, store, list, 0, &(hk_act){.actor = actor, .at = 3},
                             &unit_error));
    return revision;
}

static inline hk_list_info unit_info(hk_store *store, const char *list)
{
    hk_list_info info;
    unit_ok(hk_store_info(&info, store, list, &unit_error));
    return info;
}

#endif
