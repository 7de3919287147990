/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decide.c - what a person decides about a list: approve, retract, rollback (herken.h). */
#include "core/error.h"
#include "list/store.h"

/* A decision under way: its list's turn (unless it need not wait), one transaction, one revision.
 */
typedef struct decision {
    hk_store *store;
    const char *name;
    const hk_act *act;
    hk__list_row list;
    bool locked;
    hk__revising revising;
    sqlite3_stmt *look;
} decision;

/* Begins the transaction. What decision_end gets must be called with the status of what follows. */
static hk_status decision_begin(decision *d, hk_store *store, const char *list,
                                hk_revision_kind kind, bool take_turn, const hk_act *act,
                                hk_error *err)
{
    *d = (decision){.store = store, .name = list, .act = act};
    hk_status status = hk__store_find(&d->list, store, list, err);
    if (!status && !store->writable)
        status = hk__fail(err, HK_ERR_USAGE, "%s: was opened for reading", store->path);
    if (!status && take_turn) {
        status = hk__store_lock(store, d->list.id, err);
        d->locked = !status;
    }
    if (!status)
        status = hk__sql_begin(store->db, true, err);
    if (!status) {
        status = hk__store_find(&d->list, store, list, err);
        if (!status)
            status = hk__revise_begin(&d->revising, store, d->list.id, kind, act, err);
        if (status)
            status = hk__sql_end(store->db, status, err);
    }
    if (status && d->locked)
        hk__store_unlock(store, d->list.id);
    return status;
}

static hk_status decision_end(hk_revision *out, decision *d, hk_status status, hk_error *err)
{
    hk__revising *r = &d->revising;
    sqlite3_finalize(d->look);
    if (!status)
        status = hk__revise_end(r, err);
    hk__revise_clear(r);
    status = hk__sql_end(d->store->db, status, err);
    if (d->locked)
        hk__store_unlock(d->store, d->list.id);
    if (status)
        return status;
    *out = (hk_revision){.number = (uint64_t)r->number,
                         .kind = r->kind,
                         .list = d->name,
                         .actor = d->act->actor,
                         .reason = d->act->reason,
                         .at = r->at,
                         .target = (uint64_t)r->target,
                         .added = r->added,
                         .replaced = r->replaced,
                         .withdrawn = r->withdrawn,
                         .quarantined = r->quarantined};
    hk__chain_mark(out->mark, r->chain);
    return HK_OK;
}

/* ---- steps --------------------------------------------------------------------------------- */

/* An entry's states, of the list in hand. */
typedef struct standing {
    hk_entry_state batch, own, state;
    unsigned suspicions;
    bool of_list;
    int64_t batch_id;
} standing;

static hk_status look(standing *out, decision *d, uint32_t entry, hk_error *err)
{
    bool row;
    hk_status status = HK_OK;
    if (!d->look)
        status = hk__sql_prepare(&d->look, d->store->db, err,
                                 "SELECT b.state, e.state, e.suspect, b.list, b.id"
                                 " FROM entry e JOIN batch b ON b.id = e.batch WHERE e.id = ?1",
                                 "");
    if (status)
        return status;
    sqlite3_bind_int64(d->look, 1, entry);
    status = hk__sql_step(&row, d->look, err);
    if (!status && row) {
        *out = (standing){.batch = (hk_entry_state)sqlite3_column_int(d->look, 0),
                          .own = (hk_entry_state)sqlite3_column_int(d->look, 1),
                          .suspicions = (unsigned)sqlite3_column_int(d->look, 2),
                          .of_list = sqlite3_column_int64(d->look, 3) == d->list.id,
                          .batch_id = sqlite3_column_int64(d->look, 4)};
        out->state = hk__state_of(out->batch, out->own, out->suspicions);
    } else if (!status) {
        *out = (standing){0};
    }
    sqlite3_reset(d->look);
    return status;
}

/* Takes the older version of an entry that is becoming active out of the list. */
static hk_status replace_older(decision *d, uint32_t older, hk_error *err)
{
    standing at;
    hk_status status = look(&at, d, older, err);
    if (status || (at.state != HK_ENTRY_ACTIVE && at.state != HK_ENTRY_QUARANTINED))
        return status;
    d->revising.replaced++;
    return hk__revise_entry(&d->revising, older, at.own, HK_ENTRY_REPLACED, err);
}

