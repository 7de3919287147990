/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox.h - closes the door behind a decode worker.
 *
 * After it the process can use the descriptors it has and those sent to it, memory up to its
 * limit, threads and clocks; it cannot open or create files, make processes or sockets, reach
 * other processes, or run other programs. There is no way back and no switch to turn it off.
 */
#ifndef HK_DECODE_SANDBOX_H
#define HK_DECODE_SANDBOX_H

#include "herken.h"

/* Sets resource limits (address space in bytes) and the system-call filter. Everything the decoders
 * load at run time must be loaded by now. On failure the process must not decode. */
hk_status hk__sandbox_close(uint64_t memory, hk_error *err) HK_MUST_CHECK;

#endif
