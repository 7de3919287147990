/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_memory.c - a plan that lies in memory (walk.h). */
#include "batch/walk.h"
#include "core/error.h"
#include "core/mem.h"

#include <string.h>

struct hk__plan {
    hk__planned *files; /* their paths are owned */
    size_t count, capacity;
};

static hk_status add(void *context, size_t input, const hk__planned *planned, hk_error *err)
{
    hk__plan *plan = context;
    (void)input;
    if (plan->count == plan->capacity) {
        const size_t capacity = plan->capacity ? plan->capacity * 2 : 256;
        hk__planned *grown = hk__realloc(plan->files, capacity, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        plan->files = grown;
        plan->capacity = capacity;
    }
    char *path = hk__strndup(planned->path, strlen(planned->path));
    if (!path)
        return hk__fail_memory(err);
    plan->files[plan->count] = *planned;
    plan->files[plan->count++].path = path;
    return HK_OK;
}

hk_status hk__plan_new(hk__plan **out, const char *const *paths, size_t count, hk_error *err)
{
    hk__plan *plan = hk__alloc(1, sizeof *plan);
    if (!plan)
        return hk__fail_memory(err);
    const hk_status status = hk__walk(paths, count, add, plan, err);
    if (status)
        hk__plan_free(plan);
    else
        *out = plan;
    return status;
}

void hk__plan_free(hk__plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++)
        hk__free((char *)plan->files[i].path);
    hk__free(plan->files);
    hk__free(plan);
}

size_t hk__plan_count(const hk__plan *plan)
{
    return plan->count;
}

const hk__planned *hk__plan_get(const hk__plan *plan, size_t index)
{
    return &plan->files[index];
}
