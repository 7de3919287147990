/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen.c - hk_store_screen of herken.h (screen.h says how its parts hang together).
 *
 * It has the list's turn until it returns: an import, an approval or a rollback would change under
 * its hands what it compares. Single entries may be withdrawn meanwhile, and other lists are free.
 * Whoever was stopped goes on where the last write left off: batch.screened of every batch that is
 * proposed, in the order of the entries' numbers.
 */
#include "list/screen.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"

#include <string.h>

/* Answers of one search that are in memory at once, at a few times 12 bytes each. */
#define HITS_AT_ONCE ((size_t)4 << 20)
/* Findings, each about 10 us to write, and members between two looks at the clock. */
enum { FINDINGS_AT_ONCE = 100000, MEMBERS_AT_ONCE = 1 << 14 };

/* Places of the reasons in words. */
enum { KNOWN_GOOD = 3, NEAR_KNOWN_GOOD, CROWDED, CONTRADICTION };
_Static_assert(1u << KNOWN_GOOD == HK_SUSPECT_KNOWN_GOOD &&
                   1u << CONTRADICTION == HK_SUSPECT_CONTRADICTION,
               "the reasons in the order of their bits");

/* ---- progress and findings ----------------------------------------------------------------- */

hk_status hk__screen_tell(hk__screening *s, hk_error *err)
{
    const hk_screen_options *o = s->options;
    if (!o->on_progress)
        return HK_OK;
    const uint64_t now = hk__clock_ns();
    if (now - s->told < s->pace->tell_ns)
        return HK_OK;
    s->told = now;
    return o->on_progress(o->context, s->done, s->total)
               ? HK_OK
               : hk__fail(
                     err, HK_ERR_STOPPED,
                     "stopped: what was screened is kept, and the next run goes on from there");
}

static hk_status put(hk__findings *all, const hk__finding *finding, hk_error *err)
{
    if (all->count == all->capacity) {
        hk__finding *grown = hk__screen_grown(all->at, &all->capacity, sizeof *all->at);
        if (!grown)
            return hk__fail_memory(err);
        all->at = grown;
    }
    all->at[all->count++] = *finding;
    return HK_OK;
}

