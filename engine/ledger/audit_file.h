/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit_file.h - the audit log's files and records, for who writes them and who checks them.
 *
 *      DB.audit      is being written        DB.audit.1, DB.audit.2, ...    were, the oldest first
 *
 * Each record is a line of JSON:
 *
 *      {"n":7,"t":"2026-11-22T09:30:00.123456Z","kind":"check", ... ,"chain":"64 hex digits"}
 *
 * chain = SHA-256(the chain before it, 32 bytes || the line up to the comma before "chain"). Before
 * the first record it is 32 zero bytes. Numbers and the chain go on from file to file; the first
 * record of a file says which file it is.
 *
 * What kinds there are (further fields; those that have no value are absent):
 *
 *      begin       file, log (128 random bits)     the log is new
 *      continued   file, after (the chain before)  the file before is full
 *      start, stop                                 of a server
 *      torn        bytes                           a record cut short by a crash or a full disk
 *                                                  was removed; nobody had its answer
 *      lost        expected, chain_expected        the log ended before the record that DB.keys
 *                                                  knows
 *      old_keys    keys, log, created, ..., words  DB.keys was a copy of before (replay.c)
 *      check       client, name, key, from, items, exact, near, none, not_checked,
 *                  hits [id, list, entry, number, basis, distance, more],
 *                  braked [distance, list, entry, number]
 *      feedback    client, name, key, from, id, agree, list, entry, number
 *      brake       list, entry, number, client, hits, clients
 *      walk        client, name, points
 *      near_budget client, name
 *      refused     since the last such record: unknown_key, ..., quota: how many
 *      reload      revision, words
 *      recovered                                   records can be written again
 *      key, release, confirm, notice               by a command: event, act, at, by, reason, ...
 *
 * Records of commands have all it takes to do the same again (key_events.h): of an account what it
 * may, of a key the SHA-256 that DB.keys has.
 *
 * Hashes that were asked for are never in it.
 */
#ifndef HK_LEDGER_AUDIT_FILE_H
#define HK_LEDGER_AUDIT_FILE_H

#include "ledger/key_text.h"

#include <stdio.h>

/* A record at most, with its line's end: a thousand items that all hit take 1 MB. */
#define HK__RECORD_MOST ((size_t)16 << 20)

typedef struct hk__head {
    uint64_t number; /* of the last record; 0: none */
    uint8_t chain[HK__SHA256_SIZE];
    int64_t at;     /* microseconds since 1970 UTC */
    uint64_t file;  /* in which it is; 0: unknown */
    uint64_t bytes; /* of that file up to its end */
} hk__head;

/* The last part of a record's line: ,"chain":"HEX"} and the line's end. */
#define HK__CHAIN_TAIL 77
/* Writes it, for a record of which `bytes` come before, and moves the chain on. */
bool hk__chain_next(uint8_t chain[HK__SHA256_SIZE], char tail[HK__CHAIN_TAIL + 1],
                    const char *bytes, size_t count);

/* Microseconds since 1970 as "2026-11-22T09:30:00.123456Z", and back. */
#define HK__TIME_SIZE 28
void hk__time_write(char out[HK__TIME_SIZE], int64_t at);
bool hk__time_read(int64_t *at, const char *text);

/* DB.audit, or DB.audit.NUMBER; owned; NULL without memory. */
char *hk__audit_path(const char *db, unsigned number);
/* The numbers of the finished files beside `db` that are there, ascending; owned (hk__free). */
hk_status hk__audit_files(unsigned **out, size_t *count, const char *db,
                          hk_error *err) HK_MUST_CHECK;

/* What is found at a place in a file. */
typedef enum hk__found {
    HK__FOUND_RECORD = 0, /* whole, and its number and chain follow on */
    HK__FOUND_END,        /* nothing more */
    HK__FOUND_TORN,       /* the file ends within a line */
    HK__FOUND_NUMBER,     /* a whole record, but with another number */
    HK__FOUND_CHAIN,      /* its number follows on, but its chain does not */
    HK__FOUND_OTHER       /* a line that is no record */
} hk__found;

/* Reads records of one file, forwards. */
typedef struct hk__audit_reader {
    FILE *file;
    const char *path; /* borrowed */
    hk__head head;    /* of the last record that was read, or what to go on from */
    char *line;       /* the record just read, `length` bytes, without the line's end; owned */
    size_t length, capacity;
    uint64_t number; /* that a record which does not follow on says it has */
} hk__audit_reader;

/* Opens a file to be read from `from->bytes` on; the first record must follow on `from`. */
hk_status hk__audit_reader_open(hk__audit_reader *out, const char *path, const hk__head *from,
                                hk_error *err) HK_MUST_CHECK;
/* The next line. Unless it is HK__FOUND_RECORD, the head stays. Lines over HK__RECORD_MOST are
 * HK__FOUND_OTHER. */
hk_status hk__audit_reader_next(hk__found *found, hk__audit_reader *reader,
                                hk_error *err) HK_MUST_CHECK;
/* After a line that does not follow on: takes it as it is, so that reading can go on behind it. */
void hk__audit_reader_accept(hk__audit_reader *reader);
void hk__audit_reader_close(hk__audit_reader *reader);

#endif
