/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_index_changed.c - views with changes on top of another view, in memory: each has its own
 * answers, and what it was made of keeps the ones it had.
 */
#include "index_model.h"

#include "index/view.h"

enum { CHANGES = 300 };

static void make_changes(hk_index_change *change, size_t count, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        change[i] = (hk_index_change){.kind = (hk_change_kind)(1 + next_random(seed) % 3),
                                      .id = (uint32_t)(next_random(seed) % 900),
                                      .basis = (hk_basis)(next_random(seed) % 3)};
        change[i].hash = random_hash(seed);
        change[i].digest[0] = (uint8_t)next_random(seed);
    }
}

static hk_index *changed(const hk_index *index, const hk_index_change *change, size_t count)
{
    hk_index *next;
    assert_int_equal(hk__index_changed(&next, index, change, count, NULL), HK_OK);
    return next;
}

/* Two branches of each of three views, one on top of the other: of the base, of changes that end
 * within a block, and of changes that fill theirs. */
static void branches_do_not_meet(void **state)
{
    (void)state;
    static hk_index_change change[HK__CHANGES_BLOCK];
    uint64_t seed = 3;
    model m = model_of(500, 100, IDS_CLOSE, 1);
    hk_index *index;
    assert_int_equal(model_build(&index, &m, IDS_CLOSE, "auto", NULL), HK_OK);
    for (int depth = 0; depth < 3; depth++) {
        model left = model_copy(&m), right = model_copy(&m);
        hk_index *one, *other, *next;
        make_changes(change, CHANGES, &seed);
        model_apply(&left, change, CHANGES);
        one = changed(index, change, CHANGES);
        make_changes(change, CHANGES, &seed);
        model_apply(&right, change, CHANGES);
        other = changed(index, change, CHANGES);
        assert_true(model_agrees(&m, index, 9));
        assert_true(model_agrees(&left, one, 9));
        assert_true(model_agrees(&right, other, 9));
        hk_index_free(other);
        model_free(&right);
        hk_index_free(one);
        model_free(&left);

        size_t count = 7;
        make_changes(change, HK__CHANGES_BLOCK, &seed);
        if (depth == 1) { /* to the end of the block */
            count = HK__CHANGES_BLOCK - index->changes->added % HK__CHANGES_BLOCK;
            for (size_t i = 0; i < count; i++)
                change[i].kind = HK_CHANGE_ADD_HASH;
        }
        change[0].kind = HK_CHANGE_ADD_HASH;
        model_apply(&m, change, count);
        next = changed(index, change, count);
        hk_index_free(index); /* it need not outlive what was made of it */
        index = next;
        assert_true(model_agrees(&m, index, 10));
    }
    hk_index_free(index);
    model_free(&m);
}

static void engine_and_threads_stay(void **state)
{
    (void)state;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_index *index, *next = UNTOUCHED;
    hk_index_info info;
    hk_error err;
    hk_index_change change = {.kind = HK_CHANGE_ADD_HASH, .id = 1};
    options.engine = "flat";
    options.threads = 3;
    assert_int_equal(hk_index_build_from(&index, &(hk_index_source){0}, &options, NULL), HK_OK);
    change.kind = (hk_change_kind)9;
    assert_int_equal(hk__index_changed(&next, index, &change, 1, &err), HK_ERR_USAGE);
    assert_ptr_equal(next, UNTOUCHED);
    change.kind = HK_CHANGE_ADD_HASH;
    for (int depth = 0; depth < 2; depth++) { /* the second has changes to go on from */
        next = UNTOUCHED;
        FAIL_EVERY_ALLOCATION(hk__index_changed(&next, index, &change, 1, NULL), next == UNTOUCHED);
        assert_int_equal(hk_index_count(index), depth);
        hk_index_free(index);
        index = next;
    }
    hk_index_describe(&info, index);
    assert_string_equal(info.engine, "flat");
    assert_int_equal(index->threads, 3);
    assert_int_equal(info.hashes, 2);
    hk_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_do_not_meet),
        cmocka_unit_test(engine_and_threads_stay),
    };
    return cmocka_run_group_tests_name("index_changed", tests, NULL, NULL);
}
