/* SPDX-License-Identifier: GPL-3.0-or-later */
/* feed.c - the table of formats, and what a reader gives its sink (feed.h). */
#include "feed/feed.h"

#include "core/error.h"
#include "feed/entry.h"

#include <stdio.h>
#include <string.h>

/* Asked from top to bottom; text takes whatever comes. */
static const hk__format *const formats[] = {&hk__format_vics, &hk__format_nsrl, &hk__format_tx,
                                            &hk__format_csv, &hk__format_text};
enum { FORMATS = sizeof formats / sizeof *formats };

const hk_format *hk_format_get(unsigned index)
{
    return index < FORMATS ? &formats[index]->info : NULL;
}

const hk__format *hk__format_named(const char *name)
{
    for (unsigned i = 0; i < FORMATS; i++)
        if (!strcmp(name, formats[i]->info.name))
            return formats[i];
    return NULL;
}

/* What a file is that no reader could make anything of, in words; NULL: none of these. */
static const char *foreign(const char *head, size_t length)
{
    static const struct {
        const char *mark;
        size_t size;
        const char *words;
    } known[] = {
        {"SQLite format 3", 16, "an SQLite database; have its program export a list as CSV"},
        {"\xff\xfe", 2, "UTF-16 text; save it as UTF-8"},
        {"\xfe\xff", 2, "UTF-16 text; save it as UTF-8"},
        {"\x1f\x8b", 2, "compressed with gzip; unpack it first"},
        {"PK\x03\x04", 4, "a ZIP archive; unpack it first"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length >= known[i].size && !memcmp(head, known[i].mark, known[i].size))
            return known[i].words;
    return NULL;
}

/* The format of the file, as named or as its content says. */
static hk_status choose(const hk__format **out, const char *name, const hk__source *source,
                        hk_error *err)
{
    size_t length;
    const char *head = hk__source_head(&length, source);
    const char *words = foreign(head, length);
    if (words)
        return hk__fail(err, HK_ERR_FORMAT, "%s is %s", hk__source_path(source), words);
    const hk__format *format = name ? hk__format_named(name) : NULL;
    for (unsigned i = 0; !name && !format; i++)
        if (formats[i]->recognise(head, length))
            format = formats[i];
    if (!format)
        return hk__fail(err, HK_ERR_USAGE,
                        "no format is called %s; there are vics, nsrl, tx, csv and text", name);
    *out = format;
    return HK_OK;
}

hk_status hk__feed_read(const char *path, const char *format, const hk__sink *sink, hk_error *err)
{
    hk__source *source;
    const hk__format *chosen = NULL;
    hk_status status = hk__source_open(&source, path, err);
    if (status)
        return status;
    status = choose(&chosen, format, source, err);
    if (!status && sink->digests)
        status = hk__source_digest(source, err);
    if (!status)
        status = chosen->read(source, sink, err);
    if (!status && sink->digests)
        status = hk__source_finish(sink->digests, source, sink, err);
    hk__source_close(source);
    return status;
}

/* ---- what a sink is given ------------------------------------------------------------------ */

static bool is_ascii(const char *text, size_t length)
{
    uint64_t eight, high = 0;
    for (; length >= sizeof eight; text += sizeof eight, length -= sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        high |= eight;
    }
    for (; length; length--)
        high |= (unsigned char)*text++;
    return !(high & UINT64_C(0x8080808080808080));
}

const char *hk__feed_utf8(char out[HK__TEXT_MAX + 1], const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    bool escaped = false;
    size_t to = 0;
    if (length > HK__TEXT_MAX)
        return NULL;
    if (is_ascii(text, length))
        return text;
    while (*p) {
        const int sequence = hk__utf8_sequence(p);
        if (to + (sequence > 0 ? (size_t)sequence : sizeof "\\xHH" - 1) > HK__TEXT_MAX)
            return NULL;
        if (sequence > 0) {
            memcpy(out + to, p, (size_t)sequence);
            to += (size_t)sequence;
            p += sequence;
        } else {
            to += (size_t)sprintf(out + to, "\\x%02x", *p++);
            escaped = true;
        }
    }
    out[to] = '\0';
    return escaped ? out : text;
}

/* Makes the item's texts what sinks are promised; or the reason why that cannot be. */
static const char *put_texts_right(hk__giving *giving, hk_entry *entry)
{
    const char **const texts[HK__ENTRY_TEXTS] = {&entry->id,   &entry->name,   &entry->category,
                                                 &entry->tags, &entry->source, &entry->extra};
    for (int i = 0; i < HK__ENTRY_TEXTS; i++) {
        const char **text = texts[i];
        if (!*text)
            continue;
        const size_t length = strlen(*text);
        if (length == 0)
            *text = NULL;
        else if (length > HK__TEXT_MAX)
            return "a text of more than 4,096 bytes";
        else if (!giving->sink->raw && !(*text = hk__feed_utf8(giving->space[i], *text, length)))
            return "a text of more than 4,096 bytes, once what is not UTF-8 is written \\xHH";
    }
    return NULL;
}

hk_status hk__feed_give(hk__giving *giving, hk__feed_item *item, hk_error *err)
{
    const hk__sink *sink = giving->sink;
    const char *reason = put_texts_right(giving, &item->entry);
    if (!reason && !hk__entry_has_value(&item->entry)) {
        if (!item->withdraw)
            reason = "neither a hash nor a digest";
        else if (!item->entry.id)
            reason = "a withdrawal that names neither an entry nor a hash";
    }
    if (reason)
        return hk__feed_bad(sink, item->line, reason, err);
    if (!item->entry.has_hash)
        item->entry.quality = HK_NO_QUALITY;
    return sink->item(sink->context, item, err);
}

hk_status hk__feed_bad(const hk__sink *sink, size_t line, const char *reason, hk_error *err)
{
    return sink->bad(sink->context, line, reason, err);
}
