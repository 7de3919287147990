/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recall_methods.c - how far two pictures are apart, by each method; see recall.h.
 *
 * The two baselines are what most programs mean by a perceptual and a difference hash, made from
 * the grey raster (256 pixels at the most) by averaging over the area of each cell:
 *
 *   dct64    32x32 cells, DCT-II, the 8x8 coefficients of frequencies 1..8 each way, a bit each: is
 *            it above their median?
 *   dhash64  9x8 cells, a bit for each two neighbours in a row: is the left one darker?
 */
#include "recall.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DCT_SIDE = 32, DCT_KEPT = 8, MOST_CELLS = DCT_SIDE * DCT_SIDE };

/* ---- small hashes -------------------------------------------------------------------------- */

/* Means over columns x rows cells; pixels that two cells share are shared out. */
static void shrink(double *cells, unsigned columns, unsigned rows, const hk_file *file)
{
    const unsigned width = file->raster_width, height = file->raster_height;
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < columns; c++) {
            const double top = (double)r * height / rows, bottom = (double)(r + 1) * height / rows;
            const double left = (double)c * width / columns;
            const double right = (double)(c + 1) * width / columns;
            double sum = 0;
            for (unsigned y = (unsigned)top; y < height && y < bottom; y++) {
                const double h = fmin(bottom, y + 1) - fmax(top, y);
                for (unsigned x = (unsigned)left; x < width && x < right; x++)
                    sum += h * (fmin(right, x + 1) - fmax(left, x)) *
                           file->raster[(size_t)y * width + x];
            }
            cells[r * columns + c] = sum / ((bottom - top) * (right - left));
        }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t dct_hash(const hk_file *file)
{
    double cells[MOST_CELLS], half[DCT_KEPT][DCT_SIDE], kept[64], sorted[64];
    double wave[DCT_KEPT][DCT_SIDE];
    shrink(cells, DCT_SIDE, DCT_SIDE, file);
    for (int k = 0; k < DCT_KEPT; k++)
        for (int i = 0; i < DCT_SIDE; i++)
            wave[k][i] = cos(3.14159265358979323846 / DCT_SIDE * (i + .5) * (k + 1));
    for (int k = 0; k < DCT_KEPT; k++)
        for (int x = 0; x < DCT_SIDE; x++) {
            half[k][x] = 0;
            for (int y = 0; y < DCT_SIDE; y++)
                half[k][x] += wave[k][y] * cells[y * DCT_SIDE + x];
        }
    for (int k = 0; k < DCT_KEPT; k++)
        for (int j = 0; j < DCT_KEPT; j++) {
            double *sum = &kept[k * DCT_KEPT + j];
            *sum = 0;
            for (int x = 0; x < DCT_SIDE; x++)
                *sum += wave[j][x] * half[k][x];
        }
    memcpy(sorted, kept, sizeof sorted);
    qsort(sorted, 64, sizeof *sorted, by_value);
    uint64_t hash = 0;
    for (int i = 0; i < 64; i++)
        hash |= (uint64_t)(kept[i] > (sorted[31] + sorted[32]) / 2) << i;
    return hash;
}

static uint64_t gradient_hash(const hk_file *file)
{
    enum { COLUMNS = 9, ROWS = 8 };
    double cells[COLUMNS * ROWS];
    uint64_t hash = 0;
    shrink(cells, COLUMNS, ROWS, file);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS - 1; c++)
            hash |= (uint64_t)(cells[r * COLUMNS + c] < cells[r * COLUMNS + c + 1])
                    << (r * (COLUMNS - 1) + c);
    return hash;
}

void recall_print_take(recall_print *out, const hk_file *file)
{
    *out = (recall_print){.hashed = file->hashed};
    if (!file->hashed)
        return;
    out->kind = file->fingerprint.kind;
    memcpy(out->hash, file->fingerprint.hash, sizeof out->hash);
    out->has_exact = file->has_exact_hash;
    memcpy(out->exact, file->exact_hash, sizeof out->exact);
    out->has_small = file->raster != NULL;
    if (out->has_small) {
        out->dct = dct_hash(file);
        out->gradient = gradient_hash(file);
    }
}

bool recall_code_read(recall_code *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    recall_code code = {0};
    const size_t before = strspn(text, " \t\r\n");
    const char *p = text + before;
    for (; *p && !strchr(" \t\r\n", *p); p++) {
        const char *digit = strchr(digits, *p >= 'A' && *p <= 'F' ? *p + 32 : *p);
        if (!digit || code.bits == RECALL_MOST_BITS)
            return false;
        code.byte[code.bits / 8] |= (uint8_t)((digit - digits) << (code.bits % 8 ? 0 : 4));
        code.bits += 4;
    }
    if (!code.bits || p[strspn(p, " \t\r\n")])
        return false;
    *out = code;
    return true;
}

/* ---- distances ----------------------------------------------------------------------------- */

static unsigned nearer(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Over eight orientations. */
static unsigned nearest_of(unsigned *farthest, const hk_hash turned[HK_ORIENTATIONS],
                           const hk_hash *entry)
{
    unsigned low = HK_HASH_BITS;
    *farthest = 0;
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        const unsigned distance = hk_hash_distance(&turned[o], entry);
        low = nearer(low, distance);
        *farthest = distance > *farthest ? distance : *farthest;
    }
    return low;
}

