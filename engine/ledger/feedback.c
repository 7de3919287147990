/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feedback.c - what a provider thinks of an answer (hk_ledger_feedback). */
#include "ledger/ledger.h"

#include "core/error.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { REASON_MOST = 1000 };

typedef struct feedback {
    uint8_t id[16];
    char *list, *entry; /* owned */
    uint32_t number;
    hk_basis basis;
    bool agree, confirms;
    const char *reason;
    int64_t at;
} feedback;

static hk_status find_match(feedback *f, hk_ledger *ledger, const hk_caller *caller, hk_error *err)
{
    sqlite3_stmt *rows;
    bool row = false;
    hk_status status = hk__sql_prepare(
        &rows, ledger->keys->db, err,
        "SELECT list, entry, basis, number FROM match_id WHERE client = ?1 AND at > ?2 AND id = ?3",
        "ii", (int64_t)caller->client, f->at - (int64_t)ledger->options.match_days * 86400);
    if (status)
        return status;
    if (sqlite3_bind_blob(rows, 3, f->id, sizeof f->id, SQLITE_TRANSIENT))
        status = hk__sql_fail(ledger->keys->db, err);
    if (!status)
        status = hk__sql_step(&row, rows, err);
    if (!status && row) {
        const char *list = (const char *)sqlite3_column_text(rows, 0);
        const char *entry = (const char *)sqlite3_column_text(rows, 1);
        f->list = list ? hk__strndup(list, strlen(list)) : NULL;
        f->entry = entry ? hk__strndup(entry, strlen(entry)) : NULL;
        f->basis = (hk_basis)sqlite3_column_int64(rows, 2);
        f->number = (uint32_t)sqlite3_column_int64(rows, 3);
        if (!f->list || !f->entry)
            status = hk__fail_memory(err);
    } else if (!status) {
        status = hk__fail(err, HK_ERR_USAGE,
                          "this account was given no such match id, or it has expired");
    }
    sqlite3_finalize(rows);
    return status;
}

static hk_status put_feedback(const feedback *f, hk_ledger *ledger, const hk_caller *caller,
                              hk_error *err)
{
    sqlite3_stmt *insert;
    hk_status status = hk__sql_prepare(
        &insert, ledger->keys->db, err,
        "INSERT OR REPLACE INTO feedback(client, list, entry, agree, reason, at, number, match)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        "ittitii", (int64_t)caller->client, f->list, f->entry, (int64_t)f->agree, f->reason, f->at,
        (int64_t)f->number);
    if (status)
        return status;
    if (sqlite3_bind_blob(insert, 8, f->id, sizeof f->id, SQLITE_TRANSIENT))
        status = hk__sql_fail(ledger->keys->db, err);
    if (!status)
        status = hk__sql_done(insert, err);
    sqlite3_finalize(insert);
    return status;
}

/* What it means for the entry. */
static hk_status act_on(const feedback *f, hk_ledger *ledger, const hk_caller *caller,
                        hk_error *err)
{
    char who[HK__NAME_SIZE + 8], words[HK_ERROR_MESSAGE_SIZE + REASON_MOST];
    unsigned confirmations;
    hk_status status = HK_OK;
    snprintf(who, sizeof who, "client:%s", caller->name);
    if (f->confirms && f->agree)
        return hk__confirm(&confirmations, ledger->keys, f->list, f->entry, f->number, who, f->at,
                           err);
    if (f->confirms)
        status = hk__sql_do(ledger->keys->db, err,
                            "DELETE FROM confirmation WHERE list = ?1 AND entry = ?2 AND who = ?3"
                            " AND number IN (0, ?4)",
                            "ttti", f->list, f->entry, who, (int64_t)f->number);
    if (status || f->agree)
        return status;
    snprintf(words, sizeof words, "%s", f->reason && *f->reason ? f->reason : "no reason given");
    hk__printable(words);
    const hk__booking notice = {.kind = HK__FOLLOWS_NOTICE,
                                .notice = HK_NOTICE_DISAGREE,
                                .client = caller->client,
                                .list = f->list,
                                .entry = f->entry,
                                .number = f->number,
                                .words = words,
                                .at = f->at};
    return hk__booking_apply(ledger->keys, &notice, err);
}

static hk_status keep(feedback *f, hk_ledger *ledger, const hk_caller *caller, hk_error *err)
{
    pthread_mutex_lock(&ledger->keys_lock);
    hk_status status = hk__ledger_post(ledger, err); /* its match id may still be pending */
    if (!status)
        status = hk__sql_begin(ledger->keys->db, true, err);
    if (!status) {
        status = find_match(f, ledger, caller, err);
        f->confirms = caller->scopes & HK_SCOPE_CURATE && f->basis == HK_BASIS_PDQ;
        if (!status)
            status = put_feedback(f, ledger, caller, err);
        if (!status)
            status = act_on(f, ledger, caller, err);
        status = hk__sql_end(ledger->keys->db, status, err);
    }
    if (!status && f->confirms)
        status = hk__brake_load(ledger->brake, ledger->keys, err);
    pthread_mutex_unlock(&ledger->keys_lock);
    return status;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int length = hk__utf8_sequence(p);
        if (length <= 0)
            return false;
        p += length;
    }
    return true;
}

hk_status hk_ledger_feedback(hk_ledger *ledger, const hk_caller *caller, const char *match_id,
                             bool agree, const char *reason, const char *address, hk_error *err)
{
    feedback f = {.agree = agree, .reason = reason, .at = (int64_t)time(NULL)};
    hk__record_text record = {0};
    if (!(caller->scopes & HK_SCOPE_FEEDBACK) || !caller->client)
        return hk__fail(err, HK_ERR_USAGE, "the key is not for feedback");
    if (reason && (strnlen(reason, REASON_MOST + 1) > REASON_MOST || !is_utf8(reason)))
        return hk__fail(err, HK_ERR_LIMIT, "a reason is UTF-8, of at most %d bytes", REASON_MOST);
    if (!match_id || strlen(match_id) != 32 || !hk__hex_bytes(f.id, match_id, sizeof f.id))
        return hk__fail(err, HK_ERR_USAGE,
                        "this account was given no such match id, or it has expired");
    hk_status status = keep(&f, ledger, caller, err);
    if (!status) {
        hk__record_add(&record, "\"kind\":\"feedback\"");
        hk__record_caller(&record, caller, address);
        hk__record_add(&record, ",\"id\":\"%s\",\"agree\":%s", match_id, agree ? "true" : "false");
        hk__record_entry(&record, f.list, f.entry, f.number);
        status = hk__ledger_append(NULL, ledger, &record, err);
    }
    hk__free(f.list);
    hk__free(f.entry);
    return status;
}
