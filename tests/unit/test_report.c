/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_report.c - CSV, JSON Lines and VICS of a case: to the byte, whatever order it was made in,
 * whole or not at all, and never where the evidence lies.
 */
#include "report_unit.h"

#include "report/file_json.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static const hk_report_format tables[] = {HK_REPORT_CSV, HK_REPORT_JSONL, HK_REPORT_VICS};
static const char *const golden[] = {"night.csv", "night.jsonl", "night.vics.json"};

static void name_out(char out[96], const unit_case *u, const char *name)
{
    snprintf(out, 96, "%s/%s", u->folder, name);
}

static char *report_text(unit_case *u, hk_report_format format)
{
    size_t size;
    char path[96];
    name_out(path, u, "report");
    unit_ok(hk_report_write(u->c, format, path, NULL, &unit_error));
    char *text = unit_content(&size, path);
    assert_int_equal(strlen(text), size);
    return text;
}

/* ---- what is written ------------------------------------------------------------------------- */

static void test_golden(void **state)
{
    (void)state;
    unit_case u;
    unit_report_make(&u, 0, 1);
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        unit_golden(report_text(&u, tables[i]), golden[i]);
    unit_case_remove(&u);
}

/* Files come from workers in any order; nothing of that shows. */
static void test_any_order(void **state)
{
    (void)state;
    static const size_t steps[] = {17, 11, 7};
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        unit_case u;
        unit_report_make(&u, 0, 1);
        char *first = report_text(&u, tables[i]);
        unit_case_remove(&u);
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            unit_report_make(&u, s + 3, steps[s]);
            char *other = report_text(&u, tables[i]);
            unit_same_text(other, first);
            free(other);
            unit_case_remove(&u);
        }
        free(first);
    }
}

/* No line of CSV holds what a spreadsheet takes for a formula, wherever it sees a field begin. */
static void test_no_formulas(void **state)
{
    (void)state;
    unit_case u;
    unit_report_make(&u, 0, 1);
    char *text = report_text(&u, HK_REPORT_CSV);
    for (const char *p = text; *p; p++) {
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
        if (p == text || strchr(",;\"'\n", p[-1])) {
            const char *q = p + strspn(p, " ");
            assert_false(*q && strchr("=+-@", *q));
        }
    }
    /* The exact name is there. */
    char *exact;
    unit_ok(hk_text_base64(&exact, unit_report_files[8].path, strlen(unit_report_files[8].path),
                           &unit_error));
    assert_non_null(strstr(text, exact));
    assert_non_null(strstr(text, "\\x3dcmd|'"));
    assert_null(strstr(text, "\xe2\x80\xae"));
    free(exact);
    free(text);
    unit_case_remove(&u);
}

/* Every line of JSON Lines parses, and path_b64 is there just where path is not the name. */
static void test_json_lines(void **state)
{
    (void)state;
    unit_case u;
    unit_report_make(&u, 0, 1);
    char *text = report_text(&u, HK_REPORT_JSONL);
    size_t files = 0, exact = 0, accounts = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        files += json_object_get(object, "path") != NULL;
        exact += json_object_get(object, "path_b64") != NULL;
        accounts += json_object_get(object, "account") != NULL;
        assert_int_equal(accounts && json_object_get(object, "path"), 0);
        json_decref(object);
    }
    assert_int_equal(files, UNIT_REPORT_FILES + 2);
    assert_int_equal(exact, 1); /* a line break is JSON's to write */
    assert_int_equal(accounts, 1);
    free(text);
    unit_case_remove(&u);
}

