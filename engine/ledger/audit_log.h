/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit_log.h - writing the audit log (audit_file.h draws it).
 *
 * Any number of threads append. Who comes while nobody writes becomes the writer: he takes
 * everything that waits, numbers and chains it, and writes it with one call, and wakes the others.
 * A record is in the file (in the system's cache at least) when hk__audit_append returns, so that a
 * killed process loses none that was acknowledged. A power cut can take what was appended since the
 * last hk__audit_sync, unless every batch is synced.
 *
 * A failed write fails the whole batch, and is cut off again at once, or before the next batch. A
 * failed sync fails everything until the log is opened anew: nobody knows then what the disk holds.
 *
 * When it is opened, the end of the log is read from the anchor on. A record that was cut short is
 * removed, and a record says so ("torn"). Where the anchor's record is not there, the log goes on
 * from its last whole record, and a record says so ("lost"), for hk_audit_verify to find for ever.
 */
#ifndef HK_LEDGER_AUDIT_LOG_H
#define HK_LEDGER_AUDIT_LOG_H

#include "ledger/audit_file.h"

typedef struct hk__audit hk__audit;

typedef struct hk__audit_options {
    bool sync_each;      /* batch, before it is acknowledged */
    uint64_t file_bytes; /* at which a new file is begun */
} hk__audit_options;

/* Opens the log of the store at `db`, makes it where there is none, and takes it for this process.
 * anchor: the head that was noted last; its number 0: none was. HK_ERR_SYSTEM: another process has
 * it. */
hk_status hk__audit_open(hk__audit **out, const char *db, const hk__head *anchor,
                         const hk__audit_options *options, hk_error *err) HK_MUST_CHECK;
/* Closes it; what is not synced is not. */
void hk__audit_close(hk__audit *audit);

/* Appends a record. body: its JSON from "kind" on to the last brace, which is left out. *number
 * (may be NULL) receives its number. HK_ERR_SYSTEM: it could not be written, and is not there. */
hk_status hk__audit_append(uint64_t *number, hk__audit *audit, const char *body, size_t length,
                           hk_error *err) HK_MUST_CHECK;

/* The last record that was written. */
void hk__audit_head(hk__head *out, hk__audit *audit);

/* Puts on the disk what was written before the call; *out is that head. HK_ERR_SYSTEM also where
 * the file was moved or removed meanwhile. */
hk_status hk__audit_sync(hk__head *out, hk__audit *audit, hk_error *err) HK_MUST_CHECK;

typedef struct hk__audit_counts {
    uint64_t records, batches, failed;
} hk__audit_counts;
void hk__audit_count(hk__audit_counts *out, hk__audit *audit);

/* HK_OK, or why the last append failed, or the next would. */
hk_status hk__audit_ready(hk__audit *audit, hk_error *err) HK_MUST_CHECK;

#endif
