/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_reading.c - going through the entries of a store at every revision, against a model that
 * keeps the state of everything at each of them; finding, and what a reading costs.
 */
#include "store_world.h"

enum { LISTS = 3, ENTRIES = 400, REVISIONS = 120, BATCHES = 64, CHANGES = 12 };

/* ---- the model ----------------------------------------------------------------------------- */

typedef struct moment {
    uint8_t batch[BATCHES], own[ENTRIES + 1];
} moment;

typedef struct model {
    world w;
    int64_t list[LISTS];
    uint64_t first_revision[LISTS], newest;
    int batches;
    int list_of[BATCHES];
    uint64_t imported[BATCHES]; /* 0: never finished */
    int batch_of[ENTRIES + 1];
    unsigned suspicions[ENTRIES + 1];
    uint32_t replaces[ENTRIES + 1];
    moment *at; /* by revision */
    moment now;
} model;

static const char *const list_names[LISTS] = {"a", "b", "c"};

static uint32_t below(model *m, uint32_t bound)
{
    return (uint32_t)(next_random(&m->w.seed) % bound);
}

/* The table of store.h, a second time. */
static hk_entry_state state_by_table(int batch, int own, unsigned suspicions)
{
    static const hk_entry_state proposed[] = {HK_ENTRY_PROPOSED,  HK_ENTRY_PROPOSED,
                                              HK_ENTRY_PROPOSED,  HK_ENTRY_QUARANTINED,
                                              HK_ENTRY_WITHDRAWN, HK_ENTRY_REPLACED};
    static const hk_entry_state active[] = {HK_ENTRY_ACTIVE,    HK_ENTRY_PROPOSED,
                                            HK_ENTRY_ACTIVE,    HK_ENTRY_QUARANTINED,
                                            HK_ENTRY_WITHDRAWN, HK_ENTRY_REPLACED};
    if (batch == HK_ENTRY_ABSENT)
        return HK_ENTRY_ABSENT;
    if (batch == HK_ENTRY_PROPOSED)
        return own || !suspicions ? proposed[own] : HK_ENTRY_QUARANTINED;
    return active[own];
}

static hk_entry_state state_at(const model *m, uint64_t revision, uint32_t entry)
{
    const moment *at = revision ? m->at + revision : &m->now;
    return state_by_table(at->batch[m->batch_of[entry]], at->own[entry], m->suspicions[entry]);
}

static bool is_of(const model *m, uint32_t entry, int list)
{
    const int batch = m->batch_of[entry];
    return m->list_of[batch] == list && m->imported[batch];
}

static void keep(model *m, uint64_t revision)
{
    assert_true(revision < REVISIONS + LISTS + BATCHES + 1);
    m->newest = revision;
    m->at[revision] = m->now;
}

static void make_entry(model *m, int batch)
{
    hk_entry entry = HK_ENTRY_INIT;
    char id[32];
    const uint32_t number = m->w.next;
    const int list = m->list_of[batch];
    snprintf(id, sizeof id, "id-%u", number % 50);
    entry.id = number % 7 ? id : NULL;
    entry.has_hash = true;
    entry.hash = healthy_hash(&m->w.seed);
    m->suspicions[number] = below(m, 4) ? 0 : HK_SUSPECT_CROWDED | HK_SUSPECT_LOW_QUALITY;
    m->batch_of[number] = batch;
    assert_int_equal(world_entry(&m->w, batch, &entry, m->suspicions[number]), number);
    if (m->suspicions[number]) {
        unit_ok(hk__sql_do(m->w.s.store->db, &unit_error,
                           "INSERT INTO suspicion VALUES(?1, 32, 'b'), (?1, 2, 'a')", "i",
                           (int64_t)number));
    }
    const uint32_t older = 1 + below(m, number);
    if (number % 5 == 0 && older != number && is_of(m, older, list) &&
        !world_number(&m->w, "SELECT count(*) FROM step WHERE entry = ?1", older)) {
        world_step(&m->w, batch, older, number);
        m->replaces[number] = older;
    }
}

