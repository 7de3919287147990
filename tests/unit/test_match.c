/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match.c - verdicts: what beats what, in which orientation, within which radius, and when no
 * verdict can be given.
 */
#include "match_unit.h"

#include "feed/entry.h"

/* ---- near ---------------------------------------------------------------------------------- */

static void near_is_found_in_each_orientation_and_inverted(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const hk_hash known = healthy_hash(&seed), other = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &other, "other", NULL);
    add_hash(list, &known, "A-1", "hate");
    hk_matcher *matcher = matcher_over(list, NULL);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int inverted = 0; inverted < 2; inverted++)
            for (unsigned distance = 0; distance <= 31; distance += 31) {
                hk_fingerprint fp = stranger(&seed);
                const hk_hash near = at_distance(&known, distance, &seed);
                fp.hash[o] = inverted ? inverse(&near) : near;
                const hk__evidence evidence = hashed(&fp);
                hk__judgement got = judge(matcher, &evidence);
                assert_int_equal(got.verdict, HK_VERDICT_NEAR);
                assert_null(got.reason);
                assert_int_equal(got.count, 1);
                assert_false(got.truncated);
                assert_string_equal(got.matches[0].list, "known");
                assert_string_equal(got.matches[0].entry, "A-1");
                assert_string_equal(got.matches[0].category, "hate");
                assert_string_equal(got.matches[0].probe, "plain");
                assert_int_equal(got.matches[0].basis, HK_BASIS_PDQ);
                assert_int_equal(got.matches[0].distance, distance);
                assert_int_equal(got.matches[0].orientation, o);
                assert_int_equal(got.matches[0].inverted, inverted);
                hk__judgement_clear(&got);
            }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static hk_verdict verdict_at(const hk_list *list, const hk_hash *known, int radius,
                             unsigned distance, bool inverted, uint64_t *seed)
{
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_distance = radius;
    hk_matcher *matcher = matcher_over(list, &options);
    for (int kind = 0; radius >= 0 && hk_kind_name((hk_kind)kind); kind++)
        assert_int_equal(hk_matcher_radius(matcher, (hk_kind)kind), radius);
    hk_fingerprint fp = stranger(seed);
    const hk_hash near = at_distance(known, distance, seed);
    fp.hash[HK_FLIPX] = inverted ? inverse(&near) : near;
    const hk__evidence evidence = hashed(&fp);
    hk__judgement got = judge(matcher, &evidence);
    const hk_verdict verdict = got.verdict;
    assert_int_equal(got.count, verdict == HK_VERDICT_NEAR);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    return verdict;
}

static void radius_is_inclusive(void **state)
{
    (void)state;
    uint64_t seed = 2;
    static const int radii[] = {-1, 0, 1, 10, 31, 50};
    const hk_hash known = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, NULL, NULL);
    for (size_t r = 0; r < COUNT_OF(radii); r++)
        for (int inverted = 0; inverted < 2; inverted++) {
            const int calibrated = hk_radius(HK_KIND_PHOTO, HK_PROFILE_REVIEW, 1);
            const unsigned limit = (unsigned)(radii[r] < 0 ? calibrated : radii[r]);
            assert_int_equal(verdict_at(list, &known, radii[r], limit, inverted, &seed),
                             HK_VERDICT_NEAR);
            assert_int_equal(verdict_at(list, &known, radii[r], limit + 1, inverted, &seed),
                             HK_VERDICT_NONE);
        }
    hk_list_free(list);
}