hk_status hk__screen_find(hk__screening *s, hk__findings *all, const hk__finding *finding,
                          hk_error *err)
{
    hk__member *member = &s->pool.members[finding->member];
    if (member->found & finding->reason)
        return HK_OK;
    member->found |= finding->reason;
    return put(all, finding, err);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* ?1 the entry, ?2 the reason, ?3 the other entry, ?4 what is the same, ?5 the other's list, ?6 and
 * ?7 numbers. Ids and categories are as long as a feed makes them. */
static const char *const words_of[HK_SUSPECT_COUNT] = {
    [KNOWN_GOOD] = "INSERT OR IGNORE INTO suspicion(entry, reason, words)"
                   " SELECT ?1, ?2, 'the same ' || ?4 || ' as ' || coalesce(substr(coalesce(ext, "
                   "name), 1, 80), '#' || id)"
                   " || ' in list ' || ?5 FROM entry WHERE id = ?3",
    [NEAR_KNOWN_GOOD] =
        "INSERT OR IGNORE INTO suspicion(entry, reason, words)"
        " SELECT ?1, ?2, 'within ' || ?6 || ' bits of '"
        " || coalesce(substr(coalesce(ext, name), 1, 80), '#' || id) || ' in list ' || ?5"
        " FROM entry WHERE id = ?3",
    [CROWDED] = "INSERT OR IGNORE INTO suspicion(entry, reason, words) VALUES(?1, ?2,"
                " 'within ' || ?6 || ' bits of more than ' || ?7 || ' others')",
    [CONTRADICTION] = "INSERT OR IGNORE INTO suspicion(entry, reason, words)"
                      " SELECT ?1, ?2, 'the same ' || ?4 || ' as #' || o.id || ' under category '"
                      " || substr(o.category, 1, 40) || ', here ' || substr(e.category, 1, 40)"
                      " FROM entry e, entry o WHERE e.id = ?1 AND o.id = ?3"};

typedef struct writing {
    sqlite3_stmt *suspect, *words[HK_SUSPECT_COUNT];
} writing;

static hk_status writing_begin(writing *w, hk__screening *s, hk_error *err)
{
    hk_status status = hk__sql_prepare(&w->suspect, s->store->db, err,
                                       "UPDATE entry SET suspect = suspect | ?2 WHERE id = ?1", "");
    for (int i = 0; !status && i < HK_SUSPECT_COUNT; i++)
        if (words_of[i])
            status = hk__sql_prepare(&w->words[i], s->store->db, err, words_of[i], "");
    return status;
}

static void writing_end(writing *w)
{
    sqlite3_finalize(w->suspect);
    for (int i = 0; i < HK_SUSPECT_COUNT; i++)
        sqlite3_finalize(w->words[i]);
}

static hk_status write_finding(writing *w, hk__screening *s, const hk__finding *finding,
                               hk_error *err)
{
    static const char *const same[] = {"MD5", "SHA-1", "SHA-256", "PDQ hash"};
    sqlite3_stmt *words = w->words[__builtin_ctz(finding->reason)];
    const uint32_t number = s->pool.members[finding->member].number;
    sqlite3_bind_int64(w->suspect, 1, number);
    sqlite3_bind_int64(w->suspect, 2, finding->reason);
    hk_status status = hk__sql_done(w->suspect, err);
    if (status)
        return status;
    const int most = sqlite3_bind_parameter_count(words);
    sqlite3_bind_int64(words, 1, number);
    sqlite3_bind_int64(words, 2, finding->reason);
    if (most >= 3)
        sqlite3_bind_int64(words, 3, finding->other);
    if (most >= 4)
        sqlite3_bind_text(words, 4, same[finding->basis], -1, SQLITE_STATIC);
    if (most >= 5 && s->other_count)
        sqlite3_bind_text(words, 5, s->others[finding->list].name, -1, SQLITE_STATIC);
    if (most >= 6)
        sqlite3_bind_int64(words, 6, finding->distance);
    if (most >= 7)
        sqlite3_bind_int64(words, 7, s->options->crowd);
    return hk__sql_done(words, err);
}

/* Writes what was found, and that entries below s->next are screened. */
static hk_status write_findings(hk__screening *s, hk_error *err)
{
    writing w = {0};
    hk_status status = hk__sql_begin(s->store->db, true, err);
    if (status)
        return status;
    if (s->findings.count)
        status = writing_begin(&w, s, err);
    for (size_t i = 0; !status && i < s->findings.count; i++)
        status = write_finding(&w, s, &s->findings.at[i], err);
    if (!status)
        status = hk__sql_do(s->store->db, err,
                            "UPDATE batch SET screened = max(screened, min(?2, coalesce((SELECT"
                            " max(first + count) FROM span WHERE batch = batch.id), 0)))"
                            " WHERE list = ?1 AND state = 1 AND revision IS NOT NULL",
                            "ii", s->list.id, s->next);
    writing_end(&w);
    status = hk__sql_end(s->store->db, status, err);
    if (!status)
        s->findings.count = 0;
    s->kept = hk__clock_ns();
    return status;
}

/* ---- one stretch of members after the other ------------------------------------------------ */

/* Groups of members from `from` on that nobody asked for yet, as many as are searched for at once;
 * *end is the member after the stretch. */
static size_t gather_groups(uint32_t *groups, size_t most, size_t *end, hk__screening *s,
                            size_t from)
{
    size_t count = 0, at = from;
    for (; at < s->pool.count && at - from < MEMBERS_AT_ONCE; at++) {
        const hk__member *m = &s->pool.members[at];
        if (!m->is_target || m->group == HK__NO_GROUP || s->pool.groups[m->group].is_asked)
            continue;
        if (count == most)
            break;
        s->pool.groups[m->group].is_asked = true;
        groups[count++] = m->group;
    }
    *end = at;
    return count;
}

/* What its group says of one member. */
static hk_status find_near(hk__screening *s, uint32_t at, hk_error *err)
{
    const hk__member *m = &s->pool.members[at];
    if (m->group == HK__NO_GROUP)
        return HK_OK;
    const hk__group *group = &s->pool.groups[m->group];
    const hk__finding crowded = {
        .member = at, .distance = (uint16_t)s->options->max_distance, .reason = HK_SUSPECT_CROWDED};
    hk_status status = HK_OK;
    if (group->near) {
        hk__finding near = s->pool.near[group->near - 1];
        near.member = at;
        status = hk__screen_find(s, &s->findings, &near, err);
    }
    /* The crowd holds the member itself, unless it is leaving. */
    if (!status && group->crowd > (uint64_t)s->options->crowd + !m->is_leaving)
        status = hk__screen_find(s, &s->findings, &crowded, err);
    return status;
}

/* Gathers all that was found of the members from..end. */
static hk_status screen_stretch(hk__screening *s, size_t *same, size_t from, size_t end,
                                hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t at = from; !status && at < end; at++) {
        if (!s->pool.members[at].is_target)
            continue;
        for (; !status && *same < s->same.count && s->same.at[*same].member == at; ++*same)
            status = put(&s->findings, &s->same.at[*same], err);
        if (!status)
            status = find_near(s, (uint32_t)at, err);
        s->done++;
    }
    s->next = (int64_t)s->pool.members[end - 1].number + 1;
    return status;
}

