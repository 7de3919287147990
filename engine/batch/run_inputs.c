/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_inputs.c - where the evidence of a run lies (run.h). */
#include "batch/run.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- paths --------------------------------------------------------------------------------- */

static char *join(const char *folder, const char *rest)
{
    const size_t length = strlen(folder);
    rest += strspn(rest, "/");
    if (!*rest)
        return hk__strndup(folder, length);
    char *folder_slash = length && folder[length - 1] == '/' ? hk__strndup(folder, length)
                                                             : hk__path_with(folder, "/");
    char *whole = folder_slash ? hk__path_with(folder_slash, rest) : NULL;
    hk__free(folder_slash);
    return whole;
}

/* Where a path leads; of what is not there, or is too long to ask about, where its words do. */
static char *absolute_of(const char *path)
{
    char *real = realpath(path, NULL);
    if (!real && *path != '/') {
        char *here = getcwd(NULL, 0);
        char *whole = here ? join(here, path) : NULL;
        free(here);
        return whole;
    }
    char *copy = hk__strndup(real ? real : path, strlen(real ? real : path));
    free(real);
    return copy;
}

/* Whether a path is this folder, or lies in it. Both are absolute. */
static bool is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/')
        length--;
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* What lies in a folder follows it at once: "a", "a/b", "a-b". */
static int by_place(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    const int x = *a == '/' ? 1 : *a ? 1 + (unsigned char)*a : 0;
    const int y = *b == '/' ? 1 : *b ? 1 + (unsigned char)*b : 0;
    return x - y;
}

/* ---- what was named ------------------------------------------------------------------------ */

static void clear_one(hk__input *input)
{
    hk__free(input->given);
    hk__free(input->absolute);
    *input = (hk__input){NULL, NULL};
}

void hk__inputs_clear(hk__inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        clear_one(&inputs->input[i]);
    hk__free(inputs->input);
    *inputs = (hk__inputs){NULL, 0};
}

/* Of what lies in the same place the first that was named comes first. */
static int by_place_then_order(const void *a, const void *b)
{
    const hk__input *x = *(hk__input *const *)a, *y = *(hk__input *const *)b;
    const int order = by_place(x->absolute, y->absolute);
    return order ? order : x < y ? -1 : x > y;
}

/* Takes out what lies in another. */
static hk_status take_once(hk__inputs *inputs, hk_error *err)
{
    hk__input **sorted = hk__alloc(inputs->count, sizeof(hk__input *));
    if (!sorted)
        return hk__fail_memory(err);
    for (size_t i = 0; i < inputs->count; i++)
        sorted[i] = &inputs->input[i];
    qsort(sorted, inputs->count, sizeof *sorted, by_place_then_order);
    const hk__input *outer = NULL;
    for (size_t i = 0; i < inputs->count; i++)
        if (outer && is_inside(sorted[i]->absolute, outer->absolute))
            clear_one(sorted[i]);
        else
            outer = sorted[i];
    hk__free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++)
        if (inputs->input[i].given)
            inputs->input[kept++] = inputs->input[i];
    inputs->count = kept;
    return HK_OK;
}

hk_status hk__inputs_find(hk__inputs *out, const char *const *paths, size_t count, hk_error *err)
{
    hk__inputs inputs = {.input = hk__alloc(count, sizeof *inputs.input)};
    hk_status status = inputs.input ? HK_OK : hk__fail_memory(err);
    while (!status && inputs.count < count) {
        hk__input *input = &inputs.input[inputs.count];
        input->given = hk__strndup(paths[inputs.count], strlen(paths[inputs.count]));
        input->absolute = absolute_of(paths[inputs.count]);
        inputs.count++;
        if (!input->given || !input->absolute)
            status = hk__fail_memory(err);
    }
    if (!status && count)
        status = take_once(&inputs, err);
    if (status)
        hk__inputs_clear(&inputs);
    else
        *out = inputs;
    return status;
}

/* ---- those of a case ----------------------------------------------------------------------- */

/* A path in a column; NULL where it is none. *status says whether that is for want of memory. */
static char *path_column(hk_status *status, sqlite3_stmt *row, int column, const hk_case *c,
                         hk_error *err)
{
    const void *bytes = sqlite3_column_blob(row, column);
    const size_t count = (size_t)sqlite3_column_bytes(row, column);
    char *path = bytes ? hk__strndup(bytes, count) : NULL;
    if (!bytes || (path && strlen(path) != count))
        *status =
            hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: an input has no path", c->path);
    else if (!path)
        *status = hk__fail_memory(err);
    return path;
}

