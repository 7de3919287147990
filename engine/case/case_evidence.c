/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case_evidence.c - nothing is written where the evidence of a case lies (case.h). */
#include "case/case.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

/* Where a file of this path lies or would lie, links of its folder followed; owned. Of a folder
 * that is not there the path itself: nothing can be written to it. NULL: out of memory. */
static char *place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *real = realpath(path, NULL);
    if (real) {
        char *copy = hk__strndup(real, strlen(real));
        free(real);
        return copy;
    }
    char *folder = slash ? hk__strndup(path, (size_t)(slash - path) + 1) : hk__strndup(".", 1);
    real = folder ? realpath(folder, NULL) : NULL;
    char *with = real ? hk__path_with(real, "/") : NULL;
    char *whole = with ? hk__path_with(with, slash ? slash + 1 : path) : NULL;
    if (folder && !real)
        whole = hk__strndup(path, strlen(path));
    hk__free(with);
    hk__free(folder);
    free(real);
    return whole;
}

/* Whether the absolute path is the folder, or lies below it. */
static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/')
        length--;
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static hk_status refuse_input(hk_case *c, size_t index, const char *place, hk_error *err)
{
    hk_case_input input;
    hk_status status = hk_case_input_get(&input, c, index, err);
    if (status)
        return status;
    char *real = hk__real_path(input.absolute);
    if (!real)
        status = hk__fail_memory(err);
    else if (is_below(place, input.absolute) || is_below(place, real))
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: lies where the evidence does (%s), and nothing is ever written "
                          "there; choose another folder",
                          place, input.absolute);
    hk__free(real);
    return status;
}

hk_status hk__case_refuse_evidence(hk_case *c, const char *path, hk_error *err)
{
    hk_case_info info;
    hk_status status = hk_case_describe(&info, c, err);
    char *place = status ? NULL : place_of(path);
    if (!status && !place)
        status = hk__fail_memory(err);
    for (size_t i = 0; !status && i < info.inputs; i++)
        status = refuse_input(c, i, place, err);
    hk__free(place);
    return status;
}
