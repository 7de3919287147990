/* SPDX-License-Identifier: GPL-3.0-or-later */
/* align.c - one picture through any frame; see align.h. */
#include "align/aligner.h"

#include "core/error.h"
#include "core/mem.h"

hk_status hk_aligner_new(hk_aligner **out, hk_error *err)
{
    hk_aligner *aligner = hk__alloc_aligned(1, sizeof *aligner);
    if (!aligner)
        return hk__fail_memory(err);
    aligner->looks = hk__looks_in_use();
    *out = aligner;
    return HK_OK;
}

void hk_aligner_free(hk_aligner *aligner)
{
    hk__free(aligner);
}

hk_status hk_aligner_take(hk_aligner *aligner, const uint8_t *raster, uint32_t width,
                          uint32_t height, hk_probes probes, hk_error *err)
{
    if (!width || !height || width > HK__RASTER_SIDE || height > HK__RASTER_SIDE)
        return hk__fail(err, HK_ERR_USAGE, "a raster has sides of 1 to %d, not %u x %u",
                        HK__RASTER_SIDE, width, height);
    if (!hk_probes_name(probes))
        return hk__fail(err, HK_ERR_USAGE, "the probes are fast, standard or thorough");
    hk__plane *plane = &aligner->upright;
    plane->width = width;
    plane->height = height;
    for (size_t i = 0; i < (size_t)width * height; i++)
        plane->at[i] = raster[i];
    aligner->angle = 0;
    aligner->has_across = aligner->has_down = false;
    hk__aligner_probe(aligner, probes);
    return HK_OK;
}

const hk__sight *hk__aligner_sights(size_t *count, const hk_aligner *aligner)
{
    *count = aligner->count;
    return aligner->sights;
}

bool hk_aligner_find(hk_alignment *out, hk_aligner *aligner, const hk_hash *entry)
{
    const hk__sight *nearest = NULL;
    unsigned least = HK_CANDIDATE_RADIUS + 1;
    for (size_t i = 0; i < aligner->count; i++) {
        const unsigned distance = hk_hash_distance(&aligner->sights[i].hash, entry);
        if (distance < least) {
            least = distance;
            nearest = &aligner->sights[i];
        }
    }
    if (!nearest)
        return false;
    hk__sight at = *nearest;
    const unsigned distance = hk__aligner_refine(&at, aligner, entry);
    *out = (hk_alignment){.probe = at.probe,
                          .orientation = at.orientation,
                          .inverted = at.inverted,
                          .placement = at.frame,
                          .before = least,
                          .distance = distance,
                          .mean = hk__mean_distance(least, distance)};
    return true;
}

/* The plane turned by this angle; what is held is of one plane only. */
static const hk__plane *plane_of(hk_aligner *aligner, float angle)
{
    if (aligner->angle != angle) {
        if (angle != 0)
            aligner->looks->turn(&aligner->turned, &aligner->upright, angle);
        aligner->angle = angle;
        aligner->has_across = aligner->has_down = false;
    }
    return angle != 0 ? &aligner->turned : &aligner->upright;
}

static void weigh_across(hk__sums *out, const hk_aligner *aligner, const hk_placement *frame)
{
    const double width = aligner->upright.width;
    aligner->looks->weigh(out, aligner->upright.width, -(double)frame->left * width,
                          (1 + (double)frame->right) * width);
}

static void weigh_down(hk__sums *out, const hk_aligner *aligner, const hk_placement *frame)
{
    const double height = aligner->upright.height;
    aligner->looks->weigh(out, aligner->upright.height, -(double)frame->top * height,
                          (1 + (double)frame->bottom) * height);
}

void hk__aligner_hold_across(hk_aligner *aligner, const hk_placement *frame)
{
    const hk__plane *plane = plane_of(aligner, frame->angle);
    weigh_across(&aligner->x, aligner, frame);
    aligner->looks->fold_columns(&aligner->across, plane, &aligner->x);
    aligner->held_across = *frame;
    aligner->has_across = true;
}

void hk__aligner_hold_down(hk_aligner *aligner, const hk_placement *frame)
{
    const hk__plane *plane = plane_of(aligner, frame->angle);
    weigh_down(&aligner->y, aligner, frame);
    aligner->looks->fold_rows(&aligner->down, plane, &aligner->y);
    aligner->held_down = *frame;
    aligner->has_down = true;
}

void hk__aligner_look(float spectrum[HK__SPECTRUM_SIZE], hk_aligner *aligner,
                      const hk_placement *frame)
{
    const hk__plane *plane = plane_of(aligner, frame->angle);
    const hk_placement *down = &aligner->held_down, *across = &aligner->held_across;
    if (aligner->has_down && down->top == frame->top && down->bottom == frame->bottom) {
        weigh_across(&aligner->x, aligner, frame);
        aligner->looks->product(spectrum, &aligner->down, &aligner->x, plane->width);
        return;
    }
    if (!aligner->has_across || across->left != frame->left || across->right != frame->right)
        hk__aligner_hold_across(aligner, frame);
    weigh_down(&aligner->y, aligner, frame);
    aligner->looks->product(spectrum, &aligner->y, &aligner->across, plane->height);
}
