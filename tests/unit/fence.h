/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fence.h - a block that ends where the page after it cannot be touched: a read past its end is a
 * crash in every build, also by masked vector loads, which the sanitizers do not see.
 */
#ifndef TESTS_FENCE_H
#define TESTS_FENCE_H

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct fence {
    void *at; /* [size] */
    char *map;
    size_t length;
} fence;

static inline fence fence_new(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t body = (size + page - 1) / page * page;
    char *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE))
        abort();
    return (fence){map + body - size, map, body + page};
}

static inline void fence_free(fence *f)
{
    munmap(f->map, f->length);
}

#endif