static hk_status screen_members(hk__screening *s, hk_error *err)
{
    const size_t few = HITS_AT_ONCE / ((size_t)s->options->crowd + 2);
    const size_t most = few < 1 ? 1 : few < s->pace->queries ? few : s->pace->queries;
    uint32_t *groups = hk__alloc(most, sizeof *groups);
    hk_status status = groups ? HK_OK : hk__fail_memory(err);
    size_t same = 0;
    s->kept = hk__clock_ns();
    for (size_t from = 0, end; !status && from < s->pool.count; from = end) {
        const size_t count = gather_groups(groups, most, &end, s, from);
        if (count)
            status = hk__screen_near(s, groups, count, err);
        if (!status)
            status = screen_stretch(s, &same, from, end, err);
        if (!status &&
            (s->findings.count >= FINDINGS_AT_ONCE || hk__clock_ns() - s->kept >= s->pace->keep_ns))
            status = write_findings(s, err);
        if (!status)
            status = hk__screen_tell(s, err);
    }
    hk__free(groups);
    if (!status)
        s->next = INT64_MAX; /* numbers without an entry, too */
    if (!status || (status == HK_ERR_STOPPED && s->next)) {
        hk_status written = write_findings(s, err);
        status = written ? written : status;
    }
    return status;
}

/* ---- from beginning to end ----------------------------------------------------------------- */

static hk_status open_others(hk__screening *s, hk_error *err)
{
    sqlite3_stmt *names;
    bool row;
    size_t capacity = 0;
    hk_status status = hk__sql_prepare(&names, s->store->db, err,
                                       "SELECT name FROM list WHERE known_good <> ?1 ORDER BY id",
                                       "i", (int64_t)s->list.known_good);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, names, err)) && row) {
        if (s->other_count == capacity) {
            hk__other_list *grown = hk__screen_grown(s->others, &capacity, sizeof *grown);
            status = grown ? HK_OK : hk__fail_memory(err);
            s->others = grown ? grown : s->others;
        }
        const char *name = (const char *)sqlite3_column_text(names, 0);
        hk__other_list other = {.name = status || !name ? NULL : hk__strndup(name, strlen(name))};
        if (!status && !other.name)
            status = hk__fail_memory(err);
        if (!status)
            s->others[s->other_count++] = other;
    }
    sqlite3_finalize(names);
    for (size_t l = 0; !status && l < s->other_count; l++) {
        status = hk__screen_tell(s, err);
        if (!status)
            status = hk_store_list(&s->others[l].list, s->store, s->others[l].name, err);
    }
    return status;
}

