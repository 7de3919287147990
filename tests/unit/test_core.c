/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_core.c - the hash value and its text, error messages, memory, digests, the choice of
 * kernels, and the names of statuses.
 */
#include "unit.h"

#include "core/digest.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>

static const char SAMPLE[] = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

/* ---- hash ---------------------------------------------------------------------------------- */

static void hash_text_round_trips(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        const hk_hash hash = random_hash(&seed);
        hk_hash back = {{0}};
        char text[HK_HASH_TEXT_SIZE];
        hk_hash_format(text, &hash);
        assert_int_equal(strlen(text), 64);
        assert_int_equal(strspn(text, "0123456789abcdef"), 64);
        assert_int_equal(hk_hash_parse(&back, text, 64, NULL), HK_OK);
        assert_memory_equal(&back, &hash, sizeof hash);
    }
    hk_hash hash;
    char text[HK_HASH_TEXT_SIZE];
    assert_int_equal(hk_hash_parse(&hash, SAMPLE, 64, NULL), HK_OK);
    hk_hash_format(text, &hash);
    assert_string_equal(text, SAMPLE);
}

static void hash_text_has_bit_255_first(void **state)
{
    (void)state;
    hk_hash hash = {{0}};
    char text[HK_HASH_TEXT_SIZE], expected[HK_HASH_TEXT_SIZE];
    for (unsigned bit = 0; bit < HK_HASH_BITS; bit++) {
        memset(expected, '0', 64);
        expected[64] = '\0';
        expected[63 - bit / 4] = "1248"[bit % 4];
        memset(&hash, 0, sizeof hash);
        flip_bit(&hash, bit);
        hk_hash_format(text, &hash);
        assert_string_equal(text, expected);
        assert_int_equal(hk_hash_ones(&hash), 1);
    }
}

static void hash_text_may_be_upper_case(void **state)
{
    (void)state;
    hk_hash lower, upper;
    char text[HK_HASH_TEXT_SIZE];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = SAMPLE[i] >= 'a' ? (char)(SAMPLE[i] - 'a' + 'A') : SAMPLE[i];
    assert_int_equal(hk_hash_parse(&lower, SAMPLE, 64, NULL), HK_OK);
    assert_int_equal(hk_hash_parse(&upper, text, 64, NULL), HK_OK);
    assert_memory_equal(&lower, &upper, sizeof lower);
}

static void hash_text_is_refused_unless_64_hex_digits(void **state)
{
    (void)state;
    const hk_hash before = {{1, 2, 3, 4}};
    hk_hash hash = before;
    hk_error err;
    char text[80];
    const size_t lengths[] = {0, 1, 16, 32, 63, 65, 66, 128};
    memset(text, '0', sizeof text);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        memset(&err, 0, sizeof err);
        assert_int_equal(hk_hash_parse(&hash, text, lengths[i], &err), HK_ERR_FORMAT);
        assert_int_equal(err.status, HK_ERR_FORMAT);
        assert_true(*err.message);
    }
    /* The neighbours of the digits in ASCII, and what strtoul and its kin would take. */
    static const char wrong[] = {'g', 'G', '/', ':', '@', '`', ' ', '+', '-', 'x', '\0', '\n', -1};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        for (size_t at = 0; at < 64; at += 21) {
            memset(text, '0', sizeof text);
            text[at] = wrong[i];
            assert_int_equal(hk_hash_parse(&hash, text, 64, NULL), HK_ERR_FORMAT);
        }
    memcpy(text, "0x", 2);
    memcpy(text + 2, SAMPLE, 64);
    assert_int_equal(hk_hash_parse(&hash, text, 64, NULL), HK_ERR_FORMAT);
    assert_int_equal(hk_hash_parse(&hash, text, 66, NULL), HK_ERR_FORMAT);
    assert_memory_equal(&hash, &before, sizeof hash);
}

