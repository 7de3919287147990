/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_facts.c - settings, inputs, lists, sessions and the account of a case (case.h, herken.h). */
#include "case/case.h"
#include "case/case_text.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- settings ------------------------------------------------------------------------------ */

hk_status hk__case_get(char **out, hk_case *c, const char *key, hk_error *err)
{
    sqlite3_stmt *get;
    bool found;
    hk_status status =
        hk__sql_prepare(&get, c->db, err, "SELECT value FROM setting WHERE key = ?1", "t", key);
    if (status)
        return status;
    status = hk__sql_step(&found, get, err);
    if (!status && found) {
        hk__case_row row = {c, get, false};
        const char *text = hk__case_row_text(&row, 0);
        status = hk__case_row_end(&row, err);
        if (!status) {
            *out = hk__strndup(text ? text : "", text ? strlen(text) : 0);
            status = *out ? HK_OK : hk__fail_memory(err);
        }
    } else if (!status) {
        *out = NULL;
    }
    sqlite3_finalize(get);
    return status;
}

hk_status hk__case_set(hk_case *c, const char *key, const char *value, hk_error *err)
{
    return hk__sql_do(c->db, err, "INSERT OR REPLACE INTO setting VALUES(?1, ?2)", "tt", key,
                      value);
}

hk_status hk__case_get_state(hk_case_state *out, hk_case *c, hk_error *err)
{
    char *name;
    hk_status status = hk__case_get(&name, c, "state", err);
    if (status)
        return status;
    unsigned state = 0;
    while (state < HK_CASE_STATES && (!name || strcmp(name, hk_case_state_name(state)) != 0))
        state++;
    hk__free(name);
    if (state == HK_CASE_STATES)
        return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: it has no state", c->path);
    *out = state;
    return HK_OK;
}

hk_status hk__case_set_state(hk_case *c, hk_case_state state, hk_error *err)
{
    return hk__case_set(c, "state", hk_case_state_name(state), err);
}

/* What a value means, where the number by itself says nothing. */
static const char *value_words(const char *key, const char *value)
{
    static const char *const words[][3] = {{"max_distance", "-1", "that of the profile"},
                                           {"probes", "0", "fast"},
                                           {"probes", "1", "standard"},
                                           {"probes", "2", "thorough"},
                                           {"archives", "0", "not opened"},
                                           {"archives", "1", "opened"},
                                           {"accept_uncertain", "0", "not accepted"},
                                           {"accept_uncertain", "1", "accepted"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(key, words[i][0]) && !strcmp(value, words[i][1]))
            return words[i][2];
    return value;
}

hk_status hk__case_setting(hk_case *c, const char *key, const char *value, const char *words,
                           hk_error *err)
{
    char *kept;
    hk_case_state state;
    hk_status status = hk__case_get_state(&state, c, err);
    if (!status && state == HK_CASE_PLANNING)
        return hk__case_set(c, key, value, err);
    if (!status)
        status = hk__case_get(&kept, c, key, err);
    if (status)
        return status;
    if (!kept || strcmp(kept, value) != 0)
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: the case was begun with another %s: %s, and not %s; go on with "
                          "that, or begin a new case",
                          c->path, words, kept ? value_words(key, kept) : "none",
                          value_words(key, value));
    hk__free(kept);
    return status;
}

/* A whole number among the settings; `none` where it is missing. */
static hk_status number_of(int64_t *out, int64_t none, int64_t low, int64_t high, hk_case *c,
                           const char *key, hk_error *err)
{
    char *text, *end;
    hk_status status = hk__case_get(&text, c, key, err);
    if (status)
        return status;
    *out = none;
    if (text) {
        *out = strtoll(text, &end, 10);
        if (!*text || *end || *out < low || *out > high)
            status = hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: its %s is '%.40s'",
                              c->path, key, text);
    }
    hk__free(text);
    return status;
}

static hk_status text_of(const char **out, hk_case *c, const char *key, hk_error *err)
{
    sqlite3_stmt *get;
    bool found;
    *out = NULL;
    hk_status status =
        hk__sql_prepare(&get, c->db, err, "SELECT value FROM setting WHERE key = ?1", "t", key);
    if (status)
        return status;
    status = hk__sql_step(&found, get, err);
    if (!status && found)
        status = hk__case_keep(out, c, get, 0, err);
    sqlite3_finalize(get);
    return status;
}

