/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_case.c - what is put into a case comes out of it, in the order of paths. */
#include "case_unit.h"

static hk_file near_hit(uint64_t n, unsigned distance)
{
    static hk_match matches[2];
    hk_file file = unit_case_photo(n);
    file.verdict = HK_VERDICT_NEAR;
    matches[0] = (hk_match){.list = "police",
                            .entry = "entry, \xff",
                            .category = "1",
                            .basis = HK_BASIS_PDQ,
                            .probe = "plain",
                            .distance = distance,
                            .orientation = HK_FLIPY,
                            .chance = 1e-9,
                            .chance_extrapolated = true,
                            .view = 2,
                            .frame = 7,
                            .backdrop = HK_BACKDROP_WHITE,
                            .aligned = true,
                            .placement = {.03f, -.08f, .25f, 0, -2.5f},
                            .before = 61,
                            .cut = 9};
    matches[1] =
        (hk_match){.list = "good", .entry = "holiday", .basis = HK_BASIS_MD5, .known_good = true};
    file.matches = matches;
    file.match_count = 2;
    return file;
}

/* A file list: "path status" a line. */
static void list_files(char *out, size_t size, hk_case *c, unsigned which)
{
    hk_case_reading *reading;
    const hk_case_file *file;
    *out = '\0';
    unit_ok(hk_case_reading_open(&reading, c, which, &unit_error));
    for (;;) {
        unit_ok(hk_case_reading_next(&file, reading, &unit_error));
        if (!file)
            break;
        snprintf(out + strlen(out), size - strlen(out), "%s %s%s%s\n", file->file.path,
                 hk_file_status_name(file->file.status), file->file.duplicate_of ? " of " : "",
                 file->file.duplicate_of ? file->file.duplicate_of : "");
    }
    hk_case_reading_close(reading);
}

static void test_order_and_duplicates(void **state)
{
    (void)state;
    char text[1024];
    unit_case u;
    unit_case_make(&u);
    const hk_file photo = unit_case_photo(1);
    hk_file words = unit_case_photo(2);
    words.status = HK_FILE_NOT_AN_IMAGE;
    words.hashed = false;
    /* Against the order of paths, as files come from several workers. */
    unit_case_add(&u, "evidence/z.jpg", &photo);
    unit_case_add(&u, "evidence/words2", &words);
    unit_case_add(&u, "evidence/b/a.jpg", &photo);
    unit_case_add(&u, "evidence/words1", &words);
    unit_case_add_failed(&u, "evidence/gone", HK_FILE_VANISHED, "no such file or folder");
    unit_case_add(&u, "evidence/b-a.jpg", &photo);
    unit_case_finish(&u);

    list_files(text, sizeof text, u.c, 0);
    assert_string_equal(text, "evidence/b-a.jpg ok\n"
                              "evidence/b/a.jpg duplicate of evidence/b-a.jpg\n"
                              "evidence/gone vanished\n"
                              "evidence/words1 not_an_image\n"
                              "evidence/words2 not_an_image\n"
                              "evidence/z.jpg duplicate of evidence/b-a.jpg\n");
    list_files(text, sizeof text, u.c, HK_CASE_FAILED);
    assert_string_equal(text, "evidence/gone vanished\n");
    list_files(text, sizeof text, u.c, HK_CASE_SKIPPED | HK_CASE_FIRSTS);
    assert_string_equal(text, "evidence/words1 not_an_image\n");

    hk_account account;
    unit_ok(hk_case_account(&account, u.c, &unit_error));
    assert_int_equal(account.found, 6);
    assert_int_equal(account.by_class[HK_CLASS_HASHED], 1);
    assert_int_equal(account.by_class[HK_CLASS_DUPLICATE], 2);
    assert_int_equal(account.by_class[HK_CLASS_SKIPPED], 2);
    assert_int_equal(account.by_class[HK_CLASS_FAILED], 1);
    assert_int_equal(account.by_verdict[HK_VERDICT_NONE], 5);
    assert_int_equal(account.by_verdict[HK_VERDICT_NOT_CHECKED], 1);
    assert_true(account.expected_false_matches == 0.0005);
    unit_case_remove(&u);
}

