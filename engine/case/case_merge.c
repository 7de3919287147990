/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_merge.c - one case out of its shards (herken.h).
 *
 *      shard 1 --checked, row by row--> draft beside OUT --groups, sync--> OUT
 *      shard 2 ------------/   each is closed before the next is opened
 *
 * What one run would have written once is written once: settings, inputs, lists, and contents by
 * their SHA-256. Files keep the order of the shards; no export goes by it. Of bytes that two shards
 * have read the better status stands, which is the lower one: what was decoded before what was not,
 * and what lies in the bytes before what the hour did to them (crashed, timed out, out of memory).
 *
 * Rows of a shard may be anybody's work: what is copied was read by case_read.c and case_text.h.
 */
#include "case/case_merge.h"
#include "case/case_decide.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { COMMIT_EVERY = 20000 /* rows: the journal of a draft lies in memory */ };

hk_status hk__merge_pause(hk__merging *m, hk_error *err)
{
    return ++m->rows % COMMIT_EVERY ? HK_OK : hk__case_commit(m->out, err);
}

/* ---- which shards -------------------------------------------------------------------------- */

static hk_status take_place(const char **order, size_t count, const char *path,
                            const char *out_path, hk_error *err)
{
    hk_case *c;
    hk_case_info info;
    hk_status status = hk_case_open(&c, path, HK_CASE_READ, err);
    if (status)
        return status;
    status = hk__case_refuse_evidence(c, out_path, err);
    if (!status)
        status = hk_case_describe(&info, c, err);
    hk_case_close(c);
    if (status)
        return status;
    if (info.state != HK_CASE_FINISHED)
        return hk__fail(err, HK_ERR_USAGE, "%s: its run is not finished: go on with it first",
                        path);
    if (info.shards != count || info.shard > info.shards)
        return hk__fail(err, HK_ERR_USAGE, "%s: is shard %u of %u, and %zu cases were named", path,
                        info.shard, info.shards, count);
    if (order[info.shard - 1])
        return hk__fail(err, HK_ERR_USAGE, "%s: is shard %u, and so is %s", path, info.shard,
                        order[info.shard - 1]);
    order[info.shard - 1] = path;
    return HK_OK;
}

/* ---- settings, inputs, lists: the same in every shard -------------------------------------- */

static bool is_of_shard(const char *key)
{
    return !strcmp(key, "shard") || !strcmp(key, "shards") || !strcmp(key, "state");
}

static hk_status fail_other(const hk__merging *m, const char *what, const char *mine,
                            const char *first, hk_error *err)
{
    return hk__fail(err, HK_ERR_USAGE,
                    "%s: is not of the run that %s is of: its %.40s is %.100s, and not %.100s",
                    m->shard->path, m->order[0], what, mine, first);
}

static hk_status take_setting(hk__merging *m, const char *key, const char *value, hk_error *err)
{
    char *kept;
    if (!m->number) /* the first one says what the others must */
        return hk__case_set(m->out, key, is_of_shard(key) ? "1" : value, err);
    if (is_of_shard(key))
        return HK_OK;
    hk_status status = hk__case_get(&kept, m->out, key, err);
    if (status)
        return status;
    if (!kept || strcmp(kept, value) != 0)
        status = fail_other(m, key, value, kept ? kept : "not there", err);
    hk__free(kept);
    return status;
}

static hk_status take_settings(hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    int64_t mine = 0, first = 0;
    hk_status status = hk__sql_prepare(&read, m->shard->db, err,
                                       "SELECT key, value FROM setting WHERE key <> 'state'", "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more) {
        hk__case_row row = {m->shard, read, false};
        const char *key = hk__case_row_text(&row, 0), *value = hk__case_row_text(&row, 1);
        row.damaged |= !key || !value;
        status = hk__case_row_end(&row, err);
        if (!status)
            status = take_setting(m, key, value, err);
    }
    sqlite3_finalize(read);
    static const char count[] = "SELECT count(*) FROM setting";
    if (!status)
        status = hk__sql_number(&mine, 0, m->shard->db, err, count, "");
    if (!status)
        status = hk__sql_number(&first, 0, m->out->db, err, count, "");
    if (!status && mine != first)
        status = fail_other(m, "number of settings", "another", "the same", err);
    return status;
}

static hk_status take_inputs(hk__merging *m, size_t count, hk_error *err)
{
    hk_case_input input, first;
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < count; i++) {
        status = hk_case_input_get(&input, m->shard, i, err);
        if (!status && !m->number)
            status = hk__case_add_input(m->out, input.given, input.absolute, err);
        else if (!status && !(status = hk_case_input_get(&first, m->out, i, err)) &&
                 strcmp(input.given, first.given) != 0)
            status = fail_other(m, "input", input.given, first.given, err);
    }
    return status;
}

