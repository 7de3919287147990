/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_decide.c - what people decide of contents (herken.h).
 *
 *      a person -----> decision --carry, by SHA-256--> decision of a newer case
 *                         the last one of a content stands; one of no category takes back
 *
 * Decisions are evidence of who said what and when: rows are added and never changed.
 */
#include "case/case_decide.h"

#include "case/case_text.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

bool hk__decision_words(const char *text, size_t most)
{
    const unsigned char *p = (const unsigned char *)text;
    int length;
    for (; *p; p += length) {
        length = hk__utf8_sequence(p);
        if (length <= 0 || *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return false;
    }
    return (size_t)(p - (const unsigned char *)text) <= most;
}

/* Only what is whole is decided on. */
static hk_status check_finished(hk_case *c, hk_error *err)
{
    hk_case_state state;
    hk_status status = hk__case_get_state(&state, c, err);
    if (!status && state != HK_CASE_FINISHED)
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: its run is not finished: go on with `herken match --case`, then "
                          "decide",
                          c->path);
    return status;
}

static hk_status check_words(const char *category, const hk_act *act, hk_error *err)
{
    static const char wrong[] = "is at most %d bytes of UTF-8 without control characters";
    char words[128];
    const char *what = NULL;
    int most = HK__DECISION_WORD;
    if (!act || !act->actor || !*act->actor)
        return hk__fail(err, HK_ERR_USAGE, "a decision needs the name of who makes it");
    if (category && !*category)
        return hk__fail(err, HK_ERR_USAGE, "a decision needs a category");
    if (category && !hk__decision_words(category, HK__DECISION_WORD))
        what = "a category";
    else if (!hk__decision_words(act->actor, HK__DECISION_WORD))
        what = "a name";
    else if (act->reason && !hk__decision_words(act->reason, HK__DECISION_REASON)) {
        what = "a reason";
        most = HK__DECISION_REASON;
    }
    if (!what)
        return HK_OK;
    snprintf(words, sizeof words, wrong, most);
    return hk__fail(err, HK_ERR_USAGE, "%s %s", what, words);
}

/* ---- deciding ------------------------------------------------------------------------------ */

#define OF_GROUP "SELECT content FROM grouping WHERE number = ?1"
#define OF_PATH "SELECT DISTINCT content FROM file WHERE path = ?1 AND content IS NOT NULL"
/* Taking back says something only of what stands. */
#define INSERT(chosen)                                                                             \
    "INSERT INTO decision(content, category, actor, at, reason)"                                   \
    " SELECT content, ?2, ?3, ?4, ?5 FROM (" chosen ") AS chosen WHERE ?2 <> ''"                   \
    " OR coalesce((SELECT category FROM decision WHERE content = chosen.content"                   \
    " ORDER BY id DESC LIMIT 1), '') <> '' ORDER BY content"

static void bind_chosen(sqlite3_stmt *s, uint64_t group, const char *path)
{
    if (group)
        sqlite3_bind_int64(s, 1, (int64_t)group);
    else
        sqlite3_bind_blob(s, 1, path, (int)strlen(path), SQLITE_STATIC);
}

static hk_status count_chosen(int64_t *out, const char *sql, hk_case *c, uint64_t group,
                              const char *path, hk_error *err)
{
    sqlite3_stmt *count;
    bool row;
    hk_status status = hk__sql_prepare(&count, c->db, err, sql, "");
    if (status)
        return status;
    bind_chosen(count, group, path);
    status = hk__sql_step(&row, count, err);
    if (!status)
        *out = row ? sqlite3_column_int64(count, 0) : 0;
    sqlite3_finalize(count);
    return status;
}

static hk_status check_chosen(hk_case *c, uint64_t group, const char *path, hk_error *err)
{
    int64_t contents = 0, files = 0;
    hk_status status = count_chosen(&contents,
                                    group ? "SELECT count(*) FROM (" OF_GROUP ")"
                                          : "SELECT count(*) FROM (" OF_PATH ")",
                                    c, group, path, err);
    if (!status && !contents && !group)
        status = count_chosen(&files, "SELECT count(*) FROM file WHERE path = ?1", c, 0, path, err);
    if (status || contents)
        return status;
    if (group)
        return hk__fail(err, HK_ERR_USAGE, "%s: has no group %llu", c->path,
                        (unsigned long long)group);
    return hk__fail(err, HK_ERR_USAGE,
                    files ? "%s: the bytes of %.200s were not read: there is nothing to decide on"
                          : "%s: has no file %.200s; paths are those of the case's reports",
                    c->path, path);
}

