/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * error.h - writing an hk_error.
 */
#ifndef HK_CORE_ERROR_H
#define HK_CORE_ERROR_H

#include "herken.h"

/* Fills err (if not NULL) and returns status, so that a failing line reads
 * `return hk__fail(err, HK_ERR_IO, "...")`. Control characters are replaced, so that bytes of a
 * hostile file never reach a terminal through a message. */
hk_status hk__fail(hk_error *err, hk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* hk__fail with HK_ERR_NO_MEMORY and the words for it. */
hk_status hk__fail_memory(hk_error *err);

/* Bytes of the UTF-8 sequence at p, which a NUL ends; 0 if there is none, -1 if it is cut short by
 * the end. */
int hk__utf8_sequence(const unsigned char *p);

/* Makes text fit for a terminal and for JSON: control characters (of either block) and bytes that
 * are not UTF-8 become '?'; a sequence cut short at the end is dropped. */
void hk__printable(char *text);

#endif
