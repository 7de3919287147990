/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_match.c - `herken match`: images against a list of known ones. */
#include "cli.h"
#include "output.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken match --list FILE [--list FILE ...] [OPTIONS] PATH...\n\n"
    "Looks every file under the paths up in plain lists of known images: its digests exactly, its\n"
    "perceptual hash within a radius, in eight orientations and inverted.\n"
    "Exit code 0 only if everything was checked and nothing matched; 1 for a match, 3 if nothing\n"
    "matched but something failed or is not checked.\n\n"
    "  --list FILE          hash[,quality][,entry][,category] a line, md5sum-style digests, or\n"
    "                       CSV with a header (pdq,quality,md5,sha1,sha256,entry,category)\n"
    "  --skip-bad-lines     go on without the malformed lines of a list\n"
    "  --max-distance N     radius in bits, 0 to 128 (default 31)\n"
    "  --max-matches N      matches kept per file, the nearest (default 100, 0 for all)\n"
    "  --accept-uncertain   truncated, degenerate and low-quality images without a hit are `none`\n"
    "  --all                also print files that did not match\n";

enum { LIST = CLI_OWN, SKIP_BAD_LINES, MAX_DISTANCE, MAX_MATCHES, ACCEPT_UNCERTAIN, ALL };
static const struct option options[] = {
    {"list", required_argument, NULL, LIST},
    {"skip-bad-lines", no_argument, NULL, SKIP_BAD_LINES},
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"max-matches", required_argument, NULL, MAX_MATCHES},
    {"accept-uncertain", no_argument, NULL, ACCEPT_UNCERTAIN},
    {"all", no_argument, NULL, ALL},
    CLI_COMMON_OPTIONS,
};

enum { MAX_LISTS = 64 };

typedef struct request {
    cli_common common;
    const char *list_paths[MAX_LISTS];
    hk_list *lists[MAX_LISTS];
    size_t list_count;
    hk_match_options match;
    bool skip_bad_lines, all;
} request;

static json_t *match_object(const hk_match *match)
{
    json_t *object = json_object();
    output_path(object, "list", match->list);
    output_path(object, "entry", match->entry);
    if (match->category)
        output_path(object, "category", match->category);
    json_object_set_new(object, "basis", json_string(hk_basis_name(match->basis)));
    if (match->basis == HK_BASIS_PDQ) {
        json_object_set_new(object, "distance", json_integer(match->distance));
        json_object_set_new(object, "orientation",
                            json_string(hk_orientation_name(match->orientation)));
        json_object_set_new(object, "probe", json_string(match->probe));
        if (match->inverted)
            json_object_set_new(object, "inverted", json_true());
    }
    return object;
}

static bool print_json(const hk_file *file)
{
    json_t *object = json_object(), *matches = json_array();
    output_path(object, "path", file->path);
    json_object_set_new(object, "status", json_string(hk_file_status_name(file->status)));
    json_object_set_new(object, "verdict", json_string(hk_verdict_name(file->verdict)));
    if (file->verdict_reason)
        json_object_set_new(object, "reason", json_string(file->verdict_reason));
    if (file->reason)
        json_object_set_new(object, "detail", json_string(file->reason));
    if (file->duplicate_of)
        output_path(object, "duplicate_of", file->duplicate_of);
    for (size_t i = 0; i < file->match_count; i++)
        json_array_append_new(matches, match_object(&file->matches[i]));
    json_object_set_new(object, "matches", matches);
    if (file->matches_truncated)
        json_object_set_new(object, "matches_truncated", json_true());
    return output_line(object);
}

static void print_match(const hk_match *match)
{
    char *entry = output_printable(match->entry);
    char *category = match->category ? output_printable(match->category) : NULL;
    if (match->basis == HK_BASIS_PDQ)
        printf("         %3u bits  %-10s  %s", match->distance,
               hk_orientation_name(match->orientation), entry ? entry : "?");
    else
        printf("         same %-6s          %s", hk_basis_name(match->basis), entry ? entry : "?");
    if (category)
        printf("  [%s]", category);
    char *list = output_printable(match->list);
    printf("  in %s%s\n", list ? list : "?", match->inverted ? "  (colours inverted)" : "");
    free(list);
    free(entry);
    free(category);
}

