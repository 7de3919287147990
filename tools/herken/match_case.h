/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_case.h - `herken match --case`: a run that is kept.
 */
#ifndef HERKEN_MATCH_CASE_H
#define HERKEN_MATCH_CASE_H

#include "cli.h"

typedef struct match_case {
    const char *path; /* --case; NULL: nothing is kept */
    bool any;         /* an option that only goes with --case was given */
    bool no_archives;
    uint64_t max_members, max_depth, max_ratio, max_unpacked; /* 0: not given */
    unsigned shard, shards;                                   /* 0: not given */
    uint64_t max_memory;
    unsigned chosen; /* HK_RUN_*: settings that were given */
    const char *carry_from;
    char *source[CLI_MAX_LISTS]; /* absolute path of each list's store or file; owned */
} match_case;

enum { /* behind those of `herken match` */
       MATCH_CASE = CLI_OWN + 100,
       MATCH_ARCHIVES,
       MATCH_NO_ARCHIVES,
       MATCH_MAX_MEMBERS,
       MATCH_MAX_DEPTH,
       MATCH_MAX_RATIO,
       MATCH_MAX_UNPACKED,
       MATCH_SHARD,
       MATCH_NICE,
       MATCH_MAX_MEMORY,
       MATCH_CARRY_FROM
};
/* clang-format off */
#define MATCH_CASE_OPTIONS                                          \
    {"case", required_argument, NULL, MATCH_CASE},                  \
    {"archives", required_argument, NULL, MATCH_ARCHIVES},          \
    {"no-archives", no_argument, NULL, MATCH_NO_ARCHIVES},          \
    {"max-members", required_argument, NULL, MATCH_MAX_MEMBERS},    \
    {"max-depth", required_argument, NULL, MATCH_MAX_DEPTH},        \
    {"max-ratio", required_argument, NULL, MATCH_MAX_RATIO},        \
    {"max-unpacked", required_argument, NULL, MATCH_MAX_UNPACKED},  \
    {"shard", required_argument, NULL, MATCH_SHARD},                \
    {"nice", required_argument, NULL, MATCH_NICE},                  \
    {"max-memory", required_argument, NULL, MATCH_MAX_MEMORY},      \
    {"carry-from", required_argument, NULL, MATCH_CARRY_FROM}
/* clang-format on */

/* Its part of the help of `herken match`. */
#define MATCH_CASE_HELP                                                                            \
    "\nA run that is kept:\n"                                                                      \
    "  --case CASE          keep everything in the file CASE, once a second, and print the\n"      \
    "                       account alone. Stopped at any moment, the same command goes on\n"      \
    "                       where it was; of a CASE that is there paths, lists and settings "      \
    "need\n"                                                                                       \
    "                       not be named again. See herken report, herken case\n"                  \
    "  --no-archives        do not look into zip, 7z and tar (also --archives no)\n"               \
    "  --max-members N, --max-depth N, --max-ratio N, --max-unpacked SIZE\n"                       \
    "                       of one archive: members (default 1000000), archives inside each\n"     \
    "                       other (4), unpacked bytes for a packed one (1000) and altogether "     \
    "(1T)\n"                                                                                       \
    "  --shard I/N          take part I of N, to split a run over machines: herken case merge\n"   \
    "  --carry-from OLD     bring what people decided in the case OLD over, once it is finished\n" \
    "  --nice N             leave the processor to others, 0 to 19\n"                              \
    "  --max-memory SIZE    of this process without the lists and of the address space of all\n"   \
    "                       decode processes: fewer of these, then smaller ones\n"

/* Which of HK_RUN_* an option of these, or of every command, sets; 0: none. */
unsigned match_case_chosen(int code);

/* Takes an option of the above. Returns -1 to go on, or an exit code. */
int match_case_option(match_case *m, int code);

/* What does not fit together. Returns -1 to go on, or an exit code. */
int match_case_check(const match_case *m, bool all);

/* Where neither --db nor --list was given: loads the lists that the case was begun with, if it is
 * there. Returns -1 to go on, or an exit code. */
int match_case_lists(match_case *m, cli_lists *lists, bool quiet);

/* The run, to its exit code. `db`: the store that lists with a revision come from. */
int match_case_run(match_case *m, cli_common *common, const cli_lists *lists, const char *db,
                   const hk_match_options *match);

void match_case_clear(match_case *m);

#endif
