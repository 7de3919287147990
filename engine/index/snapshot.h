/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot.h - a base as a file. SNAPSHOT.md draws its bytes.
 *
 * Everything that stands in the file follows from its header: what there is, how much of it, and so
 * where it begins. The header is checked when the file is opened, every other block when it is
 * first used (seal.h).
 */
#ifndef HK_INDEX_SNAPSHOT_H
#define HK_INDEX_SNAPSHOT_H

#include "index/base.h"

enum { HK__SNAPSHOT_VERSION = 1, HK__SNAPSHOT_HEADER = 8192 };

/* Where a snapshot comes from: it holds the first `changes` changes that were made to `parent`. */
typedef struct hk__lineage {
    uint64_t
        identity;    /* checksum over the checksums of its blocks: equal content, equal identity */
    uint64_t parent; /* identity; 0: made anew */
    uint64_t changes;
} hk__lineage;

/* Sections in their order in the file. */
typedef struct hk__layout {
    uint64_t count;
    unsigned tables, tag_bits, id_form; /* 0: positions, 1: ids.first and above, 2: ids.full */
    hk__slot slot[HK__SLOTS_MAX];
    uint64_t digest_count[HK_BASIS_PDQ], next_id;
    hk__recipe recipe;
    /* What follows is worked out from the above, in bytes from the start of the file. */
    uint64_t hashes, id_first, ids;
    uint64_t start[HK__SLOTS_MAX], tags[HK__SLOTS_MAX], items[HK__SLOTS_MAX];
    uint64_t digests[HK_BASIS_PDQ], digest_ids[HK_BASIS_PDQ];
    uint64_t sums, size;
} hk__layout;

/* Fills in the second half; false: the first half makes no sense. */
bool hk__layout_place(hk__layout *layout);

/* Opens and maps. The base is held once. */
hk_status hk__snapshot_open(hk__base **out, hk__lineage *lineage, const char *path,
                            hk_error *err) HK_MUST_CHECK;

/* Reads and checks `most` bytes of a mapped base, so that no search has to; *bytes receives how
 * many there were, 0 of one in memory. HK_ERR_FORMAT: damaged. */
hk_status hk__snapshot_warm(uint64_t *bytes, const hk__base *base, uint64_t most,
                            hk_error *err) HK_MUST_CHECK;

/* Writes the base, with the mode of what lies at path, or else of `like` (NULL: none);
 * lineage->parent and ->changes are put down as given, ->identity is set. */
hk_status hk__snapshot_write(hk__lineage *lineage, const hk__base *base, const char *path,
                             const char *like, hk_error *err) HK_MUST_CHECK;

/* The header as it lies in the file, little-endian like all of it. */
typedef struct hk__header {
    uint8_t magic[8];
    uint32_t version, header_size;
    uint64_t file_size, hash_count;
    uint64_t digest_count[HK_BASIS_PDQ];
    uint32_t tables, tag_bits, id_form, engine;
    uint64_t parent, changes;
    uint64_t identity; /* XXH3 of the sums */
    uint64_t next_id;
    char model[16]; /* "pdq" */
    uint32_t max_distance, bytes_per_hash;
    uint8_t zero[4096 - 128];
    hk__slot slot[HK__SLOTS_MAX];
    uint8_t zero_too[4096 - 8 - HK__SLOTS_MAX * sizeof(hk__slot)];
    uint64_t sum; /* XXH3 of everything before it */
} hk__header;
_Static_assert(sizeof(hk__header) == HK__SNAPSHOT_HEADER, "the header is two blocks");
extern const uint8_t hk__snapshot_magic[8];

/* XXH3 of a header without its identity and sum: the first of the sums, so that the identity speaks
 * for the header too. */
uint64_t hk__header_sum(const hk__header *header);

#endif
