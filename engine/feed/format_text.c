/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format_text.c - one entry a line, as people and small tools write lists.
 *
 *      hash[,quality][,entry][,category]   64 hex digits; the PDQ tools' hash,quality,name too
 *      digest[,entry][,category]           32 or 40 hex digits
 *      digest  name                        as md5sum, sha1sum and sha256sum print it
 *      pdq hash                            as tx prints it; md5, video_md5, sha1, sha256, photodna
 *      hash=..,norm=..,delta=..,quality=..,filename=..     the PDQ tools' detailed lines
 *      pdq=..,quality=..,md5=..,sha1=..,sha256=..,entry=..,category=..     what is there, in any
 * order pdq,md5,entry,...                   a header: CSV from here on (format_csv.c) # remark,
 * %%%% remark               and blank lines: passed over
 *
 * CRLF, a byte-order mark and uppercase hex are taken. Fields may be quoted as in RFC 4180, on one
 * line; of a filename=.. all to the end of the line is the name. Norm and delta follow from the
 * hashes and are not kept.
 *
 * 64 hex digits may be a PDQ hash or a SHA-256, and a list read as the wrong one matches nothing.
 * So where neither a quality nor a name says which, the value is looked up as both.
 *
 * It writes one line for an entry: the first or second form where that says all there is, else the
 * one with names. LF and CR in texts become \x0a and \x0d. Hashes of the exact grid, PhotoDNA,
 * tags, source, date and extra are left out: CSV has them.
 */
#include "feed/csv.h"

#include "core/digest.h"
#include "core/error.h"
#include "feed/value.h"

#include <string.h>
#include <strings.h>

typedef struct reader {
    hk__giving giving;
    hk__source *source;
    bool under_way; /* a line was an entry or bad: no header any more */
    bool header;    /* row is one */
    char separator;
    hk__row row;
} reader;

static const char no_hash[] =
    "does not start with a hash: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)";
static const char no_length[] =
    "a hash of the wrong length: 64 hex digits (PDQ), 40 (SHA-1) or 32 (MD5)";
static const char no_quality[] = "quality is not a whole number from 0 to 100";
static const char no_such_value[] =
    "not what its name says: 64 hex digits (pdq, sha256), 40 (sha1) or 32 (md5)";
static const char twice[] = "two values of one kind";
static const char too_many[] =
    "more fields than hash,quality,entry,category; quote a name with commas";

/* A bare value: its length says what it is. */
static const char *read_value(hk_entry *entry, const char *text, size_t length)
{
    if (hk__hex_run(text, length) != length)
        return no_hash;
    if (length == 64)
        return hk__read_either(entry, text, length) ? NULL : no_hash;
    if (length != 32 && length != 40)
        return no_length;
    return hk__read_digest(&entry->digests, length == 32 ? HK_BASIS_MD5 : HK_BASIS_SHA1, text,
                           length)
               ? NULL
               : no_hash;
}

/* ---- md5sum and tx --------------------------------------------------------------------------- */

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

/* `digest  name` and `digest *name`, as md5sum and its kin write them, with so many hex digits;
 * false: it is none. */
static bool read_sum_line(hk__feed_item *item, char *text, size_t digits, bool escaped)
{
    char *name = text + digits;
    if ((digits != 32 && digits != 40 && digits != 64) || name[0] != ' ' ||
        (name[1] != ' ' && name[1] != '*'))
        return false;
    name += 2;
    if (escaped)
        unescape(name);
    item->entry.name = name;
    return !read_value(&item->entry, text, digits);
}

static bool is_named(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && !strncasecmp(name, text, length);
}

/* Puts a value into the entry, as what its name says; NULL, or the reason why it cannot be. *taken
 * = false: the name is that of no value. */
