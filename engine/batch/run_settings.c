/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_settings.c - what decides the results of a run (run.h). */
#include "batch/run.h"
#include "batch/workers.h"
#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What this process needs beside the lists: the case's cache, files that are under way, the names
 * of the folders in hand, contents seen. */
static const uint64_t own_memory = UINT64_C(300) << 20, least_worker = UINT64_C(256) << 20;

hk_status hk__run_check(const hk_run_options *options, hk_error *err)
{
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "run options without their INIT");
    if (!options->path || !*options->path)
        return hk__fail(err, HK_ERR_USAGE, "a run wants a case");
    if (options->match.budget != 0) /* a case would not know its radii for what they are */
        return hk__fail(err, HK_ERR_USAGE, "a case has the budget of its profile, and no other");
    if (options->shard < 1 || options->shard > options->shards || options->shards > 1000000)
        return hk__fail(err, HK_ERR_USAGE, "part %u of %u is none: parts count from 1",
                        options->shard, options->shards);
    if (options->max_memory && options->max_memory < own_memory + least_worker)
        return hk__fail(err, HK_ERR_USAGE,
                        "--max-memory: a run needs at least %" PRIu64 " MiB of memory",
                        (own_memory + least_worker) >> 20);
    if (options->archives &&
        (options->max_depth < 1 || options->max_depth > HK__DEPTH_MAX || options->max_members < 1 ||
         options->max_ratio < 1 || options->max_unpacked < 1))
        return hk__fail(err, HK_ERR_USAGE, "limits on archives are 1 or more, on depth up to %d",
                        HK__DEPTH_MAX);
    for (size_t l = 0; l < options->list_count; l++)
        for (size_t m = 0; m < l; m++)
            if (!strcmp(options->sources[l].name, options->sources[m].name))
                return hk__fail(err, HK_ERR_USAGE,
                                "two lists are called %s: in a case each must have a name of its "
                                "own",
                                options->sources[l].name);
    return hk__workers_check(&options->scan, err);
}

void hk__run_size(unsigned *workers, uint64_t *worker_memory, const hk_run_options *options)
{
    *workers = hk__workers_wanted(&options->scan);
    *worker_memory = options->scan.worker_memory;
    if (!options->max_memory)
        return;
    const uint64_t left = options->max_memory - own_memory;
    if (*worker_memory > left)
        *worker_memory = left;
    if (*workers > left / *worker_memory)
        *workers = (unsigned)(left / *worker_memory);
}

/* ---- settings ------------------------------------------------------------------------------ */

typedef struct kept_number {
    unsigned chosen;
    const char *key;
    uint64_t high;
    uint64_t value;
    bool there;
} kept_number;

/* A number among the case's settings; what is none is not there, and differs from any. */
static hk_status read_number(kept_number *n, hk_case *c, hk_error *err)
{
    char *text, *end;
    hk_status status = hk__case_get(&text, c, n->key, err);
    if (status)
        return status;
    if (text && *text >= '0' && *text <= '9') {
        n->value = strtoull(text, &end, 10);
        n->there = !*end && n->value <= n->high;
    }
    hk__free(text);
    return HK_OK;
}

