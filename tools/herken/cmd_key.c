/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_key.c - `herken key`: who may ask a hash-check server. */
#include "ledger_verbs.h"
#include "list_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A key is made for a store: a slip in its name must not make one elsewhere. */
static int check_store(const ledger_request *r)
{
    hk_store *store;
    hk_error err;
    if (hk_store_open(&store, r->db, HK_STORE_READ, &err))
        return cli_store_fail(&err);
    hk_store_close(store);
    return -1;
}

static json_t *scopes_array(unsigned scopes)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < HK_SCOPE_COUNT; i++)
        if (scopes >> i & 1)
            json_array_append_new(array, json_string(hk_scope_name(i)));
    return array;
}

static void set_date(json_t *object, const char *key, int64_t at)
{
    char date[LIST_DATE_SIZE];
    list_format_date(date, at);
    if (at && *date)
        json_object_set_new(object, key, json_string(date));
}

/* The one time that a key is shown: alone on stdout, so that it can go straight into a file. */
static int show_key(const ledger_request *r, const char *text, uint64_t number, bool scopes)
{
    if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(r->rest[0]));
        json_object_set_new(object, "key", json_string(text));
        json_object_set_new(object, "number", json_integer((json_int_t)number));
        if (scopes)
            json_object_set_new(object, "scopes", scopes_array(r->client.scopes));
        output_line(object);
    } else {
        if (!r->common.quiet)
            cli_say("key %" PRIu64 " of account %s; it is shown this once, and kept nowhere",
                    number, r->rest[0]);
        puts(text);
    }
    return CLI_DONE;
}

static int create(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    char text[HK_KEY_TEXT_SIZE];
    uint64_t number;
    r->client.name = r->rest[0];
    int code = check_store(r);
    if (code < 0)
        code = ledger_open_keys(&keys, r, true);
    if (code >= 0)
        return code;
    code = hk_key_create(text, &number, keys, &r->client, &r->act, &err)
               ? cli_fail(&err)
               : show_key(r, text, number, true);
    explicit_bzero(text, sizeof text);
    hk_keys_close(keys);
    return code;
}

/* Those that are bounds at all. */
static void put_settings(json_t *object, const hk_client_settings *s)
{
    json_object_set_new(object, "scopes", scopes_array(s->scopes));
    const struct {
        const char *name;
        uint64_t value;
    } limits[] = {
        {"rate", s->rate}, {"burst", s->burst}, {"quota", s->quota}, {"near", s->near_budget}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value)
            json_object_set_new(object, limits[i].name, json_integer((json_int_t)limits[i].value));
    if (s->certificate)
        json_object_set_new(object, "certificate", json_string(s->certificate));
}

static json_t *settings_object(const hk_client_settings *s)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(s->name));
    put_settings(object, s);
    return object;
}

/* An account's settings, found in the list of keys. */
typedef struct settled {
    const char *name;
    json_t *object;
} settled;

static void settle(void *context, const hk_key_info *key)
{
    settled *s = context;
    if (!s->object && !strcmp(key->settings.name, s->name))
        s->object = settings_object(&key->settings);
}

static int show_settings(const ledger_request *r, hk_keys *keys)
{
    hk_error err;
    settled s = {.name = r->rest[0]};
    if (hk_key_list(keys, settle, &s, &err))
        return cli_store_fail(&err);
    if (r->common.json && s.object) {
        output_line(s.object);
        return CLI_DONE;
    }
    char *words = s.object ? json_dumps(s.object, JSON_COMPACT) : NULL;
    if (words && !r->common.quiet)
        printf("account %s is changed: %s\n", s.name, words);
    free(words);
    json_decref(s.object);
    return CLI_DONE;
}

static int change(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    if (!r->settings)
        return cli_usage("what is to be changed? See herken key change --help");
    r->client.name = r->rest[0];
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_key_change(keys, &r->client, r->settings, &r->act, &err) ? cli_fail(&err)
                                                                       : show_settings(r, keys);
    hk_keys_close(keys);
    return code;
}

static int rotate(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    char text[HK_KEY_TEXT_SIZE];
    uint64_t number;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_key_rotate(text, &number, keys, r->rest[0], r->grace, &r->act, &err)
               ? cli_fail(&err)
               : show_key(r, text, number, false);
    explicit_bzero(text, sizeof text);
    hk_keys_close(keys);
    return code;
}

