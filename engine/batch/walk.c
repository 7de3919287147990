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

enum { MAX_DEPTH = 4096 };

struct hk__plan {
    hk__planned *files;
    size_t count, capacity;
};

/* A growing path: the folder being walked and the name in hand. */
typedef struct path {
    char *text;
    size_t length, capacity;
} path;

/* ---- opening ------------------------------------------------------------------------------- */

/* open(2) without the limit on a path's length: goes down in pieces that fit. */
static int open_long(const char *name, int flags)
{
    if (strlen(name) < PATH_MAX)
        return open(name, flags);
    char piece[PATH_MAX];
    int at = AT_FDCWD;
    while (strlen(name) >= PATH_MAX) {
        size_t cut = PATH_MAX - 1;
        while (cut > 0 && name[cut] != '/')
            cut--;
        if (cut == 0) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(piece, name, cut + 1); /* with its slash: "/" stays a path */
        piece[cut + 1 < PATH_MAX ? cut + 1 : cut] = '\0';
        name += cut;
        while (*name == '/')
            name++;
        int next = openat(at, piece, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at != AT_FDCWD)
            close(at);
        at = next;
        if (at < 0)
            return -1;
    }
    int fd = strlen(name) < PATH_MAX ? openat(at, name, flags) : -1;
    if (at != AT_FDCWD) {
        int kept = errno;
        close(at);
        errno = kept;
    }
    return fd;
}

static void say(hk_file_status *status, const char **reason, hk_file_status s, const char *r)
{
    *status = s;
    *reason = r;
}

/* What an errno of open or opendir means for a file. */
static void explain(hk_file_status *status, const char **reason, int error)
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
        say(status, reason, HK_FILE_UNREADABLE, "cannot be opened: input/output error");
        break;
    }
}

int hk__plan_open(hk_file_status *status, const char **reason, const hk__planned *planned)
{
    const int flags =
        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (planned->named ? 0 : O_NOFOLLOW);
    int fd = open_long(planned->path, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM) /* only the owner may leave the access time alone */
        fd = open_long(planned->path, flags);
    if (fd < 0) {
        explain(status, reason, errno);
        return -1;
    }
    struct stat facts;
    if (fstat(fd, &facts)) {
        explain(status, reason, errno);
    } else if (S_ISREG(facts.st_mode)) {
        return fd;
    } else if (S_ISDIR(facts.st_mode)) {
        say(status, reason, HK_FILE_CHANGED, "a file when it was found, now a folder");
    } else {
        say(status, reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
    }
    close(fd);
    return -1;
}

/* ---- walking ------------------------------------------------------------------------------- */

static hk_status plan_file(hk__plan *plan, const char *name, size_t length, hk_file_status status,
                           const char *reason, bool named, hk_error *err)
{
    if (plan->count == plan->capacity) {
        const size_t capacity = plan->capacity ? plan->capacity * 2 : 256;
        hk__planned *grown = hk__realloc(plan->files, capacity, sizeof *grown);
        if (!grown)
            return hk__fail_memory(err);
        plan->files = grown;
        plan->capacity = capacity;
    }
    char *copy = hk__strndup(name, length);
    if (!copy)
        return hk__fail_memory(err);
    plan->files[plan->count++] = (hk__planned){copy, reason, status, named};
    return HK_OK;
}

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
    int fd = open_long(file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts)) {
        explain(status, reason, errno);
        facts.st_mode = 0;
    }
    if (fd >= 0)
        close(fd);
    return (unsigned char)IFTODT(facts.st_mode);
}

/* Walks the folder whose path is p. Only one folder is open at a time, however deep it goes. */
static hk_status walk(hk__plan *plan, path *p, bool named, unsigned depth, hk_error *err)
{
    const size_t here = p->length;
    name *names = NULL;
    size_t count = 0;
    bool broken = false;
    hk_file_status wrong = HK_FILE_OK;
    const char *reason = NULL;

    int fd = open_long(p->text, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (named ? 0 : O_NOFOLLOW));
    if (fd < 0)
        explain(&wrong, &reason, errno);
    if (depth > MAX_DEPTH)
        say(&wrong, &reason, HK_FILE_UNREADABLE, "folders nested deeper than 4,096");
    if (wrong) {
        if (fd >= 0)
            close(fd);
        return plan_file(plan, p->text, p->length, wrong, reason, false, err);
    }

    hk_status status = read_names(&names, &count, &broken, fd, err);
    if (!status && broken)
        status = plan_file(plan, p->text, p->length, HK_FILE_UNREADABLE,
                           "the folder could not be read to its end", false, err);
    for (size_t i = 0; !status && i < count; i++) {
        if (!path_set(p, here, names[i].text)) {
            status = hk__fail_memory(err);
            break;
        }
        wrong = HK_FILE_OK;
        reason = NULL;
        unsigned char type = names[i].type;
        if (type == DT_UNKNOWN)
            type = type_of(p->text, &wrong, &reason);
        if (type == DT_DIR) {
            status = walk(plan, p, false, depth + 1, err);
            continue;
        }
        if (type == DT_LNK)
            say(&wrong, &reason, HK_FILE_EXCLUDED, "symbolic link, not followed");
        else if (type != DT_REG && !wrong)
            say(&wrong, &reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
        status = plan_file(plan, p->text, p->length, wrong, reason, false, err);
    }
    free_names(names, count);
    p->length = here;
    p->text[here] = '\0';
    return status;
}

hk_status hk__plan_new(hk__plan **out, const char *const *paths, size_t count, hk_error *err)
{
    path p = {0};
    hk_status status = HK_OK;
    hk__plan *plan = hk__alloc(1, sizeof *plan);
    if (!plan)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++) {
        struct stat facts;
        hk_file_status wrong = HK_FILE_OK;
        const char *reason = NULL;
        if (!path_set(&p, 0, paths[i])) {
            status = hk__fail_memory(err);
            break;
        }
        int fd = open_long(paths[i], O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &facts)) {
            explain(&wrong, &reason, errno);
        } else if (S_ISDIR(facts.st_mode)) {
            close(fd);
            status = walk(plan, &p, true, 0, err);
            continue;
        } else if (!S_ISREG(facts.st_mode)) {
            say(&wrong, &reason, HK_FILE_EXCLUDED, "a device, socket or FIFO");
        }
        if (fd >= 0)
            close(fd);
        status = plan_file(plan, p.text, p.length, wrong, reason, true, err);
    }
    hk__free(p.text);
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
