/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match_aligned.c - the second look-up: copies that no hash of the whole is near to are found
 * through other frames, where they lie is told, and strangers stay strangers.
 *
 * Fingerprints here are strangers' and exact hashes are missing: only rasters can tell.
 */
#include "match_unit.h"
#include "scenes.h"

#include "core/mem.h"

enum { ENTRIES = 3000, PLANTED = 8, SAMPLES = SCENE_WIDTH * SCENE_HEIGHT };

/* Some thousand random entries, and scenes 0..PLANTED-1 among them. */
static hk_list *list_of_scenes(const char *name)
{
    uint64_t seed = 77;
    char id[20];
    hk_list *list = new_list(name);
    for (unsigned i = 0; i < ENTRIES; i++) {
        hk_hash hash = healthy_hash(&seed);
        snprintf(id, sizeof id, "random %u", i);
        if (i % (ENTRIES / PLANTED) == 5) {
            const scene s = make_scene(i / (ENTRIES / PLANTED));
            hash = print_of(&s).hash[HK_ORIGINAL];
            snprintf(id, sizeof id, "scene %u", i / (ENTRIES / PLANTED));
        }
        add_hash(list, &hash, id, NULL);
    }
    return list;
}

/* A view of a copy, by its raster alone. */
static hk__view view_of(uint8_t raster[SAMPLES], hk_fingerprint *fp, unsigned number, const copy *c,
                        uint64_t *seed)
{
    const scene s = make_scene(number);
    draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &s, c);
    *fp = stranger(seed);
    return (hk__view){.fingerprint = fp,
                      .raster = raster,
                      .raster_width = SCENE_WIDTH,
                      .raster_height = SCENE_HEIGHT,
                      .frame = 1};
}

static hk__judgement judge_copy(const hk_matcher *matcher, unsigned number, const copy *c)
{
    static uint8_t raster[SAMPLES];
    static uint64_t seed = 5;
    hk_fingerprint fp;
    const hk__view view = view_of(raster, &fp, number, c, &seed);
    return judge(matcher, &(hk__evidence){.status = HK_FILE_OK, .views = &view, .view_count = 1});
}

/* What a crop cut off is not there to be seen: without it the nearest place may lie beside it. */
static void assert_near(float a, float b)
{
    if (fabsf(a - b) > (b > 0 ? .03f : .02f))
        fail_msg("%g is not %g", (double)a, (double)b);
}

static const struct {
    copy copy;
    hk_probes from; /* which set finds it */
} copies[] = {
    {{.placement = {.05f / .95f, 0, 0, .05f / .95f, 0}}, HK_PROBES_STANDARD},
    {{.placement = {.05f / .9f, .05f / .9f, .05f / .9f, .05f / .9f, 0}}, HK_PROBES_STANDARD},
    {{.placement = {.03f / .9f, .08f / .9f, .07f / .9f, .02f / .9f, 0}}, HK_PROBES_STANDARD},
    {{.placement = {-.1f, -.15f, -.1f, -.05f, 0}, .border = 255}, HK_PROBES_FAST},
    {{.placement = {-.2f, 0, -.2f, 0, 0}, .border = 0}, HK_PROBES_FAST},
    {{.placement = {0, 0, 0, 0, 3}}, HK_PROBES_STANDARD},
    {{.placement = {0, 0, 0, 0, -3}}, HK_PROBES_STANDARD},
    {{.placement = {.05f / .95f, .05f / .95f, 0, 0, 0}, .mirrored = true}, HK_PROBES_STANDARD},
    {{.placement = {.05f / .9f, .05f / .9f, .05f / .9f, .05f / .9f, 0}, .mirrored = true},
     HK_PROBES_THOROUGH},
};
enum { COPIES = sizeof copies / sizeof *copies };

/* What decides. */
static int mean_of(const hk_match *match)
{
    return (int)(match->before + match->distance + 1) / 2;
}

