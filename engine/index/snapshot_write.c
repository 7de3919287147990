/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot_write.c - writes snapshots; see snapshot.h.
 *
 * Section after section goes through one block, whose checksum is taken when it is full. The header
 * comes last, into the place kept for it: a file that was not finished has no header.
 */
#include "core/digest.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/mem.h"
#include "index/snapshot.h"

#include <string.h>

enum { WRITE_BLOCKS = 256 };

typedef struct writer {
    hk__draft draft;
    const hk__seal *from; /* of the file the base lies in, so that no damage gets a new checksum */
    uint64_t at;          /* bytes written or waiting */
    uint64_t *sums;       /* [blocks of the file] */
    uint8_t *waiting;     /* [WRITE_BLOCKS blocks] */
    size_t held;
} writer;

static hk_status flush(writer *w, hk_error *err)
{
    const uint64_t first = (w->at - w->held) >> HK__SEAL_SHIFT;
    for (size_t b = 0; b < w->held >> HK__SEAL_SHIFT; b++)
        w->sums[first + b] = hk__seal_sum(w->waiting + (b << HK__SEAL_SHIFT), HK__SEAL_BLOCK);
    const size_t held = w->held;
    w->held = 0;
    return hk__draft_write(&w->draft, w->waiting, held, err);
}

static hk_status put(writer *w, const void *bytes, uint64_t count, hk_error *err)
{
    const uint8_t *next = bytes;
    while (count > 0) {
        const size_t room = ((size_t)WRITE_BLOCKS << HK__SEAL_SHIFT) - w->held;
        const size_t n = count < room ? (size_t)count : room;
        if (next) {
            memcpy(w->waiting + w->held, next, n);
            next += n;
        } else {
            memset(w->waiting + w->held, 0, n);
        }
        w->held += n;
        w->at += n;
        count -= n;
        if (n == room) {
            hk_status status = flush(w, err);
            if (status)
                return status;
        }
    }
    return HK_OK;
}

/* One section, at the place the layout gives it, filled up with zeros to the end of its block. */
static hk_status put_section(writer *w, uint64_t place, const void *bytes, uint64_t size,
                             hk_error *err)
{
    if (w->at != place)
        return hk__fail(err, HK_ERR_SYSTEM, "a section of the snapshot is out of its place");
    hk_status status = put(w, bytes, size, err);
    if (!status && w->from && !hk__seal_check(w->from, bytes, size))
        status = hk__seal_fail(w->from, bytes, err);
    const uint64_t over = w->at & (HK__SEAL_BLOCK - 1);
    if (!status && over)
        status = put(w, NULL, HK__SEAL_BLOCK - over, err);
    return status;
}

static hk_status put_sections(writer *w, const hk__base *base, const hk__layout *l, hk_error *err)
{
    const uint64_t n = l->count;
    hk_status status = put(w, NULL, HK__SNAPSHOT_HEADER, err); /* the place of the header */
    if (!status)
        status = put_section(w, l->hashes, base->hashes, n * sizeof(hk_hash), err);
    if (!status && l->id_form == 1)
        status = put_section(w, l->id_first, base->ids.first, (n / HK__IDS_BLOCK + 1) * 4, err);
    if (!status && l->id_form == 1)
        status = put_section(w, l->ids, base->ids.above, n * 2, err);
    if (!status && l->id_form == 2)
        status = put_section(w, l->ids, base->ids.full, n * 4, err);
    for (unsigned t = 0; !status && t < l->tables; t++) {
        const hk__table *table = &base->mih.table[t];
        status = put_section(w, l->start[t], table->start,
                             (table->groups + 1) * sizeof *table->start, err);
        if (!status)
            status = put_section(w, l->tags[t], table->tags, n * sizeof *table->tags, err);
        if (!status)
            status = put_section(w, l->items[t], table->items, 3 * n, err);
    }
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++) {
        const uint64_t count = l->digest_count[basis];
        if (count == 0)
            continue;
        status = put_section(w, l->digests[basis], hk__digest_table_bytes(base->digests[basis]),
                             count * hk__digest_size((hk_basis)basis), err);
        if (!status)
            status =
                put_section(w, l->digest_ids[basis], hk__digest_table_items(base->digests[basis]),
                            count * sizeof(uint32_t), err);
    }
    if (!status)
        status = flush(w, err);
    return status;
}

