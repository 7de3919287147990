/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_put.c - what a run puts into its case (case.h). */
#include "case/case.h"
#include "case/case_text.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

/* The case's statement of this kind, made when it is first wanted. */
static hk_status use(sqlite3_stmt **statement, hk_case *c, const char *sql, hk_error *err)
{
    return *statement ? HK_OK : hk__sql_prepare(statement, c->db, err, sql, "");
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC); /* NULL: null */
}

/* Paths and names of entries are bytes. */
static void bind_bytes(sqlite3_stmt *s, int at, const char *text)
{
    if (text)
        sqlite3_bind_blob(s, at, text, (int)strlen(text), SQLITE_STATIC);
    else
        sqlite3_bind_null(s, at);
}

static void bind_or_null(sqlite3_stmt *s, int at, int64_t value)
{
    if (value)
        sqlite3_bind_int64(s, at, value);
    else
        sqlite3_bind_null(s, at);
}

/* What was bound is borrowed: it is forgotten with the row. */
static hk_status run(sqlite3_stmt *s, hk_error *err)
{
    const hk_status status = hk__sql_done(s, err);
    sqlite3_clear_bindings(s);
    return status;
}

/* ---- the plan ------------------------------------------------------------------------------ */

hk_status hk__case_add_input(hk_case *c, const char *given, const char *absolute, hk_error *err)
{
    sqlite3_stmt *add;
    hk_status status =
        hk__sql_prepare(&add, c->db, err,
                        "INSERT INTO input SELECT coalesce(max(id) + 1, 0), ?1, ?2 FROM input", "");
    if (status)
        return status;
    bind_bytes(add, 1, given);
    bind_bytes(add, 2, absolute);
    status = run(add, err);
    sqlite3_finalize(add);
    return status;
}

hk_status hk__case_add_list(hk_case *c, const hk_case_list *list, hk_error *err)
{
    sqlite3_stmt *add;
    hk_status status = hk__sql_prepare(
        &add, c->db, err,
        "INSERT INTO list SELECT coalesce(max(id) + 1, 0), ?1, ?2, ?3, ?4, ?5, ?6 FROM list", "");
    if (status)
        return status;
    bind_text(add, 1, list->name);
    bind_bytes(add, 2, list->source);
    sqlite3_bind_int(add, 3, list->known_good);
    sqlite3_bind_int64(add, 4, (int64_t)list->revision);
    bind_text(add, 5, list->digest);
    sqlite3_bind_int64(add, 6, (int64_t)list->entries);
    status = run(add, err);
    sqlite3_finalize(add);
    return status;
}

hk_status hk__case_plan(hk_case *c, size_t input, const char *path, hk_file_status status,
                        const char *reason, hk_error *err)
{
    hk_status s = use(&c->plan, c,
                      "INSERT INTO file(input, path, status, reason) VALUES(?1, ?2, ?3, ?4)", err);
    if (s)
        return s;
    sqlite3_bind_int64(c->plan, 1, (int64_t)input);
    bind_bytes(c->plan, 2, path);
    bind_or_null(c->plan, 3, status); /* HK_FILE_OK is 0, and to be done is null */
    bind_text(c->plan, 4, reason);
    return run(c->plan, err);
}

/* ---- what is to be done -------------------------------------------------------------------- */

static hk_status count_members(uint64_t *out, hk_case *c, int64_t archive, hk_error *err)
{
    hk_status status = use(&c->member_done, c,
                           "SELECT coalesce(max(member) + 1, 0) FROM file WHERE archive = ?1", err);
    if (status)
        return status;
    bool row;
    sqlite3_bind_int64(c->member_done, 1, archive);
    status = hk__sql_step(&row, c->member_done, err);
    if (!status) {
        *out = row ? (uint64_t)sqlite3_column_int64(c->member_done, 0) : 0;
        sqlite3_reset(c->member_done);
    }
    return status;
}

hk_status hk__case_next(hk__case_todo *out, hk_case *c, int64_t after, hk_error *err)
{
    hk_status status = use(&c->next, c,
                           "SELECT id, input, path FROM file WHERE id > ?1 AND status IS NULL"
                           " AND content IS NULL ORDER BY id LIMIT 1",
                           err);
    if (status)
        return status;
    bool found;
    *out = (hk__case_todo){0};
    sqlite3_reset(c->next);
    sqlite3_bind_int64(c->next, 1, after);
    status = hk__sql_step(&found, c->next, err);
    if (status || !found)
        return status;
    hk__case_row row = {c, c->next, false};
    out->file = hk__case_row_number(&row, 0, 1, INT64_MAX);
    out->input = (size_t)hk__case_row_number(&row, 1, 0, INT64_MAX);
    out->path =
        hk__case_row_text(&row, 2); /* the statement stays where it is until the next call */
    row.damaged |= !out->path;
    status = hk__case_row_end(&row, err);
    return status ? status : count_members(&out->first_member, c, out->file, err);
}

/* ---- contents ------------------------------------------------------------------------------ */

