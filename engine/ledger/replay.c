/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.c - what a killed server had written into its log, but not yet into DB.keys (books.h). */
#include "ledger/ledger.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

static uint64_t number_in(const json_t *object, const char *name)
{
    const json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static char *copy_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? hk__strndup(text, strlen(text)) : NULL;
}

/* Books at once: a log that DB.keys knows little of may be long. */
static hk_status book(hk_ledger *ledger, hk__booking *booking, hk_error *err)
{
    hk_status status = HK_OK;
    if (booking->kind == HK__FOLLOWS_NOTICE || (booking->list && booking->entry))
        status = hk__booking_apply(ledger->keys, booking, err);
    hk__booking_clear(booking);
    return status;
}

static hk_status replay_hit(hk_ledger *ledger, const json_t *hit, uint64_t client, int64_t at,
                            hk_error *err)
{
    const char *id = json_string_value(json_object_get(hit, "id"));
    const char *basis = json_string_value(json_object_get(hit, "basis"));
    hk__booking booking = {.kind = HK__FOLLOWS_MATCH, .client = client, .at = at};
    if (!id || strlen(id) != 32 || !hk__hex_bytes(booking.id, id, sizeof booking.id) || !basis)
        return HK_OK;
    for (int b = 0; hk_basis_name((hk_basis)b); b++)
        if (!strcmp(basis, hk_basis_name((hk_basis)b)))
            booking.basis = (hk_basis)b;
    booking.distance = (unsigned)number_in(hit, "distance");
    booking.list = copy_of(hit, "list");
    booking.entry = copy_of(hit, "entry");
    return book(ledger, &booking, err);
}

static hk_status replay_check(hk_ledger *ledger, const json_t *record, int64_t at, hk_error *err)
{
    size_t i;
    json_t *hit;
    hk_status status = HK_OK;
    const uint64_t client = number_in(record, "client");
    hk__gate_charge(ledger->gate, client, number_in(record, "items"), number_in(record, "near"),
                    at);
    json_array_foreach(json_object_get(record, "hits"), i, hit)
    {
        if (!status)
            status = replay_hit(ledger, hit, client, at, err);
    }
    return status;
}

static hk_status replay_notice(hk_ledger *ledger, const json_t *record, const char *kind,
                               hk_error *err)
{
    const bool brake = !strcmp(kind, "brake");
    hk__booking booking = {.kind = brake ? HK__FOLLOWS_BRAKE : HK__FOLLOWS_NOTICE,
                           .notice = brake                   ? HK_NOTICE_BRAKE
                                     : !strcmp(kind, "walk") ? HK_NOTICE_WALK
                                                             : HK_NOTICE_NEAR,
                           .client = number_in(record, "client"),
                           .hits = number_in(record, "hits"),
                           .clients = number_in(record, "clients"),
                           .at = (int64_t)number_in(record, "at")};
    booking.list = copy_of(record, "list");
    booking.entry = copy_of(record, "entry");
    booking.words = copy_of(record, "words");
    if (!booking.words) {
        hk__booking_clear(&booking);
        return HK_OK;
    }
    return book(ledger, &booking, err);
}

static hk_status replay_record(hk_ledger *ledger, const hk__audit_reader *reader, hk_error *err)
{
    json_error_t where;
    hk_status status = HK_OK;
    json_t *record = json_loadb(reader->line, reader->length, JSON_REJECT_DUPLICATES, &where);
    const char *kind = json_string_value(json_object_get(record, "kind"));
    if (kind && !strcmp(kind, "check"))
        status = replay_check(ledger, record, reader->head.at / 1000000, err);
    else if (kind &&
             (!strcmp(kind, "brake") || !strcmp(kind, "walk") || !strcmp(kind, "near_budget")))
        status = replay_notice(ledger, record, kind, err);
    else if (kind && number_in(record, "event"))
        status = hk__sql_do(ledger->keys->db, err,
                            "UPDATE event SET record = ?2 WHERE id = ?1 AND record IS NULL", "ii",
                            (int64_t)number_in(record, "event"), (int64_t)reader->head.number);
    json_decref(record);
    return status;
}

static hk_status replay_file(hk__head *head, hk_ledger *ledger, const char *path, hk_error *err)
{
    hk__audit_reader reader;
    hk__found found;
    hk_status status = hk__audit_reader_open(&reader, path, head, err);
    if (status)
        return status;
    while (!status && !(status = hk__audit_reader_next(&found, &reader, err)) &&
           found == HK__FOUND_RECORD)
        status = replay_record(ledger, &reader, err);
    *head = reader.head;
    hk__audit_reader_close(&reader);
    return status;
}

hk_status hk__ledger_replay(hk_ledger *ledger, const hk__head *anchor, hk_error *err)
{
    hk__head head = *anchor, last;
    hk_status status = HK_OK;
    hk__audit_head(&last, ledger->audit);
    if (!head.file)
        head.file = 1;
    status = hk__sql_begin(ledger->keys->db, true, err);
    if (status)
        return status;
    /* What does not follow on is not replayed: hk_audit_verify will say what became of it. */
    while (!status && head.file <= last.file && head.number < last.number) {
        struct stat facts;
        const uint64_t file = head.file;
        char *path = hk__audit_path(ledger->db, file < last.file ? (unsigned)file : 0);
        if (!path)
            status = hk__fail_memory(err);
        else if (!stat(path, &facts))
            status = replay_file(&head, ledger, path, err);
        hk__free(path);
        head.file = file + 1;
        head.bytes = 0;
    }
    return hk__sql_end(ledger->keys->db, status, err);
}
