/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * csv.h - lists with a header, for those readers that come upon one.
 */
#ifndef HK_FEED_CSV_H
#define HK_FEED_CSV_H

#include "feed/row.h"

/* Whether the row is a header: one of its fields names a hash or a digest, and none is one. */
bool hk__csv_is_header(const hk__row *row);
/* Reads what is below a header. HK_ERR_FORMAT: it names one column twice. */
hk_status hk__csv_read_below(const hk__row *header, char separator, hk__source *source,
                             const hk__sink *sink, hk_error *err) HK_MUST_CHECK;

#endif
