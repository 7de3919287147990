/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_log_damage.c - the changes beside a snapshot, cut short, with any byte changed, or made up:
 * what was acknowledged is there or an error says so, never half of it.
 */
#include "forge.h"
#include "index_model.h"

#include "index/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCHES = 7, BATCH_ROOM = 8 };

static char folder[PATH_ROOM], path[PATH_ROOM + 32], delta[PATH_ROOM + 48];
static model after[BATCHES + 1];     /* as many batches */
static uint8_t *log_of[BATCHES + 1]; /* the file then */
static size_t log_size[BATCHES + 1];

static size_t batch_number(hk_index_change out[BATCH_ROOM], uint32_t number, uint64_t *seed)
{
    hk_hash queries[MODEL_QUERIES];
    size_t count = 0;
    model_queries(queries, 1);
    for (uint32_t i = 0; i < 2 + number % 3; i++)
        out[count++] = (hk_index_change){.kind = HK_CHANGE_ADD_HASH,
                                         .id = 7000 + number,
                                         .hash = at_distance(&queries[i], 3 + number, seed)};
    out[count] = (hk_index_change){
        .kind = HK_CHANGE_ADD_DIGEST, .id = number, .basis = (hk_basis)(number % HK_BASIS_PDQ)};
    out[count++].digest[3] = (uint8_t)number;
    out[count++] = (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = number};
    return count;
}

static int start(void **state)
{
    (void)state;
    uint64_t seed = 4;
    hk_index *index;
    hk_live *live;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    snprintf(delta, sizeof delta, "%s.delta", path);
    model m = model_of(30, 6, IDS_NONE, 1);
    assert_int_equal(model_build(&index, &m, IDS_NONE, NULL, NULL), HK_OK);
    assert_int_equal(hk_index_save(index, path, NULL), HK_OK);
    hk_index_free(index);
    assert_int_equal(hk_live_open(&live, path, 0, NULL, NULL), HK_OK);
    for (uint32_t b = 0; b <= BATCHES; b++) {
        hk_index_change batch[BATCH_ROOM];
        after[b] = model_copy(&m);
        log_of[b] = read_file(&log_size[b], delta);
        const size_t count = batch_number(batch, b, &seed);
        assert_int_equal(hk_live_apply(live, batch, count, NULL), HK_OK);
        model_apply(&m, batch, count);
    }
    hk_live_free(live);
    model_free(&m);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (int b = 0; b <= BATCHES; b++) {
        model_free(&after[b]);
        free(log_of[b]);
    }
    remove_folder(folder);
    return 0;
}

/* The number of batches that are there; -1: HK_ERR_FORMAT, when hk_index_verify must find it too;
 * anything else fails. */
static int batches_of(const void *bytes, size_t size)
{
    hk_index *index;
    hk_error err;
    size_t problems = 99;
    write_file(delta, bytes, size);
    const hk_status status = hk_index_open(&index, path, NULL, &err);
    assert_int_equal(hk_index_verify(&problems, path, NULL, NULL, NULL), HK_OK);
    assert_int_equal(problems, status ? 1 : 0);
    if (status) {
        assert_int_equal(status, HK_ERR_FORMAT);
        assert_non_null(strstr(err.message, delta));
        return -1;
    }
    int found = -2;
    for (int b = 0; b <= BATCHES && found < 0; b++)
        if (hk_index_count(index) == after[b].count && model_agrees(&after[b], index, 1))
            found = b;
    hk_index_free(index);
    assert_true(found >= 0);
    return found;
}

/* Which mark counts more batches: 0 or 1. */
static int newer_mark(const uint8_t *log)
{
    uint64_t count[2];
    memcpy(&count[0], log + 24, 8);
    memcpy(&count[1], log + LOG_MARK + 24, 8);
    return count[1] > count[0];
}

static void every_state_is_told_from_the_others(void **state)
{
    (void)state;
    for (int b = 0; b <= BATCHES; b++)
        assert_int_equal(batches_of(log_of[b], log_size[b]), b);
}

static void no_changed_byte_changes_an_answer(void **state)
{
    (void)state;
    uint64_t seed = 6;
    const size_t size = log_size[BATCHES];
    uint8_t *bytes = malloc(size);
    size_t refused = 0;
    for (size_t at = 0; at < size; at++) {
        if (at >= 2 * LOG_MARK && at < LOG_RECORDS && at % 100) /* nothing lies there */
            continue;
        memcpy(bytes, log_of[BATCHES], size);
        bytes[at] ^= (uint8_t)(1 + next_random(&seed) % 255);
        const int found = batches_of(bytes, size);
        assert_true(found == BATCHES || found == -1);
        if (at < LOG_RECORDS)
            assert_int_equal(found, BATCHES); /* one mark of two is enough */
        refused += found == -1;
    }
    assert_int_equal(refused, size - LOG_RECORDS);
    free(bytes);
}

static void both_marks_damaged_is_an_error(void **state)
{
    (void)state;
    const size_t size = log_size[BATCHES];
    uint8_t *bytes = malloc(size);
    for (size_t at = 0; at < LOG_MARK; at += 7) {
        memcpy(bytes, log_of[BATCHES], size);
        bytes[at] ^= 1;
        bytes[LOG_MARK + (at * 5) % LOG_MARK] ^= 128;
        assert_int_equal(batches_of(bytes, size), -1);
    }
    free(bytes);
}

