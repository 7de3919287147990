/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format_tx.c - the signals of ThreatExchange's tools, as `tx dataset -P --csv` prints them.
 *
 *      signal_type,signal_str,collab,category,tags
 *
 * Signals are pdq, md5 or video_md5, sha1, sha256 and photodna; those of texts and links are bad
 * lines. POSITIVE_CLASS says no more than that a signal is on the list; INVESTIGATION_SEED and
 * DISPUTED are the entry's category; NEGATIVE_CLASS is the verdict that a signal is not what the
 * list is about: such a line withdraws it. Collab is the entry's source. (The local lists of tx,
 * `signal_type hash` a line, are read as text.)
 *
 * A signal has one value and no id. So an entry of several values is written as several lines, and
 * what tx has no place for goes into words among the tags, with %HH for blanks and '%':
 *
 *      herken.entry:ID           its id
 *      herken.values:KEY         where it has none, but several values: a sum over them
 *      herken.category:NAME      its category, where it is no class of tx's
 *
 * Lines that follow each other with the same first or second word, and the same besides, are one
 * entry again, unless two of them have a value of one kind. Quality, hashes of the exact grid, date
 * and extra are left out.
 */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/entry.h"
#include "feed/row.h"
#include "feed/value.h"

#include <string.h>

static const char entry_word[] = "herken.entry:";
static const char name_word[] = "herken.name:";
static const char values_word[] = "herken.values:";
static const char category_word[] = "herken.category:";
static const char positive[] = "POSITIVE_CLASS", negative[] = "NEGATIVE_CLASS";

enum { TYPE, SIGNAL, COLLAB, CATEGORY, TAGS, COLUMNS };
static const char *const names[COLUMNS] = {"signal_type", "signal_str", "collab", "category",
                                           "tags"};

/* An entry whose next values may be in the next line; its texts are here. */
typedef struct pending {
    hk__feed_item item;
    bool some;
    char id[HK__LINE_MAX + 1], name[HK__LINE_MAX + 1], values[HK__LINE_MAX + 1];
    char category[HK__LINE_MAX + 1];
    char tags[HK__LINE_MAX + 1], source[HK__LINE_MAX + 1];
} pending;

typedef struct reader {
    hk__giving giving;
    const hk__sink *rows; /* for lines that are no rows: the entry in hand comes first */
    int column[COLUMNS];  /* -1: there is none */
    size_t count;
    pending *now, *next;
} reader;

/* ---- reading --------------------------------------------------------------------------------- */

/* Copies a word, with %HH turned back. */
static void decode_word(char *out, const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte;
        if (word[i] == '%' && i + 2 < length && hk__read_hex(&byte, 1, word + i + 1, 2) && byte) {
            *out++ = (char)byte;
            i += 2;
        } else {
            *out++ = word[i];
        }
    }
    *out = '\0';
}

/* Whether the word begins with the mark; then what follows is in out. */
static bool take_word(char *out, const char *mark, const char *word, size_t length)
{
    const size_t size = strlen(mark);
    if (length < size || memcmp(word, mark, size))
        return false;
    decode_word(out, word + size, length - size);
    return true;
}

/* Takes our own words out of the tags. */
static void read_tags(pending *p, const char *text)
{
    char *to = p->tags;
    for (size_t length; *text; text += length) {
        text += strspn(text, " ");
        length = strcspn(text, " ");
        if (length == 0 || take_word(p->id, entry_word, text, length) ||
            take_word(p->name, name_word, text, length) ||
            take_word(p->values, values_word, text, length) ||
            take_word(p->category, category_word, text, length))
            continue;
        if (to > p->tags)
            *to++ = ' ';
        memcpy(to, text, length);
        to += length;
    }
    *to = '\0';
}

static const char *read_signal(hk_entry *entry, const char *type, const char *text, size_t length)
{
    static const struct {
        const char *type;
        hk_basis basis;
    } known[] = {{"md5", HK_BASIS_MD5},
                 {"video_md5", HK_BASIS_MD5},
                 {"sha1", HK_BASIS_SHA1},
                 {"sha256", HK_BASIS_SHA256}};
    if (!strcmp(type, "pdq")) {
        entry->has_hash = hk__read_hash(&entry->hash, text, length);
        return entry->has_hash ? NULL : "pdq is not 64 hex digits";
    }
    if (!strcmp(type, "photodna")) {
        entry->has_photodna = hk__read_photodna(entry->photodna, text, length);
        return entry->has_photodna ? NULL : "not a PhotoDNA value";
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(type, known[i].type))
            return hk__read_digest(&entry->digests, known[i].basis, text, length)
                       ? NULL
                       : "a digest of the wrong length, or not hex digits";
    return "a signal that is neither pdq, md5, sha1, sha256 nor photodna";
}