/* Of an archive each file says by itself what opening it came to. */
static void test_equal_archives(void **state)
{
    (void)state;
    char text[1024];
    int64_t content;
    hk_account account;
    unit_case u;
    unit_case_make(&u);
    hk_file archive = unit_case_photo(1);
    archive.status = HK_FILE_NOT_AN_IMAGE;
    archive.format = "zip";
    archive.hashed = false;
    unit_case_add(&u, "evidence/deep", &archive);
    content = unit_case_add(&u, "evidence/open", &archive);
    unit_ok(hk__case_settle(u.c, 1, content, HK_FILE_TOO_LARGE, "too deep", &unit_error));
    unit_ok(hk__case_settle(u.c, 2, content, HK_FILE_NOT_AN_IMAGE, "2 members", &unit_error));
    unit_case_finish(&u);
    list_files(text, sizeof text, u.c, HK_CASE_FAILED);
    assert_string_equal(text, "evidence/deep too_large\n");
    list_files(text, sizeof text, u.c, HK_CASE_SKIPPED);
    assert_string_equal(text, "evidence/open not_an_image\n");
    list_files(text, sizeof text, u.c, HK_CASE_FIRSTS | HK__CASE_PLAIN);
    assert_string_equal(text, "evidence/deep not_an_image\n");
    char *dump = unit_case_dump(u.c, 0);
    assert_non_null(strstr(dump, "evidence/deep too_large too deep/too_large 0 "));
    assert_non_null(strstr(dump, "evidence/open not_an_image 2 members/- 1 "));
    free(dump);
    unit_ok(hk_case_account(&account, u.c, &unit_error));
    assert_int_equal(account.found, 2);
    assert_int_equal(account.by_status[HK_FILE_TOO_LARGE], 1);
    assert_int_equal(account.by_class[HK_CLASS_SKIPPED], 1);
    assert_int_equal(account.by_class[HK_CLASS_FAILED], 1);
    assert_int_equal(account.by_verdict[HK_VERDICT_NONE], 1);
    assert_int_equal(account.by_verdict[HK_VERDICT_NOT_CHECKED], 1);

    /* Digests speak for bytes that nobody opened. */
    static const char *const good[] = {"known_good = 1", "known_good = 0, verdict = 3"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "UPDATE content SET %s", good[i]);
        unit_ok(hk__sql_run(u.c->db, sql, &unit_error));
        unit_ok(hk_case_account(&account, u.c, &unit_error));
        assert_int_equal(account.by_verdict[i ? HK_VERDICT_EXACT : HK_VERDICT_NONE], 2);
        dump = unit_case_dump(u.c, 0);
        assert_non_null(
            strstr(dump, i ? "too_large too deep/- 3 0/" : "too_large too deep/- 1 1/"));
        free(dump);
    }
    unit_case_remove(&u);
}

static void test_a_hit_comes_back_whole(void **state)
{
    (void)state;
    unit_case u;
    unit_case_make(&u);
    const hk_file photo = near_hit(3, 17);
    unit_case_add(&u, "evidence/\xff.jpg", &photo);
    unit_case_finish(&u);
    hk_case_reading *reading;
    const hk_case_file *got;
    unit_ok(hk_case_reading_open(&reading, u.c, HK_CASE_HITS, &unit_error));
    unit_ok(hk_case_reading_next(&got, reading, &unit_error));
    assert_non_null(got);
    const hk_file *file = &got->file;
    assert_string_equal(file->path, "evidence/\xff.jpg");
    assert_true(got->read);
    assert_int_equal(got->bytes, 1000);
    assert_memory_equal(file->fingerprint.hash, photo.fingerprint.hash,
                        sizeof photo.fingerprint.hash);
    assert_memory_equal(&file->digests, &photo.digests, sizeof photo.digests);
    assert_int_equal(file->match_count, 2);
    assert_string_equal(file->matches[0].entry, "entry, \xff");
    assert_string_equal(file->matches[0].category, "1");
    assert_int_equal(file->matches[0].distance, 17);
    assert_int_equal(file->matches[0].orientation, HK_FLIPY);
    assert_int_equal(file->matches[0].view, 2);
    assert_int_equal(file->matches[0].frame, 7);
    assert_int_equal(file->matches[0].backdrop, HK_BACKDROP_WHITE);
    assert_true(file->matches[0].aligned);
    const hk_placement place = {.03f, -.08f, .25f, 0, -2.5f};
    assert_memory_equal(&file->matches[0].placement, &place, sizeof place);
    assert_int_equal(file->matches[0].before, 61);
    assert_int_equal(file->matches[0].cut, 9);
    assert_true(file->matches[0].chance == 1e-9 && file->matches[0].chance_extrapolated);
    assert_string_equal(file->matches[1].list, "good");
    assert_null(file->matches[1].category);
    assert_true(file->matches[1].known_good);
    unit_ok(hk_case_reading_next(&got, reading, &unit_error));
    assert_null(got);
    hk_case_reading_close(reading);
    unit_case_remove(&u);
}

/* Of one content what was decoded stands, whichever of its files came first: a decoder that timed
 * out over one copy must not hide what another copy hit. */
