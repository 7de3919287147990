/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_csv.c - a case as CSV, for spreadsheets: a header, and one row for each file, by path.
 *
 * A row for each file and not for each match: rows are then files, so that they can be counted,
 * sorted and filtered, and their sum is the account's `found`. A row has the best match alone
 * (hk__best_match), and `matches` says how many there are; JSON Lines has them all.
 *
 * Names come from suspects, and spreadsheets run what looks like a formula: a field that begins
 * with =, +, - or @, also after a separator or a quote, since where ';' separates fields a name may
 * begin some. Such a character is written as \xHH, as are control characters (line breaks too),
 * those that turn the direction of writing, and what is no UTF-8. Nothing is put in front of it,
 * which would make another name of it; the name as it is stands in path_b64, in base64, wherever
 * path had to be changed.
 */
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "feed/row.h"
#include "feed/value.h"
#include "report/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static const char header[] =
    "path,status,verdict,reason,detail,known_good,conflict,matches,matches_truncated,list,entry,"
    "category,basis,probe,distance,orientation,inverted,placement,chance,duplicate_of,member,"
    "format,width,"
    "height,"
    "bytes,hash,quality,kind,flags,md5,sha1,sha256,group,group_distance,leader,decision,"
    "decided_by,decided_at,path_b64\n";

/* ---- text ------------------------------------------------------------------------------------ */

/* Of one character of valid UTF-8, whether it steers: the direction of writing, or lines. */
static bool is_control(const unsigned char *p, int length)
{
    if (*p < 0x20 || *p == 0x7f)
        return true;
    const unsigned code = length == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
                          : length == 3
                              ? (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu)
                              : 0;
    return (code >= 0x80 && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Whether it makes a formula of what it begins; their wide forms do, in some. */
static bool begins_formula(const unsigned char *p, int length)
{
    static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
                                       "\xef\xbc\xa0"};
    if (length == 1)
        return strchr("=+-@", *p) != NULL;
    for (size_t i = 0; length == 3 && i < sizeof wide / sizeof *wide; i++)
        if (!memcmp(p, wide[i], 3))
            return true;
    return false;
}

/* A copy that does no harm, which is owned; *changed: it is not the text. */
static hk_status make_safe(char **out, bool *changed, const char *text, hk_error *err)
{
    bool beginning = true;
    char *copy = hk__alloc(strlen(text) + 1, 4), *to = copy;
    *changed = false;
    if (!copy)
        return hk__fail_memory(err);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        int length = hk__utf8_sequence(p);
        const bool plain =
            length > 0 && !is_control(p, length) && !(beginning && begins_formula(p, length));
        if (*p != ' ')
            beginning = strchr(",;\"'", *p) != NULL;
        if (plain) {
            memcpy(to, p, (size_t)length);
            to += length;
            p += length;
            continue;
        }
        *changed = true;
        for (length = length > 0 ? length : 1; length; length--)
            to += sprintf(to, "\\x%02x", *p++);
    }
    *to = '\0';
    *out = copy;
    return HK_OK;
}

/* A row in the making; what could not be put in is remembered. */
typedef struct row {
    FILE *out;
    hk_status status;
    hk_error *err;
} row;

/* A comma and the text; says whether that had to be changed. */
static bool put_text(row *r, const char *text)
{
    char *safe = NULL;
    bool changed = false;
    putc(',', r->out);
    if (!text || r->status)
        return false;
    r->status = make_safe(&safe, &changed, text, r->err);
    if (safe)
        hk__row_put(r->out, safe);
    hk__free(safe);
    return changed;
}

/* ---- other fields ---------------------------------------------------------------------------- */

static void put_number(row *r, bool known, uint64_t value)
{
    putc(',', r->out);
    if (known)
        fprintf(r->out, "%" PRIu64, value);
}

static void put_flag(row *r, bool value)
{
    fputs(value ? ",true" : ",", r->out);
}

/* With a point, whatever the locale. */
static void put_real(row *r, double value)
{
    char text[40];
    json_t *number = json_real(value);
    const size_t length =
        number ? json_dumpb(number, text, sizeof text, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6))
               : 0;
    json_decref(number);
    if (!length || length > sizeof text) {
        if (!r->status)
            r->status = isfinite(value) ? hk__fail_memory(r->err)
                                        : hk__fail(r->err, HK_ERR_FORMAT,
                                                   "the case is damaged: a chance in it is none");
        return;
    }
    putc(',', r->out);
    fwrite(text, 1, length, r->out);
}

static void put_commas(row *r, int count)
{
    for (; count; count--)
        putc(',', r->out);
}

static void put_digest(row *r, const hk_digests *digests, hk_basis basis)
{
    char text[65];
    putc(',', r->out);
    if (digests->present >> basis & 1)
        fputs(hk__hex(text, hk__digest_bytes(digests, basis), hk__digest_size(basis), false),
              r->out);
}