/* The pool, and what equal values say, as of one moment. */
static hk_status compare(hk__screening *s, hk_error *err)
{
    hk_status status = hk__sql_begin(s->store->db, false, err);
    if (status)
        return status;
    status = hk__sql_prepare(&s->is_active, s->store->db, err,
                             "SELECT 1 FROM entry e JOIN batch b ON b.id = e.batch"
                             " WHERE e.id = ?1 AND b.state = 2 AND e.state IN (0, 2)",
                             "");
    if (!status)
        status = hk__screen_load(s, err);
    if (!status)
        status = hk__screen_same(s, err);
    sqlite3_finalize(s->is_active);
    return hk__sql_end(s->store->db, status, err);
}

static void screening_clear(hk__screening *s)
{
    for (size_t l = 0; l < s->other_count; l++) {
        hk_list_free(s->others[l].list);
        hk__free(s->others[l].name);
    }
    for (size_t l = 0; l < s->levels; l++)
        hk_index_free(s->level[l]);
    hk__screen_unload(s);
    hk__free(s->others);
    hk__free(s->same.at);
    hk__free(s->findings.at);
}

/* Screens what is not screened yet. */
static hk_status screen_rest(hk__screening *s, hk_error *err)
{
    int64_t rest;
    hk_status status = hk__sql_number(
        &rest, 0, s->store->db, err,
        "SELECT sum(max(0, first + count - max(first, screened))) FROM span"
        " JOIN batch ON batch.id = span.batch WHERE batch.list = ?1 AND batch.state = 1",
        "i", s->list.id);
    if (status || !rest)
        return status;
    s->total = (uint64_t)rest;
    status = open_others(s, err);
    if (!status)
        status = compare(s, err);
    s->total = s->pool.targets;
    if (!status)
        status = hk__screen_levels(s, err);
    return status ? status : screen_members(s, err);
}

static hk_status check_options(const hk_screen_options *options, hk_error *err)
{
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "screen options without their INIT");
    if (options->max_distance > HK_HASH_BITS)
        return hk__fail(err, HK_ERR_USAGE, "max_distance is 0 to 256 bits, not %u",
                        options->max_distance);
    return HK_OK;
}

hk_status hk__screen(uint64_t *suspicious, hk_store *store, const char *list,
                     const hk_screen_options *options, const hk__screen_pace *pace, hk_error *err)
{
    hk__screening s = {.store = store, .options = options, .pace = pace};
    int64_t count = 0;
    hk_status status = check_options(options, err);
    if (!status)
        status = hk__store_find(&s.list, store, list, err);
    if (!status)
        status = hk__store_lock(store, s.list.id, err);
    if (status)
        return status;
    status = screen_rest(&s, err);
    screening_clear(&s);
    if (!status)
        status = hk__sql_number(&count, 0, store->db, err,
                                "SELECT count(*) FROM batch b CROSS JOIN entry e"
                                " ON e.batch = b.id WHERE b.list = ?1 AND b.state = 1"
                                " AND e.suspect <> 0 AND e.state = 0",
                                "i", s.list.id);
    hk__store_unlock(store, s.list.id);
    if (!status)
        *suspicious = (uint64_t)count;
    return status;
}

hk_status hk_store_screen(uint64_t *suspicious, hk_store *store, const char *list,
                          const hk_screen_options *options, hk_error *err)
{
    static const hk_screen_options defaults = HK_SCREEN_OPTIONS_INIT;
    static const hk__screen_pace pace = {
        .queries = 1000, .tell_ns = UINT64_C(1000000000), .keep_ns = UINT64_C(2000000000)};
    return hk__screen(suspicious, store, list, options ? options : &defaults, &pace, err);
}
