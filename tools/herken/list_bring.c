/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list_bring.c - `herken list create, add, import, screen`: making a list, and proposing entries.
 *
 *      feed files   \
 *                    > an import (a revision) -> screening -> what it comes to, in words or JSON
 *      scanned files/
 *
 * An import is there whole or not at all; screening may be stopped and gone on with.
 */
#include "list_output.h"
#include "list_verbs.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_BAD_LINES = 10, KEPT_BAD_LINES = 1000 };

/* One run of add or import. */
typedef struct bringing {
    list_request *r;
    hk_import *import;
    const char *file;         /* that is being read; borrowed */
    json_t *bad_lines;        /* the first KEPT_BAD_LINES; owned */
    uint64_t bad_line_count;  /* malformed lines, whether kept or not */
    bool file_failed;         /* a file did not open, or breaks off: nothing comes in */
    hk_account account;       /* of add */
    uint64_t by_digest, left; /* of add: files without a hash, and those left out */
    hk_aligner *aligner;      /* of add with frames; owned */
    uint64_t frames;          /* that were hashed */
    hk_import_summary summary;
    list_suspects suspects;
    uint64_t unscreened;
    uint64_t before; /* the list's revision before this import; 0: none */
} bringing;

/* ---- create -------------------------------------------------------------------------------- */

static bool is_revision(void *context, const hk_revision *revision)
{
    const list_request *r = context;
    if (revision->number != r->revision)
        return true;
    output_line(list_revision_object(revision));
    return false;
}

int list_create(list_request *r)
{
    hk_error err;
    r->settings.name = r->list;
    hk_status status = hk_store_create_list(&r->revision, r->store, &r->settings, &r->act, &err);
    if (!status && r->common.json)
        status = hk_store_log(r->store, r->list, is_revision, r, &err);
    if (status)
        return cli_store_fail(&err);
    if (!r->common.json) {
        printf("list %s is made (revision %llu)%s%s\n", r->list, (unsigned long long)r->revision,
               r->settings.known_good ? ", of known-good material" : "",
               r->settings.two_person ? ", approved by another than who imports" : "");
        if (!r->common.quiet)
            printf("next: herken list import %s FILE... --db %s\n", r->list, r->shown_db);
    }
    return CLI_DONE;
}

/* ---- screening ----------------------------------------------------------------------------- */

static bool on_screen(void *context, uint64_t done, uint64_t total)
{
    return list_progress(context, done, total);
}

/* Returns -1 once all that is proposed is screened, or an exit code. */
static int screen(list_request *r)
{
    hk_error err;
    uint64_t suspicious;
    hk_screen_options options = HK_SCREEN_OPTIONS_INIT;
    options.threads = r->common.scan.workers;
    options.on_progress = on_screen;
    options.context = r;
    list_progress_start(r, "entries looked over");
    const hk_status status = hk_store_screen(&suspicious, r->store, r->list, &options, &err);
    progress_hide(&r->bar);
    if (!status)
        return -1;
    if (status == HK_ERR_STOPPED) {
        cli_say("stopped: what is proposed stays; go on with: herken list screen %s --db %s",
                r->list, r->shown_db);
        return CLI_SYSTEM;
    }
    return cli_store_fail(&err);
}

/* Counts what waits in quarantine or would: of one import, or (0) of the whole list. */
static hk_status count_suspects(list_suspects *out, list_request *r, uint64_t imported,
                                hk_error *err)
{
    hk_reading *reading;
    const hk_listed *listed = NULL;
    hk_status status =
        hk_reading_open(&reading, r->store, r->list, 0, 1u << HK_ENTRY_QUARANTINED, err);
    if (status)
        return status;
    while (!(status = hk_reading_next(&listed, reading, err)) && listed)
        if (!imported || listed->imported == imported)
            list_suspects_add(out, listed);
    hk_reading_close(reading);
    return status;
}

/* before: the revision to go back to; 0: not known. */
static void print_next(const list_request *r, uint64_t before)
{
    if (r->common.quiet)
        return;
    printf("next: herken list diff %s --db %s      what would change, entry by entry\n"
           "      herken list approve %s --db %s   let it in\n",
           r->list, r->shown_db, r->list, r->shown_db);
    if (before)
        printf("      herken list rollback %s --to %llu --db %s   drop it\n", r->list,
               (unsigned long long)before, r->shown_db);
}

