/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export.c - see export.h; and a list of a store, so written (herken.h).
 *
 *      entries --> the format's writer --> FILE --> draft beside PATH --> PATH
 *                                                  \-> stdout
 *
 * The FILE has a descriptor of its own: closing it, which may be when a full disk shows, closes
 * neither the draft nor the caller's stdout.
 */
#include "list/export.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what can be asked for ----------------------------------------------------------------- */

hk_status hk__export_format(const hk__format **out, const char *name, hk_error *err)
{
    char all[128] = "";
    const hk__format *format = name ? hk__format_named(name) : NULL;
    if (format && format->info.writes) {
        *out = format;
        return HK_OK;
    }
    const hk_format *info;
    for (unsigned i = 0; (info = hk_format_get(i)); i++)
        if (info->writes)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", *all ? ", " : "",
                     info->name);
    return format
               ? hk__fail(err, HK_ERR_USAGE, "%s can only be read; to be written there are: %s",
                          name, all)
               : hk__fail(err, HK_ERR_USAGE, "no format is called %s; to be written there are: %s",
                          name ? name : "nothing", all);
}

/* The draft will take the place of what lies at the path: that must be a file, and not what they
 * come from. */
static hk_status check_place(bool *is_new, const char *path, const char *database, hk_error *err)
{
    struct stat place, own;
    *is_new = stat(path, &place) != 0;
    if (*is_new)
        return HK_OK;
    if (!S_ISREG(place.st_mode))
        return hk__fail(err, HK_ERR_USAGE, "%s: is no file; - is standard output", path);
    if (!stat(database, &own) && own.st_dev == place.st_dev && own.st_ino == place.st_ino)
        return hk__fail(err, HK_ERR_USAGE, "%s: is what is to be written from; choose another file",
                        path);
    return HK_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static hk_status fail_write(const char *path, hk_error *err)
{
    return hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
}

typedef struct counts {
    uint64_t written, left_out;
} counts;

static hk_status write_entries(counts *out, FILE *file, const char *path,
                               const hk__entry_source *source, const hk__format *format,
                               hk_error *err)
{
    const hk_entry *entry;
    hk_status status = HK_OK;
    format->begin(file);
    while (!ferror(file) && !(status = source->next(&entry, source->context, err)) && entry)
        if (format->write(file, entry, !out->written))
            out->written++;
        else
            out->left_out++;
    if (!status && !ferror(file))
        format->end(file);
    return status || !ferror(file) ? status : fail_write(path, err);
}

/* Through a FILE of its own, which is closed again. */
static hk_status write_to(counts *out, int fd, const char *path, const hk__entry_source *source,
                          const hk__format *format, hk_error *err)
{
    const int copy = dup(fd);
    FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
    if (!file) {
        const hk_status status = fail_write(path, err);
        if (copy >= 0)
            close(copy);
        return status;
    }
    hk_status status = write_entries(out, file, path, source, format, err);
    if (fclose(file) && !status)
        status = fail_write(path, err);
    return status;
}

static hk_status write_file(counts *out, const char *path, const hk__entry_source *source,
                            const hk__format *format, hk_error *err)
{
    bool is_new;
    hk__draft draft = {.fd = -1};
    hk_status status = check_place(&is_new, path, source->database, err);
    if (status)
        return status;
    hk__draft_sweep(path);
    status = hk__draft_open(&draft, path, "", source->database, err);
    /* A list is nobody else's business until its owner makes it so. */
    if (!status && is_new && fchmod(draft.fd, 0600))
        status = fail_write(path, err);
    if (!status)
        status = write_to(out, draft.fd, path, source, format, err);
    if (!status)
        status = hk__draft_sync(&draft, err);
    if (!status)
        status = hk__draft_place(&draft, err);
    hk__draft_free(&draft);
    return status;
}

hk_status hk__export(uint64_t *written, uint64_t *left_out, const hk__entry_source *source,
                     const hk__format *format, const char *path, hk_error *err)
{
    counts count = {0};
    hk_status status;
    if (!strcmp(path, "-")) {
        status = fflush(stdout)
                     ? fail_write("standard output", err)
                     : write_to(&count, STDOUT_FILENO, "standard output", source, format, err);
    } else {
        char *place = hk__real_path(path); /* through links, which stay */
        status = place ? write_file(&count, place, source, format, err) : hk__fail_memory(err);
        hk__free(place);
    }
    if (!status) {
        *written = count.written;
        *left_out = count.left_out;
    }
    return status;
}

/* ---- a list of a store --------------------------------------------------------------------- */

static hk_status next_listed(const hk_entry **out, void *context, hk_error *err)
{
    const hk_listed *listed;
    const hk_status status = hk_reading_next(&listed, context, err);
    if (!status)
        *out = listed ? &listed->entry : NULL;
    return status;
}

hk_status hk_store_export(uint64_t *written, uint64_t *left_out, hk_store *store, const char *list,
                          uint64_t revision, unsigned states, const char *format, const char *path,
                          hk_error *err)
{
    const hk__format *chosen = NULL;
    hk_reading *reading = NULL;
    hk__list_row row;
    hk_status status = hk__export_format(&chosen, format, err);
    if (!status)
        status = hk__store_find(&row, store, list, err);
    /* Who reads a signal takes it for known material, whatever its class. */
    if (!status && row.known_good && !strcmp(chosen->info.name, "tx"))
        status =
            hk__fail(err, HK_ERR_USAGE,
                     "%s is a list of known-good material, which tx cannot say: use csv", list);
    if (!status)
        status = hk_reading_open(&reading, store, list, revision, states, err);
    if (!status)
        status =
            hk__export(written, left_out, &(hk__entry_source){next_listed, reading, store->path},
                       chosen, path, err);
    hk_reading_close(reading);
    return status;
}