static const char *field_of(const reader *r, const hk__row *row, int column)
{
    return r->column[column] < 0 ? "" : row->field[r->column[column]].text;
}

/* Reads a row into r->next; NULL, or the reason why it is none. */
static const char *read_row(reader *r, const hk__row *row)
{
    pending *p = r->next;
    if (row->count != r->count)
        return "not as many fields as the header";
    const hk__field *signal = &row->field[r->column[SIGNAL]];
    const char *type = field_of(r, row, TYPE), *category = field_of(r, row, CATEGORY);
    if (!strcmp(type, names[TYPE]))
        return "the header again";
    p->item = (hk__feed_item){.entry = HK_ENTRY_INIT, .line = row->line};
    p->id[0] = p->name[0] = p->values[0] = p->category[0] = '\0';
    strcpy(p->source, field_of(r, row, COLLAB));
    read_tags(p, field_of(r, row, TAGS));
    if (!p->category[0] && strcmp(category, positive))
        strcpy(p->category, category);
    p->item.withdraw = !strcmp(category, negative);
    hk_entry *entry = &p->item.entry;
    entry->id = p->id;
    entry->name = p->name;
    entry->category = p->category;
    entry->tags = p->tags;
    entry->source = p->source;
    p->some = true;
    return read_signal(entry, type, signal->text, signal->length);
}

/* Adds the values of the next line to the entry, if it goes on there. */
static bool join(pending *now, const pending *next)
{
    hk_entry *a = &now->item.entry;
    const hk_entry *b = &next->item.entry;
    if (!now->some || (!now->id[0] && !now->values[0]) || strcmp(now->id, next->id) ||
        strcmp(now->values, next->values) || strcmp(now->name, next->name) ||
        strcmp(now->category, next->category) || strcmp(now->tags, next->tags) ||
        strcmp(now->source, next->source) || now->item.withdraw != next->item.withdraw)
        return false;
    if ((a->has_hash && b->has_hash) || (a->has_photodna && b->has_photodna) ||
        a->digests.present & b->digests.present)
        return false;
    if (b->has_hash) {
        a->has_hash = true;
        a->hash = b->hash;
    }
    if (b->has_photodna) {
        a->has_photodna = true;
        memcpy(a->photodna, b->photodna, sizeof a->photodna);
    }
    a->digests.present |= b->digests.present;
    if (b->digests.present & HK_DIGEST_MD5)
        memcpy(a->digests.md5, b->digests.md5, sizeof a->digests.md5);
    if (b->digests.present & HK_DIGEST_SHA1)
        memcpy(a->digests.sha1, b->digests.sha1, sizeof a->digests.sha1);
    if (b->digests.present & HK_DIGEST_SHA256)
        memcpy(a->digests.sha256, b->digests.sha256, sizeof a->digests.sha256);
    return true;
}

/* Gives the sink the entry in hand. */
static hk_status flush(reader *r, hk_error *err)
{
    const bool some = r->now->some;
    r->now->some = false;
    return some ? hk__feed_give(&r->giving, &r->now->item, err) : HK_OK;
}

static hk_status bad(void *context, size_t line, const char *reason, hk_error *err)
{
    reader *r = context;
    const hk_status status = flush(r, err);
    return status ? status : hk__feed_bad(r->giving.sink, line, reason, err);
}

static hk_status at(void *context, uint64_t bytes, uint64_t size, hk_error *err)
{
    const hk__sink *sink = ((reader *)context)->giving.sink;
    return sink->at ? sink->at(sink->context, bytes, size, err) : HK_OK;
}

static hk_status take_row(reader *r, const hk__row *row, hk_error *err)
{
    const char *reason = read_row(r, row);
    if (reason)
        return bad(r, row->line, reason, err);
    if (join(r->now, r->next))
        return HK_OK;
    const hk_status status = flush(r, err);
    pending *given = r->now;
    r->now = r->next;
    r->next = given;
    return status;
}

static bool take_header(int column[COLUMNS], const hk__row *row)
{
    for (int i = 0; i < COLUMNS; i++)
        column[i] = hk__row_find(row, names[i]);
    return column[TYPE] >= 0 && column[SIGNAL] >= 0;
}

