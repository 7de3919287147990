/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_tail.c - see audit_tail.h. */
#include "ledger/audit_tail.h"

#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_MOST = 1024 };

hk_status hk__audit_before(hk__head *out, bool *known, const char *path, hk_error *err)
{
    char line[FIRST_MOST + 1];
    hk__head head = {0};
    *known = false;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    const size_t n = fread(line, 1, FIRST_MOST, file);
    const bool failed = ferror(file);
    fclose(file);
    if (failed)
        return hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be read", path);
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    const char *kind = strstr(line, "\"kind\":\""), *number = strstr(line, ",\"file\":");
    const char *after = strstr(line, "\"after\":\"");
    if (strncmp(line, "{\"n\":", 5) || !kind || !number)
        return HK_OK;
    head.number = strtoull(line + 5, NULL, 10);
    head.file = strtoull(number + 8, NULL, 10);
    if (!head.number-- || !head.file || head.file > 1000000000)
        return HK_OK;
    if (!strncmp(kind + 8, "continued\"", 10))
        *known = after && strnlen(after + 9, 64) == 64 &&
                 hk__hex_bytes(head.chain, after + 9, sizeof head.chain);
    else
        *known = !strncmp(kind + 8, "begin\"", 6) && !head.number && head.file == 1;
    if (*known)
        *out = head;
    return HK_OK;
}

/* Whether the anchor's record ends where it should, by its chain in the file. */
static bool ends_there(const char *path, const hk__head *anchor)
{
    char tail[HK__CHAIN_TAIL + 1];
    uint8_t chain[HK__SHA256_SIZE];
    if (anchor->bytes < HK__CHAIN_TAIL || anchor->bytes > INT64_MAX)
        return false;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool there = fd >= 0 && pread(fd, tail, HK__CHAIN_TAIL,
                                        (off_t)(anchor->bytes - HK__CHAIN_TAIL)) == HK__CHAIN_TAIL;
    if (fd >= 0)
        close(fd);
    return there && !memcmp(tail + HK__CHAIN_TAIL - 3, "\"}\n", 3) &&
           hk__hex_bytes(chain, tail + HK__CHAIN_TAIL - 3 - 64, sizeof chain) &&
           !memcmp(chain, anchor->chain, sizeof chain);
}

/* Reads on to the end, from tail->head, which is in `path`. */
static hk_status read_on(hk__tail *tail, const char *path, uint64_t size, const hk__head *anchor,
                         bool anchored, hk_error *err)
{
    hk__audit_reader reader;
    hk__found found = HK__FOUND_RECORD;
    hk__head good = tail->head;
    hk_status status = hk__audit_reader_open(&reader, path, &tail->head, err);
    if (status)
        return status;
    while (!(status = hk__audit_reader_next(&found, &reader, err))) {
        if (found == HK__FOUND_END || found == HK__FOUND_TORN)
            break;
        /* Before the anchor it was acknowledged, whatever became of it since. */
        if (found != HK__FOUND_RECORD && reader.head.number >= anchor->number)
            break;
        if (found != HK__FOUND_RECORD)
            hk__audit_reader_accept(&reader);
        if (reader.head.number == anchor->number)
            anchored = !memcmp(reader.head.chain, anchor->chain, sizeof anchor->chain);
        good = reader.head;
    }
    hk__audit_reader_close(&reader);
    if (status)
        return status;
    tail->head = good;
    tail->torn = size > good.bytes ? size - good.bytes : 0;
    tail->lost = anchor->number && !anchored;
    return HK_OK;
}

/* The end of one file. A file of which not even the first record is whole has no records. */
static hk_status end_of(hk__tail *tail, const char *path, uint64_t size, const hk__head *anchor,
                        hk_error *err)
{
    hk__head before;
    bool known;
    hk_status status = hk__audit_before(&before, &known, path, err);
    if (status)
        return status;
    if (!known)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: does not begin as an audit log: move it away, see `herken audit "
                        "verify`, and start again",
                        path);
    bool anchored = !anchor->number;
    tail->head = before;
    if (anchor->number && anchor->file == before.file && ends_there(path, anchor)) {
        tail->head = *anchor;
        anchored = true;
    } else if (anchor->number && anchor->file < before.file) {
        anchored = true; /* it is in an older file, which hk_audit_verify reads */
    }
    return read_on(tail, path, size, anchor, anchored, err);
}

/* A first record that was cut short: nothing of that file was ever acknowledged. */
static hk_status is_stub(bool *stub, const char *path, uint64_t size, hk_error *err)
{
    hk__audit_reader reader;
    hk__found found;
    *stub = !size;
    if (*stub || size > FIRST_MOST)
        return HK_OK;
    hk_status status = hk__audit_reader_open(&reader, path, &(hk__head){0}, err);
    if (status)
        return status;
    status = hk__audit_reader_next(&found, &reader, err);
    *stub = !status && found == HK__FOUND_TORN;
    hk__audit_reader_close(&reader);
    return status;
}

hk_status hk__audit_tail(hk__tail *out, const char *db, const hk__head *anchor, hk_error *err)
{
    hk__tail tail = {0};
    struct stat facts;
    unsigned *files = NULL;
    size_t count = 0;
    bool stub = true;
    char *path = hk__audit_path(db, 0);
    hk_status status = path ? hk__audit_files(&files, &count, db, err) : hk__fail_memory(err);
    if (!status && !stat(path, &facts)) {
        if (!S_ISREG(facts.st_mode))
            status = hk__fail(err, HK_ERR_IO, "%s: is no file", path);
        else
            status = is_stub(&stub, path, (uint64_t)facts.st_size, err);
    }
    if (!status && !stub) {
        tail.in_current = true;
        status = end_of(&tail, path, (uint64_t)facts.st_size, anchor, err);
    } else if (!status && count) {
        hk__free(path);
        path = hk__audit_path(db, files[count - 1]);
        if (!path)
            status = hk__fail_memory(err);
        else if (stat(path, &facts))
            status = hk__fail(err, HK_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        else
            status = end_of(&tail, path, (uint64_t)facts.st_size, anchor, err);
        tail.torn = 0;
    } else {
        tail.lost = anchor->number > 0;
    }
    hk__free(files);
    hk__free(path);
    if (!status)
        *out = tail;
    return status;
}
