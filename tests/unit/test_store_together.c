/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_together.c - several processes at one store: two import into one list, and approve,
 * while a third searches it. Nothing is lost, and the one that searches sees no error.
 */
#include "store_unit.h"

#include "match/match.h"

#include <fcntl.h>
#include <sys/wait.h>

enum { IMPORTERS = 2, ROUNDS = 6, FEED = 40000, STEADY = 1000 };

static hk_act act_of(int who)
{
    static const char *const names[] = {"ann", "bob", "eve"};
    return (hk_act){.actor = names[who]};
}

/* Feeds of entries of its own, and one entry that all of them have. */
static void import_rounds(const char *path, int who)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        hk_store *store;
        hk_revision revision;
        hk_error err;
        if (hk_store_open(&store, path, HK_STORE_WRITE, NULL))
            _exit(1);
        hk_import *import;
        hk_import_summary summary;
        hk_import_options options = HK_IMPORT_OPTIONS_INIT;
        options.act = act_of(who);
        if (hk_import_open(&import, store, "known", &options, NULL))
            _exit(2);
        for (uint64_t i = 0; i < FEED; i++) {
            const hk_entry entry =
                unit_entry(i ? ((uint64_t)who << 32) + round * FEED + i : UINT64_C(1) << 60);
            if (hk_import_entry(import, &entry, NULL))
                _exit(3);
        }
        if (hk_import_finish(&summary, import, NULL))
            _exit(4);
        hk_import_free(import);
        /* The other may have approved of this one's too, or proposed more meanwhile. */
        hk_status status;
        do {
            if (hk__sql_run(store->db, "UPDATE batch SET screened = 4294967296", NULL))
                _exit(5);
            status = hk_store_approve(&revision, store, "known", 0, &options.act, &err);
        } while (status && strstr(err.message, "not screened"));
        if (status && !strstr(err.message, "nothing is proposed"))
            _exit(6);
        hk_store_close(store);
    }
    _exit(0);
}

/* Searches for what is always there, until told to stop. */
static void search(const char *path, int stop)
{
    uint64_t searches = 0, last = 0;
    char byte;
    while (read(stop, &byte, 1) < 0) {
        hk_store *store;
        hk_list *list;
        hk_error err;
        if (hk_store_open(&store, path, HK_STORE_READ, &err) ||
            hk_store_list(&list, store, "known", &err)) {
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        if (hk_list_revision(list) < last)
            _exit(2);
        last = hk_list_revision(list);
        hk_match_options options = HK_MATCH_OPTIONS_INIT;
        hk_matcher *matcher;
        if (hk_matcher_new(&matcher, (const hk_list *const *)&list, 1, &options, &err))
            _exit(3);
        for (uint64_t i = 0; i < STEADY; i += 37) {
            const hk_entry entry = unit_entry((UINT64_C(9) << 32) + i);
            const hk__evidence evidence = {.status = HK_FILE_OK, .digests = entry.digests};
            hk__judgement judgement;
            if (hk__judge(&judgement, &(hk__judge_room){0}, matcher, &evidence, &err) ||
                judgement.verdict != HK_VERDICT_EXACT)
                _exit(4);
            hk__judgement_clear(&judgement);
        }
        hk_matcher_free(matcher);
        hk_list_free(list);
        hk_store_close(store);
        searches++;
    }
    _exit(searches > 3 ? 0 : 5);
}

static void assert_ended_well(pid_t child)
{
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

static void test_together(void **unused)
{
    (void)unused;
    unit_store s;
    static hk_entry steady[STEADY];
    pid_t importer[IMPORTERS], searcher;
    int stop[2];
    for (uint64_t i = 0; i < STEADY; i++)
        steady[i] = unit_entry((UINT64_C(9) << 32) + i);
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_import(s.store, "known", "ann", steady, STEADY, false);
    unit_approve(s.store, "known", "ann");
    hk_store_close(s.store);
    s.store = NULL;

    assert_int_equal(pipe2(stop, O_NONBLOCK | O_CLOEXEC), 0);
    searcher = fork();
    if (!searcher) {
        close(stop[1]);
        search(s.path, stop[0]);
    }
    for (int who = 0; who < IMPORTERS; who++)
        if (!(importer[who] = fork()))
            import_rounds(s.path, who);
    for (int who = 0; who < IMPORTERS; who++)
        assert_ended_well(importer[who]);
    close(stop[1]);
    assert_ended_well(searcher);
    close(stop[0]);

    unit_ok(hk_store_open(&s.store, s.path, HK_STORE_READ, &unit_error));
    const hk_list_info info = unit_info(s.store, "known");
    assert_int_equal(info.entries[HK_ENTRY_ACTIVE], STEADY + IMPORTERS * ROUNDS * (FEED - 1) + 1);
    assert_int_equal(info.entries[HK_ENTRY_PROPOSED], 0);
    size_t problems;
    unit_ok(hk_store_verify(&problems, s.store, NULL, NULL, NULL, &unit_error));
    assert_int_equal(problems, 0);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