static void copies_are_found_where_they_lie(void **state)
{
    (void)state;
    hk_list *list = list_of_scenes("known");
    for (int probes = 0; probes < HK_PROBES_SETS; probes++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.probes = (hk_probes)probes;
        hk_matcher *matcher = matcher_over(list, &options);
        for (unsigned i = 0; i < COPIES; i++) {
            const copy *c = &copies[i].copy;
            const hk_placement *want = &c->placement;
            char id[20];
            const unsigned number = i % PLANTED;
            if (options.probes < copies[i].from)
                continue;
            hk__judgement got = judge_copy(matcher, number, c);
            if (got.count != 1)
                fail_msg("copy %u: %zu matches with %s", i, got.count,
                         hk_probes_name(options.probes));
            const hk_match *m = got.matches;
            snprintf(id, sizeof id, "scene %u", number);
            assert_string_equal(m->entry, id);
            assert_int_equal(got.verdict, HK_VERDICT_NEAR);
            assert_true(m->aligned);
            assert_true(mean_of(m) <= hk_matcher_aligned_radius(matcher, HK_KIND_PHOTO));
            assert_true(m->distance <= m->before);
            assert_int_equal(m->orientation, c->mirrored ? HK_FLIPY : HK_ORIGINAL);
            assert_false(m->inverted);
            assert_near(m->placement.left, want->left);
            assert_near(m->placement.top, want->top);
            assert_near(m->placement.right, want->right);
            assert_near(m->placement.bottom, want->bottom);
            assert_true(fabsf(m->placement.angle - want->angle) < .6f);
            assert_true(m->chance == hk_aligned_false_matches(HK_KIND_PHOTO, mean_of(m),
                                                              options.probes, ENTRIES, NULL));
            assert_int_equal(strcmp(m->probe, "plain") && strcmp(m->probe, "outframe"),
                             want->left <= 0 && want->top <= 0);
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void strangers_are_not(void **state)
{
    (void)state;
    hk_list *list = list_of_scenes("known");
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.probes = HK_PROBES_THOROUGH;
    hk_matcher *matcher = matcher_over(list, &options);
    for (unsigned number = PLANTED; number < 2 * PLANTED; number++) {
        const copy c = cropped(.05f, .05f, .05f, .05f);
        hk__judgement got = judge_copy(matcher, number, &c);
        assert_int_equal(got.count, 0);
        assert_int_equal(got.verdict, HK_VERDICT_NONE);
        hk__judgement_clear(&got);
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* Two pictures with one composition: the coarse waves are shared, the finer ones are their own. */
static void same_composition_is_no_copy(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (unsigned number = 0; number < PLANTED; number++) {
        static uint8_t raster[SAMPLES];
        scene known = make_scene(number), other = make_scene(20 + number);
        for (int i = 0; i < SCENE_WAVES; i++)
            if (hypot(known.wave[i].across, known.wave[i].down) < 6.2832 * 1.5)
                other.wave[i] = known.wave[i];
            else if (hypot(other.wave[i].across, other.wave[i].down) < 6.2832 * 1.5)
                other.wave[i].height = 0;
        hk_list *list = new_list("known");
        const hk_fingerprint entry = print_of(&known);
        add_hash(list, &entry.hash[HK_ORIGINAL], "one", NULL);
        while (hk_list_count(list) < ENTRIES) {
            const hk_hash hash = healthy_hash(&seed);
            add_hash(list, &hash, NULL, NULL);
        }
        hk_matcher *matcher = matcher_over(list, NULL);
        hk_fingerprint fp;
        const hk__view view = view_of(raster, &fp, 0, &(copy){0}, &seed);
        const copy c = cropped(.05f, .05f, .05f, .05f);
        draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &other, &c);
        hk__judgement got =
            judge(matcher, &(hk__evidence){.status = HK_FILE_OK, .views = &view, .view_count = 1});
        assert_int_equal(got.count, 0);
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
        hk_list_free(list);
    }
}

/* What was found by other means is not looked for again; good lists are not looked through. */
static void only_where_nothing_known_hits(void **state)
{
    (void)state;
    static uint8_t raster[SAMPLES];
    uint64_t seed = 9;
    hk_list *lists[] = {list_of_scenes("known"), list_of_scenes("good")};
    lists[1]->known_good = true;
    const copy c = cropped(.05f, .05f, .05f, .05f);
    hk_fingerprint fp;
    const hk__view view = view_of(raster, &fp, 1, &c, &seed);
    hk__evidence evidence = {.status = HK_FILE_OK, .views = &view, .view_count = 1};

    hk_matcher *good = matcher_over(lists[1], NULL), *both = matcher_over_all(lists, 2, NULL);
    hk__judgement got = judge(good, &evidence);
    assert_int_equal(got.count, 0);
    assert_false(hk__matcher_wants_raster(good));
    hk__judgement_clear(&got);
    got = judge(both, &evidence);
    assert_int_equal(got.count, 1);
    assert_string_equal(got.matches->list, "known");
    hk__judgement_clear(&got);

    fp.hash[HK_ORIGINAL] = lists[0]->hashes[0]; /* another entry, by the plain hash */
    got = judge(both, &evidence);
    assert_int_equal(got.count, 2); /* it is in the good list too */
    for (size_t i = 0; i < got.count; i++)
        assert_false(got.matches[i].aligned);
    hk__judgement_clear(&got);
    hk_matcher_free(good);
    hk_matcher_free(both);
    hk_list_free(lists[0]);
    hk_list_free(lists[1]);
}

/* A photo in a wide border is of whatever kind as a whole, and looked into all the same. */
static void other_kinds_are_looked_into(void **state)
{
    (void)state;
    static uint8_t raster[SAMPLES];
    uint64_t seed = 10;
    hk_list *list = list_of_scenes("known");
    hk_matcher *matcher = matcher_over(list, NULL);
    const copy c = {.placement = {-.25f, -.25f, -.2f, -.3f, 0}, .border = 250};
    for (int kind = 0; kind < 3; kind++) {
        hk_fingerprint fp;
        const hk__view view = view_of(raster, &fp, 2, &c, &seed);
        fp.kind = (hk_kind)kind;
        const hk__evidence evidence = {
            .status = HK_FILE_OK, .flags = HK_FLAG_LOW_QUALITY, .views = &view, .view_count = 1};
        hk__judgement got = judge(matcher, &evidence);
        assert_int_equal(got.verdict, HK_VERDICT_NEAR);
        assert_string_equal(got.matches->probe, "trim");
        hk__judgement_clear(&got);

        memset(raster, 250, sizeof raster); /* without a hit it is what it was */
        got = judge(matcher, &evidence);
        assert_int_equal(got.verdict, HK_VERDICT_NOT_CHECKED);
        hk__judgement_clear(&got);
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

static void views_share_the_budget(void **state)
{
    (void)state;
    enum { VIEWS = 8 };
    static uint8_t rasters[VIEWS][SAMPLES];
    uint64_t seed = 11;
    hk_list *list = list_of_scenes("known");
    hk_matcher *matcher = matcher_over(list, NULL);
    const copy c = {.placement = {-.1f, -.15f, -.1f, -.05f, 0}, .border = 255};
    hk_fingerprint prints[VIEWS];
    hk__view views[VIEWS];
    for (unsigned v = 0; v < VIEWS; v++) {
        views[v] = view_of(rasters[v], &prints[v], v == 5 ? 3 : 10 + v, &c, &seed);
        views[v].frame = v + 1;
    }
    hk__judgement got =
        judge(matcher, &(hk__evidence){.status = HK_FILE_OK, .views = views, .view_count = VIEWS});
    assert_int_equal(got.count, 1);
    assert_int_equal(got.matches->view, 5);
    assert_int_equal(got.matches->frame, 6);
    assert_string_equal(got.matches->entry, "scene 3");
    const hk_radii radii = hk_radii_of(HK_KIND_PHOTO, HK_PROFILE_REVIEW, HK_PROBES_STANDARD,
                                       (uint64_t)ENTRIES * VIEWS);
    assert_true((int)got.matches->distance <= radii.aligned);
    assert_true(fabs(got.matches->chance /
                         (VIEWS * hk_aligned_false_matches(HK_KIND_PHOTO, mean_of(got.matches),
                                                           HK_PROBES_STANDARD, ENTRIES, NULL)) -
                     1) < 1e-9);
    assert_true(got.false_matches <= 1e-3);
    assert_true(got.false_matches >= VIEWS * hk_aligned_false_matches(HK_KIND_PHOTO, radii.aligned,
                                                                      HK_PROBES_STANDARD, ENTRIES,
                                                                      NULL));
    hk__judgement_clear(&got);

    /* The same entry by two views stands once, by the nearer. */
    views[2] = view_of(rasters[2], &prints[2], 3, &(copy){.placement = {-.1f, -.1f, -.1f, -.1f, 0}},
                       &seed);
    got =
        judge(matcher, &(hk__evidence){.status = HK_FILE_OK, .views = views, .view_count = VIEWS});
    assert_int_equal(got.count, 1);
    assert_true(got.matches->view == 5 || got.matches->view == 2);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

/* The radius is the caller's for the aligned too. */
static void a_radius_of_the_callers_own_holds(void **state)
{
    (void)state;
    hk_list *list = list_of_scenes("known");
    const copy c = copies[2].copy;
    hk_matcher *matcher = matcher_over(list, NULL);
    hk__judgement got = judge_copy(matcher, 4, &c);
    assert_int_equal(got.count, 1);
    const int distance = mean_of(got.matches);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    assert_true(distance > 0);
    for (int less = 0; less < 2; less++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.max_distance = distance - less;
        matcher = matcher_over(list, &options);
        assert_int_equal(hk_matcher_aligned_radius(matcher, HK_KIND_PHOTO), distance - less);
        got = judge_copy(matcher, 4, &c);
        assert_int_equal(got.count, !less);
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
    }
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.probes = HK_PROBES_SETS;
    assert_int_equal(hk_matcher_new(&matcher, (const hk_list *const *)&list, 1, &options, NULL),
                     HK_ERR_USAGE);
    hk_list_free(list);
}

/* One image a hundred times in the list, in two entries of one id: bounded, and enough. */
static void many_of_one_image_are_bounded(void **state)
{
    (void)state;
    uint64_t seed = 12;
    const scene s = make_scene(6);
    const hk_fingerprint entry = print_of(&s);
    hk_list *list = new_list("known");
    for (unsigned i = 0; i < 100; i++) {
        const hk_hash hash = at_distance(&entry.hash[HK_ORIGINAL], 6, &seed);
        add_hash(list, &hash, NULL, NULL);
    }
    for (size_t most = 0; most <= 3; most += 3) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.max_matches = most;
        hk_matcher *matcher = matcher_over(list, &options);
        hk__judgement got = judge_copy(matcher, 6, &copies[1].copy);
        assert_int_equal(got.verdict, HK_VERDICT_NEAR);
        assert_true(most ? got.count == most && got.truncated : got.count > 3 && got.count <= 16);
        for (size_t i = 1; i < got.count; i++)
            assert_true(mean_of(&got.matches[i - 1]) <= mean_of(&got.matches[i]));
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
    }
    hk_list_free(list);
}

static void out_of_memory_is_an_error(void **state)
{
    (void)state;
    static uint8_t raster[SAMPLES];
    uint64_t seed = 13;
    hk_list *list = list_of_scenes("known");
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_fingerprint fp;
    const hk__view view = view_of(raster, &fp, 1, &copies[1].copy, &seed);
    const hk__evidence evidence = {.status = HK_FILE_OK, .views = &view, .view_count = 1};
    for (long n = 0;; n++) {
        hk__judge_room room = {0};
        hk__judgement got = {.count = 777};
        hk__mem_fail_after(n);
        const hk_status status = hk__judge(&got, &room, matcher, &evidence, NULL);
        hk__mem_fail_after(-1);
        hk__judge_room_clear(&room);
        if (!status) {
            assert_true(n > 8);
            assert_int_equal(got.count, 1);
            hk__judgement_clear(&got);
            break;
        }
        assert_int_equal(status, HK_ERR_NO_MEMORY);
        assert_int_equal(got.count, 777);
    }
    hk_matcher_free(matcher);
    hk_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_found_where_they_lie),
        cmocka_unit_test(strangers_are_not),
        cmocka_unit_test(same_composition_is_no_copy),
        cmocka_unit_test(only_where_nothing_known_hits),
        cmocka_unit_test(other_kinds_are_looked_into),
        cmocka_unit_test(views_share_the_budget),
        cmocka_unit_test(a_radius_of_the_callers_own_holds),
        cmocka_unit_test(many_of_one_image_are_bounded),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
