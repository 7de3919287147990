/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_kill.c - SIGKILL at random moments of a life: the store opens, holds the old revision
 * or the new one and nothing between, and its check is clean.
 */
#include "store_unit.h"

#include "core/clock.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { STORES = 10, KILLS = 5, FEED = 40000 };

/* What one round does to the list, in three revisions: a feed that adds, replaces and withdraws,
 * its approval, and one entry retracted. */
static void live_a_round(const char *path, unsigned round)
{
    hk_store *store;
    hk_import *import;
    hk_import_summary summary;
    hk_revision revision;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    const hk_act act = {.actor = "ann"};
    char category[16];
    snprintf(category, sizeof category, "%u", round);
    options.act = act;
    options.whole = true;
    if (hk_store_open(&store, path, HK_STORE_WRITE, NULL) ||
        hk_import_open(&import, store, "known", &options, NULL))
        _exit(1);
    for (uint64_t i = 0; i < FEED; i++) {
        hk_entry entry = unit_entry(i + round * (FEED / 10));
        if (i % 7 == 0)
            entry.category = category;
        if (hk_import_entry(import, &entry, NULL))
            _exit(2);
    }
    if (hk_import_finish(&summary, import, NULL))
        _exit(3);
    hk_import_free(import);
    if (hk__sql_run(store->db, "UPDATE batch SET screened = 4294967296", NULL) ||
        hk_store_approve(&revision, store, "known", 0, &act, NULL))
        _exit(4);
    hk_store_close(store);
    _exit(0);
}

/* Runs a round to its end. Returns how many microseconds it took. */
static uint64_t run_a_round(const char *path, unsigned round)
{
    int how;
    const uint64_t start = hk__clock_ns();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        live_a_round(path, round);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    return (hk__clock_ns() - start) / 1000;
}

/* Runs a round and kills it after `us` microseconds. False: it came to its end first. */
static bool kill_a_round(const char *path, unsigned round, uint64_t us)
{
    int how;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        live_a_round(path, round);
    const struct timespec wait = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how);
}

/* The states of a list, and what is proposed for it. */
typedef struct state {
    uint64_t revision, entries[HK_ENTRY_STATES], withdrawals, replacements;
} state;

static state state_of(const char *path)
{
    hk_store *store;
    unit_ok(hk_store_open(&store, path, HK_STORE_READ, &unit_error));
    const hk_list_info info = unit_info(store, "known");
    state now = {.revision = info.revision,
                 .withdrawals = info.proposed_withdrawals,
                 .replacements = info.proposed_replacements};
    memcpy(now.entries, info.entries, sizeof now.entries);
    hk_store_close(store);
    return now;
}

static void say_problem(void *context, const char *message)
{
    (void)context;
    print_error("%s\n", message);
}

static void assert_clean(const char *path)
{
    hk_store *store;
    size_t problems;
    unit_ok(hk_store_open(&store, path, HK_STORE_READ, &unit_error));
    unit_ok(hk_store_verify(&problems, store, say_problem, NULL, NULL, &unit_error));
    assert_int_equal(problems, 0);
    hk_store_close(store);
}

/* A store in the state of another, as it would be had nobody been killed. */
static void copy_store(const char *from, const char *to)
{
    hk_store *store;
    char sql[256];
    unlink(to);
    unit_ok(hk_store_open(&store, from, HK_STORE_WRITE, &unit_error));
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", to);
    unit_ok(hk__sql_run(store->db, sql, &unit_error));
    hk_store_close(store);
}

/* A store of its own is killed KILLS times; they grow, and so does the time that checking takes. */
static void kill_a_store(unsigned found_at[3], uint64_t *random)
{
    unit_store s;
    unsigned killed = 0;
    char whole[96];
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    hk_store_close(s.store);
    s.store = NULL;
    snprintf(whole, sizeof whole, "%s/whole.db", s.folder);
    for (unsigned round = 0; killed < KILLS; round++) {
        /* First to its end, on a copy: so the states are known that it may be found in. */
        const state before = state_of(s.path);
        copy_store(s.path, whole);
        const uint64_t took = run_a_round(whole, round);
        const state after = state_of(whole);
        if (!kill_a_round(s.path, round, next_random(random) % took))
            continue;
        killed++;
        const state found = state_of(s.path);
        assert_clean(s.path);
        assert_in_range(found.revision, before.revision, after.revision);
        found_at[found.revision - before.revision]++;
        if (found.revision == before.revision)
            assert_memory_equal(&found, &before, sizeof found);
        else if (found.revision == after.revision)
            assert_memory_equal(&found, &after, sizeof found);
        else /* proposed, not approved */
            assert_int_equal(found.entries[HK_ENTRY_ACTIVE], before.entries[HK_ENTRY_ACTIVE]);
    }
    unit_store_remove(&s);
}

static void test_kill(void **unused)
{
    (void)unused;
    uint64_t random = (uint64_t)time(NULL);
    unsigned found_at[3] = {0};
    print_message("seed %llu\n", (unsigned long long)random);
    for (int i = 0; i < STORES; i++)
        kill_a_store(found_at, &random);
    print_message("killed %u times: found at the old revision %u times, with the proposal %u, at "
                  "the new one %u\n",
                  STORES * KILLS, found_at[0], found_at[1], found_at[2]);
    assert_true(found_at[0] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