static void entry_near_in_several_orientations_is_given_once(void **state)
{
    (void)state;
    uint64_t seed = 3;
    const hk_hash known = healthy_hash(&seed), second = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, "A-1", NULL);
    add_hash(list, &second, "A-2", NULL);
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_fingerprint fp = stranger(&seed);
    fp.hash[HK_ORIGINAL] = at_distance(&known, 20, &seed);
    fp.hash[HK_ROTATE180] = at_distance(&known, 4, &seed);
    fp.hash[HK_FLIPY] = at_distance(&known, 9, &seed);
    fp.hash[HK_FLIPX] = inverse(&known);
    flip_bit(&fp.hash[HK_FLIPX], 7); /* inverted, at 1: the nearest of all */
    fp.hash[HK_ROTATE90] = at_distance(&second, 12, &seed);
    fp.hash[HK_FLIPPLUS1] = fp.hash[HK_ROTATE90]; /* a tie: the first orientation stands */
    const hk__evidence evidence = hashed(&fp);
    hk__judgement got = judge(matcher, &evidence);
    assert_int_equal(got.count, 2);
    assert_false(got.truncated);
    assert_string_equal(got.matches[0].entry, "A-1");
    assert_int_equal(got.matches[0].distance, 1);
    assert_int_equal(got.matches[0].orientation, HK_FLIPX);
    assert_true(got.matches[0].inverted);
    assert_string_equal(got.matches[1].entry, "A-2");
    assert_int_equal(got.matches[1].distance, 12);
    assert_int_equal(got.matches[1].orientation, HK_ROTATE90);
    assert_false(got.matches[1].inverted);
    hk__judgement_clear(&got);

    /* A bound of as many as there are cuts nothing, though more hits were merged. */
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.max_matches = 2;
    hk_matcher_free(matcher);
    matcher = matcher_over(list, &options);
    got = judge(matcher, &evidence);
    assert_int_equal(got.count, 2);
    assert_false(got.truncated);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* The nearer hash stands, and the plain one where both are as near. */
