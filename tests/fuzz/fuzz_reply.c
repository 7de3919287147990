/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_reply.c - what a taken-over decode worker may send; accepted replies and notices must be
 * usable. The input is a reply; and notices, one after the other, of an archive.
 */
#include "decode/job.h"
#include "decode/wire.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Each of eight bytes: what is said, and the number, depth and size that it is said with. */
static void take_notices(const uint8_t *bytes, size_t count)
{
    static hk__notice notice;
    static hk__place place;
    static const hk__limits limits = {.max_depth = 3, .max_members = 9, .max_unpacked = 1 << 26};
    hk__job job = {.first = count & 3};
    uint64_t number = 0, taken = 0;
    memset(&place, 0, sizeof place);
    for (; count >= 8; bytes += 8, count -= 8) {
        notice.version = HK__WIRE_VERSION;
        notice.message = bytes[0] & 3;
        notice.id = 1;
        notice.number = number + bytes[1] % 5 - 2;
        notice.depth = bytes[2] & 3;
        notice.passed = place.passed + ((uint64_t)bytes[3] << 16);
        notice.name_size = bytes[4] * 20u;
        memset(notice.name, bytes[5], sizeof notice.name);
        const size_t size = bytes[6] ? hk__notice_size(&notice) : bytes[7];
        if (size > sizeof notice || !hk__notice_check(&notice, size, 1, limits.max_depth) ||
            !hk__place_notice(&place, &job, &notice, &limits))
            continue;
        taken++;
        if (place.number >= limits.max_members || place.number < number ||
            place.depth >= limits.max_depth || strlen(place.name) > HK__NAME_MAX || taken > 1000)
            abort();
        number = place.number;
        if (bytes[7] & 1 && hk__place_awaits(&place, &job, number)) {
            bool verdict;
            hk__place_answered(&verdict, &place, &job, false);
            if (verdict || job.first != number + 1 || hk__place_awaits(&place, &job, number))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static hk__reply reply;
    hk_fingerprint fingerprint;
    hk_hash hash[HK_ORIENTATIONS];
    take_notices(bytes, count);
    count = count < sizeof reply ? count : sizeof reply;
    memset(&reply, 0, sizeof reply);
    memcpy(&reply, bytes, count);
    reply.version = HK__WIRE_VERSION; /* the cheap checks are not the interesting ones */
    reply.message = HK__MESSAGE_REPLY;
    reply.id = 1;
    /* A fuzzer hardly ever gets 4,096 floats right: half the inputs get good ones. */
    if (count % 2)
        for (int i = 0; i < HK__GRID_SIZE; i++)
            reply.picture.grid[i] = reply.picture.exact_grid[i] = (float)(i % 256);
    size_t size = count;
    if (count % 3) { /* of the right size for what it says; a bool may only be read as 0 or 1 */
        *(uint8_t *)&reply.picture.has_pixels &= 1;
        *(uint8_t *)&reply.picture.has_exact &= 1;
        size = hk__reply_size(&reply);
    }
    if (size <= sizeof reply && hk__reply_check(&reply, size, 1)) {
        if (strlen(reply.picture.reason) >= HK__REASON_SIZE)
            abort();
        if (reply.picture.has_pixels &&
            hk__fingerprint(&fingerprint, &hk__model_pdq, reply.picture.grid, NULL))
            abort();
        bool degenerate;
        if (reply.picture.has_exact &&
            hk__exact_hashes(hash, &degenerate, &hk__model_pdq, reply.picture.exact_grid, NULL))
            abort();
    }
    return 0;
}
