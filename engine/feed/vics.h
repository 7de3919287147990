/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vics.h - the members of a Project VIC Media object that become columns of an entry; the reader
 * and the writer share them.
 */
#ifndef HK_FEED_VICS_H
#define HK_FEED_VICS_H

#include "herken.h"

#include <stdio.h>

typedef enum hk__vics_member {
    HK__VICS_OTHER = 0, /* goes into extra */
    HK__VICS_ID,
    HK__VICS_NAME,
    HK__VICS_CATEGORY,
    HK__VICS_MD5,
    HK__VICS_SHA1,
    HK__VICS_SHA256, /* not in the model, but written by some */
    HK__VICS_PHOTODNA,
    HK__VICS_TAGS,
    HK__VICS_DATE,
    HK__VICS_SOURCE,
    HK__VICS_HASHES,
    HK__VICS_DROPPED,
    HK__VICS_MEMBERS
} hk__vics_member;

/* Whatever the case of the name. */
hk__vics_member hk__vics_member_named(const char *name, size_t length);

void hk__vics_begin(FILE *out);
bool hk__vics_write(FILE *out, const hk_entry *entry, bool first);
void hk__vics_end(FILE *out);

#endif
