/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_checker.c - the threads of a checker, and whole runs on top of it, with a worker without
 * decoders: everything comes once, with its own verdict, whatever the order; ends in the middle.
 */
#include "unit.h"

#include "batch/checker.h"
#include "batch/run.h"
#include "list/list.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 300 };

static char folder[] = "/tmp/herken-checker-XXXXXX";

static void path_of(char path[64], unsigned n)
{
    snprintf(path, 64, "%s/e/%03u", folder, n);
}

static int make_files(void **state)
{
    char path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/e", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned n = 0; n < FILES; n++) {
        path_of(path, n);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "%s%u", n == 7 ? "DIE" : n % 50 == 13 ? "SLOW" : "file", n / 2 * 2);
        assert_int_equal(fclose(file), 0);
    }
    return 0;
}

static int remove_files(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* A list with a digest that file 0 and 1 have, and a hash that nothing has. */
static hk_list *one_list;
static hk_matcher *one_matcher;

static hk__checker_options options(unsigned workers, bool match)
{
    return (hk__checker_options){
        .pool = {.program = WORKER,
                 .workers = workers,
                 .memory = UINT64_C(2) << 30,
                 .timeout_ms = 20000,
                 .limits = {.max_pixels = 1 << 20, .max_bytes = 1 << 20, .max_pages = 1},
                 .digests = HK_DIGEST_ALL,
                 .picture_digests = HK_DIGEST_ALL},
        .matcher = match ? one_matcher : NULL,
    };
}

static hk__checked *wait_for_one(hk__checker *checker)
{
    hk__checked *checked = NULL;
    hk_error err;
    for (int i = 0; !checked && i < 200; i++)
        assert_int_equal(hk__checker_wait(&checked, checker, 100, &err), HK_OK);
    assert_non_null(checked);
    return checked;
}

static void submit(hk__checker *checker, unsigned n)
{
    char path[64];
    path_of(path, n);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    hk__checker_submit(checker, n, fd, 0);
}

/* Asks for every file; counts how often each came, and of two what their digest is. */
static void check_all(hk__checker *checker, unsigned came[FILES], uint8_t digest[2][32])
{
    unsigned next = 0, got = 0;
    while (got < FILES) {
        while (next < FILES && hk__checker_room(checker))
            submit(checker, next++);
        hk__checked *checked = wait_for_one(checker);
        assert_true(checked->tag < FILES && checked->last && !checked->member);
        came[checked->tag]++;
        assert_int_equal(checked->file.status, checked->tag == 7 ? HK_FILE_CRASHED : HK_FILE_OK);
        if (checked->tag < 2)
            memcpy(digest[checked->tag], checked->file.digests.sha256, 32);
        if (one_matcher)
            assert_int_equal(checked->file.verdict, checked->tag == 7  ? HK_VERDICT_NOT_CHECKED
                                                    : checked->tag < 2 ? HK_VERDICT_EXACT
                                                                       : HK_VERDICT_NONE);
        hk__checked_free(checked);
        got++;
    }
    assert_int_equal(hk__checker_busy(checker), 0);
}

static void all_come_once(void **state)
{
    (void)state;
    hk_error err;
    for (int round = 0; round < 2; round++) { /* without a list, then with one of file 0 */
        unsigned came[FILES] = {0};
        uint8_t digest[2][32];
        hk__checker *checker;
        const hk__checker_options with = options(3, round);
        assert_int_equal(hk__checker_open(&checker, &with, &err), HK_OK);
        check_all(checker, came, digest);
        for (unsigned n = 0; n < FILES; n++)
            assert_int_equal(came[n], 1);
        assert_memory_equal(digest[0], digest[1], 32);
        hk__checked *none = UNTOUCHED;
        assert_int_equal(hk__checker_wait(&none, checker, 1, &err), HK_OK);
        assert_null(none);
        hk__checker_free(checker);
        if (!round) {
            hk_match_options plain = HK_MATCH_OPTIONS_INIT;
            hk_entry entry = HK_ENTRY_INIT;
            plain.accept_uncertain = true;
            entry.id = "first";
            entry.digests.present = HK_DIGEST_SHA256;
            memcpy(entry.digests.sha256, digest[0], 32);
            assert_int_equal(hk__list_new(&one_list, "one", &err), HK_OK);
            assert_int_equal(hk__list_add(one_list, &entry, 1, &err), HK_OK);
            assert_int_equal(
                hk_matcher_new(&one_matcher, (const hk_list *const[]){one_list}, 1, &plain, &err),
                HK_OK);
        }
    }
}

static void it_can_be_left_at_any_moment(void **state)
{
    (void)state;
    hk_error err;
    const int before = dup(0);
    close(before);
    for (unsigned taken = 0; taken < 12; taken += 3) {
        hk__checker *checker;
        const hk__checker_options with = options(2, true);
        assert_int_equal(hk__checker_open(&checker, &with, &err), HK_OK);
        for (unsigned n = 0; n < 60; n++)
            submit(checker, n);
        for (unsigned i = 0; i < taken; i++)
            hk__checked_free(wait_for_one(checker));
        hk__checker_free(checker);
    }
    hk__checker_free(NULL);
    const int after = dup(0);
    close(after);
    assert_int_equal(after, before); /* nothing is left open */
}

/* What was checked is given out, then the error, and again. */
static void an_error_of_a_thread_comes_out(void **state)
{
    (void)state;
    hk_error err = {HK_OK, ""};
    hk__checker *checker;
    hk__checked *checked = NULL;
    const hk__checker_options with = options(2, true);
    assert_int_equal(hk__checker_open(&checker, &with, &err), HK_OK);
    hk__mem_fail_after(0);
    submit(checker, 3);
    hk_status status = HK_OK;
    for (int i = 0; !status && i < 100; i++)
        status = hk__checker_wait(&checked, checker, 100, &err);
    hk__mem_fail_after(-1);
    assert_int_equal(status, HK_ERR_NO_MEMORY);
    assert_int_equal(hk__checker_wait(&checked, checker, 0, &err), HK_ERR_NO_MEMORY);
    hk__checker_free(checker);
}

/* Where looking up takes longer than decoding, the rasters of animations do not pile up. */
static void rasters_that_wait_are_bounded(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    enum { ANIMATIONS = 4 }; /* looking at them is slow, and the heap is not counted */
#else
    enum { ANIMATIONS = 60 };
#endif
    enum { MOST = 120 << 20 }; /* without a bound, 250 MB */
    hk_error err;
    hk_list *list;
    hk_matcher *matcher;
    hk__checker *checker;
    hk_entry entry = HK_ENTRY_INIT;
    entry.id = "one";
    entry.has_hash = true;
    entry.hash =
        (hk_hash){{0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff}};
    assert_int_equal(hk__list_new(&list, "one", &err), HK_OK);
    assert_int_equal(hk__list_add(list, &entry, 1, &err), HK_OK);
    assert_int_equal(hk_matcher_new(&matcher, (const hk_list *const[]){list}, 1, NULL, &err),
                     HK_OK);
    hk__checker_options with = options(2, true);
    with.matcher = matcher;
    with.pool.raster = hk__matcher_wants_raster(matcher);
    assert_true(with.pool.raster);
    assert_int_equal(hk__checker_open(&checker, &with, &err), HK_OK);
    const size_t before = mallinfo2().uordblks;
    size_t peak = before;
    for (unsigned n = 0; n < ANIMATIONS; n++) {
        char path[64];
        snprintf(path, sizeof path, "%s/views", folder);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "VIEWS%u", n);
        assert_int_equal(fclose(file), 0);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0 && !unlink(path));
        hk__checker_submit(checker, n, fd, 0);
    }
    for (unsigned got = 0; got < ANIMATIONS;) {
        hk__checked *checked;
        const size_t now = mallinfo2().uordblks;
        peak = now > peak ? now : peak;
        assert_int_equal(hk__checker_wait(&checked, checker, 10, &err), HK_OK);
        if (!checked)
            continue;
        assert_int_equal(checked->file.view_count, HK_VIEWS_MOST);
        assert_null(checked->file.views->raster);
        hk__checked_free(checked);
        got++;
    }
    if (peak - before > MOST)
        fail_msg("%zu MB are in use at once", (peak - before) >> 20);
    hk__checker_free(checker);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void what_is_not_read_is_judged_too(void **state)
{
    (void)state;
    hk_error err;
    hk__checked *checked;
    assert_int_equal(
        hk__checked_unread(&checked, one_matcher, 5, HK_FILE_NO_ACCESS, "permission denied", &err),
        HK_OK);
    assert_int_equal(checked->tag, 5);
    assert_true(checked->last);
    assert_int_equal(checked->file.verdict, HK_VERDICT_NOT_CHECKED);
    assert_string_equal(checked->file.verdict_reason, "no_access");
    hk__checked_free(checked);
    hk__checked_free(NULL);
}

