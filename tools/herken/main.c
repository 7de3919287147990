/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the command `herken`: a table of commands. */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"hash", cmd_hash, "print the perceptual hash of images"},
    {"compare", cmd_compare, "compare two images or hashes"},
    {"match", cmd_match, "look images up in a list of known ones"},
    {"check", cmd_check, "a gate: a verdict for each file, by lists or by a server"},
    {"report", cmd_report, "what a case holds: tables, a page, a signed manifest"},
    {"index", cmd_index, "make, search and change a snapshot of a list"},
    {"list", cmd_list, "keep lists in a store: import, approve, retract, roll back"},
    {"case", cmd_case, "work with the case of a run: groups, decisions, shards"},
    {"serve", cmd_serve, "answer over HTTP whether hashes are in the lists of a store"},
    {"key", cmd_key, "make, rotate and revoke keys of a hash-check server"},
    {"audit", cmd_audit, "check and print the audit log of a hash-check server"},
    {"brake", cmd_brake, "see, release and confirm entries that draw too many near hits"},
    {"notices", cmd_notices, "see what a hash-check server leaves for a person"},
    {"bench", cmd_bench, "measure the speed of hashing and searching"},
    {"version", cmd_version, "print versions, models and instruction set"},
};

static void print_help(FILE *file)
{
    fputs("usage: herken COMMAND [OPTIONS] ...\n\n"
          "Finds copies of known images: resized, recompressed, mirrored or turned.\n\n",
          file);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(file, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs(
        "\n`herken COMMAND --help` says more. Exit codes: 0 all checked and nothing matched,\n"
        "1 a match, 2 wrong usage, 3 some inputs failed or are not checked, 4 the system failed.\n"
        "Environment: HERKEN_SIMD=scalar|avx2|avx512 forces the kernels.\n",
        file);
}

static int use_simd(void)
{
    const char *wanted = getenv("HERKEN_SIMD");
    hk_error err;
    if (!wanted || !*wanted)
        return -1;
    for (int level = HK_SIMD_SCALAR; level <= HK_SIMD_AVX512; level++)
        if (!strcmp(wanted, hk_simd_name((hk_simd)level)))
            return hk_simd_use((hk_simd)level, &err) ? cli_fail(&err) : -1;
    return cli_usage("HERKEN_SIMD is scalar, avx2 or avx512, not '%s'", wanted);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGCHLD, SIG_DFL); /* whoever started us may ignore it, and we wait for our workers */
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help(stdout);
        return cli_finish(CLI_DONE);
    }
    if (!strcmp(name, "--version"))
        name = "version";
    int code = use_simd();
    if (code >= 0)
        return code;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(name, commands[i].name)) {
            cli_arguments(argc - 1, argv + 1);
            cli_name_command(commands[i].name);
            return commands[i].run(argc - 1, argv + 1);
        }
    if (*name)
        return cli_usage("no command '%s'", name);
    print_help(stderr);
    return CLI_USAGE;
}
