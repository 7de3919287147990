/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_log.c - appending to the audit log (audit_log.h); audit_tail.c finds where to go on. */
#include "ledger/audit_log.h"
#include "ledger/audit_tail.h"

#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

enum { START_MOST = 64, KEEP_BUFFER = 4 << 20 };

/* Who waits for his record to be written. */
typedef struct waiting {
    const char *body;
    size_t length;
    uint64_t number;
    hk_status status;
    bool done;
    hk_error *err;
    struct waiting *next;
} waiting;

struct hk__audit {
    hk__audit_options options;
    char *db, *path; /* owned */
    int lock_fd;

    pthread_mutex_t mutex; /* of these: */
    pthread_cond_t written;
    waiting *first, **last;
    bool writing;  /* somebody is the writer; the fields below are his, or the mutex' holder's */
    hk__head head; /* acknowledged */
    hk__audit_counts counts;
    hk_error trouble; /* of the last append; HK_OK: none */

    int fd;           /* -1: a new file is to be begun */
    bool uncut;       /* bytes of a failed batch may lie behind the head */
    bool broken;      /* a sync failed */
    bool folder_late; /* the folder that names the file is not on the disk yet */
    char *buffer;
    size_t used, capacity;
};

/* ---- a batch ------------------------------------------------------------------------------- */

static bool make_room(hk__audit *audit, size_t more)
{
    if (audit->capacity - audit->used >= more)
        return true;
    const size_t capacity = 2 * audit->capacity + more + 4096;
    char *grown = hk__realloc(audit->buffer, capacity, 1);
    if (!grown)
        return false;
    audit->buffer = grown;
    audit->capacity = capacity;
    return true;
}

/* Puts a record behind what is in the buffer, and moves the head on. */
static hk_status put_record(hk__audit *audit, hk__head *head, const char *body, size_t length,
                            hk_error *err)
{
    char time[HK__TIME_SIZE];
    if (!make_room(audit, START_MOST + length + HK__CHAIN_TAIL + 1))
        return hk__fail_memory(err);
    char *start = audit->buffer + audit->used;
    hk__time_write(time, head->at);
    const int before =
        snprintf(start, START_MOST, "{\"n\":%" PRIu64 ",\"t\":\"%s\",", head->number + 1, time);
    memcpy(start + before, body, length);
    const size_t size = (size_t)before + length;
    if (!hk__chain_next(head->chain, start + size, start, size))
        return hk__fail(err, HK_ERR_SYSTEM, "OpenSSL cannot make a SHA-256");
    head->number++;
    head->bytes += size + HK__CHAIN_TAIL;
    audit->used += size + HK__CHAIN_TAIL;
    return HK_OK;
}

static hk_status write_failed(const hk__audit *audit, int error, hk_error *err)
{
    return hk__fail(err, HK_ERR_SYSTEM,
                    "%s: cannot be written: %s; without a record there is no answer: %s",
                    audit->path, strerror(error),
                    error == ENOSPC || error == EDQUOT ? "make room" : "is the disk failing?");
}

/* Cuts off what a failed batch has left. */
static hk_status cut(hk__audit *audit, hk_error *err)
{
    if (audit->uncut && ftruncate(audit->fd, (off_t)audit->head.bytes))
        return write_failed(audit, errno, err);
    audit->uncut = false;
    return HK_OK;
}

static hk_status write_buffer(hk__audit *audit, hk_error *err)
{
    size_t done = 0;
    while (done < audit->used) {
        const ssize_t n = pwrite(audit->fd, audit->buffer + done, audit->used - done,
                                 (off_t)(audit->head.bytes + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            const hk_status status = write_failed(audit, n ? errno : ENOSPC, err);
            audit->uncut = true;
            (void)!cut(audit, NULL); /* else before the next batch */
            return status;
        }
        done += (size_t)n;
    }
    return HK_OK;
}

static hk_status sync_file(hk__audit *audit, hk_error *err)
{
    if (fdatasync(audit->fd)) {
        audit->broken = true;
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: cannot be put on the disk: %s; nobody knows now what of it is there: "
                        "see to the disk and start again",
                        audit->path, strerror(errno));
    }
    if (audit->folder_late && hk__folder_sync(audit->path, err)) {
        audit->broken = true;
        return HK_ERR_SYSTEM;
    }
    audit->folder_late = false;
    return HK_OK;
}

