/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_hamming.c - every distance kernel against bit-by-bit distances: the same positions, in
 * ascending order, with the same distances.
 */
#include "fence.h"
#include "unit.h"

#include "hamming/hamming.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

typedef struct kernel {
    hk_simd level;
    hk__within_fn *within;
    hk__within_rows_fn *rows;
} kernel;

static const kernel kernels[] = {
    {HK_SIMD_SCALAR, hk__within_scalar, hk__within_rows_scalar},
#if defined(__x86_64__)
    {HK_SIMD_AVX2, hk__within_avx2, hk__within_rows_avx2},
    {HK_SIMD_AVX512, hk__within_avx512, hk__within_rows_avx512},
#endif
};

/* The hashes word-sliced, in blocks of just the size the header asks for: a kernel that reads or
 * writes one past it is seen by the sanitizer. */
typedef struct slices {
    uint64_t *word[4];
    hk__run run;
} slices;

static slices slice(const hk_hash *hashes, size_t count)
{
    const size_t padded = (count + 7) & ~(size_t)7;
    slices s = {.run.count = count};
    for (int w = 0; w < 4; w++) {
        s.run.word[w] = s.word[w] = aligned_alloc(64, padded ? padded * 8 : 64);
        for (size_t i = 0; i < padded; i++) /* the padding is near everything, were it looked at */
            s.word[w][i] = i < count ? hashes[i].word[w] : hashes[0].word[w];
    }
    return s;
}

static void clear(slices *s)
{
    for (int w = 0; w < 4; w++)
        free(s->word[w]);
}

static unsigned slow_distance(const hk_hash *a, const hk_hash *b)
{
    unsigned sum = 0;
    for (unsigned k = 0; k < HK_HASH_BITS; k++)
        sum += (a->word[k / 64] >> (k % 64) & 1) != (b->word[k / 64] >> (k % 64) & 1);
    return sum;
}

/* Whether the kernel gives just the hashes within the radius. */
static int agrees(hk__within_fn *within, const hk_hash *hashes, size_t count, const hk_hash *query,
                  unsigned radius)
{
    const size_t room = (count + 7) & ~(size_t)7;
    hk__near *out = malloc((room ? room : 1) * sizeof *out);
    slices s = slice(hashes, count);
    const size_t found = within(out, &s.run, query, radius);
    size_t expected = 0;
    int same = found <= count;
    for (size_t i = 0; same && i < count; i++) {
        const unsigned distance = slow_distance(&hashes[i], query);
        if (distance > radius)
            continue;
        same =
            expected < found && out[expected].position == i && out[expected].distance == distance;
        expected++;
    }
    same = same && expected == found;
    clear(&s);
    free(out);
    return same;
}

static const unsigned radii[] = {0, 1, 31, 64, 127, 128, 129, 255, 256};

static void each_kernel(int (*check)(hk__within_fn *))
{
    for (size_t k = 0; k < COUNT_OF(kernels); k++)
        if (hk__cpu_can(kernels[k].level))
            assert_true(check(kernels[k].within));
}

static int check_counts(hk__within_fn *within)
{
    static hk_hash hashes[MOST];
    uint64_t seed = 4;
    int good = 1;
    for (size_t count = 0; count <= 71 && good; count++) {
        const size_t n = count == 71 ? MOST : count;
        const hk_hash query = random_hash(&seed);
        /* Some at random, some at each distance from 0 to 256. */
        for (size_t i = 0; i < MOST && i < n + 1; i++)
            hashes[i] = i % 3 == 2 ? random_hash(&seed)
                                   : at_distance(&query, (unsigned)(i * 7 + count) % 257, &seed);
        for (size_t r = 0; r < COUNT_OF(radii) && good; r++)
            good = agrees(within, hashes, n, &query, radii[r]);
    }
    return good;
}

static void kernels_find_what_lies_within_the_radius(void **state)
{
    (void)state;
    each_kernel(check_counts);
}

static int check_limits(hk__within_fn *within)
{
    hk_hash hashes[HK_HASH_BITS + 1];
    uint64_t seed = 5;
    const hk_hash query = random_hash(&seed);
    for (unsigned d = 0; d <= HK_HASH_BITS; d++)
        hashes[d] = at_distance(&query, d, &seed);
    slices s = slice(hashes, COUNT_OF(hashes));
    hk__near out[264];
    int good = 1;
    for (unsigned radius = 0; radius <= HK_HASH_BITS; radius++) {
        const size_t found = within(out, &s.run, &query, radius);
        good = good && found == radius + 1 && out[radius].distance == radius;
    }
    clear(&s);
    return good;
}

