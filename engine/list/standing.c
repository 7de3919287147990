/* SPDX-License-Identifier: GPL-3.0-or-later */
/* standing.c - see standing.h. */
#include "list/standing.h"

#include "feed/entry.h"

/* Older versions that are looked at in search of a rejected one, once a live one is found. */
enum { OLDER_MOST = 16 };

hk_status hk__standings_open(hk__standings *out, hk_store *store, int64_t list, hk_error *err)
{
    *out = (hk__standings){.store = store, .list = list};
    hk_status status = hk__sql_prepare(&out->by_key, store->db, err,
                                       "SELECT entry FROM entry_key WHERE list = ?1 AND key = ?2"
                                       " ORDER BY entry DESC",
                                       "i", list);
    if (!status)
        status = hk__sql_prepare(&out->by_number, store->db, err,
                                 "SELECT " HK__ENTRY_COLUMNS ", b.state FROM entry e"
                                 " JOIN batch b ON b.id = e.batch WHERE e.id = ?1",
                                 "");
    int64_t withdrawals = 0;
    if (!status)
        status = hk__sql_number(&withdrawals, 0, store->db, err,
                                "SELECT count(*) FROM batch b CROSS JOIN step s ON s.batch = b.id"
                                " WHERE b.list = ?1 AND b.state = 1 AND s.next = 0",
                                "i", list);
    if (!status && withdrawals)
        status = hk__sql_prepare(&out->leaving, store->db, err,
                                 "SELECT 1 FROM batch b CROSS JOIN step s ON s.batch = b.id"
                                 " AND s.entry = ?2 AND s.next = 0"
                                 " WHERE b.list = ?1 AND b.state = 1",
                                 "i", list);
    return status;
}

void hk__standings_close(hk__standings *s)
{
    sqlite3_finalize(s->leaving);
    sqlite3_finalize(s->by_key);
    sqlite3_finalize(s->by_number);
}

void hk__standings_rest(hk__standings *s)
{
    sqlite3_reset(s->by_key);
    sqlite3_reset(s->by_number);
}

bool hk__standing_is_live(const hk__standing *at)
{
    return at->ours || at->state == HK_ENTRY_PROPOSED || at->state == HK_ENTRY_ACTIVE ||
           at->state == HK_ENTRY_QUARANTINED;
}

hk_status hk__standing_leaves(bool *out, hk__standings *s, uint32_t number, hk_error *err)
{
    *out = false;
    if (!s->leaving)
        return HK_OK;
    sqlite3_bind_int64(s->leaving, 2, number);
    const hk_status status = hk__sql_step(out, s->leaving, err);
    sqlite3_reset(s->leaving);
    return status;
}

/* What an earlier proposal withdraws will be gone when this one is approved, after it. */
static hk_status foresee(hk__standing *at, hk__standings *s, hk_error *err)
{
    bool leaves = false;
    hk_status status = HK_OK;
    if (!at->ours && hk__standing_is_live(at))
        status = hk__standing_leaves(&leaves, s, at->row.number, err);
    if (leaves)
        at->state = HK_ENTRY_WITHDRAWN;
    return status;
}

/* Reads one; HK_ENTRY_ABSENT for 0, and where it is not there or does not count. */
static hk_status look(hk__standing *out, hk__standings *s, uint32_t number, hk_error *err)
{
    bool row;
    *out = (hk__standing){.state = HK_ENTRY_ABSENT};
    if (!number)
        return HK_OK;
    sqlite3_reset(s->by_number);
    sqlite3_bind_int64(s->by_number, 1, number);
    hk_status status = hk__sql_step(&row, s->by_number, err);
    if (status || !row)
        return status;
    status = hk__entry_from_row(&out->row, s->by_number, err);
    if (status)
        return status;
    out->ours = out->row.batch == s->batch;
    out->state =
        out->ours ? HK_ENTRY_PROPOSED
                  : hk__state_of((hk_entry_state)sqlite3_column_int(s->by_number, HK__ENTRY_WIDTH),
                                 out->row.own, out->row.suspicions);
    return foresee(out, s, err);
}

static void begin_key(hk__standings *s, uint64_t key)
{
    sqlite3_reset(s->by_key);
    sqlite3_bind_int64(s->by_key, 2, (int64_t)key);
}

