/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cuts.c - the hashes of a picture's frames, for those who hold it (hk_cut of herken.h). */
#include "align/aligner.h"

#include "core/hash.h"
#include "model_frames.h"

typedef struct place {
    float scale, across, down;
} place;

static const place places[] = {HK__PDQ_FRAMES};
enum { PLACES = sizeof places / sizeof *places };
_Static_assert(PLACES <= HK_CUTS_MOST, "an entry takes all of them");

bool hk_cut_placement(hk_placement *out, unsigned number)
{
    if (number < 1 || number > PLACES)
        return false;
    const place *p = &places[number - 1];
    const float spare = p->scale - 1; /* margins inwards are negative */
    *out = (hk_placement){spare * p->across, spare * p->down, spare * (1 - p->across),
                          spare * (1 - p->down), 0};
    return true;
}

size_t hk_aligner_cuts(uint8_t out[HK_CUTS_MOST * HK_CUT_SIZE], hk_aligner *aligner)
{
    size_t count = 0;
    hk_placement frame;
    for (unsigned number = 1; hk_cut_placement(&frame, number); number++) {
        float spectrum[HK__SPECTRUM_SIZE];
        hk_fingerprint seen = {0};
        hk__aligner_look(spectrum, aligner, &frame);
        hk__measure(&seen, &hk__model_pdq, spectrum);
        if (seen.flags & HK_FLAG_DEGENERATE || seen.kind != HK_KIND_PHOTO)
            continue;
        const hk_hash hash = hk__bits(spectrum, HK_ORIGINAL);
        uint8_t *at = out + count++ * HK_CUT_SIZE;
        *at = (uint8_t)number;
        hk__hash_to_bytes(at + 1, &hash);
    }
    return count;
}
