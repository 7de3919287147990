/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_audit_kill.c - eight threads append; SIGKILL at random moments: what was acknowledged is
 * there, and the log is whole.
 */
#include "ledger_unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { THREADS = 8, EACH = 2000, KILLS = 12 };

typedef struct appender {
    pthread_t thread;
    hk__audit *audit;
    unsigned index, count;
    atomic_uint *acknowledged; /* the last one's number of this thread, shared with the parent */
} appender;

static void *run(void *context)
{
    appender *a = context;
    char body[200];
    uint64_t last = 0, number;
    for (unsigned i = 1; i <= a->count; i++) {
        const int length =
            snprintf(body, sizeof body,
                     "\"kind\":\"check\",\"thread\":%u,\"i\":%u,\"name\":\"acme\",\"items\":1000,"
                     "\"exact\":0,\"near\":2,\"none\":998,\"not_checked\":0",
                     a->index, i);
        if (hk__audit_append(&number, a->audit, body, (size_t)length, NULL) || number <= last)
            return (void *)"failed";
        last = number;
        atomic_store(a->acknowledged, i);
    }
    return NULL;
}

static bool append_all(hk__audit *audit, atomic_uint *acknowledged, unsigned count)
{
    appender a[THREADS];
    bool good = true;
    for (unsigned t = 0; t < THREADS; t++) {
        a[t] = (appender){
            .audit = audit, .index = t, .count = count, .acknowledged = &acknowledged[t]};
        if (pthread_create(&a[t].thread, NULL, run, &a[t]))
            return false;
    }
    for (unsigned t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(a[t].thread, &failed);
        good = good && !failed;
    }
    return good;
}

/* The last `i` of each thread that is in the log; they must come one after another. */
typedef struct seen {
    unsigned last[THREADS];
} seen;

static bool see(void *context, uint64_t number, const char *record, size_t length)
{
    seen *s = context;
    unsigned thread, i;
    const char *at = memmem(record, length, "\"thread\":", 9);
    (void)number;
    if (at) {
        assert_int_equal(sscanf(at, "\"thread\":%u,\"i\":%u", &thread, &i), 2);
        assert_true(thread < THREADS);
        assert_int_equal(i, s->last[thread] + 1);
        s->last[thread] = i;
    }
    return true;
}

static void note(const unit_ledger *u, const hk__head *head)
{
    hk_keys *keys;
    unit_ok(hk_keys_open(&keys, u->db, true, &unit_error));
    unit_ok(hk__mark_write(keys, head, head->number, &unit_error));
    hk_keys_close(keys);
}

static void test_threads(void **state)
{
    const hk__audit_options options = {.file_bytes = 1 << 20};
    unit_ledger u;
    hk__audit *audit;
    hk__head head = {0};
    hk__audit_counts counts;
    seen s = {{0}};
    atomic_uint acknowledged[THREADS] = {0};
    (void)state;
    unit_ledger_make(&u);
    unit_ok(hk__audit_open(&audit, u.db, &head, &options, &unit_error));
    const uint64_t start = hk__clock_ns();
    assert_true(append_all(audit, acknowledged, EACH));
    const double us = (double)(hk__clock_ns() - start) / 1000;
    hk__audit_count(&counts, audit);
    print_message("%d appends from %d threads: %.2f us each, %.1f in a batch\n", THREADS * EACH,
                  THREADS, us / (THREADS * EACH), (double)counts.records / (double)counts.batches);
    unit_ok(hk__audit_sync(&head, audit, &unit_error));
    assert_int_equal(counts.failed, 0);
    note(&u, &head);
    hk__audit_close(audit);
    unit_clean(&u);
    unit_ok(hk_audit_read(u.db, 1, see, &s, &unit_error));
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(s.last[t], EACH);
    unit_ledger_remove(&u);
}

/* A life that is cut short; what it acknowledged is in shared memory. */
static void live(const unit_ledger *u, const hk__head *anchor, atomic_uint *acknowledged)
{
    const hk__audit_options options = {.file_bytes = 1 << 17};
    hk__audit *audit;
    if (hk__audit_open(&audit, u->db, anchor, &options, NULL))
        _exit(1);
    _exit(append_all(audit, acknowledged, 1000000) ? 2 : 3);
}