static hk_status take_lists(hk__merging *m, size_t count, hk_error *err)
{
    hk_case_list list, first;
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < count; i++) {
        status = hk_case_list_get(&list, m->shard, i, err);
        if (!status && !m->number)
            status = hk__case_add_list(m->out, &list, err);
        if (status || !m->number || (status = hk_case_list_get(&first, m->out, i, err)))
            continue;
        if (strcmp(list.name, first.name) != 0)
            status = fail_other(m, "list", list.name, first.name, err);
        else if (strcmp(list.digest, first.digest) != 0 || list.revision != first.revision ||
                 list.known_good != first.known_good || list.entries != first.entries)
            status = fail_other(m, "list", "of another revision", list.name, err);
    }
    return status;
}

static hk_status take_head(hk__merging *m, hk_error *err)
{
    hk_case_info info, first;
    hk_status status = hk_case_describe(&info, m->shard, err);
    m->inputs = info.inputs;
    if (!status)
        status = take_settings(m, err);
    if (!status && m->number)
        status = hk_case_describe(&first, m->out, err);
    if (!status && m->number && (info.inputs != first.inputs || info.lists != first.lists))
        status = fail_other(m, info.lists != first.lists ? "number of lists" : "number of inputs",
                            "another", "the same", err);
    if (!status)
        status = take_inputs(m, info.inputs, err);
    if (!status)
        status = take_lists(m, info.lists, err);
    return status;
}

/* ---- sessions ------------------------------------------------------------------------------ */

static hk_status take_ticks(hk__merging *m, int64_t from, int64_t to, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    hk_status status =
        hk__sql_prepare(&read, m->shard->db, err,
                        "SELECT at, done, failed FROM tick WHERE session = ?1", "i", from);
    while (!status && !(status = hk__sql_step(&more, read, err)) && more) {
        hk__case_row row = {m->shard, read, false};
        const int64_t at = hk__case_row_number(&row, 0, 0, INT64_MAX);
        const int64_t done = hk__case_row_number(&row, 1, 0, INT64_MAX);
        const int64_t failed = hk__case_row_number(&row, 2, 0, INT64_MAX);
        status = hk__case_row_end(&row, err);
        if (!status)
            status = hk__sql_do(m->out->db, err, "INSERT INTO tick VALUES(?1, ?2, ?3, ?4)", "iiii",
                                to, at, done, failed);
        if (!status)
            status = hk__merge_pause(m, err);
    }
    sqlite3_finalize(read);
    return status;
}

static hk_status take_session(hk__merging *m, sqlite3_stmt *read, hk_error *err)
{
    hk__case_row row = {m->shard, read, false};
    const int64_t id = hk__case_row_number(&row, 0, INT64_MIN, INT64_MAX);
    const int64_t started = hk__case_row_number(&row, 1, 0, INT64_MAX);
    const int64_t ended =
        hk__case_row_null(&row, 2) ? -1 : hk__case_row_number(&row, 2, 0, INT64_MAX);
    const int64_t workers = hk__case_row_number(&row, 3, 0, UINT32_MAX);
    const int64_t done = hk__case_row_number(&row, 4, 0, INT64_MAX);
    const char *machine = hk__case_row_text(&row, 5), *versions = hk__case_row_text(&row, 6);
    row.damaged |= !machine || !versions;
    hk_status status = hk__case_row_end(&row, err);
    if (!status)
        status = hk__sql_do(m->out->db, err,
                            "INSERT INTO session(started, ended, workers, done, machine, versions)"
                            " VALUES(?1, nullif(?2, -1), ?3, ?4, ?5, ?6)",
                            "iiiitt", started, ended, workers, done, machine, versions);
    return status ? status : take_ticks(m, id, sqlite3_last_insert_rowid(m->out->db), err);
}

