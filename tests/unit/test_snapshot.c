/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_snapshot.c - an index saved and opened again answers as before, and as the plain model does;
 * what cannot be saved leaves everything as it was.
 */
#include "index_model.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_ROOM], path[PATH_ROOM + 32], other[PATH_ROOM + 32];

static int start(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    snprintf(other, sizeof other, "%s/b.hki", folder);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static hk_index *open_with(const char *from, const char *engine)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_error err = {0};
    hk_index *index = NULL;
    options.engine = engine;
    const hk_status status = hk_index_open(&index, from, &options, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, HK_OK);
    return index;
}

static void tell(void *context, const char *message)
{
    (void)context;
    print_error("%s\n", message);
}

static size_t problems_of(const char *from)
{
    size_t problems = 99;
    hk_error err;
    assert_int_equal(hk_index_verify(&problems, from, tell, NULL, &err), HK_OK);
    return problems;
}

static void save(const hk_index *index, const char *to)
{
    hk_error err = {0};
    const hk_status status = hk_index_save(index, to, &err);
    if (status)
        print_error("%s\n", err.message);
    assert_int_equal(status, HK_OK);
    assert_int_equal(count_files(folder, ".part"), 0);
}

/* Built with `engine`, saved, and opened with each. */
static void goes_round(size_t count, size_t digests, id_form form, const char *engine)
{
    static const char *const engines[] = {"auto", "mih", "flat"};
    const uint64_t seed = count * 10 + form;
    model m = model_of(count, digests, form, seed);
    hk_index *index;
    hk_index_info made, opened;
    assert_int_equal(model_build(&index, &m, form, engine, NULL), HK_OK);
    assert_true(model_agrees(&m, index, seed));
    save(index, path);
    hk_index_describe(&made, index);
    assert_false(made.mapped);
    for (size_t e = 0; e < COUNT_OF(engines); e++) {
        struct stat about;
        hk_index *again = open_with(path, engines[e]);
        assert_true(model_agrees(&m, again, seed));
        hk_index_describe(&opened, again);
        assert_string_equal(opened.engine, engines[e]);
        assert_int_equal(opened.hashes, count);
        for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
            assert_int_equal(opened.digests[basis], digests);
        assert_int_equal(opened.tables, made.tables);
        assert_int_equal(opened.group_bits, made.group_bits);
        assert_int_equal(opened.tag_bits, made.tag_bits);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(opened.bytes, about.st_size);
        assert_true(opened.mapped);
        assert_int_equal(opened.added + opened.removed, 0);
        save(again, other); /* from the map itself */
        assert_true(same_files(path, other));
        hk_index_free(again);
    }
    assert_int_equal(problems_of(path), 0);
    hk_index_free(index);
    model_free(&m);
}

static void snapshots_answer_as_before(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 63, 64, 65, 128, 1000};
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int form = 0; form < IDS_FORMS; form++)
            goes_round(counts[c], counts[c] / 3, (id_form)form, c % 2 ? "flat" : "auto");
    goes_round(0, 40, IDS_CLOSE, "auto");
    goes_round(40, 0, IDS_FAR, "auto");
}

static void snapshots_with_tables_answer_as_before(void **state)
{
    (void)state;
    hk_index *index;
    hk_index_info info;
    for (int form = 0; form < IDS_FORMS; form++)
        goes_round(form ? 3000 : 1, 100, (id_form)form, "mih");
    goes_round(30000, 500, IDS_CLOSE, "auto");
    index = open_with(path, NULL);
    hk_index_describe(&info, index);
    assert_true(info.tables > 0);
    hk_index_free(index);
}

static void small_tables_answer_as_before(void **state)
{
    (void)state;
    for (int form = 0; form < IDS_FORMS; form++) {
        model m = model_of(700, 30, (id_form)form, 5);
        hk_index *index;
        assert_int_equal(build_small_tables(&index, &m, (id_form)form), HK_OK);
        assert_true(model_agrees(&m, index, 5));
        save(index, path);
        hk_index_free(index);
        assert_int_equal(problems_of(path), 0);
        index = open_with(path, "mih");
        assert_true(model_agrees(&m, index, 5));
        hk_index_free(index);
        model_free(&m);
    }
}