/* ---- files --------------------------------------------------------------------------------- */

/* Gives the full file its number, so that a new one can be begun. */
static hk_status finish_file(hk__audit *audit, hk_error *err)
{
    struct stat there;
    char *finished = hk__audit_path(audit->db, (unsigned)audit->head.file);
    hk_status status = finished ? sync_file(audit, err) : hk__fail_memory(err);
    if (!status && !stat(finished, &there))
        status = hk__fail(err, HK_ERR_SYSTEM, "%s: is in the way: move it", finished);
    else if (!status && rename(audit->path, finished))
        status = write_failed(audit, errno, err);
    hk__free(finished);
    if (!status) {
        close(audit->fd);
        audit->fd = -1;
        audit->folder_late = true;
    }
    return status;
}

/* Begins a file, whose first record goes into the buffer. */
static hk_status begin_file(hk__audit *audit, hk__head *head, hk_error *err)
{
    char body[160], chain[HK_CHAIN_TEXT_SIZE];
    uint8_t log[16];
    /* What may lie there is a first record that was cut short. */
    const int fd = open(audit->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return write_failed(audit, errno, err);
    if (head->file) {
        hk__hex_text(chain, head->chain, sizeof head->chain);
        snprintf(body, sizeof body, "\"kind\":\"continued\",\"file\":%" PRIu64 ",\"after\":\"%s\"",
                 head->file + 1, chain);
    } else if (RAND_bytes(log, sizeof log) != 1) {
        close(fd);
        return hk__fail(err, HK_ERR_SYSTEM, "the machine gives no random numbers");
    } else {
        hk__hex_text(chain, log, sizeof log);
        snprintf(body, sizeof body, "\"kind\":\"begin\",\"file\":1,\"log\":\"%s\"", chain);
    }
    audit->fd = fd;
    audit->folder_late = true;
    audit->head.bytes = head->bytes = 0;
    audit->head.file = ++head->file;
    const hk_status status = put_record(audit, head, body, strlen(body), err);
    if (status) { /* the file stays empty, and is begun again */
        close(audit->fd);
        audit->fd = -1;
        audit->head.file = --head->file;
    }
    return status;
}

static int64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Writes what waits. The caller is the writer. */
static hk_status write_batch(hk__audit *audit, waiting *batch, hk_error *err)
{
    hk_status status = HK_OK;
    audit->used = 0;
    if (audit->broken)
        status = hk__fail(err, HK_ERR_SYSTEM,
                          "%s: could not be put on the disk before: see to the disk and start "
                          "again",
                          audit->path);
    if (!status && audit->fd >= 0)
        status = cut(audit, err);
    if (!status && audit->fd >= 0 && audit->head.bytes >= audit->options.file_bytes)
        status = finish_file(audit, err);
    hk__head head = audit->head;
    const bool fresh = audit->fd < 0;
    head.at = wall_clock();
    if (!status && fresh)
        status = begin_file(audit, &head, err);
    for (waiting *w = batch; !status && w; w = w->next) {
        status = put_record(audit, &head, w->body, w->length, err);
        w->number = head.number;
    }
    if (!status)
        status = write_buffer(audit, err);
    if (!status && audit->options.sync_each)
        status = sync_file(audit, err);
    if (status && fresh && audit->fd >= 0) { /* an empty file is begun again */
        (void)!ftruncate(audit->fd, 0);
        close(audit->fd);
        audit->fd = -1;
        audit->uncut = false;
        audit->head.file--;
    }
    if (!status)
        audit->head = head;
    if (audit->capacity > KEEP_BUFFER) {
        hk__free(audit->buffer);
        audit->buffer = NULL;
        audit->capacity = 0;
    }
    return status;
}

/* Takes everything that waits, and writes it. With the mutex held, which is let go meanwhile. */
static void be_the_writer(hk__audit *audit)
{
    hk_error err = {HK_OK, ""};
    waiting *batch = audit->first;
    const uint64_t before = audit->head.number;
    uint64_t count = 0;
    audit->first = NULL;
    audit->last = &audit->first;
    audit->writing = true;
    pthread_mutex_unlock(&audit->mutex);
    const hk_status status = write_batch(audit, batch, &err);
    pthread_mutex_lock(&audit->mutex);
    audit->writing = false;
    audit->trouble = err;
    audit->trouble.status = status;
    while (batch) {
        waiting *w = batch;
        batch = w->next;
        if (status && w->err)
            *w->err = err;
        w->status = status;
        w->done = true;
        count++;
    }
    audit->counts.batches++;
    audit->counts.records += audit->head.number - before;
    audit->counts.failed += status ? count : 0;
    pthread_cond_broadcast(&audit->written);
}

hk_status hk__audit_append(uint64_t *number, hk__audit *audit, const char *body, size_t length,
                           hk_error *err)
{
    waiting me = {.body = body, .length = length, .err = err};
    if (length > HK__RECORD_MOST - START_MOST - HK__CHAIN_TAIL - 1)
        return hk__fail(err, HK_ERR_LIMIT, "a record of %zu bytes is too long for the audit log",
                        length);
    pthread_mutex_lock(&audit->mutex);
    *audit->last = &me;
    audit->last = &me.next;
    while (!me.done) {
        if (audit->writing)
            pthread_cond_wait(&audit->written, &audit->mutex);
        else
            be_the_writer(audit);
    }
    pthread_mutex_unlock(&audit->mutex);
    if (!me.status && number)
        *number = me.number;
    return me.status;
}

/* Keeps others from writing; with the mutex held, as after it. */
static void take_turn(hk__audit *audit)
{
    while (audit->writing)
        pthread_cond_wait(&audit->written, &audit->mutex);
    audit->writing = true;
}

static void end_turn(hk__audit *audit)
{
    audit->writing = false;
    pthread_cond_broadcast(&audit->written);
}

static hk_status check_place(const hk__audit *audit, hk_error *err)
{
    struct stat named, open;
    if (stat(audit->path, &named) || fstat(audit->fd, &open) || named.st_ino != open.st_ino ||
        named.st_dev != open.st_dev || (uint64_t)open.st_size < audit->head.bytes)
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: was moved, removed or cut while the server was writing it: see who "
                        "did, and start again",
                        audit->path);
    return HK_OK;
}

