/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_load.h - asks a server of hashes over kept connections, as fast as it can or at a rate.
 *
 * Each connection has a thread, and sends its next request when the last is answered; at a rate it
 * sends at set moments, and an answer counts from the moment at which its request was due, so that
 * a server that stalls is not spared. Hashes are random, strangers to every list.
 */
#ifndef HERKEN_BENCH_LOAD_H
#define HERKEN_BENCH_LOAD_H

#include "herken.h"

enum { BENCH_LOAD_CONNECTIONS_MOST = 256, BENCH_LOAD_ITEMS_MOST = 1000 };

typedef struct bench_load {
    unsigned port;               /* on 127.0.0.1 */
    const char *key;             /* printable, without quotes */
    unsigned connections, items; /* items of a request */
    double seconds;
    double rate; /* requests a second of all together; 0: as fast as it can */
} bench_load;

typedef struct bench_load_result {
    double requests_s, p50_us, p99_us;
    uint64_t count, failed; /* requests; failed: anything but 200 */
} bench_load_result;

/* HK_ERR_SYSTEM: nobody answers there, or no threads. */
hk_status bench_load_run(bench_load_result *out, const bench_load *load,
                         hk_error *err) HK_MUST_CHECK;

#endif
