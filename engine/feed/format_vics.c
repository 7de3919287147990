/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * format_vics.c - reads Project VIC and CAID JSON (VICS 1.2, 1.3, 2.0): hash sets, whose `value`
 * holds Media objects, and case files, whose `value` holds Cases with Media in each. The reader
 * looks at what is there, not at what the root calls itself.
 *
 *      Media                            entry
 *      MediaID (in a case: CaseID/MediaID)    id
 *      Category                         category
 *      MD5, SHA1, SHA256, PhotoDNA      digests, PhotoDNA
 *      AlternativeHashes                PDQ, MD5, SHA1, SHA256, PhotoDNA; and ours, see
 * vics_write.c Tags                             tags; of an array, its words with a blank between
 *      DateUpdated                      date
 *      PrecategorizationSource          source
 *      MediaFiles, Exifs                not kept: where one owner has the file, not what it is
 *      others that are not null         extra, under their names
 *
 * One Media object at a time is cut out of the file (json_walk.c) and parsed, so that memory does
 * not grow with the file. One that cannot be used is a bad line: that on which it begins. MediaIDs
 * are counted in each case anew, so those of a case without CaseID and CaseNumber are not ids.
 */
#include "core/error.h"
#include "core/mem.h"
#include "feed/extra.h"
#include "feed/json_walk.h"
#include "feed/row.h"
#include "feed/value.h"
#include "feed/vics.h"

#include <string.h>
#include <strings.h>

typedef struct reader {
    hk__giving giving;
    hk__json_walk walk;
    hk__extra others;  /* of the object in hand: what goes into extra */
    json_t *leftovers; /* and which AlternativeHashes do; NULL: none */
    bool no_memory;    /* for those */
    bool found;        /* an array of values */
    bool in_case;
    char number[24]; /* Category */
    char case_name[HK__TEXT_MAX + 1], id[2 * HK__TEXT_MAX + 32];
    char tags[HK__TEXT_MAX + 1], extra[HK__TEXT_MAX + 1];
} reader;

static const char too_many[] = "more than 64 members that are kept as extra";

hk__vics_member hk__vics_member_named(const char *name, size_t length)
{
    static const struct {
        const char *name;
        size_t length;
        hk__vics_member member;
    } known[] = {
#define NAMED(name, member) {name, sizeof name - 1, member}
        NAMED("MediaID", HK__VICS_ID),
        NAMED("Category", HK__VICS_CATEGORY),
        NAMED("MD5", HK__VICS_MD5),
        NAMED("SHA1", HK__VICS_SHA1),
        NAMED("SHA256", HK__VICS_SHA256),
        NAMED("PhotoDNA", HK__VICS_PHOTODNA),
        NAMED("RelativeFilePath", HK__VICS_NAME),
        NAMED("Tags", HK__VICS_TAGS),
        NAMED("DateUpdated", HK__VICS_DATE),
        NAMED("PrecategorizationSource", HK__VICS_SOURCE),
        NAMED("AlternativeHashes", HK__VICS_HASHES),
        NAMED("MediaFiles", HK__VICS_DROPPED),
        NAMED("Exifs", HK__VICS_DROPPED),
#undef NAMED
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].length == length && !strncasecmp(known[i].name, name, length))
            return known[i].member;
    return HK__VICS_OTHER;
}

/* ---- members --------------------------------------------------------------------------------- */

