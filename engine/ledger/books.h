/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * books.h - DB.keys, as its parts see it (SQLite, WAL mode).
 *
 *      client        one row for each account       key       its keys: SHA-256, until when
 *      usage         what an account has used up of its day
 *      match_id      what an answered hit was, for feedback     feedback
 *      confirmation  who has confirmed an entry                 brake      entries braked, and past
 *      notice        for people
 *      event         what commands did, to be written into the audit log by the server, which alone
 *                    may write there; in the same transaction as what they did
 *      mark          one row: how far the audit log is in these tables, and its head (the anchor)
 *
 * The audit log comes first, and what follows from its records is put in here once a second, with
 * the number of the last record that is in (mark.applied). Who was killed between finds the rest
 * in the log when he starts again (replay.c): nothing that was answered is forgotten, neither quota
 * nor match ids. What was in hand at that moment may be charged twice.
 */
#ifndef HK_LEDGER_BOOKS_H
#define HK_LEDGER_BOOKS_H

#include "ledger/audit_file.h"
#include "list/sql.h"

#define HK__KEYS_APPLICATION 0x48726b6b /* "Hrkk" in the file's header */
#define HK__KEYS_VERSION 2
#define HK__NAME_SIZE 65 /* of an account, and a NUL */

/* The tables, as SQL; and what makes them of those of version 1, which knew an entry by its list
 * and name alone. */
extern const char hk__keys_schema[], hk__keys_upgrade[];

struct hk_keys {
    sqlite3 *db;
    char *path; /* of DB.keys; owned */
};

/* What follows from a record of the audit log. Strings are owned: hk__booking_clear. */
typedef enum hk__follows {
    HK__FOLLOWS_MATCH = 0, /* a match id was given out */
    HK__FOLLOWS_BRAKE,     /* an entry was braked */
    HK__FOLLOWS_NOTICE     /* a person should know something */
} hk__follows;
typedef struct hk__booking {
    hk__follows kind;
    hk_notice_kind notice;
    uint8_t id[16];
    uint64_t client; /* MATCH: given to; BRAKE: 0: for all; NOTICE: of */
    char *list, *entry, *words;
    uint32_t number; /* the entry's; 0: none is known */
    hk_basis basis;
    unsigned distance;
    uint64_t hits, clients;
    int64_t at; /* seconds since 1970 UTC */
} hk__booking;
void hk__booking_clear(hk__booking *booking);
/* Puts it into the tables, within a transaction of the caller. Twice is once. */
hk_status hk__booking_apply(hk_keys *keys, const hk__booking *booking, hk_error *err) HK_MUST_CHECK;

/* The anchor, and the records up to which the tables say what the log says. */
hk_status hk__mark_read(hk__head *anchor, uint64_t *applied, hk_keys *keys,
                        hk_error *err) HK_MUST_CHECK;
hk_status hk__mark_write(hk_keys *keys, const hk__head *anchor, uint64_t applied,
                         hk_error *err) HK_MUST_CHECK;

/* What the log has of a row that no command made. */
#define HK__EVENT_DAMAGED "\"kind\":\"event_damaged\""
/* Adds what a command did, as the body of a record (audit_log.h) but for its time; within a
 * transaction of the caller. */
hk_status hk__event_add(hk_keys *keys, hk_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4))) HK_MUST_CHECK;

/* A string as JSON, with its quotes; owned; NULL without memory. What is not UTF-8 becomes U+FFFD.
 */
char *hk__json_text(const char *text);
/* ,"NAME":"TEXT" or, where there is no text, nothing; owned; NULL without memory. */
char *hk__json_field(const char *name, const char *text);

/* act->at, or now. HK_ERR_USAGE: nobody acts. */
hk_status hk__act_check(int64_t *at, const hk_act *act, hk_error *err) HK_MUST_CHECK;

/* ---- rows of accounts and keys (keys_rows.c), within a transaction of the caller */

hk_status hk__settings_check(const hk_client_settings *s, hk_error *err) HK_MUST_CHECK;
/* Adds an account, or a key, with the number that is given, where it is free; receives its number.
 * certificate may be NULL: none. HK_ERR_USAGE: the name is taken. */
hk_status hk__client_add(int64_t *client, hk_keys *keys, const hk_client_settings *s,
                         const uint8_t *certificate, int64_t at, hk_error *err) HK_MUST_CHECK;
hk_status hk__key_add(uint64_t *key, hk_keys *keys, int64_t client, const uint8_t *hash, int64_t at,
                      hk_error *err) HK_MUST_CHECK;
hk_status hk__client_set(hk_keys *keys, int64_t client, const hk_client_settings *s,
                         const uint8_t *certificate, hk_error *err) HK_MUST_CHECK;

/* ,"NAME":"64 hex digits" and a NUL at `to`; returns its end. */
#define HK__HASH_FIELD (2 * HK__SHA256_SIZE + 32)
char *hk__hash_field(char *to, const char *name, const uint8_t hash[HK__SHA256_SIZE]);
/* ,"scopes":[...],"rate":... of an account, for a record. */
#define HK__SETTINGS_TEXT (256 + HK__HASH_FIELD)
void hk__settings_text(char out[HK__SETTINGS_TEXT], const hk_client_settings *s,
                       const uint8_t *certificate);

/* An account that is not revoked. HK_ERR_USAGE. */
hk_status hk__client_open(int64_t *client, hk_keys *keys, const char *name,
                          hk_error *err) HK_MUST_CHECK;
/* The number of an account. HK_ERR_USAGE: there is none of this name. */
hk_status hk__client_find(int64_t *client, hk_keys *keys, const char *name,
                          hk_error *err) HK_MUST_CHECK;

/* Releases what is braked of an entry (number 0: of the name), within a transaction of the caller.
 */
hk_status hk__release(bool *any, hk_keys *keys, const char *list, const char *entry,
                      uint32_t number, int64_t spared, const char *actor, const char *reason,
                      int64_t at, hk_error *err) HK_MUST_CHECK;

/* Notes that `who` ("person:ann", "client:acme") confirms the entry, and releases it once two have;
 * within a transaction of the caller. */
hk_status hk__confirm(unsigned *confirmations, hk_keys *keys, const char *list, const char *entry,
                      uint32_t number, const char *who, int64_t at, hk_error *err) HK_MUST_CHECK;

#endif
