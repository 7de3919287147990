/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import.c - bringing entries into a list of a store: hk_import of herken.h. */
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "feed/feed.h"
#include "list/batch_load.h"

#include <stdio.h>
#include <string.h>

#define TELL_NS UINT64_C(100000000)
enum { SOURCES_MOST = 1024 };

struct hk_import {
    hk_store *store;
    hk_import_options options; /* its strings are ours */
    char *name, *actor, *reason, *format, *source;
    hk__list_row list;
    bool locked;
    hk__batch_load *load;
    char sources[SOURCES_MOST]; /* names of the files, for the revision */
    const char *file;           /* in hand */
    uint64_t bad_lines, items, told;
    hk_status failed; /* what came before may be half in the batch: no end to it */
    bool finished;
};

static bool copy(char **out, const char *text)
{
    *out = text ? hk__strndup(text, strlen(text)) : NULL;
    return !text || *out;
}

hk_status hk_import_open(hk_import **out, hk_store *store, const char *list,
                         const hk_import_options *options, hk_error *err)
{
    if (options->size != sizeof *options)
        return hk__fail(err, HK_ERR_USAGE, "import options without their INIT");
    if (!options->act.actor || !*options->act.actor)
        return hk__fail(err, HK_ERR_USAGE, "a change needs the name of who makes it");
    if (options->format && !hk__format_named(options->format))
        return hk__fail(err, HK_ERR_USAGE, "no format '%s'", options->format);
    hk_import *import = hk__alloc(1, sizeof *import);
    if (!import)
        return hk__fail_memory(err);
    import->store = store;
    import->options = *options;
    hk_status status = HK_OK;
    if (!copy(&import->name, list) || !copy(&import->actor, options->act.actor) ||
        !copy(&import->reason, options->act.reason) || !copy(&import->format, options->format) ||
        !copy(&import->source, options->source))
        status = hk__fail_memory(err);
    import->options.act.actor = import->actor;
    import->options.act.reason = import->reason;
    if (!status)
        status = hk__store_find(&import->list, store, list, err);
    if (!status) {
        status = hk__store_lock(store, import->list.id, err);
        import->locked = !status;
    }
    /* Nothing of a batch counts before its revision does, and that is written through. */
    if (!status)
        status = hk__sql_run(store->db, "PRAGMA synchronous = normal", err);
    if (!status)
        status = hk__batch_load_new(&import->load, store, &import->list, err);
    if (status)
        hk_import_free(import);
    else
        *out = import;
    return status;
}

static hk_status sink_item(void *context, const hk__feed_item *item, hk_error *err)
{
    hk_import *import = context;
    hk_entry entry = item->entry;
    import->items++;
    if (!entry.source)
        entry.source = import->source;
    return hk__batch_load_add(import->load, &entry, item->withdraw, err);
}

static hk_status sink_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    hk_import *import = context;
    import->bad_lines++;
    if (import->options.on_bad)
        import->options.on_bad(import->options.context, import->file, line, reason);
    return import->options.strict
               ? hk__fail(err, HK_ERR_FORMAT, "%s:%zu: %s", import->file, line, reason)
               : HK_OK;
}

static hk_status sink_at(void *context, uint64_t bytes, uint64_t size, hk_error *err)
{
    hk_import *import = context;
    const hk_import_options *o = &import->options;
    const uint64_t now = hk__clock_ns();
    if (!o->on_progress || (import->told && now - import->told < TELL_NS))
        return HK_OK;
    import->told = now;
    return o->on_progress(o->context, import->file, bytes, size, hk__batch_load_count(import->load))
               ? HK_OK
               : hk__fail(err, HK_ERR_STOPPED, "stopped: nothing is imported");
}

/* The revision says which files it is of; as many as have room. */
static void keep_name(hk_import *import, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t used = strlen(import->sources);
    snprintf(import->sources + used, sizeof import->sources - used, "%s%s", used ? ", " : "",
             slash && slash[1] ? slash + 1 : path);
    hk__printable(import->sources);
}

