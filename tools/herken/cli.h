/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cli.h - what every command shares: exit codes, common options, words on stderr.
 */
#ifndef HERKEN_CLI_H
#define HERKEN_CLI_H

#include "herken.h"

#include <getopt.h>

/* One page lists them for scripts: 0 is given only if everything in scope was checked. */
enum {
    CLI_DONE = 0,
    CLI_MATCH = 1, /* match, compare: a match */
    CLI_USAGE = 2,
    CLI_PARTIAL = 3, /* some inputs failed or are not checked */
    CLI_SYSTEM = 4   /* the system failed: results incomplete */
};

typedef enum cli_progress {
    CLI_PROGRESS_AUTO = 0,
    CLI_PROGRESS_NONE,
    CLI_PROGRESS_JSON
} cli_progress;

/* Options that every command takes; filled by cli_option. */
typedef struct cli_common {
    hk_scan_options scan;
    bool json, quiet;
    cli_progress progress;
    char *worker; /* owned */
    char **paths; /* owned: from --files0-from */
    size_t path_count;
    char *path_text;
} cli_common;

#define CLI_COMMON_INIT                                                                            \
    {                                                                                              \
        .scan = HK_SCAN_OPTIONS_INIT                                                               \
    }

/* Codes of the common options; a command's own start at CLI_OWN. */
enum {
    CLI_JSON = 256,
    CLI_THREADS,
    CLI_QUIET,
    CLI_PROGRESS,
    CLI_HELP,
    CLI_MAX_PIXELS,
    CLI_MAX_BYTES,
    CLI_MAX_PAGES,
    CLI_FRAMES_OF,
    CLI_ALLOW_FORMAT,
    CLI_WORKER_MEMORY,
    CLI_TIMEOUT,
    CLI_WORKER,
    CLI_FILES0,
    CLI_OWN
};
/* clang-format off */
#define CLI_COMMON_OPTIONS                                      \
    {"json", no_argument, NULL, CLI_JSON},                      \
    {"threads", required_argument, NULL, CLI_THREADS},          \
    {"quiet", no_argument, NULL, CLI_QUIET},                    \
    {"progress", required_argument, NULL, CLI_PROGRESS},        \
    {"help", no_argument, NULL, CLI_HELP},                      \
    {"max-pixels", required_argument, NULL, CLI_MAX_PIXELS},    \
    {"max-bytes", required_argument, NULL, CLI_MAX_BYTES},      \
    {"max-pages", required_argument, NULL, CLI_MAX_PAGES},      \
    {"frames-of", required_argument, NULL, CLI_FRAMES_OF},      \
    {"allow-format", required_argument, NULL, CLI_ALLOW_FORMAT}, \
    {"worker-memory", required_argument, NULL, CLI_WORKER_MEMORY}, \
    {"timeout", required_argument, NULL, CLI_TIMEOUT},          \
    {"worker", required_argument, NULL, CLI_WORKER},            \
    {"files0-from", required_argument, NULL, CLI_FILES0},       \
    {NULL, 0, NULL, 0}
/* clang-format on */

/* Tells cli_option where its messages find the arguments that getopt sees. */
void cli_arguments(int argc, char **argv);

/* One paragraph for the end of every command's help. */
extern const char cli_common_help[];

/* Takes a common option. Returns -1 to go on, or an exit code (CLI_DONE after --help). `help` is
 * the command's own help. An option it does not know gives CLI_USAGE. */
int cli_option(cli_common *common, int code, const char *help);
/* Adds the paths left on the command line to those of --files0-from, and finds the worker. Returns
 * -1 to go on, or an exit code. */
int cli_paths(cli_common *common, int argc, char **argv);
void cli_clear(cli_common *common);

/* A whole number from low to high; suffixes k, M, G (powers of 1024) where `scaled`. On failure it
 * says so and returns false. */
bool cli_number(uint64_t *out, const char *option, const char *text, uint64_t low, uint64_t high,
                bool scaled);

/* gate or review. On failure it says so and returns false. */
bool cli_profile(hk_profile *out, const char *text);
bool cli_probes(hk_probes *out, const char *text); /* the same of --probes */

/* What wrong usage is told to see the help of: "match", "list import". Static. */
void cli_name_command(const char *words);

/* "herken: ..." on stderr; the last adds how to get help and returns CLI_USAGE. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says an engine error and returns its exit code. */
int cli_fail(const hk_error *err);
/* The same, but damage to a store or a snapshot is a failure of the system, not wrong usage. */
int cli_store_fail(const hk_error *err);

/* herken-edits of this very build; NULL where there is none beside it. Owned. */
char *cli_find_edits(void);

/* herkend of this very build; NULL where there is none beside it. Owned. */
char *cli_find_server(void);

/* herken-faiss.so of this very build; NULL where there is none beside it. Owned. */
char *cli_find_faiss(void);

/* Loads a plain list for a command that works with all of it or not at all: malformed lines are
 * named, and are an error unless they are to be skipped; harmful entries are left out, with a word.
 * Returns -1 to go on, or an exit code. */
int cli_load_list(hk_list **out, const char *path, bool skip_bad_lines, bool quiet);

/* Lists to match with, from files or a store, and how the user calls each. */
enum { CLI_MAX_LISTS = 64 };
typedef struct cli_lists {
    hk_list *list[CLI_MAX_LISTS]; /* these and their names are owned */
    char *name[CLI_MAX_LISTS];
    size_t count;
} cli_lists;

/* Adds a list, whose owner it becomes. Returns -1 to go on, or an exit code. */
int cli_lists_add(cli_lists *lists, hk_list *list, const char *name);
/* Adds lists of a store: those that `names` names with a comma between, or (NULL) all. A list
 * without entries is named on stderr. Returns -1 to go on, or an exit code. */
int cli_lists_add_store(cli_lists *lists, const char *path, const char *names);
void cli_lists_clear(cli_lists *lists);

/* Flushes stdout; a full disk or a closed pipe turns the code into CLI_SYSTEM. */
int cli_finish(int code);

int cmd_hash(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_match(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_index(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_case(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_brake(int argc, char **argv);
int cmd_notices(int argc, char **argv);
int cmd_check(int argc, char **argv);

#endif