static void distance_counts_differing_bits(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (unsigned bits = 0; bits <= HK_HASH_BITS; bits++) {
        const hk_hash a = random_hash(&seed), b = at_distance(&a, bits, &seed);
        unsigned slow = 0;
        for (unsigned k = 0; k < HK_HASH_BITS; k++)
            slow += (a.word[k / 64] >> (k % 64) & 1) != (b.word[k / 64] >> (k % 64) & 1);
        assert_int_equal(slow, bits);
        assert_int_equal(hk_hash_distance(&a, &b), bits);
        assert_int_equal(hk_hash_distance(&b, &a), bits);
    }
    const hk_hash ones = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    assert_int_equal(hk_hash_ones(&ones), 256);
}

/* ---- names --------------------------------------------------------------------------------- */

static void names_are_those_of_the_contract(void **state)
{
    (void)state;
    static const char *const orientations[] = {"original", "rotate90", "rotate180", "rotate270",
                                               "flipx",    "flipy",    "flipplus1", "flipminus1"};
    static const char *const flags[] = {"truncated", "degenerate",    "low_quality",
                                        "animated",  "scaled_decode", "dc_only"};
    static const struct {
        const char *name;
        hk_file_class class;
    } statuses[] = {
        {"ok", HK_CLASS_HASHED},
        {"truncated", HK_CLASS_HASHED},
        {"duplicate", HK_CLASS_DUPLICATE},
        {"not_an_image", HK_CLASS_SKIPPED},
        {"too_small", HK_CLASS_SKIPPED},
        {"excluded", HK_CLASS_SKIPPED},
        {"unsupported", HK_CLASS_FAILED},
        {"unreadable", HK_CLASS_FAILED},
        {"too_large", HK_CLASS_FAILED},
        {"no_access", HK_CLASS_FAILED},
        {"vanished", HK_CLASS_FAILED},
        {"changed", HK_CLASS_FAILED},
        {"crashed", HK_CLASS_FAILED},
        {"timed_out", HK_CLASS_FAILED},
        {"out_of_memory", HK_CLASS_FAILED},
    };
    for (int o = 0; o < HK_ORIENTATIONS; o++)
        assert_string_equal(hk_orientation_name((hk_orientation)o), orientations[o]);
    assert_null(hk_orientation_name(HK_ORIENTATIONS));
    for (unsigned f = 0; f < HK_FLAG_COUNT; f++)
        assert_string_equal(hk_flag_name(f), flags[f]);
    assert_null(hk_flag_name(HK_FLAG_COUNT));
    assert_int_equal(COUNT_OF(statuses), HK_FILE_STATUSES);
    for (int s = 0; s < HK_FILE_STATUSES; s++) {
        assert_string_equal(hk_file_status_name((hk_file_status)s), statuses[s].name);
        assert_int_equal(hk_file_status_class((hk_file_status)s), statuses[s].class);
    }
    assert_null(hk_file_status_name(HK_FILE_STATUSES));
}

/* ---- errors -------------------------------------------------------------------------------- */

