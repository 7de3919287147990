/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * axis.c - see axis.h.
 *
 * The taps of one PDQ output at position p are the impulse response of two box passes seen from
 * p. A pass averages the pixels from i - (w - h) to i + h - 1, cut at the edges and divided by the
 * number of pixels in it, so the taps are
 *
 *      sum over j in window(p) of  1/|window(p)|  *  [k in window(j)] / |window(j)|
 *
 * and each j adds a constant over a run of k: an array of differences makes this O(w) per output.
 *
 * The exact grid's taps are of the tent that the two passes come near to, put where the output
 * really lies. A picture and its copy at another size then sample the same points. PDQ's own
 * half-width is n / 128. A quarter more was measured to be steadier: the pixels of a small copy
 * blur it by a larger part of a narrow tent.
 */
#include "spectrum/axis.h"

#include "core/error.h"
#include "core/mem.h"

#include <math.h>
#include <string.h>

enum { PDQ_SIDE = 64 };

typedef struct window {
    uint32_t first, end;
} window;

static window box(uint32_t i, uint32_t n)
{
    uint32_t w = n / 128 + (n % 128 != 0);
    uint32_t h = (w + 2) / 2;
    window result = {i > w - h ? i - (w - h) : 0, i + h < n ? i + h : n};
    return result;
}

static hk_status allocate(hk__axis *axis, hk_error *err)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < axis->outputs; i++)
        longest = axis->count[i] > longest ? axis->count[i] : longest;
    axis->stride = (longest + HK__LANES - 1) / HK__LANES * HK__LANES;
    axis->taps = hk__alloc_aligned((size_t)axis->outputs * axis->stride, sizeof *axis->taps);
    if (!axis->taps)
        return hk__fail_memory(err);

    axis->overlap = 1;
    for (uint32_t i = 0, low = 0; i < axis->outputs; i++) {
        while (axis->first[low] + axis->count[low] <= axis->first[i])
            low++;
        axis->overlap = i - low + 1 > axis->overlap ? i - low + 1 : axis->overlap;
    }
    return HK_OK;
}

static hk_status start(hk__axis *axis, uint32_t n, uint32_t m, hk_error *err)
{
    memset(axis, 0, sizeof *axis);
    axis->inputs = n;
    axis->outputs = m;
    axis->first = hk__alloc(m, sizeof *axis->first);
    axis->count = hk__alloc(m, sizeof *axis->count);
    return axis->first && axis->count ? HK_OK : hk__fail_memory(err);
}

hk_status hk__axis_pdq(hk__axis *out, uint32_t n, bool mirrored, hk_error *err)
{
    hk__axis axis;
    double *change = NULL;
    hk_status status = start(&axis, n, PDQ_SIDE, err);
    if (status)
        goto out;

    for (uint32_t i = 0; i < PDQ_SIDE; i++) {
        uint32_t p = (uint32_t)(((uint64_t)i * 2 + 1) * n / (2 * PDQ_SIDE));
        window outer = box(p, n);
        axis.first[i] = box(outer.first, n).first;
        axis.count[i] = box(outer.end - 1, n).end - axis.first[i];
    }
    status = allocate(&axis, err);
    if (status)
        goto out;
    change = hk__alloc((size_t)axis.stride + 1, sizeof *change);
    if (!change) {
        status = hk__fail_memory(err);
        goto out;
    }

    for (uint32_t i = 0; i < PDQ_SIDE; i++) {
        uint32_t p = (uint32_t)(((uint64_t)i * 2 + 1) * n / (2 * PDQ_SIDE));
        window outer = box(p, n);
        memset(change, 0, ((size_t)axis.stride + 1) * sizeof *change);
        for (uint32_t j = outer.first; j < outer.end; j++) {
            window inner = box(j, n);
            double share = 1.0 / (outer.end - outer.first) / (inner.end - inner.first);
            change[inner.first - axis.first[i]] += share;
            change[inner.end - axis.first[i]] -= share;
        }
        double sum = 0;
        for (uint32_t k = 0; k < axis.count[i]; k++) {
            sum += change[k];
            axis.taps[(size_t)i * axis.stride + k] = (float)sum;
        }
    }

    if (mirrored) {
        for (uint32_t i = 0, j = PDQ_SIDE - 1; i <= j; i++, j--) {
            uint32_t first = axis.first[i], count = axis.count[i];
            axis.first[i] = n - axis.first[j] - axis.count[j];
            axis.count[i] = axis.count[j];
            axis.first[j] = n - first - count;
            axis.count[j] = count;
            float *a = axis.taps + (size_t)i * axis.stride,
                  *b = axis.taps + (size_t)j * axis.stride;
            for (uint32_t k = 0; k < axis.stride; k++) {
                float swap = a[k];
                a[k] = b[k];
                b[k] = swap;
            }
            for (int side = 0; side < 2; side++) {
                float *taps = side ? b : a;
                uint32_t length = side ? axis.count[j] : axis.count[i];
                for (uint32_t k = 0; k < length / 2; k++) {
                    float swap = taps[k];
                    taps[k] = taps[length - 1 - k];
                    taps[length - 1 - k] = swap;
                }
            }
        }
    }
out:
    hk__free(change);
    if (status)
        hk__axis_clear(&axis);
    else
        *out = axis;
    return status;
}

