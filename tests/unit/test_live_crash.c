/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_live_crash.c - a live snapshot whose process is killed, whose disk is full or fails to
 * sync, or which is found between the two steps of a merge: what was acknowledged is there, and
 * batches are whole.
 */
#include "index_model.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[PATH_ROOM], path[PATH_ROOM + 32], delta[PATH_ROOM + 48];
static char old_snapshot[PATH_ROOM + 32], old_delta[PATH_ROOM + 32];

static int start(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    snprintf(delta, sizeof delta, "%s.delta", path);
    snprintf(old_snapshot, sizeof old_snapshot, "%s/old", folder);
    snprintf(old_delta, sizeof old_delta, "%s/old.delta", folder);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void must(hk_status status, const hk_error *err)
{
    if (status)
        print_error("%s\n", err->message);
    assert_int_equal(status, HK_OK);
}

/* ---- a disk that does not sync ----------------------------------------------------------------
 */

/* These take the place of the C library's. Which of the calls to come fails, 1 being the next; 0:
 * none. */
static int folder_sync_fails, data_sync_fails;

static int fails(int *which)
{
    if (*which == 0 || --*which > 0)
        return 0;
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    struct stat about;
    if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) && fails(&folder_sync_fails))
        return -1;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails(&data_sync_fails) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- batches by number ------------------------------------------------------------------------
 */

enum { BATCH_ROOM = 12 };

static size_t batch_number(hk_index_change out[BATCH_ROOM], uint32_t number)
{
    uint64_t seed = number;
    size_t count = 0;
    hk_hash queries[MODEL_QUERIES];
    model_queries(queries, 1);
    for (uint32_t i = 0; i < 1 + number % 7; i++)
        out[count++] = (hk_index_change){.kind = HK_CHANGE_ADD_HASH,
                                         .id = 100000 + 8 * number + i,
                                         .hash = at_distance(&queries[i & 3], number % 50, &seed)};
    if (number % 3 == 0) {
        out[count] = (hk_index_change){
            .kind = HK_CHANGE_ADD_DIGEST, .id = 100000 + 8 * number, .basis = HK_BASIS_SHA256};
        memcpy(out[count++].digest, &number, sizeof number);
    }
    if (number % 4 == 3) {
        out[count++] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = 100000 + 8 * (number - 3)};
        out[count++] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = 1000 + number % 100};
    }
    return count;
}

static void model_apply_number(model *m, uint32_t number)
{
    hk_index_change batch[BATCH_ROOM];
    model_apply(m, batch, batch_number(batch, number));
}

static void apply_number(hk_live *live, uint32_t number)
{
    hk_index_change batch[BATCH_ROOM];
    hk_error err;
    must(hk_live_apply(live, batch, batch_number(batch, number), &err), &err);
}

static model save_base(void)
{
    model m = model_of(60, 10, IDS_CLOSE, 1);
    hk_index *index;
    hk_error err;
    must(model_build(&index, &m, IDS_CLOSE, NULL, &err), &err);
    must(hk_index_save(index, path, &err), &err);
    hk_index_free(index);
    return m;
}

static hk_live *open_live(void)
{
    hk_live *live = NULL;
    hk_error err;
    must(hk_live_open(&live, path, 0, NULL, &err), &err);
    return live;
}

static bool view_agrees(hk_live *live, const model *m)
{
    hk_index *view;
    hk_error err;
    must(hk_live_view(&view, live, &err), &err);
    const bool agrees = model_agrees(m, view, 1);
    hk_index_free(view);
    return agrees;
}

static bool file_agrees(const model *m)
{
    hk_index *index;
    hk_error err;
    must(hk_index_open(&index, path, NULL, &err), &err);
    const bool agrees = model_agrees(m, index, 1);
    hk_index_free(index);
    return agrees;
}

/* ---- killed ---------------------------------------------------------------------------------- */

static void change_until_killed(int acknowledge, uint32_t number)
{
    hk_live *live;
    hk_index_change batch[BATCH_ROOM];
    if (hk_live_open(&live, path, number % 2 ? 60 : 0, NULL, NULL))
        _exit(1);
    for (;; number++) {
        if (hk_live_apply(live, batch, batch_number(batch, number), NULL) ||
            write(acknowledge, &number, sizeof number) != sizeof number)
            _exit(2);
        if (number % 9 == 8 && hk_live_merge(live, NULL))
            _exit(3);
    }
}

