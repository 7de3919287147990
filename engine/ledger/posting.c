/* SPDX-License-Identifier: GPL-3.0-or-later */
/* posting.c - between a running server and DB.keys (ledger.h). */
#include "ledger/audit_anchor.h"
#include "ledger/ledger.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY_S = 86400 };
#define HOUR_NS (UINT64_C(3600) * 1000000000)

/* ---- what waits ---------------------------------------------------------------------------- */

hk_status hk__ledger_book(hk_ledger *ledger, hk__booking *bookings, size_t count, hk_error *err)
{
    hk_status status = HK_OK;
    pthread_mutex_lock(&ledger->pending_lock);
    const size_t wanted = ledger->pending_count + count;
    if (wanted > HK__PENDING_MOST) {
        status = hk__fail(err, HK_ERR_SYSTEM,
                          "%s.keys: could not be written for long, and too much waits for it now",
                          ledger->db);
    } else if (wanted > ledger->pending_capacity) {
        const size_t capacity = 2 * wanted;
        hk__booking *grown = hk__realloc(ledger->pending, capacity, sizeof *grown);
        if (grown) {
            ledger->pending = grown;
            ledger->pending_capacity = capacity;
        } else {
            status = hk__fail_memory(err);
        }
    }
    if (!status && count) {
        memcpy(ledger->pending + ledger->pending_count, bookings, count * sizeof *bookings);
        ledger->pending_count += count;
    }
    pthread_mutex_unlock(&ledger->pending_lock);
    for (size_t i = 0; status && i < count; i++)
        hk__booking_clear(&bookings[i]);
    return status;
}

static size_t take_pending(hk__booking **out, hk_ledger *ledger)
{
    pthread_mutex_lock(&ledger->pending_lock);
    const size_t count = ledger->pending_count;
    *out = ledger->pending;
    ledger->pending = NULL;
    ledger->pending_count = ledger->pending_capacity = 0;
    pthread_mutex_unlock(&ledger->pending_lock);
    return count;
}

/* Puts back what could not be posted. */
static void put_back(hk_ledger *ledger, hk__booking *bookings, size_t count)
{
    pthread_mutex_lock(&ledger->pending_lock);
    hk__booking *all = hk__realloc(bookings, count + ledger->pending_count + 1, sizeof *bookings);
    if (all) {
        if (ledger->pending_count)
            memcpy(all + count, ledger->pending, ledger->pending_count * sizeof *all);
        hk__free(ledger->pending);
        ledger->pending = all;
        ledger->pending_capacity = count + ledger->pending_count + 1;
        ledger->pending_count += count;
        count = 0;
    }
    pthread_mutex_unlock(&ledger->pending_lock);
    for (size_t i = 0; i < count; i++) /* without memory; the log has them */
        hk__booking_clear(&bookings[i]);
    if (!all)
        hk__free(bookings);
}

/* ---- posting ------------------------------------------------------------------------------- */

static hk_status clean(hk_ledger *ledger, hk_error *err)
{
    const uint64_t now = hk__clock_ns();
    if (ledger->cleaned && now - ledger->cleaned < HOUR_NS)
        return HK_OK;
    ledger->cleaned = now;
    return hk__sql_do(ledger->keys->db, err, "DELETE FROM match_id WHERE at < ?1", "i",
                      (int64_t)time(NULL) - (int64_t)ledger->options.match_days * DAY_S);
}

static hk_status write_all(hk_ledger *ledger, const hk__booking *bookings, size_t count,
                           const hk__head *head, hk_error *err)
{
    hk_status status = hk__sql_begin(ledger->keys->db, true, err);
    if (status)
        return status;
    status = hk__gate_save(ledger->gate, ledger->keys, err);
    for (size_t i = 0; !status && i < count; i++)
        status = hk__booking_apply(ledger->keys, &bookings[i], err);
    if (!status)
        status = hk__brake_save(ledger->brake, ledger->keys, err);
    if (!status)
        status = clean(ledger, err);
    if (!status)
        status = hk__mark_write(ledger->keys, head, head->number, err);
    return hk__sql_end(ledger->keys->db, status, err);
}

