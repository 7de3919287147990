/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format_csv.c - lists with a header: the one format that says everything an entry holds.
 *
 *      pdq,quality,exact,md5,sha1,sha256,photodna,entry,name,category,tags,source,date,extra,frames
 *
 * is what it writes (UTF-8, LF, RFC 4180 quotes, dates in UTC). It reads these columns in any
 * order, whatever the case and blanks, '-' and '_' in their names, separated by ',' or ';', and
 * also
 *
 *      hash           64 hex digits, PDQ or SHA-256: where no quality says which, looked up as both
 *      frames         of the picture that pdq is of: NUMBER:HASH with a blank between
 *      exact_hash     exact
 *      id, image id, path, filename     the entry, in this order, where none is called so
 *      state          withdrawn or deleted: the feed takes the entry back; active or nothing
 *
 * What is in other columns is kept in extra under the column's name, so INTERPOL's ICSE list is
 * read whole: MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;...
 * But a hash or digest in a column of another name is a bad line: a list that says nothing of its
 * images would match nothing.
 */
#include "feed/csv.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "feed/extra.h"
#include "feed/value.h"

#include <string.h>
#include <strings.h>

typedef enum column {
    COLUMN_OTHER = 0,
    COLUMN_PDQ,
    COLUMN_HASH, /* 64 hex digits, and the name does not say of what */
    COLUMN_QUALITY,
    COLUMN_EXACT,
    COLUMN_MD5,
    COLUMN_SHA1,
    COLUMN_SHA256,
    COLUMN_PHOTODNA,
    COLUMN_ENTRY,
    COLUMN_NAME,
    COLUMN_CATEGORY,
    COLUMN_TAGS,
    COLUMN_SOURCE,
    COLUMN_DATE,
    COLUMN_EXTRA,
    COLUMN_STATE,
    COLUMN_FRAMES,
    COLUMNS
} column;

/* Of several columns for one thing the first here is taken, and the others are kept in extra. */
static const struct {
    const char *name;
    column column;
} known[] = {
    {"pdq", COLUMN_PDQ},           {"hash", COLUMN_HASH},        {"quality", COLUMN_QUALITY},
    {"exact", COLUMN_EXACT},       {"exact_hash", COLUMN_EXACT}, {"md5", COLUMN_MD5},
    {"sha1", COLUMN_SHA1},         {"sha256", COLUMN_SHA256},    {"photodna", COLUMN_PHOTODNA},
    {"entry", COLUMN_ENTRY},       {"id", COLUMN_ENTRY},         {"image id", COLUMN_ENTRY},
    {"name", COLUMN_NAME},         {"path", COLUMN_NAME},        {"filename", COLUMN_NAME},
    {"category", COLUMN_CATEGORY}, {"tags", COLUMN_TAGS},        {"source", COLUMN_SOURCE},
    {"date", COLUMN_DATE},         {"extra", COLUMN_EXTRA},      {"state", COLUMN_STATE},
    {"frames", COLUMN_FRAMES},
};
enum { KNOWN = sizeof known / sizeof *known };
#define NUMBER "column " /* what a column without a name of its own is called */

typedef struct reader {
    hk__giving giving;
    column columns[HK__FIELDS_MAX];
    size_t count;
    char *names;                      /* of the columns, as the header has them; owned */
    const char *name[HK__FIELDS_MAX]; /* in names; of others, what they are called in extra */
    bool has_others;
    char extra[HK__TEXT_MAX + 1];
    uint8_t cuts[HK_CUTS_MOST * HK_CUT_SIZE];
} reader;

/* ---- the header ------------------------------------------------------------------------------ */

/* Index in known of a column's name; KNOWN: it is none of them. */
static size_t known_as(const char *name)
{
    size_t i = 0;
    while (i < KNOWN && !hk__row_same_name(name, known[i].name))
        i++;
    return i;
}

static bool holds_hashes(column sort)
{
    return sort == COLUMN_PDQ || sort == COLUMN_HASH || sort == COLUMN_EXACT ||
           sort == COLUMN_MD5 || sort == COLUMN_SHA1 || sort == COLUMN_SHA256 ||
           sort == COLUMN_PHOTODNA;
}

bool hk__csv_is_header(const hk__row *row)
{
    bool names_a_hash = false;
    for (size_t i = 0; i < row->count; i++) {
        if (hk__is_value(row->field[i].text, row->field[i].length))
            return false;
        const size_t k = known_as(row->field[i].text);
        names_a_hash |= k < KNOWN && holds_hashes(known[k].column);
    }
    return names_a_hash;
}

