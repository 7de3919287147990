/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_unit.h - what the tests of matching share: lists and matchers in a line, and fingerprints
 * that are near to nothing unless made so.
 */
#ifndef TESTS_MATCH_UNIT_H
#define TESTS_MATCH_UNIT_H

#include "unit.h"

#include "list/list.h"
#include "match/match.h"

#include <string.h>

static inline hk_list *new_list(const char *name)
{
    hk_list *list;
    assert_int_equal(hk__list_new(&list, name, NULL), HK_OK);
    return list;
}

static inline void add_hash(hk_list *list, const hk_hash *hash, const char *id,
                            const char *category)
{
    hk_entry entry = HK_ENTRY_INIT;
    entry.has_hash = true;
    entry.hash = *hash;
    entry.id = id;
    entry.category = category;
    const size_t before = hk_list_count(list);
    assert_int_equal(hk__list_add(list, &entry, list->count + 1, NULL), HK_OK);
    assert_int_equal(hk_list_count(list), before + 1);
}

/* Digests told apart by one number. */
static inline hk_digests digests_of(unsigned present, uint8_t number)
{
    hk_digests digests = {.present = present};
    memset(digests.md5, number, sizeof digests.md5);
    memset(digests.sha1, number, sizeof digests.sha1);
    memset(digests.sha256, number, sizeof digests.sha256);
    return digests;
}

static inline void add_digests(hk_list *list, unsigned present, uint8_t number, const char *id)
{
    hk_entry entry = HK_ENTRY_INIT;
    entry.digests = digests_of(present, number);
    entry.id = id;
    assert_int_equal(hk__list_add(list, &entry, 1, NULL), HK_OK);
}

static inline hk_matcher *matcher_over(const hk_list *list, const hk_match_options *options)
{
    hk_matcher *matcher;
    assert_int_equal(hk_matcher_new(&matcher, &list, 1, options, NULL), HK_OK);
    return matcher;
}

static inline hk_matcher *matcher_over_all(hk_list *const lists[], size_t count,
                                           const hk_match_options *options)
{
    hk_matcher *matcher;
    assert_int_equal(hk_matcher_new(&matcher, (const hk_list *const *)lists, count, options, NULL),
                     HK_OK);
    return matcher;
}

static inline hk__judgement judge(const hk_matcher *matcher, const hk__evidence *evidence)
{
    hk__judgement judgement;
    hk__judge_room room = {0};
    assert_int_equal(hk__judge(&judgement, &room, matcher, evidence, NULL), HK_OK);
    hk__judge_room_clear(&room);
    return judgement;
}

/* A fingerprint whose eight hashes are strangers to each other: in a pair of random hashes of 128
 * one-bits fewer than 60 or more than 196 bits differ about once in 10^16. */
static inline hk_fingerprint stranger(uint64_t *seed)
{
    hk_fingerprint fp = {.model = "pdq", .quality = 100};
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        fp.hash[o] = healthy_hash(seed);
    return fp;
}

/* Evidence of one view. Views are kept here for tests, so many at a time. */
static inline hk__evidence hashed(const hk_fingerprint *fp)
{
    static hk__view views[16];
    static unsigned next;
    hk__view *view = &views[next++ % (sizeof views / sizeof *views)];
    *view = (hk__view){.fingerprint = fp, .frame = 1};
    return (hk__evidence){.status = HK_FILE_OK, .views = view, .view_count = 1};
}

/* Eight hashes of an exact grid that are near to nothing; `out` backs them. */
static inline void exact_stranger(hk__evidence *evidence, hk_hash out[HK_ORIENTATIONS],
                                  uint64_t *seed)
{
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        out[o] = healthy_hash(seed);
    ((hk__view *)evidence->views)->exact = out;
}

static inline hk_hash inverse(const hk_hash *hash)
{
    return (hk_hash){{~hash->word[0], ~hash->word[1], ~hash->word[2], ~hash->word[3]}};
}

#endif
