/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file_text.h - a file and what it matched, for people.
 */
#ifndef HERKEN_FILE_TEXT_H
#define HERKEN_FILE_TEXT_H

#include "herken.h"

/* On stdout: a line for the file, and one for each entry that it matched. Without `all`, nothing
 * for files that were checked and matched nothing, or are out of scope. entries: that a look-up
 * goes through. False when it cannot be written. */
bool file_text_print(const hk_file *file, bool all, uint64_t entries);

/* Whether there is anything of it to be printed without `all`. */
bool file_text_has(const hk_file *file);

#endif