/* The records of the last batch were on their way, and no mark counts them. */
static void a_torn_tail_is_not_there(void **state)
{
    (void)state;
    for (int b = BATCHES - 1; b <= BATCHES; b++) { /* to either mark */
        uint8_t *bytes = malloc(log_size[b]);
        memcpy(bytes, log_of[b], log_size[b]);
        memcpy(bytes, log_of[b - 1], LOG_RECORDS);
        for (size_t size = log_size[b - 1]; size <= log_size[b]; size++)
            assert_int_equal(batches_of(bytes, size), b - 1);
        for (size_t at = log_size[b - 1]; at < log_size[b]; at += 3) { /* or arrived in part */
            bytes[at] ^= 0x41;
            assert_int_equal(batches_of(bytes, log_size[b]), b - 1);
            bytes[at] ^= 0x41;
        }
        /* Its mark was on its way: whole, it is there; and not where the records are not whole. */
        bytes[(newer_mark(log_of[b]) ? LOG_MARK : 0) + 100] ^= 1;
        assert_int_equal(batches_of(bytes, log_size[b]), b);
        for (size_t size = log_size[b - 1]; size < log_size[b]; size++)
            assert_int_equal(batches_of(bytes, size), b - 1);
        free(bytes);
    }
}

static void a_log_cut_short_is_an_error(void **state)
{
    (void)state;
    for (size_t size = 0; size < log_size[BATCHES]; size++)
        assert_int_equal(batches_of(log_of[BATCHES], size), -1);
}

/* A damaged mark is written over, a torn tail too. */
static void a_damaged_log_goes_on(void **state)
{
    (void)state;
    for (int mark = 0; mark < 2; mark++) {
        const size_t size = log_size[BATCHES - 1];
        uint8_t *bytes = malloc(size + 70);
        uint64_t seed = 9;
        hk_live *live;
        hk_index *index;
        hk_index_change batch[BATCH_ROOM];
        memcpy(bytes, log_of[BATCHES - 1], size);
        memcpy(bytes + size, log_of[BATCHES] + size, 70);
        bytes[mark * LOG_MARK + 9] ^= 8;
        write_file(delta, bytes, size + 70);
        model m = model_copy(&after[BATCHES - 1]);
        assert_int_equal(hk_live_open(&live, path, 0, NULL, NULL), HK_OK);
        for (uint32_t b = 20; b < 23; b++) {
            const size_t count = batch_number(batch, b, &seed);
            assert_int_equal(hk_live_apply(live, batch, count, NULL), HK_OK);
            model_apply(&m, batch, count);
            assert_int_equal(hk_index_open(&index, path, NULL, NULL), HK_OK);
            assert_true(model_agrees(&m, index, 1));
            hk_index_free(index);
        }
        hk_live_free(live);
        size_t problems = 99;
        assert_int_equal(hk_index_verify(&problems, path, NULL, NULL, NULL), HK_OK);
        assert_int_equal(problems, 0);
        model_free(&m);
        free(bytes);
    }
}

/* ---- lies ------------------------------------------------------------------------------------ */

static void lies_lead_nowhere(void **state)
{
    (void)state;
    const size_t size = log_size[BATCHES];
    uint8_t *bytes = malloc(size);
    const uint64_t counts[] = {0,
                               1,
                               (size - LOG_RECORDS) / LOG_RECORD,
                               (size - LOG_RECORDS) / LOG_RECORD + 1,
                               UINT32_MAX,
                               UINT64_MAX / LOG_RECORD,
                               UINT64_MAX / LOG_RECORD + 1,
                               UINT64_MAX};
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int one_mark = 0; one_mark < 2; one_mark++) {
            hk_index *index;
            memcpy(bytes, log_of[BATCHES], size);
            memcpy(bytes + 24, &counts[c], 8);
            forge_log(bytes, size);
            bytes[LOG_MARK + 3] ^= (uint8_t)one_mark;
            write_file(delta, bytes, size);
            const hk_status status = hk_index_open(&index, path, NULL, NULL);
            assert_int_equal(status, c > 2 ? HK_ERR_FORMAT : HK_OK);
            if (!status)
                hk_index_free(index);
        }
    /* Kinds, bases, ids and values at random. */
    unsigned opened = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t seed = round;
        hk_index *index;
        hk_live *live;
        memcpy(bytes, log_of[BATCHES], size);
        for (uint64_t n = next_random(&seed) % 6; n < 7; n++) {
            const uint64_t r = next_random(&seed);
            const size_t record = (r >> 32) % ((size - LOG_RECORDS) / LOG_RECORD);
            bytes[LOG_RECORDS + record * LOG_RECORD +
                  (r & 1 ? r >> 8 & 15 : (r >> 8) % LOG_RECORD)] =
                (uint8_t)(r & 2 ? r >> 16 & 3 : r >> 16);
        }
        forge_log(bytes, size);
        write_file(delta, bytes, size);
        const hk_status status = hk_index_open(&index, path, NULL, NULL);
        assert_true(status == HK_OK || status == HK_ERR_FORMAT);
        assert_int_equal(hk_live_open(&live, path, 0, NULL, NULL), status);
        if (status)
            continue;
        (void)model_agrees(&after[3], index, 1);
        hk_index_free(index);
        if (round % 16 == 0) {
            hk_error err;
            char aside[PATH_ROOM + 32];
            snprintf(aside, sizeof aside, "%s/aside", folder);
            copy_file(path, aside);
            assert_int_equal(hk_live_merge(live, &err), HK_OK);
            hk_live_free(live);
            copy_file(aside, path);
        } else {
            hk_live_free(live);
        }
        opened++;
    }
    assert_true(opened > 300);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_is_told_from_the_others),
        cmocka_unit_test(no_changed_byte_changes_an_answer),
        cmocka_unit_test(both_marks_damaged_is_an_error),
        cmocka_unit_test(a_torn_tail_is_not_there),
        cmocka_unit_test(a_log_cut_short_is_an_error),
        cmocka_unit_test(a_damaged_log_goes_on),
        cmocka_unit_test(lies_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
