/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_case_merge.c - shards of a case, merged, are the case; what are no shards of one is refused.
 */
#include "case_unit.h"

#include "store_world.h"

enum { FILES = 300, MOST_SHARDS = 4 };

/* What lies where: contents that are in several files, near copies, hits, failures, members. */
static hk_file content_of(unsigned n)
{
    static hk_match match;
    const unsigned number = n % 5 == 3 ? n / 50 : n; /* copies, of other shards too */
    uint64_t seed = number + 1000;
    hk_file file = unit_case_photo(number + 1);
    const hk_file original = unit_case_photo(number / 10 * 10 + 1);
    if (number % 10 < 4)
        file.fingerprint.hash[0] =
            at_distance(&original.fingerprint.hash[number % 3], number % 4 * 4, &seed);
    file.width = 300 + number % 7;
    if (number % 11 == 5) {
        match = (hk_match){.list = "police",
                           .entry = "entry",
                           .basis = HK_BASIS_PDQ,
                           .probe = "plain",
                           .distance = 12,
                           .chance = 1e-8};
        file.verdict = HK_VERDICT_NEAR;
        file.matches = &match;
        file.match_count = 1;
    }
    if (number % 13 == 7) {
        file.status = HK_FILE_NOT_AN_IMAGE;
        file.hashed = false;
    }
    return file;
}

/* The files of a part of the plan. */
static void put_files(unit_case *u, unsigned shard, unsigned shards)
{
    char path[64];
    for (unsigned n = 0; n < FILES; n++) {
        if (n * 7 % shards != shard - 1)
            continue;
        snprintf(path, sizeof path, "evidence/%02u/%03u", n * 37 % 50, n);
        if (n % 29 == 4) {
            unit_case_add_failed(u, path, HK_FILE_NO_ACCESS, "no right to read it");
            continue;
        }
        const hk_file file = content_of(n);
        unit_case_add(u, path, &file);
        if (n == 60) /* named twice on the command line */
            unit_case_add(u, path, &file);
        if (n % 31)
            continue;
        int64_t number;
        unit_ok(hk__sql_number(&number, 0, u->c->db, &unit_error, "SELECT max(id) FROM file", ""));
        for (unsigned m = 0; m < 3; m++) {
            int64_t content = 0;
            const hk_file inner = content_of(FILES + n + m);
            if (m < 2)
                unit_ok(hk__case_put_content(&content, u->c, &inner, 1000, 0.0005, &unit_error));
            unit_ok(hk__case_settle_member(u->c, number, m, m == 1 ? "b" : "a", content,
                                           content ? HK_FILE_OK : HK_FILE_UNREADABLE, "broken",
                                           &unit_error));
        }
    }
}

static void set_shard(unit_case *u, unsigned shard, unsigned shards)
{
    char text[16];
    snprintf(text, sizeof text, "%u", shard);
    unit_case_set(u->c, "shard", text);
    snprintf(text, sizeof text, "%u", shards);
    unit_case_set(u->c, "shards", text);
    snprintf(text, sizeof text, "%u", FILES + 1);
    unit_case_set(u->c, "walked", text);
}

typedef struct parts {
    unit_case whole, shard[MOST_SHARDS];
    const char *path[MOST_SHARDS];
    unsigned count;
    char out[96];
    hk_case *merged;
} parts;

static void open_parts(parts *p, unsigned count)
{
    p->count = count;
    p->merged = NULL;
    unit_case_make(&p->whole);
    set_shard(&p->whole, 1, 1);
    put_files(&p->whole, 1, 1);
    unit_case_finish(&p->whole);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "part%u", i);
        unit_case_make_beside(&p->shard[i], &p->whole, name);
        set_shard(&p->shard[i], i + 1, count);
        put_files(&p->shard[i], i + 1, count);
        unit_ok(hk__case_tick(p->shard[i].c, 1, 5, 1, &unit_error));
        unit_case_finish(&p->shard[i]);
        p->path[count - 1 - i] = p->shard[i].path; /* named in another order */
    }
    snprintf(p->out, sizeof p->out, "%s/merged", p->whole.folder);
}

/* What another process would see; a statement of `harm` first, where there is one. */
static void close_shards(parts *p, unsigned which, const char *harm)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (harm && i == which)
            unit_ok(hk__sql_run(p->shard[i].c->db, harm, &unit_error));
        unit_ok(hk__case_commit(p->shard[i].c, &unit_error));
        hk_case_close(p->shard[i].c);
        p->shard[i].c = NULL;
    }
}

