/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_live.c - a snapshot that changes, against a plain model of it: any sequence of changes and
 * merges, views taken in between, reopening, and what is refused.
 */
#include "index_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[PATH_ROOM], path[PATH_ROOM + 32];

static int start(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
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

static hk_live *open_live(size_t merge_at)
{
    hk_live *live = NULL;
    hk_error err;
    must(hk_live_open(&live, path, merge_at, NULL, &err), &err);
    return live;
}

/* Saves an index of the model at `path`, without changes beside it. */
static void save_model(const model *m, id_form form, const char *engine)
{
    hk_index *index;
    hk_error err;
    remove_folder(folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    must(model_build(&index, m, form, engine, &err), &err);
    must(hk_index_save(index, path, &err), &err);
    hk_index_free(index);
}

static bool view_agrees(hk_live *live, const model *m, uint64_t seed)
{
    hk_index *view;
    hk_error err;
    must(hk_live_view(&view, live, &err), &err);
    hk_index_info info;
    hk_index_describe(&info, view);
    bool agrees = model_agrees(m, view, seed) && info.hashes == m->count;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        agrees = agrees && info.digests[basis] == m->digest_count[basis];
    hk_index_free(view);
    return agrees;
}

/* What another process would read. */
static bool file_agrees(const model *m, uint64_t seed)
{
    static const char *const engines[] = {"auto", "mih", "flat"};
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_index *index;
    hk_error err;
    size_t problems = 99;
    options.engine = engines[seed % 3];
    must(hk_index_open(&index, path, &options, &err), &err);
    const bool agrees = model_agrees(m, index, seed);
    hk_index_free(index);
    must(hk_index_verify(&problems, path, NULL, NULL, &err), &err);
    return agrees && problems == 0;
}

/* Changes that meet what is there: near hashes, digests that exist, ids that are removed and come
 * again, in the same batch too. */
static size_t random_batch(hk_index_change *out, size_t most, const model *m, uint64_t *seed)
{
    const size_t count = 1 + next_random(seed) % most;
    hk_hash queries[MODEL_QUERIES];
    model_queries(queries, 1);
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(seed);
        hk_index_change c = {.id = 900 + (uint32_t)(r >> 8) % 600};
        if (r % 8 < 4) {
            c.kind = HK_CHANGE_ADD_HASH;
            c.hash = at_distance(&queries[r >> 40 & 3], r >> 48 & 63, seed);
        } else if (r % 8 < 6) {
            c.kind = HK_CHANGE_ADD_DIGEST;
            c.basis = (hk_basis)(r >> 40 & 1 ? HK_BASIS_MD5 : HK_BASIS_SHA256);
            memset(c.digest, (int)(r >> 41 & 31), sizeof c.digest);
            if (m->digest_count[c.basis] && r >> 50 & 1)
                memcpy(c.digest, m->digest[c.basis][(r >> 52) % m->digest_count[c.basis]].bytes,
                       sizeof c.digest);
        } else {
            c.kind = HK_CHANGE_REMOVE;
            if (m->count && r >> 40 & 1)
                c.id = m->id[(r >> 41) % m->count];
        }
        out[i] = c;
    }
    return count;
}

/* ---- sequences ------------------------------------------------------------------------------ */

enum { STEPS = 60, MOST = 40 };

typedef struct kept_view {
    hk_index *view;
    model m;
    uint64_t seed;
} kept_view;

static void live_through(id_form form, const char *engine, size_t merge_at, uint64_t seed)
{
    model m = model_of(250, 30, form, 1);
    kept_view kept[STEPS];
    size_t kept_count = 0;
    save_model(&m, form, engine);
    hk_live *live = open_live(merge_at);
    assert_true(view_agrees(live, &m, 1));
    for (unsigned step = 0; step < STEPS; step++) {
        hk_index_change batch[MOST];
        hk_error err;
        const size_t count = random_batch(batch, MOST, &m, &seed);
        const uint64_t r = next_random(&seed);
        must(hk_live_apply(live, batch, count, &err), &err);
        model_apply(&m, batch, count);
        assert_true(view_agrees(live, &m, r % 3));
        if (r % 6 == 0) {
            kept[kept_count] = (kept_view){.m = model_copy(&m), .seed = r};
            must(hk_live_view(&kept[kept_count++].view, live, &err), &err);
        }
        if (r % 7 == 1) {
            must(hk_live_merge(live, &err), &err);
            assert_true(view_agrees(live, &m, r));
        }
        if (r % 7 == 2)
            assert_true(file_agrees(&m, r));
        if (r % 11 == 3) {
            hk_live_free(live);
            live = open_live(merge_at);
        }
    }
    for (size_t k = 0; k < kept_count; k++)
        assert_true(model_agrees(&kept[k].m, kept[k].view, kept[k].seed));
    hk_live_free(live);
    for (size_t k = 0; k < kept_count; k++) { /* and after the live one is gone */
        assert_true(model_agrees(&kept[k].m, kept[k].view, 1));
        hk_index_free(kept[k].view);
        model_free(&kept[k].m);
    }
    assert_true(file_agrees(&m, 1));
    assert_int_equal(count_files(folder, ".part"), 0);
    model_free(&m);
}

static void changes_and_merges_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++)
        live_through((id_form)(seed % IDS_FORMS), seed % 2 ? "mih" : "auto", 0, seed);
}