static hk_status check_open(const hk_import *import, hk_error *err)
{
    return import->failed || import->finished
               ? hk__fail(err, HK_ERR_USAGE, "the import has %s",
                          import->failed ? "failed" : "been finished")
               : HK_OK;
}

hk_status hk_import_file(hk_import *import, const char *path, hk_error *err)
{
    const hk__sink sink = {.item = sink_item, .bad = sink_bad, .at = sink_at, .context = import};
    hk_status status = check_open(import, err);
    if (status)
        return status;
    import->file = path;
    status = import->failed = hk__feed_read(path, import->format, &sink, err);
    import->file = NULL;
    keep_name(import, path);
    return status;
}

hk_status hk_import_entry(hk_import *import, const hk_entry *entry, hk_error *err)
{
    hk_status status = check_open(import, err);
    if (status)
        return status;
    if (!hk__entry_has_value(entry))
        return hk__fail(err, HK_ERR_USAGE, "an entry has neither hash nor digest");
    if (entry->cut_count &&
        (!entry->has_hash || !hk__cuts_are_sound(entry->cuts, entry->cut_count)))
        return hk__fail(err, HK_ERR_USAGE,
                        "frames are those of an image with a hash, in the order of their numbers");
    hk_entry with_source = *entry;
    import->items++;
    if (!with_source.source)
        with_source.source = import->source;
    return import->failed = hk__batch_load_add(import->load, &with_source, false, err);
}

static hk_status make_revision(hk_import_summary *summary, hk_import *import, hk_error *err)
{
    hk__revising revising = {0};
    hk_status status = hk__sql_run(import->store->db, "PRAGMA synchronous = full", err);
    if (!status)
        status = hk__sql_begin(import->store->db, true, err);
    if (status)
        return status;
    status = hk__revise_begin(&revising, import->store, import->list.id, HK_REVISION_IMPORT,
                              &import->options.act, err);
    if (!status) {
        revising.batch = hk__batch_load_id(import->load);
        revising.source = *import->sources ? import->sources : NULL;
        revising.added = summary->added;
        revising.replaced = summary->replaced;
        revising.withdrawn = summary->withdrawn;
        revising.quarantined = summary->suspicious;
        status = hk__batch_load_propose(import->load, &revising, err);
    }
    if (!status)
        status = hk__revise_end(&revising, err);
    hk__revise_clear(&revising);
    status = hk__sql_end(import->store->db, status, err);
    if (!status)
        summary->revision = (uint64_t)revising.number;
    return status;
}

hk_status hk_import_finish(hk_import_summary *out, hk_import *import, hk_error *err)
{
    hk_import_summary summary;
    hk_status status = check_open(import, err);
    if (!status && import->options.whole && !import->items)
        status = hk__fail(err, HK_ERR_USAGE,
                          "a feed without a single entry cannot be the whole of %s: it would "
                          "withdraw everything",
                          import->name);
    if (!status)
        status = hk__batch_load_end(&summary, import->load, import->options.whole, err);
    if (!status) {
        summary.revision = 0;
        summary.bad_lines = import->bad_lines;
        if (summary.added || summary.replaced || summary.withdrawn)
            status = make_revision(&summary, import, err);
    }
    import->failed = status;
    if (status)
        return status;
    import->finished = true;
    *out = summary;
    return HK_OK;
}

void hk_import_free(hk_import *import)
{
    if (!import)
        return;
    hk__batch_load_free(import->load);
    if (import->locked) {
        /* If that fails, the next import does it. */
        (void)!hk__batch_clear(import->store, import->list.id, NULL);
        (void)!hk__sql_run(import->store->db, "PRAGMA synchronous = full", NULL);
        hk__store_unlock(import->store, import->list.id);
    }
    hk__free(import->name);
    hk__free(import->actor);
    hk__free(import->reason);
    hk__free(import->format);
    hk__free(import->source);
    hk__free(import);
}
