/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_screen.c - what a screening finds: each reason by itself, with its words. */
#include "screen_unit.h"

/* ---- one reason at a time ------------------------------------------------------------------ */

static void test_nothing(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[50];
    hk_error err;
    uint64_t suspicious = 7;
    make(&s);
    assert_int_equal(screen(s.store, "known", 100), 0); /* not even an import */
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        entries[i] = unit_entry(i);
    let_in(s.store, "stock", entries, 10);
    unit_import(s.store, "known", "ann", entries + 10, 40, false);
    assert_int_equal(unit_info(s.store, "known").unscreened, 40);
    assert_int_equal(screen(s.store, "known", 1), 0);
    assert_int_equal(count(s.store, "SELECT count(*) FROM suspicion"), 0);
    assert_int_equal(unit_info(s.store, "known").entries[HK_ENTRY_PROPOSED], 40);

    hk_screen_options wrong = options_of(257, 1);
    assert_int_equal(hk_store_screen(&suspicious, s.store, "known", &wrong, &err), HK_ERR_USAGE);
    wrong = options_of(31, 1);
    wrong.size--;
    assert_int_equal(hk_store_screen(&suspicious, s.store, "known", &wrong, &err), HK_ERR_USAGE);
    assert_int_equal(hk_store_screen(&suspicious, s.store, "no", NULL, &err), HK_ERR_USAGE);
    assert_int_equal(suspicious, 7);
    unit_ok(hk_store_screen(&suspicious, s.store, "known", NULL, &unit_error));
    assert_int_equal(suspicious, 0);
    hk_store_close(s.store);
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_READ, &unit_error));
    assert_int_equal(hk_store_screen(&suspicious, s.store, "known", NULL, &err), HK_ERR_USAGE);
    unit_store_remove(&s);
}

static void test_known_good(void **state)
{
    (void)state;
    unit_store s;
    hk_entry good[6], bad[6];
    make(&s);
    for (size_t i = 0; i < 6; i++) {
        good[i] = unit_entry(i + 1);
        bad[i] = unit_entry(i + 101);
    }
    good[0].id = "WP-1";
    good[1].digests.present = HK_DIGEST_SHA1;
    good[2].digests.present = HK_DIGEST_SHA256;
    let_in(s.store, "stock", good, 6);
    /* Withdrawn, in quarantine for its hash, which leaves its digest searched, and proposed. */
    unit_ok(hk__sql_run(s.store->db,
                        "UPDATE entry SET state = 4 WHERE id = 4;"
                        "UPDATE entry SET state = 3, suspect = 32 WHERE id = 5",
                        &unit_error));
    for (size_t i = 0; i < 6; i++)
        bad[i].digests = good[i].digests;
    bad[5].digests.md5[15] ^= 1;
    unit_import(s.store, "known", "ann", bad, 6, false);
    assert_int_equal(screen(s.store, "known", 100), 3);
    for (uint32_t i = 0; i < 6; i++)
        assert_suspect(s.store, 7 + i, i < 3 ? HK_SUSPECT_KNOWN_GOOD : 0);
    assert_words(s.store, 7, HK_SUSPECT_KNOWN_GOOD, "the same MD5 as WP-1 in list stock");
    assert_words(s.store, 8, HK_SUSPECT_KNOWN_GOOD, "the same SHA-1 as #2 in list stock");
    assert_words(s.store, 9, HK_SUSPECT_KNOWN_GOOD, "the same SHA-256 as #3 in list stock");

    /* And the other way: what is known may not become known good. */
    unit_approve(s.store, "known", "ann");
    hk_entry both = unit_entry(200);
    both.digests.md5[0] = 9;
    hk_entry known = both;
    known.has_hash = false;
    let_in(s.store, "known", &known, 1);
    both.hash = unit_entry(300).hash;
    unit_import(s.store, "stock", "ann", &both, 1, false);
    assert_int_equal(screen(s.store, "stock", 100), 1);
    assert_suspect(s.store, 14, HK_SUSPECT_KNOWN_GOOD);
    assert_words(s.store, 14, HK_SUSPECT_KNOWN_GOOD, "the same MD5 as #13 in list known");
    unit_store_remove(&s);
}

