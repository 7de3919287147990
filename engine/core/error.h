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

/* Replaces control characters in text by '?' and cuts an incomplete UTF-8 tail. */
void hk__printable(char *text);

#endif
