/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench.c - times files in a decode worker, and the hash step on generated pixels. */
#include "batch/walk.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "decode/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPEATS_MAX = 1000 };

struct hk_bench {
    hk__plan *plan;
    hk__pool *pool;
    size_t next;
    hk_bench_file file;
    char reason[HK__REASON_SIZE];
};

static hk_status check_repeats(unsigned repeats, hk_error *err)
{
    if (repeats < 1 || repeats > REPEATS_MAX)
        return hk__fail(err, HK_ERR_USAGE, "1 to %d repeats, not %u", REPEATS_MAX, repeats);
    return HK_OK;
}

hk_status hk_bench_open(hk_bench **out, const char *const *paths, size_t count, unsigned repeats,
                        const hk_scan_options *options, hk_error *err)
{
    const hk_scan_options defaults = HK_SCAN_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    hk_status status = check_repeats(repeats, err);
    if (status)
        return status;
    hk_bench *bench = hk__alloc(1, sizeof *bench);
    if (!bench)
        return hk__fail_memory(err);
    const uint64_t timeout = (uint64_t)options->timeout_ms * repeats;
    const hk__pool_options pool = {
        .program = options->worker_path,
        .workers = 1, /* nothing else runs while it measures */
        .memory = options->worker_memory,
        .timeout_ms = timeout > 3600000 ? 3600000 : (unsigned)timeout,
        .limits = {.max_pixels = options->max_pixels,
                   .max_bytes = options->max_bytes,
                   .max_pages = options->max_pages,
                   .allow = options->allow,
                   .full_decode = options->full_decode},
        .repeats = repeats,
    };
    status = hk__plan_new(&bench->plan, paths, count, err);
    if (!status)
        status = hk__pool_open(&bench->pool, &pool, err);
    if (status)
        hk_bench_free(bench);
    else
        *out = bench;
    return status;
}

void hk_bench_free(hk_bench *bench)
{
    if (!bench)
        return;
    hk__pool_free(bench->pool);
    hk__plan_free(bench->plan);
    hk__free(bench);
}

/* Has the open file timed. */
static hk_status measure(hk_bench *bench, int fd, hk_error *err)
{
    bool done = false;
    hk__pool_result result;
    hk_status status = hk__pool_submit(bench->pool, 0, fd, 0, err);
    if (status) {
        close(fd);
        return status;
    }
    while (!status && !done)
        status = hk__pool_wait(&done, &result, bench->pool, 1000, err);
    if (status)
        return status;
    const hk__picture *picture = &result.reply->picture;
    const hk__timing *t = &result.reply->timing;
    memcpy(bench->reason, picture->reason, sizeof bench->reason);
    bench->file.status = picture->status;
    bench->file.reason = bench->reason[0] ? bench->reason : NULL;
    bench->file.format = hk__format_name(picture->format);
    bench->file.width = picture->width;
    bench->file.height = picture->height;
    if (picture->has_pixels) {
        bench->file.ours = t->ours;
        bench->file.digested = t->digested;
        bench->file.floor = t->floor;
        bench->file.read = t->read;
        bench->file.digest = t->digest;
        bench->file.decode = t->decode;
        bench->file.grid = t->grid;
        bench->file.dct = t->dct;
        bench->file.bits = t->bits;
    }
    return HK_OK;
}

hk_status hk_bench_next(const hk_bench_file **out, hk_bench *bench, hk_error *err)
{
    if (bench->next == hk__plan_count(bench->plan)) {
        *out = NULL;
        return HK_OK;
    }
    const hk__planned *planned = hk__plan_get(bench->plan, bench->next++);
    hk_status status = HK_OK;
    bench->file = (hk_bench_file){
        .path = planned->path, .status = planned->status, .reason = planned->reason};
    if (planned->status == HK_FILE_OK) {
        int fd = hk__plan_open(&bench->file.status, &bench->file.reason, planned);
        if (fd == -2)
            status = hk__fail(err, HK_ERR_SYSTEM, "cannot open files: %s", strerror(errno));
        else if (fd >= 0)
            status = measure(bench, fd, err);
    }
    if (!status)
        *out = &bench->file;
    return status;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

hk_status hk_bench_hash_step(uint64_t *out_ns, uint32_t width, uint32_t height, unsigned repeats,
                             hk_error *err)
{
    hk_hasher *hasher = NULL;
    uint8_t *pixels = NULL;
    uint64_t *times = NULL;
    hk_status status = check_repeats(repeats, err);
    if (!status)
        status = hk_hasher_new(&hasher, width, height, err);
    if (status)
        return status;
    pixels = hk__alloc(height, width);
    times = hk__alloc(repeats, sizeof *times);
    if (!pixels || !times) {
        status = hk__fail_memory(err);
        goto out;
    }
    uint32_t state = 42;
    for (size_t i = 0; i < (size_t)width * height; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(state >> 24);
    }
    for (unsigned r = 0; r < repeats; r++) {
        hk_fingerprint fingerprint;
        const uint64_t start = hk__clock_ns();
        for (uint32_t y = 0; !status && y < height; y++)
            status = hk_hasher_row_u8(hasher, pixels + (size_t)y * width, err);
        if (!status)
            status = hk_hasher_finish(&fingerprint, hasher, err);
        times[r] = hk__clock_ns() - start;
        if (status)
            goto out;
    }
    qsort(times, repeats, sizeof *times, by_value);
    *out_ns = times[repeats / 2];
out:
    hk__free(pixels);
    hk__free(times);
    hk_hasher_free(hasher);
    return status;
}
