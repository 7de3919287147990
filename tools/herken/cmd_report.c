/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_report.c - `herken report`: what a finished case holds, in files for people and programs. */
#include "cli.h"
#include "file_text.h"
#include "output.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: herken report CASE [OPTIONS]\n"
    "       herken report --verify MANIFEST [--key PUB.pem]\n\n"
    "Writes what a finished case holds; without any file, its hits and the account as text, with\n"
    "--json as JSON Lines. Files appear whole or not at all, and never where the evidence lies.\n"
    "CSV, JSON Lines and VICS depend on the evidence, the lists, the settings and the decisions\n"
    "alone, to the last byte. Exit code 0 done; with --verify 1 if something is wrong.\n\n"
    "  --csv FILE           one row a file; - is stdout, where nothing else is asked for\n"
    "  --jsonl FILE         one JSON object a file, as `herken match --json`, the account last\n"
    "  --vics FILE          a Project VIC 2.0 case, with what people decided\n"
    "  --html FILE          one page that opens offline in any browser\n"
    "  --title TEXT         of the page and the VICS case: the case's number, or its name\n"
    "  --thumbnails T       on the page: none (default), blurred or grey; made in the sandbox of\n"
    "                       the evidence, which must still lie where it was\n"
    "  --manifest FILE      what was searched with what, when, on which machine, and the SHA-256\n"
    "                       of the case and of each file written in this call\n"
    "  --key KEY.pem        sign the manifest, into FILE.sig, with this Ed25519 key\n"
    "                       (openssl genpkey -algorithm ed25519 -out KEY.pem); with --verify, the\n"
    "                       public key that it must be signed with\n"
    "  --verify MANIFEST    is everything that it names still as it says?\n";

enum { CSV = CLI_OWN, JSONL, VICS, HTML, TITLE, THUMBNAILS, MANIFEST, KEY, VERIFY };
static const struct option options[] = {
    {"csv", required_argument, NULL, CSV},
    {"jsonl", required_argument, NULL, JSONL},
    {"vics", required_argument, NULL, VICS},
    {"html", required_argument, NULL, HTML},
    {"title", required_argument, NULL, TITLE},
    {"thumbnails", required_argument, NULL, THUMBNAILS},
    {"manifest", required_argument, NULL, MANIFEST},
    {"key", required_argument, NULL, KEY},
    {"verify", required_argument, NULL, VERIFY},
    CLI_COMMON_OPTIONS,
};

typedef struct request {
    cli_common common;
    const char *path[HK_REPORT_FORMATS]; /* by format; NULL: not asked for */
    size_t path_count;
    const char *manifest, *key, *verify;
    hk_report_options report;
} request;

/* ---- verify -------------------------------------------------------------------------------- */

static void say_problem(void *context, const char *message)
{
    const request *r = context;
    if (r->common.json) {
        json_t *object = json_object();
        output_path(object, "problem", message);
        output_line(object);
    } else {
        char *text = output_printable(message);
        puts(text ? text : "?");
        free(text);
    }
}

static int end_verify(const request *r, size_t problems)
{
    if (r->common.json)
        output_line(json_pack("{s:b,s:I,s:b}", "ok", problems == 0, "problems",
                              (json_int_t)problems, "signature_checked", r->key != NULL));
    else if (problems)
        printf("%zu problem%s\n", problems, problems == 1 ? "" : "s");
    else
        printf("the case and every output are as the manifest says%s\n",
               r->key ? ", and it is signed with this key"
                      : "; who wrote it was not checked: that takes --key PUBLIC.pem");
    return cli_finish(problems ? CLI_MATCH : CLI_DONE);
}

static int verify(request *r)
{
    hk_error err;
    size_t problems;
    const hk_status status = hk_report_verify(&problems, r->verify, r->key, say_problem, r, &err);
    if (status == HK_ERR_FORMAT || status == HK_ERR_LIMIT) { /* it is no manifest any more */
        say_problem(r, err.message);
        return end_verify(r, 1);
    }
    return status ? cli_fail(&err) : end_verify(r, problems);
}

/* ---- text ---------------------------------------------------------------------------------- */

enum { UNCHECKED_MOST = 100 };

/* Of hits and conflicts all; of what is not checked the first ones: *more says how many are left.
 */
