/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_frames.c - frames of entries: made from a picture, kept in a store and in CSV, searched for
 * as long as their entry is, named in a match, and told from damage.
 */
#include "store_list_unit.h"

#include "align/aligner.h"

static const hk_act by_bob = {.actor = "bob", .at = 4};

enum { FRAMES = 20 };

/* Entry n with frames, in `cuts`: numbers 3, 6, ... and hashes of their own. */
static hk_entry framed(uint8_t cuts[FRAMES * HK_CUT_SIZE], uint64_t n)
{
    hk_entry entry = unit_entry(n);
    for (unsigned i = 0; i < FRAMES; i++) {
        const hk_hash hash = unit_entry(1000 * n + i).hash;
        cuts[i * HK_CUT_SIZE] = (uint8_t)(3 * i + 3);
        hk__hash_to_bytes(cuts + i * HK_CUT_SIZE + 1, &hash);
    }
    entry.cuts = cuts;
    entry.cut_count = FRAMES;
    return entry;
}

static void make(unit_store *s, uint8_t cuts[FRAMES * HK_CUT_SIZE])
{
    const hk_entry entries[] = {framed(cuts, 1), unit_entry(2)};
    unit_store_make(s);
    unit_create(s->store, "known", false, false);
    unit_import(s->store, "known", "ann", entries, 2, false);
    unit_skip_screening(s->store);
    unit_approve(s->store, "known", "bob");
}

static bool finds_frame(const unit_store *s, unsigned i)
{
    const hk_hash hash = unit_entry(1000 + i).hash;
    hk_list *list = unit_list(s->store, "known");
    const bool found = unit_finds_hash(list, &hash, 1);
    hk_list_free(list);
    return found;
}

/* ---- a picture ----------------------------------------------------------------------------- */

enum { WIDE = 256, HIGH = 192 };

