/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_case_decide.c - what people decide: on groups and files, carried over, written as a list. */
#include "case_unit.h"

#include "store_world.h"

static const hk_act ann = {"ann", "holiday pictures", 1700000000};

/* A finished case: a group of three contents in four files, one file alone, one that has not been
 * read, a member of an archive. */
static void make(unit_case *u)
{
    uint64_t seed = 1;
    hk_file one = unit_case_photo(1), two = one, three = one;
    const hk_file alone = unit_case_photo(4);
    memcpy(two.digests.sha256, "two", 3);
    memcpy(three.digests.sha256, "three", 5);
    memcpy(two.digests.md5, "two", 3);
    memcpy(three.digests.md5, "three", 5);
    memcpy(two.digests.sha1, "two", 3);
    memcpy(three.digests.sha1, "three", 5);
    three.fingerprint.hash[0] = at_distance(&one.fingerprint.hash[0], 6, &seed);
    one.width = 900;
    unit_case_add(u, "evidence/one.jpg", &one);
    unit_case_add(u, "evidence/two.jpg", &two);
    unit_case_add(u, "evidence/three.jpg", &three);
    unit_case_add(u, "evidence/one again.jpg", &one);
    unit_case_add(u, "evidence/alone.jpg", &alone);
    unit_case_add_failed(u, "evidence/gone.jpg", HK_FILE_VANISHED, "no such file or folder");
    int64_t content;
    hk_file words = unit_case_photo(5);
    words.status = HK_FILE_NOT_AN_IMAGE;
    words.hashed = false;
    unit_ok(hk__case_put_content(&content, u->c, &words, 10, 0, &unit_error));
    unit_ok(hk__case_plan(u->c, 0, "evidence/a.zip", HK_FILE_NOT_AN_IMAGE, NULL, &unit_error));
    unit_ok(hk__case_settle_member(u->c, sqlite3_last_insert_rowid(u->c->db), 0, "in/words",
                                   content, HK_FILE_OK, NULL, &unit_error));
    unit_case_finish(u);
}

static uint64_t decide(unit_case *u, uint64_t group, const char *path, const char *category,
                       const hk_act *act)
{
    uint64_t contents = 77;
    unit_ok(hk_case_decide(&contents, u->c, group, path, category, act, &unit_error));
    return contents;
}

/* "path category by actor[ (reason)][ from carried]" of what stands. */
static void assert_decided(unit_case *u, const char *expected)
{
    char text[2048] = "";
    hk_case_reading *reading;
    const hk_case_file *got;
    unit_ok(hk_case_reading_open(&reading, u->c, HK_CASE_DECIDED, &unit_error));
    for (;;) {
        unit_ok(hk_case_reading_next(&got, reading, &unit_error));
        if (!got)
            break;
        const hk_decision *d = got->decision;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s by %s%s%s%s\n",
                 strchr(got->file.path, '/') + 1, d->category, d->actor, d->reason ? ": " : "",
                 d->reason ? d->reason : "", d->carried ? " carried" : "");
    }
    hk_case_reading_close(reading);
    assert_string_equal(text, expected);
}

static bool tell(void *context, const hk_case_decision *d)
{
    char *text = context;
    snprintf(text + strlen(text), 2048 - strlen(text), "%s %s by %s%s x%llu%s\n",
             strchr(d->path, '/') + 1, d->decision.category ? d->decision.category : "undone",
             d->decision.actor, d->decision.carried ? " carried" : "", (unsigned long long)d->files,
             d->stands ? " stands" : "");
    return true;
}

static void assert_history(unit_case *u, const char *expected)
{
    char text[2048] = "";
    unit_ok(hk_case_decisions(u->c, tell, text, &unit_error));
    assert_string_equal(text, expected);
}

