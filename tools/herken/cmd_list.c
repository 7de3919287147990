/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_list.c - `herken list`: the table of its verbs, their options, and the store they work on. */
#include "list_verbs.h"
#include "output.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char common_help[] =
    "\n  --db DB              the store: one file that holds any number of lists\n"
    "  --json               JSON Lines\n"
    "  --quiet              no progress and no remarks\n"
    "  --progress MODE      auto (default), none or json, on stderr\n"
    "  --help               this text\n";
static const char act_help[] = "  --by NAME            who does it (default: your login name)\n"
                               "  --reason TEXT        why; kept with the revision\n";

enum {
    DB = CLI_OWN,
    BY,
    REASON,
    KNOWN_GOOD,
    TWO_PERSON,
    OWNER,
    PURPOSE,
    CATEGORIES,
    FORMAT,
    SOURCE,
    STRICT,
    WHOLE,
    NO_SCREEN,
    CATEGORY,
    TAGS,
    IMAGES_ONLY,
    FRAMES,
    ENTRY,
    ENTRIES_FROM,
    NO_SNAPSHOT,
    FROM,
    TO,
    ALL,
    OUT,
    REVISION,
    STATE,
    MAX
};
/* clang-format off */
static const struct option options[] = {
    {"db", required_argument, NULL, DB},
    {"by", required_argument, NULL, BY},
    {"reason", required_argument, NULL, REASON},
    {"known-good", no_argument, NULL, KNOWN_GOOD},
    {"two-person", no_argument, NULL, TWO_PERSON},
    {"owner", required_argument, NULL, OWNER},
    {"purpose", required_argument, NULL, PURPOSE},
    {"categories", required_argument, NULL, CATEGORIES},
    {"format", required_argument, NULL, FORMAT},
    {"source", required_argument, NULL, SOURCE},
    {"strict", no_argument, NULL, STRICT},
    {"whole", no_argument, NULL, WHOLE},
    {"no-screen", no_argument, NULL, NO_SCREEN},
    {"category", required_argument, NULL, CATEGORY},
    {"tags", required_argument, NULL, TAGS},
    {"images-only", no_argument, NULL, IMAGES_ONLY},
    {"frames", no_argument, NULL, FRAMES},
    {"entry", required_argument, NULL, ENTRY},
    {"entries-from", required_argument, NULL, ENTRIES_FROM},
    {"no-snapshot", no_argument, NULL, NO_SNAPSHOT},
    {"from", required_argument, NULL, FROM},
    {"to", required_argument, NULL, TO},
    {"all", no_argument, NULL, ALL},
    {"out", required_argument, NULL, OUT},
    {"revision", required_argument, NULL, REVISION},
    {"state", required_argument, NULL, STATE},
    {"max", required_argument, NULL, MAX},
    CLI_COMMON_OPTIONS,
};
/* clang-format on */

/* ---- the verbs ----------------------------------------------------------------------------- */

#define TAKES(option) (1u << ((option)-CLI_OWN))
#define ACTS (TAKES(BY) | TAKES(REASON))
#define CHOOSES (TAKES(ENTRY) | TAKES(ENTRIES_FROM) | TAKES(NO_SNAPSHOT))

