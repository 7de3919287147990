/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_verify.c - a store is found sound after whatever is done to it through herken.h, and
 * whatever is done to it behind its back is found.
 */
#include "store_unit.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- verifying ----------------------------------------------------------------------------- */

typedef struct messages {
    char text[64 * 1024]; /* all messages, one a line */
    size_t count, calls, stop_at;
} messages;

static void on_problem(void *context, const char *message)
{
    messages *s = context;
    const size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%s\n", message);
    s->count++;
}

static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    messages *s = context;
    assert_true(done <= total);
    return s->calls++ != s->stop_at;
}

static size_t verify(messages *s, hk_store *store)
{
    size_t problems = SIZE_MAX;
    *s = (messages){.stop_at = SIZE_MAX};
    unit_ok(hk_store_verify(&problems, store, on_problem, on_progress, s, &unit_error));
    assert_int_equal(s->count, problems < 100 ? problems : 100);
    return problems;
}

static void assert_sound(hk_store *store)
{
    static messages s;
    const size_t problems = verify(&s, store);
    if (problems)
        print_error("%s", s.text);
    assert_int_equal(problems, 0);
}

/* ---- a store with a past ------------------------------------------------------------------- */

static const hk_act act = {.actor = "ann", .at = 5, .reason = "so"};

static void import_stopped(hk_store *store, const char *list)
{
    hk_import *import;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = act;
    unit_ok(hk_import_open(&import, store, list, &options, &unit_error));
    for (size_t i = 0; i < 10; i++) {
        const hk_entry entry = unit_entry(i + 900);
        unit_ok(hk_import_entry(import, &entry, &unit_error));
    }
    hk_import_free(import);
}

/* What an import that was killed leaves. */
static void leave_unfinished(hk_store *store)
{
    unit_ok(hk__sql_run(store->db,
                        "INSERT INTO batch(list, state, entries, sum, screened)"
                        " VALUES(1, 0, 0, 0, 0);"
                        "INSERT INTO span VALUES(last_insert_rowid(), 5001, 10);"
                        "INSERT INTO entry(id, batch, state, suspect, md5)"
                        " SELECT 5001, max(id), 0, 64, zeroblob(16) FROM batch;"
                        "INSERT INTO entry_key VALUES(1, 77, 5001);"
                        "INSERT INTO suspicion VALUES(5001, 64, 'so'), (5002, 64, 'so');"
                        "INSERT INTO step SELECT max(id), 1, 5003 FROM batch",
                        &unit_error));
}

/* Every operation there is; calls `after` after each. */
static void live(hk_store *store, void (*after)(hk_store *store))
{
    hk_entry entries[40];
    hk_revision revision;
    uint64_t suspicious;
    const uint32_t some[3] = {4, 3, 5};
    for (size_t i = 0; i < 40; i++) {
        entries[i] = unit_entry(i + 1);
        entries[i].category = i % 2 ? "1" : NULL;
        entries[i].id = i == 1 ? "A" : i == 2 ? "B" : NULL;
    }
    entries[20].hash = entries[19].hash; /* contradict each other */
    entries[20].category = "2";
    entries[25].quality = 3;
    after(store);
    unit_create(store, "known", false, false);
    after(store);
    unit_create(store, "stock", true, true);
    unit_import(store, "known", "ann", entries, 10, false);
    after(store);
    unit_approve(store, "known", "bob");
    after(store);
    entries[1].category = "3"; /* replaces */
    unit_import(store, "known", "ann", entries, 30, false);
    unit_ok(hk_store_screen(&suspicious, store, "known", NULL, &unit_error));
    assert_int_equal(suspicious, 3);
    after(store);
    unit_ok(hk_store_approve(&revision, store, "known", 0, &act, &unit_error));
    after(store);
    assert_int_equal(revision.quarantined, 3);
    unit_ok(hk_store_retract(&revision, store, "known", some, 2, &act, &unit_error));
    after(store);
    unit_import(store, "stock", "ann", entries + 30, 10, false);
    unit_approve(store, "stock", "bob");
    const uint32_t waiting = 26 + 1; /* the one of low quality; #11 is the replacement */
    unit_ok(hk_store_approve_entries(&revision, store, "known", &waiting, 1, &act, &unit_error));
    after(store);
    unit_ok(hk_store_rollback(&revision, store, "known", 4, &act, &unit_error));
    after(store);
    unit_import(store, "known", "ann", entries + 3, 20, true);
    after(store);
    unit_approve(store, "known", "ann");
    after(store);
    unit_ok(hk_store_retract(&revision, store, "known", some + 2, 1, &act, &unit_error));
    import_stopped(store, "known");
    after(store);
}

