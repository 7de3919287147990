/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.c - opening and closing a server's ledger, its two threads, the gate (ledger.h). */
#include "ledger/ledger.h"

#include "core/clock.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { POLL_MS = 200, POST_MS = 1000, REFUSED_S = 60, SYNC_MOST_MS = 60000, UNTIL_CLOSED = 25 };
#define SECOND_NS UINT64_C(1000000000)

hk_status hk__ledger_append(uint64_t *number, hk_ledger *ledger, hk__record_text *record,
                            hk_error *err)
{
    const hk_status status =
        record->failed || !record->bytes
            ? hk__fail_memory(err)
            : hk__audit_append(number, ledger->audit, record->bytes, record->length, err);
    hk__free(record->bytes);
    *record = (hk__record_text){0};
    return status;
}

/* ---- the threads --------------------------------------------------------------------------- */

/* Waits; false: the ledger is being closed. */
static bool wait_ms(hk_ledger *ledger, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&ledger->state_lock);
    while (!ledger->stopping &&
           pthread_cond_timedwait(&ledger->wake, &ledger->state_lock, &until) != ETIMEDOUT)
        ;
    const bool on = !ledger->stopping;
    pthread_mutex_unlock(&ledger->state_lock);
    return on;
}

/* Puts the log on the disk. A failure shows in the next append. */
static void *run_syncer(void *context)
{
    hk_ledger *ledger = context;
    hk__head head;
    while (wait_ms(ledger, ledger->options.sync_ms))
        (void)!hk__audit_sync(&head, ledger->audit, NULL);
    return NULL;
}

/* How many were refused since it was last said; nothing where nobody was. */
static hk_status note_refused(hk_ledger *ledger, hk_error *err)
{
    hk__record_text record = {0};
    bool any = false;
    hk__record_add(&record, "\"kind\":\"refused\"");
    for (int i = HK_ADMITTED + 1; i < HK_ADMISSIONS; i++) {
        const uint64_t now = atomic_load(&ledger->admissions[i]);
        if (now == ledger->refused_noted[i])
            continue;
        any = true;
        hk__record_add(&record, ",\"%s\":%" PRIu64, hk_admission_name((hk_admission)i),
                       now - ledger->refused_noted[i]);
        ledger->refused_noted[i] = now;
    }
    if (any)
        return hk__ledger_append(NULL, ledger, &record, err);
    hk__free(record.bytes);
    return HK_OK;
}

static void set_trouble(hk_ledger *ledger, const hk_error *err)
{
    pthread_mutex_lock(&ledger->state_lock);
    ledger->keys_trouble = *err;
    pthread_mutex_unlock(&ledger->state_lock);
}

/* Whether the log holds more than was posted. What is used up and pending follows from that. */
static bool is_behind(hk_ledger *ledger)
{
    hk__head head;
    hk__audit_head(&head, ledger->audit);
    return head.number != ledger->posted;
}

/* Acts on what commands did, and posts. Who cannot read DB.keys for some seconds does not know any
 * more who was revoked, and admits nobody. */
static void *run_poster(void *context)
{
    hk_ledger *ledger = context;
    unsigned failures = 0;
    uint64_t posted = hk__clock_ns();
    ledger->refused_at = posted;
    while (wait_ms(ledger, POLL_MS)) {
        hk_error err = {HK_OK, ""};
        pthread_mutex_lock(&ledger->keys_lock);
        hk_status status = hk__ledger_poll(ledger, &err);
        failures = status ? failures + 1 : 0;
        atomic_store(&ledger->closed, failures >= UNTIL_CLOSED);
        const uint64_t now = hk__clock_ns();
        if (!status && now - posted >= POST_MS * UINT64_C(1000000)) {
            if (is_behind(ledger))
                status = hk__ledger_post(ledger, &err);
            posted = now;
        }
        pthread_mutex_unlock(&ledger->keys_lock);
        if (!status && now - ledger->refused_at >= REFUSED_S * SECOND_NS) {
            ledger->refused_at = now;
            status = note_refused(ledger, &err);
        }
        set_trouble(ledger, &err);
    }
    return NULL;
}

/* ---- opening ------------------------------------------------------------------------------- */