hk_status hk__inputs_of_case(hk__inputs *out, hk_case *c, hk_error *err)
{
    sqlite3_stmt *rows = NULL;
    hk__inputs inputs = {NULL, 0};
    int64_t count;
    bool row = true;
    hk_status status = hk__sql_number(&count, 0, c->db, err, "SELECT count(*) FROM input", "");
    if (!status)
        status =
            hk__sql_prepare(&rows, c->db, err, "SELECT given, absolute FROM input ORDER BY id", "");
    if (!status) {
        inputs.input = hk__alloc((size_t)count, sizeof *inputs.input);
        status = inputs.input ? HK_OK : hk__fail_memory(err);
    }
    while (!status && inputs.count < (size_t)count && !(status = hk__sql_step(&row, rows, err)) &&
           row) {
        hk__input *input = &inputs.input[inputs.count++];
        input->given = path_column(&status, rows, 0, c, err);
        if (!status)
            input->absolute = path_column(&status, rows, 1, c, err);
    }
    sqlite3_finalize(rows);
    if (status)
        hk__inputs_clear(&inputs);
    else
        *out = inputs;
    return status;
}

/* Whether nothing lies there. A folder that does not open for another reason is not ours to judge:
 * its files will say why. */
static bool is_bare(const char *folder)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int fd = open(folder, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd = open(folder, flags);
    if (fd < 0)
        return errno == ENOENT;
    DIR *names = fdopendir(fd);
    if (!names) {
        close(fd);
        return false;
    }
    bool bare = true;
    for (const struct dirent *entry; bare && (entry = readdir(names));)
        bare = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
    closedir(names);
    return bare;
}

hk_status hk__inputs_are_there(const hk__inputs *of_case, hk_case *c, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < of_case->count; i++) {
        const hk__input *input = &of_case->input[i];
        int64_t left;
        if (!is_bare(input->absolute))
            continue;
        status = hk__sql_number(&left, 0, c->db, err,
                                "SELECT EXISTS (SELECT 1 FROM file f, input n WHERE f.input = n.id"
                                " AND n.id = ?1 AND f.status IS NULL AND f.content IS NULL"
                                " AND f.path <> n.given)",
                                "i", (int64_t)i);
        if (!status && left)
            status = hk__fail(err, HK_ERR_IO,
                              "%s: is empty or not there, and files in it are left to be read: "
                              "mount the evidence where it was, and start again",
                              input->absolute);
    }
    return status;
}

hk_status hk__inputs_compare(const hk__inputs *inputs, const hk__inputs *of_case, const hk_case *c,
                             hk_error *err)
{
    const size_t count = inputs->count;
    hk_status status = HK_OK;
    const hk__input *odd = NULL;
    const hk__input **sorted = hk__alloc(count + of_case->count, sizeof(hk__input *));
    if (!sorted)
        return hk__fail_memory(err);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &inputs->input[i];
    for (size_t i = 0; i < of_case->count; i++)
        sorted[count + i] = &of_case->input[i];
    qsort(sorted, count, sizeof *sorted, by_place_then_order);
    qsort(sorted + count, of_case->count, sizeof *sorted, by_place_then_order);
    for (size_t i = 0; !odd && i < count && i < of_case->count; i++)
        if (strcmp(sorted[i]->absolute, sorted[count + i]->absolute) != 0)
            odd = sorted[i];
    if (odd || count != of_case->count)
        status = hk__fail(err, HK_ERR_USAGE,
                          "%s: the case was begun with %zu other path%s, %s first, not with %s; "
                          "name those or none, or begin a new case",
                          c->path, of_case->count, of_case->count == 1 ? "" : "s",
                          of_case->count ? of_case->input[0].absolute : "none",
                          odd     ? odd->absolute
                          : count ? inputs->input[count - 1].absolute
                                  : "none");
    hk__free(sorted);
    return status;
}

/* ---- the case is no evidence --------------------------------------------------------------- */

/* Where a case lies, or will lie. */
static char *place_of_case(const char *path)
{
    if (!access(path, F_OK))
        return absolute_of(path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = slash ? hk__strndup(path, (size_t)(slash - path) + 1) : hk__strndup(".", 1);
    char *real = folder ? absolute_of(folder) : NULL;
    char *whole = real ? join(real, name) : NULL;
    hk__free(folder);
    hk__free(real);
    return whole;
}

hk_status hk__inputs_keep_clear(const hk__inputs *inputs, const char *case_path, hk_error *err)
{
    hk_status status = HK_OK;
    char *place = place_of_case(case_path);
    if (!place)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < inputs->count; i++)
        if (is_inside(place, inputs->input[i].absolute))
            status = hk__fail(err, HK_ERR_USAGE,
                              "%s: the case would lie in the evidence, %s, which is never written "
                              "to: put it elsewhere",
                              case_path, inputs->input[i].absolute);
    hk__free(place);
    return status;
}

char *hk__input_place(const hk__input *input, const char *path)
{
    const size_t length = strlen(input->given);
    return join(input->absolute, !strncmp(path, input->given, length) ? path + length : path);
}
