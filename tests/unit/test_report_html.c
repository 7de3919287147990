/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_report_html.c - the HTML page: what it says of a case, and what a suspect cannot make it
 * say; its parts by themselves. */
#include "page_unit.h"

#include "case/case.h"
#include "report/report_page.h"

/* The page of a case; owned by the caller. */
static char *page_of(unit_case *u)
{
    char *text = NULL;
    size_t size = 0;
    const hk_report_options options = HK_REPORT_OPTIONS_INIT;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    unit_ok(hk__report_html(out, u->c, &options, &unit_error));
    assert_int_equal(fclose(out), 0);
    return text;
}

static bool has(const char *text, const char *part)
{
    if (strstr(text, part))
        return true;
    print_error("lacks: %s\n", part);
    return false;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* Takes the first `from`..`to` out, leaving both. */
static void cut_between(char *text, const char *from, const char *to)
{
    char *begin = strstr(text, from);
    assert_non_null(begin);
    begin += strlen(from);
    char *end = strstr(begin, to);
    assert_non_null(end);
    memmove(begin, end, strlen(end) + 1);
}

/* ---- the golden page ----------------------------------------------------------------------- */

static void make_small(unit_case *u)
{
    unit_case_make(u);
    unit_case_set(u->c, "version", "0.0.0");
    unit_case_set(u->c, "model", "0");
    unit_case_set(u->c, "calibration", "0");
    hk_match match = unit_near("police", "ref-1", "1", 7);
    match.probe = "outframe";
    match.aligned = true;
    match.placement = (hk_placement){.0312f, .0894f, -.05f, .0231f, 3};
    match.chance = 5e-8;
    match.chance_extrapolated = true;
    match.orientation = HK_FLIPY;
    match.inverted = true;
    unit_add_matched(u, "evidence/a/near.jpg", 1, HK_VERDICT_NEAR, &match, 1);
    const hk_match same[] = {unit_same("police", "ref-2", NULL, HK_BASIS_MD5),
                             unit_same("police", "ref-2", NULL, HK_BASIS_SHA256)};
    unit_add_matched(u, "evidence/a/exact.jpg", 2, HK_VERDICT_EXACT, same, 2);
    unit_add_matched(u, "evidence/b/copy.jpg", 2, HK_VERDICT_EXACT, NULL, 0);
    const hk_match both[] = {unit_same("police", "ref-3", "2", HK_BASIS_MD5),
                             unit_same("good", "icon", NULL, HK_BASIS_MD5)};
    unit_add_matched(u, "evidence/b/conflict.png", 3, HK_VERDICT_EXACT, both, 2);
    unit_add_matched(u, "evidence/b/one.jpg", 4, HK_VERDICT_NONE, NULL, 0);
    unit_add_matched(u, "evidence/b/two.jpg", 5, HK_VERDICT_NONE, NULL, 0);
    unit_sql(u, "INSERT INTO grouping VALUES(4, 1, 4, 0, 0, 0), (5, 1, 4, 9, 0, 0);"
                "INSERT INTO decision(content, category, actor, at, reason)"
                " VALUES(5, 'harmless', 'A. Person', 1000000000, 'a wedding')");
    unit_add_other(u, "evidence/c/cut.jpg", 6, HK_FILE_TRUNCATED, "jpeg", "9 rows are missing",
                   "truncated");
    unit_add_other(u, "evidence/c/words.txt", 7, HK_FILE_NOT_AN_IMAGE, NULL, NULL, NULL);
    unit_case_add_failed(u, "evidence/c/secret.jpg", HK_FILE_NO_ACCESS, "permission denied");
    unit_sql(u, "INSERT INTO tick VALUES(1, 1000000010, 5, 0), (1, 1000000020, 9, 1)");
    unit_sql(u, "UPDATE session SET ended = started + 20, done = 9");
    unit_ok(hk__case_set_state(u->c, HK_CASE_FINISHED, &unit_error));
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Without style and version. What it is now lies beside the test if it differs. */
static void test_golden(void **state)
{
    (void)state;
    unit_case u;
    make_small(&u);
    char *page = page_of(&u), *again = page_of(&u);
    assert_string_equal(page, again);
    cut_between(page, "<style>", "</style>");
    cut_between(page, "<dt>This page by</dt><dd>", "</dd>");
    char *golden = read_file(GOLDEN "/page.html");
    if (strcmp(page, golden) != 0) {
        FILE *now = fopen("page.html.now", "w");
        assert_non_null(now);
        fputs(page, now);
        fclose(now);
        fail_msg("the page is not tests/golden/report/page.html: see page.html.now");
    }
    free(golden);
    free(again);
    free(page);
    unit_case_remove(&u);
}

/* ---- what it says -------------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
    (void)state;
    unit_case u;
    unit_case_make(&u);
    char *page = page_of(&u);
    assert_true(has(page, "There were no files: this is no finding."));
    assert_true(has(page, "The account closes: 0 = 0 + 0 + 0 + 0"));
    free(page);
    unit_case_add_failed(&u, "evidence/x", HK_FILE_VANISHED, "no such file");
    page = page_of(&u);
    assert_true(has(page, "None of the files could be checked: this is no finding."));
    free(page);
    unit_add_matched(&u, "evidence/y", 1, HK_VERDICT_NONE, NULL, 0);
    page = page_of(&u);
    assert_true(has(page, "No match among the 1 file that could be checked."));
    assert_true(has(page, "1 file was <a href=#unchecked>not checked</a>: nothing is said"));
    free(page);
    unit_case_remove(&u);

    unit_case_make(&u);
    unit_add_matched(&u, "evidence/y", 1, HK_VERDICT_NONE, NULL, 0);
    page = page_of(&u);
    assert_true(has(page, "No match: of 1 file every one was checked."));
    assert_true(has(page, "No file was left unchecked."));
    assert_null(strstr(page, "of a run</strong>"));
    free(page);
    unit_case_remove(&u);
}

static void test_part(void **state)
{
    (void)state;
    unit_case u;
    unit_case_make(&u);
    unit_add_matched(&u, "evidence/y", 1, HK_VERDICT_NONE, NULL, 0);
    unit_case_set(u.c, "shard", "2");
    unit_case_set(u.c, "shards", "3");
    char *page = page_of(&u);
    assert_true(has(page, "This is part 2 of 3 of a run"));
    free(page);
    unit_case_remove(&u);
}

/* Ticks come by session and time, sessions counted from 0 whatever their numbers are. */
static void keep_tick(void *context, const hk__case_tick_row *tick)
{
    char *text = context;
    snprintf(text + strlen(text), 200 - strlen(text), "%zu:%lld:%llu:%llu ", tick->session,
             (long long)tick->at, (unsigned long long)tick->done, (unsigned long long)tick->failed);
}

static void test_ticks(void **state)
{
    (void)state;
    char text[200] = "";
    unit_case u;
    unit_case_make(&u);
    unit_sql(&u,
             "INSERT INTO session VALUES(7, 50, NULL, 1, 0, '', '');"
             "INSERT INTO tick VALUES(7, 60, 4, 1), (1, 30, 9, 0), (1, 20, 5, 0), (7, 55, 2, 0),"
             " (99, 1, 1, 1)");
    unit_ok(hk__case_ticks(u.c, keep_tick, text, &unit_error));
    assert_string_equal(text, "0:20:5:0 0:30:9:0 1:55:2:0 1:60:4:1 ");
    unit_case_remove(&u);
}

static void test_night(void **state)
{
    (void)state;
    unit_case u;
    unit_night_make(&u);
    char *page = page_of(&u);
    assert_true(has(page,
                    "59 of 659 files match known material: 26 by the same bytes, 33 by nearly "
                    "the same picture."));
    assert_true(has(page, "The account closes: 659 = 410 + 81 + 134 + 34"));
    assert_true(has(page, "2 files are in <a href=#hits>conflict</a>"));
    /* Conflicts stand before exact hits, those before near ones. */
    const char *parts[] = {"<h3 id=hits-0>Conflicts", "icons.png", "<h3 id=hits-1>Exact",
                           "<h3 id=hits-2>Near", "old.zip!/<wbr>inner/<wbr>photo.jpg"};
    for (size_t i = 1; i < COUNT_OF(parts); i++)
        assert_true(strstr(strstr(page, "id=hits "), parts[i - 1]) <
                    strstr(strstr(page, "id=hits "), parts[i]));
    assert_true(has(page, "probe <bdi>plain</bdi>, inverted"));
    assert_true(has(page, "once in 45 million look-ups"));
    assert_true(has(page, "Group 1: 14 pictures in 28 files"));
    assert_true(has(page, "7 of 7 decided"));
    assert_true(has(page, "carried over from <bdi>spring.case</bdi>"));
    for (int s = HK_FILE_UNSUPPORTED; s < HK_FILE_STATUSES; s++) {
        char summary[64];
        snprintf(summary, sizeof summary, "<summary><h3>%s &middot; ",
                 hk_file_status_name((hk_file_status)s));
        assert_true(has(page, summary));
    }
    assert_true(has(page, "interrupted 9 h 48 min"));
    assert_true(has(page, "radius 39, photo"));
    assert_null(strstr(page, "<img"));
    free(page);
    unit_case_remove(&u);
}

/* ---- what a suspect cannot make it say ----------------------------------------------------- */

/* What a function writes about words. */
static void written(char out[4096], void (*draw)(FILE *out, const char *words), const char *words)
{
    FILE *file = fmemopen(out, 4096, "w");
    assert_non_null(file);
    draw(file, words);
    fputc('\0', file);
    assert_int_equal(fclose(file), 0);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *html;
    } cases[] = {
        {"plain", "plain"},
        {"<b a=\"1\" c='2'>&amp;", "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;"},
        {"a\nb\x1b[1m\x7f", "a<i>\\x0a</i>b<i>\\x1b</i>[1m<i>\\x7f</i>"},
        {"\xff\xc3(\xe2\x82", "<i>\\xff</i><i>\\xc3</i>(<i>\\xe2</i><i>\\x82</i>"},
        {"\xc2\x9b\xc2\xad", "<i>\\u009b</i><i>\\u00ad</i>"},
        {"gpj\xe2\x80\xae"
         "exe",
         "gpj<i>\\u202e</i>exe"},
        {"a\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x81\x81",
         "a<i>\\u200b</i><i>\\ufeff</i><i>\\ue0041</i>"},
        {"\xed\xa0\x80", "<i>\\xed</i><i>\\xa0</i><i>\\x80</i>"},
        {"C:\\x1b", "C:\\\\x1b"},
        {"\xe5\x9b\xbd\xf0\x9f\x98\x80", "\xe5\x9b\xbd\xf0\x9f\x98\x80"},
        {"o\xcc\x80\xcc\x80\xcc\x80\xcc\x80", "o\xcc\x80\xcc\x80\xcc\x80<i>\\u0300</i>"},
        {"", ""},
    };
    char got[4096], wanted[4096];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(wanted, sizeof wanted, "<bdi>%s</bdi>", cases[i].html);
        written(got, hk__draw_words, cases[i].words);
        assert_string_equal(got, wanted);
    }
    written(got, hk__draw_words, NULL);
    assert_string_equal(got, "");
    written(got, hk__draw_path, "a/<b");
    assert_string_equal(got, "<bdi class=path dir=ltr>a/<wbr>&lt;b</bdi>");
}

