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
 */
#include "spectrum/axis.h"

#include "core/error.h"
#include "core/mem.h"

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

void hk__axis_clear(hk__axis *axis)
{
    hk__free(axis->first);
    hk__free(axis->count);
    hk__free(axis->taps);
    memset(axis, 0, sizeof *axis);
}
