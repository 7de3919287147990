/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot.c - opens snapshots; see snapshot.h. */
#include "index/snapshot.h"

#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "snapshots are mapped as they lie, which is little-endian"
#endif

/* Like PNG's: a first byte that is no text, and line ends that careless copying would change. */
const uint8_t hk__snapshot_magic[8] = {0x89, 'H', 'K', 'I', '\r', '\n', 0x1a, '\n'};

/* ---- layout -------------------------------------------------------------------------------- */

/* Puts a section of `count` elements at *at, and *at behind it, at the start of a block. */
static uint64_t section(uint64_t *at, uint64_t count, size_t size)
{
    const uint64_t place = *at;
    *at += (count * size + HK__SEAL_BLOCK - 1) & ~(uint64_t)(HK__SEAL_BLOCK - 1);
    return place;
}

bool hk__layout_place(hk__layout *l)
{
    if (l->count > UINT32_MAX || l->tables > HK__SLOTS_MAX || l->id_form > 2 ||
        l->recipe.engine > 2 || l->next_id > (uint64_t)UINT32_MAX + 1 ||
        l->recipe.max_distance > HK_HASH_BITS ||
        (l->tables && (l->tag_bits != hk__mih_tag_bits(l->count) ||
                       !hk__slots_are_sound(l->slot, l->tables, l->tag_bits))))
        return false;
    uint64_t at = HK__SNAPSHOT_HEADER;
    l->hashes = section(&at, l->count, sizeof(hk_hash));
    l->id_first = section(&at, l->id_form == 1 ? l->count / HK__IDS_BLOCK + 1 : 0, 4);
    l->ids = section(&at, l->id_form ? l->count : 0, l->id_form == 1 ? 2 : 4);
    for (unsigned t = 0; t < l->tables; t++) {
        l->start[t] =
            section(&at, (UINT64_C(1) << hk__mask_width(l->slot[t].group)) + 1, sizeof(uint32_t));
        l->tags[t] = section(&at, l->count, sizeof(uint16_t));
        l->items[t] = section(&at, 3 * l->count, 1);
    }
    for (int basis = 0; basis < HK_BASIS_PDQ; basis++) {
        if (l->digest_count[basis] > UINT32_MAX)
            return false;
        l->digests[basis] = section(&at, l->digest_count[basis], hk__digest_size((hk_basis)basis));
        l->digest_ids[basis] = section(&at, l->digest_count[basis], sizeof(uint32_t));
    }
    l->sums = at;
    l->size = at + at / HK__SEAL_BLOCK * sizeof(uint64_t);
    return true;
}

uint64_t hk__header_sum(const hk__header *header)
{
    hk__header bare = *header;
    bare.identity = bare.sum = 0;
    return hk__seal_sum(&bare, sizeof bare);
}

/* ---- opening ------------------------------------------------------------------------------- */

static hk_status check_header(hk__layout *out, const hk__header *h, uint64_t size, const char *path,
                              hk_error *err)
{
    if (size < sizeof *h || memcmp(h->magic, hk__snapshot_magic, sizeof h->magic) != 0)
        return hk__fail(err, HK_ERR_FORMAT, "%s: is no snapshot of an index", path);
    if (h->version != HK__SNAPSHOT_VERSION)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: is a snapshot of version %u, this program reads version %d: make it "
                        "anew from its list",
                        path, h->version, HK__SNAPSHOT_VERSION);
    if (h->sum != hk__seal_sum(h, offsetof(hk__header, sum)))
        return hk__fail(err, HK_ERR_FORMAT, "%s: its header is damaged: make it anew", path);
    hk__layout l = {.count = h->hash_count,
                    .tables = h->tables,
                    .tag_bits = h->tag_bits,
                    .id_form = h->id_form,
                    .next_id = h->next_id,
                    .recipe = {h->engine, h->max_distance, h->bytes_per_hash}};
    memcpy(l.digest_count, h->digest_count, sizeof l.digest_count);
    memcpy(l.slot, h->slot, sizeof l.slot);
    if (h->header_size != sizeof *h || strncmp(h->model, "pdq", sizeof h->model) != 0 ||
        !hk__layout_place(&l) || h->file_size != l.size)
        return hk__fail(err, HK_ERR_FORMAT, "%s: its header contradicts itself: make it anew",
                        path);
    if (size != l.size)
        return hk__fail(err, HK_ERR_FORMAT,
                        "%s: has %llu bytes and should have %llu: it was cut short or added to; "
                        "copy it again or make it anew",
                        path, (unsigned long long)size, (unsigned long long)l.size);
    *out = l;
    return HK_OK;
}

