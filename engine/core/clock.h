/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clock.h - monotonic time, for deadlines and measurements.
 */
#ifndef HK_CORE_CLOCK_H
#define HK_CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since some moment in the past; never goes back. */
static inline uint64_t hk__clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
