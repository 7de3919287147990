/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker.h - the life of a decode worker: prepare, close the sandbox, say hello, then answer
 * requests until the engine hangs up.
 *
 * A worker is an executed program of its own, not a fork: it starts from a clean address space (no
 * list, no other file's bytes), whatever threads its parent has.
 */
#ifndef HK_DECODE_WORKER_H
#define HK_DECODE_WORKER_H

#include "decode/decoders.h"

/* Runs on HK__WORKER_SOCKET with the given decoder (hk__decode; tests pass one that misbehaves).
 * memory is the address-space limit in bytes, `seen` the descriptor of the table of contents seen
 * or -1. Returns an exit code. */
int hk__worker_run(hk__decode_fn *decode, uint64_t memory, int seen);

/* main() of a worker program: `PROGRAM MEMORY-BYTES [DESCRIPTOR]`, the latter of the table. */
int hk__worker_main(int argc, char **argv, hk__decode_fn *decode);

#endif
