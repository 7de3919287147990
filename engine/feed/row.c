/* SPDX-License-Identifier: GPL-3.0-or-later */
/* row.c - see row.h. */
#include "feed/row.h"

#include "core/error.h"

#include <ctype.h>
#include <string.h>

static const char not_ended[] = "a quoted field does not end";
static const char after_quote[] = "text after a closing quote";
static const char nul_byte[] = "a NUL byte in the line";
static const char stray_return[] = "a carriage return in the line: end lines with LF or CRLF";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the quotes off a field whose text begins behind the opening one. Returns where its closing
 * quote is, or NULL. */
static char *unquote(hk__field *field, char *p, const char *end)
{
    char *to = p;
    field->text = p;
    for (;;) {
        char *quote = memchr(p, '"', (size_t)(end - p));
        if (!quote)
            return NULL;
        memmove(to, p, (size_t)(quote - p));
        to += quote - p;
        if (quote + 1 == end || quote[1] != '"') {
            field->length = (size_t)(to - field->text);
            return quote;
        }
        *to++ = '"';
        p = quote + 2;
    }
}

const char *hk__row_split(hk__row *row, char *text, size_t length, char separator)
{
    char *const end = text + length;
    row->count = 0;
    for (char *p = text;; p++) {
        if (row->count == HK__FIELDS_MAX)
            return "more than 64 fields";
        hk__field *field = &row->field[row->count++];
        while (p < end && is_blank(*p))
            p++;
        if (p < end && *p == '"') {
            p = unquote(field, p + 1, end);
            if (!p)
                return not_ended;
            do
                p++;
            while (p < end && is_blank(*p));
            if (p < end && *p != separator)
                return after_quote;
        } else {
            field->text = p;
            p = p < end ? memchr(p, separator, (size_t)(end - p)) : NULL;
            p = p ? p : end;
            char *last = p;
            while (last > field->text && is_blank(last[-1]))
                last--;
            field->length = (size_t)(last - field->text);
        }
        field->text[field->length] = '\0'; /* at p at the most */
        if (p == end)
            return NULL;
    }
}

char hk__row_separator(const char *header, size_t length)
{
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        quoted ^= header[i] == '"';
        if (!quoted && (header[i] == ';' || header[i] == ','))
            return header[i];
    }
    return ',';
}

bool hk__row_is_remark(const char *text, size_t length)
{
    while (length && is_blank(*text)) {
        text++;
        length--;
    }
    return length == 0 || *text == '#';
}

const char *hk__row_refuse(const char *text, size_t length, bool too_long)
{
    return too_long                     ? "longer than 65,536 bytes"
           : memchr(text, '\0', length) ? nul_byte
           : memchr(text, '\r', length) ? stray_return
                                        : NULL;
}

/* ---- rows of a file -------------------------------------------------------------------------- */

/* How far the quotes of a record were followed: it is extended until none is open. */
typedef struct quotes {
    enum { BEFORE_FIELD, IN_FIELD, IN_QUOTES, AFTER_QUOTES } state;
    size_t at;
} quotes;

/* Goes on to the end of the text; the reason why it is no record, or NULL. */
static const char *follow(quotes *q, const char *text, size_t length, char separator)
{
    for (; q->at < length; q->at++) {
        const char c = text[q->at];
        if (q->state == IN_QUOTES) {
            if (c != '"')
                continue;
            if (q->at + 1 < length && text[q->at + 1] == '"')
                q->at++;
            else
                q->state = AFTER_QUOTES;
        } else if (c == '\r') {
            return stray_return;
        } else if (c == separator) {
            q->state = BEFORE_FIELD;
        } else if (q->state == AFTER_QUOTES && !is_blank(c)) {
            return after_quote;
        } else if (q->state == BEFORE_FIELD && !is_blank(c)) {
            q->state = c == '"' ? IN_QUOTES : IN_FIELD;
        }
    }
    return NULL;
}

/* Brings in as many lines as the record in hand takes. *reason is set where it is none; then only
 * its first line is used up. */
