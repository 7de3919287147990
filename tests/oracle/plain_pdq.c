/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain_pdq.c - see plain_pdq.h. */
#include "plain_pdq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void box(double *out, const double *in, int n, int stride)
{
    const int w = (n + 127) / 128, h = (w + 2) / 2;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        int count = 0;
        for (int k = i - (w - h); k <= i + h - 1; k++)
            if (k >= 0 && k < n) {
                sum += in[(size_t)k * (size_t)stride];
                count++;
            }
        out[(size_t)i * (size_t)stride] = sum / count;
    }
}

void plain_grid(double grid[64 * 64], const double *luma, int rows, int cols)
{
    const size_t size = (size_t)rows * (size_t)cols;
    double *a = malloc(size * sizeof *a), *b = malloc(size * sizeof *b);
    memcpy(a, luma, size * sizeof *a);
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < rows; y++)
            box(b + (size_t)y * (size_t)cols, a + (size_t)y * (size_t)cols, cols, 1);
        for (int x = 0; x < cols; x++)
            box(a + x, b + x, rows, cols);
    }
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++)
            grid[i * 64 + j] = a[(size_t)(int)((i + 0.5) * rows / 64) * (size_t)cols +
                                 (size_t)(int)((j + 0.5) * cols / 64)];
    free(a);
    free(b);
}

/* How much of a tent of half-width 1 lies below t. */
static double below(double t)
{
    if (t <= -1 || t >= 1)
        return t > 0;
    return t < 0 ? (1 + t) * (1 + t) / 2 : 1 - (1 - t) * (1 - t) / 2;
}

/* weights[i * n + k]: of input k of n in output i of 64. */
static double *exact_weights(int n)
{
    double *weights = malloc(64 * (size_t)n * sizeof *weights);
    for (int i = 0; i < 64; i++) {
        const double centre = (i + 0.5) * n / 64, half = 1.25 * n / 128;
        double *row = weights + (size_t)i * (size_t)n, sum = 0;
        for (int k = 0; k < n; k++)
            sum += row[k] = below((k + 1 - centre) / half) - below((k - centre) / half);
        for (int k = 0; k < n; k++)
            row[k] /= sum;
    }
    return weights;
}

void plain_exact_grid(double grid[64 * 64], const double *luma, int rows, int cols)
{
    double *x = exact_weights(cols), *y = exact_weights(rows);
    double *narrow = malloc((size_t)rows * 64 * sizeof *narrow);
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < 64; j++) {
            double sum = 0;
            for (int c = 0; c < cols; c++)
                sum += x[(size_t)j * (size_t)cols + (size_t)c] *
                       luma[(size_t)r * (size_t)cols + (size_t)c];
            narrow[r * 64 + j] = sum;
        }
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            grid[i * 64 + j] = 0;
            for (int r = 0; r < rows; r++)
                grid[i * 64 + j] += y[(size_t)i * (size_t)rows + (size_t)r] * narrow[r * 64 + j];
        }
    free(x);
    free(y);
    free(narrow);
}

int plain_quality(const double grid[64 * 64])
{
    int sum = 0;
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 64; j++) {
            const float u = (float)grid[i * 64 + j];
            if (i < 63)
                sum += abs((int)((u - (float)grid[(i + 1) * 64 + j]) * 100 / 255));
            if (j < 63)
                sum += abs((int)((u - (float)grid[i * 64 + j + 1]) * 100 / 255));
        }
    return sum / 90 > 100 ? 100 : sum / 90;
}

void plain_dct(double spectrum[256], const double grid[64 * 64])
{
    double d[16][64], half[16][64];
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 64; j++)
            d[i][j] = sqrt(2.0 / 64) * cos(M_PI / 128 * (i + 1) * (2 * j + 1));
    for (int i = 0; i < 16; i++)
        for (int c = 0; c < 64; c++) {
            half[i][c] = 0;
            for (int r = 0; r < 64; r++)
                half[i][c] += d[i][r] * grid[r * 64 + c];
        }
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            spectrum[i * 16 + j] = 0;
            for (int c = 0; c < 64; c++)
                spectrum[i * 16 + j] += half[i][c] * d[j][c];
        }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double plain_median(const double spectrum[256])
{
    double sorted[256];
    memcpy(sorted, spectrum, sizeof sorted);
    qsort(sorted, 256, sizeof *sorted, by_value);
    return sorted[127];
}