static hk_status quarantine(decision *d, uint32_t entry, hk_error *err)
{
    d->revising.quarantined++;
    return hk__revise_entry(&d->revising, entry, HK_ENTRY_ABSENT, HK_ENTRY_QUARANTINED, err);
}

/* Where a person has withdrawn the older version since the newer one was proposed, the newer one
 * waits: what a person has decided does not come back by itself. */
static hk_status doubt_newer(decision *d, uint32_t older, uint32_t newer, hk_error *err)
{
    standing at;
    int64_t by;
    hk_status status = look(&at, d, older, err);
    if (status || at.state != HK_ENTRY_WITHDRAWN)
        return status;
    status = hk__withdrawn_by(&by, d->store, older, err);
    if (status || !by)
        return status;
    status = look(&at, d, newer, err);
    if (status || at.own != HK_ENTRY_ABSENT)
        return status;
    status = hk__sql_do(d->store->db, err, "UPDATE entry SET suspect = suspect | ?2 WHERE id = ?1",
                        "ii", (int64_t)newer, (int64_t)HK_SUSPECT_WITHDRAWN);
    return status ? status : quarantine(d, newer, err);
}

/* Of the batch, before anything takes another's place: a newer entry may stand in the place of
 * several older ones, and one of them is enough to doubt it. */
static hk_status doubt_all(decision *d, int64_t batch, hk_error *err)
{
    sqlite3_stmt *steps;
    bool row;
    hk_status status = hk__sql_prepare(&steps, d->store->db, err,
                                       "SELECT s.entry, s.next FROM step s"
                                       " JOIN entry o ON o.id = s.entry"
                                       " WHERE s.batch = ?1 AND s.next <> 0 AND o.state = ?2",
                                       "ii", batch, (int64_t)HK_ENTRY_WITHDRAWN);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, steps, err)) && row)
        status = doubt_newer(d, (uint32_t)sqlite3_column_int64(steps, 0),
                             (uint32_t)sqlite3_column_int64(steps, 1), err);
    sqlite3_finalize(steps);
    return status;
}

static hk_status withdraw_older(decision *d, uint32_t older, hk_error *err)
{
    standing at;
    hk_status status = look(&at, d, older, err);
    if (status || (at.state != HK_ENTRY_ACTIVE && at.state != HK_ENTRY_QUARANTINED))
        return status;
    d->revising.withdrawn++;
    return hk__revise_entry(&d->revising, older, at.own, HK_ENTRY_WITHDRAWN, err);
}

/* What the batch, which is not active yet, does to entries that are there. */
static hk_status take_steps(decision *d, int64_t batch, hk_error *err)
{
    sqlite3_stmt *steps;
    bool row;
    hk_status status = doubt_all(d, batch, err);
    if (!status)
        status = hk__sql_prepare(&steps, d->store->db, err,
                                 "SELECT step.entry, step.next, e.state FROM step"
                                 " LEFT JOIN entry e ON e.id = step.next"
                                 " WHERE step.batch = ?1",
                                 "i", batch);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, steps, err)) && row) {
        const uint32_t entry = (uint32_t)sqlite3_column_int64(steps, 0);
        const int own = sqlite3_column_int(steps, 2);
        if (!sqlite3_column_int64(steps, 1))
            status = withdraw_older(d, entry, err);
        else if (own == HK_ENTRY_ABSENT || own == HK_ENTRY_ACTIVE)
            status = replace_older(d, entry, err);
    }
    sqlite3_finalize(steps);
    return status;
}

/* ---- approve ------------------------------------------------------------------------------- */

static hk_status quarantine_suspicious(decision *d, int64_t batch, hk_error *err)
{
    sqlite3_stmt *find;
    bool row;
    hk_status status = hk__sql_prepare(&find, d->store->db, err,
                                       "SELECT id FROM entry WHERE batch = ?1 AND suspect <> 0"
                                       " AND state = 0",
                                       "i", batch);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, find, err)) && row)
        status = quarantine(d, (uint32_t)sqlite3_column_int64(find, 0), err);
    sqlite3_finalize(find);
    return status;
}

/* Who imported a batch may not approve of it where the list demands another person. */
static hk_status check_person(decision *d, int64_t batch, hk_error *err)
{
    int64_t same;
    if (!d->list.two_person)
        return HK_OK;
    hk_status status = hk__sql_number(&same, 0, d->store->db, err,
                                      "SELECT count(*) FROM revision JOIN batch"
                                      " ON batch.revision = revision.id"
                                      " WHERE batch.id = ?1"
                                      " AND lower(trim(revision.actor)) = lower(trim(?2))",
                                      "it", batch, d->act->actor);
    if (!status && same)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s demands a second person: %s imported this and cannot approve it",
                        d->name, d->act->actor);
    return status;
}