static int revoke(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    uint64_t revoked;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    if (hk_key_revoke(&revoked, keys, r->rest[0], r->key, &r->act, &err)) {
        code = cli_fail(&err);
    } else if (r->common.json) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(r->rest[0]));
        json_object_set_new(object, "revoked", json_integer((json_int_t)revoked));
        output_line(object);
        code = CLI_DONE;
    } else {
        printf("%" PRIu64 " good key%s of account %s revoked\n", revoked, revoked == 1 ? "" : "s",
               r->rest[0]);
        code = CLI_DONE;
    }
    hk_keys_close(keys);
    return code;
}

static json_t *key_object(const hk_key_info *key)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(key->settings.name));
    if (key->key)
        json_object_set_new(object, "number", json_integer((json_int_t)key->key));
    json_object_set_new(object, "good", json_boolean(key->good));
    put_settings(object, &key->settings);
    set_date(object, "created", key->created);
    set_date(object, "expires", key->expires);
    set_date(object, "revoked", key->revoked);
    json_object_set_new(object, "used_items", json_integer((json_int_t)key->used_items));
    json_object_set_new(object, "used_near", json_integer((json_int_t)key->used_near));
    return object;
}

static void print_key(void *context, const hk_key_info *key)
{
    const ledger_request *r = context;
    char date[LIST_DATE_SIZE], scopes[64] = "", *at = scopes;
    if (r->common.json) {
        output_line(key_object(key));
        return;
    }
    for (unsigned i = 0; i < HK_SCOPE_COUNT; i++)
        if (key->settings.scopes >> i & 1)
            at += snprintf(at, (size_t)(scopes + sizeof scopes - at), "%s%s",
                           at == scopes ? "" : ",", hk_scope_name(i));
    char *name = output_printable(key->settings.name);
    list_format_date(date, key->created);
    printf("%-24s key %-5" PRIu64 " %-8s %-22s since %s, today %" PRIu64 " items, %" PRIu64
           " near\n",
           name ? name : "?", key->key,
           key->good      ? "good"
           : key->revoked ? "revoked"
                          : "expired",
           scopes, date, key->used_items, key->used_near);
    free(name);
}

static int list(ledger_request *r)
{
    hk_keys *keys;
    hk_error err;
    int code = ledger_open_keys(&keys, r, false);
    if (code >= 0)
        return code;
    code = hk_key_list(keys, print_key, r, &err) ? cli_store_fail(&err) : CLI_DONE;
    hk_keys_close(keys);
    return code;
}

static const ledger_verb verbs[] = {
    {"create", "NAME", "make an account, and print its key, this once",
     "  --scopes WORDS       what it is for: check (default), feedback, curate, audit\n"
     "  --rate N             items a second (default 2000, 0: no bound)\n"
     "  --burst N            items at once (default: ten seconds' worth, and at least 2000)\n"
     "  --quota N            items a day, UTC (default 10000000, 0: no bound)\n"
     "  --near N             near answers a day (default 10000, 0: no bound)\n"
     "  --certificate FILE   good together with this client certificate (PEM) alone\n",
     create, 1, 1, LEDGER_ACTS | LEDGER_CLIENT},
    {"change", "NAME", "change an account's limits, and what it is for",
     "Of all its keys, in a running server within a second. What is not named stays.\n\n"
     "  --scopes WORDS       what it is for: check, feedback, curate, audit\n"
     "  --rate N             items a second (0: no bound)\n"
     "  --burst N            items at once (0: by the rate)\n"
     "  --quota N            items a day, UTC (0: no bound)\n"
     "  --near N             near answers a day (0: no bound)\n"
     "  --certificate FILE   good together with this client certificate (PEM) alone\n"
     "  --no-certificate     good without one\n",
     change, 1, 1, LEDGER_ACTS | LEDGER_CLIENT | LEDGER_CHANGE},
    {"rotate", "NAME", "print a new key of the account, this once",
     "  --grace SECONDS      how long the older ones stay good (default 86400)\n", rotate, 1, 1,
     LEDGER_ACTS | LEDGER_GRACE},
    {"revoke", "NAME", "revoke the account and all its keys",
     "A running server refuses them within a second.\n\n"
     "  --key N              revoke this key alone\n",
     revoke, 1, 1, LEDGER_ACTS | LEDGER_KEY},
    {"list", "", "list accounts and keys", "", list, 0, 0, 0},
};

int cmd_key(int argc, char **argv)
{
    static const ledger_command command = {
        "key",
        "Accounts of a hash-check server, and their keys. Of a key only a SHA-256 is kept.\n",
        verbs, sizeof verbs / sizeof *verbs};
    return ledger_run(&command, argc, argv);
}
