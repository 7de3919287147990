/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_snapshot_kept.c - a snapshot of version 1 that was kept: later programs must read it and
 * answer as it says, and write it again byte for byte.
 *
 *      tests/golden/snapshot-v1.hki    the snapshot
 *      tests/golden/snapshot-v1.txt    what it answers: `query distance id`, and `digest id`
 *
 * `test_snapshot_kept --make` writes both anew. Only for a new version of the format, under a new
 * name: a program that cannot read what an older one wrote must say so by the version.
 */
#include "index_model.h"

#include "core/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASHES = 300, KEPT_DIGESTS = 40, KEPT_QUERIES = 10, RADIUS = 40 };

static const char kept[] = GOLDEN "/snapshot-v1.hki", answers[] = GOLDEN "/snapshot-v1.txt";

/* From a fixed seed, and from nothing else that may change: queries are at known distances. */
static model kept_model(hk_hash queries[KEPT_QUERIES])
{
    model m = {0};
    uint64_t seed = 20260101;
    for (int q = 0; q < KEPT_QUERIES; q++)
        queries[q] = healthy_hash(&seed);
    for (unsigned i = 0; i < HASHES; i++) {
        const uint64_t r = next_random(&seed);
        const hk_hash hash =
            i % 3 ? healthy_hash(&seed) : at_distance(&queries[r % 8], r >> 8 & 63, &seed);
        model_add(&m, hash, 5000 + (uint32_t)(r >> 16) % 900); /* some twice */
    }
    for (unsigned i = 0; i < KEPT_DIGESTS; i++)
        for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
            uint64_t value[4];
            for (int w = 0; w < 4; w++)
                value[w] = next_random(&seed);
            const uint32_t id = 5000 + (uint32_t)(value[3] % 900);
            model_add_digest(&m, (hk_basis)basis, (const uint8_t *)value, id);
            if (i % 10 == 0) /* one digest, two ids */
                model_add_digest(&m, (hk_basis)basis, (const uint8_t *)value, id + 1);
        }
    return m;
}

/* ---- answers as text ------------------------------------------------------------------------- */

static void print_hits(FILE *out, const hk_index *index, const hk_hash *queries)
{
    hk_hits hits;
    assert_int_equal(hk_index_within(&hits, index, queries, KEPT_QUERIES, RADIUS, 0, NULL), HK_OK);
    for (size_t i = 0; i < hits.count; i++)
        fprintf(out, "%u %u %u\n", hits.hit[i].query, hits.hit[i].distance, hits.hit[i].item);
    hk_hits_free(&hits);
}

static void print_ids(FILE *out, const hk_index *index, const model *m)
{
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (size_t d = 0; d < m->digest_count[basis]; d++) {
            const uint8_t *digest = m->digest[basis][d].bytes;
            uint32_t *ids;
            size_t count;
            assert_int_equal(
                hk_index_find_digest(&ids, &count, index, (hk_basis)basis, digest, NULL), HK_OK);
            for (size_t i = 0; i < hk__digest_size((hk_basis)basis); i++)
                fprintf(out, "%02x", digest[i]);
            for (size_t i = 0; i < count; i++)
                fprintf(out, " %u", ids[i]);
            fprintf(out, "\n");
            free(ids);
        }
}

static char *text_of(const hk_index *index, const hk_hash *queries, const model *m)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print_hits(out, index, queries);
    print_ids(out, index, m);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void the_kept_snapshot_answers_as_it_did(void **state)
{
    (void)state;
    static const char *const engines[] = {"auto", "mih", "flat"};
    hk_hash queries[KEPT_QUERIES];
    model m = kept_model(queries);
    size_t size, problems = 99;
    char *expected = (char *)read_file(&size, answers);
    expected[size] = '\0';
    assert_true(size > 1000);
    for (size_t e = 0; e < COUNT_OF(engines); e++) {
        hk_index_options options = HK_INDEX_OPTIONS_INIT;
        hk_index *index;
        options.engine = engines[e];
        assert_int_equal(hk_index_open(&index, kept, &options, NULL), HK_OK);
        char *now = text_of(index, queries, &m);
        assert_string_equal(now, expected);
        free(now);
        hk_index_free(index);
    }
    assert_int_equal(hk_index_verify(&problems, kept, NULL, NULL, NULL), HK_OK);
    assert_int_equal(problems, 0);
    free(expected);
    model_free(&m);
}

static void write_kept(const char *to)
{
    hk_hash queries[KEPT_QUERIES];
    model m = kept_model(queries);
    hk_index *index;
    assert_int_equal(build_small_tables(&index, &m, IDS_CLOSE), HK_OK);
    assert_int_equal(hk_index_save(index, to, NULL), HK_OK);
    hk_index_free(index);
    model_free(&m);
}

static void the_same_bytes_are_written_today(void **state)
{
    (void)state;
    char folder[PATH_ROOM], path[PATH_ROOM + 16];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/a.hki", folder);
    write_kept(path);
    const bool same = same_files(path, kept);
    remove_folder(folder);
    if (!same)
        fail_msg("the bytes of a snapshot have changed. If that is not meant, it is a defect: old "
                 "programs would misread new files. If it is, raise HK__SNAPSHOT_VERSION, keep "
                 "snapshot-v1.* for a test that it is refused by name, or still read, and make "
                 "snapshot-v2.* with `test_snapshot_kept --make`");
}

static void make(void)
{
    hk_hash queries[KEPT_QUERIES];
    model m = kept_model(queries);
    hk_index *index;
    write_kept(kept);
    assert_int_equal(model_build(&index, &m, IDS_CLOSE, "flat", NULL), HK_OK);
    char *text = text_of(index, queries, &m);
    write_file(answers, text, strlen(text));
    free(text);
    hk_index_free(index);
    model_free(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kept_snapshot_answers_as_it_did),
        cmocka_unit_test(the_same_bytes_are_written_today),
    };
    if (argc == 2 && !strcmp(argv[1], "--make")) {
        make();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