hk_status hk__audit_sync(hk__head *out, hk__audit *audit, hk_error *err)
{
    hk_status status = HK_OK;
    hk_error own;
    err = err ? err : &own;
    pthread_mutex_lock(&audit->mutex);
    take_turn(audit);
    const hk__head head = audit->head;
    /* A copy is synced, outside of the turn: appending goes on meanwhile. */
    const int fd = audit->fd < 0 ? -1 : dup(audit->fd);
    const bool folder = audit->folder_late;
    if (audit->broken)
        status =
            hk__fail(err, HK_ERR_SYSTEM, "%s: could not be put on the disk before", audit->path);
    else if (audit->fd >= 0)
        status = check_place(audit, err);
    if (!status && audit->fd >= 0 && fd < 0)
        status =
            hk__fail(err, HK_ERR_SYSTEM, "%s: no descriptor: %s", audit->path, strerror(errno));
    end_turn(audit);
    pthread_mutex_unlock(&audit->mutex);
    if (!status && fd >= 0 && fdatasync(fd))
        status = hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be put on the disk: %s", audit->path,
                          strerror(errno));
    if (!status && folder)
        status = hk__folder_sync(audit->path, err);
    if (fd >= 0)
        close(fd);
    pthread_mutex_lock(&audit->mutex);
    take_turn(audit);
    if (status) {
        audit->broken = true;
        audit->trouble = *err;
    } else if (folder && audit->head.file == head.file) {
        audit->folder_late = false;
    }
    end_turn(audit);
    pthread_mutex_unlock(&audit->mutex);
    if (!status)
        *out = head;
    return status;
}