static void what_was_acknowledged_outlives_a_kill(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    uint64_t seed = 5;
    model m = save_base();
    uint32_t next = 0, one_more = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], status;
        uint32_t number;
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            change_until_killed(ends[1], next);
        }
        close(ends[1]);
        usleep((useconds_t)(next_random(&seed) % 12000));
        kill(child, SIGKILL);
        while (read(ends[0], &number, sizeof number) == sizeof number) {
            assert_int_equal(number, next);
            model_apply_number(&m, next++);
        }
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* it did not end by itself */
        if (!file_agrees(&m)) {           /* then just the batch that was under way is there too */
            model_apply_number(&m, next++);
            assert_true(file_agrees(&m));
            one_more++;
        }
        size_t problems = 99;
        assert_int_equal(hk_index_verify(&problems, path, NULL, NULL, NULL), HK_OK);
        assert_int_equal(problems, 0);
    }
    hk_live *live = open_live();
    assert_true(view_agrees(live, &m));
    apply_number(live, next);
    model_apply_number(&m, next);
    hk_live_free(live);
    assert_true(file_agrees(&m));
    assert_true(next > 20);
    print_message("%u batches, %u found that were not acknowledged, %zu drafts left\n", next,
                  one_more, count_files(folder, ".part"));
    model_free(&m);
}

/* ---- between the two steps of a merge ---------------------------------------------------------
 */

static void a_merge_stopped_half_way_loses_nothing(void **state)
{
    (void)state;
    for (uint32_t later = 0; later < 4; later++) {
        hk_live *live;
        hk_error err;
        remove_folder(folder);
        assert_int_equal(mkdir(folder, 0777), 0);
        model m = save_base();
        copy_file(path, old_snapshot);
        live = open_live();
        for (uint32_t number = 0; number < 6; number++) {
            apply_number(live, number);
            model_apply_number(&m, number);
        }
        hk_live_free(live);
        copy_file(delta, old_delta);
        live = open_live();
        must(hk_live_merge(live, &err), &err);
        hk_live_free(live);
        char merged[PATH_ROOM + 32];
        snprintf(merged, sizeof merged, "%s/merged", folder);
        copy_file(path, merged);
        /* The old log went on while the new snapshot was written. */
        copy_file(old_snapshot, path);
        copy_file(old_delta, delta);
        live = open_live();
        for (uint32_t number = 6; number < 6 + later; number++) {
            apply_number(live, number);
            model_apply_number(&m, number);
        }
        hk_live_free(live);
        copy_file(merged, path);
        assert_true(file_agrees(&m));
        live = open_live(); /* makes a log of the later changes alone */
        assert_true(view_agrees(live, &m));
        assert_true(file_agrees(&m));
        apply_number(live, 20);
        model_apply_number(&m, 20);
        hk_live_free(live);
        assert_true(file_agrees(&m));
        model_free(&m);
    }
}

static size_t problems_of_path(void)
{
    size_t problems = 99;
    hk_error err;
    must(hk_index_verify(&problems, path, NULL, NULL, &err), &err);
    return problems;
}

static void a_log_of_another_snapshot_is_named(void **state)
{
    (void)state;
    model m = save_base();
    hk_live *live = open_live();
    hk_index *index = UNTOUCHED;
    hk_error err;
    copy_file(path, old_snapshot);
    apply_number(live, 0);
    hk_live_free(live);
    copy_file(delta, old_delta);
    live = open_live();
    apply_number(live, 1);
    must(hk_live_merge(live, &err), &err);
    hk_live_free(live);
    /* Fewer changes in the log than the snapshot says it holds of them. */
    copy_file(old_delta, delta);
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_ERR_FORMAT);
    assert_int_equal(problems_of_path(), 1);
    live = UNTOUCHED;
    assert_int_equal(hk_live_open(&live, path, 0, NULL, &err), HK_ERR_FORMAT);
    assert_ptr_equal(live, UNTOUCHED);
    /* The grandparent's log. */
    assert_int_equal(unlink(delta), 0);
    live = open_live();
    apply_number(live, 2);
    must(hk_live_merge(live, &err), &err);
    apply_number(live, 3);
    hk_live_free(live);
    copy_file(old_delta, delta);
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_ERR_FORMAT);
    assert_non_null(strstr(err.message, delta));
    assert_non_null(strstr(err.message, "another snapshot"));
    assert_int_equal(hk_live_open(&live, path, 0, NULL, &err), HK_ERR_FORMAT);
    assert_int_equal(problems_of_path(), 1);
    assert_ptr_equal(index, UNTOUCHED);
    model_free(&m);
}