static void kernels_take_the_radius_as_inclusive(void **state)
{
    (void)state;
    each_kernel(check_limits);
}

static int check_duplicates(hk__within_fn *within)
{
    static hk_hash hashes[1000];
    uint64_t seed = 6;
    const hk_hash query = random_hash(&seed), other = at_distance(&query, 31, &seed);
    int good = 1;
    for (size_t i = 0; i < COUNT_OF(hashes); i++)
        hashes[i] = i % 5 ? query : other;
    for (size_t r = 0; r < COUNT_OF(radii); r++)
        good = good && agrees(within, hashes, COUNT_OF(hashes), &query, radii[r]);
    return good;
}

static void kernels_give_every_duplicate(void **state)
{
    (void)state;
    each_kernel(check_duplicates);
}

static void kernel_in_use_follows_the_level(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kernels); k++) {
        if (!hk__cpu_can(kernels[k].level))
            continue;
        assert_int_equal(hk_simd_use(kernels[k].level, NULL), HK_OK);
        assert_ptr_equal((void *)(uintptr_t)hk__within_in_use(),
                         (void *)(uintptr_t)kernels[k].within);
        assert_ptr_equal((void *)(uintptr_t)hk__within_rows_in_use(),
                         (void *)(uintptr_t)kernels[k].rows);
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
}

/* ---- the words that are counted first ------------------------------------------------------- */

/* Flips `bits` bits of words first..end-1. */
static hk_hash flipped(const hk_hash *from, unsigned bits, unsigned first, unsigned end,
                       uint64_t *seed)
{
    hk_hash hash = *from;
    while (bits) {
        const unsigned bit = first * 64 + (unsigned)(next_random(seed) % (64 * (end - first)));
        if ((hash.word[bit / 64] ^ from->word[bit / 64]) >> bit % 64 & 1)
            continue;
        flip_bit(&hash, bit);
        bits--;
    }
    return hash;
}

/* Distances about the radius, all of them in some words and none in the others. */
static hk_hash lopsided(const hk_hash *query, unsigned distance, unsigned sort, uint64_t *seed)
{
    static const unsigned from[] = {0, 0, 2, 3, 1, 0}, to[] = {2, 3, 4, 4, 4, 1};
    unsigned in_words = distance;
    if (in_words > 64 * (to[sort] - from[sort]))
        in_words = 64 * (to[sort] - from[sort]);
    hk_hash hash = flipped(query, in_words, from[sort], to[sort], seed);
    /* What does not fit goes into the other words. */
    for (unsigned bit = 0; in_words < distance; bit++)
        if (bit / 64 < from[sort] || bit / 64 >= to[sort]) {
            flip_bit(&hash, bit);
            in_words++;
        }
    return hash;
}

static int check_first_words(hk__within_fn *within)
{
    static const unsigned around[] = {33, 34, 35, 36, 63, 64, 65, 66};
    static hk_hash hashes[400];
    uint64_t seed = 7;
    int good = 1;
    for (size_t r = 0; r < COUNT_OF(around) && good; r++) {
        const hk_hash query = random_hash(&seed);
        size_t n = 0;
        for (unsigned sort = 0; sort < 6; sort++)
            for (unsigned d = around[r] - 2; d <= around[r] + 2; d++) {
                hashes[n++] = lopsided(&query, d, sort, &seed);
                /* Strangers between them: in every lane, alone in its vector and not. */
                for (uint64_t k = next_random(&seed) % 12; k; k--)
                    hashes[n++] = random_hash(&seed);
            }
        for (size_t cut = 0; cut < 17 && good; cut++)
            good = agrees(within, hashes, n - cut, &query, around[r]);
        /* The last one of a cut vector, and what lies past it, in the radius by the first words. */
        for (size_t count = 1; count <= 17 && good; count++) {
            for (size_t i = 0; i < count; i++)
                hashes[i] = random_hash(&seed);
            hashes[count - 1] = lopsided(&query, around[r], 2, &seed);
            good = agrees(within, hashes, count, &query, around[r]);
        }
    }
    return good;
}

static void kernels_finish_what_the_first_words_leave_open(void **state)
{
    (void)state;
    for (unsigned r = 0; r <= HK_HASH_BITS; r++)
        assert_int_equal(hk__first_words(r), r <= 34 ? 2 : r <= 64 ? 3 : 4);
    each_kernel(check_first_words);
}

