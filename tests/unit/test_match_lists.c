/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match_lists.c - several lists at once: those that bring an index and those that do not, what
 * a bound on matches leaves of them, and known against known good.
 */
#include "match_unit.h"
#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>

static void free_lists(hk_list *lists[], size_t count)
{
    for (size_t l = 0; l < count; l++)
        hk_list_free(lists[l]);
}

static hk_list *known_good_list(const char *name)
{
    hk_list *list = new_list(name);
    hk_list_set_known_good(list, true);
    return list;
}

/* Gives the list an index of its own, as one from a store has. */
static void index_by_hand(hk_list *list, const char *engine)
{
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engine;
    assert_int_equal(hk_list_index(&list->index, list, &options, NULL), HK_OK);
}

/* ---- indexes ------------------------------------------------------------------------------- */

static void list_is_searched_in_the_index_it_brings(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const hk_hash hash[] = {healthy_hash(&seed), healthy_hash(&seed), healthy_hash(&seed)};
    hk_list *list = new_list("store");
    add_hash(list, &hash[0], "A-0", "old");
    add_hash(list, &hash[1], "A-1", NULL);
    add_digests(list, HK_DIGEST_MD5, 7, "A-2");

    /* Its index knows other values than its columns, and its ids are not positions. */
    static const uint32_t hash_ids[] = {2, 0}, digest_ids[] = {1};
    const hk_digests sha1 = digests_of(HK_DIGEST_SHA1, 9);
    hk_index_source source = {.hashes = hash + 1, .hash_ids = hash_ids, .hash_count = 2};
    source.digests[HK_BASIS_SHA1] = sha1.sha1;
    source.digest_ids[HK_BASIS_SHA1] = digest_ids;
    source.digest_count[HK_BASIS_SHA1] = 1;
    assert_int_equal(hk_index_build_from(&list->index, &source, NULL, NULL), HK_OK);

    hk_matcher *matcher = matcher_over(list, NULL);
    assert_int_equal(hk__matcher_digests(matcher), HK_DIGEST_SHA1);
    static const struct {
        size_t hash;
        const char *entry;
    } cases[] = {{0, NULL}, {1, "A-2"}, {2, "A-0"}};
    for (size_t c = 0; c < COUNT_OF(cases); c++)
        for (int exact = 0; exact < 2; exact++) {
            hk_fingerprint fp = stranger(&seed);
            fp.hash[HK_FLIPY] = at_distance(&hash[cases[c].hash], 13, &seed);
            hk__evidence evidence = hashed(&fp);
            evidence.digests = digests_of(HK_DIGEST_ALL, exact ? 9 : 7);
            hk__judgement got = judge(matcher, &evidence);
            const size_t near = cases[c].entry != NULL;
            assert_int_equal(got.count, near + (size_t)exact);
            assert_int_equal(got.verdict, exact  ? HK_VERDICT_EXACT
                                          : near ? HK_VERDICT_NEAR
                                                 : HK_VERDICT_NONE);
            if (exact)
                assert_string_equal(got.matches[0].entry, "A-1");
            if (near) {
                assert_string_equal(got.matches[exact].entry, cases[c].entry);
                assert_int_equal(got.matches[exact].distance, 13);
                assert_int_equal(got.matches[exact].orientation, HK_FLIPY);
            }
            hk__judgement_clear(&got);
        }
    hk_matcher_free(matcher);
    assert_int_equal(hk_index_count(list->index), 2); /* it is still the list's */
    hk_list_free(list);
}

