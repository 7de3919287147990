/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report.c - where reports are written to, and how: hk_report_write (herken.h).
 *
 *      case --the format's writer--> FILE --> draft beside PATH --> PATH
 *                                         \-> stdout
 *
 * The FILE has a descriptor of its own: closing it, which may be when a full disk shows, closes
 * neither the draft nor the caller's stdout.
 */
#include "report/report.h"

#include "case/case.h"
#include "core/error.h"
#include "core/mem.h"
#include "report/relative.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    hk__report_fn *write;
} formats[HK_REPORT_FORMATS] = {
    [HK_REPORT_CSV] = {"csv", hk__report_csv},
    [HK_REPORT_JSONL] = {"jsonl", hk__report_jsonl},
    [HK_REPORT_VICS] = {"vics", hk__report_vics},
    [HK_REPORT_HTML] = {"html", hk__report_html},
};

const char *hk_report_format_name(hk_report_format format)
{
    return (unsigned)format < HK_REPORT_FORMATS ? formats[format].name : NULL;
}

const hk_match *hk__best_match(const hk_file *file)
{
    for (size_t i = 0; i < file->match_count; i++)
        if (!file->matches[i].known_good)
            return &file->matches[i];
    return file->known_good && file->match_count ? &file->matches[0] : NULL;
}

hk_status hk__report_finished(hk_case *c, hk_error *err)
{
    hk_case_info info;
    const hk_status status = hk_case_describe(&info, c, err);
    if (status || info.state == HK_CASE_FINISHED)
        return status;
    return hk__fail(err, HK_ERR_USAGE,
                    "%s: its run is not finished (%s): `herken match --case` goes on with it, and "
                    "then there is something to report",
                    c->path, hk_case_state_name(info.state));
}

/* ---- where ----------------------------------------------------------------------------------- */

static bool is_same_file(const char *path, const struct stat *other)
{
    struct stat facts;
    return !stat(path, &facts) && facts.st_dev == other->st_dev && facts.st_ino == other->st_ino;
}

static hk_status refuse_lists(hk_case *c, const char *place, const struct stat *there,
                              hk_error *err)
{
    hk_case_info info;
    hk_status status = hk_case_describe(&info, c, err);
    for (size_t i = 0; !status && i < info.lists; i++) {
        hk_case_list list;
        status = hk_case_list_get(&list, c, i, err);
        if (!status && is_same_file(list.source, there))
            status = hk__fail(err, HK_ERR_USAGE, "%s: holds a list; choose another file", place);
    }
    return status;
}

/* The draft will take the place of what lies there: that must be a file, and neither the case nor
 * a list that was searched. */
static hk_status refuse_place(bool *is_new, hk_case *c, const char *place, hk_error *err)
{
    struct stat there;
    const size_t own = strlen(c->path);
    *is_new = stat(place, &there) != 0;
    if ((!*is_new && is_same_file(c->path, &there)) ||
        (!strncmp(place, c->path, own) && !strcmp(place + own, "-journal")))
        return hk__fail(err, HK_ERR_USAGE, "%s: is the case itself; choose another file", place);
    if (*is_new)
        return HK_OK;
    if (!S_ISREG(there.st_mode))
        return hk__fail(err, HK_ERR_USAGE, "%s: is no file; - is standard output", place);
    return refuse_lists(c, place, &there, err);
}

static hk_status fail_write(const char *path, hk_error *err)
{
    return hk__fail(err, HK_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
}

hk_status hk__report_draft(hk__draft *out, hk_case *c, const char *path, const char *suffix,
                           hk_error *err)
{
    bool is_new;
    char *place = NULL, *whole = hk__path_with(path, suffix);
    *out = (hk__draft){.fd = -1};
    hk_status status = whole ? hk__absolute(&place, whole, err) : hk__fail_memory(err);
    if (!status)
        status = hk__case_refuse_evidence(c, place, err);
    if (!status)
        status = refuse_place(&is_new, c, place, err);
    if (!status) {
        hk__draft_sweep(place);
        status = hk__draft_open(out, place, "", c->path, err);
    }
    /* Evidence is nobody else's business until the owner of the report makes it so. */
    if (!status && is_new && fchmod(out->fd, 0600))
        status = fail_write(place, err);
    hk__free(place);
    hk__free(whole);
    return status;
}

hk_status hk__report_place(hk__draft *draft, hk_error *err)
{
    const hk_status status = hk__draft_sync(draft, err);
    return status ? status : hk__draft_place(draft, err);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Through a FILE of its own, which is closed again. */
static hk_status write_to(int fd, const char *path, hk_case *c, hk__report_fn *write,
                          const hk_report_options *options, hk_error *err)
{
    const int copy = dup(fd);
    FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
    if (!file) {
        const hk_status status = fail_write(path, err);
        if (copy >= 0)
            close(copy);
        return status;
    }
    hk_status status = write(file, c, options, err);
    if (!status && ferror(file))
        status = fail_write(path, err);
    if (fclose(file) && !status)
        status = fail_write(path, err);
    return status;
}

static hk_status write_file(const char *path, hk_case *c, hk__report_fn *write,
                            const hk_report_options *options, hk_error *err)
{
    hk__draft draft;
    hk_status status = hk__report_draft(&draft, c, path, "", err);
    if (!status)
        status = write_to(draft.fd, path, c, write, options, err);
    if (!status)
        status = hk__report_place(&draft, err);
    hk__draft_free(&draft);
    return status;
}

hk_status hk_report_write(hk_case *c, hk_report_format format, const char *path,
                          const hk_report_options *options, hk_error *err)
{
    static const hk_report_options usual = HK_REPORT_OPTIONS_INIT;
    if (!options)
        options = &usual;
    if ((unsigned)format >= HK_REPORT_FORMATS || options->size != sizeof *options ||
        (unsigned)options->thumbnails > HK_THUMBNAILS_GREY)
        return hk__fail(err, HK_ERR_USAGE, "no such report, or its options are not initialised");
    const hk_status status = hk__report_finished(c, err);
    if (status)
        return status;
    if (strcmp(path, "-"))
        return write_file(path, c, formats[format].write, options, err);
    return fflush(stdout)
               ? fail_write("standard output", err)
               : write_to(STDOUT_FILENO, "standard output", c, formats[format].write, options, err);
}