static void planted_faults_are_found(void **state)
{
    (void)state;
    model m = model_of(500, 50, IDS_CLOSE, 6);
    hk_index *index;
    assert_int_equal(model_build(&index, &m, IDS_CLOSE, NULL, NULL), HK_OK);
    assert_true(model_agrees(&m, index, 6));
    m.id[7]++;
    assert_false(model_agrees(&m, index, 6));
    m.id[7]--;
    flip_bit(&m.hash[300], 9);
    assert_false(model_agrees(&m, index, 6));
    flip_bit(&m.hash[300], 9);
    for (size_t i = 0; i < m.digest_count[1]; i++)
        m.digest[1][i].id++;
    assert_false(model_agrees(&m, index, 6));
    hk_index_free(index);
    model_free(&m);
}

static void the_same_source_gives_the_same_bytes(void **state)
{
    (void)state;
    model m = model_of(2000, 100, IDS_CLOSE, 7);
    hk_index *a, *b;
    assert_int_equal(model_build(&a, &m, IDS_CLOSE, "mih", NULL), HK_OK);
    assert_int_equal(model_build(&b, &m, IDS_CLOSE, "mih", NULL), HK_OK);
    save(a, path);
    save(b, other);
    assert_true(same_files(path, other));
    hk_index_free(a);
    hk_index_free(b);
    model_free(&m);
}

static void an_open_view_outlives_its_file(void **state)
{
    (void)state;
    model before = model_of(1500, 40, IDS_FAR, 8), after = model_of(900, 20, IDS_NONE, 9);
    hk_index *index, *old;
    assert_int_equal(model_build(&index, &before, IDS_FAR, "mih", NULL), HK_OK);
    save(index, path);
    hk_index_free(index);
    old = open_with(path, "mih");
    assert_int_equal(model_build(&index, &after, IDS_NONE, "flat", NULL), HK_OK);
    save(index, path);
    assert_true(model_agrees(&before, old, 8));
    save(old, path); /* and may take its place back */
    hk_index_free(index);
    hk_index_free(old);
    index = open_with(path, "mih");
    assert_true(model_agrees(&before, index, 8));
    hk_index_free(index);
    model_free(&before);
    model_free(&after);
}

/* ---- what cannot be saved or opened ---------------------------------------------------------- */

static void what_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    char nowhere[PATH_ROOM + 64];
    hk_error err;
    hk_index *index;
    model m = model_of(10, 0, IDS_NONE, 1);
    assert_int_equal(model_build(&index, &m, IDS_NONE, NULL, NULL), HK_OK);
    snprintf(nowhere, sizeof nowhere, "%s/no/such/folder.hki", folder);
    assert_int_equal(hk_index_save(index, nowhere, &err), HK_ERR_IO);
    assert_non_null(strstr(err.message, nowhere));
    assert_int_equal(hk_index_save(index, "/proc/herken.hki", &err), HK_ERR_IO);
    assert_int_equal(hk_index_save(index, folder, &err), HK_ERR_IO); /* a folder lies there */
    assert_int_equal(count_files(folder, ""), 2);                    /* . and .. */
    hk_index_free(index);
    model_free(&m);
}