static void merges_in_the_background_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < 14; seed++)
        live_through(IDS_CLOSE, "auto", 30 * (size_t)(seed - 9), seed);
}

static void planted_faults_are_found(void **state)
{
    (void)state;
    model m = model_of(100, 10, IDS_CLOSE, 1);
    hk_error err;
    save_model(&m, IDS_CLOSE, NULL);
    hk_live *live = open_live(0);
    hk_index_change batch[2] = {{.kind = HK_CHANGE_REMOVE, .id = m.id[40]},
                                {.kind = HK_CHANGE_ADD_HASH, .id = 5, .hash = m.hash[40]}};
    must(hk_live_apply(live, batch, 2, &err), &err);
    assert_false(view_agrees(live, &m, 1));
    model_apply(&m, batch, 1);
    assert_false(view_agrees(live, &m, 1));
    model_apply(&m, batch + 1, 1);
    assert_true(view_agrees(live, &m, 1));
    hk_live_free(live);
    model_free(&m);
}

/* More than a block of additions, some of them removed, and all of them merged. */
static void many_additions_in_one_batch(void **state)
{
    (void)state;
    enum { MANY = 9000 };
    model m = {0};
    hk_error err;
    uint64_t seed = 3;
    hk_index_change *batch = calloc(MANY, sizeof *batch);
    hk_index *early;
    save_model(&m, IDS_NONE, NULL); /* an empty one */
    hk_live *live = open_live(0);
    for (size_t i = 0; i < MANY; i++)
        batch[i] = (hk_index_change){
            .kind = HK_CHANGE_ADD_HASH, .id = (uint32_t)(i % 5000), .hash = random_hash(&seed)};
    must(hk_live_apply(live, batch, 4095, &err), &err);
    model_apply(&m, batch, 4095);
    model first = model_copy(&m);
    must(hk_live_view(&early, live, &err), &err);
    must(hk_live_apply(live, batch + 4095, MANY - 4095, &err), &err);
    model_apply(&m, batch + 4095, MANY - 4095);
    assert_true(view_agrees(live, &m, 1));
    for (uint32_t i = 0; i < 50; i++)
        batch[i] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = 90 * i};
    must(hk_live_apply(live, batch, 50, &err), &err);
    model_apply(&m, batch, 50);
    assert_true(view_agrees(live, &m, 2));
    assert_true(file_agrees(&m, 2));
    must(hk_live_merge(live, &err), &err);
    assert_true(view_agrees(live, &m, 3));
    assert_true(model_agrees(&first, early, 1));
    hk_index_free(early);
    hk_live_free(live);
    assert_true(file_agrees(&m, 4));
    free(batch);
    model_free(&first);
    model_free(&m);
}

static void a_view_describes_and_saves_itself(void **state)
{
    (void)state;
    model m = model_of(120, 10, IDS_CLOSE, 4);
    hk_index_info info;
    hk_index *view, *copy;
    hk_error err;
    char other[PATH_ROOM + 32];
    save_model(&m, IDS_CLOSE, "flat");
    hk_live *live = open_live(0);
    hk_index_change batch[3] = {{.kind = HK_CHANGE_ADD_HASH, .id = 7, .hash = m.hash[0]},
                                {.kind = HK_CHANGE_ADD_DIGEST, .id = 7, .basis = HK_BASIS_SHA1},
                                {.kind = HK_CHANGE_REMOVE, .id = m.id[9]}};
    must(hk_live_apply(live, batch, 3, &err), &err);
    const size_t before = m.count + 1;
    model_apply(&m, batch, 3);
    must(hk_live_view(&view, live, &err), &err);
    hk_index_describe(&info, view);
    assert_int_equal(info.hashes, m.count);
    assert_int_equal(info.added, 1);
    assert_int_equal(info.removed, before - m.count);
    assert_int_equal(info.digests[HK_BASIS_SHA1], 11);
    assert_true(info.mapped);
    snprintf(other, sizeof other, "%s/b.hki", folder);
    must(hk_index_save(view, other, &err), &err);
    must(hk_index_open(&copy, other, NULL, &err), &err);
    assert_true(model_agrees(&m, copy, 4));
    hk_index_describe(&info, copy);
    assert_int_equal(info.added + info.removed, 0);
    hk_index_free(copy);
    hk_index_free(view);
    must(hk_live_merge(live, &err), &err);
    must(hk_live_merge(live, &err), &err); /* nothing to do */
    assert_true(view_agrees(live, &m, 4));
    hk_live_free(live);
    model_free(&m);
}