static void nothing(hk_store *store)
{
    (void)store;
}

static void test_sound(void **state)
{
    (void)state;
    unit_store s;
    unit_store_make(&s);
    live(s.store, assert_sound);
    leave_unfinished(s.store);
    assert_sound(s.store);
    hk_store_close(s.store);
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_READ, &unit_error));
    assert_sound(s.store);
    unit_store_remove(&s);
}

/* ---- behind its back ----------------------------------------------------------------------- */

static void copy_file(const char *to, const char *from)
{
    char command[256];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
}

/* Opens a fresh copy of the store; to be closed. */
static hk_store *open_copy(const unit_store *s, char path[96])
{
    hk_store *store;
    snprintf(path, 96, "%s/copy.db", s->folder);
    copy_file(path, s->path);
    unit_ok(hk_store_open(&store, path, HK_STORE_WRITE, &unit_error));
    return store;
}

static void test_planted(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *words;
    } faults[] = {
        /* what entries say */
        {"UPDATE entry SET pdq = (SELECT pdq FROM entry WHERE id = 8) WHERE id = 7",
         "entries of batch 1 are not as they were imported"},
        {"UPDATE entry SET category = 'x' WHERE id = 7", "entries of batch 1 are not as they were"},
        {"UPDATE entry SET date = 7 WHERE id = 12", "entries of batch 2 are not as they were"},
        {"DELETE FROM entry WHERE id = 7", "batch 1 has 9 entries, and should have 10"},
        {"INSERT INTO entry(id, batch, state, suspect, md5) VALUES(800, 1, 0, 0, zeroblob(16))",
         "entry #800 lies outside the spans of its batch 1"},
        {"UPDATE entry SET batch = 2 WHERE id = 7",
         "entry #7 of batch 2 lies in a span of batch 1"},
        {"UPDATE entry SET batch = 99 WHERE id = 7", "entry #7 is of batch 99, which is not there"},
        {"UPDATE entry SET md5 = x'00' WHERE id = 7", "entry 7 holds what no entry can"},
        {"UPDATE entry SET id = 4294967295 WHERE id = 7", "holds what no entry can"},
        {"UPDATE batch SET sum = sum + 1 WHERE id = 1", "entries of batch 1 are not as they were"},
        {"UPDATE batch SET entries = 11 WHERE id = 1",
         "batch 1 has 10 entries, and should have 11"},
        /* spans */
        {"DELETE FROM span WHERE batch = 1", "entry #1 lies outside the spans of its batch 1"},
        {"UPDATE span SET count = 9 WHERE batch = 1", "entry #10 lies outside the spans"},
        {"UPDATE span SET count = 11 WHERE batch = 1",
         "batches 1 and 2 both have entry #11 in their spans"},
        {"INSERT INTO span VALUES(99, 700, 5)", "a span from #700 on is of batch 99"},
        {"INSERT INTO span VALUES(1, 700, -5)", "a span of -5 entries from #700 on"},
        {"INSERT INTO span VALUES(1, -7, 5)", "a span of 5 entries from #-7 on"},
        {"INSERT INTO span VALUES(1, 700, 9223372036854775807)", "which cannot be"},
        /* keys */
        {"DELETE FROM entry_key WHERE entry = 7", "entry #7 cannot be found by what it is known"},
        {"INSERT INTO entry_key VALUES(1, 5, 7)", "entry_key has entry #7 under a wrong key"},
        {"UPDATE entry_key SET key = key + 1 WHERE entry = 7", "entry #7 under a wrong key"},
        {"UPDATE entry_key SET list = 2 WHERE entry = 7",
         "entry_key has entry #7 in list 2, which does not have it"},
        {"INSERT INTO entry_key VALUES(1, 5, 700)", "entry #700 in list 1, which does not have it"},
        {"INSERT INTO entry_key VALUES(1, 5, -1)", "entry #-1 in list 1, which does not have it"},
        {"INSERT INTO entry_key VALUES(9, 5, 7)", "entry #7 in list 9, which is not there"},
        /* revisions */
        {"UPDATE revision SET actor = 'eve' WHERE id = 4", "revision 4 is not what it was"},
        {"UPDATE revision SET reason = NULL WHERE id = 6", "revision 6 is not what it was"},
        {"UPDATE revision SET chain = zeroblob(32) WHERE id = 5", "revision 5 is not what it was"},
        {"UPDATE revision SET chain = 'x' WHERE id = 5", "revision 5 is not what it was"},
        {"DELETE FROM revision WHERE id = 5", "revision 6 follows on revision 4"},
        {"DELETE FROM revision WHERE id = (SELECT max(id) FROM revision)",
         "no such revision or state"},
        {"UPDATE revision SET list = 77 WHERE id = 5", "revision 5 is of list 77"},
        {"UPDATE list SET known_good = 0 WHERE id = 2", "revision 2 is not what it was"},
        {"DELETE FROM step WHERE next <> 0", "revision 5 is not what it was"},
        {"DELETE FROM entry_change WHERE entry = 2", "is not what it was when it was made"},
        {"UPDATE batch_change SET now = 0 WHERE revision = 4", "revision 4 is not what it was"},
        /* states */
        {"UPDATE entry SET state = 2 WHERE id = 7", "entry #7 has state 2 of its own, but its"},
        {"UPDATE entry SET state = 0 WHERE state = 4", "has state 0 of its own, but its revisions "
                                                       "made it 4"},
        {"UPDATE entry_change SET was = 3 WHERE entry = 5",
         "entry #5 had state 0 of its own before"},
        {"UPDATE entry_change SET now = 9 WHERE entry = 5", "entry 5 is said to have changed from"},
        {"UPDATE entry_change SET entry = 4294967299 WHERE entry = 5", "entry #4294967299, which"},
        {"INSERT INTO entry_change VALUES(5, 700, 0, 4)",
         "revision 5 changes entry #700, which is"},
        {"INSERT INTO entry_change VALUES(5, 7000, 0, 4)", "revision 5 changes entry #7000, which"},
        {"UPDATE batch SET state = 0 WHERE id = 1",
         "batch 1 has state 0, but its revisions made it"},
        {"UPDATE batch SET state = 77 WHERE id = 1", "batch 1 has state 77, but its revisions"},
        {"UPDATE batch SET state = 2 WHERE revision IS NULL",
         "has state 2, but its revisions made"},
        {"UPDATE batch_change SET was = 2 WHERE revision = 4",
         "batch 1 was proposed before revision "
         "4, which says active"},
        {"INSERT INTO batch_change VALUES(5, 88, 0, 1)", "revision 5 changes batch 88, which is"},
        {"INSERT INTO batch_change VALUES(500, 1, 2, 1)", "by revision 500: no such revision"},
        /* what names what is not there */
        {"INSERT INTO step VALUES(1, 700, 0)", "a step of batch 1, from entry #700 to #0"},
        {"INSERT INTO step VALUES(2, 1, 700)", "a step of batch 2, from entry #1 to #700"},
        {"INSERT INTO step VALUES(2, 1, 2)", "a step of batch 2, from entry #1 to #2"},
        {"INSERT INTO step VALUES(77, 1, 0)", "a step of batch 77, from entry #1 to #0"},
        {"INSERT INTO suspicion VALUES(700, 32, 'x')", "suspicion 32 are about entry #700, which"},
        {"UPDATE batch SET revision = 4 WHERE id = 1", "batch 1 is said to be of revision 4"},
        {"UPDATE batch SET list = 2 WHERE id = 1", "batch 1 is said to be of revision 3"},
        {"UPDATE batch SET list = 9 WHERE id = 1", "batch 1 is of list 9, which is not there"},
        {"DELETE FROM batch WHERE id = 1", "entry #1 is of batch 1, which is not there"},
        {"INSERT INTO list VALUES(9, 'x', NULL, NULL, NULL, 0, 0)", "list 9 has no revision"},
        {"DELETE FROM list WHERE id = 2", "is of list 2, which is not there"},
    };
    static messages said;
    unit_store s;
    unit_store_make(&s);
    live(s.store, nothing);
    leave_unfinished(s.store);
    hk_store_close(s.store);
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        char path[96];
        hk_store *store = open_copy(&s, path);
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        unit_ok(hk__sql_run(store->db, faults[i].sql, &unit_error));
        assert_true(sqlite3_changes(store->db) > 0);
        const size_t problems = verify(&said, store);
        if (!problems || !strstr(said.text, faults[i].words))
            print_error("%s:\n%s", faults[i].sql, said.text);
        assert_true(problems > 0);
        assert_non_null(strstr(said.text, faults[i].words));
        hk_store_close(store);
    }
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_WRITE, &unit_error));
    assert_sound(s.store);
    unit_store_remove(&s);
}