static void close_parts(parts *p)
{
    hk_case_close(p->merged);
    for (unsigned i = 0; i < p->count; i++)
        hk_case_close(p->shard[i].c);
    unit_case_remove(&p->whole);
}

static void merge(parts *p)
{
    unit_ok(hk_case_merge(p->out, p->path, p->count, 1, &unit_error));
    unit_ok(hk_case_open(&p->merged, p->out, HK_CASE_WRITE, &unit_error));
}

static unsigned files_in(const char *folder)
{
    unsigned count = 0;
    DIR *open = opendir(folder);
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open));)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void assert_same(hk_case *a, hk_case *b)
{
    static const unsigned readings[] = {0, HK_CASE_FIRSTS, HK_CASE_GROUPED,
                                        HK_CASE_HITS | HK_CASE_FIRSTS,
                                        HK_CASE_FAILED | HK_CASE_SKIPPED | HK_CASE_UNCERTAIN};
    for (size_t r = 0; r < COUNT_OF(readings); r++) {
        char *x = unit_case_dump(a, readings[r]), *y = unit_case_dump(b, readings[r]);
        assert_true(strlen(x) > 100);
        assert_string_equal(x, y);
        free(x);
        free(y);
    }
    hk_account of_a, of_b;
    unit_ok(hk_case_account(&of_a, a, &unit_error));
    unit_ok(hk_case_account(&of_b, b, &unit_error));
    assert_memory_equal(&of_a, &of_b, sizeof of_a);
}

static void test_merged_is_whole(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= MOST_SHARDS; count += 1) {
        parts p;
        open_parts(&p, count);
        close_shards(&p, 0, NULL);
        const unsigned before = files_in(p.whole.folder);
        merge(&p);
        assert_same(p.whole.c, p.merged);
        hk_case_info whole, merged;
        unit_ok(hk_case_describe(&whole, p.whole.c, &unit_error));
        unit_ok(hk_case_describe(&merged, p.merged, &unit_error));
        assert_int_equal(merged.state, HK_CASE_FINISHED);
        assert_int_equal(merged.shard, 1);
        assert_int_equal(merged.shards, 1);
        assert_int_equal(merged.groups, whole.groups);
        assert_true(whole.groups > 3);
        assert_int_equal(merged.sessions, count);
        assert_int_equal(merged.lists, 2);
        hk_case_session session;
        unit_ok(hk_case_session_get(&session, p.merged, count - 1, &unit_error));
        assert_int_equal(session.started, 1000000000);
        assert_true(session.ended > 0);
        int64_t ticks;
        unit_ok(hk__sql_number(&ticks, 0, p.merged->db, &unit_error,
                               "SELECT count(DISTINCT session) FROM tick", ""));
        assert_int_equal(ticks, count);
        int64_t members;
        unit_ok(hk__sql_number(&members, 0, p.merged->db, &unit_error,
                               "SELECT count(*) FROM file m JOIN file a ON a.id = m.archive"
                               " WHERE substr(m.path, 1, length(a.path)) = a.path",
                               ""));
        assert_int_equal(members, 3 * 9);
        hk_case_close(p.merged);
        p.merged = NULL;
        assert_int_equal(files_in(p.whole.folder), before + 1); /* nothing beside it */
        close_parts(&p);
    }
}

/* The better of two readings of the same bytes stands, whichever shard has it. */
static void test_the_better_reading(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        parts p;
        open_parts(&p, 2);
        /* Numbers 3 and 8 are copies of 0, and 0 is in the first shard. */
        close_shards(
            &p, which,
            "DELETE FROM match WHERE content = (SELECT content FROM file WHERE path ="
            " CAST('evidence/11/003' AS BLOB) OR path = CAST('evidence/46/008' AS BLOB));"
            "UPDATE content SET status = 13, reason = 'no end in sight', hashes = NULL,"
            " quality = NULL, kind = NULL, verdict = 0 WHERE id = (SELECT content FROM file"
            " WHERE path = CAST('evidence/11/003' AS BLOB)"
            " OR path = CAST('evidence/46/008' AS BLOB))");
        merge(&p);
        assert_same(p.whole.c, p.merged);
        close_parts(&p);
    }
}