static const struct verb {
    const char *name, *arguments, *title, *help;
    int (*run)(list_request *r);
    hk_store_mode mode;
    int least, most; /* arguments, NAME included; most -1: any number */
    bool paths;      /* what follows NAME are paths to scan */
    unsigned takes;  /* options besides those of every verb */
} verbs[] = {
    {"create", "NAME", "make a list, and the store where there is none",
     "  --known-good         its entries are harmless: their digests overrule near matches\n"
     "  --two-person         who approves must be another than who imported\n"
     "  --owner, --purpose TEXT, --categories SCHEME   words kept with the list\n",
     list_create, HK_STORE_CREATE, 1, 1, false,
     ACTS | TAKES(KNOWN_GOOD) | TAKES(TWO_PERSON) | TAKES(OWNER) | TAKES(PURPOSE) |
         TAKES(CATEGORIES)},
    {"add", "NAME PATH...", "propose files that you hold, by digests and hashes",
     "The path as given is the entry's id. What is no image comes in by its digests alone, and "
     "so,\n"
     "with exit code 3, does what cannot be decoded.\n\n"
     "  --images-only        leave out what gives no hash\n"
     "  --frames             hash overlapping parts of each photo too, so that smaller crops of "
     "it\n"
     "                       are found; 83 hashes more for each, still one entry\n"
     "  --category WORD      of all these entries\n"
     "  --tags WORDS         of all these entries, with a blank between\n"
     "  --source TEXT        where they come from\n"
     "  --no-screen          do not look for harmful entries now\n",
     list_add, HK_STORE_WRITE, 1, -1, true,
     ACTS | TAKES(CATEGORY) | TAKES(TAGS) | TAKES(SOURCE) | TAKES(IMAGES_ONLY) | TAKES(FRAMES) |
         TAKES(NO_SCREEN)},
    {"import", "NAME FILE...", "propose the entries of feeds",
     "All files (- for stdin) are one import: there whole, or, if one does not open or breaks\n"
     "off, not at all.\n"
     "Exit code 3 if a line or a file could not be used.\n\n"
     "  --format FORMAT      vics, nsrl, tx, csv or text (default: as each file's content says)\n"
     "  --source TEXT        of entries that name none\n"
     "  --whole              the files are the whole list: what they lack is withdrawn\n"
     "  --strict             a line that cannot be used stops the import: nothing comes in\n"
     "  --no-screen          do not look for harmful entries now\n",
     list_import, HK_STORE_WRITE, 2, -1, false,
     ACTS | TAKES(FORMAT) | TAKES(SOURCE) | TAKES(STRICT) | TAKES(WHOLE) | TAKES(NO_SCREEN)},
    {"screen", "NAME", "look what is proposed over for harmful entries",
     "Import and add do it by themselves; this goes on where they were stopped.\n\n"
     "  --threads N          to search with (default: one per processor)\n",
     list_screen, HK_STORE_WRITE, 1, 1, false, 0},
    {"diff", "NAME", "what approving would change, or what changed between revisions",
     "  --from R, --to R     between these revisions (to: default the newest)\n"
     "  --all                every entry, not only the first 20\n",
     list_diff, HK_STORE_READ, 1, 1, false, TAKES(FROM) | TAKES(TO) | TAKES(ALL)},
    {"approve", "NAME", "let in what is proposed; the suspicious waits in quarantine",
     "  --revision R         only if no later import than this is proposed: what was looked at\n"
     "  --entry E            only this one, that is quarantined or withdrawn: its source's id,\n"
     "                       #NUMBER, or a hash or digest that it has; may be given again\n"
     "  --entries-from FILE  such names from a file, one a line or each ended by a NUL byte\n"
     "  --no-snapshot        leave making it quickly searchable to the next search\n",
     list_approve, HK_STORE_WRITE, 1, 1, false, ACTS | CHOOSES | TAKES(REVISION)},
    {"retract", "NAME --entry E...", "withdraw single entries",
     "  --entry E            the id its source gave it, #NUMBER, or a hash or digest that it has;\n"
     "                       may be given again\n"
     "  --entries-from FILE  such names from a file, one a line or each ended by a NUL byte\n"
     "  --no-snapshot        leave making it quickly searchable to the next search\n",
     list_retract, HK_STORE_WRITE, 1, 1, false, ACTS | CHOOSES},
    {"rollback", "NAME --to R", "make the list what it was at an older revision",
     "What was only proposed since is dropped too.\n\n"
     "  --to R               that revision, as `herken list log` shows it\n"
     "  --no-snapshot        leave making it quickly searchable to the next search\n",
     list_rollback, HK_STORE_WRITE, 1, 1, false, ACTS | TAKES(TO) | TAKES(NO_SNAPSHOT)},
    {"export", "NAME --format FORMAT", "write the list for others",
     "  --format FORMAT      vics, tx, csv or text; `help` says what each is for\n"
     "  --out FILE           where to (default: stdout)\n"
     "  --revision R         as the list was then (default: now)\n"
     "  --state S,...        entries in these states (default: active)\n",
     list_export, HK_STORE_READ, 1, 1, false,
     TAKES(FORMAT) | TAKES(OUT) | TAKES(REVISION) | TAKES(STATE)},
    {"show", "[NAME [ENTRY]]", "what lists there are, what is in one, all about an entry",
     "ENTRY is the id its source gave it, #NUMBER, or a hash or digest that it has.\n\n"
     "  --state S,...        the entries of a list in these states (proposed, active,\n"
     "                       quarantined, withdrawn, replaced)\n"
     "  --revision R         the entries of a list as it was then (state: default active)\n",
     list_show, HK_STORE_READ, 0, 2, false, TAKES(REVISION) | TAKES(STATE)},
    {"verify", "[NAME]", "check the whole store; exit code 1 if anything is wrong", "", list_verify,
     HK_STORE_READ, 0, 1, false, 0},
    {"log", "NAME", "who changed what, when and why, the newest first",
     "  --max N              only the newest N revisions\n", list_log, HK_STORE_READ, 1, 1, false,
     TAKES(MAX)},
    {"stats", "NAME", "what the list holds, counted",
     "  --revision R         as the list was then (default: now)\n", list_stats, HK_STORE_READ, 1,
     1, false, TAKES(REVISION)},
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
    snprintf(words, sizeof words, "list %s", verb->name);
    cli_name_command(words);
}

