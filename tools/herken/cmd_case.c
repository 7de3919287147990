/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_case.c - `herken case`: the table of its verbs, their options, and the case they work on. */
#include "case_verbs.h"
#include "output.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char common_help[] = "\n  --json               JSON Lines\n"
                                  "  --quiet              no remarks\n"
                                  "  --help               this text\n";

enum {
    BY = CLI_OWN,
    REASON,
    GROUP,
    FILE_PATH,
    CATEGORY,
    UNDO,
    FORMAT,
    OUT,
    FROM,
    ALL,
    ALL_CATEGORIES
};
/* clang-format off */
static const struct option options[] = {
    {"by", required_argument, NULL, BY},
    {"reason", required_argument, NULL, REASON},
    {"group", required_argument, NULL, GROUP},
    {"file", required_argument, NULL, FILE_PATH},
    {"category", required_argument, NULL, CATEGORY},
    {"undo", no_argument, NULL, UNDO},
    {"format", required_argument, NULL, FORMAT},
    {"out", required_argument, NULL, OUT},
    {"from", required_argument, NULL, FROM},
    {"all", no_argument, NULL, ALL},
    {"all-categories", no_argument, NULL, ALL_CATEGORIES},
    CLI_COMMON_OPTIONS,
};
/* clang-format on */

/* ---- the verbs ----------------------------------------------------------------------------- */

#define TAKES(option) (1u << ((option)-CLI_OWN))

static const struct verb {
    const char *name, *arguments, *title, *help;
    int (*run)(case_request *r);
    bool opens; /* CASE is there, and is opened */
    hk_case_mode mode;
    bool more;      /* arguments after the first */
    bool threads;   /* takes --threads */
    unsigned takes; /* options besides those of every verb */
} verbs[] = {
    {"info", "CASE", "what was searched with what, how far it is, and the account", "", case_info,
     true, HK_CASE_READ, false, false, 0},
    {"groups", "CASE", "unknown pictures that look alike, so that one of each need be looked at",
     "Of each group the leader first, its largest picture, then the others with their distance\n"
     "from it in bits. Groups on which somebody has decided are left out.\n\n"
     "  --all                those too\n",
     case_groups, true, HK_CASE_READ, false, false, TAKES(ALL)},
    {"decide", "CASE", "record what a person decides on a group or a file",
     "A decision is on contents: every file with the same bytes has it. Nothing is overwritten;\n"
     "the last decision stands.\n\n"
     "  --group G            on every content of this group, as `herken case groups` shows it\n"
     "  --file PATH          on this file, as the case's reports have its path\n"
     "  --category C         what it is: a word of your scheme\n"
     "  --undo               take back what stands, in place of --category\n"
     "  --by NAME            who decides (default: your login name)\n"
     "  --reason TEXT        why; kept with the decision\n",
     case_decide, true, HK_CASE_WRITE, false, false,
     TAKES(GROUP) | TAKES(FILE_PATH) | TAKES(CATEGORY) | TAKES(UNDO) | TAKES(BY) | TAKES(REASON)},
    {"decisions", "CASE", "every decision that was made: by whom, when and why", "", case_decisions,
     true, HK_CASE_READ, false, false, 0},
    {"export", "CASE", "write what was decided as a list, for `herken list import`",
     "Where people have decided on several categories, one list of all of them is seldom meant:\n"
     "say which.\n\n"
     "  --category C         only what was decided to be C; several with commas, or again\n"
     "  --all-categories     of whatever category\n"
     "  --format FORMAT      csv (default) or vics\n"
     "  --out FILE           where to (default: stdout)\n",
     case_export, true, HK_CASE_READ, false, false,
     TAKES(FORMAT) | TAKES(OUT) | TAKES(CATEGORY) | TAKES(ALL_CATEGORIES)},
    {"carry", "CASE --from OLD", "bring the decisions of an older case over",
     "By SHA-256, with their names, reasons and times. What was decided in this case stands.\n\n"
     "  --from OLD           the case they come from\n",
     case_carry, true, HK_CASE_WRITE, false, false, TAKES(FROM)},
    {"merge", "OUT SHARD...", "make one case of all shards of a run",
     "It is what one run would have made that was not split. All shards are named, in any order;\n"
     "they stay as they are.\n\n"
     "  --threads N          to group with (default: one per processor)\n",
     case_merge, false, HK_CASE_READ, true, true, 0},
};

static const struct verb *verb_named(const char *name)
{
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
        if (!strcmp(name, verbs[v].name))
            return &verbs[v];
    return NULL;
}

/* Whose help wrong usage is told to see. */
static void name_verb(const struct verb *verb)
{
    static char words[32];
    snprintf(words, sizeof words, "case %s", verb->name);
    cli_name_command(words);
}