static void entry_that_cannot_be_looked_up_is_an_error(void **state)
{
    (void)state;
    uint64_t seed = 2;
    const hk_hash hash = healthy_hash(&seed);
    static const uint32_t beyond[] = {1};
    const hk_index_source source = {.hashes = &hash, .hash_ids = beyond, .hash_count = 1};
    hk_list *list = new_list("broken");
    add_hash(list, &hash, "A-0", NULL);
    assert_int_equal(hk_index_build_from(&list->index, &source, NULL, NULL), HK_OK);
    hk_matcher *matcher = matcher_over(list, NULL);
    hk_fingerprint fp = stranger(&seed);
    fp.hash[0] = hash;
    const hk__evidence evidence = hashed(&fp);
    hk_error err = {HK_OK, ""};
    hk__judgement got = {.count = 777};
    assert_int_equal(hk__judge(&got, &(hk__judge_room){0}, matcher, &evidence, &err),
                     HK_ERR_FORMAT);
    assert_int_equal(err.status, HK_ERR_FORMAT);
    assert_int_equal(got.count, 777);
    hk_matcher_free(matcher);
    hk_list_free(list);
}

#ifdef FAISS_MODULE
static void index_that_may_miss_gives_no_verdict(void **state)
{
    (void)state;
    enum { HASHES = 2000 };
    uint64_t seed = 3;
    hk_list *list = new_list("quick");
    for (int i = 0; i < HASHES; i++) {
        const hk_hash hash = healthy_hash(&seed);
        add_hash(list, &hash, NULL, NULL);
    }
    for (int exact = 0; exact < 2; exact++) {
        hk_index_options options = HK_INDEX_OPTIONS_INIT;
        options.engine = exact ? "faiss:BFlat" : "faiss:BIVF16:nprobe=1";
        options.faiss_module = FAISS_MODULE;
        assert_int_equal(hk_list_index(&list->index, list, &options, NULL), HK_OK);
        hk_matcher *matcher = matcher_over(list, NULL);
        const hk_fingerprint fp = stranger(&seed);
        const hk__evidence evidence = hashed(&fp);
        hk_error err = {HK_OK, ""};
        hk__judgement got = {.count = 777};
        assert_int_equal(hk__judge(&got, &(hk__judge_room){0}, matcher, &evidence, &err),
                         exact ? HK_OK : HK_ERR_USAGE);
        assert_int_equal(got.count, exact ? 0 : 777);
        if (!exact)
            assert_non_null(strstr(err.message, "quick"));
        hk_matcher_free(matcher);
        hk_index_free(list->index);
        list->index = NULL;
    }
    hk_list_free(list);
}

/* Exact as far as plain radii go is not exact, or quick, as far as probes go: such a list is
 * searched as before there were probes, and its radii are those of nothing aligned. */
static void index_that_reaches_less_far_is_not_aligned_with(void **state)
{
    (void)state;
    enum { HASHES = 2000 };
    static const struct {
        const char *engine;
        bool aligns;
    } engines[] = {{"faiss:BFlat", true},
                   {"faiss:BIVF16:nprobe=16", true},
                   {"faiss:BHash16x16:nflip=3", false},
                   {"faiss:BHash16x16", false}};
    static uint8_t raster[SCENE_WIDTH * SCENE_HEIGHT];
    uint64_t seed = 3;
    hk_list *list = new_list("quick");
    const scene s = make_scene(1);
    const hk_fingerprint entry = print_of(&s);
    const copy c = cropped(.05f, .05f, .05f, .05f);
    add_hash(list, &entry.hash[HK_ORIGINAL], NULL, NULL);
    for (int i = 1; i < HASHES; i++) {
        const hk_hash hash = healthy_hash(&seed);
        add_hash(list, &hash, NULL, NULL);
    }
    draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &s, &c);
    const hk_radii bare = hk_radii_of(HK_KIND_PHOTO, HK_PROFILE_REVIEW, HK_PROBES_SETS, HASHES);
    for (size_t e = 0; e < COUNT_OF(engines); e++)
        for (int own = -1; own <= 20; own += 21) {
            hk_index_options options = HK_INDEX_OPTIONS_INIT;
            hk_match_options how = HK_MATCH_OPTIONS_INIT;
            options.engine = engines[e].engine;
            options.faiss_module = FAISS_MODULE;
            how.max_distance = own;
            assert_int_equal(hk_list_index(&list->index, list, &options, NULL), HK_OK);
            hk_matcher *matcher = matcher_over(list, &how);
            const hk_fingerprint fp = stranger(&seed);
            const hk__view view = {.fingerprint = &fp,
                                   .raster = raster,
                                   .raster_width = SCENE_WIDTH,
                                   .raster_height = SCENE_HEIGHT,
                                   .frame = 1};
            hk__judgement got = judge(
                matcher, &(hk__evidence){.status = HK_FILE_OK, .views = &view, .view_count = 1});
            assert_int_equal(hk_matcher_aligned_radius(matcher, HK_KIND_PHOTO) >= 0,
                             engines[e].aligns);
            assert_int_equal(hk__matcher_wants_raster(matcher), engines[e].aligns);
            if (!engines[e].aligns) {
                assert_int_equal(got.count, 0);
                assert_int_equal(hk_matcher_radius(matcher, HK_KIND_PHOTO),
                                 own < 0 ? bare.plain : own);
                assert_int_equal(hk_matcher_exact_radius(matcher, HK_KIND_PHOTO),
                                 own < 0 ? bare.exact : own);
            } else if (own < 0)
                assert_int_equal(got.count, 1);
            hk__judgement_clear(&got);
            hk_matcher_free(matcher);
            hk_index_free(list->index);
            list->index = NULL;
        }
    hk_list_free(list);
}
#endif

