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

static void aligned_chances_never_fall(void **state)
{
    (void)state;
    for (int set = 0; set < HK_PROBES_SETS; set++) {
        double last = 0;
        bool measured = false, extrapolated;
        for (int d = 0; d <= 130; d++) {
            const double one =
                hk_aligned_false_matches(HK_KIND_PHOTO, d, (hk_probes)set, 1, &extrapolated);
            assert_true(one > 0 && one < 1e-4 && one >= last);
            assert_true(!measured || !extrapolated);
            measured = !extrapolated;
            last = one;
            for (size_t s = 0; s < COUNT_OF(sizes); s++)
                assert_true(hk_aligned_false_matches(HK_KIND_PHOTO, d, (hk_probes)set, sizes[s],
                                                     NULL) == (double)sizes[s] * one);
            if (set) /* the more probes, the more strangers */
                assert_true(one > hk_aligned_false_matches(HK_KIND_PHOTO, d, (hk_probes)(set - 1),
                                                           1, NULL));
        }
        assert_true(measured);
        assert_true(hk_aligned_false_matches(HK_KIND_PHOTO, -1, (hk_probes)set, 7, NULL) == 0);
    }
    /* What is not calibrated is a false match each time. */
    assert_true(hk_aligned_false_matches(HK_KIND_GRAPHIC, 0, HK_PROBES_FAST, 7, NULL) == 7);
    assert_true(hk_aligned_false_matches(HK_KIND_PHOTO, 0, HK_PROBES_SETS, 7, NULL) == 7);
}

/* Together within the budget, none of the three could be wider, and each as in herken.h. */
static void three_radii_keep_within_any_budget(void **state)
{
    (void)state;
    static const double some[] = {1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, .1, 1};
    for (int set = 0; set < HK_PROBES_SETS; set++)
        for (size_t b = 0; b < COUNT_OF(some); b++) {
            int last = 60;
            for (size_t s = 0; s < COUNT_OF(sizes); s++) {
                const uint64_t n = sizes[s];
                const hk_radii r = hk_radii_within(HK_KIND_PHOTO, some[b], (hk_probes)set, n);
                const double plain = hk_false_matches(HK_KIND_PHOTO, r.plain, -1, n, NULL);
                const double unaligned = hk_false_matches(HK_KIND_PHOTO, r.plain, r.exact, n, NULL);
                const double aligned =
                    hk_aligned_false_matches(HK_KIND_PHOTO, r.aligned, (hk_probes)set, n, NULL);
                assert_true(unaligned + aligned <= some[b] * (1 + 1e-12));
                assert_true(plain <= some[b] * (1 - 1. / 3));
                assert_in_range(r.plain + 1, 0, last + 1);
                assert_in_range(r.exact + 1, 0, r.plain + 1);
                assert_in_range(r.aligned + 1, 0, 61);
                if (r.plain < 60)
                    assert_true(hk_false_matches(HK_KIND_PHOTO, r.plain + 1, -1, n, NULL) >
                                some[b] * (1 - 1. / 3));
                if (r.exact < r.plain)
                    assert_true(hk_false_matches(HK_KIND_PHOTO, r.plain, r.exact + 1, n, NULL) +
                                    aligned >
                                some[b] * (1 - 1e-12));
                if (r.aligned < 60)
                    assert_true(plain + hk_aligned_false_matches(HK_KIND_PHOTO, r.aligned + 1,
                                                                 (hk_probes)set, n, NULL) >
                                some[b] * (1 - 1e-12));
                last = r.plain;
            }
        }
}

static void radii_of_a_profile_are_those_of_its_budget(void **state)
{
    (void)state;
    for (int p = 0; p < PROFILES; p++) {
        assert_true(hk_budget((hk_profile)p) == budgets[p]);
        for (int kind = 0; kind < KINDS; kind++)
            for (size_t s = 0; s < COUNT_OF(sizes); s++) {
                const hk_radii of =
                    hk_radii_of((hk_kind)kind, (hk_profile)p, HK_PROBES_STANDARD, sizes[s]);
                const hk_radii within =
                    hk_radii_within((hk_kind)kind, budgets[p], HK_PROBES_STANDARD, sizes[s]);
                assert_memory_equal(&of, &within, sizeof of);
                if (kind == HK_KIND_PHOTO)
                    continue;
                assert_int_equal(of.plain, hk_radius((hk_kind)kind, (hk_profile)p, sizes[s]));
                assert_int_equal(of.exact, -1);
                /* a photo in it has what that leaves */
                const double plain = hk_false_matches((hk_kind)kind, of.plain, -1, sizes[s], NULL);
                const double aligned = hk_aligned_false_matches(HK_KIND_PHOTO, of.aligned,
                                                                HK_PROBES_STANDARD, sizes[s], NULL);
                assert_true(plain + aligned <= budgets[p]);
            }
    }
    const hk_radii none[] = {
        hk_radii_of(HK_KIND_PHOTO, (hk_profile)PROFILES, HK_PROBES_STANDARD, 1),
        hk_radii_within((hk_kind)KINDS, 1e-3, HK_PROBES_STANDARD, 1),
        hk_radii_within(HK_KIND_PHOTO, -1, HK_PROBES_STANDARD, 1),
    };
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_true(none[i].plain == -1 && none[i].exact == -1 && none[i].aligned == -1);
    const hk_radii unaligned = hk_radii_within(HK_KIND_PHOTO, 1e-3, HK_PROBES_SETS, 1400000);
    assert_int_equal(unaligned.plain, hk_radius(HK_KIND_PHOTO, HK_PROFILE_REVIEW, 1400000));
    assert_int_equal(unaligned.exact, hk_exact_radius(HK_KIND_PHOTO, HK_PROFILE_REVIEW, 1400000));
    assert_int_equal(unaligned.aligned, -1);
    assert_true(hk_budget((hk_profile)PROFILES) == -1);
}

/* What the documents say of pictures that are aligned. */
static void three_radii_of_the_yardstick(void **state)
{
    (void)state;
    static const struct {
        uint64_t entries;
        hk_radii of[PROFILES];
    } expected[] = {
        {30000, {{27, 25, 19}, {53, 41, 38}}},
        {1400000, {{19, 17, 13}, {37, 29, 26}}},
        {10000000, {{17, 11, 10}, {31, 25, 21}}},
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        for (int p = 0; p < PROFILES; p++) {
            const hk_radii r =
                hk_radii_of(HK_KIND_PHOTO, (hk_profile)p, HK_PROBES_STANDARD, expected[i].entries);
            assert_memory_equal(&r, &expected[i].of[p], sizeof r);
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
    assert_int_equal(strlen(hk_model(0)->aligned_checksum), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_never_fall),
        cmocka_unit_test(radius_is_the_widest_within_the_budget),
        cmocka_unit_test(both_probes_keep_within_the_budget),
        cmocka_unit_test(false_matches_of_both_probes_add_up),
        cmocka_unit_test(aligned_chances_never_fall),
        cmocka_unit_test(three_radii_keep_within_any_budget),
        cmocka_unit_test(radii_of_a_profile_are_those_of_its_budget),
        cmocka_unit_test(three_radii_of_the_yardstick),
        cmocka_unit_test(hard_kinds_and_the_gate_are_tighter),
        cmocka_unit_test(radii_of_the_yardstick),
        cmocka_unit_test(what_is_out_of_range_has_no_radius),
    };
    return cmocka_run_group_tests_name("radius", tests, NULL, NULL);
}