hk_status hk__case_content_of(int64_t *content, hk_case *c, const uint8_t sha256[32], hk_error *err)
{
    hk_status status = use(&c->content_of, c, "SELECT id FROM content WHERE sha256 = ?1", err);
    if (status)
        return status;
    bool row;
    sqlite3_bind_blob(c->content_of, 1, sha256, 32, SQLITE_STATIC);
    status = hk__sql_step(&row, c->content_of, err);
    if (!status) {
        *content = row ? sqlite3_column_int64(c->content_of, 0) : 0;
        sqlite3_reset(c->content_of);
    }
    sqlite3_clear_bindings(c->content_of);
    return status;
}

static void put_hash_bytes(uint8_t out[32], const hk_hash *hash)
{
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(hash->word[3 - i / 8] >> (56 - 8 * (i % 8)));
}

/* number 0: the next one. */
static hk_status insert_content(int64_t *content, hk_case *c, int64_t number, const hk_file *file,
                                uint64_t bytes, double false_matches, hk_error *err)
{
    uint8_t hashes[HK_ORIENTATIONS * 32];
    hk_status status = use(&c->content, c,
                           "INSERT INTO content VALUES(?21, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                           " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
                           err);
    if (status)
        return status;
    sqlite3_stmt *s = c->content;
    const hk_digests *digests = &file->digests;
    sqlite3_bind_blob(s, 1, digests->sha256, 32, SQLITE_STATIC);
    if (digests->present & HK_DIGEST_MD5)
        sqlite3_bind_blob(s, 2, digests->md5, 16, SQLITE_STATIC);
    if (digests->present & HK_DIGEST_SHA1)
        sqlite3_bind_blob(s, 3, digests->sha1, 20, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (int64_t)bytes);
    sqlite3_bind_int(s, 5, file->status);
    bind_text(s, 6, file->reason);
    bind_text(s, 7, file->format);
    sqlite3_bind_int64(s, 8, file->width);
    sqlite3_bind_int64(s, 9, file->height);
    sqlite3_bind_int(s, 10, (int)file->exif_orientation);
    sqlite3_bind_int(s, 11, (int)file->flags);
    if (file->hashed) {
        for (int o = 0; o < HK_ORIENTATIONS; o++)
            put_hash_bytes(hashes + 32 * o, &file->fingerprint.hash[o]);
        sqlite3_bind_blob(s, 12, hashes, sizeof hashes, SQLITE_STATIC);
        sqlite3_bind_int(s, 13, file->fingerprint.quality);
        sqlite3_bind_int(s, 14, file->fingerprint.kind);
    }
    sqlite3_bind_int(s, 15, file->verdict);
    bind_text(s, 16, file->verdict_reason);
    sqlite3_bind_int(s, 17, file->known_good);
    sqlite3_bind_int(s, 18, file->conflict);
    sqlite3_bind_int(s, 19, file->matches_truncated);
    sqlite3_bind_double(s, 20, false_matches);
    bind_or_null(s, 21, number);
    status = run(s, err);
    *content = sqlite3_last_insert_rowid(c->db);
    return status;
}

/* The list's number, by its name: matches name lists, and a case's lists have different names. */
static hk_status list_number(int64_t *out, hk_case *c, const char *name, hk_error *err)
{
    hk_status status =
        hk__sql_number(out, -1, c->db, err, "SELECT id FROM list WHERE name = ?1", "t", name);
    if (!status && *out < 0)
        status = hk__fail(err, HK_ERR_USAGE, "a match in '%s', which is no list of the case", name);
    return status;
}

static hk_status insert_match(hk_case *c, int64_t content, size_t rank, const hk_match *match,
                              hk_error *err)
{
    int64_t list;
    hk_status status = list_number(&list, c, match->list, err);
    if (!status)
        status = use(&c->match, c,
                     "INSERT INTO match VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                     " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,"
                     " ?22)",
                     err);
    if (status)
        return status;
    sqlite3_stmt *s = c->match;
    sqlite3_bind_int64(s, 1, content);
    sqlite3_bind_int64(s, 2, (int64_t)rank);
    sqlite3_bind_int64(s, 3, list);
    bind_bytes(s, 4, match->entry);
    bind_bytes(s, 5, match->category);
    sqlite3_bind_int(s, 6, match->basis);
    if (match->basis == HK_BASIS_PDQ) {
        bind_text(s, 7, match->probe);
        sqlite3_bind_int(s, 8, (int)match->distance);
        sqlite3_bind_int(s, 9, match->orientation);
        sqlite3_bind_int(s, 10, match->inverted);
        sqlite3_bind_double(s, 11, match->chance);
        sqlite3_bind_int(s, 12, match->chance_extrapolated);
        sqlite3_bind_int64(s, 13, match->view);
        sqlite3_bind_int64(s, 14, match->frame);
        sqlite3_bind_int(s, 15, match->backdrop);
        const hk_placement *p = &match->placement;
        const float place[] = {p->left, p->top, p->right, p->bottom, p->angle};
        for (int i = 0; match->aligned && i < 5; i++)
            sqlite3_bind_double(s, 16 + i, (double)place[i]);
        if (match->aligned)
            sqlite3_bind_int64(s, 21, match->before);
        if (match->cut)
            sqlite3_bind_int64(s, 22, match->cut);
    }
    return run(s, err);
}