/* What stands under two columns of one name, or under pdq and hash, is not to be told apart. */
static hk_status refuse_twice(const hk__row *header, hk__source *source, hk_error *err)
{
    size_t seen[KNOWN + 1] = {0};
    for (size_t i = 0; i < header->count; i++) {
        const size_t k = known_as(header->field[i].text);
        const size_t before = seen[k] ? seen[k] : k == 0 ? seen[1] : k == 1 ? seen[0] : 0;
        if (k < KNOWN && before)
            return hk__fail(err, HK_ERR_FORMAT,
                            "%s, line %zu: the header names one column twice (%zu and %zu)",
                            hk__source_path(source), header->line, before, i + 1);
        seen[k] = i + 1;
    }
    return HK_OK;
}

/* Which of the columns each sort is read from. */
static void choose_columns(reader *r, const hk__row *header)
{
    size_t taken[COLUMNS]; /* index in known of what is chosen so far */
    for (size_t i = 0; i < COLUMNS; i++)
        taken[i] = KNOWN;
    for (size_t i = 0; i < header->count; i++) {
        const size_t k = known_as(header->field[i].text);
        if (k < KNOWN && k < taken[known[k].column])
            taken[known[k].column] = k;
    }
    for (size_t i = 0; i < header->count; i++) {
        const size_t k = known_as(header->field[i].text);
        const bool chosen = k < KNOWN && taken[known[k].column] == k;
        r->columns[i] = chosen ? known[k].column : COLUMN_OTHER;
        r->has_others |= !chosen;
    }
}

/* Keeps the names, for extra: those that stand twice, or not at all, by their place. */
static hk_status keep_names(reader *r, const hk__row *header, hk_error *err)
{
    enum { NUMBERED = sizeof NUMBER + 20 };
    size_t used = 0, size = 0;
    for (size_t i = 0; i < header->count; i++)
        size += 4 * header->field[i].length + NUMBERED;
    r->names = hk__alloc(size, 1);
    if (!r->names)
        return hk__fail_memory(err);
    for (size_t i = 0; i < header->count; i++) {
        const hk__field *field = &header->field[i];
        const char *name = hk__feed_utf8(r->extra, field->text, field->length);
        for (size_t j = 0; name && j < i; j++)
            if (!strcmp(name, r->name[j]))
                name = NULL;
        char *place = r->names + used;
        if (name && *name)
            strcpy(place, name);
        else
            snprintf(place, NUMBERED, NUMBER "%zu", i + 1);
        r->name[i] = place;
        used += strlen(place) + 1;
    }
    return HK_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool has_quality(const reader *r, const hk__row *row)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->columns[i] == COLUMN_QUALITY && row->field[i].length)
            return true;
    return false;
}

static const char *read_state(bool *withdraw, const char *text)
{
    *withdraw = !strcasecmp(text, "withdrawn") || !strcasecmp(text, "deleted");
    return *withdraw || !strcasecmp(text, "active")
               ? NULL
               : "state is neither active nor withdrawn nor deleted";
}

/* Puts one field, which is not empty, into the item; NULL, or the reason why it cannot be. */
static const char *read_field(hk__feed_item *item, column sort, const hk__field *field, bool is_pdq)
{
    hk_entry *entry = &item->entry;
    const char *text = field->text;
    const size_t length = field->length;
    switch (sort) {
    case COLUMN_HASH:
        if (!is_pdq)
            return hk__read_either(entry, text, length) ? NULL : "hash is not 64 hex digits";
        /* fall through */
    case COLUMN_PDQ:
        entry->has_hash = hk__read_hash(&entry->hash, text, length);
        return entry->has_hash ? NULL : "pdq is not 64 hex digits";
    case COLUMN_EXACT:
        entry->has_exact_hash = hk__read_hash(&entry->exact_hash, text, length);
        return entry->has_exact_hash ? NULL : "exact is not 64 hex digits";
    case COLUMN_QUALITY:
        return hk__read_quality(&entry->quality, text, length)
                   ? NULL
                   : "quality is not a whole number from 0 to 100";
    case COLUMN_MD5:
        return hk__read_digest(&entry->digests, HK_BASIS_MD5, text, length)
                   ? NULL
                   : "md5 is not 32 hex digits";
    case COLUMN_SHA1:
        return hk__read_digest(&entry->digests, HK_BASIS_SHA1, text, length)
                   ? NULL
                   : "sha1 is not 40 hex digits";
    case COLUMN_SHA256:
        return hk__read_digest(&entry->digests, HK_BASIS_SHA256, text, length)
                   ? NULL
                   : "sha256 is not 64 hex digits";
    case COLUMN_PHOTODNA:
        entry->has_photodna = hk__read_photodna(entry->photodna, text, length);
        return entry->has_photodna ? NULL
                                   : "photodna is neither 192 characters of base64 nor 288 hex "
                                     "digits";
    case COLUMN_DATE:
        return hk__read_date(&entry->date, text, length) ? NULL : "date is not as in ISO 8601";
    case COLUMN_STATE:
        return read_state(&item->withdraw, text);
    case COLUMN_ENTRY:
        entry->id = text;
        return NULL;
    case COLUMN_NAME:
        entry->name = text;
        return NULL;
    case COLUMN_CATEGORY:
        entry->category = text;
        return NULL;
    case COLUMN_TAGS:
        entry->tags = text;
        return NULL;
    case COLUMN_SOURCE:
        entry->source = text;
        return NULL;
    case COLUMN_EXTRA:  /* with the others, see keep_extra */
    case COLUMN_FRAMES: /* see read_frames */
        return NULL;
    default:
        return hk__is_value(text, length) ? "a hash or digest in a column whose name is not known"
                                          : NULL;
    }
}