static int print_help(const struct verb *verb)
{
    if (verb) {
        char title[128];
        snprintf(title, sizeof title, "%c%s", verb->title[0] - 'a' + 'A', verb->title + 1);
        printf("usage: herken list %s %s --db DB [OPTIONS]\n\n%s.\n%s", verb->name, verb->arguments,
               title, *verb->help == ' ' ? "\n" : "");
        fputs(verb->help, stdout);
        if (verb->takes & TAKES(BY))
            fputs(act_help, stdout);
        fputs(common_help, stdout);
        if (verb->paths)
            fputs(cli_common_help, stdout);
        return cli_finish(CLI_DONE);
    }
    fputs(
        "usage: herken list VERB [NAME] --db DB [OPTIONS] ...\n\n"
        "Keeps lists of known images in a store, with everything they ever held. What is added or\n"
        "imported is proposed, looked over for what would do harm, and searched for only once\n"
        "somebody approves it. Every change is a revision, and can be rolled back.\n\n",
        stdout);
    for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++)
        printf("  %-9s %s\n", verbs[v].name, verbs[v].title);
    fputs("\n`herken list VERB --help` says more.\n", stdout);
    return cli_finish(CLI_DONE);
}

/* ---- what verbs share ---------------------------------------------------------------------- */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

void list_catch_stop(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
        struct sigaction before;
        sigaction(signals[i], &action, &before);
        if (before.sa_handler == SIG_IGN) /* who started us wants it so */
            sigaction(signals[i], &before, NULL);
    }
}

