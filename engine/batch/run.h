/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.h - a run that is kept in a case (hk_case_run), as its parts see it.
 *
 *      run_settings.c   what decides the results: kept in a new case, compared with an old one's
 *      run_inputs.c     where the evidence lies, and that the case does not lie in it
 *      run.c            the phases: planning, running, grouping, finished
 *      run_files.c      running: open files --> checker --> contents and files of the case
 *
 * One thread does all of this; the checker has threads of its own. What is done goes to the disk
 * once a second, whatever is still in hand, so that a kill costs no more than that second.
 */
#ifndef HK_BATCH_RUN_H
#define HK_BATCH_RUN_H

#include "case/case.h"

/* ---- inputs (run_inputs.c) ----------------------------------------------------------------- */

typedef struct hk__input {
    char *given;    /* as the person named it; paths in the case begin with it */
    char *absolute; /* where it really lies, links followed; of what is not there: where it would */
} hk__input;

typedef struct hk__inputs {
    hk__input *input;
    size_t count;
} hk__inputs;

/* Where the paths lie, in their order. What really lies in the same place as another, or inside a
 * folder that is named as well, is taken once: the outermost, and of equals the first. */
hk_status hk__inputs_find(hk__inputs *out, const char *const *paths, size_t count,
                          hk_error *err) HK_MUST_CHECK;
/* Those of the case. */
hk_status hk__inputs_of_case(hk__inputs *out, hk_case *c, hk_error *err) HK_MUST_CHECK;
void hk__inputs_clear(hk__inputs *inputs);

/* HK_ERR_USAGE where the case lies, or would lie, in what is to be searched. */
hk_status hk__inputs_keep_clear(const hk__inputs *inputs, const char *case_path,
                                hk_error *err) HK_MUST_CHECK;
/* HK_ERR_IO where a folder of the case's, of which files are left to be done, is not there or is
 * empty: a disk that is not mounted. Going on would settle all of them as vanished. */
hk_status hk__inputs_are_there(const hk__inputs *of_case, hk_case *c, hk_error *err) HK_MUST_CHECK;
/* HK_ERR_USAGE where these are not the case's, in whatever order. */
hk_status hk__inputs_compare(const hk__inputs *inputs, const hk__inputs *of_case, const hk_case *c,
                             hk_error *err) HK_MUST_CHECK;

/* Where a file of the case lies now, whatever folder this process works in: owned by the caller,
 * NULL when out of memory. */
char *hk__input_place(const hk__input *input, const char *path);

/* ---- settings (run_settings.c) ------------------------------------------------------------- */

/* What is out of range, or does not fit together. */
hk_status hk__run_check(const hk_run_options *options, hk_error *err) HK_MUST_CHECK;
/* How many workers of which size, within what the options allow. */
void hk__run_size(unsigned *workers, uint64_t *worker_memory, const hk_run_options *options);
/* Those that were not chosen become the case's. */
hk_status hk__run_take_settings(hk_run_options *options, hk_case *c, hk_error *err) HK_MUST_CHECK;
/* Keeps the settings, or compares them with the case's (hk__case_setting): without a matcher only
 * those that were chosen. */
hk_status hk__run_keep_settings(hk_case *c, const hk_run_options *options,
                                const hk_matcher *matcher, hk_error *err) HK_MUST_CHECK;
/* Notes the lists in a case that is being planned; or compares them with the case's: HK_ERR_USAGE
 * names what differs. */
hk_status hk__run_keep_lists(hk_case *c, const hk_run_options *options, bool fresh,
                             hk_error *err) HK_MUST_CHECK;

/* ---- a run --------------------------------------------------------------------------------- */

typedef struct hk__run {
    hk_run_options *options; /* a copy of the caller's */
    hk_matcher *matcher;     /* owned; NULL: no lists */
    hk_case *c;
    hk__inputs inputs; /* of the case */
    unsigned workers;
    uint64_t worker_memory;
    int64_t session;
    uint64_t walked;            /* files that the walk saw, those of other shards too */
    hk_progress progress;       /* as last told, or to be */
    uint64_t started, told;     /* hk__clock_ns */
    uint64_t committed, ticked; /* the same */
} hk__run;

/* Counts and phase are the caller's; about 10 times a second it goes to on_progress. */
void hk__run_tell(hk__run *run);
/* Commits once a second, and notes how far it is for the time line. */
hk_status hk__run_keep_going(hk__run *run, hk_error *err) HK_MUST_CHECK;

/* Reads, checks and settles every file that is left (run_files.c). */
hk_status hk__run_files(hk__run *run, hk_error *err) HK_MUST_CHECK;

#endif
