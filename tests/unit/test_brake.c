/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_brake.c - models of who hits what: a picture that comes with a blog system is braked, known
 * material is not; and of walks towards an entry, against uploads that only look like one.
 */
#include "ledger_unit.h"

#define SECOND UINT64_C(1000000000)
#define DAY (86400 * SECOND)
enum { WALL = 20000 * 86400 };

static const hk_ledger_options defaults = HK_LEDGER_OPTIONS_INIT;

static hk__braking hit(hk__brake *brake, const char *entry, uint64_t client, uint64_t now)
{
    uint64_t hits, clients;
    return hk__brake_hit(&hits, &clients, brake, hk__entry_key_of("police", entry, 0), client, true,
                         now, WALL + (int64_t)(now / SECOND));
}

/* Hits until it is braked, `a_day` of them evenly, by accounts drawn at random; 0: not in `days`.
 */
static uint64_t hits_until_braked(unsigned clients, double a_day, double days, hk__braking *how)
{
    hk__brake *brake;
    uint64_t random = clients, count = 0;
    unit_ok(hk__brake_new(&brake, &defaults, &unit_error));
    *how = HK__BRAKE_OFF;
    for (double at = 1; at < days && !*how; at += 1 / a_day, count++)
        *how = hit(brake, "logo", 1 + next_random(&random) % clients, (uint64_t)(at * (double)DAY));
    hk__brake_free(brake);
    return *how ? count : 0;
}

static void test_stock_picture(void **state)
{
    hk__braking how;
    (void)state;
    /* Thousands of sites a day, at one large host, at some, at many. */
    const uint64_t one = hits_until_braked(1, 5000, 30, &how);
    assert_int_equal(how, HK__BRAKE_NOW_ALONE);
    assert_int_equal(one, defaults.brake_client);
    const uint64_t some = hits_until_braked(8, 5000, 30, &how);
    assert_int_equal(how, HK__BRAKE_NOW);
    assert_int_equal(some, defaults.brake_hits);
    for (unsigned clients = 10; clients <= 3000; clients *= 3) {
        const uint64_t many = hits_until_braked(clients, 5000, 30, &how);
        assert_int_equal(how, HK__BRAKE_NOW);
        assert_in_range(many, defaults.brake_hits, defaults.brake_hits + 5);
    }
}

static void test_known_material(void **state)
{
    hk__braking how;
    (void)state;
    for (unsigned clients = 1; clients <= 4; clients++) /* 50 a day by each, for two months */
        assert_int_equal(hits_until_braked(clients, 50.0 * clients, 60, &how), 0);
    assert_int_equal(hits_until_braked(5, 50.0 * 5, 60, &how), 0);
    assert_int_equal(hits_until_braked(100, 200, 60, &how), 0);
}

/* What it takes to have a true entry out: five accounts, none of which counts for more than 100. */
static void test_flood_by_few(void **state)
{
    hk__brake *brake;
    uint64_t count = 0;
    (void)state;
    unit_ok(hk__brake_new(&brake, &defaults, &unit_error));
    /* Four accounts as often as they like: for themselves alone. */
    for (unsigned i = 0; i < 4 * 2000; i++)
        hit(brake, "true", 1 + i % 4, DAY + i);
    for (uint64_t client = 1; client <= 4; client++)
        assert_int_equal(hit(brake, "true", client, DAY + 9000), HK__BRAKE_ON);
    /* For all others it is there; with the fifth it is gone. */
    uint64_t hits, clients;
    assert_int_equal(hk__brake_hit(&hits, &clients, brake, hk__entry_key_of("police", "true", 0),
                                   99, false, DAY + 9001, WALL),
                     HK__BRAKE_OFF);
    assert_int_equal(hit(brake, "true", 5, DAY + 9002), HK__BRAKE_NOW);
    hk__brake_free(brake);
    /* One with four dummies that hit once each must bring 296, but counts for 100. */
    unit_ok(hk__brake_new(&brake, &defaults, &unit_error));
    for (uint64_t client = 2; client <= 5; client++)
        hit(brake, "true", client, DAY);
    while (count < 499 && hit(brake, "true", 1, DAY + 1) == HK__BRAKE_OFF)
        count++;
    assert_int_equal(count, 499);
    hk__brake_free(brake);
}

static void test_window(void **state)
{
    hk__brake *brake;
    (void)state;
    unit_ok(hk__brake_new(&brake, &defaults, &unit_error));
    for (unsigned i = 0; i < 299; i++)
        assert_int_equal(hit(brake, "x", 1 + i % 8, DAY + i), HK__BRAKE_OFF);
    /* Two days later nothing of it counts. */
    for (unsigned i = 0; i < 299; i++)
        assert_int_equal(hit(brake, "x", 1 + i % 8, 4 * DAY + i), HK__BRAKE_OFF);
    assert_int_equal(hit(brake, "x", 1, 4 * DAY + 300), HK__BRAKE_NOW);
    assert_int_equal(hit(brake, "x", 1, 4 * DAY + 301), HK__BRAKE_ON);
    uint64_t brakes, suppressed;
    hk__brake_count(&brakes, &suppressed, brake);
    assert_int_equal(brakes, 1);
    assert_int_equal(suppressed, 1);
    hk__brake_free(brake);
}

/* More entries than there is room for: the table keeps its bound, and those that are hit often keep
 * their counts. */
