/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_changes.c - additions and removals on top of a base, against a list of everything there ever
 * was with the step at which it came and went: each state gives its own answer for as long as it
 * lives, whatever was changed since.
 */
#include "plain_search.h"
#include "unit.h"

#include "core/digest.h"
#include "index/view.h"

#include <pthread.h>

/* ---- the model ------------------------------------------------------------------------------ */

enum { ROOM = 70000 };
static const unsigned FOR_EVER = UINT32_MAX;

/* Everything there ever was: hash number i came with step born[i] and went with step died[i]. */
typedef struct history {
    hk_hash hash[ROOM];
    uint32_t id[ROOM];
    unsigned born[ROOM], died[ROOM];
    size_t count, in_base;
    hk__added_digest digest[ROOM];
    hk_basis basis[ROOM];
    unsigned digest_born[ROOM], digest_died[ROOM];
    size_t digests;
    uint32_t removed_id[ROOM];
    unsigned removed_at[ROOM];
    size_t removals;
    unsigned step;
} history;

static history *past;

static void past_add(const hk_hash *hash, uint32_t id)
{
    assert_true(past->count < ROOM);
    past->hash[past->count] = *hash;
    past->id[past->count] = id;
    past->born[past->count] = past->step;
    past->died[past->count++] = FOR_EVER;
}

static void past_apply(const hk_index_change *change)
{
    past->step++;
    if (change->kind == HK_CHANGE_ADD_HASH) {
        past_add(&change->hash, change->id);
    } else if (change->kind == HK_CHANGE_ADD_DIGEST) {
        hk__added_digest *digest = &past->digest[past->digests];
        *digest = (hk__added_digest){.id = change->id};
        memcpy(digest->bytes, change->digest, hk__digest_size(change->basis));
        past->basis[past->digests] = change->basis;
        past->digest_born[past->digests] = past->step;
        past->digest_died[past->digests++] = FOR_EVER;
    } else {
        past->removed_id[past->removals] = change->id;
        past->removed_at[past->removals++] = past->step;
        for (size_t i = 0; i < past->count; i++)
            if (past->id[i] == change->id && past->died[i] == FOR_EVER)
                past->died[i] = past->step;
        for (size_t i = 0; i < past->digests; i++)
            if (past->digest[i].id == change->id && past->digest_died[i] == FOR_EVER)
                past->digest_died[i] = past->step;
    }
}

/* A base of `count` hashes, with ids from `first_id` on, every third shared with its neighbour. */
static hk_index *new_base(size_t count, uint32_t first_id, uint64_t seed)
{
    past->count = past->digests = past->removals = 0;
    past->step = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = next_random(&seed);
        const hk_hash hash = i > 10 && r % 2 ? at_distance(&past->hash[r % 10], r >> 8 & 31, &seed)
                                             : random_hash(&seed);
        past_add(&hash, first_id + (uint32_t)(i - (i % 3 == 2)));
    }
    past->in_base = count;
    hk_index *index;
    const hk_index_source source = {
        .hashes = past->hash, .hash_ids = past->id, .hash_count = count};
    assert_int_equal(hk_index_build_from(&index, &source, NULL, NULL), HK_OK);
    return index;
}

/* ---- states --------------------------------------------------------------------------------- */

typedef struct moment {
    hk_index *view;
    unsigned step;
} moment;

static moment look(const hk_index *index, hk__changes *changes, const char *engine)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    moment m = {.step = past->step};
    options.engine = engine;
    assert_int_equal(hk__view_new(&m.view, hk__base_hold(index->base), hk__changes_hold(changes),
                                  &options, NULL),
                     HK_OK);
    return m;
}

static bool answers(const moment *m, const hk_hash *hashes, const uint32_t *ids, size_t count,
                    const hk_hash *queries, size_t query_count, unsigned radius, size_t max_hits)
{
    hk_hits hits;
    assert_int_equal(hk_index_within(&hits, m->view, queries, query_count, radius, max_hits, NULL),
                     HK_OK);
    hk_hits expected = plain_within(hashes, ids, count, queries, query_count, radius, max_hits);
    const bool same = plain_equal(&hits, &expected);
    free(expected.hit);
    hk_hits_free(&hits);
    return same;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(hk__added_digest));
}

