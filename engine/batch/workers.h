/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workers.h - what the options of a scan say of the decode workers.
 */
#ifndef HK_BATCH_WORKERS_H
#define HK_BATCH_WORKERS_H

#include "decode/pool.h"

/* HK_ERR_USAGE: an option out of its range. */
hk_status hk__workers_check(const hk_scan_options *options, hk_error *err) HK_MUST_CHECK;

/* How many workers the options ask for. */
unsigned hk__workers_wanted(const hk_scan_options *options);

/* Program, number (no more than there are files), memory, time and limits; the rest is zero. */
hk__pool_options hk__workers_options(const hk_scan_options *options, uint64_t files);

#endif
