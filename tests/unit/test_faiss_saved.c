/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_faiss_saved.c - saved FAISS indexes: they come back as they were, and nothing of a file is
 * read before it has been checked. Wrong modules and failing allocations on the way.
 */
#include "faiss_unit.h"

#include "core/digest.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- saved indexes ------------------------------------------------------------------------- */

typedef struct place {
    char folder[40], path[64], sum[64];
} place;

static place new_place(void)
{
    place at = {"/tmp/herken-faiss-XXXXXX", "", ""};
    assert_non_null(mkdtemp(at.folder));
    snprintf(at.path, sizeof at.path, "%s/index", at.folder);
    snprintf(at.sum, sizeof at.sum, "%s.sha256", at.path);
    return at;
}

static void leave(const place *at)
{
    unlink(at->path);
    unlink(at->sum);
    assert_int_equal(rmdir(at->folder), 0); /* so that no part of a file is left either */
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    fseek(stream, 0, SEEK_END);
    *size = (size_t)ftell(stream);
    rewind(stream);
    uint8_t *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, stream), *size);
    fclose(stream);
    return bytes;
}

static void put(const char *path, const void *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

/* Writes the digest that makes the bytes trusted. */
static void put_sum(const place *at, const void *bytes, size_t size)
{
    hk__digester *digester;
    hk_digests digests;
    char text[80];
    assert_int_equal(hk__digester_new(&digester, NULL), HK_OK);
    assert_int_equal(hk__digester_start(digester, HK_DIGEST_SHA256, NULL), HK_OK);
    assert_int_equal(hk__digester_add(digester, bytes, size, NULL), HK_OK);
    assert_int_equal(hk__digester_finish(&digests, digester, NULL), HK_OK);
    hk__digester_free(digester);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02X", digests.sha256[i]);
    strcpy(text + 64, "  index\n");
    put(at->sum, text, strlen(text));
}

static hk_status load(const place *at, const char *spec)
{
    hk__faiss *faiss = UNTOUCHED;
    hk_error err = {0};
    const hk_status status = hk__faiss_load(&faiss, FAISS_MODULE, spec, at->path, &err);
    if (!status) {
        hk__faiss_free(faiss);
        return status;
    }
    assert_ptr_equal(faiss, UNTOUCHED);
    assert_int_equal(err.status, status);
    assert_true(strlen(err.message) > 0);
    return status;
}

static void saved_indexes_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        unsigned radius;
    } cases[] = {
        {"BFlat", 47},     {"BHash16x16", 47}, {"BHash10", 47},
        {"BHash24", 2},    {"BHash5x51", 9},   {"BIVF16:nprobe=16", 47},
        {"BHash31x8", 47}, {"BHNSW8", 47},     {"BIVF16_HNSW8:nprobe=3", 47},
        {"BIVF16", 47},
    };
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 500, 21);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const char *spec = cases[c].spec;
        const unsigned radius = cases[c].radius;
        hk__faiss *first = built(spec, items, 500), *second = NULL;
        assert_int_equal(hk__faiss_save(first, at.path, NULL, NULL), HK_OK);
        assert_int_equal(hk__faiss_load(&second, FAISS_MODULE, spec, at.path, NULL), HK_OK);
        assert_int_equal(hk__faiss_count(second), 500);
        hk_hits a = {0}, b = {0};
        assert_int_equal(search(&a, first, queries, QUERIES, radius, 0, NULL), HK_OK);
        assert_int_equal(search(&b, second, queries, QUERIES, radius, 0, NULL), HK_OK);
        assert_true(a.count > 0);
        assert_true(same_hits(&a, &b));
        if (hk__faiss_is_exact(second, radius))
            assert_true(agrees(second, items, 500, queries, QUERIES, radius));
        free(a.hit);
        free(b.hit);
        hk__faiss_free(first);
        hk__faiss_free(second);
    }
    char command[160];
    snprintf(command, sizeof command, "cd %s && sha256sum --quiet -c index.sha256", at.folder);
    assert_int_equal(system(command), 0);
    leave(&at);
    free(items);
}