int list_screen(list_request *r)
{
    hk_error err;
    hk_list_info info;
    list_suspects suspects = {0};
    list_catch_stop();
    int code = screen(r);
    if (code >= 0)
        return code;
    hk_status status = count_suspects(&suspects, r, 0, &err);
    if (!status)
        status = hk_store_info(&info, r->store, r->list, &err);
    if (status) {
        code = cli_store_fail(&err);
    } else if (r->common.json) {
        json_t *object = list_info_object(&info);
        json_object_set_new(object, "suspicions", list_suspects_object(&suspects));
        output_line(object);
        code = CLI_DONE;
    } else {
        list_print_count("proposed", info.entries[HK_ENTRY_PROPOSED]);
        list_print_count("suspicious", suspects.entries);
        list_suspects_print(&suspects);
        if (info.entries[HK_ENTRY_PROPOSED] || info.proposed_withdrawals)
            print_next(r, 0);
        code = CLI_DONE;
    }
    list_suspects_clear(&suspects);
    return code;
}

/* ---- what an import comes to --------------------------------------------------------------- */

static json_t *summary_object(const bringing *b, const char *error)
{
    const hk_import_summary *s = &b->summary;
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"staged", s->added + s->replaced},
        {"added", s->added},
        {"replaced", s->replaced},
        {"withdrawn", s->withdrawn},
        {"unchanged", s->unchanged},
        {"kept_withdrawn", s->kept_withdrawn},
        {"quarantined", b->suspects.entries},
        {"unscreened", b->unscreened},
        {"bad_line_count", b->bad_line_count},
    };
    json_t *object = json_object();
    if (s->revision)
        json_object_set_new(object, "revision", json_integer((json_int_t)s->revision));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(object, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    if (b->r->frames)
        json_object_set_new(object, "frames", json_integer((json_int_t)b->frames));
    json_object_set_new(object, "suspicions", list_suspects_object(&b->suspects));
    json_object_set(object, "bad_lines", b->bad_lines);
    if (b->account.found)
        json_object_update_new(object, output_account(&b->account, false));
    if (error)
        output_path(object, "error", error);
    return object;
}

static void print_summary(const bringing *b)
{
    const list_request *r = b->r;
    const hk_import_summary *s = &b->summary;
    if (s->revision)
        printf("%s: revision %llu, proposed and not yet searched for\n", r->list,
               (unsigned long long)s->revision);
    else
        printf("%s: nothing in it is new\n", r->list);
    list_print_count("new entries", s->added);
    list_print_count("newer versions", s->replaced);
    list_print_count("withdrawn", s->withdrawn);
    list_print_count("there already", s->unchanged);
    if (s->kept_withdrawn)
        list_print_count("withdrawn before", s->kept_withdrawn);
    if (b->account.found) {
        list_print_count("by digests alone", b->by_digest);
        list_print_count("files left out", b->left);
        if (r->frames)
            list_print_count("frames", b->frames);
    }
    if (b->bad_line_count)
        list_print_count("lines not usable", b->bad_line_count);
    list_print_count("suspicious", b->suspects.entries);
    list_suspects_print(&b->suspects);
    if (b->unscreened)
        printf("%llu entries are not looked over yet\nnext: herken list screen %s --db %s\n",
               (unsigned long long)b->unscreened, r->list, r->shown_db);
    else if (s->revision)
        print_next(r, b->before);
}

/* What is likely a mistake; no mere talk, so --quiet does not hide it. */
static void say_doubts(const bringing *b)
{
    const list_request *r = b->r;
    const hk_import_summary *s = &b->summary;
    const uint64_t there = s->replaced + s->unchanged + s->kept_withdrawn;
    const bool of_files = b->account.found;
    if (!of_files && !(s->added + there + (r->whole ? 0 : s->withdrawn)))
        cli_say(b->bad_line_count ? "nothing in it can be used: is it a list? Files that you hold "
                                    "come in with `herken list add`"
                                  : "there are no entries in it: is it the right file?");
    if (r->whole && s->withdrawn > there)
        cli_say("more of the list would be withdrawn (%llu entries) than would stay (%llu): is the "
                "feed whole?",
                (unsigned long long)s->withdrawn, (unsigned long long)there);
    else if (r->whole && b->bad_line_count && s->withdrawn)
        cli_say("of the %llu entries that would be withdrawn some may stand in the lines that "
                "are not usable: look at the diff before you approve",
                (unsigned long long)s->withdrawn);
}

static bool is_before(void *context, const hk_revision *revision)
{
    bringing *b = context;
    if (revision->number >= b->summary.revision)
        return true;
    b->before = revision->number;
    return false;
}

