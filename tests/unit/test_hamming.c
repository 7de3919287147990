/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_hamming.c - every distance kernel against bit-by-bit distances: the same positions, in
 * ascending order, with the same distances.
 */
#include "unit.h"

#include "hamming/hamming.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

typedef struct kernel {
    hk_simd level;
    hk__within_fn *within;
} kernel;

static const kernel kernels[] = {
    {HK_SIMD_SCALAR, hk__within_scalar},
#if defined(__x86_64__)
    {HK_SIMD_AVX2, hk__within_avx2},
    {HK_SIMD_AVX512, hk__within_avx512},
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
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
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

static void planted_faults_are_found(void **state)
{
    (void)state;
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
        cmocka_unit_test(planted_faults_are_found),
    };
    return cmocka_run_group_tests_name("hamming", tests, NULL, NULL);
}