/* Two batches at a time, whose spans lie between each other's; numbers are left out. */
static void import_two(model *m)
{
    int batch[2];
    for (int i = 0; i < 2; i++) {
        const int list = (m->batches / 2 + i) % LISTS;
        batch[i] = (int)world_batch(&m->w, m->list[list]);
        assert_true(batch[i] < BATCHES);
        m->list_of[batch[i]] = list;
        m->batches = batch[i] + 1;
    }
    const int spans = 1 + (int)below(m, 3);
    for (int s = 0; s < 2 * spans; s++) {
        const uint32_t first = m->w.next, count = below(m, 4), skip = below(m, 2);
        for (uint32_t i = 0; i < count; i++)
            make_entry(m, batch[s % 2]);
        m->w.next += skip;
        world_span(&m->w, batch[s % 2], first, count + skip);
    }
    for (int i = 1; i >= 0; i--) {
        if (below(m, 6) == 0)
            continue; /* stopped: it is nobody's */
        m->imported[batch[i]] = m->newest + 1;
        m->now.batch[batch[i]] = HK_ENTRY_PROPOSED;
        keep(m, world_propose(&m->w, batch[i]));
    }
}

/* Any states at all, whether a person could bring them about or not. */
static void change_some(model *m, int list)
{
    hk__revising revising;
    world_begin(&m->w, &revising, m->list[list], HK_REVISION_RETRACT);
    for (int i = 0; i < CHANGES; i++) {
        static const uint8_t own[] = {HK_ENTRY_ABSENT, HK_ENTRY_ACTIVE, HK_ENTRY_QUARANTINED,
                                      HK_ENTRY_WITHDRAWN, HK_ENTRY_REPLACED};
        const uint32_t entry = 1 + below(m, m->w.next - 1);
        const uint8_t state = own[below(m, COUNT_OF(own))];
        if (!m->batch_of[entry] || !is_of(m, entry, list))
            continue;
        unit_ok(hk__revise_entry(&revising, entry, m->now.own[entry], state, &unit_error));
        m->now.own[entry] = state;
    }
    const int batch = 1 + (int)below(m, (uint32_t)m->batches - 1);
    if (m->list_of[batch] == list && m->imported[batch]) {
        const uint8_t state = (uint8_t)below(m, 3);
        unit_ok(hk__revise_batch(&revising, batch, m->now.batch[batch], state, &unit_error));
        m->now.batch[batch] = state;
    }
    keep(m, world_end(&m->w, &revising));
}

static int make_model(void **state)
{
    model *m = calloc(1, sizeof *m);
    world_open(&m->w, 20);
    m->at = calloc(REVISIONS + LISTS + BATCHES + 1, sizeof *m->at);
    m->batches = 1;
    for (int i = 0; i < LISTS; i++) {
        m->list[i] = world_list(&m->w, list_names[i]);
        m->first_revision[i] = m->newest + 1;
        keep(m, m->newest + 1);
    }
    for (int i = 0; i < REVISIONS; i++)
        if (i % 4 == 0 && m->batches + 2 < BATCHES && m->w.next + 40 < ENTRIES)
            import_two(m);
        else
            change_some(m, (int)below(m, LISTS));
    assert_true(m->w.next > 150);
    *state = m;
    return 0;
}

static int drop_model(void **state)
{
    model *m = *state;
    world_close(&m->w);
    free(m->at);
    free(m);
    return 0;
}

/* ---- against the model --------------------------------------------------------------------- */

static const hk_listed *next_of(hk_reading *reading)
{
    const hk_listed *listed = UNTOUCHED;
    unit_ok(hk_reading_next(&listed, reading, &unit_error));
    assert_ptr_not_equal(listed, UNTOUCHED);
    return listed;
}

static void check_listed(const model *m, const hk_listed *listed, uint32_t number)
{
    char id[32];
    assert_non_null(listed);
    assert_int_equal(listed->number, number);
    assert_int_equal(listed->suspicions, m->suspicions[number]);
    assert_int_equal(listed->imported, m->imported[m->batch_of[number]]);
    assert_int_equal(listed->replaces, m->replaces[number]);
    snprintf(id, sizeof id, "id-%u", number % 50);
    if (number % 7)
        assert_string_equal(listed->entry.id, id);
    else
        assert_null(listed->entry.id);
    if (m->suspicions[number])
        assert_string_equal(listed->why, "a\nb");
    else
        assert_null(listed->why);
}