/* A number or a text as text, in `number` if it is a number; NULL: it is neither. */
static const char *text_of(char number[24], const json_t *value)
{
    if (json_is_integer(value)) {
        snprintf(number, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return number;
    }
    return json_string_value(value);
}

static const char *read_id(reader *r, hk_entry *entry, const json_t *value)
{
    char number[24];
    const char *text = text_of(number, value);
    if (!text)
        return "MediaID is neither a number nor a text";
    if (strlen(text) > HK__TEXT_MAX)
        return "MediaID is longer than 4,096 bytes";
    if (!*text || (r->in_case && !*r->case_name))
        return NULL;
    snprintf(r->id, sizeof r->id, "%s%s%s", r->in_case ? r->case_name : "", r->in_case ? "/" : "",
             text);
    entry->id = r->id;
    return NULL;
}

/* Tags may be one text or several. */
static const char *read_tags(reader *r, hk_entry *entry, const json_t *value)
{
    static const char reason[] = "Tags is neither a text nor an array of short ones";
    size_t i, used = 0;
    const json_t *word;
    if (json_is_string(value)) {
        entry->tags = json_string_value(value);
        return NULL;
    }
    if (!json_is_array(value))
        return reason;
    json_array_foreach(value, i, word)
    {
        const size_t length = json_string_length(word);
        if (!json_is_string(word) || used + length + 1 > HK__TEXT_MAX)
            return reason;
        if (used)
            r->tags[used++] = ' ';
        for (const char *p = json_string_value(word); *p; p++)
            r->tags[used++] = *p == ' ' ? '_' : *p;
    }
    r->tags[used] = '\0';
    entry->tags = r->tags;
    return NULL;
}

/* Takes a hash in hex or, of PhotoDNA, base64; one that is there already must be the same. */
static const char *read_digest(hk_entry *entry, hk_basis basis, const json_t *value)
{
    static const char *const reasons[] = {"MD5 is not 32 hex digits", "SHA1 is not 40 hex digits",
                                          "SHA256 is not 64 hex digits"};
    hk_digests digests = {0};
    if (!json_is_string(value))
        return reasons[basis];
    if (json_string_length(value) == 0)
        return NULL;
    if (!hk__read_digest(&digests, basis, json_string_value(value), json_string_length(value)))
        return reasons[basis];
    if (entry->digests.present & digests.present) {
        const hk_digests *had = &entry->digests;
        if ((basis == HK_BASIS_MD5 && memcmp(had->md5, digests.md5, sizeof digests.md5)) ||
            (basis == HK_BASIS_SHA1 && memcmp(had->sha1, digests.sha1, sizeof digests.sha1)) ||
            (basis == HK_BASIS_SHA256 &&
             memcmp(had->sha256, digests.sha256, sizeof digests.sha256)))
            return "two digests of one kind that differ";
    }
    (void)hk__read_digest(&entry->digests, basis, json_string_value(value),
                          json_string_length(value));
    return NULL;
}

static const char *read_photodna(hk_entry *entry, const json_t *value)
{
    uint8_t bytes[HK_PHOTODNA_SIZE];
    if (json_is_string(value) && json_string_length(value) == 0)
        return NULL;
    if (!json_is_string(value) ||
        !hk__read_photodna(bytes, json_string_value(value), json_string_length(value)))
        return "PhotoDNA is neither 192 characters of base64 nor 288 hex digits";
    if (entry->has_photodna && memcmp(bytes, entry->photodna, sizeof bytes))
        return "two PhotoDNA values that differ";
    memcpy(entry->photodna, bytes, sizeof bytes);
    entry->has_photodna = true;
    return NULL;
}

static const char *read_hash(bool *has, hk_hash *hash, const json_t *value)
{
    hk_hash read;
    if (!hk__read_hash(&read, json_string_value(value), json_string_length(value)))
        return "a PDQ hash in AlternativeHashes is not 64 hex digits";
    if (*has && hk_hash_distance(&read, hash))
        return "two PDQ hashes that differ";
    *has = true;
    *hash = read;
    return NULL;
}

/* One of AlternativeHashes; what we do not know is left over for extra. */
static const char *read_other_hash(reader *r, hk_entry *entry, json_t *pair)
{
    const json_t *value = json_object_get(pair, "HashValue");
    const char *name = json_string_value(json_object_get(pair, "HashName"));
    if (!name || !json_is_string(value))
        return "AlternativeHashes holds something else than HashName and HashValue";
    if (json_string_length(value) == 0)
        return NULL;
    if (hk__row_same_name(name, "PDQ"))
        return read_hash(&entry->has_hash, &entry->hash, value);
    if (hk__row_same_name(name, "PDQ-exact"))
        return read_hash(&entry->has_exact_hash, &entry->exact_hash, value);
    if (hk__row_same_name(name, "PDQ-quality"))
        return hk__read_quality(&entry->quality, json_string_value(value),
                                json_string_length(value))
                   ? NULL
                   : "the quality in AlternativeHashes is not a whole number from 0 to 100";
    if (hk__row_same_name(name, "PhotoDNA"))
        return read_photodna(entry, value);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (hk__row_same_name(name, hk_basis_name((hk_basis)basis)))
            return read_digest(entry, (hk_basis)basis, value);
    if (!r->leftovers)
        r->leftovers = json_array();
    r->no_memory |= json_array_append(r->leftovers, pair) != 0;
    return NULL;
}

static const char *read_hashes(reader *r, hk_entry *entry, const json_t *value)
{
    const char *reason = json_is_array(value) ? NULL : "AlternativeHashes is no array";
    size_t i;
    json_t *pair;
    json_array_foreach(value, i, pair) if (!reason) reason = read_other_hash(r, entry, pair);
    return reason;
}

/* Some write booleans as texts. */
static json_t *as_boolean(const char *name, json_t *value)
{
    static const char *const names[] = {"VictimIdentified", "OffenderIdentified", "IsDistributed",
                                        "IsSuspected", "IsPrecategorized"};
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]) && (!strcasecmp(text, "true") || !strcasecmp(text, "false")))
            return json_boolean(!strcasecmp(text, "true"));
    return value;
}