static void test_near_known_good(void **state)
{
    (void)state;
    unit_store s;
    uint64_t seed = 3;
    hk_entry good[3], bad[4];
    make(&s);
    unit_create(s.store, "paper", true, false);
    for (size_t i = 0; i < 3; i++)
        good[i] = unit_entry(i + 1);
    good[0].id = "WP-1";
    let_in(s.store, "stock", good, 2);
    for (size_t i = 0; i < 4; i++)
        bad[i] = unit_entry(i + 101);
    bad[0].hash = at_distance(&good[0].hash, 31, &seed);
    bad[1].hash = at_distance(&good[1].hash, 32, &seed);
    good[2].hash = at_distance(&bad[2].hash, 3, &seed); /* the nearest is named */
    hk_entry both = unit_entry(50);
    both.hash = at_distance(&bad[2].hash, 20, &seed);
    let_in(s.store, "stock", &both, 1);
    let_in(s.store, "paper", good + 2, 1);
    unit_import(s.store, "known", "ann", bad, 4, false);
    assert_int_equal(screen(s.store, "known", 100), 2);
    assert_suspect(s.store, 5, HK_SUSPECT_NEAR_KNOWN_GOOD);
    assert_suspect(s.store, 6, 0);
    assert_suspect(s.store, 7, HK_SUSPECT_NEAR_KNOWN_GOOD);
    assert_suspect(s.store, 8, 0);
    assert_words(s.store, 5, HK_SUSPECT_NEAR_KNOWN_GOOD, "within 31 bits of WP-1 in list stock");
    assert_words(s.store, 7, HK_SUSPECT_NEAR_KNOWN_GOOD, "within 3 bits of #4 in list paper");
    assert_int_equal(unit_info(s.store, "known").entries[HK_ENTRY_QUARANTINED], 2);
    unit_store_remove(&s);
}

/* Three others are no crowd of more than three, four are; equal hashes count, and so do entries
 * that are there already, but are not touched. */
static void test_crowded(void **state)
{
    (void)state;
    unit_store s;
    uint64_t seed = 3;
    hk_entry entries[9];
    make(&s);
    for (size_t i = 0; i < 9; i++)
        entries[i] = unit_entry(i + 1);
    for (size_t i = 1; i < 4; i++)
        entries[i].hash = i == 1 ? entries[0].hash : at_distance(&entries[0].hash, 15, &seed);
    for (size_t i = 5; i < 9; i++)
        entries[i].hash = i < 7 ? entries[4].hash : at_distance(&entries[4].hash, 15, &seed);
    let_in(s.store, "known", &entries[6], 1);
    unit_import(s.store, "known", "ann", entries, 6, false);
    unit_import(s.store, "known", "ann", entries + 7, 2, false);
    assert_int_equal(screen(s.store, "known", 4), 0);
    unit_ok(hk__sql_run(s.store->db, "UPDATE batch SET screened = 0", &unit_error));
    assert_int_equal(screen(s.store, "known", 3), 4);
    for (uint32_t i = 1; i <= 9; i++)
        assert_suspect(s.store, i, i >= 6 ? HK_SUSPECT_CROWDED : 0);
    assert_words(s.store, 9, HK_SUSPECT_CROWDED, "within 31 bits of more than 3 others");
    unit_store_remove(&s);
}

static void test_contradiction(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[9];
    static const char *const category[9] = {"1", "2", "1", "1", NULL, "2", "1", "2", "3"};
    make(&s);
    for (size_t i = 0; i < 9; i++) {
        entries[i] = unit_entry(i + 1);
        entries[i].category = category[i];
    }
    entries[1].digests = entries[0].digests; /* contradict each other */
    entries[3].digests = entries[2].digests; /* agree */
    entries[5].hash = entries[4].hash;       /* one says nothing */
    entries[7].hash = entries[6].hash;       /* contradict each other, and the one says it twice */
    entries[7].digests = entries[6].digests;
    entries[7].digests.present |= HK_DIGEST_SHA1; /* else they would be one entry */
    entries[8].hash = entries[6].hash;            /* contradicts both */
    let_in(s.store, "known", entries, 1);
    unit_import(s.store, "known", "ann", entries + 1, 8, false);
    assert_int_equal(screen(s.store, "known", 100), 4);
    for (uint32_t i = 1; i <= 9; i++)
        assert_suspect(s.store, i, i == 2 || i >= 7 ? HK_SUSPECT_CONTRADICTION : 0);
    assert_words(s.store, 2, HK_SUSPECT_CONTRADICTION,
                 "the same MD5 as #1 under category 1, here 2");
    assert_words(s.store, 8, HK_SUSPECT_CONTRADICTION,
                 "the same MD5 as #7 under category 1, here 2");
    assert_words(s.store, 9, HK_SUSPECT_CONTRADICTION,
                 "the same PDQ hash as #7 under category 1, here 3");
    assert_int_equal(count(s.store, "SELECT count(*) FROM suspicion"), 4);
    unit_store_remove(&s);
}