/* ---- what a bound keeps, against an oracle -------------------------------------------------- */

enum { LISTS = 5, PER_LIST = 60, ALL = LISTS * (PER_LIST + 1), RADIUS = 31 };

/* A match as it should be. */
typedef struct wanted {
    bool known_good, digest;
    size_t list, entry;
    unsigned distance;
} wanted;

static int as_given_out(const void *a, const void *b)
{
    const wanted *x = a, *y = b;
    if (x->digest != y->digest)
        return x->digest ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    if (x->known_good != y->known_good)
        return x->known_good ? 1 : -1;
    if (x->list != y->list)
        return x->list < y->list ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static int known_first(const void *a, const void *b)
{
    const wanted *x = a, *y = b;
    if (x->known_good != y->known_good)
        return x->known_good ? 1 : -1;
    return as_given_out(a, b);
}

/* Measures every entry in every orientation. */
static size_t want(wanted out[ALL], hk_list *const lists[LISTS], const hk_fingerprint *fp,
                   size_t bound)
{
    size_t count = 0;
    for (size_t l = 0; l < LISTS; l++) {
        const bool good = hk_list_known_good(lists[l]);
        for (size_t i = 0; i < lists[l]->hash_count; i++) {
            unsigned least = HK_HASH_BITS;
            for (int o = 0; o < HK_ORIENTATIONS; o++) {
                const unsigned d = hk_hash_distance(&fp->hash[o], &lists[l]->hashes[i]);
                const unsigned nearer = d < HK_HASH_BITS - d ? d : HK_HASH_BITS - d;
                least = nearer < least ? nearer : least;
            }
            if (least <= RADIUS)
                out[count++] = (wanted){good, false, l, lists[l]->hash_entry[i], least};
        }
        for (size_t i = 0; i < lists[l]->digests[HK_BASIS_MD5].count; i++)
            out[count++] = (wanted){good, true, l, lists[l]->digests[HK_BASIS_MD5].entry[i], 0};
    }
    qsort(out, count, sizeof *out, known_first);
    count = bound && bound < count ? bound : count;
    qsort(out, count, sizeof *out, as_given_out);
    return count;
}

static bool same(const hk__judgement *got, const wanted *expected, size_t count,
                 hk_list *const lists[LISTS])
{
    bool equal = got->count == count;
    for (size_t i = 0; equal && i < count; i++) {
        const hk_match *m = &got->matches[i];
        const hk_list *list = lists[expected[i].list];
        equal = !strcmp(m->list, list->name) && m->known_good == expected[i].known_good &&
                !strcmp(m->entry, list->entries[expected[i].entry].id) &&
                (m->basis == HK_BASIS_MD5) == expected[i].digest &&
                m->distance == expected[i].distance;
    }
    return equal;
}

/* Lists crowded around one picture, each nearer than the one before it; two bring an index. */
static void crowd(hk_list *lists[LISTS], const hk_fingerprint *fp, uint64_t *seed)
{
    static const char *const names[LISTS] = {"far", "good", "store", "near", "good store"};
    for (size_t l = 0; l < LISTS; l++) {
        lists[l] = l % 3 == 1 ? known_good_list(names[l]) : new_list(names[l]);
        for (unsigned i = 0; i < PER_LIST; i++) {
            char id[16];
            snprintf(id, sizeof id, "%zu/%u", l, i);
            const hk_hash *from = &fp->hash[next_random(seed) % HK_ORIENTATIONS];
            const unsigned distance = (unsigned)(14 - 3 * l + next_random(seed) % 22) / 2 * 2;
            hk_hash hash = at_distance(from, distance, seed);
            while (hk_hash_ones(&hash) < 112 || hk_hash_ones(&hash) > 144) /* no degenerate ones */
                hash = at_distance(from, distance, seed);
            add_hash(lists[l], &hash, id, NULL);
        }
        char id[16];
        snprintf(id, sizeof id, "%zu/same", l);
        add_digests(lists[l], HK_DIGEST_MD5, 5, id);
    }
    index_by_hand(lists[2], "flat");
    index_by_hand(lists[4], "mih");
}

static void bound_keeps_the_nearest_of_all_lists(void **state)
{
    (void)state;
    uint64_t seed = 4;
    hk_fingerprint fp = stranger(&seed);
    hk_list *lists[LISTS];
    crowd(lists, &fp, &seed);
    wanted expected[ALL];
    const size_t all = want(expected, lists, &fp, 0);
    size_t known = 0;
    for (size_t i = 0; i < all; i++)
        known += !expected[i].known_good;
    assert_true(known > 100 && all > known + 50);
    const size_t bounds[] = {0, 1, 2, 3, 7, 40, known, known + 1, all - 1, all, all + 1, SIZE_MAX};
    hk__evidence evidence = hashed(&fp);
    evidence.digests = digests_of(HK_DIGEST_MD5, 5);
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        options.max_matches = bounds[b];
        options.max_distance = RADIUS;
        hk_matcher *matcher = matcher_over_all(lists, LISTS, &options);
        hk__judgement got = judge(matcher, &evidence);
        const size_t count = want(expected, lists, &fp, bounds[b]);
        assert_true(same(&got, expected, count, lists));
        assert_int_equal(got.truncated, count < all);
        /* What was cut off still counts. */
        assert_int_equal(got.verdict, HK_VERDICT_EXACT);
        assert_true(got.known_good && got.conflict);
        /* Planted faults: the comparison can fail. */
        expected[count - 1].distance ^= 1;
        assert_false(same(&got, expected, count, lists));
        expected[count - 1].distance ^= 1;
        assert_false(same(&got, expected, count - 1, lists));
        hk__judgement_clear(&got);
        hk_matcher_free(matcher);
    }
    free_lists(lists, LISTS);
}

