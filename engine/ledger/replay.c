/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay.c - what the log has and DB.keys has not: of a server that was killed before it had posted
 * it (books.h), or where DB.keys is a copy from before.
 *
 * The first is a matter of a second, and every event of the log is known to DB.keys. Where events
 * are not, or more than a minute of records, or files of the log are gone in between, DB.keys is
 * older than the log: a record and a notice say so (old_keys), and what was taken over.
 */
#include "ledger/ledger.h"

#include "ledger/audit_tail.h"
#include "ledger/key_events.h"

#include "core/error.h"
#include "core/mem.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define OLDER_US (INT64_C(60) * 1000000)

typedef struct replaying {
    hk_ledger *ledger;
    hk__taken taken;
    uint64_t missing;    /* records that are in no file */
    bool broken;         /* what follows does not follow on, and was not taken over */
    int64_t first, last; /* of the records, microseconds since 1970 UTC */
} replaying;

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

/* The account that a record names; 0: there is none, or its number is another's by now. */
static uint64_t client_in(hk_ledger *ledger, const json_t *record)
{
    const char *name = json_string_value(json_object_get(record, "name"));
    const uint64_t id = number_in(record, "client");
    const hk__client *client = id && name ? hk__gate_client(ledger->gate, id) : NULL;
    return client && !strcmp(client->name, name) ? id : 0;
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
    booking.number = (uint32_t)number_in(hit, "number");
    booking.list = copy_of(hit, "list");
    booking.entry = copy_of(hit, "entry");
    return book(ledger, &booking, err);
}

static hk_status replay_check(hk_ledger *ledger, const json_t *record, int64_t at, hk_error *err)
{
    size_t i;
    json_t *hit;
    hk_status status = HK_OK;
    const uint64_t client = client_in(ledger, record);
    if (!client)
        return HK_OK;
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
    if (number_in(record, "client") && !client_in(ledger, record))
        return HK_OK;
    hk__booking booking = {.kind = brake ? HK__FOLLOWS_BRAKE : HK__FOLLOWS_NOTICE,
                           .notice = brake                   ? HK_NOTICE_BRAKE
                                     : !strcmp(kind, "walk") ? HK_NOTICE_WALK
                                                             : HK_NOTICE_NEAR,
                           .client = number_in(record, "client"),
                           .number = (uint32_t)number_in(record, "number"),
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

static hk_status replay_event(replaying *r, const hk__audit_reader *reader, const json_t *record,
                              hk_error *err)
{
    hk_ledger *ledger = r->ledger;
    hk_status status = hk__key_event(&r->taken, ledger->keys, record, reader->line, reader->length,
                                     reader->head.number, err);
    if (!status && r->taken.accounts) /* they may have asked since */
        status = hk__gate_load(ledger->gate, ledger->keys, err);
    r->taken.accounts = false;
    return status;
}

static hk_status replay_record(replaying *r, const hk__audit_reader *reader, hk_error *err)
{
    json_error_t where;
    hk_status status = HK_OK;
    json_t *record = json_loadb(reader->line, reader->length, JSON_REJECT_DUPLICATES, &where);
    const char *kind = json_string_value(json_object_get(record, "kind"));
    r->first = r->first ? r->first : reader->head.at;
    r->last = reader->head.at;
    if (!record) /* chained, and yet no JSON: no server wrote it */
        r->taken.left++;
    if (kind && number_in(record, "event"))
        status = replay_event(r, reader, record, err);
    else if (kind && !strcmp(kind, "check"))
        status = replay_check(r->ledger, record, reader->head.at / 1000000, err);
    else if (kind &&
             (!strcmp(kind, "brake") || !strcmp(kind, "walk") || !strcmp(kind, "near_budget")))
        status = replay_notice(r->ledger, record, kind, err);
    json_decref(record);
    return status;
}

/* Where a file does not begin where the one before ended, some of them were taken away. */
static hk_status enter_file(replaying *r, hk__head *head, const char *path, hk_error *err)
{
    hk__head before;
    bool known;
    const hk_status status = hk__audit_before(&before, &known, path, err);
    if (!status && known && before.number > head->number) {
        r->missing += before.number - head->number;
        *head = before;
    }
    return status;
}

static hk_status replay_file(replaying *r, hk__head *head, const char *path, hk_error *err)
{
    hk__audit_reader reader;
    hk__found found = HK__FOUND_END;
    hk_status status = head->bytes ? HK_OK : enter_file(r, head, path, err);
    if (!status)
        status = hk__audit_reader_open(&reader, path, head, err);
    if (status)
        return status;
    while (!status && !(status = hk__audit_reader_next(&found, &reader, err)) &&
           found == HK__FOUND_RECORD)
        status = replay_record(r, &reader, err);
    r->broken = r->broken || (found != HK__FOUND_RECORD && found != HK__FOUND_END);
    *head = reader.head;
    hk__audit_reader_close(&reader);
    return status;
}

/* ---- saying so ------------------------------------------------------------------------------ */

static hk_status say_older(const replaying *r, const hk__head *anchor, uint64_t last, hk_error *err)
{
    const hk__taken *t = &r->taken;
    char words[400], more[80] = "", left[80] = "";
    hk__record_text record = {0};
    if (r->missing)
        snprintf(more, sizeof more, "; %" PRIu64 " records between are gone", r->missing);
    if (t->left || r->broken)
        snprintf(left, sizeof left, "; some of it did not fit: compare herken key list%s",
                 r->broken ? ", and see herken audit verify" : "");
    snprintf(words, sizeof words,
             "DB.keys is a copy of before: it knew record %" PRIu64
             ", the audit log goes to %" PRIu64 "; taken over from there: %" PRIu64
             " created, %" PRIu64 " changed, %" PRIu64 " rotated, %" PRIu64 " revoked, %" PRIu64
             " others%s%s",
             anchor->number, last, t->created, t->changed, t->rotated, t->revoked, t->others, more,
             left);
    hk__booking notice = {.kind = HK__FOLLOWS_NOTICE,
                          .notice = HK_NOTICE_OLD_KEYS,
                          .words = words,
                          .at = (int64_t)time(NULL)};
    hk__record_add(&record,
                   "\"kind\":\"old_keys\",\"keys\":%" PRIu64 ",\"log\":%" PRIu64
                   ",\"created\":%" PRIu64 ",\"changed\":%" PRIu64 ",\"rotated\":%" PRIu64
                   ",\"revoked\":%" PRIu64 ",\"others\":%" PRIu64 ",\"left\":%" PRIu64
                   ",\"missing\":%" PRIu64 ",\"at\":%" PRId64,
                   anchor->number, last, t->created, t->changed, t->rotated, t->revoked, t->others,
                   t->left, r->missing, notice.at);
    hk__record_field(&record, "words", words);
    const hk_status status = hk__ledger_append(NULL, r->ledger, &record, err);
    return status ? status : hk__booking_apply(r->ledger->keys, &notice, err);
}

static bool is_older(const replaying *r)
{
    const hk__taken *t = &r->taken;
    return t->created || t->changed || t->rotated || t->revoked || t->others || t->left ||
           r->missing || r->last - r->first > OLDER_US;
}

hk_status hk__ledger_replay(hk_ledger *ledger, const hk__head *anchor, hk_error *err)
{
    replaying r = {.ledger = ledger};
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
            status = replay_file(&r, &head, path, err);
        hk__free(path);
        head.file = file + 1;
        head.bytes = 0;
    }
    if (!status && is_older(&r))
        status = say_older(&r, anchor, last.number, err);
    return hk__sql_end(ledger->keys->db, status, err);
}
