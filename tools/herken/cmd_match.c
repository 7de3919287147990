/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_match.c - `herken match`: images against a list of known ones. */
#include "cli.h"
#include "file_text.h"
#include "match_case.h"
#include "output.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: herken match --db DB [--lists A,B] [OPTIONS] PATH...\n"
    "       herken match --db DB [--lists A,B] --case CASE [OPTIONS] PATH...\n"
    "       herken match --list FILE [--list FILE ...] [--known-good FILE ...] [OPTIONS] "
    "PATH...\n\n"
    "Looks every file under the paths up in lists of known images: its digests exactly, its\n"
    "perceptual hash within a radius, in eight orientations and inverted.\n"
    "Exit code 0 only if everything was checked and nothing matched; 1 for a match, 3 if nothing\n"
    "matched but something failed or is not checked.\n\n"
    "  --db DB              a store of lists (herken list); searched as they are approved\n"
    "  --lists A,B          these of its lists (default: all)\n"
    "  --list FILE          hash[,quality][,entry][,category] a line, md5sum-style digests, or\n"
    "                       CSV with a header (pdq,quality,md5,sha1,sha256,entry,category)\n"
    "  --known-good FILE    the same, of known-good material: its digests overrule near matches\n"
    "                       and failures to decode; where lists of both sorts hit: a conflict\n"
    "  --skip-bad-lines     go on without the malformed lines of a list\n"
    "  --profile P          gate or review (default): how many false matches may be expected on\n"
    "                       these lists, 1 in 1,000,000 or in 1,000 innocent images; the radius\n"
    "                       follows from it, the length of the lists and the kind of image\n"
    "  --budget N           that number instead, up to 1 (not with --case); .01: 1 in 100 images\n"
    "  --max-distance N     the radius itself, in bits, 0 to 128, for every kind of image\n"
    "  --probes SET         how far photos that nothing hits are looked into for crops, borders "
    "and\n"
    "                       turns: fast (borders alone), standard (default) or thorough\n"
    "  --max-matches N      matches kept per file, the nearest (default 100, 0 for all)\n"
    "  --accept-uncertain   truncated, degenerate and low-quality images without a hit are "
    "`none`,\n"
    "                       and those whose kind has no radius\n"
    "  --all                also print files that did not match\n" MATCH_CASE_HELP;

enum {
    LIST = CLI_OWN,
    KNOWN_GOOD,
    DB,
    LISTS,
    SKIP_BAD_LINES,
    MAX_DISTANCE,
    MAX_MATCHES,
    PROFILE,
    BUDGET,
    PROBES,
    ACCEPT_UNCERTAIN,
    ALL
};
static const struct option options[] = {
    {"list", required_argument, NULL, LIST},
    {"known-good", required_argument, NULL, KNOWN_GOOD},
    {"db", required_argument, NULL, DB},
    {"lists", required_argument, NULL, LISTS},
    {"skip-bad-lines", no_argument, NULL, SKIP_BAD_LINES},
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"max-matches", required_argument, NULL, MAX_MATCHES},
    {"profile", required_argument, NULL, PROFILE},
    {"budget", required_argument, NULL, BUDGET},
    {"probes", required_argument, NULL, PROBES},
    {"accept-uncertain", no_argument, NULL, ACCEPT_UNCERTAIN},
    {"all", no_argument, NULL, ALL},
    MATCH_CASE_OPTIONS,
    CLI_COMMON_OPTIONS,
};

typedef struct list_file {
    const char *path;
    bool known_good;
} list_file;

typedef struct request {
    cli_common common;
    list_file files[CLI_MAX_LISTS]; /* as the command line names them */
    size_t file_count;
    const char *db, *stored; /* --db, --lists; NULL: not given */
    cli_lists lists;         /* what is searched */
    hk_match_options match;
    bool skip_bad_lines, all;
    match_case kept; /* --case */
} request;

static bool print_json(const hk_file *file)
{
    char *line = NULL;
    if (hk_file_json(&line, file, NULL))
        return false;
    const bool written = puts(line) != EOF;
    free(line);
    return written;
}

static int load_lists(request *r)
{
    int code = r->db ? cli_lists_add_store(&r->lists, r->db, r->stored) : -1;
    for (size_t f = 0; code < 0 && f < r->file_count; f++) {
        hk_list *list = NULL;
        code = cli_load_list(&list, r->files[f].path, r->skip_bad_lines, r->common.quiet);
        if (!list)
            continue;
        hk_list_set_known_good(list, r->files[f].known_good);
        const int added = cli_lists_add(&r->lists, list, r->files[f].path);
        code = code < 0 ? added : code;
    }
    return code;
}