/* Strict UTF-8: no stray bytes, no cut sequences, no overlong forms or surrogates. */
static int is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int more = *p < 0x80                 ? 0
                         : *p >= 0xc2 && *p < 0xe0 ? 1
                         : *p >= 0xe0 && *p < 0xf0 ? 2
                         : *p >= 0xf0 && *p < 0xf5 ? 3
                                                   : -1;
        if (more < 0 || (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
            (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
            return 0;
        for (int i = 1; i <= more; i++)
            if ((p[i] & 0xc0) != 0x80)
                return 0;
        p += 1 + more;
    }
    return 1;
}

static void error_carries_status_and_words(void **state)
{
    (void)state;
    hk_error err;
    assert_int_equal(hk__fail(&err, HK_ERR_IO, "line %d of %s", 7, "list.csv"), HK_ERR_IO);
    assert_int_equal(err.status, HK_ERR_IO);
    assert_string_equal(err.message, "line 7 of list.csv");
    assert_int_equal(hk__fail_memory(&err), HK_ERR_NO_MEMORY);
    assert_int_equal(err.status, HK_ERR_NO_MEMORY);
    assert_int_equal(hk__fail(NULL, HK_ERR_LIMIT, "nobody listens"), HK_ERR_LIMIT);
}

static void error_message_has_no_control_characters(void **state)
{
    (void)state;
    hk_error err;
    char hostile[40] = "";
    for (int i = 0; i < 31; i++)
        hostile[i] = (char)(i + 1);
    hostile[31] = 0x7f;
    hostile[32] = 'z';
    assert_int_equal(hk__fail(&err, HK_ERR_IO, "a%s", hostile), HK_ERR_IO);
    assert_int_equal(strlen(err.message), 34);
    assert_int_equal(err.message[0], 'a');
    for (int i = 1; i <= 32; i++)
        assert_int_equal(err.message[i], '?');
    assert_int_equal(err.message[33], 'z');
}

/* U+0080 to U+009F are control characters too: U+009B starts a terminal's escape sequences. */
static void error_message_has_no_control_characters_of_the_second_block(void **state)
{
    (void)state;
    for (int c = 0x80; c < 0xa0; c++) {
        char text[] = {'a', (char)0xc2, (char)c, 'z', '\0'};
        const char raw[] = {(char)0xc2, (char)c, '\0'};
        hk__printable(text);
        assert_null(strstr(text, raw));
    }
}

static void error_message_keeps_printable_text(void **state)
{
    (void)state;
    static const char *const words[] = {"",
                                        "plain",
                                        "caf\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x96\xbc",
                                        "na\xc3\xafve \xe5\x9b\xbe.jpg"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", words[i]);
        hk__printable(text);
        assert_string_equal(text, words[i]);
    }
}

static void error_message_is_never_cut_inside_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x96\xbc"};
    for (size_t c = 0; c < COUNT_OF(characters); c++)
        for (int shift = 0; shift < 4; shift++) {
            const size_t size = strlen(characters[c]);
            char text[2 * HK_ERROR_MESSAGE_SIZE] = "";
            size_t n = (size_t)shift;
            memset(text, 'x', n);
            while (n + size < sizeof text) {
                memcpy(text + n, characters[c], size);
                n += size;
            }
            hk_error err;
            assert_int_equal(hk__fail(&err, HK_ERR_IO, "%s", text), HK_ERR_IO);
            assert_true(is_utf8(err.message));
            /* Nothing but the cut character is lost. */
            assert_true(strlen(err.message) + size >= HK_ERROR_MESSAGE_SIZE);
            assert_int_equal(strncmp(err.message, text, strlen(err.message)), 0);
        }
}

/* File names are bytes, the message is promised to be UTF-8 (hk_error in herken.h). */
static void error_message_is_utf8_whatever_goes_in(void **state)
{
    (void)state;
    static const char *const names[] = {"\xff.jpg",     "a\x80z",       "\xc3(",    "\xe2\x82(",
                                        "\xc0\xafroot", "\xed\xa0\x80", "tail\xf0", "\x9b[31m"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        hk_error err;
        assert_int_equal(hk__fail(&err, HK_ERR_IO, "cannot open %s", names[i]), HK_ERR_IO);
        assert_true(is_utf8(err.message));
    }
}

/* ---- memory -------------------------------------------------------------------------------- */

static void memory_sizes_that_overflow_give_null(void **state)
{
    (void)state;
    assert_null(hk__alloc(SIZE_MAX, 2));
    assert_null(hk__alloc(SIZE_MAX / 2 + 1, 2));
    assert_null(hk__alloc(PTRDIFF_MAX, 1));
    assert_null(hk__alloc_aligned(SIZE_MAX, 64));
    assert_null(hk__alloc_aligned(PTRDIFF_MAX, 1));
    char *block = hk__alloc(1, 8);
    assert_non_null(block);
    memcpy(block, "herken!", 8);
    assert_null(hk__realloc(block, SIZE_MAX / 4, 8));
    assert_string_equal(block, "herken!");
    hk__free(block);
}

static void memory_comes_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 13) {
        uint8_t *plain = hk__alloc(n, 3), *aligned = hk__alloc_aligned(n, 3);
        assert_non_null(plain);
        assert_non_null(aligned);
        assert_int_equal((uintptr_t)aligned % 64, 0);
        for (size_t i = 0; i < 3 * n; i++) {
            assert_int_equal(plain[i], 0);
            assert_int_equal(aligned[i], 0);
        }
        hk__free(plain);
        hk__free(aligned);
    }
    hk__free(NULL);
    char *copy = hk__strndup("hash,quality", 4);
    assert_string_equal(copy, "hash");
    hk__free(copy);
}