static hk_status check_options(const hk_ledger_options *o, hk_error *err)
{
    if (o->sync_ms > SYNC_MOST_MS || o->audit_bytes < 4096 || !o->match_days ||
        o->match_days > 3660 || !o->brake_clients || o->brake_clients > HK__BRAKE_SHARES ||
        !o->brake_hits || !o->brake_share || !o->brake_client || !o->walk_points ||
        o->walk_delay_ms > SYNC_MOST_MS)
        return hk__fail(err, HK_ERR_USAGE,
                        "an option of the ledger is out of its range: a sync within a minute, "
                        "files of at least 4096 bytes, 1 to 3660 days, 1 to %d accounts",
                        HK__BRAKE_SHARES);
    return HK_OK;
}

static hk_status open_keys(hk_ledger *ledger, hk_error *err)
{
    struct stat facts;
    hk_status status = hk_keys_open(&ledger->keys, ledger->db, true, err);
    if (!status && stat(ledger->keys->path, &facts))
        status =
            hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", ledger->keys->path, strerror(errno));
    if (!status) {
        ledger->keys_device = facts.st_dev;
        ledger->keys_inode = facts.st_ino;
        ledger->data_version = -1; /* the first poll reads everything */
    }
    return status;
}

static hk_status note_start(hk_ledger *ledger, hk_error *err)
{
    hk__record_text record = {0};
    hk__record_add(&record, "\"kind\":\"start\"");
    hk__record_field(&record, "version", hk_version());
    return hk__ledger_append(NULL, ledger, &record, err);
}

static hk_status open_all(hk_ledger *ledger, hk_error *err)
{
    hk__head anchor = {0};
    uint64_t applied;
    const hk__audit_options audit = {.sync_each = !ledger->options.sync_ms,
                                     .file_bytes = ledger->options.audit_bytes};
    hk_status status = open_keys(ledger, err);
    if (!status)
        status = hk__mark_read(&anchor, &applied, ledger->keys, err);
    if (!status)
        status = hk__audit_open(&ledger->audit, ledger->db, &anchor, &audit, err);
    if (!status)
        status = hk__gate_new(&ledger->gate, err);
    if (!status)
        status = hk__brake_new(&ledger->brake, &ledger->options, err);
    if (!status)
        status = hk__gate_load(ledger->gate, ledger->keys, err);
    if (!status)
        status = hk__ledger_replay(ledger, &anchor, err);
    if (!status)
        status = note_start(ledger, err);
    if (!status)
        status = hk__ledger_poll(ledger, err);
    if (!status)
        status = hk__brake_recount(NULL, ledger->brake, ledger->keys, hk__clock_ns(),
                                   (int64_t)time(NULL), err);
    if (!status)
        status = hk__ledger_post(ledger, err);
    return status;
}

static hk_status start_threads(hk_ledger *ledger, hk_error *err)
{
    if (ledger->options.sync_ms)
        ledger->has_syncer = !pthread_create(&ledger->syncer, NULL, run_syncer, ledger);
    ledger->has_poster = !pthread_create(&ledger->poster, NULL, run_poster, ledger);
    return ledger->has_poster && (ledger->has_syncer || !ledger->options.sync_ms)
               ? HK_OK
               : hk__fail(err, HK_ERR_SYSTEM, "no thread can be started");
}

static void free_all(hk_ledger *ledger)
{
    for (size_t i = 0; i < ledger->pending_count; i++)
        hk__booking_clear(&ledger->pending[i]);
    hk__free(ledger->pending);
    hk__audit_close(ledger->audit);
    hk__brake_free(ledger->brake);
    hk__gate_free(ledger->gate);
    hk_keys_close(ledger->keys);
    pthread_cond_destroy(&ledger->wake);
    pthread_mutex_destroy(&ledger->state_lock);
    pthread_mutex_destroy(&ledger->pending_lock);
    pthread_mutex_destroy(&ledger->keys_lock);
    hk__free((char *)ledger->options.anchor);
    hk__free(ledger->db);
    hk__free(ledger);
}

static void stop_threads(hk_ledger *ledger)
{
    pthread_mutex_lock(&ledger->state_lock);
    ledger->stopping = true;
    pthread_cond_broadcast(&ledger->wake);
    pthread_mutex_unlock(&ledger->state_lock);
    if (ledger->has_syncer)
        pthread_join(ledger->syncer, NULL);
    if (ledger->has_poster)
        pthread_join(ledger->poster, NULL);
}

