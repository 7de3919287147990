/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_hash.c - `herken hash`: the perceptual hash of each image. */
#include "cli.h"
#include "output.h"
#include "progress.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken hash [OPTIONS] PATH...\n\n"
    "Prints hash, quality, kind and path for every image under the paths; what cannot be hashed "
    "is\n"
    "named on stderr with its status. Exit code 3 if something failed.\n\n"
    "  --orientations       the hash in all eight orientations (with --json)\n"
    "  --exact-grid         exact_hash as well, a second hash that is steadier when pictures are\n"
    "                       resized (with --json; absent where its bits would be chance)\n"
    "  --digests            MD5, SHA-1 and SHA-256 as well (with --json)\n"
    "  --format FORMAT      text (default), pdq (hash,quality,path) or csv (with a header)\n"
    "  --full-decode        make every pixel, where large JPEGs are read as means of 4x4 pixels\n";

typedef enum layout { TEXT, PDQ, CSV, JSON } layout;

enum { ORIENTATIONS = CLI_OWN, EXACT_GRID, DIGESTS, FORMAT, FULL_DECODE };
static const struct option options[] = {
    {"orientations", no_argument, NULL, ORIENTATIONS},
    {"exact-grid", no_argument, NULL, EXACT_GRID},
    {"digests", no_argument, NULL, DIGESTS},
    {"format", required_argument, NULL, FORMAT},
    {"full-decode", no_argument, NULL, FULL_DECODE},
    CLI_COMMON_OPTIONS,
};

static json_t *flags_of(unsigned flags)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
        if (flags >> i & 1)
            json_array_append_new(array, json_string(hk_flag_name(i)));
    return array;
}

/* What is said of a picture: of the file's first, and of each view where there are several. */
static void set_hash(json_t *object, const hk_fingerprint *fp, const hk_hash *exact, unsigned flags,
                     bool orientations)
{
    char text[HK_HASH_TEXT_SIZE];
    hk_hash_format(text, &fp->hash[HK_ORIGINAL]);
    json_object_set_new(object, "hash", json_string(text));
    if (exact) {
        hk_hash_format(text, &exact[HK_ORIGINAL]);
        json_object_set_new(object, "exact_hash", json_string(text));
    }
    json_object_set_new(object, "quality", json_integer(fp->quality));
    json_object_set_new(object, "kind", json_string(hk_kind_name(fp->kind)));
    json_object_set_new(object, "flags", flags_of(flags));
    if (orientations) {
        json_t *all = json_object();
        for (int o = 0; o < HK_ORIENTATIONS; o++) {
            hk_hash_format(text, &fp->hash[o]);
            json_object_set_new(all, hk_orientation_name((hk_orientation)o), json_string(text));
        }
        json_object_set_new(object, "orientations", all);
    }
}

static json_t *views_of(const hk_file *file, bool orientations)
{
    json_t *views = json_array();
    for (size_t v = 0; v < file->view_count; v++) {
        const hk_view *view = &file->views[v];
        json_t *object = json_object();
        json_object_set_new(object, "frame", json_integer(view->frame));
        if (view->backdrop != HK_BACKDROP_BLACK)
            json_object_set_new(object, "backdrop", json_string(hk_backdrop_name(view->backdrop)));
        set_hash(object, &view->fingerprint, view->has_exact_hash ? view->exact_hash : NULL,
                 view->flags, orientations);
        json_array_append_new(views, object);
    }
    return views;
}

static bool print_json(const hk_file *file, bool orientations)
{
    json_t *object = json_object();
    output_path(object, "path", file->path);
    json_object_set_new(object, "status", json_string(hk_file_status_name(file->status)));
    if (file->format)
        json_object_set_new(object, "format", json_string(file->format));
    if (file->width) {
        json_object_set_new(object, "width", json_integer(file->width));
        json_object_set_new(object, "height", json_integer(file->height));
    }
    if (file->exif_orientation)
        json_object_set_new(object, "exif_orientation", json_integer(file->exif_orientation));
    if (file->hashed) {
        json_object_set_new(object, "model", json_string(file->fingerprint.model));
        set_hash(object, &file->fingerprint, file->has_exact_hash ? file->exact_hash : NULL,
                 file->flags, orientations);
        if (file->view_count > 1)
            json_object_set_new(object, "views", views_of(file, orientations));
    }
    output_digests(object, &file->digests);
    if (file->reason)
        json_object_set_new(object, "reason", json_string(file->reason));
    return output_line(object);
}

