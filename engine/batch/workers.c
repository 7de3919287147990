/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workers.c - see workers.h. */
#include "batch/workers.h"

#include "core/error.h"

#include <unistd.h>

enum { MAX_WORKERS = 1024 };

hk_status hk__workers_check(const hk_scan_options *options, hk_error *err)
{
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "scan options without their INIT");
    if (options->workers > MAX_WORKERS)
        return hk__fail(err, HK_ERR_USAGE, "at most %d workers", MAX_WORKERS);
    if (options->timeout_ms < 1 || options->timeout_ms > 300000)
        return hk__fail(err, HK_ERR_USAGE, "the time limit is 1 to 300,000 ms, not %u",
                        options->timeout_ms);
    if (options->max_pixels > UINT64_C(1) << 40 || options->max_bytes > UINT64_C(1) << 40)
        return hk__fail(err, HK_ERR_USAGE, "limits on pixels and bytes go up to 2^40");
    if (options->worker_memory < UINT64_C(256) << 20)
        return hk__fail(err, HK_ERR_USAGE, "a worker needs at least 256 MiB of address space");
    if (!hk_frames_name(options->frames))
        return hk__fail(err, HK_ERR_USAGE, "the frames are ends, all or first");
    if (options->allow >> HK_ALLOW_COUNT)
        return hk__fail(err, HK_ERR_USAGE, "no such format to allow");
    if (options->digests & ~HK_DIGEST_ALL)
        return hk__fail(err, HK_ERR_USAGE, "no such digest");
    return HK_OK;
}

unsigned hk__workers_wanted(const hk_scan_options *options)
{
    if (options->workers)
        return options->workers;
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_WORKERS ? MAX_WORKERS : (unsigned)n;
}

hk__pool_options hk__workers_options(const hk_scan_options *options, uint64_t files)
{
    const unsigned wanted = hk__workers_wanted(options);
    return (hk__pool_options){
        .program = options->worker_path,
        .workers = files >= wanted ? wanted
                   : files         ? (unsigned)files
                                   : 1,
        .memory = options->worker_memory,
        .timeout_ms = options->timeout_ms,
        .limits = {.max_pixels = options->max_pixels,
                   .max_bytes = options->max_bytes,
                   .max_pages = options->max_pages,
                   .frames = options->frames,
                   .allow = options->allow,
                   .full_decode = options->full_decode},
    };
}