static hk_status add_decisions(uint64_t *contents, hk_case *c, uint64_t group, const char *path,
                               const char *category, const hk_act *act, hk_error *err)
{
    sqlite3_stmt *add;
    hk_status status =
        hk__sql_prepare(&add, c->db, err, group ? INSERT(OF_GROUP) : INSERT(OF_PATH), "");
    if (status)
        return status;
    bind_chosen(add, group, path);
    sqlite3_bind_text(add, 2, category ? category : "", -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 3, act->actor, -1, SQLITE_STATIC);
    sqlite3_bind_int64(add, 4, act->at ? act->at : (int64_t)time(NULL));
    sqlite3_bind_text(add, 5, act->reason, -1, SQLITE_STATIC); /* NULL: null */
    status = hk__sql_done(add, err);
    *contents = (uint64_t)sqlite3_changes(c->db);
    sqlite3_finalize(add);
    return status;
}

hk_status hk_case_decide(uint64_t *contents, hk_case *c, uint64_t group, const char *path,
                         const char *category, const hk_act *act, hk_error *err)
{
    uint64_t count = 0;
    hk_status status = check_words(category, act, err);
    if (!status && !group && !path)
        status = hk__fail(err, HK_ERR_USAGE, "a decision is on a group, or on a file");
    if (!status && group > INT64_MAX)
        status = hk__fail(err, HK_ERR_USAGE, "%s: has no such group", c->path);
    if (!status)
        status = check_finished(c, err);
    if (!status)
        status = check_chosen(c, group, path, err);
    if (!status)
        status = hk__case_whole_begin(c, err);
    if (status)
        return status;
    status = add_decisions(&count, c, group, path, category, act, err);
    status = hk__case_whole_end(c, status, err);
    if (!status)
        *contents = count;
    return status;
}

/* ---- carrying over ------------------------------------------------------------------------- */

hk_status hk__decision_read(hk_decision *out, hk__case_row *row, int column, hk_error *err)
{
    *out = (hk_decision){hk__case_row_text(row, column), hk__case_row_text(row, column + 1),
                         hk__case_row_text(row, column + 3),
                         hk__case_row_number(row, column + 2, INT64_MIN, INT64_MAX),
                         hk__case_row_text(row, column + 4)};
    row->damaged |= !out->category || !hk__decision_words(out->category, HK__DECISION_WORD) ||
                    !out->actor || !*out->actor ||
                    !hk__decision_words(out->actor, HK__DECISION_WORD) ||
                    (out->reason && !hk__decision_words(out->reason, HK__DECISION_REASON)) ||
                    (out->carried && !hk__decision_words(out->carried, HK__DECISION_WORD));
    return hk__case_row_end(row, err);
}

hk_status hk__decision_put(sqlite3_stmt *add, int64_t content, const hk_decision *decision,
                           hk_error *err)
{
    sqlite3_bind_int64(add, 1, content);
    sqlite3_bind_text(add, 2, decision->category, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 3, decision->actor, -1, SQLITE_STATIC);
    sqlite3_bind_int64(add, 4, decision->at);
    sqlite3_bind_text(add, 5, decision->reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 6, decision->carried, -1, SQLITE_STATIC);
    const hk_status status = hk__sql_done(add, err);
    sqlite3_clear_bindings(add);
    return status;
}

/* Statements of one carrying. */
typedef struct carrying {
    hk_case *c, *from;
    sqlite3_stmt *read, *last, *add;
    char name[HK__DECISION_WORD + 1]; /* of the other case's file */
    uint64_t count;
} carrying;

/* Whether a decision of another case is to be added to those on a content of this one: what was
 * decided here stands, and of what was carried over the newest. */
static hk_status is_wanted(bool *out, carrying *k, int64_t content, const hk_decision *decision,
                           hk_error *err)
{
    bool found;
    sqlite3_reset(k->last);
    sqlite3_bind_int64(k->last, 1, content);
    hk_status status = hk__sql_step(&found, k->last, err);
    if (status)
        return status;
    *out = found ? sqlite3_column_int(k->last, 1) && decision->at > sqlite3_column_int64(k->last, 0)
                 : *decision->category != '\0';
    sqlite3_reset(k->last);
    return HK_OK;
}

static hk_status carry_one(carrying *k, hk_error *err)
{
    uint8_t sha256[32] = {0};
    hk_decision decision;
    int64_t content = 0;
    bool wanted = false;
    hk__case_row row = {k->from, k->read, false};
    row.damaged |= !hk__case_row_bytes(sha256, &row, 0, sizeof sha256);
    hk_status status = hk__decision_read(&decision, &row, 1, err);
    if (!status)
        status = hk__case_content_of(&content, k->c, sha256, err);
    if (!status && content)
        status = is_wanted(&wanted, k, content, &decision, err);
    if (status || !wanted)
        return status;
    if (!decision.carried)
        decision.carried = k->name;
    k->count++;
    return hk__decision_put(k->add, content, &decision, err);
}

