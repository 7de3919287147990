/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.h - from what is known of one file to its verdict (CONTRACT: exact, near, none,
 * not_checked).
 *
 * What lists of known images hit, and what lists of known-good material hit, decide:
 *
 *      known     known-good     verdict     known_good   conflict
 *      digest    -              exact       -            -
 *      digest    near           exact       -            yes
 *      digest    digest         exact       yes          yes
 *      near      -              near        -            -
 *      near      near           near        -            yes
 *      near      digest         none        yes          yes
 *      -         digest         none        yes          -
 *      -         near           as nothing: a hash near good material proves nothing
 *      -         -              by the file itself:
 *                                 hashed              none
 *                                 hashed, uncertain   not_checked; none if those are accepted
 *                                 hashed, of a kind   the same: its hash was not looked up
 *                                   without a radius
 *                                   (a view of it is enough for either)
 *                                 skipped             none if a known list could have had one of
 *                                                     its digests, else not_checked
 *                                 failed              not_checked
 *
 * Near is a plain or an exact hash or, where no list of known images hits by these or a digest, a
 * probe of the picture through another frame, once it is aligned (aligned.h). Known-good lists are
 * not searched by those.
 *
 * A list that hits by digest and by hash counts as a digest. The upper half holds for every file,
 * the uncertain and the failed too: only its last two rows look at how it fared.
 *
 * A matcher is frozen once made; any number of threads may judge with it, each with a verdict and a
 * room of its own.
 */
#ifndef HK_MATCH_MATCH_H
#define HK_MATCH_MATCH_H

#include "herken.h"

/* One picture of the file. Everything is borrowed. */
typedef struct hk__view {
    const hk_fingerprint *fingerprint;
    const hk_hash *exact;  /* [HK_ORIENTATIONS], of the exact grid; NULL: none, or degenerate */
    const uint8_t *raster; /* as in hk_view; NULL: none */
    uint32_t raster_width, raster_height;
    unsigned frame; /* as in hk_view; for the matches that it leads to */
    hk_backdrop backdrop;
} hk__view;

/* What a verdict is made from: the best over the views. */
typedef struct hk__evidence {
    hk_file_status status;
    unsigned flags;        /* HK_FLAG_*: of the file and of all its fingerprints */
    const hk__view *views; /* [view_count] */
    size_t view_count;     /* 0..HK_VIEWS_MOST; 0: not hashed */
    hk_digests digests;
} hk__evidence;

typedef struct hk__judgement {
    hk_verdict verdict;
    const char *reason; /* why not_checked; static; NULL otherwise */
    hk_match *matches;  /* owned; digests first, then by distance; free with hk__judgement_clear */
    size_t count;
    bool truncated;       /* max_matches cut the matches, known-good ones first */
    bool known_good;      /* a digest is in a known-good list */
    bool conflict;        /* lists of both sorts hit */
    double false_matches; /* expected of this look-up, were the file unknown */
} hk__judgement;

/* What one thread works in; {0} is an empty one, which grows to half a megabyte with the first
 * picture that is aligned. */
typedef struct hk__judge_room {
    hk_aligner *aligner; /* owned; NULL: none yet */
} hk__judge_room;
void hk__judge_room_clear(hk__judge_room *room);

/* Judges; *out is overwritten. HK_ERR_FORMAT: a list's snapshot or store is damaged; HK_ERR_USAGE:
 * a list brought an index that may miss what is near. */
hk_status hk__judge(hk__judgement *out, hk__judge_room *room, const hk_matcher *matcher,
                    const hk__evidence *evidence, hk_error *err) HK_MUST_CHECK;
void hk__judgement_clear(hk__judgement *judgement);

/* The digests this matcher's lists hold: an or of HK_DIGEST_*. */
unsigned hk__matcher_digests(const hk_matcher *matcher);
/* Whether it looks up hashes of exact grids, and probes of rasters. */
bool hk__matcher_wants_exact(const hk_matcher *matcher);
bool hk__matcher_wants_raster(const hk_matcher *matcher);

#endif
