/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * drop_hit.c - a planted fault, to be preloaded: the engine mih loses the last hit of every result.
 * With MODE=approximate it says that it may, as an approximate engine does; with MODE=early it
 * stops losing them after a thousand calls.
 */
#include "herken.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef hk_status within(hk_hits *out, const hk_index *index, const hk_hash *queries,
                         size_t query_count, unsigned max_distance, size_t max_hits, hk_error *err);

hk_status hk_index_within(hk_hits *out, const hk_index *index, const hk_hash *queries,
                          size_t query_count, unsigned max_distance, size_t max_hits, hk_error *err)
{
    within *original;
    *(void **)&original = dlsym(RTLD_NEXT, "hk_index_within");
    hk_status status = original(out, index, queries, query_count, max_distance, max_hits, err);
    hk_index_info info;
    hk_index_describe(&info, index);
    static unsigned calls;
    const char *mode = getenv("MODE") ? getenv("MODE") : "";
    if (status || strcmp(info.engine, "mih"))
        return status;
    if (++calls < 1000 || strcmp(mode, "early"))
        out->count -= out->count > 0;
    out->approximate = !strcmp(mode, "approximate");
    return HK_OK;
}
