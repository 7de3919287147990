/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_data.c - see bench_data.h.
 *
 * Realistic hashes: a million pictures are not at hand, but 30,000 hashes are, of a file or of
 * drawn pictures, and each gives 16: turned eight ways and inverted. A hash is 16 rows of 16 bits,
 * and two of those are crossed: the first rows of one, the rest of the other.
 *
 *      row 0   A A A A A A A A A A A A A A A A      k rows of A, k in 5..11
 *          k   B B B B B B B B B B B B B B B B      what is within a row stays as pictures have it,
 *         15   B B B B B B B B B B B B B B B B      and so does most of what is between rows
 *
 * One item in a hundred is a near-copy of an earlier one.
 *
 * How alike 30,000 of them are: the mean squared correlation of two bits, less what as many random
 * hashes have (0.00003), and how often two hashes that are 66 bits or more apart lie within 2 bits
 * in a slot of 23 bits (11 slots, bits dealt by chance, mean of four deals) over what random bits
 * would do.
 *
 *      hashes of 30,171 photos    as they are  0.00024  1.07     (graphics and steel among them)
 *                                 turned       0.00011  1.02
 *                                 crossed      0.00009  1.02
 *      of 30,000 drawn pictures   as they are  0.00006  1.01
 *                                 crossed      0.00004  1.01
 *      random                                  0.00000  1.00
 *
 * Turning takes what photos have in common (light from above); without it, 1.12 crossed, but a
 * hundred million would hold too many that share a half.
 */
#include "bench_data.h"

#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bench_kind_name(bench_kind kind)
{
    static const char *const names[] = {"random", "realistic", "adversarial", "adversarial-half"};
    return (unsigned)kind < BENCH_KINDS ? names[kind] : NULL;
}

/* ---- chance -------------------------------------------------------------------------------- */

/* splitmix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. limit - 1; limits are far below 2^64, where the rounding is not seen. */
static uint64_t below(uint64_t *state, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)next(state) * limit >> 64);
}

static double fraction(uint64_t *state) /* [0, 1) */
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static hk_hash any_hash(uint64_t *state)
{
    hk_hash hash;
    for (int w = 0; w < 4; w++)
        hash.word[w] = next(state);
    return hash;
}

/* Turns `bits` different bits over. */
static void flip(hk_hash *hash, unsigned bits, uint64_t *state)
{
    hk_hash done = {{0}};
    while (bits) {
        const unsigned bit = (unsigned)below(state, HK_HASH_BITS);
        const uint64_t mask = UINT64_C(1) << (bit % 64);
        if (done.word[bit / 64] & mask)
            continue;
        done.word[bit / 64] |= mask;
        hash->word[bit / 64] ^= mask;
        bits--;
    }
}

/* ---- hashes of pictures -------------------------------------------------------------------- */

enum { VIEWS = 2 * HK_ORIENTATIONS, SIDE = 16 };

/* [count * VIEWS] hashes, the views of one picture together. */
typedef struct pool {
    hk_hash *hash;
    size_t count, capacity;
} pool;

static hk_hash transposed(const hk_hash *hash)
{
    hk_hash out = {{0}};
    for (unsigned row = 0; row < SIDE; row++)
        for (unsigned column = 0; column < SIDE; column++) {
            const unsigned from = row * SIDE + column, to = column * SIDE + row;
            out.word[to / 64] |= (hash->word[from / 64] >> (from % 64) & 1) << (to % 64);
        }
    return out;
}

/* Adds a hash in all its views. A mirror negates the odd frequencies along its axis, which are the
 * even rows or columns; a bit says on which side of the median, about 0, its coefficient lies; so
 * that a turned picture's hash is the picture's with those bits turned over. Exact but for the few
 * bits between the medians. */
static bool pool_add(pool *p, const hk_hash *hash)
{
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 4096;
        hk_hash *grown = realloc(p->hash, p->capacity * VIEWS * sizeof *grown);
        if (!grown) {
            cli_say("out of memory");
            return false;
        }
        p->hash = grown;
    }
    const uint64_t even_row = UINT64_C(0x0000ffff0000ffff),
                   even_column = UINT64_C(0x5555) * 0x1000100010001;
    hk_hash *view = p->hash + p->count++ * VIEWS;
    for (int v = 0; v < VIEWS; v++) {
        const uint64_t mask =
            (v & 1 ? even_row : 0) ^ (v & 2 ? even_column : 0) ^ (v & 4 ? ~UINT64_C(0) : 0);
        view[v] = v & 8 ? transposed(hash) : *hash;
        for (int w = 0; w < 4; w++)
            view[v].word[w] ^= mask;
    }
    return true;
}

