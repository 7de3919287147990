/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calibrate.h - the commands of calibrate (calibrate.c says what each is for), and what they share.
 * Commands return the exit code: 1: a test failed; 2: wrong input, with words on stderr.
 */
#ifndef CALIBRATE_CALIBRATE_H
#define CALIBRATE_CALIBRATE_H

#include "tail.h"

/* table, near: paths of the table of hashes and of what strangers_find wrote. */
int calibrate_aligned(const images *all, const char *table, const char *near, const char *date);
int calibrate_aligned_split(const images *all, const char *near);
/* Prints how near copies come: hashes: lines of NAME,HASH; the copies are FOLDER/NAME/EDIT.*. */
int calibrate_copies(const char *hashes, const char *folder, const char *worker);
/* Of what calibrate_copies printed, the share that is found with each budget of false matches on a
 * list of so many entries. */
int calibrate_curve(const char *copies, const char *entries);

/* The SHA-256 of a file, to stdout; false: it cannot be read. */
bool calibrate_print_digest(const char *path);
/* Prints what was observed nearer than `end` beside its bound; 1: significantly over it. */
int calibrate_report(const char *what, const tail_table *bounds, const tally *counts,
                     uint64_t clusters, unsigned end);

#endif