static const char *read_named(bool *taken, hk_entry *entry, const char *name, size_t name_length,
                              const char *text, size_t length)
{
    static const struct {
        const char *name;
        hk_basis basis;
    } known[] = {{"pdq", HK_BASIS_PDQ},       {"hash", HK_BASIS_PDQ},  {"md5", HK_BASIS_MD5},
                 {"video_md5", HK_BASIS_MD5}, {"sha1", HK_BASIS_SHA1}, {"sha256", HK_BASIS_SHA256}};
    *taken = true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const hk_basis basis = known[i].basis;
        if (!is_named(known[i].name, name, name_length))
            continue;
        if (basis == HK_BASIS_PDQ ? entry->has_hash : entry->digests.present >> basis & 1)
            return twice;
        if (basis != HK_BASIS_PDQ)
            return hk__read_digest(&entry->digests, basis, text, length) ? NULL : no_such_value;
        entry->has_hash = hk__read_hash(&entry->hash, text, length);
        return entry->has_hash ? NULL : no_such_value;
    }
    *taken = is_named("photodna", name, name_length);
    if (!*taken)
        return NULL;
    if (entry->has_photodna)
        return twice;
    entry->has_photodna = hk__read_photodna(entry->photodna, text, length);
    return entry->has_photodna ? NULL : "not a PhotoDNA value";
}

