/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walk.c - see walk.h. */
#include "batch/walk.h"

#include "core/error.h"
#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A growing path: the folder being walked and the name in hand. */
typedef struct path {
    char *text;
    size_t length, capacity;
} path;

/* ---- opening ------------------------------------------------------------------------------- */

/* open(2) without the limit on a path's length: goes down in pieces that fit. */
static int open_long(const char *name, int flags)
{
    char piece[PATH_MAX];
    int at = AT_FDCWD, fd = -1;
    while (strlen(name) >= PATH_MAX) {
        size_t cut = PATH_MAX - 2;
        while (cut > 0 && name[cut] != '/')
            cut--;
        if (cut == 0) {
            errno = ENAMETOOLONG;
            goto out;
        }
        memcpy(piece, name, cut + 1); /* with its slash: "/" stays a path */
        piece[cut + 1] = '\0';
        name += cut + strspn(name + cut, "/");
        const int next = openat(at, piece, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at != AT_FDCWD)
            close(at);
        at = next;
        if (at < 0)
            return -1;
    }
    do
        fd = openat(at, !*name && at != AT_FDCWD ? "." : name, flags);
    while (fd < 0 && errno == EINTR);
out:
    if (at != AT_FDCWD) {
        const int kept = errno;
        close(at);
        errno = kept;
    }
    return fd;
}

/* open_long that leaves the access time alone where that is allowed: to the owner and to root. */
static int open_untouched(const char *name, int flags)
{
    const int fd = open_long(name, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? open_long(name, flags) : fd;
}

static void say(hk_file_status *status, const char **reason, hk_file_status s, const char *r)
{
    *status = s;
    *reason = r;
}

/* What an errno of open or opendir means for a file. `named`: a person named the path. */
static void explain(hk_file_status *status, const char **reason, int error, bool named)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        say(status, reason, HK_FILE_VANISHED, "no such file or folder");
        break;
    case EACCES:
    case EPERM:
        say(status, reason, HK_FILE_NO_ACCESS, "permission denied");
        break;
    case ELOOP:
        if (named)
            say(status, reason, HK_FILE_UNREADABLE, "a loop of symbolic links");
        else
            say(status, reason, HK_FILE_EXCLUDED, "symbolic link, not followed");
        break;
    case ENAMETOOLONG:
        say(status, reason, HK_FILE_UNREADABLE, "the path is too long");
        break;
    case ENXIO:
    case ENODEV:
        say(status, reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
        break;
    default:
        say(status, reason, HK_FILE_UNREADABLE, strerrordesc_np(error));
        break;
    }
}

/* Errors that are this process's, not the file's. */
static bool is_short_of_files(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

int hk__plan_open(hk_file_status *status, const char **reason, const hk__planned *planned)
{
    const int flags =
        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (planned->named ? 0 : O_NOFOLLOW);
    const int fd = open_untouched(planned->path, flags);
    struct stat facts;
    if (fd < 0 && is_short_of_files(errno))
        return -2;
    if (fd < 0 || fstat(fd, &facts)) {
        explain(status, reason, errno, planned->named);
        /* What was there to be read when it was found cannot be out of scope now. */
        if (*status == HK_FILE_EXCLUDED)
            say(status, reason, HK_FILE_CHANGED, "a file when it was found, now something else");
    } else if (S_ISREG(facts.st_mode)) {
        return fd;
    } else if (S_ISDIR(facts.st_mode)) {
        say(status, reason, HK_FILE_CHANGED, "a file when it was found, now a folder");
    } else {
        say(status, reason, HK_FILE_CHANGED, "a file when it was found, now something else");
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- walking ------------------------------------------------------------------------------- */

/* Sets the path to its first `keep` bytes, a slash if wanted, and a name. */
static bool path_set(path *p, size_t keep, const char *name)
{
    const bool slash = keep && p->text[keep - 1] != '/';
    const size_t length = strlen(name), need = keep + slash + length + 1;
    if (need > p->capacity) {
        char *grown = hk__realloc(p->text, need * 2, 1);
        if (!grown)
            return false;
        p->text = grown;
        p->capacity = need * 2;
    }
    if (slash)
        p->text[keep] = '/';
    memcpy(p->text + keep + slash, name, length + 1);
    p->length = need - 1;
    return true;
}

typedef struct name {
    char *text;
    unsigned char type; /* DT_*; DT_UNKNOWN where the file system does not say */
} name;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const name *)a)->text, ((const name *)b)->text);
}

static void free_names(name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hk__free(names[i].text);
    hk__free(names);
}

/* All names in an open folder, sorted. Consumes fd. An error of readdir leaves the names before
 * it and sets *broken. */
static hk_status read_names(name **out, size_t *out_count, bool *broken, int fd, hk_error *err)
{
    name *names = NULL;
    size_t count = 0, capacity = 0;
    DIR *folder = fdopendir(fd);
    *broken = !folder;
    if (!folder)
        close(fd);
    while (folder) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            *broken = errno != 0;
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            name *grown = hk__realloc(names, capacity, sizeof *grown);
            if (!grown)
                goto no_memory;
            names = grown;
        }
        names[count].type = entry->d_type;
        names[count].text = hk__strndup(entry->d_name, strlen(entry->d_name));
        if (!names[count].text)
            goto no_memory;
        count++;
    }
    if (folder)
        closedir(folder);
    if (count)
        qsort(names, count, sizeof *names, by_bytes);
    *out = names;
    *out_count = count;
    return HK_OK;

