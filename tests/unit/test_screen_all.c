/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_screen_all.c - screening against a plain comparison of everything with everything, after
 * every stop, and in feeds made to take long.
 */
#include "screen_unit.h"

#include "core/clock.h"
#include "list/screen.h"

#define FOUND_BY_SCREEN                                                                            \
    (HK_SUSPECT_KNOWN_GOOD | HK_SUSPECT_NEAR_KNOWN_GOOD | HK_SUSPECT_CROWDED |                     \
     HK_SUSPECT_CONTRADICTION)
#define SECOND UINT64_C(1000000000)

/* Looks at everything, whenever it can. */
static const hk__screen_pace restless = {.queries = 7, .tell_ns = 0, .keep_ns = 0};

/* ---- against everything with everything ---------------------------------------------------- */

typedef struct row {
    hk__entry_row row;
    char category[16];
    hk_entry_state batch, state;
    bool is_leaving, waits; /* will not come in with the rest, nor replace what it would */
} row;

typedef struct rows {
    row at[2000];
    size_t count;
} rows;

static void read_rows(rows *out, hk_store *store, int64_t list)
{
    sqlite3_stmt *find;
    bool there;
    out->count = 0;
    unit_ok(hk__sql_prepare(
        &find, store->db, &unit_error,
        "SELECT " HK__ENTRY_COLUMNS ", b.state, EXISTS(SELECT 1 FROM step t"
        " JOIN batch p ON p.id = t.batch AND p.state = 1"
        " LEFT JOIN entry n ON n.id = t.next WHERE t.entry = e.id"
        " AND (t.next = 0 OR (n.suspect & 135) = 0)),"
        " (e.suspect & 135) <> 0 AND EXISTS(SELECT 1 FROM step t"
        " WHERE t.next = e.id) FROM entry e JOIN batch b ON b.id = e.batch WHERE b.list = ?1"
        " ORDER BY e.id",
        "i", list));
    for (;;) {
        unit_ok(hk__sql_step(&there, find, &unit_error));
        if (!there)
            break;
        row *r = &out->at[out->count++];
        assert_true(out->count <= COUNT_OF(out->at));
        unit_ok(hk__entry_from_row(&r->row, find, &unit_error));
        snprintf(r->category, sizeof r->category, "%s",
                 r->row.entry.category ? r->row.entry.category : "");
        r->batch = (hk_entry_state)sqlite3_column_int(find, HK__ENTRY_WIDTH);
        r->is_leaving = sqlite3_column_int(find, HK__ENTRY_WIDTH + 1);
        r->waits = sqlite3_column_int(find, HK__ENTRY_WIDTH + 2);
        r->state = hk__state_of(r->batch, r->row.own, r->row.suspicions);
    }
    sqlite3_finalize(find);
}

static bool share_digest(const hk_entry *a, const hk_entry *b)
{
    const unsigned both = a->digests.present & b->digests.present;
    return (both & HK_DIGEST_MD5 && !memcmp(a->digests.md5, b->digests.md5, 16)) ||
           (both & HK_DIGEST_SHA1 && !memcmp(a->digests.sha1, b->digests.sha1, 20)) ||
           (both & HK_DIGEST_SHA256 && !memcmp(a->digests.sha256, b->digests.sha256, 32));
}

static bool are_near(const hk_entry *a, const hk_entry *b, unsigned distance)
{
    return a->has_hash && b->has_hash && hk_hash_distance(&a->hash, &b->hash) <= distance;
}

static bool has_say(const row *r)
{
    return !r->is_leaving && !r->waits && *r->category &&
           (r->batch == HK_ENTRY_PROPOSED || r->state == HK_ENTRY_ACTIVE);
}

static bool is_in_pool(const row *r)
{
    return r->state == HK_ENTRY_ACTIVE || r->state == HK_ENTRY_PROPOSED ||
           r->state == HK_ENTRY_QUARANTINED;
}