static void memory_fails_where_a_test_says(void **state)
{
    (void)state;
    for (long n = 0; n < 5; n++) {
        void *blocks[8];
        hk__mem_fail_after(n);
        blocks[0] = hk__alloc(1, 1);
        blocks[1] = hk__alloc_aligned(1, 1);
        blocks[2] = hk__realloc(NULL, 1, 1);
        blocks[3] = hk__strndup("x", 1);
        for (int i = 4; i < 8; i++)
            blocks[i] = hk__alloc(1, 1);
        hk__mem_fail_after(-1);
        for (int i = 0; i < 8; i++) {
            assert_int_equal(blocks[i] != NULL, i < n);
            hk__free(blocks[i]);
        }
    }
    void *again = hk__alloc(1, 1);
    assert_non_null(again);
    hk__free(again);
}

/* ---- digests ------------------------------------------------------------------------------- */

static void to_hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void assert_digests(const hk_digests *digests, const char *const expected[3])
{
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        char text[65];
        to_hex(text, hk__digest_bytes(digests, (hk_basis)basis), hk__digest_size((hk_basis)basis));
        assert_string_equal(text, expected[basis]);
    }
}

static void digests_equal_the_published_vectors(void **state)
{
    (void)state;
    static const char *const of_nothing[] = {
        "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};
    static const char *const of_abc[] = {
        "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    hk__digester *digester;
    hk_digests digests;
    assert_int_equal(hk__digester_new(&digester, NULL), HK_OK);
    assert_int_equal(hk__digester_start(digester, HK_DIGEST_ALL, NULL), HK_OK);
    assert_int_equal(hk__digester_finish(&digests, digester, NULL), HK_OK);
    assert_int_equal(digests.present, HK_DIGEST_ALL);
    assert_digests(&digests, of_nothing);
    assert_int_equal(hk__digester_start(digester, HK_DIGEST_ALL, NULL), HK_OK);
    assert_int_equal(hk__digester_add(digester, "abc", 3, NULL), HK_OK);
    assert_int_equal(hk__digester_finish(&digests, digester, NULL), HK_OK);
    assert_digests(&digests, of_abc);
    hk__digester_free(digester);
    hk__digester_free(NULL);
    assert_int_equal(hk__digest_size(HK_BASIS_PDQ), 0);
    assert_null(hk__digest_bytes(&digests, HK_BASIS_PDQ));
}

static void digests_of_chunks_equal_those_of_the_whole(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    static uint8_t bytes[SIZE];
    uint64_t seed = 3;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)next_random(&seed);
    hk__digester *digester;
    hk_digests whole, parts;
    assert_int_equal(hk__digester_new(&digester, NULL), HK_OK);
    assert_int_equal(hk__digester_start(digester, HK_DIGEST_ALL, NULL), HK_OK);
    assert_int_equal(hk__digester_add(digester, bytes, SIZE, NULL), HK_OK);
    assert_int_equal(hk__digester_finish(&whole, digester, NULL), HK_OK);
    for (int round = 0; round < 20; round++) {
        assert_int_equal(hk__digester_start(digester, HK_DIGEST_ALL, NULL), HK_OK);
        for (size_t at = 0, n; at < SIZE; at += n) {
            n = next_random(&seed) % 5000; /* 0 too */
            n = n > SIZE - at ? SIZE - at : n;
            assert_int_equal(hk__digester_add(digester, bytes + at, n, NULL), HK_OK);
        }
        assert_int_equal(hk__digester_finish(&parts, digester, NULL), HK_OK);
        assert_memory_equal(&parts, &whole, sizeof whole);
    }
    hk__digester_free(digester);
}

static void digests_are_only_those_asked_for(void **state)
{
    (void)state;
    hk__digester *digester;
    assert_int_equal(hk__digester_new(&digester, NULL), HK_OK);
    for (unsigned which = 0; which <= HK_DIGEST_ALL; which++) {
        const uint8_t none[32] = {0};
        hk_digests digests;
        assert_int_equal(hk__digester_start(digester, which, NULL), HK_OK);
        assert_int_equal(hk__digester_add(digester, "abc", 3, NULL), HK_OK);
        assert_int_equal(hk__digester_finish(&digests, digester, NULL), HK_OK);
        assert_int_equal(digests.present, which);
        for (int b = 0; b < HK_BASIS_PDQ; b++) {
            const size_t size = hk__digest_size((hk_basis)b);
            const bool zero = !memcmp(hk__digest_bytes(&digests, (hk_basis)b), none, size);
            assert_int_equal(zero, !(which >> b & 1));
        }
    }
    hk__digester_free(digester);
}

static void digester_survives_every_failing_allocation(void **state)
{
    (void)state;
    hk__digester *digester = UNTOUCHED;
    FAIL_EVERY_ALLOCATION(hk__digester_new(&digester, NULL), digester == UNTOUCHED);
    hk__digester_free(digester);
}

/* ---- kernels ------------------------------------------------------------------------------- */

static void kernels_can_be_forced_to_what_the_processor_has(void **state)
{
    (void)state;
    static const char *const names[] = {"best", "scalar", "avx2", "avx512"};
    assert_true(hk__cpu_can(HK_SIMD_SCALAR));
    hk_simd best = HK_SIMD_SCALAR;
    for (int level = HK_SIMD_SCALAR; level <= HK_SIMD_AVX512; level++) {
        const hk_simd before = hk_simd_in_use();
        assert_string_equal(hk_simd_name((hk_simd)level), names[level]);
        if (hk__cpu_can((hk_simd)level)) {
            best = (hk_simd)level;
            assert_int_equal(hk_simd_use((hk_simd)level, NULL), HK_OK);
            assert_int_equal(hk_simd_in_use(), level);
        } else {
            assert_int_equal(hk_simd_use((hk_simd)level, NULL), HK_ERR_USAGE);
            assert_int_equal(hk_simd_in_use(), before);
        }
    }
    assert_int_equal(hk_simd_use(HK_SIMD_BEST, NULL), HK_OK);
    assert_int_equal(hk_simd_in_use(), best);
}

static void kernels_of_an_unknown_level_are_refused(void **state)
{
    (void)state;
    static const int levels[] = {-1, 4, 99};
    const hk_simd before = hk_simd_in_use();
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        hk_error err = {HK_OK, ""};
        assert_int_equal(hk_simd_use((hk_simd)levels[i], &err), HK_ERR_USAGE);
        assert_int_equal(err.status, HK_ERR_USAGE);
        assert_true(*err.message);
        assert_int_equal(hk_simd_in_use(), before);
        assert_null(hk_simd_name((hk_simd)levels[i]));
        assert_false(hk__cpu_can((hk_simd)levels[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_text_round_trips),
        cmocka_unit_test(hash_text_has_bit_255_first),
        cmocka_unit_test(hash_text_may_be_upper_case),
        cmocka_unit_test(hash_text_is_refused_unless_64_hex_digits),
        cmocka_unit_test(distance_counts_differing_bits),
        cmocka_unit_test(names_are_those_of_the_contract),
        cmocka_unit_test(error_carries_status_and_words),
        cmocka_unit_test(error_message_has_no_control_characters),
        cmocka_unit_test(error_message_has_no_control_characters_of_the_second_block),
        cmocka_unit_test(error_message_keeps_printable_text),
        cmocka_unit_test(error_message_is_never_cut_inside_a_character),
        cmocka_unit_test(error_message_is_utf8_whatever_goes_in),
        cmocka_unit_test(memory_sizes_that_overflow_give_null),
        cmocka_unit_test(memory_comes_zeroed_and_aligned),
        cmocka_unit_test(memory_fails_where_a_test_says),
        cmocka_unit_test(digests_equal_the_published_vectors),
        cmocka_unit_test(digests_of_chunks_equal_those_of_the_whole),
        cmocka_unit_test(digests_are_only_those_asked_for),
        cmocka_unit_test(digester_survives_every_failing_allocation),
        cmocka_unit_test(kernels_can_be_forced_to_what_the_processor_has),
        cmocka_unit_test(kernels_of_an_unknown_level_are_refused),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