/* Puts one member, which is not null, into the entry or r->others. */
static const char *read_member(reader *r, hk_entry *entry, hk__vics_member member, const char *name,
                               json_t *value)
{
    switch (member) {
    case HK__VICS_ID:
        return read_id(r, entry, value);
    case HK__VICS_CATEGORY:
        entry->category = text_of(r->number, value);
        return entry->category ? NULL : "Category is neither a number nor a text";
    case HK__VICS_MD5:
        return read_digest(entry, HK_BASIS_MD5, value);
    case HK__VICS_SHA1:
        return read_digest(entry, HK_BASIS_SHA1, value);
    case HK__VICS_SHA256:
        return read_digest(entry, HK_BASIS_SHA256, value);
    case HK__VICS_PHOTODNA:
        return read_photodna(entry, value);
    case HK__VICS_TAGS:
        return read_tags(r, entry, value);
    case HK__VICS_NAME:
        entry->name = json_string_value(value);
        return entry->name ? NULL : "RelativeFilePath is no text";
    case HK__VICS_DATE:
        return json_is_string(value) && hk__read_date(&entry->date, json_string_value(value),
                                                      json_string_length(value))
                   ? NULL
                   : "DateUpdated is neither as in ISO 8601 nor /Date(milliseconds)/";
    case HK__VICS_SOURCE:
        entry->source = json_string_value(value);
        return entry->source ? NULL : "PrecategorizationSource is no text";
    case HK__VICS_HASHES:
        return read_hashes(r, entry, value);
    case HK__VICS_DROPPED:
        return NULL;
    default:
        return hk__extra_add(&r->others, name, NULL, as_boolean(name, value)) ? NULL : too_many;
    }
}

