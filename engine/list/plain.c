/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain.c - reads a plain list file (hk_list_load, herken.h).
 *
 *      hash[,quality][,entry][,category]   64 hex digits; the PDQ tools' hash,quality,name too
 *      digest[,entry][,category]           32 or 40 hex digits
 *      digest  name                        as md5sum, sha1sum and sha256sum print it
 *      pdq,md5,entry,...                   a header: CSV from here on, columns in any order
 *      # remark                            and blank lines: passed over
 *
 * CRLF, a byte-order mark and uppercase hex are taken. Fields may be quoted as in RFC 4180, on one
 * line. Every line that cannot be used is kept with its number and the reason.
 *
 * 64 hex digits may be a PDQ hash or a SHA-256, and a list read as the wrong one matches nothing.
 * So where neither a quality nor a header says which, the value is looked up as both.
 */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "list/list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 65536, FIELDS_MAX = 64 };

typedef enum column {
    COLUMN_OTHER = 0,
    COLUMN_PDQ,
    COLUMN_HASH, /* 64 hex digits, and the name does not say of what */
    COLUMN_QUALITY,
    COLUMN_MD5,
    COLUMN_SHA1,
    COLUMN_SHA256,
    COLUMN_ENTRY,
    COLUMN_CATEGORY
} column;

typedef struct reader {
    hk_list *list;
    const char *path;
    size_t line; /* number of the line in hand */
    bool csv;    /* a header was read */
    column columns[FIELDS_MAX];
    size_t column_count;
    hk_error *err;
} reader;

static hk_status bad(reader *r, const char *reason)
{
    return hk__list_add_bad(r->list, r->line, false, reason, r->err);
}

/* Length of the run of hex digits at the start of text. */
static size_t hex_run(const char *text)
{
    size_t n = 0;
    while (isxdigit((unsigned char)text[n]))
        n++;
    return n;
}

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* Precondition: text starts with twice the digest's size in hex digits. */
static void set_digest(hk_digests *digests, hk_basis basis, const char *text)
{
    uint8_t *bytes = basis == HK_BASIS_MD5    ? digests->md5
                     : basis == HK_BASIS_SHA1 ? digests->sha1
                                              : digests->sha256;
    for (size_t i = 0; i < hk__digest_size(basis); i++)
        bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    digests->present |= 1u << basis;
}

/* Splits one line into fields in place; quotes are taken off. Returns the number of fields, or 0
 * with *reason set. */
static size_t split(char *line, char *fields[FIELDS_MAX], const char **reason)
{
    size_t count = 0;
    for (char *p = line;;) {
        if (count == FIELDS_MAX) {
            *reason = "more than 64 fields";
            return 0;
        }
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p == '"') {
            char *to = ++p;
            fields[count++] = to;
            for (;; p++) {
                if (*p == '\0') {
                    *reason = "a quoted field does not end on its line";
                    return 0;
                }
                if (*p == '"' && *++p != '"')
                    break;
                *to++ = *p;
            }
            while (*p == ' ' || *p == '\t')
                p++;
            if (*p != ',' && *p != '\0') {
                *reason = "text after a closing quote";
                return 0;
            }
            const bool last = *p == '\0';
            *to = '\0';
            if (last)
                return count;
            p++;
        } else {
            fields[count++] = p;
            char *end = strchr(p, ',');
            char *trim = end ? end : p + strlen(p);
            while (trim > p && (trim[-1] == ' ' || trim[-1] == '\t'))
                trim--;
            *trim = '\0';
            if (!end)
                return count;
            p = end + 1;
        }
    }
}

/* -1 if text is no whole number from 0 to 100. */
static int quality_of(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 3 || strspn(text, "0123456789") != n)
        return -1;
    int value = 0;
    for (const char *p = text; *p; p++)
        value = value * 10 + (*p - '0');
    return value <= 100 ? value : -1;
}

static column column_named(const char *name)
{
    static const struct {
        const char *name;
        column column;
    } known[] = {
        {"pdq", COLUMN_PDQ},           {"hash", COLUMN_HASH},  {"quality", COLUMN_QUALITY},
        {"md5", COLUMN_MD5},           {"sha1", COLUMN_SHA1},  {"sha256", COLUMN_SHA256},
        {"entry", COLUMN_ENTRY},       {"path", COLUMN_ENTRY}, {"filename", COLUMN_ENTRY},
        {"category", COLUMN_CATEGORY},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(name, known[i].name))
            return known[i].column;
    return COLUMN_OTHER;
}

/* Whether the text is a value rather than a name: as many hex digits as a hash or digest has. */
static bool is_hash(const char *text)
{
    const size_t digits = hex_run(text);
    return !text[digits] && (digits == 32 || digits == 40 || digits == 64);
}