void plain_turn(double out[64 * 64], const double grid[64 * 64], int orientation)
{
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 64; x++) {
            const int v = 63 - y, u = 63 - x;
            /* original, rotate90 (counter-clockwise), rotate180, rotate270, flipx (top to bottom),
             * flipy (left to right), flipplus1 (transposed), flipminus1 (the other diagonal) */
            const int from[8][2] = {{y, x}, {x, v}, {v, u}, {u, y}, {v, x}, {y, u}, {x, y}, {u, v}};
            (void)u;
            out[y * 64 + x] = grid[from[orientation][0] * 64 + from[orientation][1]];
        }
}

/* ---- patterns ------------------------------------------------------------------------------ */

static const char *const names[] = {
    "black",    "white",   "gradient_x", "gradient_y", "gradient_xy", "stripes",    "checker",
    "ramp_mod", "product", "rings",      "noise",      "blocks",      "photo_like",
};

const char *pattern_name(int index)
{
    return index >= 0 && index < (int)(sizeof names / sizeof *names) ? names[index] : NULL;
}

static uint32_t corner(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t v = a * 374761393u + b * 668265263u + c * 2246822519u;
    v = (v ^ v >> 13) * 1274126177u;
    return (v ^ v >> 16) & 255;
}

static int photo_like(int x, int y)
{
    int sum = 0;
    for (int o = 0; o < 5; o++) {
        const int cell = 128 >> o, cx = x / cell, cy = y / cell, fx = x % cell, fy = y % cell;
        const int a = (int)corner((uint32_t)cx, (uint32_t)cy, (uint32_t)o);
        const int b = (int)corner((uint32_t)cx + 1, (uint32_t)cy, (uint32_t)o);
        const int c = (int)corner((uint32_t)cx, (uint32_t)cy + 1, (uint32_t)o);
        const int d = (int)corner((uint32_t)cx + 1, (uint32_t)cy + 1, (uint32_t)o);
        const int value =
            ((a * (cell - fx) + b * fx) * (cell - fy) + (c * (cell - fx) + d * fx) * fy) /
            (cell * cell);
        sum += value >> o;
    }
    return sum / 2 > 255 ? 255 : sum / 2;
}

static int pixel(int pattern, int x, int y, int w, int h)
{
    switch (pattern) {
    case 1:
        return 255;
    case 2:
        return x * 255 / (w - 1);
    case 3:
        return y * 255 / (h - 1);
    case 4:
        return (x + y) * 255 / (w + h - 2);
    case 5:
        return (x / 8) & 1 ? 255 : 0;
    case 6:
        return ((x / 8) + (y / 8)) & 1 ? 255 : 0;
    case 7:
        return (7 * x + 13 * y) & 255;
    case 8:
        return x * y % 251;
    case 9: {
        const int dx = 2 * x - w, dy = 2 * y - h;
        return (dx * dx + dy * dy) / 64 & 255;
    }
    case 11: {
        uint32_t b = (uint32_t)(y * 8 / h * 8 + x * 8 / w);
        b = b * 2654435761u + 12345u;
        b ^= b >> 15;
        b *= 2246822519u;
        return (int)(b >> 24);
    }
    case 12:
        return photo_like(x, y);
    default:
        return 0;
    }
}

int pattern_draw(uint8_t *pixels, const char *name, int rows, int cols)
{
    int pattern = 0;
    while (pattern_name(pattern) && strcmp(pattern_name(pattern), name))
        pattern++;
    if (!pattern_name(pattern))
        return 0;
    uint32_t s = 42;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++) {
            s = s * 1664525u + 1013904223u;
            pixels[(size_t)y * (size_t)cols + (size_t)x] =
                (uint8_t)(pattern == 10 ? (int)(s >> 24) : pixel(pattern, x, y, cols, rows));
        }
    return 1;
}