/* Long words lose their middle, between characters; kept words are drawn as if they were not. */
static void test_long_words(void **state)
{
    (void)state;
    char words[5000], got[4096], kept_got[4096];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(words, 'x', shift);
        for (size_t i = shift; i < 4500; i += 3)
            memcpy(words + i, "\xe2\x82\xac", 4);
        written(got, hk__draw_words, words);
        assert_true(has(got, " bytes left out \xe2\x80\xa6</i>"));
        assert_null(strstr(got, "\\x"));
        assert_true(strlen(got) < 600);
        hk__kept_words kept;
        unit_ok(hk__keep_words(&kept, words, &unit_error));
        FILE *file = fmemopen(kept_got, sizeof kept_got, "w");
        hk__draw_kept_words(file, &kept);
        fputc('\0', file);
        fclose(file);
        assert_string_equal(got, kept_got);
        hk__kept_words_free(&kept);
    }
}

/* Every place that shows other people's words gets these. */
static void test_hostile(void **state)
{
    (void)state;
    static const char evil[] = "<script>alert(1)</script>\"'><img src=x>\x1b\xff";
    unit_case u;
    unit_case_make(&u);
    hk_match match = unit_near("police", evil, evil, 5);
    match.probe = evil;
    char path[128];
    snprintf(path, sizeof path, "evidence/%s/1", evil);
    hk_file file = unit_case_photo(1);
    file.verdict = HK_VERDICT_NEAR;
    file.matches = &match;
    file.match_count = 1;
    file.format = evil;
    unit_case_add(&u, path, &file);
    path[strlen(path) - 1]++;
    unit_case_add(&u, path, &file);
    path[strlen(path) - 1]++;
    unit_add_other(&u, path, 2, HK_FILE_TRUNCATED, evil, evil, evil);
    path[strlen(path) - 1]++;
    unit_add_matched(&u, path, 3, HK_VERDICT_NONE, NULL, 0);
    path[strlen(path) - 1]++;
    unit_case_add_failed(&u, path, HK_FILE_CRASHED, evil);
    unit_ok(hk__case_add_input(u.c, evil, evil, &unit_error));
    const hk_case_list list = {.name = evil, .source = evil, .digest = evil, .entries = 1};
    unit_ok(hk__case_add_list(u.c, &list, &unit_error));
    unit_ok(hk__case_set(u.c, evil, evil, &unit_error));
    unit_case_set(u.c, "version", evil);
    unit_case_set(u.c, "model", evil);
    unit_case_set(u.c, "calibration", evil);
    unit_sql(&u, "INSERT INTO grouping VALUES(3, 1, 3, 0, 0, 0);"
                 "INSERT INTO decision(content, category, actor, at, reason, carried) SELECT id,"
                 " (SELECT value FROM setting WHERE key = 'version'), value, 5, value, value"
                 " FROM content, setting WHERE key = 'version';"
                 "UPDATE session SET machine = (SELECT value FROM setting WHERE key = 'version');"
                 "UPDATE session SET versions = machine");
    u.c->path = strcat(strcpy(realloc(u.c->path, 200), "/x/"), evil);
    char *page = page_of(&u);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "\x1b"));
    assert_null(strstr(page, "\xff"));
    assert_null(strstr(page, "'><"));
    assert_true(count_of(page, "&lt;script&gt;alert(1)&lt;/") >= 25);
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, " on"
                             "click"));
    assert_true(has(page, "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"));
    free(page);
    unit_case_remove(&u);
}

