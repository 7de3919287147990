/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mem.c - see mem.h. */
#include "core/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_long allowed = -1;

void hk__mem_fail_after(long n)
{
    atomic_store(&allowed, n);
}

static int must_fail(void)
{
    if (atomic_load_explicit(&allowed, memory_order_relaxed) < 0)
        return 0;
    if (atomic_fetch_sub(&allowed, 1) > 0)
        return 0;
    atomic_store(&allowed, 0); /* stay at "every one after fails" */
    return 1;
}

static int too_big(size_t count, size_t size, size_t *bytes)
{
    return __builtin_mul_overflow(count, size, bytes) || *bytes > PTRDIFF_MAX - 64;
}

void *hk__alloc(size_t count, size_t size)
{
    size_t bytes;
    if (too_big(count, size, &bytes) || must_fail())
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

void *hk__alloc_aligned(size_t count, size_t size)
{
    size_t bytes;
    if (too_big(count, size, &bytes) || must_fail())
        return NULL;
    bytes = bytes ? (bytes + 63) & ~(size_t)63 : 64;
    void *block = aligned_alloc(64, bytes);
    if (block)
        memset(block, 0, bytes);
    return block;
}

void *hk__realloc(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (too_big(count, size, &bytes) || must_fail())
        return NULL;
    return realloc(block, bytes ? bytes : 1);
}

char *hk__strndup(const char *text, size_t length)
{
    char *copy = hk__alloc(length + 1, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

void hk__free(void *block)
{
    free(block);
}