static size_t check_listing(model *m, int list, uint64_t revision, unsigned states)
{
    hk_reading *reading;
    size_t count = 0;
    unit_ok(
        hk_reading_open(&reading, m->w.s.store, list_names[list], revision, states, &unit_error));
    for (uint32_t n = 1; n < m->w.next; n++) {
        if (!m->batch_of[n] || !is_of(m, n, list) || !(states >> state_at(m, revision, n) & 1))
            continue;
        const hk_listed *listed = next_of(reading);
        check_listed(m, listed, n);
        assert_int_equal(listed->state, state_at(m, revision, n));
        assert_int_equal(listed->before, HK_ENTRY_ABSENT);
        count++;
    }
    assert_null(next_of(reading));
    assert_null(next_of(reading));
    hk_reading_close(reading);
    return count;
}

static void test_every_revision(void **state)
{
    model *m = *state;
    size_t seen = 0;
    for (int list = 0; list < LISTS; list++)
        for (uint64_t revision = m->first_revision[list]; revision <= m->newest; revision++) {
            check_listing(m, list, revision, (1u << HK_ENTRY_STATES) - 1);
            for (int i = 0; i < 4; i++)
                seen += check_listing(m, list, revision, below(m, 1u << HK_ENTRY_STATES));
            for (int i = 0; i < HK_ENTRY_STATES; i++)
                seen += check_listing(m, list, revision, 1u << i);
        }
    for (int list = 0; list < LISTS; list++)
        for (unsigned states = 0; states < 1u << HK_ENTRY_STATES; states++)
            seen += check_listing(m, list, 0, states);
    assert_true(seen > 10000);
}

static void check_comparison(model *m, int list, uint64_t from, uint64_t to, size_t *seen)
{
    hk_reading *reading;
    unit_ok(hk_reading_compare(&reading, m->w.s.store, list_names[list], from, to, &unit_error));
    for (uint32_t n = 1; n < m->w.next; n++) {
        if (!m->batch_of[n] || !is_of(m, n, list) || state_at(m, from, n) == state_at(m, to, n))
            continue;
        const hk_listed *listed = next_of(reading);
        check_listed(m, listed, n);
        assert_int_equal(listed->before, state_at(m, from, n));
        assert_int_equal(listed->state, state_at(m, to, n));
        ++*seen;
    }
    assert_null(next_of(reading));
    hk_reading_close(reading);
}

static void test_compare(void **state)
{
    model *m = *state;
    size_t seen = 0;
    for (int list = 0; list < LISTS; list++)
        for (uint64_t from = m->first_revision[list]; from <= m->newest; from++) {
            check_comparison(m, list, from, 0, &seen);
            check_comparison(m, list, 0, from, &seen);
            check_comparison(m, list, from, from, &seen);
            for (int i = 0; i < 5; i++) {
                const uint64_t first = m->first_revision[list];
                const uint64_t to = first + below(m, (uint32_t)(m->newest - first) + 1);
                check_comparison(m, list, from, to, &seen);
            }
        }
    assert_true(seen > 1000);
}

static void note_state(void *context, const hk_revision *revision, hk_entry_state state)
{
    hk_entry_state *of = context;
    assert_string_equal(revision->actor, "ada");
    assert_int_equal(strlen(revision->mark), 16);
    of[revision->number] = state;
}

