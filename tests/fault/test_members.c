/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_members.c - members of archives that crash, hang and starve the decoder, and decode workers
 * that lie: each costs itself, and no other member.
 */
#include "pack.h"

#include "core/clock.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static blob photo;
static hk__pool_options options;

static int prepare(void **state)
{
    (void)state;
    photo = draw_blob("photo_like", ".jpg", 200, 150);
    options = pack_options;
    options.program = FAULTY;
    options.memory = 512 << 20;
    options.timeout_ms = SANITIZED ? 3000 : 400;
    return 0;
}

static void pack_plant(packer *p, const char *word)
{
    char bytes[64];
    snprintf(bytes, sizeof bytes, "\xff\xd8\xffPLANT:%s", word);
    pack_text(p, word, bytes);
}

/* good, word, good, word, ..., good */
static blob pack_words(const char *format, const char *filter, const char *const *words)
{
    packer *p = pack_begin(format, filter, NULL);
    char name[16];
    int n = 0;
    for (; words[n]; n++) {
        snprintf(name, sizeof name, "%d.jpg", n);
        pack_file(p, name, &photo);
        pack_plant(p, words[n]);
    }
    snprintf(name, sizeof name, "%d.jpg", n);
    pack_file(p, name, &photo);
    return pack_end(p);
}

static hk_file_status status_of_word(const char *word)
{
    if (!strcmp(word, "hang") || !strcmp(word, "sleep") || !strcmp(word, "xcpu"))
        return HK_FILE_TIMED_OUT;
    return !strcmp(word, "bomb") || !strcmp(word, "malloc") ? HK_FILE_OUT_OF_MEMORY
                                                            : HK_FILE_CRASHED;
}

static void check_words(const char *format, const char *filter, const char *const *words,
                        size_t count, const hk__pool_options *with)
{
    blob b = pack_words(format, filter, words);
    const story s = tell_with(with, &b, 0);
    char name[16];
    if (s.count != 2 * count + 2)
        show(&s);
    assert_int_equal(s.count, 2 * count + 2);
    for (size_t i = 0; i <= count; i++) {
        snprintf(name, sizeof name, "%d.jpg", (int)i);
        SAID(s, name, HK_FILE_OK, "");
        if (i == count)
            break;
        SAID(s, words[i], status_of_word(words[i]), "");
        const said *bad = said_of(&s, words[i]);
        if (bad->digests.present != with->digests)
            show(&s);
        assert_int_equal(bad->digests.present, with->digests);
    }
    for (size_t i = 0; i + 1 < s.count; i++)
        assert_int_equal(s.said[i].number, i);
    SAID(s, "", HK_FILE_NOT_AN_IMAGE, "members");
    free(s.said);
    free(b.bytes);
}

static void bad_members_cost_themselves(void **state)
{
    (void)state;
    static const char *const words[] = {"crash", "hang", "lie", NULL};
    for (size_t i = 0; i < COUNT_OF(pack_kinds); i += 4)
        check_words(pack_kinds[i].format, pack_kinds[i].filter, words, 3, &options);
}

static void every_fault_in_a_member(void **state)
{
    (void)state;
    static const char *const words[] = {"abort", "exit", "flood",  "more",
                                        "xcpu",  "bomb", "malloc", NULL};
    static const char *const sanitized[] = {"abort", "exit", "flood", "more", NULL};
    hk__pool_options with = options;
    with.timeout_ms = 10000; /* to fill all memory takes a while */
    if (SANITIZED)
        check_words("zip", "none", sanitized, 4, &with);
    else
        check_words("zip", "none", words, 7, &with);
}

static void without_digests_they_are_answered_at_once(void **state)
{
    (void)state;
    static const char *const words[] = {"crash", "hang", NULL};
    hk__pool_options with = options;
    with.digests = 0;
    check_words("ustar", "gzip", words, 2, &with);
}

