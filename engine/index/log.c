/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.c - see log.h. */
#include "index/log.h"

#include "core/digest.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, MARK_SIZE = 512, RECORDS_AT = 4096, READ_AT_ONCE = 1024 };

static const uint8_t magic[8] = {0x89, 'H', 'K', 'D', '\r', '\n', 0x1a, '\n'};

/* Little-endian, as all of it. */
typedef struct mark {
    uint8_t magic[8];
    uint32_t version, record_size;
    uint64_t identity, count, chain;
    uint8_t zero[MARK_SIZE - 48];
    uint64_t sum; /* of what stands before it */
} mark;
_Static_assert(sizeof(mark) == MARK_SIZE, "a mark is a sector");

typedef struct record {
    uint32_t kind, id, basis;
    uint32_t left; /* records of the same batch that follow */
    uint8_t value[32];
    uint64_t chain;
} record;
_Static_assert(sizeof(record) == 56, "records have no holes");

/* ---- records ------------------------------------------------------------------------------- */

static uint64_t chain_of(const record *r, uint64_t before)
{
    uint8_t bytes[sizeof *r];
    memcpy(bytes, r, sizeof bytes);
    memcpy(bytes + offsetof(record, chain), &before, sizeof before);
    return hk__seal_sum(bytes, sizeof bytes);
}

static record record_of(const hk_index_change *change, size_t left, uint64_t before)
{
    record r = {.kind = change->kind, .id = change->id, .left = (uint32_t)left};
    if (change->kind == HK_CHANGE_ADD_HASH) {
        memcpy(r.value, change->hash.word, sizeof r.value);
    } else if (change->kind == HK_CHANGE_ADD_DIGEST) {
        r.basis = change->basis;
        memcpy(r.value, change->digest, hk__digest_size(change->basis));
    }
    r.chain = chain_of(&r, before);
    return r;
}

/* False where no such change was ever written. */
static bool change_of(hk_index_change *out, const record *r)
{
    *out = (hk_index_change){.kind = (hk_change_kind)r->kind, .id = r->id};
    switch (r->kind) {
    case HK_CHANGE_ADD_HASH:
        memcpy(out->hash.word, r->value, sizeof r->value);
        return true;
    case HK_CHANGE_ADD_DIGEST:
        out->basis = (hk_basis)r->basis;
        memcpy(out->digest, r->value, sizeof r->value);
        return r->basis < HK_BASIS_PDQ;
    default:
        return r->kind == HK_CHANGE_REMOVE;
    }
}

static uint64_t place_of(uint64_t number)
{
    return RECORDS_AT + number * sizeof(record);
}

/* Reads `count` records from number `from` on; *got fewer where the file ends. */
static hk_status read_records(record *out, size_t *got, const hk__log *log, uint64_t from,
                              size_t count, hk_error *err)
{
    char *next = (char *)out;
    size_t left = count * sizeof *out;
    uint64_t at = place_of(from);
    while (left > 0) {
        const ssize_t n = pread(log->fd, next, left, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", log->path, strerror(errno));
        if (n == 0)
            break;
        next += n;
        at += (uint64_t)n;
        left -= (size_t)n;
    }
    *got = count - (left + sizeof *out - 1) / sizeof *out;
    return HK_OK;
}

static hk_status damaged(const hk__log *log, uint64_t number, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT,
                    "%s: change %llu is damaged or missing: make the snapshot anew from its list, "
                    "and remove this file",
                    log->path, (unsigned long long)number);
}

/* ---- marks --------------------------------------------------------------------------------- */

static bool is_sound(const mark *m)
{
    return !memcmp(m->magic, magic, sizeof magic) && m->version == VERSION &&
           m->record_size == sizeof(record) && m->sum == hk__seal_sum(m, offsetof(mark, sum));
}

static mark mark_of(const hk__log *log)
{
    mark m = {.version = VERSION,
              .record_size = sizeof(record),
              .identity = log->identity,
              .count = log->count,
              .chain = log->chain};
    memcpy(m.magic, magic, sizeof magic);
    m.sum = hk__seal_sum(&m, offsetof(mark, sum));
    return m;
}

