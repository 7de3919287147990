/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export.h - entries written as others read them, into a file that is there whole or not at all.
 */
#ifndef HK_LIST_EXPORT_H
#define HK_LIST_EXPORT_H

#include "feed/feed.h"

/* Where the entries come from. */
typedef struct hk__entry_source {
    /* The next one, borrowed until the next call; *out = NULL after the last. */
    hk_status (*next)(const hk_entry **out, void *context, hk_error *err);
    void *context;
    const char *database; /* they lie in: the file must not take its place */
} hk__entry_source;

/* A format that can be written. HK_ERR_USAGE: there is none of that name. */
hk_status hk__export_format(const hk__format **out, const char *name, hk_error *err) HK_MUST_CHECK;

/* Writes what the source gives, beside `path` first, for its owner's eyes; "-" is stdout. *left_out
 * receives how many hold nothing that the format can say. */
hk_status hk__export(uint64_t *written, uint64_t *left_out, const hk__entry_source *source,
                     const hk__format *format, const char *path, hk_error *err) HK_MUST_CHECK;

#endif