static int check_lists(const request *r)
{
    size_t known = 0, entries = 0;
    for (size_t l = 0; l < r->lists.count; l++) {
        const size_t count = hk_list_count(r->lists.list[l]);
        entries += count;
        known += count && !hk_list_known_good(r->lists.list[l]);
    }
    if (!entries)
        return cli_usage("no list has any entries: nothing could ever match");
    return known ? -1
                 : cli_usage("only known-good lists: nothing could ever match; name a list of "
                             "known images");
}

/* See CONTRACT: what is out of scope (skipped) does not spoil a 0, nor does a file that failed but
 * is known good by its digest. */
static int exit_code(const hk_account *account, uint64_t unsure)
{
    if (account->by_verdict[HK_VERDICT_EXACT] || account->by_verdict[HK_VERDICT_NEAR])
        return CLI_MATCH;
    return unsure ? CLI_PARTIAL : CLI_DONE;
}

/* The account, with what of each list was searched for. */
static json_t *account_object(const request *r, const hk_account *account,
                              const hk_matcher *matcher)
{
    json_t *object = output_account(account, true), *lists = json_array();
    for (size_t l = 0; l < r->lists.count; l++) {
        const hk_list *list = r->lists.list[l];
        json_t *row = json_object();
        size_t count, quarantined = 0;
        const hk_list_bad_line *bad = hk_list_bad_lines(&count, list);
        for (size_t i = 0; i < count; i++)
            quarantined += bad[i].quarantined;
        output_path(row, "list", r->lists.name[l]);
        if (hk_list_known_good(list))
            json_object_set_new(row, "known_good", json_true());
        json_object_set_new(row, "entries", json_integer((json_int_t)hk_list_count(list)));
        if (hk_list_revision(list)) {
            json_object_set_new(row, "revision", json_integer((json_int_t)hk_list_revision(list)));
        } else { /* of a file */
            json_object_set_new(row, "quarantined", json_integer((json_int_t)quarantined));
            json_object_set_new(row, "bad_lines", json_integer((json_int_t)(count - quarantined)));
        }
        json_array_append_new(lists, row);
    }
    json_t *fields = json_object_get(object, "account");
    if (r->match.max_distance < 0 && r->match.budget > 0)
        json_object_set_new(fields, "budget", json_real(r->match.budget));
    else if (r->match.max_distance < 0)
        json_object_set_new(fields, "profile", json_string(hk_profile_name(r->match.profile)));
    json_object_set_new(fields, "probes", json_string(hk_probes_name(r->match.probes)));
    int radius[3], exact[3], aligned[3];
    for (int kind = 0; kind < 3; kind++) {
        radius[kind] = hk_matcher_radius(matcher, (hk_kind)kind);
        exact[kind] = hk_matcher_exact_radius(matcher, (hk_kind)kind);
        aligned[kind] = hk_matcher_aligned_radius(matcher, (hk_kind)kind);
    }
    output_radii(fields, "radius", radius);
    output_radii(fields, "exact_radius", exact);
    output_radii(fields, "aligned_radius", aligned);
    json_object_set_new(fields, "lists", lists);
    return object;
}

static int run(request *r)
{
    hk_error err;
    hk_matcher *matcher = NULL;
    hk_scan *scan = NULL;
    progress bar;
    progress_start(&bar, &r->common);
    hk_status status = hk_matcher_new(&matcher, (const hk_list *const *)r->lists.list,
                                      r->lists.count, &r->match, &err);
    r->common.scan.matcher = matcher;
    if (!status)
        status = hk_scan_open(&scan, (const char *const *)r->common.paths, r->common.path_count,
                              &r->common.scan, &err);
    bool written = true;
    uint64_t unsure = 0; /* in scope, but no verdict */
    const hk_file *file = NULL;
    while (!status && written && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (r->common.json) {
            written = print_json(file);
        } else {
            progress_hide(&bar);
            written = file_text_print(file, r->all, hk_matcher_entries(matcher));
        }
        unsure += file->verdict == HK_VERDICT_NOT_CHECKED &&
                  hk_file_status_class(file->status) != HK_CLASS_SKIPPED;
    }
    progress_hide(&bar);
    int code = CLI_SYSTEM;
    if (status) {
        code = cli_store_fail(&err); /* the lists were read: what is damaged now is a snapshot */
    } else if (written) {
        hk_account account;
        hk_scan_account(&account, scan);
        code = exit_code(&account, unsure);
        if (r->common.json)
            output_line(account_object(r, &account, matcher));
        else
            output_account_text(stdout, &account, true);
        if (!account.found && r->common.progress != CLI_PROGRESS_JSON)
            cli_say("no files found: is this the right folder?");
    }
    hk_scan_free(scan);
    hk_matcher_free(matcher);
    return cli_finish(code);
}

