/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_job.c - what follows when a worker dies over a file or a member, and what may be said when.
 */
#include "unit.h"

#include "decode/job.h"

#include <string.h>

static const hk__limits limits = {
    .max_depth = 4, .max_members = 1000, .max_unpacked = 1 << 30, .max_ratio = 10};

static hk__notice notice_of(uint64_t number, uint32_t depth)
{
    hk__notice n = {.message = HK__MESSAGE_MEMBER,
                    .number = number,
                    .depth = depth,
                    .name_size = 3,
                    .name = "abc"};
    return n;
}

static bool come(hk__place *place, const hk__job *job, uint64_t number, uint32_t depth)
{
    const hk__notice n = notice_of(number, depth);
    return hk__place_notice(place, job, &n, &limits);
}

static hk__place at(const hk__job *job, uint64_t number, uint32_t depth)
{
    hk__place place = {.number = number};
    assert_true(come(&place, job, number, depth));
    assert_string_equal(place.name, "abc");
    return place;
}

static const hk__place nowhere;

/* ---- files ---------------------------------------------------------------------------------- */

static void crash_must_happen_twice_and_a_hang_once(void **state)
{
    (void)state;
    hk__job job = {0};
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_CRASHED, "c", true), HK__TRY_AGAIN);
    assert_false(job.digests_only);
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_CRASHED, "c", true), HK__TRY_AGAIN);
    assert_true(job.digests_only && job.blame == HK_FILE_CRASHED);
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_CRASHED, "x", true), HK__ANSWER_FILE);
    assert_string_equal(job.words, "c");

    job = (hk__job){0};
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_TIMED_OUT, "t", true), HK__TRY_AGAIN);
    assert_true(job.digests_only && job.blame == HK_FILE_TIMED_OUT);
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_TIMED_OUT, "x", true), HK__ANSWER_FILE);
    assert_string_equal(job.words, "t");

    job = (hk__job){0};
    assert_int_equal(hk__job_blame(&job, &nowhere, HK_FILE_TIMED_OUT, "t", false), HK__ANSWER_FILE);
}

/* ---- members -------------------------------------------------------------------------------- */

static void member_is_tried_spared_and_passed_over(void **state)
{
    (void)state;
    hk__job job = {.archive = true};
    const hk__place place = at(&job, 0, 0);
    assert_int_equal(hk__job_blame(&job, &place, HK_FILE_CRASHED, "c", true), HK__TRY_AGAIN);
    assert_int_equal(job.spared_count, 0);
    assert_int_equal(hk__job_blame(&job, &place, HK_FILE_CRASHED, "c", true), HK__TRY_AGAIN);
    assert_int_equal(job.spared_count, 1);
    assert_int_equal(job.spared[0].pass, 0);
    assert_int_equal(hk__job_blame(&job, &place, HK_FILE_CRASHED, "d", true), HK__ANSWER_MEMBER);
    assert_int_equal(job.spared[0].pass, 1);
    assert_int_equal(job.first, 1);
    assert_true(job.blame == HK_FILE_CRASHED && !strcmp(job.words, "c"));
    /* and when it cannot even be passed over, the archive is given up */
    assert_int_equal(hk__job_blame(&job, &place, HK_FILE_CRASHED, "e", true), HK__TRY_AGAIN);
    assert_true(job.digests_only);
    assert_string_equal(job.words, "e");
}

static void spared_member_is_answered_with_its_verdict(void **state)
{
    (void)state;
    for (int is_archive = 0; is_archive < 2; is_archive++) {
        hk__job job = {.archive = true};
        hk__place place = at(&job, 0, 0);
        bool verdict;
        assert_int_equal(hk__job_blame(&job, &place, HK_FILE_TIMED_OUT, "t", true), HK__TRY_AGAIN);
        hk__place_answered(&verdict, &place, &job, is_archive);
        assert_true(verdict && job.first == 1 && !place.open && place.number == 1);
        assert_int_equal(job.spared_count, is_archive); /* for its number */
        assert_true(come(&place, &job, 1, 0));
        hk__place_answered(&verdict, &place, &job, false);
        assert_false(verdict);
    }
}

/* On the way to the first that is wanted a death must not change another's verdict. */
static void deaths_on_the_way_leave_the_verdict(void **state)
{
    (void)state;
    hk__job job = {.archive = true, .first = 5};
    const hk__place wanted = at(&job, 5, 0), before = at(&job, 2, 1);
    assert_int_equal(hk__job_blame(&job, &wanted, HK_FILE_TIMED_OUT, "t", true), HK__TRY_AGAIN);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hk__job_blame(&job, &before, HK_FILE_CRASHED, "c", true), HK__TRY_AGAIN);
    assert_int_equal(job.spared_count, 2);
    assert_true(job.spared[1].pass && job.first == 5);
    assert_true(job.blame == HK_FILE_TIMED_OUT && !strcmp(job.words, "t"));
}