hk_status hk_case_describe(hk_case_info *out, hk_case *c, hk_error *err)
{
    hk_case_info info = {0};
    struct {
        const char *key;
        int64_t none, low, high, value;
    } numbers[] = {{"shard", 1, 1, 1000000, 0},
                   {"shards", 1, 1, 1000000, 0},
                   {"max_distance", -1, -1, 128, 0},
                   {"hashes", 0, 0, INT64_MAX, 0},
                   {"radius.photo", -1, -1, 128, 0},
                   {"radius.low_texture", -1, -1, 128, 0},
                   {"radius.graphic", -1, -1, 128, 0},
                   {"exact_radius.photo", -1, -1, 128, 0},
                   {"exact_radius.low_texture", -1, -1, 128, 0},
                   {"exact_radius.graphic", -1, -1, 128, 0},
                   {"aligned_radius.photo", -1, -1, 128, 0},
                   {"aligned_radius.low_texture", -1, -1, 128, 0},
                   {"aligned_radius.graphic", -1, -1, 128, 0},
                   {"probes", HK_PROBES_STANDARD, 0, HK_PROBES_SETS - 1, 0}};
    enum {
        SHARD,
        SHARDS,
        DISTANCE,
        HASHES,
        RADIUS,
        EXACT = RADIUS + 3,
        ALIGNED = EXACT + 3,
        PROBES = ALIGNED + 3,
        NUMBERS
    };
    int64_t counts[5];
    static const char *const counted[5] = {
        "SELECT count(*) FROM input", "SELECT count(*) FROM list", "SELECT count(*) FROM session",
        "SELECT count(DISTINCT number) FROM grouping",
        "SELECT count(*) FROM decision d WHERE category <> '' AND id ="
        " (SELECT max(id) FROM decision WHERE content = d.content)"};
    hk__case_text_clear(c);
    hk_status status = hk__case_get_state(&info.state, c, err);
    for (int i = 0; !status && i < NUMBERS; i++)
        status = number_of(&numbers[i].value, numbers[i].none, numbers[i].low, numbers[i].high, c,
                           numbers[i].key, err);
    for (int i = 0; !status && i < 5; i++)
        status = hk__sql_number(&counts[i], 0, c->db, err, counted[i], "");
    const char *profile = NULL;
    if (!status)
        status = text_of(&profile, c, "profile", err);
    if (!status)
        status = text_of(&info.version, c, "version", err);
    if (!status)
        status = text_of(&info.model_checksum, c, "model", err);
    if (!status)
        status = text_of(&info.calibration_checksum, c, "calibration", err);
    if (status)
        return status;
    info.profile = HK_PROFILE_REVIEW;
    if (profile && !strcmp(profile, hk_profile_name(HK_PROFILE_GATE)))
        info.profile = HK_PROFILE_GATE;
    else if (profile && strcmp(profile, hk_profile_name(HK_PROFILE_REVIEW)) != 0)
        return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: its profile is '%.40s'",
                        c->path, profile);
    info.shard = (unsigned)numbers[SHARD].value;
    info.shards = (unsigned)numbers[SHARDS].value;
    info.max_distance = (int)numbers[DISTANCE].value;
    info.hashes = (uint64_t)numbers[HASHES].value;
    for (int kind = 0; kind < 3; kind++) {
        info.radius[kind] = (int)numbers[RADIUS + kind].value;
        info.exact_radius[kind] = (int)numbers[EXACT + kind].value;
        info.aligned_radius[kind] = (int)numbers[ALIGNED + kind].value;
    }
    info.probes = (hk_probes)numbers[PROBES].value;
    info.inputs = (size_t)counts[0];
    info.lists = (size_t)counts[1];
    info.sessions = (size_t)counts[2];
    info.groups = (uint64_t)counts[3];
    info.decisions = (uint64_t)counts[4];
    *out = info;
    return HK_OK;
}

/* As hk__case_keep, of a column that is never null. */
static hk_status keep_some(const char **out, hk_case *c, sqlite3_stmt *row, int column,
                           hk_error *err)
{
    hk_status status = hk__case_keep(out, c, row, column, err);
    const hk__case_row nothing = {c, row, true};
    return status || *out ? status : hk__case_row_end(&nothing, err);
}

/* ---- inputs, lists, sessions --------------------------------------------------------------- */

/* Row number `index` of a table, by id. The caller finalizes. */
static hk_status row_of(sqlite3_stmt **out, hk_case *c, const char *sql, size_t index,
                        hk_error *err)
{
    sqlite3_stmt *get;
    bool found;
    hk__case_text_clear(c);
    hk_status status = hk__sql_prepare(&get, c->db, err, sql, "i", (int64_t)index);
    if (status)
        return status;
    status = hk__sql_step(&found, get, err);
    if (!status && !found)
        status = hk__fail(err, HK_ERR_USAGE, "%s: has no number %zu of these", c->path, index);
    if (status)
        sqlite3_finalize(get);
    else
        *out = get;
    return status;
}