/* Blots of all sizes: something to see everywhere. */
static void draw(uint8_t out[WIDE * HIGH], uint64_t seed)
{
    float *sum = calloc(WIDE * HIGH, sizeof *sum);
    assert_non_null(sum);
    for (int b = 0; b < 60; b++) {
        const int x = (int)(next_random(&seed) % WIDE), y = (int)(next_random(&seed) % HIGH);
        const int r = 6 + (int)(next_random(&seed) % 30);
        const float shade = (float)(next_random(&seed) % 200) - 100;
        for (int j = 0; j < HIGH; j++)
            for (int i = 0; i < WIDE; i++)
                if ((i - x) * (i - x) + (j - y) * (j - y) < r * r)
                    sum[j * WIDE + i] += shade;
    }
    for (int i = 0; i < WIDE * HIGH; i++) {
        const float v = 128 + sum[i] / 2;
        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    free(sum);
}

static void places_are_inside_and_stand_for_themselves(void **state)
{
    (void)state;
    static uint8_t raster[WIDE * HIGH], cuts[HK_CUTS_MOST * HK_CUT_SIZE];
    hk_aligner *aligner;
    hk_placement at;
    unsigned places = 0;
    while (hk_cut_placement(&at, places + 1)) {
        places++;
        assert_true(at.left <= 0 && at.top <= 0 && at.right <= 0 && at.bottom <= 0);
        assert_true(1 + at.left + at.right >= .5f && at.left + at.right < 0 && at.angle == 0);
        assert_true(at.left + at.right - at.top - at.bottom < 1e-5f);
    }
    assert_true(places >= 5 && places <= HK_CUTS_MOST);
    assert_false(hk_cut_placement(&at, 0));
    assert_false(hk_cut_placement(&at, places + 1));

    draw(raster, 1);
    unit_ok(hk_aligner_new(&aligner, &unit_error));
    unit_ok(hk_aligner_take(aligner, raster, WIDE, HIGH, HK_PROBES_FAST, &unit_error));
    const size_t count = hk_aligner_cuts(cuts, aligner);
    assert_int_equal(count, places); /* there is something to see everywhere */
    assert_true(hk__cuts_are_sound(cuts, count));
    /* A part that is cut out by whole pixels, and looked at by itself, is its frame. */
    for (size_t i = 0; i < count; i++) {
        static uint8_t part[WIDE * HIGH];
        hk_hash hash;
        float spectrum[HK__SPECTRUM_SIZE];
        assert_true(hk_cut_placement(&at, hk_cut_get(&hash, cuts + i * HK_CUT_SIZE)));
        const int left = (int)(-at.left * WIDE + .5f), top = (int)(-at.top * HIGH + .5f);
        const int right = (int)(WIDE + at.right * WIDE + .5f);
        const int bottom = (int)(HIGH + at.bottom * HIGH + .5f);
        for (int y = top; y < bottom; y++)
            memcpy(part + (y - top) * (right - left), raster + y * WIDE + left,
                   (size_t)(right - left));
        unit_ok(hk_aligner_take(aligner, part, (uint32_t)(right - left), (uint32_t)(bottom - top),
                                HK_PROBES_FAST, &unit_error));
        hk__aligner_look(spectrum, aligner, &(hk_placement){0});
        const hk_hash alone = hk__bits(spectrum, HK_ORIGINAL);
        assert_in_range(hk_hash_distance(&alone, &hash), 0, 24);
        unit_ok(hk_aligner_take(aligner, raster, WIDE, HIGH, HK_PROBES_FAST, &unit_error));
    }

    /* A half that is plain gives no frames that show nothing else. */
    for (int y = 0; y < HIGH; y++)
        memset(raster + y * WIDE, 90, WIDE * 4 / 5);
    unit_ok(hk_aligner_take(aligner, raster, WIDE, HIGH, HK_PROBES_FAST, &unit_error));
    assert_true(hk_aligner_cuts(cuts, aligner) < places);
    memset(raster, 90, sizeof raster);
    unit_ok(hk_aligner_take(aligner, raster, WIDE, HIGH, HK_PROBES_FAST, &unit_error));
    assert_int_equal(hk_aligner_cuts(cuts, aligner), 0);
    hk_aligner_free(aligner);
}

/* ---- a store ------------------------------------------------------------------------------- */

static void frames_are_searched_as_long_as_their_entry(void **state)
{
    (void)state;
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    unit_store s;
    hk_revision revision;
    uint64_t entries, frames;
    const uint32_t first = 1;
    make(&s, cuts);
    assert_true(unit_both_agree(&s, "known"));
    for (unsigned i = 0; i < FRAMES; i++)
        assert_true(finds_frame(&s, i));
    unit_ok(hk_store_frames(&entries, &frames, s.store, "known", &unit_error));
    assert_int_equal(entries, 1);
    assert_int_equal(frames, FRAMES);

    const uint64_t whole = unit_info(s.store, "known").revision;
    unit_ok(hk_store_retract(&revision, s.store, "known", &first, 1, &by_bob, &unit_error));
    assert_false(finds_frame(&s, 0));
    assert_true(unit_both_agree(&s, "known"));
    unit_ok(hk_store_rollback(&revision, s.store, "known", whole, &by_bob, &unit_error));
    assert_true(finds_frame(&s, FRAMES - 1));
    assert_true(unit_both_agree(&s, "known"));
    unit_store_remove(&s);
}

static void what_says_nothing_of_frames_leaves_them(void **state)
{
    (void)state;
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    unit_store s;
    make(&s, cuts);
    hk_entry plain = unit_entry(1), entry = framed(cuts, 1), later = unit_entry(2);
    hk_import_summary sum = unit_import(s.store, "known", "ann", &plain, 1, false);
    assert_int_equal(sum.unchanged, 1);
    sum = unit_import(s.store, "known", "ann", &entry, 1, false);
    assert_int_equal(sum.unchanged, 1);
    entry.cut_count--;
    sum = unit_import(s.store, "known", "ann", &entry, 1, false);
    assert_int_equal(sum.replaced, 1);
    /* Frames for an entry that had none. */
    uint8_t others[FRAMES * HK_CUT_SIZE];
    const hk_entry more = framed(others, 3);
    later.cuts = more.cuts;
    later.cut_count = more.cut_count;
    sum = unit_import(s.store, "known", "ann", &later, 1, false);
    assert_int_equal(sum.replaced, 1);
    unit_store_remove(&s);
}

static void frames_that_cannot_be_are_refused(void **state)
{
    (void)state;
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    unit_store s;
    hk_import *import;
    hk_error err;
    make(&s, cuts);
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = by_bob;
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    hk_entry entry = framed(cuts, 5);
    cuts[4 * HK_CUT_SIZE] = cuts[3 * HK_CUT_SIZE];
    assert_int_equal(hk_import_entry(import, &entry, &err), HK_ERR_USAGE);
    entry = framed(cuts, 5);
    cuts[0] = 0;
    assert_int_equal(hk_import_entry(import, &entry, &err), HK_ERR_USAGE);
    entry = framed(cuts, 5);
    entry.has_hash = false;
    assert_int_equal(hk_import_entry(import, &entry, &err), HK_ERR_USAGE);
    entry = framed(cuts, 5);
    memset(cuts + HK_CUT_SIZE + 1, 0, 32); /* a hash of nothing: for a person to look at */
    unit_ok(hk_import_entry(import, &entry, &unit_error));
    hk_import_summary summary;
    unit_ok(hk_import_finish(&summary, import, &unit_error));
    assert_int_equal(summary.suspicious, 1);
    hk_import_free(import);
    unit_store_remove(&s);
}

static void what_is_exported_comes_in_again(void **state)
{
    (void)state;
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    unit_store s;
    char path[96];
    uint64_t written, left_out;
    hk_import *import;
    hk_import_summary summary;
    hk_list *list;
    unsigned cut;
    make(&s, cuts);
    snprintf(path, sizeof path, "%s/out.csv", s.folder);
    unit_ok(hk_store_export(&written, &left_out, s.store, "known", 0, 1u << HK_ENTRY_ACTIVE, "csv",
                            path, &unit_error));
    assert_int_equal(written, 2);
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = by_bob;
    unit_ok(hk_import_open(&import, s.store, "known", &options, &unit_error));
    unit_ok(hk_import_file(import, path, &unit_error));
    unit_ok(hk_import_finish(&summary, import, &unit_error));
    hk_import_free(import);
    assert_int_equal(summary.unchanged, 2);
    assert_int_equal(summary.added + summary.replaced, 0);

    /* As a list by itself it knows them too. */
    unit_ok(hk_list_load(&list, path, "file", &unit_error));
    size_t bad;
    hk_list_bad_lines(&bad, list);
    assert_int_equal(bad, 0);
    assert_int_equal(list->hash_count, 2 + FRAMES);
    const hk_hash hash = unit_entry(1000 + 7).hash;
    unit_ok(hk__list_cut_at(&cut, list, 0, &hash, 0, &unit_error));
    assert_int_equal(cut, 3 * 7 + 3);
    unit_ok(hk__list_cut_at(&cut, list, 1, &hash, 0, &unit_error));
    assert_int_equal(cut, 0);
    hk_list_free(list);
    unit_store_remove(&s);
}

static void bad_frames_are_bad_lines(void **state)
{
    (void)state;
    char hash[HK_HASH_TEXT_SIZE], path[] = "/tmp/herken-frames-XXXXXX";
    const hk_hash value = unit_entry(1).hash;
    hk_list *list;
    size_t bad;
    hk_hash_format(hash, &value);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    fprintf(out, "pdq,md5,frames\n");
    fprintf(out, "%s,,1:%s 255:%s\n", hash, hash, hash); /* good */
    fprintf(out, "%s,,2:%s 1:%s\n", hash, hash, hash);
    fprintf(out, "%s,,0:%s\n", hash, hash);
    fprintf(out, "%s,,256:%s\n", hash, hash);
    fprintf(out, "%s,,4294967297:%s\n", hash, hash);
    fprintf(out, "%s,,1:%.63s\n", hash, hash);
    fprintf(out, "%s,,1:%s,\n", hash, hash);
    fprintf(out, "%s,,1:%sx2:%s\n", hash, hash, hash);
    fprintf(out, "%s,,%s\n", hash, hash);
    fprintf(out, "%s,,:%s\n", hash, hash);
    fprintf(out, ",00112233445566778899aabbccddeeff,1:%s\n", hash);
    fprintf(out, "%s,,", hash);
    for (int i = 1; i <= HK_CUTS_MOST + 1; i++)
        fprintf(out, "%s%d:%s", i > 1 ? " " : "", i, hash);
    fclose(out);
    unit_ok(hk_list_load(&list, path, "file", &unit_error));
    hk_list_bad_lines(&bad, list);
    assert_int_equal(bad, 11);
    assert_int_equal(hk_list_count(list), 1);
    assert_int_equal(list->hash_count, 3);
    hk_list_free(list);
    unlink(path);
}

static void a_match_names_the_frame(void **state)
{
    (void)state;
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    unit_store s;
    hk_matcher *matcher;
    hk_answer answer;
    make(&s, cuts);
    hk_list *list = unit_list(s.store, "known");
    unit_ok(hk_matcher_new(&matcher, (const hk_list *const[]){list}, 1, NULL, &unit_error));
    /* 1 hash each, and 20 frames as two: those that the weight takes for whole ones count fully. */
    assert_int_equal(hk_matcher_entries(matcher), 4 + (2 + FRAMES - 4 + 9) / 10);
    for (int flips = 0; flips <= 3; flips += 3) {
        hk_hash hash = unit_entry(1000 + 4).hash;
        for (int bit = 0; bit < flips; bit++)
            hash.word[bit] ^= UINT64_C(1) << (7 * bit + 1);
        hk_query query = HK_QUERY_INIT;
        query.hashes = &hash;
        query.hash_count = 1;
        query.kind = HK_KIND_PHOTO;
        unit_ok(hk_matcher_check(&answer, matcher, &query, 1, &unit_error));
        assert_int_equal(answer.verdict, HK_VERDICT_NEAR);
        assert_int_equal(answer.match_count, 1);
        assert_int_equal(answer.matches->distance, flips);
        assert_int_equal(answer.matches->cut, 3 * 4 + 3);
        hk_answers_clear(&answer, 1);
    }
    const hk_hash whole = unit_entry(1).hash;
    hk_query query = HK_QUERY_INIT;
    query.hashes = &whole;
    query.hash_count = 1;
    unit_ok(hk_matcher_check(&answer, matcher, &query, 1, &unit_error));
    assert_int_equal(answer.match_count, 1);
    assert_int_equal(answer.matches->cut, 0);
    hk_answers_clear(&answer, 1);
    hk_matcher_free(matcher);
    hk_list_free(list);
    unit_store_remove(&s);
}

/* ---- damage -------------------------------------------------------------------------------- */

static char problems[4096];
static void on_problem(void *context, const char *message)
{
    (void)context;
    strncat(problems, message, sizeof problems - strlen(problems) - 2);
    strcat(problems, "\n");
}

static void assert_problem(unit_store *s, const char *damage, const char *words, bool searchable)
{
    uint8_t cuts[FRAMES * HK_CUT_SIZE];
    size_t count;
    hk_list *list;
    hk_error err;
    make(s, cuts);
    unit_ok(hk__sql_run(s->store->db, damage, &unit_error));
    problems[0] = '\0';
    unit_ok(hk_store_verify(&count, s->store, on_problem, NULL, NULL, &unit_error));
    assert_true(count > 0);
    if (!strstr(problems, words))
        fail_msg("%s: not '%s' but %s", damage, words, problems);
    const hk_status status = hk_store_list(&list, s->store, "known", &err);
    assert_int_equal(status, searchable ? HK_OK : HK_ERR_FORMAT);
    if (searchable)
        hk_list_free(list);
    else
        assert_non_null(strstr(err.message, "damaged"));
    unit_store_remove(s);
}

static void damage_is_named(void **state)
{
    (void)state;
    unit_store s;
    assert_problem(&s, "UPDATE frames SET hashes = substr(hashes, 1, 34)",
                   "holds what no entry can", false);
    assert_problem(&s, "UPDATE frames SET hashes = x''", "holds what no entry can", false);
    assert_problem(&s, "UPDATE frames SET hashes = zeroblob(660)", "holds what no entry can",
                   false);
    assert_problem(&s, "UPDATE frames SET hashes = cast(substr(hashes, 1, 659) || x'00' AS BLOB)",
                   "sum", true);
    assert_problem(&s, "DELETE FROM frames", "sum", true);
    assert_problem(&s, "UPDATE frames SET count = 7", "not as many frames", true);
    assert_problem(&s, "INSERT INTO frames VALUES(99, 1, zeroblob(33))", "which is not there",
                   true);
}

static void a_store_of_version_1_is_brought_up_to_date(void **state)
{
    (void)state;
    unit_store s;
    hk_store *store;
    hk_error err;
    hk_list *list;
    const hk_entry entry = unit_entry(1);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", &entry, 1, false);
    unit_skip_screening(s.store);
    unit_approve(s.store, "known", "bob");
    unit_ok(hk__sql_run(s.store->db, "DROP TABLE frames; PRAGMA user_version = 1", &unit_error));
    assert_int_equal(hk_store_open(&store, s.path, HK_STORE_READ, &err), HK_ERR_FORMAT);
    assert_non_null(strstr(err.message, "version 1"));
    for (int mode = HK_STORE_WRITE; mode >= HK_STORE_READ; mode--) {
        unit_ok(hk_store_open(&store, s.path, (hk_store_mode)mode, &unit_error));
        unit_ok(hk_store_list(&list, store, "known", &unit_error));
        assert_true(unit_finds_hash(list, &entry.hash, 1));
        hk_list_free(list);
        hk_store_close(store);
    }
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_inside_and_stand_for_themselves),
        cmocka_unit_test(frames_are_searched_as_long_as_their_entry),
        cmocka_unit_test(what_says_nothing_of_frames_leaves_them),
        cmocka_unit_test(frames_that_cannot_be_are_refused),
        cmocka_unit_test(what_is_exported_comes_in_again),
        cmocka_unit_test(bad_frames_are_bad_lines),
        cmocka_unit_test(a_match_names_the_frame),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(a_store_of_version_1_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