/* Puts the frames of the row into the item; NULL, or the reason why it cannot be. */
static const char *read_frames(reader *r, hk_entry *entry, const hk__field *field)
{
    const char *at = field->text, *end = field->text + field->length;
    size_t count = 0;
    while (at < end) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        unsigned number = 0;
        hk_hash hash;
        for (; colon && at < colon && *at >= '0' && *at <= '9' && number < 1000; at++)
            number = 10 * number + (unsigned)(*at - '0');
        if (!colon || at != colon || number > UINT8_MAX || count == HK_CUTS_MOST ||
            end - colon < HK_HASH_TEXT_SIZE ||
            !hk__read_hash(&hash, colon + 1, HK_HASH_TEXT_SIZE - 1))
            return "frames are not NUMBER:HASH, at most 128 of them, with a blank between";
        at = colon + HK_HASH_TEXT_SIZE;
        r->cuts[count * HK_CUT_SIZE] = (uint8_t)number;
        hk__hash_to_bytes(r->cuts + count++ * HK_CUT_SIZE + 1, &hash);
        if (at < end && *at++ != ' ')
            return "frames are not NUMBER:HASH, at most 128 of them, with a blank between";
    }
    if (!entry->has_hash)
        return "frames of a picture without pdq";
    if (!hk__cuts_are_sound(r->cuts, count))
        return "the numbers of frames do not ascend from 1 on";
    entry->cuts = r->cuts;
    entry->cut_count = count;
    return NULL;
}

/* What extra holds, and what other columns hold, as one text. */
static hk_status keep_extra(reader *r, hk_entry *entry, const hk__row *row, const char **reason,
                            hk_error *err)
{
    static const char too_many[] = "more than 64 values in extra and columns of other names";
    hk__extra extra = {0};
    json_t *object = NULL, *value;
    const char *name;
    hk_status status = HK_OK;
    for (size_t i = 0; i < r->count && !status && !*reason; i++) {
        const hk__field *field = &row->field[i];
        if (field->length == 0)
            continue;
        if (r->columns[i] == COLUMN_EXTRA)
            status = hk__extra_parse(&object, reason, field->text, field->length, err);
        else if (r->columns[i] == COLUMN_OTHER &&
                 !hk__extra_add(&extra, r->name[i], field->text, NULL))
            *reason = too_many;
    }
    json_object_foreach(object, name,
                        value) if (!hk__extra_add(&extra, name, NULL, value)) *reason = too_many;
    if (!status && !*reason) {
        status = hk__extra_text(r->extra, reason, &extra, err);
        entry->extra = r->extra;
    }
    json_decref(object);
    return status;
}

/* Whether a row that cannot be read is a header; one name alone may be an entry's. */
static bool is_another_header(const hk__row *row)
{
    size_t names = 0;
    for (size_t i = 0; i < row->count; i++)
        names += known_as(row->field[i].text) < KNOWN;
    return hk__csv_is_header(row) && (names > 1 || row->count == 1);
}

/* Whether it is that of this file. */
static bool is_header_again(const reader *r, const hk__row *row)
{
    for (size_t i = 0; i < r->count && r->count == row->count; i++)
        if (strcmp(r->name[i], row->field[i].text) &&
            strncmp(r->name[i], NUMBER, sizeof NUMBER - 1))
            return false;
    return r->count == row->count;
}

