/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_verify.c - checking and reading the audit log (herken.h; audit_file.h draws it). */
#include "ledger/audit_anchor.h"
#include "ledger/audit_tail.h"
#include "ledger/books.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPORTS_MOST = 100 };

typedef struct checking {
    const char *db; /* links followed */
    size_t problems;
    void (*on_problem)(void *context, const char *message);
    void *context;
    hk__head anchors[3]; /* number 0: none: of DB.keys, of the anchor's file, noted elsewhere */
    bool met[3];
    hk__head head;
    hk_audit_result result;
    ino_t current; /* of DB.audit when it was asked for its number */
    bool finished; /* since then, by a server: it has a number now */
} checking;

static const char *const anchor_names[] = {"DB.keys", "the anchor's file", "the head given"};

static void problem(checking *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(checking *c, const char *format, ...)
{
    hk_error words;
    char text[HK_ERROR_MESSAGE_SIZE];
    va_list args;
    if (++c->problems > REPORTS_MOST || !c->on_problem)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hk__fail(&words, HK_ERR_FORMAT, "%s", text); /* makes it printable */
    c->on_problem(c->context, words.message);
}

/* ---- anchors ------------------------------------------------------------------------------- */

static hk_status read_keys(checking *c, hk_error *err)
{
    hk_keys *keys;
    uint64_t applied;
    struct stat facts;
    char *path = hk__path_with(c->db, ".keys");
    if (!path)
        return hk__fail_memory(err);
    const bool there = !stat(path, &facts);
    hk__free(path);
    if (!there) {
        problem(c, "%s.keys is not there: nothing says where the log must end", c->db);
        return HK_OK;
    }
    hk_status status = hk_keys_open(&keys, c->db, false, err);
    if (status)
        return status;
    status = hk__mark_read(&c->anchors[0], &applied, keys, err);
    hk_keys_close(keys);
    return status;
}

/* ---- the files ----------------------------------------------------------------------------- */

static void meet_anchors(checking *c, const hk__audit_reader *reader)
{
    for (int i = 0; i < 3; i++) {
        if (!c->anchors[i].number || c->anchors[i].number != reader->head.number)
            continue;
        if (!memcmp(c->anchors[i].chain, reader->head.chain, HK__SHA256_SIZE))
            c->met[i] = true;
        else
            problem(c,
                    "%s: record %" PRIu64 " is not the one that %s knows: records up to it were "
                    "changed",
                    reader->path, reader->head.number, anchor_names[i]);
    }
}

static bool is_kind(const hk__audit_reader *reader, const char *kind)
{
    /* The time is of one length, so the kind stands in one place after the number. */
    const char *at = reader->length ? strstr(reader->line, "\"kind\":\"") : NULL;
    const size_t length = strlen(kind);
    return at && !strncmp(at + 8, kind, length) && at[8 + length] == '"';
}

static void look_at(checking *c, const hk__audit_reader *reader)
{
    if (is_kind(reader, "lost"))
        problem(c,
                "%s: record %" PRIu64 " says that a server found the log's end missing or changed "
                "when it started",
                reader->path, reader->head.number);
    meet_anchors(c, reader);
}

/* What does not follow on, in words. */
static void name_break(checking *c, hk__found found, const hk__audit_reader *reader, uint64_t line)
{
    const uint64_t wanted = reader->head.number + 1;
    if (found == HK__FOUND_NUMBER)
        problem(c,
                reader->number > wanted ? "%s: line %" PRIu64 ": record %" PRIu64
                                          " follows, not %" PRIu64 ": records are missing"
                                        : "%s: line %" PRIu64 ": record %" PRIu64
                                          " follows, not %" PRIu64 ": out of order, or twice",
                reader->path, line, reader->number, wanted);
    else if (found == HK__FOUND_CHAIN)
        problem(c,
                "%s: line %" PRIu64 ": record %" PRIu64 " does not fit its chain: it, or what came "
                "before it, was changed",
                reader->path, line, reader->number);
    else
        problem(c, "%s: line %" PRIu64 " is no record", reader->path, line);
}

/* One file, from `from` on. last: it may end in a torn record. */
static hk_status check_file(checking *c, const char *path, const hk__head *from, bool last,
                            hk_error *err)
{
    hk__audit_reader reader;
    hk__found found;
    uint64_t line = 0;
    struct stat facts;
    hk_status status = hk__audit_reader_open(&reader, path, from, err);
    if (status)
        return status;
    c->finished = last && !fstat(fileno(reader.file), &facts) && facts.st_ino != c->current;
    if (c->finished) {
        hk__audit_reader_close(&reader);
        return HK_OK;
    }
    c->result.files++;
    while (!(status = hk__audit_reader_next(&found, &reader, err)) && found != HK__FOUND_END) {
        line++;
        if (found == HK__FOUND_TORN) {
            if (!fstat(fileno(reader.file), &facts) && (uint64_t)facts.st_size > reader.head.bytes)
                c->result.torn_bytes = (uint64_t)facts.st_size - reader.head.bytes;
            if (!last)
                problem(c, "%s: ends within a record, and is not the last file", path);
            break;
        }
        if (found != HK__FOUND_RECORD) {
            name_break(c, found, &reader, line);
            hk__audit_reader_accept(&reader);
        }
        c->result.records++;
        look_at(c, &reader);
    }
    c->head = reader.head;
    c->result.bytes += reader.head.bytes;
    hk__audit_reader_close(&reader);
    return status;
}

/* What the file's first record follows on, against what came before it. */
static hk_status enter_file(checking *c, hk__head *from, const char *path, uint64_t number,
                            bool first, hk_error *err)
{
    hk__head before;
    bool known;
    hk_status status = hk__audit_before(&before, &known, path, err);
    if (status)
        return status;
    if (!known)
        problem(c, "%s: does not begin as a file of the log", path);
    else if (number && before.file != number)
        problem(c, "%s: is file %" PRIu64 " of the log by its own word", path, before.file);
    *from = c->head;
    if (first && known)
        *from = before;
    from->bytes = 0;
    from->file = known ? before.file : number;
    return HK_OK;
}

/* One file by its number (0: DB.audit), if it is there. */
static hk_status check_number(checking *c, unsigned number, bool *there, hk_error *err)
{
    struct stat facts;
    hk__head from;
    char *path = hk__audit_path(c->db, number);
    if (!path)
        return hk__fail_memory(err);
    hk_status status = HK_OK;
    *there = !stat(path, &facts);
    if (*there && (facts.st_size || number || c->anchors[0].number)) {
        status = enter_file(c, &from, path, number, !c->result.files, err);
        if (!status)
            status = check_file(c, path, &from, !number, err);
    }
    hk__free(path);
    return status;
}

/* The number that DB.audit says it is; 0: it says nothing. */
static hk_status current_number(uint64_t *number, checking *c, hk_error *err)
{
    struct stat facts;
    hk__head before = {0};
    bool known = false;
    char *path = hk__audit_path(c->db, 0);
    hk_status status = path ? HK_OK : hk__fail_memory(err);
    if (!status && !stat(path, &facts)) {
        c->current = facts.st_ino;
        status = hk__audit_before(&before, &known, path, err);
    }
    hk__free(path);
    *number = known ? before.file : 0;
    return status;
}

static hk_status check_files(checking *c, unsigned from_file, hk_error *err)
{
    unsigned *files = NULL;
    size_t count = 0;
    uint64_t current = 0;
    bool there;
    hk_status status = hk__audit_files(&files, &count, c->db, err);
    if (status)
        return status;
    const uint64_t listed = count ? files[count - 1] : 0;
    hk__free(files);
    uint64_t next = from_file ? from_file : 1;
    /* DB.audit is asked for its number each time: a server may finish it meanwhile. */
    do {
        status = current_number(&current, c, err);
        for (; !status && (next <= listed || next < current); next++) {
            status = check_number(c, (unsigned)next, &there, err);
            if (!status && !there)
                problem(c, "%s.audit.%u is not there", c->db, (unsigned)next);
            if (c->problems > REPORTS_MOST)
                return status;
        }
        if (!status)
            status = check_number(c, 0, &there, err);
    } while (!status && there && c->finished);
    if (!status && !there)
        problem(c, "%s.audit is not there", c->db);
    return status;
}

static void head_of(hk_audit_head *out, const hk__head *head)
{
    *out = (hk_audit_head){.number = head->number, .at = head->at, .file = (unsigned)head->file};
    hk__hex_text(out->chain, head->chain, sizeof head->chain);
}

static hk_status take_check(checking *c, const hk_audit_check *check, hk_error *err)
{
    hk_status status = HK_OK;
    if (check->anchor)
        status = hk__anchor_read(&c->anchors[1], check->anchor, err);
    if (!status && check->number) {
        c->anchors[2].number = check->number;
        if (!check->chain || strlen(check->chain) != 64 ||
            !hk__hex_bytes(c->anchors[2].chain, check->chain, HK__SHA256_SIZE))
            status = hk__fail(err, HK_ERR_USAGE, "a chain is 64 lowercase hex digits");
    }
    return status;
}

hk_status hk_audit_verify(hk_audit_result *out, size_t *problems, const char *db,
                          const hk_audit_check *check,
                          void (*on_problem)(void *context, const char *message), void *context,
                          hk_error *err)
{
    const hk_audit_check plain = HK_AUDIT_CHECK_INIT;
    checking c = {.on_problem = on_problem, .context = context};
    char *real = hk__real_path(db);
    if (!real)
        return hk__fail_memory(err);
    check = check ? check : &plain;
    c.db = real;
    /* Anchors first: a server that is writing only adds to what they say. */
    hk_status status = take_check(&c, check, err);
    if (!status)
        status = read_keys(&c, err);
    if (!status)
        status = check_files(&c, check->from_file, err);
    for (int i = 0; !status && i < 3; i++)
        if (c.anchors[i].number > c.head.number)
            problem(&c,
                    "the log ends with record %" PRIu64 ", but %s knows record %" PRIu64
                    ": its tail was cut off",
                    c.head.number, anchor_names[i], c.anchors[i].number);
        else if (c.anchors[i].number && !c.met[i] && check->from_file < 2 && !c.problems)
            problem(&c, "record %" PRIu64 ", which %s knows, was not met", c.anchors[i].number,
                    anchor_names[i]);
    hk__free(real);
    if (status)
        return status;
    head_of(&c.result.head, &c.head);
    c.result.anchored = c.met[0];
    *out = c.result;
    *problems = c.problems;
    return HK_OK;
}

hk_status hk_audit_get_head(hk_audit_head *out, const char *db, hk_error *err)
{
    hk__tail tail;
    hk_keys *keys;
    hk__head anchor = {0};
    uint64_t applied;
    char *real = hk__real_path(db);
    if (!real)
        return hk__fail_memory(err);
    hk_status status = hk_keys_open(&keys, real, false, err);
    if (!status) {
        status = hk__mark_read(&anchor, &applied, keys, err);
        hk_keys_close(keys);
    }
    if (!status)
        status = hk__audit_tail(&tail, real, &anchor, err);
    if (!status && tail.lost)
        status =
            hk__fail(err, HK_ERR_FORMAT,
                     "%s.audit: does not end where it should: see `herken audit verify`", real);
    if (!status)
        head_of(out, &tail.head);
    hk__free(real);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The records of one file, which follows on record *last (0: none was read). *more = false:
 * on_record has seen enough. */
static hk_status read_file(bool *more, uint64_t *last, const char *path, uint64_t first,
                           bool (*on_record)(void *context, uint64_t number, const char *record,
                                             size_t length),
                           void *context, hk_error *err)
{
    hk__audit_reader reader;
    hk__found found;
    hk__head before;
    bool known;
    hk_status status = hk__audit_before(&before, &known, path, err);
    if (!status && !known)
        status = hk__fail(err, HK_ERR_FORMAT, "%s: does not begin as a file of the log", path);
    if (!status && *last && before.number != *last)
        status = hk__fail(err, HK_ERR_FORMAT,
                          "%s: goes on after record %" PRIu64 ", not %" PRIu64
                          ": a file is missing, or was finished just now: try again",
                          path, before.number, *last);
    if (!status)
        status = hk__audit_reader_open(&reader, path, &before, err);
    if (status)
        return status;
    while (*more && !(status = hk__audit_reader_next(&found, &reader, err)) &&
           found != HK__FOUND_END && found != HK__FOUND_TORN) {
        if (found != HK__FOUND_RECORD) {
            status = hk__fail(err, HK_ERR_FORMAT,
                              "%s: what follows record %" PRIu64
                              " does not fit: see `herken audit verify`",
                              path, reader.head.number);
            break;
        }
        if (reader.head.number >= first)
            *more = on_record(context, reader.head.number, reader.line, reader.length);
    }
    *last = reader.head.number;
    hk__audit_reader_close(&reader);
    return status;
}

hk_status hk_audit_read(const char *db, uint64_t first,
                        bool (*on_record)(void *context, uint64_t number, const char *record,
                                          size_t length),
                        void *context, hk_error *err)
{
    unsigned *files = NULL;
    size_t count = 0;
    uint64_t last = 0;
    bool more = true;
    struct stat facts;
    char *real = hk__real_path(db);
    hk_status status = real ? hk__audit_files(&files, &count, real, err) : hk__fail_memory(err);
    for (size_t i = 0; !status && more && i <= count; i++) {
        hk__head next;
        bool known = false;
        char *path = hk__audit_path(real, i < count ? files[i] : 0);
        char *after = i < count ? hk__audit_path(real, i + 1 < count ? files[i + 1] : 0) : NULL;
        if (!path || (i < count && !after))
            status = hk__fail_memory(err);
        /* A file whose records are all before `first` is passed over. */
        if (!status && after && first > 1 && !stat(after, &facts) && facts.st_size)
            status = hk__audit_before(&next, &known, after, err);
        if (!status && !(known && next.number < first)) {
            if (!stat(path, &facts)) {
                if (facts.st_size)
                    status = read_file(&more, &last, path, first, on_record, context, err);
            } else if (!count) {
                status =
                    hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
            }
        }
        hk__free(path);
        hk__free(after);
    }
    hk__free(files);
    hk__free(real);
    return status;
}