static void test_history(void **state)
{
    model *m = *state;
    hk_entry_state *told = calloc(m->newest + 1, sizeof *told);
    for (uint32_t n = 1; n < m->w.next; n++) {
        if (!m->batch_of[n] || !m->imported[m->batch_of[n]]) {
            FAILS(hk_store_history(m->w.s.store, n, note_state, told, &err), HK_ERR_USAGE,
                  "there is no entry #");
            continue;
        }
        for (uint64_t r = 0; r <= m->newest; r++)
            told[r] = HK_ENTRY_STATES;
        unit_ok(hk_store_history(m->w.s.store, n, note_state, told, &unit_error));
        hk_entry_state before = HK_ENTRY_ABSENT;
        for (uint64_t r = 1; r <= m->newest; r++) {
            const hk_entry_state now = state_at(m, r, n);
            assert_int_equal(told[r], now == before ? HK_ENTRY_STATES : now);
            before = now;
        }
    }
    free(told);
}

/* ---- finding ------------------------------------------------------------------------------- */

static void check_found(hk_store *store, const char *list, const char *what, uint32_t first,
                        uint32_t second)
{
    hk_reading *reading;
    const uint32_t expected[] = {first, second, 0};
    unit_ok(hk_reading_find(&reading, store, list, what, &unit_error));
    for (int i = 0; expected[i]; i++) {
        const hk_listed *listed = next_of(reading);
        if (!listed)
            print_error("not found: %s\n", what);
        assert_non_null(listed);
        assert_int_equal(listed->number, expected[i]);
    }
    assert_null(next_of(reading));
    hk_reading_close(reading);
}

#define HEX_32 "00112233445566778899aabbccddeeff"
#define HEX_40 "00112233445566778899aabbccddeeff01234567"
#define HEX_64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f"
#define HEX_64_OTHER "f0112233445566778899aabbccddeeff00112233445566778899aabbccddee0f"

static void test_find_in_model(void **state)
{
    model *m = *state;
    for (int list = 0; list < LISTS; list++)
        for (uint32_t n = 1; n < m->w.next; n++) {
            char text[HK_HASH_TEXT_SIZE];
            hk_reading *reading;
            const bool there = m->batch_of[n] && is_of(m, n, list);
            snprintf(text, sizeof text, "#%u", n);
            check_found(m->w.s.store, list_names[list], text, there ? n : 0, 0);
            if (!there)
                continue;
            unit_ok(hk_reading_find(&reading, m->w.s.store, list_names[list], text, &unit_error));
            const hk_listed *listed = next_of(reading);
            assert_int_equal(listed->state, state_at(m, 0, n));
            hk_hash_format(text, &listed->entry.hash);
            hk_reading_close(reading);
            check_found(m->w.s.store, list_names[list], text, n, 0);
        }
    for (uint32_t i = 0; i < 50; i++) { /* all versions of one id, in order */
        char id[32];
        hk_reading *reading;
        snprintf(id, sizeof id, "id-%u", i);
        unit_ok(hk_reading_find(&reading, m->w.s.store, "b", id, &unit_error));
        for (uint32_t n = 1; n < m->w.next; n++)
            if (n % 7 && n % 50 == i && m->batch_of[n] && is_of(m, n, 1))
                check_listed(m, next_of(reading), n);
        assert_null(next_of(reading));
        hk_reading_close(reading);
    }
}

