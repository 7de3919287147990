/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_page.h - the HTML page and its parts, which are drawn one after another.
 *
 *      report_html.c         the page; what it is, the verdict, the account
 *      report_html_lists.c   hits by list and category, and by folder
 *      report_html_hits.c    the hits
 *      report_html_groups.c  groups of what looks alike, decisions
 *      report_html_rest.c    what was not checked, skipped, failed
 *      report_html_graphs.c  distances, time line
 *      report_html_run.c     settings, lists, sessions; how to read the page
 *
 * The page has no script and asks for nothing from outside; its policy says so to the browser.
 */
#ifndef HK_REPORT_REPORT_PAGE_H
#define HK_REPORT_REPORT_PAGE_H

#include "report/report.h"
#include "report/report_survey.h"

/* Rows of a table, at most: hits of each of the three sorts, members of a group, decisions. */
enum {
    HK__HITS_MOST = 1000,
    HK__MEMBERS_MOST = 30,
    HK__DECISIONS_MOST = 500,
    HK__FACTS_MOST = 200
};

typedef struct hk__page {
    FILE *out;
    hk_case *c;
    const hk_report_options *options;
    hk_account account;
    hk_case_info info; /* without its strings */
    hk__survey *survey;
    const hk__folder *folders; /* the densest */
    size_t folder_count;
    uint64_t folders_with_hits, folders_all;
} hk__page;

extern const char hk__page_style[];

/* ---- what parts are made of (report_html.c) ------------------------------------------------- */

/* A part with its heading; closes with </section>. id and title are ours. */
void hk__part_begin(const hk__page *page, const char *id, const char *title);
void hk__part_end(const hk__page *page);
/* A table's beginning: caption (ours), and columns, of which those that begin with # hold numbers;
 * the last is NULL. Closes with hk__table_end. */
void hk__table_begin(const hk__page *page, const char *caption, const char *const *columns);
void hk__table_end(const hk__page *page);
/* "And 12 more rows are in the CSV and JSON Lines reports.", where there are more than shown. */
void hk__tell_more(const hk__page *page, uint64_t all, uint64_t shown, const char *what);

/* ---- the parts ------------------------------------------------------------------------------ */

typedef hk_status hk__part_fn(const hk__page *page, hk_error *err);
hk__part_fn hk__part_lists, hk__part_folders, hk__part_hits, hk__part_groups, hk__part_decisions,
    hk__part_unchecked, hk__part_failed, hk__part_skipped, hk__part_distances, hk__part_time,
    hk__part_run, hk__part_reading;

#endif