static void test_deciding(void **state)
{
    (void)state;
    unit_case u;
    unit_case_make(&u);
    make(&u);
    assert_int_equal(decide(&u, 1, NULL, "harmless", &ann), 3);
    assert_decided(&u, "one again.jpg harmless by ann: holiday pictures\n"
                       "one.jpg harmless by ann: holiday pictures\n"
                       "three.jpg harmless by ann: holiday pictures\n"
                       "two.jpg harmless by ann: holiday pictures\n");
    const hk_act bob = {.actor = "bob", .at = 1700000001};
    assert_int_equal(decide(&u, 0, "evidence/three.jpg", "C1", &bob), 1);
    assert_int_equal(decide(&u, 0, "evidence/a.zip!/in/words", "C2", &bob), 1);
    /* Taking back what stands, and only that. */
    assert_int_equal(decide(&u, 0, "evidence/two.jpg", NULL, &bob), 1);
    assert_int_equal(decide(&u, 0, "evidence/two.jpg", NULL, &bob), 0);
    assert_int_equal(decide(&u, 0, "evidence/alone.jpg", NULL, &bob), 0);
    unit_case_reopen(&u, HK_CASE_READ); /* it is on the disk */
    assert_decided(&u, "a.zip!/in/words C2 by bob\n"
                       "one again.jpg harmless by ann: holiday pictures\n"
                       "one.jpg harmless by ann: holiday pictures\n"
                       "three.jpg C1 by bob\n");
    assert_history(&u, "one again.jpg harmless by ann x2 stands\n"
                       "two.jpg harmless by ann x1\n"
                       "three.jpg harmless by ann x1\n"
                       "three.jpg C1 by bob x1 stands\n"
                       "a.zip!/in/words C2 by bob x1 stands\n"
                       "two.jpg undone by bob x1\n");
    hk_case_info info;
    unit_ok(hk_case_describe(&info, u.c, &unit_error));
    assert_int_equal(info.decisions, 3);
    unit_case_remove(&u);
}

/* What cannot be decided on leaves everything as it is. */
static void test_refused(void **state)
{
    (void)state;
    unit_case u;
    uint64_t contents = 77;
    char longest[HK_ERROR_MESSAGE_SIZE];
    memset(longest, 'a', 257);
    longest[257] = '\0';
    unit_case_make(&u);
    make(&u);
    const hk_act nobody = {.actor = ""}, escape = {.actor = "an\x1b[2J"},
                 bad = {.actor = "ann", .reason = "\xff"};
#define REFUSED(group, path, category, act, words)                                                 \
    FAILS(hk_case_decide(&contents, u.c, group, path, category, act, &err), HK_ERR_USAGE, words)
    REFUSED(2, NULL, "C1", &ann, "no group 2");
    REFUSED(UINT64_MAX, NULL, "C1", &ann, "no such group");
    REFUSED(0, "evidence/nothing", "C1", &ann, "no file evidence/nothing");
    REFUSED(0, "evidence/gone.jpg", "C1", &ann, "were not read");
    REFUSED(0, NULL, "C1", &ann, "on a group, or on a file");
    REFUSED(1, NULL, "C1", &nobody, "the name of who");
    REFUSED(1, NULL, "C1", NULL, "the name of who");
    REFUSED(1, NULL, "", &ann, "a category");
    REFUSED(1, NULL, longest, &ann, "a category is at most 256 bytes");
    REFUSED(1, NULL, "C1", &escape, "a name is at most");
    REFUSED(1, NULL, "C1", &bad, "a reason is at most 1024");
    unit_ok(hk__case_set_state(u.c, HK_CASE_GROUPING, &unit_error));
    REFUSED(1, NULL, "C1", &ann, "not finished");
    unit_ok(hk__case_set_state(u.c, HK_CASE_FINISHED, &unit_error));
    unit_ok(hk__case_commit(u.c, &unit_error));
    unit_case_reopen(&u, HK_CASE_READ);
    REFUSED(1, NULL, "C1", &ann, "opened for reading");
    assert_int_equal(contents, 77);
    assert_history(&u, "");
    unit_case_remove(&u);
}

static uint64_t carry(unit_case *to, const unit_case *from)
{
    uint64_t contents;
    unit_ok(hk_case_carry(&contents, to->c, from->path, &unit_error));
    return contents;
}