/* Counts whole batches that follow without a break: what a lost mark stood for. */
static hk_status roll_forward(hk__log *log, hk_error *err)
{
    uint64_t number = log->count, chain = log->chain;
    record r;
    size_t got;
    for (;;) {
        hk_status status = read_records(&r, &got, log, number, 1, err);
        if (status || !got || r.chain != chain_of(&r, chain))
            return status;
        chain = r.chain;
        number++;
        if (r.left == 0) {
            log->count = number;
            log->chain = chain;
        }
    }
}

static hk_status read_marks(hk__log *log, hk_error *err)
{
    mark m[2];
    bool sound[2] = {false};
    for (int i = 0; i < 2; i++) {
        const ssize_t n = pread(log->fd, &m[i], sizeof m[i], i * MARK_SIZE);
        if (n < 0)
            return hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", log->path, strerror(errno));
        sound[i] = n == sizeof m[i] && is_sound(&m[i]);
    }
    if ((!sound[0] && !sound[1]) || (sound[0] && sound[1] && m[0].identity != m[1].identity))
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is no list of changes to a snapshot, or is damaged: make the snapshot "
                        "anew from its list, and remove this file",
                        log->path);
    const int newer = !sound[0] || (sound[1] && m[1].count > m[0].count);
    log->identity = m[newer].identity;
    log->count = m[newer].count;
    log->chain = m[newer].chain;
    log->to_b = newer == 0;
    struct stat about; /* after the marks: another process may be adding */
    if (fstat(log->fd, &about) != 0)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", log->path, strerror(errno));
    const uint64_t room =
        about.st_size < RECORDS_AT ? 0 : ((uint64_t)about.st_size - RECORDS_AT) / sizeof(record);
    if (log->count > room)
        return damaged(log, room, err);
    return sound[0] && sound[1] ? HK_OK : roll_forward(log, err);
}

/* ---- the log ------------------------------------------------------------------------------- */

static hk_status new_log(hk__log **out, const char *snapshot, hk_error *err)
{
    hk__log *log = hk__alloc(1, sizeof *log);
    if (!log)
        return hk__fail_memory(err);
    log->fd = -1;
    log->path = hk__path_with(snapshot, ".delta");
    if (!log->path) {
        hk__log_close(log);
        return hk__fail_memory(err);
    }
    *out = log;
    return HK_OK;
}

void hk__log_close(hk__log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    hk__free(log->path);
    hk__free(log);
}