static unsigned plainly(const rows *all, const rows *good, const row *r,
                        const hk_screen_options *options)
{
    unsigned expected = 0, crowd = 0;
    const hk_entry *e = &r->row.entry;
    for (size_t i = 0; i < all->count; i++) {
        const row *other = &all->at[i];
        const hk_entry *o = &other->row.entry;
        if (other == r || !is_in_pool(other))
            continue;
        crowd += !other->is_leaving && are_near(e, o, options->max_distance);
        if (has_say(r) && has_say(other) && strcmp(r->category, other->category) != 0 &&
            (share_digest(e, o) || are_near(e, o, 0)))
            expected |= HK_SUSPECT_CONTRADICTION;
    }
    if (crowd > options->crowd)
        expected |= HK_SUSPECT_CROWDED;
    for (size_t i = 0; i < good->count; i++) {
        const hk_entry *o = &good->at[i].row.entry;
        if (good->at[i].state != HK_ENTRY_ACTIVE)
            continue;
        expected |= share_digest(e, o) ? HK_SUSPECT_KNOWN_GOOD : 0;
        expected |= are_near(e, o, options->max_distance) ? HK_SUSPECT_NEAR_KNOWN_GOOD : 0;
    }
    return expected;
}

/* Entry n of a crowded, contradictory world; ids, texts and hashes of few sorts. */
static hk_entry any_entry(uint64_t n, uint64_t *seed)
{
    static const char *const categories[] = {NULL, "", "1", "2", "2", "2"};
    static char ids[4000][8];
    hk_entry e = unit_entry(next_random(seed) % 40);
    const uint64_t r = next_random(seed);
    e.hash = r % 4 ? at_distance(&e.hash, r % 8 ? (unsigned)(r >> 8) % 26 : 0, seed)
                   : unit_entry(5000 + n).hash;
    e.has_hash = r >> 16 & 7;
    e.digests.present = (unsigned)(r >> 20) & 7;
    if (!e.has_hash && !e.digests.present)
        e.digests.present = HK_DIGEST_MD5;
    const uint64_t digest = r >> 24 & 3 ? 100000 + n : r >> 26 & 63;
    memcpy(e.digests.md5, &digest, 8);
    memcpy(e.digests.sha1, &digest, 8);
    memcpy(e.digests.sha256, &digest, 8);
    e.category = categories[(r >> 32) % COUNT_OF(categories)];
    if (r >> 40 & 1) {
        char *id = ids[n % COUNT_OF(ids)];
        snprintf(id, sizeof ids[0], "%u", (unsigned)(r >> 41 & 511));
        e.id = id;
    }
    return e;
}

static void import_any(hk_store *store, const char *list, size_t count, bool whole, uint64_t *seed)
{
    hk_entry *entries = calloc(count, sizeof *entries);
    for (size_t i = 0; i < count; i++)
        entries[i] = any_entry(next_random(seed) % 4000, seed);
    unit_import(store, list, "ann", entries, count, whole);
    free(entries);
}

static void make_any(unit_store *s, uint64_t seed)
{
    make(s);
    unit_create(s->store, "paper", true, false);
    import_any(s->store, "stock", 30, false, &seed);
    unit_approve(s->store, "stock", "ann");
    import_any(s->store, "paper", 20, false, &seed);
    unit_approve(s->store, "paper", "ann");
    import_any(s->store, "known", 150, false, &seed);
    unit_approve(s->store, "known", "ann");
    import_any(s->store, "known", 150, false, &seed);
    import_any(s->store, "stock", 20, false, &seed); /* proposed there: does not count */
    import_any(s->store, "known", 80, seed & 1, &seed);
}