hk_status hk_case_input_get(hk_case_input *out, hk_case *c, size_t index, hk_error *err)
{
    sqlite3_stmt *get;
    hk_case_input input;
    hk_status status = row_of(
        &get, c, "SELECT given, absolute FROM input ORDER BY id LIMIT 1 OFFSET ?1", index, err);
    if (status)
        return status;
    status = keep_some(&input.given, c, get, 0, err);
    if (!status)
        status = keep_some(&input.absolute, c, get, 1, err);
    sqlite3_finalize(get);
    if (!status)
        *out = input;
    return status;
}

hk_status hk_case_list_get(hk_case_list *out, hk_case *c, size_t index, hk_error *err)
{
    sqlite3_stmt *get;
    hk_case_list list = {0};
    hk_status status = row_of(&get, c,
                              "SELECT name, source, digest, known_good, revision, entries FROM list"
                              " ORDER BY id LIMIT 1 OFFSET ?1",
                              index, err);
    if (status)
        return status;
    hk__case_row row = {c, get, false};
    list.known_good = hk__case_row_flag(&row, 3);
    list.revision = (uint64_t)hk__case_row_number(&row, 4, 0, INT64_MAX);
    list.entries = (uint64_t)hk__case_row_number(&row, 5, 0, INT64_MAX);
    status = hk__case_row_end(&row, err);
    if (!status)
        status = keep_some(&list.name, c, get, 0, err);
    if (!status)
        status = keep_some(&list.source, c, get, 1, err);
    if (!status)
        status = keep_some(&list.digest, c, get, 2, err);
    sqlite3_finalize(get);
    if (!status)
        *out = list;
    return status;
}

hk_status hk_case_session_get(hk_case_session *out, hk_case *c, size_t index, hk_error *err)
{
    sqlite3_stmt *get;
    hk_case_session session = {0};
    hk_status status = row_of(&get, c,
                              "SELECT machine, versions, started, ended, workers, done FROM session"
                              " ORDER BY id LIMIT 1 OFFSET ?1",
                              index, err);
    if (status)
        return status;
    hk__case_row row = {c, get, false};
    session.started = hk__case_row_number(&row, 2, 0, INT64_MAX);
    session.ended = hk__case_row_null(&row, 3) ? 0 : hk__case_row_number(&row, 3, 0, INT64_MAX);
    session.workers = (unsigned)hk__case_row_number(&row, 4, 0, UINT32_MAX);
    session.done = (uint64_t)hk__case_row_number(&row, 5, 0, INT64_MAX);
    status = hk__case_row_end(&row, err);
    if (!status)
        status = keep_some(&session.machine, c, get, 0, err);
    if (!status)
        status = keep_some(&session.versions, c, get, 1, err);
    sqlite3_finalize(get);
    if (!status)
        *out = session;
    return status;
}

hk_status hk__case_session_begin(int64_t *session, hk_case *c, const hk_case_session *facts,
                                 hk_error *err)
{
    /* Devices are numbered anew whenever they are mounted, and inodes are used again. */
    hk_status status = hk__sql_run(c->db, "DELETE FROM inode", err);
    if (status)
        return status;
    status = hk__sql_do(c->db, err,
                        "INSERT INTO session(started, workers, done, machine, versions)"
                        " VALUES(?1, ?2, 0, ?3, ?4)",
                        "iitt", facts->started ? facts->started : (int64_t)time(NULL),
                        (int64_t)facts->workers, facts->machine, facts->versions);
    if (!status)
        *session = sqlite3_last_insert_rowid(c->db);
    return status;
}

hk_status hk__case_session_end(hk_case *c, int64_t session, uint64_t done, hk_error *err)
{
    return hk__sql_do(c->db, err, "UPDATE session SET ended = ?2, done = ?3 WHERE id = ?1", "iii",
                      session, (int64_t)time(NULL), (int64_t)done);
}

hk_status hk__case_tick(hk_case *c, int64_t session, uint64_t done, uint64_t failed, hk_error *err)
{
    const hk_status status =
        hk__sql_do(c->db, err, "INSERT OR REPLACE INTO tick VALUES(?1, ?2, ?3, ?4)", "iiii",
                   session, (int64_t)time(NULL), (int64_t)done, (int64_t)failed);
    return status ? status
                  : hk__sql_do(c->db, err, "UPDATE session SET done = ?2 WHERE id = ?1", "ii",
                               session, (int64_t)done);
}