/* As on a full disk: writes past `bytes` of a file fail. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    model small = model_of(30, 5, IDS_CLOSE, 2), big = model_of(4000, 200, IDS_CLOSE, 3);
    hk_index *index;
    struct stat about;
    assert_int_equal(model_build(&index, &big, IDS_CLOSE, "mih", NULL), HK_OK);
    save(index, other);
    assert_int_equal(stat(other, &about), 0);
    hk_index_free(index);
    assert_int_equal(model_build(&index, &small, IDS_CLOSE, NULL, NULL), HK_OK);
    save(index, path);
    save(index, other);
    hk_index_free(index);
    assert_int_equal(model_build(&index, &big, IDS_CLOSE, "mih", NULL), HK_OK);
    signal(SIGXFSZ, SIG_IGN);
    const rlim_t most = (rlim_t)about.st_size;
    const rlim_t limits[] = {0, 1, 8192, 8193, most / 2, most - 8, most - 1};
    for (size_t l = 0; l < COUNT_OF(limits); l++) {
        hk_error err;
        limit_files(limits[l]);
        const hk_status status = hk_index_save(index, path, &err);
        limit_files(RLIM_INFINITY);
        assert_int_equal(status, HK_ERR_IO);
        assert_true(same_files(path, other));
        assert_int_equal(count_files(folder, ".part"), 0);
    }
    save(index, path);
    hk_index_free(index);
    index = open_with(path, NULL);
    assert_true(model_agrees(&big, index, 3));
    hk_index_free(index);
    model_free(&small);
    model_free(&big);
}

/* Left by a process of our number that was stopped while it saved: in a container every process may
 * have the same. */
static void drafts_of_a_stopped_process_are_not_in_the_way(void **state)
{
    (void)state;
    model m = model_of(10, 0, IDS_NONE, 1);
    hk_index *index;
    char draft[PATH_ROOM + 64];
    assert_int_equal(model_build(&index, &m, IDS_NONE, NULL, NULL), HK_OK);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(draft, sizeof draft, "%s.%ld-%u.part", path, (long)getpid(), i);
        write_file(draft, "left", 4);
    }
    assert_int_equal(hk_index_save(index, path, NULL), HK_OK);
    assert_int_equal(count_files(folder, ".part"), 500);
    remove_folder(folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    hk_index_free(index);
    model_free(&m);
}

static void what_is_no_snapshot_is_named(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdef,entry\n";
    hk_index *index = UNTOUCHED;
    hk_error err;
    size_t problems = 77;
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_ERR_IO);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(hk_index_open(&index, folder, NULL, &err), HK_ERR_IO);
    assert_int_equal(hk_index_open(&index, "/dev/zero", NULL, &err), HK_ERR_IO);
    write_file(path, "", 0);
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_ERR_FORMAT);
    write_file(path, text, sizeof text);
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_ERR_FORMAT);
    assert_int_equal(hk_index_verify(&problems, path, NULL, NULL, &err), HK_ERR_FORMAT);
    assert_ptr_equal(index, UNTOUCHED);
    assert_int_equal(problems, 77);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void saving_survives_every_failed_allocation(void **state)
{
    (void)state;
    model m = model_of(300, 20, IDS_CLOSE, 4);
    hk_index *index;
    assert_int_equal(build_small_tables(&index, &m, IDS_CLOSE), HK_OK);
    save(index, path);
    copy_file(path, other);
    FAIL_EVERY_ALLOCATION(hk_index_save(index, path, NULL),
                          same_files(path, other) && !count_files(folder, ".part"));
    assert_true(same_files(path, other));
    hk_index_free(index);

    index = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_index_open(&index, path, NULL, NULL), index == UNTOUCHED);
    assert_true(model_agrees(&m, index, 4));
    hk_index_free(index);

    size_t problems = 77;
    FAIL_EVERY_ALLOCATION(hk_index_verify(&problems, path, NULL, NULL, NULL), problems == 77);
    assert_int_equal(problems, 0);
    model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(snapshots_answer_as_before, start, finish),
        cmocka_unit_test_setup_teardown(snapshots_with_tables_answer_as_before, start, finish),
        cmocka_unit_test_setup_teardown(small_tables_answer_as_before, start, finish),
        cmocka_unit_test(planted_faults_are_found),
        cmocka_unit_test_setup_teardown(the_same_source_gives_the_same_bytes, start, finish),
        cmocka_unit_test_setup_teardown(an_open_view_outlives_its_file, start, finish),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_an_error, start, finish),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_file, start, finish),
        cmocka_unit_test_setup_teardown(drafts_of_a_stopped_process_are_not_in_the_way, start,
                                        finish),
        cmocka_unit_test_setup_teardown(what_is_no_snapshot_is_named, start, finish),
        cmocka_unit_test_setup_teardown(saving_survives_every_failed_allocation, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
