/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_compare.c - `herken compare`: two images, or hashes, against each other. */
#include "cli.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: herken compare [OPTIONS] A B\n\n"
    "Compares A with B, each an image file or 64 hex digits. Where A is a file it is tried in all\n"
    "eight orientations. Exit code 1 if they match, 0 if not, 3 if one of them gives no hash.\n\n"
    "  --max-distance N     radius in bits, 0 to 128 (default 31)\n";

enum { MAX_DISTANCE = CLI_OWN };
static const struct option options[] = {
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    CLI_COMMON_OPTIONS,
};

typedef struct side {
    hk_fingerprint fingerprint;
    unsigned orientations; /* 1 for a bare hash */
} side;

/* Fills a side from hex digits or a file. Returns -1, or an exit code. */
static int load(side *out, const char *name, cli_common *common)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    if (!hk_hash_parse(&out->fingerprint.hash[0], name, strlen(name), NULL)) {
        out->orientations = 1;
        return -1;
    }
    hk_status status = hk_scan_open(&scan, &name, 1, &common->scan, &err);
    if (!status)
        status = hk_scan_next(&file, scan, &err);
    int code = -1;
    if (status) {
        code = cli_fail(&err);
    } else if (!file || !file->hashed) {
        char *path = output_printable(name);
        cli_say("%s: no hash: %s%s%s", path ? path : "?",
                file ? hk_file_status_name(file->status) : "an empty folder",
                file && file->reason ? ": " : "", file && file->reason ? file->reason : "");
        free(path);
        code = CLI_PARTIAL;
    } else {
        out->fingerprint = file->fingerprint;
        out->orientations = HK_ORIENTATIONS;
        if (file->flags && !common->quiet)
            for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
                if (file->flags >> i & 1)
                    cli_say("%s: %s", name, hk_flag_name(i));
    }
    hk_scan_free(scan);
    return code;
}

static int run(cli_common *common, int max_distance)
{
    side a, b;
    hk_error err;
    hk_comparison c;
    int code = load(&a, common->paths[0], common);
    if (code < 0)
        code = load(&b, common->paths[1], common);
    if (code >= 0)
        return code;
    if (hk_compare(&c, &a.fingerprint, a.orientations, &b.fingerprint.hash[0], max_distance, &err))
        return cli_fail(&err);
    if (common->json) {
        json_t *object = json_object();
        json_object_set_new(object, "distance", json_integer(c.distance));
        json_object_set_new(object, "orientation", json_string(hk_orientation_name(c.orientation)));
        json_object_set_new(object, "inverted", json_boolean(c.inverted));
        json_object_set_new(object, "verdict", json_string(c.match ? "near" : "none"));
        output_line(object);
    } else {
        printf("%s: %u bits, %s%s\n", c.match ? "near" : "none", c.distance,
               hk_orientation_name(c.orientation), c.inverted ? ", colours inverted" : "");
    }
    return cli_finish(c.match ? CLI_MATCH : CLI_DONE);
}

int cmd_compare(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    int max_distance = -1, code = -1, option;
    uint64_t value;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option != MAX_DISTANCE)
            code = cli_option(&common, option, help);
        else if (cli_number(&value, "max-distance", optarg, 0, 128, false))
            max_distance = (int)value;
        else
            code = CLI_USAGE;
    }
    if (code < 0)
        code = cli_paths(&common, argc, argv);
    if (code < 0 && common.path_count != 2)
        code = cli_usage("compare takes two images or hashes, not %zu", common.path_count);
    if (code < 0)
        code = run(&common, max_distance);
    cli_clear(&common);
    return code;
}
