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
 *   recall_methods.c   ways to tell how far two pictures are apart, and their radii
 *   recall_strangers.c pairs of different pictures, and those that may be none
 *   recall_programs.c  running other programs
 *   recall_figures.c   recall, intervals, false matches out of counts
 *   recall_report.c    stdout
 *   recall_files.c     CSV and SVG
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
    RECALL_LEAK_DISTANCE = 60           /* pairs this near are for a person to judge */
};

/* ---- methods ------------------------------------------------------------------------------- */

typedef enum recall_measure {
    RECALL_PDQ = 0,  /* PDQ as others use it: one hash, one orientation */
    RECALL_TURNED,   /* the nearest of the query's eight orientations */
    RECALL_INVERTED, /* and of their inverses */
    RECALL_EXACT,    /* and of the query's exact-grid hash, in as many ways */
    RECALL_REVIEW,   /* what match does under its profiles: 0 for a match, HK_HASH_BITS for none */
    RECALL_GATE,
    RECALL_DCT,      /* 64 bits: signs of an 8x8 DCT about their median */
    RECALL_GRADIENT, /* 64 bits: is each of 9x8 cells brighter than the next? */
    RECALL_PROGRAM   /* a program of the user's prints it */
} recall_measure;
/* So many measure by PDQ, the first ones: lists of hashes can be searched with them. */
#define RECALL_OWN (RECALL_GATE + 1)

typedef struct recall_method {
    const char *name; /* borrowed */
    recall_measure measure;
    const char *program; /* RECALL_PROGRAM */
    size_t code;         /* RECALL_PROGRAM: which of a print's codes */
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
} recall_print;

/* How near `match` takes a query's two hashes to be near enough, by profile and by its kind; -1:
 * not looked up. */
typedef struct recall_reach {
    int plain[HK_PROFILE_REVIEW + 1][RECALL_KINDS], exact[HK_PROFILE_REVIEW + 1][RECALL_KINDS];
} recall_reach;

/* Whether the method is what match does, and under which profile. */
bool recall_is_profile(hk_profile *out, const recall_method *method);

void recall_print_take(recall_print *out, const hk_file *file);
/* Reads hex digits and white space; false where it is something else. */
bool recall_code_read(recall_code *out, const char *text);
/* Of the measures by PDQ, of a query to a plain hash. */
void recall_distances(unsigned out[RECALL_OWN], const recall_reach *reach,
                      const recall_print *query, const hk_hash *entry);
/* Bits; RECALL_FAR where one of the two has no such hash. */
unsigned recall_distance(const recall_method *method, const recall_reach *reach,
                         const recall_print *query, const recall_print *entry);

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
    recall_judgement judged;
} recall_leak;

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
    int radius[RECALL_KINDS]; /* by the kind of the query; -1: none, and nothing is found */
    int exact[RECALL_KINDS];  /* of the query's exact-grid hash, if calibrated; -1: none */
    bool calibrated;          /* they are hk_radius' and hk_exact_radius' */
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
/* "photo", ..., "all" */
const char *recall_kind_name(unsigned kind);
/* How many originals are of the kind, or all. */
size_t recall_of_kind(const recall_run *run, unsigned kind);
/* Bits of a method's hash, as seen. */
unsigned recall_bits(const recall_run *run, size_t method);

#endif