/* Of a file that a scan gives, and of the same in a case, the first part is one. */
static void test_one_object(void **state)
{
    (void)state;
    hk_case_file known = {.file = unit_report_content(1)};
    char *of_scan, *of_case;
    known.file.path = "a";
    unit_ok(hk_file_json(&of_scan, &known.file, &unit_error));
    unit_ok(hk_case_file_json(&of_case, &known, &unit_error));
    assert_memory_equal(of_scan, of_case, strlen(of_scan) - 1);
    assert_non_null(strstr(of_scan, "{\"path\":\"a\",\"status\":\"ok\",\"verdict\":\"near\","
                                    "\"matches\":[{\"list\":\"police\","));
    free(of_scan);
    free(of_case);
    hk_match odd = known.file.matches[0];
    odd.chance = 1.0 / 0.0;
    known.file.matches = &odd;
    known.file.match_count = 1;
    FAILS(hk_file_json(&of_scan, &known.file, &err), HK_ERR_FORMAT, "damaged");
}

/* ---- VICS is read back ----------------------------------------------------------------------- */

static void count_bad(void *context, const char *file, size_t line, const char *reason)
{
    print_error("%s:%zu: %s\n", file, line, reason);
    ++*(size_t *)context;
}

static hk_import_summary import_vics(const char *path)
{
    size_t bad = 0;
    hk_import *import;
    hk_import_summary summary;
    unit_store s;
    unit_store_make(&s);
    unit_create(s.store, "back", false, false);
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = (hk_act){.actor = "ann", .at = 2};
    options.on_bad = count_bad;
    options.context = &bad;
    unit_ok(hk_import_open(&import, s.store, "back", &options, &unit_error));
    unit_ok(hk_import_file(import, path, &unit_error));
    unit_ok(hk_import_finish(&summary, import, &unit_error));
    hk_import_free(import);
    assert_int_equal(bad, 0);
    hk_reading *reading;
    const hk_listed *listed;
    uint64_t n = 4; /* group-a.jpg, which a person put into 1 */
    char md5[33] = "";
    for (int i = 0; i < 16; i++)
        sprintf(md5 + 2 * i, "%02x", i < 8 ? ((const uint8_t *)&n)[i] : 0);
    unit_ok(hk_reading_find(&reading, s.store, "back", md5, &unit_error));
    unit_ok(hk_reading_next(&listed, reading, &unit_error));
    if (listed) {
        const hk_file file = unit_report_content(4);
        assert_string_equal(listed->entry.category, "1");
        assert_true(listed->entry.has_hash);
        assert_int_equal(hk_hash_distance(&listed->entry.hash, &file.fingerprint.hash[0]), 0);
        assert_int_equal(listed->entry.quality, 100);
        assert_int_equal(listed->entry.digests.present, HK_DIGEST_ALL);
    }
    hk_reading_close(reading);
    unit_store_remove(&s);
    return summary;
}

static void test_import(void **state)
{
    (void)state;
    char path[96];
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out.json");
    unit_ok(hk_report_write(u.c, HK_REPORT_VICS, path, NULL, &unit_error));
    const hk_import_summary summary = import_vics(path);
    assert_int_equal(summary.added, 9); /* the archive is no picture */
    assert_int_equal(summary.bad_lines, 0);
    unit_case_remove(&u);
}

/* What a reader's bounds would refuse is cut before. */
static void test_import_of_much(void **state)
{
    (void)state;
    enum { COPIES = 4000 };
    char out[96], *path = malloc(4200), *entry = malloc(4001);
    unit_case u;
    unit_case_make(&u);
    hk_file photo = unit_report_content(1);
    hk_match match = photo.matches[0];
    memset(entry, '"', 4000);
    entry[4000] = '\0';
    match.entry = entry;
    photo.matches = &match;
    photo.match_count = 1;
    photo.verdict = HK_VERDICT_NEAR;
    for (int i = 0; i < COPIES; i++) {
        memset(path, '\xff', 4090); /* four times as long in the file: too long for a name */
        sprintf(path + 4080, "%05d", i);
        unit_case_add(&u, path, &photo);
    }
    unit_case_finish(&u);
    name_out(out, &u, "out.json");
    unit_ok(hk_report_write(u.c, HK_REPORT_VICS, out, NULL, &unit_error));
    const hk_import_summary summary = import_vics(out);
    assert_int_equal(summary.added, 1);
    size_t size;
    char *text = unit_content(&size, out);
    assert_non_null(strstr(text, "more copies are not named here"));
    assert_true(size < 4 << 20);
    free(text);
    free(path);
    free(entry);
    unit_case_remove(&u);
}

