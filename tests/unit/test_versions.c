/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_versions.c - several versions of one entry in a list: an older one that is searched for
 * while a newer one waits, and what feeds and persons then say of it.
 */
#include "store_unit.h"

#include "list/fresh_keys.h"

static const hk_act person = {.actor = "bob", .at = 4};

/* Version n of the entry called "x", and of another, which no feed changes. */
static hk_entry version(uint64_t n)
{
    hk_entry entry = unit_entry(n);
    entry.id = "x";
    entry.digests.present |= HK_DIGEST_SHA1; /* the same: what all versions have in common */
    memset(entry.digests.sha1, 7, sizeof entry.digests.sha1);
    return entry;
}

static hk_entry other(void)
{
    hk_entry entry = unit_entry(100);
    entry.id = "y";
    return entry;
}

/* One that waits in quarantine: its digest is that of an empty file. */
static hk_entry harmful(void)
{
    static const uint8_t nothing[] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                                      0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
    hk_entry entry = version(50);
    memcpy(entry.digests.md5, nothing, sizeof nothing);
    return entry;
}

static hk_import_summary import(unit_store *s, hk_entry entry, bool whole)
{
    const hk_entry entries[] = {entry, other()};
    return unit_import(s->store, "known", "ann", entries, 2, whole);
}

/* #1 is active, #3 is a newer version of it that waits. */
static void make(unit_store *s)
{
    unit_store_make(s);
    unit_create(s->store, "known", false, false);
    import(s, version(1), false);
    unit_approve(s->store, "known", "bob");
    import(s, harmful(), false);
    unit_approve(s->store, "known", "bob");
}

static void assert_states(unit_store *s, uint64_t active, uint64_t quarantined, uint64_t withdrawn,
                          uint64_t replaced)
{
    const hk_list_info info = unit_info(s->store, "known");
    assert_int_equal(info.entries[HK_ENTRY_ACTIVE], active);
    assert_int_equal(info.entries[HK_ENTRY_QUARANTINED], quarantined);
    assert_int_equal(info.entries[HK_ENTRY_WITHDRAWN], withdrawn);
    assert_int_equal(info.entries[HK_ENTRY_REPLACED], replaced);
}

static void retract(unit_store *s, uint32_t entry)
{
    hk_revision revision;
    unit_ok(hk_store_retract(&revision, s->store, "known", &entry, 1, &person, &unit_error));
}

/* The feed goes on naming the entry: the version that is searched for stays. */
static void test_whole_feed_again(void **state)
{
    (void)state;
    unit_store s;
    make(&s);
    assert_states(&s, 2, 1, 0, 0);
    const hk_import_summary again = import(&s, harmful(), true);
    assert_int_equal(again.withdrawn, 0);
    assert_int_equal(again.unchanged, 2);
    assert_int_equal(again.revision, 0);
    assert_states(&s, 2, 1, 0, 0);
    unit_store_remove(&s);
}

/* The feed takes the entry back: no version of it is searched for any more. */
static void test_withdrawn_by_the_feed(void **state)
{
    (void)state;
    unit_store s;
    hk_import *import;
    hk_import_summary summary;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    char path[96], hex[33];
    const hk_entry named = harmful();
    make(&s);
    snprintf(path, sizeof path, "%s/feed.csv", s.folder);
    FILE *file = fopen(path, "w");
    for (size_t i = 0; i < 16; i++)
        sprintf(hex + 2 * i, "%02x", named.digests.md5[i]);
    fprintf(file, "md5,entry,state\n%s,x,withdrawn\n", hex);
    assert_int_equal(fclose(file), 0);
    options.act = person;
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    unit_ok(hk_import_file(import, path, &unit_error));
    unit_ok(hk_import_finish(&summary, import, &unit_error));
    hk_import_free(import);
    assert_int_equal(summary.withdrawn, 2);
    assert_int_equal(unit_approve(s.store, "known", "bob").withdrawn, 2);
    assert_states(&s, 1, 0, 2, 0);
    unit_store_remove(&s);
}

/* The feed corrects the entry: one version takes the place of both. */
static void test_corrected(void **state)
{
    (void)state;
    unit_store s;
    make(&s);
    const hk_import_summary third = import(&s, version(3), false);
    assert_int_equal(third.replaced, 1);
    assert_int_equal(third.added + third.withdrawn, 0);
    const hk_revision revision = unit_approve(s.store, "known", "bob");
    assert_int_equal(revision.added, 0);
    assert_int_equal(revision.replaced, 2);
    assert_states(&s, 2, 0, 0, 2);
    unit_store_remove(&s);
}

/* A person withdrew the version that waited after a third one was proposed: that one waits, and
 * the first one stays. */
static void test_rejected_before_the_third(void **state)
{
    (void)state;
    unit_store s;
    make(&s);
    import(&s, version(3), false);
    retract(&s, 3);
    const hk_revision revision = unit_approve(s.store, "known", "bob");
    assert_int_equal(revision.replaced, 0);
    assert_int_equal(revision.quarantined, 1);
    assert_states(&s, 2, 1, 1, 0);
    unit_store_remove(&s);
}

/* What a person rejected while an older version is searched for does not come back. */
static void test_rejected_proposal(void **state)
{
    (void)state;
    unit_store s;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    import(&s, version(1), false);
    unit_approve(s.store, "known", "bob");
    import(&s, version(2), false);
    retract(&s, 3);
    unit_approve(s.store, "known", "bob");
    assert_states(&s, 2, 0, 1, 0);
    const hk_import_summary again = import(&s, version(2), true);
    assert_int_equal(again.kept_withdrawn, 1);
    assert_int_equal(again.replaced + again.added + again.withdrawn, 0);
    unit_store_remove(&s);
}

/* A person's withdrawal is one too after the list was rolled back before it, and again to it. */
static void test_withdrawn_there_and_back(void **state)
{
    (void)state;
    unit_store s;
    hk_revision revision;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    import(&s, version(1), false);
    const uint64_t active = unit_approve(s.store, "known", "bob").number;
    retract(&s, 1);
    for (int i = 0; i < 2; i++) {
        unit_ok(hk_store_rollback(&revision, s.store, "known", active, &person, &unit_error));
        unit_ok(hk_store_rollback(&revision, s.store, "known", revision.number - 1, &person,
                                  &unit_error));
    }
    assert_states(&s, 1, 0, 1, 0);
    const hk_import_summary again = import(&s, version(1), false);
    assert_int_equal(again.kept_withdrawn, 1);
    assert_int_equal(again.added, 0);
    unit_store_remove(&s);
}

/* A feed may say one name anew in each of its lines: what is kept of it in memory has a bound. */
static void test_one_name_over_and_over(void **state)
{
    (void)state;
    enum { BOUND = 1 << 20 };
    hk__fresh_keys *keys;
    uint32_t number = 0;
    unit_ok(hk__fresh_keys_new(&keys, &unit_error));
    while (!hk__fresh_keys_full(keys) && number < BOUND)
        unit_ok(hk__fresh_keys_put(keys, 7, ++number, &unit_error));
    assert_true(number < BOUND);
    assert_int_equal(hk__fresh_keys_find(keys, 7), number);
    assert_int_equal(hk__fresh_keys_count(keys), number);
    hk__fresh_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_feed_again),
        cmocka_unit_test(test_withdrawn_by_the_feed),
        cmocka_unit_test(test_corrected),
        cmocka_unit_test(test_rejected_before_the_third),
        cmocka_unit_test(test_rejected_proposal),
        cmocka_unit_test(test_withdrawn_there_and_back),
        cmocka_unit_test(test_one_name_over_and_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
