/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_survey.h - what the page says of all files, gathered in one reading of the case.
 *
 * Memory stays bounded whatever is in the case: of everything that could be many the first (or the
 * densest) are kept, and how many there are; beside that a bit for each content.
 */
#ifndef HK_REPORT_REPORT_SURVEY_H
#define HK_REPORT_REPORT_SURVEY_H

#include "report/report_folders.h"

enum {
    HK__TALLIES_MOST = 300, /* lists with categories, and categories of decisions */
    HK__GROUPS_MOST = 200,
    HK__SAMPLES_MOST = 100, /* files of each status or reason */
    HK__REASONS_MOST = 16,
    HK__KINDS = 3
};

/* Files that have a category: of a list, or by a decision (list empty). */
typedef struct hk__tally {
    hk__kept_words list, category; /* category empty: none */
    bool known_good;
    uint64_t exact, near; /* files; of decisions: exact is all */
    uint64_t contents;    /* different ones among them */
    uint64_t last;        /* the file that was counted last, from 1 */
} hk__tally;

typedef struct hk__tallies {
    hk__tally *tally; /* [HK__TALLIES_MOST] */
    size_t count, found;
    uint64_t left_out; /* files of categories that found no room */
} hk__tallies;

/* Files that share a status or a reason: the first by path. */
typedef struct hk__sample {
    hk__kept_words key; /* of a reason; of a status empty */
    uint64_t files;
    struct hk__sampled {
        hk__kept_words path, words;
    } * row; /* [HK__SAMPLES_MOST]; NULL: none yet */
    size_t rows;
} hk__sample;

typedef struct hk__group_size {
    uint64_t files, contents, decided; /* decided: contents */
} hk__group_size;

typedef struct hk__survey {
    hk__tallies lists, decisions;
    hk__folders *folders;
    hk__sample by_status[HK_FILE_STATUSES]; /* skipped and failed */
    hk__sample uncertain[HK__REASONS_MOST]; /* hashed or skipped, and not checked; by reason */
    size_t reasons;
    uint64_t files, uncertain_files, uncertain_unsorted; /* of reasons that found no room */
    uint64_t conflicts, exact, near;                     /* the latter two without conflicts */
    uint64_t near_by_distance[HK__KINDS][HK_HASH_BITS + 1];
    hk__group_size groups[HK__GROUPS_MOST];
    uint8_t *seen; /* a bit for each content */
    size_t seen_bytes;
} hk__survey;

hk_status hk__survey_new(hk__survey **out, hk_case *c, hk_error *err) HK_MUST_CHECK;
void hk__survey_free(hk__survey *survey);

/* The match that says how near a near hit is: the first that is known and of a hash; NULL: none. */
const hk_match *hk__nearest_known(const hk_file *file);

#endif
