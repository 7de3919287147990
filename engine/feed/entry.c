/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.c - see entry.h. */
#include "feed/entry.h"

#include "core/digest.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    ONES_SLACK = 16,
    QUALITY_FLOOR = 50 /* as the PDQ model's */
};

bool hk__hash_is_degenerate(const hk_hash *hash)
{
    const unsigned ones = hk_hash_ones(hash), half = HK_HASH_BITS / 2;
    return ones + ONES_SLACK < half || ones > half + ONES_SLACK;
}

bool hk__digests_are_of_nothing(const hk_digests *digests)
{
    static const uint8_t md5[] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                                  0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
    static const uint8_t sha1[] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                   0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09};
    static const uint8_t sha256[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                     0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                     0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                     0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    return (digests->present & HK_DIGEST_MD5 && !memcmp(digests->md5, md5, sizeof md5)) ||
           (digests->present & HK_DIGEST_SHA1 && !memcmp(digests->sha1, sha1, sizeof sha1)) ||
           (digests->present & HK_DIGEST_SHA256 && !memcmp(digests->sha256, sha256, sizeof sha256));
}

unsigned hk__entry_suspicions(const hk_entry *entry)
{
    unsigned suspicions = 0;
    if ((entry->has_hash && hk__hash_is_degenerate(&entry->hash)) ||
        (entry->has_exact_hash && hk__hash_is_degenerate(&entry->exact_hash)))
        suspicions |= HK_SUSPECT_DEGENERATE;
    for (size_t i = 0; i < entry->cut_count; i++) {
        hk_hash hash;
        hk_cut_get(&hash, entry->cuts + i * HK_CUT_SIZE);
        if (hk__hash_is_degenerate(&hash))
            suspicions |= HK_SUSPECT_DEGENERATE;
    }
    if (entry->has_hash && entry->quality != HK_NO_QUALITY && entry->quality < QUALITY_FLOOR)
        suspicions |= HK_SUSPECT_LOW_QUALITY;
    if (hk__digests_are_of_nothing(&entry->digests))
        suspicions |= HK_SUSPECT_EMPTY_FILE;
    return suspicions;
}

bool hk__cuts_are_sound(const uint8_t *cuts, size_t count)
{
    if (count > HK_CUTS_MOST)
        return false;
    for (size_t i = 0; i < count; i++)
        if (cuts[i * HK_CUT_SIZE] <= (i ? cuts[(i - 1) * HK_CUT_SIZE] : 0))
            return false;
    return true;
}

bool hk__entry_has_value(const hk_entry *entry)
{
    return entry->has_hash || entry->has_exact_hash || entry->has_photodna ||
           entry->digests.present;
}

/* ---- what an entry is known by ------------------------------------------------------------- */

static bool has_id(const hk_entry *entry)
{
    return entry->id && *entry->id;
}

static bool same_hash(bool has_a, const hk_hash *a, bool has_b, const hk_hash *b)
{
    return has_a == has_b && (!has_a || !memcmp(a, b, sizeof *a));
}

/* Whether both have the same hashes, digests and PhotoDNA. */
static bool same_values(const hk_entry *a, const hk_entry *b)
{
    if (!same_hash(a->has_hash, &a->hash, b->has_hash, &b->hash) ||
        !same_hash(a->has_exact_hash, &a->exact_hash, b->has_exact_hash, &b->exact_hash) ||
        a->digests.present != b->digests.present || a->has_photodna != b->has_photodna ||
        (a->has_photodna && memcmp(a->photodna, b->photodna, sizeof a->photodna)))
        return false;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (a->digests.present >> basis & 1 &&
            memcmp(hk__digest_bytes(&a->digests, (hk_basis)basis),
                   hk__digest_bytes(&b->digests, (hk_basis)basis),
                   hk__digest_size((hk_basis)basis)))
            return false;
    return true;
}