static hk_status read_rows(reader *r, hk__source *source, hk_error *err)
{
    char separator = 0;
    hk__row row = {0};
    hk_status status = hk__row_next(&row, &separator, source, r->rows, err);
    if (status || row.count == 0)
        return status;
    if (!take_header(r->column, &row))
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s, line %zu: not the header of tx: "
                        "signal_type,signal_str,collab,category,tags",
                        hk__source_path(source), row.line);
    r->count = row.count;
    while (!(status = hk__row_next(&row, &separator, source, r->rows, err)) && row.count &&
           !(status = take_row(r, &row, err)))
        ;
    return status ? status : flush(r, err);
}

static hk_status read_tx(hk__source *source, const hk__sink *sink, hk_error *err)
{
    reader r = {.giving = {.sink = sink}};
    const hk__sink rows = {.bad = bad, .at = at, .context = &r};
    pending *both = hk__alloc(2, sizeof *both);
    if (!both)
        return hk__fail_memory(err);
    r.rows = &rows;
    r.now = &both[0];
    r.next = &both[1];
    const hk_status status = read_rows(&r, source, err);
    hk__free(both);
    return status;
}

static bool recognise(const char *head, size_t length)
{
    hk__row row;
    char space[HK__HEAD_MAX + 1];
    int column[COLUMNS];
    return hk__row_of_head(&row, space, head, length) && take_header(column, &row);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void begin(FILE *out)
{
    fputs("signal_type,signal_str,collab,category,tags\n", out);
}

/* Adds a word to the tags. */
static char *add_word(char *to, const char *mark, const char *text)
{
    to = stpcpy(to, mark);
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == '%' || *text == 0x7f)
            to += sprintf(to, "%%%02x", (unsigned char)*text);
        else
            *to++ = *text;
    return strcpy(to, " ") + 1;
}

/* Everything that stands behind each signal of the entry. */
static void write_rest(FILE *out, const hk_entry *entry, size_t values)
{
    char words[10 * HK__TEXT_MAX + 128], *to = words; /* %HH, three times; and the tags */
    const char *category = entry->category ? entry->category : "";
    const bool class = !strcmp(category, "DISPUTED") || !strcmp(category, "INVESTIGATION_SEED");
    *to = '\0';
    if (entry->tags && strlen(entry->tags) <= HK__TEXT_MAX)
        to += sprintf(to, "%s ", entry->tags);
    if (entry->id && strlen(entry->id) <= HK__TEXT_MAX) {
        to = add_word(to, entry_word, entry->id);
    } else if (values > 1) {
        hk_entry bare = *entry; /* what other lists would know of it */
        bare.id = NULL;
        bare.has_exact_hash = false;
        to += sprintf(to, "%s%016llx ", values_word, (unsigned long long)hk__entry_key(&bare));
    }
    if (entry->name && strlen(entry->name) <= HK__TEXT_MAX)
        to = add_word(to, name_word, entry->name);
    if (*category && !class && strlen(category) <= HK__TEXT_MAX)
        to = add_word(to, category_word, category);
    if (to > words)
        to[-1] = '\0';
    putc(',', out);
    hk__row_put(out, entry->source ? entry->source : "");
    fprintf(out, ",%s,", class ? category : positive);
    hk__row_put(out, words);
    putc('\n', out);
}

static bool write_signals(FILE *out, const hk_entry *entry, bool first)
{
    static const char *const types[] = {"md5", "sha1", "sha256"};
    char text[HK__PHOTODNA_BASE64 + 1];
    const unsigned digests = entry->digests.present;
    const size_t values =
        (size_t)__builtin_popcount(digests) + entry->has_hash + entry->has_photodna;
    (void)first;
    if (entry->has_hash) {
        hk_hash_format(text, &entry->hash);
        fprintf(out, "pdq,%s", text);
        write_rest(out, entry, values);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (digests >> basis & 1) {
            fprintf(out, "%s,%s", types[basis],
                    hk__hex(text, hk__digest_bytes(&entry->digests, (hk_basis)basis),
                            hk__digest_size((hk_basis)basis), false));
            write_rest(out, entry, values);
        }
    if (entry->has_photodna) {
        fprintf(out, "photodna,%s", hk__photodna_text(text, entry->photodna));
        write_rest(out, entry, values);
    }
    return values > 0;
}

static void end(FILE *out)
{
    (void)out;
}

const hk__format hk__format_tx = {
    .info = {"tx", "signals as the ThreatExchange tools print them (tx dataset -P --csv)", true,
             true},
    .recognise = recognise,
    .read = read_tx,
    .begin = begin,
    .write = write_signals,
    .end = end,
};