hk_status hk__ledger_post(hk_ledger *ledger, hk_error *err)
{
    hk__head head;
    hk__booking *bookings;
    bool braked = false;
    /* The head first: what is pending then holds what follows from the records up to it, at least.
     */
    hk_status status = hk__audit_sync(&head, ledger->audit, err);
    if (status)
        return status;
    const size_t count = take_pending(&bookings, ledger);
    status = write_all(ledger, bookings, count, &head, err);
    if (status) {
        hk__gate_unsaved(ledger->gate);
        put_back(ledger, bookings, count);
        return status;
    }
    ledger->posted = head.number;
    for (size_t i = 0; i < count; i++) {
        braked = braked || bookings[i].kind == HK__FOLLOWS_BRAKE;
        hk__booking_clear(&bookings[i]);
    }
    hk__free(bookings);
    if (braked) /* what it suppressed at once is written now that its row is there */
        status = hk__brake_load(ledger->brake, ledger->keys, err);
    if (braked && !status)
        status = hk__brake_save(ledger->brake, ledger->keys, err);
    if (!status && ledger->options.anchor)
        status = hk__anchor_write(ledger->options.anchor, &head, err);
    return status;
}

/* ---- what commands did ---------------------------------------------------------------------- */

static hk_status log_event(hk_ledger *ledger, int64_t event, const char *body, hk_error *err)
{
    hk__record_text record = {0};
    uint64_t number = 0;
    /* It becomes a line of the log: a row that somebody made up must not make two of it. */
    if (!body || strncmp(body, "\"kind\":\"", 8) || strpbrk(body, "\n\r") ||
        strstr(body, "\"chain\""))
        body = HK__EVENT_DAMAGED;
    hk__record_add(&record, "%s,\"event\":%lld", body, (long long)event);
    const hk_status status = hk__ledger_append(&number, ledger, &record, err);
    return status ? status
                  : hk__sql_do(ledger->keys->db, err, "UPDATE event SET record = ?2 WHERE id = ?1",
                               "ii", event, (int64_t)number);
}

/* Writes what commands did into the audit log. As a writer from the start: one who reads first may
 * find that he cannot write any more, when the record is in the log. */
static hk_status log_events(hk_ledger *ledger, hk_error *err)
{
    sqlite3_stmt *rows = NULL;
    bool row = true;
    hk_status status = hk__sql_begin(ledger->keys->db, true, err);
    if (status)
        return status;
    status = hk__sql_prepare(&rows, ledger->keys->db, err,
                             "SELECT id, body FROM event WHERE record IS NULL ORDER BY id", "");
    while (!status && !(status = hk__sql_step(&row, rows, err)) && row)
        status = log_event(ledger, sqlite3_column_int64(rows, 0),
                           (const char *)sqlite3_column_text(rows, 1), err);
    sqlite3_finalize(rows);
    return hk__sql_end(ledger->keys->db, status, err);
}

/* Whether DB.keys is still the file that is open. */
static hk_status check_place(const hk_ledger *ledger, hk_error *err)
{
    struct stat now;
    if (stat(ledger->keys->path, &now))
        return hk__fail(err, HK_ERR_SYSTEM, "%s: is gone: %s", ledger->keys->path, strerror(errno));
    if (now.st_ino != ledger->keys_inode || now.st_dev != ledger->keys_device)
        return hk__fail(err, HK_ERR_SYSTEM,
                        "%s: is another file than the server has open: start again",
                        ledger->keys->path);
    return HK_OK;
}

hk_status hk__ledger_poll(hk_ledger *ledger, hk_error *err)
{
    int64_t version = 0;
    hk_status status = check_place(ledger, err);
    if (!status)
        status = hk__sql_number(&version, 0, ledger->keys->db, err, "PRAGMA data_version", "");
    if (status || version == ledger->data_version)
        return status;
    status = hk__gate_load(ledger->gate, ledger->keys, err);
    if (!status)
        status = hk__brake_load(ledger->brake, ledger->keys, err);
    if (!status)
        status = log_events(ledger, err);
    if (!status)
        ledger->data_version = version;
    return status;
}