/* What has no hash is talk, in every format but JSON. */
static void say_unhashed(const hk_file *file, progress *bar)
{
    char *path = output_printable(file->path);
    progress_hide(bar);
    cli_say("%s: %s%s%s", path ? path : "?", hk_file_status_name(file->status),
            file->reason ? ": " : "", file->reason ? file->reason : "");
    free(path);
}

static bool print_text(const hk_file *file, layout format)
{
    char text[HK_HASH_TEXT_SIZE];
    const hk_fingerprint *fp = &file->fingerprint;
    char *path = output_printable(file->path); /* one line, whatever the name holds */
    hk_hash_format(text, &fp->hash[HK_ORIGINAL]);
    if (format == PDQ) {
        printf("%s,%d,", text, fp->quality);
        output_csv_field(stdout, path ? path : "?");
        putchar('\n');
    } else if (format == CSV) {
        output_csv_field(stdout, path ? path : "?");
        printf(",%s,%s,%u,%u,%u,%s,%s,%d,%s,", hk_file_status_name(file->status), file->format,
               file->width, file->height, file->exif_orientation, fp->model, text, fp->quality,
               hk_kind_name(fp->kind));
        const char *before = "";
        for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
            if (file->flags >> i & 1) {
                printf("%s%s", before, hk_flag_name(i));
                before = " ";
            }
        putchar('\n');
    } else {
        /* Tabs: a column of blanks would read as sha256sum's lines. */
        printf("%s\t%d\t%s\t%s", text, fp->quality, hk_kind_name(fp->kind), path ? path : "?");
        const char *before = "\t(";
        for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
            if (file->flags >> i & 1) {
                printf("%s%s", before, hk_flag_name(i));
                before = ", ";
            }
        puts(*before == ',' ? ")" : "");
    }
    free(path);
    return !ferror(stdout);
}

static int run(cli_common *common, layout format, bool orientations)
{
    hk_error err;
    hk_scan *scan = NULL;
    progress bar;
    progress_start(&bar, common);
    hk_status status = hk_scan_open(&scan, (const char *const *)common->paths, common->path_count,
                                    &common->scan, &err);
    if (!status && format == CSV)
        puts("path,status,format,width,height,exif_orientation,model,hash,quality,kind,flags");
    bool written = true;
    const hk_file *file = NULL;
    while (!status && written && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (format == JSON)
            written = print_json(file, orientations);
        else if (file->hashed)
            written = print_text(file, format);
        else
            say_unhashed(file, &bar);
    }
    progress_hide(&bar);
    int code = CLI_SYSTEM;
    if (status) {
        code = cli_fail(&err);
    } else if (written) {
        hk_account account;
        hk_scan_account(&account, scan);
        code = account.by_class[HK_CLASS_FAILED] ? CLI_PARTIAL : CLI_DONE;
        if (!account.found)
            cli_say("no files found: is this the right folder?");
        if (format == JSON)
            output_line(output_account(&account, false));
        else if (!common->quiet)
            output_account_text(stderr, &account, false);
    }
    hk_scan_free(scan);
    return cli_finish(code);
}

int cmd_hash(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    layout format = TEXT;
    bool orientations = false;
    int code = -1, option;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case ORIENTATIONS:
            orientations = true;
            break;
        case EXACT_GRID:
            common.scan.exact_hash = true;
            break;
        case DIGESTS:
            common.scan.digests = HK_DIGEST_ALL;
            break;
        case FULL_DECODE:
            common.scan.full_decode = true;
            break;
        case FORMAT:
            if (!strcmp(optarg, "text"))
                format = TEXT;
            else if (!strcmp(optarg, "pdq"))
                format = PDQ;
            else if (!strcmp(optarg, "csv"))
                format = CSV;
            else
                code = cli_usage("--format takes text, pdq or csv, not '%s'", optarg);
            break;
        default:
            code = cli_option(&common, option, help);
        }
    }
    if (code < 0)
        code = cli_paths(&common, argc, argv);
    if (code < 0 && !common.path_count)
        code = cli_usage("no paths to hash");
    if (code < 0)
        code = run(&common, common.json ? JSON : format, orientations);
    cli_clear(&common);
    return code;
}
