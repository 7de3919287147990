/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * looks_body.h - the source of looks_scalar.c, looks_avx2.c and looks_avx512.c; see looks.h.
 *
 * Included once per instruction set with HK__LOOKS_NAME defined. Sixteen frequencies are one vector
 * of sixteen floats, which the compiler splits as the instruction set has it.
 */
#include "align/looks.h"

#include <math.h>
#include <string.h>

typedef float ways __attribute__((vector_size(HK__WAYS * sizeof(float))));

/* The integral of the tent 1 - |t| from -1 to t. */
static double risen(double t)
{
    if (t <= -1)
        return 0;
    if (t >= 1)
        return 1;
    return t < 0 ? (1 + t) * (1 + t) / 2 : 1 - (1 - t) * (1 - t) / 2;
}

static void weigh(hk__sums *out, uint32_t n, double from, double to)
{
    ways *const sums = (ways *)(void *)out->at;
    const double reach = 1.25 * (to - from) / (2 * HK__GRID_SIDE); /* as the exact grid's */
    for (uint32_t x = 0; x < n; x++)
        sums[x] = (ways){0};
    for (int i = 0; i < HK__GRID_SIDE; i++) {
        const double middle = from + (i + .5) * (to - from) / HK__GRID_SIDE;
        ways cosines;
        memcpy(&cosines, hk__cosines[i], sizeof cosines);
        const int end = (int)ceil(middle + reach);
        double before = 0;
        for (int x = (int)floor(middle - reach); x < end; x++) {
            const double after = risen((x + 1 - middle) / reach);
            const int at = x < 0 ? 0 : x < (int)n ? x : (int)n - 1;
            sums[at] += cosines * (float)(after - before);
            before = after;
        }
    }
}

static void fold_columns(hk__sums *out, const hk__plane *plane, const hk__sums *x)
{
    ways *const sums = (ways *)(void *)out->at;
    const ways *const weight = (const ways *)(const void *)x->at;
    for (uint32_t row = 0; row < plane->height; row++) {
        const float *from = plane->at + (size_t)row * plane->width;
        ways a = {0}, b = {0}, c = {0}, d = {0}; /* four, so that no sum waits for the last */
        uint32_t i = 0;
        for (; i + 4 <= plane->width; i += 4) {
            a += from[i] * weight[i];
            b += from[i + 1] * weight[i + 1];
            c += from[i + 2] * weight[i + 2];
            d += from[i + 3] * weight[i + 3];
        }
        for (; i < plane->width; i++)
            a += from[i] * weight[i];
        sums[row] = (a + b) + (c + d);
    }
}

static void fold_rows(hk__sums *out, const hk__plane *plane, const hk__sums *y)
{
    enum { STRIP = 8 }; /* columns whose sums stay in registers */
    ways *const sums = (ways *)(void *)out->at;
    const ways *const weight = (const ways *)(const void *)y->at;
    uint32_t x = 0;
    for (; x + STRIP <= plane->width; x += STRIP) {
        ways strip[STRIP] = {{0}};
        for (uint32_t row = 0; row < plane->height; row++) {
            const float *from = plane->at + (size_t)row * plane->width + x;
            for (int i = 0; i < STRIP; i++)
                strip[i] += from[i] * weight[row];
        }
        memcpy(sums + x, strip, sizeof strip);
    }
    for (; x < plane->width; x++) {
        ways sum = {0};
        for (uint32_t row = 0; row < plane->height; row++)
            sum += plane->at[(size_t)row * plane->width + x] * weight[row];
        sums[x] = sum;
    }
}

static void product(float spectrum[HK__SPECTRUM_SIZE], const hk__sums *y, const hk__sums *x,
                    uint32_t n)
{
    ways rows[HK__WAYS] = {{0}};
    const ways *const across = (const ways *)(const void *)x->at;
    for (uint32_t k = 0; k < n; k++)
        for (int i = 0; i < HK__WAYS; i++)
            rows[i] += y->at[k][i] * across[k];
    memcpy(spectrum, rows, sizeof rows);
}

static void turn(hk__plane *out, const hk__plane *plane, double degrees)
{
    const double angle = degrees * (3.14159265358979323846 / 180);
    const float c = (float)cos(angle), s = (float)sin(angle);
    const int w = (int)plane->width, h = (int)plane->height;
    const float middle_x = (float)(w - 1) / 2, middle_y = (float)(h - 1) / 2;
    const float last_x = (float)(w - 1), last_y = (float)(h - 1);
    const float *const from = plane->at;
    out->width = plane->width;
    out->height = plane->height;
    for (int y = 0; y < h; y++) {
        float *const row = out->at + (size_t)y * (size_t)w;
        const float dy = (float)y - middle_y;
        for (int x = 0; x < w; x++) {
            const float dx = (float)x - middle_x;
            float u = c * dx + s * dy + middle_x, v = c * dy - s * dx + middle_y;
            u = u < 0 ? 0 : u > last_x ? last_x : u;
            v = v < 0 ? 0 : v > last_y ? last_y : v;
            const int left = (int)u, top = (int)v;
            const int right = left + 1 < w ? left + 1 : left;
            const int below = top + 1 < h ? top + 1 : top;
            const float fu = u - (float)left, fv = v - (float)top;
            const float upper =
                from[top * w + left] + fu * (from[top * w + right] - from[top * w + left]);
            const float lower =
                from[below * w + left] + fu * (from[below * w + right] - from[below * w + left]);
            row[x] = upper + fv * (lower - upper);
        }
    }
}

const hk__looks HK__LOOKS_NAME = {weigh, fold_columns, fold_rows, product, turn};
