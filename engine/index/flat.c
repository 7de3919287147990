/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flat.c - see flat.h.
 *
 * Hashes lie as they are stored, 32 bytes each. A query or two are compared with them as they lie:
 * reading them is what takes the time. More queries pass over one block after the other, sliced
 * into words (hamming.h) where it stays in the first cache level:
 *
 *      1,024 hashes -> word 0 x1024 | word 1 x1024 | word 2 x1024 | word 3 x1024 -> each query
 */
#include "index/flat.h"

#include "core/error.h"
#include "core/mem.h"
#include "hamming/hamming.h"

enum { BLOCK = 1024 };

static hk_status offer(hk__sieve *sieve, const hk__near *near, size_t found, size_t base,
                       hk_error *err)
{
    for (size_t i = 0; i < found; i++) {
        hk_hit hit = {0, (uint32_t)(base + near[i].position), near[i].distance};
        hk_status status = hk__sieve_offer(sieve, hit, err);
        if (status)
            return status;
    }
    return HK_OK;
}

hk_status hk__flat_within(hk__sieve *sieves, const hk_hash *hashes, size_t count,
                          const hk__seal *seal, const hk_hash *queries, size_t query_count,
                          hk_error *err)
{
    hk__within_fn *within = hk__within_in_use();
    hk__within_rows_fn *within_rows = hk__within_rows_in_use();
    const bool batch = query_count >= HK__FLAT_BATCH;
    hk__near *near = hk__alloc(BLOCK, sizeof *near);
    uint64_t *words = hk__alloc_aligned(batch ? 4 * BLOCK : 1, sizeof *words);
    hk_status status = near && words ? HK_OK : hk__fail_memory(err);
    for (size_t q = 0; q < query_count; q++)
        sieves[q].ascending = true;
    for (size_t base = 0; !status && base < count; base += BLOCK) {
        const hk_hash *rows = hashes + base;
        const size_t n = count - base < BLOCK ? count - base : BLOCK;
        if (seal && !hk__seal_check(seal, rows, n * sizeof *rows)) {
            status = hk__seal_fail(seal, rows, err);
            break;
        }
        uint64_t *const word[4] = {words, words + BLOCK, words + 2 * BLOCK, words + 3 * BLOCK};
        if (batch)
            hk__slice(word, rows, n);
        const hk__run run = {{word[0], word[1], word[2], word[3]}, n};
        for (size_t q = 0; !status && q < query_count; q++) {
            if (sieves[q].radius < 0) {
                sieves[q].dropped = true; /* full of exact copies, and more may follow */
                continue;
            }
            const unsigned radius = (unsigned)sieves[q].radius;
            const size_t found = batch ? within(near, &run, &queries[q], radius)
                                       : within_rows(near, rows, n, &queries[q], radius);
            status = offer(&sieves[q], near, found, base, err);
        }
    }
    hk__free(words);
    hk__free(near);
    return status;
}
