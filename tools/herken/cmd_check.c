/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_check.c - `herken check`: the provider's gate. */
#include "check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: herken check --db DB [--lists A,B] [OPTIONS] PATH...\n"
    "       herken check --server URL --key-file F [--queue DIR] [OPTIONS] PATH...\n"
    "       herken check ... --watch FOLDER [--clean-to DIR] [--hit-to DIR] [--unsure-to DIR]\n"
    "       herken check --server URL --key-file F --queue DIR --drain [OPTIONS]\n\n"
    "A verdict for every file, by lists of one's own or by a hash-check server, which gets hashes\n"
    "and digests, never an image or a path. Exit code 0 only if every file was checked and "
    "nothing\n"
    "matched; 1 for a match, 3 if anything was not checked, skipped or failed, 4 if the system or\n"
    "--on-hit failed. Let an upload through on 0 alone.\n\n"
    "  --db DB              a store of lists (herken list); searched as they are approved\n"
    "  --lists A,B          these of its lists (default: all)\n"
    "  --profile P          gate (default) or review: how many false matches may be expected\n"
    "  --probes SET         how far photos that nothing hits are looked into for crops, borders "
    "and\n"
    "                       turns: fast (borders alone), standard (default) or thorough\n"
    "  --all                also print files that did not match\n\n"
    "A server:\n"
    "  --server URL         https://HOST[:PORT], or on this machine http://127.0.0.1:PORT or\n"
    "                       unix:SOCKET\n"
    "  --key-file F         the key, in a file that nobody else can read\n"
    "  --ca FILE            trust these authorities (PEM) instead of the system's\n"
    "  --cert FILE, --cert-key FILE\n"
    "                       a client certificate and its key (PEM)\n"
    "  --answer-timeout S   for one request (default 30)\n"
    "  --patience S         wait and ask again for so long while it is away (default 30); what is\n"
    "                       then without an answer is not_checked, server_away\n"
    "  --queue DIR          keep what could not be asked in DIR, to ask it later; paths are then\n"
    "                       printed from / on\n"
    "  --drain              ask what waits in the queue, report it and drop it\n\n"
    "A spool folder:\n"
    "  --watch FOLDER       check files there as they are closed after writing or moved in, and\n"
    "                       those that are there; until SIGTERM\n"
    "  --clean-to DIR, --hit-to DIR, --unsure-to DIR\n"
    "                       then move them, by verdict: none; exact and near; not_checked\n\n"
    "  --on-hit PROGRAM     run PROGRAM VERDICT PATH for each hit, without a shell, up to 4 at\n"
    "                       once; HERKEN_VERDICT, _PATH, _MATCH_ID, _CATEGORIES, _LIST and _ENTRY\n"
    "                       are in its environment, as far as they are known\n"
    "  --on-hit-timeout S   end it after so long (default 60)\n";

enum {
    DB = CLI_OWN,
    LISTS,
    PROFILE,
    PROBES,
    ALL,
    SERVER,
    KEY_FILE,
    CA,
    CERT,
    CERT_KEY,
    ANSWER_TIMEOUT,
    PATIENCE,
    QUEUE,
    DRAIN,
    WATCH,
    CLEAN_TO,
    HIT_TO,
    UNSURE_TO,
    ON_HIT,
    ON_HIT_TIMEOUT
};
static const struct option options[] = {
    {"db", required_argument, NULL, DB},
    {"lists", required_argument, NULL, LISTS},
    {"profile", required_argument, NULL, PROFILE},
    {"probes", required_argument, NULL, PROBES},
    {"all", no_argument, NULL, ALL},
    {"server", required_argument, NULL, SERVER},
    {"key-file", required_argument, NULL, KEY_FILE},
    {"ca", required_argument, NULL, CA},
    {"cert", required_argument, NULL, CERT},
    {"cert-key", required_argument, NULL, CERT_KEY},
    {"answer-timeout", required_argument, NULL, ANSWER_TIMEOUT},
    {"patience", required_argument, NULL, PATIENCE},
    {"queue", required_argument, NULL, QUEUE},
    {"drain", no_argument, NULL, DRAIN},
    {"watch", required_argument, NULL, WATCH},
    {"clean-to", required_argument, NULL, CLEAN_TO},
    {"hit-to", required_argument, NULL, HIT_TO},
    {"unsure-to", required_argument, NULL, UNSURE_TO},
    {"on-hit", required_argument, NULL, ON_HIT},
    {"on-hit-timeout", required_argument, NULL, ON_HIT_TIMEOUT},
    CLI_COMMON_OPTIONS,
};

/* Where an option that is a text goes; NULL: it is no such option. */
static const char **place_of(check_request *r, int option)
{
    switch (option) {
    case DB:
        return &r->db;
    case LISTS:
        return &r->stored;
    case SERVER:
        return &r->server.url;
    case KEY_FILE:
        return &r->server.key_file;
    case CA:
        return &r->server.ca;
    case CERT:
        return &r->server.cert;
    case CERT_KEY:
        return &r->server.cert_key;
    case QUEUE:
        return &r->queue_folder;
    case WATCH:
        return &r->watch;
    case CLEAN_TO:
        return &r->clean_to;
    case HIT_TO:
        return &r->hit_to;
    case UNSURE_TO:
        return &r->unsure_to;
    case ON_HIT:
        return &r->report.hooks.program;
    default:
        return NULL;
    }
}

static int take_seconds(unsigned *out_ms, const char *option, uint64_t low, uint64_t high)
{
    uint64_t value;
    if (!cli_number(&value, option, optarg, low, high, false))
        return CLI_USAGE;
    *out_ms = (unsigned)value * 1000;
    return -1;
}

