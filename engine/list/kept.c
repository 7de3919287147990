/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - see kept.h. */
#include "list/kept.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REVISION_DIGITS = 18, MARK_DIGITS = 16 };
#define ENDING ".hki"

/* Past "REVISION-MARK.hki" at text, as hk__kept_path writes it; NULL: it is something else. */
static const char *read_name(hk__kept *out, const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > REVISION_DIGITS || *text == '0' || text[digits] != '-')
        return NULL;
    out->revision = strtoull(text, NULL, 10);
    text += digits + 1;
    if (strspn(text, "0123456789abcdef") != MARK_DIGITS ||
        strncmp(text + MARK_DIGITS, ENDING, strlen(ENDING)) != 0)
        return NULL;
    memcpy(out->mark, text, MARK_DIGITS);
    out->mark[MARK_DIGITS] = '\0';
    return text + MARK_DIGITS + strlen(ENDING);
}

/* Calls visit with each snapshot of the list and with what lies beside one, whose name goes on
 * after it with `rest`. */
static void each_kept(const char *store, const char *list,
                      void (*visit)(void *context, const hk__kept *kept, const char *rest),
                      void *context)
{
    const char *slash = strrchr(store, '/'), *name = slash ? slash + 1 : store;
    const size_t name_length = strlen(name), list_length = strlen(list);
    char *path = slash ? hk__strndup(store, (size_t)(slash - store) + 1) : hk__strndup(".", 1);
    DIR *folder = path ? opendir(path) : NULL;
    hk__free(path);
    for (const struct dirent *file; folder && (file = readdir(folder));) {
        hk__kept kept;
        const char *text = file->d_name;
        if (strncmp(text, name, name_length) != 0 || text[name_length] != '.' ||
            strncmp(text + name_length + 1, list, list_length) != 0 ||
            text[name_length + 1 + list_length] != '.')
            continue;
        const char *rest = read_name(&kept, text + name_length + list_length + 2);
        if (rest)
            visit(context, &kept, rest);
    }
    if (folder)
        closedir(folder);
}

char *hk__kept_path(const char *store, const char *list, const hk__kept *kept)
{
    const size_t room = strlen(store) + strlen(list) + REVISION_DIGITS + MARK_DIGITS + 16;
    char *path = hk__alloc(room, 1);
    if (path)
        snprintf(path, room, "%s.%s.%llu-%s" ENDING, store, list,
                 (unsigned long long)kept->revision, kept->mark);
    return path;
}

/* ---- finding them -------------------------------------------------------------------------- */

typedef struct found {
    hk__kept *kept;
    size_t count, room;
    bool no_memory;
} found;

static void note(void *context, const hk__kept *kept, const char *rest)
{
    found *f = context;
    if (*rest || f->no_memory)
        return;
    if (f->count == f->room) {
        const size_t room = f->room ? 2 * f->room : 8;
        hk__kept *grown = hk__realloc(f->kept, room, sizeof *grown);
        f->no_memory = !grown;
        if (!grown)
            return;
        f->kept = grown;
        f->room = room;
    }
    f->kept[f->count++] = *kept;
}

static int by_age(const void *a, const void *b)
{
    const hk__kept *x = a, *y = b;
    if (x->revision != y->revision)
        return x->revision > y->revision ? -1 : 1;
    return strcmp(x->mark, y->mark);
}

hk_status hk__kept_find(hk__kept **out, size_t *count, const char *store, const char *list,
                        hk_error *err)
{
    found f = {0};
    each_kept(store, list, note, &f);
    if (f.no_memory) {
        hk__free(f.kept);
        return hk__fail_memory(err);
    }
    if (f.count)
        qsort(f.kept, f.count, sizeof *f.kept, by_age);
    *out = f.kept;
    *count = f.count;
    return HK_OK;
}

/* ---- removing them ------------------------------------------------------------------------- */

typedef struct tidying {
    const char *store, *list;
    uint64_t revision;
} tidying;

static void tidy(void *context, const hk__kept *kept, const char *rest)
{
    const tidying *t = context;
    char *path = kept->revision <= t->revision ? hk__kept_path(t->store, t->list, kept) : NULL;
    if (!path)
        return;
    if (kept->revision < t->revision &&
        (!*rest || !strcmp(rest, ".delta") || !strcmp(rest, ".lock"))) {
        char *file = hk__path_with(path, rest);
        if (file)
            (void)unlink(file);
        hk__free(file);
    } else if (*rest) {
        hk__draft_sweep(path);
    }
    hk__free(path);
}

void hk__kept_tidy(const char *store, const char *list, uint64_t revision)
{
    tidying t = {store, list, revision};
    each_kept(store, list, tidy, &t);
}
