/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_files.c - the snapshots beside a store: which one is used, which are removed, and that
 * no damaged, foreign or outdated one gives an answer.
 */
#include "store_list_unit.h"

#include "index/view.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static const hk_act by_bob = {.actor = "bob", .at = 4};

static void add_and_approve(const unit_store *s, const char *list, uint64_t first, size_t count)
{
    hk_entry entry[64];
    assert_true(count <= COUNT_OF(entry));
    for (size_t i = 0; i < count; i++)
        entry[i] = unit_entry(first + i);
    unit_import(s->store, list, "ann", entry, count, false);
    unit_approve(s->store, list, "ann");
}

/* A list of 20 entries at revision 3, its snapshot, and perhaps 5 more at revision 5. */
static void make_list(unit_store *s, char path[512], bool with_delta)
{
    unit_store_make(s);
    unit_create(s->store, "known", false, false);
    add_and_approve(s, "known", 0, 20);
    hk_list_free(unit_list(s->store, "known"));
    assert_int_equal(unit_snapshot(path, s, "known"), 3);
    if (with_delta)
        add_and_approve(s, "known", 100, 5);
}

static void assert_right(const unit_store *s, const char *name)
{
    hk_list *list = unit_list(s->store, name);
    assert_true(unit_list_agrees(s->store, list));
    hk_list_free(list);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(lstat(path, &about), 0);
    return about.st_mode & 0777;
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool is_there(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/* ---- which one is used ---------------------------------------------------------------------- */

static void a_snapshot_is_used_as_it_lies(void **state)
{
    (void)state;
    unit_store s;
    char path[512], again[512];
    struct stat before, after;
    make_list(&s, path, false);
    assert_int_equal(stat(path, &before), 0);
    hk_list *list = unit_list(s.store, "known");
    hk_index_info info;
    hk_index_describe(&info, list->index);
    assert_true(info.mapped);
    assert_null(list->index->changes);
    hk_list_free(list);
    add_and_approve(&s, "known", 100, 5);
    list = unit_list(s.store, "known");
    hk_index_describe(&info, list->index);
    assert_true(info.mapped);
    assert_int_equal(info.added, 5);
    hk_list_free(list);
    assert_int_equal(unit_snapshot(again, &s, "known"), 3);
    assert_int_equal(stat(again, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    unit_store_remove(&s);
}

static void lists_do_not_meet(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    make_list(&s, path, false);
    unit_create(s.store, "known.too", false, false);
    unit_create(s.store, "k", false, false);
    add_and_approve(&s, "known.too", 10, 20); /* half of them are in both */
    assert_right(&s, "k");
    assert_right(&s, "known.too");
    add_and_approve(&s, "k", 25, 10);
    assert_right(&s, "k");
    assert_right(&s, "known.too");
    assert_right(&s, "known");
    assert_true(unit_both_agree(&s, "k") && unit_both_agree(&s, "known.too"));
    assert_true(is_there(path));
    /* A revision of one that says it changed an entry of the other. */
    unit_ok(hk__sql_run(s.store->db, "INSERT INTO entry_change VALUES(3, 25, 0, 0)", &unit_error));
    char older[600];
    snprintf(older, sizeof older, "%s/lists.db.known.1%s", s.folder, strrchr(path, '-'));
    assert_int_equal(rename(path, older), 0);
    unit_ok(hk__sql_run(s.store->db,
                        "UPDATE revision SET chain = (SELECT chain FROM revision WHERE id = 3)"
                        " WHERE id = 1",
                        &unit_error));
    assert_right(&s, "known");
    unit_store_remove(&s);
}

/* A copy is made, both go on, and the copy is put back: the numbers are the same, the entries are
 * not. */
static void a_restored_store_has_its_own_snapshots(void **state)
{
    (void)state;
    unit_store s;
    char path[512], other[512], copy[128];
    make_list(&s, path, true);
    snprintf(copy, sizeof copy, "%s/copy.db", s.folder);
    unit_ok(hk__sql_do(s.store->db, &unit_error, "VACUUM INTO ?1", "t", copy));
    unlink(path);
    add_and_approve(&s, "known", 200, 5); /* 7 */
    hk_list *list = unit_list(s.store, "known");
    char digest[65];
    snprintf(digest, sizeof digest, "%s", hk_list_digest(list));
    assert_int_equal(strlen(digest), 64);
    hk_list_free(list);
    assert_right(&s, "known");
    assert_int_equal(unit_snapshot(path, &s, "known"), 7);
    hk_store_close(s.store);
    assert_int_equal(rename(copy, s.path), 0);
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_WRITE, &unit_error));
    assert_right(&s, "known"); /* 5: the snapshot is of the future, which was another */
    add_and_approve(&s, "known", 300, 5);
    list = unit_list(s.store, "known");
    assert_int_equal(hk_list_revision(list), 7);
    assert_int_equal(strlen(hk_list_digest(list)), 64);
    assert_string_not_equal(hk_list_digest(list), digest); /* another 7 */
    assert_true(unit_list_agrees(s.store, list));
    hk_list_free(list);
    add_and_approve(&s, "known", 400, 5);
    assert_right(&s, "known");
    assert_true(is_there(path)); /* it may be wanted by nobody: but it is not older than 5 */
    unit_hide_snapshots(&s, "known", true);
    assert_right(&s, "known"); /* made anew at 9, beside nothing */
    unit_snapshot(other, &s, "known");
    unlink(other);
    unit_hide_snapshots(&s, "known", false);
    assert_right(&s, "known");
    unit_store_remove(&s);
}

/* The words of entries come from the file by its name, which may have become another's. */
static void a_store_that_was_replaced_gives_no_words(void **state)
{
    (void)state;
    unit_store s, other;
    hk_list *list;
    hk_error err;
    char path[512];
    make_list(&s, path, true);
    make_list(&other, path, true);
    add_and_approve(&other, "known", 200, 5);
    add_and_approve(&s, "known", 300, 5);
    hk_store_close(other.store);
    other.store = NULL;
    unit_ok(hk__sql_run(s.store->db, "PRAGMA wal_checkpoint(truncate)", &unit_error));
    assert_int_equal(rename(other.path, s.path), 0);
    assert_int_equal(hk_store_list(&list, s.store, "known", &err), HK_ERR_IO);
    assert_non_null(strstr(err.message, "open it again"));
    unit_store_remove(&s);
    unit_store_remove(&other);
}

static void what_is_newer_than_the_store_is_left_alone(void **state)
{
    (void)state;
    unit_store s;
    char path[512], future[600];
    make_list(&s, path, true);
    /* With the mark that revision 3 has: what counts is both. */
    snprintf(future, sizeof future, "%s/lists.db.known.6%s", s.folder, strrchr(path, '-'));
    assert_int_equal(rename(path, future), 0);
    assert_right(&s, "known");
    assert_true(is_there(future));
    snprintf(path, sizeof path, "%s/lists.db.known.4%s", s.folder, strrchr(future, '-'));
    assert_int_equal(rename(future, path), 0);
    assert_right(&s, "known");
    unit_store_remove(&s);
}

/* ---- damage --------------------------------------------------------------------------------- */

static void truncate_to(const char *path, off_t size)
{
    assert_int_equal(truncate(path, size), 0);
}

static void spoil(const char *path, off_t at)
{
    uint8_t byte;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Where the ids lie: the snapshot of 20 hashes has a block of them, and then two of ids. */
enum { AT_IDS = 8192 + 4096 };

static void damaged_snapshots_are_made_anew(void **state)
{
    (void)state;
    for (int damage = 0; damage < 5; damage++) {
        unit_store s;
        char path[512], again[512];
        make_list(&s, path, true);
        if (damage == 0)
            spoil(path, 20); /* the header */
        else if (damage == 1)
            truncate_to(path, 0);
        else if (damage == 2)
            truncate_to(path, 9000);
        else if (damage == 3)
            put_file(path, "no snapshot at all\n");
        else
            spoil(path, AT_IDS); /* nothing but the delta's removals meets it at once */
        chmod(path, 0644);
        if (damage == 4) {
            hk_revision revision;
            unit_ok(hk_store_retract(&revision, s.store, "known", (const uint32_t[]){7}, 1, &by_bob,
                                     &unit_error));
        }
        assert_right(&s, "known");
        assert_int_equal(unit_snapshot(again, &s, "known"), damage == 4 ? 6 : 5);
        assert_int_equal(mode_of(again), 0600);
        hk_list *list = unit_list(s.store, "known");
        assert_null(list->index->changes);
        hk_list_free(list);
        unit_store_remove(&s);
    }
}

/* One of the very revision has to be replaced, and what was anybody's does not stay so. */
static void a_damaged_one_of_today_is_replaced(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    make_list(&s, path, false);
    put_file(path, "no snapshot at all\n");
    assert_int_equal(chmod(path, 0666), 0);
    assert_right(&s, "known");
    assert_int_equal(mode_of(path), 0600);
    hk_list *list = unit_list(s.store, "known");
    hk_index_info info;
    hk_index_describe(&info, list->index);
    assert_true(info.mapped);
    hk_list_free(list);
    unit_store_remove(&s);
}

/* Warming comes upon damage before any search does; with a bound it looks no further. */
static void warming_finds_damage(void **state)
{
    char path[512];
    unit_store s;
    uint64_t bytes = 0;
    hk_error err;
    struct stat about;
    (void)state;
    make_list(&s, path, false);
    assert_int_equal(stat(path, &about), 0);
    hk_list *list = unit_list(s.store, "known");
    assert_int_equal(hk_list_warm(&bytes, list, UINT64_MAX, &err), HK_OK);
    assert_true(bytes > 8192 && bytes <= (uint64_t)about.st_size);
    assert_int_equal(hk_list_warm(&bytes, list, 8192 + 100, &err), HK_OK);
    assert_true(bytes == 8192 + 100);
    hk_list_free(list);

    spoil(path, 8192 + 100);
    list = unit_list(s.store, "known");
    assert_int_equal(hk_list_warm(&bytes, list, 4096, &err), HK_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(hk_list_warm(&bytes, list, UINT64_MAX, &err), HK_ERR_FORMAT);
    assert_int_equal(access(path, F_OK), -1);
    hk_list_free(list);
    list = unit_list(s.store, "known");
    assert_int_equal(hk_list_warm(&bytes, list, UINT64_MAX, &err), HK_OK);
    hk_list_free(list);
    assert_right(&s, "known");
    unit_store_remove(&s);
}

/* The newest is damaged, an older one is not. */
static void an_older_one_will_do(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    make_list(&s, path, true);
    unit_hide_snapshots(&s, "known", true);
    assert_right(&s, "known");
    assert_int_equal(unit_snapshot(path, &s, "known"), 5);
    unit_hide_snapshots(&s, "known", false);
    spoil(path, 20);
    hk_list *list = unit_list(s.store, "known");
    assert_non_null(list->index->changes);
    assert_true(unit_list_agrees(s.store, list));
    hk_list_free(list);
    unit_store_remove(&s);
}

/* Somebody has used our snapshot as one of his own. */
static void changes_from_elsewhere_are_not_the_lists(void **state)
{
    (void)state;
    for (int merged = 0; merged < 2; merged++) {
        unit_store s;
        char path[512];
        hk_live *live;
        uint64_t seed = 4;
        const hk_index_change change[] = {
            {.kind = HK_CHANGE_ADD_HASH, .id = 3, .hash = random_hash(&seed)},
            {.kind = HK_CHANGE_REMOVE, .id = 5}};
        make_list(&s, path, false);
        unit_ok(hk_live_open(&live, path, 0, NULL, &unit_error));
        unit_ok(hk_live_apply(live, change, COUNT_OF(change), &unit_error));
        if (merged)
            unit_ok(hk_live_merge(live, &unit_error));
        hk_live_free(live);
        assert_right(&s, "known");
        unit_store_remove(&s);
    }
}

/* ---- where none can be kept ----------------------------------------------------------------- */

static void a_list_needs_no_snapshot(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    make_list(&s, path, false);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0); /* its place is taken */
    for (int turn = 0; turn < 2; turn++) {
        hk_list *list = unit_list(s.store, "known");
        assert_true(unit_list_agrees(s.store, list));
        hk_index_info info;
        hk_index_describe(&info, list->index);
        assert_false(info.mapped);
        hk_list_free(list);
    }
    assert_int_equal(rmdir(path), 0);
    unit_store_remove(&s);
}

/* As somebody who may read and no more: 0 if all is well, OUT_OF_REACH where a folder above lets
 * nobody in (a root of its own, made by root alone). */
enum { OUT_OF_REACH = 77 };
static int look_as_nobody(const char *path)
{
    hk_store *store;
    hk_list *list;
    hk_error err;
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 1;
    if (access(path, R_OK))
        return OUT_OF_REACH;
    if (hk_store_open(&store, path, HK_STORE_READ, &err) ||
        hk_store_list(&list, store, "known", &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    const bool agrees = unit_list_agrees(store, list);
    hk__list_entry words;
    const hk_status found = hk__list_entry_of(&words, list, 3, &err);
    hk_list_free(list);
    hk_store_close(store);
    return agrees && !found ? 0 : 3;
}

static void a_folder_that_cannot_be_written_will_do(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        unit_store s;
        char path[512];
        int ended;
        make_list(&s, path, true);
        if (!kept)
            unlink(path);
        DIR *folder = opendir(s.folder);
        for (struct dirent *file; (file = readdir(folder));)
            assert_int_equal(fchmodat(dirfd(folder), file->d_name, 0555, 0), 0);
        closedir(folder);
        assert_int_equal(chmod(s.folder, 0555), 0);
        const pid_t child = fork();
        if (child == 0)
            _exit(look_as_nobody(s.path));
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(unit_snapshot(path, &s, "known"), kept ? 3 : 0);
        assert_int_equal(chmod(s.folder, 0700), 0);
        unit_store_remove(&s);
        if (WIFEXITED(ended) && WEXITSTATUS(ended) == OUT_OF_REACH) {
            print_message("others cannot reach the temporary folder here\n");
            skip();
        }
        assert_int_equal(ended, 0);
    }
}

static void snapshots_are_as_private_as_their_store(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    make_list(&s, path, false);
    assert_int_equal(mode_of(path), 0600);
    unlink(path);
    assert_int_equal(chmod(s.path, 0640), 0);
    assert_right(&s, "known");
    unit_snapshot(path, &s, "known");
    assert_int_equal(mode_of(path), 0640);
    unit_store_remove(&s);
}

/* ---- what is removed ------------------------------------------------------------------------ */

#define MARK "-0123456789abcdef.hki"

static void put_beside(const unit_store *s, const char *name, bool old)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    put_file(path, "x");
    if (old) {
        const struct timespec then[2] = {{time(NULL) - 3600, 0}, {time(NULL) - 3600, 0}};
        assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    }
}

static bool lies_beside(const unit_store *s, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return is_there(path);
}

static void older_snapshots_go_and_nothing_else(void **state)
{
    (void)state;
    static const char *const goes[] = {
        "lists.db.known.1" MARK,
        "lists.db.known.2" MARK,
        "lists.db.known.2" MARK ".delta",
        "lists.db.known.2" MARK ".lock",
        "lists.db.known.1" MARK ".77-0.part",
        "lists.db.known.3" MARK ".77-0.part",
    };
    static const char *const stays[] = {
        "lists.db.known.3" MARK, /* not older than the list */
        "lists.db.known.4" MARK,
        "lists.db.known.4" MARK ".77-0.part",
        "lists.db.known.1" MARK ".mine",
        "lists.db.known.1" MARK ".delta.mine",
        "lists.db.known.01" MARK,
        "lists.db.known.0" MARK,
        "lists.db.known.1-0123456789abcde.hki",
        "lists.db.known.1-0123456789ABCDEF.hki",
        "lists.db.known.1-0123456789abcdef0.hki",
        "lists.db.known.1-0123456789abcdef.hk",
        "lists.db.known.1111111111111111111" MARK,
        "lists.db.known." MARK,
        "lists.db.known.hki",
        "lists.db.known",
        "lists.db.knownx.1" MARK,
        "lists.db.known.too.1" MARK,
        "lists.db.other.1" MARK,
        "lists.db.1" MARK,
        "xlists.db.known.1" MARK,
        "lists.dbxknown.1" MARK,
        "other.db.known.1" MARK,
    };
    unit_store s;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    add_and_approve(&s, "known", 0, 20);
    for (size_t i = 0; i < COUNT_OF(goes); i++)
        put_beside(&s, goes[i], true);
    for (size_t i = 0; i < COUNT_OF(stays); i++)
        put_beside(&s, stays[i], true);
    put_beside(&s, "lists.db.known.2" MARK ".78-0.part", false); /* somebody is writing it */
    assert_right(&s, "known");
    for (size_t i = 0; i < COUNT_OF(goes); i++)
        if (lies_beside(&s, goes[i]))
            fail_msg("%s is still there", goes[i]);
    for (size_t i = 0; i < COUNT_OF(stays); i++)
        if (!lies_beside(&s, stays[i]))
            fail_msg("%s is gone", stays[i]);
    assert_true(lies_beside(&s, "lists.db.known.2" MARK ".78-0.part"));
    unit_store_remove(&s);
}

static void a_removed_snapshot_lives_on_where_it_is_used(void **state)
{
    (void)state;
    unit_store s;
    char path[512];
    hk_revision revision;
    make_list(&s, path, false);
    hk_list *list = unit_list(s.store, "known");
    unlink(path);
    unit_ok(hk_store_retract(&revision, s.store, "known", (const uint32_t[]){7}, 1, &by_bob,
                             &unit_error));
    assert_right(&s, "known");
    assert_int_equal(hk_list_revision(list), 3);
    for (uint32_t i = 0; i < 20; i++) {
        const hk_entry entry = unit_entry(i);
        assert_true(unit_finds_hash(list, &entry.hash, i + 1));
    }
    hk_list_free(list);
    unit_store_remove(&s);
}

/* ---- at once -------------------------------------------------------------------------------- */

static int look_often(const char *path)
{
    for (int turn = 0; turn < 10; turn++) {
        hk_store *store;
        hk_list *list;
        if (hk_store_open(&store, path, HK_STORE_READ, NULL) ||
            hk_store_list(&list, store, "known", NULL))
            return 1;
        const uint64_t approvals = (hk_list_revision(list) - 1) / 2;
        if (hk_index_count(list->index) != 20 * approvals || hk_list_count(list) != 20 * approvals)
            return 2;
        hk_list_free(list);
        hk_store_close(store);
    }
    return 0;
}

static void processes_do_it_at_once(void **state)
{
    (void)state;
    enum { PROCESSES = 4 };
    unit_store s;
    pid_t child[PROCESSES];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    hk_store_close(s.store);
    for (int p = 0; p < PROCESSES; p++) {
        child[p] = fork();
        if (child[p] == 0)
            _exit(look_often(s.path));
    }
    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_WRITE, &unit_error));
    for (uint64_t i = 0; i < 10; i++) {
        char path[512];
        add_and_approve(&s, "known", 20 * i, 20);
        DIR *folder = opendir(s.folder); /* now and then it must be made anew */
        for (struct dirent *file; i % 3 == 0 && (file = readdir(folder));) {
            snprintf(path, sizeof path, "%s/%s", s.folder, file->d_name);
            if (strstr(path, ".hki") && !strstr(path, ".part"))
                unlink(path);
        }
        closedir(folder);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int ended;
        assert_int_equal(waitpid(child[p], &ended, 0), child[p]);
        assert_int_equal(ended, 0);
    }
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_used_as_it_lies),
        cmocka_unit_test(lists_do_not_meet),
        cmocka_unit_test(a_restored_store_has_its_own_snapshots),
        cmocka_unit_test(a_store_that_was_replaced_gives_no_words),
        cmocka_unit_test(what_is_newer_than_the_store_is_left_alone),
        cmocka_unit_test(damaged_snapshots_are_made_anew),
        cmocka_unit_test(a_damaged_one_of_today_is_replaced),
        cmocka_unit_test(warming_finds_damage),
        cmocka_unit_test(an_older_one_will_do),
        cmocka_unit_test(changes_from_elsewhere_are_not_the_lists),
        cmocka_unit_test(a_list_needs_no_snapshot),
        cmocka_unit_test(a_folder_that_cannot_be_written_will_do),
        cmocka_unit_test(snapshots_are_as_private_as_their_store),
        cmocka_unit_test(older_snapshots_go_and_nothing_else),
        cmocka_unit_test(a_removed_snapshot_lives_on_where_it_is_used),
        cmocka_unit_test(processes_do_it_at_once),
    };
    return cmocka_run_group_tests_name("store_files", tests, NULL, NULL);
}