hk_status hk__standing_ask(hk__sought *sought, hk__standings *s, hk_error *err)
{
    bool row;
    begin_key(s, sought->key);
    hk_status status = hk__sql_step(&row, s->by_key, err);
    if (status || !row)
        return status;
    sought->there = (uint32_t)sqlite3_column_int64(s->by_key, 0);
    status = hk__sql_step(&sought->several, s->by_key, err);
    sqlite3_reset(s->by_key);
    return status;
}

/* What was found so far, the newest first. */
typedef struct finding {
    uint32_t live, withdrawn, rejected;
    int64_t live_batch;
    bool live_waits; /* in quarantine: it stands in nobody's place */
    unsigned older;  /* looked at since there is a live one */
    bool done;
} finding;

static hk_status weigh(finding *f, hk__standing *at, hk__standings *s, uint32_t number,
                       const hk_entry *entry, hk_error *err)
{
    const hk_status status = look(at, s, number, err);
    f->done = f->live && ++f->older >= OLDER_MOST;
    if (status || at->state == HK_ENTRY_ABSENT || !hk__entry_is(&at->row.entry, entry))
        return status;
    const bool live = hk__standing_is_live(at), equal = hk__entry_equal(&at->row.entry, entry);
    if (live && !f->live) {
        f->live = number;
        f->live_batch = at->row.batch;
        f->live_waits = at->state == HK_ENTRY_QUARANTINED;
        f->done = at->ours || equal;
    } else if (live && equal && (f->live_waits || at->row.batch == f->live_batch)) {
        f->live = number; /* two sources, or one feed, may say two things again and again */
        f->done = true;
    } else if (at->state == HK_ENTRY_WITHDRAWN) {
        f->withdrawn = f->withdrawn ? f->withdrawn : number;
        f->rejected = f->rejected || !equal ? f->rejected : number;
        f->done |= f->live && f->rejected;
    }
    return HK_OK;
}

hk_status hk__standing_find(hk__standing *out, uint32_t *rejected, hk__standings *s,
                            const hk__sought *sought, hk_error *err)
{
    finding f = {0};
    uint32_t last = sought->fresh;
    hk_status status = weigh(&f, out, s, last, sought->entry, err);
    if (!status && !f.done && sought->there && !sought->several)
        status = weigh(&f, out, s, last = sought->there, sought->entry, err);
    if (sought->several) {
        bool row = true;
        begin_key(s, sought->key);
        while (!status && !f.done && !(status = hk__sql_step(&row, s->by_key, err)) && row)
            status = weigh(&f, out, s, last = (uint32_t)sqlite3_column_int64(s->by_key, 0),
                           sought->entry, err);
        sqlite3_reset(s->by_key);
    }
    if (status)
        return status;
    *rejected = f.rejected;
    const uint32_t chosen = f.live ? f.live : f.withdrawn;
    return chosen && chosen == last ? HK_OK : look(out, s, chosen, err);
}

static hk_status take_live(hk__standings *s, uint32_t number, const hk_entry *entry,
                           hk_status (*take)(void *context, uint32_t number, hk_error *err),
                           void *context, hk_error *err)
{
    hk__standing at;
    const hk_status status = look(&at, s, number, err);
    const bool wanted =
        !status && !at.ours && hk__standing_is_live(&at) && hk__entry_is(&at.row.entry, entry);
    sqlite3_reset(s->by_number);
    return wanted ? take(context, number, err) : status;
}

hk_status hk__standing_each(hk__standings *s, const hk__sought *sought,
                            hk_status (*take)(void *context, uint32_t number, hk_error *err),
                            void *context, hk_error *err)
{
    bool row = true;
    hk_status status = HK_OK;
    if (!sought->several)
        return sought->there ? take_live(s, sought->there, sought->entry, take, context, err)
                             : HK_OK;
    begin_key(s, sought->key);
    while (!status && !(status = hk__sql_step(&row, s->by_key, err)) && row)
        status = take_live(s, (uint32_t)sqlite3_column_int64(s->by_key, 0), sought->entry, take,
                           context, err);
    sqlite3_reset(s->by_key);
    return status;
}