hk_status hk__log_open(hk__log **out, bool *there, const char *snapshot, bool to_write,
                       hk_error *err)
{
    hk__log *log = NULL;
    struct stat about;
    hk_status status = new_log(&log, snapshot, err);
    if (status)
        return status;
    log->fd = open(log->path, (to_write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (log->fd < 0 && errno == ENOENT) {
        hk__log_close(log);
        *there = false;
        return HK_OK;
    }
    if (log->fd < 0)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", log->path, strerror(errno));
    else if (fstat(log->fd, &about) != 0 || !S_ISREG(about.st_mode))
        status = hk__fail(err, HK_ERR_IO, "%s: is no file", log->path);
    else
        status = read_marks(log, err);
    if (status) {
        hk__log_close(log);
        return status;
    }
    *there = true;
    *out = log;
    return HK_OK;
}

hk_status hk__log_read(hk_index_change **out, size_t *count, const hk__log *log, uint64_t from,
                       hk_error *err)
{
    if (from > log->count)
        return damaged(log, log->count, err);
    const size_t wanted = (size_t)(log->count - from);
    hk_index_change *changes = hk__alloc(wanted, sizeof *changes);
    record *records = hk__alloc(READ_AT_ONCE, sizeof *records);
    hk_status status = changes && records ? HK_OK : hk__fail_memory(err);
    uint64_t chain = log->identity; /* where every chain begins */
    for (uint64_t number = 0; !status && number < log->count;) {
        const uint64_t left = log->count - number;
        size_t got = 0;
        status = read_records(records, &got, log, number,
                              left < READ_AT_ONCE ? (size_t)left : READ_AT_ONCE, err);
        if (!status && got == 0)
            status = damaged(log, number, err);
        for (size_t i = 0; !status && i < got; i++, number++) {
            hk_index_change change;
            if (records[i].chain != chain_of(&records[i], chain) ||
                !change_of(&change, &records[i]))
                status = damaged(log, number, err);
            chain = records[i].chain;
            if (number >= from)
                changes[number - from] = change;
        }
    }
    if (!status && chain != log->chain)
        status = damaged(log, log->count ? log->count - 1 : 0, err);
    hk__free(records);
    if (status) {
        hk__free(changes);
        return status;
    }
    *out = changes;
    *count = wanted;
    return HK_OK;
}

/* Writes at a place, through to the end. */
static hk_status write_at(const hk__log *log, const void *bytes, size_t size, uint64_t at,
                          hk_error *err)
{
    hk__draft as_draft = {.path = log->path, .fd = log->fd};
    return hk__draft_overwrite(&as_draft, bytes, size, at, err);
}

static hk_status sync_log(const hk__log *log, hk_error *err)
{
    return fdatasync(log->fd)
               ? hk__fail(err, HK_ERR_IO, "%s: cannot be synced: %s", log->path, strerror(errno))
               : HK_OK;
}

static hk_status put_mark(const hk__log *log, bool to_b, hk_error *err)
{
    const mark m = mark_of(log);
    hk_status status = write_at(log, &m, sizeof m, to_b ? MARK_SIZE : 0, err);
    return status ? status : sync_log(log, err);
}

hk_status hk__log_append(hk__log *log, const hk_index_change *changes, size_t count, hk_error *err)
{
    if (count == 0)
        return HK_OK;
    if (log->unsettled) {
        hk_status status = hk__folder_sync(log->path, err);
        if (status)
            return status;
        log->unsettled = false;
    }
    if (log->mark_lost) {
        hk_status status = put_mark(log, log->to_b, err);
        if (status)
            return status;
        log->mark_lost = false;
    }
    record *records = hk__alloc(count, sizeof *records);
    if (!records)
        return hk__fail_memory(err);
    uint64_t chain = log->chain;
    for (size_t i = 0; i < count; i++) {
        records[i] = record_of(&changes[i], count - 1 - i, chain);
        chain = records[i].chain;
    }
    hk_status status = write_at(log, records, count * sizeof *records, place_of(log->count), err);
    hk__free(records);
    if (!status)
        status = sync_log(log, err);
    if (status)
        return status;
    hk__log after = *log;
    after.count += count;
    after.chain = chain;
    after.to_b = !log->to_b;
    status = put_mark(&after, log->to_b, err);
    if (status) {
        /* It must not count them later. Until the mark is known to say so nothing is added. */
        log->mark_lost = put_mark(log, log->to_b, NULL) != HK_OK;
        return status;
    }
    *log = after;
    return HK_OK;
}

hk_status hk__log_create(hk__log **out, const char *snapshot, uint64_t identity,
                         const hk_index_change *changes, size_t count, hk_error *err)
{
    static const uint8_t zero[RECORDS_AT];
    hk__log *log = NULL;
    hk__draft draft = {.fd = -1};
    hk_status status = new_log(&log, snapshot, err);
    if (!status)
        status = hk__draft_open(&draft, snapshot, ".delta", NULL, err);
    if (!status)
        status = hk__draft_write(&draft, zero, sizeof zero, err);
    if (!status) {
        log->identity = log->chain = identity;
        log->fd = fcntl(draft.fd, F_DUPFD_CLOEXEC, 0);
        if (log->fd < 0)
            status =
                hk__fail(err, HK_ERR_SYSTEM, "%s: no descriptor: %s", log->path, strerror(errno));
    }
    for (int to_b = 0; !status && to_b < 2; to_b++)
        status = put_mark(log, to_b, err);
    if (!status)
        status = hk__log_append(log, changes, count, err);
    if (!status)
        status = hk__draft_sync(&draft, err);
    if (!status)
        status = hk__draft_place(&draft, err);
    if (status && draft.placed) { /* then it is the log, and the old one is not */
        log->unsettled = true;
        status = HK_OK;
    }
    hk__draft_free(&draft);
    if (status) {
        hk__log_close(log);
        return status;
    }
    *out = log;
    return HK_OK;
}