static int print_help(const struct verb *verb)
{
    if (verb) {
        printf("usage: herken case %s %s [OPTIONS]\n\n%c%s.\n%s", verb->name, verb->arguments,
               verb->title[0] - 'a' + 'A', verb->title + 1, *verb->help == ' ' ? "\n" : "");
        fputs(verb->help, stdout);
        fputs(common_help, stdout);
        return cli_finish(CLI_DONE);
    }
    fputs("usage: herken case VERB CASE [OPTIONS] ...\n\n"
          "Works with cases, which `herken match PATH... --case CASE` makes: one file each, with\n"
          "everything that a run over evidence found, and what people decided of it.\n\n",
          stdout);
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
        printf("  %-9s %s\n", verbs[v].name, verbs[v].title);
    fputs("\n`herken case VERB --help` says more.\n", stdout);
    return cli_finish(CLI_DONE);
}

/* ---- the command line ---------------------------------------------------------------------- */

static const char *option_name(int option)
{
    size_t i = 0;
    while (options[i].val != option)
        i++;
    return options[i].name;
}

static int take_text(const char **out, int option)
{
    /* Paths may be any bytes; the rest is kept in the case, or a word of ours. */
    if (option != FILE_PATH && option != OUT && option != FROM && !output_is_utf8(optarg))
        return cli_usage("--%s takes UTF-8, not '%s'", option_name(option), optarg);
    *out = optarg;
    return -1;
}

static int take_option(case_request *r, const struct verb *verb, int option)
{
    const bool own = option >= CLI_OWN;
    const bool of_scan = option >= CLI_MAX_PIXELS && option < CLI_OWN;
    if (option == CLI_HELP)
        return print_help(verb);
    if ((own && !(verb->takes & TAKES(option))) || of_scan ||
        (option == CLI_THREADS && !verb->threads))
        return cli_usage("case %s does not take --%s", verb->name, option_name(option));
    switch (option) {
    case BY:
        return take_text(&r->act.actor, option);
    case REASON:
        return take_text(&r->act.reason, option);
    case GROUP:
        return cli_number(&r->group, "group", optarg, 1, INT64_MAX, false) ? -1 : CLI_USAGE;
    case FILE_PATH:
        return take_text(&r->file, option);
    case CATEGORY:
        if (r->chosen_count == CASE_CATEGORIES_MOST)
            return cli_usage("at most %d categories", CASE_CATEGORIES_MOST);
        r->chosen[r->chosen_count++] = optarg;
        return take_text(&r->category, option);
    case UNDO:
        r->undo = true;
        return -1;
    case FORMAT:
        return take_text(&r->format, option);
    case OUT:
        return take_text(&r->out, option);
    case FROM:
        return take_text(&r->from, option);
    case ALL:
        r->all = true;
        return -1;
    case ALL_CATEGORIES:
        r->all_categories = true;
        return -1;
    default:
        return cli_option(&r->common, option, "");
    }
}

/* Who decides: a decision by nobody is worth nothing later. */
static int take_actor(case_request *r)
{
    if (!r->act.actor) {
        const struct passwd *user = getpwuid(getuid());
        r->act.actor = user ? user->pw_name : NULL;
    }
    return r->act.actor && *r->act.actor
               ? -1
               : cli_usage("who decides? You have no login name here: --by NAME");
}

static int take_arguments(case_request *r, const struct verb *verb, int argc, char **argv)
{
    const int count = argc - optind;
    if (count < (verb->more ? 2 : 1) || (!verb->more && count > 1))
        return cli_usage("it is herken case %s %s", verb->name, verb->arguments);
    r->path = argv[optind];
    r->rest = argv + optind + 1;
    r->rest_count = (size_t)count - 1;
    return verb->takes & TAKES(BY) ? take_actor(r) : -1;
}

static int run(case_request *r, const struct verb *verb)
{
    hk_error err;
    if (verb->opens && hk_case_open(&r->c, r->path, verb->mode, &err))
        return cli_store_fail(&err);
    const int code = verb->run(r);
    hk_case_close(r->c);
    return cli_finish(code);
}

int cmd_case(int argc, char **argv)
{
    case_request r = {.common = CLI_COMMON_INIT};
    const struct verb *verb = argc > 1 ? verb_named(argv[1]) : NULL;
    int code = -1, option;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")))
        return print_help(NULL);
    if (!verb)
        return cli_usage("case takes a verb first (info, groups, decide, ..., as `herken case "
                         "--help` says), not '%s'",
                         argc > 1 ? argv[1] : "");
    name_verb(verb);
    optind = 2;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take_option(&r, verb, option);
    if (code < 0)
        code = take_arguments(&r, verb, argc, argv);
    if (code < 0)
        code = run(&r, verb);
    cli_clear(&r.common);
    return code;
}