/* Whether the digests that were added, and not removed again, are those of the state. */
static bool same_digests(const moment *m)
{
    static hk__added_digest expected[ROOM];
    const hk__changes *changes = m->view->changes;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        size_t n = 0;
        for (size_t i = 0; i < past->digests; i++)
            if ((int)past->basis[i] == basis && past->digest_born[i] <= m->step &&
                past->digest_died[i] > m->step)
                expected[n++] = past->digest[i];
        const size_t count = changes ? changes->digest_count[basis] : 0;
        if (n != count)
            return false;
        if (n == 0)
            continue;
        hk__added_digest *found = malloc(n * sizeof *found);
        memcpy(found, changes->digest[basis], n * sizeof *found);
        qsort(found, n, sizeof *found, by_bytes);
        qsort(expected, n, sizeof *expected, by_bytes);
        const bool same = !memcmp(found, expected, n * sizeof *found);
        free(found);
        if (!same)
            return false;
    }
    return true;
}

static bool ascends(const uint32_t *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (numbers[i] <= numbers[i - 1])
            return false;
    return true;
}

/* Whether its lists are in order, and the ids that it says are gone are all that were removed. */
static bool is_in_order(const moment *m)
{
    const hk__changes *changes = m->view->changes;
    if (!changes)
        return m->step == 0;
    size_t met = 0; /* of its ids, each once: by its first removal */
    for (size_t i = 0; i < past->removals && past->removed_at[i] <= m->step; i++) {
        bool first = true, listed = false;
        for (size_t k = 0; k < i && first; k++)
            first = past->removed_id[k] != past->removed_id[i];
        for (size_t k = 0; first && k < changes->gone_id_count && !listed; k++)
            listed = changes->gone_ids[k] == past->removed_id[i];
        if (first && !listed)
            return false;
        met += first;
    }
    return met == changes->gone_id_count && changes->applied == m->step &&
           ascends(changes->dead, changes->dead_count) &&
           ascends(changes->gone, changes->gone_count) &&
           ascends(changes->gone_ids, changes->gone_id_count);
}

/* Whether the state still is what it was when it was made. */
static bool holds(const moment *m)
{
    static hk_hash hashes[ROOM];
    static uint32_t ids[ROOM];
    size_t n = 0, added = 0, gone = 0;
    for (size_t i = 0; i < past->count; i++) {
        const bool there = past->born[i] <= m->step && past->died[i] > m->step;
        if (there) {
            hashes[n] = past->hash[i];
            ids[n++] = past->id[i];
        }
        added += there && i >= past->in_base;
        gone += !there && i < past->in_base;
    }
    hk_index_info info;
    hk_index_describe(&info, m->view);
    uint64_t seed = m->step;
    hk_hash query[4];
    for (int q = 0; q < 4; q++)
        query[q] = q < 3 ? at_distance(&past->hash[next_random(&seed) % past->count], 9, &seed)
                         : random_hash(&seed);
    bool good = hk_index_count(m->view) == n && info.hashes == n && info.added == added &&
                info.removed == gone && same_digests(m) &&
                answers(m, hashes, ids, n, query, 1, 256, 0) &&
                answers(m, hashes, ids, n, query, 4, 40, 0) &&
                answers(m, hashes, ids, n, query, 2, 128, 3) &&
                answers(m, hashes, ids, n, query + 1, 3, 128, 40);
    good = good && is_in_order(m);
    /* Few enough of base and changes each, and too many together. */
    for (size_t bound = 1; bound <= 8 && good; bound++)
        good = answers(m, hashes, ids, n, query, 1, 20, bound);
    hk_hits nearest;
    assert_int_equal(hk_index_nearest(&nearest, m->view, query, 2, 5, NULL), HK_OK);
    hk_hits expected = plain_within(hashes, ids, n, query, 2, 256, 5);
    expected.truncated = false;
    good = good && plain_equal(&nearest, &expected);
    free(expected.hit);
    hk_hits_free(&nearest);
    return good;
}

/* The state after the changes, which are also put on record. */
static void apply(hk__changes **now, const hk_index *index, const hk_index_change *change,
                  size_t count)
{
    hk__changes *next;
    assert_int_equal(hk__changes_apply(&next, *now, index->base, change, count, NULL), HK_OK);
    hk__changes_release(*now);
    *now = next;
    for (size_t i = 0; i < count; i++)
        past_apply(&change[i]);
}