static bool holds_hashes(column sort)
{
    return sort == COLUMN_PDQ || sort == COLUMN_HASH || sort == COLUMN_MD5 || sort == COLUMN_SHA1 ||
           sort == COLUMN_SHA256;
}

/* Whether the fields are a header: one of them names a hash or a digest, and none is one. */
static bool is_header(reader *r, char *fields[], size_t count)
{
    bool names_a_hash = false;
    for (size_t i = 0; i < count; i++) {
        if (is_hash(fields[i]))
            return false;
        r->columns[i] = column_named(fields[i]);
        names_a_hash |= holds_hashes(r->columns[i]);
    }
    return names_a_hash;
}

/* One column would hide another of its name: then there is no telling what was meant. */
static hk_status take_header(reader *r, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (r->columns[i] == r->columns[j] && r->columns[i] != COLUMN_OTHER)
                return hk__fail(r->err, HK_ERR_FORMAT,
                                "%s: the header names one column twice (%zu and %zu)", r->path,
                                j + 1, i + 1);
    r->column_count = count;
    r->csv = true;
    return HK_OK;
}

/* 64 hex digits of which nothing says what they are: a PDQ hash unless its one-bits are too far
 * from 128, and a SHA-256 unless no digest would have so few or many. */
static void set_either(hk__new_entry *entry, const char *text)
{
    enum { DIGEST_ONES_SLACK = 64 }; /* eight standard deviations of random bits */
    if (hk_hash_parse(&entry->hash, text, 64, NULL))
        return;
    const unsigned ones = hk_hash_ones(&entry->hash), half = HK_HASH_BITS / 2;
    const unsigned off = ones > half ? ones - half : half - ones;
    if (off <= DIGEST_ONES_SLACK)
        set_digest(&entry->digests, HK_BASIS_SHA256, text);
    entry->has_hash = off > DIGEST_ONES_SLACK || (!hk__list_hash_is_degenerate(&entry->hash) &&
                                                  !hk__list_is_of_nothing(&entry->digests));
}

static bool has_quality(const reader *r, char *fields[])
{
    for (size_t i = 0; i < r->column_count; i++)
        if (r->columns[i] == COLUMN_QUALITY && *fields[i])
            return true;
    return false;
}

static hk_status read_row(reader *r, char *fields[], size_t count)
{
    static const hk_basis basis_of[] = {[COLUMN_MD5] = HK_BASIS_MD5,
                                        [COLUMN_SHA1] = HK_BASIS_SHA1,
                                        [COLUMN_SHA256] = HK_BASIS_SHA256};
    hk__new_entry entry = {.line = r->line};
    if (count != r->column_count)
        return bad(r, count < r->column_count ? "fewer fields than the header names"
                                              : "more fields than the header names");
    for (size_t i = 0; i < count; i++) {
        const char *text = fields[i];
        if (!*text)
            continue;
        const column sort = r->columns[i];
        switch (sort) {
        case COLUMN_HASH:
            if (strlen(text) != 64 || hex_run(text) != 64)
                return bad(r, "hash is not 64 hex digits");
            if (!has_quality(r, fields)) {
                set_either(&entry, text);
                break;
            }
            /* fall through */
        case COLUMN_PDQ:
            if (hk_hash_parse(&entry.hash, text, strlen(text), NULL))
                return bad(r, "pdq is not 64 hex digits");
            entry.has_hash = true;
            break;
        case COLUMN_MD5:
        case COLUMN_SHA1:
        case COLUMN_SHA256:
            if (strlen(text) != 2 * hk__digest_size(basis_of[sort]) ||
                hex_run(text) != strlen(text))
                return bad(r, sort == COLUMN_MD5    ? "md5 is not 32 hex digits"
                              : sort == COLUMN_SHA1 ? "sha1 is not 40 hex digits"
                                                    : "sha256 is not 64 hex digits");
            set_digest(&entry.digests, basis_of[sort], text);
            break;
        case COLUMN_QUALITY:
            if (quality_of(text) < 0)
                return bad(r, "quality is not a whole number from 0 to 100");
            break;
        case COLUMN_ENTRY:
            entry.id = text;
            break;
        case COLUMN_CATEGORY:
            entry.category = text;
            break;
        case COLUMN_OTHER:
            if (is_hash(text))
                return bad(r, "a hash or digest in a column whose name is not known");
            break;
        }
    }
    return hk__list_add(r->list, &entry, r->err);
}

/* md5sum writes a name with a backslash or a line end in it as \\ and \n, and marks the line. */
static void unescape(char *name)
{
    char *to = name;
    for (; *name; name++) {
        if (*name == '\\' && name[1]) {
            name++;
            *to++ = *name == 'n' ? '\n' : *name == 'r' ? '\r' : *name;
        } else {
            *to++ = *name;
        }
    }
    *to = '\0';
}