static void slices_hold_the_words_of_each_row(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 1000};
    uint64_t seed = 8;
    for (size_t c = 0; c < COUNT_OF(sizes); c++) {
        const size_t n = sizes[c], room = (n + 7) & ~(size_t)7;
        fence rows = fence_new(n * sizeof(hk_hash));
        hk_hash *row = rows.at;
        for (size_t i = 0; i < n; i++)
            row[i] = random_hash(&seed);
        slices s = slice(row, n);
        for (int w = 0; w < 4; w++)
            memset(s.word[w], 0x5a, room * sizeof *s.word[w]);
        hk__slice(s.word, row, n);
        for (int w = 0; w < 4; w++)
            for (size_t i = 0; i < room; i++)
                assert_true(s.word[w][i] ==
                            (i < n ? row[i].word[w] : UINT64_C(0x5a5a5a5a5a5a5a5a)));
        clear(&s);
        fence_free(&rows);
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* The same for rows that lie `shift` bytes before the end of a page nothing follows. */
static int rows_agree(hk__within_rows_fn *within, const hk_hash *hashes, size_t count,
                      const hk_hash *query, unsigned radius, size_t shift)
{
    const size_t room = (count + 7) & ~(size_t)7;
    hk__near *out = malloc((room ? room : 1) * sizeof *out);
    fence rows = fence_new(count * sizeof *hashes + shift);
    memcpy(rows.at, hashes, count * sizeof *hashes);
    const size_t found = within(out, rows.at, count, query, radius);
    size_t expected = 0;
    int same = found <= count;
    for (size_t i = 0; same && i < count; i++) {
        const unsigned distance = slow_distance(&hashes[i], query);
        if (distance > radius)
            continue;
        same =
            expected < found && out[expected].position == i && out[expected].distance == distance;
        expected++;
    }
    fence_free(&rows);
    free(out);
    return same && expected == found;
}

static int check_rows(hk__within_rows_fn *within)
{
    static const size_t sizes[] = {31, 32, 33, 63, 64, 65, 255, 4088, 4095, 4096, 4097};
    static hk_hash hashes[MOST + 1];
    uint64_t seed = 9;
    int good = 1;
    for (size_t c = 0; c <= 20 + COUNT_OF(sizes) && good; c++) {
        const size_t n = c <= 20 ? c : sizes[c - 21];
        const hk_hash query = random_hash(&seed);
        for (size_t i = 0; i < n; i++)
            hashes[i] = i % 3 == 2 ? random_hash(&seed)
                                   : at_distance(&query, (unsigned)(i * 7 + c) % 257, &seed);
        for (size_t r = 0; r < COUNT_OF(radii) && good; r++)
            good = rows_agree(within, hashes, n, &query, radii[r], n > 100 ? 0 : r % 4 * 8);
    }
    return good;
}

/* Each distance in each place of the vectors, with all others as far as can be. */
static int check_rows_limits(hk__within_rows_fn *within)
{
    uint64_t seed = 10;
    const hk_hash query = random_hash(&seed);
    hk_hash hashes[19];
    int good = 1;
    for (unsigned d = 0; d <= HK_HASH_BITS && good; d += d < 4 || d > 250 ? 1 : 7)
        for (size_t at = 0; at < COUNT_OF(hashes) && good; at++) {
            for (size_t i = 0; i < COUNT_OF(hashes); i++)
                hashes[i] = at_distance(&query, i == at ? d : HK_HASH_BITS, &seed);
            good = rows_agree(within, hashes, at + 1, &query, d, 8) &&
                   (d == 0 || rows_agree(within, hashes, at + 1, &query, d - 1, 8)) &&
                   rows_agree(within, hashes, COUNT_OF(hashes), &query, d, 0);
        }
    return good;
}

static int check_rows_first_words(hk__within_rows_fn *within)
{
    uint64_t seed = 11;
    hk_hash hashes[30];
    int good = 1;
    for (unsigned r = 32; r <= 66 && good; r++) {
        const hk_hash query = random_hash(&seed);
        size_t n = 0;
        for (unsigned sort = 0; sort < 6; sort++)
            for (unsigned d = r - 1; d <= r + 1; d++)
                hashes[n++] = lopsided(&query, d, sort, &seed);
        good = rows_agree(within, hashes, n, &query, r, 0);
    }
    return good;
}

static void row_kernels_find_what_lies_within_the_radius(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kernels); k++)
        if (hk__cpu_can(kernels[k].level)) {
            assert_true(check_rows(kernels[k].rows));
            assert_true(check_rows_limits(kernels[k].rows));
            assert_true(check_rows_first_words(kernels[k].rows));
        }
}