/* Returns all that was found. */
static unsigned assert_as_plainly(hk_store *store, const hk_screen_options *options,
                                  const rows *before)
{
    static rows good, paper;
    read_rows(&good, store, 2);
    read_rows(&paper, store, 3);
    memcpy(good.at + good.count, paper.at, paper.count * sizeof *paper.at);
    good.count += paper.count;
    unsigned seen = 0;
    for (size_t i = 0; i < before->count; i++) {
        const row *r = &before->at[i];
        const unsigned had = r->row.suspicions;
        const bool is_target = r->batch == HK_ENTRY_PROPOSED && is_in_pool(r);
        const unsigned found = is_target ? plainly(before, &good, r, options) : 0;
        assert_suspect(store, r->row.number, had | found);
        seen |= found;
        for (unsigned reason = 1; reason <= 0x80; reason <<= 1)
            if (found & reason)
                assert_int_equal(number(store,
                                        "SELECT count(*) FROM suspicion"
                                        " WHERE entry = ?1 / 256 AND reason = ?1 % 256",
                                        r->row.number * INT64_C(256) + reason),
                                 1);
    }
    return seen;
}

static void test_against_all(void **state)
{
    (void)state;
    static rows before;
    unsigned seen = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        unit_store s;
        hk_screen_options options = options_of(seed % 3 ? 31 : 20, (unsigned)seed);
        uint64_t suspicious;
        options.threads = (unsigned)seed % 3;
        make_any(&s, seed);
        read_rows(&before, s.store, 1);
        unit_ok(seed & 1
                    ? hk__screen(&suspicious, s.store, "known", &options, &restless, &unit_error)
                    : hk_store_screen(&suspicious, s.store, "known", &options, &unit_error));
        seen |= assert_as_plainly(s.store, &options, &before);
        assert_int_equal(
            suspicious,
            count(s.store, "SELECT count(*) FROM entry e JOIN batch b ON b.id = e.batch"
                           " WHERE b.list = 1 AND b.state = 1 AND e.state = 0 AND suspect <> 0"));
        unit_store_remove(&s);
    }
    assert_int_equal(seen, FOUND_BY_SCREEN);
}

/* ---- stopping and going on ----------------------------------------------------------------- */

typedef struct stop {
    size_t calls, at; /* the call that says so */
    uint64_t done, total;
} stop;

static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    stop *s = context;
    s->done = done;
    s->total = total;
    return s->calls++ != s->at;
}

/* As the imports left it, which find contradictions, too. */
static void forget(hk_store *store)
{
    unit_ok(hk__sql_run(store->db,
                        "DELETE FROM suspicion WHERE words NOT LIKE 'stands twice%'"
                        " AND words NOT LIKE 'has nothing in common%';"
                        "UPDATE entry SET suspect = suspect & ~120 WHERE suspect <> 0;"
                        "UPDATE entry SET suspect = suspect | 64 WHERE id IN"
                        " (SELECT entry FROM suspicion);"
                        "UPDATE batch SET screened = 0 WHERE list = 1 AND state = 1",
                        &unit_error));
}

/* All that a screening writes, as one text; owned. */
static char *written(hk_store *store)
{
    sqlite3_stmt *all;
    bool there;
    unit_ok(hk__sql_prepare(&all, store->db, &unit_error,
                            "SELECT (SELECT group_concat(id || ':' || suspect) FROM (SELECT * FROM"
                            " entry ORDER BY id)) || (SELECT group_concat(entry || ':' || reason ||"
                            " ':' || words) FROM (SELECT * FROM suspicion ORDER BY entry, reason))"
                            " || (SELECT group_concat(id || ':' || screened) FROM batch)",
                            ""));
    unit_ok(hk__sql_step(&there, all, &unit_error));
    assert_true(there);
    char *text = strdup((const char *)sqlite3_column_text(all, 0));
    sqlite3_finalize(all);
    return text;
}

