/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feed_unit.h - what the tests of feeds share: a file from bytes, and what a reader makes of it, a
 * line for each entry and each bad line.
 *
 *      12 entry | id=A-1 | pdq=f8f8.. | category=1          (no '|': nothing there)
 *      13 bad | md5 is not 32 hex digits
 */
#ifndef TESTS_FEED_UNIT_H
#define TESTS_FEED_UNIT_H

#include "unit.h"

#include "core/digest.h"
#include "feed/entry.h"
#include "feed/feed.h"
#include "feed/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PDQ "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
#define PDQ_2 "54977f4b4c0a4c6e9b2a66c1e3b8d5f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define MD5 "900150983cd24fb0d6963f7d28e17f72"
#define SHA1 "a9993e364706816aba3e25717850c26c9cd0d89d"
#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

typedef struct told {
    FILE *out;
    char *text;
    size_t size, entries, bad;
    uint64_t bytes; /* of the last sink->at */
    hk_error err;
} told;

static inline void tell_text(FILE *out, const char *name, const char *text)
{
    if (!text)
        return;
    assert_true(*text && strlen(text) <= HK__TEXT_MAX);
    fprintf(out, " | %s=", name);
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            fputs(*text == '\n' ? "\\n" : "\\r", out);
        else
            putc(*text, out);
}

static inline void tell_hash(FILE *out, const char *name, const hk_hash *hash)
{
    char text[HK_HASH_TEXT_SIZE];
    hk_hash_format(text, hash);
    tell_text(out, name, text);
}

static inline hk_status tell_item(void *context, const hk__feed_item *item, hk_error *err)
{
    told *t = context;
    const hk_entry *e = &item->entry;
    char text[HK__PHOTODNA_BASE64 + 1];
    (void)err;
    assert_true(hk__entry_has_value(e) || (item->withdraw && e->id));
    assert_true(e->has_hash || e->quality == HK_NO_QUALITY);
    t->entries++;
    fprintf(t->out, "%zu entry", item->line);
    tell_text(t->out, "id", e->id);
    tell_text(t->out, "name", e->name);
    if (e->has_hash)
        tell_hash(t->out, "pdq", &e->hash);
    if (e->quality != HK_NO_QUALITY)
        fprintf(t->out, " | quality=%d", e->quality);
    if (e->has_exact_hash)
        tell_hash(t->out, "exact", &e->exact_hash);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        if (e->digests.present >> basis & 1)
            tell_text(t->out, hk_basis_name((hk_basis)basis),
                      hk__hex(text, hk__digest_bytes(&e->digests, (hk_basis)basis),
                              hk__digest_size((hk_basis)basis), false));
    if (e->has_photodna)
        tell_text(t->out, "photodna", hk__photodna_text(text, e->photodna));
    tell_text(t->out, "category", e->category);
    tell_text(t->out, "tags", e->tags);
    tell_text(t->out, "source", e->source);
    if (e->date != HK_NO_DATE)
        tell_text(t->out, "date", hk__date_text(text, e->date));
    tell_text(t->out, "extra", e->extra);
    fputs(item->withdraw ? " | withdraw=yes\n" : "\n", t->out);
    return HK_OK;
}

static inline hk_status tell_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    told *t = context;
    (void)err;
    t->bad++;
    fprintf(t->out, "%zu bad | %s\n", line, reason);
    return HK_OK;
}

static inline hk_status tell_at(void *context, uint64_t bytes, uint64_t size, hk_error *err)
{
    told *t = context;
    (void)err;
    assert_true(bytes >= t->bytes && (size == 0 || bytes <= size));
    t->bytes = bytes;
    return HK_OK;
}

/* What a file holds, in *t; free t->text. */
static inline hk_status tell_file(told *t, const char *path, const char *format)
{
    *t = (told){0};
    t->out = open_memstream(&t->text, &t->size);
    const hk__sink sink = {.item = tell_item, .bad = tell_bad, .at = tell_at, .context = t};
    const hk_status status = hk__feed_read(path, format, &sink, &t->err);
    fclose(t->out);
    return status;
}

static inline void write_feed(char path[32], const void *bytes, size_t count)
{
    strcpy(path, "/tmp/herken-feed-XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t done = 0; done < count;) {
        const ssize_t n = write(fd, (const char *)bytes + done, count - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    close(fd);
}

static inline hk_status tell_bytes(told *t, const void *bytes, size_t count, const char *format)
{
    char path[32];
    write_feed(path, bytes, count);
    const hk_status status = tell_file(t, path, format);
    unlink(path);
    return status;
}

/* The bytes hold exactly what `expected` says. */
static inline void expect_bytes(const void *bytes, size_t count, const char *format,
                                const char *expected)
{
    told t;
    const hk_status status = tell_bytes(&t, bytes, count, format);
    if (status || strcmp(t.text, expected))
        print_error("for: %.200s\nexpected:\n%.2000s\ngot (%d, %s):\n%.2000s\n",
                    (const char *)bytes, expected, status, t.err.message, t.text);
    assert_int_equal(status, HK_OK);
    assert_string_equal(t.text, expected);
    free(t.text);
}

static inline void expect(const char *text, const char *expected)
{
    expect_bytes(text, strlen(text), NULL, expected);
}

/* The whole is refused, with these words. */
static inline void expect_refused(const char *text, const char *format, hk_status expected,
                                  const char *words)
{
    told t;
    const hk_status status = tell_bytes(&t, text, strlen(text), format);
    if (status != expected || !strstr(t.err.message, words))
        print_error("for: %.200s\ngot (%d, %s):\n%.2000s\n", text, status, t.err.message, t.text);
    assert_int_equal(status, expected);
    assert_int_equal(t.err.status, expected);
    assert_non_null(strstr(t.err.message, words));
    free(t.text);
}

#endif
