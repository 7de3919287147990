/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source.c - a file read through a buffer of fixed size (feed.h).
 *
 *      buffer  |.....|line in hand|NUL, was LF|.....read, not handed out.....|      |
 *                    ^at                       ^next                         ^end
 *
 * A line lies in one piece, so that readers work on it in place: the buffer holds several of the
 * longest, and what is left of a line at its end is moved to its beginning.
 */
#include "feed/feed.h"

#include "core/clock.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, MARK = 3, ROOM = 1 << 16 };
#define REPORT_NS (UINT64_C(1000000000) / 10)

struct hk__source {
    char *path;
    int fd;
    uint64_t size, bytes; /* of the file (0: not known), and how many of them were read */
    bool ended;
    hk__digester *digester; /* of all bytes that are read; NULL: none is wanted */
    uint64_t report;        /* when to call sink->at again, hk__clock_ns */

    size_t at, next, end; /* places in the buffer, see the picture */
    size_t length;        /* of the line in hand */
    size_t first;         /* of it and its line end, before it was extended */
    char cut;             /* what the NUL behind it took the place of */
    size_t line, lines;   /* its number, and of how many lines it is made */
    char buffer[BUFFER + 1];
};

static hk_status report(hk__source *s, const hk__sink *sink, hk_error *err)
{
    const uint64_t now = hk__clock_ns();
    if (!s->ended && now < s->report)
        return HK_OK;
    s->report = now + REPORT_NS;
    return sink->at(sink->context, s->bytes, s->size, err);
}

/* Reads more behind what is there, for which there is room; *more = false at the end. */
static hk_status fill(bool *more, hk__source *s, const hk__sink *sink, hk_error *err)
{
    ssize_t count = 0;
    if (!s->ended) {
        do
            count = read(s->fd, s->buffer + s->end, BUFFER - s->end);
        while (count < 0 && errno == EINTR);
        if (count < 0)
            return hk__fail(err, HK_ERR_SYSTEM, "cannot read %s: %s", s->path, strerror(errno));
    }
    hk_status status = HK_OK;
    if (s->digester)
        status = hk__digester_add(s->digester, s->buffer + s->end, (size_t)count, err);
    s->ended = s->ended || count == 0;
    s->end += (size_t)count;
    s->bytes += (uint64_t)count;
    *more = count > 0;
    return !status && sink && sink->at ? report(s, sink, err) : status;
}

static hk_status open_file(hk__source *s, const char *path, hk_error *err)
{
    struct stat facts;
    s->path = hk__strndup(path, strlen(path));
    if (!s->path)
        return hk__fail_memory(err);
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &facts))
        return hk__fail(err, HK_ERR_IO, "cannot open the list %s: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return hk__fail(err, HK_ERR_IO, "the list %s is a folder; name a file in it", path);
    s->size = S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
    return HK_OK;
}

hk_status hk__source_open(hk__source **out, const char *path, hk_error *err)
{
    hk__source *s = hk__alloc(1, sizeof *s);
    if (!s)
        return hk__fail_memory(err);
    s->fd = -1;
    s->lines = 1;
    hk_status status = open_file(s, path, err);
    for (bool more = true; !status && more && s->end < HK__HEAD_MAX + MARK;)
        status = fill(&more, s, NULL, err);
    if (status) {
        hk__source_close(s);
        return status;
    }
    if (s->end >= MARK && !memcmp(s->buffer, "\xef\xbb\xbf", MARK))
        s->next = MARK;
    *out = s;
    return HK_OK;
}

void hk__source_close(hk__source *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    hk__digester_free(s->digester);
    hk__free(s->path);
    hk__free(s);
}

const char *hk__source_path(const hk__source *s)
{
    return s->path;
}

const char *hk__source_head(size_t *length, const hk__source *s)
{
    const size_t count = s->end - s->next;
    *length = count < HK__HEAD_MAX ? count : HK__HEAD_MAX;
    return s->buffer + s->next;
}

/* Finds the first LF `from` bytes behind the beginning of the line or further, and reads what that
 * takes. *found = false: the file ends before, or the line is longer than it may be. */
static hk_status find_end(bool *found, size_t *length, hk__source *s, size_t from,
                          const hk__sink *sink, hk_error *err)
{
    bool more = true;
    *found = false;
    for (;;) {
        const char *line = s->buffer + s->at;
        const char *lf = memchr(line + from, '\n', s->end - s->at - from);
        if (lf) {
            *length = (size_t)(lf - line);
            *found = true;
            return HK_OK;
        }
        from = s->end - s->at;
        if (!more || from > HK__LINE_MAX + 1) /* a CR may be the last of it */
            return HK_OK;
        if (BUFFER - s->end < ROOM) {
            memmove(s->buffer, line, from);
            s->next -= s->at;
            s->at = 0;
            s->end = from;
        }
        const hk_status status = fill(&more, s, sink, err);
        if (status)
            return status;
    }
}