no_memory:
    closedir(folder);
    free_names(names, count);
    return hk__fail_memory(err);
}

/* Asks the file itself where the folder did not say. Opened without reading, links not followed. */
static unsigned char type_of(const char *file, hk_file_status *status, const char **reason)
{
    struct stat facts;
    const int fd = open_long(file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts)) {
        explain(status, reason, errno, false);
        facts.st_mode = 0;
    }
    if (fd >= 0)
        close(fd);
    return (unsigned char)IFTODT(facts.st_mode);
}

/* A folder being walked: its names, the one to come, and how much of the path is the folder's. */
typedef struct level {
    name *names;
    size_t count, next, length;
} level;

typedef struct walker {
    hk__on_planned *on_file;
    void *context;
    size_t input; /* which of the paths that were named */
    path path;
    level *levels; /* from the named folder down; only one folder is open at a time */
    size_t depth, capacity;
} walker;

/* Gives out the path in hand. */
static hk_status give(walker *w, hk_file_status status, const char *reason, bool named,
                      hk_error *err)
{
    const hk__planned planned = {w->path.text, reason, status, named};
    return w->on_file(w->context, w->input, &planned, err);
}

/* Enters the folder whose path is in hand, or gives it out with what is wrong with it. */
static hk_status enter(walker *w, bool named, hk_error *err)
{
    hk_file_status wrong = HK_FILE_OK;
    const char *reason = NULL;
    bool broken = false;
    level inside = {.length = w->path.length};
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (named ? 0 : O_NOFOLLOW);
    const int fd = open_untouched(w->path.text, flags);
    if (fd < 0 && is_short_of_files(errno))
        return hk__fail(err, HK_ERR_SYSTEM, "cannot open folders: %s (ulimit -n)", strerror(errno));
    if (fd < 0) {
        explain(&wrong, &reason, errno, named);
        return give(w, wrong, reason, named, err);
    }
    if (w->depth == w->capacity) {
        const size_t capacity = w->capacity ? w->capacity * 2 : 32;
        level *grown = hk__realloc(w->levels, capacity, sizeof *grown);
        if (!grown) {
            close(fd);
            return hk__fail_memory(err);
        }
        w->levels = grown;
        w->capacity = capacity;
    }
    hk_status status = read_names(&inside.names, &inside.count, &broken, fd, err);
    if (status)
        return status;
    w->levels[w->depth++] = inside;
    if (broken)
        status = give(w, HK_FILE_UNREADABLE, "the folder could not be read to its end", named, err);
    return status;
}

/* Gives out the file whose path is in hand, or enters it if it is a folder. */
static hk_status visit(walker *w, unsigned char type, hk_error *err)
{
    hk_file_status wrong = HK_FILE_OK;
    const char *reason = NULL;
    if (type == DT_UNKNOWN)
        type = type_of(w->path.text, &wrong, &reason);
    if (type == DT_DIR)
        return enter(w, false, err);
    if (type == DT_LNK)
        say(&wrong, &reason, HK_FILE_EXCLUDED, "symbolic link, not followed");
    else if (type != DT_REG && !wrong)
        say(&wrong, &reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
    return give(w, wrong, reason, false, err);
}

/* Walks the folder whose path is in hand, however deep it goes. */
static hk_status walk(walker *w, hk_error *err)
{
    hk_status status = enter(w, true, err);
    while (!status && w->depth) {
        level *here = &w->levels[w->depth - 1];
        if (here->next == here->count) {
            free_names(here->names, here->count);
            w->depth--;
            continue;
        }
        const name *next = &here->names[here->next++];
        status = path_set(&w->path, here->length, next->text) ? visit(w, next->type, err)
                                                              : hk__fail_memory(err);
    }
    while (w->depth) {
        w->depth--;
        free_names(w->levels[w->depth].names, w->levels[w->depth].count);
    }
    return status;
}

/* One path that a person named. */
static hk_status visit_named(walker *w, hk_error *err)
{
    struct stat facts;
    hk_file_status wrong = HK_FILE_OK;
    const char *reason = NULL;
    const int fd = open_long(w->path.text, O_PATH | O_CLOEXEC);
    const bool known = fd >= 0 && !fstat(fd, &facts);
    const int error = errno;
    if (fd >= 0)
        close(fd);
    if (known && S_ISDIR(facts.st_mode))
        return walk(w, err);
    if (!known)
        explain(&wrong, &reason, error, true);
    else if (!S_ISREG(facts.st_mode))
        say(&wrong, &reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
    return give(w, wrong, reason, true, err);
}

hk_status hk__walk(const char *const *paths, size_t count, hk__on_planned *on_file, void *context,
                   hk_error *err)
{
    hk_status status = HK_OK;
    walker w = {.on_file = on_file, .context = context};
    for (; !status && w.input < count; w.input++)
        status = path_set(&w.path, 0, paths[w.input]) ? visit_named(&w, err) : hk__fail_memory(err);
    hk__free(w.path.text);
    hk__free(w.levels);
    return status;
}
