/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_store_rollback.c - whatever was done to a list, going back to a revision gives the export of
 * that revision, byte for byte; and so does looking at the revision without going back.
 */
#include "store_unit.h"

enum { OPERATIONS = 60, ENTRIES = 120, MOST_REVISIONS = 4 * OPERATIONS };

/* The exports of the list `known` at each of its revisions. */
typedef struct memory {
    uint64_t revision[MOST_REVISIONS];
    char *csv[MOST_REVISIONS];
    size_t count;
} memory;

static char *export_of(unit_store *s, uint64_t revision, unsigned states)
{
    uint64_t written, left_out;
    char path[96], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/out.csv", s->folder);
    unit_ok(hk_store_export(&written, &left_out, s->store, "known", revision, states, "csv", path,
                            &unit_error));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size = (size_t)ftell(file);
    rewind(file);
    text = calloc(1, size + 1);
    assert_int_equal(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

/* Everything but what is absent: that a rollback should bring nothing up from elsewhere. */
static const unsigned all_states = ((1u << HK_ENTRY_STATES) - 1) & ~(1u << HK_ENTRY_ABSENT);

static void remember(memory *m, unit_store *s)
{
    const uint64_t now = unit_info(s->store, "known").revision;
    if (m->count && m->revision[m->count - 1] == now)
        return;
    assert_in_range(m->count, 0, MOST_REVISIONS - 1);
    m->revision[m->count] = now;
    m->csv[m->count++] = export_of(s, 0, all_states);
}

static hk_entry random_entry(uint64_t *random)
{
    static const char *const ids[] = {"A", "B", "C, \"quoted\"", "D"};
    static const char *const categories[] = {NULL, "1", "2"};
    hk_entry entry = unit_entry(next_random(random) % ENTRIES);
    if (next_random(random) % 3 == 0)
        entry.id = ids[next_random(random) % COUNT_OF(ids)];
    if (next_random(random) % 20 == 0)
        memset(&entry.hash, 0, sizeof entry.hash); /* suspicious */
    entry.category = categories[next_random(random) % 8 < 6 ? 0 : next_random(random) % 3];
    return entry;
}

/* A number that may be an entry of the list, in whatever state. */
static uint32_t random_number(unit_store *s, uint64_t *random)
{
    int64_t most;
    unit_ok(hk__sql_number(&most, 1, s->store->db, &unit_error, "SELECT max(id) FROM entry", ""));
    return (uint32_t)(1 + next_random(random) % (uint64_t)most);
}

/* One step of any sort; what is refused is refused, and must change nothing. */
static void operate(unit_store *s, memory *m, uint64_t *random)
{
    const hk_act act = {.actor = "ann", .at = 5};
    hk_entry feed[ENTRIES];
    hk_revision revision;
    uint32_t number = random_number(s, random);
    const size_t count = 1 + next_random(random) % 30;
    switch (next_random(random) % 8) {
    case 0:
    case 1:
    case 2:
        for (size_t i = 0; i < count; i++)
            feed[i] = random_entry(random);
        unit_import(s->store, next_random(random) % 4 ? "known" : "other", "ann", feed, count,
                    next_random(random) % 4 == 0);
        break;
    case 3:
    case 4:
        unit_skip_screening(s->store);
        (void)!hk_store_approve(&revision, s->store, "known", 0, &act, NULL);
        break;
    case 5:
        (void)!hk_store_retract(&revision, s->store, "known", &number, 1, &act, NULL);
        break;
    case 6:
        (void)!hk_store_approve_entries(&revision, s->store, "known", &number, 1, &act, NULL);
        break;
    default:
        if (next_random(random) % 2)
            (void)!hk_store_rollback(&revision, s->store, "known",
                                     m->revision[next_random(random) % m->count], &act, NULL);
        break;
    }
}

static void check_past(unit_store *s, const memory *m, size_t which)
{
    const hk_act act = {.actor = "bob"};
    hk_revision revision;
    hk_error err;
    char *then = export_of(s, m->revision[which], all_states);
    assert_string_equal(then, m->csv[which]);
    free(then);
    if (hk_store_rollback(&revision, s->store, "known", m->revision[which], &act, &err))
        assert_non_null(strstr(err.message, "already")); /* nothing has changed since */
    then = export_of(s, 0, all_states);
    assert_string_equal(then, m->csv[which]);
    free(then);
}

static void run_a_history(uint64_t seed)
{
    unit_store s;
    memory m = {0};
    size_t problems;
    unit_store_make(&s);
    unit_create(s.store, "known", false, false);
    unit_create(s.store, "other", false, false);
    const hk_entry first = unit_entry(1);
    unit_import(s.store, "known", "ann", &first, 1, false);
    remember(&m, &s);
    for (int i = 0; i < OPERATIONS; i++) {
        operate(&s, &m, &seed);
        remember(&m, &s);
    }
    for (size_t i = 0; i < m.count; i++)
        check_past(&s, &m, next_random(&seed) % m.count);
    check_past(&s, &m, 0);
    unit_ok(hk_store_verify(&problems, s.store, NULL, NULL, NULL, &unit_error));
    assert_int_equal(problems, 0);
    for (size_t i = 0; i < m.count; i++)
        free(m.csv[i]);
    unit_store_remove(&s);
}

static void test_histories(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        run_a_history(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
