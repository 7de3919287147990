/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger_options.c - see ledger_verbs.h. */
#include "ledger_verbs.h"
#include "output.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DB = CLI_OWN,
    BY,
    REASON,
    SCOPES,
    RATE,
    BURST,
    QUOTA,
    NEAR,
    CERTIFICATE,
    NO_CERTIFICATE,
    GRACE,
    KEY,
    ANCHOR,
    FROM_FILE,
    HEAD,
    FROM,
    MAX,
    ALL,
    LIST,
    ENTRY,
    NUMBER,
    DAYS
};
/* clang-format off */
static const struct option options[] = {
    {"db", required_argument, NULL, DB},
    {"by", required_argument, NULL, BY},
    {"reason", required_argument, NULL, REASON},
    {"scopes", required_argument, NULL, SCOPES},
    {"rate", required_argument, NULL, RATE},
    {"burst", required_argument, NULL, BURST},
    {"quota", required_argument, NULL, QUOTA},
    {"near", required_argument, NULL, NEAR},
    {"certificate", required_argument, NULL, CERTIFICATE},
    {"no-certificate", no_argument, NULL, NO_CERTIFICATE},
    {"grace", required_argument, NULL, GRACE},
    {"key", required_argument, NULL, KEY},
    {"anchor", required_argument, NULL, ANCHOR},
    {"from-file", required_argument, NULL, FROM_FILE},
    {"head", required_argument, NULL, HEAD},
    {"from", required_argument, NULL, FROM},
    {"max", required_argument, NULL, MAX},
    {"all", no_argument, NULL, ALL},
    {"list", required_argument, NULL, LIST},
    {"entry", required_argument, NULL, ENTRY},
    {"number", required_argument, NULL, NUMBER},
    {"days", required_argument, NULL, DAYS},
    {"json", no_argument, NULL, CLI_JSON},
    {"quiet", no_argument, NULL, CLI_QUIET},
    {"help", no_argument, NULL, CLI_HELP},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

static const char common_help[] =
    "\n  --db DB              the store beside which DB.keys and DB.audit lie\n"
    "  --json               JSON Lines\n"
    "  --quiet              no remarks\n"
    "  --help               this text\n";
static const char act_help[] = "  --by NAME            who does it (default: your login name)\n"
                               "  --reason TEXT        why; kept in the audit log\n";

static unsigned group_of(int option)
{
    switch (option) {
    case BY:
    case REASON:
        return LEDGER_ACTS;
    case SCOPES:
    case RATE:
    case BURST:
    case QUOTA:
    case NEAR:
    case CERTIFICATE:
        return LEDGER_CLIENT;
    case NO_CERTIFICATE:
        return LEDGER_CHANGE;
    case GRACE:
        return LEDGER_GRACE;
    case KEY:
        return LEDGER_KEY;
    case ANCHOR:
    case FROM_FILE:
    case HEAD:
        return LEDGER_CHECK;
    case FROM:
    case MAX:
        return LEDGER_RANGE;
    case ALL:
        return LEDGER_ALL;
    case LIST:
    case ENTRY:
    case NUMBER:
        return LEDGER_ENTRY;
    case DAYS:
        return LEDGER_DAYS;
    default:
        return 0;
    }
}

static int print_help(const ledger_command *command, const ledger_verb *verb)
{
    if (verb) {
        printf("usage: herken %s %s %s --db DB [OPTIONS]\n\n%s\n", command->name, verb->name,
               verb->arguments, verb->title);
        if (*verb->help)
            printf("\n%s", verb->help);
    } else {
        printf("usage: herken %s VERB ... --db DB [OPTIONS]\n\n%s\n", command->name, command->help);
        for (size_t i = 0; i < command->count; i++)
            printf("  %-9s %-22s %s\n", command->verbs[i].name, command->verbs[i].arguments,
                   command->verbs[i].title);
        printf("\n`herken %s VERB --help` says more.\n", command->name);
    }
    fputs(common_help, stdout);
    if (!verb || verb->takes & LEDGER_ACTS)
        fputs(act_help, stdout);
    return cli_finish(CLI_DONE);
}

static int take_scopes(ledger_request *r, const char *text)
{
    r->client.scopes = 0;
    while (*text) {
        const size_t length = strcspn(text, ",");
        unsigned scope = 0;
        for (unsigned i = 0; i < HK_SCOPE_COUNT; i++)
            if (strlen(hk_scope_name(i)) == length && !strncmp(text, hk_scope_name(i), length))
                scope = 1u << i;
        if (!scope)
            return cli_usage("--scopes takes check, feedback, curate and audit, with a comma "
                             "between, not '%s'",
                             optarg);
        r->client.scopes |= scope;
        text += length + (text[length] == ',');
    }
    return r->client.scopes ? -1 : cli_usage("--scopes takes at least one");
}

static int take_number(uint64_t *out, const char *name, uint64_t low, uint64_t high)
{
    return cli_number(out, name, optarg, low, high, false) ? -1 : CLI_USAGE;
}

static int take_text(const char **out, const char *name, bool file)
{
    if (!file && !output_is_utf8(optarg))
        return cli_usage("--%s takes UTF-8, not '%s'", name, optarg);
    *out = optarg;
    return -1;
}

/* Which setting of an account it is; 0: none. */
static unsigned setting_of(int option)
{
    switch (option) {
    case SCOPES:
        return HK_SET_SCOPES;
    case RATE:
        return HK_SET_RATE;
    case BURST:
        return HK_SET_BURST;
    case QUOTA:
        return HK_SET_QUOTA;
    case NEAR:
        return HK_SET_NEAR;
    case CERTIFICATE:
    case NO_CERTIFICATE:
        return HK_SET_CERTIFICATE;
    default:
        return 0;
    }
}

static int take_own(ledger_request *r, int option)
{
    const uint64_t most = UINT64_C(1) << 48;
    switch (option) {
    case DB:
        return take_text(&r->db, "db", true);
    case BY:
        return take_text(&r->act.actor, "by", false);
    case REASON:
        return take_text(&r->act.reason, "reason", false);
    case SCOPES:
        return take_scopes(r, optarg);
    case RATE:
        return take_number(&r->client.rate, "rate", 0, most);
    case BURST:
        return take_number(&r->client.burst, "burst", 0, most);
    case QUOTA:
        return take_number(&r->client.quota, "quota", 0, most);
    case NEAR:
        return take_number(&r->client.near_budget, "near", 0, most);
    case CERTIFICATE:
        return take_text(&r->client.certificate, "certificate", true);
    case NO_CERTIFICATE:
        r->client.certificate = NULL;
        return -1;
    case GRACE:
        return take_number(&r->grace, "grace", 0, UINT64_C(10) * 366 * 86400);
    case KEY:
        return take_number(&r->key, "key", 1, INT64_MAX);
    case ANCHOR:
        return take_text(&r->anchor, "anchor", true);
    case FROM_FILE:
        return take_number(&r->from_file, "from-file", 1, 1000000000);
    case HEAD:
        return take_text(&r->head, "head", false);
    case FROM:
        return take_number(&r->from, "from", 1, INT64_MAX);
    case MAX:
        return take_number(&r->max, "max", 1, INT64_MAX);
    case LIST:
        return take_text(&r->list, "list", false);
    case ENTRY:
        return take_text(&r->entry, "entry", false);
    case NUMBER:
        return take_number(&r->number, "number", 1, UINT32_MAX - 1);
    case DAYS:
        return take_number(&r->days, "days", 0, 36500);
    default:
        r->all = true;
        return -1;
    }
}

static int take_option(ledger_request *r, const ledger_command *command, const ledger_verb *verb,
                       int option)
{
    if (option == CLI_HELP)
        return print_help(command, verb);
    if (option < CLI_OWN)
        return cli_option(&r->common, option, "");
    if (option != DB && !(group_of(option) & verb->takes)) {
        size_t i = 0;
        while (options[i].val != option)
            i++;
        return cli_usage("%s %s does not take --%s", command->name, verb->name, options[i].name);
    }
    r->settings |= setting_of(option);
    return take_own(r, option);
}

static int take_rest(ledger_request *r, const ledger_command *command, const ledger_verb *verb,
                     int argc, char **argv)
{
    const int count = argc - optind;
    if (count < verb->least || count > verb->most)
        return cli_usage("it is herken %s %s %s --db DB", command->name, verb->name,
                         verb->arguments);
    if (!r->db)
        return cli_usage("no store: name one with --db FILE");
    if (verb->takes & LEDGER_ENTRY && (!r->list || !r->entry))
        return cli_usage("which entry? --list LIST --entry ENTRY");
    r->rest = argv + optind;
    r->rest_count = (size_t)count;
    if (!(verb->takes & LEDGER_ACTS))
        return -1;
    if (!r->act.actor) {
        const struct passwd *user = getpwuid(getuid());
        r->act.actor = user ? user->pw_name : NULL;
    }
    return r->act.actor && *r->act.actor
               ? -1
               : cli_usage("who does this? You have no login name here: --by NAME");
}

int ledger_run(const ledger_command *command, int argc, char **argv)
{
    static char words[32];
    ledger_request r = {.common = CLI_COMMON_INIT,
                        .client = HK_CLIENT_SETTINGS_INIT,
                        .grace = 86400,
                        .from = 1,
                        .days = 30};
    const ledger_verb *verb = NULL;
    int code = -1, option;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")))
        return print_help(command, NULL);
    for (size_t i = 0; argc > 1 && i < command->count; i++)
        if (!strcmp(argv[1], command->verbs[i].name))
            verb = &command->verbs[i];
    if (!verb)
        return cli_usage("%s takes a verb first (%s, ...), not '%s'", command->name,
                         command->verbs[0].name, argc > 1 ? argv[1] : "");
    snprintf(words, sizeof words, "%s %s", command->name, verb->name);
    cli_name_command(words);
    optind = 2;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take_option(&r, command, verb, option);
    if (code < 0)
        code = take_rest(&r, command, verb, argc, argv);
    if (code < 0)
        code = cli_finish(verb->run(&r));
    cli_clear(&r.common);
    return code;
}

int ledger_open_keys(hk_keys **out, const ledger_request *r, bool create)
{
    hk_error err;
    return hk_keys_open(out, r->db, create, &err) ? cli_store_fail(&err) : -1;
}