static void test_find_values(void **state)
{
    (void)state;
    world w;
    world_open(&w, 1);
    const int64_t batch = world_batch(&w, world_list(&w, "known"));
    hk_entry md5 = HK_ENTRY_INIT, sha1 = HK_ENTRY_INIT, sha256 = HK_ENTRY_INIT, pdq = HK_ENTRY_INIT,
             exact = HK_ENTRY_INIT, named = HK_ENTRY_INIT;
    md5.digests.present = HK_DIGEST_MD5;
    sha1.digests.present = HK_DIGEST_SHA1;
    sha256.digests.present = HK_DIGEST_SHA256;
    for (int i = 0; i < 32; i++) {
        const uint8_t byte = (uint8_t)(i % 16 * 0x11);
        if (i < 16)
            md5.digests.md5[i] = byte;
        if (i < 20)
            sha1.digests.sha1[i] = i < 16 ? byte : (uint8_t)(0x01 + (i - 16) * 0x22);
        sha256.digests.sha256[i] = i < 31 ? byte : 0x0f;
    }
    pdq.has_hash = exact.has_exact_hash = true;
    unit_ok(hk_hash_parse(&pdq.hash, HEX_64, 64, &unit_error));
    unit_ok(hk_hash_parse(&exact.exact_hash, HEX_64_OTHER, 64, &unit_error));
    world_span(&w, batch, w.next, 9);
    world_entry(&w, batch, &md5, 0);    /* 1 */
    world_entry(&w, batch, &sha1, 0);   /* 2 */
    world_entry(&w, batch, &sha256, 0); /* 3 */
    world_entry(&w, batch, &pdq, 0);    /* 4 */
    world_entry(&w, batch, &exact, 0);  /* 5 */
    const char *const ids[] = {HEX_32, "abcd", "#abc", "#6"};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        named = md5;
        named.digests.md5[0] ^= 1;
        named.id = ids[i];
        world_entry(&w, batch, &named, 0); /* 6 to 9 */
    }
    check_found(w.s.store, "known", "#1", 0, 0); /* nobody's yet */
    check_found(w.s.store, "known", HEX_32, 0, 0);
    world_propose(&w, batch);
    check_found(w.s.store, "known", HEX_32, 1, 6);
    check_found(w.s.store, "known", "00112233445566778899AABBCCDDEEFF", 1, 0);
    check_found(w.s.store, "known", HEX_40, 2, 0);
    check_found(w.s.store, "known", HEX_64, 3, 4);
    check_found(w.s.store, "known", HEX_64_OTHER, 5, 0);
    check_found(w.s.store, "known", "abcd", 7, 0);
    check_found(w.s.store, "known", "ABCD", 0, 0);
    check_found(w.s.store, "known", "#abc", 8, 0);
    check_found(w.s.store, "known", "#6", 6, 0); /* a number is a number */
    const char *const nothing[] = {"",
                                   "#",
                                   "#0",
                                   "#10",
                                   "#4294967295",
                                   "#99999999999999999999",
                                   "#1 ",
                                   "0011223344556677",
                                   HEX_64 "00",
                                   "x"};
    for (size_t i = 0; i < COUNT_OF(nothing); i++)
        check_found(w.s.store, "known", nothing[i], 0, 0);
    world_sql(&w, "UPDATE entry_key SET entry = 2 WHERE entry = 7"); /* another of that key */
    check_found(w.s.store, "known", "abcd", 0, 0);
    world_close(&w);
}

/* ---- one state of things ------------------------------------------------------------------- */

static void test_changes_meanwhile(void **state)
{
    (void)state;
    world w;
    hk_reading *all, *diff;
    world_open(&w, 2);
    const int64_t list = world_list(&w, "known");
    const int64_t batch = world_batch(&w, list);
    for (int i = 0; i < 10; i++, w.next++) /* a number is missing after each span: ten ranges */
        world_entries(&w, batch, 20);
    const uint64_t imported = world_propose(&w, batch);
    world_approve(&w, "known");
    unit_ok(hk_reading_open(&all, w.s.store, "known", 0, 1u << HK_ENTRY_ACTIVE, &unit_error));
    unit_ok(hk_reading_compare(&diff, w.s.store, "known", imported, 0, &unit_error));
    for (uint32_t n = 1; n < 210; n++) {
        if (n % 21 == 0)
            continue;
        const hk_listed *listed = next_of(all), *changed = next_of(diff);
        assert_int_equal(listed->number, n);
        assert_int_equal(listed->state, HK_ENTRY_ACTIVE);
        assert_int_equal(changed->number, n);
        assert_int_equal(changed->before, HK_ENTRY_PROPOSED);
        if (n % 21 == 20) { /* behind it and before it, with the caller's own store */
            world_retract(&w, "known", n);
            world_retract(&w, "known", 210 - n);
            const int64_t more = world_batch(&w, list);
            world_entries(&w, more, 3);
            world_propose(&w, more);
        }
    }
    assert_null(next_of(all));
    assert_null(next_of(diff));
    hk_store_close(w.s.store); /* the reading needs it no longer */
    hk_reading_close(all);
    hk_reading_close(diff);
    unit_ok(hk_store_open(&w.s.store, w.s.path, HK_STORE_READ, &unit_error));
    unit_ok(hk_reading_open(&all, w.s.store, "known", 0, 1u << HK_ENTRY_WITHDRAWN, &unit_error));
    assert_int_equal(next_of(all)->number, 1);
    assert_int_equal(next_of(all)->number, 20);
    assert_int_equal(next_of(all)->number, 22);
    hk_reading_close(all);
    world_close(&w);
}

