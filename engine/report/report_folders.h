/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_folders.h - which folders are densest with hits, from files in the order of their paths.
 *
 * Files of one folder do not follow each other (a/b, a/c/d, a/e), but everything below a folder
 * does: so the folders that are open make a stack, as deep as paths are, and a folder that is left
 * is whole. Of those the densest are kept, so that memory does not grow with the evidence.
 *
 * A file belongs to the folder it lies in, not to those above; an archive is a folder. Density is
 * the share of hits that the numbers bear out: the lower end of its 95 % interval (Wilson). So one
 * hit of one file does not stand above 90 of 100.
 */
#ifndef HK_REPORT_REPORT_FOLDERS_H
#define HK_REPORT_REPORT_FOLDERS_H

#include "report/report_draw.h"

enum { HK__FOLDERS_MOST = 200 };

typedef struct hk__folder {
    hk__kept_words path; /* empty: files that were named by themselves */
    uint64_t files, exact, near;
    double borne_out; /* 0..1 */
} hk__folder;

typedef struct hk__folders hk__folders;

hk_status hk__folders_new(hk__folders **out, hk_error *err) HK_MUST_CHECK;
void hk__folders_free(hk__folders *folders);

/* Files by the bytes of their paths, each once. */
hk_status hk__folders_add(hk__folders *folders, const char *path, hk_verdict verdict,
                          hk_error *err) HK_MUST_CHECK;

/* After the last: the densest first, at most HK__FOLDERS_MOST; borrowed. *with_hits: folders that
 * have one; *all: folders with files in them. */
hk_status hk__folders_end(const hk__folder **out, size_t *count, uint64_t *with_hits, uint64_t *all,
                          hk__folders *folders, hk_error *err) HK_MUST_CHECK;

#endif