/* Points the base into the map. */
static hk_status fill_base(hk__base *base, const hk__layout *l, hk_error *err)
{
    const uint8_t *map = base->map;
    base->count = l->count;
    base->next_id = l->next_id;
    base->recipe = l->recipe;
    base->hashes = (const hk_hash *)(map + l->hashes);
    if (l->id_form == 1) {
        base->ids.first = (const uint32_t *)(map + l->id_first);
        base->ids.above = (const uint16_t *)(map + l->ids);
    } else if (l->id_form == 2) {
        base->ids.full = (const uint32_t *)(map + l->ids);
    }
    hk__mih *mih = &base->mih;
    *mih = (hk__mih){.tables = l->tables,
                     .hashes = base->hashes,
                     .count = l->count,
                     .tag_bits = l->tag_bits,
                     .seal = base->seal};
    for (unsigned t = 0; t < l->tables; t++)
        mih->table[t] = (hk__table){.slot = l->slot[t],
                                    .groups = (size_t)1 << hk__mask_width(l->slot[t].group),
                                    .start = (const uint32_t *)(map + l->start[t]),
                                    .tags = (const uint16_t *)(map + l->tags[t]),
                                    .items = map + l->items[t]};
    hk_status status = HK_OK;
    for (int basis = 0; !status && basis < HK_BASIS_PDQ; basis++)
        if (l->digest_count[basis])
            status = hk__digest_table_map(&base->digests[basis], hk__digest_size((hk_basis)basis),
                                          map + l->digests[basis],
                                          (const uint32_t *)(map + l->digest_ids[basis]),
                                          l->digest_count[basis], base->seal, err);
    return status;
}

static hk_status check_map(hk__base *base, hk__lineage *lineage, const char *path, hk_error *err)
{
    /* A copy: what was checked is what is used, whoever writes to the file meanwhile. */
    hk__header *h = hk__alloc(1, sizeof *h);
    hk__layout *l = hk__alloc(1, sizeof *l);
    hk_status status = h && l ? HK_OK : hk__fail_memory(err);
    if (!status) {
        memcpy(h, base->map, base->map_size < sizeof *h ? base->map_size : sizeof *h);
        status = check_header(l, h, base->map_size, path, err);
    }
    if (!status) {
        const uint8_t *map = base->map;
        const uint64_t *sums = (const uint64_t *)(map + l->sums);
        const size_t blocks = l->sums / HK__SEAL_BLOCK;
        if (hk__seal_sum(sums, blocks * sizeof *sums) != h->identity ||
            sums[0] != hk__header_sum(h))
            status =
                hk__fail(err, HK_ERR_FORMAT, "%s: its checksums are damaged: make it anew", path);
        else
            status = hk__seal_new(&base->seal, map, blocks, sums, err);
    }
    if (!status)
        status = fill_base(base, l, err);
    if (!status)
        *lineage = (hk__lineage){h->identity, h->parent, h->changes};
    hk__free(h);
    hk__free(l);
    return status;
}

static hk_status map_file(hk__base *base, const char *path, hk_error *err)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return hk__fail(err, HK_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    hk_status status = HK_OK;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        status = hk__fail(err, HK_ERR_IO, "%s: is no file", path);
    } else if (about.st_size == 0) {
        status = hk__fail(err, HK_ERR_FORMAT, "%s: is no snapshot of an index: it is empty", path);
    } else {
        base->map_size = (size_t)about.st_size;
        void *map = mmap(NULL, base->map_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            status =
                hk__fail(err, HK_ERR_SYSTEM, "%s: cannot be mapped: %s", path, strerror(errno));
        else
            base->map = map;
    }
    close(fd);
    return status;
}

hk_status hk__snapshot_open(hk__base **out, hk__lineage *lineage, const char *path, hk_error *err)
{
    hk__base *base = hk__alloc(1, sizeof *base);
    if (!base)
        return hk__fail_memory(err);
    base->holders = 1;
    hk_status status = map_file(base, path, err);
    if (!status)
        status = check_map(base, lineage, path, err);
    if (status) {
        hk__base_release(base);
        return status;
    }
    *out = base;
    return HK_OK;
}

hk_status hk__snapshot_warm(uint64_t *bytes, const hk__base *base, uint64_t most, hk_error *err)
{
    enum { STRETCH = 1 << 20 };
    const hk__seal *seal = base->seal;
    uint64_t done = HK__SNAPSHOT_HEADER, end = seal ? (uint64_t)seal->blocks << HK__SEAL_SHIFT : 0;
    if (end > most)
        end = most;
    while (done < end) {
        const uint8_t *place = seal->bytes + done;
        const uint64_t size = end - done < STRETCH ? end - done : STRETCH;
        if (!hk__seal_check(seal, place, (size_t)size))
            return hk__seal_fail(seal, place, err);
        done += size;
    }
    *bytes = end;
    return HK_OK;
}