/* ---- rows ------------------------------------------------------------------------------------ */

enum { MATCH_FIELDS = 10, DECISION_FIELDS = 3 };

/* "left top right bottom angle", of what was aligned. */
static void put_placement(row *r, const hk_match *match)
{
    const hk_placement *p = &match->placement;
    putc(',', r->out);
    if (match->aligned) /* + 0: no negative zero */
        fprintf(r->out, "%.4f %.4f %.4f %.4f %.2f", (double)p->left + 0, (double)p->top + 0,
                (double)p->right + 0, (double)p->bottom + 0, (double)p->angle + 0);
}

static void put_match(row *r, const hk_match *match)
{
    (void)put_text(r, match->list);
    (void)put_text(r, match->entry);
    (void)put_text(r, match->category);
    (void)put_text(r, hk_basis_name(match->basis));
    if (match->basis != HK_BASIS_PDQ) {
        put_commas(r, 6);
        return;
    }
    (void)put_text(r, match->probe);
    put_number(r, true, match->distance);
    (void)put_text(r, hk_orientation_name(match->orientation));
    put_flag(r, match->inverted);
    put_placement(r, match);
    put_real(r, match->chance);
}

static void put_flags(row *r, unsigned flags)
{
    const char *before = ",";
    if (!flags)
        putc(',', r->out);
    for (unsigned i = 0; i < HK_FLAG_COUNT; i++)
        if (flags >> i & 1) {
            fprintf(r->out, "%s%s", before, hk_flag_name(i));
            before = " ";
        }
}

static void put_picture(row *r, const hk_file *file)
{
    char hash[HK_HASH_TEXT_SIZE];
    hk_hash_format(hash, &file->fingerprint.hash[HK_ORIGINAL]);
    (void)put_text(r, file->hashed ? hash : NULL);
    put_number(r, file->hashed, (uint64_t)file->fingerprint.quality);
    (void)put_text(r, file->hashed ? hk_kind_name(file->fingerprint.kind) : NULL);
    put_flags(r, file->flags);
}

static void put_decision(row *r, const hk_decision *decision)
{
    char at[HK__DATE_SIZE];
    (void)put_text(r, decision->category);
    (void)put_text(r, decision->actor);
    (void)put_text(r, hk__date_text(at, decision->at));
}

static void put_exact_path(row *r, const char *path)
{
    char *exact = NULL;
    if (!r->status)
        r->status = hk_text_base64(&exact, path, strlen(path), r->err);
    if (exact)
        fputs(exact, r->out);
    hk__free(exact);
}

/* The first field has no comma before it. */
static bool put_path(row *r, const char *path)
{
    char *safe = NULL;
    bool changed = false;
    r->status = make_safe(&safe, &changed, path, r->err);
    if (safe)
        hk__row_put(r->out, safe);
    hk__free(safe);
    return changed;
}

static hk_status write_row(FILE *out, const hk_case_file *known, hk_error *err)
{
    const hk_file *file = &known->file;
    const hk_match *best = hk__best_match(file);
    row r = {.out = out, .err = err};
    const bool changed = put_path(&r, file->path);
    (void)put_text(&r, hk_file_status_name(file->status));
    (void)put_text(&r, hk_verdict_name(file->verdict));
    (void)put_text(&r, file->verdict_reason);
    (void)put_text(&r, file->reason);
    put_flag(&r, file->known_good);
    put_flag(&r, file->conflict);
    put_number(&r, true, file->match_count);
    put_flag(&r, file->matches_truncated);
    if (best)
        put_match(&r, best);
    else
        put_commas(&r, MATCH_FIELDS);
    (void)put_text(&r, file->duplicate_of);
    put_flag(&r, known->member);
    (void)put_text(&r, file->format);
    put_number(&r, file->width, file->width);
    put_number(&r, file->width, file->height);
    put_number(&r, known->read, known->bytes);
    put_picture(&r, file);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        put_digest(&r, &file->digests, (hk_basis)basis);
    put_number(&r, known->group, known->group);
    put_number(&r, known->group, known->group_distance);
    put_flag(&r, known->leader);
    if (known->decision)
        put_decision(&r, known->decision);
    else
        put_commas(&r, DECISION_FIELDS);
    putc(',', out);
    if (changed)
        put_exact_path(&r, file->path);
    putc('\n', out);
    return r.status;
}

hk_status hk__report_csv(FILE *out, hk_case *c, const hk_report_options *options, hk_error *err)
{
    (void)options;
    hk_case_reading *reading;
    const hk_case_file *file;
    hk_status status = hk_case_reading_open(&reading, c, 0, err);
    if (status)
        return status;
    fputs(header, out);
    while (!ferror(out) && !(status = hk_case_reading_next(&file, reading, err)) && file &&
           !(status = write_row(out, file, err)))
        ;
    hk_case_reading_close(reading);
    return status;
}