static hk_status take_sessions(hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    hk_status status = hk__sql_prepare(&read, m->shard->db, err,
                                       "SELECT id, started, ended, workers, done, machine, versions"
                                       " FROM session ORDER BY id",
                                       "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more)
        status = take_session(m, read, err);
    sqlite3_finalize(read);
    return status;
}

/* ---- decisions ----------------------------------------------------------------------------- */

/* They are put in one order once all are there: by time, but each shard's own as they were made. */
static const char waiting[] =
    "CREATE TEMP TABLE waiting(content INTEGER, category TEXT, actor TEXT, at INTEGER,"
    " reason TEXT, carried TEXT, shard INTEGER, turn INTEGER);"
    "CREATE INDEX temp.waiting_content ON waiting(content)";
/* What was carried over into two shards is one decision. */
static const char settled[] =
    "INSERT INTO decision(content, category, actor, at, reason, carried)"
    " SELECT content, category, actor, at, reason, carried FROM temp.waiting w"
    " WHERE carried IS NULL OR NOT EXISTS (SELECT 1 FROM temp.waiting e"
    "  WHERE e.content = w.content AND e.shard < w.shard AND e.category = w.category"
    "  AND e.actor = w.actor AND e.at = w.at AND e.reason IS w.reason AND e.carried = w.carried)"
    " ORDER BY turn, shard, rowid";

static hk_status take_decisions(hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read = NULL, *add = NULL;
    bool more = true;
    int64_t turn = INT64_MIN;
    hk_status status = hk__sql_prepare(&read, m->shard->db, err,
                                       "SELECT content, category, actor, at, reason, carried"
                                       " FROM decision ORDER BY id",
                                       "");
    if (!status)
        status =
            hk__sql_prepare(&add, m->out->db, err,
                            "INSERT INTO temp.waiting VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more) {
        hk_decision decision;
        hk__case_row row = {m->shard, read, false};
        const int64_t content = hk__case_row_number(&row, 0, 1, m->contents);
        row.damaged |= !m->content[content];
        status = hk__decision_read(&decision, &row, 1, err);
        if (status)
            break;
        turn = decision.at > turn ? decision.at : turn;
        sqlite3_bind_int64(add, 7, (int64_t)m->number);
        sqlite3_bind_int64(add, 8, turn);
        status = hk__decision_put(add, m->content[content], &decision, err);
    }
    sqlite3_finalize(read);
    sqlite3_finalize(add);
    return status;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static hk_status take_shard(hk__merging *m, hk_error *err)
{
    hk_status status = hk_case_open(&m->shard, m->order[m->number], HK_CASE_READ, err);
    if (status)
        return status;
    status = take_head(m, err);
    if (!status)
        status = take_sessions(m, err);
    if (!status)
        status = hk__merge_contents(m, err);
    if (!status)
        status = hk__merge_files(m, err);
    if (!status)
        status = take_decisions(m, err);
    if (!status)
        status = hk__case_commit(m->out, err);
    hk__free(m->content);
    m->content = NULL;
    hk_case_close(m->shard);
    m->shard = NULL;
    return status;
}

static hk_status fill(hk__merging *m, unsigned threads, hk_error *err)
{
    hk_status status = hk__sql_run(m->out->db, waiting, err);
    for (m->number = 0; !status && m->number < m->count; m->number++)
        status = take_shard(m, err);
    if (!status)
        status = hk__sql_run(m->out->db, settled, err);
    if (!status)
        status = hk__merge_check_files(m, err);
    if (!status)
        status = hk__case_group(m->out, threads, NULL, NULL, err);
    if (!status)
        status = hk__case_set_state(m->out, HK_CASE_FINISHED, err);
    return status ? status : hk__case_commit(m->out, err);
}

/* Makes the case in the draft, and closes it. */
static hk_status make(hk__merging *m, const hk__draft *draft, unsigned threads, hk_error *err)
{
    hk_status status = hk__case_create_draft(&m->out, draft->path, err);
    m->ends = hk__alloc(m->count, sizeof *m->ends);
    if (!status && !m->ends)
        status = hk__fail_memory(err);
    if (!status)
        status = fill(m, threads, err);
    hk_case_close(m->out);
    hk__free(m->ends);
    return status;
}

static hk_status check_place(const char *path, hk_error *err)
{
    struct stat facts;
    if (!lstat(path, &facts))
        return hk__fail(err, HK_ERR_USAGE, "%s: is there already: a merge makes a case of its own",
                        path);
    return HK_OK;
}

hk_status hk_case_merge(const char *out_path, const char *const *shards, size_t count,
                        unsigned threads, hk_error *err)
{
    hk__draft draft = {.fd = -1};
    hk__merging m = {.count = count};
    hk_status status = check_place(out_path, err);
    if (!status && !count)
        status = hk__fail(err, HK_ERR_USAGE, "no shards to merge");
    m.order = status ? NULL : hk__alloc(count, sizeof *m.order);
    if (!status && !m.order)
        status = hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++)
        status = take_place(m.order, count, shards[i], out_path, err);
    if (!status) {
        hk__draft_sweep(out_path);
        status = hk__draft_open(&draft, out_path, "", NULL, err);
    }
    if (!status && fchmod(draft.fd, 0600)) /* as every case */
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s", out_path, strerror(errno));
    if (!status)
        status = make(&m, &draft, threads, err);
    if (!status)
        status = hk__draft_sync(&draft, err);
    if (!status)
        status = check_place(out_path, err);
    if (!status)
        status = hk__draft_place(&draft, err);
    hk__draft_free(&draft);
    hk__free(m.order);
    return status;
}
