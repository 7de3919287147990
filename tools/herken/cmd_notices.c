/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_notices.c - `herken notices` and `herken brake`: what a server leaves for people to decide.
 */
#include "ledger_verbs.h"
#include "list_output.h"

#include <inttypes.h>
#include <stdlib.h>

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void set_date(json_t *object, const char *key, int64_t at)
{
    char date[LIST_DATE_SIZE];
    list_format_date(date, at);
    if (at && *date)
        json_object_set_new(object, key, json_string(date));
}

static void set_number(json_t *object, uint32_t number)
{
    if (number)
        json_object_set_new(object, "entry_number", json_integer(number));
}

/* "entry 'NAME' (#NUMBER) of list LIST" for people. */
static void print_entry(const char *list, const char *entry, uint32_t number)
{
    char *l = output_printable(list), *e = output_printable(entry);
    printf(" entry '%s'", e ? e : "?");
    if (number)
        printf(" (#%" PRIu32 ")", number);
    printf(" of list %s", l ? l : "?");
    free(l);
    free(e);
}

/* ---- notices ------------------------------------------------------------------------------- */

static void print_notice(void *context, const hk_notice *notice)
{
    const ledger_request *r = context;
    char date[LIST_DATE_SIZE];
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "number", json_integer((json_int_t)notice->number));
        set_date(object, "at", notice->at);
        set_text(object, "kind", hk_notice_kind_name(notice->kind));
        set_text(object, "list", notice->list);
        set_text(object, "entry", notice->entry);
        set_number(object, notice->entry_number);
        set_text(object, "account", notice->client);
        set_text(object, "words", notice->words);
        set_date(object, "done", notice->done);
        set_text(object, "actor", notice->actor);
        output_line(object);
        return;
    }
    list_format_date(date, notice->at);
    char *words = output_printable(notice->words);
    printf("%" PRIu64 "  %s  %s:", notice->number, date, hk_notice_kind_name(notice->kind));
    if (notice->list && notice->entry)
        print_entry(notice->list, notice->entry, notice->entry_number);
    if (notice->client)
        printf(" account %s", notice->client);
    printf(": %s%s\n", words ? words : "?", notice->done ? " (done)" : "");
    free(words);
}

static int show_notices(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_notice_list(keys, r->all, print_notice, r, &err) ? cli_store_fail(&err) : CLI_DONE;
    hk_keys_close(keys);
    return code;
}

static int done(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    uint64_t number;
    if (!cli_number(&number, "number", r->rest[0], 1, INT64_MAX, false))
        return CLI_USAGE;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_notice_done(keys, number, &r->act, &err) ? cli_fail(&err) : CLI_DONE;
    hk_keys_close(keys);
    return code;
}

int cmd_notices(int argc, char **argv)
{
    static const ledger_verb verbs[] = {
        {"show", "", "print what waits for a person",
         "  --all                what somebody is done with, too\n", show_notices, 0, 0,
         LEDGER_ALL},
        {"done", "NUMBER", "say that you are done with one", "", done, 1, 1, LEDGER_ACTS},
    };
    static const ledger_command command = {
        "notices",
        "What a hash-check server leaves for a person to look at: braked entries (herken brake), "
        "an\n"
        "account that seems to feel its way towards an entry, one that has used up its near\n"
        "answers, a provider that disagrees with an answer.\n",
        verbs, sizeof verbs / sizeof *verbs};
    return ledger_run(&command, argc, argv);
}

/* ---- brakes -------------------------------------------------------------------------------- */

static void print_brake(void *context, const hk_brake *brake)
{
    const ledger_request *r = context;
    char date[LIST_DATE_SIZE];
    if (r->common.json) {
        json_t *object = json_object();
        set_text(object, "list", brake->list);
        set_text(object, "entry", brake->entry);
        set_number(object, brake->entry_number);
        set_text(object, "account", brake->client);
        set_date(object, "since", brake->since);
        set_date(object, "released", brake->released);
        json_object_set_new(object, "hits", json_integer((json_int_t)brake->hits));
        json_object_set_new(object, "accounts", json_integer((json_int_t)brake->clients));
        json_object_set_new(object, "suppressed", json_integer((json_int_t)brake->suppressed));
        json_object_set_new(object, "confirmations", json_integer(brake->confirmations));
        set_text(object, "actor", brake->actor);
        set_text(object, "reason", brake->reason);
        output_line(object);
        return;
    }
    list_format_date(date, brake->since);
    printf("%s ", date);
    print_entry(brake->list, brake->entry, brake->entry_number);
    printf(": %" PRIu64 " near hits by %" PRIu64 " account%s, %" PRIu64 " suppressed since%s%s%s\n",
           brake->hits, brake->clients, brake->clients == 1 ? "" : "s", brake->suppressed,
           brake->client ? ", for account " : "", brake->client ? brake->client : "",
           brake->released ? " (released)" : "");
}

static int show_brakes(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_brake_list(keys, r->all, print_brake, r, &err) ? cli_store_fail(&err) : CLI_DONE;
    hk_keys_close(keys);
    return code;
}

static int release(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_brake_release(keys, r->list, r->entry, (uint32_t)r->number, (unsigned)r->days,
                            &r->act, &err)
               ? cli_fail(&err)
               : CLI_DONE;
    hk_keys_close(keys);
    return code;
}

static int confirm(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    unsigned confirmations;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    if (hk_brake_confirm(&confirmations, keys, r->list, r->entry, (uint32_t)r->number, &r->act,
                         &err)) {
        code = cli_fail(&err);
    } else if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "confirmations", json_integer(confirmations));
        output_line(object);
        code = CLI_DONE;
    } else {
        printf("confirmed by %u: %s\n", confirmations,
               confirmations < 2 ? "one more, and it will not be braked" : "it will not be braked");
        code = CLI_DONE;
    }
    hk_keys_close(keys);
    return code;
}

int cmd_brake(int argc, char **argv)
{
    static const char entry_help[] =
        "  --list LIST          which entry: as herken brake show prints them\n"
        "  --entry ENTRY\n"
        "  --number N           this one alone, where there are several of the name\n";
    static const ledger_verb verbs[] = {
        {"show", "", "print the entries that are braked",
         "  --all                those that were released, too\n", show_brakes, 0, 0, LEDGER_ALL},
        {"release", "", "let an entry answer again",
         "  --list LIST          which entry: as herken brake show prints them\n"
         "  --entry ENTRY\n"
         "  --number N           this one alone, where there are several of the name\n"
         "  --days N             not to be braked again for so long (default 30)\n",
         release, 0, 0, LEDGER_ACTS | LEDGER_ENTRY | LEDGER_DAYS},
        {"confirm", "", "say that you have looked at an entry, and it is right", entry_help,
         confirm, 0, 0, LEDGER_ACTS | LEDGER_ENTRY},
    };
    static const ledger_command command = {
        "brake",
        "An entry that suddenly draws near hits as no real material does is braked: answered as\n"
        "absent, but for its digests, until a person releases it. One that two persons, or "
        "curating\n"
        "accounts, have confirmed is never braked. To take a wrong entry out: herken list "
        "retract.\n",
        verbs, sizeof verbs / sizeof *verbs};
    return ledger_run(&command, argc, argv);
}
