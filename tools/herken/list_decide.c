/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_decide.c - `herken list approve, retract, rollback`: who decides what is searched for. */
#include "list_output.h"
#include "list_verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Entries that one name may stand for; more are not told one by one. */
enum { CANDIDATES = 16 };

/* Numbers of the entries that were chosen, and which may be. */
typedef struct choice {
    uint32_t *numbers; /* owned */
    size_t count, room;
    unsigned states;    /* an or of (1 << hk_entry_state), */
    unsigned otherwise; /* and, where nothing of that name is in one of those */
    bool all_versions;  /* a name stands for every version of its entry */
} choice;

typedef struct candidate {
    uint32_t number, replaces;
    hk_entry_state state;
    char *id; /* owned; NULL: none */
} candidate;

/* What one name stands for. */
typedef struct candidates {
    candidate all[CANDIDATES];
    size_t count;
    bool more;           /* than have room */
    bool best;           /* all are in one of choice.states */
    hk_entry_state seen; /* of one that cannot be chosen; HK_ENTRY_ABSENT: there was none */
} candidates;

static int choose(choice *c, uint32_t number)
{
    if (c->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 64;
        uint32_t *grown = realloc(c->numbers, room * sizeof *grown);
        if (!grown) {
            cli_say("out of memory");
            return CLI_SYSTEM;
        }
        c->numbers = grown;
        c->room = room;
    }
    c->numbers[c->count++] = number;
    return -1;
}

static void clear(candidates *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->all[i].id);
    found->count = 0;
    found->more = false;
}

static void consider(candidates *found, const choice *c, const hk_listed *listed)
{
    const bool best = c->states >> listed->state & 1;
    if (!best && !(c->otherwise >> listed->state & 1)) {
        found->seen = listed->state;
        return;
    }
    if (best && !found->best)
        clear(found);
    if (!best && found->best)
        return;
    found->best = best;
    found->more |= found->count == CANDIDATES;
    if (!found->more)
        found->all[found->count++] =
            (candidate){listed->number, listed->replaces, listed->state,
                        listed->entry.id ? strdup(listed->entry.id) : NULL};
}

/* Versions of one entry: the same id, or one in the other's place. */
static bool is_same_entry(const candidate *a, const candidate *b)
{
    return (a->id && b->id && !strcmp(a->id, b->id)) || a->replaces == b->number ||
           b->replaces == a->number;
}

static bool is_clear(const candidates *found, const choice *c)
{
    bool same = !found->more && (c->all_versions || found->count == 1);
    for (size_t i = 1; same && i < found->count; i++)
        same = is_same_entry(&found->all[i - 1], &found->all[i]);
    return same;
}

static int say_ambiguous(const char *name, const candidates *found)
{
    cli_say("'%s' stands for several entries:", name);
    for (size_t i = 0; i < found->count; i++)
        cli_say("  #%u  %s  %s", found->all[i].number, hk_entry_state_name(found->all[i].state),
                found->all[i].id ? found->all[i].id : "(no id)");
    return cli_usage("%snothing was changed: name the one that is meant by its #NUMBER",
                     found->more ? "and more; " : "");
}

static hk_status collect(candidates *found, const choice *c, list_request *r, const char *name,
                         hk_error *err)
{
    hk_reading *reading;
    const hk_listed *listed = NULL;
    hk_status status = hk_reading_find(&reading, r->store, r->list, name, err);
    if (status)
        return status;
    while (!(status = hk_reading_next(&listed, reading, err)) && listed)
        consider(found, c, listed);
    hk_reading_close(reading);
    return status;
}