hk_status hk__run_take_settings(hk_run_options *options, hk_case *c, hk_error *err)
{
    enum {
        MATCHES,
        UNCERTAIN,
        PIXELS,
        BYTES,
        PAGES,
        FRAMES,
        ALLOW,
        TIMEOUT,
        MEMORY,
        ARCHIVES,
        MEMBERS,
        DEPTH,
        RATIO,
        UNPACKED,
        SHARD,
        SHARDS,
        NUMBERS
    };
    kept_number n[NUMBERS] = {
        [MATCHES] = {HK_RUN_MAX_MATCHES, "max_matches", INT64_MAX, 0, false},
        [UNCERTAIN] = {HK_RUN_UNCERTAIN, "accept_uncertain", 1, 0, false},
        [PIXELS] = {HK_RUN_MAX_PIXELS, "max_pixels", INT64_MAX, 0, false},
        [BYTES] = {HK_RUN_MAX_BYTES, "max_bytes", INT64_MAX, 0, false},
        [PAGES] = {HK_RUN_MAX_PAGES, "max_pages", UINT32_MAX, 0, false},
        [FRAMES] = {HK_RUN_FRAMES, "frames", HK_FRAMES_CHOICES - 1, 0, false},
        [ALLOW] = {HK_RUN_ALLOW, "allow", (1 << HK_ALLOW_COUNT) - 1, 0, false},
        [TIMEOUT] = {HK_RUN_TIMEOUT, "timeout_ms", UINT32_MAX, 0, false},
        [MEMORY] = {HK_RUN_WORKER_MEMORY, "worker_memory", INT64_MAX, 0, false},
        [ARCHIVES] = {HK_RUN_ARCHIVES, "archives", 1, 0, false},
        [MEMBERS] = {HK_RUN_MAX_MEMBERS, "max_members", INT64_MAX, 0, false},
        [DEPTH] = {HK_RUN_MAX_DEPTH, "max_depth", UINT32_MAX, 0, false},
        [RATIO] = {HK_RUN_MAX_RATIO, "max_ratio", INT64_MAX, 0, false},
        [UNPACKED] = {HK_RUN_MAX_UNPACKED, "max_unpacked", INT64_MAX, 0, false},
        [SHARD] = {HK_RUN_SHARD, "shard", UINT32_MAX, 0, false},
        [SHARDS] = {HK_RUN_SHARD, "shards", UINT32_MAX, 0, false},
    };
    hk_case_info info;
    hk_scan_options *scan = &options->scan;
    hk_match_options *match = &options->match;
    hk_status status = hk_case_describe(&info, c, err);
    for (size_t i = 0; !status && i < NUMBERS; i++)
        status = read_number(&n[i], c, err);
    if (status)
        return status;
#define TAKE(field, which)                                                                         \
    if (n[which].there && !(n[which].chosen & options->chosen))                                    \
    field = (__typeof__(field))n[which].value
    TAKE(match->max_matches, MATCHES);
    TAKE(match->accept_uncertain, UNCERTAIN);
    TAKE(scan->max_pixels, PIXELS);
    TAKE(scan->max_bytes, BYTES);
    TAKE(scan->max_pages, PAGES);
    TAKE(scan->frames, FRAMES);
    TAKE(scan->allow, ALLOW);
    TAKE(scan->timeout_ms, TIMEOUT);
    TAKE(scan->worker_memory, MEMORY);
    TAKE(options->archives, ARCHIVES);
    TAKE(options->max_members, MEMBERS);
    TAKE(options->max_depth, DEPTH);
    TAKE(options->max_ratio, RATIO);
    TAKE(options->max_unpacked, UNPACKED);
    TAKE(options->shard, SHARD);
    TAKE(options->shards, SHARDS);
#undef TAKE
    if (!(options->chosen & HK_RUN_PROFILE))
        match->profile = info.profile;
    if (!(options->chosen & HK_RUN_MAX_DISTANCE))
        match->max_distance = info.max_distance;
    if (!(options->chosen & HK_RUN_PROBES))
        match->probes = info.probes;
    return hk__run_check(options, err);
}

/* Without a matcher it is not looked at. */
static int radius_of(int (*radius)(const hk_matcher *, hk_kind), const hk_matcher *matcher,
                     hk_kind kind)
{
    return matcher ? radius(matcher, kind) : 0;
}

hk_status hk__run_keep_settings(hk_case *c, const hk_run_options *options,
                                const hk_matcher *matcher, hk_error *err)
{
    unsigned workers;
    uint64_t worker_memory;
    hk__run_size(&workers, &worker_memory, options);
    const hk_model_info *model = hk_model(0);
    const hk_scan_options *scan = &options->scan;
    const hk_match_options *match = &options->match;
    const struct {
        unsigned chosen;                /* HK_RUN_*; 0: nobody chooses it */
        const char *key, *words, *text; /* text NULL: a number */
        int64_t number;
    } settings[] = {
        {0, "version", "version of Herken", hk_version(), 0},
        {0, "model", "hash model", model->checksum, 0},
        {0, "calibration", "calibration", model->calibration_checksum, 0},
        {HK_RUN_SHARD, "shard", "part of the whole (--shard)", NULL, options->shard},
        {HK_RUN_SHARD, "shards", "number of parts (--shard)", NULL, options->shards},
        {HK_RUN_PROFILE, "profile", "profile (--profile)", hk_profile_name(match->profile), 0},
        {HK_RUN_MAX_DISTANCE, "max_distance", "radius (--max-distance)", NULL, match->max_distance},
        {HK_RUN_PROBES, "probes", "set of probes (--probes)", NULL, match->probes},
        {0, "aligned_radius.photo", "radius for photos once aligned", NULL,
         radius_of(hk_matcher_aligned_radius, matcher, HK_KIND_PHOTO)},
        {0, "aligned_radius.low_texture", "radius for low-texture images once aligned", NULL,
         radius_of(hk_matcher_aligned_radius, matcher, HK_KIND_LOW_TEXTURE)},
        {0, "aligned_radius.graphic", "radius for graphics once aligned", NULL,
         radius_of(hk_matcher_aligned_radius, matcher, HK_KIND_GRAPHIC)},
        {HK_RUN_MAX_MATCHES, "max_matches", "number of matches kept", NULL,
         (int64_t)match->max_matches},
        {HK_RUN_UNCERTAIN, "accept_uncertain", "say on uncertain images (--accept-uncertain)", NULL,
         match->accept_uncertain},
        {0, "hashes", "number of known hashes", NULL,
         matcher ? (int64_t)hk_matcher_entries(matcher) : 0},
        {0, "radius.photo", "radius for photos", NULL,
         radius_of(hk_matcher_radius, matcher, HK_KIND_PHOTO)},
        {0, "radius.low_texture", "radius for low-texture images", NULL,
         radius_of(hk_matcher_radius, matcher, HK_KIND_LOW_TEXTURE)},
        {0, "radius.graphic", "radius for graphics", NULL,
         radius_of(hk_matcher_radius, matcher, HK_KIND_GRAPHIC)},
        {0, "exact_radius.photo", "radius for photos by their exact grid", NULL,
         radius_of(hk_matcher_exact_radius, matcher, HK_KIND_PHOTO)},
        {0, "exact_radius.low_texture", "radius for low-texture images by their exact grid", NULL,
         radius_of(hk_matcher_exact_radius, matcher, HK_KIND_LOW_TEXTURE)},
        {0, "exact_radius.graphic", "radius for graphics by their exact grid", NULL,
         radius_of(hk_matcher_exact_radius, matcher, HK_KIND_GRAPHIC)},
        {HK_RUN_MAX_PIXELS, "max_pixels", "limit on pixels", NULL, (int64_t)scan->max_pixels},
        {HK_RUN_MAX_BYTES, "max_bytes", "limit on bytes of an image", NULL,
         (int64_t)scan->max_bytes},
        {HK_RUN_MAX_PAGES, "max_pages", "limit on pages", NULL, scan->max_pages},
        {HK_RUN_FRAMES, "frames", "choice of frames (--frames-of)", NULL, scan->frames},
        {HK_RUN_ALLOW, "allow", "choice of formats (--allow-format)", NULL, scan->allow},
        {HK_RUN_TIMEOUT, "timeout_ms", "time limit for one file, in milliseconds (--timeout)", NULL,
         scan->timeout_ms},
        {HK_RUN_WORKER_MEMORY, "worker_memory", "memory of a worker", NULL, (int64_t)worker_memory},
        {HK_RUN_ARCHIVES, "archives", "way with archives (--no-archives)", NULL, options->archives},
        {HK_RUN_MAX_MEMBERS, "max_members", "limit on members of an archive", NULL,
         (int64_t)options->max_members},
        {HK_RUN_MAX_DEPTH, "max_depth", "limit on archives in archives", NULL, options->max_depth},
        {HK_RUN_MAX_RATIO, "max_ratio", "limit on an archive's ratio", NULL,
         (int64_t)options->max_ratio},
        {HK_RUN_MAX_UNPACKED, "max_unpacked", "limit on bytes out of an archive", NULL,
         (int64_t)options->max_unpacked},
    };
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < sizeof settings / sizeof *settings; i++) {
        char number[24];
        if (!matcher && !(settings[i].chosen & options->chosen))
            continue;
        snprintf(number, sizeof number, "%" PRId64, settings[i].number);
        status = hk__case_setting(c, settings[i].key, settings[i].text ? settings[i].text : number,
                                  settings[i].words, err);
    }
    return status;
}