static void test_the_better_reading_stands(void **state)
{
    (void)state;
    char *first = NULL;
    for (int order = 0; order < 2; order++) {
        unit_case u;
        unit_case_make(&u);
        const hk_file hit = near_hit(3, 17);
        hk_file failed[2] = {hit, hit};
        for (int i = 0; i < 2; i++) {
            failed[i].status = HK_FILE_TIMED_OUT;
            failed[i].reason = i ? "b" : "a";
            failed[i].hashed = false;
            failed[i].match_count = 0;
            failed[i].verdict = HK_VERDICT_NOT_CHECKED;
            failed[i].digests.sha256[31] = (uint8_t)i;
        }
        const hk_file other = unit_case_photo(9);
        hk_file shut[2] = {failed[0], failed[1]}; /* of which none was decoded */
        shut[0].digests.sha256[31] = shut[1].digests.sha256[31] = 77;
        const hk_file *const in_order[] = {&failed[0], &shut[1], &other, &hit, &shut[0]};
        for (int i = 0; i < 5; i++) {
            const int n = order ? 4 - i : i;
            char path[32];
            snprintf(path, sizeof path, "evidence/%d", n);
            unit_case_add(&u, path, in_order[n]);
        }
        unit_case_finish(&u);
        char *text = unit_case_dump(u.c, 0);
        if (first)
            assert_string_equal(text, first);
        assert_null(strstr(text, "timed_out b"));
        free(first);
        first = text;
        hk_account account;
        unit_ok(hk_case_account(&account, u.c, &unit_error));
        assert_int_equal(account.by_verdict[HK_VERDICT_NEAR], 2);
        assert_int_equal(account.by_status[HK_FILE_TIMED_OUT], 2);
        unit_case_remove(&u);
    }
    free(first);
}

/* What was read under a device and an inode is no word on what lies there after a restart: numbers
 * of devices are given out anew. */
static void test_links_of_a_session(void **state)
{
    (void)state;
    unit_case u;
    int64_t content, session;
    unit_case_make(&u);
    const hk_file photo = unit_case_photo(1);
    const int64_t number = unit_case_add(&u, "evidence/a", &photo);
    unit_ok(hk__case_put_inode(u.c, 2049, UINT64_MAX, number, &unit_error));
    unit_ok(hk__case_inode_of(&content, u.c, 2049, UINT64_MAX, &unit_error));
    assert_int_equal(content, number);
    unit_ok(hk__case_inode_of(&content, u.c, 2050, UINT64_MAX, &unit_error));
    assert_int_equal(content, 0);
    unit_ok(hk__case_session_begin(
        &session, u.c, &(hk_case_session){.machine = "m", .versions = "v"}, &unit_error));
    unit_ok(hk__case_inode_of(&content, u.c, 2049, UINT64_MAX, &unit_error));
    assert_int_equal(content, 0);
    unit_case_remove(&u);
}

static void test_one_writer(void **state)
{
    (void)state;
    hk_error err;
    hk_case *other;
    unit_case u;
    unit_case_make(&u);
    assert_int_equal(hk_case_open(&other, u.path, HK_CASE_WRITE, &err), HK_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "another process"));
    assert_int_equal(hk_case_open(&other, u.path, HK_CASE_READ, &err), HK_ERR_SYSTEM);
    unit_case_finish(&u);
    hk_case_close(u.c);
    char journal[96];
    snprintf(journal, sizeof journal, "%s-journal", u.path);
    assert_int_not_equal(access(journal, F_OK), 0); /* it is one file */
    unit_ok(hk_case_open(&u.c, u.path, HK_CASE_READ, &unit_error));
    unit_ok(hk_case_open(&other, u.path, HK_CASE_READ, &unit_error)); /* readers share it */
    hk_case_close(other);
    unit_case_remove(&u);
}

static void test_settings(void **state)
{
    (void)state;
    hk_error err;
    unit_case u;
    unit_case_make(&u);
    unit_case_finish(&u);
    unit_ok(hk__case_setting(u.c, "profile", "review", "profile", &unit_error));
    assert_int_equal(hk__case_setting(u.c, "profile", "gate", "profile", &err), HK_ERR_USAGE);
    assert_non_null(strstr(err.message, "another profile: review, and not gate"));
    hk_case_info info;
    unit_ok(hk_case_describe(&info, u.c, &unit_error));
    assert_int_equal(info.state, HK_CASE_FINISHED);
    assert_int_equal(info.radius[HK_KIND_PHOTO], 39);
    assert_int_equal(info.radius[HK_KIND_GRAPHIC], -1);
    assert_int_equal(info.lists, 2);
    unit_case_remove(&u);
}

