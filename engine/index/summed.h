/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summed.h - files with their SHA-256 beside them, in PATH.sha256, as sha256sum writes and checks
 * them.
 *
 * For formats whose readers trust what they read. The digest tells damage and mix-ups, not a
 * forger, who can write both files.
 */
#ifndef HK_INDEX_SUMMED_H
#define HK_INDEX_SUMMED_H

#include "herken.h"

#include <stdio.h>

/* Writes a file and its digest: both beside their places first, synced, then renamed. If that stops
 * between the two, the digest is wrong and the file is refused. `fill` writes into the stream and
 * reports like every other function. */
hk_status hk__summed_write(const char *path, const char *like,
                           hk_status (*fill)(const void *context, FILE *stream, hk_error *err),
                           const void *context, hk_error *err) HK_MUST_CHECK;

/* The bytes of a file, read into memory once and checked there, so that nobody can change them
 * between check and use. Owned, free with hk__free. HK_ERR_FORMAT where the digest is missing, is
 * none, or is another. */
hk_status hk__summed_read(uint8_t **out, size_t *size, const char *path,
                          hk_error *err) HK_MUST_CHECK;

#endif