void recall_near_take(recall_near *out, const recall_print *query, const hk_hash *entry)
{
    unsigned farthest;
    *out = (recall_near){.upright = hk_hash_distance(&query->hash[HK_ORIGINAL], entry),
                         .turned = nearest_of(&farthest, query->hash, entry),
                         .exact = RECALL_FAR};
    out->plain = nearer(out->turned, HK_HASH_BITS - farthest);
    if (query->has_exact) {
        out->exact = nearest_of(&farthest, query->exact, entry);
        out->exact = nearer(out->exact, HK_HASH_BITS - farthest);
    }
    for (int set = 0; set < HK_PROBES_SETS; set++)
        out->aligned[set] = HK_HASH_BITS;
    out->cut_plain = out->cut_exact = out->cut_aligned = RECALL_FAR;
}

void recall_near_cuts(recall_near *out, const recall_print *query, const recall_print *entry)
{
    out->cuts = true;
    for (size_t i = 0; i < entry->cut_count; i++) {
        recall_near cut;
        recall_near_take(&cut, query, &entry->cut[i]);
        out->cut_plain = nearer(out->cut_plain, cut.plain);
        out->cut_exact = nearer(out->cut_exact, cut.exact);
    }
}

/* The first stage, and where that finds nothing the second: so either. */
static bool is_match(const hk_radii *radii, const recall_near *near, unsigned probes)
{
    if (probes == RECALL_FRAMES)
        return is_match(radii, near, HK_PROBES_STANDARD) || (int)near->cut_plain <= radii->plain ||
               (int)near->cut_exact <= radii->exact || (int)near->cut_aligned <= radii->aligned;
    return (int)near->plain <= radii->plain || (int)near->exact <= radii->exact ||
           (probes < HK_PROBES_SETS && (int)near->aligned[probes] <= radii->aligned);
}

static unsigned code_distance(const recall_code *a, const recall_code *b)
{
    unsigned distance = 0;
    if (a->bits != b->bits || !a->bits)
        return RECALL_FAR;
    for (unsigned i = 0; i < (a->bits + 7) / 8; i++)
        distance += (unsigned)__builtin_popcount(a->byte[i] ^ b->byte[i]);
    return distance;
}

unsigned recall_distance(const recall_method *method, const recall_reach reach,
                         const recall_print *query, const recall_near *near,
                         const recall_print *entry)
{
    if (!query->hashed || (entry && !entry->hashed) || (!entry && method->measure >= RECALL_OWN))
        return RECALL_FAR;
    switch (method->measure) {
    case RECALL_PROGRAM:
        return code_distance(&query->code[method->code], &entry->code[method->code]);
    case RECALL_DCT:
    case RECALL_GRADIENT:
        if (!query->has_small || !entry->has_small)
            return RECALL_FAR;
        return (unsigned)__builtin_popcountll(method->measure == RECALL_DCT
                                                  ? query->dct ^ entry->dct
                                                  : query->gradient ^ entry->gradient);
    case RECALL_PDQ:
        return near->upright;
    case RECALL_TURNED:
        return near->turned;
    case RECALL_INVERTED:
        return near->plain;
    case RECALL_EXACT:
        return nearer(near->plain, near->exact);
    case RECALL_ALIGNED:
        return near->aligned[method->probes];
    default:
        if (method->probes == RECALL_FRAMES && !near->cuts)
            return RECALL_FAR;
        return is_match(&reach[method->profile][method->probes][query->kind], near, method->probes)
                   ? 0
                   : HK_HASH_BITS;
    }
}

/* ---- radii --------------------------------------------------------------------------------- */

uint64_t recall_weight(uint64_t list_size)
{
    enum { AS_ONE = 10 }; /* so many frames count as one hash: hk_matcher_entries */
    hk_placement at;
    unsigned frames = 0;
    while (hk_cut_placement(&at, frames + 1))
        frames++;
    return list_size * (AS_ONE + frames) / AS_ONE;
}

void recall_reach_set(recall_reach reach, uint64_t list_size)
{
    for (int p = 0; p <= HK_PROFILE_REVIEW; p++)
        for (int k = 0; k < RECALL_KINDS; k++) {
            const hk_kind kind = (hk_kind)k;
            const hk_profile profile = (hk_profile)p;
            for (int set = 0; set < HK_PROBES_SETS; set++)
                reach[p][set][k] = hk_radii_of(kind, profile, (hk_probes)set, list_size);
            reach[p][RECALL_HASHES][k] =
                (hk_radii){.plain = hk_radius(kind, profile, list_size),
                           .exact = hk_exact_radius(kind, profile, list_size),
                           .aligned = -1};
            reach[p][RECALL_FRAMES][k] =
                hk_radii_of(kind, profile, HK_PROBES_STANDARD, recall_weight(list_size));
        }
}

/* Of PDQ methods the radius is given. Of the others it is the largest at which no more than the
 * stated share of the strangers match; 0 where even equal hashes are more than that. */
void recall_choose_radii(recall_run *run)
{
    for (size_t m = 0; m < run->method_count; m++) {
        const uint64_t *count = run->strangers.clean[m];
        uint64_t pairs = 0, seen = 0;
        unsigned radius = 0;
        if (run->method[m].measure < RECALL_OWN) {
            run->radius[m] = run->max_distance;
            continue;
        }
        for (unsigned d = 0; d < RECALL_FAR; d++)
            pairs += count[d];
        for (unsigned d = 0; d < recall_bits(run, m); d++) {
            seen += count[d];
            if ((double)seen > run->pair_rate * (double)pairs)
                break;
            radius = d;
        }
        run->radius[m] = radius;
    }
}