/* Looks over what came in, says what it comes to, and returns the exit code. */
static int conclude(bringing *b)
{
    list_request *r = b->r;
    hk_error err;
    hk_list_info info;
    int code = r->no_screen || !b->summary.revision ? -1 : screen(r);
    hk_status status = HK_OK;
    if (b->summary.revision)
        status = count_suspects(&b->suspects, r, b->summary.revision, &err);
    if (!status && b->summary.revision)
        status = hk_store_log(r->store, r->list, is_before, b, &err);
    if (!status)
        status = hk_store_info(&info, r->store, r->list, &err);
    if (status)
        return cli_store_fail(&err);
    b->unscreened = info.unscreened;
    if (r->common.json)
        output_line(summary_object(b, NULL));
    else
        print_summary(b);
    say_doubts(b);
    if (code >= 0)
        return code;
    return b->bad_line_count || b->account.by_class[HK_CLASS_FAILED] ? CLI_PARTIAL : CLI_DONE;
}

/* Says why nothing came in, and returns the exit code. */
static int give_up(bringing *b, const hk_error *err)
{
    if (err->status == HK_ERR_STOPPED) {
        cli_say("stopped: nothing was brought into %s", b->r->list);
        return CLI_SYSTEM;
    }
    const bool of_feed = (b->file_failed || (b->r->strict && b->bad_line_count)) &&
                         (err->status == HK_ERR_FORMAT || err->status == HK_ERR_IO);
    const int code = cli_store_fail(err);
    if (!of_feed)
        return code;
    cli_say("nothing was brought into %s", b->r->list);
    memset(&b->summary, 0, sizeof b->summary);
    if (b->r->common.json)
        output_line(summary_object(b, err->message));
    return CLI_PARTIAL;
}

static int finish(bringing *b, hk_status status, hk_error *err)
{
    if (!status && list_stopped())
        err->status = status = HK_ERR_STOPPED;
    if (!status)
        status = hk_import_finish(&b->summary, b->import, err);
    /* The import holds the store until it is freed. */
    hk_import_free(b->import);
    progress_hide(&b->r->bar);
    int code;
    if (status) {
        err->status = status;
        code = give_up(b, err);
    } else {
        code = conclude(b);
    }
    list_suspects_clear(&b->suspects);
    json_decref(b->bad_lines);
    return code;
}

/* ---- import -------------------------------------------------------------------------------- */

static void on_bad(void *context, const char *file, size_t line, const char *reason)
{
    bringing *b = context;
    const bool shown = b->bad_line_count++ < SHOWN_BAD_LINES;
    if (b->bad_line_count <= KEPT_BAD_LINES) {
        json_t *object = json_object();
        output_path(object, "file", file);
        json_object_set_new(object, "line", json_integer((json_int_t)line));
        output_path(object, "reason", reason);
        json_array_append_new(b->bad_lines, object);
    }
    if (shown && !b->r->common.quiet) {
        progress_hide(&b->r->bar);
        cli_say("%s:%zu: %s", file, line, reason);
    }
}

static bool on_import(void *context, const char *file, uint64_t done, uint64_t size,
                      uint64_t entries)
{
    bringing *b = context;
    (void)file;
    (void)entries;
    return list_progress(b->r, done >> 10, size >> 10);
}

static hk_status start(bringing *b, hk_error *err)
{
    list_request *r = b->r;
    hk_import_options options = HK_IMPORT_OPTIONS_INIT;
    options.act = r->act;
    options.format = r->format;
    options.source = r->source;
    options.whole = r->whole;
    options.strict = r->strict;
    options.on_bad = on_bad;
    options.on_progress = on_import;
    options.context = b;
    b->bad_lines = json_array();
    const hk_status status = hk_import_open(&b->import, r->store, r->list, &options, err);
    list_catch_stop(); /* who waited for another import until now could be killed */
    return status;
}

/* Returns -1 to go on, or an exit code. */
static int check_format(const char *name)
{
    const hk_format *format;
    for (unsigned i = 0; name && (format = hk_format_get(i)); i++)
        if (format->reads && !strcmp(name, format->name))
            return -1;
    if (!name)
        return -1;
    list_name_formats(stderr, false);
    return cli_usage("no format '%s': it is one of these", name);
}

int list_import(list_request *r)
{
    hk_error err = {0};
    bringing b = {.r = r};
    const int code = check_format(r->format);
    if (code >= 0)
        return code;
    hk_status status = start(&b, &err);
    for (size_t f = 0; !status && f < r->rest_count; f++) {
        list_progress_start(r, "kB");
        status =
            hk_import_file(b.import, strcmp(r->rest[f], "-") ? r->rest[f] : "/dev/stdin", &err);
        b.file_failed = status != HK_OK;
    }
    progress_hide(&r->bar);
    if (b.bad_line_count > SHOWN_BAD_LINES && !r->common.quiet)
        cli_say("and %llu more lines that cannot be used%s",
                (unsigned long long)(b.bad_line_count - SHOWN_BAD_LINES),
                r->common.json ? "" : ": --json names them");
    return finish(&b, status, &err);
}

