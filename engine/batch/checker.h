/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * checker.h - open files in, checked files out, in any order: decoded in the pool, looked up in the
 * lists.
 *
 *      submit --fds--> driver: the pool --decoded--> judges --checked--> wait
 *      (caller)        (a thread)                    (threads)           (caller)
 *
 * The pool has a thread of its own, so that workers are fed while the caller is busy with something
 * else (a commit, a full pipe), and looking up, which takes as long as decoding where lists are
 * long, has as many threads as there are workers. What lies in between is bounded: files that are
 * under way by hk__checker_room, members of archives by the driver, which lets the pool wait.
 *
 * What comes of one archive comes in the order of its members, and the archive itself after them.
 *
 * One thread calls; nothing is opened here. No thread of it calls back.
 */
#ifndef HK_BATCH_CHECKER_H
#define HK_BATCH_CHECKER_H

#include "decode/pool.h"
#include "match/match.h"

typedef struct hk__checker hk__checker;

typedef struct hk__checker_options {
    hk__pool_options pool;
    const hk_matcher *matcher; /* borrowed; NULL: nothing is looked up */
    bool keep_rasters;         /* those of the pool; otherwise they go once they are looked up */
} hk__checker_options;

/* A checked file. The caller owns it, and all that its members point to but for the words of lists;
 * free with hk__checked_free. */
typedef struct hk__checked {
    uint64_t tag;
    hk_file file;         /* without path and duplicate_of */
    bool archive;         /* the verdict is that of the bytes, whatever opening them came to */
    uint64_t bytes;       /* in it; with a digest only, which says that all were read */
    double false_matches; /* expected of its look-up */
    char *member;         /* what follows "!/", of a member of the archive `tag`; else NULL */
    uint64_t number;      /* of the member, from 0 */
    bool last;            /* of `tag` nothing more will come */
    bool seen;            /* its bytes were decoded before: nothing but digests is here */
    /* What file points to: */
    char reason[HK__REASON_SIZE];
    hk__judgement judgement;
    hk__views views;
    struct hk__checked *next; /* the checker's own */
} hk__checked;

/* Starts the workers and the threads. HK_ERR_SYSTEM if that cannot be done. */
hk_status hk__checker_open(hk__checker **out, const hk__checker_options *options,
                           hk_error *err) HK_MUST_CHECK;
/* Kills what still runs. */
void hk__checker_free(hk__checker *checker);

/* How many files may be submitted now; how many are under way. */
size_t hk__checker_room(const hk__checker *checker);
size_t hk__checker_busy(const hk__checker *checker);

/* Takes ownership of fd. Precondition: room > 0. first_member: of an archive, those before are not
 * wanted. */
void hk__checker_submit(hk__checker *checker, uint64_t tag, int fd, uint64_t first_member);

/* A content that is kept: files and members with its bytes that are read from now on come as
 * `seen`, where the pool can tell. */
void hk__checker_remember(hk__checker *checker, const hk__checked *checked);

/* Waits up to wait_ms for a checked file; *out = NULL where none came. An error means that it
 * cannot go on: workers do not start any more, a list is damaged. */
hk_status hk__checker_wait(hk__checked **out, hk__checker *checker, int wait_ms,
                           hk_error *err) HK_MUST_CHECK;

/* ---- one file (checked.c) ------------------------------------------------------------------ */

/* Makes the pool's result the caller's own. */
hk_status hk__checked_make(hk__checked **out, const hk__pool_result *result,
                           hk_error *err) HK_MUST_CHECK;
/* Looks it up. Once. The room is the calling thread's. */
hk_status hk__checked_judge(hk__checked *checked, hk__judge_room *room, const hk_matcher *matcher,
                            hk_error *err) HK_MUST_CHECK;
/* Frees its rasters. */
void hk__checked_drop_rasters(hk__checked *checked);
/* What becomes of a file that was not read, for the same use: its verdict rests on `status` alone.
 * reason is static, or NULL. */
hk_status hk__checked_unread(hk__checked **out, const hk_matcher *matcher, uint64_t tag,
                             hk_file_status status, const char *reason,
                             hk_error *err) HK_MUST_CHECK;
void hk__checked_free(hk__checked *checked); /* takes NULL */

#endif
