/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_compare.c - `herken compare`: two images, or hashes, against each other. */
#include "cli.h"
#include "output.h"

#include <math.h>
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
    "  --max-distance N     the radius itself, in bits, 0 to 128\n"
    "  --probes SET         of two files, how far A is looked into for how it might lie on B, as "
    "a\n"
    "                       crop, with a border, turned: fast (borders alone), standard (default)\n"
    "                       or thorough\n";

enum { MAX_DISTANCE = CLI_OWN, PROFILE, PROBES };
static const struct option options[] = {
    {"max-distance", required_argument, NULL, MAX_DISTANCE},
    {"profile", required_argument, NULL, PROFILE},
    {"probes", required_argument, NULL, PROBES},
    CLI_COMMON_OPTIONS,
};

typedef struct side {
    hk_fingerprint fingerprint;
    unsigned orientations; /* 1 for a bare hash */
    unsigned flags;        /* HK_FLAG_* */
    uint8_t raster[256 * 256];
    uint32_t width, height; /* of the raster; 0: none */
} side;

/* What comes out. */
typedef struct outcome {
    hk_comparison whole;
    hk_match placed; /* aligned: false where no frame brings them near */
    bool near;       /* placed within the radius */
} outcome;

/* Fills a side from hex digits or a file. Returns -1, or an exit code. */
static int load(side *out, const char *name, cli_common *common)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    struct stat facts;
    out->orientations = 1;
    if (!hk_hash_parse(&out->fingerprint.hash[0], name, strlen(name), NULL))
        return -1;
    if (!stat(name, &facts) && S_ISDIR(facts.st_mode))
        return cli_usage("%s is a folder: compare takes two images or hashes", name);
    common->scan.frames = HK_FRAMES_FIRST;
    common->scan.raster = true;
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
        out->fingerprint = file->fingerprint;
        out->orientations = HK_ORIENTATIONS;
        out->flags = file->views->flags;
        if (file->raster) {
            memcpy(out->raster, file->raster, (size_t)file->raster_width * file->raster_height);
            out->width = file->raster_width;
            out->height = file->raster_height;
        }
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

/* A's picture against B's hash, through the frame that brings them nearest. */
static hk_status align(outcome *out, const side *a, const side *b, const hk_match_options *set,
                       hk_error *err)
{
    hk_aligner *aligner = NULL;
    hk_alignment found;
    if (!a->width)
        return HK_OK;
    hk_status status = hk_aligner_new(&aligner, err);
    if (!status)
        status = hk_aligner_take(aligner, a->raster, a->width, a->height, set->probes, err);
    if (!status && hk_aligner_find(&found, aligner, &b->fingerprint.hash[0])) {
        const int radius = set->max_distance >= 0
                               ? set->max_distance
                               : hk_radii_of(HK_KIND_PHOTO, set->profile, set->probes, 1).aligned;
        out->placed = (hk_match){.basis = HK_BASIS_PDQ,
                                 .probe = hk_probe_name(found.probe),
                                 .distance = found.distance,
                                 .orientation = found.orientation,
                                 .inverted = found.inverted,
                                 .aligned = true,
                                 .before = found.before,
                                 .placement = found.placement};
        out->placed.chance = hk_aligned_false_matches(HK_KIND_PHOTO, (int)found.mean, set->probes,
                                                      1, &out->placed.chance_extrapolated);
        out->near = (int)found.mean <= radius;
    }
    hk_aligner_free(aligner);
    return status;
}

static void put_place(json_t *object, const char *key, float share, double unit)
{
    json_object_set_new(object, key, json_real(round((double)share / unit) * unit + 0.0));
}

static json_t *aligned_object(const hk_match *m)
{
    json_t *object = json_object(), *place = json_object();
    put_place(place, "left", m->placement.left, 1e-4);
    put_place(place, "top", m->placement.top, 1e-4);
    put_place(place, "right", m->placement.right, 1e-4);
    put_place(place, "bottom", m->placement.bottom, 1e-4);
    put_place(place, "angle", m->placement.angle, 1e-2);
    json_object_set_new(object, "distance", json_integer(m->distance));
    json_object_set_new(object, "before", json_integer(m->before));
    json_object_set_new(object, "orientation", json_string(hk_orientation_name(m->orientation)));
    json_object_set_new(object, "probe", json_string(m->probe));
    json_object_set_new(object, "placement", place);
    json_object_set_new(object, "chance", json_real(m->chance));
    if (m->chance_extrapolated)
        json_object_set_new(object, "chance_extrapolated", json_true());
    return object;
}