static void test_title(void **state)
{
    (void)state;
    size_t size;
    char path[96];
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out.json");
    hk_report_options options = HK_REPORT_OPTIONS_INIT;
    options.title = "2026/\"17\"";
    unit_ok(hk_report_write(u.c, HK_REPORT_VICS, path, &options, &unit_error));
    char *text = unit_content(&size, path);
    assert_non_null(strstr(text, "\"CaseNumber\":\"2026/\\\"17\\\"\""));
    free(text);
    unit_case_remove(&u);
}

/* ---- where it is written --------------------------------------------------------------------- */

static void test_places(void **state)
{
    (void)state;
    char path[96], other[160];
    struct stat facts;
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out.csv");
    unit_ok(hk_report_write(u.c, HK_REPORT_CSV, path, NULL, &unit_error));
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    unit_ok(hk_report_write(u.c, HK_REPORT_CSV, path, NULL, &unit_error)); /* its own mode stays */
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, u.path, NULL, &err), HK_ERR_USAGE, "the case itself");
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, u.folder, NULL, &err), HK_ERR_USAGE, "is no file");
    snprintf(other, sizeof other, "%s-journal", u.path);
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, other, NULL, &err), HK_ERR_USAGE, "the case itself");
    unit_ok(
        hk__sql_do(u.c->db, &unit_error, "UPDATE list SET source = ?1 WHERE id = 1", "t", path));
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, path, NULL, &err), HK_ERR_USAGE, "holds a list");
    snprintf(other, sizeof other, "%s/no/out.csv", u.folder);
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, other, NULL, &err), HK_ERR_IO, "cannot be made");
    FAILS(hk_report_write(u.c, HK_REPORT_CSV, "", NULL, &err), HK_ERR_IO, "name of no file");
    FAILS(hk_report_write(u.c, HK_REPORT_FORMATS, path, NULL, &err), HK_ERR_USAGE, "no such");
    assert_int_equal(unit_files_in(u.folder), 2);
    unit_case_remove(&u);
}

/* Also through links, and where the input was a link itself. */
static void test_evidence_is_left_alone(void **state)
{
    (void)state;
    char folder[96], link[112], out[160];
    unit_case u;
    unit_case_make(&u);
    snprintf(folder, sizeof folder, "%s-evidence", u.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(link, sizeof link, "%s/link", u.folder);
    assert_int_equal(symlink(folder, link), 0);
    unit_ok(hk__case_add_input(u.c, "second", link, &unit_error));
    unit_case_finish(&u);
    const char *const ways[] = {folder, link};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        snprintf(out, sizeof out, "%s/out.csv", ways[i]);
        FAILS(hk_report_write(u.c, HK_REPORT_CSV, out, NULL, &err), HK_ERR_USAGE,
              "where the evidence");
        FAILS(hk_report_manifest(u.c, out, NULL, 0, NULL, &err), HK_ERR_USAGE,
              "where the evidence");
    }
    assert_int_equal(unit_files_in(folder), 0);
    snprintf(out, sizeof out, "%s-evidence2", u.folder); /* beside it, of a like name */
    unit_ok(hk_report_write(u.c, HK_REPORT_CSV, out, NULL, &unit_error));
    unlink(out);
    unlink(link);
    rmdir(folder);
    unit_case_remove(&u);
}

