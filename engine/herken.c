/* SPDX-License-Identifier: GPL-3.0-or-later */
/* herken.c - the facade: what the library says of itself. */
#include "herken.h"

#include "core/error.h"
#include "core/mem.h"
#include "decode/pool.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hk_version(void)
{
    return HK__VERSION;
}

hk_status hk_component_versions(char **out, const char *worker_path, hk_error *err)
{
    const hk_scan_options defaults = HK_SCAN_OPTIONS_INIT;
    const hk__pool_options options = {
        .program = worker_path,
        .workers = 1,
        .memory = defaults.worker_memory,
        .timeout_ms = defaults.timeout_ms,
    };
    hk__pool *pool = NULL;
    const char *decoders = NULL;
    hk_status status = hk__pool_open(&pool, &options, err);
    if (!status)
        status = hk__pool_decoders(&decoders, pool, err);
    if (!status) {
        char *text = NULL;
        if (asprintf(&text, "OpenSSL %s\n%s", OpenSSL_version(OPENSSL_VERSION_STRING), decoders) <
            0)
            status = hk__fail_memory(err);
        else
            *out = text;
    }
    hk__pool_free(pool);
    return status;
}
