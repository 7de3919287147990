/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_radius.c - the calibrated radius: it keeps the budget and could not be wider, whatever the
 * kind, the profile and the length of the list; and the chances behind it.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

enum { KINDS = 3, PROFILES = 2 };
static const double budgets[PROFILES] = {1e-6, 1e-3};
static const uint64_t sizes[] = {1,      2,       9,        10,        1000,       12345,
                                 100000, 1400000, 10000000, 100000000, 1000000000, UINT64_MAX};

static void chances_never_fall(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        double last = 0;
        bool measured = false;
        for (unsigned d = 0; d <= 130; d++) {
            bool extrapolated;
            const double one = hk_false_match_chance((hk_kind)kind, d, 1, &extrapolated);
            assert_true(one > 0 && one <= 1 && one >= last);
            assert_true(!measured || !extrapolated); /* what is measured lies further out */
            measured = !extrapolated;
            last = one;
            for (size_t s = 0; s < COUNT_OF(sizes); s++) {
                const double n = (double)sizes[s];
                assert_true(hk_false_match_chance((hk_kind)kind, d, sizes[s], NULL) == n * one);
            }
            assert_true(hk_false_match_chance((hk_kind)kind, d, 0, NULL) == 0);
        }
        assert_true(last > 0.999 && measured);
        assert_true(hk_false_match_chance((hk_kind)kind, UINT32_MAX, 1, NULL) == last);
    }
    bool extrapolated = true;
    assert_true(hk_false_match_chance((hk_kind)KINDS, 0, 7, &extrapolated) == 7);
    assert_false(extrapolated);
}

static void radius_is_the_widest_within_the_budget(void **state)
{
    (void)state;
    const int widest = hk_radius(HK_KIND_PHOTO, HK_PROFILE_REVIEW, 1);
    assert_int_equal(widest, 60);
    for (int kind = 0; kind < KINDS; kind++)
        for (int profile = 0; profile < PROFILES; profile++) {
            int last = widest;
            for (size_t s = 0; s < COUNT_OF(sizes); s++) {
                const int radius = hk_radius((hk_kind)kind, (hk_profile)profile, sizes[s]);
                assert_in_range(radius + 1, 0, widest + 1);
                /* A twentieth is kept for the exact-grid hash, which photos alone have. */
                const double budget = budgets[profile] * (kind == HK_KIND_PHOTO ? .95 : 1);
                if (radius >= 0)
                    assert_true(hk_false_match_chance((hk_kind)kind, (unsigned)radius, sizes[s],
                                                      NULL) <= budget);
                if (radius < widest)
                    assert_true(hk_false_match_chance((hk_kind)kind, (unsigned)(radius + 1),
                                                      sizes[s], NULL) > budget);
                assert_true(radius <= last); /* the longer the list, the narrower */
                last = radius;
            }
        }
}

static void both_probes_keep_within_the_budget(void **state)
{
    (void)state;
    for (int profile = 0; profile < PROFILES; profile++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++) {
            const hk_profile p = (hk_profile)profile;
            const int plain = hk_radius(HK_KIND_PHOTO, p, sizes[s]);
            const int exact = hk_exact_radius(HK_KIND_PHOTO, p, sizes[s]);
            assert_true(exact >= -1 && exact <= plain);
            assert_true(hk_false_matches(HK_KIND_PHOTO, plain, exact, sizes[s], NULL) <=
                        budgets[profile]);
            if (exact < plain)
                assert_true(hk_false_matches(HK_KIND_PHOTO, plain, exact + 1, sizes[s], NULL) >
                            budgets[profile]);
            if (plain >= 9) /* there is always something left for it */
                assert_true(exact >= plain * 2 / 3);
            assert_int_equal(hk_exact_radius(HK_KIND_LOW_TEXTURE, p, sizes[s]), -1);
            assert_int_equal(hk_exact_radius(HK_KIND_GRAPHIC, p, sizes[s]), -1);
        }
}

