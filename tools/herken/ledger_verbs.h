/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger_verbs.h - the commands on a server's ledger: `key`, `audit`, `brake` and `notices`. Each
 * is a table of verbs; what they share of options is read here (ledger_options.c).
 */
#ifndef HERKEN_LEDGER_VERBS_H
#define HERKEN_LEDGER_VERBS_H

#include "cli.h"

/* What the command line says. Strings are borrowed from it. */
typedef struct ledger_request {
    cli_common common;
    const char *db;
    char **rest; /* arguments after the verb */
    size_t rest_count;
    hk_act act; /* with an actor, for verbs that change something */
    hk_client_settings client;
    unsigned settings; /* HK_SET_*: those of client that were given */
    uint64_t grace, key, from, max, days, from_file, number;
    const char *anchor, *head, *list, *entry;
    bool all;
} ledger_request;

/* Options that a verb may take besides those of all, or-ed together. */
#define LEDGER_ACTS 0x0001u   /* --by, --reason */
#define LEDGER_CLIENT 0x0002u /* --scopes, --rate, --burst, --quota, --near, --certificate */
#define LEDGER_GRACE 0x0004u
#define LEDGER_KEY 0x0008u
#define LEDGER_CHECK 0x0010u /* --anchor, --from-file, --head */
#define LEDGER_RANGE 0x0020u /* --from, --max */
#define LEDGER_ALL 0x0040u
#define LEDGER_ENTRY 0x0080u /* --list, --entry, --number */
#define LEDGER_DAYS 0x0100u
#define LEDGER_CHANGE 0x0200u /* --no-certificate */

typedef struct ledger_verb {
    const char *name, *arguments, *title;
    const char *help; /* of its own options */
    int (*run)(ledger_request *r);
    int least, most; /* arguments */
    unsigned takes;
} ledger_verb;

typedef struct ledger_command {
    const char *name, *help; /* what it is about, in some lines */
    const ledger_verb *verbs;
    size_t count;
} ledger_command;

/* Reads the command line and runs the verb; returns an exit code. */
int ledger_run(const ledger_command *command, int argc, char **argv);

/* Opens DB.keys, or says why not. Returns -1 to go on, or an exit code. */
int ledger_open_keys(hk_keys **out, const ledger_request *r, bool create);

#endif
