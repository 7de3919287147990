/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forge.h - makes the checksums of snapshots and of the changes beside them right, whatever they
 * hold: for tests and fuzzers of what is behind the checksums.
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "index/snapshot.h"

#include <string.h>

/* Blocks, identity, header. */
static inline void forge_snapshot(uint8_t *bytes, size_t size)
{
    static hk__header header;
    const size_t each = HK__SEAL_BLOCK + sizeof(uint64_t), blocks = size / each;
    uint8_t *sums = bytes + blocks * HK__SEAL_BLOCK;
    memcpy(&header, bytes, sizeof header);
    for (size_t b = 0; b < blocks; b++) {
        const uint64_t sum = b == 0   ? hk__header_sum(&header)
                             : b == 1 ? 0
                                      : hk__seal_sum(bytes + b * HK__SEAL_BLOCK, HK__SEAL_BLOCK);
        memcpy(sums + b * sizeof sum, &sum, sizeof sum);
    }
    header.identity = hk__seal_sum(sums, blocks * sizeof(uint64_t));
    header.sum = hk__seal_sum(&header, offsetof(hk__header, sum));
    memcpy(bytes, &header, sizeof header);
}

enum { LOG_MARK = 512, LOG_RECORDS = 4096, LOG_RECORD = 56 };

/* The chain of the records, from the identity in mark A; and the marks, both alike. */
static inline void forge_log(uint8_t *bytes, size_t size)
{
    uint64_t chain, count, sum;
    memcpy(&chain, bytes + 16, 8); /* the identity */
    memcpy(&count, bytes + 24, 8);
    memcpy(bytes + 32, &chain, 8);
    for (size_t i = 0; LOG_RECORDS + (i + 1) * LOG_RECORD <= size; i++) {
        uint8_t *record = bytes + LOG_RECORDS + i * LOG_RECORD;
        memcpy(record + 48, &chain, 8);
        chain = hk__seal_sum(record, LOG_RECORD);
        memcpy(record + 48, &chain, 8);
        if (i + 1 == count)
            memcpy(bytes + 32, &chain, 8);
    }
    sum = hk__seal_sum(bytes, LOG_MARK - 8);
    memcpy(bytes + LOG_MARK - 8, &sum, 8);
    memcpy(bytes + LOG_MARK, bytes, LOG_MARK);
}

#endif
