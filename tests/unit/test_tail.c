/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_tail.c - the statistics of the calibration, on made-up strangers: their law is found again,
 * its bounds hold what is drawn from it, and a tail heavier than the model is caught.
 */
#include "unit.h"

#include "tail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HIGH = 78, CUT = 66 };
#define PAIRS UINT64_C(265000000)
static const tail_plan whole = {.shape = TAIL_POWER, .high = HIGH};
static const tail_plan cut = {.shape = TAIL_POWER, .low = CUT, .high = HIGH, .measured = CUT + 2};

static double uniform(uint64_t *seed)
{
    return ((double)(next_random(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* A pair at this distance, of any two clusters. */
static void put(tally *counts, unsigned distance, uint64_t *seed)
{
    const unsigned a = (unsigned)(next_random(seed) % CLUSTERS);
    const unsigned b = (unsigned)(next_random(seed) % CLUSTERS);
    counts->near[a < b ? a : b][a < b ? b : a][distance]++;
    counts->pairs[a < b ? a : b][a < b ? b : a]++;
}

/* Strangers whose tail is a power law, `tail` of them within HIGH. */
static tally *strangers(size_t tail, double m, uint64_t *seed)
{
    tally *counts = calloc(1, sizeof *counts);
    assert_non_null(counts);
    for (size_t i = 0; i < tail; i++) {
        const double at = (HIGH + 1) * pow(uniform(seed), 1 / m);
        put(counts, (unsigned)(at + 1) & ~1u, seed);
    }
    for (unsigned a = 0; a < CLUSTERS; a++)
        for (unsigned b = a; b < CLUSTERS; b++) {
            const uint64_t pairs = PAIRS * (a == b ? 1 : 2) / (CLUSTERS * CLUSTERS);
            counts->pairs[a][b] += pairs;
            counts->near[a][b][128] += pairs;
        }
    return counts;
}

static void poisson_is_poisson(void **state)
{
    (void)state;
    /* Garwood's exact limits. */
    static const struct {
        uint64_t count;
        double upper;
    } table[] = {{0, 2.99573}, {1, 4.74386}, {2, 6.29579}, {10, 16.9622}, {100, 118.079}};
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_true(fabs(tail_poisson_upper(table[i].count) - table[i].upper) < 1e-3);
    assert_true(tail_poisson_above(0, 0) == 1);
    assert_true(tail_poisson_above(1, 0) == 0);
    assert_true(fabs(tail_poisson_above(1, 0.1) - (1 - exp(-0.1))) < 1e-12);
    assert_true(fabs(tail_poisson_above(3, 0.5) - 0.0143877) < 1e-6);
    /* Where the normal law takes over. */
    assert_true(fabs(tail_poisson_upper(999) / tail_poisson_upper(1000) - 0.999) < 1e-3);
}

static void law_is_found_again(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (double m = 6; m <= 24; m += 6) {
        tally *counts = strangers(20000, m, &seed);
        histogram all;
        tail_fit fit;
        pairs_view(&all, counts, ALL_CLUSTERS);
        assert_true(tail_make_fit(&fit, &all, &whole));
        assert_true(fabs(fit.m / m - 1) < 0.03);
        assert_true(fabs(fit.at_high * PAIRS / 20000 - 1) < 0.01);
        assert_true(tail_make_fit(&fit, &all, &cut)); /* from the far pairs alone */
        assert_true(fabs(fit.m / m - 1) < 0.10);
        assert_true(fabs(fit.at_high * PAIRS / 20000 - 1) < 0.05);
        free(counts);
    }
    histogram none = {.pairs = 1000};
    tail_fit fit;
    assert_false(tail_make_fit(&fit, &none, &whole));
}

/* Calibrated on a half and on far pairs, as the check of the real images is done. */
static unsigned outside(const tally *counts)
{
    static tail_table table;
    unsigned worst = 0, failed = 0;
    assert_true(tail_make_table(&table, counts, EVEN_CLUSTERS, &whole));
    failed += tail_check(&worst, &table, counts, ~EVEN_CLUSTERS, HIGH);
    assert_true(tail_make_table(&table, counts, ALL_CLUSTERS, &cut));
    return failed + tail_check(&worst, &table, counts, ALL_CLUSTERS, CUT + 1);
}

static void bounds_hold_what_follows_the_model(void **state)
{
    (void)state;
    static tail_table table;
    uint64_t seed = 2;
    int held = 0;
    for (int i = 0; i < 20; i++) {
        tally *counts = strangers(364, 13, &seed);
        assert_int_equal(outside(counts), 0);
        assert_true(tail_make_table(&table, counts, ALL_CLUSTERS, &whole));
        double last = 0;
        for (unsigned d = 0; d < DISTANCES; d++) {
            const tail_row *row = &table.row[d];
            assert_true(row->upper >= row->p && row->upper >= last && row->upper <= 1);
            assert_int_equal(row->extrapolated, row->count < TAIL_ENOUGH);
            last = row->upper;
        }
        /* The truth at a distance where nothing was ever seen. */
        held += table.row[20].upper >= 364.0 / PAIRS * pow(21.0 / (HIGH + 1), 13);
        free(counts);
    }
    assert_in_range(held, 17, 20); /* of 20 at 95 % */
}

static void heavier_tail_is_caught(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 5; i++) {
        /* Copies among the strangers: as many at any distance. */
        tally *counts = strangers(364, 13, &seed);
        for (int k = 0; k < 40; k++)
            put(counts, (unsigned)(20 + 2 * (next_random(&seed) % 24)), &seed);
        assert_true(outside(counts) > 0);
        free(counts);
        /* A second sort of strangers, rarer and nearer, that far pairs tell nothing of. */
        counts = strangers(364, 13, &seed);
        for (int k = 0; k < 60; k++)
            put(counts, (unsigned)(52 * pow(uniform(&seed), 0.25)) & ~1u, &seed);
        assert_true(outside(counts) > 0);
        free(counts);
        /* One half unlike the other. */
        counts = strangers(364, 13, &seed);
        for (int k = 0; k < 100; k++)
            counts
                ->near[1 + 2 * (next_random(&seed) % 16)][33 + 2 * (next_random(&seed) % 16)][40]++;
        assert_true(outside(counts) > 0);
        free(counts);
    }
}

/* One common image near to many others is one accident, not many. */
static void clustered_pairs_widen_the_bound(void **state)
{
    (void)state;
    static tail_table even, lumped;
    uint64_t seed = 4;
    tally *counts = strangers(300, 13, &seed);
    assert_true(tail_make_table(&even, counts, ALL_CLUSTERS, &whole));
    for (unsigned b = 8; b < 38; b++)
        counts->near[7][b][70] += 3;
    assert_true(tail_make_table(&lumped, counts, ALL_CLUSTERS, &whole));
    const tail_row *one = &even.row[70], *other = &lumped.row[70];
    assert_true(other->upper / other->p > 1.3 * one->upper / one->p);
    free(counts);
}

static void flat_tail_takes_nothing_for_rarer_than_seen(void **state)
{
    (void)state;
    static const tail_plan flat = {.shape = TAIL_FLAT};
    static tail_table table;
    uint64_t seed = 5;
    tally *counts = strangers(364, 13, &seed);
    assert_true(tail_make_table(&table, counts, ALL_CLUSTERS, &flat));
    unsigned first = 0;
    while (table.row[first].extrapolated)
        first++;
    assert_true(first > 40 && table.row[first].count >= TAIL_ENOUGH);
    for (unsigned d = 0; d < first; d++)
        assert_true(table.row[d].upper == table.row[first].upper);
    memset(counts, 0, sizeof *counts);
    assert_false(tail_make_table(&table, counts, ALL_CLUSTERS, &flat));
    free(counts);
}

static void turned_hashes_follow_the_symmetries(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int i = 0; i < 20; i++) {
        const hk_hash hash = healthy_hash(&seed);
        hk_hash turned[HK_ORIENTATIONS], again[HK_ORIENTATIONS];
        pairs_turn(turned, &hash);
        assert_int_equal(hk_hash_distance(&turned[HK_ORIGINAL], &hash), 0);
        for (int o = 0; o < HK_ORIENTATIONS; o++) {
            const int back = o == HK_ROTATE90 ? HK_ROTATE270 : o == HK_ROTATE270 ? HK_ROTATE90 : o;
            pairs_turn(again, &turned[o]);
            assert_int_equal(hk_hash_distance(&again[back], &hash), 0);
            hk_hash near = at_distance(&turned[o], 6, &seed);
            assert_int_equal(pairs_distance(turned, &near), 6);
            for (int w = 0; w < 4; w++)
                near.word[w] = ~near.word[w];
            assert_int_equal(pairs_distance(turned, &near), 6);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisson_is_poisson),
        cmocka_unit_test(law_is_found_again),
        cmocka_unit_test(bounds_hold_what_follows_the_model),
        cmocka_unit_test(heavier_tail_is_caught),
        cmocka_unit_test(clustered_pairs_widen_the_bound),
        cmocka_unit_test(flat_tail_takes_nothing_for_rarer_than_seen),
        cmocka_unit_test(turned_hashes_follow_the_symmetries),
    };
    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
