/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_align.c - looking at pictures through other frames, in threads; see recall.h.
 *
 * A picture's probes take some milliseconds where its hashes took microseconds, so this is what all
 * processors are kept busy with:
 *
 *      scan --rasters--> bench, 128 places --full--> a thread per processor --> each picture's own
 *                                                                               place in the
 * figures
 *
 * The aligner gives the same bits on every machine, and pictures share nothing, so that neither the
 * number of threads nor their order can change a figure. Of strangers only those entries are kept
 * that a probe came near to; the pictures are read once more for that, since all their rasters at
 * once might be more than there is memory.
 */
#include "recall.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 128, SIDE = 256 };

typedef struct place {
    uint32_t width, height;
    size_t tag;
    uint8_t raster[SIDE * SIDE];
} place;

struct recall_bench {
    recall_align *align;
    void *context;
    unsigned threads;
    hk_aligner **aligner; /* [threads] owned */
    place *place;         /* [PLACES] owned */
    size_t count;
    atomic_size_t next, worker;
};

/* ---- the bench ----------------------------------------------------------------------------- */

void recall_bench_free(recall_bench *bench)
{
    if (!bench)
        return;
    for (unsigned t = 0; bench->aligner && t < bench->threads; t++)
        hk_aligner_free(bench->aligner[t]);
    free(bench->aligner);
    free(bench->place);
    free(bench);
}

recall_bench *recall_bench_new(unsigned threads, recall_align *align, void *context)
{
    recall_bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return NULL;
    bench->align = align;
    bench->context = context;
    bench->threads = threads;
    bench->aligner = calloc(threads, sizeof(hk_aligner *));
    bench->place = calloc(PLACES, sizeof *bench->place);
    bool ok = bench->aligner && bench->place;
    for (unsigned t = 0; ok && t < threads; t++)
        ok = !hk_aligner_new(&bench->aligner[t], NULL);
    if (ok)
        return bench;
    recall_bench_free(bench);
    return NULL;
}

static void *work(void *context)
{
    recall_bench *bench = context;
    hk_aligner *aligner = bench->aligner[atomic_fetch_add(&bench->worker, 1)];
    size_t i;
    while (!recall_stopped() && (i = atomic_fetch_add(&bench->next, 1)) < bench->count) {
        const place *p = &bench->place[i];
        bench->align(aligner, p->raster, p->width, p->height, p->tag, bench->context);
    }
    return NULL;
}

/* No thread outlives this: processes are started between. */
bool recall_bench_finish(recall_bench *bench)
{
    pthread_t *threads = calloc(bench->threads, sizeof *threads);
    unsigned started = 0;
    atomic_store(&bench->next, 0);
    atomic_store(&bench->worker, 0);
    while (threads && bench->count && started < bench->threads &&
           !pthread_create(&threads[started], NULL, work, bench))
        started++;
    for (unsigned t = 0; t < started; t++)
        pthread_join(threads[t], NULL);
    free(threads);
    const bool done = !bench->count || started;
    bench->count = 0;
    return done;
}

bool recall_bench_add(recall_bench *bench, const hk_file *file, size_t tag)
{
    const uint32_t width = file->raster_width, height = file->raster_height;
    if (!file->hashed || !file->raster || !width || !height || width > SIDE || height > SIDE)
        return true;
    place *p = &bench->place[bench->count++];
    p->width = width;
    p->height = height;
    p->tag = tag;
    memcpy(p->raster, file->raster, (size_t)width * height);
    return bench->count < PLACES || recall_bench_finish(bench);
}

void recall_align_with(unsigned out[HK_PROBES_SETS], hk_aligner *aligner, const uint8_t *raster,
                       uint32_t width, uint32_t height, const hk_hash *entry)
{
    hk_alignment found;
    for (int set = 0; set < HK_PROBES_SETS; set++)
        if (!hk_aligner_take(aligner, raster, width, height, (hk_probes)set, NULL) &&
            hk_aligner_find(&found, aligner, entry))
            out[set] = found.mean;
}

unsigned recall_align_cuts(hk_aligner *aligner, const uint8_t *raster, uint32_t width,
                           uint32_t height, const recall_print *entry, int enough)
{
    unsigned least = RECALL_FAR;
    hk_alignment found;
    if (hk_aligner_take(aligner, raster, width, height, HK_PROBES_STANDARD, NULL))
        return least;
    for (size_t i = 0; i < entry->cut_count && (int)least > enough; i++)
        if (hk_aligner_find(&found, aligner, &entry->cut[i]) && found.mean < least)
            least = found.mean;
    return least;
}

/* ---- strangers ----------------------------------------------------------------------------- */

typedef struct strangers {
    recall_run *run;
    atomic_bool no_memory;
} strangers;

static bool keep(recall_candidates *to, size_t entry, unsigned distance)
{
    if ((to->count & (to->count - 1)) == 0) {
        const size_t capacity = to->count ? to->count * 2 : 1;
        recall_candidate *grown = realloc(to->at, capacity * sizeof *grown);
        if (!grown)
            return false;
        to->at = grown;
    }
    to->at[to->count++] = (recall_candidate){(uint32_t)entry, distance};
    return true;
}