void hk__audit_head(hk__head *out, hk__audit *audit)
{
    pthread_mutex_lock(&audit->mutex);
    while (audit->writing)
        pthread_cond_wait(&audit->written, &audit->mutex);
    *out = audit->head;
    pthread_mutex_unlock(&audit->mutex);
}

void hk__audit_count(hk__audit_counts *out, hk__audit *audit)
{
    pthread_mutex_lock(&audit->mutex);
    *out = audit->counts;
    pthread_mutex_unlock(&audit->mutex);
}

hk_status hk__audit_ready(hk__audit *audit, hk_error *err)
{
    pthread_mutex_lock(&audit->mutex);
    const hk_error trouble = audit->trouble;
    pthread_mutex_unlock(&audit->mutex);
    if (trouble.status && err)
        *err = trouble;
    return trouble.status;
}

/* ---- opening ------------------------------------------------------------------------------- */

static hk_status take_lock(hk__audit *audit, hk_error *err)
{
    char *path = hk__path_with(audit->path, "-lock");
    if (!path)
        return hk__fail_memory(err);
    audit->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    hk_status status = HK_OK;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (audit->lock_fd < 0)
        status = hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    else if (fcntl(audit->lock_fd, F_OFD_SETLK, &lock))
        status =
            hk__fail(err, HK_ERR_SYSTEM, "%s: another server is writing this log", audit->path);
    hk__free(path);
    return status;
}

/* Says in the log what was found at its end. */
static hk_status say_tail(hk__audit *audit, const hk__tail *tail, const hk__head *anchor,
                          hk_error *err)
{
    char body[240], chain[HK_CHAIN_TEXT_SIZE];
    hk_status status = HK_OK;
    if (tail->torn) {
        snprintf(body, sizeof body, "\"kind\":\"torn\",\"bytes\":%" PRIu64, tail->torn);
        status = hk__audit_append(NULL, audit, body, strlen(body), err);
    }
    if (!status && tail->lost) {
        hk__hex_text(chain, anchor->chain, sizeof anchor->chain);
        snprintf(body, sizeof body,
                 "\"kind\":\"lost\",\"expected\":%" PRIu64 ",\"chain_expected\":\"%s\"",
                 anchor->number, chain);
        status = hk__audit_append(NULL, audit, body, strlen(body), err);
    }
    return status;
}

static hk_status open_log(hk__audit *audit, const hk__head *anchor, hk_error *err)
{
    hk__tail tail;
    hk_status status = hk__audit_tail(&tail, audit->db, anchor, err);
    if (status)
        return status;
    audit->head = tail.head;
    if (tail.in_current) {
        audit->fd = open(audit->path, O_RDWR | O_CLOEXEC);
        if (audit->fd < 0)
            return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", audit->path,
                            strerror(errno));
        audit->uncut = tail.torn > 0;
        status = cut(audit, err);
    }
    return status ? status : say_tail(audit, &tail, anchor, err);
}

hk_status hk__audit_open(hk__audit **out, const char *db, const hk__head *anchor,
                         const hk__audit_options *options, hk_error *err)
{
    hk__audit *audit = hk__alloc(1, sizeof *audit);
    if (!audit)
        return hk__fail_memory(err);
    audit->options = *options;
    audit->fd = audit->lock_fd = -1;
    audit->last = &audit->first;
    pthread_mutex_init(&audit->mutex, NULL);
    pthread_cond_init(&audit->written, NULL);
    audit->db = hk__strndup(db, strlen(db));
    audit->path = hk__audit_path(db, 0);
    hk_status status = audit->db && audit->path ? take_lock(audit, err) : hk__fail_memory(err);
    if (!status)
        status = open_log(audit, anchor, err);
    if (status)
        hk__audit_close(audit);
    else
        *out = audit;
    return status;
}

void hk__audit_close(hk__audit *audit)
{
    if (!audit)
        return;
    if (audit->fd >= 0)
        close(audit->fd);
    if (audit->lock_fd >= 0)
        close(audit->lock_fd);
    pthread_mutex_destroy(&audit->mutex);
    pthread_cond_destroy(&audit->written);
    hk__free(audit->buffer);
    hk__free(audit->path);
    hk__free(audit->db);
    hk__free(audit);
}