/* Passes over the rest of a line of which more than the most is in hand. */
static hk_status pass_over(hk__source *s, const hk__sink *sink, hk_error *err)
{
    enum { KEPT = HK__LINE_MAX + 1 };
    bool more = true;
    memmove(s->buffer, s->buffer + s->at, s->end - s->at);
    s->end -= s->at;
    s->at = 0;
    s->next = s->end;
    while (more) {
        const char *lf = memchr(s->buffer + KEPT, '\n', s->end - KEPT);
        s->next = lf ? (size_t)(lf - s->buffer) + 1 : s->end;
        if (lf)
            return HK_OK;
        s->end = s->next = KEPT;
        const hk_status status = fill(&more, s, sink, err);
        if (status)
            return status;
    }
    return HK_OK;
}

/* The line in hand is what lies before its LF or the end of the file. */
static void cut(hk__source *s, size_t length)
{
    if (length && s->buffer[s->at + length - 1] == '\r')
        length--;
    s->length = length;
    s->cut = s->buffer[s->at + length];
    s->buffer[s->at + length] = '\0';
}

hk_status hk__source_line(char **text, size_t *length, bool *too_long, hk__source *s,
                          const hk__sink *sink, hk_error *err)
{
    bool found;
    size_t count = 0;
    s->at = s->next;
    s->line += s->lines;
    s->lines = 1;
    hk_status status = find_end(&found, &count, s, 0, sink, err);
    if (!status && found) {
        s->next = s->at + count + 1;
    } else if (!status) {
        count = s->end - s->at;
        s->next = s->end;
        if (count > HK__LINE_MAX + 1)
            status = pass_over(s, sink, err);
    }
    if (status)
        return status;
    s->first = s->next - s->at;
    const bool none = count == 0 && !found;
    /* Of a line that is too long a CR further on may be its end or not: it is too long either way.
     */
    *too_long = count > HK__LINE_MAX + 1;
    cut(s, *too_long ? HK__LINE_MAX : count);
    if (s->length > HK__LINE_MAX) {
        *too_long = true;
        s->buffer[s->at + --s->length] = '\0';
    }
    *text = none ? NULL : s->buffer + s->at;
    *length = s->length;
    return HK_OK;
}

hk_status hk__source_extend(bool *more, char **text, size_t *length, hk__source *s,
                            const hk__sink *sink, hk_error *err)
{
    bool found;
    size_t count;
    const size_t before = s->next - s->at;
    s->buffer[s->at + s->length] = s->cut;
    const hk_status status = find_end(&found, &count, s, before, sink, err);
    if (status)
        return status;
    if (!found)
        count = s->end - s->at;
    *more = count <= HK__LINE_MAX && (found || count > before);
    if (*more) {
        s->next = s->at + count + found;
        s->lines++;
        cut(s, count);
    } else {
        s->buffer[s->at + s->length] = '\0';
    }
    *text = s->buffer + s->at;
    *length = s->length;
    return HK_OK;
}

void hk__source_put_back(hk__source *s)
{
    s->buffer[s->at + s->length] = s->cut;
    s->next = s->at + s->first;
    s->lines = 1;
}

hk_status hk__source_bytes(const char **bytes, size_t *count, hk__source *s, const hk__sink *sink,
                           hk_error *err)
{
    bool more;
    if (s->next == s->end) {
        s->next = s->end = 0;
        const hk_status status = fill(&more, s, sink, err);
        if (status)
            return status;
    }
    *bytes = s->buffer + s->next;
    *count = s->end - s->next;
    s->next = s->end;
    return HK_OK;
}

hk_status hk__source_digest(hk__source *s, hk_error *err)
{
    hk_status status = hk__digester_new(&s->digester, err);
    if (!status)
        status = hk__digester_start(s->digester, HK_DIGEST_SHA256, err);
    if (!status) /* what was read to see what it is, a byte-order mark too */
        status = hk__digester_add(s->digester, s->buffer, s->end, err);
    return status;
}

hk_status hk__source_finish(hk_digests *out, hk__source *s, const hk__sink *sink, hk_error *err)
{
    hk_status status = HK_OK;
    for (bool more = true; !status && more;) {
        s->next = s->end = 0;
        status = fill(&more, s, sink, err);
    }
    return status ? status : hk__digester_finish(out, s->digester, err);
}

size_t hk__source_at_line(const hk__source *s)
{
    return s->line;
}