static hk_status check_screened(decision *d, int64_t batch, hk_error *err)
{
    int64_t rest;
    hk_status status = hk__sql_number(&rest, 0, d->store->db, err,
                                      "SELECT sum(max(0, first + count - max(first, screened)))"
                                      " FROM span JOIN batch ON batch.id = span.batch"
                                      " WHERE batch.id = ?1",
                                      "i", batch);
    if (!status && rest)
        return hk__fail(err, HK_ERR_USAGE,
                        "%lld proposed entries are not screened yet: run `herken list screen %s`",
                        (long long)rest, d->name);
    return status;
}

/* Entries of the batch that stand in another's place, one or several, by this decision. */
static hk_status count_newer(int64_t *out, decision *d, int64_t batch, hk_error *err)
{
    return hk__sql_number(out, 0, d->store->db, err,
                          "SELECT count(DISTINCT s.next) FROM step s CROSS JOIN entry_change c"
                          " ON c.revision = ?2 AND c.entry = s.entry AND c.now = ?3"
                          " CROSS JOIN entry n ON n.id = s.next AND n.state IN (0, ?4)"
                          " WHERE s.batch = ?1 AND s.next <> 0",
                          "iiii", batch, d->revising.number, (int64_t)HK_ENTRY_REPLACED,
                          (int64_t)HK_ENTRY_ACTIVE);
}

static hk_status approve_batch(decision *d, int64_t batch, int64_t imported, hk_error *err)
{
    uint64_t before[HK_ENTRY_STATES], after[HK_ENTRY_STATES];
    int64_t newer = 0;
    hk_status status = check_person(d, batch, err);
    if (!status)
        status = check_screened(d, batch, err);
    if (!status)
        status = quarantine_suspicious(d, batch, err);
    if (!status)
        status = take_steps(d, batch, err);
    if (!status)
        status = count_newer(&newer, d, batch, err);
    if (!status)
        status = hk__store_count(before, d->store, d->list.id, err);
    if (!status)
        status = hk__revise_batch(&d->revising, batch, HK_ENTRY_PROPOSED, HK_ENTRY_ACTIVE, err);
    if (!status)
        status = hk__store_count(after, d->store, d->list.id, err);
    if (status)
        return status;
    /* Of those that became active, some stand in another's place. */
    d->revising.added += after[HK_ENTRY_ACTIVE] - before[HK_ENTRY_ACTIVE] - (uint64_t)newer;
    d->revising.target = imported;
    return HK_OK;
}

hk_status hk_store_approve(hk_revision *out, hk_store *store, const char *list, uint64_t newest,
                           const hk_act *act, hk_error *err)
{
    decision d;
    sqlite3_stmt *batches;
    bool row;
    size_t count = 0;
    hk_status status = decision_begin(&d, store, list, HK_REVISION_APPROVE, true, act, err);
    if (status)
        return status;
    status = hk__sql_prepare(&batches, store->db, err,
                             "SELECT id, revision FROM batch WHERE list = ?1 AND state = ?2"
                             " ORDER BY id",
                             "ii", d.list.id, (int64_t)HK_ENTRY_PROPOSED);
    if (!status) {
        while (!status && !(status = hk__sql_step(&row, batches, err)) && row) {
            const int64_t imported = sqlite3_column_int64(batches, 1);
            status = newest && (uint64_t)imported > newest
                         ? hk__fail(err, HK_ERR_USAGE,
                                    "revision %lld has been proposed since: look at it first "
                                    "(herken list diff %s)",
                                    (long long)imported, list)
                         : approve_batch(&d, sqlite3_column_int64(batches, 0), imported, err);
            count++;
        }
        sqlite3_finalize(batches);
    }
    if (!status && !count)
        status =
            hk__fail(err, HK_ERR_USAGE, "nothing is proposed for %s: import something first", list);
    if (count > 1)
        d.revising.target = 0;
    return decision_end(out, &d, status, err);
}

