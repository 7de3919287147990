/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_group.c - how long it takes to group a case of N unknown pictures, and in how much memory.
 *
 *      bench_group FOLDER N [random|clustered|crowds|one] [THREADS]
 *
 * random      no two are alike: the most look-ups
 * clustered   a third of them are copies of another, 0 to 30 bits away
 * crowds      clusters of a thousand
 * one         copies of one picture, all of them
 *
 * Orientations are hashes of their own: a search does not know better. Prints one line of CSV.
 */
#include "case/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_mb(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss / 1024;
}

static void check(hk_status status, const hk_error *err)
{
    if (status) {
        fprintf(stderr, "bench_group: %s\n", err->message);
        exit(4);
    }
}

/* The picture that number n is a copy of. */
static uint64_t original_of(const char *kind, uint64_t n)
{
    if (!strcmp(kind, "one"))
        return 0;
    if (!strcmp(kind, "crowds"))
        return n / 1000 * 1000;
    return !strcmp(kind, "clustered") && n % 3 == 2 ? n - 2 : n;
}

static hk_file picture(const char *kind, uint64_t n)
{
    const uint64_t original = original_of(kind, n);
    uint64_t base = original + 1, own = n + (UINT64_C(1) << 40);
    hk_file file = {.status = HK_FILE_OK,
                    .format = "jpeg",
                    .width = 400 + (uint32_t)(next_random(&own) % 4000),
                    .height = 3000,
                    .hashed = true,
                    .verdict = HK_VERDICT_NONE};
    for (int o = 0; o < HK_ORIENTATIONS; o++) {
        hk_hash *hash = &file.fingerprint.hash[o];
        for (int w = 0; w < 4; w++)
            hash->word[w] = next_random(&base);
        for (uint64_t flips = original == n ? 0 : next_random(&own) % 16; flips; flips--) {
            const unsigned bit = (unsigned)next_random(&own) % HK_HASH_BITS;
            hash->word[bit / 64] ^= UINT64_C(1) << bit % 64;
        }
    }
    file.fingerprint.quality = 100;
    file.digests.present = HK_DIGEST_ALL;
    for (int i = 0; i < 4; i++) {
        const uint64_t word = next_random(&own);
        memcpy(file.digests.sha256 + 8 * i, &word, 8);
    }
    return file;
}

int main(int argc, char **argv)
{
    hk_error err;
    hk_case *c;
    char path[4096];
    if (argc < 3) {
        fputs("usage: bench_group FOLDER N [random|clustered|crowds|one] [THREADS]\n", stderr);
        return 2;
    }
    const uint64_t count = strtoull(argv[2], NULL, 10);
    const char *kind = argc > 3 ? argv[3] : "random";
    const unsigned threads = argc > 4 ? (unsigned)atoi(argv[4]) : 0;
    snprintf(path, sizeof path, "%s/bench.case", argv[1]);
    check(hk__case_create(&c, path, &err), &err);
    for (uint64_t n = 0; n < count; n++) {
        int64_t content;
        const hk_file file = picture(kind, n);
        check(hk__case_put_content(&content, c, &file, 1000, 0, &err), &err);
    }
    check(hk__case_commit(c, &err), &err);
    const long before = peak_mb();
    const double start = seconds();
    check(hk__case_group(c, threads, NULL, NULL, &err), &err);
    const double took = seconds() - start;
    int64_t groups, members;
    check(hk__sql_number(&groups, 0, c->db, &err, "SELECT max(number) FROM grouping", ""), &err);
    check(hk__sql_number(&members, 0, c->db, &err, "SELECT count(*) FROM grouping", ""), &err);
    printf("data,contents,threads,seconds,groups,members,peak_mb_before,peak_mb\n"
           "%s,%llu,%u,%.2f,%lld,%lld,%ld,%ld\n",
           kind, (unsigned long long)count, threads, took, (long long)groups, (long long)members,
           before, peak_mb());
    hk_case_close(c);
    unlink(path);
    return 0;
}