static int take_option(check_request *r, int option)
{
    const char **text = place_of(r, option);
    if (text) {
        *text = optarg;
        return *optarg ? -1 : cli_usage("an option with nothing for its value");
    }
    switch (option) {
    case PROFILE:
        r->profiled = true;
        return cli_profile(&r->match.profile, optarg) ? -1 : CLI_USAGE;
    case PROBES:
        r->probed = true;
        return cli_probes(&r->match.probes, optarg) ? -1 : CLI_USAGE;
    case ALL:
        r->report.all = true;
        return -1;
    case ANSWER_TIMEOUT:
        return take_seconds(&r->server.timeout_ms, "answer-timeout", 1, 3600);
    case PATIENCE:
        return take_seconds(&r->server.patience_ms, "patience", 0, 86400);
    case DRAIN:
        r->drain = r->report.drained = true;
        return -1;
    case ON_HIT_TIMEOUT:
        return take_seconds(&r->report.hooks.timeout_ms, "on-hit-timeout", 1, 3600);
    default:
        return cli_option(&r->common, option, help);
    }
}

/* What does not fit together. Returns -1 to go on, or an exit code. */
static int judge(const check_request *r)
{
    const check_server *s = &r->server;
    if (!r->db == !s->url)
        return cli_usage("whom to ask: lists with --db DB, or a server with --server URL");
    if (r->stored && !r->db)
        return cli_usage("--lists names lists of a store: name that with --db DB");
    if (r->profiled && s->url)
        return cli_usage("--profile goes with --db: a server has its own");
    if (r->probed && s->url)
        return cli_usage("--probes goes with --db: a server sees hashes, and no picture");
    if (s->url && !s->key_file)
        return cli_usage("a server is asked with a key: --key-file F");
    if (!s->url && (s->key_file || s->ca || s->cert || s->cert_key || r->queue_folder))
        return cli_usage("--key-file, --ca, --cert, --cert-key and --queue go with --server");
    if (!s->cert != !s->cert_key)
        return cli_usage("--cert and --cert-key go together");
    if (!r->watch && (r->clean_to || r->hit_to || r->unsure_to))
        return cli_usage("--clean-to, --hit-to and --unsure-to go with --watch");
    if (r->drain && !r->queue_folder)
        return cli_usage("--drain asks what waits in a queue: --queue DIR");
    if ((r->drain || r->watch) && r->common.path_count)
        return cli_usage("--%s takes no paths", r->drain ? "drain" : "watch");
    if (r->drain && r->watch)
        return cli_usage("--watch asks what waits in its queue by itself: without --drain");
    if (!r->drain && !r->watch && !r->common.path_count)
        return cli_usage("no paths to check");
    return -1;
}

/* Where one of the three is closed, the next file that is opened would take its place, and results
 * would be written into it. Without stdout there is no way to give a verdict. */
static int keep_streams(void)
{
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
        cli_say("cannot write the results: stdout is closed");
        return CLI_SYSTEM;
    }
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return CLI_SYSTEM;
    if ((flags & O_ACCMODE) == O_RDONLY) {
        cli_say("cannot write the results: stdout is open for reading alone");
        return CLI_SYSTEM;
    }
    return -1;
}

/* What waits in a queue is reported by whoever drains it, wherever that is: its path is to lead
 * there from anywhere. Returns it, or what was made of it: *owned. */
static const char *make_absolute(char **owned, const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    if (*path != '/' && (!here || asprintf(owned, "%s/%s", here, path) < 0))
        *owned = NULL;
    free(here);
    return *path == '/' ? path : *owned;
}

static int run(check_request *r)
{
    int code = check_open(r);
    if (code < 0 && r->watch)
        code = check_watch(r);
    else if (code < 0 && r->drain)
        code = check_drain(r);
    else if (code < 0)
        code = check_paths(r, (const char *const *)r->common.paths, r->common.path_count);
    const bool opened = r->matcher || r->asker.http;
    if (opened && code != CLI_USAGE) {
        const int ended = check_report_end(&r->report);
        code = code < 0 ? ended : code;
    }
    check_close(r);
    return cli_finish(code);
}

/* The same, with absolute paths. */
static int run_absolute(check_request *r)
{
    const size_t count = r->common.path_count;
    char **made = calloc(count + 1, sizeof *made);
    bool good = made != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = (r->common.paths[i] = (char *)make_absolute(&made[i], r->common.paths[i])) != NULL;
    if (good && r->watch)
        good = (r->watch = make_absolute(&made[count], r->watch)) != NULL;
    if (!good)
        cli_say("cannot tell where the paths lead: %s", strerror(errno));
    const int code = good ? run(r) : CLI_SYSTEM;
    for (size_t i = 0; made && i <= count; i++)
        free(made[i]);
    free(made);
    return code;
}

int cmd_check(int argc, char **argv)
{
    check_request r = {.common = CLI_COMMON_INIT,
                       .match = HK_MATCH_OPTIONS_INIT,
                       .server = {.timeout_ms = 30000, .patience_ms = 30000},
                       .report = {.hooks = {.timeout_ms = 60000}}};
    int code = keep_streams(), option;
    r.match.profile = HK_PROFILE_GATE;
    signal(SIGPIPE, SIG_IGN); /* whoever reads us may go: then it is an error, like a full disk */
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        code = take_option(&r, option);
    if (code < 0)
        code = cli_paths(&r.common, argc, argv);
    if (code < 0)
        code = judge(&r);
    if (code < 0)
        code = r.queue_folder ? run_absolute(&r) : run(&r);
    cli_clear(&r.common);
    return code;
}