/* The damage of one member shows in the next: that one is tried again and is fine. */
static void late_damage_costs_nobody(void **state)
{
    (void)state;
    packer *p = pack_begin("zip", "none", NULL);
    pack_plant(p, "late");
    pack_file(p, "after.jpg", &photo);
    blob b = pack_end(p);
    const story s = tell_with(&options, &b, 0);
    SAID(s, "late", HK_FILE_UNREADABLE, "sowed damage");
    SAID(s, "after.jpg", HK_FILE_OK, "");
    assert_int_equal(s.count, 3);
    free(s.said);
    free(b.bytes);
}

static void bad_members_deep_inside_cost_themselves(void **state)
{
    (void)state;
    static const char *const words[] = {"crash", "hang", NULL};
    blob inner = pack_words("zip", "none", words);
    packer *p = pack_begin("ustar", "gzip", NULL);
    pack_plant(p, "crash");
    pack_file(p, "in.zip", &inner);
    pack_plant(p, "abort");
    blob b = pack_end(p);
    const story s = tell_with(&options, &b, 0);
    static const char *const names[] = {
        "crash",         "in.zip!/0.jpg", "in.zip!/crash",
        "in.zip!/1.jpg", "in.zip!/hang",  "in.zip!/2.jpg",
        "in.zip",        "abort",         "",
    };
    if (s.count != COUNT_OF(names))
        show(&s);
    assert_int_equal(s.count, COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(s.said[i].member, names[i]);
    SAID(s, "in.zip!/crash", HK_FILE_CRASHED, "twice (");
    SAID(s, "in.zip!/hang", HK_FILE_TIMED_OUT, "--timeout");
    SAID(s, "in.zip!/2.jpg", HK_FILE_OK, "");
    SAID(s, "in.zip", HK_FILE_NOT_AN_IMAGE, "5 members");
    /* What was answered is not answered again, and what comes after is as it was. */
    for (uint64_t first = 3; first < 8; first += 2) {
        const story rest = tell_with(&options, &b, first);
        assert_int_equal(rest.count, s.count - first);
        assert_memory_equal(rest.said, s.said + first, rest.count * sizeof *rest.said);
        free(rest.said);
    }
    free(s.said);
    free(inner.bytes);
    free(b.bytes);
}

/* Neither those that it was sent before, nor those that come. */
static void files_do_not_wait_behind_an_archive(void **state)
{
    (void)state;
    enum { FILES = 30 };
    hk__pool_options with = options;
    hk__pool *pool;
    hk_error err;
    with.workers = 2;
    with.timeout_ms = 20000;
    packer *p = pack_begin("zip", "none", NULL);
    pack_file(p, "good.jpg", &photo);
    pack_plant(p, "sleep");
    blob b = pack_end(p);
    assert_int_equal(hk__pool_open(&pool, &with, &err), HK_OK);
    assert_int_equal(hk__pool_submit(pool, FILES, blob_descriptor(&b), 0, &err), HK_OK);
    const uint64_t start = hk__clock_ns();
    uint64_t submitted = 0, finished = 0;
    while (finished < FILES) {
        for (; hk__pool_room(pool) && submitted < FILES; submitted++)
            assert_int_equal(hk__pool_submit(pool, submitted, blob_descriptor(&photo), 0, &err),
                             HK_OK);
        bool done;
        hk__pool_result r;
        assert_int_equal(hk__pool_wait(&done, &r, pool, 1000, &err), HK_OK);
        if (!done || r.tag == FILES) {
            assert_true(!done || (r.member_number == 0 && !r.last));
            continue;
        }
        assert_true(r.views->count == 1);
        finished++;
    }
    assert_true(hk__clock_ns() - start < with.timeout_ms / 2 * UINT64_C(1000000));
    assert_int_equal(hk__pool_busy(pool), 1);
    hk__pool_free(pool);
    free(b.bytes);
}

/* ---- liars ---------------------------------------------------------------------------------- */

static story hear(const char *letters)
{
    char text[300];
    hk__pool_options with = options;
    with.program = LIAR;
    with.timeout_ms = 300;
    with.seen = 4;
    snprintf(text, sizeof text, "LIAR:%s", letters);
    blob b = blob_text(text);
    const story s = tell_with(&with, &b, 0);
    free(b.bytes);
    return s;
}

static void liars_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *letters;
        size_t members; /* that are believed */
        hk_file_status status;
    } cases[] = {
        {"f", 0, HK_FILE_NOT_AN_IMAGE},
        {"nrf", 1, HK_FILE_NOT_AN_IMAGE},
        {"nrmrnrf", 3, HK_FILE_NOT_AN_IMAGE},
        {"nmnbbrbf", 1, HK_FILE_NOT_AN_IMAGE},
        {"x", 0, HK_FILE_CRASHED},
        {"rf", 0, HK_FILE_CRASHED},
        {"Rf", 0, HK_FILE_CRASHED},
        {"Nrf", 0, HK_FILE_CRASHED},
        {"0f", 0, HK_FILE_CRASHED},
        {"Mf", 0, HK_FILE_CRASHED},
        {"Bf", 0, HK_FILE_CRASHED},
        {"Tf", 0, HK_FILE_CRASHED},
        {"vf", 0, HK_FILE_CRASHED},
        {"if", 0, HK_FILE_CRASHED},
        {"sf", 0, HK_FILE_CRASHED},
        {"E", 0, HK_FILE_CRASHED},
        {"", 0, HK_FILE_TIMED_OUT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const story s = hear(cases[i].letters);
        const said *file = &s.said[s.count - 1];
        if (file->status != cases[i].status || s.count != cases[i].members + 1) {
            print_error("%s\n", cases[i].letters);
            show(&s);
        }
        assert_int_equal(file->status, cases[i].status);
        assert_int_equal(s.count, cases[i].members + 1);
        assert_int_equal(file->digests.present, options.digests | HK_DIGEST_SHA256);
        free(s.said);
    }
}