/* ---- lists --------------------------------------------------------------------------------- */

/* What a list is now, under the name and source it was given with. */
static hk_case_list facts_of(const hk_run_options *options, size_t number)
{
    const hk_list *list = options->lists[number];
    hk_case_list facts = options->sources[number];
    facts.known_good = hk_list_known_good(list);
    facts.revision = hk_list_revision(list);
    facts.digest = hk_list_digest(list);
    facts.entries = hk_list_count(list);
    return facts;
}

static const char *sort_of(const hk_case_list *list)
{
    return list->known_good ? " of known-good material" : " of known images";
}

/* Says how the list differs from the case's of the same number. */
static hk_status compare_list(const hk_case *c, const hk_case_list *now, const hk_case_list *kept,
                              hk_error *err)
{
    static const char advice[] =
        "what was checked until now would not compare; bring the list back, or begin a new case";
    if (strcmp(now->name, kept->name) != 0 || now->known_good != kept->known_good)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: the case was begun with the list %s%s, not with %s%s; name the same "
                        "lists in the same order, or begin a new case",
                        c->path, kept->name, sort_of(kept), now->name, sort_of(now));
    if (now->revision != kept->revision)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: the case was begun with revision %" PRIu64
                        " of the list %s, which is at revision %" PRIu64 " now: %s",
                        c->path, kept->revision, kept->name, now->revision, advice);
    if (strcmp(now->digest, kept->digest) != 0)
        return hk__fail(err, HK_ERR_USAGE,
                        "%s: the list %s (%s) is another than the one the case was begun with, "
                        "which had %.16s..., this one has %.16s...: %s",
                        c->path, kept->name, now->source, kept->digest, now->digest, advice);
    return HK_OK;
}

hk_status hk__run_keep_lists(hk_case *c, const hk_run_options *options, bool fresh, hk_error *err)
{
    hk_status status = HK_OK;
    hk_case_info info;
    if (!fresh)
        status = hk_case_describe(&info, c, err);
    if (!status && !fresh && info.lists != options->list_count)
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: the case was begun with %zu lists, not with %zu; name the same "
                          "lists, or begin a new case",
                          c->path, info.lists, options->list_count);
    for (size_t l = 0; !status && l < options->list_count; l++) {
        const hk_case_list now = facts_of(options, l);
        hk_case_list kept;
        if (fresh)
            status = hk__case_add_list(c, &now, err);
        else if (!(status = hk_case_list_get(&kept, c, l, err)))
            status = compare_list(c, &now, &kept, err);
    }
    return status;
}