/* `digest  name` and `digest *name`, as md5sum and its kin write them. */
static hk_status read_sum_line(reader *r, char *text, size_t digits, bool escaped)
{
    hk__new_entry entry = {.line = r->line, .id = text + digits + 2};
    if (escaped)
        unescape(text + digits + 2);
    if (digits == 64)
        set_either(&entry, text);
    else
        set_digest(&entry.digests, digits == 32 ? HK_BASIS_MD5 : HK_BASIS_SHA1, text);
    return hk__list_add(r->list, &entry, r->err);
}

/* `hash[,quality][,entry][,category]`. */
static hk_status read_plain(reader *r, char *fields[], size_t count)
{
    hk__new_entry entry = {.line = r->line};
    const char *text = fields[0];
    const size_t digits = hex_run(text);
    if (text[digits])
        return bad(r, "does not start with a hash: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)");
    if (digits == 64) {
        set_either(&entry, text);
    } else if (digits == 32 || digits == 40) {
        set_digest(&entry.digests, digits == 32 ? HK_BASIS_MD5 : HK_BASIS_SHA1, text);
    } else {
        return bad(r, "a hash of the wrong length: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)");
    }

    size_t next = 1;
    if (digits == 64 && next < count && (!*fields[next] || quality_of(fields[next]) >= 0)) {
        if (*fields[next]) { /* only PDQ hashes have a quality */
            entry.digests.present = 0;
            entry.has_hash = true;
        }
        next++;
    } else if (digits == 64 && count > 2 && strspn(fields[1], "0123456789") == strlen(fields[1]))
        return bad(r, "quality is not a whole number from 0 to 100");
    if (count - next > 2)
        return bad(r, "more fields than hash,quality,entry,category; quote a name with commas");
    if (next < count)
        entry.id = fields[next++];
    if (next < count)
        entry.category = fields[next];
    return hk__list_add(r->list, &entry, r->err);
}

static hk_status read_line(reader *r, char *text, size_t length)
{
    if (memchr(text, '\0', length))
        return bad(r, "a NUL byte in the line");
    if (length && text[length - 1] == '\r')
        text[--length] = '\0';
    if (memchr(text, '\r', length))
        return bad(r, "a carriage return in the line: end lines with LF or CRLF");
    if (r->line == 1 && !strncmp(text, "\xef\xbb\xbf", 3))
        text += 3;
    text += strspn(text, " \t");
    if (*text == '\0' || *text == '#')
        return HK_OK;

    if (!r->csv) {
        char *sum = *text == '\\' ? text + 1 : text; /* md5sum's mark of an escaped name */
        const size_t digits = hex_run(sum);
        if ((digits == 32 || digits == 40 || digits == 64) && sum[digits] == ' ' &&
            (sum[digits + 1] == ' ' || sum[digits + 1] == '*'))
            return read_sum_line(r, sum, digits, sum != text);
    }

    char *fields[FIELDS_MAX];
    const char *reason = NULL;
    const size_t count = split(text, fields, &reason);
    if (!count)
        return bad(r, reason);
    if (r->csv)
        return read_row(r, fields, count);
    if (r->list->count == 0 && r->list->bad_count == 0 && is_header(r, fields, count))
        return take_header(r, count);
    return read_plain(r, fields, count);
}

/* Reads one line without its newline into buffer (LINE_MAX_BYTES + 2). Returns false at the end of
 * the file; *too_long is set where the rest of the line was passed over. */
static bool next_line(char *buffer, size_t *length, bool *too_long, FILE *file)
{
    size_t n = 0;
    int c;
    *too_long = false;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (n < LINE_MAX_BYTES)
            buffer[n++] = (char)c;
        else
            *too_long = true;
    }
    buffer[n] = '\0';
    *length = n;
    return c != EOF || n > 0;
}

hk_status hk_list_load(hk_list **out, const char *path, const char *name, hk_error *err)
{
    hk_status status = HK_OK;
    hk_list *list = NULL;
    char *buffer = NULL;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return hk__fail(err, HK_ERR_IO, "cannot open the list %s: %s", path, strerror(errno));
    buffer = hk__alloc(LINE_MAX_BYTES + 2, 1);
    if (!buffer) {
        status = hk__fail_memory(err);
        goto out;
    }
    status = hk__list_new(&list, name, err);
    if (status)
        goto out;

    reader r = {.list = list, .path = path, .err = err};
    size_t length;
    bool too_long;
    while (next_line(buffer, &length, &too_long, file)) {
        r.line++;
        status = too_long ? bad(&r, "longer than 65,536 bytes") : read_line(&r, buffer, length);
        if (status)
            goto out;
    }
    if (ferror(file))
        status = hk__fail(err, HK_ERR_SYSTEM, "cannot read the list %s: %s", path, strerror(errno));
out:
    fclose(file);
    hk__free(buffer);
    if (status)
        hk_list_free(list);
    else
        *out = list;
    return status;
}
