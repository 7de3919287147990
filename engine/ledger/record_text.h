/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record_text.h - the body of a record of the audit log, as it grows. */
#ifndef HK_LEDGER_RECORD_TEXT_H
#define HK_LEDGER_RECORD_TEXT_H

#include "herken.h"

typedef struct hk__record_text {
    char *bytes; /* owned; hk__free */
    size_t length, capacity;
    bool failed; /* no memory: it is not to be used */
} hk__record_text;

/* Adds what printf would print. */
void hk__record_add(hk__record_text *record, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds ,"NAME":"TEXT"; nothing where text is NULL. */
void hk__record_field(hk__record_text *record, const char *name, const char *text);
/* Adds which entry; number 0: none is known. */
void hk__record_entry(hk__record_text *record, const char *list, const char *entry,
                      uint32_t number);
/* Adds who asked, and from where (NULL: not known). */
void hk__record_caller(hk__record_text *record, const hk_caller *caller, const char *address);

#endif
