/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_show.c - `herken list show, stats`: what lists there are, and what they hold. */
#include "list_output.h"
#include "list_verbs.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_REVISIONS = 5, COUNTED_WORDS = 1000 };

/* ---- all lists ----------------------------------------------------------------------------- */

static void print_list_row(const hk_list_info *info, int width)
{
    const uint64_t *entries = info->entries;
    char *purpose = info->settings.purpose ? output_printable(info->settings.purpose) : NULL;
    printf("%-*s %9llu %10llu %10llu %11llu  %s", width, info->settings.name,
           (unsigned long long)info->revision, (unsigned long long)entries[HK_ENTRY_ACTIVE],
           (unsigned long long)entries[HK_ENTRY_PROPOSED],
           (unsigned long long)entries[HK_ENTRY_QUARANTINED],
           info->settings.known_good ? "known good" : "known");
    if (purpose)
        printf("%*s%s", info->settings.known_good ? 2 : 7, "", purpose);
    putchar('\n');
    free(purpose);
}

static int show_all(list_request *r)
{
    hk_error err;
    hk_list_info info;
    char **names;
    size_t count;
    hk_status status = hk_store_lists(&names, &count, r->store, &err);
    if (status)
        return cli_store_fail(&err);
    int width = 12;
    for (size_t i = 0; i < count; i++)
        width = (int)strlen(names[i]) > width ? (int)strlen(names[i]) : width;
    if (!r->common.json && count)
        printf("%-*s %9s %10s %10s %11s  %-10s  %s\n", width, "list", "revision", "active",
               "proposed", "quarantined", "sort", "purpose");
    for (size_t i = 0; !status && i < count; i++) {
        status = hk_store_info(&info, r->store, names[i], &err);
        if (!status && r->common.json)
            output_line(list_info_object(&info));
        else if (!status)
            print_list_row(&info, width);
    }
    free(names);
    if (!status && !count && !r->common.quiet)
        cli_say("no lists in %s yet: herken list create NAME --db %s", r->shown_db, r->shown_db);
    return status ? cli_store_fail(&err) : CLI_DONE;
}

/* ---- one list ------------------------------------------------------------------------------ */

/* The newest revisions, as JSON or printed. */
typedef struct newest {
    json_t *array; /* NULL: print */
    size_t count;
} newest;

static bool take_newest(void *context, const hk_revision *revision)
{
    newest *n = context;
    char date[LIST_DATE_SIZE];
    if (n->array) {
        json_array_append_new(n->array, list_revision_object(revision));
    } else {
        char *actor = output_printable(revision->actor);
        list_format_date(date, revision->at);
        printf("  %-6llu %-20s  %-8s  by %s\n", (unsigned long long)revision->number, date,
               hk_revision_kind_name(revision->kind), actor ? actor : "?");
        free(actor);
    }
    return ++n->count < SHOWN_REVISIONS;
}

static void print_list(const list_request *r, const hk_list_info *info, const uint64_t framed[2])
{
    printf("%s: a list of %s material, at revision %llu\n", info->settings.name,
           info->settings.known_good ? "known-good" : "known", (unsigned long long)info->revision);
    list_print_text("owner", info->settings.owner);
    list_print_text("purpose", info->settings.purpose);
    list_print_text("categories", info->settings.categories);
    if (info->settings.two_person)
        list_print_text("approved by", "another person than who imported");
    for (int s = HK_ENTRY_ACTIVE; s < HK_ENTRY_STATES; s++)
        list_print_count(hk_entry_state_name((hk_entry_state)s), info->entries[s]);
    list_print_count("proposed", info->entries[HK_ENTRY_PROPOSED]);
    const bool staged = info->entries[HK_ENTRY_PROPOSED] || info->proposed_withdrawals ||
                        info->proposed_replacements;
    if (staged) {
        list_print_count("  to replace others", info->proposed_replacements);
        list_print_count("  to be withdrawn", info->proposed_withdrawals);
    }
    if (framed[0]) {
        list_print_count("with frames", framed[0]);
        list_print_count("  frames in all", framed[1]);
    }
    if (info->unscreened)
        list_print_count("  not looked over yet", info->unscreened);
    if ((info->unscreened || staged) && !r->common.quiet)
        printf("next: herken list %s %s --db %s\n", info->unscreened ? "screen" : "diff", r->list,
               r->shown_db);
    puts("newest revisions");
}