/* Whoever lies within a member is told as that member, and gets no further than the next. */
static void lies_within_a_member_cost_it(void **state)
{
    (void)state;
    static const char *const lies[] = {"nf", "nR", "nd",  "nP", "nN",  "nx", "n0",
                                       "nB", "nT", "nr0", "ne", "n1V", "n+f"};
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        const story s = hear(lies[i]);
        const said *file = &s.said[s.count - 1];
        for (size_t m = 0; m + 1 < s.count; m++) {
            assert_int_equal(s.said[m].number, m);
            assert_string_equal(s.said[m].member, "nnnn");
        }
        assert_int_equal(file->status, HK_FILE_CRASHED);
        free(s.said);
    }
}

/* Views are of one file or member, and there are so many at the most, in the time of one file. */
static void views_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *letters;
        hk_file_status status;
        size_t views, member_views;
    } cases[] = {
        {"V", HK_FILE_OK, 1, 0},
        {"1V", HK_FILE_OK, 2, 0},
        {"123V", HK_FILE_OK, 4, 0},
        {"121211V", HK_FILE_OK, 3, 0}, /* a hash is one view */
        {"wV", HK_FILE_OK, HK_VIEWS_MOST, 0},
        {"1f", HK_FILE_NOT_AN_IMAGE, 0, 0},
        {"n=V", HK_FILE_OK, 1, 1},
        {"n+=1V", HK_FILE_OK, 2, 2},
        {"n++=f", HK_FILE_NOT_AN_IMAGE, 0, 2},
        {"1", HK_FILE_TIMED_OUT, 0, 0},
        {"w1V", HK_FILE_CRASHED, 0, 0},
        {"wwV", HK_FILE_CRASHED, 0, 0},
        {"+V", HK_FILE_CRASHED, 0, 0},   /* of a member that was not noticed */
        {"1n=f", HK_FILE_CRASHED, 0, 0}, /* a member among the views of the file */
        {"1bV", HK_FILE_CRASHED, 0, 0},
        {"1g", HK_FILE_CRASHED, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const story s = hear(cases[i].letters);
        const said *file = &s.said[s.count - 1];
        const bool member = s.count > 1;
        if (file->status != cases[i].status || file->views != cases[i].views ||
            (member ? s.said[0].views : 0) != cases[i].member_views) {
            print_error("%s\n", cases[i].letters);
            show(&s);
        }
        assert_int_equal(file->status, cases[i].status);
        assert_int_equal(file->views, cases[i].views);
        assert_int_equal(member ? s.said[0].views : 0, cases[i].member_views);
        free(s.said);
    }
}

