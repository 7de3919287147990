/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_log.c - the changes beside a good snapshot, whose checksums are right and whose contents
 * are not.
 *
 * The first byte of the input says how the rest, the records, becomes a log: how many of them the
 * marks leave uncounted, whether kinds are made to be of those there are, one mark is lost, the
 * file is taken as it lies, and the changes are merged. A reader and a writer must see the same,
 * and a merge must not change it.
 *
 * usage: fuzz_log --seeds FOLDER, and then as any libFuzzer program
 */
#include "fuzz_index.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { AS_IT_LIES = 1, ANY_KIND = 2, ONE_MARK = 4, MERGE = 8, MOST = 1 << 17 };

static char path[FUZZ_PATH + 16], delta[FUZZ_PATH + 32];
static uint8_t *snapshot, *empty_log; /* of the good one */
static size_t snapshot_size, log_size;

static void write_seeds(const char *folder)
{
    enum { CHANGES = 24 };
    static hk_index_change change[CHANGES];
    hk_live *live;
    size_t size;
    for (uint32_t i = 0; i < CHANGES; i++) {
        change[i] = (hk_index_change){
            .kind = (hk_change_kind)(1 + i % 3), .id = i, .hash = fuzz_query(), .basis = i / 3 % 3};
        memset(change[i].digest, 1, sizeof change[i].digest);
    }
    MUST(!hk_live_open(&live, path, 0, NULL, NULL));
    for (uint32_t i = 0; i < CHANGES; i += 4)
        MUST(!hk_live_apply(live, change + i, 4, NULL));
    hk_live_free(live);
    uint8_t *log = fuzz_read(&size, delta);
    for (unsigned mode = 0; mode < 32; mode++)
        fuzz_write_seed(folder, mode, (uint8_t)mode, log + (mode & AS_IT_LIES ? 0 : LOG_RECORDS),
                        size - (mode & AS_IT_LIES ? 0 : LOG_RECORDS));
    free(log);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    hk_live *live;
    fuzz_make_folder();
    snprintf(path, sizeof path, "%s/a.hki", fuzz_folder);
    snprintf(delta, sizeof delta, "%s.delta", path);
    fuzz_save(path, FUZZ_PLAIN);
    snapshot = fuzz_read(&snapshot_size, path);
    MUST(!hk_live_open(&live, path, 0, NULL, NULL));
    hk_live_free(live);
    empty_log = fuzz_read(&log_size, delta);
    if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
        write_seeds((*argv)[2]);
        exit(0);
    }
    return 0;
}

/* Of the input, a log in out; returns its size. */
static size_t make_log(uint8_t *out, unsigned mode, const uint8_t *bytes, size_t count)
{
    if (mode & AS_IT_LIES) {
        memcpy(out, bytes, count);
        return count;
    }
    memcpy(out, empty_log, LOG_RECORDS);
    memcpy(out + LOG_RECORDS, bytes, count);
    const uint64_t records = count / LOG_RECORD, left = mode >> 4;
    const uint64_t counted = records > left ? records - left : 0;
    memcpy(out + 24, &counted, sizeof counted);
    for (size_t i = 0; i < records && !(mode & ANY_KIND); i++) {
        uint8_t *record = out + LOG_RECORDS + i * LOG_RECORD;
        const uint8_t kind = 1 + record[0] % 3, basis = record[8] % 3;
        memset(record + 1, 0, 3);
        memset(record + 9, 0, 3);
        record[0] = kind;
        record[8] = basis;
    }
    forge_log(out, LOG_RECORDS + count);
    if (mode & ONE_MARK)
        out[3] ^= 1;
    return LOG_RECORDS + count;
}

static void merge(hk_live *live, const hk_hits *before)
{
    const hk_index_change more = {.kind = HK_CHANGE_REMOVE, .id = UINT32_MAX};
    hk_hits hits;
    hk_index *view;
    MUST(!hk_live_merge(live, NULL));
    MUST(!hk_live_view(&view, live, NULL));
    MUST(fuzz_search(&hits, view, 31));
    fuzz_same(&hits, before);
    hk_hits_free(&hits);
    hk_index_free(view);
    MUST(!hk_live_apply(live, &more, 1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static uint8_t log[MOST];
    if (count == 0 || count > MOST - LOG_RECORDS)
        return 0;
    const unsigned mode = bytes[0];
    fuzz_write(delta, log, make_log(log, mode, bytes + 1, count - 1));
    hk_index *index, *view;
    hk_live *live;
    size_t problems = 0;
    hk_hits a, b;
    MUST(!hk_index_verify(&problems, path, NULL, NULL, NULL));
    const hk_status status = hk_index_open(&index, path, NULL, NULL);
    MUST(problems == (status ? 1 : 0) && (!status || status == HK_ERR_FORMAT));
    MUST(hk_live_open(&live, path, 0, NULL, NULL) == status);
    if (status)
        return 0;
    MUST(!hk_live_view(&view, live, NULL));
    MUST(fuzz_search(&a, index, 31) && fuzz_search(&b, view, 31));
    fuzz_same(&a, &b);
    fuzz_look_up(index);
    if (mode & MERGE)
        merge(live, &a);
    hk_hits_free(&a);
    hk_hits_free(&b);
    hk_index_free(index);
    hk_index_free(view);
    hk_live_free(live);
    if (mode & MERGE) /* nobody has it mapped any more */
        fuzz_write(path, snapshot, snapshot_size);
    return 0;
}