/* Feeds are gone through millions of entries at a time: one piece of memory, hashed once. */
typedef struct packed {
    uint8_t bytes[4 + 2 * 32 + 16 + 20 + 32 + HK_PHOTODNA_SIZE];
    size_t size;
} packed;

static void put(packed *p, const void *bytes, size_t size)
{
    memcpy(p->bytes + p->size, bytes, size);
    p->size += size;
}

static void put_hash(packed *p, const hk_hash *hash)
{
    hk__hash_to_bytes(p->bytes + p->size, hash);
    p->size += 32;
}

static void put_values(packed *p, const hk_entry *entry)
{
    const uint8_t which[4] = {entry->has_hash, entry->has_exact_hash, entry->has_photodna,
                              (uint8_t)entry->digests.present};
    p->size = 0;
    put(p, which, sizeof which);
    if (entry->has_hash)
        put_hash(p, &entry->hash);
    if (entry->has_exact_hash)
        put_hash(p, &entry->exact_hash);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (entry->digests.present >> basis & 1)
            put(p, hk__digest_bytes(&entry->digests, (hk_basis)basis),
                hk__digest_size((hk_basis)basis));
    if (entry->has_photodna)
        put(p, entry->photodna, sizeof entry->photodna);
}

uint64_t hk__entry_key(const hk_entry *entry)
{
    packed values;
    if (has_id(entry))
        return XXH3_64bits_withSeed(entry->id, strlen(entry->id), 1);
    put_values(&values, entry);
    return XXH3_64bits(values.bytes, values.size);
}

bool hk__entry_is(const hk_entry *a, const hk_entry *b)
{
    if (has_id(a) || has_id(b))
        return has_id(a) && has_id(b) && !strcmp(a->id, b->id);
    return same_values(a, b);
}

bool hk__entry_shares_value(const hk_entry *a, const hk_entry *b)
{
    bool shares = (a->has_hash && b->has_hash && !memcmp(&a->hash, &b->hash, sizeof a->hash)) ||
                  (a->has_exact_hash && b->has_exact_hash &&
                   !memcmp(&a->exact_hash, &b->exact_hash, sizeof a->exact_hash)) ||
                  (a->has_photodna && b->has_photodna &&
                   !memcmp(a->photodna, b->photodna, sizeof a->photodna));
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        shares |= a->digests.present & b->digests.present & 1u << basis &&
                  !memcmp(hk__digest_bytes(&a->digests, (hk_basis)basis),
                          hk__digest_bytes(&b->digests, (hk_basis)basis),
                          hk__digest_size((hk_basis)basis));
    return shares;
}

static bool same_text(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

/* What says nothing of frames does not take back those there are. */
static bool same_cuts(const hk_entry *a, const hk_entry *b)
{
    return !b->cut_count ||
           (a->cut_count == b->cut_count && !memcmp(a->cuts, b->cuts, a->cut_count * HK_CUT_SIZE));
}

bool hk__entry_equal(const hk_entry *a, const hk_entry *b)
{
    return same_values(a, b) && same_cuts(a, b) && a->quality == b->quality && a->date == b->date &&
           same_text(a->id, b->id) && same_text(a->category, b->category) &&
           same_text(a->tags, b->tags) && same_text(a->extra, b->extra);
}

uint64_t hk__entry_sum(uint32_t number, const hk_entry *entry)
{
    packed values;
    put_values(&values, entry);
    uint64_t sum = XXH3_64bits_withSeed(values.bytes, values.size, number);
    if (entry->cut_count)
        sum = XXH3_64bits_withSeed(entry->cuts, entry->cut_count * HK_CUT_SIZE, sum);
    const int64_t numbers[2] = {entry->quality, entry->date};
    sum = XXH3_64bits_withSeed(numbers, sizeof numbers, sum);
    const char *const texts[] = {entry->id,   entry->name,   entry->category,
                                 entry->tags, entry->source, entry->extra};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] && *texts[i])
            sum = XXH3_64bits_withSeed(texts[i], strlen(texts[i]), sum + i);
    return sum;
}
