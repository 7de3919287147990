/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * duplicates.h - the first file with each content of a run, by SHA-256.
 */
#ifndef HK_BATCH_DUPLICATES_H
#define HK_BATCH_DUPLICATES_H

#include "herken.h"

typedef struct hk__duplicates hk__duplicates;

hk_status hk__duplicates_new(hk__duplicates **out, hk_error *err) HK_MUST_CHECK;
void hk__duplicates_free(hk__duplicates *duplicates);

/* Enters a content under `number`, unless it is known: then *known is set and *first is the number
 * it was entered under. */
hk_status hk__duplicates_enter(bool *known, size_t *first, hk__duplicates *duplicates,
                               const uint8_t sha256[32], size_t number,
                               hk_error *err) HK_MUST_CHECK;

#endif