/* Values that no run writes: an error or a page, and never a crash. */
static void test_damage(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "UPDATE tick SET done = 9223372036854775807, failed = 9223372036854775807",
        "UPDATE tick SET at = 9223372036854775807 - done",
        "UPDATE tick SET at = 'noon' || done",
        "UPDATE session SET started = 9223372036854775807",
        "UPDATE session SET started = 0, ended = 9223372036854775807",
        "UPDATE decision SET at = -9223372036854775807",
        "UPDATE match SET chance = 9e999, extrapolated = 1",
        "UPDATE match SET chance = 0",
        "UPDATE content SET false_matches = 9e999",
        "UPDATE content SET bytes = 9223372036854775807",
        "UPDATE grouping SET number = 9223372036854775807",
        "UPDATE grouping SET leader = 77",
        "UPDATE content SET verdict = 2 WHERE id = 5; UPDATE content SET conflict = 1",
        "UPDATE setting SET value = '128' WHERE key LIKE 'radius%'",
        "UPDATE setting SET value = '9223372036854775807' WHERE key = 'hashes'",
        "UPDATE file SET path = CAST(path AS TEXT)",
        "UPDATE file SET path = x''",
        "UPDATE file SET path = '/'",
        "UPDATE input SET given = x'', absolute = x''",
        "DELETE FROM session; DELETE FROM input; DELETE FROM list",
        "DELETE FROM match",
    };
    for (size_t i = 0; i < COUNT_OF(harm); i++) {
        unit_case u;
        hk_error err;
        char *text = NULL;
        size_t size;
        make_small(&u);
        unit_sql(&u, harm[i]);
        FILE *out = open_memstream(&text, &size);
        const hk_status status = hk__report_html(out, u.c, NULL, &err);
        fclose(out);
        assert_true(status == HK_OK || status == HK_ERR_FORMAT);
        assert_true(status || has(text, "</html>"));
        free(text);
        unit_case_remove(&u);
    }
}

