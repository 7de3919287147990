/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_feed.c - a file of a feed, in the format FORMAT, for which this is built.
 *
 * Whatever is in it, its entries and bad lines come in order, with texts as sinks are promised
 * them; and what was read, written as CSV and as VICS, is read again as the same.
 */
#include "core/error.h"
#include "feed/entry.h"
#include "feed/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUST(what) ((what) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

typedef struct seen {
    const hk__format *csv, *vics;
    FILE *as_csv, *as_vics; /* NULL: reading again */
    size_t line, entries;
    uint64_t sum, plain_sum; /* over the entries; without extra */
    bool any_bad;
} seen;

static void check_text(const char *text)
{
    if (!text)
        return;
    MUST(*text && strlen(text) <= HK__TEXT_MAX);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int length = hk__utf8_sequence(p);
        MUST(length > 0);
        p += length;
    }
}

static hk_status take_item(void *context, const hk__feed_item *item, hk_error *err)
{
    seen *s = context;
    hk_entry entry = item->entry;
    (void)err;
    MUST(item->line >= s->line);
    s->line = item->line;
    check_text(entry.id);
    check_text(entry.category);
    check_text(entry.tags);
    check_text(entry.source);
    check_text(entry.extra);
    MUST(entry.has_hash ? entry.quality >= HK_NO_QUALITY && entry.quality <= 100
                        : entry.quality == HK_NO_QUALITY);
    MUST(hk__entry_has_value(&entry) || (item->withdraw && entry.id));
    if (item->withdraw)
        return HK_OK;
    if (s->as_csv)
        MUST(s->csv->write(s->as_csv, &entry, s->entries == 0));
    s->sum = s->sum * 31 + hk__entry_sum(1, &entry);
    entry.extra = NULL;
    if (s->as_vics)
        MUST(s->vics->write(s->as_vics, &entry, s->entries == 0));
    s->plain_sum = s->plain_sum * 31 + hk__entry_sum(1, &entry);
    s->entries++;
    return HK_OK;
}

static hk_status take_bad(void *context, size_t line, const char *reason, hk_error *err)
{
    seen *s = context;
    (void)err;
    MUST(line >= s->line && *reason);
    s->line = line;
    s->any_bad = true;
    return HK_OK;
}

static hk_status read_bytes(seen *s, const void *bytes, size_t count, const char *format)
{
    char path[64];
    hk_error err;
    const hk__sink sink = {.item = take_item, .bad = take_bad, .context = s};
    const int fd = memfd_create("feed", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const hk_status status = hk__feed_read(path, format, &sink, &err);
    MUST(!status || (status == HK_ERR_FORMAT && *err.message));
    close(fd);
    return status;
}

static void read_again(const char *text, size_t size, const char *format, const seen *before)
{
    seen again = {0};
    MUST(!read_bytes(&again, text, size, format));
    MUST(!again.any_bad && again.entries == before->entries);
    MUST(again.plain_sum == before->plain_sum);
    MUST(again.sum == before->sum || !strcmp(format, "vics"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *csv, *vics;
    size_t csv_size, vics_size;
    seen s = {.csv = hk__format_named("csv"),
              .vics = hk__format_named("vics"),
              .as_csv = open_memstream(&csv, &csv_size),
              .as_vics = open_memstream(&vics, &vics_size)};
    s.csv->begin(s.as_csv);
    s.vics->begin(s.as_vics);
    const hk_status status = read_bytes(&s, bytes, count, FORMAT);
    s.csv->end(s.as_csv);
    s.vics->end(s.as_vics);
    fclose(s.as_csv);
    fclose(s.as_vics);
    if (!status) {
        read_again(csv, csv_size, "csv", &s);
        read_again(vics, vics_size, "vics", &s);
    }
    free(csv);
    free(vics);
    return 0;
}
