/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_snapshot_damage.c - a snapshot of which any byte was changed is refused or answers as if it
 * were not, and one that lies with its checksums made right is found out by hk_index_verify and
 * leads no search out of its file.
 */
#include "forge.h"
#include "index_model.h"

#include "core/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STRIDE = 211 }; /* every byte is for the plain build */
#else
enum { STRIDE = 1 };
#endif

enum { COUNT = 700, DIGESTS = 60, SEED = 11 };

/* ---- a fixed set of questions ---------------------------------------------------------------- */

static const struct {
    const char *engine;
    unsigned radius;
    size_t queries, bound;
} searches[] = {{"mih", 24, 2, 0}, {"mih", 52, 1, 5}, {"flat", 24, 2, 0}};

enum { SCANS = 2 }; /* the first of them that is a scan */

typedef struct answers {
    hk_hits hits[COUNT_OF(searches)];
    uint32_t *ids[HK_BASIS_PDQ][4];
    size_t id_count[HK_BASIS_PDQ][4];
} answers;

static model truth;
static memory_file file;
static hk__layout layout;
static uint8_t *good; /* a copy of the file */
static answers expected;

static void clear_answers(answers *a)
{
    for (size_t s = 0; s < COUNT_OF(searches); s++)
        hk_hits_free(&a->hits[s]);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (int i = 0; i < 4; i++)
            free(a->ids[basis][i]);
    *a = (answers){0};
}

static const uint8_t *asked_digest(int basis, int i)
{
    static const uint8_t none[32] = {1, 2, 3};
    return i ? truth.digest[basis][(size_t)i * 17].bytes : none;
}

typedef enum outcome { SAME, REFUSED, DIFFERENT, STRANGE } outcome;

static outcome worse(outcome a, outcome b)
{
    return a > b ? a : b;
}

static outcome of_status(hk_status status)
{
    return !status ? SAME : status == HK_ERR_FORMAT ? REFUSED : STRANGE;
}

static outcome ask_digests(answers *out, const hk_index *index)
{
    outcome all = SAME;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (int i = 0; i < 4; i++) {
            uint32_t *ids = NULL;
            size_t n = 0;
            outcome now = of_status(hk_index_find_digest(&ids, &n, index, (hk_basis)basis,
                                                         asked_digest(basis, i), NULL));
            if (now == SAME && out != &expected &&
                (n != expected.id_count[basis][i] ||
                 (n && memcmp(ids, expected.ids[basis][i], n * sizeof *ids) != 0)))
                now = DIFFERENT;
            all = worse(all, now);
            out->ids[basis][i] = ids;
            out->id_count[basis][i] = n;
        }
    return all;
}

/* Asks everything, engine by engine, each of a file opened anew. */
static outcome ask_first(answers *out, size_t search_count)
{
    hk_hash queries[MODEL_QUERIES];
    hk_index *index = NULL;
    outcome all = SAME;
    model_queries(queries, SEED);
    for (size_t s = 0; s < search_count; s++) {
        hk_index_options options = HK_INDEX_OPTIONS_INIT;
        options.engine = searches[s].engine;
        if (s == 0 || searches[s].engine != searches[s - 1].engine) {
            hk_index_free(index);
            index = NULL;
            const outcome opened = of_status(hk_index_open(&index, file.path, &options, NULL));
            if (opened != SAME)
                return worse(all, opened);
            if (s == 0)
                all = ask_digests(out, index);
        }
        outcome now = of_status(hk_index_within(&out->hits[s], index, queries, searches[s].queries,
                                                searches[s].radius, searches[s].bound, NULL));
        if (now == SAME && out != &expected && !same_hits(&out->hits[s], &expected.hits[s]))
            now = DIFFERENT;
        all = worse(all, now);
    }
    hk_index_free(index);
    return all;
}

static outcome ask_and_forget_first(size_t search_count)
{
    answers got = {0};
    const outcome result = ask_first(&got, search_count);
    clear_answers(&got);
    return result;
}