static hk_index_change addition(uint32_t id, const hk_hash *hash)
{
    return (hk_index_change){.kind = HK_CHANGE_ADD_HASH, .id = id, .hash = *hash};
}

static hk_index_change removal(uint32_t id)
{
    return (hk_index_change){.kind = HK_CHANGE_REMOVE, .id = id};
}

static hk_index_change random_change(uint32_t first_id, uint64_t *seed)
{
    const uint64_t r = next_random(seed);
    /* Of the base, of the added, of neither, of either's past: few enough to meet again. */
    const uint32_t id = r % 4 == 0   ? first_id + (uint32_t)(r >> 8) % 300
                        : r % 4 == 1 ? (uint32_t)(r >> 8) % 50
                        : r % 4 == 2 ? UINT32_MAX - (uint32_t)(r >> 8) % 20
                                     : past->id[(r >> 8) % past->count];
    if (r >> 60 < 5)
        return removal(id);
    if (r >> 60 < 8) {
        hk_index_change change = {.kind = HK_CHANGE_ADD_DIGEST, .id = id};
        change.basis = (hk_basis)((r >> 40) % 3);
        for (size_t k = 0; k < sizeof change.digest; k++) /* also past the end of short ones */
            change.digest[k] = (uint8_t)(next_random(seed) % 3);
        return change;
    }
    const hk_hash near = at_distance(&past->hash[(r >> 20) % past->count], r >> 50 & 15, seed);
    return addition(id, &near);
}

/* ---- sequences ------------------------------------------------------------------------------ */

static void each_state_gives_its_own_answer(void **state)
{
    (void)state;
    enum { STATES = 60, ALIVE = 12 };
    static const char *const engines[] = {"auto", "flat", "mih"};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        uint64_t random = seed;
        const uint32_t first_id = seed % 2 ? 0 : 1000000;
        hk_index *index = new_base(seed % 3 ? 400 : 0, first_id, seed);
        hk_hash first = random_hash(&random);
        hk__changes *now = NULL;
        moment alive[ALIVE] = {{NULL, 0}};
        hk_index_change change[41];
        change[0] = addition(7, &first);
        for (int s = 0; s < STATES; s++) {
            const size_t count = s ? next_random(&random) % 41 : 1;
            for (size_t i = s == 0; i < count; i++) {
                change[i] = random_change(first_id, &random);
                /* Twice in a row, and taken back at once. */
                if (i && next_random(&random) % 4 == 0)
                    change[i] =
                        next_random(&random) % 2 ? change[i - 1] : removal(change[i - 1].id);
            }
            apply(&now, index, change, count);
            moment *m = &alive[next_random(&random) % ALIVE];
            if (m->view)
                assert_true(holds(m));
            hk_index_free(m->view);
            *m = look(index, now, engines[s % 3]);
            assert_true(holds(m));
        }
        hk__changes_release(now);
        hk_index_free(index);
        for (int k = 0; k < ALIVE; k++)
            if (alive[k].view) {
                assert_true(holds(&alive[k]));
                hk_index_free(alive[k].view);
            }
    }
}

static void removed_ids_can_come_back(void **state)
{
    (void)state;
    uint64_t seed = 10;
    hk_index *index = new_base(30, 100, 11);
    const hk_hash one = random_hash(&seed), other = random_hash(&seed);
    const hk_index_change change[] = {
        removal(101),        addition(101, &one),
        removal(101),        removal(101),
        addition(101, &one), addition(101, &other),
        removal(5),          addition(5, &one),
        addition(101, &one), removal(UINT32_MAX),
        removal(0),          addition(0, &other),
        addition(0, &other), removal(0),
        removal(129),        addition(129, &past->hash[28]),
    };
    /* All at once, and one by one, with a look at each. */
    hk__changes *now = NULL;
    apply(&now, index, change, COUNT_OF(change));
    moment all = look(index, now, "auto");
    assert_true(holds(&all));
    hk_index_free(all.view);
    hk__changes_release(now);
    hk_index_free(index);
    index = new_base(30, 100, 11);
    now = NULL;
    moment each[COUNT_OF(change)];
    for (size_t i = 0; i < COUNT_OF(change); i++) {
        apply(&now, index, &change[i], 1);
        each[i] = look(index, now, "auto");
    }
    for (size_t i = COUNT_OF(change); i-- > 0;) {
        assert_true(holds(&each[i]));
        hk_index_free(each[i].view);
    }
    hk__changes_release(now);
    hk_index_free(index);
}

