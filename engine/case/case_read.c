/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_read.c - going through the files of a case: hk_case_reading of herken.h.
 *
 *      order   ids of the files that are chosen, by path --> file, content, matches of each
 *
 * SQLite sorts ids and paths alone; what else there is to a file is fetched when its turn comes.
 *
 * What chooses files chooses contents, but of archives: either all files of a content are read or
 * none. So in the order of paths the first one met is the first of its content, and the others its
 * duplicates. (Nothing is a duplicate of an archive: each is opened.)
 */
#include "case/case.h"
#include "case/case_text.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

struct hk_case_reading {
    hk_case *c;
    unsigned which;
    sqlite3_stmt *order, *file, *matches, *path;
    int64_t *first; /* [contents + 1] by content: the first of its files; 0: not met yet */
    int64_t contents;
    hk_case_file given; /* out last; these are what it points to: */
    hk_decision decision;
    hk_match *match; /* [capacity] */
    size_t capacity;
    char *text; /* entries and categories of the matches */
    size_t text_used, text_capacity;
};

/* ---- which files, in which order ----------------------------------------------------------- */

/* Of hk_file_status: what is skipped, and what failed. */
#define SKIPPED "BETWEEN 3 AND 5"
#define FAILED ">= 6"
_Static_assert(HK_FILE_NOT_AN_IMAGE == 3 && HK_FILE_EXCLUDED == 5 && HK_FILE_UNSUPPORTED == 6,
               "the numbers in SQL");
_Static_assert(HK_VERDICT_NOT_CHECKED == 0 && HK_VERDICT_NEAR == 2 && HK_VERDICT_EXACT == 3,
               "the numbers in SQL");

static const struct {
    unsigned which;
    const char *where; /* of file f and its content c, which may be missing */
} choices[] = {
    {HK_CASE_HITS, "c.verdict >= 2"},
    {HK_CASE_CONFLICTS, "c.conflict"},
    {HK_CASE_GROUPED, "g.number"},
    {HK_CASE_FAILED, HK__SQL_STATUS " " FAILED},
    {HK_CASE_UNCERTAIN, "c.verdict = 0 AND NOT " HK__SQL_STATUS " " FAILED},
    {HK_CASE_SKIPPED, HK__SQL_STATUS " " SKIPPED},
    {HK_CASE_KNOWN_GOOD, "c.known_good"},
    {HK_CASE_DECIDED, "c.id IN (SELECT content FROM decision d WHERE category <> '' AND id ="
                      " (SELECT max(id) FROM decision WHERE content = d.content))"},
};

static hk_status prepare_order(hk_case_reading *r, hk_error *err)
{
    char sql[1536] = "SELECT f.id FROM file f LEFT JOIN content c ON c.id = f.content"
                     " LEFT JOIN grouping g ON g.content = c.id WHERE ";
    const char *glue = "";
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (r->which & choices[i].which) {
            snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s(%s)", glue, choices[i].where);
            glue = " OR ";
        }
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s ORDER BY %s f.path, f.id",
             *glue ? "" : "f.status IS NOT NULL OR f.content IS NOT NULL",
             r->which & HK_CASE_GROUPED ? "g.number, g.leader <> c.id," : "");
    return hk__sql_prepare(&r->order, r->c->db, err, sql, "");
}

/* ---- opening ------------------------------------------------------------------------------- */

static hk_status prepare_rows(hk_case_reading *r, hk_error *err)
{
    sqlite3 *db = r->c->db;
    hk_status status = hk__sql_prepare(
        &r->file, db, err,
        "SELECT f.path, f.archive IS NOT NULL, f.status, f.reason, f.content,"
        " c.sha256, c.md5, c.sha1, c.bytes, c.status, c.reason, c.format, c.width, c.height,"
        " c.exif, c.flags, c.hashes, c.quality, c.kind, c.verdict, c.verdict_reason,"
        " c.known_good, c.conflict, c.cut,"
        " g.number, g.leader = c.id, g.distance,"
        " d.category, d.actor, d.reason, d.at, d.carried"
        " FROM file f LEFT JOIN content c ON c.id = f.content"
        " LEFT JOIN grouping g ON g.content = c.id"
        " LEFT JOIN decision d ON d.id = (SELECT max(id) FROM decision WHERE content = c.id)"
        " WHERE f.id = ?1",
        "");
    if (!status)
        status = hk__sql_prepare(&r->matches, db, err,
                                 "SELECT l.name, l.known_good, m.entry, m.category, m.basis,"
                                 " m.probe, m.distance, m.orientation, m.inverted, m.chance,"
                                 " m.extrapolated, m.view, m.frame, m.backdrop, m.place_left,"
                                 " m.place_top, m.place_right, m.place_bottom, m.place_angle,"
                                 " m.before, m.entry_frame"
                                 " FROM match m LEFT JOIN list l ON l.id = m.list"
                                 " WHERE m.content = ?1 ORDER BY m.rank",
                                 "");
    if (!status)
        status = hk__sql_prepare(&r->path, db, err, "SELECT path FROM file WHERE id = ?1", "");
    return status;
}