static bool read_line(pool *p, const char *path, size_t line, const char *text)
{
    hk_hash hash;
    const size_t length = strcspn(text, ",\r\n");
    if (line == 1) {
        if (length == 4 && !memcmp(text, "hash", 4))
            return true;
        cli_usage("%s: its first column is not named hash", path);
        return false;
    }
    if (hk_hash_parse(&hash, text, length, NULL)) {
        cli_usage("%s: line %zu does not start with a hash of 64 hex digits", path, line);
        return false;
    }
    return pool_add(p, &hash);
}

static int read_pictures(pool *p, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        cli_say("cannot open %s: %s", path, strerror(errno));
        return CLI_USAGE;
    }
    char *text = NULL;
    size_t capacity = 0, line = 0;
    bool ok = true;
    while (ok && getline(&text, &capacity, file) >= 0)
        ok = read_line(p, path, ++line, text);
    const bool failed = ferror(file);
    free(text);
    fclose(file);
    if (failed) {
        cli_say("cannot read %s", path);
        return CLI_SYSTEM;
    }
    if (ok && p->count < 2)
        return cli_usage("%s: realistic data takes two hashes at least", path);
    return ok ? -1 : CLI_USAGE;
}

/* ---- drawn pictures ------------------------------------------------------------------------ */

enum { LEAVES_SIDE = 64, LEAVES_PICTURES = 30000 };
static const double leaf_min = 2, leaf_max = 64;

/* Paints what of row y lies in [left, right] and is bare yet; returns how much that was. */
static int paint_row(uint8_t *row, bool *bare, double left, double right, uint8_t grey)
{
    const int from = left < 0 ? 0 : (int)ceil(left);
    const int to = right > LEAVES_SIDE - 1 ? LEAVES_SIDE - 1 : (int)floor(right);
    int painted = 0;
    for (int x = from; x <= to; x++) {
        painted += bare[x];
        row[x] = bare[x] ? grey : row[x];
        bare[x] = false;
    }
    return painted;
}

/* "Dead leaves": disks of any grey that hide one another, radii by the power law r^-3 that makes
 * the pictures look alike at every scale. The nearest come first, each painting what is bare. Lee,
 * Mumford, Huang, "Occlusion Models for Natural Images", 2001. */
static void draw_leaves(uint8_t picture[LEAVES_SIDE][LEAVES_SIDE], uint64_t *state)
{
    static const double range = 1 - leaf_min * leaf_min / (leaf_max * leaf_max);
    bool bare[LEAVES_SIDE][LEAVES_SIDE];
    memset(bare, true, sizeof bare);
    memset(picture, 128, LEAVES_SIDE * LEAVES_SIDE);
    /* The last few bare pixels would take most of the time; they stay grey. */
    for (int left = LEAVES_SIDE * LEAVES_SIDE; left > LEAVES_SIDE * LEAVES_SIDE / 100;) {
        const double r = leaf_min / sqrt(1 - fraction(state) * range);
        const double x = fraction(state) * (LEAVES_SIDE + 2 * leaf_max) - leaf_max;
        const double y = fraction(state) * (LEAVES_SIDE + 2 * leaf_max) - leaf_max;
        const uint8_t grey = (uint8_t)below(state, 256);
        if (x < -r || y < -r || x > LEAVES_SIDE + r || y > LEAVES_SIDE + r)
            continue;
        const int top = y - r < 0 ? 0 : (int)ceil(y - r);
        for (int row = top; row < LEAVES_SIDE && row <= y + r; row++) {
            const double half = sqrt(r * r - (row - y) * (row - y));
            left -= paint_row(picture[row], bare[row], x - half, x + half, grey);
        }
    }
}

static int draw_pictures(pool *p, uint64_t seed)
{
    hk_error err;
    hk_hasher *hasher = NULL;
    hk_fingerprint print;
    uint8_t picture[LEAVES_SIDE][LEAVES_SIDE];
    hk_status status = hk_hasher_new(&hasher, LEAVES_SIDE, LEAVES_SIDE, &err);
    bool ok = true;
    for (int i = 0; !status && ok && i < LEAVES_PICTURES; i++) {
        draw_leaves(picture, &seed);
        for (int row = 0; !status && row < LEAVES_SIDE; row++)
            status = hk_hasher_row_u8(hasher, picture[row], &err);
        if (!status)
            status = hk_hasher_finish(&print, hasher, &err);
        if (!status)
            ok = pool_add(p, &print.hash[0]);
    }
    hk_hasher_free(hasher);
    return status ? cli_fail(&err) : ok ? -1 : CLI_SYSTEM;
}

