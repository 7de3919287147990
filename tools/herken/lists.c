/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.c - loading list files, and words about the lines that cannot be used. */
#include "cli.h"

#include <string.h>

enum { SHOWN_BAD_LINES = 10 };

/* Names the lines that cannot be used. Returns how many of them are malformed. */
static size_t say_bad_lines(const hk_list *list, const char *path, bool quiet)
{
    size_t count, malformed = 0;
    const hk_list_bad_line *bad = hk_list_bad_lines(&count, list);
    for (size_t i = 0; i < count; i++) {
        malformed += !bad[i].quarantined;
        if (i < SHOWN_BAD_LINES && !quiet)
            cli_say("%s:%zu: %s%s", path, bad[i].line, bad[i].quarantined ? "left out: " : "",
                    bad[i].reason);
    }
    /* Entries that will not be searched for are no mere talk: --quiet does not hide them. */
    if (count)
        cli_say("%s: %zu lines left out, %zu entries are searched for", path, count,
                hk_list_count(list));
    return malformed;
}

int cli_load_list(hk_list **out, const char *path, bool skip_bad_lines, bool quiet)
{
    hk_error err;
    const char *slash = strrchr(path, '/');
    hk_status status = hk_list_load(out, path, slash ? slash + 1 : path, &err);
    if (status)
        return status == HK_ERR_IO ? (cli_say("%s", err.message), CLI_USAGE) : cli_fail(&err);
    const size_t malformed = say_bad_lines(*out, path, quiet);
    if (malformed && !skip_bad_lines) {
        cli_say("%s: %zu malformed lines; mend them, or go on without them with --skip-bad-lines",
                path, malformed);
        return CLI_USAGE;
    }
    if (!hk_list_count(*out)) {
        cli_say("%s: no entries: nothing could ever match it", path);
        return CLI_USAGE;
    }
    return -1;
}