hk_status hk_case_reading_open(hk_case_reading **out, hk_case *c, unsigned which, hk_error *err)
{
    int64_t highest;
    hk_case_reading *r = hk__alloc(1, sizeof *r);
    if (!r)
        return hk__fail_memory(err);
    r->c = c;
    r->which = which;
    hk_status status =
        hk__sql_number(&r->contents, 0, c->db, err, "SELECT count(*) FROM content", "");
    if (!status)
        status = hk__sql_number(&highest, 0, c->db, err, "SELECT max(id) FROM content", "");
    /* They are numbered from 1 and never deleted. */
    if (!status && highest != r->contents)
        status =
            hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: contents are missing", c->path);
    if (!status) {
        r->first = hk__alloc((size_t)r->contents + 1, sizeof *r->first);
        status = r->first ? HK_OK : hk__fail_memory(err);
    }
    if (!status)
        status = prepare_order(r, err);
    if (!status)
        status = prepare_rows(r, err);
    if (status)
        hk_case_reading_close(r);
    else
        *out = r;
    return status;
}

void hk_case_reading_close(hk_case_reading *r)
{
    if (!r)
        return;
    sqlite3_finalize(r->order);
    sqlite3_finalize(r->file);
    sqlite3_finalize(r->matches);
    sqlite3_finalize(r->path);
    hk__free(r->first);
    hk__free(r->match);
    hk__free(r->text);
    hk__free(r);
}

/* ---- one file ------------------------------------------------------------------------------ */

/* Columns 5 to 23: what is said of bytes. */
static void read_content(hk_case_file *to, hk__case_row *row)
{
    hk_file *file = &to->file;
    hk_digests *digests = &file->digests;
    to->read = true;
    if (hk__case_row_bytes(digests->sha256, row, 5, 32))
        digests->present |= HK_DIGEST_SHA256;
    if (hk__case_row_bytes(digests->md5, row, 6, 16))
        digests->present |= HK_DIGEST_MD5;
    if (hk__case_row_bytes(digests->sha1, row, 7, 20))
        digests->present |= HK_DIGEST_SHA1;
    row->damaged |= !(digests->present & HK_DIGEST_SHA256);
    to->bytes = (uint64_t)hk__case_row_number(row, 8, 0, INT64_MAX);
    file->status = hk__case_row_status(row, 9, true);
    file->reason = hk__case_row_text(row, 10);
    file->format = hk__case_row_text(row, 11);
    file->width = (uint32_t)hk__case_row_number(row, 12, 0, UINT32_MAX);
    file->height = (uint32_t)hk__case_row_number(row, 13, 0, UINT32_MAX);
    file->exif_orientation = (unsigned)hk__case_row_number(row, 14, 0, 8);
    file->flags = (unsigned)hk__case_row_number(row, 15, 0, (1 << HK_FLAG_COUNT) - 1);
    file->hashed = hk__case_row_hashes(file->fingerprint.hash, row, 16);
    if (file->hashed) {
        file->fingerprint.model = hk_model(0)->id;
        file->fingerprint.quality = (int)hk__case_row_number(row, 17, 0, 100);
        file->fingerprint.kind = (hk_kind)hk__case_row_number(row, 18, 0, HK_KIND_GRAPHIC);
        file->fingerprint.flags = file->flags & (HK_FLAG_DEGENERATE | HK_FLAG_LOW_QUALITY);
    }
    file->verdict = (hk_verdict)hk__case_row_number(row, 19, 0, HK_VERDICTS - 1);
    file->verdict_reason = hk__case_row_text(row, 20);
    file->known_good = hk__case_row_flag(row, 21);
    file->conflict = hk__case_row_flag(row, 22);
    file->matches_truncated = hk__case_row_flag(row, 23);
}

