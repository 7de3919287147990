/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case.h - the case's file, as its parts see it (SQLite).
 *
 *      plan --file--> run --content, match--> groups --grouping--> people --decision
 *
 * What is said of bytes is said once: a content is one sequence of bytes, known by its SHA-256,
 * with its digests, picture, hash, verdict and matches. A file is one place where a content lies,
 * or what kept it from being read. So equal files cost a row and share everything, and in which
 * order a run came upon them shows nowhere: which file of a content is the first, and which are its
 * duplicates, follows from their paths when the case is read.
 *
 * What opening an archive came to is no fact of its bytes: it hangs on how deep it lies, and on
 * what the archives around it have used up of the limits. So it is kept with the file, beside its
 * content, which has of an archive what holds in every place: digests, size, format, and the status
 * not_an_image. The file's own status and reason stand before the content's; and if it failed, its
 * verdict is not_checked, unless its digests are known or known to be good.
 *
 *      setting    (key, value): what decides the results, and how far the run is ("state")
 *      input      the paths that were named
 *      list       the lists that were searched
 *      session    one row for each start of the run; one without an end was interrupted
 *      tick       how far a session was at a moment
 *      file       every file of the plan, and every member of an archive; status null: to be done
 *      content    see above           match      what a content's lists have to say of it, by rank
 *      inode      files of several links that this session read, so that the others need not be
 *      grouping   which contents look alike, after the run
 *      decision   what people decided of contents; rows are only ever added, the last one stands
 *
 * One process at a time has a case open for writing, and then no other reads it: the file is
 * locked through SQLite's exclusive mode. It keeps a rollback journal (CASE-journal) and never a
 * write-ahead log, which needs shared memory that network shares do not give. Writes go into a
 * transaction that is open all the time; hk__case_commit puts them on the disk together.
 *
 * The file may be anybody's work: every value that is read is checked, and what cannot be is
 * HK_ERR_FORMAT.
 */
#ifndef HK_CASE_CASE_H
#define HK_CASE_CASE_H

#include "list/sql.h"

#define HK__CASE_APPLICATION 0x48726b63 /* "Hrkc" in the file's header */
#define HK__CASE_VERSION 2

/* The tables, as SQL. */
extern const char hk__case_schema[];

struct hk_case {
    sqlite3 *db;
    char *path; /* the file's own, links followed; owned */
    bool writable;
    bool draft; /* being made beside its place */
    /* Made when first wanted, owned (case_put.c). */
    sqlite3_stmt *plan, *member, *settle, *content, *content_of, *reading, *match, *inode,
        *inode_of, *next, *first_of, *member_done;
    struct hk__case_text *text; /* what hk_case_info and its like gave out last; owned */
};

/* ---- the file (case_file.c) ---------------------------------------------------------------- */

/* Makes a case, open for writing, in the state HK_CASE_PLANNING. HK_ERR_USAGE: something lies
 * there, but for an empty file, which is what a kill at this point leaves. */
hk_status hk__case_create(hk_case **out, const char *path, hk_error *err) HK_MUST_CHECK;

/* The same in an empty file that is there and will be thrown away if anything stops us: without a
 * journal on the disk, and without waiting for it. Who puts it in its place syncs it before. */
hk_status hk__case_create_draft(hk_case **out, const char *path, hk_error *err) HK_MUST_CHECK;

/* Puts on the disk what was written since, and goes on. */
hk_status hk__case_commit(hk_case *c, hk_error *err) HK_MUST_CHECK;

/* What is written between these two is there whole, and on the disk, or not at all: the second one
 * takes how it went, and returns that, or how putting it on the disk went. HK_ERR_USAGE: the case
 * is open for reading. */
hk_status hk__case_whole_begin(hk_case *c, hk_error *err) HK_MUST_CHECK;
hk_status hk__case_whole_end(hk_case *c, hk_status status, hk_error *err) HK_MUST_CHECK;

/* In planning: keeps the setting. Later: HK_ERR_USAGE where the case has another value, with
 * `words` ("profile", "time limit for one file") for what it is. value is UTF-8. Shards agree in
 * all but "shard" and "state"; "walked" is how many files the walk saw, those of all shards, and
 * hk_case_merge sees to it that they are there. */
hk_status hk__case_setting(hk_case *c, const char *key, const char *value, const char *words,
                           hk_error *err) HK_MUST_CHECK;
/* The setting's value, owned by the caller (hk__free); *out = NULL where there is none. */
hk_status hk__case_get(char **out, hk_case *c, const char *key, hk_error *err) HK_MUST_CHECK;
/* Sets what may change: "state" and other marks of how far the run is. */
hk_status hk__case_set(hk_case *c, const char *key, const char *value, hk_error *err) HK_MUST_CHECK;
hk_status hk__case_get_state(hk_case_state *out, hk_case *c, hk_error *err) HK_MUST_CHECK;
hk_status hk__case_set_state(hk_case *c, hk_case_state state, hk_error *err) HK_MUST_CHECK;

/* ---- what a run puts in (case_put.c) ------------------------------------------------------- */

hk_status hk__case_add_input(hk_case *c, const char *given, const char *absolute,
                             hk_error *err) HK_MUST_CHECK;
/* Strings are copied. */
hk_status hk__case_add_list(hk_case *c, const hk_case_list *list, hk_error *err) HK_MUST_CHECK;

/* A file of the plan, in any order. `path` begins with the input's as it was given. status
 * HK_FILE_OK: it is to be read; any other: that is what became of it, and why. */