static hk_status print_some(hk_case *c, bool hits, const hk_case_info *info, uint64_t *more,
                            bool *written, hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *found;
    uint64_t printed = 0;
    hk_status status = hk_case_reading_open(
        &reading, c, hits ? HK_CASE_HITS | HK_CASE_CONFLICTS : HK_CASE_FAILED | HK_CASE_UNCERTAIN,
        err);
    if (status)
        return status;
    *more = 0;
    while (*written && !(status = hk_case_reading_next(&found, reading, err)) && found) {
        const hk_file *file = &found->file;
        const bool is_hit = file->verdict >= HK_VERDICT_NEAR || file->conflict;
        if (!hits && (is_hit || !file_text_has(file)))
            continue;
        if (!hits && printed == UNCHECKED_MOST)
            ++*more;
        else
            *written = file_text_print(file, false, info->hashes);
        printed += printed < UNCHECKED_MOST;
    }
    hk_case_reading_close(reading);
    return status;
}

static hk_status print_files(hk_case *c, const hk_case_info *info, const char *path, bool *written,
                             hk_error *err)
{
    uint64_t more = 0;
    *written = true;
    hk_status status = print_some(c, true, info, &more, written, err);
    if (!status)
        status = print_some(c, false, info, &more, written, err);
    char *name = !status && *written && more ? output_shell(path) : NULL;
    if (name)
        *written = printf("and %llu more that are not checked: herken report %s --csv FILE has "
                          "each of them, and why\n",
                          (unsigned long long)more, name) > 0;
    free(name);
    return status;
}

static int print_case(hk_case *c, const char *path)
{
    hk_error err;
    hk_case_info info;
    hk_account account;
    bool written = false;
    hk_status status = hk_case_describe(&info, c, &err);
    if (!status && info.state != HK_CASE_FINISHED)
        return cli_usage("%s: its run is not finished (%s): `herken match --case` goes on with it",
                         path, hk_case_state_name(info.state));
    if (!status)
        status = print_files(c, &info, path, &written, &err);
    if (!status && written)
        status = hk_case_account(&account, c, &err);
    if (status)
        return cli_store_fail(&err);
    if (written)
        output_account_text(stdout, &account, true);
    if (written && info.shards > 1)
        printf("only part %u of %u of the evidence: `herken case merge` makes one case of all\n",
               info.shard, info.shards);
    if (written && info.groups)
        printf("%llu group%s of near-duplicates among what matched nothing: herken case groups\n",
               (unsigned long long)info.groups, info.groups == 1 ? "" : "s");
    if (written && info.decisions)
        printf("%llu decided on by people\n", (unsigned long long)info.decisions);
    return cli_finish(CLI_DONE);
}

/* ---- files --------------------------------------------------------------------------------- */

static int said_written(const request *r, const char *format, const char *path)
{
    if (r->common.json && strcmp(path, "-") != 0) {
        json_t *object = json_object();
        json_object_set_new(object, "format", json_string(format));
        output_path(object, "output", path);
        if (!output_line(object))
            return cli_finish(CLI_SYSTEM);
    }
    return -1;
}

static int write_reports(request *r, hk_case *c)
{
    hk_error err;
    const char *outputs[HK_REPORT_FORMATS];
    size_t count = 0;
    for (int f = 0; f < HK_REPORT_FORMATS; f++) {
        if (!r->path[f])
            continue;
        if (hk_report_write(c, (hk_report_format)f, r->path[f], &r->report, &err))
            return cli_store_fail(&err);
        outputs[count++] = r->path[f];
        const int code = said_written(r, hk_report_format_name((hk_report_format)f), r->path[f]);
        if (code >= 0)
            return code;
    }
    if (r->manifest) {
        if (hk_report_manifest(c, r->manifest, outputs, count, r->key, &err))
            return cli_store_fail(&err);
        const int code = said_written(r, "manifest", r->manifest);
        if (code >= 0)
            return code;
    }
    return cli_finish(CLI_DONE);
}

static int report(request *r)
{
    hk_error err;
    hk_case *c = NULL;
    const char *path = r->common.paths[0];
    if (!r->path_count && !r->manifest && r->common.json) {
        r->path[HK_REPORT_JSONL] = "-";
        r->path_count = 1;
    }
    if (hk_case_open(&c, path, HK_CASE_READ, &err))
        return cli_store_fail(&err);
    const int code = r->path_count || r->manifest ? write_reports(r, c) : print_case(c, path);
    hk_case_close(c);
    return code;
}

/* ---- the command line ---------------------------------------------------------------------- */