static hk_status complete(const char **reason, char **text, size_t *length, char separator,
                          hk__source *source, const hk__sink *sink, hk_error *err)
{
    quotes q = {BEFORE_FIELD, 0};
    bool more = true;
    *reason = follow(&q, *text, *length, separator);
    while (!*reason && q.state == IN_QUOTES) {
        const hk_status status = hk__source_extend(&more, text, length, source, sink, err);
        if (status)
            return status;
        *reason = more ? follow(&q, *text, *length, separator) : not_ended;
    }
    if (!*reason && memchr(*text, '\0', *length))
        *reason = nul_byte;
    if (*reason)
        hk__source_put_back(source);
    return HK_OK;
}

/* Of a line below a header: "#1" may be the name of an entry. */
static bool is_remark_in_table(const char *text, size_t length)
{
    while (length && is_blank(*text)) {
        text++;
        length--;
    }
    return length == 0 || (*text == '#' && (length == 1 || is_blank(text[1])));
}

hk_status hk__row_next(hk__row *row, char *separator, hk__source *source, const hk__sink *sink,
                       hk_error *err)
{
    for (;;) {
        char *text;
        size_t length;
        bool too_long;
        hk_status status = hk__source_line(&text, &length, &too_long, source, sink, err);
        if (status || !text) {
            row->count = 0;
            return status;
        }
        row->line = hk__source_at_line(source);
        const bool quoted = !too_long && memchr(text, '"', length);
        const bool remark =
            *separator ? is_remark_in_table(text, length) : hk__row_is_remark(text, length);
        const char *reason = quoted && !remark ? NULL : hk__row_refuse(text, length, too_long);
        if (!reason && remark)
            continue;
        if (!*separator)
            *separator = hk__row_separator(text, length);
        if (quoted && !reason)
            status = complete(&reason, &text, &length, *separator, source, sink, err);
        if (!status && !reason)
            reason = hk__row_split(row, text, length, *separator);
        if (!status && reason)
            status = hk__feed_bad(sink, row->line, reason, err);
        else if (!status)
            return HK_OK;
        if (status)
            return status;
    }
}

bool hk__row_of_head(hk__row *out, char space[], const char *head, size_t length)
{
    size_t size = 0; /* of the row */
    while (length) {
        const char *lf = memchr(head + size, '\n', length - size);
        const size_t step = lf ? (size_t)(lf - head) + 1 : length;
        size = step - (lf != NULL);
        size -= size && head[size - 1] == '\r';
        if (hk__row_is_remark(head, size)) {
            head += step;
            length -= step;
            size = 0;
            continue;
        }
        memcpy(space, head, size);
        space[size] = '\0';
        const char *reason = memchr(head, '\0', size)
                                 ? nul_byte
                                 : hk__row_split(out, space, size, hk__row_separator(head, size));
        if (reason != not_ended || !lf)
            return !reason;
        size = step; /* the quotes may end further on */
    }
    return false;
}

/* The next character of a name that counts, in lowercase; 0 at the end. */
static int next_of_name(const char **name)
{
    while (is_blank(**name) || **name == '-' || **name == '_')
        ++*name;
    return **name ? tolower((unsigned char)*(*name)++) : 0;
}

bool hk__row_same_name(const char *a, const char *b)
{
    int one, other;
    do {
        one = next_of_name(&a);
        other = next_of_name(&b);
    } while (one == other && one);
    return one == other;
}

int hk__row_find(const hk__row *row, const char *name)
{
    for (size_t i = 0; i < row->count; i++)
        if (hk__row_same_name(row->field[i].text, name))
            return (int)i;
    return -1;
}

void hk__row_put(FILE *out, const char *text)
{
    const size_t length = strlen(text);
    if (!strpbrk(text, ",;\"\r\n") &&
        (length == 0 || (!is_blank(text[0]) && !is_blank(text[length - 1]) && *text != '#'))) {
        fwrite(text, 1, length, out);
        return;
    }
    const char *quote;
    putc('"', out);
    for (; (quote = strchr(text, '"')); text = quote + 1) {
        fwrite(text, 1, (size_t)(quote - text) + 1, out);
        putc('"', out);
    }
    fputs(text, out);
    putc('"', out);
}
