/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_list.c - `herken case export`: which of the decisions, and their list. */
#include "case_verbs.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MOST = 20 }; /* categories in a message */

/* A set of words, in the order in which they came. */
typedef struct words {
    char **word; /* [count] owned */
    size_t count, capacity;
    bool failed; /* no memory */
} words;

static void clear(words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->word[i]);
    free(w->word);
    *w = (words){0};
}

static bool has(const words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++)
        if (!strcmp(w->word[i], word))
            return true;
    return false;
}

static void add(words *w, const char *word, size_t length)
{
    char *copy = strndup(word, length);
    if (copy && has(w, copy)) {
        free(copy);
        return;
    }
    if (copy && w->count == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 16;
        char **grown = realloc(w->word, capacity * sizeof *grown);
        w->word = grown ? grown : w->word;
        w->capacity = grown ? capacity : w->capacity;
    }
    if (copy && w->count < w->capacity) {
        w->word[w->count++] = copy;
        return;
    }
    free(copy);
    w->failed = true;
}

static bool on_decision(void *context, const hk_case_decision *decision)
{
    words *all = context;
    if (decision->stands)
        add(all, decision->decision.category, strlen(decision->decision.category));
    return !all->failed;
}

/* "1, 2 and 17 more", printable; owned. */
static char *in_words(const words *all)
{
    char *text = NULL, *safe;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < all->count && i < NAMED_MOST; i++)
        fprintf(out, "%s%s", i ? ", " : "", all->word[i]);
    if (all->count > NAMED_MOST)
        fprintf(out, " and %zu more", all->count - NAMED_MOST);
    fclose(out);
    safe = text ? output_printable(text) : NULL;
    free(text);
    return safe;
}

/* A --category is the name of one, commas and all, or names between commas. */
static void take_chosen(words *wanted, const words *all, const char *chosen)
{
    const size_t length = has(all, chosen) ? strlen(chosen) : strcspn(chosen, ",");
    add(wanted, chosen, length);
    for (const char *p = chosen + length; *p; p += strcspn(p, ",")) {
        p++;
        add(wanted, p, strcspn(p, ","));
    }
}

/* What is to be written: nothing in `wanted` is all there is. -1, or an exit code. */
static int choose(words *wanted, words *all, const case_request *r)
{
    hk_error err;
    int code = -1;
    if (r->all_categories && r->chosen_count)
        return cli_usage("--category or --all-categories, not both");
    if (hk_case_decisions(r->c, on_decision, all, &err))
        return cli_store_fail(&err);
    for (size_t i = 0; i < r->chosen_count; i++)
        take_chosen(wanted, all, r->chosen[i]);
    char *names = in_words(all);
    if (all->failed || wanted->failed || !names) {
        cli_say("out of memory");
        code = CLI_SYSTEM;
    } else if (!r->chosen_count && !r->all_categories && all->count > 1) {
        code = cli_usage("decided on are %zu categories (%s): --category C for one list of one of "
                         "them, or --all-categories",
                         all->count, names);
    }
    for (size_t i = 0; code < 0 && i < wanted->count; i++)
        if (!has(all, wanted->word[i])) {
            char *odd = output_printable(wanted->word[i]);
            code = cli_usage("nothing is decided to be '%s'; the categories there are: %s",
                             odd ? odd : "?", all->count ? names : "none");
            free(odd);
        }
    free(names);
    return code;
}

int case_export(case_request *r)
{
    hk_error err;
    uint64_t written;
    words all = {0}, wanted = {0};
    const char *out = r->out ? r->out : "-";
    int code = choose(&wanted, &all, r);
    if (code < 0 && hk_case_export(&written, r->c, (const char *const *)wanted.word, wanted.count,
                                   r->format ? r->format : "csv", out, &err))
        code = cli_store_fail(&err);
    clear(&all);
    clear(&wanted);
    if (code >= 0)
        return code;
    if (!written && !r->common.quiet)
        cli_say("nothing is decided: an empty list was written");
    if (!strcmp(out, "-"))
        return CLI_DONE; /* stdout is the list */
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "written", json_integer((json_int_t)written));
        output_path(object, "out", out);
        output_line(object);
    } else if (!r->common.quiet) {
        char *place = output_printable(out);
        printf("%llu entr%s written to %s\n", (unsigned long long)written,
               written == 1 ? "y" : "ies", place ? place : "?");
        free(place);
    }
    return CLI_DONE;
}