static int add_output(request *r, hk_report_format format, const char *path)
{
    if (r->path[format])
        return cli_usage("--%s can be given once", hk_report_format_name(format));
    if (!*path)
        return cli_usage("--%s takes the name of a file", hk_report_format_name(format));
    r->path[format] = path;
    r->path_count++;
    return -1;
}

static int read_thumbnails(request *r, const char *text)
{
    static const char *const names[] = {"none", "blurred", "grey"};
    for (int i = HK_THUMBNAILS_NONE; i <= HK_THUMBNAILS_GREY; i++)
        if (!strcmp(text, names[i])) {
            r->report.thumbnails = (hk_thumbnails)i;
            return -1;
        }
    return cli_usage("--thumbnails takes none, blurred or grey, not '%s'", text);
}

/* Whether two names lead to one file, be it there or not: the same name in the same folder. */
static bool same_place(const char *a, const char *b)
{
    const char *paths[] = {a, b}, *names[2];
    char folder[PATH_MAX];
    struct stat at[2];
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(paths[i], '/');
        const size_t length = slash ? (size_t)(slash - paths[i]) + 1 : 0;
        if (length >= sizeof folder)
            return false; /* no system opens it either */
        memcpy(folder, slash ? paths[i] : ".", slash ? length : 1);
        folder[slash ? length : 1] = '\0';
        if (stat(folder, &at[i]))
            return false; /* said where it is written */
        names[i] = paths[i] + length;
    }
    return !strcmp(names[0], names[1]) && at[0].st_dev == at[1].st_dev &&
           at[0].st_ino == at[1].st_ino;
}

/* Two outputs of one name would replace each other, and stdout takes one. */
static int check_outputs(const request *r)
{
    const char *all[HK_REPORT_FORMATS + 1];
    size_t count = 0;
    for (int f = 0; f < HK_REPORT_FORMATS; f++)
        if (r->path[f])
            all[count++] = r->path[f];
    if (r->manifest && (!strcmp(r->manifest, "-") || !*r->manifest))
        return cli_usage("--manifest takes the name of a file: it says where the others lie");
    if (r->manifest)
        all[count++] = r->manifest;
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(all[i], "-") && count > 1)
            return cli_usage("- is standard output, which takes one output and no other");
        if (r->key && same_place(all[i], r->key))
            return cli_usage("%s: is the key; choose another file", all[i]);
        for (size_t j = 0; j < i; j++)
            if (same_place(all[i], all[j]))
                return cli_usage("two outputs are to be written into %s", all[i]);
    }
    return -1;
}

static int check_request(const request *r)
{
    if (r->verify && (r->path_count || r->manifest || r->common.path_count))
        return cli_usage("--verify checks a manifest, and writes nothing: give it --key at most");
    if (!r->verify && r->common.path_count != 1)
        return cli_usage("report takes one case, not %zu", r->common.path_count);
    if (!r->verify && r->key && !r->manifest)
        return cli_usage("--key signs a manifest: name that with --manifest FILE");
    if (!r->verify && r->key && access(r->key, R_OK)) /* before an hour's work */
        return cli_usage("%s: the key cannot be read", r->key);
    if (!r->path[HK_REPORT_HTML] && r->report.thumbnails)
        return cli_usage("--thumbnails are of the page: name that with --html FILE");
    return check_outputs(r);
}

int cmd_report(int argc, char **argv)
{
    request r = {.common = CLI_COMMON_INIT, .report = HK_REPORT_OPTIONS_INIT};
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case CSV:
            code = add_output(&r, HK_REPORT_CSV, optarg);
            break;
        case JSONL:
            code = add_output(&r, HK_REPORT_JSONL, optarg);
            break;
        case VICS:
            code = add_output(&r, HK_REPORT_VICS, optarg);
            break;
        case HTML:
            code = add_output(&r, HK_REPORT_HTML, optarg);
            break;
        case TITLE:
            r.report.title = optarg;
            break;
        case THUMBNAILS:
            code = read_thumbnails(&r, optarg);
            break;
        case MANIFEST:
            r.manifest = optarg;
            break;
        case KEY:
            r.key = optarg;
            break;
        case VERIFY:
            r.verify = optarg;
            break;
        default:
            code = cli_option(&r.common, option, help);
        }
    }
    if (code < 0)
        code = cli_paths(&r.common, argc, argv);
    if (code < 0)
        code = check_request(&r);
    r.report.scan = r.common.scan;
    if (code < 0)
        code = r.verify ? verify(&r) : report(&r);
    cli_clear(&r.common);
    return code;
}
