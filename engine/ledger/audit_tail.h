/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_tail.h - where an audit log ends, and whether it ends as it should. */
#ifndef HK_LEDGER_AUDIT_TAIL_H
#define HK_LEDGER_AUDIT_TAIL_H

#include "ledger/audit_file.h"

typedef struct hk__tail {
    hk__head head;   /* of the last record to go on from; number 0: there is none */
    bool in_current; /* it is in DB.audit; else that is not there, or empty */
    uint64_t torn;   /* bytes behind it that are no records, and were never acknowledged */
    bool lost;       /* the anchor's record is not where it should be, or not what it was */
} hk__tail;

/* Finds the end of the log of the store at `db`. Reads from the anchor on, or, where that does not
 * fit, the whole newest file. What it takes for torn lies behind the anchor; what does not follow
 * on before it was changed by somebody, and is left for hk_audit_verify to name. */
hk_status hk__audit_tail(hk__tail *out, const char *db, const hk__head *anchor,
                         hk_error *err) HK_MUST_CHECK;

/* The head that the first record of a file follows on, as it says itself; file: its own number.
 * *known = false: the file is empty, or does not begin with such a record. */
hk_status hk__audit_before(hk__head *out, bool *known, const char *path,
                           hk_error *err) HK_MUST_CHECK;

#endif