hk_status hk_ledger_open(hk_ledger **out, const char *db, const hk_ledger_options *options,
                         hk_error *err)
{
    const hk_ledger_options plain = HK_LEDGER_OPTIONS_INIT;
    pthread_condattr_t monotonic;
    options = options ? options : &plain;
    hk_status status = check_options(options, err);
    if (status)
        return status;
    hk_ledger *ledger = hk__alloc(1, sizeof *ledger);
    if (!ledger)
        return hk__fail_memory(err);
    ledger->options = *options;
    ledger->options.anchor = NULL;
    pthread_mutex_init(&ledger->keys_lock, NULL);
    pthread_mutex_init(&ledger->pending_lock, NULL);
    pthread_mutex_init(&ledger->state_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ledger->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ledger->db = hk__real_path(db);
    if (options->anchor)
        ledger->options.anchor = hk__strndup(options->anchor, strlen(options->anchor));
    if (!ledger->db || (options->anchor && !ledger->options.anchor))
        status = hk__fail_memory(err);
    if (!status)
        status = open_all(ledger, err);
    if (!status)
        status = start_threads(ledger, err);
    if (status) {
        stop_threads(ledger);
        free_all(ledger);
    } else {
        *out = ledger;
    }
    return status;
}

void hk_ledger_close(hk_ledger *ledger)
{
    hk__record_text record = {0};
    if (!ledger)
        return;
    stop_threads(ledger);
    (void)!note_refused(ledger, NULL);
    hk__record_add(&record, "\"kind\":\"stop\"");
    (void)!hk__ledger_append(NULL, ledger, &record, NULL);
    (void)!hk__ledger_post(ledger, NULL); /* else the next start replays it */
    free_all(ledger);
}

/* ---- for each request ------------------------------------------------------------------------ */

hk_admission hk_ledger_admit(hk_caller *out, hk_ledger *ledger, const char *key, size_t length,
                             const uint8_t certificate[32], unsigned scope, uint64_t items)
{
    hk_admission admission = HK_REFUSED_NOW;
    if (atomic_load(&ledger->closed))
        *out = (hk_caller){.name = ""};
    else
        admission = hk__gate_admit(out, ledger->gate, key, length, certificate, scope, items,
                                   hk__clock_ns(), (int64_t)time(NULL));
    atomic_fetch_add(&ledger->admissions[admission], 1);
    return admission;
}

hk_status hk_ledger_note_reload(hk_ledger *ledger, uint64_t revision, const char *words,
                                hk_error *err)
{
    hk__record_text record = {0};
    hk__record_add(&record, "\"kind\":\"reload\",\"revision\":%" PRIu64, revision);
    hk__record_field(&record, "words", words);
    return hk__ledger_append(NULL, ledger, &record, err);
}

hk_status hk_ledger_ready(hk_ledger *ledger, hk_error *err)
{
    hk_status status = hk__audit_ready(ledger->audit, err);
    if (status) { /* who is not ready is not asked: so nothing else would find out that it is over
                   */
        hk__record_text record = {0};
        hk__record_add(&record, "\"kind\":\"recovered\"");
        status = hk__ledger_append(NULL, ledger, &record, err);
    }
    if (status)
        return status;
    pthread_mutex_lock(&ledger->state_lock);
    const hk_error trouble = ledger->keys_trouble;
    pthread_mutex_unlock(&ledger->state_lock);
    if (trouble.status && err)
        *err = trouble;
    return trouble.status;
}

void hk_ledger_get_stats(hk_ledger_stats *out, hk_ledger *ledger)
{
    hk__audit_counts counts;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < HK_ADMISSIONS; i++)
        out->admissions[i] = atomic_load(&ledger->admissions[i]);
    for (int i = 0; i < HK_VERDICTS; i++)
        out->by_verdict[i] = atomic_load(&ledger->by_verdict[i]);
    hk__audit_count(&counts, ledger->audit);
    out->records = counts.records;
    out->batches = counts.batches;
    out->failed = counts.failed;
    out->walk_steps = atomic_load(&ledger->walk_steps);
    hk__brake_count(&out->brakes, &out->suppressed, ledger->brake);
    out->clients = hk__gate_count(ledger->gate);
}