bool list_stopped(void)
{
    return stop;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double job_started;

void list_progress_start(list_request *r, const char *unit)
{
    progress_hide(&r->bar);
    progress_start(&r->bar, &r->common);
    r->bar.unit = unit;
    job_started = now_seconds();
}

bool list_progress(list_request *r, uint64_t done, uint64_t total)
{
    const hk_progress now = {.done = done, .found = total, .seconds = now_seconds() - job_started};
    if (r->common.scan.on_progress && total)
        r->common.scan.on_progress(r->common.scan.context, &now);
    return !stop;
}

static void say_wait(void *context, const char *what)
{
    list_request *r = context;
    progress_hide(&r->bar);
    if (!r->common.quiet)
        cli_say("waiting: %s", what);
}

/* ---- the command line ---------------------------------------------------------------------- */

static int take_states(list_request *r, const char *text)
{
    r->states = 0;
    while (*text) {
        const size_t length = strcspn(text, ",");
        int state = HK_ENTRY_PROPOSED;
        while (state < HK_ENTRY_STATES &&
               (strlen(hk_entry_state_name((hk_entry_state)state)) != length ||
                strncmp(text, hk_entry_state_name((hk_entry_state)state), length) != 0))
            state++;
        if (state == HK_ENTRY_STATES)
            return cli_usage("--state takes proposed, active, quarantined, withdrawn, replaced, "
                             "not '%.*s'",
                             (int)length, text);
        r->states |= 1u << state;
        text += length + (text[length] == ',');
    }
    return r->states ? -1 : cli_usage("--state names no state");
}

static int take_number(uint64_t *out, bool *given, const char *option, uint64_t low)
{
    *given = true;
    return cli_number(out, option, optarg, low, INT64_MAX, false) ? -1 : CLI_USAGE;
}

static int take_entry(list_request *r)
{
    const char **grown = realloc(r->entries, (r->entry_count + 1) * sizeof *grown);
    if (!grown) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    r->entries = grown;
    r->entries[r->entry_count++] = optarg;
    return -1;
}

static const char *option_name(int option)
{
    size_t i = 0;
    while (options[i].val != option)
        i++;
    return options[i].name;
}

/* Options that only set one thing. */
static int take_plain(list_request *r, int option)
{
    const struct {
        int option;
        const char **text;
        bool *flag;
    } all[] = {
        {DB, &r->db, NULL},
        {BY, &r->act.actor, NULL},
        {REASON, &r->act.reason, NULL},
        {KNOWN_GOOD, NULL, &r->settings.known_good},
        {TWO_PERSON, NULL, &r->settings.two_person},
        {OWNER, &r->settings.owner, NULL},
        {PURPOSE, &r->settings.purpose, NULL},
        {CATEGORIES, &r->settings.categories, NULL},
        {FORMAT, &r->format, NULL},
        {SOURCE, &r->source, NULL},
        {STRICT, NULL, &r->strict},
        {WHOLE, NULL, &r->whole},
        {NO_SCREEN, NULL, &r->no_screen},
        {CATEGORY, &r->category, NULL},
        {TAGS, &r->tags, NULL},
        {IMAGES_ONLY, NULL, &r->images_only},
        {FRAMES, NULL, &r->frames},
        {ENTRIES_FROM, &r->entries_from, NULL},
        {NO_SNAPSHOT, NULL, &r->no_snapshot},
        {ALL, NULL, &r->all},
        {OUT, &r->out, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].option == option) {
            /* File names may be any bytes; the rest is kept in the store, or a word of ours. */
            if (all[i].text && option != DB && option != OUT && option != ENTRIES_FROM &&
                !output_is_utf8(optarg))
                return cli_usage("--%s takes UTF-8, not '%s'", option_name(option), optarg);
            if (all[i].text)
                *all[i].text = optarg;
            else
                *all[i].flag = true;
        }
    return -1;
}

static int take_option(list_request *r, const struct verb *verb, int option)
{
    const bool own = option >= CLI_OWN, of_scan = option >= CLI_MAX_PIXELS && option < CLI_OWN;
    if (option == CLI_HELP)
        return print_help(verb);
    if ((own && option != DB && !(verb->takes & TAKES(option))) || (of_scan && !verb->paths))
        return cli_usage("list %s does not take --%s", verb->name, option_name(option));
    switch (option) {
    case ENTRY:
        return take_entry(r);
    case STATE:
        return take_states(r, optarg);
    case FROM:
        return take_number(&r->from, &r->has_from, "from", 1);
    case TO:
        return take_number(&r->to, &r->has_to, "to", 1);
    case REVISION:
        return take_number(&r->revision, &r->has_revision, "revision", 1);
    case MAX:
        return take_number(&r->max, &r->has_max, "max", 1);
    default:
        return own ? take_plain(r, option) : cli_option(&r->common, option, "");
    }
}

/* The arguments that are no options. */
static int take_arguments(list_request *r, const struct verb *verb, int argc, char **argv)
{
    const int count = argc - optind;
    if (count < verb->least || (verb->most >= 0 && count > verb->most))
        return cli_usage("it is herken list %s %s --db DB", verb->name, verb->arguments);
    if (!r->db)
        return cli_usage("no store: name one with --db FILE");
    r->shown_db = output_printable(r->db);
    if (!r->shown_db) {
        cli_say("out of memory");
        return CLI_SYSTEM;
    }
    r->list = count ? argv[optind++] : NULL;
    r->rest = argv + optind;
    r->rest_count = count ? (size_t)count - 1 : 0;
    if (verb->paths) {
        const int code = cli_paths(&r->common, argc, argv);
        if (code >= 0)
            return code;
        if (!r->common.path_count)
            return cli_usage("no paths to add");
    }
    return -1;
}

/* Who acts: a revision by nobody is worth nothing later. */
static int take_actor(list_request *r)
{
    if (!r->act.actor) {
        const struct passwd *user = getpwuid(getuid());
        r->act.actor = user ? user->pw_name : NULL;
    }
    return r->act.actor && *r->act.actor
               ? -1
               : cli_usage("who does this? You have no login name here: --by NAME");
}

static int run(list_request *r, const struct verb *verb)
{
    hk_error err;
    const hk_status status = hk_store_open(&r->store, r->db, verb->mode, &err);
    if (status) {
        return status == HK_ERR_FORMAT && verb->run == list_verify ? list_verify_broken(r, &err)
                                                                   : cli_store_fail(&err);
    }
    hk_store_on_wait(r->store, say_wait, r);
    const int code = verb->run(r);
    hk_store_close(r->store);
    return cli_finish(code);
}

int cmd_list(int argc, char **argv)
{
    list_request r = {.common = CLI_COMMON_INIT};
    const struct verb *verb = argc > 1 ? verb_named(argv[1]) : NULL;
    int code = -1, option;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")))
        return print_help(NULL);
    if (!verb)
        return cli_usage("list takes a verb first (create, add, import, ..., as `herken list "
                         "--help` says), not '%s'",
                         argc > 1 ? argv[1] : "");
    name_verb(verb);
    optind = 2;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take_option(&r, verb, option);
    if (code < 0)
        code = take_arguments(&r, verb, argc, argv);
    if (code < 0 && verb->takes & TAKES(BY))
        code = take_actor(&r);
    if (code < 0)
        code = run(&r, verb);
    free(r.entries);
    free(r.shown_db);
    cli_clear(&r.common);
    return code;
}