static void test_many_entries(void **state)
{
    hk__brake *brake;
    char name[24];
    hk__braking how = HK__BRAKE_OFF;
    (void)state;
    unit_ok(hk__brake_new(&brake, &defaults, &unit_error));
    unsigned count = 0;
    for (unsigned i = 0; i < 100000 && !how; i++) {
        snprintf(name, sizeof name, "entry %u", i);
        hit(brake, name, 1 + i % 8, DAY + i);
        if (i % 100 == 0) {
            how = hit(brake, "hot", 1 + i % 7, DAY + i);
            count++;
        }
    }
    assert_int_equal(how, HK__BRAKE_NOW);
    assert_in_range(count, 300, 310);
    hk__brake_free(brake);
}

/* ---- walks ----------------------------------------------------------------------------------- */

/* Steps until an account is slowed, asking `versions` hashes around an entry, of which one in
 * `miss_in` (0: none) misses; 0: never. */
static unsigned steps_until_slowed(unsigned versions, unsigned miss_in, uint64_t every)
{
    hk__walks walks = {NULL};
    uint64_t random = 9, now = DAY;
    const hk_hash entry = healthy_hash(&random), start = at_distance(&entry, 10, &random);
    unsigned slowed = 0;
    double points;
    assert_true(
        hk__walks_see(&slowed, &points, &walks, &start, 1, true, 0, defaults.walk_points, now));
    for (unsigned i = 1; i <= versions && !slowed; i++, now += every) {
        const bool near = !miss_in || i % miss_in;
        const hk_hash query = at_distance(&start, 20, &random);
        assert_true(
            hk__walks_see(&slowed, &points, &walks, &query, 1, near, 0, defaults.walk_points, now));
        if (slowed)
            slowed = i;
    }
    hk__walks_clear(&walks);
    return slowed;
}

static void test_walks(void **state)
{
    (void)state;
    assert_in_range(steps_until_slowed(1000, 2, SECOND), 110, 116);
    assert_in_range(steps_until_slowed(1000, 10, SECOND), 295, 310);
    assert_in_range(steps_until_slowed(2000, 100, SECOND), 470, 490);
    /* A picture that goes round: 400 versions in a day, every day; none miss, or some. */
    assert_int_equal(steps_until_slowed(20000, 0, DAY / 400), 0);
    assert_int_equal(steps_until_slowed(20000, 50, DAY / 400), 0);
}

static void test_walk_of_strangers(void **state)
{
    hk__walks walks = {NULL};
    uint64_t random = 3;
    unsigned step;
    double points;
    (void)state;
    /* Nothing that missed has memory. */
    for (int i = 0; i < 100; i++) {
        const hk_hash query = healthy_hash(&random);
        assert_true(hk__walks_see(&step, &points, &walks, &query, 1, false, 0, 512, DAY));
    }
    assert_null(walks.walk);
    /* A thousand different pictures that hit, each three times over, are no walk, */
    for (int i = 0; i < 3000; i++) {
        static hk_hash query;
        if (i % 3 == 0)
            query = healthy_hash(&random);
        assert_true(hk__walks_see(&step, &points, &walks, &query, 1, true, 0, 512, DAY + 1));
        assert_int_equal(step, 0);
        assert_true(points < 3);
    }
    /* nor is one picture ten thousand times, */
    const hk_hash same = healthy_hash(&random);
    for (int i = 0; i < 10000; i++)
        assert_true(hk__walks_see(&step, &points, &walks, &same, 1, true, 0, 512, DAY + 2));
    assert_int_equal(step, 0);
    /* and a walk among all that is seen, behind whichever of an item's probes it hides. */
    unsigned slowed = 0;
    for (unsigned i = 0; i < 1000 && !slowed; i++) {
        hk_hash probes[3] = {healthy_hash(&random), healthy_hash(&random),
                             at_distance(&same, 30, &random)};
        const hk_hash other = healthy_hash(&random);
        assert_true(hk__walks_see(&step, &points, &walks, probes, 3, i % 2, 2, 512, DAY + 3));
        slowed = step ? i : 0;
        assert_true(hk__walks_see(&step, &points, &walks, &other, 1, true, 0, 512, DAY + 3));
    }
    assert_in_range(slowed, 100, 130);
    hk__walks_clear(&walks);
}

static void test_memory(void **state)
{
    hk__brake *brake = UNTOUCHED;
    hk__walks walks = {NULL};
    uint64_t random = 3;
    unsigned step;
    double points;
    const hk_hash hash = healthy_hash(&random);
    (void)state;
    FAIL_EVERY_ALLOCATION(hk__brake_new(&brake, &defaults, NULL), brake == UNTOUCHED);
    hk__mem_fail_after(0);
    assert_false(hk__walks_see(&step, &points, &walks, &hash, 1, true, 0, 512, 1));
    for (unsigned i = 0; i < 1000; i++) { /* it cannot grow, and goes on */
        char name[24];
        snprintf(name, sizeof name, "%u", i);
        (void)hit(brake, name, 1, DAY + i);
    }
    hk__mem_fail_after(-1);
    hk__brake_free(brake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stock_picture),     cmocka_unit_test(test_known_material),
        cmocka_unit_test(test_flood_by_few),      cmocka_unit_test(test_window),
        cmocka_unit_test(test_many_entries),      cmocka_unit_test(test_walks),
        cmocka_unit_test(test_walk_of_strangers), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
