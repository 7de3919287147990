/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_slots.c - how bits are dealt to slots, and the two rules by which a search over the slots
 * misses nothing, tried on pairs that only just obey them.
 */
#include "unit.h"

#include "index/slots.h"

#include <string.h>

enum { TAG_BITS_MIN = 8 };

static bool has(const uint64_t mask[4], unsigned bit)
{
    return mask[bit / 64] >> bit % 64 & 1;
}

static void put(uint64_t mask[4], unsigned bit)
{
    mask[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void take(uint64_t mask[4], unsigned bit)
{
    mask[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

/* The lowest bit of a mask. */
static unsigned lowest(const uint64_t mask[4])
{
    unsigned bit = 0;
    while (!has(mask, bit))
        bit++;
    return bit;
}

static unsigned differing(const uint64_t mask[4], const hk_hash *a, const hk_hash *b)
{
    unsigned bits = 0;
    for (unsigned bit = 0; bit < HK_HASH_BITS; bit++)
        bits += has(mask, bit) && has(a->word, bit) != has(b->word, bit);
    return bits;
}

/* ---- dealing -------------------------------------------------------------------------------- */

static void check_deal(unsigned count, unsigned group_bits, unsigned tag_bits)
{
    hk__slot slots[HK__SLOTS_MAX + 1];
    memset(slots, 0xa5, sizeof slots);
    const hk__slot fence = slots[count];
    hk__slots_deal(slots, count, group_bits, tag_bits);
    assert_memory_equal(&slots[count], &fence, sizeof fence);

    unsigned total = 0;
    for (unsigned s = 0; s < count; s++) {
        const hk__slot *slot = &slots[s], *next = &slots[(s + 1) % count];
        const unsigned group = hk__mask_width(slot->group), own = hk__mask_width(slot->own);
        const unsigned width = HK_HASH_BITS / count + (s >= count - HK_HASH_BITS % count);
        unsigned wanted = group_bits < width ? group_bits : width;
        if (width - wanted > tag_bits)
            wanted = width - tag_bits;
        assert_int_equal(group, wanted);
        assert_int_equal(group + own, width);
        assert_true(group >= 1 && group <= HK__GROUP_BITS_MAX);
        const unsigned room = tag_bits - own, narrow = HK_HASH_BITS / count;
        assert_int_equal(hk__mask_width(slot->next), room < narrow ? room : narrow);
        for (unsigned bit = 0; bit < HK_HASH_BITS; bit++)
            if (has(slot->next, bit))
                assert_true(has(next->group, bit) || has(next->own, bit));
        total += width;
    }
    assert_int_equal(total, HK_HASH_BITS);
    for (unsigned bit = 0; bit < HK_HASH_BITS; bit++) {
        unsigned times = 0;
        for (unsigned s = 0; s < count; s++)
            times += has(slots[s].group, bit) + has(slots[s].own, bit);
        assert_int_equal(times, 1);
    }
    assert_true(hk__slots_are_sound(slots, count, tag_bits));
}

static void every_bit_is_dealt_to_one_slot(void **state)
{
    (void)state;
    for (unsigned count = HK__SLOTS_MIN; count <= HK__SLOTS_MAX; count++)
        for (unsigned group = 1; group <= HK__GROUP_BITS_MAX; group++)
            for (unsigned tag = TAG_BITS_MIN; tag <= HK__TAG_BITS_MAX; tag++)
                check_deal(count, group, tag);
}

/* Which bits make a slot depends on the count alone: tables of any group width agree about it. */
static void slots_are_the_same_for_every_group_and_tag(void **state)
{
    (void)state;
    for (unsigned count = HK__SLOTS_MIN; count <= HK__SLOTS_MAX; count++) {
        hk__slot first[HK__SLOTS_MAX], other[HK__SLOTS_MAX];
        hk__slots_deal(first, count, 1, HK__TAG_BITS_MAX);
        for (unsigned group = 2; group <= HK__GROUP_BITS_MAX; group++) {
            hk__slots_deal(other, count, group, TAG_BITS_MIN + group % 9);
            for (unsigned s = 0; s < count; s++)
                for (int w = 0; w < 4; w++)
                    assert_true((first[s].group[w] | first[s].own[w]) ==
                                (other[s].group[w] | other[s].own[w]));
        }
    }
}

/* FNV-1a over the masks, low byte first. */
static uint64_t checksum(unsigned count, unsigned group_bits, unsigned tag_bits)
{
    hk__slot slots[HK__SLOTS_MAX];
    hk__slots_deal(slots, count, group_bits, tag_bits);
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (unsigned s = 0; s < count; s++)
        for (int k = 0; k < 12; k++) {
            const uint64_t word = k < 4   ? slots[s].group[k]
                                  : k < 8 ? slots[s].own[k - 4]
                                          : slots[s].next[k - 8];
            for (int byte = 0; byte < 8; byte++)
                sum = (sum ^ (word >> 8 * byte & 255)) * UINT64_C(0x100000001b3);
        }
    return sum;
}

/* Files carry their own masks, so another shuffle would break none: but it must be meant. */
static void the_shuffle_is_frozen(void **state)
{
    (void)state;
    assert_true(checksum(11, 14, 16) == UINT64_C(0x529b025cfbdef6a3));
    assert_true(checksum(16, 11, 16) == UINT64_C(0x2c60aedc670eb007));
    assert_true(checksum(16, 11, 13) != checksum(16, 11, 16));
}

/* ---- soundness ------------------------------------------------------------------------------ */

/* Plants a fault of one kind in slots dealt with some room in them; false: no such kind. */
static bool plant(hk__slot *slots, unsigned count, unsigned at, unsigned kind)
{
    hk__slot *slot = &slots[at], *next = &slots[(at + 1) % count];
    hk__slot *far = &slots[(at + 2) % count], *last = &slots[(at + count - 1) % count];
    switch (kind) {
    case 0: /* a bit in two slots, of the tag of one */
        take(slot->own, lowest(slot->own));
        put(slot->own, lowest(far->own));
        return true;
    case 1: /* and of its group */
        take(slot->group, lowest(slot->group));
        put(slot->group, lowest(far->group));
        return true;
    case 2: /* a bit of the group in the tag as well */
        take(slot->own, lowest(slot->own));
        put(slot->own, lowest(slot->group));
        return true;
    case 3: /* the high bits of the tag: from the slot itself, */
        take(slot->next, lowest(slot->next));
        put(slot->next, lowest(slot->own));
        return true;
    case 4: /* from the one after the next, */
        take(slot->next, lowest(slot->next));
        put(slot->next, lowest(far->group));
        return true;
    case 5: /* from nowhere */
        for (unsigned bit = lowest(slot->next), s = 0; s < count; s++) {
            take(next->group, bit);
            take(next->own, bit);
        }
        return true;
    case 6: /* a tag of a bit too many */
        for (unsigned bit = 0; bit < HK_HASH_BITS; bit++)
            if ((has(next->group, bit) || has(next->own, bit)) && !has(slot->next, bit)) {
                put(slot->next, bit);
                return true;
            }
        return true;
    case 7: /* no group */
        for (int w = 0; w < 4; w++)
            last->next[w] &= ~slot->group[w];
        memset(slot->group, 0, sizeof slot->group);
        return true;
    default:
        return false;
    }
}

static void unsound_slots_are_refused(void **state)
{
    (void)state;
    for (unsigned count = HK__SLOTS_MIN; count <= HK__SLOTS_MAX; count++)
        for (unsigned at = 0; at < count; at++) {
            hk__slot slots[HK__SLOTS_MAX];
            for (unsigned kind = 0;; kind++) {
                /* Groups leave seven bits of a slot, so that all masks have some. */
                hk__slots_deal(slots, count, HK_HASH_BITS / count - 7, 14);
                if (count < 11) /* 24 bits are the most for a group: then more are left */
                    hk__slots_deal(slots, count, 20, 14);
                assert_true(hk__slots_are_sound(slots, count, 14));
                if (!plant(slots, count, at, kind))
                    break;
                if (hk__slots_are_sound(slots, count, 14))
                    print_error("fault %u in slot %u of %u passes\n", kind, at, count);
                assert_false(hk__slots_are_sound(slots, count, 14));
            }
        }
}

static void groups_too_wide_are_refused(void **state)
{
    (void)state;
    hk__slot slots[HK__SLOTS_MAX];
    for (unsigned at = 0; at < 8; at++) {
        hk__slots_deal(slots, 8, 24, 16);
        const unsigned bit = lowest(slots[at].own);
        take(slots[at].own, bit);
        put(slots[at].group, bit);
        assert_false(hk__slots_are_sound(slots, 8, 16));
    }
}

static void fewer_slots_or_narrower_tags_are_judged(void **state)
{
    (void)state;
    hk__slot slots[HK__SLOTS_MAX];
    hk__slots_deal(slots, 16, 10, 16);
    assert_true(hk__slots_are_sound(slots, 16, 16));
    assert_false(hk__slots_are_sound(slots, 16, 15));
    assert_false(hk__slots_are_sound(slots, 15, 16)); /* the last one's tag is of slot 15 */
    assert_false(hk__slots_are_sound(slots, 1, 16));
    assert_false(hk__slots_are_sound(slots, 0, 16));
    /* A bit in no slot only widens the net. */
    const unsigned bit = lowest(slots[3].own);
    take(slots[3].own, bit);
    take(slots[2].next, bit);
    assert_true(hk__slots_are_sound(slots, 16, 16));
}

/* ---- quotas --------------------------------------------------------------------------------- */

static void quotas_add_up(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= HK__SLOTS_MAX; count++)
        for (unsigned radius = 0; radius <= HK_HASH_BITS; radius++) {
            unsigned quota[HK__SLOTS_MAX], sum = 0;
            hk__slots_quotas(quota, count, radius);
            for (unsigned s = 0; s < count; s++) {
                sum += quota[s];
                assert_true(quota[0] - quota[s] <= 1);
            }
            assert_int_equal(sum, radius + 1);
        }
}

/* ---- the rules ------------------------------------------------------------------------------ */

/* Whether some slot leads from one hash to the other, as mih_body.h looks: groups and tags. less
 * is taken from what a slot and its next may differ in together: 0, or a fault. */
static bool some_slot_leads(const hk__slot slots[], const unsigned quota[], unsigned count,
                            const hk_hash *a, const hk_hash *b, int less)
{
    for (unsigned s = 0; s < count; s++) {
        const int reach = (int)quota[s] - 1;
        const int reach_both = (int)(quota[s] + quota[(s + 1) % count]) - 1 - less;
        const int own = (int)(differing(slots[s].group, a, b) + differing(slots[s].own, a, b));
        if (own <= reach && own + (int)differing(slots[s].next, a, b) <= reach_both)
            return true;
    }
    return false;
}

/* Flips `bits` bits of a slot, or all that it has; those of its group first, or last. */
static unsigned flip_in_slot(hk_hash *hash, const hk__slot *slot, unsigned bits, unsigned from)
{
    unsigned flipped = 0;
    for (unsigned i = 0; i < HK_HASH_BITS && flipped < bits; i++) {
        const unsigned bit = (i + from) % HK_HASH_BITS;
        if (has(slot->group, bit) || has(slot->own, bit)) {
            flip_bit(hash, bit);
            flipped++;
        }
    }
    return flipped;
}

/* A hash within the radius whose differences fill the quotas of all slots as far as can be: one
 * slot is a bit short of its own, and some bits have moved to another slot. */
static hk_hash barely_within(const hk_hash *from, const hk__slot slots[], const unsigned quota[],
                             unsigned count, uint64_t *seed)
{
    unsigned bits[HK__SLOTS_MAX];
    memcpy(bits, quota, count * sizeof *bits);
    for (unsigned s = (unsigned)(next_random(seed) % count);; s = (s + 1) % count)
        if (bits[s]) {
            bits[s]--;
            break;
        }
    for (uint64_t moves = next_random(seed) % 4; moves; moves--) {
        const unsigned out = (unsigned)(next_random(seed) % count);
        const unsigned in = (out + 1 + (unsigned)(next_random(seed) % 2)) % count;
        const unsigned most = bits[out] ? 1 + (unsigned)(next_random(seed) % bits[out]) : 0;
        bits[out] -= most;
        bits[in] += most;
    }
    hk_hash hash = *from;
    for (unsigned s = 0; s < count; s++)
        flip_in_slot(&hash, &slots[s], bits[s], (unsigned)(next_random(seed) % HK_HASH_BITS));
    return hash;
}

typedef enum fault { NO_FAULT, QUOTAS_SHORT, BOTH_SHORT } fault;

/* How many of a number of pairs within the radius no slot leads between. */
static unsigned count_missed(unsigned count, unsigned group, unsigned tag, unsigned radius,
                             fault planted, uint64_t seed)
{
    hk__slot slots[HK__SLOTS_MAX];
    unsigned quota[HK__SLOTS_MAX], used[HK__SLOTS_MAX], missed = 0;
    hk__slots_deal(slots, count, group, tag);
    hk__slots_quotas(quota, count, radius);
    hk__slots_quotas(used, count, radius - (planted == QUOTAS_SHORT));
    for (int pair = 0; pair < 12; pair++) {
        const hk_hash a = random_hash(&seed);
        const hk_hash b =
            pair % 3 ? barely_within(&a, slots, quota, count, &seed)
                     : at_distance(&a, (unsigned)(next_random(&seed) % (radius + 1)), &seed);
        assert_true(hk_hash_distance(&a, &b) <= radius);
        missed += !some_slot_leads(slots, used, count, &a, &b, planted == BOTH_SHORT);
    }
    return missed;
}

static void some_slot_leads_to_everything_within_the_radius(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned count = HK__SLOTS_MIN; count <= HK__SLOTS_MAX; count++)
        for (unsigned radius = 0; radius <= 64; radius++) {
            const unsigned group = 1 + (unsigned)(next_random(&seed) % HK__GROUP_BITS_MAX);
            const unsigned tag = TAG_BITS_MIN + (unsigned)(next_random(&seed) % 9);
            assert_int_equal(count_missed(count, group, tag, radius, NO_FAULT, seed), 0);
        }
}

static void rules_of_a_bit_less_miss_some(void **state)
{
    (void)state;
    for (unsigned count = HK__SLOTS_MIN; count <= HK__SLOTS_MAX; count++) {
        unsigned missed = 0, missed_both = 0;
        for (unsigned radius = count; radius <= 64; radius++) {
            missed += count_missed(count, 12, 16, radius, QUOTAS_SHORT, radius);
            missed_both += count_missed(count, 12, 16, radius, BOTH_SHORT, radius);
        }
        assert_true(missed > 0);
        if (count >= 16) /* the tags of fewer slots show too little of the next to miss any */
            assert_true(missed_both > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_is_dealt_to_one_slot),
        cmocka_unit_test(slots_are_the_same_for_every_group_and_tag),
        cmocka_unit_test(the_shuffle_is_frozen),
        cmocka_unit_test(unsound_slots_are_refused),
        cmocka_unit_test(groups_too_wide_are_refused),
        cmocka_unit_test(fewer_slots_or_narrower_tags_are_judged),
        cmocka_unit_test(quotas_add_up),
        cmocka_unit_test(some_slot_leads_to_everything_within_the_radius),
        cmocka_unit_test(rules_of_a_bit_less_miss_some),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