static void exact_grid_is_a_second_probe(void **state)
{
    (void)state;
    static const struct {
        unsigned plain, exact; /* 128: far */
        const char *probe;
    } cases[] = {{128, 9, "exact"}, {20, 19, "exact"}, {19, 19, "plain"},
                 {18, 19, "plain"}, {0, 0, "plain"},   {21, 128, "plain"}};
    uint64_t seed = 14;
    const hk_hash known = healthy_hash(&seed), other = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &other, "other", NULL);
    add_hash(list, &known, "A-1", NULL);
    hk_matcher *matcher = matcher_over(list, NULL);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int inverted = 0; inverted < 2; inverted++)
            for (size_t c = 0; c < COUNT_OF(cases); c++) {
                hk_fingerprint fp = stranger(&seed);
                hk_hash exact[HK_ORIENTATIONS];
                hk__evidence evidence = hashed(&fp);
                exact_stranger(&evidence, exact, &seed);
                const hk_hash plain_near = at_distance(&known, cases[c].plain, &seed);
                const hk_hash exact_near = at_distance(&known, cases[c].exact, &seed);
                if (cases[c].plain < 128)
                    fp.hash[o] = inverted ? inverse(&plain_near) : plain_near;
                if (cases[c].exact < 128)
                    exact[o] = inverted ? inverse(&exact_near) : exact_near;
                hk__judgement got = judge(matcher, &evidence);
                assert_int_equal(got.verdict, HK_VERDICT_NEAR);
                assert_int_equal(got.count, 1);
                assert_false(got.truncated);
                assert_string_equal(got.matches[0].entry, "A-1");
                assert_string_equal(got.matches[0].probe, cases[c].probe);
                assert_int_equal(got.matches[0].distance,
                                 cases[c].plain < cases[c].exact ? cases[c].plain : cases[c].exact);
                assert_int_equal(got.matches[0].orientation, o);
                assert_int_equal(got.matches[0].inverted, inverted);
                hk__judgement_clear(&got);

                ((hk__view *)evidence.views)->exact = NULL; /* there is none, or it is degenerate */
                got = judge(matcher, &evidence);
                assert_int_equal(got.verdict,
                                 cases[c].plain < 128 ? HK_VERDICT_NEAR : HK_VERDICT_NONE);
                hk__judgement_clear(&got);
            }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void max_matches_counts_over_both_probes(void **state)
{
    (void)state;
    uint64_t seed = 15;
    hk_list *list = new_list("known");
    hk_fingerprint fp = stranger(&seed);
    hk_hash exact[HK_ORIENTATIONS];
    hk__evidence evidence = hashed(&fp);
    exact_stranger(&evidence, exact, &seed);
    for (unsigned i = 0; i < 10; i++) { /* at 1, 3, ... by the plain one, 0, 2, ... by the other */
        const hk_hash hash =
            at_distance(i % 2 ? &fp.hash[HK_FLIPY] : &exact[HK_ORIGINAL], i, &seed);
        add_hash(list, &hash, NULL, NULL);
    }
    for (size_t bound = 1; bound <= 10; bound++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.max_matches = bound;
        hk_matcher *matcher = matcher_over(list, &options);
        hk__judgement got = judge(matcher, &evidence);
        assert_int_equal(got.count, bound);
        assert_int_equal(got.truncated, bound < 10);
        for (size_t i = 0; i < bound; i++) {
            assert_int_equal(got.matches[i].distance, i);
            assert_string_equal(got.matches[i].probe, i % 2 ? "plain" : "exact");
        }
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void max_matches_keeps_the_nearest(void **state)
{
    (void)state;
    enum { ENTRIES = 40 };
    uint64_t seed = 4;
    const hk_hash query = healthy_hash(&seed);
    hk_list *list = new_list("known");
    hk_fingerprint fp = stranger(&seed);
    fp.hash[HK_ROTATE270] = query;
    for (unsigned i = 0; i < ENTRIES; i++) { /* distances 30, 29, ... and round again */
        const hk_hash hash = at_distance(&query, 30 - i % 31, &seed);
        if (hk__hash_is_degenerate(&hash))
            fail();
        add_hash(list, &hash, NULL, NULL);
    }
    add_digests(list, HK_DIGEST_MD5, 9, "D-1");
    static const size_t bounds[] = {0, 1, 2, 10, 39, 40, 41, 1000, SIZE_MAX};
    for (size_t b = 0; b < COUNT_OF(bounds); b++)
        for (int exact = 0; exact < 2; exact++) {
            hk_match_options options = HK_MATCH_OPTIONS_INIT;
            options.max_matches = bounds[b];
            hk_matcher *matcher = matcher_over(list, &options);
            hk__evidence evidence = hashed(&fp);
            evidence.digests = digests_of(HK_DIGEST_MD5, exact ? 9 : 8);
            hk__judgement got = judge(matcher, &evidence);
            const size_t all = ENTRIES + (size_t)exact;
            const bool cut = bounds[b] && bounds[b] < all;
            assert_int_equal(got.verdict, exact ? HK_VERDICT_EXACT : HK_VERDICT_NEAR);
            assert_int_equal(got.count, cut ? bounds[b] : all);
            assert_int_equal(got.truncated, cut);
            if (exact)
                assert_int_equal(got.matches[0].basis, HK_BASIS_MD5);
            unsigned last = 0;
            for (size_t i = (size_t)exact; i < got.count; i++) {
                const unsigned distance = got.matches[i].distance;
                assert_int_equal(got.matches[i].basis, HK_BASIS_PDQ);
                assert_true(distance >= last);
                last = distance;
            }
            /* Entry 30 is the only one at 0. */
            if (got.count > (size_t)exact)
                assert_string_equal(got.matches[exact].entry, "line 31");
            hk__judgement_clear(&got);
            hk_matcher_free(matcher);
        }
    hk_list_free(list);
}

/* ---- exact --------------------------------------------------------------------------------- */

static void exact_beats_near(void **state)
{
    (void)state;
    uint64_t seed = 5;
    const hk_hash known = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, "near", NULL);
    add_digests(list, HK_DIGEST_SHA256, 3, "exact");
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_fingerprint fp = stranger(&seed);
    fp.hash[0] = known;
    hk__evidence evidence = hashed(&fp);
    evidence.digests = digests_of(HK_DIGEST_ALL, 3);
    hk__judgement got = judge(matcher, &evidence);
    assert_int_equal(got.verdict, HK_VERDICT_EXACT);
    assert_int_equal(got.count, 2);
    assert_string_equal(got.matches[0].entry, "exact");
    assert_int_equal(got.matches[0].basis, HK_BASIS_SHA256);
    assert_null(got.matches[0].probe);
    assert_null(got.matches[0].category);
    assert_string_equal(got.matches[1].entry, "near");
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void each_digest_is_looked_up_by_its_own_kind(void **state)
{
    (void)state;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        hk_list *list = new_list("known");
        add_digests(list, 1u << basis, 3, "A-1");
        hk_matcher *matcher = matcher_over(list, NULL);
        assert_int_equal(hk__matcher_digests(matcher), 1u << basis);
        for (unsigned present = 0; present <= HK_DIGEST_ALL; present++)
            for (uint8_t number = 3; number < 5; number++) {
                const hk__evidence evidence = {.status = HK_FILE_NOT_AN_IMAGE,
                                               .digests = digests_of(present, number)};
                hk__judgement got = judge(matcher, &evidence);
                const bool compared = present >> basis & 1, hit = compared && number == 3;
                assert_int_equal(got.verdict, hit        ? HK_VERDICT_EXACT
                                              : compared ? HK_VERDICT_NONE
                                                         : HK_VERDICT_NOT_CHECKED);
                assert_int_equal(got.count, hit);
                assert_true(!hit || (int)got.matches[0].basis == basis);
                hk__judgement_clear(&got);
            }
        hk_matcher_free(matcher);
        hk_list_free(list);
    }
}

/* ---- no hit -------------------------------------------------------------------------------- */

static void uncertain_hash_without_a_hit_is_not_checked(void **state)
{
    (void)state;
    static const struct {
        unsigned flag;
        const char *reason;
    } flags[] = {
        {HK_FLAG_TRUNCATED, "truncated"},
        {HK_FLAG_DEGENERATE, "degenerate"},
        {HK_FLAG_LOW_QUALITY, "low_quality"},
        {HK_FLAG_ANIMATED, NULL},
        {HK_FLAG_SCALED_DECODE, NULL},
        {HK_FLAG_DC_ONLY, NULL},
        {0, NULL},
    };
    uint64_t seed = 6;
    const hk_hash known = healthy_hash(&seed);
    hk_list *list = new_list("known");
    add_hash(list, &known, NULL, NULL);
    for (int accept = 0; accept < 2; accept++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.accept_uncertain = accept;
        hk_matcher *matcher = matcher_over(list, &options);
        for (size_t f = 0; f < COUNT_OF(flags); f++)
            for (int hit = 0; hit < 2; hit++) {
                hk_fingerprint fp = stranger(&seed);
                if (hit)
                    fp.hash[HK_ROTATE180] = known;
                hk__evidence evidence = hashed(&fp);
                evidence.flags = flags[f].flag;
                if (flags[f].flag == HK_FLAG_TRUNCATED)
                    evidence.status = HK_FILE_TRUNCATED;
                hk__judgement got = judge(matcher, &evidence);
                const bool unsure = flags[f].reason && !accept && !hit;
                assert_int_equal(got.verdict, hit      ? HK_VERDICT_NEAR
                                              : unsure ? HK_VERDICT_NOT_CHECKED
                                                       : HK_VERDICT_NONE);
                if (unsure)
                    assert_string_equal(got.reason, flags[f].reason);
                else
                    assert_null(got.reason);
                hk__judgement_clear(&got);
            }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void file_without_a_hash_is_judged_by_its_status_and_digests(void **state)
{
    (void)state;
    hk_list *list = new_list("known");
    add_digests(list, HK_DIGEST_SHA1, 3, "A-1");
    for (int accept = 0; accept < 2; accept++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.accept_uncertain = accept;
        hk_matcher *matcher = matcher_over(list, &options);
        for (int s = HK_FILE_NOT_AN_IMAGE; s < HK_FILE_STATUSES; s++) {
            const bool skipped = hk_file_status_class((hk_file_status)s) == HK_CLASS_SKIPPED;
            hk__evidence evidence = {.status = (hk_file_status)s};
            hk__judgement got = judge(matcher, &evidence); /* its bytes could not be read */
            assert_int_equal(got.verdict, HK_VERDICT_NOT_CHECKED);
            assert_string_equal(got.reason, hk_file_status_name((hk_file_status)s));
            hk__judgement_clear(&got);

            evidence.digests = digests_of(HK_DIGEST_SHA1, 4); /* read, and no hit */
            got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, skipped ? HK_VERDICT_NONE : HK_VERDICT_NOT_CHECKED);
            assert_int_equal(got.reason == NULL, skipped);
            hk__judgement_clear(&got);

            evidence.digests = digests_of(HK_DIGEST_SHA1, 3); /* a hit beats any status */
            got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, HK_VERDICT_EXACT);
            assert_null(got.reason);
            hk__judgement_clear(&got);

            evidence.digests = digests_of(HK_DIGEST_MD5, 3); /* of a sort that no list has */
            got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, HK_VERDICT_NOT_CHECKED);
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

/* ---- matchers ------------------------------------------------------------------------------ */

static void several_lists_keep_their_names(void **state)
{
    (void)state;
    uint64_t seed = 7;
    const hk_hash known = healthy_hash(&seed), other = healthy_hash(&seed);
    hk_list *lists[4];
    static const char *const names[] = {"police", "empty", "hotline", "own"};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        lists[i] = new_list(names[i]);
    add_digests(lists[0], HK_DIGEST_MD5, 1, "P-0");
    add_hash(lists[0], &other, "P-1", NULL);
    add_hash(lists[2], &other, "H-1", NULL);
    add_hash(lists[2], &known, "H-2", "b");
    add_digests(lists[2], HK_DIGEST_MD5 | HK_DIGEST_SHA1, 5, "H-3");
    add_hash(lists[3], &known, "O-1", "c");
    add_digests(lists[3], HK_DIGEST_MD5, 5, "O-2");
    hk_matcher *matcher;
    assert_int_equal(hk_matcher_new(&matcher, (const hk_list *const *)lists, 4, NULL, NULL), HK_OK);
    assert_int_equal(hk__matcher_digests(matcher), HK_DIGEST_MD5 | HK_DIGEST_SHA1);
    hk_fingerprint fp = stranger(&seed);
    fp.hash[0] = at_distance(&known, 5, &seed);
    hk__evidence evidence = hashed(&fp);
    evidence.digests = digests_of(HK_DIGEST_ALL, 5);
    hk__judgement got = judge(matcher, &evidence);
    static const struct {
        const char *list, *entry;
        hk_basis basis;
    } expected[] = {
        {"hotline", "H-3", HK_BASIS_MD5},  {"own", "O-2", HK_BASIS_MD5},
        {"hotline", "H-3", HK_BASIS_SHA1}, {"hotline", "H-2", HK_BASIS_PDQ},
        {"own", "O-1", HK_BASIS_PDQ},
    };
    assert_int_equal(got.count, COUNT_OF(expected));
    for (size_t i = 0; i < got.count; i++) {
        assert_string_equal(got.matches[i].list, expected[i].list);
        assert_string_equal(got.matches[i].entry, expected[i].entry);
        assert_int_equal(got.matches[i].basis, expected[i].basis);
    }
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        hk_list_free(lists[i]);
}

static void matcher_over_nothing_finds_nothing(void **state)
{
    (void)state;
    uint64_t seed = 8;
    hk_matcher *matcher;
    assert_int_equal(hk_matcher_new(&matcher, NULL, 0, NULL, NULL), HK_OK);
    assert_int_equal(hk__matcher_digests(matcher), 0);
    const hk_fingerprint fp = stranger(&seed);
    const hk__evidence evidence = hashed(&fp);
    hk__judgement got = judge(matcher, &evidence);
    assert_int_equal(got.verdict, HK_VERDICT_NONE);
    assert_int_equal(got.count, 0);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_matcher_free(NULL);
}

static void matcher_refuses_bad_options(void **state)
{
    (void)state;
    hk_list *list = new_list("known");
    const hk_list *const lists[] = {list};
    static const int radii[] = {-2, 129, 256, 100000};
    for (size_t i = 0; i <= COUNT_OF(radii); i++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        hk_matcher *matcher = UNTOUCHED;
        if (i < COUNT_OF(radii))
            options.max_distance = radii[i];
        else
            options.size = 0;
        assert_int_equal(hk_matcher_new(&matcher, lists, 1, &options, NULL), HK_ERR_USAGE);
        assert_ptr_equal(matcher, UNTOUCHED);
    }
    hk_list_free(list);
}

static void verdicts_and_bases_have_their_names(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"not_checked", "none", "near", "exact"};
    static const char *const bases[] = {"md5", "sha1", "sha256", "pdq"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(hk_verdict_name((hk_verdict)i), verdicts[i]);
        assert_string_equal(hk_basis_name((hk_basis)i), bases[i]);
    }
    assert_null(hk_verdict_name(HK_VERDICTS));
    assert_null(hk_basis_name((hk_basis)4));
}

static void matching_survives_every_failing_allocation(void **state)
{
    (void)state;
    uint64_t seed = 9;
    hk_list *list = new_list("known");
    hk_fingerprint fp = stranger(&seed);
    for (int i = 0; i < 100; i++) {
        const hk_hash hash = at_distance(&fp.hash[i % 8], 8, &seed);
        add_hash(list, &hash, NULL, NULL);
        add_digests(list, HK_DIGEST_ALL, (uint8_t)(i % 5), "A");
    }
    const hk_list *const lists[] = {list, list};
    hk_matcher *matcher = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk_matcher_new(&matcher, lists, 2, NULL, NULL), matcher == UNTOUCHED);

    hk__evidence evidence = hashed(&fp);
    evidence.digests = digests_of(HK_DIGEST_ALL, 1);
    hk__judgement got, before;
    memset(&before, 0x5a, sizeof before);
    got = before;
    FAIL_EVERY_ALLOCATION(hk__judge(&got, &(hk__judge_room){0}, matcher, &evidence, NULL),
                          !memcmp(&got, &before, sizeof got));
    assert_int_equal(got.verdict, HK_VERDICT_EXACT);
    assert_int_equal(got.count, 100);
    assert_true(got.truncated);
    hk__judgement_clear(&got);
    assert_null(got.matches);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* ---- two images ----------------------------------------------------------------------------- */

static void comparing_gives_the_best_orientation(void **state)
{
    (void)state;
    uint64_t seed = 10;
    const unsigned limit = (unsigned)hk_radius(HK_KIND_PHOTO, HK_PROFILE_REVIEW, 1);
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        for (int inverted = 0; inverted < 2; inverted++)
            for (unsigned distance = limit - 1; distance <= limit + 1; distance++) {
                hk_fingerprint a = stranger(&seed);
                const hk_hash near = at_distance(&a.hash[o], distance, &seed);
                const hk_hash b = inverted ? inverse(&near) : near;
                hk_comparison got;
                assert_int_equal(hk_compare(&got, &a, 8, &b, -1, HK_PROFILE_REVIEW, NULL), HK_OK);
                assert_int_equal(got.distance, distance);
                assert_int_equal(got.orientation, o);
                assert_int_equal(got.inverted, inverted);
                assert_int_equal(got.match, distance <= limit);
                assert_int_equal(got.radius, limit);
                assert_true(got.chance == hk_false_match_chance(HK_KIND_PHOTO, distance, 1, NULL));
                assert_int_equal(got.chance_extrapolated, distance < 62);
                assert_int_equal(
                    hk_compare(&got, &a, 8, &b, (int)distance, HK_PROFILE_REVIEW, NULL), HK_OK);
                assert_true(got.match);
                assert_int_equal(
                    hk_compare(&got, &a, 8, &b, (int)distance - 1, HK_PROFILE_REVIEW, NULL), HK_OK);
                assert_false(got.match);
                /* A bare hash: nothing is known of its other orientations. */
                assert_int_equal(hk_compare(&got, &a, 1, &b, -1, HK_PROFILE_REVIEW, NULL), HK_OK);
                assert_int_equal(got.orientation, HK_ORIGINAL);
                assert_int_equal(got.match, o == 0 && distance <= limit);
            }
}

static void comparing_refuses_what_is_out_of_range(void **state)
{
    (void)state;
    static const struct {
        unsigned orientations;
        int radius;
    } wrong[] = {{0, -1}, {9, -1}, {8, -2}, {8, 129}};
    uint64_t seed = 11;
    const hk_fingerprint a = stranger(&seed);
    hk_comparison got = {.distance = 777};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        hk_error err = {HK_OK, ""};
        assert_int_equal(hk_compare(&got, &a, wrong[i].orientations, &a.hash[0], wrong[i].radius,
                                    HK_PROFILE_GATE, &err),
                         HK_ERR_USAGE);
        assert_int_equal(err.status, HK_ERR_USAGE);
        assert_int_equal(got.distance, 777);
    }
    assert_int_equal(hk_compare(&got, &a, 8, &a.hash[0], 128, HK_PROFILE_GATE, NULL), HK_OK);
    assert_int_equal(got.distance, 0);
    assert_int_equal(hk_compare(&got, &a, 8, &a.hash[0], 128, (hk_profile)2, NULL), HK_ERR_USAGE);
}

static void comparing_what_has_no_radius_matches_nothing(void **state)
{
    (void)state;
    uint64_t seed = 12;
    hk_fingerprint a = stranger(&seed);
    hk_comparison got;
    a.kind = HK_KIND_GRAPHIC;
    assert_int_equal(hk_compare(&got, &a, 8, &a.hash[3], -1, HK_PROFILE_GATE, NULL), HK_OK);
    assert_int_equal(got.radius, -1);
    assert_int_equal(got.distance, 0);
    assert_false(got.match);
    assert_int_equal(hk_compare(&got, &a, 8, &a.hash[3], 0, HK_PROFILE_GATE, NULL), HK_OK);
    assert_true(got.match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_found_in_each_orientation_and_inverted),
        cmocka_unit_test(radius_is_inclusive),
        cmocka_unit_test(entry_near_in_several_orientations_is_given_once),
        cmocka_unit_test(exact_grid_is_a_second_probe),
        cmocka_unit_test(max_matches_counts_over_both_probes),
        cmocka_unit_test(max_matches_keeps_the_nearest),
        cmocka_unit_test(exact_beats_near),
        cmocka_unit_test(each_digest_is_looked_up_by_its_own_kind),
        cmocka_unit_test(uncertain_hash_without_a_hit_is_not_checked),
        cmocka_unit_test(file_without_a_hash_is_judged_by_its_status_and_digests),
        cmocka_unit_test(several_lists_keep_their_names),
        cmocka_unit_test(matcher_over_nothing_finds_nothing),
        cmocka_unit_test(matcher_refuses_bad_options),
        cmocka_unit_test(verdicts_and_bases_have_their_names),
        cmocka_unit_test(matching_survives_every_failing_allocation),
        cmocka_unit_test(comparing_gives_the_best_orientation),
        cmocka_unit_test(comparing_refuses_what_is_out_of_range),
        cmocka_unit_test(comparing_what_has_no_radius_matches_nothing),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
