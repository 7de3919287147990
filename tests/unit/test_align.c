/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_align.c - looking at a raster through frames: every machine sees the same bits, the whole
 * frame is the exact grid's, each sort of probe finds what it is for, walks never lead away, and
 * no raster whatever does harm.
 */
#include "scenes.h"

#include "align/aligner.h"
#include "core/cpu.h"
#include "core/mem.h"

#include <stdlib.h>

enum { SAMPLES = SCENE_WIDTH * SCENE_HEIGHT }; /* of a raster */

static hk_aligner *aligner_of(const uint8_t *raster, uint32_t width, uint32_t height,
                              hk_probes probes)
{
    hk_aligner *aligner;
    assert_int_equal(hk_aligner_new(&aligner, NULL), HK_OK);
    assert_int_equal(hk_aligner_take(aligner, raster, width, height, probes, NULL), HK_OK);
    return aligner;
}

static void every_machine_sees_the_same_bits(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{256, 192}, {17, 256}, {1, 1}, {3, 2}, {255, 31}};
    static hk_aligner first; /* of scalar; half a megabyte */
    uint64_t seed = 1;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        static uint8_t raster[256 * 256];
        for (size_t i = 0; i < sizeof raster; i++)
            raster[i] = (uint8_t)(next_random(&seed) >> 9);
        bool compared = false;
        for (int simd = HK_SIMD_SCALAR; simd <= HK_SIMD_AVX512; simd++) {
            if (!hk__cpu_can((hk_simd)simd))
                continue;
            assert_int_equal(hk_simd_use((hk_simd)simd, NULL), HK_OK);
            hk_aligner *a = aligner_of(raster, sizes[s][0], sizes[s][1], HK_PROBES_THOROUGH);
            float spectrum[HK__SPECTRUM_SIZE];
            const hk_placement frame = {.07f, -.11f, .2f, .013f, 2.5f};
            hk__aligner_look(spectrum, a, &frame);
            if (simd == HK_SIMD_SCALAR) {
                memcpy(&first, a, sizeof first);
            } else {
                assert_int_equal(a->count, first.count);
                for (size_t i = 0; i < a->count; i++)
                    assert_memory_equal(&a->sights[i].hash, &first.sights[i].hash, sizeof(hk_hash));
                assert_memory_equal(a->turned.at, first.turned.at,
                                    (size_t)sizes[s][0] * sizes[s][1] * sizeof(float));
                assert_memory_equal(a->x.at, first.x.at, (size_t)sizes[s][0] * sizeof *a->x.at);
                assert_memory_equal(a->across.at, first.across.at,
                                    (size_t)sizes[s][1] * sizeof *a->across.at);
                compared = true;
            }
            hk_aligner_free(a);
        }
        if (!compared)
            print_message("no vectors on this machine: nothing to compare with\n");
        assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
    }
}

/* As files get theirs, but for the outermost cells: there one cuts weights off, and the other has
 * the edge go on. */
static void the_whole_frame_is_the_exact_grid(void **state)
{
    (void)state;
    static uint8_t raster[SAMPLES];
    for (unsigned number = 0; number < 5; number++) {
        const scene s = make_scene(number);
        draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &s, &(copy){0});
        hk__sampler *sampler;
        uint32_t across, down;
        float spectrum[HK__SPECTRUM_SIZE], seen[HK__SPECTRUM_SIZE];
        float grid[HK__GRID_SIZE];
        assert_int_equal(hk__sampler_exact(&sampler, SCENE_WIDTH, SCENE_HEIGHT, 1, NULL), HK_OK);
        for (uint32_t y = 0; y < SCENE_HEIGHT; y++)
            hk__sampler_row_u8(sampler, raster + (size_t)y * SCENE_WIDTH);
        memcpy(grid, hk__sampler_finish(&across, &down, sampler), sizeof grid);
        hk__sampler_free(sampler);
        assert_int_equal(hk__dct(spectrum, grid, NULL), HK_OK);
        hk_aligner *a = aligner_of(raster, SCENE_WIDTH, SCENE_HEIGHT, HK_PROBES_FAST);
        hk__aligner_look(seen, a, &(hk_placement){0});
        for (int i = 0; i < HK__SPECTRUM_SIZE; i++)
            if (fabsf(spectrum[i] - seen[i]) > 3)
                fail_msg("coefficient %d: %g, not %g", i, (double)seen[i], (double)spectrum[i]);
        const hk_hash one = hk__bits(spectrum, HK_ORIGINAL), two = hk__bits(seen, HK_ORIGINAL);
        assert_true(hk_hash_distance(&one, &two) <= 8);
        hk_aligner_free(a);
    }
}

