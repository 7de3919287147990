/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json_walk.c - see json_walk.h. */
#include "feed/json_walk.h"

#include "core/error.h"
#include "core/mem.h"

#include <string.h>

enum { FIRST_PIECE = 1 << 16 };

void hk__json_open(hk__json_walk *out, hk__source *source, const hk__sink *sink)
{
    *out = (hk__json_walk){.source = source, .sink = sink, .line = 1};
}

void hk__json_close(hk__json_walk *walk)
{
    hk__free(walk->kept);
}

size_t hk__json_line(hk__json_walk *walk)
{
    size_t lines = 0;
    for (const char *p = walk->counted; p < walk->at; p++)
        lines += *p == '\n';
    walk->counted = walk->at;
    return walk->line += lines;
}

hk_status hk__json_broken(hk__json_walk *walk, const char *what, hk_error *err)
{
    return hk__fail(err, HK_ERR_FORMAT, "%s, line %zu: %s", hk__source_path(walk->source),
                    hk__json_line(walk), what);
}

/* The next bytes of the file; at == end after that: there are no more. */
static hk_status refill(hk__json_walk *walk, hk_error *err)
{
    size_t count;
    const char *bytes;
    (void)hk__json_line(walk);
    const hk_status status = hk__source_bytes(&bytes, &count, walk->source, walk->sink, err);
    if (!status) {
        walk->at = walk->counted = bytes;
        walk->end = bytes + count;
    }
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

hk_status hk__json_peek(char *out, hk__json_walk *walk, hk_error *err)
{
    for (;;) {
        while (walk->at < walk->end && is_blank(*walk->at))
            walk->at++;
        if (walk->at < walk->end) {
            if (!*walk->at)
                return hk__json_broken(walk, "a NUL byte", err);
            *out = *walk->at;
            return HK_OK;
        }
        const hk_status status = refill(walk, err);
        if (status)
            return status;
        if (walk->at == walk->end) {
            *out = 0;
            return HK_OK;
        }
    }
}

void hk__json_pass(hk__json_walk *walk)
{
    walk->at++;
}

static hk_status unexpected(hk__json_walk *walk, char found, char wanted, hk_error *err)
{
    char words[64];
    if (!found)
        return hk__json_broken(walk, "the file ends in the middle; get it again", err);
    snprintf(words, sizeof words, "broken JSON: '%c' where '%c' should be", found, wanted);
    return hk__json_broken(walk, words, err);
}

hk_status hk__json_expect(char c, hk__json_walk *walk, hk_error *err)
{
    char found = 0;
    const hk_status status = hk__json_peek(&found, walk, err);
    if (status)
        return status;
    if (found != c)
        return unexpected(walk, found, c, err);
    hk__json_pass(walk);
    return HK_OK;
}

hk_status hk__json_more(bool *out, char close, hk__json_walk *walk, hk_error *err)
{
    char found = 0;
    const hk_status status = hk__json_peek(&found, walk, err);
    if (status)
        return status;
    if (found != ',' && found != close)
        return unexpected(walk, found, close, err);
    hk__json_pass(walk);
    *out = found == ',';
    return HK_OK;
}

/* ---- cutting --------------------------------------------------------------------------------- */

/* A value while it is walked through. Places are counted from its first byte. */
typedef struct cutting {
    hk__json_walk *walk;
    hk__json_piece *piece;
    const char *stop;
    const char *from; /* of the bytes in hand, where the value's begin; kept holds those before */
    size_t depth;
    uint64_t arrays; /* bit d: bracket d, counted from 1, is a '[' */
    bool scalar, in_string, escaped;
    size_t string, string_end; /* the last string of the object itself, without its quotes */
    bool at_stop;              /* its name is that of the array to stop in */
} cutting;

/* Keeps the bytes in hand up to walk->at. What is too long is kept no more. */
static hk_status keep(cutting *c, hk_error *err)
{
    hk__json_walk *walk = c->walk;
    const size_t count = (size_t)(walk->at - c->from), all = walk->count + count;
    if (!c->piece->reason && all > HK__JSON_PIECE_MAX)
        c->piece->reason = "an object of more than 4 MB";
    if (c->piece->reason)
        return HK_OK;
    if (all >= walk->capacity) { /* one more, to close an object with */
        size_t wanted = walk->capacity ? walk->capacity : FIRST_PIECE;
        while (wanted <= all)
            wanted *= 2;
        char *grown = hk__realloc(walk->kept, wanted, 1);
        if (!grown)
            return hk__fail_memory(err);
        walk->kept = grown;
        walk->capacity = wanted;
    }
    memcpy(walk->kept + walk->count, c->from, count);
    walk->count = all;
    c->from = walk->at;
    return HK_OK;
}

/* Place in the value of the byte at walk->at. */
static size_t place(const cutting *c)
{
    return c->walk->count + (size_t)(c->walk->at - c->from);
}

/* Goes to the closing quote of the string, or to the end of the bytes in hand. */
static void pass_string(cutting *c)
{
    hk__json_walk *walk = c->walk;
    for (;;) {
        const char *quote = memchr(walk->at, '"', (size_t)(walk->end - walk->at));
        const char *end = quote ? quote : walk->end, *p = end;
        while (p > walk->at && p[-1] == '\\')
            p--;
        /* An odd run of backslashes escapes what is behind it; it may have begun before. */
        const bool odd = (end - p) & 1;
        c->escaped = p == walk->at ? odd != c->escaped : odd;
        walk->at = end;
        c->in_string = !quote || c->escaped;
        if (!quote || !c->escaped)
            return;
        c->escaped = false;
        walk->at++;
    }
}

/* The name of a member of the object itself was passed: is it the one to stop at? */
static hk_status look_at_name(cutting *c, hk_error *err)
{
    hk__json_walk *walk = c->walk;
    c->at_stop = false;
    if (c->piece->reason || c->string_end - c->string != strlen(c->stop))
        return HK_OK;
    if (c->string < walk->count) { /* part of it is kept: have it in one place */
        const hk_status status = keep(c, err);
        if (status || c->piece->reason)
            return status;
    }
    const char *name =
        c->string < walk->count ? walk->kept + c->string : c->from + (c->string - walk->count);
    c->at_stop = !memcmp(name, c->stop, strlen(c->stop));
    return HK_OK;
}

static void open_bracket(cutting *c, bool array)
{
    c->depth++;
    if (c->depth > HK__JSON_DEPTH_MAX)
        c->piece->reason = "JSON nested deeper than 64";
    else if (array)
        c->arrays |= UINT64_C(1) << (c->depth - 1);
    else
        c->arrays &= ~(UINT64_C(1) << (c->depth - 1));
}

static hk_status close_bracket(cutting *c, bool array, hk_error *err)
{
    if (c->depth == 0 ||
        (c->depth <= HK__JSON_DEPTH_MAX && (c->arrays >> (c->depth - 1) & 1) != (unsigned)array))
        return hk__json_broken(c->walk, "broken JSON: a bracket that closes none of its kind", err);
    c->depth--;
    return HK_OK;
}

/* A byte outside strings that means something; *done: with it the value ends, or is stopped in. */
static hk_status take(bool *done, cutting *c, char byte, hk_error *err)
{
    hk_status status = HK_OK;
    switch (byte) {
    case '"':
        c->in_string = true;
        c->escaped = false;
        c->string = c->depth == 1 ? place(c) + 1 : c->string;
        break;
    case ':':
        if (c->depth == 1 && c->stop)
            status = look_at_name(c, err);
        break;
    case '[':
    case '{':
        c->piece->stopped = *done = byte == '[' && c->depth == 1 && c->at_stop;
        if (!*done)
            open_bracket(c, byte == '[');
        break;
    default:
        status = close_bracket(c, byte == ']', err);
        *done = c->depth == 0;
    }
    return status;
}

/* A number or a word: what comes before the next separator. */
static bool pass_scalar(hk__json_walk *walk)
{
    while (walk->at < walk->end && !is_blank(*walk->at) && !strchr(",:[]{}\"", *walk->at))
        walk->at++;
    return walk->at < walk->end;
}

/* Walks on to the end of the value, or of the bytes in hand. */
static hk_status pass_bytes(bool *done, cutting *c, hk_error *err)
{
    static const bool special[256] = {
        ['"'] = true, [':'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true};
    hk__json_walk *walk = c->walk;
    hk_status status = HK_OK;
    if (c->scalar) {
        *done = pass_scalar(walk);
        return HK_OK;
    }
    while (!status && !*done && walk->at < walk->end) {
        if (c->in_string) {
            pass_string(c);
            if (c->in_string)
                continue;
            c->string_end = c->depth == 1 ? place(c) : c->string_end;
            *done = c->depth == 0;
        } else {
            while (walk->at < walk->end && !special[(unsigned char)*walk->at])
                walk->at++;
            if (walk->at == walk->end)
                continue;
            status = take(done, c, *walk->at, err);
        }
        walk->at++;
    }
    return status;
}

/* Of an object that is stopped in: what lies before the array, as an object. */
static hk_status close_early(cutting *c, hk_error *err)
{
    hk__json_walk *walk = c->walk;
    const hk_status status = keep(c, err);
    if (status || c->piece->reason)
        return status;
    walk->count = c->string - 1;
    while (walk->count > 1 &&
           (is_blank(walk->kept[walk->count - 1]) || walk->kept[walk->count - 1] == ','))
        walk->count--;
    walk->kept[walk->count++] = '}';
    return HK_OK;
}

static hk_status begin(cutting *c, bool resume, hk_error *err)
{
    char first = '{';
    const hk_status status = resume ? HK_OK : hk__json_peek(&first, c->walk, err);
    if (status)
        return status;
    if (!first || strchr(",:]}", first))
        return hk__json_broken(c->walk,
                               first ? "broken JSON: a value is missing"
                                     : "the file ends in the middle; get it again",
                               err);
    c->scalar = !strchr("{[\"", first);
    c->depth = resume;
    c->from = c->walk->at;
    c->walk->count = 0;
    c->piece->line = hk__json_line(c->walk);
    return HK_OK;
}

hk_status hk__json_cut(hk__json_piece *out, hk__json_walk *walk, const char *stop, bool resume,
                       hk_error *err)
{
    hk__json_piece piece = {0};
    cutting c = {.walk = walk, .piece = &piece, .stop = stop};
    bool done = false;
    hk_status status = begin(&c, resume, err);
    while (!status && !done) {
        if (walk->at == walk->end) {
            status = keep(&c, err);
            if (!status)
                status = refill(walk, err);
            if (!status && walk->at == walk->end)
                status = hk__json_broken(walk, "the file ends in the middle; get it again", err);
            c.from = walk->at;
        }
        if (!status)
            status = pass_bytes(&done, &c, err);
    }
    if (!status && piece.stopped)
        status = close_early(&c, err);
    else if (!status && walk->count)
        status = keep(&c, err);
    if (status)
        return status;
    piece.text = walk->count ? walk->kept : c.from;
    piece.length = walk->count ? walk->count : (size_t)(walk->at - c.from);
    *out = piece;
    return HK_OK;
}