static void test_carrying(void **state)
{
    (void)state;
    unit_case old, now, later;
    unit_case_make(&old);
    make(&old);
    const hk_act bob = {.actor = "bob", .at = 1700000005};
    decide(&old, 1, NULL, "harmless", &ann);
    decide(&old, 0, "evidence/alone.jpg", "C1", &ann);
    decide(&old, 0, "evidence/two.jpg", NULL, &bob);
    unit_case_reopen(&old, HK_CASE_READ);

    unit_case_make_beside(&now, &old, "now.case");
    make(&now);
    decide(&now, 0, "evidence/one.jpg", "C9", &(hk_act){.actor = "bob", .at = 1}); /* stands */
    uint64_t carried = 77;
    FAIL_EVERY_ALLOCATION(hk_case_carry(&carried, now.c, old.path, NULL), carried == 77);
    assert_int_equal(carried, 2);
    assert_decided(&now, "alone.jpg C1 by ann: holiday pictures carried\n"
                         "one again.jpg C9 by bob\n"
                         "one.jpg C9 by bob\n"
                         "three.jpg harmless by ann: holiday pictures carried\n");
    assert_int_equal(carry(&now, &old), 0); /* not twice */

    /* A third case gets them with the case that they were made in, and a newer one of the old case
     * in place of what was carried. */
    unit_case_reopen(&now, HK_CASE_READ);
    unit_case_make_beside(&later, &old, "later.case");
    make(&later);
    assert_int_equal(carry(&later, &now), 3);
    hk_case_close(old.c);
    unit_ok(hk_case_open(&old.c, old.path, HK_CASE_WRITE, &unit_error));
    decide(&old, 0, "evidence/alone.jpg", NULL, &bob);
    decide(&old, 0, "evidence/three.jpg", "C3", &bob);
    unit_case_reopen(&old, HK_CASE_READ);
    assert_int_equal(carry(&later, &old), 3);
    assert_int_equal(carry(&later, &now), 0); /* what is older does not come back */
    assert_decided(&later, "one again.jpg harmless by ann: holiday pictures carried\n"
                           "one.jpg harmless by ann: holiday pictures carried\n"
                           "three.jpg C3 by bob carried\n");
    int64_t count;
    unit_ok(hk__sql_number(&count, 0, later.c->db, &unit_error,
                           "SELECT count(*) FROM decision WHERE carried = 'night.case'", ""));
    assert_int_equal(count, 5);
    uint64_t contents = 77;
    FAILS(hk_case_carry(&contents, later.c, later.path, &err), HK_ERR_USAGE, "is this case itself");
    FAILS(hk_case_carry(&contents, later.c, "/tmp/herken-no-such-case", &err), HK_ERR_IO,
          "cannot be opened");
    FAILS(hk_case_carry(&contents, now.c, old.path, &err), HK_ERR_USAGE, "opened for reading");
    assert_int_equal(contents, 77);
    hk_case_close(later.c);
    hk_case_close(now.c);
    unit_case_remove(&old);
}

/* What an old case says that no person can have said is not taken over. */
static void test_carrying_from_anybody(void **state)
{
    (void)state;
    static const char *const harm[] = {"UPDATE decision SET category = x'ff'",
                                       "UPDATE decision SET actor = ''",
                                       "UPDATE decision SET at = 'now'",
                                       "UPDATE decision SET reason = char(27)",
                                       "UPDATE decision SET carried = zeroblob(300)",
                                       "UPDATE decision SET content = 99",
                                       "UPDATE decision SET category = printf('%300s', '')"};
    for (size_t i = 0; i < COUNT_OF(harm); i++) {
        unit_case old, now;
        uint64_t contents = 77;
        unit_case_make(&old);
        make(&old);
        decide(&old, 1, NULL, "harmless", &ann);
        unit_ok(hk__sql_run(old.c->db, harm[i], &unit_error));
        unit_ok(hk__case_commit(old.c, &unit_error));
        unit_case_reopen(&old, HK_CASE_READ);
        unit_case_make_beside(&now, &old, "now.case");
        make(&now);
        FAILS(hk_case_carry(&contents, now.c, old.path, &err), HK_ERR_FORMAT, "damaged");
        assert_int_equal(contents, 77);
        assert_history(&now, "");
        hk_case_close(now.c);
        unit_case_remove(&old);
    }
}

/* ---- as a list ------------------------------------------------------------------------------- */