/* `pdq hash`; false: it does not begin with the name of a value and a blank. */
static bool read_tx_line(const char **reason, hk_entry *entry, const char *text, size_t length)
{
    const size_t name = strcspn(text, " ,=\"\t");
    bool taken;
    if (text[name] != ' ')
        return false;
    const size_t gap = strspn(text + name, " ");
    while (length && text[length - 1] == ' ')
        length--;
    if (length <= name + gap)
        return false;
    *reason = read_named(&taken, entry, text, name, text + name + gap, length - name - gap);
    return taken;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* One NAME=VALUE; *taken = false: it is none that we know. */
static const char *read_pair(bool *taken, hk_entry *entry, hk__field field)
{
    const size_t name = strcspn(field.text, "=");
    const char *value = field.text + name + 1;
    *taken = false;
    if (name == field.length)
        return NULL;
    const size_t length = field.length - name - 1;
    *taken = true;
    if (name == 7 && !strncmp(field.text, "quality", name))
        return hk__read_quality(&entry->quality, value, length) ? NULL : no_quality;
    if (name == 5 && !strncmp(field.text, "entry", name))
        entry->id = value;
    else if (name == 4 && !strncmp(field.text, "name", name))
        entry->name = value;
    else if (name == 8 && !strncmp(field.text, "category", name))
        entry->category = value;
    else if ((name != 4 || strncmp(field.text, "norm", name)) &&
             (name != 5 || strncmp(field.text, "delta", name)))
        return read_named(taken, entry, field.text, name, value, length);
    return NULL;
}

/* Lines that begin with the name of a value and '='; false: it does not. */
static bool read_pairs(const char **reason, reader *r, hk_entry *entry, char *text, size_t length)
{
    static const char mark[] = ",filename=";
    const size_t name = strcspn(text, "=,\" ");
    bool taken = false;
    const hk_entry before = *entry;
    if (text[name] != '=')
        return false;
    (void)read_named(&taken, entry, text, name, "", 0);
    *entry = before;
    if (!taken)
        return false;
    char *file = strstr(text, mark);
    if (file && !memchr(text, '"', (size_t)(file - text))) {
        entry->name = file + sizeof mark - 1;
        *file = '\0';
        length = (size_t)(file - text);
    }
    *reason = hk__row_split(&r->row, text, length, ',');
    for (size_t i = 0; !*reason && i < r->row.count; i++) {
        const hk__field field = r->row.field[i];
        *reason = read_pair(&taken, entry, field);
        if (taken || *reason || !field.length)
            continue;
        if (entry->name)
            *reason = too_many;
        entry->name = field.text; /* what the PDQ tools call metadata */
    }
    return true;
}

/* `hash[,quality][,entry][,category]`. */
static const char *read_plain(hk_entry *entry, const hk__row *row)
{
    const hk__field *field = row->field;
    const char *reason = read_value(entry, field[0].text, field[0].length);
    if (reason)
        return reason;
    const bool is_pdq = field[0].length == 64;
    size_t next = 1;
    if (is_pdq && row->count > 1 &&
        hk__read_quality(&entry->quality, field[1].text, field[1].length)) {
        entry->digests.present = 0; /* only PDQ hashes have a quality */
        entry->has_hash = true;
        next++;
    } else if (is_pdq && row->count > 1 && field[1].length == 0) {
        next++;
    } else if (is_pdq && row->count > 2 && strspn(field[1].text, "0123456789") == field[1].length) {
        return no_quality;
    }
    if (row->count - next > 2)
        return too_many;
    if (next < row->count)
        entry->name = field[next++].text;
    if (next < row->count)
        entry->category = field[next].text;
    return NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Reads a line into the item; NULL, or the reason why it is none. */
static const char *read_line(reader *r, hk__feed_item *item, char *text, size_t length)
{
    enum { SOME_DIGITS = 32 }; /* no name begins with so many */
    const char *reason = NULL;
    const bool escaped = *text == '\\';
    const size_t digits = hk__hex_run(text + escaped, length - escaped);
    const bool names = digits < SOME_DIGITS;
    if (read_sum_line(item, text + escaped, digits, escaped) ||
        (names && read_tx_line(&reason, &item->entry, text, length)) ||
        (names && read_pairs(&reason, r, &item->entry, text, length)))
        return reason;
    r->separator = names && !r->under_way ? hk__row_separator(text, length) : ',';
    reason = hk__row_split(&r->row, text, length, r->separator);
    r->header = !reason && names && hk__csv_is_header(&r->row);
    if (r->header && r->under_way)
        reason = "a header below other lines; make two files of it";
    else if (!reason && !r->header)
        reason = r->separator == ',' ? read_plain(&item->entry, &r->row) : no_hash;
    return reason;
}

static hk_status read_lines(reader *r, hk_error *err)
{
    for (;;) {
        char *text;
        size_t length;
        bool too_long;
        hk_status status =
            hk__source_line(&text, &length, &too_long, r->source, r->giving.sink, err);
        if (status || !text)
            return status;
        hk__feed_item item = {.entry = HK_ENTRY_INIT, .line = hk__source_at_line(r->source)};
        const char *reason = hk__row_refuse(text, length, too_long);
        const size_t blanks = reason ? 0 : strspn(text, " \t");
        text += blanks;
        length -= blanks;
        if (!reason && (hk__row_is_remark(text, length) || !strncmp(text, "%%%%", 4)))
            continue;
        if (!reason)
            reason = read_line(r, &item, text, length);
        if (!reason && r->header) {
            r->row.line = item.line;
            return hk__csv_read_below(&r->row, r->separator, r->source, r->giving.sink, err);
        }
        r->under_way = true;
        status = reason ? hk__feed_bad(r->giving.sink, item.line, reason, err)
                        : hk__feed_give(&r->giving, &item, err);
        if (status)
            return status;
    }
}

static hk_status read_text(hk__source *source, const hk__sink *sink, hk_error *err)
{
    reader r = {.giving = {.sink = sink}, .source = source};
    return read_lines(&r, err);
}

static bool recognise(const char *head, size_t length)
{
    (void)head;
    (void)length;
    return true;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A text with LF and CR escaped; NULL where that makes it longer than one can be read. */
static const char *on_one_line(char out[HK__TEXT_MAX + 1], const char *text)
{
    size_t to = 0;
    for (; *text; text++) {
        const bool escaped = *text == '\n' || *text == '\r';
        if (to + (escaped ? 4 : 1) > HK__TEXT_MAX)
            return NULL;
        if (escaped)
            to += (size_t)sprintf(out + to, "\\x%02x", *text);
        else
            out[to++] = *text;
    }
    out[to] = '\0';
    return out;
}

/* ",entry,category", as much of it as there is, or with names. */
static void write_words(FILE *out, const hk_entry *entry, bool named)
{
    /* Without names there is room for one of the first two. */
    const char *const words[] = {entry->id, named || !entry->id ? entry->name : NULL,
                                 entry->category};
    static const char *const names[] = {",entry=", ",name=", ",category="};
    for (int i = 0; i < 3; i++) {
        char line[HK__TEXT_MAX + 1], field[HK__TEXT_MAX + 16];
        const char *text = words[i] ? on_one_line(line, words[i]) : NULL;
        if (text && *text && named) {
            snprintf(field, sizeof field, "%s%s", names[i] + 1, text);
            putc(',', out);
            hk__row_put(out, field);
        } else if (!named && ((text && *text) || (i == 1 && !entry->id && entry->category))) {
            putc(',', out);
            hk__row_put(out, text ? text : "");
        }
    }
}

/* Whether it says no more than that its value may be either (hk__read_either). */
static bool is_either(const hk_entry *entry)
{
    uint8_t bytes[32];
    char text[HK_HASH_TEXT_SIZE];
    hk_entry read = HK_ENTRY_INIT;
    if (entry->quality != HK_NO_QUALITY || entry->digests.present & ~HK_DIGEST_SHA256)
        return false;
    if (entry->has_hash)
        hk_hash_format(text, &entry->hash);
    else
        hk__hex(text, entry->digests.sha256, sizeof bytes, false);
    return hk__read_either(&read, text, HK_HASH_TEXT_SIZE - 1) &&
           read.has_hash == entry->has_hash && read.digests.present == entry->digests.present &&
           (!read.digests.present ||
            !memcmp(read.digests.sha256, entry->digests.sha256, sizeof bytes));
}

static void write_named(FILE *out, const hk_entry *entry)
{
    char text[HK_HASH_TEXT_SIZE];
    const char *comma = "";
    if (entry->has_hash) {
        hk_hash_format(text, &entry->hash);
        fprintf(out, "pdq=%s", text);
        if (entry->quality != HK_NO_QUALITY)
            fprintf(out, ",quality=%d", entry->quality);
        comma = ",";
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (entry->digests.present >> basis & 1) {
            hk__hex(text, hk__digest_bytes(&entry->digests, (hk_basis)basis),
                    hk__digest_size((hk_basis)basis), false);
            fprintf(out, "%s%s=%s", comma, hk_basis_name((hk_basis)basis), text);
            comma = ",";
        }
}

static bool write_line(FILE *out, const hk_entry *entry, bool first)
{
    char text[HK_HASH_TEXT_SIZE];
    const unsigned digests = entry->digests.present;
    (void)first;
    if (!entry->has_hash && !digests)
        return false;
    const bool either = is_either(entry);
    const bool pdq = entry->has_hash && !digests && entry->quality != HK_NO_QUALITY;
    const bool short_digest =
        !entry->has_hash && (digests == HK_DIGEST_MD5 || digests == HK_DIGEST_SHA1);
    if (pdq || (either && entry->has_hash)) {
        hk_hash_format(text, &entry->hash);
        fputs(text, out);
        if (pdq)
            fprintf(out, ",%d", entry->quality);
        else if (entry->id || entry->name || entry->category)
            putc(',', out);
    } else if (either) {
        fputs(hk__hex(text, entry->digests.sha256, sizeof entry->digests.sha256, false), out);
        if (entry->id || entry->name || entry->category)
            putc(',', out);
    } else if (short_digest) {
        const hk_basis basis = digests == HK_DIGEST_MD5 ? HK_BASIS_MD5 : HK_BASIS_SHA1;
        fputs(
            hk__hex(text, hk__digest_bytes(&entry->digests, basis), hk__digest_size(basis), false),
            out);
    } else {
        write_named(out, entry);
    }
    write_words(out, entry, !(pdq || either || short_digest));
    putc('\n', out);
    return true;
}

static void nothing(FILE *out)
{
    (void)out;
}

const hk__format hk__format_text = {
    .info = {"text", "one hash or digest a line, as md5sum and the PDQ tools print them", true,
             true},
    .recognise = recognise,
    .read = read_text,
    .begin = nothing,
    .write = write_line,
    .end = nothing,
};
