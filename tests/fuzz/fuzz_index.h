/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_index.h - what the fuzzers of snapshots and of the changes beside them share: small good
 * ones to start from, a folder of their own, and questions asked of what opens.
 */
#ifndef FUZZ_INDEX_H
#define FUZZ_INDEX_H

#include "forge.h"

#include "core/mem.h"
#include "index/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

enum { FUZZ_HASHES = 120, FUZZ_DIGESTS = 20, FUZZ_PATH = 256 };

static inline uint64_t fuzz_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 31;
}

/* Hashes around one, so that searches find some. */
static inline hk_hash fuzz_query(void)
{
    uint64_t seed = 1;
    hk_hash hash;
    for (int w = 0; w < 4; w++)
        hash.word[w] = fuzz_random(&seed);
    return hash;
}

typedef enum fuzz_sort { FUZZ_PLAIN, FUZZ_TABLES, FUZZ_FAR, FUZZ_EMPTY, FUZZ_SORTS } fuzz_sort;

/* Saves a small good snapshot. */
static inline void fuzz_save(const char *path, fuzz_sort sort)
{
    static hk_hash hashes[FUZZ_HASHES];
    static uint32_t ids[FUZZ_HASHES], digest_ids[FUZZ_DIGESTS];
    static uint8_t digests[FUZZ_DIGESTS * 32];
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_index *index;
    uint64_t seed = 2;
    options.engine = "flat";
    for (unsigned i = 0; i < FUZZ_HASHES; i++) {
        hashes[i] = fuzz_query();
        for (unsigned bit = 0; bit < i % 60; bit++)
            hashes[i].word[fuzz_random(&seed) & 3] ^= UINT64_C(1) << (fuzz_random(&seed) & 63);
        ids[i] = sort == FUZZ_FAR ? i * 70000 : 10 + i / 2;
    }
    for (unsigned i = 0; i < FUZZ_DIGESTS * 32; i++)
        digests[i] = i < 64 ? 1 : (uint8_t)fuzz_random(&seed);
    for (unsigned i = 0; i < FUZZ_DIGESTS; i++)
        digest_ids[i] = i;
    const size_t count = sort == FUZZ_EMPTY ? 0 : FUZZ_DIGESTS;
    const hk_index_source source = {hashes,
                                    sort == FUZZ_EMPTY ? NULL : ids,
                                    sort == FUZZ_EMPTY ? 0 : FUZZ_HASHES,
                                    {digests, digests, digests},
                                    {digest_ids, digest_ids, digest_ids},
                                    {count, count, count}};
    MUST(!hk_index_build_from(&index, &source, &options, NULL));
    if (sort == FUZZ_TABLES)
        MUST(!hk__mih_build(&index->base->mih, index->base->hashes, FUZZ_HASHES, 11, 8, 1, NULL));
    MUST(!hk_index_save(index, path, NULL));
    hk_index_free(index);
}

static char fuzz_folder[FUZZ_PATH];

static inline void fuzz_remove_folder(void)
{
    static const char *const names[] = {"a.hki", "a.hki.delta", "a.hki.lock"};
    char path[FUZZ_PATH + 16];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", fuzz_folder, names[i]);
        unlink(path);
    }
    rmdir(fuzz_folder);
}

static inline void fuzz_make_folder(void)
{
    const char *above = getenv("TMPDIR");
    if (!above || !*above)
        above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(fuzz_folder, sizeof fuzz_folder, "%s/herken-fuzz-XXXXXX", above);
    MUST(mkdtemp(fuzz_folder));
    atexit(fuzz_remove_folder);
}

static inline uint8_t *fuzz_read(size_t *size, const char *path)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && !fstat(fd, &about));
    *size = (size_t)about.st_size;
    uint8_t *bytes = malloc(*size);
    MUST(bytes && read(fd, bytes, *size) == (ssize_t)*size);
    close(fd);
    return bytes;
}

static inline void fuzz_write(const char *path, const void *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

/* One seed of a mode and a body. */
static inline void fuzz_write_seed(const char *folder, unsigned number, uint8_t mode,
                                   const uint8_t *body, size_t size)
{
    char path[2 * FUZZ_PATH];
    uint8_t *seed = malloc(size + 1);
    MUST(seed);
    seed[0] = mode;
    if (size)
        memcpy(seed + 1, body, size);
    snprintf(path, sizeof path, "%s/seed-%u", folder, number);
    fuzz_write(path, seed, size + 1);
    free(seed);
}

/* Hits near the query; false: the file is damaged, which is all that may be wrong with it. */
static inline bool fuzz_search(hk_hits *out, const hk_index *index, unsigned radius)
{
    const hk_hash query = fuzz_query();
    const hk_status status = hk_index_within(out, index, &query, 1, radius, 0, NULL);
    MUST(!status || status == HK_ERR_FORMAT);
    return !status;
}

static inline void fuzz_look_up(const hk_index *index)
{
    uint8_t digest[32];
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        for (int fill = 0; fill < 3; fill++) {
            uint32_t *ids = NULL;
            size_t count;
            memset(digest, fill == 2 ? 0x80 : fill, sizeof digest);
            const hk_status status =
                hk_index_find_digest(&ids, &count, index, (hk_basis)basis, digest, NULL);
            MUST(!status || status == HK_ERR_FORMAT);
            if (!status)
                free(ids);
        }
}

static inline void fuzz_same(const hk_hits *a, const hk_hits *b)
{
    MUST(a->count == b->count &&
         (a->count == 0 || !memcmp(a->hit, b->hit, a->count * sizeof *a->hit)));
}

#endif
