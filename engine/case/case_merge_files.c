/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_merge_files.c - contents and files of a shard, copied into the merged case (case_merge.h).
 */
#include "case/case_merge.h"
#include "case/case_text.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- contents ------------------------------------------------------------------------------ */

/* What two readings of the same bytes must agree in. */
typedef struct facts {
    hk_file_status status;
    int64_t bytes, flags, verdict, known_good, conflict, matches;
    hk_digests digests;
    bool hashed;
    hk_hash hash[HK_ORIENTATIONS];
} facts;

static facts facts_of(const hk_case_file *got)
{
    const hk_file *file = &got->file;
    facts f = {.status = file->status,
               .bytes = (int64_t)got->bytes,
               .flags = file->flags,
               .verdict = file->verdict,
               .known_good = file->known_good,
               .conflict = file->conflict,
               .matches = (int64_t)file->match_count,
               .digests = file->digests,
               .hashed = file->hashed};
    if (f.hashed)
        memcpy(f.hash, file->fingerprint.hash, sizeof f.hash);
    return f;
}

static bool is_same(const facts *a, const facts *b)
{
    return a->bytes == b->bytes && a->flags == b->flags && a->verdict == b->verdict &&
           a->known_good == b->known_good && a->conflict == b->conflict &&
           a->matches == b->matches && a->hashed == b->hashed &&
           a->digests.present == b->digests.present &&
           !memcmp(a->digests.md5, b->digests.md5, sizeof a->digests.md5) &&
           !memcmp(a->digests.sha1, b->digests.sha1, sizeof a->digests.sha1) &&
           !memcmp(a->hash, b->hash, sizeof a->hash);
}

static hk_status kept_facts(facts *out, hk_case *c, int64_t content, hk_error *err)
{
    sqlite3_stmt *read;
    bool found;
    hk_status status =
        hk__sql_prepare(&read, c->db, err,
                        "SELECT status, bytes, flags, verdict, known_good, conflict,"
                        " (SELECT count(*) FROM match WHERE content = c.id), md5, sha1, hashes"
                        " FROM content c WHERE id = ?1",
                        "i", content);
    if (status)
        return status;
    status = hk__sql_step(&found, read, err);
    if (!status) {
        hk__case_row row = {c, read, !found};
        *out =
            (facts){.status = (hk_file_status)hk__case_row_number(&row, 0, 0, HK_FILE_STATUSES - 1),
                    .bytes = hk__case_row_number(&row, 1, 0, INT64_MAX),
                    .flags = hk__case_row_number(&row, 2, 0, INT64_MAX),
                    .verdict = hk__case_row_number(&row, 3, 0, INT64_MAX),
                    .known_good = hk__case_row_flag(&row, 4),
                    .conflict = hk__case_row_flag(&row, 5),
                    .matches = hk__case_row_number(&row, 6, 0, INT64_MAX),
                    .digests.present = HK_DIGEST_SHA256};
        if (hk__case_row_bytes(out->digests.md5, &row, 7, 16))
            out->digests.present |= HK_DIGEST_MD5;
        if (hk__case_row_bytes(out->digests.sha1, &row, 8, 20))
            out->digests.present |= HK_DIGEST_SHA1;
        out->hashed = hk__case_row_hashes(out->hash, &row, 9);
        status = hk__case_row_end(&row, err);
    }
    sqlite3_finalize(read);
    return status;
}

static hk_status settle_twice(hk__merging *m, int64_t content, const hk_case_file *got,
                              double chance, hk_error *err)
{
    facts kept;
    const facts mine = facts_of(got);
    hk_status status = kept_facts(&kept, m->out, content, err);
    if (!status && mine.status == kept.status && !is_same(&kept, &mine))
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: says something else of the bytes of %.200s than a shard before it "
                        "does; they were read by different programs, or a case was changed",
                        m->shard->path, got->file.path);
    return status ? status
                  : hk__case_put_content(&content, m->out, &got->file, got->bytes, chance, err);
}