static outcome ask_and_forget(void)
{
    return ask_and_forget_first(COUNT_OF(searches));
}

static size_t problems(void)
{
    size_t found = 0;
    hk_error err;
    const hk_status status = hk_index_verify(&found, file.path, NULL, NULL, &err);
    assert_true(status == HK_OK || status == HK_ERR_FORMAT);
    return status ? 1 : found;
}

static int start(void **state)
{
    (void)state;
    char folder[PATH_ROOM], path[PATH_ROOM + 16];
    hk_index *index;
    size_t size;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    truth = model_of(COUNT, DIGESTS, IDS_CLOSE, SEED);
    assert_int_equal(build_small_tables(&index, &truth, IDS_CLOSE), HK_OK);
    assert_int_equal(hk_index_save(index, path, NULL), HK_OK);
    hk_index_free(index);
    good = read_file(&size, path);
    remove_folder(folder);
    file = memory_file_of(good, size);
    layout = layout_of(good);
    assert_int_equal(ask_first(&expected, COUNT_OF(searches)), SAME);
    for (size_t s = 0; s < COUNT_OF(searches); s++)
        assert_true(expected.hits[s].count > 0);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        assert_true(!expected.id_count[basis][0] && expected.id_count[basis][1]);
    assert_int_equal(ask_and_forget(), SAME);
    assert_int_equal(problems(), 0);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    clear_answers(&expected);
    memory_file_free(&file);
    free(good);
    model_free(&truth);
    return 0;
}