static void crowded_list_hides_nothing_nearer_in_another(void **state)
{
    (void)state;
    enum { CROWD = 3000, BOUND = 10 }; /* more than a search gathers before it sifts */
    uint64_t seed = 5;
    hk_fingerprint fp = stranger(&seed);
    for (int good = 0; good < 2; good++)
        for (size_t quiet = 0; quiet < 2;
             quiet++) { /* the place of the list that has the nearest */
            hk_list *lists[2];
            lists[quiet] = new_list("quiet");
            lists[!quiet] = good ? known_good_list("crowd") : new_list("crowd");
            hk_hash hash = at_distance(&fp.hash[3], 12, &seed);
            for (int i = 0; i < CROWD; i++) {
                add_hash(lists[!quiet], &hash, NULL, NULL);
                add_digests(lists[!quiet], HK_DIGEST_SHA256, 6, NULL);
            }
            hash = at_distance(&fp.hash[3], good ? 20 : 10, &seed); /* of good ones even further */
            add_hash(lists[quiet], &hash, "it", NULL);
            hk_match_options options = HK_MATCH_OPTIONS_INIT;
            options.max_matches = BOUND;
            hk_matcher *matcher = matcher_over_all(lists, 2, &options);
            hk__evidence evidence = hashed(&fp);
            hk__judgement got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, HK_VERDICT_NEAR);
            assert_int_equal(got.conflict, good);
            assert_int_equal(got.count, BOUND);
            assert_true(got.truncated);
            assert_string_equal(got.matches[good ? BOUND - 1 : 0].entry, "it");
            hk__judgement_clear(&got);

            /* Nor do as many digests, if they are of good ones. */
            evidence.digests = digests_of(HK_DIGEST_SHA256, 6);
            got = judge(matcher, &evidence);
            assert_int_equal(got.verdict, good ? HK_VERDICT_NONE : HK_VERDICT_EXACT);
            assert_int_equal(got.count, BOUND);
            assert_true(got.truncated);
            assert_int_equal(got.matches[0].basis, HK_BASIS_SHA256);
            assert_int_equal(!strcmp(got.matches[BOUND - 1].entry, "it"), good);
            hk__judgement_clear(&got);
            evidence.view_count = 0; /* and alone they are cut as well */
            got = judge(matcher, &evidence);
            assert_int_equal(got.count, BOUND);
            assert_true(got.truncated);
            hk__judgement_clear(&got);
            hk_matcher_free(matcher);
            free_lists(lists, 2);
        }
}