static hk_status chance_of(double *out, hk_case *c, sqlite3_stmt *read, uint64_t content,
                           hk_error *err)
{
    bool found;
    sqlite3_reset(read);
    sqlite3_bind_int64(read, 1, (int64_t)content);
    hk_status status = hk__sql_step(&found, read, err);
    if (status)
        return status;
    hk__case_row row = {c, read, !found};
    *out = found ? hk__case_row_real(&row, 0) : 0;
    return hk__case_row_end(&row, err);
}

static hk_status take_content(hk__merging *m, sqlite3_stmt *read, const hk_case_file *got,
                              hk_error *err)
{
    double chance;
    int64_t content = 0;
    hk_status status = chance_of(&chance, m->shard, read, got->content, err);
    if (!status)
        status = hk__case_content_of(&content, m->out, got->file.digests.sha256, err);
    if (!status && content)
        status = settle_twice(m, content, got, chance, err);
    else if (!status)
        status = hk__case_put_content(&content, m->out, &got->file, got->bytes, chance, err);
    if (status)
        return status;
    m->content[got->content] = content;
    return hk__merge_pause(m, err);
}

hk_status hk__merge_contents(hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read = NULL;
    hk_case_reading *reading = NULL;
    const hk_case_file *got = NULL;
    hk_status status =
        hk__sql_number(&m->contents, 0, m->shard->db, err, "SELECT count(*) FROM content", "");
    if (!status)
        status = hk_case_reading_open(&reading, m->shard, HK_CASE_FIRSTS | HK__CASE_PLAIN, err);
    if (!status) {
        m->content = hk__alloc((size_t)m->contents + 1, sizeof *m->content);
        status = m->content ? HK_OK : hk__fail_memory(err);
    }
    if (!status)
        status = hk__sql_prepare(&read, m->shard->db, err,
                                 "SELECT false_matches FROM content WHERE id = ?1", "");
    while (!status && !(status = hk_case_reading_next(&got, reading, err)) && got)
        if (got->read)
            status = take_content(m, read, got, err);
    sqlite3_finalize(read);
    hk_case_reading_close(reading);
    return status;
}

/* ---- files --------------------------------------------------------------------------------- */

/* The shard's numbers of its files, ascending; the merged case's follow one another. */
typedef struct numbers {
    int64_t *number;
    size_t count, capacity;
    int64_t before; /* the merged case's last before this shard's */
} numbers;

