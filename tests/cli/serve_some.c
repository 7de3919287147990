/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve_some.c - a server without a network, for the tests of the command: answers near hits on one
 * entry for the keys on its command line, in turn, and says what it answered.
 *
 * usage: serve_some DB ENTRY COUNT KEY...
 */
#include "herken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    hk_ledger *ledger;
    hk_error err;
    hk_ledger_options options = HK_LEDGER_OPTIONS_INIT;
    options.brake_clients = 2;
    options.brake_hits = 20;
    options.brake_share = 15;
    if (argc < 5 || hk_ledger_open(&ledger, argv[1], &options, &err)) {
        fprintf(stderr, "%s\n", argc < 5 ? "usage" : err.message);
        return 4;
    }
    for (int i = 0; i < atoi(argv[3]); i++) {
        const char *key = argv[4 + i % (argc - 4)];
        hk_caller caller;
        hk_match match = {.list = "police", .entry = argv[2], .basis = HK_BASIS_PDQ, .distance = 7};
        hk_asked item = {.matches = &match,
                         .match_count = 1,
                         .verdict = HK_VERDICT_NEAR,
                         .otherwise = HK_VERDICT_NONE};
        const hk_admission admission =
            hk_ledger_admit(&caller, ledger, key, strlen(key), NULL, HK_SCOPE_CHECK, 1);
        if (admission) {
            puts(hk_admission_name(admission));
        } else if (hk_ledger_answer(NULL, ledger, &caller, &item, 1, "::1", &err)) {
            fprintf(stderr, "%s\n", err.message);
            return 4;
        } else {
            printf("%s %s\n", hk_verdict_name(item.verdict), item.match_id);
        }
    }
    hk_ledger_close(ledger);
    return 0;
}
