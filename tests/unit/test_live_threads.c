/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_live_threads.c - a live snapshot read by several threads while others change and merge it.
 * Every answer must be that of a state between the start and the end of the read. For
 * ThreadSanitizer above all.
 *
 * Every batch adds as many copies of one hash, and a digest: what a reader counts tells how many
 * batches it saw.
 */
#include "index_model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { BATCHES = 200 };
#else
enum { BATCHES = 1200 };
#endif

enum { READERS = 3, OPENERS = 1, WRITERS = 2, BATCH = 37, HASHES = 3000 };

static char folder[PATH_ROOM], path[PATH_ROOM + 32];
static hk_live *live;
static hk_hash common;
static uint8_t common_digest[32] = {7, 7, 7};
static atomic_uint begun, done; /* batches */
static atomic_bool stop;
static atomic_uint faults, reads, merges;

static void fault(const char *what, const hk_error *err)
{
    if (atomic_fetch_add(&faults, 1) < 10)
        fprintf(stderr, "%s: %s\n", what, err ? err->message : "");
}

/* Adds. Each writer has its ids. */
static void *write_batches(void *context)
{
    const uint32_t writer = *(const uint32_t *)context;
    hk_index_change batch[BATCH + 1];
    uint64_t seed = writer;
    for (uint32_t b = 0; b < BATCHES; b++) {
        hk_error err;
        for (uint32_t i = 0; i < BATCH; i++)
            batch[i] = (hk_index_change){.kind = HK_CHANGE_ADD_HASH,
                                         .id = 10000 + 2 * b + writer,
                                         .hash = i % 2 ? common : random_hash(&seed)};
        batch[BATCH] = (hk_index_change){
            .kind = HK_CHANGE_ADD_DIGEST, .id = 2 * b + writer, .basis = HK_BASIS_SHA256};
        memcpy(batch[BATCH].digest, common_digest, sizeof common_digest);
        atomic_fetch_add(&begun, 1);
        if (hk_live_apply(live, batch, BATCH + 1, &err))
            fault("apply", &err);
        atomic_fetch_add(&done, 1);
        usleep(50); /* others' turn */
    }
    return NULL;
}

/* Whether these are the answers of one state, of at least `least` batches and no more than were
 * begun. */
static void check_view(const hk_index *view, uint32_t least, const char *who)
{
    hk_hits hits;
    hk_error err;
    uint32_t *ids = NULL;
    size_t digests = 0;
    if (hk_index_within(&hits, view, &common, 1, 0, 0, &err)) {
        fault(who, &err);
        return;
    }
    if (hk_index_find_digest(&ids, &digests, view, HK_BASIS_SHA256, common_digest, &err))
        fault(who, &err);
    const uint32_t most = atomic_load(&begun), per_batch = BATCH / 2;
    const size_t seen = hits.count / per_batch;
    if (hits.count % per_batch || seen < least || seen > most)
        fault("a count of no state in between", NULL);
    if (digests != seen || hk_index_count(view) != HASHES + seen * BATCH)
        fault("hashes and digests of different states", NULL);
    for (size_t i = 0; i + 1 < hits.count; i++)
        if (hits.hit[i].item > hits.hit[i + 1].item || hits.hit[i].distance)
            fault("hits out of order", NULL);
    free(ids);
    hk_hits_free(&hits);
    atomic_fetch_add(&reads, 1);
}

static void *read_views(void *context)
{
    (void)context;
    while (!atomic_load(&stop)) {
        const uint32_t least = atomic_load(&done);
        hk_index *view;
        hk_error err;
        if (hk_live_view(&view, live, &err)) {
            fault("view", &err);
            continue;
        }
        check_view(view, least, "reader");
        check_view(view, least, "reader again");
        hk_index_free(view);
    }
    return NULL;
}

/* As another process would. */
static void *read_files(void *context)
{
    (void)context;
    while (!atomic_load(&stop)) {
        const uint32_t least = atomic_load(&done);
        hk_index *view;
        hk_error err;
        if (hk_index_open(&view, path, NULL, &err)) {
            fault("open", &err);
            continue;
        }
        check_view(view, least, "opener");
        hk_index_free(view);
    }
    return NULL;
}

static void *merge_again_and_again(void *context)
{
    (void)context;
    while (!atomic_load(&stop)) {
        hk_error err;
        if (hk_live_merge(live, &err))
            fault("merge", &err);
        atomic_fetch_add(&merges, 1);
        usleep(500);
    }
    return NULL;
}

static void run(size_t merge_at, const char *engine, bool merger)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_error err;
    pthread_t writer[WRITERS], other[READERS + OPENERS + 1];
    uint32_t numbers[WRITERS], others = 0;
    uint64_t seed = 99;
    model m = {0};
    hk_index *index;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    for (uint32_t i = 0; i < HASHES; i++)
        model_add(&m, random_hash(&seed), i);
    common = random_hash(&seed);
    assert_int_equal(model_build(&index, &m, IDS_NONE, engine, NULL), HK_OK);
    assert_int_equal(hk_index_save(index, path, NULL), HK_OK);
    hk_index_free(index);
    options.engine = engine;
    assert_int_equal(hk_live_open(&live, path, merge_at, &options, &err), HK_OK);
    atomic_store(&begun, 0);
    atomic_store(&done, 0);
    atomic_store(&reads, 0);
    atomic_store(&merges, 0);
    atomic_store(&stop, false);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&other[others++], NULL, read_views, NULL), 0);
    for (int i = 0; i < OPENERS; i++)
        assert_int_equal(pthread_create(&other[others++], NULL, read_files, NULL), 0);
    if (merger)
        assert_int_equal(pthread_create(&other[others++], NULL, merge_again_and_again, NULL), 0);
    for (uint32_t w = 0; w < WRITERS; w++) {
        numbers[w] = w;
        assert_int_equal(pthread_create(&writer[w], NULL, write_batches, &numbers[w]), 0);
    }
    for (int w = 0; w < WRITERS; w++)
        pthread_join(writer[w], NULL);
    atomic_store(&stop, true);
    for (uint32_t i = 0; i < others; i++)
        pthread_join(other[i], NULL);
    hk_live_free(live);
    assert_int_equal(hk_index_open(&index, path, NULL, &err), HK_OK);
    check_view(index, WRITERS * BATCHES, "after all");
    hk_index_free(index);
    size_t problems = 99;
    assert_int_equal(hk_index_verify(&problems, path, NULL, NULL, NULL), HK_OK);
    assert_int_equal(problems, 0);
    assert_int_equal(count_files(folder, ".part"), 0);
    remove_folder(folder);
    model_free(&m);
    print_message("%u reads, %u merges\n", atomic_load(&reads), atomic_load(&merges));
    assert_int_equal(atomic_load(&faults), 0);
    assert_true(atomic_load(&reads) > 20);
}

static void reads_during_changes(void **state)
{
    (void)state;
    run(0, "auto", false);
}

static void reads_during_changes_and_merges(void **state)
{
    (void)state;
    run(0, "flat", true);
}

static void reads_during_merges_in_the_background(void **state)
{
    (void)state;
    run(2000, "mih", false);
}

static void reads_during_merges_of_both_sorts(void **state)
{
    (void)state;
    run(500, "auto", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_during_changes),
        cmocka_unit_test(reads_during_changes_and_merges),
        cmocka_unit_test(reads_during_merges_in_the_background),
        cmocka_unit_test(reads_during_merges_of_both_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
