/* SPDX-License-Identifier: GPL-3.0-or-later */
/* changes.c - see changes.h. */
#include "index/changes.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/flat.h"
#include "index/numbers.h"

#include <stdlib.h>
#include <string.h>

hk__changes *hk__changes_hold(hk__changes *changes)
{
    if (changes)
        atomic_fetch_add_explicit(&changes->holders, 1, memory_order_relaxed);
    return changes;
}

static void release_block(hk__added *block)
{
    if (block && atomic_fetch_sub_explicit(&block->holders, 1, memory_order_acq_rel) == 1)
        hk__free(block);
}

void hk__changes_release(hk__changes *changes)
{
    if (!changes || atomic_fetch_sub_explicit(&changes->holders, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t b = 0; b < changes->blocks; b++)
        release_block(changes->block[b]);
    hk__free(changes->block);
    hk__free(changes->dead);
    hk__free(changes->gone);
    hk__free(changes->gone_ids);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
        hk__free(changes->digest[basis]);
    hk__free(changes);
}

size_t hk__changes_count(const hk__changes *changes, const hk__base *base)
{
    return changes ? base->count - changes->gone_count + changes->added - changes->dead_count
                   : base->count;
}

/* ---- the next state ------------------------------------------------------------------------ */

/* A copy of `count` elements with room for `more`; NULL when out of memory. */
static void *copy(const void *from, size_t count, size_t more, size_t size)
{
    void *to = hk__alloc(count + more, size);
    if (to && count)
        memcpy(to, from, count * size);
    return to;
}

/* What the changes to come can add at most. */
typedef struct growth {
    size_t hashes, digests[HK_BASIS_PDQ], dead, gone, removals;
} growth;

static hk_status measure(growth *out, const hk__changes *before, const hk__base *base,
                         const hk_index_change *change, size_t count, hk_error *err)
{
    growth g = {0};
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < count; i++) {
        size_t first, end;
        switch (change[i].kind) {
        case HK_CHANGE_ADD_HASH:
            g.hashes++;
            break;
        case HK_CHANGE_ADD_DIGEST:
            g.digests[change[i].basis]++;
            break;
        case HK_CHANGE_REMOVE:
            status = hk__base_positions(&first, &end, base, change[i].id, err);
            if (!status)
                g.gone += end - first;
            g.removals++;
            break;
        }
    }
    if (g.removals)
        g.dead = (before ? before->added : 0) + g.hashes;
    *out = g;
    return status;
}

/* The state before, copied, with room for what is to come. */
static hk__changes *start(const hk__changes *before, const growth *g)
{
    static const hk__changes nothing;
    if (!before)
        before = &nothing;
    hk__changes *c = hk__alloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->holders = 1;
    const size_t blocks = (before->added + g->hashes) / HK__CHANGES_BLOCK + 1;
    c->block = hk__alloc(blocks, sizeof *c->block);
    c->dead = copy(before->dead, before->dead_count, g->dead - (g->dead ? before->dead_count : 0),
                   sizeof *c->dead);
    c->gone = copy(before->gone, before->gone_count, g->gone, sizeof *c->gone);
    c->gone_ids = copy(before->gone_ids, before->gone_id_count, g->removals, sizeof *c->gone_ids);
    bool there = c->block && c->dead && c->gone && c->gone_ids;
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        c->digest[basis] = copy(before->digest[basis], before->digest_count[basis],
                                g->digests[basis], sizeof *c->digest[basis]);
        c->digest_count[basis] = before->digest_count[basis];
        there = there && c->digest[basis];
    }
    if (!there) {
        hk__changes_release(c);
        return NULL;
    }
    for (; c->blocks < before->blocks; c->blocks++) {
        c->block[c->blocks] = before->block[c->blocks];
        atomic_fetch_add_explicit(&c->block[c->blocks]->holders, 1, memory_order_relaxed);
    }
    c->added = before->added;
    c->dead_count = before->dead_count;
    c->gone_count = before->gone_count;
    c->gone_id_count = before->gone_id_count;
    c->next_id = before->next_id;
    c->applied = before->applied;
    return c;
}

