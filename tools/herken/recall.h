/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall.h - `herken bench recall`: what its files share.
 *
 *      pictures --herken-edits--> copies --hash--> distance to the original --+
 *      pictures x entries (strangers) --> distances of strangers -------------+-> counts -> report
 *
 * Nothing of a copy stays but a count: for every edit, method and kind of original and copy, how
 * many copies lay at each distance. Recall and false matches at any radius are sums over those
 * counts, so that neither the number of processes nor the order of files can change a figure.
 *
 *   bench_recall.c     the command line and the run
 *   recall_pictures.c  originals and distractors
 *   recall_copies.c    making and hashing the copies, in batches
 *   recall_align.c     looking at pictures through other frames, in threads
 *   recall_methods.c   ways to tell how far two pictures are apart, and their radii
 *   recall_strangers.c pairs of different pictures, and those that may be none
 *   recall_programs.c  running other programs
 *   recall_figures.c   recall, intervals, false matches out of counts
 *   recall_report.c    stdout
 *   recall_files.c     CSV
 *   recall_draw.c      SVG
 */
#ifndef HERKEN_RECALL_H
#define HERKEN_RECALL_H

#include "cli.h"
#include "progress.h"

#include <stdio.h>

enum {
    RECALL_MOST_BITS = 1024,            /* of a program's hash */
    RECALL_FAR = RECALL_MOST_BITS + 1,  /* the distance to what has no hash */
    RECALL_BINS = RECALL_FAR + 1,       /* distances 0..FAR */
    RECALL_KINDS = HK_KIND_GRAPHIC + 1, /* of images */
    RECALL_ALL = RECALL_KINDS,          /* a row over all kinds */
    RECALL_LEAK_DISTANCE = 60,          /* pairs this near are for a person to judge, */
    RECALL_LEAK_ALIGNED = 40            /* and this near once aligned */
};

/* ---- methods ------------------------------------------------------------------------------- */

typedef enum recall_measure {
    RECALL_PDQ = 0,  /* PDQ as others use it: one hash, one orientation */
    RECALL_TURNED,   /* the nearest of the query's eight orientations */
    RECALL_INVERTED, /* and of their inverses */
    RECALL_EXACT,    /* and of the query's exact-grid hash, in as many ways */
    RECALL_ALIGNED,  /* hk_alignment.mean of the query's probes of a set; HK_HASH_BITS: none of
                        them comes near enough to be */
    RECALL_PROFILE,  /* what match does under a profile: 0 for a match, HK_HASH_BITS for none */
    RECALL_DCT,      /* 64 bits: signs of an 8x8 DCT about their median */
    RECALL_GRADIENT, /* 64 bits: is each of 9x8 cells brighter than the next? */
    RECALL_PROGRAM   /* a program of the user's prints it */
} recall_measure;
/* So many measure by PDQ, the first ones: lists of hashes can be searched with them. */
#define RECALL_OWN (RECALL_PROFILE + 1)

/* In place of a set of probes: a hash comes without its picture, and is not aligned; or the
 * standard ones, on a list that has the frames of its pictures (list add --frames). */
#define RECALL_HASHES HK_PROBES_SETS
#define RECALL_FRAMES (HK_PROBES_SETS + 1)

typedef struct recall_method {
    const char *name; /* borrowed */
    recall_measure measure;
    const char *program; /* RECALL_PROGRAM */
    size_t code;         /* RECALL_PROGRAM: which of a print's codes */
    hk_profile profile;  /* RECALL_PROFILE */
    unsigned probes;     /* RECALL_ALIGNED, RECALL_PROFILE: hk_probes, or RECALL_HASHES */
} recall_method;

/* A hash that a program printed. */
typedef struct recall_code {
    unsigned bits; /* 0: none */
    uint8_t byte[RECALL_MOST_BITS / 8];
} recall_code;