hk_status hk__case_plan(hk_case *c, size_t input, const char *path, hk_file_status status,
                        const char *reason, hk_error *err) HK_MUST_CHECK;

typedef struct hk__case_todo {
    int64_t file; /* its number, > 0; 0: none is left */
    size_t input;
    const char *path;      /* borrowed until the next call */
    uint64_t first_member; /* of an archive: those before are in the case already */
} hk__case_todo;
/* The next file to be done whose number is above `after`; of an archive that an interrupted run
 * left half done, from the member on that is missing. */
hk_status hk__case_next(hk__case_todo *out, hk_case *c, int64_t after, hk_error *err) HK_MUST_CHECK;

/* The content with this SHA-256; 0: it is not in the case. */
hk_status hk__case_content_of(int64_t *content, hk_case *c, const uint8_t sha256[32],
                              hk_error *err) HK_MUST_CHECK;
/* Keeps a content with its verdict and matches: of `file` its status (never HK_FILE_DUPLICATE),
 * reason, digests (SHA-256 present) and all that follows from the bytes. false_matches: expected of
 * its look-up (hk__judgement). *content is the one in the case where there is one already. Then the
 * better reading stands, whichever came first: that of the lower status, for a timeout or a crash
 * in one place says nothing against what was decoded in another; of equal ones that whose reason
 * sorts first. */
hk_status hk__case_put_content(int64_t *content, hk_case *c, const hk_file *file, uint64_t bytes,
                               double false_matches, hk_error *err) HK_MUST_CHECK;

/* Settles a file: it has this content; or, content 0, it could not be read, and `status` and
 * `reason` say why. Of an archive they say with a content what opening it came to; of any other
 * file with a content status is HK_FILE_OK. */
hk_status hk__case_settle(hk_case *c, int64_t file, int64_t content, hk_file_status status,
                          const char *reason, hk_error *err) HK_MUST_CHECK;
/* The same for a member of an archive, which is a file of its own from here on: `archive` is the
 * archive's number, `number` counts its members from 0 in their order, `name` is what follows "!/".
 */
hk_status hk__case_settle_member(hk_case *c, int64_t archive, uint64_t number, const char *name,
                                 int64_t content, hk_file_status status, const char *reason,
                                 hk_error *err) HK_MUST_CHECK;

/* Files with several links: the content that was read through another of them in this session; 0:
 * none was. */
hk_status hk__case_inode_of(int64_t *content, hk_case *c, uint64_t device, uint64_t inode,
                            hk_error *err) HK_MUST_CHECK;
hk_status hk__case_put_inode(hk_case *c, uint64_t device, uint64_t inode, int64_t content,
                             hk_error *err) HK_MUST_CHECK;

/* A start of the run, and its end. Times are seconds since 1970 UTC. */
hk_status hk__case_session_begin(int64_t *session, hk_case *c, const hk_case_session *facts,
                                 hk_error *err) HK_MUST_CHECK;
hk_status hk__case_session_end(hk_case *c, int64_t session, uint64_t done,
                               hk_error *err) HK_MUST_CHECK;
/* How far it is, for the time line: files done in this session and how many of them failed. */
hk_status hk__case_tick(hk_case *c, int64_t session, uint64_t done, uint64_t failed,
                        hk_error *err) HK_MUST_CHECK;

/* ---- reading contents (case_read.c) -------------------------------------------------------- */

/* Of hk_case_reading_open's `which`: what contents say, whatever their files say of themselves. */
#define HK__CASE_PLAIN 0x10000u

/* SQL of a file f and its content c, either of which may be missing: what became of it, and its
 * verdict. 6: the first status that is a failure; 2: a hit. */
#define HK__SQL_STATUS "coalesce(f.status, c.status)"
#define HK__SQL_VERDICT                                                                            \
    "CASE WHEN f.status >= 6 AND c.verdict < 2 AND NOT c.known_good THEN 0 ELSE c.verdict END"

/* ---- where outputs may not lie (case_evidence.c) ------------------------------------------- */

/* HK_ERR_USAGE: a file of this path lies, or would lie, in the case's evidence. */
hk_status hk__case_refuse_evidence(hk_case *c, const char *path, hk_error *err) HK_MUST_CHECK;

/* ---- the time line (case_ticks.c) ---------------------------------------------------------- */

typedef struct hk__case_tick_row {
    size_t session; /* as hk_case_session_get numbers them, from 0 */
    int64_t at;     /* seconds since 1970 UTC, >= 0 */
    uint64_t done, failed;
} hk__case_tick_row;
/* Calls on_tick with each tick, by session and time; the case is not to be used in it. */
hk_status hk__case_ticks(hk_case *c, void (*on_tick)(void *context, const hk__case_tick_row *tick),
                         void *context, hk_error *err) HK_MUST_CHECK;

/* ---- groups of what looks alike (case_groups.c) -------------------------------------------- */

/* Groups the contents that match nothing and whose hash says something (case_groups.c): each group
 * has a leader, the largest picture, and every member lies within the radius of it, the leader in
 * one of the eight orientations, or inverted. What stands alone is in no group. Groups are numbered
 * from 1, the largest first; the same contents make the same groups in whatever order they came.
 * Replaces what was there. on_progress is called about 10 times a second; may be NULL. */
hk_status hk__case_group(hk_case *c, unsigned threads,
                         void (*on_progress)(void *context, uint64_t done, uint64_t total),
                         void *context, hk_error *err) HK_MUST_CHECK;

#endif