static int show_list(list_request *r)
{
    hk_error err;
    hk_list_info info;
    json_t *object = NULL;
    newest n = {0};
    uint64_t framed[2];
    if (hk_store_info(&info, r->store, r->list, &err) ||
        hk_store_frames(&framed[0], &framed[1], r->store, r->list, &err))
        return cli_store_fail(&err);
    if (r->common.json) {
        object = list_info_object(&info);
        json_object_set_new(object, "framed", json_integer((json_int_t)framed[0]));
        json_object_set_new(object, "frames", json_integer((json_int_t)framed[1]));
        n.array = json_array();
    } else {
        print_list(r, &info, framed);
    }
    const hk_status status = hk_store_log(r->store, r->list, take_newest, &n, &err);
    if (object) {
        json_object_set_new(object, "revisions", n.array);
        if (status)
            json_decref(object);
        else
            output_line(object);
    }
    return status ? cli_store_fail(&err) : CLI_DONE;
}

static int show_entries(list_request *r)
{
    hk_error err;
    hk_reading *reading;
    const hk_listed *listed = NULL;
    const unsigned states = r->states ? r->states : 1u << HK_ENTRY_ACTIVE;
    hk_status status = hk_reading_open(&reading, r->store, r->list, r->revision, states, &err);
    if (status)
        return cli_store_fail(&err);
    bool written = true;
    while (written && !(status = hk_reading_next(&listed, reading, &err)) && listed) {
        if (r->common.json)
            written = output_line(list_entry_object(listed, false));
        else
            list_print_entry(listed, hk_entry_state_name(listed->state));
        written &= !ferror(stdout);
    }
    hk_reading_close(reading);
    return status ? cli_store_fail(&err) : CLI_DONE;
}

/* ---- one entry ----------------------------------------------------------------------------- */