static void restore(void)
{
    memcpy(file.bytes, good, file.size);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void no_changed_byte_changes_an_answer(void **state)
{
    (void)state;
    uint64_t seed = 1;
    size_t refused = 0, tried = 0;
    for (size_t at = 0; at < file.size; at += STRIDE, tried++) {
        file.bytes[at] ^= (uint8_t)(1 + next_random(&seed) % 255);
        /* A scan does not look at the tables, which are most of the file. */
        const bool in_tables = at >= layout.start[0] && at < layout.digests[0];
        const outcome result = ask_and_forget_first(in_tables ? SCANS : COUNT_OF(searches));
        if (result != SAME && result != REFUSED)
            print_error("byte %zu of %zu: outcome %d\n", at, file.size, result);
        assert_true(result == SAME || result == REFUSED);
        refused += result == REFUSED;
        file.bytes[at] = good[at];
    }
    assert_true(refused > tried / 2); /* the questions touch most of the file */
    print_message("%zu bytes, %zu tried, %zu refused\n", file.size, tried, refused);
}

/* What nothing was asked about is found by verify, block by block. */
static void verify_finds_every_damaged_block(void **state)
{
    (void)state;
    for (size_t at = 5; at < file.size; at += 997) {
        file.bytes[at] ^= 0x20;
        assert_int_equal(problems(), 1);
        file.bytes[at] = good[at];
    }
    for (size_t block = 2; block < layout.sums / HK__SEAL_BLOCK; block++)
        file.bytes[block * HK__SEAL_BLOCK] ^= 1;
    assert_int_equal(problems(), layout.sums / HK__SEAL_BLOCK - 2);
    restore();
}

/* A copy of a damaged file is not given good checksums. */
static void damage_is_not_saved_under_new_checksums(void **state)
{
    (void)state;
    char folder[PATH_ROOM], path[PATH_ROOM + 16];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    for (size_t at = HK__SNAPSHOT_HEADER + 1; at < layout.sums; at += HK__SEAL_BLOCK) {
        hk_index *index;
        file.bytes[at] ^= 4;
        assert_int_equal(hk_index_open(&index, file.path, NULL, NULL), HK_OK);
        assert_int_equal(hk_index_save(index, path, NULL), HK_ERR_FORMAT);
        assert_int_equal(count_files(folder, ""), 2);
        hk_index_free(index);
        file.bytes[at] = good[at];
    }
    remove_folder(folder);
}

static void a_file_cut_short_or_added_to_is_refused(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(file.size + 4096);
    memcpy(bytes, good, file.size);
    memset(bytes + file.size, 0, 4096);
    memory_file whole = file;
    for (size_t boundary = 0; boundary <= file.size + 4095; boundary += HK__SEAL_BLOCK)
        for (int off = -1; off <= 1; off++) {
            const size_t size = boundary + (size_t)off;
            if (size > file.size + 4096 || size == whole.size)
                continue;
            file = memory_file_of(bytes, size);
            assert_int_equal(ask_and_forget(), REFUSED);
            assert_int_equal(problems(), 1);
            memory_file_free(&file);
            file = whole;
        }
    file = memory_file_of(bytes, whole.size + 1);
    assert_int_equal(ask_and_forget(), REFUSED);
    memory_file_free(&file);
    file = whole;
    free(bytes);
}

/* The proof that the comparison can fail: the same damage, with the checksums made right. */
static void damage_with_right_checksums_changes_answers(void **state)
{
    (void)state;
    size_t different = 0;
    const uint64_t places[] = {layout.hashes, layout.ids, layout.digests[0], layout.digest_ids[1]};
    const size_t sizes[] = {COUNT * sizeof(hk_hash), COUNT * 2, DIGESTS * 16, DIGESTS * 4};
    for (size_t p = 0; p < COUNT_OF(places); p++) {
        size_t here = 0;
        for (size_t at = 0; at < sizes[p]; at += 1 + sizes[p] / 400) {
            file.bytes[places[p] + at] ^= 0x10;
            forge_snapshot(file.bytes, file.size);
            here += ask_and_forget() == DIFFERENT;
            restore();
        }
        assert_true(here > 0);
        different += here;
    }
    print_message("%zu answers differed\n", different);
    assert_int_equal(ask_and_forget(), SAME);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static hk__header header;
static uint64_t lie_seed;

#define LIE(name, change)                                                                          \
    static void name(void)                                                                         \
    {                                                                                              \
        change;                                                                                    \
    }

LIE(another_version, header.version = 2)
LIE(another_size, header.header_size = 4096)
LIE(another_model, memcpy(header.model, "pdqf", 4))
LIE(no_model, memset(header.model, 'p', sizeof header.model))
LIE(one_table, header.tables = 1)
LIE(too_many_tables, header.tables = 21)
LIE(very_many_tables, header.tables = UINT32_MAX)
LIE(fewer_tag_bits, header.tag_bits = 15)
LIE(more_tag_bits, header.tag_bits = 64)
LIE(another_id_form, header.id_form = 3)
LIE(a_hash_more_than_fits, header.hash_count = UINT64_C(1) << 32)
LIE(hashes_that_overflow, header.hash_count = UINT64_C(1) << 59)
LIE(hashes_that_overflow_to_the_same, header.hash_count += UINT64_C(1) << 59)
LIE(digests_that_overflow, header.digest_count[0] = UINT64_C(1) << 60)
LIE(digests_that_overflow_to_the_same, header.digest_count[2] += UINT64_C(1) << 59)
LIE(as_many_as_there_can_be, header.hash_count = UINT32_MAX)
LIE(another_file_size, header.file_size += 8)
LIE(groups_that_overlap, memcpy(header.slot[3].group, header.slot[2].group, 32))
LIE(own_bits_that_overlap, header.slot[0].own[0] |= header.slot[0].group[0])
LIE(a_group_of_no_bits, memset(header.slot[5].group, 0, 32))
LIE(a_group_of_all_bits, memset(header.slot[5].group, 0xff, 32))
LIE(tags_of_too_many_bits, memset(header.slot[4].next, 0xff, 32))
LIE(tags_of_another_slot, memcpy(header.slot[4].next, header.slot[7].own, 32))

static uint32_t *starts(unsigned t)
{
    return (uint32_t *)(file.bytes + layout.start[t]);
}

static uint8_t *item(unsigned t, size_t place)
{
    return file.bytes + layout.items[t] + 3 * place;
}

static void scramble(uint64_t place, size_t size)
{
    for (size_t i = 0; i < size; i++)
        file.bytes[place + i] = (uint8_t)next_random(&lie_seed);
}

/* Of two equal hashes one is named twice and the other not at all: group and tag are right. */
static void a_twin_left_out(void)
{
    const hk_hash *hashes = (const hk_hash *)(file.bytes + layout.hashes);
    for (size_t place = 0; place < COUNT; place++) {
        const uint8_t *mine = item(2, place);
        const size_t position = mine[0] | mine[1] << 8;
        for (uint32_t twin = 0; twin < COUNT; twin++)
            if (twin != position && !memcmp(&hashes[twin], &hashes[position], sizeof *hashes)) {
                memcpy(item(2, place), (uint8_t[]){(uint8_t)twin, (uint8_t)(twin >> 8), 0}, 3);
                return;
            }
    }
    fail_msg("the model has no twins");
}

LIE(starts_that_descend, starts(2)[100] = starts(2)[99] - 1)
LIE(a_start_beyond, starts(0)[7] = UINT32_MAX)
LIE(a_first_start, starts(1)[0] = 3)
LIE(a_last_start, starts(1)[256]++)
LIE(starts_of_nothing, memset(starts(4), 0, 257 * 4))
LIE(random_starts, scramble(layout.start[6], 257 * 4))
LIE(an_item_beyond, memset(item(3, 20), 0xff, 3))
LIE(an_item_just_beyond, memcpy(item(3, 20), (uint8_t[]){COUNT & 0xff, COUNT >> 8, 0}, 3))
LIE(a_hash_left_out, memcpy(item(5, 31), item(5, 30), 3))
LIE(random_items, scramble(layout.items[9], 3 * COUNT))
LIE(a_wrong_tag, file.bytes[layout.tags[8] + 55] ^= 1)
LIE(random_tags, scramble(layout.tags[0], 2 * COUNT))
LIE(ids_that_descend, ((uint16_t *)(file.bytes + layout.ids))[70] = 0)
LIE(a_block_of_ids_too_high, ((uint32_t *)(file.bytes + layout.id_first))[1] = UINT32_MAX)
LIE(a_digest_out_of_order, memset(file.bytes + layout.digests[1] + 20, 0xff, 20))
LIE(random_digests, scramble(layout.digests[2], 32 * DIGESTS))
LIE(another_hash, scramble(layout.hashes + 64, 32))
LIE(a_hash_less, header.hash_count--)
LIE(all_of_it, scramble(layout.hashes, layout.sums - layout.hashes))

typedef struct lie {
    const char *name;
    void (*tell)(void);
    bool opens;
} lie;

#define REFUSED_AT_ONCE(name)                                                                      \
    {                                                                                              \
#name, name, false                                                                         \
    }
#define OPENS(name)                                                                                \
    {                                                                                              \
#name, name, true                                                                          \
    }

static const lie lies[] = {
    REFUSED_AT_ONCE(another_version),
    REFUSED_AT_ONCE(another_size),
    REFUSED_AT_ONCE(another_model),
    REFUSED_AT_ONCE(no_model),
    REFUSED_AT_ONCE(one_table),
    REFUSED_AT_ONCE(too_many_tables),
    REFUSED_AT_ONCE(very_many_tables),
    REFUSED_AT_ONCE(fewer_tag_bits),
    REFUSED_AT_ONCE(more_tag_bits),
    REFUSED_AT_ONCE(another_id_form),
    REFUSED_AT_ONCE(a_hash_more_than_fits),
    REFUSED_AT_ONCE(hashes_that_overflow),
    REFUSED_AT_ONCE(hashes_that_overflow_to_the_same),
    REFUSED_AT_ONCE(digests_that_overflow),
    REFUSED_AT_ONCE(digests_that_overflow_to_the_same),
    REFUSED_AT_ONCE(as_many_as_there_can_be),
    REFUSED_AT_ONCE(another_file_size),
    REFUSED_AT_ONCE(groups_that_overlap),
    REFUSED_AT_ONCE(own_bits_that_overlap),
    REFUSED_AT_ONCE(a_group_of_no_bits),
    REFUSED_AT_ONCE(a_group_of_all_bits),
    REFUSED_AT_ONCE(tags_of_too_many_bits),
    REFUSED_AT_ONCE(tags_of_another_slot),
    OPENS(starts_that_descend),
    OPENS(a_start_beyond),
    OPENS(a_first_start),
    OPENS(a_last_start),
    OPENS(starts_of_nothing),
    OPENS(random_starts),
    OPENS(an_item_beyond),
    OPENS(an_item_just_beyond),
    OPENS(a_hash_left_out),
    OPENS(a_twin_left_out),
    OPENS(random_items),
    OPENS(a_wrong_tag),
    OPENS(random_tags),
    OPENS(ids_that_descend),
    OPENS(a_block_of_ids_too_high),
    OPENS(a_digest_out_of_order),
    OPENS(random_digests),
    OPENS(another_hash),
    OPENS(a_hash_less),
    OPENS(all_of_it),
};

static void tell_lie(const lie *l)
{
    memcpy(&header, good, sizeof header);
    l->tell();
    memcpy(file.bytes, &header, sizeof header);
    forge_snapshot(file.bytes, file.size);
}

static void lies_are_found_and_lead_nowhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        hk_index *index = NULL;
        hk_error err;
        tell_lie(&lies[i]);
        const hk_status status = hk_index_open(&index, file.path, NULL, &err);
        hk_index_free(index);
        if (status != (lies[i].opens ? HK_OK : HK_ERR_FORMAT) || problems() == 0)
            print_error("%s: status %d, %zu problems\n", lies[i].name, status, problems());
        assert_int_equal(status, lies[i].opens ? HK_OK : HK_ERR_FORMAT);
        assert_true(problems() > 0);
        assert_true(ask_and_forget() != STRANGE);
        restore();
    }
}