/* All hashes of one picture. */
typedef struct recall_print {
    hk_kind kind;
    hk_hash hash[HK_ORIENTATIONS], exact[HK_ORIENTATIONS];
    bool hashed, has_exact, has_small;
    uint64_t dct, gradient;
    recall_code *code; /* [programs] owned; NULL where there are none */
    hk_hash *cut;      /* [cut_count] of an original, its frames in a list; owned */
    size_t cut_count;
} recall_print;

/* Bits between a query and one plain hash, looked at in every way. */
typedef struct recall_near {
    unsigned upright;                 /* one hash, one orientation */
    unsigned turned, plain;           /* the nearest of eight; and of their inverses */
    unsigned exact;                   /* of the exact-grid hash, likewise; RECALL_FAR without one */
    unsigned aligned[HK_PROBES_SETS]; /* HK_HASH_BITS: no probe comes near enough */
    /* The nearest frame of the entry, by the last three with standard probes; RECALL_FAR: it has
     * none, or that was not looked at, since it is a match without. */
    unsigned cut_plain, cut_exact, cut_aligned;
    bool cuts; /* whether they were looked at: strangers' are not */
} recall_near;

/* How near `match` takes them to be near enough, by profile, probes or RECALL_HASHES or _FRAMES,
 * and the query's kind; -1: not looked up so. */
typedef hk_radii recall_reach[HK_PROFILE_REVIEW + 1][RECALL_FRAMES + 1][RECALL_KINDS];
/* Entries that a list of so many pictures counts as with the frames of all, as match counts them.
 */
uint64_t recall_weight(uint64_t list_size);
void recall_reach_set(recall_reach reach, uint64_t list_size);

void recall_print_take(recall_print *out, const hk_file *file);
/* Reads hex digits and white space; false where it is something else. */
bool recall_code_read(recall_code *out, const char *text);
/* All but the aligned distances and those of frames, which are left as if there were none. */
void recall_near_take(recall_near *out, const recall_print *query, const hk_hash *entry);
/* Those of an entry's frames by hashes alone. */
void recall_near_cuts(recall_near *out, const recall_print *query, const recall_print *entry);
/* Bits; RECALL_FAR where one of the two has no such hash. `entry` is NULL for a hash of a list. */
unsigned recall_distance(const recall_method *method, const recall_reach reach,
                         const recall_print *query, const recall_near *near,
                         const recall_print *entry);

/* ---- the run ------------------------------------------------------------------------------- */

typedef struct recall_edit {
    char *name;          /* owned */
    const char *program; /* NULL: the recipe's own */
    char *lacks;         /* why it cannot be made here; owned, NULL: it can */
    uint64_t made, failed;
} recall_edit;

/* Originals first, then the images of a folder of distractors. */
typedef struct recall_picture {
    char *path, *name; /* owned; name: below its folder */
    recall_print print;
    uint64_t pixels;
} recall_picture;

typedef enum recall_judgement {
    RECALL_UNJUDGED = 0, /* counted as strangers, but no radius is chosen by them */
    RECALL_SAME,         /* copies of one picture: left out */
    RECALL_DIFFERENT,    /* strangers */
    RECALL_UNSURE        /* as unjudged */
} recall_judgement;

/* A pair of pictures that may be copies of one; b is a hash where it comes from a list. */
typedef struct recall_leak {
    char *a, *b; /* owned */
    bool b_is_original;
    unsigned distance;
    hk_orientation orientation;
    bool inverted;
    unsigned aligned; /* by the best of all sets; HK_HASH_BITS: by none */
    recall_judgement judged;
} recall_leak;

/* An entry that a picture's probes came near to, and how near once aligned: hk_alignment.mean. */
typedef struct recall_candidate {
    uint32_t entry; /* a picture's number, or the number of all pictures and an entry's */
    uint32_t distance;
} recall_candidate;

/* Those of one picture by one set of probes, in ascending order of their entries. */
typedef struct recall_candidates {
    recall_candidate *at; /* owned */
    size_t count;
} recall_candidates;

/* [kind of the query][distance] */
typedef uint64_t recall_counts[RECALL_KINDS][RECALL_BINS];
/* [kind of the original]: a copy need not be of its kind. */
typedef recall_counts recall_copies[RECALL_KINDS];

