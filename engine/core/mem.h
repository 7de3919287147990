/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mem.h - the one door to the heap for the engine, so that tests can make any allocation fail.
 *
 * Sizes are checked for overflow. Every returned block is freed with hk__free(), which takes NULL.
 */
#ifndef HK_CORE_MEM_H
#define HK_CORE_MEM_H

#include <stddef.h>

/* count * size bytes, zeroed; NULL on overflow or when out of memory. */
void *hk__alloc(size_t count, size_t size);

/* As hk__alloc, aligned to 64 bytes (a cache line, the widest vector). */
void *hk__alloc_aligned(size_t count, size_t size);

/* Grows block to count * size bytes; the block is untouched and NULL returned on failure. */
void *hk__realloc(void *block, size_t count, size_t size);

/* A copy of length bytes with a NUL after them; NULL when out of memory. */
char *hk__strndup(const char *text, size_t length);

void hk__free(void *block);

/* For tests: let `n` more allocations succeed and every one after that fail; -1 turns it off. */
void hk__mem_fail_after(long n);

#endif
