/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_merge.h - what the parts of merging share.
 *
 *      case_merge.c         shards, what they must have in common, sessions, decisions
 *      case_merge_files.c   contents and files
 */
#ifndef HK_CASE_CASE_MERGE_H
#define HK_CASE_CASE_MERGE_H

#include "case/case.h"

typedef struct hk__merging {
    hk_case *out;         /* the merged one, a draft */
    const char **order;   /* [count] the shards' paths, by shard */
    size_t count, number; /* of shards; the one in hand, from 0 */
    hk_case *shard;       /* the one in hand */
    size_t inputs;
    int64_t *content; /* [contents + 1] by the shard's number of a content: the merged case's */
    int64_t contents;
    int64_t *ends;   /* [count] the last file of each shard, in the merged case */
    uint64_t walked; /* files so far, without members of archives */
    uint64_t rows;   /* written */
} hk__merging;

/* Counts a row that was written, and now and then puts them on the disk. */
hk_status hk__merge_pause(hk__merging *m, hk_error *err) HK_MUST_CHECK;

/* Of the shard in hand. */
hk_status hk__merge_contents(hk__merging *m, hk_error *err) HK_MUST_CHECK;
hk_status hk__merge_files(hk__merging *m, hk_error *err) HK_MUST_CHECK;

/* With all shards in: no path lies in two, and they are as many as the walk saw. */
hk_status hk__merge_check_files(hk__merging *m, hk_error *err) HK_MUST_CHECK;

#endif