/* ---- whole runs ---------------------------------------------------------------------------- */

static void count_progress(void *context, const hk_progress *progress)
{
    unsigned *phases = context;
    for (int s = 0; s < HK_CASE_STATES; s++)
        if (!strcmp(progress->phase, hk_case_state_name((hk_case_state)s)))
            phases[s]++;
}

static hk_status run(hk_account *account, const char *path, unsigned *phases, hk_error *err)
{
    char evidence[64];
    hk_run_options with = HK_RUN_OPTIONS_INIT;
    const hk_case_list source = {.name = "one", .source = "/lists/one"};
    snprintf(evidence, sizeof evidence, "%s/e", folder);
    with.path = path;
    with.inputs = (const char *const[]){evidence};
    with.input_count = 1;
    with.sources = &source;
    with.lists = (const hk_list *const[]){one_list};
    with.list_count = 1;
    with.match.accept_uncertain = true;
    with.scan.worker_path = WORKER;
    with.scan.workers = 2;
    with.scan.on_progress = phases ? count_progress : NULL;
    with.scan.context = phases;
    return hk_case_run(account, &with, err);
}

static void check_account(const hk_account *account)
{
    assert_int_equal(account->found, FILES);
    assert_int_equal(account->by_verdict[HK_VERDICT_EXACT], 2);
    assert_int_equal(account->by_status[HK_FILE_CRASHED], 1);
    /* two files of each content, but that of 7, where the first few bytes differ from those of 6 */
    assert_int_equal(account->by_class[HK_CLASS_HASHED] + account->by_class[HK_CLASS_DUPLICATE],
                     FILES - 1);
}