/* ---- the account --------------------------------------------------------------------------- */

/* How many files have this in common: columns of the query below. */
static hk_status add_row(hk_account *account, hk_case *c, sqlite3_stmt *statement, hk_error *err)
{
    hk__case_row row = {c, statement, false};
    const int64_t files = hk__case_row_number(&row, 0, 0, INT64_MAX);
    if (hk__case_row_null(&row, 1)) { /* to be done */
        account->found += (uint64_t)files;
        return hk__case_row_end(&row, err);
    }
    const hk_file_status status = hk__case_row_status(&row, 1, hk__case_row_flag(&row, 7));
    const hk_verdict verdict = (hk_verdict)hk__case_row_number(&row, 2, 0, HK_VERDICTS - 1);
    const bool known_good = hk__case_row_flag(&row, 3), conflict = hk__case_row_flag(&row, 4);
    /* Of each content that was hashed one file is the first, and the others its duplicates. */
    const int64_t firsts = hk__case_row_number(&row, 5, 0, files);
    const double false_matches = hk__case_row_real(&row, 6);
    const bool hashed = hk_file_status_class(status) == HK_CLASS_HASHED;
    const int64_t duplicates = hashed ? files - firsts : 0;
    account->found += (uint64_t)files;
    account->by_status[status] += (uint64_t)(files - duplicates);
    account->by_status[HK_FILE_DUPLICATE] += (uint64_t)duplicates;
    account->by_class[hk_file_status_class(status)] += (uint64_t)(files - duplicates);
    account->by_class[HK_CLASS_DUPLICATE] += (uint64_t)duplicates;
    account->by_verdict[verdict] += (uint64_t)files;
    account->known_good += known_good ? (uint64_t)files : 0;
    account->conflicts += conflict ? (uint64_t)files : 0;
    account->expected_false_matches += hashed ? (double)firsts * false_matches : 0;
    return hk__case_row_end(&row, err);
}

/* A file of a content that is not there would be counted nowhere. */
static hk_status check_found(const hk_account *account, hk_case *c, hk_error *err)
{
    int64_t files;
    const hk_status status = hk__sql_number(&files, 0, c->db, err, "SELECT count(*) FROM file", "");
    return status || (uint64_t)files == account->found
               ? status
               : hk__fail(err, HK_ERR_FORMAT,
                          "%s: the case is damaged: contents of its files are missing; restore a "
                          "copy",
                          c->path);
}

hk_status hk_case_account(hk_account *out, hk_case *c, hk_error *err)
{
    sqlite3_stmt *sum;
    bool more = true;
    hk_account account = {0};
    /* By content first, so that each is counted once. What is expected is added up by its few
     * values, in their order: a sum of doubles depends on the order, and the account must not. */
    hk_status status = hk__sql_prepare(
        &sum, c->db, err,
        "WITH own AS (SELECT content, count(*) AS files FROM file"
        "  WHERE status IS NOT NULL AND content IS NOT NULL GROUP BY content),"
        " held AS (SELECT c.status AS status, c.verdict AS verdict, c.known_good AS good,"
        "  c.conflict AS conflict, c.false_matches AS chance,"
        "  (SELECT count(*) FROM file WHERE content = c.id) - coalesce(own.files, 0) AS files"
        "  FROM content c LEFT JOIN own ON own.content = c.id)"
        " SELECT sum(files), status, verdict, good, conflict, count(*), chance, 1 FROM held"
        "  WHERE files > 0 GROUP BY 2, 3, 4, 5, 7"
        " UNION ALL SELECT count(*), status, 0, 0, 0, count(*), 0.0, 0 FROM file"
        "  WHERE content IS NULL GROUP BY 2"
        /* Of archives: what opening them came to. 2, a duplicate: damaged. */
        " UNION ALL SELECT count(*), CASE WHEN c.status < 2 OR c.hashes IS NOT NULL THEN 2"
        "   ELSE f.status END, " HK__SQL_VERDICT ", c.known_good, c.conflict, 0, 0.0, 1"
        "  FROM file f JOIN content c ON c.id = f.content WHERE f.status IS NOT NULL"
        "  GROUP BY 2, 3, 4, 5 ORDER BY 7, 2, 3, 4, 5",
        "");
    if (status)
        return status;
    while (!status && more && !(status = hk__sql_step(&more, sum, err)) && more)
        status = add_row(&account, c, sum, err);
    sqlite3_finalize(sum);
    if (!status)
        status = check_found(&account, c, err);
    if (!status)
        *out = account;
    return status;
}