static void test_stopped(void **state)
{
    (void)state;
    unit_store s;
    uint64_t suspicious, first;
    hk_error err;
    stop counting = {.at = SIZE_MAX};
    hk_screen_options options = options_of(31, 3);
    options.on_progress = on_progress;
    options.context = &counting;
    make_any(&s, 5);
    unit_ok(hk__screen(&first, s.store, "known", &options, &restless, &unit_error));
    assert_true(counting.calls > 50);
    assert_true(counting.total > 100 && counting.done == counting.total);
    char *expected = written(s.store);
    bool kept_some = false;
    const size_t step = counting.calls / 60 + 1;
    for (size_t at = 0; at < counting.calls; at += step) {
        stop stopping = {.at = at};
        options.context = &stopping;
        suspicious = 7;
        forget(s.store);
        assert_int_equal(hk__screen(&suspicious, s.store, "known", &options, &restless, &err),
                         HK_ERR_STOPPED);
        assert_int_equal(suspicious, 7);
        assert_int_equal(stopping.calls, at + 1);
        const uint64_t rest = unit_info(s.store, "known").unscreened;
        kept_some |= rest < counting.total && rest > 0;
        stopping = (stop){.at = SIZE_MAX};
        unit_ok(hk__screen(&suspicious, s.store, "known", &options, &restless, &unit_error));
        assert_true(rest == 0 || stopping.total <= rest);
        assert_int_equal(suspicious, first);
        char *got = written(s.store);
        assert_string_equal(got, expected);
        free(got);
    }
    assert_true(kept_some);
    free(expected);
    unit_store_remove(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    unit_store s;
    uint64_t suspicious = 7, first;
    hk_error err;
    const hk_screen_options options = options_of(31, 3);
    make_any(&s, 5);
    unit_ok(hk__screen(&first, s.store, "known", &options, &restless, &unit_error));
    char *expected = written(s.store);
    forget(s.store);
    FAIL_EVERY_ALLOCATION(hk__screen(&suspicious, s.store, "known", &options, &restless, &err),
                          suspicious == 7);
    assert_int_equal(suspicious, first);
    char *got = written(s.store);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    unit_store_remove(&s);
}

/* ---- made to take long --------------------------------------------------------------------- */

/* One hash many times, a family within 10 bits of another, one of just too few and one of just
 * enough, among healthy ones. */
static void test_hostile(void **state)
{
    (void)state;
    enum { EQUAL = 20000, FAMILY = 10000, FEW = 101, ENOUGH = 102, HEALTHY = 10000 };
    enum { FAMILIES = FAMILY + FEW + ENOUGH, ALL = EQUAL + FAMILIES + HEALTHY };
    unit_store s;
    uint64_t seed = 9;
    hk_entry *entries = calloc(ALL, sizeof *entries);
    for (size_t i = 0; i < ALL; i++) {
        const size_t in_families = i - EQUAL;
        entries[i] = unit_entry(i + 10);
        if (i < EQUAL) {
            entries[i].hash = unit_entry(1).hash;
            entries[i].digests.present |= HK_DIGEST_SHA1; /* and one digest many times */
        } else if (in_families < FAMILIES) {
            const hk_hash centre = unit_entry(in_families < FAMILY         ? 2
                                              : in_families < FAMILY + FEW ? 3
                                                                           : 4)
                                       .hash;
            entries[i].hash = at_distance(&centre, 1 + (unsigned)i % 10, &seed);
        }
    }
    make(&s);
    let_in(s.store, "stock", entries, 1);
    unit_import(s.store, "known", "ann", entries, ALL, false);
    const uint64_t start = hk__clock_ns();
    assert_int_equal(screen(s.store, "known", 100), EQUAL + FAMILY + ENOUGH);
    assert_true(hk__clock_ns() - start < 60 * SECOND); /* 0.3 s; one by one it would be hours */
    assert_int_equal(count(s.store, "SELECT count(*) FROM entry WHERE suspect = 56"), EQUAL);
    assert_int_equal(count(s.store, "SELECT count(*) FROM entry WHERE suspect = 32"),
                     FAMILY + ENOUGH);
    free(entries);
    unit_store_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_all),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