/* What a sort of probes is for, and in how many of 30 scenes it must bring the entry near. */
static const struct {
    hk_probe probe;
    hk_probes set;
    copy copy;
    unsigned least;
} sorts[] = {
    {HK_PROBE_TRIM,
     HK_PROBES_FAST,
     {.placement = {-.12f, -.08f, -.12f, -.2f, 0}, .border = 255},
     26},
    {HK_PROBE_TRIM,
     HK_PROBES_THOROUGH,
     {.placement = {-.1f, -.1f, -.1f, -.1f, 0}, .mirrored = true},
     26},
    {HK_PROBE_OUTFRAME, HK_PROBES_STANDARD, {.placement = {.06f, .02f, .05f, .08f, 0}}, 26},
    {HK_PROBE_INFRAME,
     HK_PROBES_THOROUGH,
     {.placement = {-.09f, -.12f, -.11f, -.08f, 0}, .border = -1},
     20},
    {HK_PROBE_TURN, HK_PROBES_STANDARD, {.placement = {0, 0, 0, 0, -2.2f}}, 28},
    {HK_PROBE_TURN, HK_PROBES_THOROUGH, {.placement = {0, 0, 0, 0, 5.5f}}, 28},
    {HK_PROBE_EXACT, HK_PROBES_STANDARD, {.placement = {.01f, 0, 0, .01f, 0}}, 28},
};

static void each_sort_finds_what_it_is_for(void **state)
{
    (void)state;
    enum { SCENES = 30 };
    static uint8_t raster[SAMPLES];
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        unsigned found = 0, walked = 0;
        for (unsigned number = 0; number < SCENES; number++) {
            const scene s = make_scene(number);
            const hk_fingerprint entry = print_of(&s);
            draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &s, &sorts[i].copy);
            hk_aligner *a = aligner_of(raster, SCENE_WIDTH, SCENE_HEIGHT, sorts[i].set);
            size_t count;
            const hk__sight *sights = hk__aligner_sights(&count, a);
            unsigned least = HK_HASH_BITS;
            for (size_t k = 0; k < count; k++)
                if (sights[k].probe == sorts[i].probe) {
                    const unsigned d = hk_hash_distance(&sights[k].hash, &entry.hash[HK_ORIGINAL]);
                    least = d < least ? d : least;
                }
            found += least <= HK_CANDIDATE_RADIUS;
            hk_alignment at;
            if (hk_aligner_find(&at, a, &entry.hash[HK_ORIGINAL])) {
                assert_true(at.distance <= at.before);
                assert_true(at.before <= HK_CANDIDATE_RADIUS);
                assert_int_equal(at.orientation, sorts[i].copy.mirrored ? HK_FLIPY : HK_ORIGINAL);
                walked++;
            }
            hk_aligner_free(a);
        }
        if (found < sorts[i].least || walked < sorts[i].least)
            fail_msg("%zu: %s brings %u near, %u with the others; %u are due", i,
                     hk_probe_name(sorts[i].probe), found, walked, sorts[i].least);
    }
}