static void fill_header(hk__header *h, const hk__layout *l, const hk__lineage *lineage)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, hk__snapshot_magic, sizeof h->magic);
    h->version = HK__SNAPSHOT_VERSION;
    h->header_size = sizeof *h;
    h->file_size = l->size;
    h->hash_count = l->count;
    memcpy(h->digest_count, l->digest_count, sizeof h->digest_count);
    h->tables = l->tables;
    h->tag_bits = l->tag_bits;
    h->id_form = l->id_form;
    h->parent = lineage->parent;
    h->changes = lineage->changes;
    h->next_id = l->next_id;
    h->engine = l->recipe.engine;
    h->max_distance = l->recipe.max_distance;
    h->bytes_per_hash = l->recipe.bytes_per_hash;
    memcpy(h->model, "pdq", 3);
    memcpy(h->slot, l->slot, l->tables * sizeof *l->slot);
}

static hk_status write_file(writer *w, hk__lineage *lineage, const hk__base *base,
                            const hk__layout *l, hk__header *header, hk_error *err)
{
    const size_t blocks = l->sums / HK__SEAL_BLOCK;
    hk_status status = put_sections(w, base, l, err);
    if (!status && w->at != l->sums)
        status = hk__fail(err, HK_ERR_SYSTEM, "the sections of the snapshot do not add up");
    if (status)
        return status;
    fill_header(header, l, lineage);
    w->sums[0] = hk__header_sum(header);
    w->sums[1] = 0;
    lineage->identity = header->identity = hk__seal_sum(w->sums, blocks * sizeof *w->sums);
    header->sum = hk__seal_sum(header, offsetof(hk__header, sum));
    status = hk__draft_write(&w->draft, w->sums, blocks * sizeof *w->sums, err);
    if (!status)
        status = hk__draft_overwrite(&w->draft, header, sizeof *header, 0, err);
    if (!status)
        status = hk__draft_sync(&w->draft, err);
    return status ? status : hk__draft_place(&w->draft, err);
}

hk_status hk__snapshot_write(hk__lineage *lineage, const hk__base *base, const char *path,
                             const char *like, hk_error *err)
{
    hk__layout *l = hk__alloc(1, sizeof *l);
    hk__header *header = hk__alloc(1, sizeof *header);
    writer w = {.draft = {.fd = -1},
                .from = base->seal,
                .waiting = hk__alloc(WRITE_BLOCKS, HK__SEAL_BLOCK)};
    hk_status status = l && header && w.waiting ? HK_OK : hk__fail_memory(err);
    if (!status) {
        l->count = base->count;
        l->next_id = base->next_id;
        l->recipe = base->recipe;
        l->tables = base->mih.tables;
        l->tag_bits = l->tables ? base->mih.tag_bits : 0;
        l->id_form = base->ids.first ? 1 : base->ids.full ? 2 : 0;
        for (unsigned t = 0; t < l->tables; t++)
            l->slot[t] = base->mih.table[t].slot;
        for (int basis = 0; basis < HK_BASIS_PDQ; basis++)
            l->digest_count[basis] = hk__digest_table_count(base->digests[basis]);
        if (!hk__layout_place(l))
            status = hk__fail(err, HK_ERR_SYSTEM, "the index cannot be laid out as a snapshot");
    }
    if (!status) {
        w.sums = hk__alloc(l->sums / HK__SEAL_BLOCK, sizeof *w.sums);
        status = w.sums ? hk__draft_open(&w.draft, path, "", like, err) : hk__fail_memory(err);
    }
    if (!status)
        status = write_file(&w, lineage, base, l, header, err);
    hk__draft_free(&w.draft);
    hk__free(w.sums);
    hk__free(w.waiting);
    hk__free(header);
    hk__free(l);
    return status;
}