/* Rows lie where a hk_hash may lie, and need not lie better than that. */
static void row_kernels_need_no_more_alignment_than_a_hash(void **state)
{
    (void)state;
    uint64_t seed = 12;
    hk_hash hashes[21];
    const hk_hash query = random_hash(&seed);
    for (size_t i = 0; i < COUNT_OF(hashes); i++)
        hashes[i] = at_distance(&query, (unsigned)i * 13 % 257, &seed);
    for (size_t k = 0; k < COUNT_OF(kernels); k++)
        for (size_t shift = 8; hk__cpu_can(kernels[k].level) && shift < 32; shift += 8)
            assert_true(rows_agree(kernels[k].rows, hashes, COUNT_OF(hashes), &query, 128, shift));
}

/* ---- planted faults: the comparison above can fail ------------------------------------------ */

static size_t strict_radius(hk__near *out, const hk__run *run, const hk_hash *query,
                            unsigned radius)
{
    return radius ? hk__within_scalar(out, run, query, radius - 1) : 0;
}

static size_t looks_at_padding(hk__near *out, const hk__run *run, const hk_hash *query,
                               unsigned radius)
{
    hk__run longer = *run;
    longer.count = (run->count + 7) & ~(size_t)7;
    return hk__within_scalar(out, &longer, query, radius);
}

static size_t loses_the_last_word(hk__near *out, const hk__run *run, const hk_hash *query,
                                  unsigned radius)
{
    hk__run blind = *run;
    hk_hash changed = *query;
    changed.word[3] = changed.word[2];
    blind.word[3] = blind.word[2];
    return hk__within_scalar(out, &blind, &changed, radius);
}

/* As if the words that come first were all. */
static size_t trusts_the_first_words(hk__near *out, const hk__run *run, const hk_hash *query,
                                     unsigned radius)
{
    hk__run blind = *run;
    hk_hash changed = *query;
    for (unsigned w = hk__first_words(radius); w < 4; w++) {
        changed.word[w] = changed.word[0];
        blind.word[w] = blind.word[0];
    }
    return hk__within_scalar(out, &blind, &changed, radius);
}

static size_t strict_rows(hk__near *out, const hk_hash *rows, size_t count, const hk_hash *query,
                          unsigned radius)
{
    return radius ? hk__within_rows_scalar(out, rows, count, query, radius - 1) : 0;
}

static size_t forgets_the_last_row(hk__near *out, const hk_hash *rows, size_t count,
                                   const hk_hash *query, unsigned radius)
{
    return hk__within_rows_scalar(out, rows, count - (count % 8 == 7), query, radius);
}

static void planted_faults_are_found(void **state)
{
    (void)state;
    assert_false(check_first_words(trusts_the_first_words));
    assert_false(check_first_words(looks_at_padding));
    assert_false(check_rows(strict_rows));
    assert_false(check_rows(forgets_the_last_row));
    assert_false(check_rows_limits(strict_rows));
    assert_false(check_rows_limits(forgets_the_last_row));
    assert_false(check_rows_first_words(strict_rows));
    assert_true(check_counts(hk__within_scalar));
    assert_false(check_counts(strict_radius));
    assert_false(check_counts(looks_at_padding));
    assert_false(check_counts(loses_the_last_word));
    assert_false(check_duplicates(strict_radius));
    assert_false(check_limits(strict_radius));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_find_what_lies_within_the_radius),
        cmocka_unit_test(kernels_take_the_radius_as_inclusive),
        cmocka_unit_test(kernels_give_every_duplicate),
        cmocka_unit_test(kernel_in_use_follows_the_level),
        cmocka_unit_test(kernels_finish_what_the_first_words_leave_open),
        cmocka_unit_test(slices_hold_the_words_of_each_row),
        cmocka_unit_test(row_kernels_find_what_lies_within_the_radius),
        cmocka_unit_test(row_kernels_need_no_more_alignment_than_a_hash),
        cmocka_unit_test(planted_faults_are_found),
    };
    return cmocka_run_group_tests_name("hamming", tests, NULL, NULL);
}
