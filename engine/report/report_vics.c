/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_vics.c - a case as Project VIC 2.0: one Case, and one Media object a content, by the first
 * of its paths. Which contents: pictures (decoded or not), those that lists hit, and those that
 * people decided on. What could not be read has no digest, and stands in CSV and JSON Lines.
 *
 *      CaseID                   made of the inputs and of every content's SHA-256: the same
 *                               evidence has the same, whenever it is reported
 *      CaseNumber               the title, if there is one
 *      MediaID                  from 1
 *      Category                 what a person decided, else what the best match says, where that
 *                               is a whole number; else 0
 *      IsPrecategorized         the category is that of a match
 *      PrecategorizationSource  the list that hit
 *      Comments                 in words: match, distance, orientation, chance, decision, doubts
 *      AlternativeHashes        PDQ, PDQ-quality, SHA256, as vics_write.c names them
 *      RelativeFilePath,
 *      MediaFiles               paths as the case has them, with backslashes; of each copy
 *
 * format_vics.c reads it back. It takes texts of HK__TEXT_MAX bytes and objects of
 * HK__JSON_PIECE_MAX: Comments are cut, a longer path is left out, and of very many copies the
 * first ones are named and the others counted.
 */
#include "case/case.h"
#include "case/case_text.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/extra.h"
#include "feed/json_walk.h"
#include "feed/value.h"
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

enum {
    COMMENT_MOST =
        1500, /* twice that with escapes, and all of extra must stay below HK__TEXT_MAX */
    COPIES_MOST = HK__JSON_PIECE_MAX / 2 /* bytes for the copies of one content */
};

typedef struct writer {
    FILE *out;
    hk_case *c;
    uint64_t entries; /* that a look-up goes through */
    uint64_t media, precategorized;
    sqlite3_stmt *copies; /* paths of a content */
    char comment[COMMENT_MOST + 1];
    size_t comment_length;
} writer;

/* ---- the case -------------------------------------------------------------------------------- */

static hk_status add_text(hk__digester *digester, const char *text, hk_error *err)
{
    return hk__digester_add(digester, text, strlen(text) + 1, err);
}

static hk_status add_contents(hk__digester *digester, hk_case *c, hk_error *err)
{
    sqlite3_stmt *next;
    bool more = true;
    uint8_t sha256[32] = {0};
    hk_status status =
        hk__sql_prepare(&next, c->db, err,
                        "SELECT c.sha256 FROM content c WHERE EXISTS"
                        " (SELECT 1 FROM file f WHERE f.content = c.id) ORDER BY c.sha256",
                        "");
    if (status)
        return status;
    while (!status && !(status = hk__sql_step(&more, next, err)) && more) {
        hk__case_row row = {c, next, false};
        row.damaged |= !hk__case_row_bytes(sha256, &row, 0, sizeof sha256);
        status = hk__case_row_end(&row, err);
        if (!status)
            status = hk__digester_add(digester, sha256, sizeof sha256, err);
    }
    sqlite3_finalize(next);
    return status;
}

