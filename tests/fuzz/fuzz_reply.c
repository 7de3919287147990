/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_reply.c - what a taken-over decode worker may send; accepted replies must be usable. */
#include "decode/wire.h"
#include "spectrum/spectrum.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static hk__reply reply;
    hk_fingerprint fingerprint;
    hk_hash hash[HK_ORIENTATIONS];
    count = count < sizeof reply ? count : sizeof reply;
    memset(&reply, 0, sizeof reply);
    memcpy(&reply, bytes, count);
    reply.version = HK__WIRE_VERSION; /* the cheap checks are not the interesting ones */
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
