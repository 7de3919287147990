/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fingerprint.c - from the grid to everything a verdict needs: hashes, quality, kind, flags.
 *
 * The kind comes from three numbers of the spectrum: its root mean square (brushed steel has far
 * less than a photo), the effective number of coefficients, and how far the coefficients lie from
 * their median (in flags and drawings most sit on it, and their bits hang on rounding).
 */
#include "spectrum/spectrum.h"

#include "core/error.h"
#include "core/mem.h"

#include <math.h>

struct hk_hasher {
    hk__sampler *sampler;
};

int hk__quality(const float grid[HK__GRID_SIZE])
{
    enum { SIDE = HK__GRID_SIDE };
    int sum = 0;
    for (int i = 0; i < SIDE - 1; i++)
        for (int j = 0; j < SIDE; j++) {
            float step = (grid[i * SIDE + j] - grid[(i + 1) * SIDE + j]) * 100 / 255;
            sum += (int)fabsf(step);
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE - 1; j++) {
            float step = (grid[i * SIDE + j] - grid[i * SIDE + j + 1]) * 100 / 255;
            sum += (int)fabsf(step);
        }
    return sum / 90 < 100 ? sum / 90 : 100;
}

static hk_kind kind_of(const hk_fingerprint *fp, const hk__model *model)
{
    if (fp->texture_rms < model->low_texture_rms &&
        fp->effective_coefficients < model->low_texture_coefficients)
        return HK_KIND_LOW_TEXTURE;
    if (fp->spread < model->graphic_spread)
        return HK_KIND_GRAPHIC;
    return HK_KIND_PHOTO;
}

void hk__measure(hk_fingerprint *fp, const hk__model *model,
                 const float spectrum[HK__SPECTRUM_SIZE])
{
    enum { N = HK__SPECTRUM_SIZE };
    float scratch[N];
    double energy = 0, energy2 = 0;
    for (int i = 0; i < N; i++) {
        double e = (double)spectrum[i] * spectrum[i];
        energy += e;
        energy2 += e * e;
    }
    const float rms = (float)sqrt(energy / N);
    const float median = hk__select(spectrum, N / 2 - 1);
    const float band = model->degenerate_band * fmaxf(rms, 1);
    unsigned in_band = 0;
    for (int i = 0; i < N; i++) {
        scratch[i] = fabsf(spectrum[i] - median);
        in_band += scratch[i] < band;
    }
    fp->texture_rms = rms;
    fp->effective_coefficients = energy2 > 0 ? (float)(energy * energy / energy2) : 1;
    fp->spread = rms > 0 ? hk__select(scratch, N / 2 - 1) / rms : 0;
    fp->kind = kind_of(fp, model);
    if (rms < model->flat_rms || in_band > model->degenerate_count)
        fp->flags |= HK_FLAG_DEGENERATE;
}

hk_status hk__fingerprint(hk_fingerprint *out, const hk__model *model,
                          const float grid[HK__GRID_SIZE], hk_error *err)
{
    float spectrum[HK__SPECTRUM_SIZE];
    hk_status status = hk__dct(spectrum, grid, err);
    if (status)
        return status;

    hk_fingerprint fp = {.model = model->info.id, .quality = hk__quality(grid)};
    hk__orientations(fp.hash, spectrum);
    hk__measure(&fp, model, spectrum);
    if (fp.quality < model->low_quality)
        fp.flags |= HK_FLAG_LOW_QUALITY;
    *out = fp;
    return HK_OK;
}

hk_status hk__exact_hashes(hk_hash out[HK_ORIENTATIONS], bool *degenerate, const hk__model *model,
                           const float grid[HK__GRID_SIZE], hk_error *err)
{
    float spectrum[HK__SPECTRUM_SIZE];
    hk_status status = hk__dct(spectrum, grid, err);
    if (status)
        return status;

    hk_fingerprint fp = {0};
    hk__measure(&fp, model, spectrum);
    *degenerate = (fp.flags & HK_FLAG_DEGENERATE) != 0;
    hk__orientations(out, spectrum);
    return HK_OK;
}

const char *hk_kind_name(hk_kind kind)
{
    static const char *const names[] = {"photo", "low_texture", "graphic"};
    return (unsigned)kind < 3 ? names[kind] : NULL;
}

const char *hk_flag_name(unsigned index)
{
    static const char *const names[HK_FLAG_COUNT] = {
        "truncated", "degenerate", "low_quality", "animated", "scaled_decode", "dc_only",
    };
    return index < HK_FLAG_COUNT ? names[index] : NULL;
}

hk_status hk_hasher_new(hk_hasher **out, uint32_t width, uint32_t height, hk_error *err)
{
    const uint32_t most = UINT32_C(1) << 30;
    if (width < 5 || height < 5 || width > most || height > most)
        return hk__fail(err, HK_ERR_USAGE,
                        "a picture of %u x %u pixels has no hash: sides from 5 to 2^30", width,
                        height);
    hk_hasher *hasher = hk__alloc(1, sizeof *hasher);
    if (!hasher)
        return hk__fail_memory(err);
    hk_status status = hk__sampler_grid(&hasher->sampler, width, height, 1, err);
    if (status)
        hk_hasher_free(hasher);
    else
        *out = hasher;
    return status;
}

void hk_hasher_free(hk_hasher *hasher)
{
    if (!hasher)
        return;
    hk__sampler_free(hasher->sampler);
    hk__free(hasher);
}

static hk_status need_rows(const hk_hasher *hasher, hk_error *err)
{
    if (hk__sampler_rows_left(hasher->sampler) == 0)
        return hk__fail(err, HK_ERR_USAGE, "all rows of the picture are in: finish it first");
    return HK_OK;
}

hk_status hk_hasher_row_u8(hk_hasher *hasher, const uint8_t *row, hk_error *err)
{
    hk_status status = need_rows(hasher, err);
    if (!status)
        hk__sampler_row_u8(hasher->sampler, row);
    return status;
}

hk_status hk_hasher_row_f32(hk_hasher *hasher, const float *row, hk_error *err)
{
    hk_status status = need_rows(hasher, err);
    if (!status)
        hk__sampler_row_f32(hasher->sampler, row);
    return status;
}

hk_status hk_hasher_finish(hk_fingerprint *out, hk_hasher *hasher, hk_error *err)
{
    if (hk__sampler_rows_left(hasher->sampler))
        return hk__fail(err, HK_ERR_USAGE, "%u rows of the picture are missing",
                        hk__sampler_rows_left(hasher->sampler));
    const float *grid = hk__sampler_finish(NULL, NULL, hasher->sampler);
    for (int i = 0; i < HK__GRID_SIZE; i++)
        if (!(grid[i] >= -1 && grid[i] <= 256)) /* not a number fails too */
            return hk__fail(err, HK_ERR_USAGE, "luma goes from 0 to 255");
    return hk__fingerprint(out, &hk__model_pdq, grid, err);
}