/* More than a hundred are counted, not told. */
static void test_many(void **state)
{
    (void)state;
    static messages said;
    unit_store s;
    hk_entry entries[150];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        entries[i] = unit_entry(i + 1);
    unit_import(s.store, "known", "ann", entries, COUNT_OF(entries), false);
    unit_ok(hk__sql_run(s.store->db, "UPDATE entry SET state = 4", &unit_error));
    assert_int_equal(verify(&said, s.store), 150);
    size_t problems = 0;
    unit_ok(hk_store_verify(&problems, s.store, NULL, NULL, NULL, &unit_error));
    assert_int_equal(problems, 150);
    unit_store_remove(&s);
}

static void test_stopped(void **state)
{
    (void)state;
    unit_store s;
    hk_entry entries[300];
    hk_error err;
    size_t problems = 7;
    messages stop = {.stop_at = 0};
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        entries[i] = unit_entry(i + 1);
    unit_import(s.store, "known", "ann", entries, COUNT_OF(entries), false);
    assert_int_equal(hk_store_verify(&problems, s.store, on_problem, on_progress, &stop, &err),
                     HK_ERR_STOPPED);
    assert_int_equal(problems, 7);
    assert_int_equal(stop.count, 0);
    assert_sound(s.store);
    unit_store_remove(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    unit_store s;
    hk_error err;
    size_t problems = 7;
    unit_store_make(&s);
    live(s.store, nothing);
    FAIL_EVERY_ALLOCATION(hk_store_verify(&problems, s.store, NULL, NULL, NULL, &err),
                          problems == 7);
    assert_int_equal(problems, 0);
    unit_store_remove(&s);
}

/* ---- damaged pages ------------------------------------------------------------------------- */

/* What is checked of a store, as one text; NULL: it cannot be read. Owned. */
static char *dump(hk_store *store)
{
    static const char all[] =
        "SELECT (SELECT group_concat(quote(id) || quote(batch) || quote(state) || quote(ext) ||"
        "  quote(pdq) || quote(quality) || quote(exact) || quote(md5) || quote(sha1) ||"
        "  quote(sha256) || quote(photodna) || quote(category) || quote(tags) || quote(source) ||"
        "  quote(extra) || quote(date) || quote(name)) FROM entry NOT INDEXED),"
        " (SELECT group_concat(quote(list) || quote(key) || quote(entry)) FROM entry_key),"
        " (SELECT group_concat(quote(id) || quote(list) || quote(kind) || quote(actor) || quote(at)"
        "  || quote(reason) || quote(batch) || quote(target) || quote(source) || quote(added) ||"
        "  quote(chain)) FROM revision NOT INDEXED),"
        " (SELECT group_concat(quote(id) || quote(list) || quote(state) || quote(revision) ||"
        "  quote(entries) || quote(sum)) FROM batch NOT INDEXED),"
        " (SELECT group_concat(quote(batch) || quote(first) || quote(count)) FROM span),"
        " (SELECT group_concat(quote(batch) || quote(entry) || quote(next)) FROM step NOT INDEXED),"
        " (SELECT group_concat(quote(revision) || quote(entry) || quote(was) || quote(now))"
        "  FROM entry_change NOT INDEXED),"
        " (SELECT group_concat(quote(revision) || quote(batch) || quote(was) || quote(now))"
        "  FROM batch_change),"
        " (SELECT group_concat(quote(id) || quote(name) || quote(owner) || quote(known_good))"
        "  FROM list NOT INDEXED)";
    sqlite3_stmt *rows;
    char *text = NULL;
    if (sqlite3_prepare_v2(store->db, all, -1, &rows, NULL))
        return NULL;
    if (sqlite3_step(rows) == SQLITE_ROW) {
        size_t size = 1;
        for (int i = 0; i < 9; i++)
            size += (size_t)sqlite3_column_bytes(rows, i) + 1;
        text = calloc(1, size);
        for (int i = 0; i < 9; i++) {
            const char *part = (const char *)sqlite3_column_text(rows, i);
            strcat(strcat(text, part ? part : ""), "|");
        }
    }
    sqlite3_finalize(rows);
    return text;
}

/* Any one byte behind the first page: either all that is checked is as it was, or a problem is
 * found; and never is it more than that. */
static void test_bytes(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    enum { STRIDE = 397 };
#else
    enum { STRIDE = 97 };
#endif
    static messages said;
    unit_store s;
    char path[96];
    struct stat facts;
    size_t found = 0;
    unit_store_make(&s);
    live(s.store, nothing);
    assert_sound(s.store);
    char *expected = dump(s.store);
    hk_store_close(s.store);
    s.store = NULL;
    assert_int_equal(stat(s.path, &facts), 0);
    for (off_t at = 4096; at < facts.st_size; at += STRIDE) {
        hk_store *store;
        uint8_t byte;
        snprintf(path, sizeof path, "%s/copy.db", s.folder);
        copy_file(path, s.path);
        const int fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= (uint8_t)(1 + at % 255);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        if (hk_store_open(&store, path, HK_STORE_READ, NULL)) {
            found++;
            continue;
        }
        const size_t problems = verify(&said, store);
        char *got = dump(store);
        if (!problems && (!got || strcmp(got, expected) != 0))
            print_error("byte %lld: not found\n", (long long)at);
        assert_true(problems || (got && !strcmp(got, expected)));
        found += problems > 0;
        free(got);
        hk_store_close(store);
    }
    print_message("%zu of %zu changed bytes were found\n", found,
                  (size_t)(facts.st_size - 4096) / STRIDE);
    assert_true(found > (size_t)facts.st_size / STRIDE / 20);
    free(expected);
    unit_store_remove(&s);
}

/* A file cut short, and one whose table of entries is gone. */
static void test_pages(void **state)
{
    (void)state;
    static messages said;
    unit_store s;
    char path[96];
    struct stat facts;
    unit_store_make(&s);
    live(s.store, nothing);
    hk_store_close(s.store);
    s.store = NULL;
    hk_store *store = open_copy(&s, path);
    int64_t root;
    unit_ok(hk__sql_number(&root, 0, store->db, &unit_error,
                           "SELECT rootpage FROM sqlite_master WHERE name = 'entry'", ""));
    hk_store_close(store);
    const int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, (root - 1) * 4096), 8);
    close(fd);
    unit_ok(hk_store_open(&store, path, HK_STORE_READ, &unit_error));
    assert_true(verify(&said, store) >= 2);
    assert_non_null(strstr(said.text, "damaged"));
    assert_null(strstr(said.text, "entry_key has")); /* nothing that only follows from it */
    hk_store_close(store);
    assert_int_equal(stat(s.path, &facts), 0);
    copy_file(path, s.path);
    assert_int_equal(truncate(path, facts.st_size / 4096 / 2 * 4096), 0);
    hk_error err;
    size_t problems = 0;
    if (!hk_store_open(&store, path, HK_STORE_READ, &err)) {
        const hk_status status = hk_store_verify(&problems, store, NULL, NULL, NULL, &err);
        assert_true(status || problems);
        hk_store_close(store);
    }
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),     cmocka_unit_test(test_planted),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
