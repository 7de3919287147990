/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match_views.c - a file of several views: one verdict, the best over them, and a budget that
 * they share.
 */
#include "match_unit.h"

#include <math.h>

enum { ENTRIES = 2000 };

static hk_list *list_of(size_t count, uint64_t *seed)
{
    hk_list *list = new_list("known");
    while (hk_list_count(list) < count) {
        const hk_hash hash = healthy_hash(seed);
        add_hash(list, &hash, NULL, NULL);
    }
    return list;
}

/* So many views that are near to nothing. */
static hk__evidence strangers(hk__view *views, hk_fingerprint *prints, size_t count, uint64_t *seed)
{
    for (size_t v = 0; v < count; v++) {
        prints[v] = stranger(seed);
        views[v] = (hk__view){.fingerprint = &prints[v], .frame = 10 + (unsigned)v};
    }
    return (hk__evidence){.status = HK_FILE_OK, .views = views, .view_count = count};
}

/* Whichever view is the copy, at the radius for as many times the entries and one bit beyond. */
static void views_share_the_budget(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 6, HK_VIEWS_MOST};
    uint64_t seed = 5;
    hk__view views[HK_VIEWS_MOST];
    hk_fingerprint prints[HK_VIEWS_MOST];
    hk_list *list = list_of(ENTRIES, &seed);
    hk_matcher *matcher = matcher_over(list, NULL);
    int before = HK_HASH_BITS;
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        const size_t count = counts[c];
        const int radius =
            hk_radii_of(HK_KIND_PHOTO, HK_PROFILE_REVIEW, HK_PROBES_STANDARD, ENTRIES * count)
                .plain;
        assert_true(radius <= before);
        before = radius;
        for (size_t v = 0; v<count; v += count> 6 ? 21 : 1)
            for (int bits = radius; bits <= radius + 1; bits++) {
                const hk__evidence evidence = strangers(views, prints, count, &seed);
                prints[v].hash[HK_ROTATE90] = at_distance(&list->hashes[7], (unsigned)bits, &seed);
                views[v].backdrop = HK_BACKDROP_WHITE;
                hk__judgement got = judge(matcher, &evidence);
                assert_int_equal(got.verdict, bits <= radius ? HK_VERDICT_NEAR : HK_VERDICT_NONE);
                assert_int_equal(got.count, bits <= radius);
                if (got.count) {
                    assert_int_equal(got.matches->view, v);
                    assert_int_equal(got.matches->frame, 10 + v);
                    assert_int_equal(got.matches->backdrop, HK_BACKDROP_WHITE);
                    assert_int_equal(got.matches->orientation, HK_ROTATE90);
                    assert_string_equal(got.matches->probe, "plain");
                    const double one = hk_false_matches(HK_KIND_PHOTO, bits, -1, ENTRIES, NULL);
                    assert_true(fabs(got.matches->chance / (one * (double)count) - 1) < 1e-9);
                }
                assert_true(got.false_matches <= 1e-3); /* the budget, whatever the count */
                hk__judgement_clear(&got);
            }
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* The exact grid's hash of a later view, and the nearest where two views find the same entry. */
static void the_nearest_view_is_named(void **state)
{
    (void)state;
    uint64_t seed = 6;
    hk__view views[3];
    hk_fingerprint prints[3];
    hk_hash exact[HK_ORIENTATIONS];
    hk_list *list = list_of(ENTRIES, &seed);
    hk_matcher *matcher = matcher_over(list, NULL);
    const hk__evidence evidence = strangers(views, prints, 3, &seed);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        exact[o] = healthy_hash(&seed);
    views[2].exact = exact;
    exact[HK_FLIPY] = inverse(&list->hashes[3]);
    prints[1].hash[HK_ORIGINAL] = at_distance(&list->hashes[3], 4, &seed);
    hk__judgement got = judge(matcher, &evidence);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.matches->view, 2);
    assert_string_equal(got.matches->probe, "exact");
    assert_int_equal(got.matches->orientation, HK_FLIPY);
    assert_true(got.matches->inverted);
    hk__judgement_clear(&got);

    prints[0].hash[HK_FLIPPLUS1] = list->hashes[3]; /* as near: the first view */
    got = judge(matcher, &evidence);
    assert_int_equal(got.matches->view, 0);
    assert_int_equal(got.matches->distance, 0);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* A view of a kind without a radius says nothing, and so no hit proves nothing; others hit. */
static void one_view_without_a_radius_is_enough(void **state)
{
    (void)state;
    uint64_t seed = 7;
    hk__view views[3];
    hk_fingerprint prints[3];
    hk_list *list = list_of(ENTRIES, &seed);
    for (int accept = 0; accept < 2; accept++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.accept_uncertain = accept;
        hk_matcher *matcher = matcher_over(list, &options);
        for (size_t v = 0; v < 3; v++) {
            const hk__evidence evidence = strangers(views, prints, 3, &seed);
            prints[v].kind = HK_KIND_GRAPHIC;
            hk__judgement got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, accept ? HK_VERDICT_NONE : HK_VERDICT_NOT_CHECKED);
            if (!accept)
                assert_string_equal(got.reason, "graphic");
            hk__judgement_clear(&got);

            prints[(v + 1) % 3].hash[HK_ORIGINAL] = list->hashes[0];
            got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, HK_VERDICT_NEAR);
            assert_int_equal(got.matches->view, (v + 1) % 3);
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void too_many_views_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 8;
    hk__view views[HK_VIEWS_MOST + 1];
    hk_fingerprint prints[HK_VIEWS_MOST + 1];
    hk_list *list = list_of(10, &seed);
    hk_matcher *matcher = matcher_over(list, NULL);
    const hk__evidence evidence = strangers(views, prints, HK_VIEWS_MOST + 1, &seed);
    hk__judgement got;
    assert_int_equal(hk__judge(&got, &(hk__judge_room){0}, matcher, &evidence, NULL), HK_ERR_USAGE);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_share_the_budget),
        cmocka_unit_test(the_nearest_view_is_named),
        cmocka_unit_test(one_view_without_a_radius_is_enough),
        cmocka_unit_test(too_many_views_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
