/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format_nsrl.c - NIST's reference data set, version 2 (NSRLFile.txt): what software ships with.
 *
 *      "SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"
 *
 * It is read by its header, as some editions lack CRC32 or have a SHA-256. Of a row the digests are
 * kept and the special code (M: malicious, S: special), as category: what NIST knows need not be
 * good. File names and products are not: one file stands in the set once for each product it is
 * part of, and would seem to be as many entries.
 */
#include "core/error.h"
#include "feed/row.h"
#include "feed/value.h"

typedef struct layout {
    int digest[HK_BASIS_PDQ]; /* -1: there is none */
    int special;
    size_t count;
} layout;

static bool is_header(const hk__row *row)
{
    return hk__row_find(row, "sha1") >= 0 && hk__row_find(row, "filename") >= 0 &&
           hk__row_find(row, "productcode") >= 0;
}

static hk_status read_row(hk__giving *giving, const layout *columns, const hk__row *row,
                          hk_error *err)
{
    static const char *const reasons[] = {"MD5 is not 32 hex digits", "SHA-1 is not 40 hex digits",
                                          "SHA-256 is not 64 hex digits"};
    hk__feed_item item = {.entry = HK_ENTRY_INIT, .line = row->line};
    const char *reason = row->count == columns->count ? NULL : "not as many fields as the header";
    for (int basis = 0; !reason && basis < HK_BASIS_PDQ; basis++) {
        const int column = columns->digest[basis];
        if (column >= 0 && row->field[column].length &&
            !hk__read_digest(&item.entry.digests, (hk_basis)basis, row->field[column].text,
                             row->field[column].length))
            reason = is_header(row) ? "the header again" : reasons[basis];
    }
    if (reason)
        return hk__feed_bad(giving->sink, row->line, reason, err);
    if (columns->special >= 0)
        item.entry.category = row->field[columns->special].text;
    return hk__feed_give(giving, &item, err);
}

static hk_status read_nsrl(hk__source *source, const hk__sink *sink, hk_error *err)
{
    hk__giving giving = {.sink = sink};
    char separator = 0;
    hk__row row = {0};
    hk_status status = hk__row_next(&row, &separator, source, sink, err);
    if (status || row.count == 0)
        return status;
    if (!is_header(&row))
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s, line %zu: not the header of an NSRL list: "
                        "\"SHA-1\",\"MD5\",..,\"FileName\",..,\"ProductCode\",..",
                        hk__source_path(source), row.line);
    const layout columns = {.digest = {hk__row_find(&row, "md5"), hk__row_find(&row, "sha1"),
                                       hk__row_find(&row, "sha256")},
                            .special = hk__row_find(&row, "specialcode"),
                            .count = row.count};
    while (!(status = hk__row_next(&row, &separator, source, sink, err)) && row.count &&
           !(status = read_row(&giving, &columns, &row, err)))
        ;
    return status;
}

static bool recognise(const char *head, size_t length)
{
    hk__row row;
    char space[HK__HEAD_MAX + 1];
    return hk__row_of_head(&row, space, head, length) && is_header(&row);
}

const hk__format hk__format_nsrl = {
    .info = {"nsrl", "NIST's reference data set, version 2 (NSRLFile.txt)", true, false},
    .recognise = recognise,
    .read = read_nsrl,
};
