/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_bench.c - `herken bench`: a table of benches. */
#include "bench.h"
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} benches[] = {
    {"hash", bench_hash, "hashing files, against the decoder's own floor"},
    {"search", bench_search, "search engines over generated hashes, against the flat scan"},
    {"recall", bench_recall, "edited copies that are still found, at a stated false-match rate"},
    {"serve", bench_serve, "a hash-check server's answers a second, and their times"},
};

static int print_help(void)
{
    puts("usage: herken bench BENCH [OPTIONS] ...\n");
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        printf("  %-9s %s\n", benches[i].name, benches[i].help);
    puts("\n`herken bench BENCH --help` says more.");
    return cli_finish(CLI_DONE);
}

int cmd_bench(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help"))
        return print_help();
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        if (!strcmp(name, benches[i].name)) {
            cli_arguments(argc - 1, argv + 1);
            return benches[i].run(argc - 1, argv + 1);
        }
    return *name ? cli_usage("no bench '%s'", name)
                 : cli_usage("bench measures one thing: herken bench hash, search, recall "
                             "or serve");
}