static const char *read_members(reader *r, hk_entry *entry, json_t *media)
{
    const char *name, *reason = NULL;
    json_t *value;
    unsigned seen = 0;
    json_object_foreach(media, name, value)
    {
        const hk__vics_member member = hk__vics_member_named(name, strlen(name));
        if (member != HK__VICS_OTHER && member != HK__VICS_DROPPED && seen >> member & 1)
            reason = "a JSON object that names one member twice";
        seen |= 1u << member;
        if (!reason && !json_is_null(value))
            reason = read_member(r, entry, member, name, value);
    }
    if (r->leftovers && !hk__extra_add(&r->others, "AlternativeHashes", NULL, r->leftovers))
        reason = too_many;
    return reason;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* A case in which nothing was found. */
static bool is_empty_case(const json_t *media)
{
    const json_t *inside = json_object_get(media, "Media");
    return (json_object_get(media, "CaseID") || json_object_get(media, "CaseNumber")) &&
           (!inside || json_is_null(inside));
}

static hk_status read_media(reader *r, const hk__json_piece *piece, hk_error *err)
{
    hk__feed_item item = {.entry = HK_ENTRY_INIT, .line = piece->line};
    const char *reason = piece->reason;
    json_t *media = NULL;
    hk_status status = HK_OK;
    if (!reason)
        status = hk__extra_parse(&media, &reason, piece->text, piece->length, err);
    const bool empty = media && !r->in_case && is_empty_case(media);
    if (media && !empty) {
        reason = read_members(r, &item.entry, media);
        if (r->no_memory)
            status = hk__fail_memory(err);
        else if (!reason)
            status = hk__extra_text(r->extra, &reason, &r->others, err);
        item.entry.extra = r->extra;
    }
    if (!status && !empty)
        status = reason ? hk__feed_bad(r->giving.sink, piece->line, reason, err)
                        : hk__feed_give(&r->giving, &item, err);
    json_decref(media);
    r->others.count = 0;
    json_decref(r->leftovers);
    r->leftovers = NULL;
    return status;
}

/* What the Media of a case are known by, from what stands before them. */
static hk_status read_case_name(reader *r, const hk__json_piece *piece, hk_error *err)
{
    char number[24];
    const char *reason = piece->reason;
    json_t *facts = NULL;
    hk_status status = HK_OK;
    if (!reason)
        status = hk__extra_parse(&facts, &reason, piece->text, piece->length, err);
    const char *name = text_of(number, json_object_get(facts, "CaseID"));
    if (!name || !*name)
        name = text_of(number, json_object_get(facts, "CaseNumber"));
    snprintf(r->case_name, sizeof r->case_name, "%s", name ? name : "");
    if (!status && reason)
        status = hk__feed_bad(r->giving.sink, piece->line, reason, err);
    json_decref(facts);
    return status;
}

/* The values of an array whose '[' was passed; outside a case they may be cases. */
static hk_status read_array(reader *r, hk_error *err);

/* A case, up to whose array of Media the walk has come. */
static hk_status read_case(reader *r, hk__json_piece *piece, hk_error *err)
{
    hk_status status = read_case_name(r, piece, err);
    while (!status && piece->stopped) {
        r->in_case = true;
        status = read_array(r, err);
        r->in_case = false;
        if (!status)
            status = hk__json_cut(piece, &r->walk, "Media", true, err);
    }
    return status;
}

static hk_status read_array(reader *r, hk_error *err)
{
    char next = 0;
    bool more = true;
    hk_status status = hk__json_peek(&next, &r->walk, err);
    if (!status && next == ']') {
        hk__json_pass(&r->walk);
        more = false;
    }
    while (!status && more) {
        hk__json_piece piece;
        status = hk__json_cut(&piece, &r->walk, r->in_case ? NULL : "Media", false, err);
        if (!status)
            status = piece.stopped ? read_case(r, &piece, err) : read_media(r, &piece, err);
        if (!status)
            status = hk__json_more(&more, ']', &r->walk, err);
    }
    return status;
}

/* One member of the root. */
static hk_status read_root_member(reader *r, hk_error *err)
{
    static const char wanted[] = "\"value\"";
    hk__json_piece piece = {0};
    char next = 0;
    hk_status status = hk__json_peek(&next, &r->walk, err);
    if (!status && next != '"')
        return hk__json_expect('"', &r->walk, err);
    if (!status)
        status = hk__json_cut(&piece, &r->walk, NULL, false, err);
    const bool values = !status && piece.length == sizeof wanted - 1 &&
                        !memcmp(piece.text, wanted, sizeof wanted - 1);
    if (!status)
        status = hk__json_expect(':', &r->walk, err);
    if (!status)
        status = hk__json_peek(&next, &r->walk, err);
    if (status)
        return status;
    if (!values || next != '[')
        return hk__json_cut(&piece, &r->walk, NULL, false, err);
    r->found = true;
    hk__json_pass(&r->walk);
    return read_array(r, err);
}

static hk_status read_root(reader *r, hk_error *err)
{
    char next = 0;
    bool more = true;
    hk_status status = hk__json_expect('{', &r->walk, err);
    if (!status)
        status = hk__json_peek(&next, &r->walk, err);
    if (!status && next == '}') {
        hk__json_pass(&r->walk);
        more = false;
    }
    while (!status && more) {
        status = read_root_member(r, err);
        if (!status)
            status = hk__json_more(&more, '}', &r->walk, err);
    }
    if (status)
        return status;
    if (!r->found)
        return hk__json_broken(&r->walk, "no Project VIC: there is no array called value", err);
    status = hk__json_peek(&next, &r->walk, err);
    return status || !next ? status
                           : hk__json_broken(&r->walk,
                                             "something follows the end; make two files "
                                             "of it",
                                             err);
}

static hk_status read_vics(hk__source *source, const hk__sink *sink, hk_error *err)
{
    reader *r = hk__alloc(1, sizeof *r);
    if (!r)
        return hk__fail_memory(err);
    r->giving.sink = sink;
    hk__json_open(&r->walk, source, sink);
    const hk_status status = read_root(r, err);
    hk__json_close(&r->walk);
    hk__free(r);
    return status;
}

static bool recognise(const char *head, size_t length)
{
    while (length && strchr(" \t\r\n", *head) && *head) {
        head++;
        length--;
    }
    return length && *head == '{';
}

const hk__format hk__format_vics = {
    .info = {"vics", "Project VIC and CAID JSON, hash sets and case files", true, true},
    .recognise = recognise,
    .read = read_vics,
    .begin = hk__vics_begin,
    .write = hk__vics_write,
    .end = hk__vics_end,
};
