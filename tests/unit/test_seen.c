/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_seen.c - the table of contents seen: what is in it, who may write, and reading meanwhile. */
#include "unit.h"

#include "decode/seen.h"
#include "decode/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct digest {
    uint8_t bytes[32];
} digest;

static digest random_digest(uint64_t *seed)
{
    digest d;
    for (int w = 0; w < 4; w++) {
        const uint64_t word = next_random(seed);
        memcpy(d.bytes + 8 * w, &word, 8);
    }
    return d;
}

static void what_was_added_is_there_and_nothing_else(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    hk__seen *seen, *reader;
    uint64_t seed = 1;
    assert_int_equal(hk__seen_new(&seen, COUNT, NULL), HK_OK);
    assert_int_equal(hk__seen_map(&reader, hk__seen_descriptor(seen), NULL), HK_OK);
    assert_int_equal(hk__seen_bytes(reader), 65536 * 32);
    for (int i = 0; i < COUNT; i++) {
        const digest d = random_digest(&seed);
        hk__seen_add(seen, d.bytes);
        hk__seen_add(seen, d.bytes); /* takes no second place */
    }
    seed = 1;
    for (int i = 0; i < 2 * COUNT; i++) {
        const digest d = random_digest(&seed);
        assert_int_equal(hk__seen_has(seen, d.bytes), i < COUNT);
        assert_int_equal(hk__seen_has(reader, d.bytes), i < COUNT);
        digest near = d;
        near.bytes[31] ^= 1;
        assert_false(hk__seen_has(reader, near.bytes));
    }
    hk__seen_free(reader);
    hk__seen_free(seen);
    hk__seen_free(NULL);
}

static void more_than_it_holds_is_not_remembered(void **state)
{
    (void)state;
    hk__seen *seen;
    uint64_t seed = 2;
    int there = 0;
    assert_int_equal(hk__seen_new(&seen, 100, NULL), HK_OK);
    for (int i = 0; i < 1000; i++)
        hk__seen_add(seen, random_digest(&seed).bytes);
    seed = 2;
    for (int i = 0; i < 1000; i++)
        there += hk__seen_has(seen, random_digest(&seed).bytes);
    assert_int_equal(there, 100);
    hk__seen_free(seen);
}

/* Contents made so that their digests begin alike: the search for a place ends. */
static void crowded_digests_end_the_search(void **state)
{
    (void)state;
    hk__seen *seen;
    int there = 0;
    assert_int_equal(hk__seen_new(&seen, 1000, NULL), HK_OK);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 500; i++) {
            digest d = {{7}};
            memcpy(d.bytes + 20, &i, sizeof i);
            if (pass)
                there += hk__seen_has(seen, d.bytes);
            else
                hk__seen_add(seen, d.bytes);
        }
    assert_int_equal(there, 64);
    hk__seen_free(seen);
}

static void all_zero_is_never_there(void **state)
{
    (void)state;
    hk__seen *seen;
    const digest zero = {{0}};
    assert_int_equal(hk__seen_new(&seen, 10, NULL), HK_OK);
    assert_false(hk__seen_has(seen, zero.bytes));
    hk__seen_add(seen, zero.bytes);
    assert_false(hk__seen_has(seen, zero.bytes));
    hk__seen_free(seen);
}

/* What a taken-over worker may try with its descriptor. */
static void readers_cannot_write(void **state)
{
    (void)state;
    hk__seen *seen;
    assert_int_equal(hk__seen_new(&seen, 1000, NULL), HK_OK);
    const int fd = hk__seen_descriptor(seen);
    assert_true(fd > HK__WORKER_SEEN);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(munmap(map, 4096), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    const digest d = {{1, 2, 3}}; /* while the engine still can */
    hk__seen_add(seen, d.bytes);
    assert_true(hk__seen_has(seen, d.bytes));
    hk__seen_free(seen);
}

static void other_descriptors_are_refused(void **state)
{
    (void)state;
    hk__seen *seen = UNTOUCHED;
    hk_error err;
    const int fd = memfd_create("other", MFD_CLOEXEC);
    static const off_t sizes[] = {0, 32, 48, 96, 100, 4097};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        assert_int_equal(hk__seen_map(&seen, fd, &err), HK_ERR_SYSTEM);
    }
    close(fd);
    assert_int_equal(hk__seen_map(&seen, -1, &err), HK_ERR_SYSTEM);
    assert_int_equal(hk__seen_new(&seen, 0, &err), HK_ERR_USAGE);
    assert_int_equal(hk__seen_new(&seen, HK__SEEN_MAX + 1, &err), HK_ERR_USAGE);
    assert_ptr_equal(seen, UNTOUCHED);
    FAIL_EVERY_ALLOCATION(hk__seen_new(&seen, 10, &err), seen == UNTOUCHED);
    hk__seen_free(seen);
}

/* ---- reading while it is written ------------------------------------------------------------ */

enum { RACED = 30000 };

static void *add_all(void *context)
{
    uint64_t seed = 4;
    for (int i = 0; i < RACED; i++)
        hk__seen_add(context, random_digest(&seed).bytes);
    return NULL;
}

static void reading_meanwhile_finds_nothing_that_is_not_there(void **state)
{
    (void)state;
    hk__seen *seen, *reader;
    pthread_t writer;
    assert_int_equal(hk__seen_new(&seen, RACED, NULL), HK_OK);
    assert_int_equal(hk__seen_map(&reader, hk__seen_descriptor(seen), NULL), HK_OK);
    assert_int_equal(pthread_create(&writer, NULL, add_all, seen), 0);
    for (int pass = 0; pass < 5; pass++) {
        uint64_t seed = 4;
        for (int i = 0; i < RACED; i++) {
            digest d = random_digest(&seed);
            const bool there = hk__seen_has(reader, d.bytes);
            assert_true(!there || hk__seen_has(reader, d.bytes)); /* and it stays */
            for (int half = 0; half < 4; half++) {                /* nor any half of one */
                digest torn = d;
                memset(torn.bytes + 8 * half, 0, 8);
                assert_false(hk__seen_has(reader, torn.bytes));
            }
        }
    }
    pthread_join(writer, NULL);
    uint64_t seed = 4;
    for (int i = 0; i < RACED; i++)
        assert_true(hk__seen_has(reader, random_digest(&seed).bytes));
    hk__seen_free(reader);
    hk__seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_there_and_nothing_else),
        cmocka_unit_test(more_than_it_holds_is_not_remembered),
        cmocka_unit_test(crowded_digests_end_the_search),
        cmocka_unit_test(all_zero_is_never_there),
        cmocka_unit_test(readers_cannot_write),
        cmocka_unit_test(other_descriptors_are_refused),
        cmocka_unit_test(reading_meanwhile_finds_nothing_that_is_not_there),
    };
    return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