/* Two lies at a time, and bytes changed at random: whatever comes of it, no crash. */
static void random_lies_lead_nowhere(void **state)
{
    (void)state;
    size_t opened = 0;
    for (unsigned round = 0; round < 1500; round++) {
        uint64_t seed = round + 1000;
        const uint64_t r = next_random(&seed);
        lie_seed = seed;
        if (r & 1)
            tell_lie(&lies[(r >> 8) % COUNT_OF(lies)]);
        for (unsigned i = 0; i < (r >> 1 & 15); i++) {
            const uint64_t where = next_random(&seed);
            const uint64_t range = where & 1 ? layout.sums : HK__SNAPSHOT_HEADER / 4;
            file.bytes[(where >> 8) % range] = (uint8_t)(where >> 1);
        }
        forge_snapshot(file.bytes, file.size);
        const outcome result = ask_and_forget();
        assert_true(result != STRANGE);
        opened += result != REFUSED;
        (void)problems();
        restore();
    }
    assert_true(opened > 100);
}

static void count_told(void *context, const char *message)
{
    assert_true(strlen(message) > 10);
    ++*(size_t *)context;
}

static void verify_tells_at_most_a_hundred_but_counts_all(void **state)
{
    (void)state;
    size_t found, told = 0;
    lie_seed = 5;
    random_tags();
    forge_snapshot(file.bytes, file.size);
    assert_int_equal(hk_index_verify(&found, file.path, count_told, &told, NULL), HK_OK);
    assert_true(found > COUNT * 9 / 10);
    assert_int_equal(told, 100);
    restore();
    assert_int_equal(problems(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_changed_byte_changes_an_answer),
        cmocka_unit_test(verify_finds_every_damaged_block),
        cmocka_unit_test(damage_is_not_saved_under_new_checksums),
        cmocka_unit_test(a_file_cut_short_or_added_to_is_refused),
        cmocka_unit_test(damage_with_right_checksums_changes_answers),
        cmocka_unit_test(lies_are_found_and_lead_nowhere),
        cmocka_unit_test(random_lies_lead_nowhere),
        cmocka_unit_test(verify_tells_at_most_a_hundred_but_counts_all),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