/* Columns 2 and 3: what opening an archive came to here (case.h). */
static void read_own_status(hk_case_file *to, hk__case_row *row)
{
    hk_file *file = &to->file;
    const hk_file_status own = hk__case_row_status(row, 2, false);
    row->damaged |= hk_file_status_class(file->status) == HK_CLASS_HASHED || file->hashed;
    file->status = own;
    file->reason = hk__case_row_text(row, 3);
    if (hk_file_status_class(own) == HK_CLASS_FAILED && file->verdict < HK_VERDICT_NEAR &&
        !file->known_good) {
        file->verdict = HK_VERDICT_NOT_CHECKED;
        file->verdict_reason = hk_file_status_name(own);
    }
}

/* Columns 24 to 31: groups and decisions. */
static void read_judgements(hk_case_reading *r, hk__case_row *row)
{
    hk_case_file *to = &r->given;
    if (!hk__case_row_null(row, 24)) {
        to->group = (uint64_t)hk__case_row_number(row, 24, 1, INT64_MAX);
        to->leader = hk__case_row_flag(row, 25);
        to->group_distance = (unsigned)hk__case_row_number(row, 26, 0, HK_HASH_BITS);
    }
    const char *category = hk__case_row_text(row, 27);
    if (category && *category) {
        r->decision = (hk_decision){
            category, hk__case_row_text(row, 28), hk__case_row_text(row, 29),
            hk__case_row_number(row, 30, INT64_MIN, INT64_MAX), hk__case_row_text(row, 31)};
        row->damaged |= !r->decision.actor;
        to->decision = &r->decision;
    }
}

/* A copy of the text that stays until the next file; offsets, since the block may move. */
static hk_status keep_text(size_t *at, hk_case_reading *r, const char *text, hk_error *err)
{
    const size_t size = strlen(text) + 1;
    if (size > r->text_capacity - r->text_used) {
        const size_t capacity = (r->text_used + size) * 2;
        char *grown = hk__realloc(r->text, capacity, 1);
        if (!grown)
            return hk__fail_memory(err);
        r->text = grown;
        r->text_capacity = capacity;
    }
    memcpy(r->text + r->text_used, text, size);
    *at = r->text_used;
    r->text_used += size;
    return HK_OK;
}

/* Pointers while the text may still move: offset + 1, so that NULL stays NULL. */
static hk_status keep_as(const char **out, hk_case_reading *r, const char *text, hk_error *err)
{
    size_t at = 0;
    const hk_status status = text ? keep_text(&at, r, text, err) : HK_OK;
    *out = status || !text ? NULL : (const char *)(at + 1);
    return status;
}

static void settle_text(const char **text, const hk_case_reading *r)
{
    if (*text)
        *text = r->text + ((size_t)*text - 1);
}

static hk_status read_match(hk_match *match, hk_case_reading *r, hk__case_row *row, hk_error *err)
{
    *match = (hk_match){0};
    const char *list = hk__case_row_text(row, 0), *entry = hk__case_row_text(row, 2);
    const char *category = hk__case_row_text(row, 3), *probe = NULL;
    row->damaged |= !list || !entry;
    match->known_good = hk__case_row_flag(row, 1);
    match->basis = (hk_basis)hk__case_row_number(row, 4, 0, HK_BASIS_PDQ);
    if (match->basis == HK_BASIS_PDQ) {
        probe = hk__case_row_text(row, 5);
        match->distance = (unsigned)hk__case_row_number(row, 6, 0, HK_HASH_BITS);
        match->orientation = (hk_orientation)hk__case_row_number(row, 7, 0, HK_ORIENTATIONS - 1);
        match->inverted = hk__case_row_flag(row, 8);
        match->chance = hk__case_row_real(row, 9);
        match->chance_extrapolated = hk__case_row_flag(row, 10);
        match->view = (unsigned)hk__case_row_number(row, 11, 0, HK_VIEWS_MOST - 1);
        match->frame = (unsigned)hk__case_row_number(row, 12, 0, UINT32_MAX);
        match->backdrop = (hk_backdrop)hk__case_row_number(row, 13, 0, HK_BACKDROPS - 1);
        match->aligned = !hk__case_row_null(row, 14);
        if (match->aligned) {
            match->placement =
                (hk_placement){hk__case_row_share(row, 14, 2), hk__case_row_share(row, 15, 2),
                               hk__case_row_share(row, 16, 2), hk__case_row_share(row, 17, 2),
                               hk__case_row_share(row, 18, 45)};
            match->before = (unsigned)hk__case_row_number(row, 19, 0, HK_HASH_BITS);
        }
        if (!hk__case_row_null(row, 20))
            match->cut = (unsigned)hk__case_row_number(row, 20, 1, UINT32_MAX);
        row->damaged |= !probe;
    }
    hk_status status = hk__case_row_end(row, err);
    if (!status)
        status = keep_as(&match->list, r, list, err);
    if (!status)
        status = keep_as(&match->entry, r, entry, err);
    if (!status)
        status = keep_as(&match->category, r, category, err);
    if (!status)
        status = keep_as(&match->probe, r, probe, err);
    return status;
}