/* ---- full and failing disks --------------------------------------------------------------------
 */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_refuses_and_keeps(void **state)
{
    (void)state;
    model m = save_base();
    hk_live *live = open_live();
    uint32_t next = 0;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t room = 0; room < 400; room += 13) {
        hk_index_change batch[BATCH_ROOM];
        hk_error err;
        struct stat about;
        apply_number(live, next);
        model_apply_number(&m, next++);
        assert_int_equal(stat(delta, &about), 0);
        const size_t count = batch_number(batch, next);
        limit_files((rlim_t)about.st_size + room);
        const hk_status status = hk_live_apply(live, batch, count, &err);
        const hk_status merge_status = room % 26 ? HK_ERR_IO : hk_live_merge(live, &err);
        limit_files(RLIM_INFINITY);
        assert_true(status == HK_OK || status == HK_ERR_IO);
        assert_int_equal(merge_status, HK_ERR_IO);
        if (status == HK_OK)
            model_apply_number(&m, next);
        next++;
        assert_true(view_agrees(live, &m));
        assert_true(file_agrees(&m));
        assert_int_equal(count_files(folder, ".part"), 0);
        if (room % 5 == 0) {
            hk_live_free(live);
            live = open_live();
            assert_true(view_agrees(live, &m));
        }
    }
    hk_error err;
    must(hk_live_merge(live, &err), &err);
    hk_live_free(live);
    assert_true(file_agrees(&m));
    model_free(&m);
}

static void a_batch_that_was_not_synced_is_not_there(void **state)
{
    (void)state;
    for (int sync = 1; sync <= 2; sync++) { /* of the records, of the mark */
        for (uint32_t after = 0; after < 3; after++) {
            hk_index_change batch[BATCH_ROOM];
            hk_error err;
            remove_folder(folder);
            assert_int_equal(mkdir(folder, 0777), 0);
            model m = save_base();
            hk_live *live = open_live();
            for (uint32_t number = 0; number < after; number++) {
                apply_number(live, number);
                model_apply_number(&m, number);
            }
            data_sync_fails = sync;
            assert_int_equal(hk_live_apply(live, batch, batch_number(batch, 50), &err), HK_ERR_IO);
            assert_int_equal(data_sync_fails, 0);
            assert_true(view_agrees(live, &m));
            assert_true(file_agrees(&m));
            apply_number(live, 51); /* it works again */
            model_apply_number(&m, 51);
            assert_true(view_agrees(live, &m));
            hk_live_free(live);
            assert_true(file_agrees(&m));
            model_free(&m);
        }
    }
}

/* Wherever a merge ends, later changes go where the next reader looks for them. */
static void no_failed_sync_of_a_merge_loses_a_change(void **state)
{
    (void)state;
    model m = save_base();
    hk_live *live = open_live();
    uint32_t next = 0;
    for (int round = 0; round < 6; round++) {
        hk_error err;
        apply_number(live, next);
        model_apply_number(&m, next++);
        *(round % 2 ? &folder_sync_fails : &data_sync_fails) = 1 + round / 2;
        const hk_status status = hk_live_merge(live, &err);
        assert_true(status == HK_OK || status == HK_ERR_IO);
        folder_sync_fails = data_sync_fails = 0;
        apply_number(live, next);
        model_apply_number(&m, next++);
        assert_true(view_agrees(live, &m));
        assert_true(file_agrees(&m));
    }
    /* A log whose folder was not synced takes no changes before it is. */
    hk_index_change batch[BATCH_ROOM];
    hk_error err;
    folder_sync_fails = 2;
    must(hk_live_merge(live, &err), &err);
    assert_int_equal(folder_sync_fails, 0);
    folder_sync_fails = 1;
    assert_int_equal(hk_live_apply(live, batch, batch_number(batch, next), &err), HK_ERR_IO);
    assert_true(view_agrees(live, &m));
    assert_true(file_agrees(&m));
    apply_number(live, next);
    model_apply_number(&m, next);
    hk_live_free(live);
    assert_true(file_agrees(&m));
    model_free(&m);
}

int main(void)
{
#define LIVE_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        LIVE_TEST(what_was_acknowledged_outlives_a_kill), /* forks: before any thread */
        LIVE_TEST(a_merge_stopped_half_way_loses_nothing),
        LIVE_TEST(a_log_of_another_snapshot_is_named),
        LIVE_TEST(a_full_disk_refuses_and_keeps),
        LIVE_TEST(a_batch_that_was_not_synced_is_not_there),
        LIVE_TEST(no_failed_sync_of_a_merge_loses_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