static void everything_can_be_removed(void **state)
{
    (void)state;
    hk_index *index = new_base(500, 0, 12);
    hk__changes *now = NULL;
    hk_index_change change[500];
    for (uint32_t i = 0; i < 500; i++)
        change[i] = removal(499 - i);
    moment before = look(index, now, "auto");
    apply(&now, index, change, 500);
    moment after = look(index, now, "auto");
    assert_int_equal(hk_index_count(after.view), 0);
    assert_true(holds(&after));
    assert_true(holds(&before));
    for (uint32_t i = 0; i < 500; i++)
        change[i] = addition(i, &past->hash[i]);
    apply(&now, index, change, 500);
    moment again = look(index, now, "auto");
    assert_true(holds(&again) && holds(&after) && holds(&before));
    hk_index_free(index);
    hk_index_free(before.view);
    hk__changes_release(now);
    hk_index_free(after.view);
    assert_true(holds(&again)); /* the base lives on with its last view */
    hk_index_free(again.view);
}

/* hk_index_info counts digests with "changes included": those that were removed are not there. */
static void removed_digests_are_not_counted(void **state)
{
    (void)state;
    static const uint8_t md5[3 * 16] = {1, [16] = 2, [32] = 3};
    static const uint32_t ids[] = {5, 6, 5};
    const hk_index_source source = {
        .digests = {md5}, .digest_ids = {ids}, .digest_count = {COUNT_OF(ids)}};
    past->count = past->digests = past->removals = 0;
    past->step = 0;
    hk_index *index;
    assert_int_equal(hk_index_build_from(&index, &source, NULL, NULL), HK_OK);
    const hk_index_change change[] = {
        removal(5), {.kind = HK_CHANGE_ADD_DIGEST, .id = 5, .basis = HK_BASIS_MD5}};
    static const size_t expected[] = {1, 2};
    hk__changes *now = NULL;
    for (size_t i = 0; i < COUNT_OF(change); i++) {
        hk_index_info info;
        apply(&now, index, &change[i], 1);
        moment m = look(index, now, "auto");
        hk_index_describe(&info, m.view);
        hk_index_free(m.view);
        assert_int_equal(info.digests[HK_BASIS_MD5], expected[i]);
    }
    hk__changes_release(now);
    hk_index_free(index);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void blocks_are_shared_and_outlive_their_makers(void **state)
{
    (void)state;
    static const size_t steps[] = {4095, 1, 0, 1, 4094, 1, 0, 5000, 3192, 1};
    enum { STEPS = COUNT_OF(steps) };
    static hk_index_change change[5000];
    uint64_t seed = 20;
    hk_index *index = new_base(50, 0, 21);
    hk__changes *now = NULL;
    moment each[STEPS];
    uint32_t id = 1000;
    for (size_t s = 0; s < STEPS; s++) {
        for (size_t i = 0; i < steps[s]; i++) {
            const hk_hash near = at_distance(&past->hash[0], (unsigned)(i % 60), &seed);
            change[i] = i % 997 == 990 ? removal(id - 500) : addition(id++, &near);
        }
        apply(&now, index, change, steps[s]);
        each[s] = look(index, now, "auto");
        assert_int_equal(now->blocks, (now->added + HK__CHANGES_BLOCK - 1) / HK__CHANGES_BLOCK);
        if (s)
            assert_ptr_equal(now->block[0], each[0].view->changes->block[0]);
    }
    for (size_t s = 0; s < STEPS; s++)
        assert_true(holds(&each[s]));
    /* Freed out of order, the ones in the middle first; those that are left still hold. */
    hk__changes_release(now);
    for (size_t k = 0; k < STEPS; k++) {
        const size_t s = (k * 7 + 4) % STEPS;
        hk_index_free(each[s].view);
        each[s].view = NULL;
        for (size_t left = 0; left < STEPS; left += 3)
            assert_true(!each[left].view || holds(&each[left]));
    }
    hk_index_free(index);
}

static void removals_reach_the_giving_up_path(void **state)
{
    (void)state;
    enum { ALIKE = 60000 };
    uint64_t seed = 30;
    const hk_hash all = random_hash(&seed);
    past->count = past->digests = past->removals = 0;
    past->step = 0;
    for (uint32_t i = 0; i < ALIKE; i++)
        past_add(&all, i);
    past->in_base = ALIKE;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_index *index;
    options.max_distance = 15;
    assert_int_equal(hk_index_build(&index, past->hash, ALIKE, &options, NULL), HK_OK);
    hk__changes *now = NULL;
    hk_index_change change[3000];
    for (uint32_t i = 0; i < 3000; i++)
        change[i] = i % 10 ? removal(i * i % ALIKE) : addition(i, &all);
    apply(&now, index, change, 3000);
    moment m = look(index, now, "auto");
    static hk_hash hashes[ROOM];
    static uint32_t ids[ROOM];
    size_t n = 0;
    for (size_t i = 0; i < past->count; i++)
        if (past->died[i] == FOR_EVER) {
            hashes[n] = past->hash[i];
            ids[n++] = past->id[i];
        }
    assert_int_equal(hk_index_count(m.view), n);
    assert_true(answers(&m, hashes, ids, n, &all, 1, 15, 0));
    assert_true(index->base->streak > 0);
    for (size_t bound = 1; bound < 2 * ALIKE; bound = bound * 20 + 1)
        assert_true(answers(&m, hashes, ids, n, &all, 1, 15, bound));
    hk_index_free(m.view);
    hk__changes_release(now);
    hk_index_free(index);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void wrong_changes_are_refused(void **state)
{
    (void)state;
    const hk_hash hash = {{1, 2, 3, 4}};
    hk_index *index = new_base(20, 0, 40);
    hk__changes *now = NULL, *next = UNTOUCHED;
    hk_index_change change[3] = {addition(1, &hash), removal(3), addition(2, &hash)};
    hk_error err;
    for (int wrong = 0; wrong < 6; wrong++) {
        change[2] = addition(2, &hash);
        change[2].kind = wrong == 0   ? (hk_change_kind)0
                         : wrong == 1 ? (hk_change_kind)4
                         : wrong == 2 ? (hk_change_kind)-1
                                      : HK_CHANGE_ADD_DIGEST;
        change[2].basis = wrong == 3 ? HK_BASIS_PDQ : wrong == 4 ? (hk_basis)-1 : (hk_basis)77;
        assert_int_equal(hk__changes_apply(&next, now, index->base, change, 3, &err), HK_ERR_USAGE);
        assert_ptr_equal(next, UNTOUCHED);
    }
    /* A basis that is not looked at may be anything. */
    change[2] = removal(2);
    change[2].basis = (hk_basis)77;
    apply(&now, index, change, 3);
    moment m = look(index, now, "auto");
    assert_true(holds(&m));
    hk_index_free(m.view);
    hk__changes_release(now);
    hk_index_free(index);

    /* Positions are 32 bits. */
    hk__base full = {.count = UINT32_MAX};
    assert_int_equal(hk__changes_apply(&next, NULL, &full, change, 1, &err), HK_ERR_LIMIT);
    assert_ptr_equal(next, UNTOUCHED);
    full.count--;
    assert_int_equal(hk__changes_apply(&next, NULL, &full, change, 1, &err), HK_OK);
    assert_int_equal(hk__changes_count(next, &full), UINT32_MAX);
    hk__changes *more = UNTOUCHED;
    assert_int_equal(hk__changes_apply(&more, next, &full, change, 1, &err), HK_ERR_LIMIT);
    assert_ptr_equal(more, UNTOUCHED);
    hk__changes_release(next);
    hk__changes_release(NULL);
    assert_null(hk__changes_hold(NULL));
}

/* ---- allocations ---------------------------------------------------------------------------- */

static void applying_survives_every_failing_allocation(void **state)
{
    (void)state;
    static hk_index_change change[4200];
    uint64_t seed = 50;
    hk_index *index = new_base(300, 0, 51);
    hk__changes *now = NULL;
    for (size_t i = 0; i < 4090; i++)
        change[i] = random_change(0, &seed);
    apply(&now, index, change, 4090);
    moment before = look(index, now, "auto");
    for (int turn = 0; turn < 3; turn++) {
        /* Into the end of a block that the state before has a part of, and beyond it. */
        const size_t count = turn == 1 ? 4200 : 90;
        for (size_t i = 0; i < count; i++)
            change[i] = random_change(0, &seed);
        hk__changes *next = UNTOUCHED;
        FAIL_EVERY_ALLOCATION(hk__changes_apply(&next, now, index->base, change, count, NULL),
                              next == UNTOUCHED);
        assert_true(holds(&before));
        hk__changes_release(now);
        now = next;
        for (size_t i = 0; i < count; i++)
            past_apply(&change[i]);
        moment after = look(index, now, "auto");
        assert_true(holds(&after) && holds(&before));
        hk_hits hits = {UNTOUCHED, 77, true, true};
        FAIL_EVERY_ALLOCATION(hk_index_within(&hits, after.view, past->hash, 3, 100, 9, NULL),
                              hits.hit == UNTOUCHED && hits.count == 77);
        hk_hits_free(&hits);
        hk_index_free(before.view);
        before = after;
    }
    hk_index_free(before.view);
    hk__changes_release(now);
    hk_index_free(index);
}

static void views_survive_every_failing_allocation(void **state)
{
    (void)state;
    const hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_index *index = new_base(10, 0, 52), *view = UNTOUCHED;
    hk__changes *now = NULL;
    const hk_index_change change = removal(3);
    apply(&now, index, &change, 1);
    FAIL_EVERY_ALLOCATION(
        hk__view_new(&view, hk__base_hold(index->base), hk__changes_hold(now), &options, NULL),
        view == UNTOUCHED);
    assert_int_equal(index->base->holders, 2);
    assert_int_equal(now->holders, 2);
    hk_index_free(view);
    assert_int_equal(index->base->holders, 1);
    hk__changes_release(now);
    hk_index_free(index);
}

/* ---- readers while a writer appends ---------------------------------------------------------- */

enum { READERS = 3, APPENDED = 9000, LINE_UP = 500000 };

/* The newest state: of the ids from LINE_UP on `added` came, and every tenth below `removed` went
 * again; id LINE_UP + i is i % 16 bits from the query. */
typedef struct newest {
    pthread_mutex_t lock;
    hk__changes *changes;
    size_t added, removed;
    bool done;
    hk_index *index;
    hk_hash query;
} newest;

static bool reads_right(newest *n, bool *done, uint64_t *seed)
{
    const hk_index_options options = HK_INDEX_OPTIONS_INIT;
    pthread_mutex_lock(&n->lock);
    hk__changes *changes = hk__changes_hold(n->changes);
    const size_t added = n->added, removed = n->removed;
    *done = n->done;
    pthread_mutex_unlock(&n->lock);
    hk_index *view;
    if (hk__view_new(&view, hk__base_hold(n->index->base), changes, &options, NULL))
        return false;
    /* One query is compared with the rows, four with slices of them. */
    const size_t queries = next_random(seed) % 2 ? 1 : 4;
    const hk_hash query[4] = {n->query, n->query, n->query, n->query};
    hk_hits hits;
    if (hk_index_within(&hits, view, query, queries, 20, 0, NULL)) {
        hk_index_free(view);
        return false;
    }
    bool right = hits.count == queries * (added - removed / 10) && !hits.truncated;
    for (size_t i = 0; right && i < hits.count; i++) {
        const size_t number = hits.hit[i].item - LINE_UP;
        right = number < added && hits.hit[i].distance == number % 16 &&
                !(number < removed && number % 10 == 3);
    }
    hk_hits_free(&hits);
    hk_index_free(view);
    return right;
}

static void *read_often(void *context)
{
    newest *n = context;
    uint64_t seed = 1;
    bool done = false;
    while (!done)
        if (!reads_right(n, &done, &seed))
            return n; /* anything but NULL */
    return NULL;
}

/* Publishes `changes`, which it takes over. */
static void publish(newest *n, hk__changes *changes, size_t added, size_t removed, bool done)
{
    pthread_mutex_lock(&n->lock);
    hk__changes *old = n->changes;
    n->changes = changes;
    n->added = added;
    n->removed = removed;
    n->done = done;
    pthread_mutex_unlock(&n->lock);
    hk__changes_release(old);
}

static void readers_see_whole_states_while_a_writer_appends(void **state)
{
    (void)state;
    uint64_t seed = 60;
    newest n = {.lock = PTHREAD_MUTEX_INITIALIZER, .index = new_base(1000, 0, 61)};
    n.query = random_hash(&seed); /* far from all of the base */
    pthread_t reader[READERS];
    for (int r = 0; r < READERS; r++)
        assert_int_equal(pthread_create(&reader[r], NULL, read_often, &n), 0);
    size_t added = 0, removed = 0;
    while (added < APPENDED) {
        hk_index_change change[80];
        size_t count = 0;
        for (size_t more = 1 + next_random(&seed) % 60; more && added < APPENDED; more--, added++) {
            const hk_hash hash = at_distance(&n.query, (unsigned)(added % 16), &seed);
            change[count++] = addition((uint32_t)(LINE_UP + added), &hash);
        }
        for (int k = 0; k < 4 && removed + 10 <= added; k++, removed += 10)
            change[count++] = removal((uint32_t)(LINE_UP + removed + 3));
        hk__changes *next;
        /* The writer alone replaces it, so that it need not hold the lock to read it. */
        assert_int_equal(hk__changes_apply(&next, n.changes, n.index->base, change, count, NULL),
                         HK_OK);
        publish(&n, next, added, removed, added >= APPENDED);
    }
    for (int r = 0; r < READERS; r++) {
        void *wrong;
        pthread_join(reader[r], &wrong);
        assert_null(wrong);
    }
    hk__changes_release(n.changes);
    hk_index_free(n.index);
}

/* ---- planted faults: the comparison can fail ------------------------------------------------ */

static void planted_faults_are_found(void **state)
{
    (void)state;
    uint64_t seed = 70;
    hk_index *index = new_base(200, 0, 71);
    hk__changes *now = NULL;
    hk_index_change change[200];
    for (size_t i = 0; i < 200; i++)
        change[i] = random_change(0, &seed);
    apply(&now, index, change, 200);
    moment m = look(index, now, "auto");
    assert_true(holds(&m));
    assert_true(now->dead_count > 0 && now->gone_count > 0 && now->digest_count[0] > 0);
    size_t alive = 0; /* an addition that was not removed again */
    for (size_t d = 0; d < now->dead_count && now->dead[d] == alive; d++)
        alive++;

    now->dead_count--;
    assert_false(holds(&m));
    now->dead_count++;
    now->gone[0] ^= 1;
    assert_false(holds(&m));
    now->gone[0] ^= 1;
    now->block[0]->id[alive]++;
    assert_false(holds(&m));
    now->block[0]->id[alive]--;
    flip_bit(&now->block[0]->hash[alive], 3);
    assert_false(holds(&m));
    flip_bit(&now->block[0]->hash[alive], 3);
    now->gone_id_count--;
    assert_false(holds(&m));
    now->gone_id_count++;
    now->digest[0][0].id++;
    assert_false(holds(&m));
    now->digest[0][0].id--;
    m.step--;
    assert_false(holds(&m));
    m.step++;
    assert_true(holds(&m));
    hk_index_free(m.view);
    hk__changes_release(now);
    hk_index_free(index);
}

static int set_up(void **state)
{
    (void)state;
    past = malloc(sizeof *past);
    return !past;
}

static int tear_down(void **state)
{
    (void)state;
    free(past);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_gives_its_own_answer),
        cmocka_unit_test(removed_ids_can_come_back),
        cmocka_unit_test(everything_can_be_removed),
        cmocka_unit_test(removed_digests_are_not_counted),
        cmocka_unit_test(blocks_are_shared_and_outlive_their_makers),
        cmocka_unit_test(removals_reach_the_giving_up_path),
        cmocka_unit_test(wrong_changes_are_refused),
        cmocka_unit_test(applying_survives_every_failing_allocation),
        cmocka_unit_test(views_survive_every_failing_allocation),
        cmocka_unit_test(readers_see_whole_states_while_a_writer_appends),
        cmocka_unit_test(planted_faults_are_found),
    };
    return cmocka_run_group_tests_name("changes", tests, set_up, tear_down);
}