static void test_kills(void **state)
{
    uint64_t random = 3;
    (void)state;
    atomic_uint *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(acknowledged, MAP_FAILED);
    for (int round = 0; round < KILLS; round++) {
        unit_ledger u;
        int how;
        seen s = {{0}};
        hk__audit *audit;
        hk__head head = {0};
        const hk__audit_options options = {.file_bytes = 1 << 17};
        unit_ledger_make(&u);
        note(&u, &head);
        memset(acknowledged, 0, 4096);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (!child)
            live(&u, &head, acknowledged);
        const struct timespec wait = {0, (long)(5000000 + next_random(&random) % 100000000)};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        assert_int_equal(unit_verify(NULL, &u, NULL), 0); /* before anybody goes on */
        unit_ok(hk__audit_open(&audit, u.db, &head, &options, &unit_error));
        unit_ok(hk__audit_append(NULL, audit, "\"kind\":\"after\"", 14, &unit_error));
        unit_ok(hk__audit_sync(&head, audit, &unit_error));
        hk__audit_close(audit);
        note(&u, &head);
        unit_clean(&u);
        unit_ok(hk_audit_read(u.db, 1, see, &s, &unit_error));
        for (unsigned t = 0; t < THREADS; t++)
            assert_true(s.last[t] >= atomic_load(&acknowledged[t]));
        unit_ledger_remove(&u);
    }
    munmap(acknowledged, 4096);
}

/* Many threads that ask for answers, while keys are changed and the log is read. */
typedef struct asker {
    pthread_t thread;
    hk_ledger *ledger;
    const unit_key *key;
    unsigned index;
} asker;

static void *ask(void *context)
{
    asker *a = context;
    uint64_t random = a->index;
    for (unsigned i = 0; i < 300; i++) {
        const hk_hash hash = healthy_hash(&random);
        hk_caller caller;
        hk_match match;
        hk_asked items[2] = {unit_near(&match, &hash, i % 3 ? "hot" : "cold", 5),
                             {.verdict = HK_VERDICT_NONE, .hashes = &hash, .hash_count = 1}};
        if (unit_admit(&caller, a->ledger, a->key, 2) ||
            hk_ledger_answer(NULL, a->ledger, &caller, items, 2, "::1", NULL))
            return (void *)"failed";
        if (i % 100 == 0 && *items[0].match_id &&
            hk_ledger_feedback(a->ledger, &caller, items[0].match_id, false, "no", NULL, NULL))
            return (void *)"feedback failed";
    }
    return NULL;
}

static void test_ledger_threads(void **state)
{
    unit_ledger u;
    hk_ledger *ledger;
    hk_keys *keys;
    unit_key key[THREADS];
    asker a[THREADS];
    hk_ledger_stats stats;
    char name[16];
    (void)state;
    unit_ledger_make(&u);
    for (unsigned t = 0; t < THREADS; t++) {
        snprintf(name, sizeof name, "host%u", t);
        const hk_client_settings settings = unit_settings(name);
        key[t] = unit_make_key(&u, &settings);
    }
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    options.sync_ms = 20;
    options.audit_bytes = 1 << 15; /* files are finished under the eyes of verify */
    unit_ok(hk_ledger_open(&ledger, u.db, &options, &unit_error));
    for (unsigned t = 0; t < THREADS; t++) {
        a[t] = (asker){.ledger = ledger, .key = &key[t], .index = t};
        assert_int_equal(pthread_create(&a[t].thread, NULL, ask, &a[t]), 0);
    }
    unit_ok(hk_keys_open(&keys, u.db, false, &unit_error));
    for (int i = 0; i < 3; i++) {
        char text[HK_KEY_TEXT_SIZE];
        uint64_t number;
        const struct timespec wait = {0, 100000000};
        unit_ok(hk_key_rotate(text, &number, keys, "host0", 1000, &unit_act, &unit_error));
        nanosleep(&wait, NULL);
        for (int j = 0; j < 5; j++)
            unit_clean(&u); /* beside the writer */
    }
    hk_keys_close(keys);
    for (unsigned t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(a[t].thread, &failed);
        if (failed)
            print_error("%s\n", (const char *)failed);
        assert_null(failed);
    }
    hk_ledger_get_stats(&stats, ledger);
    assert_int_equal(stats.admissions[HK_ADMITTED], THREADS * 300);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(stats.clients, THREADS);
    assert_true(stats.brakes >= 1);
    hk_ledger_close(ledger);
    unit_clean(&u);
    unit_ledger_remove(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_ledger_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
