/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen_unit.h - what the tests of screening share: a store with a list of known images and one of
 * known good ones, and what a screening wrote.
 */
#ifndef TESTS_SCREEN_UNIT_H
#define TESTS_SCREEN_UNIT_H

#include "store_unit.h"

static inline hk_screen_options options_of(unsigned max_distance, unsigned crowd)
{
    hk_screen_options options = HK_SCREEN_OPTIONS_INIT;
    options.max_distance = max_distance;
    options.crowd = crowd;
    return options;
}

static inline uint64_t screen(hk_store *store, const char *list, unsigned crowd)
{
    uint64_t suspicious;
    const hk_screen_options options = options_of(31, crowd);
    unit_ok(hk_store_screen(&suspicious, store, list, &options, &unit_error));
    assert_int_equal(unit_info(store, list).unscreened, 0);
    return suspicious;
}

static inline int64_t number(hk_store *store, const char *sql, int64_t about)
{
    int64_t out = -1;
    unit_ok(hk__sql_number(&out, -1, store->db, &unit_error, sql, "i", about));
    return out;
}

static inline int64_t count(hk_store *store, const char *sql)
{
    int64_t out = -1;
    unit_ok(hk__sql_number(&out, -1, store->db, &unit_error, sql, ""));
    return out;
}

static inline void assert_suspect(hk_store *store, uint32_t entry, unsigned expected)
{
    assert_int_equal(number(store, "SELECT suspect FROM entry WHERE id = ?1", entry), expected);
}

static inline void assert_words(hk_store *store, uint32_t entry, unsigned reason,
                                const char *expected)
{
    sqlite3_stmt *words;
    bool row;
    unit_ok(hk__sql_prepare(&words, store->db, &unit_error,
                            "SELECT words FROM suspicion WHERE entry = ?1 AND reason = ?2", "ii",
                            (int64_t)entry, (int64_t)reason));
    unit_ok(hk__sql_step(&row, words, &unit_error));
    assert_true(row);
    assert_string_equal(sqlite3_column_text(words, 0), expected);
    sqlite3_finalize(words);
}

static inline void make(unit_store *s)
{
    unit_store_make(s);
    unit_create(s->store, "known", false, false);
    unit_create(s->store, "stock", true, false);
}

static inline void let_in(hk_store *store, const char *list, const hk_entry *entries, size_t count)
{
    unit_import(store, list, "ann", entries, count, false);
    unit_approve(store, list, "ann");
}

#endif