static hk_status carry_all(carrying *k, hk_error *err)
{
    bool more = true;
    hk_status status = hk__sql_prepare(
        &k->read, k->from->db, err,
        "SELECT c.sha256, d.category, d.actor, d.at, d.reason, d.carried FROM decision d"
        " LEFT JOIN content c ON c.id = d.content"
        " WHERE d.id = (SELECT max(id) FROM decision WHERE content = d.content) ORDER BY d.id",
        "");
    if (!status)
        status = hk__sql_prepare(&k->last, k->c->db, err,
                                 "SELECT at, carried IS NOT NULL FROM decision WHERE content = ?1"
                                 " ORDER BY id DESC LIMIT 1",
                                 "");
    if (!status)
        status = hk__sql_prepare(&k->add, k->c->db, err, HK__DECISION_INSERT, "");
    while (!status && !(status = hk__sql_step(&more, k->read, err)) && more)
        status = carry_one(k, err);
    sqlite3_finalize(k->read);
    sqlite3_finalize(k->last);
    sqlite3_finalize(k->add);
    return status;
}

static hk_status check_other(const hk_case *c, const char *from, hk_error *err)
{
    struct stat own, other;
    if (!stat(c->path, &own) && !stat(from, &other) && own.st_dev == other.st_dev &&
        own.st_ino == other.st_ino)
        return hk__fail(err, HK_ERR_USAGE, "%s: is this case itself", from);
    return HK_OK;
}

void hk__case_name(char *out, size_t size, const hk_case *c)
{
    const char *slash = strrchr(c->path, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : c->path);
    hk__printable(out);
}

hk_status hk_case_carry(uint64_t *contents, hk_case *c, const char *from, hk_error *err)
{
    carrying k = {.c = c};
    hk_status status = check_finished(c, err);
    if (!status)
        status = check_other(c, from, err);
    if (!status)
        status = hk_case_open(&k.from, from, HK_CASE_READ, err);
    if (!status)
        status = hk__case_whole_begin(c, err);
    if (!status) {
        hk__case_name(k.name, sizeof k.name, k.from);
        status = hk__case_whole_end(c, carry_all(&k, err), err);
    }
    hk_case_close(k.from);
    if (!status)
        *contents = k.count;
    return status;
}

/* ---- telling ------------------------------------------------------------------------------- */

static hk_status tell(bool *more, hk_case *c, sqlite3_stmt *read,
                      bool (*on_decision)(void *context, const hk_case_decision *decision),
                      void *context, hk_error *err)
{
    hk_case_decision told = {0};
    hk__case_row row = {c, read, false};
    hk_digests *digests = &told.digests;
    if (hk__case_row_bytes(digests->sha256, &row, 5, 32))
        digests->present |= HK_DIGEST_SHA256;
    if (hk__case_row_bytes(digests->md5, &row, 6, 16))
        digests->present |= HK_DIGEST_MD5;
    if (hk__case_row_bytes(digests->sha1, &row, 7, 20))
        digests->present |= HK_DIGEST_SHA1;
    told.path = hk__case_row_text(&row, 8);
    told.files = (uint64_t)hk__case_row_number(&row, 9, 0, INT64_MAX);
    told.stands = hk__case_row_flag(&row, 10);
    row.damaged |= !digests->present || !told.path;
    const hk_status status = hk__decision_read(&told.decision, &row, 0, err);
    if (status)
        return status;
    if (!*told.decision.category) {
        told.decision.category = NULL;
        told.stands = false;
    }
    *more = on_decision(context, &told);
    return HK_OK;
}

hk_status hk_case_decisions(hk_case *c,
                            bool (*on_decision)(void *context, const hk_case_decision *decision),
                            void *context, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    hk_status status = hk__sql_prepare(
        &read, c->db, err,
        "SELECT d.category, d.actor, d.at, d.reason, d.carried, c.sha256, c.md5, c.sha1,"
        " (SELECT min(path) FROM file WHERE content = d.content),"
        " (SELECT count(*) FROM file WHERE content = d.content),"
        " d.id = (SELECT max(id) FROM decision WHERE content = d.content)"
        " FROM decision d LEFT JOIN content c ON c.id = d.content ORDER BY d.id",
        "");
    if (status)
        return status;
    bool row;
    while (!status && more && !(status = hk__sql_step(&row, read, err)) && row)
        status = tell(&more, c, read, on_decision, context, err);
    sqlite3_finalize(read);
    return status;
}