/* Integral of the tent 1 - |t| from a to b, -1 <= a <= b <= 1. Never under zero, whatever is
 * rounded, and the same to the bit from -b to -a. */
static double tent(double a, double b)
{
    if (a < 0 && b > 0)
        return tent(a, 0) + tent(0, b);
    return (b - a) * (1 - fabs(a + b) / 2);
}

hk_status hk__axis_exact(hk__axis *out, uint32_t n, hk_error *err)
{
    hk__axis axis;
    hk_status status = start(&axis, n, PDQ_SIDE, err);
    if (status)
        goto out;

    /* In units of 1/512 of an input, in which all places are whole numbers: the tent of output i
     * stands on `middle` and reaches 5n to either side, input k covers [512 k, 512 (k + 1)). */
    const int64_t unit = 512, reach = INT64_C(5) * n, end = unit * n;
    for (uint32_t i = 0; i < PDQ_SIDE; i++) {
        const int64_t middle = (INT64_C(8) * i + 4) * n;
        const int64_t from = middle - reach, to = middle + reach;
        axis.first[i] = from > 0 ? (uint32_t)(from / unit) : 0;
        axis.count[i] = (to < end ? (uint32_t)((to + unit - 1) / unit) : n) - axis.first[i];
    }
    status = allocate(&axis, err);
    if (status)
        goto out;
    for (uint32_t i = 0; i < PDQ_SIDE; i++) {
        const int64_t middle = (INT64_C(8) * i + 4) * n;
        const int64_t from = middle > reach ? -reach : -middle; /* cut at the edges */
        const int64_t to = middle + reach < end ? reach : end - middle;
        const double whole = tent((double)from / (double)reach, (double)to / (double)reach);
        for (uint32_t k = 0; k < axis.count[i]; k++) {
            int64_t a = (axis.first[i] + (int64_t)k) * unit - middle, b = a + unit;
            a = a > from ? a : from;
            b = b < to ? b : to;
            axis.taps[(size_t)i * axis.stride + k] =
                (float)(tent((double)a / (double)reach, (double)b / (double)reach) / whole);
        }
    }
out:
    if (status)
        hk__axis_clear(&axis);
    else
        *out = axis;
    return status;
}

hk_status hk__axis_area(hk__axis *out, uint32_t n, uint32_t m, hk_error *err)
{
    hk__axis axis;
    hk_status status = start(&axis, n, m, err);
    if (status)
        goto out;

    /* In units of 1/m of an input: output i covers [i*n, (i+1)*n), input k covers [k*m, (k+1)*m).
     */
    for (uint64_t i = 0; i < m; i++) {
        axis.first[i] = (uint32_t)(i * n / m);
        axis.count[i] = (uint32_t)(((i + 1) * n + m - 1) / m) - axis.first[i];
    }
    status = allocate(&axis, err);
    if (status)
        goto out;
    for (uint64_t i = 0; i < m; i++)
        for (uint64_t k = 0; k < axis.count[i]; k++) {
            uint64_t from = (axis.first[i] + k) * m, to = from + m;
            from = from > i * n ? from : i * n;
            to = to < (i + 1) * n ? to : (i + 1) * n;
            axis.taps[i * axis.stride + k] = (float)((double)(to - from) / n);
        }
out:
    if (status)
        hk__axis_clear(&axis);
    else
        *out = axis;
    return status;
}

hk_status hk__axis_fold(hk__axis *axis, uint32_t by, hk_error *err)
{
    hk__axis folded;
    hk_status status = start(&folded, (axis->inputs + by - 1) / by, axis->outputs, err);
    if (status)
        goto out;
    for (uint32_t i = 0; i < axis->outputs; i++) {
        folded.first[i] = axis->first[i] / by;
        folded.count[i] = (axis->first[i] + axis->count[i] + by - 1) / by - folded.first[i];
    }
    status = allocate(&folded, err);
    if (status)
        goto out;
    for (uint32_t i = 0; i < axis->outputs; i++) {
        float *taps = folded.taps + (size_t)i * folded.stride;
        for (uint32_t k = 0; k < axis->count[i]; k++)
            taps[(axis->first[i] + k) / by - folded.first[i]] +=
                axis->taps[(size_t)i * axis->stride + k];
    }
out:
    hk__axis_clear(axis);
    if (status)
        hk__axis_clear(&folded);
    else
        *axis = folded;
    return status;
}

void hk__axis_clear(hk__axis *axis)
{
    hk__free(axis->first);
    hk__free(axis->count);
    hk__free(axis->taps);
    memset(axis, 0, sizeof *axis);
}