/* A GUID whose bits are those of a SHA-256 (version 8 of RFC 9562). */
static hk_status make_case_id(char out[37], hk_case *c, size_t inputs, hk_error *err)
{
    hk__digester *digester = NULL;
    hk_digests digests;
    hk_status status = hk__digester_new(&digester, err);
    if (status)
        return status;
    status = hk__digester_start(digester, HK_DIGEST_SHA256, err);
    for (size_t i = 0; !status && i < inputs; i++) {
        hk_case_input input;
        status = hk_case_input_get(&input, c, i, err);
        if (!status)
            status = add_text(digester, input.given, err);
    }
    if (!status)
        status = add_contents(digester, c, err);
    if (!status)
        status = hk__digester_finish(&digests, digester, err);
    hk__digester_free(digester);
    if (status)
        return status;
    char hex[33];
    digests.sha256[6] = (uint8_t)(0x80 | (digests.sha256[6] & 0x0f));
    digests.sha256[8] = (uint8_t)(0x80 | (digests.sha256[8] & 0x3f));
    hk__hex(hex, digests.sha256, 16, false);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return HK_OK;
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Adds a sentence, as far as there is room. */
static void say(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(writer *w, const char *format, ...)
{
    va_list args;
    const size_t room = sizeof w->comment - w->comment_length;
    va_start(args, format);
    const int wanted = vsnprintf(w->comment + w->comment_length, room, format, args);
    va_end(args);
    if (wanted > 0)
        w->comment_length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void say_match(writer *w, const hk_file *file, const hk_match *match)
{
    char words[HK_CHANCE_WORDS_SIZE], view[HK_VIEW_WORDS_SIZE], place[HK_PLACEMENT_WORDS_SIZE];
    if (match->basis != HK_BASIS_PDQ) {
        say(w, "exact: same %s as %.300s in list %.300s. ", hk_basis_name(match->basis),
            match->entry, match->list);
        return;
    }
    say(w, "near: %u bits (%s) from %.300s in list %.300s, %s%s%s%s%s; %s%s. ", match->distance,
        match->probe, match->entry, match->list, hk_orientation_name(match->orientation),
        match->inverted ? ", colours inverted" : "", match->aligned ? ", once aligned: " : "",
        hk_placement_words(place, match), hk_view_words(view, match),
        hk_chance_words(words, match->aligned ? HK_KIND_PHOTO : file->fingerprint.kind,
                        match->chance, w->entries),
        match->chance_extrapolated ? " (extrapolated)" : "");
}

/* unread: in how many of its places opening it failed. */
static void make_comment(writer *w, const hk_case_file *known, const hk_match *hit, uint64_t unread)
{
    const hk_file *file = &known->file;
    w->comment[w->comment_length = 0] = '\0';
    if (hit)
        say_match(w, file, hit);
    if (hit && file->match_count > 1)
        say(w, "%zu matches in all. ", file->match_count);
    if (unread && file->verdict < HK_VERDICT_NEAR && !file->known_good)
        say(w, "not checked in %" PRIu64 " of its places: what is in this archive was not read. ",
            unread);
    if (file->verdict == HK_VERDICT_NOT_CHECKED)
        say(w, "not checked: %s. ", file->verdict_reason ? file->verdict_reason : "no verdict");
    if (file->known_good)
        say(w, "in a known-good list. ");
    if (file->conflict)
        say(w, "conflict: lists of known and of known-good material both hit. ");
    if (known->decision)
        say(w, "decided by %.200s: %.200s. ", known->decision->actor, known->decision->category);
}

/* ---- one content ----------------------------------------------------------------------------- */

/* Whether it is what a number looks like when it is written. */
static bool is_number(const char *text)
{
    const size_t digits = text ? strspn(text, "0123456789") : 0;
    return digits && digits < 19 && !text[digits] && (*text != '0' || digits == 1);
}

static const char *mime_type(const char *format)
{
    static const char *const known[][2] = {{"jpeg", "image/jpeg"},
                                           {"png", "image/png"},
                                           {"webp", "image/webp"},
                                           {"gif", "image/gif"},
                                           {"tiff", "image/tiff"},
                                           {"heic", "image/heic"},
                                           {"avif", "image/avif"},
                                           {"bmp", "image/bmp"},
                                           {"jxl", "image/jxl"},
                                           {"jp2", "image/jp2"},
                                           {"psd", "image/vnd.adobe.photoshop"},
                                           {"ico", "image/vnd.microsoft.icon"},
                                           {"pnm", "image/x-portable-anymap"},
                                           {"svg", "image/svg+xml"},
                                           {"exr", "image/x-exr"},
                                           {"hdr", "image/vnd.radiance"}};
    for (size_t i = 0; format && i < sizeof known / sizeof *known; i++)
        if (!strcmp(format, known[i][0]))
            return known[i][1];
    return NULL;
}

static void put_text(writer *w, const char *name, const char *text)
{
    fprintf(w->out, ",\"%s\":", name);
    hk__json_put(w->out, text);
}

static void put_digest(writer *w, const char *name, const hk_digests *digests, hk_basis basis)
{
    char text[65];
    if (digests->present >> basis & 1)
        put_text(w, name,
                 hk__hex(text, hk__digest_bytes(digests, basis), hk__digest_size(basis), true));
}

static void put_hashes(writer *w, const hk_file *file)
{
    char text[HK_HASH_TEXT_SIZE];
    const char *comma = "";
    fputs(",\"AlternativeHashes\":[", w->out);
    if (file->hashed) {
        hk_hash_format(text, &file->fingerprint.hash[HK_ORIGINAL]);
        fprintf(w->out,
                "{\"HashName\":\"PDQ\",\"HashValue\":\"%s\"},"
                "{\"HashName\":\"PDQ-quality\",\"HashValue\":\"%d\"}",
                text, file->fingerprint.quality);
        comma = ",";
    }
    if (file->digests.present & HK_DIGEST_SHA256)
        fprintf(w->out, "%s{\"HashName\":\"SHA256\",\"HashValue\":\"%s\"}", comma,
                hk__hex(text, file->digests.sha256, sizeof file->digests.sha256, true));
    putc(']', w->out);
}

/* A path with backslashes, which is owned. */
static hk_status backslashed(char **out, const char *path, hk_error *err)
{
    char *copy = hk__strndup(path, strlen(path));
    if (!copy)
        return hk__fail_memory(err);
    for (char *p = copy; (p = strchr(p, '/')); p++)
        *p = '\\';
    *out = copy;
    return HK_OK;
}

/* Bytes of what hk__json_put makes of it, at most. */
static size_t escaped_length(const char *text)
{
    size_t length = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        length += *p < 0x20 || *p >= 0x7f ? 6 : *p == '"' || *p == '\\' || *p == '/' ? 2 : 1;
    return length;
}

static void put_copy(writer *w, const char *path, const char *name, const hk_digests *digests,
                     bool first)
{
    fputs(first ? "\n {\"FileName\":" : ",\n {\"FileName\":", w->out);
    hk__json_put(w->out, name);
    put_text(w, "FilePath", path);
    put_digest(w, "MD5", digests, HK_BASIS_MD5);
    putc('}', w->out);
}

/* *left_out: copies for which there was no room; *unread: those that could not be opened. */
static hk_status put_copies(uint64_t *left_out, uint64_t *unread, writer *w,
                            const hk_case_file *known, hk_error *err)
{
    size_t used = 0;
    bool more = true;
    hk_status status = HK_OK;
    fputs(",\"MediaFiles\":[", w->out);
    *left_out = *unread = 0;
    sqlite3_reset(w->copies);
    sqlite3_bind_int64(w->copies, 1, (int64_t)known->content);
    while (!status && !(status = hk__sql_step(&more, w->copies, err)) && more) {
        hk__case_row row = {w->c, w->copies, false};
        char *path = NULL;
        const char *raw = hk__case_row_text(&row, 0);
        row.damaged |= !raw;
        *unread += hk__case_row_flag(&row, 1);
        status = hk__case_row_end(&row, err);
        if (status)
            break;
        const size_t size = 2 * escaped_length(raw) + 100; /* the name and the path */
        if (used + size > COPIES_MOST) {
            ++*left_out;
            continue;
        }
        status = backslashed(&path, raw, err);
        if (status)
            break;
        const char *slash = strrchr(raw, '/');
        put_copy(w, path, slash ? slash + 1 : raw, &known->file.digests, !used);
        hk__free(path);
        used += size;
    }
    putc(']', w->out);
    return status;
}

static hk_status put_first_path(writer *w, const char *raw, hk_error *err)
{
    char *path = NULL, fits[HK__TEXT_MAX + 1];
    hk_status status = backslashed(&path, raw, err);
    if (status)
        return status;
    if (hk__feed_utf8(fits, path, strlen(path)))
        put_text(w, "RelativeFilePath", path);
    hk__free(path);
    return HK_OK;
}

static hk_status write_media(writer *w, const hk_case_file *known, hk_error *err)
{
    const hk_file *file = &known->file;
    const bool is_hit = file->verdict == HK_VERDICT_EXACT || file->verdict == HK_VERDICT_NEAR;
    const hk_match *hit = is_hit ? hk__best_match(file) : NULL;
    const char *decided = known->decision ? known->decision->category : NULL;
    const char *matched = !decided && hit && is_number(hit->category) ? hit->category : NULL;
    const char *category = decided && is_number(decided) ? decided : matched ? matched : "0";
    const char *mime = mime_type(file->format);
    uint64_t left_out, unread;
    fprintf(w->out, "%s{\"MediaID\":%" PRIu64 ",\"Category\":%s", w->media ? ",\n" : "",
            w->media + 1, category);
    w->media++;
    w->precategorized += matched != NULL;
    put_digest(w, "MD5", &file->digests, HK_BASIS_MD5);
    put_digest(w, "SHA1", &file->digests, HK_BASIS_SHA1);
    fprintf(w->out, ",\"MediaSize\":%" PRIu64, known->bytes);
    if (mime)
        put_text(w, "MimeType", mime);
    hk_status status = put_first_path(w, file->path, err);
    if (status)
        return status;
    fprintf(w->out, ",\"IsPrecategorized\":%s", matched ? "true" : "false");
    if (hit) {
        char source[1001];
        snprintf(source, sizeof source, "%s", hit->list);
        hk__printable(source);
        put_text(w, "PrecategorizationSource", source);
    }
    put_hashes(w, file);
    status = put_copies(&left_out, &unread, w, known, err);
    if (status)
        return status;
    make_comment(w, known, hit, unread);
    if (left_out)
        say(w, "%" PRIu64 " more copies are not named here.", left_out);
    hk__printable(w->comment);
    const size_t length = strlen(w->comment);
    if (length && w->comment[length - 1] == ' ')
        w->comment[length - 1] = '\0';
    if (*w->comment)
        put_text(w, "Comments", w->comment);
    putc('}', w->out);
    return HK_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool is_wanted(const hk_case_file *known)
{
    return known->content &&
           (known->file.format || known->decision || known->file.verdict == HK_VERDICT_EXACT ||
            known->file.verdict == HK_VERDICT_NEAR);
}

static hk_status write_all_media(writer *w, hk_error *err)
{
    hk_case_reading *reading;
    const hk_case_file *known;
    hk_status status = hk_case_reading_open(&reading, w->c, HK_CASE_FIRSTS | HK__CASE_PLAIN, err);
    if (status)
        return status;
    while (!ferror(w->out) && !(status = hk_case_reading_next(&known, reading, err)) && known)
        if (is_wanted(known) && (status = write_media(w, known, err)))
            break;
    hk_case_reading_close(reading);
    return status;
}

static void write_head(writer *w, const char *id, const char *title, const char *version)
{
    fputs("{\"@odata.context\":\"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/"
          "Default/$metadata#Cases\",\"value\":[\n{",
          w->out);
    fprintf(w->out, "\"CaseID\":\"%s\"", id);
    if (title)
        put_text(w, "CaseNumber", title);
    put_text(w, "SourceApplicationName", "Herken");
    put_text(w, "SourceApplicationVersion", version);
    fputs(",\"Media\":[\n", w->out);
}

hk_status hk__report_vics(FILE *out, hk_case *c, const hk_report_options *options, hk_error *err)
{
    writer w = {.out = out, .c = c};
    hk_case_info info;
    char id[37];
    hk_status status = hk_case_describe(&info, c, err);
    if (status)
        return status;
    w.entries = info.hashes;
    char *version =
        hk__strndup(info.version ? info.version : "", info.version ? strlen(info.version) : 0);
    if (!version)
        return hk__fail_memory(err);
    status = make_case_id(id, c, info.inputs, err);
    if (!status)
        status =
            hk__sql_prepare(&w.copies, c->db, err,
                            "SELECT path, coalesce(status >= 6, 0) FROM file WHERE content = ?1"
                            " ORDER BY path, id",
                            "n");
    if (!status) {
        write_head(&w, id, options->title, version);
        status = write_all_media(&w, err);
        fprintf(out,
                "\n],\"TotalMediaFiles\":%" PRIu64 ",\"TotalPrecategorized\":%" PRIu64 "}\n]}\n",
                w.media, w.precategorized);
    }
    sqlite3_finalize(w.copies);
    hk__free(version);
    return status;
}
