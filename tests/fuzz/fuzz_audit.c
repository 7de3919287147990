/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_audit.c - an audit log that somebody else wrote: its reader, its end, and its check hold.
 * The first byte says where the anchor points to; the rest is the log.
 */
#include "ledger/audit_tail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Ends with chains that fit, which no fuzzer makes: "@" before a line's end stands for a tail. */
static size_t add_chains(char *out, size_t room, const uint8_t *bytes, size_t count)
{
    uint8_t chain[HK__SHA256_SIZE] = {0};
    char tail[HK__CHAIN_TAIL + 1];
    size_t size = 0, line = 0;
    for (size_t i = 0; i < count && size + HK__CHAIN_TAIL < room; i++) {
        if (bytes[i] == '@' && i + 1 < count && bytes[i + 1] == '\n') {
            if (!hk__chain_next(chain, tail, out + line, size - line))
                abort();
            memcpy(out + size, tail, HK__CHAIN_TAIL);
            size += HK__CHAIN_TAIL;
            line = size;
            i++;
            continue;
        }
        out[size++] = (char)bytes[i];
        if (bytes[i] == '\n')
            line = size;
    }
    return size;
}

static bool see(void *context, uint64_t number, const char *record, size_t length)
{
    uint64_t *last = context;
    if (!number || !length || record[0] != '{' || record[length - 1] != '}' ||
        memchr(record, '\n', length))
        abort();
    *last = number;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static char folder[32], db[64], log[80], text[1 << 18];
    hk__tail tail;
    hk_audit_result result;
    size_t problems;
    uint64_t last = 0;
    if (!*folder) {
        strcpy(folder, "/tmp/herken-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            abort();
        snprintf(db, sizeof db, "%s/x", folder);
        snprintf(log, sizeof log, "%s.audit", db);
    }
    if (!count)
        return 0;
    const size_t size = add_chains(text, sizeof text, bytes + 1, count - 1);
    const int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size)
        abort();
    close(fd);
    hk__head anchor = {.number = bytes[0] % 4, .file = 1, .bytes = bytes[0] * (size / 64 + 1)};
    if (!hk__audit_tail(&tail, db, &anchor, NULL) &&
        (tail.head.bytes > size || tail.torn > size - tail.head.bytes))
        abort();
    (void)!hk_audit_read(db, 1, see, &last, NULL);
    if (!hk_audit_verify(&result, &problems, db, NULL, NULL, NULL, NULL) &&
        result.torn_bytes > size)
        abort();
    unlink(log);
    return 0;
}