/* ---- folders ------------------------------------------------------------------------------- */

static void test_folders(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        hk_verdict verdict;
    } files[] = {
        /* by bytes: '-' before '/' */
        {"a-b/1", HK_VERDICT_NONE},      {"a/1", HK_VERDICT_NEAR},      {"a/b/1", HK_VERDICT_EXACT},
        {"a/b/2", HK_VERDICT_NONE},      {"a/b/c/1", HK_VERDICT_EXACT}, {"a/c", HK_VERDICT_NONE},
        {"a/d/1", HK_VERDICT_NONE},      {"a/e", HK_VERDICT_NEAR},      {"named", HK_VERDICT_EXACT},
        {"z/1", HK_VERDICT_NOT_CHECKED},
    };
    hk__folders *folders;
    const hk__folder *got;
    size_t count;
    uint64_t with_hits, all;
    unit_ok(hk__folders_new(&folders, &unit_error));
    for (size_t i = 0; i < COUNT_OF(files); i++)
        unit_ok(hk__folders_add(folders, files[i].path, files[i].verdict, &unit_error));
    unit_ok(hk__folders_end(&got, &count, &with_hits, &all, folders, &unit_error));
    assert_int_equal(all, 7);
    assert_int_equal(with_hits, 4);
    assert_int_equal(count, 4);
    assert_string_equal(got[0].path.text, "a"); /* 2 of 3 bear out more than 1 of 1 */
    assert_int_equal(got[0].files, 3);
    assert_int_equal(got[0].near, 2);
    assert_string_equal(got[1].path.text, "a/b/c");
    assert_string_equal(got[2].path.text, "");
    assert_int_equal(got[2].exact, 1);
    assert_string_equal(got[3].path.text, "a/b");
    assert_int_equal(got[3].files, 2);
    hk__folders_free(folders);
}

