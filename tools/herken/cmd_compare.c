/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_compare.c - `herken compare`: two images, or hashes, against each other. */
#include "cli.h"
#include "output.h"

#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: herken compare [OPTIONS] A B\n\n"
    "Compares A with B, each an image file or 64 hex digits, in the eight orientations of a file.\n"
    "Exit code 1 if they match, 0 if not, 3 if one of them gives no hash, or one that says "
    "nothing\n"
    "(truncated, degenerate, low quality) without a match.\n\n"
    "  --profile P          gate or review (default): how many false matches may be expected, 1 "
    "in\n"
    "                       1,000,000 or in 1,000 images; the radius follows from it and A's kind\n"
    "  --max-distance N     the radius itself, in bits, 0 to 128\n";

enum { MAX_DISTANCE = CLI_OWN, PROFILE };
static const struct option options[] = {
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"profile", required_argument, NULL, PROFILE},
    CLI_COMMON_OPTIONS,
};

typedef struct side {
    hk_fingerprint fingerprint;
    unsigned orientations; /* 1 for a bare hash */
    unsigned flags;        /* HK_FLAG_* */
} side;

/* Fills a side from hex digits or a file. Returns -1, or an exit code. */
static int load(side *out, const char *name, cli_common *common)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    struct stat facts;
    *out = (side){.orientations = 1};
    if (!hk_hash_parse(&out->fingerprint.hash[0], name, strlen(name), NULL))
        return -1;
    if (!stat(name, &facts) && S_ISDIR(facts.st_mode))
        return cli_usage("%s is a folder: compare takes two images or hashes", name);
    common->scan.frames = HK_FRAMES_FIRST;
    hk_status status = hk_scan_open(&scan, &name, 1, &common->scan, &err);
    if (!status)
        status = hk_scan_next(&file, scan, &err);
    int code = -1;
    if (status) {
        code = cli_fail(&err);
    } else if (!file || !file->hashed) {
        cli_say("%s: no hash: %s%s%s", name, file ? hk_file_status_name(file->status) : "nothing",
                file && file->reason ? ": " : "", file && file->reason ? file->reason : "");
        code = CLI_PARTIAL;
    } else {
        *out = (side){file->fingerprint, HK_ORIENTATIONS, file->views->flags};
    }
    hk_scan_free(scan);
    return code;
}

/* Says, and returns the name of, what makes a side's hash say little; NULL if nothing does. */
static const char *doubt(const side *s, const char *name, bool quiet)
{
    const unsigned doubts = HK_FLAG_TRUNCATED | HK_FLAG_DEGENERATE | HK_FLAG_LOW_QUALITY;
    if (!(s->flags & doubts))
        return NULL;
    const char *what = hk_flag_name((unsigned)__builtin_ctz(s->flags & doubts));
    if (!quiet)
        cli_say("%s: %s: its hash says little", name, what);
    return what;
}

static int run(cli_common *common, int max_distance, hk_profile profile)
{
    side sides[2];
    hk_error err;
    hk_comparison c;
    int code = -1;
    for (int i = 0; i < 2 && code < 0; i++)
        code = load(&sides[i], common->paths[i], common);
    if (code >= 0)
        return code;
    /* A bare hash cannot be turned: then the file is, and turned the other way it is A's turn. */
    const bool swap = sides[0].orientations == 1;
    const side *a = &sides[swap], *b = &sides[!swap];
    if (hk_compare(&c, &a->fingerprint, a->orientations, &b->fingerprint.hash[0], max_distance,
                   profile, &err))
        return cli_fail(&err);
    if (swap && (c.orientation == HK_ROTATE90 || c.orientation == HK_ROTATE270))
        c.orientation = c.orientation == HK_ROTATE90 ? HK_ROTATE270 : HK_ROTATE90;

    const char *why = doubt(&sides[0], common->paths[0], common->quiet);
    const char *other = doubt(&sides[1], common->paths[1], common->quiet);
    why = why ? why : other;
    if (c.radius < 0 && !why)
        why = hk_kind_name(a->fingerprint.kind);
    const hk_verdict verdict = c.match ? HK_VERDICT_NEAR
                               : why   ? HK_VERDICT_NOT_CHECKED
                                       : HK_VERDICT_NONE;
    if (common->json) {
        json_t *object = json_object();
        json_object_set_new(object, "distance", json_integer(c.distance));
        json_object_set_new(object, "orientation", json_string(hk_orientation_name(c.orientation)));
        json_object_set_new(object, "inverted", json_boolean(c.inverted));
        json_object_set_new(object, "verdict", json_string(hk_verdict_name(verdict)));
        json_object_set_new(object, "chance", json_real(c.chance));
        if (c.chance_extrapolated)
            json_object_set_new(object, "chance_extrapolated", json_true());
        if (verdict == HK_VERDICT_NOT_CHECKED)
            json_object_set_new(object, "reason", json_string(why));
        output_line(object);
    } else {
        char words[HK_CHANCE_WORDS_SIZE];
        printf("%s: %u bits, %s%s; %s%s\n",
               verdict == HK_VERDICT_NOT_CHECKED ? "not checked" : hk_verdict_name(verdict),
               c.distance, hk_orientation_name(c.orientation),
               c.inverted ? ", colours inverted" : "",
               hk_chance_words(words, a->fingerprint.kind, c.chance, 1),
               c.chance_extrapolated ? " (extrapolated)" : "");
    }
    return cli_finish(c.match ? CLI_MATCH : why ? CLI_PARTIAL : CLI_DONE);
}

int cmd_compare(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    int max_distance = -1, code = -1, option;
    hk_profile profile = HK_PROFILE_REVIEW;
    uint64_t value;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == PROFILE)
            code = cli_profile(&profile, optarg) ? -1 : CLI_USAGE;
        else if (option != MAX_DISTANCE)
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
        code = run(&common, max_distance, profile);
    cli_clear(&common);
    return code;
}