static hk_status read_row(reader *r, const hk__row *row, hk__source *source, hk_error *err)
{
    hk__feed_item item = {.entry = HK_ENTRY_INIT, .line = row->line};
    const char *reason = row->count < r->count   ? "fewer fields than the header names"
                         : row->count > r->count ? "more fields than the header names"
                                                 : NULL;
    for (size_t i = 0; !reason && i < r->count; i++)
        if (row->field[i].length)
            reason = read_field(&item, r->columns[i], &row->field[i],
                                r->columns[i] == COLUMN_HASH && has_quality(r, row));
    for (size_t i = 0; !reason && i < r->count; i++)
        if (r->columns[i] == COLUMN_FRAMES && row->field[i].length)
            reason = read_frames(r, &item.entry, &row->field[i]);
    if (reason && is_another_header(row)) {
        if (!is_header_again(r, row))
            return hk__fail(err, HK_ERR_FORMAT,
                            "%s, line %zu: another header, of other columns; make two files of it",
                            hk__source_path(source), row->line);
        reason = "the header again";
    }
    hk_status status = HK_OK;
    if (!reason && r->has_others)
        status = keep_extra(r, &item.entry, row, &reason, err);
    if (status)
        return status;
    return reason ? hk__feed_bad(r->giving.sink, row->line, reason, err)
                  : hk__feed_give(&r->giving, &item, err);
}

hk_status hk__csv_read_below(const hk__row *header, char separator, hk__source *source,
                             const hk__sink *sink, hk_error *err)
{
    hk__row row = *header;
    reader *r = hk__alloc(1, sizeof *r);
    if (!r)
        return hk__fail_memory(err);
    r->giving.sink = sink;
    r->count = header->count;
    choose_columns(r, header);
    for (size_t i = 0; i < r->count; i++)
        r->has_others |= r->columns[i] == COLUMN_EXTRA;
    hk_status status = refuse_twice(header, source, err);
    if (!status)
        status = keep_names(r, header, err);
    while (!status) {
        status = hk__row_next(&row, &separator, source, sink, err);
        if (!status && row.count == 0)
            break;
        if (!status)
            status = read_row(r, &row, source, err);
    }
    hk__free(r->names);
    hk__free(r);
    return status;
}

static hk_status read_csv(hk__source *source, const hk__sink *sink, hk_error *err)
{
    hk__row header = {0};
    char separator = 0;
    hk_status status = hk__row_next(&header, &separator, source, sink, err);
    if (status || header.count == 0)
        return status;
    if (!hk__csv_is_header(&header))
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s, line %zu: no header that names a hash: pdq, md5, sha1, sha256 or "
                        "photodna",
                        hk__source_path(source), header.line);
    return hk__csv_read_below(&header, separator, source, sink, err);
}

static bool recognise(const char *head, size_t length)
{
    hk__row row;
    char space[HK__HEAD_MAX + 1];
    return hk__row_of_head(&row, space, head, length) && hk__csv_is_header(&row);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void begin(FILE *out)
{
    fputs("pdq,quality,exact,md5,sha1,sha256,photodna,entry,name,category,tags,source,date,extra,"
          "frames\n",
          out);
}

static void write_frames(FILE *out, const hk_entry *entry)
{
    for (size_t i = 0; i < entry->cut_count; i++) {
        hk_hash hash;
        char text[HK_HASH_TEXT_SIZE];
        const unsigned number = hk_cut_get(&hash, entry->cuts + i * HK_CUT_SIZE);
        hk_hash_format(text, &hash);
        fprintf(out, "%s%u:%s", i ? " " : "", number, text);
    }
}

static bool write_row(FILE *out, const hk_entry *entry, bool first)
{
    char text[HK__PHOTODNA_BASE64 + 1];
    const char *const words[] = {entry->id, entry->name, entry->category, entry->tags,
                                 entry->source};
    (void)first;
    if (!hk__entry_has_value(entry))
        return false;
    if (entry->has_hash) {
        hk_hash_format(text, &entry->hash);
        fputs(text, out);
    }
    putc(',', out);
    if (entry->has_hash && entry->quality != HK_NO_QUALITY)
        fprintf(out, "%d", entry->quality);
    putc(',', out);
    if (entry->has_exact_hash) {
        hk_hash_format(text, &entry->exact_hash);
        fputs(text, out);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        putc(',', out);
        if (entry->digests.present >> basis & 1)
            fputs(hk__hex(text, hk__digest_bytes(&entry->digests, (hk_basis)basis),
                          hk__digest_size((hk_basis)basis), false),
                  out);
    }
    putc(',', out);
    if (entry->has_photodna)
        fputs(hk__photodna_text(text, entry->photodna), out);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        putc(',', out);
        hk__row_put(out, words[i] ? words[i] : "");
    }
    fprintf(out, ",%s,", hk__date_text(text, entry->date));
    hk__row_put(out, entry->extra ? entry->extra : "");
    putc(',', out);
    write_frames(out, entry);
    putc('\n', out);
    return true;
}

static void end(FILE *out)
{
    (void)out;
}

const hk__format hk__format_csv = {
    .info = {"csv", "CSV with a header; says everything an entry holds", true, true},
    .recognise = recognise,
    .read = read_csv,
    .begin = begin,
    .write = write_row,
    .end = end,
};