static void nprobe_and_nflip_are_of_the_spec_not_of_the_file(void **state)
{
    (void)state;
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 500, 23);
    static const char *const pairs[][2] = {{"BIVF16", "BIVF16:nprobe=16"},
                                           {"BHash16x16:nflip=0", "BHash16x16"}};
    for (size_t p = 0; p < COUNT_OF(pairs); p++)
        for (int way = 0; way < 2; way++) {
            hk__faiss *first = built(pairs[p][way], items, 500), *second = NULL;
            assert_int_equal(hk__faiss_save(first, at.path, NULL, NULL), HK_OK);
            assert_int_equal(hk__faiss_load(&second, FAISS_MODULE, pairs[p][!way], at.path, NULL),
                             HK_OK);
            assert_int_equal(hk__faiss_is_exact(second, 47), !way);
            assert_int_equal(agrees(second, items, 500, queries, QUERIES, 47), !way);
            hk__faiss_free(first);
            hk__faiss_free(second);
        }
    leave(&at);
    free(items);
}

static void without_its_digest_nothing_is_read(void **state)
{
    (void)state;
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 50, 25);
    hk__faiss *faiss = built("BFlat", items, 50);
    assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_OK);
    size_t size;
    uint8_t *sum = slurp(at.sum, &size), changed[80];
    assert_int_equal(size, 72); /* "  index\n" */
    assert_int_equal(load(&at, "BFlat"), HK_OK);

    for (size_t digit = 0; digit < 64; digit++) { /* another digest */
        memcpy(changed, sum, size);
        changed[digit] = changed[digit] == '0' ? '1' : '0';
        put(at.sum, changed, size);
        assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    }
    for (size_t length = 0; length < 64; length++) { /* cut short */
        put(at.sum, sum, length);
        assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    }
    memcpy(changed, sum, 64); /* a digit too many, and what is none */
    changed[64] = 'a';
    put(at.sum, changed, 65);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    changed[63] = 'g';
    put(at.sum, changed, 64);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    put(at.sum, sum, 64); /* the digest alone will do */
    assert_int_equal(load(&at, "BFlat"), HK_OK);

    unlink(at.sum);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    assert_int_equal(mkfifo(at.sum, 0600), 0);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    unlink(at.path);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_IO);
    assert_int_equal(mkdir(at.path, 0700), 0);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_IO);
    assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_ERR_IO);
    rmdir(at.path);
    leave(&at);
    assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_ERR_IO);
    free(sum);
    hk__faiss_free(faiss);
    free(items);
}

static void a_changed_file_is_refused(void **state)
{
    (void)state;
    static const char *const specs[] = {"BFlat", "BHash16x16", "BHash10", "BIVF16", "BHNSW8"};
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 60, 27);
    for (size_t s = 0; s < COUNT_OF(specs); s++) {
        hk__faiss *faiss = built(specs[s], items, 60);
        assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_OK);
        hk__faiss_free(faiss);
        size_t size;
        uint8_t *bytes = slurp(at.path, &size);
        for (size_t i = 0; i < 120; i++) { /* the header byte by byte, then in strides */
            const size_t where = i < 60 ? i : i * (size - 1) / 119;
            bytes[where] ^= (uint8_t)(1 << i % 8);
            put(at.path, bytes, size);
            assert_int_equal(load(&at, specs[s]), HK_ERR_FORMAT);
            bytes[where] ^= (uint8_t)(1 << i % 8);
        }
        for (size_t i = 0; i < 20; i++) {
            put(at.path, bytes, i * size / 20);
            assert_int_equal(load(&at, specs[s]), HK_ERR_FORMAT);
        }
        bytes[size] = 0;
        put(at.path, bytes, size + 1);
        assert_int_equal(load(&at, specs[s]), HK_ERR_FORMAT);
        put(at.path, bytes, size);
        assert_int_equal(load(&at, specs[s]), HK_OK);
        free(bytes);
    }
    leave(&at);
    free(items);
}

