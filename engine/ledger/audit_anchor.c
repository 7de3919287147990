/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit_anchor.c - see audit_anchor.h. */
#include "ledger/audit_anchor.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

hk_status hk__anchor_read(hk__head *out, const char *path, hk_error *err)
{
    char line[HK__ANCHOR_SIZE + 1], chain[HK_CHAIN_TEXT_SIZE], time[HK__TIME_SIZE];
    hk__head head = {0};
    int end = 0;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    const size_t n = fread(line, 1, HK__ANCHOR_SIZE, file);
    fclose(file);
    line[n] = '\0';
    if (n != HK__ANCHOR_SIZE ||
        sscanf(line, "herken audit %20" SCNu64 " %64s %27s %20" SCNu64 " %20" SCNu64 "%n",
               &head.number, chain, time, &head.file, &head.bytes, &end) != 5 ||
        strspn(line + end, " ") != HK__ANCHOR_SIZE - 1 - (size_t)end ||
        line[HK__ANCHOR_SIZE - 1] != '\n' || strlen(chain) != 64 ||
        !hk__hex_bytes(head.chain, chain, sizeof head.chain) || !hk__time_read(&head.at, time))
        return hk__fail(err, HK_ERR_FORMAT, "%s: is no anchor of an audit log", path);
    *out = head;
    return HK_OK;
}

hk_status hk__anchor_write(const char *path, const hk__head *head, hk_error *err)
{
    char line[HK__ANCHOR_SIZE + 1], chain[HK_CHAIN_TEXT_SIZE], time[HK__TIME_SIZE];
    hk__hex_text(chain, head->chain, sizeof head->chain);
    hk__time_write(time, head->at);
    const int length =
        snprintf(line, sizeof line, "herken audit %" PRIu64 " %s %s %" PRIu64 " %" PRIu64,
                 head->number, chain, time, head->file, head->bytes);
    memset(line + length, ' ', HK__ANCHOR_SIZE - (size_t)length);
    line[HK__ANCHOR_SIZE - 1] = '\n';
    /* Within one sector: a disk writes it whole or not at all. */
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool done = fd >= 0 && pwrite(fd, line, HK__ANCHOR_SIZE, 0) == HK__ANCHOR_SIZE;
    const int error = errno;
    if (fd >= 0)
        close(fd);
    return done ? HK_OK
                : hk__fail(err, HK_ERR_SYSTEM, "%s: the anchor cannot be written: %s", path,
                           strerror(error));
}