/* ---- known good ---------------------------------------------------------------------------- */

/* How a list hits the file. */
typedef enum how { NOT, NEAR, DIGEST, BOTH } how;

static hk_list *list_that_hits(bool good, how hit, const hk_fingerprint *fp, uint64_t *seed)
{
    hk_list *list = good ? known_good_list("good") : new_list("known");
    const hk_hash near = at_distance(&fp->hash[HK_ROTATE90], 8, seed), far = healthy_hash(seed);
    add_hash(list, hit == NEAR || hit == BOTH ? &near : &far, "hash", NULL);
    add_digests(list, HK_DIGEST_SHA1, hit == DIGEST || hit == BOTH ? 5 : 6, "digest");
    return list;
}

/* How a file fared, and what it is without a hit. */
static const struct fared {
    hk_file_status status;
    bool hashed;
    unsigned flags;
    hk_verdict verdict, accepted; /* the second with accept_uncertain */
} fared[] = {
    {HK_FILE_OK, true, 0, HK_VERDICT_NONE, HK_VERDICT_NONE},
    {HK_FILE_DUPLICATE, true, 0, HK_VERDICT_NONE, HK_VERDICT_NONE},
    {HK_FILE_TRUNCATED, true, HK_FLAG_TRUNCATED, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NONE},
    {HK_FILE_OK, true, HK_FLAG_DEGENERATE, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NONE},
    {HK_FILE_OK, true, HK_FLAG_LOW_QUALITY, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NONE},
    {HK_FILE_NOT_AN_IMAGE, false, 0, HK_VERDICT_NONE, HK_VERDICT_NONE},
    {HK_FILE_TOO_SMALL, false, 0, HK_VERDICT_NONE, HK_VERDICT_NONE},
    {HK_FILE_UNSUPPORTED, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
    {HK_FILE_UNREADABLE, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
    {HK_FILE_TOO_LARGE, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
    {HK_FILE_CRASHED, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
    {HK_FILE_TIMED_OUT, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
    {HK_FILE_OUT_OF_MEMORY, false, 0, HK_VERDICT_NOT_CHECKED, HK_VERDICT_NOT_CHECKED},
};

/* The rows of match.h; the verdict of the last two is the file's own. */
static const struct row {
    how known, good;
    hk_verdict verdict;
    bool known_good, conflict;
} rows[] = {
    {DIGEST, NOT, HK_VERDICT_EXACT, false, false},  {DIGEST, NEAR, HK_VERDICT_EXACT, false, true},
    {DIGEST, DIGEST, HK_VERDICT_EXACT, true, true}, {NEAR, NOT, HK_VERDICT_NEAR, false, false},
    {NEAR, NEAR, HK_VERDICT_NEAR, false, true},     {NEAR, DIGEST, HK_VERDICT_NONE, true, true},
    {NOT, DIGEST, HK_VERDICT_NONE, true, false},    {NOT, NEAR, HK_VERDICTS, false, false},
    {NOT, NOT, HK_VERDICTS, false, false},
};

/* What a list comes to for a file without a hash, or if it hits twice. */
static how effect(how hit, bool is_hashed)
{
    return hit == BOTH ? DIGEST : hit == NEAR && !is_hashed ? NOT : hit;
}

static const struct row *row_of(how known, how good)
{
    for (size_t r = 0; r < COUNT_OF(rows); r++)
        if (rows[r].known == known && rows[r].good == good)
            return &rows[r];
    fail();
    return NULL;
}

static void check_row(how known, how good, const struct fared *file, bool accept, uint64_t *seed)
{
    hk_fingerprint fp = stranger(seed);
    hk_list *lists[] = {list_that_hits(true, good, &fp, seed),
                        list_that_hits(false, known, &fp, seed)};
    hk_match_options options = HK_MATCH_OPTIONS_INIT;
    options.accept_uncertain = accept;
    hk_matcher *matcher = matcher_over_all(lists, 2, &options);
    hk__evidence evidence = hashed(&fp);
    evidence.status = file->status;
    evidence.flags = file->flags;
    evidence.view_count = file->hashed;
    evidence.digests = digests_of(HK_DIGEST_SHA1, 5);
    hk__judgement got = judge(matcher, &evidence);
    const struct row *row = row_of(effect(known, file->hashed), effect(good, file->hashed));
    const hk_verdict own = accept ? file->accepted : file->verdict;
    assert_int_equal(got.verdict, row->verdict == HK_VERDICTS ? own : row->verdict);
    assert_int_equal(got.reason != NULL, got.verdict == HK_VERDICT_NOT_CHECKED);
    assert_int_equal(got.known_good, row->known_good);
    assert_int_equal(got.conflict, row->conflict);

    /* Every hit is listed, whatever it came to. */
    size_t marked = 0, count = 0;
    for (int list = 0; list < 2; list++) {
        const how hit = list ? known : good;
        count += (hit == DIGEST || hit == BOTH) + (file->hashed && (hit == NEAR || hit == BOTH));
        marked = list ? marked : count;
    }
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < got.count; i++) {
        marked -= got.matches[i].known_good;
        assert_string_equal(got.matches[i].list, got.matches[i].known_good ? "good" : "known");
        assert_string_equal(got.matches[i].entry,
                            got.matches[i].basis == HK_BASIS_PDQ ? "hash" : "digest");
    }
    assert_int_equal(marked, 0);
    if (got.verdict == HK_VERDICT_EXACT || got.verdict == HK_VERDICT_NEAR)
        assert_false(got.matches[0].known_good); /* equally near, it comes second */
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    free_lists(lists, 2);
}

static void verdicts_are_those_of_the_table(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (how known = NOT; known <= BOTH; known++)
        for (how good = NOT; good <= BOTH; good++)
            for (size_t f = 0; f < COUNT_OF(fared); f++)
                for (int accept = 0; accept < 2; accept++)
                    check_row(known, good, &fared[f], accept, &seed);
}

static void nearer_known_good_does_not_beat_near(void **state)
{
    (void)state;
    uint64_t seed = 7;
    hk_fingerprint fp = stranger(&seed);
    hk_list *lists[] = {new_list("known"), known_good_list("good")};
    const hk_hash hash = at_distance(&fp.hash[0], 30, &seed);
    add_hash(lists[0], &hash, "known", NULL);
    add_hash(lists[1], &fp.hash[0], "good", NULL);
    hk_matcher *matcher = matcher_over_all(lists, 2, NULL);
    const hk__evidence evidence = hashed(&fp);
    hk__judgement got = judge(matcher, &evidence);
    assert_int_equal(got.verdict, HK_VERDICT_NEAR);
    assert_true(got.conflict);
    assert_int_equal(got.count, 2);
    assert_string_equal(got.matches[0].entry, "good"); /* nearest first */
    assert_true(got.matches[0].known_good);
    assert_string_equal(got.matches[1].entry, "known");
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    free_lists(lists, 2);
}

/* Digests that only known-good lists hold are taken, but do not check a file for known images. */
static void comparison_with_known_good_alone_is_no_check(void **state)
{
    (void)state;
    uint64_t seed = 8;
    const hk_hash known = healthy_hash(&seed);
    hk_list *lists[] = {new_list("known"), known_good_list("good")};
    add_hash(lists[0], &known, NULL, NULL);
    add_digests(lists[1], HK_DIGEST_SHA1, 5, "G-1");
    for (int with_md5 = 0; with_md5 < 2; with_md5++) {
        if (with_md5)
            add_digests(lists[0], HK_DIGEST_MD5, 1, "K-1");
        hk_matcher *matcher = matcher_over_all(lists, 2, NULL);
        assert_int_equal(hk__matcher_digests(matcher),
                         HK_DIGEST_SHA1 | (with_md5 ? HK_DIGEST_MD5 : 0));
        for (uint8_t number = 5; number < 7; number++) {
            const hk__evidence evidence = {.status = HK_FILE_NOT_AN_IMAGE,
                                           .digests = digests_of(HK_DIGEST_ALL, number)};
            hk__judgement got = judge(matcher, &evidence);
            assert_int_equal(got.known_good, number == 5);
            assert_int_equal(got.verdict,
                             number == 5 || with_md5 ? HK_VERDICT_NONE : HK_VERDICT_NOT_CHECKED);
            hk__judgement_clear(&got);
        }
        hk_matcher_free(matcher);
    }
    free_lists(lists, 2);
}

static void lists_of_both_sorts_survive_every_failing_allocation(void **state)
{
    (void)state;
    uint64_t seed = 9;
    hk_fingerprint fp = stranger(&seed);
    hk_list *lists[LISTS];
    crowd(lists, &fp, &seed);
    hk_matcher *matcher = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(
        hk_matcher_new(&matcher, (const hk_list *const *)lists, LISTS, NULL, NULL),
        matcher == UNTOUCHED);
    hk__evidence evidence = hashed(&fp);
    evidence.digests = digests_of(HK_DIGEST_MD5, 5);
    hk__judgement got = {.count = 777};
    FAIL_EVERY_ALLOCATION(hk__judge(&got, &(hk__judge_room){0}, matcher, &evidence, NULL),
                          got.count == 777);
    assert_int_equal(got.count, 100);
    assert_true(got.conflict);
    hk__judgement_clear(&got);
    hk_matcher_free(matcher);
    free_lists(lists, LISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_is_searched_in_the_index_it_brings),
        cmocka_unit_test(entry_that_cannot_be_looked_up_is_an_error),
#ifdef FAISS_MODULE
        cmocka_unit_test(index_that_may_miss_gives_no_verdict),
        cmocka_unit_test(index_that_reaches_less_far_is_not_aligned_with),
#endif
        cmocka_unit_test(bound_keeps_the_nearest_of_all_lists),
        cmocka_unit_test(crowded_list_hides_nothing_nearer_in_another),
        cmocka_unit_test(verdicts_are_those_of_the_table),
        cmocka_unit_test(nearer_known_good_does_not_beat_near),
        cmocka_unit_test(comparison_with_known_good_alone_is_no_check),
        cmocka_unit_test(lists_of_both_sorts_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("match_lists", tests, NULL, NULL);
}