hk__changes *hk__changes_branch(const hk__changes *changes)
{
    const growth none = {0};
    const size_t used = changes->added % HK__CHANGES_BLOCK;
    hk__changes *branch = start(changes, &none);
    if (!branch || !used)
        return branch;
    hk__added *own = hk__alloc_aligned(1, sizeof *own), **last = &branch->block[branch->blocks - 1];
    if (!own) {
        hk__changes_release(branch);
        return NULL;
    }
    own->holders = 1;
    memcpy(own->hash, (*last)->hash, used * sizeof *own->hash);
    memcpy(own->id, (*last)->id, used * sizeof *own->id);
    release_block(*last);
    *last = own;
    return branch;
}

/* Puts a number into an ascending array that has room, once. */
static void insert(uint32_t *numbers, size_t *count, uint32_t number)
{
    if (hk__is_among(number, numbers, *count))
        return;
    size_t at = (*count)++;
    for (; at > 0 && numbers[at - 1] > number; at--)
        numbers[at] = numbers[at - 1];
    numbers[at] = number;
}

/* g holds how many positions there is room for: a file somebody writes to may have more of them now
 * than when they were counted. */
static hk_status remove_id(hk__changes *c, growth *g, const hk__base *base, uint32_t id,
                           hk_error *err)
{
    size_t first, end;
    hk_status status = hk__base_positions(&first, &end, base, id, err);
    if (status)
        return status;
    if (end - first > g->gone)
        return hk__fail(err, HK_ERR_FORMAT, "the snapshot changed while it was read");
    g->gone -= end - first;
    for (size_t p = first; p < end; p++)
        insert(c->gone, &c->gone_count, (uint32_t)p);
    for (size_t a = 0; a < c->added; a++)
        if (c->block[a / HK__CHANGES_BLOCK]->id[a % HK__CHANGES_BLOCK] == id)
            insert(c->dead, &c->dead_count, (uint32_t)a);
    insert(c->gone_ids, &c->gone_id_count, id);
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        size_t kept = 0;
        for (size_t d = 0; d < c->digest_count[basis]; d++)
            if (c->digest[basis][d].id != id)
                c->digest[basis][kept++] = c->digest[basis][d];
        c->digest_count[basis] = kept;
    }
    return HK_OK;
}

static bool add_hash(hk__changes *c, const hk_hash *hash, uint32_t id)
{
    const size_t block = c->added / HK__CHANGES_BLOCK, at = c->added % HK__CHANGES_BLOCK;
    if (block == c->blocks) {
        c->block[block] = hk__alloc_aligned(1, sizeof **c->block);
        if (!c->block[block])
            return false;
        c->block[block]->holders = 1;
        c->blocks++;
    }
    c->block[block]->hash[at] = *hash;
    c->block[block]->id[at] = id;
    c->added++;
    return true;
}

static void add_digest(hk__changes *c, const hk_index_change *change)
{
    hk__added_digest *digest = &c->digest[change->basis][c->digest_count[change->basis]++];
    *digest = (hk__added_digest){.id = change->id};
    memcpy(digest->bytes, change->digest, hk__digest_size(change->basis));
}

static hk_status check(const hk_index_change *change, size_t count, hk_error *err)
{
    for (size_t i = 0; i < count; i++)
        if ((change[i].kind != HK_CHANGE_ADD_HASH && change[i].kind != HK_CHANGE_ADD_DIGEST &&
             change[i].kind != HK_CHANGE_REMOVE) ||
            (change[i].kind == HK_CHANGE_ADD_DIGEST && (unsigned)change[i].basis >= HK_BASIS_PDQ))
            return hk__fail(err, HK_ERR_USAGE, "change %zu is of no known kind or basis", i);
    return HK_OK;
}