static hk_status add_number(numbers *n, int64_t number, hk_error *err)
{
    if (n->count == n->capacity) {
        const size_t capacity = n->capacity ? n->capacity * 2 : 1024;
        int64_t *grown = hk__realloc(n->number, capacity, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        n->number = grown;
        n->capacity = capacity;
    }
    n->number[n->count++] = number;
    return HK_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* What became of a file of the shard; 0: none of that number came before. */
static int64_t number_of(const numbers *n, int64_t number)
{
    const int64_t *found =
        n->count ? bsearch(&number, n->number, n->count, sizeof number, compare_numbers) : NULL;
    return found ? n->before + 1 + (found - n->number) : 0;
}

static hk_status take_file(hk__merging *m, numbers *n, sqlite3_stmt *read, sqlite3_stmt *add,
                           hk_error *err)
{
    hk__case_row row = {m->shard, read, !m->inputs};
    const int64_t id = hk__case_row_number(&row, 0, 1, INT64_MAX);
    const int64_t input = hk__case_row_number(&row, 1, 0, m->inputs ? (int64_t)m->inputs - 1 : 0);
    const bool is_member = !hk__case_row_null(&row, 2), has_content = !hk__case_row_null(&row, 7);
    const char *path = hk__case_row_text(&row, 4), *reason = hk__case_row_text(&row, 6);
    row.damaged |= !path;
    sqlite3_bind_int64(add, 1, input);
    if (is_member) {
        const int64_t archive = number_of(n, hk__case_row_number(&row, 2, 1, INT64_MAX));
        row.damaged |= !archive;
        sqlite3_bind_int64(add, 2, archive);
        sqlite3_bind_int64(add, 3, hk__case_row_number(&row, 3, 0, INT64_MAX));
    }
    if (path)
        sqlite3_bind_blob(add, 4, path, (int)strlen(path), SQLITE_STATIC);
    if (has_content) {
        const int64_t content = m->content[hk__case_row_number(&row, 7, 0, m->contents)];
        row.damaged |= !content;
        sqlite3_bind_int64(add, 7, content);
    }
    if (!has_content || !hk__case_row_null(&row, 5)) {
        sqlite3_bind_int64(add, 5, hk__case_row_status(&row, 5, false));
        sqlite3_bind_text(add, 6, reason, -1, SQLITE_STATIC);
    }
    hk_status status = hk__case_row_end(&row, err);
    if (!status)
        status = hk__sql_done(add, err);
    if (!status)
        status = add_number(n, id, err);
    sqlite3_clear_bindings(add);
    m->walked += !is_member;
    return status ? status : hk__merge_pause(m, err);
}

hk_status hk__merge_files(hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read = NULL, *add = NULL;
    bool more = true;
    numbers n = {.before = m->number ? m->ends[m->number - 1] : 0};
    hk_status status = hk__sql_prepare(&read, m->shard->db, err,
                                       "SELECT id, input, archive, member, path, status, reason,"
                                       " content FROM file ORDER BY id",
                                       "");
    if (!status)
        status = hk__sql_prepare(&add, m->out->db, err,
                                 "INSERT INTO file(input, archive, member, path, status, reason,"
                                 " content) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                 "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more)
        status = take_file(m, &n, read, add, err);
    m->ends[m->number] = n.before + (int64_t)n.count;
    sqlite3_finalize(read);
    sqlite3_finalize(add);
    hk__free(n.number);
    return status;
}

/* ---- checking ------------------------------------------------------------------------------ */

static unsigned shard_of(const hk__merging *m, int64_t file)
{
    unsigned shard = 0;
    while (m->ends[shard] < file)
        shard++;
    return shard + 1;
}

/* Two files of one path in one shard are what the command line named twice. */
static hk_status check_paths(const hk__merging *m, hk_error *err)
{
    sqlite3_stmt *read;
    bool more = true;
    char *before = NULL;
    unsigned shard_before = 0;
    hk_status status =
        hk__sql_prepare(&read, m->out->db, err,
                        "SELECT path, id FROM file WHERE archive IS NULL ORDER BY path", "");
    while (!status && !(status = hk__sql_step(&more, read, err)) && more) {
        hk__case_row row = {m->out, read, false};
        const char *path = hk__case_row_text(&row, 0);
        const unsigned shard = shard_of(m, sqlite3_column_int64(read, 1));
        if (path && before && shard != shard_before && !strcmp(path, before))
            status = hk__fail(err, HK_ERR_USAGE,
                              "%.200s lies in shard %u and in shard %u: they are not parts of one "
                              "plan",
                              path, shard_before, shard);
        hk__free(before);
        before = hk__strndup(path ? path : "", path ? strlen(path) : 0);
        shard_before = shard;
        if (!status && !before)
            status = hk__fail_memory(err);
    }
    sqlite3_finalize(read);
    hk__free(before);
    return status;
}

hk_status hk__merge_check_files(hk__merging *m, hk_error *err)
{
    char *walked;
    hk_status status = hk__case_get(&walked, m->out, "walked", err);
    if (status)
        return status;
    if (!walked)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: the case is damaged: it does not say how many files its walk saw",
                        m->order[0]);
    if (strtoull(walked, NULL, 10) != m->walked)
        status = hk__fail(err, HK_ERR_USAGE,
                          "the shards hold %llu files, and each walk saw %.20s: the evidence "
                          "changed between the walks",
                          (unsigned long long)m->walked, walked);
    hk__free(walked);
    return status ? status : check_paths(m, err);
}