/* Whether this reading of a content is better than the one in the case (case.h). */
static hk_status is_better(bool *out, hk_case *c, int64_t content, const hk_file *file,
                           hk_error *err)
{
    hk_status status = use(&c->reading, c, "SELECT status, reason FROM content WHERE id = ?1", err);
    if (status)
        return status;
    bool found;
    sqlite3_bind_int64(c->reading, 1, content);
    status = hk__sql_step(&found, c->reading, err);
    if (!status) {
        hk__case_row row = {c, c->reading, !found};
        const int64_t kept = hk__case_row_number(&row, 0, 0, HK_FILE_STATUSES - 1);
        const char *reason = hk__case_row_text(&row, 1);
        *out = file->status < kept ||
               (file->status == kept &&
                strcmp(file->reason ? file->reason : "", reason ? reason : "") < 0);
        status = hk__case_row_end(&row, err);
        sqlite3_reset(c->reading);
    }
    return status;
}

/* Takes a content away, so that another reading of it gets its number. */
static hk_status make_way(hk_case *c, int64_t content, hk_error *err)
{
    const hk_status status =
        hk__sql_do(c->db, err, "DELETE FROM match WHERE content = ?1", "i", content);
    return status ? status
                  : hk__sql_do(c->db, err, "DELETE FROM content WHERE id = ?1", "i", content);
}

hk_status hk__case_put_content(int64_t *content, hk_case *c, const hk_file *file, uint64_t bytes,
                               double false_matches, hk_error *err)
{
    int64_t number;
    bool better = true;
    hk_status status = hk__case_content_of(&number, c, file->digests.sha256, err);
    if (!status && number)
        status = is_better(&better, c, number, file, err);
    if (!status && number && better)
        status = make_way(c, number, err);
    if (!status && better) {
        status = insert_content(&number, c, number, file, bytes, false_matches, err);
        for (size_t m = 0; !status && m < file->match_count; m++)
            status = insert_match(c, number, m, &file->matches[m], err);
    }
    if (!status)
        *content = number;
    return status;
}

/* ---- files --------------------------------------------------------------------------------- */

hk_status hk__case_settle(hk_case *c, int64_t file, int64_t content, hk_file_status status,
                          const char *reason, hk_error *err)
{
    hk_status s = use(&c->settle, c,
                      "UPDATE file SET content = ?2, status = ?3, reason = ?4 WHERE id = ?1", err);
    if (s)
        return s;
    sqlite3_bind_int64(c->settle, 1, file);
    bind_or_null(c->settle, 2, content);
    bind_or_null(c->settle, 3, status);
    bind_text(c->settle, 4, status ? reason : NULL);
    return run(c->settle, err);
}

hk_status hk__case_settle_member(hk_case *c, int64_t archive, uint64_t number, const char *name,
                                 int64_t content, hk_file_status status, const char *reason,
                                 hk_error *err)
{
    hk_status s = use(&c->member, c,
                      "INSERT INTO file(input, archive, member, path, status, reason, content)"
                      " SELECT input, id, ?2, CAST(path || '!/' || ?3 AS BLOB), ?4, ?5, ?6"
                      " FROM file WHERE id = ?1",
                      err);
    if (s)
        return s;
    sqlite3_bind_int64(c->member, 1, archive);
    sqlite3_bind_int64(c->member, 2, (int64_t)number);
    bind_bytes(c->member, 3, name);
    bind_or_null(c->member, 4, status);
    bind_text(c->member, 5, status ? reason : NULL);
    bind_or_null(c->member, 6, content);
    return run(c->member, err);
}

hk_status hk__case_inode_of(int64_t *content, hk_case *c, uint64_t device, uint64_t inode,
                            hk_error *err)
{
    hk_status status =
        use(&c->inode_of, c, "SELECT content FROM inode WHERE device = ?1 AND inode = ?2", err);
    if (status)
        return status;
    bool row;
    sqlite3_bind_int64(c->inode_of, 1, (int64_t)device);
    sqlite3_bind_int64(c->inode_of, 2, (int64_t)inode);
    status = hk__sql_step(&row, c->inode_of, err);
    if (!status) {
        *content = row ? sqlite3_column_int64(c->inode_of, 0) : 0;
        sqlite3_reset(c->inode_of);
    }
    return status;
}

hk_status hk__case_put_inode(hk_case *c, uint64_t device, uint64_t inode, int64_t content,
                             hk_error *err)
{
    hk_status status = use(&c->inode, c, "INSERT OR REPLACE INTO inode VALUES(?1, ?2, ?3)", err);
    if (status)
        return status;
    sqlite3_bind_int64(c->inode, 1, (int64_t)device);
    sqlite3_bind_int64(c->inode, 2, (int64_t)inode);
    sqlite3_bind_int64(c->inode, 3, content);
    return run(c->inode, err);
}
