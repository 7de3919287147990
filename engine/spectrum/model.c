/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model.c - the hash models this build knows, in the order they are listed.
 *
 * The numbers are those of models/<id>/model.json, calibration.csv and aligned.csv; the build turns
 * each file into the constants included here, with the SHA-256 of the file, so there is one place
 * to change and one to check.
 */
#include "spectrum/spectrum.h"

#include "model_pdq.h"

const hk__model hk__model_pdq = {
    .info = {HK__PDQ_ID, HK__PDQ_CHECKSUM, HK_HASH_BITS, HK__PDQ_MAX_DISTANCE,
             HK__PDQ_CALIBRATION_CHECKSUM, HK__PDQ_ALIGNED_CHECKSUM},
    .degenerate_band = HK__PDQ_DEGENERATE_BAND,
    .degenerate_count = HK__PDQ_DEGENERATE_COUNT,
    .flat_rms = HK__PDQ_FLAT_RMS,
    .low_quality = HK__PDQ_LOW_QUALITY,
    .low_texture_rms = HK__PDQ_LOW_TEXTURE_RMS,
    .low_texture_coefficients = HK__PDQ_LOW_TEXTURE_COEFFICIENTS,
    .graphic_spread = HK__PDQ_GRAPHIC_SPREAD,
    .chance = {[HK_KIND_PHOTO] = {HK__PDQ_CHANCE_PHOTO},
               [HK_KIND_LOW_TEXTURE] = {HK__PDQ_CHANCE_LOW_TEXTURE},
               [HK_KIND_GRAPHIC] = {HK__PDQ_CHANCE_GRAPHIC}},
    .measured = {[HK_KIND_PHOTO] = HK__PDQ_CHANCE_PHOTO_MEASURED,
                 [HK_KIND_LOW_TEXTURE] = HK__PDQ_CHANCE_LOW_TEXTURE_MEASURED,
                 [HK_KIND_GRAPHIC] = HK__PDQ_CHANCE_GRAPHIC_MEASURED},
    .aligned = {[HK_PROBES_FAST] = {HK__PDQ_ALIGNED_FAST},
                [HK_PROBES_STANDARD] = {HK__PDQ_ALIGNED_STANDARD},
                [HK_PROBES_THOROUGH] = {HK__PDQ_ALIGNED_THOROUGH}},
    .aligned_measured = {[HK_PROBES_FAST] = HK__PDQ_ALIGNED_FAST_MEASURED,
                         [HK_PROBES_STANDARD] = HK__PDQ_ALIGNED_STANDARD_MEASURED,
                         [HK_PROBES_THOROUGH] = HK__PDQ_ALIGNED_THOROUGH_MEASURED},
};

const hk_model_info *hk_model(unsigned index)
{
    return index == 0 ? &hk__model_pdq.info : NULL;
}