typedef struct recall_strangers {
    recall_counts *kind;            /* by the kind of the query; a pair of two kinds is in both */
    recall_counts *once;            /* each pair in one kind */
    uint64_t (*clean)[RECALL_BINS]; /* each pair once, without close ones that nobody judged */
} recall_strangers;

typedef struct recall_run {
    /* what was asked for */
    cli_common common;
    const char *images, *distractors, *judged, *out;
    uint64_t seed, list_size;
    unsigned max_distance, max_side;
    double pair_rate;
    /* what it works with */
    recall_method *method; /* owned */
    size_t method_count, program_count;
    recall_reach reach;
    recall_edit *edit; /* owned */
    size_t edit_count, recipe_count;
    recall_picture *picture; /* owned */
    size_t picture_count, original_count;
    hk_hash *entry; /* owned: a list of distractors */
    size_t entry_count;
    uint64_t left_out; /* images that are no good as originals */
    uint64_t failed;   /* files and copies that should have been there */
    /* what comes of it */
    recall_copies *copies; /* [edit * method_count + method] owned */
    recall_strangers strangers;
    recall_leak *leak; /* owned */
    size_t leak_count;
    uint64_t judged_pairs[RECALL_UNSURE + 1];
    unsigned *radius; /* [method_count] of those without a rule of their own; owned */
    recall_candidates (*candidates)[HK_PROBES_SETS]; /* [picture_count] while strangers are
                                                        compared; owned */
    /* how it goes */
    char *edits_program, *scratch; /* owned */
    char *only;                    /* names of the recipe's edits, with commas; owned */
    progress progress;
    double start; /* seconds */
    uint64_t steps_done, steps;
} recall_run;

/* Steps of the run return -1 to go on, or an exit code once they have said why. */
int recall_read_pictures(recall_run *run);
int recall_code_pictures(recall_run *run); /* the users' programs */
int recall_compare_strangers(recall_run *run);
int recall_make_copies(recall_run *run);
void recall_choose_radii(recall_run *run);
int recall_print_report(const recall_run *run);
int recall_write_files(const recall_run *run);
FILE *recall_open(const recall_run *run, const char *name); /* in --out; NULL: it has said why */
bool recall_close(const recall_run *run, FILE *file, const char *name);
void recall_write_leaks(FILE *file, const recall_run *run);