/* ---- add ----------------------------------------------------------------------------------- */

/* How a file is proposed. */
typedef enum way { BY_HASH, BY_DIGESTS, LEFT_OUT, WAYS } way;

/* What became of a file: a line of JSON for each; for people where it is not as they may think. */
static void report_file(const bringing *b, const hk_file *file, way how, const char *why)
{
    static const char *const names[WAYS] = {"hash", "digests", "no"};
    static const char *const words[WAYS] = {"proposed", "proposed by its digests alone",
                                            "left out"};
    const list_request *r = b->r;
    const bool failed = hk_file_status_class(file->status) == HK_CLASS_FAILED;
    if (r->common.json) {
        json_t *object = json_object();
        output_path(object, "path", file->path);
        json_object_set_new(object, "status", json_string(hk_file_status_name(file->status)));
        json_object_set_new(object, "proposed", json_string(names[how]));
        if (why)
            output_path(object, "reason", why);
        output_line(object);
    } else if (failed || (!r->common.quiet && (how || file->status == HK_FILE_TRUNCATED))) {
        cli_say("%s: %s%s%s: %s", file->path, hk_file_status_name(file->status), why ? ": " : "",
                why ? why : "", words[how]);
    }
}

/* Hashes the file's frames into `cuts`. */
static hk_status add_frames(hk_entry *entry, uint8_t cuts[HK_CUTS_MOST * HK_CUT_SIZE], bringing *b,
                            const hk_file *file, hk_error *err)
{
    if (!b->r->frames || !file->hashed || !file->raster)
        return HK_OK;
    hk_status status = b->aligner ? HK_OK : hk_aligner_new(&b->aligner, err);
    if (!status)
        status = hk_aligner_take(b->aligner, file->raster, file->raster_width, file->raster_height,
                                 HK_PROBES_FAST, err);
    if (status)
        return status;
    entry->cut_count = hk_aligner_cuts(cuts, b->aligner);
    entry->cuts = cuts;
    b->frames += entry->cut_count;
    return HK_OK;
}

static hk_status add_file(bringing *b, const hk_file *file, hk_error *err)
{
    uint8_t cuts[HK_CUTS_MOST * HK_CUT_SIZE];
    const list_request *r = b->r;
    const bool wanted = file->hashed || (!r->images_only && file->digests.present);
    if (!wanted) {
        b->left++;
        report_file(b, file, LEFT_OUT, file->reason);
        return HK_OK;
    }
    char *name = output_printable(file->path);
    if (!name)
        return *err = (hk_error){HK_ERR_NO_MEMORY, "out of memory"}, err->status;
    hk_entry entry = HK_ENTRY_INIT;
    entry.name = name;
    entry.digests = file->digests;
    entry.has_hash = file->hashed;
    if (file->hashed) {
        entry.hash = file->fingerprint.hash[HK_ORIGINAL];
        entry.quality = file->fingerprint.quality;
        entry.has_exact_hash = file->has_exact_hash;
        entry.exact_hash = file->exact_hash[HK_ORIGINAL];
    }
    entry.category = r->category;
    entry.tags = r->tags;
    entry.source = r->source;
    hk_status status = add_frames(&entry, cuts, b, file, err);
    if (!status)
        status = hk_import_entry(b->import, &entry, err);
    free(name);
    if (!status) {
        b->by_digest += !file->hashed;
        report_file(b, file, file->hashed ? BY_HASH : BY_DIGESTS, file->reason);
    }
    return status;
}

int list_add(list_request *r)
{
    hk_error err = {0};
    bringing b = {.r = r};
    hk_scan *scan = NULL;
    const hk_file *file = NULL;
    hk_scan_options *options = &r->common.scan;
    hk_status status = start(&b, &err);
    options->digests = HK_DIGEST_ALL;
    options->exact_hash = true;
    options->frames = HK_FRAMES_FIRST; /* an entry is one picture */
    options->raster = r->frames;
    progress_start(&r->bar, &r->common);
    if (!status)
        status = hk_scan_open(&scan, (const char *const *)r->common.paths, r->common.path_count,
                              options, &err);
    /* Ctrl-C reaches the decode workers too: what they did not end is not a file's fault. */
    while (!status && !(status = hk_scan_next(&file, scan, &err)) && file && !list_stopped()) {
        progress_hide(&r->bar);
        status = add_file(&b, file, &err);
    }
    if (scan)
        hk_scan_account(&b.account, scan);
    hk_scan_free(scan);
    hk_aligner_free(b.aligner);
    progress_hide(&r->bar);
    if (!status && !b.account.found)
        cli_say("no files found: is this the right folder?");
    return finish(&b, status, &err);
}
