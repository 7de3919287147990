/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match_radius.c - matching within the calibrated radius: it follows the kind of the query,
 * the profile and the number of known entries, and each match states its chance.
 */
#include "match_unit.h"

#include <math.h>

/* Strangers, so that the list has `count` hashes. */
static hk_list *list_of(size_t count, uint64_t *seed)
{
    hk_list *list = new_list("known");
    while (hk_list_count(list) < count) {
        const hk_hash hash = healthy_hash(seed);
        add_hash(list, &hash, NULL, NULL);
    }
    return list;
}

static hk_matcher *matcher_of(const hk_list *list, hk_profile profile)
{
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.profile = profile;
    return matcher_over(list, &options);
}

/* What a picture of this kind gets, `bits` from the first entry. */
static hk__judgement judge_near(const hk_matcher *matcher, const hk_list *list, hk_kind kind,
                                unsigned bits, uint64_t *seed)
{
    hk_fingerprint fp = stranger(seed);
    fp.kind = kind;
    fp.hash[HK_FLIPX] = at_distance(&list->hashes[0], bits, seed);
    const hk__evidence evidence = hashed(&fp);
    return judge(matcher, &evidence);
}

static void radius_follows_kind_and_profile(void **state)
{
    (void)state;
    enum { ENTRIES = 2000 };
    uint64_t seed = 1;
    hk_list *list = list_of(ENTRIES, &seed);
    for (int profile = 0; profile < 2; profile++) {
        hk_matcher *matcher = matcher_of(list, (hk_profile)profile);
        assert_int_equal(hk_matcher_entries(matcher), ENTRIES);
        assert_int_equal(hk_matcher_radius(matcher, (hk_kind)3), -1);
        for (int kind = 0; kind < 3; kind++) {
            const int radius =
                hk_radii_of((hk_kind)kind, (hk_profile)profile, HK_PROBES_STANDARD, ENTRIES).plain;
            assert_int_equal(hk_matcher_radius(matcher, (hk_kind)kind), radius);
            assert_int_equal(radius < 0, kind == HK_KIND_GRAPHIC);
            for (int bits = radius < 0 ? 0 : radius; bits <= radius + 1; bits++) {
                hk__judgement got = judge_near(matcher, list, (hk_kind)kind, (unsigned)bits, &seed);
                assert_int_equal(got.count, bits <= radius);
                assert_int_equal(got.verdict, bits <= radius ? HK_VERDICT_NEAR
                                              : radius < 0   ? HK_VERDICT_NOT_CHECKED
                                                             : HK_VERDICT_NONE);
                hk__judgement_clear(&got);
            }
        }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void radii_follow_a_budget(void **state)
{
    (void)state;
    enum { ENTRIES = 20000 };
    uint64_t seed = 9;
    hk_list *list = list_of(ENTRIES, &seed);
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    for (options.budget = 1e-9; options.budget <= 1; options.budget *= 10) {
        hk_matcher *matcher = matcher_over(list, &options);
        for (int kind = 0; kind < 3; kind++) {
            const hk_radii want =
                hk_radii_within((hk_kind)kind, options.budget, options.probes, ENTRIES);
            assert_int_equal(hk_matcher_radius(matcher, (hk_kind)kind), want.plain);
            assert_int_equal(hk_matcher_exact_radius(matcher, (hk_kind)kind), want.exact);
            assert_int_equal(hk_matcher_aligned_radius(matcher, (hk_kind)kind), want.aligned);
        }
        hk_matcher_free(matcher);
    }
    options.budget = 0; /* the profile's */
    hk_matcher *matcher = matcher_over(list, &options);
    assert_int_equal(hk_matcher_radius(matcher, HK_KIND_PHOTO),
                     hk_radii_of(HK_KIND_PHOTO, HK_PROFILE_REVIEW, options.probes, ENTRIES).plain);
    hk_matcher_free(matcher);
    const double wrong[] = {-1e-3, 1.5, NAN, INFINITY};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const hk_list *const lists[] = {list};
        options.budget = wrong[i];
        assert_int_equal(hk_matcher_new(&matcher, lists, 1, &options, NULL), HK_ERR_USAGE);
    }
    hk_list_free(list);
}

static void matches_state_their_chance(void **state)
{
    (void)state;
    enum { ENTRIES = 100 };
    uint64_t seed = 2;
    hk_list *list = list_of(ENTRIES, &seed);
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    for (options.max_distance = -1; options.max_distance <= 70; options.max_distance += 71) {
        hk_matcher *matcher = matcher_over(list, &options);
        const int radius = hk_matcher_radius(matcher, HK_KIND_PHOTO);
        for (unsigned bits = 0; (int)bits <= radius; bits++) {
            bool extrapolated;
            const double chance =
                hk_false_match_chance(HK_KIND_PHOTO, bits, ENTRIES, &extrapolated);
            hk__judgement got = judge_near(matcher, list, HK_KIND_PHOTO, bits, &seed);
            assert_int_equal(got.count, 1);
            assert_true(got.matches[0].chance == chance);
            assert_int_equal(got.matches[0].chance_extrapolated, extrapolated);
            assert_true(got.false_matches ==
                        hk_false_match_chance(HK_KIND_PHOTO, (unsigned)radius, ENTRIES, NULL));
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

/* What a picture of this kind gets whose exact-grid hash lies `bits` from the first entry, and
 * whose plain one lies nowhere near. */
static hk__judgement judge_exact(const hk_matcher *matcher, const hk_list *list, hk_kind kind,
                                 unsigned bits, uint64_t *seed)
{
    hk_fingerprint fp = stranger(seed);
    hk_hash exact[HK_ORIENTATIONS];
    hk__evidence evidence = hashed(&fp);
    exact_stranger(&evidence, exact, seed);
    fp.kind = kind;
    exact[HK_ROTATE90] = at_distance(&list->hashes[0], bits, seed);
    return judge(matcher, &evidence);
}

static void exact_probe_has_a_radius_of_its_own(void **state)
{
    (void)state;
    enum { ENTRIES = 2000 };
    uint64_t seed = 5;
    hk_list *list = list_of(ENTRIES, &seed);
    for (int profile = 0; profile < 2; profile++) {
        hk_matcher *matcher = matcher_of(list, (hk_profile)profile);
        const int radius =
            hk_radii_of(HK_KIND_PHOTO, (hk_profile)profile, HK_PROBES_STANDARD, ENTRIES).exact;
        assert_int_equal(hk_matcher_exact_radius(matcher, HK_KIND_PHOTO), radius);
        assert_int_equal(hk_matcher_exact_radius(matcher, (hk_kind)3), -1);
        if (profile == HK_PROFILE_GATE)
            assert_true(radius < hk_matcher_radius(matcher, HK_KIND_PHOTO));
        for (int bits = radius; bits <= radius + 1; bits++) {
            hk__judgement got = judge_exact(matcher, list, HK_KIND_PHOTO, (unsigned)bits, &seed);
            assert_int_equal(got.count, bits <= radius);
            hk__judgement_clear(&got);
        }
        for (int kind = HK_KIND_LOW_TEXTURE; kind < 3; kind++) {
            assert_int_equal(hk_matcher_exact_radius(matcher, (hk_kind)kind), -1);
            hk__judgement got = judge_exact(matcher, list, (hk_kind)kind, 0, &seed);
            assert_int_equal(got.count, 0);
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_distance = 44; /* the caller's own is for both probes, of photos */
    hk_matcher *matcher = matcher_over(list, &options);
    assert_int_equal(hk_matcher_exact_radius(matcher, HK_KIND_PHOTO), 44);
    assert_int_equal(hk_matcher_exact_radius(matcher, HK_KIND_GRAPHIC), -1);
    for (unsigned bits = 44; bits <= 45; bits++) {
        hk__judgement got = judge_exact(matcher, list, HK_KIND_PHOTO, bits, &seed);
        assert_int_equal(got.count, bits == 44);
        hk__judgement_clear(&got);
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* By both probes; that of the exact grid adds no more than what lies within its radius. */
static void chances_are_of_both_probes(void **state)
{
    (void)state;
    enum { ENTRIES = 2000 };
    uint64_t seed = 6;
    hk_list *list = list_of(ENTRIES, &seed);
    hk_matcher *matcher = matcher_of(list, HK_PROFILE_GATE);
    const int plain = hk_matcher_radius(matcher, HK_KIND_PHOTO);
    const int exact = hk_matcher_exact_radius(matcher, HK_KIND_PHOTO);
    for (int bits = 0; bits <= plain; bits++) {
        hk_fingerprint fp = stranger(&seed);
        hk_hash other[HK_ORIENTATIONS];
        hk__evidence evidence = hashed(&fp);
        exact_stranger(&evidence, other, &seed);
        fp.hash[HK_FLIPX] = at_distance(&list->hashes[0], (unsigned)bits, &seed);
        hk__judgement got = judge(matcher, &evidence);
        const int within = bits < exact ? bits : exact;
        assert_int_equal(got.count, 1);
        assert_true(got.matches[0].chance ==
                    hk_false_matches(HK_KIND_PHOTO, bits, within, ENTRIES, NULL));
        assert_true(got.matches[0].chance_extrapolated);
        assert_true(got.false_matches ==
                    hk_false_matches(HK_KIND_PHOTO, plain, exact, ENTRIES, NULL));
        assert_true(got.false_matches <= 1e-6 && got.matches[0].chance <= got.false_matches);
        hk__judgement_clear(&got);
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void lists_without_hashes_want_no_exact_grid(void **state)
{
    (void)state;
    uint64_t seed = 7;
    hk_list *digests = new_list("digests"), *hashes = list_of(1, &seed);
    add_digests(digests, HK_DIGEST_MD5, 5, NULL);
    hk_matcher *without = matcher_over(digests, NULL), *with = matcher_over(hashes, NULL);
    assert_false(hk__matcher_wants_exact(without));
    assert_true(hk__matcher_wants_exact(with));
    hk_matcher_free(without);
    hk_matcher_free(with);
    hk_list_free(digests);
    hk_list_free(hashes);
}

static void kind_without_a_radius_is_not_checked(void **state)
{
    (void)state;
    uint64_t seed = 3;
    hk_list *list = list_of(20, &seed);
    add_digests(list, HK_DIGEST_MD5, 5, "D");
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    for (int accept = 0; accept < 2; accept++) {
        options.accept_uncertain = accept;
        hk_matcher *matcher = matcher_over(list, &options);
        hk__judgement got = judge_near(matcher, list, HK_KIND_GRAPHIC, 0, &seed);
        assert_int_equal(got.verdict, accept ? HK_VERDICT_NONE : HK_VERDICT_NOT_CHECKED);
        assert_true(accept ? !got.reason : !strcmp(got.reason, "graphic"));
        assert_true(got.false_matches == 0);
        hk__judgement_clear(&got);

        hk_fingerprint fp = stranger(&seed); /* its digest is looked up all the same */
        fp.kind = HK_KIND_GRAPHIC;
        hk__evidence evidence = hashed(&fp);
        evidence.digests = digests_of(HK_DIGEST_MD5, 5);
        got = judge(matcher, &evidence);
        assert_int_equal(got.verdict, HK_VERDICT_EXACT);
        assert_true(got.matches[0].chance == 0 && !got.matches[0].chance_extrapolated);
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
    }
    options.max_distance = 0; /* the caller's own radius is for every kind */
    hk_matcher *matcher = matcher_over(list, &options);
    hk__judgement got = judge_near(matcher, list, HK_KIND_GRAPHIC, 0, &seed);
    assert_int_equal(got.verdict, HK_VERDICT_NEAR);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* Entries are those of all lists of known images together; of known-good ones none counts. */
static void entries_are_counted_over_known_lists(void **state)
{
    (void)state;
    uint64_t seed = 4;
    hk_list *lists[3];
    for (size_t l = 0; l < 3; l++)
        lists[l] = list_of(100 << l, &seed);
    hk_list_set_known_good(lists[2], true);
    add_digests(lists[0], HK_DIGEST_MD5, 5, NULL); /* no hash */
    assert_int_equal(hk_list_index(&lists[1]->index, lists[1], NULL, NULL), HK_OK);
    hk_matcher *matcher = matcher_over_all(lists, 3, NULL);
    assert_int_equal(hk_matcher_entries(matcher), 300);
    assert_int_equal(hk_matcher_radius(matcher, HK_KIND_LOW_TEXTURE),
                     hk_radius(HK_KIND_LOW_TEXTURE, HK_PROFILE_REVIEW, 300));
    for (int good = 0; good < 2; good++) { /* a match with either sort, by the length of that */
        hk__judgement got = judge_near(matcher, lists[good ? 2 : 1], HK_KIND_PHOTO, 20, &seed);
        assert_int_equal(got.count, 1);
        assert_int_equal(got.matches[0].known_good, good);
        assert_true(got.matches[0].chance ==
                    hk_false_match_chance(HK_KIND_PHOTO, 20, good ? 400 : 300, NULL));
        hk__judgement_clear(&got);
    }
    hk_matcher_free(matcher);
    for (size_t l = 0; l < 3; l++)
        hk_list_free(lists[l]);
}

static void profile_must_be_one(void **state)
{
    (void)state;
    hk_list *list = new_list("known");
    const hk_list *const lists[] = {list};
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    assert_int_equal(options.profile, HK_PROFILE_REVIEW);
    options.profile = (hk_profile)2;
    hk_matcher *matcher = UNTOUCHED;
    assert_int_equal(hk_matcher_new(&matcher, lists, 1, &options, NULL), HK_ERR_USAGE);
    assert_ptr_equal(matcher, UNTOUCHED);
    hk_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(radius_follows_kind_and_profile),
        cmocka_unit_test(radii_follow_a_budget),
        cmocka_unit_test(matches_state_their_chance),
        cmocka_unit_test(exact_probe_has_a_radius_of_its_own),
        cmocka_unit_test(chances_are_of_both_probes),
        cmocka_unit_test(lists_without_hashes_want_no_exact_grid),
        cmocka_unit_test(kind_without_a_radius_is_not_checked),
        cmocka_unit_test(entries_are_counted_over_known_lists),
        cmocka_unit_test(profile_must_be_one),
    };
    return cmocka_run_group_tests_name("match_radius", tests, NULL, NULL);
}
