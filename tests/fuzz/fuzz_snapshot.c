/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_snapshot.c - snapshots whose checksums are right and whose contents are not.
 *
 * The first byte of the input says how the rest becomes a snapshot: as it lies (even), or as
 * patches to a good one (odd):    block, place (2 bytes), count, bytes...
 * What hk_index_verify finds nothing wrong with must give the same answers with and without its
 * tables.
 *
 * usage: fuzz_snapshot --seeds FOLDER, and then as any libFuzzer program
 */
#include "fuzz_index.h"

#include <sys/mman.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { MOST = 1 << 20 };

static uint8_t *good[FUZZ_SORTS];
static size_t good_size[FUZZ_SORTS];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[FUZZ_PATH + 16];
    fuzz_make_folder();
    snprintf(path, sizeof path, "%s/a.hki", fuzz_folder);
    for (int sort = 0; sort < FUZZ_SORTS; sort++) {
        fuzz_save(path, (fuzz_sort)sort);
        good[sort] = fuzz_read(&good_size[sort], path);
    }
    if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
        static const uint8_t patches[] = {0, 72, 0, 1, 9, 4, 1, 0, 2, 3, 4, 20, 255, 7, 2, 8, 8};
        for (unsigned sort = 0; sort < FUZZ_SORTS; sort++) {
            if (sort != FUZZ_TABLES) /* larger than run.sh has the fuzzer make them */
                fuzz_write_seed((*argv)[2], 2 * sort, 0, good[sort], good_size[sort]);
            fuzz_write_seed((*argv)[2], 2 * sort + 1, (uint8_t)(1 + 2 * sort), patches,
                            sizeof patches);
        }
        exit(0);
    }
    return 0;
}

static void patch(uint8_t *file, size_t size, const uint8_t *bytes, size_t count)
{
    while (count >= 4) {
        const size_t blocks = size / HK__SEAL_BLOCK;
        const size_t at = (bytes[0] % blocks) * HK__SEAL_BLOCK +
                          (bytes[1] | (size_t)bytes[2] << 8) % HK__SEAL_BLOCK;
        size_t n = bytes[3] % 64;
        bytes += 4;
        count -= 4;
        n = n < count ? n : count;
        n = n < size - at ? n : size - at;
        memcpy(file + at, bytes, n);
        bytes += n;
        count -= n;
    }
}

/* The size the header asks for; `size` where it asks for none that can be. */
static size_t wanted_size(const uint8_t *bytes, size_t size)
{
    static hk__header header;
    memcpy(&header, bytes, sizeof header);
    hk__layout layout = {.count = header.hash_count,
                         .tables = header.tables,
                         .tag_bits = header.tag_bits,
                         .id_form = header.id_form};
    memcpy(layout.digest_count, header.digest_count, sizeof layout.digest_count);
    memcpy(layout.slot, header.slot, sizeof layout.slot);
    return hk__layout_place(&layout) && layout.size <= MOST ? layout.size : size;
}

static void ask(const char *path, unsigned radius)
{
    static const char *const engines[] = {"mih", "flat"};
    hk_index_options options = HK_INDEX_OPTIONS_INIT;
    hk_hits hits[2] = {{0}};
    bool answered[2] = {false};
    size_t problems = 0;
    const hk_status verified = hk_index_verify(&problems, path, NULL, NULL, NULL);
    MUST(!verified || verified == HK_ERR_FORMAT);
    for (int e = 0; e < 2; e++) {
        hk_index *index;
        options.engine = engines[e];
        const hk_status status = hk_index_open(&index, path, &options, NULL);
        MUST(status == verified);
        if (status)
            return;
        answered[e] = fuzz_search(&hits[e], index, radius);
        fuzz_look_up(index);
        hk_index_free(index);
    }
    if (problems == 0) {
        MUST(answered[0] && answered[1]);
        fuzz_same(&hits[0], &hits[1]);
    }
    hk_hits_free(&hits[0]);
    hk_hits_free(&hits[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static uint8_t file[MOST];
    char path[64];
    if (count == 0 || count > MOST)
        return 0;
    const unsigned mode = bytes[0];
    size_t size = count - 1;
    if (mode & 1) {
        const unsigned sort = mode >> 1 & 3;
        size = good_size[sort];
        memcpy(file, good[sort], size);
        patch(file, size, bytes + 1, count - 1);
    } else {
        memcpy(file, bytes + 1, size);
    }
    if (size >= HK__SNAPSHOT_HEADER) {
        const size_t wanted = wanted_size(file, size);
        if (wanted > size)
            memset(file + size, 0, wanted - size);
        size = wanted;
        const uint64_t as_said = size;
        memcpy(file + offsetof(hk__header, file_size), &as_said, sizeof as_said);
        memcpy(file, hk__snapshot_magic, sizeof hk__snapshot_magic);
        forge_snapshot(file, size);
    }
    const int fd = memfd_create("snapshot", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, file, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ask(path, mode & 1 ? mode >> 3 : 31);
    close(fd);
    return 0;
}
