/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * case_export.c - what was decided, as a list for hk_import_file (herken.h).
 *
 *      reading (decided, one file a content) --> hk_entry --> list/export.c
 */
#include "case/case_decide.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/extra.h"
#include "list/export.h"

#include <stdio.h>
#include <string.h>

typedef struct exporting {
    hk_case *c;
    hk_case_reading *reading;
    const char *const *categories; /* [category_count] those that are wanted; 0: all */
    size_t category_count;
    hk_entry entry;
    char source[HK__DECISION_WORD + 8]; /* "case NAME" */
    char name[HK__TEXT_MAX + 1], extra[HK__TEXT_MAX + 1];
} exporting;

/* The name of the file itself, or of the archive's member; NULL: too long to be kept. */
static const char *name_of(char out[HK__TEXT_MAX + 1], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash && slash[1] ? slash + 1 : path;
    return hk__feed_utf8(out, name, strlen(name));
}

/* Who decided, and why. */
static hk_status say_extra(exporting *e, const hk_decision *decision, hk_error *err)
{
    hk__extra extra = {0};
    const char *reason = NULL;
    bool fits = hk__extra_add(&extra, "actor", decision->actor, NULL);
    if (decision->carried)
        fits = fits && hk__extra_add(&extra, "carried", decision->carried, NULL);
    if (decision->reason)
        fits = fits && hk__extra_add(&extra, "reason", decision->reason, NULL);
    hk_status status = hk__extra_text(e->extra, &reason, &extra, err);
    if (!status && (reason || !fits))
        status = hk__fail(err, HK_ERR_LIMIT, "%s: a decision's words do not fit: %s", e->c->path,
                          reason ? reason : "too many");
    return status;
}

static bool are_words(const hk_decision *d)
{
    return hk__decision_words(d->category, HK__DECISION_WORD) &&
           hk__decision_words(d->actor, HK__DECISION_WORD) &&
           (!d->reason || hk__decision_words(d->reason, HK__DECISION_REASON)) &&
           (!d->carried || hk__decision_words(d->carried, HK__DECISION_WORD));
}

static bool is_wanted(const exporting *e, const hk_decision *decision)
{
    bool wanted = !e->category_count;
    for (size_t i = 0; decision && !wanted && i < e->category_count; i++)
        wanted = !strcmp(decision->category, e->categories[i]);
    return wanted;
}

/* The hash of a picture that is cut short is as much of what is missing: its digests alone go out.
 * What else is doubtful of a hash the import sees by itself. */
static hk_status next_decided(const hk_entry **out, void *context, hk_error *err)
{
    const hk_case_file *got;
    exporting *e = context;
    hk_status status;
    do
        status = hk_case_reading_next(&got, e->reading, err);
    while (!status && got && !is_wanted(e, got->decision));
    if (status)
        return status;
    *out = NULL;
    if (!got)
        return HK_OK;
    const hk_file *file = &got->file;
    if (!got->decision || !are_words(got->decision))
        return hk__fail(err, HK_ERR_FORMAT, "%s: the case is damaged: a decision in it is none",
                        e->c->path);
    e->entry = (hk_entry)HK_ENTRY_INIT;
    e->entry.digests = file->digests;
    e->entry.has_hash =
        file->hashed && file->status == HK_FILE_OK && !(file->flags & HK_FLAG_TRUNCATED);
    if (e->entry.has_hash) {
        e->entry.hash = file->fingerprint.hash[HK_ORIGINAL];
        e->entry.quality = file->fingerprint.quality;
    }
    e->entry.name = name_of(e->name, file->path);
    e->entry.category = got->decision->category;
    e->entry.source = e->source;
    e->entry.date = got->decision->at;
    e->entry.extra = e->extra;
    status = say_extra(e, got->decision, err);
    if (!status)
        *out = &e->entry;
    return status;
}

/* Text and tx have no place for who decided and why. */
static hk_status check_format(const hk__format **out, const char *format, hk_error *err)
{
    if (!format || (strcmp(format, "csv") != 0 && strcmp(format, "vics") != 0))
        return hk__fail(err, HK_ERR_USAGE, "decisions are written as csv or vics, not as %s",
                        format ? format : "nothing");
    return hk__export_format(out, format, err);
}

hk_status hk_case_export(uint64_t *written, hk_case *c, const char *const *categories,
                         size_t category_count, const char *format, const char *path, hk_error *err)
{
    uint64_t left_out;
    const hk__format *chosen = NULL;
    hk_status status = check_format(&chosen, format, err);
    if (!status && strcmp(path, "-"))
        status = hk__case_refuse_evidence(c, path, err);
    if (status)
        return status;
    exporting *e = hk__alloc(1, sizeof *e);
    if (!e)
        return hk__fail_memory(err);
    e->c = c;
    e->categories = categories;
    e->category_count = category_count;
    strcpy(e->source, "case ");
    hk__case_name(e->source + 5, sizeof e->source - 5, c);
    status = hk_case_reading_open(&e->reading, c, HK_CASE_DECIDED | HK_CASE_FIRSTS, err);
    if (!status)
        status = hk__export(written, &left_out, &(hk__entry_source){next_decided, e, c->path},
                            chosen, path, err); /* each has a SHA-256: none is left out */
    hk_case_reading_close(e->reading);
    hk__free(e);
    return status;
}
