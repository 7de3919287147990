/* SPDX-License-Identifier: GPL-3.0-or-later */
/* match_case.c - see match_case.h. */
#include "match_case.h"

#include "output.h"
#include "progress.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the command line ---------------------------------------------------------------------- */

static int take_shard(match_case *m, const char *text)
{
    unsigned shard, shards;
    char end;
    if (sscanf(text, "%u/%u%c", &shard, &shards, &end) != 2 || *text < '0' || *text > '9' ||
        shard < 1 || shard > shards || shards > 1000000)
        return cli_usage("--shard takes a part and the number of parts, 1/3, not '%s'", text);
    m->shard = shard;
    m->shards = shards;
    return -1;
}

static int take_nice(const char *text)
{
    uint64_t value;
    if (!cli_number(&value, "nice", text, 0, 19, false))
        return CLI_USAGE;
    if (setpriority(PRIO_PROCESS, 0, (int)value)) {
        cli_say("--nice: %s", strerror(errno));
        return CLI_SYSTEM;
    }
    return -1;
}

unsigned match_case_chosen(int code)
{
    switch (code) {
    case CLI_MAX_PIXELS:
        return HK_RUN_MAX_PIXELS;
    case CLI_MAX_BYTES:
        return HK_RUN_MAX_BYTES;
    case CLI_MAX_PAGES:
        return HK_RUN_MAX_PAGES;
    case CLI_FRAMES_OF:
        return HK_RUN_FRAMES;
    case CLI_ALLOW_FORMAT:
        return HK_RUN_ALLOW;
    case CLI_TIMEOUT:
        return HK_RUN_TIMEOUT;
    case CLI_WORKER_MEMORY:
        return HK_RUN_WORKER_MEMORY;
    case MATCH_ARCHIVES:
    case MATCH_NO_ARCHIVES:
        return HK_RUN_ARCHIVES;
    case MATCH_MAX_MEMBERS:
        return HK_RUN_MAX_MEMBERS;
    case MATCH_MAX_DEPTH:
        return HK_RUN_MAX_DEPTH;
    case MATCH_MAX_RATIO:
        return HK_RUN_MAX_RATIO;
    case MATCH_MAX_UNPACKED:
        return HK_RUN_MAX_UNPACKED;
    case MATCH_SHARD:
        return HK_RUN_SHARD;
    default:
        return 0;
    }
}

int match_case_option(match_case *m, int code)
{
    const uint64_t most = UINT64_C(1) << 50;
    if (code != MATCH_NICE && code != MATCH_CASE)
        m->any = true;
    switch (code) {
    case MATCH_CASE:
        m->path = optarg;
        return -1;
    case MATCH_ARCHIVES:
        if (strcmp(optarg, "yes") != 0 && strcmp(optarg, "no") != 0)
            return cli_usage("--archives takes yes or no, not '%s'", optarg);
        m->no_archives = !strcmp(optarg, "no");
        return -1;
    case MATCH_NO_ARCHIVES:
        m->no_archives = true;
        return -1;
    case MATCH_MAX_MEMBERS:
        return cli_number(&m->max_members, "max-members", optarg, 1, most, true) ? -1 : CLI_USAGE;
    case MATCH_MAX_DEPTH:
        return cli_number(&m->max_depth, "max-depth", optarg, 1, 16, false) ? -1 : CLI_USAGE;
    case MATCH_MAX_RATIO:
        return cli_number(&m->max_ratio, "max-ratio", optarg, 1, most, true) ? -1 : CLI_USAGE;
    case MATCH_MAX_UNPACKED:
        return cli_number(&m->max_unpacked, "max-unpacked", optarg, 1, most, true) ? -1 : CLI_USAGE;
    case MATCH_SHARD:
        return take_shard(m, optarg);
    case MATCH_NICE:
        return take_nice(optarg);
    case MATCH_MAX_MEMORY:
        return cli_number(&m->max_memory, "max-memory", optarg, UINT64_C(1) << 20, most, true)
                   ? -1
                   : CLI_USAGE;
    case MATCH_CARRY_FROM:
        m->carry_from = optarg;
        return -1;
    default:
        return CLI_USAGE;
    }
}

int match_case_check(const match_case *m, bool all)
{
    hk_error err;
    hk_case *old;
    if (!m->path && m->any)
        return cli_usage("archives, parts, --max-memory and --carry-from go with --case");
    if (m->path && all)
        return cli_usage("--all prints files, and with --case none are printed: see herken report");
    if (m->carry_from) { /* before a night's work, not after it */
        if (hk_case_open(&old, m->carry_from, HK_CASE_READ, &err))
            return cli_store_fail(&err);
        hk_case_close(old);
    }
    return -1;
}

void match_case_clear(match_case *m)
{
    for (int i = 0; i < CLI_MAX_LISTS; i++)
        free(m->source[i]);
    memset(m->source, 0, sizeof m->source);
}

