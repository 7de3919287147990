/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slots.c - see slots.h. */
#include "index/slots.h"

#include <string.h>

/* splitmix64 (Vigna, public domain), so that the shuffle is the same everywhere and for ever. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void shuffled_bits(uint8_t order[HK_HASH_BITS])
{
    uint64_t state = HK_HASH_BITS;
    for (unsigned i = 0; i < HK_HASH_BITS; i++)
        order[i] = (uint8_t)i;
    for (unsigned i = HK_HASH_BITS - 1; i > 0; i--) {
        const unsigned j = (unsigned)(next_random(&state) % (i + 1));
        const uint8_t bit = order[i];
        order[i] = order[j];
        order[j] = bit;
    }
}

static void set_bit(uint64_t mask[4], unsigned bit)
{
    mask[bit / 64] |= UINT64_C(1) << bit % 64;
}

void hk__slots_deal(hk__slot out[], unsigned count, unsigned group_bits, unsigned tag_bits)
{
    uint8_t order[HK_HASH_BITS];
    shuffled_bits(order);
    memset(out, 0, count * sizeof *out);
    const unsigned wide = HK_HASH_BITS % count; /* this many slots have one bit more */
    unsigned start = 0;
    for (unsigned s = 0; s < count; s++) {
        const unsigned width = HK_HASH_BITS / count + (s >= count - wide);
        unsigned group = group_bits < width ? group_bits : width;
        if (width - group > tag_bits)
            group = width - tag_bits;
        const unsigned own = width - group;
        for (unsigned b = 0; b < width; b++)
            set_bit(b < group ? out[s].group : out[s].own, order[start + b]);
        start += width;
        for (unsigned b = 0; b < tag_bits - own && b < HK_HASH_BITS / count; b++)
            set_bit(out[s].next, order[(start + b) % HK_HASH_BITS]);
    }
}

unsigned hk__mask_width(const uint64_t mask[4])
{
    unsigned bits = 0;
    for (int w = 0; w < 4; w++)
        bits += (unsigned)__builtin_popcountll(mask[w]);
    return bits;
}

bool hk__slots_are_sound(const hk__slot slots[], unsigned count, unsigned tag_bits)
{
    uint64_t seen[4] = {0};
    for (unsigned s = 0; s < count; s++) {
        const hk__slot *slot = &slots[s], *next = &slots[(s + 1) % count];
        const unsigned group = hk__mask_width(slot->group);
        if (group == 0 || group > HK__GROUP_BITS_MAX ||
            hk__mask_width(slot->own) + hk__mask_width(slot->next) > tag_bits)
            return false;
        for (int w = 0; w < 4; w++) {
            if (slot->group[w] & slot->own[w] || seen[w] & (slot->group[w] | slot->own[w]) ||
                slot->next[w] & ~(next->group[w] | next->own[w]))
                return false;
            seen[w] |= slot->group[w] | slot->own[w];
        }
    }
    return count > 1; /* a slot that were its own next would be counted twice */
}

void hk__slots_quotas(unsigned out[], unsigned count, unsigned max_distance)
{
    const unsigned each = (max_distance + 1) / count, more = (max_distance + 1) % count;
    for (unsigned s = 0; s < count; s++)
        out[s] = each + (s < more);
}
