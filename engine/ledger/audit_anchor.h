/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit_anchor.h - the head of the audit log in a file of its own, on another disk perhaps: one
 * line of HK__ANCHOR_SIZE bytes, written in its place.
 *
 *      herken audit NUMBER CHAIN TIME FILE BYTES
 */
#ifndef HK_LEDGER_AUDIT_ANCHOR_H
#define HK_LEDGER_AUDIT_ANCHOR_H

#include "ledger/audit_file.h"

#define HK__ANCHOR_SIZE 256

hk_status hk__anchor_write(const char *path, const hk__head *head, hk_error *err) HK_MUST_CHECK;
/* HK_ERR_FORMAT: it is no anchor, or damaged. */
hk_status hk__anchor_read(hk__head *out, const char *path, hk_error *err) HK_MUST_CHECK;

#endif