/* Whatever a value is changed to, reading ends, with an error or without. */
static void test_damage(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "UPDATE content SET sha256 = 'short'", "UPDATE content SET hashes = zeroblob(255)",
        "UPDATE content SET verdict = 9",      "UPDATE content SET width = 'wide'",
        "UPDATE content SET id = 5000000000",  "UPDATE file SET content = 77",
        "UPDATE file SET path = x'610062'",    "UPDATE match SET orientation = 8",
        "UPDATE match SET list = 99",          "UPDATE match SET chance = -1",
        "UPDATE content SET flags = 1 << 40",  "UPDATE match SET entry = NULL",
        "UPDATE content SET format = x'00'",   "UPDATE file SET status = 2, content = NULL"};
    for (size_t i = 0; i < COUNT_OF(harm); i++) {
        hk_error err = {0};
        unit_case u;
        hk_case_reading *reading;
        const hk_case_file *file;
        unit_case_make(&u);
        const hk_file photo = near_hit(3, 17);
        unit_case_add(&u, "evidence/a.jpg", &photo);
        unit_case_finish(&u);
        sqlite3_exec(u.c->db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL);
        sqlite3_exec(u.c->db, harm[i], NULL, NULL, NULL); /* those a constraint refuses are fine */
        const bool changed = sqlite3_changes(u.c->db) > 0;
        hk_status status = hk_case_reading_open(&reading, u.c, 0, &err);
        if (!status) {
            status = hk_case_reading_next(&file, reading, &err);
            hk_case_reading_close(reading);
        }
        if (changed)
            assert_int_equal(status, HK_ERR_FORMAT);
        unit_case_remove(&u);
    }
}

/* Names are bytes, in archives too. */
static void test_members(void **state)
{
    (void)state;
    char text[512];
    int64_t content;
    unit_case u;
    unit_case_make(&u);
    const hk_file photo = unit_case_photo(1);
    unit_ok(hk__case_put_content(&content, u.c, &photo, 10, 0, &unit_error));
    unit_ok(
        hk__case_plan(u.c, 0, "evidence/\xff\xc3.zip", HK_FILE_NOT_AN_IMAGE, NULL, &unit_error));
    const int64_t archive = sqlite3_last_insert_rowid(u.c->db);
    unit_ok(
        hk__case_settle_member(u.c, archive, 0, "\xfe/a", content, HK_FILE_OK, NULL, &unit_error));
    unit_ok(
        hk__case_settle_member(u.c, archive, 1, "b", 0, HK_FILE_UNREADABLE, "broken", &unit_error));
    unit_case_finish(&u);
    list_files(text, sizeof text, u.c, 0);
    assert_string_equal(text, "evidence/\xff\xc3.zip not_an_image\n"
                              "evidence/\xff\xc3.zip!/b unreadable\n"
                              "evidence/\xff\xc3.zip!/\xfe/a ok\n");
    unit_case_remove(&u);
}

static void test_no_case(void **state)
{
    (void)state;
    hk_error err;
    hk_case *c;
    assert_int_equal(hk_case_open(&c, "/tmp/herken-no-such-case", HK_CASE_READ, &err), HK_ERR_IO);
    assert_int_equal(hk_case_open(&c, "/tmp", HK_CASE_READ, &err), HK_ERR_IO);
    unit_store s;
    unit_store_make(&s);
    assert_int_equal(hk_case_open(&c, s.path, HK_CASE_READ, &err), HK_ERR_FORMAT);
    assert_non_null(strstr(err.message, "no case"));
    assert_int_equal(hk__case_create(&c, s.path, &err), HK_ERR_USAGE);
    unit_store_remove(&s);
}

static void test_newer_version(void **state)
{
    (void)state;
    hk_error err;
    hk_case *c;
    unit_case u;
    unit_case_make(&u);
    unit_case_finish(&u);
    hk_case_close(u.c);
    u.c = NULL;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(u.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int mode = HK_CASE_READ; mode <= HK_CASE_WRITE; mode++) {
        assert_int_equal(hk_case_open(&c, u.path, (hk_case_mode)mode, &err), HK_ERR_FORMAT);
        assert_non_null(strstr(err.message, "is a case of version 4"));
    }
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_duplicates),
        cmocka_unit_test(test_equal_archives),
        cmocka_unit_test(test_a_hit_comes_back_whole),
        cmocka_unit_test(test_the_better_reading_stands),
        cmocka_unit_test(test_links_of_a_session),
        cmocka_unit_test(test_one_writer),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_no_case),
        cmocka_unit_test(test_newer_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