static hk_status let_in(decision *d, uint32_t entry, hk_error *err)
{
    standing at;
    sqlite3_stmt *steps;
    bool row;
    hk_status status = look(&at, d, entry, err);
    if (status)
        return status;
    const bool waits = at.batch == HK_ENTRY_PROPOSED && at.own == HK_ENTRY_ABSENT && at.suspicions;
    if (!at.of_list || at.batch == HK_ENTRY_ABSENT)
        return hk__fail(err, HK_ERR_USAGE, "%s has no entry #%u", d->name, entry);
    if (!waits && (at.batch != HK_ENTRY_ACTIVE ||
                   (at.own != HK_ENTRY_QUARANTINED && at.own != HK_ENTRY_WITHDRAWN)))
        return hk__fail(err, HK_ERR_USAGE,
                        "entry #%u is %s: only what is quarantined or withdrawn can be let in by "
                        "itself",
                        entry, hk_entry_state_name(at.state));
    status = check_person(d, at.batch_id, err);
    if (!status)
        status = hk__revise_entry(&d->revising, entry, at.own, HK_ENTRY_ACTIVE, err);
    if (status || waits)
        return status;
    const uint64_t replaced = d->revising.replaced;
    status = hk__sql_prepare(&steps, d->store->db, err, "SELECT entry FROM step WHERE next = ?1",
                             "i", (int64_t)entry);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, steps, err)) && row)
        status = replace_older(d, (uint32_t)sqlite3_column_int64(steps, 0), err);
    sqlite3_finalize(steps);
    d->revising.added += d->revising.replaced == replaced;
    return status;
}

hk_status hk_store_approve_entries(hk_revision *out, hk_store *store, const char *list,
                                   const uint32_t *entries, size_t count, const hk_act *act,
                                   hk_error *err)
{
    decision d;
    if (!count)
        return hk__fail(err, HK_ERR_USAGE, "no entry is named");
    hk_status status = decision_begin(&d, store, list, HK_REVISION_APPROVE, true, act, err);
    if (status)
        return status;
    for (size_t i = 0; !status && i < count; i++)
        status = let_in(&d, entries[i], err);
    return decision_end(out, &d, status, err);
}

/* ---- retract ------------------------------------------------------------------------------- */

/* Does not wait for an import: a wrong entry must be stopped at once. */
hk_status hk_store_retract(hk_revision *out, hk_store *store, const char *list,
                           const uint32_t *entries, size_t count, const hk_act *act, hk_error *err)
{
    decision d;
    if (!count)
        return hk__fail(err, HK_ERR_USAGE, "no entry is named");
    hk_status status = decision_begin(&d, store, list, HK_REVISION_RETRACT, false, act, err);
    if (status)
        return status;
    for (size_t i = 0; !status && i < count; i++) {
        standing at;
        status = look(&at, &d, entries[i], err);
        if (status)
            break;
        if (!at.of_list || at.state == HK_ENTRY_ABSENT)
            status = hk__fail(err, HK_ERR_USAGE, "%s has no entry #%u", list, entries[i]);
        else if (at.state == HK_ENTRY_WITHDRAWN || at.state == HK_ENTRY_REPLACED)
            status = hk__fail(err, HK_ERR_USAGE, "entry #%u is %s already", entries[i],
                              hk_entry_state_name(at.state));
        else
            status = hk__revise_entry(&d.revising, entries[i], at.own, HK_ENTRY_WITHDRAWN, err);
        d.revising.withdrawn++;
    }
    return decision_end(out, &d, status, err);
}

/* ---- rollback ------------------------------------------------------------------------------ */

/* The changes after a revision, each thing's first: ?1 the list, ?2 the revision. */
static const char changed_batches[] =
    "SELECT c.batch, b.state, c.was, min(c.revision) FROM revision r"
    " CROSS JOIN batch_change c ON c.revision = r.id JOIN batch b ON b.id = c.batch"
    " WHERE r.list = ?1 AND r.id > ?2 GROUP BY c.batch";
static const char changed_entries[] =
    "SELECT c.entry, e.state, c.was, min(c.revision), e.suspect, e.batch, b.state FROM revision r"
    " CROSS JOIN entry_change c ON c.revision = r.id JOIN entry e ON e.id = c.entry"
    " JOIN batch b ON b.id = e.batch WHERE r.list = ?1 AND r.id > ?2 GROUP BY c.entry";

