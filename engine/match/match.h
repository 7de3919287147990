/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.h - from what is known of one file to its verdict (CONTRACT: exact, near, none,
 * not_checked).
 *
 * A matcher is frozen once made; any number of threads may judge with it, each with a verdict of
 * its own.
 */
#ifndef HK_MATCH_MATCH_H
#define HK_MATCH_MATCH_H

#include "herken.h"

/* What a verdict is made from. fingerprint is looked at only if hashed. */
typedef struct hk__evidence {
    hk_file_status status;
    unsigned flags; /* HK_FLAG_*: of the file and of the fingerprint */
    bool hashed;
    const hk_fingerprint *fingerprint;
    hk_digests digests;
} hk__evidence;

typedef struct hk__judgement {
    hk_verdict verdict;
    const char *reason; /* why not_checked; static; NULL otherwise */
    hk_match *matches;  /* owned; exact first, then by distance; free with hk__judgement_clear */
    size_t count;
    bool truncated;
} hk__judgement;

/* Judges; *out is overwritten. */
hk_status hk__judge(hk__judgement *out, const hk_matcher *matcher, const hk__evidence *evidence,
                    hk_error *err) HK_MUST_CHECK;
void hk__judgement_clear(hk__judgement *judgement);

/* The digests this matcher's lists hold: an or of HK_DIGEST_*. */
unsigned hk__matcher_digests(const hk_matcher *matcher);

#endif
