/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_verbs.h - the verbs of `herken case`, and what they share.
 *
 *      cmd_case.c    the table of verbs, options
 *      case_show.c   info, groups, decisions
 *      case_act.c    decide, carry, merge
 *      case_list.c   export
 */
#ifndef HERKEN_CASE_VERBS_H
#define HERKEN_CASE_VERBS_H

#include "cli.h"

enum { CASE_CATEGORIES_MOST = 256 };

/* What the command line says. Strings are borrowed from it. */
typedef struct case_request {
    cli_common common;
    hk_case *c;       /* open, as the verb needs it; NULL for merge */
    const char *path; /* of the case, or of what is merged into */
    char **rest;      /* arguments after it */
    size_t rest_count;
    hk_act act; /* with an actor, for verbs that decide */
    const char *file, *category, *format, *out, *from;
    const char *chosen[CASE_CATEGORIES_MOST]; /* each --category of export */
    size_t chosen_count;
    uint64_t group; /* 0: none said */
    bool undo, all, all_categories;
} case_request;

/* Each returns an exit code. */
int case_info(case_request *r);
int case_groups(case_request *r);
int case_decisions(case_request *r);
int case_decide(case_request *r);
int case_carry(case_request *r);
int case_export(case_request *r);
int case_merge(case_request *r);

#endif
