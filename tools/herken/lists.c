/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.c - loading lists to match with: from files, with words about the lines that cannot be
 * used, and from a store. */
#include "cli.h"

#include <stdlib.h>
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

/* ---- several, and from a store ------------------------------------------------------------- */

int cli_lists_add(cli_lists *lists, hk_list *list, const char *name)
{
    char *copy = lists->count < CLI_MAX_LISTS ? strdup(name) : NULL;
    if (copy) {
        lists->list[lists->count] = list;
        lists->name[lists->count++] = copy;
        return -1;
    }
    hk_list_free(list);
    if (lists->count == CLI_MAX_LISTS)
        return cli_usage("at most %d lists at once", CLI_MAX_LISTS);
    cli_say("out of memory");
    return CLI_SYSTEM;
}

void cli_lists_clear(cli_lists *lists)
{
    for (size_t l = 0; l < lists->count; l++) {
        hk_list_free(lists->list[l]);
        free(lists->name[l]);
    }
    lists->count = 0;
}

/* named: a person asked for just this one. */
static int add_stored(cli_lists *lists, hk_store *store, const char *name, bool named)
{
    hk_error err;
    hk_list *list;
    if (hk_store_list(&list, store, name, &err))
        return cli_store_fail(&err);
    /* A list that can find nothing is no mere talk: --quiet does not hide it. */
    if (!hk_list_count(list))
        cli_say("list %s has no entries that are searched for: is something waiting to be "
                "approved?",
                name);
    if (!hk_list_count(list) && named) {
        hk_list_free(list);
        return cli_usage("nothing could ever match %s: leave it out of --lists", name);
    }
    return cli_lists_add(lists, list, name);
}

static bool is_named(const cli_lists *lists, size_t first, const char *name)
{
    for (size_t l = first; l < lists->count; l++)
        if (!strcmp(lists->name[l], name))
            return true;
    return false;
}

static int add_named(cli_lists *lists, hk_store *store, const char *names)
{
    char *copy = strdup(names), *rest = NULL;
    const size_t first = lists->count;
    int code = -1;
    if (!copy) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    for (char *name = strtok_r(copy, ",", &rest); code < 0 && name;
         name = strtok_r(NULL, ",", &rest))
        if (!is_named(lists, first, name))
            code = add_stored(lists, store, name, true);
    free(copy);
    if (code < 0 && lists->count == first)
        code = cli_usage("--lists names no list");
    return code;
}

static int add_all(cli_lists *lists, hk_store *store)
{
    hk_error err;
    char **names;
    size_t count;
    int code = -1;
    if (hk_store_lists(&names, &count, store, &err))
        return cli_store_fail(&err);
    for (size_t i = 0; code < 0 && i < count; i++)
        code = add_stored(lists, store, names[i], false);
    free(names);
    return code;
}

int cli_lists_add_store(cli_lists *lists, const char *path, const char *names)
{
    hk_error err;
    hk_store *store;
    if (hk_store_open(&store, path, HK_STORE_READ, &err))
        return cli_store_fail(&err);
    const int code = names ? add_named(lists, store, names) : add_all(lists, store);
    hk_store_close(store);
    return code;
}