/* Files whose digest is right and that are something else. */
static void a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 60, 29);
    hk__faiss *faiss = built("BFlat", items, 60);
    assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_OK);
    assert_int_equal(load(&at, "BHash16x16"), HK_ERR_USAGE);
    assert_int_equal(load(&at, "BIVF16"), HK_ERR_USAGE);
    assert_int_equal(load(&at, "BFlat"), HK_OK);

    /* Halved hashes: "IBxF", d, bytes of a code, count (64 bits), ... */
    size_t size;
    uint8_t *bytes = slurp(at.path, &size);
    const int32_t d = 128, code = 16;
    const int64_t count = 120;
    memcpy(bytes + 4, &d, 4);
    memcpy(bytes + 8, &code, 4);
    memcpy(bytes + 12, &count, 8);
    put(at.path, bytes, size);
    put_sum(&at, bytes, size);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);

    memset(bytes, 'x', size);
    put(at.path, bytes, size);
    put_sum(&at, bytes, size);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    put(at.path, bytes, 0);
    put_sum(&at, bytes, 0);
    assert_int_equal(load(&at, "BFlat"), HK_ERR_FORMAT);
    free(bytes);
    hk__faiss_free(faiss);

    static const char *const specs[][2] = {{"BHash16x16", "BHash8x16"}, {"BHash10", "BHash11"},
                                           {"BIVF16", "BIVF17"},        {"BIVF16", "BIVF16_HNSW4"},
                                           {"BHNSW8", "BHNSW16"},       {"BHash10", "BHash1x10"}};
    for (size_t s = 0; s < COUNT_OF(specs); s++) {
        faiss = built(specs[s][0], items, 60);
        assert_int_equal(hk__faiss_save(faiss, at.path, NULL, NULL), HK_OK);
        assert_int_equal(load(&at, specs[s][0]), HK_OK);
        assert_int_equal(load(&at, specs[s][1]), HK_ERR_USAGE);
        hk__faiss_free(faiss);
    }
    leave(&at);
    free(items);
}

static void a_wrong_module_is_refused(void **state)
{
    (void)state;
    const place at = new_place();
    const hk_hash item = {{0}};
    hk__faiss *faiss = UNTOUCHED;
    hk_error err = {0};
    put(at.path, "text", 4);
    const char *const wrong[] = {"/nonexistent/herken-faiss.so", OLD_MODULE, at.path, at.folder};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(hk__faiss_build(&faiss, wrong[i], "BFlat", &item, 1, &err), HK_ERR_SYSTEM);
        assert_non_null(strstr(err.message, "install"));
        assert_int_equal(hk__faiss_load(&faiss, wrong[i], "BFlat", at.path, &err), HK_ERR_SYSTEM);
    }
    assert_ptr_equal(faiss, UNTOUCHED);
    leave(&at);
}

/* ---- allocations --------------------------------------------------------------------------- */

static void faiss_survives_every_failing_allocation(void **state)
{
    (void)state;
    static const char *const specs[] = {"BFlat", "BHash16x16", "BIVF16:nprobe=16", "BHNSW8"};
    const place at = new_place();
    hk_hash queries[QUERIES];
    hk_hash *items = population(queries, 300, 33);
    for (size_t s = 0; s < COUNT_OF(specs); s++) {
        hk__faiss *faiss = UNTOUCHED;
        FAIL_EVERY_ALLOCATION(hk__faiss_build(&faiss, FAISS_MODULE, specs[s], items, 300, NULL),
                              faiss == UNTOUCHED);
        FAIL_EVERY_ALLOCATION(hk__faiss_save(faiss, at.path, NULL, NULL), true);
        hk_hits hits = {UNTOUCHED, 77, true, false};
        FAIL_EVERY_ALLOCATION(search(&hits, faiss, queries, QUERIES, 31, 0, NULL),
                              hits.hit == UNTOUCHED && hits.count == 77);
        free(hits.hit);
        hk__faiss_free(faiss);
        faiss = UNTOUCHED;
        FAIL_EVERY_ALLOCATION(hk__faiss_load(&faiss, FAISS_MODULE, specs[s], at.path, NULL),
                              faiss == UNTOUCHED);
        hk__faiss_free(faiss);
    }
    leave(&at);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_indexes_come_back),
        cmocka_unit_test(nprobe_and_nflip_are_of_the_spec_not_of_the_file),
        cmocka_unit_test(without_its_digest_nothing_is_read),
        cmocka_unit_test(a_changed_file_is_refused),
        cmocka_unit_test(a_file_of_another_kind_is_refused),
        cmocka_unit_test(a_wrong_module_is_refused),
        cmocka_unit_test(faiss_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("faiss_saved", tests, NULL, NULL);
}