hk_status hk__changes_apply(hk__changes **out, const hk__changes *before, const hk__base *base,
                            const hk_index_change *change, size_t count, hk_error *err)
{
    hk_status status = check(change, count, err);
    if (status)
        return status;
    growth g;
    status = measure(&g, before, base, change, count, err);
    if (status)
        return status;
    if ((before ? before->added : 0) + g.hashes + base->count > UINT32_MAX)
        return hk__fail(err, HK_ERR_LIMIT, "an index holds at most %u hashes", UINT32_MAX);
    hk__changes *c = start(before, &g);
    if (!c)
        return hk__fail_memory(err);
    for (size_t i = 0; !status && i < count; i++) {
        if (change[i].kind != HK_CHANGE_REMOVE && change[i].id >= c->next_id)
            c->next_id = (uint64_t)change[i].id + 1;
        if (change[i].kind == HK_CHANGE_REMOVE)
            status = remove_id(c, &g, base, change[i].id, err);
        else if (change[i].kind == HK_CHANGE_ADD_DIGEST)
            add_digest(c, &change[i]);
        else if (!add_hash(c, &change[i].hash, change[i].id))
            status = hk__fail_memory(err);
    }
    if (status) {
        hk__changes_release(c);
        return status;
    }
    if (c->next_id < base->next_id)
        c->next_id = base->next_id;
    c->applied += count;
    *out = c;
    return HK_OK;
}

/* ---- searching ----------------------------------------------------------------------------- */

/* Moves the hits of one block into the query's sieve, as ids, without what was removed. */
static hk_status pass_on(hk__sieve *sieve, const hk__sieve *found, const hk__changes *changes,
                         size_t block, hk_error *err)
{
    hk_status status = HK_OK;
    for (size_t i = 0; !status && i < found->count; i++) {
        const uint32_t at = found->hit[i].item;
        const size_t place = block * HK__CHANGES_BLOCK + at;
        if (!hk__is_among((uint32_t)place, changes->dead, changes->dead_count))
            status = hk__sieve_offer(
                sieve, (hk_hit){0, changes->block[block]->id[at], found->hit[i].distance}, err);
    }
    return status;
}

hk_status hk__changes_within(hk__sieve *sieves, const hk__changes *changes, const hk_hash *queries,
                             size_t query_count, hk_error *err)
{
    hk_status status = HK_OK;
    hk__sieve *found = hk__alloc(query_count, sizeof *found);
    if (!found)
        return hk__fail_memory(err);
    for (size_t b = 0; !status && b < changes->blocks; b++) {
        const size_t base = b * HK__CHANGES_BLOCK;
        const size_t n =
            changes->added - base < HK__CHANGES_BLOCK ? changes->added - base : HK__CHANGES_BLOCK;
        for (size_t q = 0; q < query_count; q++)
            hk__sieve_restart(&found[q], (unsigned)sieves[q].radius);
        status =
            hk__flat_within(found, changes->block[b]->hash, n, NULL, queries, query_count, err);
        for (size_t q = 0; !status && q < query_count; q++)
            status = pass_on(&sieves[q], &found[q], changes, b, err);
    }
    for (size_t q = 0; q < query_count; q++)
        hk__sieve_clear(&found[q]);
    hk__free(found);
    return status;
}

bool hk__changes_removed(const hk__changes *changes, uint32_t id)
{
    return hk__is_among(id, changes->gone_ids, changes->gone_id_count);
}

size_t hk__changes_find_digest(uint32_t *out, const hk__changes *changes, hk_basis basis,
                               const uint8_t *digest)
{
    size_t found = 0;
    for (size_t d = 0; d < changes->digest_count[basis]; d++)
        if (!memcmp(changes->digest[basis][d].bytes, digest, hk__digest_size(basis)))
            out[found++] = changes->digest[basis][d].id;
    return found;
}
