/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_case_damage.c - cases that anybody may have made: whatever is cut off, flipped or hidden in
 * them, everything that reads them ends, with an error or a valid reading.
 */
#include "case_unit.h"

#include "store_world.h"

#include <sys/stat.h>

static void make(unit_case *u)
{
    char path[64];
    unit_case_make(u);
    for (unsigned n = 0; n < 40; n++) {
        hk_file file = unit_case_photo(n % 30);
        const hk_match match = {.list = "police",
                                .entry = "entry",
                                .category = "1",
                                .basis = HK_BASIS_PDQ,
                                .probe = "plain",
                                .distance = 12,
                                .chance = 1e-8};
        if (n % 5 == 0) {
            file.verdict = HK_VERDICT_NEAR;
            file.matches = &match;
            file.match_count = 1;
        }
        snprintf(path, sizeof path, "evidence/%u/%u.jpg", n % 3, n);
        if (n % 9 == 8)
            unit_case_add_failed(u, path, HK_FILE_UNREADABLE, "broken");
        else
            unit_case_add(u, path, &file);
    }
    uint64_t seed = 1, contents;
    hk_file near = unit_case_photo(1);
    near.fingerprint.hash[0] = at_distance(&near.fingerprint.hash[0], 8, &seed);
    near.digests.sha256[20] = 1;
    unit_case_add(u, "evidence/near.jpg", &near);
    unit_case_finish(u);
    unit_ok(hk_case_decide(&contents, u->c, 1, NULL, "C1",
                           &(hk_act){"ann", "has been looked at", 1}, &unit_error));
    unit_case_reopen(u, HK_CASE_READ);
}

static bool ignore(void *context, const hk_case_decision *decision)
{
    (void)context;
    (void)decision;
    return true;
}

/* Reads all there is; *out is how that ended. */
static void read_all(hk_status *out, const char *path)
{
    static const unsigned readings[] = {0, HK_CASE_GROUPED, HK_CASE_HITS | HK_CASE_FIRSTS,
                                        HK_CASE_FAILED, HK_CASE_DECIDED};
    hk_case *c;
    hk_case_info info;
    hk_account account;
    uint64_t count;
    char out_path[96];
    snprintf(out_path, sizeof out_path, "%s.csv", path);
    *out = hk_case_open(&c, path, HK_CASE_READ, NULL);
    if (*out)
        return;
    *out = hk_case_describe(&info, c, NULL);
    const size_t most = 100;
    for (size_t i = 0; !*out && i < info.inputs && i < most; i++) {
        hk_case_input input;
        *out = hk_case_input_get(&input, c, i, NULL);
        assert_true(*out || strlen(input.given) + strlen(input.absolute) + 1);
    }
    for (size_t i = 0; !*out && i < info.lists && i < most; i++) {
        hk_case_list list;
        *out = hk_case_list_get(&list, c, i, NULL);
        assert_true(*out || strlen(list.name) + strlen(list.source) + strlen(list.digest) + 1);
    }
    for (size_t i = 0; !*out && i < info.sessions && i < most; i++) {
        hk_case_session session;
        *out = hk_case_session_get(&session, c, i, NULL);
        assert_true(*out || strlen(session.machine) + strlen(session.versions) + 1);
    }
    if (!*out)
        *out = hk_case_account(&account, c, NULL);
    for (size_t r = 0; !*out && r < COUNT_OF(readings); r++) {
        hk_case_reading *reading;
        const hk_case_file *got = NULL;
        *out = hk_case_reading_open(&reading, c, readings[r], NULL);
        if (*out)
            break;
        while (!(*out = hk_case_reading_next(&got, reading, NULL)) && got)
            for (size_t m = 0; m < got->file.match_count; m++)
                assert_non_null(got->file.matches[m].entry);
        hk_case_reading_close(reading);
    }
    if (!*out)
        *out = hk_case_decisions(c, ignore, NULL, NULL);
    if (!*out && (*out = hk_case_export(&count, c, NULL, 0, "csv", out_path, NULL)) == HK_OK)
        unlink(out_path);
    hk_case_close(c);
}