/* A list that others may not read stays so, and so do the changes to it. */
static void modes_are_kept(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"", ".delta"};
    model m = model_of(10, 1, IDS_NONE, 1);
    const hk_index_change change = {.kind = HK_CHANGE_REMOVE, .id = 3};
    save_model(&m, IDS_NONE, NULL);
    assert_int_equal(chmod(path, 0640), 0);
    for (int merged = 0; merged < 2; merged++) {
        hk_error err;
        hk_live *live = open_live(0);
        must(hk_live_apply(live, &change, 1, &err), &err);
        if (merged)
            must(hk_live_merge(live, &err), &err);
        hk_live_free(live);
        for (size_t s = 0; s < COUNT_OF(suffixes); s++) {
            struct stat about;
            char file[PATH_ROOM + 48];
            snprintf(file, sizeof file, "%s%s", path, suffixes[s]);
            assert_int_equal(stat(file, &about), 0);
            assert_int_equal(about.st_mode & 0777, 0640);
        }
    }
    model_free(&m);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void one_process_changes_it_at_a_time(void **state)
{
    (void)state;
    model m = model_of(20, 0, IDS_NONE, 1);
    hk_live *second = UNTOUCHED;
    hk_error err;
    save_model(&m, IDS_NONE, NULL);
    hk_live *live = open_live(0);
    assert_int_equal(hk_live_open(&second, path, 0, NULL, &err), HK_ERR_SYSTEM);
    assert_ptr_equal(second, UNTOUCHED);
    assert_non_null(strstr(err.message, path));
    for (int freed = 0; freed < 2; freed++) {
        const pid_t child = fork();
        if (child == 0) {
            hk_live *theirs;
            _exit(hk_live_open(&theirs, path, 0, NULL, NULL));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), freed ? HK_OK : HK_ERR_SYSTEM);
        hk_live_free(freed ? NULL : live);
    }
    live = open_live(0); /* the other one has ended */
    assert_true(view_agrees(live, &m, 1));
    hk_live_free(live);
    model_free(&m);
}

static void bad_changes_change_nothing(void **state)
{
    (void)state;
    model m = model_of(50, 5, IDS_FAR, 2);
    hk_error err;
    save_model(&m, IDS_FAR, NULL);
    hk_live *live = open_live(0);
    hk_index_change batch[3] = {{.kind = HK_CHANGE_ADD_HASH, .id = 1},
                                {.kind = HK_CHANGE_REMOVE, .id = m.id[0]},
                                {.kind = (hk_change_kind)4}};
    assert_int_equal(hk_live_apply(live, batch, 3, &err), HK_ERR_USAGE);
    batch[2].kind = (hk_change_kind)0;
    assert_int_equal(hk_live_apply(live, batch, 3, &err), HK_ERR_USAGE);
    batch[2] = (hk_index_change){.kind = HK_CHANGE_ADD_DIGEST, .basis = HK_BASIS_PDQ};
    assert_int_equal(hk_live_apply(live, batch, 3, &err), HK_ERR_USAGE);
    must(hk_live_apply(live, batch, 0, &err), &err);
    assert_true(view_agrees(live, &m, 2));
    hk_live_free(live);
    assert_true(file_agrees(&m, 2));
    model_free(&m);
}