static void duplicates_must_have_been_seen(void **state)
{
    (void)state;
    uint8_t seen[32];
    hk__pool *pool;
    hk_error err;
    hk__pool_options with = options;
    with.program = LIAR;
    with.seen = 4;
    memset(seen, 0xab, sizeof seen);
    blob b = blob_text("LIAR:nDf"), never = blob_text("LIAR:ndf");
    assert_int_equal(hk__pool_open(&pool, &with, &err), HK_OK);
    hk__pool_seen_add(pool, seen);
    story s = tell(pool, &b, 0);
    SAID(s, "nnnn", HK_FILE_DUPLICATE, "");
    free(s.said);
    s = tell(pool, &never, 0);
    SAID(s, "nnnn", HK_FILE_CRASHED, "protocol");
    free(s.said);
    hk__pool_free(pool);
    with.seen = 0;
    assert_int_equal(hk__pool_open(&pool, &with, &err), HK_OK);
    s = tell(pool, &b, 0);
    SAID(s, "nnnn", HK_FILE_CRASHED, "protocol");
    free(s.said);
    hk__pool_free(pool);
    free(b.bytes);
    free(never.bytes);
}

static void saying_nothing_new_buys_no_time(void **state)
{
    (void)state;
    char letters[200];
    memset(letters, 'n', sizeof letters - 1);
    letters[sizeof letters - 1] = '\0';
    const story s = hear(letters);
    SAID(s, "nnnn", HK_FILE_CRASHED, "protocol");
    free(s.said);
}

static void archives_nobody_asked_for_are_lies(void **state)
{
    (void)state;
    hk__pool_options with = options;
    with.program = LIAR;
    with.archives = false;
    blob b = blob_text("LIAR:nrf");
    const story s = tell_with(&with, &b, 0);
    SAID(s, "", HK_FILE_CRASHED, "protocol");
    assert_int_equal(s.count, 1);
    free(s.said);
    free(b.bytes);
}

static void any_talk_ends_in_an_answer(void **state)
{
    (void)state;
    static const char alphabet[] = "nnnnnrrrrrmmbfxNPM0RodDBTvis";
    uint64_t seed = 9;
    const uint64_t end = hk__clock_ns() + UINT64_C(1000000000);
    for (int round = 0; hk__clock_ns() < end; round++) {
        char letters[32] = "";
        const size_t count = 1 + next_random(&seed) % 20;
        for (size_t i = 0; i < count; i++)
            letters[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        letters[count] = 'x'; /* no waiting for more */
        const story s = hear(letters);
        for (size_t m = 0; m + 1 < s.count; m++)
            assert_int_equal(s.said[m].number, m);
        free(s.said);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    if (VIPS_INIT(argv[0]))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_members_cost_themselves),
        cmocka_unit_test(every_fault_in_a_member),
        cmocka_unit_test(without_digests_they_are_answered_at_once),
        cmocka_unit_test(late_damage_costs_nobody),
        cmocka_unit_test(bad_members_deep_inside_cost_themselves),
        cmocka_unit_test(files_do_not_wait_behind_an_archive),
        cmocka_unit_test(liars_are_not_believed),
        cmocka_unit_test(views_are_counted),
        cmocka_unit_test(lies_within_a_member_cost_it),
        cmocka_unit_test(duplicates_must_have_been_seen),
        cmocka_unit_test(saying_nothing_new_buys_no_time),
        cmocka_unit_test(archives_nobody_asked_for_are_lies),
        cmocka_unit_test(any_talk_ends_in_an_answer),
    };
    return cmocka_run_group_tests_name("members", tests, prepare, end_telling);
}