/* More folders than are kept: the densest of them, whichever came first. */
static void test_many_folders(void **state)
{
    (void)state;
    hk__folders *folders;
    const hk__folder *got;
    size_t count;
    uint64_t with_hits, all;
    char path[64];
    unit_ok(hk__folders_new(&folders, &unit_error));
    for (unsigned folder = 0; folder < 1000; folder++)
        for (unsigned file = 0; file < 20; file++) {
            snprintf(path, sizeof path, "f/%04u/%02u", folder, file);
            unit_ok(hk__folders_add(folders, path,
                                    file <= folder * 7 % 20 ? HK_VERDICT_EXACT : HK_VERDICT_NONE,
                                    &unit_error));
        }
    unit_ok(hk__folders_end(&got, &count, &with_hits, &all, folders, &unit_error));
    assert_int_equal(count, HK__FOLDERS_MOST);
    assert_int_equal(with_hits, 1000);
    for (size_t i = 0; i < count; i++)
        assert_true(got[i].exact >= 17); /* 50 folders each have 20, 19, 18, 17 */
    hk__folders_free(folders);
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* Many of everything: tables end where they say, and the page with them. */
static void test_big(void **state)
{
    (void)state;
    unit_case u;
    char path[128], sql[200];
    unit_case_make(&u);
    for (unsigned i = 0; i < 2600; i++) {
        char category[32];
        snprintf(path, sizeof path, "evidence/%04u/near.jpg", i);
        snprintf(category, sizeof category, "category %u", i % 400);
        const hk_match match = unit_near("police", path, category, i % 40);
        unit_add_matched(&u, path, 10000 + i, HK_VERDICT_NEAR, &match, 1);
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "evidence/%04u/unknown.jpg", i);
        const int64_t content = unit_add_matched(&u, path, 20000 + i, HK_VERDICT_NONE, NULL, 0);
        snprintf(
            sql, sizeof sql,
            "INSERT INTO grouping VALUES(%lld, %u, 2601, 3, 0, 0); INSERT INTO decision(content,"
            " category, actor, at) VALUES(%lld, 'c%u', 'me', 9)",
            (long long)content, i < 500 ? 1 : i - 498, (long long)content, i % 400);
        unit_sql(&u, sql);
        snprintf(path, sizeof path, "evidence/%04u/gone", i);
        unit_case_add_failed(&u, path, HK_FILE_VANISHED, "no such file");
    }
    char *page = page_of(&u);
    assert_true(
        has(page, "Shown are 1,000 of 2,600 near hits. The other 1,600 are in the CSV and"));
    assert_true(has(page, "Shown are 200 of 2,600 folders with hits"));
    assert_true(has(page, "Shown are 30 of 500 files of this group"));
    assert_true(has(page, "Shown are 200 of 501 groups"));
    assert_true(has(page, "Shown are 500 of 1,000 decisions"));
    assert_true(has(page, "Shown are 100 of 1,000 files of this sort"));
    assert_true(has(page, "more categories than this page has room for: "));
    assert_true(strlen(page) < 3000000);
    free(page);
    unit_case_remove(&u);
}

static hk_status to_nowhere(unit_case *u)
{
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    hk_error err;
    const hk_status status = hk__report_html(out, u->c, NULL, &err);
    fclose(out);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    unit_case u;
    make_small(&u);
    FAIL_EVERY_ALLOCATION(to_nowhere(&u), true);
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),       cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_part),         cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_night),        cmocka_unit_test(test_words),
        cmocka_unit_test(test_long_words),   cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_folders),
        cmocka_unit_test(test_many_folders), cmocka_unit_test(test_big),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