static int add_file(request *r, const char *path, bool known_good)
{
    if (r->file_count == CLI_MAX_LISTS)
        return cli_usage("at most %d lists at once", CLI_MAX_LISTS);
    r->files[r->file_count++] = (list_file){path, known_good};
    return -1;
}

/* Which settings of a case an option sets. */
static unsigned chosen_by(int option)
{
    switch (option) {
    case MAX_DISTANCE:
        return HK_RUN_MAX_DISTANCE;
    case MAX_MATCHES:
        return HK_RUN_MAX_MATCHES;
    case PROFILE:
        return HK_RUN_PROFILE;
    case PROBES:
        return HK_RUN_PROBES;
    case ACCEPT_UNCERTAIN:
        return HK_RUN_UNCERTAIN;
    default:
        return match_case_chosen(option);
    }
}

static int take_budget(double *out)
{
    char *end;
    *out = strtod(optarg, &end);
    if (end == optarg || *end || !(*out > 0 && *out <= 1))
        return cli_usage("--budget takes a number of false matches over 0, up to 1, not '%s'",
                         optarg);
    return -1;
}

int cmd_match(int argc, char **argv)
{
    request r = {.common = CLI_COMMON_INIT, .match = HK_MATCH_OPTIONS_INIT};
    uint64_t value;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        r.kept.chosen |= chosen_by(option);
        switch (option) {
        case LIST:
        case KNOWN_GOOD:
            code = add_file(&r, optarg, option == KNOWN_GOOD);
            break;
        case DB:
            r.db = optarg;
            break;
        case LISTS:
            r.stored = optarg;
            break;
        case SKIP_BAD_LINES:
            r.skip_bad_lines = true;
            break;
        case MAX_DISTANCE:
            if (cli_number(&value, "max-distance", optarg, 0, 128, false))
                r.match.max_distance = (int)value;
            else
                code = CLI_USAGE;
            break;
        case MAX_MATCHES:
            if (cli_number(&value, "max-matches", optarg, 0, 1000000, false))
                r.match.max_matches = (size_t)value;
            else
                code = CLI_USAGE;
            break;
        case PROFILE:
            code = cli_profile(&r.match.profile, optarg) ? -1 : CLI_USAGE;
            break;
        case BUDGET:
            code = take_budget(&r.match.budget);
            break;
        case PROBES:
            code = cli_probes(&r.match.probes, optarg) ? -1 : CLI_USAGE;
            break;
        case ACCEPT_UNCERTAIN:
            r.match.accept_uncertain = true;
            break;
        case ALL:
            r.all = true;
            break;
        default:
            code = option >= MATCH_CASE ? match_case_option(&r.kept, option)
                                        : cli_option(&r.common, option, help);
        }
    }
    if (r.common.progress == CLI_PROGRESS_JSON) /* who reads that reads nothing else there */
        r.common.quiet = true;
    if (code < 0)
        code = cli_paths(&r.common, argc, argv);
    if (code < 0)
        code = match_case_check(&r.kept, r.all);
    if (code < 0 && r.kept.path && r.match.budget > 0)
        code = cli_usage("--budget: a case has the budget of its profile");
    const bool there = r.kept.path && !access(r.kept.path, F_OK);
    if (code < 0 && !r.file_count && !r.db && there)
        code = match_case_lists(&r.kept, &r.lists, r.common.quiet);
    else if (code < 0 && !r.file_count && !r.db)
        code = cli_usage("no list: name one with --list FILE, or a store with --db FILE");
    if (code < 0 && r.stored && !r.db)
        code = cli_usage("--lists names lists of a store: name that with --db FILE");
    if (code < 0 && !r.common.path_count && !there)
        code = cli_usage("no paths to match");
    if (code < 0)
        code = load_lists(&r);
    if (code < 0 && (r.lists.count || !there))
        code = check_lists(&r);
    if (code < 0)
        code = r.kept.path ? match_case_run(&r.kept, &r.common, &r.lists, r.db, &r.match) : run(&r);
    match_case_clear(&r.kept);
    cli_lists_clear(&r.lists);
    cli_clear(&r.common);
    return code;
}
