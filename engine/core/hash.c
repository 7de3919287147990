/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hash.c - the hash value, its text, and the names of the eight orientations.
 *
 * The text is that of the PDQ tools: bit 255 first, four bits a digit (shared by every list in
 * the field: 16 words of 16 bits, word 15 first, which is the same thing).
 */
#include "core/hash.h"

#include "core/error.h"

#include <assert.h>

static_assert(sizeof(hk_hash) == 32, "a hash is 256 bits, without padding");

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

hk_status hk_hash_parse(hk_hash *out, const char *text, size_t length, hk_error *err)
{
    hk_hash hash = {{0}};
    if (length != HK_HASH_TEXT_SIZE - 1)
        return hk__fail(err, HK_ERR_FORMAT, "a hash is 64 hex digits, this has %zu characters",
                        length);
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return hk__fail(err, HK_ERR_FORMAT, "character %zu of the hash is no hex digit", i + 1);
        size_t bit = 4 * (length - 1 - i);
        hash.word[bit / 64] |= (uint64_t)digit << (bit % 64);
    }
    *out = hash;
    return HK_OK;
}

void hk_hash_format(char out[HK_HASH_TEXT_SIZE], const hk_hash *hash)
{
    for (size_t i = 0; i < HK_HASH_TEXT_SIZE - 1; i++) {
        size_t bit = 4 * (HK_HASH_TEXT_SIZE - 2 - i);
        out[i] = "0123456789abcdef"[hash->word[bit / 64] >> (bit % 64) & 15];
    }
    out[HK_HASH_TEXT_SIZE - 1] = '\0';
}

unsigned hk_hash_distance(const hk_hash *a, const hk_hash *b)
{
    unsigned sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (unsigned)__builtin_popcountll(a->word[i] ^ b->word[i]);
    return sum;
}

unsigned hk_hash_ones(const hk_hash *hash)
{
    const hk_hash zero = {{0}};
    return hk_hash_distance(hash, &zero);
}

const char *hk_orientation_name(hk_orientation orientation)
{
    static const char *const names[HK_ORIENTATIONS] = {
        "original", "rotate90", "rotate180", "rotate270",
        "flipx",    "flipy",    "flipplus1", "flipminus1",
    };
    return (unsigned)orientation < HK_ORIENTATIONS ? names[orientation] : NULL;
}

void hk__hash_to_bytes(uint8_t out[32], const hk_hash *hash)
{
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(hash->word[3 - i / 8] >> (56 - i % 8 * 8));
}

void hk__hash_from_bytes(hk_hash *out, const uint8_t bytes[32])
{
    hk_hash hash = {{0}};
    for (int i = 0; i < 32; i++)
        hash.word[3 - i / 8] |= (uint64_t)bytes[i] << (56 - i % 8 * 8);
    *out = hash;
}

unsigned hk_cut_get(hk_hash *hash, const uint8_t cut[HK_CUT_SIZE])
{
    hk__hash_from_bytes(hash, cut + 1);
    return *cut;
}