/* ---- what it costs ------------------------------------------------------------------------- */

enum { OPERATIONS = 100 };
static long steps_taken; /* of SQLite's machine, by OPERATIONS, on every connection */

static int count_steps(void *context)
{
    (void)context;
    steps_taken++;
    return 0;
}

static int watch(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    sqlite3_progress_handler(db, OPERATIONS, count_steps, NULL);
    return SQLITE_OK;
}

static size_t count_rest(hk_reading *reading)
{
    size_t count = 0;
    while (next_of(reading))
        count++;
    hk_reading_close(reading);
    return count;
}

static void test_costs(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    world w;
    hk_reading *reading;
    world_open(&w, 3);
    const int64_t large = world_batch(&w, world_list(&w, "large"));
    const int64_t small = world_batch(&w, world_list(&w, "small"));
    world_sql(&w, "BEGIN");
    world_entries(&w, large, MANY / 2);
    world_entries(&w, small, 10);
    world_entries(&w, large, MANY / 2);
    world_sql(&w, "COMMIT");
    world_propose(&w, large);
    world_propose(&w, small);
    world_approve(&w, "small");
    const uint64_t approved = world_approve(&w, "large");
    const uint64_t retracted = world_retract(&w, "large", 77);
    world_retract(&w, "large", 88);
    sqlite3_auto_extension((void (*)(void))watch);

    steps_taken = 0;
    unit_ok(hk_reading_open(&reading, w.s.store, "large", 0, 1u << HK_ENTRY_ACTIVE, &unit_error));
    assert_int_equal(count_rest(reading), MANY - 2);
    assert_true(steps_taken > MANY / OPERATIONS); /* the count counts */

    steps_taken = 0; /* a list among the rows of a large one */
    unit_ok(hk_reading_open(&reading, w.s.store, "small", 0, 1u << HK_ENTRY_ACTIVE, &unit_error));
    assert_int_equal(count_rest(reading), 10);
    unit_ok(hk_reading_compare(&reading, w.s.store, "large", approved, retracted, &unit_error));
    assert_int_equal(count_rest(reading), 1);
    unit_ok(hk_reading_compare(&reading, w.s.store, "large", retracted, 0, &unit_error));
    assert_int_equal(count_rest(reading), 1);
    unit_ok(hk_reading_open(&reading, w.s.store, "large", approved, 1u << HK_ENTRY_WITHDRAWN,
                            &unit_error));
    assert_int_equal(count_rest(reading), 0);
    unit_ok(
        hk_reading_open(&reading, w.s.store, "large", 0, 1u << HK_ENTRY_WITHDRAWN, &unit_error));
    assert_int_equal(count_rest(reading), 2);
    unit_ok(hk_reading_find(&reading, w.s.store, "large", "id-9", &unit_error));
    assert_int_equal(count_rest(reading), 1);
    unit_ok(hk_reading_staged(&reading, w.s.store, "large", &unit_error));
    assert_int_equal(count_rest(reading), 0);
    if (steps_taken >= 7000 / OPERATIONS)
        print_error("%ld steps of %d\n", steps_taken, OPERATIONS);
    assert_true(steps_taken < 7000 / OPERATIONS);
    sqlite3_cancel_auto_extension((void (*)(void))watch);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest in_model[] = {
        cmocka_unit_test(test_every_revision),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_find_in_model),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_find_values),
        cmocka_unit_test(test_changes_meanwhile),
        cmocka_unit_test(test_costs),
    };
    return cmocka_run_group_tests_name("in a model", in_model, make_model, drop_model) +
           cmocka_run_group_tests_name("by themselves", others, NULL, NULL);
}