/* ---- items and queries --------------------------------------------------------------------- */

typedef struct source {
    bench_kind kind;
    uint64_t state;
    pool pictures;
    hk_hash fixed, mask; /* adversarial: what items have in common, and in which bits */
} source;

static hk_hash crossed(const pool *p, uint64_t *state)
{
    const hk_hash *a = &p->hash[below(state, p->count * VIEWS)];
    const hk_hash *b = &p->hash[below(state, p->count * VIEWS)];
    const unsigned bits = SIDE * (5 + (unsigned)below(state, 7));
    hk_hash out;
    for (unsigned w = 0; w < 4; w++) {
        const uint64_t of_a = bits >= w * 64 + 64 ? ~UINT64_C(0)
                              : bits <= w * 64    ? 0
                                                  : (UINT64_C(1) << (bits - w * 64)) - 1;
        out.word[w] = (a->word[w] & of_a) | (b->word[w] & ~of_a);
    }
    return out;
}

static hk_hash draw(source *s)
{
    hk_hash hash;
    switch (s->kind) {
    case BENCH_REALISTIC:
        return crossed(&s->pictures, &s->state);
    case BENCH_ADVERSARIAL:
        hash = s->fixed;
        if (below(&s->state, 1000) == 0)
            flip(&hash, 1, &s->state);
        return hash;
    case BENCH_ADVERSARIAL_HALF:
        hash = any_hash(&s->state);
        for (int w = 0; w < 4; w++)
            hash.word[w] = (s->fixed.word[w] & s->mask.word[w]) | (hash.word[w] & ~s->mask.word[w]);
        return hash;
    default:
        return any_hash(&s->state);
    }
}

static int source_start(source *s, const bench_data_options *options)
{
    *s = (source){.kind = options->kind, .state = options->seed};
    s->fixed = any_hash(&s->state);
    flip(&s->mask, HK_HASH_BITS / 2, &s->state);
    if (options->kind != BENCH_REALISTIC)
        return -1;
    return options->pictures ? read_pictures(&s->pictures, options->pictures)
                             : draw_pictures(&s->pictures, next(&s->state));
}

static void fill(bench_data *data, source *s, unsigned radius)
{
    enum { CLUSTERED = 100, CLUSTER_RADIUS = 40 };
    for (size_t i = 0; i < data->count; i++) {
        if (s->kind == BENCH_REALISTIC && i && below(&s->state, CLUSTERED) == 0) {
            data->items[i] = data->items[below(&s->state, i)];
            flip(&data->items[i], 1 + (unsigned)below(&s->state, CLUSTER_RADIUS), &s->state);
        } else {
            data->items[i] = draw(s);
        }
    }
    const unsigned most = radius + 8 < HK_HASH_BITS ? radius + 8 : HK_HASH_BITS;
    for (size_t q = 0; q < data->query_count; q++) {
        if (q % 2 == 0) {
            data->queries[q] = draw(s);
            continue;
        }
        data->queries[q] = data->items[below(&s->state, data->count)];
        flip(&data->queries[q], (unsigned)below(&s->state, most + 1), &s->state);
    }
}

int bench_data_make(bench_data *out, const bench_data_options *options)
{
    source s;
    bench_data data = {.count = options->count, .query_count = options->query_count};
    int code = source_start(&s, options);
    if (code < 0) {
        data.items = aligned_alloc(64, (data.count * sizeof(hk_hash) + 63) / 64 * 64);
        data.queries = aligned_alloc(64, (data.query_count * sizeof(hk_hash) + 63) / 64 * 64);
        if (!data.items || !data.queries) {
            cli_say("no memory for %zu hashes", data.count);
            code = CLI_SYSTEM;
        }
    }
    if (code < 0) {
        fill(&data, &s, options->radius);
        *out = data;
    } else {
        bench_data_clear(&data);
    }
    free(s.pictures.hash);
    return code;
}

void bench_data_clear(bench_data *data)
{
    free(data->items);
    free(data->queries);
    *data = (bench_data){0};
}