static void false_matches_of_both_probes_add_up(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int plain = -1; plain <= 70; plain++)
            for (int exact = -1; exact <= plain; exact++) {
                bool extrapolated, of_plain = false, of_exact = false;
                double sum = 0;
                if (plain >= 0)
                    sum = hk_false_match_chance((hk_kind)kind, (unsigned)plain, 7, &of_plain);
                if (exact >= 0) /* a quarter more */
                    sum +=
                        1.25 * hk_false_match_chance((hk_kind)kind, (unsigned)exact, 7, &of_exact);
                const double got = hk_false_matches((hk_kind)kind, plain, exact, 7, &extrapolated);
                assert_true(fabs(got - sum) <= 1e-12 * sum);
                assert_int_equal(extrapolated, of_plain || of_exact);
                assert_true(hk_false_matches((hk_kind)kind, plain, exact, 7, NULL) == got);
            }
}

static void hard_kinds_and_the_gate_are_tighter(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        for (int profile = 0; profile < PROFILES; profile++) {
            const int photo = hk_radius(HK_KIND_PHOTO, (hk_profile)profile, sizes[s]);
            assert_true(hk_radius(HK_KIND_LOW_TEXTURE, (hk_profile)profile, sizes[s]) <= photo);
            assert_true(hk_radius(HK_KIND_GRAPHIC, (hk_profile)profile, sizes[s]) <= photo);
        }
        for (int kind = 0; kind < KINDS; kind++)
            assert_true(hk_radius((hk_kind)kind, HK_PROFILE_GATE, sizes[s]) <=
                        hk_radius((hk_kind)kind, HK_PROFILE_REVIEW, sizes[s]));
        if (sizes[s] >= 10) /* graphics: exact only */
            assert_int_equal(hk_radius(HK_KIND_GRAPHIC, HK_PROFILE_REVIEW, sizes[s]), -1);
    }
}

/* What the documents say: a new calibration shows here. */
static void radii_of_the_yardstick(void **state)
{
    (void)state;
    static const struct {
        uint64_t entries;
        int photo[PROFILES], exact[PROFILES], low_texture[PROFILES];
    } expected[] = {
        {1000, {39, 60}, {35, 60}, {9, 29}},     {100000, {25, 49}, {23, 43}, {5, 15}},
        {1400000, {21, 39}, {15, 31}, {3, 9}},   {10000000, {17, 33}, {15, 23}, {1, 7}},
        {100000000, {13, 25}, {13, 23}, {1, 5}},
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        for (int p = 0; p < PROFILES; p++) {
            assert_int_equal(hk_radius(HK_KIND_PHOTO, (hk_profile)p, expected[i].entries),
                             expected[i].photo[p]);
            assert_int_equal(hk_exact_radius(HK_KIND_PHOTO, (hk_profile)p, expected[i].entries),
                             expected[i].exact[p]);
            assert_int_equal(hk_radius(HK_KIND_LOW_TEXTURE, (hk_profile)p, expected[i].entries),
                             expected[i].low_texture[p]);
        }
}

static void what_is_out_of_range_has_no_radius(void **state)
{
    (void)state;
    assert_int_equal(hk_radius((hk_kind)KINDS, HK_PROFILE_REVIEW, 1), -1);
    assert_int_equal(hk_radius((hk_kind)-1, HK_PROFILE_REVIEW, 1), -1);
    assert_int_equal(hk_radius(HK_KIND_PHOTO, (hk_profile)PROFILES, 1), -1);
    assert_int_equal(hk_exact_radius((hk_kind)KINDS, HK_PROFILE_REVIEW, 1), -1);
    assert_int_equal(hk_exact_radius(HK_KIND_PHOTO, (hk_profile)PROFILES, 1), -1);
    assert_string_equal(hk_profile_name(HK_PROFILE_GATE), "gate");
    assert_string_equal(hk_profile_name(HK_PROFILE_REVIEW), "review");
    assert_null(hk_profile_name((hk_profile)PROFILES));
    assert_null(hk_profile_name((hk_profile)-1));
    assert_int_equal(strlen(hk_model(0)->calibration_checksum), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_never_fall),
        cmocka_unit_test(radius_is_the_widest_within_the_budget),
        cmocka_unit_test(both_probes_keep_within_the_budget),
        cmocka_unit_test(false_matches_of_both_probes_add_up),
        cmocka_unit_test(hard_kinds_and_the_gate_are_tighter),
        cmocka_unit_test(radii_of_the_yardstick),
        cmocka_unit_test(what_is_out_of_range_has_no_radius),
    };
    return cmocka_run_group_tests_name("radius", tests, NULL, NULL);
}