/* Whether strangers are compared with this picture as the query: each pair from its first picture,
 * an original, and the other way round where the second is of another kind. */
static bool is_pair(const recall_run *run, size_t query, size_t entry)
{
    if (entry > query)
        return query < run->original_count;
    return entry < query && entry < run->original_count &&
           run->picture[entry].print.kind != run->picture[query].print.kind;
}

/* Of the picture taken up. */
static bool keep_cuts(recall_print *of, hk_aligner *aligner)
{
    uint8_t cuts[HK_CUTS_MOST * HK_CUT_SIZE];
    of->cut_count = hk_aligner_cuts(cuts, aligner);
    of->cut = calloc(of->cut_count + 1, sizeof *of->cut);
    for (size_t i = 0; of->cut && i < of->cut_count; i++)
        hk_cut_get(&of->cut[i], cuts + i * HK_CUT_SIZE);
    return of->cut != NULL;
}

static void align_stranger(hk_aligner *aligner, const uint8_t *raster, uint32_t width,
                           uint32_t height, size_t query, void *context)
{
    strangers *s = context;
    recall_run *run = s->run;
    const size_t all = run->picture_count + run->entry_count;
    bool ok = true;
    for (int set = 0; set < HK_PROBES_SETS; set++) {
        if (hk_aligner_take(aligner, raster, width, height, (hk_probes)set, NULL))
            continue;
        for (size_t entry = 0; ok && entry < all; entry++) {
            const hk_hash *hash = entry < run->picture_count
                                      ? &run->picture[entry].print.hash[HK_ORIGINAL]
                                      : &run->entry[entry - run->picture_count];
            hk_alignment found;
            if (is_pair(run, query, entry) && hk_aligner_find(&found, aligner, hash))
                ok = keep(&run->candidates[query][set], entry, found.mean);
        }
    }
    if (ok && query < run->original_count)
        ok = keep_cuts(&run->picture[query].print, aligner);
    if (!ok)
        atomic_store(&s->no_memory, true);
}

static bool is_asked(const recall_run *run, size_t query)
{
    bool asked = query < run->original_count;
    for (size_t entry = 0; !asked && entry < run->original_count; entry++)
        asked = is_pair(run, query, entry);
    return asked;
}

/* Reads a folder again, whose pictures are those from `first` on. */
static int align_folder(recall_run *run, recall_bench *bench, const char *folder, size_t first,
                        size_t end)
{
    hk_error err;
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    const hk_scan_options options = recall_scan_options(run);
    int code = -1;
    hk_status status = hk_scan_open(&scan, &folder, 1, &options, &err);
    while (code < 0 && !status && !(status = hk_scan_next(&file, scan, &err)) && file) {
        if (recall_stopped())
            code = CLI_SYSTEM;
        else if (first == end || strcmp(file->path, run->picture[first].path))
            continue; /* left out the first time */
        else if (is_asked(run, first++) && !recall_bench_add(bench, file, first - 1))
            code = recall_no_memory();
    }
    if (status && code < 0)
        code = cli_fail(&err);
    hk_scan_free(scan);
    if (code < 0 && first != end) {
        cli_say("%s is no longer what it was", run->picture[first].path);
        code = CLI_SYSTEM;
    }
    return code;
}

int recall_align_strangers(recall_run *run)
{
    strangers s = {.run = run};
    bool others = false;
    recall_bench *bench = recall_bench_new(run->common.scan.workers, align_stranger, &s);
    run->candidates = calloc(run->picture_count, sizeof *run->candidates);
    int code = bench && run->candidates ? -1 : recall_no_memory();
    for (size_t p = run->original_count; p < run->picture_count; p++)
        others |= is_asked(run, p);
    if (code < 0)
        code = align_folder(run, bench, run->images, 0, run->original_count);
    if (code < 0 && others)
        code = align_folder(run, bench, run->distractors, run->original_count, run->picture_count);
    if (code < 0 && !recall_bench_finish(bench))
        code = recall_no_memory();
    if (code < 0 && atomic_load(&s.no_memory))
        code = recall_no_memory();
    if (code < 0 && recall_stopped())
        code = CLI_SYSTEM;
    recall_bench_free(bench);
    return code;
}

static int by_entry(const void *a, const void *b)
{
    const recall_candidate *x = a, *y = b;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

void recall_align_look_up(unsigned out[HK_PROBES_SETS], const recall_run *run, size_t picture,
                          size_t entry)
{
    const recall_candidate key = {.entry = (uint32_t)entry};
    for (int set = 0; set < HK_PROBES_SETS; set++) {
        const recall_candidates *of = &run->candidates[picture][set];
        const recall_candidate *found =
            of->count ? bsearch(&key, of->at, of->count, sizeof key, by_entry) : NULL;
        if (found)
            out[set] = found->distance;
    }
}
