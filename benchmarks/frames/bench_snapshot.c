/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_snapshot.c - a list of ENTRIES images with HASHES hashes each, as a snapshot of random
 * hashes.
 *
 *      bench_snapshot make FILE ENTRIES HASHES ENGINE BYTES
 *      bench_snapshot ask FILE QUERIES RADIUS ENGINE THREADS
 *
 * make: BYTES is the most that a hash may take, 0 as it likes. ask: five times, medians, and the
 * processor time of the median run; on a machine that others use that tells more.
 *
 * Random hashes are strangers to each other: a look-up finds next to nothing, as one of an innocent
 * picture does. Prints one line of CSV.
 */
#include "herken.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Of the processor, all threads: what is left of a time on a machine that others use. */
static double worked(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(hk_status status, const hk_error *err)
{
    if (status) {
        fprintf(stderr, "bench_snapshot: %s\n", err->message);
        exit(4);
    }
}

/* Memory that lies in a file which is gone, so that it need not stay in memory. */
static void *room(const char *beside, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.room", beside);
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    void *at = fd < 0 || unlink(path) || ftruncate(fd, (off_t)size)
                   ? MAP_FAILED
                   : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        perror(path);
        exit(4);
    }
    close(fd);
    return at;
}

static void make(const char *path, size_t entries, size_t each, const char *engine, unsigned bytes)
{
    hk_error err;
    hk_index *index;
    hk_index_info info;
    struct stat facts;
    struct rusage use;
    uint64_t state = 1;
    const size_t count = entries * each;
    hk_hash *hashes = room(path, count * sizeof *hashes);
    uint32_t *ids = room(path, count * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        for (int w = 0; w < 4; w++)
            hashes[i].word[w] = next_random(&state);
        ids[i] = (uint32_t)(i / each + 1);
    }
    const hk_index_source source = {.hashes = hashes, .hash_ids = ids, .hash_count = count};
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engine;
    options.bytes_per_hash = bytes;
    options.threads = 0;
    const double start = seconds();
    check(hk_index_build_from(&index, &source, &options, &err), &err);
    munmap(hashes, count * sizeof *hashes);
    munmap(ids, count * sizeof *ids);
    const double built = seconds();
    check(hk_index_save(index, path, &err), &err);
    const double saved = seconds();
    hk_index_describe(&info, index);
    hk_index_free(index);
    getrusage(RUSAGE_SELF, &use);
    puts("hashes,engine,tables,bytes,build_s,save_s,peak_mb");
    printf("%zu,%s,%u,%lld,%.1f,%.1f,%ld\n", count, engine, info.tables,
           stat(path, &facts) ? -1 : (long long)facts.st_size, built - start, saved - built,
           use.ru_maxrss / 1024);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ask(const char *path, size_t queries, unsigned radius, const char *engine,
                unsigned threads)
{
    enum { RUNS = 5 };
    hk_error err;
    hk_index *index;
    hk_hits hits;
    double took[RUNS], work[RUNS];
    size_t found = 0;
    uint64_t state = 77;
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    options.engine = engine;
    options.threads = threads;
    const double start = seconds();
    check(hk_index_open(&index, path, &options, &err), &err);
    const double opened = seconds() - start;
    hk_hash *query = calloc(queries, sizeof *query);
    for (int run = 0; run <= RUNS; run++) { /* the first reads the file */
        for (size_t q = 0; q < queries; q++)
            for (int w = 0; w < 4; w++)
                query[q].word[w] = next_random(&state);
        const double begin = seconds(), before = worked();
        check(hk_index_within(&hits, index, query, queries, radius, 16, &err), &err);
        if (run) {
            took[run - 1] = seconds() - begin;
            work[run - 1] = worked() - before;
        } else {
            fprintf(stderr, "first: %.3f s\n", seconds() - begin);
        }
        found += hits.count;
        hk_hits_free(&hits);
    }
    qsort(work, RUNS, sizeof *work, by_value);
    qsort(took, RUNS, sizeof *took, by_value);
    puts("queries,radius,engine,threads,open_ms,median_ms,least_ms,most_ms,work_ms,found");
    printf("%zu,%u,%s,%u,%.2f,%.1f,%.1f,%.1f,%.1f,%zu\n", queries, radius, engine, threads,
           opened * 1e3, took[RUNS / 2] * 1e3, took[0] * 1e3, took[RUNS - 1] * 1e3,
           work[RUNS / 2] * 1e3, found);
    free(query);
    hk_index_free(index);
}

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "make"))
        make(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), argv[5],
             (unsigned)strtoul(argv[6], NULL, 10));
    else if (argc == 7 && !strcmp(argv[1], "ask"))
        ask(argv[2], strtoull(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10), argv[5],
            (unsigned)strtoul(argv[6], NULL, 10));
    else
        return fputs("usage: bench_snapshot make FILE ENTRIES HASHES ENGINE BYTES | ask FILE "
                     "QUERIES RADIUS ENGINE THREADS\n",
                     stderr),
               2;
    return 0;
}