static bool print_text(const hk_file *file, bool all)
{
    const bool hit = file->verdict == HK_VERDICT_EXACT || file->verdict == HK_VERDICT_NEAR;
    const bool failed = hk_file_status_class(file->status) == HK_CLASS_FAILED;
    const bool unsure = file->verdict == HK_VERDICT_NOT_CHECKED &&
                        hk_file_status_class(file->status) != HK_CLASS_SKIPPED;
    if (!hit && !unsure && !failed && !all)
        return true;
    char *path = output_printable(file->path);
    printf("%-7s  %s",
           hit                                ? hk_verdict_name(file->verdict)
           : file->verdict == HK_VERDICT_NONE ? "none"
                                              : "not checked",
           path ? path : "?");
    if (file->verdict_reason || file->status != HK_FILE_OK)
        printf("  (%s%s%s)",
               file->verdict_reason ? file->verdict_reason : hk_file_status_name(file->status),
               file->reason ? ": " : "", file->reason ? file->reason : "");
    putchar('\n');
    free(path);
    for (size_t i = 0; i < file->match_count; i++)
        print_match(&file->matches[i]);
    return !ferror(stdout);
}

static int load_lists(request *r)
{
    int code = -1;
    for (size_t l = 0; code < 0 && l < r->list_count; l++)
        code = cli_load_list(&r->lists[l], r->list_paths[l], r->skip_bad_lines, r->common.quiet);
    return code;
}

/* See CONTRACT: files outside the scope (skipped) do not spoil a 0. */
static int exit_code(const hk_account *account, uint64_t unsure)
{
    if (account->by_verdict[HK_VERDICT_EXACT] || account->by_verdict[HK_VERDICT_NEAR])
        return CLI_MATCH;
    return account->by_class[HK_CLASS_FAILED] || unsure ? CLI_PARTIAL : CLI_DONE;
}

/* The account, with what of each list was searched for. */
static json_t *account_object(const request *r, const hk_account *account)
{
    json_t *object = output_account(account, true), *lists = json_array();
    for (size_t l = 0; l < r->list_count; l++) {
        json_t *list = json_object();
        size_t count, quarantined = 0;
        const hk_list_bad_line *bad = hk_list_bad_lines(&count, r->lists[l]);
        for (size_t i = 0; i < count; i++)
            quarantined += bad[i].quarantined;
        output_path(list, "list", r->list_paths[l]);
        json_object_set_new(list, "entries", json_integer((json_int_t)hk_list_count(r->lists[l])));
        json_object_set_new(list, "quarantined", json_integer((json_int_t)quarantined));
        json_object_set_new(list, "bad_lines", json_integer((json_int_t)(count - quarantined)));
        json_array_append_new(lists, list);
    }
    json_object_set_new(json_object_get(object, "account"), "lists", lists);
    return object;
}

static int run(request *r)
{
    hk_error err;
    hk_matcher *matcher = NULL;
    hk_scan *scan = NULL;
    progress bar;
    progress_start(&bar, &r->common);
    hk_status status =
        hk_matcher_new(&matcher, (const hk_list *const *)r->lists, r->list_count, &r->match, &err);
    r->common.scan.matcher = matcher;
    if (!status)
        status = hk_scan_open(&scan, (const char *const *)r->common.paths, r->common.path_count,
                              &r->common.scan, &err);
    bool written = true;
    uint64_t unsure = 0; /* hashed, but no verdict */
    const hk_file *file = NULL;
    while (!status && written && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (r->common.json) {
            written = print_json(file);
        } else {
            progress_hide(&bar);
            written = print_text(file, r->all);
        }
        unsure += file->hashed && file->verdict == HK_VERDICT_NOT_CHECKED;
    }
    progress_hide(&bar);
    int code = CLI_SYSTEM;
    if (status) {
        code = cli_fail(&err);
    } else if (written) {
        hk_account account;
        hk_scan_account(&account, scan);
        code = exit_code(&account, unsure);
        if (r->common.json)
            output_line(account_object(r, &account));
        else
            output_account_text(stdout, &account, true);
        if (!account.found)
            cli_say("no files found: is this the right folder?");
    }
    hk_scan_free(scan);
    hk_matcher_free(matcher);
    return cli_finish(code);
}

int cmd_match(int argc, char **argv)
{
    request r = {.common = CLI_COMMON_INIT, .match = HK_MATCH_OPTIONS_INIT};
    uint64_t value;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case LIST:
            if (r.list_count == MAX_LISTS)
                code = cli_usage("at most %d lists", MAX_LISTS);
            else
                r.list_paths[r.list_count++] = optarg;
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
        case ACCEPT_UNCERTAIN:
            r.match.accept_uncertain = true;
            break;
        case ALL:
            r.all = true;
            break;
        default:
            code = cli_option(&r.common, option, help);
        }
    }
    if (code < 0)
        code = cli_paths(&r.common, argc, argv);
    if (code < 0 && !r.list_count)
        code = cli_usage("no list: name one with --list FILE");
    if (code < 0 && !r.common.path_count)
        code = cli_usage("no paths to match");
    if (code < 0)
        code = load_lists(&r);
    if (code < 0)
        code = run(&r);
    for (size_t l = 0; l < r.list_count; l++)
        hk_list_free(r.lists[l]);
    cli_clear(&r.common);
    return code;
}