/* Decisions of all shards, each shard's in its order, and by time. */
static void test_decisions(void **state)
{
    (void)state;
    parts p;
    uint64_t n;
    open_parts(&p, 2);
    const hk_act early = {"ann", NULL, 100}, late = {"bob", "looked again", 200};
    /* The content of 0, 3 and 8 is in both. */
    unit_ok(hk_case_decide(&n, p.shard[1].c, 0, "evidence/11/003", "C1", &late, &unit_error));
    unit_ok(hk_case_decide(&n, p.shard[0].c, 0, "evidence/46/008", "C2", &early, &unit_error));
    /* Made later in the same shard, though its clock says earlier. */
    unit_ok(hk_case_decide(&n, p.shard[1].c, 0, "evidence/33/009", "C3", &late, &unit_error));
    unit_ok(hk_case_decide(&n, p.shard[1].c, 0, "evidence/33/009", NULL, &early, &unit_error));
    /* Carried over into both. */
    for (unsigned i = 0; i < 2; i++)
        unit_ok(hk__sql_run(p.shard[i].c->db,
                            "INSERT INTO decision(content, category, actor, at, carried)"
                            " SELECT content, 'C7', 'eve', 50, 'old.case' FROM file WHERE path IN"
                            " (CAST('evidence/11/003' AS BLOB), CAST('evidence/46/008' AS BLOB))",
                            &unit_error));
    close_shards(&p, 0, NULL);
    merge(&p);
    char *text = unit_case_dump(p.merged, HK_CASE_DECIDED | HK_CASE_FIRSTS);
    assert_non_null(strstr(text, "[C1 by bob at 200: looked again, -]"));
    assert_null(strchr(strchr(text, '\n') + 1, '\n'));
    free(text);
    int64_t count;
    unit_ok(
        hk__sql_number(&count, 0, p.merged->db, &unit_error, "SELECT count(*) FROM decision", ""));
    assert_int_equal(count, 5);
    close_parts(&p);
}

static void assert_refused(parts *p, hk_status expected, const char *words)
{
    const unsigned before = files_in(p->whole.folder);
    FAILS(hk_case_merge(p->out, p->path, p->count, 1, &err), expected, words);
    assert_int_equal(files_in(p->whole.folder), before);
}

static void copy_file(const char *to, const char *from)
{
    char bytes[4096];
    size_t count;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    while ((count = fread(bytes, 1, sizeof bytes, in)))
        assert_int_equal(fwrite(bytes, 1, count, out), count);
    fclose(in);
    fclose(out);
}