/* Entries of the list that stand in it, by their names. */
static void assert_listed(hk_store *store, const char *list, const char *expected)
{
    char text[2048] = "";
    hk_reading *reading;
    const hk_listed *listed;
    unit_ok(hk_reading_open(&reading, store, list, 0, 1u << HK_ENTRY_ACTIVE, &unit_error));
    for (;;) {
        unit_ok(hk_reading_next(&listed, reading, &unit_error));
        if (!listed)
            break;
        const hk_entry *e = &listed->entry;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s %s %d %x %lld %s\n",
                 e->name, e->category, e->source, e->has_hash ? e->quality : -2, e->digests.present,
                 (long long)e->date, e->extra ? e->extra : "-");
    }
    hk_reading_close(reading);
    assert_string_equal(text, expected);
}

static void test_export_comes_in_as_a_list(void **state)
{
    (void)state;
    static const char *const formats[] = {"csv", "vics"};
    unit_store s;
    unit_case u;
    uint64_t written;
    char path[128];
    unit_store_make(&s);
    unit_case_make(&u);
    hk_file cut = unit_case_photo(9);
    cut.status = HK_FILE_TRUNCATED;
    cut.flags = HK_FLAG_TRUNCATED;
    unit_case_add(&u, "evidence/cut \xff.jpg", &cut);
    make(&u);
    decide(&u, 1, NULL, "1", &(hk_act){"ann", "says \"it\", in all\\", 1700000000});
    decide(&u, 0, "evidence/cut \xff.jpg", "2", &(hk_act){.actor = "bob", .at = 1700000001});
    decide(&u, 0, "evidence/a.zip!/in/words", "3", &(hk_act){.actor = "bob", .at = 1700000002});
    for (size_t f = 0; f < 2; f++) {
        hk_import *import;
        hk_import_summary summary;
        hk_import_options options = HK_IMPORT_OPTIONS_INIT;
        options.act = (hk_act){.actor = "ann", .at = 2};
        options.strict = true;
        snprintf(path, sizeof path, "%s/out.%s", u.folder, formats[f]);
        unit_ok(hk_case_export(&written, u.c, NULL, 0, formats[f], path, &unit_error));
        assert_int_equal(written, 5);
        unit_create(s.store, formats[f], false, false);
        unit_ok(hk_import_open(&import, s.store, formats[f], &options, &unit_error));
        unit_ok(hk_import_file(import, path, &unit_error));
        unit_ok(hk_import_finish(&summary, import, &unit_error));
        hk_import_free(import);
        assert_int_equal(summary.added, 5);
        assert_int_equal(summary.bad_lines, 0);
        unit_approve(s.store, formats[f], "ann");
        assert_listed(s.store, formats[f],
                      "words 3 case night.case -2 7 1700000002 {\"actor\":\"bob\"}\n"
                      "cut \\xff.jpg 2 case night.case -2 7 1700000001 {\"actor\":\"bob\"}\n"
                      "one again.jpg 1 case night.case 100 7 1700000000 "
                      "{\"actor\":\"ann\",\"reason\":\"says \\\"it\\\", in all\\\\\"}\n"
                      "three.jpg 1 case night.case 100 7 1700000000 "
                      "{\"actor\":\"ann\",\"reason\":\"says \\\"it\\\", in all\\\\\"}\n"
                      "two.jpg 1 case night.case 100 7 1700000000 "
                      "{\"actor\":\"ann\",\"reason\":\"says \\\"it\\\", in all\\\\\"}\n");
    }
    written = 77;
    FAILS(hk_case_export(&written, u.c, NULL, 0, "tx", path, &err), HK_ERR_USAGE, "csv or vics");
    FAILS(hk_case_export(&written, u.c, NULL, 0, NULL, path, &err), HK_ERR_USAGE, "csv or vics");
    FAILS(hk_case_export(&written, u.c, NULL, 0, "csv", u.path, &err), HK_ERR_USAGE,
          "written from");
    FAILS(hk_case_export(&written, u.c, NULL, 0, "csv", "/nowhere/at/all", &err), HK_ERR_IO,
          "cannot");
    FAIL_EVERY_ALLOCATION(hk_case_export(&written, u.c, NULL, 0, "csv", path, NULL), written == 77);
    unit_case_remove(&u);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deciding),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_carrying),
        cmocka_unit_test(test_carrying_from_anybody),
        cmocka_unit_test(test_export_comes_in_as_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
