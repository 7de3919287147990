/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relative.c - see relative.h. */
#include "report/relative.h"

#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Length of the folder's part of a path, with its '/'; 0: there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *joined(const char *a, size_t a_length, const char *b)
{
    char *text = hk__alloc(a_length + strlen(b) + 1, 1);
    if (text) {
        memcpy(text, a, a_length);
        strcpy(text + a_length, b);
    }
    return text;
}

hk_status hk__absolute(char **out, const char *path, hk_error *err)
{
    const size_t length = folder_length(path);
    char *whole = realpath(path, NULL), *copy = NULL;
    if (whole) { /* it is there */
        copy = hk__strndup(whole, strlen(whole));
        free(whole);
        *out = copy;
        return copy ? HK_OK : hk__fail_memory(err);
    }
    if (!path[length] || !strcmp(path + length, ".") || !strcmp(path + length, ".."))
        return hk__fail(err, HK_ERR_IO, "%s: is the name of no file", path);
    char *folder = length ? hk__strndup(path, length) : hk__strndup(".", 1);
    whole = folder ? realpath(folder, NULL) : NULL;
    const int error = errno;
    if (whole && !strcmp(whole, "/"))
        *whole = '\0';
    char *with = whole ? joined(whole, strlen(whole), "/") : NULL;
    copy = with ? joined(with, strlen(with), path + length) : NULL;
    hk_status status = HK_OK;
    if (copy)
        *out = copy;
    else if (folder && !whole)
        status =
            hk__fail(err, HK_ERR_IO, "%s: cannot be made: %s: %s", path, folder, strerror(error));
    else
        status = hk__fail_memory(err);
    hk__free(with);
    hk__free(folder);
    free(whole);
    return status;
}

char *hk__relative(const char *from, const char *to)
{
    size_t common = 0, ups = 0, used = 0;
    for (size_t i = 0; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/')
            common = i + 1;
    for (const char *p = from + common; *p; p++)
        ups += *p == '/';
    char *way = hk__alloc(3 * ups + strlen(to + common) + 1, 1);
    for (; way && ups; ups--, used += 3)
        memcpy(way + used, "../", 3);
    if (way)
        strcpy(way + used, to + common);
    return way;
}

char *hk__follow(const char *from, const char *way)
{
    return joined(from, folder_length(from), way);
}
