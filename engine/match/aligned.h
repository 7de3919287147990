/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aligned.h - inside matching: the second look-up of a file, through other frames.
 *
 *      a view's raster -> its probes (align/) -> one search in each list of known images ->
 *      entries, each by its nearest hashes -> refined against these -> finds, where the mean of
 *      the probe's distance and the refined one is within the aligned radius
 *
 * It is made only where no list of known images was hit by a digest, a plain or an exact hash, and
 * where their indexes can be searched that far (match.c: can_align).
 * Known-good lists are not searched so: what looks like good material once it is aligned proves
 * nothing. Probes are of frames that show a photo, whatever the whole is (a photo in a wide border
 * is none), so a match counts as one of a photo.
 *
 * The search goes as far as HK_CANDIDATE_RADIUS, or twice the aligned radius: beyond that no mean
 * is within it. Of a probe come the HK__CANDIDATES_OF_PROBE nearest hashes, and of a view and a
 * list the HK__CANDIDATES nearest entries are refined, each against its HK__HASHES_OF_CANDIDATE
 * nearest hashes (of its frames, the first one found is often not the one it fits), in half a
 * millisecond each. Unrelated entries are few: the bounds are for lists that hold an image many
 * times, where any of them tells, and for hostile ones.
 */
#ifndef HK_MATCH_ALIGNED_H
#define HK_MATCH_ALIGNED_H

#include "match/finds.h"
#include "match/match.h"

enum { HK__CANDIDATES_OF_PROBE = 16, HK__CANDIDATES = 16, HK__HASHES_OF_CANDIDATE = 3 };

/* Adds what the views come to once aligned. looks[evidence->view_count]: their radii; a view that
 * turns out to have no probes loses that of the aligned. */
hk_status hk__finds_aligned(hk__finds *all, hk__look *looks, hk__judge_room *room,
                            const hk_matcher *matcher, const hk__evidence *evidence,
                            hk_error *err) HK_MUST_CHECK;

#endif