static void test_unfinished(void **state)
{
    (void)state;
    static const hk_case_state states[] = {HK_CASE_PLANNING, HK_CASE_RUNNING, HK_CASE_GROUPING};
    char path[96];
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out");
    for (size_t s = 0; s < COUNT_OF(states); s++) {
        unit_ok(hk__case_set_state(u.c, states[s], &unit_error));
        for (size_t i = 0; i < COUNT_OF(tables); i++)
            FAILS(hk_report_write(u.c, tables[i], path, NULL, &err), HK_ERR_USAGE, "not finished");
        FAILS(hk_report_manifest(u.c, path, NULL, 0, NULL, &err), HK_ERR_USAGE, "not finished");
    }
    assert_int_equal(access(path, F_OK), -1);
    unit_case_remove(&u);
}

static void test_damage(void **state)
{
    (void)state;
    static const char *const harm[] = {"UPDATE file SET path = x'610062' WHERE id = 2",
                                       "UPDATE content SET sha256 = zeroblob(31) WHERE id = 1",
                                       "UPDATE match SET chance = 9e999"};
    for (size_t h = 0; h < COUNT_OF(harm); h++) {
        char path[96];
        unit_case u;
        unit_report_make(&u, 0, 1);
        name_out(path, &u, "out");
        sqlite3_exec(u.c->db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL);
        unit_ok(hk__sql_run(u.c->db, harm[h], &unit_error));
        for (size_t i = 0; i < COUNT_OF(tables); i++) {
            if (h == 2 && tables[i] == HK_REPORT_VICS)
                continue; /* a chance is words there */
            FAILS(hk_report_write(u.c, tables[i], path, NULL, &err), HK_ERR_FORMAT, "damaged");
        }
        assert_int_equal(unit_files_in(u.folder), 1 + (access(path, F_OK) == 0));
        unit_case_remove(&u);
    }
}

/* ---- when it cannot be ----------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    char path[96];
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out");
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        size_t size;
        unit_ok(hk_report_write(u.c, tables[i], path, NULL, &unit_error));
        free(unit_content(&size, path));
        const size_t full[] = {0, size / 2, size - 1};
        for (size_t f = 0; f < COUNT_OF(full); f++) {
            hk_error err = {0};
            unlink(path);
            limit_files(full[f]);
            const hk_status status = hk_report_write(u.c, tables[i], path, NULL, &err);
            limit_files(RLIM_INFINITY);
            assert_int_equal(status, HK_ERR_IO);
            assert_non_null(strstr(err.message, "cannot be written"));
            assert_int_equal(unit_files_in(u.folder), 1);
        }
    }
    signal(SIGXFSZ, SIG_DFL);
    unit_case_remove(&u);
}

static void test_stdout(void **state)
{
    (void)state;
    char path[96];
    size_t size;
    unit_case u;
    unit_report_make(&u, 0, 1);
    char *wanted = report_text(&u, HK_REPORT_CSV);
    name_out(path, &u, "stdout");
    const char *const files[] = {path, "/dev/full"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        hk_error err = {0};
        const int kept = dup(STDOUT_FILENO);
        const int fd = open(files[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(kept >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
        const hk_status status = hk_report_write(u.c, HK_REPORT_CSV, "-", NULL, &err);
        assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
        close(kept);
        close(fd);
        assert_int_equal(status, i ? HK_ERR_IO : HK_OK);
    }
    char *got = unit_content(&size, path);
    unit_same_text(got, wanted);
    free(got);
    free(wanted);
    unit_case_remove(&u);
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[96];
    unit_case u;
    unit_report_make(&u, 0, 1);
    name_out(path, &u, "out");
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        unlink(path);
        FAIL_EVERY_ALLOCATION(hk_report_write(u.c, tables[i], path, NULL, NULL),
                              access(path, F_OK) != 0);
    }
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),         cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_no_formulas),    cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_one_object),     cmocka_unit_test(test_import),
        cmocka_unit_test(test_import_of_much), cmocka_unit_test(test_title),
        cmocka_unit_test(test_places),         cmocka_unit_test(test_evidence_is_left_alone),
        cmocka_unit_test(test_unfinished),     cmocka_unit_test(test_damage),
        cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_stdout),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