/* To whatever hash: nearer or as it was, and the hash is that of the frame that is named. */
static void walks_never_lead_away(void **state)
{
    (void)state;
    static uint8_t raster[SAMPLES];
    uint64_t seed = 4;
    for (unsigned number = 0; number < 4; number++) {
        const scene s = make_scene(number);
        draw(raster, SCENE_WIDTH, SCENE_HEIGHT, &s, &(copy){0});
        hk_aligner *a = aligner_of(raster, SCENE_WIDTH, SCENE_HEIGHT, HK_PROBES_THOROUGH);
        size_t count;
        const hk__sight *sights = hk__aligner_sights(&count, a);
        assert_true(count > 100);
        for (size_t k = 0; k < count; k += 9)
            for (unsigned bits = 20; bits <= HK_HASH_BITS / 2; bits += 54) {
                const hk_hash entry = at_distance(&sights[k].hash, bits, &seed);
                hk__sight at = sights[k];
                const unsigned distance = hk__aligner_refine(&at, a, &entry);
                float spectrum[HK__SPECTRUM_SIZE];
                assert_true(distance <= bits);
                assert_int_equal(hk_hash_distance(&at.hash, &entry), distance);
                hk__aligner_look(spectrum, a, &at.frame);
                const hk_hash there = hk__bits(spectrum, at.orientation);
                assert_int_equal(hk_hash_distance(&there, &at.hash), 0);
            }
        hk_aligner_free(a);
    }
}

/* Any content and size; half of them of few levels, where borders and ties are. */
static void no_raster_does_harm(void **state)
{
    (void)state;
    uint64_t seed = 6;
    hk_aligner *a;
    assert_int_equal(hk_aligner_new(&a, NULL), HK_OK);
    for (unsigned round = 0; round < 120; round++) {
        static const uint32_t edges[] = {1, 2, 3, 64, 255, 256};
        const uint32_t width = round < 36 ? edges[round % 6] : next_random(&seed) % 256 + 1;
        const uint32_t height = round < 36 ? edges[round / 6] : next_random(&seed) % 256 + 1;
        const unsigned levels = next_random(&seed) % 2 ? 256 : next_random(&seed) % 4 + 1;
        uint8_t *raster = malloc((size_t)width * height); /* no byte more, for asan */
        assert_non_null(raster);
        for (size_t i = 0; i < (size_t)width * height; i++)
            raster[i] = (uint8_t)(next_random(&seed) % levels * (255 / levels));
        assert_int_equal(
            hk_aligner_take(a, raster, width, height, (hk_probes)(round % HK_PROBES_SETS), NULL),
            HK_OK);
        free(raster); /* it was copied */
        size_t count;
        const hk__sight *sights = hk__aligner_sights(&count, a);
        assert_true(count <= HK__SIGHTS_MOST);
        for (size_t k = 0; k < count; k += count / 3 + 1) {
            hk__sight at = sights[k];
            const hk_hash entry = random_hash(&seed);
            (void)hk__aligner_refine(&at, a, &entry);
        }
    }
    const uint8_t byte = 0;
    assert_int_equal(hk_aligner_take(a, &byte, 0, 1, HK_PROBES_FAST, NULL), HK_ERR_USAGE);
    assert_int_equal(hk_aligner_take(a, &byte, 1, 257, HK_PROBES_FAST, NULL), HK_ERR_USAGE);
    assert_int_equal(hk_aligner_take(a, &byte, 1, 1, HK_PROBES_SETS, NULL), HK_ERR_USAGE);
    hk_aligner_free(a);

    hk__mem_fail_after(0);
    assert_int_equal(hk_aligner_new(&a, NULL), HK_ERR_NO_MEMORY);
    hk__mem_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_sees_the_same_bits),
        cmocka_unit_test(the_whole_frame_is_the_exact_grid),
        cmocka_unit_test(each_sort_finds_what_it_is_for),
        cmocka_unit_test(walks_never_lead_away),
        cmocka_unit_test(no_raster_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