static hk_status read_matches(hk_case_reading *r, int64_t content, hk_error *err)
{
    bool more = true;
    size_t count = 0;
    hk_status status = HK_OK;
    hk__case_row row = {r->c, r->matches, false};
    r->text_used = 0;
    sqlite3_reset(r->matches);
    sqlite3_bind_int64(r->matches, 1, content);
    while (!status && !(status = hk__sql_step(&more, r->matches, err)) && more) {
        if (count == r->capacity) {
            const size_t capacity = r->capacity ? r->capacity * 2 : 16;
            hk_match *grown = hk__realloc(r->match, capacity, sizeof *grown);
            if (!grown)
                return hk__fail_memory(err);
            r->match = grown;
            r->capacity = capacity;
        }
        status = read_match(&r->match[count++], r, &row, err);
    }
    if (status)
        return status;
    for (size_t m = 0; m < count; m++) {
        settle_text(&r->match[m].list, r);
        settle_text(&r->match[m].entry, r);
        settle_text(&r->match[m].category, r);
        settle_text(&r->match[m].probe, r);
    }
    r->given.file.matches = r->match;
    r->given.file.match_count = count;
    return HK_OK;
}

/* Says whether another file of this content came before, and then which. */
static hk_status find_first(bool *first, hk_case_reading *r, int64_t id, int64_t content,
                            hk_error *err)
{
    *first = !r->first[content];
    if (*first) {
        r->first[content] = id;
        return HK_OK;
    }
    hk_file *file = &r->given.file;
    if (hk_file_status_class(file->status) != HK_CLASS_HASHED)
        return HK_OK; /* what was not hashed is no duplicate of anything */
    bool found;
    hk__case_row row = {r->c, r->path, false};
    sqlite3_reset(r->path);
    sqlite3_bind_int64(r->path, 1, r->first[content]);
    hk_status status = hk__sql_step(&found, r->path, err);
    if (status)
        return status;
    file->status = HK_FILE_DUPLICATE;
    file->duplicate_of = found ? hk__case_row_text(&row, 0) : NULL;
    row.damaged |= !file->duplicate_of;
    return hk__case_row_end(&row, err);
}

static hk_status read_file(bool *first, hk_case_reading *r, int64_t id, hk_error *err)
{
    bool found;
    hk_case_file *to = &r->given;
    *to = (hk_case_file){0};
    *first = true;
    sqlite3_reset(r->file);
    sqlite3_bind_int64(r->file, 1, id);
    hk_status status = hk__sql_step(&found, r->file, err);
    if (status)
        return status;
    hk__case_row row = {r->c, r->file, !found};
    if (found) {
        to->file.path = hk__case_row_text(&row, 0);
        row.damaged |= !to->file.path;
        to->member = hk__case_row_flag(&row, 1);
    }
    if (found && hk__case_row_null(&row, 4)) {
        to->file.status = hk__case_row_status(&row, 2, false);
        to->file.reason = hk__case_row_text(&row, 3);
        to->file.verdict_reason = hk_file_status_name(to->file.status);
        return hk__case_row_end(&row, err);
    }
    if (found) {
        to->content = (uint64_t)hk__case_row_number(&row, 4, 1, r->contents);
        read_content(to, &row);
        if (!hk__case_row_null(&row, 2) && !(r->which & HK__CASE_PLAIN))
            read_own_status(to, &row);
        read_judgements(r, &row);
    }
    status = hk__case_row_end(&row, err);
    if (!status)
        status = read_matches(r, (int64_t)to->content, err);
    if (!status)
        status = find_first(first, r, id, (int64_t)to->content, err);
    return status;
}

hk_status hk_case_reading_next(const hk_case_file **out, hk_case_reading *r, hk_error *err)
{
    for (;;) {
        bool more, first;
        hk_status status = hk__sql_step(&more, r->order, err);
        if (status)
            return status;
        if (!more) {
            *out = NULL;
            return HK_OK;
        }
        status = read_file(&first, r, sqlite3_column_int64(r->order, 0), err);
        if (status)
            return status;
        if (first || !(r->which & HK_CASE_FIRSTS)) {
            *out = &r->given;
            return HK_OK;
        }
    }
}
