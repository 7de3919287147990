/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list_verbs.h - the verbs of `herken list`, and what they share.
 *
 *      cmd_list.c      the table of verbs, options, opening the store
 *      list_bring.c    create, add, import, screen      list_decide.c   approve, retract, rollback
 *      list_show.c     show, stats                      list_account.c  diff, log, export, verify
 */
#ifndef HERKEN_LIST_VERBS_H
#define HERKEN_LIST_VERBS_H

#include "cli.h"
#include "progress.h"

/* What the command line says. Strings are borrowed from it. */
typedef struct list_request {
    cli_common common; /* paths: of `add` */
    hk_store *store;   /* open, as the verb needs it */
    const char *db, *list;
    char *shown_db; /* for what is printed; owned */
    char **rest;    /* arguments after NAME */
    size_t rest_count;
    hk_act act; /* with an actor, for verbs that change something */
    hk_list_settings settings;
    const char *format, *source, *category, *tags, *out, *entries_from;
    const char **entries; /* of --entry; owned */
    size_t entry_count;
    uint64_t from, to, revision, max;
    bool has_from, has_to, has_revision, has_max;
    unsigned states; /* or of (1 << hk_entry_state); 0: not said */
    bool strict, whole, no_screen, images_only, frames, no_snapshot, all;
    progress bar;
} list_request;

/* Each returns an exit code. */
int list_create(list_request *r);
int list_add(list_request *r);
int list_import(list_request *r);
int list_screen(list_request *r);
int list_diff(list_request *r);
int list_approve(list_request *r);
int list_retract(list_request *r);
int list_rollback(list_request *r);
int list_export(list_request *r);
int list_show(list_request *r);
int list_verify(list_request *r);
int list_log(list_request *r);
int list_stats(list_request *r);

/* What `verify` says of a store too damaged to be opened; returns its exit code. */
int list_verify_broken(list_request *r, const hk_error *err);

/* From now on SIGINT and SIGTERM only ask to stop; a second one of them kills. */
void list_catch_stop(void);
bool list_stopped(void);

/* Progress of one job in `unit`s, shown as --progress says. */
void list_progress_start(list_request *r, const char *unit);
/* False once somebody asked to stop. */
bool list_progress(list_request *r, uint64_t done, uint64_t total);

#endif