static void what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    hk_live *live = UNTOUCHED;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_error err;
    char snap[PATH_ROOM + 32], delta[PATH_ROOM + 48];
    assert_int_equal(hk_live_open(&live, path, 0, NULL, &err), HK_ERR_IO);
    snprintf(snap, sizeof snap, "%s/no/folder.hki", folder);
    assert_int_equal(hk_live_open(&live, snap, 0, NULL, &err), HK_ERR_IO);
    options.engine = "faiss:BFlat";
    assert_int_equal(hk_live_open(&live, path, 0, &options, &err), HK_ERR_USAGE);
    options.engine = "none";
    assert_int_equal(hk_live_open(&live, path, 0, &options, &err), HK_ERR_USAGE);
    model m = model_of(20, 0, IDS_NONE, 1);
    save_model(&m, IDS_NONE, NULL);
    snprintf(delta, sizeof delta, "%s.delta", path);
    static const char text[2000] = "no log at all";
    write_file(delta, text, sizeof text);
    assert_int_equal(hk_live_open(&live, path, 0, NULL, &err), HK_ERR_FORMAT);
    assert_non_null(strstr(err.message, delta));
    write_file(delta, "", 0);
    assert_int_equal(hk_live_open(&live, path, 0, NULL, &err), HK_ERR_FORMAT);
    assert_ptr_equal(live, UNTOUCHED);
    assert_int_equal(unlink(delta), 0);
    hk_live_free(open_live(0)); /* no lock was left */
    hk_live_free(NULL);
    model_free(&m);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void every_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    model m = model_of(100, 10, IDS_CLOSE, 5);
    hk_live *live = UNTOUCHED;
    hk_index *view = UNTOUCHED;
    hk_index_change batch[MOST];
    hk_error err;
    uint64_t seed = 6;
    save_model(&m, IDS_CLOSE, NULL);
    FAIL_EVERY_ALLOCATION(hk_live_open(&live, path, 0, NULL, NULL), live == UNTOUCHED);
    for (int round = 0; round < 4; round++) {
        const size_t count = random_batch(batch, MOST, &m, &seed);
        FAIL_EVERY_ALLOCATION(hk_live_apply(live, batch, count, NULL), view_agrees(live, &m, 5));
        model_apply(&m, batch, count);
        assert_true(view_agrees(live, &m, 5));
    }
    FAIL_EVERY_ALLOCATION(hk_live_view(&view, live, NULL), view == UNTOUCHED);
    assert_true(model_agrees(&m, view, 5));
    hk_index_free(view);
    hk_live_free(live);
    live = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_live_open(&live, path, 0, NULL, NULL), live == UNTOUCHED);
    assert_true(view_agrees(live, &m, 5));
    hk_live_free(live);
    assert_true(file_agrees(&m, 5));
    view = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_index_open(&view, path, NULL, NULL), view == UNTOUCHED);
    hk_index_free(view);
    size_t problems = 77;
    FAIL_EVERY_ALLOCATION(hk_index_verify(&problems, path, NULL, NULL, &err), problems == 77);
    model_free(&m);
}

/* After each merge that failed, at whatever point, changes are still made and still found. */
static void no_failed_merge_loses_a_change(void **state)
{
    (void)state;
    model m = model_of(100, 10, IDS_CLOSE, 7);
    hk_error err;
    uint64_t seed = 8;
    save_model(&m, IDS_CLOSE, NULL);
    hk_live *live = open_live(0);
    long allowed = 0;
    for (hk_status status = HK_ERR_NO_MEMORY; status; allowed++) {
        hk_index_change batch[5];
        const size_t count = random_batch(batch, 5, &m, &seed);
        must(hk_live_apply(live, batch, count, &err), &err);
        model_apply(&m, batch, count);
        hk__mem_fail_after(allowed);
        status = hk_live_merge(live, &err);
        hk__mem_fail_after(-1);
        assert_true(status == HK_OK || status == HK_ERR_NO_MEMORY);
        const size_t more = random_batch(batch, 5, &m, &seed);
        must(hk_live_apply(live, batch, more, &err), &err);
        model_apply(&m, batch, more);
        assert_true(view_agrees(live, &m, 7));
        assert_true(file_agrees(&m, 7));
        assert_int_equal(count_files(folder, ".part"), 0);
    }
    assert_true(allowed > 10);
    hk_live_free(live);
    assert_true(file_agrees(&m, 7));
    model_free(&m);
}

int main(void)
{
#define LIVE_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)
    const struct CMUnitTest tests[] = {
        LIVE_TEST(one_process_changes_it_at_a_time), /* forks: before any thread */
        LIVE_TEST(changes_and_merges_agree_with_the_model),
        LIVE_TEST(merges_in_the_background_agree_with_the_model),
        LIVE_TEST(planted_faults_are_found),
        LIVE_TEST(many_additions_in_one_batch),
        LIVE_TEST(a_view_describes_and_saves_itself),
        LIVE_TEST(modes_are_kept),
        LIVE_TEST(bad_changes_change_nothing),
        LIVE_TEST(what_cannot_be_opened_is_named),
        LIVE_TEST(every_failed_allocation_changes_nothing),
        LIVE_TEST(no_failed_merge_loses_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