static void test_no_shards_of_one_run(void **state)
{
    (void)state;
    static const struct {
        const char *harm;
        hk_status status;
        const char *words;
    } all[] = {
        {"UPDATE setting SET value = 'running' WHERE key = 'state'", HK_ERR_USAGE, "not finished"},
        {"UPDATE setting SET value = '3' WHERE key = 'shards'", HK_ERR_USAGE, "shard 2 of 3"},
        {"UPDATE setting SET value = '1' WHERE key = 'shard'", HK_ERR_USAGE, "and so is"},
        {"UPDATE setting SET value = '38' WHERE key = 'radius.photo'", HK_ERR_USAGE,
         "its radius.photo is 38, and not 39"},
        {"DELETE FROM setting WHERE key = 'profile'", HK_ERR_USAGE, "number of settings"},
        {"INSERT INTO setting VALUES('more', '1')", HK_ERR_USAGE, "its more is 1, and not not"},
        {"UPDATE input SET given = x'61'", HK_ERR_USAGE, "its input is a, and not evidence"},
        {"INSERT INTO input VALUES(1, x'61', x'61')", HK_ERR_USAGE, "number of inputs"},
        {"UPDATE list SET revision = 8", HK_ERR_USAGE, "of another revision"},
        {"UPDATE list SET name = 'other' WHERE id = 1", HK_ERR_USAGE, "its list is other"},
        {"DELETE FROM list WHERE id = 1", HK_ERR_USAGE, "number of lists"},
        {"UPDATE content SET verdict = 3 WHERE id = (SELECT content FROM file WHERE path ="
         " CAST('evidence/11/003' AS BLOB))",
         HK_ERR_USAGE, "something else of the bytes"},
        {"DELETE FROM file WHERE status = 9", HK_ERR_USAGE, "changed between the walks"},
        {"UPDATE setting SET value = '301 ' WHERE key = 'walked'", HK_ERR_USAGE, "its walked"},
        {"UPDATE file SET path = CAST('evidence/00/000' AS BLOB) WHERE path ="
         " CAST('evidence/11/003' AS BLOB)",
         HK_ERR_USAGE, "lies in shard 1 and in shard 2"},
        /* What no run writes. */
        {"UPDATE file SET input = 7", HK_ERR_FORMAT, "damaged"},
        {"UPDATE file SET content = NULL", HK_ERR_FORMAT, "damaged"},
        {"UPDATE file SET archive = id WHERE id = 3", HK_ERR_FORMAT, "damaged"},
        {"UPDATE file SET member = -1 WHERE archive IS NOT NULL", HK_ERR_FORMAT, "damaged"},
        {"UPDATE file SET status = 1 WHERE status = 9", HK_ERR_FORMAT, "damaged"},
        {"UPDATE file SET status = 2 WHERE status = 9", HK_ERR_FORMAT, "damaged"},
        {"UPDATE content SET false_matches = -1.0", HK_ERR_FORMAT, "damaged"},
        {"UPDATE content SET hashes = x'00'", HK_ERR_FORMAT, "damaged"},
        {"UPDATE session SET machine = x'6100'", HK_ERR_FORMAT, "damaged"},
        {"UPDATE session SET ended = 'never'", HK_ERR_FORMAT, "damaged"},
        {"UPDATE tick SET done = -1", HK_ERR_FORMAT, "damaged"},
        {"INSERT INTO decision VALUES(1, 9999, 'a', 'b', 1, NULL, NULL)", HK_ERR_FORMAT, "damaged"},
        {"INSERT INTO decision VALUES(1, 1, 'a', '', 1, char(7), NULL)", HK_ERR_FORMAT, "damaged"},
    };
    parts p;
    open_parts(&p, 2);
    close_shards(&p, 0, NULL);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        char good[96];
        sqlite3 *db;
        snprintf(good, sizeof good, "%s/good", p.whole.folder);
        copy_file(good, p.shard[1].path);
        assert_int_equal(sqlite3_open(p.shard[1].path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = 0", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, all[i].harm, NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(db) > 0);
        sqlite3_close(db);
        assert_refused(&p, all[i].status, all[i].words);
        assert_int_equal(rename(good, p.shard[1].path), 0);
    }
    merge(&p); /* what was restored is good */
    close_parts(&p);
}

static void test_places(void **state)
{
    (void)state;
    parts p;
    open_parts(&p, 2);
    p.merged = p.shard[0].c; /* open for writing */
    p.shard[0].c = NULL;
    hk_case_close(p.shard[1].c);
    p.shard[1].c = NULL;
    assert_refused(&p, HK_ERR_SYSTEM, "another process");
    hk_case_close(p.merged);
    p.merged = NULL;
    const char *one = p.path[0];
    FAILS(hk_case_merge(p.out, &one, 1, 1, &err), HK_ERR_USAGE, "1 cases were named");
    FAILS(hk_case_merge(p.out, &one, 0, 1, &err), HK_ERR_USAGE, "no shards");
    FAILS(hk_case_merge("/nowhere/at/all", p.path, 2, 1, &err), HK_ERR_IO, "cannot be made");
    FAILS(hk_case_merge(p.path[1], p.path, 2, 1, &err), HK_ERR_USAGE, "there already");
    p.path[1] = p.whole.folder;
    assert_refused(&p, HK_ERR_IO, "is no file");
    close_parts(&p);
}

static void test_without_memory(void **state)
{
    (void)state;
    parts p;
    open_parts(&p, 2);
    close_shards(&p, 0, NULL);
    const unsigned before = files_in(p.whole.folder);
    for (long allowed = 0;; allowed = allowed < 60 ? allowed + 1 : allowed * 5 / 4) {
        hk__mem_fail_after(allowed);
        const hk_status status = hk_case_merge(p.out, p.path, 2, 1, NULL);
        hk__mem_fail_after(-1);
        if (!status)
            break;
        assert_int_equal(status, HK_ERR_NO_MEMORY);
        assert_int_equal(files_in(p.whole.folder), before);
        assert_true(allowed < 1000000);
    }
    close_parts(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged_is_whole), cmocka_unit_test(test_the_better_reading),
        cmocka_unit_test(test_decisions),       cmocka_unit_test(test_no_shards_of_one_run),
        cmocka_unit_test(test_places),          cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