/* Counts what became of an entry; who lets it in again must be who may approve of it. */
static hk_status account_for(decision *d, int64_t batch, hk_entry_state was, hk_entry_state is,
                             uint64_t count, hk_error *err)
{
    hk__revising *r = &d->revising;
    if (was == is || !count)
        return HK_OK;
    r->added += is == HK_ENTRY_ACTIVE ? count : 0;
    r->quarantined += is == HK_ENTRY_QUARANTINED ? count : 0;
    r->withdrawn += was == HK_ENTRY_ACTIVE ? count : 0;
    return is == HK_ENTRY_ACTIVE ? check_person(d, batch, err) : HK_OK;
}

static hk_status undo_batch(decision *d, int64_t batch, hk_entry_state now, hk_entry_state then,
                            hk_error *err)
{
    uint64_t before[HK_ENTRY_STATES], after[HK_ENTRY_STATES];
    hk_status status = hk__store_count(before, d->store, d->list.id, err);
    if (!status)
        status = hk__revise_batch(&d->revising, batch, now, then, err);
    if (!status)
        status = hk__store_count(after, d->store, d->list.id, err);
    /* What it was screened against may have changed since. */
    if (!status && then == HK_ENTRY_PROPOSED)
        status = hk__sql_do(d->store->db, err, "UPDATE batch SET screened = 0 WHERE id = ?1", "i",
                            batch);
    for (int state = 0; !status && state < HK_ENTRY_STATES; state++) {
        if (after[state] > before[state])
            status = account_for(d, batch, HK_ENTRY_STATES, (hk_entry_state)state,
                                 after[state] - before[state], err);
        else
            status = account_for(d, batch, (hk_entry_state)state, HK_ENTRY_STATES,
                                 before[state] - after[state], err);
    }
    return status;
}

static hk_status undo_entry(decision *d, sqlite3_stmt *row, hk_entry_state now, hk_entry_state then,
                            hk_error *err)
{
    const unsigned suspicions = (unsigned)sqlite3_column_int(row, 4);
    const hk_entry_state batch = (hk_entry_state)sqlite3_column_int(row, 6);
    hk_status status =
        hk__revise_entry(&d->revising, (uint32_t)sqlite3_column_int64(row, 0), now, then, err);
    return status
               ? status
               : account_for(d, sqlite3_column_int64(row, 5), hk__state_of(batch, now, suspicions),
                             hk__state_of(batch, then, suspicions), 1, err);
}

/* Batches first: what an entry's state comes to depends on its batch's. */
static hk_status undo(size_t *count, decision *d, const char *changed, uint64_t revision,
                      hk_error *err)
{
    sqlite3_stmt *rows;
    bool row;
    hk_status status =
        hk__sql_prepare(&rows, d->store->db, err, changed, "ii", d->list.id, (int64_t)revision);
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row) {
        const hk_entry_state now = (hk_entry_state)sqlite3_column_int(rows, 1);
        const hk_entry_state then = (hk_entry_state)sqlite3_column_int(rows, 2);
        if (now == then)
            continue;
        status = changed == changed_batches
                     ? undo_batch(d, sqlite3_column_int64(rows, 0), now, then, err)
                     : undo_entry(d, rows, now, then, err);
        ++*count;
    }
    sqlite3_finalize(rows);
    return status;
}

/* The revision meant must be one of the list's own, or lie between two of them. */
static hk_status check_revision(decision *d, uint64_t revision, hk_error *err)
{
    int64_t first;
    hk_status status =
        hk__sql_number(&first, 0, d->store->db, err, "SELECT min(id) FROM revision WHERE list = ?1",
                       "i", d->list.id);
    if (!status && (revision < (uint64_t)first || revision > (uint64_t)d->list.revision))
        return hk__fail(err, HK_ERR_USAGE, "%s has revisions %lld to %lld, not %llu", d->name,
                        (long long)first, (long long)d->list.revision,
                        (unsigned long long)revision);
    return status;
}

hk_status hk_store_rollback(hk_revision *out, hk_store *store, const char *list, uint64_t revision,
                            const hk_act *act, hk_error *err)
{
    decision d;
    size_t count = 0;
    hk_status status = decision_begin(&d, store, list, HK_REVISION_ROLLBACK, true, act, err);
    if (status)
        return status;
    status = check_revision(&d, revision, err);
    if (!status)
        status = undo(&count, &d, changed_batches, revision, err);
    if (!status)
        status = undo(&count, &d, changed_entries, revision, err);
    if (!status && !count)
        status = hk__fail(err, HK_ERR_USAGE, "%s is as it was at revision %llu already", list,
                          (unsigned long long)revision);
    d.revising.target = (int64_t)revision;
    return decision_end(out, &d, status, err);
}