static void take_change(void *context, const hk_revision *revision, hk_entry_state state)
{
    json_t *history = context;
    json_t *object = list_revision_object(revision), *change = json_object();
    static const char *const kept[] = {"revision", "kind",       "actor", "actor_b64",
                                       "reason",   "reason_b64", "date"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        json_object_set(change, kept[i], json_object_get(object, kept[i]));
    json_object_set_new(change, "state", json_string(hk_entry_state_name(state)));
    json_array_append_new(history, change);
    json_decref(object);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_history(const json_t *history)
{
    size_t i;
    const json_t *change;
    json_array_foreach(history, i, change)
    {
        char *actor = output_printable(text_of(change, "actor"));
        char *reason = output_printable(text_of(change, "reason"));
        printf("  %-20s %s  revision %lld, %s by %s%s%s\n", text_of(change, "state"),
               text_of(change, "date"),
               (long long)json_integer_value(json_object_get(change, "revision")),
               text_of(change, "kind"), actor ? actor : "?", reason && *reason ? ": " : "",
               reason ? reason : "");
        free(actor);
        free(reason);
    }
}

/* The versions of an entry, each with what became of it. */
static hk_status show_named(uint64_t *count, list_request *r, const char *name, hk_error *err)
{
    hk_reading *reading;
    const hk_listed *listed = NULL;
    hk_status status = hk_reading_find(&reading, r->store, r->list, name, err);
    if (status)
        return status;
    while (!(status = hk_reading_next(&listed, reading, err)) && listed) {
        json_t *history = json_array();
        status = hk_store_history(r->store, listed->number, take_change, history, err);
        if (status) {
            json_decref(history);
            break;
        }
        ++*count;
        if (r->common.json) {
            json_t *object = list_entry_object(listed, false);
            json_object_set(object, "history", history);
            output_line(object);
        } else {
            list_print_entry_whole(listed);
            print_history(history);
        }
        json_decref(history);
    }
    hk_reading_close(reading);
    return status;
}

static int show_entry(list_request *r)
{
    hk_error err;
    const char *name = r->rest[0];
    uint64_t count = 0;
    if (r->has_revision || r->states)
        return cli_usage("an entry is shown with all its history: no --revision, no --state");
    hk_status status = show_named(&count, r, name, &err);
    if (!status && !count) { /* a path, as `add` writes it */
        char *printable = output_printable(name);
        if (printable && strcmp(printable, name) != 0)
            status = show_named(&count, r, printable, &err);
        free(printable);
    }
    if (status)
        return cli_store_fail(&err);
    return count ? CLI_DONE : cli_usage("no entry '%s' in %s", name, r->list);
}

int list_show(list_request *r)
{
    if (r->rest_count)
        return show_entry(r);
    if (!r->list && (r->states || r->has_revision))
        return cli_usage("entries of which list? herken list show NAME --state S --db DB");
    if (!r->list)
        return show_all(r);
    return r->states || r->has_revision ? show_entries(r) : show_list(r);
}

/* ---- stats --------------------------------------------------------------------------------- */

/* Words and how often they occur; of a list with more different ones the rest is one number. */
typedef struct tally {
    json_t *words; /* word -> count; owned */
    uint64_t none, others;
} tally;

static void count_word(tally *t, const char *word)
{
    if (!word) {
        t->none++;
        return;
    }
    json_t *known = json_object_get(t->words, word);
    if (known)
        json_integer_set(known, json_integer_value(known) + 1);
    else if (json_object_size(t->words) >= COUNTED_WORDS ||
             json_object_set_new(t->words, word, json_integer(1)))
        t->others++;
}

typedef struct stats {
    uint64_t states[HK_ENTRY_STATES], values[LIST_VALUES];
    tally categories, sources;
    list_suspects waiting; /* in quarantine */
} stats;

static void count_entry(stats *s, const hk_listed *listed)
{
    s->states[listed->state]++;
    if (listed->state == HK_ENTRY_QUARANTINED)
        list_suspects_add(&s->waiting, listed);
    if (listed->state != HK_ENTRY_ACTIVE)
        return;
    for (unsigned v = 0; v < LIST_VALUES; v++)
        s->values[v] += list_values_of(&listed->entry) >> v & 1;
    count_word(&s->categories, listed->entry.category);
    count_word(&s->sources, listed->entry.source);
}

static void set_tally(json_t *object, const char *name, const tally *t)
{
    char key[32];
    json_object_set(object, name, t->words);
    snprintf(key, sizeof key, "without_%s", name);
    json_object_set_new(object, key, json_integer((json_int_t)t->none));
    snprintf(key, sizeof key, "other_%s", name);
    if (t->others)
        json_object_set_new(object, key, json_integer((json_int_t)t->others));
}

static void print_tally(const char *title, const tally *t)
{
    const char *word;
    json_t *count;
    if (json_object_size(t->words) || t->none)
        puts(title);
    json_object_foreach(t->words, word, count)
    {
        char *text = output_printable(word);
        printf("  %-20s %lld\n", text ? text : "?", (long long)json_integer_value(count));
        free(text);
    }
    if (t->others)
        list_print_count("  (others)", t->others);
    if (t->none)
        list_print_count("  (none)", t->none);
}

static void report_stats(const list_request *r, const stats *s)
{
    if (r->common.json) {
        json_t *object = json_object(), *states = json_object(), *values = json_object();
        json_object_set_new(object, "list", json_string(r->list));
        for (int i = HK_ENTRY_PROPOSED; i < HK_ENTRY_STATES; i++)
            json_object_set_new(states, hk_entry_state_name((hk_entry_state)i),
                                json_integer((json_int_t)s->states[i]));
        for (unsigned v = 0; v < LIST_VALUES; v++)
            json_object_set_new(values, list_value_name(v), json_integer((json_int_t)s->values[v]));
        json_object_set_new(object, "entries", states);
        json_object_set_new(object, "values", values);
        set_tally(object, "categories", &s->categories);
        set_tally(object, "sources", &s->sources);
        json_object_set_new(object, "suspicions", list_suspects_object(&s->waiting));
        output_line(object);
        return;
    }
    for (int i = HK_ENTRY_PROPOSED; i < HK_ENTRY_STATES; i++)
        list_print_count(hk_entry_state_name((hk_entry_state)i), s->states[i]);
    puts("values of active entries");
    for (unsigned v = 0; v < LIST_VALUES; v++)
        printf("  %-20s %llu\n", list_value_name(v), (unsigned long long)s->values[v]);
    print_tally("categories of active entries", &s->categories);
    print_tally("sources of active entries", &s->sources);
    if (s->waiting.entries)
        puts("why entries are in quarantine");
    list_suspects_print(&s->waiting);
}

int list_stats(list_request *r)
{
    hk_error err;
    hk_reading *reading;
    const hk_listed *listed = NULL;
    const unsigned all = (1u << HK_ENTRY_STATES) - (1u << HK_ENTRY_PROPOSED);
    hk_status status = hk_reading_open(&reading, r->store, r->list, r->revision, all, &err);
    if (status)
        return cli_store_fail(&err);
    stats s = {.categories = {.words = json_object()}, .sources = {.words = json_object()}};
    while (!(status = hk_reading_next(&listed, reading, &err)) && listed)
        count_entry(&s, listed);
    hk_reading_close(reading);
    if (!status)
        report_stats(r, &s);
    json_decref(s.categories.words);
    json_decref(s.sources.words);
    list_suspects_clear(&s.waiting);
    return status ? cli_store_fail(&err) : CLI_DONE;
}