static void print_json(const outcome *o, hk_verdict verdict, const char *why)
{
    const hk_comparison *c = &o->whole;
    json_t *object = json_object();
    json_object_set_new(object, "distance", json_integer(c->distance));
    json_object_set_new(object, "orientation", json_string(hk_orientation_name(c->orientation)));
    json_object_set_new(object, "inverted", json_boolean(c->inverted));
    json_object_set_new(object, "verdict", json_string(hk_verdict_name(verdict)));
    json_object_set_new(object, "chance", json_real(c->chance));
    if (c->chance_extrapolated)
        json_object_set_new(object, "chance_extrapolated", json_true());
    if (o->placed.aligned)
        json_object_set_new(object, "aligned", aligned_object(&o->placed));
    if (verdict == HK_VERDICT_NOT_CHECKED)
        json_object_set_new(object, "reason", json_string(why));
    output_line(object);
}

static void print_text(const outcome *o, hk_verdict verdict, hk_kind kind)
{
    const hk_comparison *c = &o->whole;
    const hk_match *m = &o->placed;
    char words[HK_CHANCE_WORDS_SIZE], place[HK_PLACEMENT_WORDS_SIZE];
    printf("%s: %u bits, %s%s; %s%s\n",
           verdict == HK_VERDICT_NOT_CHECKED ? "not checked" : hk_verdict_name(verdict),
           c->distance, hk_orientation_name(c->orientation),
           c->inverted ? ", colours inverted" : "", hk_chance_words(words, kind, c->chance, 1),
           c->chance_extrapolated ? " (extrapolated)" : "");
    if (m->aligned)
        printf("%u bits once aligned, %u before, %s: %s; %s%s\n", m->distance, m->before,
               hk_orientation_name(m->orientation), hk_placement_words(place, m),
               hk_chance_words(words, HK_KIND_PHOTO, m->chance, 1),
               m->chance_extrapolated ? " (extrapolated)" : "");
}

static int run(cli_common *common, const hk_match_options *set)
{
    static side sides[2]; /* with their rasters */
    hk_error err;
    outcome o = {0};
    int code = -1;
    for (int i = 0; i < 2 && code < 0; i++)
        code = load(&sides[i], common->paths[i], common);
    if (code >= 0)
        return code;
    /* A bare hash cannot be turned: then the file is, and turned the other way it is A's turn. */
    const bool swap = sides[0].orientations == 1;
    const side *a = &sides[swap], *b = &sides[!swap];
    hk_comparison *c = &o.whole;
    if (hk_compare(c, &a->fingerprint, a->orientations, &b->fingerprint.hash[0], set->max_distance,
                   set->profile, &err) ||
        (sides[0].width && sides[1].width && align(&o, a, b, set, &err)))
        return cli_fail(&err);
    if (swap && (c->orientation == HK_ROTATE90 || c->orientation == HK_ROTATE270))
        c->orientation = c->orientation == HK_ROTATE90 ? HK_ROTATE270 : HK_ROTATE90;

    const char *why = doubt(&sides[0], common->paths[0], common->quiet);
    const char *other = doubt(&sides[1], common->paths[1], common->quiet);
    why = why ? why : other;
    if (c->radius < 0 && !why)
        why = hk_kind_name(a->fingerprint.kind);
    const bool match = c->match || o.near;
    const hk_verdict verdict = match ? HK_VERDICT_NEAR
                               : why ? HK_VERDICT_NOT_CHECKED
                                     : HK_VERDICT_NONE;
    if (common->json)
        print_json(&o, verdict, why);
    else
        print_text(&o, verdict, a->fingerprint.kind);
    return cli_finish(match ? CLI_MATCH : why ? CLI_PARTIAL : CLI_DONE);
}

int cmd_compare(int argc, char **argv)
{
    cli_common common = CLI_COMMON_INIT;
    hk_match_options match = HK_MATCH_OPTIONS_INIT;
    int code = -1, option;
    uint64_t value;
    while (code < 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == PROFILE)
            code = cli_profile(&match.profile, optarg) ? -1 : CLI_USAGE;
        else if (option == PROBES)
            code = cli_probes(&match.probes, optarg) ? -1 : CLI_USAGE;
        else if (option != MAX_DISTANCE)
            code = cli_option(&common, option, help);
        else if (cli_number(&value, "max-distance", optarg, 0, 128, false))
            match.max_distance = (int)value;
        else
            code = CLI_USAGE;
    }
    if (code < 0)
        code = cli_paths(&common, argc, argv);
    if (code < 0 && common.path_count != 2)
        code = cli_usage("compare takes two images or hashes, not %zu", common.path_count);
    if (code < 0)
        code = run(&common, &match);
    cli_clear(&common);
    return code;
}