static void archives_do_not_cost_workers_without_end(void **state)
{
    (void)state;
    hk__job job = {.archive = true};
    unsigned deaths = 0;
    hk__remedy remedy = HK__TRY_AGAIN;
    while (remedy != HK__ANSWER_FILE) {
        const hk__place place = at(&job, job.first, 0);
        remedy =
            hk__job_blame(&job, job.digests_only ? &nowhere : &place, HK_FILE_CRASHED, "c", true);
        assert_true(++deaths < 1000);
    }
    assert_true(deaths > 50 && deaths < 300);
    job = (hk__job){.archive = true};
    for (deaths = 0; remedy != HK__ANSWER_FILE || !deaths; deaths++)
        remedy = hk__job_blame(&job, &nowhere, HK_FILE_CRASHED, "c", true);
    assert_int_equal(deaths, 3);
}

/* ---- what may be said when ------------------------------------------------------------------ */

static void members_come_in_order_and_are_answered(void **state)
{
    (void)state;
    hk__job job = {0};
    hk__place place = {0};
    bool verdict;
    assert_true(hk__place_awaits(&place, &job, HK__NO_MEMBER));
    assert_false(hk__place_awaits(&place, &job, 0)); /* no notice */
    assert_false(come(&place, &job, 1, 0));
    assert_true(come(&place, &job, 0, 0));
    assert_true(come(&place, &job, 0, 1));
    assert_false(come(&place, &job, 1, 0)); /* before the answer */
    assert_false(hk__place_awaits(&place, &job, HK__NO_MEMBER));
    assert_false(hk__place_awaits(&place, &job, 1));
    assert_true(hk__place_awaits(&place, &job, 0));
    hk__place_answered(&verdict, &place, &job, false);
    assert_false(verdict);
    assert_false(hk__place_awaits(&place, &job, 0));
    assert_true(hk__place_awaits(&place, &job, HK__NO_MEMBER));
    assert_false(come(&place, &job, 0, 0));
    assert_true(come(&place, &job, 1, 0));
}

static void members_before_the_first_are_not_awaited(void **state)
{
    (void)state;
    hk__job job = {.first = 3};
    hk__place place = {0};
    for (uint64_t n = 0; n < 3; n++) {
        assert_true(come(&place, &job, n, 0));
        assert_false(hk__place_awaits(&place, &job, n));
        assert_true(hk__place_awaits(&place, &job, HK__NO_MEMBER));
    }
    assert_false(come(&place, &job, 4, 0));
    assert_true(come(&place, &job, 3, 0));
    assert_true(hk__place_awaits(&place, &job, 3));
    assert_false(come(&place, &job, 4, 0));
}

static void numbers_and_repetition_are_bounded(void **state)
{
    (void)state;
    const hk__job job = {.first = UINT64_MAX - 1};
    hk__place place = {0};
    uint64_t n = 0;
    while (n < 2000 && come(&place, &job, n, 0))
        n++;
    assert_int_equal(n, limits.max_members);
    place = (hk__place){0};
    for (n = 0; n < 2000 && come(&place, &job, 0, n % 4); n++)
        continue;
    assert_true(n > 2 * HK__DEPTH_MAX && n < 100);
}

static void beats_must_progress_and_end(void **state)
{
    (void)state;
    const hk__job job = {.size = 1000};
    hk__place place = {0};
    hk__notice beat = {.message = HK__MESSAGE_BEAT};
    int n = 0;
    assert_false(hk__place_notice(&place, &job, &beat, &limits));
    for (; n < 10000; n++) {
        beat.passed += HK__BEAT_BYTES;
        if (!hk__place_notice(&place, &job, &beat, &limits))
            break;
        assert_false(hk__place_notice(&place, &job, &beat, &limits));
        beat.passed += HK__BEAT_BYTES - 1;
        assert_false(hk__place_notice(&place, &job, &beat, &limits));
        beat.passed -= HK__BEAT_BYTES - 1;
    }
    assert_true(n > 128 && n < 200);
    beat.passed = UINT64_MAX;
    assert_false(hk__place_notice(&place, &job, &beat, &limits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_must_happen_twice_and_a_hang_once),
        cmocka_unit_test(member_is_tried_spared_and_passed_over),
        cmocka_unit_test(spared_member_is_answered_with_its_verdict),
        cmocka_unit_test(deaths_on_the_way_leave_the_verdict),
        cmocka_unit_test(archives_do_not_cost_workers_without_end),
        cmocka_unit_test(members_come_in_order_and_are_answered),
        cmocka_unit_test(members_before_the_first_are_not_awaited),
        cmocka_unit_test(numbers_and_repetition_are_bounded),
        cmocka_unit_test(beats_must_progress_and_end),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