/* ---- the lists ----------------------------------------------------------------------------- */

static int load_list(cli_lists *lists, const hk_case_list *kept, bool quiet)
{
    hk_list *list = NULL;
    if (kept->revision)
        return cli_lists_add_store(lists, kept->source, kept->name);
    /* With its bad lines: the same file was good enough when the case was begun. */
    const int code = cli_load_list(&list, kept->source, true, quiet);
    if (code >= 0) {
        hk_list_free(list);
        return code;
    }
    hk_list_set_known_good(list, kept->known_good);
    return cli_lists_add(lists, list, kept->source);
}

int match_case_lists(match_case *m, cli_lists *lists, bool quiet)
{
    hk_error err;
    hk_case *c;
    hk_case_info info;
    int code = -1;
    if (access(m->path, F_OK))
        return -1;
    if (hk_case_open(&c, m->path, HK_CASE_READ, &err))
        return cli_store_fail(&err);
    hk_status status = hk_case_describe(&info, c, &err);
    /* A finished case is only looked at: its lists may be gone. */
    const size_t count = !status && info.state != HK_CASE_FINISHED ? info.lists : 0;
    for (size_t i = 0; !status && code < 0 && i < count && i < CLI_MAX_LISTS; i++) {
        hk_case_list kept;
        status = hk_case_list_get(&kept, c, i, &err);
        if (!status && !(m->source[i] = strdup(kept.source))) {
            cli_say("out of memory");
            code = CLI_SYSTEM;
        } else if (!status) {
            code = load_list(lists, &kept, quiet);
        }
    }
    hk_case_close(c);
    return status ? cli_store_fail(&err) : code;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What the case notes of each list; as matches name them. */
static int name_lists(hk_case_list out[CLI_MAX_LISTS], match_case *m, const cli_lists *lists,
                      const char *db)
{
    for (size_t l = 0; l < lists->count; l++) {
        const bool stored = hk_list_revision(lists->list[l]) != 0;
        const char *path = stored ? db : lists->name[l];
        if (!m->source[l] && path && !(m->source[l] = realpath(path, NULL)))
            m->source[l] = strdup(path); /* a pipe that is read to its end */
        if (!m->source[l]) {
            cli_say("out of memory");
            return CLI_SYSTEM;
        }
        out[l] = (hk_case_list){.name = stored ? lists->name[l] : base_name(lists->name[l]),
                                .source = m->source[l]};
    }
    return -1;
}

/* ---- what came of it ----------------------------------------------------------------------- */

/* Whether anything in scope has no verdict. */
static hk_status find_unsure(bool *unsure, hk_case *c, hk_error *err)
{
    hk_case_reading *reading = NULL;
    const hk_case_file *found = NULL;
    *unsure = false;
    hk_status status = hk_case_reading_open(&reading, c, HK_CASE_FAILED | HK_CASE_UNCERTAIN, err);
    while (!status && !*unsure && !(status = hk_case_reading_next(&found, reading, err)) && found)
        *unsure = found->file.verdict == HK_VERDICT_NOT_CHECKED &&
                  hk_file_status_class(found->file.status) != HK_CLASS_SKIPPED;
    hk_case_reading_close(reading);
    return status;
}

static hk_status add_lists(json_t *fields, hk_case *c, size_t count, hk_error *err)
{
    json_t *rows = json_array();
    hk_status status = HK_OK;
    for (size_t l = 0; !status && l < count; l++) {
        hk_case_list list;
        status = hk_case_list_get(&list, c, l, err);
        if (status)
            break;
        json_t *row = json_object();
        output_path(row, "list", list.name);
        if (list.known_good)
            json_object_set_new(row, "known_good", json_true());
        json_object_set_new(row, "entries", json_integer((json_int_t)list.entries));
        if (list.revision)
            json_object_set_new(row, "revision", json_integer((json_int_t)list.revision));
        json_object_set_new(row, "digest", json_string(list.digest));
        json_array_append_new(rows, row);
    }
    json_object_set_new(fields, "lists", rows);
    return status;
}

static hk_status print_json(const match_case *m, hk_case *c, const hk_account *account,
                            hk_error *err)
{
    hk_case_info info;
    hk_status status = hk_case_describe(&info, c, err);
    if (status)
        return status;
    json_t *object = output_account(account, true), *fields = json_object_get(object, "account");
    if (info.max_distance < 0)
        json_object_set_new(fields, "profile", json_string(hk_profile_name(info.profile)));
    output_radii(fields, "radius", info.radius);
    json_object_set_new(fields, "probes", json_string(hk_probes_name(info.probes)));
    output_radii(fields, "exact_radius", info.exact_radius);
    output_radii(fields, "aligned_radius", info.aligned_radius);
    json_object_set_new(fields, "groups", json_integer((json_int_t)info.groups));
    output_path(fields, "case", m->path);
    if (info.shards > 1) {
        json_object_set_new(fields, "shard", json_integer(info.shard));
        json_object_set_new(fields, "shards", json_integer(info.shards));
    }
    status = add_lists(fields, c, info.lists, err);
    if (status)
        json_decref(object);
    else
        output_line(object);
    return status;
}

/* By the case: of one that is there --shard need not have been given. */
static void say_next(const match_case *m, const hk_case_info *info)
{
    if (info->shards > 1)
        cli_say("part %u of %u is done; when all are: herken case merge WHOLE PART...", info->shard,
                info->shards);
    else {
        char *path = output_shell(m->path);
        cli_say("done; next: herken report %s --html report.html --manifest manifest.json",
                path ? path : "?");
        free(path);
    }
}

static int tell(match_case *m, const cli_common *common, const hk_account *account)
{
    hk_error err;
    hk_case *c = NULL;
    hk_case_info info = {0};
    bool unsure = false;
    uint64_t carried = 0;
    hk_status status =
        hk_case_open(&c, m->path, m->carry_from ? HK_CASE_WRITE : HK_CASE_READ, &err);
    if (!status && m->carry_from)
        status = hk_case_carry(&carried, c, m->carry_from, &err);
    if (!status)
        status = find_unsure(&unsure, c, &err);
    if (!status && common->json)
        status = print_json(m, c, account, &err);
    else if (!status)
        output_account_text(stdout, account, true);
    if (!status)
        status = hk_case_describe(&info, c, &err);
    hk_case_close(c); /* and the words of `info` with it */
    if (status)
        return cli_store_fail(&err);
    if (!account->found && common->progress != CLI_PROGRESS_JSON)
        cli_say("no files found: is this the right folder?");
    if (m->carry_from && !common->quiet)
        cli_say("%llu decision%s carried over", (unsigned long long)carried,
                carried == 1 ? " was" : "s were");
    if (!common->quiet)
        say_next(m, &info);
    if (account->by_verdict[HK_VERDICT_EXACT] || account->by_verdict[HK_VERDICT_NEAR])
        return CLI_MATCH;
    return unsure ? CLI_PARTIAL : CLI_DONE;
}

/* ---- the run ------------------------------------------------------------------------------- */

static hk_run_options run_options(const match_case *m, const cli_common *common,
                                  const hk_match_options *match)
{
    hk_run_options o = HK_RUN_OPTIONS_INIT;
    o.path = m->path;
    o.inputs = (const char *const *)common->paths;
    o.input_count = common->path_count;
    o.match = *match;
    o.scan = common->scan;
    o.archives = !m->no_archives;
    o.max_members = m->max_members ? m->max_members : o.max_members;
    o.max_depth = m->max_depth ? (unsigned)m->max_depth : o.max_depth;
    o.max_ratio = m->max_ratio ? m->max_ratio : o.max_ratio;
    o.max_unpacked = m->max_unpacked ? m->max_unpacked : o.max_unpacked;
    o.shard = m->shard ? m->shard : o.shard;
    o.shards = m->shards ? m->shards : o.shards;
    o.max_memory = m->max_memory;
    o.chosen = m->chosen;
    return o;
}

/* Whoever stops a run wants to know what became of it. The signal ends the process as always. */
static void on_stop(int signal_number)
{
    static const char words[] =
        "\nherken: stopped; all but the last second is kept, and the same command goes on\n";
    const ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
    (void)written; /* there is nobody else to tell */
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void say_on_stop(const cli_common *common)
{
    if (!common->quiet && signal(SIGINT, on_stop) == SIG_IGN)
        signal(SIGINT, SIG_IGN); /* in the background of a shell */
}

/* A path that is mistyped is in the account, but one would see it only in the morning. */
static void say_missing(const cli_common *common)
{
    struct stat found;
    for (size_t i = 0; i < common->path_count && !common->quiet; i++)
        if (lstat(common->paths[i], &found) && (errno == ENOENT || errno == ENOTDIR)) {
            char *path = output_printable(common->paths[i]);
            cli_say("%s: is not there: is it mistyped, or not mounted?", path ? path : "?");
            free(path);
        }
}

int match_case_run(match_case *m, cli_common *common, const cli_lists *lists, const char *db,
                   const hk_match_options *match)
{
    hk_error err;
    progress bar;
    hk_account account;
    hk_case_list sources[CLI_MAX_LISTS];
    int code = name_lists(sources, m, lists, db);
    if (code >= 0)
        return code;
    say_missing(common);
    say_on_stop(common);
    progress_start(&bar, common);
    hk_run_options options = run_options(m, common, match);
    options.sources = sources;
    options.lists = (const hk_list *const *)lists->list;
    options.list_count = lists->count;
    const hk_status status = hk_case_run(&account, &options, &err);
    progress_hide(&bar);
    progress_end(&bar);
    signal(SIGINT, SIG_DFL);
    if (status)
        return cli_finish(cli_store_fail(&err));
    return cli_finish(tell(m, common, &account));
}