/* Returns -1 to go on, or an exit code. */
static int choose_named(choice *c, list_request *r, const char *name)
{
    hk_error err;
    candidates found = {0};
    hk_status status = collect(&found, c, r, name, &err);
    if (!status && !found.count && !found.seen) { /* a path, as `add` writes it */
        char *printable = output_printable(name);
        if (printable && strcmp(printable, name) != 0)
            status = collect(&found, c, r, printable, &err);
        free(printable);
    }
    int code = -1;
    if (status)
        code = cli_store_fail(&err);
    else if (!found.count && found.seen)
        code = cli_usage("'%s' is %s in %s%s: nothing was changed", name,
                         hk_entry_state_name(found.seen), r->list,
                         found.seen == HK_ENTRY_PROPOSED
                             ? ", and comes in when the list is approved without --entry"
                             : "");
    else if (!found.count)
        code = cli_usage("no entry '%s' in %s: nothing was changed", name, r->list);
    else if (!is_clear(&found, c))
        code = say_ambiguous(name, &found);
    for (size_t i = 0; code < 0 && i < found.count; i++)
        code = choose(c, found.all[i].number);
    clear(&found);
    return code;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The names of a file, each ended by a NUL byte where there is one, else a line each. */
static int choose_from_file(choice *c, list_request *r)
{
    FILE *file = !strcmp(r->entries_from, "-") ? stdin : fopen(r->entries_from, "rbe");
    char *text = NULL, *rest = NULL;
    size_t room = 0;
    ssize_t length;
    int code = -1;
    if (!file)
        return cli_usage("cannot open %s: %s", r->entries_from, strerror(errno));
    while (code < 0 && (length = getdelim(&text, &room, '\0', file)) > 0) {
        if (text[length - 1] == '\0') {
            code = *text ? choose_named(c, r, text) : -1;
            continue;
        }
        for (char *name = strtok_r(text, "\r\n", &rest); code < 0 && name;
             name = strtok_r(NULL, "\r\n", &rest))
            code = choose_named(c, r, name);
    }
    if (code < 0 && ferror(file)) {
        cli_say("cannot read %s: %s", r->entries_from, strerror(errno));
        code = CLI_SYSTEM;
    }
    free(text);
    if (file != stdin)
        fclose(file);
    return code;
}

/* All that --entry and --entries-from name, each once. Returns -1 to go on, or an exit code. */
static int choose_all(choice *c, list_request *r)
{
    int code = -1;
    for (size_t i = 0; code < 0 && i < r->entry_count; i++)
        code = choose_named(c, r, r->entries[i]);
    if (code < 0 && r->entries_from)
        code = choose_from_file(c, r);
    if (code >= 0)
        return code;
    if (!c->count)
        return cli_usage("no entries: name some with --entry or --entries-from");
    qsort(c->numbers, c->count, sizeof *c->numbers, compare_numbers);
    size_t kept = 1;
    for (size_t i = 1; i < c->count; i++)
        if (c->numbers[i] != c->numbers[kept - 1])
            c->numbers[kept++] = c->numbers[i];
    c->count = kept;
    return -1;
}

/* Has the list's snapshot made now, not by the next search. The revision stands in any case. */
static void refresh_snapshot(list_request *r)
{
    hk_error err;
    hk_list *list;
    if (r->no_snapshot)
        return;
    if (hk_store_list(&list, r->store, r->list, &err))
        cli_say("the change is made, but the list cannot be made ready for searching: %s",
                err.message);
    else
        hk_list_free(list);
}

/* Says what revision was made, or why none was; returns the exit code. */
static int conclude(list_request *r, hk_status status, const hk_revision *revision,
                    const hk_error *err)
{
    if (status)
        return cli_store_fail(err);
    if (r->common.json)
        output_line(list_revision_object(revision));
    else
        list_print_revision(revision);
    if (revision->quarantined && revision->kind == HK_REVISION_APPROVE && !r->common.json &&
        !r->common.quiet)
        printf("next: herken list show %s --state quarantined --db %s      what waits, and why\n"
               "      herken list approve %s --entry E --db %s   let it in all the same\n",
               r->list, r->shown_db, r->list, r->shown_db);
    refresh_snapshot(r);
    return CLI_DONE;
}

int list_approve(list_request *r)
{
    hk_error err;
    hk_revision revision;
    choice c = {.states = 1u << HK_ENTRY_QUARANTINED, .otherwise = 1u << HK_ENTRY_WITHDRAWN};
    hk_status status;
    int code = -1;
    if (r->entry_count || r->entries_from) {
        code = choose_all(&c, r);
        if (code < 0)
            status = hk_store_approve_entries(&revision, r->store, r->list, c.numbers, c.count,
                                              &r->act, &err);
    } else {
        status = hk_store_approve(&revision, r->store, r->list, r->revision, &r->act, &err);
    }
    if (code < 0)
        code = conclude(r, status, &revision, &err);
    if (code == CLI_DONE && c.count > revision.added + revision.replaced && !r->common.json &&
        !r->common.quiet)
        printf("%zu of those named are still proposed, and come in with the rest\n"
               "next: herken list approve %s --db %s\n",
               (size_t)(c.count - revision.added - revision.replaced), r->list, r->shown_db);
    free(c.numbers);
    return code;
}

int list_retract(list_request *r)
{
    hk_error err;
    hk_revision revision;
    choice c = {.states =
                    1u << HK_ENTRY_PROPOSED | 1u << HK_ENTRY_ACTIVE | 1u << HK_ENTRY_QUARANTINED,
                .all_versions = true};
    int code = choose_all(&c, r);
    if (code < 0) {
        const hk_status status =
            hk_store_retract(&revision, r->store, r->list, c.numbers, c.count, &r->act, &err);
        code = conclude(r, status, &revision, &err);
    }
    free(c.numbers);
    return code;
}

int list_rollback(list_request *r)
{
    hk_error err;
    hk_revision revision;
    hk_list_info before;
    if (!r->has_to)
        return cli_usage("to which revision? --to R, as `herken list log` shows them");
    hk_status status = hk_store_info(&before, r->store, r->list, &err);
    if (!status)
        status = hk_store_rollback(&revision, r->store, r->list, r->to, &r->act, &err);
    const int code = conclude(r, status, &revision, &err);
    if (!status && !r->common.json && !r->common.quiet)
        printf("next: herken list diff %s --from %llu --db %s   what that changed\n", r->list,
               (unsigned long long)before.revision, r->shown_db);
    return code;
}