/* Talk between the lines of the progress bar; not with --quiet. */
void recall_say(recall_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void recall_progress(recall_run *run);
double recall_seconds(void);
/* Whether somebody asked it to stop. */
bool recall_stopped(void);
/* Fills in the worker and where a picture's hashes are wanted. */
hk_scan_options recall_scan_options(const recall_run *run);
/* Says that there is no memory; CLI_SYSTEM. */
int recall_no_memory(void);

/* ---- aligning ------------------------------------------------------------------------------ */

/* Pictures wait until there are enough for all threads; each is then looked at by one of them. So
 * much as a picture's own place may be written to, and no more. */
typedef struct recall_bench recall_bench;
typedef void recall_align(hk_aligner *aligner, const uint8_t *raster, uint32_t width,
                          uint32_t height, size_t tag, void *context);

/* NULL without memory. */
recall_bench *recall_bench_new(unsigned threads, recall_align *align, void *context);
void recall_bench_free(recall_bench *bench);
/* Takes a file's raster, which is copied; false: no thread can be started. A file without one is
 * left as it is. */
bool recall_bench_add(recall_bench *bench, const hk_file *file, size_t tag);
/* Sees to all that wait. */
bool recall_bench_finish(recall_bench *bench);

/* How near the raster comes to one hash, by every set of probes. */
void recall_align_with(unsigned out[HK_PROBES_SETS], hk_aligner *aligner, const uint8_t *raster,
                       uint32_t width, uint32_t height, const hk_hash *entry);
/* How near it comes to any of an entry's frames by the standard probes; it stops looking at
 * `enough`. */
unsigned recall_align_cuts(hk_aligner *aligner, const uint8_t *raster, uint32_t width,
                           uint32_t height, const recall_print *entry, int enough);
/* Makes the originals' frames, and fills in run->candidates, for the pairs that strangers are
 * compared in. */
int recall_align_strangers(recall_run *run);
/* What is known of a picture and an entry. */
void recall_align_look_up(unsigned out[HK_PROBES_SETS], const recall_run *run, size_t picture,
                          size_t entry);

/* ---- programs ------------------------------------------------------------------------------ */

enum { RECALL_ARGUMENTS = 16 };

typedef struct recall_job {
    const char *argument[RECALL_ARGUMENTS]; /* ended by NULL; borrowed */
    char *output;                           /* of stdout, ended by a NUL; owned */
    bool ok;                                /* it ended with exit code 0 */
    char why[96];                           /* if not */
} recall_job;

/* Runs them, `parallel` at once, in groups of their own; stdin is empty. timeout_ms 0: none.
 * Returns -1, or an exit code: stopped, or no process can be started. */
int recall_run_programs(recall_job *jobs, size_t count, unsigned parallel, unsigned timeout_ms);
void recall_clear_jobs(recall_job *jobs, size_t count);

/* ---- figures ------------------------------------------------------------------------------- */

/* One way to decide: a method at a radius. */
typedef struct recall_column {
    const char *name; /* the method's, or that of the profile by which hk_radius chose */
    size_t method;
    int radius[RECALL_KINDS];  /* by the kind of the query; -1: none, and nothing is found */
    int exact[RECALL_KINDS];   /* of the query's exact-grid hash, if calibrated; -1: none */
    int aligned[RECALL_KINDS]; /* of its probes once aligned, if calibrated; -1: none */
    bool calibrated;           /* they are those of hk_radii_of, or hk_radius */
} recall_column;

/* Copies found, of one edit and kind (or RECALL_ALL). */
typedef struct recall_figure {
    uint64_t n, found;
    double recall, low, high; /* 95 %, bootstrap over the originals */
} recall_figure;

/* False matches of a column for one kind of query, or all. */
typedef struct recall_rate {
    uint64_t pairs, seen;
    double per_lookup; /* false matches expected in a look-up of list_size entries */
    double upper;      /* 95 % bound of that */
    double calibrated; /* what the calibration bounds it by, where that chose a radius; else 0 */
    bool extrapolated; /* that rests on its model of the tail */
} recall_rate;

enum { RECALL_TITLE = 64 };
/* "NAME@RADIUS", the radius for queries of the kind (RECALL_ALL: for photos); the name alone where
 * it says the radius itself, or there is none. */
void recall_title(char out[RECALL_TITLE], const recall_run *run, const recall_column *column,
                  unsigned kind);

/* What a rate's bound by calibration rests on: "measured" or "extrapolated". */
const char *recall_calibration(const recall_rate *rate);
/* Owned; free it. NULL without memory. */
recall_column *recall_columns(const recall_run *run, size_t *count);
recall_figure recall_found(const recall_run *run, const recall_column *column, size_t edit,
                           unsigned kind);
recall_rate recall_false(const recall_run *run, const recall_column *column, unsigned kind);
/* Whether the method has a distance, and not just an answer. */
bool recall_has_distances(const recall_method *method);
/* What the calibration bounds the false matches of a photo's look-up by, of a method at a radius;
 * negative where there is none. */
double recall_calibrated(const recall_run *run, size_t method, unsigned radius, bool *extrapolated);
/* A method at one radius for all kinds. */
recall_column recall_at_radius(const recall_run *run, size_t method, unsigned radius);
/* "photo", ..., "all" */
const char *recall_kind_name(unsigned kind);
/* How many originals are of the kind, or all. */
size_t recall_of_kind(const recall_run *run, unsigned kind);
/* Bits of a method's hash, as seen. */
unsigned recall_bits(const recall_run *run, size_t method);

/* Whether its curve stands among those by budget. */
bool recall_is_drawn(const char *edit);
int recall_draw(const recall_run *run, const recall_column *columns, size_t count);

#endif
