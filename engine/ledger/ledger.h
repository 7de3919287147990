/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger.h - a server's ledger from inside.
 *
 *      key_text      a key as it is handed out, and kept
 *      keys_file     DB.keys: opening it           keys_admin, keys_list   accounts and keys
 *      keys_rows     their rows                    key_events  the same, from the log again
 *      people        brakes and notices in it      (books.h: its tables)
 *      gate          accounts and keys in memory: who may ask, how much
 *      walks         who feels his way towards an entry
 *      brake         entries that draw near hits as no real material does; brake_recount
 *      audit_file    the log's records and files   audit_tail  where it ends
 *      audit_log     appending                     audit_verify  checking and reading
 *      audit_anchor  its head in a second place
 *      answer        from what was found to what is answered
 *      feedback      what a provider thinks of an answer
 *      posting       what follows from records, into DB.keys; what commands did, into memory
 *      backup        a copy of it all, while a server runs
 *      replay        what a killed server had not posted yet
 *
 * Locks, in the order in which they are taken: keys_lock (DB.keys, one connection for all threads);
 * an account's; the brake's, the gate's, pending_lock, the log's, of which none is held while
 * another is taken.
 */
#ifndef HK_LEDGER_LEDGER_H
#define HK_LEDGER_LEDGER_H

#include "ledger/audit_log.h"
#include "ledger/brake.h"
#include "ledger/gate.h"
#include "ledger/record_text.h"

#include <stdatomic.h>
#include <sys/types.h>

#define HK__PENDING_MOST 1000000 /* bookings that wait for DB.keys; then nothing is answered */

struct hk_ledger {
    hk_ledger_options options; /* anchor is owned */
    char *db;                  /* links followed; owned */
    hk__gate *gate;
    hk__brake *brake;
    hk__audit *audit;

    pthread_mutex_t keys_lock; /* of these: */
    hk_keys *keys;
    int64_t data_version;
    dev_t keys_device;
    ino_t keys_inode;
    uint64_t cleaned; /* old match ids; hk__clock_ns */
    uint64_t posted;  /* number of the last record that is posted */

    pthread_mutex_t pending_lock; /* of these: */
    hk__booking *pending;
    size_t pending_count, pending_capacity;

    atomic_bool closed;         /* keys cannot be read: nobody is admitted */
    pthread_mutex_t state_lock; /* of these: */
    pthread_cond_t wake;
    bool stopping;
    hk_error keys_trouble; /* of the last posting or poll; HK_OK: none */

    pthread_t syncer, poster;
    bool has_syncer, has_poster;

    atomic_uint_fast64_t admissions[HK_ADMISSIONS], by_verdict[HK_VERDICTS], walk_steps;
    uint64_t refused_noted[HK_ADMISSIONS]; /* the poster's */
    uint64_t refused_at;
};

/* Appends a record, and frees its text. HK_ERR_NO_MEMORY where it did not fit into memory. */
hk_status hk__ledger_append(uint64_t *number, hk_ledger *ledger, hk__record_text *record,
                            hk_error *err) HK_MUST_CHECK;

/* Lets bookings (with what they own) wait for the next posting, all or none. */
hk_status hk__ledger_book(hk_ledger *ledger, hk__booking *bookings, size_t count,
                          hk_error *err) HK_MUST_CHECK;

/* Puts the log on the disk, and what is pending into DB.keys, with the anchor. With keys_lock held.
 */
hk_status hk__ledger_post(hk_ledger *ledger, hk_error *err) HK_MUST_CHECK;

/* Takes over what commands have changed in DB.keys. With keys_lock held. */
hk_status hk__ledger_poll(hk_ledger *ledger, hk_error *err) HK_MUST_CHECK;

/* Books what the log says from the anchor on. With keys_lock held. */
hk_status hk__ledger_replay(hk_ledger *ledger, const hk__head *anchor, hk_error *err) HK_MUST_CHECK;

#endif
