/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vics_write.c - writes a Project VIC 2.0 hash set, one Media object a line.
 *
 * The members are those that format_vics.c reads. What VICS has no member for goes into
 * AlternativeHashes, which is made for names and values of others:
 *
 *      PDQ            the hash, 64 hex digits. No name is registered for it; this is ours until
 *                     one is agreed
 *      PDQ-exact      the hash of the exact grid
 *      PDQ-quality    0..100
 *      SHA256
 *
 * Members of extra become members of the object; one that is called as a column is gets a '_' in
 * front, and an extra that is no JSON object of ours becomes a text called Extra. Ids and
 * categories that are whole numbers are written as such.
 */
#include "feed/vics.h"

#include "core/digest.h"
#include "feed/entry.h"
#include "feed/extra.h"
#include "feed/value.h"

#include <string.h>

void hk__vics_begin(FILE *out)
{
    fputs("{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/"
          "Default/$metadata#Media\",\"value\":[\n",
          out);
}

void hk__vics_end(FILE *out)
{
    fputs("\n]}\n", out);
}

/* Whether it is what a number looks like when it is written. */
static bool is_number(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits && digits < 19 && !text[digits] && (*text != '0' || digits == 1);
}

static void put_number_or_text(FILE *out, const char *text)
{
    if (is_number(text))
        fputs(text, out);
    else
        hk__json_put(out, text);
}

/* ---- AlternativeHashes ----------------------------------------------------------------------- */

static void put_hash(FILE *out, const char **comma, const char *name, const char *value)
{
    fprintf(out, "%s{\"HashName\":\"%s\",\"HashValue\":\"%s\"}", *comma, name, value);
    *comma = ",";
}

/* The values of an array that stands in extra, without its brackets. */
static void put_leftovers(FILE *out, const char *comma, const hk__member *hashes)
{
    if (hashes->value_length <= 2)
        return;
    fputs(comma, out);
    fwrite(hashes->value + 1, 1, hashes->value_length - 2, out);
}

static void put_hashes(FILE *out, const hk_entry *entry, const hk__member *leftovers)
{
    char text[HK_HASH_TEXT_SIZE];
    const char *comma = "";
    fputs(",\"AlternativeHashes\":[", out);
    if (entry->has_hash) {
        hk_hash_format(text, &entry->hash);
        put_hash(out, &comma, "PDQ", text);
        if (entry->quality != HK_NO_QUALITY) {
            snprintf(text, sizeof text, "%d", entry->quality);
            put_hash(out, &comma, "PDQ-quality", text);
        }
    }
    if (entry->has_exact_hash) {
        hk_hash_format(text, &entry->exact_hash);
        put_hash(out, &comma, "PDQ-exact", text);
    }
    if (entry->digests.present & HK_DIGEST_SHA256)
        put_hash(out, &comma, "SHA256",
                 hk__hex(text, entry->digests.sha256, sizeof entry->digests.sha256, true));
    put_leftovers(out, comma, leftovers);
    putc(']', out);
}

/* ---- extra ----------------------------------------------------------------------------------- */

/* Whether the member is one of AlternativeHashes that the reader left over. */
static bool is_leftover(const hk__member *member)
{
    return hk__vics_member_named(member->key, member->key_length) == HK__VICS_HASHES &&
           *member->value == '[';
}

/* Whether extra is an object as hk__extra_text writes it; *leftovers is what it holds of
 * AlternativeHashes, or empty. It may come from anybody, and must not break the whole file. */
static bool look_through(hk__member *leftovers, const char *extra)
{
    hk__member member;
    json_t *object = json_loads(extra, JSON_REJECT_DUPLICATES, NULL);
    const bool is_object = json_is_object(object);
    json_decref(object);
    *leftovers = (hk__member){0};
    const char *p = is_object && *extra == '{' ? extra : NULL;
    while (p && hk__extra_next(&member, &p))
        if (is_leftover(&member))
            *leftovers = member;
    return p && !p[1];
}

static void put_extra(FILE *out, const char *extra)
{
    hk__member member;
    while (hk__extra_next(&member, &extra)) {
        const bool taken = hk__vics_member_named(member.key, member.key_length) != HK__VICS_OTHER;
        if (is_leftover(&member))
            continue;
        fprintf(out, ",\"%s%.*s\":%.*s", taken ? "_" : "", (int)member.key_length, member.key,
                (int)member.value_length, member.value);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    fprintf(out, ",\"%s\":", name);
    hk__json_put(out, text);
}

bool hk__vics_write(FILE *out, const hk_entry *entry, bool first)
{
    char text[HK__PHOTODNA_BASE64 + 1];
    hk__member leftovers = {0};
    if (!hk__entry_has_value(entry))
        return false;
    const char *extra = entry->extra ? entry->extra : "";
    const bool ours = *extra && look_through(&leftovers, extra);
    fputs(first ? "{\"Category\":" : ",\n{\"Category\":", out);
    if (entry->category && *entry->category)
        put_number_or_text(out, entry->category);
    else
        fputs("null", out);
    if (entry->id && *entry->id) {
        fputs(",\"MediaID\":", out);
        put_number_or_text(out, entry->id);
    }
    if (entry->digests.present & HK_DIGEST_MD5)
        put_text(out, "MD5", hk__hex(text, entry->digests.md5, sizeof entry->digests.md5, true));
    if (entry->digests.present & HK_DIGEST_SHA1)
        put_text(out, "SHA1", hk__hex(text, entry->digests.sha1, sizeof entry->digests.sha1, true));
    if (entry->has_photodna)
        put_text(out, "PhotoDNA", hk__photodna_text(text, entry->photodna));
    if (entry->has_hash || entry->has_exact_hash || entry->digests.present & HK_DIGEST_SHA256 ||
        leftovers.value)
        put_hashes(out, entry, &leftovers);
    put_text(out, "RelativeFilePath", entry->name);
    put_text(out, "DateUpdated", hk__date_text(text, entry->date));
    put_text(out, "Tags", entry->tags);
    put_text(out, "PrecategorizationSource", entry->source);
    if (ours)
        put_extra(out, extra);
    else
        put_text(out, "Extra", extra);
    putc('}', out);
    return true;
}