static char *read_bytes(size_t *size, const char *path)
{
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    *size = (size_t)facts.st_size;
    char *bytes = malloc(*size);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static bool is_an_answer(hk_status status)
{
    return status == HK_OK || status == HK_ERR_FORMAT || status == HK_ERR_USAGE ||
           status == HK_ERR_IO || status == HK_ERR_SYSTEM;
}

static void test_flipped_and_cut(void **state)
{
    (void)state;
    enum { TRIALS = 240 };
    unit_case u;
    size_t size, failed = 0;
    uint64_t seed = 1;
    hk_status status;
    make(&u);
    hk_case_close(u.c);
    u.c = NULL;
    char *bytes = read_bytes(&size, u.path), *copy = malloc(size);
    for (unsigned trial = 0; trial < TRIALS; trial++) {
        size_t length = size;
        memcpy(copy, bytes, size);
        if (trial % 8 == 0)
            length = next_random(&seed) % size;
        else
            for (unsigned flips = 1 + trial % 16; flips; flips--)
                copy[next_random(&seed) % size] = (char)next_random(&seed);
        write_bytes(u.path, copy, length);
        read_all(&status, u.path);
        assert_true(is_an_answer(status));
        failed += status != HK_OK;
    }
    assert_true(failed > TRIALS / 8);
    write_bytes(u.path, bytes, size);
    read_all(&status, u.path);
    assert_int_equal(status, HK_OK);
    free(bytes);
    free(copy);
    unit_store_remove_folder(u.folder);
}

/* Who writes on in a damaged case must come to an end as well. */
static void test_written_to(void **state)
{
    (void)state;
    unit_case u;
    size_t size;
    uint64_t seed = 2, contents;
    make(&u);
    hk_case_close(u.c);
    char *bytes = read_bytes(&size, u.path), *copy = malloc(size);
    for (unsigned trial = 0; trial < 60; trial++) {
        memcpy(copy, bytes, size);
        for (unsigned flips = 1 + trial % 8; flips; flips--)
            copy[100 + next_random(&seed) % (size - 100)] = (char)next_random(&seed);
        write_bytes(u.path, copy, size);
        if (hk_case_open(&u.c, u.path, HK_CASE_WRITE, NULL))
            continue;
        hk_status status = hk__case_group(u.c, 1, NULL, NULL, NULL);
        assert_true(is_an_answer(status) || status == HK_ERR_LIMIT);
        status = hk_case_decide(&contents, u.c, 1, NULL, "C2", &(hk_act){.actor = "bob"}, NULL);
        assert_true(is_an_answer(status));
        hk_case_close(u.c);
    }
    free(bytes);
    free(copy);
    unit_store_remove_folder(u.folder);
}

/* What SQL could hide in a schema. */
static void test_other_tables(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "CREATE TABLE more(x)",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON decision BEGIN DELETE FROM decision; END",
        "CREATE INDEX more ON file(path)",
        "DROP TABLE inode",
        "DROP INDEX file_content",
        "ALTER TABLE file ADD COLUMN extra",
        "ALTER TABLE match RENAME TO x; CREATE VIEW match AS SELECT * FROM x",
        "DROP TABLE setting; CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL AS"
        " (upper(key))) WITHOUT ROWID"};
    for (size_t i = 0; i < COUNT_OF(harm); i++) {
        unit_case u;
        sqlite3 *db;
        hk_case *c = UNTOUCHED;
        make(&u);
        hk_case_close(u.c);
        assert_int_equal(sqlite3_open(u.path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, harm[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        FAILS(hk_case_open(&c, u.path, HK_CASE_READ, &err), HK_ERR_FORMAT, "tables");
        FAILS(hk_case_open(&c, u.path, HK_CASE_WRITE, &err), HK_ERR_FORMAT, "tables");
        assert_ptr_equal(c, UNTOUCHED);
        unit_store_remove_folder(u.folder);
    }
}

/* A column that is never null, and is. */
static void test_nulls(void **state)
{
    (void)state;
    static const char *const columns[][2] = {{"input", "given"},    {"list", "name"},
                                             {"list", "digest"},    {"session", "machine"},
                                             {"content", "sha256"}, {"session", "versions"}};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        unit_case u;
        char sql[256];
        hk_status status;
        make(&u);
        hk_case_close(u.c);
        /* The file's schema is made to allow it, and put back. */
        sqlite3 *db;
        assert_int_equal(sqlite3_open(u.path, &db), SQLITE_OK);
        snprintf(sql, sizeof sql,
                 "PRAGMA writable_schema = 1; CREATE TEMP TABLE kept AS SELECT sql FROM"
                 " sqlite_master WHERE name = '%s'; UPDATE sqlite_master SET sql = replace(sql,"
                 " ' NOT NULL', '') WHERE name = '%s'",
                 columns[i][0], columns[i][0]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(sqlite3_open(u.path, &db), SQLITE_OK);
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = NULL", columns[i][0], columns[i][1]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        /* As another case has it. */
        unit_case good;
        make(&good);
        assert_int_equal(sqlite3_open(u.path, &db), SQLITE_OK);
        snprintf(sql, sizeof sql,
                 "ATTACH '%s' AS good; PRAGMA writable_schema = 1; UPDATE main.sqlite_master SET"
                 " sql = (SELECT sql FROM good.sqlite_master g WHERE g.name ="
                 " sqlite_master.name)",
                 good.path);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        unit_case_remove(&good);
        read_all(&status, u.path);
        assert_int_equal(status, HK_ERR_FORMAT);
        unit_store_remove_folder(u.folder);
    }
}

/* Files that are left to be done are no damage: they are not there yet. */
static void test_unfinished(void **state)
{
    (void)state;
    unit_case u;
    hk_status status;
    unit_case_make(&u);
    const hk_file file = unit_case_photo(1);
    unit_case_add(&u, "evidence/a.jpg", &file);
    unit_ok(hk__case_plan(u.c, 0, "evidence/b.jpg", HK_FILE_OK, NULL, &unit_error));
    unit_ok(hk__case_set_state(u.c, HK_CASE_RUNNING, &unit_error));
    unit_ok(hk__case_commit(u.c, &unit_error));
    hk_case_close(u.c);
    read_all(&status, u.path);
    assert_int_equal(status, HK_OK);
    hk_account account;
    unit_ok(hk_case_open(&u.c, u.path, HK_CASE_READ, &unit_error));
    unit_ok(hk_case_account(&account, u.c, &unit_error));
    assert_int_equal(account.found, 2);
    assert_int_equal(account.by_class[HK_CLASS_HASHED], 1);
    unit_case_remove(&u);
}

static void test_without_memory(void **state)
{
    (void)state;
    unit_case u;
    hk_case *c = UNTOUCHED;
    hk_case_info info;
    hk_case_reading *reading = UNTOUCHED;
    const hk_case_file *got;
    make(&u);
    FAIL_EVERY_ALLOCATION(hk_case_open(&c, u.path, HK_CASE_READ, NULL), c == UNTOUCHED);
    FAIL_EVERY_ALLOCATION(hk_case_describe(&info, c, NULL), true);
    FAIL_EVERY_ALLOCATION(hk_case_reading_open(&reading, c, HK_CASE_HITS, NULL),
                          reading == UNTOUCHED);
    FAIL_EVERY_ALLOCATION(hk_case_reading_next(&got, reading, NULL), true);
    hk_case_reading_close(reading);
    hk_case_close(c);
    unit_case_remove(&u);
}

/* The account says nothing rather than something else than the files do. */
static void test_the_account_is_of_the_files(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "UPDATE file SET content = 9 WHERE content = 1",
        "UPDATE content SET status = 2 WHERE id = 1",
        "UPDATE file SET status = 0, content = NULL WHERE content = 1",
        "UPDATE file SET status = 1, content = NULL WHERE content = 1",
        "UPDATE file SET status = 2, content = NULL WHERE content = 1",
        "UPDATE file SET status = 8 WHERE content = 1", /* of what was hashed */
        "UPDATE file SET status = 0 WHERE content = 1",
        "UPDATE content SET status = 3; UPDATE file SET status = 8 WHERE content = 1",
        "UPDATE content SET status = 3; UPDATE file SET status = 99 WHERE content = 1",
    };
    unit_case u;
    hk_account account;
    unit_case_make(&u);
    for (unsigned n = 0; n < 3; n++) {
        const hk_file photo = unit_case_photo(n % 2 + 1);
        unit_case_add(&u, n ? "evidence/a" : "evidence/b", &photo);
    }
    unit_case_finish(&u);
    unit_ok(hk_case_account(&account, u.c, &unit_error));
    for (size_t i = 0; i < COUNT_OF(harm); i++) {
        unit_ok(hk__sql_run(u.c->db, "SAVEPOINT harm", &unit_error));
        unit_ok(hk__sql_run(u.c->db, harm[i], &unit_error));
        FAILS(hk_case_account(&account, u.c, &err), HK_ERR_FORMAT, "damaged");
        unit_ok(hk__sql_run(u.c->db, "ROLLBACK TO harm; RELEASE harm", &unit_error));
    }
    unit_case_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_and_cut),
        cmocka_unit_test(test_written_to),
        cmocka_unit_test(test_other_tables),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_the_account_is_of_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