static void a_run_is_kept_and_tells_its_phases(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    unsigned phases[HK_CASE_STATES] = {0};
    char path[64];
    snprintf(path, sizeof path, "%s/kept.case", folder);
    assert_int_equal(run(&account, path, phases, &err), HK_OK);
    check_account(&account);
    assert_true(phases[HK_CASE_PLANNING] && phases[HK_CASE_RUNNING] && phases[HK_CASE_GROUPING]);
    memset(phases, 0, sizeof phases);
    assert_int_equal(run(&account, path, phases, &err), HK_OK);
    check_account(&account);
    assert_false(phases[HK_CASE_RUNNING]);
}

/* A case in planning is as good as none, whatever lies in it. */
static void what_was_planned_before_a_kill_is_planned_anew(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    hk_case *c;
    char path[64];
    for (int written = 0; written < 2; written++) {
        snprintf(path, sizeof path, "%s/plan%d.case", folder, written);
        assert_int_equal(hk__case_create(&c, path, &err), HK_OK);
        assert_int_equal(hk__case_add_input(c, "x", "/x", &err), HK_OK);
        assert_int_equal(hk__case_plan(c, 0, "x/y", HK_FILE_OK, NULL, &err), HK_OK);
        if (written)
            assert_int_equal(hk__case_commit(c, &err), HK_OK);
        hk_case_close(c);
        assert_int_equal(run(&account, path, NULL, &err), HK_OK);
        check_account(&account);
    }
    /* Killed before that: the file is there, and empty. */
    snprintf(path, sizeof path, "%s/empty.case", folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(run(&account, path, NULL, &err), HK_OK);
    check_account(&account);
}

/* Each failure leaves a case that the next run goes on with. */
static void memory_that_runs_out_costs_nothing_but_time(void **state)
{
    (void)state;
    hk_error err;
    hk_account account = {0};
    char path[64];
    snprintf(path, sizeof path, "%s/memory.case", folder);
    hk_status status = HK_ERR_NO_MEMORY;
    unsigned tries = 0;
    for (long allowed = 0; status; allowed += 1 + allowed / 4, tries++) {
        hk__mem_fail_after(allowed);
        status = run(&account, path, NULL, &err);
        hk__mem_fail_after(-1);
        assert_true(status == HK_OK || status == HK_ERR_NO_MEMORY);
        assert_true(tries < 60);
    }
    assert_true(tries > 5);
    check_account(&account);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    hk_error err;
    hk_account account;
    hk_run_options with = HK_RUN_OPTIONS_INIT;
    assert_int_equal(hk_case_run(&account, &with, &err), HK_ERR_USAGE); /* no case */
    with.path = "/nonexistent/x.case";
    with.shard = 2;
    assert_int_equal(hk_case_run(&account, &with, &err), HK_ERR_USAGE);
    with.shard = 1;
    with.max_memory = 1;
    assert_int_equal(hk_case_run(&account, &with, &err), HK_ERR_USAGE);
    with.max_memory = 0;
    with.size = 1;
    assert_int_equal(hk_case_run(&account, &with, &err), HK_ERR_USAGE);
    with.size = sizeof with;
    assert_int_equal(hk_case_run(&account, &with, &err), HK_ERR_IO); /* its folder is not there */
}

static void memory_bounds_the_workers(void **state)
{
    (void)state;
    const uint64_t mb = 1 << 20;
    unsigned workers;
    uint64_t memory;
    hk_run_options with = HK_RUN_OPTIONS_INIT;
    with.scan.workers = 8;
    with.scan.worker_memory = 2048 * mb;
    hk__run_size(&workers, &memory, &with);
    assert_true(workers == 8 && memory == 2048 * mb);
    with.max_memory = 300 * mb + 2048 * mb * 3 + 5;
    hk__run_size(&workers, &memory, &with);
    assert_true(workers == 3 && memory == 2048 * mb);
    with.max_memory = 300 * mb + 256 * mb;
    hk__run_size(&workers, &memory, &with);
    assert_true(workers == 1 && memory == 256 * mb);
}

static void inputs_are_taken_once(void **state)
{
    (void)state;
    hk_error err;
    hk__inputs inputs;
    char e[64], file[64], odd[80], beside[64];
    snprintf(e, sizeof e, "%s/e", folder);
    path_of(file, 5);
    snprintf(odd, sizeof odd, "%s/../e//.", e);
    snprintf(beside, sizeof beside, "%s/e-2", folder); /* sorts between e and e/... by its bytes */
    const char *const paths[] = {file, beside, odd, e, "nowhere", "/nowhere/at/all", "nowhere"};
    assert_int_equal(hk__inputs_find(&inputs, paths, COUNT_OF(paths), &err), HK_OK);
    assert_int_equal(inputs.count, 4);
    assert_string_equal(inputs.input[0].given, beside);
    assert_string_equal(inputs.input[1].given, odd);
    assert_string_equal(inputs.input[1].absolute, e);
    assert_string_equal(inputs.input[2].given, "nowhere");
    assert_int_equal(*inputs.input[2].absolute, '/');
    assert_string_equal(inputs.input[3].absolute, "/nowhere/at/all");

    char path[128], *place;
    snprintf(path, sizeof path, "%s/005", odd);
    assert_non_null(place = hk__input_place(&inputs.input[1], path));
    assert_string_equal(place, file);
    hk__free(place);
    assert_non_null(place = hk__input_place(&inputs.input[1], odd));
    assert_string_equal(place, e);
    hk__free(place);

    assert_int_equal(hk__inputs_keep_clear(&inputs, file, &err), HK_ERR_USAGE);
    snprintf(path, sizeof path, "%s/new.case", odd);
    assert_int_equal(hk__inputs_keep_clear(&inputs, path, &err), HK_ERR_USAGE);
    snprintf(path, sizeof path, "%s/e2.case", folder);
    assert_int_equal(hk__inputs_keep_clear(&inputs, path, &err), HK_OK);
    hk__inputs_clear(&inputs);

    const char *const whole[] = {"/", "tmp"};
    assert_int_equal(hk__inputs_find(&inputs, whole, 2, &err), HK_OK);
    assert_int_equal(inputs.count, 1);
    assert_int_equal(hk__inputs_keep_clear(&inputs, path, &err), HK_ERR_USAGE);
    assert_non_null(place = hk__input_place(&inputs.input[0], "/etc"));
    assert_string_equal(place, "/etc");
    hk__free(place);
    hk__inputs_clear(&inputs);
    FAIL_EVERY_ALLOCATION(hk__inputs_find(&inputs, paths, COUNT_OF(paths), &err),
                          inputs.count == 0);
    hk__inputs_clear(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_once), /* makes the list and the matcher */
        cmocka_unit_test(it_can_be_left_at_any_moment),
        cmocka_unit_test(an_error_of_a_thread_comes_out),
        cmocka_unit_test(rasters_that_wait_are_bounded),
        cmocka_unit_test(what_is_not_read_is_judged_too),
        cmocka_unit_test(a_run_is_kept_and_tells_its_phases),
        cmocka_unit_test(what_was_planned_before_a_kill_is_planned_anew),
        cmocka_unit_test(memory_that_runs_out_costs_nothing_but_time),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(memory_bounds_the_workers),
        cmocka_unit_test(inputs_are_taken_once),
    };
    const int failed = cmocka_run_group_tests_name("checker", tests, make_files, remove_files);
    hk_matcher_free(one_matcher);
    hk_list_free(one_list);
    return failed;
}