/* What a feed replaces or no longer has is about to go: it contradicts nothing and is no crowd;
 * unless what replaces it will not come in. */
static void test_leaving(void **state)
{
    (void)state;
    unit_store s;
    hk_entry old[6], new[6];
    static const char *const id[6] = {"A", "B", "C", "D", "E", "F"};
    make(&s);
    for (size_t i = 0; i < 6; i++) {
        old[i] = unit_entry(i + 1);
        old[i].id = id[i];
        old[i].category = "1";
        old[i].hash = old[0].hash;
        new[i] = old[i];
        new[i].category = "2";
    }
    let_in(s.store, "known", old, 6);
    unit_import(s.store, "known", "ann", new, 6, false);
    assert_int_equal(screen(s.store, "known", 5), 0);
    unit_approve(s.store, "known", "ann");
    assert_int_equal(unit_info(s.store, "known").entries[HK_ENTRY_REPLACED], 6);
    /* Two of them go on saying what they said, three change back, one is gone. */
    unit_import(s.store, "known", "ann", (hk_entry[]){new[0], new[1], old[2], old[3], old[4]}, 5,
                true);
    assert_int_equal(screen(s.store, "known", 4), 3); /* as those that stay say "2" */
    for (uint32_t i = 13; i <= 15; i++)
        assert_suspect(s.store, i, HK_SUSPECT_CONTRADICTION);

    unit_store_remove(&s);
    make(&s);
    let_in(s.store, "known", old, 1);
    new[0].quality = 10;
    hk_entry other = unit_entry(50);
    other.category = "2";
    other.hash = old[0].hash;
    unit_import(s.store, "known", "ann", (hk_entry[]){new[0], other}, 2, false);
    assert_int_equal(screen(s.store, "known", 100), 2);
    assert_suspect(s.store, 2, HK_SUSPECT_LOW_QUALITY); /* does not contradict what it replaces */
    assert_suspect(s.store, 3, HK_SUSPECT_CONTRADICTION);
    unit_store_remove(&s);
}

/* Numbers, spans and steps that no import makes. */
static void test_damaged(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[4];
    hk_error err;
    uint64_t suspicious = 7;
    make(&s);
    for (size_t i = 0; i < 4; i++)
        entries[i] = unit_entry(i);
    unit_import(s.store, "known", "ann", entries, 4, false);
    unit_ok(hk__sql_run(s.store->db,
                        "INSERT INTO span VALUES(1, 2, 7), (1, -5, 3), (1, 4, -9), (1, 3, 1);"
                        "INSERT INTO step VALUES(1, 99, 77), (1, -1, 0), (1, 3, 4294967296)",
                        &unit_error));
    unit_ok(hk_store_screen(&suspicious, s.store, "known", NULL, &unit_error));
    assert_int_equal(suspicious, 0);
    unit_ok(hk__sql_run(s.store->db,
                        "UPDATE batch SET screened = 0; UPDATE entry SET pdq = x'01' WHERE id = 3",
                        &unit_error));
    suspicious = 7;
    assert_int_equal(hk_store_screen(&suspicious, s.store, "known", NULL, &err), HK_ERR_FORMAT);
    assert_int_equal(suspicious, 7);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),         cmocka_unit_test(test_known_good),
        cmocka_unit_test(test_near_known_good), cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_contradiction),   cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
